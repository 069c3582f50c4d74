//! Faults of the journal (F1 to F8): every one is caused, and a fault that did not fire fails its test.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use drygate::journal::{
    ChainPosition, Corrupt, DirectoryStore, DiskStorage, JournalEntry, JournalError, JournalReader,
    Kind, MANIFEST, Permissions, RunDirectory, RunLock, RunStore, Storage, verify_files,
};
use drygate::run::{self, RunId};
use drygate::survey::{Digest, UtcTime};
use drygate::testing::{FaultCounts, InjectedFailure, SimulatedDisk, fault_rounds, fault_seed};
use rstest::rstest;
use serde::{Deserialize, Serialize};

fn run_id() -> RunId {
    let id = "ictr-20260521T021523Z-0a1b2c3d".parse();
    id.expect("a run id")
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    RunCreated { target: String },
    CheckRecorded { n: u32 },
    RunSealed { result: String },
}

fn check(n: u32) -> Event {
    Event::CheckRecorded { n }
}

fn created() -> Event {
    Event::RunCreated {
        target: "prod J* \u{1b}[31m\u{e9}".to_owned(),
    }
}

fn sealed() -> Event {
    let result = "PASS".to_owned();
    Event::RunSealed { result }
}

fn at(second: i64) -> UtcTime {
    UtcTime::from_unix_micros(1_779_329_723_000_000).plus_seconds(second)
}

fn store(disk: &SimulatedDisk) -> DirectoryStore {
    DirectoryStore::on(Arc::new(disk.clone()))
}

fn path(file: &str) -> PathBuf {
    DirectoryStore::run_path(&run_id()).join(file)
}

fn content(disk: &SimulatedDisk, file: &str) -> Vec<u8> {
    disk.read(&path(file)).expect("readable").expect("present")
}

/// Every file below a directory with its content.
fn files(storage: &dyn Storage, directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for listed in storage.list(directory).expect("listed") {
        let path = directory.join(&listed.name);
        if listed.kind == Kind::Directory {
            all.extend(files(storage, &path));
        } else {
            let content = storage.read(&path).expect("readable").expect("present");
            all.insert(path, content);
        }
    }
    all
}

/// Lines of a run as far as they are acknowledged.
type Acknowledged = Vec<String>;

/// A run with everything in it; stops at the first failure, and what was acknowledged until then stays in `lines`.
fn work(disk: &SimulatedDisk, lines: &mut Acknowledged) -> Result<(), JournalError> {
    let mut run = store(disk).create(&run_id())?;
    lines.push(run.append(at(0), &created())?.line);
    run.blobs().put(b"evidence")?;
    lines.push(run.append(at(1), &check(1))?.line);
    let batch = run.append_all(at(2), &[check(2), check(3), check(4)])?;
    lines.extend(batch.into_iter().map(|appended| appended.line));
    let mut ledger = run.unit_ledger(1, "cut")?;
    ledger.push(&check(9))?;
    ledger.finish()?;
    run.write_file("sidecar.json", b"{}\n")?;
    lines.push(run.append(at(3), &check(5))?.line);
    Ok(())
}

/// Lines of the journal after recovery, or nothing where the run itself never became durable.
fn recover(disk: &SimulatedDisk) -> Result<Vec<String>, JournalError> {
    let (run, _) = match store(disk).open(&run_id()) {
        Err(JournalError::NotFound { .. }) => return Ok(Vec::new()),
        opened => opened?,
    };
    drop(run);
    let text = String::from_utf8(content(disk, "journal.jsonl")).expect("ASCII");
    Ok(text.lines().map(str::to_owned).collect())
}

fn assert_kept(lines: &[String], acknowledged: &[String], situation: &str) {
    assert!(
        lines.starts_with(acknowledged),
        "{situation}: {} acknowledged, {} left",
        acknowledged.len(),
        lines.len()
    );
}

#[derive(Debug, Clone, Copy)]
enum Death {
    Power(u64),
    Process,
}

impl Death {
    fn strike(self, disk: &SimulatedDisk, operation: u64) {
        match self {
            Self::Power(seed) => disk.crash(seed.wrapping_add(operation)),
            Self::Process => disk.restart(),
        }
    }
}

/// What strikes at an operation, every power loss with a seed of its own.
fn deaths() -> impl Iterator<Item = Death> {
    let seed = fault_seed(0);
    let power = move |nth: u64| Death::Power(seed.wrapping_add(nth << 16));
    (0..fault_rounds(6, 220)).map(power).chain([Death::Process])
}

#[rstest]
#[case::once(InjectedFailure::Once)]
#[case::for_ever(InjectedFailure::ForEver)]
fn f1_f7_no_failure_at_any_operation_loses_what_was_acknowledged(#[case] failure: InjectedFailure) {
    let counts = FaultCounts::new(
        1,
        "the disk fails, then power or the process goes, at a write of a journal",
    );
    for death in deaths() {
        let mut operation = 0;
        loop {
            let situation = format!("operation {operation}, {failure:?}, {death:?}");
            let disk = SimulatedDisk::new();
            disk.fail_at(operation, failure);
            let mut acknowledged = Vec::new();
            let outcome = work(&disk, &mut acknowledged);
            if !disk.fired() {
                outcome.expect("without a fault the work is done");
                assert!(operation > 50, "only {operation} operations were tried");
                break;
            }
            assert!(
                outcome.is_err(),
                "{situation}: the failure was not reported"
            );
            death.strike(&disk, operation);
            let lines = recover(&disk).unwrap_or_else(|error| panic!("{situation}: {error}"));
            assert_kept(&lines, &acknowledged, &situation);
            disk.restart();
            let before = files(&disk, Path::new("runs"));
            assert_eq!(recover(&disk).expect("again"), lines, "{situation}");
            disk.restart();
            assert!(
                before == files(&disk, Path::new("runs")),
                "{situation}: not idempotent"
            );
            // What recovery acknowledged is as durable as what the first writer did.
            disk.crash(operation);
            assert_kept(
                &recover(&disk).expect("after power loss"),
                &lines,
                &situation,
            );
            counts.injected();
            operation += 1;
        }
    }
}

