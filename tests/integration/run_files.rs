//! The files of a run, as somebody may leave, add, remove or replace them. Invariant: `verify` names each, opens no pipe and no link, and tells what condemns
//! the evidence from what does not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use drygate::postgres::throwaway::Scenario;
use drygate::survey::Digest;
use serde_json::Value;

use super::support::server::{Workspace, text};
use super::verifying::{Copy, kept, passed};

#[track_caller]
fn is_found(copy: &Copy, named: &str) {
    let answer = copy.verify_with(&[]);
    assert_eq!(
        answer.code, 7,
        "{named}: {}{}",
        answer.stdout, answer.stderr
    );
    let finding = |line: &str| line.starts_with("STOP_EVIDENCE_CORRUPT") && line.contains(named);
    assert!(
        answer.stdout.lines().any(finding),
        "{named}: {}",
        answer.stdout
    );
}

#[track_caller]
fn is_said(copy: &Copy, named: &str) {
    let answer = copy.verify_with(&[]).expect(0);
    let said = |line: &str| line.starts_with("beside the evidence: ") && line.contains(named);
    assert!(
        answer.stdout.lines().any(said),
        "{named}: {}",
        answer.stdout
    );
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo is there").success());
}

/// Every name that drygate opens in a run, as a link, a pipe and a directory.
#[test]
fn what_is_no_file_is_named_and_never_opened() {
    let names = [
        "journal.jsonl",
        "HEAD",
        "manifest.sha256",
        "sidecar.json",
        "context.json",
        "reviews.jsonl",
        "hooks.jsonl",
        "LOCK",
        "IMPORTED",
        "IN_STORE",
        "units/1-cut.jsonl",
        "kb/report.json",
        "torn/7",
        "other",
    ];
    for name in names {
        for nth in 0..3 {
            let copy = Copy::of(passed());
            let path = copy.file(name);
            let _ = fs::remove_file(&path);
            fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
            match nth {
                0 => symlink("/dev/zero", &path).expect("a link"),
                1 => pipe(&path),
                _ => fs::create_dir(&path).expect("a directory"),
            }
            is_found(&copy, &format!("{name}: is a "));
        }
    }
    for folder in ["blobs", "units", "kb"] {
        let copy = Copy::of(passed());
        let elsewhere = copy.file("../elsewhere");
        let _ = fs::remove_dir_all(&elsewhere);
        fs::rename(copy.file(folder), &elsewhere).expect("our own folder");
        symlink(&elsewhere, copy.file(folder)).expect("a link");
        is_found(&copy, &format!("{folder}: is a link"));
        fs::remove_dir_all(&elsewhere).expect("our own folder");
    }
}

#[test]
fn a_file_that_no_line_names_is_found_though_the_manifest_lists_it() {
    for (name, named) in [
        ("notes.txt".to_owned(), "notes.txt: has no place in a run"),
        (
            "kb/14-more.md".to_owned(),
            "kb/14-more.md: no line of the journal names it",
        ),
        (
            "kb/more.txt".to_owned(),
            "kb/more.txt: has no place in a run",
        ),
        ("units/9-cut.jsonl".to_owned(), "units/9-cut.jsonl: no line"),
        ("torn/3".to_owned(), "torn/3: no line"),
        (
            format!("blobs/{}", Digest::of("more")),
            "no line of the journal names it",
        ),
        ("blobs/more".to_owned(), "blobs/more: has no place in a run"),
        ("more/file".to_owned(), "more: is a directory"),
    ] {
        let copy = Copy::of(passed());
        let path = copy.file(&name);
        fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
        fs::write(path, "more").expect("a new file");
        copy.seal();
        is_found(&copy, named);
    }
}

/// Blobs that lines name: profile, SSOT documents, context pins, sheets, documents, statements.
#[test]
fn a_blob_that_a_line_names_is_found_missing_though_the_manifest_does_not_list_it() {
    let blobs: Vec<_> = passed()
        .iter()
        .map(|(path, _)| path)
        .filter(|path| path.starts_with("blobs"))
        .collect();
    assert!(blobs.len() > 10, "{blobs:?}");
    for blob in blobs {
        let copy = Copy::of(passed());
        fs::remove_file(copy.file(blob)).expect("our own file");
        copy.seal();
        let name = blob
            .file_name()
            .and_then(|name| name.to_str())
            .expect("UTF-8");
        is_found(&copy, name);
    }
}

