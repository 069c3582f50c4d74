//! Runs shared with a group (`store.group`), by accounts that are really different. Invariant: each deed is done by a process
//! of the account that it is said to be of; where no account can be taken on, nothing is claimed.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use drygate::postgres::throwaway::{ClusterOptions, Scenario};
use drygate::runner::person;
use rustix::process::{Gid, Uid};
use serde_json::Value;

use super::support::ground::wait_at;
use super::support::pty::{Exit, Launch, Terminal};
use super::support::server::{Answer, Workspace, finish, own_cluster, text};

/// Accounts without names: a number is all that the system asks for.
pub(super) const OP_A: u32 = 61_101;
pub(super) const OP_B: u32 = 61_102;
const STRANGER: u32 = 61_103;

/// Groups that a bare system has, none of them anybody's first.
const GROUPS: [&str; 3] = ["users", "staff", "games"];

/// What is needed to be somebody else, or why it cannot be had.
pub(super) fn shared_group() -> Result<(&'static str, u32), &'static str> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root can be two accounts");
    }
    if let Some(doubt) = person::own().expect("files are left").account_doubt {
        return Err(doubt.says());
    }
    let setpriv = Command::new("setpriv").arg("--version").output();
    if !setpriv.is_ok_and(|said| said.status.success()) {
        return Err("setpriv is not installed");
    }
    let known = fs::read_to_string("/etc/group").unwrap_or_default();
    let number = |name: &str| {
        let line = known
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        line.split(':').nth(2)?.parse().ok()
    };
    let mut groups = GROUPS
        .iter()
        .filter_map(|name| Some((*name, number(name)?)));
    groups.next().ok_or("no group to share")
}

