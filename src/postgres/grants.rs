//! The grant matrix as a document of lines.
//! Invariant: names, not oids, so that two clusters compare; sorted bytewise (test
//! `lines_are_sorted_bytewise_also_where_one_object_begins_like_another`); the name of the database is not in it; in format 2
//! no two names read alike (test `names_that_look_like_others_are_told_apart`).

use std::borrow::Cow;

use super::acl::{self, Grantee};
use super::call::{Call, PlannedRead};
use super::content::one_line;
use super::cursor::{self, AnswerTaker};
use super::error::{CallError, UnknownReason};
use super::read_batch::ReadAnswer;
use super::session::Session;
use super::socket::per_question;
use super::statement::Statement;
use super::wire::{AnswerRows, row_cost};
use crate::profile::GrantScope;
use crate::runner::target::{Progress, TargetError};
use crate::survey::{EvidenceFormat, FactDocument, quoted_identifier};

/// Rows of one answer of [`Statement::FETCH_MANY`]; fewer of them are the last.
const ROWS_OF_ANSWER: usize = 2_000;

/// Asks for the raw access control lists of a scope.
fn declared(scope: &GrantScope) -> Call {
    let schemas = serde_json::Value::from(scope.schemas.clone()).to_string();
    Call::with(Statement::DECLARE_GRANTS, vec![schemas])
}

/// The first answer of a matrix; it is the whole unless it is as long as an answer can be.
pub(super) fn first_read(scope: &GrantScope) -> PlannedRead {
    PlannedRead::cursor(&scope.key, declared(scope), Statement::FETCH_MANY)
}

/// The matrix and the number of its objects, from the first answer and, where that is not all, from the whole read again. `told` is
/// how many objects there were before, where that is known, and who is told how many there are now.
pub(super) async fn matrix(
    session: &mut Session,
    scope: &GrantScope,
    first: ReadAnswer,
    format: EvidenceFormat,
    told: (Option<u64>, &mut dyn FnMut(Progress)),
) -> Result<Result<(FactDocument, u64), UnknownReason>, TargetError> {
    let mut long = match first {
        Err(reason) => return Ok(Err(reason)),
        Ok(rows) if rows.len() < ROWS_OF_ANSWER => {
            let read = whole(scope, &rows).and_then(|()| document(&rows, format));
            let read = read.map(|document| (document, rows.len() as u64));
            return Ok(read.map_err(UnknownReason::from));
        }
        Ok(_) => LongMatrix::of(format, told),
    };
    let (declare, fetch) = (declared(scope), &Statement::FETCH_MANY);
    let read = cursor::read(session, &scope.key, declare, fetch, &mut long).await?;
    Ok(read.and_then(|()| {
        whole(scope, &long.schemas)?;
        Ok((FactDocument::new(long.matrix.text), long.rows))
    }))
}

/// A matrix that is too long for one answer. Only its text, and one answer, are in memory.
struct LongMatrix<'t> {
    matrix: Matrix,
    schemas: AnswerRows,
    rows: u64,
    /// What all answers took, and the most that they may.
    bytes: u64,
    bytes_max: u64,
    ended: bool,
    told: (Option<u64>, &'t mut dyn FnMut(Progress)),
}

impl<'t> LongMatrix<'t> {
    fn of(format: EvidenceFormat, told: (Option<u64>, &'t mut dyn FnMut(Progress))) -> Self {
        Self {
            matrix: Matrix::of(format),
            schemas: AnswerRows::new(),
            rows: 0,
            bytes: 0,
            bytes_max: per_question(format),
            ended: false,
            told,
        }
    }
}

impl AnswerTaker for LongMatrix<'_> {
    fn wants(&self, _: usize) -> bool {
        !self.ended
    }

