//! The definition of each protected table, with its partitions and children as parts of it.
//! Invariant: a table that is not there has no definition and is unknown (`Definitions::facts`), and however many partitions there
//! are, one part and the documents that are kept are in memory (`Definitions::close`).

use std::collections::BTreeMap;

use super::call::{Call, PlannedRead};
use super::cursor::{self, AnswerTaker};
use super::error::{CallError, UnknownReason};
use super::facts::of_digest;
use super::read_batch::ReadAnswer;
use super::session::Session;
use super::statement::Statement;
use super::surroundings::line;
use super::wire::AnswerRows;
use crate::profile::Profile;
use crate::runner::target::TargetError;
use crate::survey::{Fact, FactDocument, FactPart, Hasher, definition_key};

/// What the definitions are called in messages.
const NAME: &str = "definitions";

/// Rows of one answer of [`Statement::FETCH_LINES`]; fewer of them are the last.
const ROWS_OF_ANSWER: usize = 250;

/// Bytes of all documents of definitions together: a longer one has its digest and its parts alone.
const DOCUMENTS_MAX: usize = 12 << 20;

/// Parts of all definitions together: all of them stand in one line of the journal.
const PARTS_MAX: usize = 50_000;

/// A fact and its document.
type DefinitionFacts = Vec<(Fact, Option<FactDocument>)>;

fn declared(tables: &str) -> Call {
    Call::with(Statement::DECLARE_DEFINITIONS, vec![tables.to_owned()])
}

/// The first answer of the definitions of these tables, a JSON list; it is the whole unless it is as long as an answer can be.
pub(super) fn first_read(tables: &str) -> PlannedRead {
    PlannedRead::cursor(NAME, declared(tables), Statement::FETCH_LINES)
}

/// A fact for each protected table of the profile, from the first answer and, where that is not all, from the whole read again, of
/// rows of key, part, name and value; and from the publications that contain the tables, of key, name and value.
pub(super) async fn facts(
    session: &mut Session,
    profile: &Profile,
    tables: &str,
    (first, publications): (ReadAnswer, ReadAnswer),
) -> Result<DefinitionFacts, TargetError> {
    let (first, mut definitions) = match (first, publications) {
        (Ok(first), Ok(publications)) => (first, Definitions::with(&publications)),
        (Err(reason), _) | (_, Err(reason)) => return Ok(unknown(profile, &reason)),
    };
    if first.len() < ROWS_OF_ANSWER {
        definitions.add(&first);
    } else {
        let (declare, fetch) = (declared(tables), &Statement::FETCH_LINES);
        let read = cursor::read(session, NAME, declare, fetch, &mut definitions).await?;
        if let Err(reason) = read {
            return Ok(unknown(profile, &reason));
        }
    }
    Ok(definitions.facts(profile))
}

fn unknown(profile: &Profile, reason: &UnknownReason) -> DefinitionFacts {
    let tables = profile.contents.iter();
    tables
        .map(|spec| {
            let key = definition_key(&spec.key);
            of_digest(profile, (&key, &key), Err(reason.clone()))
        })
        .collect()
}

/// One table, as far as its parts were read.
#[derive(Default)]
struct Definition {
    hasher: Hasher,
    /// The document; `None`: it is too long to be kept.
    text: Option<String>,
    parts: Vec<FactPart>,
}

/// The table itself, a partition or a child, whose rows are being read.
struct OpenPart {
    key: String,
    part: String,
    lines: Vec<String>,
    without_rows: bool,
}

/// The definitions as their rows come, sorted by table and part.
#[derive(Default)]
struct Definitions {
    tables: BTreeMap<String, Definition>,
    /// By table.
    publications: BTreeMap<String, Vec<String>>,
    open: Option<OpenPart>,
    /// Bytes of the documents that are held.
    held: usize,
    parts: usize,
    ended: bool,
}

impl Definitions {
    fn with(publications: &AnswerRows) -> Self {
        let mut by_table: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in publications {
            if let Some(Some(key)) = row.first() {
                let lines = by_table.entry(key.clone()).or_default();
                lines.push(line(&row[1..]));
            }
        }
        Self {
            publications: by_table,
            ..Self::default()
        }
    }

