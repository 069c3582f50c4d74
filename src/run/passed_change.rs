//! Which change a run was about, as the sheet of a later run is compared with it.

use serde::{Deserialize, Serialize};

use super::{ChangeFile, RunState};
use crate::survey::Digest;

/// Which change a run was about, as the next run is compared with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedChange {
    /// The role that it runs as; none: the run was about no change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Its files as they were approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ChangeFile>,
}

impl PassedChange {
    /// Whether it is the same one: the same bytes in the same order, wherever they lie, as the same role.
    pub fn is_as(&self, other: &Self) -> bool {
        let digests = |files: &[ChangeFile]| -> Vec<Digest> {
            files.iter().map(|file| file.sha256.clone()).collect()
        };
        self.role == other.role && digests(&self.files) == digests(&other.files)
    }

    /// `0042.sql 13aa3c25 as migrator`, or `none`.
    pub fn words(&self) -> String {
        let Some(role) = &self.role else {
            return "none".to_owned();
        };
        let file = |file: &ChangeFile| {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            format!("{name} {}", file.sha256.short())
        };
        let files: Vec<String> = self.files.iter().map(file).collect();
        format!("{} as {role}", files.join(", "))
    }
}

impl RunState {
    /// Which change the run is about.
    pub fn passed_change(&self) -> PassedChange {
        PassedChange {
            role: self.change().map(|change| change.role.clone()),
            files: self.change_files.as_deref().cloned().unwrap_or_default(),
        }
    }
}
