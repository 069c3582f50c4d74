//! Surveys, their facts and the grant matrix, for reports 08, 09 and 11. A value prints with its provenance, an unknown one
//! with its reason and NOT CHECKED.

use serde_json::{Value, json};

use super::ReportInput;
use crate::survey::{Depth, Digest, Fact, Observed, RoleSurvey, ServerIdentity, Survey};

const NOT_CHECKED: &str = "NOT CHECKED";

/// A survey for reports 08 and 09; `null` where none was taken. `asked`: whether the run asks for the two streams.
pub(super) fn survey(taken: Option<&Survey>, asked: bool) -> Value {
    let Some(taken) = taken else {
        return Value::Null;
    };
    let stream = |name: &str, stream: Option<&crate::survey::StreamDigest>| {
        stream.map_or_else(
            || format!("{name}={}", if asked { NOT_CHECKED } else { "not asked" }),
            |s| format!("{name}={} rows, sha256 {}", s.rows, s.sha256),
        )
    };
    json!({
        "facts": taken.facts.iter().map(fact).collect::<Vec<_>>(),
        "digests": [
            format!("facts_digest={}", taken.facts_digest),
            format!("simulator_input_digest={}", taken.input_digest()),
            stream("source_pieces", taken.pieces.as_ref()),
            stream("live_units", taken.candidates.as_ref()),
        ],
        "snapshot": [
            format!("nonce={}", taken.snapshot.nonce),
            format!("virtual_xid={}", taken.snapshot.virtual_xid),
            format!("snapshot={}", taken.snapshot.snapshot),
            format!("server_time={}", taken.snapshot.server_time),
            format!("began_at={}", taken.snapshot.began_at),
            format!("ended_at={}", taken.snapshot.ended_at),
        ],
        "server": server(&taken.server),
    })
}

fn fact(fact: &Fact) -> Value {
    let (value, provenance) = match &fact.observed {
        Observed::Unknown { unknown } => (format!("unknown: {unknown}"), NOT_CHECKED.to_owned()),
        observed => (
            fact.value().to_owned(),
            observed
                .provenance()
                .map_or_else(|| NOT_CHECKED.to_owned(), |p| p.to_string()),
        ),
    };
    let digest = |digest: Option<String>| digest.unwrap_or_else(|| "none".to_owned());
    json!({
        "key": fact.key,
        "label": fact.label,
        "value": value,
        "provenance": provenance,
        "rows": fact.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string()),
        "document": digest(fact.document.as_ref().map(|d| format!("{} ({} lines)", d.sha256, d.lines))),
        "sql_sha256": digest(fact.sql_sha256.as_ref().map(ToString::to_string)),
    })
}

fn server(server: &ServerIdentity) -> Vec<String> {
    let known = |value: Option<&String>| {
        value
            .cloned()
            .unwrap_or_else(|| format!("{NOT_CHECKED} (the role may not read it)"))
    };
    vec![
        format!("version={}", server.version),
        format!("version_num={}", server.version_num),
        format!(
            "system_identifier={}",
            known(server.system_identifier.as_ref())
        ),
        format!("timeline={}", known(server.timeline.as_ref())),
        format!("database={}", server.database),
        format!("postmaster_start={}", server.postmaster_start),
        format!("in_recovery={}", server.in_recovery),
        format!("session_user={}", server.session_user),
        format!("current_user={}", server.current_user),
        format!("transport={}", server.transport),
    ]
}

/// Lines of the grant matrix that a report lists; the whole matrix is a blob.
const LISTED_MAX: usize = 10_000;

/// The grant matrix of pin and post survey, and what the role survey found.
pub(super) fn grants(input: &ReportInput) -> Value {
    let pin = input.run.pin.as_deref();
    let role = pin.map_or(Value::Null, |survey| {
        role(&survey.role, &input.profile.role.allow)
    });
    let Some(scope) = &input.profile.grants else {
        return json!({ "pair": Value::Null, "changed": [], "role": role });
    };
    let key = scope.key.as_str();
    let post = input.run.post.as_deref();
    let address = |survey: Option<&Survey>| -> Option<Digest> {
        Some(survey?.fact(key)?.document.as_ref()?.sha256.clone())
    };
    let before = address(pin).and_then(|digest| (input.blobs)(&digest));
    // Where both surveys saw the same document there is nothing to compare and it is not read twice.
    let after = address(post).filter(|digest| Some(digest) != address(pin).as_ref());
    let missing = match (pin.and_then(|survey| survey.fact(key)), &before) {
        (None, _) => "no survey read the grant matrix",
        (Some(_), None) => "the document behind the digest is not among the blobs of this run",
        (Some(_), Some(_)) => "",
    };
    let rows = match (&before, after.and_then(|digest| (input.blobs)(&digest))) {
        (Some(one), Some(two)) => crate::survey::compare_rows(one, &two),
        _ => Vec::new(),
    };
    let side = |value: Option<String>| value.unwrap_or_else(|| "(none)".to_owned());
    let changed_more = rows.len().saturating_sub(LISTED_MAX);
    let changed: Vec<Value> = rows
        .into_iter()
        .take(LISTED_MAX)
        .map(|row| json!({ "key": row.key, "approved": side(row.approved), "found": side(row.found) }))
        .collect();
    let value = |survey: Option<&Survey>| {
        survey
            .and_then(|survey| survey.fact(key)?.observed.value())
            .map_or_else(|| NOT_CHECKED.to_owned(), str::to_owned)
    };
    let lines = before.as_deref().map_or(0, |text| text.lines().count());
    json!({
        "key": key,
        "pair": [format!("{key}={} -> {}", value(pin), value(post))],
        "schemas": scope.schemas.join(", "),
        "missing": missing,
        "line_count": lines,
        "document": before.iter().flat_map(|text| text.lines()).take(LISTED_MAX).collect::<Vec<_>>(),
        "more": lines.saturating_sub(LISTED_MAX),
        "blob": address(pin).map(|digest| digest.to_string()),
        "changed": changed,
        "changed_more": changed_more,
        "role": role,
    })
}

fn role(role: &RoleSurvey, allow: &[String]) -> Value {
    let read_only = role.is_read_only();
    let found = |line: &String| role.findings.iter().any(|f| f.allowed && f.line() == *line);
    let allowed: Vec<String> = allow
        .iter()
        .map(|line| {
            let found = if found(line) { "found" } else { "not found" };
            format!("{line} ({found})")
        })
        .collect();
    json!({
        "role": role.role,
        "read_only": read_only.map_or_else(|| NOT_CHECKED.to_owned(), |is| is.to_string()),
        "derivation": role.derivation(Depth::Whole).into_iter().map(|line| line.text).collect::<Vec<_>>(),
        "allowed": allowed,
    })
}
