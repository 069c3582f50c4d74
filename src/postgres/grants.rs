//! The grant matrix as a document of lines. Invariant: names, not oids; sorted bytewise; the name of the database is not in it.

use std::fmt::Write as _;

use super::acl;
use super::content::one_line;
use super::session::Read;
use super::statement::Statement;
use super::wire::{Call, Rows};
use crate::profile::GrantScope;
use crate::survey::Document;

/// Asks for the raw access control lists of a scope.
pub(super) fn read(scope: &GrantScope) -> Read {
    let schemas = serde_json::Value::from(scope.schemas.clone()).to_string();
    Read::Ask(Call::with(Statement::GRANTS, vec![schemas]))
}

/// The matrix: `<kind> <object> <grantee> <privilege>` TAB `by <grantor>`, and an owner line for each object.
pub(super) fn document(rows: &Rows) -> Result<Document, String> {
    let mut lines = Vec::with_capacity(rows.len() * 4);
    for row in rows {
        let [Some(kind), Some(object), owner, list] = row.as_slice() else {
            return Err("a row of the grant matrix has no kind or object".to_owned());
        };
        let object = one_line(object);
        if let Some(owner) = owner {
            lines.push(format!("{kind} {object} OWNER\t{}", one_line(owner)));
        }
        for grant in acl::expand(list.as_deref().unwrap_or("{}"))? {
            let mut line = format!(
                "{kind} {object} {} {}\tby {}",
                one_line(&grant.grantee),
                grant.privilege,
                one_line(&grant.grantor)
            );
            if grant.grantable {
                line.push_str(" with grant option");
            }
            lines.push(line);
        }
    }
    lines.sort_unstable();
    let mut text = String::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    Ok(Document { text })
}