#[test]
fn f1_a_recovery_that_dies_itself_loses_nothing() {
    let counts = FaultCounts::new(1, "a recovery dies as well");
    for operation in 20..50 {
        for inner in 0.. {
            let disk = SimulatedDisk::new();
            disk.fail_at(operation, InjectedFailure::ForEver);
            let mut acknowledged = Vec::new();
            assert!(work(&disk, &mut acknowledged).is_err());
            disk.crash(operation);
            disk.fail_at(disk.operations() + inner, InjectedFailure::ForEver);
            let first = recover(&disk);
            if !disk.fired() {
                first.expect("a recovery that met no fault");
                break;
            }
            counts.injected();
            disk.crash(inner);
            let lines = recover(&disk).expect("the second recovery");
            assert_kept(&lines, &acknowledged, &format!("{operation}/{inner}"));
        }
    }
    let (tried, _) = counts.so_far();
    assert!(tried > 100, "only {tried} deaths of a recovery");
}

#[test]
fn f7_a_writer_that_failed_once_never_writes_again() {
    let mut poisoned = 0;
    for after in 0..6 {
        let disk = SimulatedDisk::new();
        let mut run = store(&disk).create(&run_id()).expect("created");
        run.append(at(0), &created()).expect("appended");
        disk.fail_at(disk.operations() + after, InjectedFailure::Once);
        assert!(run.append(at(1), &check(1)).is_err(), "operation {after}");
        assert!(disk.fired());
        let before = files(&disk, Path::new("runs"));
        let operations = disk.operations();
        for _ in 0..3 {
            let error = run.append(at(2), &check(2)).expect_err("poisoned");
            assert!(matches!(error, JournalError::Poisoned { .. }), "{error}");
            let error = run.write_file("sidecar.json", b"{}").expect_err("poisoned");
            assert!(matches!(error, JournalError::Poisoned { .. }), "{error}");
        }
        assert_eq!(operations, disk.operations(), "something was tried again");
        assert!(before == files(&disk, Path::new("runs")));
        poisoned += 1;
    }
    assert_eq!(
        poisoned, 6,
        "write, sync, create, write, sync, rename of HEAD"
    );
}

/// Seven lines, with HEAD at the last.
fn seven_lines() -> (SimulatedDisk, Vec<u8>) {
    let disk = SimulatedDisk::new();
    let mut run = store(&disk).create(&run_id()).expect("created");
    run.append(at(0), &created()).expect("appended");
    for n in 1..7 {
        run.append(at(i64::from(n)), &check(n)).expect("appended");
    }
    drop(run);
    let journal = content(&disk, "journal.jsonl");
    (disk, journal)
}

fn line_ends(journal: &[u8]) -> Vec<usize> {
    let newlines = journal
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n');
    newlines.map(|(at, _)| at + 1).collect()
}

fn head_of(journal: &[u8], seq: usize) -> Vec<u8> {
    let line = journal
        .split(|byte| *byte == b'\n')
        .nth(seq)
        .expect("the line");
    let sha256 = Digest::of(line);
    format!("{{\"seq\":{seq},\"sha256\":\"{sha256}\"}}\n").into_bytes()
}

fn corrupt<T: std::fmt::Debug>(outcome: Result<T, JournalError>) -> Corrupt {
    match outcome {
        Err(JournalError::Corrupt(corrupt)) => corrupt,
        other => panic!("not corrupt: {other:?}"),
    }
}

fn reader(disk: &SimulatedDisk) -> JournalReader {
    store(disk).reader(&run_id()).expect("the run")
}

#[test]
fn f3_every_prefix_that_head_covers_no_more_is_refused() {
    let counts = FaultCounts::new(3, "a journal is cut at a byte that HEAD covers");
    let (disk, journal) = seven_lines();
    for length in 0..journal.len() {
        counts.injected();
        disk.tamper(&path("journal.jsonl"), &journal[..length]);
        let before = files(&disk, Path::new("runs"));
        let corrupt = corrupt(store(&disk).open(&run_id()));
        assert_eq!(corrupt.file, "journal.jsonl", "{length}: {corrupt}");
        let line = line_ends(&journal[..length]).len() as u64 + 1;
        assert_eq!(corrupt.line, Some(line), "{length}: {corrupt}");
        disk.restart();
        assert!(before == without_lock(&disk, &before), "{length}: touched");
    }
}

/// The files of a run, LOCK as it was before: it says who looked last.
fn without_lock(
    disk: &SimulatedDisk,
    before: &BTreeMap<PathBuf, Vec<u8>>,
) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut now = files(disk, Path::new("runs"));
    let lock = path("LOCK");
    now.insert(lock.clone(), before[&lock].clone());
    now
}

