//! The house as a test: import table, purity, names, lengths and words.
//! Invariant: every rule has a planted offender that turns it red, and what may import what is read from `src/lib.rs`.

#[path = "architecture/named_commands.rs"]
mod named_commands;
#[path = "architecture/named_tests.rs"]
mod named_tests;
#[path = "architecture/offenders.rs"]
mod offenders;
#[path = "architecture/planted.rs"]
mod planted;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/team_words.rs"]
mod team_words;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use source::{code_only, inline_modules, paths};

const LINES_MAX: usize = 500;

/// What a folder must not know, beyond the table of `src/lib.rs`.
const FOREIGN: &[(&[&str], &[&str])] = &[
    (
        &["survey", "simulate", "run", "audit", "profile", "compare"],
        &[
            "tokio",
            "ratatui",
            "crossterm",
            "tokio_postgres",
            "tracing",
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "std::thread",
            "std::sync::mpsc",
            "Instant",
            "SystemTime",
            "Timestamp::now",
            "Zoned::now",
        ],
    ),
    (
        &["journal", "documents", "report", "page", "archive"],
        &["tokio", "ratatui", "crossterm", "tokio_postgres"],
    ),
    (
        &["runner", "replay"],
        &["ratatui", "crossterm", "tokio_postgres"],
    ),
    (&["postgres", "repo"], &["ratatui", "crossterm"]),
    (&["tui"], &["tokio", "tokio_postgres"]),
    (&["cli"], &["tokio", "ratatui", "crossterm"]),
];

const VAGUE_NAMES: &[&str] = &[
    "core", "common", "util", "utils", "helper", "helpers", "app", "imp", "misc",
];
const CLAIMS_TOO_FAR: &[&str] = &["guaranteed", "tamper-proof", "tamperproof"];
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("#[ig", "nore"),
];
const PRINTING: &[&str] = &["println!", "eprintln!", "print!", "eprint!"];
const LIVE_EXECUTION: &[&str] = &["execute_live", "apply_live", "run_live", "enact_live"];

/// Words that nobody searches for, with the term of the field that stands in their place. No type, module or file has one.
const PRIVATE_WORDS: &[(&str, &str)] = &[
    ("audience", "watchers"),
    ("berth", "CPU affinity"),
    ("book", "journal or recorder"),
    ("chronicle", "recorder"),
    ("companion", "side file"),
    ("courtesy", "priority"),
    ("deserted", "hung up"),
    ("desk", "comparison"),
    ("errand", "task"),
    ("found", "the name of what was found"),
    ("guest", "watcher"),
    ("heard", "message"),
    ("manner", "options"),
    ("marks", "inline changes"),
    ("news", "message"),
    ("onlooker", "witness"),
    ("presence", "watchers"),
    ("retelling", "playback"),
    ("retold", "playback"),
    ("seam", "dry seams"),
    ("seen", "the name of what was read"),
    ("shelves", "documents"),
    ("spoil", "damage"),
    ("stain", "violation"),
    ("stretch", "hunk"),
    ("told", "message"),
    ("wakes", "file watcher"),
    ("wish", "effect"),
];
/// The files that hold the table of the keys begin so.
const KEY_TABLE: &str = "src/tui/key_table";
/// Turns what is pressed into the letters of a text.
const TYPING: &[&str] = &["src/tui/typing.rs", "src/tui/background.rs"];
/// What keys are called in a sentence. Letters cannot be told from words; the bands and footers take them from the table.
const KEY_NAMES: &[&str] = &["Esc", "Enter", "Backspace", "PgDn", "PgUp", "Ctrl"];
const LAUNCH_FILES_MAX: usize = 31;

/// A file of the repository: its path from the root, and its text.
type File = (String, String);

/// Who may import whom: folder (or `folder::module`) to what it names, `None` for everything.
type Table = BTreeMap<String, Option<Vec<String>>>;

