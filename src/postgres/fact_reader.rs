//! What is read between the first answers and the end of a transaction: facts, documents, role survey, origins. All of it is of
//! one snapshot.

use std::collections::{BTreeMap, BTreeSet};

use super::call::PlannedRead;
use super::candidates;
use super::content;
use super::content_document::LongDocument;
use super::content_parts;
use super::content_sums;
use super::cursor;
use super::error::{CallError, UnknownReason};
use super::facts;
use super::grants;
use super::guard::{GuardedSql, guard_written};
use super::origins;
use super::profile_query::Query;
use super::read_batch::{ReadAnswer, ReadBatch, RowCounting};
use super::role;
use super::session::Session;
use super::statement::{CursorName, Statement};
use super::surroundings;
use super::table_digest::{DocumentPlan, TableContent, TableDigest, document_plans};
use super::validate::Rulings;
use crate::profile::{ContentSpec, Profile};
use crate::runner::target::{Progress, QueryRuling, TargetError, Witness};
use crate::survey::{
    Digest, EvidenceFormat, Fact, FactDocument, FactKey, FactKind, Live, Observed, Origins,
    RoleSurvey, UnreadStream,
};

/// What one transaction read.
#[derive(Default)]
pub(super) struct FactsRead {
    /// The facts in the order of the contract.
    pub(super) facts: Vec<Fact>,
    /// The documents behind the facts, but for those that are kept already.
    pub(super) documents: Vec<FactDocument>,
    /// Answers of the role survey.
    pub(super) role: RoleSurvey,
    /// Who wrote, as far as it is visible.
    pub(super) origins: Origins,
    /// How many rows the grant matrix had, where it was read.
    pub(super) grant_rows: Option<u64>,
    /// Streams that could not be read to their end.
    pub(super) unread: Vec<UnreadStream>,
    /// The rulings on what was to be read.
    pub(super) rulings: Vec<QueryRuling>,
}

impl FactsRead {
    /// Makes unknown what was read by queries that may have run something else than what was ruled on.
    pub(super) fn forget(&mut self, changed: &BTreeMap<String, String>) {
        let reason = |what: &String| format!("what it can run changed while it was read: {what}");
        for fact in &mut self.facts {
            let names = [
                format!("fact {}", fact.key),
                format!("content {}", fact.key),
            ];
            let Some(what) = names.iter().find_map(|name| changed.get(name)) else {
                continue;
            };
            fact.observed = facts::unknown(&reason(what).into());
            fact.rows = None;
            if let Some(document) = fact.document.take() {
                self.documents.retain(|kept| *kept.reference() != document);
            }
        }
        self.unread
            .extend(candidates::streams().filter_map(|(key, query)| {
                Some(UnreadStream {
                    key: FactKey::new(key),
                    query: query.to_owned(),
                    reason: reason(changed.get(query)?),
                })
            }));
    }
}

/// Reads facts as a profile and its rulings permit.
pub(super) struct FactReader<'a> {
    /// The profile with the facts to ask for.
    pub(super) profile: &'a Profile,
    /// The rulings of this transaction.
    pub(super) rulings: &'a Rulings,
    /// How contents and grants are digested.
    pub(super) format: EvidenceFormat,
    /// The role that the change runs as; empty: any role may be it.
    pub(super) change_role: &'a str,
    /// How many rows the grant matrix had when it was last read.
    pub(super) grant_rows: Option<u64>,
}

