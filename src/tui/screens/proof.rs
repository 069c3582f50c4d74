//! Pane 5: the claims of the non-mutation proof so far. What was not measured is never shown as holding.

use super::pane::{PaneRow, PaneText};
use crate::run::{Claim, ClaimName, ClaimVerdict, Measure, NonMutationVerdict, TransactionEnd};
use crate::tui::keymap::{Action, key_of};
use crate::tui::model::Model;
use crate::tui::open_text::TextSubject;
use crate::tui::theme::{Glyph, Ink};
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

/// Mark of a claim. C is informative; B has no verdict before closeout.
pub(super) fn mark(model: &Model, claim: &Claim) -> Text {
    let (glyph, ink) = match (claim.name, claim.verdict) {
        (ClaimName::C, _) => (Glyph::Busy, Ink::Plain),
        (ClaimName::B, ClaimVerdict::False) => (Glyph::Alarm, Ink::Drift),
        (ClaimName::B, ClaimVerdict::NotChecked) if has_moved(model) => (Glyph::Alarm, Ink::Drift),
        (_, ClaimVerdict::False) => (Glyph::Alarm, Ink::Bad),
        (_, ClaimVerdict::Holds) => (Glyph::Done, Ink::Plain),
        (_, ClaimVerdict::NotChecked) => (Glyph::Coming, Ink::Dim),
    };
    Text::inked(ink, model.theme.glyph(glyph))
}

/// Facts were seen to have moved, before the claim has its verdict.
fn has_moved(model: &Model) -> bool {
    model.run().drift.is_some() || model.run().has_moved()
}

fn says(name: ClaimName) -> &'static str {
    match name {
        ClaimName::A => "our sessions wrote nothing",
        ClaimName::B => "facts equal, two snapshots",
        ClaimName::C => "cluster quiet (informative)",
        ClaimName::D => "role could not write",
        ClaimName::E => "same server, no restart",
    }
}

fn row(model: &Model, claim: &Claim, width: usize) -> PaneRow {
    let left = Text::plain(format!("{} ", claim.name.name()))
        .then(mark(model, claim))
        .with(Ink::Plain, format!(" {}", says(claim.name)));
    // What was measured is worth more than the remark in parentheses.
    let needed = claim.measured.chars().count() + 2;
    let left = if width >= 40 && left.width() + needed > width {
        Text::plain(format!("{} ", claim.name.name()))
            .then(mark(model, claim))
            .with(
                Ink::Plain,
                format!(" {}", says(claim.name).trim_end_matches(" (informative)")),
            )
    } else {
        left
    };
    let room = width.saturating_sub(left.width() + 2);
    let text = if room >= 12 {
        let measured = match (claim.name, claim.verdict) {
            (ClaimName::B, ClaimVerdict::NotChecked) if model.run().ended_early() => {
                "no post survey"
            }
            // The label says what of them was measured.
            (ClaimName::B, ClaimVerdict::Holds) => claim
                .measured
                .strip_suffix(" equal in two snapshots")
                .unwrap_or(&claim.measured),
            _ => claim.measured.as_str(),
        };
        let measured = Text::plain(measured).clip(room, model.theme.ellipsis());
        let gap = width - left.width() - measured.width();
        left.with(Ink::Plain, " ".repeat(gap)).then(measured)
    } else {
        left
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

/// ` A v wrote nothing  B . equal so far  C o busy  D v cannot write  E v same DB`
pub(super) fn one_line(model: &Model) -> Text {
    let mut line = Text::new();
    for claim in &model.claims {
        let says = match (claim.name, claim.verdict) {
            (ClaimName::A, ClaimVerdict::False) => "WROTE",
            (ClaimName::A, _) => "wrote nothing",
            (ClaimName::B, ClaimVerdict::False) => "CHANGED",
            (ClaimName::B, ClaimVerdict::Holds) => "equal",
            (ClaimName::B, _) if has_moved(model) => "FACTS MOVED",
            (ClaimName::B, _) if model.run().ended_early() => "no post survey",
            (ClaimName::B, _) if !model.run().has_read_again() => "read once",
            (ClaimName::B, _) => "equal so far",
            (ClaimName::C, ClaimVerdict::Holds) => "quiet",
            (ClaimName::C, _) => "busy",
            (ClaimName::D, ClaimVerdict::False) => "CAN WRITE",
            (ClaimName::D, _) => "cannot write",
            (ClaimName::E, ClaimVerdict::False) => "OTHER DB",
            (ClaimName::E, _) => "same DB",
        };
        let gap = if line.is_empty() { "" } else { "  " };
        let says = if claim.verdict == ClaimVerdict::NotChecked
            && (claim.name != ClaimName::B || model.run().pin.is_none())
        {
            // Shorter than the words of a verdict: the line has to fit 80 columns.
            if claim.name == ClaimName::C {
                "unread"
            } else {
                "not yet"
            }
        } else {
            says
        };
        line = line
            .with(Ink::Plain, format!("{gap}{} ", claim.name.name()))
            .then(mark(model, claim))
            .with(Ink::Plain, format!(" {says}"));
    }
    line
}
