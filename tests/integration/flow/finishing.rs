//! Runs that reach their end. Invariant: a PASS is believed only with its evidence: files, digests, and the server's own answers.

use std::path::Path;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use crate::support::ground::{
    Ground, Home, RunFiles, approve, band, clusters_of, digest_on, lives, open_sheet, text,
    type_seen, wait_at,
};
use crate::support::pty::{Exit, Launch, Terminal, key};

const PASS: &str = "O4_LIVE_DRYRUN_ORCHESTRATION_PASS";

/// Waits for the result in the band.
#[track_caller]
fn wait_sealed(terminal: &Terminal, result: &str) {
    terminal.wait_until(result, |screen| band(screen).starts_with(result));
}

#[test]
fn the_demo_is_approved_by_keystrokes_to_a_pass() {
    let place = tempfile::tempdir().expect("a folder");
    let home = Home::at(place.path().join("home"));
    let data_dir = home.path.display().to_string();
    let args = ["demo", "--scenario", "draft", "--data-dir", &data_dir];
    let mut terminal = Launch::drygate(args)
        .env("TMPDIR", place.path())
        .size(160, 48)
        .open();
    let first = wait_at(&terminal, "SG1");
    assert!(first.row(0).contains("[DEMO]"), "{first}");
    assert!(first.row(0).contains("Mode.DRYRUN"), "{first}");
    let run = home.run();
    let clusters = clusters_of(terminal.pid(), place.path());
    let [cluster] = clusters.as_slice() else {
        panic!("the demo has one cluster: {clusters:?}");
    };
    let server = server_of(cluster);
    assert!(lives(server));

    let sg1 = approve(&mut terminal);
    let second = wait_at(&terminal, "SG2");
    assert!(
        second.contains("~180 rows"),
        "predicted before SG2 is approved: {second}"
    );
    for table in [
        "information_unit ~60 updated",
        "unit_version ~60 updated",
        "lifecycle_log ~60 added",
    ] {
        assert!(second.contains(table), "{table}: {second}");
    }
    let sg2 = approve(&mut terminal);
    wait_sealed(&terminal, PASS);
    assert!(
        band(&terminal.screen()).contains("PROVEN"),
        "{}",
        terminal.screen()
    );
    terminal.wait_heard("a title with the result", |heard| {
        heard.title.contains(PASS).then_some(())
    });
    terminal.wait_heard("a bell for each wait", |heard| {
        (heard.bells >= 2).then_some(())
    });

    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0), "{}", terminal.screen());
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
    assert!(
        terminal.screen().contains(PASS),
        "said after the screen: {}",
        terminal.screen()
    );
    assert!(!lives(server), "the server has gone");
    assert!(!cluster.exists(), "its directory has gone");
    assert_eq!(
        asked_digests(&run),
        [sg1, sg2],
        "what was on screen is what was asked"
    );
    assert_eq!(run.decisions(), ["SG1 approve", "SG2 approve"]);
    for decision in run.events("approval_recorded") {
        assert!(
            decision["by"]["tty"].is_string(),
            "from a terminal: {decision}"
        );
    }
    assert_sealed(&home, &run);
}

fn server_of(cluster: &Path) -> u32 {
    let pid = std::fs::read_to_string(cluster.join("data/postmaster.pid"));
    let pid = pid.expect("a running server has a pid file");
    pid.lines()
        .next()
        .and_then(|pid| pid.parse().ok())
        .expect("a pid")
}

fn asked_digests(run: &RunFiles) -> Vec<String> {
    let taken = run.events("evidence_taken");
    taken.iter().map(|line| text(&line["evidence"])).collect()
}

/// Sealed, and intact by the words of two programs that did not write it.
#[track_caller]
fn assert_sealed(home: &Home, run: &RunFiles) {
    assert_eq!(run.manifest_complaints(), "");
    let verified = home.script(&["verify", &run.id()]);
    assert_eq!(verified.code, 0, "{}", verified.text);
    let last = run.journal().pop().expect("a line");
    assert_eq!(last["event"], "run_sealed");
}

