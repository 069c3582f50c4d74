//! What the runner asks of its own program: the file on the disk, and a fresh process.

use std::fmt::Debug;
use std::io;
use std::path::Path;

use super::RunnerError;
use super::driver::Driver;
use super::repository::Repository;
use super::target::Target;
use crate::audit::{self, FreshResume};
use crate::run::{CheckName, Event, ProgramFile, ProgramReplaced, RunId};

/// The program that this process runs.
pub trait Program: Debug + Send + Sync {
    /// What is on the disk now where this process was started from: the whole file is read. The error says why it cannot be.
    fn on_disk(&self) -> io::Result<ProgramFile>;

    /// What is on the disk now, where that is not what this process was started from. The file is read only if its stamp changed.
    fn replaced(&self) -> Option<ProgramFile>;

    /// Resumes the copy of a run below `root` in a fresh process. An error is one of its storage, which says nothing of the run.
    fn resume_copy(&self, root: &Path, run_id: &RunId) -> Result<FreshResume, RunnerError>;
}

impl<T: Target, R: Repository> Driver<T, R> {
    /// Looks at program, change and repository, which are part of what is approved.
    pub(super) async fn look_around(&mut self) -> Result<(), RunnerError> {
        self.look_at_program()?;
        self.look_at_change()?;
        self.look_at_repository().await
    }

    /// Records that the file of this program is another one now, where it is.
    pub(super) fn look_at_program(&mut self) -> Result<(), RunnerError> {
        match self.plan.program.replaced() {
            Some(found) => self.note_program(found),
            None => Ok(()),
        }
    }

    /// Records what the program is now, once for each that is found.
    pub(super) fn note_program(&mut self, found: ProgramFile) -> Result<(), RunnerError> {
        let excluded = audit::is_excluded(&self.plan.profile, &CheckName::ForbiddenDeployRestart);
        let recorder = self.recorder()?;
        if !excluded && recorder.run().program_replaced.as_ref() != Some(&found) {
            recorder.record(Event::ProgramReplaced(ProgramReplaced { found }))?;
        }
        Ok(())
    }
}
