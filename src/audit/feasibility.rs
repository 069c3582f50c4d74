//! G1: whether this database can be rehearsed against without touching it. Each check is computed from one survey, the proof of
//! its transaction and the rulings on the profile's SQL.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::SecretScan;
use super::plain_reads::facts_are_plain_reads;
use super::recompute::Recomputed;
use super::scope::is_excluded;
use super::sent_statements::live_statements;
use crate::profile::Profile;
use crate::run::{Check, CheckName, counted};
use crate::survey::{Digest, Observed, RoleFinding, RoleSurvey, Survey, TransactionProof};

/// The oldest server version that is supported, as `server_version_num`: PostgreSQL 13.
const VERSION_MIN: u32 = 130_000;

/// So many ways to write are named in the sentence of a check.
const NAMED_MAX: usize = 20;

/// So many statements are named in a check; a role can hold thousands of privileges.
const REMEDIES_MAX: usize = 5;

/// What was found about one SQL text of the profile before it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryRuling {
    /// `fact icx_total`, `source pieces`, `live units`.
    pub query: String,
    /// SHA-256 of the SQL.
    pub sql_sha256: Digest,
    /// Why it is refused; `None`: a plain read.
    pub refused: Option<String>,
    /// The relations that it would touch, views expanded.
    pub relations: Vec<String>,
    /// The functions that it can run and that are not PostgreSQL's own, each with the digest of its definition.
    /// `None`: recorded by a version that did not resolve them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Vec<String>>,
}

/// What G1 looks at.
#[derive(Debug, Clone, Copy)]
pub struct Feasibility<'a> {
    /// Profile of the run.
    pub profile: &'a Profile,
    /// The survey that becomes the pin.
    pub survey: &'a Survey,
    /// The proof of its transaction.
    pub proof: Option<&'a TransactionProof>,
    /// The rulings on the SQL of the profile.
    pub rulings: &'a [QueryRuling],
    /// Every statement that was sent to the server so far.
    pub statements: &'a [String],
    /// The scan of everything that the run has so far; `None`: nothing was scanned.
    pub secrets: Option<&'a SecretScan>,
    /// The recomputation of the journal so far; `None`: there is no journal.
    pub recomputed: Option<&'a Recomputed>,
}

/// The checks of G1 of every version of the table.
pub fn g1(seen: &Feasibility<'_>) -> Vec<Check> {
    let mut checks = vec![
        version_and_identifier(seen.survey),
        standby(seen.profile, seen.survey),
        session_role(seen.profile, seen.survey),
        role_is_read_only(seen.survey),
    ];
    checks.extend(session_checks(seen));
    checks.extend([
        facts_are_plain_reads(seen.profile, seen.rulings),
        facts_answer(seen.profile, seen.survey),
        Check::evaluated(
            CheckName::FactsDigestHolds,
            seen.survey.digest_holds(),
            format!("facts digest {}", seen.survey.facts_digest.short()),
            json!({"facts_digest": seen.survey.facts_digest}),
        ),
        expectations_met(seen.profile, seen.survey),
        pins_met(seen.profile, seen.survey),
        candidates_not_empty(seen.survey),
        audit_holds_at_pin(seen),
    ]);
    checks
}

fn version_and_identifier(survey: &Survey) -> Check {
    const NAME: CheckName = CheckName::ServerVersionAndSystemIdentifier;
    let server = &survey.server;
    if server.version_num >= VERSION_MIN && server.system_identifier.is_none() {
        return Check::not_checked(
            NAME,
            format!(
                "PostgreSQL {}; the role may not read pg_control_system()",
                server.version
            ),
            "GRANT EXECUTE ON FUNCTION pg_control_system() to the role",
        );
    }
    Check::evaluated(
        NAME,
        server.version_num >= VERSION_MIN,
        format!(
            "PostgreSQL {} (13 or newer is needed), system identifier {}",
            server.version,
            server.system_identifier.as_deref().unwrap_or("unknown")
        ),
        json!({"server": server}),
    )
}

