//! One survey transaction from BEGIN to ROLLBACK.
//! Invariant: it is journalled before BEGIN (`Session::open`), read only by its own first answers (`Session::unfit`), and never
//! committed: the closed list has no COMMIT.

use std::collections::BTreeMap;
use std::time::Instant;

use tokio_postgres::SimpleQueryMessage;

use super::budget::Budget;
use super::call::{Call, PlannedRead, ReadSteps};
use super::canceller::Canceller;
use super::connect::ConnectOptions;
use super::copy_pace::CopyPace;
use super::error::{CallError, UnknownReason};
use super::own_parts;
use super::statement::Statement;
use super::wire::{AnswerRows, BatchAnswers, Pending, Wire};
use super::{proof, session_settings};
use crate::profile::Timeouts;
use crate::runner::target::{Purpose, TargetError, Witness};
use crate::survey::{Footprint, Residue, ServerIdentity, Snapshot, TransactionProof, UtcTime};

/// An open survey transaction.
pub(super) struct Session {
    wire: Wire,
    nonce: String,
    began: Instant,
    settings: BTreeMap<String, String>,
    server: ServerIdentity,
    snapshot: Snapshot,
    backend_pid: Option<i32>,
    /// What the backend had before us.
    carried: Option<Residue>,
    fault: Option<CallError>,
    /// Why not even the end may be measured.
    forged: Option<CallError>,
    /// Why nothing more may be read.
    refused: Option<UnknownReason>,
    opening: Call,
    again: Option<Call>,
}

/// How the end of a session was seen.
pub(super) struct Closed {
    /// The server.
    pub(super) server: ServerIdentity,
    /// The snapshot that was read.
    pub(super) snapshot: Snapshot,
    /// What was measured of the end.
    pub(super) proof: TransactionProof,
    /// The answer to the question that was to be asked again, in a new transaction.
    pub(super) again: Option<Result<AnswerRows, UnknownReason>>,
}

/// How much longer than our own budget the server waits before it ends the transaction itself.
const SERVER_GRACE_S: u64 = 5;

impl Session {
    /// Tells the witness, begins, looks at the parts of PostgreSQL that our own statements call, asks the first questions. What
    /// they answered is judged by [`Session::unfit`]. `allowed` are the functions that the profile names.
    pub(super) async fn open(
        mut wire: Wire,
        purpose: Purpose,
        options: &ConnectOptions,
        allowed: &[String],
        witness: &mut dyn Witness,
    ) -> Result<Self, TargetError> {
        let nonce = nonce()?;
        // Durable before BEGIN is sent: a crash from here on leaves a transaction whose end is known to be unseen.
        witness.opening(purpose, &nonce)?;
        let (began_at, began) = (now(), Instant::now());
        let budget = Budget::since(began, &options.budgets, witness.allowance());
        let seconds_max = budget.seconds_max();
        wire.limit(Some(budget));
        let forged = match own_parts::begin(&mut wire, allowed).await {
            Err(
                lost @ CallError::Unavailable {
                    connected: false, ..
                },
            ) => return Err(lost.into_target()),
            judged => judged.err(),
        };
        let calls = match forged {
            None => opening_calls(&nonce, &options.timeouts),
            Some(_) => Vec::new(),
        };
        let answers = wire.batch(&calls).await.map_err(CallError::into_target)?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or(Ok(Vec::new()));
        let mut fault = forged.clone();
        let mut keep = |fails: bool, answer: Result<AnswerRows, CallError>| match answer {
            Ok(rows) => rows,
            Err(error) => {
                if fails || matches!(error, CallError::Unavailable { .. }) {
                    fault.get_or_insert(error);
                }
                Vec::new()
            }
        };
        let mut must = |answer| keep(true, answer);
        let _opened = must(next());
        let settings = must(next());
        let identity = must(next());
        // Not every role may ask these, and not every server has the first two.
        let mut may = |answer| single(keep(false, answer));
        let _savepoint = next();
        let system_identifier = may(next());
        let _rollback_to = next();
        let timeline = may(next());
        let _rollback_to = next();
        let carried = proof::carried(next().unwrap_or_default());
        let mut columns = identity.into_iter().flatten();
        let mut cell = || columns.next().flatten().unwrap_or_default();
        let mut snapshot = Snapshot {
            nonce: nonce.clone(),
            virtual_xid: cell(),
            server_time: cell(),
            snapshot: String::new(),
            began_at,
            ended_at: began_at,
        };
        snapshot.snapshot = cell();
        let in_recovery = cell() == "true";
        let mut server = ServerIdentity {
            version: cell(),
            version_num: cell().parse().unwrap_or(0),
            system_identifier,
            timeline,
            database: cell(),
            database_oid: None,
            postmaster_start: cell(),
            in_recovery,
            session_user: cell(),
            current_user: cell(),
            transport: wire.transport().name().to_owned(),
        };
        let backend_pid = cell().parse().ok();
        server.database_oid = cell().parse().ok();
        let mut session = Self {
            backend_pid,
            carried,
            fault,
            forged,
            refused: None,
            opening: opening_call(&nonce, &options.timeouts),
            again: None,
            wire,
            nonce,
            began,
            settings: pairs(settings),
            server,
            snapshot,
        };
        session.limit_transaction(seconds_max).await;
        let (nonce, server) = (session.nonce.as_str(), session.server.version.as_str());
        let fault = session.fault.as_ref().map(ToString::to_string);
        tracing::info!(
            ?purpose,
            nonce,
            server,
            backend_pid,
            fault,
            "transaction opened"
        );
        Ok(session)
    }

