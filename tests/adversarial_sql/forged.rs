//! Objects that a superuser put in the place of PostgreSQL's own parts, or beside them, one for each kind. Invariant: each is known to run without the walls, and through them
//! none runs: the statement, or everything, is refused by its name.

use drygate::postgres::throwaway::Cluster;
use drygate::profile::{FactSpec, Profile};
use drygate::runner::target::{Purpose, SurveyRequest, TargetError};
use drygate::survey::FactKind;

use super::forged_kinds::{Forged, KINDS, Refusal, TRAPS};
use super::support::{
    DATABASE, READER, load, one, profile, say, survey_url, version_num, versions,
};

/// Facts and documents, no streams.
const FACTS: SurveyRequest = SurveyRequest {
    purpose: Purpose::Survey,
    live_only: false,
    streams: false,
};

/// The built-in profile with one fact more.
fn asking(sql: &str) -> Profile {
    let mut profile = profile();
    let template = profile.facts[0].clone();
    profile.facts.insert(
        0,
        FactSpec {
            key: "asked".to_owned(),
            sql: Some(sql.to_owned()),
            kind: FactKind::Text,
            expect: None,
            ..template
        },
    );
    profile
}

/// The lines that traps left in the server's log since `from`, in sessions of the program or in others.
fn executed(cluster: &Cluster, from: usize, ours: bool) -> Vec<String> {
    let log = std::fs::read_to_string(cluster.log_path()).expect("a log");
    let lines = log[from..].lines();
    let traps = lines.filter(|line| line.contains(" LOG:  trap of "));
    traps
        .filter(|line| line.contains(" drygate/ictr") == ours)
        .map(str::to_owned)
        .collect()
}

fn log_length(cluster: &Cluster) -> usize {
    let log = std::fs::metadata(cluster.log_path()).expect("a log");
    usize::try_from(log.len()).expect("a short log")
}

/// What was refused, and why.
fn refusal(cluster: &Cluster, fact: &str) -> Refusal<String> {
    let (taken, _) = survey_url(&cluster.url(READER, DATABASE), asking(fact), FACTS);
    let taken = match taken {
        Ok(taken) => taken,
        Err(TargetError::Unfit(why)) => return Refusal::Everything(why),
        Err(other) => panic!("{other:?}"),
    };
    let mut rulings = taken.rulings.iter();
    let asked = rulings.find(|ruling| ruling.query == "fact asked");
    let why = asked.and_then(|ruling| ruling.refused.clone());
    let why = why.unwrap_or_default();
    let other = taken.survey.fact("grant_matrix_sha").expect("it was asked");
    if other.observed.value().is_some() {
        Refusal::Query(why)
    } else {
        Refusal::AllReads(why)
    }
}

/// What is wrong, if anything is.
fn check(cluster: &Cluster, kind: &Forged) -> Option<String> {
    let undo: Vec<String> = kind
        .undo
        .iter()
        .map(|sql| restoring(cluster, sql))
        .collect();
    load(cluster, kind.plant);
    let from = log_length(cluster);
    let armed = kind.armed.is_none_or(|armed| {
        // It may end as an error after the trap.
        let _ran = cluster.query("postgres", DATABASE, armed);
        !executed(cluster, from, false).is_empty()
    });
    let from = log_length(cluster);
    let found = refusal(cluster, kind.fact);
    let ran = executed(cluster, from, true);
    for sql in undo {
        load(cluster, &sql);
    }
    let as_it_should = match (&found, &kind.refusal) {
        (Refusal::Everything(why), Refusal::Everything(says))
        | (Refusal::AllReads(why), Refusal::AllReads(says))
        | (Refusal::Query(why), Refusal::Query(says)) => why.contains(says),
        _ => false,
    };
    let right = armed && ran.is_empty() && as_it_should;
    (!right).then(|| format!("{}: armed {armed}, {found:?}, ran {ran:?}", kind.name))
}

/// The statement that restores a view, from its definition before it is replaced; anything else as it is.
fn restoring(cluster: &Cluster, sql: &str) -> String {
    let Some(view) = sql.strip_prefix("the view ") else {
        return sql.to_owned();
    };
    let query = format!("SELECT pg_get_viewdef('{view}'::regclass)");
    format!("CREATE OR REPLACE VIEW {view} AS {}", one(cluster, &query))
}

#[test]
fn what_stands_in_for_a_part_of_our_own_statements_is_never_run() {
    for version in versions() {
        let cluster = version.cluster();
        load(&cluster, TRAPS);
        let number = version_num(&cluster);
        let there = || KINDS.iter().filter(|kind| kind.since <= number);
        let wrong: Vec<String> = there().filter_map(|kind| check(&cluster, kind)).collect();
        assert!(wrong.is_empty(), "PostgreSQL {}: {wrong:#?}", version.name);
        let checked = there().count();
        // Nothing of it is left, so that each was refused for its own reason.
        let (taken, _) = survey_url(&cluster.url(READER, DATABASE), asking("SELECT '1'"), FACTS);
        let taken = taken.expect("a survey");
        assert_eq!(taken.survey.unknown().count(), 0, "{taken:?}");
        say(&format!(
            "PostgreSQL {}: {checked} forged parts refused by name, 0 of them ran, {} do not exist there",
            version.name,
            KINDS.len() - checked
        ));
    }
}
