//! What the runner asks of a database: the traits [`Target`] and [`Witness`]. A target reads only, and reports each transaction
//! before it begins and when it has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::future::Future;

use thiserror::Error;

pub use crate::audit::QueryRuling;
pub use crate::run::{
    BudgetUse, Progress, Purpose, RemainingBudget, RunBudget, Spent, TargetIdentity,
};
use crate::run::{ChangeCommand, RehearsalCheck, RehearsalOutcome, TableToCopy, Verdict};
use crate::simulate::{Piece, Unit, Want};
use crate::survey::{
    Digest, FactDocument, Origins, RoleSurvey, ServerIdentity, Survey, TransactionProof,
};

/// What to read in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SurveyRequest {
    /// Purpose of the transaction, as it is journalled.
    pub purpose: Purpose,
    /// Only the facts that the profile marks `live`, no role survey, no documents.
    pub live_only: bool,
    /// Stream the source pieces and the live units to the witness.
    pub streams: bool,
}

impl SurveyRequest {
    /// A full survey: all facts, documents, role survey and streams.
    pub const SURVEY: Self = Self {
        purpose: Purpose::Survey,
        live_only: false,
        streams: true,
    };

    /// The live facts alone, while waiting.
    pub const LIVE_READ: Self = Self {
        purpose: Purpose::LiveRead,
        live_only: true,
        streams: false,
    };
}

/// By query, the functions that it could run when the run was pinned (`QueryRuling::runs`).
pub type PinnedRuns = BTreeMap<String, Vec<String>>;

/// What one transaction read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The survey. `candidates` and `pieces` are filled in by whoever streamed them, if no stream failed.
    pub survey: Survey,
    /// The documents behind its facts, but for those of [`Witness::kept_documents`].
    pub documents: Vec<FactDocument>,
    /// Who wrote what it saw, as far as it is visible.
    pub origins: Origins,
    /// What was found about each query of the profile before it ran, in this transaction.
    pub rulings: Vec<QueryRuling>,
}

impl Taken {
    /// Leaves the first findings of the role survey; where there are more, all are the document of the fact that is derived from them.
    pub fn shorten_role(&mut self) {
        let Some(document) = self.survey.role.shorten() else {
            return;
        };
        let key = RoleSurvey::READ_ONLY_FACT;
        let mut facts = self.survey.facts.iter_mut();
        if let Some(fact) = facts.find(|fact| fact.key.as_str() == key) {
            fact.document = Some(document.reference().clone());
        }
        self.documents.push(document);
    }
}

/// A change that is to be rehearsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsalRequest {
    /// The role that it runs as.
    pub role: String,
    /// Name and text of its files, in the order in which they run, by phase: each is a run of psql, as it is in production.
    pub phases: Vec<Vec<(String, Vec<u8>)>>,
    /// The program that carries it out in the directory of its files; `None`: psql.
    pub command: Option<ChangeCommand>,
    /// The tables whose rows may be read; `None`: schema and catalogue alone, to find the tables that the change asks for.
    pub copy: Option<Vec<String>>,
    /// The tables among these that an earlier rehearsal asked for: they are copied at once, and not found out again.
    pub asked: Vec<String>,
    /// Salt of the hashes of its keys: the same for each rehearsal of a run, so that their rows can be compared.
    pub key_salt: String,
    /// The columns whose values are kept.
    pub show: Vec<String>,
    /// Whether the rows of the tables that it writes are to be kept as a ledger.
    pub keep_rows: bool,
}

/// What came of a rehearsal.
#[derive(Debug)]
pub struct RehearsalAnswer {
    /// What was measured.
    pub checks: Vec<RehearsalCheck>,
    /// The tables that the change may ask for, those that it asked for first.
    pub tables: Vec<TableToCopy>,
    /// What it did; `None`: nothing of it ran to an end.
    pub outcome: Option<RehearsalOutcome>,
    /// The ledger of its rows, where it was asked for.
    pub ledger: Option<File>,
}

impl RehearsalAnswer {
    /// No rehearsal, and why.
    pub fn not_possible(why: &str) -> Self {
        Self {
            checks: vec![RehearsalCheck {
                name: "programs".to_owned(),
                verdict: Verdict::NotChecked,
                says: why.to_owned(),
                next: None,
            }],
            tables: Vec::new(),
            outcome: None,
            ledger: None,
        }
    }
}

/// The witness could not record or digest what the target reported.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct WitnessError {
    /// Why; the witness keeps the typed reason.
    pub message: String,
}

/// Receives what a target does, while it does it. The runner's witness journals it.
pub trait Witness {
    /// A transaction is about to be opened: must be durable when this returns, before BEGIN is sent. Where a survey is tried
    /// again, what was streamed of the try before counts no more.
    fn opening(&mut self, purpose: Purpose, nonce: &str) -> Result<(), WitnessError>;

