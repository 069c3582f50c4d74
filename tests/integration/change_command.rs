//! A change that a program of the team carries out: a script that calls psql, sqitch, alembic, psycopg with the extended protocol.
//! Invariant: what is asserted of a tool is what the recording proxy saw of the real one; a tool that this machine lacks is said to
//! be NOT CHECKED (`Tool::on_this_machine`).

use std::collections::BTreeMap;
use std::fs;
use std::io::{Write as _, stderr};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use drygate::survey::Digest;
use rstest::rstest;
use serde_json::Value;

use super::changing::{ChangedWorkspace, last_check, rows};
use super::support::server::text;

/// What `make tools` brings, beside what is installed.
pub fn python() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools/python")
}

#[derive(Debug, Clone, Copy)]
pub enum Tool {
    Sqitch,
    Alembic,
    Psycopg,
    Django,
}

impl Tool {
    pub fn on_this_machine(self) -> bool {
        let there = match self {
            Self::Sqitch => ["/usr/bin/sqitch", "/usr/local/bin/sqitch"]
                .iter()
                .any(|it| Path::new(it).exists()),
            Self::Alembic => python().join("bin/alembic").exists(),
            Self::Psycopg => python().join("bin/python3").exists(),
            Self::Django => python().join("bin/django-admin").exists(),
        };
        if !there {
            let _ = writeln!(
                stderr(),
                "NOT CHECKED: {self:?} is not here; `make tools` brings it"
            );
        }
        there
    }

    /// `[change.command]`, its directory left out.
    fn command(self) -> String {
        let programs = format!("programs = [\"{}\"]\n", python().display());
        match self {
            Self::Sqitch => "run = [\"sqitch\", \"deploy\", \"db:pg:{database}\"]\n\
                environment = { SQITCH_FULLNAME = \"A Person\", SQITCH_EMAIL = \"person@example.org\" }\n"
                .to_owned(),
            Self::Alembic => format!("run = [\"alembic\", \"upgrade\", \"head\"]\n{programs}"),
            Self::Django => format!("run = [\"python3\", \"manage.py\", \"migrate\", \"--no-input\"]\n{programs}"),
            Self::Psycopg => format!("run = [\"python3\", \"migrate.py\", \"{{url}}\"]\n{programs}"),
        }
    }

