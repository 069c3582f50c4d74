//! The real program against a real server, killed with SIGKILL (F2): while it waits at SG1 and SG2, and at random times. Invariant: what an exit code acknowledged is in the journal.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use drygate::journal::{DiskStorage, JournalEntry, JournalReader, Permissions};
use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::repo::throwaway::DemoRepository;
use drygate::run::{Event, RunState, TransactionEnd};
use drygate::runner::fold;
use drygate::survey::Digest;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A server, a repository and a data directory; what is in it goes with it.
pub struct Site {
    cluster: Cluster,
    home: tempfile::TempDir,
}

impl Site {
    pub fn new() -> Self {
        let cluster = Cluster::start(&ClusterOptions::default()).expect("a server is installed");
        cluster
            .load_scenario("kb", Scenario::Draft)
            .expect("it loads");
        let home = tempfile::tempdir().expect("a directory");
        DemoRepository::create(&home.path().join("repo")).expect("git is installed");
        Self { cluster, home }
    }

    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn arguments(&self, given: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        let (data, repo) = (self.data(), self.home.path().join("repo"));
        let url = self.cluster.url("context_pack_readonly", "kb");
        for (flag, value) in [
            ("--data-dir", data.display().to_string()),
            ("--repo", repo.display().to_string()),
            ("--database-url", url),
            ("--live-interval", "0".to_owned()),
        ] {
            all.extend([flag.to_owned(), value]);
        }
        all
    }

    pub fn command(&self, given: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .args(self.arguments(given))
            .args(["--headless", "--json"])
            .env("TMPDIR", self.home.path())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn drygate(&self, given: &[&str]) -> Output {
        self.command(given).output().expect("it runs")
    }

    /// A screen on a terminal of its own, killed with SIGKILL as soon as `seen` holds of the journal.
    fn kill_screen(&self, given: &[&str], seen: impl Fn(&[JournalEntry<Event>]) -> bool) {
        let size = PtySize {
            rows: 40,
            cols: 120,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_drygate"));
        command.args(self.arguments(given));
        command.env("TERM", "xterm-256color");
        command.env_remove("CI");
        command.env("TMPDIR", self.home.path());
        command.cwd(self.home.path());
        let mut child = pty.slave.spawn_command(command).expect("it starts");
        drop(pty.slave);
        let mut output = pty.master.try_clone_reader().expect("a reader");
        let drained = thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        while !self.last_run().is_some_and(|run| seen(&entries(&run))) {
            assert!(
                child.try_wait().expect("its state").is_none(),
                "the screen ended early"
            );
            thread::sleep(Duration::from_millis(5));
        }
        let pid = i32::try_from(child.process_id().expect("alive")).expect("a pid");
        kill_process(Pid::from_raw(pid).expect("a pid"), Signal::KILL).expect("it is ours");
        child.wait().expect("it died");
        drop(pty.master);
        drop(drained.join());
    }

    pub fn last_run(&self) -> Option<PathBuf> {
        let mut runs: Vec<PathBuf> = fs::read_dir(self.data().join("runs"))
            .ok()?
            .filter_map(|run| Some(run.ok()?.path()))
            .collect();
        runs.sort();
        runs.pop()
    }
}

/// The lines of a journal, which may be growing.
pub fn entries(run: &Path) -> Vec<JournalEntry<Event>> {
    let storage = DiskStorage::open(run, Permissions::private()).expect("a directory");
    let reader = JournalReader::new(Arc::new(storage), Path::new(""));
    reader.entries().expect("a journal that chains")
}

pub fn folded(run: &Path) -> RunState {
    let storage = DiskStorage::open(run, Permissions::private()).expect("a directory");
    let reader = JournalReader::new(Arc::new(storage), Path::new(""));
    fold(&reader).expect("a legal journal").into_run()
}

pub fn code(output: &Output) -> i32 {
    output
        .status
        .code()
        .unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0))
}

pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!(
            "{error}: {}\n{said}",
            String::from_utf8_lossy(&output.stdout)
        )
    })
}

fn approve_waiting(site: &Site, stopped: &Value) -> Output {
    let gate = stopped["gate"].as_str().expect("it waits at a gate");
    let digest = stopped["evidence"]
        .as_str()
        .expect("it waits with evidence");
    let run_id = stopped["run_id"].as_str().expect("a run");
    site.drygate(&["approve", run_id, gate, "--digest", digest])
}

#[test]
fn killed_while_it_waits_it_goes_on_to_the_same_facts() {
    let site = Site::new();
    let returned = |times: usize| {
        move |entries: &[JournalEntry<Event>]| {
            let returns =
                |e: &&JournalEntry<Event>| matches!(e.event, Event::InvocationReturned(_));
            entries.iter().filter(returns).count() >= times
        }
    };
    site.kill_screen(&["run"], returned(1));
    let run = site.last_run().expect("a run");
    let facts = folded(&run).pin.expect("a pin").facts_digest.clone();

    let resumed = site.drygate(&["resume", "last"]);
    assert_eq!(
        code(&resumed),
        3,
        "{}",
        String::from_utf8_lossy(&resumed.stderr)
    );
    let at_sg2 = approve_waiting(&site, &json(&resumed));
    assert_eq!(code(&at_sg2), 3);
    assert_eq!(json(&at_sg2)["gate"], "SG2");

    site.kill_screen(&["resume", "last"], returned(4));
    let resumed = site.drygate(&["resume", "last"]);
    assert_eq!(
        (code(&resumed), json(&resumed)["gate"].as_str()),
        (3, Some("SG2"))
    );
    let ended = approve_waiting(&site, &json(&resumed));
    assert_eq!(
        code(&ended),
        0,
        "{}",
        String::from_utf8_lossy(&ended.stdout)
    );
    let document = json(&ended);
    assert_eq!(document["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(document["facts_digest"], facts.as_str());
    let numbers: Vec<u64> = document["returns"]
        .as_array()
        .expect("returns")
        .iter()
        .map(|r| r["r"].as_u64().expect("a number"))
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let resumed = |e: &JournalEntry<Event>| matches!(e.event, Event::RunResumed(_));
    assert_eq!(entries(&run).iter().filter(|e| resumed(e)).count(), 5);
    assert_eq!(code(&site.drygate(&["verify", "last"])), 0);
}

/// Small and enough: which moment is hit is chance, what must hold is not.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What a killed process had acknowledged is nothing; what an ended one said by its exit code must stand.
#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one loop with the model of what was acknowledged beside it"
)]
fn killed_at_random_times_it_loses_nothing_that_was_acknowledged() {
    let site = Site::new();
    let rounds = std::env::var("DRYGATE_KILL_ROUNDS").ok();
    let rounds: u64 = rounds.and_then(|text| text.parse().ok()).unwrap_or(40);
    let seed = std::env::var("DRYGATE_KILL_SEED").ok();
    let mut chance = Chance(
        seed.and_then(|text| text.parse().ok())
            .unwrap_or(0x2026_1122),
    );
    let (mut killed, mut void, mut passed, mut never_begun, mut unseen) = (0, 0, 0, 0, 0);
    let mut acknowledged: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let mut waits: Option<Value> = None;
    let mut over = true;
    for round in 0..rounds {
        let given: Vec<String> = match &waits {
            Some(at) => [
                "approve",
                "last",
                text(at, "gate"),
                "--digest",
                text(at, "evidence"),
            ]
            .map(str::to_owned)
            .to_vec(),
            None if over => vec!["run".to_owned()],
            None => vec!["resume".to_owned(), "last".to_owned()],
        };
        let words: Vec<&str> = given.iter().map(String::as_str).collect();
        let mut child = site.command(&words).spawn().expect("it starts");
        let mut stdout = child.stdout.take().expect("piped");
        let reader = thread::spawn(move || {
            let mut said = Vec::new();
            stdout.read_to_end(&mut said).map(|_| said)
        });
        thread::sleep(Duration::from_millis(chance.below(1200)));
        child.kill().expect("it is ours");
        let status = child.wait().expect("it ended");
        let said = reader.join().expect("no panic").expect("readable");
        let Some(run) = site.last_run() else {
            never_begun += 1;
            continue;
        };
        if entries(&run).is_empty() {
            (over, waits) = (true, None);
            never_begun += 1;
            killed += 1;
            continue;
        }
        if let Some(exit) = status.code() {
            void += 1;
            assert!([0, 3].contains(&exit), "round {round}, {given:?}: {exit}");
            let document: Value = serde_json::from_slice(&said).expect("one document");
            if given[0] == "approve" {
                acknowledged
                    .entry(run.clone())
                    .or_default()
                    .push(given[4].clone());
            }
            over = exit == 0;
            passed += u64::from(over);
            waits = (!over).then_some(document);
        } else {
            killed += 1;
            // The process is dead: the next one resumes, or approves what the journal says was asked.
            over = run.join("manifest.sha256").exists();
            let state = folded(&run);
            let asked = state.waits_at().filter(|_| state.owed_stop.is_none());
            let may = state.pending_approval().is_none() && chance.below(2) == 0;
            waits = asked.zip(state.evidence).filter(|_| may && !over).map(
                |(gate, evidence)| serde_json::json!({"gate": gate, "evidence": evidence.digest}),
            );
            passed += u64::from(over);
        }
        must_stand(&acknowledged);
    }
    while !over {
        let given = ["resume", "last"];
        let mut stopped = site.drygate(&given);
        while code(&stopped) == 3 {
            stopped = approve_waiting(&site, &json(&stopped));
        }
        assert_eq!(
            code(&stopped),
            0,
            "{}",
            String::from_utf8_lossy(&stopped.stdout)
        );
        passed += 1;
        over = true;
    }
    must_stand(&acknowledged);
    for run in fs::read_dir(site.data().join("runs")).expect("runs") {
        let run = run.expect("a run").path();
        if entries(&run).is_empty() {
            continue;
        }
        let state = folded(&run);
        assert_eq!(
            state.sealed.as_ref().map(|sealed| sealed.2),
            Some(0),
            "{}",
            run.display()
        );
        let lost = |end: &TransactionEnd| matches!(end, TransactionEnd::Unseen(_));
        unseen += state.transactions.iter().filter(|t| lost(&t.end)).count();
        let directory = run.display().to_string();
        let verified = site.drygate(&["verify", &directory]);
        assert_eq!(
            code(&verified),
            0,
            "{}",
            String::from_utf8_lossy(&verified.stdout)
        );
    }
    println!(
        "{rounds} rounds: {killed} killed, {void} void (ended before the kill), {passed} runs passed, {never_begun} never begun, {unseen} transactions unseen"
    );
    assert!(killed > 0);
}

fn text<'a>(document: &'a Value, key: &str) -> &'a str {
    document[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {document}"))
}

fn must_stand(acknowledged: &BTreeMap<PathBuf, Vec<String>>) {
    for (run, digests) in acknowledged {
        let state = folded(run);
        for digest in digests {
            let digest: Digest = digest.parse().expect("a digest");
            assert!(
                state.approvals.iter().any(|a| a.evidence == digest),
                "{}: an acknowledged approval is lost",
                run.display()
            );
        }
    }
}

/// A run that passed, made once.
pub fn sealed(site: &Site) -> PathBuf {
    let mut stopped = site.drygate(&["run"]);
    while code(&stopped) == 3 {
        stopped = approve_waiting(site, &json(&stopped));
    }
    assert_eq!(
        code(&stopped),
        0,
        "{}",
        String::from_utf8_lossy(&stopped.stdout)
    );
    site.last_run().expect("a run")
}
