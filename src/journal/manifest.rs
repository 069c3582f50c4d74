//! The manifest, `manifest.sha256`: the seal of a run, in the format of `sha256sum -c`.
//! Invariant: it lists every file of the run but those of `NOT_IN_MANIFEST` and itself. Held by `files`, which writing and
//! checking share, and the test `extra_and_missing_files_are_named` of tests/journal.rs.

use std::collections::BTreeMap;
use std::path::Path;

use super::chain::Hex;
use super::recovery::copy;
use super::storage::{Kind, Storage};
use super::{Corrupt, JournalError, StorageError, atomic, blame, layout};
use crate::survey::Digest;

/// The name of the manifest. Once it is there, no file that it lists is opened for writing again.
pub const MANIFEST: &str = "manifest.sha256";

/// Whether a run has its seal.
pub fn is_sealed(storage: &dyn Storage, run: &Path) -> Result<bool, StorageError> {
    Ok(storage.len(&run.join(MANIFEST))?.is_some())
}

/// Writes the manifest by rename and makes it durable: that is the seal. Gives its SHA-256.
pub(super) fn write(storage: &dyn Storage, run: &Path) -> Result<Digest, JournalError> {
    atomic::clean(storage, run)?;
    let mut content = String::new();
    for (file, kind) in files(storage, run)? {
        let path = run.join(&file);
        // A name with a space or newline would not be read back by sha256sum, and a link would name bytes elsewhere.
        if kind != Kind::File || !plain(&file) {
            let why = "only plain files belong in a run that is sealed";
            return Err(StorageError::refused("seal", &path, why).into());
        }
        let (_, sha256) = copy(storage, &path, 0, &mut |_| Ok(()))?;
        content.extend([sha256.as_str(), "  ", &file, "\n"]);
    }
    // Everything that it lists was made durable before: the seal comes last.
    atomic::replace(storage, &run.join(MANIFEST), content.as_bytes())?;
    Ok(Digest::of(content))
}

/// Compares every file with the manifest. The journal's own chain says more about damage in it; see `verify_files`.
pub(super) fn check(storage: &dyn Storage, run: &Path) -> Result<Vec<Corrupt>, JournalError> {
    let Some(content) = storage.read(&run.join(MANIFEST))? else {
        return Ok(Vec::new());
    };
    let lines = match parse(&content) {
        Ok(lines) => lines,
        Err(corrupt) => return Ok(vec![corrupt]),
    };
    let mut findings = Vec::new();
    let mut listed: BTreeMap<&str, &ManifestLine<'_>> = BTreeMap::new();
    for line in &lines {
        listed.insert(line.file, line);
    }
    // Both directions: files that are not listed, and below listed files that are not there.
    for (file, kind) in files(storage, run)? {
        match (kind, listed.remove(file.as_str())) {
            (Kind::File, Some(line)) => findings.extend(compare(storage, run, line)?),
            (Kind::File, None) => findings.push(Corrupt::file(file, "is not in the manifest")),
            (_, _) => findings.push(Corrupt::file(file, "is not a regular file")),
        }
    }
    for line in listed.values() {
        let what = format!("names {}, which is missing", line.file);
        findings.push(Corrupt::at(MANIFEST, line.number, line.offset, what));
        findings.push(Corrupt::file(
            line.file,
            "is missing, though the manifest names it",
        ));
    }
    Ok(findings)
}

struct ManifestLine<'a> {
    number: u64,
    offset: u64,
    sha256: Hex,
    file: &'a str,
}

