//! Lines that have more than drygate writes: a member that nobody reads could tell a reader of the file something else.
//! Invariant: what a newer drygate added is no damage; it is said (`LineForms::finish`).

use super::Verified;
use crate::journal::JournalEntry;
use crate::run::Event;

/// What the lines of a journal have beyond their events.
#[derive(Debug, Default)]
pub(super) struct LineForms {
    findings: Vec<String>,
    /// Version of the drygate that writes the lines from here on.
    writer: String,
    /// Versions newer than this one whose lines have more.
    newer: Vec<String>,
}

impl LineForms {
    /// Looks at the next line; `beyond` says what it has more.
    pub(super) fn look(&mut self, entry: &JournalEntry<Event>, beyond: Option<String>) {
        match &entry.event {
            Event::RunCreated(created) => self.writer.clone_from(&created.tool.version),
            Event::RunResumed(resumed) => self.writer.clone_from(&resumed.tool.version),
            _ => {}
        }
        let Some(beyond) = beyond else { return };
        if is_newer(&self.writer) {
            if !self.newer.contains(&self.writer) {
                self.newer.push(self.writer.clone());
            }
        } else {
            let line = entry.seq + 1;
            self.findings
                .push(format!("journal.jsonl, line {line}: it {beyond}"));
        }
    }

    /// Says what was found.
    pub(super) fn finish(self, verified: &mut Verified) {
        verified.findings.extend(self.findings);
        verified
            .not_checked
            .extend(self.newer.into_iter().map(|version| {
                format!(
                    "members of lines that drygate {version} has written and this one does not know"
                )
            }));
    }
}

/// Whether this is a later version than ours: three numbers with points between them.
fn is_newer(version: &str) -> bool {
    let numbers = |version: &str| -> Option<Vec<u64>> {
        version.split('.').map(|part| part.parse().ok()).collect()
    };
    numbers(version) > numbers(env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::is_newer;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(is_newer("99.0.0") && is_newer("9.10.0"));
        for version in [env!("CARGO_PKG_VERSION"), "0.0.9", "", "of somebody"] {
            assert!(!is_newer(version), "{version}");
        }
    }
}
