//! What a superuser sees of effects. Invariant: nothing of it is asked of the program under test.

use std::collections::BTreeMap;
use std::fs;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use drygate::postgres::throwaway::Cluster;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use super::support::{DATABASE, READER, load, one};

/// Every effect by name; the values are compared, not read.
pub type Observation = BTreeMap<&'static str, String>;

/// A listener, a bystander session of the reader and a replication slot, there before anything hostile.
pub struct Observer {
    listener: Client,
    bystander: Client,
    heard: Arc<Mutex<Vec<String>>>,
    pid: String,
}

const WATCHED: [(&str, &str); 9] = [
    (
        "rows",
        "SELECT string_agg(t::text, ',' ORDER BY t::text) FROM public.victim AS t",
    ),
    (
        "transaction ids",
        "SELECT pg_snapshot_xmax(pg_current_snapshot())::text",
    ),
    (
        "WAL changes and messages",
        "SELECT count(*)::text FROM pg_logical_slot_peek_changes('watch', NULL, NULL, 'skip-empty-xacts', '1')",
    ),
    (
        "slots",
        "SELECT string_agg(slot_name, ',' ORDER BY slot_name) FROM pg_replication_slots",
    ),
    (
        "large objects",
        "SELECT count(*)::text FROM pg_largeobject_metadata",
    ),
    (
        "prepared transactions",
        "SELECT count(*)::text FROM pg_prepared_xacts",
    ),
    (
        "advisory locks",
        "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'",
    ),
    (
        "sequence",
        "SELECT last_value::text || is_called::text FROM public.s",
    ),
    (
        "relations and functions",
        "SELECT (SELECT count(*) FROM pg_class)::text || '/' || (SELECT count(*) FROM pg_proc)",
    ),
];

impl Observer {
    /// Starts to watch.
    pub async fn start(cluster: &Cluster) -> Self {
        one(
            cluster,
            "SELECT slot_name FROM pg_create_logical_replication_slot('watch', 'test_decoding')",
        );
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = connect(cluster, "postgres", Arc::clone(&heard)).await;
        listener
            .batch_execute("LISTEN hostile")
            .await
            .expect("it listens");
        let bystander = connect(cluster, READER, Arc::default()).await;
        let row = bystander.query_one("SELECT pg_backend_pid()", &[]).await;
        let pid: i32 = row.expect("a pid").get(0);
        Self {
            listener,
            bystander,
            heard,
            pid: pid.to_string(),
        }
    }

    /// The process id of the bystander, which hostile SQL may try to end.
    pub fn bystander(&self) -> &str {
        &self.pid
    }

    /// Holds an advisory lock, which no script could: it ends with its session.
    pub async fn lock(&self) {
        let locked = self.listener.batch_execute("SELECT pg_advisory_lock(77)");
        locked.await.expect("it locks");
    }

    /// Everything as it is now.
    pub async fn look(&self, cluster: &Cluster) -> Observation {
        // WAL that is not flushed is not decoded.
        load(cluster, "CHECKPOINT");
        let mut seen: Observation = WATCHED.map(|(name, sql)| (name, one(cluster, sql))).into();
        // A round trip of the listener brings what was sent to it before.
        self.listener
            .batch_execute("SELECT 1")
            .await
            .expect("the listener lives");
        let heard = self
            .heard
            .lock()
            .expect("nobody panicked with it")
            .join(",");
        seen.insert("notifications", heard);
        let lives = self.bystander.batch_execute("SELECT 1").await.is_ok();
        seen.insert("bystander", lives.to_string());
        let dir = cluster.socket_dir();
        seen.insert("stolen file", dir.join("stolen").exists().to_string());
        let auto = fs::read_to_string(dir.join("data/postgresql.auto.conf")).unwrap_or_default();
        seen.insert("configuration", auto);
        seen
    }
}

async fn connect(cluster: &Cluster, user: &str, heard: Arc<Mutex<Vec<String>>>) -> Client {
    let mut config = Config::new();
    config
        .host_path(cluster.socket_dir())
        .user(user)
        .dbname(DATABASE);
    let (client, mut link) = config.connect(NoTls).await.expect("a connection");
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| link.poll_message(cx)).await {
            if let AsyncMessage::Notification(note) = message {
                let mut heard = heard.lock().expect("nobody panicked with it");
                heard.push(note.payload().to_owned());
            }
        }
    });
    client
}

/// One effect of each kind, so that an observer that sees nothing is known to have been looking.
pub const EFFECTS: [(&str, &str); 12] = [
    ("rows", "INSERT INTO public.victim VALUES (5)"),
    ("transaction ids", "SELECT pg_current_xact_id()"),
    (
        "WAL changes and messages",
        "SELECT pg_logical_emit_message(false, 'a', 'b')",
    ),
    (
        "slots",
        "SELECT pg_create_physical_replication_slot('stolen')",
    ),
    ("large objects", "SELECT lo_create(0)"),
    (
        "prepared transactions",
        "BEGIN; CREATE TABLE public.p (); PREPARE TRANSACTION 'stolen'",
    ),
    ("sequence", "SELECT nextval('public.s')"),
    ("relations and functions", "CREATE TABLE public.stolen ()"),
    ("notifications", "NOTIFY hostile, 'control'"),
    ("stolen file", "COPY public.victim TO '@DIR@/stolen'"),
    ("configuration", "ALTER SYSTEM SET work_mem = '5MB'"),
    (
        "bystander",
        "SELECT pg_terminate_backend(@PID@), pg_sleep(0)",
    ),
];
