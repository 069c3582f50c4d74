//! The list of runs as a screen. One band says whether a person is needed; the counts above the list are of all runs, whatever
//! is filtered.
//!
//! ```text
//! 160x48     80x24
//! header 1   header 1
//! band   4   band   3
//! list       list
//! chosen 7   chosen 5
//! footer 1   footer 1
//! ```

use ratatui::layout::{Rect, Size};

use super::documents::key_lines;
use super::{picker_chosen, picker_rows};
use crate::run::{RunFilter, RunStatus, span};
use crate::tui::keymap::{self, Action, KeyScope, key_of};
use crate::tui::picker::{Picker, PickerOver, PickerPage};
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text, Weight};

/// Smallest size that the screen works in.
const SMALLEST: (u16, u16) = (60, 16);

/// Columns from which there is room for every column.
pub(super) const WIDE_FROM: u16 = 140;

struct Regions {
    header: Rect,
    band: Rect,
    list: Rect,
    chosen: Rect,
    footer: Rect,
}

fn regions(area: Rect) -> Regions {
    let tall = area.height >= 34;
    let (band, chosen) = if tall { (4, 7) } else { (3, 5) };
    // Header and footer have one row each.
    let list = area.height.saturating_sub(2 + band + chosen);
    let at =
        |y: u16, height: u16| Rect::new(area.x, area.y + y, area.width, height).intersection(area);
    Regions {
        header: at(0, 1),
        band: at(1, band),
        list: at(1 + band, list),
        chosen: at(1 + band + list, chosen),
        footer: at(area.height.saturating_sub(1), 1),
    }
}

/// Rows of the list on screen.
pub fn room(size: Size) -> usize {
    let list = regions(Rect::new(0, 0, size.width, size.height)).list;
    // Without the two rows of the frame and the row of headings.
    usize::from(list.height.saturating_sub(3))
}

/// Rows of an open page on screen, and how many lines its part has.
pub fn page_extent(picker: &Picker) -> (usize, usize) {
    let area = Rect::new(0, 0, picker.size.width, picker.size.height);
    let lines = match &picker.over {
        PickerOver::Page(page) => page_lines(page, area.width).len(),
        PickerOver::Help(_) => page_lines(&help(area.width), area.width).len(),
        PickerOver::Nothing => 0,
    };
    (usize::from(area.height.saturating_sub(4)), lines)
}

/// Draws the whole screen.
pub fn draw(canvas: &mut Canvas<'_>, picker: &Picker) {
    let area = canvas.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let says = format!(
            "drygate needs {}x{}, this terminal has {}x{}. {} leaves.",
            SMALLEST.0,
            SMALLEST.1,
            area.width,
            area.height,
            key(Action::Quit)
        );
        for (y, line) in (area.y..area.bottom()).zip(Text::plain(says).wrap(area.width.into())) {
            canvas.text(area.x, y, area.width, &line);
        }
        return;
    }
    let back = format!("{} back", key(Action::Back));
    let regions = regions(area);
    header(canvas, regions.header, picker);
    match &picker.over {
        PickerOver::Nothing => {
            band(canvas, regions.band, picker);
            picker_rows::draw(canvas, regions.list, picker);
            picker_chosen::draw(canvas, regions.chosen, picker);
        }
        PickerOver::Help(top) => {
            let keys = PickerPage {
                top: *top,
                ..help(area.width)
            };
            page(canvas, body(area), &keys, &back);
        }
        PickerOver::Page(shown) => {
            let right = if shown.parts.len() > 1 {
                let (before, next) = (key(Action::Left), key(Action::Right));
                format!("{before} {next} report before, next   {back}")
            } else {
                back
            };
            page(canvas, body(area), shown, &right);
        }
    }
    footer(canvas, regions.footer, picker);
}

/// What a key of the list is called.
fn key(action: Action) -> String {
    key_of(KeyScope::Runs, action)
}

