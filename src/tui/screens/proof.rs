//! Pane 5: the claims of the non-mutation proof so far. What was not measured is never shown as holding.

use super::pane::{PaneRow, PaneText};
use crate::run::{
    Claim, ClaimName, ClaimVerdict, Measure, NOT_CHECKED, NonMutationVerdict, Subject,
    TransactionEnd,
};
use crate::survey::FactChange;
use crate::tui::keymap::{Action, key_of};
use crate::tui::model::Model;
use crate::tui::open_text::TextSubject;
use crate::tui::theme::{Glyph, Ink, Theme};
use crate::tui::widgets::Text;

/// The rows of the pane for an inner width.
pub(super) fn text(model: &Model, width: usize) -> PaneText {
    let width = width.saturating_sub(2);
    let judged = model.run().non_mutation.as_ref();
    let mut rows: Vec<PaneRow> = model
        .claims
        .iter()
        .map(|claim| row(model, claim, width))
        .collect();
    rows.push(PaneRow::default());
    if width >= 40 {
        rows.push(PaneRow::only(Text::inked(
            Ink::Dim,
            format!(
                "{}: raw values and what each claim cannot see",
                key_of(model.scope(), Action::Open)
            ),
        )));
    }
    rows.push(PaneRow::only(load(model, width)));
    let (title, right) = match judged {
        Some(judged) => ("PROOF", verdict(judged.verdict)),
        None if model.run().ended_early() && width >= 40 => {
            ("PROOF", Text::plain("no closeout, no verdict"))
        }
        None if width >= 40 => ("PROOF SO FAR", Text::plain("verdict at closeout")),
        None => ("PROOF SO FAR", Text::new()),
    };
    PaneText {
        title,
        right,
        rows,
        ..PaneText::default()
    }
}

fn verdict(verdict: NonMutationVerdict) -> Text {
    let ink = match verdict {
        NonMutationVerdict::Proven => Ink::Good,
        NonMutationVerdict::ChangedByOthers => Ink::Drift,
        NonMutationVerdict::Unproven | NonMutationVerdict::MutationSuspected => Ink::Bad,
    };
    Text::inked(ink, verdict.name())
}

/// Mark of a claim, the same wherever it stands. C is informative: that others worked is no alarm. `differing`: how many facts
/// are known to differ while B has no verdict.
pub(super) fn mark_of(theme: Theme, claim: &Claim, differing: usize) -> Text {
    let (glyph, ink) = match (claim.name, claim.verdict) {
        (_, ClaimVerdict::Holds) => (Glyph::Done, Ink::Plain),
        (ClaimName::B, ClaimVerdict::NotChecked) if differing > 0 => (Glyph::Alarm, Ink::Drift),
        (_, ClaimVerdict::NotChecked) => (Glyph::Coming, Ink::Dim),
        (ClaimName::B, ClaimVerdict::False) => (Glyph::Alarm, Ink::Drift),
        (ClaimName::C, ClaimVerdict::False) => (Glyph::Busy, Ink::Plain),
        (_, ClaimVerdict::False) => (Glyph::Alarm, Ink::Bad),
    };
    Text::inked(ink, theme.glyph(glyph))
}

/// The mark of a claim of the run on screen.
pub(super) fn mark(model: &Model, claim: &Claim) -> Text {
    mark_of(model.theme, claim, differing(model))
}

/// How many facts are known to differ from the pin, by a drift that stands or the last read.
pub(super) fn differing(model: &Model) -> usize {
    let run = model.run();
    let facts = |changes: &[FactChange]| {
        let facts = changes
            .iter()
            .filter(|one| Subject::of(&one.key) == Subject::Facts);
        facts.count()
    };
    let drift = run.drift.as_ref().map_or(0, |drift| facts(&drift.changes));
    drift.max(facts(&run.moved()))
}

