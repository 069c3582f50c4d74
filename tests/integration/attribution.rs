//! Whoever else changes the database during a run is found, with rows, transactions, times and sessions.
//! Invariant: what is attributed is recorded in the journal and holds when it is verified.

use drygate::postgres::throwaway::{ClusterOptions, Scenario};
use serde_json::Value;

use crate::support::rehearsed::{DB, Rehearsed, texts};

/// A change that keeps every count, and the fact and row that must name it.
const CHANGES: [(&str, &str, &str); 4] = [
    (
        "UPDATE public.unit_version SET content = upper(content) WHERE unit_id = 'ICX-CONST-0017'",
        "unit_version",
        "ICX-CONST-0017/1",
    ),
    (
        "GRANT SELECT ON public.lifecycle_log TO kb_owner; GRANT SELECT (id) ON public.unit_version TO PUBLIC",
        "grant_matrix_sha",
        "column public.unit_version.id PUBLIC SELECT",
    ),
    (
        "DO $do$ BEGIN EXECUTE replace(pg_get_functiondef('public.fn_iu_enact'::regproc), 'needs a reason', 'wants a reason'); END $do$",
        "fn_iu_enact_md5",
        "public.fn_iu_enact(p_unit text, p_reason text)",
    ),
    (
        "INSERT INTO public.lifecycle_log SELECT unit_id || '/9', unit_id, 9, from_state, to_state, actor, reason, occurred_at
           FROM public.lifecycle_log WHERE unit_id = 'ICX-CONST-0001';
         DELETE FROM public.lifecycle_log WHERE unit_id = 'ICX-CONST-0002'",
        "lifecycle_log",
        "ICX-CONST-0001/9",
    ),
];

#[test]
fn every_change_of_another_session_is_found_and_attributed() {
    let options = ClusterOptions {
        settings: vec![("track_commit_timestamp".to_owned(), "on".to_owned())],
        ..ClusterOptions::default()
    };
    let mut rehearsed = Rehearsed::server_with(Scenario::Enacted, &options);
    let asked = rehearsed.begin(3);
    let mut xids = Vec::new();
    for (sql, ..) in CHANGES {
        let sql = format!("BEGIN; {sql}; SELECT pg_current_xact_id()::text; COMMIT");
        let rows = rehearsed
            .cluster
            .query("postgres", DB, &sql)
            .expect("a superuser may");
        let xid = rows.into_iter().flatten().next_back().flatten();
        xids.push(xid.expect("an id"));
    }
    let drifted = rehearsed.approve("SG1", &asked, 4);
    assert_eq!(drifted["stop_code"], "STOP_FACTS_DRIFTED");
    let sentence = drifted["message"].as_str().expect("a sentence");
    assert!(sentence.contains("By transactions"), "{sentence}");

    let journal = rehearsed.journal();
    let found = journal
        .iter()
        .find(|event| event["event"] == "changes_attributed")
        .expect("attributed");
    assert_eq!(found["commit_times"], true);
    let rows = found["rows"].as_array().expect("rows");
    for ((_, fact, name), xid) in CHANGES.iter().zip(&xids) {
        let named = |row: &&Value| row["fact"] == *fact && row["row"] == *name;
        let row = rows.iter().find(named);
        let row = row.unwrap_or_else(|| panic!("{fact} {name}: {rows:#?}"));
        let unread = &found["unread"];
        assert_eq!(row["origin"]["xmin"], xid.as_str(), "{row} {unread}");
        assert_eq!(row["between"], true, "{row}");
        assert!(row["origin"]["committed_at"].is_string(), "{row}");
        assert!(sentence.contains(xid.as_str()), "{sentence}");
    }
    let gone = rows.iter().find(|row| row["row"] == "ICX-CONST-0002/1");
    assert_eq!(gone.expect("the deleted row")["origin"], Value::Null);

    let drift = drifted["drift"].as_array().expect("before and after");
    for (_, fact, _) in CHANGES {
        let change = drift.iter().find(|change| change["key"] == fact);
        let change = change.unwrap_or_else(|| panic!("{fact}: {drift:#?}"));
        assert_ne!(change["approved"], change["found"]);
        assert_ne!(change["rows"], serde_json::json!([]), "{change}");
    }
    let asked = rehearsed.json(&["resume", &rehearsed.run_id], 3);
    let asked = rehearsed.approve("SG1", &asked, 3);
    // The unit that was changed is no longer what its source says: VERIFY fails, and the evidence of that verifies.
    rehearsed.approve("SG2", &asked, 9);
    let verified = rehearsed.command(&["verify", "last"]);
    assert_eq!(verified.status.code(), Some(0), "{:?}", texts(&verified));
}

#[test]
fn a_run_that_is_rejected_over_drift_reports_its_transaction() {
    let mut rehearsed = Rehearsed::server(Scenario::Enacted);
    let asked = rehearsed.begin(3);
    rehearsed
        .sql("UPDATE public.information_unit SET title = title || '.' WHERE id = 'ICX-CONST-0005'");
    rehearsed.approve("SG1", &asked, 4);
    let reject = ["reject", &rehearsed.run_id, "SG1", "--reason", "it moved"];
    rehearsed.json(&reject, 5);
    let reports = rehearsed.report("10-non-mutation-proof");
    assert!(
        reports.contains("information_unit ICX-CONST-0005: xmin "),
        "not in report 10"
    );
    assert!(reports.contains("finished between the two snapshots"));
    let verified = rehearsed.command(&["verify", "last"]);
    assert_eq!(verified.status.code(), Some(0), "{:?}", texts(&verified));
}