/// Reads the import table out of the doc comment of `src/lib.rs`.
fn table(lib: &str) -> Table {
    lib.lines()
        // A folder that is private, or not always there, has no page to link to.
        .filter_map(|line| line.strip_prefix("//! | "))
        .map(|line| line.trim_start_matches('['))
        .filter_map(|line| line.strip_prefix('`'))
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let folder = cells.first()?.trim_end_matches(']').trim_end_matches('`');
            let allowed = cells.get(2)?;
            let names = (*allowed != "everything").then(|| {
                let quoted = allowed.split('`').skip(1).step_by(2);
                quoted.map(ToOwned::to_owned).collect()
            });
            Some((folder.to_owned(), names))
        })
        .collect()
}

/// Every breach of every rule, as `path: what is wrong`.
fn violations(files: &[File]) -> Vec<String> {
    let lib = files.iter().find(|(path, _)| path == "src/lib.rs");
    let table = lib.map(|(_, text)| table(text)).unwrap_or_default();
    let mut found = folders_without_a_row(files, &table);
    found.extend(doubled_types(files));
    let launch = files
        .iter()
        .filter(|(path, _)| path.starts_with("src/launch/"));
    let launch = launch.count();
    if launch > LAUNCH_FILES_MAX {
        found.push(format!(
            "src/launch: {launch} files, at most {LAUNCH_FILES_MAX}: one a command and what they share"
        ));
    }
    for (path, text) in files {
        let mut breaches = Vec::new();
        if Path::new(path).extension().is_some_and(|it| it == "rs") {
            let code = code_only(text);
            if path.starts_with("src/") {
                breaches.extend(shape(path, text, &code));
                breaches.extend(imports(path, &code, &table));
                breaches.extend(foreign(path, &code));
                breaches.extend(printing(path, &code));
                breaches.extend(keys(path, text, &code));
                breaches.extend(team_words::team_words(path, text, &code));
            }
            breaches.extend(unfinished(text));
        }
        breaches.extend(words(path, text));
        breaches.extend(private_words(path, text));
        found.extend(
            breaches
                .into_iter()
                .map(|breach| format!("{path}: {breach}")),
        );
    }
    found
}

/// Modules of a file: `src/run/state.rs` is `["run", "state"]`, `src/run/mod.rs` is `["run"]`.
fn modules(path: &str) -> Vec<&str> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let parts = inner.split('/');
    parts
        .filter(|part| !matches!(*part, "mod" | "lib" | "main"))
        .collect()
}

fn folders_without_a_row(files: &[File], table: &Table) -> Vec<String> {
    let mut found: Vec<String> = files
        .iter()
        .filter(|(path, _)| path.starts_with("src/"))
        .filter_map(|(path, _)| modules(path).first().map(|folder| (*folder).to_owned()))
        .filter(|folder| !table.contains_key(folder))
        .map(|folder| format!("src/{folder}: has no row in the import table of src/lib.rs"))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Length, opening line, name, and what a `mod.rs` may hold.
fn shape(path: &str, text: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        found.push(format!("{lines} lines, at most {LINES_MAX}"));
    }
    if !text.starts_with("//! ") {
        found.push("does not open with `//!`, its purpose".to_owned());
    }
    for name in modules(path) {
        if VAGUE_NAMES.contains(&name) {
            found.push(format!("`{name}` names no thing of the trade"));
        }
    }
    if path.ends_with("/mod.rs") {
        found.extend(
            code.split(';')
                .map(without_attributes)
                .filter(|item| !item.is_empty() && !is_declaration(item))
                .map(|item| format!("mod.rs holds more than docs, `mod` and `use`: {item}")),
        );
    }
    found
}

fn without_attributes(item: &str) -> String {
    let lines = item.lines().map(str::trim);
    let is_attribute = |line: &&str| line.starts_with("#[") || line.starts_with("#![");
    let kept: Vec<&str> = lines.filter(|line| !is_attribute(line)).collect();
    kept.join(" ").trim().to_owned()
}

fn is_declaration(item: &str) -> bool {
    let item = ["pub(crate) ", "pub(super) ", "pub "]
        .iter()
        .fold(item, |item, visibility| {
            item.strip_prefix(visibility).unwrap_or(item)
        });
    item.starts_with("use ") || (item.starts_with("mod ") && !item.contains('{'))
}