fn body(area: Rect) -> Rect {
    Rect::new(area.x, area.y + 1, area.width, area.height - 2)
}

fn header(canvas: &mut Canvas<'_>, area: Rect, picker: &Picker) {
    let right = match picker.to_read {
        None => "looking".to_owned(),
        Some(0) => format!("as of {}", picker.now.clock()),
        Some(left) => format!("{left} still to be read"),
    };
    let right = Text::inked(Ink::Dim, right);
    let taken = u16::try_from(right.width()).unwrap_or(0) + 3;
    let left =
        Text::inked(Ink::Bold, "drygate").with(Ink::Plain, format!("  runs in {}", picker.home));
    canvas.text(area.x + 1, area.y, area.width.saturating_sub(taken), &left);
    canvas.text_right(area.right() - 1, area.y, area.width, &right);
}

fn band(canvas: &mut Canvas<'_>, area: Rect, picker: &Picker) {
    let waiting = picker.count(RunFilter::Waiting);
    let all = picker.count(RunFilter::All);
    let (ink, title, right, says) = match (waiting, all, picker.to_read) {
        (0, 0, Some(0)) => (
            Ink::Plain,
            "NO RUNS YET".to_owned(),
            Text::new(),
            vec![
                Text::inked(Ink::Bold, picker.call.anywhere("demo")).with(
                    Ink::Plain,
                    " shows one on a throwaway PostgreSQL of its own.",
                ),
                Text::inked(Ink::Bold, picker.call.to("run"))
                    .with(Ink::Plain, " starts one against your database, read-only; doctor says what is missing for it."),
            ],
        ),
        // Before all runs are read "nothing waits" would not be known.
        (0, _, to_read) if to_read != Some(0) => (
            Ink::Running,
            "READING THE RUNS".to_owned(),
            Text::new(),
            vec![
                counts(picker),
                Text::plain("The index is made anew from the journals, the newest first."),
            ],
        ),
        (0, _, _) => (
            Ink::Plain,
            "NOTHING WAITS FOR A PERSON".to_owned(),
            Text::new(),
            vec![counts(picker)],
        ),
        (1, _, _) => waits(picker, "1 RUN WAITS FOR A PERSON".to_owned()),
        (several, _, _) => waits(picker, format!("{several} RUNS WAIT FOR A PERSON")),
    };
    let inside = canvas.frame(area, Weight::Heavy, ink, &Text::inked(ink, title), &right);
    for (y, line) in (inside.y..inside.bottom()).zip(&says) {
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(2), line);
    }
}

fn waits(picker: &Picker, title: String) -> (Ink, String, Text, Vec<Text>) {
    let Some(RunStatus::Run(run)) = picker.waits_longest().map(|row| &row.standing) else {
        return (Ink::Needed, title, Text::new(), Vec::new());
    };
    let ink = if run.drift_stands {
        Ink::Drift
    } else {
        Ink::Needed
    };
    let age = run.waits_for_s(picker.now).map_or_else(String::new, span);
    let since = run.waiting_since().unwrap_or(run.started_at);
    let right = Text::inked(
        ink,
        format!("LONGEST {age}, since {}", since.clock_minutes()),
    );
    let narrow = picker.size.width < 110;
    let (_, place) = run.target.split_once('@').unwrap_or(("", &run.target));
    let place = if narrow { place } else { &run.target };
    let mut says = Text::inked(Ink::Bold, run.run_id.short())
        .with(Ink::Plain, format!(" {}   ", run.situation()))
        .with(Ink::Bold, format!("[{}]", run.target_label))
        .with(Ink::Plain, format!(" {place}"));
    // After a drift nothing is approved with it, however long it would have been good.
    if let Some((_, expires_at)) = run.evidence.as_ref().filter(|_| !run.drift_stands) {
        let expires = if *expires_at <= picker.now {
            "expired"
        } else {
            "expires"
        };
        let evidence = if narrow { "" } else { "evidence " };
        let clock = expires_at.clock_minutes();
        says.push(Ink::Plain, format!("   {evidence}{expires} {clock}"));
    }
    (ink, title, right, vec![says, counts(picker)])
}