    /// The files of a change that adds a column, fills it for 10 orders of 1,000, and holds its lock for so long.
    pub fn files(self, held_s: f64) -> Vec<(&'static str, String)> {
        match self {
            Self::Sqitch => vec![
                ("sqitch.conf", "[core]\n\tengine = pg\n".to_owned()),
                (
                    "sqitch.plan",
                    "%syntax-version=1.0.0\n%project=shop\n\ntax 2026-01-01T00:00:00Z A Person <person@example.org> # Tax\n".to_owned(),
                ),
                (
                    "deploy/tax.sql",
                    format!("BEGIN;\nALTER TABLE shop.orders ADD COLUMN tax numeric;\nSELECT pg_sleep({held_s});\n\
                             UPDATE shop.orders SET tax = 7 WHERE id <= 10;\nCOMMIT;\n"),
                ),
            ],
            Self::Alembic => vec![
                (
                    "alembic.ini",
                    "[alembic]\nscript_location = migrations\n".to_owned(),
                ),
                (
                    "migrations/env.py",
                    "from alembic import context\nfrom sqlalchemy import create_engine\n\
                     with create_engine('postgresql+psycopg://').connect() as connection:\n    \
                     context.configure(connection=connection, version_table_schema='shop')\n    with context.begin_transaction():\n        context.run_migrations()\n"
                        .to_owned(),
                ),
                ("migrations/script.py.mako", String::new()),
                (
                    "migrations/versions/0001_tax.py",
                    format!("from alembic import op\nimport sqlalchemy as sa\nrevision = '0001'\ndown_revision = None\n\
                             def upgrade():\n    op.add_column('orders', sa.Column('tax', sa.Numeric()), schema='shop')\n    \
                             op.execute('SELECT pg_sleep({held_s})')\n    \
                             op.execute(sa.text('UPDATE shop.orders SET tax = :tax WHERE id <= 10').bindparams(tax=7))\n"),
                ),
            ],
            Self::Django => vec![
                (
                    "manage.py",
                    "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\n\
                     from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n"
                        .to_owned(),
                ),
                (
                    "settings.py",
                    "import os\nSECRET_KEY = 'x'\nINSTALLED_APPS = ['shop']\nUSE_TZ = True\nDATABASES = {'default': {\
                     'ENGINE': 'django.db.backends.postgresql', 'NAME': os.environ['PGDATABASE'], \
                     'OPTIONS': {'options': '-c search_path=shop'}}}\n"
                        .to_owned(),
                ),
                ("shop/__init__.py", String::new()),
                ("shop/migrations/__init__.py", String::new()),
                (
                    "shop/migrations/0001_tax.py",
                    format!("from django.db import migrations\nclass Migration(migrations.Migration):\n    operations = [migrations.RunSQL(sql) \
                             for sql in (\n        'ALTER TABLE shop.orders ADD COLUMN tax numeric',\n        'SELECT pg_sleep({held_s})',\n        \
                             'UPDATE shop.orders SET tax = 7 WHERE id <= 10')]\n"),
                ),
            ],
            Self::Psycopg => vec![(
                "migrate.py",
                format!("import sys, psycopg\nwith psycopg.connect(sys.argv[1]) as connection:\n    \
                         connection.execute('ALTER TABLE shop.orders ADD COLUMN tax numeric')\n    \
                         connection.execute('SELECT pg_sleep(%s)', ({held_s},))\n    with connection.pipeline():\n        \
                         for order in range(1, 11):\n            \
                         connection.execute('UPDATE shop.orders SET tax = %s WHERE id = %s', (7, order), prepare=True)\n"),
            )],
        }
    }

    /// A statement of it, with the rows that are recorded of it.
    fn update(self) -> (&'static str, u64, usize) {
        match self {
            Self::Sqitch => ("UPDATE shop.orders SET tax = 7 WHERE id <= 10;", 10, 1),
            Self::Alembic => (
                "UPDATE shop.orders SET tax = $1::INTEGER WHERE id <= (not a text of the script: withheld)",
                10,
                1,
            ),
            Self::Django => ("UPDATE shop.orders SET tax = 7 WHERE id <= 10", 10, 1),
            Self::Psycopg => ("UPDATE shop.orders SET tax = $1 WHERE id = $2", 1, 10),
        }
    }
}

/// The profile of the demo but for its change, which is its end.
pub fn without_change(profile: &str) -> String {
    let (before, _) = profile.split_once("[change]").expect("it has a change");
    before.to_owned()
}

/// The shop of the demo with a change of these files in `db`, carried out by `command` (lines of `[change.command]`).
fn world(command: &str, files: &[(&str, String)], policy: &str) -> ChangedWorkspace {
    let world = ChangedWorkspace::of_demo_profile(|profile| {
        format!(
            "{}[change]\nrole = \"shop_owner\"\n{policy}\n[change.command]\ndirectory = \"db\"\n{command}",
            without_change(profile)
        )
    });
    for (name, text) in files {
        let path = world.workspace.place().join("db").join(name);
        fs::create_dir_all(path.parent().expect("below db")).expect("a directory");
        fs::write(path, text).expect("a new file");
    }
    // Tools keep a table of their own, in a schema of their own.
    let database = &world.workspace.database;
    world.workspace.sql(&format!(
        "GRANT CREATE ON DATABASE {database} TO shop_owner"
    ));
    world
}

/// A script of the team, which calls psql for a file beside it.
fn script(sql: &str) -> Vec<(&'static str, String)> {
    let calls =
        "#!/bin/sh\nset -eu\necho 'begins'\npsql -X -q -v ON_ERROR_STOP=1 -f sql/change.sql\n";
    vec![
        ("migrate.sh", calls.to_owned()),
        ("sql/change.sql", sql.to_owned()),
    ]
}

