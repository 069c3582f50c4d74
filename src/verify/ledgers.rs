//! The unit ledgers against what `units_progressed` recorded of them.

use std::path::Path;
use std::sync::Arc;

use super::{Verified, VerifyError};
use crate::audit;
use crate::journal::{Ledgers, Storage};
use crate::run::{LedgerRef, RunState};

/// The unit ledgers as `units_progressed` recorded them.
pub(super) fn ledgers(
    found: &mut Verified,
    storage: &Arc<dyn Storage>,
    run_directory: &Path,
    run: &RunState,
) -> Result<(), VerifyError> {
    let ledgers = Ledgers::new(storage.clone(), run_directory);
    for step in &run.steps {
        let LedgerRef { file, sha256, .. } = &step.ledger;
        let mut lines = ledgers.lines(file)?;
        let finding = audit::ledger_finding(&mut lines, &step.counts);
        // What is not what was recorded is said before what it would say.
        let finding = if lines.is(step.ledger.bytes, sha256)? {
            finding
        } else {
            Some("is not what units_progressed recorded".to_owned())
        };
        if let Some(finding) = finding {
            found.findings.push(format!("{file}: {finding}"));
        }
    }
    Ok(())
}
