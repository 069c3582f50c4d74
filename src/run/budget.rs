//! What a whole run may cost the server, and what it has cost.
//! Invariant: counted from what is recorded of all its transactions, live reads included (`Costs::count`; test
//! `every_transaction_counts_live_reads_included`).

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ApprovalGate, Purpose, RunState, Transaction, TransactionEnd};
use crate::survey::{Footprint, UtcTime};

/// Limits of the profile for all transactions of a run together. `None`: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RunBudget {
    /// Seconds in transactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_max: Option<u64>,
    /// Rows received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_max: Option<u64>,
    /// Bytes of values received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_max: Option<u64>,
}

impl RunBudget {
    /// Whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// The limits that are set, in the unit that is counted in.
    fn limits(&self) -> impl Iterator<Item = (Measure, u64)> {
        let us = |seconds: u64| seconds.saturating_mul(1_000_000);
        [
            (Measure::Seconds, self.seconds_max.map(us)),
            (Measure::Rows, self.rows_max),
            (Measure::Bytes, self.bytes_max),
        ]
        .into_iter()
        .filter_map(|(measure, limit)| Some((measure, limit?)))
    }
}

/// What a run's budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Time in transactions, counted in microseconds.
    Seconds,
    /// Rows received.
    Rows,
    /// Bytes of values received.
    Bytes,
}

impl Measure {
    /// Its key below `[budgets]` of a profile.
    pub fn key(self) -> &'static str {
        match self {
            Self::Seconds => "run_seconds_max",
            Self::Rows => "run_rows_max",
            Self::Bytes => "run_bytes_max",
        }
    }

    /// What it counts, as people read it.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Rows => "rows",
            Self::Bytes => "bytes",
        }
    }

    /// A counted amount, as people read it: microseconds become seconds.
    fn amount(self, counted: u64) -> String {
        match self {
            Self::Seconds => format!("{}.{}", counted / 1_000_000, counted % 1_000_000 / 100_000),
            Self::Rows | Self::Bytes => counted.to_string(),
        }
    }
}

/// What was spent of what a budget counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Microseconds in transactions.
    pub us: u64,
    /// Rows received.
    pub rows: u64,
    /// Bytes of values received.
    pub bytes: u64,
}

impl Spent {
    /// What one closed transaction cost.
    pub(super) fn of(footprint: &Footprint) -> Self {
        Self {
            us: footprint.transaction_us,
            rows: footprint.rows,
            bytes: footprint.bytes,
        }
    }

    fn amount(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Seconds => self.us,
            Measure::Rows => self.rows,
            Measure::Bytes => self.bytes,
        }
    }

    #[must_use]
    fn plus(self, other: Self) -> Self {
        self.combined(other, u64::saturating_add)
    }

    #[must_use]
    fn times(self, n: u64) -> Self {
        self.combined(self, |one, _| one.saturating_mul(n))
    }

    pub(super) fn combined(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            us: with(self.us, other.us),
            rows: with(self.rows, other.rows),
            bytes: with(self.bytes, other.bytes),
        }
    }
}

/// What a transaction may still use of its run's budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemainingBudget {
    budget: RunBudget,
    spent: Spent,
}

impl RemainingBudget {
    /// What `budget` leaves where so much is spent.
    pub fn new(budget: RunBudget, spent: Spent) -> Self {
        Self { budget, spent }
    }

    /// Why no further transaction may begin.
    pub fn exhausted(&self) -> Option<BudgetUse> {
        self.first(&self.spent, |spent, limit| spent >= limit)
    }

    /// Why a transaction that has used `more` must end.
    pub fn exceeded_by(&self, more: Spent) -> Option<BudgetUse> {
        self.first(&self.spent.plus(more), |spent, limit| spent > limit)
    }

    /// How long a transaction may last. `None`: as long as it needs.
    pub fn time(&self) -> Option<Duration> {
        let seconds = self.budget.seconds_max?;
        Some(Duration::from_secs(seconds).saturating_sub(Duration::from_micros(self.spent.us)))
    }

    fn first(&self, spent: &Spent, over: impl Fn(u64, u64) -> bool) -> Option<BudgetUse> {
        self.budget
            .limits()
            .map(|(measure, limit)| BudgetUse {
                measure,
                limit,
                spent: spent.amount(measure),
            })
            .find(|account| over(account.spent, account.limit))
    }
}

/// One limit of a run's budget, and what is spent of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetUse {
    /// The measure that is counted.
    pub measure: Measure,
    limit: u64,
    spent: u64,
}

impl BudgetUse {
    /// What was spent, as people read it.
    pub fn spent(&self) -> String {
        self.measure.amount(self.spent)
    }

    /// The limit as the profile has it.
    pub fn limit(&self) -> u64 {
        match self.measure {
            Measure::Seconds => self.limit / 1_000_000,
            Measure::Rows | Measure::Bytes => self.limit,
        }
    }

    /// One sentence on what to do about it.
    pub fn hint(&self) -> String {
        format!(
            "waiting gives nothing back of a run's budget: start a new run with a profile whose budgets.{} is larger; where this one waits it can still be rejected",
            self.measure.key()
        )
    }
}

