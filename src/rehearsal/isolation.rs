//! Starts a process in namespaces of its own: no network, no files but programs and its scratch directory, no other processes.
//! Invariant: what comes of it is probed from inside before it is told anything (`Probes::make`); this file only asks for it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::postgres::throwaway::ScratchDirectory;

const UNSHARE_SCRIPT: &str = include_str!("../../assets/rehearsal/isolate.sh");

/// The files of /etc that programs need.
const ETC: [&str; 5] = [
    "passwd",
    "group",
    "ld.so.cache",
    "localtime",
    "nsswitch.conf",
];

/// A program that makes namespaces.
#[derive(Debug, Clone)]
pub(super) enum Isolation {
    /// bubblewrap.
    Bubblewrap(PathBuf),
    /// `unshare` of util-linux.
    Unshare(PathBuf),
}

impl Isolation {
    /// What is said where it has neither.
    pub(super) const NONE: &str = "this machine has neither bubblewrap nor unshare";

    /// What this machine has; `None`: neither.
    pub(super) fn of_machine() -> Option<Self> {
        let bubblewrap = on_path("bwrap").map(Self::Bubblewrap);
        bubblewrap.or_else(|| on_path("unshare").map(Self::Unshare))
    }

    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Bubblewrap(_) => "bubblewrap",
            Self::Unshare(_) => "unshare",
        }
    }

    /// The command that runs `drygate shadow` so, in `scratch`. `places` are directories of programs that it must see.
    pub(super) fn command(
        &self,
        scratch: &ScratchDirectory,
        own_program: &Path,
        places: &[PathBuf],
    ) -> Command {
        let mut command = match self {
            Self::Bubblewrap(program) => bubblewrap(program, scratch, own_program, places),
            Self::Unshare(program) => {
                let (uid, gid) = scratch.ids();
                let mut command = scratch.command(program);
                command
                    .args([
                        "--user",
                        "--map-root-user",
                        "--net",
                        "--mount",
                        "--pid",
                        "--ipc",
                    ])
                    // The first process of the namespace dies with unshare, and all others die with it.
                    .args([
                        "--uts",
                        "--fork",
                        "--kill-child",
                        "sh",
                        "-c",
                        UNSHARE_SCRIPT,
                        "sh",
                    ])
                    .arg(scratch.path())
                    .arg(own_program)
                    .args([uid.to_string(), gid.to_string()])
                    .args(places);
                command
            }
        };
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", scratch.path())
            .env("TMPDIR", scratch.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }
}

fn bubblewrap(
    program: &Path,
    scratch: &ScratchDirectory,
    own_program: &Path,
    places: &[PathBuf],
) -> Command {
    let mut command = scratch.command(program);
    command.args([
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--as-pid-1",
    ]);
    for place in [
        "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
    ] {
        match std::fs::read_link(place) {
            Ok(target) => command.arg("--symlink").arg(target).arg(place),
            Err(_) => command.args(["--ro-bind-try", place, place]),
        };
    }
    for place in places.iter().filter(|place| !place.starts_with("/usr")) {
        command.arg("--ro-bind").arg(place).arg(place);
    }
    for file in ETC {
        let file = format!("/etc/{file}");
        command.args(["--ro-bind-try", &file, &file]);
    }
    command.args(["--proc", "/proc", "--dev", "/dev"]);
    command.arg("--ro-bind").arg(own_program).arg("/drygate");
    command
        .arg("--bind")
        .arg(scratch.path())
        .arg(scratch.path());
    command.arg("--chdir").arg(scratch.path());
    command.args(["--remount-ro", "/", "/drygate", "shadow"]);
    command
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut found = std::env::split_paths(&path).map(|dir| dir.join(name));
    found.find(|program| program.is_absolute() && program.is_file())
}
