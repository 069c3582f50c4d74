//! A lock that another session holds says nothing of what it keeps away. Invariant: wherever a run meets one, nothing is judged by it,
//! and the run goes on by itself where the lock is gone before the last of its tries; else it ends with 69, a recorded approval is
//! kept, and once the lock is gone the run goes on to PASS.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use super::support::pty::{Exit, Launch, Terminal};
use super::support::server::{Answer, SUPERUSER, Workspace, approval, finish, text};
use super::support::table_lock::TableLock;

/// A table of one fact alone, and one whose rows are in a partition.
const TABLES: &str = "
CREATE TABLE public.queue (id integer);
CREATE TABLE public.halves (id integer) PARTITION BY RANGE (id);
CREATE TABLE public.half PARTITION OF public.halves FOR VALUES FROM (0) TO (10);
GRANT SELECT ON public.queue, public.halves TO PUBLIC;
";

/// Each kind of relation: protected and read for the pieces, for the units, of the lifecycle, of one fact, a partition.
const RELATIONS: [&str; 7] = [
    "public.source_document",
    "public.source_version",
    "public.information_unit",
    "public.unit_version",
    "public.lifecycle_log",
    "public.queue",
    "public.half",
];

/// How long a lock may last that a run outwaits, in the contract: its last try ends 10 s after it was met.
const HELD: Duration = Duration::from_secs(9);

/// Where a busy machine holds a lock longer than this, the run may be right to give up.
const HELD_TOO_LONG: Duration = Duration::from_millis(9_500);

/// A workspace with a fact of each table that no content digest covers, and a profile that waits so long for a lock.
struct Locked {
    workspace: Workspace,
    profile: String,
    /// Whether a lock was held longer than it should.
    late: AtomicBool,
}

impl Locked {
    fn new(lock_ms: u32) -> Self {
        let workspace = Workspace::new(Scenario::Draft);
        let loaded = workspace.cluster.load(&workspace.database, TABLES);
        loaded.expect("a superuser may");
        let fact = |key: &str| {
            format!(
                "[[facts]]\nkey = \"{key}\"\nlabel = \"{key}\"\ntype = \"integer\"\ncount = \"public.{key}\"\nlive = true\n\n"
            )
        };
        let facts = [fact("queue"), fact("halves"), "[[contents]]".to_owned()].concat();
        let profile = workspace.profile("locked.toml", |text| {
            let text = text.replacen("[[contents]]", &facts, 1);
            format!("{text}\n[timeouts]\nlock_ms = {lock_ms}\n")
        });
        Self {
            workspace,
            profile,
            late: AtomicBool::new(false),
        }
    }

    fn lock(&self, relation: &str) -> TableLock {
        TableLock::on(&self.workspace.cluster, &self.workspace.database, relation)
    }

    /// A command on this database with this profile.
    fn with_profile(&self, words: &[&str]) -> Answer {
        let url = self.workspace.url();
        let words = [words, &["--profile", &self.profile, "--database-url", &url]].concat();
        self.workspace.drygate(&words)
    }

    fn run(&self) -> Answer {
        self.with_profile(&["run", "--headless", "--json"])
    }

    /// The document of a command that met the lock.
    #[track_caller]
    fn met(answer: Answer) -> Value {
        let document = answer.expect(69).json();
        assert_eq!(document["stop_code"], "STOP_DATABASE_UNAVAILABLE");
        let message = text(&document["message"]);
        assert!(
            message.contains("could not be read: locked by another session (55P03 "),
            "{message}"
        );
        document
    }

    /// What the run recorded since: no judgement of any kind, and so many transactions.
    #[track_caller]
    fn assert_nothing_judged(&self, document: &Value, before: usize, tries: usize) {
        let journal = self.workspace.journal(document);
        let since = &journal[before..];
        let judged = [
            "check_recorded",
            "gate_finished",
            "drift_found",
            "non_mutation_judged",
            "survey_taken",
        ];
        for record in since {
            let event = text(&record["event"]);
            assert!(!judged.contains(&event), "{record}");
        }
        let opened = |record: &&Value| record["event"] == "transaction_opened";
        assert_eq!(since.iter().filter(opened).count(), tries);
    }

    /// Resumes under a lock: it keeps the run where it is.
    #[track_caller]
    fn keeps_away(&self, document: &Value, relation: &str) {
        let before = self.workspace.journal(document).len();
        let lock = self.lock(relation);
        Self::met(self.workspace.resume(document));
        self.assert_nothing_judged(document, before, 3);
        drop(lock);
    }

    /// Holds a lock until a run has waited for it so long as a run may.
    #[track_caller]
    fn hold(&self, lock: TableLock) {
        if lock.hold(HELD) > HELD_TOO_LONG {
            self.late.store(true, Ordering::Relaxed);
        }
    }

