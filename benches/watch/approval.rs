//! An approval as a command, alone and while eight others watch the run, one of them stopped. Invariant: every process is the program
//! itself, and each run is a new one of the same server.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::repo::throwaway::DemoRepository;
use drygate::testing::{MeasuredBar, MeasuredRow, MeasuredUnit, ProcessCost, median};
use rustix::process::Signal;
use serde_json::Value;

use crate::session::Session;

const DATABASE: &str = "kb";
const READER: &str = "context_pack_readonly";
/// The exit code of a run that waits for a person.
const WAITS: i32 = 3;

/// Records a second from the approval of SG1 to the stop at SG2, with so many watchers, beside those alone.
pub fn measure(place: &Path, watchers: usize, rounds: u64, bar: MeasuredBar) -> MeasuredRow {
    let cluster = Cluster::start(&ClusterOptions::default()).expect("a throwaway cluster");
    let scenario = cluster.load_scenario(DATABASE, Scenario::Draft);
    scenario.expect("the scenario loads");
    let repository = place.join("repository");
    DemoRepository::create(&repository).expect("git");
    let repository = repository.display().to_string();
    let url = cluster.url(READER, DATABASE);
    let (mut alone, mut watched) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        for (number, rates) in [(0, &mut alone), (watchers, &mut watched)] {
            let data = place.join(format!("approval-{round}-{number}"));
            let run = Run::begin(data, &url, &repository);
            rates.push(run.approve(number));
        }
    }
    let what = format!("SG1 approved, to the stop at SG2, {watchers} watch, one of them stopped");
    let command = "drygate approve last SG1 --digest HEX64";
    MeasuredRow::new(&what, command, median(&watched), MeasuredUnit::PerSecond)
        .beside("the same alone", Some(median(&alone)))
        .held_to(bar)
}

/// A run that waits at SG1.
struct Run {
    data: PathBuf,
    evidence: String,
}

impl Run {
    fn begin(data: PathBuf, url: &str, repository: &str) -> Self {
        fs::create_dir(&data).expect("a new directory");
        let mut run = Self {
            data,
            evidence: String::new(),
        };
        run.take(&["run", "--database-url", url, "--repo", repository]);
        let printed = fs::read(run.data.join("printed")).expect("its output");
        let document: Value = serde_json::from_slice(&printed).expect("a document");
        let evidence = document["evidence"].as_str();
        evidence
            .expect("evidence waits")
            .clone_into(&mut run.evidence);
        run
    }

    /// Runs a command that ends where a person is waited for.
    fn take(&self, words: &[&str]) -> ProcessCost {
        let printed = File::create(self.data.join("printed")).expect("a new file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command.args(words).args(["--headless", "--json"]);
        command.arg("--data-dir").arg(&self.data);
        ProcessCost::of(command.stdout(printed), WAITS)
    }

    /// A command on a terminal, once it shows the stop.
    fn on_a_terminal(&self, word: &str) -> Session {
        let program = env!("CARGO_BIN_EXE_drygate");
        let data = self.data.display().to_string();
        let words = [
            program,
            word,
            "last",
            "--live-interval",
            "0",
            "--data-dir",
            &data,
        ];
        let mut session = Session::start(&words.map(str::to_owned), &self.data);
        session.first(|screen| screen.contents().contains("WAITING FOR"));
        session
    }

    fn records(&self) -> usize {
        let run = fs::read_dir(self.data.join("runs")).expect("a run").next();
        let run = run.expect("a run").expect("readable").path();
        let journal = fs::read_to_string(run.join("journal.jsonl"));
        journal.expect("a journal").lines().count()
    }

    /// Records a second of the approval, which the process that holds the run carries out.
    fn approve(&self, watchers: usize) -> f64 {
        let holder = self.on_a_terminal("resume");
        let watching: Vec<Session> = (0..watchers).map(|_| self.on_a_terminal("watch")).collect();
        if let Some(stopped) = watching.last() {
            stopped.signal(Signal::STOP);
        }
        let before = self.records();
        let cost = self.take(&["approve", "last", "SG1", "--digest", &self.evidence]);
        #[expect(clippy::cast_precision_loss, reason = "some hundred records")]
        let rate = (self.records() - before) as f64 / cost.seconds;
        for session in watching.into_iter().chain([holder]) {
            session.ends(|session| session.signal(Signal::KILL));
        }
        rate
    }
}