impl FactReader<'_> {
    fn queries(&self, live_only: bool) -> Vec<Query> {
        let allowed = &self.profile.role.functions;
        self.profile
            .facts
            .iter()
            .filter(|fact| fact.live || !live_only)
            .map(|fact| Query::of_fact(fact, allowed))
            .collect()
    }

    /// The facts that are read again while a run waits.
    pub(super) async fn live_facts(&self, session: &mut Session) -> Result<FactsRead, TargetError> {
        let queries = self.queries(true);
        let reads = queries
            .iter()
            .map(|query| facts::read_of(query, self.rulings, Statement::FETCH_FACT));
        let plan = ReadBatch::default().stage("Live facts", RowCounting::Answers, reads);
        let answers = plan.run(session, &mut |_| {}).await?;
        let specs = self.profile.facts.iter().filter(|fact| fact.live);
        let facts = specs
            .zip(&queries)
            .zip(answers)
            .map(|((spec, query), answer)| facts::of_sql(spec, query, answer))
            .collect();
        Ok(FactsRead {
            facts,
            ..FactsRead::default()
        })
    }

    /// Every fact, every document, the role survey: three round trips, however many facts there are.
    pub(super) async fn all_facts(
        &self,
        session: &mut Session,
        witness: &mut dyn Witness,
    ) -> Result<FactsRead, TargetError> {
        let profile = self.profile;
        let version = session.server().version_num;
        let queries = self.queries(false);
        let contents = profile.contents.iter();
        let contents: Vec<Query> = contents
            .map(|spec| Query::of_content(spec, self.format))
            .collect();
        let sql = queries
            .iter()
            .map(|query| facts::read_of(query, self.rulings, Statement::FETCH_FACT));
        let functions = profile
            .functions
            .iter()
            .map(|f| Ok(facts::read_function(f)));
        let digests = contents
            .iter()
            .map(|query| facts::read_of(query, self.rulings, Statement::FETCH_PART));
        let roles = role::reads(version).into_iter().map(Ok);
        let around = surroundings::reads(profile, version, self.change_role)
            .into_iter()
            .map(Ok);
        let matrix = profile.grants.iter();
        let matrix = matrix.map(|scope| Ok(grants::first_read(scope)));
        let kept = witness.kept_documents();
        let mut tell = |progress| witness.progress(progress);
        let plan = ReadBatch::default()
            .stage("Facts", RowCounting::Answers, sql.chain(functions))
            .stage(
                "Grant matrix",
                RowCounting::Objects(self.grant_rows),
                matrix,
            )
            .stage("Protected tables", RowCounting::Answers, digests)
            .stage("Role survey", RowCounting::Answers, roles)
            .stage("What is around the rows", RowCounting::Answers, around);
        let mut answers = plan.run(session, &mut tell).await?.into_iter();
        // The answers come in the order of the stages above.
        let mut next = || answers.next().unwrap_or(Err("not asked".into()));
        let mut of_sql = Vec::new();
        for (spec, query) in profile.facts.iter().zip(&queries) {
            of_sql.push((facts::of_sql(spec, query, next()), None));
        }
        for spec in &profile.functions {
            of_sql.push(facts::of_function(spec, next()));
        }
        let mut grant_rows = None;
        if let Some(scope) = &profile.grants {
            let told = (self.grant_rows, &mut tell as &mut dyn FnMut(Progress));
            let read = grants::matrix(session, scope, next(), self.format, told).await?;
            grant_rows = read.as_ref().ok().map(|(_, rows)| *rows);
            let document = read.map(|(document, _)| document);
            let named = (scope.key.as_str(), scope.label.as_str());
            of_sql.push(facts::of_document(profile, named, document));
        }
        let digests: Vec<_> = contents.iter().map(|_| next()).collect();
        let current_user = session.server().current_user.clone();
        let role = role::survey(&current_user, version, &mut answers, &profile.role);
        let around = surroundings::facts(session, profile, &mut answers).await?;
        let others = of_sql.iter().chain(&around);
        let lengths =
            others.filter_map(|(_, document)| Some(document.as_ref()?.text().len() as u64));
        let held = lengths.sum();
        let of_sql = of_sql.into_iter().map(|fact| without_kept(&kept, fact));
        let of_sql: Vec<_> = of_sql.collect();
        let of_contents = self
            .contents(session, &contents, (digests, held), &kept, &mut tell)
            .await?;
        let mut read = FactsRead {
            grant_rows,
            ..FactsRead::default()
        };
        let contents: Vec<Fact> = of_contents.iter().map(|(fact, _)| fact.clone()).collect();
        // Last, because rows are asked about only in tables that have a document.
        let reads = origins::reads(profile, &contents);
        let plan = ReadBatch::default().stage("Origins of rows", RowCounting::Answers, reads);
        read.origins = origins::origins(profile, plan.run(session, &mut tell).await?);
        read.facts.extend(facts::of_role(&role, &current_user));
        let around = around.into_iter().map(|fact| without_kept(&kept, fact));
        for (fact, document) in of_sql.into_iter().chain(of_contents).chain(around) {
            read.facts.push(fact);
            read.documents.extend(document);
        }
        read.role = role;
        Ok(read)
    }

    /// The digests of the tables too long for one statement, then the rows of those that are short enough for a document, in
    /// as many round trips as keep the memory bounded. `held`: bytes of the documents beside these. Whether a table has a
    /// document depends on the lengths of all of them, not on which are `kept`: else a survey would have other documents than
    /// the pin.
    async fn contents(
        &self,
        session: &mut Session,
        queries: &[Query],
        (answers, held): (Vec<ReadAnswer>, u64),
        kept: &BTreeSet<Digest>,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Vec<ContentFact>, TargetError> {
        let specs = &self.profile.contents;
        let mut tables = Vec::with_capacity(answers.len());
        for ((spec, query), answer) in specs.iter().zip(queries).zip(answers) {
            let digest = self.digest(session, query, answer, tell).await?;
            let table = digest.and_then(|digest| digest.finish(spec));
            tables.push(known(table)?);
        }
        let mut facts: Vec<Option<ContentFact>> = tables.iter().map(|_| None).collect();
        let fact = |nth: usize, document| {
            let fact = content_fact(&specs[nth], tables[nth].as_ref(), document);
            Some(without_kept(kept, fact))
        };
        for plan in document_plans(held, tables.iter().map(|table| table.as_ref().ok())) {
            match plan {
                DocumentPlan::Together(group) => {
                    let reads = group.iter();
                    let reads = reads.map(|nth| self.document_read(&specs[*nth]));
                    let plan =
                        ReadBatch::default().stage("Protected rows", RowCounting::Answers, reads);
                    let answers = plan.run(session, tell).await?;
                    for (nth, answer) in group.into_iter().zip(answers) {
                        if let Ok(table) = &tables[nth] {
                            facts[nth] =
                                fact(nth, Some(answer.and_then(|rows| table.document(rows))));
                        }
                    }
                }
                DocumentPlan::Alone(nth) => {
                    if let Ok(table) = &tables[nth] {
                        let read = self.long_document(session, &specs[nth], table, tell);
                        facts[nth] = fact(nth, read.await?);
                    }
                }
            }
        }
        let without_document = |(nth, found): (usize, Option<ContentFact>)| {
            found.unwrap_or_else(|| content_fact(&specs[nth], tables[nth].as_ref(), None))
        };
        let facts = facts.into_iter().enumerate();
        Ok(facts.map(without_document).collect())
    }

    /// The document of a table whose rows are too many for one answer.
    async fn long_document(
        &self,
        session: &mut Session,
        spec: &ContentSpec,
        table: &TableContent,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Option<ReadDocument>, TargetError> {
        let Some(mut document) = LongDocument::of(spec, table, tell) else {
            return Ok(None);
        };
        let sql = match self.document_sql(spec) {
            Ok(sql) => sql,
            Err(reason) => return Ok(Some(Err(reason))),
        };
        let declare = Statement::declare_written(CursorName::Fact, &sql);
        let (name, fetch) = (format!("content {}", spec.key), document.fetch.clone());
        let read = cursor::read(session, &name, declare, &fetch, &mut document).await?;
        let finished = read.and_then(|()| document.builder.finish(&table.value));
        Ok(Some(
            finished.map(|document| (table.value.clone(), document)),
        ))
    }

    /// A digest from its first answer, or part by part where there are more.
    async fn digest(
        &self,
        session: &mut Session,
        query: &Query,
        answer: ReadAnswer,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Result<TableDigest, CallError>, TargetError> {
        let answer = answer.map_err(CallError::Refused);
        let first = answer.and_then(|rows| TableDigest::of(self.format, &rows));
        Ok(match (first, &query.sql) {
            // `None`: the table is too long for one statement.
            (Ok(None), Ok(sql)) => {
                let declare = query.declare(sql);
                let digest =
                    content_parts::digest(session, &query.name, declare, self.format, tell).await?;
                digest.map_err(CallError::Refused)
            }
            (Ok(None), Err(reason)) => Err(CallError::Refused(reason.as_str().into())),
            (Ok(Some(whole)), _) => Ok(whole),
            (Err(error), _) => Err(error),
        })
    }

    fn document_sql(&self, spec: &ContentSpec) -> Result<GuardedSql, UnknownReason> {
        let sql = match self.format {
            EvidenceFormat::One => content_sums::document_sql(spec),
            EvidenceFormat::Two => content::document_sql(spec),
        };
        Ok(guard_written(&sql, &content::CALLED)?)
    }

    fn document_read(&self, spec: &ContentSpec) -> Result<PlannedRead, UnknownReason> {
        Ok(PlannedRead::cursor(
            format!("content {}", spec.key),
            Statement::declare_written(CursorName::Fact, &self.document_sql(spec)?),
            Statement::FETCH_ROWS,
        ))
    }
}

/// The fact of a protected table, with its document where it has one that is not kept.
type ContentFact = (Fact, Option<FactDocument>);

/// Value and document of a table whose rows were read.
type ReadDocument = Result<(String, Option<FactDocument>), UnknownReason>;

/// Keeps apart what is an answer about the table from what ends the survey.
fn known<T>(answer: Result<T, CallError>) -> Result<Result<T, UnknownReason>, TargetError> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(error.of_the_value()?)),
    }
}

/// The same fact; a document that is kept already need not be in memory as well.
fn without_kept(
    kept: &BTreeSet<Digest>,
    (fact, document): (Fact, Option<FactDocument>),
) -> (Fact, Option<FactDocument>) {
    let document = document.filter(|document| !kept.contains(&document.reference().sha256));
    (fact, document)
}

fn content_fact(
    spec: &ContentSpec,
    table: Result<&TableContent, &UnknownReason>,
    document: Option<ReadDocument>,
) -> ContentFact {
    let found = match (table, document) {
        (Ok(table), Some(read)) => read.map(|(value, document)| (table.rows, value, document)),
        (Ok(table), None) => Ok((table.rows, table.value.clone(), None)),
        (Err(reason), _) => Err(reason.clone()),
    };
    let fact = |observed| facts::plain(&spec.key, &spec.key, FactKind::Content, observed);
    match found {
        Ok((rows, value, document)) => {
            let fact = Fact {
                rows: Some(rows),
                ..fact(Observed::Live(Live::new(value)))
            };
            match document {
                Some(document) => facts::with_document(fact, document),
                None => (fact, None),
            }
        }
        Err(reason) => (fact(facts::unknown(&reason)), None),
    }
}
