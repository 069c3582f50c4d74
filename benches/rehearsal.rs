//! A rehearsal as a person runs it, against the work that it cannot be without: a cluster that is made and loaded, `psql` COPY of the same
//! rows with their indexes, a count with the same filter. Invariant: both sides of a ratio are measured in one run, on one machine.
//!
//! `cargo bench --bench rehearsal -- 100000` takes fewer rows than 1,000,000. It fails where a bar is missed.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use drygate::postgres::throwaway::{
    Cluster, ClusterOptions, ClusterOrigin, Scenario, ServerBinaries,
};

const DATABASE: &str = "kb";
const SUPERUSER: &str = "postgres";
const READER: &str = "context_pack_readonly";

/// A whole rehearsal of the demo against a cluster that is made, started and loaded.
const DEMO_MAX: f64 = 3.0;
/// The same where an empty cluster is kept, against one that is copied, started and loaded.
const CACHED_MAX: f64 = 2.0;
/// Rows copied, loaded and indexed against `psql` doing the same.
const SEEDING_MAX: f64 = 1.3;
/// What 10,000 changed rows are found in, against one count with the same filter.
const EFFECT_MAX: f64 = 3.0;
const MEMORY_KB_MAX: u64 = 64 * 1024;

/// The table with many rows, without indexes, and what it is indexed by.
const BIG: &str = "CREATE TABLE big (id integer NOT NULL, customer integer NOT NULL, amount integer NOT NULL, note text NOT NULL)";
const INDEXES: &str = "ALTER TABLE big ADD PRIMARY KEY (id); CREATE INDEX ON big (customer); CREATE INDEX ON big (amount)";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().collect();
    let asked = words.iter().find_map(|word| word.parse().ok());
    let rows: u64 = asked.unwrap_or(1_000_000);
    let place = tempfile::tempdir().expect("a temporary directory");
    let met = [demo(place.path()), many_rows(place.path(), rows)];
    if met.iter().all(|met| *met) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What one rehearsal took.
struct Taken {
    seconds: f64,
    /// What it said, and when.
    steps: Vec<(String, f64)>,
    /// The most memory of the process that reads production, and of the one that runs the change.
    peaks_kb: [u64; 2],
}

impl Taken {
    /// Seconds between two steps.
    fn between(&self, from: &str, to: &str) -> f64 {
        let at = |step: &str| {
            let mut steps = self.steps.iter();
            let found = steps.find(|(says, _)| says.contains(step));
            found
                .unwrap_or_else(|| panic!("{step} is not in {:?}", self.steps))
                .1
        };
        at(to) - at(from)
    }
}

fn rehearse(cluster: &Cluster, place: &Path, role: &str, change: &str) -> Taken {
    let file = place.join("change.sql");
    fs::write(&file, change).expect("a file");
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_drygate"))
        .args(["rehearse", "--json", "--role", role, "--database-url"])
        .arg(cluster.url(READER, DATABASE))
        .env("XDG_CACHE_HOME", place.join("cache"))
        .arg("--data-dir")
        .arg(place.join("data"))
        .arg("--change")
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let peaks: Arc<[AtomicU64; 2]> = Arc::default();
    let watching = {
        let (peaks, owner) = (Arc::clone(&peaks), child.id());
        move || watch(owner, &peaks)
    };
    let watching = std::thread::spawn(watching);
    let said = BufReader::new(child.stderr.take().expect("its output"));
    let steps = said.lines().map_while(Result::ok);
    let steps = steps.map(|says| (says, began.elapsed().as_secs_f64()));
    let steps: Vec<(String, f64)> = steps.collect();
    let status = child.wait().expect("our own child");
    let seconds = began.elapsed().as_secs_f64();
    watching.join().expect("it watches to the end");
    assert!(status.success(), "{status}: {steps:?}");
    let peaks_kb = [0, 1].map(|at: usize| peaks[at].load(Ordering::Relaxed));
    Taken {
        seconds,
        steps,
        peaks_kb,
    }
}

