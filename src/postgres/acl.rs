//! Access control lists in the server's text form (`aclitem[]`), expanded into grants.
//! Invariant: names are read as quoted, and an unknown privilege letter stays visible (test
//! `quoted_names_and_grant_options_are_read`); nobody's name reads as PUBLIC (test `a_role_called_public_is_not_everybody`).

use std::borrow::Cow;

/// Who holds a privilege.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grantee<'a> {
    /// Everybody.
    Public,
    /// A role, by its bare name.
    Role(&'a str),
}

/// One privilege of one grantee. A matrix has hundreds of thousands of them, so that names are borrowed where they can be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grant<'a> {
    /// Who holds it.
    pub(super) grantee: Grantee<'a>,
    /// Privilege by its name in GRANT, such as `SELECT`.
    pub(super) privilege: Cow<'static, str>,
    /// Whether it was granted with grant option.
    pub(super) grantable: bool,
    /// Role that granted it.
    pub(super) grantor: &'a str,
}

/// Expands the text of an `aclitem[]`, telling each grant in the order of the list; an error names what could not be read.
pub(super) fn expand(array: &str, mut told: impl FnMut(&Grant<'_>)) -> Result<(), String> {
    for item in elements(array)? {
        item_grants(&item, &mut told).ok_or_else(|| format!("not an aclitem: {item}"))?;
    }
    Ok(())
}

/// The elements of a one-dimensional array in text form.
fn elements(array: &str) -> Result<Vec<Cow<'_, str>>, String> {
    let inner = array
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or_else(|| format!("not an array: {array}"))?;
    if inner.is_empty() {
        return Ok(Vec::new());
    }
    if !inner.contains(['"', '\\']) {
        return Ok(inner.split(',').map(Cow::Borrowed).collect());
    }
    let mut elements = Vec::new();
    let mut element = String::new();
    let mut quoted = false;
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            // Array syntax: a backslash takes the next character as it is, inside quotes and outside.
            '\\' => element.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => elements.push(Cow::Owned(std::mem::take(&mut element))),
            other => element.push(other),
        }
    }
    elements.push(Cow::Owned(element));
    Ok(elements)
}

/// `grantee=letters/grantor`; a letter followed by `*` may be granted on.
fn item_grants(item: &str, told: &mut impl FnMut(&Grant<'_>)) -> Option<()> {
    let (grantee, rest) = name(item)?;
    let rest = rest.strip_prefix('=')?;
    let (letters, grantor) = rest.split_once('/')?;
    let (grantor, _) = name(grantor)?;
    let mut letters = letters.chars().peekable();
    while let Some(letter) = letters.next() {
        let grantable = letters.next_if_eq(&'*').is_some();
        told(&Grant {
            // A role has a name; the list of everybody has none.
            grantee: if grantee.is_empty() {
                Grantee::Public
            } else {
                Grantee::Role(&grantee)
            },
            privilege: privilege(letter),
            grantable,
            grantor: &grantor,
        });
    }
    Some(())
}

/// A role name, in double quotes where it needs them, and what follows it.
fn name(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(['=', '/']).unwrap_or(text.len());
        return Some((Cow::Borrowed(&text[..end]), &text[end..]));
    };
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((Cow::Owned(name), after)),
        }
    }
}

fn privilege(letter: char) -> Cow<'static, str> {
    let word = match letter {
        'r' => "SELECT",
        'a' => "INSERT",
        'w' => "UPDATE",
        'd' => "DELETE",
        'D' => "TRUNCATE",
        'x' => "REFERENCES",
        't' => "TRIGGER",
        'm' => "MAINTAIN",
        'X' => "EXECUTE",
        'U' => "USAGE",
        'C' => "CREATE",
        'c' => "CONNECT",
        'T' => "TEMPORARY",
        's' => "SET",
        'A' => "ALTER SYSTEM",
        other => return Cow::Owned(format!("privilege {other}")),
    };
    Cow::Borrowed(word)
}

#[cfg(test)]
mod tests {
    use super::{Grantee, expand};

    fn lines(array: &str) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        expand(array, |g| {
            let grantee = match g.grantee {
                Grantee::Public => "everybody",
                Grantee::Role(name) => name,
            };
            lines.push(format!(
                "{grantee}|{}|{}|{}",
                g.privilege, g.grantable, g.grantor
            ));
        })?;
        Ok(lines)
    }

    #[test]
    fn quoted_names_and_grant_options_are_read() {
        let array = r#"{owner=arwd/owner,=r/owner,"\"a=b/c \"\"q\"\"\"=r*w/owner"}"#;
        let lines = lines(array).expect("readable");
        assert_eq!(lines.len(), 7);
        assert_eq!(lines[4], "everybody|SELECT|false|owner");
        assert_eq!(lines[5], "a=b/c \"q\"|SELECT|true|owner");
        assert_eq!(lines[6], "a=b/c \"q\"|UPDATE|false|owner");
    }

    #[test]
    fn a_role_called_public_is_not_everybody() {
        // As PostgreSQL writes it: capitals need no quotes here.
        let lines = lines("{=r/owner,PUBLIC=r/owner,public=r/owner}").expect("readable");
        let grantees: Vec<_> = lines
            .iter()
            .filter_map(|line| line.split('|').next())
            .collect();
        assert_eq!(grantees, ["everybody", "PUBLIC", "public"]);
    }

    #[test]
    fn an_empty_list_grants_nothing_and_nonsense_is_an_error() {
        assert_eq!(lines("{}"), Ok(Vec::new()));
        assert!(lines("{nonsense}").is_err());
        assert!(lines("owner=r/owner").is_err());
    }
}
