//! Looks every second, over a second connection, whether anybody waits for a lock that our transaction holds.
//! Invariant: whoever waits is found within a second, and a look that fails counts as found (`look`; test
//! `an_alter_table_that_waits_behind_a_copy_goes_first` of tests/integration/rehearsal).

use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::call::Call;
use super::canceller::Canceller;
use super::connect::{ConnectOptions, connect};
use super::settings::ConnectionSettings;
use super::statement::Statement;
use super::wire::Wire;
use crate::runner::target::{TargetError, Unavailable, UnavailableKind};

const EVERY: Duration = Duration::from_secs(1);

/// The second connection, and what it found.
pub(super) struct WaitingBehind {
    found: Arc<OnceLock<Unavailable>>,
    /// Dropped, it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl WaitingBehind {
    /// Connects and begins to look who waits behind the backend `pid`, whose statement `canceller` ends. It has a thread of its
    /// own: the one that reads rows is also busy with files.
    pub(super) async fn start(
        settings: &ConnectionSettings,
        options: &ConnectOptions,
        pid: i32,
        canceller: Canceller,
    ) -> Result<Self, TargetError> {
        let found = Arc::new(OnceLock::new());
        let tell = Arc::clone(&found);
        let (stop, stopped) = oneshot::channel();
        let (connected, waits) = oneshot::channel();
        let (settings, options) = (settings.clone(), options.clone());
        let watch = move || async move {
            let wire = match connect(&settings, &options).await {
                Ok(wire) => wire,
                Err(error) => {
                    let _ = connected.send(Err(error));
                    return;
                }
            };
            let _ = connected.send(Ok(()));
            tokio::select! {
                why = look(wire, pid) => {
                    tell.get_or_init(|| why);
                    // A request that comes between two statements is lost; the next one asks `found` before it is sent.
                    canceller.cancel().await;
                }
                _ = stopped => {}
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| not_started(&error))?;
        thread::Builder::new()
            .name("waiting-behind".to_owned())
            .spawn(move || runtime.block_on(watch()))
            .map_err(|error| not_started(&error))?;
        let connected = waits.await;
        connected.unwrap_or_else(|_| {
            Err(TargetError::Unfit(
                "no second connection: its thread ended".to_owned(),
            ))
        })?;
        Ok(Self { found, _stop: stop })
    }

    /// Why our transaction must end now; `None`: nobody waits.
    pub(super) fn found(&self) -> Option<&Unavailable> {
        self.found.get()
    }
}

/// This machine gives nothing to look with: that says nothing of the database.
fn not_started(error: &io::Error) -> TargetError {
    TargetError::Unavailable(Unavailable {
        kind: UnavailableKind::Connection,
        message: format!("no second connection: {error}"),
        hint: "try again when this machine gives more files and threads to this process".to_owned(),
    })
}

/// Looks until somebody waits, or until it cannot look.
async fn look(mut wire: Wire, pid: i32) -> Unavailable {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let ask = Call::with(Statement::WAITING_BEHIND, vec![pid.to_string()]);
        let rows = match wire.ask(ask).await {
            Ok(rows) => rows,
            Err(error) => {
                return Unavailable {
                    kind: UnavailableKind::Connection,
                    message: format!(
                        "it could no longer be seen whether anybody waits behind us: {error}"
                    ),
                    hint: "try again when the server is less busy".to_owned(),
                };
            }
        };
        if let Some(waiter) = rows.into_iter().flatten().flatten().next() {
            return Unavailable {
                kind: UnavailableKind::MadeWay,
                message: format!("made way for PID {waiter}, which waited for a lock behind us"),
                hint: "try again when nobody changes the tables that are read".to_owned(),
            };
        }
    }
}
