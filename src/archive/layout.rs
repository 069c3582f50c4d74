//! The names of files inside an archive.

/// Directory of the run, below the directory that is named by the run id.
pub(super) const RUN: &str = "run";
pub(super) const CHECKING: &str = "CHECKING.txt";
pub(super) const SUMS: &str = "SHA256SUMS";
pub(super) const SCRIPT: &str = "check-chain.py";
pub(super) const PAGE: &str = "run.html";

/// The script that checks the chain without drygate.
pub(super) const SCRIPT_TEXT: &str = include_str!("../../assets/archive/check-chain.py");

/// The files of an archive that do not belong to the run.
pub(super) const BESIDE: [&str; 4] = [CHECKING, SUMS, SCRIPT, PAGE];
