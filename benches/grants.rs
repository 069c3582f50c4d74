//! A grant matrix of 337,671 lines: raw lists expanded, sorted and hashed here, against `aclexplode` sorted and hashed in the server.
//! Invariant: both begin at the same catalog of the same server, by turns, and see the same number of privileges.
//!
//! `cargo bench --bench grants`. It fails where the median here is over 0.2 times that of the server.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use drygate::postgres::grant_document;
use drygate::postgres::throwaway::{Cluster, ClusterOptions};
use drygate::survey::{Digest, EvidenceFormat};

const DATABASE: &str = "kb";
const SUPERUSER: &str = "postgres";
const ROUNDS: usize = 9;
const LIMIT: f64 = 0.2;

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

fn fill(cluster: &Cluster) {
    let roles: Vec<String> = (0..ROLES).map(|nth| format!("bench_{nth}")).collect();
    let load = |sql: &str| cluster.load(DATABASE, sql).expect("a superuser may");
    load("CREATE SCHEMA matrix");
    for role in &roles {
        load(&format!("CREATE ROLE {role}"));
    }
    let grantees = roles.join(", ");
    // A table of seven privileges for twenty roles and its owner: 147 lines.
    let tables = LINES / 147;
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
    for nth in 0..LINES - tables * 147 {
        load(&format!(
            "CREATE TABLE matrix.rest_{nth} (id integer); REVOKE ALL ON matrix.rest_{nth} FROM {SUPERUSER};
             GRANT SELECT ON matrix.rest_{nth} TO bench_0"
        ));
    }
    load("VACUUM ANALYZE");
}

fn here(cluster: &Cluster) -> (Duration, Duration, usize, String) {
    let began = Instant::now();
    let rows = cluster.query(SUPERUSER, DATABASE, RAW).expect("raw lists");
    let read = began.elapsed();
    let document = grant_document(&rows, EvidenceFormat::NEWEST).expect("lists of a server");
    let lines = document.text().lines().count();
    // The server joins its lines; the document ends each.
    let digest = Digest::of(document.text().trim_end_matches('\n')).to_string();
    (began.elapsed(), read, lines, digest)
}

fn in_server(cluster: &Cluster) -> (Duration, usize, String) {
    let began = Instant::now();
    let mut rows = cluster
        .query(SUPERUSER, DATABASE, IN_SERVER)
        .expect("a matrix");
    let took = began.elapsed();
    let mut row = rows.remove(0).into_iter().map(Option::unwrap_or_default);
    let lines = row.next().and_then(|count| count.parse().ok());
    (took, lines.expect("a count"), row.next().expect("a digest"))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() -> ExitCode {
    let cluster = Cluster::start(&ClusterOptions {
        settings: vec![
            ("shared_buffers".to_owned(), "256MB".to_owned()),
            ("work_mem".to_owned(), "256MB".to_owned()),
        ],
        ..ClusterOptions::default()
    })
    .expect("a throwaway cluster");
    cluster.create_database(DATABASE).expect("a database");
    fill(&cluster);
    let (mut ours, mut reads, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let mut lines = 0;
    for _ in 0..ROUNDS {
        let (took, read, count, digest) = here(&cluster);
        let (server, of_server, same) = in_server(&cluster);
        assert_eq!((count, digest), (of_server, same), "the same matrix");
        (lines, ours) = (count, [ours, vec![took]].concat());
        reads.push(read);
        theirs.push(server);
    }
    let (ours, reads, theirs) = (median(ours), median(reads), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    // A closed stdout must not fail a measure.
    let _ = writeln!(
        std::io::stdout(),
        "grant matrix of {lines} lines: raw lists read in {} ms, expanded, sorted and hashed {} ms in all; aclexplode in the server \
         {} ms, ratio {ratio:.2} (median of {ROUNDS}, limit {LIMIT})",
        reads.as_millis(),
        ours.as_millis(),
        theirs.as_millis(),
    );
    if ratio <= LIMIT {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
