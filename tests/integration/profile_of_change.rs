//! `drygate profile init --change`: a profile of a change, with what the change touches and writes.
//! Invariant: what is written passes its check and runs to PASS as it is; what was not measured is said, and expected by nobody.

use std::fs;
use std::os::unix::fs::symlink;

use drygate::postgres::throwaway::{ClusterOptions, Scenario, ServerBinaries};

use super::support::server::{Answer, Workspace, approval, finish, own_cluster};

const SHOP: &str = r#"ALTER ROLE kb_owner LOGIN;
CREATE SCHEMA "Odd shop" AUTHORIZATION kb_owner;
SET ROLE kb_owner;
CREATE TABLE "Odd shop"."Orders" (id integer PRIMARY KEY, "Region" text NOT NULL);
CREATE TABLE "Odd shop".log (at integer, says text NOT NULL, UNIQUE (says));
CREATE TABLE "Odd shop".old (id integer PRIMARY KEY);
CREATE TABLE "Odd shop".beside (id integer PRIMARY KEY);
INSERT INTO "Odd shop"."Orders" SELECT n, 'US' FROM generate_series(1, 9) AS n;
INSERT INTO "Odd shop".old SELECT n FROM generate_series(1, 5) AS n;
GRANT USAGE ON SCHEMA "Odd shop" TO context_pack_readonly;
GRANT SELECT ON ALL TABLES IN SCHEMA "Odd shop" TO context_pack_readonly;
RESET ROLE;"#;

const CHANGE: &str = r#"UPDATE "Odd shop"."Orders" SET "Region" = 'EU' WHERE id <= 7;
INSERT INTO "Odd shop"."Orders" VALUES (10, 'EU'), (11, 'EU');
DELETE FROM "Odd shop".old WHERE id > 2;
INSERT INTO "Odd shop".log VALUES (1, 'moved');
"#;

const EXPECTED: &str = r#"
[change]
role = "kb_owner"
files = ["move.sql"]
expect = [   # rows, as measured; a range is "10..20"
  { table = "Odd shop.Orders", insert = 2, update = 7 },
  { table = "Odd shop.log", insert = 1 },
  { table = "Odd shop.old", delete = 3 },
]
"#;

fn workspace(change: &str) -> Workspace {
    let workspace = Workspace::on(own_cluster(&ClusterOptions::default()), Scenario::Draft);
    workspace.sql(SHOP);
    fs::write(workspace.place().join("move.sql"), change).expect("a new file");
    workspace
}

fn path(workspace: &Workspace, name: &str) -> String {
    workspace.place().join(name).display().to_string()
}

/// `profile init --change` on this `PATH`; the profile.
fn init(workspace: &Workspace, programs: Option<&str>, code: i32) -> (Answer, String) {
    let (file, change) = (path(workspace, "shop.toml"), path(workspace, "move.sql"));
    let url = workspace.url();
    let words = ["profile", "init", &file, "--change", &change];
    let more = ["--role", "kb_owner", "--database-url", &url];
    let mut command = workspace.command(&[&words[..], &more].concat());
    if let Some(programs) = programs {
        let server = ServerBinaries::find().expect("a server");
        command.env("PATH", programs);
        command.env("DRYGATE_PG_BIN", server.dir());
    }
    let said = finish(command.spawn().expect("the program")).expect(code);
    (said, fs::read_to_string(&file).unwrap_or_default())
}

#[test]
fn a_profile_of_a_change_expects_what_it_did_and_runs_to_pass_as_it_is() {
    let workspace = workspace(CHANGE);
    let (said, written) = init(&workspace, None, 0);
    assert!(written.contains(EXPECTED), "{}{written}", said.stderr);
    for (table, is_there) in [
        ("Orders", true),
        ("log", true),
        ("old", true),
        ("beside", false),
    ] {
        let protected = format!("schema = \"Odd shop\"\ntable = \"{table}\"\n");
        assert_eq!(written.contains(&protected), is_there, "{table}: {written}");
    }
    assert!(!written.contains("information_unit"), "{written}");
    let (file, url) = (path(&workspace, "shop.toml"), workspace.url());
    let check = ["profile", "check", &file, "--database-url", &url];
    workspace.drygate(&check).expect(0);
    let run = [
        "run",
        "--headless",
        "--json",
        "--profile",
        &file,
        "--database-url",
        &url,
    ];
    let waiting = workspace.drygate(&run).expect(3).json();
    let waiting = workspace.drygate(&approval(&waiting, "SG1")).expect(3);
    let sealed = workspace.drygate(&approval(&waiting.json(), "SG2"));
    let sealed = sealed.expect(0).json();
    assert_eq!(sealed["result"], "MY_CHANGE_PASS");
}

#[test]
fn where_nothing_can_be_rehearsed_it_is_said_and_nothing_is_expected() {
    let workspace = workspace(CHANGE);
    let programs = workspace.place().join("bin");
    fs::create_dir(&programs).expect("a directory");
    // Neither bubblewrap nor unshare.
    for program in ["id", "ldd", "git"] {
        symlink(format!("/usr/bin/{program}"), programs.join(program)).expect("a link");
    }
    let (said, written) = init(&workspace, programs.to_str(), 0);
    let why = "NOT CHECKED isolation: this machine has neither bubblewrap nor unshare. Install bubblewrap";
    assert!(said.stderr.contains(why), "{}", said.stderr);
    let change =
        "[change]\nrole = \"kb_owner\"\nfiles = [\"move.sql\"]\n# Not measured: this machine";
    assert!(written.contains(change), "{written}");
    assert!(!written.contains("\nexpect ="), "{written}");
    // All that can be read, as without a change.
    assert!(written.contains("information_unit"), "{written}");
    let (file, url) = (path(&workspace, "shop.toml"), workspace.url());
    let check = ["profile", "check", &file, "--database-url", &url];
    workspace.drygate(&check).expect(0);
}

#[test]
fn a_change_that_fails_is_no_expectation_and_needs_a_database() {
    let workspace = workspace("DELETE FROM nowhere;");
    let (said, written) = init(&workspace, None, 0);
    assert!(said.stderr.contains("FAIL change: "), "{}", said.stderr);
    assert!(said.stderr.contains("nowhere"), "{}", said.stderr);
    assert!(!written.contains("\nexpect ="), "{written}");
    let change = path(&workspace, "move.sql");
    let alone = ["profile", "init", "other.toml", "--change", &change];
    let alone = [&alone[..], &["--role", "kb_owner"]].concat();
    let said = workspace.drygate(&alone).expect(64);
    assert!(said.stderr.contains("--database-url"), "{}", said.stderr);
}
