//! Reports and side files, rendered again from journal and blobs and compared byte for byte.

use std::path::Path;
use std::sync::Arc;

use super::{Verified, VerifyError};
use crate::journal::{JournalError, Storage};
use crate::profile::Profile;
use crate::report::{self, ReportInput};
use crate::run::RunState;
use crate::runner::{RunnerError, side_files_of};
use crate::survey::Digest;

/// The reports, rendered again byte for byte.
pub(super) fn reports(
    found: &mut Verified,
    storage: &Arc<dyn Storage>,
    run_directory: &Path,
    run: &RunState,
    profile: &Profile,
    document: &dyn Fn(&Digest) -> Option<String>,
) -> Result<(), VerifyError> {
    if run.template_version != Some(report::TEMPLATE_VERSION) {
        found.not_checked.push(format!(
            "reports: rendered with template version {:?}, this drygate has {}",
            run.template_version,
            report::TEMPLATE_VERSION
        ));
        return Ok(());
    }
    let input = ReportInput {
        run,
        profile,
        blobs: document,
    };
    let rendered = match report::render(&input) {
        Ok(rendered) => rendered,
        Err(error) => {
            found.findings.push(format!("kb/: {error}"));
            return Ok(());
        }
    };
    for report in rendered {
        let digest = Digest::of(&report.text);
        let recorded = run.reports.iter().find(|(name, _)| *name == report.name);
        if recorded.is_none_or(|(_, recorded)| *recorded != digest) {
            found.findings.push(format!(
                "kb/{}: run_sealed records another digest than the journal gives",
                report.name
            ));
        }
        let path = run_directory.join("kb").join(&report.name);
        let written = storage.read(&path).map_err(JournalError::from)?;
        // A run that ended and is not sealed yet may lack reports: `resume` writes them.
        let missing = written.is_none() && !found.sealed;
        if !missing && written.as_deref() != Some(report.text.as_bytes()) {
            let place = differs_at(written.as_deref(), report.text.as_bytes());
            found.findings.push(format!(
                "kb/{}: is not what journal and blobs give{place}",
                report.name
            ));
        }
    }
    if found.sealed {
        let mut beside = side_files_of(&input)?;
        if let Some(pins) = &run.context {
            beside.push(("context.json", pins.bytes().map_err(RunnerError::from)?));
        }
        for (name, bytes) in beside {
            let written = storage.read(&run_directory.join(name));
            let written = written.map_err(JournalError::from)?;
            if written.as_ref() != Some(&bytes) {
                let place = differs_at(written.as_deref(), &bytes);
                found
                    .findings
                    .push(format!("{name}: is not what journal and blobs give{place}"));
            }
        }
    }
    Ok(())
}

/// Where a file first differs from what it should be: its line, from 1, and byte, from 0.
fn differs_at(written: Option<&[u8]>, given: &[u8]) -> String {
    let Some(written) = written else {
        return ", it is missing".to_owned();
    };
    let equal = written.iter().zip(given).take_while(|(a, b)| a == b);
    let byte = equal.count();
    let line = given[..byte].split(|byte| *byte == b'\n').count();
    format!(", from line {line}, byte {byte}")
}
