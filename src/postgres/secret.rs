//! A password that is never printed: `Debug` and `Display` write `[secret]`.
//! Invariant: only the startup of a connection reads the text (`Secret::reveal`); `Secret::strip` removes it from messages, in each
//! form that programs write a password in (tests `a_secret_is_removed_in_every_form` and `base64_is_found_at_every_place`).

use std::fmt;

use super::base64_digits::Base64Digits;

/// Shortest secret that is looked for as hexadecimal digits and as base64, in bytes. A shorter one would be found by chance in digests and
/// in plain words, where nobody has written it.
const CODED_MIN: usize = 4;

/// A password or passphrase.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the server alone.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of this secret removed: servers, libraries and programs repeat what they were given, as it is, as a
    /// URL has it, with backslashes, as hexadecimal digits, or within base64. `is_cut`: the text went on, and may end within the secret.
    pub(super) fn strip(&self, text: &str, is_cut: bool) -> String {
        let text = self.strip_base64(text, is_cut);
        let mut stripped = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let length = match self.length_in(rest.as_bytes()) {
                Some(Occurrence::Whole(length)) => length,
                Some(Occurrence::Begun) if is_cut => rest.len(),
                _ => {
                    stripped.push(first);
                    rest = &rest[first.len_utf8()..];
                    continue;
                }
            };
            stripped.push_str(REMOVED);
            rest = rest.get(length..).unwrap_or_default();
        }
        stripped
    }

    /// The same for base64, of the secret and of texts that it is a part of, such as `user:password`.
    fn strip_base64(&self, text: &str, is_cut: bool) -> String {
        if self.0.len() < CODED_MIN {
            return text.to_owned();
        }
        let mut stripped = String::with_capacity(text.len());
        let mut done = 0;
        for run in Base64Digits::runs(text) {
            let may_go_on = is_cut && run.end() == text.len();
            for (from, to) in run.places_of(self.0.as_bytes(), may_go_on) {
                // Two places can share a digit.
                if from >= done {
                    stripped.push_str(&text[done..from]);
                    stripped.push_str(REMOVED);
                }
                done = done.max(to);
            }
        }
        stripped.push_str(&text[done..]);
        stripped
    }

    /// The secret at the beginning of a text: whole in some form, else begun in one.
    fn length_in(&self, text: &[u8]) -> Option<Occurrence> {
        let found = Form::ALL.map(|form| self.read(text, form));
        let whole = |it: &Option<Occurrence>| matches!(it, Some(Occurrence::Whole(_)));
        let nth = found.iter().position(whole);
        let nth = nth.or_else(|| found.iter().position(Option::is_some))?;
        found.into_iter().nth(nth).flatten()
    }

    fn read(&self, text: &[u8], form: Form) -> Option<Occurrence> {
        if form == Form::Hexadecimal && self.0.len() < CODED_MIN {
            return None;
        }
        let mut at = 0;
        for byte in self.0.bytes() {
            at += match (form, text.get(at..)?) {
                (_, [])
                | (Form::Hexadecimal, [_])
                | (Form::Url, [b'%'] | [b'%', _])
                | (Form::Escaped, [b'\\'])
                    if at > 0 =>
                {
                    return Some(Occurrence::Begun);
                }
                (Form::Hexadecimal, [high, low, ..]) if is_hex_of(byte, *high, *low) => 2,
                (Form::Hexadecimal, _) => return None,
                (Form::Url, [b'%', high, low, ..]) if is_hex_of(byte, *high, *low) => 3,
                (Form::Url, [b'+', ..]) if byte == b' ' => 1,
                (Form::Escaped, [b'\\', first, ..]) if *first == byte => 2,
                (_, [first, ..]) if *first == byte => 1,
                _ => return None,
            };
        }
        (at > 0).then_some(Occurrence::Whole(at))
    }
}

/// What stands where a secret was.
const REMOVED: &str = "[secret]";

/// How the bytes of a secret can be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they are.
    Bare,
    /// As in a URL: some of them as `%` and two hexadecimal digits, a blank as `+`.
    Url,
    /// Some behind a backslash, as JSON, a shell and a password file have it.
    Escaped,
    /// Two hexadecimal digits each.
    Hexadecimal,
}

impl Form {
    const ALL: [Self; 4] = [Self::Bare, Self::Url, Self::Escaped, Self::Hexadecimal];
}

/// How a secret stands in a text.
enum Occurrence {
    /// With so many bytes.
    Whole(usize),
    /// The text ends within it.
    Begun,
}

