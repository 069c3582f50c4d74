//! What lies open to be read: a row's detail, the evidence, the keys. Invariant: it names its subject, the text is made from the run each time.

use crate::run::{ApprovalGate, ClaimName, Gate};
use crate::survey::FactKey;

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextSubject {
    /// A gate with its checks.
    Gate(Gate),
    /// An approval gate with its decisions.
    Approval(ApprovalGate),
    /// A simulated step.
    Step(crate::simulate::SimulatedStep),
    /// A fact.
    Fact(FactKey),
    /// A stop, by its number in the run.
    Stop(usize),
    /// A return that is to come.
    Coming,
    /// A table of the predicted effect.
    Table(String),
    /// A claim.
    Claim(ClaimName),
    /// An event, by its journal line.
    Event(u64),
    /// The whole evidence.
    Evidence,
    /// All keys.
    Help,
}

/// An open text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenText {
    /// What.
    pub subject: TextSubject,
    /// First line on screen.
    pub top: usize,
}

impl OpenText {
    /// Opens a subject at its first line.
    pub fn of(subject: TextSubject) -> Self {
        Self { subject, top: 0 }
    }
}