#[test]
fn f3_every_prefix_beyond_head_is_kept_by_whole_lines_and_the_rest_set_aside() {
    let counts = FaultCounts::new(3, "a journal is cut at a byte beyond HEAD");
    let (disk, journal) = seven_lines();
    let ends = line_ends(&journal);
    for length in ends[2]..=journal.len() {
        counts.injected();
        disk.restart();
        for torn in disk.list(&path("torn")).expect("listed") {
            disk.remove(&path("torn").join(torn.name)).expect("removed");
        }
        disk.tamper(&path("HEAD"), &head_of(&journal, 2));
        disk.tamper(&path("journal.jsonl"), &journal[..length]);
        let whole = line_ends(&journal[..length]);
        let end = *whole.last().expect("three lines at least");
        let (run, recovery) = store(&disk).open(&run_id()).expect("recovered");
        drop(run);
        assert_eq!(recovery.kept, whole.len() as u64 - 3, "{length}");
        assert_eq!(content(&disk, "journal.jsonl"), &journal[..end], "{length}");
        assert_eq!(content(&disk, "HEAD"), head_of(&journal, whole.len() - 1));
        let torn = recovery
            .torn
            .map(|torn| (content(&disk, &torn.file), torn.file));
        let expected = (length > end).then(|| {
            let file = format!("torn/{}", whole.len());
            (journal[end..length].to_vec(), file)
        });
        assert_eq!(torn, expected, "{length}");
    }
}

#[test]
fn two_pieces_torn_off_at_one_line_are_both_kept() {
    let (disk, journal) = seven_lines();
    for (piece, file) in [
        ("first", "torn/7"),
        ("second", "torn/7-2"),
        ("first", "torn/7"),
    ] {
        let mut torn = journal.clone();
        torn.extend_from_slice(piece.as_bytes());
        disk.tamper(&path("journal.jsonl"), &torn);
        let (_, recovery) = store(&disk).open(&run_id()).expect("recovered");
        assert_eq!(recovery.torn.expect("torn").file, file);
        assert_eq!(content(&disk, file), piece.as_bytes());
    }
}

/// A small sealed run.
fn sealed_run(disk: &SimulatedDisk) {
    let mut run = store(disk).create(&run_id()).expect("created");
    run.append(at(0), &created()).expect("appended");
    run.blobs().put(b"evidence").expect("put");
    let mut ledger = run.unit_ledger(1, "cut").expect("ledger");
    ledger.push(&check(1)).expect("row");
    ledger.finish().expect("ledger");
    run.append(at(1), &check(1)).expect("appended");
    run.append(at(2), &sealed()).expect("appended");
    run.write_file("kb/report.json", b"{}\n").expect("written");
    run.write_file("sidecar.json", b"{}\n").expect("written");
    run.seal().expect("sealed");
}

#[test]
fn f4_no_flipped_bit_of_any_file_is_accepted_and_each_is_named() {
    let disk = SimulatedDisk::new();
    sealed_run(&disk);
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let run = DirectoryStore::run_path(&run_id());
    let untouched = verify_files(&storage, &run).expect("verified");
    assert_eq!(untouched.findings, []);
    assert_eq!(untouched.blobs, 1);
    let counts = FaultCounts::new(4, "a bit of a small run is flipped, every one");
    for (path, content) in files(&disk, &run) {
        let file = path.strip_prefix(&run).expect("of the run");
        let file = file.to_string_lossy().into_owned();
        if file == "LOCK" {
            continue;
        }
        for bit in 0..content.len() * 8 {
            let mut flipped = content.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            disk.tamper(&path, &flipped);
            let findings = verify_files(&storage, &run).expect("verified").findings;
            let named = findings.iter().find(|finding| finding.file == file);
            let named = named.unwrap_or_else(|| panic!("{file}, bit {bit}: {findings:?}"));
            if file == "journal.jsonl" {
                let line = line_ends(&content[..bit / 8]).len() as u64 + 1;
                let expected = (Some(line), Some(bit as u64 / 8));
                assert_eq!((named.line, named.byte), expected, "bit {bit}: {named}");
                assert!(matches!(
                    reader(&disk).verify(),
                    Err(JournalError::Corrupt(_))
                ));
            }
            counts.injected();
        }
        disk.tamper(&path, &content);
    }
    let (flips, _) = counts.so_far();
    assert!(flips > 9_000, "{flips}");
    assert_eq!(verify_files(&storage, &run).expect("verified"), untouched);
}

#[rstest]
#[case::dropped(&[0, 1, 2, 4, 5, 6], 4)]
#[case::duplicated(&[0, 1, 2, 3, 3, 4, 5, 6], 5)]
#[case::swapped(&[0, 1, 2, 4, 3, 5, 6], 4)]
#[case::first_dropped(&[1, 2, 3, 4, 5, 6], 1)]
#[case::last_dropped(&[0, 1, 2, 3, 4, 5], 7)]
fn f5_lines_that_are_not_the_ones_written_are_named(#[case] order: &[usize], #[case] line: u64) {
    let counts = FaultCounts::new(5, "lines of a journal are dropped, doubled or swapped");
    counts.injected();
    let (disk, journal) = seven_lines();
    let lines: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
    let changed: Vec<u8> = order
        .iter()
        .flat_map(|line| lines[*line].to_vec())
        .collect();
    disk.tamper(&path("journal.jsonl"), &changed);
    let found = corrupt(reader(&disk).verify());
    assert_eq!(
        (found.file.as_str(), found.line),
        ("journal.jsonl", Some(line)),
        "{found}"
    );
    assert_eq!(corrupt(store(&disk).open(&run_id())), found);
}

