//! Pane 6 of a replay: the run over time, with the cursor in it. A function of the timeline and of where the playback stands.

use super::pane::{PaneRow, PaneText};
use super::time_strip::Scale;
use crate::survey::UtcTime;
use crate::tui::model::Model;
use crate::tui::open_text::TextSubject;
use crate::tui::playback::PlaybackState;
use crate::tui::theme::{Glyph, Ink};
use crate::tui::widgets::Text;

/// Columns of the names on the left, at least.
const NAMES: usize = 12;
/// Of a wide pane the part that long names may take: one of so many.
const NAMES_PART: usize = 5;
/// Rows that are there whatever moved: gates, run, people, cursor, record.
const FIXED: usize = 5;

/// The rows of the pane for an inner width.
pub(super) fn text(
    model: &Model,
    playback: &PlaybackState,
    width: usize,
    window: Option<usize>,
) -> PaneText {
    let timeline = &**playback.tip.timeline();
    let moved = timeline.moved();
    let longest = moved.iter().map(|(key, _)| key.as_str().chars().count());
    let wanted = longest.max().unwrap_or(0) + " +1 more ".len();
    let names = wanted.min(width / NAMES_PART).max(NAMES);
    let cells = width.saturating_sub(names + 2).max(8);
    let scale = Scale::new(&playback.tip, cells, !playback.waits_are_real);
    let row = |name: &str, ink: Ink, cells: String| {
        PaneRow::only(
            Text::inked(Ink::Dim, name)
                .to_column(names)
                .with(ink, cells),
        )
    };
    let mut rows = vec![
        row("gates", Ink::Bold, scale.gates()),
        PaneRow::only(inked_run(&scale.run(), names)),
        row("people", Ink::Plain, scale.people()),
    ];
    let room = window.map_or(moved.len(), |window| window.saturating_sub(FIXED).max(1));
    let hidden = moved.len().saturating_sub(room);
    for (nth, (key, track)) in moved.iter().take(room).enumerate() {
        let more = match hidden {
            n if n > 0 && nth + 1 == room && names > NAMES => format!(" +{n} more"),
            n if n > 0 && nth + 1 == room => format!(" +{n}"),
            _ => String::new(),
        };
        let name = short(key.as_str(), (names - 1).saturating_sub(more.len()));
        let cells = scale.track(track, model.theme.levels());
        let mut row = row(&format!("{name}{more}"), Ink::Drift, cells);
        row.opens = Some(TextSubject::Fact((*key).clone()));
        rows.push(row);
    }
    if moved.is_empty() {
        let none = "no fact was seen to move";
        rows.push(PaneRow::only(
            Text::inked(Ink::Dim, "facts")
                .to_column(names)
                .with(Ink::Dim, none),
        ));
    }
    rows.push(cursor(names + scale.cell(playback.now)));
    rows.push(record(playback));
    PaneText {
        title: "TIMELINE",
        right: Text::plain(standing(model, playback, width)),
        rows,
        ..PaneText::default()
    }
}

/// Work, waits and alarms, each in its colour.
fn inked_run(cells: &str, names: usize) -> Text {
    let mut text = Text::inked(Ink::Dim, "run").to_column(names);
    for cell in cells.chars() {
        let ink = match cell {
            '#' => Ink::Running,
            '!' => Ink::Drift,
            '.' => Ink::Needed,
            _ => Ink::Plain,
        };
        text.push(ink, cell.to_string());
    }
    text
}

fn short(key: &str, room: usize) -> String {
    let count = key.chars().count();
    if count <= room {
        return key.to_owned();
    }
    // Of long keys the ends tell more: icx_enacted, icx_draft.
    let skip = count + 1 - room.max(1);
    std::iter::once('.').chain(key.chars().skip(skip)).collect()
}

fn cursor(column: usize) -> PaneRow {
    PaneRow::only(Text::new().to_column(column).with(Ink::Bold, "^"))
}

fn record(playback: &PlaybackState) -> PaneRow {
    let (name, says) = &playback.line;
    let text = Text::inked(Ink::Bold, playback.now.clock())
        .with(Ink::Plain, format!("  {}  ", playback.seq))
        .with(Ink::Bold, *name)
        .with(Ink::Plain, format!("   {says}"));
    PaneRow::new(text, TextSubject::Event(playback.seq)).copying(says.clone())
}

/// `09:14:02Z to 09:52:10Z (38 min)   seq 212 of 348   09:33:06Z   paused   speed 1x`
fn standing(model: &Model, playback: &PlaybackState, width: usize) -> String {
    let playing = if playback.is_playing {
        format!("{} playing", model.theme.glyph(Glyph::Here))
    } else {
        "paused".to_owned()
    };
    let waits = if playback.waits_are_real {
        "waits real"
    } else {
        "waits short"
    };
    let mut parts = Vec::new();
    if let (Some(began), Some((_, ended)), true) = (
        playback.tip.timeline().began,
        playback.tip.last(),
        width >= 110,
    ) {
        let span = span(began, ended);
        parts.push(format!("{} to {} ({span})", began.clock(), ended.clock()));
    }
    parts.push(format!("seq {} of {}", playback.seq, playback.last()));
    parts.push(playback.now.clock());
    parts.push(playing);
    parts.push(format!("speed {}", playback.speed));
    if width >= 76 {
        parts.push(waits.to_owned());
    }
    parts.join("   ")
}

fn span(from: UtcTime, to: UtcTime) -> String {
    let seconds = (to.unix_micros() - from.unix_micros()).max(0) / 1_000_000;
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
