//! `drygate diff` on real runs: drift, pre and post, two runs, notes, and the screen in a pty.
//! Invariant: the database is changed by another session of the test, and every answer is of the program itself.

use std::fs;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use super::support::pty::{Exit, Launch, Terminal, key};
use super::support::server::{Answer, Workspace, files, text};

/// A run that stands at a drift of SG2.
fn drifted() -> (Workspace, Value) {
    let workspace = Workspace::new(Scenario::Drift);
    let waiting = workspace.run_to_sg2();
    workspace.sql(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    workspace.sql("GRANT SELECT ON public.unit_version TO PUBLIC");
    let definition = workspace.sql("SELECT pg_get_functiondef('public.fn_iu_enact'::regproc)");
    let definition = definition[0][0].clone().expect("a function");
    workspace.sql(&definition.replacen("BEGIN", "BEGIN\n  -- hotfix", 1));
    let drifted = workspace.approve(&waiting, "SG2").expect(4).json();
    (workspace, drifted)
}

fn diff(workspace: &Workspace, run: &Value, words: &[&str]) -> Answer {
    let run_id = text(&run["run_id"]);
    workspace.drygate(&[&["diff", run_id][..], words].concat())
}

#[track_caller]
fn fact<'a>(document: &'a Value, key: &str) -> &'a Value {
    let facts = document["facts"].as_array().expect("a list of facts");
    let found = facts.iter().find(|fact| fact["key"] == key);
    found.unwrap_or_else(|| panic!("{key}: {document}"))
}

fn screen(workspace: &Workspace, run: &Value, size: (u16, u16)) -> Terminal {
    let data = workspace.data().display().to_string();
    Launch::drygate(["diff", text(&run["run_id"]), "--data-dir", &data])
        .env("CI", "")
        .size(size.0, size.1)
        .open()
}

#[test]
fn a_drift_is_shown_with_both_values_the_grant_the_line_and_the_unit() {
    let (workspace, run) = drifted();
    let answer = diff(&workspace, &run, &["--evidence", "SG2", "--json"]).expect(2);
    let document = answer.json();
    assert_eq!(document["differs"], true);

    let unit = fact(&document, "unit_version");
    assert_eq!(unit["change"], "changed");
    assert_ne!(unit["before"]["value"], unit["after"]["value"]);
    let rows = unit["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(text(&rows[0]["says"]).starts_with("ICX-CONST-0017/1, content: "));
    assert_eq!(rows[0]["fields"][0]["field"], "content");

    let grants = fact(&document, "grant_matrix_sha")["rows"].clone();
    let says: Vec<&str> = grants
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| text(&row["says"]))
        .collect();
    let [one] = says[..] else {
        panic!("one grant: {says:?}")
    };
    assert!(
        one.contains("SELECT on") && one.contains("unit_version to PUBLIC: added"),
        "{one}"
    );

    let function = fact(&document, "fn_iu_enact_md5");
    assert_eq!(function["counts"]["added"], 1, "{function}");
    assert!(text(&function["rows"][0]["after"]).contains("-- hotfix"));

    let plain = diff(&workspace, &run, &["--stat"]).expect(2);
    assert!(plain.stdout.contains("! unit_version"), "{}", plain.stdout);
    assert!(!plain.stdout.contains('\u{1b}'), "no colour on a pipe");
    for width in ["20", "80", "100", "200"] {
        let wide = diff(&workspace, &run, &["--width", width]).expect(2);
        let most: usize = width.parse().expect("a number");
        for line in wide.stdout.lines() {
            let columns = unicode_width::UnicodeWidthStr::width(line);
            assert!(columns <= most, "{columns} > {most}: {line}");
        }
    }
    let coloured = diff(&workspace, &run, &["--color", "always"]).expect(2);
    assert!(coloured.stdout.contains("\u{1b}[1;35m"));
}

