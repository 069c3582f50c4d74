//! A scan for secrets and hard-coded run ids.
//! Invariant: a finding names place and kind, never the secret itself (test `each_kind_is_found_by_line_and_never_quoted`).

use crate::profile::TomlDocument;
use crate::run::RunId;

/// What was scanned and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretScan {
    /// Names of the texts that were scanned: `profile`, `journal.jsonl`, `blobs/<sha256>`.
    pub texts: Vec<String>,
    /// Number of bytes that were scanned.
    pub bytes: u64,
    /// What was found: `journal.jsonl line 12: a URL with a password`.
    pub findings: Vec<String>,
}

impl SecretScan {
    /// Scans the profile's text: secrets, and run ids that have no place in it.
    pub fn profile(&mut self, text: &str) {
        self.texts.push("profile".to_owned());
        self.bytes += text.len() as u64;
        self.findings.extend(
            profile_findings(text)
                .into_iter()
                .map(|(line, what)| format!("profile line {line}: {what}")),
        );
    }

    /// Scans a text that is in memory.
    pub fn text(&mut self, name: &str, text: &str) {
        self.begin(name);
        for (number, line) in (1..).zip(text.lines()) {
            self.line(name, number, line);
        }
    }

    /// Begins a text of the run, whose lines follow.
    pub fn begin(&mut self, name: &str) {
        self.texts.push(name.to_owned());
    }

    /// Scans one line of a text, counted from 1.
    pub fn line(&mut self, name: &str, number: usize, line: &str) {
        self.bytes += line.len() as u64;
        let kind = secret(line);
        self.findings
            .extend(kind.map(|kind| format!("{name} line {number}: {kind}")));
    }
}

/// What has no place in the text of a profile, by line from 1: secrets and run ids.
pub fn profile_findings(text: &str) -> Vec<(usize, String)> {
    let mut findings: Vec<(usize, String)> = secrets(text)
        .map(|(line, kind)| (line, kind.to_owned()))
        .collect();
    // What its escapes hide stands plainly in the journal later.
    let plain = TomlDocument::read(text).ok().and_then(|read| read.plain());
    if let (true, Some(kind)) = (findings.is_empty(), plain.and_then(|text| secret(&text))) {
        findings.push((1, format!("{kind}, once its escapes are read")));
    }
    for (number, line) in text.lines().enumerate() {
        let ids = hardcoded_run_ids(line).into_iter();
        findings.extend(ids.map(|id| (number + 1, format!("the run id {id} is hard-coded"))));
    }
    findings.sort();
    findings
}

/// Every secret in `text`, by line and kind.
pub fn scan_for_secrets(name: &str, text: &str) -> Vec<String> {
    secrets(text)
        .map(|(line, kind)| format!("{name} line {line}: {kind}"))
        .collect()
}

fn secrets(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let lines = text.lines().enumerate();
    lines.filter_map(|(number, line)| Some((number + 1, secret(line)?)))
}

/// The kind of the first secret in a line.
fn secret(line: &str) -> Option<&'static str> {
    // Base64 hides a word from people and from nobody else.
    kind_of(line).or_else(|| decoded_words(line).iter().find_map(|text| kind_of(text)))
}

fn kind_of(line: &str) -> Option<&'static str> {
    let lower = line.to_ascii_lowercase();
    let kinds = [
        (has_url_password(line), "a URL with a password"),
        // Before the plain `password`, of which it is a special case: the first match names the finding.
        (has_assignment(&lower, "pgpassword"), "PGPASSWORD"),
        (has_private_key(line), "a private key"),
        (has_assignment(&lower, "password"), "a password"),
    ];
    let (_, kind) = kinds.into_iter().find(|(found, _)| *found)?;
    Some(kind)
}

/// What the words of a line are when they are read as base64; of those that are no text then, nothing. Digests are hex, which is
/// base64 too: they are of no use here and left out.
fn decoded_words(line: &str) -> Vec<String> {
    let digit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    let words = line.split(|c: char| !digit(c));
    let words = words.filter(|word| {
        // The shortest secret that is looked for, `password=x`, has 14 digits.
        word.len() >= 14 && !word.bytes().all(|c| c.is_ascii_hexdigit())
    });
    words.filter_map(decoded).collect()
}

/// A word of base64, in either alphabet and without its padding, as the text that it is.
fn decoded(word: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(word.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0);
    for c in word.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            _ => 63,
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The run ids that occur in a text.
fn hardcoded_run_ids(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| word.parse::<RunId>().is_ok())
        .map(str::to_owned)
        .collect()
}

fn has_private_key(line: &str) -> bool {
    line.split("-----BEGIN ").skip(1).any(|rest| {
        rest.split("-----")
            .next()
            .is_some_and(|kind| kind.ends_with("PRIVATE KEY"))
    })
}

