//! What a PASS is a PASS of: at least one declared fact, protected table or change, counted in the result line.
//! Invariant: a run of which nothing was asked is never PASS, whatever its profile excludes, and says so everywhere.

use drygate::postgres::throwaway::Scenario;
use rstest::rstest;
use serde_json::Value;

use super::support::server::{Answer, Workspace, approval, text};

/// Everything that a profile without a change must say.
const POLICY: &str = r#"schema = 1
name = "asking"
title = "What is asked"
run_prefix = "ask"
result_prefix = "ASKED"
collection = "constitution"
handover = "Nothing was run on the database."

[target]
label = "PRODUCTION"
expected_role = "context_pack_readonly"

[labels]
sg1 = "allow preparing"
sg2 = "allow the change"
"#;
const TABLE: &str = "[[contents]]\nkey = \"unit\"\nschema = \"public\"\ntable = \"information_unit\"\n\
     columns = [\"id\", \"state\"]\nrow_key = [\"id\"]\n";
const FACT: &str = "[[facts]]\nkey = \"rows\"\nlabel = \"rows\"\ntype = \"integer\"\ncount = \"public.information_unit\"\n";
const FUNCTION: &str = "[[functions]]\nkey = \"enact\"\nlabel = \"enact\"\nschema = \"public\"\nname = \"fn_iu_enact\"\n";
const GRANTS: &str = "[grants]\nkey = \"grants\"\nlabel = \"grants\"\nschemas = [\"public\"]\n";
const EXCLUDED: &str =
    "[[out_of_scope]]\ncheck = \"facts_answer\"\nreason = \"nothing to answer\"\n";

struct Ended {
    /// What the first call said of the run.
    waiting: Value,
    sealed: Value,
    /// The run as `resume` says it in text.
    said: Answer,
}

/// A run of the profile that asks this, to its end.
#[track_caller]
fn ended(workspace: &Workspace, asks: &str, code: i32) -> Ended {
    let profile = workspace.profile("asks.toml", |_| format!("{POLICY}{asks}"));
    let url = workspace.url();
    let run = ["run", "--headless", "--json", "--database-url", &url];
    let run = [&run[..], &["--profile", &profile]].concat();
    let waiting = workspace.drygate(&run).expect(3).json();
    let second = workspace.drygate(&approval(&waiting, "SG1")).expect(3);
    let sealed = workspace.drygate(&approval(&second.json(), "SG2"));
    let sealed = sealed.expect(code).json();
    let run_id = text(&sealed["run_id"]);
    let said = workspace.drygate(&["resume", run_id, "--headless"]);
    Ended {
        waiting,
        said: said.expect(code),
        sealed,
    }
}

#[rstest]
#[case::a_table(TABLE, "1 protected table asked")]
#[case::a_fact(FACT, "1 fact asked")]
#[case::a_function(FUNCTION, "1 fact asked")]
#[case::grants(GRANTS, "1 fact asked")]
fn one_thing_is_enough_and_the_result_line_counts_it(#[case] asks: &str, #[case] counted: &str) {
    let workspace = Workspace::new(Scenario::Draft);
    let ended = ended(&workspace, asks, 0);
    assert_eq!(ended.sealed["result"], "ASKED_PASS");
    let line = format!("ASKED_PASS ({counted})");
    assert!(ended.said.stdout.contains(&line), "{}", ended.said.stdout);
    let message = text(&ended.sealed["message"]);
    assert!(message.contains(counted), "{message}");
}

#[rstest]
#[case::nothing("")]
#[case::excluded(EXCLUDED)]
fn of_whom_nothing_is_asked_nothing_passes(#[case] asks: &str) {
    let workspace = Workspace::new(Scenario::Draft);
    let ended = ended(&workspace, asks, 11);
    // Before anybody approves.
    let obstacles = ended.waiting["cannot_pass"].to_string();
    assert!(obstacles.contains("nothing was asked"), "{obstacles}");
    assert!(obstacles.contains("facts = [{ key"), "{obstacles}");
    assert_eq!(ended.sealed["result"], "ASKED_INCOMPLETE");
    let message = text(&ended.sealed["message"]);
    assert!(message.contains("nothing was asked"), "{message}");
    let line = "ASKED_INCOMPLETE (nothing was asked): G1 facts_answer is NOT CHECKED";
    assert!(ended.said.stdout.contains(line), "{}", ended.said.stdout);
    let run_id = text(&ended.sealed["run_id"]);
    workspace.drygate(&["verify", run_id]).expect(0);
    let profile = workspace.profile("asks.toml", |_| format!("{POLICY}{asks}"));
    let url = workspace.url();
    for database in [&[][..], &["--database-url", &url]] {
        let check = ["profile", "check", &profile];
        let check = workspace.drygate(&[&check[..], database].concat());
        let said = check.expect(11).stdout;
        let line = "NOT CHECKED  facts_answer  nothing was asked";
        assert!(said.contains(line), "{said}");
        assert!(said.contains("facts = [{ key = \"rows\""), "{said}");
    }
}
