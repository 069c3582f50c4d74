//! Checks of profile SQL that execute none of it.
//! Invariant: SQL without a passing ruling is never declared (`Query::permitted`; test
//! `hostile_sql_is_refused_and_does_nothing` of tests/postgres.rs).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::call::Call;
use super::error::{CallError, UnknownReason};
use super::function_names::built_in_names;
use super::guard::GuardedSql;
use super::profile_query::Query;
use super::reach::{CatalogGraph, CatalogObject, Reach};
use super::reach_functions::volatile_functions;
use super::read_batch::ReadAnswer;
use super::resolver::Resolver;
use super::session::Session;
use super::statement::Statement;
use super::wire::{AnswerRows, BatchAnswers};
use crate::planted::{PlantedBug, planted};
use crate::runner::target::{PinnedRuns, Progress, QueryRuling, Witness};

/// Rulings by query name, for one transaction.
pub(super) type Rulings = BTreeMap<String, QueryRuling>;

/// What was ruled on in one transaction, and how to ask again.
#[derive(Debug, Default)]
pub(super) struct Ruled {
    /// The rulings.
    pub(super) rulings: Rulings,
    /// What each query that may run can run.
    pub(super) reaches: BTreeMap<String, (Touches, Reach)>,
    /// What to ask in another transaction, where anything may run.
    pub(super) resolve: Option<Call>,
    /// How many queries were refused by a chain through each resolver.
    pub(super) refused_through: BTreeMap<Resolver, u64>,
}

/// What a query touches by itself: relations, and what it names because the profile allows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Touches {
    relations: Vec<Touched>,
    /// Before it was parsed: what could be the name of a relation in it.
    maybe_relations: BTreeSet<String>,
    named: BTreeSet<String>,
}

/// How queries are ruled on.
pub(super) struct Rules<'a> {
    /// The functions that the profile allows.
    pub(super) allowed: &'a [String],
    /// What each query could run when the run was pinned.
    pub(super) pinned: &'a PinnedRuns,
    /// A resolver to leave out; only tests do.
    pub(super) without: Option<Resolver>,
}

