//! `drygate run` and `resume`: a run is made or taken up.
//! Invariant: a sealed run is only read, and answers the same each time (test
//! `after_the_seal_not_one_byte_changes_and_every_answer_is_the_same` of tests/fault_injection/seal.rs).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::run_plan::own_person;
use super::{LaunchError, approve, headless, lookup, output, print, run_plan, screen};
use crate::cli::{CliError, PolicyFile, RunRef, Settings};
use crate::journal::{DirectoryStore, JournalError, RunDirectory, RunStore};
use crate::postgres::throwaway::sweep_abandoned;
use crate::postgres::{ConnectionSettings, LibpqEnvironment, LiveReadOnlyDiscoverer};
use crate::profile::{LoadedProfile, ProfileOrigin};
use crate::rehearsal::RehearsedTarget;
use crate::repo::GitRepository;
use crate::run::{
    Ask, Event, History, Mode, RecordedEvent, RunChange, RunCreated, RunId, RunState,
    TargetIdentity, ToolIdentity, TornTailSetAside,
};
use crate::runner::clock::{Clock, SystemClock};
use crate::runner::target::Target;
use crate::runner::{
    ChangeFileError, MessageSink, RunPlan, RunRecorder, RunnerError, TakenUp, hand_over,
};
use crate::survey::{Digest, EvidenceFormat};
use crate::tui::TakeUp;
use crate::{audit, profile, runner};

/// `drygate run`. `files` and `role` are those of the change, where the command names one.
pub fn run(settings: &Settings, files: &[PathBuf], role: Option<&str>) -> Result<u8, LaunchError> {
    let loaded = print::load_profile(&settings.profile.value)?;
    let change = change(&loaded, files, role)?;
    let policy = crate::cli::machine_policy()?;
    crate::cli::check_approvals(&loaded, policy.as_ref(), settings)?;
    let connection = connection(settings)?;
    let target = identity(&connection, &loaded.profile);
    let repository = run_plan::named_repository(settings)?;
    let store = run_plan::store(settings)?;
    let new = NewRun {
        loaded,
        change,
        policy,
        connection,
        target,
        repository,
        demo: false,
        live_interval_default_s: run_plan::LIVE_INTERVAL_S,
    };
    if !settings.headless {
        return screen::run_new(settings, &store, new, &|sink| sink);
    }
    let sink = headless::sink(settings);
    let owned = start(settings, &store, new, &sink)?;
    headless::drive(settings, owned, sink)
}

/// Refuses a profile of a file whose change is not beside it. A profile without files has them from `run --change`.
pub(super) fn refuse_missing_change(loaded: &LoadedProfile) -> Result<(), LaunchError> {
    let ProfileOrigin::File(_) = loaded.origin else {
        return Ok(());
    };
    let found = runner::declared_change(&loaded.profile, &run_plan::directory(&loaded.origin));
    found.map(drop).map_err(|error| match error {
        ChangeFileError::Unread(message) => LaunchError::Cli(CliError::Configuration {
            place: loaded.origin.file(),
            message,
            hint: "Files of a change are named from the directory of the profile; `run --change FILE` names others."
                .to_owned(),
        }),
        error @ ChangeFileError::Shortage(_) => error.into(),
    })
}

/// The change of a new run: the files that the command names, else what the profile declares.
pub fn change(
    loaded: &LoadedProfile,
    files: &[PathBuf],
    role: Option<&str>,
) -> Result<Option<RunChange>, LaunchError> {
    if !files.is_empty() {
        let named = runner::named_change(&loaded.profile, files, role);
        return Ok(named.map(Some)?);
    }
    let base = run_plan::directory(&loaded.origin);
    let declared = runner::declared_change(&loaded.profile, &base)?;
    if declared
        .as_ref()
        .is_some_and(|change| change.files.is_empty())
    {
        return Err(LaunchError::Usage(
            "the profile has a change without files: name them with --change FILE".to_owned(),
        ));
    }
    Ok(declared)
}

/// What of this machine a change must not see, beside what it never sees.
pub fn hidden(data_root: &Path) -> Vec<PathBuf> {
    let data = data_root.to_owned();
    std::iter::once(data).chain(std::env::home_dir()).collect()
}

