//! The real program on a real server, with files of its own. Invariant: what a test knows of a run it reads from the run's journal.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use drygate::journal::{DiskStorage, JournalEntry, JournalReader, Permissions};
use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::repo::throwaway::DemoRepository;
use drygate::run::{Event, RunState};
use drygate::runner::fold;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A server, a repository and a data directory; what is in it goes with it.
pub struct Site {
    cluster: Arc<Cluster>,
    home: tempfile::TempDir,
}

impl Site {
    pub fn new() -> Self {
        let cluster = Cluster::start(&ClusterOptions::default()).expect("a server is installed");
        cluster
            .load_scenario("kb", Scenario::Draft)
            .expect("it loads");
        Self::on(Arc::new(cluster))
    }

    /// Another data directory on the same server, which is only read.
    pub fn on(cluster: Arc<Cluster>) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        DemoRepository::create(&home.path().join("repo")).expect("git is installed");
        Self { cluster, home }
    }

    pub fn cluster(&self) -> Arc<Cluster> {
        self.cluster.clone()
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
    pub fn kill_screen(&self, given: &[&str], seen: impl Fn(&[JournalEntry<Event>]) -> bool) {
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

    /// The run that was started last. One that never began, because its process was killed, is older than one of the same second.
    pub fn last_run(&self) -> Option<PathBuf> {
        let runs = fs::read_dir(self.data().join("runs")).ok()?;
        let runs = runs.filter_map(|run| Some(run.ok()?.path()));
        runs.max_by_key(|run| {
            let name = run.file_name().unwrap_or_default().to_string_lossy();
            let started = name.rsplit_once('-').map(|(started, _)| started.to_owned());
            let journal = fs::metadata(run.join("journal.jsonl"));
            let has_begun = journal.is_ok_and(|journal| journal.len() > 0);
            (started, has_begun, name.into_owned())
        })
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

pub fn approve_waiting(site: &Site, stopped: &Value) -> Output {
    let gate = stopped["gate"].as_str().expect("it waits at a gate");
    let digest = stopped["evidence"]
        .as_str()
        .expect("it waits with evidence");
    let run_id = stopped["run_id"].as_str().expect("a run");
    site.drygate(&["approve", run_id, gate, "--digest", digest])
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
