//! A server with a scenario and with as much beside it as is asked for.

use std::fs;

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario};
use drygate::profile::built_in;
use drygate::repo::throwaway::DemoRepository;
use tempfile::TempDir;

const DATABASE: &str = "kb";
const READER: &str = "context_pack_readonly";

const PIECES: &str =
    "SELECT p.key, p.content FROM public.bench_piece p ORDER BY p.key COLLATE \"C\"";
const UNITS: &str =
    "SELECT u.key, u.content, u.state FROM public.bench_unit u ORDER BY u.key COLLATE \"C\"";

/// Privileges of one table: seven for twenty roles and for its owner.
const GRANTS_OF_TABLE: u64 = 147;
const ROLES: usize = 20;

/// A server with the scenario, and a repository.
pub struct Server {
    cluster: Cluster,
    place: TempDir,
}

impl Server {
    pub fn start() -> Self {
        let cluster = Cluster::start(&ClusterOptions::default()).expect("a server is installed");
        cluster
            .load_scenario(DATABASE, Scenario::Enacted)
            .expect("it loads");
        let place = tempfile::tempdir().expect("a folder");
        DemoRepository::create(&place.path().join("repository")).expect("git");
        Self { cluster, place }
    }

    /// Where the program finds it.
    pub fn url(&self) -> String {
        self.cluster.url(READER, DATABASE)
    }

    /// The repository of the run.
    pub fn repository(&self) -> String {
        self.place.path().join("repository").display().to_string()
    }

    /// So many pieces and units; gives the profile that reads them.
    pub fn with_units(&self, units: u64) -> String {
        let text = "repeat('Every unit has a text of about this length. ', 2) || n";
        self.load(&format!(
            "CREATE TABLE public.bench_piece AS SELECT to_char(n, 'FM00000000') AS key, {text} AS content FROM generate_series(1, {units}) n;
             CREATE TABLE public.bench_unit AS SELECT key, content, 'enacted'::text AS state FROM public.bench_piece;
             CREATE INDEX ON public.bench_piece (key COLLATE \"C\"); CREATE INDEX ON public.bench_unit (key COLLATE \"C\");
             GRANT SELECT ON public.bench_piece, public.bench_unit TO {READER}"
        ));
        let (_, text) = built_in("icx-const").expect("the built-in profile");
        let (before, rest) = text.split_once("[pieces]").expect("pieces");
        let (_, after) = rest.split_once("[lifecycle]").expect("a lifecycle");
        self.profile(&format!(
            "{before}[pieces]\nsql = '''{PIECES}'''\n[candidates]\nsql = '''{UNITS}'''\n[timeouts]\nstatement_ms = 3600000\n[lifecycle]{after}"
        ))
    }

    /// About so many lines of the grant matrix; gives the profile that reads it.
    pub fn with_grants(&self, lines: u64) -> String {
        self.load("CREATE SCHEMA matrix");
        let roles: Vec<String> = (0..ROLES).map(|nth| format!("bench_{nth}")).collect();
        for role in &roles {
            self.load(&format!("CREATE ROLE {role}"));
        }
        let grantees = roles.join(", ");
        let tables = lines.div_ceil(GRANTS_OF_TABLE);
        for from in (0..tables).step_by(500) {
            let to = (from + 500).min(tables) - 1;
            self.load(&format!(
                "DO $$ BEGIN FOR n IN {from}..{to} LOOP
                   EXECUTE format('CREATE TABLE matrix.bench_%s (id integer)', n);
                   EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON matrix.bench_%s TO {grantees}', n);
                 END LOOP; END $$"
            ));
        }
        let (_, text) = built_in("icx-const").expect("the built-in profile");
        self.profile(&text.replacen(
            "schemas = [\"public\"]",
            "schemas = [\"public\", \"matrix\"]",
            1,
        ))
    }

    fn load(&self, sql: &str) {
        self.cluster.load(DATABASE, sql).expect("a superuser may");
    }

    fn profile(&self, text: &str) -> String {
        self.load("VACUUM ANALYZE");
        let path = self.place.path().join("bench.toml");
        fs::write(&path, text).expect("a profile");
        path.display().to_string()
    }
}
