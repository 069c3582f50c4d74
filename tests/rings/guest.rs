//! What a run costs the server, and what ends it when it costs too much.
//! Invariant: a budget that is spent ends the read, never the proof of what was read until then.

use std::fs;

use drygate::postgres::throwaway::Scenario;

use crate::support::rehearsed::{Rehearsed, texts};

#[test]
fn a_spent_budget_ends_the_survey_and_its_end_is_still_proven() {
    let mut rehearsed = Rehearsed::server(Scenario::Enacted);
    let (profile, _) = texts(&rehearsed.command(&["profile", "show", "icx-const"]));
    let path = rehearsed.folder().join("frugal.toml");
    fs::write(&path, profile + "\n[budgets]\nrows_max = 40\n").expect("writable");
    let frugal = path.display().to_string();
    let stopped = rehearsed.begin_with(&["--profile", &frugal], 69);
    assert_eq!(stopped["stop_code"], "STOP_DATABASE_UNAVAILABLE");
    let message = stopped["message"].as_str().expect("a sentence");
    assert!(message.ends_with("budgets.rows_max is 40"), "{message}");
    assert!(stopped["next"].to_string().contains("new run"), "{stopped}");

    let journal = rehearsed.journal();
    let closed: Vec<_> = journal
        .iter()
        .filter(|event| event["event"] == "transaction_closed")
        .collect();
    assert_eq!(closed.len(), 1, "the end was seen, and nothing tried again");
    let proof = &closed[0]["proof"];
    assert_eq!(proof["ended_by"], "ROLLBACK");
    assert!(proof["footprint"]["oldest_xmin"].is_string(), "{proof}");
    assert!(proof["footprint"]["xmin_age"].is_u64(), "{proof}");
}
