//! The chain of digests through the lines. Invariant: a position only moves past a line whose `prev` and `seq` fit.

use sha2::{Digest as _, Sha256};

use super::format::VERSION;
use super::header::{HeaderFault, LineHeader};
use crate::survey::Digest;

/// A SHA-256 as lowercase hex characters. Lines are compared by the million, so these stay on the stack.
pub(super) type Hex = [u8; 64];

/// The SHA-256 of some bytes.
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

/// The bytes of a digest.
pub(super) fn from_hex(hex: &Hex) -> [u8; 32] {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.wrapping_sub(b'a').wrapping_add(10),
    };
    std::array::from_fn(|at| value(hex[2 * at]) << 4 | value(hex[2 * at + 1]))
}

/// The same digest as the type of the rest of the program.
pub(super) fn digest(hex: &Hex) -> Digest {
    Digest::from_hex(hex).unwrap_or_else(|_| Digest::zero())
}

/// A place between two lines: everything before it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainPosition {
    pub(super) seq: u64,
    pub(super) offset: u64,
    pub(super) prev: Hex,
    pub(super) newer: Option<u32>,
}

/// Why a line does not follow the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ChainBreak {
    /// The line itself is not one that the writer writes.
    Line(HeaderFault),
    /// It has another number than the next.
    Order { found: u64 },
    /// It has the digest of another line in `prev`.
    Prev,
}

impl ChainPosition {
    /// The start of a journal.
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

    /// The digest of the line before; 64 zeros at the start.
    pub fn prev(&self) -> Digest {
        digest(&self.prev)
    }

    /// Moves past a line, given without its newline.
    pub(super) fn pass(&mut self, line: &[u8]) -> Result<LineHeader, ChainBreak> {
        let header = LineHeader::parse(line).map_err(ChainBreak::Line)?;
        if header.seq != self.seq {
            return Err(ChainBreak::Order { found: header.seq });
        }
        if header.prev != self.prev {
            return Err(ChainBreak::Prev);
        }
        if header.v > VERSION {
            self.newer = Some(header.v);
        }
        self.seq += 1;
        self.offset += line.len() as u64 + 1;
        self.prev = sha256(line);
        Ok(header)
    }
}
