//! Where in a run a fault happens, and what must be true afterwards. Invariant: each promise is judged by what lies on the disk and in
//! the database, not by what the program says of itself, but for its exit code.

use std::fs;
use std::mem;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use drygate::postgres::throwaway::{ClusterOptions, Scenario};
use drygate::profile::built_in;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::faulty_link::FaultyLink;
use crate::support::server::{Answer, READER, Workspace, files, finish, own_cluster, text};

/// A password that the program is told and that nobody may find again.
const CANARY: &str = "canary-of-the-faults";

const PASS: &str = "O4_LIVE_DRYRUN_ORCHESTRATION_PASS";

/// How long an undisturbed command may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the program waits for: one second for a connection, one for an answer.
const TIMEOUTS: &str = "\n[timeouts]\nconnect_ms = 1000\nstatement_ms = 1000\n";

/// How often a run is taken up before it is said to go nowhere: a busy machine may meet the deadlines of the profile too.
const TRIES: usize = 20;

/// The command that a fault happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// `drygate survey`.
    Survey,
    /// A new run, to its wait at SG1.
    Run,
    /// The approval of SG1.
    Sg1,
    /// The approval of SG2, with the closeout.
    Sg2,
    /// `drygate recheck` of a sealed run.
    Recheck,
    /// `drygate rehearse` of the demo's migration.
    Rehearse,
}

impl Stage {
    /// Those of one run, in their order, after a survey alone.
    pub const OF_RUNS: [Self; 5] = [Self::Survey, Self::Run, Self::Sg1, Self::Sg2, Self::Recheck];

    /// The exit code without a fault.
    pub fn undisturbed(self) -> i32 {
        match self {
            Self::Run | Self::Sg1 => 3,
            Self::Survey | Self::Sg2 | Self::Recheck | Self::Rehearse => 0,
        }
    }

    /// How long the command may take in all: three connects, and deadlines until it has given up, of a rehearsal with a server that
    /// is started and stopped. Ten times what was measured on a quiet machine.
    pub fn limit(self) -> Duration {
        Duration::from_secs(if self == Self::Rehearse { 60 } else { 30 })
    }
}

/// A server with a database that several workers run the program on.
pub struct Site {
    pub workspace: Workspace,
    profile: String,
    stages: &'static [Stage],
}

impl Site {
    /// For the stages of a run, on a server of its own: nobody else writes there.
    pub fn of_runs(options: &ClusterOptions) -> Self {
        Self::new(options, Scenario::Draft, &Stage::OF_RUNS)
    }

    /// For rehearsals of the demo's migration.
    pub fn of_rehearsals() -> Self {
        let options = ClusterOptions::default();
        Self::new(&options, Scenario::Change, &[Stage::Rehearse])
    }

    fn new(options: &ClusterOptions, scenario: Scenario, stages: &'static [Stage]) -> Self {
        let workspace = Workspace::on(own_cluster(options), scenario);
        let (_, profile) = built_in(scenario.profile()).expect("it parses");
        let path = workspace.place().join("faults.toml");
        fs::write(&path, format!("{profile}{TIMEOUTS}")).expect("a new file");
        for (name, content) in scenario.change() {
            fs::write(workspace.place().join(name), content).expect("a new file");
        }
        Self {
            profile: path.to_str().expect("UTF-8").to_owned(),
            workspace,
            stages,
        }
    }

    /// Everything that a write would leave, as a superuser sees it.
    pub fn observed(&self) -> Vec<Vec<Option<String>>> {
        self.workspace.sql(
            "SELECT pg_snapshot_xmax(pg_current_snapshot()), (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc),
               (SELECT count(*) FROM pg_prepared_xacts), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),
               (SELECT md5(string_agg(query_to_xml(format('SELECT xmin, ctid, t.* FROM %s AS t', oid::regclass), true, false, '')::text,
                 '' ORDER BY oid)) FROM pg_class WHERE relkind = 'r' AND oid >= 16384)",
        )
    }

    /// A process of the program with its data in `data`.
    fn command(&self, args: &[&str], data: &PathBuf) -> Command {
        let mut command = self.workspace.command(args);
        command.env("DRYGATE_DATA_DIR", data);
        command.env("PGPASSWORD", CANARY);
        command
    }
}

/// Where a stage begins, and what it takes.
struct Beginning {
    stage: Stage,
    /// The document that is approved or rechecked; null: none.
    document: Value,
    /// Bytes of the server's replies without a fault.
    traffic: u64,
}

