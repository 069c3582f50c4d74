//! G6 and the seal: closing checks, `run_sealed`, reports, manifest.
//! Invariant: `run_sealed` is the last line, and after the manifest nothing is opened for writing (test
//! `nothing_is_appended_after_run_sealed_and_nothing_opened_after_the_manifest` of tests/journal.rs).

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};

use super::closeout::finish;
use super::driver::{Driver, RunnerEnd};
use super::repository::{Repository, unless_shortage};
use super::side_files::{side_files_of, sidecar};
use super::target::Target;
use super::{RunPlan, RunRecorder, RunnerError, is_shortage, summary};
use crate::audit::{self, Forbidden, Recomputed, Recomputer, ReportRendering, SecretScan};
use crate::journal::{DirectoryStore, JournalError, StorageError};
use crate::profile::Profile;
use crate::report::{self, RenderedReport, ReportInput};
use crate::run::{
    ContextPins, Event, Gate, GateStarted, RepositoryState, RunId, RunSealed, RunState,
};
use crate::survey::Digest;

impl<T: Target, R: Repository> Driver<T, R> {
    /// G6: audit, references, reports, then `run_sealed`.
    pub(super) fn report_and_seal(&mut self) -> Result<(), RunnerError> {
        let plan = self.plan.clone();
        if self.recorder()?.run().finished(Gate::G6).is_none() {
            self.recorder()?
                .record(Event::GateStarted(GateStarted { gate: Gate::G6 }))?;
            let checks = self.closing_checks(&plan)?;
            finish(self.recorder()?, &plan.profile, Gate::G6, checks)?;
        }
        let recorder = self.recorder()?;
        let at = recorder.now();
        let outcome = audit::result(recorder.run());
        let sealing = |reports| {
            Event::RunSealed(RunSealed {
                result: audit::result_name(recorder.run()),
                outcome,
                exit_code: outcome.exit_code(),
                stop_code: outcome.stop_code(),
                template_version: report::TEMPLATE_VERSION,
                reports,
            })
        };
        // A circle: the reports print the result, and `run_sealed` names the digests of the reports. So they are rendered from
        // a copy of the history to which the line is applied with an empty list, which changes no byte of them (test
        // `the_same_run_gives_the_same_bytes_before_and_after_its_seal_is_written` of src/report/tests.rs).
        let mut sealed = recorder.history().clone();
        if let (Some((last, _)), Some(head)) = (sealed.last(), recorder.history().head()) {
            sealed.take(last + 1, at, &sealing(Vec::new()), head)?;
        }
        let reports = render(recorder, sealed.run(), &plan)?
            .iter()
            .map(|report| (report.name.clone(), Digest::of(&report.text)))
            .collect();
        let event = sealing(reports);
        // At the very time that the reports were rendered with, or their digests would not fit.
        self.recorder()?.record_at(at, event)?;
        Ok(())
    }

    fn closing_checks(&mut self, plan: &RunPlan) -> Result<Vec<crate::run::Check>, RunnerError> {
        let now = match &self.repository {
            Some(repository) => unless_shortage(repository.look())?,
            None => Err(RepositoryState::NO_REPOSITORY.to_owned()),
        };
        // Of this process, and by the blobs of every earlier process of this run.
        let own = self.target.statements();
        let recorder = self.recorder()?;
        let mut statements = statements_of(recorder)?;
        statements.extend(own);
        let statements: Vec<String> = statements.into_iter().collect();
        let recomputed = recompute(recorder, plan)?;
        let secrets = scan(recorder, plan)?;
        // Read again from the disk: what this process was started from, it recorded at its start.
        let program_now = match plan.program.on_disk() {
            Err(error) if is_shortage(&error) => return Err(RunnerError::Shortage(error)),
            found => found.ok(),
        };
        let context = recorder.directory().read_file("context.json")?;
        let pins = context.and_then(|bytes| serde_json::from_slice::<ContextPins>(&bytes).ok());
        let run = recorder.run();
        let before = audit::repository_at_g0(run);
        let mut checks = audit::forbidden(&Forbidden {
            run,
            profile: &plan.profile,
            repository_before: before.as_ref(),
            repository_now: now.as_ref().ok(),
            statements: Some(&statements),
            program_now: program_now.as_ref(),
            execution_enabled: pins.map(|pins| pins.execution_enabled),
            secrets: Some(&secrets),
            recomputed: Some(&recomputed),
        });
        checks.push(audit::main_and_tags_unchanged(
            before.as_ref(),
            now.as_ref().ok(),
        ));
        if let Some(run_id) = run.run_id() {
            let document = |digest: &Digest| recorder.document(digest);
            let (reports, lost) = rendered(run, &plan.profile, &document);
            checks.push(audit::reports_render(
                &audit::reports_of(run),
                run_id,
                &reports,
                &lost,
            ));
        }
        Ok(checks)
    }

