//! Recordings longer than the lines between two checkpoints. Invariant: whichever line is asked for after whichever, it is the fold from the first.

use std::path::Path;
use std::sync::Arc;

use drygate::audit::claims;
use drygate::journal::{DiskStorage, JournalEntry, JournalReader, Permissions};
use drygate::replay::Recording;
use drygate::run::{ApprovalGate, Event, History, RunState};

use crate::home::Home;
use drygate::testing::ScriptedRun;

/// A run that is read again and again while it waits; its facts move now and then, and it is stopped in between.
fn long() -> ScriptedRun {
    let mut script = ScriptedRun::at_sg2(false);
    for nth in 0..700 {
        let moved: &[(&str, &str)] = match nth % 90 {
            60..80 => &[("icx_draft", "59")],
            _ => &[],
        };
        script.live_read(nth % 4 == 0, moved, None);
        if nth % 350 == 300 {
            script.evidence(ApprovalGate::SG2);
        }
    }
    script
}

/// Thousands of lines. `make check` leaves these out.
mod exhaustive {
    use super::*;

    #[test]
    fn every_moment_of_a_long_recording_is_the_fold_of_the_lines_before_it() {
        let script = long();
        let place = tempfile::tempdir().expect("a folder");
        let home = Home::at(place.path());
        let run = home.write(&script, "ictr-20261122T091402Z-8a941203", &|_| {});
        let disk = DiskStorage::open(&run, Permissions::private()).expect("a run");
        let reader = JournalReader::new(Arc::new(disk), Path::new(""));
        let entries: Vec<JournalEntry<Event>> = reader.entries().expect("a journal");
        assert!(entries.len() > 4 * 512, "{} lines", entries.len());
        let mut recording = Recording::open(&reader).expect("a journal");
        recording.read_all().expect("it chains");
        let (mut folded, mut whole) = (History::without_clean_reads(), History::default());
        let mut moments = Vec::new();
        for (nth, entry) in entries.iter().enumerate() {
            for history in [&mut folded, &mut whole] {
                let taken = history.take(entry.seq, entry.at, &entry.event, &entry.sha256);
                taken.expect("legal");
            }
            if nth % 41 == 0 || nth % 512 == 511 {
                moments.push((entry.seq, folded.clone()));
            }
        }
        // A stride that shares no factor with their number goes everywhere, there and back.
        let many = moments.len();
        for nth in (0..many).chain((0..many).rev()) {
            let (seq, moment) = &moments[nth * 37 % many];
            assert!(
                **recording.at(*seq).expect("a moment") == *moment,
                "line {seq}"
            );
        }
        // What was set aside is counted where it is told.
        let told = |run: &RunState| claims(run).remove(0).measured;
        let (folded, whole) = (folded.run(), whole.run());
        assert!(folded.reads_aside.clean > 600);
        assert_eq!(told(folded), told(whole));
        assert_eq!(folded.footprint(), whole.footprint());
    }
}
