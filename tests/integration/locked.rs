//! A lock that another session holds says nothing of what it keeps away. Invariant: wherever a run meets one it ends with 69, nothing
//! is judged by it, a recorded approval is kept, and once the lock is gone the run goes on to PASS.

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use super::support::server::{Answer, SUPERUSER, Workspace, text};
use super::support::table_lock::TableLock;

/// A workspace with a fact of a table that no content digest covers, and a profile that waits for no lock.
struct Locked {
    workspace: Workspace,
    profile: String,
    table: &'static str,
}

impl Locked {
    fn on(table: &'static str) -> Self {
        let workspace = Workspace::new(Scenario::Draft);
        workspace
            .sql("CREATE TABLE public.queue (id integer); GRANT SELECT ON public.queue TO PUBLIC");
        let profile = workspace.profile("locked.toml", |text| {
            let fact = "\n[[facts]]\nkey = \"queued\"\nlabel = \"queued\"\ntype = \"integer\"\ncount = \"public.queue\"\nlive = true\n\n[[contents]]";
            let text = text.replacen("\n[[contents]]", fact, 1);
            format!("{text}\n[timeouts]\nlock_ms = 20\n")
        });
        Self {
            workspace,
            profile,
            table,
        }
    }

    fn lock(&self) -> TableLock {
        TableLock::on(
            &self.workspace.cluster,
            &self.workspace.database,
            self.table,
        )
    }

    /// A command on this database with this profile.
    fn with_profile(&self, words: &[&str]) -> Answer {
        let url = self.workspace.url();
        let words = [words, &["--profile", &self.profile, "--database-url", &url]].concat();
        self.workspace.drygate(&words)
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

    /// What a run that met the lock recorded: no judgement of any kind, and three transactions more than before.
    #[track_caller]
    fn assert_nothing_judged(&self, document: &Value, before: &[Value]) {
        let journal = self.workspace.journal(document);
        let since = &journal[before.len()..];
        let judged = [
            "check_recorded",
            "gate_finished",
            "drift_found",
            "non_mutation_judged",
            "survey_taken",
        ];
        for record in since {
            let event = text(&record["event"]);
            assert!(!judged.contains(&event), "{}: {record}", self.table);
        }
        let opened = |record: &&Value| record["event"] == "transaction_opened";
        assert_eq!(since.iter().filter(opened).count(), 3, "three tries");
    }
}

/// A whole run that meets the lock at each of its surveys.
#[track_caller]
fn goes_on_to_pass(locked: &Locked) {
    let workspace = &locked.workspace;
    let lock = locked.lock();
    let stopped = Locked::met(locked.with_profile(&["run", "--headless", "--json"]));
    let journal = workspace.journal(&stopped);
    let is_g1 = |record: &Value| record["event"] == "gate_started" && record["gate"] == "G1";
    let g1 = journal.iter().position(is_g1).expect("G1 began");
    locked.assert_nothing_judged(&stopped, &journal[..g1]);
    drop(lock);

    let mut document = workspace.resume(&stopped).expect(3).json();
    for (gate, code) in [("SG1", 3), ("SG2", 0)] {
        let before = workspace.journal(&document);
        let lock = locked.lock();
        let stopped = Locked::met(workspace.approve(&document, gate));
        locked.assert_nothing_judged(&stopped, &before);
        let recorded = workspace.events(&stopped, "approval_recorded");
        assert_eq!(recorded.last().expect("kept")["gate"], gate);
        drop(lock);
        document = workspace.resume(&document).expect(code).json();
    }
    assert_eq!(document["result"], "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");

    workspace.cut_back(&document, |record| {
        record["event"] == "state_changed" && record["to"] == "enact_simulated"
    });
    let before = workspace.journal(&document);
    let lock = locked.lock();
    let stopped = Locked::met(workspace.resume(&document));
    locked.assert_nothing_judged(&stopped, &before);
    drop(lock);
    let sealed = workspace.resume(&document).expect(0).json();
    assert_eq!(sealed["non_mutation"]["verdict"], "PROVEN");

    let recheck = ["recheck", text(&sealed["run_id"]), "--after", "--headless"];
    let lock = locked.lock();
    workspace.drygate(&recheck).expect(69);
    drop(lock);
    let found = workspace.drygate(&recheck).expect(2).stdout;
    assert!(found.contains("not done"), "the prediction alone: {found}");
}

#[test]
fn a_lock_on_a_protected_table_of_the_streams_voids_nothing_of_a_run() {
    goes_on_to_pass(&Locked::on("public.source_version"));
}

#[test]
fn a_lock_on_a_table_of_one_fact_voids_nothing_of_a_run() {
    goes_on_to_pass(&Locked::on("public.queue"));
}

#[test]
fn a_lock_is_no_finding_of_a_survey_without_a_run() {
    let locked = Locked::on("public.lifecycle_log");
    let lock = locked.lock();
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
