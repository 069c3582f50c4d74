//! What a shell completes, asked of bash itself.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// What bash offers at the end of the words.
fn offered(home: &TempDir, words: &[&str]) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_drygate"));
    let directory = program.parent().expect("it has one");
    let mut path = directory.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let script = "source <(drygate completions bash) && COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMP_TYPE=9 && \
                  _clap_complete_drygate drygate \"${COMP_WORDS[-1]}\" \"${COMP_WORDS[-2]}\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let said = Command::new("bash")
        .args(["-c", script, "bash", "drygate"])
        .args(words)
        .env("PATH", path)
        .env("DRYGATE_DATA_DIR", home.path())
        .output()
        .expect("bash is here");
    let text = String::from_utf8(said.stdout).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn runs_gates_and_profiles_are_completed() {
    let home = tempfile::tempdir().expect("a directory");
    let runs = [
        "ictr-20261128T120000Z-00000001",
        "ictr-20261129T120000Z-00000002",
    ];
    for run in runs {
        std::fs::create_dir_all(home.path().join("runs").join(run)).expect("a new directory");
    }
    assert_eq!(offered(&home, &["approve", "ictr-"]), [runs[1], runs[0]]);
    assert_eq!(offered(&home, &["verify", "las"]), ["last"]);
    assert_eq!(offered(&home, &["approve", "last", "S"]), ["SG1", "SG2"]);
    assert_eq!(offered(&home, &["run", "--profile", "icx"]), ["icx-const"]);
    assert_eq!(offered(&home, &["demo", "--scenario", "dra"]), ["draft"]);
    assert_eq!(offered(&home, &["wat"]), ["watch"]);
}