    fn take(&mut self, rows: AnswerRows) -> Result<(), CallError> {
        self.ended |= rows.len() < ROWS_OF_ANSWER;
        let cells = rows.iter().flatten().flatten();
        self.bytes += cells.map(|cell| cell.len() as u64).sum::<u64>();
        self.bytes += rows
            .iter()
            .map(|row| row_cost(row.len() as u64))
            .sum::<u64>();
        if self.bytes > self.bytes_max {
            return Err(CallError::too_much(self.bytes_max >> 20));
        }
        for row in &rows {
            let added = self.matrix.add_row(row);
            added.map_err(|why| CallError::Refused(why.into()))?;
        }
        let come = rows.len() as u64;
        self.rows += come;
        let is_schema = |row: &Vec<Option<String>>| row[0].as_deref() == Some("schema");
        self.schemas.extend(rows.into_iter().filter(is_schema));
        let (total, tell) = &mut self.told;
        // The first answer was told when it came, and behind the last one nothing comes.
        if come > 0 && self.rows > ROWS_OF_ANSWER as u64 {
            tell(Progress {
                what: "Grant matrix".to_owned(),
                noun: "objects",
                done: self.rows,
                total: total.map(|total| total.max(self.rows)),
            });
        }
        Ok(())
    }
}

/// Whether every schema of the scope is among the rows; an error names those that do not exist. Without this the matrix of a
/// schema that is not there would be empty, always the same, and no reason to stop.
pub(super) fn whole(scope: &GrantScope, rows: &[Vec<Option<String>>]) -> Result<(), String> {
    let is_there = |schema: &&String| {
        // The server wrote it with `quote_ident`, which quotes only where it must.
        let names = [(*schema).clone(), quoted_identifier(schema)];
        rows.iter().any(|row| match row.as_slice() {
            [Some(kind), Some(object), ..] => kind == "schema" && names.contains(object),
            _ => false,
        })
    };
    let absent: Vec<&str> = scope
        .schemas
        .iter()
        .filter(|schema| !is_there(schema))
        .map(String::as_str)
        .collect();
    match absent.as_slice() {
        [] => Ok(()),
        [one] => Err(format!("schema {one} does not exist")),
        more => Err(format!("schemas {} do not exist", more.join(", "))),
    }
}

/// The matrix from rows of kind, object, owner and raw list: `<kind> <object> <grantee> <privilege>` TAB `by <grantor>`, and an
/// owner line for each object. An error names what could not be read.
pub fn document(
    rows: &[Vec<Option<String>>],
    format: EvidenceFormat,
) -> Result<FactDocument, String> {
    let mut matrix = Matrix::of(format);
    for row in rows {
        matrix.add_row(row)?;
    }
    Ok(FactDocument::new(matrix.text))
}

/// The name of an object, which the server quotes where it must, on one line.
fn shown(object: &str, format: EvidenceFormat) -> Cow<'_, str> {
    if format == EvidenceFormat::One || !object.contains('\\') {
        return one_line(object);
    }
    // An escape of ours must not read as a backslash of the name.
    Cow::Owned(one_line(&object.replace('\\', "\\\\")).into_owned())
}

/// The name of a role: in format 2 as an identifier, in quotes unless it is a plain word, so that it cannot read as PUBLIC or
/// as the words of a line.
fn role(name: &str, format: EvidenceFormat) -> Cow<'_, str> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let plain = name
        .bytes()
        .all(|byte| letter(byte) || byte.is_ascii_digit())
        && name.bytes().next().is_some_and(letter);
    match format {
        EvidenceFormat::One if name == "PUBLIC" => Cow::Owned(quoted_identifier(name)),
        EvidenceFormat::One => one_line(name),
        EvidenceFormat::Two if plain => Cow::Borrowed(name),
        EvidenceFormat::Two => Cow::Owned(shown(&quoted_identifier(name), format).into_owned()),
    }
}

/// The lines of the objects so far, sorted. The lines of one object are sorted by themselves, which is most of the work:
/// objects come in the order of the statement, and any other is only slower.
struct Matrix {
    format: EvidenceFormat,
    text: String,
    lines: Vec<String>,
}

