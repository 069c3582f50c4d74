//! The bottom edge of the approval sheet: gates, facts and stop points in one line, because on a small screen the sheet covers their
//! panes.

use super::{gates, stops};
use crate::tui::approve_sheet::{ApproveSheet, OwnSurvey};
use crate::tui::model::Model;
use crate::tui::theme::{Glyph, Ink};
use crate::tui::widgets::Text;

/// `G0-2 ✓  G3 ▸  G4-6 ·   17 facts = 09:31:15Z   r1 ✓ r2 ▸ YOU r3 · r4 ·`, in so many columns.
pub(super) fn text(model: &Model, sheet: &ApproveSheet, room: usize) -> Text {
    let line = gates::one_line(model).with(Ink::Plain, "   ");
    let line = line.then(facts(model, sheet)).with(Ink::Plain, "   ");
    let stops = stops::one_line(model).into_iter();
    Text::first_fitting(stops.map(|stops| line.clone().then(stops)), room)
}

/// What the survey of the sheet itself found.
fn facts(model: &Model, sheet: &ApproveSheet) -> Text {
    let all = model.run().compared();
    match &sheet.survey {
        OwnSurvey::Asked | OwnSurvey::Reading => {
            Text::inked(Ink::Running, format!("{all} facts being read"))
        }
        OwnSurvey::Equal(at) => Text::plain(format!("{all} facts = {}", at.clock())),
        OwnSurvey::Moved(moved) => {
            let alarm = model.theme.glyph(Glyph::Alarm);
            Text::inked(Ink::Drift, format!("{moved} of {all} facts {alarm}"))
        }
        OwnSurvey::Failed(_) => Text::inked(Ink::Bad, format!("{all} facts not read")),
    }
}
