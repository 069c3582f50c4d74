//! `drygate replay` on really rehearsed runs, with the server gone.
//! Invariant: what is replayed is compared with the journal, and nothing of the run is changed by it.

use std::path::Path;

use drygate::postgres::throwaway::{ClusterOptions, Scenario};
use serde_json::Value;

use super::support::pty::{Exit, Launch, Terminal, key};
use super::support::screen::Screen;
use super::support::server::{Workspace, files, own_cluster, text};

/// A sealed run of the drafts on a server of its own, which the test then stops: whoever asks it waits for ever.
fn rehearsed() -> (Workspace, Value) {
    let workspace = Workspace::on(own_cluster(&ClusterOptions::default()), Scenario::Draft);
    let run = workspace.run_to_the_end().expect(0).json();
    (workspace, run)
}

fn replay(workspace: &Workspace, run: &Value, size: (u16, u16)) -> Terminal {
    replay_of(text(&run["run_id"]), &workspace.data(), size)
}

/// The replay of a run or an archive, with a directory for runs.
fn replay_of(place: &str, data: &Path, size: (u16, u16)) -> Terminal {
    let data = data.display().to_string();
    Launch::drygate(["replay", place, "--data-dir", &data])
        .env("CI", "")
        .size(size.0, size.1)
        .open()
}

