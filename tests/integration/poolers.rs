//! Behind a connection pooler: settings that are refused at startup, backends that other clients had before.
//! Invariant: PgBouncer itself where it is installed; where it is not, its part says NOT CHECKED.

use std::path::Path;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;
use tokio_postgres::NoTls;

use crate::support::ground::{Ground, text};
use crate::support::pooler::{PgBouncer, Pooler, pool};

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

/// Another client has done this, and is gone.
fn leave(bouncer: &PgBouncer, sql: &str) {
    let mut config = tokio_postgres::Config::new();
    config
        .host_path(bouncer.place())
        .port(PgBouncer::PORT)
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
        let users = format!("\"{READER}\" \"\"\n");
        let settings = format!("auth_type = trust\npool_mode = {mode}\n");
        let Some(bouncer) = PgBouncer::start(&ground.cluster, &settings, &users) else {
            return;
        };
        leave(&bouncer, LEFT);
        let ended = run_through(&ground, bouncer.place(), PgBouncer::PORT);
        assert_eq!(
            ended["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS",
            "{mode}: {ended}"
        );
    }
}
