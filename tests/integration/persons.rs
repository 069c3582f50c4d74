//! Who counts as another person, by processes that really run so. Invariant: each row is one process, and its outcome is what
//! the journal holds; what this machine cannot make is said to be not checked.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use drygate::survey::Digest;
use serde_json::{Value, json};

use super::group::{OP_A, OP_B, Office, not_checked, shared_group, socket_of};
use super::support::pty::Exit;
use super::support::server::{Answer, text};

/// Sets the login uid as a login does, which `sudo` and `su` leave as it is.
const LOGGED_IN_AS_OP_A: [&str; 4] = [
    "sh",
    "-c",
    "echo 61101 > /proc/self/loginuid && exec \"$@\"",
    "sh",
];
const OTHER_HOST_NAME: [&str; 6] = [
    "unshare",
    "--uts",
    "sh",
    "-c",
    "hostname elsewhere && exec \"$@\"",
    "sh",
];
const CONTAINER: [&str; 4] = ["unshare", "--pid", "--fork", "--mount-proc"];
const AS_OP_B: [&str; 3] = ["unshare", "--user", "--map-user=61102"];
const AS_ROOT: [&str; 3] = ["unshare", "--user", "--map-root-user"];

/// How a process of an account is started.
#[derive(Clone, Copy)]
enum Way {
    Plainly,
    /// By a program that root starts, before the account is taken on.
    ByRoot(&'static [&'static str]),
    /// By a program that the account starts.
    ByItself(&'static [&'static str]),
}

impl Way {
    /// Whether this machine can start a process so.
    fn is_possible(self) -> bool {
        let words = match self {
            Self::Plainly => return true,
            Self::ByRoot(words) | Self::ByItself(words) => words,
        };
        let mut tried = Command::new(words[0]);
        let tried = tried.args(&words[1..]).arg("true").output();
        tried.is_ok_and(|said| said.status.success())
    }

    fn start(self, office: &Office, uid: u32, args: &[&str]) -> Answer {
        match self {
            Self::Plainly => office.by(uid, args),
            Self::ByRoot(words) => office.by_root_s(words, uid, args),
            Self::ByItself(words) => office.by_way_of(words, uid, args),
        }
    }
}

/// What it is, how it is started, as whom, and why it is refused.
type Row = (&'static str, Way, u32, &'static str);

/// Rows that are refused in whichever way they reach the run.
const REFUSED: [Row; 8] = [
    ("the starter", Way::Plainly, OP_A, "started the run"),
    (
        "the starter under another host name",
        Way::ByRoot(&OTHER_HOST_NAME),
        OP_A,
        "runs in a container",
    ),
    (
        "another account in a container",
        Way::ByRoot(&CONTAINER),
        OP_B,
        "runs in a container",
    ),
    (
        "root in a container",
        Way::ByRoot(&CONTAINER),
        0,
        "runs in a container",
    ),
    (
        "the starter as another account of a user namespace",
        Way::ByItself(&AS_OP_B),
        OP_A,
        "runs in a user namespace",
    ),
    (
        "the starter as root of a user namespace",
        Way::ByItself(&AS_ROOT),
        OP_A,
        "runs in a user namespace",
    ),
    (
        "another account in a user namespace",
        Way::ByItself(&AS_OP_B),
        OP_B,
        "runs in a user namespace",
    ),
    (
        "the starter after sudo to another account",
        Way::ByRoot(&LOGGED_IN_AS_OP_A),
        OP_B,
        "(the same login as",
    ),
];

