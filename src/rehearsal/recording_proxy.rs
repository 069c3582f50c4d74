//! The recording proxy: a change talks to it as to the shadow's server, and every statement is recorded with the locks that it takes.
//! What a client sends at once, up to one Sync, has its locks with the last statement of it: the server is not asked in between.
//! Invariant: every byte passes as it came, a message of any length through memory of one size (`pass`), and the proxy reaches the
//! server of the shadow alone, in the same namespaces as the change.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::change_log::ChangeLog;
use super::recorded_session::{Locks, RecordedSession};
use super::shadow_database::{FOREIGN, SUPERUSER};
use crate::postgres::protocol::{
    MessageScanner, PassedMessage, STARTUP, code_of, error_of, first_message, put, texts,
};
use crate::postgres::throwaway::OpenSession;
use crate::run::{LockMode, TransactionState};

/// The name of a server's socket in its directory.
const SOCKET: &str = ".s.PGSQL.5432";
/// Bytes that are passed at once.
const CHUNK: usize = 1 << 16;
/// How often the locks of a statement that is a transaction of its own are looked at.
const SAMPLE: Duration = Duration::from_millis(5);
/// How long sessions whose client has ended may take to end.
const END_LIMIT: Duration = Duration::from_secs(30);
/// Reading locks must not wait for the change itself, which can have locked a catalogue.
const READER: &str = "-c search_path= -c lock_timeout=2s -c statement_timeout=10s -c plan_cache_mode=force_generic_plan";
/// How long reading locks may take in all sessions of a phase together: a change of very many statements comes to its end.
const READ_LIMIT: Duration = Duration::from_mins(2);

/// A socket in front of a server.
pub(super) struct RecordingProxy {
    directory: PathBuf,
    log: Arc<SharedLog>,
}

/// What all sessions write to.
#[derive(Default)]
struct SharedLog {
    /// How many sessions are open, and what was done.
    state: Mutex<(usize, ChangeLog)>,
    ended: Condvar,
    /// Microseconds that clients waited for us and not for the server.
    own_us: AtomicU64,
}

impl SharedLog {
    fn own(&self) -> Duration {
        Duration::from_micros(self.own_us.load(Ordering::SeqCst))
    }

    fn hold(&self) -> MutexGuard<'_, (usize, ChangeLog)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordingProxy {
    /// Listens in a new directory, which only this account may enter, in front of the server whose socket is in `server`.
    pub(super) fn listen(directory: &Path, server: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(directory)?;
        let listener = std::os::unix::net::UnixListener::bind(directory.join(SOCKET))?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let log = Arc::new(SharedLog::default());
        let (kept, server) = (Arc::clone(&log), server.to_path_buf());
        // It ends with its process, as the server does.
        let accepting = thread::Builder::new().name("proxy".to_owned());
        accepting.spawn(move || runtime.block_on(accept(listener, &server, &kept)))?;
        Ok(Self {
            directory: directory.to_path_buf(),
            log,
        })
    }

    /// Where it listens.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// How long clients waited for us and not for the server, since the last time.
    pub(super) fn own_time(&self) -> Duration {
        self.log.own()
    }

    /// What was recorded since the last time, once every session has ended. The server had so many sessions meanwhile.
    pub(super) fn take(&self, sessions: usize) -> Result<ChangeLog, String> {
        let began = Instant::now();
        let mut state = self.log.hold();
        while state.0 > 0 {
            let left = END_LIMIT.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err("a session of the change does not end".to_owned());
            }
            let waited = self.log.ended.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        self.log.own_us.store(0, Ordering::SeqCst);
        let mut log = std::mem::take(&mut state.1);
        log.had_sessions(sessions);
        Ok(log)
    }
}

async fn accept(listener: std::os::unix::net::UnixListener, server: &Path, log: &Arc<SharedLog>) {
    let Ok(listener) = UnixListener::from_std(listener) else {
        return;
    };
    while let Ok((client, _)) = listener.accept().await {
        log.hold().0 += 1;
        let (log, server) = (Arc::clone(log), server.to_path_buf());
        tokio::spawn(async move {
            if let Err(error) = serve(client, &server, &log).await {
                // Either side may go at any time; what it was doing is recorded.
                tracing::debug!("a session of the change: {error}");
            }
            log.hold().0 -= 1;
            log.ended.notify_all();
        });
    }
}

