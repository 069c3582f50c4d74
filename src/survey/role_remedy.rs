//! The SQL statement that takes away what a role survey found.

use super::{RoleFinding, quoted_identifier};

impl RoleFinding {
    /// The statement for whoever owns the object; `None`: no single statement takes it away, or it is no privilege.
    ///
    /// A privilege that is held through PUBLIC is taken from every role that has no grant of its own.
    pub fn remedy(&self) -> Option<String> {
        let (privilege, object) = (self.privilege.as_str(), self.object.as_str());
        let from = grantee(&self.via);
        let revoke = |what: &str, on: &str| format!("REVOKE {what} ON {on} FROM {from}");
        Some(match self.kind.as_str() {
            // What another role is for is not ours to take away: there the membership is the fault.
            "role attribute" if self.via.starts_with("membership in ") => return None,
            "role attribute" => {
                let role = object.strip_prefix("role ")?;
                format!("ALTER ROLE {} NO{privilege}", quoted_identifier(role))
            }
            "predefined role" => {
                let role = object.strip_prefix("role ")?;
                format!("REVOKE {} FROM {from}", quoted_identifier(role))
            }
            "role membership" => {
                let role = object.strip_prefix("role ")?;
                format!(
                    "REVOKE ADMIN OPTION FOR {} FROM {from}",
                    quoted_identifier(role)
                )
            }
            "table privilege" => match object.strip_prefix("sequence ") {
                Some(sequence) => revoke(privilege, &format!("SEQUENCE {sequence}")),
                None => revoke(privilege, object),
            },
            "column privilege" => revoke(privilege, object),
            "foreign data" if privilege == "USER MAPPING" => {
                let server = object.strip_prefix("foreign server ")?;
                format!("DROP USER MAPPING FOR {from} SERVER {server}")
            }
            "create or temporary"
            | "untrusted language"
            | "foreign data"
            | "parameter privilege"
            | "large object" => revoke(privilege, &typed(object)?),
            "security definer" => revoke(privilege, &format!("ROUTINE {object}")),
            "function" => {
                let schema = object.strip_prefix("schema ")?;
                revoke("EXECUTE", &format!("ALL ROUTINES IN SCHEMA {schema}"))
            }
            "default privilege" => default_privilege(object, privilege, &from)?,
            _ => return None,
        })
    }
}

/// A role as a statement names it. The survey names roles as they are, PUBLIC as the keyword.
fn grantee(role: &str) -> String {
    if role == "PUBLIC" {
        return role.to_owned();
    }
    quoted_identifier(role)
}

/// `schema app` as `SCHEMA app`.
fn typed(object: &str) -> Option<String> {
    const TYPES: [(&str, &str); 7] = [
        ("schema ", "SCHEMA"),
        ("database ", "DATABASE"),
        ("tablespace ", "TABLESPACE"),
        ("foreign server ", "FOREIGN SERVER"),
        ("foreign-data wrapper ", "FOREIGN DATA WRAPPER"),
        ("parameter ", "PARAMETER"),
        ("large object ", "LARGE OBJECT"),
    ];
    let named = TYPES
        .iter()
        .find_map(|(prefix, keyword)| Some((keyword, object.strip_prefix(prefix)?)));
    named.map(|(keyword, name)| format!("{keyword} {name}"))
}

/// `future objects of kb_owner (r) in app`: the letter is that of `pg_default_acl.defaclobjtype`.
fn default_privilege(object: &str, privilege: &str, from: &str) -> Option<String> {
    let rest = object.strip_prefix("future objects of ")?;
    let (owner, rest) = rest.rsplit_once(" (")?;
    let (letter, schema) = rest.split_once(')')?;
    let kind = match letter {
        "r" => "TABLES",
        "S" => "SEQUENCES",
        "f" => "ROUTINES",
        "T" => "TYPES",
        "n" => "SCHEMAS",
        _ => return None,
    };
    let schema = match schema.strip_prefix(" in ") {
        Some(schema) => format!(" IN SCHEMA {schema}"),
        None => String::new(),
    };
    Some(format!(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner}{schema} REVOKE {privilege} ON {kind} FROM {from}"
    ))
}
