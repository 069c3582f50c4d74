//! A disk that loses power, or fails, at any of its operations (F1, F7): in memory, so every operation is met. Invariant: one number is one fault.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use drygate::journal::{Kind, RunStore, Storage};
use drygate::run::{ApprovalGate, ApprovalRequest, RunResult, RunState, SurveyTaken};
use drygate::runner::target::TargetError;
use drygate::runner::{RunnerEnd, RunnerError};
use drygate::testing::{FaultCounts, InjectedFailure, SimulatedDisk, fault_rounds, fault_seed};

use super::recording::Damaged;
use super::world::World;

/// Faults in one story, in `make test`.
const SAMPLE: u64 = 80;

/// What a run comes to, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Story {
    Passes,
    Rejected(ApprovalGate),
    Fails,
    Stains,
}

impl Story {
    /// The same run, with the database of this story.
    fn cast(self, world: &World) -> World {
        let mut world = world.clone();
        world.spoiled = Damaged {
            error: (self == Self::Fails)
                .then(|| TargetError::Unfit("the session is not the expected role".to_owned())),
            stained: self == Self::Stains,
            ..Damaged::default()
        };
        world
    }

    /// What the person of this story decides.
    fn decide(self, world: &World, run: &RunState) -> Option<ApprovalRequest> {
        let gate = run.waits_at()?;
        Some(match self {
            Self::Rejected(at) if at == gate => world.rejection(gate),
            _ => world.approval(run),
        })
    }

    /// The processes of the run, one after the other, as far as the disk lets them: the last exit code.
    fn play(self, world: &World) -> u8 {
        let world = self.cast(world);
        let played = world
            .begin()
            .and_then(|outcome| self.play_on(&world, &outcome));
        played.map_or_else(|error| error.exit_code(), |outcome| outcome.exit_code)
    }

    fn play_on(self, world: &World, outcome: &RunnerEnd) -> Result<RunnerEnd, RunnerError> {
        let mut outcome = outcome.clone();
        while outcome.exit_code == 3 && outcome.run.sealed.is_none() {
            let request = self.decide(world, &outcome.run);
            outcome = world.take_up(request)?;
        }
        Ok(outcome)
    }

    /// The person of this story resumes and goes on. `None`: there never was a run.
    fn go_on(self, world: &World) -> Option<(RunResult, u8)> {
        let world = self.cast(world);
        if world.store().is_sealed(&world.run_id).unwrap_or(false) {
            let sealed = world.run().sealed.expect("sealed");
            return Some((sealed.1, sealed.2));
        }
        let outcome = world.resume()?;
        let outcome = self
            .play_on(&world, &outcome)
            .expect("nothing is in its way");
        let sealed = outcome.run.sealed.expect("it came to an end");
        Some((sealed.1, sealed.2))
    }

    fn expected(self) -> (RunResult, u8) {
        match self {
            Self::Passes => (RunResult::Pass, 0),
            Self::Rejected(_) => (RunResult::Rejected, 5),
            Self::Fails => (RunResult::Fail, 9),
            Self::Stains => (RunResult::MutationSuspected, 10),
        }
    }
}

fn told(story: Story) -> (World, SimulatedDisk) {
    let disk = SimulatedDisk::new();
    let world = World::new(Arc::new(disk.clone()));
    story.play(&world);
    (world, disk)
}

#[test]
fn undisturbed_stories_end_as_they_should() {
    for story in [
        Story::Passes,
        Story::Rejected(ApprovalGate::SG1),
        Story::Rejected(ApprovalGate::SG2),
        Story::Fails,
        Story::Stains,
    ] {
        let begun = std::time::Instant::now();
        let (world, disk) = told(story);
        let run = world.run();
        let sealed = run.sealed.as_ref().expect("sealed");
        assert_eq!((sealed.1, sealed.2), story.expected(), "{story:?}");
        world.must_be_whole("undisturbed");
        println!(
            "{story:?}: {} operations, {} records, {:?}",
            disk.operations(),
            world.entries().len(),
            begun.elapsed()
        );
    }
}

/// What happens at the operation with the number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The power goes: what was not synced is torn, reordered or dropped.
    PowerGoes,
    /// SIGKILL: what was written stays.
    ProcessDies,
    /// One operation fails; the process must stop and acknowledge nothing more.
    FailsOnce,
    /// The disk is full, and stays so while this process lives.
    FailsForEver,
}

impl Fault {
    const ALL: [Self; 4] = [
        Self::PowerGoes,
        Self::ProcessDies,
        Self::FailsOnce,
        Self::FailsForEver,
    ];

    fn arm(self, disk: &SimulatedDisk, at: u64) {
        let once = self == Self::FailsOnce;
        disk.fail_at(
            at,
            if once {
                InjectedFailure::Once
            } else {
                InjectedFailure::ForEver
            },
        );
    }

    fn strike(self, disk: &SimulatedDisk, seed: u64) {
        match self {
            Self::PowerGoes => disk.crash(seed),
            _ => disk.restart(),
        }
    }
}

/// One fault: at which operation, what happens, and what chance begins with when unsynced data is lost.
#[derive(Clone, Copy, Debug)]
struct Point {
    at: u64,
    fault: Fault,
    seed: u64,
}

/// As many faults as asked, spread evenly over every operation and kind. More than there are of both: again, with other seeds.
fn points(operations: u64, rounds: u64) -> Vec<Point> {
    let kinds = Fault::ALL.len() as u64;
    let every = operations * kinds;
    let seed = fault_seed(0);
    let point = |nth: u64| {
        // Below one pass a step is skipped between two points; it is odd, so that the kinds take turns.
        let place = if rounds < every {
            (nth * ((every / rounds) | 1)) % every
        } else {
            nth % every
        };
        let kind = usize::try_from(place % kinds).expect("small");
        Point {
            at: place / kinds,
            fault: Fault::ALL[kind],
            seed: seed.wrapping_add(nth),
        }
    };
    (0..rounds).map(point).collect()
}

