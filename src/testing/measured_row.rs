//! One row of `benches/RESULTS.md`: ours, theirs, their ratio, the bar. Invariant: whether a bar is met is worked out from the
//! values that the row shows, and nobody can say it.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;
use std::{env, io};

/// The file that rows are appended to, as lines of a Markdown table; without it they are only printed.
const ROWS: &str = "DRYGATE_BENCH_ROWS";

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasuredUnit {
    /// Time, in seconds.
    Seconds,
    /// Memory or output, in bytes. Shown in kB of 1,024 bytes and MB of 1,024 kB, as the contract counts them.
    Bytes,
    /// How many.
    Count,
    /// Records in a second.
    PerSecond,
    /// The power of the size that something grows with: 1 is linear.
    Exponent,
}

/// What a figure is held to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MeasuredBar {
    /// Nothing: the figure is shown.
    None,
    /// So many times the other's figure at most.
    AtMostTimes(f64),
    /// So many times the other's figure at least.
    AtLeastTimes(f64),
    /// A value at most, in the unit of the figure.
    AtMost(f64),
}

/// What came of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowVerdict {
    /// The figure keeps its bar.
    Met,
    /// It does not.
    NotMet,
    /// A figure is missing, so that nothing is said.
    NotChecked,
    /// There is no bar.
    NoBar,
}

impl fmt::Display for RowVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "met",
            Self::NotMet => "NOT MET",
            Self::NotChecked => "NOT CHECKED",
            Self::NoBar => "no bar",
        })
    }
}

impl RowVerdict {
    /// How a bench ends: it fails where a bar is missed. All are asked for, so that rows which are told on the way are all told.
    pub fn exit_code(all: impl IntoIterator<Item = Self>) -> ExitCode {
        let missed = all.into_iter().filter(|verdict| *verdict == Self::NotMet);
        ExitCode::from(u8::from(missed.count() > 0))
    }
}

/// One measured figure, what it is put beside, and what it is held to.
#[must_use]
#[derive(Debug, Clone)]
pub struct MeasuredRow {
    what: String,
    command: String,
    ours: Option<f64>,
    unit: MeasuredUnit,
    beside: Option<(String, Option<f64>)>,
    bar: MeasuredBar,
}

impl MeasuredRow {
    /// A figure without a bar. `what` says what was measured, with its size; `command` is what a user types, or `library: ` and
    /// what was called; `ours` is in `unit`.
    pub fn new(what: &str, command: &str, ours: f64, unit: MeasuredUnit) -> Self {
        Self {
            what: what.to_owned(),
            command: command.to_owned(),
            ours: Some(ours),
            unit,
            beside: None,
            bar: MeasuredBar::None,
        }
    }

    /// Our own figure could not be measured.
    pub fn unmeasured(mut self) -> Self {
        self.ours = None;
        self
    }

    /// What stands beside it, in the same unit; `theirs` is `None` where it is not installed or could not be measured.
    pub fn beside(mut self, other: &str, theirs: Option<f64>) -> Self {
        self.beside = Some((other.to_owned(), theirs));
        self
    }

    /// What it is held to.
    pub fn held_to(mut self, bar: MeasuredBar) -> Self {
        self.bar = bar;
        self
    }

    /// Ours by theirs; `None` where one is missing or theirs is 0.
    pub fn ratio(&self) -> Option<f64> {
        let theirs = self.beside.as_ref()?.1?;
        (theirs != 0.0).then_some(self.ours? / theirs)
    }

    /// Whether the bar is met.
    pub fn verdict(&self) -> RowVerdict {
        let holds = match self.bar {
            MeasuredBar::None => return RowVerdict::NoBar,
            MeasuredBar::AtMostTimes(most) => self.ratio().map(|ratio| ratio <= most),
            MeasuredBar::AtLeastTimes(least) => self.ratio().map(|ratio| ratio >= least),
            MeasuredBar::AtMost(most) => self.ours.map(|ours| ours <= most),
        };
        match holds {
            Some(true) => RowVerdict::Met,
            Some(false) => RowVerdict::NotMet,
            None => RowVerdict::NotChecked,
        }
    }

