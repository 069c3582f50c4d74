//! The run over time: its important events as a list and as a timeline picture. Waits are compressed in the picture,
//! and its caption says so.
//! Invariant: every moment is a line of the journal. Held by `moments`, which makes them from events alone.

use serde_json::{Value, json};

use super::PageInput;
use crate::run::{ApprovalRecorded, ApprovalRefused, Event, GateFinished, LiveRead, TeamWords};
use crate::survey::UtcTime;

/// Moments up to which a picture is drawn: more would be too narrow to read.
const PICTURE_MAX: usize = 40;
/// Width of the picture, and the free space at both of its ends, in units of the SVG.
const WIDTH: f64 = 1000.0;
const EDGE: f64 = 24.0;

/// One event that is listed.
struct MomentRow {
    seq: u64,
    at: UtcTime,
    tone: &'static str,
    /// The name in the picture; empty: the event is in the list only.
    short: String,
    name: &'static str,
    text: String,
    /// Whether the run waits for a person from here on.
    waits: bool,
}

/// The list of moments, and where the picture has them.
pub(super) fn moments(input: &PageInput<'_>) -> Value {
    let run = input.report.run;
    let words = run.words();
    let found: Vec<MomentRow> = input
        .listed
        .iter()
        .filter_map(|(seq, at, event)| moment(words, *seq, *at, event))
        .collect();
    let listed: Vec<Value> = found
        .iter()
        .map(|moment| {
            json!({
                "seq": moment.seq, "at": moment.at.to_string(), "clock": moment.at.clock(),
                "tone": moment.tone, "name": moment.name, "text": moment.text,
            })
        })
        .collect();
    let days = match (found.first(), found.last()) {
        (Some(first), Some(last)) if first.at.date() != last.at.date() => {
            format!("{} to {}", first.at.date(), last.at.date())
        }
        (Some(first), _) => first.at.date(),
        _ => String::new(),
    };
    json!({
        "moments": listed,
        "days": days,
        // Checks, reads and transactions are not listed; the page says how many lines that are.
        "left_out": input.records - found.len() as u64,
        "picture": picture(&found),
        "last": run.last.map(|(seq, at)| format!("line {} at {at}", seq + 1)),
    })
}

/// Whether the page lists an event. Of a run that waits for days nearly all are reads that found nothing different.
pub fn is_listed(event: &Event) -> bool {
    // Where it stands makes no difference to that.
    moment(TeamWords::plain(), 0, UtcTime::from_unix_micros(0), event).is_some()
}

/// The moment of an event; `None`: the event is not listed.
fn moment(words: &TeamWords, seq: u64, at: UtcTime, event: &Event) -> Option<MomentRow> {
    let (tone, short, name, waits) = match event {
        Event::RunCreated(_) => ("plain", "start".to_owned(), "run_created", false),
        Event::RunResumed(_) => ("plain", String::new(), "run_resumed", false),
        Event::GateFinished(GateFinished { gate, verdict }) => {
            let tone = match verdict.name() {
                "PASS" => "good",
                "FAIL" => "bad",
                _ => "due",
            };
            (tone, gate.to_string(), "gate_finished", false)
        }
        Event::StateChanged(_) => ("plain", String::new(), "state_changed", false),
        Event::StopRaised(stop) => {
            let drifted = stop.stop_code.name() == "STOP_FACTS_DRIFTED";
            let tone = if drifted { "drift" } else { "due" };
            let short = match (drifted, stop.gate) {
                (true, _) => "drift".to_owned(),
                (false, Some(gate)) => gate.to_string(),
                (false, None) => "stop".to_owned(),
            };
            (tone, short, "stop_raised", true)
        }
        Event::ApprovalRecorded(ApprovalRecorded { by, .. }) => {
            ("person", by.name().to_owned(), "approval_recorded", false)
        }
        Event::ApprovalRefused(ApprovalRefused { by, .. }) => {
            ("person", by.name().to_owned(), "approval_refused", true)
        }
        Event::DriftFound(_) => ("drift", String::new(), "drift_found", false),
        Event::ChangesAttributed(_) => ("drift", String::new(), "changes_attributed", false),
        Event::EvidenceRenewed(_) => ("plain", "again".to_owned(), "evidence_renewed", false),
        // A read that found nothing different is repeated all the time while the run waits, and is not listed.
        Event::LiveRead(LiveRead { changed, .. }) if !changed.is_empty() => {
            ("drift", "moved".to_owned(), "live_read", true)
        }
        Event::NonMutationJudged(_) => ("plain", String::new(), "non_mutation_judged", false),
        Event::RunSealed(_) => ("plain", "sealed".to_owned(), "run_sealed", false),
        _ => return None,
    };
    Some(MomentRow {
        seq,
        at,
        tone,
        short,
        name,
        text: crate::run::event_text(words, event),
        waits,
    })
}

/// The place of each moment in the picture, from edge to edge; `null`: fewer than two moments, or too many.
fn picture(found: &[MomentRow]) -> Value {
    let marked: Vec<&MomentRow> = found
        .iter()
        .filter(|moment| !moment.short.is_empty())
        .collect();
    if marked.len() < 2 || marked.len() > PICTURE_MAX {
        return Value::Null;
    }
    // Logarithmic widths: beside a wait of a night, work of a second still has a visible width.
    let spans: Vec<f64> = marked
        .windows(2)
        .map(|pair| {
            let micros = (pair[1].at.unix_micros() - pair[0].at.unix_micros()).max(0);
            let seconds = f64::from(u32::try_from(micros / 1_000_000).unwrap_or(u32::MAX));
            // At least 1.2 for each, so that events of the same second do not lie on each other.
            1.2 + (1.0 + seconds).log2()
        })
        .collect();
    let whole: f64 = spans.iter().sum();
    let scale = (WIDTH - 2.0 * EDGE) / whole;
    let mut x = EDGE;
    let mut marks = Vec::new();
    for (nth, moment) in marked.iter().enumerate() {
        let width = spans.get(nth).map_or(0.0, |span| span * scale);
        // Three rows of names in turn, so that the names of neighbours do not overlap.
        marks.push(json!({
            "x": rounded(x), "width": rounded(width), "tone": moment.tone, "short": moment.short,
            "clock": moment.at.clock(), "waits": moment.waits, "row": nth % 3,
        }));
        x += width;
    }
    json!({ "marks": marks, "edge": EDGE, "end": rounded(WIDTH - EDGE) })
}

/// Rounded to tenths, so that the number is printed in the same way on every machine.
fn rounded(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}