/// `drygate resume RUN_ID`.
pub fn resume(settings: &Settings, meant: &RunRef) -> Result<u8, LaunchError> {
    let store = run_plan::store(settings)?;
    let (run_id, found) = take(settings, &store, meant, true)?;
    match found {
        TakenRun::Sealed(run) => {
            let seen = lookup::outcome(&store, &run_id);
            let outcome = runner::sealed(&run, &settings.call, seen.as_ref());
            headless::report(settings, &outcome)?;
            Ok(outcome.exit_code)
        }
        TakenRun::DemoIsOver => Err(LaunchError::DemoIsOver { run_id }),
        TakenRun::Held(locked) => renew_at_holder(settings, &store, &run_id, locked),
        TakenRun::Owned(owned) if settings.headless => {
            headless::drive(settings, *owned, headless::sink(settings))
        }
        TakenRun::Owned(owned) => screen::take_up(settings, *owned, TakeUp::Resume),
    }
}

/// After drift or expiry the process that holds the run takes the new evidence; it keeps the run in every other case.
fn renew_at_holder(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    locked: JournalError,
) -> Result<u8, LaunchError> {
    let socket = runner::socket(store, run_id);
    let mut progress = headless::DecisionProgress::new();
    match socket.map(|socket| hand_over(&socket, &Ask::Renew {}, &mut |reply| progress.hear(reply)))
    {
        Some(Ok((exit_code, summary))) => {
            approve::tell(settings, &summary)?;
            Ok(exit_code)
        }
        Some(Err(_)) | None => Err(locked.into()),
    }
}

/// A run that this process owns, with everything that drives it.
pub struct OwnedRun {
    /// Id of the run.
    pub run_id: RunId,
    /// The locked directory with its journal.
    pub directory: RunDirectory,
    /// The fold of the journal so far.
    pub history: History,
    /// Profile, person, machine and limits.
    pub plan: Arc<RunPlan>,
    /// How to reach the database.
    pub connection: ConnectionSettings,
    /// What G0 looks at.
    pub repository: Option<GitRepository>,
    /// How this process came to it.
    pub taken_up: TakenUp,
}

impl OwnedRun {
    /// What records the run; each line goes to `sink` too.
    pub fn recorder(directory: RunDirectory, history: History, sink: MessageSink) -> RunRecorder {
        RunRecorder::new(directory, history, Arc::new(SystemClock), sink)
    }

    /// A maker of the target, for the runner's thread.
    pub fn target(&self) -> impl FnOnce() -> RehearsedTarget + Send + 'static {
        let connection = self.connection.clone();
        let profile = self.plan.profile.clone();
        let run_id = self.run_id.clone();
        let created = self.history.run().created.as_deref();
        // A run that was created by an earlier version goes on in its format: its pin can be compared with nothing else.
        let format = created.map_or(EvidenceFormat::NEWEST, |created| created.evidence_format);
        let role = self.history.run().change();
        let role = role.map(|change| change.role.clone());
        let hidden = hidden(&self.plan.data_root);
        let copies = self.history.run().copies_on_disk();
        move || {
            if copies {
                // Rows that the process before left on this machine, before it is recorded that another one goes on.
                sweep_abandoned();
            }
            let run_id = run_id.as_str();
            let discoverer =
                LiveReadOnlyDiscoverer::new(connection.clone(), profile.clone(), run_id);
            let discoverer = discoverer.in_format(format).for_role(role.as_deref());
            RehearsedTarget::new(discoverer, connection, profile, run_id, hidden)
        }
    }
}

/// How to reach the database of the settings.
pub fn connection(settings: &Settings) -> Result<ConnectionSettings, LaunchError> {
    let url = settings
        .database_url
        .as_ref()
        .map(|url| url.value.reveal().to_owned());
    Ok(ConnectionSettings::resolve(
        url.as_deref(),
        &LibpqEnvironment::of_process(),
    )?)
}

/// How to reach the database of a run: that of the settings where one is named, else the recorded one.
pub fn connection_of(
    settings: &Settings,
    created: &RunCreated,
) -> Result<ConnectionSettings, LaunchError> {
    match &settings.database_url {
        Some(_) => connection(settings),
        None => Ok(ConnectionSettings::resolve_recorded(
            &created.target.reconnect,
            &LibpqEnvironment::of_process(),
        )?),
    }
}

/// The target as it may be shown.
pub fn identity(connection: &ConnectionSettings, profile: &profile::Profile) -> TargetIdentity {
    LiveReadOnlyDiscoverer::new(connection.clone(), profile.clone(), "identity").identity()
}