/// Says past the capture of the harness what was not looked at.
pub(super) fn not_checked(why: &str) {
    let line = format!("several accounts: NOT CHECKED, {why}");
    // A closed stderr must not fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A desk that several accounts work at.
pub(super) struct Office {
    pub(super) workspace: Workspace,
    binary: PathBuf,
    profile: String,
    gid: u32,
}

impl Office {
    pub(super) fn open(group: (&str, u32), approvals: &str) -> Self {
        let workspace = Workspace::on(own_cluster(&ClusterOptions::default()), Scenario::Enacted);
        let (name, gid) = group;
        // Root keeps temporary folders to itself: the way in, the program and the server's socket are for everybody.
        let open = |path: &Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("root may");
        };
        open(workspace.place(), 0o1777);
        open(workspace.cluster.socket_dir(), 0o711);
        let listed = fs::read_dir(workspace.cluster.socket_dir()).expect("root may");
        let sockets = listed.flatten().map(|entry| entry.path());
        for socket in sockets.filter(|path| path.to_string_lossy().contains(".s.PGSQL.")) {
            open(&socket, 0o777);
        }
        let binary = workspace.place().join("drygate");
        fs::copy(env!("CARGO_BIN_EXE_drygate"), &binary).expect("a copy");
        let config = format!("[store]\ngroup = \"{name}\"\n");
        fs::write(workspace.place().join("drygate.toml"), config).expect("a new file");
        for uid in [0, OP_A, OP_B, STRANGER] {
            let home = workspace.place().join(format!("home-{uid}"));
            fs::create_dir(&home).expect("a new folder");
            let trust = "[safe]\n\tdirectory = *\n";
            fs::write(home.join(".gitconfig"), trust).expect("a new file");
            chown(&home, Some(uid), Some(uid)).expect("root may");
            // Temporary files are there too, and no other account gets in.
            open(&home, 0o700);
        }
        let shared = workspace.place().join("shared");
        fs::create_dir(&shared).expect("a new folder");
        chown(&shared, Some(OP_A), Some(OP_A)).expect("root may");
        let profile = workspace.profile("shared.toml", |built_in| {
            format!("{built_in}\n[approvals]\n{approvals}\n")
        });
        Self {
            workspace,
            binary,
            profile,
            gid,
        }
    }

    /// Made by op_a's first run, in a folder that is op_a's alone to write.
    pub(super) fn data(&self) -> PathBuf {
        self.workspace.place().join("shared/data")
    }

    /// The words that make the program run as an account; the group is one of its others, not its first.
    fn as_account(&self, uid: u32, args: &[&str]) -> Vec<String> {
        let groups = match uid {
            STRANGER => "--clear-groups".to_owned(),
            _ => format!("--groups={}", self.gid),
        };
        let binary = self.binary.display().to_string();
        let who = [
            format!("--reuid={uid}"),
            format!("--regid={uid}"),
            groups,
            binary,
        ];
        who.into_iter()
            .chain(args.iter().map(|arg| (*arg).to_owned()))
            .collect()
    }

    /// Runs the program as an account to its end.
    pub(super) fn by(&self, uid: u32, args: &[&str]) -> Answer {
        self.by_way_of(&[], uid, args)
    }

    /// Runs the program as an account to its end, started by another program.
    pub(super) fn by_way_of(&self, other: &[&str], uid: u32, args: &[&str]) -> Answer {
        let mut words = self.as_account(uid, args);
        let program = words.len() - args.len() - 1;
        words.splice(program..program, other.iter().map(|&word| word.to_owned()));
        self.of_root(&[], uid, &words)
    }

    /// Runs the program as an account to its end, started by another program that root starts.
    pub(super) fn by_root_s(&self, other: &[&str], uid: u32, args: &[&str]) -> Answer {
        self.of_root(other, uid, &self.as_account(uid, args))
    }

    fn of_root(&self, other: &[&str], uid: u32, words: &[String]) -> Answer {
        let mut line = other.iter().copied().chain(["setpriv"]);
        let mut command = Command::new(line.next().expect("a program"));
        command
            .args(line)
            .args(words)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", self.workspace.place().join(format!("home-{uid}")))
            .env("TMPDIR", self.workspace.place().join(format!("home-{uid}")))
            .env("DRYGATE_DATA_DIR", self.data())
            .env("DRYGATE_LIVE_INTERVAL", "0")
            .current_dir(self.workspace.place())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        finish(command.spawn().expect("it starts"))
    }

    /// The words that start a run.
    pub(super) fn run_words(&self) -> Vec<String> {
        let repository = self
            .workspace
            .place()
            .join("repository")
            .display()
            .to_string();
        let (url, profile) = (self.workspace.url(), self.profile.clone());
        let words = [
            "run",
            "--database-url",
            &url,
            "--profile",
            &profile,
            "--repo",
            &repository,
        ];
        words.map(str::to_owned).to_vec()
    }

    /// op_a starts a run, which comes back at SG1.
    pub(super) fn start(&self) -> Answer {
        let words = self.run_words();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.extend(["--headless", "--json"]);
        self.by(OP_A, &words).expect(3)
    }

    /// op_a starts a run on a terminal and stays.
    pub(super) fn stay(&self) -> Terminal {
        let words = self.run_words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.screen(OP_A, &words)
    }

    /// The program on a terminal of an account.
    fn screen(&self, uid: u32, words: &[&str]) -> Terminal {
        Launch::program("setpriv", self.as_account(uid, words))
            .env("HOME", self.workspace.place().join(format!("home-{uid}")))
            .env("TMPDIR", self.workspace.place().join(format!("home-{uid}")))
            .env("DRYGATE_DATA_DIR", self.data())
            .env("DRYGATE_LIVE_INTERVAL", "0")
            .cwd(self.workspace.place())
            .size(160, 48)
            .open()
    }

    pub(super) fn approve(&self, uid: u32, gate: &str, waits: &Value) -> Answer {
        let (run, digest) = (text(&waits["run_id"]), text(&waits["evidence"]));
        let words = [
            "approve",
            run,
            gate,
            "--digest",
            digest,
            "--headless",
            "--json",
        ];
        self.by(uid, &words)
    }

    /// The one run, wherever it is.
    fn run(&self) -> PathBuf {
        let listed = fs::read_dir(self.data().join("runs")).expect("root may");
        let runs: Vec<_> = listed.flatten().map(|entry| entry.path()).collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    fn events(&self, name: &str) -> Vec<Value> {
        let journal = fs::read_to_string(self.run().join("journal.jsonl")).expect("a journal");
        let records = journal
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        records
            .filter(|record: &Value| record["event"] == name)
            .collect()
    }

    /// Waits until all of a wait is recorded: the screen shows it before its last record is in the journal.
    pub(super) fn rests_at(&self, terminal: &Terminal, gate: &str) {
        wait_at(terminal, gate);
        terminal.wait_until("the last record of the wait", |_| {
            let journal = fs::read_to_string(self.run().join("journal.jsonl")).expect("a journal");
            let last = journal.lines().last().unwrap_or_default();
            last.contains(r#""event":"invocation_returned""#) && journal.ends_with('\n')
        });
    }

    /// What the evidence that was taken last is, in the form of a document.
    pub(super) fn waits(&self) -> Value {
        let taken = self.events("evidence_taken").pop().expect("evidence");
        let run = self.run();
        let run = run
            .file_name()
            .expect("a run")
            .to_string_lossy()
            .into_owned();
        serde_json::json!({"run_id": run, "evidence": taken["evidence"]})
    }

    /// `SG1 61102`: gate and account of every decision.
    pub(super) fn decided(&self) -> Vec<String> {
        let recorded = self.events("approval_recorded");
        let line = |record: &Value| format!("{} {}", text(&record["gate"]), record["by"]["uid"]);
        recorded.iter().map(line).collect()
    }

    /// Everything of the data directory belongs to the group: directories 02770, files 0660.
    fn must_be_shared(&self) {
        let mut folders = vec![self.data()];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            let found = fs::metadata(&folder).expect("root may");
            let (mode, gid) = (found.mode() & 0o7777, found.gid());
            assert_eq!((mode, gid), (0o2770, self.gid), "{}", folder.display());
            for entry in fs::read_dir(&folder).expect("root may").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // A file that is being replaced has a name of its own for a moment.
                let Ok(found) = fs::metadata(&path) else {
                    continue;
                };
                let (mode, gid) = (found.mode() & 0o7777, found.gid());
                assert_eq!((mode, gid), (0o660, self.gid), "{}", path.display());
                files += 1;
            }
        }
        assert!(files > 3, "{files} files were looked at");
    }
}

