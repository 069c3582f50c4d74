//! A machine that gives out under the rehearsals of a run, or a change that never ends. Invariant: the run goes on to its end over
//! both gates, which says what was not checked and why; nothing of a rehearsal stays.

use std::path::Path;
use std::process::{Child, Command};

use rstest::rstest;
use rustix::process::{Signal, kill_process};
use serde_json::Value;

use super::ends::{directories_of, until};
use super::faults::{SMALL_DISK, server_of, within};
use crate::changing::{ChangedWorkspace, last_check};
use crate::support::server::{Answer, approval, finish, text};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    DiskFull,
    NoMemory,
    ServerKilled,
    NeverEnds,
}

impl Fault {
    fn change(self) -> &'static str {
        match self {
            Self::DiskFull => {
                "CREATE TABLE public.big AS SELECT repeat('x', 500) FROM generate_series(1, 900000);"
            }
            Self::NoMemory => "SELECT length(repeat('x', 900000000));",
            // On a schema without rows it ends at once.
            Self::ServerKilled | Self::NeverEnds => {
                "SELECT pg_sleep(600) FROM public.note LIMIT 1;"
            }
        }
    }

    /// Starts a command where it goes wrong.
    fn starts(self, world: &ChangedWorkspace, words: &[&str]) -> Child {
        let mut command = world.workspace.command(words);
        command.env("TMPDIR", std::env::temp_dir());
        match self {
            Self::DiskFull => {
                let binary = Path::new(command.get_program()).parent();
                let mut outer = Command::new("unshare");
                outer.args(["--mount", "sh", "-ec", SMALL_DISK, "sh", "260m"]);
                outer
                    .arg(world.workspace.cluster.socket_dir())
                    .arg(world.workspace.place())
                    .arg(binary.expect("a directory"))
                    // The directory is entered anew behind the mounts.
                    .args(["sh", "-c", "cd \"$0\" && exec \"$@\""])
                    .arg(world.workspace.place().join("repository"));
                within(&mut outer, &command)
            }
            Self::NoMemory => {
                let mut outer = Command::new("sh");
                outer.args(["-c", "ulimit -v 800000; exec \"$@\"", "sh"]);
                outer.current_dir(world.workspace.place().join("repository"));
                within(&mut outer, &command)
            }
            Self::NeverEnds => {
                command.env("DRYGATE_TEST_CHANGE_SECONDS", "2");
                command.spawn().expect("the program")
            }
            Self::ServerKilled => command.spawn().expect("the program"),
        }
    }

    /// Waits for the end, of an approval after it went wrong.
    fn ends(self, child: Child, approves: bool) -> Answer {
        let owner = child.id();
        if approves && self == Self::ServerKilled {
            // Its rows are loaded: `said` is what the change says.
            let sleeps =
                |place: &Path| place.join("said").exists() && !place.join("rows-1").exists();
            until("the wait of the change", || {
                server_of(owner).is_some() && directories_of(owner).iter().any(|it| sleeps(it))
            });
            let server = server_of(owner).expect("the server of the shadow");
            kill_process(server, Signal::KILL).expect("ours");
        }
        let answer = finish(child);
        let left = directories_of(owner);
        assert!(left.is_empty(), "{left:?}");
        answer
    }
}

#[rstest]
#[case::disk(Fault::DiskFull, "NOT CHECKED", "", 11, "_INCOMPLETE")]
#[case::memory(Fault::NoMemory, "NOT CHECKED", "out of memory", 11, "_INCOMPLETE")]
#[case::server(Fault::ServerKilled, "NOT CHECKED", "", 11, "_INCOMPLETE")]
#[case::hangs(Fault::NeverEnds, "FAIL", "it did not end within 2 s", 9, "_FAIL")]
fn a_run_goes_on_to_its_end_over_both_gates_and_says_why(
    #[case] fault: Fault,
    #[case] verdict: &str,
    #[case] why: &str,
    #[case] code: i32,
    #[case] result: &str,
) {
    if fault == Fault::DiskFull && !rustix::process::geteuid().is_root() {
        // Only root can make a small disk.
        return;
    }
    let world = ChangedWorkspace::new(fault.change(), None);
    let begins = world.begins();
    let words: Vec<&str> = begins.iter().map(String::as_str).collect();
    let mut waiting = fault
        .ends(fault.starts(&world, &words), false)
        .expect(3)
        .json();
    for gate in ["SG1", "SG2"] {
        let ended = if gate == "SG1" { 3 } else { code };
        let child = fault.starts(&world, &approval(&waiting, gate));
        waiting = fault.ends(child, true).expect(ended).json();
    }
    let workspace = &world.workspace;
    assert!(text(&waiting["result"]).ends_with(result), "{waiting:#}");
    let check = last_check(workspace, &waiting, "change_ran");
    assert_eq!(check["verdict"], verdict, "{check:#}");
    assert!(text(&check["says"]).contains(why), "{check:#}");
    // What did not end on the shadow is not looked at, and is no drift.
    let captured = last_check(workspace, &waiting, "change_captured");
    let looked_at = if verdict == "FAIL" { "PASS" } else { verdict };
    assert_eq!(captured["verdict"], looked_at, "{captured:#}");
    assert!(workspace.events(&waiting, "drift_found").is_empty());
    for closed in workspace.events(&waiting, "transaction_closed") {
        assert_eq!(closed["proof"]["xid_assigned"], Value::Null, "{closed:#}");
    }
    let run_id = text(&waiting["run_id"]);
    let verified = world
        .drygate(&["verify", run_id, "--json"])
        .expect(0)
        .json();
    assert_eq!(verified["findings"], serde_json::json!([]));
}
