//! Path of the Unix socket on which the holder of a run listens.
//! Invariant: outside the run, in a directory that belongs to the holder's account and that nobody else can write to
//! (`in_directory_of`).

use std::fs::Permissions;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::journal::DirectoryStore;
use crate::run::RunId;
use crate::survey::Digest;

/// The socket of the process that holds a run of the store at `store_root`, as its callers find it.
///
/// Every account has a directory of its own. Which account holds the run is seen from the owner of HEAD, which each line that
/// the holder writes replaces. Only who may rewrite the run can make another account look like the holder.
pub fn socket(store_root: &Path, run_id: &RunId) -> Option<PathBuf> {
    let run = store_root.join(DirectoryStore::run_path(run_id));
    let head = store_root.join(DirectoryStore::head_path(run_id));
    // A run that has no HEAD yet is held by who made it.
    let holder = std::fs::metadata(head).or_else(|_| std::fs::metadata(&run));
    in_directory_of(holder.ok()?.uid(), &run)
}

/// The socket on which this process listens while it holds the run; its directory is made if it is not there.
pub fn own_socket(store_root: &Path, run_id: &RunId) -> Option<PathBuf> {
    let own = rustix::process::geteuid().as_raw();
    // Made by this account alone: whoever else made it would fail the check below. The umask may have taken away that
    // others get through to the sockets, each of which says itself who may connect.
    let _ = std::fs::DirBuilder::new()
        .mode(0o711)
        .create(directory(own));
    let _ = std::fs::set_permissions(directory(own), Permissions::from_mode(0o711));
    in_directory_of(own, &store_root.join(DirectoryStore::run_path(run_id)))
}

fn directory(uid: u32) -> PathBuf {
    std::env::temp_dir().join(format!("drygate-{uid}"))
}

fn in_directory_of(uid: u32, run: &Path) -> Option<PathBuf> {
    let directory = directory(uid);
    let made = std::fs::symlink_metadata(&directory).ok()?;
    // The temporary directory is writable for all, so anybody could have made this name first. `symlink_metadata`: a link in
    // its place is no directory.
    if !made.is_dir() || made.uid() != uid || made.mode() & 0o022 != 0 {
        return None;
    }
    // A digest, because the path of a Unix socket is limited to about 100 bytes (`sun_path`).
    let name = Digest::of(run.as_os_str().as_encoded_bytes());
    Some(directory.join(format!("{}.sock", &name.as_str()[..16])))
}
