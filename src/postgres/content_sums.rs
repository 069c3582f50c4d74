//! Content digests of format 1, for runs that were begun by version 0.1.0: the rows as JSON, and sums of md5. A run keeps its
//! format to its end.

use md5::{Digest as _, Md5};

use super::content::{PartSql, one_line, rows_sql};
use super::error::UnknownReason;
use super::wire::AnswerRows;
use crate::profile::ContentSpec;
use crate::survey::{FactDocument, Hasher, quoted_identifier};

/// What is computed of a part: the count, and the sums of both halves of the md5 of every row with its length before it: equal
/// rows do not cancel out, order does not matter, and the parts add up to the digest of the whole.
pub(super) fn part_sql() -> PartSql {
    PartSql {
        answer: "d.rows, d.high, d.low",
        columns: "NULL".to_owned(),
        digest: "SELECT pg_catalog.count(*)::pg_catalog.text AS rows,
       coalesce(pg_catalog.sum(('x' || pg_catalog.substr(h.md5, 1, 16))::pg_catalog.bit(64)::pg_catalog.int8), 0)::pg_catalog.text AS high,
       coalesce(pg_catalog.sum(('x' || pg_catalog.substr(h.md5, 17, 16))::pg_catalog.bit(64)::pg_catalog.int8), 0)::pg_catalog.text AS low
  FROM (SELECT pg_catalog.md5(pg_catalog.convert_to(pg_catalog.octet_length(r.row)::pg_catalog.text || ':', 'UTF8') || r.row) AS md5
          FROM (SELECT pg_catalog.convert_to(pg_catalog.row_to_json(q)::pg_catalog.text, 'UTF8') AS row"
            .to_owned(),
        rest: "OFFSET 0) AS r OFFSET 0) AS h) AS d",
    }
}

/// The rows themselves, as key and JSON.
pub(super) fn document_sql(spec: &ContentSpec) -> String {
    let key: Vec<String> = spec
        .row_key
        .iter()
        .map(|column| {
            format!(
                "coalesce(q.{}::pg_catalog.text, '')",
                quoted_identifier(column)
            )
        })
        .collect();
    format!(
        "SELECT {} AS key, pg_catalog.row_to_json(q)::pg_catalog.text AS row FROM ({}) AS q",
        key.join(" || '/' || "),
        rows_sql(spec)
    )
}

fn unreadable() -> UnknownReason {
    "the digest of the server cannot be read".into()
}

/// What the server counted and summed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerDigest {
    /// Number of rows.
    pub(super) rows: u64,
    high: i128,
    low: i128,
}

impl ServerDigest {
    /// The digest of no rows.
    pub(super) const EMPTY: Self = Self {
        rows: 0,
        high: 0,
        low: 0,
    };

    /// Adds a part: its rows and both sums.
    pub(super) fn add(&mut self, cells: &[Option<String>]) -> Result<(), UnknownReason> {
        let [Some(rows), Some(high), Some(low)] = cells else {
            return Err(unreadable());
        };
        let sum = |cell: &String| cell.parse::<i128>().map_err(|_| unreadable());
        self.rows += rows.parse::<u64>().map_err(|_| unreadable())?;
        self.high += sum(high)?;
        self.low += sum(low)?;
        Ok(())
    }

    /// The value of a table that is too long for a document: the algorithm, then both sums.
    pub(super) fn value(&self) -> String {
        format!("md5sum128:{:x}:{:x}", self.high, self.low)
    }
}

/// The digest and the document of rows that were read; an error when the server's own digest says otherwise.
pub(super) fn digest_rows(
    rows: AnswerRows,
    server: &ServerDigest,
) -> Result<(String, FactDocument), UnknownReason> {
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
    // The order of a table's rows means nothing and may differ from one read to the next.
    lines.sort();
    let mut own = ServerDigest::EMPTY;
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
    // Client and server must agree on the same bytes; otherwise something between them changed the data, and neither digest is
    // believed.
    if own != *server {
        return Err(format!(
            "server and client digests differ: {} rows {} and {} rows {}",
            server.rows,
            server.value(),
            own.rows,
            own.value()
        )
        .into());
    }
    Ok((hasher.finish().to_string(), FactDocument::new(text)))
}

fn halves(json: &str) -> (i64, i64) {
    let mut hasher = Md5::new();
    // The same as in `digest_sql`: length, colon, row.
    hasher.update(format!("{}:", json.len()));
    hasher.update(json);
    let hash: [u8; 16] = hasher.finalize().into();
    let all = u128::from_be_bytes(hash);
    let low_bits = all & u128::from(u64::MAX);
    let signed = |bits: u128| u64::try_from(bits).unwrap_or(0).cast_signed();
    (signed(all >> 64), signed(low_bits))
}

#[cfg(test)]
mod tests {
    use super::{ServerDigest, digest_rows};

    #[test]
    fn a_server_that_counts_otherwise_is_not_believed() {
        let rows = || vec![vec![Some("a".to_owned()), Some("{}".to_owned())]];
        let zero = ServerDigest::EMPTY;
        assert!(digest_rows(rows(), &zero).is_err());
        let (empty, document) = digest_rows(Vec::new(), &zero).expect("no rows, no sums");
        assert!(crate::survey::is_of_no_rows(&empty), "{empty}");
        assert_eq!(document.text(), "");
    }
}
