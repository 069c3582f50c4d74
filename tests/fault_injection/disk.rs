//! A disk that loses power, or fails, at any of its operations (F1, F7): in memory, so every operation is met. Invariant: one number is one fault.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use drygate::journal::{Kind, RunStore, Storage};
use drygate::run::{ApprovalGate, ApprovalRequest, RunResult, RunState, SurveyTaken};
use drygate::runner::target::TargetError;
use drygate::runner::{RunnerEnd, RunnerError};
use drygate::testing::{InjectedFailure, SimulatedDisk};

use super::recording::Damaged;
use super::world::World;

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

/// Counted over all faults of a test.
#[derive(Default)]
struct Tally {
    fired: AtomicU64,
    void: AtomicU64,
    never_begun: AtomicU64,
}

impl Tally {
    fn tell(&self, what: &str, points: usize) {
        let count = |number: &AtomicU64| number.load(Ordering::SeqCst);
        println!(
            "{what}: {points} faults, {} fired, {} void, {} before there was a run",
            count(&self.fired),
            count(&self.void),
            count(&self.never_begun)
        );
        assert_eq!(
            count(&self.void),
            0,
            "a fault that did not fire proves nothing"
        );
    }
}

/// Every how many operations one is met; 1 in a full pass.
fn stride(default: usize) -> usize {
    let asked = std::env::var("DRYGATE_CRASH_EVERY").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The faults of a pass: in a full one each operation meets each kind, else the kinds take turns.
fn points(operations: u64, every: usize) -> Vec<(u64, Fault)> {
    let met = (0..operations).step_by(every).enumerate();
    met.flat_map(|(nth, at)| {
        let kinds = if every == 1 {
            &Fault::ALL[..]
        } else {
            &Fault::ALL[nth % 4..=nth % 4]
        };
        kinds.iter().map(move |fault| (at, *fault))
    })
    .collect()
}

/// Runs `each` for all points on as many threads as there are processors.
fn on_all(points: &[(u64, Fault)], each: impl Fn(u64, Fault) + Sync) {
    let next = AtomicU64::new(0);
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let nth = usize::try_from(next.fetch_add(1, Ordering::SeqCst));
                    let Some((at, fault)) = points.get(nth.expect("small")) else {
                        return;
                    };
                    each(*at, *fault);
                }
            });
        }
    });
}

/// One fault in a life from `begin` on; then the person goes on to the end.
fn suffer(story: Story, at: u64, fault: Fault, tally: &Tally) {
    let context = format!("{story:?}, operation {at}, {fault:?}");
    let disk = SimulatedDisk::new();
    let world = World::new(Arc::new(disk.clone()));
    fault.arm(&disk, at);
    let code = story.play(&world);
    assert_eq!(
        code, 74,
        "{context}: the disk failed and the process did not say so"
    );
    survive(story, &world, &disk, fault, at, &context, tally);
}

fn survive(
    story: Story,
    world: &World,
    disk: &SimulatedDisk,
    fault: Fault,
    at: u64,
    context: &str,
    tally: &Tally,
) {
    if !disk.fired() {
        tally.void.fetch_add(1, Ordering::SeqCst);
        return;
    }
    tally.fired.fetch_add(1, Ordering::SeqCst);
    fault.strike(disk, at);
    let Some(result) = story.go_on(world) else {
        let shown = world.acknowledged.lock().expect("not poisoned").len();
        assert_eq!(shown, 0, "{context}: a run that was shown is gone");
        tally.never_begun.fetch_add(1, Ordering::SeqCst);
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
    for (story, every) in [
        (Story::Passes, 29),
        (Story::Rejected(ApprovalGate::SG1), 53),
        (Story::Rejected(ApprovalGate::SG2), 83),
        (Story::Fails, 31),
        (Story::Stains, 43),
    ] {
        let operations = told(story).1.operations();
        let every = stride(every);
        let points = points(operations, every);
        let tally = Tally::default();
        on_all(&points, |at, fault| suffer(story, at, fault, &tally));
        tally.tell(&format!("{story:?}, {operations} operations"), points.len());
    }
}

/// The operations of the closing order, from the post survey to the seal: every third, and each with each kind of fault with `DRYGATE_CRASH_EVERY=1`.
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
    let every = stride(3);
    let points = points(operations, every);
    let tally = Tally::default();
    on_all(&points, |at, fault| {
        let context = format!("closing order, operation {at}, {fault:?}");
        let disk = SimulatedDisk::new();
        let world = closing(&disk);
        world.acknowledged.lock().expect("not poisoned").clear();
        let world = World {
            acknowledged: Arc::default(),
            ..world
        };
        fault.arm(&disk, disk.operations() + at);
        let ended = world.take_up(None);
        let code = ended.map_or_else(|error| error.exit_code(), |outcome| outcome.exit_code);
        assert_eq!(
            code, 74,
            "{context}: the disk failed and the process did not say so"
        );
        survive(Story::Passes, &world, &disk, fault, at, &context, &tally);
    });
    tally.tell(
        &format!("closing order, {operations} operations"),
        points.len(),
    );
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