#[test]
fn f5_a_foreign_record_is_named_even_where_it_fits_the_line_before() {
    let (disk, journal) = seven_lines();
    let text = String::from_utf8(journal).expect("ASCII");
    let foreign = text.replace("\"n\":3}", "\"n\":33}");
    assert_ne!(text, foreign);
    disk.tamper(&path("journal.jsonl"), foreign.as_bytes());
    assert_eq!(corrupt(reader(&disk).verify()).line, Some(4));
    let foreign = text.replace("\"n\":6}", "\"n\":66}");
    disk.tamper(&path("journal.jsonl"), foreign.as_bytes());
    assert_eq!(corrupt(reader(&disk).verify()).line, Some(7));
}

#[test]
fn f5_a_tail_of_zeros_is_set_aside_and_never_accepted_after_the_seal() {
    let (disk, journal) = seven_lines();
    let mut zeros = journal.clone();
    zeros.extend([0; 5000]);
    disk.tamper(&path("journal.jsonl"), &zeros);
    let (_, recovery) = store(&disk).open(&run_id()).expect("recovered");
    assert_eq!(recovery.torn.expect("torn").bytes, 5000);
    assert_eq!(content(&disk, "journal.jsonl"), journal);
    assert_eq!(content(&disk, "torn/7"), vec![0; 5000]);

    let disk = SimulatedDisk::new();
    let mut run = store(&disk).create(&run_id()).expect("created");
    run.append(at(0), &created()).expect("appended");
    run.append(at(1), &sealed()).expect("appended");
    drop(run);
    let mut journal = content(&disk, "journal.jsonl");
    let end = journal.len() as u64;
    journal.push(0);
    disk.tamper(&path("journal.jsonl"), &journal);
    let found = corrupt(store(&disk).open(&run_id()));
    assert_eq!((found.line, found.byte), (Some(3), Some(end)), "{found}");
}

#[test]
fn f5_head_newer_missing_or_of_another_line_is_refused() {
    let (disk, journal) = seven_lines();
    let head = content(&disk, "HEAD");
    let newer = String::from_utf8(head.clone())
        .expect("ASCII")
        .replace(":6,", ":7,");
    disk.tamper(&path("HEAD"), newer.as_bytes());
    assert_eq!(corrupt(store(&disk).open(&run_id())).file, "HEAD");

    let other = String::from_utf8(head)
        .expect("ASCII")
        .replace(":6,", ":4,");
    disk.tamper(&path("HEAD"), other.as_bytes());
    assert_eq!(corrupt(store(&disk).open(&run_id())).file, "HEAD");

    disk.remove(&path("HEAD")).expect("removed");
    assert_eq!(corrupt(store(&disk).open(&run_id())).file, "HEAD");

    let ends = line_ends(&journal);
    disk.tamper(&path("journal.jsonl"), &journal[..ends[0]]);
    let (_, recovery) = store(&disk)
        .open(&run_id())
        .expect("a run that died before its first HEAD");
    assert_eq!(recovery.kept, 1);

    disk.remove(&path("journal.jsonl")).expect("removed");
    assert_eq!(corrupt(store(&disk).open(&run_id())).file, "journal.jsonl");
}

#[test]
fn f5_an_older_head_is_moved_forward_while_running_and_refused_after_the_seal() {
    let (disk, journal) = seven_lines();
    disk.tamper(&path("HEAD"), &head_of(&journal, 4));
    let summary = reader(&disk).verify().expect("a crash looks the same");
    assert_eq!((summary.acknowledged, summary.lines), (5, 7));
    let (_, recovery) = store(&disk).open(&run_id()).expect("recovered");
    assert_eq!(recovery.kept, 2);

    let disk = SimulatedDisk::new();
    sealed_run(&disk);
    let journal = content(&disk, "journal.jsonl");
    disk.tamper(&path("HEAD"), &head_of(&journal, 1));
    assert_eq!(corrupt(reader(&disk).verify()).file, "HEAD");
}

#[test]
fn f23_a_newer_version_is_refused_with_the_remedy_and_left_as_it_is() {
    for newer in ["{\"v\":2,\"whatever\":true}", "{\"v\":2,\"seq\":7"] {
        let (disk, mut journal) = seven_lines();
        journal.extend_from_slice(newer.as_bytes());
        journal.push(b'\n');
        disk.tamper(&path("journal.jsonl"), &journal);
        let error = store(&disk).open(&run_id()).expect_err("newer");
        assert!(
            matches!(error, JournalError::NewerVersion { found: 2, .. }),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains("open the run with the drygate that wrote it")
        );
        assert_eq!(content(&disk, "journal.jsonl"), journal);
    }
}

