//! Who decides through the process that holds a run. Invariant: what a caller says of itself is nowhere recorded, and decides nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use drygate::journal::{DirectoryStore, Permissions};
use drygate::postgres::throwaway::Scenario;
use drygate::run::RunId;
use drygate::runner::{person, socket};
use drygate::testing::{FaultCounts, Random, fault_rounds, fault_seed};
use serde_json::{Value, json};

use super::support::ground::{Ground, Home, wait_at};
use super::support::pty::{Exit, Launch, Terminal};
use super::support::server::{Workspace, finish};

/// Set for the caller alone: where it connects, and what it says there.
const CALLER: [&str; 2] = ["DRYGATE_TEST_CALLER_SOCKET", "DRYGATE_TEST_CALLER_SAYS"];

/// A caller that says what it is told to, and prints the answers. Does nothing when run as a test.
#[test]
fn caller() {
    let [Ok(socket), Ok(says)] = CALLER.map(std::env::var) else {
        return;
    };
    let mut holder = UnixStream::connect(socket).expect("the holder listens");
    holder
        .write_all(format!("{says}\n").as_bytes())
        .expect("it reads");
    let mut said = std::io::stderr();
    for line in BufReader::new(holder).lines() {
        writeln!(said, "{}", line.expect("it answers")).expect("the test reads");
    }
    std::process::exit(0);
}

fn store(home: &Home) -> DirectoryStore {
    DirectoryStore::new(&home.path, Permissions::private()).expect("it is there")
}

/// A run whose profile takes approvals from a terminal only, on the terminal that holds it.
struct Held {
    workspace: Workspace,
    terminal: Terminal,
    home: Home,
}

impl Held {
    fn at_sg1() -> Self {
        let workspace = Workspace::new(Scenario::Draft);
        let profile = workspace.profile("terminal.toml", |built_in| {
            format!("{built_in}\n[approvals]\nterminal = true\n")
        });
        let home = Home::at(workspace.data());
        let repository = workspace.place().join("repository").display().to_string();
        let (url, data) = (workspace.url(), home.path.display().to_string());
        let words = ["run", "--database-url", &url, "--repo", &repository];
        let more = ["--profile", &profile, "--data-dir", &data];
        let terminal = Launch::drygate([&words[..], &more, &["--live-interval", "0"]].concat())
            .size(160, 48)
            .open();
        wait_at(&terminal, "SG1");
        Self {
            workspace,
            terminal,
            home,
        }
    }

    /// Lets a process that no terminal controls say this to the holder. Gives its id and what it was answered.
    fn is_told(&self, says: &Value) -> (u32, String) {
        let run: RunId = self.home.run().id().parse().expect("a run id");
        let socket = socket(&store(&self.home), &run).expect("the holder listens");
        let mut caller = Command::new("setsid");
        let here = std::env::current_exe().expect("this test");
        caller.arg(here).args(["--exact", "callers::caller"]);
        caller
            .env(CALLER[0], socket)
            .env(CALLER[1], says.to_string());
        let caller = caller.stdin(Stdio::null()).stdout(Stdio::null());
        let caller = caller.stderr(Stdio::piped()).spawn().expect("it starts");
        let id = caller.id();
        (id, finish(caller).stderr)
    }
}

/// A person that nobody is, but for the account.
fn forged() -> Value {
    let by = person::own().expect("files are left");
    json!({
        "user": "somebody else", "uid": by.uid, "host": "elsewhere", "tty": "pts/999", "pid": 1,
        "signer": "StubSigning",
    })
}

/// The person in a record is the one that the kernel knows as that process, and no terminal was seen.
#[track_caller]
fn is_as_seen(recorded: &Value, pid: u32) {
    let own = person::own().expect("files are left");
    let mut seen = json!({
        "user": own.user, "uid": own.uid, "host": own.host, "tty": null, "pid": pid,
        "signer": "StubSigning",
    });
    // Both are of this session, and so run where this test runs.
    if let Some(login) = own.login_uid {
        seen["login_uid"] = json!(login);
    }
    if let Some(doubt) = own.account_doubt {
        seen["account_doubt"] = json!(doubt);
    }
    assert_eq!(recorded["by"], seen);
}