fn is_hex_of(byte: u8, high: u8, low: u8) -> bool {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    digit(high)
        .zip(digit(low))
        .map(|(high, low)| high * 16 + low)
        == Some(u32::from(byte))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REMOVED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REMOVED)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_removed_in_every_form() {
        let secret = Secret::new("pä %s");
        for (text, is) in [
            ("so pä %s is", "so [secret] is"),
            ("p%C3%A4%20%25s, p%c3%a4+%25s", "[secret], [secret]"),
            ("pä %s%70%C3%A4+%25s", "[secret][secret]"),
            ("pä %t pä", "pä %t pä"),
            (r"pä\ \%s, \p\ä\ %s, \pä", r"[secret], [secret], \pä"),
            ("0x70c3a4202573, 70C3A4202573", "0x[secret], [secret]"),
            ("70c3a42025", "70c3a42025"),
        ] {
            assert_eq!(secret.strip(text, false), is);
        }
        for end in ["pä", "p%C3", "pä %", "p%C3%A4%2", "pä %s", r"pä\", "70c3a"] {
            assert_eq!(
                secret.strip(&format!("x {end}"), true),
                "x [secret]",
                "{end}"
            );
        }
        assert_eq!(secret.strip("x pä", false), "x pä");
        assert_eq!(Secret::new("").strip("x", true), "x");
        let quoted = Secret::new(r#"a"b\c"#);
        assert_eq!(
            quoted.strip(r#"{"p":"a\"b\\c"}"#, false),
            r#"{"p":"[secret]"}"#
        );
    }

    /// What `base64` says, in either alphabet, with and without padding, alone and within another text, whole and in lines of 76.
    #[test]
    fn base64_is_found_at_every_place() {
        let secret = Secret::new("S?>cret~\u{fe}9");
        let password = "S?>cret~\u{fe}9";
        for before in ["", "u", "us", "user:", "Basic user:", &"x".repeat(55)] {
            for after in ["", "\n", "@host", "and more\n"] {
                let plain = format!("{before}{password}{after}");
                // Behind digits that are none of it, as in a path.
                let glued = coded(plain.as_bytes())
                    .into_iter()
                    .zip(["", "/", "a/", "ab/", ""]);
                for (coded, glue) in glued {
                    let said = format!("token={glue}{coded} end");
                    let stripped = secret.strip(&said, false);
                    assert!(stripped.contains("[secret]"), "{said}: {stripped}");
                    // Nothing that is left says anything of it but the bits that it shares a digit with.
                    let left: usize = stripped.matches(|c: char| c.is_alphanumeric()).count();
                    let apart = before.len().div_ceil(3) * 4 + after.len().div_ceil(3) * 4;
                    assert!(
                        left <= apart + "abtokenendsecret".len(),
                        "{said}: {stripped}"
                    );
                    assert!(stripped.starts_with("token=") && stripped.ends_with(" end"));
                }
            }
        }
        // A text that was cut off within it.
        let whole = &coded(format!("user:{password}").as_bytes())[0];
        for kept in 8..whole.trim_end_matches('=').len() {
            let stripped = secret.strip(&whole[..kept], true);
            assert!(stripped.len() <= "dXNlcjp[secret]".len(), "{stripped}");
        }
    }

    #[test]
    fn what_is_no_base64_of_it_is_left() {
        let secret = Secret::new("S3cret");
        for text in [
            "the quick brown fox jumps over the lazy dog",
            "/usr/lib/postgresql/15/bin/pg_dump --file=x",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "UzNjcmU=",
        ] {
            assert_eq!(secret.strip(text, false), text);
        }
        // Too short to be told from chance: bare and in a URL it is taken out, coded it is not.
        let short = Secret::new("ab?");
        assert_eq!(
            short.strip("ab? ab%3F YWI/ 61623f", false),
            "[secret] [secret] YWI/ 61623f"
        );
    }

    /// The forms in which base64 is written.
    fn coded(bytes: &[u8]) -> Vec<String> {
        let bits = bytes
            .iter()
            .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        let bits: Vec<u8> = bits.collect();
        let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let in_alphabet = |last: &str| {
            let alphabet: Vec<char> = digits.chars().chain(last.chars()).collect();
            let value = |six: &[u8]| {
                let value = six.iter().fold(0, |sum, bit| sum << 1 | usize::from(*bit));
                alphabet[value << (6 - six.len())]
            };
            bits.chunks(6).map(value).collect::<String>()
        };
        let [standard, url_safe] = ["+/", "-_"].map(in_alphabet);
        let padding = "=".repeat((4 - standard.len() % 4) % 4);
        let lines: Vec<&str> = (0..standard.len())
            .step_by(76)
            .map(|at| &standard[at..standard.len().min(at + 76)])
            .collect();
        let in_lines = lines.join("\n");
        vec![
            standard.clone(),
            format!("{standard}{padding}"),
            format!("{url_safe}{padding}"),
            url_safe,
            in_lines,
        ]
    }
}
