//! A name of a profile that is not in the database is found by `profile check`, with its line and the line to write instead.
//! Invariant: each row changes one name of the built-in profile and nothing else (`ROWS`).

use drygate::postgres::throwaway::Scenario;

use super::support::server::{Answer, Workspace};

/// What is written in the place of what, and what is said of it.
const ROWS: &[(&str, &str, &str)] = &[
    (
        r#"expected_role = "context_pack_readonly""#,
        r#"expected_role = "context_pack_readonli""#,
        r#"there is no role "context_pack_readonli": the nearest is "context_pack_readonly""#,
    ),
    (
        r#"sql = "SELECT count(*)::text FROM public.lifecycle_log""#,
        r#"count = "public.lifecycle_logs""#,
        r#"there is no table "public.lifecycle_logs": the nearest is "public.lifecycle_log": count = "\"public\".\"lifecycle_log\"""#,
    ),
    (
        r#"sql = "SELECT count(*)::text FROM public.lifecycle_log""#,
        r#"sql = "SELECT count(*)::text FROM public.lifecycle_logs""#,
        "public.lifecycle_logs",
    ),
    (
        r#"name = "fn_iu_enact""#,
        r#"name = "fn_ui_enact""#,
        r#"there is no function "fn_ui_enact": the nearest is "fn_iu_enact""#,
    ),
    (
        "schema = \"public\"\nname = \"fn_iu_enact\"",
        "schema = \"app\"\nname = \"fn_iu_enact\"",
        r#"there is no function "fn_iu_enact" in schema "app": schema = "public""#,
    ),
    (
        r#"schemas = ["public"]"#,
        r#"schemas = ["public", "pubic"]"#,
        r#"there is no schema "pubic": the nearest is "public""#,
    ),
    (
        r#"table = "source_version""#,
        r#"table = "source_versions""#,
        r#"there is no table "public.source_versions": the nearest is "public.source_version": table = "source_version""#,
    ),
    (
        "schema = \"public\"\ntable = \"source_version\"",
        "schema = \"app\"\ntable = \"source_version\"",
        r#"there is no table "app.source_version": the nearest is "public.source_version": schema = "public", table = "source_version""#,
    ),
    (
        r#"columns = ["id", "document_id", "version_no", "body""#,
        r#"columns = ["id", "document_id", "version_number", "body""#,
        r#"there is no column of public.source_version "version_number": the nearest is "version_no""#,
    ),
    (
        "columns = [\"id\", \"document_id\", \"version_no\", \"body\", \"is_current\", \"created_at\"]\nrow_key = [\"id\"]",
        "columns = [\"id\", \"document_id\", \"version_no\", \"body\", \"is_current\", \"created_at\"]\nrow_key = [\"document_id\"]",
        r#"no unique index of columns that are NOT NULL names the rows of public.source_version by "document_id": row_key = ["document_id", "version_no"]"#,
    ),
    (
        "collection = \"ICX-CONST\"",
        "collection = \"ICX-CONST\"\nrole.functions = [\"public.fn_iu_enct\"]",
        r#"there is no function "fn_iu_enct": the nearest is "fn_iu_enact""#,
    ),
    (
        r#"{ table = "information_unit", update = 1 }"#,
        r#"{ table = "information_units", update = 1 }"#,
        r#"there is no table "information_units": the nearest is "information_unit""#,
    ),
];

fn check(workspace: &Workspace, profile: &str) -> Answer {
    let url = workspace.url();
    workspace.drygate(&["profile", "check", profile, "--database-url", &url])
}

