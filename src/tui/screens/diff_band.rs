//! The band of the diff screen: headline, claims, attribution. The headline is the verdict where there is one, and never PROVEN
//! without it.

use ratatui::layout::Rect;

use super::proof::mark_of;
use crate::compare::Comparison;
use crate::run::{CarriedOut, Claim, NonMutationVerdict};
use crate::tui::diff_view::DiffView;
use crate::tui::theme::{Ink, Theme};
use crate::tui::widgets::{Canvas, Text, Weight};

/// Draws the band in its area.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &DiffView) {
    let theme = *canvas.theme();
    let comparison = match &view.outcome {
        Ok(comparison) => comparison,
        Err(why) => {
            let title = Text::inked(Ink::Bold, "NOTHING TO COMPARE");
            let inside = canvas.frame(area, Weight::Heavy, Ink::Plain, &title, &Text::new());
            let text = Text::plain(why);
            canvas.text(
                inside.x + 2,
                inside.y,
                inside.width.saturating_sub(3),
                &text,
            );
            return;
        }
    };
    let ink = ink(comparison);
    let title = Text::inked(ink, comparison.headline());
    let times = comparison.sources.as_ref().map(|source| {
        source
            .read_at
            .map_or_else(|| "not read".to_owned(), crate::survey::UtcTime::clock)
    });
    let wide = area.width >= 100;
    let right = if wide {
        let read = format!("   read {} | {}", times.before, times.after);
        Text::plain(comparison.tally() + &read)
    } else {
        Text::plain(comparison.tally())
    };
    let inside = canvas.frame(area, Weight::Heavy, ink, &title, &right);
    let room = inside.width.saturating_sub(3);
    let lines = if inside.height >= 5 {
        tall(comparison, theme, room.into())
    } else {
        short(comparison, theme, room.into())
    };
    // What came of the change leads, whole: of the rest only what has room.
    let after = comparison.after.iter();
    let after = after.flat_map(|after| Text::plain(&after.says).wrap(room.into()));
    let lines: Vec<Text> = after.chain(lines).collect();
    for (y, line) in (inside.y..inside.bottom()).zip(&lines) {
        canvas.text(inside.x + 2, y, room, line);
    }
}

fn ink(comparison: &Comparison) -> Ink {
    if let Some(after) = &comparison.after {
        return match after.came {
            Some(CarriedOut::CameTrue) => Ink::Bold,
            Some(CarriedOut::DidNotComeTrue) => Ink::Drift,
            Some(CarriedOut::NotCarriedOut) | None => Ink::Needed,
        };
    }
    match comparison.verdict {
        Some(NonMutationVerdict::Proven) => Ink::Good,
        Some(NonMutationVerdict::ChangedByOthers) => Ink::Drift,
        Some(NonMutationVerdict::Unproven | NonMutationVerdict::MutationSuspected) => Ink::Bad,
        None if comparison.differs() => Ink::Drift,
        None => Ink::Plain,
    }
}

/// Each thing on a line of its own.
fn tall(comparison: &Comparison, theme: Theme, width: usize) -> Vec<Text> {
    let said = &comparison.attribution;
    let named = |name: &str, words: &str| Text::inked(Ink::Bold, name).with(Ink::Plain, words);
    let what = "What: ";
    let mut lines = vec![
        claims(comparison, theme, width),
        named(what, &said.what_within(width.saturating_sub(what.len()))),
        named("When: ", &format!("{}    ", said.when)).then(named("Not us: ", &said.not_us)),
        named("Who:  ", &said.who),
        named("Cannot see: ", &said.cannot_see),
    ];
    lines.extend(method(comparison));
    lines
}

fn short(comparison: &Comparison, theme: Theme, width: usize) -> Vec<Text> {
    let said = &comparison.attribution;
    let named = |name: &str, words: &str| Text::inked(Ink::Bold, name).with(Ink::Plain, words);
    let what = "What: ";
    let who = named("Who:  ", &said.who).then(named("  When: ", &said.when));
    vec![
        claims(comparison, theme, width),
        named(what, &said.what_within(width.saturating_sub(what.len()))),
        method(comparison).unwrap_or(who),
    ]
}

/// How the sides were read differently, where they were.
fn method(comparison: &Comparison) -> Option<Text> {
    let named: Vec<&str> = comparison
        .method
        .iter()
        .map(|it| it.what.as_str())
        .collect();
    let mark = Text::inked(Ink::Drift, "* read in another way: ");
    (!named.is_empty()).then(|| mark.with(Ink::Plain, named.join(", ")))
}

/// The claims on one line, in whole sentences where they fit.
fn claims(comparison: &Comparison, theme: Theme, width: usize) -> Text {
    let line = |whole: bool, gap: &str| {
        let mut line = Text::new();
        for claim in &comparison.claims {
            let gap = if line.is_empty() { "" } else { gap };
            let claim = claim_text(claim, comparison.differing_from_pin(), theme, whole);
            line = line.with(Ink::Plain, gap).then(claim);
        }
        line
    };
    let whole = line(true, "    ");
    if whole.width() <= width {
        whole
    } else {
        line(false, "  ")
    }
}

fn claim_text(claim: &Claim, differing: usize, theme: Theme, whole: bool) -> Text {
    let words = claim.words(differing);
    let said = if whole { words.whole } else { words.short };
    Text::plain(format!("{} ", claim.name.name()))
        .then(mark_of(theme, claim, differing))
        .with(Ink::Plain, format!(" {said}"))
}
