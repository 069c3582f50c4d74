//! The index of runs: it says what the journals say, reads what it must and no more, and losing it loses nothing.

#[path = "screens/home.rs"]
mod home;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use drygate::journal::{RunIndex, RunStore};
use drygate::run::{
    ApprovalGate, Decision, Event, EvidenceRenewed, RenewalReason, RunFilter, RunOrder, RunResult,
    RunRow, RunSort, RunStatus, State, StopCode,
};
use drygate::survey::UtcTime;
use rstest::rstest;
use tempfile::TempDir;

use drygate::testing::ScriptedRun;
use home::{Home, flip};

const PASS: &str = "ictr-20261120T080000Z-00000001";
const WAITS: &str = "ictr-20261122T091402Z-00000002";
const DRIFTS: &str = "ictr-20261121T101500Z-00000003";
const REJECTED: &str = "ictr-20261119T070000Z-00000004";

fn home() -> (TempDir, Home) {
    let place = tempfile::tempdir().expect("a folder");
    let home = Home::at(&place.path().join("data"));
    home.write(&passed(), PASS, &|_| {});
    home.write(&ScriptedRun::at_sg1(false), WAITS, &|_| {});
    home.write(&ScriptedRun::drifted(), DRIFTS, &|_| {});
    home.write(&rejected(), REJECTED, &|created| {
        "STAGING".clone_into(&mut created.target.label);
        "staging".clone_into(&mut created.target.host);
    });
    (place, home)
}

fn passed() -> ScriptedRun {
    let mut script = ScriptedRun::at_sg2(false);
    script.closes().seals(RunResult::Pass, None);
    script
}

fn rejected() -> ScriptedRun {
    let mut script = ScriptedRun::at_sg1(false);
    script
        .decides(Decision::Reject, "op_b", Some("not on a Friday"))
        .becomes(State::Rejected)
        .returns(Some(StopCode::StopApprovalRejected))
        .ends(RunResult::Rejected, Some(StopCode::StopApprovalRejected));
    script
}

fn row<'a>(rows: &'a [RunRow], name: &str) -> &'a RunRow {
    let found = rows.iter().find(|row| row.name == name);
    found.unwrap_or_else(|| panic!("{name} is not among {rows:?}"))
}

fn ordered(rows: &[RunRow], order: RunOrder) -> Vec<&str> {
    let mut listed: Vec<&RunRow> = rows.iter().collect();
    order.apply(&mut listed);
    listed.iter().map(|row| row.name.as_str()).collect()
}

#[test]
fn a_row_says_what_the_journal_says() {
    let (_place, home) = home();
    let (rows, _) = home.rows();
    let RunStatus::Run(waits) = &row(&rows, WAITS).standing else {
        panic!("a run");
    };
    assert_eq!(waits.situation(), "waits at SG1");
    assert_eq!(waits.waits_at, Some(ApprovalGate::SG1));
    assert_eq!(waits.stop_code, Some(StopCode::StopApprovalRequired));
    let later = waits.waiting_since().expect("it waits").plus_seconds(90);
    assert_eq!(waits.waits_for_s(later), Some(90));
    assert_eq!((waits.drifted, waits.failed()), (false, false));
    let RunStatus::Run(drifts) = &row(&rows, DRIFTS).standing else {
        panic!("a run");
    };
    assert_eq!(drifts.situation(), "drift at SG2");
    assert!(drifts.drifted && drifts.approvals.is_empty(), "{drifts:?}");
    let RunStatus::Run(pass) = &row(&rows, PASS).standing else {
        panic!("a run");
    };
    assert_eq!(pass.result_word(), Some("PASS"));
    assert_eq!(pass.approvers(), "SG1 op_a, SG2 opb");
    assert_eq!((pass.stop_code, pass.waiting_since()), (None, None));
    let RunStatus::Run(rejected) = &row(&rows, REJECTED).standing else {
        panic!("a run");
    };
    let why = ("op_b".to_owned(), "not on a Friday".to_owned());
    assert_eq!(rejected.rejection, Some(why));
    // A person's no is no failure; what had drifted before it is found among the drifts.
    assert!(rejected.rejected() && !rejected.failed() && !rejected.passed());
    assert!(pass.passed() && !pass.failed());
    let mut after_drift = row(&rows, REJECTED).clone();
    if let RunStatus::Run(run) = &mut after_drift.standing {
        run.drifted = true;
    }
    let shown = RunFilter::ALL.map(|filter| filter.shows(&after_drift));
    assert_eq!(shown, [true, false, false, true, false]);
    assert_eq!(rejected.target, "context_pack_readonly@staging/kb");
}

