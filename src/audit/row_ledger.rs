//! The ledger of rows of a rehearsal against the effect that was approved: the same tables, the same rows, the same shown values.
//! Invariant: what both say of a row is compared, and a line that does not read is a finding (`ledger_of_effect`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use crate::run::{
    RehearsalOutcome, RehearsedTable, RowLedgerHead, RowLedgerLine, RowLedgerRow, RowLedgerTable,
    RowOperation, ShownValue, short_key,
};

/// So many written rows are listed in any case, and with them all others of their tables.
const CHANGES_LISTED: u64 = 100_000;

/// What both say of a row that the change writes: key, its name in clear, operation, columns and the values that may be shown.
type Written = (
    String,
    Option<String>,
    RowOperation,
    Vec<String>,
    Vec<(String, Option<String>, Option<String>)>,
);

/// How many digits a mark of a row's key and one of a value or a line have.
const DIGITS: [usize; 2] = [32, 16];

/// A table of the ledger: the rows that the change writes, and how many others are listed.
struct TableInLedger {
    table: RowLedgerTable,
    written: Vec<Written>,
    kept: u64,
    /// The last key; of a table with a key they rise.
    last: String,
    /// Whether its rows have their key in clear.
    named: Option<bool>,
    /// The columns that are shown of each row that the change leaves alone.
    shown: Option<Vec<usize>>,
    /// The rows that the effect says were written again with their values, by key, with those that may be shown: here they are among
    /// those that the change leaves alone.
    touched: BTreeMap<String, Vec<(String, Option<String>)>>,
}

/// Why the ledger is not one of this effect.
pub(super) fn ledger_of_effect(
    ledger: impl BufRead,
    outcome: &RehearsalOutcome,
) -> Result<(), String> {
    // A line at a time: all rows of a table are many.
    let mut lines = ledger.lines().map(|line| {
        line.map_err(|error| error.to_string())
            .and_then(|line| {
                serde_json::from_str::<RowLedgerLine>(&line).map_err(|error| error.to_string())
            })
            .map_err(|error| format!("the ledger of rows does not read: {error}"))
    });
    let Some(RowLedgerLine::Head(head)) = lines.next().transpose()? else {
        return Err("the ledger of rows has no head".to_owned());
    };
    if head.version != outcome.version {
        return Err("the ledger of rows is of another server".to_owned());
    }
    let alters = !outcome.schema_changes.is_empty();
    let counted = outcome.counters.as_ref().map(|it| it.phases.len());
    if counted.is_some_and(|phases| phases != head.phases) {
        return Err("the ledger of rows is of other phases".to_owned());
    }
    if head.schema_after.is_some() != alters || !has_its_lines(&head) {
        return Err("the ledger of rows is of another schema".to_owned());
    }
    let mut tables: Vec<TableInLedger> = Vec::new();
    for line in lines {
        match line? {
            RowLedgerLine::Head(_) => return Err("the ledger of rows has two heads".to_owned()),
            RowLedgerLine::Table(table) => tables.push(TableInLedger {
                touched: outcome
                    .table(&table.shown())
                    .map(touched)
                    .unwrap_or_default(),
                table,
                written: Vec::new(),
                kept: 0,
                last: String::new(),
                named: None,
                shown: None,
            }),
            RowLedgerLine::Row(row) => {
                let listed = tables.last_mut().ok_or("a row of no table")?;
                if !listed.takes(row) {
                    let name = listed.table.shown();
                    return Err(format!("a row of {name} is none that a ledger has"));
                }
            }
        }
    }
    tables.sort_by_key(|listed| listed.table.shown());
    let names = tables.iter().map(|listed| listed.table.shown());
    let mut of_effect: Vec<&RehearsedTable> = outcome.effect.iter().collect();
    of_effect.sort_by_key(|table| &table.table);
    if !names.eq(of_effect.iter().map(|table| table.table.clone())) {
        return Err("the ledger of rows is of other tables than the effect".to_owned());
    }
    for (listed, of_effect) in tables.into_iter().zip(of_effect) {
        let name = &of_effect.table;
        if !listed.compares_as(of_effect) {
            return Err(format!(
                "the ledger of rows compares other columns of {name} than the effect"
            ));
        }
        if !listed.is_whole(outcome, of_effect) {
            return Err(format!("the ledger of rows has not all rows of {name}"));
        }
        if of_effect.rows_left_out > 0 || !listed.table.changes_listed {
            continue;
        }
        let mut rows = listed.written;
        let mut approved = of_table(&listed.table, of_effect);
        rows.sort();
        approved.sort();
        let has_touched = !listed.table.others_listed || listed.touched.is_empty();
        if rows != approved || !has_touched {
            return Err(format!(
                "the ledger of rows has other rows of {name} than the effect"
            ));
        }
    }
    Ok(())
}

