//! A run that waits while a fact moves at every read. Invariant: journal and fold grow by reads, not by surveys.

use std::sync::Arc;
use std::sync::mpsc;

use drygate::audit;
use drygate::journal::RunStore as _;
use drygate::run::{Ask, Event, LiveRead, Request, SurveyPurpose, SurveyTaken};
use drygate::runner::{
    Patience, RunRecorder, RunnerCommand, RunnerMessage, RunnerOptions, TakenUp, fold, spawn,
};
use drygate::testing::SimulatedDisk;

use super::recording::{Damaged, Replayed, Still};
use super::world::World;

/// Reads of everything that are waited for, and the surveys that the contract lets them record.
const READS: usize = 130;
const SURVEYS: usize = 100;

#[test]
fn a_fact_that_moves_at_every_read_is_recorded_as_a_survey_a_hundred_times() {
    let world = World::new(Arc::new(SimulatedDisk::new()));
    world.begin().expect("it waits at SG1");
    let (directory, _) = world.store().open(&world.run_id).expect("nobody holds it");
    let history = fold(&directory.reader()).expect("it folds");
    let evidence = history.run().evidence.clone().expect("it waits");
    let (told, reads) = mpsc::channel();
    let sink = Box::new(move |message| {
        if let RunnerMessage::Recorded { recorded, .. } = message
            && matches!(
                *recorded.event,
                Event::LiveRead(LiveRead { complete: true, .. })
            )
        {
            // Nobody counts any more once there were enough.
            let _ = told.send(());
        }
    });
    let recorder = RunRecorder::new(directory, history, world.clock.clone(), sink);
    let moving = Damaged {
        moving: Some("icx_total"),
        ..Damaged::default()
    };
    let handle = spawn(
        recorder,
        move || Replayed::new(moving),
        Some(Still(world.repository.clone())),
        Arc::new(world.plan()),
        RunnerOptions {
            taken_up: TakenUp {
                resumed: true,
                torn: Vec::new(),
                renewing: false,
                elsewhere: false,
            },
            first: None,
            patience: Patience::Stay,
            watchers_changed: Box::new(|_| ()),
            at_end: Box::new(|_| ()),
            at_exit: Box::new(|| ()),
        },
    )
    .expect("it starts");
    let commands = handle.commands();
    for nth in 0..READS {
        // A sheet that is opened reads everything, as the time that comes does where that is cheap.
        let ask = Ask::OpenSheet {
            gate: evidence.gate,
            evidence: evidence.digest.clone(),
            size: None,
        };
        let by = world.person.clone();
        let asked = commands.blocking_send(Request { by, ask }.into());
        asked.expect("it listens");
        let read = reads.recv();
        read.unwrap_or_else(|_| panic!("it ended after {nth} reads"));
    }
    let left = commands.blocking_send(RunnerCommand::Quit);
    left.expect("it listens");
    handle.join().expect("it is left");
    let entries = world.entries();
    let full = entries.iter().filter(|entry| match &entry.event {
        Event::LiveRead(LiveRead {
            changed, complete, ..
        }) => {
            assert_eq!(changed.len(), 1, "what is not recorded is still said");
            *complete
        }
        _ => false,
    });
    assert!(full.count() >= READS);
    let again = |purpose| matches!(purpose, SurveyPurpose::Again);
    let surveys = entries.iter().filter(
        |entry| matches!(&entry.event, Event::SurveyTaken(SurveyTaken { purpose, .. }) if again(*purpose)),
    );
    assert_eq!(surveys.count(), SURVEYS);
    let reader = world.store().reader(&world.run_id).expect("it is there");
    let history = fold(&reader).expect("it folds");
    // The pin, the first that differed, and the last.
    assert_eq!(history.surveys().surveys.len(), 3);
    assert_eq!(history.surveys().attributions.len(), 2);
    let events = entries
        .iter()
        .map(|entry| (entry.seq, entry.at, &entry.event, &entry.sha256));
    let found = audit::recompute(Some(&world.plan().profile), events).findings;
    assert!(found.is_empty(), "{found:?}");
}
