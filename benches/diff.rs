//! Two documents of 1,000,000 lines with 1 % changed, against `git diff --no-index` of the same files.
//! Invariant: both are measured in processes of their own, alternating, over the same bytes; every figure is printed.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use drygate::desk::Opened;
use drygate::survey::{FactKind, Folding, Item, Side, Sides};
use drygate::tui::screens::{DiffLayout, diff_lines};
use drygate::tui::{Colours, Theme};

const LINES: usize = 1_000_000;
const RUNS: usize = 5;
/// The first frame, after loading.
const FRAME_LINES: usize = 48;

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    if let [_, mode, before, after] = words.as_slice()
        && mode == "--complete"
    {
        return complete(before, after);
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

fn compare(place: &Path) -> io::Result<()> {
    let (before, after) = documents();
    let files = [place.join("before"), place.join("after")];
    fs::write(&files[0], &before)?;
    fs::write(&files[1], &after)?;
    let [before_file, after_file] = files.map(|file| file.display().to_string());
    let own = std::env::current_exe()?;
    let (mut ours, mut gits) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(measure(Command::new(&own).args([
            "--complete",
            &before_file,
            &after_file,
        ]))?);
        gits.push(measure(Command::new("git").args([
            "diff",
            "--no-index",
            &before_file,
            &after_file,
        ]))?);
    }
    let (our_time, our_peak) = median(ours);
    let (git_time, git_peak) = median(gits);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "complete, {LINES} lines, 1 % changed, median of {RUNS} alternating runs"
    );
    let _ = writeln!(
        out,
        "  drygate              {our_time:>8.2?}  peak {:>4} MB",
        our_peak / 1_000
    );
    let _ = writeln!(
        out,
        "  git diff --no-index  {git_time:>8.2?}  peak {:>4} MB",
        git_peak / 1_000
    );
    let times = our_time.as_secs_f64() / git_time.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a ratio of kilobytes")]
    let peaks = our_peak as f64 / git_peak.max(1) as f64;
    let _ = writeln!(
        out,
        "  ratio                {times:>8.2}   peak {peaks:>6.2}   (bar: 1, 1)"
    );
    out.push_str(&interactive(before, after));
    io::stdout().write_all(out.as_bytes())
}

/// What a person waits for on the screen.
fn interactive(before: String, after: String) -> String {
    let began = Instant::now();
    let opened = Opened::of(Sides::new(Some(before), Some(after)), FactKind::Sha256);
    let aligned = began.elapsed();
    let began = Instant::now();
    let folding = Folding::of(&opened.alignment);
    let first = frame(&opened, &folding, 0);
    let first_frame = began.elapsed();
    let began = Instant::now();
    let change = opened.alignment.changes() / 2;
    let row = opened.alignment.change(change).map_or(0, |rows| rows.start);
    let second = frame(&opened, &folding, folding.place(row));
    let next_change = began.elapsed();
    let began = Instant::now();
    let found = opened.documents.after.find("object_0999999", 0);
    let row = found.map_or(0, |line| opened.alignment.row_of(Side::After, line));
    let third = frame(&opened, &folding, folding.place(row));
    let search = began.elapsed();
    format!(
        "interactive: aligned {aligned:.1?}, then first frame {first_frame:.1?} ({first} lines), \
         any change {next_change:.1?} ({second}), search to the last line {search:.1?} ({third})\n"
    )
}

fn frame(opened: &Opened, folding: &Folding, top: usize) -> usize {
    let layout = DiffLayout {
        width: 160,
        split: true,
        wrap: true,
    };
    let theme = Theme::new(false, Colours::Off);
    let items = (top..folding.items())
        .take(FRAME_LINES)
        .filter_map(|at| folding.item(at));
    items
        .map(|item| diff_lines(opened, &item, layout, theme).len())
        .sum()
}

/// The whole diff: read, aligned, every change with its marks written out.
fn complete(before: &str, after: &str) -> io::Result<()> {
    let texts = Sides::new(fs::read_to_string(before)?, fs::read_to_string(after)?);
    let opened = Opened::of(texts.map(Some), FactKind::Sha256);
    let folding = Folding::of(&opened.alignment);
    let layout = DiffLayout {
        width: usize::MAX,
        split: false,
        wrap: true,
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

/// Time from start to end, and the peak of resident memory in kB.
fn measure(command: &mut Command) -> io::Result<(Duration, u64)> {
    let began = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        peak = resident(&child).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok((began.elapsed(), peak))
}

fn resident(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().trim_end_matches("kB").trim().parse().ok()
}

fn median(mut runs: Vec<(Duration, u64)>) -> (Duration, u64) {
    runs.sort();
    runs[runs.len() / 2]
}
