//! What the audit of G6 would find and what is there at G1. Invariant: it fails G1 by its place, before anybody is asked.

use std::fs;
use std::process::Command;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use crate::support::server::{Answer, Workspace, text};

/// A run with this profile.
fn run_with(workspace: &Workspace, edit: impl Fn(&str) -> String) -> Answer {
    let profile = workspace.profile("edited.toml", edit);
    let url = workspace.url();
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let answer = workspace.drygate(&[&run[..], &["--profile", &profile]].concat());
    assert!(!answer.stdout.contains("s3cret"), "it is not quoted");
    answer
}

/// It fails a gate before anybody is asked, by these words.
#[track_caller]
fn fails(workspace: &Workspace, what: &str, words: &str, edit: impl Fn(&str) -> String) {
    let answer = run_with(workspace, edit);
    assert_eq!(answer.code, 9, "{what}: {answer:?}");
    let failed = answer.json();
    let message = text(&failed["message"]);
    assert!(message.contains(words), "{what}: {message}");
    assert_eq!(
        workspace.events(&failed, "evidence_taken"),
        [] as [Value; 0]
    );
}

/// The profile is refused, and no run is made.
#[track_caller]
fn is_refused(workspace: &Workspace, what: &str, words: &str, edit: impl Fn(&str) -> String) {
    let refused = run_with(workspace, edit);
    assert_eq!(refused.code, 78, "{what}: {refused:?}");
    let message = refused.json()["message"].to_string();
    assert!(message.contains(words), "{what}: {message}");
    assert!(!workspace.data().join("runs").exists(), "{what}");
}

#[test]
fn a_secret_wherever_it_stands_at_the_pin_is_told_by_its_place_before_anybody_is_asked() {
    let workspace = Workspace::new(Scenario::Draft);
    let built_in = str::to_owned;
    is_refused(&workspace, "an SSOT text", "PGPASSWORD", |profile| {
        profile.replacen("text = \"\"\"\n", "text = \"\"\"\nPGPASSWORD=s3cret\n", 1)
    });
    let escaped = "a password, once its escapes are read";
    is_refused(&workspace, "escapes", escaped, |profile| {
        profile.replacen("lifecycle\"\n", "lifecycle, pass\\u0077ord=s3cret\"\n", 1)
    });
    let hook = "\n[hooks]\non_end = [\"./password=s3cret\"]\n";
    is_refused(&workspace, "a hook's name", "a password", |profile| {
        format!("{profile}{hook}")
    });

    fs::write(workspace.place().join("law.md"), "PGPASSWORD=s3cret\n").expect("a new file");
    let law = "G0 SSOT + repo failed: ssot_documents: law: law.md cannot be kept in the evidence";
    fails(&workspace, "an SSOT document", law, |profile| {
        let law = "[[ssot]]\nname = \"law\"\npath = \"law.md\"\n\n[[ssot]]\n";
        profile.replacen("[[ssot]]\n", law, 1)
    });
    let called = "CREATE FUNCTION public.helper() RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN 'postgres://u:s3cret@db/kb'; END$$;
        CREATE FUNCTION public.after_log() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM public.helper(); RETURN NULL; END$$;
        CREATE TRIGGER log AFTER INSERT ON public.lifecycle_log FOR EACH ROW EXECUTE FUNCTION public.after_log();";
    workspace
        .cluster
        .load(&workspace.database, called)
        .expect("a superuser may");
    fails(
        &workspace,
        "the source of a called function",
        "audit_holds_at_pin: blobs/",
        built_in,
    );
    workspace.sql("DROP TRIGGER log ON public.lifecycle_log");

    let branch = Command::new("git")
        .arg("-C")
        .arg(workspace.place().join("repository"))
        .args(["checkout", "-q", "-b", "password=s3cret"])
        .status();
    assert!(branch.expect("git runs").success());
    fails(
        &workspace,
        "a branch",
        "audit_holds_at_pin: journal.jsonl line ",
        built_in,
    );
}

#[test]
fn a_function_of_the_same_name_in_another_schema_is_no_call_of_a_pinned_one() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql("CREATE FUNCTION public.count(text) RETURNS text LANGUAGE sql AS 'SELECT $1'");
    let profile = workspace.profile("count.toml", |profile| {
        let pinned = "[[functions]]\nkey = \"fn_count\"\nlabel = \"fn_count\"\nschema = \"public\"\nname = \"count\"\n\n[grants]";
        profile
            .replacen("[grants]", pinned, 1)
            // An unqualified name could be either.
            .replace("SELECT count(*)", "SELECT pg_catalog.count(*)")
    });
    let url = workspace.url();
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let waiting = workspace.drygate(&[&run[..], &["--profile", &profile]].concat());
    let waiting = waiting.expect(3).json();
    let second = workspace.approve(&waiting, "SG1").expect(3).json();
    workspace.approve(&second, "SG2").expect(0);
}
