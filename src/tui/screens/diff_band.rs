//! The band of the diff screen: headline, claims, attribution. Invariant: the headline is the verdict where there is one, and never PROVEN without it.

use ratatui::layout::Rect;

use crate::desk::Comparison;
use crate::run::{Claim, ClaimName, ClaimVerdict, NonMutationVerdict};
use crate::tui::diffing::DiffView;
use crate::tui::theme::{Glyph, Ink, Theme};
use crate::tui::widgets::{Canvas, Text, Weight};

/// Draws the band.
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
    let lines = if wide {
        tall(comparison, theme)
    } else {
        short(comparison, theme)
    };
    for (y, line) in (inside.y..inside.bottom()).zip(&lines) {
        canvas.text(inside.x + 2, y, inside.width.saturating_sub(3), line);
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

fn tall(comparison: &Comparison, theme: Theme) -> Vec<Text> {
    let said = &comparison.attribution;
    let mut claims = Text::new();
    for claim in &comparison.claims {
        claims = claims
            .then(claim_text(claim, theme, true))
            .with(Ink::Plain, "    ");
    }
    let mut lines = vec![
        claims,
        Text::inked(Ink::Bold, "What: ").with(Ink::Plain, &said.what),
        Text::inked(Ink::Bold, "When: ")
            .with(Ink::Plain, format!("{}    ", said.when))
            .with(Ink::Bold, "Who: ")
            .with(Ink::Plain, &said.who),
        Text::inked(Ink::Bold, "Not us: ")
            .with(Ink::Plain, format!("{}    ", said.not_us))
            .with(Ink::Bold, "Cannot see: ")
            .with(Ink::Plain, &said.cannot_see),
    ];
    lines.push(method(comparison));
    lines
}

fn short(comparison: &Comparison, theme: Theme) -> Vec<Text> {
    let said = &comparison.attribution;
    let mut claims = Text::new();
    for claim in &comparison.claims {
        claims = claims
            .then(claim_text(claim, theme, false))
            .with(Ink::Plain, "  ");
    }
    let method = method(comparison);
    let last = if method.is_empty() {
        Text::inked(Ink::Bold, "When: ").with(Ink::Plain, &said.when)
    } else {
        method
    };
    vec![
        claims,
        Text::inked(Ink::Bold, "What: ").with(Ink::Plain, &said.what),
        last,
    ]
}

fn method(comparison: &Comparison) -> Text {
    if comparison.method.is_empty() {
        return Text::new();
    }
    let named: Vec<&str> = comparison
        .method
        .iter()
        .map(|it| it.what.as_str())
        .collect();
    Text::inked(Ink::Drift, "* read in another way: ").with(Ink::Plain, named.join(", "))
}

fn claim_text(claim: &Claim, theme: Theme, wide: bool) -> Text {
    // C is informative: that others worked is no alarm.
    let (glyph, ink, word) = match (claim.verdict, claim.name) {
        (ClaimVerdict::Holds, _) => (Glyph::Done, Ink::Good, "holds"),
        (_, ClaimName::C) => (Glyph::Busy, Ink::Plain, "not quiet"),
        (ClaimVerdict::False, ClaimName::B) => (Glyph::Alarm, Ink::Drift, "differs"),
        (ClaimVerdict::False, _) => (Glyph::Alarm, Ink::Bad, "FALSE"),
        (ClaimVerdict::NotChecked, _) => (Glyph::Coming, Ink::Plain, "not checked"),
    };
    let mark = format!("{} {} ", claim.name.name(), theme.glyph(glyph));
    let says = if wide {
        match claim.name {
            ClaimName::A => "our sessions wrote nothing",
            ClaimName::B => "facts equal",
            ClaimName::C => "cluster quiet",
            ClaimName::D => "role could not write",
            ClaimName::E => "same server, no restart",
        }
    } else {
        ""
    };
    let said = match (wide, claim.verdict) {
        (true, ClaimVerdict::Holds) => says.to_owned(),
        (true, _) => format!("{says}: {word}"),
        (false, _) => word.to_owned(),
    };
    Text::inked(ink, mark).with(Ink::Plain, said)
}