/// Rules on queries in three round trips, however many there are: the guard, everything that can run because of what their texts
/// name, the server's grammar inside DECLARE and the relations that they would touch, then everything that can run because of
/// these. An error that is not about a query ends the survey: it is no ruling.
pub(super) async fn rule(
    session: &mut Session,
    rules: &Rules<'_>,
    queries: Vec<Query>,
    witness: &mut dyn Witness,
) -> Result<Ruled, CallError> {
    let named = named_alone(session, rules, &queries).await?;
    let mut calls = Vec::new();
    // The call that ends each query.
    let mut ends = Vec::with_capacity(queries.len());
    for (query, reach) in queries.iter().zip(&named) {
        calls.extend(steps(query, reach));
        ends.push(calls.len().saturating_sub(1));
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
    let mut parsed: Vec<Parsed> = Vec::with_capacity(queries.len());
    let mut done = Ruled::default();
    let mut runs = Vec::with_capacity(queries.len());
    for (query, reach) in queries.into_iter().zip(named) {
        let asked = steps(&query, &reach).len();
        let answers = answered(&query.name, answers.by_ref().take(asked))?;
        let touches = match &reach.refused {
            Some((chain, by)) => {
                done.count(by);
                Err(chain.clone())
            }
            None => query.sql.clone().and_then(|sql| judge(&answers, &sql)),
        };
        parsed.push((query, touches));
        runs.push(reach.runs);
    }
    let graph = hold(session, &parsed).await?;
    for ((query, touches), runs) in parsed.into_iter().zip(runs) {
        let mut ruling = QueryRuling {
            query: query.name.clone(),
            sql_sha256: query.sql_sha256,
            refused: None,
            relations: Vec::new(),
            runs: Some(runs),
        };
        match (touches, &graph) {
            (Err(reason), _) => ruling.refused = Some(reason),
            (Ok(touches), graph) => {
                ruling.relations = touches.names();
                match graph {
                    Err(reason) => ruling.refused = Some(reason.to_string()),
                    Ok(graph) => done.reached(&mut ruling, touches, graph, rules),
                }
            }
        }
        done.rulings.insert(query.name, ruling);
    }
    if planted(PlantedBug::JudgeOncePerProcess) {
        done.keep_first_rulings();
    }
    done.resolve = (!done.reaches.is_empty()).then(|| {
        let touches = done.reaches.values().map(|(touches, _)| touches);
        resolve(touches)
    });
    Ok(done)
}

impl Ruled {
    fn reached(
        &mut self,
        ruling: &mut QueryRuling,
        touches: Touches,
        graph: &CatalogGraph,
        rules: &Rules<'_>,
    ) {
        let reach = touches.reach(graph, rules);
        ruling.runs = Some(reach.runs.clone());
        let Some((chain, by)) = &reach.refused else {
            let pinned = rules.pinned.get(&ruling.query);
            ruling.refused = pinned.and_then(|pinned| other_runs(pinned, &reach.runs));
            if ruling.refused.is_none() {
                self.reaches.insert(ruling.query.clone(), (touches, reach));
            }
            return;
        };
        ruling.refused = Some(chain.clone());
        self.count(by);
    }

    /// Replaces each ruling by the first one of this process. Only a planted bug asks.
    fn keep_first_rulings(&mut self) {
        static FIRST: Mutex<Rulings> = Mutex::new(Rulings::new());
        let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
        for (query, ruling) in &mut self.rulings {
            let kept = first.entry(query.clone()).or_insert_with(|| ruling.clone());
            ruling.clone_from(kept);
        }
    }

    fn count(&mut self, by: &BTreeSet<Resolver>) {
        for resolver in by {
            *self.refused_through.entry(*resolver).or_default() += 1;
        }
    }
}

impl Ruled {
    /// What differs in a later resolution. First a relation that was changed where nothing else was: another snapshot is needed.
    /// Then by query what else differs.
    pub(super) fn resolved_again(
        &self,
        again: Option<Result<AnswerRows, UnknownReason>>,
        rules: &Rules<'_>,
    ) -> (Option<String>, BTreeMap<String, String>) {
        let (mut moved, mut changed) = (None, BTreeMap::new());
        let Some(graph) = again.map(|answer| answer.and_then(CatalogGraph::of)) else {
            return (moved, changed);
        };
        for (query, (touches, reach)) in &self.reaches {
            let what = match &graph {
                Err(reason) => Some(format!("it could not be resolved again: {reason}")),
                Ok(graph) => {
                    let later = touches.reach(graph, rules);
                    let what = reach.changed(&later);
                    if what.is_some() && reach.only_relations_changed(&later) {
                        moved = what;
                        continue;
                    }
                    what
                }
            };
            changed.extend(what.map(|what| (query.clone(), what)));
        }
        (moved, changed)
    }
}

/// Why a query is refused that can run other functions than when the run was pinned.
fn other_runs(pinned: &[String], found: &[String]) -> Option<String> {
    let without_digest = |line: &String| match line.rsplit_once(' ') {
        Some((function, _)) => function.to_owned(),
        None => line.clone(),
    };
    let only_in = |these: &[String], those: &[String]| -> BTreeSet<String> {
        let lines = these.iter().filter(|line| !those.contains(line));
        lines.map(without_digest).collect()
    };
    let (gone, new) = (only_in(pinned, found), only_in(found, pinned));
    let lines = gone.union(&new).map(|function| {
        let what = match (gone.contains(function), new.contains(function)) {
            (true, true) => "was replaced",
            (true, false) => "is run no more",
            (false, _) => "is new",
        };
        format!("{function} {what}")
    });
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| {
        format!(
            "what it can run is not what was pinned: {}",
            lines.join(", ")
        )
    })
}

impl Touches {
    /// What can run because of it.
    pub(super) fn reach(&self, graph: &CatalogGraph, rules: &Rules<'_>) -> Reach {
        let relations = self
            .relations
            .iter()
            .map(|one| CatalogObject::relation(&one.oid));
        let relations: Vec<CatalogObject> = relations.collect();
        let names = (&self.named, &self.maybe_relations);
        graph.reach(&relations, names, rules.allowed, rules.without)
    }