#[test]
fn nothing_is_appended_after_run_sealed_and_nothing_opened_after_the_manifest() {
    let disk = SimulatedDisk::new();
    let mut run = store(&disk).create(&run_id()).expect("created");
    run.append(at(0), &created()).expect("appended");
    let unsealed = store(&disk).is_sealed(&run_id()).expect("asked");
    let early = run
        .append_all(at(1), &[sealed(), check(1)])
        .expect_err("a line after the seal");
    assert!(matches!(early, JournalError::Sealed { .. }), "{early}");
    run.append(at(1), &sealed()).expect("appended");
    let late = run.append(at(2), &check(1)).expect_err("sealed");
    assert!(matches!(late, JournalError::Sealed { .. }), "{late}");
    drop(run);

    let (mut run, _) = store(&disk)
        .open(&run_id())
        .expect("a resume adds what is missing");
    let late = run.append(at(2), &check(1)).expect_err("sealed");
    assert!(matches!(late, JournalError::Sealed { .. }), "{late}");
    run.write_file("sidecar.json", b"{}\n").expect("written");
    run.seal().expect("sealed");
    assert!(!unsealed && store(&disk).is_sealed(&run_id()).expect("asked"));

    let before = files(&disk, Path::new("runs"));
    let operations = disk.operations();
    let error = store(&disk).open(&run_id()).expect_err("sealed");
    assert!(matches!(error, JournalError::Sealed { .. }), "{error}");
    assert_eq!(
        operations,
        disk.operations(),
        "a sealed run was opened for writing"
    );
    assert!(before == files(&disk, Path::new("runs")));
}

#[test]
fn a_run_that_has_not_ended_cannot_be_sealed() {
    let disk = SimulatedDisk::new();
    let mut run = store(&disk).create(&run_id()).expect("created");
    run.append(at(0), &created()).expect("appended");
    let error = run.seal().expect_err("no run_sealed");
    assert!(matches!(error, JournalError::NotEnded { .. }), "{error}");
}

#[test]
fn what_a_crash_leaves_of_a_replacement_is_cleaned_and_no_evidence() {
    let disk = SimulatedDisk::new();
    sealed_run(&disk);
    for file in [".tmp-HEAD", "blobs/.tmp-blob", "units/.tmp-2-cut.jsonl"] {
        drop(disk.create(&path(file)).expect("created"));
    }
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let verified = verify_files(&storage, &DirectoryStore::run_path(&run_id())).expect("verified");
    assert_eq!(verified.findings, []);

    disk.remove(&path(MANIFEST)).expect("removed");
    disk.restart();
    let (run, _) = store(&disk).open(&run_id()).expect("opened");
    drop(run);
    let left = files(&disk, Path::new("runs"));
    assert!(
        !left
            .keys()
            .any(|path| path.to_string_lossy().contains(".tmp-")),
        "{left:?}"
    );
}

#[test]
fn extra_and_missing_files_are_named() {
    let disk = SimulatedDisk::new();
    sealed_run(&disk);
    drop(disk.create(&path("kb/extra.md")).expect("created"));
    disk.remove(&path("sidecar.json")).expect("removed");
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let findings = verify_files(&storage, &DirectoryStore::run_path(&run_id())).expect("verified");
    let named: Vec<&str> = findings
        .findings
        .iter()
        .map(|finding| finding.file.as_str())
        .collect();
    assert_eq!(named, ["kb/extra.md", MANIFEST, "sidecar.json"]);
}

#[test]
fn a_follower_sees_each_durable_line_once() {
    let disk = SimulatedDisk::new();
    let mut run = store(&disk).create(&run_id()).expect("created");
    let mut follower = run.reader().follow(ChainPosition::start());
    assert_eq!(follower.poll::<Event>().expect("nothing yet"), []);
    run.append(at(0), &created()).expect("appended");
    let events = |entries: Vec<JournalEntry<Event>>| -> Vec<Event> {
        entries.into_iter().map(|entry| entry.event).collect()
    };
    assert_eq!(events(follower.poll().expect("polled")), [created()]);
    run.append_all(at(1), &[check(1), check(2)])
        .expect("appended");
    assert_eq!(
        events(follower.poll().expect("polled")),
        [check(1), check(2)]
    );
    assert_eq!(follower.poll::<Event>().expect("polled"), []);

    // A line that is on the disk and not covered by HEAD is not shown.
    disk.fail_at(disk.operations() + 2, InjectedFailure::ForEver);
    assert!(run.append(at(2), &check(3)).is_err());
    assert!(disk.fired());
    assert_eq!(follower.poll::<Event>().expect("polled"), []);
    assert_eq!(run.reader().entries::<Event>().expect("read").len(), 4);
}

#[test]
fn blobs_are_written_once_and_never_believed() {
    let disk = SimulatedDisk::new();
    let run = store(&disk).create(&run_id()).expect("created");
    let blobs = run.blobs();
    let sha256 = blobs.put(b"evidence").expect("put");
    assert_eq!(blobs.get(&sha256).expect("got"), b"evidence");
    assert_eq!(blobs.put(b"evidence").expect("again"), sha256);
    let file = format!("blobs/{sha256}");
    disk.tamper(&path(&file), b"evidencE");
    assert_eq!(corrupt(blobs.get(&sha256)).file, file);
    assert_eq!(corrupt(blobs.put(b"evidence")).file, file);
    assert_eq!(content(&disk, &file), b"evidencE", "a blob was rewritten");
    assert_eq!(corrupt(blobs.get(&Digest::of("absent"))).what, "is missing");
}

#[test]
fn a_step_done_again_replaces_its_ledger_whole() {
    let disk = SimulatedDisk::new();
    let run = store(&disk).create(&run_id()).expect("created");
    let write = |rows: u32| {
        let mut ledger = run.unit_ledger(1, "verify").expect("begun");
        for n in 0..rows {
            ledger.push(&check(n)).expect("pushed");
        }
        ledger
    };
    let first = write(20_000).finish().expect("finished");
    drop(write(10));
    assert_eq!(content(&disk, &first.file).len() as u64, first.bytes);
    assert_eq!(Digest::of(content(&disk, &first.file)), first.sha256);
    let second = write(3).finish().expect("finished");
    assert_eq!(
        (second.file.as_str(), second.rows),
        ("units/1-verify.jsonl", 3)
    );
    assert_eq!(Digest::of(content(&disk, &second.file)), second.sha256);
}

