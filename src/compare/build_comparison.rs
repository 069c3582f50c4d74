//! Builds a comparison from the record of a run. A side is one survey, or one sheet or pin with the values that a later read
//! found different. A missing side is an error that names it.

use super::attribution::AttributionText;
use super::compared_side::ComparedSide;
use super::comparison::{Compare, Comparison, MethodChange};
use super::fact::{Change, ComparedFact, SideValue};
use super::predicted_units::predicted;
use super::rehearsed_rows::rehearsed;
use crate::run::{
    ApprovalGate, History, LastPass, LiveChange, NonMutationVerdict, RunState, Subject,
};
use crate::run::{DriftRecord, EvidenceRecord, SurveyRead, Surveys};
use crate::survey::{
    Digest, Fact, FactChange, FactKey, FactKind, Provenance, Sides, SurveyChanges, UtcTime,
    is_surroundings, most_telling,
};

impl Comparison {
    /// What can be compared within this run. What a reader most likely wants comes first.
    pub fn available(history: &History) -> Vec<Compare> {
        let (record, run) = (history.surveys(), history.run());
        let mut all = Vec::new();
        let drifted = |gate: &ApprovalGate| record.drift_of(*gate).is_some();
        if record.post().is_some() {
            all.push(Compare::PrePost);
        }
        // The later evidence first.
        let gates = [ApprovalGate::SG2, ApprovalGate::SG1];
        let evident = gates
            .into_iter()
            .filter(|gate| record.evidence_of(*gate).is_some());
        // Evidence that met a drift before everything else that is left.
        let (moved, calm): (Vec<_>, Vec<_>) = evident.partition(drifted);
        all.extend(moved.into_iter().map(Compare::Evidence));
        let read_again = run.live.as_ref().is_some_and(|live| live.read_at.is_some());
        // Where nothing moved, what a change did says most.
        let was_rehearsed = rehearsed(run).is_ok();
        if was_rehearsed && run.moved().is_empty() {
            all.push(Compare::Rehearsed);
        }
        // After the post survey, what was read while waiting is no longer "now".
        if read_again && record.post().is_none() {
            all.push(Compare::Now);
        }
        all.extend(calm.iter().copied().map(Compare::Evidence));
        if gates.iter().all(|gate| record.evidence_of(*gate).is_some()) {
            all.push(Compare::Gates);
        }
        if let Some(last) = record.evidence.last() {
            if last.sheet.last_pass.is_some() {
                all.push(Compare::LastPass);
            }
            all.extend(run.simulates().then_some(Compare::Predicted));
        }
        if was_rehearsed && !all.contains(&Compare::Rehearsed) {
            all.push(Compare::Rehearsed);
        }
        all
    }

    /// A comparison within one run. `Err`: what is missing, as a sentence.
    pub fn within(
        history: &History,
        compare: &Compare,
        last_pass: Option<&LastPass>,
    ) -> Result<Self, String> {
        let (record, run) = (&**history.surveys(), history.run());
        let mut pair = match compare {
            Compare::PrePost => pre_post(record, run)?,
            Compare::Evidence(gate) => evidence(record, run, *gate)?,
            Compare::Gates => gates(record)?,
            Compare::Now => now(record, run)?,
            Compare::LastPass => from_last_pass(record, run, last_pass)?,
            Compare::Predicted => return predicted(record, run),
            Compare::Rehearsed => return rehearsed(run),
            // These two need a second run or a new survey; other functions make them.
            Compare::Runs(other) => return Err(format!("{other} is another run")),
            Compare::Rechecked => return Err("Only drygate recheck reads it.".to_owned()),
        };
        put_beside_facts(&mut pair);
        let (before, after, changes) = pair;
        let of_run = |seen: ComparedSide| {
            if seen.source.run_id.is_some() {
                seen
            } else {
                seen.of_run(run)
            }
        };
        let sides = Sides::new(before, after).map(of_run);
        Ok(compared(compare.clone(), sides, &changes, record, run))
    }

