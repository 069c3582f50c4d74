//! What a change sent to the shadow's server, statement by statement, and the locks that it held there.
//! Invariant: no value that was bound to a statement, and no detail of an error, is part of it; texts and lists have a limit, and
//! what is beyond it is counted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{LockMode, ScriptPlace};
use crate::survey::{Digest, Rehearsed};

/// How many statements stand in the journal; the blob has more.
const IN_JOURNAL: usize = 200;

/// Characters of a text that are kept.
const TEXT_MAX: usize = 1_000;

/// What stands in the place of a constant of a statement that is no part of the script, and of all behind it.
const NOT_OF_SCRIPT: &str = "(not a text of the script: withheld)";

/// How many are listed for people.
const LISTED_MAX: usize = 40;

/// The statements of a change and the locks on relations that others can see. Milliseconds are of this machine; production differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecordedChange {
    /// The statements by phase, in the order in which they ended: at most 10,000, and 200 where rows are left out.
    pub phases: Vec<Vec<RecordedStatement>>,
    /// How many more statements there were.
    pub left_out: u64,
    /// SHA-256 of the statements that the blob has and that are left out here; left out where there is none, and by earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out_sha256: Option<Digest>,
    /// How many statements that psql reads in the files of these phases are none of the statements of the blob; left out by earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_sent: Option<u64>,
    /// The commands of all statements, each once, sorted: `ALTER TABLE`.
    pub commands: Vec<String>,
    /// Each lock once where it was held longest, and once where it was sampled longest; the longest first.
    pub locks: Vec<LongestLock>,
    /// Why locks are not known, each reason once; empty: they were read.
    pub unread: Vec<String>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecordedStatement {
    /// Its text, at most 1,000 characters; of one that has a constant and is no part of the script what stands before that, because
    /// it can hold values of rows.
    pub text: String,
    /// Bytes of the whole text.
    pub text_bytes: u64,
    /// SHA-256 of the whole text; of one that is withheld, of what stands in its place.
    pub text_sha256: Digest,
    /// Where it stands in the files of its phase, if its whole text is a statement there as psql sends it; left out where a tool made it,
    /// where psql put a variable in, and by earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_script: Option<ScriptPlace>,
    /// What the server said that it did: `UPDATE 10000`; one for each statement of the text.
    pub tags: Vec<String>,
    /// The rows of these tags; null: they name none.
    pub rows: Option<Rehearsed<u64>>,
    /// Milliseconds from its message to its end.
    pub took_ms: u64,
    /// Why it failed; null: it did not.
    pub error: Option<StatementError>,
    /// The transaction behind it. Statements that a client sent at once, up to one Sync, have the state of the last.
    pub transaction: TransactionState,
    /// The locks that it took and that were not held before. Of statements that were sent at once the last has those of all.
    pub locks: Vec<TakenLock>,
    /// The usual form that holds nobody up for so long; left out where nobody waits, or none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safer: Option<String>,
}

/// The transaction of a session behind a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TransactionState {
    /// There is none: what was done is committed, or undone.
    Idle,
    /// It is open.
    Open,
    /// It is open and failed.
    Failed,
    /// The session ended.
    Ended,
}

/// The error of a statement, without its detail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatementError {
    /// `ERROR`, `FATAL`, `PANIC`.
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// What the server says, at most 1,000 characters, without values that can be of rows.
    pub message: String,
    /// Whether a function said it by RAISE: then it can hold anything. Known while it is recorded.
    #[serde(skip)]
    pub raised: bool,
}

/// A lock on a relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TakenLock {
    /// Schema and name of the relation.
    pub relation: String,
    /// Its mode.
    pub mode: LockMode,
    /// Milliseconds from the beginning of its statement to its release; of a sampled one, between the samples that saw it.
    pub held_ms: u64,
    /// Whether it was seen by looking now and then, because the statement was its own transaction: what was held for less than some
    /// milliseconds can be missed.
    pub sampled: bool,
}

/// Where a lock was held longest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LongestLock {
    /// The lock.
    pub lock: TakenLock,
    /// Number of the phase, from 1.
    pub phase: usize,
    /// Number of the statement in the phase, from 1.
    pub statement: u64,
    /// The beginning of its text, in one line.
    pub text: String,
}

