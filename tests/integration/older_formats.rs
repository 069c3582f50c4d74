//! Runs of the first evidence format, beside those of today. Invariant: a run keeps the format that it was created with, also when another process takes it
//! up, and what two formats digest differently is not comparable, never drift.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drygate::audit::{FreshResume, approval_policy, run_budget};
use drygate::journal::{DirectoryStore, DiskStorage, Permissions, RunStore, Storage};
use drygate::postgres::throwaway::Scenario;
use drygate::postgres::{ConnectionSettings, LibpqEnvironment, LiveReadOnlyDiscoverer};
use drygate::profile;
use drygate::repo::GitRepository;
use drygate::run::{
    ApprovalRequest, CommandLine, Event, History, ProgramFile, RunCreated, RunId, ToolIdentity,
};
use drygate::runner::clock::{Clock, SystemClock};
use drygate::runner::target::Target;
use drygate::runner::{
    Patience, Program, RunPlan, RunRecorder, RunnerEnd, RunnerError, RunnerOptions, TakenUp, fold,
    resume_copy, spawn,
};
use drygate::survey::{Digest, EvidenceFormat};
use drygate::testing::values;
use serde_json::Value;

use super::support::server::{Workspace, text};

/// The processes of one run, as a drygate of the first format made it.
struct First<'w> {
    workspace: &'w Workspace,
    storage: Arc<dyn Storage>,
    run_id: RunId,
    tool: ToolIdentity,
}

/// A program that is never replaced; a fresh process of it is a call.
struct Same(Arc<dyn Storage>, ToolIdentity);

impl fmt::Debug for Same {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Same")
    }
}

fn tool(binary: Option<&str>) -> ToolIdentity {
    ToolIdentity {
        version: "0.1.0".to_owned(),
        binary_sha256: binary.map(Digest::of),
    }
}

impl Program for Same {
    fn on_disk(&self) -> std::io::Result<ProgramFile> {
        Ok(ProgramFile::Sha256(Digest::of("binary")))
    }

    fn replaced(&self) -> Option<ProgramFile> {
        None
    }

    fn resume_copy(&self, _root: &Path, run_id: &RunId) -> Result<FreshResume, RunnerError> {
        let (person, clock) = (values::person("op_a"), Arc::new(SystemClock));
        let fold = resume_copy(&self.0, run_id, person, self.1.clone(), clock)?;
        Ok(FreshResume::Answered(Box::new(fold)))
    }
}

impl<'w> First<'w> {
    /// Makes the run; it waits at SG1.
    fn begun(workspace: &'w Workspace, tool: ToolIdentity) -> (Self, RunnerEnd) {
        let permissions = Permissions::private();
        let storage = DiskStorage::create(&workspace.data(), permissions).expect("ours");
        let clock = SystemClock;
        let first = Self {
            workspace,
            storage: Arc::new(storage),
            run_id: RunId::new("ictr", clock.now(), clock.random()).expect("a prefix"),
            tool,
        };
        let plan = first.plan();
        let mut directory = first.store().create(&first.run_id).expect("made");
        let blobs = directory.blobs();
        blobs.put(plan.profile_text.as_bytes()).expect("kept");
        let event = Event::RunCreated(Box::new(RunCreated {
            run_id: first.run_id.clone(),
            profile_sha256: Digest::of(&plan.profile_text),
            target: plan.target.clone(),
            by: plan.person.clone(),
            approvals: plan.approvals.clone(),
            budget: run_budget(&plan.profile),
            tool: plan.tool.clone(),
            boot_id: clock.boot_id(),
            uptime_ms: clock.uptime_ms(),
            check_table: 1,
            evidence_format: EvidenceFormat::One,
            ..values::created()
        }));
        let at = clock.now();
        let appended = directory.append(at, &event).expect("durable");
        let mut history = History::default();
        let taken = history.take(appended.seq, at, &event, &appended.sha256);
        taken.expect("legal");
        let recorder = RunRecorder::new(directory, history, Arc::new(clock), Box::new(|_| ()));
        let end = first.drive(recorder, false, None);
        (first, end)
    }

    /// Approves what waits.
    fn approve(&self, end: &RunnerEnd) -> RunnerEnd {
        let evidence = end.run.evidence.as_ref().expect("it waits");
        let request = ApprovalRequest::approve(evidence.gate, evidence.digest.clone());
        let (directory, _) = self.store().open(&self.run_id).expect("free");
        let history = fold(&directory.reader()).expect("legal");
        let clock = Arc::new(SystemClock);
        let recorder = RunRecorder::new(directory, history, clock, Box::new(|_| ()));
        self.drive(recorder, true, Some(request))
    }

    fn drive(
        &self,
        recorder: RunRecorder,
        resumed: bool,
        first: Option<ApprovalRequest>,
    ) -> RunnerEnd {
        let (plan, target) = (self.plan(), self.target());
        let options = RunnerOptions {
            taken_up: TakenUp {
                resumed,
                torn: Vec::new(),
                renewing: false,
                elsewhere: false,
            },
            first,
            patience: Patience::Return,
            watchers_changed: Box::new(|_| ()),
            at_end: Box::new(|_| ()),
            at_exit: Box::new(|| ()),
        };
        let make = move || target;
        let repository =
            GitRepository::around(&self.workspace.place().join("repository")).expect("git runs");
        let handle = spawn(
            recorder,
            make,
            Some(repository.expect("a repository")),
            Arc::new(plan),
            options,
        );
        handle.expect("a thread").join().expect("no error")
    }

