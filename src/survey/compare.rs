//! The facts and rows that differ between two surveys.
//! Invariant: a fact whose value is unknown on either side never counts as equal. Held by `compare`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::hunks::line_hunks;
use super::{FactKey, StreamDigest, Survey};

/// One row that differs between two documents of a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RowChange {
    /// What identifies the row: the unit's name, the grant's object and grantee, the line number of a function.
    pub key: String,
    /// The value that was approved; `None`: the row is new.
    pub approved: Option<String>,
    /// The value that was found; `None`: the row is gone.
    pub found: Option<String>,
}

/// One fact that differs between two surveys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FactChange {
    /// The key of the fact.
    pub key: FactKey,
    /// The value that was approved; `None`: unknown, or there was no such fact.
    pub approved: Option<String>,
    /// The value that was found; `None`: unknown, or there is no such fact.
    pub found: Option<String>,
    /// Why no value was found, such as the server's error; `None`: there is one, or no reason is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rows of the documents that differ; empty where there are no two documents.
    #[serde(default)]
    pub rows: Vec<RowChange>,
}

/// Every fact of `before` and `after` that differs, in the order of `before`. The two streams take
/// part as `pieces` and `candidates`.
pub fn compare(before: &Survey, after: &Survey) -> Vec<FactChange> {
    let mut changes = Vec::new();
    let mut note = |key: FactKey, approved: Option<&str>, found: Option<&str>| {
        // Two unknown values are not equal: without the first condition `None == None` would hide them.
        if approved.is_none() || approved != found {
            changes.push(FactChange {
                reason: after.unknown_reason(key.as_str()).map(str::to_owned),
                key,
                approved: approved.map(str::to_owned),
                found: found.map(str::to_owned),
                rows: Vec::new(),
            });
        }
    };
    for fact in &before.facts {
        let found = after
            .fact(fact.key.as_str())
            .and_then(|f| f.observed.value());
        note(fact.key.clone(), fact.observed.value(), found);
    }
    for fact in &after.facts {
        if before.fact(fact.key.as_str()).is_none() {
            note(fact.key.clone(), None, fact.observed.value());
        }
    }
    for (name, one, two) in [
        ("pieces", &before.pieces, &after.pieces),
        ("candidates", &before.candidates, &after.candidates),
    ] {
        // A partial survey (a live read) reads no streams, which is no difference. A stream that failed is one.
        let read = one.is_some() && two.is_some();
        if read || after.unknown_reason(name).is_some() {
            note(
                FactKey::new(name),
                sha256(one.as_ref()),
                sha256(two.as_ref()),
            );
        }
    }
    changes
}

fn sha256(stream: Option<&StreamDigest>) -> Option<&str> {
    stream.map(|stream| stream.sha256.as_str())
}

/// The rows that differ between two documents: `key<TAB>value` lines are compared by key, any other text line by line. Lines
/// with the same key are compared in order, so that one does not hide another.
pub fn compare_rows(before: &str, after: &str) -> Vec<RowChange> {
    let is_keyed = |text: &str| text.lines().all(|line| line.contains('\t'));
    if !is_keyed(before) || !is_keyed(after) {
        return compare_lines(before, after);
    }
    let one = keyed(before);
    let two = keyed(after);
    let mut changes = Vec::new();
    for (key, value) in &one {
        let found = two.get(key).copied();
        if found != Some(*value) {
            changes.push(row_change(*key, Some(value), found));
        }
    }
    for (key, value) in &two {
        if !one.contains_key(key) {
            changes.push(row_change(*key, None, Some(value)));
        }
    }
    changes
}

/// The lines that differ, in order. A line is named by its number in the approved text, a new one by its
/// number in the found text. A carriage return belongs to its line, and so does the absence of a line break at the end.
fn compare_lines(before: &str, after: &str) -> Vec<RowChange> {
    let one: Vec<&str> = before.split_inclusive('\n').collect();
    let two: Vec<&str> = after.split_inclusive('\n').collect();
    let text = |line: &str| match line.strip_suffix('\n') {
        Some(line) => line.to_owned(),
        None => format!("{line} (no line break at the end)"),
    };
    let mut changes = Vec::new();
    for hunk in line_hunks(&one, &two) {
        let (gone, come) = (hunk.before, hunk.after);
        for at in 0..gone.len().max(come.len()) {
            let (old, new) = (gone.start + at, come.start + at);
            let approved = gone.contains(&old).then(|| text(one[old]));
            let found = come.contains(&new).then(|| text(two[new]));
            let number = if approved.is_some() { old } else { new } + 1;
            changes.push(RowChange {
                key: format!("line {number}"),
                approved,
                found,
            });
        }
    }
    changes
}

fn row_change((key, _): (&str, usize), approved: Option<&str>, found: Option<&str>) -> RowChange {
    RowChange {
        key: key.to_owned(),
        approved: approved.map(str::to_owned),
        found: found.map(str::to_owned),
    }
}

/// The rows by key; the number tells rows with the same key apart, in order.
fn keyed(text: &str) -> BTreeMap<(&str, usize), &str> {
    let mut rows = BTreeMap::new();
    for (key, value) in text.lines().filter_map(|line| line.split_once('\t')) {
        let same = rows.range((key, 0)..=(key, usize::MAX)).next_back();
        let nth = same.map_or(0, |((_, last), _)| last + 1);
        rows.insert((key, nth), value);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::compare_rows;

    #[test]
    fn names_the_changed_the_new_and_the_lost_row() {
        let rows = compare_rows("a\t1\nb\t2\nc\t3\n", "a\t1\nb\tx\nd\t4\n");
        let found: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.key.as_str(),
                    row.approved.as_deref(),
                    row.found.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("b", Some("2"), Some("x")),
                ("c", Some("3"), None),
                ("d", None, Some("4"))
            ]
        );
    }

    #[test]
    fn equal_keys_do_not_hide_each_other() {
        assert_eq!(compare_rows("a\t1\na\t2\n", "a\t1\na\t3\n").len(), 1);
        assert_eq!(compare_rows("a\t1\n", "a\t1\na\t1\n").len(), 1);
    }

    #[test]
    fn the_lines_of_a_function_are_named_by_their_numbers() {
        let before = "BEGIN\n\n  RETURN 1;\n\nEND";
        let after = "BEGIN\n\n  RETURN\t2;\n\n  -- new\nEND";
        let rows = compare_rows(before, after);
        let found: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.key.as_str(),
                    row.approved.as_deref(),
                    row.found.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("line 3", Some("  RETURN 1;"), Some("  RETURN\t2;")),
                ("line 5", None, Some("  -- new"))
            ]
        );
        assert!(compare_rows(before, before).is_empty());
    }
}
