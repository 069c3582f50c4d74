//! Errors of the server in the SQL of a profile: a fact that cannot be read is a failed check or drift, never a mutation of ours.
//! Invariant: whatever query fails, our transaction is measured to its end, the run stops with one code, and `verify` agrees.

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use super::support::server::{Answer, Workspace, text};

const UNITS: &str = "SELECT u.id AS key, v.content, u.state";

fn run_with(workspace: &Workspace, edit: impl Fn(&str) -> String) -> Answer {
    let profile = workspace.profile("edited.toml", |text| {
        let edited = edit(text);
        assert_ne!(edited, text, "the edit finds its place");
        edited
    });
    let url = workspace.url();
    workspace.drygate(&[
        "run",
        "--headless",
        "--json",
        "--profile",
        &profile,
        "--database-url",
        &url,
    ])
}

/// The stop codes of a run, each once, but for the question of a gate.
fn stop_codes(workspace: &Workspace, document: &Value) -> Vec<String> {
    let raised = workspace.events(document, "stop_raised");
    let mut codes: Vec<String> = raised
        .iter()
        .map(|stop| text(&stop["stop_code"]).to_owned())
        .filter(|code| code != "STOP_APPROVAL_REQUIRED")
        .collect();
    codes.dedup();
    codes
}

#[track_caller]
fn assert_no_mutation(workspace: &Workspace, document: &Value) {
    for closed in workspace.events(document, "transaction_closed") {
        assert_eq!(closed["proof"]["rows_written"], 0, "{closed}");
        assert_eq!(closed["proof"]["ended_by"], "ROLLBACK", "{closed}");
    }
    let claim = &document["non_mutation"]["claims"]["A"]["verdict"];
    assert!(claim.is_null() || claim == "HOLDS", "{document}");
    workspace
        .drygate(&["verify", text(&document["run_id"])])
        .expect(0);
}

/// The change of one key among `drift[]`.
#[track_caller]
fn drift<'d>(document: &'d Value, key: &str) -> &'d Value {
    let drift = document["drift"].as_array().expect("a list");
    let found = drift.iter().find(|change| change["key"] == key);
    found.unwrap_or_else(|| panic!("{key} is no drift: {document}"))
}

#[test]
fn an_error_while_the_streams_are_read_fails_g1_by_query_and_words() {
    let workspace = Workspace::new(Scenario::Draft);
    let division = "SELECT u.id AS key, (1 / (length(v.content) - length(v.content)))::text AS content, u.state";
    let cast = "SELECT u.id AS key, v.content::integer::text AS content, u.state";
    let bytes = "SELECT u.id AS key, convert_from('\\xff'::bytea, 'UTF8') AS content, u.state";
    let null = "SELECT u.id AS key, v.content, NULL::text AS state";
    let disorder = "ORDER BY u.id COLLATE \"C\" DESC";
    let cases: [(&str, &str, &str); 5] = [
        (UNITS, division, "live units: 22012 division by zero"),
        (UNITS, cast, "live units: 22P02 invalid input syntax"),
        (UNITS, bytes, "live units: 22021 invalid byte sequence"),
        (UNITS, null, "live units: a key or a state is NULL"),
        ("ORDER BY u.id COLLATE \"C\"", disorder, "live units: "),
    ];
    for (from, to, says) in cases {
        let failed = run_with(&workspace, |profile| profile.replacen(from, to, 1)).expect(9);
        let failed = failed.json();
        let message = text(&failed["message"]);
        assert!(message.contains(says), "{says}: {message}");
        assert!(failed["result"].as_str().is_some(), "sealed: {failed}");
        assert_eq!(
            stop_codes(&workspace, &failed),
            ["STOP_GATE_FAILED"],
            "{says}"
        );
        assert_no_mutation(&workspace, &failed);
    }
}