impl Matrix {
    fn of(format: EvidenceFormat) -> Self {
        Self {
            format,
            text: String::new(),
            lines: Vec::new(),
        }
    }

    fn add_row(&mut self, row: &[Option<String>]) -> Result<(), String> {
        let [Some(kind), Some(object), owner, list] = row else {
            return Err("a row of the grant matrix has no kind or object".to_owned());
        };
        let object = format!("{kind} {} ", shown(object, self.format));
        self.add(&object, owner.as_deref(), list.as_deref().unwrap_or("{}"))
    }

    fn add(&mut self, object: &str, owner: Option<&str>, acl: &str) -> Result<(), String> {
        let format = self.format;
        let mut used = 0;
        let lines = &mut self.lines;
        let mut put = |words: [&str; 6]| {
            if used == lines.len() {
                lines.push(String::new());
            }
            let line = &mut lines[used];
            line.clear();
            line.push_str(object);
            line.extend(words);
            used += 1;
        };
        if let Some(owner) = owner {
            put(["OWNER", "\t", &*role(owner, format), "", "", ""]);
        }
        acl::expand(acl, |grant| {
            let option = if grant.grantable {
                " with grant option"
            } else {
                ""
            };
            let by = role(grant.grantor, format);
            let grantee = match grant.grantee {
                Grantee::Public => Cow::Borrowed("PUBLIC"),
                Grantee::Role(name) => role(name, format),
            };
            put([&*grantee, " ", &*grant.privilege, "\tby ", &*by, option]);
        })?;
        let lines = &mut self.lines[..used];
        lines.sort_unstable();
        let Some(least) = lines.first() else {
            return Ok(());
        };
        // `on tables ` and `on tables in s `: lines of one object may belong among those of the one before.
        let behind = self.text.split_off(start_of_greater(&self.text, least));
        let mut sorted: Vec<&str> = behind.lines().chain(lines.iter().map(|l| &**l)).collect();
        if !behind.is_empty() {
            sorted.sort_unstable();
        }
        for line in sorted {
            self.text.push_str(line);
            self.text.push('\n');
        }
        Ok(())
    }
}

