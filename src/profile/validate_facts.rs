//! Rules for what a profile reads: facts, functions, grants, contents, pieces, candidates. Invariant: no two of them have the
//! same key (`keys`).

use super::findings::Findings;
use super::{ContentSpec, FactSpec, GrantScope, PathStep, Profile, SqlSpec};
use crate::survey::{FactKind, RoleSurvey};

/// Checks everything that a survey will read.
pub(super) fn validate_facts(findings: &mut Findings<'_, '_>, profile: &Profile) {
    keys(findings, profile);
    for (index, fact) in profile.facts.iter().enumerate() {
        one_fact(findings, index, fact);
    }
    for (index, function) in profile.functions.iter().enumerate() {
        let at = |key| {
            [
                PathStep::Key("functions"),
                PathStep::Index(index),
                PathStep::Key(key),
            ]
        };
        findings.not_blank(&at("label"), &function.label);
        findings.identifier(&at("schema"), &function.schema);
        findings.identifier(&at("name"), &function.name);
        expected(
            findings,
            &at("expect"),
            FactKind::Md5,
            function.expect.as_deref(),
        );
    }
    if let Some(scope) = &profile.grants {
        grants(findings, scope);
    }
    for (index, content) in profile.contents.iter().enumerate() {
        one_content(findings, index, content);
    }
    for (key, sql) in [
        ("pieces", &profile.pieces),
        ("candidates", &profile.candidates),
    ] {
        if let Some(SqlSpec { sql }) = sql {
            findings.not_blank(&[PathStep::Key(key), PathStep::Key("sql")], sql);
        }
    }
}

/// Every key is a plain word, and there is one of each.
fn keys(findings: &mut Findings<'_, '_>, profile: &Profile) {
    let listed = |list, index| {
        vec![
            PathStep::Key(list),
            PathStep::Index(index),
            PathStep::Key("key"),
        ]
    };
    let facts = profile.facts.iter().enumerate();
    let functions = profile.functions.iter().enumerate();
    let contents = profile.contents.iter().enumerate();
    let grants = profile.grants_key().map(|key| {
        let path = vec![PathStep::Key("grants"), PathStep::Key("key")];
        (path, key)
    });
    let all = facts
        .map(|(index, fact)| (listed("facts", index), fact.key.as_str()))
        .chain(functions.map(|(index, f)| (listed("functions", index), f.key.as_str())))
        .chain(grants)
        .chain(contents.map(|(index, c)| (listed("contents", index), c.key.as_str())));
    let mut seen: Vec<&str> = RoleSurvey::FACTS.to_vec();
    for (path, key) in all {
        let word = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase() || c == '_';
        if key.is_empty() || !key.chars().all(word) {
            findings.refuse(&path, format!("key {key:?} must be of a-z, 0-9 and _"));
        } else if RoleSurvey::FACTS.contains(&key) {
            findings.refuse(
                &path,
                format!("key {key:?} is a fact that every survey has already"),
            );
        } else if seen.contains(&key) {
            findings.refuse(&path, format!("there are two facts with the key {key:?}"));
        }
        seen.push(key);
    }
}

fn one_fact(findings: &mut Findings<'_, '_>, index: usize, fact: &FactSpec) {
    let here = [PathStep::Key("facts"), PathStep::Index(index)];
    let at = |key| [here[0], here[1], PathStep::Key(key)];
    findings.not_blank(&at("label"), &fact.label);
    match (&fact.sql, &fact.count) {
        (Some(sql), None) => findings.not_blank(&at("sql"), sql),
        // The table goes into the text of the query, so its form is checked strictly.
        (None, Some(table)) if qualified(table) => {}
        (None, Some(_)) => {
            let message = "count must name a table with its schema, such as public.orders";
            findings.refuse(&at("count"), message);
        }
        (Some(_), Some(_)) => findings.refuse(&at("count"), "a fact has sql or count, not both"),
        (None, None) => {
            findings.refuse(&here, format!("the fact {:?} needs sql or count", fact.key));
        }
    }
    match (&fact.filter, &fact.count) {
        (Some(_), None) => findings.refuse(&at("where"), "where belongs to count; sql has its own"),
        (Some(filter), Some(_)) => findings.not_blank(&at("where"), filter),
        (None, _) => {}
    }
    if fact.count.is_some() && fact.kind != FactKind::Integer {
        findings.refuse(&at("type"), "the type of a count is integer");
    }
    expected(findings, &at("expect"), fact.kind, fact.expect.as_deref());
}