const SCRIPT: &str = "run = [\"./migrate.sh\", \"{user}\"]\n";
const UPDATE: &str = "UPDATE shop.orders SET total = total + 1 WHERE id <= 10;\n";

fn statements(document: &Value) -> Vec<Value> {
    let phases = document["change"]["rehearsed"]["recorded"]["phases"].as_array();
    let all = phases
        .expect("recorded")
        .iter()
        .flat_map(|phase| phase.as_array().expect("statements"));
    all.cloned().collect()
}

#[rstest]
#[case(Tool::Sqitch)]
#[case(Tool::Alembic)]
#[case(Tool::Psycopg)]
#[case(Tool::Django)]
fn a_tool_is_recorded_statement_by_statement_up_to_pass(#[case] tool: Tool) {
    if !tool.on_this_machine() {
        return;
    }
    let world = world(&tool.command(), &tool.files(0.0), "");
    let waiting = world.to_sg2();

    let counts: BTreeMap<String, [u64; 3]> = rows(&waiting).into_iter().collect();
    assert_eq!(counts["shop.orders"], [0, 10, 0], "{counts:?}");
    let (wanted, of_each, many) = tool.update();
    let recorded = statements(&waiting);
    let found: Vec<&Value> = recorded.iter().filter(|it| it["text"] == wanted).collect();
    assert_eq!(found.len(), many, "{recorded:#?}");
    assert!(
        found.iter().all(|it| it["rows"]["value"] == of_each),
        "{found:?}"
    );
    let alters = |it: &&Value| text(&it["text"]).contains("ALTER TABLE shop.orders ADD COLUMN tax");
    let altered = recorded.iter().find(alters).expect("the column is added");
    assert_eq!(
        altered["locks"][0]["mode"], "AccessExclusiveLock",
        "{altered}"
    );
    let files = waiting["change"]["files"].as_array().expect("files");
    assert_eq!(files.len(), tool.files(0.0).len(), "{files:?}");
    let sealed = world.approve(&waiting, "SG2").expect(0).json();
    assert!(text(&sealed["result"]).ends_with("_PASS"), "{sealed}");
    world
        .drygate(&["verify", text(&sealed["run_id"])])
        .expect(0);
}

#[rstest]
#[case(Tool::Sqitch)]
#[case(Tool::Alembic)]
#[case(Tool::Psycopg)]
#[case(Tool::Django)]
fn a_lock_of_a_tool_that_is_held_too_long_fails_g3_with_statement_and_seconds(#[case] tool: Tool) {
    if !tool.on_this_machine() {
        return;
    }
    let world = world(
        &tool.command(),
        &tool.files(1.5),
        "locks = { held_ms_max = 1000 }\n",
    );
    let waiting = world.to_sg2();
    let sealed = world.approve(&waiting, "SG2").expect(9).json();
    let check = last_check(&world.workspace, &sealed, "change_locks");
    assert_eq!(check["verdict"], "FAIL");
    let says = text(&check["says"]);
    let named = [
        "shop.orders: AccessExclusiveLock held #1.",
        " s here, at most 1000 ms are allowed, by statement ",
        "ALTER TABLE shop.orders ADD COLUMN tax",
    ];
    assert!(named.iter().all(|part| says.contains(part)), "{says}");
}

