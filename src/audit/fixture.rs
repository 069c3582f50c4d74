//! Sound values for the tests: survey, proof, repository, people. Invariant: all of them hold, so what a test damages is the only thing wrong.

use std::sync::LazyLock;

use super::{ProbeResult, QueryRuling, Recomputed, recompute};
use crate::profile::{Profile, built_in};
use crate::run::{History, RepositoryState, RunCreated, RunState, ToolIdentity};
use crate::simulate::Simulation;
use crate::survey::{Digest, Live, Observed, Survey, facts_digest};
use crate::testing::{ScriptedRecord, values};

/// The built-in profile.
pub fn profile() -> Profile {
    built_in("icx-const")
        .expect("the built-in profile parses")
        .0
}

/// A survey of transaction `n`.
pub fn survey(n: u64) -> Survey {
    super::journal_fixture::begun().survey(n)
}

/// 60 drafts, all present.
pub fn simulation() -> Simulation {
    values::simulation(false)
}

/// Rulings on every query of the profile.
pub fn rulings() -> Vec<QueryRuling> {
    let facts = profile()
        .facts
        .into_iter()
        .map(|f| format!("fact {}", f.key));
    facts
        .chain(["source pieces".to_owned(), "live units".to_owned()])
        .map(|query| QueryRuling {
            sql_sha256: Digest::of(&query),
            refused: None,
            relations: match query.as_str() {
                "source pieces" => vec![
                    "public.source_document".to_owned(),
                    "public.source_version".to_owned(),
                ],
                _ => vec!["public.information_unit".to_owned()],
            },
            query,
            runs: Some(Vec::new()),
        })
        .collect()
}

/// A repository on a feature branch.
pub fn repository() -> RepositoryState {
    let (main, feature) = ("3".repeat(40), "6".repeat(40));
    RepositoryState {
        directory: "/srv/kb".to_owned(),
        branch: Some("feature/x".to_owned()),
        head: feature.clone(),
        subject: "feat: x".to_owned(),
        main: Some(("main".to_owned(), main.clone())),
        feature_head: Some(feature.clone()),
        clean: true,
        refs: vec![
            ("refs/heads/feature/x".to_owned(), feature),
            ("refs/heads/main".to_owned(), main.clone()),
            ("refs/tags/v1".to_owned(), main),
        ],
        commands: vec![
            "git -C DIR for-each-ref --format=%(refname)".to_owned(),
            "git status --porcelain".to_owned(),
        ],
    }
}

/// Probes that all hold.
pub fn probes() -> Vec<ProbeResult> {
    super::PROBES
        .iter()
        .map(|name| ProbeResult {
            name: name.clone(),
            expected: "refused".to_owned(),
            saw: "refused".to_owned(),
            holds: true,
        })
        .collect()
}

/// How the run of the fixture was started.
pub fn created() -> RunCreated {
    RunCreated {
        tool: ToolIdentity {
            version: "0.1.0".to_owned(),
            binary_sha256: Some(Digest::of("binary")),
        },
        uptime_ms: Some(1_000),
        repository: Some("/srv/kb".to_owned()),
        ..values::created()
    }
}

/// Gives a fact another value, and the survey the digest that belongs to it.
pub fn change(survey: &mut Survey, key: &str, observed: Observed) {
    let fact = survey.facts.iter_mut().find(|f| f.key.as_str() == key);
    fact.expect("a fact of the fixture").observed = observed;
    survey.facts_digest = facts_digest(&survey.facts);
}

/// A live value.
pub fn live(value: &str) -> Observed {
    Observed::Live(Live::new(value.to_owned()))
}

/// The fold of a journal.
pub fn refold(records: &[ScriptedRecord]) -> RunState {
    let mut history = History::default();
    for record in records {
        // What a test made illegal is left out, as by `verify`.
        let _ = history.take(record.seq, record.at, &record.event, &Digest::zero());
    }
    history.into_run()
}

/// A journal recomputed under the built-in profile.
pub fn again(records: &[ScriptedRecord]) -> Recomputed {
    static PROFILE: LazyLock<Profile> = LazyLock::new(profile);
    static HEAD: LazyLock<Digest> = LazyLock::new(Digest::zero);
    let records = records.iter();
    let events = records.map(|record| (record.seq, record.at, &*record.event, &*HEAD));
    recompute(Some(&PROFILE), events)
}