/// What a new run is started with.
pub struct NewRun {
    /// The profile with its text and origin.
    pub loaded: LoadedProfile,
    /// The change itself, if the run has one.
    pub change: Option<RunChange>,
    /// The policy of this machine, which the profile can only tighten.
    pub policy: Option<PolicyFile>,
    /// How to reach the database.
    pub connection: ConnectionSettings,
    /// The target as it is shown.
    pub target: TargetIdentity,
    /// What G0 looks at.
    pub repository: Option<GitRepository>,
    /// Whether the run is a demo, which cannot be resumed.
    pub demo: bool,
    /// Seconds between live reads, where nobody says otherwise.
    pub live_interval_default_s: u32,
}

/// Makes a new run: directory, lock, first record.
pub fn start(
    settings: &Settings,
    store: &DirectoryStore,
    start: NewRun,
    sink: &MessageSink,
) -> Result<OwnedRun, LaunchError> {
    run_plan::must_reach_store(settings, store)?;
    let clock = SystemClock;
    let NewRun {
        mut loaded,
        change,
        policy,
        connection,
        target,
        repository,
        demo,
        live_interval_default_s,
    } = start;
    if let Some(PolicyFile { policy, .. }) = &policy {
        loaded.profile = loaded.profile.under(policy);
    }
    must_show_its_account(&loaded.profile, store)?;
    run_plan::refuse_profile(&loaded, repository.as_ref())?;
    let run_id = RunId::new(&loaded.profile.run_prefix, clock.now(), clock.random())?;
    let profile_file = match &loaded.origin {
        ProfileOrigin::BuiltIn(_) => None,
        ProfileOrigin::File(path) => std::path::absolute(path).ok(),
    };
    let mut plan = run_plan::plan(
        settings,
        store,
        loaded,
        target,
        repository.as_ref(),
        live_interval_default_s,
    )?;
    plan.last_pass = lookup::last_pass(store, &plan.profile.name, &plan.target.address());
    let mut directory = store.create(&run_id)?;
    plan.sockets = runner::own_sockets(store, &run_id, plan.store_group.is_some());
    // Before the first line, which names its digest.
    directory.blobs().put(plan.profile_text.as_bytes())?;
    if let Some(policy) = &policy {
        directory.blobs().put(policy.text.as_bytes())?;
    }
    let event = Event::RunCreated(Box::new(RunCreated {
        run_id: run_id.clone(),
        mode: Mode::Dryrun,
        profile: plan.profile.name.clone(),
        profile_file: profile_file.map(|path| path.display().to_string()),
        profile_sha256: Digest::of(&plan.profile_text),
        result_prefix: plan.profile.result_prefix.clone(),
        gate_labels: plan.profile.gate_labels(change.is_some()),
        words: Some(plan.profile.words.clone()),
        target: plan.target.clone(),
        by: plan.person.clone(),
        approvals: plan.approvals.clone(),
        budget: audit::run_budget(&plan.profile),
        demo,
        store_group: plan.store_group.clone(),
        tool: plan.tool.clone(),
        boot_id: clock.boot_id(),
        uptime_ms: clock.uptime_ms(),
        repository: plan.repository.clone(),
        check_table: audit::check_table(change.as_ref()),
        without_units: plan.profile.units().is_none(),
        policy_sha256: policy.map(|policy| Digest::of(&policy.text)),
        evidence_format: EvidenceFormat::NEWEST,
        change,
    }));
    let at = clock.now();
    let appended = directory.append(at, &event)?;
    let mut history = History::default();
    let taken = history.take(appended.seq, at, &event, &appended.sha256);
    taken.map_err(RunnerError::from)?;
    tracing::info!(%run_id, "run created");
    sink(crate::runner::RunnerMessage::Recorded {
        recorded: RecordedEvent {
            seq: appended.seq,
            at,
            event: Arc::new(event),
            head: appended.sha256,
        },
        line: appended.line.into(),
    });
    Ok(OwnedRun {
        run_id,
        directory,
        history,
        plan: Arc::new(plan),
        connection,
        repository,
        taken_up: TakenUp {
            resumed: false,
            torn: Vec::new(),
            renewing: false,
            elsewhere: false,
        },
    })
}