/// Paths that leave their folder for one that the table does not name.
fn imports(path: &str, code: &str, table: &Table) -> Vec<String> {
    let modules = modules(path);
    let Some(folder) = modules.first() else {
        return Vec::new();
    };
    let nested = modules.iter().take(2).copied().collect::<Vec<_>>();
    let own = [nested.join("::"), (*folder).to_owned()]
        .into_iter()
        .find(|row| table.contains_key(row));
    let Some((own, Some(allowed))) = own.and_then(|own| Some((own.clone(), table.get(&own)?)))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in paths(code) {
        let written = path.segments.join("::");
        let ups = path.segments.iter().take_while(|it| *it == "super").count();
        if ups > 0 && ups >= modules.len() + inline_modules(code, path.at) {
            found.push(format!(
                "`{written}` climbs out of the folder; write `crate::`"
            ));
        }
        if path.segments[0] == "drygate" && path.segments.len() > 1 {
            found.push(format!(
                "`{written}` names the crate from within; write `crate::`"
            ));
        }
        let Some(target) = written.strip_prefix("crate::") else {
            continue;
        };
        let within = |name: &str| target == name || target.starts_with(&format!("{name}::"));
        // Code of tests alone can: the program is built without that feature.
        let for_tests = within("testing");
        // A bug is planted where the right way stands, and that can be anywhere.
        let planted = within("planted");
        if !within(&own) && !for_tests && !planted && !allowed.iter().any(|name| within(name)) {
            found.push(format!("`{own}` may not import `{written}`"));
        }
    }
    found.dedup();
    found
}

/// Crates and parts of the standard library that this folder must not know.
fn foreign(path: &str, code: &str) -> Vec<String> {
    let modules = modules(path);
    let Some(folder) = modules.first() else {
        return Vec::new();
    };
    let rules = FOREIGN
        .iter()
        .filter(|(folders, _)| folders.contains(folder));
    let banned: Vec<&str> = rules.flat_map(|(_, names)| names.iter().copied()).collect();
    let mut found = Vec::new();
    for path in paths(code) {
        for name in &banned {
            let name_segments: Vec<&str> = name.split("::").collect();
            let mut windows = path.segments.windows(name_segments.len());
            if windows.any(|window| window == name_segments) {
                found.push(format!("`{folder}` must not know `{name}`"));
            }
        }
    }
    found.dedup();
    found
}

/// The names of types that code outside of its file can use, with their files: one name stands for one thing.
fn doubled_types(files: &[File]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("src/")) {
        for (visible, name) in types(&code_only(text)) {
            if visible {
                places.entry(name).or_default().push(path);
            }
        }
    }
    places.retain(|_, paths| paths.len() > 1);
    places
        .into_iter()
        .map(|(name, paths)| format!("type `{name}` is defined in {}", paths.join(" and ")))
        .collect()
}

/// The types that a file defines: whether other files can use each, and its name.
fn types(code: &str) -> Vec<(bool, String)> {
    let defined = |line: &str| {
        let line = line.trim_start();
        let (visible, rest) = match line.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => (true, rest.split_once(')')?.1.trim_start()),
            Some(rest) => (true, rest.trim_start()),
            None => (false, line),
        };
        let (kind, rest) = rest.split_once(' ')?;
        if !matches!(kind, "struct" | "enum" | "trait" | "union" | "type") {
            return None;
        }
        let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_');
        let name = &rest[..end.unwrap_or(rest.len())];
        (!name.is_empty()).then(|| (visible, name.to_owned()))
    };
    code.lines().filter_map(defined).collect()
}

/// Types, modules and files of src, tests and benches whose name holds a private word. Events have the names of the contract.
fn private_words(path: &str, text: &str) -> Vec<String> {
    let Some(file) = path
        .strip_suffix(".rs")
        .filter(|path| !path.starts_with("src/run/event/"))
    else {
        return Vec::new();
    };
    let file = file.rsplit('/').next().unwrap_or(file).to_owned();
    let names = types(&code_only(text)).into_iter().map(|(_, name)| name);
    let mut found = Vec::new();
    for name in names.chain([file]) {
        let words = words_of(&name);
        let private = PRIVATE_WORDS
            .iter()
            .filter(|(word, _)| words.iter().any(|it| it == word));
        found.extend(private.map(|(word, term)| format!("`{name}`: \"{word}\" is {term} here")));
    }
    found
}

