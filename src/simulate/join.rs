//! Sort-merge join of the two ordered streams, source pieces and live units, by key and batch by batch. It keeps at most one
//! batch of each stream, if the caller reads what [`Joiner::wants`] names.
//! Invariant: a stream that is not in key order is an error, never a result. Held by `StreamSide::arrive`.

use std::cmp::Ordering;
use std::collections::VecDeque;

use thiserror::Error;

use super::{Piece, Unit};
use crate::survey::{Hasher, StreamDigest};

/// What the merge needs next from the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The next batch of source pieces.
    Pieces,
    /// The next batch of live units.
    Units,
    /// Both streams have ended.
    Nothing,
}

/// One result of the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pairing {
    /// A piece and the live unit of the same key.
    Both(Piece, Unit),
    /// A piece without a live unit.
    OnlyPiece(Piece),
    /// A live unit without a piece: a gap.
    OnlyUnit(Unit),
    /// A key that one stream holds twice. Its rows are paired as well, so the second one may also appear without a partner.
    Duplicate(String),
}

/// A stream whose rows are not in key order.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{stream} are not in key order (COLLATE \"C\"): {after:?} comes after {before:?}")]
pub struct StreamError {
    /// `source pieces` or `live units`.
    pub stream: &'static str,
    /// The larger key, which was read first.
    pub before: String,
    /// The smaller key, which was read after it.
    pub after: String,
}

struct StreamSide<T> {
    waiting: VecDeque<T>,
    ended: bool,
    rows: u64,
    hasher: Hasher,
    last_key: Option<String>,
}

impl<T> StreamSide<T> {
    fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            ended: false,
            rows: 0,
            hasher: Hasher::new(),
            last_key: None,
        }
    }

    /// Whether rows of this stream must arrive before a pairing can be decided.
    fn dry(&self) -> bool {
        self.waiting.is_empty() && !self.ended
    }

    /// Counts a row and checks the order of its key; `true`: the key repeats the last one.
    fn arrive(&mut self, stream: &'static str, key: &str) -> Result<bool, StreamError> {
        // Bytewise comparison of Rust strings is the order of `COLLATE "C"`, in which the profile's queries sort.
        let order = self.last_key.as_deref().map(|last| last.cmp(key));
        if order == Some(Ordering::Greater) {
            return Err(StreamError {
                stream,
                before: self.last_key.clone().unwrap_or_default(),
                after: key.to_owned(),
            });
        }
        self.rows += 1;
        // The buffer of the last key is used again: one allocation for the stream instead of one for each row.
        let last = self.last_key.get_or_insert_default();
        last.clear();
        last.push_str(key);
        Ok(order == Some(Ordering::Equal))
    }

    fn digest(&self) -> StreamDigest {
        StreamDigest {
            rows: self.rows,
            // A copy of the hasher is finished, so that more rows can be added afterwards.
            sha256: self.hasher.clone().finish(),
        }
    }
}

/// Merges pieces and units by the bytes of their keys.
pub struct Joiner {
    pieces: StreamSide<Piece>,
    units: StreamSide<Unit>,
    duplicates: VecDeque<String>,
}

impl Default for Joiner {
    fn default() -> Self {
        Self::new()
    }
}

impl Joiner {
    /// A merge that has read nothing.
    pub fn new() -> Self {
        Self {
            pieces: StreamSide::new(),
            units: StreamSide::new(),
            duplicates: VecDeque::new(),
        }
    }

    /// The batch to read next. Both streams are read only as far as the merge needs, so that memory stays small.
    pub fn wants(&self) -> Want {
        if self.pieces.dry() {
            Want::Pieces
        } else if self.units.dry() {
            Want::Units
        } else {
            Want::Nothing
        }
    }

    /// Adds a batch of pieces; an empty batch ends the stream.
    pub fn add_pieces(&mut self, batch: Vec<Piece>) -> Result<(), StreamError> {
        self.pieces.ended |= batch.is_empty();
        for piece in batch {
            if self.pieces.arrive("source pieces", &piece.key)? {
                self.duplicates.push_back(piece.key.clone());
            }
            // Each field with its length, so that two rows cannot give the bytes of one.
            self.pieces.hasher.field(&piece.key);
            self.pieces.hasher.field(piece.content.as_str());
            self.pieces.waiting.push_back(piece);
        }
        Ok(())
    }

    /// Adds a batch of units; an empty batch ends the stream.
    pub fn add_units(&mut self, batch: Vec<Unit>) -> Result<(), StreamError> {
        self.units.ended |= batch.is_empty();
        for unit in batch {
            if self.units.arrive("live units", &unit.key)? {
                self.duplicates.push_back(unit.key.clone());
            }
            self.units.hasher.field(&unit.key);
            self.units.hasher.field(unit.content.as_str());
            self.units.hasher.field(&unit.state);
            self.units.waiting.push_back(unit);
        }
        Ok(())
    }

    /// The next pairing that can be decided with the rows that have arrived; `None`: read what [`Joiner::wants`] names.
    pub fn next_pairing(&mut self) -> Option<Pairing> {
        if let Some(key) = self.duplicates.pop_front() {
            return Some(Pairing::Duplicate(key));
        }
        // Without a row on a side that has not ended, nobody knows yet whether the other side's key has a partner.
        if self.pieces.dry() || self.units.dry() {
            return None;
        }
        // A side without rows has ended here, so every row of the other side stands alone.
        let order = match (self.pieces.waiting.front(), self.units.waiting.front()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(piece), Some(unit)) => piece.key.cmp(&unit.key),
        };
        match order {
            Ordering::Less => self.pieces.waiting.pop_front().map(Pairing::OnlyPiece),
            Ordering::Greater => self.units.waiting.pop_front().map(Pairing::OnlyUnit),
            Ordering::Equal => {
                let piece = self.pieces.waiting.pop_front()?;
                let unit = self.units.waiting.pop_front()?;
                Some(Pairing::Both(piece, unit))
            }
        }
    }

    /// Length and digest of the pieces that have arrived.
    pub fn pieces_digest(&self) -> StreamDigest {
        self.pieces.digest()
    }

    /// Length and digest of the units that have arrived.
    pub fn units_digest(&self) -> StreamDigest {
        self.units.digest()
    }
}
