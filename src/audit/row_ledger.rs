//! The ledger of rows of a rehearsal against the effect that was approved: the same tables, the same rows, the same shown values.
//! Invariant: what both say of a row is compared, and a line that does not read is a finding (`ledger_of_effect`).

use std::collections::BTreeMap;
use std::io::BufRead;

use crate::run::{
    RehearsalOutcome, RehearsedTable, RowLedgerLine, RowLedgerRow, RowLedgerTable, RowOperation,
    ShownValue, short_key,
};

/// What both say of a row that the change writes: key, operation, columns and the values that may be shown.
type Written = (
    String,
    RowOperation,
    Vec<String>,
    Vec<(String, Option<String>, Option<String>)>,
);

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
    if head.schema_after.is_some() != alters {
        return Err("the ledger of rows is of another schema".to_owned());
    }
    let mut tables: Vec<(RowLedgerTable, Vec<Written>)> = Vec::new();
    for line in lines {
        match line? {
            RowLedgerLine::Head(_) => return Err("the ledger of rows has two heads".to_owned()),
            RowLedgerLine::Table(table) => tables.push((table, Vec::new())),
            RowLedgerLine::Row(row) => {
                let (table, rows) = tables.last_mut().ok_or("a row of no table")?;
                rows.extend(written(table, row));
            }
        }
    }
    let tables: BTreeMap<String, _> = (tables.into_iter())
        .map(|(table, rows)| (table.shown(), (table, rows)))
        .collect();
    let names = outcome.effect.iter().map(|table| &table.table);
    if !tables.keys().eq(names) {
        return Err("the ledger of rows is of other tables than the effect".to_owned());
    }
    for of_effect in &outcome.effect {
        let Some((table, rows)) = tables.get(&of_effect.table) else {
            continue;
        };
        // What identifies a row and what is not compared of it decide what "as rehearsed" means.
        let volatile: Option<Vec<&String>> = (table.volatile.iter())
            .map(|at| table.columns.get(*at))
            .collect();
        if table.key != of_effect.key || volatile != Some(of_effect.volatile.iter().collect()) {
            return Err(format!(
                "the ledger of rows compares other columns of {} than the effect",
                of_effect.table
            ));
        }
        if of_effect.rows_left_out > 0 || !table.changes_listed {
            continue;
        }
        let mut rows = rows.clone();
        let mut approved = of_table(table, of_effect);
        rows.sort();
        approved.sort();
        if rows != approved {
            return Err(format!(
                "the ledger of rows has other rows of {} than the effect",
                of_effect.table
            ));
        }
    }
    Ok(())
}

fn written(table: &RowLedgerTable, row: RowLedgerRow) -> Option<Written> {
    let operation = row.operation?;
    let column = |at: &usize| table.columns.get(*at).cloned().unwrap_or_default();
    let columns = row.changed.iter().map(column).collect();
    let shown = row.shown.into_iter();
    let shown = shown.map(|(at, before, after)| (column(&at), before, after));
    Some((row.key, operation, columns, shown.collect()))
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
        (
            key.to_owned(),
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
    use crate::run::{RehearsedRow, RowLedgerHead};

    fn outcome() -> RehearsalOutcome {
        let row = RehearsedRow {
            key: "a".repeat(64),
            operation: RowOperation::Update,
            columns: vec!["region".to_owned()],
            values: vec![ShownValue {
                column: "region".to_owned(),
                before: None,
                after: Some("EU".to_owned()),
            }],
        };
        RehearsalOutcome {
            version: "15.1".to_owned(),
            effect: vec![RehearsedTable {
                table: "shop.orders".to_owned(),
                key: vec!["id".to_owned()],
                rows: vec![row],
                ..RehearsedTable::default()
            }],
            ..RehearsalOutcome::default()
        }
    }

    fn lines() -> Vec<RowLedgerLine> {
        vec![
            RowLedgerLine::Head(RowLedgerHead {
                version: "15.1".to_owned(),
                phases: 1,
                schema_before: Vec::new(),
                schema_after: None,
                schema_lines: BTreeMap::new(),
            }),
            RowLedgerLine::Table(RowLedgerTable {
                schema: "shop".to_owned(),
                table: "orders".to_owned(),
                holding: Vec::new(),
                columns: vec!["id".to_owned(), "region".to_owned()],
                key: vec!["id".to_owned()],
                volatile: Vec::new(),
                changes_listed: true,
                others_listed: true,
            }),
            RowLedgerLine::Row(RowLedgerRow {
                key: "a".repeat(32),
                operation: Some(RowOperation::Update),
                changed: vec![1],
                shown: vec![(1, None, Some("EU".to_owned()))],
                ..RowLedgerRow::default()
            }),
            RowLedgerLine::Row(RowLedgerRow {
                key: "b".repeat(32),
                ..RowLedgerRow::default()
            }),
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
        let damages: [fn(&mut Vec<RowLedgerLine>); 12] = [
            |lines| lines.truncate(2),
            |lines| lines.truncate(1),
            |lines| drop(lines.remove(0)),
            |lines| lines.push(lines[0].clone()),
            |lines| lines.push(lines[2].clone()),
            |lines| compare(lines, |table| table.volatile = vec![1]),
            |lines| compare(lines, |table| table.volatile = vec![7]),
            |lines| compare(lines, |table| table.key = vec!["region".to_owned()]),
            |lines| change(lines, |row| row.key = "c".repeat(32)),
            |lines| change(lines, |row| row.operation = Some(RowOperation::Delete)),
            |lines| change(lines, |row| row.changed = vec![0]),
            |lines| change(lines, |row| row.shown[0].2 = Some("US".to_owned())),
        ];
        for (at, damage) in damages.into_iter().enumerate() {
            let mut lines = lines();
            damage(&mut lines);
            assert!(judged(&lines).is_err(), "{at}");
        }
    }

    fn compare(lines: &mut [RowLedgerLine], edit: impl Fn(&mut RowLedgerTable)) {
        if let RowLedgerLine::Table(table) = &mut lines[1] {
            edit(table);
        }
    }

    fn change(lines: &mut [RowLedgerLine], edit: impl Fn(&mut RowLedgerRow)) {
        if let RowLedgerLine::Row(row) = &mut lines[2] {
            edit(row);
        }
    }
}
