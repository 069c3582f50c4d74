//! Makes the git repository of the demo, for gate G0. It has no remote.
//! Invariant: it is made in an empty directory only, and every machine gets the same commits. Held
//! by `DemoRepository::create` and the tests `a_directory_with_something_in_it_is_left_alone` and
//! `two_repositories_are_the_same_commits_and_the_feature_is_one_ahead`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The branch that the demo has checked out.
pub const FEATURE_BRANCH: &str = "feature/constitution-snapshot-mark-dryrun";

const MAIN_FILES: [(&str, &str); 2] = [
    (
        "README.md",
        include_str!("../../assets/demo/repository/main/README.md"),
    ),
    (
        "orchestrator.toml",
        include_str!("../../assets/demo/repository/main/orchestrator.toml"),
    ),
];
const FEATURE_FILES: [(&str, &str); 1] = [(
    "live_dryrun.toml",
    include_str!("../../assets/demo/repository/feature/live_dryrun.toml"),
)];

/// Why the demo's repository could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoRepositoryError {
    /// There is no `git` on this machine.
    #[error("git is not installed, and the demo needs it for its repository")]
    GitMissing,
    /// The directory is not empty.
    #[error("{} is not empty; the demo makes its repository in an empty directory only", .0.display())]
    NotEmpty(PathBuf),
    /// git ran and failed.
    #[error("git {command} failed: {output}")]
    Git {
        /// The subcommand of git.
        command: String,
        /// What git printed, escaped for a terminal.
        output: String,
    },
    /// A file could not be written.
    #[error("cannot write {}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
}

/// A small repository: `main`, and one commit ahead of it the checked-out feature branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoRepository {
    path: PathBuf,
    main_head: String,
    feature_head: String,
}

impl DemoRepository {
    /// Makes the repository in `dir`, which must be empty or not exist.
    pub fn create(dir: &Path) -> Result<Self, DemoRepositoryError> {
        fs::create_dir_all(dir).map_err(io_error(dir))?;
        if fs::read_dir(dir).map_err(io_error(dir))?.next().is_some() {
            return Err(DemoRepositoryError::NotEmpty(dir.to_path_buf()));
        }
        // Without the templates of this machine, which may bring hooks. The branch is named by hand: the
        // default name is a setting.
        git(dir, &["init", "--quiet", "--template="], 0)?;
        git(dir, &["symbolic-ref", "HEAD", "refs/heads/main"], 0)?;
        let subject = "docs: describe the constitution snapshot orchestrator";
        // Fixed times: a commit id depends on its date.
        let main_head = commit(dir, &MAIN_FILES, subject, 1_779_235_200)?;
        git(dir, &["checkout", "--quiet", "-b", FEATURE_BRANCH], 0)?;
        let subject = "feat(orchestrator): add O4 live dry-run orchestration";
        let feature_head = commit(dir, &FEATURE_FILES, subject, 1_779_321_600)?;
        Ok(Self {
            path: dir.to_path_buf(),
            main_head,
            feature_head,
        })
    }

    /// The directory of the work tree.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The full commit id of `main`.
    pub fn main_head(&self) -> &str {
        &self.main_head
    }

    /// The full commit id of the feature branch.
    pub fn feature_head(&self) -> &str {
        &self.feature_head
    }
}

/// Commits `files` with the date `at` (seconds since 1970, UTC) and returns the commit id.
fn commit(
    dir: &Path,
    files: &[(&str, &str)],
    subject: &str,
    at: i64,
) -> Result<String, DemoRepositoryError> {
    for (name, text) in files {
        let path = dir.join(name);
        fs::write(&path, text).map_err(io_error(&path))?;
    }
    git(dir, &["add", "--all"], at)?;
    // A hook of this machine must not run in the demo.
    git(
        dir,
        &["commit", "--quiet", "--no-verify", "-m", subject],
        at,
    )?;
    git(dir, &["rev-parse", "HEAD"], at)
}

/// Runs one git command that depends neither on the configuration of this account nor on a repository around `dir`.
fn git(dir: &Path, arguments: &[&str], at: i64) -> Result<String, DemoRepositoryError> {
    let mut command = Command::new("git");
    // Inside a git hook or a rebase, GIT_DIR and its like would lead the commands to that repository.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(&name);
        }
    }
    let date = format!("@{at} +0000");
    command
        .current_dir(dir)
        // No global and no system configuration: what an account or a machine has set must not change the commits.
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", dir)
        .env("XDG_CONFIG_HOME", dir)
        // git looks for a repository in the directories above `dir` otherwise.
        .env("GIT_CEILING_DIRECTORIES", dir)
        .env("LC_ALL", "C")
        // Name, address and date are part of a commit id.
        .env("GIT_AUTHOR_NAME", "drygate demo")
        .env("GIT_AUTHOR_EMAIL", "demo@drygate.invalid")
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_NAME", "drygate demo")
        .env("GIT_COMMITTER_EMAIL", "demo@drygate.invalid")
        .env("GIT_COMMITTER_DATE", &date)
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.autocrlf=false",
            "-c",
            "commit.gpgSign=false",
        ])
        // A global ignore file would leave files out, and another object format would give other ids.
        .args([
            "-c",
            "core.excludesFile=/dev/null",
            "-c",
            "init.defaultObjectFormat=sha1",
        ])
        .args(arguments)
        .stdin(Stdio::null());
    let output = command.output().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => DemoRepositoryError::GitMissing,
        _ => DemoRepositoryError::Io {
            path: dir.to_path_buf(),
            source,
        },
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(DemoRepositoryError::Git {
            command: arguments.first().copied().unwrap_or_default().to_owned(),
            // The output may hold file names, and is printed on a terminal.
            output: said.trim().escape_debug().to_string(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DemoRepositoryError + use<> {
    let path = path.to_path_buf();
    move |source| DemoRepositoryError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_repositories_are_the_same_commits_and_the_feature_is_one_ahead() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let one = DemoRepository::create(&parent.path().join("one")).expect("git is installed");
        let two = DemoRepository::create(&parent.path().join("two")).expect("git is installed");
        assert_eq!(
            (one.main_head(), one.feature_head()),
            (two.main_head(), two.feature_head())
        );

        let ask =
            |arguments: &[&str]| git(one.path(), arguments, 0).expect("the repository answers");
        assert_eq!(ask(&["symbolic-ref", "--short", "HEAD"]), FEATURE_BRANCH);
        assert_eq!(ask(&["rev-list", "--count", "main..HEAD"]), "1");
        assert_eq!(ask(&["rev-parse", "main"]), one.main_head());
        assert_eq!(
            ask(&["log", "-1", "--format=%s"]),
            "feat(orchestrator): add O4 live dry-run orchestration"
        );
        assert_eq!(ask(&["status", "--porcelain"]), "");
        assert_eq!(ask(&["remote"]), "");
    }

    #[test]
    fn a_directory_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join("letter.txt"), "mine").expect("the directory is ours");
        let error = DemoRepository::create(dir.path()).expect_err("it is not empty");
        assert!(matches!(error, DemoRepositoryError::NotEmpty(_)), "{error}");
        assert!(!dir.path().join(".git").exists());
    }
}
