//! The thread that talks to a run store, and what is asked again when a connection is lost.
//! Invariant: whoever asks waits for a limited time, and what was asked may be asked twice: each statement knows its own success.

use std::future::Future;
use std::sync::mpsc;
use std::sync::{Arc, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio::sync::{Mutex, oneshot};
use tokio::time::{sleep, timeout};
use tokio_postgres::error::SqlState;

use super::StoreError;
use super::hints::{self, Hints};
use super::statements::{AskIdentity, StoreAbout};
use crate::journal::StoreIdentity;
use crate::postgres::{ConnectionSettings, StoreConnection};

/// How a run store is used.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Where it is.
    pub connection: ConnectionSettings,
    /// How long a process that is not heard of keeps a run.
    pub lease: Duration,
}

/// How long one answer is waited for, and a connection.
const ANSWER: Duration = Duration::from_secs(5);
/// How long something is asked again at most before it has failed: a restart or a failover of the store takes seconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same where what this machine has will do instead.
pub(super) const READ_PATIENCE: Duration = Duration::from_secs(2);
/// A store that was not reached is not asked again within this time by whoever can do without.
const DOWN: Duration = Duration::from_secs(5);
/// Pauses between two tries, from the first to the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// Something that a store is asked for. It may be asked twice, and knows when it succeeded the first time.
pub(super) trait Question: Send + Sync + 'static {
    /// What the store answers.
    type Answer: Send + 'static;
    /// Asks once.
    fn ask(
        &self,
        connection: &StoreConnection,
    ) -> impl Future<Output = Result<Self::Answer, AskError>> + Send;
}

/// Why one try to ask failed.
#[derive(Debug)]
pub(super) enum AskError {
    /// The driver says so: the link or the server.
    Driver(tokio_postgres::Error),
    /// The answer itself.
    Final(StoreError),
}

impl From<tokio_postgres::Error> for AskError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

/// An answer that was not waited for yet.
#[derive(Debug)]
pub(super) struct PendingAnswer<A> {
    told: mpsc::Receiver<Result<A, StoreError>>,
    limit: Duration,
}

/// A run store, asked through a thread of its own: whoever asks may stand in another event loop, which must not be entered twice.
#[derive(Debug)]
pub struct StoreClient {
    handle: Handle,
    link: Arc<StoreLink>,
    about: OnceLock<StoreAbout>,
    lease: Duration,
    /// When it was not reached; `None`: it answered since.
    down: std::sync::Mutex<Option<Instant>>,
    /// Asked for first by whoever follows a run.
    hints: OnceLock<Arc<Hints>>,
    /// Dropped with the client: the thread ends.
    _ends: oneshot::Sender<()>,
}

/// The connection, which is opened again when it is lost.
pub(super) struct StoreLink {
    settings: ConnectionSettings,
    connection: Mutex<Option<Arc<StoreConnection>>>,
}

impl std::fmt::Debug for StoreLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreLink").finish_non_exhaustive()
    }
}

impl StoreClient {
    /// Starts its thread. Nothing is connected to before something is asked.
    pub fn start(options: StoreOptions) -> Result<Self, StoreError> {
        let (tell, told) = mpsc::channel();
        let (ends, ended) = oneshot::channel::<()>();
        let serve = move || {
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error))),
            };
            let _ = tell.send(Ok(runtime.handle().clone()));
            // Its sender is dropped with the client.
            let _ = runtime.block_on(ended);
        };
        let shortage = |error: std::io::Error| StoreError::Shortage(error.to_string());
        let thread = thread::Builder::new().name("store".to_owned());
        thread.spawn(serve).map_err(shortage)?;
        let ended = |_| StoreError::Shortage("its thread ended".to_owned());
        let handle = told.recv().map_err(ended)?.map_err(shortage)?;
        Ok(Self {
            handle,
            link: Arc::new(StoreLink {
                settings: options.connection,
                connection: Mutex::default(),
            }),
            about: OnceLock::new(),
            lease: options.lease,
            down: std::sync::Mutex::default(),
            hints: OnceLock::new(),
            _ends: ends,
        })
    }

    /// Who this process is to the store, and which server that is. Its tables are looked at.
    pub fn identity(&self) -> Result<StoreIdentity, StoreError> {
        Ok(self.about()?.identity.clone())
    }

    /// What is asked of the store once.
    pub(super) fn about(&self) -> Result<&StoreAbout, StoreError> {
        if let Some(about) = self.about.get() {
            return Ok(about);
        }
        let about = self.ask(READ_PATIENCE, AskIdentity)?;
        Ok(self.about.get_or_init(|| about))
    }

    /// How long a process that is not heard of keeps a run.
    pub(super) fn lease(&self) -> Duration {
        self.lease
    }

    /// How long something is asked again that must not fail. Once the lease is over another machine may have the run, so that there is
    /// no sense in asking longer.
    pub(super) fn patience(&self) -> Duration {
        self.lease.min(PATIENCE)
    }

    /// Asks until there is an answer or `patience` is over.
    pub(super) fn ask<Q: Question>(
        &self,
        patience: Duration,
        question: Q,
    ) -> Result<Q::Answer, StoreError> {
        let asked = self.begin(patience, question);
        self.answer(&asked)
    }

    /// The same, while whoever asks does something else.
    pub(super) fn begin<Q: Question>(
        &self,
        patience: Duration,
        question: Q,
    ) -> PendingAnswer<Q::Answer> {
        let (tell, told) = mpsc::channel();
        let link = Arc::clone(&self.link);
        self.handle.spawn(async move {
            // Whoever waited too long asks no more.
            let _ = tell.send(link.ask(patience, &question).await);
        });
        // The task gives up by itself; a thread that is never run does not.
        let limit = patience + 3 * ANSWER;
        PendingAnswer { told, limit }
    }

    /// Waits for an answer.
    pub(super) fn answer<A>(&self, asked: &PendingAnswer<A>) -> Result<A, StoreError> {
        let limit = asked.limit;
        let silent = |_| StoreError::Unreachable(format!("silent for {} s", limit.as_secs()));
        let answer = asked.told.recv_timeout(limit).map_err(silent).flatten();
        let is_down = matches!(answer, Err(StoreError::Unreachable(_)));
        *self.down() = is_down.then(Instant::now);
        answer
    }

    fn down(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        // A panic elsewhere leaves the time as it is.
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was not reached a moment ago: whoever can do without does not wait for it again.
    pub(super) fn is_down(&self) -> bool {
        self.down().is_some_and(|since| since.elapsed() < DOWN)
    }

    /// Rests until somebody is known to have written, at most so long; whether somebody was.
    pub(super) fn rest(&self, at_most: Duration) -> bool {
        let hints = self.hints.get_or_init(|| {
            let hints = Arc::new(Hints::default());
            let heard = Arc::downgrade(&hints);
            self.spawn(|link| hints::listen(link, heard));
            hints
        });
        hints.rest(at_most)
    }

    /// Starts a task on the store's thread, with the link that it may ask through.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        task: impl FnOnce(Arc<StoreLink>) -> F,
    ) {
        self.handle.spawn(task(Arc::clone(&self.link)));
    }
}

