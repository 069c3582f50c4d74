//! The input line of the approval sheet, and its remark on the last keys. A wrong character is marked and never shown as one of
//! the six.

use crate::tui::approve_sheet::{ApproveSheet, SheetRemark, TO_TYPE};
use crate::tui::keymap::{Action, KeyScope, key_of};
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Shown, Text};

/// `Type the last six characters, then Enter:  [c3f9__]`, or why an approval would be refused.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    (x, y, width): (u16, u16, u16),
    sheet: &ApproveSheet,
    refusal: Option<&str>,
) {
    if let Some(why) = refusal.filter(|_| !sheet.is_sent()) {
        canvas.text(x, y, width, &Text::inked(Ink::Drift, why));
        return;
    }
    let ink = if sheet.is_ready() {
        Ink::Plain
    } else {
        Ink::Dim
    };
    let mut text = Text::inked(
        ink,
        format!(
            "Type the last six characters, then {}:  ",
            key(Action::Confirm)
        ),
    )
    .with(Ink::Bold, "[")
    .with(Ink::Bold, &sheet.typed);
    let marked: String = sheet.wrong.chars().take(TO_TYPE).map(one_column).collect();
    let right_and_wrong = sheet.typed.len() + sheet.wrong.chars().count();
    text.push(Ink::Bad, marked);
    text.push(ink, "_".repeat(TO_TYPE.saturating_sub(right_and_wrong)));
    text.push(Ink::Bold, "]");
    if sheet.surplus() > 0 {
        text.push(Ink::Bad, "  ! too many");
    } else if !sheet.wrong.is_empty() {
        text.push(Ink::Bad, "  ! not this one");
    }
    canvas.text(x, y, width, &text);
}

/// Name of the sheet's key for an action.
fn key(action: Action) -> String {
    key_of(KeyScope::Sheet, action)
}

/// A typed character as it may stand in one column.
fn one_column(typed: char) -> String {
    let shown = Shown::of(typed.to_string());
    // An escaped or wide character would move the six places that are still to be typed.
    if shown.width() == 1 {
        shown.as_str().to_owned()
    } else {
        "?".to_owned()
    }
}

/// What the sheet says of the last keys.
pub(super) fn remark(sheet: &ApproveSheet) -> Text {
    let says = match (sheet.remark, sheet.surplus()) {
        (None | Some(SheetRemark::NotSix), 1..) => {
            let surplus = crate::run::counted(sheet.surplus(), "character");
            return Text::inked(
                Ink::Needed,
                format!(
                    "{surplus} more than six: {} takes the last one back.",
                    key(Action::TakeBack)
                ),
            );
        }
        (None, _) => return Text::new(),
        (Some(SheetRemark::EarlyDropped), _) if sheet.is_ready() => return Text::new(),
        (Some(SheetRemark::EarlyDropped), _) => "What is typed before READY is dropped.".to_owned(),
        (Some(SheetRemark::BurstDropped), _) => {
            "A paste, or characters under 5 ms apart: all of them were dropped. Type them."
                .to_owned()
        }
        (Some(SheetRemark::NotSix), _) => {
            format!("{} counts once all six are right.", key(Action::Confirm))
        }
        (Some(SheetRemark::NoPause), _) => {
            let enter = key(Action::Confirm);
            format!("{enter} came too soon after another key: press {enter} again.")
        }
        (Some(SheetRemark::ArmsAgain), _) => {
            "The screen changed: the sheet arms again, what was typed is gone.".to_owned()
        }
    };
    Text::inked(Ink::Needed, says)
}
