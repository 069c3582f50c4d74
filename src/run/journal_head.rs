//! A line of a journal by number and digest: what a person keeps elsewhere, and what a later copy of the journal is held against.
//! Invariant: what is printed is what `verify --head` takes (test `what_is_printed_is_what_is_taken`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::survey::{Digest, DigestError};

/// The last line of a journal at some moment. All lines before it are covered by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct JournalHead {
    /// Number, from 0.
    pub seq: u64,
    /// SHA-256 of the line without its newline.
    pub sha256: Digest,
}

impl fmt::Display for JournalHead {
    /// `212:77e0b3d5..`, with the whole digest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.sha256)
    }
}

/// A head that somebody kept, as it is given to `verify --head`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHead {
    /// Number of the line; `None`: only the digest was kept.
    pub seq: Option<u64>,
    /// SHA-256 of the line without its newline.
    pub sha256: Digest,
}

impl KeptHead {
    /// Whether it is this line.
    pub fn is(&self, line: &JournalHead) -> bool {
        self.sha256 == line.sha256 && self.seq.is_none_or(|seq| seq == line.seq)
    }
}

impl fmt::Display for KeptHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seq) = self.seq {
            write!(f, "{seq}:")?;
        }
        write!(f, "{}", self.sha256)
    }
}

/// Why a text is no head.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeptHeadError {
    /// What stands before the colon is no number.
    #[error("{0:?} before the colon is no number of a journal line")]
    Seq(String),
    /// What should be the digest is none.
    #[error("a head is [SEQ:]HEX64: {0}")]
    Digest(#[from] DigestError),
}

impl FromStr for KeptHead {
    type Err = KeptHeadError;

    fn from_str(text: &str) -> Result<Self, KeptHeadError> {
        let Some((seq, sha256)) = text.split_once(':') else {
            let sha256 = text.parse()?;
            return Ok(Self { seq: None, sha256 });
        };
        let number = seq
            .parse()
            .map_err(|_| KeptHeadError::Seq(seq.to_owned()))?;
        Ok(Self {
            seq: Some(number),
            sha256: sha256.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{JournalHead, KeptHead};
    use crate::survey::Digest;

    #[test]
    fn what_is_printed_is_what_is_taken() {
        let line = JournalHead {
            seq: 212,
            sha256: Digest::of("a line"),
        };
        for text in [line.to_string(), line.sha256.to_string()] {
            let kept: KeptHead = text.parse().expect("a head");
            assert!(kept.is(&line), "{text}");
            assert_eq!(kept.to_string(), text);
        }
        let other = |text: String| !text.parse::<KeptHead>().expect("a head").is(&line);
        assert!(other(format!("211:{}", line.sha256)));
        assert!(other(Digest::of("another").to_string()));
    }

    #[test]
    fn a_text_that_is_no_head_is_refused_with_the_reason() {
        for (text, says) in [
            ("", "[SEQ:]HEX64"),
            ("12", "[SEQ:]HEX64"),
            ("x:00", "before the colon"),
            ("-1:00", "before the colon"),
        ] {
            let error = text.parse::<KeptHead>().expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
