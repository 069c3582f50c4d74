//! The adversary's ring: random catalogues, random statements over them, and a superuser who looks. Invariant: no function of others runs, in a ruling or in a survey; every
//! resolver is hit; and without any one of them the ring is red.

mod catalogue;
mod forgeries;
mod random;
mod shapes;

use std::collections::BTreeMap;
use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use drygate::postgres::Resolver;
use drygate::postgres::throwaway::Cluster;
use drygate::profile::{FactSpec, Profile};
use drygate::runner::target::{Purpose, SurveyRequest, Taken, Target as _};
use drygate::survey::FactKind;

use self::catalogue::{Catalogue, catalogue};
use self::forgeries::FORGERIES;
use self::random::Random;
use super::support::{
    DATABASE, Memory, READER, block_on, discoverer, load, patient_profile, say, version_num,
    versions,
};

/// Everything but the streams.
const FACTS: SurveyRequest = SurveyRequest {
    purpose: Purpose::Survey,
    live_only: false,
    streams: false,
};

/// How many catalogues are there at a time.
const BATCH: usize = 20;

/// What one survey of a ring showed.
#[derive(Debug, Default)]
struct RingSurvey {
    asked: usize,
    let_through: Vec<String>,
    plain_wrong: Vec<String>,
    ran: usize,
    hits: BTreeMap<Resolver, u64>,
}

fn asking(statements: &[String], allowed: Vec<String>) -> Profile {
    let mut profile = patient_profile();
    let template = profile.facts[0].clone();
    let facts = statements.iter().enumerate().map(|(nth, sql)| FactSpec {
        key: format!("ring_{nth}"),
        sql: Some(sql.clone()),
        kind: FactKind::Text,
        expect: None,
        ..template.clone()
    });
    profile.facts = facts.collect();
    profile.role.functions = allowed;
    profile
}

/// The lines that traps left in the server's log since `from`, in sessions of the program.
fn executed(cluster: &Cluster, from: usize) -> usize {
    let log = std::fs::read_to_string(cluster.log_path()).expect("a log");
    let lines = log[from..].lines();
    lines
        .filter(|line| line.contains(" LOG:  trap of ") && line.contains(" drygate/ictr"))
        .count()
}

fn refused(taken: &Taken, nth: usize) -> Option<&str> {
    let query = format!("fact ring_{nth}");
    let mut rulings = taken.rulings.iter();
    let ruling = rulings.find(|ruling| ruling.query == query);
    ruling.expect("it was ruled on").refused.as_deref()
}

/// Surveys these catalogues. `forged`: something stands in for a part of PostgreSQL, so that the plain ones must be refused as well.
fn survey(
    cluster: &Cluster,
    ring: &[Catalogue],
    without: Option<Resolver>,
    forged: bool,
) -> RingSurvey {
    let hostile = ring.iter().flat_map(|one| one.hostile.iter().cloned());
    let plain = ring.iter().map(|one| one.plain.0.clone());
    let statements: Vec<String> = if forged {
        plain.collect()
    } else {
        hostile.chain(plain).collect()
    };
    let first_plain = statements.len() - ring.len();
    let allowed = ring.iter().flat_map(|one| one.allowed.iter().cloned());
    let asked = asking(&statements, allowed.collect());
    let mut target = discoverer(&cluster.url(READER, DATABASE), asked);
    if let Some(resolver) = without {
        target = target.without(resolver);
    }
    let from = std::fs::metadata(cluster.log_path()).expect("a log").len();
    let taken = block_on(target.take(FACTS, &mut Memory::default())).expect("a survey");
    let mut found = RingSurvey {
        asked: statements.len(),
        ran: executed(cluster, usize::try_from(from).expect("a short log")),
        hits: target.refused_through().clone(),
        ..RingSurvey::default()
    };
    for (nth, sql) in statements.iter().enumerate() {
        let hostile = nth < first_plain || forged;
        let refused = refused(&taken, nth);
        if hostile && refused.is_none() {
            found.let_through.push(sql.clone());
        }
        if !hostile {
            let fact = taken
                .survey
                .fact(&format!("ring_{nth}"))
                .expect("it was asked");
            let value = &ring[nth - first_plain].plain.1;
            if fact.observed.value() != Some(value.as_str()) {
                found
                    .plain_wrong
                    .push(format!("{sql}: {refused:?} {fact:?}"));
            }
        }
    }
    found
}

fn seed() -> u64 {
    let given = env::var("DRYGATE_RING_SEED").ok();
    given.and_then(|seed| seed.parse().ok()).unwrap_or(17)
}