/// One session from its first message to its end.
async fn serve(mut client: UnixStream, server: &Path, log: &SharedLog) -> io::Result<()> {
    let first = first_message(&mut client).await?;
    let mut upstream = match UnixStream::connect(server.join(SOCKET)).await {
        Ok(upstream) => upstream,
        Err(error) => {
            let mut out = Vec::new();
            let says = format!("the server of the shadow is gone: {error}");
            put(&mut out, b'E', &error_of("57P01", &says));
            return client.write_all(&out).await;
        }
    };
    if code_of(&first) == STARTUP {
        log.hold().1.session_begins();
    }
    let length = i32::try_from(first.len() + 4).unwrap_or(i32::MAX);
    upstream.write_all(&length.to_be_bytes()).await?;
    upstream.write_all(&first).await?;
    if code_of(&first) != STARTUP {
        // A request to cancel has no answer.
        return upstream.read(&mut [0]).await.map(drop);
    }
    let passing = Passing {
        session: Mutex::new(RecordedSession::new()),
        runs_alone: Notify::new(),
        locks: LockReader {
            server: server.to_path_buf(),
            database: database_of(&first),
            open: None,
        },
        log,
    };
    passing
        .both(client.into_split(), upstream.into_split())
        .await
}

/// The database that a first message names, else that of its user.
fn database_of(first: &[u8]) -> String {
    let words: Vec<&[u8]> = texts(first.get(4..).unwrap_or_default()).collect();
    let value = |name: &[u8]| {
        let mut pairs = words.chunks(2);
        pairs.find_map(|pair| (pair[0] == name).then(|| pair.get(1).copied())?)
    };
    let name = value(b"database").or_else(|| value(b"user"));
    String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
}

/// A session whose messages pass.
struct Passing<'l> {
    session: Mutex<RecordedSession>,
    /// A statement began that can be a transaction of its own.
    runs_alone: Notify,
    locks: LockReader,
    log: &'l SharedLog,
}