impl RecordedChange {
    /// Number of the phase and of the statement, and the statement.
    pub fn statements(&self) -> impl Iterator<Item = (usize, usize, &RecordedStatement)> {
        let phases = self.phases.iter().enumerate();
        phases.flat_map(|(phase, all)| {
            let numbered = all.iter().enumerate();
            numbered.map(move |(nth, statement)| (phase + 1, nth + 1, statement))
        })
    }

    /// The locks that are approved, in words: those that hold up more than changes of the definition. Those of rows follow from the
    /// rows, which are approved themselves, and one that was sampled can be missed.
    pub fn lock_shape(&self) -> String {
        let approved = self.locks.iter().map(|longest| &longest.lock);
        let approved = approved.filter(|lock| !lock.sampled && lock.mode > LockMode::RowExclusive);
        let names: BTreeSet<String> = approved
            .map(|lock| format!("{} {}", lock.relation, lock.mode.name()))
            .collect();
        in_words(names)
    }

    /// The commands that are approved, in words.
    pub fn command_shape(&self) -> String {
        in_words(self.commands.iter().cloned())
    }

    /// The same with fewer statements.
    pub(super) fn shorten(&mut self) {
        let mut left = IN_JOURNAL;
        let mut gone = Vec::new();
        for phase in &mut self.phases {
            let kept = phase.len().min(left);
            self.left_out += (phase.len() - kept) as u64;
            gone.push(phase.split_off(kept));
            left -= kept;
        }
        let is_shorter = gone.iter().any(|phase| !phase.is_empty());
        if is_shorter && self.not_sent.is_some() {
            self.left_out_sha256 = serde_json::to_vec(&gone).ok().map(Digest::of);
        }
    }

    /// SHA-256 of all of it; `None`: it was recorded by a version that binds it to nothing.
    pub fn sha256(&self) -> Option<Digest> {
        self.not_sent?;
        serde_json::to_vec(self).ok().map(Digest::of)
    }

    /// The command of a tag: `INSERT 0 5` is an `INSERT`.
    pub fn command_of(tag: &str) -> String {
        let words = tag.split(' ');
        let words =
            words.take_while(|word| !word.starts_with(|letter: char| letter.is_ascii_digit()));
        words.collect::<Vec<_>>().join(" ")
    }

    /// In lines: the statements, and what is held. Where there are more than so many, those that did something come before those that
    /// only looked, of which a tool sends many for itself.
    pub fn listed(&self, statements: usize) -> Vec<String> {
        let mut first: Vec<_> = self.statements().collect();
        first.sort_by_key(|(_, _, statement)| !statement.does_something());
        first.truncate(statements);
        first.sort_by_key(|(phase, nth, _)| (*phase, *nth));
        let mut lines = Vec::new();
        for (phase, nth, statement) in first {
            let phase = if self.phases.len() > 1 {
                format!("{phase}.")
            } else {
                String::new()
            };
            lines.push(format!("{phase}{nth}  {}", statement.line()));
            let safer = statement.safer.iter();
            lines.extend(safer.map(|form| format!("{phase}{nth}  safer: {form}")));
        }
        let beyond = self.statements().count().saturating_sub(statements);
        let left_out = self.left_out + beyond as u64;
        if left_out > 0 {
            lines.push(format!("{left_out} more statements"));
        }
        lines.extend(
            self.unread
                .iter()
                .map(|why| format!("locks unknown: {why}")),
        );
        lines.extend(self.held_lines());
        lines
    }

    /// The same, as many as are listed at most.
    pub fn lines(&self) -> Vec<String> {
        self.listed(LISTED_MAX)
    }

    /// `shop.orders: AccessExclusiveLock held #2.97 s here (production differs); meanwhile all reads and writes wait`: of each strong
    /// mode, the strongest first, the lock that was held longest.
    pub fn held_lines(&self) -> Vec<String> {
        let modes = LockMode::ALL.into_iter().rev();
        let of_mode = modes.filter(|mode| mode.is_strong()).filter_map(|mode| {
            let locks = self.locks.iter().filter(|it| it.lock.mode == mode);
            locks.max_by_key(|it| it.lock.held_ms)
        });
        let line = |longest: &LongestLock| {
            let TakenLock { relation, mode, .. } = &longest.lock;
            let (name, held, waits) = (mode.name(), longest.lock.held(), mode.waits());
            format!("{relation}: {name} held {held} here (production differs); meanwhile {waits}")
        };
        of_mode.map(line).collect()
    }
}

