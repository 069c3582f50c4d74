//! Access control lists in the server's own text form, expanded here. Invariant: names are read as quoted, and an unknown letter stays visible.

/// One privilege of one grantee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    /// Role, or `PUBLIC`.
    pub(super) grantee: String,
    /// `SELECT`.
    pub(super) privilege: String,
    /// Whether it may be granted on.
    pub(super) grantable: bool,
    /// Who granted it.
    pub(super) grantor: String,
}

/// Expands the text of an `aclitem[]`; an error names what could not be read.
pub(super) fn expand(array: &str) -> Result<Vec<Grant>, String> {
    let mut grants = Vec::new();
    for item in elements(array)? {
        item_grants(&item, &mut grants).ok_or_else(|| format!("not an aclitem: {item}"))?;
    }
    Ok(grants)
}

/// The elements of a one-dimensional array in text form.
fn elements(array: &str) -> Result<Vec<String>, String> {
    let inner = array
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or_else(|| format!("not an array: {array}"))?;
    let mut elements = Vec::new();
    let mut element = String::new();
    let mut quoted = false;
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => element.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => elements.push(std::mem::take(&mut element)),
            other => element.push(other),
        }
    }
    if !inner.is_empty() {
        elements.push(element);
    }
    Ok(elements)
}

/// `grantee=letters/grantor`; a letter followed by `*` may be granted on.
fn item_grants(item: &str, grants: &mut Vec<Grant>) -> Option<()> {
    let (grantee, rest) = name(item)?;
    let rest = rest.strip_prefix('=')?;
    let (letters, grantor) = rest.split_once('/')?;
    let (grantor, _) = name(grantor)?;
    let grantee = if grantee.is_empty() {
        "PUBLIC".to_owned()
    } else {
        grantee
    };
    let mut letters = letters.chars().peekable();
    while let Some(letter) = letters.next() {
        let grantable = letters.next_if_eq(&'*').is_some();
        grants.push(Grant {
            grantee: grantee.clone(),
            privilege: privilege(letter),
            grantable,
            grantor: grantor.clone(),
        });
    }
    Some(())
}

/// A role name, in double quotes where it needs them, and what follows it.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(['=', '/']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
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
            None => return Some((quoted_if_public(name), after)),
        }
    }
}

/// A role can be named `PUBLIC` with capitals; it must not read as everybody.
fn quoted_if_public(name: String) -> String {
    if name == "PUBLIC" {
        "\"PUBLIC\"".to_owned()
    } else {
        name
    }
}

fn privilege(letter: char) -> String {
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
        other => return format!("privilege {other}"),
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn quoted_names_and_grant_options_are_read() {
        let array = r#"{owner=arwd/owner,=r/owner,"\"a=b/c \"\"q\"\"\"=r*w/owner"}"#;
        let lines: Vec<String> = expand(array)
            .expect("readable")
            .into_iter()
            .map(|g| {
                format!(
                    "{}|{}|{}|{}",
                    g.grantee, g.privilege, g.grantable, g.grantor
                )
            })
            .collect();
        assert_eq!(lines.len(), 7);
        assert_eq!(lines[4], "PUBLIC|SELECT|false|owner");
        assert_eq!(lines[5], "a=b/c \"q\"|SELECT|true|owner");
        assert_eq!(lines[6], "a=b/c \"q\"|UPDATE|false|owner");
    }

    #[test]
    fn an_empty_list_grants_nothing_and_nonsense_is_an_error() {
        assert_eq!(expand("{}"), Ok(Vec::new()));
        assert!(expand("{nonsense}").is_err());
        assert!(expand("owner=r/owner").is_err());
    }
}