fn touched(of_effect: &RehearsedTable) -> BTreeMap<String, Vec<(String, Option<String>)>> {
    let rows = of_effect.rows.iter();
    let rows = rows.filter(|row| row.operation == RowOperation::Touch);
    let shown = |value: &ShownValue| (value.column.clone(), value.after.clone());
    rows.map(|row| {
        let values = row.values.iter().map(shown).collect();
        (short_key(&row.key).to_owned(), values)
    })
    .collect()
}

/// Whether the lines in clear are those that are new afterwards.
fn has_its_lines(head: &RowLedgerHead) -> bool {
    let before: BTreeSet<&String> = head.schema_before.iter().collect();
    let after = head.schema_after.iter().flatten();
    let new: BTreeSet<&String> = after.filter(|line| !before.contains(*line)).collect();
    let mut marks = before.iter().chain(&new);
    new.iter().copied().eq(head.schema_lines.keys()) && marks.all(|mark| is_mark(mark, DIGITS[1]))
}

/// A sum of counts, which may be forged ones.
fn total(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

fn is_mark(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

impl TableInLedger {
    /// Takes the next row; `false`: a ledger has no such row there.
    fn takes(&mut self, row: RowLedgerRow) -> bool {
        let table = &self.table;
        let is_free = row.operation == Some(RowOperation::Insert) && table.has_volatile_key();
        let marks = match row.operation {
            Some(RowOperation::Delete) => 0,
            Some(_) if !is_free => table.columns.len(),
            _ => 1,
        };
        let mut all = row.before.iter().chain(&row.after);
        let is_listed = match row.operation {
            Some(RowOperation::Touch) => false,
            Some(_) => table.changes_listed,
            None => table.others_listed && row.changed.is_empty() && self.shows_as_others(&row),
        };
        let table = &self.table;
        let in_order = if is_free {
            row.key.is_empty()
        } else {
            let rises = self.last < row.key || table.key.is_empty() && self.last == row.key;
            self.last.clone_from(&row.key);
            rises && is_mark(&row.key, DIGITS[0])
        };
        let is_written = row.operation.is_some_and(|it| it != RowOperation::Delete);
        let named = row.name.is_some();
        let as_others = is_free || *self.named.get_or_insert(named) == named;
        let holds = row.after.len() == marks
            && row.before.len() == row.changed.len()
            && all.all(|mark| is_mark(mark, DIGITS[1]))
            && (row.by.is_none() || is_written)
            && [is_listed, in_order, as_others].iter().all(|it| *it);
        if row.operation.is_none() {
            self.kept += 1;
            self.see_touched(&row);
        }
        self.written.extend(written(&self.table, row));
        holds
    }

    /// One that the effect says was written again, with the same values here, is not looked for any more.
    fn see_touched(&mut self, row: &RowLedgerRow) {
        let column = |at: &usize| self.table.columns.get(*at).cloned().unwrap_or_default();
        let is_it = self.touched.get(&row.key).is_some_and(|values| {
            let shown = row.shown.iter();
            let shown = shown.map(|(at, _, after)| (column(at), after.clone()));
            values.iter().cloned().eq(shown)
        });
        if is_it {
            self.touched.remove(&row.key);
        }
    }

    /// Whether the same columns are shown of it as of the others that the change leaves alone, each once: its value before and
    /// afterwards is one.
    fn shows_as_others(&mut self, row: &RowLedgerRow) -> bool {
        let columns: Vec<usize> = row.shown.iter().map(|(at, ..)| *at).collect();
        let rise = columns.is_sorted_by(|one, next| one < next);
        let are_there = columns.iter().all(|at| *at < self.table.columns.len());
        let once = row.shown.iter().all(|(_, before, _)| before.is_none());
        rise && are_there && once && *self.shown.get_or_insert(columns.clone()) == columns
    }

    /// Whether it compares what the effect compares: what identifies a row and what each run gives otherwise decide what "as rehearsed"
    /// means.
    fn compares_as(&self, effect: &RehearsedTable) -> bool {
        let table = &self.table;
        let of = |places: &[usize]| -> Option<Vec<String>> {
            let names = places.iter().map(|at| table.columns.get(*at).cloned());
            names.collect()
        };
        let once: BTreeSet<&String> = table.columns.iter().collect();
        let is_there = |column: &String| once.contains(column);
        table.key == effect.key
            && of(&table.volatile).as_ref() == Some(&effect.volatile)
            && once.len() == table.columns.len()
            && table.key.iter().chain(&effect.columns).all(is_there)
    }

    /// Whether every row is listed where there is room for all, and as many are left alone as were copied and not written.
    fn is_whole(&self, outcome: &RehearsalOutcome, effect: &RehearsedTable) -> bool {
        let table = &self.table;
        let written = total(outcome.effect.iter().map(RehearsedTable::rows_written));
        let has_room = written <= CHANGES_LISTED;
        if has_room && !table.changes_listed || table.changes_listed != table.others_listed {
            return false;
        }
        let rows_in = |(schema, table): &(String, String)| {
            let name = format!("{schema}.{table}");
            let mut seeded = outcome.seeded.iter();
            seeded.find(|it| it.table == name).map(|it| it.rows)
        };
        let is_made = |(_, table): &(String, String)| {
            let name = table
                .lines()
                .next()
                .unwrap_or_default()
                .replace('"', "\"\"");
            let mut lines = outcome.schema_changes.iter();
            lines.any(|line| line.starts_with("+CREATE ") && line.contains(&name))
        };
        let mut holding = table.holding.iter();
        if !holding.all(|one| rows_in(one).is_some() || is_made(one)) {
            return false;
        }
        let itself = [(table.schema.clone(), table.table.clone())];
        let rows = [self.kept, *effect.updated.get(), *effect.inserted.get()];
        // Rows that were copied and are still there are somewhere.
        if table.holding.is_empty() && rows_in(&itself[0]).is_some() && total(rows.into_iter()) > 0
        {
            return false;
        }
        // Partitions that the change attaches or detaches bring and take rows that it does not write.
        if !table.others_listed || table.holding != itself && !outcome.schema_changes.is_empty() {
            return true;
        }
        let before = total(table.holding.iter().filter_map(rows_in));
        let counts = [self.kept, *effect.updated.get(), *effect.deleted.get()];
        before == total(counts.into_iter())
    }
}

fn written(table: &RowLedgerTable, row: RowLedgerRow) -> Option<Written> {
    let operation = row.operation?;
    let column = |at: &usize| table.columns.get(*at).cloned().unwrap_or_default();
    let columns = row.changed.iter().map(column).collect();
    let shown = row.shown.into_iter();
    let shown = shown.map(|(at, before, after)| (column(&at), before, after));
    Some((row.key, row.name, operation, columns, shown.collect()))
}

fn of_table(table: &RowLedgerTable, of_effect: &RehearsedTable) -> Vec<Written> {
    // What was written again with its values is no row of the change there.
    let rows = of_effect
        .rows
        .iter()
        .filter(|row| row.operation != RowOperation::Touch);
    rows.map(|row| {
        let is_free = row.operation == RowOperation::Insert && table.has_volatile_key();
        let key = if is_free { "" } else { short_key(&row.key) };
        let shown = |value: &ShownValue| {
            (
                value.column.clone(),
                value.before.clone(),
                value.after.clone(),
            )
        };
        let name = Some(of_effect.name_of(row));
        let name = name.filter(|name| !is_free && !name.starts_with("key "));
        (
            key.to_owned(),
            name,
            row.operation,
            row.columns.clone(),
            row.values.iter().map(shown).collect(),
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{RehearsedRow, SeededTable};
    use crate::survey::Rehearsed;

    fn outcome() -> RehearsalOutcome {
        let row = RehearsedRow {
            key: "a".repeat(64),
            operation: RowOperation::Update,
            columns: vec!["region".to_owned()],
            values: vec![
                ShownValue {
                    column: "id".to_owned(),
                    before: Some("1".to_owned()),
                    after: Some("1".to_owned()),
                },
                ShownValue {
                    column: "region".to_owned(),
                    before: None,
                    after: Some("EU".to_owned()),
                },
            ],
        };
        RehearsalOutcome {
            version: "15.1".to_owned(),
            seeded: vec![SeededTable {
                table: "shop.orders".to_owned(),
                rows: 3,
            }],
            schema_changes: vec!["+CREATE INDEX i".to_owned()],
            effect: vec![RehearsedTable {
                table: "shop.orders".to_owned(),
                key: vec!["id".to_owned()],
                updated: Rehearsed::new(1),
                columns: vec!["region".to_owned()],
                rows: vec![row],
                ..RehearsedTable::default()
            }],
            ..RehearsalOutcome::default()
        }
    }

    fn mark(digit: &str) -> String {
        digit.repeat(16)
    }

    fn kept(key: &str) -> RowLedgerLine {
        RowLedgerLine::Row(RowLedgerRow {
            key: key.repeat(32),
            after: vec![mark("5")],
            name: Some(format!("id={key}")),
            shown: vec![(1, None, Some("US".to_owned()))],
            ..RowLedgerRow::default()
        })
    }

    fn lines() -> Vec<RowLedgerLine> {
        vec![
            RowLedgerLine::Head(RowLedgerHead {
                version: "15.1".to_owned(),
                phases: 1,
                schema_before: vec![mark("1")],
                schema_after: Some(vec![mark("1"), mark("2")]),
                schema_lines: [(mark("2"), "CREATE INDEX i".to_owned())].into(),
            }),
            RowLedgerLine::Table(RowLedgerTable {
                schema: "shop".to_owned(),
                table: "orders".to_owned(),
                holding: vec![("shop".to_owned(), "orders".to_owned())],
                columns: vec!["id".to_owned(), "region".to_owned()],
                key: vec!["id".to_owned()],
                volatile: Vec::new(),
                changes_listed: true,
                others_listed: true,
            }),
            RowLedgerLine::Row(RowLedgerRow {
                by: Some(7),
                key: "a".repeat(32),
                operation: Some(RowOperation::Update),
                changed: vec![1],
                before: vec![mark("3")],
                after: vec![mark("4"), mark("5")],
                name: Some("id=1".to_owned()),
                shown: vec![
                    (0, Some("1".to_owned()), Some("1".to_owned())),
                    (1, None, Some("EU".to_owned())),
                ],
            }),
            kept("b"),
            kept("c"),
        ]
    }

    fn judged(lines: &[RowLedgerLine]) -> Result<(), String> {
        let line = |line| serde_json::to_string(line).expect("JSON") + "\n";
        let lines: String = lines.iter().map(line).collect();
        ledger_of_effect(lines.as_bytes(), &outcome())
    }

    #[test]
    fn a_ledger_of_other_rows_than_were_approved_is_refused() {
        assert_eq!(judged(&lines()), Ok(()));
        let damages: [fn(&mut Vec<RowLedgerLine>); 37] = [
            |lines| lines.truncate(2),
            |lines| lines.truncate(1),
            |lines| drop(lines.remove(0)),
            |lines| lines.push(lines[0].clone()),
            |lines| lines.push(lines[1].clone()),
            |lines| lines.push(lines[2].clone()),
            // Rows that the change leaves alone: one gone, one twice, one more, in another order.
            |lines| drop(lines.pop()),
            |lines| lines.push(lines[4].clone()),
            |lines| lines.push(kept("d")),
            |lines| lines.swap(3, 4),
            |lines| other(lines, |row| row.shown.clear()),
            |lines| other(lines, |row| row.shown[0].0 = 2),
            |lines| other(lines, |row| row.shown[0].1 = Some("EU".to_owned())),
            |lines| other(lines, |row| row.shown.push(row.shown[0].clone())),
            |lines| {
                compare(lines, |table| table.others_listed = false);
                lines.truncate(3);
            },
            |lines| {
                compare(lines, |table| table.changes_listed = false);
                lines.truncate(2);
            },
            |lines| compare(lines, |table| table.volatile = vec![1]),
            |lines| compare(lines, |table| table.volatile = vec![7]),
            |lines| compare(lines, |table| table.key = vec!["region".to_owned()]),
            |lines| compare(lines, |table| table.columns[1] = "state".to_owned()),
            |lines| compare(lines, |table| drop(table.columns.pop())),
            |lines| compare(lines, |table| table.columns.push("id".to_owned())),
            |lines| compare(lines, |table| table.columns.push("more".to_owned())),
            |lines| compare(lines, |table| table.holding[0].1 = "other".to_owned()),
            |lines| change(lines, |row| row.key = "c".repeat(32)),
            |lines| change(lines, |row| row.key = "A".repeat(32)),
            |lines| change(lines, |row| row.operation = Some(RowOperation::Delete)),
            |lines| change(lines, |row| row.changed = vec![0]),
            |lines| change(lines, |row| row.shown[1].2 = Some("US".to_owned())),
            |lines| change(lines, |row| row.name = Some("id=2".to_owned())),
            |lines| change(lines, |row| row.name = None),
            |lines| change(lines, |row| drop(row.after.pop())),
            |lines| change(lines, |row| row.after[1] = "EU".to_owned()),
            |lines| change(lines, |row| drop(row.before.pop())),
            |lines| head(lines, |head| head.schema_after = None),
            |lines| head(lines, |head| head.schema_lines.clear()),
            |lines| head(lines, |head| head.schema_before = vec![mark("2")]),
        ];
        for (at, damage) in damages.into_iter().enumerate() {
            let mut lines = lines();
            damage(&mut lines);
            assert!(judged(&lines).is_err(), "{at}");
        }
    }

    fn head(lines: &mut [RowLedgerLine], edit: impl Fn(&mut RowLedgerHead)) {
        if let RowLedgerLine::Head(head) = &mut lines[0] {
            edit(head);
        }
    }

    fn compare(lines: &mut [RowLedgerLine], edit: impl Fn(&mut RowLedgerTable)) {
        if let RowLedgerLine::Table(table) = &mut lines[1] {
            edit(table);
        }
    }

    fn other(lines: &mut [RowLedgerLine], edit: impl Fn(&mut RowLedgerRow)) {
        if let RowLedgerLine::Row(row) = &mut lines[4] {
            edit(row);
        }
    }

    fn change(lines: &mut [RowLedgerLine], edit: impl Fn(&mut RowLedgerRow)) {
        if let RowLedgerLine::Row(row) = &mut lines[2] {
            edit(row);
        }
    }
}
