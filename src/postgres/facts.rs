//! The facts of a survey, made from the answers of one batch.
//! Invariant: a read that failed, or that server and client computed differently, is unknown (`of_sql`, `agreed`).

use md5::{Digest as _, Md5};

use super::call::{Call, PlannedRead};
use super::error::UnknownReason;
use super::profile_query::Query;
use super::read_batch::ReadAnswer;
use super::statement::{Statement, VALUE_MAX};
use super::validate::Rulings;
use super::wire::AnswerRows;
use crate::profile::{FactSpec, FunctionSpec, Profile};
use crate::survey::{
    Derived, Digest, DriftRule, Fact, FactDocument, FactKey, FactKind, Live, Observed, RoleSurvey,
};

/// An unknown value with its reason.
pub(super) fn unknown(reason: &UnknownReason) -> Observed {
    Observed::Unknown {
        unknown: reason.to_string(),
    }
}

/// A fact with nothing behind it.
pub(super) fn plain(key: &str, label: &str, kind: FactKind, observed: Observed) -> Fact {
    Fact {
        key: FactKey::new(key),
        label: label.to_owned(),
        kind,
        observed,
        rows: None,
        document: None,
        sql_sha256: None,
        live: false,
        drift: DriftRule::Any,
        parts: Vec::new(),
    }
}

/// `role` and `role_is_read_only`, first in every full survey.
pub(super) fn of_role(survey: &RoleSurvey, current_user: &str) -> [Fact; 2] {
    let read_only = match survey.is_read_only() {
        Some(answer) => Observed::Derived(Derived::new(answer.to_string())),
        None if survey.unanswered.is_empty() => unknown(&"the role survey asked nothing".into()),
        None => unknown(&format!("not answered: {}", survey.unanswered.join("; ")).into()),
    };
    let role = Observed::Live(Live::new(current_user.to_owned()));
    [
        plain("role", "role", FactKind::Text, role),
        plain(
            RoleSurvey::READ_ONLY_FACT,
            RoleSurvey::READ_ONLY_FACT,
            FactKind::Boolean,
            read_only,
        ),
    ]
}

/// The read of a query, or why it may not be read.
pub(super) fn read_of(
    query: &Query,
    rulings: &Rulings,
    fetch: Statement,
) -> Result<PlannedRead, UnknownReason> {
    let declare = query.permitted(rulings)?;
    Ok(PlannedRead::cursor(&query.name, declare, fetch))
}

/// A fact that SQL read.
pub(super) fn of_sql(spec: &FactSpec, query: &Query, answer: ReadAnswer) -> Fact {
    let observed = answer
        .and_then(one_value)
        .and_then(|value| typed(spec.kind, value))
        .map_or_else(
            |reason| unknown(&reason),
            |value| Observed::Live(Live::new(value)),
        );
    Fact {
        sql_sha256: Some(query.sql_sha256.clone()),
        live: spec.live,
        ..plain(&spec.key, &spec.label, spec.kind, observed)
    }
}

type ValueRead = Result<String, UnknownReason>;

fn one_value(rows: AnswerRows) -> ValueRead {
    let count = rows.len();
    let mut rows = rows.into_iter();
    match (count, rows.next()) {
        // A fact is one value: several rows would make it depend on their order.
        (1, Some(row)) => {
            let mut cells = row.into_iter();
            match (cells.next().flatten(), cells.next().flatten()) {
                (Some(value), _) => Ok(value),
                (None, Some(bytes)) => {
                    Err(format!("the value has {bytes} bytes, at most {VALUE_MAX}").into())
                }
                (None, None) => Err("the value is NULL".into()),
            }
        }
        (0, _) => Err("no row".into()),
        _ => Err("more than one row".into()),
    }
}

fn typed(kind: FactKind, value: String) -> ValueRead {
    let hex = |length| {
        value.len() == length
            && value
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let fits = match kind {
        FactKind::Integer => value.parse::<i64>().is_ok(),
        FactKind::Boolean => ["true", "false"].contains(&value.as_str()),
        FactKind::Md5 => hex(32),
        FactKind::Sha256 => hex(64),
        FactKind::Text | FactKind::Content => true,
    };
    if fits {
        Ok(value)
    } else {
        Err("the value is not of the type that the profile declares".into())
    }
}

/// Asks for a pinned function.
pub(super) fn read_function(spec: &FunctionSpec) -> PlannedRead {
    let named = vec![spec.schema.clone(), spec.name.clone()];
    PlannedRead::ask(&spec.key, Call::with(Statement::FUNCTION, named))
}

/// A pinned function: md5 by the server and by us, and its source as the document.
pub(super) fn of_function(spec: &FunctionSpec, answer: ReadAnswer) -> (Fact, Option<FactDocument>) {
    let found = answer.and_then(|rows| {
        let mut cells = rows.into_iter().flatten();
        match (cells.next().flatten(), cells.next().flatten()) {
            (Some(source), Some(md5)) => agreed(source, &md5),
            _ => Err(format!("{}.{} does not exist", spec.schema, spec.name).into()),
        }
    });
    let fact = |observed| plain(&spec.key, &spec.label, FactKind::Md5, observed);
    match found {
        Ok((source, md5)) => with_document(
            fact(Observed::Live(Live::new(md5))),
            FactDocument::new(source),
        ),
        Err(reason) => (fact(unknown(&reason)), None),
    }
}

fn agreed(source: String, of_server: &str) -> Result<(String, String), UnknownReason> {
    let hash: [u8; 16] = Md5::digest(&source).into();
    // The client computes the MD5 too: the document that is kept must be the one that the server digested.
    let own = format!("{:032x}", u128::from_be_bytes(hash));
    if own == of_server {
        Ok((source, own))
    } else {
        Err(format!("server and client md5 differ: {of_server} and {own}").into())
    }
}

/// A fact, by key and label, whose value is the digest of its document.
pub(super) fn of_document(
    profile: &Profile,
    named: (&str, &str),
    found: Result<FactDocument, UnknownReason>,
) -> (Fact, Option<FactDocument>) {
    let found = found.map(|document| (document.reference().sha256.clone(), Some(document)));
    of_digest(profile, named, found)
}

/// The same where the document may be too long to be kept.
pub(super) fn of_digest(
    profile: &Profile,
    (key, label): (&str, &str),
    found: Result<(Digest, Option<FactDocument>), UnknownReason>,
) -> (Fact, Option<FactDocument>) {
    let drift = DriftRule::of(key, profile.grants_key(), profile.drift.strict);
    let fact = |observed| Fact {
        drift,
        ..plain(key, label, FactKind::Sha256, observed)
    };
    match found {
        Ok((value, document)) => {
            let fact = fact(Observed::Live(Live::new(value.to_string())));
            match document {
                Some(document) => with_document(fact, document),
                None => (fact, None),
            }
        }
        Err(reason) => (fact(unknown(&reason)), None),
    }
}

/// Puts a document behind a fact.
pub(super) fn with_document(fact: Fact, document: FactDocument) -> (Fact, Option<FactDocument>) {
    let fact = Fact {
        document: Some(document.reference().clone()),
        ..fact
    };
    (fact, Some(document))
}
