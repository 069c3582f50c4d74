//! The header: run, database, server, watchers, journal head. The target's label is on every screen.

use ratatui::layout::Rect;

use super::target_address;
use crate::run::Mode;
use crate::tui::inbox::{Source, StoreReach};
use crate::tui::model::Model;
use crate::tui::playback::PlaybackState;
use crate::tui::theme::Ink;
use crate::tui::widgets::{Canvas, Text};

/// Watchers that are named; others are counted.
const WATCHERS_NAMED: usize = 3;

/// Draws one line, or two where the area has them.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    let wide = area.height > 1;
    let right = right(model, wide, area.width);
    let right_width = u16::try_from(right.width()).unwrap_or(u16::MAX);
    let margin = u16::from(wide);
    let left_width = area.width.saturating_sub(right_width + 2 * margin + 1);
    canvas.text(
        area.x + margin,
        area.y,
        left_width,
        &left(model, wide, left_width.into()),
    );
    canvas.text_right(
        area.right().saturating_sub(margin),
        area.y,
        area.width,
        &right,
    );
    if wide {
        let place = place(model);
        let taken = u16::try_from(place.width()).unwrap_or(u16::MAX);
        let gap = if place.is_empty() { 2 } else { 4 };
        let room = area.width.saturating_sub(taken + gap);
        canvas.text_right(area.right().saturating_sub(1), area.y + 1, taken, &place);
        canvas.text(
            area.x + 1,
            area.y + 1,
            room,
            &second(model, usize::from(room)),
        );
    }
}

fn left(model: &Model, wide: bool, width: usize) -> Text {
    let mut text = Text::inked(Ink::Bold, "drygate");
    let Some(created) = &model.run().created else {
        return text;
    };
    let target = &created.target;
    let label = Text::inked(Ink::Target, format!("[{}]", target.label));
    let gap = if wide { "  " } else { " " };
    let address = format!("{}@{}", target.user, target_address::whole(target));
    let (whole, short) = (
        format!("{gap}{address}"),
        format!("{gap}{}", target_address::short(target)),
    );
    let (id, gap) = if wide {
        (format!("  {}", created.run_id), "   ")
    } else {
        (format!(" {}", created.run_id.short()), "  ")
    };
    let profile = format!("  {}", created.profile);
    let nothing = String::new();
    // The label of the target is never cut. An address that has no room is left out whole: part of one reads as another.
    let forms = [
        (format!("{id}{profile}{gap}"), &whole),
        (format!("{id}{profile}{gap}"), &short),
        (format!("{id}{gap}"), &short),
        (format!("{id}{gap}"), &nothing),
        (" ".to_owned(), &nothing),
    ];
    let forms = forms.into_iter().skip(usize::from(!wide));
    let mut forms = forms.map(|(before, after)| {
        let text = text.clone().with(Ink::Plain, before);
        text.then(label.clone()).with(Ink::Plain, after)
    });
    let fits = forms.find(|form| form.width() <= width);
    text = fits.unwrap_or(label.clone());
    if !wide && let Some(watching) = watching(model) {
        // There is one line only: who watches takes what room is left, or is a mark that somebody does.
        let room = width.saturating_sub(text.width());
        let words = [format!("  {watching}"), "  watched".to_owned()];
        let fits = words
            .into_iter()
            .find(|words| Text::plain(words).width() <= room);
        text.push(Ink::Plain, fits.unwrap_or_default());
    }
    text
}

fn right(model: &Model, wide: bool, width: u16) -> Text {
    let mode = model
        .run()
        .created
        .as_ref()
        .map_or(Mode::Dryrun, |created| created.mode);
    let badge = model.source.badge();
    let is_silent = model.store_reach == StoreReach::NotReached;
    if wide && is_silent {
        let text = Text::inked(Ink::Bold, "STORE NOT REACHED");
        return text.with(Ink::Plain, "   shown is what this machine has");
    }
    if wide {
        let text = Text::inked(Ink::Bold, badge);
        match model.source {
            Source::Replay => text.with(Ink::Plain, "   nothing here is live"),
            _ => text.with(Ink::Plain, format!("   READ ONLY   {}", mode.name())),
        }
    } else {
        // `WATCHING (read only)` is too long where there is one line.
        let short = match badge {
            _ if is_silent => "NO STORE",
            long if long.len() > 12 => "WATCHING",
            short => short,
        };
        if let Some(playback) = &model.playback {
            let place = format!("at {} of {}   ", playback.seq, playback.last());
            return Text::plain(place).with(Ink::Bold, badge);
        }
        let mode = mode.name().trim_start_matches("Mode.");
        let mode = if width < 76 {
            String::new()
        } else {
            format!("  {mode}")
        };
        Text::plain(format!("READ ONLY{mode}   ")).with(Ink::Bold, short)
    }
}

/// `watching: opb, opc, opd and 2 more`
fn watching(model: &Model) -> Option<String> {
    let names = &model.watchers;
    let first = &names[..names.len().min(WATCHERS_NAMED)];
    let more = match names.len() - first.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!names.is_empty()).then(|| format!("watching: {}{more}", first.join(", ")))
}

/// The second line: whole if it fits, else in shorter words.
fn second(model: &Model, width: usize) -> Text {
    let whole = second_in(model, false);
    if whole.width() <= width {
        whole
    } else {
        second_in(model, true)
    }
}

fn second_in(model: &Model, short: bool) -> Text {
    let run = model.run();
    let mut parts = Vec::new();
    let server = run.latest.as_ref().map(|(_, survey)| &survey.server);
    match server {
        Some(server) => {
            let role = if server.in_recovery {
                "standby"
            } else {
                "primary"
            };
            parts.push(format!(
                "PostgreSQL {} {role}, {}",
                server.version, server.transport
            ));
        }
        None => parts.push("PostgreSQL: not connected yet".to_owned()),
    }
    if let (Some(created), Some(at)) = (&run.created, run.started_at) {
        parts.push(format!(
            "started {} by {}{}{}",
            at.clock(),
            created.by.name(),
            if short { "" } else { "@" },
            if short { "" } else { created.by.host.as_str() }
        ));
    }
    parts.extend(watching(model));
    if let Some(playback) = &model.playback {
        parts.push(read(playback, short));
    } else if let Some((seq, _)) = run.last {
        let head = model
            .history
            .head()
            .map_or_else(String::new, |head| format!("{} ", &head.as_str()[..8]));
        parts.push(format!("journal head {head}(seq {seq})"));
    }
    Text::plain(parts.join(if short { "  " } else { "   " }))
}

/// Where the replay stands: `at seq 212, head 77e0b3d5`
fn place(model: &Model) -> Text {
    let Some(playback) = &model.playback else {
        return Text::new();
    };
    let head = model
        .history
        .head()
        .as_ref()
        .map_or("", |head| &head.as_str()[..8]);
    Text::plain(format!("at seq {}, head {head}", playback.seq))
}

/// What the replay has read: `chain intact, 348 records, sealed 09:52:10Z`
fn read(playback: &PlaybackState, short: bool) -> String {
    if let Some(trouble) = &playback.trouble {
        return format!("READ TO {} ONLY: {trouble}", playback.last());
    }
    if let Some(percent) = playback.reading {
        return format!(
            "reading.. {percent} %, {} records so far",
            playback.last() + 1
        );
    }
    let sealed = match playback.sealed_at() {
        Some(at) => format!(", sealed {}", at.clock()),
        None if short => String::new(),
        None => ", not sealed".to_owned(),
    };
    // Records are gone to by their numbers, which begin at 0.
    format!("chain intact, records 0-{}{sealed}", playback.last())
}