#[test]
fn a_run_is_read_once_and_again_only_when_it_went_on() {
    let (_place, home) = home();
    let (cold, read) = home.rows();
    assert_eq!(read, 4);
    let (warm, read) = home.rows();
    assert_eq!(read, 0, "no journal has changed, also of those that wait");
    assert_eq!(warm, cold);
    let waits = WAITS.parse().expect("a run id");
    let (mut directory, _) = home.store.open(&waits).expect("nobody holds it");
    let renewed = Event::EvidenceRenewed(EvidenceRenewed {
        gate: ApprovalGate::SG1,
        reason: RenewalReason::Expiry,
    });
    let at = UtcTime::from_unix_micros(1 << 51);
    directory.append(at, &renewed).expect("it is written");
    let (rows, read) = home.rows();
    assert_eq!(read, 1, "the one that went on");
    let records = |rows: &[RunRow]| match &row(rows, WAITS).standing {
        RunStatus::Run(run) => run.records,
        other => panic!("{other:?}"),
    };
    assert_eq!(records(&rows), records(&cold) + 1);
}

#[rstest]
#[case::deleted(&|cache: &Path| fs::remove_file(cache).expect("it was there"))]
#[case::emptied(&|cache: &Path| fs::write(cache, "").expect("it is written"))]
#[case::flipped_in_a_word(&|cache: &Path| {
    let text = fs::read_to_string(cache).expect("text");
    flip(cache, text.find("icx-const").expect("a profile") + 2);
})]
#[case::flipped_in_the_header(&|cache: &Path| flip(cache, 20))]
#[case::cut(&|cache: &Path| {
    let bytes = fs::read(cache).expect("a file");
    fs::write(cache, &bytes[..bytes.len() / 2]).expect("it is written");
})]
#[case::of_a_newer_version(&|cache: &Path| {
    let text = fs::read_to_string(cache).expect("text");
    fs::write(cache, text.replacen("{\"v\":", "{\"v\":9", 1)).expect("it is written");
})]
#[case::a_directory_of_that_name(&|cache: &Path| {
    fs::remove_file(cache).expect("it was there");
    fs::create_dir(cache).expect("a folder");
})]
fn a_cache_that_is_not_whole_is_made_anew_and_nothing_is_said(#[case] harm: &dyn Fn(&Path)) {
    let (_place, home) = home();
    let (before, _) = home.rows();
    harm(&home.cache());
    let (after, read) = home.rows();
    assert_eq!(read, 4, "every journal is read again");
    assert_eq!(after, before);
}

#[test]
fn what_the_cache_claims_of_a_changed_run_is_not_believed() {
    let (_place, home) = home();
    home.rows();
    let journal = home.path.join("runs").join(PASS).join("journal.jsonl");
    let length = fs::metadata(&journal).expect("a journal").len();
    flip(&journal, 700);
    assert_eq!(fs::metadata(&journal).expect("a journal").len(), length);
    let (rows, _) = home.rows();
    let standing = &row(&rows, PASS).standing;
    assert_eq!(standing.name(), "damaged");
    let reason = standing.reason().expect("a reason");
    assert!(reason.starts_with("journal.jsonl, line 1"), "{reason}");
    fs::remove_file(home.path.join("runs").join(REJECTED).join("HEAD")).expect("a HEAD");
    let (rows, _) = home.rows();
    let reason = row(&rows, REJECTED).standing.reason().map(str::to_owned);
    let reason = reason.expect("a reason");
    assert!(reason.starts_with("HEAD"), "{reason}");
}

