//! SQL that reads protected tables: the digest part by part, the rows, and who wrote them.
//! Invariant: whatever way the rows lie in, every row is in exactly one part (test
//! `a_long_table_is_digested_in_parts_that_add_up_to_the_whole` of tests/adversarial_sql).

use std::borrow::Cow;

use super::content_sums;
use crate::planted::{PlantedBug, planted};
use crate::profile::ContentSpec;
use crate::survey::{EvidenceFormat, quoted_identifier};

/// A text constant.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn table(spec: &ContentSpec) -> String {
    format!(
        "{}.{}",
        quoted_identifier(&spec.schema),
        quoted_identifier(&spec.table)
    )
}

/// The columns of the profile, one row for each of the table.
pub(super) fn rows_sql(spec: &ContentSpec) -> String {
    let columns: Vec<String> = spec.columns.iter().map(|c| quoted_identifier(c)).collect();
    format!("SELECT {} FROM {}", columns.join(", "), table(spec))
}

/// So many blocks of a table are digested by one FETCH, so that no statement of a long table meets the statement timeout and no
/// answer is long: 2 MB of a table, and up to eight times that beside it (TOAST).
const PART_BLOCKS: u32 = 256;
const PART_BLOCKS_IN_ALL: u32 = 8 * PART_BLOCKS;

/// PostgreSQL 13 reads the whole table for each part: it gets at most so many for each of its sizes beside it (TOAST).
const PARTS_WITHOUT_RANGE_SCAN: u32 = 16;

/// What the digest calls besides what any SQL may call: how long a table is, how long a block is, which server answers, what a
/// type is called, and what is NULL.
pub(super) const CALLED: [&str; 5] = [
    "pg_catalog.current_setting",
    "pg_catalog.format_type",
    "pg_catalog.num_nulls",
    "pg_catalog.pg_relation_size",
    "pg_catalog.pg_table_size",
];

/// What a format computes of the rows of one part.
pub(super) struct PartSql {
    /// The columns of the answer, from `d`.
    pub(super) answer: &'static str,
    /// What is computed, from the relation `q` behind it.
    pub(super) digest: String,
    /// What follows the relation.
    pub(super) rest: &'static str,
    /// The bytes that the value of the table begins with, as an expression.
    pub(super) columns: String,
}