#[test]
fn a_script_of_the_team_passes_and_its_guard_is_the_checks_alone() {
    let world = world(SCRIPT, &script(UPDATE), "");
    let waiting = world.to_sg2();
    let by_trigger = ("shop.order_log".to_owned(), [10, 0, 0]);
    let updated = ("shop.orders".to_owned(), [0, 10, 0]);
    assert_eq!(rows(&waiting), [by_trigger, updated]);
    let command = &waiting["change"]["command"];
    assert_eq!(
        command["run"],
        serde_json::json!(["./migrate.sh", "{user}"])
    );
    let sealed = world.approve(&waiting, "SG2").expect(0).json();
    let run = text(&sealed["run_id"]);
    world.drygate(&["verify", run]).expect(0);
    let refused = world.drygate(&["guard", run]).expect(64);
    assert!(
        refused
            .stderr
            .contains("./migrate.sh '{user}' carries the change out")
            || refused
                .stderr
                .contains("./migrate.sh {user} carries the change out"),
        "{refused:?}"
    );
    let place = world.workspace.place().join("approved");
    let place_name = place.to_str().expect("UTF-8");
    let other = world.workspace.place().join("db/sql/change.sql");
    fs::write(&other, "DELETE FROM shop.orders;\n").expect("our own file");
    world
        .drygate(&["guard", run, "--files", place_name])
        .expect(0);
    let written = fs::read_to_string(place.join("sql/change.sql")).expect("a file");
    assert_eq!(
        written, UPDATE,
        "what was approved, not what lies there now"
    );
    world
        .drygate(&["guard", run, "--files", place_name])
        .expect(74);
    let parts = world.drygate(&["guard", run, "--parts"]).expect(0);
    assert!(
        parts.stdout.contains("The script is NOT bound") && !parts.stdout.contains("ON_ERROR_STOP"),
        "{parts:?}"
    );
}

#[test]
fn the_list_of_runs_alone_answers_an_auditor() {
    let command = format!("{SCRIPT}environment = {{ TEAM_TOKEN = \"only for the program\" }}\n");
    let files = script(UPDATE);
    let world = world(&command, &files, "");
    let waiting = world.to_sg2();
    world.approve(&waiting, "SG2").expect(0);
    let run = text(&waiting["run_id"]);
    let workspace = &world.workspace;
    let carried = (workspace.cluster).query("shop_owner", &workspace.database, UPDATE);
    carried.expect("the real change");
    world
        .drygate(&["recheck", run, "--after", "--headless"])
        .expect(0);

    let answer = world.drygate(&["runs", "--json"]).expect(0);
    assert!(
        !answer.stdout.contains("only for the program"),
        "{answer:?}"
    );
    let listed = answer.json();
    let found = &listed["runs"][0];
    let me = &found["started_by"];
    assert!(me.is_string(), "who asked: {found}");
    let approvals = found["approvals"].as_array().expect("approvals").iter();
    let approved = approvals.map(|it| (&it["gate"], &it["by"], it["at"].is_string()));
    let approved: Vec<_> = approved.collect();
    let gates = ["SG1", "SG2"].map(Value::from);
    assert_eq!(approved, [(&gates[0], me, true), (&gates[1], me, true)]);
    let place = workspace.place().join("db");
    let scripts = files.iter().map(|(name, text)| {
        let path = place.join(name);
        serde_json::json!({"path": path, "sha256": Digest::of(text)})
    });
    assert_eq!(found["change"], scripts.collect::<Value>());
    let command = serde_json::json!({
        "run": ["./migrate.sh", "{user}"], "directory": place, "environment": ["TEAM_TOKEN"],
    });
    assert_eq!(found["change_command"], command);
    assert_eq!(found["carried_out"], "came_true");
}

#[rstest]
#[case::changed("sql/change.sql", "change.sql/change.sql")]
#[case::new("sql/another.sql", "change.sql/another.sql")]
fn a_file_of_the_directory_that_changes_or_comes_is_drift(#[case] name: &str, #[case] key: &str) {
    let world = world(SCRIPT, &script(UPDATE), "");
    let waiting = world.to_sg2();
    let path = world.workspace.place().join("db").join(name);
    fs::write(path, "DELETE FROM shop.orders;\n").expect("a file");
    let drifted = world.approve(&waiting, "SG2").expect(4).json();
    let drift = drifted["drift"].as_array().expect("a list");
    assert_eq!(drift.len(), 1, "{drift:?}");
    assert_eq!(drift[0]["key"], key, "{drift:?}");
    world
        .drygate(&["verify", text(&drifted["run_id"])])
        .expect(0);
}