/// Connects to a socket with the credentials of an account, in a thread that ends with them.
fn connects(uid: u32, groups: Vec<u32>, socket: &Path) -> std::io::Result<()> {
    let socket = socket.to_owned();
    let somebody = std::thread::spawn(move || {
        use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
        let groups: Vec<Gid> = groups.into_iter().map(Gid::from_raw).collect();
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(uid));
        set_thread_groups(&groups)?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
        UnixStream::connect(socket).map(drop)
    });
    somebody.join().expect("it does not panic")
}

/// Where the process of op_a that holds the run says that it listens: below the data directory.
pub(super) fn socket_of(office: &Office) -> PathBuf {
    let lock = fs::read(office.run().join("LOCK")).expect("root may");
    let lock: Value = serde_json::from_slice(&lock).expect("JSON");
    let socket = PathBuf::from(text(&lock["socket"]));
    assert_eq!(socket.parent(), Some(&*office.data().join("sockets")));
    socket
}

#[test]
fn another_account_of_the_group_approves_through_the_socket_and_by_the_lock() {
    let group = match shared_group() {
        Ok(group) => group,
        Err(why) => return not_checked(why),
    };
    let office = Office::open(group, "distinct = true");
    let mut terminal = office.stay();
    office.rests_at(&terminal, "SG1");
    office.must_be_shared();
    let waits = office.waits();
    let (run, journal) = (text(&waits["run_id"]), office.run().join("journal.jsonl"));

    // An account outside the group neither reads the run nor reaches who holds it.
    let before = fs::read(&journal).expect("root may");
    for words in [
        &["verify", run][..],
        &["report", run],
        &["resume", run, "--headless"],
        &["watch", run, "--headless"],
        &["approve", run, "SG1", "--digest", text(&waits["evidence"])],
    ] {
        let refused = office.by(STRANGER, words);
        assert_ne!(refused.code, 0, "{words:?}: {refused:?}");
        assert_ne!(refused.code, 3, "{words:?}: {refused:?}");
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(said.contains("Permission denied"), "{words:?}: {said}");
    }
    let after = fs::read(&journal).expect("root may");
    assert!(after == before, "{} bytes more", after.len() - before.len());
    let socket = socket_of(&office);
    assert!(socket.exists(), "the holder listens");
    let refused = connects(STRANGER, Vec::new(), &socket).expect_err("it may not");
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
    connects(OP_B, vec![office.gid], &socket).expect("a member of the group may");

    // op_b decides through the process of op_a, which goes on.
    office.approve(OP_B, "SG1", &waits).expect(3);
    assert_eq!(office.decided(), [format!("SG1 {OP_B}")]);
    office.rests_at(&terminal, "SG2");
    assert!(
        office.events("run_resumed").is_empty(),
        "nobody took the run"
    );
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));

    // op_b holds it: what op_a decides is ruled on by the process of op_b.
    let mut terminal = office.screen(OP_B, &["resume", run]);
    wait_at(&terminal, "SG2");
    let wrong = serde_json::json!({"run_id": run, "evidence": "0".repeat(64)});
    office.approve(OP_A, "SG2", &wrong).expect(6);
    let refused = office.events("approval_refused");
    assert_eq!(refused.last().expect("it is recorded")["by"]["uid"], OP_A);
    assert_eq!(office.events("run_resumed").len(), 1, "op_a took nothing");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));

    // Nobody holds it: op_b takes the lock and is refused, op_a takes it back and is not.
    let waits = office.waits();
    let refused = office.approve(OP_B, "SG2", &waits).expect(6);
    assert!(refused.stdout.contains("approvals.distinct"), "{refused:?}");
    let sealed = office.approve(OP_A, "SG2", &waits).expect(0).json();
    assert_eq!(sealed["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(
        office.decided(),
        [format!("SG1 {OP_B}"), format!("SG2 {OP_A}")]
    );
    office.must_be_shared();
    for uid in [OP_A, OP_B] {
        office.by(uid, &["verify", run]).expect(0);
    }
}

