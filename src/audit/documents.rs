//! The documents behind facts and steps, computed again from the blobs: the part of `verify` that needs more than the journal.
//! A value whose document gives another one is a finding; a document that is named and missing too.

use std::collections::BTreeSet;
use std::io::BufRead;

use md5::{Digest as _, Md5};

use super::row_ledger::ledger_of_effect;
use super::{RecomputeFinding, ssot_digests};
use crate::profile::Profile;
use crate::run::{
    ApprovalGate, ChangeRead, ChangeRehearsed, CheckRecorded, Event, EvidenceTaken, MovedRows,
    RehearsalOutcome, RehearsedRow, RehearsedTable, RowOperation, SHOWN_CHARACTERS_MAX,
    SurveyPurpose, SurveyTaken,
};
use crate::simulate::{Simulation, StepCounts, UnitDecision, UnitVerification};
use crate::survey::{
    Digest, EvidenceFormat, Fact, FactPart, Hasher, Survey, content_format, content_of_document,
    is_surroundings, parts_of,
};

/// The documents of a run. One that may be long is opened: its text is not needed as a whole.
#[derive(Clone, Copy)]
pub struct KeptDocuments<'a> {
    /// The text of a blob; `None`: it is not there.
    pub text: &'a dyn Fn(&Digest) -> Option<String>,
    /// A blob that is read piece by piece; `None`: it is not there, or has another digest.
    pub open: &'a dyn Fn(&Digest) -> Option<Box<dyn BufRead>>,
}

/// What of an event does not follow from the documents of its run. `approved` is what the last rehearsal for SG1 did, kept from event
/// to event.
pub fn document_findings(
    profile: Option<&Profile>,
    (seq, event): (u64, &Event),
    approved: &mut Option<RehearsalOutcome>,
    document: KeptDocuments<'_>,
) -> Vec<RecomputeFinding> {
    let found = match event {
        Event::RunCreated(created) => {
            let mut found = missing("the profile", &created.profile_sha256, document);
            let policy = created.policy_sha256.as_ref();
            let policy = policy.map(|blob| missing("the machine's policy", blob, document));
            found.extend(policy.into_iter().flatten());
            found
        }
        Event::CheckRecorded(CheckRecorded { check, .. }) => ssot_digests(check)
            .iter()
            .flat_map(|digest| missing("an SSOT document", digest, document))
            .collect(),
        Event::ContextPinned(pinned) => missing("the context pins", &pinned.blob, document),
        Event::SurveyTaken(SurveyTaken {
            purpose, survey, ..
        }) => survey_findings(profile, *purpose, survey, document),
        Event::EvidenceTaken(EvidenceTaken {
            evidence, sheet, ..
        }) => {
            let last = sheet.last_pass.as_ref().map(|(_, _, blob)| blob);
            let last = last.map(|blob| missing("the copy of the last PASS", blob, document));
            let mut found = missing("the evidence sheet", evidence, document);
            found.extend(last.into_iter().flatten());
            found
        }
        Event::ChangeRead(ChangeRead { files }) => files
            .iter()
            .flat_map(|file| missing("a file of the change", &file.sha256, document))
            .collect(),
        Event::ChangeRehearsed(rehearsed) => {
            let found = rehearsal_findings(rehearsed, approved, document);
            found.err().into_iter().collect()
        }
        Event::RunResumed(_)
        | Event::TornTailSetAside(_)
        | Event::GateStarted(_)
        | Event::GateFinished(_)
        | Event::TransactionOpened(_)
        | Event::TransactionClosed(_)
        | Event::TransactionUnseen(_)
        | Event::StatementsRecorded(_)
        | Event::EffectPredicted(_)
        | Event::UnitsProgressed(_)
        | Event::StateChanged(_)
        | Event::StopRaised(_)
        | Event::EvidenceShown(_)
        | Event::ApprovalRecorded(_)
        | Event::ApprovalRefused(_)
        | Event::LiveRead(_)
        | Event::ChangesAttributed(_)
        | Event::DriftFound(_)
        | Event::EvidenceRenewed(_)
        | Event::InvocationReturned(_)
        | Event::NonMutationJudged(_)
        | Event::TestsDeclared(_)
        | Event::ProgramReplaced(_)
        | Event::RepositoryMoved(_)
        | Event::ChangeMoved(_)
        | Event::CopyListed(_)
        | Event::HookStarted(_)
        | Event::HookRan(_)
        | Event::RunSealed(_) => Vec::new(),
    };
    let finding = |what| RecomputeFinding { seq, what };
    found.into_iter().map(finding).collect()
}

