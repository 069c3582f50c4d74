//! The content digest of a table, format 2: what a row is hashed as, and how the rows give one value.
//! Invariant: two tables have one value only if their columns and rows are equal, collisions of SHA-256 aside (tests
//! `every_value_can_be_read_back` and `rows_that_differ_in_anything_differ_in_the_value`).

use super::digest::OF_NO_ROWS;
use super::fields::members;
use super::{EvidenceFormat, FactKind, Hasher};

/// Begins every value of format 2; one of format 1 is bare hex, or begins with `md5sum128:`.
const TAG: &str = "v2:";

/// The key of the first line of a document: the columns with their types.
const COLUMNS_KEY: &str = "(columns)";

/// What stands in a document for a value of a hidden column.
const HIDDEN: &str = "(hidden)";

/// What follows the type of a hidden column. No type is written so: what is no plain word ends with a quote.
const HIDDEN_TYPE: &str = " (hidden)";

/// SHA-256 of one row.
pub type RowDigest = [u8; 32];

/// One column that takes part in a content digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentColumn {
    /// Name.
    pub name: String,
    /// Type with its schema and modifier, as PostgreSQL writes it: `numeric(10,2)`.
    pub type_name: String,
    /// Whether its values are digested and never written down.
    pub hidden: bool,
}

/// The format of a content digest, by how its value begins.
pub fn content_format(value: &str) -> EvidenceFormat {
    if value.starts_with(TAG) {
        EvidenceFormat::Two
    } else {
        EvidenceFormat::One
    }
}

/// The hex digits of a content digest without what stands before them.
pub fn content_hex(value: &str) -> &str {
    value.strip_prefix(TAG).unwrap_or(value)
}

/// Adds a value: its length in bytes, a colon, its text; NULL is a tilde.
fn push_value(row: &mut String, value: Option<&str>) {
    match value {
        Some(text) => {
            row.push_str(&text.len().to_string());
            row.push(':');
            row.push_str(text);
        }
        None => row.push('~'),
    }
}

/// The text that a row is hashed as.
pub fn encoded_row<'v>(values: impl IntoIterator<Item = Option<&'v str>>) -> String {
    let mut row = String::new();
    for value in values {
        push_value(&mut row, value);
    }
    row
}

/// The values of a row from the text that it is hashed as; `None`: it is no such text.
pub fn decoded_row(mut row: &str) -> Option<Vec<Option<&str>>> {
    let mut values = Vec::new();
    while !row.is_empty() {
        if let Some(rest) = row.strip_prefix('~') {
            values.push(None);
            row = rest;
            continue;
        }
        let (length, rest) = row.split_once(':')?;
        let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        let length: usize = digits.then(|| length.parse().ok())??;
        values.push(Some(rest.get(..length)?));
        row = &rest[length..];
    }
    Some(values)
}

/// Names and types of the columns, as they are hashed before the rows.
pub fn encoded_columns(columns: &[ContentColumn]) -> String {
    let texts = columns.iter();
    encoded_row(texts.flat_map(|column| [Some(&*column.name), Some(&*column.type_name)]))
}

/// The value of a table from the digests of its rows, each given once for each row, sorted.
pub struct ContentHasher(Option<Hasher>, String);

impl ContentHasher {
    /// A table with these columns ([`encoded_columns`]) and no rows so far.
    pub fn new(columns: String) -> Self {
        Self(None, columns)
    }

    /// Adds the digest of a row. It must not be smaller than the one before.
    pub fn add(&mut self, row: &RowDigest) {
        let hasher = self.0.get_or_insert_with(|| {
            let mut hasher = Hasher::new();
            hasher.update(encoded_row([Some(&*self.1)]));
            hasher
        });
        hasher.update(row);
    }

    /// The value. No rows have the same one, whatever the columns are.
    pub fn finish(self) -> String {
        tagged(
            self.0
                .map_or(OF_NO_ROWS.to_owned(), |hasher| hasher.finish().to_string()),
        )
    }
}

/// A value of format 2 from its hex digits.
pub fn tagged(hex: impl AsRef<str>) -> String {
    format!("{TAG}{}", hex.as_ref())
}

/// The first line of a document: the columns with their types.
pub fn columns_line(columns: &[ContentColumn]) -> String {
    let types = columns.iter().map(|column| {
        let hidden = if column.hidden { HIDDEN_TYPE } else { "" };
        (
            column.name.as_str(),
            Some(format!("{}{hidden}", column.type_name)),
        )
    });
    format!("{COLUMNS_KEY}\t{}", object(types))
}

/// A row of a document: every value as the text that PostgreSQL gives for it, or null. `None`: the row has other columns.
pub fn row_line(key: &str, columns: &[ContentColumn], values: &[Option<&str>]) -> Option<String> {
    if columns.len() != values.len() {
        return None;
    }
    let shown = columns.iter().zip(values).map(|(column, value)| {
        let text = if column.hidden { Some(HIDDEN) } else { *value };
        (column.name.as_str(), text.map(str::to_owned))
    });
    Some(format!("{key}\t{}", object(shown)))
}

