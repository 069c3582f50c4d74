//! Servers by version, surveys of them, and raw sessions without any wall. Invariant: what could not be checked is printed and counted.

use std::env;
use std::io::Write as _;
use std::path::Path;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario, ServerBinaries};
use drygate::postgres::{ConnectionSettings, LibpqEnvironment, LiveReadOnlyDiscoverer};
use drygate::profile::{Profile, built_in};
use drygate::runner::target::{
    Progress, Purpose, SurveyRequest, Taken, Target as _, TargetError, Witness, WitnessError,
};
use drygate::simulate::{Joiner, Piece, Unit, Want};
use drygate::survey::TransactionProof;

/// The versions that are supported.
pub const VERSIONS: [&str; 6] = ["13", "14", "15", "16", "17", "18"];
/// The demo's database.
pub const DATABASE: &str = "kb";
/// The role that surveys.
pub const READER: &str = "context_pack_readonly";

/// A full survey.
pub const FULL: SurveyRequest = SurveyRequest {
    purpose: Purpose::Survey,
    live_only: false,
    streams: true,
};

/// A server to test on.
pub struct Version {
    /// Its major version, or `local`.
    pub name: String,
    binaries: ServerBinaries,
}

/// Prints a line past the capture of the test harness, so that counts are seen in passing runs too.
pub fn say(line: &str) {
    // A closed stderr must not fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The servers of `DRYGATE_TEST_SERVERS`, else the one that is installed.
pub fn versions() -> Vec<Version> {
    let Some(cache) = env::var_os("DRYGATE_TEST_SERVERS") else {
        let binaries = ServerBinaries::find().expect("a PostgreSQL server");
        let name = "local".to_owned();
        return vec![Version { name, binaries }];
    };
    let mut found = Vec::new();
    for name in VERSIONS {
        let dir = Path::new(&cache).join(name).join("native/bin");
        match ServerBinaries::at(&dir) {
            Ok(binaries) => found.push(Version {
                name: name.to_owned(),
                binaries,
            }),
            Err(_) => say(&format!(
                "PostgreSQL {name}: NOT CHECKED, no server in the cache"
            )),
        }
    }
    assert!(!found.is_empty(), "no server at all");
    found
}

impl Version {
    /// A cluster of this version with the enacted scenario.
    pub fn cluster(&self) -> Cluster {
        let options = ClusterOptions {
            log_statement_all: true,
            settings: [
                ("wal_level", "logical"),
                ("max_prepared_transactions", "4"),
                ("track_commit_timestamp", "on"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            binaries: Some(self.binaries.clone()),
            ..ClusterOptions::default()
        };
        let cluster = Cluster::start(&options).expect("a throwaway cluster");
        cluster
            .load_scenario(DATABASE, Scenario::Enacted)
            .expect("the scenario loads");
        cluster
    }
}

/// `server_version_num`.
pub fn version_num(cluster: &Cluster) -> u32 {
    one(cluster, "SELECT current_setting('server_version_num')")
        .parse()
        .expect("a number")
}

/// The built-in profile.
pub fn profile() -> Profile {
    built_in("icx-const")
        .expect("the built-in profile parses")
        .0
}

/// The same with deadlines that a busy machine keeps.
pub fn patient_profile() -> Profile {
    let mut profile = profile();
    profile.timeouts.statement_ms = 300_000;
    profile
}

/// One value, asked as superuser.
pub fn one(cluster: &Cluster, sql: &str) -> String {
    let rows = cluster.query("postgres", DATABASE, sql).expect(sql);
    let cell = rows.into_iter().flatten().next().flatten();
    cell.unwrap_or_default()
}

/// Runs a script as superuser.
pub fn load(cluster: &Cluster, sql: &str) {
    cluster.load(DATABASE, sql).expect(sql);
}

/// Whether an extension could be made here; the scripts of the traps that need it run only then.
pub fn extension(cluster: &Cluster, version: &str, name: &str) -> bool {
    let made = cluster.load(DATABASE, &format!("CREATE EXTENSION IF NOT EXISTS {name}"));
    if made.is_err() {
        say(&format!(
            "PostgreSQL {version}: NOT CHECKED: what needs the extension {name}, which is not here"
        ));
    }
    made.is_ok()
}

/// Runs a future on a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// A discoverer for a connection text.
pub fn discoverer(url: &str, profile: Profile) -> LiveReadOnlyDiscoverer {
    let settings = ConnectionSettings::resolve(Some(url), &LibpqEnvironment::default())
        .expect("usable settings");
    LiveReadOnlyDiscoverer::new(settings, profile, "ictr-20260521T021523Z-8a941203")
}

/// A survey of `url`.
pub fn survey_url(
    url: &str,
    profile: Profile,
    ask: SurveyRequest,
) -> (Result<Taken, TargetError>, Memory) {
    let mut witness = Memory::default();
    let taken = block_on(discoverer(url, profile).take(ask, &mut witness));
    (taken, witness)
}

/// A survey as the reader, with its proof.
pub fn survey(cluster: &Cluster, profile: Profile) -> (Taken, TransactionProof) {
    survey_as(cluster, profile, FULL)
}

/// A survey as the reader that asks what it is told to.
pub fn survey_as(
    cluster: &Cluster,
    profile: Profile,
    ask: SurveyRequest,
) -> (Taken, TransactionProof) {
    let (taken, mut witness) = survey_url(&cluster.url(READER, DATABASE), profile, ask);
    let proof = witness.closed.pop().expect("a closed transaction");
    (taken.expect("a survey"), proof)
}

/// A witness that remembers, and merges the streams as the simulator does.
#[derive(Default)]
pub struct Memory {
    /// The proofs of what was closed.
    pub closed: Vec<TransactionProof>,
    joiner: Joiner,
}

impl Witness for Memory {
    fn opening(&mut self, _purpose: Purpose, _nonce: &str) -> Result<(), WitnessError> {
        Ok(())
    }

    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError> {
        self.closed.push(proof.clone());
        Ok(())
    }

    fn wants(&mut self) -> Want {
        while self.joiner.next_pairing().is_some() {}
        self.joiner.wants()
    }

    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError> {
        let added = self.joiner.add_pieces(batch);
        added.map_err(|error| WitnessError {
            message: error.to_string(),
        })
    }

    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError> {
        let added = self.joiner.add_units(batch);
        added.map_err(|error| WitnessError {
            message: error.to_string(),
        })
    }

    fn progress(&mut self, _progress: Progress) {}
}
