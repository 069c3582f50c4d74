//! Did a prediction come true? Compares the unit ledger of a run with the streams of today.
//! Invariant: every unit is counted once, and memory does not grow with the units (`AfterMatcher::keep`, which holds at most
//! `KEPT_MAX` of them).

use std::iter::Peekable;

use serde::Serialize;

use crate::simulate::{Lifecycle, Pairing, Unit, UnitDecision, UnitVerification};

/// Units that are kept to be compared with the rows of the protected tables; beyond that a unit is judged only by what it is
/// today.
const KEPT_MAX: usize = 20_000;
/// Units that are named because they are not as predicted; the rest is counted.
const LISTED_MAX: usize = 200;

/// What became of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnitOutcome {
    /// Its change was predicted, and it is done.
    AsPredicted,
    /// Its change was predicted, and nothing of it is done.
    NotDone,
    /// Its change was predicted, and something else was done.
    Otherwise,
    /// No change was predicted, and it changed.
    NotPredicted,
    /// No change was predicted, and it did not change.
    Untouched,
}

impl UnitOutcome {
    /// The words of the contract.
    pub fn words(self) -> &'static str {
        match self {
            Self::AsPredicted => "done as predicted",
            Self::NotDone => "not done",
            Self::Otherwise => "done otherwise",
            Self::NotPredicted => "not predicted",
            Self::Untouched => "unchanged, as predicted",
        }
    }
}

/// How many units came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnitOutcomes {
    /// Done as predicted.
    pub as_predicted: u64,
    /// Predicted and not done.
    pub not_done: u64,
    /// Predicted and done otherwise.
    pub otherwise: u64,
    /// Changed without a prediction.
    pub not_predicted: u64,
    /// Unchanged, as predicted.
    pub untouched: u64,
}

impl UnitOutcomes {
    pub(super) fn add(&mut self, outcome: UnitOutcome) {
        *match outcome {
            UnitOutcome::AsPredicted => &mut self.as_predicted,
            UnitOutcome::NotDone => &mut self.not_done,
            UnitOutcome::Otherwise => &mut self.otherwise,
            UnitOutcome::NotPredicted => &mut self.not_predicted,
            UnitOutcome::Untouched => &mut self.untouched,
        } += 1;
    }

    /// Whether everything that was predicted is done, and nothing else.
    pub fn came_true(&self) -> bool {
        self.not_done + self.otherwise + self.not_predicted == 0
    }
}

/// One unit, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnitAfter {
    /// The unit's key.
    pub key: String,
    /// What became of it.
    pub outcome: UnitOutcome,
    /// What was predicted: `would_insert, would_change`, `would_change`, `no change`.
    pub predicted: String,
    /// What is found.
    pub found: String,
}

/// A unit with the decision that it is judged by.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) unit: UnitAfter,
    pub(super) decision: Option<UnitDecision>,
}

/// Units judged by key, content and state.
#[derive(Debug)]
pub struct UnitsJudged {
    /// How many came to what.
    pub(super) counts: UnitOutcomes,
    /// Every unit, or only those that are not as predicted.
    pub(super) units: Vec<Judged>,
    /// Whether `units` are all of them.
    pub(super) complete: bool,
}

/// Merges the unit ledger with the pairings of today, both in key order.
pub struct AfterMatcher<'l, I: Iterator<Item = UnitDecision>> {
    lifecycle: &'l Lifecycle,
    ledger: Peekable<I>,
    judged: UnitsJudged,
}

impl<'l, I: Iterator<Item = UnitDecision>> AfterMatcher<'l, I> {
    /// A merge with the ledger of the last simulated step. A key that occurred twice then has no decision of its own.
    pub fn new(lifecycle: &'l Lifecycle, ledger: I) -> Self {
        Self {
            lifecycle,
            ledger: ledger.peekable(),
            judged: UnitsJudged {
                counts: UnitOutcomes::default(),
                units: Vec::new(),
                complete: true,
            },
        }
    }

    /// Judges the next pairing, and the decisions before it that have none any more.
    pub fn feed(&mut self, pairing: &Pairing) {
        let key = key_of(pairing);
        // A key that occurs twice pairs with no decision; the ledger stays where it is.
        if let Pairing::Duplicate(key) = pairing {
            let found = "the key occurs twice".to_owned();
            self.keep(new_unit(key.clone(), found), None);
            return;
        }
        self.skip_to(Some(key));
        let known = self.ledger.next_if(|decision| decision.key == *key);
        let unit = match &known {
            Some(decision) => judge(decision, Some(pairing), self.lifecycle),
            None => new_unit(key.to_owned(), describe(Some(pairing), false)),
        };
        self.keep(unit, known);
    }

    /// Judges what the streams of today do not have any more.
    pub fn finish(mut self) -> UnitsJudged {
        self.skip_to(None);
        self.judged
    }

    fn skip_to(&mut self, key: Option<&str>) {
        // Both sides are in key order: a decision with a smaller key has no unit today.
        let before = |decision: &UnitDecision| {
            decision.verify == UnitVerification::Duplicate
                || key.is_none_or(|key| decision.key.as_str() < key)
        };
        while let Some(decision) = self.ledger.next_if(before) {
            if decision.verify == UnitVerification::Duplicate {
                continue;
            }
            let unit = judge(&decision, None, self.lifecycle);
            self.keep(unit, Some(decision));
        }
    }