/// A JSON object with its members in order.
fn object<'n>(members: impl Iterator<Item = (&'n str, Option<String>)>) -> String {
    let members: Vec<String> = members
        .map(|(name, text)| {
            let text = serde_json::Value::from(text);
            format!("{}:{text}", serde_json::Value::from(name))
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Whether a line is the first one of a document: the columns, and no row.
pub fn names_columns(line: &str) -> bool {
    let rest = line.strip_prefix(COLUMNS_KEY);
    rest.is_some_and(|rest| rest.starts_with('\t'))
}

/// The hidden columns that the first line of a document names.
pub fn hidden_columns(first_line: &str) -> Vec<String> {
    let types = first_line.strip_prefix(COLUMNS_KEY).and_then(members);
    let hidden = types.into_iter().flatten().filter(|(_, type_name)| {
        let text = type_name.as_deref().unwrap_or_default();
        text.ends_with(HIDDEN_TYPE)
    });
    hidden.map(|(name, _)| name).collect()
}

/// What a document says of its table.
#[derive(Debug, PartialEq, Eq)]
pub struct DocumentContent {
    /// How many rows it has.
    pub rows: u64,
    /// The value of the table; `None`: columns are hidden, and the document alone does not give it.
    pub value: Option<String>,
}

/// Computes the value of a table again from its document; an error says which line is none of a document.
pub fn content_of_document(text: &str) -> Result<DocumentContent, String> {
    let mut lines = text.lines();
    let first = lines.next().and_then(|line| line.strip_prefix(COLUMNS_KEY));
    let types = first.and_then(members).ok_or("line 1 has no columns")?;
    let columns: Vec<ContentColumn> = types
        .into_iter()
        .map(|(name, text)| {
            let text = text.unwrap_or_default();
            let shown = text.strip_suffix(HIDDEN_TYPE);
            ContentColumn {
                hidden: shown.is_some(),
                type_name: shown.unwrap_or(&text).to_owned(),
                name,
            }
        })
        .collect();
    let mut digests = Vec::new();
    for (at, line) in lines.enumerate() {
        let row = members(line).filter(|row| {
            let names = row.iter().map(|(name, _)| name);
            names.eq(columns.iter().map(|column| &column.name))
        });
        let row = row.ok_or_else(|| format!("line {} is no row", at + 2))?;
        let mut hasher = Hasher::new();
        hasher.update(encoded_row(row.iter().map(|(_, text)| text.as_deref())));
        digests.push(hasher.finish_bytes());
    }
    let rows = digests.len() as u64;
    let hidden = columns.iter().any(|column| column.hidden);
    // The document is in the order of its key, which a collation decides; the value must not depend on it.
    digests.sort_unstable();
    let mut hasher = ContentHasher::new(encoded_columns(&columns));
    for digest in &digests {
        hasher.add(digest);
    }
    Ok(DocumentContent {
        rows,
        value: (!hidden || rows == 0).then(|| hasher.finish()),
    })
}

/// Whether both values are content digests, of two formats: neither equal nor different.
pub fn content_of_two_formats(kind: FactKind, one: Option<&str>, two: Option<&str>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => {
            kind == FactKind::Content && content_format(one) != content_format(two)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, type_name: &str, hidden: bool) -> ContentColumn {
        ContentColumn {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            hidden,
        }
    }

    fn document(columns: &[ContentColumn], rows: &[&[Option<&str>]]) -> String {
        let rows = rows
            .iter()
            .map(|row| row_line("k", columns, row).expect("as many values"));
        let lines: Vec<String> = std::iter::once(columns_line(columns)).chain(rows).collect();
        lines.join("\n") + "\n"
    }

    fn value(columns: &[ContentColumn], rows: &[&[Option<&str>]]) -> Option<String> {
        content_of_document(&document(columns, rows))
            .expect("a document")
            .value
    }

    #[test]
    fn every_value_can_be_read_back() {
        let texts = [
            "",
            "~",
            "1:a",
            "null",
            "a\tb\n\r",
            "é漢\u{feff}",
            "(hidden)",
            "0:",
        ];
        let rows: Vec<Vec<Option<&str>>> = texts
            .iter()
            .flat_map(|one| texts.map(|two| vec![Some(*one), None, Some(two)]))
            .chain([vec![], vec![None, None, None]])
            .collect();
        for row in rows {
            assert_eq!(decoded_row(&encoded_row(row.iter().copied())), Some(row));
        }
        for wrong in ["1", "2:a", "1:é", "+1:a", ":a", "x"] {
            assert_eq!(decoded_row(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rows_that_differ_in_anything_differ_in_the_value() {
        let columns = [column("a", "text", false), column("b", "text", false)];
        let values = [
            value(&columns, &[&[Some("x"), None]]),
            value(&columns, &[&[Some("x"), Some("null")]]),
            value(&columns, &[&[Some("x"), Some("")]]),
            value(&columns, &[&[None, Some("x")]]),
            value(&columns, &[&[Some("x"), None], &[Some("x"), None]]),
            value(
                &[column("a", "text", false), column("b", "integer", false)],
                &[&[Some("x"), None]],
            ),
            value(
                &[column("a", "text", false), column("c", "text", false)],
                &[&[Some("x"), None]],
            ),
            value(&columns, &[]),
        ];
        for (at, one) in values.iter().enumerate() {
            assert!(one.is_some());
            assert!(!values[..at].contains(one), "{at}");
        }
        let rows: [&[Option<&str>]; 2] = [&[Some("x"), None], &[Some("y"), None]];
        assert_eq!(value(&columns, &rows), value(&columns, &[rows[1], rows[0]]));
    }

    #[test]
    fn a_hidden_value_is_in_no_document_and_its_table_has_no_value_by_it() {
        let columns = [column("a", "text", false), column("b", "text", true)];
        let text = document(&columns, &[&[Some("x"), Some("s3cret")]]);
        assert!(!text.contains("s3cret"), "{text}");
        let found = content_of_document(&text).expect("a document");
        assert_eq!((found.rows, found.value), (1, None));
        assert_eq!(
            hidden_columns(text.lines().next().unwrap_or_default()),
            ["b"]
        );
    }
}
