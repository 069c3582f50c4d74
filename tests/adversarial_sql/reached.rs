//! What can run, resolved before a read and again after it. Invariant: what changed in between gives no value.

use drygate::postgres::Resolver;
use drygate::postgres::throwaway::Cluster;
use drygate::profile::{FactSpec, Profile};
use drygate::runner::target::{
    Progress, Purpose, QueryRuling, SurveyRequest, Taken, Target as _, TargetError,
    UnavailableKind, Witness, WitnessError,
};
use drygate::simulate::{Piece, Unit, Want};
use drygate::survey::{FactKind, Observed, ServerIdentity, TransactionProof};

use super::statements::HOSTILE;
use super::support::{
    DATABASE, Memory, READER, block_on, discoverer, extension, load, one, profile, say, survey_as,
    versions,
};
use super::traps;

/// Facts and documents, no streams.
const FACTS: SurveyRequest = SurveyRequest {
    purpose: Purpose::Survey,
    live_only: false,
    streams: false,
};

/// When another session comes in between.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// The snapshot was taken, and nothing was parsed yet.
    Snapshot,
    /// Everything was ruled on, and the next message sends the reads.
    Ruled,
}

/// A witness that lets another session do something in each transaction, at one moment.
struct Meddler<'a> {
    memory: Memory,
    cluster: &'a Cluster,
    when: When,
    sql: &'static str,
    times: usize,
    tries: usize,
}

impl Meddler<'_> {
    fn meddle(&mut self) {
        if self.times == 0 {
            return;
        }
        self.times -= 1;
        let (cluster, sql) = (self.cluster, self.sql);
        // A runtime of its own cannot be started inside this one.
        std::thread::scope(|scope| {
            let done = scope.spawn(|| load(cluster, sql)).join();
            done.expect("it is done");
        });
    }
}

impl Witness for Meddler<'_> {
    fn opening(&mut self, purpose: Purpose, nonce: &str) -> Result<(), WitnessError> {
        self.tries += 1;
        self.memory.opening(purpose, nonce)
    }

    fn reached(&mut self, _server: &ServerIdentity) -> Result<(), WitnessError> {
        if self.when == When::Snapshot {
            self.meddle();
        }
        Ok(())
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        self.memory.closed(proof)
    }

    fn wants(&mut self) -> Want {
        self.memory.wants()
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        self.memory.pieces(batch)
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        self.memory.units(batch)
    }

    fn progress(&mut self, progress: Progress) {
        if self.when == When::Ruled && progress.what == "Facts" && progress.done == 0 {
            self.meddle();
        }
    }
}

/// The built-in profile with these facts alone.
fn asking(facts: &[&str], allowed: &[&str]) -> Profile {
    let mut profile = profile();
    let template = profile.facts[0].clone();
    profile.facts = facts
        .iter()
        .enumerate()
        .map(|(nth, sql)| FactSpec {
            key: format!("fact_{nth}"),
            sql: Some((*sql).to_owned()),
            kind: FactKind::Text,
            expect: None,
            ..template.clone()
        })
        .collect();
    profile.contents.clear();
    profile.role.functions = allowed.iter().map(|name| (*name).to_owned()).collect();
    profile
}

fn meddled(
    cluster: &Cluster,
    profile: Profile,
    (when, sql, times): (When, &'static str, usize),
) -> (Result<Taken, TargetError>, Vec<TransactionProof>, usize) {
    let mut witness = Meddler {
        memory: Memory::default(),
        cluster,
        when,
        sql,
        times,
        tries: 0,
    };
    let mut target = discoverer(&cluster.url(READER, DATABASE), profile);
    let taken = block_on(target.take(FACTS, &mut witness));
    (taken, witness.memory.closed, witness.tries)
}

fn ruling<'a>(taken: &'a Taken, query: &str) -> &'a QueryRuling {
    let mut rulings = taken.rulings.iter();
    rulings
        .find(|one| one.query == query)
        .expect("it was ruled on")
}