/// A run that stands at the drift of SG2, with a note on it that was written at SG1: the run has gone on since.
fn drifted_and_noted() -> (Workspace, Value) {
    let workspace = Workspace::new(Scenario::Drift);
    let waiting = workspace.run_to_sg2();
    write_note(&workspace, &waiting, "ask op_b about 0017");
    workspace.sql(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    let drifted = workspace.approve(&waiting, "SG2").expect(4).json();
    (workspace, drifted)
}

fn write_note(workspace: &Workspace, run: &Value, note: &str) {
    let mut terminal = replay(workspace, run, (160, 48));
    terminal.wait_for("q back");
    terminal.type_slowly("d").wait_for("m note");
    terminal.type_slowly("m").wait_for("note on ");
    terminal.type_slowly(note).keys(key::ENTER);
    terminal.wait_for(&format!("\"{note}\""));
    terminal.type_slowly("q").wait_for("<< REPLAY >>");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
}

/// What a person sees who goes through a replay: its end, the stop before, what the approver saw, the differences with
/// their documents and notes. A frame is drawn from its first row to its last: it is whole once the last row, here the
/// beginning of something typed, is there.
fn seen(mut terminal: Terminal, [at_sg2, drifted]: [&str; 2]) -> Vec<Screen> {
    let mut seen = Vec::new();
    let mut whole = |terminal: &mut Terminal, begins: &str, shows: &str, leaves: &str| {
        terminal.type_slowly(begins);
        seen.push(terminal.wait_for(shows));
        terminal.type_slowly(leaves);
        terminal.wait_until("what was typed to be gone", |screen| {
            !screen.contains(shows)
        });
    };
    terminal.wait_for("<< REPLAY >>");
    whole(&mut terminal, ":", "go to _", key::ENTER);
    terminal.type_slowly(":").wait_for("go to _");
    terminal.type_slowly(at_sg2).keys(key::ENTER);
    terminal.wait_for("ALLOW ENACT?");
    whole(&mut terminal, ":", "go to _", key::ENTER);
    terminal.type_slowly("v");
    whole(&mut terminal, "", "  v back", "v");
    terminal.type_slowly(":").wait_for("go to _");
    terminal.type_slowly(drifted).keys(key::ENTER);
    terminal.wait_for("FACTS DRIFTED");
    terminal.type_slowly("d").wait_for("FACTS MOVED");
    terminal.keys(key::ENTER).wait_for("change 1 of ");
    whole(&mut terminal, "/", "Enter finds", key::ESC);
    terminal.type_slowly("q").wait_for("<< REPLAY >>");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
    seen
}

#[test]
fn an_archive_is_retold_where_it_lies_as_its_run_is() {
    let (workspace, run) = drifted_and_noted();
    let run_id = text(&run["run_id"]);
    let stops = workspace.events(&run, "stop_raised");
    let stops = stops.iter().filter(|stop| stop["gate"] == "SG2");
    let stops: Vec<String> = stops.map(|stop| stop["seq"].to_string()).collect();
    let stops = [&*stops[0], &*stops[1]];
    let elsewhere = tempfile::tempdir().expect("a folder");
    let data = elsewhere.path().join("data");
    for name in ["run.tar", "run.tar.gz"] {
        let file = elsewhere.path().join(name).display().to_string();
        workspace
            .drygate(&["export", run_id, "--output", &file])
            .expect(0);
        let before = files(elsewhere.path());
        for record in workspace.journal(&run).iter().step_by(9) {
            let words = ["--at", &record["seq"].to_string(), "--json"];
            let of = |place| workspace.drygate(&[&["replay", place][..], &words].concat());
            let (archive, run) = (of(&file).expect(0), of(run_id).expect(0));
            assert_eq!(archive.stdout, run.stdout, "{words:?} of {name}");
        }
        for size in [(160, 48), (80, 24)] {
            let of_run = seen(replay_of(run_id, &workspace.data(), size), stops);
            let of_archive = seen(replay_of(&file, &data, size), stops);
            for (run, archive) in of_run.iter().zip(&of_archive) {
                assert!(run == archive, "{run}\n\nbut {name}:\n{archive}");
            }
        }
        assert!(files(elsewhere.path()) == before, "{name} was only read");
        assert!(!data.exists(), "nothing was imported");
    }
}

#[test]
fn a_note_travels_says_that_the_run_went_on_and_is_taken_where_it_is_kept() {
    let (workspace, run) = drifted_and_noted();
    let run_id = text(&run["run_id"]);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let (data, temporary) = (elsewhere.path().join("data"), elsewhere.path().join("tmp"));
    std::fs::create_dir(&temporary).expect("a new folder");
    let file = elsewhere.path().join("run.tar").display().to_string();
    workspace
        .drygate(&["export", run_id, "--output", &file])
        .expect(0);
    let note = "\"ask op_b about 0017\"";
    let went_on = "! the run went on: the note saw its head";

    let verified = workspace.drygate(&["verify", &file]).expect(0);
    assert!(verified.stdout.contains(note), "{}", verified.stdout);
    assert!(
        verified.stdout.contains(&went_on[2..]),
        "{}",
        verified.stdout
    );
    let mut terminal = Launch::drygate(["replay", &file])
        .env("CI", "")
        .env("TMPDIR", &temporary)
        .size(160, 48)
        .open();
    terminal.wait_for("v what the approver saw     q back");
    terminal.type_slowly("d").wait_for(note);
    terminal.wait_for(went_on);
    terminal.type_slowly("m").wait_for("note on ");
    terminal.type_slowly("lost?").keys(key::ENTER);
    let refused = terminal.wait_for("An archive takes no notes");
    assert!(!refused.contains("\"lost?\""), "{refused}");
    terminal.type_slowly("qq");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    assert_eq!(files(&temporary), Vec::new(), "what was unpacked is gone");

    let kept = data.display().to_string();
    workspace
        .drygate(&["import", &file, "--data-dir", &kept])
        .expect(0);
    let verified = workspace
        .drygate(&["verify", run_id, "--data-dir", &kept])
        .expect(0);
    assert!(verified.stdout.contains(note), "{}", verified.stdout);
    let mut terminal = replay_of(run_id, &data, (160, 48));
    terminal.wait_for("q back");
    terminal.type_slowly("d").wait_for(note);
    terminal.wait_for(went_on);
    terminal.type_slowly("qq");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    let place = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::new(Scenario::Draft);
    let named = |name: &str| place.path().join(name).display().to_string();
    std::fs::write(named("notes.txt"), "no archive at all\n".repeat(100)).expect("a file");
    std::fs::write(named("empty.tar"), "").expect("a file");
    for (name, code, says) in [
        (
            "notes.txt",
            64,
            "is a text file, and no archive of a run; export writes them",
        ),
        ("empty.tar", 64, "is an empty file, and no archive of a run"),
        ("gone.tar", 64, "names no run, and no file"),
        ("", 64, "is a directory; only verify reads one"),
    ] {
        let refused = workspace.drygate(&["replay", &named(name)]).expect(code);
        assert!(refused.stderr.contains(says), "{}", refused.stderr);
        assert!(refused.stderr.contains(&named(name)), "{}", refused.stderr);
    }
    let refused = workspace.drygate(&["replay", &named("notes.txt")]);
    let bytes = refused.stderr.matches("no archive at all").count();
    assert_eq!(bytes, 0, "{}", refused.stderr);
}

#[test]
fn a_run_is_retold_record_by_record_without_its_database() {
    let (workspace, run) = rehearsed();
    let _stopped = workspace.stop_server();
    let journal = workspace.journal(&run);
    let last = journal.len() - 1;
    let before = files(&workspace.run_dir(&run));

    let mut terminal = replay(&workspace, &run, (160, 48));
    let end = terminal.wait_for("q back").to_string();
    assert!(end.contains(&format!("at seq {last}, head ")), "{end}");
    assert!(end.contains("O4_LIVE_DRYRUN_ORCHESTRATION_PASS"), "{end}");
    terminal.keys(",");
    terminal.wait_until("the record before", |screen| {
        let there = format!("at seq {}, head ", last - 1);
        screen.contains(&there) && screen.contains("CLOSEOUT REPORTED")
    });
    terminal.keys(",");
    terminal.wait_for(&format!("at seq {}, head ", last - 2));
    terminal.keys("..");
    terminal.wait_until("the same frame as before", |screen| {
        screen.to_string() == end
    });
    terminal.keys("a");
    terminal.wait_for("a replay cannot be approved or rejected");
    terminal.keys(":").type_slowly("0").keys(key::ENTER);
    terminal.wait_for("at seq 0, head ");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
    assert!(
        files(&workspace.run_dir(&run)) == before,
        "nothing was written"
    );
}

#[test]
fn one_frame_is_printed_as_text_and_as_json() {
    let (workspace, run) = rehearsed();
    let _stopped = workspace.stop_server();
    let run_id = text(&run["run_id"]);
    let journal = workspace.journal(&run);
    let waits = |event: &&Value| event["event"] == "stop_raised" && event["gate"] == "SG2";
    let stop = journal.iter().find(waits).expect("a stop at SG2");
    let seq = stop["seq"].to_string();

    let page = workspace
        .drygate(&["replay", run_id, "--at", &seq])
        .expect(0);
    assert!(
        page.stdout.contains("SG2   ALLOW ENACT?"),
        "{}",
        page.stdout
    );
    assert!(page.stdout.contains(&format!("at seq {seq}, head ")));
    assert!(!page.stdout.contains('\u{1b}'));
    assert_eq!(page.stdout.lines().count(), 48);

    let document = workspace
        .drygate(&["replay", run_id, "--at", &seq, "--json"])
        .expect(0)
        .json();
    assert_eq!(document["state"], "awaiting_lifecycle_authorization");
    assert_eq!(document["stop_code"], "STOP_APPROVAL_REQUIRED");
    assert_eq!(document["result"], Value::Null);
    assert_eq!(document["replay"]["seq"], stop["seq"]);
    assert_eq!(document["replay"]["event"]["event"], "stop_raised");
    let stopped = usize::try_from(stop["seq"].as_u64().expect("a number"));
    let next = &journal[stopped.expect("it fits") + 1];
    assert_eq!(document["replay"]["head"], next["prev"]);

    let at = text(&stop["at"]);
    let by_time = workspace
        .drygate(&["replay", run_id, "--at", at, "--json"])
        .expect(0)
        .json();
    let found = by_time["replay"]["seq"].as_u64();
    assert!(
        found >= stop["seq"].as_u64(),
        "the last record of that microsecond"
    );
    assert_eq!(by_time["replay"]["at"], stop["at"]);

    for (wrong, says) in [
        ("99999", "there is no record 99999"),
        ("noon", "neither a record"),
        (
            "2020-01-01T00:00:00Z",
            "no record is of 2020-01-01T00:00:00Z: this run has records from ",
        ),
        (
            "2120-01-01T00:00:00Z",
            "no record is of 2120-01-01T00:00:00Z: this run has records from ",
        ),
    ] {
        let refused = workspace
            .drygate(&["replay", run_id, "--at", wrong])
            .expect(64);
        assert!(refused.stderr.contains(says), "{}", refused.stderr);
    }
}
