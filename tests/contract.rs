//! The contract and the code name the same things. What the code has and `docs/contract.md` does not name turns this red, and so
//! does a citation of a section that does not exist.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use drygate::run::{CheckName, Event, Gate, State, StopCode};
use drygate::tui::keymap::{KeyScope, bindings};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

fn sources(folder: &str, into: &mut Vec<PathBuf>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for entry in fs::read_dir(&root).expect("a folder of the repository") {
        let path = entry.expect("readable").path();
        let inner = format!("{folder}/{}", path.file_name().expect("a name").display());
        if path.is_dir() {
            sources(&inner, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push(path);
        }
    }
}

/// The sections of the contract: number to text.
fn sections() -> BTreeMap<u32, String> {
    let contract = read("docs/contract.md");
    let mut sections = BTreeMap::new();
    for part in contract.split("\n## ").skip(1) {
        let (number, _) = part.split_once(". ").expect("a numbered heading");
        sections.insert(number.parse().expect("a number"), part.to_owned());
    }
    sections
}

/// Fails with every name that no section has in backquotes.
#[track_caller]
fn must_name<'n>(section: u32, what: &str, names: impl IntoIterator<Item = &'n str>) {
    let text = &sections()[&section];
    let missing: Vec<&str> = names
        .into_iter()
        .filter(|name| !text.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/contract.md, section {section}, does not name {what}: {missing:?}"
    );
}

#[test]
fn every_citation_is_of_a_section_that_exists() {
    let sections = sections();
    let mut files = Vec::new();
    for folder in ["src", "benches", "tests"] {
        sources(folder, &mut files);
    }
    let (mut cited, mut wrong) = (0, Vec::new());
    for path in files {
        let text = fs::read_to_string(&path).expect("UTF-8");
        for (at, _) in text.match_indices("contract, section ") {
            let rest = &text[at + "contract, section ".len()..];
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            // A citation that is put together, as in this file, names no section.
            let Ok(number) = digits.parse::<u32>() else {
                continue;
            };
            cited += 1;
            if !sections.contains_key(&number) {
                wrong.push(format!("{}: section {number}", path.display()));
            }
        }
    }
    assert!(cited > 10, "{cited} citations");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_contract_names_every_event() {
    must_name(8, "events", Event::NAMES);
}

#[test]
fn the_contract_names_every_state_stop_and_exit_code() {
    must_name(3, "states", State::ALL.iter().map(|state| state.name()));
    must_name(
        5,
        "stop codes",
        StopCode::ALL.iter().map(|code| code.name()),
    );
    let codes: Vec<String> = StopCode::ALL
        .iter()
        .map(|code| code.exit_code().to_string())
        .collect();
    let text = &sections()[&5];
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    for (stop, code) in StopCode::ALL.iter().zip(&codes) {
        let has = |row: &&str| {
            row.split('|')
                .any(|cell| cell.trim().trim_matches('`') == code)
        };
        assert!(
            rows.iter().any(has),
            "section 5 has no row with exit code {code} of {}",
            stop.name()
        );
    }
}

#[test]
fn the_contract_names_every_check_with_its_gate() {
    let text = &sections()[&4];
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    let missing: Vec<&str> = CheckName::ALL
        .iter()
        .filter(|name| name.gate().is_some())
        .filter(|name| {
            let gate = name.gate().map_or("", Gate::name);
            let is_of =
                |row: &&str| row.contains(&format!("`{}`", name.name())) && row.contains(gate);
            !rows.iter().any(is_of)
        })
        .map(CheckName::name)
        .collect();
    assert!(missing.is_empty(), "section 4 has no row of {missing:?}");
}

#[test]
fn the_contract_names_every_key_of_each_screen() {
    let text = &sections()[&11];
    let mut missing = Vec::new();
    for (scope, screen) in [
        (KeyScope::Run, "run"),
        (KeyScope::Diff, "diff"),
        (KeyScope::Replay, "replay"),
        (KeyScope::Runs, "runs"),
        (KeyScope::Sheet, "sheet"),
        (KeyScope::Typing, "typing"),
    ] {
        let has = |keys: &str| {
            text.lines()
                .filter(|line| line.starts_with("| "))
                .any(|row| {
                    let screens = row.split('|').nth(1).unwrap_or_default();
                    let of_screen = screens
                        .split(',')
                        .any(|it| matches!(it.trim(), it if it == screen || it == "all"));
                    of_screen && row.contains(&format!("`{keys}`"))
                })
        };
        let absent = bindings(scope).filter(|binding| !has(binding.keys));
        missing.extend(
            absent.map(|binding| format!("| {screen} | `{}` | {} |", binding.keys, binding.help)),
        );
    }
    assert!(
        missing.is_empty(),
        "section 11 has no rows:\n{}",
        missing.join("\n")
    );
}

#[test]
fn the_contract_names_every_command_and_flag() {
    let text = &sections()[&10];
    let mut missing = Vec::new();
    let command = drygate::cli::clap_command();
    let mut open = vec![(String::new(), command)];
    while let Some((path, command)) = open.pop() {
        for argument in command.get_arguments().filter(|it| !it.is_hide_set()) {
            if let Some(long) = argument.get_long()
                && !text.contains(&format!("`--{long}"))
                && !text.contains(&format!(" --{long}"))
            {
                missing.push(format!("{path} --{long}"));
            }
        }
        for inner in command
            .get_subcommands()
            .filter(|it| it.get_name() != "help")
        {
            let name = inner.get_name().to_owned();
            if path.is_empty()
                && !text.contains(&format!("`{name}"))
                && !text.contains(&format!("drygate {name}"))
            {
                missing.push(name.clone());
            }
            open.push((format!("{path} {name}"), inner.clone()));
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "section 10 does not name {missing:?}");
}

#[test]
fn what_is_not_built_is_marked_with_the_title_of_its_work() {
    let mut marks: BTreeMap<(u32, String), u32> = BTreeMap::new();
    for (number, text) in sections() {
        for (at, _) in text.match_indices("not built: (") {
            let rest = &text[at + "not built: (".len()..];
            let (title, _) = rest.split_once(')').expect("a closed bracket");
            *marks.entry((number, title.to_owned())).or_default() += 1;
        }
    }
    let mut list = String::new();
    for ((section, title), count) in &marks {
        writeln!(list, "section {section:>2}  {count} x  {title}").expect("a string");
    }
    insta::assert_snapshot!("not_built", list);
}
