//! Hooks of a profile as real processes of a real run. Invariant: whatever a hook does, the run goes the way it goes without one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use drygate::postgres::throwaway::Scenario;
use serde_json::{Value, json};

use super::support::server::{Desk, finish, text};

/// What a hook may find in its environment: what it is given, and what a shell adds by itself.
const ENVIRONMENT: [&str; 7] = ["PATH", "HOME", "LANG", "PWD", "OLDPWD", "SHLVL", "_"];

/// A script that keeps what it was told and its environment, and speaks on both outputs.
const TELLS: &str = "\
cat > \"told-$1-$$\"
env > \"env-$1-$$\"
echo \"said $1\"
echo \"complained $1\" >&2
";

/// The built-in profile with these hooks, beside the script `tell.sh`.
fn profile(desk: &Desk, hooks: &str) -> String {
    fs::write(desk.place().join("tell.sh"), TELLS).expect("a new file");
    desk.profile("hooked.toml", |built_in| {
        format!("{built_in}\n[hooks]\n{hooks}\n")
    })
}

fn run(desk: &Desk, profile: &str) -> Value {
    let url = desk.url();
    let args = [
        "run",
        "--headless",
        "--json",
        "--profile",
        profile,
        "--database-url",
        &url,
    ];
    let mut command = desk.command(&args);
    command
        .env("PGPASSWORD", "canary-of-the-environment")
        .env("DRYGATE_COLOR", "never");
    finish(command.spawn().expect("it starts")).expect(3).json()
}

/// What the hooks of that word left in files of that kind, in the order of their processes.
fn left(desk: &Desk, kind: &str) -> Vec<String> {
    let listed = fs::read_dir(desk.place()).expect("readable").flatten();
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

fn told(desk: &Desk, word: &str) -> Vec<Value> {
    let texts = left(desk, &format!("told-{word}-"));
    let parse = |text: &String| serde_json::from_str(text).expect("one JSON document");
    texts.iter().map(parse).collect()
}

/// The records of `hooks.jsonl`.
fn beside(desk: &Desk, document: &Value) -> Vec<Value> {
    let path = desk.run_dir(document).join("hooks.jsonl");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect()
}

#[track_caller]
fn verify(desk: &Desk, document: &Value) {
    desk.drygate(&["verify", text(&document["run_id"])])
        .expect(0);
}

#[test]
fn hooks_are_told_each_wait_and_the_end_and_are_recorded() {
    let desk = Desk::new(Scenario::Draft);
    let profile = profile(
        &desk,
        "on_wait = [\"/bin/sh\", \"tell.sh\", \"wait\"]\non_end = [\"/bin/sh\", \"tell.sh\", \"end\"]",
    );
    let first = run(&desk, &profile);
    let second = desk.approve(&first, "SG1").expect(3).json();
    let last = desk.approve(&second, "SG2").expect(0).json();
    assert_eq!(last["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    verify(&desk, &last);

    let waits = told(&desk, "wait");
    let of = |key: &str| -> Vec<&Value> { waits.iter().map(|told| &told[key]).collect() };
    assert_eq!(of("gate"), [&json!("SG1"), &json!("SG2")]);
    assert_eq!(of("evidence"), [&first["evidence"], &second["evidence"]]);
    assert_eq!(of("run_id"), [&last["run_id"]; 2]);
    assert_eq!(of("stop_code"), [&json!("STOP_APPROVAL_REQUIRED"); 2]);
    assert_eq!(waits[0]["target"]["label"], "PRODUCTION");
    assert!(text(&waits[0]["next"]).contains("approve"), "{}", waits[0]);
    let ends = told(&desk, "end");
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!(ends[0]["result"], last["result"]);
    assert_eq!(ends[0]["exit_code"], 0);
    // The head that a hook may keep elsewhere is the head of the sealed journal.
    let head: Value =
        serde_json::from_slice(&fs::read(desk.run_dir(&last).join("HEAD")).expect("a head"))
            .expect("JSON");
    assert_eq!(ends[0]["head"], head);

    for environment in left(&desk, "env-") {
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

    let started = desk.events(&last, "hook_started");
    let ran = desk.events(&last, "hook_ran");
    assert_eq!((started.len(), ran.len()), (2, 2));
    for (started, ran) in started.iter().zip(&ran) {
        assert_eq!(ran["started"], started["seq"]);
        assert_eq!(ran["outcome"]["end"], "exited");
        assert_eq!(ran["outcome"]["code"], 0);
        assert_eq!(ran["outcome"]["stdout"]["text"], "said wait\n");
        assert_eq!(ran["outcome"]["stderr"]["text"], "complained wait\n");
    }
    let beside = beside(&desk, &last);
    let events: Vec<&str> = beside.iter().map(|line| text(&line["event"])).collect();
    assert_eq!(events, ["hook_started", "hook_ran"]);
    assert_eq!(beside[1]["outcome"]["stdout"]["text"], "said end\n");
}
