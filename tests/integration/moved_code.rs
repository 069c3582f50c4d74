//! Code, server and program that move while a run waits. Invariant: what moved is told before an approval takes effect, voids it as
//! facts do, and is what the new evidence is of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use drygate::postgres::throwaway::Scenario;
use rstest::rstest;
use serde_json::{Value, json};

use super::support::ground::{
    Ground, approve, band, close_sheet, open_sheet, press_enter, type_seen, wait_at,
};
use super::support::pty::{Exit, Terminal};
use super::support::server::{Workspace, approval, finish, text};

const PASS: &str = "O4_LIVE_DRYRUN_ORCHESTRATION_PASS";

fn git(repository: &Path, words: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository);
    for setting in ["user.name=op", "user.email=op@localhost"] {
        command.args(["-c", setting]);
    }
    let said = command.args(words).output().expect("git is installed");
    assert!(said.status.success(), "{words:?}: {said:?}");
}

fn commit(repository: &Path) {
    let words = [
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "changes what would be enacted",
    ];
    git(repository, &words);
}

/// What somebody does to the repository, and the keys of what is found.
type Move = (fn(&Path), &'static [&'static str]);

const COMMITTED: Move = (commit, &["repository.head"]);
const SWITCHED: Move = (
    |repository| git(repository, &["switch", "--quiet", "-c", "another"]),
    &["repository.branch"],
);
const MAIN_MOVED: Move = (
    |repository| git(repository, &["branch", "--quiet", "-f", "main", "HEAD"]),
    &["repository.main"],
);
const TAGGED: Move = (
    |repository| git(repository, &["tag", "v2"]),
    &["repository.tags"],
);
const EDITED: Move = (
    |repository| fs::write(repository.join("new"), "x").expect("our own file"),
    &["repository.work_tree"],
);

fn drifted_keys(document: &Value) -> Vec<&str> {
    let drift = document["drift"].as_array().expect("a list");
    drift.iter().map(|change| text(&change["key"])).collect()
}

#[rstest]
#[case::committed(COMMITTED)]
#[case::switched(SWITCHED)]
#[case::main_moved(MAIN_MOVED)]
#[case::tagged(TAGGED)]
#[case::edited(EDITED)]
fn code_that_moves_between_the_gates_voids_both_approvals(#[case] (change, keys): Move) {
    let workspace = Workspace::new(Scenario::Draft);
    let repository = workspace.place().join("repository");
    let waits = workspace.run_to_sg2();
    change(&repository);

    let stopped = workspace.approve(&waits, "SG2").expect(4).json();
    assert_eq!(stopped["stop_code"], "STOP_FACTS_DRIFTED");
    assert_eq!(stopped["state"], "awaiting_lifecycle_authorization");
    assert_eq!(drifted_keys(&stopped), keys);
    let message = text(&stopped["message"]);
    let begins = format!("The repository moved since G0 looked at it: {} ", keys[0]);
    assert!(message.starts_with(&begins), "{message}");
    assert!(text(&stopped["next"]).contains("resume"), "{stopped}");
    // As with facts the stop stands until somebody asks for new evidence.
    let refused = workspace.approve(&waits, "SG2").expect(6).json();
    assert!(text(&refused["message"]).contains("drifted"), "{refused}");

    let renewed = workspace.resume(&waits).expect(3).json();
    assert_eq!(renewed["gate"], "SG1");
    let sheet = workspace.sheet(&renewed);
    let led: Vec<&str> = sheet["drifted"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| text(&change["key"]))
        .collect();
    assert_eq!(led, keys);
    let gates = workspace.events(&waits, "gate_finished");
    let looked = gates.iter().filter(|event| event["gate"] == "G0").count();
    assert_eq!(looked, 2, "G0 is looked at again");

    let second = workspace.approve(&renewed, "SG1").expect(3).json();
    let sealed = workspace.approve(&second, "SG2").expect(0).json();
    assert_eq!(sealed["result"], PASS);
    workspace
        .drygate(&["verify", text(&waits["run_id"])])
        .expect(0);
}

#[test]
fn what_is_excluded_or_belongs_to_others_voids_nothing() {
    let workspace = Workspace::new(Scenario::Draft);
    let repository = workspace.place().join("repository");
    let profile = workspace.profile("excluded.toml", |built_in| {
        let excluded = [
            "branch_and_head",
            "main_and_feature_heads",
            "main_and_tags_unchanged",
            "forbidden_push_tag",
        ];
        let tables = excluded.map(|check| {
            format!("[[out_of_scope]]\ncheck = \"{check}\"\nreason = \"other people work here\"\n")
        });
        format!("{built_in}\n{}", tables.concat())
    });
    let url = workspace.url();
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let waits = workspace.drygate(&[&run[..], &["--profile", &profile]].concat());
    let waits = waits.expect(3).json();
    for (change, _) in [COMMITTED, SWITCHED, MAIN_MOVED, TAGGED, EDITED] {
        change(&repository);
    }
    let second = workspace.approve(&waits, "SG1").expect(3).json();
    assert_eq!(
        workspace.approve(&second, "SG2").expect(0).json()["result"],
        PASS
    );

    // Another branch is somebody else's, also where nothing is excluded.
    let waits = workspace.run().expect(3).json();
    git(&repository, &["branch", "somebody-else-s"]);
    let second = workspace.approve(&waits, "SG1").expect(3).json();
    assert!(workspace.events(&waits, "repository_moved").is_empty());
    workspace.approve(&second, "SG2").expect(0);
}

