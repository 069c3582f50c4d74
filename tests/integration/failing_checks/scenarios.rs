//! The worlds in which checks fail: each is a run of the real program on a real server, and gives the checks that it recorded.

use std::fs;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use drygate::postgres::throwaway::Scenario;
use drygate::survey::Digest;
use serde_json::{Value, json};

use crate::support::forging::rewrite;
use crate::support::pooler::{Pooler, Replaced, pool};
use crate::support::pty::Launch;
use crate::support::server::{Answer, READER, Workspace, approval, finish, text};

/// A headless run with this profile.
fn run_with(workspace: &Workspace, edit: impl Fn(&str) -> String) -> Answer {
    let profile = workspace.profile("edited.toml", |text| {
        let edited = edit(text);
        assert_ne!(edited, text, "the edit finds its place");
        edited
    });
    let url = workspace.url();
    let words = ["run", "--headless", "--json", "--database-url", &url];
    workspace.drygate(&[&words[..], &["--profile", &profile]].concat())
}

/// The checks that a run recorded, in the order of its journal.
fn checks(workspace: &Workspace, document: &Value) -> Vec<Value> {
    let recorded = workspace.events(document, "check_recorded");
    recorded
        .into_iter()
        .map(|event| event["check"].clone())
        .collect()
}

/// The checks of a run that is sealed, and that `verify` agrees with.
#[track_caller]
fn sealed(workspace: &Workspace, document: &Value) -> Vec<Value> {
    let verified = workspace.drygate(&["verify", text(&document["run_id"])]);
    verified.expect(0);
    checks(workspace, document)
}

pub fn an_ssot_document_that_is_gone_fails_g0() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let failed = run_with(&workspace, |profile| {
        let gone = "[[ssot]]\nname = \"gone\"\npath = \"gone.md\"\n\n[[ssot]]\n";
        profile.replacen("[[ssot]]\n", gone, 1)
    });
    sealed(&workspace, &failed.expect(9).json())
}

pub fn a_rejected_run_without_a_repository_leaves_checks_open() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let url = workspace.url();
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let mut command = workspace.command(&run);
    command.current_dir(workspace.place());
    let waiting = finish(command.spawn().expect("it starts")).expect(3).json();
    let reject = ["reject", text(&waiting["run_id"]), "SG1", "--reason", "no"];
    workspace.drygate(&reject).expect(5);
    sealed(&workspace, &waiting)
}

pub fn a_primary_where_a_standby_is_required_cannot_be_surveyed() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let failed = run_with(&workspace, |profile| {
        profile.replacen("[target]\n", "[target]\nrequire_standby = true\n", 1)
    });
    sealed(&workspace, &failed.expect(9).json())
}

/// Units and functions go, a secret and a privilege come; a function that the profile lets run takes a lock that outlives it.
const OTHER_DATABASE: &str = "
TRUNCATE public.information_unit, public.unit_version, public.lifecycle_log;
DROP FUNCTION public.fn_iu_enact(text, text);
UPDATE public.source_document SET title = 'password=s3cret' WHERE id = 'SRC-ICX-TERMS';
GRANT INSERT ON public.unit_version TO context_pack_readonly;
CREATE FUNCTION public.trap() RETURNS text LANGUAGE sql AS 'SELECT ''0''';
CREATE FUNCTION public.grab() RETURNS text LANGUAGE sql AS 'SELECT pg_catalog.pg_advisory_lock(7)::text';
";

pub fn a_database_that_is_not_as_the_profile_says_fails_g1() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    workspace
        .cluster
        .load(&workspace.database, OTHER_DATABASE)
        .expect("a superuser may");
    let fact = |key: &str, sql: &str| {
        format!(
            "[[facts]]\nkey = \"{key}\"\nlabel = \"{key}\"\ntype = \"text\"\nsql = \"{sql}\"\n\n"
        )
    };
    let facts = [
        fact("trapped", "SELECT public.trap()"),
        fact("grabbed", "SELECT public.grab()"),
        fact("absent", "SELECT count(*)::text FROM public.nowhere"),
    ]
    .concat();
    let failed = run_with(&workspace, |profile| {
        let profile = profile
            .replacen(
                "expected_role = \"context_pack_readonly\"",
                "expected_role = \"somebody_else\"",
                1,
            )
            .replacen(
                "label = \"ICX-CONST total\"",
                "label = \"ICX-CONST total\"\nexpect = \"60\"",
                1,
            )
            .replacen(
                "name = \"fn_iu_enact\"",
                "name = \"fn_iu_enact\"\nexpect = \"6ca9bc39e2d2be93dd8a71739fa80dc4\"",
                1,
            )
            .replacen("[[functions]]\n", &format!("{facts}[[functions]]\n"), 1);
        format!("{profile}\n[role]\nfunctions = [\"public.grab\"]\n")
    });
    let failed = failed.expect(10).json();
    assert_eq!(failed["stop_code"], "STOP_MUTATION_SUSPECTED");
    sealed(&workspace, &failed)
}

