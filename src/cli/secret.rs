//! Connection strings and the passwords in them. Invariant: neither `Debug` nor `Display` of `DatabaseUrl` shows a password
//! (both go through `redact`).

use std::fmt;
use std::str::FromStr;

/// A connection string, as URL or as `key=value` pairs. It may hold a password, so it is never printed as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// A connection string as it was written; not parsed and not checked.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole string with its password, for the code that connects.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is blank: libpq would then connect to its default server.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// The text as it may be shown. Only what is surely understood is: where a key is mistyped, or the text is neither a URL nor
    /// pairs, the password may stand anywhere, and nothing is shown.
    fn shown(&self) -> String {
        let text = self.0.trim();
        let url = ["postgresql://", "postgres://"];
        let understood = match url.iter().find_map(|scheme| text.strip_prefix(scheme)) {
            Some(rest) => {
                let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
                let user = address.split(['@', ':']).next().unwrap_or_default();
                let has_known_key =
                    |pair: &str| pair.split_once('=').is_some_and(|(key, _)| is_known(key));
                !user.contains('%')
                    && query
                        .split('&')
                        .all(|it| it.is_empty() || has_known_key(it))
            }
            None => has_only_known_pairs(text),
        };
        if understood {
            redact(&self.0)
        } else {
            HIDDEN.to_owned()
        }
    }

    /// Whether it holds a password: in the user part of a URL, as a query key or as a pair.
    pub fn holds_password(&self) -> bool {
        redact(&self.0) != self.0
    }
}

/// A connection string that is blank.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is empty; leave it out to connect as PGHOST, PGDATABASE and their like say")]
pub struct BlankDatabaseUrl;

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({:?})", self.shown())
    }
}

impl FromStr for DatabaseUrl {
    type Err = BlankDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, BlankDatabaseUrl> {
        let url = Self::new(text);
        if url.is_blank() {
            return Err(BlankDatabaseUrl);
        }
        Ok(url)
    }
}

const HIDDEN: &str = "***";

/// Keys whose value is no secret, and those whose value [`redact`] hides.
const KNOWN: [&str; 21] = [
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "options",
    "passfile",
    "password",
    "port",
    "service",
    "servicefile",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslpassword",
    "sslrootcert",
    "target_session_attrs",
    "user",
];

fn is_known(key: &str) -> bool {
    KNOWN.contains(&percent_decoded(key).as_str())
}

/// Whether a text is `key=value` pairs with known keys and nothing between them.
fn has_only_known_pairs(text: &str) -> bool {
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((key, value)) = rest.split_once('=') else {
            return false;
        };
        if !is_known(key.trim()) {
            return false;
        }
        rest = value[value_end(value)..].trim_start();
    }
    true
}

/// The text with every password of a connection string in it hidden.
pub fn redact(text: &str) -> String {
    hide_values(&hide_userinfo(text))
}

/// Hides the password between `user:` and `@` after each `://`; the text may be a whole error message.
fn hide_userinfo(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let word = after.find(char::is_whitespace).unwrap_or(after.len());
        let (password, tail) = split_userinfo(&after[..word]);
        match password {
            Some((user, tail)) => {
                out.push_str(user);
                out.push(':');
                out.push_str(HIDDEN);
                out.push_str(tail);
            }
            None => out.push_str(tail),
        }
        rest = &after[word..];
    }
    out.push_str(rest);
    out
}

type Parts<'a> = (Option<(&'a str, &'a str)>, &'a str);

/// The user and the text after the password, if there is one; else the whole word. When in doubt it hides too much and not too
/// little.
fn split_userinfo(word: &str) -> Parts<'_> {
    let none = (None, word);
    let authority = word.find(['/', '?', '#']).unwrap_or(word.len());
    let end = match word[..authority].rfind('@') {
        Some(at) => at,
        // A password may hold an unescaped slash: `user:se/cret@host`. A port may not.
        None if port_only(&word[..authority]) => return none,
        None => match word.rfind('@') {
            Some(at) => at,
            None => return none,
        },
    };
    match word[..end].split_once(':') {
        Some((_, "")) | None => none,
        Some((user, _)) => (Some((user, &word[end..])), word),
    }
}

/// Whether every colon in an authority without `@` is followed by a port or is part of an address in brackets.
fn port_only(authority: &str) -> bool {
    authority.split(',').all(|host| {
        let behind = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
        behind
            .split_once(':')
            .is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// Hides the value of every key that ends in `password` (`password`, `sslpassword`), in a query or in `key = value` pairs.
fn hide_values(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(equals) = rest.find('=') {
        let (before, value) = rest.split_at(equals + 1);
        out.push_str(before);
        let key = before[..equals]
            .trim_end()
            .rsplit(|c: char| c.is_whitespace() || "?&;'\"".contains(c))
            .next()
            .unwrap_or("");
        rest = value;
        if percent_decoded(key).ends_with("password") {
            let end = value_end(value);
            if !value[..end].trim().is_empty() {
                out.push_str(HIDDEN);
                rest = &value[end..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Where a value ends: a quoted one behind its quote, another at `&` or a blank.
fn value_end(value: &str) -> usize {
    let start = value.len() - value.trim_start().len();
    let body = &value[start..];
    if !body.starts_with('\'') {
        return start
            + body
                .find(|c: char| c == '&' || c.is_whitespace())
                .unwrap_or(body.len());
    }
    // libpq: a value in single quotes may have blanks, with `\'` and `\\` as escapes.
    let mut escaped = false;
    for (at, c) in body.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return start + at + 1,
            _ => {}
        }
    }
    value.len()
}

/// A query key with its `%70` read, in lower case: `%70assword` is a password too.
fn percent_decoded(key: &str) -> String {
    let mut out = String::new();
    let mut rest = key;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let byte = rest
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(byte.map_or('%', char::from));
        rest = &rest[at + if byte.is_some() { 3 } else { 1 }..];
    }
    out.push_str(rest);
    out.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::DatabaseUrl;

    #[test]
    fn what_is_not_surely_understood_is_not_shown() {
        for text in [
            "host=127.0.0.1 passwrod=S3cret",
            "host=h S3cret port=5432",
            "host=h password=a S3cret",
            "postgres:/u:S3cret@127.0.0.1:5999/kb",
            "postgres://u%3AS3cret@h/kb",
            "postgres://h/kb?passwrod=S3cret",
            "mysql://u:p@h/S3cret",
            "S3cret",
        ] {
            let url = DatabaseUrl::new(text);
            assert!(
                !format!("{url} {url:?}").contains("S3cret"),
                "{text}: {url}"
            );
        }
        for text in [
            "postgresql://Op@h:5432/kb?sslmode=require",
            "host=h dbname='k b' user=op",
        ] {
            assert_eq!(DatabaseUrl::new(text).to_string(), text);
        }
    }
}
