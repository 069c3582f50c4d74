//! Reads the state of a git repository through the `git` command.
//! Invariant: only commands that read, with git's own writing switched off. Held by the constants
//! below and the test `sees_branch_main_feature_and_a_dirty_tree_without_writing`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::runner::repository::{Repository, RepositoryError, RepositoryState};

/// The commands that are run, each with the question it answers. There are no others.
const HEAD: &[&str] = &["rev-parse", "--verify", "HEAD"];
const SUBJECT: &[&str] = &["log", "-1", "--format=%s", "HEAD"];
const BRANCH: &[&str] = &["symbolic-ref", "--short", "-q", "HEAD"];
const STATUS: &[&str] = &["status", "--porcelain=v1", "--untracked-files=normal"];
const REFS: &[&str] = &["for-each-ref", "--format=%(refname) %(objectname)"];
const TOP: &[&str] = &["rev-parse", "--show-toplevel"];

/// The work tree of a repository.
#[derive(Debug, Clone)]
pub struct GitRepository {
    directory: PathBuf,
}

impl GitRepository {
    /// The work tree around `directory`; `None`: there is none, or no `git` program. An error: no process could be started to look.
    pub fn around(directory: &Path) -> Result<Option<Self>, RepositoryError> {
        let there = Self {
            directory: directory.to_owned(),
        };
        let top = match there.git(TOP) {
            Err(error @ RepositoryError::Shortage(_)) => return Err(error),
            top => top.ok(),
        };
        Ok(top.map(|top| Self {
            directory: PathBuf::from(top.trim_end_matches('\n')),
        }))
    }

    /// The work tree whose top directory this is; whether it can be read, looking says.
    pub fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The top directory of the work tree.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Runs one command and gives its standard output.
    fn git(&self, arguments: &[&str]) -> Result<String, RepositoryError> {
        let output = Command::new("git")
            .arg("-C")
            .arg(&self.directory)
            // `git status` may refresh the index and caches on its own. Neither may be written: reading must change nothing.
            .args([
                "-c",
                "core.fsmonitor=false",
                "-c",
                "core.untrackedCache=false",
            ])
            .args(arguments)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            // Messages of git are quoted in errors, so they must not depend on the locale.
            .env("LC_ALL", "C")
            // These would lead git to another repository than the one asked for, for example inside a git hook.
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .map_err(RepositoryError::not_run)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        // git's own words are the best explanation, such as "dubious ownership" of another account's directory.
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
        let head = match self.git(HEAD) {
            // The name of a branch that has no commit is all that HEAD says then.
            Err(RepositoryError::Git(_)) if self.git(BRANCH).is_ok() => {
                return Err(RepositoryError::NoCommit);
            }
            head => head?.trim().to_owned(),
        };
        let subject = self.git(SUBJECT)?.trim_end().to_owned();
        // A detached HEAD has no branch: git then exits with an error, which is no failure here.
        let branch = self.git(BRANCH).ok().map(|name| name.trim().to_owned());
        let clean = self.git(STATUS)?.is_empty();
        let refs: Vec<(String, String)> = self
            .git(REFS)?
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, commit)| (name.to_owned(), commit.to_owned()))
            .collect();
        // Looked up in the refs that were read above: it needs no further command.
        let commit_of = |name: &str| {
            let full = format!("refs/heads/{name}");
            let found = refs.iter().find(|(known, _)| *known == full)?;
            Some((name.to_owned(), found.1.clone()))
        };
        let main = commit_of("main").or_else(|| commit_of("master"));
        // On main itself there is no feature branch to compare with.
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
            // Kept in the record of the run: none of them can push.
            commands: [HEAD, SUBJECT, BRANCH, STATUS, REFS, TOP]
                .map(|arguments| format!("git {}", arguments.join(" ")))
                .into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BRANCH, GitRepository, HEAD, REFS, STATUS, SUBJECT, TOP};
    use crate::repo::throwaway::DemoRepository;
    use crate::runner::repository::Repository;

    /// With a second name `symbolic-ref` would write.
    #[test]
    fn all_commands_can_only_read() {
        for command in [HEAD, SUBJECT, BRANCH, STATUS, REFS, TOP] {
            let reads = ["rev-parse", "log", "status", "for-each-ref"].contains(&command[0]);
            let names = command[1..].iter().filter(|word| !word.starts_with('-'));
            let asks = command[0] == "symbolic-ref" && names.count() == 1;
            assert!(reads || asks, "{command:?}");
        }
    }

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
        let repository = GitRepository::around(demo.path()).expect("git runs");
        let repository = repository.expect("a work tree");
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