#[test]
fn the_account_that_approved_sg1_is_refused_at_sg2_and_another_seals() {
    let group = match shared_group() {
        Ok(group) => group,
        Err(why) => return not_checked(why),
    };
    let office = Office::open(group, "distinct = true");
    let started = office.start();
    let note = format!(
        "store.group={}: members of the group can rewrite files.",
        group.0
    );
    assert!(started.stderr.contains(&note), "{started:?}");
    let waits = office
        .approve(OP_A, "SG1", &started.json())
        .expect(3)
        .json();
    let refused = office.approve(OP_A, "SG2", &waits).expect(6);
    assert_eq!(refused.json()["stop_code"], "STOP_APPROVAL_REFUSED");
    assert!(refused.stdout.contains("approvals.distinct"), "{refused:?}");
    // op_b takes the lock, and with it the run to its end: what it writes is the group's too.
    let sealed = office.approve(OP_B, "SG2", &waits).expect(0).json();
    assert_eq!(sealed["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(
        office.decided(),
        [format!("SG1 {OP_A}"), format!("SG2 {OP_B}")]
    );
    office.must_be_shared();
    let run = text(&waits["run_id"]);
    office.by(OP_A, &["verify", run]).expect(0);
    let listed = fs::read_dir(office.run().join("kb")).expect("reports");
    let mut reports = listed.flatten().map(|entry| entry.path());
    let twelve = reports.find(|path| path.to_string_lossy().contains("/12-"));
    let report = fs::read_to_string(twelve.expect("report 12")).expect("readable");
    assert!(report.contains(&note), "{report}");
}

#[test]
fn a_user_namespace_makes_no_other_account_of_one() {
    let group = match shared_group() {
        Ok(group) => group,
        Err(why) => return not_checked(why),
    };
    let disguise = ["unshare", "--user", "--map-user=61102"];
    let mut can = Command::new(disguise[0]);
    can.args(&disguise[1..]).arg("true");
    if !can.output().is_ok_and(|said| said.status.success()) {
        return not_checked("no user namespace can be made");
    }
    let office = Office::open(group, "exclude_starter = true");
    let waits = office.start().json();
    let (run, digest) = (text(&waits["run_id"]), text(&waits["evidence"]));
    let words = ["approve", run, "SG1", "--digest", digest, "--json"];
    let refused = office.by_way_of(&disguise, OP_A, &words).expect(6);
    assert!(
        format!("{refused:?}").contains("approvals.exclude_starter asks who somebody is"),
        "{refused:?}"
    );
    assert_eq!(office.decided(), Vec::<String>::new());
    office.approve(OP_B, "SG1", &waits).expect(3);
}

#[test]
fn the_account_that_started_the_run_may_not_approve_it() {
    let group = match shared_group() {
        Ok(group) => group,
        Err(why) => return not_checked(why),
    };
    let office = Office::open(group, "exclude_starter = true");
    let waits = office.start().json();
    let refused = office.approve(OP_A, "SG1", &waits).expect(6);
    assert!(
        refused.stdout.contains("approvals.exclude_starter"),
        "{refused:?}"
    );
    let waits = office.approve(OP_B, "SG1", &waits).expect(3).json();
    office.approve(OP_A, "SG2", &waits).expect(6);
    office.approve(OP_B, "SG2", &waits).expect(0);
    assert_eq!(
        office.decided(),
        [format!("SG1 {OP_B}"), format!("SG2 {OP_B}")]
    );
}
