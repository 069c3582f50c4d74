//! Keeping off the processor that a runner is on. Invariant: no thread is left without a processor, and of its own at most one is left free.

pub(super) use processors::Berth;

/// Linux wakes a runner where the disk's interrupt comes and where its memory is warm, even if somebody is at work there and the
/// next processor idles: on two processors it waited for fifty watchers 3 % of its time, and waits as if alone where they keep off.
#[cfg(target_os = "linux")]
mod processors {
    use std::fs;
    use std::path::PathBuf;

    use rustix::process::getpid;
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// Fields of `/proc/PID/task/TID/stat` from the state of the thread to the processor that it was on last.
    const STATE_TO_PROCESSOR: usize = 36;

    /// What the calling thread and the main one leave free.
    #[derive(Debug)]
    pub(in crate::launch) struct Berth {
        /// Name of the thread that goes first.
        first: &'static str,
        /// The processors that this process was given; nothing where they are not known.
        own: Option<CpuSet>,
        stat: Option<PathBuf>,
        free: Option<usize>,
    }

    impl Berth {
        /// For the thread of that name. To be made where no thread keeps off anything yet.
        pub fn for_thread(first: &'static str) -> Self {
            Self {
                first,
                own: sched_getaffinity(None).ok(),
                stat: None,
                free: None,
            }
        }

        /// From here on nothing runs where the thread of `process` is now; if there is none, everything runs anywhere. Where that
        /// cannot be had, nothing is lost.
        pub fn keep_off(&mut self, process: impl FnOnce() -> Option<u32>) {
            let known = self.stat.as_ref().and_then(processor);
            let on = known.or_else(|| {
                self.stat = process().and_then(|pid| stat_of(pid, self.first));
                self.stat.as_ref().and_then(processor)
            });
            self.leave_free(on);
        }

        fn leave_free(&mut self, processor: Option<usize>) {
            let Some(mut left) = self.own else {
                return;
            };
            if processor == self.free {
                return;
            }
            if let Some(free) = processor.filter(|free| *free < CpuSet::MAX_CPU) {
                left.unset(free);
            }
            if left.count() == 0 {
                return;
            }
            self.free = processor;
            for thread in [None, Some(getpid())] {
                let _ = sched_setaffinity(thread, &left);
            }
        }
    }

    /// What the kernel says of the thread of that name.
    fn stat_of(process: u32, name: &str) -> Option<PathBuf> {
        let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
        let mut threads = threads.filter_map(|thread| Some(thread.ok()?.path()));
        let named = |thread: &PathBuf| {
            fs::read_to_string(thread.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
        };
        threads.find(named).map(|thread| thread.join("stat"))
    }

    /// The processor that a thread was on last.
    fn processor(stat: &PathBuf) -> Option<usize> {
        let said = fs::read_to_string(stat).ok()?;
        // A name may hold anything, parentheses and blanks too.
        let (_, fields) = said.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        fields.nth(STATE_TO_PROCESSOR)?.parse().ok()
    }

    #[cfg(test)]
    mod tests {
        use std::sync::mpsc::{Receiver, channel};
        use std::thread;

        use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

        use super::Berth;

        /// So long a name that the kernel keeps it, and no other thread of these tests has it.
        const NAME: &str = "a (berth) test";

        /// Goes to each processor that comes and says when it is there.
        fn go(to: &Receiver<usize>, there: &dyn Fn()) {
            while let Ok(processor) = to.recv() {
                let mut only = CpuSet::new();
                only.set(processor);
                sched_setaffinity(None, &only).expect("it is ours");
                assert_eq!(sched_getcpu(), processor);
                there();
            }
        }

        #[test]
        fn a_guest_keeps_off_the_processor_that_the_runner_is_on() {
            let own = sched_getaffinity(None).expect("it is Linux");
            let ours: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|n| own.is_set(*n)).collect();
            let mut berth = Berth::for_thread(NAME);
            let (requests, to) = channel();
            let (arrived, there) = channel();
            let runner = thread::Builder::new().name(NAME.to_owned());
            let runner = runner.spawn(move || go(&to, &|| arrived.send(()).expect("heard")));
            for processor in ours.iter().chain(&ours) {
                requests.send(*processor).expect("it listens");
                there.recv().expect("it is there");
                berth.keep_off(|| Some(std::process::id()));
                let mut left = own;
                if ours.len() > 1 {
                    left.unset(*processor);
                }
                assert_eq!(sched_getaffinity(None), Ok(left));
            }
            berth.keep_off(|| panic!("it is known already"));
            drop(requests);
            runner.expect("it ran").join().expect("it ended");
            berth.keep_off(|| None);
            assert_eq!(sched_getaffinity(None), Ok(own), "nobody to keep off");
        }
    }
}

/// Elsewhere threads are where the kernel puts them.
#[cfg(not(target_os = "linux"))]
mod processors {
    #[derive(Debug)]
    pub(in crate::launch) struct Berth;

    impl Berth {
        pub fn for_thread(_: &'static str) -> Self {
            Self
        }

        pub fn keep_off(&mut self, _: impl FnOnce() -> Option<u32>) {}
    }
}
