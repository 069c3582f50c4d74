//! Connection texts: `postgresql://..` and `key=value ..`.
//! Invariant: what is not understood is an error, never ignored (`parse`, and `keywords::check`).

use std::collections::BTreeMap;

use super::settings::SettingsError;

/// Settings by their libpq names.
pub(super) type Parameters = BTreeMap<String, String>;

/// Reads a connection text.
pub(super) fn parse(text: &str) -> Result<Parameters, SettingsError> {
    let rest = ["postgresql://", "postgres://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match rest {
        Some(rest) => parse_url(rest),
        None => parse_pairs(text),
    }
}

fn parse_url(rest: &str) -> Result<Parameters, SettingsError> {
    let mut found = Parameters::new();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, address) = authority.split_once('@').unwrap_or(("", authority));
    if address.contains('@') {
        // libpq ends the password at the first one, and looks for a host that is half a password.
        return Err(SettingsError::Url(
            "an @ in a user or password is written %40".to_owned(),
        ));
    }
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let servers: Vec<_> = address
        .split(',')
        .map(split_address)
        .collect::<Result<_, _>>()?;
    let joined = |part: fn(&(&str, &str)) -> String| {
        let parts: Vec<_> = servers.iter().map(part).collect();
        parts.join(",")
    };
    let hosts = joined(|(host, _)| (*host).to_owned());
    let ports = joined(|(_, port)| (*port).to_owned());
    for (key, value) in [
        ("user", user),
        ("password", password),
        ("host", hosts.as_str()),
        ("port", ports.as_str()),
        ("dbname", database),
    ] {
        // Commas alone: hosts without ports.
        if value.bytes().any(|byte| byte != b',') {
            found.insert(key.to_owned(), decoded(value)?);
        }
    }
    // One & may end the query; before any other stands a pair.
    let pairs = query.strip_suffix('&').unwrap_or(query).split('&');
    for pair in pairs.filter(|_| !query.is_empty()) {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| SettingsError::Url("a part of the query has no =".to_owned()))?;
        if value.contains('=') {
            return Err(SettingsError::Url(
                "an = in a value of the query is written %3D".to_owned(),
            ));
        }
        match (decoded(key)?, decoded(value)?) {
            // As libpq: URLs for other drivers say it so.
            (key, value) if key == "ssl" && value == "true" => {
                found.insert("sslmode".to_owned(), "require".to_owned());
            }
            (key, value) => {
                found.insert(key, value);
            }
        }
    }
    Ok(found)
}

fn split_address(address: &str) -> Result<(&str, &str), SettingsError> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, port) = rest
            .split_once(']')
            .ok_or_else(|| SettingsError::Url("an IPv6 address has no ]".to_owned()))?;
        return Ok((host, port.strip_prefix(':').unwrap_or("")));
    }
    Ok(address.split_once(':').unwrap_or((address, "")))
}

fn decoded(text: &str) -> Result<String, SettingsError> {
    let bad =
        || SettingsError::Url("a % is not followed by two hexadecimal digits of UTF-8".to_owned());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
            let byte = u8::try_from(high * 16 + low).map_err(|_| bad())?;
            if byte == 0 {
                return Err(bad());
            }
            bytes.push(byte);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

fn parse_pairs(text: &str) -> Result<Parameters, SettingsError> {
    let mut found = Parameters::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(|| {
            SettingsError::Url("it is neither postgresql://.. nor key=value ..".to_owned())
        })?;
        let (value, after) = pair_value(after.trim_start())?;
        found.insert(key.trim().to_owned(), value);
        rest = after.trim_start();
    }
    Ok(found)
}

fn pair_value(text: &str) -> Result<(String, &str), SettingsError> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if c.is_whitespace() && !quoted => return Ok((value, &text[at..])),
            c => value.push(c),
        }
    }
    if quoted {
        return Err(SettingsError::Url("a quote is not closed".to_owned()));
    }
    Ok((value, ""))
}

/// A value, or the bytes of a path, as it stands inside a URL.
pub fn encoded(value: impl AsRef<[u8]>) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for &byte in value.as_ref() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{encoded, parse};

    #[test]
    fn what_has_a_meaning_in_a_url_is_encoded() {
        let text = encoded("o%w@er/my {user}?&");
        assert_eq!(text, "o%25w%40er/my%20%7Buser%7D%3F%26");
        assert_eq!(encoded(b"/tmp/\xff a"), "/tmp/%FF%20a", "a path is bytes");
    }

    #[test]
    fn every_form_of_a_url_is_read() {
        let found =
            parse("postgresql://r%40d:p%3Aw@[::1]:5433/k%62?sslmode=require").expect("read");
        let pairs: Vec<_> = found
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        let wanted = [
            ("dbname", "kb"),
            ("host", "::1"),
            ("password", "p:w"),
            ("port", "5433"),
            ("sslmode", "require"),
            ("user", "r@d"),
        ];
        assert_eq!(pairs, wanted);
        assert!(
            parse("host='/a b' dbname=x").is_ok_and(|p| p["host"] == "/a b" && p["dbname"] == "x")
        );
        assert!(parse("nonsense").is_err());
    }
}
