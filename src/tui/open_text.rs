//! The page of text that lies over the panes: a row's detail, the evidence, the keys. It holds the subject only; the text is
//! made from the run for each frame.

use crate::run::{ApprovalGate, ClaimName, Gate};
use crate::survey::FactKey;

/// Subject of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextSubject {
    /// A gate with its checks.
    Gate(Gate),
    /// An approval gate with its decisions.
    Approval(ApprovalGate),
    /// A simulated step with its counts.
    Step(crate::simulate::SimulatedStep),
    /// A fact with its values and its origin.
    Fact(FactKey),
    /// A stop, by its number in the run.
    Stop(usize),
    /// A return that is to come.
    Coming,
    /// A table of the predicted effect.
    Table(String),
    /// The change, and what it did when it was rehearsed.
    Rehearsal,
    /// A statement of the recorded change: number of its phase and of the statement in it, from 1.
    Statement(usize, usize),
    /// A file of the change, by its place among them.
    ChangeFile(usize),
    /// A claim of the non-mutation proof.
    Claim(ClaimName),
    /// An event, by its journal line.
    Event(u64),
    /// The evidence sheet as JSON.
    Evidence,
    /// A report, by its place among them.
    Report(usize),
    /// The help page.
    Help,
}

/// An open page and its scroll position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenText {
    /// What the page is about.
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
