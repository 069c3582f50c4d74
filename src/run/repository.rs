//! State of a git repository at one moment, as plain data, and what was found when it was looked at again.

use serde::{Deserialize, Serialize};

/// State of a git repository at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// What came of looking at the repository of a run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RepositoryLook {
    /// What git says now.
    Seen(Box<RepositoryState>),
    /// Why git could not be asked.
    Unread(String),
}

impl RepositoryState {
    /// Why there is no state of a work tree in which nothing was committed.
    pub const NO_COMMIT: &str = "the branch of the work tree has no commit yet";
    /// Why there is none where no work tree is named and none is around the current directory.
    pub const NO_REPOSITORY: &str = "no git repository";

    /// The tags, each with its commit.
    pub fn tags(&self) -> impl Iterator<Item = &(String, String)> {
        let is_tag = |(name, _): &&(String, String)| name.starts_with("refs/tags/");
        self.refs.iter().filter(is_tag)
    }

    /// Whether branch, HEAD, main, tags and work tree are the same; other refs may move.
    pub fn tells_the_same(&self, other: &Self) -> bool {
        let told = |state: &Self| {
            let Self {
                branch,
                head,
                main,
                clean,
                ..
            } = state;
            (branch.clone(), head.clone(), main.clone(), *clean)
        };
        told(self) == told(other) && self.tags().eq(other.tags())
    }
}