#[test]
fn a_name_that_is_not_there_is_found_with_the_line_to_write() {
    let workspace = Workspace::new(Scenario::Draft);
    let fits = check(&workspace, &workspace.profile("fits.toml", str::to_owned)).expect(0);
    let says = "PASS         names_exist  ";
    assert!(fits.stdout.contains(says), "{}", fits.stdout);
    // A name in quotes, and one with its schema, are that name.
    for written in [r#""information_unit""#, r#"public."information_unit""#] {
        let profile = workspace.profile("quoted.toml", |text| {
            text.replace(
                r#"{ table = "information_unit", update = 1 }"#,
                &format!("{{ table = '{written}', update = 1 }}"),
            )
        });
        let said = check(&workspace, &profile).stdout;
        assert!(said.contains(says), "{written}: {said}");
    }
    for (nth, (from, to, says)) in ROWS.iter().enumerate() {
        let profile = workspace.profile(&format!("wrong-{nth}.toml"), |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let said = check(&workspace, &profile).expect(9).stdout;
        assert!(said.contains(says), "{to}: {said}");
        if !to.contains("sql") {
            let text = std::fs::read_to_string(&profile).expect("our own file");
            let wrong = to.lines().last().expect("a line");
            let line = text.lines().position(|line| line.contains(wrong));
            let line = format!("line {}: ", line.expect("written") + 1);
            assert!(said.contains(&line), "{line}: {said}");
        }
    }
}

#[test]
fn a_table_that_the_role_may_not_read_comes_with_the_statement_to_run() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql("CREATE SCHEMA hidden; CREATE TABLE hidden.one (id integer PRIMARY KEY)");
    let profile = workspace.profile("hidden.toml", |text| {
        let content = "[[contents]]\nkey = \"one\"\nschema = \"hidden\"\ntable = \"one\"\ncolumns = [\"id\"]\nrow_key = [\"id\"]\n";
        text.replacen("[pieces]", &format!("{content}\n[pieces]"), 1)
    });
    let said = check(&workspace, &profile).expect(9).stdout;
    let grant = r#"GRANT USAGE ON SCHEMA "hidden" TO "context_pack_readonly"; GRANT SELECT ON "hidden"."one" TO "context_pack_readonly";"#;
    assert!(
        said.contains("context_pack_readonly may not read hidden.one"),
        "{said}"
    );
    assert!(said.contains(grant), "{said}");
    // As the statement says it.
    workspace.sql(grant);
    check(&workspace, &profile).expect(0);
}

#[test]
fn a_role_of_the_change_that_may_not_log_in_is_refused() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql("CREATE ROLE kb_keeper NOLOGIN");
    let profile = workspace.profile("change.toml", |text| {
        format!("{text}\n[change]\nrole = \"kb_keeper\"\nfiles = [\"change.sql\"]\n")
    });
    std::fs::write(workspace.place().join("change.sql"), "SELECT 1;").expect("our own");
    let said = check(&workspace, &profile).expect(9).stdout;
    let says = r#"role kb_keeper may not log in, so psql cannot run the change as it: name the role that logs in, and let the change begin with SET ROLE "kb_keeper""#;
    assert!(said.contains(says), "{said}");
    workspace.sql("ALTER ROLE kb_keeper LOGIN");
    check(&workspace, &profile).expect(0);
}

#[test]
fn a_table_that_the_change_could_make_is_not_judged() {
    let workspace = Workspace::new(Scenario::Draft);
    let checked = |table: &str, code: i32| {
        let profile = workspace.profile("change.toml", |text| {
            let change = format!(
                "[change]\nrole = \"context_pack_readonly\"\nfiles = [\"change.sql\"]\nexpect = [{{ table = \"{table}\", insert = 1 }}]\n"
            );
            format!("{text}\n{change}")
        });
        std::fs::write(workspace.place().join("change.sql"), "SELECT 1;").expect("our own");
        check(&workspace, &profile).expect(code).stdout
    };
    let said = checked("public.lifecycle_logs", 11);
    assert!(said.contains("NOT CHECKED  names_exist"), "{said}");
    assert!(
        said.contains(r#"the nearest is "public.lifecycle_log""#),
        "{said}"
    );
    let said = checked("public.something_else", 0);
    assert!(said.contains("PASS         names_exist"), "{said}");
}
