//! Many reads in one round trip.
//! Invariant: the answers are in the order of the plan, and a refused read is never sent (`ReadBatch::run`).

use super::call::PlannedRead;
use super::error::{CallError, UnknownReason};
use super::session::Session;
use super::wire::{AnswerRows, BatchAnswers};
use crate::runner::target::{Progress, TargetError};

/// The rows of a read, or why its value is unknown.
pub(super) type ReadAnswer = Result<AnswerRows, UnknownReason>;

/// What is counted of a stage as it is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum RowCounting {
    /// The answers of its reads.
    Answers,
    /// The objects that its one answer has a row for, and how many there were before, where that is known.
    Objects(Option<u64>),
}

/// Some reads that a person waits for by one name.
struct BatchStage {
    what: &'static str,
    counts: RowCounting,
    sent: u64,
}

impl BatchStage {
    /// The progress of the stage with `done` answers or objects.
    fn progress(&self, done: u64) -> Progress {
        let (noun, total) = match self.counts {
            RowCounting::Answers => ("answers", Some(self.sent)),
            RowCounting::Objects(total) => ("objects", total.map(|total| total.max(done))),
        };
        Progress {
            what: self.what.to_owned(),
            noun,
            done,
            total,
        }
    }
}

/// Reads in order, some of which are refused before they are sent.
#[derive(Default)]
pub(super) struct ReadBatch {
    reads: Vec<Result<PlannedRead, UnknownReason>>,
    stages: Vec<BatchStage>,
}

impl ReadBatch {
    /// Adds the reads of a stage.
    pub(super) fn stage(
        mut self,
        what: &'static str,
        counts: RowCounting,
        reads: impl IntoIterator<Item = Result<PlannedRead, UnknownReason>>,
    ) -> Self {
        let before = self.reads.len();
        self.reads.extend(reads);
        let sent = self.reads[before..].iter().flatten().count() as u64;
        self.stages.push(BatchStage { what, counts, sent });
        self
    }

    /// Sends the permitted ones in one round trip and tells how far it is. An error that is not about what was read ends the
    /// survey.
    pub(super) async fn run(
        self,
        session: &mut Session,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Vec<ReadAnswer>, TargetError> {
        let sent: Vec<PlannedRead> = self.reads.iter().flatten().cloned().collect();
        // Where each stage begins among what is sent.
        let mut from = 0;
        let stages = self.stages.into_iter().filter(|stage| stage.sent > 0);
        let stages: Vec<(u64, BatchStage)> = stages
            .map(|stage| {
                from += stage.sent;
                (from - stage.sent, stage)
            })
            .collect();
        if let Some((_, first)) = stages.first() {
            tell(first.progress(0));
        }
        let mut on_answer = |answer| note_answers(&stages, answer, tell);
        let answers = session.read(&sent, &mut on_answer).await;
        let mut answers = answers.map_err(CallError::into_target)?.into_iter();
        let mut results = Vec::with_capacity(self.reads.len());
        for read in self.reads {
            results.push(match read {
                Err(reason) => Err(reason),
                Ok(read) => match answers.next().unwrap_or(Ok(Vec::new())) {
                    Ok(rows) => Ok(rows),
                    Err(error) => Err(error.reading(&read.name).of_the_value()?),
                },
            });
        }
        Ok(results)
    }
}

/// Tells the stage that an answer belongs to how far it is, and the next one that it is waited for now.
fn note_answers(
    stages: &[(u64, BatchStage)],
    answer: BatchAnswers,
    tell: &mut dyn FnMut(Progress),
) {
    let stage_of = |call: usize| {
        let after = stages.partition_point(|(from, _)| *from <= call as u64);
        stages.get(after - 1)
    };
    match answer {
        BatchAnswers::Rows { call, rows } => {
            if let Some((_, stage)) = stage_of(call)
                && matches!(stage.counts, RowCounting::Objects(_))
            {
                tell(stage.progress(rows));
            }
        }
        BatchAnswers::Whole { call } => {
            let (Some((from, stage)), next) = (stage_of(call), stage_of(call + 1)) else {
                return;
            };
            if matches!(stage.counts, RowCounting::Answers) {
                tell(stage.progress(call as u64 + 1 - from));
            }
            if let Some((later, next)) = next
                && later != from
            {
                tell(next.progress(0));
            }
        }
    }
}
