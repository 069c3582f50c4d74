//! `scripts/bench` in a copy of the repository whose benches are stand-ins. Invariant: no bench is run and nothing is installed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Notes its call; each bench tells a row, and one of them misses its bar, one tells nothing.
const CARGO: &str = r#"#!/usr/bin/env bash
echo "$*" >>"$CALLS"
[ "$1" = bench ] || exit 1
bench=$(sed -n 's/.*--bench \([a-z]*\).*/\1/p' <<<"$*")
case $bench in
"") exit 0 ;;
grants) echo "| grants anew | 1 s |" >>"$DRYGATE_BENCH_ROWS"; exit 1 ;;
reach) echo "| reach anew | 2 s |" >>"$DRYGATE_BENCH_ROWS" ;;
diff) exit 101 ;;
esac
"#;

/// A document with a hand-written part and the tables of three benches.
fn document() -> String {
    let table = |bench: &str| {
        format!(
            "### {bench}\n\n<!-- {bench}: begin -->\n| {bench} before |\n<!-- {bench}: end -->\n"
        )
    };
    let tables = ["grants", "reach", "diff"].map(table);
    format!(
        "# Results\n\nWhy: the disk.\n\n{}\nBehind them.\n",
        tables.join("\n")
    )
}

struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let copy = Self(tempfile::tempdir().expect("a folder"));
        for folder in ["scripts", "benches", "bin"] {
            fs::create_dir(copy.path(folder)).expect("a new folder");
        }
        for name in [
            "scripts/bench",
            "scripts/build",
            "scripts/progress",
            "Cargo.toml",
        ] {
            copy.install(&PathBuf::from(ROOT).join(name), name);
        }
        fs::write(copy.path("benches/RESULTS.md"), document()).expect("a document");
        fs::write(copy.path("cargo"), CARGO).expect("a program");
        copy.install(&copy.path("cargo"), "bin/cargo");
        copy
    }

    /// Another process writes it: a file that this one has open for writing while it starts a program for another test cannot be
    /// run.
    fn install(&self, from: &Path, name: &str) {
        let mut install = Command::new("install");
        let status = install
            .args(["-m", "755"])
            .arg(from)
            .arg(self.path(name))
            .status();
        assert!(status.expect("install").success(), "{name}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect(name)
    }

    fn bench(&self, benches: &str, peers: &str) -> Output {
        let path = env::var_os("PATH").unwrap_or_default();
        let rest = env::split_paths(&path).collect::<Vec<_>>();
        let all = [vec![self.path("bin")], rest].concat();
        let mut command = Command::new(self.path("scripts/bench"));
        command
            .env("PATH", env::join_paths(all).expect("paths"))
            .env("CALLS", self.path("calls"))
            .env("BENCH", benches)
            .env("PEERS", peers)
            .env_remove("ARGS")
            .env_remove("PROFILE");
        command.output().expect("it starts")
    }
}

#[test]
fn a_part_replaces_its_own_tables_and_goes_on_where_a_bar_is_missed() {
    let copy = Repository::new();
    let output = copy.bench("diff grants reach", "0");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("broke off: diff grants"), "{said}");
    let results = copy.read("benches/RESULTS.md");
    for row in ["| grants anew | 1 s |", "| reach anew | 2 s |"] {
        assert!(results.contains(row), "{row}: {results}");
    }
    for gone in ["grants before", "reach before"] {
        assert!(!results.contains(gone), "{gone}: {results}");
    }
    // It told no row: those of before stay, as does what a person wrote.
    for kept in ["| diff before |", "Why: the disk.", "Behind them."] {
        assert!(results.contains(kept), "{kept}: {results}");
    }
    assert!(results.contains(" cores, "), "the machine: {results}");
    assert!(results.contains("drygate 0."), "the versions: {results}");

    // Once more: what is between the marks is replaced, not added to.
    copy.bench("reach", "0");
    let again = copy.read("benches/RESULTS.md");
    assert_eq!(again.lines().count(), results.lines().count(), "{again}");
    assert!(!copy.read("calls").contains("install"), "PEERS=0");
}

#[test]
fn a_bench_that_does_not_exist_is_refused_before_anything_is_built() {
    let copy = Repository::new();
    let output = copy.bench("grants speed", "0");
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("there is no bench speed"), "{said}");
    assert!(!copy.path("calls").exists(), "nothing was called");
    assert_eq!(copy.read("benches/RESULTS.md"), document());
}
