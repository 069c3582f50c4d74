//! The change of a run: its files are read at G0 and looked at again while the run waits, the tables that may be copied are found
//! before SG1 without a row of production, and it is rehearsed when an approval is about to take effect.
//! Invariant: what is rehearsed are the recorded files, from the blobs of the run, and never what lies at their paths by then
//! (`Driver::request`).

use std::path::Path;

use super::change_files::{ChangeFileError, change_directory, change_file, change_file_now};
use super::discoverer::rehearse;
use super::driver::{Driver, held};
use super::first_gates::{last_proof, suspect_mutation};
use super::repository::Repository;
use super::target::{RehearsalRequest, Target};
use super::{RunnerError, drift};
use crate::journal::to_ascii_json;
use crate::run::{
    ApprovalGate, ChangeFile, ChangeFileNow, ChangeMoved, ChangeRead, ChangeRehearsed, CopyListed,
    Event, MovedRows,
};

impl<T: Target, R: Repository> Driver<T, R> {
    /// Reads the files of the change, which are rehearsed from now on.
    pub(super) fn read_change(&mut self) -> Result<(), RunnerError> {
        let tree = self.work_tree()?;
        let recorder = self.recorder()?;
        let Some(change) = recorder.run().change().cloned() else {
            return Ok(());
        };
        let mut files = Vec::with_capacity(change.files.len());
        for path in change.files {
            let text = change_file(&tree.local(&path))?;
            let sha256 = recorder.keep(&text)?;
            files.push(ChangeFile { path, sha256 });
        }
        recorder.record(Event::ChangeRead(ChangeRead { files }))?;
        Ok(())
    }

    /// Looks at the files of the change, and records where one is not what was last seen of it.
    pub(super) fn look_at_change(&mut self) -> Result<(), RunnerError> {
        let tree = self.work_tree()?;
        let recorder = self.recorder()?;
        let run = recorder.run();
        let Some(read) = run.change_files.clone() else {
            return Ok(());
        };
        let now = |file: &ChangeFile| tree.now(file.path.clone());
        let mut files = read.iter().map(now).collect::<Result<Vec<_>, _>>()?;
        if let Some(command) = run.change().and_then(|change| change.command.as_ref()) {
            files.extend(tree.new_in(&command.directory, &read)?);
        }
        if run.change_as_seen().as_ref() != Some(&files) {
            recorder.record(Event::ChangeMoved(ChangeMoved { files }))?;
        }
        Ok(())
    }

    /// Where the files of the change lie for this process.
    fn work_tree(&mut self) -> Result<WorkTree, RunnerError> {
        let here = self.plan.repository.clone();
        let created = self.recorder()?.run().created.as_ref();
        Ok(WorkTree {
            recorded: created.and_then(|created| created.repository.clone()),
            here,
        })
    }

    /// Finds the tables that may be copied for the change: it runs on the schema of production, without a row.
    pub(super) async fn list_copy(&mut self) -> Result<(), RunnerError> {
        if self.recorder()?.run().change().is_none() {
            return Ok(());
        }
        let ask = self.request(None)?;
        let recorder = held(&mut self.recorder)?;
        let found = rehearse(&mut self.target, recorder, ask).await?;
        recorder.record(Event::CopyListed(CopyListed {
            tables: found.tables,
            checks: found.checks,
        }))?;
        Ok(())
    }

    /// Rehearses the phase of SG1 before anybody is asked, where the profile lets rows be copied before that. `true`: the run ended.
    pub(super) async fn rehearse_first_phase(&mut self) -> Result<bool, RunnerError> {
        let change = self.recorder()?.run().change();
        match change.and_then(|change| change.of_sg1) {
            None | Some(0) => Ok(false),
            Some(of_sg1) => self.rehearse(ApprovalGate::SG1, Some(of_sg1)).await,
        }
    }

    /// Rehearses the change for the approval of `gate`. `true`: the run ended, or what the change did is not what was approved.
    pub(super) async fn rehearse_for(&mut self, gate: ApprovalGate) -> Result<bool, RunnerError> {
        let run = self.recorder()?.run();
        // A process that died behind the rehearsal goes on with what it recorded.
        if run.change().is_none() || run.state != gate.waiting_state() {
            return Ok(false);
        }
        if gate == ApprovalGate::SG1
            && (self.rehearse_first_phase().await? || self.drifted(gate)?)
        {
            return Ok(true);
        }
        Ok(self.rehearse(gate, None).await? || self.drifted(gate)?)
    }

    /// Records what the last survey and rehearsal found otherwise than it was approved. `true`: there is such.
    fn drifted(&mut self, gate: ApprovalGate) -> Result<bool, RunnerError> {
        let recorder = self.recorder()?;
        let run = recorder.run();
        let Some((_, latest)) = run.latest.clone() else {
            return Err(RunnerError::Missing("survey"));
        };
        let moved = run.differs(Vec::new(), &latest);
        drift::record(recorder, Some(gate), moved, &latest.snapshot.nonce)
    }

