//! Golden runs, one of each version of the journal's format, kept for ever (`tests/golden/README.md`). Invariant: what an old
//! run says never changes; what its screens look like changes only on purpose.
//!
//! `decisions.json` is never updated: where it differs, the program has changed and old runs would be read otherwise.
//! The frames are snapshots: after a deliberate change of the screen `INSTA_UPDATE=always cargo test --test integration golden`
//! writes them anew, and the difference is read before it is kept.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use drygate::journal::{DirectoryStore, DiskStorage, Permissions, RunStore};
use drygate::replay::Recording;
use drygate::run::RunId;
use drygate::survey::Digest;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cast::Cast;
use super::support::screen::Screen;
use super::support::server::{Answer, files, finish, text};

/// The run of format version 1.
pub const V1: &str = "ictr-20261125T230816Z-19e13937";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// A data directory with a copy of the golden run, and no database anywhere.
pub struct Place(pub TempDir);

impl Place {
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary directory"));
        let (from, to) = (golden().join(V1), place.run());
        for (path, bytes) in files(&from) {
            let below = path.strip_prefix(&from).expect("below the run");
            let copy = to.join(below);
            fs::create_dir_all(copy.parent().expect("a folder")).expect("a new folder");
            fs::write(copy, bytes).expect("a new file");
        }
        place
    }

    fn run(&self) -> PathBuf {
        self.0.path().join("data/runs").join(V1)
    }

    pub fn drygate(&self, words: &[&str]) -> Answer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drygate"));
        command
            .args(words)
            .env_clear()
            .env("HOME", self.0.path())
            .env("LANG", "C.UTF-8")
            .env("DRYGATE_DATA_DIR", self.0.path().join("data"))
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        finish(command.spawn().expect("the program starts"))
    }

    /// The run as if a newer drygate had written it: every line says so, and they chain up to HEAD and the manifest.
    fn make_newer(&self) {
        let read = |name: &str| fs::read_to_string(self.run().join(name)).expect("a file");
        let (journal, head, mut manifest) =
            (read("journal.jsonl"), read("HEAD"), read("manifest.sha256"));
        let (mut newer, mut prev, mut last) = (String::new(), "0".repeat(64), 0);
        for line in journal.lines() {
            let record: Value = serde_json::from_str(line).expect("JSON");
            let line = line.replacen("{\"v\":1,", "{\"v\":2,", 1).replacen(
                text(&record["prev"]),
                &prev,
                1,
            );
            assert!(line.starts_with("{\"v\":2,"));
            (prev, last) = (
                Digest::of(&line).to_string(),
                record["seq"].as_u64().expect("a number"),
            );
            newer.extend([&*line, "\n"]);
        }
        let newer_head = format!("{{\"seq\":{last},\"sha256\":\"{prev}\"}}\n");
        for (name, old, new) in [
            ("journal.jsonl", journal, newer),
            ("HEAD", head, newer_head),
        ] {
            manifest = manifest.replace(Digest::of(&old).as_str(), Digest::of(&new).as_str());
            fs::write(self.run().join(name), new).expect("our own file");
        }
        fs::write(self.run().join("manifest.sha256"), manifest).expect("our own file");
    }
}

/// What the run says, record by record and in the end.
fn decisions(place: &Place) -> Value {
    let storage = DiskStorage::open(&place.0.path().join("data"), Permissions::private());
    let store = DirectoryStore::on(std::sync::Arc::new(storage.expect("a data directory")));
    let run_id: RunId = V1.parse().expect("a run id");
    let reader = store.reader(&run_id).expect("a run");
    let mut recording = Recording::open(&reader).expect("a journal");
    recording.read_all().expect("it chains");
    let (last, _) = recording.last().expect("a record");
    let mut records = Vec::new();
    for seq in 0..=last {
        let entry = recording
            .entry(seq)
            .expect("it reads")
            .expect("it is there");
        let (at, event) = (entry.at, entry.event.name());
        let run = recording.at(seq).expect("it is legal").run();
        let waits = run.waits_at().map(drygate::run::ApprovalGate::name);
        records.push(json!([seq, at, event, run.state, waits]));
    }
    let run = recording.tip().run();
    let approval = |approval: &drygate::run::Approval| {
        json!({
            "gate": approval.gate, "decision": approval.decision, "evidence": approval.evidence,
            "by": approval.by, "at": approval.at,
        })
    };
    let approvals: Vec<Value> = run.approvals.iter().map(approval).collect();
    let mut told = place.drygate(&["replay", V1, "--json"]).expect(0).json();
    let told = told.as_object_mut().expect("a document");
    // Sentences may be said in other words, and the frame is compared by itself.
    for prose in ["message", "next"] {
        told.remove(prose).expect("it is there");
    }
    let replay = told.remove("replay").expect("it is there");
    // Told since `verify --head` takes it: the same line that the replay stands at.
    let head = told.remove("head").expect("it is there");
    assert_eq!(
        head,
        json!({"seq": replay["seq"], "sha256": replay["head"]})
    );
    json!({
        "records": records, "approvals": approvals, "document": told,
        "head": replay["head"], "reports": run.reports,
    })
}

