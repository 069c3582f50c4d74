//! What a run store is asked, each question with its SQL. Plain statements of one round trip: a pooler may stand in front, and an
//! engine that only speaks the protocol can answer.
//! Invariant: a line lands only where the run's epoch and head are those that the writer knows (compare and set, in one statement).

use std::time::Duration;

use tokio_postgres::types::Type;

use super::StoreError;
use super::client::{AskError, Question};
use super::tables::FORMAT;
use crate::journal::StoreIdentity;
use crate::postgres::StoreConnection;
use crate::run::{JournalHead, RunId};
use crate::survey::Digest;

/// Most bytes of lines that one answer has.
const LINES_BYTES_MAX: i64 = 4 << 20;

/// A value of RETURNING that makes a commit durable though the server's setting would let it be lost in a crash; what is stronger than
/// `on` stays. For what a line, a file or a seal is acknowledged by.
pub(super) const DURABLE: &str = "CASE WHEN pg_catalog.current_setting('synchronous_commit', true) = 'off' \
     THEN pg_catalog.set_config('synchronous_commit', 'on', true) END";

/// What is asked of a store once.
#[derive(Debug, Clone)]
pub(super) struct StoreAbout {
    pub(super) identity: StoreIdentity,
    /// Whether it can notify of what is written.
    pub(super) notifies: bool,
}

/// Asks for role, cluster and format.
pub(super) struct AskIdentity;

impl Question for AskIdentity {
    type Answer = StoreAbout;

    async fn ask(&self, connection: &StoreConnection) -> Result<StoreAbout, AskError> {
        let client = connection.client();
        let row = client
            .query_typed("SELECT format, session_user::text FROM drygate.store", &[])
            .await?;
        let missing = || StoreError::Refused("drygate.store has no row".to_owned());
        let row = row.first().ok_or_else(missing).map_err(AskError::Final)?;
        let format: i32 = row.try_get(0)?;
        if format != FORMAT {
            return Err(AskError::Final(StoreError::OtherFormat(format)));
        }
        let role = row.try_get(1)?;
        // Not every engine has these, and not every role may ask.
        let asked = client
            .query_typed(
                "SELECT pg_catalog.to_regproc('pg_catalog.pg_notify') IS NOT NULL",
                &[],
            )
            .await;
        let notifies = asked.ok().and_then(|rows| rows.first()?.try_get(0).ok());
        let asked = client
            .query_typed(
                "SELECT system_identifier::text FROM pg_catalog.pg_control_system()",
                &[],
            )
            .await;
        let system_identifier = asked.ok().and_then(|rows| rows.first()?.try_get(0).ok());
        Ok(StoreAbout {
            identity: StoreIdentity {
                role,
                system_identifier,
            },
            notifies: notifies.unwrap_or_default(),
        })
    }
}

/// A run as the store has it.
#[derive(Debug, Clone)]
pub(super) struct StoredRun {
    pub(super) run_id: String,
    /// Counts who took it up.
    pub(super) epoch: i64,
    /// The process that took it up last.
    pub(super) holder: String,
    /// How long that process still has it by the store's clock, in seconds; zero: it has it no more.
    pub(super) held_s: f64,
    /// The last line of its journal; `None`: it has none yet.
    pub(super) head: Option<JournalHead>,
    /// Whether it has its seal.
    pub(super) is_sealed: bool,
    /// The digest of what came of the change, where somebody looked and the store was asked for it.
    pub(super) outcomes: Option<Digest>,
}

const RUN: &str = "SELECT run_id, epoch, holder, greatest(extract(epoch FROM until - now()), 0)::float8, head_seq, head_sha256, manifest_sha256 IS NOT NULL, \
   (SELECT sha256 FROM drygate.file f WHERE f.run_id = run.run_id AND path = 'outcomes.jsonl' ORDER BY version DESC LIMIT 1) \
 FROM drygate.run";

impl StoredRun {
    fn of(row: &tokio_postgres::Row) -> Result<Self, AskError> {
        Ok(Self {
            run_id: row.try_get(0)?,
            epoch: row.try_get(1)?,
            holder: row.try_get(2)?,
            held_s: row.try_get(3)?,
            head: head(row.try_get(4)?, row.try_get(5)?)?,
            is_sealed: row.try_get(6)?,
            outcomes: digest(row.try_get(7)?)?,
        })
    }
}

fn head(seq: Option<i64>, sha256: Option<String>) -> Result<Option<JournalHead>, AskError> {
    let (Some(seq), Some(sha256)) = (seq, sha256) else {
        return Ok(None);
    };
    let wrong = || AskError::Final(StoreError::Refused("a head that is none".to_owned()));
    let seq = u64::try_from(seq).map_err(|_| wrong())?;
    let sha256 = digest(Some(sha256))?.ok_or_else(wrong)?;
    Ok(Some(JournalHead { seq, sha256 }))
}

