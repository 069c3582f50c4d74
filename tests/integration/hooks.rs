//! Hooks of a profile as real processes of a real run. Invariant: whatever a hook does, the run goes the way it goes without one.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;

use drygate::postgres::throwaway::Scenario;
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::support::ground::{approve, wait_at};
use super::support::pty::{Exit, Launch, key};
use super::support::server::{Workspace, approval, files, finish, text};

/// What a hook may find in its environment: what it is given, and what a shell adds by itself.
const ENVIRONMENT: [&str; 8] = [
    "PATH",
    "HOME",
    "LANG",
    "DRYGATE_HEAD",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
];

/// A script that keeps what it was told and its environment, and speaks on both outputs.
const TELLS: &str = "\
cat > \"told-$1-$$\"
env > \"env-$1-$$\"
echo \"said $1\"
echo \"complained $1\" >&2
";

/// The built-in profile with these hooks, beside the script `tell.sh`.
fn profile(workspace: &Workspace, hooks: &str) -> String {
    fs::write(workspace.place().join("tell.sh"), TELLS).expect("a new file");
    workspace.profile("hooked.toml", |built_in| {
        format!("{built_in}\n[hooks]\n{hooks}\n")
    })
}

fn start(workspace: &Workspace, profile: &str) -> Child {
    let url = workspace.url();
    let mut args = vec!["run", "--headless", "--json", "--profile", profile];
    args.extend(["--database-url", &url]);
    let mut command = workspace.command(&args);
    command
        .env("PGPASSWORD", "canary-of-the-environment")
        .env("DRYGATE_COLOR", "never");
    command.spawn().expect("it starts")
}

fn run(workspace: &Workspace, profile: &str) -> Value {
    finish(start(workspace, profile)).expect(3).json()
}

fn signal(child: &Child, signal: Signal) {
    let raw = i32::try_from(child.id()).expect("pids fit");
    kill_process(Pid::from_raw(raw).expect("no pid is 0"), signal).expect("our own child");
}

/// A named pipe beside the profile: reading it ends when the last who holds it for writing is gone.
fn pipe(workspace: &Workspace, name: &str) -> PathBuf {
    let path = workspace.place().join(name);
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo is there").success());
    path
}

fn reading(path: &Path) -> thread::JoinHandle<String> {
    let path = path.to_owned();
    thread::spawn(move || fs::read_to_string(path).expect("a pipe"))
}

/// The document of the only run there is.
fn only_run(workspace: &Workspace) -> Value {
    let runs = fs::read_dir(workspace.data().join("runs")).expect("runs");
    let ids: Vec<String> = runs.flatten().map(|entry| name(&entry.path())).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    json!({ "run_id": ids[0] })
}

/// What the hooks of that word left in files of that kind, in the order of their processes.
fn left(workspace: &Workspace, kind: &str) -> Vec<String> {
    let listed = fs::read_dir(workspace.place()).expect("readable").flatten();
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.path()).collect();
    paths.retain(|path| name(path).starts_with(kind));
    paths.sort_by_key(|path| fs::metadata(path).and_then(|m| m.modified()).ok());
    paths
        .iter()
        .map(|path| fs::read_to_string(path).expect("text"))
        .collect()
}

fn name(path: &Path) -> String {
    let name = path.file_name().expect("a name");
    name.to_string_lossy().into_owned()
}

fn told(workspace: &Workspace, word: &str) -> Vec<Value> {
    let texts = left(workspace, &format!("told-{word}-"));
    let parse = |text: &String| serde_json::from_str(text).expect("one JSON document");
    texts.iter().map(parse).collect()
}

/// The records of `hooks.jsonl`.
fn beside(workspace: &Workspace, document: &Value) -> Vec<Value> {
    let path = workspace.run_dir(document).join("hooks.jsonl");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect()
}

#[track_caller]
fn verify(workspace: &Workspace, document: &Value) {
    workspace
        .drygate(&["verify", text(&document["run_id"])])
        .expect(0);
}

