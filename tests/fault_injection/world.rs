//! Runs as processes hold them: begun, taken up, decided, driven to the next stop. Invariant: every process goes through `runner::spawn`, as the program does.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use drygate::audit;
use drygate::audit::FreshResume;
use drygate::journal::{
    DirectoryStore, JournalEntry, JournalError, JournalReader, RunStore, Storage, verify_files,
};
use drygate::run::{
    ApprovalGate, ApprovalRequest, CommandLine, Decision, Event, History, InvocationReturned,
    Person, ProgramFile, RunCreated, RunId, RunState, StopCode, ToolIdentity,
};
use drygate::runner::clock::Clock;
use drygate::runner::target::Target;
use drygate::runner::{
    MessageSink, Patience, Program, RunPlan, RunRecorder, RunnerEnd, RunnerError, RunnerMessage,
    RunnerOptions, TakenUp, fold, resume_copy, spawn,
};
use drygate::survey::{Digest, UtcTime};
use drygate::testing::values;

use super::recording::{Damaged, Replayed, RepositoryReply, Still, profile_with, recording};

/// A clock that a test turns.
#[derive(Debug)]
pub struct TurnedClock {
    pub offset_s: AtomicI64,
    pub boot: Mutex<String>,
    /// Since when the machine runs, and seconds that a test let pass besides.
    pub up: (Instant, AtomicU64),
}

impl TurnedClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            offset_s: AtomicI64::new(0),
            boot: Mutex::new("boot-1".to_owned()),
            up: (Instant::now(), AtomicU64::new(0)),
        })
    }

    /// Time passes.
    pub fn pass(&self, seconds: u32) {
        self.turn(i64::from(seconds));
        self.up.1.fetch_add(u64::from(seconds), Ordering::SeqCst);
    }

    /// Somebody sets the clock.
    pub fn turn(&self, seconds: i64) {
        self.offset_s.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn reboot(&self) {
        "boot-2".clone_into(&mut self.boot.lock().expect("not poisoned"));
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> UtcTime {
        UtcTime::new(jiff::Timestamp::now()).plus_seconds(self.offset_s.load(Ordering::SeqCst))
    }

    fn boot_id(&self) -> String {
        self.boot.lock().expect("not poisoned").clone()
    }

    fn uptime_ms(&self) -> Option<u64> {
        let (since, passed) = &self.up;
        let real = u64::try_from(since.elapsed().as_millis()).ok()?;
        Some(real + 1_000 * passed.load(Ordering::SeqCst))
    }

    fn random(&self) -> u32 {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        NEXT.fetch_add(1, Ordering::SeqCst)
    }
}

pub fn person(user: &str, uid: u32) -> Person {
    Person {
        uid,
        tty: None,
        ..values::person(user)
    }
}

/// Lines that were shown: number and digest. They must never be lost.
pub type Acknowledged = Arc<Mutex<Vec<(u64, Digest)>>>;

/// Hears every notice.
pub type ReceivedMessages = Arc<dyn Fn(&RunnerMessage) + Send + Sync>;

/// The program of every process of a world: never replaced, and a fresh process of it is a call.
struct SameProgram(World);

impl fmt::Debug for SameProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SameProgram")
    }
}

impl Program for SameProgram {
    fn on_disk(&self) -> std::io::Result<ProgramFile> {
        Ok(ProgramFile::Sha256(Digest::of("binary")))
    }

    fn replaced(&self) -> Option<ProgramFile> {
        None
    }

    fn resume_copy(&self, _root: &Path, run_id: &RunId) -> Result<FreshResume, RunnerError> {
        let world = &self.0;
        let (storage, clock) = (world.storage.clone(), world.clock.clone());
        let (person, tool) = (world.person.clone(), values::created().tool);
        match resume_copy(&storage, run_id, person, tool, clock) {
            Ok(fold) => Ok(FreshResume::Answered(Box::new(fold))),
            Err(error) if error.stop_code() == Some(StopCode::StopStorageFailed) => {
                Err(RunnerError::CopyNotResumed(error.to_string()))
            }
            Err(error) => Ok(FreshResume::Failed(error.to_string())),
        }
    }
}

/// The file of the change, where the profile has one: a text that stays.
const CHANGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/enact.sql");

