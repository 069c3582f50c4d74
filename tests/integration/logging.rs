//! The log of `-v` and `--log`. Invariant: it has the milestones and no secret, and a screen never shows a line of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use drygate::postgres::throwaway::Scenario;
use tempfile::tempdir;

use super::reconnecting::{CANARY, with_password};
use super::support::ground::{Ground, wait_at};
use super::support::pty::Launch;
use super::support::server::{files, finish, text};

const MILESTONES: [&str; 11] = [
    " started version=",
    "command=Run",
    "key=\"database_url\"",
    "connecting host=",
    "connected host=",
    "transaction opened purpose=Survey",
    "transaction closed nonce=",
    "state changed seq=",
    "stop raised seq=",
    "hook started",
    " ended exit_code=3",
];

#[test]
fn a_run_is_logged_without_its_password_wherever_that_came_from() {
    let (workspace, passfile) = with_password();
    let url = workspace.url();
    let in_url = format!("{url}&password={CANARY}");
    let passfile = passfile.to_str().expect("UTF-8");
    let profile = workspace.profile("hooked.toml", |profile| {
        format!("{profile}\n[hooks]\non_wait = [\"true\"]\n")
    });
    let ways: [&[(&str, &str)]; 3] = [
        &[("DRYGATE_DATABASE_URL", &in_url)],
        &[("DRYGATE_DATABASE_URL", &url), ("PGPASSWORD", CANARY)],
        &[("DRYGATE_DATABASE_URL", &url), ("PGPASSFILE", passfile)],
    ];
    for (nth, variables) in ways.into_iter().enumerate() {
        let log = workspace.place().join(format!("log-{nth}"));
        let log = log.to_str().expect("UTF-8");
        let words = ["run", "--headless", "--json", "-vv", "--log", log];
        let words = [&words[..], &["--profile", &profile]].concat();
        let mut command = workspace.command(&words);
        command.envs(variables.iter().copied());
        let answer = finish(command.spawn().expect("the program starts")).expect(3);
        let run_id = answer.json()["run_id"].clone();
        let logged = fs::read_to_string(log).expect("a log");
        for milestone in MILESTONES {
            assert!(logged.contains(milestone), "{milestone}: {logged}");
        }
        assert!(
            logged.contains(&format!("run{{run_id=\"{}\"}}", text(&run_id))),
            "{logged}"
        );
        assert_eq!(answer.stderr, logged, "both hear the same");
        assert!(!logged.contains(CANARY), "{logged}");
        let mode = fs::metadata(log).expect("a log").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    for (path, bytes) in files(&workspace.place().join("home")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(CANARY), "{}", path.display());
    }
}

#[test]
fn a_wrong_password_and_its_log_do_not_repeat_it() {
    let (workspace, _) = with_password();
    let wrong = "another-canary";
    let mut command = workspace.command(&["survey", "--headless", "-vv"]);
    command.env("DRYGATE_DATABASE_URL", workspace.url());
    command.env("PGPASSWORD", wrong);
    let answer = finish(command.spawn().expect("the program starts"));
    assert_ne!(answer.code, 0);
    assert!(
        answer.stderr.contains("no connection reason="),
        "{answer:?}"
    );
    assert!(answer.stderr.contains("ERROR"), "{answer:?}");
    assert!(!answer.stderr.contains(wrong), "{answer:?}");
}

#[test]
fn a_log_grows_and_nothing_is_logged_unasked() {
    let place = tempdir().expect("a folder");
    let log = place.path().join("log");
    let data = place.path().join("data");
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_drygate"));
        command.args(words).env("DRYGATE_DATA_DIR", &data);
        command.output().expect("the program starts")
    };
    let log_name = log.to_str().expect("UTF-8");
    assert_eq!(run(&["config", "show"]).stderr, b"");
    for times in 1..=2 {
        assert_eq!(run(&["config", "show", "--log", log_name]).stderr, b"");
        let logged = fs::read_to_string(&log).expect("a log");
        assert_eq!(logged.matches(" started version=").count(), times);
        assert!(!logged.contains("DEBUG"), "{logged}");
    }
    for refused in [place.path().to_str().expect("UTF-8"), "/dev/stderr"] {
        let answer = run(&["config", "show", "--log", refused]);
        assert_eq!(answer.status.code(), Some(64), "{refused}");
    }
}

#[test]
fn a_screen_shows_no_line_of_the_log_and_the_file_has_them() {
    let ground = Ground::new(Scenario::Draft);
    let log = ground.home().place().with_extension("log");
    let args = ground.new_run();
    let flags = ["-vv", "--live-interval", "0", "--data-dir"].map(str::to_owned);
    let home = ground.home().place().display().to_string();
    let file = ["--log".to_owned(), log.display().to_string()];
    let mut terminal = Launch::drygate(args.into_iter().chain(flags).chain([home]).chain(file))
        .size(160, 48)
        .open();
    wait_at(&terminal, "SG1");
    terminal.keys("q").wait_exit();
    let seen = String::from_utf8_lossy(&terminal.transcript()).into_owned();
    let drawn = seen.split("\u{1b}[?1049h").nth(1).expect("the screen");
    let drawn = drawn.split("\u{1b}[?1049l").next().expect("the screen");
    for line in ["drygate::", "transaction opened", "state changed seq"] {
        assert!(!drawn.contains(line), "{line}");
    }
    let logged = fs::read_to_string(log).expect("a log");
    for milestone in ["screen opens", "transaction closed", "screen is closed"] {
        assert!(logged.contains(milestone), "{milestone}: {logged}");
    }
}