fn standby(profile: &Profile, survey: &Survey) -> Check {
    let required = profile.target.require_standby;
    let recovery = survey.server.in_recovery;
    let what = if recovery { "a standby" } else { "a primary" };
    let asked = if required {
        "the profile requires a standby"
    } else {
        "the profile allows either"
    };
    Check::evaluated(
        CheckName::StandbyAsRequired,
        recovery || !required,
        format!("{what}; {asked}"),
        json!({"in_recovery": recovery, "require_standby": required}),
    )
}

fn session_role(profile: &Profile, survey: &Survey) -> Check {
    let expected = &profile.target.expected_role;
    let server = &survey.server;
    // All three: `SET ROLE` changes current_user only, and the role survey asked about the role that it names.
    let holds = server.session_user == *expected
        && server.current_user == *expected
        && survey.role.role == *expected;
    Check::evaluated(
        CheckName::SessionRole,
        holds,
        format!(
            "session_user {}, current_user {}, expected {expected}",
            server.session_user, server.current_user
        ),
        json!({
            "expected": expected, "session_user": server.session_user, "current_user": server.current_user,
            "surveyed": survey.role.role,
        }),
    )
}

fn role_is_read_only(survey: &Survey) -> Check {
    const NAME: CheckName = CheckName::RoleIsReadOnly;
    let role = &survey.role;
    let named = role.ways_to_write().take(NAMED_MAX);
    let mut ways: Vec<String> = named.map(RoleFinding::line).collect();
    let more = role.ways_count().saturating_sub(ways.len() as u64);
    if more > 0 {
        ways.push(format!("and {more} more ways to write"));
    }
    match role.is_read_only() {
        None => Check {
            raw: json!({"role": role}),
            ..Check::not_checked(
                NAME,
                format!("not answered: {}", role.unanswered.join("; ")),
                "let the role read the catalogs that these questions need",
            )
        },
        Some(read_only) => Check {
            remedy: (!read_only).then(|| remedies(role)),
            ..Check::evaluated(
                NAME,
                read_only,
                if read_only {
                    format!(
                        "0 ways found by {} questions, {}",
                        role.asked.len(),
                        counted(
                            usize::try_from(role.warnings_to_act_on_count()).unwrap_or(usize::MAX),
                            "warning"
                        )
                    )
                } else {
                    ways.join("; ")
                },
                json!({"role": role}),
            )
        },
    }
}

/// The statements that make the role read-only, as far as one statement takes a way away.
fn remedies(role: &RoleSurvey) -> String {
    let statements: BTreeSet<String> = role
        .ways_to_write()
        .filter_map(RoleFinding::remedy)
        .collect();
    if statements.is_empty() {
        return "let a role of its own survey, one that may only read".to_owned();
    }
    let shown = statements.iter().take(REMEDIES_MAX).cloned();
    let shown = shown.collect::<Vec<_>>().join("; ");
    let more = statements.len().saturating_sub(REMEDIES_MAX);
    match (more, role.more.is_empty()) {
        (0, true) => shown,
        (more, true) => format!("{shown}; and {more} more, which drygate doctor --sql prints"),
        (_, false) => format!("{shown}; and more, which drygate doctor --sql prints"),
    }
}

fn session_checks(seen: &Feasibility<'_>) -> [Check; 4] {
    const NAMES: [CheckName; 4] = [
        CheckName::TransactionReadOnly,
        CheckName::SearchPathEmpty,
        CheckName::RowSecurityOff,
        CheckName::SessionLeftNothing,
    ];
    let Some(proof) = seen
        .proof
        // The proof of another transaction says nothing about this survey.
        .filter(|proof| proof.nonce == seen.survey.snapshot.nonce)
    else {
        return NAMES.map(|name| {
            Check::not_checked(
                name,
                "the end of the survey's transaction was not seen",
                "drygate resume RUN_ID takes the survey again",
            )
        });
    };
    let [of_transaction, of_path, of_rows, of_session] = NAMES;
    // The values come from one answer of the server: without `read_only` none of them was read.
    let Some(read_only) = proof.read_only else {
        return [
            not_measured(of_transaction, proof),
            not_measured(of_path, proof),
            not_measured(of_rows, proof),
            left_nothing(of_session, proof),
        ];
    };
    [
        Check::evaluated(
            of_transaction,
            read_only && proof.isolation == "repeatable read",
            format!("read only {read_only}, {}", proof.isolation),
            json!({"read_only": read_only, "isolation": proof.isolation}),
        ),
        Check::evaluated(
            of_path,
            // Both are ways in which PostgreSQL prints an empty search path.
            matches!(proof.search_path.as_str(), "" | "\"\""),
            format!("search_path is \"{}\"", proof.search_path),
            json!({"search_path": proof.search_path}),
        ),
        Check::evaluated(
            of_rows,
            proof.row_security == "off",
            format!("row_security is {}", proof.row_security),
            json!({"row_security": proof.row_security}),
        ),
        left_nothing(of_session, proof),
    ]
}

