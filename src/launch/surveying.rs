//! `drygate survey` and `drygate profile check`: one read-only survey, no run. Invariant: nothing is written, not even a journal.

use serde_json::{Value, json};

use super::onlooker::Onlooker;
use super::{LaunchError, hook_check, listing, output, starting};
use crate::audit::{self, Feasibility, QuerySeen};
use crate::cli::{Output, Settings};
use crate::postgres::LiveReadOnlyDiscoverer;
use crate::profile::Profile;
use crate::report::visible;
use crate::run::{Check, StopCode, Verdict};
use crate::runner::target::{Ask, Purpose, Taken};
use crate::survey::TransactionProof;

/// One survey of the settings' database as a profile asks for it.
pub(super) fn take(
    settings: &Settings,
    profile: Profile,
    ask: Ask,
) -> Result<(Taken, Option<TransactionProof>), LaunchError> {
    let connection = starting::connection(settings)?;
    let mut target = LiveReadOnlyDiscoverer::new(connection, profile, "survey");
    Onlooker::new(|_| ()).look(&mut target, ask)
}

/// One survey and the checks of G1 over it.
fn look(
    settings: &Settings,
    profile: &str,
) -> Result<(Taken, Option<TransactionProof>, Vec<Check>), LaunchError> {
    let loaded = listing::load_profile(profile)?;
    let ask = Ask {
        purpose: Purpose::Survey,
        live_only: false,
        streams: true,
        validate: true,
    };
    let (taken, proof) = take(settings, loaded.profile.clone(), ask)?;
    let rulings: Vec<QuerySeen> = taken
        .rulings
        .iter()
        .map(|ruling| QuerySeen {
            query: ruling.query.clone(),
            sql_sha256: ruling.sql_sha256.clone(),
            refused: ruling.refused.clone(),
            relations: ruling.relations.clone(),
        })
        .collect();
    let checks = audit::g1(&Feasibility {
        profile: &loaded.profile,
        survey: &taken.survey,
        proof: proof.as_ref(),
        rulings: &rulings,
    });
    let checks = audit::scope(&loaded.profile, checks);
    Ok((taken, proof, checks))
}

/// `drygate survey`: prints the facts.
pub fn survey(settings: &Settings) -> Result<u8, LaunchError> {
    let (taken, proof, _) = look(settings, &settings.profile.value)?;
    let survey = &taken.survey;
    if settings.output == Output::Json {
        let facts: serde_json::Map<String, Value> = survey
            .facts
            .iter()
            .map(|fact| {
                let provenance = fact.observed.provenance();
                (
                    fact.key.to_string(),
                    json!({"value": fact.json_value(), "provenance": provenance}),
                )
            })
            .collect();
        let document = json!({
            "schema": 1, "server": survey.server, "snapshot": survey.snapshot, "facts": facts,
            "facts_digest": survey.facts_digest, "candidates": survey.candidates, "pieces": survey.pieces,
            "role": survey.role, "proof": proof,
        });
        output::document(&document)?;
    } else {
        for fact in &survey.facts {
            let value = fact
                .observed
                .value()
                .map_or_else(|| "unknown".to_owned(), visible);
            output::line(&format!("{}={value}", fact.label))?;
        }
        output::line(&format!("facts_digest={}", survey.facts_digest))?;
    }
    Ok(if survey.unknown().next().is_some() {
        StopCode::StopGateFailed.exit_code()
    } else {
        0
    })
}

/// `drygate profile check`: the checks of G1, without a run.
pub fn check(settings: &Settings, name: Option<&str>) -> Result<u8, LaunchError> {
    let name = name.unwrap_or(&settings.profile.value);
    let hooks = hook_check::hooks(&listing::load_profile(name)?);
    let (_, _, checks) = look(settings, name)?;
    let verdict = Verdict::of_gate(checks.iter().map(|check| check.verdict));
    if settings.output == Output::Json {
        output::document(&json!({
            "schema": 1, "verdict": verdict, "checks": checks, "hooks": hooks,
        }))?;
    } else {
        for check in &checks {
            output::line(&format!(
                "{:<12} {}  {}",
                check.verdict.word(),
                check.name,
                visible(&check.says)
            ))?;
        }
        for line in hook_check::lines(&hooks) {
            output::line(&line)?;
        }
        output::line(verdict.word())?;
    }
    Ok(match verdict {
        Verdict::Pass | Verdict::OutOfScope => 0,
        Verdict::Fail => StopCode::StopGateFailed.exit_code(),
        Verdict::NotChecked => 11,
    })
}
