//! Planted changes. Invariant: the rehearsed effect is the one that a full comparison of all rows finds.

use rstest::rstest;

use super::world::{World, check, counts, table};

#[rstest]
#[case::trigger("UPDATE shop.orders SET region = 'EU' WHERE id <= 7")]
#[case::cascade("DELETE FROM shop.customer WHERE id <= 3")]
#[case::sequence("INSERT INTO shop.customer (name, mail) VALUES ('new', 'new@example.org')")]
#[case::upsert(
    "INSERT INTO shop.customer (name, mail) VALUES ('a', '1@example.org'), ('b', 'b@example.org')
     ON CONFLICT (mail) DO UPDATE SET name = excluded.name"
)]
#[case::truncate("TRUNCATE shop.visit; INSERT INTO shop.visit VALUES ('2026-05-05', 'only')")]
#[case::type_rewrite(
    "ALTER TABLE shop.spare ALTER COLUMN id TYPE bigint, ALTER COLUMN name TYPE varchar(9) USING upper(name)"
)]
#[case::partition_move(
    "UPDATE shop.measure SET day = '2026-07-07' WHERE day < '2026-01-01' AND id <= 3"
)]
#[case::no_key(
    "UPDATE shop.visit SET page = 'moved' WHERE page = 'p1'; DELETE FROM shop.visit WHERE page = 'p2'"
)]
#[case::deferred_constraint(
    "SET CONSTRAINTS ALL DEFERRED; INSERT INTO shop.orders (customer, amount) VALUES (77, 1);
     INSERT INTO shop.customer (id, name, mail) VALUES (77, 'late', 'late@example.org')"
)]
#[case::set_role("SET ROLE shop_clerk; DELETE FROM shop.spare WHERE id = 1; RESET ROLE")]
#[case::drop_and_add(
    "ALTER TABLE shop.spare DROP COLUMN name; ALTER TABLE shop.spare ADD COLUMN name text NOT NULL DEFAULT 's1'"
)]
#[case::added_column(
    "ALTER TABLE shop.orders ADD COLUMN country text; UPDATE shop.orders SET country = 'VN' WHERE id <= 4"
)]
#[case::swap_by_rename(
    "ALTER TABLE shop.spare RENAME TO spare_2; ALTER TABLE shop.quiet RENAME TO spare; ALTER TABLE shop.spare_2 RENAME TO quiet"
)]
#[case::attach_and_detach(
    "ALTER TABLE shop.measure DETACH PARTITION shop.measure_2025;
     ALTER TABLE shop.measure ATTACH PARTITION shop.measure_old FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"
)]
#[case::inherited(
    "UPDATE shop.party SET name = upper(name) WHERE id IN (2, 3, 12); UPDATE shop.company SET seat = 'new' WHERE id > 12"
)]
#[case::enum_rename("ALTER TYPE shop.status RENAME VALUE 'open' TO 'fresh'")]
#[case::timestamptz(
    "SET TimeZone = 'Asia/Ho_Chi_Minh'; DROP VIEW shop.big; ALTER TABLE shop.orders ALTER COLUMN placed TYPE timestamptz"
)]
#[case::new_table(
    "CREATE TABLE shop.fresh AS SELECT id, name FROM shop.spare; DROP TABLE shop.quiet"
)]
fn the_rehearsed_effect_is_that_of_a_full_compare(#[case] script: &str) {
    let world = World::shared();
    let found = world.rehearse(script).expect(0).json();
    assert_eq!(
        counts(&found),
        world.full_compare(script),
        "{script}\n{found:#}"
    );
    assert_eq!(found["verdict"], "PASS");
}

#[test]
fn rows_that_are_written_with_the_values_that_they_had_are_named_and_no_update() {
    let world = World::shared();
    let found = world
        .rehearse("UPDATE shop.spare SET name = name WHERE id <= 4")
        .expect(0)
        .json();
    assert!(counts(&found).is_empty(), "{found:#}");
    assert_eq!(table(&found, "shop.spare")["touched"]["value"], 4);
    let widened = "ALTER TABLE shop.spare ADD COLUMN more int; UPDATE shop.spare SET name = name WHERE id <= 3";
    let found = world.rehearse(widened).expect(0).json();
    assert_eq!(
        table(&found, "shop.spare")["touched"]["value"],
        3,
        "no file was written anew"
    );
}

#[test]
fn a_change_that_fails_half_way_leaves_what_it_committed_and_names_its_statement() {
    let world = World::shared();
    let script = "DELETE FROM shop.spare WHERE id = 1;\nCOMMIT;\nDELETE FROM shop.spare WHERE id = 2;\nSELECT 1/0 AS broken;\n";
    let found = world.rehearse(script).expect(9).json();
    assert_eq!(counts(&found), world.full_compare(script), "{found:#}");
    let end = &found["rehearsed"]["script"];
    assert_eq!(end["statement"], "SELECT 1/0 AS broken;");
    let error = end["error"].as_str().expect("an error");
    assert!(error.contains("sql:4: ERROR:  division by zero"), "{error}");
    assert_eq!(check(&found, "change")["verdict"], "FAIL");
}