/// A row for each part of the table, behind one that says how many there are if there are several: number of the row, number of
/// the last, then what the format computes of the part.
///
/// A part is a range of blocks, in every partition or child alike; the last one has no end, so that every row is in one. `ctid`
/// of a relation without blocks is that of the constant beside it, so that a view is one part; one that has a column of that
/// name has no parts and cannot be digested.
/// `OFFSET 0` keeps the planner from writing the inner expressions out again wherever they are used.
pub(super) fn digest_sql(spec: &ContentSpec, format: EvidenceFormat) -> String {
    let relation = format!("{}::pg_catalog.regclass", literal(&table(spec)));
    let rows = rows_sql(spec);
    let PartSql {
        answer,
        digest,
        rest,
        columns,
    } = match format {
        EvidenceFormat::One => content_sums::part_sql(),
        EvidenceFormat::Two => part_sql(spec, &relation),
    };
    format!(
        r#"SELECT ("drygate part".n + "drygate size".several)::pg_catalog.text AS value, ("drygate size".last + "drygate size".several)::pg_catalog.text, {answer}
  FROM (SELECT w.step, w.last, CASE WHEN w.last > 0 THEN 1 ELSE 0 END AS several, {columns} AS columns
          FROM (SELECT z.step, CASE WHEN NOT z.hidden THEN z.blocks / z.step END AS last
                  FROM (SELECT y.blocks, y.hidden,
                               greatest(CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 140000 THEN 1
                                             ELSE y.blocks / (y.whole / y.main * {PARTS_WITHOUT_RANGE_SCAN}) + 1 END,
                                        least({PART_BLOCKS}, {PART_BLOCKS_IN_ALL} * y.main / y.whole) / y.tables) AS step
                          FROM (SELECT s.blocks, greatest(s.main, 1) AS main, greatest(s.whole, s.main, 1) AS whole, greatest(s.tables, 1) AS tables,
                                       EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                                                WHERE a.attrelid = {relation} AND a.attname = 'ctid' AND a.attnum > 0) AS hidden
                                  FROM (WITH RECURSIVE f AS (SELECT {relation}::pg_catalog.oid AS oid
                                                             UNION SELECT i.inhrelid FROM f JOIN pg_catalog.pg_inherits AS i ON i.inhparent = f.oid)
                                        SELECT coalesce(pg_catalog.max(pg_catalog.pg_relation_size(f.oid::pg_catalog.regclass)), 0)
                                                 / pg_catalog.current_setting('block_size')::pg_catalog.int8 AS blocks,
                                               pg_catalog.sum(pg_catalog.pg_relation_size(f.oid::pg_catalog.regclass))::pg_catalog.int8 AS main,
                                               pg_catalog.sum(pg_catalog.pg_table_size(f.oid::pg_catalog.regclass))::pg_catalog.int8 AS whole,
                                               pg_catalog.count(*) FILTER (WHERE pg_catalog.pg_relation_size(f.oid::pg_catalog.regclass) > 0) AS tables
                                          FROM f) AS s) AS y) AS z) AS w) AS "drygate size"
 CROSS JOIN (VALUES ('(0,0)'::pg_catalog.tid)) AS "drygate constant" (ctid)
 CROSS JOIN LATERAL pg_catalog.generate_series(-"drygate size".several, coalesce("drygate size".last, 0)) AS "drygate part" (n)
 CROSS JOIN LATERAL (
{digest}
                  FROM ({rows}
 WHERE "drygate part".n >= 0
   AND ctid >= ('(' || greatest("drygate part".n, 0) * "drygate size".step || ',0)')::pg_catalog.tid
   AND ctid < (CASE WHEN "drygate part".n = "drygate size".last THEN '(4294967295,0)'
                    ELSE '(' || ("drygate part".n + 1) * "drygate size".step || ',0)' END)::pg_catalog.tid
                       ) AS q {rest}"#
    )
}

