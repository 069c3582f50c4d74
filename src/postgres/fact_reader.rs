//! What is read between the first answers and the end of a transaction: facts, documents, role survey, origins. All of it is of
//! one snapshot.

use std::collections::BTreeMap;

use super::candidates;
use super::content::{self, DOCUMENT_ROWS_MAX, ServerDigest};
use super::content_parts;
use super::error::UnknownReason;
use super::facts;
use super::grants;
use super::guard::guard;
use super::origins;
use super::read_batch::{ReadAnswer, ReadBatch, RowCounting};
use super::role;
use super::session::{PlannedRead, Session};
use super::statement::{CursorName, Statement};
use super::validate::{Query, Rulings};
use crate::profile::{ContentSpec, Profile};
use crate::runner::target::{Progress, QueryRuling, TargetError, Witness};
use crate::survey::{
    Digest, Fact, FactDocument, FactKey, FactKind, Live, Observed, Origins, RoleSurvey,
    UnreadStream,
};

/// What one transaction read.
#[derive(Default)]
pub(super) struct FactsRead {
    /// The facts in the order of the contract.
    pub(super) facts: Vec<Fact>,
    /// The documents behind the facts.
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
                self.documents
                    .retain(|kept| Digest::of(&kept.text) != document.sha256);
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
            .map(|query| facts::read_of(query, self.rulings));
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
        let contents: Vec<Query> = profile.contents.iter().map(Query::of_content).collect();
        let sql = queries
            .iter()
            .map(|query| facts::read_of(query, self.rulings));
        let functions = profile
            .functions
            .iter()
            .map(|f| Ok(facts::read_function(f)));
        let digests = contents
            .iter()
            .map(|query| facts::read_of(query, self.rulings));
        let roles = role::reads(version).into_iter().map(Ok);
        let matrix = [Ok(grants::read(&profile.grants))];
        let mut tell = |progress| witness.progress(progress);
        let plan = ReadBatch::default()
            .stage("Facts", RowCounting::Answers, sql.chain(functions))
            .stage(
                "Grant matrix",
                RowCounting::Objects(self.grant_rows),
                matrix,
            )
            .stage("Protected tables", RowCounting::Answers, digests)
            .stage("Role survey", RowCounting::Answers, roles);
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
        let matrix = next();
        let grant_rows = matrix.as_ref().map(|rows| rows.len() as u64).ok();
        of_sql.push(facts::of_grants(&profile.grants, matrix));
        let digests: Vec<_> = contents.iter().map(|_| next()).collect();
        let current_user = session.server().current_user.clone();
        let role = role::survey(&current_user, version, answers, &profile.role);
        let of_contents = self
            .contents(session, &contents, digests, &mut tell)
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
        for (fact, document) in of_sql.into_iter().chain(of_contents) {
            read.facts.push(fact);
            read.documents.extend(document);
        }
        read.role = role;
        Ok(read)
    }

    /// The digests of the tables too long for one statement, then in one round trip the rows of those that are short enough.
    async fn contents(
        &self,
        session: &mut Session,
        queries: &[Query],
        answers: Vec<ReadAnswer>,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<ContentFacts, TargetError> {
        let mut digests = Vec::with_capacity(answers.len());
        for (query, answer) in queries.iter().zip(answers) {
            let first = answer.and_then(|rows| ServerDigest::of(&rows));
            digests.push(match (first, &query.sql) {
                // `None`: the table is too long for one statement, so its digest is made part by part.
                (Ok(None), Ok(sql)) => {
                    let declare = query.declare(sql);
                    content_parts::digest(session, &query.name, declare, tell).await?
                }
                (Ok(None), Err(reason)) => Err(reason.as_str().into()),
                (Ok(Some(whole)), _) => Ok(whole),
                (Err(reason), _) => Err(reason),
            });
        }
        let reads = self
            .profile
            .contents
            .iter()
            .zip(&digests)
            .map(|(spec, digest)| match digest {
                Ok(digest) if digest.rows <= DOCUMENT_ROWS_MAX => document_read(spec),
                // Too many rows for a document: the digest stands alone, and this reason is shown nowhere.
                Ok(_) => Err("".into()),
                Err(reason) => Err(reason.clone()),
            });
        let plan = ReadBatch::default().stage("Protected rows", RowCounting::Answers, reads);
        let answers = plan.run(session, tell).await?;
        let specs = self.profile.contents.iter();
        let facts = specs.zip(digests).zip(answers);
        let facts = facts.map(|((spec, digest), answer)| content_fact(spec, digest, answer));
        Ok(facts.collect())
    }
}

/// The facts of the protected tables, each with its document where it has one.
type ContentFacts = Vec<(Fact, Option<FactDocument>)>;

fn document_read(spec: &ContentSpec) -> Result<PlannedRead, UnknownReason> {
    let sql = guard(&content::document_sql(spec), &[])?;
    Ok(PlannedRead::cursor(
        format!("content {}", spec.key),
        Statement::declare_written(CursorName::Fact, &sql),
        Statement::FETCH_ROWS,
    ))
}

fn content_fact(
    spec: &ContentSpec,
    digest: Result<ServerDigest, UnknownReason>,
    answer: ReadAnswer,
) -> (Fact, Option<FactDocument>) {
    let found = digest.and_then(|digest| {
        if digest.rows > DOCUMENT_ROWS_MAX {
            return Ok((digest.rows, digest.value(), None));
        }
        let (value, document) = content::digest_rows(answer?, &digest)?;
        Ok((digest.rows, value, Some(document)))
    });
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