#[test]
fn runs_are_listed_by_when_they_began_and_made_once() {
    let disk = SimulatedDisk::new();
    let store = store(&disk);
    let ids = [
        "zzz-20260520T000000Z-00000001",
        "ictr-20260521T021523Z-ffffffff",
        "ictr-20260521T021523Z-0a1b2c3d",
    ];
    let ids = ids.map(|id| id.parse::<RunId>().expect("a run id"));
    for (second, id) in (0..).zip(&ids) {
        let mut run = store.create(id).expect("created");
        run.append(at(second), &created()).expect("appended");
    }
    disk.create_dir(Path::new("runs/not-a-run")).expect("made");
    assert_eq!(store.runs().expect("listed"), ids);
    assert!(store.create(&ids[0]).is_err(), "a run was made twice");
}

#[test]
fn the_event_of_a_run_is_written_and_read_and_its_last_one_seals() {
    let disk = SimulatedDisk::new();
    let mut run = store(&disk).create(&run_id()).expect("created");
    let returned = run::Event::InvocationReturned(run::InvocationReturned {
        r: 3,
        state: run::State::CloseoutReported,
        stop_code: None,
    });
    let line = run.append(at(0), &returned).expect("appended").line;
    let fields =
        r#""event":"invocation_returned","r":3,"state":"closeout_reported","stop_code":null}"#;
    assert!(line.ends_with(fields), "{line}");
    let sealed = run::Event::RunSealed(run::RunSealed {
        result: "O4_LIVE_DRYRUN_ORCHESTRATION_PASS".to_owned(),
        outcome: run::RunResult::Pass,
        exit_code: 0,
        stop_code: None,
        template_version: 1,
        reports: vec![("07.md".to_owned(), Digest::of("report"))],
    });
    run.append(at(1), &sealed).expect("appended");
    let more = run.append(at(2), &returned);
    assert!(matches!(more, Err(JournalError::Sealed { .. })), "{more:?}");
    let entries = run.reader().entries::<run::Event>().expect("read");
    let events: Vec<run::Event> = entries.into_iter().map(|entry| entry.event).collect();
    assert_eq!(events, [returned, sealed]);
}

// From here on: the real disk.

struct Home {
    directory: tempfile::TempDir,
    store: DirectoryStore,
}

fn home() -> Home {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = DirectoryStore::new(&directory.path().join("home"), Permissions::private());
    let store = store.expect("a store");
    Home { directory, store }
}

impl Home {
    fn file(&self, file: &str) -> PathBuf {
        self.directory.path().join("home").join(path(file))
    }

    fn sealed_run(&self) {
        let mut run = self.store.create(&run_id()).expect("created");
        run.append(at(0), &created()).expect("appended");
        run.blobs().put(b"evidence").expect("put");
        run.append_all(at(1), &[check(1), sealed()])
            .expect("appended");
        run.write_file("kb/report.json", b"{}\n").expect("written");
        run.seal().expect("sealed");
    }
}

const CHECK_THE_CHAIN: &str = r#"
import hashlib, json, sys
previous, number = "0" * 64, 0
for line in open(sys.argv[1] + "/journal.jsonl", "rb"):
    assert line.endswith(b"\n"), "a torn line"
    entry = json.loads(line)
    assert (entry["seq"], entry["prev"]) == (number, previous), "line %d" % (number + 1)
    previous, number = hashlib.sha256(line[:-1]).hexdigest(), number + 1
head = json.load(open(sys.argv[1] + "/HEAD"))
assert head == {"seq": number - 1, "sha256": previous}, "HEAD"
print(number)
"#;

#[test]
fn ten_lines_of_python_check_the_chain() {
    let home = home();
    home.sealed_run();
    let python = |directory: &Path| {
        let mut command = Command::new("python3");
        let output = command
            .arg("-c")
            .arg(CHECK_THE_CHAIN)
            .arg(directory)
            .output();
        output.expect("this test needs python3")
    };
    let output = python(&home.file(""));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"3\n");
    let journal = home.file("journal.jsonl");
    let text = fs::read_to_string(&journal).expect("read");
    fs::write(&journal, text.replace("\"n\":1", "\"n\":2")).expect("written");
    assert!(
        !python(&home.file("")).status.success(),
        "the script accepts anything"
    );
}

#[test]
fn sha256sum_checks_the_manifest() {
    let home = home();
    home.sealed_run();
    let sha256sum = || {
        let mut command = Command::new("sha256sum");
        command
            .args(["-c", "--strict", MANIFEST])
            .current_dir(home.file(""));
        command.output().expect("this test needs sha256sum")
    };
    let output = sha256sum();
    assert!(output.status.success(), "{output:?}");
    let checked = String::from_utf8(output.stdout).expect("UTF-8");
    for file in ["HEAD: OK", "journal.jsonl: OK", "kb/report.json: OK"] {
        assert!(checked.contains(file), "{checked}");
    }
    assert!(!checked.contains("LOCK"), "{checked}");
    fs::write(home.file("kb/report.json"), "{} \n").expect("written");
    assert!(!sha256sum().status.success());
}

