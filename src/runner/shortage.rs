//! Whether a call of the system failed because this machine, or a limit of this process, gives no more of something.
//! Invariant: what could not be looked at for that reason is not judged: it is neither gone nor refused, and the run goes on with the next
//! `resume` (test `an_approval_is_not_refused_because_git_could_not_be_started` of tests/fault_injection).

use std::io;

use rustix::io::Errno;

/// What to do about it.
pub const SHORTAGE_HINT: &str = "Raise the limit that is met (`ulimit -n`, `-u` or `-v`) or end other programs, then do it again: a run is resumed.";

/// No file (`ulimit -n`), no process or thread (`ulimit -u`), or no memory (`ulimit -v`) is left. Not for sockets and pipes that never
/// wait: they say `EAGAIN` for "not yet".
pub fn is_shortage(error: &io::Error) -> bool {
    let lacking = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
    let errno = error.raw_os_error();
    lacking
        .iter()
        .any(|lack| errno == Some(lack.raw_os_error()))
}
