//! The program without a terminal, on a real throwaway server. Invariant: each desk has its own database, data directory
//! and repository; the server is shared by the tests that run at the same time and goes with the last of them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::profile::built_in;
use drygate::repo::throwaway::DemoRepository;
use drygate::survey::Digest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The role of the built-in profile.
pub const READER: &str = "context_pack_readonly";
/// The superuser of a throwaway cluster.
pub const SUPERUSER: &str = "postgres";

/// The variable with the place of clusters, which `scripts/test` sets; to be handed on where the environment is cleared.
pub fn place_of_clusters() -> Option<(&'static str, OsString)> {
    let name = "DRYGATE_TEST_CLUSTERS";
    Some((name, std::env::var_os(name)?))
}

/// The variable with what `scripts/planted-bugs` switches on; to be handed on as well.
pub fn planted_bug() -> Option<(&'static str, OsString)> {
    let name = "DRYGATE_PLANTED_BUG";
    Some((name, std::env::var_os(name)?))
}

static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
static LOADING: Mutex<()> = Mutex::new(());
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A server of its own, for tests that stop it or read its log.
pub fn own_cluster(options: &ClusterOptions) -> Arc<Cluster> {
    Arc::new(Cluster::start(options).expect("a throwaway cluster"))
}

fn shared_cluster() -> Arc<Cluster> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cluster) = shared.upgrade() {
        return cluster;
    }
    let cluster = own_cluster(&ClusterOptions::default());
    *shared = Arc::downgrade(&cluster);
    cluster
}

/// What one call of the program left behind.
#[derive(Debug)]
pub struct Answer {
    /// Exit code; a signal counts as 128 and its number.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Answer {
    /// The one JSON document on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: stdout is no document: {self:?}"))
    }

    /// Itself, if it ended with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stderr, self.stdout);
        self
    }
}

