//! The hostile statements on every version. Invariant: each is refused with its reason before anything runs, and a superuser sees no trace.

use std::fs;

use drygate::postgres::throwaway::Cluster;
use drygate::profile::{FactSpec, Profile};
use drygate::survey::FactKind;

use super::observer::{EFFECTS, Observation, Observer};
use super::statements::{HOSTILE, Hostile};
use super::support::{Version, load, profile, say, survey, versions};
use super::traps;

/// Longest text of the guard and one more byte.
const TOO_LONG: usize = 64 * 1024 + 1;

fn fact(nth: usize, sql: &str, template: &FactSpec) -> FactSpec {
    let mut fact = FactSpec {
        key: format!("hostile_{nth}"),
        sql: Some(sql.to_owned()),
        kind: FactKind::Text,
        expect: None,
        ..template.clone()
    };
    if let Some(counted) = sql.strip_prefix("count ") {
        let (table, filter) = counted.split_once(" WHERE ").expect("a filter");
        fact.sql = None;
        fact.count = Some(table.to_owned());
        fact.filter = Some(filter.to_owned());
    }
    fact
}

fn hostile_profile(statements: &[&Hostile], dir: &str, pid: &str) -> Profile {
    let mut profile = profile();
    let template = profile.facts[0].clone();
    let texts = statements
        .iter()
        .map(|hostile| hostile.sql.replace("@DIR@", dir).replace("@PID@", pid));
    let long = format!("SELECT '{}'", "x".repeat(TOO_LONG));
    profile.facts = texts
        .chain([long])
        .enumerate()
        .map(|(nth, sql)| fact(nth, &sql, &template))
        .collect();
    profile
}

/// Where an effect was seen.
fn differs(before: &Observation, after: &Observation) -> Vec<String> {
    before
        .iter()
        .filter(|(name, value)| after.get(**name) != Some(value))
        .map(|(name, value)| format!("{name}: {value} became {:?}", after.get(name)))
        .collect()
}

fn check(version: &Version) {
    let cluster = version.cluster();
    let had = traps::set(&cluster, &version.name);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let observer = runtime.block_on(Observer::start(&cluster));
    let usable = |hostile: &&Hostile| hostile.needs.is_none_or(|name| had.contains(&name));
    let statements: Vec<&Hostile> = HOSTILE.iter().filter(usable).collect();
    let dir = cluster.socket_dir().display().to_string();
    let profile = hostile_profile(&statements, &dir, observer.bystander());
    let logged = fs::read_to_string(cluster.log_path()).expect("a log").len();
    let before = runtime.block_on(observer.look(&cluster));
    let (taken, proof) = survey(&cluster, profile);
    let after = runtime.block_on(observer.look(&cluster));

    let mut wrong = Vec::new();
    for (nth, hostile) in statements.iter().enumerate() {
        let name = format!("fact hostile_{nth}");
        let ruling = taken.rulings.iter().find(|ruling| ruling.query == name);
        let refused = ruling.and_then(|ruling| ruling.refused.as_deref());
        match refused {
            Some(why) if !why.is_empty() && why.contains(hostile.reason) => {}
            other => wrong.push(format!("{}: {other:?}", hostile.sql)),
        }
        let read = taken.survey.fact(&format!("hostile_{nth}"));
        if read.is_none_or(|fact| fact.observed.value().is_some()) {
            wrong.push(format!("{}: it has a value", hostile.sql));
        }
    }
    let long = format!("fact hostile_{}", statements.len());
    let long = taken.rulings.iter().find(|ruling| ruling.query == long);
    let long = long
        .and_then(|ruling| ruling.refused.clone())
        .unwrap_or_default();
    assert!(long.contains("bytes, at most"), "{long}");
    assert_eq!(wrong, Vec::<String>::new(), "PostgreSQL {}", version.name);
    assert_eq!(differs(&before, &after), Vec::<String>::new());
    assert_eq!(proof.violations(), Vec::<String>::new());
    assert_eq!(executed(&cluster, logged), Vec::<String>::new());
    say(&format!(
        "PostgreSQL {}: {} hostile statements refused with their reasons, {} NOT CHECKED, {} observations unchanged",
        version.name,
        statements.len() + 1,
        HOSTILE.len() - statements.len(),
        before.len(),
    ));
    runtime.block_on(observer_sees(&cluster, &observer, &dir));
}

/// The declarations of profile facts that the server says it executed: every fact is hostile, so there may be none.
fn executed(cluster: &Cluster, since: usize) -> Vec<String> {
    let log = fs::read_to_string(cluster.log_path()).expect("a log");
    let entries = log[since..].split("execute ").skip(1);
    let sent = entries.filter_map(|entry| entry.split_once(": ").map(|(_, sql)| sql.to_owned()));
    let declared = |of: &str| {
        let start = format!(
            "DECLARE {of} NO SCROLL CURSOR WITHOUT HOLD FOR\n\tSELECT CASE WHEN pg_catalog.octet_length(v."
        );
        sent.clone()
            .filter(|sql| sql.starts_with(&start))
            .collect::<Vec<_>>()
    };
    assert_eq!(declared("pieces").len(), 1, "the log tells nothing");
    declared("fact")
}

/// That the observer would have seen: one effect of each kind, and each is noticed.
async fn observer_sees(cluster: &Cluster, observer: &Observer, dir: &str) {
    for (name, sql) in EFFECTS {
        let before = observer.look(cluster).await;
        load(
            cluster,
            &sql.replace("@DIR@", dir)
                .replace("@PID@", observer.bystander()),
        );
        let after = observer.look(cluster).await;
        assert_ne!(before.get(name), after.get(name), "{name} is not seen");
    }
    let before = observer.look(cluster).await;
    observer.lock().await;
    let after = observer.look(cluster).await;
    assert_ne!(before.get("advisory locks"), after.get("advisory locks"));
}

#[test]
fn every_hostile_statement_is_refused_and_leaves_no_trace() {
    assert!(HOSTILE.len() >= 100);
    for version in versions() {
        check(&version);
    }
}