    /// The server's own limit, where it knows one: a little longer than ours, so that the end can be measured.
    async fn limit_transaction(&mut self, seconds_max: u64) {
        // `transaction_timeout` exists since PostgreSQL 17.
        if self.server.version_num < 170_000 || self.fault.is_some() {
            return;
        }
        let limit_ms = (seconds_max + SERVER_GRACE_S) * 1_000;
        let call = Call::with(Statement::TRANSACTION_TIMEOUT, vec![limit_ms.to_string()]);
        self.fault = self.wire.ask(call).await.err();
    }

    /// Why this session is not what was asked for.
    pub(super) fn unfit(&self, require_standby: bool) -> Option<TargetError> {
        let fault = self.fault.clone().map(CallError::into_target);
        fault.or_else(|| self.unlike(require_standby).map(TargetError::Unfit))
    }

    fn unlike(&self, require_standby: bool) -> Option<String> {
        if let Some(unlike) = session_settings::unlike(&self.nonce, &self.settings) {
            return Some(unlike);
        }
        if self.snapshot.virtual_xid.is_empty() || self.snapshot.server_time.is_empty() {
            return Some("the session does not see its own transaction".to_owned());
        }
        (require_standby && !self.server.in_recovery)
            .then(|| "the profile requires a standby, this server is a primary".to_owned())
    }

    /// Identity of the server, from the first answers.
    pub(super) fn server(&self) -> &ServerIdentity {
        &self.server
    }

    /// Reads everything in one round trip; each read fails alone. `on_answer` is called for each read as it is answered, with
    /// its place in `reads`.
    pub(super) async fn read(
        &mut self,
        reads: &[PlannedRead],
        on_answer: &mut dyn FnMut(BatchAnswers),
    ) -> Result<Vec<Result<AnswerRows, CallError>>, CallError> {
        if let Some(reason) = &self.refused {
            let refused = |_| Err(CallError::Refused(reason.clone()));
            return Ok(reads.iter().map(refused).collect());
        }
        let mut calls = Vec::with_capacity(reads.len() * 5);
        // The call that ends each read.
        let mut ends = Vec::with_capacity(reads.len());
        for read in reads {
            calls.push(Statement::SAVEPOINT.into());
            match &read.steps {
                ReadSteps::Ask(call) => calls.push(call.clone()),
                ReadSteps::Cursor(declare, fetch) => {
                    calls.push(declare.clone());
                    calls.push(fetch.clone().into());
                }
            }
            calls.push(Statement::ROLLBACK_TO.into());
            ends.push(calls.len());
            calls.push(Statement::RELEASE.into());
        }
        let mut of_reads = |answer| match answer {
            BatchAnswers::Rows { call, rows } => {
                let call = ends.partition_point(|end| *end <= call);
                on_answer(BatchAnswers::Rows { call, rows });
            }
            BatchAnswers::Whole { call } => {
                if let Ok(call) = ends.binary_search(&call) {
                    on_answer(BatchAnswers::Whole { call });
                }
            }
        };
        let answers = self.wire.batch_with_progress(&calls, &mut of_reads).await?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or(Ok(Vec::new()));
        let mut results = Vec::with_capacity(reads.len());
        for read in reads {
            let savepoint = next();
            let mut result = savepoint.and(next());
            // After an error the server refuses the rest up to ROLLBACK TO; the first error is the one that is kept.
            if matches!(read.steps, ReadSteps::Cursor(..)) {
                let fetched = next();
                result = result.and(fetched);
            }
            let (back, released) = (next(), next());
            results.push(result.and_then(|rows| back.and(released).map(|_| rows)));
        }
        Ok(results)
    }