    fn add(&mut self, rows: &AnswerRows) {
        for row in rows {
            let [Some(key), Some(part), name, value] = row.as_slice() else {
                continue;
            };
            let is_open = |open: &OpenPart| open.key == *key && open.part == *part;
            if !self.open.as_ref().is_some_and(is_open) {
                self.close();
                let publications = part.is_empty().then(|| self.publications.remove(key));
                self.open = Some(OpenPart {
                    key: key.clone(),
                    part: part.clone(),
                    lines: publications.flatten().unwrap_or_default(),
                    without_rows: false,
                });
            }
            let Some(open) = &mut self.open else { continue };
            if name.as_deref() == Some("rows") {
                // Not a line: blocks come and go with VACUUM, while no row changes.
                open.without_rows = value.as_deref() == Some("none");
                continue;
            }
            let text = line(&[name.clone(), value.clone()]);
            open.lines.push(if part.is_empty() {
                text
            } else {
                format!("[{part}] {text}")
            });
        }
    }

    /// Digests the part that was read.
    fn close(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        // Catalogues have no order of their own.
        open.lines.sort_unstable();
        let table = self.tables.entry(open.key).or_insert_with(|| Definition {
            text: Some(String::new()),
            ..Definition::default()
        });
        let mut of_part = Hasher::new();
        for line in &open.lines {
            of_part.field(line);
            table.hasher.update(line);
            table.hasher.update("\n");
            let Some(text) = &mut table.text else {
                continue;
            };
            text.push_str(line);
            text.push('\n');
            self.held += line.len() + 1;
            if self.held > DOCUMENTS_MAX {
                self.held -= text.len();
                table.text = None;
            }
        }
        table.parts.push(FactPart {
            name: open.part,
            sha256: of_part.finish(),
            without_rows: open.without_rows,
        });
        self.parts += 1;
    }

    fn facts(mut self, profile: &Profile) -> DefinitionFacts {
        let too_many = self.parts > PARTS_MAX;
        // What was still to come of this table was not read.
        let cut = self.open.as_ref().filter(|_| too_many);
        let cut = cut.map(|open| open.key.clone());
        self.close();
        let mut fact = |spec: &crate::profile::ContentSpec| {
            let key = definition_key(&spec.key);
            let read = self.tables.remove(&spec.key);
            let read = read.filter(|_| cut.as_ref() != Some(&spec.key));
            let (found, parts) = match read {
                Some(read) => (
                    Ok((read.hasher.finish(), read.text.map(FactDocument::new))),
                    read.parts,
                ),
                None if too_many => (Err(too_many_parts()), Vec::new()),
                None => {
                    let missing = format!("{}.{} does not exist", spec.schema, spec.table);
                    (Err(missing.into()), Vec::new())
                }
            };
            let (fact, document) = of_digest(profile, (&key, &key), found);
            (Fact { parts, ..fact }, document)
        };
        profile.contents.iter().map(&mut fact).collect()
    }
}

fn too_many_parts() -> UnknownReason {
    format!("protected tables have more than {PARTS_MAX} partitions and children together").into()
}

impl AnswerTaker for Definitions {
    fn wants(&self, _: usize) -> bool {
        !self.ended
    }

