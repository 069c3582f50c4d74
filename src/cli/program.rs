//! The command word for this program in printed commands. Invariant: a bare name only where `PATH` finds the same file
//! (`program`; test `another_program_of_that_name_on_path_is_not_this_one`).

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The name where `PATH` finds it, else the path. `called` is how it was started, in `here`; `path` is the value of `PATH`.
pub(super) fn program(called: &OsStr, here: &Path, path: Option<&OsStr>) -> PathBuf {
    let called = Path::new(called);
    let found = called.file_name().and_then(|name| {
        // A relative entry of `PATH` means another directory elsewhere: a command that is copied must work from anywhere.
        let directories = std::env::split_paths(path?).filter(|directory| directory.is_absolute());
        let mut files = directories.map(|directory| directory.join(name));
        files.find(|file| is_executable(file))
    });
    let is_bare = called.components().count() == 1 && !called.has_root();
    let file = match &found {
        Some(file) if is_bare => file.clone(),
        // argv[0] is set by the caller and may be any text: a bare name that is not in `PATH` is not the one that was executed.
        None if is_bare => std::env::current_exe().unwrap_or_else(|_| called.to_owned()),
        // Collecting the components drops `./` inside, for people to read.
        _ => here.join(called).components().collect(),
    };
    // Compared after symbolic links are followed: what `PATH` finds may be a link to this file.
    let same = |one: &Path| one.canonicalize().ok() == file.canonicalize().ok();
    match (found, called.file_name()) {
        (Some(found), Some(name)) if same(&found) => name.into(),
        _ => file,
    }
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    use super::program;

    struct Machine(tempfile::TempDir);

    impl Machine {
        /// A built program in `target`, and an empty `bin`.
        fn new() -> Self {
            let place = tempfile::tempdir().expect("a directory");
            for folder in ["bin", "target"] {
                fs::create_dir(place.path().join(folder)).expect("a new directory");
            }
            Self(place).with("target/drygate")
        }

        fn at(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn with(self, path: &str) -> Self {
            fs::write(self.at(path), path).expect("a new file");
            let executable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(self.at(path), executable).expect("our own file");
            self
        }

        /// What is printed after `called` was typed in the directory, `bin` being in `PATH`.
        fn says(&self, called: &str) -> PathBuf {
            let path = self.at("bin");
            program(called.as_ref(), self.0.path(), Some(path.as_os_str()))
        }
    }

    #[test]
    fn what_is_not_on_path_is_called_by_its_path() {
        let machine = Machine::new();
        for called in ["target/drygate", "./target/drygate"] {
            assert_eq!(
                machine.says(called),
                machine.at("target/drygate"),
                "{called}"
            );
        }
    }

    #[test]
    fn what_is_on_path_is_called_by_its_name_however_it_was_started() {
        let machine = Machine::new();
        symlink(machine.at("target/drygate"), machine.at("bin/drygate")).expect("a link");
        for called in ["drygate", "target/drygate", "bin/drygate"] {
            assert_eq!(machine.says(called), Path::new("drygate"), "{called}");
        }
    }

    #[test]
    fn another_program_of_that_name_on_path_is_not_this_one() {
        let machine = Machine::new().with("bin/drygate");
        assert_eq!(machine.says("target/drygate"), machine.at("target/drygate"));
        let unexecutable = fs::Permissions::from_mode(0o644);
        fs::set_permissions(machine.at("bin/drygate"), unexecutable).expect("our own file");
        let called = machine.says("drygate");
        assert!(called.is_absolute(), "{}", called.display());
    }
}
