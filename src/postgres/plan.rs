//! Many reads as one round trip. Invariant: the answers are in the order of the plan, and a refused read is never sent.

use super::error::CallError;
use super::session::{Read, Session};
use super::wire::Rows;
use crate::runner::target::TargetError;

/// Why a planned read has no rows.
pub(super) enum Failure {
    /// It was never sent.
    Reason(String),
    /// The server refused it.
    Call(CallError),
}

/// Reads in order, some of which are refused before they are sent.
pub(super) struct Plan(Vec<Result<Read, String>>);

impl Plan {
    /// The reads of a plan, in order.
    pub(super) fn of(reads: impl Iterator<Item = Result<Read, String>>) -> Self {
        Self(reads.collect())
    }

    /// Sends the permitted ones in one round trip. A deadline of the server ends the survey as unavailable.
    pub(super) async fn run(
        self,
        session: &mut Session,
    ) -> Result<Vec<Result<Rows, Failure>>, TargetError> {
        let sent: Vec<Read> = self.0.iter().flatten().cloned().collect();
        let answers = session.read(&sent).await.map_err(CallError::into_target)?;
        let mut answers = answers.into_iter();
        let mut results = Vec::with_capacity(self.0.len());
        for read in self.0 {
            results.push(match read {
                Err(reason) => Err(Failure::Reason(reason)),
                Ok(_) => match answers.next().unwrap_or(Ok(Vec::new())) {
                    Err(error @ CallError::Unavailable { .. }) => return Err(error.into_target()),
                    other => other.map_err(Failure::Call),
                },
            });
        }
        Ok(results)
    }
}

/// Whether the server said 40001 to any of them.
pub(super) fn is_serialization(answers: &[Result<Rows, Failure>]) -> bool {
    answers
        .iter()
        .any(|answer| matches!(answer, Err(Failure::Call(error)) if error.worth_another_try()))
}

/// The reason as text.
pub(super) fn reasoned(answer: Result<Rows, Failure>) -> Result<Rows, String> {
    answer.map_err(|failure| match failure {
        Failure::Reason(reason) => reason,
        Failure::Call(error) => error.reason(),
    })
}

/// The reason as an answer of the server.
pub(super) fn called(answer: Result<Rows, Failure>) -> Result<Rows, CallError> {
    answer.map_err(|failure| match failure {
        Failure::Reason(message) => CallError::Refused {
            code: "XX000".to_owned(),
            message,
        },
        Failure::Call(error) => error,
    })
}
