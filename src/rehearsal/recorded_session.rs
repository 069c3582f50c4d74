//! What one session of a change sends and is answered, told apart by statement.
//! Invariant: of a session no more is kept than names and beginnings of texts, of which there is a limit: no bound value and no row
//! (`sent`, `answered`; tests of this file).

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::change_log::{ChangeLog, LockPlace};
use crate::postgres::protocol::{PassedMessage, SqlDigest, texts};
use crate::run::{LockMode, RecordedStatement, StatementError, TakenLock, TransactionState};
use crate::survey::{Digest, Rehearsed};

/// Relation and mode of the locks of a session.
pub(super) type Locks = BTreeSet<(String, LockMode)>;

/// Characters of a message that are kept.
const MESSAGE_MAX: usize = 1_000;
/// Prepared statements and portals whose texts are known, of each.
const NAMED_MAX: usize = 10_000;

/// A text as it was sent.
#[derive(Debug)]
struct SentText {
    text: String,
    whole: SqlDigest,
}

/// Something that the server has not answered yet.
#[derive(Debug)]
enum AwaitedAnswer {
    /// A text of the simple protocol, which can be several statements.
    Query(Running),
    /// A portal of the extended protocol.
    Execute(Running),
    /// A text that is parsed.
    Parse(Arc<SentText>),
    /// Values for a text.
    Bind(Arc<SentText>),
    /// What has no part in an effect.
    Describe,
    Close,
    /// The end of what was sent at once.
    Sync,
}

#[derive(Debug)]
struct Running {
    text: Arc<SentText>,
    began: Instant,
    tags: Vec<String>,
    error: Option<StatementError>,
}

/// A lock that is held.
#[derive(Debug)]
struct HeldLock {
    place: LockPlace,
    since: Instant,
    /// How long we had kept the session waiting by then.
    own: Duration,
}

/// A session between a client and the server.
#[derive(Debug)]
pub(super) struct RecordedSession {
    pending: VecDeque<AwaitedAnswer>,
    prepared: HashMap<Vec<u8>, Arc<SentText>>,
    portals: HashMap<Vec<u8>, Arc<SentText>>,
    /// The server skips to the next Sync.
    skipping: bool,
    state: TransactionState,
    done: Vec<RecordedStatement>,
    /// When what was sent since the last Sync began.
    began: Option<Instant>,
    last_end: Option<Instant>,
    held: BTreeMap<(String, LockMode), HeldLock>,
    /// First and last look that saw a lock.
    sampled: BTreeMap<(String, LockMode), [Instant; 2]>,
    last_sample: Option<Instant>,
    own: Duration,
    /// The server process.
    pub(super) backend: Option<i32>,
}

impl RecordedSession {
    /// A session that begins.
    pub(super) fn new() -> Self {
        Self {
            pending: VecDeque::new(),
            prepared: HashMap::new(),
            portals: HashMap::new(),
            skipping: false,
            state: TransactionState::Idle,
            done: Vec::new(),
            began: None,
            last_end: None,
            held: BTreeMap::new(),
            sampled: BTreeMap::new(),
            last_sample: None,
            own: Duration::ZERO,
            backend: None,
        }
    }

    /// Whether a statement runs that is a transaction of its own, as far as it is known before its end.
    pub(super) fn runs_alone(&self) -> bool {
        self.state == TransactionState::Idle && !self.pending.is_empty()
    }

    /// The client sends a message.
    pub(super) fn sent(&mut self, message: &PassedMessage, now: Instant) {
        let mut parts = texts(&message.body).map(<[u8]>::to_vec);
        let mut next = || parts.next().unwrap_or_default();
        let running = |text| Running {
            text,
            began: now,
            tags: Vec::new(),
            error: None,
        };
        let one = match message.kind {
            b'Q' => AwaitedAnswer::Query(running(sent_text(&next(), message.sql.as_ref()))),
            b'F' => AwaitedAnswer::Query(running(sent_text(b"(a function call)", None))),
            b'P' => {
                let (named, text) = (next(), next());
                let text = sent_text(&text, message.sql.as_ref());
                remember(&mut self.prepared, named, &text);
                AwaitedAnswer::Parse(text)
            }
            b'B' => {
                let (portal, named) = (next(), next());
                let text = known(&self.prepared, &named);
                remember(&mut self.portals, portal, &text);
                AwaitedAnswer::Bind(text)
            }
            b'E' => AwaitedAnswer::Execute(running(known(&self.portals, &next()))),
            b'D' => AwaitedAnswer::Describe,
            b'C' => {
                let named = next();
                match named.split_first() {
                    Some((b'S', named)) => self.prepared.remove(named),
                    Some((_, named)) => self.portals.remove(named),
                    None => None,
                };
                AwaitedAnswer::Close
            }
            b'S' => AwaitedAnswer::Sync,
            _ => return,
        };
        self.began.get_or_insert(now);
        self.pending.push_back(one);
    }