#[test]
fn who_decides_and_who_looks_is_what_the_kernel_says() {
    let mut held = Held::at_sg1();
    let run = held.home.run();
    let evidence = run.evidence();

    // As the program said it before it left the person out.
    let named = json!({
        "gate": "SG1", "decision": "approve", "evidence": evidence, "reason": null, "by": forged(),
    });
    let (_, answer) = held.is_told(&json!({ "ask": "decide", "request": named }));
    assert!(answer.contains("malformed"), "{answer}");
    assert_eq!(run.decisions(), Vec::<String>::new());

    // Who it is by is not for the caller to say: such a request is none.
    let mut asked = named;
    asked["ask"] = json!("decide");
    let (_, answer) = held.is_told(&asked);
    assert!(answer.contains("malformed"), "{answer}");
    asked.as_object_mut().expect("an object").remove("by");
    let (pid, answer) = held.is_told(&asked);
    assert!(answer.contains("approvals.terminal"), "{answer}");
    is_as_seen(&run.events("approval_refused")[0], pid);
    assert_eq!(run.decisions(), Vec::<String>::new());

    let mut sheet = json!({
        "ask": "show_sheet", "gate": "SG1", "evidence": evidence, "by": forged(),
    });
    let (_, answer) = held.is_told(&sheet);
    assert!(answer.contains("malformed"), "{answer}");
    sheet.as_object_mut().expect("an object").remove("by");
    let (pid, answer) = held.is_told(&sheet);
    assert!(answer.contains("heard"), "{answer}");
    held.terminal.wait_until("the sheet that was shown", |_| {
        run.events("evidence_shown").len() == 1
    });
    is_as_seen(&run.events("evidence_shown")[0], pid);

    // From a terminal it is taken, and the terminal is the one that it came from. Its temporary files are elsewhere.
    let temporary = tempfile::tempdir().expect("a directory");
    let data = held.home.path.display().to_string();
    let id = run.id();
    let words = ["approve", &id, "SG1", "--digest", &evidence];
    let other = Launch::drygate([&words[..], &["--headless", "--data-dir", &data]].concat())
        .env("TMPDIR", temporary.path())
        .open();
    assert_eq!(other.wait_exit(), Exit::Code(3));
    let by = &run.events("approval_recorded")[0]["by"];
    assert_eq!(by["pid"], other.pid());
    let terminal = by["tty"].as_str().expect("it came from a terminal");
    assert!(terminal.starts_with("pts/"), "{terminal}");
    assert_ne!(by["tty"], run.journal()[0]["by"]["tty"]);

    held.terminal
        .wait_until("SG2", |_| run.state() == "awaiting_lifecycle_authorization");
    wait_at(&held.terminal, "SG2");
    held.terminal.keys("q");
    assert_eq!(held.terminal.wait_exit(), Exit::Code(3));
    drop(held.workspace);
}

/// Connections to the holder that say nothing.
fn idle(socket: &Path, count: usize) -> Vec<UnixStream> {
    let one = |_| UnixStream::connect(socket).expect("the holder listens");
    (0..count).map(one).collect()
}

/// What the holder answers, to the end of the connection.
fn answered(mut stream: &UnixStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it ends");
    text
}

#[test]
fn callers_that_say_nothing_cost_the_run_nothing() {
    let mut held = Held::at_sg1();
    let run: RunId = held.home.run().id().parse().expect("a run id");
    let socket = socket(&store(&held.home), &run).expect("the holder listens");

    // Three times as many as there are places.
    let silent = idle(&socket, 100);
    let busy = |stream: &&UnixStream| answered(stream).contains("busy");
    let turned_away = silent.iter().rev().take(20).filter(busy).count();
    assert_eq!(turned_away, 20);
    // The first ones had a place. It is taken from them, and who asks is heard again.
    assert_eq!(answered(&silent[0]), "");
    let (_, answer) = held.is_told(&json!({ "ask": "nothing" }));
    assert!(answer.contains("malformed"), "{answer}");

    let mut stream = UnixStream::connect(&socket).expect("the holder listens");
    stream.write_all(b"\xff\xfe\n").expect("it reads");
    assert!(answered(&stream).contains("malformed"));

    let _silent = idle(&socket, 3);
    held.terminal.keys("q");
    assert_eq!(held.terminal.wait_exit(), Exit::Code(3));
}

