//! G5: the safety probes, run each time.
//! Invariant: each goes through the code that guards a run (`audit::probe`, `Target::refuses_write`).

use super::RunnerError;
use super::closeout::finish;
use super::driver::Driver;
use super::recorder::take;
use super::repository::Repository;
use super::target::Target;
use crate::audit;
use crate::journal::JournalReader;
use crate::run::{Event, Gate, GateStarted, History, TestsDeclared};

impl<T: Target, R: Repository> Driver<T, R> {
    /// G5: runs every probe and finishes the gate.
    pub(super) fn run_probes(&mut self) -> Result<(), RunnerError> {
        let recorder = self.recorder()?;
        recorder.record(Event::GateStarted(GateStarted { gate: Gate::G5 }))?;
        let reader = recorder.reader();
        let context = recorder.directory().read_file("context.json")?;
        let waited = as_it_waited(&reader)?;
        let refuses_write = self.target.refuses_write();
        let probes = audit::probe(context.as_deref(), waited.as_ref(), refuses_write);
        self.declare_tests()?;
        let checks = audit::g5(&probes);
        let plan = self.plan.clone();
        finish(self.recorder()?, &plan.profile, Gate::G5, checks)
    }

    /// Keeps what a full test run says of itself: DECLARED, a line of the report and no check.
    fn declare_tests(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        let found = plan.full_discover.as_ref().and_then(|found| {
            let read = audit::full_discover(&found.text, None)?;
            Some((found, *read.passed_of.get()))
        });
        let Some((found, (passed, total))) = found else {
            return Ok(());
        };
        self.recorder()?
            .record(Event::TestsDeclared(TestsDeclared {
                passed,
                failed: total - passed,
                file: plan.profile.tests.full_discover.clone().unwrap_or_default(),
                sha256: found.sha256.clone(),
                age_s: found.age_s,
            }))?;
        Ok(())
    }
}

/// The run when it first waited with evidence. The probes are about gate, digest, time and use, so who may approve is left out.
fn as_it_waited(reader: &JournalReader) -> Result<Option<History>, RunnerError> {
    let mut history = History::default();
    for entry in reader.walk::<Event>()? {
        let entry = entry?;
        take(&mut history, &entry)?;
        if audit::first_waits(history.run(), &entry.event) {
            return Ok(Some(history.for_any_account()));
        }
    }
    Ok(None)
}
