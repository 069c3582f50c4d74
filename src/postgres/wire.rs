//! The holder of the driver's client.
//! Invariant: nothing but a [`Statement`] is sent, and no answer is waited for without a deadline (`Wire::patience`; test
//! `a_stopped_server_is_unavailable_within_the_deadline_of_the_client` of tests/postgres.rs).

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::{TryStreamExt as _, poll};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::budget::Budget;
use super::call::Call;
use super::canceller::Canceller;
use super::connect::Link;
use super::copy_pace::CopyPace;
use super::error::CallError;
use super::secret::Secret;
use super::socket::{Endpoint, ReadAllowance};
use super::statement::Statement;
use super::statement_record::StatementRecord;
use super::tls::Transport;
use crate::runner::target::Unavailable;
use crate::survey::Footprint;

/// Answer rows; everything is text.
pub(super) type AnswerRows = Vec<Vec<Option<String>>>;

/// Why a call has no rows.
enum Failed {
    Driver(tokio_postgres::Error),
    TooMuch,
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

/// What came of the answers of a batch; calls are counted from 0.
#[derive(Debug, Clone, Copy)]
pub(super) enum BatchAnswers {
    /// So many rows of an answer so far.
    Rows {
        /// Number of the call.
        call: usize,
        /// Rows so far.
        rows: u64,
    },
    /// An answer came to its end.
    Whole {
        /// Number of the call.
        call: usize,
    },
}

/// Rows of the catalogues that are looked at: some fifty times what a database of 5,000 tables has.
const LOOKED_AT_MAX: usize = 3_000_000;

/// Progress is reported every so many rows of one answer.
const TOLD_EVERY: usize = 1_000;

/// What a row and a cell take in memory beside their bytes.
const ROW_COST: u64 = 48;
const CELL_COST: u64 = 40;

/// What a row takes in memory beside its bytes.
pub(super) fn row_cost(cells: u64) -> u64 {
    ROW_COST + CELL_COST * cells
}

/// How the server is reached, and how much it may send.
pub(super) struct ConnectionRoute {
    /// Transport and protection.
    pub(super) transport: Transport,
    /// Address of the server.
    pub(super) endpoint: Endpoint,
    /// Bytes that the server may still send.
    pub(super) allowance: ReadAllowance,
}

/// An answer that is being read in the background.
pub(super) struct Pending(JoinHandle<Result<AnswerRows, Failed>>);

/// An open connection.
pub(super) struct Wire {
    client: Arc<Client>,
    link: Link,
    way: ConnectionRoute,
    secret: Option<Secret>,
    deadline: Duration,
    budget: Option<Budget>,
    footprint: Footprint,
    record: StatementRecord,
}

type PendingRows<'a> = Pin<Box<dyn Future<Output = Result<AnswerRows, Failed>> + 'a>>;

impl Wire {
    /// Takes over a connected client; `deadline` is for each answer.
    pub(super) fn new(
        client: Client,
        link: Link,
        way: ConnectionRoute,
        secret: Option<Secret>,
        deadline: Duration,
        record: StatementRecord,
    ) -> Self {
        let footprint = Footprint {
            connections: 1,
            ..Footprint::default()
        };
        Self {
            client: Arc::new(client),
            link,
            way,
            secret,
            deadline,
            budget: None,
            footprint,
            record,
        }
    }

    /// From now on nothing more is asked once a budget is spent; `None`: the end is always measured.
    pub(super) fn limit(&mut self, budget: Option<Budget>) {
        self.budget = budget;
    }

    /// How the connection is protected.
    pub(super) fn transport(&self) -> &Transport {
        &self.way.transport
    }

    /// Whether the server was in recovery when it let us in; `None`: it does not say.
    pub(super) fn in_recovery(&self) -> Option<bool> {
        self.link.in_recovery
    }

    /// Whether the server warned that a BEGIN or ROLLBACK met no such transaction as it should.
    pub(super) fn misplaced(&self) -> bool {
        self.link.misplaced.load(Ordering::SeqCst)
    }

    /// What this connection has cost so far.
    pub(super) fn footprint(&self) -> &Footprint {
        &self.footprint
    }

    /// Sends one statement and reads its rows.
    pub(super) async fn ask(&mut self, call: impl Into<Call>) -> Result<AnswerRows, CallError> {
        let mut answers = self.batch(&[call.into()]).await?;
        answers.pop().unwrap_or(Ok(Vec::new()))
    }

