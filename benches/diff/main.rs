//! Two documents of 1,000,000 lines with 1 % changed, against other tools on the same files.
//! Invariant: each is measured in processes of its own, by turns, over the same bytes; every figure is a median and is printed.
//!
//! It fails where a bar of the contract is missed. What is not installed is NOT CHECKED.

mod screen;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use drygate::compare::AlignedDocuments;
use drygate::survey::{FactKind, Folding, Item, Sides};
use drygate::tui::screens::{DiffLayout, diff_lines};
use drygate::tui::{Colours, Theme};

const LINES: usize = 1_000_000;
const RUNS: usize = 7;
/// `delta` takes its time.
const DELTA_RUNS: usize = 1;

fn main() -> io::Result<ExitCode> {
    let words: Vec<String> = std::env::args().collect();
    if let [_, mode, before, after] = words.as_slice() {
        match mode.as_str() {
            "--complete" => return complete(before, after).map(|()| ExitCode::SUCCESS),
            "--screen" => return screen::looked_at(before, after).map(|()| ExitCode::SUCCESS),
            _ => {}
        }
    }
    let place = std::env::temp_dir().join(format!("drygate-bench-{}", std::process::id()));
    fs::create_dir_all(&place)?;
    let result = compare(&place);
    fs::remove_dir_all(&place)?;
    result
}

fn line(n: usize, state: &str) -> String {
    format!(
        "table public.object_{n:07} grantee_{:03} SELECT\tby owner_{} {state}\n",
        n % 977,
        n % 7
    )
}

fn documents() -> (String, String) {
    let mut before = String::new();
    let mut after = String::new();
    for n in 0..LINES {
        before.push_str(&line(n, "plain"));
        // Every hundredth line: changed, and now and then gone or new.
        match n % 100 {
            50 if n % 1_000 == 50 => {}
            50 if n % 1_000 == 150 => {
                after.push_str(&line(n, "plain"));
                after.push_str(&line(n + LINES, "new"));
            }
            50 => after.push_str(&line(n, "with grant option")),
            _ => after.push_str(&line(n, "plain")),
        }
    }
    (before, after)
}

/// What one process took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Taken {
    time: Duration,
    /// Resident memory at its highest, in kB.
    peak: u64,
}

fn compare(place: &Path) -> io::Result<ExitCode> {
    let (before, after) = documents();
    let files = [place.join("before"), place.join("after")];
    fs::write(&files[0], &before)?;
    fs::write(&files[1], &after)?;
    drop((before, after));
    let files = files.map(|file| file.display().to_string());
    let own = std::env::current_exe()?;
    let (mut ours, mut gits, mut diffs, mut seen) = (vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        ours.push(measure(Command::new(&own).arg("--complete").args(&files))?);
        gits.push(measure(
            Command::new("git")
                .args(["diff", "--no-index"])
                .args(&files),
        )?);
        diffs.push(measure(Command::new("diff").args(&files))?);
        let screen = Command::new(&own).arg("--screen").args(&files).output()?;
        seen.push(screen::FrameTimes::read(&String::from_utf8_lossy(
            &screen.stdout,
        ))?);
    }
    let (ours, git, diff) = (median(&ours), median(&gits), median(&diffs));
    let mut out = String::new();
    let _ = writeln!(
        out,
        "complete, {LINES} lines, 1 % changed, medians of {RUNS} alternating runs"
    );
    for (name, taken) in [
        ("drygate", ours),
        ("git diff --no-index", git),
        ("diff", diff),
    ] {
        let _ = writeln!(out, "  {name:<20} {}", said(taken));
    }
    let mut bars = vec![
        Bar::of("time to git diff", ratio(ours.time, git.time), 1.0),
        Bar::of("memory to git diff", share(ours.peak, git.peak), 1.0),
        Bar::of("memory to diff", share(ours.peak, diff.peak), 1.0),
    ];
    match delta(&files)? {
        Some(delta) => {
            let _ = writeln!(out, "  {:<20} {}", "delta --side-by-side", said(delta));
            bars.push(Bar::of("time to delta", ratio(ours.time, delta.time), 0.1));
        }
        None => out.push_str("  delta --side-by-side NOT CHECKED: it is not installed\n"),
    }
    let seen = screen::FrameTimes::median(&seen);
    out.push_str(&seen.table());
    bars.extend(seen.bars());
    for bar in &bars {
        let _ = writeln!(out, "{bar}");
    }
    io::stdout().write_all(out.as_bytes())?;
    let met = bars.iter().all(Bar::is_met);
    Ok(ExitCode::from(u8::from(!met)))
}

