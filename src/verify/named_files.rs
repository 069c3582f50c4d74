//! The files of a run against what its journal names: each blob, ledger, torn tail and report has a line that it belongs to.
//! Invariant: a file that no line names is said. It is a finding, unless a process of the run died where it could have written one
//! before its line (`NamedFiles::compare`).

use std::collections::BTreeSet;
use std::path::Path;

use super::Verified;
use crate::audit;
use crate::journal::{Storage, StorageError};
use crate::run::{CheckRecorded, Event, EvidenceTaken, SurveyTaken};
use crate::survey::Digest;

/// What the lines of a journal name.
#[derive(Debug, Default)]
pub(super) struct NamedFiles {
    files: BTreeSet<String>,
    blobs: BTreeSet<Digest>,
    /// Files that were set aside, and their bytes.
    torn: Vec<(String, u64)>,
    /// A process died, or one is at work, after a line that files without a line may follow.
    may_have_more: bool,
    rests: bool,
    sealed: bool,
}

impl NamedFiles {
    /// Looks at the next line.
    pub(super) fn look(&mut self, event: &Event) {
        match event {
            Event::RunCreated(created) => {
                self.blob(&created.profile_sha256);
                if let Some(policy) = &created.policy_sha256 {
                    self.blob(policy);
                }
            }
            Event::RunResumed(_) => self.may_have_more |= !self.rests,
            Event::CheckRecorded(CheckRecorded { check, .. }) => {
                self.blobs.extend(audit::ssot_digests(check));
            }
            Event::SurveyTaken(SurveyTaken { survey, .. }) => {
                let documents = survey
                    .facts
                    .iter()
                    .filter_map(|fact| fact.document.as_ref());
                documents.for_each(|document| self.blob(&document.sha256));
            }
            Event::StatementsRecorded(recorded) => self.blob(&recorded.blob),
            Event::ContextPinned(pinned) => self.blob(&pinned.blob),
            Event::EvidenceTaken(EvidenceTaken {
                evidence, sheet, ..
            }) => {
                self.blob(evidence);
                if let Some((_, _, last_pass)) = &sheet.last_pass {
                    self.blob(last_pass);
                }
            }
            Event::ChangeRead(read) => {
                read.files.iter().for_each(|file| self.blob(&file.sha256));
            }
            Event::ChangeRehearsed(rehearsed) => {
                let blobs = rehearsed.blob.iter().chain(&rehearsed.ledger);
                blobs.for_each(|blob| self.blob(blob));
            }
            Event::UnitsProgressed(progressed) => {
                self.files.insert(progressed.ledger.file.clone());
            }
            Event::TornTailSetAside(torn) => {
                self.files.insert(torn.file.clone());
                self.torn.push((torn.file.clone(), torn.bytes));
            }
            Event::RunSealed(sealed) => {
                self.sealed = true;
                let reports = sealed.reports.iter().map(|(name, _)| format!("kb/{name}"));
                self.files.extend(reports);
                self.files.insert("kb/report.json".to_owned());
            }
            _ => {}
        }
        // After these nothing is written that a line of its own would name, until somebody acts.
        self.rests = matches!(
            event,
            Event::InvocationReturned(_)
                | Event::StopRaised(_)
                | Event::LiveRead(_)
                | Event::EvidenceShown(_)
                | Event::ApprovalRefused(_)
                | Event::HookStarted(_)
                | Event::HookRan(_)
                | Event::RunSealed(_)
        );
    }

    fn blob(&mut self, digest: &Digest) {
        self.blobs.insert(digest.clone());
    }

    /// Compares with what lies there.
    pub(super) fn compare(
        mut self,
        storage: &dyn Storage,
        run: &Path,
        verified: &mut Verified,
    ) -> Result<(), StorageError> {
        self.may_have_more |= !self.rests;
        for (file, bytes) in std::mem::take(&mut self.torn) {
            let found = storage.len(&run.join(&file))?;
            if found != Some(bytes) {
                let finding = format!("{file}: has not the {bytes} bytes that were set aside");
                verified.findings.push(finding);
            }
        }
        for folder in ["blobs", "units", "torn", "kb"] {
            for listed in storage.list(&run.join(folder))? {
                let file = format!("{folder}/{}", listed.name);
                let named = match listed.name.parse() {
                    Ok(digest) if folder == "blobs" => self.blobs.contains(&digest),
                    _ => self.files.contains(&file),
                };
                // Reports are written after the last line; what else begins with a dot is a file that was being written.
                let waits = folder == "kb" && !self.sealed;
                if named || waits || listed.name.starts_with('.') {
                    continue;
                }
                let finding = format!("{file}: no line of the journal names it");
                if self.may_have_more {
                    verified
                        .beside
                        .push(format!("{finding}: a process that died may have left it"));
                } else {
                    verified.findings.push(finding);
                }
            }
        }
        Ok(())
    }
}
