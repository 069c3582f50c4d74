//! `drygate replay --cast`: a replay as a recording of a terminal. Invariant: each frame is that of the replay screen at its record, and the same run and settings give the same bytes.

use std::io::{self, BufWriter, IsTerminal, Write};

use ratatui::layout::Size;
use serde_json::json;

use super::still::Still;
use super::{LaunchError, new_file, output, replaying};
use crate::cli::{CastCommand, Settings};
use crate::journal::{DirectoryStore, RunStore};
use crate::replay::{Recording, ReplayError};
use crate::run::{RunId, exit};
use crate::survey::UtcTime;
use crate::tui::cast::{Cast, CastEnd, CastHeader};

/// A run about to be recorded.
struct Filming {
    still: Still,
    header: CastHeader,
    last: u64,
}

/// Writes the asciicast of a run.
pub(super) fn cast(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    command: &CastCommand,
) -> Result<u8, LaunchError> {
    if settings.json() && command.output.is_none() {
        return Err(LaunchError::Usage(
            "--cast - and --json would both write to standard output: name a file for the cast"
                .to_owned(),
        ));
    }
    let mut filming = Filming::of(settings, store, run_id, command)?;
    let Some(file) = &command.output else {
        let stdout = BufWriter::new(io::stdout().lock());
        filming.write(stdout, &|source| LaunchError::Output {
            doing: "cannot write to standard output",
            source,
        })?;
        return Ok(exit::OK);
    };
    let written = new_file::write(file, &mut |output| {
        filming.write(output, &|source| new_file::failed(file, source))
    })?;
    let (CastEnd { frames, length }, shown) = (written.made, new_file::visible(file));
    let seconds = length.as_secs_f64();
    if settings.json() {
        output::document(&json!({
            "schema": 1, "run_id": run_id, "file": file.display().to_string(),
            "frames": frames, "seconds": seconds, "bytes": written.bytes, "sha256": written.sha256,
        }))?;
    } else {
        output::line(&format!("{}  {shown}", written.sha256))?;
        output::say(&format!(
            "{run_id}: {frames} records in {seconds:.0} s. asciinema play {shown} shows it."
        ));
    }
    Ok(exit::OK)
}

impl Filming {
    fn of(
        settings: &Settings,
        store: &DirectoryStore,
        run_id: &RunId,
        command: &CastCommand,
    ) -> Result<Self, LaunchError> {
        let mut recording = Recording::open(&store.reader(run_id)?)?;
        recording.read_all()?;
        let (last, _) = recording.last().ok_or(ReplayError::Empty)?;
        let began = recording.timeline().began.ok_or(ReplayError::Empty)?;
        let terminal = replaying::page_size(io::stdout().is_terminal());
        let size = Size::new(
            command.width.unwrap_or(terminal.width),
            command.height.unwrap_or(terminal.height),
        );
        Ok(Self {
            still: Still::of(settings, recording, store.blobs(run_id)?, size),
            header: CastHeader {
                size,
                began,
                title: format!("drygate replay {run_id}"),
            },
            last,
        })
    }

    /// Draws record after record.
    fn write(
        &mut self,
        output: impl Write,
        failed: &dyn Fn(io::Error) -> LaunchError,
    ) -> Result<CastEnd, LaunchError> {
        let mut cast = Cast::begin(output, &self.header).map_err(failed)?;
        for seq in 0..=self.last {
            let frame = self.still.at(seq)?;
            let at: Option<UtcTime> = self.still.model().run.last.map(|(_, at)| at);
            cast.frame(at.unwrap_or(self.header.began), &frame)
                .map_err(failed)?;
        }
        cast.end().map_err(failed)
    }
}
