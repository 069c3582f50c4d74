//! The programs of PostgreSQL that a rehearsal needs, and how well they fit production.
//! Invariant: `pg_dump` is not older than production's server, because it would refuse it (`Programs::find`).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::postgres::throwaway::ServerBinaries;

/// Where the programs are.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    /// The server of the shadow.
    pub(super) server: ServerBinaries,
    /// Its major version.
    pub(super) major: u32,
    /// `psql`.
    pub(super) psql: PathBuf,
    /// `pg_dump`.
    pub(super) pg_dump: PathBuf,
    /// `pg_restore`.
    pub(super) pg_restore: PathBuf,
}

impl Programs {
    /// The programs that fit a server of this major version best; the error says what to install.
    pub(super) fn find(production: u32) -> Result<Self, String> {
        let mut servers = ServerBinaries::all().map_err(|error| {
            let remedy = error.remedy().unwrap_or_default();
            format!("{error}; {remedy}")
        })?;
        if ServerBinaries::is_named() {
            servers.truncate(1);
        }
        let mut rated: Vec<(u32, ServerBinaries)> = servers
            .into_iter()
            .filter_map(|server| Some((major(&server.dir().join("postgres"))?, server)))
            .collect();
        // The same version, else the next newer one, else the newest of the older ones.
        rated.sort_by_key(|(major, _)| match major.checked_sub(production) {
            Some(newer) => newer,
            None => 1_000 + production - major,
        });
        let (major, server) = rated
            .into_iter()
            .next()
            .ok_or("no server answers --version")?;
        let pg_dump = client("pg_dump", server.dir(), production)?;
        let beside = pg_dump
            .parent()
            .map_or_else(PathBuf::new, Path::to_path_buf);
        Ok(Self {
            psql: client("psql", &beside, 0)?,
            pg_restore: client("pg_restore", &beside, 0)?,
            server,
            major,
            pg_dump,
        })
    }

    /// The directories that the isolated process must see: `bin/..`, because templates and modules stand beside, and those of the
    /// libraries, which need not.
    pub(super) fn places(&self) -> Vec<PathBuf> {
        let server = self.server.dir().join("postgres");
        let programs = [&server, &self.psql, &self.pg_dump, &self.pg_restore];
        let above = |program: &PathBuf| program.parent()?.parent().map(Path::to_path_buf);
        let mut places: Vec<PathBuf> = programs.into_iter().filter_map(above).collect();
        places.extend(programs.into_iter().flat_map(|program| libraries(program)));
        places.sort();
        // One below another one is seen with it.
        places.dedup_by(|below, place| below.starts_with(place));
        places
    }
}

/// A client's program of at least this major version: beside the server, in one of the usual directories, or on PATH.
fn client(name: &str, beside: &Path, at_least: u32) -> Result<PathBuf, String> {
    let others = ServerBinaries::all().unwrap_or_default();
    let others = others.iter().map(|server| server.dir().to_path_buf());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .collect();
    let mut dirs = [beside.to_path_buf()]
        .into_iter()
        .chain(others)
        .chain(on_path);
    dirs.find_map(|dir| {
        let program = dir.join(name).canonicalize().ok()?;
        // Debian's wrapper of that name is a script that chooses by a configuration which the isolated process does not see.
        let is_wrapper = program.ends_with("pg_wrapper");
        (!is_wrapper && major(&program)? >= at_least).then_some(program)
    })
    .ok_or_else(|| {
        let version = if at_least > 0 { format!(" {at_least} or newer") } else { String::new() };
        format!(
            "there is no {name}{version} on this machine; install the client programs of PostgreSQL \
             (Debian, Ubuntu: apt-get install postgresql-client), or set DRYGATE_PG_BIN to their directory"
        )
    })
}

/// The directories of a program's libraries, as its loader finds them. Where there is no `ldd`, none is known.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = Command::new("ldd")
        .arg(program)
        .stdin(Stdio::null())
        .output();
    let listed = listed.map(|output| output.stdout).unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed);
    // `libpq.so.5 => /usr/lib/libpq.so.5 (0x7f..)`, and the loader without an arrow.
    let paths = listed.split_whitespace().map(Path::new);
    let paths = paths.filter(|path| path.is_absolute());
    let dirs = paths.filter_map(|path| path.parent()?.canonicalize().ok());
    let system = ["/usr", "/lib", "/lib32", "/lib64", "/libx32"];
    dirs.filter(|dir| !system.iter().any(|shown| dir.starts_with(shown)))
        .collect()
}

/// The major version that a program prints: `postgres (PostgreSQL) 15.18 (Debian ..)`.
fn major(program: &Path) -> Option<u32> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let version = said.split("(PostgreSQL) ").nth(1)?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
