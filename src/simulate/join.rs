//! The merge of the two ordered streams, a batch at a time. Invariant: memory is two batches; a stream out of order is an error, not a result.

use std::cmp::Ordering;
use std::collections::VecDeque;

use thiserror::Error;

use super::{Piece, Unit};
use crate::survey::{Hasher, StreamDigest};

/// What the merge needs next from the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The next batch of source pieces.
    Pieces,
    /// The next batch of live units.
    Units,
    /// Both streams have ended.
    Nothing,
}

/// One step of the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pairing {
    /// A piece and the live unit of the same key.
    Both(Piece, Unit),
    /// A piece without a live unit.
    OnlyPiece(Piece),
    /// A live unit that no piece explains: a gap.
    OnlyUnit(Unit),
    /// A second piece or unit with a key already seen.
    Duplicate(String),
}

/// A stream that cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{stream} are not in key order (COLLATE \"C\"): {after:?} comes after {before:?}")]
pub struct StreamError {
    /// `source pieces` or `live units`.
    pub stream: &'static str,
    /// The larger key, which came first.
    pub before: String,
    /// The smaller key, which came after it.
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

    fn dry(&self) -> bool {
        self.waiting.is_empty() && !self.ended
    }

    /// Notes the key that arrives; `true` if it repeats the last one.
    fn arrive(&mut self, stream: &'static str, key: &str) -> Result<bool, StreamError> {
        let order = self.last_key.as_deref().map(|last| last.cmp(key));
        if order == Some(Ordering::Greater) {
            return Err(StreamError {
                stream,
                before: self.last_key.clone().unwrap_or_default(),
                after: key.to_owned(),
            });
        }
        self.rows += 1;
        let last = self.last_key.get_or_insert_default();
        last.clear();
        last.push_str(key);
        Ok(order == Some(Ordering::Equal))
    }

    fn digest(&self) -> StreamDigest {
        StreamDigest {
            rows: self.rows,
            sha256: self.hasher.clone().finish(),
        }
    }
}

/// Merges pieces and units by key, bytewise.
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
    /// A merge that has seen nothing.
    pub fn new() -> Self {
        Self {
            pieces: StreamSide::new(),
            units: StreamSide::new(),
            duplicates: VecDeque::new(),
        }
    }

    /// Which batch to read next.
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

    /// The next pairing that can be decided with what has arrived. `None`: feed what [`Joiner::wants`].
    pub fn next_pairing(&mut self) -> Option<Pairing> {
        if let Some(key) = self.duplicates.pop_front() {
            return Some(Pairing::Duplicate(key));
        }
        if self.pieces.dry() || self.units.dry() {
            return None;
        }
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

    /// Length and digest of the pieces so far.
    pub fn pieces_digest(&self) -> StreamDigest {
        self.pieces.digest()
    }

    /// Length and digest of the units so far.
    pub fn units_digest(&self) -> StreamDigest {
        self.units.digest()
    }
}
