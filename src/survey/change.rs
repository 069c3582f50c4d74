//! The rows behind a changed fact, compared from the two documents of that fact.
//! Invariant: a list that is cut ends with a row that says how many are left out. Held by `ListedRows`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use super::compare::each_row_change;
use super::{Digest, FactPart, RowChange, Survey, SurveyChanges, differences};

/// Rows listed for each fact.
const ROWS_MAX: usize = 50;

/// Bytes of the rows listed for each fact, 256 KiB.
const BYTES_MAX: usize = 256 << 10;

/// Bytes of one value of a listed row, 16 KiB.
const VALUE_MAX: usize = 16 << 10;

/// Bytes of a cut value that are shown before the first difference.
const BEFORE_DIFFERENCE: usize = 200;

/// Opens a document by its digest, to be read from its beginning; `None`: it is not at hand.
pub type DocumentSource<'a> = &'a dyn Fn(&Digest) -> Option<Box<dyn BufRead + 'a>>;

/// The facts that differ between two surveys, with the rows that differ where both documents are available.
pub fn changes_with_rows<'a>(
    before: &Survey,
    after: &Survey,
    then: DocumentSource<'a>,
    now: DocumentSource<'a>,
) -> SurveyChanges {
    let mut changes = differences(before, after);
    for change in changes.voids.iter_mut().chain(&mut changes.beside) {
        let mut listed = ListedRows::default();
        let key = change.key.as_str();
        let told = each_row_of(key, before, after, [then, now], &mut |row| listed.add(row));
        change.rows = told.map_or_else(Vec::new, |()| listed.finish());
    }
    changes
}

/// Every row that differs behind one fact. Empty: the documents are the same; `None`: one of them is missing.
pub fn rows_of<'a>(
    key: &str,
    before: &Survey,
    after: &Survey,
    then: DocumentSource<'a>,
    now: DocumentSource<'a>,
) -> Option<Vec<RowChange>> {
    let mut rows = Vec::new();
    each_row_of(key, before, after, [then, now], &mut |row| rows.push(row))?;
    Some(rows)
}

