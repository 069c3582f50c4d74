//! What a run asks of its database, counted: a PASS says what it is a PASS of.

use super::{Check, CheckName, Gate, RunState, Verdict, counted};
use crate::survey::{FactKind, RoleSurvey, is_surroundings};

impl RunState {
    /// The first check that was not made. Where nothing was asked, no other one matters.
    pub fn first_not_checked(&self) -> Option<(Gate, &Check)> {
        self.checks()
            .filter(|(_, check)| check.verdict == Verdict::NotChecked)
            .min_by_key(|(_, check)| check.name != CheckName::FactsAnswer)
    }

    /// `10 facts, 5 protected tables and 60 units asked`, or that nothing was; `None`: no survey was pinned.
    pub fn asked(&self) -> Option<String> {
        let pin = self.pin.as_ref()?;
        let declared = (pin.facts.iter())
            .filter(|fact| !is_surroundings(&fact.key))
            .filter(|fact| !RoleSurvey::FACTS.contains(&fact.key.as_str()));
        let (tables, facts): (Vec<_>, Vec<_>) =
            declared.partition(|fact| fact.kind == FactKind::Content);
        let units = pin.candidates.as_ref().filter(|_| self.simulates());
        let mut parts: Vec<String> = [
            (facts.len(), "fact"),
            (tables.len(), "protected table"),
            (
                units.map_or(0, |units| usize::try_from(units.rows).unwrap_or(usize::MAX)),
                "unit",
            ),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, one)| counted(number, one))
        .collect();
        parts.extend(self.change().map(|_| "a change".to_owned()));
        Some(match parts.split_last() {
            None => "nothing was asked".to_owned(),
            Some((last, [])) => format!("{last} asked"),
            Some((last, others)) => format!("{} and {last} asked", others.join(", ")),
        })
    }
}
