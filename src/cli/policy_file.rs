//! The policy file of this machine, which only root may write.
//! Invariant: no variable, flag or setting names its place, and what somebody else than root could have written is refused
//! (`read_policy`; test `a_policy_that_others_could_have_written_is_refused_by_name`).

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{FileType, Mode, OFlags, fstat, open, openat};

use super::CliError;
use crate::profile::{MachinePolicy, TEXT_BYTES_MAX};

/// Where the policy is. Compiled in: who starts a run must not choose it.
pub const POLICY_FILE: &str = if cfg!(target_os = "macos") {
    // `/etc` is a link there.
    "/private/etc/drygate/policy.toml"
} else {
    "/etc/drygate/policy.toml"
};

/// A policy with the text that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// What it asks.
    pub policy: MachinePolicy,
    /// Its text, which is what is digested.
    pub text: String,
}

/// The policy of this machine; `None` where it has none.
pub fn machine_policy() -> Result<Option<PolicyFile>, CliError> {
    read_policy(Path::new(POLICY_FILE), Path::new("/"), 0)
}

/// Reads a policy file at the absolute `path`. The file, and each directory of the path that is below `trusted`, must belong to
/// `owner`, be writable by nobody else, and be no link.
pub fn read_policy(
    path: &Path,
    trusted: &Path,
    owner: u32,
) -> Result<Option<PolicyFile>, CliError> {
    let refuse = |why: String| {
        CliError::configuration(
            path.display().to_string(),
            why,
            "It must be a regular file of root that nobody else may write, in such a directory: chown root and chmod 644, or remove it.",
        )
    };
    let file = match opened(path, trusted, owner) {
        Ok(None) => return Ok(None),
        Ok(Some(file)) => file,
        Err(why) => return Err(refuse(why)),
    };
    let mut text = String::new();
    // The file may grow while it is read; a text that is cut short here is refused as too long when it is parsed.
    let limit = u64::try_from(TEXT_BYTES_MAX).map_or(u64::MAX, |max| max + 1);
    let read = file.take(limit).read_to_string(&mut text);
    read.map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let policy = MachinePolicy::parse(&path.display().to_string(), &text)?;
    Ok(Some(PolicyFile { policy, text }))
}

/// Walks to the file part by part, so that what was judged is what is read.
fn opened(path: &Path, trusted: &Path, owner: u32) -> Result<Option<File>, String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let said = |error: rustix::io::Errno| format!("cannot be read: {}", io::Error::from(error));
    let mut here: OwnedFd =
        open(trusted, flags | OFlags::DIRECTORY, Mode::empty()).map_err(said)?;
    let below = path.strip_prefix(trusted).unwrap_or(path);
    let mut parts = below.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else {
            return Err("is no absolute path".to_owned());
        };
        let is_file = parts.peek().is_none();
        // NONBLOCK: a FIFO must not be waited for.
        let how = if is_file {
            flags | OFlags::NONBLOCK | OFlags::NOCTTY
        } else {
            flags | OFlags::DIRECTORY
        };
        let name_of = || name.to_string_lossy().into_owned();
        here = match openat(&here, name, how, Mode::empty()) {
            Ok(next) => next,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP) => return Err(format!("{} is a link", name_of())),
            // With DIRECTORY a link is said to be no directory.
            Err(rustix::io::Errno::NOTDIR) => {
                return Err(format!("{} is a link, or no directory", name_of()));
            }
            Err(error) => return Err(said(error)),
        };
        let about = fstat(&here).map_err(said)?;
        if is_file && FileType::from_raw_mode(about.st_mode) != FileType::RegularFile {
            return Err("is no regular file".to_owned());
        }
        if about.st_uid != owner {
            let uid = about.st_uid;
            return Err(format!("{} belongs to uid {uid}, not to root", name_of()));
        }
        if about.st_mode & 0o022 != 0 {
            return Err(format!("{} may be written by others than root", name_of()));
        }
    }
    Ok(Some(File::from(here)))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::read_policy;

    const TEXT: &str = "[approvals]\ndistinct = true\n";

    /// Reads the policy of a directory as if the tests' account were root.
    fn read(place: &Path) -> Result<Option<String>, String> {
        let own = rustix::process::geteuid().as_raw();
        let read = read_policy(&place.join("drygate/policy.toml"), place, own);
        let text = |found: super::PolicyFile| found.text;
        read.map(|found| found.map(text))
            .map_err(|error| error.to_string())
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    }

    #[test]
    fn a_policy_that_others_could_have_written_is_refused_by_name() {
        let place = tempfile::tempdir().expect("a directory");
        assert_eq!(read(place.path()), Ok(None), "no directory");
        let directory = place.path().join("drygate");
        fs::create_dir(&directory).expect("a directory");
        mode(&directory, 0o755);
        assert_eq!(read(place.path()), Ok(None), "no file");
        let file = directory.join("policy.toml");
        fs::write(&file, TEXT).expect("a file");
        mode(&file, 0o644);
        assert_eq!(read(place.path()), Ok(Some(TEXT.to_owned())));

        let refused = |why: &str| {
            let error = read(place.path()).expect_err(why);
            assert!(error.contains("drygate/policy.toml: "), "{error}");
            assert!(error.contains(why), "{error}");
        };
        mode(&file, 0o664);
        refused("policy.toml may be written by others than root");
        mode(&file, 0o646);
        refused("policy.toml may be written by others than root");
        mode(&file, 0o644);
        mode(&directory, 0o777);
        refused("drygate may be written by others than root");
        mode(&directory, 0o755);

        let own = rustix::process::geteuid().as_raw();
        let other = read_policy(&file, place.path(), own + 1);
        let error = other.expect_err("of another account").to_string();
        assert!(
            error.contains(&format!("drygate belongs to uid {own}")),
            "{error}"
        );

        let real = place.path().join("real.toml");
        fs::rename(&file, &real).expect("ours");
        symlink(&real, &file).expect("a link");
        refused("policy.toml is a link");
        fs::remove_file(&file).expect("ours");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &file,
            rustix::fs::FileType::Fifo,
            0o644.into(),
            0,
        )
        .expect("a FIFO");
        refused("is no regular file");
        fs::remove_file(&file).expect("ours");
        fs::create_dir(&file).expect("a directory");
        refused("is no regular file");
        fs::remove_dir(&file).expect("ours");

        let elsewhere = place.path().join("elsewhere");
        fs::rename(&directory, &elsewhere).expect("ours");
        symlink(&elsewhere, &directory).expect("a link");
        refused("drygate is a link, or no directory");
    }

    #[test]
    fn what_a_policy_says_wrongly_is_refused_with_its_place() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("drygate");
        fs::create_dir(&directory).expect("a directory");
        mode(&directory, 0o755);
        let file = directory.join("policy.toml");
        for (text, why) in [
            (
                "[approvals]\ndistinkt = true\n",
                "policy.toml:2:1: unknown key",
            ),
            ("distinct = true\n", "policy.toml:1:1: unknown key"),
            ("[approvals]\ndistinct = \"yes\"\n", "policy.toml:2:12: "),
            ("[approvals\n", "policy.toml:1:"),
        ] {
            fs::write(&file, text).expect("a file");
            mode(&file, 0o644);
            let error = read(place.path()).expect_err(text);
            assert!(error.contains(why), "{error}");
        }
    }
}