    fn keep(&mut self, unit: UnitAfter, decision: Option<UnitDecision>) {
        let judged = &mut self.judged;
        judged.counts.add(unit.outcome);
        if judged.complete && judged.units.len() == KEPT_MAX {
            // From here on only deviating units are kept, and few of them, so memory stays bounded for any number of units.
            judged.complete = false;
            judged.units.retain(|kept| is_named(&kept.unit));
            judged.units.truncate(LISTED_MAX);
        }
        let room = judged.units.len() < LISTED_MAX && is_named(&unit);
        if judged.complete || room {
            judged.units.push(Judged { unit, decision });
        }
    }
}

/// The units that are not as predicted, as many as are named.
pub(super) fn named(units: impl Iterator<Item = UnitAfter>) -> Vec<UnitAfter> {
    units.filter(is_named).take(LISTED_MAX).collect()
}

fn is_named(unit: &UnitAfter) -> bool {
    !matches!(
        unit.outcome,
        UnitOutcome::AsPredicted | UnitOutcome::Untouched
    )
}

fn key_of(pairing: &Pairing) -> &str {
    match pairing {
        Pairing::Both(piece, _) | Pairing::OnlyPiece(piece) => &piece.key,
        Pairing::OnlyUnit(unit) => &unit.key,
        Pairing::Duplicate(key) => key,
    }
}

fn new_unit(key: String, found: String) -> UnitAfter {
    UnitAfter {
        key,
        outcome: UnitOutcome::NotPredicted,
        predicted: "not there then".to_owned(),
        found,
    }
}

/// What is there today. `was_live`: there was a unit then.
fn describe(now: Option<&Pairing>, was_live: bool) -> String {
    match now {
        None if was_live => "the unit is gone, and so is its source piece".to_owned(),
        None => "neither source piece nor unit".to_owned(),
        Some(Pairing::OnlyPiece(_)) if was_live => "the unit is gone".to_owned(),
        Some(Pairing::OnlyPiece(_)) => "a source piece without a unit".to_owned(),
        Some(Pairing::OnlyUnit(unit)) => format!("{}, without a source piece", unit.state),
        Some(Pairing::Both(piece, unit)) if piece.content == unit.content => unit.state.clone(),
        Some(Pairing::Both(_, unit)) => format!("{}, content not as in the source", unit.state),
        Some(Pairing::Duplicate(_)) => "the key occurs twice".to_owned(),
    }
}

/// `would_insert`, `would_change`, both or nothing.
pub(super) fn predicted(decision: &UnitDecision) -> Vec<&'static str> {
    let mut steps = Vec::new();
    if decision.cut.as_deref() == Some("would_insert") {
        steps.push("would_insert");
    }
    if decision.enact.as_deref() == Some("would_enact") {
        steps.push("would_change");
    }
    steps
}

/// Whether and how the source piece and the unit of one key match today, in the terms that VERIFY used in the run.
fn stands(now: Option<&Pairing>) -> Option<UnitVerification> {
    match now? {
        Pairing::Both(piece, unit) if piece.content == unit.content => {
            Some(UnitVerification::Equal)
        }
        Pairing::Both(..) => Some(UnitVerification::Differs),
        Pairing::OnlyPiece(_) => Some(UnitVerification::AsCut),
        Pairing::OnlyUnit(_) => Some(UnitVerification::Gap),
        Pairing::Duplicate(_) => Some(UnitVerification::Duplicate),
    }
}

fn unit_of(now: Option<&Pairing>) -> Option<&Unit> {
    match now? {
        Pairing::Both(_, unit) | Pairing::OnlyUnit(unit) => Some(unit),
        Pairing::OnlyPiece(_) | Pairing::Duplicate(_) => None,
    }
}

/// Compares the decision of a unit with its pairing of today; `None`: neither piece nor unit is there any more.
fn judge(decision: &UnitDecision, now: Option<&Pairing>, lifecycle: &Lifecycle) -> UnitAfter {
    let steps = predicted(decision);
    let state = unit_of(now).map(|unit| unit.state.as_str());
    let stands_now = stands(now);
    // A piece alone is a piece alone, whatever CUT was going to do with it.
    let stood = if decision.verify == UnitVerification::NotCut {
        UnitVerification::AsCut
    } else {
        decision.verify
    };
    // The verification of a unit in an illegal state does not say whether its content was equal.
    let illegal_then = decision.verify == UnitVerification::IllegalState;
    let same_content = stands_now == Some(stood) || illegal_then;
    let unchanged = state == decision.state.as_deref() && same_content;
    let outcome = if steps.is_empty() {
        if unchanged {
            UnitOutcome::Untouched
        } else {
            UnitOutcome::NotPredicted
        }
    } else if unchanged {
        UnitOutcome::NotDone
    } else if lifecycle.enact_deletes() && state.is_none() {
        // What was to be deleted is not there. Whether its rows are gone the comparison of rows tells, where there is one.
        UnitOutcome::AsPredicted
    } else {
        let fits = match decision.verify {
            // CUT would have inserted the unit, so now it must be there with the content of its piece.
            UnitVerification::AsCut => stands_now == Some(UnitVerification::Equal),
            UnitVerification::Equal
            | UnitVerification::NotCut
            | UnitVerification::Differs
            | UnitVerification::Gap
            | UnitVerification::Duplicate
            | UnitVerification::IllegalState => same_content,
        };
        if fits && state == Some(lifecycle.target.as_str()) {
            UnitOutcome::AsPredicted
        } else {
            UnitOutcome::Otherwise
        }
    };
    UnitAfter {
        key: decision.key.clone(),
        outcome,
        predicted: if steps.is_empty() {
            "no change".to_owned()
        } else {
            steps.join(", ")
        },
        found: describe(now, decision.state.is_some()),
    }
}
