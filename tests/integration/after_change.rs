//! `recheck --after` of a rehearsed change: the real change is carried out in the production of a test, as rehearsed and otherwise,
//! and each row is compared.
//! Invariant: what others write meanwhile is told apart from what the change did (`with_writers`).

use std::fs;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use drygate::postgres::throwaway::{ClusterOptions, ClusterOrigin, Scenario};
use serde_json::Value;

use super::changing::ChangedWorkspace;
use super::support::server::{SUPERUSER, own_cluster, text};

/// A column, rows of it by key, rows of a log by a trigger, a deletion in a partition, an insertion with a key of its own.
const MIGRATION: &str =
    "ALTER TABLE shop.orders ADD COLUMN region text CHECK (region IN ('EU', 'US'));
UPDATE shop.orders SET region = 'EU' WHERE id <= 300;
DELETE FROM shop.visit WHERE id < 366;
INSERT INTO shop.customer VALUES (100001, 'VN'), (100002, 'VN');
DELETE FROM shop.tally WHERE ctid = (SELECT min(ctid) FROM shop.tally WHERE what = 'a');
INSERT INTO shop.tally VALUES ('b');
";

/// A table without a key, in which rows are equal.
const TALLY: &str = "CREATE TABLE shop.tally (what text);
ALTER TABLE shop.tally OWNER TO shop_owner;
GRANT SELECT ON shop.tally TO context_pack_readonly;
INSERT INTO shop.tally VALUES ('a'), ('a'), ('a'), ('b'), ('c');";

struct Carried {
    world: ChangedWorkspace,
    run: String,
}

impl Carried {
    /// A sealed PASS of the migration.
    fn approved() -> Self {
        Self::of(TALLY, MIGRATION)
    }

    /// A sealed PASS of a change to the shop with these tables beside.
    fn of(tables: &str, change: &str) -> Self {
        let world = ChangedWorkspace::of_demo_profile(|profile| {
            let (head, _) = profile.split_once("expect = [").expect("it expects rows");
            let show = [
                "orders.id",
                "orders.region",
                "visit.id",
                "visit.day",
                "customer.id",
                "customer.country",
                "stock.id",
            ];
            let show = show.map(|column| format!("\"shop.{column}\"")).join(", ");
            format!("{head}\n[rehearsal]\nshow = [{show}]\n")
        });
        world.workspace.sql(tables);
        fs::write(&world.change, change).expect("a file");
        let waiting = world.to_sg2();
        let run = text(&waiting["run_id"]).to_owned();
        let sealed = world.approve(&waiting, "SG2").expect(0).json();
        assert!(text(&sealed["result"]).ends_with("_PASS"), "{sealed}");
        world.drygate(&["verify", &run]).expect(0);
        Self { world, run }
    }

    /// As a tool would: one transaction of the change's role.
    fn carry_out(&self, script: &str) {
        let cluster = &self.world.workspace.cluster;
        let database = &self.world.workspace.database;
        let script = format!("BEGIN; {script} COMMIT");
        cluster
            .query("shop_owner", database, &script)
            .expect("it is carried out");
    }

    #[track_caller]
    fn recheck(&self, code: i32) -> Value {
        let answer = self
            .world
            .drygate(&["recheck", &self.run, "--after", "--headless", "--json"]);
        answer.expect(code).json()
    }

    #[track_caller]
    fn outcomes(&self, outcomes: &[&str]) {
        let run = &self
            .world
            .workspace
            .run_dir(&serde_json::json!({ "run_id": self.run }));
        let kept = fs::read_to_string(run.join("outcomes.jsonl")).unwrap_or_default();
        let found: Vec<&str> = (kept.lines())
            .map(|line| line.split("\"outcome\":\"").nth(1).expect("an outcome"))
            .map(|rest| rest.split('"').next().expect("a word"))
            .collect();
        assert_eq!(found, outcomes);
    }
}