    /// Sends all statements at once, then reads all answers: one round trip. The outer error means that the connection is of no
    /// more use.
    pub(super) async fn batch(
        &mut self,
        calls: &[Call],
    ) -> Result<Vec<Result<AnswerRows, CallError>>, CallError> {
        self.batch_with_progress(calls, &mut |_| {}).await
    }

    /// The same; `on_answer` is called for every answer as it comes.
    pub(super) async fn batch_with_progress(
        &mut self,
        calls: &[Call],
        on_answer: &mut dyn FnMut(BatchAnswers),
    ) -> Result<Vec<Result<AnswerRows, CallError>>, CallError> {
        self.within_budget()?;
        let began = Instant::now();
        self.way.allowance.grant();
        let on_answer = RefCell::new(on_answer);
        let on_answer = &on_answer;
        let mut answers: Vec<PendingRows<'_>> = Vec::with_capacity(calls.len());
        let mut early = Vec::with_capacity(calls.len());
        for (nth, call) in calls.iter().enumerate() {
            self.record.note(call.statement.text());
            let mut answer: PendingRows<'_> = if call.parse_only {
                Box::pin(parse(&self.client, call))
            } else {
                let tell =
                    move |rows| (on_answer.borrow_mut())(BatchAnswers::Rows { call: nth, rows });
                Box::pin(execute(&self.client, call, &self.way.allowance, tell))
            };
            // The driver sends a statement when its future is first polled. All are polled once before any is awaited, so that
            // they are pipelined in one round trip.
            early.push(match poll!(answer.as_mut()) {
                Poll::Ready(ready) => Some(ready),
                Poll::Pending => None,
            });
            answers.push(answer);
        }
        let mut results = Vec::with_capacity(calls.len());
        let (mut rows, mut bytes) = (0, 0);
        let mut late = false;
        for (nth, (answer, early)) in answers.into_iter().zip(early).enumerate() {
            let waited = match early {
                Some(ready) => Ok(ready),
                // Asked anew for each answer: the budget is one deadline for all of them.
                None => timeout(self.patience(), answer).await,
            };
            let Ok(result) = waited else {
                late = true;
                break;
            };
            if let Ok(found) = &result {
                rows += found.len() as u64;
                bytes += size(found);
            }
            (on_answer.borrow_mut())(BatchAnswers::Whole { call: nth });
            // Errors are kept in their place: after one the server refuses the rest up to ROLLBACK TO.
            results.push(result.map_err(|failed| self.failed(failed)));
        }
        self.footprint.statements += calls.len() as u64;
        self.footprint.rows += rows;
        self.footprint.bytes += bytes;
        self.waited(began);
        if late {
            let answered = format!("{} of {} answers had come", results.len(), calls.len());
            return Err(self.abandon(&answered).await);
        }
        if let Some(lost) = results.iter().find_map(lost) {
            return Err(lost);
        }
        self.within_budget()?;
        Ok(results)
    }

    /// Sends several statements in one message of the simple protocol, whose answers are text, and hands on each row with the
    /// place of its statement. Nothing of it is kept, and so none of it is counted as read.
    pub(super) async fn look(
        &mut self,
        statement: Statement,
        see: &mut dyn FnMut(usize, &[&str]),
    ) -> Result<(), CallError> {
        self.within_budget()?;
        let began = Instant::now();
        self.record.note(statement.text());
        self.footprint.statements += 1;
        self.way.allowance.grant();
        let client = Arc::clone(&self.client);
        let sent = client.simple_query_raw(statement.text()).await;
        let mut answers = pin!(sent.map_err(|error| self.failed(error.into()))?);
        let (mut place, mut rows) = (0, 0_usize);
        loop {
            let Ok(answer) = timeout(self.patience(), answers.try_next()).await else {
                return Err(self.abandon("the parts of PostgreSQL had not come").await);
            };
            match answer.map_err(|error| self.failed(error.into()))? {
                Some(SimpleQueryMessage::Row(row)) => {
                    let cells = values(&row).map_err(|error| self.failed(error))?;
                    see(place, &cells);
                    rows += 1;
                    if rows >= LOOKED_AT_MAX || began.elapsed() > self.patience() {
                        return Err(self.abandon("the parts of PostgreSQL had no end").await);
                    }
                    if rows.is_multiple_of(TOLD_EVERY) {
                        // Nothing is kept of what was seen, so that a large catalogue may be larger than an answer.
                        self.within_budget()?;
                        self.way.allowance.grant();
                    }
                }
                Some(SimpleQueryMessage::CommandComplete(_)) => place += 1,
                Some(_) => {}
                None => break,
            }
        }
        self.waited(began);
        Ok(())
    }

