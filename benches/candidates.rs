//! A million units: peak memory of a survey that streams pieces and candidates, and its passes against `psql` COPY of the same rows.
//! Invariant: the program itself is measured, as a process; both ask the same server for the same rows, by turns.
//!
//! `cargo bench --bench candidates`; `UNITS=10000000` for ten million. It fails over 64 MB, or over 1.5 times the time of COPY.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use drygate::postgres::throwaway::{Cluster, ClusterOptions, Scenario, ServerBinaries};
use drygate::profile::built_in;

const DATABASE: &str = "kb";
const READER: &str = "context_pack_readonly";
const ROUNDS: usize = 5;
const MEMORY_MAX_KB: u64 = 64 * 1024;
const LIMIT: f64 = 1.5;

const PIECES: &str =
    "SELECT p.key, p.content FROM public.bench_piece p ORDER BY p.key COLLATE \"C\"";
const CANDIDATES: &str =
    "SELECT u.key, u.content, u.state FROM public.bench_unit u ORDER BY u.key COLLATE \"C\"";

fn fill(cluster: &Cluster, units: u64) {
    let text = "repeat('Every unit has a text of about this length. ', 2) || n";
    let sql = format!(
        "CREATE TABLE public.bench_piece AS SELECT to_char(n, 'FM00000000') AS key, {text} AS content FROM generate_series(1, {units}) n;
         CREATE TABLE public.bench_unit AS SELECT key, content, 'enacted'::text AS state FROM public.bench_piece;
         CREATE INDEX ON public.bench_piece (key COLLATE \"C\"); CREATE INDEX ON public.bench_unit (key COLLATE \"C\");
         GRANT SELECT ON public.bench_piece, public.bench_unit TO {READER}"
    );
    cluster.load(DATABASE, &sql).expect("units");
    cluster.load(DATABASE, "VACUUM ANALYZE").expect("analysed");
}

/// The built-in profile with streams of the bench's tables.
fn profile(directory: &Path) -> String {
    let (_, text) = built_in("icx-const").expect("the built-in profile");
    let (before, rest) = text.split_once("[pieces]").expect("pieces");
    let (_, after) = rest.split_once("[lifecycle]").expect("a lifecycle");
    let text = format!(
        "{before}[pieces]\nsql = '''{PIECES}'''\n[candidates]\nsql = '''{CANDIDATES}'''\n[timeouts]\nstatement_ms = 3600000\n[lifecycle]{after}"
    );
    let path = directory.join("bench.toml");
    fs::write(&path, text).expect("a profile");
    path.display().to_string()
}

/// Peak resident memory of a child in kB, watched to its end: the kernel's mark only rises.
fn peak(child: &mut Child) -> u64 {
    let mut seen = 0;
    while child.try_wait().expect("our own child").is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
        let mark = status.ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        });
        seen = mark.unwrap_or(seen);
        std::thread::sleep(Duration::from_millis(2));
    }
    seen
}

fn survey(cluster: &Cluster, directory: &Path, profile: &str) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_drygate"))
        .args(["survey", "--json", "--profile", profile, "--database-url"])
        .arg(cluster.url(READER, DATABASE))
        .arg("--data-dir")
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let memory = peak(&mut child);
    let took = began.elapsed();
    assert!(child.wait().expect("our own child").success());
    (took, memory)
}

/// The same rows copied to a file: by psql, or by the server itself, which has no connection to cross and is the harder measure.
fn copy(psql: Option<&Path>, cluster: &Cluster, sql: &str) -> Duration {
    let file = cluster.socket_dir().join("copied");
    let began = Instant::now();
    if let Some(program) = psql {
        let done = Command::new(program)
            .args(["-X", "-q", "-d", DATABASE, "-U", READER, "-h"])
            .arg(cluster.socket_dir())
            .args(["-c", &format!("COPY ({sql}) TO STDOUT"), "-o"])
            .arg(&file)
            .status();
        assert!(done.expect("psql runs").success());
    } else {
        let copied = cluster.load(DATABASE, &format!("COPY ({sql}) TO '{}'", file.display()));
        copied.expect("the server may write there");
    }
    began.elapsed()
}

/// `psql` beside the server, or in `PATH`.
fn psql() -> Option<PathBuf> {
    let server = ServerBinaries::find().expect("a PostgreSQL server");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(server.dir().to_owned()).chain(std::env::split_paths(&path));
    let mut programs = folders.map(|folder| folder.join("psql"));
    programs.find(|program| program.is_file())
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort();
    values[values.len() / 2]
}

fn say(line: &str) {
    // A closed stdout must not fail a measure.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn main() -> ExitCode {
    let units = std::env::var("UNITS").ok();
    let units: u64 = units.map_or(1_000_000, |text| text.parse().expect("a number of units"));
    let psql = psql();
    let cluster = Cluster::start(&ClusterOptions {
        settings: vec![("shared_buffers".to_owned(), "512MB".to_owned())],
        ..ClusterOptions::default()
    })
    .expect("a throwaway cluster");
    cluster
        .load_scenario(DATABASE, Scenario::Enacted)
        .expect("the scenario loads");
    let place = tempfile::tempdir().expect("a folder");
    let profile = profile(place.path());
    let (small, _) = {
        fill(&cluster, 1);
        survey(&cluster, place.path(), &profile)
    };
    cluster
        .load(DATABASE, "DROP TABLE public.bench_piece, public.bench_unit")
        .expect("ours");
    fill(&cluster, units);
    let (mut ours, mut memory, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (took, kb) = survey(&cluster, place.path(), &profile);
        ours.push(took.saturating_sub(small));
        memory.push(kb);
        let both = [PIECES, CANDIDATES].map(|sql| copy(psql.as_deref(), &cluster, sql));
        theirs.push(both[0] + both[1]);
    }
    let (ours, memory) = (median(ours), median(memory));
    let fits = memory <= MEMORY_MAX_KB;
    say(&format!(
        "survey of {units} pieces and {units} units: peak {} MB (limit 64), streams {} ms beside the {} ms of a survey of one unit",
        memory.div_ceil(1024),
        ours.as_millis(),
        small.as_millis(),
    ));
    let theirs = median(theirs);
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let by = if psql.is_some() {
        "psql COPY"
    } else {
        "COPY by the server itself (psql NOT CHECKED, there is none)"
    };
    say(&format!(
        "{by} of the same rows to a file: {} ms, ratio {ratio:.2} (median of {ROUNDS}, limit {LIMIT})",
        theirs.as_millis(),
    ));
    let fast = ratio <= LIMIT;
    if fits && fast {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
