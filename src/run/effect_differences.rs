//! In what two rehearsals of a change differ: what is drift between two approvals, and what `rehearse --against` tells.
//! Invariant: a number that is declared as a range may be another one inside of it, and nothing else may (`is_same`).

use super::subject::change;
use super::{RehearsalOutcome, RehearsedTable};
use crate::simulate::{ExpectedRows, RowRange};
use crate::survey::{Digest, FactChange};

/// What the later one did otherwise than the earlier one, outside of what is expected as a range.
pub fn effect_differences(
    was: &RehearsalOutcome,
    is: &RehearsalOutcome,
    expected: &[ExpectedRows],
) -> Vec<FactChange> {
    let mut moved = Vec::new();
    let end = |outcome: &RehearsalOutcome| {
        let error = outcome.script.error.clone();
        error.unwrap_or_else(|| "it ran to its end".to_owned())
    };
    if end(was) != end(is) {
        moved.push(change("effect.script", end(was), end(is)));
    }
    if was.schema_changes != is.schema_changes {
        let side = |outcome: &RehearsalOutcome| {
            let text = outcome.schema_changes.join("\n");
            let lines = outcome.schema_lines().len();
            format!("{lines} lines {}", Digest::of(text).short())
        };
        moved.push(change("effect.schema", side(was), side(is)));
    }
    if let (Some(one), Some(two)) = (&was.recorded, &is.recorded) {
        let commands = ("commands", one.command_shape(), two.command_shape());
        let locks = ("locks", one.lock_shape(), two.lock_shape());
        for (what, one, two) in [commands, locks] {
            if one != two {
                moved.push(change(&format!("effect.{what}"), one, two));
            }
        }
    }
    let mut names: Vec<&str> = was
        .effect
        .iter()
        .chain(&is.effect)
        .map(|t| t.table.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let none = RehearsedTable::default();
    for name in names {
        let (one, two) = (
            was.table(name).unwrap_or(&none),
            is.table(name).unwrap_or(&none),
        );
        if !is_same(expected, name, one, two) {
            let key = format!("effect.{name}");
            moved.push(change(&key, one.shape(), two.shape()));
        }
    }
    moved
}

/// The range that is declared for one operation on a table; an exact number is none.
pub(super) fn declared_range(
    expected: &[ExpectedRows],
    table: &str,
    word: &str,
) -> Option<RowRange> {
    let expected = expected.iter().find(|one| one.table == table)?;
    let range = match word {
        "insert" => expected.insert,
        "update" => expected.update,
        _ => expected.delete,
    };
    (!range.is_exact()).then_some(range)
}

fn is_same(
    expected: &[ExpectedRows],
    name: &str,
    was: &RehearsedTable,
    is: &RehearsedTable,
) -> bool {
    let pairs = was.rows_changed().into_iter().zip(is.rows_changed());
    let mut rows = pairs.map(|((word, one), (_, two))| {
        let range = declared_range(expected, name, word);
        one == two || range.is_some_and(|range| range.contains(*two.get()))
    });
    // Without an update on one side there are no columns to compare.
    let updated = [was, is].iter().all(|side| *side.updated.get() > 0);
    let columns = !updated || was.stable_columns() == is.stable_columns();
    rows.all(|holds| holds) && columns && was.redefined == is.redefined
}
