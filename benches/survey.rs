//! A survey of 10,000 tables and 20 roles against the same SQL in psql. Invariant: both ask the same server for the same statements, by turns.
//!
//! `cargo bench --bench survey -- 500` asks fewer tables. It fails where the median of the survey is over 1.5 times that of psql.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario, ServerBinaries};
use drygate::postgres::{ConnectionSettings, Environment, LiveReadOnlyDiscoverer};
use drygate::profile::built_in;
use drygate::runner::target::{Ask, Progress, Purpose, Target as _, Witness, WitnessError};
use drygate::simulate::{Joiner, Piece, Unit, Want};
use drygate::survey::TransactionProof;

const DATABASE: &str = "kb";
const READER: &str = "context_pack_readonly";
const ROLES: usize = 20;
const ROUNDS: usize = 7;
const LIMIT: f64 = 1.5;

/// A witness that remembers the proof.
#[derive(Default)]
struct Memory {
    closed: Vec<TransactionProof>,
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

/// Tables with grants to twenty roles.
fn fill(cluster: &Cluster, tables: usize) {
    let roles: Vec<String> = (0..ROLES).map(|nth| format!("bench_{nth}")).collect();
    for role in &roles {
        cluster
            .load(DATABASE, &format!("CREATE ROLE {role}"))
            .expect("a role");
    }
    let grantees = roles.join(", ");
    for from in (0..tables).step_by(500) {
        let to = (from + 500).min(tables);
        let sql = format!(
            "DO $$ BEGIN FOR n IN {from}..{} LOOP
               EXECUTE format('CREATE TABLE public.bench_%s (id integer PRIMARY KEY, note text)', n);
               EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.bench_%s TO {grantees}', n);
             END LOOP; END $$",
            to - 1
        );
        cluster.load(DATABASE, &sql).expect("tables");
    }
    cluster.load(DATABASE, "VACUUM ANALYZE").expect("analysed");
}

fn survey(cluster: &Cluster) -> (Duration, TransactionProof) {
    let url = cluster.url(READER, DATABASE);
    let settings =
        ConnectionSettings::resolve(Some(&url), &Environment::default()).expect("settings");
    let (profile, _) = built_in("icx-const").expect("the built-in profile");
    let mut discoverer = LiveReadOnlyDiscoverer::new(settings, profile, "bench");
    let mut witness = Memory::default();
    let ask = Ask {
        purpose: Purpose::Survey,
        live_only: false,
        streams: true,
        validate: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let began = Instant::now();
    let taken = runtime
        .block_on(discoverer.take(ask, &mut witness))
        .expect("a survey");
    let took = began.elapsed();
    assert_eq!(taken.survey.role.unanswered, Vec::<String>::new());
    assert_eq!(witness.closed.len(), 1, "one transaction");
    let proof = witness.closed.remove(0);
    assert_eq!(proof.stains(), Vec::<String>::new());
    (took, proof)
}

/// What the server says in its log that it executed for one survey, as a script for psql: as often, in the same order, with the same parameters.
fn script(log: &str) -> (String, usize) {
    let entries: Vec<&str> = log.split("LOG:  execute ").skip(1).collect();
    let statements = entries.iter().filter_map(|entry| {
        let (_, text) = entry.split_once(": ")?;
        let continued = |(nth, line): &(usize, &str)| *nth == 0 || line.starts_with('\t');
        let lines: Vec<&str> = text
            .lines()
            .enumerate()
            .take_while(continued)
            .map(|(_, line)| line)
            .collect();
        Some(with_parameters(lines.join("\n"), entry))
    });
    let statements: Vec<String> = statements.map(|sql| format!("{sql}\n;\n")).collect();
    (statements.concat(), entries.len())
}

/// Puts the logged parameters into their places.
fn with_parameters(sql: String, entry: &str) -> String {
    let Some((_, logged)) = entry.split_once("DETAIL:  parameters: ") else {
        return sql;
    };
    let line = logged.lines().next().unwrap_or_default();
    let pairs = line.split(", ").filter_map(|pair| pair.split_once(" = "));
    pairs.fold(sql, |sql, (name, value)| sql.replace(name, value))
}

fn psql(program: &Path, cluster: &Cluster, script: &Path) -> Duration {
    let began = Instant::now();
    let output = Command::new(program)
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-d",
            DATABASE,
            "-U",
            READER,
            "-o",
            "/dev/null",
        ])
        .arg("-h")
        .arg(cluster.socket_dir())
        .arg("-f")
        .arg(script)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .expect("psql runs");
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    // The role may not read the control file: the survey is told so too.
    let failed = said
        .lines()
        .filter(|line| line.contains("ERROR:") && !line.contains("pg_control"));
    assert_eq!(failed.collect::<Vec<_>>(), Vec::<&str>::new());
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn say(line: &str) {
    // A closed stdout must not fail a measure.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn main() -> ExitCode {
    let tables = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let tables: usize = tables.unwrap_or(10_000);
    let binaries = ServerBinaries::find().expect("a PostgreSQL server");
    let program: PathBuf = binaries.dir().join("psql");
    let cluster = Cluster::start(&ClusterOptions {
        settings: vec![("shared_buffers".to_owned(), "256MB".to_owned())],
        ..ClusterOptions::default()
    })
    .expect("a throwaway cluster");
    cluster
        .load_scenario(DATABASE, Scenario::Enacted)
        .expect("the scenario loads");
    fill(&cluster, tables);
    if !program.is_file() {
        say("survey of many tables: NOT CHECKED, there is no psql beside the server");
        return ExitCode::SUCCESS;
    }

    let logged = fs::read_to_string(cluster.log_path()).expect("a log").len();
    cluster
        .load(
            DATABASE,
            &format!("ALTER ROLE {READER} SET log_statement = 'all'"),
        )
        .expect("it logs");
    let (_, proof) = survey(&cluster);
    cluster
        .load(
            DATABASE,
            &format!("ALTER ROLE {READER} RESET log_statement"),
        )
        .expect("it logs no more");
    let log = fs::read_to_string(cluster.log_path()).expect("a log");
    let (sql, statements) = script(&log[logged..]);
    let file = std::env::temp_dir().join(format!("drygate-bench-{}.sql", std::process::id()));
    fs::write(&file, sql).expect("a script");

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(survey(&cluster).0);
        theirs.push(psql(&program, &cluster, &file));
    }
    fs::remove_file(&file).expect("it is ours");
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    say(&format!(
        "survey of {tables} tables with {ROLES} roles, role survey included, one transaction, {statements} executed statements, {} rows: \
         {} ms, the same SQL in psql {} ms, ratio {ratio:.2} (median of {ROUNDS}, limit {LIMIT})",
        proof.footprint.rows,
        ours.as_millis(),
        theirs.as_millis(),
    ));
    if ratio < LIMIT {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
