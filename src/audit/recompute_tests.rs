//! Tests of `recompute`: each test changes a record of a journal and sees the finding.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::RecomputeFinding;
use crate::audit::fixture::{again, change, live};
use crate::audit::journal_fixture::{at_sg2, closed, passed, rejected};
use crate::audit::{PROBES, forbidden_rows, result, result_name};
use crate::run::{
    ApprovalRecorded, Check, CheckName, CheckRecorded, ClaimVerdict, ContextPinned,
    EffectPredicted, Event, EvidenceTaken, Gate, GateFinished, GateStarted, History,
    NonMutationVerdict, RunCreated, RunSealed, SurveyPurpose, SurveyTaken, TeamWords,
    TransactionClosed, TransactionOpened, UnitsProgressed, Verdict,
};
use crate::survey::{Digest, RoleFinding, Severity, Simulated, Survey};
use crate::testing::ScriptedRecord;

/// The records after one of them was changed, taken away or added, numbered anew, with gates that say what their checks now give.
fn consistent(mut records: Vec<ScriptedRecord>) -> Vec<ScriptedRecord> {
    let mut history = History::default();
    for (seq, record) in records.iter_mut().enumerate() {
        record.seq = seq as u64;
        let run = history.run();
        if let Event::GateFinished(GateFinished { gate, verdict }) =
            Arc::make_mut(&mut record.event)
            && let Some(open) = run.gates.get(gate)
        {
            *verdict = Verdict::of_gate(open.checks.iter().map(|c| c.verdict));
        }
        if let Event::RunSealed(RunSealed {
            result: name,
            outcome,
            exit_code,
            stop_code,
            ..
        }) = Arc::make_mut(&mut record.event)
        {
            let given = result(run);
            (*name, *outcome) = (result_name(run), given);
            (*exit_code, *stop_code) = (given.exit_code(), given.stop_code());
        }
        let _ = history.take(record.seq, record.at, &record.event, &Digest::zero());
    }
    records
}

/// Where the checks of a journal are, with gate and name.
fn checks(records: &[ScriptedRecord]) -> Vec<(usize, Gate, CheckName)> {
    let check = |(at, record): (usize, &ScriptedRecord)| {
        let Event::CheckRecorded(CheckRecorded { gate, check }) = &*record.event else {
            return None;
        };
        Some((at, *gate, check.name.clone()))
    };
    records.iter().enumerate().filter_map(check).collect()
}

/// Runs of each kind of end. The last one has failing checks, and NOT CHECKED ones.
fn ended() -> [Vec<ScriptedRecord>; 3] {
    let moved = |survey: &mut Survey| change(survey, "icx_draft", live("59"));
    [passed().records, rejected().records, closed(moved).records]
}

fn check_of(record: &mut ScriptedRecord) -> &mut Check {
    let Event::CheckRecorded(recorded) = Arc::make_mut(&mut record.event) else {
        panic!("a check");
    };
    &mut recorded.check
}

#[track_caller]
fn is_named(what: &str, forged: Vec<ScriptedRecord>, gate: Gate, name: &str) {
    let findings = again(&consistent(forged)).findings;
    let named = |f: &RecomputeFinding| f.what.contains(name) && f.what.contains(gate.name());
    assert!(
        findings.iter().any(named),
        "{what}: {gate} {name}: {findings:#?}"
    );
}

fn other(value: &Value) -> Value {
    match value {
        Value::Null => json!("something"),
        Value::Bool(value) => json!(!value),
        Value::Number(_) => json!(4711),
        Value::String(text) => json!(format!("not {text}")),
        Value::Array(list) => {
            let mut list = list.clone();
            list.push(json!("one more"));
            Value::Array(list)
        }
        Value::Object(fields) => {
            let other = fields
                .iter()
                .map(|(key, value)| (key.clone(), other(value)));
            Value::Object(other.collect())
        }
    }
}

