//! A run over time in a number of cells: gates, work and waits, people, a fact that moved. Pure; every row is as wide as asked.

use crate::run::{ApprovalGate, Decision, Gate, History, MarkKind, StopCode, Timeline, Track};
use crate::survey::UtcTime;

/// From times to cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale<'a> {
    timeline: &'a Timeline,
    /// When the last line was written.
    ended: Option<UtcTime>,
    cells: usize,
    /// Long gaps are drawn short.
    is_compressed: bool,
}

impl<'a> Scale<'a> {
    pub(super) fn new(history: &'a History, cells: usize, is_compressed: bool) -> Self {
        Self {
            timeline: history.timeline(),
            ended: history.last().map(|(_, at)| at),
            cells: cells.max(1),
            is_compressed,
        }
    }

    /// The cell of a time.
    pub(super) fn cell(&self, at: UtcTime) -> usize {
        let (place, length) = if self.is_compressed {
            (
                self.timeline.place(at),
                self.ended.map_or(0, |ended| self.timeline.length(ended)),
            )
        } else {
            let micros = |at: UtcTime| at.unix_micros();
            let began = self.timeline.began.map_or(0, micros);
            let ended = self.ended.map_or(0, micros);
            let since = |at: i64| u64::try_from(at - began).unwrap_or_default();
            (since(micros(at)), since(ended))
        };
        let last = self.cells - 1;
        let cell = u128::from(place) * last as u128 / u128::from(length.max(1));
        usize::try_from(cell).map_or(last, |cell| cell.min(last))
    }

    /// `G0-3 SG1    SG2      G4 G5 G6`
    pub(super) fn gates(&self) -> String {
        let mut row = StripRow::new(self.cells);
        let mut open: Option<(usize, Gate, Gate)> = None;
        for mark in &self.timeline.marks {
            let cell = self.cell(mark.at);
            match (&mark.kind, open) {
                (MarkKind::GateStarted(gate), Some((from, first, _)))
                    // Gates that start within five cells are one label, such as `G0-3`.
                    if cell < from + 5 && *gate > first =>
                {
                    open = Some((from, first, *gate));
                }
                (MarkKind::GateStarted(gate), _) => {
                    row.put_gates(open);
                    open = Some((cell, *gate, *gate));
                }
                (MarkKind::Waits(gate), _) => {
                    row.put_gates(open.take());
                    row.put(cell, &[gate.name()]);
                }
                _ => {}
            }
        }
        row.put_gates(open);
        row.text()
    }

    /// `####......!##...`: work, waiting for a person, a stop by drift or refusal.
    pub(super) fn run(&self) -> String {
        let mut cells = vec![' '; self.cells];
        let mut from = 0;
        let mut doing = '#';
        let mut alarms = Vec::new();
        let ended = self.ended.map_or(0, |at| self.cell(at));
        for mark in &self.timeline.marks {
            let to = self.cell(mark.at);
            let next = match &mark.kind {
                MarkKind::Waits(_) | MarkKind::Stopped(StopCode::StopApprovalRequired, _) => '.',
                MarkKind::Drifted(_) => {
                    alarms.push(to);
                    '.'
                }
                MarkKind::Refused(..) => {
                    alarms.push(to);
                    doing
                }
                MarkKind::Decided(..) | MarkKind::GateStarted(_) => '#',
                _ => doing,
            };
            if next != doing {
                paint(&mut cells, from, to, doing);
                from = to;
                doing = next;
            }
        }
        paint(&mut cells, from, ended, doing);
        for alarm in alarms {
            cells[alarm] = '!';
        }
        cells.into_iter().collect()
    }

    /// `op_a approves SG1      op_a approves SG2 void`
    pub(super) fn people(&self) -> String {
        let mut row = StripRow::new(self.cells);
        let marks = &self.timeline.marks;
        let is_drift = |kind: &MarkKind| matches!(kind, MarkKind::Drifted(Some(_)));
        let last_drift = marks.iter().rposition(|mark| is_drift(&mark.kind));
        for (nth, mark) in marks.iter().enumerate() {
            let cell = self.cell(mark.at);
            match &mark.kind {
                MarkKind::Decided(gate, decision, who) => {
                    let void = *decision == Decision::Approve && last_drift > Some(nth);
                    let (whole, short) = decided(*gate, *decision, who, void);
                    row.put(cell, &[&whole, &short, who]);
                }
                MarkKind::Refused(gate, who) => {
                    row.put(cell, &[&format!("{who} refused at {gate}"), "refused"]);
                }
                MarkKind::Sealed(_) => row.put(cell, &["sealed"]),
                _ => {}
            }
        }
        row.text()
    }