/// A link to the server and a data directory: what one worker has for itself.
pub struct Worker<'a> {
    site: &'a Site,
    pub link: FaultyLink,
    place: PathBuf,
    beginnings: Vec<Beginning>,
    /// The last document of the undisturbed run.
    sealed: Value,
}

impl<'a> Worker<'a> {
    /// Goes through all stages undisturbed, measures each and keeps what lay there before it.
    pub fn new(site: &'a Site, number: usize) -> Self {
        let place = site.workspace.place().join(format!("worker-{number}"));
        fs::create_dir_all(place.join("data")).expect("a new directory");
        let socket = site.workspace.cluster.socket_dir().join(".s.PGSQL.5432");
        let mut worker = Self {
            site,
            link: FaultyLink::to(socket),
            place,
            beginnings: Vec::new(),
            sealed: Value::Null,
        };
        for stage in site.stages {
            copy(&worker.data(), &worker.kept(*stage));
            let words = worker.words_of(*stage, &worker.sealed);
            worker.link.arm(None);
            let found = worker.steady(&words, stage.undisturbed());
            let (traffic, _) = worker.link.disarm();
            let is_run = matches!(stage, Stage::Run | Stage::Sg1 | Stage::Sg2);
            let document = if is_run {
                mem::replace(&mut worker.sealed, found)
            } else {
                worker.sealed.clone()
            };
            worker.beginnings.push(Beginning {
                stage: *stage,
                document,
                traffic,
            });
        }
        worker
    }

    fn data(&self) -> PathBuf {
        self.place.join("data")
    }

    fn kept(&self, stage: Stage) -> PathBuf {
        self.place.join(format!("{stage:?}"))
    }

    fn beginning(&self, stage: Stage) -> &Beginning {
        let mut beginnings = self.beginnings.iter();
        let found = beginnings.find(|beginning| beginning.stage == stage);
        found.expect("a stage of this site")
    }

    /// How many bytes the server replies in this stage.
    pub fn traffic(&self, stage: Stage) -> u64 {
        self.beginning(stage).traffic
    }

    /// Puts everything back to where the stage begins.
    pub fn reset(&self, stage: Stage) {
        fs::remove_dir_all(self.data()).expect("our own directory");
        copy(&self.kept(stage), &self.data());
    }

    /// The command of the stage.
    pub fn words(&self, stage: Stage) -> Vec<String> {
        self.words_of(stage, &self.beginning(stage).document)
    }

    fn words_of(&self, stage: Stage, document: &Value) -> Vec<String> {
        let database = &self.site.workspace.database;
        let port = self.link.port();
        let url = format!("postgresql://{READER}@127.0.0.1:{port}/{database}?sslmode=disable");
        let connect = [
            "--json",
            "--profile",
            &self.site.profile,
            "--database-url",
            &url,
        ];
        let run = document["run_id"].as_str().unwrap_or_default();
        let evidence = document["evidence"].as_str().unwrap_or_default();
        let migration = self.site.workspace.place().join("migration.sql");
        let migration = migration.to_str().expect("UTF-8");
        let words = match stage {
            Stage::Survey => [&["survey"], &connect[..]].concat(),
            Stage::Run => [&["run", "--headless"], &connect[..]].concat(),
            Stage::Sg1 => vec!["approve", run, "SG1", "--digest", evidence, "--json"],
            Stage::Sg2 => vec!["approve", run, "SG2", "--digest", evidence, "--json"],
            Stage::Recheck => vec!["recheck", run, "--headless", "--json"],
            Stage::Rehearse => {
                let change = ["rehearse", "--role", "shop_owner", "--change", migration];
                [&change[..], &connect].concat()
            }
        };
        words.into_iter().map(str::to_owned).collect()
    }

