//! Content digests of protected tables. Invariant: every digest counts and covers every row of one snapshot, whatever their order.

use std::borrow::Cow;

use md5::{Digest as _, Md5};

use super::error::CallError;
use super::wire::Rows;
use crate::profile::ContentSpec;
use crate::survey::{Document, Hasher};

/// Up to so many rows a table's rows are read, hashed here with SHA-256 and kept as a document, so that a changed row can be named.
/// They are in memory at once: at 300 bytes a row some 100 MB. `Statement::FETCH_ROWS` asks for one more.
pub(super) const DOCUMENT_ROWS_MAX: u64 = 200_000;

/// A name in double quotes.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn rows_sql(spec: &ContentSpec) -> String {
    let columns: Vec<String> = spec.columns.iter().map(|c| quoted(c)).collect();
    format!(
        "SELECT {} FROM {}.{}",
        columns.join(", "),
        quoted(&spec.schema),
        quoted(&spec.table)
    )
}

/// Count, and the sums of both halves of the md5 of every row with its length before it: equal rows do not cancel out, order does not matter.
/// `OFFSET 0` keeps the planner from writing the inner expressions out again wherever they are used.
pub(super) fn digest_sql(spec: &ContentSpec) -> String {
    format!(
        "SELECT pg_catalog.count(*)::pg_catalog.text AS value,
       coalesce(pg_catalog.sum(('x' || pg_catalog.substr(h.md5, 1, 16))::pg_catalog.bit(64)::pg_catalog.int8), 0)::pg_catalog.text AS high,
       coalesce(pg_catalog.sum(('x' || pg_catalog.substr(h.md5, 17, 16))::pg_catalog.bit(64)::pg_catalog.int8), 0)::pg_catalog.text AS low
  FROM (SELECT pg_catalog.md5(pg_catalog.convert_to(pg_catalog.octet_length(r.row)::pg_catalog.text || ':', 'UTF8') || r.row) AS md5
          FROM (SELECT pg_catalog.convert_to(pg_catalog.row_to_json(q)::pg_catalog.text, 'UTF8') AS row
                  FROM ({}) AS q OFFSET 0) AS r OFFSET 0) AS h",
        rows_sql(spec)
    )
}

/// The rows themselves, as key and JSON.
pub(super) fn document_sql(spec: &ContentSpec) -> String {
    let key: Vec<String> = spec
        .row_key
        .iter()
        .map(|column| format!("coalesce(q.{}::pg_catalog.text, '')", quoted(column)))
        .collect();
    format!(
        "SELECT {} AS key, pg_catalog.row_to_json(q)::pg_catalog.text AS row FROM ({}) AS q",
        key.join(" || '/' || "),
        rows_sql(spec)
    )
}

/// Which transactions left the newest rows as they are: the same keys, read beside the content and never part of its digest.
pub(super) fn origin_sql(spec: &ContentSpec) -> String {
    let key: Vec<String> = spec
        .row_key
        .iter()
        .map(|column| format!("coalesce(t.{}::pg_catalog.text, '')", quoted(column)))
        .collect();
    format!(
        "SELECT {} AS key, t.xmin::pg_catalog.text AS xmin,
       CASE WHEN pg_catalog.current_setting('track_commit_timestamp') = 'on' AND t.xmin::pg_catalog.text::pg_catalog.int8 > 2
            THEN pg_catalog.pg_xact_commit_timestamp(t.xmin)::pg_catalog.text END AS committed
  FROM {}.{} AS t
 ORDER BY pg_catalog.age(t.xmin)
 LIMIT 1000",
        key.join(" || '/' || "),
        quoted(&spec.schema),
        quoted(&spec.table)
    )
}

/// What the server counted and summed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerDigest {
    /// Rows.
    pub(super) rows: u64,
    high: i128,
    low: i128,
}

impl ServerDigest {
    /// From the answer to [`digest_sql`].
    pub(super) fn of(rows: &Rows) -> Result<Self, CallError> {
        let cells: Option<Vec<&str>> = rows.first().map(|row| {
            row.iter()
                .map(|cell| cell.as_deref().unwrap_or(""))
                .collect()
        });
        let unreadable = || CallError::Refused {
            code: "XX000".to_owned(),
            message: "the digest of the server cannot be read".to_owned(),
        };
        let Some([count, high, low]) = cells.as_deref() else {
            return Err(unreadable());
        };
        Ok(Self {
            rows: count.parse().map_err(|_| unreadable())?,
            high: high.parse().map_err(|_| unreadable())?,
            low: low.parse().map_err(|_| unreadable())?,
        })
    }

    /// The value of a table that is too long for a document: the algorithm, then both sums.
    pub(super) fn value(&self) -> String {
        format!("md5sum128:{:x}:{:x}", self.high, self.low)
    }
}

/// The digest and the document of rows that were read; an error when the server's own digest says otherwise.
pub(super) fn digest_rows(rows: Rows, server: &ServerDigest) -> Result<(String, Document), String> {
    let mut lines: Vec<(String, String)> = rows
        .into_iter()
        .map(|row| {
            let mut cells = row.into_iter().map(Option::unwrap_or_default);
            (
                cells.next().unwrap_or_default(),
                cells.next().unwrap_or_default(),
            )
        })
        .collect();
    lines.sort();
    let mut own = ServerDigest {
        rows: 0,
        high: 0,
        low: 0,
    };
    let mut hasher = Hasher::new();
    let mut text = String::new();
    for (key, json) in &lines {
        own.rows += 1;
        let (high, low) = halves(json);
        own.high += i128::from(high);
        own.low += i128::from(low);
        let line = format!("{}\t{}", one_line(key), one_line(json));
        hasher.field(&line);
        text.push_str(&line);
        text.push('\n');
    }
    if own != *server {
        return Err(format!(
            "server and client digests differ: {} rows {} and {} rows {}",
            server.rows,
            server.value(),
            own.rows,
            own.value()
        ));
    }
    Ok((hasher.finish().to_string(), Document { text }))
}

fn halves(json: &str) -> (i64, i64) {
    let mut hasher = Md5::new();
    hasher.update(format!("{}:", json.len()));
    hasher.update(json);
    let hash: [u8; 16] = hasher.finalize().into();
    let all = u128::from_be_bytes(hash);
    let low_bits = all & u128::from(u64::MAX);
    let signed = |bits: u128| u64::try_from(bits).unwrap_or(0).cast_signed();
    (signed(all >> 64), signed(low_bits))
}

/// Text that stays one line and one field; a tab or line break becomes its escape.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(['\t', '\n', '\r']) {
        return Cow::Borrowed(text);
    }
    let escaped = text
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::{ServerDigest, digest_rows};

    #[test]
    fn a_server_that_counts_otherwise_is_not_believed() {
        let rows = || vec![vec![Some("a".to_owned()), Some("{}".to_owned())]];
        let zero = ServerDigest {
            rows: 0,
            high: 0,
            low: 0,
        };
        assert!(digest_rows(rows(), &zero).is_err());
        let (empty, document) = digest_rows(Vec::new(), &zero).expect("no rows, no sums");
        assert!(crate::survey::is_of_no_rows(&empty), "{empty}");
        assert_eq!(document.text, "");
    }
}
