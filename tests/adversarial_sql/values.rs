//! What a content digest tells apart, and what it does not depend on. Invariant: equal if and only if the rows are.

use std::collections::BTreeMap;

use drygate::postgres::throwaway::Cluster;
use drygate::profile::{ContentSpec, Profile};
use drygate::survey::Survey;

use super::support::{DATABASE, FULL, READER, Version, load, profile, say, survey_url, versions};

/// Types and values that all differ: each is a table of its own, with one row.
const VALUES: [(&str, &str); 48] = [
    ("text", "NULL"),
    ("text", "'null'"),
    ("text", "'NULL'"),
    ("text", "''"),
    ("text", "'~'"),
    ("text", "'(hidden)'"),
    ("text", "'a'"),
    ("text", "'A'"),
    ("text", "'a '"),
    ("text", "E'a\\n'"),
    ("text", "E'a\\r\\n'"),
    ("text", "U&'\\00E9'"),
    ("text", "U&'e\\0301'"),
    ("text", "U&'a\\200B'"),
    ("varchar", "'a'"),
    ("varchar(10)", "'a'"),
    ("varchar(11)", "'a'"),
    ("char(3)", "'a'"),
    ("char(4)", "'a'"),
    ("name", "'a'"),
    ("jsonb", "NULL"),
    ("jsonb", "'null'"),
    ("json", "'null'"),
    ("jsonb", "'\"null\"'"),
    ("integer[]", "'{1,2}'"),
    ("integer[]", "'[0:1]={1,2}'"),
    ("integer[]", "'{{1,2}}'"),
    ("integer[]", "'{}'"),
    ("integer[]", "NULL"),
    ("text[]", "ARRAY[NULL]::text[]"),
    ("text[]", "ARRAY['NULL']"),
    ("numeric", "1.0"),
    ("numeric", "1.00"),
    ("numeric(10,2)", "1.00"),
    ("float8", "'-0'"),
    ("float8", "0"),
    ("float8", "0.1::float8 + 0.2"),
    ("float8", "0.3"),
    ("float4", "0"),
    ("public.pair", "NULL"),
    ("public.pair", "ROW(NULL, NULL)"),
    ("public.pair", "ROW('', '')"),
    ("timestamp", "'2026-01-02 03:04:05'"),
    ("timestamptz", "'2026-01-02 03:04:05Z'"),
    ("interval", "'1 mon'"),
    ("interval", "'30 days'"),
    ("public.mood", "'a'"),
    ("public.plain_text", "'a'"),
];

/// Values whose text depends on settings, on the encoding or on the locale of a database.
const SHOWN: &str = "CREATE TABLE public.shown (id text, at timestamptz, d date, i interval, f float8, m money, b bytea, r regclass, t text, a text[]);
INSERT INTO public.shown VALUES ('é', '2026-01-02 03:04:05Z', '2026-01-02', '1 year 2 days', 0.1, '1234.5', '\\x00ff', 'public.shown', 'œé', ARRAY[NULL, 'é b']),
  ('a', NULL, NULL, '-1 mon 2 days', 1e300, '-1', '', 'pg_catalog.pg_class', NULL, '{}'), ('B', NULL, NULL, NULL, 'NaN', NULL, NULL, NULL, '', NULL);
GRANT USAGE ON SCHEMA public TO context_pack_readonly;
GRANT SELECT ON public.shown TO context_pack_readonly";

/// Everything that decides how a value is written, set otherwise for the role.
const SETTINGS: [(&str, &str); 12] = [
    ("DateStyle", "'SQL, DMY'"),
    ("IntervalStyle", "postgres_verbose"),
    ("TimeZone", "'Asia/Tokyo'"),
    ("extra_float_digits", "-10"),
    ("bytea_output", "escape"),
    ("quote_all_identifiers", "on"),
    ("search_path", "public"),
    ("array_nulls", "off"),
    ("xmloption", "document"),
    ("xmlbinary", "hex"),
    ("transform_null_equals", "on"),
    ("client_encoding", "LATIN1"),
];

fn content(key: &str, columns: &[&str]) -> ContentSpec {
    ContentSpec {
        key: key.to_owned(),
        schema: "public".to_owned(),
        table: key.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        row_key: vec![columns[0].to_owned()],
        hide: Vec::new(),
    }
}