    /// A comparison of this run with another one: the last full survey of each.
    pub fn between(one: &History, two: &History) -> Result<Self, String> {
        let seen = |history: &History| {
            let (record, run) = (history.surveys(), history.run());
            let name = run
                .run_id()
                .map_or_else(|| "run".to_owned(), crate::run::RunId::short);
            let read = record.surveys.last();
            let read = read.ok_or_else(|| format!("{name} took no survey"))?;
            Ok::<_, String>(ComparedSide::of_survey(&name, &read.survey).of_run(run))
        };
        let sides = Sides::new(seen(one)?, seen(two)?);
        let other = two
            .run()
            .run_id()
            .cloned()
            .ok_or("the other run was never created")?;
        // Attributions of a run are about its own readings, so an empty record is given: nothing
        // is attributed between two runs.
        Ok(compared(
            Compare::Runs(other),
            sides,
            &SurveyChanges::default(),
            &Surveys::default(),
            two.run(),
        ))
    }
}

/// Left side, right side, and the changes that the journal has between them.
type Pair = (ComparedSide, ComparedSide, SurveyChanges);

fn pre_post(record: &Surveys, run: &RunState) -> Result<Pair, String> {
    let pin = record.pin().ok_or("The run has no pin yet.")?;
    let post = record.post().ok_or("The run has no post survey yet.")?;
    let changes = run
        .non_mutation
        .as_ref()
        .map(|judged| judged.changes.clone());
    Ok((
        ComparedSide::of_survey("pre", &pin.survey),
        ComparedSide::of_survey("post", &post.survey),
        SurveyChanges {
            voids: changes.unwrap_or_default(),
            beside: post.beside.clone(),
        },
    ))
}

/// The evidence of a gate beside what was found when its approval was to take effect.
fn evidence(record: &Surveys, run: &RunState, gate: ApprovalGate) -> Result<Pair, String> {
    let missing = || format!("The run has no evidence of {gate} yet.");
    // A drift is about the evidence that was approved. Evidence that was taken again after it is another comparison.
    let drift = record.drift_of(gate);
    let seen = match drift {
        Some(drift) => evidence_before(record, gate, drift),
        None => record.evidence_of(gate),
    };
    let seen = seen.ok_or_else(missing)?;
    let approved = of_sheet(record, "approved", seen);
    if let Some(drift) = drift {
        let voids = drift.changes.clone();
        let (found, beside) = match record.of_nonce(&drift.nonce) {
            Some(read) => {
                let found = ComparedSide::of_survey("found", &read.survey);
                (found, read.beside.clone())
            }
            None => (moved_by(record, seen, drift), Vec::new()),
        };
        return Ok((approved, found, SurveyChanges { voids, beside }));
    }
    // The first survey that was recorded after this evidence was taken.
    let after = record.surveys.get(seen.surveys_before);
    if let Some(SurveyRead { survey, beside, .. }) = after {
        let beside = beside.clone();
        let changes = SurveyChanges {
            beside,
            ..SurveyChanges::default()
        };
        return Ok((approved, ComparedSide::of_survey("found", survey), changes));
    }
    let live = read_while_waiting(run)
        .ok_or_else(|| format!("Nothing was read after the evidence of {gate} was taken."))?;
    let found = with_live(approved.clone(), &live, &seen.sheet.facts, "found");
    Ok((approved, found, moved(run)))
}

/// What the last read while waiting found, and what the last survey found beside the change.
fn moved(run: &RunState) -> SurveyChanges {
    SurveyChanges {
        voids: run.moved(),
        beside: run.beside.clone(),
    }
}

/// The last evidence of a gate that was taken at or before a drift.
fn evidence_before<'a>(
    record: &'a Surveys,
    gate: ApprovalGate,
    drift: &DriftRecord,
) -> Option<&'a EvidenceRecord> {
    let mut evidence = record.evidence.iter().rev();
    evidence.find(|seen| seen.gate == gate && seen.at <= drift.at)
}