    /// What a command says that a lock keeps out for so long.
    #[track_caller]
    fn kept_out(&self, relation: &str, words: &[&str]) -> Answer {
        let lock = self.lock(relation);
        let child = self.workspace.command(words).spawn();
        self.hold(lock);
        finish(child.expect("the program starts"))
    }

    /// The screen of a run of this workspace.
    fn screen(&self) -> Terminal {
        let url = self.workspace.url();
        let words = ["run", "--database-url", &url, "--live-interval", "0"];
        Launch::drygate([&words[..], &["--profile", &self.profile]].concat())
            .env("DRYGATE_DATA_DIR", self.workspace.data())
            .env("HOME", self.workspace.place().join("home"))
            .env("TMPDIR", self.workspace.place())
            .cwd(&self.workspace.place().join("repository"))
            .size(160, 48)
            .open()
    }

    /// The one run of this workspace.
    #[track_caller]
    fn only_run(&self) -> Value {
        let listed = self.workspace.drygate(&["runs", "--json"]).expect(0).json();
        serde_json::json!({ "run_id": listed["runs"][0]["run_id"] })
    }

    /// The reads of a run while it waits.
    fn reads(&self, run: &Value) -> Vec<Value> {
        let text = self.workspace.journal_text(run);
        // The last line may be on its way.
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        let records = whole.map(|line| serde_json::from_str(line).expect("an object"));
        let read = |record: &Value| record["event"] == "live_read";
        records.filter(read).collect()
    }
}

