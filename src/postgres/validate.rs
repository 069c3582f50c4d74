//! Checks of profile SQL that execute none of it.
//! Invariant: SQL without a passing ruling is never declared (`Query::permitted`; test
//! `hostile_sql_is_refused_and_does_nothing` of tests/postgres.rs).

use std::collections::BTreeMap;

use super::error::{CallError, UnknownReason};
use super::guard::{GuardedSql, guard, guard_view, guard_written};
use super::read_batch::ReadAnswer;
use super::session::Session;
use super::statement::{CursorName, Statement};
use super::wire::{AnswerRows, BatchAnswers, Call};
use crate::profile::{ContentSpec, FactSpec, Profile};
use crate::runner::target::{Progress, QueryRuling, SurveyRequest, Witness};
use crate::survey::{Digest, EvidenceFormat};

use super::content;

/// One SQL text of the profile, or written from it.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// `fact icx_total`, `content unit_version`, `source pieces`, `live units`.
    pub(super) name: String,
    /// Which cursor it would be read through.
    pub(super) cursor: CursorName,
    /// SHA-256 of the SQL text.
    pub(super) sql_sha256: Digest,
    /// The text, if the guard let it pass.
    pub(super) sql: Result<GuardedSql, String>,
    written: bool,
}

impl Query {
    fn new(name: String, cursor: CursorName, sql: &str, allowed: &[String]) -> Self {
        Self {
            name,
            cursor,
            sql_sha256: Digest::of(sql),
            sql: guard(sql, allowed),
            written: false,
        }
    }

    /// The query of a fact.
    pub(super) fn of_fact(fact: &FactSpec, allowed: &[String]) -> Self {
        let name = format!("fact {}", fact.key);
        Self::new(name, CursorName::Fact, &fact_sql(fact), allowed)
    }

    /// The query for the digest of a protected table.
    pub(super) fn of_content(spec: &ContentSpec, format: EvidenceFormat) -> Self {
        let sql = content::digest_sql(spec, format);
        Self {
            name: format!("content {}", spec.key),
            cursor: CursorName::Fact,
            sql_sha256: Digest::of(&sql),
            sql: guard_written(&sql, &content::CALLED),
            written: true,
        }
    }

    /// The query of the source pieces.
    pub(super) fn of_pieces(profile: &Profile) -> Self {
        let allowed = &profile.role.functions;
        Self::new(
            "source pieces".to_owned(),
            CursorName::Pieces,
            &profile.pieces.sql,
            allowed,
        )
    }

    /// The query of the live units.
    pub(super) fn of_units(profile: &Profile) -> Self {
        let allowed = &profile.role.functions;
        Self::new(
            "live units".to_owned(),
            CursorName::Units,
            &profile.candidates.sql,
            allowed,
        )
    }

    /// The statement that declares it, if its ruling lets it run; an error says why not.
    pub(super) fn permitted(&self, rulings: &Rulings) -> Result<Statement, UnknownReason> {
        let sql = self.sql.as_ref().map_err(Clone::clone)?;
        let ruling = rulings.get(&self.name);
        let ruling = ruling.ok_or("it was not ruled on")?;
        match &ruling.refused {
            Some(reason) => Err(reason.as_str().into()),
            None => Ok(self.declare(sql)),
        }
    }

    /// The statement that declares it.
    pub(super) fn declare(&self, sql: &GuardedSql) -> Statement {
        if self.written {
            Statement::declare_written(self.cursor, sql)
        } else {
            Statement::declare(self.cursor, sql)
        }
    }
}

/// The SQL of a fact: its own, or a count written from its declaration.
fn fact_sql(fact: &FactSpec) -> String {
    if let Some(sql) = &fact.sql {
        return sql.clone();
    }
    let table = fact.count.as_deref().unwrap_or_default();
    let filter = fact
        .filter
        .as_deref()
        .map_or_else(String::new, |filter| format!("\n WHERE (\n{filter}\n)"));
    format!("SELECT pg_catalog.count(*)::pg_catalog.text FROM {table}{filter}")
}

/// Every query of a profile that is asked for.
pub(super) fn queries(profile: &Profile, ask: SurveyRequest, format: EvidenceFormat) -> Vec<Query> {
    let allowed = &profile.role.functions;
    let facts = profile
        .facts
        .iter()
        .filter(|fact| fact.live || !ask.live_only)
        .map(|fact| Query::of_fact(fact, allowed));
    if ask.live_only {
        return facts.collect();
    }
    let contents = profile.contents.iter();
    let contents = contents.map(|spec| Query::of_content(spec, format));
    let streams = [Query::of_pieces(profile), Query::of_units(profile)];
    facts.chain(contents).chain(streams).collect()
}

/// What can be said of the SQL of a profile without a server: each query's name, and why the guard refuses it.
pub fn guarded(profile: &Profile) -> Vec<(String, Option<String>)> {
    queries(profile, SurveyRequest::SURVEY, EvidenceFormat::NEWEST)
        .into_iter()
        .map(|query| (query.name, query.sql.err()))
        .collect()
}