/// Gives every row that differs behind one fact; `None`: one of the documents is missing.
fn each_row_of(
    key: &str,
    before: &Survey,
    after: &Survey,
    [then, now]: [DocumentSource<'_>; 2],
    give: &mut dyn FnMut(RowChange),
) -> Option<()> {
    let (before_fact, after_fact) = (before.fact(key)?, after.fact(key)?);
    let (Some(one), Some(two)) = (&before_fact.document, &after_fact.document) else {
        return each_part_change(&before_fact.parts, &after_fact.parts, give);
    };
    // Equal digests mean equal documents: nothing has to be read, but for what a document does not show.
    if one.sha256 == two.sha256 {
        if before_fact.value() != after_fact.value() {
            give(hidden_change());
        }
        return Some(());
    }
    each_row_change(&|| then(&one.sha256), &|| now(&two.sha256), give)
}

/// Gives the parts that differ of a fact whose document is too long to be kept; `None`: it has no parts.
fn each_part_change(
    before: &[FactPart],
    after: &[FactPart],
    give: &mut dyn FnMut(RowChange),
) -> Option<()> {
    fn named(parts: &[FactPart]) -> BTreeMap<&str, &Digest> {
        let named = parts.iter().map(|part| (part.name.as_str(), &part.sha256));
        named.collect()
    }
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let (one, two) = (named(before), named(after));
    let names: BTreeSet<&str> = one.keys().chain(two.keys()).copied().collect();
    for name in names {
        let (one, two) = (one.get(name), two.get(name));
        if one != two {
            let is = |digest: Option<&&Digest>| digest.map(ToString::to_string);
            give(RowChange {
                key: if name.is_empty() {
                    "(the table itself)".to_owned()
                } else {
                    name.to_owned()
                },
                approved: is(one),
                found: is(two),
            });
        }
    }
    Some(())
}

/// What stands for the rows where the values differ and the documents do not: only values that no document shows can differ.
fn hidden_change() -> RowChange {
    RowChange {
        key: "(hidden columns)".to_owned(),
        approved: Some("as approved".to_owned()),
        found: Some("hidden values differ".to_owned()),
    }
}

/// The first rows of a list, with values that are cut: they are recorded in one line of the journal, whatever a row holds.
#[derive(Default)]
struct ListedRows {
    rows: Vec<RowChange>,
    bytes: usize,
    more: usize,
}

impl ListedRows {
    fn add(&mut self, mut row: RowChange) {
        // None is listed behind one that is not.
        if self.more > 0 || self.rows.len() == ROWS_MAX {
            self.more += 1;
            return;
        }
        cut_values(&mut row);
        let values = [&row.approved, &row.found].into_iter().flatten();
        let bytes = row.key.len() + values.map(String::len).sum::<usize>();
        // The first one is always listed.
        if self.rows.is_empty() || self.bytes + bytes <= BYTES_MAX {
            self.bytes += bytes;
            self.rows.push(row);
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self) -> Vec<RowChange> {
        if self.more > 0 {
            self.rows.push(RowChange {
                key: format!("... {} more rows differ", self.more),
                approved: None,
                found: None,
            });
        }
        self.rows
    }
}

/// Cuts long values to a part that begins shortly before the first difference.
fn cut_values(row: &mut RowChange) {
    let [one, two] = [&row.approved, &row.found].map(|value| value.as_deref().unwrap_or_default());
    if one.len().max(two.len()) <= VALUE_MAX {
        return;
    }
    let same = one.bytes().zip(two.bytes()).take_while(|(a, b)| a == b);
    let from = same.count().saturating_sub(BEFORE_DIFFERENCE);
    for value in [&mut row.approved, &mut row.found].into_iter().flatten() {
        let begun = value.floor_char_boundary(from);
        let end = value.floor_char_boundary(begun + VALUE_MAX);
        let behind = value.len() - end;
        *value = format!(
            "({begun} bytes before) {} ({behind} bytes behind)",
            &value[begun..end]
        );
    }
    row.key.truncate(row.key.floor_char_boundary(VALUE_MAX));
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, ListedRows, VALUE_MAX, each_part_change};
    use crate::survey::{Digest, FactPart, RowChange};

    fn capped(rows: impl IntoIterator<Item = RowChange>) -> Vec<RowChange> {
        let mut listed = ListedRows::default();
        rows.into_iter().for_each(|row| listed.add(row));
        listed.finish()
    }

    fn row(key: &str, approved: &str, found: &str) -> RowChange {
        RowChange {
            key: key.to_owned(),
            approved: Some(approved.to_owned()),
            found: Some(found.to_owned()),
        }
    }

    #[test]
    fn rows_of_any_width_stay_short_and_the_difference_is_in_them() {
        let wide = "\u{e9}".repeat(500_000);
        let rows = (0..60).map(|nth| {
            row(
                "k",
                &format!("{wide}old{wide}"),
                &format!("{wide}new {nth}{wide}"),
            )
        });
        let rows = capped(rows);
        let length: usize = rows.iter().map(|row| format!("{row:?}").len()).sum();
        assert!(length < 2 * BYTES_MAX, "{length}");
        let found = rows[0].found.as_deref().expect("a value");
        assert!(
            found.starts_with("(999800 bytes before) "),
            "{}",
            &found[..40]
        );
        assert!(found.contains("new 0") && found.len() < VALUE_MAX + 100);
        let last = &rows.last().expect("rows").key;
        let named = format!("... {} more rows differ", 60 - (rows.len() - 1));
        assert_eq!(*last, named);
    }

    #[test]
    fn of_a_document_that_is_not_kept_the_parts_are_named() {
        let part = |name: &str, content: &str| FactPart {
            name: name.to_owned(),
            sha256: Digest::of(content),
            without_rows: false,
        };
        let changed = |before: &[FactPart], after: &[FactPart]| {
            let mut rows = Vec::new();
            let known = each_part_change(before, after, &mut |row| rows.push(row));
            known.map(|()| rows)
        };
        let before = [part("", "t"), part("p.one", "1"), part("p.two", "2")];
        let after = [part("", "u"), part("p.one", "1"), part("p.six", "6")];
        let is = |content: &str| Some(Digest::of(content).to_string());
        let row = |key: &str, approved, found| RowChange {
            key: key.to_owned(),
            approved,
            found,
        };
        assert_eq!(
            changed(&before, &after),
            Some(vec![
                row("(the table itself)", is("t"), is("u")),
                row("p.six", None, is("6")),
                row("p.two", is("2"), None),
            ])
        );
        assert_eq!(changed(&before, &[]), None);
    }

    #[test]
    fn short_rows_are_left_as_they_are() {
        let rows: Vec<RowChange> = (0..50).map(|nth| row("k", "a", &nth.to_string())).collect();
        assert_eq!(capped(rows.clone()), rows);
    }
}
