//! The rulings on the queries of a profile, as G1 records them: plain reads, and what they can run.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize as _;
use serde_json::json;

use super::QueryRuling;
use crate::profile::Profile;
use crate::run::{Check, CheckName, Gate, RunState};

/// By query, the functions that it could run when G1 looked at it; none before G1 has ended, and none of a run of a version that
/// did not resolve them.
pub fn pinned_runs(run: &RunState) -> BTreeMap<String, Vec<String>> {
    let checks = run
        .gates
        .get(&Gate::G1)
        .filter(|gate| gate.finished.is_some());
    let checks = checks.into_iter().flat_map(|gate| gate.checks.iter());
    let plain_reads = checks.filter(|check| check.name == CheckName::FactsArePlainReads);
    let rulings = plain_reads.filter_map(|check| check.own_raw().get("rulings")?.as_array());
    let pinned = rulings.flatten().filter_map(|ruling| {
        let query = ruling.get("query")?.as_str()?.to_owned();
        let runs = ruling.get("runs")?.clone();
        Some((query, serde_json::from_value(runs).ok()?))
    });
    pinned.collect()
}

/// The rulings on the queries of the profile, as the recorded checks of G1 have them.
pub fn recorded_rulings(checks: &[Check]) -> Vec<QueryRuling> {
    let check = checks
        .iter()
        .find(|c| c.name == CheckName::FactsArePlainReads);
    let rulings = check.and_then(|check| check.own_raw().get("rulings")?.as_array());
    let rulings = rulings.into_iter().flatten();
    rulings
        .filter_map(|ruling| QueryRuling::deserialize(ruling).ok())
        .collect()
}

/// Whether every query of the profile was ruled to be a plain read.
pub(super) fn facts_are_plain_reads(profile: &Profile, rulings: &[QueryRuling]) -> Check {
    const NAME: CheckName = CheckName::FactsArePlainReads;
    // A count has no SQL of its own: drygate writes it.
    let written = profile.facts.iter().filter(|fact| fact.sql.is_some());
    let streams = profile.units().map(|_| ["source pieces", "live units"]);
    let streams = streams.into_iter().flatten();
    let unruled: Vec<String> = written
        .map(|fact| format!("fact {}", fact.key))
        .chain(streams.map(str::to_owned))
        .filter(|query| !rulings.iter().any(|ruling| ruling.query == *query))
        .collect();
    let refused: Vec<String> = rulings
        .iter()
        .filter_map(|r| r.refused.as_ref().map(|why| format!("{}: {why}", r.query)))
        .collect();
    let raw = json!({
        "rulings": rulings,
        "without_ruling": unruled,
    });
    if refused.is_empty() && !unruled.is_empty() {
        return Check {
            raw,
            ..Check::not_checked(
                NAME,
                format!("no ruling on {}", unruled.join(", ")),
                "drygate profile check validates every query",
            )
        };
    }
    let runs: BTreeSet<&str> = rulings
        .iter()
        .flat_map(|ruling| ruling.runs.iter().flatten())
        .map(String::as_str)
        .collect();
    let says = if refused.is_empty() {
        let mut says = format!("{} queries are plain reads", rulings.len());
        if !runs.is_empty() {
            let runs: Vec<&str> = runs.into_iter().collect();
            says = format!("{says}; they can run {}", runs.join(", "));
        }
        says
    } else {
        refused.join("; ")
    };
    Check::evaluated(NAME, refused.is_empty(), says, raw)
}
