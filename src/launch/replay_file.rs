//! `drygate replay --cast` and `--svg`: a replay as a file.
//! Invariant: each frame is that of the replay screen at its record (test `a_recording_shows_every_record_as_the_replay_does`
//! of tests/integration/cast.rs).

use std::io;
use std::io::{BufWriter, IsTerminal, Write};
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use super::playback::Playback;
use super::run_plan::own_person;
use super::{LaunchError, files, lookup, output, replay, terminal_session};
use crate::cli::{ReplayFile, ReplayFormat, Settings};
use crate::documents::{CastDocument, SchemaVersion, SvgDocument};
use crate::journal::{DirectoryStore, RunStore};
use crate::replay::{Recording, ReplayError};
use crate::run::{RunId, exit};
use crate::survey::UtcTime;
use crate::tui::cast::{Cast, CastEnd, CastHeader};
use crate::tui::event_loop::frame;
use crate::tui::model::Model;
use crate::tui::update::update;
use crate::tui::{Background, ScreenMessage, Source, svg};

/// A replay about to be written.
struct Frames {
    still: Still,
    began: UtcTime,
    /// The record of a picture, the last one of an asciicast.
    seq: u64,
    title: String,
}

/// What a written file contains.
struct FrameContent {
    /// Sentence for a person, printed behind the run id.
    says: String,
    /// The same in figures, for a JSON document.
    drawn: Drawn,
}

/// What was drawn, in figures.
enum Drawn {
    Cast { frames: u64, seconds: f64 },
    Svg { seq: u64, at: UtcTime },
}

/// Writes a replay to a new file or to standard output.
pub(super) fn write(
    settings: &Settings,
    store: &DirectoryStore,
    run_id: &RunId,
    at: Option<&str>,
    file: &ReplayFile,
) -> Result<u8, LaunchError> {
    let format = file.format;
    if settings.json() && file.output.is_none() {
        return Err(LaunchError::Usage(format!(
            "--{format} - and --json would both write to standard output: name a file for the {format}"
        )));
    }
    let mut frames = Frames::of(settings, store, run_id, at, file)?;
    let Some(path) = &file.output else {
        let mut stdout = BufWriter::new(io::stdout().lock());
        frames.write(
            format,
            &mut stdout,
            &LaunchError::output("cannot write to standard output"),
        )?;
        return Ok(exit::OK);
    };
    let written = files::write(path, &mut |output| {
        frames.write(format, output, &|source| files::failed(path, source))
    })?;
    let shown = files::visible(path);
    if settings.json() {
        let (run_id, file) = (run_id.clone(), path.display().to_string());
        let (bytes, sha256) = (written.bytes, written.sha256);
        match written.made.drawn {
            Drawn::Cast { frames, seconds } => output::document(&CastDocument {
                schema: SchemaVersion,
                run_id,
                file,
                bytes,
                sha256,
                frames,
                seconds,
            })?,
            Drawn::Svg { seq, at } => output::document(&SvgDocument {
                schema: SchemaVersion,
                run_id,
                file,
                bytes,
                sha256,
                seq,
                at,
            })?,
        }
    } else {
        let says = written.made.says;
        let with = match format {
            ReplayFormat::Cast => "asciinema play",
            ReplayFormat::Svg => "Any browser opens",
        };
        output::line(&format!("{}  {shown}", written.sha256))?;
        output::say(&format!("{run_id}: {says}. {with} {shown}"));
    }
    Ok(exit::OK)
}

impl Frames {
    fn of(
        settings: &Settings,
        store: &DirectoryStore,
        run_id: &RunId,
        at: Option<&str>,
        file: &ReplayFile,
    ) -> Result<Self, LaunchError> {
        let mut recording = Recording::open(&store.reader(run_id)?)?;
        recording.read_all()?;
        let seq = replay::place(&mut recording, at)?;
        let began = recording.tip().timeline().began.ok_or(ReplayError::Empty)?;
        let terminal = replay::page_size(io::stdout().is_terminal());
        let size = Size::new(
            file.width.unwrap_or(terminal.width),
            file.height.unwrap_or(terminal.height),
        );
        Ok(Self {
            still: Still::of(settings, (store, run_id), recording, size)?,
            began,
            seq,
            title: format!("drygate replay {run_id}"),
        })
    }

