//! A run of the program in a data directory of its own.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use drygate::testing::ProcessCost;
use serde_json::Value;
use tempfile::TempDir;

use crate::server::Server;

/// A run, from its begin to its seal.
pub struct LongRun {
    home: TempDir,
    run_id: String,
    evidence: String,
}

impl LongRun {
    /// Measures a survey without a run.
    pub fn survey(server: &Server, profile: &str, code: i32) -> ProcessCost {
        let nothing = Self {
            home: tempfile::tempdir().expect("a folder"),
            run_id: String::new(),
            evidence: String::new(),
        };
        let words = ["survey", "--profile", profile, "--database-url"];
        nothing.take(&[&words[..], &[&server.url()]].concat(), code)
    }

    /// A run that waits at SG1 or failed before, and what it took to come there.
    pub fn begin(server: &Server, profile: Option<&str>, code: i32) -> (Self, ProcessCost) {
        let mut run = Self {
            home: tempfile::tempdir().expect("a folder"),
            run_id: String::new(),
            evidence: String::new(),
        };
        let (url, repository) = (server.url(), server.repository());
        let mut words = vec!["run", "--database-url", &url, "--repo", &repository];
        words.extend(profile.iter().flat_map(|profile| ["--profile", profile]));
        let taken = run.asks(&words, code);
        (run, taken)
    }

    /// The directory of the run.
    pub fn directory(&self) -> PathBuf {
        self.home.path().join("data/runs").join(&self.run_id)
    }

    /// Removes the index of runs, which may be deleted at any time. A run that failed at G1 has not asked for the last PASS yet,
    /// so there is none.
    pub fn forget_index(&self) {
        let cache = self.home.path().join("data/cache");
        if cache.exists() {
            fs::remove_dir_all(cache).expect("it is ours");
        }
    }

    /// Measures a command.
    pub fn take(&self, words: &[&str], code: i32) -> ProcessCost {
        let file = File::create(self.home.path().join("printed")).expect("a new file");
        ProcessCost::of(self.command(words).stdout(file), code)
    }

    /// Measures the approval of the evidence that waits.
    pub fn approve(&mut self, gate: &str, code: i32) -> ProcessCost {
        let evidence = self.evidence.clone();
        self.asks(&["approve", "last", gate, "--digest", &evidence], code)
    }

    /// Measures a command that may end with evidence which waits.
    fn asks(&mut self, words: &[&str], code: i32) -> ProcessCost {
        let taken = self.take(&[words, &["--json"]].concat(), code);
        let printed = fs::read(self.home.path().join("printed")).expect("its output");
        let document: Value = serde_json::from_slice(&printed).expect("a document");
        let text = |member: &str| document[member].as_str().unwrap_or_default().to_owned();
        (self.run_id, self.evidence) = (text("run_id"), text("evidence"));
        taken
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .args(words)
            .args(["--headless", "--data-dir"])
            .arg(self.home.path().join("data"))
            .current_dir(self.home.path())
            .env("TMPDIR", self.home.path());
        command
    }
}
