//! Where the holder of a run listens, and whether a socket that LOCK names can be its own.
//! Invariant: who asks connects only to a socket that belongs to the account that holds the run, in a directory where nobody
//! but it, or but the group that shares the store, can put one (`is_of`; test `only_the_holder_s_own_socket_is_asked`).

use std::fs::{Metadata, Permissions};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::journal::{DirectoryStore, SOCKETS_DIR};
use crate::run::RunId;
use crate::survey::Digest;

/// Longest path of a socket, in bytes: `sun_path` has 104 on macOS and 108 on Linux, with a zero at the end.
const PATH_BYTES_MAX: usize = 103;

/// The socket of the process that holds a run, which it named in LOCK: callers need not have the same directory for temporary
/// files. `None`: none is named, or it cannot be the holder's.
///
/// Which account holds the run is seen from the owner of HEAD, which each line that the holder writes replaces. Only who may
/// rewrite the run can make another account look like the holder.
pub fn socket(store: &DirectoryStore, run_id: &RunId) -> Option<PathBuf> {
    let named = store.named_socket(run_id)?;
    let root = store.storage().root();
    let head = root.join(DirectoryStore::head_path(run_id));
    // A run that has no HEAD yet is held by who made it.
    let holder = std::fs::metadata(head)
        .or_else(|_| std::fs::metadata(root.join(DirectoryStore::run_path(run_id))));
    is_of(holder.ok()?.uid(), &named, &root.join(SOCKETS_DIR)).then_some(named)
}

/// Where this process can listen while it holds the run, the best place first: below the data directory where a group shares
/// it, because the directory for temporary files may be this account's alone; else there.
pub fn own_sockets(store: &DirectoryStore, run_id: &RunId, shared: bool) -> Vec<PathBuf> {
    let root = store.storage().root();
    let run = root.join(DirectoryStore::run_path(run_id));
    // A digest, because the path of a socket is short.
    let name = Digest::of(run.as_os_str().as_encoded_bytes());
    let name = format!("{}.sock", &name.as_str()[..16]);
    let made = shared && store.storage().create_dir(Path::new(SOCKETS_DIR)).is_ok();
    let of_store = made.then(|| root.join(SOCKETS_DIR));
    let places = of_store.into_iter().chain(own_temporary());
    let paths = places.map(|place| place.join(&name));
    paths
        .filter(|path| path.as_os_str().len() <= PATH_BYTES_MAX)
        .collect()
}

/// The directory of this account among the temporary files; it is made if it is not there.
fn own_temporary() -> Option<PathBuf> {
    let own = rustix::process::geteuid().as_raw();
    let directory = std::path::absolute(std::env::temp_dir()).ok()?;
    let directory = directory.join(format!("drygate-{own}"));
    // Made by this account alone: whoever else made it fails the check below. The umask may have taken away that others get
    // through to the sockets, each of which says itself who may connect.
    let _ = std::fs::DirBuilder::new().mode(0o711).create(&directory);
    let _ = std::fs::set_permissions(&directory, Permissions::from_mode(0o711));
    is_private(own, &std::fs::symlink_metadata(&directory).ok()?).then_some(directory)
}

/// The directory for temporary files is writable for all, so anybody could have made this name first. The metadata is that of
/// the name itself: a link in its place is no directory.
fn is_private(uid: u32, directory: &Metadata) -> bool {
    directory.is_dir() && directory.uid() == uid && directory.mode() & 0o022 == 0
}

/// Whether a socket belongs to the account, in a directory of its own or in the one of the store, which who shares the runs can
/// write to and nobody else.
fn is_of(uid: u32, socket: &Path, of_store: &Path) -> bool {
    let found = std::fs::symlink_metadata;
    let Some(parent) = socket.parent().filter(|_| socket.is_absolute()) else {
        return false;
    };
    let (Ok(made), Ok(directory)) = (found(socket), found(parent)) else {
        return false;
    };
    let same_place = || match (parent.canonicalize(), of_store.canonicalize()) {
        (Ok(named), Ok(known)) => named == known,
        _ => false,
    };
    let is_shared = || directory.is_dir() && directory.mode() & 0o002 == 0 && same_place();
    made.file_type().is_socket()
        && made.uid() == uid
        && (is_private(uid, &directory) || is_shared())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use super::is_of;

    #[test]
    fn only_the_holder_s_own_socket_is_asked() {
        let own = rustix::process::geteuid().as_raw();
        let place = tempfile::tempdir().expect("a directory");
        let directory = |name: &str, mode: u32| {
            let path = place.path().join(name);
            fs::create_dir(&path).expect("a directory");
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("ours");
            path
        };
        let private = directory("private", 0o711);
        let store = directory("store", 0o770);
        let open = directory("open", 0o777);
        let nowhere = Path::new("/nowhere");
        let listen = |place: &Path| {
            let path = place.join("run.sock");
            (UnixListener::bind(&path).expect("a socket"), path)
        };
        let ((_a, in_private), (_b, in_store), (_c, in_open)) =
            (listen(&private), listen(&store), listen(&open));
        assert!(is_of(own, &in_private, nowhere));
        assert!(is_of(own, &in_store, &store));

        assert!(!is_of(own + 1, &in_private, nowhere), "of another account");
        assert!(!is_of(own + 1, &in_store, &store), "of another account");
        assert!(!is_of(own, &in_store, nowhere), "of another group's place");
        assert!(!is_of(own, &in_open, &open), "where all can put one");
        assert!(!is_of(own, Path::new("run.sock"), nowhere), "relative");
        assert!(!is_of(own, &private.join("none.sock"), nowhere), "gone");
        let file = private.join("file.sock");
        fs::write(&file, "").expect("a file");
        assert!(!is_of(own, &file, nowhere), "a file");
        let link = private.join("link.sock");
        symlink(&in_private, &link).expect("a link");
        assert!(!is_of(own, &link, nowhere), "a link to a socket");
        let linked = place.path().join("linked");
        symlink(&private, &linked).expect("a link");
        assert!(
            !is_of(own, &linked.join("run.sock"), nowhere),
            "behind a link"
        );
    }
}
