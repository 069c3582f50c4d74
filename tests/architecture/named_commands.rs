//! Commands that the published figures name: of drygate, of make, and the benches. Invariant: each of them exists.

use std::fs;
use std::path::Path;

use drygate::cli::clap_command;

/// The documents that the suites of faults and of speed write into.
const DOCUMENTS: [&str; 2] = ["benches/RESULTS.md", "docs/RELIABILITY.md"];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// What stands between backquotes, and the lines behind a prompt.
fn commands(document: &str) -> Vec<&str> {
    let quoted = document.lines().filter(|line| !line.starts_with("```"));
    let quoted = quoted.flat_map(|line| line.split('`').skip(1).step_by(2));
    let typed = document.lines().filter_map(|line| line.strip_prefix("$ "));
    quoted.chain(typed).collect()
}

/// Benches of the manifest.
fn benches(manifest: &str) -> Vec<&str> {
    let sections = manifest.split("[[bench]]").skip(1);
    sections
        .filter_map(|section| section.split('"').nth(1))
        .collect()
}

/// Targets of the Makefile.
fn targets(makefile: &str) -> Vec<&str> {
    let phony = makefile
        .lines()
        .find_map(|line| line.strip_prefix(".PHONY:"));
    phony.unwrap_or_default().split_whitespace().collect()
}

/// The first word of a call of drygate that it does not know: a command, or a flag of the command.
fn unknown_of_drygate(words: &[&str]) -> Option<String> {
    let root = clap_command();
    let (mut command, mut rest) = (&root, words);
    while let [word, after @ ..] = rest
        && let Some(inner) = command.find_subcommand(word)
    {
        (command, rest) = (inner, after);
    }
    let (flags, values): (Vec<&str>, Vec<&str>) = rest.iter().partition(|it| it.starts_with("--"));
    // A command with commands below it takes no value in the place of one.
    if command.has_subcommands()
        && let Some(word) = values.first()
    {
        return Some((*word).to_owned());
    }
    let knows = |flag: &str| {
        let arguments = root.get_arguments().chain(command.get_arguments());
        let mut names = arguments.filter_map(clap::Arg::get_long);
        // Those two are made when a line is parsed.
        ["help", "version"].contains(&flag) || names.any(|name| name == flag)
    };
    let unknown = flags.into_iter().find(|flag| {
        let flag = flag.trim_start_matches("--");
        !knows(flag.split_once('=').map_or(flag, |(name, _)| name))
    });
    unknown.map(str::to_owned)
}

/// Everything that a document names and that does not exist.
fn missing(document: &str, manifest: &str, makefile: &str) -> Vec<String> {
    let (benches, targets) = (benches(manifest), targets(makefile));
    let mut missing = Vec::new();
    for call in commands(document) {
        let words: Vec<&str> = call.split_whitespace().collect();
        let unknown = match words.as_slice() {
            ["drygate", words @ ..] => unknown_of_drygate(words),
            ["make", words @ ..] => words
                .iter()
                .take_while(|word| !word.contains('='))
                .find(|target| !targets.contains(target))
                .map(ToString::to_string),
            _ => None,
        };
        missing.extend(unknown.map(|word| format!("`{call}`: {word}")));
        if let Some((_, asked)) = call.split_once("BENCH=") {
            let named = match asked.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next(),
                None => asked.split(' ').next(),
            };
            let named = named.unwrap_or_default().split_whitespace();
            let absent = named.filter(|bench| !benches.contains(bench));
            missing.extend(absent.map(|bench| format!("`{call}`: {bench}")));
        }
    }
    let tables = document.lines().filter_map(|line| {
        let name = line.strip_prefix("<!-- ")?;
        name.strip_suffix(": begin -->")
    });
    // The counts of faults are between such lines as well.
    let absent = tables.filter(|name| *name != "counts" && !benches.contains(name));
    missing.extend(absent.map(|name| format!("the table {name}")));
    missing
}

#[test]
fn every_command_that_the_published_figures_name_exists() {
    let (manifest, makefile) = (read("Cargo.toml"), read("Makefile"));
    for path in DOCUMENTS {
        let document = read(path);
        assert!(!commands(&document).is_empty(), "{path} names nothing");
        let found = missing(&document, &manifest, &makefile);
        assert_eq!(found, Vec::<String>::new(), "{path}");
    }
    let results = read(DOCUMENTS[0]);
    for bench in benches(&manifest) {
        let marks = [
            format!("<!-- {bench}: begin -->"),
            format!("<!-- {bench}: end -->"),
        ];
        let has = |mark: &String| results.lines().any(|line| line == mark);
        assert!(marks.iter().all(has), "no table of {bench}");
    }
}

#[test]
fn a_command_that_does_not_exist_is_named() {
    let (manifest, makefile) = (read("Cargo.toml"), read("Makefile"));
    let found = |text: &str| missing(text, &manifest, &makefile);
    for right in [
        "`drygate survey --json`",
        "`drygate profile check FILE --database-url URL`",
        "`drygate approve last SG1 --digest HEX`",
        "`drygate --version`",
        "$ make bench BENCH=\"screen diff\" ARGS=5",
        "`make torture MINUTES=60`",
        "<!-- screen: begin -->",
    ] {
        assert_eq!(found(right), Vec::<String>::new(), "{right}");
    }
    for (wrong, word) in [
        ("`drygate inspect`", "inspect"),
        ("`drygate survey --frame`", "--frame"),
        ("`drygate profile weigh`", "weigh"),
        ("$ make benches", "benches"),
        ("$ make bench BENCH=\"screen speed\"", "speed"),
        ("`make bench BENCH=speed ARGS=5`", "speed"),
        ("<!-- speed: begin -->", "speed"),
    ] {
        let found = found(wrong);
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert!(found[0].ends_with(word), "{wrong}: {found:?}");
    }
}