    fn take(&mut self, rows: AnswerRows) -> Result<(), CallError> {
        self.add(&rows);
        self.ended |= rows.len() < ROWS_OF_ANSWER || self.parts > PARTS_MAX;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{AnswerTaker as _, DOCUMENTS_MAX, Definitions, PARTS_MAX, ROWS_OF_ANSWER};
    use crate::profile::built_in;
    use crate::survey::{Digest, Fact, parts_of};

    const KEY: &str = "unit_version";

    fn row(part: &str, name: &str, value: &str) -> Vec<Option<String>> {
        [KEY, part, name, value]
            .map(|cell| Some(cell.to_owned()))
            .to_vec()
    }

    /// The fact of the table, and its document.
    fn read(rows: &[Vec<Option<String>>]) -> (Fact, Option<String>) {
        let publication = [KEY, "publication p", "rows"].map(|cell| Some(cell.to_owned()));
        let mut definitions = Definitions::with(&vec![publication.to_vec()]);
        for answer in rows.chunks(ROWS_OF_ANSWER) {
            assert!(definitions.wants(0));
            definitions.take(answer.to_vec()).expect("it is taken");
        }
        let (profile, _) = built_in("icx-const").expect("it parses");
        let mut facts = definitions.facts(&profile).into_iter();
        let of_key = facts.find(|(fact, _)| fact.key.as_str() == "definition.unit_version");
        let (fact, document) = of_key.expect("a fact for each table");
        (fact, document.map(|document| document.text().to_owned()))
    }

    #[test]
    fn a_document_has_the_lines_of_each_part_together() {
        let (fact, document) = read(&[
            row("", "owner", "o"),
            row("", "kind", "table"),
            row("p.one", "rows", "none"),
            row("p.one", "kind", "table"),
        ]);
        let document = document.expect("it is short");
        assert_eq!(
            document,
            "kind\ttable\nowner\to\npublication p\trows\n[p.one] kind\ttable\n"
        );
        assert_eq!(fact.value(), Digest::of(&document).as_str());
        let parts = parts_of(&document);
        let read = fact.parts.iter().map(|part| (&part.name, &part.sha256));
        assert!(parts.iter().eq(read));
        let without: Vec<bool> = fact.parts.iter().map(|part| part.without_rows).collect();
        assert_eq!(without, [false, true]);
    }

    #[test]
    fn a_table_with_too_many_partitions_is_unknown_by_name() {
        let parts = |count: usize| {
            let mut rows = vec![row("", "owner", "o")];
            rows.extend((1..count).map(|nth| row(&format!("p.{nth:06}"), "kind", "table")));
            rows
        };
        let (fact, _) = read(&parts(PARTS_MAX));
        assert_eq!(fact.parts.len(), PARTS_MAX);
        let mut definitions = Definitions::default();
        let rows = parts(PARTS_MAX + 2 * ROWS_OF_ANSWER);
        let mut answers = rows.chunks(ROWS_OF_ANSWER);
        while definitions.wants(0) {
            let answer = answers.next().expect("it stops before the end");
            definitions.take(answer.to_vec()).expect("it is taken");
        }
        let (profile, _) = built_in("icx-const").expect("it parses");
        let facts = definitions.facts(&profile);
        let unknown = facts.iter().map(|(fact, _)| format!("{:?}", fact.observed));
        let more = "protected tables have more than 50000 partitions and children together";
        assert!(unknown.into_iter().all(|unknown| unknown.contains(more)));
    }

    /// Texts of many megabytes. `make check` leaves these out.
    mod exhaustive {
        use super::*;

        #[test]
        fn a_long_definition_has_the_same_value_and_parts_and_no_document() {
            let long = "x".repeat(1 << 20);
            let rows = |parts: usize, last: &str| {
                let mut rows = vec![row("", "owner", "o")];
                rows.extend((0..parts).map(|nth| row(&format!("p.{nth:05}"), "kind", &long)));
                rows.push(row("q", "kind", last));
                rows
            };
            let (short, document) = read(&rows(3, "table"));
            assert_eq!(short.value(), Digest::of(document.expect("kept")).as_str());
            let (one, document) = read(&rows((DOCUMENTS_MAX >> 20) + 1, "table"));
            assert_eq!(document, None);
            assert_eq!(one.document, None);
            let (same, _) = read(&rows((DOCUMENTS_MAX >> 20) + 1, "table"));
            let (other, _) = read(&rows((DOCUMENTS_MAX >> 20) + 1, "view"));
            assert_eq!(one, same);
            assert_ne!(one.value(), other.value());
            let differ = one.parts.iter().zip(&other.parts).filter(|(a, b)| a != b);
            let differ: Vec<&str> = differ.map(|(part, _)| part.name.as_str()).collect();
            assert_eq!(differ, ["q"]);
        }
    }
}
