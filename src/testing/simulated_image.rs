//! The contents of a simulated disk: for every file and directory a durable image, a current one, and the changes between them.
//! Invariant: only a sync moves a change to the durable image for certain, and a crash invents no byte but zeros.
//! Held by `FileImage` and `DirectoryImage`.

use std::collections::BTreeMap;

/// A file: what a crash leaves for certain, what a reader sees, and the writes that are not synced.
#[derive(Debug, Clone, Default)]
pub(super) struct FileImage {
    durable: Vec<u8>,
    pub(super) current: Vec<u8>,
    pending: Vec<FileChange>,
}

#[derive(Debug, Clone)]
enum FileChange {
    Write { offset: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

/// A directory: names with the numbers of their nodes, in the same three parts.
#[derive(Debug, Clone, Default)]
pub(super) struct DirectoryImage {
    durable: BTreeMap<String, usize>,
    pub(super) current: BTreeMap<String, usize>,
    pending: Vec<NameChange>,
}

/// A change of a directory that is not synced.
#[derive(Debug, Clone)]
enum NameChange {
    Link(String, usize),
    Unlink(String),
    Rename(String, String, usize),
}

/// A small random number generator (SplitMix64): the same seed gives the same numbers.
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `limit`, both included.
    pub(super) fn up_to(&mut self, limit: usize) -> usize {
        let limit = limit as u64 + 1;
        usize::try_from(self.roll() % limit).unwrap_or(0)
    }
}

impl FileImage {
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        put(&mut self.current, offset, bytes);
        self.pending.push(FileChange::Write {
            offset,
            bytes: bytes.to_owned(),
        });
    }

    pub(super) fn cut(&mut self, length: usize) {
        self.current.resize(length, 0);
        self.pending.push(FileChange::Cut { length });
    }

    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            match change {
                FileChange::Write { offset, bytes } => put(&mut self.durable, offset, &bytes),
                FileChange::Cut { length } => self.durable.resize(length, 0),
            }
        }
    }

    /// What a failed fsync does: the pages count as clean, so that readers see them, the disk never gets them,
    /// and the next fsync succeeds.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
    }

    /// Each unsynced change reaches the disk whole, in part or not at all, and later ones may arrive without
    /// earlier ones. Gaps are zeros.
    pub(super) fn crash(&mut self, dice: &mut Dice) {
        for change in std::mem::take(&mut self.pending) {
            // One change in four is lost.
            let dropped = dice.up_to(3) == 0;
            match change {
                _ if dropped => {}
                FileChange::Write { offset, bytes } => {
                    tear(&mut self.durable, offset, &bytes, dice);
                }
                FileChange::Cut { length } => self.durable.resize(length, 0),
            }
        }
        self.current.clone_from(&self.durable);
    }
}

/// Writes all bytes, a prefix of them, or some of their sectors. A sector that did not arrive keeps its old bytes, or is zeros
/// where the file was shorter.
fn tear(image: &mut Vec<u8>, offset: usize, bytes: &[u8], dice: &mut Dice) {
    // Smaller than a real sector, which has 512 bytes or more.
    const SECTOR: usize = 64;
    match dice.up_to(2) {
        0 => put(image, offset, bytes),
        1 => put(image, offset, &bytes[..dice.up_to(bytes.len())]),
        _ => {
            for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                let start = offset + number * SECTOR;
                if dice.up_to(1) == 0 {
                    put(image, start, sector);
                } else if image.len() < start + sector.len() {
                    image.resize(start + sector.len(), 0);
                }
            }
        }
    }
}

fn put(image: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    image[offset..end].copy_from_slice(bytes);
}

impl DirectoryImage {
    pub(super) fn link(&mut self, name: &str, node: usize) {
        self.current.insert(name.to_owned(), node);
        self.pending.push(NameChange::Link(name.to_owned(), node));
    }

    pub(super) fn unlink(&mut self, name: &str) -> bool {
        self.pending.push(NameChange::Unlink(name.to_owned()));
        self.current.remove(name).is_some()
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(node) = self.current.remove(from) else {
            return false;
        };
        self.current.insert(to.to_owned(), node);
        let change = NameChange::Rename(from.to_owned(), to.to_owned(), node);
        self.pending.push(change);
        true
    }

    pub(super) fn sync(&mut self) {
        self.pending.clear();
        self.durable.clone_from(&self.current);
    }

    /// Each unsynced change of a name reaches the disk or not. A rename does so as a whole.
    pub(super) fn crash(&mut self, dice: &mut Dice) {
        for change in std::mem::take(&mut self.pending) {
            // One change in three is lost.
            if dice.up_to(2) == 0 {
                continue;
            }
            match change {
                NameChange::Link(name, node) => {
                    self.durable.insert(name, node);
                }
                NameChange::Unlink(name) => {
                    self.durable.remove(&name);
                }
                NameChange::Rename(from, to, node) => {
                    self.durable.remove(&from);
                    self.durable.insert(to, node);
                }
            }
        }
        self.current.clone_from(&self.durable);
    }
}