#[test]
fn what_is_no_run_is_listed_as_what_it_is() {
    let (_place, home) = home();
    let runs = home.path.join("runs");
    fs::create_dir(runs.join("notes of op_a\u{1b}[31m")).expect("a folder");
    fs::write(runs.join("README"), "mine").expect("a file");
    symlink("/etc", runs.join("ictr-20261101T000000Z-0000000a")).expect("a link");
    fs::create_dir(runs.join("ictr-20261101T000000Z-0000000b")).expect("a folder");
    let copy = runs.join("ictr-20261101T000000Z-0000000c");
    fs::create_dir(&copy).expect("a folder");
    for file in ["journal.jsonl", "HEAD"] {
        fs::copy(runs.join(PASS).join(file), copy.join(file)).expect("a copy");
    }
    let newer = runs.join("ictr-20261101T000000Z-0000000d");
    fs::create_dir(&newer).expect("a folder");
    let journal = fs::read_to_string(runs.join(WAITS).join("journal.jsonl")).expect("text");
    let first = journal.lines().next().expect("a line");
    let first = first.replacen("{\"v\":1,", "{\"v\":99,", 1);
    fs::write(newer.join("journal.jsonl"), first + "\n").expect("a file");
    for _ in ["cold", "warm"] {
        let (rows, _) = home.rows();
        let says = |name: &str| {
            let standing = &row(&rows, name).standing;
            (
                standing.name(),
                standing.reason().unwrap_or_default().to_owned(),
            )
        };
        let foreign = |reason: &str| ("foreign", reason.to_owned());
        assert_eq!(
            says("notes of op_a\u{1b}[31m"),
            foreign("a directory whose name is no run id")
        );
        assert_eq!(says("README"), foreign("a file, not a run's directory"));
        assert_eq!(
            says("ictr-20261101T000000Z-0000000a"),
            foreign("a link, socket or device, not a run's directory")
        );
        assert_eq!(
            says("ictr-20261101T000000Z-0000000b"),
            (
                "never begun",
                "its process died before the first record; runs remove clears it".to_owned()
            )
        );
        let (standing, reason) = says("ictr-20261101T000000Z-0000000c");
        assert_eq!(standing, "damaged");
        assert_eq!(reason, format!("its journal is that of {PASS}"));
        let (standing, reason) = says("ictr-20261101T000000Z-0000000d");
        assert_eq!(standing, "newer format", "{reason}");
        assert!(reason.contains("version 99"), "{reason}");
        assert_eq!(rows.len(), 10);
        let shown = rows.iter().filter(|row| RunFilter::Damaged.shows(row));
        assert_eq!(shown.count(), 6);
    }
}

#[test]
fn what_waits_stands_first_in_every_order() {
    let (_place, home) = home();
    fs::create_dir(home.path.join("runs/zz")).expect("a folder");
    let (rows, _) = home.rows();
    // Drift stops since yesterday, SG1 since today: the longest wait first.
    for sort in RunSort::ALL {
        for reversed in [false, true] {
            let names = ordered(&rows, RunOrder { sort, reversed });
            assert_eq!(names[..2], [DRIFTS, WAITS], "{sort:?} {reversed}");
            assert_eq!(names.len(), 5, "nothing is lost");
            assert_eq!(names[4], "zz", "{sort:?} {reversed}");
        }
    }
    let newest = ordered(&rows, RunOrder::default());
    assert_eq!(newest, [DRIFTS, WAITS, PASS, REJECTED, "zz"]);
    let by_target = RunOrder {
        sort: RunSort::Target,
        reversed: true,
    };
    assert_eq!(ordered(&rows, by_target)[2..4], [REJECTED, PASS]);
}

#[test]
fn a_run_that_moved_on_is_told_anew() {
    let (_place, home) = home();
    let index = RunIndex::look(&home.store).expect("it lists");
    assert_eq!(index.rows().count(), 0, "nothing is known without a cache");
    home.rows();
    let mut index = RunIndex::look(&home.store).expect("it lists");
    assert_eq!(
        index.rows().count(),
        4,
        "everything is known from the cache"
    );
    let gone = home.path.join("runs").join(PASS);
    fs::rename(&gone, home.path.join("elsewhere")).expect("it is moved");
    index = RunIndex::look(&home.store).expect("it lists");
    assert_eq!(index.rows().count(), 3, "what is gone is not listed");
    let far = UtcTime::from_unix_micros(0);
    assert!(index.rows().all(|row| match &row.standing {
        RunStatus::Run(run) => run.started_at > far,
        _ => false,
    }));
}
