//! Standard streams that are closed, full, or no terminal, and terminals that can do nothing. Invariant: each command ends by itself
//! with a code of the contract, or shows its screen; nothing but a screen switches a mode of the terminal, and nothing panics.

use drygate::postgres::throwaway::Scenario;
use drygate::testing::FaultCounts;
use rustix::process::Signal;

use crate::support::pty::{Exit, Launch};
use crate::support::server::{Workspace, text};

/// What a shell makes of the streams, in words, and whether a screen can be shown then.
const STREAMS: [(&str, &str, bool); 9] = [
    ("exec \"$@\" <&-", "standard input is closed", false),
    ("exec \"$@\" >&-", "standard output is closed", false),
    ("exec \"$@\" 2>&-", "standard error is closed", true),
    (
        "exec \"$@\" <&- >&- 2>&-",
        "all standard streams are closed",
        false,
    ),
    (
        "exec \"$@\" </dev/null",
        "standard input has nothing",
        false,
    ),
    ("exec \"$@\" >/dev/full", "standard output is full", false),
    ("exec \"$@\" 2>/dev/full", "standard error is full", true),
    ("unset TERM; exec \"$@\"", "the terminal has no name", true),
    (
        "TERM=dumb LANG=C exec \"$@\"",
        "the terminal can do nothing",
        false,
    ),
];

/// Codes of the contract for a command that reads what is recorded, or that cannot show it.
const FITTING: [u32; 5] = [0, 2, 64, 74, 141];

#[test]
fn a_stream_that_is_not_there_ends_every_command_as_the_contract_says() {
    let workspace = Workspace::new(Scenario::Drift);
    let waiting = workspace.run_to_sg2();
    workspace.sql(Scenario::Drift.intrusion_sql().expect("it has an intruder"));
    let run = workspace.approve(&waiting, "SG2").expect(4).json();
    let run = text(&run["run_id"]);
    let before = workspace.journal_text(&waiting);
    let commands: [(&[&str], &str); 3] = [
        (&["runs"], "drift at SG2"),
        (&["replay", run], "<< REPLAY >>"),
        (&["diff", run, "--evidence", "SG2"], "FACTS MOVED"),
    ];
    for (streams, words, shows) in STREAMS {
        let counts = FaultCounts::new(18, words);
        for (command, screen) in commands {
            let shell = ["-c", streams, "sh", env!("CARGO_BIN_EXE_drygate")];
            let mut terminal = Launch::program("/bin/sh", [&shell, command].concat())
                .env("DRYGATE_DATA_DIR", workspace.data())
                .env("HOME", workspace.place().join("home"))
                .env("TMPDIR", workspace.place())
                .cwd(&workspace.place().join("repository"))
                .size(160, 48)
                .open();
            if shows {
                terminal.wait_for(screen);
                terminal.signal(Signal::TERM);
            }
            let exit = terminal.wait_exit();
            let said = String::from_utf8_lossy(&terminal.transcript()).into_owned();
            let fits = match exit {
                Exit::Code(143) => shows,
                Exit::Code(code) => !shows && FITTING.contains(&code),
                Exit::Signal(_) => false,
            };
            assert!(fits, "{words}: {command:?}: {exit:?}\n{said}");
            assert!(!said.contains("panicked"), "{words}: {command:?}: {said}");
            let drawn = said.contains("\x1b[?");
            assert_eq!(drawn, shows, "{words}: {command:?}: {said:?}");
            let left = terminal.left_behind();
            assert_eq!(left, Vec::<String>::new(), "{words}: {command:?}");
            counts.injected();
        }
    }
    assert_eq!(workspace.journal_text(&waiting), before);
}