    /// The server answers. Gives the state of the transaction where it is ready for more.
    pub(super) fn answered(
        &mut self,
        message: &PassedMessage,
        now: Instant,
    ) -> Option<TransactionState> {
        match (message.kind, self.pending.front_mut()) {
            (b'K', _) => {
                let pid = message.body.first_chunk::<4>();
                self.backend = pid.map(|bytes| i32::from_be_bytes(*bytes));
            }
            (b'E', _) => self.failed(error_in(&message.body), now),
            (b'C', Some(AwaitedAnswer::Query(running))) => running.tags.push(tag_in(&message.body)),
            (b'C' | b'I' | b's', Some(AwaitedAnswer::Execute(_))) => {
                if let Some(AwaitedAnswer::Execute(mut running)) = self.pending.pop_front() {
                    running
                        .tags
                        .extend((message.kind == b'C').then(|| tag_in(&message.body)));
                    self.end(running, now);
                }
            }
            (b'1', Some(AwaitedAnswer::Parse(_)))
            | (b'2', Some(AwaitedAnswer::Bind(_)))
            | (b'3', Some(AwaitedAnswer::Close))
            | (b'n' | b'T', Some(AwaitedAnswer::Describe)) => drop(self.pending.pop_front()),
            (b'Z', _) => {
                self.skipping = false;
                loop {
                    match self.pending.pop_front() {
                        Some(AwaitedAnswer::Query(running)) => {
                            self.end(running, now);
                            break;
                        }
                        Some(AwaitedAnswer::Sync) | None => break,
                        // Skipped behind an error.
                        Some(_) => {}
                    }
                }
                return Some(match message.body.first() {
                    Some(b'T') => TransactionState::Open,
                    Some(b'E') => TransactionState::Failed,
                    _ => TransactionState::Idle,
                });
            }
            _ => {}
        }
        None
    }

    /// What failed is what is answered next; an error of a Sync is one of what stands before it.
    fn failed(&mut self, error: StatementError, now: Instant) {
        if self.skipping {
            return;
        }
        match self.pending.front_mut() {
            Some(AwaitedAnswer::Query(running)) => {
                running.error = Some(error);
                return;
            }
            Some(AwaitedAnswer::Sync) => {
                if let Some(last) = self.done.last_mut() {
                    last.error = Some(error);
                }
                return;
            }
            _ => {}
        }
        self.skipping = true;
        let text = match self.pending.pop_front() {
            Some(AwaitedAnswer::Execute(running)) => running.text,
            Some(AwaitedAnswer::Parse(text) | AwaitedAnswer::Bind(text)) => text,
            _ => return,
        };
        let running = Running {
            text,
            began: self.began.unwrap_or(now),
            tags: Vec::new(),
            error: Some(error),
        };
        self.end(running, now);
    }

    fn end(&mut self, running: Running, now: Instant) {
        let began = self
            .last_end
            .map_or(running.began, |end| running.began.max(end));
        self.last_end = Some(now);
        let rows = RecordedStatement::rows_of(&running.tags);
        self.done.push(RecordedStatement {
            text: running.text.text.clone(),
            text_bytes: running.text.whole.bytes,
            text_sha256: running.text.whole.sha256.clone(),
            of_script: None,
            tags: running.tags,
            rows: rows.map(Rehearsed::new),
            took_ms: milliseconds(now.saturating_duration_since(began)),
            error: running.error,
            transaction: self.state,
            locks: Vec::new(),
            safer: None,
        });
    }

    /// A look at the locks while a statement runs.
    pub(super) fn sampled(&mut self, locks: Locks, now: Instant) {
        self.last_sample = Some(now);
        for lock in locks {
            self.sampled.entry(lock).or_insert([now, now])[1] = now;
        }
    }

