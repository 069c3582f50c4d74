//! The grant matrix as a document of lines.
//! Invariant: names, not oids, so that two clusters compare; sorted bytewise (test
//! `lines_are_sorted_bytewise_also_where_one_object_begins_like_another`); the name of the database is not in it.

use super::acl;
use super::content::{one_line, quoted};
use super::session::PlannedRead;
use super::statement::Statement;
use super::wire::Call;
use crate::profile::GrantScope;
use crate::survey::FactDocument;

/// Asks for the raw access control lists of a scope.
pub(super) fn read(scope: &GrantScope) -> PlannedRead {
    let schemas = serde_json::Value::from(scope.schemas.clone()).to_string();
    PlannedRead::ask(&scope.key, Call::with(Statement::GRANTS, vec![schemas]))
}

/// Whether every schema of the scope is among the rows; an error names those that do not exist. Without this the matrix of a
/// schema that is not there would be empty, always the same, and no reason to stop.
pub(super) fn whole(scope: &GrantScope, rows: &[Vec<Option<String>>]) -> Result<(), String> {
    let is_there = |schema: &&String| {
        // The server wrote it with `quote_ident`, which quotes only where it must.
        let names = [(*schema).clone(), quoted(schema)];
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
pub fn document(rows: &[Vec<Option<String>>]) -> Result<FactDocument, String> {
    let mut objects = Vec::with_capacity(rows.len());
    for row in rows {
        let [Some(kind), Some(object), owner, list] = row.as_slice() else {
            return Err("a row of the grant matrix has no kind or object".to_owned());
        };
        let object = format!("{kind} {} ", one_line(object));
        objects.push((object, owner.as_deref(), list.as_deref().unwrap_or("{}")));
    }
    // The order of a catalog scan is not stable, and the collation of the server is not ours.
    objects.sort_unstable();
    let mut matrix = Matrix::default();
    for (object, owner, list) in objects {
        matrix.add(&object, owner, list)?;
    }
    Ok(FactDocument {
        text: matrix.finish(),
    })
}

/// The lines of the objects so far. The lines of one object are sorted by themselves, which is most of the work: objects come
/// in order.
#[derive(Default)]
struct Matrix {
    text: String,
    lines: Vec<String>,
    last: String,
    disorder: bool,
}

impl Matrix {
    fn add(&mut self, object: &str, owner: Option<&str>, acl: &str) -> Result<(), String> {
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
            put(["OWNER", "\t", &*one_line(owner), "", "", ""]);
        }
        acl::expand(acl, |grant| {
            let option = if grant.grantable {
                " with grant option"
            } else {
                ""
            };
            let by = one_line(grant.grantor);
            let grantee = one_line(grant.grantee);
            put([&*grantee, " ", &*grant.privilege, "\tby ", &*by, option]);
        })?;
        let lines = &mut self.lines[..used];
        lines.sort_unstable();
        let (Some(least), Some(most)) = (lines.first(), lines.last()) else {
            return Ok(());
        };
        // `on tables ` and `on tables in s `: the lines of one object may belong among those of the other.
        self.disorder |= *least < self.last;
        self.last.clone_from(most);
        for line in lines {
            self.text.push_str(line);
            self.text.push('\n');
        }
        Ok(())
    }

    fn finish(self) -> String {
        if !self.disorder {
            return self.text;
        }
        let mut lines: Vec<&str> = self.text.split_inclusive('\n').collect();
        lines.sort_by_key(|line| line.trim_end_matches('\n'));
        lines.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::document;

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
        assert_eq!(document(&rows).expect("readable").text, defined(&objects));
    }
}
