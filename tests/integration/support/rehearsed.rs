//! A whole rehearsal by the program itself: a server with a scenario, a data directory, and the run on them.
//! Invariant: the program is only told what a person would tell it, on its command line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::repo::throwaway::DemoRepository;
use serde_json::Value;

/// The database of every scenario.
pub const DB: &str = "kb";
const READER: &str = "context_pack_readonly";

/// A server with one scenario, a data directory, and the run that was sealed on them.
pub struct Rehearsed {
    pub cluster: Cluster,
    home: tempfile::TempDir,
    pub run_id: String,
}

impl Rehearsed {
    /// A server with a scenario, and no run yet.
    pub fn server(scenario: Scenario) -> Self {
        Self::server_with(scenario, &ClusterOptions::default())
    }

    /// The same on a server with settings of its own.
    pub fn server_with(scenario: Scenario, options: &ClusterOptions) -> Self {
        let cluster = Cluster::start(options).expect("a server is installed");
        cluster.load_scenario(DB, scenario).expect("it loads");
        let home = tempfile::tempdir().expect("a folder");
        DemoRepository::create(&home.path().join("repository")).expect("git");
        Self {
            cluster,
            home,
            run_id: String::new(),
        }
    }

    /// A run that was approved twice and sealed as a PASS.
    pub fn sealed(scenario: Scenario) -> Self {
        let mut rehearsed = Self::server(scenario);
        let asked = rehearsed.begin(3);
        let asked = rehearsed.approve("SG1", &asked, 3);
        let sealed = rehearsed.approve("SG2", &asked, 0);
        assert_eq!(sealed["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
        rehearsed
    }

    /// Begins a run, which ends with `code`.
    pub fn begin(&mut self, code: i32) -> Value {
        self.begin_with(&[], code)
    }

    /// Begins a run with further flags.
    pub fn begin_with(&mut self, words: &[&str], code: i32) -> Value {
        let url = self.cluster.url(READER, DB);
        let repo = self.home.path().join("repository").display().to_string();
        let first = ["run", "--database-url", &url, "--repo", &repo];
        let document = self.json(&[&first, words].concat(), code);
        let run_id = document["run_id"].as_str().expect("a run");
        run_id.clone_into(&mut self.run_id);
        document
    }

    /// Approves what `asked` shows.
    pub fn approve(&self, gate: &str, asked: &Value, code: i32) -> Value {
        let digest = asked["evidence"].as_str().expect("evidence");
        self.json(&["approve", &self.run_id, gate, "--digest", digest], code)
    }

    /// Runs the program without a terminal.
    pub fn command(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .args(words)
            .args(["--headless", "--data-dir"])
            .arg(self.data())
            .env("TMPDIR", self.home.path())
            .env_remove("DRYGATE_DATABASE_URL");
        command.output().expect("it starts")
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Its one document, after it ended with `code`.
    pub fn json(&self, words: &[&str], code: i32) -> Value {
        let output = self.command(&[words, &["--json"]].concat());
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{words:?}\n{out}\n{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// Rechecks, and sees that nothing was written but what came of the change, where that was asked for.
    pub fn recheck(&self, words: &[&str], code: i32) -> Value {
        let files = || {
            let mut files = self.files();
            if words.contains(&"--after") {
                files.retain(|path, _| !path.ends_with("outcomes.jsonl"));
            }
            files
        };
        let before = files();
        let found = self.json(&[&["recheck", &self.run_id], words].concat(), code);
        assert!(files() == before, "recheck wrote something");
        found
    }

    /// Every file of its data directory, with its bytes.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.data())
    }

    /// The events of the run's journal.
    pub fn journal(&self) -> Vec<Value> {
        let path = self.run_directory().join("journal.jsonl");
        let text = fs::read_to_string(path).expect("a journal");
        let parse = |line| serde_json::from_str(line).expect("JSON");
        text.lines().map(parse).collect()
    }

    /// The run's directory.
    pub fn run_directory(&self) -> PathBuf {
        self.data().join("runs").join(&self.run_id)
    }

    /// One of the thirteen reports.
    pub fn report(&self, name: &str) -> String {
        let folder = self.run_directory().join("kb");
        let named = |path: &PathBuf| path.to_string_lossy().contains(name);
        let mut found = fs::read_dir(folder)
            .expect("kb")
            .flatten()
            .map(|f| f.path());
        fs::read_to_string(found.find(named).expect("the report")).expect("readable")
    }

    /// The folder that everything of this test is in.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Runs SQL as a superuser in another session.
    pub fn sql(&self, sql: &str) {
        self.cluster.load(DB, sql).expect("a superuser may");
    }
}

/// Standard output and standard error.
pub fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Every file of a run below the data directory, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                found.insert(path, bytes);
            }
        }
    }
    found
}
