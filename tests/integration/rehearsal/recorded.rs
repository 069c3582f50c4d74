//! The recording proxy on a real server. Invariant: every statement that a change sends is recorded, with its rows, its error and the
//! locks that it takes, and what the change does is what it does without the proxy.

use drygate::postgres::throwaway::ServerBinaries;
use serde_json::Value;

use super::world::{OWNER, World, check, counts, table};
use crate::support::server::finish;

/// The statements of the first phase.
#[track_caller]
fn statements(document: &Value) -> &Vec<Value> {
    let phases = &document["rehearsed"]["recorded"]["phases"];
    phases[0]
        .as_array()
        .unwrap_or_else(|| panic!("{document:#}"))
}

/// The one whose text begins so.
#[track_caller]
fn statement<'a>(document: &'a Value, begins: &str) -> &'a Value {
    let all = statements(document);
    let found = all
        .iter()
        .find(|it| it["text"].as_str().is_some_and(|it| it.starts_with(begins)));
    found.unwrap_or_else(|| panic!("{begins} is not in {all:#?}"))
}

/// Relation and mode of the locks that a statement took.
fn locks(statement: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let locks = statement["locks"].as_array().expect("locks").iter();
    let mut locks: Vec<_> = locks
        .map(|it| (text(&it["relation"]), text(&it["mode"])))
        .collect();
    locks.sort();
    locks
}

fn lock(relation: &str, mode: &str) -> (String, String) {
    (format!("shop.{relation}"), mode.to_owned())
}

#[test]
fn each_statement_of_psql_has_its_rows_its_locks_and_how_long_they_were_held() {
    let world = World::shared();
    let script = "ALTER TABLE shop.spare ADD COLUMN more int;\n\
         UPDATE shop.spare SET name = upper(name) WHERE id <= 4;\n\
         SELECT pg_sleep(0.7);\n\
         CREATE INDEX spare_name ON shop.quiet (id);\n";
    let found = world.rehearse(script).expect(0).json();
    let texts: Vec<&str> = statements(&found)
        .iter()
        .map(|it| it["text"].as_str().expect("a text"))
        .collect();
    let sent: Vec<&str> = script.lines().collect();
    assert_eq!(texts, [&["BEGIN"], &sent[..], &["COMMIT"]].concat());
    // Each but those of psql itself stands where the script has it.
    let all = statements(&found).iter();
    let at: Vec<_> = all.map(|it| it["of_script"]["offset"].as_u64()).collect();
    let places = sent.iter().map(|text| script.find(text));
    let places = places.map(|at| Some(at.expect("it is there") as u64));
    let expected: Vec<_> = [None].into_iter().chain(places).chain([None]).collect();
    assert_eq!(at, expected);
    assert_eq!(found["rehearsed"]["recorded"]["not_sent"], 0);
    let tags: Vec<&str> = statements(&found)
        .iter()
        .map(|it| it["tags"][0].as_str().expect("a tag"))
        .collect();
    assert_eq!(
        tags,
        [
            "BEGIN",
            "ALTER TABLE",
            "UPDATE 4",
            "SELECT 1",
            "CREATE INDEX",
            "COMMIT"
        ]
    );
    assert_eq!(statement(&found, "UPDATE")["rows"]["value"], 4);
    let altered = statement(&found, "ALTER");
    assert_eq!(locks(altered), [lock("spare", "AccessExclusiveLock")]);
    assert_eq!(
        locks(statement(&found, "UPDATE")),
        [lock("spare", "RowExclusiveLock")]
    );
    assert_eq!(
        locks(statement(&found, "CREATE")),
        [lock("quiet", "ShareLock")],
        "the new index is seen by nobody yet"
    );
    // It was held while the others ran, and the sleep is one of them.
    let ms = |value: &Value| value.as_u64().expect("milliseconds");
    let later = statements(&found)[2..].iter();
    let later: u64 = later.map(|it| ms(&it["took_ms"])).sum();
    let held = ms(&altered["locks"][0]["held_ms"]);
    assert!(later >= 700 && held >= later, "{held} {later}");
    let states: Vec<&str> = statements(&found)
        .iter()
        .map(|it| it["transaction"].as_str().expect("a state"))
        .collect();
    assert_eq!(states, ["open", "open", "open", "open", "open", "idle"]);
    let longest = &found["rehearsed"]["recorded"]["locks"][0];
    assert_eq!(longest["lock"], altered["locks"][0]);
    assert_eq!(longest["statement"], 2);
    assert_eq!(
        found["rehearsed"]["recorded"]["commands"],
        serde_json::json!([
            "ALTER TABLE",
            "BEGIN",
            "COMMIT",
            "CREATE INDEX",
            "SELECT",
            "UPDATE"
        ])
    );
    assert_eq!(
        found["rehearsed"]["recorded"]["unread"],
        serde_json::json!([])
    );
}