    /// Rehearses the change, or its first files alone. `true`: the run ended.
    async fn rehearse(
        &mut self,
        gate: ApprovalGate,
        first: Option<usize>,
    ) -> Result<bool, RunnerError> {
        let listed = self.recorder()?.run().copy.clone();
        let listed = listed.ok_or(RunnerError::Missing("list of tables to copy"))?;
        let tables = listed.tables.iter().map(|table| table.table.clone());
        let mut ask = self.request(Some(tables.collect()))?;
        let recorder = held(&mut self.recorder)?;
        let run = recorder.run();
        let before = if first.is_some() {
            ask.phases.truncate(1);
            run.first_phases.last().map(|last| &**last)
        } else {
            run.last_rehearsal()
        };
        let before = before.and_then(|last| last.outcome.as_ref());
        ask.asked = match before {
            Some(outcome) => outcome.seeded.iter().map(|it| it.table.clone()).collect(),
            // What the whole change asked for without rows.
            None if first.is_none() => {
                let asked = listed.tables.iter().filter(|table| table.asked);
                asked.map(|table| table.table.clone()).collect()
            }
            None => Vec::new(),
        };
        // What is approved last is what the real change is compared with.
        ask.keep_rows = gate == ApprovalGate::SG2;
        let found = rehearse(&mut self.target, recorder, ask).await?;
        let ledger = match (found.ledger, &found.outcome) {
            (Some(ledger), Some(outcome)) if outcome.script.succeeded => {
                Some(recorder.keep_file(ledger)?)
            }
            _ => None,
        };
        let blob = match &found.outcome {
            Some(outcome) => Some(recorder.keep(&to_ascii_json(outcome)?)?),
            None => None,
        };
        let approved = match gate {
            ApprovalGate::SG1 => None,
            ApprovalGate::SG2 => recorder.run().rehearsal_of(ApprovalGate::SG1),
        };
        let moved = match (approved.and_then(|one| one.blob.clone()), &found.outcome) {
            (Some(blob), Some(outcome)) => {
                let was = recorder.directory().blobs().get(&blob)?;
                let was = serde_json::from_slice(&was)
                    .map_err(|_| RunnerError::Missing("rehearsal of SG1's approval"))?;
                MovedRows::between(&was, outcome)
            }
            _ => Vec::new(),
        };
        recorder.record(Event::ChangeRehearsed(Box::new(ChangeRehearsed {
            gate,
            first_phase: first.is_some(),
            checks: found.checks,
            outcome: found
                .outcome
                .map(|outcome| Box::new(outcome.without_rows())),
            blob,
            ledger,
            moved,
        })))?;
        let proof = last_proof(recorder);
        suspect_mutation(recorder, proof.as_ref())
    }

    fn request(&mut self, copy: Option<Vec<String>>) -> Result<RehearsalRequest, RunnerError> {
        let recorder = self.recorder()?;
        let blobs = recorder.directory().blobs();
        let key_salt = recorder.directory().key_salt()?;
        let run = recorder.run();
        let change = run.change().ok_or(RunnerError::Missing("change"))?;
        let mut files = Vec::new();
        for file in run.change_files.iter().flat_map(|files| files.iter()) {
            files.push((file.path.clone(), blobs.get(&file.sha256)?));
        }
        Ok(RehearsalRequest {
            role: change.role.clone(),
            phases: change.in_phases(files),
            command: change.command.clone(),
            copy,
            asked: Vec::new(),
            key_salt,
            show: change.show.clone(),
            keep_rows: false,
        })
    }
}

/// Where the files of a change lie for this process. A run that another machine started names them by its own work tree.
struct WorkTree {
    /// The work tree that the run was started in.
    recorded: Option<String>,
    /// That of this process.
    here: Option<String>,
}

impl WorkTree {
    /// A recorded path, in the work tree of this process.
    fn local(&self, path: &str) -> String {
        moved(path, self.recorded.as_deref(), self.here.as_deref())
    }

    /// What a recorded file is now.
    fn now(&self, path: String) -> Result<ChangeFileNow, RunnerError> {
        let found = change_file_now(&self.local(&path))?;
        Ok(ChangeFileNow { path, found })
    }

    /// The files that came to the directory of a change since it was read. Where it cannot be listed any more, the directory itself.
    fn new_in(
        &self,
        directory: &str,
        read: &[ChangeFile],
    ) -> Result<Vec<ChangeFileNow>, RunnerError> {
        let listed = match change_directory(&self.local(directory)) {
            Err(ChangeFileError::Unread(_)) => vec![directory.to_owned()],
            listed => listed?,
        };
        let recorded = listed
            .iter()
            .map(|path| moved(path, self.here.as_deref(), self.recorded.as_deref()));
        let new = recorded.filter(|path| read.iter().all(|file| file.path != *path));
        new.map(|path| self.now(path)).collect()
    }
}

/// A path in one directory as that in another one; a path that is not in it stays.
fn moved(path: &str, from: Option<&str>, to: Option<&str>) -> String {
    let (Some(from), Some(to)) = (from, to) else {
        return path.to_owned();
    };
    match Path::new(path).strip_prefix(from) {
        Ok(below) => Path::new(to).join(below).display().to_string(),
        Err(_) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::moved;

    #[test]
    fn a_file_of_another_machine_is_looked_for_in_the_work_tree_here() {
        let here = |path| moved(path, Some("/home/ann/shop"), Some("/srv/ben"));
        assert_eq!(here("/home/ann/shop/sql/42.sql"), "/srv/ben/sql/42.sql");
        assert_eq!(
            here("/home/ann/shopping/42.sql"),
            "/home/ann/shopping/42.sql"
        );
        assert_eq!(here("/home/ann/shop"), "/srv/ben/");
        assert_eq!(moved("/a/b", None, Some("/c")), "/a/b");
        assert_eq!(moved("/a/b", Some("/a"), None), "/a/b");
    }
}
