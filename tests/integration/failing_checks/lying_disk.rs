//! A disk that gives back other bytes than it took, under a run of the real driver on a real server.
//! Invariant: it lies about `context.json` alone, and only once it is read back.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drygate::journal::{
    DirectoryStore, DiskStorage, Lease, Listed, Permissions, RunStore, Storage, StorageError,
    StorageFile,
};
use drygate::postgres::throwaway::Scenario;
use drygate::postgres::{ConnectionSettings, LibpqEnvironment, LiveReadOnlyDiscoverer};
use drygate::profile::built_in;
use drygate::repo::GitRepository;
use drygate::run::{CommandLine, Event, Gate, History, RunCreated, RunId};
use drygate::runner::clock::{Clock, SystemClock};
use drygate::runner::target::Target;
use drygate::runner::{OwnProgram, Patience, RunPlan, RunRecorder, RunnerOptions, TakenUp, spawn};
use drygate::survey::Digest;
use drygate::testing::values;
use serde_json::Value;

use crate::support::server::Workspace;

#[derive(Debug)]
struct LyingDisk(DiskStorage);

impl Storage for LyingDisk {
    fn root(&self) -> &Path {
        self.0.root()
    }

    fn create_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.0.create_dir(path)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn StorageFile>, StorageError> {
        self.0.create(path)
    }

    fn open_write(&self, path: &Path, offset: u64) -> Result<Box<dyn StorageFile>, StorageError> {
        self.0.open_write(path, offset)
    }

    fn open_read(&self, path: &Path, offset: u64) -> Result<Box<dyn Read + Send>, StorageError> {
        let mut file = self.0.open_read(path, offset)?;
        if !path.ends_with("context.json") {
            return Ok(file);
        }
        let mut text = String::new();
        file.read_to_string(&mut text).expect("our own file");
        let other = text.replacen("\"round\": 1", "\"round\": 2", 1);
        assert_ne!(other, text, "it lies");
        Ok(Box::new(std::io::Cursor::new(other)))
    }

    fn len(&self, path: &Path) -> Result<Option<u64>, StorageError> {
        self.0.len(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.0.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<(), StorageError> {
        self.0.remove(path)
    }

    fn link(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.0.link(from, to)
    }

    fn remove_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.0.remove_dir(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<Listed>, StorageError> {
        self.0.list(path)
    }

    fn sync_dir(&self, path: &Path) -> Result<(), StorageError> {
        self.0.sync_dir(path)
    }

    fn lease(&self, path: &Path) -> Result<Option<Box<dyn Lease>>, StorageError> {
        self.0.lease(path)
    }

    fn written_paths(&self) -> BTreeSet<PathBuf> {
        self.0.written_paths()
    }
}

/// What a process of this test is told.
fn plan(workspace: &Workspace, target: &LiveReadOnlyDiscoverer) -> RunPlan {
    let (profile, text) = built_in("icx-const").expect("it parses");
    let program = OwnProgram::of_process();
    let mut tool = values::created().tool;
    tool.binary_sha256 = program.sha256();
    let ssot = profile.ssot.iter().map(|document| {
        let text = document.text.clone().ok_or_else(|| "no text".to_owned());
        (document.name.clone(), text)
    });
    RunPlan {
        ssot: ssot.collect(),
        approvals: drygate::audit::approval_policy(&profile),
        target: target.identity(),
        store_cluster: None,
        person: values::person("op_a"),
        tool,
        program: Arc::new(program),
        repository: None,
        data_root: workspace.data(),
        full_discover: None,
        live_interval_s: None,
        sockets: Vec::new(),
        store_group: None,
        call: CommandLine::default(),
        last_pass: None,
        profile,
        profile_text: text.to_owned(),
        profile_directory: PathBuf::from("/"),
    }
}

fn target(workspace: &Workspace, run_id: &RunId) -> LiveReadOnlyDiscoverer {
    let (profile, _) = built_in("icx-const").expect("it parses");
    let settings =
        ConnectionSettings::resolve(Some(&workspace.url()), &LibpqEnvironment::default());
    LiveReadOnlyDiscoverer::new(settings.expect("settings"), profile, run_id.as_str())
}

/// The checks of a run of the driver on such a disk.
pub fn context_pins_that_do_not_read_back_fail_g2() -> Vec<Value> {
    let workspace = Workspace::new(Scenario::Draft);
    let disk = DiskStorage::open(&workspace.data(), Permissions::private()).expect("a directory");
    let storage: Arc<dyn Storage> = Arc::new(LyingDisk(disk));
    let clock = Arc::new(SystemClock);
    let run_id = RunId::new("ictr", clock.now(), clock.random()).expect("a prefix");
    let target_of = (target(&workspace, &run_id), run_id.clone());
    let plan = plan(&workspace, &target_of.0);
    let mut directory = DirectoryStore::on(storage).create(&run_id).expect("made");
    let kept = directory.blobs().put(plan.profile_text.as_bytes());
    kept.expect("kept");
    let event = Event::RunCreated(Box::new(RunCreated {
        run_id: run_id.clone(),
        profile_sha256: Digest::of(&plan.profile_text),
        target: plan.target.clone(),
        by: plan.person.clone(),
        approvals: plan.approvals.clone(),
        budget: drygate::audit::run_budget(&plan.profile),
        tool: plan.tool.clone(),
        boot_id: clock.boot_id(),
        uptime_ms: clock.uptime_ms(),
        ..values::created()
    }));
    let at = clock.now();
    let appended = directory.append(at, &event).expect("durable");
    let mut history = History::default();
    let took = history.take(appended.seq, at, &event, &appended.sha256);
    took.expect("legal");
    let recorder = RunRecorder::new(directory, history, clock, Box::new(|_| ()));
    let repository =
        GitRepository::around(&workspace.place().join("repository")).expect("git runs");
    let options = RunnerOptions {
        taken_up: TakenUp {
            resumed: false,
            torn: Vec::new(),
            renewing: false,
            elsewhere: false,
        },
        first: None,
        patience: Patience::Return,
        watchers_changed: Box::new(|_| ()),
        at_end: Box::new(|_| ()),
        at_exit: Box::new(|| ()),
    };
    let run = spawn(
        recorder,
        move || target_of.0,
        repository,
        Arc::new(plan),
        options,
    );
    let ended = run.expect("a thread").join().expect("it ends");
    let g2 = ended.run.gates.get(&Gate::G2).expect("it was judged");
    let checks = serde_json::to_value(g2.checks.as_slice()).expect("plain data");
    checks.as_array().expect("a list").clone()
}