#[test]
fn a_lock_is_held_until_its_savepoint_is_rolled_back_and_what_failed_has_no_detail() {
    let world = World::shared();
    let script = "SAVEPOINT before;\n\
         LOCK TABLE shop.quiet IN ACCESS EXCLUSIVE MODE;\n\
         ROLLBACK TO before;\n\
         LOCK TABLE shop.spare IN EXCLUSIVE MODE;\n\
         SELECT pg_sleep(0.7);\n\
         INSERT INTO shop.customer (name, mail) SELECT name, mail FROM shop.customer WHERE id = 13;\n";
    let answer = world.rehearse(script).expect(9);
    assert!(!answer.stdout.contains("13@example.org"), "{answer:?}");
    let found = answer.json();
    let held = |begins: &str| {
        let lock = &statement(&found, begins)["locks"][0];
        lock["held_ms"].as_u64().expect("milliseconds")
    };
    let slept = statement(&found, "SELECT pg_sleep")["took_ms"].as_u64();
    let slept = slept.expect("milliseconds");
    assert!(held("LOCK TABLE shop.spare") >= slept);
    assert!(held("LOCK TABLE shop.quiet") < slept, "{found:#}");
    let failed = statement(&found, "INSERT");
    assert_eq!(failed["error"]["code"], "23505");
    assert_eq!(failed["error"]["severity"], "ERROR");
    let says = failed["error"]["message"].as_str().expect("a message");
    assert!(says.contains("duplicate key value"), "{says}");
    assert_eq!(failed["transaction"], "failed");
    assert_eq!(failed["tags"], serde_json::json!([]));
}

#[test]
fn a_statement_that_is_its_own_transaction_has_the_locks_that_were_seen_meanwhile() {
    let world = World::shared();
    let script = "COMMIT;\n\
         DO $$ BEGIN LOCK TABLE shop.quiet IN SHARE MODE; PERFORM pg_sleep(0.7); END $$;\n\
         CREATE INDEX CONCURRENTLY spare_name ON shop.spare (name);\n";
    let found = world.rehearse(script).expect(0).json();
    let done = statement(&found, "DO");
    assert_eq!(locks(done), [lock("quiet", "ShareLock")]);
    assert_eq!(done["locks"][0]["sampled"], true);
    assert_eq!(done["transaction"], "idle");
    let tags = &statement(&found, "CREATE INDEX CONCURRENTLY")["tags"];
    assert_eq!(*tags, serde_json::json!(["CREATE INDEX"]));
}

