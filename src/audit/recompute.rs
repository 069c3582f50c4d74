//! Every verdict of a journal, computed again from what the journal recorded.
//! Invariant: a verdict that its evidence does not give is a finding with its line (test
//! `every_verdict_that_is_turned_round_is_found_by_name`).

use std::collections::BTreeMap;

use thiserror::Error;

use super::predict::same_rows;
use super::recompute_beside::beside_findings;
use super::recompute_gates::{check_findings, gate_findings};
use super::recompute_order::{RecordedOrder, not_the_approved_pin, opened_by};
use super::recompute_raw::agrees;
use super::required::table_of;
use super::terms::{expiry_finding, terms_findings};
use super::{claims, non_mutation, obstacles, predict, result, result_name};
use crate::profile::Profile;
use crate::run::{
    ApprovalGate, CheckRecorded, Claim, ContextPinned, ContextPins, DriftFound, EffectPredicted,
    Event, EvidenceSheet, EvidenceShown, EvidenceTaken, GateFinished, History, NonMutation,
    RunResult, RunSealed, RunState, State, StateChanged, StopCode, SurveyPurpose,
    TransactionClosed, TransactionEnd, TransactionOpened, UnitsProgressed,
};
use crate::simulate::{PredictedEffect, SimulatedStep, StepCounts};
use crate::survey::{Attribution, Digest, RoleSurvey, Survey, TransactionProof, UtcTime, compare};

/// Something recorded that cannot be reproduced from the journal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("record {seq}: {what}")]
pub struct RecomputeFinding {
    /// Sequence number of the journal line.
    pub seq: u64,
    /// What, in one sentence.
    pub what: String,
}

/// What recomputing a journal gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recomputed {
    /// The run, of the records that were legal.
    pub history: History,
    /// Whether all records were legal.
    pub is_legal: bool,
    /// Records that were read.
    pub records: u64,
    /// What cannot be reproduced. Empty: every verdict follows from its evidence.
    pub findings: Vec<RecomputeFinding>,
}

/// Recomputes a whole journal. The profile is the one whose text is the run's blob; without it, what needs it is not compared.
pub fn recompute<'e>(
    profile: Option<&Profile>,
    events: impl IntoIterator<Item = (u64, UtcTime, &'e Event, &'e Digest)>,
) -> Recomputed {
    let mut recomputer = Recomputer::new(profile);
    for (seq, at, event, head) in events {
        recomputer.feed(seq, at, event, head);
    }
    recomputer.finish()
}

/// Recomputes record by record.
#[derive(Debug)]
pub struct Recomputer<'p> {
    profile: Option<&'p Profile>,
    done: Recomputed,
    nonces: BTreeMap<u64, String>,
    order: RecordedOrder,
}

impl<'p> Recomputer<'p> {
    /// A recomputation that has read nothing yet.
    pub fn new(profile: Option<&'p Profile>) -> Self {
        Self {
            profile,
            done: Recomputed {
                is_legal: true,
                ..Recomputed::default()
            },
            nonces: BTreeMap::new(),
            order: RecordedOrder::default(),
        }
    }

    /// Reads the next record; `head` is the SHA-256 of its line.
    pub fn feed(&mut self, seq: u64, at: UtcTime, event: &Event, head: &Digest) {
        let mut found = Vec::new();
        if seq != self.done.records {
            found.push(format!("it is record {} of the journal", self.done.records));
        }
        found.extend(
            self.order
                .findings(self.done.history.run(), self.profile, event),
        );
        // Looked at before it is applied: a record is judged by the run as it was when it was written.
        self.look(at, event, &mut found);
        // An illegal record is left out of the fold, and the rest is still judged.
        if let Err(illegal) = self.done.history.take(seq, at, event, head) {
            found.insert(0, illegal.to_string());
            self.done.is_legal = false;
        }
        self.done.records += 1;
        self.done
            .findings
            .extend(found.into_iter().map(|what| RecomputeFinding { seq, what }));
    }

    /// The run, of the records that were legal so far.
    pub fn history(&self) -> &History {
        &self.done.history
    }

    /// Whether all records so far were legal.
    pub fn is_legal(&self) -> bool {
        self.done.is_legal
    }

    /// Ends the recomputation and gives what was found.
    pub fn finish(self) -> Recomputed {
        self.done
    }

