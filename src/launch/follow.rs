//! Following a run that another process writes. Invariant: reads the run and writes nothing in it; who stands still here costs its runner nothing.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::LaunchError;
use super::cpu_affinity::Berth;
use super::cpu_priority::Courtesy;
use crate::journal::{
    ChainPosition, DirectoryStore, Followed, Follower, RunStore, Storage, Wakes, Woken,
};
use crate::run::{Event, RunId};
use crate::runner::{RUNNER_THREAD, be_present};

/// After a look that found something: twenty frames a second are as many as an eye wants.
const LOOKS_APART: Duration = Duration::from_millis(50);
/// After a look that found more, so long for each line, up to the most: nobody reads a hundred lines in a second, and fifty
/// watchers who drew them all would take the processors from the runner. Each rests a time of its own between half of that and
/// all of it: what wakes one wakes all, and fifty who looked at the same moment would be in the runner's way together.
const LINE: Duration = Duration::from_millis(10);
const LOOKS_APART_MAX: Duration = Duration::from_millis(1_500);
/// So many times as long as a look took from when it was due: where processors are short it waits for one, and many who looked
/// as often as the lines alone allow would leave a runner nothing but its turn among them.
const LOOK: u32 = 10;
/// Lines that are read in one go, for some ten microseconds; then whoever else waits for this processor goes first.
const STRETCH: u64 = 8;

/// Hears what was written.
pub(super) trait FollowListener {
    /// A line that is durable.
    fn take_line(&mut self, followed: Followed<'_, Event>) -> Result<(), LaunchError>;

    /// All that a look found was heard.
    fn looked(&mut self) {}
}

/// A run that is followed, from its first line on.
pub(super) struct Following {
    store: DirectoryStore,
    run_id: RunId,
    follower: Follower,
    wakes: Wakes,
    /// Open while the holder shows this process as a watcher.
    watchers: Option<UnixStream>,
    ended: bool,
    pace: Pace,
    berth: Berth,
    step_aside: Box<dyn Fn() + Send>,
}

impl Following {
    /// Follows a run of the store.
    pub fn of(store: &DirectoryStore, run_id: &RunId) -> Result<Self, LaunchError> {
        let courtesy = Courtesy::default();
        let root = Storage::root(&**store.storage()).to_owned();
        Ok(Self {
            follower: store.reader(run_id)?.follow(ChainPosition::start()),
            wakes: Wakes::of(&root.join(DirectoryStore::run_path(run_id))),
            store: store.clone(),
            run_id: run_id.clone(),
            watchers: None,
            ended: false,
            pace: Pace::of(std::process::id()),
            berth: Berth::for_thread(RUNNER_THREAD),
            step_aside: Box::new(move || courtesy.step_aside()),
        })
    }

    /// Where the holder of the moment listens, if there can be a holder on this machine.
    pub fn socket(&self) -> Option<PathBuf> {
        crate::runner::socket(Storage::root(&**self.store.storage()), &self.run_id)
    }

    /// Hands over what was written since the last look; gives how many lines that were.
    pub fn look(&mut self, listener: &mut dyn FollowListener) -> Result<u64, LaunchError> {
        self.wakes.arm();
        let (store, run_id) = (&self.store, &self.run_id);
        self.berth.keep_off(|| store.holder_here(run_id));
        let mut taken = Ok(());
        let seen = self.follower.each(|followed| {
            self.ended |= matches!(followed.entry.event, Event::RunSealed { .. });
            if followed.entry.seq % STRETCH == 0 {
                (self.step_aside)();
            }
            if taken.is_ok() {
                taken = listener.take_line(followed);
            }
        });
        // What stands before damage was heard as well.
        listener.looked();
        taken?;
        Ok(seen?)
    }

    /// Follows until the run has its seal.
    pub fn follow(&mut self, listener: &mut dyn FollowListener) -> Result<(), LaunchError> {
        let (mut seen, mut due) = (1, Instant::now());
        loop {
            // A holder comes before what it writes: where nothing was written there is none to be found.
            if seen > 0 && self.watchers.is_none() {
                self.watchers = self.socket().and_then(|at| be_present(&at).ok());
            }
            seen = self.look(listener)?;
            if self.ended && self.store.is_sealed(&self.run_id)? {
                return Ok(());
            }
            if seen > 0 {
                let rest = self.pace.rest_after(seen, due.elapsed());
                due = Instant::now() + rest;
                thread::sleep(rest);
            } else {
                self.wait()?;
                due = Instant::now();
            }
        }
    }

    /// Stays a watcher of a run that has ended until its holder is gone: who still looks at it is still shown.
    pub fn linger(self) {
        if let Some(mut holder) = self.watchers {
            // However it ends, it has ended.
            let _ = io::copy(&mut holder, &mut io::sink());
        }
    }