    fn within_budget(&self) -> Result<(), CallError> {
        let spent = self.budget.as_ref().map(|b| b.spent(&self.footprint));
        spent.unwrap_or(Ok(()))
    }

    /// How long the next answer is waited for: the deadline, or what is left of the budget if that is less.
    fn patience(&self) -> Duration {
        let left = self.budget.as_ref().map(Budget::left);
        left.map_or(self.deadline, |left| self.deadline.min(left))
    }

    /// Sends a statement whose answer is read in the background, so that the server works ahead.
    pub(super) async fn start(&mut self, statement: Statement) -> Pending {
        self.record.note(statement.text());
        self.footprint.statements += 1;
        self.way.allowance.grant();
        let (client, allowance) = (Arc::clone(&self.client), self.way.allowance.clone());
        let mut answer =
            Box::pin(async move { execute(&client, &statement.into(), &allowance, |_| {}).await });
        // The first poll is what sends, here and now, so that answers come in the order of the calls.
        match poll!(answer.as_mut()) {
            Poll::Ready(ready) => Pending(tokio::spawn(async move { ready })),
            Poll::Pending => Pending(tokio::spawn(answer)),
        }
    }

    /// Waits for an answer that was started.
    pub(super) async fn finish(&mut self, mut pending: Pending) -> Result<AnswerRows, CallError> {
        let began = Instant::now();
        self.way.allowance.grant();
        let Ok(joined) = timeout(self.patience(), &mut pending.0).await else {
            return Err(self.abandon("the next rows had not come").await);
        };
        self.waited(began);
        let result = joined.map_err(|_| CallError::lost("the reading task ended", ""))?;
        let rows = result.map_err(|failed| self.failed(failed))?;
        self.footprint.rows += rows.len() as u64;
        self.footprint.bytes += size(&rows);
        self.within_budget()?;
        Ok(rows)
    }

    /// Sends one statement by the simple protocol, as `pg_dump` does: values come as text (each is UTF-8), with names of columns.
    pub(super) async fn simple(
        &mut self,
        statement: &Statement,
    ) -> Result<Vec<SimpleQueryMessage>, CallError> {
        self.within_budget()?;
        let began = Instant::now();
        self.way.allowance.grant();
        self.record.note(statement.text());
        self.footprint.statements += 1;
        let client = Arc::clone(&self.client);
        let answer = client.simple_query(statement.text());
        let Ok(answered) = timeout(self.patience(), answer).await else {
            return Err(self.abandon("the answer had not come").await);
        };
        self.waited(began);
        let messages = answered.map_err(|error| self.failed(error.into()))?;
        for message in &messages {
            if let SimpleQueryMessage::Row(row) = message {
                self.footprint.rows += 1;
                let cells = values(row).map_err(|error| self.failed(error))?;
                self.footprint.bytes += cells.iter().map(|cell| cell.len() as u64).sum::<u64>();
            }
        }
        Ok(messages)
    }

    /// Sends COPY .. TO STDOUT and hands its rows to `keep` as they come, at this pace; gives their number.
    pub(super) async fn copy(
        &mut self,
        statement: &Statement,
        keep: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
        pace: &CopyPace<'_>,
    ) -> Result<u64, CallError> {
        self.within_budget()?;
        self.way.allowance.grant();
        self.record.note(statement.text());
        self.footprint.statements += 1;
        let client = Arc::clone(&self.client);
        let copying = timeout(self.patience(), client.copy_out(statement.text())).await;
        let Ok(copying) = copying else {
            return Err(self.abandon("COPY had not begun").await);
        };
        let mut stream = pin!(copying.map_err(|error| self.failed(error.into()))?);
        let (mut rows, mut bytes) = (0, 0);
        loop {
            pace.wait(bytes).await;
            let began = Instant::now();
            self.way.allowance.grant();
            let Ok(next) = timeout(self.patience(), stream.try_next()).await else {
                return Err(self.abandon(&format!("{rows} rows had come")).await);
            };
            self.waited(began);
            let Some(row) = next.map_err(|error| self.failed(error.into()))? else {
                return Ok(rows);
            };
            rows += 1;
            bytes += row.len() as u64;
            self.footprint.rows += 1;
            self.footprint.bytes += row.len() as u64;
            if let Err(error) = keep(&row) {
                // What is left of the answer is not waited for.
                let _ = self.abandon("its rows could not be kept").await;
                return Err(CallError::not_kept(&error));
            }
            if let Err(spent) = self.within_budget() {
                let _ = self.abandon("its budget was spent").await;
                return Err(spent);
            }
        }
    }

