//! State of a git repository at one moment, as plain data.

use serde::{Deserialize, Serialize};

/// State of a git repository at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryState {
    /// Directory of the work tree, as it was given.
    pub directory: String,
    /// Branch, or `None` where HEAD is detached.
    pub branch: Option<String>,
    /// Commit id of HEAD.
    pub head: String,
    /// First line of HEAD's message.
    pub subject: String,
    /// `main` or `master`, and its commit.
    pub main: Option<(String, String)>,
    /// Commit of the feature branch (HEAD's branch unless it is main).
    pub feature_head: Option<String>,
    /// Whether the work tree has no change.
    pub clean: bool,
    /// Every ref with its commit, sorted.
    pub refs: Vec<(String, String)>,
    /// The git commands that were run, for the audit: none of them can push or write.
    pub commands: Vec<String>,
}