#[test]
fn a_pin_that_was_swapped_after_its_sheet_was_approved_is_found() {
    let taken = |records: &[ScriptedRecord], wanted: SurveyPurpose| {
        let found = records.iter().position(|r| is_survey(&r.event, wanted));
        found.expect("a survey of the fixture")
    };
    for (wanted, gate) in [
        (SurveyPurpose::ApproveSg1, "SG1"),
        (SurveyPurpose::ApproveSg2, "SG2"),
        (SurveyPurpose::Post, "SG2"),
    ] {
        // The survey for the approval is passed off as a pin of its own, right before it.
        let mut records = passed().records;
        let at = taken(&records, wanted);
        let mut pin = records[at].clone();
        if let Event::SurveyTaken(SurveyTaken { purpose, .. }) = Arc::make_mut(&mut pin.event) {
            *purpose = SurveyPurpose::Pin;
        }
        records.insert(at, pin);
        let found = again(&consistent(records)).findings;
        for what in [
            "a pin outside G1".to_owned(),
            format!("the pin is not that of the sheet that was approved at {gate}"),
        ] {
            assert!(found.iter().any(|f| f.what == what), "{what}: {found:#?}");
        }
    }
}

/// Whether an event is the start, a check or the end of a gate.
fn is_of(gate: Gate, event: &Event) -> bool {
    matches!(
        event,
        Event::GateStarted(GateStarted { gate: of })
        | Event::CheckRecorded(CheckRecorded { gate: of, .. })
        | Event::GateFinished(GateFinished { gate: of, .. }) if *of == gate
    )
}

#[test]
fn a_gate_that_is_missing_before_the_state_that_needs_it_is_named() {
    for records in ended() {
        let finished = |record: &ScriptedRecord| {
            let Event::GateFinished(GateFinished { gate, .. }) = *record.event else {
                return None;
            };
            Some(gate)
        };
        for gate in records.iter().filter_map(finished) {
            let mut without = records.clone();
            without.retain(|record| !is_of(gate, &record.event));
            is_named("without its gate", without, gate, "was not");
        }
    }
    // After a drift the gates of the round before are no substitute.
    let mut drifted = at_sg2();
    drifted.drifts(&["icx_draft"]).renews();
    let drifted = drifted.records;
    for gate in [Gate::G1, Gate::G2] {
        let begun = drifted.iter().rposition(
            |r| matches!(&*r.event, Event::GateStarted(GateStarted { gate: of }) if *of == gate),
        );
        let begun = begun.expect("begun twice");
        let mut at = 0;
        let mut without = drifted.clone();
        without.retain(|record| {
            at += 1;
            at <= begun || !is_of(gate, &record.event)
        });
        is_named("without its gate in this round", without, gate, "was not");
    }
}

/// Terms of the first record that somebody loosened, or tightened, against the profile it names.
#[test]
fn terms_that_are_not_those_of_the_profile_are_found() {
    type Damage = fn(&mut RunCreated);
    let cases: [(&str, Damage); 10] = [
        ("the name", |c| c.profile.push('x')),
        ("the prefix", |c| c.result_prefix.push('X')),
        ("the labels", |c| c.gate_labels.swap(0, 1)),
        ("the words", |c| c.words = None),
        ("the words", |c| c.words = Some(TeamWords::default())),
        ("who may approve", |c| c.approvals.distinct = true),
        ("who may approve", |c| c.approvals.exclude_starter = true),
        ("who may approve", |c| c.approvals.terminal = true),
        ("who may approve", |c| c.approvals.ttl_seconds *= 1_000),
        ("what the run may cost", |c| c.budget.rows_max = Some(9)),
    ];
    for (what, damage) in cases {
        let mut records = passed().records;
        let Event::RunCreated(created) = Arc::make_mut(&mut records[0].event) else {
            panic!("the first record creates the run");
        };
        damage(created);
        let found = again(&records).findings;
        let named = found.iter().any(|f| f.seq == 0 && f.what.contains(what));
        assert!(named, "{what}: {found:?}");
    }
}

fn find(records: &mut [ScriptedRecord], wanted: impl Fn(&Event) -> bool) -> &mut Event {
    let found = records
        .iter_mut()
        .map(|r| Arc::make_mut(&mut r.event))
        .find(|event| wanted(event));
    found.expect("an event of the fixture")
}

fn is_survey(event: &Event, wanted: SurveyPurpose) -> bool {
    matches!(event, Event::SurveyTaken(SurveyTaken { purpose, .. }) if *purpose == wanted)
}

fn must_find(what: &str, damage: impl FnOnce(&mut Vec<ScriptedRecord>)) {
    let mut records = passed().records;
    damage(&mut records);
    assert_ne!(again(&records).findings, Vec::new(), "{what}");
}