    /// Sleeps until the journal may have grown.
    fn wait(&mut self) -> Result<(), LaunchError> {
        loop {
            let other = self.watchers.as_ref().map(UnixStream::as_fd);
            let woken = self
                .wakes
                .wait(other)
                .map_err(|source| LaunchError::Output {
                    doing: "cannot wait for the journal",
                    source,
                })?;
            match (woken, &mut self.watchers) {
                (Woken::Other, Some(holder)) => {
                    // The holder says nothing but that it has no room; either way, what it ends with is the end.
                    let mut said = [0; 256];
                    if !matches!(holder.read(&mut said), Ok(1..)) {
                        self.watchers = None;
                    }
                }
                _ => return Ok(()),
            }
        }
    }
}

/// How this watcher rests: in 65,536ths of the longest rest.
#[derive(Debug, Clone, Copy)]
struct Pace(u32);

impl Pace {
    /// Of a process: neighbours are far apart, as multiples of the golden ratio are around a circle.
    fn of(pid: u32) -> Self {
        Self((1 << 15) + (pid.wrapping_mul(0x9e37_79b9) >> 17))
    }

    /// How long to rest after a look that found so many lines, and was done so long after it was due.
    fn rest_after(self, seen: u64, took: Duration) -> Duration {
        let lines = u32::try_from(seen).unwrap_or(u32::MAX);
        let longest = LINE.saturating_mul(lines).max(took.saturating_mul(LOOK));
        let longest = longest.min(LOOKS_APART_MAX);
        (longest * self.0 / (1 << 16)).max(LOOKS_APART)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{FollowListener, Following, Pace, STRETCH};
    use crate::journal::{DirectoryStore, Followed, RunStore, SimulatedDisk};
    use crate::launch::LaunchError;
    use crate::run::{Event, RunId};
    use crate::survey::UtcTime;

    thread_local! {
        static HEARD: Cell<u64> = const { Cell::new(0) };
        static HEARD_IN_ONE_GO: Cell<u64> = const { Cell::new(0) };
        static STEPPED_ASIDE: Cell<u64> = const { Cell::new(0) };
    }

    struct Counting;

    impl FollowListener for Counting {
        fn take_line(&mut self, _: Followed<'_, Event>) -> Result<(), LaunchError> {
            HEARD.set(HEARD.get() + 1);
            HEARD_IN_ONE_GO.set(HEARD_IN_ONE_GO.get() + 1);
            assert!(HEARD_IN_ONE_GO.get() <= STRETCH, "others wait");
            Ok(())
        }
    }

    #[test]
    fn a_watcher_steps_aside_after_each_stretch_of_lines() {
        let store = DirectoryStore::on(Arc::new(SimulatedDisk::new()));
        let run_id: RunId = "ictr-20260521T021523Z-0a1b2c3d".parse().expect("an id");
        let at = UtcTime::from_unix_micros(0);
        let line = Event::LiveRead {
            read_at: at,
            changed: Vec::new(),
            complete: true,
            failed: None,
        };
        let lines = vec![line; 1_000];
        let mut run = store.create(&run_id).expect("a run");
        run.append_all(at, &lines).expect("appended");
        let mut following = Following::of(&store, &run_id).expect("it is there");
        following.step_aside = Box::new(|| {
            HEARD_IN_ONE_GO.set(0);
            STEPPED_ASIDE.set(STEPPED_ASIDE.get() + 1);
        });
        assert_eq!(following.look(&mut Counting).expect("legal lines"), 1_000);
        assert_eq!((HEARD.get(), STEPPED_ASIDE.get()), (1_000, 125));
    }

    #[test]
    fn a_watcher_rests_the_longer_the_longer_its_look_took_and_never_long() {
        let rests = |pace: Pace| {
            [0, 1, 10, 60, 150, u64::MAX].map(|millis| {
                let took = Duration::from_millis(millis);
                pace.rest_after(1, took).as_millis()
            })
        };
        assert_eq!(rests(Pace(1 << 15)), [50, 50, 50, 300, 750, 750]);
        assert_eq!(rests(Pace(1 << 16)), [50, 50, 100, 600, 1_500, 1_500]);
    }

    #[test]
    fn a_watcher_rests_the_longer_the_more_it_saw_and_never_long() {
        let rests = |pace: Pace| {
            [1, 3, 60, 100, 1_000, u64::MAX]
                .map(|seen| pace.rest_after(seen, Duration::ZERO).as_millis())
        };
        assert_eq!(rests(Pace(1 << 15)), [50, 50, 300, 500, 750, 750]);
        assert_eq!(rests(Pace(1 << 16)), [50, 50, 600, 1_000, 1_500, 1_500]);
    }

    #[test]
    fn watchers_that_were_started_together_rest_differently() {
        for first in [1, 500, 32_749, 4_194_000] {
            let mut paces: Vec<u32> = (first..first + 50).map(|pid| Pace::of(pid).0).collect();
            paces.sort_unstable();
            assert!(paces[0] >= 1 << 15 && paces[49] < 1 << 16);
            let widest = paces.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(widest < Some((1 << 15) / 20), "{paces:?}");
        }
    }
}