/// A request with some of its bytes changed, taken away, doubled or put in.
fn damaged(request: &str, chance: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut bytes = request.as_bytes().to_vec();
    for _ in 0..=chance(3) {
        let at = chance(bytes.len().max(1));
        let until = (at + 1 + chance(20)).min(bytes.len());
        match chance(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance(8),
            1 => drop(bytes.drain(at.min(until)..until)),
            2 => {
                let twice = bytes[at.min(until)..until].to_vec();
                bytes.splice(at..at, twice);
            }
            3 => {
                let some = [b'\n', b'"', b'{', b'}', b'[', 0, 0xff, b'9'];
                bytes.insert(at, some[chance(some.len())]);
            }
            _ => bytes.truncate(until),
        }
    }
    bytes.push(b'\n');
    bytes
}

#[test]
fn damaged_requests_decide_nothing_and_the_holder_goes_on() {
    let mut held = Held::at_sg1();
    let home = held.home.run();
    let run: RunId = home.id().parse().expect("a run id");
    let socket = socket(&store(&held.home), &run).expect("the holder listens");
    // Of other evidence, so that none of them may be taken, whatever a change makes of it.
    let other = "0".repeat(64);
    let requests = [
        json!({ "ask": "decide", "request": { "gate": "SG1", "decision": "approve", "evidence": other, "reason": null } }),
        json!({ "ask": "decide", "gate": "SG1", "decision": "reject", "evidence": other, "reason": "no" }),
        json!({ "ask": "show_sheet", "gate": "SG1", "evidence": other }),
        json!({ "ask": "be_present" }),
    ]
    .map(|request| request.to_string());
    let counts = FaultCounts::new(12, "a request to the process that holds a run is damaged");
    let mut random = Random::new(fault_seed(0x50c));
    let mut chance = |limit: usize| usize::try_from(random.below(limit as u64)).expect("small");
    for _ in 0..fault_rounds(60, 6_000) {
        let request = &requests[chance(requests.len())];
        let said = damaged(request, &mut chance);
        let mut stream = UnixStream::connect(&socket).expect("the holder listens");
        // One that refuses at once, because it serves enough others, may have closed by now.
        let said_all = stream.write_all(&said);
        drop(said_all.and_then(|()| stream.shutdown(Shutdown::Write)));
        let mut answer = Vec::new();
        // Watchers are told what comes; they leave after the first of it.
        drop(BufReader::new(stream).read_until(b'\n', &mut answer));
        counts.injected();
    }
    assert_eq!(home.decisions(), Vec::<String>::new());
    held.terminal.keys("q");
    assert_eq!(held.terminal.wait_exit(), Exit::Code(3));
}

#[test]
fn a_decision_is_acknowledged_once_it_is_durable_and_stands_though_the_caller_goes_away() {
    let ground = Ground::new(Scenario::Draft);
    let home = ground.home();
    let holder = ground.at_sg1("0");
    let digest = home.run().evidence();
    let lock = ground.lock("public.lifecycle_log");
    let run = home.run().id();
    let data = home.path.display().to_string();
    let mut caller = Command::new(env!("CARGO_BIN_EXE_drygate"))
        .args(["approve", &run, "SG1", "--digest", &digest])
        .args(["--data-dir", &data])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut told = BufReader::new(caller.stderr.take().expect("it is piped")).lines();
    let first = told.next().expect("it says something").expect("UTF-8");
    assert!(first.starts_with("approval of SG1 recorded at "), "{first}");
    assert_eq!(home.run().events("approval_recorded").len(), 1);
    caller.kill().expect("our own child");
    caller.wait().expect("our own child");
    drop(lock);
    wait_at(&holder, "SG2");
}