#[test]
fn nobody_else_may_read_and_nothing_is_written_elsewhere() {
    let home = home();
    home.sealed_run();
    let root = home.directory.path().join("home");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
    let storage = home.store.storage();
    for file in files(&**storage, Path::new("runs")).keys() {
        assert_eq!(mode(&root.join(file)), 0o600, "{}", file.display());
    }
    for directory in ["", "runs"] {
        assert_eq!(mode(&root.join(directory)), 0o700);
    }
    assert_eq!(mode(&home.file("blobs")), 0o700);
    let written = storage.written_paths();
    assert!(written.contains(&home.file("journal.jsonl")), "{written:?}");
    assert!(written.iter().all(|path| path.starts_with(&root)));
    for path in ["../outside", "/tmp/outside", "runs/../../outside"] {
        assert!(storage.create(Path::new(path)).is_err());
    }
    assert_eq!(storage.written_paths(), written);
}

#[test]
fn a_shared_store_gives_files_to_the_group_whatever_the_umask_is() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let group = fs::metadata(directory.path()).expect("there").gid();
    let store = DirectoryStore::new(directory.path(), Permissions::shared(group)).expect("a store");
    let mut run = store.create(&run_id()).expect("created");
    run.append(at(0), &created()).expect("appended");
    let mode = |file: &str| {
        let path = directory.path().join(path(file));
        fs::metadata(path).expect("there").permissions().mode() & 0o7777
    };
    assert_eq!(
        (mode("journal.jsonl"), mode("HEAD"), mode("LOCK")),
        (0o660, 0o660, 0o660)
    );
    assert_eq!((mode(""), mode("blobs")), (0o2770, 0o2770));
}

#[test]
fn links_are_not_followed() {
    let home = home();
    let mut run = home.store.create(&run_id()).expect("created");
    run.append(at(0), &created()).expect("appended");
    drop(run);
    let terminal_actions = home.directory.path().join("outside");
    fs::create_dir(&terminal_actions).expect("made");
    fs::remove_dir(home.file("blobs")).expect("removed");
    symlink(&terminal_actions, home.file("blobs")).expect("linked");
    assert!(
        home.store.open(&run_id()).is_err(),
        "a linked directory was taken"
    );
    fs::remove_file(home.file("blobs")).expect("removed");
    fs::rename(
        home.file("journal.jsonl"),
        terminal_actions.join("journal.jsonl"),
    )
    .expect("moved");
    symlink(
        terminal_actions.join("journal.jsonl"),
        home.file("journal.jsonl"),
    )
    .expect("linked");
    assert!(
        home.store.open(&run_id()).is_err(),
        "a linked journal was taken"
    );
}

#[test]
fn f7_a_directory_deleted_underneath_is_not_acknowledged() {
    let home = home();
    let mut run = home.store.create(&run_id()).expect("created");
    run.append(at(0), &created()).expect("appended");
    fs::remove_dir_all(home.file("")).expect("removed");
    assert!(run.append(at(1), &check(1)).is_err());
    assert!(run.append(at(2), &check(2)).is_err());
}

/// Not a test of its own: the other process of the lock tests.
#[test]
fn holder() {
    let Ok(home) = std::env::var("JOURNAL_TEST_HOME") else {
        return;
    };
    let store = DirectoryStore::new(Path::new(&home), Permissions::private()).expect("a store");
    let run = store.open(&run_id()).expect("the lock is free");
    let mut stdout = std::io::stdout();
    stdout
        .write_all(b"\nheld\n")
        .and_then(|()| stdout.flush())
        .expect("the other side listens");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("until told");
    drop(run);
}

struct Holder(std::process::Child);

