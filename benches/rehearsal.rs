//! A rehearsal as a person runs it, against the work that it cannot be without: a cluster that is made and loaded, `psql` COPY of the same
//! rows with their indexes, a count with the same filter. Invariant: both sides of a ratio are measured in one run, on one machine.
//!
//! `cargo bench --bench rehearsal -- 100000` takes fewer rows than 1,000,000. It fails where a bar is missed.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use drygate::postgres::throwaway::{
    Cluster, ClusterOptions, ClusterOrigin, Scenario, ServerBinaries,
};
use drygate::testing::{MeasuredBar, MeasuredRow, MeasuredUnit, RowVerdict, peak_bytes};

const DATABASE: &str = "kb";
const SUPERUSER: &str = "postgres";
const READER: &str = "context_pack_readonly";

/// A whole rehearsal of the demo against a cluster that is made, started and loaded.
const DEMO: MeasuredBar = MeasuredBar::AtMostTimes(3.0);
/// The same where an empty cluster is kept, against one that is copied, started and loaded.
const CACHED: MeasuredBar = MeasuredBar::AtMostTimes(2.0);
/// Rows copied, loaded and indexed against `psql` doing the same.
const SEEDING: MeasuredBar = MeasuredBar::AtMostTimes(1.3);
/// What 10,000 changed rows are found in, against one count with the same filter.
const EFFECT: MeasuredBar = MeasuredBar::AtMostTimes(3.0);
const MEMORY: MeasuredBar = MeasuredBar::AtMost(64.0 * 1024.0 * 1024.0);

/// The table with many rows, without indexes, and what it is indexed by.
const BIG: &str = "CREATE TABLE big (id integer NOT NULL, customer integer NOT NULL, amount integer NOT NULL, note text NOT NULL)";
const INDEXES: &str = "ALTER TABLE big ADD PRIMARY KEY (id); CREATE INDEX ON big (customer); CREATE INDEX ON big (amount)";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().collect();
    let asked = words.iter().find_map(|word| word.parse().ok());
    let rows: u64 = asked.unwrap_or(1_000_000);
    let place = tempfile::tempdir().expect("a temporary directory");
    let verdicts = [demo(place.path()), many_rows(place.path(), rows)];
    RowVerdict::exit_code(verdicts.into_iter().flatten())
}

/// What one rehearsal took.
struct Taken {
    seconds: f64,
    /// What it said, and when.
    steps: Vec<(String, f64)>,
    /// The most memory of the process that reads production, and of the one that runs the change.
    peaks: [f64; 2],
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
    #[expect(clippy::cast_precision_loss, reason = "some megabytes")]
    let peaks = [0, 1].map(|at: usize| peaks[at].load(Ordering::Relaxed) as f64);
    Taken {
        seconds,
        steps,
        peaks,
    }
}

/// The marks of the kernel, which only rise, in bytes, until the process is gone.
fn watch(owner: u32, peaks: &[AtomicU64; 2]) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some megabytes"
    )]
    let note = |nth: usize, mark: f64| peaks[nth].fetch_max(mark as u64, Ordering::Relaxed);
    while let Some(mark) = peak_bytes(owner) {
        note(0, mark);
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        let is_shadow = |place: &PathBuf| {
            let words = fs::read(place.join("cmdline")).unwrap_or_default();
            words.ends_with(b"drygate\0shadow\0")
        };
        let shadows = entries.map(|entry| entry.path()).filter(is_shadow);
        let pids = shadows.filter_map(|place| place.file_name()?.to_str()?.parse().ok());
        for mark in pids.filter_map(peak_bytes) {
            note(1, mark);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
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
fn demo(place: &Path) -> Vec<RowVerdict> {
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
    let cold = row(
        "a rehearsal of the demo",
        taken.seconds,
        ("a cluster made, started and loaded", made),
        DEMO,
    );
    // One is kept now at the latest.
    drop(cluster_of(ClusterOrigin::Copied));
    let (_, copied) = loaded(ClusterOrigin::Copied);
    let again = rehearse(&cluster, place, "shop_owner", migration).seconds;
    let cached = row(
        "the same where an empty cluster is kept",
        again,
        ("one copied, started and loaded", copied),
        CACHED,
    );
    let rows = [cold, cached].into_iter().chain(memory("the demo", &taken));
    rows.map(|row| row.tell()).collect()
}

/// 10,000 rows of many are changed.
fn many_rows(place: &Path, rows: u64) -> Vec<RowVerdict> {
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
    let rows = [
        row(
            &format!("{name} copied, loaded and indexed for a rehearsal"),
            seeding,
            ("psql COPY from one server to the other", copied),
            SEEDING,
        ),
        row(
            &format!("10000 changed rows of {name} found"),
            effect,
            ("a count with the same filter", counting),
            EFFECT,
        ),
    ];
    let rows = rows.into_iter().chain(memory(&name, &taken));
    rows.map(|row| row.tell()).collect()
}

const COMMAND: &str = "drygate rehearse --change FILE --role ROLE";

fn row(what: &str, seconds: f64, beside: (&str, f64), bar: MeasuredBar) -> MeasuredRow {
    MeasuredRow::new(what, COMMAND, seconds, MeasuredUnit::Seconds)
        .beside(beside.0, Some(beside.1))
        .held_to(bar)
}

/// The most memory of both processes.
fn memory(of: &str, taken: &Taken) -> [MeasuredRow; 2] {
    let places = ["where production is read", "where the change runs"];
    [0, 1].map(|nth: usize| {
        let what = format!("peak memory, {of}, {}", places[nth]);
        MeasuredRow::new(&what, COMMAND, taken.peaks[nth], MeasuredUnit::Bytes).held_to(MEMORY)
    })
}
