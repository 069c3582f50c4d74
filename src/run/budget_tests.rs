//! Tests of the budget of a run: which transactions count and when live reads pause to leave enough for approvals and closeout.

use serde_json::json;

use super::{Measure, RunBudget};
use crate::run::{Drift, Event, Purpose, RunState, State};
use crate::run::{TransactionClosed, TransactionOpened, TransactionUnseen};
use crate::survey::{Residue, TransactionProof, UtcTime};

fn at(second: i64) -> UtcTime {
    UtcTime::from_unix_micros(second * 1_000_000)
}

/// A run as its first record begins it, with this budget.
fn run(budget: RunBudget) -> RunState {
    let mut created = json!({
        "run_id": "ictr-20261122T091402Z-8a941203",
        "mode": "Mode.DRYRUN",
        "profile": "icx-const",
        "profile_sha256": "0".repeat(64),
        "result_prefix": "O4",
        "gate_labels": ["allow CUT", "allow ENACT"],
        "target": {
            "label": "PRODUCTION", "color": "red", "host": "db1", "port": 5432,
            "database": "kb", "user": "reader", "reconnect": "",
        },
        "by": {"user": "op_a", "uid": 1, "host": "ops1", "tty": null, "pid": 7, "signer": "StubSigning"},
        "approvals": {},
        "tool": {"version": "0.1.0", "binary_sha256": null},
        "boot_id": "boot",
        "repository": null,
    });
    if !budget.is_unlimited() {
        created["budget"] = json!(budget);
    }
    let created: Event = serde_json::from_value(json!({"run_created": created})).expect("an event");
    let written = serde_json::to_value(&created).expect("JSON");
    assert_eq!(
        written["run_created"].get("budget").is_some(),
        !budget.is_unlimited()
    );
    let mut run = RunState::default();
    run.apply(0, at(0), &created);
    run
}

fn proof(us: u64, rows: u64, bytes: u64) -> TransactionProof {
    let mut proof = TransactionProof {
        nonce: "n".to_owned(),
        nonce_at_end: "n".to_owned(),
        virtual_xid: "3/1".to_owned(),
        virtual_xid_at_end: "3/1".to_owned(),
        server_time: "now".to_owned(),
        server_time_at_end: "now".to_owned(),
        snapshot: "1:1:".to_owned(),
        read_only: Some(true),
        isolation: "repeatable read".to_owned(),
        search_path: String::new(),
        row_security: "off".to_owned(),
        xid_assigned: None,
        locks: Vec::new(),
        rows_written: Some(0),
        residue: Some(Residue::default()),
        carried: None,
        backend_wal_bytes: None,
        ended_by: "ROLLBACK".to_owned(),
        backend_pid: Some(9),
        unmeasured: Vec::new(),
        changed_while_read: Vec::new(),
        footprint: crate::survey::Footprint::default(),
    };
    proof.footprint.transaction_us = us;
    proof.footprint.rows = rows;
    proof.footprint.bytes = bytes;
    proof
}

fn open(run: &mut RunState, purpose: Purpose, second: i64) -> u64 {
    let id = run.transactions.len() as u64 + 1;
    let nonce = "n".to_owned();
    let opened = Event::TransactionOpened(TransactionOpened { id, purpose, nonce });
    run.apply(id * 2, at(second), &opened);
    id
}

fn cost(run: &mut RunState, purpose: Purpose, (us, rows, bytes): (u64, u64, u64)) {
    let id = open(run, purpose, 1);
    let proof = proof(us, rows, bytes).into();
    run.apply(
        id * 2 + 1,
        at(2),
        &Event::TransactionClosed(TransactionClosed { id, proof }),
    );
}

/// The same in a run for a screen, which drops what a transaction leaves behind when the next one is opened.
fn dropped_cost(run: &mut RunState, purpose: Purpose, costs: (u64, u64, u64)) {
    let id = run.transactions.last().map_or(1, |last| last.id + 1);
    let nonce = "n".to_owned();
    let opened = Event::TransactionOpened(TransactionOpened { id, purpose, nonce });
    run.apply(id * 2, at(1), &opened);
    run.set_read_aside(&opened);
    let proof = proof(costs.0, costs.1, costs.2).into();
    let closed = Event::TransactionClosed(TransactionClosed { id, proof });
    run.apply(id * 2 + 1, at(2), &closed);
    run.set_read_aside(&closed);
}

fn lines(run: &RunState) -> Vec<String> {
    run.accounts().iter().map(ToString::to_string).collect()
}

#[test]
fn every_transaction_counts_live_reads_included() {
    let mut run = run(RunBudget {
        seconds_max: Some(60),
        rows_max: Some(100),
        bytes_max: Some(1_000),
    });
    cost(&mut run, Purpose::Survey, (1_500_000, 60, 500));
    cost(&mut run, Purpose::LiveRead, (250_000, 30, 400));
    assert_eq!(
        lines(&run),
        [
            "the run is at 1.7 s in all its transactions: budgets.run_seconds_max is 60",
            "the run is at 90 rows in all its transactions: budgets.run_rows_max is 100",
            "the run is at 900 bytes in all its transactions: budgets.run_bytes_max is 1000",
        ]
    );
    assert_eq!(run.allowance().exhausted(), None);
    cost(&mut run, Purpose::LiveRead, (0, 10, 0));
    let spent = run.allowance().exhausted().expect("nothing is left");
    assert_eq!(spent.measure, Measure::Rows);
    assert!(spent.hint().contains("a new run"), "{}", spent.hint());
    assert!(spent.hint().contains("budgets.run_rows_max"));
}

