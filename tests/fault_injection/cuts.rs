//! Journals that end earlier than they did (F3): after any record, and between any two files of the seal (in `seal`). Invariant: what is cut off is what a crash at that place would have kept out.

use std::path::Path;
use std::sync::Arc;

use drygate::journal::Storage;
use drygate::run::{RunResult, State};
use drygate::survey::Digest;
use drygate::testing::SimulatedDisk;

use super::disk::copy;
use super::world::World;

/// Keeps the records up to and with `last`, writes HEAD for them, and removes what only later records could have written.
pub fn cut_after(storage: &dyn Storage, run: &Path, last: usize) {
    let journal = run.join("journal.jsonl");
    let bytes = storage
        .read(&journal)
        .expect("readable")
        .expect("it is there");
    let lines: Vec<&[u8]> = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .take(last + 1)
        .collect();
    let kept = lines.concat();
    write(storage, &journal, &kept);
    let line = lines.last().expect("a line");
    let sha256 = Digest::of(&line[..line.len() - 1]);
    let head = format!("{{\"seq\":{last},\"sha256\":\"{sha256}\"}}\n");
    write(storage, &run.join("HEAD"), head.as_bytes());
    for file in ["manifest.sha256", "sidecar.json"] {
        remove(storage, &run.join(file));
    }
    for listed in storage.list(&run.join("kb")).expect("listed") {
        remove(storage, &run.join("kb").join(listed.name));
    }
}

pub fn write(storage: &dyn Storage, path: &Path, content: &[u8]) {
    let mut file = storage.create(path).expect("it can be written");
    file.write(content).expect("it can be written");
    file.sync().expect("it can be written");
}

pub fn remove(storage: &dyn Storage, path: &Path) {
    if storage.len(path).expect("readable").is_some() {
        storage.remove(path).expect("it can be removed");
        storage
            .sync_dir(path.parent().expect("below a run"))
            .expect("durable");
    }
}

fn passed() -> World {
    let world = World::new(Arc::new(SimulatedDisk::new()));
    let outcome = world.begin().expect("it begins");
    assert_eq!(outcome.exit_code, 3);
    assert_eq!(world.go_on().expect("a run").exit_code, 0);
    world
}

#[test]
fn a_run_goes_on_from_any_record() {
    let whole = passed();
    let entries = whole.entries();
    let facts = whole.run().pin.expect("a pin").facts_digest.clone();
    let mut waited = 0;
    for last in 0..entries.len() {
        let disk = SimulatedDisk::new();
        copy(&*whole.storage, &disk, Path::new(""));
        cut_after(&disk, &whole.path(), last);
        let world = World {
            acknowledged: Arc::default(),
            ..whole.on(Arc::new(disk))
        };
        let context = format!("after record {last}, {}", entries[last].event.name());
        let before = world.run();
        let outcome = world.go_on().expect("a run");
        let run = &outcome.run;
        assert_eq!(outcome.exit_code, 0, "{context}: {}", outcome.message);
        assert_eq!(
            run.sealed.as_ref().map(|s| s.1),
            Some(RunResult::Pass),
            "{context}"
        );
        assert_eq!(
            run.pin.as_ref().expect("a pin").facts_digest,
            facts,
            "{context}"
        );
        world.must_be_whole(&context);
        world.must_hold_what_was_acknowledged(&context);
        let kept: Vec<_> = world.entries().into_iter().take(last + 1).collect();
        assert_eq!(
            kept,
            entries[..=last],
            "{context}: what was recorded is changed"
        );
        waited += usize::from(before.waits_at().is_some());
        if before.sealed.is_none() {
            assert!(
                run.resumes > before.resumes,
                "{context}: nobody recorded the resume"
            );
        }
    }
    println!(
        "{} records, {waited} of them while the run waited; all went on to PASS",
        entries.len()
    );
    assert_eq!(whole.run().state, State::CloseoutReported);
}