/// The last answers come from a session that nobody opened, on a server that is too old.
const OTHER_SESSION: Replaced = &[
    (
        "pg_catalog.current_setting('transaction_read_only'),\n       pg_catalog.current_setting('transaction_isolation'),\n       \
         pg_catalog.current_setting('search_path'),\n       pg_catalog.current_setting('row_security'),",
        "'off', 'read committed', 'public', 'on',",
    ),
    (
        "pg_catalog.current_setting('server_version_num')",
        "'120022'",
    ),
];

pub fn a_pooler_that_answers_from_another_session_fails_g1() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let host = workspace.place().join("pooler");
    fs::create_dir(&host).expect("a new directory");
    pool(&workspace.cluster, &host, Pooler::Replaces(OTHER_SESSION));
    let (host, database) = (host.display(), &workspace.database);
    let url = format!("postgresql:///{database}?host={host}&port=5432&user={READER}");
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let failed = workspace.drygate(&run).expect(10).json();
    sealed(&workspace, &failed)
}

pub fn more_rows_than_can_be_counted_fail_g2() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let failed = run_with(&workspace, |profile| {
        let log = "{ table = \"lifecycle_log\", insert = 1 }";
        let most = format!("{{ table = \"lifecycle_log\", insert = {} }}", i64::MAX);
        profile.replacen(log, &most, 1)
    });
    sealed(&workspace, &failed.expect(9).json())
}

/// One unit is not as its piece, one has none.
const OTHER_UNITS: &str = "
UPDATE public.unit_version SET content = content || ' ' WHERE unit_id = 'ICX-CONST-0017' AND is_current;
INSERT INTO public.information_unit SELECT 'ICX-CONST-0099', collection, source_version_id, title, state, updated_at
  FROM public.information_unit WHERE id = 'ICX-CONST-0001';
";

pub fn units_that_are_not_as_their_source_fail_g3() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    workspace
        .cluster
        .load(&workspace.database, OTHER_UNITS)
        .expect("a superuser may");
    let waiting = run_with(&workspace, |profile| {
        let named = "[[facts]]\nkey = \"named\"\nlabel = \"named\"\ntype = \"text\"\n\
                     sql = \"SELECT 'fn_iu_enact(text, text)'::text\"\n\n[[functions]]\n";
        let excluded = "\n[[out_of_scope]]\ncheck = \"audit_holds_at_pin\"\nreason = \"to see what G6 finds\"\n";
        profile.replacen("[[functions]]\n", named, 1) + excluded
    });
    let second = workspace.approve(&waiting.expect(3).json(), "SG1");
    let last = workspace.approve(&second.expect(3).json(), "SG2");
    sealed(&workspace, &last.expect(9).json())
}

pub fn a_journal_rewritten_while_the_run_waits_fails_what_it_contradicts() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let second = workspace.run_to_sg2();
    rewrite(&workspace.run_dir(&second), |line| {
        let record: Value = serde_json::from_str(line).expect("an object");
        let step = record["step"].as_str();
        match (text(&record["event"]), step) {
            ("run_created", _) => line.replace("StubSigning", "RealCrypto"),
            ("effect_predicted", _) => line
                .replacen(
                    "\"would_insert\":{\"value\":0",
                    "\"would_insert\":{\"value\":1",
                    1,
                )
                .replacen(
                    "\"would_enact\":{\"value\":60",
                    "\"would_enact\":{\"value\":59",
                    1,
                ),
            ("units_progressed", Some("cut")) => line.replacen("\"rows\":60", "\"rows\":59", 1),
            _ => line.to_owned(),
        }
    });
    let ended = workspace.approve(&second, "SG2").expect(9).json();
    // What was rewritten contradicts the rest for ever.
    let verified = workspace.drygate(&["verify", text(&ended["run_id"])]);
    verified.expect(7);
    checks(&workspace, &ended)
}

