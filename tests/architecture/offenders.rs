//! One planted offender for each rule, and the innocent that looks most like it. Invariant: one offence, one finding.

use super::{File, LAUNCH_FILES_MAX, LINES_MAX, UNFINISHED, violations};

const LIB: &str = "//! Map.\n\
    //! | folder | what | may import |\n\
    //! | [`survey`] | seen | nothing of ours |\n\
    //! | [`runner`] | does | `survey` |\n\
    //! | [`postgres`] | asks | `survey`, `runner::target` |\n\
    //! | [`tui`] | shown | `survey` |\n\
    //! | [`launch`] | root | everything |\n";

fn judged(path: &str, text: &str) -> Vec<String> {
    let files: Vec<File> = vec![
        ("src/lib.rs".to_owned(), LIB.to_owned()),
        (path.to_owned(), text.to_owned()),
    ];
    violations(&files)
}

#[track_caller]
fn red(path: &str, text: &str, because: &str) {
    let found = judged(path, text);
    assert_eq!(found.len(), 1, "{path} {text:?}: {found:#?}");
    assert!(found[0].contains(because), "{found:#?} lacks {because:?}");
}

#[track_caller]
fn green(path: &str, text: &str) {
    let found = judged(path, text);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn an_arrow_that_climbs() {
    red(
        "src/survey/fact.rs",
        "//! F.\nuse crate::tui::theme;",
        "may not import `crate::tui",
    );
    red(
        "src/tui/x.rs",
        "//! F.\nuse crate::{survey::fact, runner::handle};",
        "crate::runner",
    );
    red(
        "src/tui/x.rs",
        "//! F.\nfn f() { crate::runner::handle::g() }",
        "crate::runner",
    );
    red(
        "src/postgres/x.rs",
        "//! F.\nuse crate::runner::driver;",
        "runner::driver",
    );
    red(
        "src/survey/fact.rs",
        "//! F.\nuse super::super::tui;",
        "climbs",
    );
    red("src/survey/mod.rs", "//! F.\nuse super::tui;", "climbs");
    red(
        "src/survey/fact.rs",
        "//! F.\nuse drygate::tui;",
        "from within",
    );
    green(
        "src/postgres/x.rs",
        "//! F.\nuse crate::runner::target::Target;",
    );
    green(
        "src/tui/x.rs",
        "//! F.\nuse crate::{survey::fact, tui::theme};\n// crate::runner",
    );
    green(
        "src/survey/fact.rs",
        "//! F.\nmod tests {\n use super::super::digest;\n}",
    );
    green("src/launch/demo.rs", "//! F.\nuse crate::tui::theme;");
    green("src/survey/fact.rs", "//! F.\nuse crate::planted::planted;");
}

#[test]
fn a_folder_that_knows_too_much() {
    red(
        "src/survey/fact.rs",
        "//! F.\nuse std::{fs, fmt};",
        "std::fs",
    );
    red(
        "src/survey/fact.rs",
        "//! F.\nuse std::time::{Duration, Instant};",
        "Instant",
    );
    red(
        "src/survey/fact.rs",
        "//! F.\nfn f() { jiff::Timestamp::now(); }",
        "Timestamp::now",
    );
    red(
        "src/runner/driver.rs",
        "//! F.\nuse tokio_postgres::Client;",
        "tokio_postgres",
    );
    red(
        "src/postgres/x.rs",
        "//! F.\nuse ratatui::Frame;",
        "ratatui",
    );
    red("src/tui/x.rs", "//! F.\nuse tokio::sync::watch;", "tokio");
    green("src/runner/driver.rs", "//! F.\nuse tokio::sync::watch;");
    green("src/survey/fact.rs", "//! F.\nuse std::time::Duration;");
}

#[test]
fn a_file_out_of_shape() {
    red("src/tui/x.rs", "use std::fmt;", "does not open");
    red(
        "src/tui/x.rs",
        &"//! F.\n".repeat(LINES_MAX + 1),
        "lines, at most",
    );
    green("src/tui/x.rs", &"//! F.\n".repeat(LINES_MAX));
    red("src/tui/utils.rs", "//! F.", "`utils`");
    red("src/tui/common/x.rs", "//! F.", "`common`");
    red(
        "src/tui/mod.rs",
        "//! F.\npub mod a;\nfn f() {}",
        "mod.rs holds",
    );
    red("src/tui/mod.rs", "//! F.\nmod tests { }", "mod.rs holds");
    green(
        "src/tui/mod.rs",
        "//! F.\n#[cfg(unix)]\nmod a;\npub use a::{\n    B,\n    C,\n};",
    );
    green(
        "src/tui/mod.rs",
        "//! F.\n\n#![deny(clippy::x)]\n\nmod a;\npub use a::B;",
    );
    red(
        "src/tui/mod.rs",
        "//! F.\n\n#![deny(clippy::x)]\n\nfn f() {}",
        "mod.rs holds",
    );
    red("src/novel/x.rs", "//! F.", "no row");
}

#[test]
fn words_that_must_not_be_written() {
    red(
        "src/tui/x.rs",
        "//! F.\n// It is guaranteed.",
        "claims too much",
    );
    red("README.md", "A tamper-proof journal.", "claims too much");
    red(
        "src/launch/x.rs",
        "//! F.\nfn execute_live() {}",
        "Mode.LIVE",
    );
    for mark in UNFINISHED {
        red("src/tui/x.rs", &format!("//! F.\n// {mark}"), "unfinished");
        red("tests/x.rs", &format!("//! F.\n// {mark}"), "unfinished");
    }
}

#[test]
fn a_library_that_prints() {
    red(
        "src/tui/x.rs",
        "//! F.\nfn f() { eprintln!(\"a\") }",
        "only main and launch",
    );
    green("src/main.rs", "//! F.\nfn f() { eprintln!(\"a\") }");
    red(
        "src/tui/testing.rs",
        "//! F.\nfn f() { println!(\"a\") }",
        "only main and launch",
    );
    green(
        "src/tui/x.rs",
        "//! F.\n// println!\nfn f() -> &'static str { \"print!\" }",
    );
}

#[test]
fn a_key_beside_the_table() {
    let compares = "//! F.\nfn f(code: KeyCode) -> bool { code == KeyCode::Up }";
    red("src/tui/keys.rs", compares, "decided by the key table");
    red("src/launch/x.rs", compares, "decided by the key table");
    green("src/tui/key_table_runs.rs", compares);
    green("src/tui/typing.rs", compares);
    let says = "//! F.\nfn f() -> &'static str {\n\"Esc closes\"\n}";
    red("src/tui/screens/x.rs", says, "`Esc`: `key_of`");
    green("src/tui/key_table.rs", says);
    green("src/launch/x.rs", says);
    green(
        "src/tui/screens/x.rs",
        "//! Enter.\nfn f() {\n// Esc\n\"Escape\"\n}\n#[cfg(test)]\nmod tests { const A: &str = \"Esc\"; }",
    );
}

#[test]
fn a_type_name_for_two_things() {
    let files = |second: &str| -> Vec<File> {
        vec![
            ("src/lib.rs".to_owned(), LIB.to_owned()),
            (
                "src/survey/a.rs".to_owned(),
                "//! A.\npub struct Row;".to_owned(),
            ),
            ("src/survey/b.rs".to_owned(), format!("//! B.\n{second}")),
        ]
    };
    let found = violations(&files("pub(super) enum Row {}"));
    assert_eq!(
        found,
        ["type `Row` is defined in src/survey/a.rs and src/survey/b.rs"]
    );
    assert!(violations(&files("enum Row {}\npub struct Rows;")).is_empty());
}

#[test]
fn a_private_word() {
    red("src/survey/x.rs", "//! F.\nstruct RowSeen;", "seen");
    red("src/survey/desk.rs", "//! F.", "comparison");
    green(
        "src/survey/x.rs",
        "//! F.\n// Seen by nobody.\nstruct Seenless; fn desk() {}",
    );
}

#[test]
fn a_crowd_in_launch() {
    let mut files: Vec<File> = vec![("src/lib.rs".to_owned(), LIB.to_owned())];
    files.extend(
        (0..=LAUNCH_FILES_MAX).map(|nth| (format!("src/launch/c{nth}.rs"), "//! C.".to_owned())),
    );
    assert_eq!(violations(&files).len(), 1);
    files.pop();
    assert!(violations(&files).is_empty());
}

#[test]
fn a_word_of_one_team() {
    let says = "//! F.\nconst SAYS: &str = \"CUT is simulated\";";
    red("src/tui/x.rs", says, "\"CUT\": a word of one team");
    red(
        "src/launch/x.rs",
        "//! F.\nfn f() -> &'static str { \"unit_version\" }",
        "unit_version",
    );
    green(
        "src/tui/x.rs",
        "//! CUT.\nconst SAYS: &str = \"cut_simulated\";",
    );
    green("src/postgres/throwaway/x.rs", says);
}
