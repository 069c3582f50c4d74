//! A reviewer's note, and what became of the run since it was written. A note decides nothing.

use serde::Serialize;

use crate::survey::{Digest, FactKey};

/// A reviewer's note, as screens and documents have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReviewNote {
    /// Who and when: `opb 09:41Z`.
    pub by: String,
    /// The fact it is about; null: the whole run.
    pub fact: Option<FactKey>,
    /// What it says.
    pub text: String,
    /// The last journal line that its writer could have seen.
    pub head_seq: u64,
    /// SHA-256 of that line.
    pub head_sha256: Digest,
    /// That line is not the head of the run now.
    pub is_stale: bool,
    /// The journal has no such line: the note was written for another run or for a changed one.
    pub is_foreign: bool,
    /// What became of the run since, where the head changed.
    pub since: Option<String>,
}

impl ReviewNote {
    /// The head of the run is now this line of the same journal.
    pub fn head_is(&mut self, now: u64) {
        if now > self.head_seq && !self.is_foreign {
            let saw = self.head_seq;
            self.is_stale = true;
            self.since = Some(format!(
                "the run went on: the note saw its head at seq {saw}, now it is seq {now}"
            ));
        }
    }

    /// The journal has no such line.
    pub fn head_is_foreign(&mut self) {
        let (saw, digest) = (self.head_seq, self.head_sha256.as_str());
        (self.is_stale, self.is_foreign) = (true, true);
        self.since = Some(format!(
            "the head that the note saw, seq {saw} {digest}, is not in this journal"
        ));
    }

    /// `op_a 09:41Z on icx_draft: "expected" (the run went on: ..)`.
    pub fn line(&self) -> String {
        let about = self.fact.as_ref().map_or("the run", |fact| fact.as_str());
        let since = self
            .since
            .as_ref()
            .map_or_else(String::new, |since| format!(" ({since})"));
        format!("{} on {about}: \"{}\"{since}", self.by, self.text)
    }
}
