//! A forger who recomputes the chain, HEAD, manifest and every digest still contradicts the documents.
//! Invariant: what `verify` finds is found offline, in a copy of the run's directory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use drygate::postgres::throwaway::Scenario;
use drygate::survey::Digest;
use serde_json::{Value, json};

use crate::support::rehearsed::{Rehearsed, texts};

/// Rewrites a run's journal and everything that seals it, as somebody would who owns the directory.
fn forge(from: &Path, to: &Path, change: impl Fn(&mut Value)) {
    copy(from, to);
    let text = fs::read_to_string(to.join("journal.jsonl")).expect("a journal");
    let (mut prev, mut lines) = ("0".repeat(64), String::new());
    for line in text.lines() {
        let mut event: Value = serde_json::from_str(line).expect("JSON");
        change(&mut event);
        event["prev"] = json!(prev);
        let written = ascii(&in_order(event));
        prev = Digest::of(&written).to_string();
        lines = lines + &written + "\n";
    }
    let seq = lines.lines().count() - 1;
    fs::write(to.join("journal.jsonl"), &lines).expect("writable");
    let head = json!({"seq": seq, "sha256": prev}).to_string();
    fs::write(to.join("HEAD"), head + "\n").expect("writable");
    let manifest = fs::read_to_string(to.join("manifest.sha256")).expect("sealed");
    let sealed: Vec<String> = manifest
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(_, file)| {
            let bytes = fs::read(to.join(file)).expect("listed");
            format!("{}  {file}\n", Digest::of(bytes))
        })
        .collect();
    fs::write(to.join("manifest.sha256"), sealed.concat()).expect("writable");
}

/// The line with its header first, as the format has it.
fn in_order(mut event: Value) -> String {
    let fields = event.as_object_mut().expect("an object");
    let header: Vec<String> = ["v", "seq", "at", "prev", "event"]
        .into_iter()
        .map(|key| format!("{}:{}", json!(key), fields.remove(key).expect("a header")))
        .collect();
    let body = event.to_string();
    let body = match &body[1..body.len() - 1] {
        "" => String::new(),
        body => format!(",{body}"),
    };
    format!("{{{}{body}}}", header.join(","))
}

fn ascii(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(escaped, "\\u{unit:04x}").expect("text");
            }
        }
    }
    escaped
}

fn copy(from: &Path, to: &Path) {
    let mut folders: BTreeMap<PathBuf, PathBuf> = [(from.to_owned(), to.to_owned())].into();
    while let Some((from, to)) = folders.pop_first() {
        fs::create_dir_all(&to).expect("a folder");
        for entry in fs::read_dir(from).expect("readable").flatten() {
            let (path, copy) = (entry.path(), to.join(entry.file_name()));
            if path.is_dir() {
                folders.insert(path, copy);
            } else {
                fs::copy(path, copy).expect("copied");
            }
        }
    }
}

/// A journal line spoiled, and the words that verify must find it by.
type Forgery = (&'static str, fn(&mut Value), &'static str);

const FORGERIES: [Forgery; 5] = [
    // The reports name the heads of the stops, so other bytes of the same lines give other reports.
    ("nothing but the chain again", |_| {}, "G6 reports_render"),
    (
        "a content digest in every survey",
        |event| {
            if event["event"] == "survey_taken" {
                for fact in event["survey"]["facts"].as_array_mut().expect("facts") {
                    if fact["key"] == "unit_version" {
                        fact["rows"] = json!(59);
                    }
                }
            }
        },
        "unit_version has 60 rows by its document",
    ),
    (
        "a sheet that counts no FAIL and more PASS",
        |event| {
            if event["event"] == "evidence_taken" {
                event["sheet"]["verdict_counts"] = json!([99, 0, 0, 0]);
            }
        },
        "the sheet counts other verdicts",
    ),
    (
        "a sheet of another server",
        |event| {
            if event["event"] == "evidence_taken" {
                event["sheet"]["server"]["database"] = json!("elsewhere");
            }
        },
        "the sheet names another run, round, server",
    ),
    (
        "a detector's answer in G6",
        |event| {
            if event["check"]["name"] == "forbidden_source_mutation" {
                event["check"]["verdict"] = json!("NOT CHECKED");
            }
        },
        "forbidden_source_mutation",
    ),
];

#[test]
fn a_forger_who_recomputes_the_chain_contradicts_the_documents() {
    let rehearsed = Rehearsed::sealed(Scenario::Enacted);
    for (nth, (what, change, words)) in FORGERIES.iter().enumerate() {
        let copy = rehearsed.folder().join(format!("forged-{nth}"));
        forge(&rehearsed.run_directory(), &copy, change);
        let directory = copy.display().to_string();
        let verified = rehearsed.command(&["verify", &directory]);
        let (out, err) = texts(&verified);
        if words.is_empty() {
            assert_eq!(verified.status.code(), Some(0), "{what}: {out}{err}");
        } else {
            assert_eq!(verified.status.code(), Some(7), "{what}: {out}{err}");
            assert!(out.contains(words), "{what}: {out}");
            assert!(out.contains("journal.jsonl, line "), "{what}: {out}");
        }
    }
}

#[test]
fn a_ledger_and_a_document_that_are_gone_or_changed_are_named() {
    let rehearsed = Rehearsed::sealed(Scenario::Draft);
    let verify = |copy: &Path| {
        let verified = rehearsed.command(&["verify", &copy.display().to_string()]);
        assert_eq!(verified.status.code(), Some(7));
        texts(&verified).0
    };
    let copied = |name: &str| {
        let to = rehearsed.folder().join(name);
        copy(&rehearsed.run_directory(), &to);
        to
    };
    let ledger = copied("ledger");
    let path = ledger.join("units/1-enact.jsonl");
    let text = fs::read_to_string(&path).expect("a ledger");
    fs::write(&path, text.replacen("would_enact", "already_enacted", 1)).expect("writable");
    assert!(verify(&ledger).contains("units/1-enact.jsonl"), "not named");

    let journal = rehearsed.journal();
    let evidence = journal
        .iter()
        .find(|event| event["event"] == "evidence_taken");
    let sheet = evidence.expect("evidence")["evidence"]
        .as_str()
        .expect("a digest")
        .to_owned();
    let gone = copied("gone");
    fs::remove_file(gone.join("blobs").join(&sheet)).expect("the sheet");
    let out = verify(&gone);
    assert!(
        out.contains("the evidence sheet is not among the blobs"),
        "{out}"
    );
}