#[test]
fn a_repository_that_cannot_be_looked_at_is_neither_equal_nor_drift() {
    let workspace = Workspace::new(Scenario::Draft);
    let git_directory = workspace.place().join("repository/.git");
    let away = workspace.place().join("away");
    let waits = workspace.run().expect(3).json();
    fs::rename(&git_directory, &away).expect("our own folder");
    let refused = workspace.approve(&waits, "SG1").expect(6).json();
    let message = text(&refused["message"]);
    assert!(message.contains("could not be looked at: git"), "{message}");
    assert_eq!(refused["evidence"], waits["evidence"]);
    fs::rename(&away, &git_directory).expect("our own folder");
    let second = workspace.approve(&waits, "SG1").expect(3).json();
    workspace.approve(&second, "SG2").expect(0);
    workspace
        .drygate(&["verify", text(&waits["run_id"])])
        .expect(0);
}

/// A copy of the program that can be replaced.
fn own_copy(place: &Path) -> PathBuf {
    let copy = place.join("drygate");
    fs::copy(env!("CARGO_BIN_EXE_drygate"), &copy).expect("a copy");
    copy
}

/// Puts the same program with one byte more there: another file, as an upgrade leaves it.
fn replace(program: &Path) {
    let mut bytes = fs::read(program).expect("readable");
    bytes.push(0);
    let new = program.with_extension("new");
    fs::copy(program, &new).expect("a copy");
    fs::write(&new, &bytes).expect("our own file");
    fs::rename(&new, program).expect("our own file");
}

#[test]
fn a_program_replaced_under_a_screen_is_told_and_voids_its_approval() {
    let ground = Ground::new(Scenario::Draft);
    let place = tempfile::tempdir().expect("a temporary directory");
    let copy = own_copy(place.path());
    let program = copy.to_str().expect("UTF-8");
    let mut terminal = ground.screen_of(program, "0").open();
    wait_at(&terminal, "SG1");
    let digest = open_sheet(&mut terminal);
    type_seen(&mut terminal, &digest[58..]);
    replace(&copy);
    press_enter(&mut terminal);
    let told = terminal.wait_until("drift", |screen| {
        band(screen).starts_with("SG1   PROGRAM DRIFTED")
    });
    assert!(told.contains("program.file"), "{told}");
    let run = ground.home().run();
    assert_eq!(run.events("program_replaced").len(), 1);
    let steps = run.events("units_progressed");
    assert!(steps.is_empty(), "nothing was simulated: {steps:?}");
    leaves(terminal, 4);
}

#[test]
fn a_program_that_was_replaced_voids_the_approval_and_is_told_by_the_new_evidence() {
    let workspace = Workspace::new(Scenario::Draft);
    let copy = own_copy(workspace.place());
    let by_copy = |words: &[&str]| {
        let mut command = Command::new(&copy);
        let usual = workspace.command(&[]);
        let variables = usual
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        command
            .args(words)
            .env_clear()
            .envs(variables)
            .current_dir(workspace.place().join("repository"))
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        finish(command.spawn().expect("the program starts"))
    };
    let url = workspace.url();
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let waits = by_copy(&run).expect(3).json();
    replace(&copy);

    let stopped = by_copy(&approval(&waits, "SG1")).expect(4).json();
    assert_eq!(drifted_keys(&stopped), ["program.file"]);
    let message = text(&stopped["message"]);
    assert!(
        message.contains("drygate's own program was replaced"),
        "{message}"
    );
    let resume = ["resume", text(&waits["run_id"]), "--headless", "--json"];
    let renewed = by_copy(&resume).expect(3).json();
    let message = text(&renewed["message"]);
    assert!(message.contains("FAIL at best"), "{message}");
    // Who approves all the same was told: it takes effect.
    let second = by_copy(&approval(&renewed, "SG1")).expect(3).json();
    by_copy(&approval(&second, "SG2")).expect(9);
    by_copy(&["verify", text(&waits["run_id"])]).expect(0);
}

