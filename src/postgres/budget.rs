//! What one survey may cost the server. Invariant: once a budget is spent nothing more is asked, and the end is still measured.

use std::time::{Duration, Instant};

use super::error::CallError;
use crate::profile::Budgets;
use crate::survey::Footprint;

/// The budgets of one transaction.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    began: Instant,
    budgets: Budgets,
}

impl Budget {
    /// The budgets of a transaction that began then.
    pub(super) fn since(began: Instant, budgets: &Budgets) -> Self {
        Self {
            began,
            budgets: budgets.clone(),
        }
    }

    fn seconds(&self) -> Duration {
        Duration::from_secs(self.budgets.transaction_seconds_max)
    }

    /// What is left of the time.
    pub(super) fn left(&self) -> Duration {
        self.seconds().saturating_sub(self.began.elapsed())
    }

    /// An error that names the first budget that is spent.
    pub(super) fn spent(&self, footprint: &Footprint) -> Result<(), CallError> {
        if self.left().is_zero() {
            let seconds = self.budgets.transaction_seconds_max;
            let took = format!("{:.1} s", self.began.elapsed().as_secs_f64());
            return Err(CallError::over_budget(
                "transaction_seconds_max",
                seconds,
                &took,
            ));
        }
        let counted = [
            ("rows_max", self.budgets.rows_max, footprint.rows, "rows"),
            (
                "bytes_max",
                self.budgets.bytes_max,
                footprint.bytes,
                "bytes",
            ),
        ];
        for (key, limit, spent, what) in counted {
            if let Some(limit) = limit.filter(|limit| spent > *limit) {
                return Err(CallError::over_budget(
                    key,
                    limit,
                    &format!("{spent} {what}"),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Budget;
    use crate::profile::Budgets;
    use crate::survey::Footprint;

    fn reason(budgets: &Budgets, ago_s: u64, rows: u64, bytes: u64) -> Option<String> {
        let began = Instant::now().checked_sub(Duration::from_secs(ago_s));
        let budget = Budget::since(began.expect("the machine is up that long"), budgets);
        let footprint = Footprint {
            rows,
            bytes,
            ..Footprint::default()
        };
        Some(budget.spent(&footprint).err()?.reason())
    }

    #[test]
    fn the_first_budget_that_is_spent_is_named() {
        let budgets = Budgets {
            transaction_seconds_max: 2,
            rows_max: Some(10),
            bytes_max: Some(100),
        };
        assert_eq!(reason(&budgets, 0, 10, 100), None);
        let named = |ago_s, rows, bytes| reason(&budgets, ago_s, rows, bytes).expect("spent");
        assert!(named(0, 11, 0).ends_with("at 11 rows: budgets.rows_max is 10"));
        assert!(named(0, 0, 101).ends_with("at 101 bytes: budgets.bytes_max is 100"));
        assert!(named(3, 0, 0).ends_with("budgets.transaction_seconds_max is 2"));
    }
}
