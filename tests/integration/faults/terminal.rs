//! A terminal that dies, is resized, is not read, or whose program gets a signal, in every situation of a screen.
//! Invariant: the program goes on or ends with 128+n in time, the terminal is as it was before, and no approval comes or goes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use drygate::postgres::throwaway::Scenario;
use drygate::testing::{FaultCounts, fault_rounds, fault_seed};
use rustix::process::Signal;
use serde_json::Value;

use super::faulty_link::{Damage, Fault, FaultyLink};
use crate::support::ground::{Home, RunFiles, band, open_sheet, press_enter, type_seen, wait_at};
use crate::support::pty::{Exit, Launch, Terminal, key};
use crate::support::server::{READER, Workspace, files};

/// How long the end may take. It is a part of a second on a quiet machine, and a server that does not answer is not waited for.
const ENDS_WITHIN: Duration = Duration::from_secs(12);

/// What a person has before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Situation {
    /// The first byte was written.
    Starting,
    /// The first survey waits for a server that does not answer.
    Running,
    /// A run waits at SG1.
    Waiting,
    /// The sheet is open, all characters are typed: Enter would approve.
    Sheet,
    /// An approval is recorded, and the server does not answer.
    Pending,
    /// The differences of a run.
    Diff,
    /// A run is played back.
    Replay,
    /// The list of runs.
    List,
}

/// What happens to the terminal or the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TerminalFault {
    /// Its window is closed.
    HangUp,
    /// The same, and nobody sends SIGHUP: a shell that ignores it stands in between.
    SilentHangUp,
    Signal(Signal),
    /// Stopped and continued.
    Suspension,
    /// Sizes that no terminal has, one after the other.
    SizeStorm,
    /// What is written is not taken for a while.
    NotRead,
}

const FAULTS: [(TerminalFault, u8, &str); 9] = [
    (TerminalFault::HangUp, 16, "the terminal is closed"),
    (
        TerminalFault::SilentHangUp,
        16,
        "the terminal is closed without SIGHUP",
    ),
    (
        TerminalFault::Signal(Signal::TERM),
        17,
        "SIGTERM at a screen",
    ),
    (TerminalFault::Signal(Signal::HUP), 17, "SIGHUP at a screen"),
    (TerminalFault::Signal(Signal::INT), 17, "SIGINT at a screen"),
    (
        TerminalFault::Signal(Signal::QUIT),
        17,
        "SIGQUIT at a screen",
    ),
    (
        TerminalFault::Suspension,
        17,
        "SIGTSTP and SIGCONT at a screen",
    ),
    (
        TerminalFault::NotRead,
        18,
        "a terminal is not read for a while",
    ),
    (TerminalFault::SizeStorm, 19, "a storm of sizes"),
];

/// A database, a link to it, and a data directory.
struct Scene {
    workspace: Workspace,
    link: FaultyLink,
    /// The run that the situation is about; null: each time a new one.
    run: Value,
}

impl Scene {
    /// The files that are kept of the runs. The index of the runs is none: it is written while a list is already shown.
    fn kept(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let data = self.workspace.data();
        let mut kept = files(&data);
        kept.retain(|(path, _)| !path.starts_with(data.join("cache")));
        kept
    }