/// The survey that the evidence is about; where the record has none, the facts that its sheet lists.
fn of_sheet(record: &Surveys, name: &str, seen: &EvidenceRecord) -> ComparedSide {
    if let Some(read) = record.of_nonce(&seen.sheet.pin_nonce) {
        return ComparedSide::of_survey(name, &read.survey);
    }
    let mut side = ComparedSide::of_facts(name, &seen.sheet.facts);
    side.source.read_at = Some(seen.sheet.pinned_at);
    side.source.nonce = Some(seen.sheet.pin_nonce.clone());
    side
}

/// The side of a drift without a recorded survey: the sheet's values with those that the drift found different.
fn moved_by(record: &Surveys, seen: &EvidenceRecord, drift: &DriftRecord) -> ComparedSide {
    let mut found = of_sheet(record, "found", seen);
    found.source.read_at = Some(drift.at);
    found.source.nonce = Some(drift.nonce.clone());
    // No snapshot is known for values that were put together.
    found.source.snapshot = None;
    for change in &drift.changes {
        put(&mut found, &change.key, change.found.clone());
    }
    found
}

/// What moved of server, code, program and change stands in no survey: both sides are given their values.
fn put_beside_facts((left, right, changes): &mut Pair) {
    for change in &changes.voids {
        let of_database = match Subject::of(&change.key) {
            Subject::Facts => continue,
            Subject::Server => true,
            Subject::Code | Subject::Program | Subject::Change | Subject::Effect => false,
        };
        for (side, text) in [(&mut *left, &change.approved), (&mut *right, &change.found)] {
            let mut value = SideValue::bare(text.clone(), Provenance::Live);
            value.provenance = value.provenance.filter(|_| of_database);
            side.facts.retain(|(key, ..)| *key != change.key);
            let (key, label) = (change.key.clone(), change.key.to_string());
            side.facts.push((key, label, FactKind::Text, value));
        }
    }
}

/// Replaces the value of a fact, or adds a fact that the side does not have.
fn put(side: &mut ComparedSide, key: &FactKey, found: Option<String>) {
    let known = side.facts.iter_mut().find(|(known, ..)| known == key);
    let value = SideValue::bare(found, Provenance::Live);
    if let Some((_, _, _, side)) = known {
        // The same query was asked, so its SQL stays. A value that is known keeps the provenance that this fact had.
        *side = SideValue {
            sql_sha256: side.sql_sha256.take(),
            provenance: value.provenance.and(side.provenance.or(value.provenance)),
            ..value
        };
        return;
    }
    let label = key.to_string();
    let fact = (key.clone(), label, FactKind::Text, value);
    side.facts.push(fact);
}

fn gates(record: &Surveys) -> Result<Pair, String> {
    let of = |gate| {
        let seen = record.evidence_of(gate);
        let seen = seen.ok_or_else(|| format!("The run has no evidence of {gate} yet."))?;
        Ok::<_, String>(of_sheet(record, &format!("{gate} evidence"), seen))
    };
    let sides = (of(ApprovalGate::SG1)?, of(ApprovalGate::SG2)?);
    Ok((sides.0, sides.1, SurveyChanges::default()))
}

/// The pin beside the last read while the run waits.
fn now(record: &Surveys, run: &RunState) -> Result<Pair, String> {
    let pin = record.pin().ok_or("The run has no pin yet.")?;
    let live = read_while_waiting(run).ok_or("Nothing was read again since the pin.")?;
    let pinned = ComparedSide::of_survey("pinned", &pin.survey);
    let moved = moved(run);
    // If the last full survey shows exactly the differences of the last read, it is the right side; else the
    // pin with these differences is.
    let differs = !moved.voids.is_empty() || !moved.beside.is_empty();
    let now = match run.survey_of_last_read().filter(|_| differs) {
        Some(survey) => ComparedSide::of_survey("now", survey),
        None => with_live(pinned.clone(), &live, &pin.survey.facts, "now"),
    };
    Ok((pinned, now, moved))
}

/// The last read while the run waited that succeeded.
struct ReadWhileWaiting<'a> {
    at: UtcTime,
    /// The values that differ from the pin.
    changed: &'a [LiveChange],
    /// Whether all facts were read; `false`: only those marked `live`.
    complete: bool,
}