impl StoreLink {
    /// Asks until there is an answer or `patience` is over.
    pub(super) async fn ask<Q: Question>(
        &self,
        patience: Duration,
        question: &Q,
    ) -> Result<Q::Answer, StoreError> {
        let began = Instant::now();
        let mut pause = PAUSES[0];
        loop {
            let why = match self.ask_once(question).await {
                Ok(answer) => return Ok(answer),
                Err(Tried::Final(error)) => return Err(error),
                Err(Tried::Again(why)) => why,
            };
            tracing::warn!(reason = ?why, "the run store did not answer");
            if began.elapsed() + pause > patience {
                return Err(StoreError::Unreachable(why));
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES[1]);
        }
    }

    async fn ask_once<Q: Question>(&self, question: &Q) -> Result<Q::Answer, Tried> {
        let connection = self.connection().await.map_err(Tried::Again)?;
        let failed = match timeout(ANSWER, question.ask(&connection)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(AskError::Final(error))) => return Err(Tried::Final(error)),
            Ok(Err(AskError::Driver(error))) => error,
            Err(_) => {
                self.forget().await;
                let why = format!("no answer within {} s", ANSWER.as_secs());
                return Err(Tried::Again(why));
            }
        };
        let Some(answer) = failed.as_db_error() else {
            self.forget().await;
            return Err(Tried::Again(failed.to_string()));
        };
        let why = format!("{} ({})", answer.message(), answer.code().code());
        if is_conflict(answer.code()) {
            return Err(Tried::Again(why));
        }
        if is_passing(answer.code()) {
            // Another host of the connection text may be the primary by now.
            self.forget().await;
            return Err(Tried::Again(why));
        }
        Err(Tried::Final(StoreError::Refused(why)))
    }

    /// The connection, opened if there is none.
    async fn connection(&self) -> Result<Arc<StoreConnection>, String> {
        let mut slot = self.connection.lock().await;
        if let Some(open) = slot.as_ref().filter(|open| !open.is_closed()) {
            return Ok(Arc::clone(open));
        }
        let opened = Arc::new(self.open().await?);
        *slot = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// A connection of its own.
    pub(super) async fn open(&self) -> Result<StoreConnection, String> {
        StoreConnection::open(&self.settings, ANSWER).await
    }

    async fn forget(&self) {
        self.connection.lock().await.take();
    }
}

/// What came of one try.
enum Tried {
    /// It may be asked again; why.
    Again(String),
    /// It may not.
    Final(StoreError),
}

/// Transactions that met: serialization failure, deadlock, a row that an earlier try of the same question made late. The statement had
/// no effect.
fn is_conflict(code: &SqlState) -> bool {
    [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::UNIQUE_VIOLATION,
    ]
    .contains(code)
}

/// States that a server passes through: starting, stopping, becoming a primary, out of connections.
fn is_passing(code: &SqlState) -> bool {
    let passing = [
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
    ];
    passing.contains(code) || code.code().starts_with("08")
}