#[test]
fn report_07_has_every_figure_as_the_server_and_the_journal_have_it() {
    let ground = Ground::new(Scenario::Enacted);
    let mut terminal = ground.at_sg1("0");
    assert!(
        terminal
            .screen()
            .contains("A live run would change nothing: all ~60 units are already present."),
        "{}",
        terminal.screen()
    );
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    approve(&mut terminal);
    wait_sealed(&terminal, PASS);
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    let run = ground.home().run();
    let report = run.report("07");
    assert_eq!(sections(&report), SECTIONS);
    let mut wanted = vec![PASS.to_owned(), format!("run_id={}", run.id())];
    wanted.extend(live_facts(&ground));
    wanted.extend(pairs(&ground));
    wanted.extend(evidence(&run));
    wanted.extend(code(&ground));
    wanted.extend(AUDIT.map(str::to_owned));
    let gates = [
        "G0 SSOT + repo",
        "G1 O4 dry-run feasibility",
        "G2 minimal O4 additions",
        "G3 live dry-run orchestration",
        "G4 resume/idempotency proof",
        "G5 safety tests",
        "G6 commit/report",
    ];
    wanted.extend(gates.map(|gate| format!("- {gate}: PASS.")));
    let lines: Vec<&str> = report.lines().collect();
    for line in wanted {
        assert!(
            lines.contains(&line.as_str()),
            "no line {line:?} in:\n{report}"
        );
    }
    assert_figures_of_the_source(&report);
    assert_sealed(&ground.home(), &run);
}

/// The sections of the source report, in its order.
const SECTIONS: [&str; 12] = [
    "Final result",
    "Gate summary",
    "Code outcome",
    "What O4 proves",
    "Live facts",
    "Runner evidence",
    "Production non-mutation proof",
    "Tests",
    "Forbidden-action audit",
    "Reports uploaded",
    "OR / TD note",
    "Stop point",
];

/// The nine rows of the audit.
const AUDIT: [&str; 9] = [
    "- Production mutation: NONE.",
    "- Live CUT/VERIFY/enact mutation: NONE.",
    "- Production execution kill-switch enabled: NO.",
    "- Deploy/restart: NONE.",
    "- Push/tag remote: NONE.",
    "- source_document / source_version mutation: NONE.",
    "- Hardcoded secrets/runtime IDs: NONE.",
    "- StubSigning replaced by real crypto: NO.",
    "- Fake PASS: NO; live read-only output and runner output recorded.",
];

fn sections(report: &str) -> Vec<&str> {
    let headings = report.lines().filter_map(|line| line.strip_prefix("## "));
    headings.collect()
}

/// The counts of the source report itself: another figure would be another run.
fn assert_figures_of_the_source(report: &str) {
    for line in [
        "role=context_pack_readonly",
        "role_is_read_only=true",
        "ICX-CONST total=60",
        "ICX-CONST draft=0",
        "ICX-CONST enacted=60",
        "unit_version enacted_at non-null=60",
        "lifecycle_log_rows=60",
        "icx_total=60 -> 60",
        "icx_draft=0 -> 0",
        "icx_enacted=60 -> 60",
        "uv_enacted_at_nonnull=60 -> 60",
        "lifecycle_log_rows=60 -> 60",
        "Mode.LIVE refused: PASS",
        "execution_enabled=False",
    ] {
        assert!(
            report.lines().any(|found| found == line),
            "no line {line:?} in:\n{report}"
        );
    }
    let targeted = report
        .lines()
        .find_map(|line| line.strip_prefix("O4 targeted: "));
    let counts = targeted.and_then(|counts| counts.strip_suffix(" PASS"));
    let (passed, all) = counts
        .and_then(|counts| counts.split_once('/'))
        .expect("counts");
    assert_eq!(passed, all);
    assert!(passed.parse::<u32>().expect("a number") >= 4);
}