fn read_while_waiting(run: &RunState) -> Option<ReadWhileWaiting<'_>> {
    let live = run.live.as_ref()?;
    Some(ReadWhileWaiting {
        at: live.read_at?,
        changed: &live.changed,
        complete: live.complete,
    })
}

/// The pinned values with those that a read while waiting found different. Facts that it did not read are left out.
fn with_live(
    pinned: ComparedSide,
    read: &ReadWhileWaiting<'_>,
    facts: &[Fact],
    name: &str,
) -> ComparedSide {
    let mut side = pinned;
    name.clone_into(&mut side.source.name);
    side.source.read_at = Some(read.at);
    // The values come from two transactions, so the side has neither nonce nor snapshot.
    (side.source.nonce, side.source.snapshot) = (None, None);
    for change in read.changed {
        put(&mut side, &change.key, change.value.clone());
    }
    // A partial read knows the facts marked `live` and those it names; to show others would claim that they were read.
    if !read.complete {
        let named = |key: &FactKey| read.changed.iter().any(|change| change.key == *key);
        let live = |key: &FactKey| facts.iter().any(|fact| fact.live && fact.key == *key);
        side.facts.retain(|(key, ..)| live(key) || named(key));
    }
    side
}

/// The facts of the last PASS beside the pin of this run.
fn from_last_pass(
    record: &Surveys,
    run: &RunState,
    last: Option<&LastPass>,
) -> Result<Pair, String> {
    let last = last.ok_or("There is no last PASS of this profile and target.")?;
    let pin = record.pin().ok_or("The run has no pin yet.")?;
    let mut before = ComparedSide::of_facts("last PASS", &last.facts);
    before.source.run_id = Some(last.run_id.to_string());
    before.source.read_at = Some(last.sealed_at);
    before
        .method
        .push(("profile", last.profile_sha256.to_string()));
    let mut after = ComparedSide::of_survey("this run", &pin.survey);
    // The copy of the last PASS has facts only, so the streams are left out on this side as well.
    after
        .facts
        .retain(|(key, ..)| pin.survey.fact(key.as_str()).is_some());
    after.source.run_id = run.run_id().map(ToString::to_string);
    let profile = run.created.as_ref().map(|created| &created.profile_sha256);
    let profile = profile.map_or_else(String::new, Digest::to_string);
    after.method.push(("profile", profile));
    Ok((before, after, SurveyChanges::default()))
}

/// The claims as they were judged; before that, as they stand now.
pub(super) fn claims(run: &RunState) -> Vec<crate::run::Claim> {
    match &run.non_mutation {
        Some(judged) => judged.claims.clone(),
        None => crate::audit::claims(run),
    }
}