    /// The server was ready for more at `now`, with these locks; `None`: they could not be read. `own` is how long reading them took.
    pub(super) fn ready(
        &mut self,
        state: TransactionState,
        now: Instant,
        locks: Option<&Locks>,
        own: Duration,
        log: &mut ChangeLog,
    ) {
        let began = self.began.take().unwrap_or(now);
        let mut done = std::mem::take(&mut self.done);
        for statement in &mut done {
            statement.transaction = state;
        }
        let seen = std::mem::take(&mut self.sampled);
        if let Some(last) = done.last_mut()
            && state == TransactionState::Idle
        {
            last.locks
                .extend(seen.into_iter().map(|((relation, mode), [first, end])| {
                    let end = if self.last_sample == Some(end) {
                        now
                    } else {
                        end
                    };
                    TakenLock {
                        relation,
                        mode,
                        held_ms: milliseconds(end.saturating_duration_since(first)),
                        sampled: true,
                    }
                }));
        }
        let last = done.into_iter().map(|statement| log.add(statement)).last();
        if let Some(locks) = locks {
            let gone = self.held.keys().filter(|it| !locks.contains(it));
            let gone: Vec<_> = gone.cloned().collect();
            self.release(gone, now, log);
            for lock in locks {
                let (false, Some(last)) = (self.held.contains_key(lock), last) else {
                    continue;
                };
                let held = HeldLock {
                    place: log.take_lock(last, lock),
                    since: began,
                    own: self.own,
                };
                self.held.insert(lock.clone(), held);
            }
        }
        self.own += own;
        self.last_end = None;
        self.state = state;
    }

    /// The session is over.
    pub(super) fn over(&mut self, now: Instant, log: &mut ChangeLog) {
        while let Some(pending) = self.pending.pop_front() {
            if let AwaitedAnswer::Query(running) | AwaitedAnswer::Execute(running) = pending {
                self.end(running, now);
            }
        }
        self.ready(
            TransactionState::Ended,
            now,
            Some(&Locks::new()),
            Duration::ZERO,
            log,
        );
    }

    fn release(&mut self, gone: Vec<(String, LockMode)>, now: Instant, log: &mut ChangeLog) {
        for lock in gone {
            if let Some(held) = self.held.remove(&lock) {
                let own = self.own.saturating_sub(held.own);
                let time = now.saturating_duration_since(held.since);
                log.release(&held.place, &lock, milliseconds(time.saturating_sub(own)));
            }
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn sent_text(text: &[u8], whole: Option<&SqlDigest>) -> Arc<SentText> {
    let whole = whole.cloned().unwrap_or_else(|| SqlDigest {
        bytes: text.len() as u64,
        sha256: Digest::of(text),
    });
    let text = RecordedStatement::kept_text(text);
    Arc::new(SentText { text, whole })
}

fn remember(names: &mut HashMap<Vec<u8>, Arc<SentText>>, name: Vec<u8>, text: &Arc<SentText>) {
    if names.len() < NAMED_MAX || names.contains_key(&name) {
        names.insert(name, Arc::clone(text));
    }
}

fn known(names: &HashMap<Vec<u8>, Arc<SentText>>, name: &[u8]) -> Arc<SentText> {
    let text = names.get(name).cloned();
    text.unwrap_or_else(|| sent_text(b"(a statement whose text was not kept)", None))
}

fn tag_in(body: &[u8]) -> String {
    let tag = texts(body).next().unwrap_or_default();
    let is_word = |word: &[u8]| {
        let all = |of: fn(&u8) -> bool| !word.is_empty() && word.iter().all(of);
        all(u8::is_ascii_uppercase) || all(u8::is_ascii_digit)
    };
    if !tag.split(|byte| *byte == b' ').all(is_word) {
        return "(no command tag)".to_owned();
    }
    String::from_utf8_lossy(tag).into_owned()
}

/// Severity, SQLSTATE and message. Its detail can hold values of rows.
fn error_in(body: &[u8]) -> StatementError {
    let field = |name: u8| {
        let mut fields = texts(body);
        let found = fields.find(|field| field.first() == Some(&name));
        let text = String::from_utf8_lossy(found.and_then(|it| it.get(1..)).unwrap_or_default());
        text.chars().take(MESSAGE_MAX).collect::<String>()
    };
    // Of other forms neither can be, so that no other text of a server is kept as one.
    let in_form = |name: u8, of: fn(&str) -> bool| Some(field(name)).filter(|text| of(text));
    let code = in_form(b'C', |code| {
        code.len() == 5
            && code
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    });
    let code = code.unwrap_or_default();
    let severity = in_form(b'V', |word| {
        word.bytes().all(|byte| byte.is_ascii_uppercase())
    });
    StatementError {
        severity: severity.unwrap_or_default(),
        message: field(b'M'),
        // The routine stands last and is cut off behind a long detail; what has no code of its own is raised with P0001.
        raised: field(b'R') == "exec_stmt_raise" || code == "P0001",
        code,
    }
}
