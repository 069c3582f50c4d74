//! Which tables may be copied for a rehearsal. Invariant: what was not listed is never copied (`Copies::relation`).

use std::collections::BTreeSet;

use super::message::QualifiedName;
use super::shadow_database::shown;
use crate::postgres::{SourceCatalogue, SourceRelation};
use crate::run::TableToCopy;

/// The tables whose rows may be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copies {
    /// All that the change asks for.
    All,
    /// None: the change runs once, on the schema alone, to find the tables that it asks for.
    None,
    /// Those that it asks for among these.
    Only(Vec<String>),
}

impl Copies {
    /// The table whose rows are to be copied; the error says why they are not.
    pub(super) fn relation<'c>(
        &self,
        catalogue: &'c SourceCatalogue,
        name: &QualifiedName,
    ) -> Result<&'c SourceRelation, String> {
        let allowed = match self {
            Self::All => true,
            Self::None => false,
            Self::Only(tables) => tables.contains(&shown(name)),
        };
        if !allowed {
            return Err("its rows are not read: SG1 did not list it".to_owned());
        }
        let mut relations = catalogue.relations.iter();
        let relation = relations.find(|relation| {
            relation.schema == name.0 && relation.name == name.1 && relation.kind == "r"
        });
        let relation = relation.ok_or("it is no table of production")?;
        match &relation.unreadable {
            Some(why) => Err(format!("its rows are not read: {why}")),
            None => Ok(relation),
        }
    }
}

/// The tables whose rows a change may need that asked for these: they, and the others of the same schemas that can be read. What
/// it writes only where there are rows, it does not ask for without them.
pub(super) fn to_copy(catalogue: &SourceCatalogue, asked: &[QualifiedName]) -> Vec<TableToCopy> {
    let schemas: BTreeSet<&str> = asked.iter().map(|name| name.0.as_str()).collect();
    let tables = catalogue
        .relations
        .iter()
        .filter(|relation| relation.kind == "r" && schemas.contains(relation.schema.as_str()));
    let mut found: Vec<TableToCopy> = tables
        .map(|relation| {
            let name = (relation.schema.clone(), relation.name.clone());
            TableToCopy {
                table: shown(&name),
                rows: relation.rows,
                bytes: relation.rows.and(Some(relation.bytes)),
                asked: asked.contains(&name),
            }
        })
        .collect();
    found.sort_by(|one, two| (!one.asked, &one.table).cmp(&(!two.asked, &two.table)));
    found
}
