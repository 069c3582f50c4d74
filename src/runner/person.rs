//! Whose process it is, from the kernel: account by credentials, terminal by `/proc`.
//! Invariant: nothing is taken from what a process says of itself, nor from its environment (test
//! `who_decides_and_who_looks_is_what_the_kernel_says` of tests/integration/callers.rs).

use std::fs::File;
use std::io;

use rustix::fs::{AtFlags, Mode, OFlags, major, minor, openat, statat};

use super::is_shortage;
use crate::run::{AccountDoubt, Person, Signer};

/// Linux: device number of `/dev/tty`, whatever terminal controls who opens it.
const CONTROLLING: (u32, u32) = (5, 0);
/// Linux: major number of the pseudo-terminals of `/dev/pts`.
const PTS_MAJOR: u32 = 136;

/// Linux: inode numbers of the first namespaces of the kernel (`USER_NS_INIT_INO` and its like in `linux/nsfs.h`).
const FIRST_USER_NAMESPACE: u64 = 0xEFFF_FFFD;
const FIRST_UTS_NAMESPACE: u64 = 0xEFFF_FFFE;
const FIRST_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// The person behind this process. An error: this machine gives no more files to look at it with, which is no doubt about the person.
pub fn own() -> io::Result<Person> {
    // The effective id, as peer credentials of a socket show it too; the real id is only who started the process.
    let uid = rustix::process::geteuid().as_raw();
    let pid = std::process::id();
    if cfg!(target_os = "linux") {
        // Not by its number, which in a PID namespace may be that of another process here.
        return person(uid, pid, Process::at("/proc/self", uid)?.as_ref());
    }
    Ok(Person {
        tty: standard_input(),
        account_doubt: None,
        ..person(uid, pid, None)?
    })
}

/// The person behind the process at the other end of a Unix socket, by its peer credentials. What cannot be seen of it is
/// missing: terminal `None`, process id 0.
pub(super) fn peer(uid: u32, pid: Option<i32>) -> io::Result<Person> {
    let pid = pid.map_or(0, i32::unsigned_abs);
    let process = Process::at(&format!("/proc/{pid}"), uid)?;
    let seen = person(uid, pid, process.as_ref())?;
    if cfg!(target_os = "linux") {
        return Ok(seen);
    }
    Ok(Person {
        // No other system has namespaces that an account could hide in.
        account_doubt: None,
        ..seen
    })
}

fn person(uid: u32, pid: u32, process: Option<&Process>) -> io::Result<Person> {
    let tty = process.map(Process::terminal).transpose()?.flatten();
    let login_uid = process.map(Process::login_uid).transpose()?.flatten();
    let account_doubt = match process {
        Some(process) => process.account_doubt()?,
        None => Some(AccountDoubt::NotSeen),
    };
    Ok(Person {
        user: account(uid),
        uid,
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        tty,
        pid,
        signer: Signer::StubSigning,
        login_uid,
        account_doubt,
        store_role: None,
    })
}

/// The name of an account; asking for it may take as long as a directory service does.
pub fn account(uid: u32) -> String {
    let known = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid));
    let known = known.ok().flatten();
    known.map_or_else(|| format!("uid-{uid}"), |user| user.name)
}

/// The terminal that this process reads from, where there is no `/proc`.
fn standard_input() -> Option<String> {
    let name = rustix::termios::ttyname(std::io::stdin(), Vec::new()).ok()?;
    let name = name.to_string_lossy();
    Some(name.strip_prefix("/dev/").unwrap_or(&name).to_owned())
}

/// A process as `/proc` shows it.
struct Process {
    /// Stays that of this very process. Opened again by path it could be another's: process ids are reused.
    directory: File,
    status: String,
}