    /// `60_____59____`: the value where it changed, and a line as high as the value between.
    pub(super) fn track(&self, track: &Track, lines: &'static [char]) -> String {
        let levels = Levels::of(track, lines);
        let mut cells = vec![' '; self.cells];
        let ended = self.ended.map_or(0, |at| self.cell(at));
        for (nth, point) in track.points.iter().enumerate() {
            let from = self.cell(point.at);
            let next = track.points.get(nth + 1);
            let to = next.map_or(ended, |next| self.cell(next.at));
            let value = point.value.as_deref().unwrap_or("?");
            let line = levels.line(value);
            paint(&mut cells, from, to, line);
            let short: String = value.chars().take(8).collect();
            let room = to.saturating_sub(from) + usize::from(next.is_none());
            if short.chars().count() < room.max(2) {
                for (cell, c) in cells[from..].iter_mut().zip(short.chars()) {
                    *cell = c;
                }
            }
        }
        cells.into_iter().collect()
    }
}

fn decided(gate: ApprovalGate, decision: Decision, who: &str, void: bool) -> (String, String) {
    let word = match decision {
        Decision::Approve => "approves",
        Decision::Reject => "rejects",
        Decision::Withdraw => "withdraws",
    };
    let void = if void { " void" } else { "" };
    (
        format!("{who} {word} {gate}{void}"),
        format!("{who} {gate}{void}"),
    )
}

fn paint(cells: &mut [char], from: usize, to: usize, with: char) {
    // Nothing, where the clock of an old run was set back between the two.
    let wanted = to.saturating_add(1).saturating_sub(from);
    for cell in cells.iter_mut().skip(from).take(wanted) {
        *cell = with;
    }
}

/// How high the line of a value is.
struct Levels {
    numbers: Option<(f64, f64)>,
    lines: &'static [char],
}

impl Levels {
    fn of(track: &Track, lines: &'static [char]) -> Self {
        let numbers: Option<Vec<f64>> = track
            .points
            .iter()
            .filter_map(|point| point.value.as_deref())
            .map(|value| value.parse().ok())
            .collect();
        let numbers = numbers
            .filter(|numbers| !numbers.is_empty())
            .map(|numbers| {
                let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
                let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                (low, high)
            });
        Self { numbers, lines }
    }

    /// A value that is no number has the lowest line.
    fn line(&self, value: &str) -> char {
        let steps = self.lines.len() - 1;
        let level = match (self.numbers, value.parse::<f64>()) {
            (Some((low, high)), Ok(number)) if high > low => (number - low) / (high - low),
            _ => 0.0,
        };
        let nth = (0..=steps)
            .rev()
            .find(|nth| level * as_f64(steps) >= as_f64(*nth));
        self.lines[nth.unwrap_or(0)]
    }
}

fn as_f64(small: usize) -> f64 {
    u32::try_from(small).map_or(f64::MAX, f64::from)
}

/// Words in a row of cells, none over another.
struct StripRow {
    cells: Vec<char>,
    free: usize,
}

impl StripRow {
    fn new(cells: usize) -> Self {
        Self {
            cells: vec![' '; cells],
            free: 0,
        }
    }

    fn put_gates(&mut self, gates: Option<(usize, Gate, Gate)>) {
        let Some((cell, first, last)) = gates else {
            return;
        };
        if first == last {
            self.put(cell, &[first.name()]);
        } else {
            let last = last.name().trim_start_matches('G');
            self.put(cell, &[&format!("{first}-{last}"), first.name()]);
        }
    }

    /// The first of the words that fits, as near to the cell as the words before it leave room.
    fn put(&mut self, cell: usize, words: &[&str]) {
        for word in words {
            let wide: Vec<char> = word.chars().filter(|c| !c.is_control()).collect();
            let at = cell
                .max(self.free)
                .min(self.cells.len().saturating_sub(wide.len()));
            // A label more than eight cells from its time would be read as another time.
            if at < self.free || at > cell + 8 || wide.len() > self.cells.len() {
                continue;
            }
            let free = at + wide.len();
            self.cells[at..free].copy_from_slice(&wide);
            self.free = free + 1;
            return;
        }
    }

    fn text(self) -> String {
        self.cells.into_iter().collect()
    }
}
