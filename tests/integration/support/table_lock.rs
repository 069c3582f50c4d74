//! Another session that holds a lock, as the ALTER TABLE of a deployment does. Invariant: when the value is there the lock is held,
//! when it is gone the lock is gone.

use std::time::{Duration, Instant};

use drygate::postgres::throwaway::Cluster;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, NoTls};

use super::server::SUPERUSER;

/// How long the tries may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A lock on one relation, held until dropped.
pub struct TableLock {
    runtime: Runtime,
    client: Client,
}

impl TableLock {
    /// Takes the strongest lock that there is.
    #[track_caller]
    pub fn on(cluster: &Cluster, database: &str, table: &str) -> Self {
        let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        Self::by(cluster, database, &lock)
    }

    /// Takes the locks that a statement takes, which is rolled back.
    #[track_caller]
    pub fn by(cluster: &Cluster, database: &str, statement: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let client = runtime.block_on(async {
            let mut config = Config::new();
            config
                .host_path(cluster.socket_dir())
                .user(SUPERUSER)
                .dbname(database);
            let (client, link) = config.connect(NoTls).await.expect("a connection");
            tokio::spawn(link);
            let lock = format!("BEGIN; {statement}");
            client.batch_execute(&lock).await.expect("the lock");
            client
        });
        Self { runtime, client }
    }

    /// Lets go so long after a session was first seen to wait for a lock of this database, and says how long it was in truth.
    #[track_caller]
    pub fn hold(self, time: Duration) -> Duration {
        let asked = "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
             WHERE NOT l.granted AND d.datname = current_database()";
        let deadline = Instant::now() + PATIENCE;
        let is_met = || {
            let rows = self.runtime.block_on(self.client.query(asked, &[]));
            !rows.expect("a superuser may").is_empty()
        };
        while !is_met() {
            assert!(Instant::now() < deadline, "no session met the lock");
            std::thread::sleep(Duration::from_millis(20));
        }
        let met = Instant::now();
        std::thread::sleep(time);
        drop(self);
        met.elapsed()
    }
}

impl Drop for TableLock {
    fn drop(&mut self) {
        let ended = self.client.batch_execute("ROLLBACK");
        self.runtime.block_on(ended).expect("our own session");
    }
}
