//! Reads what there is by name in a database. Invariant: what could not be read is no empty list ([`read`]).

use super::call::PlannedRead;
use super::read_batch::{ReadBatch, RowCounting};
use super::session::Session;
use super::statement::Statement;
use crate::runner::target::TargetError;
use crate::survey::{DatabaseNames, NamedRelation};

/// Reads them in the transaction of a survey; the inner error: why they are not known.
pub(super) async fn read(
    session: &mut Session,
) -> Result<Result<DatabaseNames, String>, TargetError> {
    let ask = PlannedRead::ask("names in the database", Statement::NAMES);
    let plan = ReadBatch::default().stage("Names", RowCounting::Answers, [Ok(ask)]);
    let answers = plan.run(session, &mut |_| {}).await?;
    Ok(match answers.into_iter().next() {
        Some(Ok(rows)) => collected(rows),
        Some(Err(reason)) => Err(reason.to_string()),
        None => Err("not asked".to_owned()),
    })
}

fn collected(rows: Vec<Vec<Option<String>>>) -> Result<DatabaseNames, String> {
    let mut names = DatabaseNames::default();
    for row in rows {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut cell = || cells.next().unwrap_or_default();
        let (kind, schema, name, details) = (cell(), cell(), cell(), cell());
        match kind.as_str() {
            "schema" => _ = names.schemas.insert(schema),
            "relation" => names.relations.push(NamedRelation {
                details: serde_json::from_str(&details)
                    .map_err(|error| format!("{schema}.{name}: {error}"))?,
                schema,
                name,
            }),
            "function" => _ = names.functions.insert((schema, name)),
            "role" => _ = names.roles.insert(name, details == "true"),
            other => return Err(format!("a row of an unknown kind: {other}")),
        }
    }
    Ok(names)
}