fn digest(text: Option<String>) -> Result<Option<Digest>, AskError> {
    let wrong = |_| AskError::Final(StoreError::Refused("a digest that is none".to_owned()));
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// One run; `None`: the store has none of this id.
pub(super) struct AskRun(pub(super) RunId);

impl Question for AskRun {
    type Answer = Option<StoredRun>;

    async fn ask(&self, connection: &StoreConnection) -> Result<Self::Answer, AskError> {
        let sql = format!("{RUN} WHERE run_id = $1");
        let asked = connection
            .client()
            .query_typed(&sql, &[(&self.0.as_str(), Type::TEXT)])
            .await?;
        asked.first().map(StoredRun::of).transpose()
    }
}

/// The newest runs, newest first.
pub(super) struct AskRuns {
    pub(super) at_most: i64,
}

impl Question for AskRuns {
    type Answer = Vec<StoredRun>;

    async fn ask(&self, connection: &StoreConnection) -> Result<Self::Answer, AskError> {
        let sql = format!("{RUN} ORDER BY begun_at DESC, run_id LIMIT $1");
        let asked = connection
            .client()
            .query_typed(&sql, &[(&self.at_most, Type::INT8)])
            .await?;
        asked.iter().map(StoredRun::of).collect()
    }
}

/// Takes a run up: the epoch grows, so that whoever had it before writes nothing more. `None`: the store has no such run, it is
/// sealed, or another process holds it.
pub(super) struct ClaimRun {
    pub(super) run_id: RunId,
    /// Names this process, and no other one.
    pub(super) holder: String,
    pub(super) lease: Duration,
}

impl Question for ClaimRun {
    type Answer = Option<StoredRun>;

    async fn ask(&self, connection: &StoreConnection) -> Result<Self::Answer, AskError> {
        let asked = connection
            .client()
            .query_typed(
                "UPDATE drygate.run SET epoch = epoch + 1, holder = $2, until = now() + $3 * interval '1 second' \
                 WHERE run_id = $1 AND manifest_sha256 IS NULL AND (until <= now() OR holder = $2) \
                 RETURNING run_id, epoch, holder, 0::float8, head_seq, head_sha256, false, NULL::text",
                &[
                    (&self.run_id.as_str(), Type::TEXT),
                    (&self.holder, Type::TEXT),
                    (&self.lease.as_secs_f64(), Type::FLOAT8),
                ],
            )
            .await?;
        asked.first().map(StoredRun::of).transpose()
    }
}

/// Makes a run of which the store has nothing yet, held by this process; false: there is one.
pub(super) struct MakeRun {
    pub(super) run_id: RunId,
    pub(super) holder: String,
    pub(super) lease: Duration,
}

impl Question for MakeRun {
    type Answer = bool;

    async fn ask(&self, connection: &StoreConnection) -> Result<bool, AskError> {
        let client = connection.client();
        let run_id = self.run_id.as_str();
        client
            .query_typed(
                "INSERT INTO drygate.run (run_id, epoch, holder, until) VALUES ($1, 1, $2, now() + $3 * interval '1 second') \
                 ON CONFLICT (run_id) DO NOTHING",
                &[
                    (&run_id, Type::TEXT),
                    (&self.holder, Type::TEXT),
                    (&self.lease.as_secs_f64(), Type::FLOAT8),
                ],
            )
            .await?;
        // Asked, not counted: an earlier try whose answer was lost may have made it.
        let made = client
            .query_typed(
                "SELECT 1 FROM drygate.run WHERE run_id = $1 AND epoch = 1 AND holder = $2",
                &[(&run_id, Type::TEXT), (&self.holder, Type::TEXT)],
            )
            .await?;
        Ok(!made.is_empty())
    }
}

/// Keeps a run for this process, or gives it back where it waits for a person; false: another process has it.
pub(super) struct KeepLease {
    pub(super) run_id: RunId,
    pub(super) epoch: i64,
    /// Zero gives it back.
    pub(super) lease: Duration,
    /// Only a lease that still runs is kept: one that was given back meanwhile stays so.
    pub(super) renews: bool,
}

impl Question for KeepLease {
    type Answer = bool;

    async fn ask(&self, connection: &StoreConnection) -> Result<bool, AskError> {
        let kept = connection
            .client()
            .query_typed(
                "UPDATE drygate.run SET until = now() + $3 * interval '1 second' WHERE run_id = $1 AND epoch = $2 \
                 AND (until > now() OR NOT $4) RETURNING 1",
                &[
                    (&self.run_id.as_str(), Type::TEXT),
                    (&self.epoch, Type::INT8),
                    (&self.lease.as_secs_f64(), Type::FLOAT8),
                    (&self.renews, Type::BOOL),
                ],
            )
            .await?;
        Ok(!kept.is_empty())
    }
}

/// Commits lines of a journal: compare and set on epoch and head.
pub(super) struct Append {
    pub(super) run_id: RunId,
    pub(super) epoch: i64,
    /// The head that they follow.
    pub(super) after: Option<JournalHead>,
    /// The head that they lead to: the last of them.
    pub(super) to: JournalHead,
    pub(super) lines: Vec<Vec<u8>>,
    /// Zero where the run waits for a person.
    pub(super) lease: Duration,
    /// Whether whoever listens is told.
    pub(super) notifies: bool,
}

impl Question for Append {
    type Answer = ();

    async fn ask(&self, connection: &StoreConnection) -> Result<(), AskError> {
        let first = number(self.to.seq) + 1 - i64::try_from(self.lines.len()).unwrap_or(0);
        let numbers: Vec<i64> = (first..).take(self.lines.len()).collect();
        let (seq, sha256) = match &self.after {
            Some(head) => (Some(number(head.seq)), Some(head.sha256.as_str())),
            None => (None, None),
        };
        let answers = if self.notifies {
            "pg_catalog.pg_notify('drygate', '')"
        } else {
            "1"
        };
        let sql = format!(
            "WITH held AS (UPDATE drygate.run SET head_seq = $3, head_sha256 = $4, until = now() + $5 * interval '1 second' \
               WHERE run_id = $1 AND epoch = $2 AND manifest_sha256 IS NULL \
                 AND head_seq IS NOT DISTINCT FROM $6 AND head_sha256 IS NOT DISTINCT FROM $7 RETURNING run_id, epoch) \
             INSERT INTO drygate.line (run_id, seq, epoch, line) SELECT held.run_id, new.seq, held.epoch, new.line \
               FROM held, unnest($8, $9) AS new (seq, line) RETURNING {answers}, {DURABLE}"
        );
        let landed = connection
            .client()
            .query_typed(
                &sql,
                &[
                    (&self.run_id.as_str(), Type::TEXT),
                    (&self.epoch, Type::INT8),
                    (&number(self.to.seq), Type::INT8),
                    (&self.to.sha256.as_str(), Type::TEXT),
                    (&self.lease.as_secs_f64(), Type::FLOAT8),
                    (&seq, Type::INT8),
                    (&sha256, Type::TEXT),
                    (&numbers, Type::INT8_ARRAY),
                    (&self.lines, Type::BYTEA_ARRAY),
                ],
            )
            .await?;
        if !landed.is_empty() {
            return Ok(());
        }
        let found = AskRun(self.run_id.clone()).ask(connection).await?;
        Err(AskError::Final(match found {
            // An earlier try whose answer was lost.
            Some(run) if run.epoch == self.epoch && run.head.as_ref() == Some(&self.to) => {
                return Ok(());
            }
            Some(run) if run.epoch != self.epoch => StoreError::TakenOver(run.holder),
            Some(run) if run.is_sealed => StoreError::Forked("it is sealed there".to_owned()),
            Some(run) => {
                let head = run
                    .head
                    .map_or("no line".to_owned(), |head| head.to_string());
                StoreError::Forked(format!("its last line is {head}"))
            }
            None => StoreError::Forked("it has none".to_owned()),
        }))
    }
}

/// A line with the stamps that the store's server put to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredLine {
    pub(super) seq: u64,
    pub(super) line: Vec<u8>,
    /// The role that wrote it.
    pub(super) written_by: String,
}