    /// What ends the statement that this connection waits for, from another task.
    pub(super) fn canceller(&self) -> Canceller {
        let (transport, endpoint) = (self.way.transport.clone(), self.way.endpoint.clone());
        Canceller::new(self.client.cancel_token(), transport, endpoint)
    }

    fn failed(&self, failed: Failed) -> CallError {
        match failed {
            Failed::Driver(error) if !self.way.allowance.is_spent() => {
                // A call on a closed connection reports only that it is closed; the reason is what ended the connection.
                let last_words = self.link.ended_by.get().filter(|_| error.is_closed());
                let error = last_words.unwrap_or(&error);
                CallError::from_driver(error, self.secret.as_ref())
            }
            _ => CallError::too_much(self.way.allowance.mib()),
        }
    }

    fn waited(&mut self, began: Instant) {
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.footprint.longest_us = self.footprint.longest_us.max(took);
    }

    /// A deadline of ours passed: asks the server to cancel, with a limit of its own, and drops the socket. `answered` says what
    /// had come by then.
    async fn abandon(&mut self, answered: &str) -> CallError {
        let over = self.within_budget().err();
        let cancelled = self.canceller().cancel().await;
        self.link.task.abort();
        let answer = if cancelled {
            "the server was asked to cancel"
        } else {
            "the server did not take a cancel request"
        };
        if let Some(CallError::Unavailable { why, .. }) = over {
            let spent = &why.message;
            let message = format!("{spent}; {answered}; {answer}; the connection was dropped");
            return CallError::Unavailable {
                why: Unavailable { message, ..why },
                connected: false,
            };
        }
        CallError::too_late(format!(
            "no answer within {} ms; {answered}; {answer}; the connection was dropped",
            self.deadline.as_millis()
        ))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.link.task.abort();
    }
}

/// Sends a statement when it is first polled, then reads its rows.
async fn execute(
    client: &Client,
    call: &Call,
    allowance: &ReadAllowance,
    tell: impl Fn(u64),
) -> Result<AnswerRows, Failed> {
    let params = call.params.iter().map(|param| (param.as_str(), Type::TEXT));
    let params: Vec<_> = params.collect();
    let stream = client
        .query_typed_raw(call.statement.text(), params)
        .await?;
    let mut stream = pin!(stream);
    let mut rows = AnswerRows::new();
    while let Some(row) = stream.try_next().await? {
        if !allowance.spend(row_cost(row.len() as u64)) {
            return Err(Failed::TooMuch);
        }
        let cells: Result<_, _> = (0..row.len()).map(|column| row.try_get(column)).collect();
        rows.push(cells?);
        if rows.len().is_multiple_of(TOLD_EVERY) {
            tell(rows.len() as u64);
        }
    }
    Ok(rows)
}

/// Sends a statement to be parsed, analysed and rewritten when first polled; nothing of it is executed.
async fn parse(client: &Client, call: &Call) -> Result<AnswerRows, Failed> {
    let prepared = client.prepare_typed(call.statement.text(), &[]).await?;
    // One row for each parameter, which profile SQL may not have.
    Ok(vec![Vec::new(); prepared.params().len()])
}

/// The values of a row, NULL as empty; an error: one of them is no UTF-8.
fn values(row: &SimpleQueryRow) -> Result<Vec<&str>, Failed> {
    let values = (0..row.len()).map(|at| Ok(row.try_get(at)?.unwrap_or_default()));
    values.collect()
}

fn size(rows: &AnswerRows) -> u64 {
    let cells = rows.iter().flatten().flatten();
    cells.map(|cell| cell.len() as u64).sum()
}

fn lost(result: &Result<AnswerRows, CallError>) -> Option<CallError> {
    let error = result.as_ref().err()?;
    let lost = matches!(error, CallError::Unavailable { connected, .. } if !connected);
    lost.then(|| error.clone())
}
