//! A server with a scenario, and what a measure puts beside it.

use std::fs;
use std::process::Command;
use std::time::Instant;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario, ServerBinaries};
use drygate::repo::throwaway::DemoRepository;
use tempfile::TempDir;

const DATABASE: &str = "kb";

/// A server with the scenario, and a repository.
pub struct Server {
    cluster: Cluster,
    place: TempDir,
}

impl Server {
    pub const READER: &str = "context_pack_readonly";

    pub fn start() -> Self {
        // A survey of very many tables locks each of them.
        let settings = [
            ("shared_buffers", "512MB"),
            ("max_wal_size", "8GB"),
            ("max_locks_per_transaction", "4096"),
        ];
        let options = ClusterOptions {
            settings: settings
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ..ClusterOptions::default()
        };
        let cluster = Cluster::start(&options).expect("a server is installed");
        cluster
            .load_scenario(DATABASE, Scenario::Enacted)
            .expect("it loads");
        let place = tempfile::tempdir().expect("a folder");
        DemoRepository::create(&place.path().join("repository")).expect("git");
        Self { cluster, place }
    }

    /// Where the program finds it.
    pub fn url(&self) -> String {
        self.cluster.url(Self::READER, DATABASE)
    }

    /// The repository of the run.
    pub fn repository(&self) -> String {
        self.place.path().join("repository").display().to_string()
    }

    /// Runs SQL as a superuser.
    pub fn load(&self, sql: &str) {
        self.cluster.load(DATABASE, sql).expect("a superuser may");
    }

    /// Writes a profile; gives its path.
    pub fn profile(&self, text: &str) -> String {
        let path = self.place.path().join("bench.toml");
        fs::write(&path, text).expect("a profile");
        path.display().to_string()
    }

    /// Seconds that `psql` takes to copy the rows of these queries to a file; `None`: there is no `psql`.
    pub fn copy(&self, queries: [&str; 2]) -> Option<f64> {
        let program = ServerBinaries::find().ok()?.psql()?;
        let began = Instant::now();
        for sql in queries {
            let done = Command::new(&program)
                .args(["-X", "-q", "-d", DATABASE, "-U", Self::READER, "-h"])
                .arg(self.cluster.socket_dir())
                .args(["-c", &format!("COPY ({sql}) TO STDOUT"), "-o"])
                .arg(self.place.path().join("copied"))
                .status();
            assert!(done.expect("psql runs").success());
        }
        Some(began.elapsed().as_secs_f64())
    }
}