#[test]
fn a_lock_that_outlasts_the_tries_voids_nothing_at_any_survey_of_a_run() {
    let locked = Locked::new(20);
    let workspace = &locked.workspace;
    let lock = locked.lock(RELATIONS[0]);
    let stopped = Locked::met(locked.run());
    let journal = workspace.journal(&stopped);
    let is_g1 = |record: &Value| record["event"] == "gate_started" && record["gate"] == "G1";
    let g1 = journal.iter().position(is_g1).expect("G1 began");
    locked.assert_nothing_judged(&stopped, g1, 3);
    drop(lock);

    let mut document = workspace.resume(&stopped).expect(3).json();
    for (gate, relation, code) in [("SG1", RELATIONS[2], 3), ("SG2", RELATIONS[6], 0)] {
        let lock = locked.lock(RELATIONS[0]);
        let stopped = Locked::met(workspace.approve(&document, gate));
        drop(lock);
        locked.keeps_away(&stopped, relation);
        let recorded = workspace.events(&stopped, "approval_recorded");
        assert_eq!(recorded.last().expect("kept")["gate"], gate);
        document = workspace.resume(&document).expect(code).json();
    }
    assert_eq!(document["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");

    workspace.cut_back(&document, |record| {
        record["event"] == "state_changed" && record["to"] == "enact_simulated"
    });
    locked.keeps_away(&document, RELATIONS[5]);
    let sealed = workspace.resume(&document).expect(0).json();
    assert_eq!(sealed["non_mutation"]["verdict"], "PROVEN");

    let recheck = ["recheck", text(&sealed["run_id"]), "--headless"];
    let lock = locked.lock(RELATIONS[4]);
    workspace.drygate(&recheck).expect(69);
    drop(lock);
    workspace.drygate(&recheck).expect(0);
}

/// What is looked at before any question is asked, and before the end can be measured.
#[test]
fn a_locked_catalogue_leaves_an_end_unseen_and_costs_no_pass() {
    let locked = Locked::new(20);
    let workspace = &locked.workspace;
    let lock = locked.lock("pg_catalog.pg_aggregate");
    let stopped = Locked::met(locked.run());
    drop(lock);
    let ends = |name: &str| workspace.events(&stopped, name).len();
    assert_eq!(
        (ends("transaction_unseen"), ends("transaction_closed")),
        (3, 0)
    );

    let mut document = workspace.resume(&stopped).expect(3).json();
    for (gate, code) in [("SG1", 3), ("SG2", 0)] {
        document = workspace.approve(&document, gate).expect(code).json();
    }
    let claim = &document["non_mutation"]["claims"]["A"];
    assert_eq!(claim["verdict"], "HOLDS", "{claim}");
    assert!(
        text(&claim["measured"]).contains("3 with unseen end (covered by D)"),
        "{claim}"
    );
}

/// A whole run whose every survey is kept out by a lock on one relation.
fn goes_on_by_itself(locked: &Locked, relation: &str) {
    let workspace = &locked.workspace;
    let lock = locked.lock(relation);
    let mut screen = locked.screen();
    locked.hold(lock);
    screen.wait_for("SG1   ALLOW CUT?");

    let run = locked.only_run();
    let seen = locked.reads(&run).len();
    let lock = locked.lock(relation);
    screen.type_slowly("r");
    locked.hold(lock);
    screen.wait_until("a read", |_| locked.reads(&run).len() > seen);
    let read = &locked.reads(&run)[seen];
    assert_eq!(read["failed"], Value::Null, "{relation}");
    assert_eq!(read["changed"], serde_json::json!([]), "{relation}");
    screen.type_slowly("q");
    assert_eq!(screen.wait_exit(), Exit::Code(3));

    let mut document = workspace.resume(&run).expect(3).json();
    for (gate, code) in [("SG1", 3), ("SG2", 0)] {
        let given = document.clone();
        let answer = locked.kept_out(relation, &approval(&given, gate));
        document = answer.expect(code).json();
    }
    workspace.cut_back(&document, |record| {
        record["event"] == "state_changed" && record["to"] == "enact_simulated"
    });
    let run_id = text(&document["run_id"]);
    let resume = ["resume", run_id, "--headless", "--json"];
    let sealed = locked.kept_out(relation, &resume).expect(0).json();
    assert_eq!(sealed["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    assert_eq!(sealed["non_mutation"]["verdict"], "PROVEN");
    assert_eq!(workspace.events(&sealed, "drift_found"), [] as [Value; 0]);
    locked
        .kept_out(relation, &["recheck", run_id, "--headless"])
        .expect(0);
}

#[test]
fn a_lock_of_nine_seconds_on_any_relation_at_any_survey_is_outwaited() {
    std::thread::scope(|threads| {
        // All at once: they wait nearly all the time.
        for relation in RELATIONS {
            threads.spawn(move || {
                for again in [true, true, false] {
                    // So long that each try is seen to wait.
                    let locked = Locked::new(1_000);
                    let run = AssertUnwindSafe(|| goes_on_by_itself(&locked, relation));
                    match catch_unwind(run) {
                        Err(_) if again && locked.late.load(Ordering::Relaxed) => {}
                        Err(panic) => resume_unwind(panic),
                        Ok(()) => return,
                    }
                }
            });
        }
    });
}

#[test]
fn a_live_read_that_a_lock_keeps_out_is_shown_and_moves_nothing() {
    let locked = Locked::new(20);
    let workspace = &locked.workspace;
    let mut screen = locked.screen();
    screen.wait_for("SG1   ALLOW CUT?");
    let run = locked.only_run();
    let before = workspace.journal(&run).len();
    for relation in [RELATIONS[1], RELATIONS[6]] {
        let seen = locked.reads(&run).len();
        let lock = locked.lock(relation);
        // Everything is read, as it is now and then by itself.
        screen.type_slowly("r");
        screen.wait_until("a read", |_| locked.reads(&run).len() > seen);
        let failed = &locked.reads(&run)[seen]["failed"];
        let why = failed
            .as_str()
            .unwrap_or_else(|| panic!("{relation} was read"));
        assert!(why.contains("locked by another session"), "{why}");
        drop(lock);
        screen.type_slowly("r");
        screen.wait_until("another read", |_| locked.reads(&run).len() > seen + 1);
        let read = &locked.reads(&run)[seen + 1];
        assert_eq!(read["failed"], Value::Null, "{relation}");
        assert_eq!(read["changed"], serde_json::json!([]));
    }
    let since = workspace.journal(&run).split_off(before);
    let moved = [
        "drift_found",
        "check_recorded",
        "stop_raised",
        "evidence_taken",
    ];
    assert!(
        !since
            .iter()
            .any(|record| moved.contains(&text(&record["event"]))),
        "{since:#?}"
    );
    screen.type_slowly("q");
    assert_eq!(screen.wait_exit(), Exit::Code(3));
}

#[test]
fn a_lock_is_no_finding_of_a_survey_without_a_run() {
    let locked = Locked::new(20);
    let lock = locked.lock("public.lifecycle_log");
    locked.with_profile(&["survey"]).expect(69);
    locked.with_profile(&["profile", "check"]).expect(69);
    let doctor = locked.with_profile(&["doctor"]).stdout;
    assert!(doctor.contains("NOT CHECKED  database "), "{doctor}");
    drop(lock);
    locked.with_profile(&["survey"]).expect(0);
}

#[test]
fn a_survey_by_a_role_that_could_write_is_no_success() {
    let workspace = Workspace::new(Scenario::Draft);
    let url = workspace.cluster.url(SUPERUSER, &workspace.database);
    let surveyed = workspace
        .drygate(&["survey", "--database-url", &url])
        .expect(9);
    assert!(
        surveyed.stdout.contains("role_is_read_only=false"),
        "{surveyed:?}"
    );
    assert!(surveyed.stderr.contains("could write here"), "{surveyed:?}");
    let url = workspace.url();
    workspace
        .drygate(&["survey", "--database-url", &url])
        .expect(0);
}
