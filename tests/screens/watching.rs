//! A screen that watches: what a look found is one frame, and says what its events say one by one. Invariant: every piece of a journal ends in the frame of its last line.

use crossterm::event::KeyCode;
use drygate::run::{ApprovalGate, ApprovalRefused, Decision, Event, EvidenceShown, Purpose};
use drygate::survey::Digest;
use drygate::tui::{ScreenMessage, Source};

use crate::stage::{Stage, found, messages};
use drygate::testing::values::person;
use drygate::testing::{ScriptedRun, at};

const SIZE: (u16, u16) = (120, 36);
const CLOCK: &str = "09:31:15";

fn evidence(script: &ScriptedRun) -> Digest {
    let evidence = script.run.evidence.as_ref();
    evidence.expect("evidence").digest.clone()
}

/// A run at SG2 whose sheet was shown.
fn shown() -> ScriptedRun {
    let mut script = ScriptedRun::at_sg2(false);
    let evidence = evidence(&script);
    script
        .clock("09:31:00")
        .push(Event::EvidenceShown(EvidenceShown {
            gate: ApprovalGate::SG2,
            evidence,
            by: person("op_a"),
            expires_at: at("17:31:00"),
            size: None,
            boot_id: "boot".to_owned(),
            uptime_ms: None,
        }));
    script
}

/// What may follow while somebody watches who has a sheet open.
fn stories() -> Vec<(&'static str, ScriptedRun)> {
    let mut equal = shown();
    equal.live_read(true, &[], None);
    let mut moved = shown();
    moved.live_read(true, &[("icx_draft", "59")], None);
    let mut moved_back = moved.clone();
    moved_back.live_read(true, &[], None);
    let mut failed = shown();
    failed.live_read(true, &[], Some("connection lost"));
    let mut counters = equal.clone();
    counters.live_read(false, &[("icx_draft", "59")], None);
    let mut refused = equal.clone();
    refused.push(Event::ApprovalRefused(ApprovalRefused {
        gate: ApprovalGate::SG2,
        decision: Decision::Approve,
        evidence: Some(evidence(&refused)),
        reason: "it was shown to nobody".to_owned(),
        by: person("op_b"),
    }));
    let mut approved = equal.clone();
    approved.decides(Decision::Approve, "op_b", None);
    let mut withdrawn = approved.clone();
    withdrawn.decides(Decision::Withdraw, "op_b", None);
    let mut rejected = equal.clone();
    rejected.decides(Decision::Reject, "op_b", Some("not today"));
    let mut flood = equal.clone();
    for _ in 0..9 {
        flood.live_read(true, &[], None);
    }
    flood.transaction(Purpose::LiveRead);
    vec![
        ("nothing but the sheet", shown()),
        ("equal", equal),
        ("moved", moved),
        ("moved and back", moved_back),
        ("failed", failed),
        ("counters moved", counters),
        ("refused", refused),
        ("approved", approved),
        ("withdrawn", withdrawn),
        ("rejected", rejected),
        ("flood", flood),
        ("drifted", ScriptedRun::drifted()),
        ("renewed", ScriptedRun::renewed()),
    ]
}

/// Somebody watches the run at SG2, and pressed these keys.
fn watching(keys: &[KeyCode]) -> Stage {
    let mut stage = Stage::from(&ScriptedRun::at_sg2(false), CLOCK, SIZE, Source::Watching);
    stage.wait(5_000);
    for key in keys {
        stage.key(*key);
    }
    stage
}

#[test]
fn what_a_look_found_is_one_frame_from_the_first_line_on() {
    let script = ScriptedRun::at_sg2(false);
    let one_by_one = Stage::from(&script, CLOCK, SIZE, Source::Watching);
    let mut nothing = script.clone();
    nothing.records.clear();
    let mut stage = Stage::from(&nothing, CLOCK, SIZE, Source::Watching);
    let before = stage.screen.frames();
    stage.hear(found(&script, 0..script.records.len()));
    assert_eq!(stage.screen.frames(), before + 1);
    assert_eq!(stage.text(), one_by_one.text());
}

#[test]
fn a_sheet_is_told_of_a_survey_that_was_read_between_two_looks() {
    let mut script = shown();
    script.live_read(true, &[], None);
    let begun = ScriptedRun::at_sg2(false).records.len();
    let ScreenMessage::Found(mut untold) = found(&script, begun..script.records.len()) else {
        unreachable!("it was found");
    };
    let mut stage = watching(&[KeyCode::Char('a')]);
    stage.hear(ScreenMessage::Found(untold.clone()));
    let told = stage.text();
    untold.sheet_events.clear();
    let mut stage = watching(&[KeyCode::Char('a')]);
    stage.hear(ScreenMessage::Found(untold));
    assert_ne!(
        stage.text(),
        told,
        "its own survey is more than the run says"
    );
}

/// Thousands of frames. `make check` leaves these out.
mod exhaustive {
    use super::*;

    #[test]
    fn what_looks_found_says_what_its_events_say_one_by_one() {
        let begun = ScriptedRun::at_sg2(false).records.len();
        let opened: [&[KeyCode]; 4] = [
            &[],
            &[KeyCode::Char('a')],
            &[KeyCode::Char('x')],
            &[KeyCode::Char('d')],
        ];
        let mut frames = std::collections::BTreeSet::new();
        for (name, script) in stories() {
            for keys in opened {
                let mut one_by_one = watching(keys);
                for messages in messages(&script).split_off(begun) {
                    one_by_one.hear(messages);
                }
                frames.insert(one_by_one.text());
                for piece in [2, 5, script.records.len()] {
                    let mut looks = watching(keys);
                    let mut told = begun;
                    while told < script.records.len() {
                        let until = (told + piece).min(script.records.len());
                        looks.hear(found(&script, told..until));
                        told = until;
                    }
                    let how = format!("{name} in pieces of {piece} after {keys:?}");
                    assert_eq!(looks.text(), one_by_one.text(), "{how}");
                }
            }
        }
        assert!(frames.len() > 30, "{} different frames", frames.len());
    }
}