const REWRITTEN: &str = "
CREATE TABLE public.whole (id integer);
INSERT INTO public.whole SELECT generate_series(1, 60);
CREATE TABLE public.parts (id integer) PARTITION BY RANGE (id);
CREATE TABLE public.part_one PARTITION OF public.parts FOR VALUES FROM (0) TO (100);
INSERT INTO public.parts SELECT generate_series(1, 60);
CREATE MATERIALIZED VIEW public.materialized AS SELECT id FROM pg_catalog.generate_series(1, 60) AS g (id);
GRANT SELECT ON public.whole, public.parts, public.materialized TO context_pack_readonly;
";

/// What rewrites a relation, when nobody is kept from it, and what is counted.
const REWRITES: [(When, &str, &str); 6] = [
    (
        When::Snapshot,
        "whole",
        "TRUNCATE public.whole; INSERT INTO public.whole SELECT generate_series(1, 60)",
    ),
    (
        When::Snapshot,
        "whole",
        "ALTER TABLE public.whole ALTER COLUMN id TYPE bigint; ALTER TABLE public.whole ALTER COLUMN id TYPE integer",
    ),
    (When::Snapshot, "whole", "VACUUM FULL public.whole"),
    (
        When::Snapshot,
        "materialized",
        "REFRESH MATERIALIZED VIEW public.materialized",
    ),
    (
        When::Snapshot,
        "parts",
        "TRUNCATE public.part_one; INSERT INTO public.parts SELECT generate_series(1, 60)",
    ),
    // Parsing locks the parent alone: the partition can still be emptied before it is read.
    (
        When::Ruled,
        "parts",
        "TRUNCATE public.part_one; INSERT INTO public.parts SELECT generate_series(1, 60)",
    ),
];

#[test]
fn a_relation_that_is_rewritten_after_the_snapshot_is_read_in_another_or_not_at_all() {
    let cluster = versions().remove(0).cluster();
    load(&cluster, REWRITTEN);
    for (when, table, sql) in REWRITES {
        let count = format!("SELECT count(*)::text FROM public.{table}");
        let once = meddled(&cluster, asking(&[&count], &[]), (when, sql, 1));
        let taken = once.0.expect("the second try is not disturbed");
        let fact = taken.survey.fact("fact_0").expect("it was asked");
        assert_eq!(fact.observed.value(), Some("60"), "{sql}");
        assert_eq!(once.2, 2, "{sql}: read in one snapshot that was not of it");
        let (taken, proofs, _) = meddled(&cluster, asking(&[&count], &[]), (when, sql, 99));
        match taken {
            Err(TargetError::Unavailable(why)) => {
                assert_eq!(why.kind, UnavailableKind::Conflict, "{sql}: {why}");
                assert!(
                    why.message.contains("public.part") || why.message.contains(table),
                    "{why}"
                );
            }
            other => panic!("{sql}: {other:?}"),
        }
        assert_eq!(proofs.len(), 3, "{sql}");
        assert!(proofs.iter().all(TransactionProof::is_clean), "{sql}");
    }
}