#[test]
fn rows_to_copy_and_a_statement_of_megabytes_pass_as_they_are() {
    let world = World::shared();
    let long = "x".repeat(9 << 20);
    let insert = format!("INSERT INTO shop.visit VALUES ('2026-06-06', left('{long}', 3));");
    let script = format!(
        "{insert}\nCOPY shop.spare (id, name) FROM STDIN;\n101\ta\n102\tb\n\\.\nCOPY shop.spare TO STDOUT;\n"
    );
    let found = world.rehearse(&script).expect(0).json();
    let sent = statement(&found, "INSERT");
    assert_eq!(sent["text_bytes"], insert.len());
    assert_eq!(
        sent["text_sha256"],
        drygate::survey::Digest::of(&insert).as_str()
    );
    assert_eq!(sent["text"].as_str().expect("a text").len(), 1_000);
    let copied = statement(&found, "COPY shop.spare (id");
    assert_eq!(copied["tags"], serde_json::json!(["COPY 2"]));
    assert_eq!(copied["rows"]["value"], 2);
    assert_eq!(table(&found, "shop.spare")["inserted"]["value"], 2);
    assert_eq!(counts(&found), world.full_compare(&script));
}

#[test]
fn several_sessions_of_one_change_are_recorded_one_behind_the_other() {
    let world = World::shared();
    let script = "DELETE FROM shop.spare WHERE id = 1;\nCOMMIT;\n\\c\nDELETE FROM shop.spare WHERE id = 2;\n";
    let found = world.rehearse(script).expect(0).json();
    let sent: Vec<&str> = statements(&found)
        .iter()
        .map(|it| it["text"].as_str().expect("a text"))
        .filter(|text| text.starts_with("DELETE"))
        .collect();
    assert_eq!(sent.len(), 2, "{found:#}");
    assert_eq!(table(&found, "shop.spare")["deleted"]["value"], 2);
}

/// The rehearsal of a script under a profile that says this of locks.
fn judged(world: &World, locks: &str, script: &str, code: i32) -> Value {
    let (_, text) = drygate::profile::built_in("icx-const").expect("it parses");
    let profile = world.home().join("locks.toml");
    let change =
        format!("{text}\n[change]\nrole = \"{OWNER}\"\nfiles = [\"a.sql\"]\nlocks = {locks}\n");
    std::fs::write(&profile, change).expect("a file");
    let mut command = world.command(script, OWNER);
    command.arg("--profile").arg(&profile);
    finish(command.spawn().expect("the program"))
        .expect(code)
        .json()
}

#[test]
fn a_lock_that_is_forbidden_or_held_too_long_fails_and_one_within_passes() {
    let world = World::new();
    let altered = "ALTER TABLE shop.spare ADD COLUMN more int;\nSELECT pg_sleep(0.7);\n";
    let found = judged(&world, "{ held_ms_max = 600 }", altered, 9);
    let locks = check(&found, "locks");
    assert_eq!(locks["verdict"], "FAIL");
    let says = locks["says"].as_str().expect("a sentence");
    let held = &found["rehearsed"]["recorded"]["locks"][0]["lock"]["held_ms"];
    let held = held.as_u64().expect("milliseconds");
    let seconds = format!("#{}.{:02} s", held / 1_000, held % 1_000 / 10);
    assert!(
        says.contains(&format!(
            "shop.spare: AccessExclusiveLock held {seconds} here"
        )) && says.ends_with("by statement 2: ALTER TABLE shop.spare ADD COLUMN more int;"),
        "{says}"
    );
    let within = judged(&world, "{ held_ms_max = 600000 }", altered, 0);
    assert_eq!(check(&within, "locks")["verdict"], "PASS");

    let forbid = "{ forbid = [\"ShareLock\", \"AccessExclusiveLock\"], held_ms_max = 600000 }";
    let index = "CREATE INDEX spare_name ON shop.spare (name)";
    let found = judged(&world, forbid, index, 9);
    let says = check(&found, "locks")["says"].as_str().expect("a sentence");
    assert!(
        says.contains("ShareLock held") && says.contains("which is forbidden"),
        "{says}"
    );
    // What is new is seen by nobody, so that nobody waits for it.
    let new = "CREATE TABLE shop.fresh (id int PRIMARY KEY); INSERT INTO shop.fresh VALUES (1)";
    let found = judged(&world, forbid, new, 0);
    assert_eq!(check(&found, "locks")["verdict"], "PASS", "{found:#}");
}

