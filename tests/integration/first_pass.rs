//! What `profile init` writes runs to PASS as it is, on databases of many kinds.
//! Invariant: nothing of the written profile is edited (`to_pass`).

use drygate::postgres::throwaway::Scenario;

use crate::support::ground::{Ground, text};

/// The four tables of pgbench.
const PGBENCH: &str = "
CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84)) WITH (fillfactor = 100);
CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88));
CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84));
CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
INSERT INTO pgbench_accounts SELECT g, 1, 0, '' FROM generate_series(1, 1000) g;
INSERT INTO pgbench_branches VALUES (1, 0, '');
";

/// A music shop whose names all need quotes.
const QUOTED: &str = r#"
CREATE SCHEMA "Music Shop";
CREATE TABLE "Music Shop"."Artist" ("ArtistId" int PRIMARY KEY, "Name" varchar(120));
CREATE TABLE "Music Shop"."Album" ("AlbumId" int PRIMARY KEY, "select" varchar(160), "Artist Id" int REFERENCES "Music Shop"."Artist");
CREATE TABLE "Music Shop"."Invoice-Line" ("Line" serial PRIMARY KEY, "Unit Price" numeric(10, 2), "Größe" text);
CREATE TABLE "Music Shop"."quo""ted" (id int PRIMARY KEY);
INSERT INTO "Music Shop"."Artist" VALUES (1, 'AC/DC'), (2, 'Accept');
INSERT INTO "Music Shop"."Album" VALUES (1, 'For Those', 1);
"#;

/// Traders: small keys, bytes, reals, rows that refer to their own table.
const TRADERS: &str = "
CREATE TABLE employees (id smallint PRIMARY KEY, last_name varchar(20), photo bytea, boss smallint REFERENCES employees, born date);
CREATE TABLE order_details (order_id smallint, product_id smallint, price real, discount double precision, PRIMARY KEY (order_id, product_id));
CREATE TABLE us_states (id smallint, name varchar(100));
INSERT INTO employees VALUES (1, 'Fuller', '\\xdeadbeef', NULL, '1952-02-19'), (2, 'Davolio', NULL, 1, '1948-12-08');
INSERT INTO order_details VALUES (10248, 11, 14, 0), (10248, 42, 9.8, 'NaN');
";

/// Films: enum, domain, array, text search, trigger, partitions, view, materialized view, function.
const FILMS: &str = "
CREATE TYPE rating AS ENUM ('G', 'PG');
CREATE DOMAIN year AS int CHECK (VALUE >= 1901);
CREATE TABLE film (film_id serial PRIMARY KEY, title text NOT NULL, released year, rating rating DEFAULT 'G', features text[],
  fulltext tsvector, updated timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated := now(); RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON film FOR EACH ROW EXECUTE FUNCTION touched();
CREATE INDEX film_fulltext ON film USING gist (fulltext);
CREATE TABLE payment (payment_id int, amount numeric(5, 2), paid timestamptz, PRIMARY KEY (payment_id, paid)) PARTITION BY RANGE (paid);
CREATE TABLE payment_01 PARTITION OF payment FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE VIEW titles AS SELECT title FROM film;
CREATE MATERIALIZED VIEW by_rating AS SELECT rating, count(*) FROM film GROUP BY rating;
INSERT INTO film (title, released, features, fulltext) VALUES ('ACADEMY', 2006, '{Trailers,\"Deleted Scenes\"}', to_tsvector('academy'));
INSERT INTO payment VALUES (1, 4.99, '2026-01-15');
";

/// Types of extensions and of its own, row security, rows without a key, another's function behind a column.
const MIXED: &str = "
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE TABLE person (email citext PRIMARY KEY, tags hstore, address point, valid tstzrange, data jsonb);
CREATE TABLE secret (id int PRIMARY KEY, owner text);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE TABLE note (line text);
CREATE FUNCTION short(text) RETURNS boolean LANGUAGE sql AS 'SELECT length($1) < 10';
CREATE DOMAIN name AS text CHECK (short(VALUE));
CREATE TABLE named (id int PRIMARY KEY, name public.name);
INSERT INTO person VALUES ('A@b', 'a=>1', '(1,2)', '[2026-01-01,)', '{}');
";

/// 300 tables with odd names, whose names together are longer than the value of a fact may be.
const MANY: &str = "
DO $$ BEGIN
  FOR nth IN 1..300 LOOP
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, content text, %s)', 'T ' || nth || CASE nth % 3 WHEN 0 THEN '.x' WHEN 1 THEN '-é' ELSE '' END,
      (SELECT string_agg('a_rather_long_name_of_a_column_for_amounts_of_money_' || n || ' int', ', ') FROM generate_series(1, 5) n));
  END LOOP;
END $$;
";

const READER: &str = "
GRANT USAGE ON SCHEMA SCHEMA_NAME TO first_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA SCHEMA_NAME TO first_reader;
";

/// `profile init`, `profile check`, a run and both approvals in the repository; the profile as it was written.
fn to_pass(ground: &Ground, database: &str, schema: &str, sql: &str) -> String {
    let repository = ground.repository.path().display().to_string();
    to_pass_with(ground, database, schema, sql, &["--repo", &repository])
}