fn counts(picker: &Picker) -> Text {
    let count = |filter| picker.count(filter);
    Text::plain(format!(
        "{} here: {} waiting, {} passed, {} failed, {} drifted, {} that do not read as runs",
        count(RunFilter::All),
        count(RunFilter::Waiting),
        picker.passed(),
        count(RunFilter::Failed),
        count(RunFilter::Drifted),
        count(RunFilter::Damaged),
    ))
}

/// All keys, what they do beside them.
fn help(width: u16) -> PickerPage {
    let keys = key_lines(KeyScope::Runs, usize::from(width.saturating_sub(4)));
    let mut lines: Vec<String> = keys.iter().map(Text::flat).collect();
    lines.push(String::new());
    for says in [
        "Left of each run: how it stands, and ! where its facts differed once from what was pinned.",
        "Everything here has a command twin: runs, resume, watch, diff, report, verify.",
    ] {
        lines.push(says.to_owned());
    }
    PickerPage {
        title: "KEYS".to_owned(),
        parts: vec![(String::new(), lines)],
        ..PickerPage::default()
    }
}

fn page_lines(page: &PickerPage, width: u16) -> Vec<Text> {
    let lines = page
        .parts
        .get(page.part)
        .map_or(&[][..], |(_, lines)| lines);
    let width = usize::from(width.saturating_sub(4));
    lines
        .iter()
        .flat_map(|line| Text::plain(line).wrap(width))
        .collect()
}

fn page(canvas: &mut Canvas<'_>, area: Rect, page: &PickerPage, right: &str) {
    let part = page.parts.get(page.part).map_or("", |(name, _)| name);
    let nth = match page.parts.len() {
        0 | 1 => String::new(),
        parts => format!("   {} of {parts}", page.part + 1),
    };
    let mut title = Text::inked(Ink::Bold, &page.title);
    if !part.is_empty() {
        title.push(Ink::Plain, format!("   {part}{nth}"));
    }
    let inside = canvas.frame(area, Weight::Light, Ink::Dim, &title, &Text::plain(right));
    let lines = page_lines(page, area.width);
    let room = usize::from(inside.height);
    let top = page.top.min(lines.len().saturating_sub(room));
    for (y, line) in (inside.y..inside.bottom()).zip(lines.iter().skip(top)) {
        canvas.text(inside.x + 1, y, inside.width.saturating_sub(2), line);
    }
    canvas.part_shown(area, top, room, lines.len());
}

fn footer(canvas: &mut Canvas<'_>, area: Rect, picker: &Picker) {
    let width = area.width.saturating_sub(2);
    let typed = picker.search.as_ref().filter(|search| search.typing);
    let text = if let Some(search) = typed {
        let typing = |action| key_of(KeyScope::Typing, action);
        let (keeps, leaves) = (typing(Action::Confirm), typing(Action::Back));
        Text::inked(Ink::Bold, key(Action::Search))
            .with(Ink::Plain, &search.text)
            .with(Ink::Bold, "_")
            .with(
                Ink::Dim,
                format!(
                    "   {} found, {keeps} keeps, {leaves} leaves",
                    picker.shown_len()
                ),
            )
    } else if let Some(notice) = &picker.notice {
        Text::inked(Ink::Bold, notice)
    } else if picker.over == PickerOver::Nothing {
        keys(width)
    } else {
        Text::new()
    };
    canvas.text(area.x + 1, area.y, width, &text);
}

fn keys(width: u16) -> Text {
    let gap = if width < 110 { "  " } else { "   " };
    let entries: Vec<_> = keymap::footer(KeyScope::Runs)
        .map(|(binding, does)| (binding.keys, does))
        .collect();
    super::footer::fitting(&entries, gap, width.into())
}
