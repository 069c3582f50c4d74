//! What a run costs the server, and what ends it when it costs too much.
//! Invariant: a budget that is spent ends the read, never the proof of what was read until then.

use std::fs;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use crate::support::ground::{Home, approve, wait_at};
use crate::support::pty::{Exit, Launch};
use crate::support::rehearsed::{DB, Rehearsed, texts};

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

/// What a run's budget is compared with: rows in all transactions that ended.
fn rows_spent(journal: &[Value]) -> u64 {
    let closed = journal
        .iter()
        .filter(|event| event["event"] == "transaction_closed");
    closed
        .filter_map(|event| event["proof"]["footprint"]["rows"].as_u64())
        .sum()
}

fn opened(journal: &[Value]) -> usize {
    let opened = |event: &&Value| event["event"] == "transaction_opened";
    journal.iter().filter(opened).count()
}

/// A profile whose runs may receive so many rows in all.
fn with_budget(rehearsed: &Rehearsed, budget: &str) -> String {
    let (profile, _) = texts(&rehearsed.command(&["profile", "show", "icx-const"]));
    let path = rehearsed.folder().join("frugal.toml");
    fs::write(&path, format!("{profile}\n[budgets]\n{budget}\n")).expect("writable");
    path.display().to_string()
}

/// Rows of one survey of the scenario, as a run without a budget recorded them.
fn rows_of_a_survey(rehearsed: &mut Rehearsed) -> u64 {
    rehearsed.begin(3);
    rows_spent(&rehearsed.journal())
}

#[test]
fn a_run_ends_its_reading_when_all_its_transactions_have_spent_its_budget() {
    let mut rehearsed = Rehearsed::server(Scenario::Enacted);
    let survey = rows_of_a_survey(&mut rehearsed);
    let limit = survey + survey / 2;
    let frugal = with_budget(&rehearsed, &format!("run_rows_max = {limit}"));
    let asked = rehearsed.begin_with(&["--profile", &frugal], 3);
    assert_eq!(rows_spent(&rehearsed.journal()), survey, "the pin fits");

    // The survey that SG1 needs is ended in its middle, and its end is proven.
    let stopped = rehearsed.approve("SG1", &asked, 69);
    assert_eq!(stopped["stop_code"], "STOP_DATABASE_UNAVAILABLE");
    let message = stopped["message"].as_str().expect("a sentence");
    assert!(
        message.contains(" rows in all its transactions"),
        "{message}"
    );
    let named = format!("budgets.run_rows_max is {limit}");
    assert!(message.ends_with(&named), "{message}");
    let next = stopped["next"].as_str().expect("a sentence");
    assert!(next.contains("start a new run"), "{next}");
    assert!(next.contains("budgets.run_rows_max is larger"), "{next}");
    let journal = rehearsed.journal();
    let last = journal
        .iter()
        .rfind(|event| event["event"] == "transaction_closed")
        .expect("its end was seen");
    assert_eq!(last["proof"]["ended_by"], "ROLLBACK");
    assert_eq!(opened(&journal), 2, "nothing was tried again");
    assert!(rows_spent(&journal) > limit);
    let stop = journal
        .iter()
        .rfind(|event| event["event"] == "stop_raised")
        .expect("a stop");
    assert_eq!(stop["stop_code"], "STOP_DATABASE_UNAVAILABLE");

    // Waiting gives nothing back: a resume says the same and does not connect.
    for _ in 0..2 {
        let again = rehearsed.json(&["resume", &rehearsed.run_id], 69);
        assert_eq!(
            again["message"].as_str().map(|m| m.ends_with(&named)),
            Some(true)
        );
        assert_eq!(opened(&rehearsed.journal()), 2, "no transaction was opened");
    }
    // What needs no database still works: the approval is withdrawn, then the run is rejected and sealed.
    let reject = ["reject", &rehearsed.run_id, "SG1", "--reason", "too dear"];
    rehearsed.json(&reject, 3);
    let waits = rehearsed.json(&["resume", &rehearsed.run_id], 3);
    assert_eq!(waits["stop_code"], "STOP_APPROVAL_REQUIRED");
    let ended = rehearsed.json(&reject, 5);
    assert_eq!(ended["state"], "rejected");
    let report = rehearsed.report("10-non-mutation-proof");
    let spent = rows_spent(&rehearsed.journal());
    let line = format!("run_rows_max={limit} spent={spent}");
    assert!(report.contains(&line), "{line}: {report}");
    rehearsed.json(&["verify", &rehearsed.run_id], 0);
}

#[test]
fn a_run_within_its_budget_passes_and_reports_what_it_spent() {
    let mut rehearsed = Rehearsed::server(Scenario::Enacted);
    let survey = rows_of_a_survey(&mut rehearsed);
    // The pin, two approvals and the closeout; the pin alone also rules on the profile's SQL.
    let limit = survey * 4;
    let limits =
        format!("run_rows_max = {limit}\nrun_seconds_max = 600\nrun_bytes_max = 1000000000");
    let frugal = with_budget(&rehearsed, &limits);
    let asked = rehearsed.begin_with(&["--profile", &frugal], 3);
    let asked = rehearsed.approve("SG1", &asked, 3);
    rehearsed.approve("SG2", &asked, 0);
    let spent = rows_spent(&rehearsed.journal());
    assert_eq!(opened(&rehearsed.journal()), 4);
    assert!(survey * 3 < spent && spent <= limit, "{spent} of {limit}");
    let report = rehearsed.report("10-non-mutation-proof");
    assert!(report.contains(&format!("run_rows_max={limit} spent={spent}")));
    assert!(report.contains("run_seconds_max=600 spent="), "{report}");
    assert!(report.contains("run_bytes_max=1000000000 spent="));
}