/// The marks of the kernel, which only rise, until the process is gone.
fn watch(owner: u32, peaks: &[AtomicU64; 2]) {
    let own = PathBuf::from(format!("/proc/{owner}"));
    while let Some(mark) = peak_of(&own) {
        peaks[0].fetch_max(mark, Ordering::Relaxed);
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        let is_shadow = |place: &PathBuf| {
            let words = fs::read(place.join("cmdline")).unwrap_or_default();
            words.ends_with(b"drygate\0shadow\0")
        };
        let shadows = entries.map(|entry| entry.path()).filter(is_shadow);
        let most = shadows.filter_map(|place| peak_of(&place)).max();
        peaks[1].fetch_max(most.unwrap_or(0), Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn peak_of(process: &Path) -> Option<u64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn cluster_of(origin: ClusterOrigin) -> Cluster {
    // As the shadow has them.
    let settings = [("shared_buffers", "128MB"), ("max_wal_size", "4GB")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = ClusterOptions {
        settings: settings.into(),
        origin,
        ..ClusterOptions::default()
    };
    Cluster::start(&options).expect("a server is installed")
}

/// The migration of the demo.
fn demo(place: &Path) -> bool {
    let loaded = |origin| {
        let began = Instant::now();
        let cluster = cluster_of(origin);
        let loaded = cluster.load_scenario(DATABASE, Scenario::Change);
        loaded.expect("it loads");
        (cluster, began.elapsed().as_secs_f64())
    };
    let (cluster, made) = loaded(ClusterOrigin::Made);
    let [(_, migration)] = Scenario::Change.change() else {
        panic!("one file");
    };
    let taken = rehearse(&cluster, place, "shop_owner", migration);
    let cold = tell("demo", taken.seconds, made, "made and loaded", DEMO_MAX);
    // One is kept now at the latest.
    drop(cluster_of(ClusterOrigin::Copied));
    let (_, copied) = loaded(ClusterOrigin::Copied);
    let again = rehearse(&cluster, place, "shop_owner", migration).seconds;
    let cached = tell(
        "demo, cached",
        again,
        copied,
        "copied and loaded",
        CACHED_MAX,
    );
    cold & cached & memory("demo", &taken)
}

/// 10,000 rows of many are changed.
fn many_rows(place: &Path, rows: u64) -> bool {
    let source = cluster_of(ClusterOrigin::Copied);
    source
        .load_scenario(DATABASE, Scenario::Draft)
        .expect("it loads");
    let fill = format!(
        "CREATE ROLE big_owner LOGIN; GRANT CONNECT ON DATABASE {DATABASE} TO big_owner; GRANT USAGE ON SCHEMA public TO big_owner, {READER}; {BIG}; ALTER TABLE big OWNER TO big_owner; GRANT SELECT ON big TO {READER};
         INSERT INTO big SELECT n, n % 5000, n % 997, repeat(md5(n::text), 3) FROM generate_series(1, {rows}) AS n;
         {INDEXES}"
    );
    source.load(DATABASE, &fill).expect("rows");
    source
        .load(DATABASE, "VACUUM ANALYZE big")
        .expect("analysed");
    let taken = rehearse(
        &source,
        place,
        "big_owner",
        "UPDATE public.big SET note = 'x' WHERE id <= 10000;\n",
    );
    let bare = cluster_of(ClusterOrigin::Copied);
    bare.load(SUPERUSER, BIG).expect("a table");
    let began = Instant::now();
    let program = ServerBinaries::find()
        .expect("a server")
        .psql()
        .expect("psql");
    let psql = format!("{} -X -q -h", program.display());
    let pipe = format!(
        "{psql} {} -U {READER} -d {DATABASE} -c 'COPY public.big TO STDOUT' | {psql} {} -U {SUPERUSER} -d {SUPERUSER} -c 'COPY big FROM STDIN'",
        source.socket_dir().display(),
        bare.socket_dir().display()
    );
    let piped = Command::new("sh").args(["-c", &pipe]).status();
    assert!(piped.expect("a shell").success());
    bare.load(SUPERUSER, INDEXES).expect("indexes");
    let copied = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let count = "SELECT count(*)::text FROM big WHERE xmin::text::bigint >= 3";
    let counted = bare.query(SUPERUSER, SUPERUSER, count).expect("a count");
    assert_eq!(counted[0][0], Some(rows.to_string()));
    let counting = began.elapsed().as_secs_f64();
    let seeding = taken.between("copying public.big", "running the change, pass 2");
    let effect = taken.between("reading what it did", "running the change again");
    let name = format!("{rows} rows");
    tell(
        &format!("{name} seeded"),
        seeding,
        copied,
        "psql",
        SEEDING_MAX,
    ) & tell(
        &format!("10000 of {name} found"),
        effect,
        counting,
        "a count",
        EFFECT_MAX,
    ) & memory(&name, &taken)
}

/// Prints a ratio, and says whether its bar is met.
fn tell(what: &str, seconds: f64, beside: f64, of: &str, bar: f64) -> bool {
    let ratio = seconds / beside;
    let met = ratio <= bar;
    say(&format!(
        "{what:<28} {seconds:>7.2} s   {beside:>7.2} s {of:<16} {ratio:>5.2} x, at most {bar} x  {}",
        word(met)
    ));
    met
}

fn memory(what: &str, taken: &Taken) -> bool {
    let met = taken.peaks_kb.iter().all(|peak| *peak <= MEMORY_KB_MAX);
    let [reads, runs] = taken.peaks_kb.map(|peak| peak.div_ceil(1_024));
    let most = MEMORY_KB_MAX / 1_024;
    say(&format!(
        "{what:<28} {reads} MB where production is read, {runs} MB where the change runs, at most {most} MB  {}",
        word(met)
    ));
    met
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "NOT MET" }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("a terminal or a file");
}
