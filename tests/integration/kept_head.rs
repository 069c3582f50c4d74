//! A head of the journal that was kept elsewhere. Invariant: every place that tells a head tells one that `verify --head` takes, and after any later change
//! of a line up to it no more.

use std::collections::BTreeSet;
use std::fs;

use drygate::postgres::throwaway::Scenario;
use serde_json::Value;

use super::support::server::{Workspace, text};
use super::verifying::{Copy, kept};

/// `SEQ:HEX` of a member `head`.
#[track_caller]
fn head(document: &Value) -> String {
    let head = &document["head"];
    assert!(head["seq"].is_u64(), "{document}");
    format!("{}:{}", head["seq"], text(&head["sha256"]))
}

#[track_caller]
fn printed(text: &str) -> String {
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.split("head=").nth(1));
    line.unwrap_or_else(|| panic!("no head: {text}")).to_owned()
}

/// A run with a hook at each point; every head that anything told of it on its way.
fn told() -> (Workspace, Value, Vec<String>) {
    let workspace = Workspace::new(Scenario::Draft);
    fs::write(
        workspace.place().join("keep.sh"),
        "printf '%s\\n' \"$DRYGATE_HEAD\" >> heads; cat >> documents\n",
    )
    .expect("a new file");
    let profile = workspace.profile("hooked.toml", |built_in| {
        let hook = "[\"sh\", \"keep.sh\"]";
        format!("{built_in}\n[hooks]\non_wait = {hook}\non_stop = {hook}\non_end = {hook}\n")
    });
    let url = workspace.url();
    let flags = ["--headless", "--profile", &profile, "--database-url", &url];
    let answer = workspace.drygate(&[&["run", "--json"], &flags[..]].concat());
    let waiting = answer.expect(3).json();
    let mut heads = vec![head(&waiting)];
    let approved = workspace.drygate(&[
        "approve",
        text(&waiting["run_id"]),
        "SG1",
        "--digest",
        text(&waiting["evidence"]),
        "--headless",
    ]);
    heads.push(printed(&approved.expect(3).stdout));
    let listed = workspace.drygate(&["runs", "--json"]).expect(0).json();
    heads.push(head(&listed["runs"][0]));
    let early = workspace.place().join("early.tar").display().to_string();
    let words = [
        "export",
        text(&waiting["run_id"]),
        "--output",
        &early,
        "--json",
    ];
    heads.push(head(&workspace.drygate(&words).expect(0).json()));
    let mut archive = tar::Archive::new(fs::File::open(&early).expect("written"));
    let mut checking = String::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        if entry.path().expect("a name").ends_with("CHECKING.txt") {
            std::io::Read::read_to_string(&mut entry, &mut checking).expect("text");
        }
    }
    heads.push(printed(&checking));
    let waiting = listed["runs"][0].clone();
    let sealed = workspace.approve(&waiting, "SG2").expect(0).json();
    heads.push(head(&sealed));
    let report = workspace
        .drygate(&["report", text(&sealed["run_id"])])
        .expect(0);
    heads.push(printed(&report.stderr));
    let reports = workspace.run_dir(&sealed).join("kb");
    let stops = fs::read_dir(reports).expect("reports").find_map(|file| {
        let file = file.expect("a report").path();
        let name = file.file_name()?.to_str()?;
        name.starts_with("12-")
            .then(|| fs::read_to_string(&file).expect("text"))
    });
    let stops = stops.expect("the report of the stops");
    let of_stops = stops.lines().filter_map(|line| line.strip_prefix("head="));
    let of_stops: Vec<String> = of_stops.map(str::to_owned).collect();
    assert_eq!(of_stops.len(), 2, "SG1, SG2");
    heads.extend(of_stops);
    let file = |name: &str| {
        fs::read_to_string(workspace.place().join(name)).expect("the hooks have written it")
    };
    let of_hooks: Vec<String> = file("heads").lines().map(str::to_owned).collect();
    let documents = file("documents");
    let documents = documents
        .lines()
        .map(|line| head(&serde_json::from_str(line).expect("JSON")));
    assert_eq!(
        of_hooks,
        documents.collect::<Vec<_>>(),
        "environment and document agree"
    );
    assert_eq!(of_hooks.len(), 3, "SG1, SG2, the end");
    heads.extend(of_hooks);
    (workspace, sealed, heads)
}

#[test]
fn a_head_that_anything_told_must_be_in_the_journal() {
    let (workspace, sealed, heads) = told();
    let run_id = text(&sealed["run_id"]);
    let seqs: BTreeSet<&str> = heads
        .iter()
        .filter_map(|head| head.split(':').next())
        .collect();
    assert!(seqs.len() > 4, "of different moments: {seqs:?}");
    let copy = Copy::of(&kept(&workspace, &sealed));
    let lines = copy.lines();
    let early = lines
        .iter()
        .position(|line| line.contains("\"approval_recorded\""));
    let early = early.expect("it was approved");
    let mut forged = lines.clone();
    forged[early] = forged[early].replace("\"reason\":null", "\"reason\":\"as agreed\"");
    assert_ne!(forged, lines);
    for head in &heads {
        let (seq, digest) = head.split_once(':').expect("SEQ:HEX");
        let later = seq.parse::<usize>().expect("a number") >= early;
        for words in [head.as_str(), digest] {
            let verified = workspace.drygate(&["verify", run_id, "--head", words, "--json"]);
            let verified = verified.expect(0).json();
            assert_eq!(&verified["kept_head"]["seq"].to_string(), seq);
            assert_eq!(verified["head"], sealed["head"]);
        }
        copy.forge(&forged);
        let answer = copy.verify_with(&["--head", head]);
        let named = format!(
            "journal.jsonl, line {}: it was ",
            seq.parse::<u64>().expect("a number") + 1
        );
        let is_named = answer.stdout.contains(&named);
        assert_eq!(is_named, later, "{head}: {}", answer.stdout);
    }
    let last = heads
        .iter()
        .max_by_key(|head| head.split(':').next().and_then(|n| n.parse::<u64>().ok()));
    let last = last.expect("some").clone();
    // Rolled back as a whole to an older state of its own: without a kept head it verifies.
    fs::remove_file(copy.file("manifest.sha256")).expect("our own file");
    copy.forge(&lines[..early]);
    fs::remove_file(copy.file("manifest.sha256")).expect("our own file");
    // The records of hooks have seen later heads: they speak against it, so whoever rolls back takes them away too.
    let answer = copy.verify_with(&[]);
    assert!(
        answer.stdout.contains("hooks.jsonl, line 1: the head"),
        "{answer:?}"
    );
    fs::remove_file(copy.file("hooks.jsonl")).expect("our own file");
    copy.verify_with(&[]).expect(0);
    let answer = copy.verify_with(&["--head", &last]);
    assert_eq!(answer.code, 7, "{}", answer.stdout);
    assert!(
        answer.stdout.contains("ends before line"),
        "{}",
        answer.stdout
    );
    for (wrong, says) in [("x:1", "before the colon"), ("beef", "[SEQ:]HEX64")] {
        let refused = workspace
            .drygate(&["verify", run_id, "--head", wrong])
            .expect(64);
        assert!(refused.stderr.contains(says), "{}", refused.stderr);
    }
}