    fn look(&mut self, at: UtcTime, event: &Event, found: &mut Vec<String>) {
        let run = self.done.history.run();
        match event {
            Event::RunCreated(created) => {
                let unlike = self.profile.map(|profile| terms_findings(profile, created));
                found.extend(unlike.into_iter().flatten());
            }
            Event::CheckRecorded(CheckRecorded { gate, check }) => {
                found.extend(check_findings(run, self.profile, *gate, check));
            }
            Event::GateFinished(GateFinished { gate, .. }) => {
                found.extend(gate_findings(run, self.profile, *gate));
            }
            Event::TransactionOpened(TransactionOpened { id, nonce, .. }) => {
                self.nonces.insert(*id, nonce.clone());
            }
            Event::TransactionClosed(TransactionClosed { id, proof }) => {
                let opened = self.nonces.remove(id);
                found.extend(other_nonce(*id, opened.as_deref(), &proof.nonce));
            }
            Event::SurveyTaken(taken) => {
                found.extend(survey_findings(run, &taken.survey));
                found.extend(beside_findings(run, self.profile, taken));
            }
            Event::ContextPinned(ContextPinned { context, .. }) => {
                found.extend(context_findings(run, context));
            }
            Event::EffectPredicted(EffectPredicted {
                predicted, counts, ..
            }) => found.extend(prediction_findings(run, self.profile, predicted, counts)),
            Event::UnitsProgressed(UnitsProgressed { step, counts, .. }) => {
                found.extend(step_findings(run, *step, counts));
            }
            Event::StateChanged(StateChanged { to, .. }) => {
                found.extend(transition_findings(run, *to));
            }
            Event::EvidenceTaken(EvidenceTaken {
                evidence,
                sheet,
                expires_at,
                ..
            }) => {
                found.extend(sheet_findings(run, self.profile, evidence, sheet));
                found.extend(expiry_finding(run, at, *expires_at));
            }
            Event::EvidenceShown(EvidenceShown { expires_at, .. }) => {
                found.extend(expiry_finding(run, at, *expires_at));
            }
            Event::ChangesAttributed(attribution) => {
                found.extend(attribution_findings(run, attribution));
            }
            Event::DriftFound(DriftFound { drift, .. }) => found.extend(drift_findings(run, drift)),
            Event::NonMutationJudged(judged) => found.extend(judgement_findings(run, judged)),
            Event::RunSealed(RunSealed {
                result,
                outcome,
                exit_code,
                stop_code,
                ..
            }) => {
                let said = (result.as_str(), *outcome, *exit_code, *stop_code);
                found.extend(seal_findings(run, said));
            }
            // What these say is not computed from anything else of the journal.
            Event::ApprovalRecorded(_)
            | Event::RunResumed(_)
            | Event::TornTailSetAside(_)
            | Event::GateStarted(_)
            | Event::TransactionUnseen(_)
            | Event::StatementsRecorded(_)
            | Event::StopRaised(_)
            | Event::ApprovalRefused(_)
            | Event::LiveRead(_)
            | Event::EvidenceRenewed(_)
            | Event::InvocationReturned(_)
            | Event::TestsDeclared(_)
            | Event::ProgramReplaced(_)
            | Event::RepositoryMoved(_)
            | Event::ChangeRead(_)
            | Event::ChangeMoved(_)
            | Event::CopyListed(_)
            | Event::ChangeRehearsed(_)
            | Event::HookStarted(_)
            | Event::HookRan(_) => {}
        }
    }
}

fn other_nonce(id: u64, opened: Option<&str>, closed: &str) -> Option<String> {
    (opened != Some(closed))
        .then(|| format!("transaction {id} closed with a nonce that it did not open with"))
}

fn context_findings(run: &RunState, context: &ContextPins) -> Option<String> {
    let pinned = run.pin.as_ref().is_some_and(|pin| {
        context.facts_digest == pin.facts_digest
            && context.simulator_input_digest == pin.input_digest()
            && context.pin_nonce == pin.snapshot.nonce
    });
    (!pinned).then(|| "the context pins are not of the pin".to_owned())
}

fn prediction_findings(
    run: &RunState,
    profile: Option<&Profile>,
    predicted: &PredictedEffect,
    counts: &StepCounts,
) -> Vec<String> {
    let mut found = Vec::new();
    let simulation = run.pin_simulation.as_deref();
    if simulation.is_none_or(|s| s.counts != *counts) {
        found.push("the predicted counts are not those of the pin".to_owned());
    }
    let again = profile.zip(simulation).and_then(|(p, s)| predict(p, s));
    if again.is_some_and(|again| !same_rows(&again, predicted)) {
        found.push("the predicted effect does not follow from the counts".to_owned());
    }
    found
}

/// The proof of the transaction with this nonce, where its end was seen.
pub(super) fn proof_of<'r>(run: &'r RunState, nonce: &str) -> Option<&'r TransactionProof> {
    run.transactions.iter().rev().find_map(|t| match &t.end {
        TransactionEnd::Closed(proof) => (proof.nonce == nonce).then_some(proof.as_ref()),
        TransactionEnd::Open | TransactionEnd::Unseen(_) => None,
    })
}

