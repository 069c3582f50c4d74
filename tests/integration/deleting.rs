//! A change that deletes its units. Invariant: what is predicted is what the DELETE removes, and `recheck --after` says of each unit
//! and table what became of it.

use std::fs;

use drygate::postgres::throwaway::Scenario;
use serde_json::{Value, json};

use crate::support::rehearsed::{Rehearsed, texts};

/// 92 keys of which 50 have a row that is to be deleted, and a table of 100 rows that nothing protects.
const OLD_ROWS: &str = "
CREATE TABLE public.keys AS SELECT 'K' || lpad(n::text, 3, '0') AS id FROM generate_series(1, 92) AS n;
CREATE TABLE public.old_rows AS SELECT id, 'text of ' || id AS body, 'old' AS state FROM public.keys WHERE id <= 'K050';
CREATE TABLE public.notes AS SELECT n AS id, 'K' || lpad(n::text, 3, '0') AS of FROM generate_series(1, 100) AS n;
GRANT SELECT ON public.keys, public.old_rows, public.notes TO context_pack_readonly;
";

/// A profile that deletes them: nothing is cut, each unit loses its row and a note.
fn profile(rehearsed: &Rehearsed, name: &str, keys: &str) -> String {
    let (_, built_in) = drygate::profile::built_in("icx-const").expect("it parses");
    let (head, _) = built_in.split_once("[pieces]").expect("its streams");
    let facts = "[[facts]]\nkey = \"old\"\nlabel = \"old\"\ntype = \"integer\"\ncount = \"public.old_rows\"\n\n[[functions]]";
    let head = head.replacen("[[functions]]", facts, 1);
    let contents = "[[contents]]\nkey = \"old_rows\"\nschema = \"public\"\ntable = \"old_rows\"\ncolumns = [\"id\", \"body\", \"state\"]\nrow_key = [\"id\"]\n";
    let pieces = format!(
        "[pieces]\nsql = '''SELECT k.id AS key, 'text of ' || k.id AS content FROM public.keys k WHERE {keys} ORDER BY k.id COLLATE \"C\"'''\n"
    );
    let candidates = "[candidates]\nsql = '''SELECT o.id AS key, o.body AS content, o.state FROM public.old_rows o ORDER BY o.id COLLATE \"C\"'''\n";
    let lifecycle = "[lifecycle]\nstates = [\"old\", \"gone\"]\ninitial = \"old\"\ntarget = \"gone\"\ncut = []\n\
                     enact = [{ table = \"old_rows\", delete = 1 }, { table = \"notes\", delete = 1 }]\n";
    let path = rehearsed.folder().join(name);
    let text = [
        head,
        contents.into(),
        pieces,
        candidates.into(),
        lifecycle.into(),
    ]
    .join("\n");
    fs::write(&path, text).expect("a new file");
    path.display().to_string()
}

fn server() -> Rehearsed {
    let rehearsed = Rehearsed::server(Scenario::Draft);
    rehearsed.sql(OLD_ROWS);
    rehearsed
}

/// The last record of an event.
fn last(rehearsed: &Rehearsed, event: &str) -> Value {
    let journal = rehearsed.journal();
    let found = journal.into_iter().rfind(|record| record["event"] == event);
    found.expect("it was recorded")
}

fn deletes(rehearsed: &Rehearsed) -> Vec<(String, Value)> {
    let predicted = last(rehearsed, "effect_predicted");
    let tables = predicted["predicted"]["tables"].as_array().expect("tables");
    let touched = tables.iter().filter(|table| table["delete"]["value"] != 0);
    touched
        .map(|table| {
            let name = table["table"].as_str().expect("a name").to_owned();
            (name, table["delete"]["value"].clone())
        })
        .collect()
}

