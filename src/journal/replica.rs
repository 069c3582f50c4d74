//! The files of a run on this machine as a replica of those in a run store: what this machine has, and what is brought to it.
//! Invariant: a line is added only where it follows the line before it, and what this machine has and the store has not is set aside in
//! `torn/<run_id>/` of the data directory, never lost. Held by `Replica::bring`, `Replica::start_over` and the tests of this file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{ChainPosition, digest};
use super::head::Head;
use super::journal_walk::scan;
use super::manifest::files;
use super::recovery::{Torn, copy, set_aside};
use super::storage::Storage;
use super::{Corrupt, JournalError, atomic, layout, travels};
use crate::run::JournalHead;
use crate::survey::{Digest, Hasher};

/// The files of one run on this machine. Whoever brings something holds the lock of the run.
#[derive(Debug)]
pub struct Replica {
    storage: Arc<dyn Storage>,
    run: PathBuf,
    /// The position behind the line that HEAD names.
    covered: ChainPosition,
}

impl Replica {
    /// What this machine has of the run in this directory, which is made if it is not there.
    pub fn of(storage: Arc<dyn Storage>, run: &Path) -> Result<Self, JournalError> {
        atomic::directory(&*storage, Path::new(layout::RUNS_DIR))?;
        atomic::directory(&*storage, run)?;
        for directory in [layout::BLOBS_DIR, layout::UNITS_DIR] {
            storage.create_dir(&run.join(directory))?;
        }
        let covered = scan(&*storage, run, &mut |_| Ok(()))?.covered;
        Ok(Self {
            storage,
            run: run.to_owned(),
            covered,
        })
    }

    /// The last line that HEAD covers; `None`: it covers none.
    pub fn head(&self) -> Option<JournalHead> {
        let seq = self.covered.seq().checked_sub(1)?;
        Some(JournalHead {
            seq,
            sha256: self.covered.prev(),
        })
    }

    /// The lines that HEAD covers, without their newlines, from the first on.
    pub fn each_line(
        &self,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let covered = self.covered.seq();
        let walked = scan(&*self.storage, &self.run, &mut |line| {
            if line.header.seq < covered {
                visit(line.line)?;
            }
            Ok(())
        });
        walked.map(drop)
    }