    /// Runs the program; it must end within `limit`.
    #[track_caller]
    pub fn drygate(&self, words: &[String], limit: Duration) -> Answer {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let child = self
            .site
            .command(&words, &self.data())
            .spawn()
            .expect("it starts");
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(finish(child)));
        told.recv_timeout(limit).unwrap_or_else(|_| {
            kill_process(pid.expect("no pid is 0"), Signal::KILL).ok();
            panic!("{words:?} did not end within {limit:?}")
        })
    }

    /// An undisturbed command, again where a busy machine met a deadline of the profile; gives its document.
    #[track_caller]
    fn steady(&self, words: &[String], code: i32) -> Value {
        for _ in 0..TRIES {
            let answer = self.drygate(words, PATIENCE);
            if answer.code != 69 {
                return answer.expect(code).json();
            }
        }
        panic!("{words:?}: the database is never there")
    }

    /// The one run of this worker, if there is one.
    fn run_id(&self) -> Option<String> {
        let runs = fs::read_dir(self.data().join("runs")).ok()?;
        let mut runs: Vec<_> = runs.map(|run| run.expect("readable").file_name()).collect();
        assert!(runs.len() < 2, "{runs:?}");
        Some(runs.pop()?.into_string().expect("UTF-8"))
    }

    /// The approvals of a gate in the journal.
    pub fn approvals(&self, gate: &str) -> usize {
        let Some(run) = self.run_id() else { return 0 };
        let journal = self.data().join("runs").join(run).join("journal.jsonl");
        let journal = fs::read_to_string(journal).unwrap_or_default();
        let records = journal
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        let approved = |record: &Value| {
            record["event"] == "approval_recorded"
                && record["gate"] == gate
                && record["decision"] == "approve"
        };
        records.filter(approved).count()
    }

    /// What the command of the stage acknowledged is there beside what was `before`, and nothing else.
    #[track_caller]
    pub fn assert_approvals(&self, stage: Stage, before: [usize; 2], answer: &Answer) {
        let asked = [Stage::Sg1, Stage::Sg2].map(|gate| usize::from(gate == stage));
        for (at, gate) in ["SG1", "SG2"].into_iter().enumerate() {
            let more = self.approvals(gate) - before[at];
            let acknowledged = answer.code == stage.undisturbed() && asked[at] == 1;
            assert!(more <= asked[at], "{gate}: {more} approvals of {answer:?}");
            assert!(more == 1 || !acknowledged, "{gate} is lost: {answer:?}");
        }
    }

    /// Goes on without a fault until the run is sealed; gives its last document. No approval may come or go by itself.
    #[track_caller]
    pub fn taken_up(&self) -> Option<Value> {
        let run = self.run_id()?;
        let resume = ["resume", &run, "--headless", "--json"].map(str::to_owned);
        let mut words = resume.to_vec();
        for _ in 0..TRIES {
            let gates = ["SG1", "SG2"].map(|gate| self.approvals(gate));
            let answer = self.drygate(&words, PATIENCE);
            let asked = match (words[0].as_str(), words.get(2).map(String::as_str)) {
                ("approve", Some("SG1")) => [1, 0],
                ("approve", _) => [0, 1],
                _ => [0, 0],
            };
            for (at, gate) in ["SG1", "SG2"].into_iter().enumerate() {
                let now = self.approvals(gate) - gates[at];
                // Acknowledged, or not, where the database was gone.
                let fits = now == asked[at] || (answer.code == 69 && now == 0);
                assert!(
                    fits,
                    "{gate}: {now} approvals more by {words:?}: {answer:?}"
                );
            }
            let document = answer.json();
            match answer.code {
                3 => {
                    let (gate, evidence) = (text(&document["gate"]), text(&document["evidence"]));
                    let approve = ["approve", &run, gate, "--digest", evidence, "--json"];
                    words = approve.map(str::to_owned).to_vec();
                }
                4 if document["result"].is_null() => words = resume.to_vec(),
                69 => words = resume.to_vec(),
                0 | 4 | 9 | 10 | 11 => return Some(document),
                code => panic!("{words:?} ended with {code}: {answer:?}"),
            }
        }
        panic!("{run} comes to no end")
    }

    /// Whether the last document says what the undisturbed run did.
    #[track_caller]
    pub fn is_pass(&self, document: &Value) -> bool {
        if document["result"] != PASS {
            return false;
        }
        for member in ["facts_digest", "facts", "counters"] {
            assert_eq!(document[member], self.sealed[member], "{member} of a PASS");
        }
        true
    }

    /// Journal, blobs and files of the run are whole, and every verdict is found again.
    #[track_caller]
    pub fn assert_verifies(&self) {
        let Some(run) = self.run_id() else { return };
        let verify = ["verify", &run, "--json"].map(str::to_owned);
        let found = self.drygate(&verify, PATIENCE).expect(0).json();
        assert_eq!(found["intact"], true, "{found}");
    }

    /// No file and no output has the password.
    #[track_caller]
    pub fn assert_no_secret(&self, answer: &Answer) {
        assert!(
            !answer.stdout.contains(CANARY) && !answer.stderr.contains(CANARY),
            "{answer:?}"
        );
        for (path, bytes) in files(&self.data()) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(CANARY), "{}", path.display());
        }
    }
}

/// A directory as it is, to a new place.
fn copy(from: &PathBuf, to: &PathBuf) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp runs").success());
}