/// One run and the machine that it is on.
#[derive(Clone)]
pub struct World {
    pub storage: Arc<dyn Storage>,
    pub clock: Arc<TurnedClock>,
    pub run_id: RunId,
    pub spoiled: Damaged,
    /// What the profile says beside the built-in one.
    pub tables: &'static str,
    /// What git says.
    pub repository: RepositoryReply,
    /// Whose the processes are.
    pub person: Person,
    pub acknowledged: Acknowledged,
    /// Lines are told on standard error as they are shown.
    pub telling: bool,
    /// Hears what is shown, on the runner's thread.
    pub heard: Option<ReceivedMessages>,
}

impl World {
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        let clock = TurnedClock::new();
        let run_id = RunId::new("ictr", clock.now(), clock.random()).expect("a prefix");
        Self {
            storage,
            clock,
            run_id,
            spoiled: Damaged::default(),
            tables: "",
            repository: recording().repository.clone(),
            person: person("op_a", 1000),
            acknowledged: Acknowledged::default(),
            telling: false,
            heard: None,
        }
    }

    /// The same run on another storage, as a new process sees it.
    pub fn on(&self, storage: Arc<dyn Storage>) -> Self {
        let mut other = self.clone();
        other.storage = storage;
        other
    }

    pub fn store(&self) -> DirectoryStore {
        DirectoryStore::on(self.storage.clone())
    }

    pub fn path(&self) -> PathBuf {
        DirectoryStore::run_path(&self.run_id)
    }

    /// What it is run with.
    pub fn plan(&self) -> RunPlan {
        let (profile, profile_text) = profile_with(self.tables);
        let ssot = profile.ssot.iter().map(|document| {
            let text = document.text.clone().ok_or_else(|| "no text".to_owned());
            (document.name.clone(), text)
        });
        RunPlan {
            ssot: ssot.collect(),
            approvals: drygate::audit::approval_policy(&profile),
            target: Replayed::new(Damaged::default()).identity(),
            person: self.person.clone(),
            tool: ToolIdentity {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                binary_sha256: Some(Digest::of("binary")),
            },
            program: Arc::new(SameProgram(self.clone())),
            repository: None,
            data_root: self.storage.root().to_owned(),
            full_discover: None,
            live_interval_s: None,
            sockets: Vec::new(),
            store_cluster: None,
            store_group: None,
            call: CommandLine::default(),
            last_pass: None,
            profile,
            profile_text,
            profile_directory: PathBuf::from("/"),
        }
    }

    /// Where the runner's notices go.
    pub fn sink(&self) -> MessageSink {
        let acknowledged = self.acknowledged.clone();
        let telling = self.telling;
        let heard = self.heard.clone();
        Box::new(move |notice| {
            if let Some(heard) = &heard {
                heard(&notice);
            }
            if let RunnerMessage::Recorded { recorded, .. } = notice {
                if telling {
                    let mut out = std::io::stderr().lock();
                    writeln!(out, "shown {} {}", recorded.seq, recorded.head)
                        .expect("somebody listens");
                }
                let mut lines = acknowledged.lock().expect("not poisoned");
                lines.push((recorded.seq, recorded.head));
            }
        })
    }

    /// The process that makes the run; it comes back at SG1.
    pub fn begin(&self) -> Result<RunnerEnd, RunnerError> {
        let plan = self.plan();
        let directory = self.store().create(&self.run_id)?;
        directory.blobs().put(plan.profile_text.as_bytes())?;
        let change = audit::run_change(&plan.profile, vec![CHANGE.to_owned()], None, None, None);
        let event = Event::RunCreated(Box::new(RunCreated {
            check_table: audit::check_table(change.as_ref()),
            change,
            run_id: self.run_id.clone(),
            profile_sha256: Digest::of(&plan.profile_text),
            target: plan.target.clone(),
            by: plan.person.clone(),
            approvals: plan.approvals.clone(),
            budget: drygate::audit::run_budget(&plan.profile),
            tool: plan.tool.clone(),
            boot_id: self.clock.boot_id(),
            uptime_ms: self.clock.uptime_ms(),
            ..values::created()
        }));
        let (history, clock) = (History::default(), self.clock.clone());
        let mut recorder = RunRecorder::new(directory, history, clock, self.sink());
        recorder.record(event)?;
        let taken_up = TakenUp {
            resumed: false,
            torn: Vec::new(),
            renewing: false,
            elsewhere: false,
        };
        self.drive(recorder, taken_up, None)
    }

    /// A process that takes the run up: `resume` without a decision, else `approve` or `reject`.
    pub fn take_up(&self, first: Option<ApprovalRequest>) -> Result<RunnerEnd, RunnerError> {
        let (directory, recovery) = self.store().open(&self.run_id)?;
        let run = fold(&directory.reader())?;
        let recorder = RunRecorder::new(directory, run, self.clock.clone(), self.sink());
        let torn = recovery.torn_files.into_iter();
        let taken_up = TakenUp {
            resumed: true,
            torn: torn.map(|torn| (torn.file, torn.bytes)).collect(),
            renewing: first.is_none(),
            elsewhere: false,
        };
        self.drive(recorder, taken_up, first)
    }

    fn drive(
        &self,
        recorder: RunRecorder,
        taken_up: TakenUp,
        first: Option<ApprovalRequest>,
    ) -> Result<RunnerEnd, RunnerError> {
        let spoiled = self.spoiled.clone();
        spawn(
            recorder,
            move || Replayed::new(spoiled),
            Some(Still(self.repository.clone())),
            Arc::new(self.plan()),
            RunnerOptions {
                taken_up,
                first,
                patience: Patience::Return,
                watchers_changed: Box::new(|_| ()),
                at_end: Box::new(|_| ()),
                at_exit: Box::new(|| ()),
            },
        )?
        .join()
    }

    /// An approval of exactly what waits.
    pub fn approval(&self, run: &RunState) -> ApprovalRequest {
        let evidence = run.evidence.as_ref().expect("it waits with evidence");
        ApprovalRequest::approve(evidence.gate, evidence.digest.clone())
    }

    pub fn rejection(&self, gate: ApprovalGate) -> ApprovalRequest {
        ApprovalRequest {
            gate,
            decision: Decision::Reject,
            evidence: None,
            reason: Some("not today".to_owned()),
        }
    }

    fn reader(&self) -> JournalReader {
        self.store().reader(&self.run_id).expect("it is there")
    }

    pub fn entries(&self) -> Vec<JournalEntry<Event>> {
        self.reader()
            .entries::<Event>()
            .expect("the journal verifies")
    }

    pub fn run(&self) -> RunState {
        let history = fold(&self.reader()).expect("a legal journal");
        history.into_run()
    }

    /// `resume`. `None`: there never was a run.
    pub fn resume(&self) -> Option<RunnerEnd> {
        match self.take_up(None) {
            Ok(outcome) => Some(outcome),
            Err(RunnerError::Journal(JournalError::NotFound { .. })) => None,
            Err(RunnerError::Illegal(illegal)) if illegal.why.contains("not created") => None,
            Err(error) => panic!("resume: {error}"),
        }
    }

    /// What a person does who does not give up: resume, approve what waits, until the seal.
    pub fn go_on(&self) -> Option<RunnerEnd> {
        for _ in 0..12 {
            let mut outcome = self.resume()?;
            while outcome.exit_code == 3 {
                let request = self.approval(&outcome.run);
                outcome = self.take_up(Some(request)).expect("it is approved");
            }
            if outcome.run.sealed.is_some() {
                return Some(outcome);
            }
            assert_eq!(
                outcome.exit_code, 4,
                "{}: {}",
                outcome.message, outcome.next
            );
        }
        panic!("the run does not come to an end");
    }

    /// Everything that must be true of a sealed run, whatever happened to it.
    pub fn must_be_whole(&self, context: &str) {
        let found = verify_files(&self.storage, &self.path()).expect("it can be read");
        assert!(found.findings.is_empty(), "{context}: {:?}", found.findings);
        assert!(found.manifest, "{context}: no manifest");
        let entries = self.entries();
        let history = fold(&self.reader()).unwrap_or_else(|error| panic!("{context}: {error}"));
        let run = history.into_run();
        let (profile, _) = profile_with(self.tables);
        let events = entries.iter().map(|e| (e.seq, e.at, &e.event, &e.sha256));
        let recomputed = audit::recompute(Some(&profile), events);
        assert!(
            recomputed.findings.is_empty(),
            "{context}: {:?}",
            recomputed.findings
        );
        self.must_number_returns(&run, &entries, context);
        must_have_raised(&run, context);
        for step in &run.steps {
            let ledger = self.storage.read(&self.path().join(&step.ledger.file));
            let ledger = ledger.expect("readable").expect("the ledger is there");
            assert_eq!(
                Digest::of(ledger),
                step.ledger.sha256,
                "{context}: {}",
                step.ledger.file
            );
        }
        let before = self.tree();
        let again = self.store().open(&self.run_id).map(drop);
        assert!(
            matches!(again, Err(JournalError::Sealed { .. })),
            "{context}: {again:?}"
        );
        assert_eq!(
            self.tree(),
            before,
            "{context}: a resume of a sealed run wrote"
        );
    }

    fn must_number_returns(&self, run: &RunState, entries: &[JournalEntry<Event>], context: &str) {
        let numbers: Vec<u32> = entries
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::InvocationReturned(InvocationReturned { r, .. }) => Some(*r),
                _ => None,
            })
            .collect();
        let expected: Vec<u32> = (1..).take(run.returns.len()).collect();
        assert_eq!(numbers, expected, "{context}");
        let (_, code, _) = run.returns.last().expect("it came back");
        let result = run.sealed.as_ref().expect("sealed");
        assert_eq!(
            code.map_or(0, drygate::run::StopCode::exit_code),
            result.2,
            "{context}: the last return"
        );
    }

    /// Every line that was shown is in the journal as it was shown.
    pub fn must_hold_what_was_acknowledged(&self, context: &str) {
        let journal = self.storage.read(&self.path().join("journal.jsonl"));
        let journal = journal.expect("readable").expect("it is there");
        let lines: Vec<&[u8]> = journal.split(|byte| *byte == b'\n').collect();
        for (seq, head) in self.acknowledged.lock().expect("not poisoned").iter() {
            let line = lines.get(usize::try_from(*seq).expect("small"));
            let line = line.unwrap_or_else(|| panic!("{context}: line {seq} is lost"));
            assert_eq!(Digest::of(line), *head, "{context}: line {seq} is another");
        }
    }

    /// Every file of the run but LOCK.
    pub fn tree(&self) -> Vec<(PathBuf, Digest)> {
        let mut files = Vec::new();
        collect(&*self.storage, &self.path(), &mut files);
        files
    }
}