fn in_words(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

impl RecordedStatement {
    /// What is kept of a text.
    pub fn kept_text(text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text);
        text.chars().take(TEXT_MAX).collect()
    }

    /// What is kept in place of a text whose constants are withheld: what stands before the first of them.
    pub fn withheld(before: &str) -> String {
        format!("{} {NOT_OF_SCRIPT}", before.trim_end())
    }

    /// The rows that tags name: `INSERT 0 5`, `UPDATE 10`; `None`: they name none.
    pub fn rows_of(tags: &[String]) -> Option<u64> {
        let rows = tags.iter().filter_map(|tag| tag.rsplit(' ').next());
        let rows = rows.filter_map(|word| word.parse::<u64>().ok());
        rows.reduce(u64::saturating_add)
    }

    /// Whether text, length and digest can be those of one statement.
    pub fn is_one_text(&self) -> bool {
        // Of bytes that are no UTF-8 and of more than is kept the digest cannot be made again.
        let is_whole = self.text.len() as u64 == self.text_bytes && !self.text.contains('\u{fffd}');
        let is_short = self.text.chars().count() == TEXT_MAX || self.text.contains('\u{fffd}');
        if is_whole || self.is_withheld() {
            return Digest::of(&self.text) == self.text_sha256;
        }
        is_short
    }

    /// Whether a part of its text is withheld.
    pub fn is_withheld(&self) -> bool {
        self.text.ends_with(NOT_OF_SCRIPT)
    }

    /// Its text in one line, at most so many characters.
    pub fn text_in_line(&self, characters: usize) -> String {
        one_line(&self.text, characters)
    }

    /// `#617 ms  #10000 rows  UPDATE shop.orders SET ..  | shop.orders RowExclusiveLock #2.97 s`.
    pub fn line(&self) -> String {
        let came = match (&self.error, &self.rows) {
            (Some(error), _) => format!("{} {}", error.code, error.message),
            (None, Some(rows)) => format!("{rows} rows"),
            (None, None) => "-".to_owned(),
        };
        let text = self.text_in_line(100);
        let mut line = format!("#{} ms  {came}  {text}", self.took_ms);
        let locks = self.takes();
        if !locks.is_empty() {
            line.push_str("  | ");
            line.push_str(&locks);
        }
        line
    }

    /// Whether it took a lock, wrote rows or failed.
    fn does_something(&self) -> bool {
        let reads = |tag: &String| {
            ["SELECT", "SHOW", "FETCH"]
                .iter()
                .any(|it| tag.starts_with(it))
        };
        let wrote = self.rows.as_ref().is_some_and(|rows| *rows.get() > 0);
        let writes = wrote && !self.tags.iter().all(reads);
        writes || !self.locks.is_empty() || self.error.is_some()
    }

    /// `shop.orders AccessExclusiveLock #2.97 s`; empty: it took none.
    pub fn takes(&self) -> String {
        let locks = self.locks.iter().map(|lock| {
            let sampled = if lock.sampled { ", sampled" } else { "" };
            let (mode, held) = (lock.mode.name(), lock.held());
            format!("{} {mode} {held}{sampled}", lock.relation)
        });
        locks.collect::<Vec<_>>().join("; ")
    }
}

impl TakenLock {
    /// How long it was held: `#2.97 s`.
    pub fn held(&self) -> String {
        let (seconds, hundredths) = (self.held_ms / 1_000, self.held_ms % 1_000 / 10);
        format!("#{seconds}.{hundredths:02} s")
    }
}

