//! The statements of one phase of a change, of all its sessions, and the locks that they held.
//! Invariant: its size has a limit, whatever a change sends: beyond it statements are counted, and their locks and commands are kept
//! (`add`; test `what_is_beyond_the_limit_is_counted_and_its_locks_are_kept`).

use std::collections::{BTreeMap, BTreeSet};

use super::kept_text::KnownTexts;
use crate::run::{
    LockMode, LongestLock, RecordedChange, RecordedStatement, ScriptEnd, ScriptStatements,
    TakenLock, counted, safer_form,
};
use crate::survey::Digest;

/// Statements of a phase that are kept.
const STATEMENTS_MAX: usize = 10_000;
/// Characters of a text beside a lock.
const BESIDE_MAX: usize = 120;

/// One phase.
#[derive(Debug, Default)]
pub(super) struct ChangeLog {
    statements: Vec<RecordedStatement>,
    left_out: u64,
    /// The text of the statement that was added last, where it is not kept.
    last_text: String,
    commands: BTreeSet<String>,
    longest: LongestLocks,
    unread: BTreeSet<String>,
    sessions: usize,
}

/// By relation, mode, and whether they were sampled.
type LongestLocks = BTreeMap<(String, LockMode, bool), LongestLock>;

/// Where a lock that is held stands.
#[derive(Debug, Clone)]
pub(super) struct LockPlace {
    statement: u64,
    text: String,
}

impl ChangeLog {
    /// Adds a statement; gives its number, from 1.
    pub(super) fn add(&mut self, statement: RecordedStatement) -> u64 {
        let number = self.statements.len() as u64 + self.left_out + 1;
        let commands = statement
            .tags
            .iter()
            .map(|tag| RecordedChange::command_of(tag));
        self.commands.extend(commands);
        self.last_text = statement.text_in_line(BESIDE_MAX);
        for lock in &statement.locks {
            let place = LockPlace {
                statement: number,
                text: self.last_text.clone(),
            };
            longest(&mut self.longest, &place, lock);
        }
        if self.statements.len() < STATEMENTS_MAX {
            self.statements.push(statement);
        } else {
            self.left_out += 1;
        }
        number
    }

    /// The statement of this number, which was added last, took a lock.
    pub(super) fn take_lock(
        &mut self,
        number: u64,
        (relation, mode): &(String, LockMode),
    ) -> LockPlace {
        if let Some(statement) = self.kept(number) {
            statement.locks.push(TakenLock {
                relation: relation.clone(),
                mode: *mode,
                held_ms: 0,
                sampled: false,
            });
        }
        LockPlace {
            statement: number,
            text: self.last_text.clone(),
        }
    }

    /// It is released.
    pub(super) fn release(
        &mut self,
        place: &LockPlace,
        (relation, mode): &(String, LockMode),
        held_ms: u64,
    ) {
        let released = TakenLock {
            relation: relation.clone(),
            mode: *mode,
            held_ms,
            sampled: false,
        };
        longest(&mut self.longest, place, &released);
        let statement = self.kept(place.statement);
        let mut locks = statement.into_iter().flat_map(|it| &mut it.locks);
        if let Some(lock) =
            locks.find(|lock| lock.relation == *relation && lock.mode == *mode && !lock.sampled)
        {
            *lock = released;
        }
    }

    /// The place of the statement that failed last, where `said` repeats what the server said of it.
    pub(super) fn failure_told_in(&self, said: &str) -> Option<usize> {
        let mut errors = self.statements.iter().map(|it| it.error.as_ref());
        let last = errors.rposition(|error| error.is_some())?;
        let error = self.statements[last].error.as_ref()?;
        said.contains(&error.message).then_some(last)
    }

    /// A session came to the proxy.
    pub(super) fn session_begins(&mut self) {
        self.sessions += 1;
    }

