//! The programs of PostgreSQL that a rehearsal needs, and how well they fit production.
//! Invariant: they are of one version that is not older than production's (`choose`).

use std::collections::BTreeSet;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::postgres::throwaway::{ServerBinaries, program_directories};

/// Where the programs are.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    /// The directory of the shadow's server.
    pub(super) server: PathBuf,
    /// The major version of all.
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
        let places = Place::all()?;
        match choose(&places, production) {
            Some(chosen) => Ok(Self::of(&places, &chosen)),
            None => Err(lacking(&places, production)),
        }
    }

    /// Those of the newest version of which everything is there.
    pub(super) fn newest() -> Result<Self, String> {
        let places = Place::all()?;
        let majors: BTreeSet<u32> = places.iter().filter_map(|place| place.server).collect();
        let mut newest = majors.into_iter().rev();
        match newest.find_map(|major| of_version(&places, major)) {
            Some(chosen) => Ok(Self::of(&places, &chosen)),
            None => Err(lacking(&places, 0)),
        }
    }

    /// What was chosen.
    pub(super) fn says(&self) -> String {
        format!(
            "the shadow {} in {}, pg_dump {}",
            self.major,
            self.server.display(),
            self.pg_dump.display()
        )
    }

    fn of(places: &[Place], chosen: &Chosen) -> Self {
        let client = |at: usize, name| {
            let program = places[at].dir.join(name);
            // The isolated process sees where it lies, not what links to it.
            program.canonicalize().unwrap_or(program)
        };
        let [dump, restore, psql] = chosen.clients;
        Self {
            server: places[chosen.server].dir.clone(),
            major: chosen.major,
            pg_dump: client(dump, CLIENTS[0]),
            pg_restore: client(restore, CLIENTS[1]),
            psql: client(psql, CLIENTS[2]),
        }
    }

    /// The directories that the isolated process must see: `bin/..`, because templates and modules stand beside, and those of the
    /// libraries, which need not.
    pub(super) fn places(&self) -> Vec<PathBuf> {
        let server = self.server.join("postgres");
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

const CLIENTS: [&str; 3] = ["pg_dump", "pg_restore", "psql"];

/// A directory, and the major version of each program in it that a rehearsal needs.
#[derive(Debug, Default)]
struct Place {
    dir: PathBuf,
    server: Option<u32>,
    clients: [Option<u32>; 3],
}

/// Which places have the server and each of the clients, by their index.
#[derive(Debug, PartialEq, Eq)]
struct Chosen {
    major: u32,
    server: usize,
    clients: [usize; 3],
}

impl Place {
    /// Every place of this machine, the best first.
    fn all() -> Result<Vec<Self>, String> {
        let servers = ServerBinaries::all().map_err(|error| {
            let remedy = error.remedy().unwrap_or_default();
            format!("{error}; {remedy}")
        })?;
        let mut places: Vec<Self> = Vec::new();
        for dir in program_directories().filter_map(|dir| dir.canonicalize().ok()) {
            if places.iter().any(|place| place.dir == dir) {
                continue;
            }
            let is_server = servers.iter().any(|server| server.dir() == dir);
            places.push(Self {
                server: is_server.then(|| major(&dir.join("postgres"))).flatten(),
                clients: CLIENTS.map(|name| major(&dir.join(name).canonicalize().ok()?)),
                dir,
            });
        }
        Ok(places)
    }
}

/// The same version as production's, else the next newer one of which everything is there. All programs are of one version: an older
/// server does not take what a newer `pg_dump` writes, and an older `pg_dump` does not read a newer server.
fn choose(places: &[Place], production: u32) -> Option<Chosen> {
    let majors: BTreeSet<u32> = places.iter().filter_map(|place| place.server).collect();
    majors
        .range(production..)
        .find_map(|major| of_version(places, *major))
}

/// Programs of this version that lie together as far as possible: clients of one minor version understand each other.
fn of_version(places: &[Place], major: u32) -> Option<Chosen> {
    let wanted = Some(major);
    let servers = (0..places.len()).filter(|at| places[*at].server == wanted);
    let server = servers.min_by_key(|at| places[*at].clients != [wanted; 3])?;
    let mut beside = server;
    let mut clients = [server; 3];
    for (nth, client) in clients.iter_mut().enumerate() {
        let mut order = iter::once(beside).chain(0..places.len());
        *client = order.find(|at| places[*at].clients[nth] == wanted)?;
        beside = *client;
    }
    Some(Chosen {
        major,
        server,
        clients,
    })
}

/// What is missing, with what is there.
fn lacking(places: &[Place], production: u32) -> String {
    let mut there = Vec::new();
    for place in places {
        let clients = CLIENTS.into_iter().zip(place.clients);
        let programs = iter::once(("server", place.server)).chain(clients);
        let programs: Vec<String> = programs
            .filter_map(|(name, major)| Some(format!("{name} {}", major?)))
            .collect();
        if !programs.is_empty() {
            there.push(format!(
                "{} in {}",
                programs.join(", "),
                place.dir.display()
            ));
        }
    }
    let (or_newer, version) = match production {
        0 => (String::new(), String::new()),
        _ => (format!(", {production} or newer"), format!("-{production}")),
    };
    format!(
        "a rehearsal needs a server, pg_dump, pg_restore and psql of one version{or_newer}; this machine has {}; \
         install them (Debian, Ubuntu: apt-get install postgresql{version}), or set DRYGATE_PG_BIN to their directory",
        there.join("; ")
    )
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

/// The major version that a program prints: `postgres (PostgreSQL) 15.18 (Debian ..)`. The wrapper of Debian has none: it chooses by
/// a configuration that the isolated process does not see.
fn major(program: &Path) -> Option<u32> {
    if program.ends_with("pg_wrapper") {
        return None;
    }
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Chosen, Place, choose, lacking};

    const NONE: [u32; 3] = [0; 3];

    fn places(all: &[(u32, [u32; 3])]) -> Vec<Place> {
        let some = |major: u32| (major > 0).then_some(major);
        let place = |(at, (server, clients)): (usize, &(u32, [u32; 3]))| Place {
            dir: format!("/place/{at}").into(),
            server: some(*server),
            clients: clients.map(some),
        };
        all.iter().enumerate().map(place).collect()
    }

    #[rstest]
    #[case::together(15, &[(15, [15; 3])], Some((15, 0, [0; 3])))]
    #[case::the_same_version_before_a_newer_one(15, &[(17, [17; 3]), (15, [15; 3])], Some((15, 1, [1; 3])))]
    #[case::the_nearest_newer_one(14, &[(18, [18; 3]), (16, [16; 3])], Some((16, 1, [1; 3])))]
    #[case::never_an_older_one(16, &[(15, [15; 3])], None)]
    #[case::an_older_server_beside_a_newer_pg_dump(16, &[(15, [15; 3]), (0, [16; 3])], None)]
    #[case::a_newer_server_beside_an_older_pg_dump(15, &[(16, NONE), (0, [15; 3])], None)]
    #[case::clients_elsewhere(18, &[(18, NONE), (0, [15; 3]), (0, [18; 3])], Some((18, 0, [2; 3])))]
    #[case::a_server_of_which_no_client_is_there(15, &[(15, NONE), (17, NONE), (0, [17; 3])], Some((17, 1, [2; 3])))]
    #[case::with_its_clients_before_one_on_the_path(15, &[(15, NONE), (15, [15; 3])], Some((15, 1, [1; 3])))]
    #[case::each_in_a_place_of_its_own(16, &[(16, NONE), (0, [16, 0, 0]), (0, [0, 16, 0]), (0, [0, 0, 16])], Some((16, 0, [1, 2, 3])))]
    #[case::psql_beside_pg_restore(16, &[(16, NONE), (0, [0, 0, 16]), (0, [16, 16, 16])], Some((16, 0, [2; 3])))]
    #[case::one_program_is_missing(16, &[(16, [16, 16, 0])], None)]
    #[case::nothing(15, &[], None)]
    fn one_version_not_older_than_production(
        #[case] production: u32,
        #[case] there: &[(u32, [u32; 3])],
        #[case] expected: Option<(u32, usize, [usize; 3])>,
    ) {
        let expected = expected.map(|(major, server, clients)| Chosen {
            major,
            server,
            clients,
        });
        assert_eq!(choose(&places(there), production), expected);
    }

    #[test]
    fn what_is_missing_is_said_with_what_is_there() {
        let says = lacking(&places(&[(15, NONE), (0, NONE), (0, [16, 15, 0])]), 16);
        assert!(
            says.contains("of one version, 16 or newer; this machine has server 15 in /place/0; pg_dump 16, pg_restore 15 in /place/2; install")
                && says.contains("postgresql-16"),
            "{says}"
        );
    }
}
