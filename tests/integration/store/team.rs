//! A team: one surveyed database, one run store, and the machines of its members.
//! Invariant: the run store is another server than the surveyed one, shared by the tests of this process; each test has a database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, ClusterOrigin, Scenario};
use serde_json::Value;

use crate::support::server::{
    Answer, SUPERUSER, Workspace, approval, files, finish, own_cluster, text,
};

/// The result of a run that came to its end.
pub(super) const PASS: &str = "O4_LIVE_DRYRUN_ORCHESTRATION_PASS";
/// The members of the team, each a login role of the store.
pub(super) const MEMBERS: [&str; 7] = ["alice", "bob", "carol", "dave", "erin", "frank", "mallory"];
/// What is waited for at most.
const DEADLINE: Duration = Duration::from_mins(1);

static STORE: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The store of the tests that run at the same time. It has a system identifier of its own.
fn store_cluster() -> Arc<Cluster> {
    let mut shared = STORE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cluster) = shared.upgrade() {
        return cluster;
    }
    let cluster = made(&ClusterOptions::default());
    *shared = Arc::downgrade(&cluster);
    cluster
}

/// A server for stores, with a login role for each member.
fn made(options: &ClusterOptions) -> Arc<Cluster> {
    let cluster = own_cluster(&ClusterOptions {
        origin: ClusterOrigin::Made,
        ..options.clone()
    });
    let login = |member| format!("CREATE ROLE {member} LOGIN IN ROLE drygate_members;");
    let roles = format!(
        "CREATE ROLE drygate_members NOLOGIN; {}",
        MEMBERS.map(login).concat()
    );
    cluster.load(SUPERUSER, &roles).expect("new roles");
    cluster
}

/// A team with a database to survey and a database for its runs.
pub(super) struct Team {
    /// The surveyed database, with a repository.
    pub(super) surveyed: Workspace,
    /// The server of the store.
    pub(super) store: Arc<Cluster>,
    /// The database of the store.
    pub(super) database: String,
}

impl Team {
    pub(super) fn new() -> Self {
        Self::with(store_cluster())
    }

    /// A team whose store is on a server of its own.
    pub(super) fn on(options: &ClusterOptions) -> Self {
        Self::with(made(options))
    }

    fn with(store: Arc<Cluster>) -> Self {
        let surveyed = Workspace::new(Scenario::Enacted);
        let database = format!("runs_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        store.create_database(&database).expect("a new database");
        let printed = surveyed.drygate(&["store", "init", "--sql"]).expect(0);
        store
            .load(&database, &printed.stdout)
            .expect("the printed SQL");
        Self {
            surveyed,
            store,
            database,
        }
    }

    /// The machine of a member, with a lease of a second.
    pub(super) fn machine(&self, name: &str, role: &str) -> Machine<'_> {
        self.machine_at(name, &self.store.url(role, &self.database))
    }

    /// A machine that reaches the store by this URL.
    pub(super) fn machine_at(&self, name: &str, url: &str) -> Machine<'_> {
        let place = self.surveyed.place().join(name);
        fs::create_dir(&place).expect("a new directory");
        let settings = place.join("home/.config/drygate");
        fs::create_dir_all(&settings).expect("a new directory");
        fs::write(settings.join("config.toml"), "[store]\nlease = 1.0\n").expect("a new file");
        Machine {
            team: self,
            place,
            url: url.to_owned(),
        }
    }

    /// Asks the store as its superuser.
    #[track_caller]
    pub(super) fn sql(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let answer = self.store.query(SUPERUSER, &self.database, sql);
        answer.expect("a superuser may do anything")
    }

    /// The one value of an answer.
    #[track_caller]
    pub(super) fn value(&self, sql: &str) -> String {
        let mut rows = self.sql(sql);
        let row = rows.pop().unwrap_or_else(|| panic!("no row: {sql}"));
        row.into_iter().next().flatten().unwrap_or_default()
    }

    /// The lines of a run that the store has, in order and without a gap.
    #[track_caller]
    pub(super) fn lines(&self, run_id: &str) -> Vec<String> {
        let asked = format!(
            "SELECT seq, convert_from(line, 'UTF8') FROM drygate.line WHERE run_id = '{run_id}' ORDER BY seq"
        );
        let mut lines = Vec::new();
        for row in self.sql(&asked) {
            let [Some(seq), Some(line)] = row.as_slice() else {
                panic!("two values: {row:?}");
            };
            assert_eq!(*seq, lines.len().to_string(), "no gap and none twice");
            lines.push(line.clone());
        }
        lines
    }

    /// The names of the events that the store has of a run.
    pub(super) fn stored_events(&self, run_id: &str) -> Vec<String> {
        let lines = self.lines(run_id);
        let name = |line: &String| {
            let event: Value = serde_json::from_str(line).expect("a line is an object");
            text(&event["event"]).to_owned()
        };
        lines.iter().map(name).collect()
    }
}