/// A text in one line, at most so many characters.
pub fn one_line(text: &str, characters: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= characters {
        return line;
    }
    let mut short: String = line.chars().take(characters.saturating_sub(2)).collect();
    short.push_str("..");
    short
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::run::{ApprovalGate, ChangeRehearsed, RehearsalOutcome, RunState};

    fn recorded(commands: &[&str], locks: &[(LockMode, u64, bool)]) -> RecordedChange {
        let longest = locks.iter().map(|(mode, held_ms, sampled)| LongestLock {
            lock: TakenLock {
                relation: "s.t".to_owned(),
                mode: *mode,
                held_ms: *held_ms,
                sampled: *sampled,
            },
            phase: 1,
            statement: 1,
            text: String::new(),
        });
        RecordedChange {
            commands: commands.iter().map(|it| (*it).to_owned()).collect(),
            locks: longest.collect(),
            ..RecordedChange::default()
        }
    }

    fn statement(text: &str, tag: &str, rows: u64, locks: &[LockMode]) -> RecordedStatement {
        let locks = locks.iter().map(|mode| TakenLock {
            relation: "s.t".to_owned(),
            mode: *mode,
            held_ms: 0,
            sampled: false,
        });
        RecordedStatement {
            text: text.to_owned(),
            text_bytes: 0,
            text_sha256: Digest::of(text),
            of_script: None,
            tags: vec![tag.to_owned()],
            rows: Some(Rehearsed::new(rows)),
            took_ms: 0,
            error: None,
            transaction: TransactionState::Open,
            locks: locks.collect(),
            safer: None,
        }
    }

    #[test]
    fn what_only_looked_comes_behind_what_did_something() {
        let recorded = RecordedChange {
            phases: vec![vec![
                statement("one", "SELECT 1", 1, &[]),
                statement("two", "SELECT 1", 1, &[]),
                statement("three", "ALTER TABLE", 0, &[LockMode::AccessExclusive]),
                statement("four", "UPDATE 1", 1, &[]),
                statement("five", "UPDATE 0", 0, &[]),
            ]],
            ..RecordedChange::default()
        };
        let lines = recorded.listed(3);
        let begins: Vec<&str> = lines.iter().map(|line| &line[..1]).collect();
        assert_eq!(begins, ["1", "3", "4", "2"], "{lines:?}");
        assert_eq!(lines[3], "2 more statements");
        assert_eq!(recorded.listed(9).len(), 5);
    }

    #[test]
    fn statements_that_a_journal_leaves_out_are_bound_all_the_same() {
        let of = |took_ms: u64| {
            let statement = |nth: usize| RecordedStatement {
                took_ms: if nth == IN_JOURNAL { took_ms } else { 0 },
                ..statement("one", "SELECT 1", 1, &[])
            };
            let mut recorded = RecordedChange {
                phases: vec![(0..=IN_JOURNAL).map(statement).collect()],
                not_sent: Some(0),
                ..RecordedChange::default()
            };
            recorded.shorten();
            assert_eq!(
                (recorded.phases[0].len(), recorded.left_out),
                (IN_JOURNAL, 1)
            );
            recorded.sha256()
        };
        assert!(of(1).is_some() && of(1) == of(1));
        assert_ne!(of(1), of(2));
    }

    /// What is drift where the second rehearsal recorded this.
    fn moved(again: RecordedChange) -> Vec<String> {
        let approved = recorded(&["UPDATE"], &[(LockMode::Share, 10, false)]);
        let of = |gate, recorded| {
            Arc::new(ChangeRehearsed {
                gate,
                first_phase: false,
                checks: Vec::new(),
                outcome: Some(Box::new(RehearsalOutcome {
                    recorded: Some(recorded),
                    ..RehearsalOutcome::default()
                })),
                ledger: None,
                blob: None,
                moved: Vec::new(),
            })
        };
        let run = RunState {
            rehearsals: vec![
                of(ApprovalGate::SG1, approved),
                of(ApprovalGate::SG2, again),
            ],
            ..RunState::default()
        };
        let moved = run.moved_effect().into_iter();
        moved.map(|change| change.key.to_string()).collect()
    }

    #[test]
    fn other_commands_and_other_strong_locks_are_drift_and_times_are_not() {
        let longer = recorded(&["UPDATE"], &[(LockMode::Share, 9_000, false)]);
        assert_eq!(moved(longer), Vec::<String>::new());
        let beside = [
            (LockMode::Share, 10, false),
            // These follow from the rows, or can be missed.
            (LockMode::RowExclusive, 10, false),
            (LockMode::AccessExclusive, 10, true),
        ];
        assert_eq!(moved(recorded(&["UPDATE"], &beside)), Vec::<String>::new());
        let stronger = recorded(&["UPDATE"], &[(LockMode::AccessExclusive, 10, false)]);
        assert_eq!(moved(stronger), ["effect.locks"]);
        let other = recorded(&["DELETE", "UPDATE"], &[(LockMode::Share, 10, false)]);
        assert_eq!(moved(other), ["effect.commands"]);
    }
}