/// Asks for the approval of SG1 in every way of the table. None is taken, each is refused for its reason.
fn all_are_refused(office: &Office, waits: &Value) {
    let (run, digest) = (text(&waits["run_id"]), text(&waits["evidence"]));
    let words = ["approve", run, "SG1", "--digest", digest, "--headless"];
    for (what, way, uid, why) in REFUSED {
        if !way.is_possible() {
            not_checked(what);
            continue;
        }
        let answer = way.start(office, uid, &words);
        assert_eq!(answer.code, 6, "{what}: {answer:?}");
        let said = format!("{}{}", answer.stdout, answer.stderr);
        assert!(said.contains(why), "{what}: {said}");
        assert_eq!(office.decided(), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn nobody_becomes_another_person_by_a_disguise_where_nobody_holds_the_run() {
    let group = match shared_group() {
        Ok(group) => group,
        Err(why) => return not_checked(why),
    };
    let office = Office::open(group, "distinct = true\nexclude_starter = true");
    let waits = office.start().json();
    all_are_refused(&office, &waits);
    office.approve(OP_B, "SG1", &waits).expect(3);
    assert_eq!(office.decided(), [format!("SG1 {OP_B}")]);
}

#[test]
fn nobody_becomes_another_person_by_a_disguise_through_the_process_that_holds_the_run() {
    let group = match shared_group() {
        Ok(group) => group,
        Err(why) => return not_checked(why),
    };
    let office = Office::open(group, "distinct = true\nexclude_starter = true");
    let mut terminal = office.stay();
    office.rests_at(&terminal, "SG1");
    let waits = office.waits();
    all_are_refused(&office, &waits);

    // A request that says who it is by is none, and one that does not is by whoever sends it.
    let asked = json!({
        "ask": "decide", "gate": "SG1", "decision": "approve", "evidence": waits["evidence"], "reason": null,
    });
    let mut forged = asked.clone();
    forged["by"] = json!({
        "user": "op_b", "uid": OP_B, "host": "ops", "tty": "pts/1", "pid": 1, "signer": "StubSigning",
    });
    let told = said_by_op_a(&office, &forged);
    assert!(told.contains("malformed"), "{told}");
    let told = said_by_op_a(&office, &asked);
    assert!(told.contains("approvals.exclude_starter"), "{told}");
    assert_eq!(office.decided(), Vec::<String>::new());

    office.approve(OP_B, "SG1", &waits).expect(3);
    assert_eq!(office.decided(), [format!("SG1 {OP_B}")]);
    office.rests_at(&terminal, "SG2");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));
}

/// What the process that holds the run answers to this line of `OP_A`.
fn said_by_op_a(office: &Office, line: &Value) -> String {
    let socket = socket_of(office).display().to_string();
    let script = "printf '%s\\n' \"$1\" | timeout 20 perl -MIO::Socket::UNIX -e \
        '$s = IO::Socket::UNIX->new(shift); print $s scalar <STDIN>; $s->flush; print scalar <$s>; print scalar <$s>' \"$0\"";
    let told = Command::new("setpriv")
        .args([
            format!("--reuid={OP_A}"),
            format!("--regid={OP_A}"),
            "--clear-groups".to_owned(),
        ])
        .args(["sh", "-c", script, &socket, &line.to_string()])
        .output()
        .expect("it starts");
    String::from_utf8_lossy(&told.stdout).into_owned()
}

/// A copy of `/etc` with a policy file in it, to be put in the place of `/etc` for one process.
fn etc_with(office: &Office, policy: &str, mode: u32) -> PathBuf {
    let copy = office.workspace.place().join("etc");
    if !copy.exists() {
        let copied = Command::new("cp").arg("-a").arg("/etc").arg(&copy).status();
        assert!(copied.is_ok_and(|status| status.success()));
    }
    let file = copy.join("drygate/policy.toml");
    fs::create_dir_all(copy.join("drygate")).expect("root may");
    fs::set_permissions(copy.join("drygate"), Permissions::from_mode(0o755)).expect("root may");
    fs::write(&file, policy).expect("root may");
    fs::set_permissions(&file, Permissions::from_mode(mode)).expect("root may");
    copy
}

#[test]
fn a_policy_file_of_root_binds_a_laxer_profile_and_whoever_starts_the_run() {
    let group = match shared_group() {
        Ok(group) => group,
        Err(why) => return not_checked(why),
    };
    let mounts = Command::new("unshare").args(["--mount", "true"]).output();
    if !mounts.is_ok_and(|said| said.status.success()) {
        return not_checked("no mount namespace can be made");
    }
    let office = Office::open(group, "distinct = false");
    let start = |policy: &str, mode: u32| {
        let etc = etc_with(&office, policy, mode).display().to_string();
        let put = "mount --bind \"$0\" /etc && exec \"$@\"";
        let words = office.run_words();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.extend(["--headless", "--json"]);
        office.by_root_s(&["unshare", "--mount", "sh", "-c", put, &etc], OP_A, &words)
    };

    // Without a policy the profile alone counts.
    let waits = office.start().json();
    let waits = office.approve(OP_A, "SG1", &waits).expect(3).json();
    office.approve(OP_A, "SG2", &waits).expect(0);
    let first = text(&waits["run_id"]).to_owned();

    let policy = "# Two persons.\n[approvals]\nexclude_starter = true\n";
    let refused = start(policy, 0o664).expect(78);
    assert!(
        refused
            .stderr
            .contains("/etc/drygate/policy.toml: policy.toml may be written by others"),
        "{refused:?}"
    );
    let refused = start("[approvals]\nexclude = true\n", 0o644).expect(78);
    assert!(
        refused.stderr.contains("policy.toml:2:1: unknown key"),
        "{refused:?}"
    );

    let waits = start(policy, 0o644).expect(3).json();
    let run = text(&waits["run_id"]).to_owned();
    assert_ne!(run, first);
    let directory = office.data().join("runs").join(&run);
    let journal = fs::read_to_string(directory.join("journal.jsonl")).expect("a journal");
    let events: Vec<Value> = journal
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(events[0]["approvals"]["exclude_starter"], true);
    let digest = Digest::of(policy).to_string();
    assert_eq!(events[0]["policy_sha256"], json!(digest));
    let kept = fs::read_to_string(directory.join("blobs").join(&digest));
    assert_eq!(kept.expect("the policy is evidence"), policy);
    let taken = events
        .iter()
        .find(|event| event["event"] == "evidence_taken");
    let differs = &taken.expect("a sheet")["sheet"]["last_pass_differences"];
    assert_eq!(differs[0]["key"], "policy");
    assert_eq!(differs[0]["then"], "any account");
    assert_eq!(differs[0]["now"], "exclude_starter");
    assert_eq!(differs[1]["key"], "policy_file");

    // The run is bound wherever it is taken up, by whoever holds it.
    let refused = office.approve(OP_A, "SG1", &waits).expect(6);
    assert!(
        refused.stdout.contains("approvals.exclude_starter"),
        "{refused:?}"
    );
    let waits = office.approve(OP_B, "SG1", &waits).expect(3).json();
    office.approve(OP_A, "SG2", &waits).expect(6);
    let sealed = office.approve(OP_B, "SG2", &waits).expect(0).json();
    assert_eq!(sealed["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    office.by(OP_A, &["verify", &run]).expect(0);

    // A policy that is gone from the evidence is missed.
    fs::remove_file(directory.join("blobs").join(&digest)).expect("root may");
    let found = office.by(OP_A, &["verify", &run]).expect(7);
    assert!(found.stdout.contains(&digest), "{found:?}");
}