    /// Prints the row, and appends it to the file that `DRYGATE_BENCH_ROWS` names.
    pub fn tell(&self) -> RowVerdict {
        let [what, command, ours, beside, theirs, ratio, bar, verdict] = self.cells();
        say(&format!(
            "{what}: {ours} ({command}); {beside} {theirs}; ratio {ratio}; bar {bar}: {verdict}"
        ));
        if let Some(path) = env::var_os(ROWS) {
            let line = format!("{}\n", self.markdown());
            let file = OpenOptions::new().create(true).append(true).open(&path);
            // A row that is lost would leave an older one in its place.
            file.and_then(|mut file| file.write_all(line.as_bytes()))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        self.verdict()
    }

    /// The row of the table.
    fn markdown(&self) -> String {
        let mut cells = self.cells().map(|cell| cell.replace('|', "\\|"));
        cells[1] = match cells[1].strip_prefix("library: ") {
            Some(called) => format!("library: {called}"),
            None => format!("`{}`", cells[1]),
        };
        format!("| {} |", cells.join(" | "))
    }

    fn cells(&self) -> [String; 8] {
        let figure = |value: Option<f64>| {
            value.map_or_else(
                || RowVerdict::NotChecked.to_string(),
                |value| shown(value, self.unit),
            )
        };
        let nothing = || "-".to_owned();
        let (beside, theirs) = match &self.beside {
            Some((other, theirs)) => (other.clone(), figure(*theirs)),
            None => (nothing(), nothing()),
        };
        let bar = match self.bar {
            MeasuredBar::None => nothing(),
            MeasuredBar::AtMostTimes(most) => format!("at most {most} x"),
            MeasuredBar::AtLeastTimes(least) => format!("at least {least} x"),
            MeasuredBar::AtMost(most) => format!("at most {}", shown(most, self.unit)),
        };
        [
            self.what.clone(),
            self.command.clone(),
            figure(self.ours),
            beside,
            theirs,
            self.ratio()
                .map_or_else(nothing, |ratio| format!("{ratio:.2}")),
            bar,
            self.verdict().to_string(),
        ]
    }
}

/// A value with its unit, in the size that reads best.
fn shown(value: f64, unit: MeasuredUnit) -> String {
    match unit {
        MeasuredUnit::Seconds if value < 0.001 => format!("{:.0} us", value * 1e6),
        MeasuredUnit::Seconds if value < 1.0 => format!("{:.1} ms", value * 1e3),
        MeasuredUnit::Seconds => format!("{value:.2} s"),
        MeasuredUnit::Bytes if value < 1024.0 => format!("{value:.0} bytes"),
        MeasuredUnit::Bytes if value < 1024.0 * 1024.0 => format!("{:.1} kB", value / 1024.0),
        MeasuredUnit::Bytes => format!("{:.1} MB", value / (1024.0 * 1024.0)),
        MeasuredUnit::Count => format!("{value:.0}"),
        MeasuredUnit::PerSecond => format!("{value:.0}/s"),
        MeasuredUnit::Exponent => format!("n^{value:.2}"),
    }
}

/// Prints a line beside the rows.
pub fn say(line: &str) {
    // A closed stdout must not fail a measure.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// The value that so many of a hundred do not exceed; 50 is the median.
///
/// # Panics
/// Without values.
pub fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * percent / 100]
}

