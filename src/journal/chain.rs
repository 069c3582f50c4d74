//! The hash chain through the lines of a journal.
//! Invariant: a position moves only past a line whose `seq` and `prev` fit. Held by `ChainPosition::pass`.

use sha2::{Digest as _, Sha256};

use super::format::VERSION;
use super::header::{HeaderFault, LineHeader};
use crate::planted::{PlantedBug, planted};
use crate::survey::Digest;

/// A SHA-256 as lowercase hex characters, on the stack: it is compared for every line that is read.
pub(super) type Hex = [u8; 64];

/// The SHA-256 of some bytes, as hex.
pub(super) fn sha256(bytes: &[u8]) -> Hex {
    to_hex(&Sha256::digest(bytes))
}

fn to_hex(hash: &[u8]) -> Hex {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [b'0'; 64];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(hash) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    hex
}

/// The 32 bytes of a digest in hex.
pub(super) fn from_hex(hex: &Hex) -> [u8; 32] {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.wrapping_sub(b'a').wrapping_add(10),
    };
    std::array::from_fn(|at| value(hex[2 * at]) << 4 | value(hex[2 * at + 1]))
}

/// The same digest in the type that the rest of the program uses.
pub(super) fn digest(hex: &Hex) -> Digest {
    Digest::from_hex(hex).unwrap_or_else(|_| Digest::zero())
}

/// A position between two lines of a journal. Everything before it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainPosition {
    pub(super) seq: u64,
    pub(super) offset: u64,
    pub(super) prev: Hex,
    /// The version of a line before it that is newer than ours; `None`: there is none.
    pub(super) newer: Option<u32>,
}

/// Why a line does not follow the line before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ChainBreak {
    /// The line is not one that the writer would write.
    Line(HeaderFault),
    /// The line has another number than expected.
    Order { found: u64 },
    /// The line has another `prev` than the digest of the line before.
    Prev,
}

impl ChainPosition {
    /// The position before the first line.
    pub fn start() -> Self {
        Self {
            seq: 0,
            offset: 0,
            prev: [b'0'; 64],
            newer: None,
        }
    }

    /// The number of the next line.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The byte at which the next line begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// SHA-256 of the line before; 64 zeros before the first line.
    pub fn prev(&self) -> Digest {
        digest(&self.prev)
    }

    /// Moves past a line, given without its newline.
    pub(super) fn pass(&mut self, line: &[u8]) -> Result<LineHeader, ChainBreak> {
        let header = LineHeader::parse(line).map_err(ChainBreak::Line)?;
        if header.seq != self.seq {
            return Err(ChainBreak::Order { found: header.seq });
        }
        if header.prev != self.prev && !planted(PlantedBug::SkipDigestCheck) {
            return Err(ChainBreak::Prev);
        }
        // A line of a newer version that chains is passed, so that damage is still found. The version is refused at the end.
        if header.v > VERSION {
            self.newer = Some(header.v);
        }
        self.seq += 1;
        self.offset += line.len() as u64 + 1;
        self.prev = sha256(line);
        Ok(header)
    }
}