/// Compares two sides fact by fact, and adds rows, claims, attribution and method.
pub(super) fn compared(
    compare: Compare,
    sides: Sides<ComparedSide>,
    changes: &SurveyChanges,
    record: &Surveys,
    run: &RunState,
) -> Comparison {
    let mut facts = facts(&sides, &compare);
    for fact in &mut facts {
        let named = |changes: &[FactChange]| {
            let mut changes = changes.iter();
            changes.find(|change| change.key == fact.key).cloned()
        };
        let beside = named(&changes.beside);
        // A value that is back at what it was differs no more, whatever was listed before.
        if beside.is_some() && fact.change == Change::Changed {
            fact.change = Change::Beside;
        }
        let change = named(&changes.voids).or(beside);
        fact.rows = change.map_or_else(Vec::new, |change| change.rows);
    }
    if compare.is_within_run() {
        for fact in &mut facts {
            fact.add_recorded_sql(run);
        }
    }
    let leading = most_telling(&changes.voids).map(|(change, _)| &change.key);
    // Stable sort: the fact with the clearest row first, then the others that differ, equal ones, and those not read.
    facts.sort_by_key(|fact| match fact.change {
        Change::Beside => 2,
        Change::Equal => 3,
        Change::NotRead | Change::NotComparable => 4,
        _ => usize::from(leading != Some(&fact.key)),
    });
    let method = method(&sides, &facts);
    // The recorded verdict is about pin and post survey and about no other pair.
    let verdict: Option<NonMutationVerdict> = match compare {
        Compare::PrePost => run.non_mutation.as_ref().map(|judged| judged.verdict),
        _ => None,
    };
    let claims = claims(run);
    let sources = sides.map(|side| side.source);
    // An attribution belongs to the survey that found the change: it is looked up by the nonce of the right side.
    let nonce = match compare {
        Compare::PrePost | Compare::Evidence(_) | Compare::Now | Compare::Rechecked => {
            sources.after.nonce.as_deref()
        }
        _ => None,
    };
    let measured = nonce.and_then(|nonce| record.attribution_of(nonce));
    // The readings of a run are those since its pin: of two other sides they say nothing.
    let pin = run.pin.as_ref().map(|pin| pin.snapshot.nonce.as_str());
    let of_pin = nonce.is_some() || compare == Compare::Now;
    let of_pin = of_pin && sources.before.nonce.as_deref() == pin;
    let differing = facts.iter().filter(|fact| fact.change.differs());
    let window = run.changed_between(differing.map(|fact| &fact.key));
    let window = window.filter(|_| of_pin);
    Comparison {
        attribution: AttributionText::of(&compare, &facts, &sources, &claims, measured, window),
        compare,
        sources,
        verdict,
        claims,
        facts,
        method,
        after: None,
    }
}

/// The facts of the left side in their order, then those that only the right side has.
fn facts(sides: &Sides<ComparedSide>, compare: &Compare) -> Vec<ComparedFact> {
    let value = |side: &ComparedSide, key: &FactKey| {
        let mut facts = side.facts.iter();
        facts
            .find(|(known, ..)| known == key)
            .map(|(_, _, _, value)| value.clone())
    };
    let known =
        |side: &ComparedSide, key: &FactKey| side.facts.iter().any(|(other, ..)| other == key);
    let new = sides
        .after
        .facts
        .iter()
        .filter(|(key, ..)| !known(&sides.before, key));
    // In these two the right side may be a partial read, so a fact that it lacks was not read. Streams are never
    // part of such a read.
    let partial = matches!(compare, Compare::Now | Compare::Evidence(_));
    let around = sides
        .before
        .facts
        .iter()
        .any(|(key, ..)| is_surroundings(key));
    sides
        .before
        .facts
        .iter()
        .chain(new)
        .map(|(key, label, kind, _)| {
            let values = Sides::new(value(&sides.before, key), value(&sides.after, key));
            let mut fact = ComparedFact::of(key.clone(), label.clone(), *kind, values);
            if fact.change == Change::Removed && (partial || fact.is_stream()) {
                fact.change = Change::NotRead;
            }
            // An older drygate did not read what is around the rows.
            if fact.change == Change::Added && is_surroundings(key) && !around {
                fact.change = Change::NotRead;
            }
            fact
        })
        .collect()
}

/// How both sides were read, where that differs: profile, tool, server, SQL of a fact.
fn method(sides: &Sides<ComparedSide>, facts: &[ComparedFact]) -> Vec<MethodChange> {
    let mut method = Vec::new();
    for (what, before) in &sides.before.method {
        let other = sides.after.method.iter().find(|(name, _)| name == what);
        if let Some((_, after)) = other.filter(|(_, after)| after != before) {
            method.push(MethodChange {
                what: (*what).to_owned(),
                before: before.clone(),
                after: after.clone(),
            });
        }
    }
    let sql = |side: &Option<SideValue>| {
        let digest = side.as_ref().and_then(|value| value.sql_sha256.as_ref());
        digest.map_or_else(|| "none".to_owned(), Digest::to_string)
    };
    for fact in facts.iter().filter(|fact| fact.method_differs()) {
        method.push(MethodChange {
            what: format!("SQL of {}", fact.key),
            before: sql(&fact.sides.before),
            after: sql(&fact.sides.after),
        });
    }
    method
}
