//! Lines that this very version of drygate wrote, made again whole: what a line says must be what the run gives, word for word.
//! Invariant: a line of another version is not judged by the words of this one, and that is said (`ExactLines::finish`).

use std::collections::BTreeSet;

use super::exact_gates::{ClosingRecords, gate_findings, recorded_check};
use super::exact_values::{statements, value_findings};
use super::order::LineOrder;
use super::processes::Processes;
use super::{Layer, Verified, recorded, rehearsals, stops};
use crate::audit::check_table;
use crate::journal::{Blobs, JournalEntry};
use crate::postgres::ClosedList;
use crate::profile::Profile;
use crate::run::{CheckRecorded, Event, Gate, GateFinished, GateStarted, History, RunState};

/// What has to be remembered of the lines before.
#[derive(Debug, Default)]
pub(super) struct ExactLines {
    findings: Vec<(Layer, String)>,
    processes: Processes,
    closing: ClosingRecords,
    order: LineOrder,
    /// What can be sent with the profile of the run; `None`: nothing that was sent is recorded yet.
    closed_list: Option<ClosedList>,
    /// Versions of drygate whose lines were not made again.
    others: BTreeSet<String>,
}

impl ExactLines {
    /// Looks at the next line, which is not yet applied to `history`.
    pub(super) fn look(
        &mut self,
        history: &History,
        profile: Option<&Profile>,
        entry: &JournalEntry<Event>,
        blobs: &Blobs,
    ) {
        let (run, event) = (history.run(), &entry.event);
        if let Some(version) = other_version(run, event) {
            self.others.insert(version);
            self.order = LineOrder::default();
            return;
        }
        let mut found = vec![
            (Layer::Order, self.order.findings(run, profile, event)),
            (
                Layer::Processes,
                self.processes.findings(run, entry.at, event),
            ),
            (Layer::Stops, stops::findings(run, event)),
            (Layer::Rehearsals, rehearsals::findings(run, event)),
            (Layer::Rehearsals, recorded::findings(run, event, blobs)),
        ];
        self.closing.before(run, event);
        if let Some(profile) = profile {
            let values = match event {
                Event::StatementsRecorded(recorded) => {
                    let list = (self.closed_list).get_or_insert_with(|| ClosedList::of(profile));
                    statements(run, list, recorded, blobs)
                }
                _ => value_findings(run, profile, event, blobs),
            };
            found.push((Layer::Values, values));
            let checks = match event {
                Event::CheckRecorded(CheckRecorded { gate, check }) if *gate == Gate::G3 => {
                    recorded_check(run, profile, check).into_iter().collect()
                }
                Event::GateFinished(GateFinished { gate, .. }) => {
                    gate_findings(run, profile, *gate, &mut self.closing, blobs)
                }
                _ => Vec::new(),
            };
            found.push((Layer::Checks, checks));
        }
        let line = entry.seq + 1;
        for (layer, what) in found {
            let named = |what| (layer, format!("journal.jsonl, line {line}: {what}"));
            self.findings.extend(what.into_iter().map(named));
        }
    }

    /// Remembers what later lines are computed from, now that a line was applied. `bytes`: its length.
    pub(super) fn applied(
        &mut self,
        history: &History,
        profile: Option<&Profile>,
        event: &Event,
        bytes: u64,
        blobs: &Blobs,
    ) {
        self.closing.after(history, event, bytes, blobs);
        if let (Event::GateStarted(GateStarted { gate: Gate::G6 }), Some(profile)) =
            (event, profile)
            && other_version(history.run(), event).is_none()
        {
            self.closing.close(history, profile, blobs);
        }
    }

    /// Says what was found. `blobs`: how many the run has, and their bytes.
    pub(super) fn finish(self, verified: &mut Verified, blobs: (u64, u64)) {
        let scanned = self.closing.scanned(blobs);
        for (layer, what) in self.findings {
            verified.find(layer, [what]);
        }
        verified.find(Layer::Checks, scanned);
        let others = self.others.into_iter().map(|version| {
            format!(
                "words and order of the lines that drygate {version} wrote: this one writes others"
            )
        });
        verified.not_checked.extend(others);
    }
}

/// The version whose words a line has, if they are not those of this program.
fn other_version(run: &RunState, event: &Event) -> Option<String> {
    let (tool, created) = match (event, &run.created) {
        (Event::RunCreated(created), _) => (&created.tool, &**created),
        (Event::RunResumed(resumed), Some(created)) => (&resumed.tool, &**created),
        (_, Some(created)) => {
            let last = run.invocations.last().map(|last| &last.tool);
            (last.unwrap_or(&created.tool), &**created)
        }
        (_, None) => return None,
    };
    let version = &tool.version;
    let table = created.check_table;
    let of_today = table == check_table(created.change.as_ref());
    match (version == env!("CARGO_PKG_VERSION"), of_today) {
        (true, true) => None,
        (_, true) => Some(version.clone()),
        (_, false) => Some(format!("{version}, with table {table} of the checks,")),
    }
}
