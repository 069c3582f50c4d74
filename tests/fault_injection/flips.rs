//! One bit of a whole sealed run is flipped (F4), wherever chance has it. Invariant: each file is met as often as its length asks, and small ones at least once.

use std::path::Path;
use std::sync::Arc;

use drygate::journal::{Storage, verify_files};
use drygate::testing::{FaultCounts, Random, SimulatedDisk, fault_rounds, fault_seed};

use super::world::World;

#[test]
fn a_flipped_bit_of_a_whole_run_is_named_with_its_file() {
    let disk = SimulatedDisk::new();
    let world = World::new(Arc::new(disk.clone()));
    world.begin().expect("it begins");
    assert_eq!(world.go_on().expect("a run").exit_code, 0);
    let run = world.path();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let read = |path: &Path| storage.read(path).expect("readable").expect("present");
    let files: Vec<_> = world.tree().into_iter().map(|(path, _)| path).collect();
    let length: usize = files.iter().map(|path| read(path).len()).sum();
    let mut chance = Random::new(fault_seed(0x0f14) | 1);
    let counts = FaultCounts::new(4, "a bit of a whole run is flipped");
    let rounds = fault_rounds(files.len() as u64, 40_000);
    for round in 0..rounds {
        // One of each file first; from then on by length.
        let nth = usize::try_from(round).expect("small");
        let mut byte = chance.index(length);
        let path = files.get(nth).unwrap_or_else(|| {
            let mut longer = files.iter();
            longer
                .find(|path| match read(path).len() {
                    bytes if byte < bytes => true,
                    bytes => {
                        byte -= bytes;
                        false
                    }
                })
                .expect("a byte of one of them")
        });
        let content = read(path);
        if content.is_empty() {
            counts.void();
            continue;
        }
        let (at, bit) = (chance.index(content.len()), chance.index(8));
        let mut flipped = content.clone();
        flipped[at] ^= 1 << bit;
        disk.tamper(path, &flipped);
        let findings = verify_files(&storage, &run).expect("verified").findings;
        let file = path.strip_prefix(&run).expect("of the run");
        assert!(
            findings
                .iter()
                .any(|finding| Path::new(&finding.file) == file),
            "{}, byte {at}, bit {bit}: {findings:?}",
            file.display()
        );
        counts.injected();
        disk.tamper(path, &content);
    }
    assert!(
        verify_files(&storage, &run)
            .expect("verified")
            .findings
            .is_empty()
    );
}
