//! What a run store costs: a line that is appended with it beside one on the disk alone, and how late somebody on another machine
//! sees it. Invariant: the same lines go to the same disk by turns, and the store syncs what it commits.
//!
//! `cargo bench --bench store -- 50` appends fewer lines.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use drygate::journal::{
    ChainPosition, DirectoryStore, DiskStorage, Permissions, RunDirectory, RunStore as _,
};
use drygate::postgres::throwaway::{Cluster, ClusterOptions, ClusterOrigin};
use drygate::postgres::{ConnectionSettings, LibpqEnvironment};
use drygate::run::RunId;
use drygate::store::{MirroredStorage, StoreClient, StoreOptions, TABLES};
use drygate::survey::UtcTime;
use drygate::testing::{
    MeasuredBar, MeasuredRow, MeasuredUnit, RowVerdict, at, median, percentile,
};
use serde::{Deserialize, Serialize};

const LINES: usize = 200;
const SECONDS: MeasuredUnit = MeasuredUnit::Seconds;
const RUN: &str = "ictr-20261101T091402Z-8a941203";

/// A line of about the length that a demo's have.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Measured { nth: usize, says: String },
}

fn line(nth: usize) -> Line {
    let says = "x".repeat(1_000);
    Line::Measured { nth, says }
}

fn main() -> ExitCode {
    let asked = std::env::args().find_map(|word| word.parse().ok());
    let lines = asked.unwrap_or(LINES);
    let synced = ["fsync", "synchronous_commit", "full_page_writes"];
    let cluster = Cluster::start(&ClusterOptions {
        settings: synced.map(|name| (name.to_owned(), "on".to_owned())).into(),
        origin: ClusterOrigin::Made,
        ..ClusterOptions::default()
    });
    let cluster = cluster.expect("a server");
    cluster.load("postgres", TABLES).expect("a superuser may");
    cluster
        .load(
            "postgres",
            "CREATE ROLE alice LOGIN IN ROLE drygate_members",
        )
        .expect("a superuser may");
    let rows = [append(&cluster, lines)]
        .into_iter()
        .chain([true, false].map(|hints| watch(&cluster, lines.min(60), hints)));
    RowVerdict::exit_code(rows)
}

/// The data directory of one machine, with the store behind it.
fn shared(cluster: &Cluster, place: &Path) -> DirectoryStore {
    let url = cluster.url("alice", "postgres");
    let connection = ConnectionSettings::resolve(Some(&url), &LibpqEnvironment::of_process());
    let client = StoreClient::start(StoreOptions {
        connection: connection.expect("a url"),
        lease: Duration::from_secs(15),
    });
    let disk = DiskStorage::create(place, Permissions::private()).expect("a directory");
    let storage = MirroredStorage::new(disk, client.expect("a thread"), |_| ());
    DirectoryStore::on(Arc::new(storage))
}

fn run_id(nth: usize) -> RunId {
    let run_id = format!("{}{nth:02x}", &RUN[..RUN.len() - 2]);
    run_id.parse().expect("a run id")
}

fn now() -> UtcTime {
    at("09:14:02")
}

/// Seconds that each of some lines takes.
fn appended(directory: &mut RunDirectory, lines: usize) -> Vec<f64> {
    let append = |nth| {
        let began = Instant::now();
        directory.append(now(), &line(nth)).expect("a line");
        began.elapsed().as_secs_f64()
    };
    (0..lines).map(append).collect()
}

fn append(cluster: &Cluster, lines: usize) -> RowVerdict {
    let (here, alone) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    let with_store = shared(cluster, here.path());
    let without = DirectoryStore::new(alone.path(), Permissions::private()).expect("a directory");
    let mut ours = with_store.create(&run_id(1)).expect("a run");
    let mut theirs = without.create(&run_id(1)).expect("a run");
    let (mut with, mut disk) = (Vec::new(), Vec::new());
    // By turns, ten at a time.
    for _ in 0..lines.div_ceil(10) {
        with.extend(appended(&mut ours, 10));
        disk.extend(appended(&mut theirs, 10));
    }
    MeasuredRow::new(
        &format!("append a line of 1 kB, median of {}", with.len()),
        "library: RunDirectory::append with a run store on this machine",
        median(&with),
        SECONDS,
    )
    .beside("the disk alone", Some(median(&disk)))
    .held_to(MeasuredBar::AtMostTimes(1.6))
    .tell()
}

/// How late a follower on another machine sees a line, from the moment that it was acknowledged.
fn watch(cluster: &Cluster, lines: usize, hints: bool) -> RowVerdict {
    let (here, there) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    let run_id = run_id(if hints { 2 } else { 3 });
    let mut holder = shared(cluster, here.path()).create(&run_id).expect("a run");
    holder.append(now(), &line(0)).expect("a line");
    let began = Instant::now();
    let left = Arc::new(AtomicBool::new(false));
    let follows = {
        let (store, left) = (shared(cluster, there.path()), Arc::clone(&left));
        move || {
            let mut seen = Vec::new();
            let mut follower = store
                .reader(&run_id)
                .expect("a run")
                .follow(ChainPosition::start());
            let run = DirectoryStore::run_path(&run_id);
            while !left.load(Ordering::SeqCst) {
                store.storage().refresh(&run).expect("a store");
                let each = follower.each::<Line>(|followed| {
                    let Line::Measured { nth, .. } = followed.entry.event;
                    seen.push((nth, began.elapsed()));
                });
                each.expect("a journal");
                let pause = Duration::from_millis(250);
                if hints {
                    store.storage().rest(pause);
                } else {
                    thread::sleep(pause);
                }
            }
            seen
        }
    };
    let following = thread::spawn(follows);
    let mut written = Vec::new();
    for nth in 1..=lines {
        // Not in step with the follower's pauses.
        thread::sleep(Duration::from_millis(400 + (nth as u64 * 37) % 260));
        holder.append(now(), &line(nth)).expect("a line");
        written.push((nth, began.elapsed()));
    }
    thread::sleep(Duration::from_secs(2));
    left.store(true, Ordering::SeqCst);
    let seen = following.join().expect("it follows");
    let delays: Vec<f64> = written
        .iter()
        .filter_map(|(nth, at)| {
            let (_, looked) = seen.iter().find(|(other, _)| other == nth)?;
            Some(looked.saturating_sub(*at).as_secs_f64())
        })
        .collect();
    assert_eq!(delays.len(), lines, "each line was seen");
    let (way, most) = if hints {
        ("by hints", 0.1)
    } else {
        ("by polling alone", 1.2)
    };
    MeasuredRow::new(
        &format!(
            "a line is seen on another machine {way}, p50 of {lines} (p99 {:.0} ms)",
            percentile(&delays, 99) * 1_000.0
        ),
        "library: Follower::each as drygate watch calls it",
        median(&delays),
        SECONDS,
    )
    .held_to(MeasuredBar::AtMost(most))
    .tell()
}
