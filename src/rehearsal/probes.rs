//! Whether the shadow is isolated, tried from inside before anything of the change is there.
//! Invariant: each wall is probed for real; a probe that could not be made counts as a wall that is not there (`Probes::make`).

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is probed. Everything named here exists outside and is within reach of the process that names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Probes {
    /// A TCP socket that listens outside.
    pub(super) tcp: SocketAddr,
    /// A unix socket that listens outside.
    pub(super) unix: PathBuf,
    /// Files and directories outside that must not be there, or be empty.
    pub(super) hidden: Vec<PathBuf>,
    /// The namespaces of the process outside, as the kernel names them.
    pub(super) namespaces: Vec<String>,
    /// The directories of programs that are there.
    pub(super) shown: Vec<PathBuf>,
    /// Those among them that a profile names: nobody must listen in there.
    pub(super) of_change: Vec<PathBuf>,
    /// The only place that may be written.
    pub(super) scratch: PathBuf,
}

/// What one probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProbeOutcome {
    /// What was tried.
    pub(super) tried: String,
    /// Whether the wall stands.
    pub(super) holds: bool,
}

/// The namespaces that must be others than outside.
const NAMESPACES: [&str; 5] = ["user", "net", "mnt", "pid", "ipc"];

/// What the root directory of the isolated process may have, beside the way to its own directory and to programs.
const ROOT: [&str; 11] = [
    "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "proc", "dev", "drygate",
];

/// The variables that the isolated process may have: ours, and those that a shell makes.
const VARIABLES: [&str; 8] = [
    "PATH", "HOME", "TMPDIR", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_",
];

/// The namespaces of this process; one that cannot be read is empty.
pub(super) fn namespaces() -> Vec<String> {
    let link = |name: &&str| {
        let target = fs::read_link(format!("/proc/self/ns/{name}"));
        target.map_or_else(|_| String::new(), |target| target.display().to_string())
    };
    NAMESPACES.iter().map(link).collect()
}

impl Probes {
    /// Makes all probes.
    pub(super) fn make(&self) -> Vec<ProbeOutcome> {
        let mut found = Vec::new();
        let mut note = |tried: String, holds: bool| found.push(ProbeOutcome { tried, holds });
        let own = namespaces();
        for (at, name) in NAMESPACES.iter().enumerate() {
            let (outside, inside) = (self.namespaces.get(at), own.get(at));
            let known = |it: Option<&String>| it.is_some_and(|it| !it.is_empty());
            let differs = known(outside) && known(inside) && outside != inside;
            note(format!("the {name} namespace is another one"), differs);
        }
        let tcp = TcpStream::connect_timeout(&self.tcp, Duration::from_secs(1));
        note(
            "a TCP socket outside is not reached".to_owned(),
            tcp.is_err(),
        );
        note(
            "there is no network device but lo".to_owned(),
            only_loopback(),
        );
        let unix = UnixStream::connect(&self.unix);
        note(
            "a unix socket outside is not reached".to_owned(),
            unix.is_err(),
        );
        for path in &self.hidden {
            note(
                format!("{} is hidden", path.display()),
                self.is_hidden(path),
            );
        }
        for path in &self.of_change {
            let tried = format!("no socket and no device is below {}", path.display());
            note(tried, has_files_alone(path));
        }
        let strange = self.strange_in_root();
        note(
            format!("nothing of the machine is in /{}", listed(&strange)),
            strange.is_empty(),
        );
        for path in [Path::new("/"), Path::new("/usr")] {
            note(
                format!("{} is read-only", path.display()),
                is_read_only(path),
            );
        }
        let strange: Vec<String> = std::env::vars_os()
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .filter(|name| !VARIABLES.contains(&name.as_str()))
            .collect();
        note(
            format!("the environment is cleared{}", listed(&strange)),
            strange.is_empty(),
        );
        let mine = self.scratch.join("probe");
        let writes = File::create(&mine).and_then(|_| fs::remove_file(&mine));
        note(
            "its own directory can be written".to_owned(),
            writes.is_ok(),
        );
        found
    }

    /// What is in the root directory beside what was put there.
    fn strange_in_root(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir("/") else {
            return vec!["what cannot be listed".to_owned()];
        };
        let shown = self.shown.iter().chain([&self.scratch]);
        let tops: Vec<PathBuf> = shown
            .map(|place| place.components().take(2).collect())
            .collect();
        let paths = entries.flatten().map(|entry| entry.path());
        let strange = paths.filter(|path| {
            let known = ROOT.iter().any(|name| *path == Path::new("/").join(name));
            !known && !tops.contains(path)
        });
        strange.map(|path| path.display().to_string()).collect()
    }

    /// Whether nothing is there, or nothing but the way to a directory that is shown.
    fn is_hidden(&self, path: &Path) -> bool {
        match fs::symlink_metadata(path) {
            Err(error) => error.kind() == ErrorKind::NotFound,
            Ok(about) if about.is_dir() => fs::read_dir(path).is_ok_and(|mut entries| {
                entries.all(|entry| {
                    let mut shown = self.shown.iter().chain([&self.scratch]);
                    entry.is_ok_and(|entry| shown.any(|shown| shown.starts_with(entry.path())))
                })
            }),
            Ok(_) => false,
        }
    }
}

/// Whether everything below it can be listed, and is a file, a directory or a link.
fn has_files_alone(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| {
        entries.all(|entry| {
            let about = entry.and_then(|it| Ok((it.path(), it.file_type()?)));
            about.is_ok_and(|(path, kind)| {
                let known = kind.is_file() || kind.is_symlink();
                known || (kind.is_dir() && has_files_alone(&path))
            })
        })
    })
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(" (there are {})", names.join(", "))
    }
}

fn only_loopback() -> bool {
    let Ok(devices) = fs::read_to_string("/proc/net/dev") else {
        return false;
    };
    // Two lines of heads, then one for each device.
    let mut names = devices
        .lines()
        .skip(2)
        .filter_map(|line| line.split(':').next());
    names.all(|name| name.trim() == "lo")
}

fn is_read_only(path: &Path) -> bool {
    let flags = rustix::fs::statvfs(path).map(|about| about.f_flag);
    let refused = File::create(path.join("drygate-probe")).is_err();
    refused && flags.is_ok_and(|flags| flags.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}
