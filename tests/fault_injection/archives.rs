//! Archives that were damaged on their way (F4). Invariant: `verify` finds it, or the damage is in bytes that tar does not read and the run
//! in it is the same.

use std::fs;

use drygate::testing::{FaultCounts, Random, fault_rounds, fault_seed};

use super::site::{Site, code, json, sealed};

/// One damage: a bit, a run of bytes taken away, doubled or zeroed, or the rest cut off.
fn damage(bytes: &mut Vec<u8>, chance: &mut Random) {
    let at = chance.index(bytes.len());
    let until = (at + 1 + chance.index(2_000)).min(bytes.len());
    match chance.index(5) {
        0 => bytes[at] ^= 1 << chance.index(8),
        1 => drop(bytes.drain(at..until)),
        2 => {
            let twice = bytes[at..until].to_vec();
            drop(bytes.splice(at..at, twice));
        }
        3 => bytes[at..until].fill(0),
        _ => bytes.truncate(at),
    }
}

#[test]
fn a_damaged_archive_is_refused_or_holds_the_same_run() {
    let site = Site::new();
    sealed(&site);
    let place = site.data();
    let archive = place.join("run.tar").display().to_string();
    let exported = site.drygate(&["export", "last", "--output", &archive]);
    assert_eq!(
        code(&exported),
        0,
        "{}",
        String::from_utf8_lossy(&exported.stderr)
    );
    let whole = fs::read(&archive).expect("it was written");
    let intact = json(&site.drygate(&["verify", &archive]));
    let counts = FaultCounts::new(4, "an archive is damaged");
    let mut chance = Random::new(fault_seed(0xa2c) | 1);
    let damaged_file = place.join("damaged.tar").display().to_string();
    let mut same = 0;
    for round in 0..fault_rounds(12, 1_500) {
        let mut bytes = whole.clone();
        damage(&mut bytes, &mut chance);
        if bytes == whole {
            counts.void();
            continue;
        }
        fs::write(&damaged_file, &bytes).expect("there is room");
        let verified = site.drygate(&["verify", &damaged_file]);
        match code(&verified) {
            0 => {
                // Padding behind a file, or the end of the archive: nothing of the run.
                same += 1;
                assert_eq!(json(&verified)["head"], intact["head"], "round {round}");
            }
            7 | 64 => {}
            other => panic!(
                "round {round}: {other}: {}",
                String::from_utf8_lossy(&verified.stderr)
            ),
        }
        counts.injected();
    }
    println!("{same} in bytes that tar does not read");
}
