//! Whose process it is, from the kernel: account by credentials, terminal by `/proc`.
//! Invariant: nothing is taken from what a process says of itself, nor from its environment (test
//! `who_decides_and_who_looks_is_what_the_kernel_says` of tests/integration/callers.rs).

use std::fs::File;

use rustix::fs::{AtFlags, Mode, OFlags, major, minor, openat, statat};

use crate::run::{Person, Signer};

/// Linux: device number of `/dev/tty`, whatever terminal controls who opens it.
const CONTROLLING: (u32, u32) = (5, 0);
/// Linux: major number of the pseudo-terminals of `/dev/pts`.
const PTS_MAJOR: u32 = 136;

/// The person behind this process.
pub fn own() -> Person {
    // The effective id, as peer credentials of a socket show it too; the real id is only who started the process.
    let uid = rustix::process::geteuid().as_raw();
    let pid = std::process::id();
    let tty = if cfg!(target_os = "linux") {
        terminal(uid, pid)
    } else {
        standard_input()
    };
    person(uid, pid, tty)
}

/// The person behind the process at the other end of a Unix socket, by its peer credentials. What cannot be seen of it is
/// missing: terminal `None`, process id 0.
pub(super) fn peer(uid: u32, pid: Option<i32>) -> Person {
    let pid = pid.map_or(0, i32::unsigned_abs);
    person(uid, pid, terminal(uid, pid))
}

/// Whether this process is in a user namespace other than the initial one: there its creator chose which account has which
/// number.
pub fn is_in_user_namespace() -> bool {
    std::fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| !is_every_account(&map))
}

/// Whether a `uid_map` maps every number to itself. The initial namespace does; an ordinary account cannot make one that does.
fn is_every_account(uid_map: &str) -> bool {
    uid_map.split_whitespace().eq(["0", "0", "4294967295"])
}

fn person(uid: u32, pid: u32, tty: Option<String>) -> Person {
    Person {
        user: account(uid),
        uid,
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        tty,
        pid,
        signer: Signer::StubSigning,
    }
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

/// The terminal that controls a process, and that it reads from as far as may be seen of another account's process.
/// `None`: it has none, the process is gone or of another account by now, or nothing can be seen of it.
fn terminal(uid: u32, pid: u32) -> Option<String> {
    // The open directory stays that of this very process. Opened again by path it could be another's: process ids are reused.
    let process = File::open(format!("/proc/{pid}")).ok()?;
    let read = |name: &str| {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&process, name, flags, Mode::empty()).ok()?;
        std::io::read_to_string(File::from(file)).ok()
    };
    // The process may have ended since it sent its credentials, and its number may belong to another account now.
    if effective_uid(&read("status")?)? != uid {
        return None;
    }
    let device = controlling_terminal(&read("stat")?)?;
    if let Ok(input) = statat(&process, "fd/0", AtFlags::empty()) {
        // A process that controls one terminal and reads from another (or from a pipe) is not at that terminal.
        let input = (major(input.st_rdev), minor(input.st_rdev));
        if input != device && input != CONTROLLING {
            return None;
        }
    }
    Some(device_name(device))
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
        account, controlling_terminal, effective_uid, is_every_account, own, peer, terminal,
    };

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
    fn what_cannot_be_seen_of_a_peer_is_not_there() {
        let nobody = peer(4_123_456, None);
        assert_eq!((nobody.pid, nobody.tty), (0, None));
        assert_eq!(nobody.user, account(4_123_456));
        assert_eq!(nobody.host, own().host);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_seen_only_as_its_own_account_s() {
        let here = own();
        assert_eq!(terminal(here.uid, here.pid), here.tty);
        assert_eq!(terminal(here.uid + 1, here.pid), None);
    }
}
