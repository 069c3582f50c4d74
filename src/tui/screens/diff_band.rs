//! The band of the diff screen: headline, claims, attribution. The headline is the verdict where there is one, and never PROVEN
//! without it.

use ratatui::layout::Rect;

use crate::compare::Comparison;
use crate::run::{Claim, ClaimName, ClaimVerdict, NonMutationVerdict};
use crate::tui::diff_view::DiffView;
use crate::tui::theme::{Glyph, Ink, Theme};
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
    for (y, line) in (inside.y..inside.bottom()).zip(&lines) {
        canvas.text(inside.x + 2, y, room, line);
    }
}

fn ink(comparison: &Comparison) -> Ink {
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
            let claim = claim_text(claim, comparison.differing(), theme, whole);
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
    // B before closeout: what is on this screen is known already. C is informative: that others worked is no alarm.
    let moved = claim.name == ClaimName::B && differing > 0;
    let (glyph, ink) = match (claim.verdict, claim.name) {
        (ClaimVerdict::Holds, _) => (Glyph::Done, Ink::Good),
        (_, ClaimName::C) => (Glyph::Busy, Ink::Plain),
        (ClaimVerdict::False, ClaimName::B) => (Glyph::Alarm, Ink::Drift),
        (ClaimVerdict::NotChecked, _) if moved => (Glyph::Alarm, Ink::Drift),
        (ClaimVerdict::False, _) => (Glyph::Alarm, Ink::Bad),
        (ClaimVerdict::NotChecked, _) => (Glyph::Coming, Ink::Plain),
    };
    let says = match (claim.name, claim.verdict) {
        (ClaimName::A, ClaimVerdict::False) => "OUR SESSIONS WROTE",
        (ClaimName::A, _) => "our sessions wrote nothing",
        (ClaimName::B, _) => "facts equal",
        (ClaimName::C, ClaimVerdict::False) => "cluster not quiet",
        (ClaimName::C, _) => "cluster quiet",
        (ClaimName::D, ClaimVerdict::False) => "ROLE COULD WRITE",
        (ClaimName::D, _) => "role could not write",
        (ClaimName::E, ClaimVerdict::False) => "ANOTHER SERVER OR A RESTART",
        (ClaimName::E, _) => "same server, no restart",
    };
    let said = match (claim.verdict, claim.name) {
        (ClaimVerdict::Holds, _) if whole => says.to_owned(),
        (ClaimVerdict::Holds, _) => "holds".to_owned(),
        (ClaimVerdict::False | ClaimVerdict::NotChecked, ClaimName::B) if moved && whole => {
            format!(
                "{differing} {} not equal",
                if differing == 1 { "fact" } else { "facts" }
            )
        }
        (ClaimVerdict::False | ClaimVerdict::NotChecked, ClaimName::B) if moved => {
            format!("{differing} differ")
        }
        (ClaimVerdict::False, ClaimName::C) if !whole => "not quiet".to_owned(),
        (ClaimVerdict::False, _) if whole => says.to_owned(),
        (ClaimVerdict::False, _) => "FALSE".to_owned(),
        (ClaimVerdict::NotChecked, _) if whole => format!("{says}: not checked"),
        (ClaimVerdict::NotChecked, _) => "not checked".to_owned(),
    };
    let mark = format!("{} {} ", claim.name.name(), theme.glyph(glyph));
    Text::inked(ink, mark).with(Ink::Plain, said)
}