#[test]
fn pieces_that_nothing_would_insert_are_found_by_name_and_predict_no_row() {
    let mut rehearsed = server();
    let profile = profile(&rehearsed, "all.toml", "true");
    let asked = rehearsed.begin_with(&["--profile", &profile], 3);
    let fifty = |table: &str| (table.to_owned(), json!(50));
    assert_eq!(deletes(&rehearsed), [fifty("old_rows"), fifty("notes")]);
    let against = &asked["cannot_pass"][0];
    assert_eq!(against["check"], "verify_equals_prediction", "{asked}");
    let subject = against["subject"].as_str().expect("a sentence");
    assert!(subject.starts_with("~42 units"), "{subject}");
    assert!(subject.contains("K051 not_cut"), "{subject}");
    let asked = rehearsed.approve("SG1", &asked, 3);
    let ended = rehearsed.approve("SG2", &asked, 9);
    assert_eq!(ended["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_FAIL");
    let verified = rehearsed.command(&["verify", &rehearsed.run_id]);
    assert_eq!(verified.status.code(), Some(0), "{:?}", texts(&verified));
}

#[test]
fn deletions_are_followed_unit_by_unit_and_table_by_table() {
    let mut rehearsed = server();
    let profile = profile(&rehearsed, "fifty.toml", "k.id <= 'K050'");
    let asked = rehearsed.begin_with(&["--profile", &profile], 3);
    let asked = rehearsed.approve("SG1", &asked, 3);
    rehearsed.approve("SG2", &asked, 0);
    let units = |found: &Value| {
        let units = &found["after"]["units"];
        ["as_predicted", "not_done", "otherwise", "not_predicted"]
            .map(|name| units[name].as_u64().unwrap_or_else(|| panic!("{found}")))
    };
    let table = |found: &Value, name: &str| {
        let tables = found["after"]["tables"].as_array().expect("tables");
        let found = tables.iter().find(|table| table["table"] == name);
        found.expect("a predicted table").clone()
    };
    rehearsed.sql(
        "DELETE FROM public.old_rows WHERE id < 'K050'; DELETE FROM public.notes WHERE of < 'K050'",
    );
    let most = rehearsed.recheck(&["--after"], 2);
    assert_eq!(units(&most), [49, 1, 0, 0], "{most}");
    assert_eq!(table(&most, "old_rows")["found"], json!([0, 0, 49]));
    let notes = table(&most, "notes");
    assert_eq!(notes["found"], Value::Null);
    assert_eq!(
        notes["not_known"],
        "no [[contents]] of the profile names it"
    );
    let (told, _) = texts(&rehearsed.command(&["recheck", &rehearsed.run_id, "--after"]));
    assert!(!told.contains("too long"), "{told}");
    assert!(
        told.contains("notes: predicted 50 deleted, not compared: no [[contents]]"),
        "{told}"
    );

    rehearsed.sql("DELETE FROM public.old_rows; DELETE FROM public.notes WHERE of <= 'K050'");
    let done = rehearsed.recheck(&["--after"], 0);
    assert_eq!(units(&done), [50, 0, 0, 0], "{done}");
    assert_eq!(table(&done, "old_rows")["found"], json!([0, 0, 50]));
    assert_eq!(done["after"]["beside"], json!([]));

    // A unit that was to be deleted, and was changed instead, says how it stands.
    rehearsed.sql("INSERT INTO public.old_rows VALUES ('K017', 'other', 'old')");
    let otherwise = rehearsed.recheck(&["--after"], 2);
    assert_eq!(units(&otherwise), [49, 0, 1, 0], "{otherwise}");
    let named = &otherwise["after"]["named"][0];
    assert_eq!(named["key"], "K017");
    let found = named["found"].as_str().expect("a sentence");
    assert!(
        found.starts_with(
            "old, content not as in the source; old_rows: 1 updated, predicted 1 deleted"
        ),
        "{found}"
    );
}

#[test]
fn a_count_that_follows_moves_by_the_predicted_number() {
    let mut rehearsed = server();
    let profile = profile(&rehearsed, "counted.toml", "k.id <= 'K050'");
    // Its rows are not compared any more, so the count alone tells.
    let text = fs::read_to_string(&profile).expect("our own file");
    let (head, tail) = text
        .split_once("[[contents]]\nkey = \"old_rows\"")
        .expect("it");
    let (_, streams) = tail.split_once("[pieces]").expect("its streams");
    fs::write(&profile, format!("{head}[pieces]{streams}")).expect("our own file");
    rehearsed.sql("INSERT INTO public.old_rows SELECT 'X' || n, 'other', 'other' FROM generate_series(1, 9) AS n");
    let candidates = "FROM public.old_rows o WHERE o.state <> 'other'";
    let text = fs::read_to_string(&profile).expect("our own file");
    fs::write(
        &profile,
        text.replacen("FROM public.old_rows o", candidates, 1),
    )
    .expect("our own file");
    let asked = rehearsed.begin_with(&["--profile", &profile], 3);
    let asked = rehearsed.approve("SG1", &asked, 3);
    rehearsed.approve("SG2", &asked, 0);
    rehearsed.sql("DELETE FROM public.old_rows WHERE state = 'old'");
    let done = rehearsed.recheck(&["--after"], 0);
    assert_eq!(done["after"]["beside"], json!([]), "{done}");
    rehearsed.sql("DELETE FROM public.old_rows WHERE id = 'X7'");
    let one_more = rehearsed.recheck(&["--after"], 2);
    let beside = &one_more["after"]["beside"];
    assert_eq!(beside[0]["key"], "old", "{one_more}");
    assert_eq!(
        (&beside[0]["approved"], &beside[0]["found"]),
        (&json!("59"), &json!("8"))
    );
}
