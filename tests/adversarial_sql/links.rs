//! Hostile servers and links that are cut. Invariant: the survey ends as an error within the deadlines of the client, and nothing was proven.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use drygate::profile::Profile;
use drygate::runner::target::{
    Progress, Purpose, Target as _, TargetError, UnavailableKind, Witness, WitnessError,
};
use drygate::simulate::{Piece, Unit, Want};
use drygate::survey::TransactionProof;
use drygate::testing::{FaultCounts, fault_rounds};
use futures_util::future::join_all;

use super::fake::{BEHAVIOURS, cut_after, flood_after, serve};
use super::support::{
    DATABASE, FULL, Memory, READER, block_on, discoverer, load, profile, say, survey_url,
    version_num, versions,
};

fn hasty() -> Profile {
    let mut profile = profile();
    profile.timeouts.statement_ms = 300;
    profile.timeouts.connect_ms = 1_000;
    profile
}

fn url(port: u16) -> String {
    format!("postgresql://{READER}@127.0.0.1:{port}/{DATABASE}?sslmode=disable")
}

/// The most memory that a process ever held, in MiB, where the system tells.
fn peak_mib(process: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse().ok()?;
    Some(kib / 1024)
}

#[test]
fn a_hostile_server_ends_as_an_error_and_not_in_memory() {
    for (name, behaviour) in BEHAVIOURS {
        let port = serve(behaviour);
        let (taken, witness) = survey_url(&url(port), hasty(), FULL);
        let error = taken.expect_err(name);
        assert!(
            matches!(
                error,
                TargetError::Unavailable { .. } | TargetError::Unfit(_)
            ),
            "{name}: {error:?}"
        );
        assert!(format!("{error:?}").len() < 20_000, "{name}");
        let clean = witness
            .closed
            .iter()
            .filter(|proof| proof.violations().is_empty());
        assert_eq!(clean.count(), 0, "{name}");
        if let Some(peak) = peak_mib("self") {
            assert!(peak < 1_500, "{name}: {peak} MiB");
        }
    }
    let peak =
        peak_mib("self").map_or_else(|| "not told here".to_owned(), |mib| format!("{mib} MiB"));
    say(&format!(
        "{} hostile servers: each an error, peak memory {peak}",
        BEHAVIOURS.len()
    ));
}

/// The most memory that a hostile server may make the program hold, in MiB, beside what an honest one does: the program is not
/// optimised here and is large by itself.
const MORE_MAX_MIB: u64 = 50;

