//! What a server answers of one protected table, in the format of the run, and the document made of its rows.
//! Invariant: a document is kept only of rows that give the value of the server (test
//! `rows_that_do_not_give_the_value_of_the_server_are_not_believed`).

use super::content::one_line;
use super::content_sums::{self, ServerDigest};
use super::error::{CallError, UnknownReason};
use super::row_digests::RowDigests;
use super::wire::{AnswerRows, row_cost};
use crate::profile::ContentSpec;
use crate::survey::{
    ContentColumn, ContentHasher, EvidenceFormat, FactDocument, Hasher, columns_line, decoded_row,
    encoded_columns, row_line,
};

/// The longest document, in bytes of memory while it is read, and how much all documents of a survey may be together.
const DOCUMENT_MAX: u64 = 8 << 20;
const DOCUMENTS_MAX: u64 = 3 * DOCUMENT_MAX;

/// Up to so many rows a table has a document in format 1.
const ROWS_MAX_OF_FORMAT_ONE: u64 = 200_000;

/// A digest that is read part by part.
#[derive(Debug)]
pub(super) enum TableDigest {
    /// Format 1.
    Sums(ServerDigest),
    /// Format 2.
    Rows(RowDigests),
}

impl TableDigest {
    /// Of no part so far.
    pub(super) fn new(format: EvidenceFormat) -> Self {
        match format {
            EvidenceFormat::One => Self::Sums(ServerDigest::EMPTY),
            EvidenceFormat::Two => Self::Rows(RowDigests::new()),
        }
    }

    /// From the first row of the answer; `None`: there are more.
    pub(super) fn of(
        format: EvidenceFormat,
        answer: &AnswerRows,
    ) -> Result<Option<Self>, CallError> {
        let mut digest = Self::new(format);
        let first = answer.first().map_or(&[][..], Vec::as_slice);
        let last = digest.add(0, first)?;
        Ok((last == 0).then_some(digest))
    }

    /// Adds a row of the answer, which must be the next; gives the number of the last.
    pub(super) fn add(&mut self, nth: u64, row: &[Option<String>]) -> Result<u64, CallError> {
        let unreadable = || CallError::Refused("the digest of the server cannot be read".into());
        let [Some(part), Some(last), cells @ ..] = row else {
            return Err(unreadable());
        };
        let number = |cell: &String| cell.parse::<u64>().map_err(|_| unreadable());
        if number(part)? != nth {
            return Err(unreadable());
        }
        match self {
            Self::Sums(sums) => sums.add(cells).map_err(CallError::Refused)?,
            Self::Rows(rows) => rows.add(cells)?,
        }
        number(last)
    }

    /// The table as it was digested.
    pub(super) fn finish(self, spec: &ContentSpec) -> Result<TableContent, CallError> {
        match self {
            Self::Sums(sums) => Ok(TableContent {
                rows: sums.rows,
                value: sums.value(),
                cost: 0,
                check: DocumentCheck::Sums(sums),
            }),
            Self::Rows(digests) => {
                let (rows, bytes) = (digests.rows, digests.bytes);
                let columns = columns(spec, &digests.columns).map_err(CallError::Refused)?;
                Ok(TableContent {
                    rows,
                    // The key, which is made of some of the columns, comes beside the row.
                    cost: bytes
                        .saturating_mul(2)
                        .saturating_add(rows.saturating_mul(row_cost(2))),
                    check: DocumentCheck::Rows(columns),
                    value: digests.value()?,
                })
            }
        }
    }
}

/// The columns as the server names and types them.
fn columns(spec: &ContentSpec, encoded: &str) -> Result<Vec<ContentColumn>, UnknownReason> {
    let unreadable = || UnknownReason::from("the columns of the table cannot be read");
    let cells = decoded_row(encoded).ok_or_else(unreadable)?;
    let columns: Vec<ContentColumn> = cells
        .chunks_exact(2)
        .filter_map(|pair| match pair {
            [Some(name), Some(type_name)] => Some(ContentColumn {
                name: (*name).to_owned(),
                type_name: (*type_name).to_owned(),
                hidden: spec.hide.iter().any(|hidden| hidden == name),
            }),
            _ => None,
        })
        .collect();
    let names = columns.iter().map(|column| &column.name);
    if names.eq(&spec.columns) {
        Ok(columns)
    } else {
        Err(unreadable())
    }
}

/// A protected table whose digest is complete.
#[derive(Debug)]
pub(super) struct TableContent {
    /// Number of rows.
    pub(super) rows: u64,
    value: String,
    cost: u64,
    check: DocumentCheck,
}

/// What its rows are checked by.
#[derive(Debug)]
enum DocumentCheck {
    Sums(ServerDigest),
    Rows(Vec<ContentColumn>),
}

impl TableContent {
    /// The value where there is no document.
    pub(super) fn into_value(self) -> String {
        self.value
    }

    /// The value and the document of rows that were read; an error when the server's own digest says otherwise.
    pub(super) fn with_rows(
        self,
        rows: AnswerRows,
    ) -> Result<(String, FactDocument), UnknownReason> {
        match &self.check {
            DocumentCheck::Sums(sums) => content_sums::digest_rows(rows, sums),
            DocumentCheck::Rows(columns) => {
                let (value, document) = document(rows, columns)?;
                if value != self.value {
                    return Err(format!(
                        "server and client digests differ: {} and {value}",
                        self.value
                    )
                    .into());
                }
                Ok((value, document))
            }
        }
    }
}