/// What one more key shows after `d` has opened the diff screen of a run that drifted: the first change, named.
#[track_caller]
fn one_key_after_d(workspace: &Workspace, run: &Value, names: &str) {
    for size in [(80, 24), (160, 48)] {
        let mut terminal = screen(workspace, run, size);
        terminal.wait_for("FACTS MOVED");
        terminal.keys(key::ENTER);
        terminal.wait_for(names);
        terminal.wait_for("change 1 of 1");
        terminal.type_slowly("q");
        assert_eq!(terminal.wait_exit(), Exit::Code(2));
    }
}

/// A run that drifted at SG1 over one change.
fn drifted_over(prepare: &str, change: &str) -> (Workspace, Value) {
    let workspace = Workspace::new(Scenario::Enacted);
    workspace.sql(prepare);
    let waiting = workspace.run().expect(3).json();
    workspace.sql(change);
    let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
    (workspace, drifted)
}

#[test]
fn one_grant_is_one_key_away() {
    let change = "GRANT INSERT ON public.unit_version TO pg_signal_backend";
    let (workspace, run) = drifted_over("SELECT 1", change);
    let names = "INSERT on table public.unit_version to pg_signal_backend: added";
    one_key_after_d(&workspace, &run, names);
}

#[test]
fn one_character_of_a_function_is_one_key_away() {
    let change = "DO $do$ BEGIN EXECUTE replace(pg_get_functiondef('public.fn_iu_enact'::regproc), 'needs a reason', 'needs a season'); END $do$";
    let (workspace, run) = drifted_over("SELECT 1", change);
    let definition = workspace.sql("SELECT pg_get_functiondef('public.fn_iu_enact'::regproc)");
    let definition = definition[0][0].clone().expect("a function");
    let mut lines = definition.lines().enumerate();
    let (nth, line) = lines
        .find(|(_, line)| line.contains("season"))
        .expect("the line");
    let column = line.find("season").expect("the word");
    let names = format!("line {}, column {}", nth + 1, column + 1);
    one_key_after_d(&workspace, &run, &names);
}

#[test]
fn one_unit_among_a_hundred_thousand_is_one_key_away() {
    let prepare = "INSERT INTO public.source_document VALUES ('doc-many', 'MANY', 'Many', '2026-01-01');
        INSERT INTO public.source_version VALUES ('doc-many/1', 'doc-many', 1, 'many', true, '2026-01-01');
        INSERT INTO public.information_unit
            SELECT 'MANY-' || lpad(n::text, 6, '0'), 'MANY', 'doc-many/1', 'Điều ' || n, 'draft', '2026-01-01'
              FROM generate_series(1, 100000) AS n;
        INSERT INTO public.unit_version
            SELECT 'MANY-' || lpad(n::text, 6, '0') || '/1', 'MANY-' || lpad(n::text, 6, '0'), 1,
                   'Nội dung của điều ' || n, true, '2026-01-01', NULL
              FROM generate_series(1, 100000) AS n";
    let change = "UPDATE public.unit_version SET content = replace(content, 'Nội dung', 'Nội dụng') WHERE unit_id = 'MANY-071717'";
    let (workspace, run) = drifted_over(prepare, change);
    one_key_after_d(&workspace, &run, "MANY-071717/1, content: ");
}