    fn new(situation: Situation) -> Self {
        let workspace = Workspace::new(Scenario::Drift);
        let socket = workspace.cluster.socket_dir().join(".s.PGSQL.5432");
        let mut scene = Self {
            workspace,
            link: FaultyLink::to(socket),
            run: Value::Null,
        };
        let workspace = &scene.workspace;
        scene.run = match situation {
            Situation::Starting | Situation::Running | Situation::Pending => Value::Null,
            Situation::Waiting | Situation::Sheet => {
                let url = scene.url();
                let run = ["run", "--headless", "--json", "--database-url", &url];
                workspace.drygate(&run).expect(3).json()
            }
            Situation::Diff | Situation::Replay | Situation::List => {
                let waiting = workspace.run_to_sg2();
                workspace.sql(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
                workspace.approve(&waiting, "SG2").expect(4).json()
            }
        };
        scene
    }

    fn url(&self) -> String {
        let (port, database) = (self.link.port(), &self.workspace.database);
        format!("postgresql://{READER}@127.0.0.1:{port}/{database}?sslmode=disable")
    }

    fn home(&self) -> Home {
        Home::at(self.workspace.data())
    }

    /// The newest run.
    fn newest(&self) -> Option<RunFiles> {
        let runs = self.workspace.data().join("runs");
        runs.exists().then(|| self.home().runs().pop()).flatten()
    }

    fn launch(&self, situation: Situation, fault: TerminalFault) -> Terminal {
        let url = self.url();
        let run = self.run["run_id"].as_str().unwrap_or_default();
        let words = match situation {
            Situation::Starting | Situation::Running | Situation::Pending => {
                vec!["run", "--database-url", &url, "--live-interval", "0"]
            }
            Situation::Waiting | Situation::Sheet => vec!["resume", run, "--live-interval", "0"],
            Situation::Diff => vec!["diff", run, "--evidence", "SG2"],
            Situation::Replay => vec!["replay", run],
            Situation::List => vec!["runs"],
        };
        let launch = if fault == TerminalFault::SilentHangUp {
            let shell = ["-c", "trap '' HUP; \"$@\"; exit $?", "sh"];
            let program = [env!("CARGO_BIN_EXE_drygate")];
            Launch::program("/bin/sh", [&shell[..], &program, &words].concat())
        } else {
            Launch::drygate(words)
        };
        launch
            .env("DRYGATE_DATA_DIR", self.workspace.data())
            .env("HOME", self.workspace.place().join("home"))
            .env("TMPDIR", self.workspace.place())
            .cwd(&self.workspace.place().join("repository"))
            .size(160, 48)
            .open()
    }

    /// The server answers nothing from the next byte on.
    fn darken(&self) {
        self.link.arm(Some(Fault {
            damage: Damage::BlackHole,
            at: 0,
            mask: 1,
        }));
    }

    /// A screen in this situation.
    #[track_caller]
    fn opened(&self, situation: Situation, fault: TerminalFault) -> Terminal {
        self.link.disarm();
        if situation == Situation::Running {
            self.darken();
        }
        let mut terminal = self.launch(situation, fault);
        match situation {
            Situation::Starting => drop(terminal.wait_more_than(0)),
            Situation::Running => drop(terminal.wait_for("RUNNING")),
            Situation::Waiting => drop(wait_at(&terminal, "SG1")),
            Situation::Sheet | Situation::Pending => {
                wait_at(&terminal, "SG1");
                let digest = open_sheet(&mut terminal);
                type_seen(&mut terminal, &digest[58..]);
                terminal.wait_for("READY  Enter approves now");
                if situation == Situation::Pending {
                    self.darken();
                    press_enter(&mut terminal);
                    terminal.wait_until("the pending approval", |screen| {
                        band(screen).contains("APPROVAL PENDING")
                    });
                }
            }
            Situation::Diff => drop(terminal.wait_for("FACTS MOVED")),
            Situation::Replay => drop(terminal.wait_for("<< REPLAY >>")),
            Situation::List => drop(terminal.wait_for("drift at SG2")),
        }
        terminal
    }
}

/// Sizes that a window manager, a bug or an attacker can come up with.
const SIZES: [(u16, u16); 9] = [
    (1, 1),
    (0, 0),
    (0, 24),
    (80, 0),
    (65_535, 48),
    (2, 65_535),
    (300, 2),
    (59, 15),
    (500, 200),
];

/// Lets it happen; gives the exit code that must follow, if the program must end.
#[track_caller]
fn happen(fault: TerminalFault, terminal: &mut Terminal) -> Option<u32> {
    match fault {
        TerminalFault::HangUp | TerminalFault::SilentHangUp => {
            terminal.hang_up(key::CTRL_L);
            Some(129)
        }
        TerminalFault::Signal(signal) => {
            terminal.signal(signal);
            Some(128 + signal.as_raw().unsigned_abs())
        }
        TerminalFault::Suspension => {
            terminal
                .signal(Signal::TSTP)
                .wait_stopped()
                .wait_given_back();
            assert_eq!(terminal.left_behind(), Vec::<String>::new());
            terminal.signal(Signal::CONT);
            None
        }
        TerminalFault::SizeStorm => {
            for (columns, rows) in SIZES {
                terminal.claim_size(columns, rows);
            }
            None
        }
        TerminalFault::NotRead => {
            terminal.stop_reading();
            // More than a line of this machine holds.
            for columns in [150, 140, 130, 120, 150, 140, 130, 120] {
                terminal.claim_size(columns, 48).keys(key::CTRL_L);
            }
            terminal.resume_reading();
            None
        }
    }
}

/// One fault in one situation, and what must be true after it.
#[track_caller]
fn strike(scene: &Scene, situation: Situation, fault: TerminalFault) {
    let case = format!("{situation:?} {fault:?}");
    let mut terminal = scene.opened(situation, fault);
    let only_read = [Situation::Diff, Situation::Replay, Situation::List].contains(&situation);
    let before = only_read.then(|| scene.kept());
    let began = Instant::now();
    let code = happen(fault, &mut terminal).unwrap_or_else(|| {
        // It goes on: it draws what it is asked to, and then ends as it should.
        terminal.resize(140, 40).resize(160, 48);
        let drawn = terminal.bytes_written();
        terminal.keys(key::CTRL_L).wait_more_than(drawn);
        terminal.signal(Signal::TERM);
        143
    });
    assert_eq!(terminal.wait_exit(), Exit::Code(code), "{case}");
    let took = began.elapsed();
    assert!(took < ENDS_WITHIN, "{case}: {took:?}");
    if !matches!(fault, TerminalFault::HangUp | TerminalFault::SilentHangUp) {
        assert_eq!(terminal.left_behind(), Vec::<String>::new(), "{case}");
    }
    if let Some(before) = before {
        let unchanged = scene.kept() == before;
        assert!(unchanged, "{case}: something was written");
        return;
    }
    let Some(run) = scene.newest() else { return };
    let is_pending = situation == Situation::Pending;
    let asked = if is_pending {
        &["SG1 approve"][..]
    } else {
        &[]
    };
    assert_eq!(run.decisions(), asked, "{case}");
    assert_ne!(run.state(), "awaiting_lifecycle_authorization", "{case}");
    if is_pending {
        // It takes effect once the server answers, without being asked for again.
        scene.link.disarm();
        let resume = ["resume", &run.id(), "--headless", "--json"];
        let resumed = scene.home().script(&resume);
        assert_eq!(resumed.code, 3, "{}", resumed.text);
        assert_eq!(resumed.json["gate"], "SG2");
        assert_eq!(run.decisions(), asked);
    }
}

/// Faults in turn, `fault_rounds` of them.
fn faults_at(situation: Situation) {
    let scene = Scene::new(situation);
    let kinds = FAULTS.len() as u64;
    let rounds = fault_rounds(1, 4 * kinds);
    let first = fault_seed(situation as u64);
    for kind in 0..kinds.min(rounds) {
        let nth = usize::try_from(first.wrapping_add(kind) % kinds).expect("small");
        let (fault, number, words) = FAULTS[nth];
        let counts = FaultCounts::new(number, words);
        for _ in (kind..rounds).step_by(FAULTS.len()) {
            strike(&scene, situation, fault);
            counts.injected();
        }
    }
}

#[test]
fn a_screen_that_starts() {
    faults_at(Situation::Starting);
}

#[test]
fn a_screen_whose_survey_runs() {
    faults_at(Situation::Running);
}

#[test]
fn a_screen_that_waits() {
    faults_at(Situation::Waiting);
}

#[test]
fn a_sheet_that_enter_would_approve() {
    faults_at(Situation::Sheet);
}

#[test]
fn an_approval_that_is_pending() {
    faults_at(Situation::Pending);
}

#[test]
fn a_diff_on_the_screen() {
    faults_at(Situation::Diff);
}

#[test]
fn a_replay_on_the_screen() {
    faults_at(Situation::Replay);
}

#[test]
fn the_list_of_runs() {
    faults_at(Situation::List);
}
