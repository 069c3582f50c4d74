//! Messages of a session, one after the other, and what is recorded of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::change_log::ChangeLog;
use super::kept_text::KnownTexts;
use super::recorded_session::{Locks, RecordedSession};
use crate::postgres::protocol::{MessageScanner, put};
use crate::run::{
    LockMode, RecordedChange, RecordedStatement, ScriptEnd, ScriptStatements, TransactionState,
};
use crate::testing::{FaultCounts, fault_rounds, fault_seed};

/// A session, and the time in it.
struct Talk {
    session: RecordedSession,
    log: ChangeLog,
    now: Instant,
}

impl Talk {
    fn new() -> Self {
        Self {
            session: RecordedSession::new(),
            log: ChangeLog::default(),
            now: Instant::now(),
        }
    }

    fn wait(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    fn sends(&mut self, messages: &[(u8, &[u8])]) {
        for (kind, body) in messages {
            let mut bytes = Vec::new();
            put(&mut bytes, *kind, body);
            let mut scanner = MessageScanner::default();
            let (used, message) = scanner.next(&bytes, true).expect("a message");
            assert_eq!(used, bytes.len());
            self.session.sent(&message.expect("whole"), self.now);
        }
    }

    /// The server answers, and has these locks where it is ready.
    fn answers(&mut self, messages: &[(u8, &[u8])], locks: &[(&str, LockMode)]) {
        for (kind, body) in messages {
            let mut bytes = Vec::new();
            put(&mut bytes, *kind, body);
            let mut scanner = MessageScanner::default();
            let (_, message) = scanner.next(&bytes, false).expect("a message");
            let state = self.session.answered(&message.expect("whole"), self.now);
            if let Some(state) = state {
                let locks = set(locks);
                let own = Duration::from_millis(40);
                self.session
                    .ready(state, self.now, Some(&locks), own, &mut self.log);
                self.now += own;
            }
        }
    }

    fn recorded(mut self) -> RecordedChange {
        self.session.over(self.now, &mut self.log);
        let mut recorded = RecordedChange::default();
        let known = KnownTexts::of("SELECT 'of the script'; SELECT 1; SELECT 3; SELECT 4");
        let script = ScriptStatements::default();
        self.log
            .put(&mut recorded, (&known, &script), ScriptEnd::default());
        recorded
    }
}

fn set(locks: &[(&str, LockMode)]) -> Locks {
    let owned = locks.iter().map(|(name, mode)| ((*name).to_owned(), *mode));
    owned.collect::<BTreeSet<_>>()
}

fn texts(recorded: &RecordedChange) -> Vec<&str> {
    let all = recorded.phases[0].iter();
    all.map(|statement| statement.text.as_str()).collect()
}

const READY: (u8, &[u8]) = (b'Z', b"T");

#[test]
fn what_is_sent_at_once_is_told_apart_and_has_its_locks_with_the_last() {
    let mut talk = Talk::new();
    talk.sends(&[
        (b'P', b"one\0UPDATE t SET a = $1\0\0\0"),
        (b'B', b"\0one\0\0\0\0\x01\0\0\0\x06secret\0\0"),
        (b'D', b"P\0"),
        (b'E', b"\0\0\0\0\0"),
        (b'B', b"\0one\0\0\0\0\x01\0\0\0\x06secret\0\0"),
        (b'E', b"\0\0\0\0\0"),
        (b'P', b"\0DELETE FROM t\0\0\0"),
        (b'B', b"\0\0\0\0\0\0\0\0"),
        (b'E', b"\0\0\0\0\0"),
        (b'S', b""),
    ]);
    talk.wait(10);
    talk.answers(&[(b'1', b""), (b'2', b""), (b'n', b"")], &[]);
    talk.answers(&[(b'C', b"UPDATE 3\0"), (b'2', b"")], &[]);
    talk.wait(5);
    talk.answers(&[(b'C', b"UPDATE 4\0")], &[]);
    talk.answers(&[(b'1', b""), (b'2', b""), (b'C', b"DELETE 1\0")], &[]);
    talk.answers(&[READY], &[("s.t", LockMode::RowExclusive)]);
    let recorded = talk.recorded();
    let update = "UPDATE t SET a = $1";
    assert_eq!(texts(&recorded), [update, update, "DELETE FROM t"]);
    let all = &recorded.phases[0];
    let rows: Vec<u64> = all.iter().filter_map(|it| Some(*it.rows?.get())).collect();
    assert_eq!(rows, [3, 4, 1]);
    let took: Vec<u64> = all.iter().map(|it| it.took_ms).collect();
    assert_eq!(took, [10, 5, 0]);
    let locks: Vec<usize> = all.iter().map(|it| it.locks.len()).collect();
    assert_eq!(locks, [0, 0, 1]);
    assert!(!format!("{recorded:?}").contains("secret"));
    assert_eq!(recorded.commands, ["DELETE", "UPDATE"]);
}

#[test]
fn a_text_constant_that_the_script_does_not_have_is_withheld() {
    let withheld = |word: &str| format!("{word} (not a text of the script: withheld)");
    for (text, kept) in [
        (
            "SELECT  'of the script'",
            "SELECT  'of the script'".to_owned(),
        ),
        ("SELECT 'of a row'", withheld("SELECT")),
        ("SELECT E'of a row'", withheld("SELECT E")),
        ("DO $$ of a row $$", withheld("DO")),
        ("DO $a$ of a row $a$", withheld("DO")),
        (
            "UPDATE t SET a = $1 WHERE b = $22",
            "UPDATE t SET a = $1 WHERE b = $22".to_owned(),
        ),
    ] {
        let mut talk = Talk::new();
        let body = format!("{text}\0");
        talk.sends(&[(b'Q', body.as_bytes())]);
        talk.answers(&[(b'C', b"SELECT 1\0"), READY], &[("s.t", LockMode::Share)]);
        let recorded = talk.recorded();
        assert_eq!(texts(&recorded), [kept.as_str()]);
        let beside = recorded.locks[0].text.as_str();
        assert_eq!(
            beside.contains("withheld"),
            kept.contains("withheld"),
            "{beside}"
        );
        assert!(!format!("{recorded:?}").contains("of a row"));
    }
}

#[test]
fn behind_an_error_nothing_is_recorded_up_to_the_sync() {
    let mut talk = Talk::new();
    talk.sends(&[
        (b'P', b"\0SELECT 1\0\0\0"),
        (b'B', b"\0\0\0\0\0\0\0\0"),
        (b'E', b"\0\0\0\0\0"),
        (b'P', b"\0SELECT nothing\0\0\0"),
        (b'B', b"\0\0\0\0\0\0\0\0"),
        (b'E', b"\0\0\0\0\0"),
        (b'P', b"\0SELECT 3\0\0\0"),
        (b'S', b""),
        (b'Q', b"SELECT 4\0"),
    ]);
    talk.answers(&[(b'1', b""), (b'2', b""), (b'C', b"SELECT 1\0")], &[]);
    let error = b"SERROR\0VERROR\0C42703\0Mno such column\0Dkey (13)\0RerrorMissing\0\0";
    talk.answers(&[(b'E', error), (b'Z', b"E")], &[]);
    talk.answers(&[(b'C', b"SELECT 1\0"), (b'Z', b"I")], &[]);
    let recorded = talk.recorded();
    assert_eq!(texts(&recorded), ["SELECT 1", "SELECT nothing", "SELECT 4"]);
    let failed = &recorded.phases[0][1];
    let error = failed.error.as_ref().expect("an error");
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("42703", "no such column")
    );
    assert_eq!(failed.transaction, TransactionState::Failed);
    assert!(!format!("{recorded:?}").contains("key (13)"));
}