    fn names(&self) -> Vec<String> {
        self.relations.iter().map(|one| one.name.clone()).collect()
    }
}

/// The question what can run because of all these.
fn resolve<'a>(touches: impl Iterator<Item = &'a Touches> + Clone) -> Call {
    let relations: BTreeSet<&str> = touches
        .clone()
        .flat_map(|one| &one.relations)
        .map(|one| one.oid.as_str())
        .collect();
    let maybe_relations: BTreeSet<&str> = touches
        .clone()
        .flat_map(|one| &one.maybe_relations)
        .map(String::as_str)
        .collect();
    let named: BTreeSet<&str> = touches
        .flat_map(|one| &one.named)
        .map(String::as_str)
        .collect();
    let lines = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join("\n");
    Call::with(
        Statement::RESOLVE,
        vec![
            lines(relations),
            lines(named),
            built_in_names(),
            lines(maybe_relations),
            volatile_functions(),
        ],
    )
}

/// What each query could run by the names in its text, so that nothing of it is sent to be parsed before: the server parses a
/// constant with the input function of the type beside it. What any SQL could run refuses all further reads.
async fn named_alone(
    session: &mut Session,
    rules: &Rules<'_>,
    queries: &[Query],
) -> Result<Vec<Reach>, CallError> {
    let touches = queries.iter().map(|query| match &query.sql {
        Ok(sql) => Touches {
            relations: Vec::new(),
            maybe_relations: sql.qualified().clone(),
            named: sql.named().clone(),
        },
        Err(_) => Touches::default(),
    });
    let touches: Vec<Touches> = touches.collect();
    let calls: [Call; 5] = [
        Statement::SAVEPOINT.into(),
        Statement::INDEXES_FIRST.into(),
        resolve(touches.iter()),
        Statement::ROLLBACK_TO.into(),
        Statement::RELEASE.into(),
    ];
    let mut answers = session.batch(&calls, &mut |_| {}).await?.into_iter();
    let graph = match answers.nth(2).unwrap_or(Ok(Vec::new())) {
        Ok(rows) => CatalogGraph::of(rows),
        Err(CallError::Refused(UnknownReason::Sql { code, message })) if code == "XX000" => {
            return Err(CallError::changed_since_snapshot(&message));
        }
        Err(CallError::Refused(reason)) => Err(unresolved(&reason)),
        Err(unavailable) => return Err(unavailable.reading("what can run")),
    };
    if let Some(words) = graph.as_ref().ok().and_then(CatalogGraph::moved) {
        return Err(CallError::changed_since_snapshot(words));
    }
    let reach = |touches: &Touches| match &graph {
        Ok(graph) => touches.reach(graph, rules),
        Err(reason) => Reach::refusing(reason.to_string()),
    };
    if let Some((chain, _)) = reach(&Touches::default()).refused {
        session.refuse(chain.into());
    }
    Ok(touches.iter().map(reach).collect())
}

fn unresolved(reason: &UnknownReason) -> UnknownReason {
    format!("what can run cannot be resolved: {reason}").into()
}

/// A query with what it touches, or why it is refused.
type Parsed = (Query, Result<Touches, String>);

