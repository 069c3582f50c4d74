//! Frames of a replay without a terminal. Invariant: each is drawn by the code of the replay screen, from the news that the screen would hear.

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use super::playback::Playback;
use super::{LaunchError, terminal_session};
use crate::cli::Settings;
use crate::journal::Blobs;
use crate::replay::Recording;
use crate::runner::person;
use crate::tui::event_loop::frame;
use crate::tui::model::Model;
use crate::tui::update::update;
use crate::tui::{ScreenMessage, Source};

/// A replay that nobody looks at.
pub(super) struct Still {
    playback: Playback,
    inbox: Receiver<ScreenMessage>,
    model: Model,
}

impl Still {
    /// A replay of a recording that was read to its end, on a screen of that size.
    pub fn of(settings: &Settings, recording: Recording, blobs: Blobs, size: Size) -> Self {
        let (messages, inbox) = mpsc::channel();
        let playback = Playback::new(recording, blobs, messages, None);
        let (theme, now) = (terminal_session::theme(settings), playback.now());
        let model = Model::new(Source::Replay, person::own(), theme, size, now);
        Self {
            playback,
            inbox,
            model,
        }
    }

    /// The frame at a record.
    pub fn at(&mut self, seq: u64) -> Result<Buffer, LaunchError> {
        self.playback.stand_at(seq)?;
        for told in self.inbox.try_iter() {
            let _ = update(&mut self.model, told, Duration::ZERO);
        }
        let Size { width, height } = self.model.size;
        Ok(frame(&mut self.model, width, height))
    }

    /// What the last frame was drawn from.
    pub fn model(&self) -> &Model {
        &self.model
    }
}