#[test]
fn a_note_is_chained_survives_verify_and_says_when_the_run_went_on() {
    let (workspace, run) = drifted();
    let mut terminal = screen(&workspace, &run, (160, 48));
    terminal.wait_for("FACTS MOVED");
    terminal.type_slowly("m");
    terminal.wait_for("note on ");
    terminal
        .type_slowly("hotfix of ticket 412")
        .keys(key::ENTER);
    let seen = terminal.wait_for("\"hotfix of ticket 412\"");
    assert!(!seen.to_string().contains("went on since"), "{seen}");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(2));

    let reviews = workspace.run_dir(&run).join("reviews.jsonl");
    let written = fs::read_to_string(&reviews).expect("a note");
    let line: Value = serde_json::from_str(written.trim_end()).expect("one line");
    assert_eq!(line["event"], "note_written");
    assert_eq!(line["prev"], "0".repeat(64));
    let run_id = text(&run["run_id"]);
    workspace.drygate(&["verify", run_id]).expect(0);

    let asked = workspace.resume(&run).expect(3).json();
    let noted = diff(&workspace, &run, &["--json", "--evidence", "SG2"])
        .expect(2)
        .json();
    assert_eq!(noted["notes"][0]["text"], "hotfix of ticket 412");
    assert_eq!(noted["notes"][0]["is_stale"], true, "the run went on");
    let (saw, now) = (&line["head_seq"], workspace.journal(&asked).len() - 1);
    let went_on =
        format!("the run went on: the note saw its head at seq {saw}, now it is seq {now}");
    let note = format!("on unit_version: \"hotfix of ticket 412\" ({went_on})");
    let plain = diff(&workspace, &run, &["--stat", "--evidence", "SG2"]).expect(2);
    assert!(plain.stdout.contains(&note), "{}", plain.stdout);
    let verified = workspace.drygate(&["verify", run_id]).expect(0);
    assert!(verified.stdout.contains(&note), "{}", verified.stdout);
    let verified = workspace
        .drygate(&["verify", run_id, "--json"])
        .expect(0)
        .json();
    assert_eq!(verified["notes"][0]["since"], went_on.as_str());
    let reported = workspace.drygate(&["report", run_id]).expect(0);
    assert!(reported.stderr.contains(&note), "{}", reported.stderr);
    assert!(!reported.stdout.contains("ticket 412"), "not of the report");
    let mut terminal = screen(&workspace, &run, (160, 48));
    terminal.wait_for("! the run went on: the note saw its head");
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(2));

    let other = "0".repeat(64);
    let foreign = written.replace(text(&line["head_sha256"]), &other);
    fs::write(&reviews, foreign).expect("our own file");
    let broken = workspace.drygate(&["verify", run_id]).expect(7);
    let named = format!(
        "reviews.jsonl, line 1: the head that the note saw, seq {saw} {other}, is not in this journal"
    );
    assert!(broken.stdout.contains(&named), "{}", broken.stdout);

    fs::write(&reviews, format!("{written}{written}")).expect("our own file");
    let broken = workspace.drygate(&["verify", run_id]).expect(0);
    let said = "beside the evidence: reviews.jsonl, line 2";
    assert!(broken.stdout.contains(said), "{}", broken.stdout);
}

