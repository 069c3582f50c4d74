//! Content digests of tables that are too long for one statement. Invariant: whatever way the rows lie in, every row is in exactly one part.

use std::fs;

use drygate::postgres::throwaway::Cluster;
use drygate::profile::{ContentSpec, Profile};
use drygate::runner::target::Target as _;
use drygate::survey::{Observed, Survey};

use super::progress::Freeing;
use super::support::{
    DATABASE, FULL, READER, Version, block_on, discoverer, load, one, patient_profile, say,
    versions,
};

const ROWS: u64 = 300_000;

/// The same rows as a table that was written to since, in partitions, in children, in another order, behind a view, and behind views
/// that have a column named like the address of a row.
const COPIES: &str = "
CREATE TABLE public.plain (id bigint, note text);
INSERT INTO public.plain SELECT g, CASE WHEN g % 7 = 0 THEN NULL WHEN g % 7 = 1 THEN '' ELSE repeat('é', (g % 50)::int) END
  FROM generate_series(1, 300000) AS g;
UPDATE public.plain SET note = note WHERE id % 9 = 0;
CREATE TABLE public.parted (id bigint, note text) PARTITION BY RANGE (id);
CREATE TABLE public.parted_low PARTITION OF public.parted FOR VALUES FROM (1) TO (1000);
CREATE TABLE public.parted_high PARTITION OF public.parted FOR VALUES FROM (1000) TO (1000000);
INSERT INTO public.parted SELECT * FROM public.plain ORDER BY id DESC;
CREATE TABLE public.parent (id bigint, note text);
CREATE TABLE public.child () INHERITS (public.parent);
INSERT INTO public.parent SELECT * FROM public.plain WHERE id <= 10;
INSERT INTO public.child SELECT * FROM public.plain WHERE id > 10;
CREATE VIEW public.seen AS SELECT * FROM public.plain;
CREATE VIEW public.hiding AS SELECT p.id, p.note, CASE WHEN p.id <> 77 THEN p.ctid END AS ctid FROM public.plain AS p;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO context_pack_readonly";

fn long_tables() -> Profile {
    let mut profile = patient_profile();
    let tables = ["plain", "parted", "parent", "seen", "hiding"];
    let specs = tables.map(|table| ContentSpec {
        key: table.to_owned(),
        table: table.to_owned(),
        columns: vec!["id".to_owned(), "note".to_owned()],
        row_key: vec!["id".to_owned()],
        ..profile.contents[0].clone()
    });
    profile.contents.extend(specs);
    profile
}

/// The digest of the whole table by one statement of a superuser.
fn expected(cluster: &Cluster) -> String {
    let hex = one(
        cluster,
        "SELECT encode(sha256(convert_to('24:2:id6:bigint4:note4:text', 'UTF8') || string_agg(row, '' ORDER BY row)), 'hex')
           FROM (SELECT sha256(convert_to(octet_length(id::text) || ':' || id || coalesce(octet_length(note) || ':' || note, '~'), 'UTF8')) AS row
                   FROM public.plain) AS r",
    );
    format!("v2:{hex}")
}

fn survey(cluster: &Cluster) -> (Survey, Freeing) {
    let mut witness = Freeing::nothing();
    let mut discoverer = discoverer(&cluster.url(READER, DATABASE), long_tables());
    let taken = block_on(discoverer.take(FULL, &mut witness)).expect("a survey");
    (taken.survey, witness)
}

fn value<'a>(survey: &'a Survey, key: &str) -> &'a Observed {
    &survey.fact(key).expect("a fact of this key").observed
}

fn every_row_is_in_one_part(version: &Version) {
    let cluster = version.cluster();
    load(&cluster, COPIES);
    let logged = fs::read_to_string(cluster.log_path()).expect("a log").len();
    let (before, witness) = survey(&cluster);
    let whole = expected(&cluster);
    for key in ["plain", "parted", "parent", "seen"] {
        let found = value(&before, key);
        assert_eq!(found.value(), Some(&*whole), "{key}: {found:?}");
        let fact = before.fact(key).expect("a fact");
        assert_eq!(fact.rows, Some(ROWS), "{key}");
    }
    let hiding = value(&before, "hiding");
    assert_eq!(
        hiding.value(),
        None,
        "a row without an address is in no part"
    );

    let parts = |key: &str| -> u64 {
        let what = format!("content {key}");
        let told = witness.told.iter().filter(|told| told.what == what);
        let (done, total) = told
            .map(|told| (told.done, told.total))
            .next_back()
            .unwrap_or_default();
        assert_eq!(Some(done), total.or(Some(0)), "{key}");
        done
    };
    let told = ["plain", "parted", "parent", "seen"].map(parts);
    assert!(told[..3].iter().all(|parts| *parts > 2), "{told:?}");
    assert_eq!(told[3], 0, "a view has no addresses: it is one part");
    // Each part is a statement of its own, and each is asked for once, after one of each table said how many there are.
    let log = fs::read_to_string(cluster.log_path()).expect("a log");
    let fetched = log[logged..].matches("FETCH FORWARD 1 FROM fact").count() as u64;
    let tables = long_tables().contents.len() as u64;
    assert_eq!(fetched, told.iter().sum::<u64>() + tables);

    load(
        &cluster,
        "UPDATE public.plain SET note = CASE id WHEN 8 THEN (SELECT note FROM public.plain WHERE id = 299999) ELSE (SELECT note FROM public.plain WHERE id = 8) END
          WHERE id IN (8, 299999)",
    );
    let (after, _) = survey(&cluster);
    for key in ["plain", "seen"] {
        assert_ne!(value(&after, key), value(&before, key), "{key}");
    }
    assert_eq!(value(&after, "parted"), value(&before, "parted"));
    say(&format!(
        "PostgreSQL {}: {ROWS} rows digested in {told:?} parts as one table, in partitions, in children, behind a view; a swap of two values is seen",
        version.name
    ));
}

#[test]
fn a_long_table_is_digested_in_parts_that_add_up_to_the_whole() {
    versions().iter().for_each(every_row_is_in_one_part);
}