/// The value in the middle.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::{MeasuredBar, MeasuredRow, MeasuredUnit, RowVerdict, median, percentile};

    const MB: f64 = 1024.0 * 1024.0;

    fn row(ours: f64, unit: MeasuredUnit, bar: MeasuredBar) -> MeasuredRow {
        MeasuredRow::new("a survey", "drygate survey", ours, unit).held_to(bar)
    }

    #[test]
    fn a_verdict_is_worked_out_from_the_values_of_the_row() {
        let times = |ours, theirs, bar| {
            let row = row(ours, MeasuredUnit::Seconds, bar).beside("psql", theirs);
            row.verdict()
        };
        let most = MeasuredBar::AtMostTimes(0.5);
        assert_eq!(times(1.0, Some(2.0), most), RowVerdict::Met);
        assert_eq!(times(1.0, Some(1.9), most), RowVerdict::NotMet);
        assert_eq!(times(1.0, None, most), RowVerdict::NotChecked);
        assert_eq!(times(1.0, Some(0.0), most), RowVerdict::NotChecked);
        assert_eq!(times(f64::NAN, Some(2.0), most), RowVerdict::NotMet);
        let least = MeasuredBar::AtLeastTimes(0.9);
        assert_eq!(times(0.9, Some(1.0), least), RowVerdict::Met);
        assert_eq!(times(0.8, Some(1.0), least), RowVerdict::NotMet);
        assert_eq!(times(9.0, Some(1.0), MeasuredBar::None), RowVerdict::NoBar);
        let bytes = |ours, most| row(ours, MeasuredUnit::Bytes, MeasuredBar::AtMost(most));
        assert_eq!(bytes(0.0, 0.0).verdict(), RowVerdict::Met);
        assert_eq!(bytes(1.0, 0.0).verdict(), RowVerdict::NotMet);
        assert_eq!(bytes(64.0 * MB, 64.0 * MB).verdict(), RowVerdict::Met);
        let nothing = bytes(0.0, 0.0).unmeasured();
        assert_eq!(nothing.verdict(), RowVerdict::NotChecked);
    }

    #[test]
    fn a_row_behind_a_missed_bar_is_told_as_well() {
        let mut told = 0;
        let all = [RowVerdict::NotMet, RowVerdict::Met, RowVerdict::NoBar];
        let code = RowVerdict::exit_code(all.into_iter().inspect(|_| told += 1));
        assert_eq!((told, code), (3, ExitCode::FAILURE));
        let rest = [RowVerdict::Met, RowVerdict::NotChecked, RowVerdict::NoBar];
        assert_eq!(RowVerdict::exit_code(rest), ExitCode::SUCCESS);
    }

    #[test]
    fn a_row_is_a_line_of_a_table_with_units() {
        let first = row(0.0123, MeasuredUnit::Seconds, MeasuredBar::AtMostTimes(0.5));
        assert_eq!(
            first.beside("btm", Some(0.0246)).markdown(),
            "| a survey | `drygate survey` | 12.3 ms | btm | 24.6 ms | 0.50 | at most 0.5 x | met |"
        );
        let absent = row(2.0, MeasuredUnit::Seconds, MeasuredBar::AtMostTimes(0.5));
        assert_eq!(
            absent.beside("a | b", None).markdown(),
            "| a survey | `drygate survey` | 2.00 s | a \\| b | NOT CHECKED | - | at most 0.5 x | NOT CHECKED |"
        );
        let memory = row(
            7.25 * MB,
            MeasuredUnit::Bytes,
            MeasuredBar::AtMost(64.0 * MB),
        );
        assert_eq!(
            memory.markdown(),
            "| a survey | `drygate survey` | 7.2 MB | - | - | - | at most 64.0 MB | met |"
        );
        let power = MeasuredRow::new("chain", "library: verify", 1.2, MeasuredUnit::Exponent);
        assert_eq!(
            power.held_to(MeasuredBar::AtMost(1.1)).markdown(),
            "| chain | library: verify | n^1.20 | - | - | - | at most n^1.10 | NOT MET |"
        );
    }

    #[test]
    fn the_median_is_in_the_middle_and_the_99th_of_a_hundred_near_the_end() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        let hundred: Vec<f64> = (0..100).map(f64::from).collect();
        assert!((percentile(&hundred, 99) - 98.0).abs() < f64::EPSILON);
    }
}