#[test]
fn a_server_that_was_restarted_voids_the_approval() {
    let mut ground = Ground::new(Scenario::Draft);
    let waits = ground.headless();
    assert_eq!(waits.code, 3, "{}", waits.text);
    let (run, evidence) = (text(&waits.json["run_id"]), text(&waits.json["evidence"]));
    ground.cluster.restart().expect("it starts again");
    let home = ground.home();
    let stopped = home.approve(run, "SG1", evidence);
    assert_eq!(stopped.code, 4, "{}", stopped.text);
    assert_eq!(drifted_keys(&stopped.json), ["server.postmaster_start"]);
    let message = text(&stopped.json["message"]);
    assert!(
        message.contains("or was restarted: server.postmaster_start"),
        "{message}"
    );
    let renewed = home.script(&["resume", run, "--headless", "--json"]);
    assert_eq!(renewed.code, 3, "{}", renewed.text);
    // Claim E is of all surveys of the run: it stays false, and the new sheet leads with that.
    let message = text(&renewed.json["message"]);
    assert!(message.contains("INCOMPLETE at best"), "{message}");
    assert!(message.contains("claim E is false"), "{message}");
    assert_eq!(home.script(&["verify", run]).code, 0);
}

#[track_caller]
fn leaves(mut terminal: Terminal, code: u32) {
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(code));
}

#[test]
fn code_that_moves_is_told_on_the_screen_before_anybody_approves() {
    let ground = Ground::new(Scenario::Draft);
    let repository = ground.repository.path().to_owned();
    let mut terminal = ground.at_sg1("1");
    commit(&repository);
    let told = terminal.wait_until("code that moved", |screen| {
        band(screen).starts_with("SG1   CODE MOVED")
    });
    assert!(
        told.contains("The repository moved since G0 looked at it."),
        "{told}"
    );
    assert!(told.contains("repository.head"), "{told}");
    assert!(told.contains("The code moved."), "{told}");
    terminal.type_slowly("a");
    terminal.wait_for("the code moved: approving would be refused");
    terminal.type_slowly("r");
    terminal.wait_until("new evidence", |_| {
        ground.home().run().events("evidence_taken").len() == 2
    });
    wait_at(&terminal, "SG1");
    terminal.type_slowly("a");
    let sheet = terminal.wait_for("DRIFTED SINCE THE EARLIER EVIDENCE   the code");
    assert!(sheet.contains("repository.head"), "{sheet}");
    close_sheet(&mut terminal);
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    leaves(terminal, 3);
}

#[test]
fn the_sheet_looks_at_the_code_when_it_opens_and_is_never_ready_over_what_moved() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    commit(ground.repository.path());
    terminal.type_slowly("a");
    let sheet = terminal.wait_for("the code moved: Esc, then r takes new evidence.");
    assert!(sheet.contains("approving would be refused"), "{sheet}");
    close_sheet(&mut terminal);
    let told = terminal.wait_until("code that moved", |screen| {
        band(screen).starts_with("SG1   CODE MOVED")
    });
    assert!(
        told.contains("approving would be refused") || told.contains("APPROVING WOULD BE REFUSED")
    );
    terminal.type_slowly("d");
    let diff = terminal.wait_for("repository.head");
    assert!(!diff.contains("repository.branch"), "{diff}");
    leaves_diff(terminal);
}

fn leaves_diff(mut terminal: Terminal) {
    terminal.keys("q");
    terminal.wait_until("the run again", |screen| {
        band(screen).starts_with("SG1   CODE MOVED")
    });
    leaves(terminal, 3);
}

#[test]
fn opening_the_sheet_extends_nothing_with_the_database_down_or_up() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let until = |events: &[Value]| events.last().map(|event| event["expires_at"].clone());
    let taken = until(&run.events("evidence_taken"));
    let stopped = ground.stop_server();
    terminal.type_slowly("a");
    terminal.wait_for("facts not read");
    let shown = until(&run.events("evidence_shown"));
    assert_eq!(shown, taken, "shown, and nothing was read");
    stopped.answer_again();
    close_sheet(&mut terminal);
    terminal.type_slowly("a");
    terminal.wait_until("a read of all facts", |_| {
        let reads = run.events("live_read");
        reads
            .last()
            .is_some_and(|read| read["complete"] == json!(true) && read["failed"].is_null())
    });
    let shown = until(&run.events("evidence_shown"));
    assert_eq!(shown, taken, "shown again, before the facts were read");
    close_sheet(&mut terminal);
    terminal.type_slowly("a");
    terminal.wait_until("a third sheet", |_| run.events("evidence_shown").len() == 3);
    let shown = until(&run.events("evidence_shown"));
    assert!(
        shown.as_ref().map(text) > taken.as_ref().map(text),
        "what is shown now counts from the read before: {shown:?}"
    );
    close_sheet(&mut terminal);
    leaves(terminal, 3);
}
