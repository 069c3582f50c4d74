//! Hostile text and hostile sizes. Invariant: nothing from the database reaches a cell raw, and no size panics.

use drygate::run::{ApprovalRefused, Event};
use drygate::survey::FactKey;
use drygate::tui::diff_view::DiffView;
use drygate::tui::model::{Model, Over, Pane};
use drygate::tui::open_text::{OpenText, TextSubject};
use proptest::prelude::*;

use crate::stage::{drawn, model, plain};
use drygate::testing::ScriptedRun;

const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}gnp\u{2066}\u{200b}\u{feff}漢字e\u{301}\u{301}\u{301}\u{301}\u{301}\r\n\t\u{7f}";

fn hostile() -> ScriptedRun {
    let mut script = ScriptedRun::at_sg2(false);
    script.clock("09:31:15");
    script.live_read(
        false,
        &[("role", HOSTILE), ("fn_iu_enact_md5", HOSTILE)],
        None,
    );
    script.push(Event::ApprovalRefused(ApprovalRefused {
        gate: drygate::run::ApprovalGate::SG2,
        decision: drygate::run::Decision::Approve,
        evidence: None,
        reason: HOSTILE.to_owned(),
        by: {
            let mut person = drygate::testing::values::person(HOSTILE);
            HOSTILE.clone_into(&mut person.host);
            person
        },
    }));
    script
}

fn is_raw(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(u32::from(c), 0x200b..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069 | 0xfeff)
}

fn compared(model: &Model) -> DiffView {
    DiffView::best(&model.history, model.last_pass.as_deref(), model.size)
}

#[test]
fn hostile_text_is_written_out() {
    let script = hostile();
    let mut model = model(&script, "09:31:15", plain());
    model.watchers = vec![HOSTILE.to_owned()];
    model.notice = Some(HOSTILE.to_owned());
    for pane in Pane::ALL {
        model.focus = pane;
        model.enlarged = true;
        let text = drawn(&mut model, (160, 48));
        assert!(!text.chars().any(is_raw), "{text:?}");
    }
    let of_fact = Over::Reading(OpenText::of(TextSubject::Fact(FactKey::new("role"))));
    for (over, shows) in [
        (of_fact, "\\u{1b}"),
        (Over::Reading(OpenText::of(TextSubject::Evidence)), "sha256"),
        (Over::Diff(Box::new(compared(&model))), "\\u{1b}"),
    ] {
        model.over = over;
        let text = drawn(&mut model, (160, 48));
        assert!(!text.chars().any(is_raw), "{text:?}");
        assert!(text.contains(shows), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_text_at_any_size_with_anything_open(
        width in 1u16..220, height in 1u16..64, text in "\\PC{0,40}", what in 0usize..8,
    ) {
        let script = ScriptedRun::at_sg2(false);
        let mut model = model(&script, "09:33:07", plain());
        model.notice = Some(text.clone());
        let digest = script.run.evidence.as_ref().expect("evidence").digest.clone();
        let gate = drygate::run::ApprovalGate::SG2;
        let now = std::time::Duration::ZERO;
        model.over = match what {
            0 => Over::Approving(drygate::tui::approve_sheet::ApproveSheet::open(gate, digest, now)),
            1 => {
                let mut sheet = drygate::tui::reject_sheet::RejectSheet::open(gate, digest, now);
                sheet.reason = text;
                Over::Rejecting(sheet)
            }
            2 => Over::Reading(OpenText::of(TextSubject::Evidence)),
            3 => Over::Reading(OpenText::of(TextSubject::Help)),
            4 => Over::Leaving,
            5 => {
                let mut view = compared(&model);
                view.typing = Some(text);
                Over::Diff(Box::new(view))
            }
            _ => Over::Nothing,
        };
        model.enlarged = what == 6;
        model.focus = Pane::ALL[usize::from(width) % 6];
        let drawn = drawn(&mut model, (width, height));
        prop_assert!(!drawn.chars().any(is_raw));
    }
}

/// Thousands of frames. `make check` leaves these out.
mod exhaustive {
    use super::*;

    #[test]
    fn every_size_draws() {
        let scripts = [
            ScriptedRun::at_sg2(false),
            ScriptedRun::drifted(),
            hostile(),
        ];
        for script in &scripts {
            let mut model = model(script, "09:33:07", plain());
            let (view, nothing) = (Over::Diff(Box::new(compared(&model))), Over::Nothing);
            for over in [nothing, view] {
                model.over = over;
                for width in (1..=200).step_by(3) {
                    for height in (1..=60).step_by(4) {
                        let _ = drawn(&mut model, (width, height));
                    }
                }
            }
        }
        let mut model = model(&scripts[0], "09:33:07", plain());
        let text = drawn(&mut model, (59, 15));
        assert!(
            text.contains("drygate needs 60x16, this terminal has 59x15."),
            "{text}"
        );
    }
}