/// Compares one file with its line; `None`: it has the digest.
fn compare(
    storage: &dyn Storage,
    run: &Path,
    line: &ManifestLine<'_>,
) -> Result<Option<Corrupt>, JournalError> {
    let path = run.join(line.file);
    let (bytes, found) = copy(storage, &path, 0, &mut |_| Ok(()))?;
    let found = found.as_str().as_bytes();
    let differing = || {
        found
            .iter()
            .zip(&line.sha256)
            .enumerate()
            .filter(|(_, (a, b))| a != b)
    };
    let Some((first, _)) = differing().next() else {
        return Ok(None);
    };
    if differing().count() == 1 {
        // A changed bit in a file changes about 60 of the 64 characters of its digest. One character
        // points to the manifest itself.
        let what = format!("one character differs from the digest of {}", line.file);
        let byte = line.offset + first as u64;
        return Ok(Some(Corrupt::at(MANIFEST, line.number, byte, what)));
    }
    let mut corrupt = Corrupt::file(line.file, "does not have the digest of the manifest");
    // Small files only: the search costs the square of the length. In the journal the chain finds the line and the byte.
    if bytes <= 4096 && line.file != layout::JOURNAL {
        let content = storage.read(&path)?.unwrap_or_default();
        if let Some(at) = blame::flipped_byte(&content, &line.sha256) {
            let newlines = content[..at].iter().filter(|byte| **byte == b'\n');
            corrupt.line = Some(newlines.count() as u64 + 1);
            corrupt.byte = Some(at as u64);
        }
    }
    Ok(Some(corrupt))
}

/// Parses the manifest; `Err`: its first line that was not written by us.
fn parse(content: &[u8]) -> Result<Vec<ManifestLine<'_>>, Corrupt> {
    // 64 characters of the digest and two spaces.
    const FILE_AT: usize = 66;
    let mut lines: Vec<ManifestLine<'_>> = Vec::new();
    let mut offset = 0;
    for (number, bytes) in (1..).zip(content.split_inclusive(|byte| *byte == b'\n')) {
        let wrong = |at: usize, what: &str| Corrupt::at(MANIFEST, number, offset + at as u64, what);
        let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let digest = bytes.get(..64).unwrap_or(bytes);
        if let Some(at) = digest.iter().position(|byte| !hex(byte)) {
            return Err(wrong(at, "64 lowercase hex characters were expected"));
        }
        if bytes.get(64..FILE_AT) != Some(b"  ") {
            let first = usize::from(bytes.get(64) == Some(&b' '));
            return Err(wrong(64 + first, "two spaces were expected"));
        }
        let Some((b'\n', file)) = bytes[FILE_AT..].split_last() else {
            return Err(wrong(bytes.len() - 1, "a newline was expected"));
        };
        let file = std::str::from_utf8(file).unwrap_or_default();
        if !plain(file) {
            return Err(wrong(FILE_AT, "the path of a file in the run was expected"));
        }
        // Sorted and without repetition, as it is written: there is one manifest for one set of files.
        if lines.last().is_some_and(|last| last.file >= file) {
            return Err(wrong(FILE_AT, "the paths are not sorted"));
        }
        let mut sha256 = [b'0'; 64];
        sha256.copy_from_slice(digest);
        lines.push(ManifestLine {
            number,
            offset,
            sha256,
            file,
        });
        offset += bytes.len() as u64;
    }
    Ok(lines)
}

/// Every file of a run that the manifest covers, sorted by the bytes of its path.
pub(super) fn files(
    storage: &dyn Storage,
    run: &Path,
) -> Result<Vec<(String, Kind)>, StorageError> {
    let mut files = Vec::new();
    collect(storage, run, "", &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(
    storage: &dyn Storage,
    run: &Path,
    below: &str,
    files: &mut Vec<(String, Kind)>,
) -> Result<(), StorageError> {
    for listed in storage.list(&run.join(below))? {
        let path = format!("{below}{}", listed.name);
        let own = path == MANIFEST || layout::NOT_IN_MANIFEST.contains(&path.as_str());
        // Only regular files may have these names: a directory or link of that name is listed and then refused.
        match listed.kind {
            Kind::File if own || layout::is_temporary(Path::new(&path)) => {}
            Kind::Directory => collect(storage, run, &format!("{path}/"), files)?,
            Kind::File | Kind::Other => files.push((path, listed.kind)),
        }
    }
    Ok(())
}

/// Whether `sha256sum` reads this path back unchanged, and whether it stays below the run: ASCII letters, digits, `.`, `_`, `-`
/// and `/`, without `.` and `..`.
fn plain(file: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    let part = |part: &str| !matches!(part, "" | "." | "..");
    file.bytes().all(safe) && file.split('/').all(part)
}
