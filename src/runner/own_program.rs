//! This very program: its file on the disk, and a fresh process of it.
//! Invariant: only a file with the digest that this process was started from is started (`OwnProgram::resume_copy`).

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Program, RunnerError, is_shortage};
use crate::audit::{FreshFold, FreshResume};
use crate::run::{ProgramFile, RunId, StopCode};
use crate::survey::{Digest, Hasher};

/// The file that the kernel runs this process from, also where its path names another file by now.
const RUNNING: &str = "/proc/self/exe";

/// The program of this process.
#[derive(Debug)]
pub struct OwnProgram {
    /// Where it was started from; the error says why that is not known.
    path: Result<PathBuf, String>,
    /// SHA-256 of the file that runs, and its stamp.
    started: Option<(Digest, FileStamp)>,
}

/// What changes when a file is written or replaced.
type FileStamp = (u64, u64, u64, i64, i64);

impl OwnProgram {
    /// Reads the file that this process runs.
    pub fn of_process() -> Self {
        let path = std::env::current_exe().map_err(|error| error.to_string());
        let running = Path::new(RUNNING);
        let file = match (&path, running.exists()) {
            (_, true) => Some(running),
            (Ok(path), false) => Some(path.as_path()),
            (Err(_), false) => None,
        };
        let started = file.and_then(|file| read(file).ok());
        Self { path, started }
    }

    /// SHA-256 of the file that this process runs.
    pub fn sha256(&self) -> Option<Digest> {
        self.started.as_ref().map(|(sha256, _)| sha256.clone())
    }
}

impl Program for OwnProgram {
    fn on_disk(&self) -> io::Result<ProgramFile> {
        let path = self.path.as_ref();
        let path = path.map_err(|why| io::Error::other(why.clone()))?;
        match read(path) {
            Ok((sha256, _)) => Ok(ProgramFile::Sha256(sha256)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(ProgramFile::Gone),
            Err(error) => Err(error),
        }
    }

    fn replaced(&self) -> Option<ProgramFile> {
        let (sha256, stamp) = self.started.as_ref()?;
        let now = std::fs::metadata(self.path.as_ref().ok()?);
        if now.is_ok_and(|now| stamp_of(&now) == *stamp) {
            return None;
        }
        // Another stamp may be another name of the same bytes.
        let found = self.on_disk().ok()?;
        (found != ProgramFile::Sha256(sha256.clone())).then_some(found)
    }

    fn resume_copy(&self, root: &Path, run_id: &RunId) -> Result<FreshResume, RunnerError> {
        let (Ok(path), Some(started)) = (&self.path, self.sha256()) else {
            let why = "drygate's own program could not be read".to_owned();
            return Ok(FreshResume::NotRun(why));
        };
        match self.on_disk() {
            Ok(found) if found == ProgramFile::Sha256(started) => {}
            Ok(found) => {
                let why = format!("the program on the disk is another one now ({found})");
                return Ok(FreshResume::NotRun(why));
            }
            Err(error) if is_shortage(&error) => return Err(RunnerError::Shortage(error)),
            Err(error) => {
                let why = format!("{}: {error}", path.display());
                return Ok(FreshResume::NotRun(why));
            }
        }
        let process = Command::new(path)
            .args(["resume-copy", run_id.as_str(), "--data-dir"])
            .arg(root)
            // It needs no database.
            .env_remove("DRYGATE_DATABASE_URL")
            .env_remove("PGPASSWORD")
            .stdin(Stdio::null())
            .output();
        let output = match process {
            Ok(output) => output,
            Err(error) if is_shortage(&error) => return Err(RunnerError::Shortage(error)),
            Err(error) => {
                return Ok(FreshResume::NotRun(format!("no fresh process: {error}")));
            }
        };
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().next().unwrap_or("it said nothing").to_owned();
            let storage_failed = i32::from(StopCode::StopStorageFailed.exit_code());
            if output.status.code() == Some(storage_failed) {
                return Err(RunnerError::CopyNotResumed(said));
            }
            return Ok(FreshResume::Failed(format!("{}: {said}", output.status)));
        }
        Ok(match serde_json::from_slice::<FreshFold>(&output.stdout) {
            Ok(fold) => FreshResume::Answered(Box::new(fold)),
            Err(error) => FreshResume::Failed(format!("its answer cannot be read: {error}")),
        })
    }
}

fn stamp_of(about: &Metadata) -> FileStamp {
    (
        about.dev(),
        about.ino(),
        about.size(),
        about.ctime(),
        about.ctime_nsec(),
    )
}

/// SHA-256 and stamp of a file, in pieces of 256 KiB: a program need not fit into memory.
fn read(path: &Path) -> io::Result<(Digest, FileStamp)> {
    let mut file = File::open(path)?;
    let stamp = stamp_of(&file.metadata()?);
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hasher.finish(), stamp)),
            read => hasher.update(&buffer[..read]),
        }
    }
}
