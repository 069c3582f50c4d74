//! The looks that `verify` takes at a run, one independent of the other.

use super::Verified;

/// One look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Chain, HEAD, blobs, manifest, and names that have no place.
    Files,
    /// Files against the lines that name them.
    NamedFiles,
    /// Lines that have more than drygate writes.
    Forms,
    /// Verdicts, predictions and claims, computed again.
    Verdicts,
    /// Documents behind facts.
    Documents,
    /// Which line may come next.
    Order,
    /// What one process says of itself.
    Processes,
    /// Stops and their causes.
    Stops,
    /// Rehearsals and their checks.
    Rehearsals,
    /// Values of single lines.
    Values,
    /// Checks with their words and raw values.
    Checks,
    /// Unit ledgers.
    Ledgers,
    /// Reports and side files.
    Rendered,
}

impl Verified {
    /// Notes that a look found something, if there are more findings than before it.
    pub(super) fn mark(&mut self, layer: Layer, before: usize) {
        if self.findings.len() > before {
            self.layers.insert(layer);
        }
    }

    /// Adds what a look found.
    pub(super) fn find(&mut self, layer: Layer, findings: impl IntoIterator<Item = String>) {
        let before = self.findings.len();
        self.findings.extend(findings);
        self.mark(layer, before);
    }
}