    fn target(&self) -> LiveReadOnlyDiscoverer {
        let (profile, _) = profile::built_in("icx-const").expect("it is built in");
        let url = self.workspace.url();
        let connection = ConnectionSettings::resolve(Some(&url), &LibpqEnvironment::of(&[]));
        let connection = connection.expect("a url");
        LiveReadOnlyDiscoverer::new(connection, profile, self.run_id.as_str())
            .in_format(EvidenceFormat::One)
    }

    fn plan(&self) -> RunPlan {
        let (profile, text) = profile::built_in("icx-const").expect("it is built in");
        let ssot = profile.ssot.iter().map(|document| {
            let text = document.text.clone().ok_or_else(|| "no text".to_owned());
            (document.name.clone(), text)
        });
        RunPlan {
            ssot: ssot.collect(),
            approvals: approval_policy(&profile),
            target: self.target().identity(),
            store_cluster: None,
            person: values::person("op_a"),
            tool: self.tool.clone(),
            program: Arc::new(Same(self.storage.clone(), self.tool.clone())),
            repository: None,
            data_root: self.storage.root().to_owned(),
            full_discover: None,
            live_interval_s: None,
            sockets: Vec::new(),
            store_group: None,
            call: CommandLine::default(),
            last_pass: None,
            profile_text: text.to_owned(),
            profile_directory: PathBuf::from("/"),
            profile,
        }
    }

    fn store(&self) -> DirectoryStore {
        DirectoryStore::on(self.storage.clone())
    }
}

fn contents(document: &Value) -> Vec<String> {
    let listed = document.as_array().expect("a list").iter();
    listed.map(|fact| text(fact).to_owned()).collect()
}

#[test]
fn a_run_of_the_first_format_that_waits_goes_on_in_it_with_the_program_of_today() {
    let workspace = Workspace::new(Scenario::Enacted);
    // Its program could not be read: else the audit would say that it was replaced meanwhile.
    let (first, end) = First::begun(&workspace, tool(None));
    assert_eq!(end.exit_code, 3, "{}", end.message);
    let waiting = workspace.drygate(&["runs", "--json"]).expect(0).json();
    let waiting = &waiting["runs"][0];
    assert_eq!(waiting["run_id"], first.run_id.as_str());
    // The program of today takes it up, approves and seals it.
    workspace.approve(waiting, "SG1").expect(3);
    let waiting = workspace.drygate(&["runs", "--json"]).expect(0).json();
    let approved = workspace.approve(&waiting["runs"][0], "SG2");
    let approved = approved.expect(11).json();
    assert_eq!(approved["drift"], serde_json::json!([]), "{approved}");
    let run = first.run_id.as_str();
    let verified = workspace
        .drygate(&["verify", run, "--json"])
        .expect(0)
        .json();
    let not_checked = verified["not_checked"].to_string();
    assert!(
        not_checked.contains("with table 1 of the checks"),
        "{not_checked}"
    );
    let journal = first.store().reader(&first.run_id).expect("it is there");
    for entry in journal.walk::<Event>().expect("it reads") {
        if let Event::SurveyTaken(taken) = entry.expect("it chains").event {
            let value = taken
                .survey
                .fact("unit_version")
                .expect("protected")
                .value();
            assert!(!value.starts_with("v2:"), "{value}");
        }
    }
}

#[test]
fn what_two_formats_digest_differently_is_not_comparable() {
    let workspace = Workspace::new(Scenario::Enacted);
    let (first, mut end) = First::begun(&workspace, tool(Some("binary")));
    while end.exit_code == 3 {
        end = first.approve(&end);
    }
    assert!(end.message.contains("_PASS"), "{}", end.message);
    let run = first.run_id.as_str();
    workspace.drygate(&["verify", run]).expect(0);
    // The survey of today has the contents in another format: nothing differs, and not all is comparable.
    let checked = workspace
        .drygate(&["recheck", run, "--json"])
        .expect(11)
        .json();
    assert_eq!(checked["drift"], serde_json::json!([]), "{checked}");
    let said = workspace.drygate(&["recheck", run]).expect(11);
    assert!(said.stdout.contains("not comparable"), "{said:?}");
    // So does the sheet of a new run, whose last PASS it is.
    let waiting = workspace.run().expect(3).json();
    let sheet = workspace
        .run_dir(&waiting)
        .join("blobs")
        .join(text(&waiting["evidence"]));
    let sheet = std::fs::read_to_string(sheet).expect("the sheet");
    let sheet: Value = serde_json::from_str(&sheet).expect("JSON");
    assert_eq!(sheet["last_pass"][0], run);
    let unlike = contents(&sheet["last_pass_not_comparable"]);
    assert!(unlike.contains(&"unit_version".to_owned()), "{unlike:?}");
    let differences = sheet["last_pass_differences"].as_array().expect("a list");
    let differ = differences.iter().map(|one| text(&one["key"]).to_owned());
    let differ: Vec<String> = differ.collect();
    assert!(differ.iter().all(|key| !unlike.contains(key)), "{differ:?}");
}