fn row(model: &Model, claim: &Claim, width: usize) -> PaneRow {
    let words = claim.words(differing(model));
    let mark = mark(model, claim);
    let letter = |says: &str| {
        Text::plain(format!("{} ", claim.name.name()))
            .then(mark.clone())
            .with(Ink::Plain, format!(" {says}"))
    };
    let measured = Text::plain(match (claim.name, claim.verdict) {
        (ClaimName::B, ClaimVerdict::NotChecked) if model.run().ended_early() => "no post survey",
        // The words say what was measured already.
        (ClaimName::B, ClaimVerdict::NotChecked) => "no verdict before closeout",
        (ClaimName::B, ClaimVerdict::Holds) => claim
            .measured
            .strip_suffix(" equal in two snapshots")
            .unwrap_or(&claim.measured),
        _ => claim.measured.as_str(),
    });
    let left = letter(&words.whole);
    let both = |gap: usize| {
        left.clone()
            .with(Ink::Plain, " ".repeat(gap))
            .then(measured.clone())
    };
    let text = match width.checked_sub(left.width() + measured.width()) {
        Some(gap @ 2..) => both(gap),
        _ if width >= 40 => {
            let room = width.saturating_sub(left.width() + 2);
            let measured = measured.clip(room, model.theme.ellipsis());
            left.with(Ink::Plain, "  ").then(measured)
        }
        _ => Text::first_fitting([left, letter(&words.short)], width),
    };
    PaneRow::new(text, TextSubject::Claim(claim.name))
}

/// What our sessions cost the server: `load: 0 sessions now, 1.9 s total, longest 0.42 s`
fn load(model: &Model, width: usize) -> Text {
    let mut open = 0;
    let mut unseen = model.run().reads_aside.unseen;
    for transaction in &model.run().transactions {
        match &transaction.end {
            TransactionEnd::Open => open += 1,
            TransactionEnd::Unseen(_) => unseen += 1,
            TransactionEnd::Closed(_) => {}
        }
    }
    let sum = model.run().footprint();
    let unseen = match unseen {
        0 => String::new(),
        n => format!(", {n} unseen"),
    };
    let (total, longest) = (seconds(sum.transaction_us), seconds(sum.longest_us));
    let says = if width >= 50 {
        let open = crate::run::counted(open, "session");
        format!("load: {open} now, {total} total, longest {longest}{unseen}")
    } else {
        format!("load: {open} now, {total} in all{unseen}")
    };
    Text::inked(Ink::Dim, says)
}

/// What reading cost the server so far, a line each.
pub(super) fn cost(model: &Model) -> Vec<String> {
    let sum = model.run().footprint();
    let held = match (&sum.oldest_xmin, sum.xmin_age) {
        (Some(xmin), Some(age)) => format!("{xmin}, at most {age} ids behind"),
        _ => "not read".to_owned(),
    };
    let accounts = model.run().accounts();
    let of = |measure: Measure| {
        let account = accounts.iter().find(|account| account.measure == measure);
        account.map_or_else(String::new, |account| {
            let (limit, unit) = (account.limit(), measure.unit());
            format!(" of {limit} {unit} (budgets.{})", measure.key())
        })
    };
    let (rows, bytes, time) = (of(Measure::Rows), of(Measure::Bytes), of(Measure::Seconds));
    let mut lines = vec![
        format!("connections   {}", sum.connections),
        format!("statements    {}", sum.statements),
        format!("rows          {}{rows}", sum.rows),
        format!("bytes         {}{bytes}", sum.bytes),
        format!("transactions  {}{time}", seconds(sum.transaction_us)),
        format!("longest       {}", seconds(sum.longest_us)),
        format!("oldest xmin   {held}"),
    ];
    let unknown = model.run().costs_unknown();
    if unknown > 0 && !accounts.is_empty() {
        let unseen =
            crate::run::counted(usize::try_from(unknown).unwrap_or(usize::MAX), "unseen end");
        lines.push(format!("not counted   rows and bytes of {unseen}"));
    }
    lines
}

fn seconds(us: u64) -> String {
    format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000)
}

/// `A v no writes  B . equal so far  C o not quiet  D v read-only  E v same server`, closer together where there is less room;
/// those that were not checked are named together behind the others.
pub(super) fn one_line(model: &Model, width: usize) -> Text {
    Text::first_fitting(["  ", " "].map(|gap| claims_line(model, gap)), width)
}

fn claims_line(model: &Model, between: &str) -> Text {
    let mut line = Text::new();
    let mut unchecked = Vec::new();
    for claim in &model.claims {
        let says = claim.words(differing(model)).short;
        if says == NOT_CHECKED {
            unchecked.push(claim.name.name());
            continue;
        }
        let gap = if line.is_empty() { "" } else { between };
        line = line
            .with(Ink::Plain, format!("{gap}{} ", claim.name.name()))
            .then(mark(model, claim))
            .with(Ink::Plain, format!(" {says}"));
    }
    if unchecked.is_empty() {
        return line;
    }
    let gap = if line.is_empty() { "" } else { between };
    line.with(
        Ink::Dim,
        format!("{gap}{NOT_CHECKED}: {}", unchecked.join(" ")),
    )
}