pub fn a_journal_edited_under_its_holder_fails_g4() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let url = workspace.url();
    let screen = Launch::drygate(["run", "--database-url", &url, "--live-interval", "0"])
        .env("DRYGATE_DATA_DIR", workspace.data())
        .env("HOME", workspace.place().join("home"))
        .env("TMPDIR", workspace.place())
        .cwd(&workspace.place().join("repository"))
        .size(120, 36)
        .open();
    screen.wait_for("SG1   ALLOW CUT?");
    let listed = workspace.drygate(&["runs", "--json"]).expect(0).json();
    let mut run = json!({ "run_id": listed["runs"][0]["run_id"] });
    let shown = workspace.events(&run, "stop_raised");
    run["evidence"] = shown.last().expect("it waits")["evidence"].clone();
    let second = workspace.approve(&run, "SG1").expect(3).json();
    let journal = workspace.run_dir(&run).join("journal.jsonl");
    let at = workspace
        .journal_text(&run)
        .find("O4 live")
        .expect("a title");
    let file = fs::OpenOptions::new().write(true).open(journal);
    file.expect("our own file")
        .write_all_at(b"o4", at as u64)
        .expect("written");
    let ended = workspace.drygate(&approval(&second, "SG2"));
    assert_ne!(ended.code, 0, "{ended:?}");
    checks(&workspace, &run)
}

/// Somebody works on after the last approval.
const DISTURBANCE: &str = "
UPDATE public.source_document SET title = 'password=s3cret' WHERE id = 'SRC-ICX-TERMS';
";

pub fn a_world_that_changes_after_the_last_approval_fails_g4_to_g6() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let last = workspace.run_to_the_end().expect(0).json();
    workspace.cut_back(&last, |record| record["to"] == "enact_simulated");
    workspace.sql(DISTURBANCE);
    let repository = workspace.place().join("repository");
    let tag = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["tag", "v9"])
        .status();
    assert!(tag.expect("git runs").success());
    let run = workspace.run_dir(&last);
    let context = fs::read_to_string(run.join("context.json")).expect("it was written");
    let enabled = context.replacen(
        "\"execution_enabled\": false",
        "\"execution_enabled\": true",
        1,
    );
    assert_ne!(enabled, context, "it has the kill switch");
    fs::write(run.join("context.json"), enabled).expect("our own file");
    let pin = workspace.events(&last, "survey_taken")[0]["survey"].clone();
    let facts = pin["facts"].as_array().expect("facts").iter();
    let mut grants = facts.filter(|fact| fact["key"] == "grant_matrix_sha");
    let grants = &grants.next().expect("a fact")["document"]["sha256"];
    fs::remove_file(run.join("blobs").join(text(grants))).expect("our own file");
    let ended = workspace.resume(&last).expect(9).json();
    checks(&workspace, &ended)
}

pub fn a_program_replaced_between_two_approvals_fails_g6() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let second = workspace.run_to_sg2();
    let program = workspace.place().join("drygate");
    let mut bytes = fs::read(env!("CARGO_BIN_EXE_drygate")).expect("the program");
    bytes.push(0);
    let other = Digest::of(&bytes).to_string();
    fs::write(&program, bytes).expect("a new file");
    fs::set_permissions(
        &program,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .expect("our own file");
    let by_program = |words: &[&str]| {
        let given = workspace.command(words);
        let mut command = Command::new(&program);
        command.args(given.get_args()).env_clear();
        for (name, value) in given.get_envs() {
            command.env(name, value.expect("set"));
        }
        command.current_dir(given.get_current_dir().expect("set"));
        let spawned = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        finish(spawned.expect("it starts"))
    };
    // A program that nobody was shown voids the approval; who approves the new evidence knows.
    by_program(&approval(&second, "SG2")).expect(4);
    let resume = ["resume", text(&second["run_id"]), "--headless", "--json"];
    let renewed = by_program(&resume).expect(3).json();
    let again = by_program(&approval(&renewed, "SG1")).expect(3).json();
    by_program(&approval(&again, "SG2")).expect(9);
    let resumed = workspace.events(&second, "run_resumed");
    let tool = &resumed.last().expect("it was taken up")["tool"];
    assert_eq!(tool["binary_sha256"], other.as_str());
    sealed(&workspace, &second)
}

pub fn a_profile_checked_without_a_database_leaves_that_open() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let profile = workspace.profile("writes.toml", |profile| {
        profile.replacen(
            "SELECT count(*)::text FROM public.information_unit",
            "DELETE FROM public.information_unit",
            1,
        )
    });
    let checked = workspace.drygate(&["profile", "check", "--json", "--profile", &profile]);
    let checked = checked.expect(9).json();
    checked["checks"].as_array().expect("a list").clone()
}
