//! A shop as production, and `drygate rehearse` on it. Invariant: what a change does is also found out here without the program, by
//! reading every table of a copy whole, before and after (`World::full_compare`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, ServerBinaries};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::server::{
    Answer, SUPERUSER, finish, own_cluster, place_of_clusters, planted_bug,
};

const SHOP: &str = include_str!("shop.sql");
pub const READER: &str = "shop_reader";
pub const OWNER: &str = "shop_owner";

static SHARED: Mutex<Weak<World>> = Mutex::new(Weak::new());
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Inserted, updated and deleted rows of a table.
pub type Counts = [u64; 3];

/// The server with the shop.
pub struct World {
    pub cluster: Arc<Cluster>,
    place: TempDir,
}

impl World {
    /// On a server of its own, which logs every statement and can be asked to connect elsewhere.
    pub fn new() -> Self {
        let world = Self::on(None);
        for database in ["shop", "shop_copy"] {
            let connects = "CREATE EXTENSION dblink SCHEMA public; CREATE EXTENSION postgres_fdw SCHEMA public";
            world.cluster.load(database, connects).expect("extensions");
        }
        world
    }

    /// On a server of its own, of these programs.
    pub fn on(binaries: Option<ServerBinaries>) -> Self {
        let cluster = own_cluster(&ClusterOptions {
            log_statement_all: true,
            binaries,
            ..ClusterOptions::default()
        });
        let roles = "CREATE ROLE shop_owner LOGIN; CREATE ROLE shop_reader LOGIN; CREATE ROLE shop_clerk; GRANT shop_clerk TO shop_owner";
        cluster.load(SUPERUSER, roles).expect("roles");
        for database in ["shop", "shop_copy"] {
            cluster.create_database(database).expect("a database");
            cluster.load(database, SHOP).expect("the shop");
        }
        let place = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(place.path().join("home")).expect("a home");
        fs::write(place.path().join("home/secret"), "s").expect("a file");
        Self { cluster, place }
    }

    /// The one that the tests of this moment share; none of them changes it.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = shared.upgrade() {
            return world;
        }
        let world = Arc::new(Self::new());
        *shared = Arc::downgrade(&world);
        world
    }

    pub fn sql(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let answer = self.cluster.query(SUPERUSER, "shop", sql);
        answer.expect("the statement runs")
    }

    /// Where its files are.
    pub fn place(&self) -> &Path {
        self.place.path()
    }

    pub fn home(&self) -> PathBuf {
        self.place.path().join("home")
    }

    /// A change in a file of its own.
    pub fn file(&self, script: &str) -> PathBuf {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = self.place.path().join(format!("change-{number}.sql"));
        fs::write(&path, script).expect("a file");
        path
    }

    /// The program, ready to be started.
    pub fn command(&self, script: &str, role: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .envs(place_of_clusters())
            .envs(planted_bug())
            .env("SSH_AUTH_SOCK", self.place.path().join("agent"))
            .args(["rehearse", "--json", "--role", role, "--database-url"])
            .arg(self.cluster.url(READER, "shop"))
            .arg("--data-dir")
            .arg(self.place.path().join("data"))
            .arg("--change")
            .arg(self.file(script))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(bin) = std::env::var_os("DRYGATE_PG_BIN") {
            command.env("DRYGATE_PG_BIN", bin);
        }
        command
    }

    /// Rehearses a script as the owner of the shop.
    pub fn rehearse(&self, script: &str) -> Answer {
        finish(self.command(script, OWNER).spawn().expect("the program"))
    }

    /// What the script does to each table of a copy, found by reading all rows before and after. A script that fails changes
    /// what it had committed.
    pub fn full_compare(&self, script: &str) -> BTreeMap<String, Counts> {
        let copy = format!("copy_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let make = format!("CREATE DATABASE {copy} TEMPLATE shop_copy");
        self.cluster.load(SUPERUSER, &make).expect("a copy");
        let before = self.contents(&copy);
        let ran = Command::new("psql")
            .args([
                "-X",
                "-q",
                "-1",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                OWNER,
                "-d",
                &copy,
                "-h",
            ])
            .arg(self.cluster.socket_dir())
            .arg("-f")
            .arg(self.file(script))
            .output();
        ran.expect("psql");
        let after = self.contents(&copy);
        self.cluster
            .load(SUPERUSER, &format!("DROP DATABASE {copy}"))
            .expect("dropped");
        let empty = Contents::default();
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let counts = names.into_iter().map(|name| {
            let was = before.get(name).unwrap_or(&empty);
            (
                name.clone(),
                compare(was, after.get(name).unwrap_or(&empty)),
            )
        });
        counts.filter(|(_, counts)| *counts != [0; 3]).collect()
    }

    /// By table, its rows by key. Rows without a key count by what they are.
    fn contents(&self, database: &str) -> BTreeMap<String, Contents> {
        let tables = "SELECT c.oid::text, n.nspname || '.' || c.relname, c.relkind::text, coalesce((SELECT string_agg(a.attname, ',')
             FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary), '')
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'shop' AND c.relkind IN ('r', 'p') AND NOT c.relispartition";
        let ask = |sql: &str| self.cluster.query(SUPERUSER, database, sql).expect("rows");
        let mut all = BTreeMap::new();
        for table in ask(tables) {
            let cell = |at: usize| table[at].clone().expect("a value");
            let only = if cell(2) == "p" { "" } else { "ONLY" };
            let rows = ask(&format!(
                "SELECT to_jsonb(t)::text FROM {only} {} t",
                cell(1)
            ));
            let key = cell(3);
            let mut contents = Contents::default();
            for row in rows {
                let text = row[0].clone().expect("a row");
                let mut value: serde_json::Map<String, Value> =
                    serde_json::from_str(&text).expect("JSON");
                // A column that is not there reads as NULL.
                value.retain(|_, value| !value.is_null());
                let of_key: Vec<String> = key
                    .split(',')
                    .filter_map(|name| value.get(name).map(ToString::to_string))
                    .collect();
                let whole = Value::Object(value).to_string();
                if key.is_empty() {
                    *contents.loose.entry(whole).or_default() += 1;
                } else {
                    contents.rows.insert(of_key.join(","), whole);
                }
            }
            contents.keyed = !key.is_empty();
            all.insert(cell(1), contents);
        }
        all
    }
}

