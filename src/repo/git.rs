//! A git repository, looked at through the `git` command. Invariant: only commands that read, with git's own writing switched off.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::runner::repository::{Repository, RepositoryError, RepositoryState};

/// The commands that are ever run, with what is asked of each.
const HEAD: &[&str] = &["rev-parse", "--verify", "HEAD"];
const SUBJECT: &[&str] = &["log", "-1", "--format=%s", "HEAD"];
const BRANCH: &[&str] = &["symbolic-ref", "--short", "-q", "HEAD"];
const STATUS: &[&str] = &["status", "--porcelain=v1", "--untracked-files=normal"];
const REFS: &[&str] = &["for-each-ref", "--format=%(refname) %(objectname)"];
const TOP: &[&str] = &["rev-parse", "--show-toplevel"];

/// A work tree.
#[derive(Debug, Clone)]
pub struct GitRepository {
    directory: PathBuf,
}

impl GitRepository {
    /// The work tree around `directory`; `None` if there is none, or no git.
    pub fn around(directory: &Path) -> Option<Self> {
        let there = Self {
            directory: directory.to_owned(),
        };
        let top = there.git(TOP).ok()?;
        Some(Self {
            directory: PathBuf::from(top.trim_end_matches('\n')),
        })
    }

    /// The top of the work tree.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn git(&self, arguments: &[&str]) -> Result<String, RepositoryError> {
        let output = Command::new("git")
            .arg("-C")
            .arg(&self.directory)
            // Neither the index nor a monitor may be refreshed: looking must not write.
            .args([
                "-c",
                "core.fsmonitor=false",
                "-c",
                "core.untrackedCache=false",
            ])
            .args(arguments)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .map_err(|error| RepositoryError::Git(format!("cannot run git: {error}")))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(RepositoryError::Git(format!(
            "git {} failed: {}",
            arguments.join(" "),
            said.trim()
        )))
    }
}

impl Repository for GitRepository {
    fn look(&self) -> Result<RepositoryState, RepositoryError> {
        let head = self.git(HEAD)?.trim().to_owned();
        let subject = self.git(SUBJECT)?.trim_end().to_owned();
        // A detached HEAD has no branch; git says so by its exit code.
        let branch = self.git(BRANCH).ok().map(|name| name.trim().to_owned());
        let clean = self.git(STATUS)?.is_empty();
        let refs: Vec<(String, String)> = self
            .git(REFS)?
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, commit)| (name.to_owned(), commit.to_owned()))
            .collect();
        let commit_of = |name: &str| {
            let full = format!("refs/heads/{name}");
            let found = refs.iter().find(|(known, _)| *known == full)?;
            Some((name.to_owned(), found.1.clone()))
        };
        let main = commit_of("main").or_else(|| commit_of("master"));
        let on_main = main.as_ref().map(|(name, _)| name) == branch.as_ref();
        Ok(RepositoryState {
            directory: self.directory.display().to_string(),
            feature_head: (!on_main).then(|| head.clone()),
            branch,
            head,
            subject,
            main,
            clean,
            refs,
            commands: [HEAD, SUBJECT, BRANCH, STATUS, REFS, TOP]
                .map(|arguments| format!("git {}", arguments.join(" ")))
                .into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::GitRepository;
    use crate::repo::throwaway::DemoRepository;
    use crate::runner::repository::Repository;

    #[test]
    fn sees_branch_main_feature_and_a_dirty_tree_without_writing() {
        let place = tempfile::tempdir().expect("a directory");
        let demo = DemoRepository::create(&place.path().join("repo")).expect("git");
        let index = demo.path().join(".git/index");
        let written = || {
            std::fs::metadata(&index)
                .and_then(|m| m.modified())
                .expect("an index")
        };
        let before = written();
        let repository = GitRepository::around(demo.path()).expect("a work tree");
        let seen = repository.look().expect("git answers");
        assert_eq!(
            seen.branch.as_deref(),
            Some("feature/constitution-snapshot-mark-dryrun")
        );
        assert_eq!(
            seen.main,
            Some(("main".to_owned(), demo.main_head().to_owned()))
        );
        assert_eq!(seen.feature_head.as_deref(), Some(demo.feature_head()));
        assert!(seen.clean);
        std::fs::write(demo.path().join("new"), "x").expect("written");
        assert!(!repository.look().expect("git answers").clean);
        assert_eq!(written(), before, "looking touched the index");
    }
}
