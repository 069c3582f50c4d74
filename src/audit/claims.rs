//! The five claims and the non-mutation judgement.
//! Invariant: each claim is computed from raw values of the run, and what was not measured is NOT CHECKED
//! (src/audit/claims_tests.rs).

use serde_json::json;

use crate::planted::{PlantedBug, planted};
use crate::run::{
    Claim, ClaimName, ClaimVerdict, NonMutation, NonMutationVerdict, RunState, SurveySummary,
    TransactionEnd, counted,
};
use crate::survey::{EvidenceFormat, FactChange, Survey, compare, differences};

/// The five claims, as far as the run has come.
pub fn claims(run: &RunState) -> Vec<Claim> {
    vec![
        wrote_nothing(run),
        facts_equal(run),
        cluster_quiet(run),
        role_could_not_write(run),
        same_server(run),
    ]
}

/// The judgement at closeout. Its `changes` have no rows: who holds the documents adds them.
pub fn non_mutation(run: &RunState) -> NonMutation {
    let claims = claims(run);
    let changes = match (&run.pin, &run.post) {
        (Some(pin), Some(post)) => compare(pin, post),
        _ => Vec::new(),
    };
    NonMutation {
        verdict: NonMutationVerdict::of(&claims),
        claims,
        changes,
    }
}

fn claim(
    name: ClaimName,
    verdict: ClaimVerdict,
    measured: impl Into<String>,
    raw: serde_json::Value,
) -> Claim {
    Claim {
        name,
        verdict,
        measured: measured.into(),
        raw,
    }
}

/// Whether claims name the proofs and surveys that they were computed from by digest. Those of drygate 0.1.0 do not.
fn names_evidence(run: &RunState) -> bool {
    let created = run.created.as_ref();
    created.is_some_and(|created| created.evidence_format > EvidenceFormat::One)
}

fn wrote_nothing(run: &RunState) -> Claim {
    let mut closed = Vec::new();
    let mut stained = Vec::new();
    let mut unmeasured = Vec::new();
    let mut unseen = Vec::new();
    for transaction in &run.transactions {
        match &transaction.end {
            TransactionEnd::Closed(proof) => {
                let mut measured = json!({
                    "id": transaction.id, "nonce": proof.nonce, "virtual_xid": proof.virtual_xid,
                    "xid_assigned": proof.xid_assigned, "rows_written": proof.rows_written,
                    "ended_by": proof.ended_by, "backend_wal_bytes": proof.backend_wal_bytes,
                });
                if names_evidence(run) {
                    measured["proof"] = json!(proof.sha256());
                }
                closed.push(measured);
                let violations = proof.violations();
                if !violations.is_empty() {
                    stained.push(json!({"id": transaction.id, "stains": violations}));
                } else if !proof.unmeasured.is_empty() {
                    unmeasured.push(json!({"id": transaction.id, "unmeasured": proof.unmeasured}));
                }
            }
            TransactionEnd::Open => unseen.push(json!({"id": transaction.id, "why": "open"})),
            TransactionEnd::Unseen(why) => unseen.push(json!({"id": transaction.id, "why": why})),
        }
    }
    // Reads that gave no survey are counted and dropped when the run is folded, to bound its size: they count here.
    let aside = &run.reads_aside;
    let changed = changed_while_read(run);
    let only_changed = run.transactions.iter().filter(|transaction| {
        matches!(&transaction.end, TransactionEnd::Closed(proof)
            if proof.violations().is_empty() && proof.unmeasured.is_empty() && !proof.is_clean())
    });
    let listed = closed.len() - stained.len() - unmeasured.len() - only_changed.count();
    let clean = listed as u64 + aside.clean;
    let not_measured = unmeasured.len() as u64 + aside.unmeasured;
    let not_seen = unseen.len() as u64 + aside.unseen;
    let mut measured = format!("{clean} of {} transactions", run.transactions_opened());
    if not_seen > 0 {
        measured = format!("{measured}, {not_seen} with unseen end (covered by D)");
    }
    if not_measured > 0 {
        measured = format!("{measured}, {not_measured} not fully measured");
    }
    if !changed.is_empty() {
        measured = format!("{measured}, {}", not_excluded(&changed));
    }
    let nothing_closed = closed.len() as u64 + aside.clean + aside.unmeasured == 0;
    // One transaction that is not clean makes the claim false, whatever was not measured of the others.
    let verdict = if !stained.is_empty() {
        ClaimVerdict::False
    } else if nothing_closed || not_measured > 0 || !changed.is_empty() {
        ClaimVerdict::NotChecked
    } else {
        ClaimVerdict::Holds
    };
    let mut raw = json!({"closed": closed, "stained": stained, "unseen": unseen});
    if !unmeasured.is_empty() {
        raw["unmeasured"] = json!(unmeasured);
    }
    if !changed.is_empty() {
        raw["changed_while_read"] = json!(changed);
    }
    if let Some(sha256) = &aside.sha256 {
        raw["not_listed"] = json!({
            "clean": aside.clean, "unmeasured": aside.unmeasured, "unseen": aside.unseen, "sha256": sha256,
        });
    }
    claim(ClaimName::A, verdict, measured, raw)
}

