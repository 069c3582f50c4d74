//! Programs of PostgreSQL that end without an error and leave their work undone. Invariant: what was not done is NOT CHECKED with the
//! name of the program, never an effect of the change, and a run goes on to its end.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use drygate::postgres::throwaway::ServerBinaries;
use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use super::world::{OWNER, World, check};
use crate::changing::{ChangedWorkspace, last_check};
use crate::support::server::{approval, finish, text};

const CHANGE: &str = "UPDATE shop.orders SET region = 'EU' WHERE id <= 7";

/// The programs of a server, one of which does what `instead` says, in the language of the shell; `real` is the real one, and `file`
/// what it writes to.
fn programs(broken: &str, instead: &str) -> TempDir {
    let place = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let bin = place.path().join("bin");
    fs::create_dir(&bin).expect("a directory");
    let server = ServerBinaries::find().expect("a server");
    let psql = server.psql().expect("psql");
    let clients = psql.parent().expect("a directory");
    for name in ["initdb", "postgres", "psql", "pg_dump", "pg_restore"] {
        let beside = server.dir().join(name);
        let real = if beside.exists() {
            beside
        } else {
            clients.join(name)
        };
        let does = if name == broken { instead } else { ALL };
        let script = format!(
            "#!/bin/bash\nreal={}\n[ \"$1\" = --version ] && exec $real --version\n\
             for a; do [ \"$last\" = --file ] && file=$a; last=$a; done\n{does}\n",
            real.display()
        );
        let ours = bin.join(name);
        fs::write(&ours, script).expect("a file");
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o755)).expect("ours");
    }
    place
}

/// The whole work. The proxy takes the process that drygate started, and no other one.
const ALL: &str = "exec $real \"$@\"";
/// What it writes is lost.
const LOST: &str = "exec $real \"${@/$file//dev/null}\"";
/// The same, and the file is there.
const EMPTY: &str = ": > \"$file\"; exec $real \"${@/$file//dev/null}\"";
/// It writes the whole, and only the beginning is in the file.
const CUT: &str = "$real \"$@\" && truncate -s 1500 \"$file\"";
/// It reads only the beginning of its archive, which is its last argument.
const CUT_ARCHIVE: &str = "head -c 1500 \"$a\" > \"$file.cut\"; exec $real \"${@/$a/$file.cut}\"";
/// The schema is dumped, and never written as text.
const NO_TEXT: &str = "[ \"$file\" ] || exit 0; exec $real \"$@\"";
/// The same, but for the beginning of the text.
const HALF_TEXT: &str =
    "[ \"$file\" ] || { $real \"$@\" | head -n 40; exit 0; }; exec $real \"$@\"";
/// All but the change itself.
const NO_CHANGE: &str = "case \"$*\" in *VERBOSITY*) exit 0 ;; esac; exec $real \"$@\"";
/// All but the loading of rows.
const NO_ROWS: &str = "case \"$*\" in *'FROM STDIN'*) exit 0 ;; esac; exec $real \"$@\"";
/// All but the reading of what the change did.
const NO_EFFECT: &str = "case \"$*\" in *drygate_key*) exit 0 ;; esac; exec $real \"$@\"";

#[rstest]
#[case::dump_asks_nothing("pg_dump", "exit 0", "schema")]
#[case::dump_is_empty("pg_dump", EMPTY, "schema")]
#[case::dump_is_not_there("pg_dump", LOST, "schema")]
#[case::no_text_of_the_schema("pg_dump", NO_TEXT, "change")]
#[case::half_a_text_of_the_schema("pg_dump", HALF_TEXT, "change")]
#[case::no_script_of_the_schema("pg_restore", "exit 0", "change")]
#[case::script_of_the_schema_is_empty("pg_restore", EMPTY, "change")]
#[case::dump_is_cut("pg_restore", CUT_ARCHIVE, "change")]
#[case::script_of_the_schema_is_cut("pg_restore", CUT, "change")]
#[case::nothing_is_loaded("psql", "exit 0", "change")]
#[case::change_is_not_run("psql", NO_CHANGE, "change")]
#[case::rows_are_not_loaded("psql", NO_ROWS, "change")]
#[case::effect_is_not_read("psql", NO_EFFECT, "change")]
#[case::no_cluster_is_made("initdb", "exit 0", "change")]
#[case::server_does_not_stay("postgres", "exit 0", "change")]
fn work_left_undone_is_not_checked(#[case] program: &str, #[case] instead: &str, #[case] of: &str) {
    let world = World::shared();
    let programs = programs(program, instead);
    let mut command = world.command(CHANGE, OWNER);
    command.env("DRYGATE_PG_BIN", programs.path().join("bin"));
    let found = finish(command.spawn().expect("the program"))
        .expect(11)
        .json();
    let left = check(&found, of);
    assert_eq!(left["verdict"], "NOT CHECKED", "{found:#}");
    let says = text(&left["says"]);
    let named = match program {
        "postgres" => "server",
        program => program,
    };
    assert!(says.contains(named), "{says}");
    assert!(!text(&left["next"]).is_empty(), "{left:#}");
    assert_eq!(check(&found, "production")["verdict"], "PASS", "{found:#}");
    assert_eq!(found["rehearsed"], Value::Null);
}

#[rstest]
#[case::dump_is_not_there("pg_dump", LOST)]
#[case::change_is_not_run("psql", NO_CHANGE)]
fn a_run_goes_on_without_what_was_left_undone(#[case] program: &str, #[case] instead: &str) {
    let world = ChangedWorkspace::new("UPDATE public.note SET seen = true;", None);
    let programs = programs(program, instead);
    let drygate = |words: &[&str]| {
        let mut command = world.workspace.command(words);
        command.env("DRYGATE_PG_BIN", programs.path().join("bin"));
        finish(command.spawn().expect("the program"))
    };
    let begins = world.begins();
    let words: Vec<&str> = begins.iter().map(String::as_str).collect();
    let mut waiting = drygate(&words).expect(3).json();
    for (gate, code) in [("SG1", 3), ("SG2", 11)] {
        waiting = drygate(&approval(&waiting, gate)).expect(code).json();
    }
    assert!(
        text(&waiting["result"]).ends_with("_INCOMPLETE"),
        "{waiting:#}"
    );
    let ran = last_check(&world.workspace, &waiting, "change_ran");
    assert_eq!(ran["verdict"], "NOT CHECKED", "{ran:#}");
    assert!(text(&ran["says"]).contains(program), "{ran:#}");
}
