//! What lies in the directory of a run and has no place there.
//! Invariant: no file is opened, so that a pipe or device cannot hold up who looks (`misplaced`).

use std::path::Path;

use super::storage::{Kind, Storage};
use super::{Corrupt, StorageError, layout, manifest};
use crate::survey::Digest;

/// Something in the directory of a run that drygate does not put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// Which file, and why it has no place in a run.
    pub damage: Corrupt,
    /// It is no regular file, though it may have the name of one: what reads the run would be led elsewhere or held up.
    pub is_irregular: bool,
}

/// Every file of the run in this directory of the storage that has no place in it. Names alone are looked at.
pub fn misplaced(storage: &dyn Storage, run: &Path) -> Result<Vec<Misplaced>, StorageError> {
    let mut found = Vec::new();
    for listed in storage.list(run)? {
        match (listed.kind, is_folder(&listed.name)) {
            (Kind::Directory, true) => below(storage, run, &listed.name, &mut found)?,
            (Kind::File, false) if is_top(&listed.name) => {}
            (kind, _) => found.push(of(listed.name, kind)),
        }
    }
    Ok(found)
}

fn below(
    storage: &dyn Storage,
    run: &Path,
    folder: &str,
    found: &mut Vec<Misplaced>,
) -> Result<(), StorageError> {
    for listed in storage.list(&run.join(folder))? {
        let known = listed.kind == Kind::File
            && (layout::is_temporary(Path::new(&listed.name)) || is_in(folder, &listed.name));
        if !known {
            found.push(of(format!("{folder}/{}", listed.name), listed.kind));
        }
    }
    Ok(())
}

fn of(file: String, kind: Kind) -> Misplaced {
    let (what, is_irregular) = match kind {
        Kind::File => ("has no place in a run", false),
        Kind::Directory => ("is a directory that has no place in a run", true),
        Kind::Other => ("is a link, pipe, socket or device: a run has none", true),
    };
    Misplaced {
        damage: Corrupt::file(file, what),
        is_irregular,
    }
}

fn is_folder(name: &str) -> bool {
    [
        layout::BLOBS_DIR,
        layout::UNITS_DIR,
        layout::TORN_DIR,
        layout::REPORTS_DIR,
    ]
    .contains(&name)
}

fn is_top(name: &str) -> bool {
    let known = [
        layout::JOURNAL,
        layout::HEAD,
        layout::SIDECAR,
        layout::CONTEXT,
        manifest::MANIFEST,
    ];
    known.contains(&name)
        || layout::NOT_IN_MANIFEST.contains(&name)
        || layout::is_temporary(Path::new(name))
}

/// Whether drygate gives such names to files of this folder.
fn is_in(folder: &str, name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    match folder {
        layout::BLOBS_DIR => name.parse::<Digest>().is_ok(),
        layout::UNITS_DIR => name.strip_suffix(".jsonl").is_some_and(|stem| {
            let parts = stem.split_once('-');
            parts.is_some_and(|(round, step)| {
                is_number(round) && ["cut", "verify", "enact"].contains(&step)
            })
        }),
        layout::TORN_DIR => {
            let (line, again) = name.split_once('-').unwrap_or((name, "2"));
            is_number(line) && is_number(again)
        }
        // Which reports a run has, its journal says.
        layout::REPORTS_DIR => {
            name == "report.json" || Path::new(name).extension().is_some_and(|kind| kind == "md")
        }
        _ => false,
    }
}
