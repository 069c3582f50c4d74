//! The run over time: its moments as a list and as a picture. Invariant: every moment is a line of the journal; the picture compresses waits and says so.

use serde_json::{Value, json};

use super::PageInput;
use crate::run::{ApprovalRecorded, ApprovalRefused, Event, GateFinished, LiveRead};
use crate::survey::UtcTime;

/// Moments that the picture has room for.
const PICTURE_MAX: usize = 40;
/// Width of the picture, and of what is left free at its ends.
const WIDTH: f64 = 1000.0;
const EDGE: f64 = 24.0;

struct MomentRow {
    seq: u64,
    at: UtcTime,
    tone: &'static str,
    /// What it is called in the picture.
    short: String,
    name: &'static str,
    text: String,
    /// Whether the run waits for a person from here on.
    waits: bool,
}

/// The moments, and where the picture puts them.
pub(super) fn moments(input: &PageInput<'_>) -> Value {
    let run = input.report.run;
    let found: Vec<MomentRow> = input
        .events
        .iter()
        .filter_map(|(seq, at, event)| moment(*seq, *at, event))
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
        "left_out": input.events.len() - found.len(),
        "picture": picture(&found),
        "last": run.last.map(|(seq, at)| format!("line {} at {at}", seq + 1)),
    })
}

fn moment(seq: u64, at: UtcTime, event: &Event) -> Option<MomentRow> {
    let (tone, short, name, waits) = match event {
        Event::RunCreated(_) => ("plain", "start".to_owned(), "run_created", false),
        Event::RunResumed(_) => ("plain", String::new(), "run_resumed", false),
        Event::GateFinished(GateFinished { gate, verdict }) => {
            let tone = match verdict.word() {
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
            ("person", by.user.clone(), "approval_recorded", false)
        }
        Event::ApprovalRefused(ApprovalRefused { by, .. }) => {
            ("person", by.user.clone(), "approval_refused", true)
        }
        Event::DriftFound(_) => ("drift", String::new(), "drift_found", false),
        Event::ChangesAttributed(_) => ("drift", String::new(), "changes_attributed", false),
        Event::EvidenceRenewed(_) => ("plain", "again".to_owned(), "evidence_renewed", false),
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
        text: crate::run::event_text(event),
        waits,
    })
}

/// Where each moment stands between the edges; `null` where there are too many for a picture.
fn picture(found: &[MomentRow]) -> Value {
    let marked: Vec<&MomentRow> = found
        .iter()
        .filter(|moment| !moment.short.is_empty())
        .collect();
    if marked.len() < 2 || marked.len() > PICTURE_MAX {
        return Value::Null;
    }
    // The logarithm of a wait: a night and a second both leave room to see what was done.
    let spans: Vec<f64> = marked
        .windows(2)
        .map(|pair| {
            let micros = (pair[1].at.unix_micros() - pair[0].at.unix_micros()).max(0);
            let seconds = f64::from(u32::try_from(micros / 1_000_000).unwrap_or(u32::MAX));
            1.2 + (1.0 + seconds).log2()
        })
        .collect();
    let whole: f64 = spans.iter().sum();
    let scale = (WIDTH - 2.0 * EDGE) / whole;
    let mut x = EDGE;
    let mut marks = Vec::new();
    for (nth, moment) in marked.iter().enumerate() {
        let width = spans.get(nth).map_or(0.0, |span| span * scale);
        // Names of neighbours stand on three lines, so that none lies on another.
        marks.push(json!({
            "x": rounded(x), "width": rounded(width), "tone": moment.tone, "short": moment.short,
            "clock": moment.at.clock(), "waits": moment.waits, "row": nth % 3,
        }));
        x += width;
    }
    json!({ "marks": marks, "edge": EDGE, "end": rounded(WIDTH - EDGE) })
}

/// Tenths are as fine as the picture is drawn, and print alike everywhere.
fn rounded(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}
