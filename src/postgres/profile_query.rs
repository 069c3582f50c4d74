//! The queries of a profile: its own SQL, and what is written from its declarations.

use super::error::UnknownReason;
use super::guard::{GuardedSql, guard, guard_written};
use super::statement::{CursorName, Statement};
use super::validate::Rulings;
use super::{content, content_sums, origins};
use crate::profile::{ContentSpec, FactSpec, Profile, UnitsSpec};
use crate::runner::target::SurveyRequest;
use crate::survey::{Digest, EvidenceFormat};

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

    /// The queries of the source pieces and the live units; none where the profile names no units.
    pub(super) fn of_streams(profile: &Profile) -> Option<[Self; 2]> {
        let UnitsSpec {
            pieces, candidates, ..
        } = profile.units()?;
        let allowed = &profile.role.functions;
        let query = |name: &str, cursor, sql| Self::new(name.to_owned(), cursor, sql, allowed);
        Some([
            query("source pieces", CursorName::Pieces, pieces),
            query("live units", CursorName::Units, candidates),
        ])
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
    let streams = Query::of_streams(profile).into_iter().flatten();
    facts.chain(contents).chain(streams).collect()
}

/// Every statement with SQL of a profile that a run can send, in the formats of evidence that there are: the trials, the reads of its
/// queries, and those of rows and their origins.
pub(super) fn statements(profile: &Profile) -> Vec<Statement> {
    let mut all = Vec::new();
    for format in [EvidenceFormat::One, EvidenceFormat::Two] {
        for query in queries(profile, SurveyRequest::SURVEY, format) {
            let Ok(sql) = &query.sql else {
                continue;
            };
            all.extend([
                Statement::grammar(sql),
                Statement::trial(query.cursor, sql),
                query.declare(sql),
            ]);
        }
    }
    for spec in &profile.contents {
        // What the guard refuses is never sent.
        for sql in [
            content::document_sql(spec),
            content_sums::document_sql(spec),
        ] {
            let sql = guard_written(&sql, &content::CALLED).ok();
            all.extend(sql.map(|sql| Statement::declare_written(CursorName::Fact, &sql)));
        }
        all.extend(origins::declaration(spec).ok());
    }
    all
}

/// What can be said of the SQL of a profile without a server: each query's name, and why the guard refuses it.
pub fn guarded(profile: &Profile) -> Vec<(String, Option<String>)> {
    queries(profile, SurveyRequest::SURVEY, EvidenceFormat::NEWEST)
        .into_iter()
        .map(|query| (query.name, query.sql.err()))
        .collect()
}
