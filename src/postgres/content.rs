//! Content digests of protected tables. Every digest counts and covers every row of one snapshot, whatever the order of the
//! rows.

use std::borrow::Cow;

use md5::{Digest as _, Md5};

use super::error::UnknownReason;
use super::wire::AnswerRows;
use crate::profile::ContentSpec;
use crate::survey::{FactDocument, Hasher};

/// Up to so many rows a table's rows are read, hashed here with SHA-256 and kept as a document, so that a changed row can be
/// named. They are in memory at once: at 300 bytes a row some 100 MB. `Statement::FETCH_ROWS` asks for one more.
pub(super) const DOCUMENT_ROWS_MAX: u64 = 200_000;

/// A name in double quotes.
pub(super) fn quoted(name: &str) -> String {
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

/// So many blocks of a table are digested by one FETCH, so that no statement of a long table meets the statement timeout: 4 MB.
const PART_BLOCKS: u32 = 512;

/// PostgreSQL 13 reads the whole table for each part: it gets at most so many.
const PARTS_WITHOUT_RANGE_SCAN: u32 = 16;

/// What the digest calls besides what any SQL may call: how long a table is, how long a block is, which server answers.
pub(super) const CALLED: [&str; 2] = ["pg_catalog.current_setting", "pg_catalog.pg_relation_size"];

/// A row for each part of the table: number of the part, number of the last, count, and the sums of both halves of the md5 of
/// every row with its length before it: equal rows do not cancel out, order does not matter, and the parts add up to the digest
/// of the whole.
///
/// A part is a range of blocks, in every partition or child alike; the last one has no end, so that every row is in one. `ctid`
/// of a relation without blocks is that of the constant beside it, so that a view is one part; one that has a column of that
/// name has no parts and cannot be digested.
/// `OFFSET 0` keeps the planner from writing the inner expressions out again wherever they are used.
pub(super) fn digest_sql(spec: &ContentSpec) -> String {
    let table = format!("{}.{}", quoted(&spec.schema), quoted(&spec.table));
    let relation = format!("'{}'::pg_catalog.regclass", table.replace('\'', "''"));
    let rows = rows_sql(spec);
    format!(
        r#"SELECT "drygate part".n::pg_catalog.text AS value, "drygate size".last::pg_catalog.text, d.rows, d.high, d.low
  FROM (SELECT z.step, CASE WHEN NOT z.hidden THEN z.blocks / z.step END AS last
          FROM (SELECT y.blocks, y.hidden,
                       CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 140000 THEN {PART_BLOCKS}
                            ELSE greatest({PART_BLOCKS}, y.blocks / {PARTS_WITHOUT_RANGE_SCAN} + 1) END AS step
                  FROM (SELECT (WITH RECURSIVE f AS (SELECT {relation}::pg_catalog.oid AS oid
                                                            UNION SELECT i.inhrelid FROM f JOIN pg_catalog.pg_inherits AS i ON i.inhparent = f.oid)
                                SELECT coalesce(pg_catalog.max(pg_catalog.pg_relation_size(f.oid::pg_catalog.regclass)), 0) FROM f)
                                 / pg_catalog.current_setting('block_size')::pg_catalog.int8 AS blocks,
                               EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                                        WHERE a.attrelid = {relation} AND a.attname = 'ctid' AND a.attnum > 0) AS hidden) AS y) AS z) AS "drygate size"
 CROSS JOIN (VALUES ('(0,0)'::pg_catalog.tid)) AS "drygate constant" (ctid)
 CROSS JOIN LATERAL pg_catalog.generate_series(0, coalesce("drygate size".last, 0)) AS "drygate part" (n)
 CROSS JOIN LATERAL (
SELECT pg_catalog.count(*)::pg_catalog.text AS rows,
       coalesce(pg_catalog.sum(('x' || pg_catalog.substr(h.md5, 1, 16))::pg_catalog.bit(64)::pg_catalog.int8), 0)::pg_catalog.text AS high,
       coalesce(pg_catalog.sum(('x' || pg_catalog.substr(h.md5, 17, 16))::pg_catalog.bit(64)::pg_catalog.int8), 0)::pg_catalog.text AS low
  FROM (SELECT pg_catalog.md5(pg_catalog.convert_to(pg_catalog.octet_length(r.row)::pg_catalog.text || ':', 'UTF8') || r.row) AS md5
          FROM (SELECT pg_catalog.convert_to(pg_catalog.row_to_json(q)::pg_catalog.text, 'UTF8') AS row
                  FROM ({rows}
 WHERE ctid >= ('(' || "drygate part".n * "drygate size".step || ',0)')::pg_catalog.tid
   AND ctid < (CASE WHEN "drygate part".n = "drygate size".last THEN '(4294967295,0)'
                    ELSE '(' || ("drygate part".n + 1) * "drygate size".step || ',0)' END)::pg_catalog.tid
                       ) AS q OFFSET 0) AS r OFFSET 0) AS h) AS d"#
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

    /// From all rows of the answer to [`digest_sql`]; `None`: there are more parts than these.
    pub(super) fn of(rows: &AnswerRows) -> Result<Option<Self>, UnknownReason> {
        let mut whole = Self::EMPTY;
        let mut last = 0;
        for (nth, row) in rows.iter().enumerate() {
            last = whole.add(nth as u64, row)?;
        }
        if rows.is_empty() {
            return Err(unreadable());
        }
        Ok((rows.len() as u64 > last).then_some(whole))
    }

    /// Adds a part, which must be the next; gives the number of the last.
    pub(super) fn add(&mut self, nth: u64, row: &[Option<String>]) -> Result<u64, UnknownReason> {
        let mut cells = row.iter().map(|cell| cell.as_deref().unwrap_or_default());
        let mut cell = || cells.next().unwrap_or_default();
        let [part, last, rows] =
            [cell(), cell(), cell()].map(|cell| cell.parse::<u64>().map_err(|_| unreadable()));
        let [high, low] =
            [cell(), cell()].map(|cell| cell.parse::<i128>().map_err(|_| unreadable()));
        if part? != nth {
            return Err(unreadable());
        }
        self.rows += rows?;
        self.high += high?;
        self.low += low?;
        last
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
    Ok((hasher.finish().to_string(), FactDocument { text }))
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
        let zero = ServerDigest::EMPTY;
        assert!(digest_rows(rows(), &zero).is_err());
        let (empty, document) = digest_rows(Vec::new(), &zero).expect("no rows, no sums");
        assert!(crate::survey::is_of_no_rows(&empty), "{empty}");
        assert_eq!(document.text, "");
    }

    #[test]
    fn parts_that_are_missing_doubled_or_out_of_order_are_no_digest() {
        let part = |cells: [&str; 5]| cells.map(|cell| Some(cell.to_owned())).to_vec();
        let [one, two, three] = [
            part(["0", "2", "5", "-7", "70"]),
            part(["1", "2", "0", "0", "0"]),
            part(["2", "2", "4", "9", "-1"]),
        ];
        let of = |parts: &[&Vec<_>]| {
            let rows = parts.iter().map(|part| (*part).clone()).collect();
            ServerDigest::of(&rows)
        };
        let whole = of(&[&one, &two, &three]).expect("readable").expect("whole");
        assert_eq!((whole.rows, whole.high, whole.low), (9, 2, 69));
        assert_eq!(of(&[&one, &two]), Ok(None));
        for wrong in [&[&one, &one, &three][..], &[&two, &three], &[]] {
            assert!(of(wrong).is_err());
        }
        let mut without_end = one;
        without_end[1] = None;
        assert!(of(&[&without_end]).is_err(), "a view that hides ctid");
    }
}
