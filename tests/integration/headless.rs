//! The program without a terminal, start to seal, on a real server: documents, exit codes, drift, approvals.
//! Invariant: every figure that is compared was computed in this run; nothing waits for a clock but through a recorded time.

use std::collections::BTreeSet;

use drygate::postgres::throwaway::{ClusterOptions, ClusterOrigin, Scenario};
use serde_json::{Value, json};

use super::support::server::{READER, Workspace, files, keys, own_cluster, text};

/// The members of the document, spec section 10.
const MEMBERS: [&str; 17] = [
    "schema",
    "run_id",
    "state",
    "stop_code",
    "gate",
    "evidence",
    "result",
    "gates",
    "facts",
    "facts_digest",
    "counters",
    "returns",
    "non_mutation",
    "drift",
    "head",
    "message",
    "next",
];

/// The facts of the built-in profile.
const FACTS: [&str; 24] = [
    "role",
    "role_is_read_only",
    "icx_total",
    "icx_draft",
    "icx_enacted",
    "uv_enacted_at_nonnull",
    "lifecycle_log_rows",
    "fn_iu_enact_md5",
    "fn_iu_apply_edit_draft_md5",
    "grant_matrix_sha",
    "source_document",
    "source_version",
    "information_unit",
    "unit_version",
    "lifecycle_log",
    "definition.source_document",
    "definition.source_version",
    "definition.information_unit",
    "definition.unit_version",
    "definition.lifecycle_log",
    "called.code",
    "privileges.held",
    "names.resolved",
    "objects.beside",
];

fn is_digest(value: &Value) -> bool {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    text(value).len() == 64 && text(value).chars().all(hex)
}

/// What holds of every document, whatever the run does.
#[track_caller]
fn check_document(document: &Value) {
    let mut members = keys(document);
    // Left out where nothing changed beside, and where nothing keeps the run from passing.
    members.remove("beside");
    members.remove("cannot_pass");
    assert_eq!(members, BTreeSet::from(MEMBERS));
    assert_eq!(document["schema"], 1);
    for member in ["run_id", "state", "message", "next"] {
        assert!(!text(&document[member]).is_empty(), "{member}: {document}");
    }
    for gate in document["gates"].as_array().expect("a list of gates") {
        assert_eq!(keys(gate), BTreeSet::from(["gate", "verdict"]));
        text(&gate["gate"]);
    }
    assert_eq!(keys(&document["facts"]), BTreeSet::from(FACTS));
    for (key, fact) in document["facts"].as_object().expect("facts by key") {
        let provenance = text(&fact["provenance"]);
        let derived = key == "role_is_read_only";
        assert_eq!(
            provenance,
            if derived { "DERIVED" } else { "LIVE" },
            "{key}"
        );
    }
    for count in [
        "icx_total",
        "icx_draft",
        "icx_enacted",
        "lifecycle_log_rows",
    ] {
        assert!(document["facts"][count]["value"].is_u64(), "{count}");
    }
    assert!(is_digest(&document["facts_digest"]));
    assert_eq!(
        keys(&document["counters"]),
        BTreeSet::from([
            "candidate_count_confirmed",
            "lifecycle_enacted_count",
            "sidecar_state_final",
            "local_kb_markdown_files"
        ])
    );
    for (at, returned) in document["returns"]
        .as_array()
        .expect("returns")
        .iter()
        .enumerate()
    {
        assert_eq!(keys(returned), BTreeSet::from(["r", "state", "stop_code"]));
        assert_eq!(returned["r"], at + 1);
    }
    for change in document["drift"].as_array().expect("a list of changes") {
        assert_eq!(
            keys(change),
            BTreeSet::from(["key", "approved", "found", "rows"])
        );
    }
}

fn returns(document: &Value) -> Vec<(String, Value)> {
    let returns = document["returns"].as_array().expect("a list");
    let pair = |r: &Value| (text(&r["state"]).to_owned(), r["stop_code"].clone());
    returns.iter().map(pair).collect()
}

fn verdicts(document: &Value) -> Vec<String> {
    let gates = document["gates"].as_array().expect("a list");
    let line = |gate: &Value| {
        let verdict = gate["verdict"].as_str().unwrap_or("open");
        format!("{} {verdict}", text(&gate["gate"]))
    };
    gates.iter().map(line).collect()
}