#[test]
fn live_reads_rest_so_that_both_approvals_and_the_closeout_still_fit() {
    let mut rehearsed = Rehearsed::server(Scenario::Enacted);
    // Six surveys to come, and room for a few reads of the wait.
    let limit = rows_of_a_survey(&mut rehearsed) * 8;
    let frugal = with_budget(&rehearsed, &format!("run_rows_max = {limit}"));
    let url = rehearsed.cluster.url("context_pack_readonly", DB);
    let repository = rehearsed.folder().join("repository").display().to_string();
    let elsewhere = Home::at(rehearsed.folder().join("elsewhere"));
    let data = elsewhere.path.display().to_string();
    let words = ["run", "--database-url", &url, "--repo", &repository];
    let more = ["--profile", &frugal, "--data-dir", &data];
    let mut terminal = Launch::drygate([&words[..], &more, &["--live-interval", "1"]].concat())
        .env("TMPDIR", rehearsed.folder())
        .size(160, 48)
        .open();
    terminal.wait_for("Live reads rest: run_rows_max is kept for the surveys to come.");
    let read = elsewhere.run().events("live_read").len();
    assert!(read > 0, "there was room for some");
    // The sheets read everything themselves, the approvals take effect, the run is closed: all within the budget.
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    approve(&mut terminal);
    terminal.wait_for("O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    let spent = rows_spent(&elsewhere.run().journal());
    assert!(spent <= limit, "{spent} of {limit}");
}

/// A read that takes longer than any test: as many rows as the square of the square of the catalog's.
const ENDLESS: &str = "SELECT count(*)::text FROM pg_catalog.pg_attribute AS a, pg_catalog.pg_attribute AS b, pg_catalog.pg_attribute AS c";

#[test]
fn seconds_of_a_transaction_whose_end_nobody_saw_are_spent_too() {
    let mut rehearsed = Rehearsed::server(Scenario::Enacted);
    let frugal = with_budget(&rehearsed, "run_seconds_max = 2");
    let profile = fs::read_to_string(&frugal).expect("just written");
    let fact = format!(
        "[[facts]]\nkey = \"endless\"\nlabel = \"endless\"\ntype = \"integer\"\nsql = \"{ENDLESS}\"\n"
    );
    fs::write(
        &frugal,
        profile.replacen("[[facts]]", &format!("{fact}\n[[facts]]"), 1),
    )
    .expect("writable");
    let stopped = rehearsed.begin_with(&["--profile", &frugal], 69);
    let message = stopped["message"].as_str().expect("a sentence");
    assert!(
        message.contains("budgets.run_seconds_max is 2"),
        "{message}"
    );
    let journal = rehearsed.journal();
    let unseen = journal
        .iter()
        .any(|event| event["event"] == "transaction_unseen");
    assert!(unseen, "a server that does not answer in time is left");

    // Its time counts, though its proof was never read: there is nothing left for another try.
    let again = rehearsed.json(&["resume", &rehearsed.run_id], 69);
    let message = again["message"].as_str().expect("a sentence");
    assert!(
        message.ends_with("budgets.run_seconds_max is 2"),
        "{message}"
    );
    assert_eq!(opened(&rehearsed.journal()), 1, "no transaction was opened");
}

#[test]
fn the_seconds_of_a_transaction_are_one_deadline_for_all_its_answers() {
    let mut rehearsed = Rehearsed::server(Scenario::Enacted);
    let frugal = with_budget(&rehearsed, "transaction_seconds_max = 2");
    let profile = fs::read_to_string(&frugal).expect("just written");
    // Each is answered well within the budget, all together are not.
    let slow = (0..40).map(|nth| {
        format!(
            "[[facts]]\nkey = \"slow_{nth}\"\nlabel = \"slow {nth}\"\ntype = \"integer\"\nsql = \"SELECT count(*)::text FROM pg_catalog.generate_series(1, 3000000)\"\n\n"
        )
    });
    let slow = slow.collect::<Vec<_>>().concat();
    fs::write(
        &frugal,
        profile.replacen("[[facts]]", &format!("{slow}[[facts]]"), 1),
    )
    .expect("writable");
    let stopped = rehearsed.begin_with(&["--profile", &frugal], 69);
    let message = stopped["message"].as_str().expect("a sentence");
    let (over, came) = message
        .split_once("budgets.transaction_seconds_max is 2; ")
        .unwrap_or_else(|| panic!("{message}"));
    assert!(over.contains("the survey was ended at"), "{message}");
    let words: Vec<&str> = came.split(' ').collect();
    let number = |nth: usize| words[nth].parse::<u64>().expect("a number of answers");
    assert!(
        number(0) < number(2),
        "it waited for all of them: {message}"
    );
    assert!(came.contains("answers had come"), "{message}");
}