impl Process {
    /// `None`: it is gone, of another account by now, or nothing can be seen of it.
    fn at(path: &str, uid: u32) -> io::Result<Option<Self>> {
        let Some(directory) = seen(File::open(path))? else {
            return Ok(None);
        };
        let status = text_in(&directory, "status")?;
        // The process may have ended since it sent its credentials, and its number may belong to another account now.
        let status = status.filter(|status| effective_uid(status) == Some(uid));
        Ok(status.map(|status| Self { directory, status }))
    }

    fn text(&self, name: &str) -> io::Result<Option<String>> {
        text_in(&self.directory, name)
    }

    /// The terminal that controls it, and that it reads from as far as may be seen of another account's process. `None`: it has
    /// none.
    fn terminal(&self) -> io::Result<Option<String>> {
        let stat = self.text("stat")?;
        let Some(device) = stat.as_deref().and_then(controlling_terminal) else {
            return Ok(None);
        };
        if let Ok(input) = statat(&self.directory, "fd/0", AtFlags::empty()) {
            // A process that controls one terminal and reads from another (or from a pipe) is not at that terminal.
            let input = (major(input.st_rdev), minor(input.st_rdev));
            if input != device && input != CONTROLLING {
                return Ok(None);
            }
        }
        Ok(Some(device_name(device)))
    }

    /// The account that logged in. `None`: nobody did, or this kernel keeps no record.
    fn login_uid(&self) -> io::Result<Option<u32>> {
        let login = self.text("loginuid")?;
        let login: Option<u32> = login.and_then(|login| login.trim().parse().ok());
        // The kernel's value for one that was never set.
        Ok(login.filter(|login| *login != u32::MAX))
    }

    /// Why its account does not tell persons apart, from what the kernel shows everybody and, where it may be asked, from its
    /// namespaces. Those of another account's process only root may look at: without root a namespace for the host name alone
    /// is not seen, which only root can make.
    fn account_doubt(&self) -> io::Result<Option<AccountDoubt>> {
        let is = |name: &str, first: u64| {
            let found = statat(&self.directory, name, AtFlags::empty());
            found.ok().map(|found| found.st_ino == first)
        };
        let Some(map) = self.text("uid_map")? else {
            return Ok(Some(AccountDoubt::NotSeen));
        };
        if !is_every_account(&map) || is("ns/user", FIRST_USER_NAMESPACE) == Some(false) {
            return Ok(Some(AccountDoubt::UserNamespace));
        }
        let numbers = has_numbers_of_its_own(&self.status);
        let apart = [
            is("ns/uts", FIRST_UTS_NAMESPACE),
            is("ns/pid", FIRST_PID_NAMESPACE),
            numbers.map(|own| !own),
        ];
        if apart.contains(&Some(false)) {
            return Ok(Some(AccountDoubt::Container));
        }
        Ok(numbers.is_none().then_some(AccountDoubt::NotSeen))
    }
}

fn text_in(directory: &File, name: &str) -> io::Result<Option<String>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let opened = openat(directory, name, flags, Mode::empty());
    let read = |file| io::read_to_string(File::from(file));
    seen(opened.map_err(io::Error::from).and_then(read))
}

/// What was seen; `None`: it may not be seen, or is gone. An error: this process can look at nothing more, which says nothing of what it
/// looked at.
fn seen<T>(looked: io::Result<T>) -> io::Result<Option<T>> {
    match looked {
        Err(error) if is_shortage(&error) => Err(error),
        looked => Ok(looked.ok()),
    }
}

/// Whether a `uid_map` maps every number to itself. The initial namespace does; an ordinary account cannot make one that does.
fn is_every_account(uid_map: &str) -> bool {
    uid_map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// Whether a process has another number where it runs than here: the line `NSpid:` of `/proc/PID/status` has one for each PID
/// namespace.
fn has_numbers_of_its_own(status: &str) -> Option<bool> {
    let numbers = status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))?;
    Some(numbers.split_whitespace().count() > 1)
}