#[test]
fn a_run_is_approved_twice_by_a_script_and_passes() {
    let workspace = Workspace::new(Scenario::Enacted);
    let first = workspace.run().expect(3);
    assert_eq!(first.stdout.lines().count(), 1, "{}", first.stdout);
    let first = first.json();
    check_document(&first);
    assert_eq!(first["state"], "awaiting_cut_authorization");
    assert_eq!(first["stop_code"], "STOP_APPROVAL_REQUIRED");
    assert_eq!(first["gate"], "SG1");
    assert!(is_digest(&first["evidence"]));
    assert_eq!(first["result"], Value::Null);
    assert_eq!(first["non_mutation"], Value::Null);
    assert_eq!(
        verdicts(&first),
        ["G0 PASS", "G1 PASS", "G2 PASS", "G3 open"]
    );
    let sheet = workspace.sheet(&first);
    assert_eq!(sheet["gate"], "SG1");
    assert_eq!(sheet["run_id"], first["run_id"]);

    let second = workspace.approve(&first, "SG1").expect(3).json();
    check_document(&second);
    assert_eq!(second["gate"], "SG2");
    assert_eq!(second["stop_code"], "STOP_APPROVAL_REQUIRED");
    assert_ne!(second["evidence"], first["evidence"]);
    assert_eq!(
        second["counters"]["candidate_count_confirmed"],
        json!({"value": 60, "provenance": "SIMULATED"})
    );

    let last = workspace.approve(&second, "SG2").expect(0).json();
    check_document(&last);
    assert_eq!(last["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(last["stop_code"], Value::Null);
    assert_eq!(last["gate"], Value::Null);
    assert_eq!(last["evidence"], Value::Null);
    assert_eq!(
        verdicts(&last),
        [
            "G0 PASS", "G1 PASS", "G2 PASS", "G3 PASS", "G4 PASS", "G5 PASS", "G6 PASS"
        ]
    );
    let waits = json!("STOP_APPROVAL_REQUIRED");
    assert_eq!(
        returns(&last),
        [
            ("awaiting_cut_authorization".to_owned(), waits.clone()),
            ("awaiting_lifecycle_authorization".to_owned(), waits),
            ("closeout_reported".to_owned(), Value::Null),
            ("closeout_reported".to_owned(), Value::Null),
        ]
    );
    assert_eq!(last["non_mutation"]["verdict"], "PROVEN");
    let claims = &last["non_mutation"]["claims"];
    assert_eq!(keys(claims), BTreeSet::from(["A", "B", "C", "D", "E"]));
    for claim in ["A", "B", "D", "E"] {
        assert_eq!(claims[claim]["verdict"], "HOLDS", "{claim}");
    }
    let counters = &last["counters"];
    assert_eq!(counters["lifecycle_enacted_count"]["value"], 60);
    assert_eq!(counters["local_kb_markdown_files"]["value"], 13);
    for step in [&second, &last] {
        assert_eq!(step["facts_digest"], first["facts_digest"]);
    }
    for (key, value) in [("icx_total", 60), ("icx_draft", 0), ("icx_enacted", 60)] {
        assert_eq!(last["facts"][key]["value"], value, "{key}");
    }
    // An approval and a resume after the seal answer without changing a byte.
    let sealed = files(&workspace.run_dir(&last));
    assert_eq!(workspace.resume(&last).expect(0).json(), last);
    let again = workspace.approve(&second, "SG2").expect(6).json();
    assert_eq!(again["stop_code"], "STOP_APPROVAL_REFUSED");
    assert!(sealed == files(&workspace.run_dir(&last)));
}

#[test]
fn events_are_the_lines_of_the_journal_byte_for_byte() {
    let workspace = Workspace::new(Scenario::Enacted);
    let url = workspace.url();
    let mut told = workspace
        .drygate(&["run", "--headless", "--events", "--database-url", &url])
        .expect(3)
        .stdout;
    let created: Value = serde_json::from_str(told.lines().next().expect("a line")).expect("JSON");
    assert_eq!(told, workspace.journal_text(&created));
    for gate in ["SG1", "SG2"] {
        let shown = workspace.events(&created, "stop_raised");
        let evidence = text(&shown.last().expect("it waits")["evidence"]).to_owned();
        let id = text(&created["run_id"]);
        let answer = workspace.drygate(&["approve", id, gate, "--digest", &evidence, "--events"]);
        assert_eq!(answer.code, if gate == "SG1" { 3 } else { 0 }, "{answer:?}");
        told.push_str(&answer.stdout);
    }
    assert_eq!(told, workspace.journal_text(&created));
    assert!(told.is_ascii());
}

#[test]
fn the_same_content_digests_the_same_again_and_on_another_cluster() {
    // Roles of other tests on one cluster would be facts beside.
    let workspace = Workspace::on(own_cluster(&ClusterOptions::default()), Scenario::Draft);
    let first = workspace.run_to_the_end().expect(0).json();
    let again = workspace.run().expect(3).json();
    assert_eq!(again["facts_digest"], first["facts_digest"]);
    let other = own_cluster(&ClusterOptions {
        origin: ClusterOrigin::Made,
        ..ClusterOptions::default()
    });
    let printed = workspace.drygate(&["demo", "--print-sql", "--scenario", "draft"]);
    let sql = printed.expect(0).stdout;
    other.create_database("elsewhere").expect("a database");
    other
        .load("elsewhere", &sql)
        .expect("plain SQL for a superuser");
    let url = other.url(READER, "elsewhere");
    let third = workspace.drygate(&["run", "--headless", "--json", "--database-url", &url]);
    assert_eq!(
        third.expect(3).json()["facts_digest"],
        first["facts_digest"]
    );
    workspace
        .sql("UPDATE public.source_document SET title = title || '.' WHERE id = 'SRC-ICX-TERMS'");
    assert_ne!(
        workspace.run().expect(3).json()["facts_digest"],
        first["facts_digest"]
    );
}

/// Rows that a live run would insert, update and delete, by table.
fn effect(sheet: &Value) -> Vec<(&str, [u64; 3])> {
    let tables = sheet["predicted"]["tables"].as_array().expect("tables");
    let count = |table: &Value, verb: &str| {
        assert_eq!(table[verb]["provenance"], "SIMULATED");
        table[verb]["value"].as_u64().expect("a count")
    };
    let row = |table: &'_ Value| ["insert", "update", "delete"].map(|verb| count(table, verb));
    tables
        .iter()
        .map(|table| (text(&table["table"]), row(table)))
        .collect()
}

#[test]
fn drafts_are_predicted_table_by_table_before_anybody_approves() {
    let workspace = Workspace::new(Scenario::Draft);
    let first = workspace.run().expect(3).json();
    let cut = workspace.sheet(&first);
    let second = workspace.approve(&first, "SG1").expect(3).json();
    let enact = workspace.sheet(&second);
    for sheet in [&cut, &enact] {
        assert_eq!(sheet["predicted_counts"]["would_enact"]["value"], 60);
        assert_eq!(sheet["predicted_counts"]["already_enacted"]["value"], 0);
        assert_eq!(
            effect(sheet),
            [
                ("information_unit", [0, 60, 0]),
                ("unit_version", [0, 60, 0]),
                ("lifecycle_log", [60, 0, 0]),
                ("source_document", [0, 0, 0]),
                ("source_version", [0, 0, 0]),
            ]
        );
    }
    assert_eq!(
        cut["simulated"],
        Value::Null,
        "nothing is simulated before SG1"
    );
    assert_eq!(enact["simulated"]["would_enact"]["value"], 60);
    let last = workspace.approve(&second, "SG2").expect(0).json();
    assert_eq!(last["counters"]["lifecycle_enacted_count"]["value"], 60);
    assert_eq!(
        last["facts"]["icx_draft"]["value"], 60,
        "nothing was enacted"
    );
}

/// Both values of each row that drifted in one fact.
fn rows<'a>(document: &'a Value, fact: &str) -> Vec<(&'a str, &'a Value, &'a Value)> {
    let drift = document["drift"].as_array().expect("a list");
    let change = drift.iter().find(|change| change["key"] == fact);
    let change = change.unwrap_or_else(|| panic!("{fact} did not drift: {drift:?}"));
    assert_ne!(change["approved"], change["found"], "{fact}");
    let rows = change["rows"].as_array().expect("rows");
    let row = |row: &'a Value| (text(&row["key"]), &row["approved"], &row["found"]);
    rows.iter().map(row).collect()
}

/// What the unit says before and after the intrusion, in each language of the demo.
const INTRUSION_SAYS: [(&str, &str); 2] = [
    ("ít nhất bảy năm", "ít nhất năm năm"),
    ("at least seven years", "at least five years"),
];

#[test]
fn drift_while_sg2_waits_voids_sg1_and_leads_the_next_sheet() {
    let workspace = Workspace::new(Scenario::Drift);
    let first = workspace.run().expect(3).json();
    let second = workspace.approve(&first, "SG1").expect(3).json();
    workspace.sql(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    let drifted = workspace.approve(&second, "SG2").expect(4).json();
    check_document(&drifted);
    assert_eq!(drifted["stop_code"], "STOP_FACTS_DRIFTED");
    assert_eq!(drifted["result"], Value::Null, "the run is not over");
    let [(unit, approved, found)] = rows(&drifted, "unit_version")[..] else {
        panic!("one unit: {}", drifted["drift"]);
    };
    assert_eq!(unit, "ICX-CONST-0017/1");
    for (before, after) in INTRUSION_SAYS {
        assert!(text(approved).contains(before) && text(found).contains(after));
    }
    assert!(text(&drifted["message"]).contains("ICX-CONST-0017/1"));
    assert_eq!(
        drifted["facts"]["icx_total"]["value"], 60,
        "every count is kept"
    );

    // The stop stands: neither approval is worth anything until there is new evidence.
    for (document, gate) in [(&first, "SG1"), (&second, "SG2")] {
        workspace.approve(document, gate).expect(6);
    }
    let asked = workspace.resume(&drifted).expect(3).json();
    assert_eq!(asked["gate"], "SG1");
    assert_eq!(asked["stop_code"], "STOP_APPROVAL_REQUIRED");
    let sheet = workspace.sheet(&asked);
    assert_eq!(sheet["round"], 2);
    let led = sheet["drifted"]
        .as_array()
        .expect("the difference leads the sheet");
    assert!(
        led.iter().any(|change| change["key"] == "unit_version"),
        "{led:?}"
    );
    for (document, gate) in [(&first, "SG1"), (&second, "SG2")] {
        workspace.approve(document, gate).expect(6);
    }
    let second = workspace.approve(&asked, "SG1").expect(3).json();
    let last = workspace.approve(&second, "SG2").expect(0).json();
    assert_eq!(last["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    let numbers: Vec<&Value> = last["returns"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|r| &r["stop_code"])
        .collect();
    assert_eq!(
        numbers,
        [
            &json!("STOP_APPROVAL_REQUIRED"),
            &json!("STOP_APPROVAL_REQUIRED"),
            &json!("STOP_FACTS_DRIFTED"),
            &json!("STOP_APPROVAL_REQUIRED"),
            &json!("STOP_APPROVAL_REQUIRED"),
            &Value::Null,
            &Value::Null,
        ]
    );
    workspace
        .drygate(&["verify", text(&last["run_id"])])
        .expect(0);
}

#[test]
fn a_write_grant_among_the_drift_fails_g1_and_the_last_return_is_of_that_gate() {
    let workspace = Workspace::new(Scenario::Enacted);
    let first = workspace.run().expect(3).json();
    workspace.sql("GRANT UPDATE ON public.unit_version TO context_pack_readonly");
    let drifted = workspace.approve(&first, "SG1").expect(4).json();
    let failed = workspace.resume(&drifted).expect(9).json();
    let stops: Vec<Value> = returns(&failed).into_iter().map(|r| r.1).collect();
    assert_eq!(
        stops,
        [
            json!("STOP_APPROVAL_REQUIRED"),
            json!("STOP_FACTS_DRIFTED"),
            json!("STOP_GATE_FAILED")
        ]
    );
    assert_eq!(failed["stop_code"], "STOP_GATE_FAILED");
    workspace
        .drygate(&["verify", text(&failed["run_id"])])
        .expect(0);
}

#[test]
fn a_role_that_may_write_fails_g1_naming_table_and_privilege() {
    let workspace = Workspace::new(Scenario::UnsafeRole);
    let failed = workspace.run().expect(9).json();
    check_document(&failed);
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["stop_code"], "STOP_GATE_FAILED");
    assert_eq!(failed["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_FAIL");
    let said = text(&failed["message"]);
    for word in ["G1", "unit_version", "UPDATE", "content"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(verdicts(&failed).contains(&"G1 FAIL".to_owned()));
    assert_eq!(failed["facts"]["role_is_read_only"]["value"], false);
    assert!(
        workspace.run_dir(&failed).join("manifest.sha256").exists(),
        "it is sealed"
    );
    let id = text(&failed["run_id"]);
    workspace.drygate(&["verify", id]).expect(0);
    let late = workspace.drygate(&["reject", id, "SG1", "--reason", "too late", "--json"]);
    late.expect(6);
}

/// What another session can do between evidence and approval, none of which changes a count of rows at the end.
struct Intrusion {
    name: &'static str,
    before: &'static str,
    act: &'static str,
    fact: &'static str,
    row: &'static str,
    approved: &'static str,
    found: &'static str,
}

const INTRUSIONS: [Intrusion; 6] = [
    Intrusion {
        name: "update",
        before: "",
        act: "UPDATE public.information_unit SET title = 'x' WHERE id = 'ICX-CONST-0042'",
        fact: "information_unit",
        row: "ICX-CONST-0042",
        approved: "Phân loại",
        found: "\"title\":\"x\"",
    },
    Intrusion {
        name: "grant",
        before: "CREATE ROLE auditor_{db}",
        act: "GRANT SELECT ON public.source_document TO auditor_{db}",
        fact: "grant_matrix_sha",
        row: "table public.source_document auditor",
        approved: "",
        found: "by kb_owner",
    },
    Intrusion {
        name: "revoke",
        before: "CREATE ROLE leaver_{db}; GRANT SELECT ON public.unit_version TO leaver_{db}",
        act: "REVOKE SELECT ON public.unit_version FROM leaver_{db}",
        fact: "grant_matrix_sha",
        row: "table public.unit_version leaver",
        approved: "by kb_owner",
        found: "",
    },
    Intrusion {
        name: "function",
        before: "",
        act: "CREATE OR REPLACE FUNCTION public.fn_iu_enact(p_unit text, p_reason text) RETURNS text \
              LANGUAGE plpgsql SET search_path TO '' AS 'BEGIN RETURN p_unit; END'",
        fact: "fn_iu_enact_md5",
        row: "line 5",
        approved: "AS $function$",
        found: "RETURN p_unit",
    },
    Intrusion {
        name: "delete and insert",
        before: "",
        act: "DELETE FROM public.lifecycle_log WHERE id = 'ICX-CONST-0003/1'; \
              INSERT INTO public.lifecycle_log SELECT 'ICX-CONST-0003/1', unit_id, seq, from_state, to_state, \
              'somebody else', reason, occurred_at FROM public.lifecycle_log WHERE id = 'ICX-CONST-0004/1' AND false \
              UNION ALL VALUES ('ICX-CONST-0003/1', 'ICX-CONST-0003', 1, 'draft', 'enacted', 'somebody else', 'r', \
              timestamptz '2026-05-20 07:03:00+00')",
        fact: "lifecycle_log",
        row: "ICX-CONST-0003/1",
        approved: "kb_editor",
        found: "somebody else",
    },
    Intrusion {
        name: "another row in its place",
        before: "",
        act: "DELETE FROM public.lifecycle_log WHERE id = 'ICX-CONST-0005/1'; \
              INSERT INTO public.lifecycle_log VALUES ('ICX-CONST-0005/9', 'ICX-CONST-0005', 9, 'draft', 'enacted', \
              'kb_editor', 'r', timestamptz '2026-05-20 07:05:00+00')",
        fact: "lifecycle_log",
        row: "ICX-CONST-0005/1",
        approved: "kb_editor",
        found: "",
    },
];

impl Intrusion {
    fn prepare(&self, workspace: &Workspace) {
        workspace.sql(&self.before.replace("{db}", &workspace.database));
    }

    fn act(&self, workspace: &Workspace) {
        workspace.sql(&self.act.replace("{db}", &workspace.database));
    }

    /// What was there before and what is there now are both in the document.
    #[track_caller]
    fn check(&self, document: &Value) {
        let name = self.name;
        assert_eq!(document["stop_code"], "STOP_FACTS_DRIFTED", "{name}");
        assert!(
            text(&document["message"]).contains(self.fact),
            "{name}: {}",
            document["message"]
        );
        let rows = rows(document, self.fact);
        let holds = |(key, approved, found): &(&str, &Value, &Value)| {
            let shows = |value: &Value, part: &str| match part {
                "" => value.is_null(),
                part => value.as_str().is_some_and(|value| value.contains(part)),
            };
            key.contains(self.row) && shows(approved, self.approved) && shows(found, self.found)
        };
        assert!(rows.iter().any(holds), "{name}: {rows:?}");
    }
}

#[test]
fn what_another_session_changed_is_found_before_sg1_takes_effect() {
    let workspace = Workspace::new(Scenario::Enacted);
    for intrusion in &INTRUSIONS {
        intrusion.prepare(&workspace);
    }
    let mut waiting = workspace.run().expect(3).json();
    for intrusion in &INTRUSIONS {
        intrusion.act(&workspace);
        let drifted = workspace.approve(&waiting, "SG1").expect(4).json();
        intrusion.check(&drifted);
        assert_eq!(drifted["state"], "awaiting_cut_authorization");
        assert!(workspace.events(&drifted, "units_progressed").is_empty());
        waiting = workspace.resume(&drifted).expect(3).json();
    }
    workspace.approve(&waiting, "SG1").expect(3);
}

#[test]
fn what_another_session_changed_is_found_before_sg2_takes_effect() {
    let workspace = Workspace::new(Scenario::Enacted);
    for intrusion in &INTRUSIONS {
        intrusion.prepare(&workspace);
    }
    let mut waiting = workspace.run().expect(3).json();
    for intrusion in &INTRUSIONS {
        waiting = workspace.approve(&waiting, "SG1").expect(3).json();
        intrusion.act(&workspace);
        let drifted = workspace.approve(&waiting, "SG2").expect(4).json();
        intrusion.check(&drifted);
        let steps = workspace.events(&drifted, "units_progressed");
        let enacted = |record: &Value| record["step"] == "enact";
        assert!(!steps.iter().any(enacted), "{steps:?}");
        waiting = workspace.resume(&drifted).expect(3).json();
        assert_eq!(waiting["gate"], "SG1", "SG1 is void as well");
    }
}

#[test]
fn what_another_session_changed_before_the_end_is_sealed_as_changed_by_others() {
    for intrusion in &INTRUSIONS {
        let workspace = Workspace::new(Scenario::Enacted);
        intrusion.prepare(&workspace);
        let sealed = workspace.run_to_the_end().expect(0).json();
        // As if the machine had lost power between ENACT and the post survey of that very run.
        workspace.cut_back(&sealed, |record| record["to"] == "enact_simulated");
        intrusion.act(&workspace);
        let last = workspace.resume(&sealed).expect(4).json();
        check_document(&last);
        intrusion.check(&last);
        assert_eq!(
            last["result"],
            "O4_LIVE_DRYRUN_ORCHESTRATION_CHANGED_BY_OTHERS"
        );
        assert_eq!(last["state"], "closeout_reported");
        assert_eq!(last["non_mutation"]["verdict"], "CHANGED_BY_OTHERS");
        assert_eq!(last["non_mutation"]["claims"]["A"]["verdict"], "HOLDS");
        workspace
            .drygate(&["verify", text(&last["run_id"])])
            .expect(0);
    }
}

#[test]
fn a_run_that_lost_power_before_the_post_survey_ends_as_it_would_have() {
    let workspace = Workspace::new(Scenario::Enacted);
    let sealed = workspace.run_to_the_end().expect(0).json();
    workspace.cut_back(&sealed, |record| record["to"] == "enact_simulated");
    let last = workspace.resume(&sealed).expect(0).json();
    assert_eq!(last["result"], sealed["result"]);
    assert_eq!(last["facts_digest"], sealed["facts_digest"]);
    workspace
        .drygate(&["verify", text(&last["run_id"])])
        .expect(0);
}

/// Approves and expects a refusal: exit 6, the reason recorded, the run waiting as before.
#[track_caller]
fn refused(workspace: &Workspace, waiting: &Value, gate: &str, digest: &str, why: &str) {
    let before = workspace.events(waiting, "approval_recorded").len();
    let connections = workspace.events(waiting, "transaction_opened").len();
    let id = text(&waiting["run_id"]);
    let answer = workspace.drygate(&["approve", id, gate, "--digest", digest, "--json"]);
    let document = answer.expect(6).json();
    check_document(&document);
    assert_eq!(document["stop_code"], "STOP_APPROVAL_REFUSED");
    assert!(
        text(&document["message"]).contains(why),
        "{}",
        document["message"]
    );
    assert_eq!(document["state"], waiting["state"]);
    assert_eq!(document["evidence"], waiting["evidence"]);
    assert_eq!(workspace.events(waiting, "approval_recorded").len(), before);
    let told = workspace.events(waiting, "approval_refused");
    assert!(text(&told.last().expect("it is recorded")["reason"]).contains(why));
    assert_eq!(
        workspace.events(waiting, "transaction_opened").len(),
        connections,
        "refused before any connection"
    );
}

#[test]
fn an_approval_of_anything_else_is_refused_and_the_run_still_waits() {
    let workspace = Workspace::new(Scenario::Enacted);
    let other = workspace.run().expect(3).json();
    let first = workspace.run().expect(3).json();
    let sg1 = text(&first["evidence"]);
    let mut wrong = sg1.to_owned();
    wrong.replace_range(..1, if sg1.starts_with('0') { "1" } else { "0" });
    refused(&workspace, &first, "SG1", &wrong, "no evidence of this run");
    refused(
        &workspace,
        &first,
        "SG1",
        text(&other["evidence"]),
        "no evidence of this run",
    );
    refused(&workspace, &first, "SG2", sg1, "waits at SG1");
    let second = workspace.approve(&first, "SG1").expect(3).json();
    refused(&workspace, &second, "SG1", sg1, "used already");
    refused(&workspace, &second, "SG2", sg1, "The digest is of SG1");
    refused(
        &workspace,
        &second,
        "SG1",
        text(&second["evidence"]),
        "waits at SG2",
    );
    let last = workspace.approve(&second, "SG2").expect(0).json();
    let sealed = files(&workspace.run_dir(&last));
    for (document, gate) in [(&first, "SG1"), (&second, "SG2")] {
        let answer = workspace.approve(document, gate).expect(6).json();
        assert!(
            text(&answer["message"]).contains("used already"),
            "{answer}"
        );
    }
    assert!(sealed == files(&workspace.run_dir(&last)));
    // The other run was never touched by any of it.
    workspace.approve(&other, "SG1").expect(3);
}

#[test]
fn a_rejection_ends_the_run_with_its_reason_and_needs_no_database() {
    let workspace = Workspace::on(own_cluster(&ClusterOptions::default()), Scenario::Enacted);
    let first = workspace.run().expect(3).json();
    let id = text(&first["run_id"]);
    let blank = workspace.drygate(&["reject", id, "SG1", "--reason", "  ", "--json"]);
    blank.expect(64);
    let server = workspace.stop_server();
    let answer = workspace.drygate(&["reject", id, "SG1", "--reason", "not on a Friday", "--json"]);
    drop(server);
    let last = answer.expect(5).json();
    check_document(&last);
    assert_eq!(last["state"], "rejected");
    assert_eq!(last["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_REJECTED");
    assert_eq!(last["stop_code"], "STOP_APPROVAL_REJECTED");
    assert_eq!(
        last["non_mutation"]["claims"]["B"]["verdict"],
        "NOT CHECKED"
    );
    let decisions = workspace.events(&last, "approval_recorded");
    assert_eq!(decisions[0]["reason"], "not on a Friday");
    workspace.drygate(&["verify", id]).expect(0);
    workspace.approve(&first, "SG1").expect(6);
}

#[test]
fn expired_evidence_is_refused_and_resume_asks_with_new_evidence() {
    let workspace = Workspace::new(Scenario::Enacted);
    let profile = workspace.profile("brief.toml", |text| {
        format!("{text}\n[approvals]\nttl = \"1s\"\n")
    });
    let url = workspace.url();
    let run = [
        "run",
        "--headless",
        "--json",
        "--database-url",
        &url,
        "--profile",
        &profile,
    ];
    let first = workspace.drygate(&run).expect(3).json();
    let taken = workspace.events(&first, "evidence_taken");
    let shown = workspace.events(&first, "stop_raised");
    assert_eq!(taken.len(), 1);
    let at: drygate::survey::UtcTime = text(&shown[0]["at"]).parse().expect("a time");
    while drygate::runner::clock::Clock::now(&drygate::runner::clock::SystemClock)
        < at.plus_seconds(1)
    {
        std::thread::yield_now();
    }
    refused(
        &workspace,
        &first,
        "SG1",
        text(&first["evidence"]),
        "expired",
    );
    let renewed = workspace.resume(&first).expect(3).json();
    assert_eq!(renewed["gate"], "SG1");
    assert_ne!(renewed["evidence"], first["evidence"]);
    assert_eq!(workspace.sheet(&renewed)["round"], 2);
}

#[test]
fn documents_beside_a_profile_are_found_again_when_a_run_is_taken_up_elsewhere() {
    let workspace = Workspace::new(Scenario::Draft);
    std::fs::write(
        workspace.place().join("rules.md"),
        "Nobody cuts on a Friday.",
    )
    .expect("writable");
    let profile = workspace.profile("beside.toml", |text| {
        format!("{text}\n[[ssot]]\nname = \"rules\"\npath = \"rules.md\"\n")
    });
    let url = workspace.url();
    let run = [
        "run",
        "--headless",
        "--json",
        "--database-url",
        &url,
        "--profile",
        &profile,
    ];
    let first = workspace.drygate(&run).expect(3).json();
    let pinned = |document: &Value| {
        let context = std::fs::read_to_string(workspace.run_dir(document).join("context.json"));
        let context: Value = serde_json::from_str(&context.expect("context.json")).expect("JSON");
        context["ssot"].clone()
    };
    let before = pinned(&first);
    assert_eq!(before.as_array().map(Vec::len), Some(2), "{before}");
    workspace
        .sql("UPDATE public.source_document SET title = title || '.' WHERE id = 'SRC-ICX-TERMS'");
    workspace.approve(&first, "SG1").expect(4);
    let renewed = workspace.resume(&first).expect(3).json();
    assert_ne!(renewed["evidence"], first["evidence"]);
    assert_eq!(pinned(&renewed), before);
}

#[test]
fn a_recorded_approval_survives_a_lost_database_and_can_be_withdrawn() {
    let workspace = Workspace::on(own_cluster(&ClusterOptions::default()), Scenario::Enacted);
    let profile = workspace.profile("hasty.toml", |text| {
        // A server that is stopped takes connections and never greets.
        format!("{text}\n[timeouts]\nconnect_ms = 2000\n")
    });
    let url = workspace.url();
    let run = [
        "run",
        "--headless",
        "--json",
        "--database-url",
        &url,
        "--profile",
        &profile,
    ];
    let first = workspace.drygate(&run).expect(3).json();
    let stopped = workspace.stop_server();
    let lost = workspace.approve(&first, "SG1").expect(69).json();
    check_document(&lost);
    assert_eq!(lost["stop_code"], "STOP_DATABASE_UNAVAILABLE");
    assert_eq!(lost["state"], "awaiting_cut_authorization");
    let again = workspace.approve(&first, "SG1").expect(6).json();
    assert!(text(&again["message"]).contains("pending"), "{again}");
    let next = text(&again["next"]);
    assert!(next.contains("It has not taken effect: "), "{next}");
    assert!(next.contains("Resume: "), "{next}");
    let id = text(&first["run_id"]);
    let withdrawn = workspace.drygate(&["reject", id, "SG1", "--reason", "wrong run", "--json"]);
    let withdrawn = withdrawn.expect(3).json();
    assert_eq!(withdrawn["state"], "awaiting_cut_authorization");
    let decisions: Vec<Value> = workspace.events(&first, "approval_recorded");
    let words: Vec<&str> = decisions.iter().map(|d| text(&d["decision"])).collect();
    assert_eq!(words, ["approve", "withdraw"]);
    // Approved once more, lost once more: what is pending takes effect by itself once the database answers.
    workspace.approve(&withdrawn, "SG1").expect(69);
    drop(stopped);
    let second = workspace.resume(&first).expect(3).json();
    assert_eq!(second["gate"], "SG2");
    assert_eq!(
        workspace.approve(&second, "SG2").expect(0).json()["result"],
        "O4_LIVE_DRYRUN_ORCHESTRATION_PASS"
    );
}