fn missing(what: &str, digest: &Digest, document: KeptDocuments<'_>) -> Vec<String> {
    let there = (document.open)(digest).is_some();
    let finding = || format!("{what} is not among the blobs: {digest}");
    (!there).then(finding).into_iter().collect()
}

/// The documents of pin and post survey are kept in any case, those of others where they drifted.
fn survey_findings(
    profile: Option<&Profile>,
    purpose: SurveyPurpose,
    survey: &Survey,
    document: KeptDocuments<'_>,
) -> Vec<String> {
    let kept = matches!(purpose, SurveyPurpose::Pin | SurveyPurpose::Post);
    let mut found = Vec::new();
    for fact in &survey.facts {
        let Some(reference) = &fact.document else {
            continue;
        };
        let finding = match profile {
            // Its value is the digest of the document, and so is the name of the blob.
            Some(profile) if is_digest_of_document(profile, fact) && fact.parts.is_empty() => {
                let is_intact = (document.open)(&reference.sha256).is_some();
                is_intact.then(|| differs(fact, reference.sha256.as_str()))
            }
            _ => (document.text)(&reference.sha256).map(|text| fact_finding(profile, fact, &text)),
        };
        match finding {
            Some(finding) => found.extend(finding),
            None if kept => found.push(format!(
                "the document of {} is not among the blobs: {}",
                fact.key, reference.sha256
            )),
            None => {}
        }
    }
    found
}

fn is_digest_of_document(profile: &Profile, fact: &Fact) -> bool {
    profile.grants_key() == Some(fact.key.as_str()) || is_surroundings(&fact.key)
}

/// Why a fact does not have the value that its document gives.
fn differs(fact: &Fact, value: &str) -> Option<String> {
    (fact.observed.value() != Some(value)).then(|| {
        let key = &fact.key;
        format!("{key} is {value} by its document, not {}", fact.value())
    })
}

fn fact_finding(profile: Option<&Profile>, fact: &Fact, text: &str) -> Option<String> {
    let profile = profile?;
    let key = fact.key.as_str();
    let lines = text.lines().count() as u64;
    let is_content = profile.contents.iter().any(|content| content.key == key);
    let value = if is_content && content_format(fact.value()) == EvidenceFormat::Two {
        return content_finding(fact, text);
    } else if is_content {
        if fact.rows != Some(lines) {
            return Some(format!(
                "{key} has {lines} rows by its document, not {:?}",
                fact.rows
            ));
        }
        let mut hasher = Hasher::new();
        text.lines().for_each(|line| hasher.field(line));
        hasher.finish().to_string()
    } else if is_digest_of_document(profile, fact) {
        if !fact.parts.is_empty() && !has_parts_of(fact, text) {
            return Some(format!("the parts of {key} are not those of its document"));
        }
        Digest::of(text).to_string()
    } else if profile.functions.iter().any(|function| function.key == key) {
        let hash: [u8; 16] = Md5::digest(text).into();
        format!("{:032x}", u128::from_be_bytes(hash))
    } else {
        return None;
    };
    differs(fact, &value)
}

/// Whether the recorded parts of a definition are those of its document, by name and digest.
fn has_parts_of(fact: &Fact, text: &str) -> bool {
    let parts = parts_of(text);
    let same = |part: &FactPart| parts.get(&part.name) == Some(&part.sha256);
    fact.parts.len() == parts.len() && fact.parts.iter().all(same)
}

