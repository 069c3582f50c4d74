//! The evidence sheet of a gate, from what is recorded of the run and the last PASS: what a person is shown, and what `verify` makes
//! again.

use std::collections::BTreeSet;

use super::last_pass::read_for_another_role;
use super::{claims, last_pass_differences, not_comparable, obstacles, pinned_runs};
use crate::profile::Profile;
use crate::run::{ApprovalGate, EvidenceSheet, LastPass, RunState};
use crate::simulate::SimulatedStep;
use crate::survey::{Digest, Sides};

/// Schema version of the evidence sheet.
const SCHEMA: u32 = 1;

/// The sheet of `gate` as the run stands. `last`: the last PASS and the blob that it is copied to; `tool_version`: of the drygate
/// that writes it. `None`: pin, context pins or prediction are not recorded.
pub fn evidence_sheet(
    run: &RunState,
    profile: &Profile,
    gate: ApprovalGate,
    last: Option<(&LastPass, Digest)>,
    tool_version: &str,
) -> Option<EvidenceSheet> {
    let (created, pin) = (run.created.as_ref()?, run.pin.as_ref()?);
    let context = run.context.as_ref()?;
    if run.simulates() && run.predicted.is_none() {
        return None;
    }
    let (predicted, predicted_counts) = run.predicted.clone().unzip();
    // The round is counted by sheets of this gate, the superseded ones included.
    let taken = run.evidence.iter().map(|e| e.gate);
    let taken = taken.chain(run.earlier_evidence.iter().map(|e| e.0));
    let round = u32::try_from(taken.filter(|known| *known == gate).count() + 1).unwrap_or(u32::MAX);
    let mut verified = run.steps.iter().rev();
    let verified = verified.find(|done| done.step == SimulatedStep::Verify);
    let change = run.passed_change();
    let incomparable = last.as_ref().map_or_else(Vec::new, |(last, _)| {
        let formats = Sides::new(last.evidence_format, created.evidence_format);
        let by_format = not_comparable(formats, &last.facts, &pin.facts, profile.grants_key());
        let mut keys = read_for_another_role(last, &change);
        keys.retain(|key| !by_format.contains(key));
        [by_format, keys].concat()
    });
    let differences = last.as_ref().map_or_else(Vec::new, |(last, _)| {
        let mut found = last_pass_differences(last, created, pin, &change, predicted.as_ref());
        found.retain(|difference| !incomparable.contains(&difference.key));
        found
    });
    let runs: BTreeSet<String> = pinned_runs(run).into_values().flatten().collect();
    let drifted = run.drifted_before.as_ref().map(|drift| &drift.changes);
    Some(EvidenceSheet {
        schema: SCHEMA,
        run_id: context.run_id.clone(),
        gate,
        round,
        pin_nonce: pin.snapshot.nonce.clone(),
        pinned_at: pin.snapshot.began_at,
        facts_digest: pin.facts_digest.clone(),
        candidate_digest: pin.candidates.as_ref().map(|c| c.sha256.clone()),
        candidates: pin.candidates.as_ref().map(|c| c.rows),
        predicted,
        predicted_counts,
        simulated: verified.map(|done| done.counts.clone()),
        context: (**context).clone(),
        profile_sha256: context.profile_sha256.clone(),
        target: created.target.clone(),
        server: pin.server.clone(),
        facts: pin.facts.clone(),
        claims: claims(run),
        runs: runs.into_iter().collect(),
        verdict_counts: run.verdict_counts(),
        last_pass: last.map(|(last, blob)| (last.run_id.clone(), last.sealed_at, blob)),
        last_pass_differences: differences,
        last_pass_not_comparable: incomparable,
        drifted: drifted.cloned().unwrap_or_default(),
        beside: run.beside.clone(),
        cannot_pass: obstacles(run, profile),
        change: run.change_evidence(),
        tool_version: tool_version.to_owned(),
    })
}
