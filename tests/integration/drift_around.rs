//! Whole runs over changes around the rows: what voids an approval, what is listed beside, and what a strict profile makes of it.
//! Invariant: every answer is of the program itself, with the change made by another session while a gate waits.

use drygate::postgres::throwaway::Scenario;
use serde_json::{Value, json};

use super::support::ground::{Ground, band};
use super::support::server::{Workspace, text};

/// What changes beside: a table of nobody's concern with a grant on it.
const BESIDE: &str =
    "CREATE TABLE public.heap (line text); GRANT SELECT ON public.heap TO context_pack_readonly";

fn of_key<'a>(list: &'a Value, key: &str) -> &'a Value {
    let changes = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    let found = changes.iter().find(|change| change["key"] == key);
    found.unwrap_or_else(|| panic!("{key}: {list}"))
}

fn rows(change: &Value) -> Vec<(&str, &Value, &Value)> {
    let rows = change["rows"].as_array().expect("rows");
    rows.iter()
        .map(|row| (text(&row["key"]), &row["approved"], &row["found"]))
        .collect()
}

#[test]
fn a_rule_that_makes_the_change_do_nothing_voids_what_was_approved() {
    let workspace = Workspace::new(Scenario::Draft);
    let waiting = workspace.run_to_sg2();
    workspace.sql("CREATE RULE nothing AS ON UPDATE TO public.unit_version DO INSTEAD NOTHING");
    let drifted = workspace.approve(&waiting, "SG2").expect(4).json();
    assert_eq!(drifted["stop_code"], "STOP_FACTS_DRIFTED");
    let change = of_key(&drifted["drift"], "definition.unit_version");
    let found = rows(change);
    assert_eq!(found.len(), 1, "{change}");
    assert_eq!((found[0].0, found[0].1), ("rule nothing", &Value::Null));
    assert!(text(found[0].2).contains("DO INSTEAD NOTHING"), "{change}");
    let message = text(&drifted["message"]);
    assert!(
        message.contains("definition.unit_version") && message.contains("(rule nothing)"),
        "{message}"
    );
    let id = text(&drifted["run_id"]);
    let diff = workspace
        .drygate(&["diff", id, "--evidence", "SG2", "--json"])
        .expect(2)
        .json();
    let shown = of_key(&diff["facts"], "definition.unit_version");
    assert_eq!(shown["change"], "changed");
    assert!(
        shown["rows"].to_string().contains("DO INSTEAD NOTHING"),
        "{shown}"
    );
    workspace.drygate(&["verify", id]).expect(0);
}

#[test]
fn row_security_on_a_protected_table_is_drift() {
    let workspace = Workspace::new(Scenario::Draft);
    let waiting = workspace.run().expect(3).json();
    workspace.sql("ALTER TABLE public.unit_version ENABLE ROW LEVEL SECURITY");
    let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
    let definition = rows(of_key(&drifted["drift"], "definition.unit_version"));
    assert_eq!(definition, [("row security", &json!("off"), &json!("on"))]);
    let content = of_key(&drifted["drift"], "unit_version");
    assert!(
        text(&content["reason"]).contains("has row security"),
        "{content}"
    );
    workspace
        .drygate(&["verify", text(&drifted["run_id"])])
        .expect(0);
}