#[test]
fn a_lock_is_held_from_its_statement_to_its_release_without_our_own_time() {
    let mut talk = Talk::new();
    let (t, u) = (("s.t", LockMode::AccessExclusive), ("s.u", LockMode::Share));
    for (text, locks, state) in [
        ("ALTER", &[t][..], b"T"),
        ("CREATE", &[t, u], b"T"),
        ("ROLLBACK TO", &[t], b"T"),
        ("COMMIT", &[], b"I"),
    ] {
        talk.sends(&[(b'Q', format!("{text}\0").as_bytes())]);
        talk.wait(100);
        talk.answers(&[(b'C', text.as_bytes()), (b'Z', state)], locks);
    }
    let recorded = talk.recorded();
    let held: Vec<(u64, u64)> = (recorded.locks.iter())
        .map(|longest| (longest.statement, longest.lock.held_ms))
        .collect();
    assert_eq!(held, [(1, 400), (2, 200)]);
    let of_first = &recorded.phases[0][0].locks[0];
    assert_eq!(*of_first, recorded.locks[0].lock);
}

#[test]
fn what_is_beyond_the_limit_is_counted_and_its_locks_are_kept() {
    let mut talk = Talk::new();
    for number in 0..10_005_u32 {
        talk.sends(&[(b'Q', b"LOCK TABLE t\0")]);
        let name = if number == 10_004 { "s.late" } else { "s.t" };
        talk.answers(
            &[(b'C', b"LOCK TABLE\0"), READY],
            &[(name, LockMode::Exclusive)],
        );
    }
    talk.wait(70);
    let mut recorded = talk.recorded();
    assert_eq!(recorded.phases[0].len(), 10_000);
    assert_eq!(recorded.left_out, 5);
    let late = recorded.locks.iter();
    let late: Vec<_> = late.filter(|it| it.lock.relation == "s.late").collect();
    assert_eq!((late[0].statement, late[0].lock.held_ms), (10_005, 70));
    let short = crate::run::RehearsalOutcome {
        recorded: Some(recorded.clone()),
        ..crate::run::RehearsalOutcome::default()
    };
    let short = short.without_rows().recorded.expect("there");
    assert_eq!((short.phases[0].len(), short.left_out), (200, 9_805));
    recorded.phases = short.phases.clone();
    assert_eq!(short.locks, recorded.locks);
}

