//! Tests of `recompute`. Invariant: each spoils what a verdict is computed from and sees it change.

use std::sync::Arc;

use crate::audit::Finding;
use crate::audit::book::passed;
use crate::audit::fixture::{Record, again, change, live};
use crate::run::{
    ClaimVerdict, Event, Gate, NonMutationVerdict, RunCreated, SurveyPurpose, Verdict,
};
use crate::survey::{Digest, RoleFinding, Severity, Simulated};

#[test]
fn every_verdict_that_is_turned_round_is_found_by_name() {
    let records = passed().records;
    let mut turned = 0;
    for at in 0..records.len() {
        let mut forged = records.clone();
        let Event::CheckRecorded { gate, check } = &mut forged[at].2 else {
            continue;
        };
        check.verdict = Verdict::Fail;
        let (gate, name) = (*gate, check.name.clone());
        let later =
            |r: &Record| matches!(&r.2, Event::CheckRecorded { check, .. } if check.name == name);
        if forged[at + 1..].iter().any(later) {
            continue;
        }
        let finished = forged
            .iter()
            .position(|r| matches!(&r.2, Event::GateFinished { gate: done, .. } if *done == gate));
        let finished = finished.expect("finished");
        forged[finished].2 = Event::GateFinished {
            gate,
            verdict: Verdict::Fail,
        };
        let named = again(&forged)
            .findings
            .iter()
            .any(|f| f.seq == finished as u64 && f.what.contains(&name));
        assert!(named, "{gate} {name}");
        turned += 1;
    }
    assert_eq!(turned, 6 + 14 + 7 + 8 + 4 + 7 + 11);
}

/// Terms of the first record that somebody loosened, or tightened, against the profile it names.
#[test]
fn terms_that_are_not_those_of_the_profile_are_found() {
    type Spoil = fn(&mut RunCreated);
    let cases: [(&str, Spoil); 8] = [
        ("the name", |c| c.profile.push('x')),
        ("the prefix", |c| c.result_prefix.push('X')),
        ("the labels", |c| c.gate_labels.swap(0, 1)),
        ("who may approve", |c| c.approvals.distinct = true),
        ("who may approve", |c| c.approvals.exclude_starter = true),
        ("who may approve", |c| c.approvals.terminal = true),
        ("who may approve", |c| c.approvals.ttl_seconds *= 1_000),
        ("what the run may cost", |c| c.budget.rows_max = Some(9)),
    ];
    for (what, spoil) in cases {
        let mut records = passed().records;
        let Event::RunCreated(created) = &mut records[0].2 else {
            panic!("the first record creates the run");
        };
        spoil(created);
        let found = again(&records).findings;
        let named = found.iter().any(|f| f.seq == 0 && f.what.contains(what));
        assert!(named, "{what}: {found:?}");
    }
}

fn find(records: &mut [Record], wanted: impl Fn(&Event) -> bool) -> &mut Event {
    let found = records
        .iter_mut()
        .map(|r| &mut r.2)
        .find(|event| wanted(event));
    found.expect("an event of the fixture")
}

fn is_survey(event: &Event, wanted: SurveyPurpose) -> bool {
    matches!(event, Event::SurveyTaken { purpose, .. } if *purpose == wanted)
}

fn must_find(what: &str, spoil: impl FnOnce(&mut Vec<Record>)) {
    let mut records = passed().records;
    spoil(&mut records);
    assert_ne!(again(&records).findings, Vec::new(), "{what}");
}

#[test]
fn a_forged_survey_under_a_kept_pass_is_found() {
    must_find("a drifted fact of the post survey", |records| {
        if let Event::SurveyTaken { survey, .. } =
            find(records, |e| is_survey(e, SurveyPurpose::Post))
        {
            change(Arc::make_mut(survey), "icx_draft", live("59"));
        }
    });
    must_find(
        "a drifted fact before the approval took effect",
        |records| {
            if let Event::SurveyTaken { survey, .. } =
                find(records, |e| is_survey(e, SurveyPurpose::ApproveSg2))
            {
                change(Arc::make_mut(survey), "icx_draft", live("59"));
            }
        },
    );
    must_find("a facts digest that is not that of the facts", |records| {
        if let Event::SurveyTaken { survey, .. } = find(records, |e| {
            is_survey(e, SurveyPurpose::Again) || is_survey(e, SurveyPurpose::ApproveSg1)
        }) {
            Arc::make_mut(survey).facts_digest = Digest::zero();
        }
    });
    must_find("a way to write", |records| {
        if let Event::SurveyTaken { survey, .. } =
            find(records, |e| is_survey(e, SurveyPurpose::Post))
        {
            Arc::make_mut(survey).role.findings.push(RoleFinding {
                severity: Severity::Fail,
                kind: "ownership".to_owned(),
                object: "public.x".to_owned(),
                privilege: "OWNER".to_owned(),
                via: "us".to_owned(),
                allowed: false,
            });
        }
    });
    must_find("a survey of no transaction", |records| {
        if let Event::SurveyTaken { survey, .. } =
            find(records, |e| is_survey(e, SurveyPurpose::Post))
        {
            Arc::make_mut(survey).snapshot.nonce = "invented".to_owned();
        }
    });
}