const COUNTS: [(&str, &str, &str); 5] = [
    (
        "icx_total",
        "ICX-CONST total",
        "SELECT count(*) FROM public.information_unit WHERE collection = 'ICX-CONST'",
    ),
    (
        "icx_draft",
        "ICX-CONST draft",
        "SELECT count(*) FROM public.information_unit WHERE collection = 'ICX-CONST' AND state = 'draft'",
    ),
    (
        "icx_enacted",
        "ICX-CONST enacted",
        "SELECT count(*) FROM public.information_unit WHERE collection = 'ICX-CONST' AND state = 'enacted'",
    ),
    (
        "uv_enacted_at_nonnull",
        "unit_version enacted_at non-null",
        "SELECT count(*) FROM public.unit_version WHERE enacted_at IS NOT NULL",
    ),
    (
        "lifecycle_log_rows",
        "lifecycle_log_rows",
        "SELECT count(*) FROM public.lifecycle_log",
    ),
];

/// The live facts as the server says them, in the report's labels.
fn live_facts(ground: &Ground) -> Vec<String> {
    let counts = COUNTS.map(|(_, label, sql)| format!("{label}={}", ground.ask(sql)));
    let functions = ["fn_iu_enact", "fn_iu_apply_edit_draft"].map(|name| {
        let sql = format!(
            "SET search_path = ''; SELECT pg_catalog.md5(pg_catalog.pg_get_functiondef(oid)) \
             FROM pg_catalog.pg_proc WHERE proname = '{name}'"
        );
        format!("{name}_md5={}", ground.ask(&sql))
    });
    let pin = &ground.home().run().events("survey_taken")[0]["survey"]["facts"];
    let grants = fact(pin, "grant_matrix_sha");
    let lines = ground.home().run().read(&format!("blobs/{grants}"));
    assert!(
        lines.contains("context_pack_readonly"),
        "grants that digest so: {lines}"
    );
    let grants = format!("grant_matrix_sha={grants}");
    counts
        .into_iter()
        .chain(functions)
        .chain([grants])
        .collect()
}

fn fact(facts: &Value, key: &str) -> String {
    let facts = facts.as_array().expect("a list of facts");
    let found = facts
        .iter()
        .find(|fact| fact["key"] == key)
        .expect("the fact");
    let observed = found["observed"].to_string();
    let value = observed.split('"').find(|word| word.len() == 64);
    value
        .unwrap_or_else(|| panic!("a digest in {observed}"))
        .to_owned()
}

fn pairs(ground: &Ground) -> Vec<String> {
    let pair = |(key, _, sql): (&str, &str, &str)| {
        let value = ground.ask(sql);
        format!("{key}={value} -> {value}")
    };
    COUNTS.map(pair).to_vec()
}

/// Returns, counters and reports, as journal and directory have them.
fn evidence(run: &RunFiles) -> Vec<String> {
    let mut lines: Vec<String> = run
        .events("invocation_returned")
        .iter()
        .map(|line| {
            let code = match &line["stop_code"] {
                Value::Null => "stop_code=None".to_owned(),
                code => text(code),
            };
            format!("r{}={} / {code}", line["r"], text(&line["state"]))
        })
        .collect();
    assert_eq!(lines.len(), 4, "r1 to r4: {lines:?}");
    let units = run.read("units/1-enact.jsonl").lines().count();
    lines.push(format!("candidate_count_confirmed={units}"));
    lines.push(format!("lifecycle_enacted_count={units}"));
    let sidecar = text(&run.json("sidecar.json")["sidecar_state"]);
    lines.push(format!("sidecar_state_final={sidecar}"));
    let listed = std::fs::read_dir(run.path.join("kb")).expect("reports");
    let names = listed.map(|entry| entry.expect("a readable folder").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let reports: Vec<String> = names.filter(|name| name != "report.json").collect();
    assert_eq!(reports.len(), 13);
    lines.push(format!("local_kb_markdown_files={}", reports.len()));
    lines.extend(reports.iter().map(|name| format!("- {name}")));
    lines
}

fn code(ground: &Ground) -> [String; 4] {
    let short = |head: &str| head[..7].to_owned();
    let (main, feature) = (
        short(ground.repository.main_head()),
        short(ground.repository.feature_head()),
    );
    [
        format!("{feature} feat(orchestrator): add O4 live dry-run orchestration"),
        "feature/constitution-snapshot-mark-dryrun".to_owned(),
        format!("main_HEAD={main}"),
        format!("feature_HEAD={feature}"),
    ]
}

#[test]
fn screen_and_script_find_the_same_facts() {
    let ground = Ground::new(Scenario::Draft);
    let home = ground.home();
    let mut terminal = ground.at_sg1("0");
    approve(&mut terminal);
    wait_at(&terminal, "SG2");
    approve(&mut terminal);
    wait_sealed(&terminal, PASS);
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(0));
    let by_screen = home.run();

    let asked = ground.headless();
    assert_eq!(asked.code, 3, "{}", asked.text);
    let id = text(&asked.json["run_id"]);
    let first = home.approve(&id, "SG1", &text(&asked.json["evidence"]));
    assert_eq!(first.code, 3, "{}", first.text);
    let second = home.approve(&id, "SG2", &text(&first.json["evidence"]));
    assert_eq!(second.code, 0, "{}", second.text);
    assert_eq!(second.json["result"], PASS);

    let runs = home.runs();
    let by_script = runs.iter().find(|run| run.id() == id).expect("the run");
    let (one, two) = (
        by_screen.json("kb/report.json"),
        by_script.json("kb/report.json"),
    );
    assert!(
        one["facts_digest"]["pre"]
            .as_str()
            .is_some_and(|digest| digest.len() == 64)
    );
    assert_eq!(one["facts_digest"], two["facts_digest"]);
    assert_eq!(second.json["facts_digest"], one["facts_digest"]["post"]);
    assert_eq!(one["facts"], two["facts"]);
    assert_eq!(one["predicted"], two["predicted"]);
    for run in &runs {
        assert_sealed(&home, run);
    }
}