/// One machine: a data directory, and who its person is to the store.
pub(super) struct Machine<'a> {
    pub(super) team: &'a Team,
    place: PathBuf,
    url: String,
}

impl Machine<'_> {
    pub(super) fn data(&self) -> PathBuf {
        self.place.join("data")
    }

    /// The program on this machine, about to be started.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.team.surveyed.command(words);
        command
            .env("DRYGATE_DATA_DIR", self.data())
            .env("DRYGATE_STORE_URL", &self.url)
            .env("HOME", self.place.join("home"));
        command
    }

    pub(super) fn start(&self, words: &[&str]) -> Child {
        self.command(words).spawn().expect("the program starts")
    }

    /// Runs the program to its end.
    pub(super) fn drygate(&self, words: &[&str]) -> Answer {
        finish(self.start(words))
    }

    /// Runs the program on this machine as another account, whose data directory it is from now on. Only root can.
    #[track_caller]
    pub(super) fn as_account(&self, uid: u32, words: &[&str]) -> Answer {
        use std::os::unix::fs::{PermissionsExt as _, chown};
        let open = |path: &Path, mode| {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(path, permissions).expect("root may");
        };
        let place = self.team.surveyed.place();
        open(place, 0o1777);
        for cluster in [&self.team.surveyed.cluster, &self.team.store] {
            open(cluster.socket_dir(), 0o711);
            open(&cluster.socket_dir().join(".s.PGSQL.5432"), 0o777);
        }
        let binary = place.join(format!("drygate-{uid}"));
        fs::copy(env!("CARGO_BIN_EXE_drygate"), &binary).expect("a copy");
        let trust = "[safe]\n\tdirectory = *\n";
        fs::write(self.place.join("home/.gitconfig"), trust).expect("a new file");
        let mut all: Vec<PathBuf> = files(&self.place)
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        let above = all
            .iter()
            .flat_map(|path| path.ancestors().map(Path::to_owned));
        let above: Vec<PathBuf> = above.filter(|path| path.starts_with(&self.place)).collect();
        all.extend(above);
        for path in all {
            chown(&path, Some(uid), Some(uid)).expect("root may");
        }
        let program = self.command(words);
        let mut command = Command::new("setpriv");
        command
            .args([format!("--reuid={uid}"), format!("--regid={uid}")])
            .arg("--clear-groups")
            .arg(&binary)
            .args(program.get_args())
            .env_clear()
            .envs(
                program
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("XDG_CACHE_HOME", self.place.join("home"))
            .current_dir(program.get_current_dir().expect("it is set"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        finish(command.spawn().expect("util-linux"))
    }

    /// Starts a run; gives its document.
    pub(super) fn run(&self) -> Answer {
        let url = self.team.surveyed.url();
        self.drygate(&["run", "--headless", "--json", "--database-url", &url])
    }

    /// Approves what a document waits for.
    pub(super) fn approve(&self, document: &Value, gate: &str) -> Answer {
        self.drygate(&approval(document, gate))
    }

    /// The same until no other process has the run: a dead one has it until its lease is over.
    #[track_caller]
    pub(super) fn take_over(&self, words: &[&str]) -> Answer {
        let began = Instant::now();
        loop {
            let answer = self.drygate(words);
            if answer.code != 75 {
                return answer;
            }
            assert!(began.elapsed() < DEADLINE, "{answer:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Approves until the run has its seal.
    #[track_caller]
    pub(super) fn go_on(&self, mut answer: Answer) -> Value {
        for _ in 0..2 {
            if answer.code != 3 {
                break;
            }
            let document = answer.json();
            answer = self.approve(&document, text(&document["gate"]));
        }
        let last = answer.expect(0).json();
        assert_eq!(last["result"], PASS, "{last}");
        last
    }

    /// The journal of a run on this machine.
    pub(super) fn journal(&self, run_id: &str) -> String {
        let path = self.data().join("runs").join(run_id).join("journal.jsonl");
        fs::read_to_string(&path).unwrap_or_default()
    }

    /// The run verifies against the store, and the store has each line of its journal.
    #[track_caller]
    pub(super) fn verify(&self, run_id: &str) -> Answer {
        let verified = self.drygate(&["verify", run_id, "--store"]).expect(0);
        let here = self.journal(run_id);
        let here: Vec<&str> = here.lines().collect();
        assert_eq!(self.team.lines(run_id), here, "{run_id}");
        verified
    }
}

/// Waits for a fact.
#[track_caller]
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < DEADLINE, "not within 60 s: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