/// The lines from a number on, as many as fit into one answer; none: there are no more.
pub(super) struct AskLines {
    pub(super) run_id: RunId,
    pub(super) from: u64,
}

impl Question for AskLines {
    type Answer = Vec<StoredLine>;

    async fn ask(&self, connection: &StoreConnection) -> Result<Self::Answer, AskError> {
        // The first line always, whatever its length.
        let asked = connection
            .client()
            .query_typed(
                "SELECT seq, line, written_by FROM (SELECT seq, line, written_by, sum(length(line)) OVER (ORDER BY seq) AS bytes \
                   FROM (SELECT seq, line, written_by FROM drygate.line WHERE run_id = $1 AND seq >= $2 ORDER BY seq LIMIT 10000) AS next \
                 ) AS measured WHERE bytes <= $3 OR seq = $2 ORDER BY seq",
                &[
                    (&self.run_id.as_str(), Type::TEXT),
                    (&number(self.from), Type::INT8),
                    (&LINES_BYTES_MAX, Type::INT8),
                ],
            )
            .await?;
        let line = |row: &tokio_postgres::Row| {
            let seq: i64 = row.try_get(0)?;
            Ok(StoredLine {
                seq: u64::try_from(seq).unwrap_or_default(),
                line: row.try_get(1)?,
                written_by: row.try_get(2)?,
            })
        };
        asked.iter().map(line).collect()
    }
}