fn survey_findings(run: &RunState, survey: &Survey) -> Vec<String> {
    let mut found = Vec::new();
    if !survey.digest_holds() {
        found.push("the facts digest is not that of the facts".to_owned());
    }
    let snapshot = &survey.snapshot;
    match proof_of(run, &snapshot.nonce) {
        None => found.push("no closed transaction carries the nonce of this survey".to_owned()),
        Some(proof) => {
            let same = proof.virtual_xid == snapshot.virtual_xid
                && proof.snapshot == snapshot.snapshot
                && proof.server_time == snapshot.server_time;
            if !same {
                found.push(
                    "the survey and the proof of its transaction name two snapshots".to_owned(),
                );
            }
        }
    }
    let derived = survey.role.is_read_only().map(|answer| answer.to_string());
    if let Some(fact) = survey.fact(RoleSurvey::READ_ONLY_FACT)
        && fact.observed.value() != derived.as_deref()
    {
        found.push(
            "role_is_read_only does not follow from the findings of the role survey".to_owned(),
        );
    }
    found
}

/// A step is simulated from the survey that was taken for its approval, where that approval lets it be.
fn step_findings(run: &RunState, step: SimulatedStep, counts: &StepCounts) -> Vec<String> {
    let (gate, state) = opened_by(step);
    let step = run.words().step(step);
    let of_survey = run.latest_simulation.as_ref();
    let mut found: Vec<String> = not_the_approved_pin(run, gate).into_iter().collect();
    let surveyed = run.latest.as_ref().map(|(purpose, _)| *purpose);
    if surveyed != Some(SurveyPurpose::of(gate)) {
        found.push(format!("{step} is simulated before it was surveyed for"));
    }
    if run.state != state {
        found.push(format!("{step} is not simulated in {}", run.state));
    }
    if of_survey.is_none_or(|simulation| simulation.counts != *counts) {
        found.push(format!("the counts of {step} are not those of its survey"));
    }
    found
}

/// An approval takes effect only after the facts were surveyed for it and did not differ.
fn transition_findings(run: &RunState, to: State) -> Vec<String> {
    let Some(gate) = to.opened_by() else {
        return Vec::new();
    };
    let purpose = SurveyPurpose::of(gate);
    let held = run
        .pin
        .as_ref()
        .zip(run.latest.as_ref())
        .is_some_and(|(pin, (latest, survey))| {
            let differs = run.differs(compare(pin, survey), survey);
            *latest == purpose && differs.is_empty() && run.follows(pin, survey)
        });
    let unheld = (!held).then(|| format!("{to} without a survey of its own that equals the pin"));
    let done = |step: &SimulatedStep| run.steps.iter().any(|done| done.step == *step);
    let first = gate.steps().first().filter(|_| run.simulates());
    let undone = first.filter(|(step, _)| !done(step));
    let undone = undone.map(|(step, _)| format!("{to} without {}", run.words().step(*step)));
    let other = not_the_approved_pin(run, gate);
    let unrehearsed = run.change().is_some() && run.rehearsal_of(gate).is_none();
    let unrehearsed = unrehearsed.then(|| format!("{to} without a rehearsal for {gate}"));
    let lacking = undone.into_iter().chain(unrehearsed);
    unheld.into_iter().chain(lacking).chain(other).collect()
}

fn sheet_findings(
    run: &RunState,
    profile: Option<&Profile>,
    evidence: &Digest,
    sheet: &EvidenceSheet,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            found.push(what.to_owned());
        }
    };
    must(
        sheet
            .bytes()
            .is_ok_and(|bytes| Digest::of(bytes) == *evidence),
        "the evidence digest is not that of the sheet",
    );
    let pinned = run.pin.as_ref().is_some_and(|pin| {
        sheet.facts_digest == pin.facts_digest
            && sheet.facts == pin.facts
            && sheet.pin_nonce == pin.snapshot.nonce
    });
    must(pinned, "the sheet does not show the facts of the pin");
    let predicted = (sheet.predicted.clone()).zip(sheet.predicted_counts.clone());
    must(
        predicted == run.predicted && predicted.is_some() == run.simulates(),
        "the sheet does not show the prediction of this run",
    );
    must(
        sheet_is_of(run, sheet),
        "the sheet names another run, round, server, target, profile, context, change or drift than the journal",
    );
    must(
        sheet.verdict_counts == run.verdict_counts(),
        "the sheet counts other verdicts than the journal",
    );
    // Older runs did not say it.
    let said = table_of(run) == 1
        || profile.is_none_or(|profile| sheet.cannot_pass == obstacles(run, profile));
    must(
        said,
        "what the sheet says against a PASS does not follow from the run",
    );
    must(
        same_claims(&sheet.claims, &claims(run)),
        "the claims of the sheet do not follow from the run",
    );
    found
}

