//! The cache of empty clusters without a server. Invariant: what stands there is taken only whole.

use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

/// Something with the shape of a cluster.
fn cluster(place: &TempDir) -> PathBuf {
    let data = place.path().join("made");
    fs::create_dir_all(data.join("base/1")).expect("a directory");
    fs::write(data.join("PG_VERSION"), "15\n").expect("a file");
    fs::write(data.join("base/1/1259"), [7; 8192]).expect("a file");
    data
}

fn kept(place: &TempDir, key: &str) -> KeptCluster {
    KeptCluster::below(place.path(), key, ServerAccount::Own).expect("a place of our own")
}

/// A place, with one that is kept under the key `k`.
fn with_one() -> (TempDir, KeptCluster) {
    let place = tempfile::tempdir().expect("a temporary directory");
    let kept = kept(&place, "k");
    kept.keep(&cluster(&place)).expect("it is kept");
    (place, kept)
}

#[test]
fn what_is_kept_is_copied_whole_and_closed_to_others() {
    let (place, kept) = with_one();
    let data = place.path().join("data");
    assert!(kept.copy_to(&data));
    assert_eq!(
        fs::read(data.join("base/1/1259")).expect("it is there"),
        [7; 8192]
    );
    let about = fs::metadata(&data).expect("it is there");
    assert_eq!(about.permissions().mode() & 0o777, 0o700);
}

#[test]
fn one_that_is_not_whole_is_never_used_and_goes() {
    type Break = fn(&Path);
    let breaks: [(&str, Break); 5] = [
        ("a file is gone", |it| {
            fs::remove_file(it.join("data/base/1/1259")).expect("gone");
        }),
        ("a file is short", |it| {
            fs::write(it.join("data/base/1/1259"), [7; 9]).expect("short");
        }),
        ("a file is more", |it| {
            fs::write(it.join("data/more"), "x").expect("more");
        }),
        ("a link leads out", |it| {
            std::os::unix::fs::symlink("/etc/passwd", it.join("data/link")).expect("a link");
        }),
        ("nothing says that it is whole", |it| {
            fs::remove_file(it.join(WHOLE)).expect("gone");
        }),
    ];
    for (what, destroy) in breaks {
        let (place, kept) = with_one();
        destroy(&kept.path);
        let data = place.path().join("data");
        assert!(!kept.copy_to(&data), "{what}");
        assert!(!data.exists(), "{what}: nothing is left of it");
        // The next one that is made takes its place.
        kept.keep(&cluster(&place)).expect(what);
        assert!(kept.copy_to(&data), "{what}");
    }
}

#[test]
fn two_at_once_leave_one_that_is_whole() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let made = cluster(&place);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| kept(&place, "k").keep(&made));
        }
    });
    let kept = kept(&place, "k");
    assert!(kept.copy_to(&place.path().join("data")));
    let all = fs::read_dir(place.path().join("clusters")).expect("the cache");
    assert_eq!(all.count(), 1, "what was slower is gone");
}

#[test]
fn what_was_killed_half_way_is_not_taken_and_goes_in_its_turn() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let half = kept(&place, "k").path.with_extension("00000000");
    fs::create_dir_all(half.join(DATA)).expect("a directory");
    let began = fs::File::open(&half).expect("it is there");
    let ago = SystemTime::now() - 2 * HALF_MADE;
    began.set_modified(ago).expect("it is ours");
    assert!(!kept(&place, "k").copy_to(&place.path().join("data")));
    for key in 0..=KEPT_MAX {
        kept(&place, &key.to_string())
            .keep(&cluster(&place))
            .expect("it is kept");
    }
    assert!(!half.exists());
    let all = fs::read_dir(place.path().join("clusters")).expect("the cache");
    assert_eq!(all.count(), KEPT_MAX);
}

#[test]
fn a_cache_that_others_can_write_is_not_used() {
    let (place, _) = with_one();
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(place.path().join("clusters"), open).expect("it is ours");
    assert!(KeptCluster::below(place.path(), "k", ServerAccount::Own).is_none());
}

#[test]
fn another_server_account_or_start_of_the_machine_has_another_key() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let install =
        |name: &str, text: &str| fs::write(place.path().join(name), text).expect("a file");
    install("initdb", "1");
    install("postgres", "1");
    let binaries = ServerBinaries::at(place.path()).expect("both are there");
    let key = |account, boot| KeptCluster::key(&binaries, account, boot).expect("a key");
    let first = key(ServerAccount::Own, "one");
    assert_eq!(first, key(ServerAccount::Own, "one"));
    assert_ne!(first, key(ServerAccount::Own, "two"));
    assert_ne!(first, key(ServerAccount::Dropped { uid: 7, gid: 7 }, "one"));
    install("postgres", "2, upgraded");
    assert_ne!(first, key(ServerAccount::Own, "one"));
}

#[test]
fn a_link_in_the_place_of_the_copy_leads_it_nowhere() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let (to, moved, other) = (
        place.path().join("to"),
        place.path().join("moved"),
        place.path().join("other"),
    );
    fs::create_dir(&other).expect("a directory");
    directory(&to).expect("a directory");
    let open_one = open(CWD, &to).expect("it is ours");
    // What who owns the directory around may do while it is copied.
    fs::rename(&to, &moved).expect("moved");
    std::os::unix::fs::symlink(&other, &to).expect("a link");
    copy_into(&cluster(&place), &open_one, ServerAccount::Own).expect("it is copied");
    assert!(moved.join("base/1/1259").exists());
    assert_eq!(fs::read_dir(&other).expect("there").count(), 0);
    assert!(open(CWD, &to).is_err(), "a link is not opened");
}

#[test]
fn a_link_is_given_itself() {
    let Ok(account @ ServerAccount::Dropped { uid, .. }) = ServerAccount::choose() else {
        return;
    };
    let place = tempfile::tempdir().expect("a temporary directory");
    let (file, link) = (place.path().join("file"), place.path().join("link"));
    fs::write(&file, "ours").expect("a file");
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    account.give(&link).expect("it is there");
    let owner = |path: &Path| fs::symlink_metadata(path).expect("there").uid();
    assert_eq!((owner(&file), owner(&link)), (0, uid));
}