    /// The server had so many: what went past the proxy is not recorded, and that is said.
    pub(super) fn had_sessions(&mut self, sessions: usize) {
        let past = sessions.saturating_sub(self.sessions);
        if past > 0 {
            let past = counted(past, "session");
            self.unread(format!("{past} of the change went past the recording"));
        }
    }

    /// Locks could not be read.
    pub(super) fn unread(&mut self, why: String) {
        self.unread.insert(why);
    }

    fn kept(&mut self, number: u64) -> Option<&mut RecordedStatement> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.statements.get_mut(at)
    }

    /// Puts it behind the phases that were recorded before; gives what it keeps of how a phase ended.
    pub(super) fn put(
        mut self,
        recorded: &mut RecordedChange,
        (known, script): (&KnownTexts, &ScriptStatements),
        end: ScriptEnd,
    ) -> ScriptEnd {
        let mut said = Vec::new();
        let not_sent = script.place(&mut self.statements);
        for one in &mut self.statements {
            one.safer = safer_form(&one.text, &one.tags, &one.locks).map(str::to_owned);
            let kept = known.statement(&one.text);
            // A psql that leaves comments out sends what the script has otherwise.
            if one.of_script.is_none() && kept != one.text {
                one.text_sha256 = Digest::of(&kept);
                one.text = kept;
            }
            if let Some(error) = &mut one.error {
                let kept = known.message(error);
                said.push((std::mem::replace(&mut error.message, kept.clone()), kept));
            }
        }
        for longest in self.longest.values_mut() {
            longest.text = known.statement(&longest.text);
        }
        let phase = recorded.phases.len() + 1;
        recorded.phases.push(self.statements);
        recorded.left_out += self.left_out;
        *recorded.not_sent.get_or_insert_default() += not_sent;
        let before = std::mem::take(&mut recorded.locks).into_iter();
        let mut all: LongestLocks = before.map(|it| (key_of(&it.lock), it)).collect();
        for new in self.longest.into_values() {
            keep_longer(&mut all, LongestLock { phase, ..new });
        }
        recorded.locks = all.into_values().collect();
        recorded
            .locks
            .sort_by_key(|longest| std::cmp::Reverse((longest.lock.held_ms, longest.lock.mode)));
        let commands: BTreeSet<String> = recorded.commands.drain(..).chain(self.commands).collect();
        recorded.commands = commands.into_iter().collect();
        let unread: BTreeSet<String> = recorded.unread.drain(..).chain(self.unread).collect();
        recorded.unread = unread.into_iter().collect();
        ScriptEnd {
            error: end.error.map(|error| kept_error(error, &said)),
            statement: end.statement.map(|statement| known.statement(&statement)),
            ..end
        }
    }
}

/// The error as psql told it, with what is kept of the server's message: its first line.
fn kept_error(error: String, said: &[(String, String)]) -> String {
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let Some((place, message)) = error.split_once("ERROR:  ") else {
        return error;
    };
    let kept = said.iter().find_map(|(whole, kept)| {
        let behind = message.strip_prefix(&*first(whole))?;
        let is_whole = behind.is_empty() || behind.starts_with(" at character ");
        is_whole.then(|| first(kept) + behind)
    });
    // A statement that was not recorded.
    let kept = kept.unwrap_or_else(|| "(withheld)".to_owned());
    format!("{place}ERROR:  {kept}")
}

fn longest(all: &mut LongestLocks, place: &LockPlace, lock: &TakenLock) {
    let new = LongestLock {
        lock: lock.clone(),
        phase: 1,
        statement: place.statement,
        text: place.text.clone(),
    };
    keep_longer(all, new);
}

fn keep_longer(all: &mut LongestLocks, new: LongestLock) {
    let key = key_of(&new.lock);
    let old = all.get(&key);
    if old.is_none_or(|old| new.lock.held_ms > old.lock.held_ms) {
        all.insert(key, new);
    }
}

fn key_of(lock: &TakenLock) -> (String, LockMode, bool) {
    (lock.relation.clone(), lock.mode, lock.sampled)
}
