//! Which runs a list shows, and in which order.
//! Invariant: a run that waits for a person comes first in every order (test `what_waits_stands_first_in_every_order` of
//! tests/index.rs); what cannot be read is never left out of `all`.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::str::FromStr;

use serde::Serialize;

use super::{Overview, RunId, RunRow, RunStatus};
use crate::survey::{UtcTime, named_enum};

named_enum! {
    /// A filter of the list.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
    pub enum RunFilter {
        /// Everything that lies there.
        #[default]
        All = "all",
        /// Runs that wait for a person.
        Waiting = "waiting",
        /// Ended, and neither PASS nor changed by others nor rejected by a person.
        Failed = "failed",
        /// Facts differed from what was pinned or approved, also where a person then rejected the run.
        Drifted = "drifted",
        /// Damaged, of a newer format, foreign, never begun, unreadable.
        Damaged = "damaged",
    }
}

impl RunFilter {
    /// Whether it shows this.
    pub fn shows(self, row: &RunRow) -> bool {
        match (self, &row.standing) {
            (Self::All, _) => true,
            (Self::Damaged, standing) => !matches!(standing, RunStatus::Run(_)),
            (Self::Waiting, RunStatus::Run(run)) => run.waiting_since().is_some(),
            (Self::Failed, RunStatus::Run(run)) => run.failed(),
            (Self::Drifted, RunStatus::Run(run)) => run.drifted,
            _ => false,
        }
    }
}

/// A number of days, written `90d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(u32);

impl Days {
    /// How many.
    pub fn count(self) -> u32 {
        self.0
    }

    /// The time so many days before `now`.
    pub fn before(self, now: UtcTime) -> UtcTime {
        now.plus_seconds(-86_400 * i64::from(self.0))
    }
}

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_suffix('d');
        let digits = digits.filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()));
        let days = digits.and_then(|digits| digits.parse().ok());
        // A hundred years: no run is older, and no time overflows.
        let days = days.filter(|days| *days <= 36_500);
        days.map(Self)
            .ok_or_else(|| "days are written 90d, at most 36500d".to_owned())
    }
}

/// Since when runs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Since this time.
    Time(UtcTime),
    /// Since so many days ago.
    Days(Days),
}

impl Since {
    /// The time that is meant, if it is `now`.
    pub fn time(self, now: UtcTime) -> UtcTime {
        match self {
            Self::Time(at) => at,
            Self::Days(days) => days.before(now),
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(days) = text.parse() {
            return Ok(Self::Days(days));
        }
        let midnight = format!("{text}T00:00:00Z");
        let time = text.parse().or_else(|_| midnight.parse());
        time.map(Self::Time).map_err(|_| {
            "a day is written 2026-11-01, a time 2026-11-01T08:00:00Z, days ago 30d".to_owned()
        })
    }
}

named_enum! {
    /// What a list is ordered by.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
    pub enum RunSort {
        /// When it was started, newest first.
        #[default]
        Started = "started",
        /// How long it lasted, longest first.
        Duration = "duration",
        /// State, then result.
        State = "state",
        /// Address of the target.
        Target = "target",
        /// Name of the profile.
        Profile = "profile",
    }
}

/// An order, perhaps backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunOrder {
    /// The column to order by.
    pub sort: RunSort,
    /// The other way round; what waits stays first.
    pub reversed: bool,
}

impl RunOrder {
    /// Orders rows: what waits for a person first, the longest wait before the others; then by the order; foreign names last.
    pub fn apply<R: Borrow<RunRow>>(self, rows: &mut [R]) {
        let by_time = |row: &RunRow| Reverse(started(row));
        rows.sort_by(|a, b| {
            let (a, b) = (a.borrow(), b.borrow());
            by_time(a)
                .cmp(&by_time(b))
                .then_with(|| a.name.cmp(&b.name))
        });
        match self.sort {
            RunSort::Started => {}
            RunSort::Duration => {
                rows.sort_by_key(|row| Reverse(overview(row.borrow()).map(Overview::lasted_s)));
            }
            RunSort::State => rows.sort_by_key(|row| {
                let row = row.borrow();
                let Some(run) = overview(row) else {
                    return (row.standing.name(), "");
                };
                let result = run.result.as_ref();
                (
                    run.state.name(),
                    result.map_or("", |(_, result)| result.suffix()),
                )
            }),
            RunSort::Target => rows.sort_by(|a, b| target(a.borrow()).cmp(&target(b.borrow()))),
            RunSort::Profile => rows.sort_by(|a, b| profile(a.borrow()).cmp(&profile(b.borrow()))),
        }
        if self.reversed {
            rows.reverse();
        }
        // Last, because the sort is stable: within each group the order above stays.
        rows.sort_by_key(|row| match &row.borrow().standing {
            RunStatus::Run(run) => match run.waiting_since() {
                Some(since) => (0, since.unix_micros()),
                None => (1, 0),
            },
            RunStatus::Foreign { .. } | RunStatus::NeverBegun { .. } => (2, 0),
            RunStatus::Damaged { .. } | RunStatus::Newer { .. } | RunStatus::Unreadable { .. } => {
                (1, 0)
            }
        });
    }
}

/// What is known of a row that is a run.
fn overview(row: &RunRow) -> Option<&Overview> {
    match &row.standing {
        RunStatus::Run(run) => Some(run),
        RunStatus::Damaged { .. }
        | RunStatus::Newer { .. }
        | RunStatus::Foreign { .. }
        | RunStatus::NeverBegun { .. }
        | RunStatus::Unreadable { .. } => None,
    }
}

/// Microseconds; of a run that does not read the time in its name.
fn started(row: &RunRow) -> Option<i64> {
    if let RunStatus::Run(run) = &row.standing {
        return Some(run.started_at.unix_micros());
    }
    let id: RunId = row.name.parse().ok()?;
    Some(id.started()?.unix_micros())
}

/// The target; what has none comes last.
fn target(row: &RunRow) -> (bool, &str) {
    overview(row).map_or((true, ""), |run| (false, &run.target))
}

fn profile(row: &RunRow) -> (bool, &str) {
    overview(row).map_or((true, ""), |run| (false, &run.profile))
}
