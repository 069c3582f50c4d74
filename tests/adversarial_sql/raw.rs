//! Transactions of a plain client with none of the walls, measured with the program's own SQL. Invariant: the raw values become the same `TransactionProof`.

use drygate::postgres::throwaway::Cluster;
use drygate::survey::{Footprint, Residue, TransactionProof};
use tokio_postgres::{Client, Config, NoTls};

use super::support::{DATABASE, READER};

const OPENING: &str = include_str!("../../assets/sql/opening.sql");
const IDENTITY: &str = include_str!("../../assets/sql/identity.sql");
const CLOSING: &str = include_str!("../../assets/sql/closing.sql");
const LOCKS: &str = include_str!("../../assets/sql/locks.sql");
const RESIDUE: &str = include_str!("../../assets/sql/residue.sql");
const NONCE: &str = "5eed";

/// How a survey should begin.
pub const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// One transaction.
#[derive(Clone, Copy)]
pub struct Deed {
    /// Who does it.
    pub user: &'static str,
    /// Before BEGIN.
    pub before: &'static str,
    /// The BEGIN.
    pub begin: &'static str,
    /// Between the first and the last question.
    pub inside: &'static str,
    /// The end.
    pub end: &'static str,
}

impl Deed {
    /// The reader's transaction as it should be.
    pub const CLEAN: Self = Self {
        user: READER,
        before: "",
        begin: BEGIN,
        inside: "",
        end: "ROLLBACK",
    };
}

/// A connection without the startup settings of the program.
pub async fn connect(cluster: &Cluster, user: &str) -> Client {
    let mut config = Config::new();
    config
        .host_path(cluster.socket_dir())
        .user(user)
        .dbname(DATABASE);
    let (client, link) = config.connect(NoTls).await.expect("a connection");
    tokio::spawn(link);
    client
}

/// Does it, and measures it as a survey's transaction is measured.
pub async fn measure(cluster: &Cluster, deed: Deed) -> TransactionProof {
    let client = connect(cluster, deed.user).await;
    run(&client, deed.before).await;
    run(&client, deed.begin).await;
    client
        .query(OPENING, &[&NONCE, &"15000", &"500"])
        .await
        .expect("opened");
    let opened = cells(&client, IDENTITY).await;
    run(&client, deed.inside).await;
    let closed = cells(&client, CLOSING).await;
    let locks = client.query(LOCKS, &[]).await.expect("locks");
    run(&client, deed.end).await;
    run(&client, BEGIN).await;
    let residue = cells(&client, RESIDUE).await;
    run(&client, "ROLLBACK").await;
    proof(&opened, &closed, &locks, &residue)
}

/// Runs a script that must work.
pub async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.expect(sql);
}

async fn cells(client: &Client, sql: &str) -> Vec<Option<String>> {
    let row = client.query_one(sql, &[]).await.expect("one row");
    (0..row.len()).map(|at| row.get(at)).collect()
}

fn proof(
    opened: &[Option<String>],
    closed: &[Option<String>],
    locks: &[tokio_postgres::Row],
    residue: &[Option<String>],
) -> TransactionProof {
    let text = |cells: &[Option<String>], at: usize| cells[at].clone().unwrap_or_default();
    let count = |at: usize| text(residue, at).parse().expect("a count");
    let kept = text(residue, 5) == text(closed, 0);
    TransactionProof {
        nonce: NONCE.to_owned(),
        nonce_at_end: text(closed, 0),
        virtual_xid: text(opened, 0),
        virtual_xid_at_end: text(closed, 1),
        server_time: text(opened, 1),
        server_time_at_end: text(closed, 2),
        snapshot: text(opened, 2),
        read_only: Some(text(closed, 3) == "on"),
        isolation: text(closed, 4),
        search_path: text(closed, 5),
        row_security: text(closed, 6),
        xid_assigned: closed[7].clone(),
        rows_written: Some(text(closed, 8).parse().expect("a count")),
        locks: locks
            .iter()
            .map(|row| format!("{} x{}", row.get::<_, String>(0), row.get::<_, String>(1)))
            .collect(),
        carried: None,
        residue: Some(Residue {
            advisory_locks: count(0),
            listening_channels: count(1),
            temp_schema: text(residue, 2) == "true",
            prepared_transactions: count(3),
        }),
        backend_wal_bytes: None,
        ended_by: if kept { "COMMIT" } else { "ROLLBACK" }.to_owned(),
        backend_pid: Some(text(residue, 4).parse().expect("a pid")),
        footprint: Footprint::default(),
        unmeasured: Vec::new(),
        changed_while_read: Vec::new(),
    }
}
