//! What a simulated disk keeps: for every file and directory a durable image, a current one and what is pending between them.
//! Invariant: only a sync moves something to the durable image, and a crash never invents a byte but zeros.

use std::collections::BTreeMap;

/// A file: what a crash certainly leaves, what a reader sees, and the writes between.
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

/// A directory: names to numbers of nodes.
#[derive(Debug, Clone, Default)]
pub(super) struct DirectoryImage {
    durable: BTreeMap<String, usize>,
    pub(super) current: BTreeMap<String, usize>,
    pending: Vec<NameChange>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Link(String, usize),
    Unlink(String),
    Rename(String, String, usize),
}

/// A small generator (SplitMix64), so that one seed is one crash that can be repeated.
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

    /// A failed sync marks the pages clean: readers see them, the disk never gets them, and the next sync says all is well.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
    }

    /// Each pending change reaches the disk whole, in part or not at all, in whatever order; a gap is zeros.
    pub(super) fn crash(&mut self, dice: &mut Dice) {
        for change in std::mem::take(&mut self.pending) {
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

/// Puts a prefix of the bytes, all of them, or the new length with what was there before, else zeros, where a sector did not arrive.
fn tear(image: &mut Vec<u8>, offset: usize, bytes: &[u8], dice: &mut Dice) {
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

    /// Each pending change of a name reaches the disk or does not; a rename does so in one step.
    pub(super) fn crash(&mut self, dice: &mut Dice) {
        for change in std::mem::take(&mut self.pending) {
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
