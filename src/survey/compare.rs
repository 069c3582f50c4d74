//! The facts and rows that differ between two surveys.
//! Invariant: a fact whose value is unknown on either side never counts as equal. Held by `compare`.

use std::cell::Cell;
use std::cmp::Ordering;
use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

use super::hunks::line_hunks;
use super::surroundings::voids;
use super::{FactKey, StreamDigest, Survey, is_surroundings, reads_surroundings};

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

/// What two surveys differ in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SurveyChanges {
    /// What voids an approval.
    pub voids: Vec<FactChange>,
    /// What lies beside the change and voids nothing.
    pub beside: Vec<FactChange>,
}

impl SurveyChanges {
    /// What voids; where nothing does, what is beside. The transactions behind the one are not those behind the other.
    pub fn most_important(&self) -> &[FactChange] {
        if self.voids.is_empty() {
            &self.beside
        } else {
            &self.voids
        }
    }
}

/// Every fact of `before` and `after` whose difference voids an approval, in the order of `before`. The two streams take
/// part as `pieces` and `candidates`.
pub fn compare(before: &Survey, after: &Survey) -> Vec<FactChange> {
    differences(before, after).voids
}

/// Every fact of `before` and `after` that differs, in the order of `before`.
pub fn differences(before: &Survey, after: &Survey) -> SurveyChanges {
    let mut changes = SurveyChanges::default();
    let mut note = |key: FactKey, approved: Option<&str>, found: Option<&str>, voids: bool| {
        // Two unknown values are not equal: without the first condition `None == None` would hide them.
        if approved.is_none() || approved != found {
            let list = if voids {
                &mut changes.voids
            } else {
                &mut changes.beside
            };
            list.push(FactChange {
                reason: after.unknown_reason(key.as_str()).map(str::to_owned),
                key,
                approved: approved.map(str::to_owned),
                found: found.map(str::to_owned),
                rows: Vec::new(),
            });
        }
    };
    for fact in &before.facts {
        let now = after.fact(fact.key.as_str());
        let found = now.and_then(|f| f.observed.value());
        let voids = voids(Some(fact), now, before, after);
        note(fact.key.clone(), fact.observed.value(), found, voids);
    }
    let unread_before = !reads_surroundings(&before.facts);
    for fact in &after.facts {
        // What is around the rows was not read before by an older drygate: that is no difference.
        let unread = unread_before && is_surroundings(&fact.key);
        if before.fact(fact.key.as_str()).is_none() && !unread {
            note(fact.key.clone(), None, fact.observed.value(), true);
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
                true,
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
    let mut changes = Vec::new();
    each_row_between(before, after, &mut |change| changes.push(change));
    changes
}

/// Opens a document at its beginning; `None`: it is not at hand.
type OpenDocument<'a, 'd> = &'a dyn Fn() -> Option<Box<dyn BufRead + 'd>>;

/// The same, row by row: of two long documents every row may differ. Documents in the order of their keys are read line by line,
/// once to see that and twice to compare, and none of them is in memory as a whole. `None`: one of them cannot be read.
pub(super) fn each_row_change(
    before: OpenDocument<'_, '_>,
    after: OpenDocument<'_, '_>,
    tell: &mut dyn FnMut(RowChange),
) -> Option<()> {
    if !is_in_order(before()?)? || !is_in_order(after()?)? {
        let text = |input: Box<dyn BufRead + '_>| io::read_to_string(input).ok();
        each_row_between(&text(before()?)?, &text(after()?)?, tell);
        return Some(());
    }
    let breaks_off = Cell::new(false);
    let read = |line: io::Result<String>| {
        breaks_off.set(breaks_off.get() || line.is_err());
        line.ok()
    };
    for new in [false, true] {
        let (one, two) = (before()?.lines(), after()?.lines());
        tell_rows(one.map_while(read), two.map_while(read), new, tell);
    }
    (!breaks_off.get()).then_some(())
}

/// Whether every line has a key and the keys rise; `None`: it cannot be read.
fn is_in_order(input: Box<dyn BufRead + '_>) -> Option<bool> {
    let mut last = String::new();
    for line in input.lines() {
        let line = line.ok()?;
        match line.split_once('\t') {
            Some((key, _)) if key >= last.as_str() => key.clone_into(&mut last),
            _ => return Some(false),
        }
    }
    Some(true)
}

fn each_row_between(before: &str, after: &str, tell: &mut dyn FnMut(RowChange)) {
    let is_keyed = |text: &str| text.lines().all(|line| line.contains('\t'));
    if !is_keyed(before) || !is_keyed(after) {
        return compare_lines(before, after, tell);
    }
    let (one, two) = (KeyedRows::of(before), KeyedRows::of(after));
    for new in [false, true] {
        tell_rows(one.lines(), two.lines(), new, tell);
    }
}

/// Tells the rows that differ between lines in the order of their keys, those of one key in pairs: the `new` ones, or, which come
/// before them, those that are changed or gone.
fn tell_rows<L: AsRef<str>>(
    before: impl Iterator<Item = L>,
    after: impl Iterator<Item = L>,
    new: bool,
    tell: &mut dyn FnMut(RowChange),
) {
    let (mut before, mut after) = (before.peekable(), after.peekable());
    let key = |line: &L| row(line.as_ref()).0.to_owned();
    loop {
        let order = match (before.peek(), after.peek()) {
            (Some(old), Some(new)) => row(old.as_ref()).0.cmp(row(new.as_ref()).0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let old = before.next_if(|_| order.is_le());
        let come = after.next_if(|_| order.is_ge());
        let value = |line: &Option<L>| line.as_ref().map(|line| row(line.as_ref()).1.to_owned());
        let same =
            order.is_eq() && old.as_ref().map(AsRef::as_ref) == come.as_ref().map(AsRef::as_ref);
        if let (Some(line), false) = (old.as_ref().or(come.as_ref()), same || old.is_none() != new)
        {
            tell(RowChange {
                key: key(line),
                approved: value(&old),
                found: value(&come),
            });
        }
    }
}

/// The lines that differ, in order. A line is named by its number in the approved text, a new one by its
/// number in the found text. A carriage return belongs to its line, and so does the absence of a line break at the end.
fn compare_lines(before: &str, after: &str, tell: &mut dyn FnMut(RowChange)) {
    let one: Vec<&str> = before.split_inclusive('\n').collect();
    let two: Vec<&str> = after.split_inclusive('\n').collect();
    let text = |line: &str| match line.strip_suffix('\n') {
        Some(line) => line.to_owned(),
        None => format!("{line} (no line break at the end)"),
    };
    for hunk in line_hunks(&one, &two) {
        let (gone, come) = (hunk.before, hunk.after);
        for at in 0..gone.len().max(come.len()) {
            let (old, new) = (gone.start + at, come.start + at);
            let approved = gone.contains(&old).then(|| text(one[old]));
            let found = come.contains(&new).then(|| text(two[new]));
            let number = if approved.is_some() { old } else { new } + 1;
            tell(RowChange {
                key: format!("line {number}"),
                approved,
                found,
            });
        }
    }
}

/// The rows of a document in the order of their keys, those of one key in the order of the document.
struct KeyedRows<'t> {
    text: &'t str,
    /// The places of the lines, because there may be hundreds of thousands; `None`: the document is in order.
    starts: Option<Vec<usize>>,
}

impl<'t> KeyedRows<'t> {
    fn of(text: &'t str) -> Self {
        if text.lines().map(|line| row(line).0).is_sorted() {
            return Self { text, starts: None };
        }
        let mut next = 0;
        let starts = text.split_inclusive('\n').map(|line| {
            next += line.len();
            next - line.len()
        });
        let mut starts: Vec<usize> = starts.collect();
        starts.sort_by_key(|start| row(line_at(text, *start)).0);
        let starts = Some(starts);
        Self { text, starts }
    }

    fn lines(&self) -> Box<dyn Iterator<Item = &'t str> + '_> {
        match &self.starts {
            None => Box::new(self.text.lines()),
            Some(starts) => Box::new(starts.iter().map(|start| line_at(self.text, *start))),
        }
    }
}

fn line_at(text: &str, start: usize) -> &str {
    text[start..].lines().next().unwrap_or_default()
}

fn row(line: &str) -> (&str, &str) {
    line.split_once('\t').unwrap_or((line, ""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{BufRead, Cell, RowChange, compare_rows, differences, each_row_change};
    use crate::survey::{DriftRule, Fact, FactKey, Survey};
    use crate::testing::values;

    /// A survey of one profile's fact, the grant matrix and, where asked for, privileges and a definition.
    fn survey(matrix: &str, around: Option<(&str, &str)>) -> Survey {
        use crate::survey::FactKind::{Integer, Sha256};
        let fact = |key: &str, kind, value: &str, drift| Fact {
            drift,
            ..values::fact(key, kind, value)
        };
        let mut facts = vec![fact("total", Integer, "60", DriftRule::Any)];
        facts.push(fact("matrix", Sha256, matrix, DriftRule::WithPrivileges));
        if let Some((privileges, beside)) = around {
            facts.push(fact("privileges.held", Sha256, privileges, DriftRule::Any));
            facts.push(fact("objects.beside", Sha256, beside, DriftRule::Beside));
        }
        let at = crate::survey::UtcTime::from_unix_micros(0);
        values::survey(values::snapshot("n".to_owned(), 1, at), facts)
    }

    fn keys(before: &Survey, after: &Survey) -> [Vec<String>; 2] {
        let found = differences(before, after);
        [found.voids, found.beside]
            .map(|changes| changes.iter().map(|c| c.key.to_string()).collect())
    }

    #[test]
    fn a_grant_voids_only_where_privileges_on_protected_objects_differ() {
        let before = survey("m", Some(("p", "b")));
        let apart = survey("m2", Some(("p", "b2")));
        assert_eq!(
            keys(&before, &apart),
            [
                vec![],
                vec!["matrix".to_owned(), "objects.beside".to_owned()]
            ]
        );
        let held = survey("m2", Some(("p2", "b")));
        assert_eq!(
            keys(&before, &held),
            [
                vec!["matrix".to_owned(), "privileges.held".to_owned()],
                vec![]
            ]
        );
    }

    #[test]
    fn a_pin_of_an_older_drygate_lacks_what_is_around_and_that_is_no_difference() {
        let (old, new) = (survey("m", None), survey("m", Some(("p", "b"))));
        assert_eq!(keys(&old, &new), [const { Vec::<String>::new() }; 2]);
        // The other way round it was read and is gone: that is one.
        assert_eq!(keys(&new, &old)[0], ["privileges.held", "objects.beside"]);
        let mut less = new.clone();
        less.facts
            .retain(|fact| fact.key != FactKey::new("privileges.held"));
        assert_eq!(
            keys(&less, &new)[0],
            ["privileges.held"],
            "read before in part"
        );
        let granted = survey("m2", None);
        assert_eq!(keys(&old, &granted), [vec!["matrix".to_owned()], vec![]]);
    }

    /// Key, approved and found text of each row.
    fn named(rows: &[RowChange]) -> Vec<(&str, Option<&str>, Option<&str>)> {
        let sides = rows
            .iter()
            .map(|row| (row.approved.as_deref(), row.found.as_deref()));
        let keys = rows.iter().map(|row| row.key.as_str());
        keys.zip(sides)
            .map(|(key, (one, two))| (key, one, two))
            .collect()
    }

    #[test]
    fn names_the_changed_the_new_and_the_lost_row() {
        let rows = compare_rows("a\t1\nb\t2\nc\t3\n", "a\t1\nb\tx\nd\t4\n");
        assert_eq!(
            named(&rows),
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

    /// What differs by definition: each row by its key and how many of this key came before it.
    fn defined(before: &str, after: &str) -> Vec<RowChange> {
        let keyed = |text: &'static str| {
            let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
            let rows = text.lines().map(move |line| {
                let (key, value) = line.split_once('\t').expect("keyed");
                let nth = seen.entry(key).or_default();
                *nth += 1;
                ((key, *nth), value)
            });
            rows.collect::<BTreeMap<_, _>>()
        };
        let leak = |text: &str| &*String::leak(text.to_owned());
        let (one, two) = (keyed(leak(before)), keyed(leak(after)));
        let change = |key: &(&str, usize)| RowChange {
            key: key.0.to_owned(),
            approved: one.get(key).map(|value| (*value).to_owned()),
            found: two.get(key).map(|value| (*value).to_owned()),
        };
        let moved = one.keys().filter(|key| one.get(key) != two.get(key));
        let new = two.keys().filter(|key| !one.contains_key(key));
        moved.chain(new).map(change).collect()
    }

    /// What is told of two documents that are read line by line.
    fn read(before: &[u8], after: &[u8]) -> Option<Vec<RowChange>> {
        let mut rows = Vec::new();
        let one = || Some(Box::new(before) as Box<dyn BufRead>);
        let two = || Some(Box::new(after) as Box<dyn BufRead>);
        each_row_change(&one, &two, &mut |row| rows.push(row))?;
        Some(rows)
    }

    #[test]
    fn of_a_document_that_breaks_off_later_nothing_is_told() {
        let times = Cell::new(0);
        let one = || Some(Box::new(&b"a\t1\n"[..]) as Box<dyn BufRead>);
        let two = || {
            times.set(times.get() + 1);
            let text = if times.get() == 1 {
                &b"a\t2\n"[..]
            } else {
                b"a\t2\nb\t\xff"
            };
            Some(Box::new(text) as Box<dyn BufRead>)
        };
        assert_eq!(each_row_change(&one, &two, &mut |_| ()), None);
        assert_eq!(times.get(), 3);
    }

    #[test]
    fn of_a_document_that_is_no_text_nothing_is_told() {
        assert_eq!(read(b"a\t1\n", b"a\t2\nb\t\xff\n"), None);
        assert_eq!(read(b"a\t1\n\xff", b"a\t2\n"), None);
        assert_eq!(read(b"a\t1\n", b"a\t2\n").map(|rows| rows.len()), Some(1));
    }

    #[test]
    fn rows_are_paired_by_key_and_place_whatever_their_order_is() {
        let mut state = 1_u64;
        let mut drawn = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        let mut text = || {
            let rows = 0..drawn(12);
            let row = |_| format!("k{}\tv{}\n", drawn(4), drawn(3));
            rows.map(row).collect::<String>()
        };
        let mut differing = 0;
        for _ in 0..2_000 {
            let drawn = [text(), text()];
            let in_order = drawn.clone().map(|text| {
                let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
                lines.sort_by_key(|line| line.split_once('\t').map(|row| row.0));
                lines.concat()
            });
            for [before, after] in [drawn, in_order] {
                let rows = compare_rows(&before, &after);
                differing += usize::from(!rows.is_empty());
                assert_eq!(rows, defined(&before, &after), "{before}--\n{after}");
                let read = read(before.as_bytes(), after.as_bytes());
                assert_eq!(read.as_ref(), Some(&rows), "{before}--\n{after}");
            }
        }
        assert!(differing > 2_000);
    }

    #[test]
    fn the_lines_of_a_function_are_named_by_their_numbers() {
        let before = "BEGIN\n\n  RETURN 1;\n\nEND";
        let after = "BEGIN\n\n  RETURN\t2;\n\n  -- new\nEND";
        let rows = compare_rows(before, after);
        assert_eq!(
            named(&rows),
            [
                ("line 3", Some("  RETURN 1;"), Some("  RETURN\t2;")),
                ("line 5", None, Some("  -- new"))
            ]
        );
        assert!(compare_rows(before, before).is_empty());
    }
}
