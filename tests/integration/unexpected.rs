//! A bug in any thread, as a person sees it. Invariant: the terminal is given back, the exit code is 1, and nothing of the message drives the terminal.

use std::env;

use drygate::launch::end_on_panic;
use drygate::tui::{Guard, TerminalWishes};

use crate::support::pty::{Exit, Launch};

const WHERE: &str = "DRYGATE_TEST_PANICS_IN";
const MESSAGE: &str = "a bug \u{1b}]0;owned\u{7} here";

/// What the other test starts in a terminal: a screen, and a panic in the thread that the environment names.
#[test]
fn a_screen_with_a_bug() {
    let Ok(thread) = env::var(WHERE) else { return };
    end_on_panic();
    let (_guard, _terminal) = Guard::take(TerminalWishes::default()).expect("a terminal");
    if thread == "another" {
        let another = std::thread::spawn(|| panic!("{MESSAGE}"));
        let joined = another.join();
        unreachable!("the process outlived a bug of its runner: {joined:?}");
    }
    panic!("{MESSAGE}");
}

#[test]
fn a_bug_in_any_thread_gives_the_terminal_back_and_ends_with_1() {
    let own = env::current_exe().expect("this program");
    let own = own.to_str().expect("UTF-8");
    for thread in ["its own", "another"] {
        let words = ["--exact", "unexpected::a_screen_with_a_bug", "--nocapture"];
        let terminal = Launch::program(own, words).env(WHERE, thread).open();
        assert_eq!(terminal.wait_exit(), Exit::Code(1), "{thread}");
        assert_eq!(terminal.left_behind(), [""; 0], "{thread}");
        let said = terminal.transcript();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("\u{1b}[?1049h"), "a screen was there: {said}");
        assert!(said.contains("\\u{1b}]0;owned\\u{7}"), "{said}");
        assert!(!said.contains("\u{1b}]0;owned"), "{said}");
        assert!(said.contains("resume goes on with the run"), "{said}");
    }
}