/// A seed of its own each time, where many catalogues are made.
fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let fresh = now.map_or(17, |now| now.as_secs());
    env::var("DRYGATE_RING_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(fresh)
}

fn make(cluster: &Cluster, ring: &[Catalogue]) {
    let sql: Vec<&str> = ring.iter().map(|one| one.sql.as_str()).collect();
    load(cluster, &sql.concat());
}

fn drop_all(cluster: &Cluster) {
    load(
        cluster,
        "DO $$ DECLARE s text; BEGIN
           FOR s IN SELECT nspname FROM pg_namespace WHERE nspname ~* '^ring' LOOP
             EXECUTE format('DROP SCHEMA %I CASCADE', s);
           END LOOP;
         END $$",
    );
}

/// The resolvers that nothing can hit on this version.
fn not_there(version: u32) -> Vec<Resolver> {
    let mut none = Vec::new();
    if version < 140_000 {
        none.push(Resolver::Statistics);
    }
    if version < 180_000 {
        none.push(Resolver::GeneratedColumns);
    }
    none
}

#[test]
fn no_function_of_a_random_catalogue_runs_and_every_resolver_is_hit() {
    let many = env::var_os("DRYGATE_TEST_SERVERS").is_some();
    let (catalogues, least) = if many { (300, 50) } else { (BATCH, 1) };
    let seed = if many { fresh_seed() } else { seed() };
    for version in versions() {
        let cluster = version.cluster();
        let number = version_num(&cluster);
        let mut random = Random::new(seed);
        let mut hits: BTreeMap<Resolver, u64> = BTreeMap::new();
        let mut asked = 0;
        for batch in 0..catalogues / BATCH {
            let numbers = batch * BATCH..(batch + 1) * BATCH;
            let ring: Vec<Catalogue> = numbers
                .map(|one| catalogue(one, number, &mut random))
                .collect();
            make(&cluster, &ring);
            let forgery = random.of(FORGERIES);
            for forged in [false, true] {
                if forged {
                    load(&cluster, forgery.plant);
                }
                let found = survey(&cluster, &ring, None, forged);
                let what = format!("seed {seed}, PostgreSQL {}, batch {batch}", version.name);
                assert_eq!(found.let_through, Vec::<String>::new(), "{what}");
                assert_eq!(found.plain_wrong, Vec::<String>::new(), "{what}");
                assert_eq!(found.ran, 0, "{what}");
                for (resolver, count) in found.hits {
                    *hits.entry(resolver).or_default() += count;
                }
                asked += found.asked;
                if forged {
                    load(&cluster, forgery.undo);
                }
            }
            drop_all(&cluster);
        }
        let counts: Vec<String> = hits
            .iter()
            .map(|(resolver, count)| format!("{} {count}", resolver.name()))
            .collect();
        say(&format!(
            "PostgreSQL {}: {catalogues} catalogues of seed {seed}, {asked} statements, 0 functions of others ran; refused through {}",
            version.name,
            counts.join(", ")
        ));
        let none = not_there(number);
        for resolver in Resolver::ALL {
            if none.contains(&resolver) {
                continue;
            }
            let count = hits.get(&resolver).copied().unwrap_or_default();
            assert!(
                count >= least,
                "seed {seed}, PostgreSQL {}: {} was hit {count} times",
                version.name,
                resolver.name()
            );
        }
    }
}

#[test]
fn without_any_one_resolver_the_ring_is_red() {
    for version in versions() {
        let cluster = version.cluster();
        let number = version_num(&cluster);
        let mut random = Random::new(seed());
        let ring: Vec<Catalogue> = (0..BATCH)
            .map(|one| catalogue(one, number, &mut random))
            .collect();
        make(&cluster, &ring);
        let mut lines = Vec::new();
        for resolver in Resolver::ALL {
            if not_there(number).contains(&resolver) {
                continue;
            }
            let built_in = resolver == Resolver::BuiltIns;
            if built_in {
                load(&cluster, FORGERIES[0].plant);
            }
            let found = survey(&cluster, &ring, Some(resolver), built_in);
            if built_in {
                load(&cluster, FORGERIES[0].undo);
            }
            lines.push(format!(
                "{} {}/{}",
                resolver.name(),
                found.let_through.len(),
                found.ran
            ));
            assert!(
                !found.let_through.is_empty(),
                "PostgreSQL {}: {} is not needed",
                version.name,
                resolver.name()
            );
        }
        say(&format!(
            "PostgreSQL {}: let through, and run, without {}",
            version.name,
            lines.join(", ")
        ));
    }
}