/// `drygate survey` of a server, until it ends: exit code, and the most memory that it was seen to hold, in MiB.
fn survey_as_a_command(port: u16) -> (Option<i32>, Option<u64>) {
    let home = tempfile::tempdir().expect("a directory");
    let mut child = Command::new(env!("CARGO_BIN_EXE_drygate"))
        .args(["survey", "--database-url", &url(port)])
        .env_clear()
        .env("HOME", home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let process = child.id().to_string();
    let mut peak = None;
    loop {
        peak = peak.max(peak_mib(&process));
        if let Some(status) = child.try_wait().expect("our own child") {
            return (status.code(), peak);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_server_that_sends_without_end_takes_bounded_memory_of_the_command() {
    let endless = |name: &str| name.contains("without end") || name.contains("1 GB");
    let floods: Vec<_> = BEHAVIOURS
        .iter()
        .filter(|(name, _)| endless(name))
        .collect();
    assert!(floods.len() >= 10);
    let (_, silent) = survey_as_a_command(serve(|_| Ok(())));
    let mut most = 0;
    for (name, behaviour) in floods {
        let (code, peak) = survey_as_a_command(serve(*behaviour));
        assert_eq!(code, Some(69), "{name}");
        if let (Some(peak), Some(silent)) = (peak, silent) {
            let more = peak.saturating_sub(silent);
            assert!(more < MORE_MAX_MIB, "{name}: {more} MiB more");
            most = most.max(more);
        }
    }
    say(&format!(
        "servers that send without end: {most} MiB more than the command by itself"
    ));
}

/// Every answer is one that may be without end; so many are left out between two that are.
const ANSWERS_STEP: usize = 9;

#[test]
fn rows_without_end_in_any_answer_of_a_survey_take_bounded_memory() {
    let version = versions().pop().expect("a server");
    let cluster = version.cluster();
    let socket = cluster.socket_dir().join(".s.PGSQL.5432");
    let (code, honest) = survey_as_a_command(flood_after(socket.clone(), usize::MAX));
    assert_eq!(code, Some(0), "nothing was sent in between");
    let (mut most, mut flooded) = (0, 0);
    for answers in (0..).step_by(ANSWERS_STEP) {
        let (code, peak) = survey_as_a_command(flood_after(socket.clone(), answers));
        if code == Some(0) {
            // There are not so many answers.
            break;
        }
        assert_eq!(code, Some(69), "answer {answers}");
        flooded += 1;
        if let (Some(peak), Some(honest)) = (peak, honest) {
            let more = peak.saturating_sub(honest);
            assert!(more < MORE_MAX_MIB, "answer {answers}: {more} MiB more");
            most = most.max(more);
        }
    }
    assert!(flooded >= 5, "{flooded} answers");
    say(&format!(
        "PostgreSQL {}: rows without end in {flooded} answers of a survey, {most} MiB more than an honest server",
        version.name
    ));
}

/// Every byte up to here is a point to cut at.
const CUTS: u64 = 4_096;

#[test]
fn a_link_that_is_cut_anywhere_is_unavailable() {
    let version = versions().pop().expect("a server");
    let cluster = version.cluster();
    let socket = cluster.socket_dir().join(".s.PGSQL.5432");
    let step = CUTS / fault_rounds(CUTS / 29, CUTS).min(CUTS);
    let step = usize::try_from(step).expect("small");
    let cuts: Vec<u64> = (0..CUTS).step_by(step).collect();
    let counts = FaultCounts::new(11, "a link to the server is cut after some bytes");
    for some in cuts.chunks(24) {
        let surveys = some.iter().map(|bytes| {
            let port = cut_after(socket.clone(), *bytes);
            async move {
                let mut witness = Memory::default();
                let taken = discoverer(&url(port), profile())
                    .take(FULL, &mut witness)
                    .await;
                (*bytes, taken, witness)
            }
        });
        for (bytes, taken, witness) in block_on(join_all(surveys)) {
            let error = taken.expect_err("it was cut");
            assert!(
                matches!(error, TargetError::Unavailable { .. }),
                "{bytes}: {error:?}"
            );
            assert!(witness.closed.is_empty(), "{bytes}");
            counts.injected();
        }
    }
    say(&format!(
        "PostgreSQL {}: link cut at {} of the first {CUTS} bytes, each unavailable",
        version.name,
        cuts.len()
    ));
}

/// Ends the backend of the survey once it reads its facts.
struct Killer<'a> {
    memory: Memory,
    /// Until it was done.
    kill: Option<&'a dyn Fn()>,
}

impl Witness for Killer<'_> {
    fn opening(&mut self, purpose: Purpose, nonce: &str) -> Result<(), WitnessError> {
        self.memory.opening(purpose, nonce)
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        self.memory.closed(proof)
    }

    fn wants(&mut self) -> Want {
        self.memory.wants()
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        self.memory.pieces(batch)
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        self.memory.units(batch)
    }

    fn progress(&mut self, progress: Progress) {
        if progress.what.starts_with("Facts")
            && let Some(kill) = self.kill.take()
        {
            kill();
        }
    }
}

#[test]
fn a_backend_that_is_killed_in_the_middle_is_unavailable_and_its_end_unseen() {
    for version in versions() {
        let cluster = version.cluster();
        let kill = || {
            load(
                &cluster,
                "DO $$ BEGIN
                   ASSERT (SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE application_name LIKE 'drygate/ictr%') = 1;
                   WHILE EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'drygate/ictr%') LOOP
                     PERFORM pg_stat_clear_snapshot();
                   END LOOP; END $$",
            );
        };
        let mut killer = Killer {
            memory: Memory::default(),
            kill: Some(&kill),
        };
        let url = cluster.url(READER, DATABASE);
        let taken = block_on(discoverer(&url, profile()).take(FULL, &mut killer));
        let error = taken.expect_err("its backend is gone");
        // The server says 57P01 and closes. Where our next request is on its way by then, the socket is reset and its words are lost.
        assert!(
            matches!(&error, TargetError::Unavailable(why)
                if why.kind == UnavailableKind::Connection
                    || (why.kind == UnavailableKind::Server && why.message.starts_with("57P01 "))),
            "{error:?}"
        );
        assert!(killer.memory.closed.is_empty());
    }
}

const WRITES_AT_LOGIN: &str = "CREATE TABLE public.seen (who text);
    CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
        AS $$ BEGIN INSERT INTO public.seen VALUES (session_user); END $$;
    CREATE EVENT TRIGGER notes ON login EXECUTE FUNCTION public.note()";

#[test]
fn a_login_trigger_that_writes_is_named() {
    for version in versions() {
        let cluster = version.cluster();
        if version_num(&cluster) < 170_000 {
            let name = &version.name;
            say(&format!(
                "PostgreSQL {name}: login triggers NOT CHECKED, it has none"
            ));
            continue;
        }
        load(&cluster, WRITES_AT_LOGIN);
        let (taken, _) = survey_url(&cluster.url(READER, DATABASE), profile(), FULL);
        let said = taken.expect_err("nobody gets in").to_string();
        let place = cluster.socket_dir().display();
        assert_eq!(
            said,
            format!(
                "25006 cannot execute INSERT in a read-only transaction (by the login trigger of the database, \
                 PL/pgSQL function public.note()) ({place} port 5432)"
            )
        );
    }
}