#[test]
fn what_a_look_saw_counts_only_where_the_statement_was_a_transaction_of_its_own() {
    let seen = |state: &'static [u8]| -> RecordedStatement {
        let mut talk = Talk::new();
        talk.sends(&[(b'Q', b"VACUUM t\0")]);
        assert!(talk.session.runs_alone());
        for locks in [
            &[("s.t", LockMode::Share), ("s.u", LockMode::Share)][..],
            &[("s.t", LockMode::Share)],
        ] {
            talk.wait(10);
            let now = talk.now;
            talk.session.sampled(set(locks), now);
        }
        talk.wait(10);
        talk.answers(&[(b'C', b"VACUUM\0"), (b'Z', state)], &[]);
        talk.recorded().phases.remove(0).remove(0)
    };
    let locks = seen(b"I").locks;
    let held: Vec<(&str, u64, bool)> = (locks.iter())
        .map(|lock| (lock.relation.as_str(), lock.held_ms, lock.sampled))
        .collect();
    assert_eq!(held, [("s.t", 20, true), ("s.u", 0, true)]);
    assert_eq!(seen(b"T").locks, []);
}

#[test]
fn a_value_in_an_error_is_withheld_though_the_end_of_the_error_is_cut_off() {
    let value = "9".repeat(5_000);
    let says = format!(
        "SERROR\0VERROR\0C22P02\0Minvalid input syntax for type integer: \"{value}\"\0Rpg_strtoint32\0\0"
    );
    let mut talk = Talk::new();
    talk.sends(&[(b'Q', b"SELECT 1\0")]);
    talk.answers(&[(b'E', says.as_bytes()), READY], &[]);
    let recorded = format!("{:?}", talk.recorded());
    assert!(recorded.contains("22P02"), "{recorded}");
    assert!(!recorded.contains("9999"), "{recorded}");
}

/// What both sides of a session say, in any order, cut at any place: of a client (true) or a server, with a value of a row in each body.
fn any_talk() -> impl Strategy<Value = Vec<(bool, u8, Vec<u8>, usize)>> {
    let kinds = b"PBDESQXCHFpdcf123nsTZICDEGNAKRSVtv\x00\xff";
    let kind = prop::sample::select(kinds.to_vec());
    let text = prop::sample::select(vec![
        &b"\0UPDATE t SET a = $1\0\0\0"[..],
        b"one\0SELECT 1\0\0\0",
        b"BEGIN\0",
        b"COMMIT; ROLLBACK\0",
        b"UPDATE 3\0",
        b"T",
        b"SERROR\0C23505\0Mdouble\0\0",
        b"",
    ]);
    let body = (text, prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(text, more)| {
        // A value that no record may have; the bytes before it are of a message as it should be.
        [text, &more, MARK].concat()
    });
    prop::collection::vec((any::<bool>(), kind, body, 1..60_usize), 0..30)
}

/// What stands for a value of a row.
const MARK: &[u8] = b"'zq9-of-a-row'";

#[test]
fn whatever_both_sides_say_is_recorded_without_a_value_of_a_row() {
    let counts = FaultCounts::new(12, "messages of a session of the change are damaged");
    let cases = u32::try_from(fault_rounds(300, 20_000)).expect("small");
    let seed = fault_seed(0x5e55).to_le_bytes();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed.repeat(4));
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig {
            // The seed gives the same cases again.
            failure_persistence: None,
            ..ProptestConfig::with_cases(cases)
        },
        rng,
    );
    let outcome = runner.run(&any_talk(), |said| {
        let mut talk = Talk::new();
        let (mut client, mut server) = (MessageScanner::default(), MessageScanner::default());
        for (of_client, kind, body, length) in said {
            let mut bytes = Vec::new();
            put(&mut bytes, kind, &body);
            // It comes in pieces, as from a socket.
            for mut piece in bytes.chunks(length) {
                while !piece.is_empty() {
                    let scanner = if of_client { &mut client } else { &mut server };
                    let (used, message) =
                        scanner.next(piece, of_client).expect("its length is right");
                    piece = &piece[used..];
                    let Some(message) = message else { continue };
                    if of_client {
                        talk.session.sent(&message, talk.now);
                    } else if let Some(state) = talk.session.answered(&message, talk.now) {
                        let own = Duration::from_millis(1);
                        talk.session.ready(
                            state,
                            talk.now,
                            Some(&Locks::new()),
                            own,
                            &mut talk.log,
                        );
                    }
                }
            }
            talk.wait(1);
        }
        let recorded = talk.recorded();
        prop_assert!(
            !format!("{recorded:?}").contains("zq9-of-a-row"),
            "{recorded:?}"
        );
        counts.injected();
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