/// Format 2: count, bytes, columns, and of a table that is one part the digest of the whole, of any other the sorted digests of
/// the rows of the part, in hex.
fn part_sql(spec: &ContentSpec, relation: &str) -> PartSql {
    let names = spec.columns.iter().zip(1_u32..);
    let names: Vec<String> = names
        .map(|(name, nth)| format!("({nth}, {})", literal(name)))
        .collect();
    let names = names.join(", ");
    let value = |text: &str| {
        format!(
            "pg_catalog.octet_length(pg_catalog.convert_to({text}, 'UTF8'))::pg_catalog.text || ':' || {text}"
        )
    };
    // As `encoded_columns` writes them.
    let (name, type_name) = (value("n.name"), value("n.type_name"));
    let columns = format!(
        "(SELECT pg_catalog.convert_to(pg_catalog.string_agg({name} || {type_name}, '' ORDER BY n.nth), 'UTF8')
                  FROM (SELECT c.nth, c.name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name
                          FROM (VALUES {names}) AS c (nth, name)
                          JOIN pg_catalog.pg_attribute AS a ON a.attrelid = {relation} AND a.attname = c.name AND NOT a.attisdropped OFFSET 0) AS n)"
    );
    let row = row_sql(spec);
    let texts = texts_sql(spec);
    PartSql {
        answer: "d.rows, d.bytes, pg_catalog.convert_from(\"drygate size\".columns, 'UTF8'), d.digest, d.digests",
        columns,
        digest: format!(
            r#"SELECT a.rows::pg_catalog.text, a.bytes::pg_catalog.text,
       CASE WHEN "drygate size".several = 0
            THEN pg_catalog.encode(pg_catalog.sha256(CASE WHEN a.rows = 0 THEN ''
                   ELSE pg_catalog.convert_to(pg_catalog.octet_length("drygate size".columns)::pg_catalog.text || ':', 'UTF8')
                        || "drygate size".columns || a.digests END), 'hex') END AS digest,
       CASE WHEN "drygate size".several = 1 THEN pg_catalog.encode(a.digests, 'hex') END AS digests
  FROM (SELECT pg_catalog.count(*) AS rows, coalesce(pg_catalog.sum(h.bytes), 0) AS bytes, coalesce(pg_catalog.string_agg(h.digest, '' ORDER BY h.digest), '') AS digests
          FROM (SELECT pg_catalog.octet_length(r.row) AS bytes, pg_catalog.sha256(r.row) AS digest
          FROM (SELECT pg_catalog.convert_to({row}, 'UTF8') AS row
          FROM (SELECT {texts}"#
        ),
        rest: "OFFSET 0) AS v OFFSET 0) AS r OFFSET 0) AS h) AS a) AS d",
    }
}

/// A row as the text that it is hashed as (`encoded_row`), from [`texts_sql`].
fn row_sql(spec: &ContentSpec) -> String {
    let null = if planted(PlantedBug::DigestWithoutNullMark) {
        "0:"
    } else {
        "~"
    };
    let values = (1..=spec.columns.len()).map(|nth| {
        format!("coalesce(octet_length(convert_to(v.t{nth}, 'UTF8'))::pg_catalog.text || ':' || v.t{nth}, '{null}')")
    });
    values.collect::<Vec<_>>().join("\n || ")
}

/// The values of a row, each as its type writes it: `concat` calls the output function of a type and never a cast to text, and
/// `num_nulls` finds NULL and not a composite of NULLs.
fn texts_sql(spec: &ContentSpec) -> String {
    let texts = spec.columns.iter().zip(1_u32..).map(|(name, nth)| {
        let name = quoted_identifier(name);
        format!("CASE WHEN pg_catalog.num_nulls(q.{name}) = 0 THEN concat(q.{name}) END AS t{nth}")
    });
    texts.collect::<Vec<_>>().join(",\n")
}

/// The rows themselves, as key and as the text that is hashed, in an order that no locale changes.
pub(super) fn document_sql(spec: &ContentSpec) -> String {
    format!(
        "SELECT r.key, r.row
  FROM (SELECT v.key, {} AS row
          FROM (SELECT {} AS key,\n{} FROM ({}) AS q OFFSET 0) AS v OFFSET 0) AS r
 ORDER BY pg_catalog.convert_to(r.key, 'UTF8'), pg_catalog.convert_to(r.row, 'UTF8')",
        row_sql(spec),
        key_sql(spec, "q"),
        texts_sql(spec),
        rows_sql(spec)
    )
}

/// What names a row for people: its key columns with slashes between.
fn key_sql(spec: &ContentSpec, of: &str) -> String {
    let key = spec.row_key.iter();
    let key: Vec<String> = key
        .map(|column| format!("concat({of}.{})", quoted_identifier(column)))
        .collect();
    key.join(" || '/' || ")
}

/// Which transactions left the newest rows as they are: the same keys, read beside the content and never part of its digest.
pub(super) fn origin_sql(spec: &ContentSpec) -> String {
    // The order is over a subquery: over the table itself PostgreSQL plans it for each partition, in the square of their number.
    format!(
        "SELECT o.key, o.xmin::pg_catalog.text AS xmin,
       CASE WHEN pg_catalog.current_setting('track_commit_timestamp') = 'on' AND o.xmin::pg_catalog.text::pg_catalog.int8 > 2
            THEN pg_catalog.pg_xact_commit_timestamp(o.xmin)::pg_catalog.text END AS committed
  FROM (SELECT {} AS key, t.xmin FROM {} AS t OFFSET 0) AS o
 ORDER BY pg_catalog.age(o.xmin)
 LIMIT 1000",
        key_sql(spec, "t"),
        table(spec)
    )
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
