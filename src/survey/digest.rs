//! SHA-256 digests, and the digest over the facts of a survey.
//! Invariant: a `Digest` is 64 lowercase hex characters. Held by its
//! constructors and the test `only_64_lowercase_hex_characters_are_a_digest`.

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::parsed::parsed;
use super::{Fact, content_hex};

/// A SHA-256 as 64 lowercase hex characters. They are stored inline: as a `String`, every journal line that
/// is read would allocate two.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 64]);

/// A text that is not 64 lowercase hex characters.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a digest has 64 characters of 0-9 and a-f, this has {length}")]
pub struct DigestError {
    length: usize,
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes.as_ref());
        hasher.finish()
    }

    /// The digest of the JSON of a value, which is hashed as it is written: that of a long survey is large.
    pub fn of_json(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut hasher = Hasher::new();
        serde_json::to_writer(&mut hasher, value)?;
        Ok(hasher.finish())
    }

    /// 64 zeros: the `prev` of the first journal line.
    pub fn zero() -> Self {
        Self([b'0'; 64])
    }

    /// Takes 64 characters over if all are 0-9 or a-f.
    pub fn from_hex(hex: &[u8; 64]) -> Result<Self, DigestError> {
        let right = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        // No early exit, so that the compiler can check many bytes at once.
        if hex.iter().fold(true, |all, byte| all & right(byte)) {
            Ok(Self(*hex))
        } else {
            Err(DigestError { length: 64 })
        }
    }

    /// All 64 hex characters.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The first 8 and the last 4 characters: `5d0e7b21..f91a`.
    pub fn short(&self) -> String {
        format!("{}..{}", &self.as_str()[..8], &self.as_str()[60..])
    }

    /// The last six characters, which a person types to approve.
    pub fn last_six(&self) -> &str {
        &self.as_str()[58..]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text.as_bytes().try_into() {
            Ok(hex) => Self::from_hex(hex),
            Err(_) => Err(DigestError {
                length: text.chars().count(),
            }),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Digest").field(&self.as_str()).finish()
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

/// A SHA-256 that is computed piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Hasher {
    /// A hasher without input.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes without their length.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes.as_ref());
    }

    /// Adds a field after its length (8 bytes, big-endian), so that `ab`, `c` and `a`, `bc` give different digests.
    pub fn field(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// The digest of everything that was added, as its 32 bytes.
    pub fn finish_bytes(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The digest of everything that was added.
    pub fn finish(self) -> Digest {
        // Every journal line and every unit is hashed here. Formatting byte by byte with `write!` cost
        // more than the hash itself.
        const HEX: [u8; 16] = *b"0123456789abcdef";
        let mut hex = [b'0'; 64];
        for (digits, byte) in hex.chunks_exact_mut(2).zip(self.0.finalize()) {
            digits[0] = HEX[usize::from(byte >> 4)];
            digits[1] = HEX[usize::from(byte & 15)];
        }
        Digest(hex)
    }
}

/// The content digest of a table without rows: the SHA-256 of no bytes.
pub(super) const OF_NO_ROWS: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Whether a value is the content digest of a table without rows. Screens show it as `empty`.
pub fn is_of_no_rows(value: &str) -> bool {
    content_hex(value) == OF_NO_ROWS
}

/// The facts digest (docs/contract.md, section 6): keys and values of all facts, each with its length. Server, database, time
/// and oids are not part of it, so equal content on another server gives the same digest.
pub fn facts_digest(facts: &[Fact]) -> Digest {
    let mut sorted: Vec<&Fact> = facts.iter().collect();
    // By the bytes of the key: the order of the profile and the locale of the machine do not matter.
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut hasher = Hasher::new();
    for fact in sorted {
        hasher.field(fact.key.as_str());
        // The marker keeps an unknown value apart from every known one, the empty text included.
        match fact.observed.value() {
            Some(value) => {
                hasher.update(b"=");
                hasher.field(value);
            }
            None => hasher.update(b"?"),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{Digest, Hasher};

    #[test]
    fn known_value_of_the_empty_text() {
        assert_eq!(
            Digest::of("").as_str(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn only_64_lowercase_hex_characters_are_a_digest() {
        assert!("E3".repeat(32).parse::<Digest>().is_err());
        assert!("e3".repeat(31).parse::<Digest>().is_err());
        assert!("e3".repeat(32).parse::<Digest>().is_ok());
    }

    #[test]
    fn fields_cannot_be_shifted_into_each_other() {
        let of = |parts: &[&str]| {
            let mut hasher = Hasher::new();
            for part in parts {
                hasher.field(part);
            }
            hasher.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    }
}