#[test]
fn what_changes_beside_is_listed_everywhere_and_voids_nothing() {
    let workspace = Workspace::new(Scenario::Draft);
    let waiting = workspace.run().expect(3).json();
    assert_eq!(waiting.get("beside"), None, "nothing has changed yet");
    workspace.sql(BESIDE);
    let second = workspace.approve(&waiting, "SG1").expect(3).json();
    let listed = of_key(&second["beside"], "grant_matrix_sha");
    assert!(
        listed["rows"].to_string().contains("table public.heap"),
        "{listed}"
    );
    assert_eq!(second["drift"], json!([]));
    let message = text(&second["message"]);
    assert!(
        message.contains("1 fact changed beside: grant_matrix_sha (table public.heap"),
        "{message}"
    );
    assert_eq!(
        workspace.sheet(&second)["beside"][0]["key"],
        "grant_matrix_sha"
    );

    let sealed = workspace.approve(&second, "SG2").expect(0).json();
    assert_eq!(sealed["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(of_key(&sealed["beside"], "grant_matrix_sha"), listed);
    let measured = text(&sealed["non_mutation"]["claims"]["B"]["measured"]);
    assert_eq!(
        measured,
        "25 facts equal in two snapshots, 1 changed beside"
    );
    let id = text(&sealed["run_id"]);
    workspace.drygate(&["verify", id]).expect(0);
    let diff = workspace.drygate(&["diff", id, "--json"]).expect(2).json();
    assert_eq!(
        (&diff["facts_changed"], &diff["facts_beside"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(
        of_key(&diff["facts"], "grant_matrix_sha")["change"],
        "beside"
    );
    let report = std::fs::read_dir(workspace.run_dir(&sealed).join("kb")).expect("reports");
    let report = report
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.to_string_lossy().contains("10-non-mutation"));
    let report = std::fs::read_to_string(report.expect("report 10")).expect("text");
    for said in [
        "## What changed beside",
        "public.heap",
        "## What stays outside",
        "ALTER SYSTEM",
    ] {
        assert!(report.contains(said), "{said}: {report}");
    }
    let proved = workspace.drygate(&["report", id]).expect(0).stdout;
    assert!(
        proved.contains("identical but for what changed beside (1 value):"),
        "{proved}"
    );
    let held = workspace
        .drygate(&["recheck", id, "--headless", "--json"])
        .expect(0)
        .json();
    assert_eq!(held["holds"], true);
    workspace.sql("GRANT INSERT ON public.heap TO PUBLIC");
    let held = workspace
        .drygate(&["recheck", id, "--headless", "--json"])
        .expect(2);
    assert!(
        held.stdout.contains("public.heap"),
        "our own role may write now: that is not beside"
    );
}

#[test]
fn a_strict_profile_lets_nothing_stand_beside() {
    let workspace = Workspace::new(Scenario::Draft);
    let strict = workspace.profile("strict.toml", |built_in| {
        format!("{built_in}\n[drift]\nstrict = true\n")
    });
    let url = workspace.url();
    let words = [
        "run",
        "--headless",
        "--json",
        "--database-url",
        &url,
        "--profile",
        &strict,
    ];
    let waiting = workspace.drygate(&words).expect(3).json();
    workspace.sql(BESIDE);
    let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
    of_key(&drifted["drift"], "grant_matrix_sha");
    assert_eq!(drifted.get("beside"), None);
    workspace
        .drygate(&["verify", text(&drifted["run_id"])])
        .expect(0);
}

#[test]
fn a_partition_without_rows_is_beside_and_one_with_rows_is_drift() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql(
        "CREATE TABLE public.happening (at date PRIMARY KEY, what text) PARTITION BY RANGE (at);
         CREATE TABLE public.happening_2025 PARTITION OF public.happening FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
         GRANT SELECT ON public.happening, public.happening_2025 TO context_pack_readonly",
    );
    let content = "[[contents]]\nkey = \"happening\"\nschema = \"public\"\ntable = \"happening\"\n\
                   columns = [\"at\", \"what\"]\nrow_key = [\"at\"]\n\n[pieces]\n";
    let profile = workspace.profile("parts.toml", |built_in| {
        built_in.replacen("[pieces]\n", content, 1)
    });
    let url = workspace.url();
    let words = [
        "run",
        "--headless",
        "--json",
        "--database-url",
        &url,
        "--profile",
        &profile,
    ];
    let waiting = workspace.drygate(&words).expect(3).json();
    workspace.sql(
        "CREATE TABLE public.happening_2026 PARTITION OF public.happening FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
         GRANT SELECT ON public.happening_2026 TO context_pack_readonly",
    );
    let second = workspace.approve(&waiting, "SG1").expect(3).json();
    let parts = of_key(&second["beside"], "definition.happening");
    assert!(
        parts["rows"]
            .to_string()
            .contains("[public.happening_2026] partition of public.happening"),
        "{parts}"
    );
    workspace.sql("INSERT INTO public.happening VALUES ('2026-02-02', 'a row')");
    let drifted = workspace.approve(&second, "SG2").expect(4).json();
    of_key(&drifted["drift"], "happening");
    workspace
        .drygate(&["verify", text(&drifted["run_id"])])
        .expect(0);
}

#[test]
fn what_changes_beside_while_a_screen_waits_is_recorded_once() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("1");
    ground.intrude(BESIDE);
    let screen = terminal.wait_for("1 changed beside");
    assert!(band(&screen).contains("ALLOW CUT?"), "{screen}");
    let run = ground.home().run();
    let (again, reads) = (
        run.events("survey_taken").len(),
        run.events("live_read").len(),
    );
    assert_eq!(again, 2, "the pin, and the read that found it");
    // Reads that find the same are counted, and the journal does not grow by surveys.
    terminal.wait_until("three more reads", |_| {
        run.events("live_read").len() >= reads + 3
    });
    assert_eq!(run.events("survey_taken").len(), again);
    assert_eq!(run.events("drift_found").len(), 0);
    terminal.type_slowly("q");
    terminal.wait_exit();
}