fn left_nothing(name: CheckName, proof: &TransactionProof) -> Check {
    let violations = proof.violations();
    if violations.is_empty() && !proof.is_clean() {
        return not_measured(name, proof);
    }
    let says = if violations.is_empty() {
        "no transaction id, no lock but AccessShare, 0 rows written, nothing left behind".to_owned()
    } else {
        violations.join("; ")
    };
    Check::evaluated(name, violations.is_empty(), says, json!({"proof": proof}))
}

fn not_measured(name: CheckName, proof: &TransactionProof) -> Check {
    Check {
        raw: json!({"proof": proof}),
        ..Check::not_checked(
            name,
            format!("not measured: {}", proof.unmeasured.join("; ")),
            "let the role read the catalogs that the proof is read from",
        )
    }
}

fn facts_answer(profile: &Profile, survey: &Survey) -> Check {
    let keys = profile
        .facts
        .iter()
        .map(|f| f.key.as_str())
        .chain(profile.functions.iter().map(|f| f.key.as_str()))
        .chain(profile.grants_key())
        .chain(profile.contents.iter().map(|c| c.key.as_str()));
    let absent = keys
        .filter(|key| survey.fact(key).is_none())
        .map(|key| format!("{key}: not asked"));
    let unknown: Vec<String> = survey
        .unknown()
        .map(|fact| match &fact.observed {
            Observed::Unknown { unknown } => format!("{}: {unknown}", fact.key),
            Observed::Live(_) | Observed::Derived(_) => fact.key.to_string(),
        })
        // A fact that the survey did not even ask for is as bad as one without an answer.
        .chain(absent)
        .chain(
            survey
                .unread
                .iter()
                .map(|stream| format!("{}: {}", stream.query, stream.reason)),
        )
        .collect();
    let says = if unknown.is_empty() {
        format!("{} facts answered", survey.facts.len())
    } else {
        unknown.join("; ")
    };
    Check::evaluated(
        CheckName::FactsAnswer,
        unknown.is_empty() && !survey.facts.is_empty(),
        says,
        json!({"facts": survey.facts.len(), "unknown": unknown}),
    )
}

fn compare(survey: &Survey, wanted: &[(&str, &str)]) -> (Vec<String>, serde_json::Value) {
    let found = |key: &str| survey.fact(key).and_then(|f| f.observed.value());
    let unmet = wanted
        .iter()
        .filter(|(key, value)| found(key) != Some(*value))
        .map(|(key, value)| format!("{key} is {}, not {value}", found(key).unwrap_or("unknown")))
        .collect();
    let raw = wanted
        .iter()
        .map(|(key, value)| json!({"key": key, "expected": value, "found": found(key)}))
        .collect();
    (unmet, raw)
}

fn expectations_met(profile: &Profile, survey: &Survey) -> Check {
    let wanted: Vec<(&str, &str)> = profile
        .facts
        .iter()
        .filter_map(|f| Some((f.key.as_str(), f.expect.as_deref()?)))
        .collect();
    let (unmet, raw) = compare(survey, &wanted);
    let says = match (wanted.len(), unmet.is_empty()) {
        (0, _) => "the profile declares no expected value".to_owned(),
        (n, true) => format!("{n} expected values are as declared"),
        (_, false) => unmet.join("; "),
    };
    Check::evaluated(
        CheckName::ExpectationsMet,
        unmet.is_empty(),
        says,
        json!({"expected": raw}),
    )
}