#[test]
fn a_sealed_run_differs_in_nothing_and_stays_as_it_is_when_it_is_reviewed() {
    let workspace = Workspace::new(Scenario::Draft);
    let run = workspace.run_to_the_end().expect(0).json();
    let before = files(&workspace.run_dir(&run));
    let document = diff(&workspace, &run, &["--json"]).expect(0).json();
    assert_eq!(document["compare"], "pre | post");
    assert_eq!(document["headline"], "PROVEN");
    assert_eq!(document["facts_changed"], 0);
    let predicted = diff(&workspace, &run, &["--predicted", "--json"])
        .expect(2)
        .json();
    assert_eq!(
        fact(&predicted, "lifecycle_log")["after"]["provenance"],
        "SIMULATED"
    );
    let units = fact(&predicted, "units");
    assert_eq!(units["counts"]["changed"], 60, "{units}");
    assert_eq!(
        units["rows"][0]["says"],
        "ICX-CONST-0001, change: [none -> ~would_change]"
    );
    diff(&workspace, &run, &["--gates"]).expect(0);

    let mut terminal = screen(&workspace, &run, (80, 24));
    terminal.wait_for("PROVEN");
    terminal.type_slowly("m");
    terminal.wait_for("note on ");
    terminal.type_slowly("read").keys(key::ENTER);
    terminal.wait_until("the note line is gone", |screen| {
        !screen.to_string().contains("note on ")
    });
    terminal.type_slowly("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    let mut after = files(&workspace.run_dir(&run));
    after.retain(|(path, _)| !path.ends_with("reviews.jsonl"));
    assert_eq!(after.len(), before.len());
    assert!(after == before, "a sealed run stays byte for byte");
    workspace
        .drygate(&["verify", text(&run["run_id"])])
        .expect(0);

    let again = workspace.run_to_the_end().expect(0).json();
    let both = diff(&workspace, &run, &[text(&again["run_id"]), "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (
            both["facts_changed"].as_u64(),
            both["method"].as_array().map(Vec::len)
        ),
        (Some(0), Some(0))
    );
    let last = diff(&workspace, &again, &["--last-pass", "--json"])
        .expect(0)
        .json();
    assert_eq!(last["sides"]["before"]["run_id"], run["run_id"]);
}

#[test]
fn a_difference_that_cannot_be_seen_is_written_out() {
    // What stands in the place of one space, or of nothing, and how it is shown.
    let changes = [
        ("\n", "E'\\r\\n'", "\\u{d}"),
        (" needs", "E'\\r\\n needs'", "\\u{d}"),
        (" needs", "E'\\t needs'", "\\u{9}"),
        (" needs", "U&'\\00A0needs'", "\\u{a0}"),
        (" needs", "U&' \\200Bneeds'", "\\u{200b}"),
        (" needs", "U&' \\FEFFneeds'", "\\u{feff}"),
        (" needs", "U&' ne\\0301eds'", "\\u{301}"),
        (" needs", "'  needs'", "  "),
    ];
    let workspace = Workspace::new(Scenario::Enacted);
    let definition = workspace.sql("SELECT pg_get_functiondef('public.fn_iu_enact'::regproc)");
    let definition = definition[0][0].clone().expect("a function");
    let quoted = format!("'{}'", definition.replace('\'', "''"));
    for (gone, come, shown) in changes {
        let waiting = workspace.run().expect(3).json();
        let change = format!("DO $do$ BEGIN EXECUTE replace({quoted}, '{gone}', {come}); END $do$");
        workspace
            .cluster
            .load(&workspace.database, &change)
            .expect("replaced");
        let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
        let drift = &workspace.events(&drifted, "drift_found")[0]["drift"][0];
        assert_eq!(drift["key"], "fn_iu_enact_md5", "{come}: {drift}");
        let rows = drift["rows"].as_array().expect("rows");
        assert!(!rows.is_empty(), "{come}: {drift}");
        assert!(
            rows.iter().all(|row| row["approved"] != row["found"]),
            "{come}: {drift}"
        );
        let told = diff(&workspace, &drifted, &[]).expect(2).stdout;
        assert!(told.contains(shown), "{come}: {told}");
        let listed = diff(&workspace, &drifted, &["--json"]).expect(2).json();
        assert!(listed.to_string().contains("fn_iu_enact_md5"), "{come}");
        let back = format!("DO $do$ BEGIN EXECUTE {quoted}; END $do$");
        workspace
            .cluster
            .load(&workspace.database, &back)
            .expect("put back");
    }
}

#[test]
fn a_changed_type_and_null_for_its_name_are_named() {
    let null = "UPDATE public.lifecycle_log SET reason = NULL WHERE id = (SELECT min(id) FROM public.lifecycle_log)";
    let nullable = format!(
        "ALTER TABLE public.lifecycle_log ALTER reason DROP NOT NULL; {}",
        null.replace("NULL WHERE", "'null' WHERE")
    );
    let retyped = "ALTER TABLE public.source_document ALTER title TYPE varchar(200)";
    for (prepare, change, key, shown) in [
        ("SELECT 1", retyped, "source_document", "(columns)"),
        (nullable.as_str(), null, "lifecycle_log", "reason"),
    ] {
        let workspace = Workspace::new(Scenario::Enacted);
        workspace
            .cluster
            .load(&workspace.database, prepare)
            .expect("prepared");
        let waiting = workspace.run().expect(3).json();
        workspace
            .cluster
            .load(&workspace.database, change)
            .expect("changed");
        let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
        let drift = &workspace.events(&drifted, "drift_found")[0]["drift"];
        let drift = drift.as_array().expect("a list");
        let of = drift.iter().find(|change| change["key"] == key);
        let rows = &of.unwrap_or_else(|| panic!("{key}: {drift:?}"))["rows"];
        assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
        let told = diff(&workspace, &drifted, &[]).expect(2).stdout;
        assert!(told.contains(shown), "{told}");
    }
}