#[derive(Default)]
struct Contents {
    keyed: bool,
    rows: BTreeMap<String, String>,
    loose: BTreeMap<String, i64>,
}

fn compare(was: &Contents, is: &Contents) -> Counts {
    let mut counts = [0; 3];
    if was.keyed || is.keyed {
        for (key, row) in &is.rows {
            match was.rows.get(key) {
                None => counts[0] += 1,
                Some(before) if before != row => counts[1] += 1,
                Some(_) => {}
            }
        }
        counts[2] = was
            .rows
            .keys()
            .filter(|key| !is.rows.contains_key(*key))
            .count() as u64;
        return counts;
    }
    let rows: BTreeSet<&String> = was.loose.keys().chain(is.loose.keys()).collect();
    for row in rows {
        let many = |side: &Contents| side.loose.get(row).copied().unwrap_or(0);
        let more = many(is) - many(was);
        counts[if more > 0 { 0 } else { 2 }] += more.unsigned_abs();
    }
    counts
}

/// The counts of a document, without tables of which no row changed.
pub fn counts(document: &Value) -> BTreeMap<String, Counts> {
    let tables = document["rehearsed"]["effect"]
        .as_array()
        .expect("an effect");
    let number = |table: &Value, name: &str| table[name]["value"].as_u64().expect("a number");
    let counts = tables.iter().map(|table| {
        let name = table["table"].as_str().expect("a name").to_owned();
        let counts = ["inserted", "updated", "deleted"].map(|name| number(table, name));
        (name, counts)
    });
    counts.filter(|(_, counts)| *counts != [0; 3]).collect()
}

/// A table of a document's effect.
#[track_caller]
pub fn table<'a>(document: &'a Value, name: &str) -> &'a Value {
    let tables = document["rehearsed"]["effect"]
        .as_array()
        .expect("an effect");
    let found = tables.iter().find(|table| table["table"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {tables:#?}"))
}

/// What a document says of a check.
#[track_caller]
pub fn check<'a>(document: &'a Value, name: &str) -> &'a Value {
    let checks = document["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {checks:#?}"))
}