#[test]
fn a_forged_survey_under_a_kept_pass_is_found() {
    must_find("a drifted fact of the post survey", |records| {
        if let Event::SurveyTaken(SurveyTaken { survey, .. }) =
            find(records, |e| is_survey(e, SurveyPurpose::Post))
        {
            change(Arc::make_mut(survey), "icx_draft", live("59"));
        }
    });
    must_find(
        "a drifted fact before the approval took effect",
        |records| {
            if let Event::SurveyTaken(SurveyTaken { survey, .. }) =
                find(records, |e| is_survey(e, SurveyPurpose::ApproveSg2))
            {
                change(Arc::make_mut(survey), "icx_draft", live("59"));
            }
        },
    );
    must_find("a facts digest that is not that of the facts", |records| {
        if let Event::SurveyTaken(SurveyTaken { survey, .. }) = find(records, |e| {
            is_survey(e, SurveyPurpose::Again) || is_survey(e, SurveyPurpose::ApproveSg1)
        }) {
            Arc::make_mut(survey).facts_digest = Digest::zero();
        }
    });
    must_find("a way to write", |records| {
        if let Event::SurveyTaken(SurveyTaken { survey, .. }) =
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
        if let Event::SurveyTaken(SurveyTaken { survey, .. }) =
            find(records, |e| is_survey(e, SurveyPurpose::Post))
        {
            Arc::make_mut(survey).snapshot.nonce = "invented".to_owned();
        }
    });
}

#[test]
fn a_forged_proof_prediction_step_or_sheet_is_found() {
    must_find("a row written", |records| {
        if let Event::TransactionClosed(TransactionClosed { proof, .. }) =
            find(records, |e| matches!(e, Event::TransactionClosed(_)))
        {
            Arc::make_mut(proof).rows_written = Some(1);
        }
    });
    must_find("another nonce", |records| {
        if let Event::TransactionOpened(TransactionOpened { nonce, .. }) =
            find(records, |e| matches!(e, Event::TransactionOpened(_)))
        {
            nonce.push('x');
        }
    });
    must_find("a smaller prediction", |records| {
        if let Event::EffectPredicted(EffectPredicted { predicted, .. }) =
            find(records, |e| matches!(e, Event::EffectPredicted(_)))
        {
            predicted.tables[0].update = Simulated::new(0);
        }
    });
    must_find("a step that did more", |records| {
        if let Event::UnitsProgressed(UnitsProgressed { counts, .. }) =
            find(records, |e| matches!(e, Event::UnitsProgressed(_)))
        {
            counts.would_insert = Simulated::new(1);
        }
    });
    must_find("a sheet with another number", |records| {
        if let Event::EvidenceTaken(EvidenceTaken { sheet, .. }) =
            find(records, |e| matches!(e, Event::EvidenceTaken(_)))
        {
            Arc::make_mut(sheet).candidates = Some(61);
        }
    });
    must_find("context pins of another survey", |records| {
        if let Event::ContextPinned(ContextPinned { context, .. }) =
            find(records, |e| matches!(e, Event::ContextPinned(_)))
        {
            context.simulator_input_digest = Digest::zero();
        }
    });
    must_find("an approval after its expiry", |records| {
        if let Event::EvidenceTaken(EvidenceTaken { expires_at, .. }) =
            find(records, |e| matches!(e, Event::EvidenceTaken(_)))
        {
            *expires_at = expires_at.plus_seconds(-200_000);
        }
    });
}

#[test]
fn a_forged_claim_verdict_or_result_is_found() {
    let judged = |e: &Event| matches!(e, Event::NonMutationJudged(_));
    let sealed = |e: &Event| matches!(e, Event::RunSealed(_));
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
        if let Event::RunSealed(RunSealed { result, .. }) = find(records, sealed) {
            result.push('X');
        }
    });
    must_find("the exit code", |records| {
        if let Event::RunSealed(RunSealed { exit_code, .. }) = find(records, sealed) {
            *exit_code = 1;
        }
    });
}

#[test]
fn an_empty_pass_is_found() {
    must_find("a PASS without raw values", |records| {
        let check = |e: &Event| {
            matches!(
                e,
                Event::CheckRecorded(CheckRecorded { gate: Gate::G5, .. })
            )
        };
        if let Event::CheckRecorded(CheckRecorded { check, .. }) = find(records, check) {
            check.raw = serde_json::Value::Null;
        }
    });
}