/// Rulings by query name, for one transaction.
pub(super) type Rulings = BTreeMap<String, QueryRuling>;

/// Rules on queries, all in one round trip: the guard, the server's grammar inside DECLARE, then the relations that they would
/// touch. An error that is not about a query ends the survey: it is no ruling.
pub(super) async fn rule(
    session: &mut Session,
    profile: &Profile,
    queries: Vec<Query>,
    witness: &mut dyn Witness,
) -> Result<Rulings, CallError> {
    let mut calls = vec![
        Statement::SAVEPOINT.into(),
        Statement::FORGERIES.into(),
        Statement::ROLLBACK_TO.into(),
        Statement::RELEASE.into(),
    ];
    let first = calls.len();
    // The call that ends each query.
    let mut ends = Vec::with_capacity(queries.len());
    for query in &queries {
        calls.extend(steps(query));
        ends.push(calls.len() - 1);
    }
    let mut tell = |done| witness.progress(ruled(done, queries.len()));
    tell(0);
    let mut on_answer = |answer| {
        if let BatchAnswers::Whole { call } = answer
            && ends.contains(&call)
        {
            tell(ends.partition_point(|end| *end <= call));
        }
    };
    let mut answers = session.batch(&calls, &mut on_answer).await?.into_iter();
    let forged = answered("the catalogue", answers.by_ref().take(first))?;
    let forged = forgery(&forged, &profile.role.functions);
    let mut rulings = Rulings::new();
    let mut permitted = Vec::new();
    for query in queries {
        let answers = answered(&query.name, answers.by_ref().take(steps(&query).len()))?;
        let (refused, relations) = match &query.sql {
            Ok(_) => judge(&answers, &profile.role.functions)?,
            Err(reason) => (Some(reason.clone()), Vec::new()),
        };
        let ruling = QueryRuling {
            query: query.name.clone(),
            sql_sha256: query.sql_sha256,
            refused: refused.or_else(|| forged.clone()),
            relations,
        };
        if let (Ok(sql), None) = (&query.sql, &ruling.refused) {
            let parse = Call::parse(Statement::trial(query.cursor, sql));
            permitted.push((query.name.clone(), parse));
        }
        rulings.insert(query.name, ruling);
    }
    hold(session, permitted, &rulings).await?;
    Ok(rulings)
}

/// Parses what may run once more and keeps the locks that this takes until the end of the transaction: from here on nobody can
/// give a relation another definition than the one that was ruled on. What was changed since it was ruled on needs another
/// snapshot.
async fn hold(
    session: &mut Session,
    parses: Vec<(String, Call)>,
    rulings: &Rulings,
) -> Result<(), CallError> {
    if parses.is_empty() {
        return Ok(());
    }
    let (names, mut calls): (Vec<String>, Vec<Call>) = parses.into_iter().unzip();
    calls.push(Statement::OWN_LOCKS.into());
    let mut answers = session.batch(&calls, &mut |_| {}).await?.into_iter();
    // The first error is the one that tells: after it the server refuses whatever follows in the transaction.
    for (name, answer) in names.iter().zip(answers.by_ref()) {
        answer.map_err(|error| match error {
            // What could be parsed a moment ago and cannot now was changed as well.
            CallError::Refused(reason) => CallError::changed_since_snapshot(&reason.to_string()),
            unavailable @ CallError::Unavailable { .. } => unavailable.reading(name),
        })?;
    }
    let held = answers.next().unwrap_or(Ok(Vec::new()))?;
    let is_ruled = |relation: &String| {
        let mut ruled = rulings.values().flat_map(|ruling| &ruling.relations);
        ruled.any(|name| name == relation)
    };
    let mut held = held.iter().map(|row| touched(row));
    match held.find(|held| held.moved || !is_ruled(&held.relation)) {
        Some(held) => Err(CallError::changed_since_snapshot(&held.relation)),
        None => Ok(()),
    }
}

/// The answers about `what`, unless one says that the server may answer later: that is about no query.
fn answered(
    what: &str,
    answers: impl Iterator<Item = Result<AnswerRows, CallError>>,
) -> Result<Vec<ReadAnswer>, CallError> {
    answers
        .map(|answer| match answer {
            Ok(rows) => Ok(Ok(rows)),
            Err(CallError::Refused(reason)) => Ok(Err(reason)),
            Err(unavailable) => Err(unavailable.reading(what)),
        })
        .collect()
}

/// Progress of the rulings.
fn ruled(done: usize, total: usize) -> Progress {
    Progress {
        what: "Checks of profile SQL".to_owned(),
        noun: "queries",
        done: done as u64,
        total: Some(total as u64),
    }
}

/// What the server is asked about one query. ROLLBACK TO gives back the locks that parsing took, so that the locks of each
/// query are seen by themselves.
fn steps(query: &Query) -> Vec<Call> {
    let Ok(sql) = &query.sql else {
        return Vec::new();
    };
    vec![
        Statement::SAVEPOINT.into(),
        Call::parse(Statement::grammar(sql)),
        Statement::ROLLBACK_TO.into(),
        Call::parse(Statement::trial(query.cursor, sql)),
        Statement::OWN_LOCKS.into(),
        Call::with(
            Statement::ATTRIBUTE_CALLS,
            vec![sql.attributes().to_owned()],
        ),
        Statement::ROLLBACK_TO.into(),
        Statement::RELEASE.into(),
    ]
}

