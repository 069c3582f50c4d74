//! What is around the rows, as facts with documents: definitions, called code, privileges, name resolution, and what else was read.
//! Invariant: all of it is read in one stage of one batch, whatever the number of tables, functions and roles, but for definitions
//! of very many partitions.

use serde_json::{Value, json};

use super::call::{Call, PlannedRead};
use super::called_code;
use super::content::one_line;
use super::definition;
use super::facts::of_document;
use super::privileges::Privileges;
use super::read_batch::ReadAnswer;
use super::session::Session;
use super::statement::Statement;
use super::wire::AnswerRows;
use crate::profile::Profile;
use crate::runner::target::TargetError;
use crate::survey::{BESIDE, CALLED_CODE, Fact, FactDocument, NAME_RESOLUTION, PRIVILEGES};

/// The version that knows publications of schemas, columns and rows, and privileges on parameters.
const PUBLICATIONS_OF_SCHEMAS: u32 = 150_000;
/// Before this version a role with CREATEROLE can grant itself any role that is no superuser.
const CREATEROLE_IS_BOUND: u32 = 160_000;

/// The protected tables, as the statements take them.
fn tables(profile: &Profile) -> String {
    let tables: Value = profile
        .contents
        .iter()
        .map(|spec| json!({"key": spec.key, "schema": spec.schema, "table": spec.table}))
        .collect();
    tables.to_string()
}

/// What is asked, in the order in which [`facts`] takes the answers. `role` is that of the change; empty: any role may be.
pub(super) fn reads(profile: &Profile, version: u32, role: &str) -> Vec<PlannedRead> {
    let tables = tables(profile);
    let functions: Value = profile
        .functions
        .iter()
        .map(|spec| json!({"schema": spec.schema, "name": spec.name}))
        .collect();
    let functions = functions.to_string();
    let (publications, beside) = if version < PUBLICATIONS_OF_SCHEMAS {
        (Statement::PUBLICATIONS, Statement::BESIDE)
    } else {
        (Statement::PUBLICATIONS_15, Statement::BESIDE_15)
    };
    let ask = |name: &str, statement, params: &[&String]| {
        let params = params.iter().map(|param| (*param).clone()).collect();
        PlannedRead::ask(name, Call::with(statement, params))
    };
    vec![
        definition::first_read(&tables),
        ask("publications", publications, &[&tables]),
        ask(CALLED_CODE, Statement::CALLED_CODE, &[&functions, &tables]),
        ask(PRIVILEGES, Statement::PRIVILEGES, &[&tables, &functions]),
        ask(
            NAME_RESOLUTION,
            Statement::NAME_RESOLUTION,
            &[&tables, &functions, &role.to_owned()],
        ),
        ask(BESIDE, beside, &[]),
    ]
}

/// The facts from the answers to [`reads`]. Definitions that are too long for one answer are read here.
pub(super) async fn facts(
    session: &mut Session,
    profile: &Profile,
    answers: &mut impl Iterator<Item = ReadAnswer>,
) -> Result<Vec<(Fact, Option<FactDocument>)>, TargetError> {
    let version = session.server().version_num;
    let mut next = || answers.next().unwrap_or(Err("not asked".into()));
    let definitions = (next(), next());
    let mut read = definition::facts(session, profile, &tables(profile), definitions).await?;
    read.push(of_document(
        profile,
        (CALLED_CODE, CALLED_CODE),
        next().and_then(called_code::document),
    ));
    let privileges = next().and_then(|rows| Privileges::of(rows, version < CREATEROLE_IS_BOUND));
    let names = next();
    let (decide, settings) = match &names {
        Ok(rows) => (Ok(lines(rows, "decides")), Ok(lines(rows, "beside"))),
        Err(reason) => (Err(reason.clone()), Err(reason.clone())),
    };
    let held = privileges.as_ref().map(Privileges::document);
    read.push(of_document(
        profile,
        (PRIVILEGES, PRIVILEGES),
        held.map_err(Clone::clone),
    ));
    read.push(of_document(
        profile,
        (NAME_RESOLUTION, NAME_RESOLUTION),
        decide.map(sorted),
    ));
    let beside = next().and_then(|rows| {
        let roles = privileges?.roles();
        let others = rows.iter().map(|row| line(row));
        Ok(sorted(
            roles.into_iter().chain(settings?).chain(others).collect(),
        ))
    });
    read.push(of_document(profile, (BESIDE, BESIDE), beside));
    Ok(read)
}

/// The lines of one kind, from rows of kind, name and value.
fn lines(rows: &AnswerRows, kind: &str) -> Vec<String> {
    let of_kind =
        |row: &&Vec<Option<String>>| row.first().cloned().flatten().as_deref() == Some(kind);
    rows.iter()
        .filter(of_kind)
        .map(|row| line(&row[1..]))
        .collect()
}

/// A row of name and value as a line of a document.
pub(super) fn line(row: &[Option<String>]) -> String {
    let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
    format!("{}\t{}", one_line(cell(0)), one_line(cell(1)))
}

/// A document of lines. Catalogues have no order of their own.
pub(super) fn sorted(mut lines: Vec<String>) -> FactDocument {
    lines.sort_unstable();
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    FactDocument::new(text)
}