#[test]
fn a_rejection_needs_a_reason_and_ends_the_run() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    let run = ground.home().run();
    let waits = "awaiting_cut_authorization";
    // What comes within the first silence is dropped, in one write or key by key.
    terminal.keys("xyes\r");
    terminal.wait_for("Why? A reason is required, then Enter:");
    terminal.wait_for("What was typed before the sheet was READY was dropped.");
    terminal.silence().keys(key::ENTER);
    terminal.wait_for("A reason is required.");
    terminal.type_slowly("   ");
    terminal.wait_for(">    _");
    terminal.type_slowly(key::ENTER);
    terminal.wait_for("A reason is required.");
    assert_eq!((run.state().as_str(), run.decisions().len()), (waits, 0));

    // A pasted reason is taken, and its own Enter confirms nothing.
    terminal
        .silence()
        .paste("not this\tweek\n")
        .keys(key::ENTER);
    terminal.wait_for("then confirm.");
    terminal.wait_for(">    not this\\u{9}week_");
    assert_eq!((run.state().as_str(), run.decisions().len()), (waits, 0));
    terminal.silence().silence().keys(key::ENTER);
    wait_sealed(&terminal, "O4_LIVE_DRYRUN_ORCHESTRATION_REJECTED");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(5));
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
    let recorded = run.events("approval_recorded");
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0]["reason"], "not this\tweek");
    assert_eq!(run.state(), "rejected");
    assert!(run.report("12").contains("reason=not this\tweek"));
    assert_sealed(&ground.home(), &run);
}

#[test]
fn a_second_run_is_compared_with_the_last_pass_on_its_sheet() {
    let ground = Ground::new(Scenario::Enacted);
    let mut terminal = ground.at_sg1("0");
    for gate in ["SG1", "SG2"] {
        wait_at(&terminal, gate);
        approve(&mut terminal);
    }
    wait_sealed(&terminal, PASS);
    terminal.keys("q").wait_exit();
    let first = ground.home().run().id();

    let mut terminal = ground.at_sg1("0");
    let digest = open_sheet(&mut terminal);
    let sheet = terminal.screen();
    assert!(
        sheet.contains(&format!("EQUAL TO THE LAST PASS ({first}")),
        "{sheet}"
    );
    assert_eq!(digest_on(&sheet), digest);
    type_seen(&mut terminal, &digest[58..]);
    terminal.type_slowly(key::ESC);
    wait_at(&terminal, "SG1");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), Exit::Code(3), "left waiting");
    assert!(terminal.screen().contains("waits at SG1. Resume: /"));
}
