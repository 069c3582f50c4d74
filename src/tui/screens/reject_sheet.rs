//! The rejection sheet, drawn. It says what rejecting does before it is done.

use ratatui::layout::Rect;

use super::{target_address, words};
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::model::Model;
use crate::tui::reject_sheet::RejectSheet;
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Shown, Text, Weight};

/// Draws the sheet over the panes.
pub(super) fn draw(canvas: &mut Canvas<'_>, body: Rect, model: &Model, sheet: &RejectSheet) {
    let width = body.width.min(80);
    let height = body.height.min(11);
    let place = Rect::new(
        body.x + (body.width - width) / 2,
        body.y + (body.height - height) / 3,
        width,
        height,
    );
    canvas.blank(place);
    let label = model.run().gate_label(sheet.gate);
    let title = Text::inked(Ink::Bold, format!("REJECT {}: {label}", sheet.gate));
    let inside = canvas.frame(place, Weight::Heavy, Ink::Needed, &title, &Text::new());
    let target = model.run().created.as_ref().map(|created| &created.target);
    let head = Text::plain(format!(
        "evidence {}   ",
        words::evidence_short(&sheet.evidence)
    ));
    let head = target.map_or(head.clone(), |target| {
        let head = head.with(Ink::Target, format!("[{}]", target.label));
        let address = target_address::short(target);
        // No address is cut: who reads gives way to it.
        let forms = [format!(" {}@{address}", target.user), format!(" {address}")];
        let forms = forms.map(|form| head.clone().with(Ink::Plain, form));
        Text::first_fitting(forms, usize::from(inside.width.saturating_sub(2)))
    });
    let room = usize::from(inside.width.saturating_sub(6));
    let reason = Shown::of(&sheet.reason);
    let end = reason.end_of_width(room);
    let cut = reason.width() - end.width();
    let before = if cut > 0 {
        format!("{cut} more{}", canvas.theme().ellipsis())
    } else {
        String::new()
    };
    let end = reason.end_of_width(room.saturating_sub(before.chars().count() + 1));
    let status = if sheet.sent {
        Text::inked(Ink::Running, "recording...")
    } else {
        Text::inked(Ink::Needed, sheet.remark.unwrap_or(""))
    };
    let key = |action| key_of(KeyScope::Sheet, action);
    let lines = [
        head,
        Text::new(),
        Text::plain("The run ends REJECTED; your reason is kept. No database is needed."),
        Text::plain(format!(
            "you: {}. Signer: {} (a stub).",
            model.who,
            model.who.signer.name()
        )),
        Text::new(),
        Text::plain(format!(
            "Why? A reason is required, then {}:",
            key(Action::Confirm)
        )),
        Text::inked(Ink::Bold, "> ")
            .with(Ink::Dim, before)
            .with(Ink::Plain, end.as_str())
            .with(Ink::Bold, if sheet.sent { "" } else { "_" }),
        status,
        Text::inked(Ink::Dim, format!("{} leaves it waiting", key(Action::Back))),
    ];
    let fixed = usize::from(inside.height);
    let skip = lines.len().saturating_sub(fixed);
    for (y, line) in (inside.y..inside.bottom()).zip(lines.iter().skip(skip)) {
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(2), line);
    }
}