/// The same with these words behind each command.
fn to_pass_with(
    ground: &Ground,
    database: &str,
    schema: &str,
    sql: &str,
    words: &[&str],
) -> String {
    ground
        .cluster
        .create_database(database)
        .expect("a new database");
    let grants = READER.replace("SCHEMA_NAME", schema);
    let loaded = ground.cluster.load(database, &format!("{sql}{grants}"));
    loaded.expect("it loads");
    let url = ground.cluster.url("first_reader", database);
    let home = ground.home();
    std::fs::create_dir_all(home.place()).expect("a directory");
    let file = home.place().join(format!("{database}.toml"));
    let file = file.to_str().expect("UTF-8");
    let words = [&["--database-url", &url], words].concat();
    for command in ["init", "check"] {
        let said = home.script(&[&["profile", command, file], &words[..]].concat());
        assert_eq!(said.code, 0, "{database} {command}: {}", said.text);
    }
    let run = ["run", "--headless", "--json", "--profile", file];
    let mut said = home.script(&[&run[..], &words].concat());
    for gate in ["SG1", "SG2"] {
        assert_eq!(said.code, 3, "{database} {gate}: {}", said.text);
        let (run, digest) = (text(&said.json["run_id"]), text(&said.json["evidence"]));
        said = home.approve(&run, gate, &digest);
    }
    assert_eq!(said.code, 0, "{database}: {}", said.text);
    assert_eq!(said.json["result"], "MY_CHANGE_PASS", "{database}");
    let verified = home.script(&["verify", &text(&said.json["run_id"])]);
    assert_eq!(verified.code, 0, "{database}: {}", verified.text);
    std::fs::read_to_string(file).expect("it was written")
}

#[test]
fn a_written_profile_passes_as_it_is() {
    let ground = Ground::new(Scenario::Draft);
    ground.intrude("CREATE ROLE first_reader LOGIN");
    let profile = to_pass(&ground, "pgbench", "public", PGBENCH);
    assert!(
        profile.contains("table = \"pgbench_accounts\""),
        "{profile}"
    );
    let left_out = "# left out: public.pgbench_history: it has no unique key";
    assert!(profile.contains(left_out), "{profile}");
    let profile = to_pass(&ground, "quoted", "\"Music Shop\"", QUOTED);
    for part in [
        "table = \"Invoice-Line\"",
        "Größe",
        "# left out: Music Shop.quo\"ted: ",
    ] {
        assert!(profile.contains(part), "{part}: {profile}");
    }
    to_pass(&ground, "traders", "public", TRADERS);
    let profile = to_pass(&ground, "films", "public", FILMS);
    assert!(profile.contains("table = \"payment\""), "{profile}");
    let profile = to_pass(&ground, "mixed", "public", MIXED);
    for part in [
        "table = \"person\"",
        "# left out: public.secret: row security",
        "# left out: public.note: it has no unique key",
        "# left out: public.named: ",
    ] {
        assert!(profile.contains(part), "{part}: {profile}");
    }
    let profile = to_pass(&ground, "many", "public", MANY);
    assert_eq!(profile.matches("\n[[contents]]").count(), 300);
}

#[test]
fn where_there_is_no_repository_the_written_profile_leaves_that_out_and_one_that_asks_for_it_is_told()
 {
    let ground = Ground::new(Scenario::Draft);
    ground.intrude("CREATE ROLE first_reader LOGIN");
    let outside = tempfile::tempdir().expect("a directory");
    let outside = ["--repo", outside.path().to_str().expect("UTF-8")];
    let profile = to_pass_with(&ground, "pgbench", "public", PGBENCH, &outside);
    let (asking, left_out) = profile
        .split_once("\n[[out_of_scope]]\ncheck = \"repository_present\"")
        .expect("it is left out");
    assert!(
        left_out.contains("reason = \"no git repository\""),
        "{left_out}"
    );
    let home = ground.home();
    let file = home.place().join("asking.toml");
    std::fs::write(&file, asking).expect("a new file");
    let file = file.to_str().expect("UTF-8");
    let url = ground.cluster.url("first_reader", "pgbench");
    let check = ["profile", "check", file, "--database-url", &url];
    let said = home.script(&[&check[..], &outside].concat());
    assert_eq!(said.code, 11, "{}", said.text);
    assert!(said.text.contains("no git repository"), "{}", said.text);
    let unborn = home.place().join("unborn");
    let made = std::process::Command::new("git")
        .args(["init", "-q"])
        .arg(&unborn)
        .status();
    assert!(made.expect("git").success());
    let unborn = unborn.to_str().expect("UTF-8");
    let said = home.script(&[&check[..], &["--repo", unborn]].concat());
    assert_eq!(said.code, 11, "{}", said.text);
    for part in ["has no commit yet", "git commit"] {
        assert!(said.text.contains(part), "{part}: {}", said.text);
    }
    let born = ground.repository.path().display().to_string();
    let said = home.script(&[&check[..], &["--repo", &born]].concat());
    assert_eq!(said.code, 0, "{}", said.text);
}

#[test]
fn where_nothing_can_be_read_it_says_what_to_grant() {
    let ground = Ground::new(Scenario::Draft);
    ground.intrude("CREATE ROLE nobody_reader LOGIN");
    ground
        .cluster
        .create_database("empty")
        .expect("a new database");
    let url = ground.cluster.url("nobody_reader", "empty");
    let home = ground.home();
    std::fs::create_dir_all(home.place()).expect("a directory");
    let file = home.place().join("empty.toml");
    let file = file.to_str().expect("UTF-8");
    let said = home.script(&["profile", "init", file, "--database-url", &url]);
    assert_eq!(said.code, 9, "{}", said.text);
    for part in ["nobody_reader can read no table", "GRANT SELECT ON"] {
        assert!(said.text.contains(part), "{part}: {}", said.text);
    }
    assert!(!std::path::Path::new(file).exists());
}