/// Everything on the sheet that says what it is about.
fn sheet_is_of(run: &RunState, sheet: &EvidenceSheet) -> bool {
    let (Some(created), Some(pin)) = (&run.created, &run.pin) else {
        return false;
    };
    let taken = run.evidence.iter().map(|e| e.gate);
    let taken = taken.chain(run.earlier_evidence.iter().map(|e| e.0));
    let round = taken.filter(|gate| *gate == sheet.gate).count() + 1;
    let candidates = pin.candidates.as_ref();
    let drifted = run.drifted_before.as_ref().map(|drift| &drift.changes);
    sheet.run_id == created.run_id
        && sheet.profile_sha256 == created.profile_sha256
        && sheet.target == created.target
        && sheet.round as usize == round
        && sheet.server == pin.server
        && sheet.pinned_at == pin.snapshot.began_at
        && sheet.candidates == candidates.map(|stream| stream.rows)
        && sheet.candidate_digest.as_ref() == candidates.map(|stream| &stream.sha256)
        && run.context.as_deref() == Some(&sheet.context)
        && drifted.map_or(&[][..], Vec::as_slice) == sheet.drifted
        && run.beside == sheet.beside
        && run.change_evidence() == sheet.change
}

fn same_claims(said: &[Claim], computed: &[Claim]) -> bool {
    said.len() == computed.len() && said.iter().zip(computed).all(|(s, c)| same_claim(s, c))
}

fn same_claim(said: &Claim, computed: &Claim) -> bool {
    said.name == computed.name
        && said.verdict == computed.verdict
        && agrees(&said.raw, &computed.raw)
}

pub(super) fn keys(
    changes: &[crate::survey::FactChange],
) -> Vec<(&str, Option<&str>, Option<&str>)> {
    changes
        .iter()
        .map(|c| (c.key.as_str(), c.approved.as_deref(), c.found.as_deref()))
        .collect()
}

fn drift_findings(run: &RunState, drift: &[crate::survey::FactChange]) -> Vec<String> {
    let again = run
        .pin
        .as_ref()
        .zip(run.latest.as_ref())
        .map(|(pin, (_, latest))| run.differs(compare(pin, latest), latest));
    if again.is_some_and(|again| !again.is_empty() && keys(&again) == keys(drift)) {
        Vec::new()
    } else {
        vec!["the drift is not what the last survey, the code and the program differ in".to_owned()]
    }
}

fn attribution_findings(run: &RunState, attribution: &Attribution) -> Option<String> {
    let latest = run.latest.as_ref().map(|(_, latest)| latest);
    let holds = run
        .pin
        .as_ref()
        .zip(latest)
        .is_some_and(|(pin, latest)| attribution.is_between(pin, latest));
    (!holds).then(|| "the attribution is not between the pin and the last survey".to_owned())
}

fn judgement_findings(run: &RunState, judged: &NonMutation) -> Vec<String> {
    let again = non_mutation(run);
    let mut found: Vec<String> = judged
        .claims
        .iter()
        .zip(&again.claims)
        .filter(|(said, computed)| !same_claim(said, computed))
        .map(|(said, computed)| {
            let name = computed.name.name();
            if said.verdict == computed.verdict {
                format!("the raw values of claim {name} are not those of the run")
            } else {
                let (given, said) = (computed.verdict.name(), said.verdict.name());
                format!("claim {name} is {given} by its measurements, not {said}")
            }
        })
        .collect();
    if judged.claims.len() != again.claims.len() {
        found.push("not all claims were judged".to_owned());
    }
    if judged.verdict != again.verdict {
        found.push(format!(
            "the verdict is {} by its claims, not {}",
            again.verdict, judged.verdict
        ));
    }
    if keys(&judged.changes) != keys(&again.changes) {
        found.push("the changes are not what pin and post survey differ in".to_owned());
    }
    found.extend(not_the_approved_pin(run, ApprovalGate::SG2));
    found
}

/// What a seal says: the name of the result, the result, exit code and stop code.
type SealValues<'s> = (&'s str, RunResult, u8, Option<StopCode>);

/// What the seal says, against the result that gates and claims give.
fn seal_findings(run: &RunState, said: SealValues<'_>) -> Option<String> {
    let (again, name) = (result(run), result_name(run));
    let given = (name.as_str(), again, again.exit_code(), again.stop_code());
    let words = |(name, _, exit, stop): SealValues<'_>| {
        let stop = stop.map_or("no stop", StopCode::name);
        format!("{name} (exit {exit}, {stop})")
    };
    (said != given).then(|| {
        format!(
            "the result is {} by its gates and claims, not {}",
            words(given),
            words(said)
        )
    })
}

#[cfg(test)]
#[path = "recompute_tests.rs"]
mod tests;
