//! `drygate demo`: a throwaway PostgreSQL cluster, a scenario, a run on it. The cluster is removed when the run is left; its
//! runs stay, marked as demos.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::thread::JoinHandle;

use super::run::NewRun;
use super::{LaunchError, headless, output, print, run, run_plan, screen};
use crate::cli::{DemoScenario, Origin, Output, Settings};
use crate::postgres::throwaway::{Cluster, ClusterOptions, ClusterOrigin, Scenario};
use crate::postgres::{ConnectionSettings, LibpqEnvironment};
use crate::profile;
use crate::profile::{LoadedProfile, ProfileOrigin};
use crate::repo::throwaway::DemoRepository;
use crate::run::{ApprovalGate, Event};
use crate::runner::{MessageSink, RunnerMessage};

/// Seconds between live reads in the demo.
const LIVE_INTERVAL_S: u32 = 5;
const DATABASE: &str = "kb";
const PLACE_PREFIX: &str = "drygate-demo-";

/// Runs a scenario, `draft` if none is named, or prints its SQL.
pub fn demo(
    settings: &Settings,
    scenario: Option<DemoScenario>,
    print_sql: bool,
) -> Result<u8, LaunchError> {
    let scenario = match scenario.unwrap_or(DemoScenario::Draft) {
        DemoScenario::Enacted => Scenario::Enacted,
        DemoScenario::Draft => Scenario::Draft,
        DemoScenario::Drift => Scenario::Drift,
        DemoScenario::UnsafeRole => Scenario::UnsafeRole,
        DemoScenario::Change => Scenario::Change,
        DemoScenario::Publish => Scenario::Publish,
        DemoScenario::Purge => Scenario::Purge,
        DemoScenario::Undeclared => Scenario::Undeclared,
        DemoScenario::Broken => Scenario::Broken,
    };
    if let Some(named) = not_for_a_demo(settings, scenario, print_sql) {
        return Err(LaunchError::Usage(named));
    }
    if print_sql {
        output::print(&scenario.base_sql())?;
        return Ok(0);
    }
    let store = run_plan::store(settings)?;
    output::say(&format!(
        "Starting a throwaway PostgreSQL with the scenario {scenario} ..."
    ));
    let cluster = Cluster::start(&ClusterOptions {
        // A run of another demo must find another server here.
        origin: ClusterOrigin::Made,
        ..ClusterOptions::default()
    })?;
    cluster.load_scenario(DATABASE, scenario)?;
    let place = tempfile_directory()?;
    let made = match &settings.repo {
        Some(_) => None,
        None => Some(DemoRepository::create(&place.join("repository"))?),
    };
    let repository = match (&settings.repo, &made) {
        (Some(_), _) => run_plan::named_repository(settings)?,
        (None, Some(made)) => run_plan::repository(Some(made.path()))?,
        (None, None) => None,
    };
    let loaded = labelled(scenario, &place)?;
    let connection = ConnectionSettings::resolve(
        Some(&cluster.url(&loaded.profile.target.expected_role, DATABASE)),
        &LibpqEnvironment::of_process(),
    )?;
    let change = run::change(&loaded, &[], None)?;
    let mut target = run::identity(&connection, &loaded.profile);
    // The socket directory of the throwaway server differs each time; two demos of one scenario must have the same target.
    target.host = format!("demo-{scenario}");
    let start = NewRun {
        loaded,
        change,
        // What is approved in a demo is a demo's.
        policy: None,
        connection,
        target,
        repository,
        demo: true,
        live_interval_default_s: LIVE_INTERVAL_S,
    };
    let cluster = Arc::new(cluster);
    let intruder = Intruder::of(&cluster, scenario)?;
    let watched = |sink: MessageSink| intruder.watch(sink);
    let outcome = if settings.headless {
        let sink = watched(headless::sink(settings));
        let owned = run::start(settings, &store, start, &sink)?;
        headless::drive_until_end(settings, owned, sink)
    } else {
        screen::run_new(settings, &store, start, &watched)
    };
    intruder.end();
    if let Some(cluster) = Arc::into_inner(cluster) {
        cluster.stop()?;
    }
    // The repository was made for this demo; if removing it fails, the next demo sweeps it.
    let _ = std::fs::remove_dir_all(&place);
    outcome
}