/// Where a profile asks who somebody is, the process that records it must be seen as the account that it is of.
/// Where the run store attests who it is, the account need not.
fn must_show_its_account(
    profile: &profile::Profile,
    store: &DirectoryStore,
) -> Result<(), LaunchError> {
    let asks = profile.approvals.needs_group();
    match asks.filter(|_| store.shared().is_none()) {
        Some(key) => match own_person()?.account_doubt {
            Some(doubt) => Err(LaunchError::Refused(format!(
                "approvals.{key} asks who somebody is, and this process {}, where an account does not tell: go on outside of it",
                doubt.says()
            ))),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

/// What `take` found.
pub enum TakenRun {
    /// This process owns the run now.
    Owned(Box<OwnedRun>),
    /// The run is sealed: it can only be read.
    Sealed(Box<RunState>),
    /// A demo that was left: its database is gone, so it can only be read.
    DemoIsOver,
    /// Another process holds it.
    Held(JournalError),
}

/// Takes a run up, if it is neither sealed nor held.
pub fn take(
    settings: &Settings,
    store: &DirectoryStore,
    meant: &RunRef,
    renewing: bool,
) -> Result<(RunId, TakenRun), LaunchError> {
    let run_id = lookup::resolve(store, meant)?;
    if store.is_sealed(&run_id)? {
        let history = lookup::history(store, &run_id)?;
        return Ok((run_id, TakenRun::Sealed(Box::new(history.into_run()))));
    }
    run_plan::must_reach_store(settings, store)?;
    let (directory, recovery) = match store.open(&run_id) {
        Ok(opened) => opened,
        // The lock, not the socket, decides who owns the run.
        Err(error @ JournalError::Locked { .. }) => {
            tracing::info!(%run_id, why = ?error.to_string(), "another process holds the run");
            return Ok((run_id, TakenRun::Held(error)));
        }
        Err(error) => return Err(error.into()),
    };
    tracing::info!(%run_id, "run taken up");
    // A crash may have come after a tail was set aside and before that was recorded.
    let mut named = BTreeSet::new();
    let history = runner::fold_with(&directory.reader(), &mut |entry| {
        if let Event::TornTailSetAside(TornTailSetAside { file, .. }) = &entry.event {
            named.insert(file.clone());
        }
    })?;
    let run = history.run();
    if run.is_demo() {
        return Ok((run_id, TakenRun::DemoIsOver));
    }
    let torn = recovery
        .torn_files
        .into_iter()
        .filter(|torn| !named.contains(&torn.file))
        .map(|torn| (torn.file, torn.bytes))
        .collect();
    let Some(created) = run.created.clone() else {
        return Err(LaunchError::NeverBegun { run_id });
    };
    let (text, profile) = print::recorded_profile(&run_id, &created, &directory.blobs())?;
    must_show_its_account(&profile, store)?;
    // The recorded text counts, whatever the file holds by now; only its documents are found beside it.
    let file = created.profile_file.clone();
    let file = file.unwrap_or_else(|| format!("profile of {run_id}"));
    let origin = ProfileOrigin::File(file.into());
    let loaded = LoadedProfile {
        profile,
        text,
        origin,
    };
    let connection = connection_of(settings, &created)?;
    let named = settings.database_url.is_some();
    let elsewhere = named && connection.reconnect() != created.target.reconnect;
    let repository = match &settings.repo {
        Some(_) => run_plan::named_repository(settings)?,
        None if is_elsewhere(store, created.repository.as_deref()) => run_plan::repository(None)?,
        // What git says against it is heard where it is looked at.
        None => created
            .repository
            .clone()
            .map(|directory| GitRepository::at(directory.into())),
    };
    let mut plan = run_plan::plan(
        settings,
        store,
        loaded,
        created.target.clone(),
        repository.as_ref(),
        run_plan::LIVE_INTERVAL_S,
    )?;
    plan.last_pass = lookup::last_pass(store, &plan.profile.name, &plan.target.address());
    plan.sockets = runner::own_sockets(store, &run_id, plan.store_group.is_some());
    let owned = OwnedRun {
        run_id: run_id.clone(),
        directory,
        history,
        plan: Arc::new(plan),
        connection,
        repository,
        taken_up: TakenUp {
            resumed: true,
            torn,
            renewing,
            elsewhere,
        },
    };
    Ok((run_id, TakenRun::Owned(Box::new(owned))))
}

/// Whether a run of a run store names a work tree that this machine does not have: its members have their own.
fn is_elsewhere(store: &DirectoryStore, repository: Option<&str>) -> bool {
    store.shared().is_some() && repository.is_some_and(|recorded| !Path::new(recorded).is_dir())
}

/// What the fresh process of G4 does: it resumes the copy of a run below the data directory, and prints what it folded.
pub fn resume_copy(settings: &Settings, run_id: &RunId) -> Result<u8, LaunchError> {
    let store = run_plan::local_store(settings)?;
    let tool = ToolIdentity {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        // The process that started this one has compared the files.
        binary_sha256: None,
    };
    let storage = store.storage().clone();
    let clock = Arc::new(SystemClock);
    let fold = runner::resume_copy(&storage, run_id, own_person()?, tool, clock)?;
    output::document(&fold)?;
    Ok(0)
}