    /// Adds the lines that follow HEAD, moves HEAD to the last of them, and gives the tail that was set aside: what was behind HEAD
    /// here and is not what follows.
    pub fn bring(&mut self, lines: &[Vec<u8>]) -> Result<Option<Torn>, JournalError> {
        let path = self.run.join(layout::JOURNAL);
        let has = self.storage.len(&path)?;
        let mut end = self.covered.clone();
        let mut bytes = Vec::new();
        for line in lines {
            end.pass(line).map_err(|_| {
                let what = "the run store's next line does not follow the last one here";
                Corrupt::at(layout::JOURNAL, end.seq() + 1, end.offset(), what)
            })?;
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        let mut torn = None;
        if has.is_none() {
            drop(self.storage.create(&path)?);
        } else if has > Some(self.covered.offset()) && !self.begins_with(&bytes)? {
            torn = Some(self.set_aside()?);
        }
        let mut file = self.storage.open_write(&path, self.covered.offset())?;
        file.write(&bytes)?;
        file.cut()?;
        file.sync()?;
        self.storage.sync_dir(&self.run)?;
        if let Some(seq) = end.seq().checked_sub(1) {
            let sha256 = end.prev;
            Head { seq, sha256 }.write(&*self.storage, &self.run)?;
        }
        self.covered = end;
        Ok(torn)
    }

    /// Sets everything aside that this machine has of the run: the store has other lines than HEAD covers here. Gives the directory,
    /// relative to the root of the storage. What the store has is brought from the first line on.
    pub fn start_over(&mut self) -> Result<PathBuf, JournalError> {
        let storage = &*self.storage;
        let mut names: Vec<String> = Vec::new();
        for name in layout::NOT_IN_MANIFEST {
            if is_replicated(name) && storage.len(&self.run.join(name))?.is_some() {
                names.push(name.to_owned());
            }
        }
        let listed = files(storage, &self.run)?.into_iter();
        names.extend(listed.map(|(name, _)| name));
        // Last, and HEAD first of the two: whoever finds half of this goes on with it, as long as HEAD covers the lines or they have none.
        names.sort_by_key(|name| {
            [layout::HEAD, layout::JOURNAL]
                .iter()
                .position(|last| last == name)
        });
        let above = Path::new(layout::TORN_DIR);
        atomic::directory(storage, above)?;
        let above = above.join(self.run.file_name().unwrap_or_default());
        atomic::directory(storage, &above)?;
        let taken = storage.list(&above)?;
        let is_free = |name: &String| taken.iter().all(|listed| listed.name != *name);
        let free = (0..=taken.len())
            .map(|number| format!("whole-{number}"))
            .find(is_free);
        let place = above.join(free.unwrap_or_default());
        atomic::directory(storage, &place)?;
        for name in names {
            let (from, to) = (self.run.join(&name), place.join(&name));
            if let Some(parent) = to.parent().filter(|parent| *parent != place) {
                atomic::directory(storage, parent)?;
            }
            atomic::publish(storage, &from, &to)?;
            storage.sync_dir(from.parent().unwrap_or(&self.run))?;
        }
        self.covered = ChainPosition::start();
        Ok(place)
    }

    /// Keeps what is behind HEAD here and not in the store. Not in the run: what was never acknowledged is no part of a run that others
    /// go on with.
    fn set_aside(&self) -> Result<Torn, JournalError> {
        let above = Path::new(layout::TORN_DIR);
        atomic::directory(&*self.storage, above)?;
        let directory = above.join(self.run.file_name().unwrap_or_default());
        Ok(set_aside(
            &*self.storage,
            &self.run,
            &directory,
            &self.covered,
        )?)
    }

    /// Whether what is behind HEAD here is the beginning of these bytes, or they are its beginning with nothing behind.
    fn begins_with(&self, bytes: &[u8]) -> Result<bool, JournalError> {
        let path = self.run.join(layout::JOURNAL);
        let mut there = self.storage.read(&path)?.unwrap_or_default();
        let behind = there.split_off(usize::try_from(self.covered.offset()).unwrap_or(usize::MAX));
        Ok(bytes.starts_with(&behind))
    }

    /// The SHA-256 of a file of the run; `None`: it is not here.
    pub fn digest(&self, name: &str) -> Result<Option<Digest>, JournalError> {
        let path = self.run.join(name);
        if self.storage.len(&path)?.is_none() {
            return Ok(None);
        }
        Ok(Some(copy(&*self.storage, &path, 0, &mut |_| Ok(()))?.1))
    }

    /// Puts a file of the run in its place, part by part, until `next` has no more; durable on return. A name that no file of a run
    /// has is refused, and so is content of another digest.
    pub fn put<E: From<JournalError>>(
        &self,
        name: &str,
        sha256: &Digest,
        next: &mut dyn FnMut() -> Result<Option<Vec<u8>>, E>,
    ) -> Result<(), E> {
        if !is_replicated(name) {
            let what = "is no file of a run, and the run store has it";
            return Err(JournalError::from(Corrupt::file(name, what)).into());
        }
        let path = self.run.join(name);
        let begun = || -> Result<_, JournalError> {
            if let Some(parent) = path.parent().filter(|parent| *parent != self.run) {
                atomic::directory(&*self.storage, parent)?;
            }
            Ok(self.storage.create(&atomic::temporary(&path))?)
        };
        let mut file = begun()?;
        let mut hasher = Hasher::new();
        while let Some(part) = next()? {
            hasher.update(&part);
            file.write(&part).map_err(JournalError::from)?;
        }
        let blob = name.strip_prefix(layout::BLOBS_DIR);
        let blob = blob.and_then(|blob| blob.strip_prefix('/'));
        let content = hasher.finish();
        if content != *sha256 || blob.is_some_and(|blob| content.as_str() != blob) {
            let what = "does not have its digest in the run store";
            return Err(JournalError::from(Corrupt::file(name, what)).into());
        }
        let mut publish = || {
            file.sync()?;
            atomic::publish(&*self.storage, &atomic::temporary(&path), &path)
        };
        Ok(publish().map_err(JournalError::from)?)
    }
}

/// Whether a file of a run, by its name below the run's directory, is kept in a run store as a file. HEAD and the journal are kept
/// there line by line. SALT is there, unlike in an archive: who takes the run over compares keys by it.
pub fn is_replicated(name: &str) -> bool {
    let apart = [layout::HEAD, layout::JOURNAL];
    name == layout::SALT || (!apart.contains(&name) && travels(name))
}

/// The content of HEAD as the last line that it names; `None`: it is not what the writer writes.
pub fn parse_head(content: &[u8]) -> Option<JournalHead> {
    Head::parse(content).ok().map(|head| JournalHead {
        seq: head.seq,
        sha256: digest(&head.sha256),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use serde::Serialize;

    use super::Replica;
    use crate::journal::{DiskStorage, JournalError, Permissions, RunDirectory};
    use crate::survey::{Digest, UtcTime};

    const RUN: &str = "runs/ictr-20261101T091402Z-8a941203";

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Line {
        Noted { nth: u32 },
    }

    /// A data directory, and the journal of a run of so many lines that another machine wrote.
    fn machines(lines: u32) -> (tempfile::TempDir, Arc<DiskStorage>, Vec<Vec<u8>>) {
        let other = tempfile::tempdir().expect("a directory");
        let disk = DiskStorage::create(other.path(), Permissions::private()).expect("ours");
        fs::create_dir(other.path().join("runs")).expect("new");
        let at = UtcTime::from_unix_micros(0);
        let mut written = RunDirectory::create(Arc::new(disk), Path::new(RUN)).expect("new");
        let mut line = |nth| {
            written
                .append(at, &Line::Noted { nth })
                .expect("a line")
                .line
        };
        let lines = (0..lines).map(|nth| line(nth).into_bytes()).collect();
        let here = tempfile::tempdir().expect("a directory");
        let disk = DiskStorage::create(here.path(), Permissions::private()).expect("ours");
        (here, Arc::new(disk), lines)
    }

    fn replica(disk: &Arc<DiskStorage>) -> Replica {
        Replica::of(disk.clone(), Path::new(RUN)).expect("a directory")
    }

    fn journal(here: &tempfile::TempDir) -> PathBuf {
        here.path().join(RUN).join("journal.jsonl")
    }

    fn torn(here: &tempfile::TempDir) -> usize {
        let torn = here.path().join("torn").join(&RUN[5..]);
        fs::read_dir(torn).map_or(0, Iterator::count)
    }

    #[test]
    fn lines_are_added_where_they_follow_and_nowhere_else() {
        let (here, disk, lines) = machines(4);
        let mut replica = replica(&disk);
        assert_eq!(replica.head(), None);
        replica.bring(&lines[..2]).expect("the first lines");
        let refused = replica.bring(&lines[3..]).expect_err("one is missing");
        assert!(refused.to_string().contains("does not follow"), "{refused}");
        replica.bring(&lines[2..]).expect("the next ones");
        let head = replica.head().expect("lines");
        assert_eq!((head.seq, head.sha256), (3, Digest::of(&lines[3])));
        let mut expected = lines.join(&b'\n');
        expected.push(b'\n');
        assert_eq!(fs::read(journal(&here)).expect("a file"), expected);
        let again = self::replica(&disk);
        assert_eq!(again.head(), replica.head());
        let mut passed = Vec::new();
        let each = again.each_line(&mut |line| {
            passed.push(line.to_vec());
            Ok(())
        });
        each.expect("its lines");
        assert_eq!(passed, lines);
    }

    #[test]
    fn what_the_store_has_not_is_set_aside_and_what_it_has_is_not() {
        for (behind, set_aside) in [(true, 0), (false, 1)] {
            let (here, disk, lines) = machines(3);
            replica(&disk).bring(&lines[..2]).expect("the first lines");
            // The process died after its line was written, and before HEAD was.
            let mut bytes = fs::read(journal(&here)).expect("a file");
            let tail = if behind {
                &lines[2][..]
            } else {
                b"{\"v\":1,\"seq\":7"
            };
            bytes.extend_from_slice(tail);
            fs::write(journal(&here), bytes).expect("ours");
            let torn_tail = replica(&disk).bring(&lines[2..]).expect("the last line");
            assert_eq!(torn_tail.is_some(), set_aside == 1);
            assert_eq!(torn(&here), set_aside);
            assert_eq!(replica(&disk).head().expect("lines").seq, 2);
        }
    }

    #[test]
    fn lines_that_the_store_has_otherwise_are_set_aside_whole() {
        let (here, disk, lines) = machines(3);
        let (_, _, others) = machines(4);
        let mut mine = replica(&disk);
        mine.bring(&lines).expect("lines");
        let written = fs::read(journal(&here)).expect("a file");
        let blob = format!("blobs/{}", Digest::of(b"a sheet"));
        let mut parts = vec![b"a sheet".to_vec()];
        let mut next = || Ok::<_, JournalError>(parts.pop());
        let put = mine.put(&blob, &Digest::of(b"a sheet"), &mut next);
        put.expect("a blob that no line of the store names");
        let place = here.path().join(mine.start_over().expect("room"));
        assert_eq!(mine.head(), None);
        let kept = fs::read(place.join("journal.jsonl"));
        assert_eq!(kept.expect("the whole journal"), written);
        assert!(place.join("HEAD").exists() && place.join(&blob).exists());
        assert!(!here.path().join(RUN).join(&blob).exists());
        let mut mine = replica(&disk);
        mine.bring(&others).expect("the lines of the store");
        assert_eq!(mine.head().expect("lines").seq, 3);
        assert_eq!(replica(&disk).head(), mine.head());
        assert_eq!(torn(&here), 1);
    }

    #[test]
    fn a_file_of_another_name_or_content_is_refused() {
        let (here, disk, _) = machines(1);
        let replica = replica(&disk);
        let put = |name: &str, said: &[u8], content: &[u8]| {
            let mut parts = vec![content.to_vec()];
            let mut next = || Ok::<_, JournalError>(parts.pop());
            replica.put(name, &Digest::of(said), &mut next).is_ok()
        };
        let blob = format!("blobs/{}", Digest::of(b"a sheet"));
        assert!(put(&blob, b"a sheet", b"a sheet"));
        assert!(
            !put(&blob, b"another", b"another"),
            "its name says what it is"
        );
        assert!(!put("sidecar.json", b"said", b"otherwise"));
        for name in [
            "LOCK",
            "HEAD",
            "journal.jsonl",
            "../x",
            "/x",
            "kb/.x",
            "IMPORTED",
            "IN_STORE",
        ] {
            assert!(!put(name, b"x", b"x"), "{name}");
        }
        assert!(put("SALT", b"x", b"x"));
        assert!(put("kb/07-a.md", b"x", b"x"));
        let kept = fs::read(here.path().join(RUN).join(&blob)).expect("a file");
        assert_eq!(kept, b"a sheet");
    }
}
