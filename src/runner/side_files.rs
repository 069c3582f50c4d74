//! `sidecar.json` and `kb/report.json`: files beside the journal.
//! Invariant: their bytes follow from the run alone (test `between_any_two_files_of_the_seal_a_resume_writes_the_same_bytes` of
//! tests/fault_injection/seal.rs).

use serde::Serialize;

use super::RunnerError;
use crate::documents::SidecarDocument;
use crate::report::{self, ReportInput};
use crate::run::RunState;

/// The files that the seal puts beside the reports, by name.
pub fn side_files_of(input: &ReportInput) -> Result<Vec<(&'static str, Vec<u8>)>, RunnerError> {
    Ok(vec![
        ("kb/report.json", ascii_line(&report::json_twin(input))?),
        ("sidecar.json", sidecar(input.run)?),
    ])
}

/// `sidecar.json`: the run's state for other programs, rewritten at each stop.
pub(super) fn sidecar(run: &RunState) -> Result<Vec<u8>, RunnerError> {
    ascii_line(&SidecarDocument {
        run_id: run.run_id().cloned(),
        state: run.state,
        stop_code: run.stop_code(),
        gate: run.waits_at(),
        evidence: run
            .evidence
            .as_ref()
            .map(|evidence| evidence.digest.clone()),
        result: run.sealed.as_ref().map(|(result, _, _)| result.clone()),
        sidecar_state: report::sidecar_state(run),
    })
}

/// One line of ASCII JSON. `serde_json::Value` sorts the members by name, so the bytes do not depend on the order of the
/// fields.
fn ascii_line(document: &impl Serialize) -> Result<Vec<u8>, RunnerError> {
    let sorted = serde_json::to_value(document)?;
    let mut bytes = crate::journal::to_ascii_json(&sorted)?;
    bytes.push(b'\n');
    Ok(bytes)
}