/// Which tables get a document, in groups that are read together: a table whose rows are too much, alone or beside those before
/// it, gets none.
pub(super) fn document_groups<'t>(
    tables: impl Iterator<Item = Option<&'t TableContent>>,
) -> Vec<Vec<usize>> {
    let mut groups = vec![Vec::new()];
    let (mut in_group, mut in_all) = (0, 0);
    for (nth, table) in tables.enumerate() {
        let Some(table) = table else { continue };
        let cost = match table.check {
            DocumentCheck::Sums(_) if table.rows <= ROWS_MAX_OF_FORMAT_ONE => 0,
            DocumentCheck::Rows(_) if table.cost <= DOCUMENT_MAX => table.cost,
            DocumentCheck::Sums(_) | DocumentCheck::Rows(_) => continue,
        };
        if in_all + cost > DOCUMENTS_MAX {
            continue;
        }
        in_all += cost;
        if in_group + cost > DOCUMENT_MAX {
            groups.push(Vec::new());
            in_group = 0;
        }
        in_group += cost;
        if let Some(group) = groups.last_mut() {
            group.push(nth);
        }
    }
    groups
}

/// The value and the document of rows of key and encoded row.
fn document(
    rows: AnswerRows,
    columns: &[ContentColumn],
) -> Result<(String, FactDocument), UnknownReason> {
    let mut lines = Vec::with_capacity(rows.len());
    let mut digests = Vec::with_capacity(rows.len());
    for row in rows {
        let Ok([Some(key), Some(row)]) = <[Option<String>; 2]>::try_from(row) else {
            return Err("a row of the table cannot be read".into());
        };
        let mut hasher = Hasher::new();
        hasher.update(&row);
        digests.push(hasher.finish_bytes());
        let values = decoded_row(&row);
        let line = values.and_then(|values| row_line(&one_line(&key), columns, &values));
        lines.push(line.ok_or("a row of the table cannot be read")?);
    }
    digests.sort_unstable();
    let mut hasher = ContentHasher::new(encoded_columns(columns));
    digests.iter().for_each(|digest| hasher.add(digest));
    // The order of a table's rows means nothing and may differ from one read to the next.
    lines.sort_by(|one, two| one.split_once('\t').cmp(&two.split_once('\t')));
    let mut text = columns_line(columns);
    text.push('\n');
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    Ok((hasher.finish(), FactDocument { text }))
}

#[cfg(test)]
mod tests {
    use super::{DocumentCheck, TableContent, TableDigest, document, document_groups};
    use crate::survey::{ContentColumn, EvidenceFormat, content_of_document, encoded_row};

    fn columns() -> Vec<ContentColumn> {
        let column = |name: &str| ContentColumn {
            name: name.to_owned(),
            type_name: "text".to_owned(),
            hidden: false,
        };
        vec![column("id"), column("note")]
    }

    #[test]
    fn parts_that_are_missing_doubled_or_out_of_order_are_no_digest() {
        let part = |cells: [&str; 5]| cells.map(|cell| Some(cell.to_owned())).to_vec();
        let [one, two, three] = [
            part(["0", "2", "5", "-7", "70"]),
            part(["1", "2", "0", "0", "0"]),
            part(["2", "2", "4", "9", "-1"]),
        ];
        let of = |parts: &[&Vec<Option<String>>]| {
            let mut whole = TableDigest::new(EvidenceFormat::One);
            let added = parts.iter().enumerate();
            let mut added = added.map(|(nth, part)| whole.add(nth as u64, part));
            added.try_fold(0, |_, last| last)
        };
        assert_eq!(of(&[&one, &two, &three]), Ok(2));
        for wrong in [&[&one, &one, &three][..], &[&two, &three]] {
            assert!(of(wrong).is_err());
        }
        let mut without_end = one;
        without_end[1] = None;
        assert!(of(&[&without_end]).is_err(), "a view that hides ctid");
        let none = TableDigest::of(EvidenceFormat::Two, &Vec::new());
        assert!(none.is_err(), "no answer");
    }

    fn row(id: &str, note: Option<&str>) -> Vec<Option<String>> {
        vec![Some(id.to_owned()), Some(encoded_row([Some(id), note]))]
    }

    #[test]
    fn rows_that_do_not_give_the_value_of_the_server_are_not_believed() {
        let rows = || vec![row("b", None), row("a", Some("null\t\n"))];
        let (value, written) = document(rows(), &columns()).expect("rows");
        let table = |value: &str| TableContent {
            rows: 2,
            value: value.to_owned(),
            cost: 0,
            check: DocumentCheck::Rows(columns()),
        };
        let (same, kept) = table(&value).with_rows(rows()).expect("the same value");
        assert_eq!((&same, &kept), (&value, &written));
        assert!(table("v2:other").with_rows(rows()).is_err());
        assert!(table(&value).with_rows(vec![row("a", None)]).is_err());
        let read_back = content_of_document(&written.text).expect("a document");
        assert_eq!((read_back.rows, read_back.value), (2, Some(value)));
        assert_eq!(
            written.text,
            "(columns)\t{\"id\":\"text\",\"note\":\"text\"}\n\
             a\t{\"id\":\"a\",\"note\":\"null\\t\\n\"}\nb\t{\"id\":\"b\",\"note\":null}\n"
        );
    }

    #[test]
    fn documents_are_read_in_groups_and_a_table_that_is_too_much_has_none() {
        let table = |mib: u64| TableContent {
            rows: 1,
            value: String::new(),
            cost: mib << 20,
            check: DocumentCheck::Rows(Vec::new()),
        };
        let tables = [5, 9, 3, 4, 8, 5, 1].map(table);
        let groups = document_groups(tables.iter().map(Some));
        assert_eq!(groups, [vec![0, 2], vec![3], vec![4], vec![6]]);
    }
}