/// Why a document of format 2 does not give the rows and the value of its table. With hidden columns it cannot give the value.
fn content_finding(fact: &Fact, text: &str) -> Option<String> {
    let key = &fact.key;
    let found = match content_of_document(text) {
        Ok(found) => found,
        Err(why) => return Some(format!("the document of {key}: {why}")),
    };
    if fact.rows != Some(found.rows) {
        return Some(format!(
            "{key} has {} rows by its document, not {:?}",
            found.rows, fact.rows
        ));
    }
    differs(fact, &found.value?)
}

/// Why the outcome of a rehearsal is not that of its blob, its counts are not those of the rows there, or the rows that moved are
/// others. `approved` is what the last rehearsal for SG1 did.
fn rehearsal_findings(
    rehearsed: &ChangeRehearsed,
    approved: &mut Option<RehearsalOutcome>,
    document: KeptDocuments<'_>,
) -> Result<(), String> {
    let whole = match (&rehearsed.outcome, &rehearsed.blob) {
        (Some(outcome), Some(blob)) => {
            let text = (document.text)(blob)
                .ok_or_else(|| format!("the rehearsed effect is not among the blobs: {blob}"))?;
            let whole: RehearsalOutcome = serde_json::from_str(&text)
                .map_err(|_| format!("the rehearsed effect does not read: {blob}"))?;
            if whole.without_rows() != **outcome {
                return Err("the rehearsed effect is not that of its blob".to_owned());
            }
            Some(whole)
        }
        (None, None) => None,
        _ => {
            return Err("a rehearsal has an outcome and no blob of it, or none and one".to_owned());
        }
    };
    match (&whole, &rehearsed.ledger) {
        (Some(whole), Some(ledger)) => {
            let ledger = (document.open)(ledger)
                .ok_or_else(|| format!("the ledger of rows is not among the blobs: {ledger}"))?;
            ledger_of_effect(ledger, whole)?;
        }
        (None, Some(_)) => return Err("a ledger of rows without an effect".to_owned()),
        (_, None) => {}
    }
    let mut tables = whole.iter().flat_map(|whole| &whole.effect);
    let fits = |table: &RehearsedTable| {
        has_its_rows(table) && has_its_columns(table) && table.rows.iter().all(shows_what_it_does)
    };
    if let Some(table) = tables.find(|table| !fits(table)) {
        return Err(format!(
            "the rows of {} do not give its counts, columns and values",
            table.table
        ));
    }
    if rehearsed.gate == ApprovalGate::SG1 {
        *approved = whole;
        return rehearsed
            .moved
            .is_empty()
            .then_some(())
            .ok_or_else(moved_otherwise);
    }
    let moved = match (approved, &whole) {
        (Some(was), Some(is)) => MovedRows::between(was, is),
        _ => Vec::new(),
    };
    (moved == rehearsed.moved)
        .then_some(())
        .ok_or_else(moved_otherwise)
}

fn moved_otherwise() -> String {
    "the rows that joined or left are not those of the two rehearsals".to_owned()
}

/// Whether the rows of a table are as many as its counts say; of one whose rows are not all listed it cannot be told.
fn has_its_rows(table: &RehearsedTable) -> bool {
    let listed = |operation: RowOperation| {
        let rows = table.rows.iter().filter(|row| row.operation == operation);
        rows.count() as u64
    };
    let counts = [
        (RowOperation::Insert, table.inserted),
        (RowOperation::Update, table.updated),
        (RowOperation::Delete, table.deleted),
        (RowOperation::Touch, table.touched),
    ];
    let mut sides = counts
        .iter()
        .map(|(operation, count)| (listed(*operation), *count.get()));
    if table.rows_left_out == 0 {
        return sides.all(|(listed, counted)| listed == counted);
    }
    let all: u64 = counts.iter().map(|(_, count)| count.get()).sum();
    sides.all(|(listed, counted)| listed <= counted)
        && table.rows.len() as u64 + table.rows_left_out == all
}