fn with_contents(contents: Vec<ContentSpec>) -> Profile {
    Profile {
        contents,
        ..profile()
    }
}

fn survey_of(cluster: &Cluster, database: &str, profile: Profile) -> Survey {
    let (taken, _) = survey_url(&cluster.url(READER, database), profile, FULL);
    taken.expect("a survey").survey
}

fn value(survey: &Survey, key: &str) -> String {
    let fact = survey.fact(key).expect("a fact of this key");
    let known = fact.observed.value();
    known
        .unwrap_or_else(|| panic!("{key}: {:?}", fact.observed))
        .to_owned()
}

fn all_values_differ(version: &Version, cluster: &Cluster) {
    let mut sql =
        "CREATE TYPE public.pair AS (one text, two text); CREATE TYPE public.mood AS ENUM ('a');
        CREATE DOMAIN public.plain_text AS text;"
            .to_owned();
    for (nth, (type_name, value)) in VALUES.iter().enumerate() {
        let table = format!("public.v{nth}");
        let made = [
            "CREATE TABLE ",
            &table,
            " (id integer, v ",
            type_name,
            "); INSERT INTO ",
            &table,
            " VALUES (1, ",
            value,
            ");",
        ];
        sql.extend(made);
    }
    sql += "CREATE TABLE public.twice AS SELECT * FROM public.v0 UNION ALL SELECT * FROM public.v0;
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO context_pack_readonly";
    load(cluster, &sql);
    let keys: Vec<String> = (0..VALUES.len()).map(|nth| format!("v{nth}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).chain(["twice"]).collect();
    let specs = keys.iter().map(|key| content(key, &["id", "v"])).collect();
    let found = survey_of(cluster, DATABASE, with_contents(specs));
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for key in &keys {
        if let Some(other) = known.insert(value(&found, key), key) {
            let nth = |key: &str| key[1..].parse::<usize>().map(|nth| VALUES[nth]);
            panic!(
                "PostgreSQL {}: {:?} and {:?} are told apart by nothing",
                version.name,
                nth(other),
                nth(key)
            );
        }
    }
}

fn no_setting_changes_a_value(version: &Version, cluster: &Cluster) {
    let columns = ["id", "at", "d", "i", "f", "m", "b", "r", "t", "a"];
    let profile = || with_contents(vec![content("shown", &columns)]);
    load(cluster, SHOWN);
    let plain = value(&survey_of(cluster, DATABASE, profile()), "shown");
    let make =
        "CREATE DATABASE latin ENCODING 'LATIN9' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    load(cluster, make);
    cluster.load("latin", SHOWN).expect("the same rows");
    for (name, value) in SETTINGS {
        load(
            cluster,
            &format!("ALTER ROLE context_pack_readonly SET {name} TO {value}"),
        );
        load(cluster, &format!("ALTER DATABASE kb SET {name} TO {value}"));
    }
    let money = "ALTER ROLE context_pack_readonly SET lc_monetary TO ";
    let locales = ["en_US.utf8", "en_US.UTF-8", "de_DE.utf8", "en_GB.utf8"];
    let set = locales.iter().any(|locale| {
        cluster
            .load(DATABASE, &format!("{money}'{locale}'"))
            .is_ok()
    });
    if !set {
        say(&format!(
            "PostgreSQL {}: NOT CHECKED: money under another locale, which is not here",
            version.name
        ));
    }
    for database in [DATABASE, "latin"] {
        let found = value(&survey_of(cluster, database, profile()), "shown");
        assert_eq!(found, plain, "PostgreSQL {}: {database}", version.name);
    }
    load(
        cluster,
        "UPDATE public.shown SET f = f + 1e-16 WHERE id = 'é'",
    );
    let moved = value(&survey_of(cluster, DATABASE, profile()), "shown");
    assert_ne!(moved, plain);
}

#[test]
fn a_content_digest_is_equal_if_and_only_if_the_rows_are() {
    for version in versions() {
        let cluster = version.cluster();
        all_values_differ(&version, &cluster);
        no_setting_changes_a_value(&version, &cluster);
        say(&format!(
            "PostgreSQL {}: {} types and values are told apart, {} settings and another encoding change none",
            version.name,
            VALUES.len() + 1,
            SETTINGS.len()
        ));
    }
}