/// By query, what could run that was not resolved before it could.
fn changed_while_read(run: &RunState) -> Vec<&str> {
    let closed = run
        .transactions
        .iter()
        .filter_map(|transaction| match &transaction.end {
            TransactionEnd::Closed(proof) => Some(proof),
            TransactionEnd::Open | TransactionEnd::Unseen(_) => None,
        });
    let mut changed: Vec<&str> = closed
        .flat_map(|proof| proof.changed_while_read.iter().map(String::as_str))
        .collect();
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// What a claim could not exclude, by name.
fn not_excluded(changed: &[&str]) -> String {
    format!(
        "not excluded what ran while it changed: {}",
        changed.join("; ")
    )
}

/// The changes between two surveys whose values are known on both sides; an unknown value is no difference but a value that is
/// missing.
fn known_changes(pin: &Survey, post: &Survey) -> Vec<FactChange> {
    let unknown = |key: &str| {
        [pin, post]
            .into_iter()
            .any(|survey| survey.unknown_reason(key).is_some())
    };
    compare(pin, post)
        .into_iter()
        .filter(|change| !unknown(change.key.as_str()))
        .collect()
}

fn facts_equal(run: &RunState) -> Claim {
    let not_yet = |measured: &str| {
        claim(
            ClaimName::B,
            ClaimVerdict::NotChecked,
            measured,
            json!({"post": null}),
        )
    };
    let Some(pin) = &run.pin else {
        return not_yet("no pin yet");
    };
    let Some(post) = &run.post else {
        return match differing_so_far(run, pin) {
            0 if run.has_read_again() => not_yet("equal so far"),
            0 => not_yet("one snapshot so far"),
            n => not_yet(&format!("{n} differ so far")),
        };
    };
    compared(run, pin, post)
}

/// How many facts differ from the pin by what was read last, a survey or a read while waiting.
fn differing_so_far(run: &RunState, pin: &Survey) -> usize {
    let latest = run.latest.as_ref().map(|(_, survey)| survey);
    let live = run.live.as_ref().filter(|live| {
        let surveyed_at = latest.map(|survey| survey.snapshot.ended_at);
        // A partial read says nothing about the facts that it did not ask for.
        live.complete && live.read_at > surveyed_at
    });
    let moved = run.live.as_ref().map_or(0, |live| live.changed.len());
    match (live, latest) {
        (None, Some(latest)) => compare(pin, latest).len().max(moved),
        _ => moved,
    }
}

fn compared(run: &RunState, pin: &Survey, post: &Survey) -> Claim {
    // Without two snapshots in order "equal" would compare a survey with itself or with an earlier state.
    let two = run.follows(pin, post) || planted(PlantedBug::ProveOnOneSnapshot);
    let changes = known_changes(pin, post);
    let unknown: Vec<String> = [("pre", pin), ("post", post)]
        .into_iter()
        .flat_map(|(side, survey)| {
            let facts = survey.unknown().map(|fact| &fact.key);
            let streams = survey.unread.iter().map(|stream| &stream.key);
            let named = facts
                .chain(streams)
                .map(|key| match survey.unknown_reason(key.as_str()) {
                    Some(reason) => format!("{side} {key} ({reason})"),
                    None => format!("{side} {key}"),
                });
            named.collect::<Vec<_>>()
        })
        .collect();
    let beside = differences(pin, post).beside;
    // Read by the post survey for the first time: the pin is of an older drygate.
    let new = post
        .facts
        .iter()
        .filter(|fact| pin.fact(fact.key.as_str()).is_none())
        .count();
    let streams = |survey: &Survey| survey.candidates.is_some() && survey.pieces.is_some();
    // A run that simulates nothing asks for no streams.
    let read = !run.simulates() || (streams(pin) && streams(post));
    let complete = read && !pin.facts.is_empty();
    let digests = pin.digest_holds() && post.digest_holds();
    let mut raw = json!({
        "pre": {"nonce": pin.snapshot.nonce, "virtual_xid": pin.snapshot.virtual_xid, "ended_at": pin.snapshot.ended_at,
                "snapshot": pin.snapshot.snapshot, "facts_digest": pin.facts_digest, "candidates": pin.candidates, "pieces": pin.pieces},
        "post": {"nonce": post.snapshot.nonce, "virtual_xid": post.snapshot.virtual_xid, "began_at": post.snapshot.began_at,
                 "snapshot": post.snapshot.snapshot, "facts_digest": post.facts_digest, "candidates": post.candidates, "pieces": post.pieces},
        "two_snapshots": two, "digests_recomputed": digests, "streams_read": complete, "unknown": unknown,
        "changed": changes.iter().map(|c| c.key.as_str()).collect::<Vec<_>>(),
    });
    if !beside.is_empty() {
        raw["beside"] = beside.iter().map(|c| c.key.as_str()).collect();
    }
    // In this order: values that differ count only if the two surveys are two snapshots and their digests hold.
    let (verdict, measured) = if !two {
        (
            ClaimVerdict::NotChecked,
            "the two surveys are not two snapshots in order".to_owned(),
        )
    } else if !digests {
        (
            ClaimVerdict::NotChecked,
            "a facts digest is not that of its facts".to_owned(),
        )
    } else if !changes.is_empty() {
        (
            ClaimVerdict::False,
            format!("{} differ: not by us", changes.len()),
        )
    } else if !unknown.is_empty() {
        (
            ClaimVerdict::NotChecked,
            format!("unknown: {}", unknown.join(", ")),
        )
    } else if !complete {
        (
            ClaimVerdict::NotChecked,
            "the streams were not read to their end".to_owned(),
        )
    } else {
        (
            ClaimVerdict::Holds,
            equal_words(pin.facts.len() + pin.streams().count(), beside.len(), new),
        )
    };
    claim(ClaimName::B, verdict, measured, raw)
}

/// `24 facts equal in two snapshots, 1 changed beside`.
fn equal_words(pinned: usize, beside: usize, new: usize) -> String {
    let mut words = vec![format!("{} facts equal in two snapshots", pinned - beside)];
    words.extend((beside > 0).then(|| format!("{beside} changed beside")));
    words.extend((new > 0).then(|| format!("{new} not read before")));
    words.join(", ")
}

/// Claim C: no transaction of anybody finished between the two surveys. On a busy server it is false without any mutation, so
/// the non-mutation verdict does not use it.
fn cluster_quiet(run: &RunState) -> Claim {
    let last = run
        .post
        .as_ref()
        .or(run.latest.as_ref().map(|(_, latest)| latest));
    let xmax = |survey: &Survey| survey.snapshot.xmax();
    let pair = run
        .pin
        .as_ref()
        .zip(last)
        // The pin itself may still be the latest survey.
        .filter(|(pin, last)| pin.snapshot.nonce != last.snapshot.nonce);
    let Some((before, after)) = pair.and_then(|(pin, last)| Some((xmax(pin)?, xmax(last)?))) else {
        let raw = json!({"xmax_pre": run.pin.as_deref().and_then(xmax), "xmax_post": null});
        return claim(
            ClaimName::C,
            ClaimVerdict::NotChecked,
            "one snapshot so far",
            raw,
        );
    };
    // xmax of a snapshot is one past the highest completed transaction id: the difference counts the ids completed in between.
    let raw = json!({"xmax_pre": before, "xmax_post": after});
    match after.checked_sub(before) {
        Some(0) => claim(ClaimName::C, ClaimVerdict::Holds, "0 finished", raw),
        Some(delta) => {
            let measured = format!("{delta} finished elsewhere");
            claim(ClaimName::C, ClaimVerdict::False, measured, raw)
        }
        None => claim(
            ClaimName::C,
            ClaimVerdict::NotChecked,
            "xmax went back: another cluster",
            raw,
        ),
    }
}

fn role_could_not_write(run: &RunState) -> Claim {
    let raw: serde_json::Value = run
        .surveys
        .iter()
        .map(|s| {
            json!({
                "purpose": s.purpose, "nonce": s.nonce, "read_only": s.read_only,
                "ways": s.ways_to_write, "unanswered": s.unanswered, "warnings": s.warnings,
            })
        })
        .collect();
    let ways: Vec<&str> = run
        .surveys
        .iter()
        .flat_map(|s| s.ways_to_write.iter().map(String::as_str))
        .collect();
    // One survey that found a way to write makes the claim false, even if others did not find one.
    let any = |answer: Option<bool>| run.surveys.iter().any(|s| s.read_only == answer);
    // Those that every server gives are in the raw values.
    let warnings = run.surveys.last().map_or(0, |s| s.named_warnings.len());
    let (mut verdict, mut measured) = if any(Some(false)) {
        (
            ClaimVerdict::False,
            match ways.len() {
                1 => "1 way found".to_owned(),
                n => format!("{n} ways found"),
            },
        )
    } else if run.surveys.is_empty() {
        (ClaimVerdict::NotChecked, "no survey yet".to_owned())
    } else if any(None) {
        (ClaimVerdict::NotChecked, "not fully answered".to_owned())
    } else {
        (
            ClaimVerdict::Holds,
            match warnings {
                0 => "0 ways found".to_owned(),
                n => format!("0 ways found, {}", counted(n, "warning")),
            },
        )
    };
    let mut raw = json!({ "surveys": raw });
    // Named beside whatever else was found: what ran on the role's behalf may have done what the role could not.
    let changed = changed_while_read(run);
    if !changed.is_empty() {
        measured = format!("{measured}, {}", not_excluded(&changed));
        raw["changed_while_read"] = json!(changed);
        if verdict == ClaimVerdict::Holds {
            verdict = ClaimVerdict::NotChecked;
        }
    }
    claim(ClaimName::D, verdict, measured, raw)
}

/// That the role has expected names is part of it: another user on the same server is another session.
fn same_server(run: &RunState) -> Claim {
    let raw: serde_json::Value = run
        .surveys
        .iter()
        .map(|s| {
            let mut read = json!({"purpose": s.purpose, "nonce": s.nonce, "server": s.server});
            if names_evidence(run) {
                read["survey"] = json!(s.sha256);
            }
            read
        })
        .collect();
    let Some((first, later)) = run.surveys.split_first() else {
        return claim(
            ClaimName::E,
            ClaimVerdict::NotChecked,
            "no survey yet",
            json!({"surveys": raw}),
        );
    };
    let mut differences: Vec<String> = later
        .iter()
        .flat_map(|s| first.server.differences(&s.server))
        .collect();
    differences.sort();
    differences.dedup();
    // Two servers that both keep their names to themselves would look equal.
    let nameless = |s: &SurveySummary| {
        s.server.system_identifier.is_none()
            || s.server.timeline.is_none()
            || s.server.postmaster_start.is_empty()
    };
    let unread = run.surveys.iter().any(nameless);
    let (verdict, measured) = match (differences.is_empty(), unread) {
        (true, false) => (
            ClaimVerdict::Holds,
            format!(
                "up since {}",
                first
                    .server
                    .postmaster_start
                    .get(..10)
                    .unwrap_or(&first.server.postmaster_start)
            ),
        ),
        (true, true) => (
            ClaimVerdict::NotChecked,
            "system identifier, timeline or start time could not be read".to_owned(),
        ),
        (false, _) => (ClaimVerdict::False, differences.join("; ")),
    };
    claim(
        ClaimName::E,
        verdict,
        measured,
        json!({"surveys": raw, "differences": differences}),
    )
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