    fn write(
        &mut self,
        format: ReplayFormat,
        output: &mut dyn Write,
        failed: &dyn Fn(io::Error) -> LaunchError,
    ) -> Result<FrameContent, LaunchError> {
        match format {
            ReplayFormat::Cast => self.cast(output, failed),
            ReplayFormat::Svg => self.svg(output, failed),
        }
    }

    /// Draws record after record.
    fn cast(
        &mut self,
        output: &mut dyn Write,
        failed: &dyn Fn(io::Error) -> LaunchError,
    ) -> Result<FrameContent, LaunchError> {
        let header = CastHeader {
            size: self.still.model().size,
            began: self.began,
            title: self.title.clone(),
        };
        let mut cast = Cast::begin(output, &header).map_err(failed)?;
        for seq in 0..=self.seq {
            let frame = self.still.at(seq)?;
            cast.frame(self.time(), &frame).map_err(failed)?;
        }
        let CastEnd { frames, length } = cast.end().map_err(failed)?;
        let seconds = length.as_secs_f64();
        Ok(FrameContent {
            says: format!("{frames} records in {seconds:.0} s"),
            drawn: Drawn::Cast { frames, seconds },
        })
    }

    /// Draws one record as SVG.
    fn svg(
        &mut self,
        output: &mut dyn Write,
        failed: &dyn Fn(io::Error) -> LaunchError,
    ) -> Result<FrameContent, LaunchError> {
        let frame = self.still.at(self.seq)?;
        let (seq, at) = (self.seq, self.time());
        let title = format!("{}: record {seq} of {at}", self.title);
        svg::write(output, &frame, &title).map_err(failed)?;
        Ok(FrameContent {
            says: format!("record {seq} of {at}"),
            drawn: Drawn::Svg { seq, at },
        })
    }

    /// When the record that was drawn last was written.
    fn time(&self) -> UtcTime {
        let last = self.still.model().history.last();
        last.map_or(self.began, |(_, at)| at)
    }
}

/// A replay without a screen: frames are drawn into memory.
pub(super) struct Still {
    playback: Playback,
    inbox: Receiver<ScreenMessage>,
    model: Model,
}

impl Still {
    /// A replay of a recording that was read to its end, on a screen of that size.
    pub fn of(
        settings: &Settings,
        (store, run_id): (&DirectoryStore, &RunId),
        recording: Recording,
        size: Size,
    ) -> Result<Self, LaunchError> {
        let (messages, inbox) = mpsc::channel();
        let blobs = store.blobs(run_id)?;
        let playback = Playback::new(recording, blobs, messages, None);
        // Pictures and recordings are drawn on a dark ground.
        let theme = terminal_session::theme(settings).on(Background::Dark);
        let now = playback.now();
        let mut model = Model::new(Source::Replay, own_person()?, theme, size, now);
        model.outcome = lookup::outcome(store, run_id);
        Ok(Self {
            playback,
            inbox,
            model,
        })
    }

    /// The frame at a record.
    pub fn at(&mut self, seq: u64) -> Result<Buffer, LaunchError> {
        self.playback.stand_at(seq)?;
        // The same messages and the same `update` as on the screen, so that the frames are the same.
        for message in self.inbox.try_iter() {
            let _ = update(&mut self.model, message, Duration::ZERO);
        }
        let Size { width, height } = self.model.size;
        Ok(frame(&mut self.model, width, height))
    }

    /// What the last frame was drawn from.
    pub fn model(&self) -> &Model {
        &self.model
    }
}