/// The program with a clean environment, waited for.
pub fn finish(child: Child) -> Answer {
    use std::os::unix::process::ExitStatusExt;
    let output = child.wait_with_output().expect("our own child");
    Answer {
        code: output
            .status
            .code()
            .or_else(|| output.status.signal().map(|signal| 128 + signal))
            .expect("a code or a signal"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
    }
}

/// A database, a data directory and a repository, to run the program on.
pub struct Workspace {
    /// The server.
    pub cluster: Arc<Cluster>,
    /// The database.
    pub database: String,
    place: TempDir,
}

impl Workspace {
    /// On the shared server.
    pub fn new(scenario: Scenario) -> Self {
        Self::on(shared_cluster(), scenario)
    }

    /// On a given server.
    pub fn on(cluster: Arc<Cluster>, scenario: Scenario) -> Self {
        let database = format!("kb_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        // Roles are shared by all databases of a server: two loads at once would both make them.
        let loading = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        cluster
            .load_scenario(&database, scenario)
            .expect("the scenario loads");
        drop(loading);
        let place = tempfile::tempdir().expect("a temporary directory");
        DemoRepository::create(&place.path().join("repository")).expect("a repository");
        for folder in ["home", "data"] {
            fs::create_dir(place.path().join(folder)).expect("a new directory");
        }
        Self {
            cluster,
            database,
            place,
        }
    }

    /// Where things of this desk can be put.
    pub fn place(&self) -> &Path {
        self.place.path()
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// The connection string of the reading role.
    pub fn url(&self) -> String {
        self.cluster.url(READER, &self.database)
    }

    /// Another session, that of a superuser.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.cluster
            .query(SUPERUSER, &self.database, sql)
            .expect("a superuser may do anything")
    }

    /// The program, about to be started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", self.place().join("home"))
            // Empty clusters are made once for all tests.
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("TMPDIR", self.place())
            .envs(place_of_clusters())
            .envs(planted_bug())
            .env("DRYGATE_DATA_DIR", self.data())
            .env("DRYGATE_LIVE_INTERVAL", "0")
            .current_dir(self.place().join("repository"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub fn drygate(&self, args: &[&str]) -> Answer {
        finish(self.command(args).spawn().expect("the program starts"))
    }

    /// Starts a run; gives its document.
    pub fn run(&self) -> Answer {
        let url = self.url();
        self.drygate(&["run", "--headless", "--json", "--database-url", &url])
    }

    /// Approves `gate` with the evidence of `document`.
    #[track_caller]
    pub fn approve(&self, document: &Value, gate: &str) -> Answer {
        self.drygate(&approval(document, gate))
    }

    /// Resumes the run of `document`.
    pub fn resume(&self, document: &Value) -> Answer {
        self.drygate(&["resume", text(&document["run_id"]), "--headless", "--json"])
    }

    /// Starts a run and approves SG1: it waits at SG2.
    #[track_caller]
    pub fn run_to_sg2(&self) -> Value {
        let waiting = self.run().expect(3).json();
        self.approve(&waiting, "SG1").expect(3).json()
    }

    /// A whole run, approved twice; gives its last document.
    #[track_caller]
    pub fn run_to_the_end(&self) -> Answer {
        let waiting = self.run_to_sg2();
        self.approve(&waiting, "SG2")
    }

    /// The directory of a run.
    pub fn run_dir(&self, document: &Value) -> PathBuf {
        self.data().join("runs").join(text(&document["run_id"]))
    }

    /// The bytes of the journal of a run.
    pub fn journal_text(&self, document: &Value) -> String {
        fs::read_to_string(self.run_dir(document).join("journal.jsonl")).expect("a journal")
    }

    /// The records of a run.
    pub fn journal(&self, document: &Value) -> Vec<Value> {
        self.journal_text(document)
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is an object"))
            .collect()
    }

    /// The records of one kind.
    pub fn events(&self, document: &Value, name: &str) -> Vec<Value> {
        let mut records = self.journal(document);
        records.retain(|record| record["event"] == name);
        records
    }

    /// Puts a run back to where it stood when the last record that fits became durable, as a crash would have left it.
    #[track_caller]
    pub fn cut_back(&self, document: &Value, fits: impl Fn(&Value) -> bool) {
        let run = self.run_dir(document);
        let at = self.journal(document).iter().rposition(fits);
        let at = at.expect("a record that fits");
        let journal = self.journal_text(document);
        let kept: Vec<&str> = journal.lines().take(at + 1).collect();
        let sha256 = Digest::of(kept[at]);
        let head = format!("{{\"seq\":{at},\"sha256\":\"{sha256}\"}}\n");
        fs::write(run.join("journal.jsonl"), kept.join("\n") + "\n").expect("our own file");
        fs::write(run.join("HEAD"), head).expect("our own file");
        fs::remove_file(run.join("manifest.sha256")).expect("it was sealed");
        fs::remove_dir_all(run.join("kb")).expect("it had reports");
    }

    /// The built-in profile, edited, as a file; gives its path.
    pub fn profile(&self, name: &str, edit: impl Fn(&str) -> String) -> String {
        let (_, built_in) = built_in("icx-const").expect("it parses");
        let path = self.place().join(name);
        fs::write(&path, edit(built_in)).expect("a new file");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Stops the server until the value is dropped: it takes connections and never answers.
    pub fn stop_server(&self) -> Stopped {
        let raw = i32::try_from(self.cluster.postmaster_pid()).expect("pids fit");
        let pid = Pid::from_raw(raw).expect("no pid is 0");
        kill_process(pid, Signal::STOP).expect("our own server");
        Stopped(pid)
    }

    /// The evidence sheet that `document` names.
    pub fn sheet(&self, document: &Value) -> Value {
        let blob = self
            .run_dir(document)
            .join("blobs")
            .join(text(&document["evidence"]));
        serde_json::from_slice(&fs::read(blob).expect("the sheet is a blob")).expect("JSON")
    }
}

/// A server that does not answer until this is gone.
pub struct Stopped(Pid);

impl Drop for Stopped {
    fn drop(&mut self) {
        kill_process(self.0, Signal::CONT).expect("our own server");
    }
}

/// The words of `drygate approve` for what `document` waits for.
#[track_caller]
pub fn approval<'a>(document: &'a Value, gate: &'a str) -> Vec<&'a str> {
    let run_id = text(&document["run_id"]);
    let evidence = text(&document["evidence"]);
    vec!["approve", run_id, gate, "--digest", evidence, "--json"]
}

/// The string in a JSON value.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no string"))
}

/// The names of the members of an object.
#[track_caller]
pub fn keys(value: &Value) -> BTreeSet<&str> {
    let members = value.as_object();
    let members = members.unwrap_or_else(|| panic!("{value} is no object"));
    members.keys().map(String::as_str).collect()
}

/// Every file below a directory with its bytes.
pub fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("a readable directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let mut bytes = Vec::new();
                fs::File::open(&path)
                    .and_then(|mut file| file.read_to_end(&mut bytes))
                    .expect("a readable file");
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    found
}
