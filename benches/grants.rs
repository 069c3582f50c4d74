//! A grant matrix of 337,671 lines: `drygate survey` with it, and raw lists expanded, sorted and hashed here, against `aclexplode`
//! sorted and hashed in the server. Invariant: all begin at the same catalog of the same server, by turns, and the library and the
//! server agree on the digest.
//!
//! `cargo bench --bench grants -- 34000` has fewer lines. It fails where a median is over 0.2 times that of the server.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use drygate::postgres::grant_document;
use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario, ServerBinaries};
use drygate::profile::built_in;
use drygate::survey::{Digest, EvidenceFormat};
use drygate::testing::{MeasuredBar, MeasuredRow, MeasuredUnit, ProcessCost, RowVerdict, median};

const DATABASE: &str = "kb";
const SUPERUSER: &str = "postgres";
const READER: &str = "context_pack_readonly";
const ROUNDS: usize = 9;
const BAR: MeasuredBar = MeasuredBar::AtMostTimes(0.2);

/// 2,399 tables with seven privileges for twenty roles, and the remainder to the line in one more: 337,671 privileges and owners.
const LINES: usize = 337_671;
const ROLES: usize = 20;

/// The same matrix in the server: one line for each privilege, ordered bytewise, hashed.
const IN_SERVER: &str = "
SELECT count(*)::text, encode(sha256(convert_to(string_agg(line, E'\\n' ORDER BY line COLLATE \"C\"), 'UTF8')), 'hex')
  FROM (SELECT 'table ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' '
               || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END || ' '
               || a.privilege_type || E'\\tby ' || quote_ident(pg_get_userbyid(a.grantor)) AS line
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
         WHERE n.nspname = 'matrix') AS lines";

/// The raw lists, as the statement of a survey reads those of tables.
const RAW: &str = "
SELECT 'table', quote_ident(n.nspname) || '.' || quote_ident(c.relname), NULL::text, c.relacl::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'matrix' AND c.relacl IS NOT NULL
 ORDER BY convert_to('table ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' ', 'UTF8')";

fn fill(cluster: &Cluster, lines: usize) {
    let roles: Vec<String> = (0..ROLES).map(|nth| format!("bench_{nth}")).collect();
    let load = |sql: &str| cluster.load(DATABASE, sql).expect("a superuser may");
    load("CREATE SCHEMA matrix");
    for role in &roles {
        load(&format!("CREATE ROLE {role}"));
    }
    let grantees = roles.join(", ");
    // A table of seven privileges for twenty roles and its owner: 147 lines.
    let tables = lines / 147;
    for from in (0..tables).step_by(500) {
        let to = (from + 500).min(tables) - 1;
        load(&format!(
            "DO $$ BEGIN FOR n IN {from}..{to} LOOP
               EXECUTE format('CREATE TABLE matrix.bench_%s (id integer)', n);
               EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON matrix.bench_%s TO {grantees}', n);
             END LOOP; END $$"
        ));
    }
    // What is missing to the number of lines: single grants.
    for nth in 0..lines - tables * 147 {
        load(&format!(
            "CREATE TABLE matrix.rest_{nth} (id integer); REVOKE ALL ON matrix.rest_{nth} FROM {SUPERUSER};
             GRANT SELECT ON matrix.rest_{nth} TO bench_0"
        ));
    }
    load("VACUUM ANALYZE");
}

/// Seconds to the raw lists, seconds to the digest, lines, digest.
fn here(cluster: &Cluster) -> (f64, f64, usize, String) {
    let began = Instant::now();
    let rows = cluster.query(SUPERUSER, DATABASE, RAW).expect("raw lists");
    let read = began.elapsed().as_secs_f64();
    let document = grant_document(&rows, EvidenceFormat::NEWEST).expect("lists of a server");
    let lines = document.text().lines().count();
    // The server joins its lines; the document ends each.
    let digest = Digest::of(document.text().trim_end_matches('\n')).to_string();
    (read, began.elapsed().as_secs_f64(), lines, digest)
}

/// Seconds, lines, digest.
fn in_server(cluster: &Cluster) -> (f64, usize, String) {
    let began = Instant::now();
    let mut rows = cluster
        .query(SUPERUSER, DATABASE, IN_SERVER)
        .expect("a matrix");
    let took = began.elapsed().as_secs_f64();
    let mut row = rows.remove(0).into_iter().map(Option::unwrap_or_default);
    let lines = row.next().and_then(|count| count.parse().ok());
    (took, lines.expect("a count"), row.next().expect("a digest"))
}

/// A whole survey whose grant matrix is that of both schemas.
fn survey(cluster: &Cluster, profile: &Path) -> ProcessCost {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
    command
        .args(["survey", "--json", "--profile"])
        .arg(profile)
        .args(["--database-url", &cluster.url(READER, DATABASE)])
        .stdout(Stdio::null());
    ProcessCost::of(&mut command, 0)
}

/// The matrix by `psql`.
fn psql(cluster: &Cluster, program: &Path) -> ProcessCost {
    let mut command = Command::new(program);
    command
        .args([
            "-X", "-q", "-A", "-t", "-d", DATABASE, "-U", SUPERUSER, "-h",
        ])
        .arg(cluster.socket_dir())
        .args(["-c", IN_SERVER])
        .stdout(Stdio::null());
    ProcessCost::of(&mut command, 0)
}

fn main() -> ExitCode {
    let asked = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let lines: usize = asked.unwrap_or(LINES);
    let binaries = ServerBinaries::find().expect("a PostgreSQL server");
    let program = binaries.psql();
    let settings = [("shared_buffers", "256MB"), ("work_mem", "256MB")];
    let cluster = Cluster::start(&ClusterOptions {
        settings: settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        binaries: Some(binaries),
        ..ClusterOptions::default()
    })
    .expect("a throwaway cluster");
    cluster
        .load_scenario(DATABASE, Scenario::Enacted)
        .expect("the scenario loads");
    fill(&cluster, lines);
    let place = tempfile::tempdir().expect("a folder");
    let profile = place.path().join("matrix.toml");
    let (_, text) = built_in("icx-const").expect("the built-in profile");
    let (public, both) = (
        "schemas = [\"public\"]",
        "schemas = [\"public\", \"matrix\"]",
    );
    fs::write(&profile, text.replacen(public, both, 1)).expect("a profile");

    let (mut ours, mut reads, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut surveys, mut asked) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (read, took, count, digest) = here(&cluster);
        let (server, of_server, same) = in_server(&cluster);
        assert_eq!((count, digest), (of_server, same), "the same matrix");
        assert!(count >= lines, "{count} of {lines} lines");
        ours.push(took);
        reads.push(read);
        theirs.push(server);
        surveys.push(survey(&cluster, &profile));
        asked.extend(program.as_ref().map(|program| psql(&cluster, program)));
    }
    let seconds = MeasuredUnit::Seconds;
    let asked = (!asked.is_empty()).then(|| ProcessCost::median(&asked).seconds);
    let survey = ProcessCost::median(&surveys).seconds;
    let theirs = Some(median(&theirs));
    let of = format!("grant matrix of {lines} lines");
    let library = "library: grant_document";
    let peer = "aclexplode sorted and hashed in the server";
    let whole = format!("{of}, a whole survey");
    let rows = [
        MeasuredRow::new(&whole, "drygate survey", survey, seconds)
            .beside(&format!("psql, {peer}"), asked)
            .held_to(BAR),
        MeasuredRow::new(&of, library, median(&ours), seconds)
            .beside(peer, theirs)
            .held_to(BAR),
        MeasuredRow::new(
            &format!("{of}, its raw lists read"),
            library,
            median(&reads),
            seconds,
        )
        .beside(peer, theirs),
    ];
    RowVerdict::exit_code(rows.iter().map(MeasuredRow::tell))
}