/// What was asked for by a flag and cannot be had in a demo, as a sentence.
fn not_for_a_demo(settings: &Settings, scenario: Scenario, print_sql: bool) -> Option<String> {
    let flag = |origin: &Origin| matches!(origin, Origin::Flag(_));
    let url = settings.database_url.as_ref();
    if url.is_some_and(|url| flag(&url.origin)) {
        return Some(
            "demo takes no --database-url: it starts a database of its own; `run` is for yours"
                .to_owned(),
        );
    }
    let profile = scenario.profile();
    if flag(&settings.profile.origin) && settings.profile.value != profile {
        let own = Scenario::ALL.into_iter();
        let mut own = own.filter(|it| it.profile() == settings.profile.value);
        let other = own.next_back().map_or_else(String::new, |other| {
            format!("; {} has --scenario {other}", settings.profile.value)
        });
        return Some(format!(
            "the demo {scenario} takes no --profile but {profile}, which its database is made for{other}"
        ));
    }
    (print_sql && settings.output != Output::Text)
        .then(|| "--print-sql prints SQL: it takes neither --json nor --events".to_owned())
}

/// The profile of the scenario, labelled as the demo that it is: nobody should read PRODUCTION over a throwaway cluster. With a change
/// it stands beside its files, in `place`, which goes with the demo.
fn labelled(scenario: Scenario, place: &Path) -> Result<LoadedProfile, LaunchError> {
    let loaded = print::load_profile(scenario.profile())?;
    let mut text = (loaded.text)
        .replacen("label = \"PRODUCTION\"", "label = \"DEMO\"", 1)
        .replacen("color = \"red\"", "color = \"cyan\"", 1);
    text.push_str(scenario.change_policy().unwrap_or_default());
    let mut origin = loaded.origin;
    let files = scenario.change();
    if !files.is_empty() {
        let profile = place.join("profile.toml");
        let profile_file = [("profile.toml", text.as_str())];
        for (name, text) in files.iter().chain(&profile_file) {
            std::fs::write(place.join(name), text)
                .map_err(LaunchError::output("cannot write the demo's change"))?;
        }
        origin = ProfileOrigin::File(profile);
    }
    Ok(LoadedProfile {
        profile: profile::parse(&origin.file(), &text)?,
        text,
        origin,
    })
}

/// Where the demo's repository is made: a directory of this process. Those of demos that were killed go first.
fn tempfile_directory() -> Result<std::path::PathBuf, LaunchError> {
    use std::os::unix::fs::DirBuilderExt;
    sweep_abandoned();
    let name = format!("{PLACE_PREFIX}{}", std::process::id());
    let place = std::env::temp_dir().join(name);
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&place)
        .map_err(LaunchError::output("cannot make a temporary directory"))?;
    Ok(place)
}

/// Removes the directories of demos whose process is gone (ESRCH). What cannot be removed belongs to another account.
fn sweep_abandoned() {
    let Ok(listed) = std::fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in listed.flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.strip_prefix(PLACE_PREFIX)?.parse().ok())
            .and_then(rustix::process::Pid::from_raw);
        let gone = pid.is_some_and(|pid| {
            rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
        });
        if gone {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The other session of the `drift` scenario: changes one unit when SG2 first waits.
struct Intruder {
    waits: mpsc::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Intruder {
    fn of(cluster: &Arc<Cluster>, scenario: Scenario) -> Result<Self, LaunchError> {
        let (waits, heard) = mpsc::channel::<()>();
        let thread = scenario.intrusion_sql().map(|sql| {
            let cluster = cluster.clone();
            let waiting = thread::Builder::new().name("intruder".to_owned());
            waiting.spawn(move || {
                if heard.recv().is_ok()
                    && let Err(error) = cluster.load(DATABASE, sql)
                {
                    output::say(&format!("the other session failed: {error}"));
                }
            })
        });
        let thread = thread.transpose();
        let thread = thread.map_err(LaunchError::shortage("there is no other session"))?;
        Ok(Self { waits, thread })
    }

    /// A sink that also wakes the other session when SG2 stops for a person.
    fn watch(&self, sink: MessageSink) -> MessageSink {
        let waits = self.waits.clone();
        Box::new(move |message| {
            if let RunnerMessage::Recorded { recorded, .. } = &message
                && matches!(&*recorded.event, Event::StopRaised(stop) if stop.gate == Some(ApprovalGate::SG2))
            {
                // The receiver is gone in the other scenarios, and after the first wait.
                let _ = waits.send(());
            }
            sink(message);
        })
    }

    fn end(self) {
        drop(self.waits);
        if let Some(thread) = self.thread {
            // The thread has printed its error itself.
            let _ = thread.join();
        }
    }
}
