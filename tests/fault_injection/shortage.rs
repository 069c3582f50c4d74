//! The real program where the machine gives no more pipes, threads or processes (F22). Invariant: nothing is judged or refused by that, and
//! the run goes on; a fault that did not strike makes the test fail.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use drygate::run::HookEnd;
use drygate::testing::FaultCounts;

use super::site::{Site, approve_waiting, code, entries, folded, json};
use super::syscalls::{LIMITED, have, output, within};

/// Every way in which a thread or a process is started.
const STARTS: &str = "clone,clone3,fork,vfork";

/// A command under strace, with what it traced.
fn traced(site: &Site, given: &[&str], words: &[&str]) -> (Output, String) {
    let log = site.data().with_extension("strace");
    let mut all: Vec<String> = ["-f", "-qq", "-o"].map(str::to_owned).to_vec();
    all.push(log.display().to_string());
    all.extend(words.iter().map(|word| (*word).to_owned()));
    let mut command = site.command(given);
    if given[0] == "approve" {
        // The repository is that of the run: looked for by its name, it would be met before the approval is recorded.
        let mut words = command
            .get_args()
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>();
        let named = words.iter().position(|word| word == "--repo");
        words.drain(named.map_or(0..0, |at| at..at + 2));
        let mut again = Command::new(command.get_program());
        again.args(words).current_dir(site.data());
        again.env("TMPDIR", site.data().parent().expect("it has one"));
        command = again;
    }
    let output = output(within("strace", &all, &command));
    (output, fs::read_to_string(log).expect("a log"))
}

/// A command where these calls fail; it must have met that.
fn lacking(site: &Site, given: &[&str], calls: &str, fails: &str, counts: &FaultCounts) -> Output {
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:{fails}"));
    let (output, log) = traced(site, given, &["-e", &trace, "-e", &inject]);
    assert!(log.contains("(INJECTED)"), "{given:?}: {log}");
    counts.injected();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{given:?}: {said}");
    output
}

fn said(output: &Output) -> String {
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    format!("{:?}: {stdout}{stderr}", output.status)
}

fn last_run(site: &Site) -> PathBuf {
    site.last_run().expect("a run")
}

#[test]
fn an_approval_is_not_refused_because_git_could_not_be_started() {
    if !have("strace", &["-V"]) {
        return;
    }
    let counts = FaultCounts::new(
        22,
        "no pipe can be made, so git cannot be asked; one file can be opened (strace, ulimit)",
    );
    let site = Site::new();
    let stopped = json(&site.drygate(&["run"]));
    let asked = ["gate", "evidence"].map(|key| stopped[key].as_str().expect("it waits").to_owned());
    let approve = ["approve", "last", &asked[0], "--digest", &asked[1]];
    let met = lacking(&site, &approve, "pipe2", "error=EMFILE", &counts);
    assert_eq!(code(&met), 71, "{}", said(&met));
    assert!(said(&met).contains("ulimit -n"), "{}", said(&met));
    let pending = folded(&last_run(&site));
    assert!(pending.pending_approval().is_some(), "it is kept");
    // One file is left: the directory of this process can be opened, and nothing in it. Who that is stays unknown, and is not doubted.
    let words = ["-c", LIMITED, "bash", "-n", "4"].map(str::to_owned);
    let met = output(within("bash", &words, &site.command(&["resume", "last"])));
    assert_eq!(code(&met), 71, "{}", said(&met));
    assert!(said(&met).contains("who this is"), "{}", said(&met));
    counts.injected();
    // Nothing is in the way any more: it takes effect without being asked again.
    let resumed = site.drygate(&["resume", "last"]);
    assert_eq!(code(&resumed), 3, "{}", said(&resumed));
    let passed = approve_waiting(&site, &json(&resumed));
    assert_eq!(code(&passed), 0, "{}", said(&passed));
}

#[test]
fn without_threads_and_processes_what_can_be_done_is_done_and_the_rest_says_why() {
    if !have("strace", &["-V"]) {
        return;
    }
    let counts = FaultCounts::new(22, "no thread and no process can be started (strace)");
    let site = Site::new();
    assert_eq!(code(&site.drygate(&["run"])), 3);
    // There is no index yet, so each journal is read.
    let alone = lacking(&site, &["runs"], STARTS, "error=EAGAIN", &counts);
    assert_eq!(code(&alone), 0, "{}", said(&alone));
    let listed = site.drygate(&["runs"]);
    assert_eq!(json(&alone), json(&listed));
    assert_eq!(json(&alone)["runs"].as_array().map(Vec::len), Some(1));
    for command in [&["run"][..], &["resume", "last"]] {
        let met = lacking(&site, command, STARTS, "error=EAGAIN", &counts);
        assert_eq!(code(&met), 71, "{}", said(&met));
        assert!(said(&met).contains("-u"), "{}", said(&met));
    }
}

#[test]
fn a_hook_that_no_thread_can_be_started_for_is_recorded_and_the_run_waits() {
    if !have("strace", &["-V"]) {
        return;
    }
    let counts = FaultCounts::new(22, "no thread can be started for a hook (strace)");
    let site = Site::new();
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/profiles/icx-const.toml");
    let profile = fs::read_to_string(assets).expect("the built-in profile");
    let hooked = site.data().with_extension("toml");
    let hooks = "\n[hooks]\non_wait = [\"true\"]\n";
    fs::write(&hooked, profile + hooks).expect("a new file");
    let hooked = hooked.display().to_string();
    let run = ["run", "--profile", &hooked];
    let ended = |site: &Site| {
        let lines = entries(&last_run(site));
        let ran = lines.into_iter().find_map(|line| match line.event {
            drygate::run::Event::HookRan(ran) => Some(ran.outcome.end),
            _ => None,
        });
        ran.expect("a hook ran")
    };
    // The thread of the run starts most, and the hook last.
    let (whole, log) = traced(&site, &run, &["-e", &format!("trace={STARTS}")]);
    assert_eq!(code(&whole), 3, "{}", said(&whole));
    assert_eq!(ended(&site), HookEnd::Exited { code: 0 });
    let mut starts: BTreeMap<&str, u32> = BTreeMap::new();
    for (thread, call) in log.lines().filter_map(|line| line.split_once(' ')) {
        let begins = call.contains('(') && !call.trim_start().starts_with('<');
        *starts.entry(thread).or_default() += u32::from(begins);
    }
    let last = starts.values().max().expect("threads are started");
    let fails = format!("error=EAGAIN:when={last}");
    let met = lacking(&site, &run, STARTS, &fails, &counts);
    assert_eq!(code(&met), 3, "{}", said(&met));
    let end = ended(&site);
    assert!(matches!(end, HookEnd::NotStarted { .. }), "{end:?}");
}
