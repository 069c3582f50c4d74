//! A password that is never printed: `Debug` and `Display` write `[secret]`.
//! Invariant: only the startup of a connection reads the text (`Secret::reveal`); `Secret::strip` removes it from messages.

use std::fmt;

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

    /// `text` with every occurrence of this secret removed: servers, libraries and programs repeat what they were given, as it is
    /// or as a URL has it. `is_cut`: the text went on, and may end within the secret.
    pub(super) fn strip(&self, text: &str, is_cut: bool) -> String {
        let mut stripped = String::with_capacity(text.len());
        let mut rest = text;
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
            stripped.push_str("[secret]");
            rest = rest.get(length..).unwrap_or_default();
        }
        stripped
    }

    /// The secret at the beginning of a text.
    fn length_in(&self, text: &[u8]) -> Option<Occurrence> {
        self.read(text, false).or_else(|| self.read(text, true))
    }

    fn read(&self, text: &[u8], in_url: bool) -> Option<Occurrence> {
        let mut at = 0;
        for byte in self.0.bytes() {
            at += match text.get(at..)? {
                [] if at > 0 => return Some(Occurrence::Begun),
                [b'%'] | [b'%', _] if in_url && at > 0 => return Some(Occurrence::Begun),
                [b'%', high, low, ..] if in_url && is_hex_of(byte, *high, *low) => 3,
                [b'+', ..] if in_url && byte == b' ' => 1,
                [first, ..] if *first == byte => 1,
                _ => return None,
            };
        }
        (at > 0).then_some(Occurrence::Whole(at))
    }
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
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_removed_bare_and_as_a_url_has_it() {
        let secret = Secret::new("pä %s");
        for (text, is) in [
            ("so pä %s is", "so [secret] is"),
            ("p%C3%A4%20%25s, p%c3%a4+%25s", "[secret], [secret]"),
            ("pä %s%70%C3%A4+%25s", "[secret][secret]"),
            ("pä %t pä", "pä %t pä"),
        ] {
            assert_eq!(secret.strip(text, false), is);
        }
        for end in ["pä", "p%C3", "pä %", "p%C3%A4%2", "pä %s"] {
            assert_eq!(
                secret.strip(&format!("x {end}"), true),
                "x [secret]",
                "{end}"
            );
        }
        assert_eq!(secret.strip("x pä", false), "x pä");
        assert_eq!(Secret::new("").strip("x", true), "x");
    }
}
