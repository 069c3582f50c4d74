//! Origins: who wrote the rows that a survey sees, as far as xmin and open sessions tell. Read in the survey's own snapshot;
//! each read fails alone, and none of it is part of a digest.

use std::collections::BTreeMap;

use super::call::{Call, PlannedRead};
use super::content::{one_line, origin_sql};
use super::error::UnknownReason;
use super::guard::guard;
use super::read_batch::ReadAnswer;
use super::statement::{CursorName, Statement};
use super::wire::AnswerRows;
use crate::profile::{ContentSpec, Profile};
use crate::survey::{Fact, FactKey, FactOrigins, OriginKeys, Origins, OtherSession, RowOrigin};

/// What our own SQL calls here beyond the list for profiles: both only read.
const CALLED: [&str; 2] = [
    "pg_catalog.pg_xact_commit_timestamp",
    "pg_catalog.current_setting",
];

/// What is asked: the other sessions, the grants and functions of the scope, the rows of each protected table that has a
/// document.
pub(super) fn reads(
    profile: &Profile,
    contents: &[Fact],
) -> Vec<Result<PlannedRead, UnknownReason>> {
    let list = |names: Vec<&str>| serde_json::Value::from(names).to_string();
    let scope = profile.grants.iter().flat_map(|grants| &grants.schemas);
    let scope = scope.map(String::as_str);
    let functions = &profile.functions;
    let of_functions = vec![
        list(functions.iter().map(|f| f.schema.as_str()).collect()),
        list(functions.iter().map(|f| f.name.as_str()).collect()),
    ];
    let ask = |of, statement, params| {
        let name = format!("origins of {of}");
        Ok(PlannedRead::ask(name, Call::with(statement, params)))
    };
    let mut reads = vec![
        ask("other sessions", Statement::SESSIONS, Vec::new()),
        ask(
            "grants",
            Statement::ORIGINS_OBJECTS,
            vec![list(scope.collect())],
        ),
        ask("functions", Statement::ORIGINS_FUNCTIONS, of_functions),
    ];
    reads.extend(
        profile
            .contents
            .iter()
            .map(|spec| rows_read(spec, contents)),
    );
    reads
}

fn rows_read(spec: &ContentSpec, contents: &[Fact]) -> Result<PlannedRead, UnknownReason> {
    let fact = contents.iter().find(|fact| fact.key.as_str() == spec.key);
    if fact.is_none_or(|fact| fact.document.is_none()) {
        return Err("too many rows".into());
    }
    Ok(PlannedRead::cursor(
        format!("origins of {}", spec.key),
        declaration(spec)?,
        Statement::FETCH_ROWS,
    ))
}

/// The statement that reads the origins of the rows of a table.
pub(super) fn declaration(spec: &ContentSpec) -> Result<Statement, String> {
    let sql = guard(&origin_sql(spec), &CALLED.map(str::to_owned))?;
    Ok(Statement::declare_written(CursorName::Fact, &sql))
}

/// Builds the origins from the answers to [`reads`].
pub(super) fn origins(profile: &Profile, answers: Vec<ReadAnswer>) -> Origins {
    let mut found = Origins::default();
    let mut answers = answers.into_iter();
    let mut next = |what: &str, unread: &mut Vec<String>| match answers.next() {
        Some(Ok(rows)) => rows,
        Some(Err(reason)) => {
            unread.push(format!("origins of {what}: {reason}"));
            Vec::new()
        }
        None => Vec::new(),
    };
    sessions(next("other sessions", &mut found.unread), &mut found);
    let objects = keyed(next("grants", &mut found.unread));
    let functions = keyed(next("functions", &mut found.unread));
    found
        .facts
        .extend(profile.grants_key().map(|key| FactOrigins {
            key: FactKey::new(key),
            keys: OriginKeys::Objects,
            origins: objects,
        }));
    for spec in &profile.functions {
        // With the parenthesis: a name that only begins alike is another function.
        let name = format!("{}.{}(", spec.schema, spec.name);
        let of = |(object, _): &(&String, &RowOrigin)| object.starts_with(&name);
        let own = functions.iter().filter(of);
        found.facts.push(FactOrigins {
            key: FactKey::new(&spec.key),
            keys: OriginKeys::Whole,
            origins: own.map(|(o, origin)| (o.clone(), origin.clone())).collect(),
        });
    }
    for spec in &profile.contents {
        let rows = next(&spec.key, &mut found.unread);
        found.facts.push(FactOrigins {
            key: FactKey::new(&spec.key),
            keys: OriginKeys::Rows,
            origins: keyed(rows),
        });
    }
    found
}

/// Rows of key, xmin, commit time. An object that several catalog rows make up has the origin that comes last.
fn keyed(rows: AnswerRows) -> BTreeMap<String, RowOrigin> {
    let origin = |row: Vec<Option<String>>| {
        let mut cells = row.into_iter();
        let key = one_line(&cells.next()??).into_owned();
        let xmin = cells.next()??;
        let committed_at = cells.next()?;
        Some((key, RowOrigin { xmin, committed_at }))
    };
    rows.into_iter().filter_map(origin).collect()
}

/// The first row says whether commit times are kept, the others are sessions.
fn sessions(rows: AnswerRows, found: &mut Origins) {
    let mut rows = rows.into_iter();
    let first = rows.next().into_iter().flatten().next().flatten();
    found.commit_times = first.as_deref() == Some("on");
    found.sessions = rows
        .filter_map(|row| {
            let mut cells = row.into_iter();
            let mut cell = || cells.next().flatten();
            Some(OtherSession {
                pid: cell()?.parse().ok()?,
                user: cell().unwrap_or_default(),
                application: cell().unwrap_or_default(),
                connected_at: cell(),
                transaction_at: cell(),
                xid: cell(),
            })
        })
        .collect();
}