/// `scheme://user:password@host`: the password is not empty and not a mask.
fn has_url_password(line: &str) -> bool {
    let stops = |c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '\\' | '<' | '>');
    line.split("://").skip(1).any(|rest| {
        let authority = rest.split(stops).next().unwrap_or(rest);
        authority
            // The last `@`: a password may hold one itself.
            .rsplit_once('@')
            .and_then(|(user, _)| user.split_once(':'))
            .is_some_and(|(_, password)| is_secret(password))
    })
}

/// `name=value`, or `name = "value"` and `"name": "value"` with a quoted value. A value that is a placeholder or a call is
/// none.
fn has_assignment(lower: &str, name: &str) -> bool {
    lower.split(name).skip(1).any(|rest| {
        // Journal lines are JSON, in which quotes are escaped.
        let rest = rest.trim_start_matches(['\\', '"', '\'']);
        let tight = rest.strip_prefix('=');
        let spaced = || rest.trim_start().strip_prefix(['=', ':']);
        let Some(value) = tight.or_else(spaced) else {
            return false;
        };
        let bare = value.trim_start().trim_start_matches('\\');
        match bare.strip_prefix(['"', '\'']) {
            Some(quoted) => is_secret(quoted.split(['"', '\'', '\\']).next().unwrap_or("")),
            // An unquoted value counts only directly after `=`, as in a connection string; `password = word` may be prose or
            // SQL.
            None if tight.is_some() && !value.starts_with(char::is_whitespace) => is_secret(
                value
                    .split(|c: char| {
                        c.is_whitespace() || matches!(c, '"' | '\'' | '&' | ',' | ';' | ')' | '\\')
                    })
                    .next()
                    .unwrap_or(""),
            ),
            None => false,
        }
    })
}

/// Whether a value is a real one. Masks (`***`), parameters (`$1`, `:name`, `%s`), templates (`<...>`, `{...}`) and calls are
/// not.
fn is_secret(value: &str) -> bool {
    let placeholder = value.starts_with(['$', '<', '{', '%', ':', '['])
        || value.contains('(')
        || value.chars().all(|c| matches!(c, '*' | '.' | 'x' | 'X'));
    !value.is_empty() && !placeholder
}

#[cfg(test)]
mod tests {
    use super::{SecretScan, scan_for_secrets};

    #[test]
    fn each_kind_is_found_by_line_and_never_quoted() {
        for text in [
            "postgres://u:s3cret@db/kb",
            "PGPASSWORD=s3cret psql",
            "-----BEGIN RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\\nMIIs3cret",
            "host=db password=s3cret user=u",
            "password = \"s3cret\"",
            "{\"password\": \"s3cret\"}",
            "{\\\"password\\\":\\\"s3cret\\\"}",
            "a Password='s3cret'",
            // `PGPASSWORD=s3cret`, and URLs with and without padding, in both alphabets.
            "token: UEdQQVNTV09SRD1zM2NyZXQ=",
            "{\"out\":\"cG9zdGdyZXM6Ly91OnMzY3JldEBkYi9rYg==\\n\"}",
            "cG9zdGdyZXM6Ly91OnM_Y3JldEBkYi9rYg",
            "=cGFzc3dvcmQ9czNjcmV0;",
        ] {
            let found = scan_for_secrets("journal.jsonl", &format!("clean\n{text}\n"));
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].starts_with("journal.jsonl line 2: "), "{found:?}");
            assert!(!found[0].contains("s3cret"));
        }
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        for text in [
            "postgres://u@db:5432/kb",
            "postgres://u:***@db/kb",
            "https://example.org/a:b@c",
            "password=",
            "password=$1",
            "password = crypt(p, salt)",
            "password=md5(p)",
            "a password inside --database-url is refused",
            "-----BEGIN CERTIFICATE-----",
            "passfile=/home/u/.pgpass",
            "cG9zdGdyZXM6Ly91QGRiL2ti",
            "/usr/lib/postgresql/15/bin/pg_dump",
        ] {
            assert_eq!(scan_for_secrets("x", text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_escapes_hide_in_a_profile_is_found() {
        let mut scan = SecretScan::default();
        scan.profile("note = \"pass\\u0077ord=s3cret\"");
        assert_eq!(
            scan.findings,
            ["profile line 1: a password, once its escapes are read"]
        );
    }

    #[test]
    fn a_run_id_in_the_profile_is_hard_coded() {
        let mut scan = SecretScan::default();
        scan.profile("note = \"see ictr-20260521T021523Z-8a941203.\"");
        assert_eq!(
            scan.findings,
            ["profile line 1: the run id ictr-20260521T021523Z-8a941203 is hard-coded"]
        );
        let mut clean = SecretScan::default();
        clean.profile(crate::profile::BUILT_IN[0].1);
        assert_eq!(clean.findings, Vec::<String>::new());
    }
}