/// What stands in for a part of PostgreSQL itself in this database, so that any SQL could call it.
fn forgery(answers: &[ReadAnswer], allowed: &[String]) -> Option<String> {
    let rows = match answers {
        [_, Ok(rows), ..] => rows,
        [_, Err(reason), ..] => return Some(reason.to_string()),
        _ => return Some("the server did not answer".to_owned()),
    };
    rows.iter().find_map(|row| {
        let mut cells = row.iter().map(|cell| cell.as_deref().unwrap_or_default());
        let (what, function) = (cells.next()?, cells.next()?);
        let known = allowed.iter().any(|name| name == function);
        (!known).then(|| {
            format!(
                "{what} is not PostgreSQL's own here, it calls {function}: any SQL could run it"
            )
        })
    })
}

/// Why a query is refused, if it is, and the relations that it would touch. The server parses by the newest definitions, and
/// tells those of the snapshot: where they are not the same, there is no ruling, and another snapshot is needed.
fn judge(
    answers: &[ReadAnswer],
    allowed: &[String],
) -> Result<(Option<String>, Vec<String>), CallError> {
    let refused = |reason: String| Ok((Some(reason), Vec::new()));
    let [_, grammar, _, rehearsal, locks, attributes, ..] = answers else {
        return refused("the server did not answer".to_owned());
    };
    for parsed in [grammar, rehearsal] {
        match parsed {
            Ok(parameters) if parameters.is_empty() => {}
            Ok(_) => return refused("the SQL has parameters".to_owned()),
            Err(reason) => return refused(reason.to_string()),
        }
    }
    let locks = match locks {
        Ok(locks) => locks,
        Err(reason) => return refused(reason.to_string()),
    };
    let touched: Vec<Touched> = locks.iter().map(|row| touched(row)).collect();
    if let Some(moved) = touched.iter().find(|touched| touched.moved) {
        return Err(CallError::changed_since_snapshot(&moved.relation));
    }
    let refused = touched
        .iter()
        .find_map(|touched| trap(touched, allowed))
        .or_else(|| attribute_call(attributes));
    let relations = touched
        .into_iter()
        .map(|touched| touched.relation)
        .collect();
    Ok((refused, relations))
}

/// A name after a dot that could call a function of pg_catalog with an effect.
fn attribute_call(answer: &ReadAnswer) -> Option<String> {
    match answer {
        Ok(rows) => {
            let name = rows.first()?.first()?.as_deref().unwrap_or_default();
            Some(format!(
                "the name .{name} could call the function {name}, which is not on the allow-list"
            ))
        }
        Err(reason) => Some(reason.to_string()),
    }
}

/// A relation that the parsed SQL holds a lock on, or a child of one.
struct Touched {
    mode: String,
    relation: String,
    kind: String,
    row_security: bool,
    view: Option<String>,
    casts: Option<String>,
    planned: Vec<String>,
    orders: Option<String>,
    moved: bool,
}

fn touched(row: &[Option<String>]) -> Touched {
    let mut cells = row.iter().cloned();
    let mut cell = || cells.next().flatten();
    Touched {
        mode: cell().unwrap_or_default(),
        relation: cell().unwrap_or_default(),
        kind: cell().unwrap_or_default(),
        // An answer that is missing counts as the dangerous one.
        row_security: cell().as_deref() != Some("false"),
        view: cell(),
        casts: cell(),
        planned: cell().map_or_else(Vec::new, |names| names.lines().map(str::to_owned).collect()),
        orders: cell(),
        moved: cell().as_deref() != Some("false"),
    }
}

fn trap(touched: &Touched, allowed: &[String]) -> Option<String> {
    let relation = &touched.relation;
    // A plain read takes no other lock; FOR UPDATE and its kind take RowShareLock.
    if touched.mode != "AccessShareLock" {
        return Some(format!("it would take {} on {relation}", touched.mode));
    }
    if touched.kind == "f" {
        return Some(format!("{relation} is a foreign table"));
    }
    if touched.row_security {
        return Some(format!(
            "{relation} has row security, whose policies could run anything"
        ));
    }
    if let Some(casts) = &touched.casts {
        return Some(format!("{relation} has columns whose casts call {casts}"));
    }
    if let Some(function) = touched.planned.iter().find(|name| !allowed.contains(name)) {
        return Some(format!(
            "{relation} has an index, a constraint or statistics that call {function}, which planning could run"
        ));
    }
    if let Some(orders) = &touched.orders {
        return Some(format!(
            "{relation} has columns whose comparisons call {orders}"
        ));
    }
    let definition = touched.view.as_deref()?;
    let reason = guard_view(definition, allowed).err()?;
    Some(format!("the view {relation}: {reason}"))
}
