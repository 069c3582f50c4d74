//! `drygate survey` and `drygate profile check`: one read-only survey, no run. Invariant: nothing is written, not even a journal.

use serde_json::{Value, json};

use super::survey_witness::SurveyWitness;
use super::{LaunchError, hook_check, output, print, run_plan, take_run};
use crate::audit::{self, Feasibility, QuerySeen};
use crate::cli::{Output, Settings};
use crate::postgres::{self, LibpqEnvironment, LiveReadOnlyDiscoverer};
use crate::profile::{LoadedProfile, Profile};
use crate::report::visible;
use crate::run::{Check, Gate, StopCode, Verdict};
use crate::runner::target::{SurveyRequest, Taken};
use crate::survey::TransactionProof;

/// One survey of the settings' database as a profile asks for it.
pub(super) fn take(
    settings: &Settings,
    profile: Profile,
    ask: SurveyRequest,
) -> Result<(Taken, Option<TransactionProof>), LaunchError> {
    let connection = take_run::connection(settings)?;
    let mut target = LiveReadOnlyDiscoverer::new(connection, profile, "survey");
    SurveyWitness::new(|_| ()).look(&mut target, ask)
}

/// Whether a database is named: by the settings, or by libpq's own variables.
pub(super) fn names_a_database(settings: &Settings) -> bool {
    settings.database_url.is_some() || LibpqEnvironment::of_process().names_a_server()
}

/// What can be said of a profile without a database: its text, its documents, its SQL. An error is one that no run would start with.
pub(super) fn without_database(
    settings: &Settings,
    loaded: &LoadedProfile,
) -> Result<Vec<Check>, LaunchError> {
    let named = settings.repo.as_ref().map(|repo| repo.value.as_path());
    let repository = run_plan::repository(named);
    run_plan::refuse_profile(loaded, repository.as_ref())?;
    let guarded = postgres::guarded(&loaded.profile);
    let refused: Vec<String> = guarded
        .iter()
        .filter_map(|(query, why)| Some(format!("{query}: {}", why.as_ref()?)))
        .collect();
    let says = if refused.is_empty() {
        format!("{} queries pass the guard", guarded.len())
    } else {
        refused.join("; ")
    };
    let raw = json!({"queries": guarded.len(), "refused": refused});
    let sql = Check::evaluated("sql_passes_guard", refused.is_empty(), says, raw);
    let documents = run_plan::ssot_check(loaded, repository.as_ref());
    let checks = documents.into_iter().chain([sql]).collect();
    Ok(audit::scope(&loaded.profile, checks))
}

/// One survey and the checks of G1 over it.
pub(super) fn look(
    settings: &Settings,
    loaded: &LoadedProfile,
) -> Result<(Taken, Option<TransactionProof>, Vec<Check>), LaunchError> {
    let (taken, proof) = take(settings, loaded.profile.clone(), SurveyRequest::SURVEY)?;
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
    let loaded = print::load_profile(&settings.profile.value)?;
    let (taken, proof, _) = look(settings, &loaded)?;
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
        let mut document = json!({
            "schema": 1, "server": survey.server, "snapshot": survey.snapshot, "facts": facts,
            "facts_digest": survey.facts_digest, "candidates": survey.candidates, "pieces": survey.pieces,
            "role": survey.role, "proof": proof,
        });
        if !survey.unread.is_empty() {
            document["unread"] = json!(survey.unread);
        }
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
        for stream in &survey.unread {
            let reason = visible(&stream.reason);
            output::line(&format!("{}=unknown ({reason})", stream.query))?;
        }
    }
    Ok(
        if survey.unknown().next().is_some() || !survey.unread.is_empty() {
            StopCode::StopGateFailed.exit_code()
        } else {
            0
        },
    )
}

/// What is left to check where no database is named.
fn left_to_check() -> Check {
    let checks = audit::required_checks(audit::CHECK_TABLE, Gate::G1).unwrap_or_default();
    Check::not_checked(
        "against_a_database",
        format!("no database is named; left are {}", checks.join(", ")),
        "drygate profile check FILE --database-url postgresql://role@host/db",
    )
}

/// `drygate profile check`: what can be checked without a run; without a database, what can be checked without one.
pub fn check(settings: &Settings, name: Option<&str>) -> Result<u8, LaunchError> {
    let name = name.unwrap_or(&settings.profile.value);
    let loaded = print::load_profile(name)?;
    let hooks = hook_check::hooks(&loaded);
    let mut checks = without_database(settings, &loaded)?;
    if names_a_database(settings) {
        checks.extend(look(settings, &loaded)?.2);
    } else {
        checks.push(left_to_check());
    }
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
            if let Some(remedy) = &check.remedy {
                output::line(&format!("{:<12} {}", "", visible(remedy)))?;
            }
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