const REPLACEABLE: &str = "
CREATE FUNCTION public.allowed(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE TYPE public.temper AS ENUM ('low');
CREATE TABLE public.tempered (m public.temper);
INSERT INTO public.tempered VALUES ('low');
CREATE TABLE public.halves (id integer) PARTITION BY RANGE (id);
CREATE TABLE public.half PARTITION OF public.halves FOR VALUES FROM (0) TO (10);
CREATE TABLE public.trapped (id integer);
CREATE FUNCTION public.trap() RETURNS boolean LANGUAGE plpgsql IMMUTABLE
  AS 'BEGIN RAISE LOG ''trap executed''; RETURN true; END';
CREATE INDEX ON public.trapped (id) WHERE public.trap();
CREATE FUNCTION public.temper_text(public.temper) RETURNS text LANGUAGE sql AS 'SELECT ''x''::text';
GRANT SELECT ON public.tempered, public.halves TO context_pack_readonly;
";

/// What is read, what changes while it is read, and what the reason names.
const REPLACED: [(&str, &str, &str); 3] = [
    (
        "SELECT public.allowed(1)::text",
        "CREATE OR REPLACE FUNCTION public.allowed(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2'",
        "function public.allowed(integer) was changed",
    ),
    (
        "SELECT m AS value FROM public.tempered",
        "CREATE CAST (public.temper AS text) WITH FUNCTION public.temper_text(public.temper)",
        "cast from public.temper to text is new",
    ),
    (
        "SELECT count(*)::text FROM public.halves",
        "ALTER TABLE public.halves ATTACH PARTITION public.trapped FOR VALUES FROM (10) TO (20)",
        "function public.trap() is new",
    ),
];

#[test]
fn what_can_run_and_changes_while_it_runs_gives_no_value_and_is_named() {
    let cluster = versions().remove(0).cluster();
    load(&cluster, REPLACEABLE);
    let other = "SELECT count(*)::text FROM public.information_unit";
    for (sql, change, named) in REPLACED {
        let asked = asking(&[sql, other], &["public.allowed"]);
        let (taken, proofs, tries) = meddled(&cluster, asked, (When::Ruled, change, 1));
        let taken = taken.expect("the others are read");
        assert_eq!(tries, 1, "{change}");
        let fact = taken.survey.fact("fact_0").expect("it was asked");
        let Observed::Unknown { unknown } = &fact.observed else {
            panic!("{change}: {fact:?}");
        };
        assert!(unknown.contains(named), "{unknown}");
        let [proof] = proofs.as_slice() else {
            panic!("{change}: {proofs:?}");
        };
        assert!(!proof.is_clean(), "{change}");
        assert_eq!(proof.violations(), Vec::<String>::new(), "{change}");
        let [line] = proof.changed_while_read.as_slice() else {
            panic!("{change}: {proof:?}");
        };
        assert!(
            line.starts_with("fact fact_0: ") && line.contains(named),
            "{line}"
        );
        let other = taken.survey.fact("fact_1").expect("it was asked");
        assert!(other.observed.value().is_some(), "{change}");
    }
}

#[test]
fn an_allowed_function_is_named_and_another_body_is_refused_before_it_runs() {
    let cluster = versions().remove(0).cluster();
    load(&cluster, REPLACEABLE);
    let asked = asking(&["SELECT public.allowed(1)::text"], &["public.allowed"]);
    let url = cluster.url(READER, DATABASE);
    let mut target = discoverer(&url, asked);
    let taken = block_on(target.take(FACTS, &mut Memory::default())).expect("a survey");
    let runs = ruling(&taken, "fact fact_0").runs.clone();
    let runs = runs.expect("resolved");
    assert!(
        matches!(runs.as_slice(), [one] if one.starts_with("function public.allowed(integer) ")),
        "{runs:?}"
    );
    target.pin_runs([("fact fact_0".to_owned(), runs)].into());
    load(
        &cluster,
        "CREATE OR REPLACE FUNCTION public.allowed(integer) RETURNS integer LANGUAGE plpgsql
           AS 'BEGIN RAISE LOG ''allowed executed''; RETURN 2; END'",
    );
    let taken = block_on(target.take(FACTS, &mut Memory::default())).expect("a survey");
    let refused = ruling(&taken, "fact fact_0").refused.as_deref();
    assert_eq!(
        refused,
        Some(
            "what it can run is not what was pinned: function public.allowed(integer) was replaced"
        )
    );
    let log = std::fs::read_to_string(cluster.log_path()).expect("a log");
    assert!(!log.contains("LOG:  allowed executed"), "it ran");
}

/// Tables with columns of extension types: how each is made, and a value of it.
const EXTENSION_TYPES: [(&str, &str, &str); 8] = [
    ("citext", "public.citext", "'C1'"),
    ("hstore", "public.hstore", "'a=>1'"),
    ("ltree", "public.ltree", "'a.b'"),
    ("cube", "public.cube", "'(1,2)'"),
    ("seg", "public.seg", "'1..2'"),
    ("isn", "public.isbn13", "'978-0-11-000533-1'"),
    ("intarray", "integer[]", "'{1,2}'"),
    ("btree_gist", "integer", "1"),
];

#[test]
fn tables_with_columns_of_well_known_extensions_are_counted_digested_and_streamed() {
    for version in versions() {
        let cluster = version.cluster();
        let mut checked = 0;
        for (name, kind, value) in EXTENSION_TYPES {
            if !extension(&cluster, &version.name, name) {
                continue;
            }
            load(
                &cluster,
                &format!(
                    "CREATE TABLE public.held (id text PRIMARY KEY, v {kind}, a {kind}[], state text);
                     INSERT INTO public.held VALUES ('u1', {value}, ARRAY[{value}::{kind}], 'draft');
                     GRANT SELECT ON public.held TO context_pack_readonly"
                ),
            );
            let mut profile = asking(
                &[
                    "SELECT v AS value FROM public.held",
                    "SELECT count(*)::text FROM (SELECT DISTINCT v FROM public.held) AS d",
                ],
                &[],
            );
            profile.contents = self::profile().contents;
            profile.contents.truncate(1);
            let content = &mut profile.contents[0];
            content.table = "held".to_owned();
            content.columns = ["id", "v", "a"].map(str::to_owned).to_vec();
            content.row_key = vec!["id".to_owned()];
            let (taken, proof) = survey_as(&cluster, profile, FACTS);
            let unknown: Vec<_> = taken.survey.unknown().collect();
            assert!(
                unknown.is_empty(),
                "PostgreSQL {} {name}: {unknown:?}",
                version.name
            );
            assert!(proof.is_clean(), "{proof:?}");
            load(&cluster, "DROP TABLE public.held");
            checked += 1;
        }
        say(&format!(
            "PostgreSQL {}: columns of {checked} extensions read, {} NOT CHECKED",
            version.name,
            EXTENSION_TYPES.len() - checked
        ));
    }
}

/// The resolvers that a hostile statement is refused by alone.
const ALONE: [Resolver; 13] = [
    Resolver::Inheritance,
    Resolver::Rules,
    Resolver::Indexes,
    Resolver::Constraints,
    Resolver::Partitions,
    Resolver::Columns,
    Resolver::Domains,
    Resolver::Arrays,
    Resolver::Composites,
    Resolver::Ranges,
    Resolver::Casts,
    Resolver::Operators,
    Resolver::OperatorClasses,
];

#[test]
fn without_a_resolver_a_hostile_statement_is_let_through() {
    let cluster = versions().remove(0).cluster();
    traps::set(&cluster, "local");
    let chains: Vec<&str> = HOSTILE
        .iter()
        .filter(|hostile| hostile.reason.contains(" -> ") && !hostile.sql.starts_with("count "))
        .map(|hostile| hostile.sql)
        .collect();
    let counted: Vec<String> = HOSTILE
        .iter()
        .filter(|hostile| hostile.reason.contains(" -> "))
        .filter_map(|hostile| hostile.sql.strip_prefix("count "))
        .map(|counted| format!("SELECT count(*)::text FROM {counted}"))
        .collect();
    let all: Vec<&str> = chains
        .into_iter()
        .chain(counted.iter().map(String::as_str))
        .collect();
    for resolver in ALONE {
        let mut target =
            discoverer(&cluster.url(READER, DATABASE), asking(&all, &[])).without(resolver);
        let taken = block_on(target.take(FACTS, &mut Memory::default())).expect("a survey");
        let passed = taken
            .rulings
            .iter()
            .filter(|ruling| ruling.query.starts_with("fact fact_") && ruling.refused.is_none());
        assert!(
            passed.count() > 0,
            "{} refuses nothing by itself",
            resolver.name()
        );
        assert_eq!(target.refused_through().get(&resolver), None);
    }
    let mut target = discoverer(&cluster.url(READER, DATABASE), asking(&all, &[]));
    let _taken = block_on(target.take(FACTS, &mut Memory::default())).expect("a survey");
    for resolver in ALONE {
        let refused = target
            .refused_through()
            .get(&resolver)
            .copied()
            .unwrap_or_default();
        assert!(refused > 0, "{}", resolver.name());
    }
    assert_eq!(one(&cluster, "SELECT count(*) FROM public.victim"), "1");
}
