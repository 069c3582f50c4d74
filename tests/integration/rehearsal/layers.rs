//! The walls around a change, one taken out at a time. Invariant: with any of them missing nothing of the change runs, and it is said
//! which one it is.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use drygate::postgres::throwaway::ServerBinaries;
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::world::{OWNER, World, check};
use crate::support::server::finish;

/// A path on which `unshare` is called without something: `edit` is done to each of its arguments, `$a`.
pub(super) fn path_with(edit: &str) -> TempDir {
    let place = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    // As root an account is looked for with `id`; where bubblewrap is installed, this path hides it.
    for program in ["id", "ldd"] {
        symlink(format!("/usr/bin/{program}"), place.path().join(program)).expect("a link");
    }
    let script = format!(
        "#!/bin/bash\nargs=()\nfor a in \"$@\"; do\n{edit}\nargs+=(\"$a\")\ndone\nexec /usr/bin/unshare \"${{args[@]}}\"\n"
    );
    let fake = place.path().join("unshare");
    fs::write(&fake, script).expect("a file");
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).expect("ours");
    place
}

fn command(world: &World, path: &TempDir, change: &str) -> Command {
    let bin = ServerBinaries::find().expect("a server");
    let mut command = world.command(change, OWNER);
    command
        .env("PATH", path.path())
        .env("DRYGATE_PG_BIN", bin.dir());
    command
}

#[rstest]
#[case::network(
    "[ \"$a\" = --net ] && continue",
    "the net namespace is another one, a TCP socket outside is not reached"
)]
#[case::ipc("[ \"$a\" = --ipc ] && continue", "the ipc namespace is another one")]
#[case::processes("[ \"$a\" = --pid ] && continue", "")]
#[case::user("case $a in --user|--map-root-user) continue ;; esac", "")]
#[case::root_is_written("a=${a/mount -o remount,bind,ro \\/$'\\n'/$'\\n'}", "/ is read-only")]
#[case::programs_are_written(
    "a=${a/mount -o remount,bind,ro \\\".\\$1\\\"/:}; a=${a/mount --rbind -o ro/mount --rbind}",
    "/usr is read-only"
)]
#[case::home_is_shown(
    "a=${a/pivot_root . old/show \"PLACE/home\"$'\\n'pivot_root . old}",
    "home is hidden"
)]
#[case::files_of_the_machine(
    "a=${a/umount -l \\/old$'\\n'rmdir \\/old/:}",
    "nothing of the machine is in / (there are /old)"
)]
#[case::environment(
    "export DRYGATE_LEAKED=1",
    "the environment is cleared (there are DRYGATE_LEAKED)"
)]
fn with_a_wall_taken_out_nothing_of_the_change_runs(#[case] edit: &str, #[case] named: &str) {
    let world = World::shared();
    fs::set_permissions(world.place(), fs::Permissions::from_mode(0o755)).expect("ours");
    let path = path_with(&edit.replace("PLACE", &world.place().display().to_string()));
    let mut command = command(&world, &path, "INSERT INTO shop.spare VALUES (9, 'x')");
    let found = finish(command.spawn().expect("the program"))
        .expect(11)
        .json();
    let isolation = check(&found, "isolation");
    assert_eq!(isolation["verdict"], "NOT CHECKED", "{found:#}");
    let says = isolation["says"].as_str().expect("a sentence");
    assert!(says.contains(named), "{says}");
    assert_eq!(found["rehearsed"], Value::Null);
}

/// Nothing is taken out: the same way of calling it holds.
#[test]
fn with_every_wall_the_change_runs() {
    let world = World::shared();
    let path = path_with(":");
    let mut command = command(&world, &path, "INSERT INTO shop.spare VALUES (9, 'x')");
    finish(command.spawn().expect("the program")).expect(0);
}

/// The process that made the namespaces is killed while the change runs; gives the exit code of the rehearsal.
fn without_its_parent(edit: &str) -> i32 {
    let world = World::shared();
    let path = path_with(edit);
    let mut command = command(&world, &path, "SELECT pg_sleep(4)");
    let mut child = command.spawn().expect("the program");
    let mut said = BufReader::new(child.stderr.take().expect("its output"));
    let mut line = String::new();
    while !line.contains("running the change") {
        line.clear();
        assert_ne!(
            said.read_line(&mut line).expect("it says"),
            0,
            "it ended before"
        );
    }
    let parent = format!("/proc/{0}/task/{0}/children", child.id());
    let children = fs::read_to_string(parent).expect("its children");
    let first = children.split_whitespace().next().expect("a child");
    let first = Pid::from_raw(first.parse().expect("a number")).expect("a process");
    kill_process(first, Signal::KILL).expect("ours");
    finish(child).code
}

#[test]
fn the_shadow_dies_with_the_process_that_made_its_namespaces() {
    assert_eq!(without_its_parent(":"), 11);
    // Taken out, it lives on.
    assert_eq!(
        without_its_parent("[ \"$a\" = --kill-child ] && continue"),
        0
    );
}