#[test]
fn an_error_shows_no_value_of_a_row() {
    let world = World::shared();
    let script =
        "INSERT INTO shop.customer (name, mail) SELECT name, mail FROM shop.customer WHERE id = 13";
    let answer = world.rehearse(script).expect(9);
    assert!(answer.stdout.contains("duplicate key value"), "{answer:?}");
    assert!(!answer.stdout.contains("13@example.org"), "{answer:?}");
}

#[test]
fn volatile_columns_are_named_and_rows_chosen_by_chance_are_not_reproducible() {
    let world = World::shared();
    let found = world
        .rehearse("UPDATE shop.orders SET region = 'EU' WHERE id <= 7")
        .expect(0)
        .json();
    let log = table(&found, "shop.order_log");
    assert_eq!(log["inserted"]["value"], 7);
    assert_eq!(log["volatile"], serde_json::json!(["id", "at"]), "{log:#}");
    assert_eq!(
        table(&found, "shop.orders")["volatile"],
        serde_json::json!([])
    );
    assert_eq!(
        table(&found, "shop.orders")["columns"],
        serde_json::json!(["region"])
    );

    let chance = "UPDATE shop.orders SET region = 'X' WHERE id IN (SELECT id FROM shop.orders ORDER BY random() LIMIT 50)";
    let found = world.rehearse(chance).expect(9).json();
    let reproducible = check(&found, "reproducible");
    assert_eq!(reproducible["verdict"], "FAIL");
    let says = reproducible["says"].as_str().expect("a sentence");
    assert!(says.starts_with("NOT REPRODUCIBLE: "), "{says}");
}

#[test]
fn an_effect_has_the_same_digest_twice_and_another_one_for_another_effect() {
    let world = World::shared();
    let digest = |script: &str| {
        let found = world.rehearse(script).expect(0).json();
        found["rehearsed"]["effect_sha256"]
            .as_str()
            .expect("a digest")
            .to_owned()
    };
    let insert = "INSERT INTO shop.customer (name, mail) VALUES ('new', 'new@example.org')";
    let once = digest(insert);
    assert_ne!(once, digest(&insert.replace("'new',", "'old',")));
}

#[test]
fn an_event_trigger_of_production_sees_the_change_and_not_how_its_effect_is_read() {
    let world = World::new();
    let watched = "CREATE TABLE shop.defined (at serial PRIMARY KEY, tag text);
         GRANT SELECT ON shop.defined, shop.defined_at_seq TO shop_reader;
         CREATE FUNCTION shop.note_tag() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS
           'BEGIN INSERT INTO shop.defined (tag) VALUES (tg_tag); END';
         CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION shop.note_tag()";
    for database in ["shop", "shop_copy"] {
        world.cluster.load(database, watched).expect("a superuser");
    }
    let script = "CREATE TABLE shop.fresh (id int); UPDATE shop.spare SET name = 'x' WHERE id = 1";
    let found = world.rehearse(script).expect(0).json();
    assert_eq!(counts(&found), world.full_compare(script), "{found:#}");
}

#[test]
fn a_sequence_that_may_not_be_read_is_derived_and_said() {
    let world = World::new();
    world.sql("REVOKE ALL ON SEQUENCE shop.customer_id_seq FROM shop_reader");
    let script = "INSERT INTO shop.customer (name, mail) VALUES ('new', 'new@example.org')";
    let found = world.rehearse(script).expect(11).json();
    assert_eq!(
        table(&found, "shop.customer")["inserted"]["value"],
        1,
        "no collision with id 1"
    );
    let says = check(&found, "rows")["says"]
        .as_str()
        .expect("a sentence")
        .to_owned();
    assert!(says.contains("shop.customer_id_seq"), "{says}");
    world
        .rehearse("DELETE FROM shop.spare WHERE id = 1")
        .expect(0);
}

#[test]
fn a_table_that_may_not_be_read_whole_is_not_checked() {
    let world = World::new();
    world.sql("ALTER TABLE shop.spare ENABLE ROW LEVEL SECURITY");
    let found = world.rehearse("DELETE FROM shop.spare").expect(11).json();
    let says = check(&found, "rows")["says"]
        .as_str()
        .expect("a sentence")
        .to_owned();
    assert!(
        says.contains("shop.spare: its rows are not read: row security"),
        "{says}"
    );
    world.sql("REVOKE SELECT ON shop.quiet FROM shop_reader");
    let found = world
        .rehearse("DELETE FROM shop.order_log")
        .expect(11)
        .json();
    let says = check(&found, "schema")["says"]
        .as_str()
        .expect("a sentence")
        .to_owned();
    assert!(says.contains("shop.quiet"), "{says}");
}
