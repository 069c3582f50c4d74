//! The document of a protected table (format 2), built row by row in the order of the server.
//! Invariant: it is kept only if its rows give the value of the server (test
//! `rows_that_do_not_give_the_value_of_the_server_are_not_believed`).

use super::content::one_line;
use super::cursor::AnswerTaker;
use super::error::{CallError, UnknownReason};
use super::statement::Statement;
use super::table_digest::{DOCUMENT_MAX, DocumentCheck, TableContent};
use super::wire::AnswerRows;
use crate::profile::ContentSpec;
use crate::runner::target::Progress;
use crate::survey::{
    ContentColumn, ContentHasher, FactDocument, Hasher, RowDigest, columns_line, decoded_row,
    encoded_columns, row_line,
};

/// A document up to so many bytes is kept however short it was expected to be.
const TEXT_MAX_AT_LEAST: usize = 1 << 20;

/// A document that is being built.
pub(super) struct DocumentBuilder<'c> {
    columns: &'c [ContentColumn],
    text: String,
    text_max: usize,
    digests: Vec<RowDigest>,
}

impl<'c> DocumentBuilder<'c> {
    /// A document without rows; `bytes` are expected, and one that has more than twice as many, or too many, is given up: a
    /// character that is written as an escape takes six.
    pub(super) fn new(columns: &'c [ContentColumn], bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or_default();
        let mut text = String::with_capacity(bytes);
        text.push_str(&columns_line(columns));
        text.push('\n');
        Self {
            columns,
            text,
            text_max: bytes
                .saturating_mul(2)
                .clamp(TEXT_MAX_AT_LEAST, DOCUMENT_MAX),
            digests: Vec::new(),
        }
    }

    /// Adds rows of key and encoded row.
    pub(super) fn add(&mut self, rows: AnswerRows) -> Result<(), UnknownReason> {
        for row in rows {
            let Ok([Some(key), Some(row)]) = <[Option<String>; 2]>::try_from(row) else {
                return Err("a row of the table cannot be read".into());
            };
            let mut hasher = Hasher::new();
            hasher.update(&row);
            self.digests.push(hasher.finish_bytes());
            if self.is_given_up() {
                continue;
            }
            let values = decoded_row(&row);
            let line = values.and_then(|values| row_line(&one_line(&key), self.columns, &values));
            self.text
                .push_str(&line.ok_or("a row of the table cannot be read")?);
            self.text.push('\n');
            if self.text.len() > self.text_max {
                self.text = String::new();
            }
        }
        Ok(())
    }

    /// A document that is kept has at least the line of its columns.
    fn is_given_up(&self) -> bool {
        self.text.is_empty()
    }

    /// The document, if its rows give `value`; `None`: it is too long.
    pub(super) fn finish(mut self, value: &str) -> Result<Option<FactDocument>, UnknownReason> {
        self.digests.sort_unstable();
        let mut hasher = ContentHasher::new(encoded_columns(self.columns));
        for digest in &self.digests {
            hasher.add(digest);
        }
        let own = hasher.finish();
        if own != value {
            return Err(format!("server and client digests differ: {value} and {own}").into());
        }
        let kept = !self.is_given_up();
        Ok(kept.then(|| FactDocument::new(self.text)))
    }
}

/// A document whose rows come in several answers.
pub(super) struct LongDocument<'a, 'c> {
    /// What is built.
    pub(super) builder: DocumentBuilder<'c>,
    /// What an answer is asked for with.
    pub(super) fetch: Statement,
    rows_of_answer: u64,
    progress: Progress,
    tell: &'a mut dyn FnMut(Progress),
}

impl<'a, 'c> LongDocument<'a, 'c> {
    /// The document of a table; `None`: it is not of this format.
    pub(super) fn of(
        spec: &ContentSpec,
        table: &'c TableContent,
        tell: &'a mut dyn FnMut(Progress),
    ) -> Option<Self> {
        let DocumentCheck::Rows(columns) = &table.check else {
            return None;
        };
        // Some 1 MiB for each answer, by how long a row is in the middle.
        let (rows_of_answer, fetch) = match table.document_bytes / table.rows.max(1) {
            ..512 => (2_000, Statement::FETCH_MANY),
            512..10_240 => (100, Statement::FETCH_SOME),
            _ => (4, Statement::FETCH_FEW),
        };
        Some(Self {
            builder: DocumentBuilder::new(columns, table.document_bytes),
            fetch,
            rows_of_answer,
            progress: Progress {
                what: format!("Rows of {}", spec.key),
                noun: "rows",
                done: 0,
                total: Some(table.rows),
            },
            tell,
        })
    }
}

impl AnswerTaker for LongDocument<'_, '_> {
    fn wants(&self, asked_for: usize) -> bool {
        let coming = asked_for as u64 * self.rows_of_answer;
        self.progress
            .total
            .is_some_and(|total| self.progress.done + coming < total)
    }

    fn take(&mut self, rows: AnswerRows) -> Result<(), CallError> {
        if rows.is_empty() {
            let reason = format!("only {} rows of the table were read", self.progress.done);
            return Err(CallError::Refused(reason.into()));
        }
        self.progress.done += rows.len() as u64;
        self.builder.add(rows).map_err(CallError::Refused)?;
        (self.tell)(self.progress.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::DocumentBuilder;
    use crate::survey::{
        ContentColumn, ContentHasher, Hasher, content_of_document, encoded_columns, encoded_row,
    };

    fn row(id: &str, note: Option<&str>) -> Vec<Option<String>> {
        vec![Some(id.to_owned()), Some(encoded_row([Some(id), note]))]
    }

    #[test]
    fn rows_that_do_not_give_the_value_of_the_server_are_not_believed() {
        let columns = ["id", "note"].map(|name| ContentColumn {
            name: name.to_owned(),
            type_name: "text".to_owned(),
            hidden: false,
        });
        let built = |rows: Vec<Vec<Option<String>>>| {
            let mut builder = DocumentBuilder::new(&columns, 0);
            builder.add(rows).expect("rows");
            builder
        };
        let rows = || vec![row("a", Some("null\t\n")), row("b", None)];
        let text = "(columns)\t{\"id\":\"text\",\"note\":\"text\"}\n\
             a\t{\"id\":\"a\",\"note\":\"null\\t\\n\"}\nb\t{\"id\":\"b\",\"note\":null}\n";
        let read_back = content_of_document(text).expect("a document");
        assert_eq!(read_back.rows, 2);
        let value = read_back.value.expect("nothing is hidden");
        let document = built(rows()).finish(&value).expect("equal");
        assert_eq!(document.expect("short").text(), text);
        assert!(built(rows()).finish("v2:other").is_err());
        assert!(
            built(vec![row("a", Some("null\t\n"))])
                .finish(&value)
                .is_err()
        );
        assert!(built([rows(), rows()].concat()).finish(&value).is_err());

        let controls = "\u{1}".repeat(300_000);
        let long = vec![row("a", Some(&controls)), row("b", None)];
        let mut hasher = ContentHasher::new(encoded_columns(&columns));
        let mut digests: Vec<_> = [row("a", Some(&controls)), row("b", None)]
            .iter()
            .map(|row| {
                let mut hasher = Hasher::new();
                hasher.update(row[1].as_deref().unwrap_or_default());
                hasher.finish_bytes()
            })
            .collect();
        digests.sort_unstable();
        for digest in &digests {
            hasher.add(digest);
        }
        assert_eq!(
            built(long).finish(&hasher.finish()),
            Ok(None),
            "escapes make it too long"
        );
    }
}
