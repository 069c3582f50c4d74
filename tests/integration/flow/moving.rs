//! Facts that move while a person waits. Invariant: no approval takes effect on facts that are not the ones on the sheet.

use drygate::postgres::throwaway::Scenario;

use crate::support::ground::{
    Ground, Home, RunFiles, approve, band, digest_on, is_ready, open_sheet, press_enter, type_seen,
    wait_at,
};
use crate::support::pty::{Exit, Launch, key};

const PASS: &str = "O4_LIVE_DRYRUN_ORCHESTRATION_PASS";
const UNIT: &str = "ICX-CONST-0017";
/// What the unit says before and after the intrusion, in each language of the demo.
const SAID: [(&str, &str); 2] = [
    ("ít nhất bảy năm", "ít nhất năm năm"),
    ("at least seven years", "at least five years"),
];

/// The words that the intrusion changes, as they are marked.
const WORDS: [&str; 2] = ["[bảy -> năm]", "[seven -> five]"];

/// The drift names the unit with the value that was approved and the one that was found.
#[track_caller]
fn assert_both_values(run: &RunFiles) {
    let found = run.events("drift_found").pop().expect("drift");
    let facts = found["drift"].as_array().expect("a list of facts").iter();
    let mut rows = facts.flat_map(|fact| fact["rows"].as_array().into_iter().flatten());
    let unit = rows.find(|row| row["key"].as_str().is_some_and(|key| key.starts_with(UNIT)));
    let unit = unit.expect("the unit");
    for (before, after) in SAID {
        assert!(unit["approved"].to_string().contains(before), "{unit}");
        assert!(unit["found"].to_string().contains(after), "{unit}");
    }
}

#[test]
fn drift_behind_a_ready_sheet_voids_the_approval_and_asks_again() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    let digest = open_sheet(&mut terminal);
    type_seen(&mut terminal, &digest[58..]);
    // Somebody else is faster than Enter: one word of one unit, every count stays.
    ground.intrude(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    press_enter(&mut terminal);
    let drifted = terminal.wait_until("drift", |screen| {
        band(screen).starts_with("SG2   FACTS DRIFTED")
    });
    assert!(band(&drifted).contains("is void"), "{drifted}");
    assert!(drifted.contains(UNIT), "the unit is named: {drifted}");
    assert!(drifted.contains("SG2 STOP_FACTS_DRIFTED"), "{drifted}");
    assert_eq!(run.state(), "awaiting_lifecycle_authorization");
    let found = run.events("drift_found");
    assert_eq!(found.len(), 1);
    assert!(found[0].to_string().contains(UNIT), "{}", found[0]);

    assert_both_values(&run);

    // The approval is void, and so is every earlier one: neither digest is good for anything.
    let said = ground.home().approve(&run.id(), "SG2", &digest);
    assert_eq!(said.code, 6, "{}", said.text);

    terminal.type_slowly("r");
    wait_at(&terminal, "SG1");
    assert_eq!(run.state(), "awaiting_cut_authorization");
    terminal.type_slowly("a");
    let sheet = terminal.wait_until("READY", is_ready);
    let lead = sheet
        .find("DRIFTED SINCE THE EARLIER EVIDENCE")
        .expect("the difference");
    let prediction = sheet
        .find("A LIVE RUN WOULD CHANGE")
        .expect("the prediction");
    assert!(lead.1 < prediction.1, "led by the difference: {sheet}");
    let again = digest_on(&sheet);
    assert_ne!(again, digest);
    type_seen(&mut terminal, &again[58..]);
    press_enter(&mut terminal);
    wait_at(&terminal, "SG2");
    approve(&mut terminal);
    terminal.wait_until(PASS, |screen| band(screen).starts_with(PASS));
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    assert_eq!(
        run.decisions(),
        ["SG1 approve", "SG2 approve", "SG1 approve", "SG2 approve"]
    );
    assert_eq!(run.manifest_complaints(), "");
    assert!(run.report("12").contains(UNIT) || run.report("12").contains("unit_version"));
}

#[test]
fn the_drift_demo_stops_with_the_unit_and_both_values() {
    let place = tempfile::tempdir().expect("a folder");
    let home = Home::at(place.path().join("home"));
    let data_dir = home.path.display().to_string();
    let args = [
        "demo",
        "--scenario",
        "drift",
        "--live-interval",
        "0",
        "--data-dir",
        &data_dir,
    ];
    let mut terminal = Launch::drygate(args)
        .env("TMPDIR", place.path())
        .size(160, 48)
        .open();
    wait_at(&terminal, "SG1");
    let run = home.run();
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    // Another process approves; the other session of the scenario may still be at work, so the sheet is asked first.
    terminal
        .type_slowly("a")
        .wait_for("moved: Esc, then r takes new evidence.");
    terminal.type_slowly(key::ESC);
    terminal.wait_until("moved", |screen| {
        band(screen).starts_with("SG2   FACTS MOVED")
            && band(screen).contains("APPROVING WOULD BE REFUSED")
    });
    let said = home.approve(&run.id(), "SG2", &run.evidence());
    assert_eq!(said.code, 4, "{}", said.text);
    assert_eq!(said.json["stop_code"], "STOP_FACTS_DRIFTED");
    let drift = said.json["drift"].to_string();
    assert!(drift.contains(UNIT), "{drift}");
    let drifted = terminal.wait_until("drift", |screen| {
        band(screen).starts_with("SG2   FACTS DRIFTED")
    });
    assert!(drifted.contains(UNIT), "{drifted}");
    assert_both_values(&run);
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(4));
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
    let left = terminal.screen().to_string();
    let look =
        "stopped at SG2: facts drifted. The demo's database goes with it. Look at the run: /";
    assert!(left.contains(look), "{left}");
    assert!(!left.contains("esume"), "its database is gone: {left}");
}

