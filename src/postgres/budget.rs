//! What one survey may cost the server: its own budget, or what is left of its run's if that is less.
//! Invariant: once a budget is spent nothing more is asked (`Budget::spent`, called by `Wire::within_budget`), and the end is
//! still measured (`Session::close` lifts the limit).

use std::time::{Duration, Instant};

use super::error::CallError;
use crate::profile::Budgets;
use crate::runner::target::{RemainingBudget, Spent};
use crate::survey::Footprint;

/// The budgets of one transaction.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    began: Instant,
    budgets: Budgets,
    run: RemainingBudget,
}

impl Budget {
    /// The budgets of a transaction that began then, and what its run has left for it.
    pub(super) fn since(began: Instant, budgets: &Budgets, run: RemainingBudget) -> Self {
        Self {
            began,
            budgets: budgets.clone(),
            run,
        }
    }

    /// Seconds that the transaction may last, a begun one counted whole.
    pub(super) fn seconds_max(&self) -> u64 {
        let whole = self.whole();
        whole.as_secs() + u64::from(whole.subsec_nanos() > 0)
    }

    fn whole(&self) -> Duration {
        let own = Duration::from_secs(self.budgets.transaction_seconds_max);
        self.run.time().map_or(own, |left| left.min(own))
    }

    /// Time left until the budget of seconds is spent.
    pub(super) fn left(&self) -> Duration {
        self.whole().saturating_sub(self.began.elapsed())
    }

    /// An error that names the first budget that is spent.
    pub(super) fn spent(&self, footprint: &Footprint) -> Result<(), CallError> {
        let elapsed = self.began.elapsed();
        let more = Spent {
            us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            rows: footprint.rows,
            bytes: footprint.bytes,
        };
        if let Some(account) = self.run.exceeded_by(more) {
            return Err(CallError::over_run(&account));
        }
        let seconds = self.budgets.transaction_seconds_max;
        if elapsed >= Duration::from_secs(seconds) {
            let took = format!("{:.1} s", elapsed.as_secs_f64());
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
    use crate::runner::target::{RemainingBudget, RunBudget, Spent};
    use crate::survey::Footprint;

    fn reason(
        budgets: &Budgets,
        run: RemainingBudget,
        (ago_s, rows, bytes): (u64, u64, u64),
    ) -> Option<String> {
        let began = Instant::now().checked_sub(Duration::from_secs(ago_s));
        let budget = Budget::since(began.expect("the machine is up that long"), budgets, run);
        let footprint = Footprint {
            rows,
            bytes,
            ..Footprint::default()
        };
        Some(budget.spent(&footprint).err()?.to_string())
    }

    fn budgets() -> Budgets {
        Budgets {
            transaction_seconds_max: 2,
            rows_max: Some(10),
            bytes_max: Some(100),
            ..Budgets::default()
        }
    }

    #[test]
    fn the_first_budget_that_is_spent_is_named() {
        let none = RemainingBudget::default();
        assert_eq!(reason(&budgets(), none, (0, 10, 100)), None);
        let named = |cost| reason(&budgets(), none, cost).expect("spent");
        assert!(named((0, 11, 0)).ends_with("at 11 rows: budgets.rows_max is 10"));
        assert!(named((0, 0, 101)).ends_with("at 101 bytes: budgets.bytes_max is 100"));
        assert!(named((3, 0, 0)).ends_with("budgets.transaction_seconds_max is 2"));
    }

    #[test]
    fn what_is_left_of_the_run_is_the_limit_where_it_is_less() {
        let run = |seconds_max, spent| {
            let budget = RunBudget {
                seconds_max: Some(seconds_max),
                rows_max: Some(50),
                bytes_max: None,
            };
            RemainingBudget::new(budget, spent)
        };
        let spent = Spent {
            us: 8_500_000,
            rows: 45,
            bytes: 1_000_000,
        };
        let near = run(10, spent);
        assert_eq!(reason(&budgets(), near, (0, 5, 100)), None);
        let named = reason(&budgets(), near, (0, 6, 0)).expect("spent");
        assert!(named.contains("51 rows"), "{named}");
        assert!(named.ends_with("budgets.run_rows_max is 50"), "{named}");
        let late = Budget::since(Instant::now(), &budgets(), near);
        assert!(late.left() <= Duration::from_millis(1_500));
        assert_eq!(late.seconds_max(), 2);
        let far = Budget::since(Instant::now(), &budgets(), run(600, spent));
        assert_eq!(far.seconds_max(), 2, "its own budget is less");
    }
}
