//! A change in two phases under the labels of SG1 and SG2, beside the simulator.
//! Invariant: what a gate allows was rehearsed before it asks, and once more when it is approved.

use std::fs;

use serde_json::Value;

use super::changing::{ChangedWorkspace, last_check, rows};
use super::support::server::text;

/// Every draft keeps its text, so that nothing is written.
const CUT: &str =
    "SELECT public.fn_iu_apply_edit_draft(u.id, v.content) FROM public.information_unit AS u
 JOIN public.unit_version AS v ON v.unit_id = u.id AND v.is_current ORDER BY u.id;\n";

#[test]
fn each_phase_is_rehearsed_before_its_gate_and_agrees_with_the_simulator() {
    let world = ChangedWorkspace::phased(CUT, None);
    let workspace = &world.workspace;
    workspace.sql("DROP TRIGGER tell_search ON public.unit_version");
    let waiting = world.run().expect(3).json();
    let change = &workspace.sheet(&waiting)["change"];
    assert_eq!(change["copied_before_sg1"], true);
    assert_eq!(change["first_phase"], true);
    assert_eq!(change["rehearsed"]["script"]["succeeded"], true, "{change}");
    assert_eq!(rows(&waiting), []);
    let waiting = world.approve(&waiting, "SG1").expect(3).json();
    assert_eq!(waiting["change"]["first_phase"], Value::Null);
    assert_eq!(
        rows(&waiting),
        [
            ("public.information_unit".to_owned(), [0, 60, 0]),
            ("public.lifecycle_log".to_owned(), [60, 0, 0]),
            ("public.unit_version".to_owned(), [0, 60, 0]),
        ]
    );
    let sealed = world.approve(&waiting, "SG2").expect(0).json();
    let check = last_check(workspace, &sealed, "change_as_simulated");
    assert_eq!(check["verdict"], "PASS", "{check}");
    assert_eq!(check["says"], "simulated ~180 rows, rehearsed #180");
    let rehearsed = workspace.events(&sealed, "change_rehearsed");
    let parts: Vec<(&str, bool)> = (rehearsed.iter())
        .map(|event| (text(&event["gate"]), event["first_phase"] == true))
        .collect();
    assert_eq!(
        parts,
        [("SG1", true), ("SG1", true), ("SG1", false), ("SG2", false)]
    );
    // What the rehearsal before asked for is copied at once, and never found out again.
    let asked = |nth: usize| {
        let outcome = &rehearsed[nth]["outcome"];
        let seeded = outcome["seeded"].as_array().expect("a list");
        let mut tables: Vec<&str> = seeded.iter().map(|it| text(&it["table"])).collect();
        tables.sort_unstable();
        (outcome["passes"].as_u64().expect("a number"), tables)
    };
    for (first, again) in [(0, 1), (2, 3)] {
        assert!(asked(first).0 > 1, "{:?}", asked(first));
        assert_eq!(asked(again), (1, asked(first).1));
    }
    let verified = world.drygate(&["verify", text(&sealed["run_id"]), "--json"]);
    let verified = verified.expect(0).json();
    assert_eq!(verified["findings"], serde_json::json!([]));
}

#[test]
fn a_first_phase_that_does_otherwise_at_the_approval_is_drift() {
    let world = ChangedWorkspace::phased("UPDATE public.note SET seen = true;\n", None);
    let waiting = world.run().expect(3).json();
    assert_eq!(rows(&waiting), [("public.note".to_owned(), [0, 5, 0])]);
    world
        .workspace
        .sql("INSERT INTO public.note VALUES (6, false)");
    let drifted = world.approve(&waiting, "SG1").expect(4).json();
    let drift = drifted["drift"].as_array().expect("a list");
    assert_eq!(drift.len(), 1, "{drift:?}");
    assert_eq!(drift[0]["key"], "effect.public.note");
    assert_eq!(drift[0]["approved"], "update #5, columns seen");
    // The new evidence is of what it does now.
    let waiting = world.workspace.resume(&drifted).expect(3).json();
    assert_eq!(rows(&waiting), [("public.note".to_owned(), [0, 6, 0])]);
    let run_id = text(&waiting["run_id"]);
    world.drygate(&["verify", run_id]).expect(0);
}

