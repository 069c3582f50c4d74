//! One count and one word for the same facts, wherever they are said: band, pane, sheet, diff, text, JSON, reports, page.
//! Invariant: every number here is read from a surface and compared with that of the journal; none stands in the test.

use std::fs;
use std::io::Read as _;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use crate::page::Page;
use crate::support::ground::{
    Ground, RunFiles, Said, approve, band, is_ready, open_sheet, text, wait_at,
};
use crate::support::pty::{Launch, Terminal, key};
use crate::support::screen::Screen;
use crate::support::server::Workspace;

/// A fact that takes longer to read than a read of every second may.
const SLOW_FACT: &str = r#"[[facts]]
key = "slow_fact"
label = "slow"
type = "integer"
live = false
sql = "SELECT count(*)::text FROM generate_series(1, 6000000)"

"#;

/// The screen without frames, its lines joined: a sentence that is wrapped reads as one.
fn flat(screen: &Screen) -> String {
    let (_, rows) = screen.size();
    let rows = (0..rows).map(|row| screen.row(row));
    let words: Vec<String> = rows
        .map(|row| row.replace(['┃', '│', '┏', '┓', '┗', '┛', '━'], " "))
        .collect();
    words
        .join(" ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The words before and behind a mark, up to so many.
fn numbers_before(text: &str, mark: &str) -> Vec<usize> {
    let places = text.match_indices(mark);
    let number = |(at, _): (usize, &str)| {
        let before = text[..at].trim_end();
        let start = before.trim_end_matches(|c: char| c.is_ascii_digit());
        before[start.len()..].parse().ok()
    };
    places.filter_map(number).collect()
}

/// `17 facts: 4 changed` as 4 and 17.
fn tally(text: &str) -> (usize, usize) {
    let changed = numbers_before(text, " changed");
    let all = numbers_before(text, " facts: ");
    match (changed.first(), all.first()) {
        (Some(changed), Some(all)) => (*changed, *all),
        _ => panic!("no tally: {text}"),
    }
}

fn page(ground: &Ground, run: &RunFiles) -> String {
    let path = ground.home().place().join("page.tar").display().to_string();
    let said = ground
        .home()
        .script(&["export", &run.id(), "--output", &path]);
    assert_eq!(said.code, 0, "{}", said.text);
    let mut archive = tar::Archive::new(fs::File::open(&path).expect("written"));
    let entries = archive.entries().expect("a tar");
    let mut entries = entries.map(|entry| entry.expect("an entry"));
    let is_page = |path: &std::path::Path| path.ends_with("run.html");
    let mut entry = entries
        .find(|entry| is_page(&entry.path().expect("a name")))
        .expect("a page");
    let mut source = String::new();
    entry.read_to_string(&mut source).expect("UTF-8");
    let page = Page::parse(source);
    let body = page.named("body").next().expect("a body").text.clone();
    body.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn report(ground: &Ground, run: &RunFiles) -> (Said, Value) {
    let said = ground.home().script(&["report", &run.id(), "--json"]);
    let json = said.json.clone();
    (said, json)
}

fn focus_facts(terminal: &mut Terminal) {
    // Twice: the pane takes the whole body, so that no fact shares its row.
    terminal.type_slowly("2").type_slowly("2");
    terminal.wait_for("2 LIVE FACTS (Esc back)");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one run, looked at everywhere")]
fn a_drift_has_one_count_and_one_time() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    ground.intrude(
        "UPDATE public.unit_version SET content = content || ' more' WHERE unit_id = 'ICX-CONST-0001' AND is_current;
         GRANT SELECT ON public.source_version TO PUBLIC;
         CREATE OR REPLACE FUNCTION public.fn_of_nobody() RETURNS int LANGUAGE sql AS 'SELECT 1';",
    );
    let said = ground.home().approve(&run.id(), "SG2", &run.evidence());
    assert_eq!(said.code, 4, "{}", said.text);
    let drifted = terminal.wait_until("drift", |screen| {
        band(screen).starts_with("SG2   FACTS DRIFTED")
    });
    let found = run.events("drift_found").pop().expect("drift");
    let changes = found["drift"].as_array().expect("facts");
    let count = changes.len();
    assert!(count >= 3, "{found}");

    let words = flat(&drifted);
    let (of, all) = words
        .split_once(" facts differ from the evidence")
        .map_or_else(
            || panic!("{words}"),
            |(before, _)| {
                let mut numbers = before.rsplit(' ');
                let all: usize = numbers.next().expect("a number").parse().expect("all");
                assert_eq!(numbers.next(), Some("of"), "{words}");
                (
                    numbers
                        .next()
                        .expect("a number")
                        .parse::<usize>()
                        .expect("of"),
                    all,
                )
            },
        );
    assert_eq!(of, count, "band: {words}");
    let when = words.split_once("Somebody else, ").expect("when").1;
    let when: Vec<&str> = when.split(' ').take(3).collect();
    let (after, before) = (when[0], when[2].trim_end_matches('.'));

    // The pane has a row for each of them.
    focus_facts(&mut terminal);
    let pane = terminal.screen();
    let rows = (0..pane.size().1).map(|row| pane.row(row));
    let marked = rows
        .filter(|row| row.starts_with('│') && row.contains(" ! "))
        .count();
    assert_eq!(marked, count, "pane: {pane}");
    terminal.type_slowly(key::ESC);

    // The diff, on screen, as text and as JSON.
    terminal.type_slowly("d");
    let diff = terminal.wait_until("the diff", |screen| {
        screen.contains(" DIFF ") && screen.contains(" facts: ")
    });
    assert_eq!(tally(&flat(&diff)), (count, all), "{diff}");
    assert!(
        flat(&diff).contains(&format!("When: {after} to {before}")),
        "{diff}"
    );
    assert!(
        flat(&diff).contains(&format!("B ! {count} facts differ")),
        "{diff}"
    );
    terminal.type_slowly("q");
    let diff = ground.home().script(&["diff", &run.id()]);
    assert_eq!(tally(&diff.text), (count, all), "{}", diff.text);
    assert!(
        diff.text.contains(&format!("when: {after} to {before}")),
        "{}",
        diff.text
    );
    assert!(
        diff.text.contains(&format!("B {count} facts differ")),
        "{}",
        diff.text
    );
    let diff = ground.home().script(&["diff", &run.id(), "--json"]).json;
    assert_eq!(diff["facts_changed"], count, "{diff}");
    assert_eq!(diff["attribution"]["when"], format!("{after} to {before}"));

    // The answer of the command, the stop, the reports, the page.
    assert_eq!(said.json["drift"].as_array().map(Vec::len), Some(count));
    let stop = text(&said.json["message"]);
    assert_eq!(
        numbers_before(&stop, " facts differ from the pin"),
        [count],
        "{stop}"
    );
    assert!(
        stop.contains(&format!("between {after} and {before} UTC")),
        "{stop}"
    );
    let (said, json) = report(&ground, &run);
    assert_eq!(
        json["drift"].as_array().map(Vec::len),
        Some(count),
        "{}",
        said.text
    );
    let html = page(&ground, &run);
    assert!(
        html.contains(&format!("{count} facts differ from the evidence")),
        "{html}"
    );
    assert!(html.contains(&format!("of {all}, LIVE")), "{html}");

    // The sheet of the new evidence.
    terminal.type_slowly("r");
    wait_at(&terminal, "SG1");
    terminal.type_slowly("a");
    let sheet = terminal.wait_until("READY", |screen| {
        is_ready(screen) || flat(screen).contains("not ready: read on")
    });
    let led = format!("DRIFTED SINCE THE EARLIER EVIDENCE {count} facts");
    assert!(flat(&sheet).contains(&led), "{sheet}");
    assert!(flat(&sheet).contains(" more"), "the new text: {sheet}");
    terminal.type_slowly(key::ESC);
    terminal.type_slowly("q");
    terminal.wait_exit();
}

#[test]
fn what_keeps_a_run_from_passing_is_said_in_the_same_words() {
    let ground = Ground::new(Scenario::Draft);
    ground.intrude("UPDATE public.unit_version SET content = content || ' more' WHERE unit_id = 'ICX-CONST-0001' AND is_current");
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let taken = run.events("evidence_taken").pop().expect("evidence");
    let against = &taken["sheet"]["cannot_pass"][0];
    let (check, subject) = (text(&against["check"]), text(&against["subject"]));
    let words = format!("{check} is FAIL: {subject}");

    let screen = flat(&terminal.screen());
    assert!(screen.contains("FAIL at best"), "{screen}");
    assert!(screen.contains(&words), "band: {screen}");
    terminal.type_slowly("a");
    let sheet = terminal.wait_until("the sheet", |screen| flat(screen).contains("APPROVE SG1"));
    let sheet = flat(&sheet);
    assert!(
        sheet.contains(&words) && sheet.contains("FAIL at best"),
        "{sheet}"
    );
    terminal.type_slowly(key::ESC);
    terminal.type_slowly("q");
    terminal.wait_exit();

    let left = flat(&terminal.screen());
    assert!(left.contains("waits at SG1"), "{left}");
    let stop = run.events("stop_raised").pop().expect("a stop");
    let message = text(&stop["message"]);
    assert!(
        message.contains(&words) && message.contains("FAIL at best"),
        "{message}"
    );
    let page = page(&ground, &run);
    assert!(page.contains(&words), "{page}");
    let shown = ground.home().script(&[&run.id(), "--headless"]);
    assert!(shown.text.contains(&words), "{}", shown.text);
    let shown = ground.home().script(&[&run.id(), "--json"]);
    assert!(
        text(&shown.json["message"]).contains(&words),
        "{}",
        shown.json
    );

    // Approved to the end all the same, it names the check and what to do, and asks for nothing any more.
    ground.home().approve(&run.id(), "SG1", &run.evidence());
    let ended = ground.home().approve(&run.id(), "SG2", &run.evidence());
    let said = ground.home().script(&["report", &run.id(), "--json"]).json;
    let gates = said["gates"].as_array().expect("gates").iter();
    let mut checks = gates.flat_map(|gate| gate["checks"].as_array().into_iter().flatten());
    let failed = checks
        .find(|it| it["name"] == check.as_str())
        .expect("the check");
    assert_eq!(failed["verdict"], "FAIL", "{failed}");
    assert!(ended.text.contains(&check), "{}", ended.text);
    assert!(!ended.text.contains("approve or reject"), "{}", ended.text);
}

#[test]
fn facts_that_were_not_read_are_counted_alike() {
    let workspace = Workspace::new(Scenario::Draft);
    // A fact that takes its time is not read again at once; the live ones are.
    let profile = workspace.profile("slow.toml", |built_in| {
        let with_it = built_in.replacen("[[functions]]", &format!("{SLOW_FACT}[[functions]]"), 1);
        format!("{with_it}\n[timeouts]\nstatement_ms = 120000\n")
    });
    let (url, data) = (workspace.url(), workspace.data().display().to_string());
    let mut terminal = Launch::drygate([
        "run",
        "--profile",
        &profile,
        "--live-interval",
        "1",
        "--database-url",
        &url,
        "--data-dir",
        &data,
    ])
    .env("TMPDIR", workspace.place())
    .size(160, 48)
    .cwd(&workspace.place().join("repository"))
    .open();
    let unread_in = |words: &str| {
        let marks = [" not read since ", " not read again."];
        let mut found = marks.iter().flat_map(|mark| numbers_before(words, mark));
        found.next()
    };
    let screen = terminal.wait_until("a read of the live facts", |screen| {
        unread_in(&flat(screen)).is_some()
    });
    let words = flat(&screen);
    let read = numbers_before(&words, " facts equal ");
    let unread = unread_in(&words).expect("waited for");
    focus_facts(&mut terminal);
    let pane = terminal.screen();
    let rows: Vec<String> = (0..pane.size().1).map(|row| pane.row(row)).collect();
    let marked = rows
        .iter()
        .filter(|row| row.contains("at approval"))
        .count();
    assert_eq!(marked, unread, "{pane}");
    let facts = rows.iter().filter(|row| {
        let provenance = ["LIVE", "DERIVED"];
        row.starts_with('│') && provenance.iter().any(|word| row.contains(word))
    });
    assert_eq!(facts.count(), read[0] + unread, "{pane}");
    let narrow = {
        terminal.type_slowly(key::ESC).wait_for("1 GATES");
        terminal.resize(80, 24);
        terminal.wait_for("not read again.")
    };
    assert_eq!(unread_in(&flat(&narrow)), Some(unread), "{narrow}");
    assert!(flat(&narrow).contains("unread"), "{narrow}");
    terminal.resize(160, 48);
    // The sheet reads them all.
    open_sheet(&mut terminal);
    let sheet = flat(&terminal.screen());
    assert!(!sheet.contains(" not read since "), "{sheet}");
    terminal.type_slowly(key::ESC);
    terminal.type_slowly("q");
    terminal.wait_exit();
}