#[test]
fn each_run_of_it_begins_with_the_files_as_they_were_approved() {
    // What the first run leaves behind would fail the second one.
    let mut files = script(UPDATE);
    files[0].1 = "#!/bin/sh\nset -eu\n[ ! -e left ]\ntouch left sql/left\npsql -X -q -v ON_ERROR_STOP=1 -f sql/change.sql\nrm sql/change.sql\n".to_owned();
    let waiting = world(SCRIPT, &files, "").to_sg2();
    assert_eq!(
        waiting["change"]["rehearsed"]["script"]["succeeded"], true,
        "{waiting}"
    );
}

#[rstest]
#[case::statement(
    "UPDATE shop.orders SET no_such_column = 1;\n",
    "ERROR:  column \"no_such_column\" of relation \"orders\" does not exist",
    Some("UPDATE shop.orders SET no_such_column = 1;")
)]
#[case::words_of_its_own(
    "\\! echo 'the plan is out of date' >&2\n\\q 3\n",
    "the plan is out of date",
    None
)]
fn what_fails_is_named(#[case] sql: &str, #[case] error: &str, #[case] statement: Option<&str>) {
    let mut files = script(sql);
    if statement.is_none() {
        files[0].1 = "#!/bin/sh\necho 'the plan is out of date' >&2\nexit 3\n".to_owned();
    }
    let waiting = world(SCRIPT, &files, "").to_sg2();
    let end = &waiting["change"]["rehearsed"]["script"];
    assert_eq!(end["succeeded"], false);
    assert_eq!(text(&end["error"]), error);
    assert_eq!(end["statement"].as_str(), statement);
}

#[test]
fn a_program_that_is_not_there_and_a_socket_beside_programs_are_not_checked() {
    let place = tempfile::tempdir().expect("a directory");
    let programs = place.path().join("venv");
    fs::create_dir_all(programs.join("bin")).expect("a directory");
    for path in [place.path(), &programs, &programs.join("bin")] {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(path, open).expect("our own directory");
    }
    std::os::unix::fs::symlink("/elsewhere/python3", programs.join("bin/python3")).expect("a link");
    let command = format!("run = [\"no-such-program\"]\nprograms = [{programs:?}]\n");
    let world = world(&command, &script(UPDATE), "");
    let says = |world: &ChangedWorkspace| {
        let waiting = world.run().expect(3).json();
        waiting["cannot_pass"].to_string()
    };
    let missing = says(&world);
    let named = [
        "no-such-program cannot be run in the shadow",
        "leads to /elsewhere/python3, which is not below [change.command] programs",
    ];
    assert!(named.iter().all(|part| missing.contains(part)), "{missing}");
    let _listens = UnixListener::bind(programs.join("agent")).expect("a socket");
    let open = says(&world);
    assert!(
        open.contains("this does not hold: no socket and no device is below"),
        "{open}"
    );
}

#[test]
fn rehearse_takes_the_change_of_the_profile() {
    let world = world(SCRIPT, &script(UPDATE), "");
    let profile = world.begins()[4].clone();
    let url = world.workspace.url();
    let answer = world.drygate(&[
        "rehearse",
        "--profile",
        &profile,
        "--database-url",
        &url,
        "--json",
    ]);
    let document = answer.expect(0).json();
    assert_eq!(document["command"]["directory"], "db");
    assert_eq!(document["role"], "shop_owner");
    assert_eq!(
        document["files"].as_array().map(Vec::len),
        Some(2),
        "{}",
        document["files"]
    );
    let comment = world.drygate(&[
        "rehearse",
        "--profile",
        &profile,
        "--database-url",
        &url,
        "--markdown",
    ]);
    let comment = comment.expect(0).stdout;
    assert!(
        comment.contains("rehearsal of `./migrate.sh {user}` in `db` as `shop_owner`"),
        "{comment}"
    );
}