#[test]
fn a_sealed_run_without_its_manifest_and_a_run_under_another_name_are_found() {
    let copy = Copy::of(passed());
    fs::remove_file(copy.file("manifest.sha256")).expect("our own file");
    is_found(
        &copy,
        "manifest.sha256: is missing, though the journal ends with run_sealed",
    );

    let workspace = Workspace::new(Scenario::Draft);
    let waiting = workspace.run().expect(3).json();
    let run_id = text(&waiting["run_id"]);
    let other = format!("{}00000000", &run_id[..run_id.len() - 8]);
    let directory = workspace.run_dir(&waiting);
    fs::rename(&directory, directory.with_file_name(&other)).expect("our own directory");
    let renamed = directory.with_file_name(&other).display().to_string();
    for target in [&other, &renamed] {
        let answer = workspace.drygate(&["verify", target]).expect(7);
        let named = format!("the directory is named {other}, its journal is that of {run_id}");
        assert!(answer.stdout.contains(&named), "{}", answer.stdout);
    }
}

/// What a crash leaves behind HEAD of a run that is not sealed is no damage, and is not passed over in silence.
#[test]
fn a_tail_behind_head_is_said() {
    let workspace = Workspace::new(Scenario::Draft);
    let waiting = workspace.run().expect(3).json();
    let run = kept(&workspace, &waiting);
    for tail in [
        &b"\0\0\0\0\0\0\0\0"[..],
        b"{\"v\":1,\"seq\"",
        b"not a line\n",
    ] {
        let copy = Copy::of(&run);
        let mut journal = fs::read(copy.file("journal.jsonl")).expect("a journal");
        let at = journal.len();
        journal.extend_from_slice(tail);
        fs::write(copy.file("journal.jsonl"), journal).expect("our own file");
        is_said(
            &copy,
            &format!("byte {at}: {} bytes behind the last line", tail.len()),
        );
    }
    let copy = Copy::of(&run);
    let lines = copy.lines();
    let sha256 = Digest::of(&lines[lines.len() - 3]);
    let head = format!("{{\"seq\":{},\"sha256\":\"{sha256}\"}}\n", lines.len() - 3);
    fs::write(copy.file("HEAD"), head).expect("our own file");
    is_said(&copy, "2 lines behind HEAD chain");
}

/// Half a line, as a crash leaves it: said, kept, and written past; the sealed run is exported, rechecked and reported as before.
#[test]
fn half_a_line_of_a_side_file_condemns_nothing_and_is_set_aside() {
    let workspace = Workspace::new(Scenario::Draft);
    let sealed = workspace.run_to_the_end().expect(0).json();
    let run_id = text(&sealed["run_id"]);
    let directory = workspace.run_dir(&sealed);
    let half = "{\"v\":1,\"seq\":0,\"at\":\"20";
    for file in ["reviews.jsonl", "hooks.jsonl"] {
        fs::write(directory.join(file), half).expect("a new file");
        let answer = workspace.drygate(&["verify", run_id]).expect(0);
        let said = format!(
            "beside the evidence: {file}, line 1, byte 0: half a line of {} bytes",
            half.len()
        );
        assert!(answer.stdout.contains(&said), "{}", answer.stdout);
    }
    let url = workspace.url();
    workspace
        .drygate(&["recheck", run_id, "--database-url", &url])
        .expect(0);
    workspace.drygate(&["report", run_id]).expect(0);
    let archive = workspace.place().join("run.tar").display().to_string();
    workspace
        .drygate(&["export", run_id, "--output", &archive])
        .expect(0);
    workspace.drygate(&["verify", &archive]).expect(0);
    let writing = drygate::journal::Reviews::new(
        drygate::journal::DirectoryStore::new(
            &workspace.data(),
            drygate::journal::Permissions::private(),
        )
        .expect("a store")
        .storage()
        .clone(),
        &Path::new("runs").join(run_id),
    );
    let by = drygate::testing::values::person("op_a");
    let at = sealed["head"]["seq"]
        .as_u64()
        .map(|_| "2026-11-22T09:14:02Z".parse().expect("a time"));
    let note = writing.write(at.expect("sealed"), by, None, "looked at".to_owned());
    note.expect("a torn tail is no reason to refuse a note");
    let torn = fs::read_to_string(directory.join("reviews.torn")).expect("it is kept");
    assert_eq!(torn, format!("{half}\n"));
    let answer = workspace
        .drygate(&["verify", run_id, "--json"])
        .expect(0)
        .json();
    assert_eq!(answer["notes"][0]["text"], "looked at");
    let beside = answer["beside"].as_array().expect("a list");
    assert!(
        beside
            .iter()
            .all(|said| !text(said).contains("reviews.jsonl")),
        "{answer}"
    );
    assert_eq!(answer["findings"], Value::Array(Vec::new()));
}