#[test]
fn hooks_are_told_each_wait_and_the_end_and_are_recorded() {
    let workspace = Workspace::new(Scenario::Draft);
    let profile = profile(
        &workspace,
        "on_wait = [\"/bin/sh\", \"tell.sh\", \"wait\"]\non_end = [\"/bin/sh\", \"tell.sh\", \"end\"]",
    );
    let first = run(&workspace, &profile);
    let second = workspace.approve(&first, "SG1").expect(3).json();
    let last = workspace.approve(&second, "SG2").expect(0).json();
    assert_eq!(last["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    verify(&workspace, &last);

    let waits = told(&workspace, "wait");
    let of = |key: &str| -> Vec<&Value> { waits.iter().map(|told| &told[key]).collect() };
    assert_eq!(of("gate"), [&json!("SG1"), &json!("SG2")]);
    assert_eq!(of("evidence"), [&first["evidence"], &second["evidence"]]);
    assert_eq!(of("run_id"), [&last["run_id"]; 2]);
    assert_eq!(of("stop_code"), [&json!("STOP_APPROVAL_REQUIRED"); 2]);
    assert_eq!(waits[0]["target"]["label"], "PRODUCTION");
    assert!(text(&waits[0]["next"]).contains("approve"), "{}", waits[0]);
    let ends = told(&workspace, "end");
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!(ends[0]["result"], last["result"]);
    assert_eq!(ends[0]["exit_code"], 0);
    // The head that a hook may keep elsewhere is the head of the sealed journal.
    let head: Value =
        serde_json::from_slice(&fs::read(workspace.run_dir(&last).join("HEAD")).expect("a head"))
            .expect("JSON");
    assert_eq!(ends[0]["head"], head);

    for environment in left(&workspace, "env-") {
        let names: BTreeSet<&str> = environment
            .lines()
            .filter_map(|line| Some(line.split_once('=')?.0))
            .collect();
        assert!(
            names.contains("PATH") && names.contains("HOME"),
            "{names:?}"
        );
        assert!(names.is_subset(&BTreeSet::from(ENVIRONMENT)), "{names:?}");
        assert!(!environment.contains("canary"), "{environment}");
    }

    let started = workspace.events(&last, "hook_started");
    let ran = workspace.events(&last, "hook_ran");
    assert_eq!((started.len(), ran.len()), (2, 2));
    for (started, ran) in started.iter().zip(&ran) {
        assert_eq!(ran["started"], started["seq"]);
        assert_eq!(ran["outcome"]["end"], "exited");
        assert_eq!(ran["outcome"]["code"], 0);
        assert_eq!(ran["outcome"]["stdout"]["text"], "said wait\n");
        assert_eq!(ran["outcome"]["stderr"]["text"], "complained wait\n");
    }
    let beside = beside(&workspace, &last);
    let events: Vec<&str> = beside.iter().map(|line| text(&line["event"])).collect();
    assert_eq!(events, ["hook_started", "hook_ran"]);
    assert_eq!(beside[1]["outcome"]["stdout"]["text"], "said end\n");
}

/// What each of these hooks ends as.
#[rstest]
#[case("[\"/bin/sh\", \"-c\", \"exit 1\"]", "exited", json!(1))]
#[case("[\"/bin/sh\", \"-c\", \"kill -9 $$\"]", "signalled", json!(9))]
#[case("[\"no-such-program-of-this-test\"]", "not_started", Value::Null)]
#[case("[\"./tell.sh\"]", "not_started", Value::Null)]
#[case("[\"/bin/sh\", \"-c\", \"exec 0<&-; exit 0\"]", "exited", json!(0))]
#[case("[\"/bin/sh\", \"-c\", \"exec 1>&- 2>&- 0<&-; exec sleep 600\"]", "timed_out", json!(1000))]
#[case("[\"/bin/sh\", \"-c\", \"printf %s=%s password hunter22\"]", "exited", json!(0))]
fn whatever_a_hook_does_the_run_passes_and_says_how_it_ended(
    #[case] hook: &str,
    #[case] end: &str,
    #[case] how: Value,
) {
    let workspace = Workspace::new(Scenario::Enacted);
    let profile = profile(
        &workspace,
        &format!("on_wait = {hook}\non_stop = {hook}\non_end = {hook}\ntimeout = \"1s\""),
    );
    let first = run(&workspace, &profile);
    let second = workspace.approve(&first, "SG1").expect(3).json();
    let last = workspace.approve(&second, "SG2").expect(0).json();
    assert_eq!(last["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    verify(&workspace, &last);
    let mut ran = workspace.events(&last, "hook_ran");
    assert_eq!(ran.len(), 2);
    ran.push(beside(&workspace, &last).pop().expect("the end of on_end"));
    for record in ran {
        let outcome = &record["outcome"];
        assert_eq!(outcome["end"], end, "{record}");
        let members = ["code", "signal", "limit_ms"];
        let found = members.iter().find_map(|key| outcome.get(*key));
        assert_eq!(found.cloned().unwrap_or_default(), how, "{record}");
        assert!(!record.to_string().contains("hunter22"), "{record}");
    }
}

/// A password that a URL writes otherwise, how it stands in outputs of programs, and what is kept of that. Base64 is of the password, of
/// `postgres:password` and of `u:password`: all three places where it can begin; the second is for URLs, the last without padding.
const PASSWORD: &str = "s3 cret%/w\u{f6}rd";
const SAID: &str = concat!(
    "bare s3 cret%/w\u{f6}rd, in a URL s3%20cret%25%2Fw%C3%B6rd, s3+cret%25/w%c3%b6rd, ",
    "base64 czMgY3JldCUvd8O2cmQ=, cG9zdGdyZXM6czMgY3JldCUvd8O2cmQ=, dTpzMyBjcmV0JS93w7ZyZA, ",
    "hex 73332063726574252f77c3b67264 or 73332063726574252F77C3B67264."
);
const KEPT: &str = concat!(
    "bare [secret], in a URL [secret], [secret], ",
    "base64 [secret]=, cG9zdGdyZXM6[secret]=, dT[secret], ",
    "hex [secret] or [secret]."
);

#[rstest]
#[case("PGPASSWORD")]
#[case("PGPASSFILE")]
#[case("PGSERVICE")]
#[case("DRYGATE_DATABASE_URL")]
fn a_password_that_drygate_has_is_taken_out_of_what_a_hook_says(#[case] place: &str) {
    let workspace = Workspace::new(Scenario::Draft);
    let at = |name: &str| workspace.place().join(name);
    // So long that what is kept of it ends within the password. What is no UTF-8 is longer in what is kept than it was.
    let flood = "x".repeat(4096 - 7);
    fs::write(at("said"), SAID).expect("a new file");
    let bytes = [&[0xff; 32], &flood.as_bytes()[32..], PASSWORD.as_bytes()].concat();
    fs::write(at("flood"), bytes).expect("a new file");
    let hooks = "on_wait = [\"/bin/sh\", \"-c\", \"cat said; cat flood >&2\"]";
    let profile = profile(&workspace, hooks);
    let url = workspace.url();
    let mut command = workspace.command(&["run", "--headless", "--json", "--profile", &profile]);
    let secret_file = |name: &str, text: String| {
        fs::write(at(name), text).expect("a new file");
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(at(name), private).expect("our own file");
        at(name)
    };
    command.env("DRYGATE_DATABASE_URL", &url);
    match place {
        "PGPASSWORD" => command.env(place, PASSWORD),
        "PGPASSFILE" => command.env(place, secret_file("pass", format!("*:*:*:*:{PASSWORD}\n"))),
        "PGSERVICE" => {
            let service = secret_file("service", format!("[one]\npassword={PASSWORD}\n"));
            command.env("PGSERVICEFILE", service).env(place, "one")
        }
        _ => command.env(place, format!("{url}&password=s3%20cret%25%2Fw%C3%B6rd")),
    };
    let first = finish(command.spawn().expect("it starts")).expect(3).json();
    let outcome = workspace.events(&first, "hook_ran")[0]["outcome"].clone();
    assert_eq!(outcome["stdout"]["text"], KEPT, "{place}");
    assert_eq!(
        outcome["stderr"]["text"],
        format!("{}{}[secret]", "\u{fffd}".repeat(32), &flood[32..]),
        "{place}"
    );
    assert!(!workspace.journal_text(&first).contains("cret%"), "{place}");
    verify(&workspace, &first);
}

#[test]
fn a_flood_is_cut_off_and_counted() {
    let workspace = Workspace::new(Scenario::Enacted);
    let flood =
        "head -c 3000000 /dev/zero | tr '\\\\0' x; printf '\\\\033]52;c;x\\\\007\\\\377' >&2";
    let hooks = format!("on_wait = [\"/bin/sh\", \"-c\", \"{flood}\"]");
    let first = run(&workspace, &profile(&workspace, &hooks));
    let outcome = workspace.events(&first, "hook_ran")[0]["outcome"].clone();
    assert_eq!(outcome["stdout"]["bytes"], 3_000_000);
    assert_eq!(text(&outcome["stdout"]["text"]), "x".repeat(4096));
    assert_eq!(outcome["stderr"]["text"], "\u{1b}]52;c;x\u{7}\u{fffd}");
    let raw = workspace.journal_text(&first);
    assert!(
        raw.bytes()
            .all(|byte| (b' '..=b'~').contains(&byte) || byte == b'\n')
    );
}

#[test]
fn what_a_hook_left_in_its_group_ends_at_the_limit() {
    let workspace = Workspace::new(Scenario::Enacted);
    let held = pipe(&workspace, "held");
    // The pipe is closed when the grandchild is gone, and not before.
    let hook = "exec 3>held; sleep 600 & exit 0";
    let hooks = format!("on_wait = [\"/bin/sh\", \"-c\", \"{hook}\"]\ntimeout = \"1s\"");
    let gone = reading(&held);
    let first = run(&workspace, &profile(&workspace, &hooks));
    assert_eq!(gone.join().expect("it was killed"), "");
    let ran = workspace.events(&first, "hook_ran");
    assert_eq!(ran[0]["outcome"]["end"], "timed_out");
}

#[test]
fn approvals_and_the_seal_do_not_wait_for_a_hook_that_hangs_and_a_signal_ends_it() {
    let workspace = Workspace::new(Scenario::Draft);
    let told = pipe(&workspace, "told");
    let hooks = "on_wait = [\"/bin/sh\", \"-c\", \"cat >told; exec sleep 600\"]\ntimeout = \"10m\"";
    let waits = reading(&told);
    let process = start(&workspace, &profile(&workspace, hooks));
    let first: Value = serde_json::from_str(&waits.join().expect("told")).expect("JSON");
    let again = reading(&told);
    // Another process hands its decision over to the one whose hook hangs.
    let second = workspace.approve(&first, "SG1").expect(3).json();
    let of_sg2: Value = serde_json::from_str(&again.join().expect("told")).expect("JSON");
    assert_eq!(of_sg2["evidence"], second["evidence"]);
    let last = workspace.approve(&second, "SG2").expect(0).json();
    assert_eq!(last["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(workspace.events(&last, "hook_started").len(), 2);
    assert_eq!(workspace.events(&last, "hook_ran").len(), 0);
    verify(&workspace, &last);
    let report = fs::read_dir(workspace.run_dir(&last).join("kb"))
        .expect("reports")
        .flatten();
    let report = report
        .map(|entry| entry.path())
        .find(|path| name(path).starts_with("07-"));
    let report = fs::read_to_string(report.expect("report 07")).expect("text");
    assert!(
        report.contains(
            "None by drygate itself. Hooks of the profile ran before the seal (on_wait 2)"
        ),
        "{report}"
    );
    assert!(
        report.contains("hooks of the profile ran 2 times and are not watched"),
        "{report}"
    );

    signal(&process, Signal::USR1);
    assert_eq!(finish(process).code, 128 + Signal::USR1.as_raw());
    let beside = beside(&workspace, &last);
    assert_eq!(beside.len(), 2, "{beside:?}");
    for record in &beside {
        assert_eq!(record["outcome"]["end"], "cut");
        assert_eq!(record["started_in"], "journal.jsonl");
    }
    verify(&workspace, &last);
}

#[test]
fn after_the_seal_only_the_record_of_hooks_changes_and_a_damaged_one_is_found() {
    let workspace = Workspace::new(Scenario::Enacted);
    let (told, go_on) = (pipe(&workspace, "told"), pipe(&workspace, "go_on"));
    let hooks = "on_end = [\"/bin/sh\", \"-c\", \"cat >told; cat <go_on\"]\ntimeout = \"10m\"";
    let first = run(&workspace, &profile(&workspace, hooks));
    let second = workspace.approve(&first, "SG1").expect(3).json();
    let reading = reading(&told);
    let args = approval(&second, "SG2");
    let process = workspace.command(&args).spawn().expect("it starts");
    let ended: Value = serde_json::from_str(&reading.join().expect("told")).expect("JSON");
    assert_eq!(ended["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    let directory = workspace.run_dir(&first);
    let without = |mut all: Vec<(PathBuf, Vec<u8>)>| {
        all.retain(|(path, _)| name(path) != "hooks.jsonl");
        all
    };
    let sealed = without(files(&directory));
    assert!(
        sealed
            .iter()
            .any(|(path, _)| name(path) == "manifest.sha256")
    );
    fs::write(&go_on, "go on").expect("the hook reads");
    finish(process).expect(0);
    assert!(
        without(files(&directory)) == sealed,
        "the hook changed the sealed run"
    );
    let after = files(&directory);
    workspace.resume(&first).expect(0);
    assert!(
        files(&directory) == after,
        "a resume changed the sealed run"
    );
    assert_eq!(
        beside(&workspace, &first)[1]["outcome"]["stdout"]["text"],
        "go on"
    );
    verify(&workspace, &first);

    let path = directory.join("hooks.jsonl");
    let text = fs::read_to_string(&path).expect("records");
    fs::write(&path, text.replacen("on_end", "on_wait", 1)).expect("our own file");
    let found = workspace
        .drygate(&["verify", self::text(&first["run_id"])])
        .expect(0);
    let said = "beside the evidence: hooks.jsonl, line 2";
    assert!(found.stdout.contains(said), "{}", found.stdout);
}

#[test]
fn a_hook_whose_process_died_is_not_run_again_and_its_end_is_not_made_up() {
    let workspace = Workspace::new(Scenario::Enacted);
    let (told, go_on) = (pipe(&workspace, "told"), pipe(&workspace, "go_on"));
    let hooks = "on_wait = [\"/bin/sh\", \"-c\", \"cat >told; cat <go_on\"]\ntimeout = \"10m\"";
    let waits = reading(&told);
    let mut process = start(&workspace, &profile(&workspace, hooks));
    waits.join().expect("told");
    signal(&process, Signal::KILL);
    process.wait().expect("our own child");
    let run = only_run(&workspace);
    assert_eq!(workspace.events(&run, "hook_started").len(), 1);
    // Were it run again, the resume would wait for its pipe and not come back.
    let first = workspace.resume(&run).expect(3).json();
    let ran = workspace.events(&first, "hook_ran");
    assert_eq!(ran.len(), 1);
    assert_eq!(ran[0]["outcome"]["end"], "unseen");
    assert_eq!(workspace.events(&first, "hook_started").len(), 1);
    fs::write(&go_on, "the orphan may end").expect("it reads");
    verify(&workspace, &first);
}

#[test]
fn a_drift_and_a_rejection_are_stops_and_the_rejected_run_ends() {
    let workspace = Workspace::new(Scenario::Enacted);
    let hooks = "on_stop = [\"/bin/sh\", \"tell.sh\", \"stop\"]\non_end = [\"/bin/sh\", \"tell.sh\", \"end\"]";
    let first = run(&workspace, &profile(&workspace, hooks));
    workspace
        .sql("UPDATE public.unit_version SET content = content || '!' WHERE unit_id LIKE '%-0017'");
    let drifted = workspace.approve(&first, "SG1").expect(4).json();
    let stops = told(&workspace, "stop");
    assert_eq!(stops[0]["stop_code"], "STOP_FACTS_DRIFTED");
    assert_eq!(stops[0]["drift"], json!(["unit_version", "candidates"]));
    let tail = text(&drifted["run_id"]);
    let args = ["reject", tail, "SG1", "--reason", "not today"];
    let asked = workspace.resume(&drifted).expect(3).json();
    workspace.drygate(&args).expect(5);
    let stops = told(&workspace, "stop");
    let codes: Vec<&Value> = stops.iter().map(|told| &told["stop_code"]).collect();
    assert_eq!(codes, ["STOP_FACTS_DRIFTED", "STOP_APPROVAL_REJECTED"]);
    let ends = told(&workspace, "end");
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0]["exit_code"], 5);
    verify(&workspace, &asked);
}

#[test]
fn on_a_screen_a_hook_that_hangs_delays_no_key_and_no_approval() {
    let workspace = Workspace::new(Scenario::Draft);
    let told = pipe(&workspace, "told");
    let hooks = "on_wait = [\"/bin/sh\", \"-c\", \"cat >told; exec sleep 600\"]\ntimeout = \"10m\"";
    let profile = profile(&workspace, hooks);
    let (url, data) = (workspace.url(), workspace.data().display().to_string());
    let args = ["run", "--live-interval", "0", "--profile", &profile];
    let args = [&args[..], &["--database-url", &url, "--data-dir", &data]].concat();
    let waits = reading(&told);
    let mut terminal = Launch::drygate(args)
        .env("TMPDIR", workspace.place())
        .size(160, 48)
        .cwd(&workspace.place().join("repository"))
        .open();
    wait_at(&terminal, "SG1");
    waits.join().expect("told");
    let again = reading(&told);
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    again.join().expect("told");
    let run = only_run(&workspace);
    assert_eq!(workspace.events(&run, "hook_started").len(), 2);
    assert_eq!(workspace.events(&run, "hook_ran").len(), 0);
    terminal.type_slowly("q");
    terminal.wait_given_back();
    terminal.wait_for("A hook of the profile still runs");
    terminal.keys(key::CTRL_C);
    assert_eq!(terminal.wait_exit(), Exit::Code(3));
    let ran = workspace.events(&run, "hook_ran");
    let ends: Vec<&Value> = ran.iter().map(|ran| &ran["outcome"]["end"]).collect();
    assert_eq!(ends, ["cut", "cut"]);
    workspace.resume(&run).expect(3);
    assert_eq!(
        workspace.events(&run, "hook_started").len(),
        2,
        "told twice"
    );
    verify(&workspace, &run);
}

#[test]
fn profile_check_names_hooks_without_running_them_and_show_prints_them() {
    let workspace = Workspace::new(Scenario::Enacted);
    let hooks = "on_wait = [\"sh\", \"tell.sh\", \"wait\"]\non_stop = [\"./tell.sh\"]";
    let profile = profile(&workspace, hooks);
    let url = workspace.url();
    let args = ["profile", "check", &profile, "--database-url", &url];
    let said = workspace.drygate(&args).expect(0).stdout;
    assert!(
        said.contains("on_wait") && said.contains("/sh, 10s at most"),
        "{said}"
    );
    assert!(
        said.contains("on_stop  ./tell.sh is not there or not executable"),
        "{said}"
    );
    assert_eq!(told(&workspace, "wait").len(), 0);
    let shown = workspace
        .drygate(&["profile", "show", &profile])
        .expect(0)
        .stdout;
    assert!(shown.contains(hooks), "{shown}");
}
