//! Another session that holds a lock, as the ALTER TABLE of a deployment does. Invariant: when the value is there the lock is held,
//! when it is gone the lock is gone.

use std::collections::BTreeSet;
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
            let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
            client.batch_execute(&lock).await.expect("the lock");
            client
        });
        Self { runtime, client }
    }

    /// Lets go once so many sessions have waited for a lock of this database and given up.
    #[track_caller]
    pub fn let_go_after(self, tries: usize) {
        let asked = "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
             WHERE NOT l.granted AND d.datname = current_database()";
        let mut seen = BTreeSet::new();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let rows = self.runtime.block_on(self.client.query(asked, &[]));
            let rows = rows.expect("a superuser may");
            let waiting: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
            seen.extend(waiting.iter().copied());
            // Where this machine stood still, a try may have gone unseen.
            if seen.len() > tries || (seen.len() == tries && waiting.is_empty()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{} sessions met the lock", seen.len());
    }
}

impl Drop for TableLock {
    fn drop(&mut self) {
        let ended = self.client.batch_execute("ROLLBACK");
        self.runtime.block_on(ended).expect("our own session");
    }
}
