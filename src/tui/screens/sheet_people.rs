//! The people of the approval sheet: who approved before, who would approve now and as whom, and until when the evidence is good.

use crate::run::{ApprovalStatus, Decision, Evidence};
use crate::tui::model::Model;
use crate::tui::theme::{Glyph, Ink};
use crate::tui::widgets::Text;

/// Adds who approved before, who would now, and until when.
pub(super) fn lines(text: &mut Vec<Text>, model: &Model, evidence: &Evidence) {
    let run = model.run();
    let before: Vec<String> = run
        .approvals
        .iter()
        .filter(|approval| approval.decision == Decision::Approve)
        .map(|approval| {
            let void = if approval.status == ApprovalStatus::Void {
                " (void)"
            } else {
                ""
            };
            format!(
                "{} by {} {}{void}",
                approval.gate,
                approval.by.name(),
                approval.at.clock()
            )
        })
        .collect();
    text.push(Text::plain(format!(
        "approved before: {}",
        if before.is_empty() {
            "nothing in this run".to_owned()
        } else {
            before.join(", ")
        }
    )));
    let expires = evidence.expires_at.clock_minutes();
    let alarm = model.theme.glyph(Glyph::Alarm);
    let expiry = match model.minutes_left() {
        Some(1) => Text::inked(Ink::Needed, format!("{alarm} Expires within 1 minute.")),
        Some(n) => Text::inked(Ink::Needed, format!("{alarm} Expires in {n} minutes.")),
        None => Text::plain(format!("Expires {expires}.")),
    };
    let shared = model
        .run()
        .created
        .as_ref()
        .and_then(|created| created.shared_note());
    text.extend(shared.map(Text::plain));
    text.push(
        Text::plain(format!(
            "you: {}. Approver identity is an OS account, not cryptographic. Signer: {} (a stub). ",
            model.who,
            model.who.signer.name()
        ))
        .then(expiry),
    );
}