#[test]
fn of_an_end_that_nobody_saw_the_time_until_it_was_given_up_counts() {
    let mut run = run(RunBudget {
        seconds_max: Some(10),
        ..RunBudget::default()
    });
    let id = open(&mut run, Purpose::Survey, 100);
    let reason = "lost".to_owned();
    run.apply(
        9,
        at(109),
        &Event::TransactionUnseen(TransactionUnseen { id, reason }),
    );
    assert_eq!(run.allowance().exhausted(), None);
    assert_eq!(run.costs_unknown(), 1);
    assert!(lines(&run)[0].contains("at 9.0 s"), "{:?}", lines(&run));
    let id = open(&mut run, Purpose::Survey, 200);
    let reason = "lost".to_owned();
    run.apply(
        11,
        at(201),
        &Event::TransactionUnseen(TransactionUnseen { id, reason }),
    );
    assert!(run.allowance().exhausted().is_some());
}

#[test]
fn without_limits_nothing_is_ever_spent() {
    let mut run = run(RunBudget::default());
    cost(&mut run, Purpose::Survey, (u64::MAX, u64::MAX, u64::MAX));
    cost(&mut run, Purpose::Survey, (u64::MAX, u64::MAX, u64::MAX));
    assert_eq!(run.allowance().exhausted(), None);
    assert_eq!(run.live_reads_rest(), None);
    assert!(run.accounts().is_empty());
}

/// A run that waits at SG1 after a survey of 100 rows, with so many rows allowed.
fn waiting(rows_max: u64) -> RunState {
    let mut run = run(RunBudget {
        rows_max: Some(rows_max),
        ..RunBudget::default()
    });
    cost(&mut run, Purpose::Survey, (1, 100, 1));
    run.state = State::AwaitingCutAuthorization;
    run
}

#[test]
fn live_reads_rest_before_they_eat_what_approvals_and_closeout_need() {
    // The pin, five surveys to come, and a first live read that is taken to cost as much as a survey.
    assert_eq!(waiting(700).live_reads_rest(), None);
    assert_eq!(waiting(699).live_reads_rest(), Some(Measure::Rows));
    // A live read that is known to be cheap is let through for as long as it fits.
    let mut run = waiting(700);
    for _ in 0..10 {
        assert_eq!(run.live_reads_rest(), None);
        cost(&mut run, Purpose::LiveRead, (1, 10, 1));
    }
    assert_eq!(run.live_reads_rest(), Some(Measure::Rows));
    assert_eq!(run.allowance().exhausted(), None, "the surveys still fit");
    // At SG2 three are to come; after drift all of them again, and a new pin.
    run.state = State::AwaitingLifecycleAuthorization;
    assert_eq!(run.live_reads_rest(), None);
    run.drift = Some(Drift {
        gate: None,
        changes: Vec::new(),
        at: at(3),
    });
    assert_eq!(run.live_reads_rest(), Some(Measure::Rows));
}

#[test]
fn what_is_set_aside_is_still_counted() {
    // 991 rows are spent; five surveys of 150 are to come, and a read of 10.
    for (rows_max, rests) in [(1_750, Some(Measure::Rows)), (1_751, None)] {
        let mut whole = waiting(rows_max);
        let reads = (1..=30).map(|n| (Purpose::LiveRead, (n % 7, n % 11, n % 13)));
        let surveys = (1..=5).map(|n| (Purpose::Survey, (n, 150 - n % 3, n)));
        for (purpose, costs) in reads.chain(surveys).chain([(Purpose::LiveRead, (1, 1, 1))]) {
            cost(&mut whole, purpose, costs);
        }
        let mut aside = waiting(rows_max);
        let reads = (1..=30).map(|n| (Purpose::LiveRead, (n % 7, n % 11, n % 13)));
        let surveys = (1..=5).map(|n| (Purpose::Survey, (n, 150 - n % 3, n)));
        for (purpose, costs) in reads.chain(surveys).chain([(Purpose::LiveRead, (1, 1, 1))]) {
            dropped_cost(&mut aside, purpose, costs);
        }
        assert_eq!((aside.transactions.len(), aside.reads_aside.clean), (1, 36));
        assert_eq!(aside.allowance(), whole.allowance());
        assert_eq!(lines(&aside), lines(&whole));
        assert_eq!(aside.footprint(), whole.footprint());
        assert_eq!(whole.live_reads_rest(), rests);
        assert_eq!(aside.live_reads_rest(), rests);
    }
}

#[test]
fn a_live_read_is_of_everything_while_surveys_are_cheap_or_long_ago() {
    let now = |us| UtcTime::from_unix_micros(us);
    let read = |us, now_us| {
        let mut run = waiting(7_000);
        cost(&mut run, Purpose::Survey, (us, 100, 1));
        let began = run.transactions.last().expect("a survey").opened_at;
        run.next_live_read_is_full(now(began.unix_micros() + now_us))
    };
    assert!(read(499_999, 500_000), "cheap: every time");
    assert!(!read(500_000, 9_999_999), "dear: not yet");
    assert!(read(500_000, 10_000_000), "dear: long ago");
    assert!(
        !waiting(699).next_live_read_is_full(now(0)),
        "the budget is kept for approvals"
    );
    assert!(
        !RunState::default().next_live_read_is_full(now(0)),
        "nothing was surveyed"
    );
}