/// A program of the server's version. `postgres` alone may be linked into a directory of the search path.
fn beside_the_server(name: &str) -> String {
    let server = ServerBinaries::find().expect("a server");
    let server = server.dir().join("postgres").canonicalize();
    let program = server.expect("a server").with_file_name(name);
    program.display().to_string()
}

#[test]
fn the_extended_protocol_is_told_apart_by_statement_in_a_pipeline_too() {
    let world = World::shared();
    let pgbench = beside_the_server("pgbench");
    // A client of libpq that sends Parse, Bind and Execute; it finds the server where psql finds it.
    let plain =
        "UPDATE shop.spare SET name = :n WHERE id = :i;\\nSELECT count(*) FROM shop.quiet;\\n";
    let pipe = "\\\\startpipeline\\nUPDATE shop.spare SET name = :n WHERE id = :i AND id = :i;\\nDELETE FROM shop.spare WHERE id = :j;\\n\\\\endpipeline\\n";
    let script = format!(
        "\\! printf '{plain}' > $HOME/plain.sql\n\\! printf '{pipe}' > $HOME/pipe.sql\n\
         \\! {pgbench} -n -t 1 -M extended -D n=8001 -D i=2 -f $HOME/plain.sql > /dev/null 2>&1\n\
         \\! {pgbench} -n -t 1 -M prepared -D n=8002 -D i=3 -D j=4 -f $HOME/pipe.sql > /dev/null 2>&1\n"
    );
    let found = world.rehearse(&script).expect(0).json();
    let recorded = &found["rehearsed"]["recorded"];
    for (begins, tag) in [
        ("UPDATE shop.spare SET name = $1 WHERE id = $2", "UPDATE 1"),
        ("SELECT count(*) FROM shop.quiet", "SELECT 1"),
        (
            "UPDATE shop.spare SET name = $1 WHERE id = $2 AND id = $3",
            "UPDATE 1",
        ),
        ("DELETE FROM shop.spare WHERE id = $1", "DELETE 1"),
    ] {
        let sent = statement(&found, begins);
        assert_eq!(sent["tags"], serde_json::json!([tag]), "{recorded:#}");
    }
    let text = recorded["phases"].to_string();
    assert!(
        !text.contains("8001") && !text.contains("8002"),
        "a bound value: {text}"
    );
    assert_eq!(recorded["unread"], serde_json::json!([]));
    assert_eq!(table(&found, "shop.spare")["updated"]["value"], 2);
}

#[test]
fn a_text_that_psql_made_of_rows_is_withheld() {
    let world = World::shared();
    let script = "UPDATE shop.spare SET name = 'of the script' WHERE id = 2;\n\
         SELECT format('UPDATE shop.spare SET name = %L WHERE id = 3', mail) FROM shop.customer WHERE id = 13 \\gexec\n";
    let answer = world.rehearse(script).expect(0);
    assert!(!answer.stdout.contains("13@example.org"), "{answer:?}");
    let found = answer.json();
    let made = statement(
        &found,
        "UPDATE shop.spare SET name = (not a text of the script: withheld)",
    );
    assert_eq!(made["tags"], serde_json::json!(["UPDATE 1"]));
    statement(&found, "UPDATE shop.spare SET name = 'of the script'");
    statement(&found, "SELECT format('UPDATE");
}