/// Every stop that the run came to was raised.
fn must_have_raised(run: &RunState, context: &str) {
    use drygate::run::State;
    let raised = |code: &str| run.stops.iter().any(|s| s.stop.stop_code.name() == code);
    let (result, _, code) = run.sealed.as_ref().expect("sealed");
    match run.state {
        State::Rejected => assert!(raised("STOP_APPROVAL_REJECTED"), "{context}"),
        State::Failed => assert!(
            raised("STOP_GATE_FAILED") || raised("STOP_MUTATION_SUSPECTED"),
            "{context}"
        ),
        _ if *code == 4 => assert!(raised("STOP_FACTS_DRIFTED"), "{context}: {result}"),
        _ => {}
    }
    let asked: Vec<&Digest> = run
        .stops
        .iter()
        .filter(|raised| raised.stop.stop_code.name() == "STOP_APPROVAL_REQUIRED")
        .filter_map(|raised| raised.stop.evidence.as_ref())
        .collect();
    for approval in &run.approvals {
        assert!(
            asked.contains(&&approval.evidence),
            "{context}: decided before it was asked"
        );
    }
}

fn collect(storage: &dyn Storage, path: &Path, files: &mut Vec<(PathBuf, Digest)>) {
    use drygate::journal::Kind;
    for listed in storage.list(path).expect("a directory") {
        let below = path.join(&listed.name);
        match listed.kind {
            Kind::Directory => collect(storage, &below, files),
            _ if listed.name == "LOCK" => {}
            _ => {
                let content = storage.read(&below).expect("readable").unwrap_or_default();
                files.push((below, Digest::of(content)));
            }
        }
    }
}