    /// From here on every read is refused with this reason.
    pub(super) fn refuse(&mut self, reason: UnknownReason) {
        self.refused = Some(reason);
    }

    /// Sends a FETCH ahead of its need.
    pub(super) async fn start(&mut self, statement: Statement) -> Pending {
        self.wire.start(statement).await
    }

    /// Waits for the answer of a FETCH that was sent ahead.
    pub(super) async fn finish(&mut self, pending: Pending) -> Result<AnswerRows, CallError> {
        self.wire.finish(pending).await
    }

    /// Calls that bring their own savepoints, in one round trip.
    pub(super) async fn batch(
        &mut self,
        calls: &[Call],
        on_answer: &mut dyn FnMut(BatchAnswers),
    ) -> Result<Vec<Result<AnswerRows, CallError>>, CallError> {
        self.wire.batch_with_progress(calls, on_answer).await
    }

    /// One statement by the simple protocol.
    pub(super) async fn simple(
        &mut self,
        statement: &Statement,
    ) -> Result<Vec<SimpleQueryMessage>, CallError> {
        self.wire.simple(statement).await
    }

    /// The rows of COPY .. TO STDOUT, as they come.
    pub(super) async fn copy(
        &mut self,
        statement: &Statement,
        keep: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
        pace: &CopyPace<'_>,
    ) -> Result<u64, CallError> {
        self.wire.copy(statement, keep, pace).await
    }

    /// Our backend's process id with what ends its statement; `None`: the server did not tell the id.
    pub(super) fn backend(&self) -> Option<(i32, Canceller)> {
        Some((self.backend_pid?, self.wire.canceller()))
    }

    /// Has a question asked once more when the transaction has ended, in another one.
    pub(super) fn ask_again(&mut self, call: Call) {
        self.again = Some(call);
    }

    /// Measures the end, rolls back, looks for residue.
    pub(super) async fn close(mut self) -> Result<Closed, CallError> {
        // The end is measured also when a budget is spent.
        self.wire.limit(None);
        if let Some(reason) = self.forged.take() {
            return self.close_unmeasured(reason).await;
        }
        let mut calls: Vec<Call> = [
            Statement::CLOSING,
            Statement::LOCKS,
            Statement::end(),
            Statement::BEGIN,
            Statement::RESIDUE,
        ]
        .map(Call::from)
        .to_vec();
        // WAL statistics of one backend exist since PostgreSQL 18.
        if self.server.version_num >= 180_000 {
            calls.push(Statement::BACKEND_WAL.into());
        }
        let measures = calls.len();
        if let Some(again) = self.again.take() {
            // In a transaction of its own: a measure that the role may not make would abort it.
            calls.extend([
                Statement::ROLLBACK.into(),
                Statement::BEGIN.into(),
                // A pooler in transaction mode may have lost the settings.
                self.opening.clone(),
                Statement::INDEXES_FIRST.into(),
                again,
            ]);
        }
        let asked = calls.len();
        calls.push(Statement::ROLLBACK.into());
        let answers = self.wire.batch(&calls).await;
        let mut answers = answers.inspect_err(|error| self.unseen(error))?;
        // An end that could not be measured now was not seen: it is no answer about the transaction.
        let away = |answer: &&Result<AnswerRows, CallError>| {
            matches!(answer, Err(CallError::Unavailable { .. }))
        };
        if let Some(Err(error)) = answers.iter().find(away) {
            self.unseen(error);
            return Err(error.clone().reading("the end of the transaction"));
        }
        let again = (asked > measures).then(|| {
            // The first error is the one that tells.
            let answers = answers
                .drain(measures..asked)
                .collect::<Result<Vec<_>, _>>();
            let last = |mut answers: Vec<AnswerRows>| answers.pop().unwrap_or_default();
            answers.map(last).map_err(|error| error.to_string().into())
        });
        Ok(self.closed(answers, again))
    }

