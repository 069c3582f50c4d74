//! The real program where the kernel refuses: a system call fails or kills (F1, F6, F7), a file may not grow, no file can be opened any
//! more, memory or disk are used up (F7, F22). Invariant: as in `lives`; a fault that did not strike is counted as void.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;

use drygate::postgres::throwaway::Cluster;
use drygate::testing::{FaultCounts, Random, fault_rounds, fault_seed};
use rstest::rstest;

use super::lives::Lives;
use super::site::Site;

/// What is in the way of a command.
#[derive(Clone, Copy, Debug)]
enum Obstacle {
    /// One of the calls with this name gets the outcome, in the words of strace's `inject`.
    Call(&'static str, &'static str),
    /// What `ulimit` takes, with the lowest value and the one above the highest.
    Limit(&'static str, u64, u64),
    /// The data directory lies on a disk of so many KiB.
    SmallDisk(u64, u64),
    /// Nothing can be written to the data directory, as after an error of its file system.
    ReadOnly,
}

/// Runs the rest of its arguments under a limit.
pub(super) const LIMITED: &str = r#"ulimit "$1" "$2" || exit 99; shift 2; exec "$@""#;
/// Runs the rest of its arguments on a small disk that has what the directory had, and gives the directory what the disk has then.
const ON_A_SMALL_DISK: &str = r#"disk=$1; data=$2; shift 2
mkdir -p "$data"; kept=$(mktemp -d); mount --bind "$data" "$kept" || exit 99
mount -t tmpfs -o size="$((disk + $(du -sk "$data" | cut -f1)))k" tmpfs "$data" || exit 99
cp -a "$kept/." "$data" || exit 99
"$@"; code=$?
full=$(df -k --output=avail "$data" | tail -n 1)
find "$kept" -mindepth 1 -delete; cp -a "$data/." "$kept"
[ "$full" -gt 8 ] || touch "$kept/struck"
exit $code"#;

/// Runs the rest of its arguments while the directory is mounted read only.
const READ_ONLY: &str = r#"data=$1; shift
mkdir -p "$data"; mount --bind "$data" "$data" && mount -o remount,bind,ro "$data" || exit 99
exec "$@""#;

/// What became of a command with an obstacle.
struct Met {
    output: Output,
    struck: bool,
}

/// The calls on files of a run that the program makes in each command when nothing is in its way: of each command and name, their
/// numbers among the calls of their thread, which is what strace counts.
type Calls = BTreeMap<(String, &'static str), Vec<u64>>;

/// The traced calls in a log of strace, with their threads.
fn traced(log: &Path) -> Vec<(String, String)> {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .map(|(thread, call)| (thread.to_owned(), call.trim_start().to_owned()))
        .filter(|(_, call)| call.contains('(') && !call.starts_with('<'))
        .collect()
}

/// Whether a call is on a file of the runs: what fails elsewhere (a wake-up of a thread, a pipe) no disk can cause.
fn is_on_a_file(call: &str, data: &Path) -> bool {
    call.contains(&data.display().to_string())
}

pub(super) fn output(mut command: Command) -> Output {
    command.stdin(Stdio::null()).output().expect("it starts")
}

/// A command of the program as an argument of another one.
pub(super) fn within(outer: &str, words: &[String], inner: &Command) -> Command {
    let mut command = Command::new(outer);
    command
        .args(words)
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(inner.get_current_dir().expect("it has one"));
    command
}

/// strace without `--seccomp-bpf`: with it, nothing is injected and nothing says so.
fn strace(log: &Path, more: &[String]) -> Vec<String> {
    let mut words: Vec<String> = ["-f", "-y", "-qq", "-o"].map(str::to_owned).to_vec();
    words.push(log.display().to_string());
    words.extend(more.iter().cloned());
    words
}

impl Obstacle {
    fn meet(self, site: &Site, given: &[String], calls: &Calls, chance: &mut Random) -> Met {
        let words: Vec<&str> = given.iter().map(String::as_str).collect();
        let inner = site.command(&words);
        match self {
            Self::Call(name, outcome) => {
                let numbers = calls.get(&(step(given), name));
                let number = |numbers: &Vec<u64>| numbers[chance.index(numbers.len())];
                let when = numbers.map_or(1, number);
                let log = site.place().join("strace.log");
                let inject = format!("inject={name}:{outcome}:when={when}");
                let more = [
                    "-e".to_owned(),
                    format!("trace={name}"),
                    "-e".to_owned(),
                    inject,
                ];
                let output = output(within("strace", &strace(&log, &more), &inner));
                let data = site.data();
                let injected = |(_, call): &(String, String)| {
                    call.contains("(INJECTED)") && is_on_a_file(call, &data)
                };
                // A call that kills is the last one: its thread never comes back from it.
                let killed = output.status.code().is_none();
                Met {
                    struck: killed || traced(&log).iter().any(injected),
                    output,
                }
            }
            Self::Limit(flag, from, below) => {
                let value = from + chance.below(below - from);
                let words = ["-c", LIMITED, "bash", flag, &value.to_string()].map(str::to_owned);
                let output = output(within("bash", &words, &inner));
                Met {
                    struck: !matches!(output.status.code(), Some(0 | 3)),
                    output,
                }
            }
            Self::SmallDisk(from, below) => {
                let kib = from + chance.below(below - from);
                let data = site.data();
                let words = [
                    "--mount".to_owned(),
                    "bash".to_owned(),
                    "-c".to_owned(),
                    ON_A_SMALL_DISK.to_owned(),
                    "bash".to_owned(),
                    kib.to_string(),
                    data.display().to_string(),
                ];
                let output = output(within("unshare", &words, &inner));
                let struck = fs::remove_file(data.join("struck")).is_ok();
                Met { output, struck }
            }
            // Now and then nothing is in the way, so that the run goes on.
            Self::ReadOnly if chance.below(2) == 0 => Met {
                struck: false,
                output: output(inner),
            },
            Self::ReadOnly => {
                let data = site.data().display().to_string();
                let words = ["--mount", "bash", "-c", READ_ONLY, "bash", &data];
                let output = output(within("unshare", &words.map(str::to_owned), &inner));
                Met {
                    struck: output.status.code() == Some(74),
                    output,
                }
            }
        }
    }

    /// Exit codes that a command may have which met this: what it was for, or the reason why not.
    fn allows(self, exit: i32) -> bool {
        match self {
            Self::Call(_, "error=EINTR") => [0, 3].contains(&exit),
            // Opened files are those of the journal, of git and of the way to the server, and those by which a person is known. strace
            // hits git as well: its own words refuse then.
            Self::Call("openat", _) => [0, 3, 6, 69, 71, 74, 75, 78].contains(&exit),
            Self::Limit("-n", ..) => [0, 3, 69, 71, 74, 75, 78].contains(&exit),
            // Memory runs out in any place, or before there is a program: the loader says 127.
            Self::Limit("-v", ..) => [0, 3, 69, 71, 74, 78, 127].contains(&exit),
            Self::ReadOnly => exit == 74,
            _ => [0, 3, 69, 74].contains(&exit),
        }
    }
}

/// Which command of a run this is: `run`, `resume`, or the gate of an approval.
fn step(given: &[String]) -> String {
    given.get(2).unwrap_or(&given[0]).clone()
}

/// An undisturbed run under strace, for the numbers that calls can have.
fn undisturbed(site: Site, names: &[&'static str]) -> Calls {
    let mut lives = Lives::new(site);
    let mut calls = Calls::new();
    for _ in 0..3 {
        let given = lives.next();
        let words: Vec<&str> = given.iter().map(String::as_str).collect();
        let log = lives.site.place().join("strace.log");
        let more = ["-e".to_owned(), format!("trace={}", names.join(","))];
        let output = output(within(
            "strace",
            &strace(&log, &more),
            &lives.site.command(&words),
        ));
        let mut so_far: BTreeMap<(String, &str), u64> = BTreeMap::new();
        for (thread, call) in traced(&log) {
            let name = call.split('(').next().unwrap_or_default();
            let Some(name) = names.iter().find(|traced| **traced == name) else {
                continue;
            };
            let number = so_far.entry((thread, name)).or_default();
            *number += 1;
            if is_on_a_file(&call, &lives.site.data()) {
                calls.entry((step(&given), name)).or_default().push(*number);
            }
        }
        let exit = output.status.code().expect("nothing is in its way");
        lives.ended(&given, exit, &output.stdout);
    }
    assert_eq!(lives.finish().0, 1);
    calls
}

/// One life after the other with obstacles in turn; gives how many runs passed.
fn play(
    cluster: Arc<Cluster>,
    obstacles: &[(Obstacle, &FaultCounts)],
    rounds: u64,
    seed: u64,
    calls: &Calls,
) -> usize {
    let mut lives = Lives::new(Site::on(cluster));
    let mut chance = Random::new(seed | 1);
    for round in 0..rounds {
        let nth = usize::try_from(round).expect("small") % obstacles.len();
        let (obstacle, counts) = obstacles[nth];
        let given = lives.next();
        let met = obstacle.meet(&lives.site, &given, calls, &mut chance);
        let said = String::from_utf8_lossy(&met.output.stderr);
        let context = || {
            format!(
                "round {round}, {obstacle:?}, {given:?}: {:?}: {said}",
                met.output.status
            )
        };
        if met.struck {
            counts.injected();
            assert!(!said.contains("panicked"), "{}", context());
        } else {
            counts.void();
        }
        match met.output.status.code() {
            Some(exit @ (0 | 3)) => lives.ended(&given, exit, &met.output.stdout),
            Some(exit) => {
                assert!(!met.struck || obstacle.allows(exit), "{}", context());
                lives.failed(&mut chance);
            }
            None => lives.failed(&mut chance),
        }
    }
    lives.finish().0
}

/// Whether a program can be run here. What cannot is said, and proves nothing.
pub(super) fn have(program: &str, words: &[&str]) -> bool {
    let tried = Command::new(program).args(words).output();
    let is_here = tried.is_ok_and(|tried| tried.status.success());
    if !is_here {
        println!("{program} {}: NOT CHECKED here", words.join(" "));
    }
    is_here
}

#[rstest]
#[case::a_call_fails_or_kills(1, "a system call fails or kills (strace)", 300, &[
    Obstacle::Call("fdatasync", "error=EIO"),
    Obstacle::Call("fsync", "error=EIO"),
    Obstacle::Call("pwrite64", "error=ENOSPC"),
    Obstacle::Call("pwrite64", "error=EIO"),
    Obstacle::Call("pwrite64", "error=EINTR"),
    Obstacle::Call("fsync", "signal=KILL"),
    Obstacle::Call("pwrite64", "signal=KILL"),
    Obstacle::Call("renameat", "signal=KILL"),
    Obstacle::Call("openat", "error=EMFILE"),
])]
#[case::a_limit_is_met(22, "a file may not grow, no file can be opened, memory is used up (ulimit)", 300, &[
    Obstacle::Limit("-f", 1, 300),
    Obstacle::Limit("-n", 4, 60),
    Obstacle::Limit("-v", 20_000, 300_000),
])]
#[case::a_small_disk_is_full(7, "the disk of the runs is full (tmpfs)", 200, &[Obstacle::SmallDisk(8, 600)])]
#[case::the_disk_is_read_only(7, "the directory of the runs is mounted read only", 40, &[Obstacle::ReadOnly])]
fn a_command_that_the_kernel_refuses_acknowledges_nothing_that_is_not_there(
    #[case] number: u8,
    #[case] what: &'static str,
    #[case] full: u64,
    #[case] obstacles: &[Obstacle],
) {
    if !have("strace", &["-V"]) || !have("unshare", &["--mount", "true"]) {
        return;
    }
    let counts = FaultCounts::new(number, what);
    let mut names: Vec<&'static str> = Vec::new();
    for obstacle in obstacles {
        if let Obstacle::Call(name, _) = obstacle
            && !names.contains(name)
        {
            names.push(name);
        }
    }
    let site = Site::new();
    let cluster = site.cluster();
    let calls = if names.is_empty() {
        Calls::new()
    } else {
        undisturbed(site, &names)
    };
    for ((step, name), numbers) in &calls {
        println!("{step}: {} calls of {name} on files", numbers.len());
    }
    let seed = fault_seed(u64::from(number));
    let rounds = fault_rounds(obstacles.len() as u64 * 2, full) / 2;
    let with: Vec<(Obstacle, &FaultCounts)> = obstacles.iter().map(|it| (*it, &counts)).collect();
    let passed: usize = thread::scope(|scope| {
        let lives: Vec<_> = (1..=2)
            .map(|life| {
                let (cluster, with, calls) = (cluster.clone(), &with, &calls);
                scope.spawn(move || play(cluster, with, rounds, seed * 31 + life, calls))
            })
            .collect();
        lives
            .into_iter()
            .map(|life| life.join().expect("a life"))
            .sum()
    });
    println!("{passed} runs passed");
}

/// Where the logs of a site lie.
impl Site {
    fn place(&self) -> PathBuf {
        self.data().parent().expect("it has one").to_owned()
    }
}