#[test]
fn a_forged_proof_prediction_step_or_sheet_is_found() {
    must_find("a row written", |records| {
        if let Event::TransactionClosed { proof, .. } =
            find(records, |e| matches!(e, Event::TransactionClosed { .. }))
        {
            Arc::make_mut(proof).rows_written = 1;
        }
    });
    must_find("another nonce", |records| {
        if let Event::TransactionOpened { nonce, .. } =
            find(records, |e| matches!(e, Event::TransactionOpened { .. }))
        {
            nonce.push('x');
        }
    });
    must_find("a smaller prediction", |records| {
        if let Event::EffectPredicted { predicted, .. } =
            find(records, |e| matches!(e, Event::EffectPredicted { .. }))
        {
            predicted.tables[0].update = Simulated::new(0);
        }
    });
    must_find("a step that did more", |records| {
        if let Event::UnitsProgressed { counts, .. } =
            find(records, |e| matches!(e, Event::UnitsProgressed { .. }))
        {
            counts.would_insert = Simulated::new(1);
        }
    });
    must_find("a sheet with another number", |records| {
        if let Event::EvidenceTaken { sheet, .. } =
            find(records, |e| matches!(e, Event::EvidenceTaken { .. }))
        {
            Arc::make_mut(sheet).candidates = 61;
        }
    });
    must_find("context pins of another survey", |records| {
        if let Event::ContextPinned { context, .. } =
            find(records, |e| matches!(e, Event::ContextPinned { .. }))
        {
            context.simulator_input_digest = Digest::zero();
        }
    });
    must_find("an approval after its expiry", |records| {
        if let Event::EvidenceTaken { expires_at, .. } =
            find(records, |e| matches!(e, Event::EvidenceTaken { .. }))
        {
            *expires_at = expires_at.plus_seconds(-200_000);
        }
    });
}

#[test]
fn a_forged_claim_verdict_or_result_is_found() {
    let judged = |e: &Event| matches!(e, Event::NonMutationJudged(_));
    must_find("a claim", |records| {
        if let Event::NonMutationJudged(judged) = find(records, judged) {
            judged.claims[2].verdict = ClaimVerdict::NotChecked;
        }
    });
    must_find("the verdict", |records| {
        if let Event::NonMutationJudged(judged) = find(records, judged) {
            judged.verdict = NonMutationVerdict::Unproven;
        }
    });
    must_find("a lost claim", |records| {
        if let Event::NonMutationJudged(judged) = find(records, judged) {
            judged.claims.pop();
        }
    });
    must_find("the result", |records| {
        if let Event::RunSealed { result, .. } = find(records, Event::seals) {
            result.push('X');
        }
    });
    must_find("the exit code", |records| {
        if let Event::RunSealed { exit_code, .. } = find(records, Event::seals) {
            *exit_code = 1;
        }
    });
}

#[test]
fn a_lost_check_record_or_gate_is_found() {
    // A return or stop is shown, the seal is last, a check may be recorded again: that these are gone the chain of digests finds.
    let silent = [
        "stop_raised",
        "check_recorded",
        "invocation_returned",
        "run_sealed",
    ];
    let whole = passed().records;
    for lost in 1..whole.len() {
        let mut records = whole.clone();
        let name = records.remove(lost).2.name();
        for (seq, record) in records.iter_mut().enumerate() {
            record.0 = seq as u64;
        }
        let found = !again(&records).findings.is_empty();
        assert!(found || silent.contains(&name), "{lost} {name}");
    }
}

#[test]
fn an_empty_pass_is_found() {
    must_find("a PASS without raw values", |records| {
        let check = |e: &Event| matches!(e, Event::CheckRecorded { gate: Gate::G5, .. });
        if let Event::CheckRecorded { check, .. } = find(records, check) {
            check.raw = serde_json::Value::Null;
        }
    });
}

#[test]
fn a_time_before_the_record_before_is_found_where_the_run_keeps_time() {
    let mut records = passed().records;
    let middle = records.len() / 2;
    records[middle].1 = records[middle - 1].1.plus_seconds(-1);
    let found = again(&records).findings;
    let named = |f: &Finding| f.seq == middle as u64 && f.what.contains("its time");
    assert!(found.iter().any(named), "{found:?}");
    // Before the time since boot was recorded, a clock that was set back was seen in the times of a run.
    if let Event::RunCreated(created) = &mut records[0].2 {
        created.uptime_ms = None;
    }
    assert_eq!(again(&records).findings, []);
}

#[test]
fn an_approval_after_expiry_is_found_though_the_clock_was_set_back() {
    let mut records = passed().records;
    let recorded = |e: &Event| matches!(e, Event::ApprovalRecorded { .. });
    if let Event::ApprovalRecorded { uptime_ms, .. } = find(&mut records, recorded) {
        *uptime_ms = uptime_ms.map(|before| before + 200_000_000);
    }
    let found = again(&records).findings;
    let named = |f: &Finding| f.what.contains("The evidence expired at");
    assert!(found.iter().any(named), "{found:?}");
}
