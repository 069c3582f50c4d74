//! `drygate replay` on really rehearsed runs, with the server gone.
//! Invariant: what is retold is compared with the journal, and nothing of the run is changed by it.

use drygate::postgres::throwaway::{ClusterOptions, Scenario};
use serde_json::Value;

use super::support::pty::{Exit, Launch, Terminal, key};
use super::support::server::{Desk, files, own_cluster, text};

/// A sealed run of the drafts on a server of its own, which the test then stops: whoever asks it waits for ever.
fn rehearsed() -> (Desk, Value) {
    let desk = Desk::on(own_cluster(&ClusterOptions::default()), Scenario::Draft);
    let run = desk.run_to_the_end().expect(0).json();
    (desk, run)
}

fn replay(desk: &Desk, run: &Value, size: (u16, u16)) -> Terminal {
    let data = desk.data().display().to_string();
    Launch::drygate(["replay", text(&run["run_id"]), "--data-dir", &data])
        .env("CI", "")
        .size(size.0, size.1)
        .open()
}

#[test]
fn a_run_is_retold_record_by_record_without_its_database() {
    let (desk, run) = rehearsed();
    let _stopped = desk.stop_server();
    let journal = desk.journal(&run);
    let last = journal.len() - 1;
    let before = files(&desk.run_dir(&run));

    let mut terminal = replay(&desk, &run, (160, 48));
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
    assert!(files(&desk.run_dir(&run)) == before, "nothing was written");
}

#[test]
fn one_frame_is_printed_as_text_and_as_json() {
    let (desk, run) = rehearsed();
    let _stopped = desk.stop_server();
    let run_id = text(&run["run_id"]);
    let journal = desk.journal(&run);
    let waits = |event: &&Value| event["event"] == "stop_raised" && event["gate"] == "SG2";
    let stop = journal.iter().find(waits).expect("a stop at SG2");
    let seq = stop["seq"].to_string();

    let page = desk.drygate(&["replay", run_id, "--at", &seq]).expect(0);
    assert!(
        page.stdout.contains("SG2   ALLOW ENACT?"),
        "{}",
        page.stdout
    );
    assert!(page.stdout.contains(&format!("at seq {seq}, head ")));
    assert!(!page.stdout.contains('\u{1b}'));
    assert_eq!(page.stdout.lines().count(), 48);

    let document = desk
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
    let by_time = desk
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
    ] {
        let refused = desk.drygate(&["replay", run_id, "--at", wrong]).expect(64);
        assert!(refused.stderr.contains(says), "{}", refused.stderr);
    }
}