#[test]
fn a_time_before_the_record_before_is_found_where_the_run_keeps_time() {
    let mut records = passed().records;
    let middle = records.len() / 2;
    records[middle].at = records[middle - 1].at.plus_seconds(-1);
    let found = again(&records).findings;
    let named = |f: &RecomputeFinding| f.seq == middle as u64 && f.what.contains("its time");
    assert!(found.iter().any(named), "{found:?}");
    // Before the time since boot was recorded, a clock that was set back was seen in the times of a run.
    if let Event::RunCreated(created) = Arc::make_mut(&mut records[0].event) {
        created.uptime_ms = None;
    }
    assert_eq!(again(&records).findings, []);
}

#[test]
fn an_approval_after_expiry_is_found_though_the_clock_was_set_back() {
    let mut records = passed().records;
    let recorded = |e: &Event| matches!(e, Event::ApprovalRecorded(_));
    if let Event::ApprovalRecorded(ApprovalRecorded { uptime_ms, .. }) =
        find(&mut records, recorded)
    {
        *uptime_ms = uptime_ms.map(|before| before + 200_000_000);
    }
    let found = again(&records).findings;
    let named = |f: &RecomputeFinding| f.what.contains("The evidence expired at");
    assert!(found.iter().any(named), "{found:?}");
}

/// Each record, check and value in turn: `make check` leaves these out.
mod exhaustive {
    use super::*;

    #[test]
    fn every_check_that_is_cut_out_doubled_or_invented_is_named() {
        for records in ended() {
            assert_eq!(again(&consistent(records.clone())).findings, Vec::new());
            for (at, gate, name) in checks(&records) {
                let mut cut = records.clone();
                cut.remove(at);
                is_named("cut out", cut, gate, name.name());
                let mut doubled = records.clone();
                doubled.insert(at, records[at].clone());
                is_named("doubled", doubled, gate, name.name());
                let mut renamed = records.clone();
                check_of(&mut renamed[at]).name = CheckName::from("invented");
                is_named("renamed", renamed, gate, "invented");
            }
        }
    }

    #[test]
    fn every_verdict_that_is_turned_round_is_found_by_name() {
        let verdicts = [
            Verdict::Pass,
            Verdict::Fail,
            Verdict::NotChecked,
            Verdict::OutOfScope,
            Verdict::NotAsked,
        ];
        let [passed, rejected, _] = ended();
        for records in [passed, rejected] {
            for (at, gate, name) in checks(&records) {
                for verdict in verdicts {
                    let mut forged = records.clone();
                    let check = check_of(&mut forged[at]);
                    if check.verdict == verdict {
                        continue;
                    }
                    check.verdict = verdict;
                    is_named(verdict.name(), forged, gate, name.name());
                }
            }
        }
    }

    /// Every single raw value of every check, replaced by another one of its kind. What the journal has nothing to compare with is
    /// listed.
    #[test]
    fn raw_values_that_say_something_else_are_found() {
        let records = passed().records;
        let mut silent = BTreeSet::new();
        for (at, gate, name) in checks(&records) {
            let raw = check_of(&mut records[at].clone()).raw.clone();
            for (field, value) in raw.as_object().into_iter().flatten() {
                let mut forged = records.clone();
                check_of(&mut forged[at]).raw[field] = other(value);
                if again(&consistent(forged)).findings.is_empty() {
                    silent.insert(format!("{gate} {name} {field}"));
                }
            }
        }
        let probes = PROBES
            .iter()
            .flat_map(|probe| ["expected", "saw"].map(|field| format!("G5 {probe} {field}")));
        let detectors =
            forbidden_rows(TeamWords::plain()).map(|(row, _)| format!("G6 {row} detector"));
        let others = ["G6 main_and_tags_unchanged moved_by_others"];
        let alone: BTreeSet<String> = probes
            .chain(detectors)
            .chain(others.map(str::to_owned))
            .collect();
        assert_eq!(silent, alone);
    }

    #[test]
    fn a_lost_record_is_found() {
        // A return or stop is shown, the seal is last: that these are gone the chain of digests finds.
        let silent = ["stop_raised", "invocation_returned", "run_sealed"];
        let whole = passed().records;
        for lost in 1..whole.len() {
            let mut records = whole.clone();
            let name = records.remove(lost).event.name();
            let found = !again(&consistent(records)).findings.is_empty();
            assert!(found || silent.contains(&name), "{lost} {name}");
        }
    }
}