#[test]
fn of_an_error_and_its_statement_no_value_of_a_row_is_kept() {
    let world = World::shared();
    for (script, value, error, statement) in [
        (
            "SELECT mail::text::integer FROM shop.customer WHERE id = 13;\n",
            "13@example.org",
            "ERROR:  invalid input syntax for type integer: \"(withheld)\"",
            "SELECT mail::text::integer FROM shop.customer WHERE id = 13;",
        ),
        (
            "SELECT format('SELECT 1/0 FROM shop.spare WHERE id < %s', 4242 + id) FROM shop.customer WHERE id = 13 \\gexec\n",
            "4255",
            "ERROR:  division by zero",
            "SELECT (not a text of the script: withheld)",
        ),
    ] {
        let answer = world.rehearse(script).expect(9);
        assert!(!answer.stdout.contains(value), "{answer:?}");
        let end = &answer.json()["rehearsed"]["script"];
        let said = end["error"].as_str().expect("an error");
        assert!(said.ends_with(error), "{said}");
        assert_eq!(end["statement"], statement, "{end}");
    }
}

#[test]
fn a_session_that_goes_past_the_recording_is_said() {
    let world = World::new();
    let psql = beside_the_server("psql");
    let script = format!(
        "\\! for s in $(find $HOME -name .s.PGSQL.5432 -not -path '*/proxy/*'); do {psql} -X -q -h $(dirname $s) -c 'SELECT 1' > /dev/null; done\n"
    );
    let found = judged(&world, "{ held_ms_max = 600000 }", &script, 11);
    let said = &found["rehearsed"]["recorded"]["unread"];
    assert_eq!(
        *said,
        serde_json::json!(["1 session of the change went past the recording"])
    );
    assert_eq!(check(&found, "locks")["verdict"], "NOT CHECKED");
}

#[test]
fn the_safer_form_stands_beside_what_took_the_lock() {
    let world = World::shared();
    let script = "CREATE INDEX spare_name ON shop.spare (name);\nUPDATE shop.spare SET name = 'CREATE INDEX' WHERE id = 1;\n";
    let found = world.rehearse(script).expect(0).json();
    let safer = statement(&found, "CREATE INDEX")["safer"].as_str();
    assert!(
        safer.is_some_and(|form| form.starts_with("CREATE INDEX CONCURRENTLY")),
        "{safer:?}"
    );
    assert_eq!(statement(&found, "UPDATE")["safer"], Value::Null);
}

/// What a change does on top of itself: its error, its rows by table, whether it writes tables anew, and lines of the schema.
fn on_top(script: &str) -> (bool, Vec<String>, bool, u64) {
    let found = World::shared().rehearse(script).expect(0).json();
    let on_top = &found["rehearsed"]["on_top"];
    let wrote = on_top["wrote"].as_array().expect("tables").iter();
    let wrote = wrote.map(|table| {
        let rows = ["inserted", "updated", "deleted"].map(|it| table[it]["value"].to_string());
        let name = table["table"].as_str().expect("a name");
        format!("{name} {}", rows.join(" "))
    });
    (
        on_top["error"].is_string(),
        wrote.collect(),
        on_top["written_anew"] != serde_json::json!([]),
        on_top["schema_lines"]["value"].as_u64().expect("a number"),
    )
}

#[test]
fn a_second_run_on_top_says_whether_a_change_is_idempotent() {
    let nothing = "CREATE TABLE IF NOT EXISTS shop.more (id integer); DELETE FROM shop.quiet;\n";
    assert_eq!(on_top(nothing), (false, Vec::new(), false, 0));
    let fails = "CREATE TABLE shop.more (id integer);\n";
    assert_eq!(on_top(fails), (true, Vec::new(), false, 0));
    let writes = "UPDATE shop.spare SET name = upper(name);\n";
    assert_eq!(
        on_top(writes),
        (false, vec!["spare 0 5 0".to_owned()], false, 0)
    );
    let (failed, wrote, anew, lines) =
        on_top("DROP INDEX IF EXISTS shop.spare_one; CREATE INDEX ON shop.spare (name);\n");
    assert_eq!((failed, wrote, anew), (false, Vec::new(), false));
    assert!(lines > 0, "another index each time");
    let (failed, _, anew, _) = on_top("TRUNCATE shop.spare;\n");
    assert_eq!((failed, anew), (false, true));
}
