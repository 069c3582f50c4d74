//! The file of the ledger of rows, which both processes of a rehearsal know.
//! Invariant: it is made and kept open here, so that nothing in the shadow can put another file in its place (`new_file`).

use std::fs::File;
use std::io::BufRead;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use super::message::LedgerFile;
use crate::postgres::throwaway::ScratchDirectory;

/// What is done with the ledger of rows.
#[derive(Clone, Copy)]
pub enum LedgerUse<'a> {
    /// There is none.
    None,
    /// One is written.
    Write,
    /// No change is carried out: production is compared with this one.
    Compare(&'a dyn Fn() -> Option<Box<dyn BufRead>>),
}

/// The file, and what the shadow is told of it.
pub(super) fn ledger_file(
    ledger: LedgerUse<'_>,
    scratch: &ScratchDirectory,
) -> Result<Option<(LedgerFile, File)>, String> {
    let open = match ledger {
        LedgerUse::None => return Ok(None),
        LedgerUse::Write => {
            let (path, file) = new_file(scratch)?;
            return Ok(Some((LedgerFile::Write(path), file)));
        }
        LedgerUse::Compare(open) => open,
    };
    let mut kept = open().ok_or("no ledger of rows is kept")?;
    let (path, mut file) = new_file(scratch)?;
    let copied = std::io::copy(&mut kept, &mut file);
    copied.map_err(|error| format!("the ledger of rows cannot be copied: {error}"))?;
    Ok(Some((LedgerFile::Compare(path), file)))
}

fn new_file(scratch: &ScratchDirectory) -> Result<(PathBuf, File), String> {
    let path = scratch.path().join("ledger");
    let mut options = File::options();
    let options = options.read(true).write(true).create_new(true).mode(0o600);
    let file = options.open(&path);
    let file = file.map_err(|error| format!("no file for the ledger of rows: {error}"))?;
    scratch.give(&path).map_err(|error| error.to_string())?;
    Ok((path, file))
}
