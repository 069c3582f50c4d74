//! After the seal nothing changes, and between any two files of the seal a resume writes the same bytes. Invariant: every byte and every time of change is compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use drygate::survey::Digest;

use super::site::{Site, code, sealed};

type Tree = BTreeMap<PathBuf, (Digest, SystemTime)>;

fn tree(directory: &Path) -> Tree {
    let mut files = Tree::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a directory") {
            let path = entry.expect("an entry").path();
            let about = fs::symlink_metadata(&path).expect("it is there");
            let changed = about.modified().expect("a time");
            if about.is_dir() {
                files.insert(path.clone(), (Digest::zero(), changed));
                open.push(path);
            } else {
                let content = fs::read(&path).expect("readable");
                files.insert(path, (Digest::of(content), changed));
            }
        }
    }
    files
}

#[test]
fn after_the_seal_not_one_byte_changes_and_every_answer_is_the_same() {
    let site = Site::new();
    let run = sealed(&site);
    let run_id = run
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let digest = Digest::of("anything").to_string();
    let before = tree(&run);
    let commands: [(&[&str], i32); 8] = [
        (&["resume", &run_id], 0),
        (&["approve", &run_id, "SG1", "--digest", &digest], 6),
        (&["approve", &run_id, "SG2", "--digest", &digest], 6),
        (&["reject", &run_id, "SG2", "--reason", "too late"], 6),
        (&["verify", &run_id], 0),
        (&["report", &run_id], 0),
        (&["runs"], 0),
        (&["resume", "last"], 0),
    ];
    for (given, expected) in commands {
        let first = site.drygate(given);
        let again = site.drygate(given);
        assert_eq!(
            code(&first),
            expected,
            "{given:?}: {}",
            String::from_utf8_lossy(&first.stderr)
        );
        assert_eq!(
            (code(&again), &again.stdout),
            (expected, &first.stdout),
            "{given:?}"
        );
        assert_eq!(tree(&run), before, "{given:?} changed the run");
    }
}

#[test]
fn between_any_two_files_of_the_seal_a_resume_writes_the_same_bytes() {
    let site = Site::new();
    let run = sealed(&site);
    let content = |tree: Tree| -> BTreeMap<PathBuf, Digest> {
        let files = tree.into_iter().filter(|(path, _)| !path.ends_with("LOCK"));
        files.map(|(path, (digest, _))| (path, digest)).collect()
    };
    let whole = content(tree(&run));
    let mut order: Vec<PathBuf> = fs::read_dir(run.join("kb"))
        .expect("reports")
        .map(|entry| entry.expect("a report").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "md"))
        .collect();
    order.sort();
    assert_eq!(order.len(), 13);
    order.push(run.join("kb/report.json"));
    order.push(run.join("sidecar.json"));
    order.push(run.join("manifest.sha256"));
    for written in 0..order.len() {
        for later in &order[written..] {
            fs::remove_file(later).expect("it is there");
        }
        if written == 0 {
            fs::remove_dir(run.join("kb")).expect("it is empty");
        }
        let resumed = site.drygate(&["resume", "last"]);
        let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
        assert_eq!(code(&resumed), 0, "{written} files written: {said}");
        assert_eq!(content(tree(&run)), whole, "{written} files written");
    }
    println!("{} places between the files of the seal", order.len());
    assert_eq!(code(&site.drygate(&["verify", "last"])), 0);
}