/// A pinned function or grant matrix must be there in any case, and be the declared one where the profile declares it.
fn pins_met(profile: &Profile, survey: &Survey) -> Check {
    let wanted: Vec<(&str, &str)> = profile
        .functions
        .iter()
        .filter_map(|f| Some((f.key.as_str(), f.expect.as_deref()?)))
        .chain(
            profile
                .grants
                .iter()
                .filter_map(|grants| Some((grants.key.as_str(), grants.expect.as_deref()?))),
        )
        .collect();
    let (mut unmet, raw) = compare(survey, &wanted);
    let keys = profile.functions.iter().map(|f| f.key.as_str());
    let pinned: Vec<&str> = keys.chain(profile.grants_key()).collect();
    unmet.extend(
        pinned
            .iter()
            .filter(|key| survey.fact(key).is_none_or(|f| f.value().is_empty()))
            .map(|key| format!("{key} has no value")),
    );
    let says = if unmet.is_empty() {
        format!("{} pinned, {} declared", pinned.len(), wanted.len())
    } else {
        unmet.join("; ")
    };
    Check::evaluated(
        CheckName::PinsMet,
        unmet.is_empty(),
        says,
        json!({"pinned": pinned, "declared": raw}),
    )
}

fn candidates_not_empty(survey: &Survey) -> Check {
    const NAME: CheckName = CheckName::CandidatesNotEmpty;
    match &survey.candidates {
        None => Check::not_checked(
            NAME,
            "the live units were not read to their end",
            "a full survey",
        ),
        Some(units) => Check::evaluated(
            NAME,
            units.rows > 0,
            format!("{} live units", units.rows),
            json!({"candidates": units, "pieces": survey.pieces}),
        ),
    }
}

/// The detectors of G6 that can look already now. What they would find at the end must not be found after two approvals.
fn audit_holds_at_pin(seen: &Feasibility<'_>) -> Check {
    const NAME: CheckName = CheckName::AuditHoldsAtPin;
    let Some(scan) = seen.secrets else {
        return Check::not_checked(
            NAME,
            "profile, journal and documents were not scanned",
            "drygate run scans them",
        );
    };
    let counts = |row: CheckName| !is_excluded(seen.profile, &row);
    let findings = if counts(CheckName::ForbiddenHardcodedSecrets) {
        scan.findings.as_slice()
    } else {
        &[]
    };
    let recomputed = seen.recomputed.iter().flat_map(|again| &again.findings);
    let recomputed = recomputed.filter(|_| counts(CheckName::ForbiddenFakePass));
    let unlike: Vec<String> = recomputed.map(ToString::to_string).collect();
    let live = if counts(CheckName::ForbiddenLiveCutVerifyEnact) {
        live_statements(seen.profile, seen.statements)
    } else {
        Vec::new()
    };
    let live: Vec<String> = live.into_iter().cloned().collect();
    audit_holds(findings, &live, &unlike)
}

/// The same from what was found.
pub fn audit_holds(findings: &[String], live: &[String], unlike: &[String]) -> Check {
    let says = if let Some(first) = findings.first() {
        format!("{first}; the audit of G6 would fail on it")
    } else if let Some(first) = live.first() {
        let shown: String = first.chars().take(80).collect();
        format!("a query names a pinned function as if it called it: {shown}")
    } else if let Some(first) = unlike.first() {
        format!("{first}; the audit of G6 would fail on it")
    } else {
        "nothing that the audit of G6 forbids is there".to_owned()
    };
    Check::evaluated(
        CheckName::AuditHoldsAtPin,
        findings.is_empty() && live.is_empty() && unlike.is_empty(),
        says,
        json!({"findings": findings, "live": live, "unlike": unlike}),
    )
}

#[cfg(test)]
#[path = "feasibility_tests.rs"]
mod tests;