fn no_void(counts: &FaultCounts) {
    assert_eq!(
        counts.so_far().1,
        0,
        "a fault that did not fire proves nothing"
    );
}

/// Runs `each` for all points on as many threads as there are processors.
fn on_all(points: &[Point], each: impl Fn(Point) + Sync) {
    let next = AtomicU64::new(0);
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let nth = usize::try_from(next.fetch_add(1, Ordering::SeqCst));
                    let Some(point) = points.get(nth.expect("small")) else {
                        return;
                    };
                    each(*point);
                }
            });
        }
    });
}

/// One fault in a life from `begin` on; then the person goes on to the end.
fn suffer(story: Story, point: Point, counts: &FaultCounts) {
    let context = format!("{story:?}, {point:?}");
    let disk = SimulatedDisk::new();
    let world = World::new(Arc::new(disk.clone()));
    point.fault.arm(&disk, point.at);
    let code = story.play(&world);
    assert_eq!(
        code, 74,
        "{context}: the disk failed and the process did not say so"
    );
    survive(story, &world, &disk, point, &context, counts);
}

fn survive(
    story: Story,
    world: &World,
    disk: &SimulatedDisk,
    point: Point,
    context: &str,
    counts: &FaultCounts,
) {
    if !disk.fired() {
        counts.void();
        return;
    }
    counts.injected();
    point.fault.strike(disk, point.seed);
    let Some(result) = story.go_on(world) else {
        let shown = world.acknowledged.lock().expect("not poisoned").len();
        assert_eq!(shown, 0, "{context}: a run that was shown is gone");
        return;
    };
    assert_eq!(
        result,
        story.expected(),
        "{context}: {}",
        not_passed(&world.run())
    );
    world.must_be_whole(context);
    world.must_hold_what_was_acknowledged(context);
}

fn not_passed(run: &RunState) -> String {
    let checks = run
        .checks()
        .filter(|(_, check)| check.verdict != drygate::run::Verdict::Pass);
    let lines = checks.map(|(gate, check)| {
        format!(
            "\n  {gate} {} {}: {}",
            check.name, check.verdict, check.says
        )
    });
    lines.collect()
}

/// Faults spread over all operations of a whole life of each story, kinds in turn.
#[test]
fn a_fault_at_any_operation_of_a_life_costs_nothing() {
    let counts = FaultCounts::new(
        7,
        "the disk loses power, fails or is full, in a life of a run",
    );
    for (story, sample, full) in [
        (Story::Passes, SAMPLE, 8_000),
        (Story::Rejected(ApprovalGate::SG1), SAMPLE / 2, 4_000),
        (Story::Rejected(ApprovalGate::SG2), SAMPLE / 2, 4_000),
        (Story::Fails, SAMPLE / 2, 4_000),
        (Story::Stains, SAMPLE / 2, 4_000),
    ] {
        let operations = told(story).1.operations();
        let points = points(operations, fault_rounds(sample, full));
        on_all(&points, |point| suffer(story, point, &counts));
    }
    no_void(&counts);
}

/// The operations of the closing order, from the post survey to the seal: they meet more faults than the rest of a life.
#[test]
fn a_fault_at_any_operation_of_the_closing_order_costs_nothing() {
    let (told, _) = told(Story::Passes);
    let entries = told.entries();
    let post_surveyed = entries
        .iter()
        .position(|entry| {
            matches!(
                entry.event,
                drygate::run::Event::SurveyTaken(SurveyTaken {
                    purpose: drygate::run::SurveyPurpose::Post,
                    ..
                })
            )
        })
        .expect("it has a post survey");
    let closing = |disk: &SimulatedDisk| {
        copy(&*told.storage, disk, Path::new(""));
        super::cuts::cut_after(disk, &told.path(), post_surveyed);
        told.on(Arc::new(disk.clone()))
    };
    let disk = SimulatedDisk::new();
    let world = closing(&disk);
    let before = disk.operations();
    assert_eq!(Story::Passes.go_on(&world), Some((RunResult::Pass, 0)));
    let operations = disk.operations() - before;
    let points = points(operations, fault_rounds(SAMPLE, 16_000));
    let counts = FaultCounts::new(
        7,
        "the disk loses power, fails or is full, while a run is closed",
    );
    on_all(&points, |point| {
        let context = format!("closing order, {point:?}");
        let disk = SimulatedDisk::new();
        let world = closing(&disk);
        world.acknowledged.lock().expect("not poisoned").clear();
        let world = World {
            acknowledged: Arc::default(),
            ..world
        };
        point.fault.arm(&disk, disk.operations() + point.at);
        let ended = world.take_up(None);
        let code = ended.map_or_else(|error| error.exit_code(), |outcome| outcome.exit_code);
        assert_eq!(
            code, 74,
            "{context}: the disk failed and the process did not say so"
        );
        survive(Story::Passes, &world, &disk, point, &context, &counts);
    });
    no_void(&counts);
}

/// Copies a directory of one storage to another, durably.
pub fn copy(from: &dyn Storage, to: &dyn Storage, path: &Path) {
    for listed in from.list(path).expect("a directory") {
        let below = path.join(&listed.name);
        if listed.kind == Kind::Directory {
            to.create_dir(&below).expect("there is room");
            copy(from, to, &below);
        } else {
            let content = from.read(&below).expect("readable").unwrap_or_default();
            let mut file = to.create(&below).expect("there is room");
            file.write(&content).expect("there is room");
            file.sync().expect("there is room");
        }
    }
    to.sync_dir(path).expect("there is room");
}