/// The counts of a table that are not 0.
fn counts(document: &Value, table: &str) -> Vec<(String, u64)> {
    let tables = document["change_after"]["rows"]["tables"].as_array();
    let tables = tables.expect("rows were compared");
    let found = tables.iter().find(|it| it["table"] == table);
    let found = found.expect("the table is there").as_object().expect("it");
    (found.iter())
        .filter_map(|(name, rows)| Some((name.clone(), rows.as_u64()?)))
        .filter(|(_, rows)| *rows > 0)
        .collect()
}

fn named(document: &Value, table: &str) -> Vec<String> {
    let tables = document["change_after"]["rows"]["tables"].as_array();
    let tables = tables.expect("rows were compared");
    let found = tables.iter().find(|it| it["table"] == table);
    let rows = found.expect("the table is there")["rows"].as_array();
    let value = |value: &Value| {
        let side = |side: &Value| side.as_str().unwrap_or("(none)").to_owned();
        let (rehearsed, now) = (side(&value["rehearsed"]), side(&value["now"]));
        format!(" {} {rehearsed} {now}", text(&value["column"]))
    };
    let rows = rows.expect("rows").iter().map(|row| {
        let values = row["values"].as_array().expect("values").iter().map(value);
        let values: String = values.collect();
        format!("{} {}{values}", text(&row["row"]), text(&row["outcome"]))
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows
}

#[test]
fn a_change_comes_true_row_by_row_while_others_write() {
    let carried = Carried::approved();
    let before = carried.recheck(2);
    assert_eq!(before["carried_out"], "not_carried_out");
    assert_eq!(before["change_after"]["rows"]["schema"], "not_done");
    assert_eq!(
        counts(&before, "shop.orders"),
        [("not_done".to_owned(), 300)]
    );
    assert_eq!(counts(&before, "shop.tally"), [("not_done".to_owned(), 2)]);
    assert_eq!(
        named(&before, "shop.customer"),
        [
            "id=100001 not_done id 100001 (none) country VN (none)",
            "id=100002 not_done id 100002 (none) country VN (none)"
        ]
    );
    let ended = AtomicBool::new(false);
    let workspace = &carried.world.workspace;
    thread::scope(|scope| {
        for writer in 0..20 {
            let (cluster, database, ended) = (&workspace.cluster, &workspace.database, &ended);
            scope.spawn(move || {
                let row = 301 + writer;
                // The trigger writes a row of the log for each.
                let update = format!(
                    "SET lock_timeout = '20s'; UPDATE shop.orders SET total = total + 1 WHERE id = {row}"
                );
                while !ended.load(Ordering::Relaxed) {
                    cluster.query(SUPERUSER, database, &update).expect("it writes");
                }
            });
        }
        carried.carry_out(MIGRATION);
        let answer =
            carried
                .world
                .drygate(&["recheck", &carried.run, "--after", "--headless", "--json"]);
        ended.store(true, Ordering::Relaxed);
        let document = answer.expect(0).json();
        assert_eq!(document["carried_out"], "came_true", "{document}");
        assert_eq!(document["change_after"]["rows"]["schema"], "as_rehearsed");
        let of = |table: &str, counted: &str| {
            let counts = counts(&document, table);
            let of = counts.iter().find(|(name, _)| name == counted);
            of.map_or(0, |(_, rows)| *rows)
        };
        assert_eq!(of("shop.orders", "as_rehearsed"), 300);
        assert_eq!(of("shop.order_log", "as_rehearsed"), 300);
        assert_eq!(of("shop.customer", "as_rehearsed"), 2);
        assert!(of("shop.orders", "others_changed") > 0, "{document}");
        assert!(of("shop.order_log", "others_inserted") > 0, "{document}");
        assert_eq!(of("shop.tally", "as_rehearsed"), 2);
        for table in [
            "shop.orders",
            "shop.order_log",
            "shop.visit",
            "shop.customer",
            "shop.tally",
        ] {
            for other in ["not_done", "otherwise", "inserted", "changed", "deleted"] {
                assert_eq!(of(table, other), 0, "{table} {other}: {document}");
            }
        }
    });
    carried.outcomes(&["not_carried_out", "came_true"]);
    let seen = carried.world.drygate(&["replay", &carried.run]).expect(0);
    assert!(
        seen.stdout.contains("afterwards: came true, seen "),
        "{}",
        seen.stdout
    );
    let over = carried.world.drygate(&["resume", &carried.run]).expect(0);
    let says = format!("{}{}", over.stdout, over.stderr);
    assert!(says.contains("afterwards: came true, seen "), "{says}");
    assert!(!says.contains("drygate guard"), "{says}");
}

#[test]
fn each_row_that_is_not_as_rehearsed_is_named_with_both_values() {
    let carried = Carried::approved();
    // Row 7 is skipped and row 301 done in its place: the counts are those that were approved. Row 8 is done otherwise. An order is
    // inserted, a visit that stays is deleted, and one that goes is kept.
    let otherwise = MIGRATION
        .replace("WHERE id <= 300", "WHERE id <= 301 AND id <> 7")
        .replace("DELETE FROM shop.visit WHERE id < 366",
          "UPDATE shop.orders SET region = 'US' WHERE id = 8;
           INSERT INTO shop.orders VALUES (100001, 1, 5, NULL);
           DELETE FROM shop.visit WHERE id < 366 AND id <> 5; DELETE FROM shop.visit WHERE id = 400");
    carried.carry_out(&otherwise);
    let document = carried.recheck(2);
    assert_eq!(document["carried_out"], "did_not_come_true", "{document}");
    assert_eq!(document["change_after"]["rows"]["schema"], "as_rehearsed");
    assert_eq!(
        named(&document, "shop.orders"),
        [
            "id=100001 inserted id (none) 100001 region (none) (none)",
            "id=301 changed region (none) EU",
            "id=7 not_done region EU (none)",
            "id=8 otherwise region EU US",
        ]
    );
    assert_eq!(
        named(&document, "shop.visit"),
        [
            "id=400, day=2025-02-04 deleted",
            "id=5, day=2024-01-06 not_done"
        ]
    );
    // As many rows of the log as rehearsed for other orders: one is missing, and two are beside.
    let log = counts(&document, "shop.order_log");
    assert!(log.contains(&("not_done".to_owned(), 1)), "{log:?}");
    carried.outcomes(&["did_not_come_true"]);
    // What is told in words names the rows too.
    let words = carried
        .world
        .drygate(&["recheck", &carried.run, "--after", "--headless"])
        .expect(2)
        .stdout;
    assert!(
        words.contains("id=8 done otherwise: region rehearsed EU, now US"),
        "{words}"
    );
    carried.world.drygate(&["verify", &carried.run]).expect(0);
}

#[test]
fn an_insert_of_another_transaction_is_named_and_between_those_of_the_change_nobody_can_tell() {
    let carried = Carried::approved();
    let workspace = &carried.world.workspace;
    let extra = |id: u32| format!("INSERT INTO shop.customer VALUES ({id}, 'DE');");
    workspace.sql(&extra(200_000));
    carried.carry_out(MIGRATION);
    workspace.sql(&extra(200_001));
    let document = carried.recheck(0);
    assert_eq!(
        named(&document, "shop.customer"),
        [200_000, 200_001]
            .map(|id| format!("id={id} others_inserted id (none) {id} country (none) DE"))
    );
    // Each statement is a transaction of its own, and one of them is another's, or was put into the script.
    let carried = Carried::approved();
    let workspace = &carried.world.workspace;
    workspace.sql(&extra(200_000));
    for (nth, statement) in MIGRATION.split_inclusive(";\n").enumerate() {
        if nth == 2 {
            workspace.sql(&extra(200_001));
        }
        let cluster = &workspace.cluster;
        let done = cluster.query("shop_owner", &workspace.database, statement);
        done.expect("it is carried out");
    }
    let document = carried.recheck(11);
    assert_eq!(document["carried_out"], Value::Null, "{document}");
    assert_eq!(
        named(&document, "shop.customer"),
        [
            "id=200000 others_inserted id (none) 200000 country (none) DE",
            "id=200001 unattributed id (none) 200001 country (none) DE"
        ]
    );
}

/// More rows than a change may write, and more than lie in memory anywhere.
const STOCK: &str = "CREATE TABLE shop.stock (id integer PRIMARY KEY, amount integer NOT NULL);
ALTER TABLE shop.stock OWNER TO shop_owner;
GRANT SELECT ON shop.stock TO context_pack_readonly;
INSERT INTO shop.stock SELECT n, n % 97 FROM generate_series(1, 300000) AS n;";

#[test]
fn of_300_000_rows_each_one_that_the_change_left_alone_is_followed_too() {
    let carried = Carried::of(
        STOCK,
        "UPDATE shop.stock SET amount = amount + 1 WHERE id <= 300;\n",
    );
    carried.carry_out("UPDATE shop.stock SET amount = amount + 1 WHERE id <= 300;");
    carried.world.workspace.sql("UPDATE shop.stock SET amount = 0 WHERE id = 299999; INSERT INTO shop.stock VALUES (300001, 5)");
    let document = carried.recheck(0);
    assert_eq!(
        counts(&document, "shop.stock"),
        [
            ("as_rehearsed".to_owned(), 300),
            ("others_changed".to_owned(), 1),
            ("others_inserted".to_owned(), 1)
        ]
    );
    carried
        .world
        .workspace
        .sql("DELETE FROM shop.stock WHERE id = 150000");
    let document = carried.recheck(2);
    let named = named(&document, "shop.stock");
    assert!(named.contains(&"id=150000 deleted".to_owned()), "{named:?}");
    carried.world.drygate(&["verify", &carried.run]).expect(0);
    carried.outcomes(&["came_true", "did_not_come_true"]);
}

#[test]
fn who_writes_a_row_of_the_change_again_is_not_taken_for_the_change() {
    let carried = Carried::approved();
    let workspace = &carried.world.workspace;
    carried.carry_out(MIGRATION);
    let as_other = |script: &str| {
        let script = format!("BEGIN; {script}; COMMIT");
        let cluster = &workspace.cluster;
        cluster
            .query(SUPERUSER, &workspace.database, &script)
            .expect("it writes");
    };
    // A row of the change with the values that it has, and others: the trigger writes a row of the log that is like one of the change.
    as_other(
        "UPDATE shop.orders SET region = region WHERE id = 5;
         UPDATE shop.orders SET total = total + 1 WHERE id IN (400, 401); INSERT INTO shop.customer VALUES (200000, 'DE')",
    );
    let document = carried.recheck(0);
    assert_eq!(
        counts(&document, "shop.orders"),
        [
            ("as_rehearsed".to_owned(), 300),
            ("others_changed".to_owned(), 2)
        ]
    );
    assert_eq!(
        counts(&document, "shop.order_log"),
        [
            ("as_rehearsed".to_owned(), 300),
            ("others_inserted".to_owned(), 3)
        ]
    );
    assert_eq!(
        counts(&document, "shop.customer"),
        [
            ("as_rehearsed".to_owned(), 2),
            ("others_inserted".to_owned(), 1)
        ]
    );
    // All that the change wrote in a table: a part of it, or another one that came later?
    as_other(
        "UPDATE shop.customer SET country = country WHERE id IN (100001, 100002); INSERT INTO shop.customer VALUES (200001, 'DE')",
    );
    let document = carried.recheck(11);
    assert_eq!(document["carried_out"], Value::Null, "{document}");
    assert_eq!(
        named(&document, "shop.customer"),
        [
            "id=200000 unattributed id (none) 200000 country (none) DE",
            "id=200001 unattributed id (none) 200001 country (none) DE"
        ]
    );
    carried.outcomes(&["came_true"]);
    // What the change itself wrote beside stays its own.
    let carried = Carried::approved();
    carried.carry_out(&format!(
        "{MIGRATION} UPDATE shop.orders SET total = 7 WHERE id = 500;"
    ));
    let workspace = &carried.world.workspace;
    workspace.sql("UPDATE shop.orders SET region = region WHERE id = 5");
    let document = carried.recheck(2);
    assert_eq!(
        counts(&document, "shop.orders"),
        [("as_rehearsed".to_owned(), 300), ("changed".to_owned(), 1)]
    );
}

/// Keys that a sequence or an identity gives, a generated column, no key, long values, partitions.
const ODD: &str = "CREATE TABLE shop.numbered (id serial PRIMARY KEY, note text);
CREATE TABLE shop.identified (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text, twice text GENERATED ALWAYS AS (note || note) STORED);
CREATE TABLE shop.keyless (note text, n integer);
CREATE TABLE shop.long (id integer PRIMARY KEY, body text);
CREATE TABLE shop.parted (id integer, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE shop.parted_1 PARTITION OF shop.parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE shop.parted_2 PARTITION OF shop.parted FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO shop.numbered (note) SELECT 'n' || n FROM generate_series(1, 5) AS n;
INSERT INTO shop.identified (note) SELECT 'n' || n FROM generate_series(1, 5) AS n;
INSERT INTO shop.keyless SELECT 'same', n % 2 FROM generate_series(1, 6) AS n;
INSERT INTO shop.long SELECT n, string_agg(md5(n::text || m), '') FROM generate_series(1, 4) AS n, generate_series(1, 6000) AS m GROUP BY n;
INSERT INTO shop.parted SELECT n, CASE WHEN n < 4 THEN '2024-05-05' ELSE '2025-05-05' END::date, 'n' FROM generate_series(1, 6) AS n;
DO $$DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['numbered', 'identified', 'keyless', 'long', 'parted', 'parted_1', 'parted_2'] LOOP
  EXECUTE format('ALTER TABLE shop.%I OWNER TO shop_owner', t); EXECUTE format('GRANT SELECT ON shop.%I TO context_pack_readonly', t);
END LOOP; END$$;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA shop TO context_pack_readonly;";

const ODD_CHANGE: &str = "INSERT INTO shop.numbered (note) VALUES ('new'), ('new'), ('newer');
INSERT INTO shop.identified (note) VALUES ('new');
UPDATE shop.identified SET note = 'changed' WHERE id = 2;
UPDATE shop.keyless SET n = 7 WHERE ctid = (SELECT min(ctid) FROM shop.keyless WHERE n = 1);
UPDATE shop.long SET body = body || 'end' WHERE id = 2;
UPDATE shop.parted SET day = '2025-06-06' WHERE id = 1;
UPDATE shop.parted SET note = 'changed' WHERE id IN (2, 5);
";

#[test]
fn odd_tables_come_true_and_what_others_make_of_them_is_theirs_or_named() {
    let carried = Carried::of(ODD, ODD_CHANGE);
    let as_other = |sql: &str| carried.world.workspace.sql(sql);
    let are = |document: &Value, table: &str, rows: &[(&str, u64)]| {
        let found = counts(document, table);
        let found: Vec<(&str, u64)> = found
            .iter()
            .map(|(it, rows)| (it.as_str(), *rows))
            .collect();
        assert_eq!(found, rows, "{table}: {document}");
    };
    // Sequences stand elsewhere, and others insert what looks alike, before and behind it.
    as_other("SELECT nextval('shop.numbered_id_seq') FROM generate_series(1, 40)");
    as_other("INSERT INTO shop.numbered (note) VALUES ('new')");
    as_other("INSERT INTO shop.identified (note) VALUES ('new')");
    carried.carry_out(ODD_CHANGE);
    as_other("INSERT INTO shop.numbered (note) VALUES ('new'), ('other')");
    as_other(
        "BEGIN; DELETE FROM shop.long WHERE id = 3; INSERT INTO shop.long VALUES (3, 'short'); COMMIT",
    );
    let document = carried.recheck(0);
    let others = [("as_rehearsed", 3), ("others_inserted", 3)];
    are(&document, "shop.numbered", &others);
    are(
        &document,
        "shop.identified",
        &[("as_rehearsed", 2), ("others_inserted", 1)],
    );
    // An update in a table without a key is a row less and a row more.
    are(&document, "shop.keyless", &[("as_rehearsed", 2)]);
    are(
        &document,
        "shop.long",
        &[("as_rehearsed", 1), ("others_changed", 1)],
    );
    are(&document, "shop.parted", &[("as_rehearsed", 4)]);
    // A part of the key is another one in another partition; a row of the change is gone.
    as_other(
        "UPDATE shop.parted SET day = '2024-07-07' WHERE id = 6; DELETE FROM shop.parted WHERE id = 5",
    );
    let document = carried.recheck(2);
    are(
        &document,
        "shop.parted",
        &[
            ("as_rehearsed", 3),
            ("deleted", 1),
            ("others_inserted", 1),
            ("otherwise", 1),
        ],
    );
    // Another name, another column, another key.
    as_other(
        "ALTER TABLE shop.long RENAME TO longer; ALTER TABLE shop.keyless ADD COLUMN more integer DEFAULT 5;
         ALTER TABLE shop.numbered DROP CONSTRAINT numbered_pkey; ALTER TABLE shop.numbered ADD PRIMARY KEY (id, note)",
    );
    let document = carried.recheck(2);
    assert_eq!(document["change_after"]["rows"]["schema"], "otherwise");
    are(&document, "shop.long", &[("deleted", 3), ("otherwise", 1)]);
    are(&document, "shop.keyless", &[("as_rehearsed", 2)]);
    are(&document, "shop.numbered", &others);
    carried.outcomes(&["came_true", "did_not_come_true", "did_not_come_true"]);
}

/// Leads the first connection to one server, and once that has ended those that follow to another one.
fn lead(directory: &Path, [first, later]: [PathBuf; 2]) {
    const SOCKET: &str = ".s.PGSQL.5432";
    let listener = UnixListener::bind(directory.join(SOCKET)).expect("a new socket");
    let lead = |client: UnixStream, server: &Path| {
        let server = UnixStream::connect(server.join(SOCKET)).expect("it listens");
        let pass = |mut from: UnixStream, mut to: UnixStream| {
            // It ends with either side.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        };
        let other = |one: &UnixStream| one.try_clone().expect("a second handle");
        let (answers, back) = (other(&server), other(&client));
        thread::spawn(move || pass(answers, back));
        thread::spawn(move || pass(client, server))
    };
    thread::spawn(move || {
        let mut clients = listener.incoming().flatten();
        let survey = clients.next().expect("a client");
        lead(survey, &first).join().expect("it ends");
        for client in clients {
            lead(client, &later);
        }
    });
}

#[test]
fn rows_of_another_server_than_the_survey_are_no_outcome_of_the_change() {
    let carried = Carried::approved();
    carried.carry_out(MIGRATION);
    let workspace = &carried.world.workspace;
    // A copied cluster would have the same identifier.
    let other = own_cluster(&ClusterOptions {
        origin: ClusterOrigin::Made,
        ..ClusterOptions::default()
    });
    let loaded = other.load_scenario(&workspace.database, Scenario::Change);
    loaded.expect("it loads");
    for sql in [TALLY, MIGRATION] {
        other
            .query(SUPERUSER, &workspace.database, sql)
            .expect("it is the same");
    }
    let place = tempfile::tempdir().expect("a directory");
    let servers = [workspace.cluster.socket_dir(), other.socket_dir()];
    lead(place.path(), servers.map(Path::to_owned));
    let url = workspace.url().replace(
        &workspace.cluster.socket_dir().display().to_string(),
        &place.path().display().to_string(),
    );
    let answer = carried.world.drygate(&[
        "recheck",
        &carried.run,
        "--after",
        "--headless",
        "--json",
        "--database-url",
        &url,
    ]);
    let document = answer.expect(2).json();
    let message = text(&document["message"]);
    assert!(
        message.starts_with("another server: system_identifier"),
        "{message}"
    );
    assert_eq!(document["carried_out"], Value::Null);
    carried.outcomes(&[]);
}