    /// The server that answered, before anything of its data is read; an error ends the survey.
    fn reached(&mut self, _server: &ServerIdentity) -> Result<(), WitnessError> {
        Ok(())
    }

    /// Its end was seen, with this proof. Called also when reading failed but ROLLBACK was answered.
    fn closed(&mut self, proof: &TransactionProof) -> Result<(), WitnessError>;

    /// The documents that are kept already: a survey need not hold them in memory until its end.
    fn kept_documents(&self) -> BTreeSet<Digest> {
        BTreeSet::new()
    }

    /// What the next transaction may use of its run's budget; asked before each.
    fn allowance(&self) -> RemainingBudget {
        RemainingBudget::default()
    }

    /// Which stream to read the next batch of.
    fn wants(&mut self) -> Want;

    /// A batch of source pieces in key order; empty: the end. Its error ends the streams, as one of the server would.
    fn pieces(&mut self, batch: Vec<Piece>) -> Result<(), WitnessError>;

    /// A batch of live units in key order; empty: the end. Its error ends the streams, as one of the server would.
    fn units(&mut self, batch: Vec<Unit>) -> Result<(), WitnessError>;

    /// Progress of a long read; may be dropped when the receiver is slow.
    fn progress(&mut self, progress: Progress);
}

/// Why a target could not answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// The database could not be used now: `STOP_DATABASE_UNAVAILABLE`, and nothing is judged.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The session is not what was asked for (pooler, role, access mode): nothing was read.
    #[error("{0}")]
    Unfit(String),
    /// The witness returned an error.
    #[error(transparent)]
    Witness(#[from] WitnessError),
}

/// Why a database could not be used now. It says nothing of what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Unavailable {
    /// Kind of the failure.
    pub kind: UnavailableKind,
    /// What happened, without secrets, and what could not be read where that is known.
    pub message: String,
    /// One line on what to do.
    pub hint: String,
}

/// Kind of failure that made a database unusable for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnavailableKind {
    /// No connection could be made, or it was lost (SQLSTATE class 08).
    Connection,
    /// Another session holds a lock on what is read (55P03).
    Lock,
    /// Another session waited for a lock that our transaction held.
    MadeWay,
    /// A deadline of the server (57014, 25P03, 25P04) or of ours.
    Deadline,
    /// The server ended the transaction for the sake of others: replay on a standby, a serialization failure, a deadlock (class
    /// 40).
    Conflict,
    /// The server shuts down, or lacks memory, disk or connections (classes 53, 57, 58).
    Server,
    /// A budget of the profile is spent.
    Budget,
    /// The server sent more bytes than the client is willing to hold in memory.
    TooMuch,
}

impl UnavailableKind {
    /// Whether another transaction, begun at once, may go through.
    pub fn may_pass_soon(self) -> bool {
        matches!(self, Self::Lock | Self::Conflict)
    }
}

impl Unavailable {
    /// The error of a run whose budget is spent.
    pub fn over_run(account: &BudgetUse) -> Self {
        Self {
            kind: UnavailableKind::Budget,
            message: account.to_string(),
            hint: account.hint(),
        }
    }
}

/// A database that can be surveyed.
pub trait Target {
    /// The target, without secrets.
    fn identity(&self) -> TargetIdentity;

    /// `text` without the passwords that the target is connected with; `is_cut`: it went on behind its end.
    fn without_passwords(&self, text: &str, _is_cut: bool) -> String {
        text.to_owned()
    }

    /// From now on a query that can run other functions than these is refused before it runs.
    fn pin_runs(&mut self, _pinned: PinnedRuns) {}

    /// Reads what is asked in one transaction of its own connection, opened and closed here.
    fn take(
        &mut self,
        ask: SurveyRequest,
        witness: &mut dyn Witness,
    ) -> impl Future<Output = Result<Taken, TargetError>>;

    /// Rehearses a change on a throwaway copy of the database, which is read in one transaction of its own connection.
    fn rehearse(
        &mut self,
        _ask: RehearsalRequest,
        _witness: &mut dyn Witness,
    ) -> impl Future<Output = Result<RehearsalAnswer, TargetError>> {
        async {
            Ok(RehearsalAnswer::not_possible(
                "this target cannot be copied",
            ))
        }
    }

    /// Every statement that was sent to the server by this process, once each.
    fn statements(&self) -> Vec<String>;

    /// Tries to send one writing statement past the statement guard; `Ok(reason)` when it was refused before it reached the
    /// server.
    fn refuses_write(&self) -> Result<String, String>;
}