/// Parses what may run once more and keeps the locks that this takes until the end of the transaction: from here on nobody can
/// give a relation another definition. Then resolves what can run because of these relations. What was changed since the
/// snapshot needs another one.
async fn hold(
    session: &mut Session,
    parsed: &[Parsed],
) -> Result<Result<CatalogGraph, UnknownReason>, CallError> {
    let may_run = || {
        parsed.iter().filter_map(|(query, touches)| {
            let (sql, touches) = (query.sql.as_ref().ok()?, touches.as_ref().ok()?);
            Some((query, sql, touches))
        })
    };
    if may_run().next().is_none() {
        return Ok(Ok(CatalogGraph::default()));
    }
    let mut calls: Vec<Call> = may_run()
        .map(|(query, sql, _)| Call::parse(Statement::trial(query.cursor, sql)))
        .collect();
    calls.extend([
        Statement::OWN_LOCKS.into(),
        Statement::SAVEPOINT.into(),
        Statement::INDEXES_FIRST.into(),
        resolve(may_run().map(|(_, _, touches)| touches)),
        Statement::ROLLBACK_TO.into(),
        Statement::RELEASE.into(),
    ]);
    let mut answers = session.batch(&calls, &mut |_| {}).await?.into_iter();
    // The first error is the one that tells: after it the server refuses whatever follows in the transaction.
    for ((query, _, _), answer) in may_run().zip(answers.by_ref()) {
        answer.map_err(|error| match error {
            // What could be parsed a moment ago and cannot now was changed as well.
            CallError::Refused(reason) => CallError::changed_since_snapshot(&reason.to_string()),
            unavailable @ CallError::Unavailable { .. } => unavailable.reading(&query.name),
        })?;
    }
    let held = answers.next().unwrap_or(Ok(Vec::new()))?;
    let known: BTreeSet<&str> = may_run()
        .flat_map(|(_, _, touches)| &touches.relations)
        .map(|one| one.oid.as_str())
        .collect();
    let mut held = held.iter().map(|row| touched(row));
    if let Some(new) = held.find(|held| !known.contains(held.oid.as_str())) {
        return Err(CallError::changed_since_snapshot(&new.name));
    }
    let resolved = answers.nth(2).unwrap_or(Ok(Vec::new()));
    match resolved.map(CatalogGraph::of) {
        Ok(Ok(graph)) => match graph.moved() {
            Some(words) => Err(CallError::changed_since_snapshot(words)),
            None => Ok(Ok(graph)),
        },
        Ok(Err(reason)) => Ok(Err(reason)),
        // An object that was dropped since the snapshot.
        Err(CallError::Refused(UnknownReason::Sql { code, message })) if code == "XX000" => {
            Err(CallError::changed_since_snapshot(&message))
        }
        Err(CallError::Refused(reason)) => Ok(Err(unresolved(&reason))),
        Err(unavailable) => Err(unavailable.reading("what can run")),
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
fn steps(query: &Query, named: &Reach) -> Vec<Call> {
    let Ok(sql) = &query.sql else {
        return Vec::new();
    };
    if named.refused.is_some() {
        return Vec::new();
    }
    vec![
        Statement::SAVEPOINT.into(),
        Call::parse(Statement::grammar(sql)),
        Statement::ROLLBACK_TO.into(),
        Call::parse(Statement::trial(query.cursor, sql)),
        Statement::OWN_LOCKS.into(),
        Call::with(
            Statement::ATTRIBUTE_CALLS,
            vec![sql.attributes().to_owned(), volatile_functions()],
        ),
        Statement::ROLLBACK_TO.into(),
        Statement::RELEASE.into(),
    ]
}

/// What a query would touch, or why it is refused.
fn judge(answers: &[ReadAnswer], sql: &GuardedSql) -> Result<Touches, String> {
    let [_, grammar, _, rehearsal, locks, attributes, ..] = answers else {
        return Err("the server did not answer".to_owned());
    };
    for parsed in [grammar, rehearsal] {
        match parsed {
            Ok(parameters) if parameters.is_empty() => {}
            Ok(_) => return Err("the SQL has parameters".to_owned()),
            Err(reason) => return Err(reason.to_string()),
        }
    }
    let locks = locks.as_ref().map_err(ToString::to_string)?;
    let relations: Vec<Touched> = locks.iter().map(|row| touched(row)).collect();
    // A plain read takes no other lock; FOR UPDATE and its kind take RowShareLock.
    if let Some(other) = relations.iter().find(|one| one.mode != "AccessShareLock") {
        return Err(format!("it would take {} on {}", other.mode, other.name));
    }
    match attribute_call(attributes) {
        Some(reason) => Err(reason),
        None => Ok(Touches {
            relations,
            maybe_relations: BTreeSet::new(),
            named: sql.named().clone(),
        }),
    }
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

/// A relation that the parsed SQL holds a lock on.
#[derive(Debug, Clone)]
struct Touched {
    mode: String,
    oid: String,
    name: String,
}

fn touched(row: &[Option<String>]) -> Touched {
    let mut cells = row.iter().cloned();
    let mut cell = || cells.next().flatten().unwrap_or_default();
    Touched {
        mode: cell(),
        oid: cell(),
        name: cell(),
    }
}
