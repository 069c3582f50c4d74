//! Finds the programs of a PostgreSQL server.
//! Invariant: a directory counts only if both `initdb` and `postgres` are in it. Held by
//! `ServerBinaries::in_dir` and the test `the_highest_version_wins_by_number_and_only_if_complete`.

use std::env;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ThrowawayError;

/// Directories with one subdirectory for each installed major version, and where its programs are below that.
const VERSIONED: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "bin"),
];

/// An installed server: the directory that has `initdb` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerBinaries {
    dir: PathBuf,
}

impl ServerBinaries {
    /// The server to use, from the first place that has one: `DRYGATE_PG_BIN`, `PATH`, the newest
    /// of the usual directories, `pg_config`.
    ///
    /// If `DRYGATE_PG_BIN` is set and holds no server, that is an error and no other place is tried.
    pub fn find() -> Result<Self, ThrowawayError> {
        match named() {
            Some(dir) => Self::at(&dir),
            None => program_directories()
                .find_map(|dir| Self::in_dir(&dir))
                .ok_or_else(nowhere),
        }
    }

    /// Every server, in the order in which [`Self::find`] looks; where `DRYGATE_PG_BIN` is set, that one alone.
    pub fn all() -> Result<Vec<Self>, ThrowawayError> {
        if named().is_some() {
            return Ok(vec![Self::find()?]);
        }
        let mut all = Vec::new();
        for found in program_directories().filter_map(|dir| Self::in_dir(&dir)) {
            if !all.contains(&found) {
                all.push(found);
            }
        }
        if all.is_empty() {
            Err(nowhere())
        } else {
            Ok(all)
        }
    }

    /// The server in `dir`; an error names `dir` and what to do.
    pub fn at(dir: &Path) -> Result<Self, ThrowawayError> {
        Self::in_dir(dir).ok_or_else(|| ThrowawayError::NoServer {
            searched: vec![dir.display().to_string()],
        })
    }

    /// The directory of the programs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// `psql` beside the server, or in `PATH`: what tests and measures put beside drygate. The wrapper of Debian is none: it fills in
    /// a host.
    #[cfg(any(test, feature = "testing"))]
    pub fn psql(&self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let real = self.program("initdb").canonicalize().ok();
        let beside = real.and_then(|initdb| Some(initdb.parent()?.to_path_buf()));
        let dirs = [self.dir.clone()].into_iter().chain(beside);
        let mut programs = dirs
            .chain(env::split_paths(&path))
            .filter_map(|dir| dir.join("psql").canonicalize().ok());
        programs.find(|program| !program.ends_with("pg_wrapper"))
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn in_dir(dir: &Path) -> Option<Self> {
        let dir = dir.canonicalize().ok()?;
        let complete = ["initdb", "postgres"]
            .iter()
            .all(|name| dir.join(name).is_file());
        complete.then_some(Self { dir })
    }
}

/// The directory that `DRYGATE_PG_BIN` names. An empty variable is taken as one that is not set.
fn named() -> Option<PathBuf> {
    let dir = env::var_os("DRYGATE_PG_BIN").filter(|dir| !dir.is_empty());
    dir.map(PathBuf::from)
}

/// Where programs of PostgreSQL can be, the best place first.
pub fn program_directories() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // A relative entry of PATH would mean another directory wherever drygate is started.
    let on_path: Vec<PathBuf> = env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .collect();
    let versioned = VERSIONED
        .iter()
        .flat_map(|(base, below)| newest_first(Path::new(base), below));
    let asked = iter::once_with(named_by_pg_config).flatten();
    named()
        .into_iter()
        .chain(on_path)
        .chain(versioned)
        .chain(asked)
}

fn nowhere() -> ThrowawayError {
    let versioned = VERSIONED.map(|(base, below)| format!("{base}/*/{below}"));
    let searched = iter::once("PATH".to_owned()).chain(versioned);
    ThrowawayError::NoServer {
        searched: searched.chain(["pg_config --bindir".to_owned()]).collect(),
    }
}

/// The directories of programs of all versions below `base`.
fn newest_first(base: &Path, below: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            Some((
                major_version(entry.file_name().to_str()?)?,
                entry.path().join(below),
            ))
        })
        .collect();
    // By number, so that 9 is older than 10.
    found.sort();
    found.into_iter().rev().map(|(_, dir)| dir).collect()
}

/// The major version in a directory name: `15`, `9.6`, `postgresql@17`. `postgresql` without a number counts as the oldest.
fn major_version(name: &str) -> Option<u32> {
    let version = name
        .strip_prefix("postgresql")
        .map_or(name, |rest| rest.trim_start_matches('@'));
    if version.is_empty() {
        return Some(0);
    }
    version.split('.').next()?.parse().ok()
}

/// The directory that `pg_config` prints.
fn named_by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config")
        .arg("--bindir")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(dir.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(dir: &Path, programs: &[&str]) {
        fs::create_dir_all(dir).expect("a temporary directory takes directories");
        for program in programs {
            fs::write(dir.join(program), "").expect("a temporary directory takes files");
        }
    }

    #[test]
    fn the_highest_version_wins_by_number_and_only_if_complete() {
        let base = tempfile::tempdir().expect("a temporary directory");
        install(&base.path().join("9.6/bin"), &["initdb", "postgres"]);
        install(&base.path().join("15/bin"), &["initdb", "postgres"]);
        install(&base.path().join("18/bin"), &["psql"]);
        install(&base.path().join("jre"), &[]);
        let mut found = newest_first(base.path(), "bin").into_iter();
        let found = found.find_map(|dir| ServerBinaries::in_dir(&dir));
        let found = found.expect("15 is complete");
        assert!(found.dir().ends_with("15/bin"), "{found:?}");
    }

    #[test]
    fn homebrew_names_carry_their_version_behind_an_at_sign() {
        assert_eq!(major_version("postgresql@17"), Some(17));
        assert_eq!(major_version("postgresql"), Some(0));
        assert_eq!(major_version("openssl@3"), None);
    }

    #[test]
    fn a_directory_without_a_server_is_refused_with_a_remedy() {
        let empty = tempfile::tempdir().expect("a temporary directory");
        let error = ServerBinaries::at(empty.path()).expect_err("it is empty");
        assert!(
            error
                .to_string()
                .contains(&empty.path().display().to_string()),
            "{error}"
        );
        assert!(
            error
                .remedy()
                .is_some_and(|remedy| remedy.contains("apt-get install postgresql"))
        );
    }
}