/// `git diff` through `delta`, where that is installed.
fn delta(files: &[String]) -> io::Result<Option<Taken>> {
    if Command::new("delta").arg("--version").output().is_err() {
        return Ok(None);
    }
    let runs = (0..DELTA_RUNS).map(|_| {
        measure(
            Command::new("delta")
                .args(["--side-by-side", "--paging", "never", "--width", "160"])
                .args(files),
        )
    });
    let runs: Vec<Taken> = runs.collect::<io::Result<_>>()?;
    Ok(Some(median(&runs)))
}

/// A figure and what it must not exceed.
struct Bar {
    name: String,
    figure: f64,
    limit: f64,
}

impl Bar {
    fn of(name: &str, figure: f64, limit: f64) -> Self {
        Self {
            name: name.to_owned(),
            figure,
            limit,
        }
    }

    fn is_met(&self) -> bool {
        self.figure <= self.limit
    }
}

impl std::fmt::Display for Bar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.is_met() { "met" } else { "MISSED" };
        let Self {
            name,
            figure,
            limit,
        } = self;
        write!(
            f,
            "bar {name:<24} {figure:>8.2} of at most {limit:<6} {word}"
        )
    }
}

fn said(taken: Taken) -> String {
    format!("{:>8.2?}  peak {:>4} MB", taken.time, taken.peak / 1_000)
}

fn ratio(one: Duration, two: Duration) -> f64 {
    one.as_secs_f64() / two.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of kilobytes")]
fn share(one: u64, two: u64) -> f64 {
    one as f64 / two.max(1) as f64
}

/// The whole diff: read, aligned, every change with its marks written out.
fn complete(before: &str, after: &str) -> io::Result<()> {
    let texts = Sides::new(fs::read_to_string(before)?, fs::read_to_string(after)?);
    let opened = AlignedDocuments::of(texts.map(Some), FactKind::Sha256);
    let folding = Folding::of(&opened.alignment);
    let layout = DiffLayout {
        width: usize::MAX,
        split: false,
        wrap: true,
        names_keys: false,
    };
    let theme = Theme::new(false, Colours::Off);
    let mut out = io::BufWriter::new(io::stdout().lock());
    for item in (0..folding.items()).filter_map(|at| folding.item(at)) {
        if let Item::Fold { rows, .. } = &item {
            writeln!(out, "... {} equal ...", rows.len())?;
            continue;
        }
        for line in diff_lines(&opened, &item, layout, theme) {
            writeln!(out, "{}", line.text.flat())?;
        }
    }
    out.flush()
}

/// Time from start to end, and the peak of resident memory.
fn measure(command: &mut Command) -> io::Result<Taken> {
    let began = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        peak = resident(&child).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    let time = began.elapsed();
    Ok(Taken { time, peak })
}

fn resident(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().trim_end_matches("kB").trim().parse().ok()
}

/// The median of the times, and that of the peaks.
fn median(runs: &[Taken]) -> Taken {
    let middle = runs.len() / 2;
    let mut times: Vec<Duration> = runs.iter().map(|run| run.time).collect();
    let mut peaks: Vec<u64> = runs.iter().map(|run| run.peak).collect();
    times.sort();
    peaks.sort_unstable();
    Taken {
        time: times[middle],
        peak: peaks[middle],
    }
}
