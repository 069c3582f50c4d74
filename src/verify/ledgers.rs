//! The unit ledgers against what `units_progressed` recorded of them.

use std::path::Path;
use std::sync::Arc;

use super::{Verified, VerifyError};
use crate::audit;
use crate::journal::{JournalError, Storage};
use crate::run::RunState;
use crate::survey::Digest;

/// The unit ledgers as `units_progressed` recorded them.
pub(super) fn ledgers(
    found: &mut Verified,
    storage: &Arc<dyn Storage>,
    run_directory: &Path,
    run: &RunState,
) -> Result<(), VerifyError> {
    for step in &run.steps {
        let path = run_directory.join(&step.ledger.file);
        let bytes = storage.read(&path).map_err(JournalError::from)?;
        let recorded = bytes.filter(|bytes| {
            bytes.len() as u64 == step.ledger.bytes && Digest::of(bytes) == step.ledger.sha256
        });
        let finding = match recorded.as_deref().map(str::from_utf8) {
            Some(Ok(text)) => audit::ledger_finding(text.lines(), &step.counts),
            _ => Some("is not what units_progressed recorded".to_owned()),
        };
        if let Some(finding) = finding {
            found
                .findings
                .push(format!("{}: {finding}", step.ledger.file));
        }
    }
    Ok(())
}
