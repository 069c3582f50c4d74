//! What a server answers of one protected table, in the format of the run, and whether its rows are read for a document.
//! Invariant: whatever tables there are, documents are bounded (test `documents_are_bounded_each_and_together`).

use super::content_document::DocumentBuilder;
use super::content_sums::{self, ServerDigest};
use super::error::{CallError, UnknownReason};
use super::row_digests::RowDigests;
use super::wire::{AnswerRows, row_cost};
use crate::profile::ContentSpec;
use crate::survey::{ContentColumn, EvidenceFormat, FactDocument, decoded_row};

/// The longest document in bytes, and how long all documents of a survey may be together: each is in memory until it is kept.
pub(super) const DOCUMENT_MAX: usize = 24 << 20;
const DOCUMENTS_MAX: u64 = 40 << 20;

/// Rows that are read for several documents in one round trip, in bytes of memory.
const GROUP_MAX: u64 = 4 << 20;

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
                document_bytes: 0,
                cost: 0,
                check: DocumentCheck::Sums(sums),
            }),
            Self::Rows(digests) => {
                let (rows, bytes) = (digests.rows, digests.bytes);
                let columns = columns(spec, &digests.columns).map_err(CallError::Refused)?;
                let names = columns.iter().map(|column| column.name.len() as u64 + 6);
                Ok(TableContent {
                    rows,
                    // A row of a document has the key, the names, quotes, and here and there an escape.
                    document_bytes: bytes
                        .saturating_add(bytes / 8)
                        .saturating_add(rows.saturating_mul(16 + names.sum::<u64>())),
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
    /// The value.
    pub(super) value: String,
    /// About how long its document is.
    pub(super) document_bytes: u64,
    /// What its rows take in memory as an answer.
    cost: u64,
    /// What its rows are checked by.
    pub(super) check: DocumentCheck,
}

impl TableContent {
    /// The value and the document of all rows, if they give what the server digested.
    pub(super) fn document(
        &self,
        rows: AnswerRows,
    ) -> Result<(String, Option<FactDocument>), UnknownReason> {
        match &self.check {
            DocumentCheck::Sums(sums) => {
                let (value, document) = content_sums::digest_rows(rows, sums)?;
                Ok((value, Some(document)))
            }
            DocumentCheck::Rows(columns) => {
                let mut builder = DocumentBuilder::new(columns, self.document_bytes);
                builder.add(rows)?;
                Ok((self.value.clone(), builder.finish(&self.value)?))
            }
        }
    }
}

/// What the rows of a document are checked by, beside the value.
#[derive(Debug)]
pub(super) enum DocumentCheck {
    /// Format 1.
    Sums(ServerDigest),
    /// Format 2: the columns that a row has.
    Rows(Vec<ContentColumn>),
}

/// How a document is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DocumentPlan {
    /// Several in one round trip: the places of their tables.
    Together(Vec<usize>),
    /// One by itself, in as many answers as it needs.
    Alone(usize),
}

/// Which tables get a document, and how: a table whose rows are too much, alone or beside `held` bytes and those before it,
/// gets none.
pub(super) fn document_plans<'t>(
    held: u64,
    tables: impl Iterator<Item = Option<&'t TableContent>>,
) -> Vec<DocumentPlan> {
    let (mut plans, mut group) = (Vec::new(), Vec::new());
    let (mut in_group, mut in_all) = (0, held);
    for (nth, table) in tables.enumerate() {
        let Some(table) = table else { continue };
        let short = match table.check {
            DocumentCheck::Sums(_) => table.rows <= ROWS_MAX_OF_FORMAT_ONE,
            DocumentCheck::Rows(_) => {
                table.document_bytes
                    <= (DOCUMENT_MAX as u64).min(DOCUMENTS_MAX.saturating_sub(in_all))
            }
        };
        if !short {
            continue;
        }
        in_all += table.document_bytes;
        if table.cost > GROUP_MAX {
            plans.push(DocumentPlan::Alone(nth));
            continue;
        }
        if in_group + table.cost > GROUP_MAX {
            plans.push(DocumentPlan::Together(std::mem::take(&mut group)));
            in_group = 0;
        }
        in_group += table.cost;
        group.push(nth);
    }
    plans.push(DocumentPlan::Together(group));
    plans
}

#[cfg(test)]
mod tests {
    use super::{DocumentCheck, DocumentPlan, TableContent, TableDigest, document_plans};
    use crate::survey::EvidenceFormat;

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

    #[test]
    fn documents_are_bounded_each_and_together() {
        use DocumentPlan::{Alone, Together};
        let table = |mib: u64| TableContent {
            rows: 1,
            value: String::new(),
            document_bytes: mib << 20,
            cost: mib << 20,
            check: DocumentCheck::Rows(Vec::new()),
        };
        let tables = [3, 25, 2, 20, 1, 1, 24, 12, 2].map(table);
        let plans = |held: u64| document_plans(held << 20, tables.iter().map(Some));
        assert_eq!(
            plans(0),
            [
                Together(vec![0]),
                Alone(3),
                Alone(7),
                Together(vec![2, 4, 5])
            ]
        );
        assert_eq!(plans(34), [Together(vec![0]), Together(vec![2, 4])]);
        assert_eq!(plans(40), [Together(Vec::new())]);
    }
}
