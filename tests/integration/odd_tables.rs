//! Tables of kinds that a reading role or a copy can stumble over. Invariant: the printed role is enough for a rehearsal once its
//! comments are taken, and the effect on each of these tables is counted.

use drygate::postgres::throwaway::Scenario;

use super::rehearsal::world::counts;
use super::support::ground::Ground;

const TABLES: &str = r#"
CREATE ROLE odd_owner LOGIN;
CREATE SCHEMA "Lager ü.1" AUTHORIZATION odd_owner;
SET ROLE odd_owner;
SET search_path = "Lager ü.1";
CREATE TABLE nothing ();
CREATE TABLE derived (one int GENERATED ALWAYS AS (1) STORED);
CREATE TABLE parts (id int, kind text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE "Parts B" PARTITION OF parts FOR VALUES IN ('b') PARTITION BY RANGE (id);
CREATE TABLE parts_b_1 PARTITION OF "Parts B" FOR VALUES FROM (0) TO (100);
CREATE TABLE above (id int PRIMARY KEY);
CREATE TABLE below (more int, PRIMARY KEY (id)) INHERITS (above);
CREATE TABLE owned (id int PRIMARY KEY);
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
CREATE TABLE "a'b" ("c""d" int PRIMARY KEY, "e\f" text, "{g}" text);
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO derived DEFAULT VALUES;
INSERT INTO parts VALUES (1, 'a'), (2, 'b'), (3, 'b');
INSERT INTO below VALUES (1, 1), (2, 2);
INSERT INTO "a'b" VALUES (1, 'x', 'y');
"#;

const CHANGE: &str = r#"
SET search_path = "Lager ü.1";
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO derived DEFAULT VALUES;
INSERT INTO parts VALUES (4, 'a');
DELETE FROM parts WHERE id = 3;
UPDATE above SET id = id + 10 WHERE id = 1;
UPDATE below SET more = 3 WHERE id = 2;
UPDATE "a'b" SET "{g}" = NULL;
"#;

#[test]
fn the_printed_role_can_rehearse_a_change_of_odd_tables() {
    let ground = Ground::new(Scenario::Draft);
    let made = ground.cluster.create_database("odd");
    made.expect("a new database");
    ground.cluster.load("odd", TABLES).expect("it loads");
    let url = |role: &str| ground.cluster.url(role, "odd");
    let (admin, reader) = (url("postgres"), url("odd_reader"));
    let home = ground.home();
    std::fs::create_dir_all(home.place()).expect("a directory");
    let path = |name: &str| home.place().join(name).display().to_string();
    let (profile, change) = (path("odd.toml"), path("odd.sql"));
    std::fs::write(&change, CHANGE).expect("a new file");
    let init = ["profile", "init", &profile, "--reader", "odd_reader"];
    let said = home.script(&[&init[..], &["--database-url", &admin]].concat());
    assert_eq!(said.code, 0, "{}", said.text);
    let named = ["--profile", &profile, "--database-url"];
    let said = home.script(&[&["doctor", "--sql"], &named[..], &[&admin]].concat());
    assert_eq!(said.code, 0, "{}", said.text);
    // Partitions of what the profile asks about are granted, what it leaves out is for whoever reads the text.
    for (comment, table) in [
        ("", "parts_a"),
        ("", "\"Parts B\""),
        ("", "parts_b_1"),
        ("-- ", "owned"),
    ] {
        let line = format!("{comment}GRANT SELECT ON \"Lager ü.1\".{table} TO \"odd_reader\";");
        assert!(
            said.text.lines().any(|it| it == line),
            "{line}: {}",
            said.text
        );
    }
    let rehearse = [
        "rehearse",
        "--json",
        "--change",
        &change,
        "--role",
        "odd_owner",
    ];
    let rehearse = [&rehearse[..], &named, &[&reader]].concat();
    ground.cluster.load("odd", &said.text).expect("it runs");
    let without = home.script(&rehearse);
    assert_eq!(without.code, 11, "{}", without.text);
    assert!(
        without.text.contains("may not read them: Lager"),
        "{}",
        without.text
    );
    let whole = said.text.replace("-- GRANT SELECT", "GRANT SELECT");
    ground.cluster.load("odd", &whole).expect("it runs");
    let said = home.script(&rehearse);
    assert_eq!(said.code, 0, "{}", said.text);
    let expected = [
        ("a'b", [0, 1, 0]),
        ("below", [1, 1, 1]),
        ("derived", [1, 0, 0]),
        ("nothing", [1, 0, 0]),
        ("parts", [1, 0, 1]),
    ];
    let expected = expected.map(|(name, counts)| (format!("Lager ü.1.{name}"), counts));
    assert_eq!(counts(&said.json), expected.into(), "{}", said.text);
}
