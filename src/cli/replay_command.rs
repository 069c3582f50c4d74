//! The arguments of `replay`, and of the files that it writes.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::RunPlace;
use super::command::run_place;

/// What `replay` is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReplayCommand {
    /// The run, or an archive of one.
    #[arg(value_name = "RUN_ID|FILE", value_parser = run_place(), value_hint = ValueHint::AnyPath)]
    pub run: RunPlace,
    /// Where to stand: a record (212) or a time (09:33, 09:33:06); without a terminal that frame is printed.
    #[arg(long, value_name = "SEQ|TIME")]
    pub at: Option<String>,
    /// Writes the whole replay as an asciicast (version 2), which `asciinema play` shows; - is standard output.
    ///
    /// Every record is shown as the replay screen shows it, as long after the one before as it was written; a wait over 2
    /// seconds becomes 2 seconds. A file that is there is never overwritten.
    #[arg(long, value_name = "OUTPUT", group = "file", conflicts_with = "at")]
    pub cast: Option<PathBuf>,
    /// Writes the frame of the last record, or of --at, as an SVG picture; - is standard output.
    ///
    /// The picture has a dark background and loads nothing. The same record in the same size gives the same bytes. A file that
    /// is there is never overwritten.
    #[arg(long, value_name = "OUTPUT", group = "file")]
    pub svg: Option<PathBuf>,
    /// Columns of the asciicast or picture; without it those of the terminal, else 160.
    #[arg(long, value_name = "N", requires = "file", value_parser = clap::value_parser!(u16).range(60..=1000))]
    pub width: Option<u16>,
    /// Rows of the asciicast or picture; without it those of the terminal, else 48.
    #[arg(long, value_name = "N", requires = "file", value_parser = clap::value_parser!(u16).range(16..=1000))]
    pub height: Option<u16>,
}

impl ReplayCommand {
    /// The file to write; `None`: the replay is shown.
    pub fn file(&self) -> Option<ReplayFile> {
        let cast = self
            .cast
            .as_ref()
            .map(|output| (ReplayFormat::Cast, output));
        let svg = self.svg.as_ref().map(|output| (ReplayFormat::Svg, output));
        cast.or(svg).map(|(format, output)| ReplayFile {
            format,
            output: (output.as_os_str() != "-").then(|| output.clone()),
            width: self.width,
            height: self.height,
        })
    }
}

/// The file format of a written replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayFormat {
    /// Every record, as an asciicast.
    Cast,
    /// One record, as an SVG picture.
    Svg,
}

impl fmt::Display for ReplayFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cast => "cast",
            Self::Svg => "svg",
        })
    }
}

/// Arguments of `drygate replay --cast` and `--svg`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayFile {
    /// The format: asciicast or SVG.
    pub format: ReplayFormat,
    /// The new file; `None`: standard output.
    pub output: Option<PathBuf>,
    /// Columns; without it those of the terminal, or of the drawings of the manual.
    pub width: Option<u16>,
    /// Rows; without it as for columns.
    pub height: Option<u16>,
}
