//! PostgreSQL 13 to 18 as production, and every set of programs that this machine has as its shadow: all of `DRYGATE_TEST_SERVERS`
//! where that is set (`make test-versions`), else what is installed.
//! Invariant: the effect is that of a full compare, or it is NOT CHECKED with its reason; it is never another one.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use drygate::postgres::throwaway::ServerBinaries;
use serde_json::Value;

use super::world::{OWNER, World, check, counts};
use crate::support::server::finish;

/// A trigger with its sequence, a move between partitions, an identity, an index, a column with a default, a type.
const CHANGE: &str = "UPDATE shop.orders SET region = 'EU' WHERE id <= 7;
UPDATE shop.measure SET day = '2026-07-07' WHERE day < '2026-01-01' AND id <= 3;
INSERT INTO shop.customer (name, mail) VALUES ('new', 'new@example.org');
CREATE INDEX orders_region ON shop.orders (region);
ALTER TABLE shop.spare ADD COLUMN note text NOT NULL DEFAULT 'x';
ALTER TYPE shop.status RENAME VALUE 'open' TO 'fresh';
";

/// The `bin` directories that hold a server, a few levels below `place`.
fn servers_below(place: &Path, levels: u32) -> Vec<PathBuf> {
    if ServerBinaries::at(&place.join("bin")).is_ok() {
        return vec![place.join("bin")];
    }
    if levels == 0 {
        return Vec::new();
    }
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let below = entries.map(|entry| entry.path());
    let below = below.filter(|path| path.is_dir());
    below
        .flat_map(|path| servers_below(&path, levels - 1))
        .collect()
}

fn installed() -> Vec<PathBuf> {
    let all = ServerBinaries::all().expect("a server");
    all.iter().map(|it| it.dir().to_path_buf()).collect()
}

/// Every `bin` directory with a server.
fn all() -> Vec<PathBuf> {
    let mut found = installed();
    if let Some(cache) = env::var_os("DRYGATE_TEST_SERVERS") {
        found.extend(servers_below(Path::new(&cache), 3));
    }
    found.sort();
    found
}

fn version(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let number = said
        .split("(PostgreSQL) ")
        .nth(1)?
        .split(['.', ' '])
        .next()?;
    number.parse().ok()
}

fn said<'a>(document: &'a Value, name: &str) -> &'a str {
    check(document, name)["says"].as_str().expect("a sentence")
}

/// The programs of a server of each major version that is here, and a path with all clients that are here.
pub fn majors() -> (BTreeMap<u32, PathBuf>, OsString) {
    let programs = all();
    let mut majors = BTreeMap::new();
    for bin in &programs {
        if let Some(major) = version(&bin.join("postgres")) {
            majors.entry(major).or_insert_with(|| bin.clone());
        }
    }
    let with_clients = programs
        .into_iter()
        .filter(|bin| bin.join("pg_dump").is_file());
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(with_clients.chain(env::split_paths(&path)));
    (majors, path.expect("a path"))
}

#[test]
fn on_every_version_the_effect_is_that_of_a_full_compare_or_not_checked() {
    let programs = all();
    let (with_clients, without): (Vec<&PathBuf>, Vec<&PathBuf>) = programs
        .iter()
        .partition(|bin| bin.join("pg_dump").is_file());
    assert!(!with_clients.is_empty(), "no pg_dump at all");
    let dumps: Vec<u32> = with_clients
        .iter()
        .filter_map(|bin| version(&bin.join("pg_dump")))
        .collect();
    // A server without clients takes those that lie elsewhere.
    let (majors, path) = majors();
    for (production, bin) in majors {
        let world = World::on(Some(ServerBinaries::at(&bin).expect("a server")));
        let expected = world.full_compare(CHANGE);
        assert_eq!(expected["shop.order_log"], [7, 0, 0]);
        let alone = without.iter();
        let alone = alone.filter(|bin| version(&bin.join("postgres")) == Some(production));
        for shadow in with_clients.iter().chain(alone) {
            let here = version(&shadow.join("postgres")).expect("a version");
            let mut command = world.command(CHANGE, OWNER);
            command.env("DRYGATE_PG_BIN", shadow).env("PATH", &path);
            let answer = finish(command.spawn().expect("the program"));
            let pair = format!("production {production}, shadow {}", shadow.display());
            let found = answer.json();
            if here < production || !dumps.contains(&here) {
                assert_eq!(answer.code, 11, "{pair}: {answer:?}");
                let says = said(&found, "programs");
                assert!(
                    says.contains(&format!("of one version, {production} or newer"))
                        && says.contains(&format!("server {here}")),
                    "{pair}: {says}"
                );
                assert_eq!(found["rehearsed"], Value::Null, "{pair}");
                continue;
            }
            assert_eq!(answer.code, 0, "{pair}: {answer:?}");
            assert_eq!(counts(&found), expected, "{pair}\n{found:#}");
            assert!(
                said(&found, "programs").contains(&format!("the shadow {here} in")),
                "{pair}"
            );
            // Another major version is said; the schema differs by what the change did.
            let differs = found["rehearsed"]["differences"].to_string();
            assert!(
                here == production || differs.contains("in production"),
                "{pair}: {differs}"
            );
            let schema = found["rehearsed"]["schema_changes"].to_string();
            for line in found["rehearsed"]["schema_changes"]
                .as_array()
                .expect("lines")
            {
                let line = line.as_str().expect("text");
                if line.starts_with(' ') {
                    continue;
                }
                let ours = [
                    "orders_region",
                    "note text",
                    "name text NOT NULL",
                    "'fresh'",
                    "'open'",
                ];
                assert!(
                    ours.iter().any(|part| line.contains(part)),
                    "{pair}: {line}\n{schema}"
                );
            }
            assert!(schema.contains("orders_region"), "{pair}: {schema}");
        }
    }
}