    /// Rolls back and measures nothing: what measures could be somebody else's.
    async fn close_unmeasured(mut self, reason: CallError) -> Result<Closed, CallError> {
        let rolled_back = self.wire.ask(Statement::ROLLBACK).await;
        // A lock or a deadline that kept the catalogues away is no answer about the transaction: its end was not seen.
        if matches!(reason, CallError::Unavailable { .. }) {
            self.unseen(&reason);
            return Err(reason);
        }
        let refused = || Err(reason.clone());
        let answers = vec![refused(), refused(), rolled_back, Ok(Vec::new()), refused()];
        Ok(self.closed(answers, None))
    }

    fn unseen(&self, error: &CallError) {
        let (nonce, reason) = (self.nonce.as_str(), error.to_string());
        tracing::warn!(nonce, ?reason, "end of a transaction not seen");
    }

    fn closed(
        mut self,
        answers: Vec<Result<AnswerRows, CallError>>,
        again: Option<Result<AnswerRows, UnknownReason>>,
    ) -> Closed {
        let nonce = self.nonce.as_str();
        self.snapshot.ended_at = now();
        let mut footprint = self.wire.footprint().clone();
        footprint.transaction_us =
            u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let Footprint {
            statements,
            rows,
            bytes,
            transaction_us,
            ..
        } = footprint;
        tracing::info!(
            nonce,
            transaction_us,
            statements,
            rows,
            bytes,
            "transaction closed"
        );
        let mut proof = proof::proof(
            &self.snapshot,
            self.backend_pid,
            self.carried,
            footprint,
            answers,
        );
        if self.wire.misplaced() {
            proof
                .ended_by
                .push_str(", the server warned that its transaction was not ours to begin or end");
        }
        Closed {
            server: self.server,
            snapshot: self.snapshot,
            proof,
            again,
        }
    }
}

fn opening_call(nonce: &str, timeouts: &Timeouts) -> Call {
    let opening = vec![
        nonce.to_owned(),
        timeouts.statement_ms.to_string(),
        timeouts.lock_ms.to_string(),
    ];
    Call::with(Statement::opening(), opening)
}

fn opening_calls(nonce: &str, timeouts: &Timeouts) -> Vec<Call> {
    vec![
        opening_call(nonce, timeouts),
        Statement::SETTINGS.into(),
        Statement::IDENTITY.into(),
        Statement::SAVEPOINT.into(),
        Statement::SYSTEM_IDENTIFIER.into(),
        Statement::ROLLBACK_TO.into(),
        Statement::TIMELINE.into(),
        Statement::ROLLBACK_TO.into(),
        Statement::RESIDUE.into(),
        Statement::ROLLBACK_TO.into(),
        Statement::RELEASE.into(),
    ]
}

fn pairs(rows: AnswerRows) -> BTreeMap<String, String> {
    let pair = |row: Vec<Option<String>>| {
        let mut cells = row.into_iter();
        Some((cells.next()??, cells.next()??))
    };
    rows.into_iter().filter_map(pair).collect()
}

fn single(rows: AnswerRows) -> Option<String> {
    rows.into_iter().flatten().next().flatten()
}

fn now() -> UtcTime {
    UtcTime::new(jiff::Timestamp::now())
}

fn nonce() -> Result<String, TargetError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| TargetError::Unfit(format!("no random bytes for a nonce: {error}")))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