impl Holder {
    fn start(home: &Home) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", "holder", "--nocapture"]);
        command.env("JOURNAL_TEST_HOME", home.directory.path().join("home"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("started");
        let stdout = child.stdout.take().expect("piped");
        let held = |line: std::io::Result<String>| line.is_ok_and(|line| line == "held");
        assert!(
            BufReader::new(stdout).lines().any(held),
            "the other process has no lock"
        );
        Self(child)
    }

    fn kill(mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("gone");
    }
}

fn run_to_share() -> Home {
    let home = home();
    let mut run = home.store.create(&run_id()).expect("created");
    run.append(at(0), &created()).expect("appended");
    home
}

fn locked(opened: Result<impl Sized, JournalError>) -> (Option<u32>, Option<String>) {
    match opened {
        Err(JournalError::Locked { pid, host, .. }) => (pid, host),
        Err(other) => panic!("not locked: {other}"),
        Ok(_) => panic!("two processes own one run"),
    }
}

#[test]
fn f8_one_process_wins_the_other_learns_who_and_the_kernel_frees_the_lock_on_death() {
    let home = run_to_share();
    let holder = Holder::start(&home);
    let (pid, host) = locked(home.store.open(&run_id()));
    assert_eq!(pid, Some(holder.0.id()));
    assert!(host.is_some_and(|host| !host.is_empty()));
    assert!(
        home.store
            .reader(&run_id())
            .expect("readable")
            .verify()
            .is_ok()
    );
    holder.kill();
    assert!(home.file("LOCK").exists());
    home.store
        .open(&run_id())
        .expect("the lock of a dead process");
}

#[test]
fn f8_deleting_or_replacing_lock_makes_no_second_owner() {
    for replace in [false, true] {
        let home = run_to_share();
        let holder = Holder::start(&home);
        fs::remove_file(home.file("LOCK")).expect("removed");
        if replace {
            fs::write(home.file("LOCK"), "").expect("written");
        }
        assert_eq!(locked(home.store.open(&run_id())), (None, None));
        holder.kill();
        home.store
            .open(&run_id())
            .expect("the lock of a dead process");
    }
}

#[test]
fn f8_an_owner_whose_lock_was_taken_away_writes_no_more() {
    type Harm = fn(&Path);
    let delete: Harm = |lock| fs::remove_file(lock).expect("removed");
    let replace: Harm = |lock| {
        fs::remove_file(lock).expect("removed");
        fs::write(lock, "").expect("written");
    };
    let link: Harm = |lock| fs::hard_link(lock, lock.with_file_name("other")).expect("linked");
    for harm in [delete, replace, link] {
        let home = run_to_share();
        let (mut run, _) = home.store.open(&run_id()).expect("opened");
        harm(&home.file("LOCK"));
        let before = fs::read(home.file("journal.jsonl")).expect("read");
        let error = run.append(at(1), &check(1)).expect_err("the lock is lost");
        assert!(matches!(error, JournalError::LockLost { .. }), "{error}");
        assert_eq!(before, fs::read(home.file("journal.jsonl")).expect("read"));
    }
}

#[test]
fn f8_a_lock_with_two_names_is_refused() {
    let home = run_to_share();
    fs::hard_link(home.file("LOCK"), home.file("other")).expect("linked");
    let error = home.store.open(&run_id()).expect_err("linked");
    assert!(error.to_string().contains("second name"), "{error}");
}

#[test]
fn the_lock_is_given_back_when_dropped() {
    let home = run_to_share();
    let storage: Arc<dyn Storage> = home.store.storage().clone();
    let run = DirectoryStore::run_path(&run_id());
    let lock = RunLock::acquire(storage.clone(), &run).expect("free");
    let (pid, _) = locked(RunLock::acquire(storage.clone(), &run));
    assert_eq!(pid, Some(std::process::id()));
    drop(lock);
    RunLock::acquire(storage, &run).expect("free again");
}

#[test]
fn a_directory_can_be_verified_where_it_lies() {
    let home = home();
    home.sealed_run();
    let storage = DiskStorage::open(&home.file(""), Permissions::private()).expect("opened");
    let storage: Arc<dyn Storage> = Arc::new(storage);
    let verified = verify_files(&storage, Path::new("")).expect("verified");
    assert_eq!(
        (verified.findings, verified.blobs, verified.manifest),
        (vec![], 1, true)
    );
    assert!(verified.journal.is_some_and(|journal| journal.sealed));
    assert!(
        storage.written_paths().is_empty(),
        "verifying wrote something"
    );
    assert!(RunDirectory::open(storage, Path::new("")).is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn reading_leaves_the_time_of_access_alone() {
    use std::time::{Duration, UNIX_EPOCH};

    let home = home();
    home.sealed_run();
    let storage = DiskStorage::open(&home.file(""), Permissions::private()).expect("opened");
    let journal = home.file("journal.jsonl");
    // Long before it was written: any other read would move it, unless the file system never does.
    let long_ago = UNIX_EPOCH + Duration::from_secs(1);
    let times = fs::FileTimes::new().set_accessed(long_ago);
    let file = fs::File::open(&journal).expect("a journal");
    file.set_times(times).expect("our own file");
    let read = storage.read(Path::new("journal.jsonl")).expect("read");
    assert!(read.is_some_and(|bytes| !bytes.is_empty()));
    assert_eq!(fs::metadata(&journal).expect("a file").atime(), 1);
}

/// Not a test of its own: writes until the limit on the length of a file is met, and tells what was acknowledged.
#[test]
fn writer_at_a_limit() {
    let Ok(home) = std::env::var("JOURNAL_TEST_HOME") else {
        return;
    };
    let store = DirectoryStore::new(Path::new(&home), Permissions::private()).expect("a store");
    let (mut run, _) = store.open(&run_id()).expect("opened");
    let mut stdout = std::io::stdout();
    for n in 0.. {
        let Ok(appended) = run.append(at(1), &check(n)) else {
            let again = run.append(at(2), &check(n)).expect_err("poisoned");
            assert!(matches!(again, JournalError::Poisoned { .. }), "{again}");
            break;
        };
        let line = format!("\nacknowledged {}\n", appended.line);
        stdout
            .write_all(line.as_bytes())
            .expect("the other side listens");
    }
}

#[test]
fn f7_a_file_size_limit_is_met_and_a_resume_goes_on_when_it_is_lifted() {
    let home = run_to_share();
    let mut command = Command::new("sh");
    command.arg("-c");
    command.arg("trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact writer_at_a_limit --nocapture");
    command.arg(std::env::current_exe().expect("this test"));
    command.env("JOURNAL_TEST_HOME", home.directory.path().join("home"));
    let output = command.output().expect("sh");
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("acknowledged "));
    let acknowledged: Vec<&str> = lines.collect();
    assert!(acknowledged.len() > 10, "{stdout}");

    let (mut run, recovery) = home.store.open(&run_id()).expect("recovered");
    assert!(
        recovery.torn.is_some() || recovery.kept > 0,
        "the limit was not met: {recovery:?}"
    );
    run.append(at(3), &check(0)).expect("there is room again");
    let journal = fs::read_to_string(home.file("journal.jsonl")).expect("read");
    let written: Vec<&str> = journal.lines().skip(1).collect();
    assert!(
        written.starts_with(&acknowledged),
        "an acknowledged line is lost"
    );
}