impl fmt::Display for BudgetUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spent, unit, key) = (self.spent(), self.measure.unit(), self.measure.key());
        let limit = self.limit();
        write!(
            f,
            "the run is at {spent} {unit} in all its transactions: budgets.{key} is {limit}"
        )
    }
}

/// What the transactions of a run have cost, counted as each ends: a run that waits for days reads by the hundred thousand,
/// and asks before each read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Costs {
    spent: Spent,
    dearest_live_read: Option<Spent>,
    dearest_survey: Option<Spent>,
    /// Microseconds that the last survey took, and when it began.
    last_survey: Option<(u64, UtcTime)>,
}

impl Costs {
    /// Counts a transaction that has just ended.
    pub(super) fn count(&mut self, ended: &Transaction) {
        let cost = ended.cost();
        self.spent = self.spent.plus(cost);
        let dearest = match (&ended.end, ended.purpose) {
            (TransactionEnd::Closed(_), Purpose::LiveRead) => &mut self.dearest_live_read,
            (TransactionEnd::Closed(_), Purpose::Survey) => {
                self.last_survey = Some((cost.us, ended.opened_at));
                &mut self.dearest_survey
            }
            _ => return,
        };
        // The highest cost of each measure by itself, which may be of different transactions.
        *dearest = Some(dearest.map_or(cost, |known| known.combined(cost, u64::max)));
    }
}

impl Transaction {
    /// What it cost, as far as that is recorded. Of one whose end was not seen only the time until it was given up is known.
    fn cost(&self) -> Spent {
        let lost = |until: UtcTime| {
            let us = until.unix_micros() - self.opened_at.unix_micros();
            Spent {
                us: u64::try_from(us).unwrap_or(0),
                ..Spent::default()
            }
        };
        match &self.end {
            TransactionEnd::Closed(proof) => Spent::of(&proof.footprint),
            TransactionEnd::Unseen(_) => self.given_up_at.map(lost).unwrap_or_default(),
            TransactionEnd::Open => Spent::default(),
        }
    }
}

/// Full surveys that are still to come, each approval on a screen taking one for its sheet and one for its effect.
const SURVEYS_FROM_SG1: u64 = 5;
const SURVEYS_FROM_SG2: u64 = 3;

/// Microseconds: a full survey that took less is repeated at every live read.
const CHEAP_US: u64 = 500_000;
/// A dearer one is repeated once it is this many times as long ago as it took, so that reading takes a twentieth of the time.
const DEAR_RESTS: u64 = 20;

impl RunState {
    /// What the next transaction may use of the run's budget.
    pub fn allowance(&self) -> RemainingBudget {
        let budget = self.created.as_ref().map(|created| created.budget);
        RemainingBudget {
            budget: budget.unwrap_or_default(),
            spent: self.costs.spent,
        }
    }

    /// Every limit that the run has, with what is spent of it.
    pub fn accounts(&self) -> Vec<BudgetUse> {
        let allowance = self.allowance();
        let limits = allowance.budget.limits();
        limits
            .map(|(measure, limit)| BudgetUse {
                measure,
                limit,
                spent: allowance.spent.amount(measure),
            })
            .collect()
    }

    /// Transactions of which the cost is not known whole, because their end was not seen.
    pub fn costs_unknown(&self) -> u64 {
        let unseen = |t: &&Transaction| matches!(t.end, TransactionEnd::Unseen(_));
        self.transactions.iter().filter(unseen).count() as u64 + self.reads_aside.unseen
    }

    /// The measure because of which live reads rest while the run waits: with one more, the surveys of approvals and closeout
    /// would not fit into the budget. `None`: they go on.
    pub fn live_reads_rest(&self) -> Option<Measure> {
        // The most that one has cost, each measure by itself.
        let survey = self.costs.dearest_survey?;
        let read = self.costs.dearest_live_read.unwrap_or(survey);
        let kept = survey.times(self.surveys_to_come());
        let account = self.allowance().exceeded_by(kept.plus(read))?;
        Some(account.measure)
    }

    /// Whether the next read while waiting is of all facts: the last survey was cheap or is long enough ago, and one more fits
    /// into the budget beside those that approvals and closeout need.
    pub fn next_live_read_is_full(&self, now: UtcTime) -> bool {
        let (Some((took_us, began)), Some(dearest)) =
            (self.costs.last_survey, self.costs.dearest_survey)
        else {
            return false;
        };
        let since = u64::try_from(now.unix_micros() - began.unix_micros()).unwrap_or(0);
        let is_due = took_us < CHEAP_US || since >= took_us.saturating_mul(DEAR_RESTS);
        let with_one_more = dearest.times(self.surveys_to_come() + 1);
        is_due && self.allowance().exceeded_by(with_one_more).is_none()
    }

    fn surveys_to_come(&self) -> u64 {
        match (&self.drift, self.waits_at()) {
            (Some(_), _) => SURVEYS_FROM_SG1 + 1,
            (None, Some(ApprovalGate::SG1)) => SURVEYS_FROM_SG1,
            (None, Some(ApprovalGate::SG2)) => SURVEYS_FROM_SG2,
            (None, None) => 0,
        }
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