/// `RunRecorder` and `run_recorder` are `run` and `recorder`.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() {
            words.push(String::new());
        }
        if letter != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn printing(path: &str, code: &str) -> Vec<String> {
    // What tests share is in no program: the counts of faults are for who runs the tests.
    let speaks = ["src/launch/", "src/testing/"];
    if path == "src/main.rs" || speaks.iter().any(|folder| path.starts_with(folder)) {
        return Vec::new();
    }
    let used = PRINTING.iter().filter(|call| has_word(code, call));
    used.map(|call| format!("`{call}`: only main and launch speak"))
        .collect()
}

/// Keys that are compared, and names of keys that are written, beside the table of the keys.
fn keys(path: &str, text: &str, code: &str) -> Vec<String> {
    if path.starts_with(KEY_TABLE) {
        return Vec::new();
    }
    let mut found = Vec::new();
    if !TYPING.contains(&path) && has_word(code, "KeyCode") {
        found.push("`KeyCode`: a key is decided by the key table".to_owned());
    }
    if path.starts_with("src/tui/") {
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = product.lines().map(str::trim_start);
        let written: Vec<&str> = lines.filter(|line| !line.starts_with("//")).collect();
        let named = KEY_NAMES
            .iter()
            .filter(|name| written.iter().any(|line| has_word(line, name)));
        found.extend(named.map(|name| format!("`{name}`: `key_of` knows how a key is called")));
    }
    found
}

fn unfinished(text: &str) -> Vec<String> {
    let marks = UNFINISHED.iter().filter(|mark| has_word(text, mark));
    marks.map(|mark| format!("unfinished: {mark}")).collect()
}

/// Claims that no measurement carries, and code that could carry out `Mode.LIVE`.
fn words(path: &str, text: &str) -> Vec<String> {
    if path.starts_with("tests/") {
        return Vec::new();
    }
    let lower = text.to_lowercase();
    let far = CLAIMS_TOO_FAR.iter().filter(|word| lower.contains(**word));
    let live = LIVE_EXECUTION.iter().filter(|word| lower.contains(**word));
    far.map(|word| format!("claims too much: \"{word}\""))
        .chain(live.map(|word| format!("`{word}`: nothing here carries out Mode.LIVE")))
        .collect()
}

/// Whether `word` stands in the text with no letter, digit or `_` before it or after it.
fn has_word(text: &str, word: &str) -> bool {
    let is_word = |it: Option<char>| it.is_some_and(|it| it.is_alphanumeric() || it == '_');
    text.match_indices(word).any(|(at, _)| {
        !is_word(text[..at].chars().next_back())
            && (word.ends_with('!') || !is_word(text[at + word.len()..].chars().next()))
    })
}

fn collect(root: &Path, folder: &str, into: &mut Vec<File>) {
    let entries = fs::read_dir(root.join(folder)).expect("the folder is part of the repository");
    let mut entries: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().expect("a name").to_string_lossy();
        let inner = format!("{folder}/{name}");
        if path.is_dir() {
            collect(root, &inner, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push((inner, fs::read_to_string(&path).expect("UTF-8 source")));
        }
    }
}

#[test]
fn the_house_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(root, "src", &mut files);
    collect(root, "tests", &mut files);
    let readme = fs::read_to_string(root.join("README.md")).expect("a README");
    files.push(("README.md".to_owned(), readme));
    let mut found = violations(&files);
    found.extend(team_words::unused_names(&files));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_row_of_the_table_has_its_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lib = fs::read_to_string(root.join("src/lib.rs")).expect("the code map");
    let table = table(&lib);
    assert_eq!(
        table["survey"],
        Some(Vec::new()),
        "survey imports nothing of ours"
    );
    assert_eq!(table["launch"], None, "launch imports everything");
    for row in table.keys() {
        let folder = root.join("src").join(row.replace("::", "/"));
        assert!(
            folder.is_dir(),
            "the table names `{row}`, src has no such folder"
        );
    }
}