#[test]
fn a_missing_grant_fails_g1_and_is_drift_while_a_person_is_asked() {
    let workspace = Workspace::new(Scenario::Draft);
    let waiting = workspace.run().expect(3).json();
    workspace.sql("REVOKE SELECT ON public.source_document FROM context_pack_readonly");
    let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
    assert_eq!(drifted["stop_code"], "STOP_FACTS_DRIFTED");
    for key in ["pieces", "source_document"] {
        let change = drift(&drifted, key);
        assert_eq!(change["found"], Value::Null);
        let reason = text(&change["reason"]);
        assert!(reason.contains("42501 permission denied"), "{reason}");
        let message = text(&drifted["message"]);
        assert!(message.contains(reason), "{message}");
    }
    assert_no_mutation(&workspace, &drifted);
    let failed = workspace.resume(&drifted).expect(9).json();
    let message = text(&failed["message"]);
    assert!(
        message.contains("source pieces: 42501 permission denied"),
        "{message}"
    );
    assert_eq!(
        stop_codes(&workspace, &failed),
        ["STOP_FACTS_DRIFTED", "STOP_GATE_FAILED"]
    );
    assert_no_mutation(&workspace, &failed);
}

/// Units in the order of a table that somebody can turn round.
const RANKS: &str = "
CREATE TABLE public.ranks AS SELECT id, row_number() OVER (ORDER BY id) AS rank FROM public.information_unit;
GRANT SELECT ON public.ranks TO context_pack_readonly;
";

#[test]
fn an_order_that_breaks_while_a_person_is_asked_is_drift_and_then_fails_g1() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace
        .cluster
        .load(&workspace.database, RANKS)
        .expect("a superuser may");
    let ranked = "ORDER BY (SELECT r.rank FROM public.ranks r WHERE r.id = u.id)";
    let waiting = run_with(&workspace, |profile| {
        profile.replacen("ORDER BY u.id COLLATE \"C\"", ranked, 1)
    });
    let waiting = waiting.expect(3).json();
    let second = workspace.approve(&waiting, "SG1").expect(3).json();
    workspace.sql("UPDATE public.ranks SET rank = -rank");
    let drifted = workspace.approve(&second, "SG2").expect(4).json();
    let change = drift(&drifted, "candidates");
    assert_eq!(change["found"], Value::Null, "{change}");
    let reason = text(&change["reason"]);
    assert!(reason.contains("are not in key order"), "{reason}");
    assert!(text(&drifted["message"]).contains(reason), "{drifted}");
    let failed = workspace.resume(&drifted).expect(9).json();
    let message = text(&failed["message"]);
    assert!(
        message.contains("live units: live units are not in key order"),
        "{message}"
    );
    assert!(failed["result"].as_str().is_some(), "sealed: {failed}");
    let codes = stop_codes(&workspace, &failed);
    assert_eq!(codes, ["STOP_FACTS_DRIFTED", "STOP_GATE_FAILED"]);
    assert_no_mutation(&workspace, &failed);
}

#[test]
fn a_stream_that_fails_at_closeout_leaves_claim_b_not_checked() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace
        .sql("CREATE TABLE public.switch (id integer); GRANT SELECT ON public.switch TO PUBLIC");
    let switched = "SELECT u.id AS key, v.content || left((SELECT 1 / (1 - count(*)) FROM public.switch)::text, 0) AS content, u.state";
    let waiting = run_with(&workspace, |profile| profile.replacen(UNITS, switched, 1)).expect(3);
    let second = workspace.approve(&waiting.json(), "SG1").expect(3).json();
    let last = workspace.approve(&second, "SG2").expect(0).json();
    workspace.cut_back(&last, |record| {
        record["event"] == "state_changed" && record["to"] == "enact_simulated"
    });
    workspace.sql("INSERT INTO public.switch VALUES (1)");
    let ended = workspace.resume(&last).expect(11).json();
    let claims = &ended["non_mutation"]["claims"];
    assert_eq!(claims["A"]["verdict"], "HOLDS", "{claims}");
    assert_eq!(claims["B"]["verdict"], "NOT CHECKED", "{claims}");
    let measured = text(&claims["B"]["measured"]);
    assert!(measured.contains("post live_units (22012"), "{measured}");
    let reason = &drift(&ended, "candidates")["reason"];
    assert_eq!(reason, "22012 division by zero");
    assert_no_mutation(&workspace, &ended);
    // A difference beside it that is known is one all the same.
    workspace.cut_back(&ended, |record| {
        record["event"] == "state_changed" && record["to"] == "enact_simulated"
    });
    workspace
        .sql("UPDATE public.information_unit SET state = 'enacted' WHERE id = 'ICX-CONST-0042'");
    let changed = workspace.resume(&last).expect(4).json();
    assert_eq!(drift(&changed, "icx_draft")["found"], "59");
    assert_eq!(drift(&changed, "candidates")["found"], Value::Null);
    assert_no_mutation(&workspace, &changed);
}