    /// Writes what the seal is still missing, then the manifest. The run is given up.
    pub(super) fn write_files(&mut self) -> Result<RunnerEnd, RunnerError> {
        let plan = self.plan.clone();
        let recorder = self.recorder()?;
        let run = recorder.run().clone();
        // Rendered again rather than kept: a resume after a crash in between writes the same bytes.
        for rendered in render(recorder, &run, &plan)? {
            let name = format!("kb/{}", rendered.name);
            recorder
                .directory()
                .write_file(&name, rendered.text.as_bytes())?;
        }
        let beside = {
            let blobs = |digest: &Digest| recorder.document(digest);
            side_files_of(&input(&run, &plan, &blobs))?
        };
        for (name, bytes) in beside {
            recorder.directory().write_file(name, &bytes)?;
        }
        // From here on `recorder()` fails with `Sealed`: the type keeps everybody from writing after the manifest.
        let recorder = self.recorder.take().ok_or(RunnerError::Sealed)?;
        let (directory, run) = recorder.into_parts();
        directory.seal()?;
        Ok(summary::sealed(&run, &plan.call, None))
    }

    /// Writes `sidecar.json` for other programs.
    pub(super) fn write_sidecar(&mut self) -> Result<(), RunnerError> {
        let recorder = self.recorder()?;
        let bytes = sidecar(recorder.run())?;
        recorder.directory().write_file("sidecar.json", &bytes)?;
        Ok(())
    }
}

/// The statements that earlier processes of this run have sent.
fn statements_of(recorder: &RunRecorder) -> Result<BTreeSet<String>, RunnerError> {
    let mut sent = BTreeSet::new();
    for blob in &recorder.run().statements {
        let text = recorder.document(blob).unwrap_or_default();
        let texts: Vec<String> = serde_json::from_str(&text).map_err(|source| {
            let blob = blob.clone();
            RunnerError::Blob { blob, source }
        })?;
        sent.extend(texts);
    }
    Ok(sent)
}

fn input<'a>(
    run: &'a RunState,
    plan: &'a RunPlan,
    blobs: &'a dyn Fn(&Digest) -> Option<String>,
) -> ReportInput<'a> {
    ReportInput {
        run,
        profile: &plan.profile,
        blobs,
    }
}

/// The 13 reports of a run, from journal and blobs.
pub(super) fn render(
    recorder: &RunRecorder,
    run: &RunState,
    plan: &RunPlan,
) -> Result<Vec<RenderedReport>, RunnerError> {
    let blobs = |digest: &Digest| recorder.document(digest);
    Ok(report::render(&input(run, plan, &blobs))?)
}

/// Every verdict of the journal so far, computed again from the disk.
pub(super) fn recompute(recorder: &RunRecorder, plan: &RunPlan) -> Result<Recomputed, RunnerError> {
    let mut again = Recomputer::new(Some(&plan.profile));
    for entry in recorder.reader().walk::<Event>()? {
        let entry = entry?;
        again.feed(entry.seq, entry.at, &entry.event, &entry.sha256);
    }
    Ok(again.finish())
}

/// A scan of the profile and of everything that the run has written so far.
pub(super) fn scan(recorder: &mut RunRecorder, plan: &RunPlan) -> Result<SecretScan, RunnerError> {
    let mut secrets = SecretScan::default();
    secrets.profile(&plan.profile_text);
    if let Some(run_id) = recorder.run().run_id().cloned() {
        scan_texts(recorder, &run_id, &mut secrets)?;
    }
    Ok(secrets)
}

/// Scans everything textual that the run has written so far, the journal and its blobs, a line at a time.
fn scan_texts(
    recorder: &mut RunRecorder,
    run_id: &RunId,
    secrets: &mut SecretScan,
) -> Result<(), RunnerError> {
    let storage = recorder.directory().storage().clone();
    let run = DirectoryStore::run_path(run_id);
    let mut scan = |name: &str| -> Result<(), JournalError> {
        let path = run.join(name);
        if storage.len(&path)?.is_none() {
            return Ok(());
        }
        let unread = |source| StorageError::new("read", &storage.root().join(&path), source);
        let mut lines = BufReader::new(storage.open_read(&path, 0)?);
        secrets.begin(name);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if lines.read_until(b'\n', &mut line).map_err(unread)? == 0 {
                break;
            }
            secrets.line(name, number, &String::from_utf8_lossy(&line));
        }
        Ok(())
    };
    scan("journal.jsonl")?;
    let listed = storage.list(&run.join("blobs"));
    for listed in listed.map_err(JournalError::from)? {
        if listed.name.parse::<Digest>().is_ok() {
            scan(&format!("blobs/{}", listed.name))?;
        }
    }
    Ok(())
}

/// What becomes of each report: its digest, or why there is none; and the documents that were asked for and are not there.
pub fn rendered(
    run: &RunState,
    profile: &Profile,
    document_of: &dyn Fn(&Digest) -> Option<String>,
) -> (Vec<ReportRendering>, Vec<Digest>) {
    let lost = RefCell::new(BTreeSet::new());
    let blobs = |digest: &Digest| {
        let document = document_of(digest);
        if document.is_none() {
            lost.borrow_mut().insert(digest.clone());
        }
        document
    };
    let reports = match report::render(&ReportInput {
        run,
        profile,
        blobs: &blobs,
    }) {
        Ok(reports) => reports
            .into_iter()
            .map(|report| (report.name, Ok(Digest::of(report.text))))
            .collect(),
        Err(error) => report::names(run)
            .into_iter()
            .map(|name| (name, Err(error.to_string())))
            .collect(),
    };
    (reports, lost.into_inner().into_iter().collect())
}