/// Where the lines begin that are greater than `line`, in a text whose lines are sorted. They are looked for from the end.
fn start_of_greater(text: &str, line: &str) -> usize {
    let mut start = text.len();
    while let Some(last) = text[..start].strip_suffix('\n') {
        let last = last.rsplit('\n').next().unwrap_or(last);
        if last <= line {
            break;
        }
        start -= last.len() + 1;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::{AnswerTaker as _, LongMatrix, ROWS_OF_ANSWER, document};
    use crate::survey::EvidenceFormat::{One, Two};

    /// Every line formatted and sorted as a whole: what the matrix is by definition.
    fn defined(objects: &[(&str, &str, &[&str])]) -> String {
        let mut lines = Vec::new();
        for (kind, object, grantees) in objects {
            if *kind != "column" {
                lines.push(format!("{kind} {object} OWNER\to"));
            }
            let line = |grantee: &&str| format!("{kind} {object} {grantee} SELECT\tby o");
            lines.extend(grantees.iter().map(line));
        }
        lines.sort_unstable();
        lines.join("\n") + "\n"
    }

    #[test]
    fn lines_are_sorted_bytewise_also_where_one_object_begins_like_another() {
        let objects: [(&str, &str, &[&str]); 6] = [
            ("default privileges", "for o on tables in s", &["a", "z"]),
            ("default privileges", "for o on tables", &["zed", "a", "im"]),
            ("column", "s.t1.c", &["a"]),
            ("table", "s.t10", &["b", "a"]),
            ("table", "s.t1", &["ab", "b", "a"]),
            ("table", "s.\"t1\u{1}\"", &["a"]),
        ];
        let row = |(kind, object, grantees): &(&str, &str, &[&str])| {
            let items: Vec<String> = grantees.iter().map(|g| format!("{g}=r/o")).collect();
            let list = format!("{{{}}}", items.join(","));
            let owner = (*kind != "column").then_some("o");
            [Some(*kind), Some(*object), owner, Some(&list)]
                .map(|cell| cell.map(str::to_owned))
                .to_vec()
        };
        let rows: Vec<_> = objects.iter().map(row).collect();
        for format in [One, Two] {
            let found = document(&rows, format).expect("readable");
            assert_eq!(found.text(), defined(&objects));
        }
    }

    #[test]
    fn a_long_matrix_is_the_same_in_answers_until_it_is_too_much() {
        let cells = |row: [String; 4]| row.map(Some).to_vec();
        let table = |n: usize| {
            let words = ["table", "o", "{o=ar/o,\"x y\"=r/o}"].map(str::to_owned);
            let [kind, owner, list] = words;
            cells([kind, format!("s.t{n}"), owner, list])
        };
        let schema = cells(["schema", "s", "o", "{o=U/o}"].map(str::to_owned));
        // As the statement orders them, but for two.
        let mut rows: Vec<_> = (0..2 * ROWS_OF_ANSWER).map(table).collect();
        rows.sort_unstable();
        rows.swap(1, 2);
        rows.insert(0, schema.clone());
        let mut told = Vec::new();
        let mut tell = |progress: super::Progress| told.push((progress.done, progress.total));
        let mut long = LongMatrix::of(Two, (Some(10), &mut tell));
        let mut answers = rows.chunks(ROWS_OF_ANSWER);
        while long.wants(0) {
            let answer = answers.next().unwrap_or_default();
            long.take(answer.to_vec()).expect("it is taken");
        }
        assert_eq!(long.schemas, [schema]);
        assert_eq!(long.rows, rows.len() as u64);
        let whole = document(&rows, Two).expect("readable");
        assert!(long.matrix.text == whole.text(), "another document");
        assert!(whole.text().lines().is_sorted());
        assert_eq!(whole.text().lines().count(), 2 + 4 * 2 * ROWS_OF_ANSWER);
        assert_eq!(told, [(4_000, Some(4_000)), (4_001, Some(4_001))]);

        let mut tell = |_| {};
        let mut long = LongMatrix::of(Two, (None, &mut tell));
        // So much that ten of them are too much.
        let big = cells(["table", "s.t", &"x".repeat(2 << 20), "{}"].map(str::to_owned));
        let taken = (0..20).take_while(|_| long.take(vec![big.clone()]).is_ok());
        assert_eq!(taken.count(), 9);
    }

    #[test]
    fn names_that_look_like_others_are_told_apart() {
        let lists = [
            "{=r/o}",
            "{PUBLIC=r/o}",
            "{public=r/o}",
            r#"{"\"PUBLIC\"=r/o"}"#,
            r#"{"\"\"\"PUBLIC\"\"\"=r/o"}"#,
            r#"{"\"a SELECT\tby o\"=r/o"}"#,
            "{\"\\\"a SELECT\tby o\\\"=r/o\"}",
            r#"{"\"a SELECT\\tby o\"=r/o"}"#,
            r#"{"\"a\"=r/o"}"#,
            r#"{"\"A\"=r/o"}"#,
        ];
        let text = |list: &str| {
            let row = [Some("table"), Some("s.t"), Some("o"), Some(list)];
            let row = row.map(|cell| cell.map(str::to_owned)).to_vec();
            document(&[row], Two).expect("readable").text().to_owned()
        };
        let mut texts: Vec<String> = lists.iter().map(|list| text(list)).collect();
        assert!(
            texts.iter().all(|text| text.lines().count() == 2),
            "{texts:?}"
        );
        // The server writes a quoted plain word and the plain word for one role.
        assert_eq!(texts[1], texts[3]);
        assert_eq!(text("{a=r/o}"), texts[8]);
        texts.remove(3);
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), lists.len() - 1, "{texts:#?}");
    }
}