/// Whether the columns that the updates of a table changed are those of its rows.
fn has_its_columns(table: &RehearsedTable) -> bool {
    let of_rows = table.rows.iter().flat_map(|row| &row.columns);
    let of_rows: BTreeSet<&String> = of_rows.collect();
    let told: BTreeSet<&String> = table.columns.iter().collect();
    of_rows.is_subset(&told) && (table.rows_left_out > 0 || told == of_rows)
}

/// Whether the values that are shown of a row are those of what was done to it.
fn shows_what_it_does(row: &RehearsedRow) -> bool {
    // A long value is shown by its first characters alone, which may be the same.
    let is_cut = |value: &Option<String>| {
        let length = value.as_ref().map(|value| value.chars().count());
        length.is_some_and(|characters| characters >= SHOWN_CHARACTERS_MAX)
    };
    let is_update = row.operation == RowOperation::Update;
    (is_update || row.columns.is_empty())
        && row.values.iter().all(|value| {
            let (before, after) = (&value.before, &value.after);
            match row.operation {
                RowOperation::Insert => before.is_none(),
                RowOperation::Delete => after.is_none(),
                RowOperation::Update if row.columns.contains(&value.column) => {
                    before != after || is_cut(before)
                }
                RowOperation::Touch | RowOperation::Update => before == after,
            }
        })
}

/// Why a unit ledger does not give the counts of its step. `lines` are those of the ledger.
pub fn ledger_finding(
    lines: impl IntoIterator<Item = impl AsRef<str>>,
    counts: &StepCounts,
) -> Option<String> {
    let mut simulation = Simulation::default();
    for (at, line) in lines.into_iter().enumerate() {
        let Ok(decision) = serde_json::from_str::<UnitDecision>(line.as_ref()) else {
            return Some(format!("line {} is no decision", at + 1));
        };
        // A unit that is only predicted cannot have a live state.
        let lifeless = matches!(
            decision.verify,
            UnitVerification::AsCut | UnitVerification::NotCut
        );
        if lifeless && decision.state.is_some() {
            return Some(format!("line {} is cut and live at once", at + 1));
        }
        simulation.add(&decision);
    }
    (simulation.counts != *counts)
        .then(|| "its decisions do not give the counts of its step".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::profile;
    use super::{fact_finding, ledger_finding};
    use crate::simulate::StepCounts;
    use crate::survey::{
        Digest, DriftRule, Fact, FactKey, FactKind, FactPart, Live, Observed, Simulated, parts_of,
    };

    #[test]
    fn a_definition_has_the_value_and_the_parts_of_its_document() {
        let text = "owner\ta\n[p.one] owner\ta\n";
        let part = |(name, sha256)| FactPart {
            name,
            sha256,
            without_rows: false,
        };
        let fact = Fact {
            key: FactKey::new("definition.t"),
            label: String::new(),
            kind: FactKind::Sha256,
            observed: Observed::Live(Live::new(Digest::of(text).to_string())),
            rows: None,
            document: None,
            sql_sha256: None,
            live: false,
            drift: DriftRule::NotNewParts,
            parts: parts_of(text).into_iter().map(part).collect(),
        };
        let finding = |fact: &Fact| fact_finding(Some(&profile()), fact, text);
        assert_eq!(finding(&fact), None);
        let mut other = fact.clone();
        other.parts[1].sha256 = Digest::of("else");
        assert!(finding(&other).is_some());
        let mut fewer = fact.clone();
        fewer.parts.pop();
        assert!(finding(&fewer).is_some());
        let mut moved = fact;
        moved.observed = Observed::Live(Live::new(Digest::of("else").to_string()));
        assert!(finding(&moved).is_some());
    }

    #[test]
    fn a_ledger_must_give_the_counts_of_its_step() {
        let line = r#"{"key":"U-1","cut":"already_present","verify":"equal","enact":"would_enact","state":"draft"}"#;
        let counts = StepCounts {
            already_present: Simulated::new(1),
            verified: Simulated::new(1),
            would_enact: Simulated::new(1),
            ..StepCounts::default()
        };
        assert_eq!(ledger_finding([line], &counts), None);
        assert!(ledger_finding([line, line], &counts).is_some());
        assert!(ledger_finding(["{}"], &counts).is_some());
    }
}