#[test]
fn functions_that_the_role_may_not_call_leave_claim_a_not_checked() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql("REVOKE EXECUTE ON FUNCTION pg_catalog.pg_prepared_xact() FROM PUBLIC");
    let waiting = workspace.run().expect(3).json();
    let closed = &workspace.events(&waiting, "transaction_closed")[0]["proof"];
    assert_eq!(closed["residue"], Value::Null, "{closed}");
    let unmeasured = closed["unmeasured"][0].as_str().expect("named");
    assert!(
        unmeasured.contains("42501 permission denied"),
        "{unmeasured}"
    );
    let second = workspace.approve(&waiting, "SG1").expect(3).json();
    let ended = workspace.approve(&second, "SG2").expect(11).json();
    let claim = &ended["non_mutation"]["claims"]["A"];
    assert_eq!(claim["verdict"], "NOT CHECKED", "{claim}");
    workspace
        .drygate(&["verify", text(&ended["run_id"])])
        .expect(0);
}

#[test]
fn a_session_that_cannot_be_opened_is_a_failed_check_and_no_mutation() {
    let workspace = Workspace::new(Scenario::Draft);
    workspace.sql("REVOKE EXECUTE ON FUNCTION pg_catalog.pg_current_snapshot() FROM PUBLIC");
    let failed = workspace.run().expect(9).json();
    let message = text(&failed["message"]);
    assert!(message.contains("42501 permission denied"), "{message}");
    assert_eq!(stop_codes(&workspace, &failed), ["STOP_GATE_FAILED"]);
    let claim = &failed["non_mutation"]["claims"]["A"]["verdict"];
    assert_eq!(claim, "NOT CHECKED");
    let journal = workspace.journal_text(&failed);
    assert!(!journal.contains(&u64::MAX.to_string()), "{journal}");
    workspace
        .drygate(&["verify", text(&failed["run_id"])])
        .expect(0);
}

#[test]
fn names_of_the_profile_that_do_not_exist_fail_g1_and_are_drift_once_dropped() {
    let workspace = Workspace::new(Scenario::Draft);
    let absent = [
        (
            "schemas = [\"public\"]",
            "schemas = [\"public\", \"No Such\"]",
            "grant_matrix_sha: schema No Such does not exist",
        ),
        (
            "name = \"fn_iu_enact\"",
            "name = \"fn_gone\"",
            "fn_iu_enact_md5: public.fn_gone does not exist",
        ),
        (
            "table = \"lifecycle_log\"",
            "table = \"log_gone\"",
            "\"public.log_gone\" does not exist",
        ),
    ];
    for (from, to, says) in absent {
        let failed = run_with(&workspace, |profile| profile.replacen(from, to, 1)).expect(9);
        let failed = failed.json();
        let message = text(&failed["message"]);
        assert!(message.contains(says), "{says}: {message}");
        assert_no_mutation(&workspace, &failed);
    }
    workspace.sql("CREATE SCHEMA \"Later gone\"");
    let scope = "schemas = [\"public\", \"Later gone\"]";
    let waiting = run_with(&workspace, |profile| {
        profile.replacen("schemas = [\"public\"]", scope, 1)
    });
    let waiting = waiting.expect(3).json();
    workspace.sql("DROP SCHEMA \"Later gone\"");
    let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
    let reason = &drift(&drifted, "grant_matrix_sha")["reason"];
    assert_eq!(reason, "schema Later gone does not exist");
    assert!(text(&drifted["message"]).contains("schema Later gone does not exist"));
}