/// The second of four (real, effective, saved, of files) in the line `Uid:` of `/proc/PID/status`.
fn effective_uid(status: &str) -> Option<u32> {
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    ids.split_whitespace().nth(1)?.parse().ok()
}

/// Major and minor number of the terminal in `/proc/PID/stat` (field 7, `tty_nr`); 0 is none. The process name in brackets may
/// hold anything, brackets too, so fields are counted from the last bracket.
fn controlling_terminal(stat: &str) -> Option<(u32, u32)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let number: i32 = fields.split_whitespace().nth(4)?.parse().ok()?;
    let number = number.cast_unsigned();
    let device = (
        // The kernel's encoding of a device number: the low 8 bits of the minor, 12 bits of the major, the rest of the minor.
        (number >> 8) & 0xfff,
        (number & 0xff) | ((number >> 12) & 0xf_ff00),
    );
    (number != 0).then_some(device)
}

/// `pts/3`, `tty1`; `4:1` where the system has no name for it.
fn device_name((major, minor): (u32, u32)) -> String {
    if major == PTS_MAJOR {
        return format!("pts/{minor}");
    }
    let described = std::fs::read_to_string(format!("/sys/dev/char/{major}:{minor}/uevent"));
    let described = described.unwrap_or_default();
    let name = described
        .lines()
        .find_map(|line| line.strip_prefix("DEVNAME="));
    name.map_or_else(|| format!("{major}:{minor}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{
        Process, account, controlling_terminal, effective_uid, has_numbers_of_its_own,
        is_every_account, own, peer,
    };
    use crate::run::AccountDoubt;

    #[test]
    fn the_controlling_terminal_is_read_from_the_kernel_s_line() {
        let line = |number: u32| format!("7 (a) b (c) S 1 7 7 {number} 7 4194304 0");
        assert_eq!(controlling_terminal(&line(0)), None);
        assert_eq!(controlling_terminal(&line(34_819)), Some((136, 3)));
        assert_eq!(controlling_terminal(&line(1_083_393)), Some((136, 257)));
        assert_eq!(controlling_terminal(&line(1025)), Some((4, 1)));
        assert_eq!(controlling_terminal("7 (a"), None);
    }

    #[test]
    fn the_effective_account_is_the_second_of_four() {
        assert_eq!(effective_uid("Name:\ta\nUid:\t1\t2\t3\t4\n"), Some(2));
        assert_eq!(effective_uid("Name:\tUid: 1 2\n"), None);
    }

    #[test]
    fn only_the_first_user_namespace_has_every_account() {
        assert!(is_every_account("         0          0 4294967295\n"));
        for map in [
            "61102 1000 1\n",
            "0 100000 65536\n",
            "0 1000 1\n1 100000 65536\n",
            "",
        ] {
            assert!(!is_every_account(map), "{map}");
        }
    }

    #[test]
    fn a_process_of_another_pid_namespace_has_several_numbers() {
        let own = |line: &str| has_numbers_of_its_own(&format!("Name:\ta\n{line}"));
        assert_eq!(own("NSpid:\t812\n"), Some(false));
        assert_eq!(own("NSpid:\t812\t1\n"), Some(true));
        assert_eq!(own(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_seen_of_a_peer_is_not_there() {
        let nobody = peer(4_123_456, None).expect("files are left");
        assert_eq!((nobody.pid, nobody.tty, nobody.login_uid), (0, None, None));
        assert_eq!(nobody.account_doubt, Some(AccountDoubt::NotSeen));
        assert_eq!(nobody.user, account(4_123_456));
        assert_eq!(nobody.host, own().expect("files are left").host);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_seen_only_as_its_own_account_s() {
        let here = own().expect("files are left");
        let path = format!("/proc/{}", here.pid);
        let at = |uid| Process::at(&path, uid).expect("files are left");
        let seen = at(here.uid).expect("it is this one");
        assert_eq!(seen.terminal().expect("files are left"), here.tty);
        assert!(at(here.uid + 1).is_none());
    }
}