impl Passing<'_> {
    async fn both(
        mut self,
        client: (OwnedReadHalf, OwnedWriteHalf),
        server: (OwnedReadHalf, OwnedWriteHalf),
    ) -> io::Result<()> {
        let mut locks = std::mem::take(&mut self.locks);
        let up = self.up(client.0, server.1);
        let down = self.down(server.0, client.1, &mut locks);
        tokio::pin!(up, down);
        // A client that is gone leaves the server something to end; a server that is gone leaves nothing.
        let ended = tokio::select! {
            ended = &mut down => ended,
            ended = &mut up => match ended {
                Ok(()) => down.await,
                Err(error) => Err(error),
            },
        };
        let mut session = self.session();
        session.over(Instant::now(), &mut self.log.hold().1);
        drop(session);
        ended
    }

    fn session(&self) -> MutexGuard<'_, RecordedSession> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From the client to the server. What was sent is known before the server can answer it.
    async fn up(&self, mut client: OwnedReadHalf, mut server: OwnedWriteHalf) -> io::Result<()> {
        let mut scanner = MessageScanner::default();
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = client.read(&mut chunk).await?;
            if length == 0 {
                return server.shutdown().await;
            }
            let mut at = 0;
            while at < length {
                let (used, message) = scanner.next(&chunk[at..length], true)?;
                at += used;
                if let Some(message) = message {
                    self.session().sent(&message, Instant::now());
                }
            }
            if self.session().runs_alone() {
                self.runs_alone.notify_one();
            }
            server.write_all(&chunk[..length]).await?;
        }
    }

    /// From the server to the client, which waits for more until the locks were read.
    async fn down(
        &self,
        mut server: OwnedReadHalf,
        mut client: OwnedWriteHalf,
        locks: &mut LockReader,
    ) -> io::Result<()> {
        let mut scanner = MessageScanner::default();
        let mut chunk = vec![0; CHUNK];
        loop {
            let alone = self.session().runs_alone();
            let length = tokio::select! {
                biased;
                read = server.read(&mut chunk) => read?,
                () = self.runs_alone.notified(), if !alone => continue,
                () = sleep(SAMPLE), if alone => {
                    self.sample(locks).await;
                    continue;
                }
            };
            if length == 0 {
                return client.shutdown().await;
            }
            let (mut at, mut passed) = (0, 0);
            while at < length {
                let (used, message) = scanner.next(&chunk[at..length], false)?;
                if message.as_ref().is_some_and(|it| it.kind == b'Z') {
                    client.write_all(&chunk[passed..at]).await?;
                    passed = at;
                }
                at += used;
                if let Some(message) = message {
                    self.answered(&message, locks).await;
                }
            }
            client.write_all(&chunk[passed..length]).await?;
        }
    }

    async fn answered(&self, message: &PassedMessage, locks: &mut LockReader) {
        let now = Instant::now();
        let (state, backend) = {
            let mut session = self.session();
            (session.answered(message, now), session.backend)
        };
        let Some(state) = state else { return };
        let read = match state {
            // With the end of a transaction its locks end.
            TransactionState::Idle | TransactionState::Ended => Ok(Locks::new()),
            _ if self.log.own() > READ_LIMIT => Err(format!(
                "reading them took {} s; those of later statements were not read",
                READ_LIMIT.as_secs()
            )),
            TransactionState::Open | TransactionState::Failed => locks.of(backend).await,
        };
        let mut log = self.log.hold();
        let read = read.map_err(|why| log.1.unread(why)).ok();
        let own = now.elapsed();
        let micros = u64::try_from(own.as_micros()).unwrap_or(u64::MAX);
        self.log.own_us.fetch_add(micros, Ordering::SeqCst);
        self.session()
            .ready(state, now, read.as_ref(), own, &mut log.1);
    }

    async fn sample(&self, locks: &mut LockReader) {
        let backend = self.session().backend;
        match locks.of(backend).await {
            Ok(read) => self.session().sampled(read, Instant::now()),
            Err(why) => self.log.hold().1.unread(why),
        }
    }
}

/// Asks the server, beside the change, which locks one of its processes has.
#[derive(Default)]
struct LockReader {
    server: PathBuf,
    database: String,
    open: Option<OpenSession>,
}

impl LockReader {
    /// The locks that it has now.
    async fn of(&mut self, backend: Option<i32>) -> Result<Locks, String> {
        let backend = backend.ok_or("the server does not tell the process of a session")?;
        if self.open.is_none() {
            let opened = OpenSession::open(&self.server, SUPERUSER, &self.database, READER).await;
            let opened = opened.map_err(|error| error.to_string())?;
            // Asked behind every statement: it is planned once. Reading holds nobody up but changes of the definition, and of an
            // index or sequence only what is strong is worth a line.
            let plan = format!(
                "PREPARE locks (integer) AS SELECT n.nspname || '.' || c.relname, l.mode FROM pg_catalog.pg_locks l
                   JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  WHERE l.pid = $1 AND l.locktype = 'relation' AND l.granted AND l.mode <> 'AccessShareLock' AND {FOREIGN}
                    AND (c.relkind NOT IN ('i', 'I', 'S')
                         OR l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))"
            );
            let planned = opened.ask(&plan).await;
            planned.map_err(|error| error.to_string())?;
            self.open = Some(opened);
        }
        let Some(session) = &self.open else {
            return Ok(Locks::new());
        };
        let rows = session.ask(&format!("EXECUTE locks ({backend})")).await;
        let rows = rows.map_err(|error| error.to_string())?;
        let lock = |row: Vec<Option<String>>| {
            let mut cells = row.into_iter().flatten();
            let (relation, mode) = (cells.next()?, cells.next()?);
            let mode = LockMode::ALL.into_iter().find(|it| it.name() == mode)?;
            Some((relation, mode))
        };
        Ok(rows.into_iter().filter_map(lock).collect())
    }
}