/// A value of an enum can be used once it is committed; an index is built outside of a transaction.
#[test]
fn a_phase_begins_on_what_the_phase_before_committed() {
    let world = ChangedWorkspace::phased("ALTER TYPE public.mood ADD VALUE 'glad';\n", None);
    let workspace = &world.workspace;
    workspace
        .sql("CREATE TYPE public.mood AS ENUM ('calm'); ALTER TYPE public.mood OWNER TO kb_owner");
    let second = "UPDATE public.note SET seen = true WHERE 'glad'::public.mood = 'glad';\nCOMMIT;\n
                  CREATE INDEX CONCURRENTLY note_seen ON public.note (seen);\n";
    fs::write(workspace.place().join("change.sql"), second).expect("our own file");
    let waiting = world.run().expect(3).json();
    let waiting = world.approve(&waiting, "SG1").expect(3).json();
    let change = &workspace.sheet(&waiting)["change"];
    assert_eq!(change["rehearsed"]["script"]["succeeded"], true, "{change}");
    let schema = change["rehearsed"]["schema_changes"].to_string();
    assert!(
        schema.contains("'glad'") && schema.contains("note_seen"),
        "{schema}"
    );
    assert_eq!(rows(&waiting), [("public.note".to_owned(), [0, 5, 0])]);
}

#[test]
fn a_constraint_that_waits_for_the_commit_fails_at_that_of_its_phase() {
    let first = "CREATE TABLE public.whole (id integer PRIMARY KEY);
CREATE TABLE public.part (id integer REFERENCES public.whole DEFERRABLE INITIALLY DEFERRED);
INSERT INTO public.part VALUES (1);\n";
    let world = ChangedWorkspace::phased(first, None);
    let workspace = &world.workspace;
    let second = "INSERT INTO public.whole VALUES (1);\n";
    fs::write(workspace.place().join("change.sql"), second).expect("our own file");
    let waiting = world.run().expect(3).json();
    let waiting = world.approve(&waiting, "SG1").expect(3).json();
    let change = &workspace.sheet(&waiting)["change"];
    assert_eq!(change["first_phase"], Value::Null);
    let end = &change["rehearsed"]["script"];
    assert_eq!(end["succeeded"], false, "{change}");
    let says = text(&end["error"]);
    assert!(says.contains("violates foreign key constraint"), "{says}");
    assert_eq!(change["rehearsed"]["schema_changes"], serde_json::json!([]));
    // The second phase did not run either: its table is not there.
    assert_eq!(rows(&waiting), []);
}

#[test]
fn values_are_kept_of_the_columns_that_the_profile_names_and_of_no_other() {
    let policy = "\n[change]\nrole = \"kb_owner\"\nfiles = [\"change.sql\"]\n\n[rehearsal]\nshow = [\"public.note.seen\"]\n";
    let (_, built_in) = drygate::profile::built_in("icx-const").expect("it parses");
    let change = "UPDATE public.note SET seen = true WHERE id = 1;\n
                  DELETE FROM public.note WHERE id = 2;\n
                  INSERT INTO public.search_outbox VALUES ('outbox-unit');\n";
    let world = ChangedWorkspace::of_profile(change, &format!("{built_in}{policy}"));
    let waiting = world.run().expect(3).json();
    let waiting = world.approve(&waiting, "SG1").expect(3).json();
    let sheet = &world.workspace.sheet(&waiting)["change"];
    assert_eq!(sheet["show"], serde_json::json!(["public.note.seen"]));
    let (facts, rows) = (&sheet["read_at"]["facts"], &sheet["read_at"]["rows"]);
    assert!(text(facts) < text(rows), "two transactions: {facts} {rows}");
    let rehearsed = world.workspace.events(&waiting, "change_rehearsed");
    let blobs = world.workspace.run_dir(&waiting).join("blobs");
    let blob = fs::read_to_string(blobs.join(text(&rehearsed[0]["blob"]))).expect("a blob");
    let mut outcome: Value = serde_json::from_str(&blob).expect("JSON");
    // The text of the script is evidence by itself.
    outcome["recorded"].take();
    assert!(!outcome.to_string().contains("outbox-unit"), "{blob}");
    let rows = outcome["effect"][0]["rows"].as_array().expect("rows");
    let mut values: Vec<String> = rows.iter().map(|row| row["values"].to_string()).collect();
    values.sort();
    assert_eq!(
        values,
        [
            r#"[{"after":"true","before":"false","column":"seen"}]"#,
            r#"[{"after":null,"before":"false","column":"seen"}]"#,
        ]
    );
}
