//! Behind a connection pooler: settings that are refused at startup, backends that other clients had before.
//! Invariant: PgBouncer itself where it is installed; where it is not, its part says NOT CHECKED.

use std::fs;
use std::io::{Write as _, stderr};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use drygate::postgres::throwaway::{Cluster, Scenario};
use serde_json::Value;
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::support::ground::{Ground, text};
use crate::support::pooler::{Pooler, pool};

const READER: &str = "context_pack_readonly";

/// A run through a pooler that listens in `host`, both approvals, and what it came to.
fn run_through(ground: &Ground, host: &Path, port: u16) -> Value {
    let url = format!(
        "postgresql:///kb?host={}&port={port}&user={READER}",
        host.display()
    );
    let repository = ground.repository.path().display().to_string();
    let home = ground.home();
    let run = [
        "run",
        "--headless",
        "--json",
        "--database-url",
        &url,
        "--repo",
        &repository,
    ];
    let mut said = home.script(&run);
    for gate in ["SG1", "SG2"] {
        assert_eq!(said.code, 3, "{gate}: {}", said.text);
        let (run, digest) = (text(&said.json["run_id"]), text(&said.json["evidence"]));
        said = home.approve(&run, gate, &digest);
    }
    let verified = home.script(&["verify", &text(&said.json["run_id"])]);
    assert_eq!(verified.code, 0, "{}", verified.text);
    said.json
}

/// What a client leaves behind in a backend that a pooler in transaction mode then gives to another one.
const LEFT: &str =
    "SELECT pg_advisory_lock(7); LISTEN somebody; SET search_path = public; SET row_security = on";

/// PgBouncer with its default settings, until dropped.
struct PgBouncer {
    process: Child,
    place: TempDir,
}

impl PgBouncer {
    const PORT: u16 = 6432;

    /// `None`: it is not installed.
    fn start(cluster: &Cluster, mode: &str) -> Option<Self> {
        let mut places = [
            "/usr/sbin/pgbouncer",
            "/usr/bin/pgbouncer",
            "/usr/local/bin/pgbouncer",
        ]
        .into_iter();
        let program = places.find(|place| Path::new(place).exists())?;
        // It refuses to run as root.
        let owner = fs::metadata(cluster.socket_dir()).expect("the server has one");
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().display();
        let server = cluster.socket_dir().display();
        let settings = format!(
            "[databases]\n* = host={server}\n[pgbouncer]\nlisten_port = {}\nunix_socket_dir = {path}\n\
             auth_type = trust\nauth_file = {path}/users\npool_mode = {mode}\n",
            Self::PORT
        );
        for (name, content) in [("ini", settings), ("users", format!("\"{READER}\" \"\"\n"))] {
            fs::write(place.path().join(name), content).expect("a new file");
        }
        chown(place.path(), Some(owner.uid()), Some(owner.gid())).expect("the tests may");
        let process = Command::new(program)
            .args(["-q", "ini"])
            .current_dir(place.path())
            .uid(owner.uid())
            .gid(owner.gid())
            .spawn();
        let mut bouncer = Self {
            process: process.expect("it starts"),
            place,
        };
        let socket = bouncer
            .place
            .path()
            .join(format!(".s.PGSQL.{}", Self::PORT));
        // Its file is there before it listens.
        while UnixStream::connect(&socket).is_err() {
            let ended = bouncer.process.try_wait().expect("it is ours");
            assert_eq!(ended, None, "PgBouncer ended");
            thread::sleep(Duration::from_millis(20));
        }
        Some(bouncer)
    }

    /// Another client has done this, and is gone.
    fn left(&self, sql: &str) {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(self.place.path())
            .port(Self::PORT)
            .user(READER)
            .dbname("kb");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let (client, connection) = config.connect(NoTls).await.expect("a connection");
            let driven = tokio::spawn(connection);
            client.simple_query(sql).await.expect("anybody may");
            drop(client);
            driven.await.expect("no panic").expect("a quiet end");
        });
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // Nothing is done about one that is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn settings_that_a_pooler_refuses_at_startup_are_set_in_each_transaction() {
    let ground = Ground::new(Scenario::Draft);
    let host = tempfile::tempdir().expect("a directory");
    pool(&ground.cluster, host.path(), Pooler::RefusesOptions);
    let ended = run_through(&ground, host.path(), 5432);
    assert_eq!(
        ended["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS",
        "{ended}"
    );
}

#[test]
fn both_modes_of_pgbouncer_come_to_pass_on_backends_that_others_had() {
    for mode in ["session", "transaction"] {
        let ground = Ground::new(Scenario::Draft);
        let Some(bouncer) = PgBouncer::start(&ground.cluster, mode) else {
            let _ = writeln!(stderr(), "NOT CHECKED: PgBouncer is not installed");
            return;
        };
        bouncer.left(LEFT);
        let ended = run_through(&ground, bouncer.place.path(), PgBouncer::PORT);
        assert_eq!(
            ended["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS",
            "{mode}: {ended}"
        );
    }
}
