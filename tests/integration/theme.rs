//! Light and dark by the terminal's answer, the wheel, and whole frames, in a real terminal. Invariant: nothing waits for the
//! answer, and no part of it is a key.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use drygate::postgres::throwaway::Scenario;
use drygate::testing::say;

use crate::support::ground::{Ground, band, wait_at};
use crate::support::pty::Launch;
use crate::support::screen::Screen;

/// The answer of a terminal with a white ground, as terminals send it.
const WHITE: &str = "\u{1b}]11;rgb:ffff/ffff/ffff\u{1b}\\";

fn colour(screen: &Screen) -> vt100::Color {
    screen.style_of("ALLOW CUT?").colour
}

#[test]
fn the_colours_follow_the_answer_of_the_terminal_and_no_part_of_it_is_a_key() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    // Drawn before any answer; the question was asked once, and the wheel was given to the keys.
    assert_eq!(colour(&terminal.screen()), vt100::Color::Idx(3));
    let bytes = String::from_utf8_lossy(&terminal.transcript()).into_owned();
    assert_eq!(bytes.matches("\u{1b}]11;?\u{1b}\\").count(), 1);
    assert_eq!(bytes.matches("\u{1b}[?1007h").count(), 1);
    let footer = terminal.screen().row(47).trim().to_owned();
    terminal.keys(WHITE);
    let light = terminal.wait_until("other colours", |screen| {
        colour(screen) == vt100::Color::Idx(94)
    });
    // Its letters are keys where they arrive as such: `e` would open the evidence, `1` a pane.
    assert!(
        band(&light).starts_with("SG1   ALLOW CUT?"),
        "no key was pressed"
    );
    assert_eq!(light.row(47).trim(), footer, "no key was pressed");
    // A second one was not asked for: its letters are keys like others, and none of them decides.
    terminal.type_slowly("?").wait_for("KEYS");
    terminal.type_slowly("q");
    terminal.wait_exit();
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
}

#[test]
fn a_terminal_that_has_not_answered_for_long_is_not_waited_for_at_the_end() {
    if Command::new("strace").arg("-V").output().is_err() {
        say("strace: NOT CHECKED here");
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let log = place.path().join("polls");
    let data = place.path().join("data");
    let (log_name, data) = (log.display().to_string(), data.display().to_string());
    let words = ["-f", "-qq", "-e", "trace=poll,ppoll", "-o", &log_name];
    let runs = [env!("CARGO_BIN_EXE_drygate"), "runs", "--data-dir", &data];
    let mut terminal = Launch::program("strace", words.into_iter().chain(runs)).open();
    terminal.wait_until("the question and a frame", |screen| {
        !screen.to_string().trim().is_empty()
    });
    let asked = Instant::now();
    while asked.elapsed() < Duration::from_secs(2) {
        terminal.silence();
    }
    terminal.type_slowly("q");
    terminal.wait_exit();
    // What is written when the terminal is given back comes behind the one look at the keys that are there.
    let polls = fs::read_to_string(log).expect("a log");
    let at_the_end: Vec<&str> = polls
        .lines()
        .filter(|line| line.contains("([{fd=0, events=POLLIN}], 1, "))
        .collect();
    assert_eq!(at_the_end.len(), 1, "{polls}");
    assert!(at_the_end[0].contains("tv_nsec=0}"), "{at_the_end:?}");
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
}

#[test]
fn a_theme_that_was_chosen_is_asked_of_nobody() {
    let ground = Ground::new(Scenario::Draft);
    let launch = ground
        .screen("0")
        .env("DRYGATE_THEME", "light")
        .env("DRYGATE_WHEEL", "0");
    let mut terminal = launch.open();
    wait_at(&terminal, "SG1");
    assert_eq!(colour(&terminal.screen()), vt100::Color::Idx(94));
    let bytes = String::from_utf8_lossy(&terminal.transcript()).into_owned();
    assert!(!bytes.contains("\u{1b}]11;"), "nobody is asked");
    assert!(
        !bytes.contains("\u{1b}[?1007h"),
        "the wheel is the terminal's"
    );
    terminal.type_slowly("q");
    terminal.wait_exit();
    assert_eq!(terminal.left_behind(), Vec::<String>::new());
}

#[test]
fn whatever_is_drawn_is_drawn_in_a_synchronized_update() {
    let ground = Ground::new(Scenario::Draft);
    let mut terminal = ground.at_sg1("0");
    terminal.type_slowly("?").wait_for("KEYS");
    terminal.type_slowly("q");
    terminal.wait_exit();
    let bytes = String::from_utf8_lossy(&terminal.transcript()).into_owned();
    let mut updates = bytes.split("\u{1b}[?2026h");
    let mut outside = updates.next().expect("a first part").to_owned();
    let mut drawn = String::new();
    for update in updates {
        let (inside, after) = update.split_once("\u{1b}[?2026l").expect("an end");
        drawn.push_str(inside);
        outside.push_str(after);
    }
    assert!(drawn.contains('┌') && drawn.contains("KEYS"), "{drawn}");
    assert!(!outside.contains('┌'), "{outside}");
}

#[test]
fn a_locale_without_utf_8_gets_frames_that_it_has() {
    let ground = Ground::new(Scenario::Draft);
    let terminal = ground
        .screen("0")
        .env("LANG", "C")
        .env("LC_ALL", "C")
        .open();
    let screen = terminal.wait_for("ALLOW CUT?");
    assert!(screen.to_string().is_ascii(), "{screen}");
}
