//! Waking when the journal of a run may have grown. Invariant: who sleeps here costs the writer one notice of the kernel at most, however long it sleeps or stands still.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Between two looks where the kernel does not tell of changes.
const CALM: Duration = Duration::from_millis(500);

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The journal may have grown.
    Journal,
    /// There is something on the other descriptor, or it was closed.
    Other,
}

/// Waits for the next file to take its place in a run's directory: HEAD moves that way, and so does the manifest.
#[derive(Debug)]
pub struct Wakes {
    directory: PathBuf,
    notices: Option<notices::Notices>,
}

impl Wakes {
    /// Waits for changes in the directory of a run.
    pub fn of(directory: &Path) -> Self {
        Self {
            notices: notices::of(directory),
            directory: directory.to_owned(),
        }
    }

    /// Asks for one notice from here on. To be called before each look: what changes after it ends the next wait.
    pub fn arm(&mut self) {
        let armed = match &self.notices {
            Some(notices) => notices::arm(notices, &self.directory),
            None => return,
        };
        if !armed {
            self.notices = None;
        }
    }

    /// Sleeps until the journal may have grown, or there is something on `other`.
    pub fn wait(&mut self, other: Option<BorrowedFd<'_>>) -> io::Result<Woken> {
        let notices = self.notices.as_ref().map(notices::fd);
        let calm = Timespec {
            tv_sec: 0,
            tv_nsec: CALM.subsec_nanos().into(),
        };
        let pause = notices.is_none().then_some(&calm);
        let descriptors = [other, notices];
        let mut asked: Vec<PollFd<'_>> = descriptors
            .iter()
            .flatten()
            .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
            .collect();
        loop {
            match poll(&mut asked, pause) {
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        if other.is_some() && !asked[0].revents().is_empty() {
            return Ok(Woken::Other);
        }
        if let Some(notices) = &self.notices {
            notices::clear(notices);
        }
        Ok(Woken::Journal)
    }
}

/// Linux tells of one change and forgets whom it told: a watcher that stands still is never told again.
#[cfg(target_os = "linux")]
mod notices {
    use std::mem::MaybeUninit;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::path::Path;

    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

    pub(super) type Notices = OwnedFd;

    /// File systems whose changes are made by other machines too, which the kernel does not hear of: NFS, SMB, CIFS, SMB2,
    /// FUSE, 9P, AFS, Ceph, Lustre, GFS2, OCFS2.
    const SHARED: [u32; 11] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x6573_5546,
        0x0102_1997,
        0x5346_414f,
        0x00c3_6400,
        0x0bd0_0bd0,
        0x0116_1970,
        0x7461_636f,
    ];

    pub(super) fn of(directory: &Path) -> Option<Notices> {
        let kind = rustix::fs::statfs(directory).ok()?.f_type;
        // The magic number has 32 bits; where the field is wider and signed, the upper ones follow the sign.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "only the 32 bits of the magic number are compared"
        )]
        let kind = kind as u32;
        if SHARED.contains(&kind) {
            return None;
        }
        inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()
    }

    pub(super) fn arm(notices: &Notices, directory: &Path) -> bool {
        let once = WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::ONESHOT
            | WatchFlags::ONLYDIR;
        inotify::add_watch(notices, directory, once).is_ok()
    }

    pub(super) fn fd(notices: &Notices) -> BorrowedFd<'_> {
        notices.as_fd()
    }

    /// What changed does not matter: the look that follows sees it.
    pub(super) fn clear(notices: &Notices) {
        let mut space = [MaybeUninit::uninit(); 1024];
        let mut reader = inotify::Reader::new(notices, &mut space);
        while reader.next().is_ok() {}
    }
}

/// Elsewhere nothing is asked of the kernel.
#[cfg(not(target_os = "linux"))]
mod notices {
    use std::convert::Infallible;
    use std::os::fd::BorrowedFd;
    use std::path::Path;

    pub(super) type Notices = Infallible;

    pub(super) fn of(_: &Path) -> Option<Notices> {
        None
    }

    pub(super) fn arm(notices: &Notices, _: &Path) -> bool {
        match *notices {}
    }

    pub(super) fn fd(notices: &Notices) -> BorrowedFd<'_> {
        match *notices {}
    }

    pub(super) fn clear(notices: &Notices) {
        match *notices {}
    }
}
