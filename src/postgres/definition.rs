//! The definition of each protected table, with its partitions and children as parts of it.
//! Invariant: a table that is not there has no definition and is unknown (`facts`).

use std::collections::{BTreeMap, BTreeSet};

use super::facts::of_document;
use super::read_batch::ReadAnswer;
use super::surroundings::{line, sorted};
use super::wire::AnswerRows;
use crate::profile::Profile;
use crate::survey::{Fact, FactDocument, FactPart, definition_key, parts_of};

/// The lines of one table, and which of its parts have no rows for certain.
#[derive(Default)]
struct Definition {
    lines: Vec<String>,
    without_rows: BTreeSet<String>,
}

/// A fact for each protected table of the profile, from rows of key, part, name and value, and the publications that contain
/// it, of key, name and value.
pub(super) fn facts(
    profile: &Profile,
    definitions: ReadAnswer,
    publications: ReadAnswer,
) -> Vec<(Fact, Option<FactDocument>)> {
    let mut read = definitions.and_then(|rows| Ok(collect(rows, publications?)));
    let of_table = |spec: &crate::profile::ContentSpec| {
        let key = definition_key(&spec.key);
        let found = match &mut read {
            Err(reason) => Err(reason.clone()),
            Ok(tables) => tables
                .remove(&spec.key)
                .ok_or_else(|| format!("{}.{} does not exist", spec.schema, spec.table).into()),
        };
        let mut without_rows = BTreeSet::new();
        let found = found.map(|found| {
            without_rows = found.without_rows;
            sorted(found.lines)
        });
        let (fact, document) = of_document(profile, (&key, &key), found);
        let parts = document
            .as_ref()
            .map_or_else(BTreeMap::new, |document| parts_of(document.text()));
        let part = |(name, sha256)| FactPart {
            without_rows: without_rows.contains(&name),
            name,
            sha256,
        };
        let parts = parts.into_iter().map(part).collect();
        (Fact { parts, ..fact }, document)
    };
    profile.contents.iter().map(of_table).collect()
}

fn collect(definitions: AnswerRows, publications: AnswerRows) -> BTreeMap<String, Definition> {
    let mut tables: BTreeMap<String, Definition> = BTreeMap::new();
    for row in definitions {
        let [Some(key), Some(part), name, value] = row.as_slice() else {
            continue;
        };
        let table = tables.entry(key.clone()).or_default();
        if name.as_deref() == Some("rows") {
            // Not a line: blocks come and go with VACUUM, while no row changes.
            if value.as_deref() == Some("none") {
                table.without_rows.insert(part.clone());
            }
            continue;
        }
        let text = line(&[name.clone(), value.clone()]);
        table.lines.push(if part.is_empty() {
            text
        } else {
            format!("[{part}] {text}")
        });
    }
    for row in publications {
        if let Some(Some(key)) = row.first()
            && let Some(table) = tables.get_mut(key)
        {
            table.lines.push(line(&row[1..]));
        }
    }
    tables
}