fn grants(findings: &mut Findings<'_, '_>, scope: &GrantScope) {
    let at = |key| [PathStep::Key("grants"), PathStep::Key(key)];
    findings.not_blank(&at("label"), &scope.label);
    if scope.schemas.is_empty() {
        findings.refuse(&at("schemas"), "grants.schemas must name a schema");
    }
    let schemas = &scope.schemas;
    for (index, schema) in schemas.iter().enumerate() {
        findings.identifier(
            &[at("schemas")[0], at("schemas")[1], PathStep::Index(index)],
            schema,
        );
    }
    findings.distinct(&at("schemas"), schemas.iter().map(String::as_str));
    let expect = scope.expect.as_deref();
    expected(findings, &at("expect"), FactKind::Sha256, expect);
}

/// Checks a protected table: its columns, and that the key of its rows is among them.
fn one_content(findings: &mut Findings<'_, '_>, index: usize, content: &ContentSpec) {
    let at = |key| {
        [
            PathStep::Key("contents"),
            PathStep::Index(index),
            PathStep::Key(key),
        ]
    };
    let item = |key, index| [at(key).as_slice(), &[PathStep::Index(index)]].concat();
    findings.identifier(&at("schema"), &content.schema);
    findings.identifier(&at("table"), &content.table);
    for (key, list) in [("columns", &content.columns), ("row_key", &content.row_key)] {
        if list.is_empty() {
            findings.refuse(&at(key), format!("{key} must name a column"));
        }
        for (index, column) in list.iter().enumerate() {
            findings.identifier(&item(key, index), column);
        }
        findings.distinct(&at(key), list.iter().map(String::as_str));
    }
    for (index, column) in content.hide.iter().enumerate() {
        let problem = if !content.columns.contains(column) {
            let columns = content.columns.join(", ");
            format!("hide {column:?} is none of the columns: {columns}")
        } else if content.row_key.contains(column) {
            format!("hide {column:?} is part of row_key, which names rows wherever they are shown")
        } else {
            continue;
        };
        findings.refuse(&item("hide", index), problem);
    }
    findings.distinct(&at("hide"), content.hide.iter().map(String::as_str));
    for (index, column) in content.row_key.iter().enumerate() {
        if !content.columns.contains(column) {
            let columns = content.columns.join(", ");
            let message = format!("row_key {column:?} is none of the columns: {columns}");
            findings.refuse(&item("row_key", index), message);
        }
    }
}

/// Refuses an expectation that no value of the kind could meet.
fn expected(
    findings: &mut Findings<'_, '_>,
    path: &[PathStep<'_>],
    kind: FactKind,
    expect: Option<&str>,
) {
    let Some(expect) = expect else { return };
    let hex = |length| {
        let digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        expect.len() == length && expect.bytes().all(digit)
    };
    let (possible, allowed) = match kind {
        FactKind::Text => (true, "any text"),
        FactKind::Integer => (expect.parse::<i128>().is_ok(), "a whole number"),
        FactKind::Boolean => (["true", "false"].contains(&expect), "true or false"),
        FactKind::Md5 => (hex(32), "32 characters of 0-9 and a-f"),
        FactKind::Sha256 | FactKind::Content => (hex(64), "64 characters of 0-9 and a-f"),
    };
    if !possible {
        findings.refuse(
            path,
            format!("expect {expect:?} can never be met: it must be {allowed}"),
        );
    }
}

/// `schema.table`, each a plain name or one in double quotes.
fn qualified(table: &str) -> bool {
    let Some(rest) = after_name(table) else {
        return false;
    };
    rest.strip_prefix('.').and_then(after_name) == Some("")
}

/// What follows the name that the text begins with, `None` where it begins with none. A quoted name with a doubled quote in it
/// is refused.
fn after_name(text: &str) -> Option<&str> {
    if let Some(quoted) = text.strip_prefix('"') {
        let end = quoted.find('"')?;
        let (name, rest) = (&quoted[..end], &quoted[end + 1..]);
        return (!name.is_empty() && !name.contains('\0') && !rest.starts_with('"'))
            .then_some(rest);
    }
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let end = text.find(|c| !legal(c)).unwrap_or(text.len());
    let starts = |c: char| c.is_ascii_lowercase() || c == '_';
    text.starts_with(starts).then(|| &text[end..])
}