/// The scene that the product exists for: nobody presses a key, and the person sees that somebody else changed a sentence.
#[test]
fn drift_shows_by_itself_and_one_key_opens_the_sentence() {
    for (columns, rows) in [(160, 48), (80, 24)] {
        let place = tempfile::tempdir().expect("a folder");
        let home = Home::at(place.path().join("home"));
        let data_dir = home.path.display().to_string();
        let args = ["demo", "--scenario", "drift", "--live-interval", "1"];
        let args = args.into_iter().chain(["--data-dir", &data_dir]);
        let mut terminal = Launch::drygate(args).size(columns, rows).open();
        wait_at(&terminal, "SG1");
        let run = home.run();
        approve(&mut terminal);
        // From here no key is pressed until the drift is on screen.
        let moved = terminal.wait_until("facts that moved", |screen| {
            band(screen).starts_with("SG2   FACTS MOVED")
        });
        assert!(moved.contains("Somebody else, "), "when: {moved}");
        assert!(moved.contains("Row xmin "), "who: {moved}");
        for words in WORDS {
            assert!(moved.contains(words), "the words: {moved}");
        }
        assert_eq!(run.events("drift_found").len(), 0, "nothing is void yet");
        assert_eq!(run.state(), "awaiting_lifecycle_authorization");
        let recorded = run.events("changes_attributed").len();
        assert_eq!(recorded, 1, "recorded once, however often it is read again");

        terminal.type_slowly("d");
        let sentence = terminal.wait_until("both sentences", |screen| {
            let (before, after) = SAID[0];
            let both = screen.contains(before) && screen.contains(after);
            both && WORDS.iter().all(|words| screen.contains(words))
        });
        assert!(!sentence.contains("\\n"), "no escape of JSON: {sentence}");
        assert!(!sentence.contains("opening"), "{sentence}");
        assert!(sentence.contains("row xmin "), "who: {sentence}");
        terminal.type_slowly("q");

        // One key takes new evidence, and SG1 is led by the sentence.
        terminal.type_slowly("r");
        let asked = wait_at(&terminal, "SG1");
        for words in WORDS {
            assert!(asked.contains(words), "led by the words: {asked}");
        }
        assert_eq!(run.events("drift_found").len(), 1);
        assert_both_values(&run);
        terminal.type_slowly("a");
        terminal.wait_until("a sheet that is led by the values", |screen| {
            let said =
                |(before, after): &(&str, &str)| screen.contains(before) && screen.contains(after);
            screen.contains("DRIFTED SINCE THE EARLIER EVIDENCE") && SAID.iter().all(said)
        });
        terminal.type_slowly(key::ESC).type_slowly("q");
        assert_eq!(terminal.wait_exit(), Exit::Code(3));
        let said = home.script(&["verify", &run.id()]);
        assert_eq!(said.code, 0, "{}", said.text);
    }
}

#[test]
fn what_is_changed_and_changed_back_while_waiting_voids_nothing() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("1");
    let run = ground.home().run();
    let state = |state: &str| {
        format!("UPDATE public.information_unit SET state = '{state}' WHERE id = 'ICX-CONST-0042'")
    };
    for _ in 0..2 {
        ground.intrude(&state("enacted"));
        // The counts are read before the contents, which name the row.
        terminal.wait_until("facts that moved", |screen| {
            band(screen).starts_with("SG1   FACTS MOVED") && screen.contains("[draft -> enacted]")
        });
        ground.intrude(&state("draft"));
        // The time of the change stays in the row, so the content moved for good; the count is back.
        ground.intrude(
            "UPDATE public.information_unit SET updated_at = '2026-05-18 02:00:00+00' WHERE id = 'ICX-CONST-0042'",
        );
        terminal.wait_until("facts that equal the evidence", |screen| {
            band(screen).starts_with("SG1   ALLOW CUT?")
                && screen.contains(" facts equal the evidence")
        });
    }
    let recorded = run.events("changes_attributed").len();
    assert_eq!(recorded, 2, "each time that it moved");
    assert_eq!(run.events("drift_found").len(), 0);
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3));
}

#[test]
fn r_at_a_gate_finds_what_moved_and_records_drift() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    terminal.type_slowly("r");
    terminal.wait_until("facts read again", |_| run.events("live_read").len() == 1);
    assert_eq!(run.events("evidence_taken").len(), 1, "the evidence stays");
    ground.intrude(
        "UPDATE public.information_unit SET state = 'enacted' WHERE id = 'ICX-CONST-0042'",
    );
    terminal.type_slowly("r");
    let drifted = terminal.wait_until("drift", |screen| {
        band(screen).starts_with("SG1   FACTS DRIFTED")
    });
    assert!(drifted.contains("icx_draft 60 -> 59"), "{drifted}");
    assert!(drifted.contains("ICX-CONST-0042"), "{drifted}");
    assert_eq!(run.decisions(), Vec::<String>::new());
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(4));
    let said = terminal.screen();
    let resume = "stopped at SG1: facts drifted. Take new evidence: /";
    assert!(said.contains(resume), "{said}");
}