#[test]
fn a_run_of_version_1_verifies() {
    let place = Place::new();
    let run = place.run().display().to_string();
    for target in [V1, &*run] {
        let verified = place
            .drygate(&["verify", target, "--json"])
            .expect(0)
            .json();
        assert_eq!(
            (&verified["intact"], &verified["sealed"]),
            (&true.into(), &true.into())
        );
        assert_eq!(verified["run_id"], V1);
        assert_eq!(verified["notes"][0]["text"], "read with op_b");
        assert_eq!(verified["findings"], json!([]));
    }
    let listed = place.drygate(&["runs", "--json"]).expect(0).json();
    let result = &listed["runs"][0]["result"];
    assert_eq!(result, "O4_LIVE_DRYRUN_ORCHESTRATION_PASS");
    let before = files(&place.run());
    place.drygate(&["resume", V1, "--headless"]).expect(0);
    let mut after = files(&place.run());
    after.retain(|(path, _)| !path.ends_with("LOCK"));
    assert!(after == before, "a sealed run stays as it is");
}

#[test]
fn a_run_of_version_1_is_replayed_to_the_same_decisions() {
    let kept = fs::read(golden().join("decisions.json")).expect("it is kept");
    let kept: Value = serde_json::from_slice(&kept).expect("JSON");
    let found = decisions(&Place::new());
    assert!(kept == found, "{found:#}");
}

#[test]
fn a_run_of_version_1_is_replayed_to_the_same_frames() {
    let place = Place::new();
    let journal = fs::read_to_string(place.run().join("journal.jsonl")).expect("a journal");
    let journal = journal.lines().map(serde_json::from_str::<Value>);
    let journal: Vec<Value> = journal.map(|line| line.expect("JSON")).collect();
    let nth = |event: &str, nth: usize| {
        let mut found = journal.iter().filter(|record| record["event"] == event);
        let found = found.nth(nth).expect("the record");
        usize::try_from(found["seq"].as_u64().expect("a number")).expect("small")
    };
    let chosen = [
        ("began", 0),
        ("waits_at_sg1", nth("stop_raised", 0)),
        ("sg1_approved", nth("approval_recorded", 0)),
        ("waits_at_sg2", nth("stop_raised", 1)),
        ("sealed", journal.len() - 1),
    ];
    let mut digests = String::new();
    for (width, height) in [("160", "48"), ("80", "24")] {
        let words = ["replay", V1, "--cast", "-", "--color", "never"];
        let size = ["--width", width, "--height", height];
        let cast = place.drygate(&[&words[..], &size].concat()).expect(0);
        let frames = Cast::read(cast.stdout.as_bytes()).frames();
        let frames: Vec<String> = frames.iter().map(Screen::to_string).collect();
        assert_eq!(frames.len(), journal.len());
        for (name, seq) in chosen {
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), frames[seq]);
        }
        for (seq, frame) in frames.iter().enumerate() {
            let digest = Digest::of(frame);
            let _ = writeln!(digests, "{width}x{height} {seq} {}", &digest.as_str()[..16]);
        }
    }
    insta::assert_snapshot!("every_frame", digests);
}

#[test]
fn long_waits_of_a_recording_are_cut_and_short_ones_are_not() {
    let place = Place::new();
    let journal = fs::read_to_string(place.run().join("journal.jsonl")).expect("a journal");
    let at = |line: &str| {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let at: drygate::survey::UtcTime = text(&record["at"]).parse().expect("a time");
        at.unix_micros()
    };
    let times: Vec<i64> = journal.lines().map(at).collect();
    let waits: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        waits.iter().any(|wait| *wait > 2_000_000),
        "a person was waited for"
    );
    let words = ["replay", V1, "--cast", "-"];
    let cast = place.drygate(&words).expect(0);
    let shown = Cast::read(cast.stdout.as_bytes()).micros();
    let mut expected = vec![0];
    for wait in waits.iter().chain([&2_000_000]) {
        expected.push(expected[expected.len() - 1] + wait.min(&2_000_000));
    }
    assert_eq!(shown, expected);
}

#[test]
fn a_run_of_a_newer_version_is_refused_with_the_remedy_and_left_as_it_is() {
    let place = Place::new();
    place.make_newer();
    let before = files(&place.run());
    let run = place.run().display().to_string();
    let cast = place.0.path().join("run.cast").display().to_string();
    let archive = place.0.path().join("run.tar").display().to_string();
    for words in [
        &["replay", V1][..],
        &["replay", V1, "--json"],
        &["replay", V1, "--cast", &cast],
        &["replay", V1, "--svg", &cast],
        &["verify", V1],
        &["verify", &run],
        &["resume", V1, "--headless"],
        &["report", V1],
        &["export", V1, "--output", &archive],
    ] {
        let refused = place.drygate(words).expect(7);
        for says in ["format version 2", "up to version 1", "or a newer one"] {
            assert!(refused.stderr.contains(says), "{words:?}: {refused:?}");
        }
    }
    assert!(!Path::new(&cast).exists() && !Path::new(&archive).exists());
    let listed = place.drygate(&["runs", "--json"]).expect(0).json();
    let row = &listed["runs"][0];
    assert_eq!(
        (&row["run_id"], &row["standing"]),
        (&V1.into(), &"newer format".into())
    );
    assert!(text(&row["error"]).contains("or a newer one"), "{row}");
    let mut after = files(&place.run());
    after.retain(|(path, _)| !path.ends_with("LOCK"));
    assert!(after == before, "nothing of it was touched");
}
