//! The thread that reads a recording and plays it. Screen and thread exchange messages; neither waits for the other.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant};

use super::replay::place;
use crate::journal::Blobs;
use crate::replay::{Player, Recording, ReplayError, SeekTarget, Waits};
use crate::run::{Event, LastPass, event_text};
use crate::survey::{Digest, UtcTime};
use crate::tui::ScreenMessage;
use crate::tui::playback::{PlaybackCommand, PlaybackState, ReplayFrame};

/// Interval at which the screen is sent how far the journal was read.
const TELLS_APART: Duration = Duration::from_millis(100);
/// Interval at which the clock on screen moves while a long gap is waited out in real time.
const CLOCK_MOVES: Duration = Duration::from_secs(1);
/// Records that would be shown closer together than this are shown as one.
const AT_ONCE: Duration = Duration::from_millis(10);

/// A recording, its position and the channel to the screen.
pub(super) struct Playback {
    recording: Recording,
    blobs: Blobs,
    messages: Sender<ScreenMessage>,
    player: Option<Player>,
    /// Where to stand once that much was read; `None`: a person has chosen a place.
    wanted: Option<SeekRequest>,
    sent_at: Instant,
    trouble: Option<String>,
    last_pass: Option<(Digest, Option<Box<LastPass>>)>,
}

/// A place that may not have been read yet.
enum SeekRequest {
    End,
    Place(String),
}

impl Playback {
    /// Stands at the last record, or at `at` once that was read.
    pub fn new(
        recording: Recording,
        blobs: Blobs,
        messages: Sender<ScreenMessage>,
        at: Option<&str>,
    ) -> Self {
        Self {
            recording,
            blobs,
            messages,
            player: None,
            wanted: Some(at.map_or(SeekRequest::End, |at| SeekRequest::Place(at.to_owned()))),
            sent_at: Instant::now(),
            trouble: None,
            last_pass: None,
        }
    }

    /// The time that is shown.
    pub fn now(&self) -> UtcTime {
        let last = self.recording.last().map(|(_, at)| at);
        let now = self.player.map(|player| player.now).or(last);
        now.unwrap_or_else(|| UtcTime::from_unix_micros(0))
    }

    /// Reads the next part of the journal; `false`: everything was read.
    pub fn read_on(&mut self) -> Result<bool, ReplayError> {
        self.recording.read_on()
    }

    /// Sends the frame where the replay stands; while the journal is being read that is the last record read, unless a person
    /// chose another.
    pub fn tell(&mut self) -> Result<(), ReplayError> {
        let seq = match &self.wanted {
            Some(SeekRequest::Place(text)) if self.recording.is_complete() => {
                let text = text.clone();
                place(&mut self.recording, Some(&text))?
            }
            Some(_) => self.recording.last().ok_or(ReplayError::Empty)?.0,
            None => return self.send_frame(),
        };
        if self.recording.is_complete() {
            self.wanted = None;
        }
        self.stand_at(seq)
    }

    /// Goes to a record and sends its frame.
    pub fn stand_at(&mut self, seq: u64) -> Result<(), ReplayError> {
        let line = self.recording.at(seq)?.last();
        let (seq, at) = line.ok_or(ReplayError::Empty)?;
        match &mut self.player {
            Some(player) => player.goes_to(seq, at),
            None => self.player = Some(Player::at(seq, at)),
        }
        self.send_frame()
    }

    fn send_frame(&mut self) -> Result<(), ReplayError> {
        let Some(player) = self.player else {
            return Ok(());
        };
        self.sent_at = Instant::now();
        let history = self.recording.at(player.seq)?.clone();
        let words = history.run().words();
        let line = self.recording.entry(player.seq)?;
        let line = line.map(|entry| (entry.event.name(), event_text(words, &entry.event)));
        let blob = history.last_pass().cloned();
        let last_pass = blob.and_then(|blob| self.last_pass(&blob));
        let playback = PlaybackState {
            seq: player.seq,
            now: player.now,
            line: line.unwrap_or_default(),
            is_playing: player.is_playing,
            speed: player.speed.to_string(),
            waits_are_real: player.waits == Waits::Real,
            reading: (!self.recording.is_complete()).then(|| self.recording.percent()),
            trouble: self.trouble.clone(),
            tip: self.recording.tip().clone(),
        };
        self.send(ScreenMessage::ReplayFrame(Box::new(ReplayFrame {
            history,
            last_pass,
            playback,
        })));
        Ok(())
    }

    /// The last PASS that the run keeps a copy of.
    fn last_pass(&mut self, blob: &Digest) -> Option<Box<LastPass>> {
        // Kept, as every frame needs it and parsing it again would cost time.
        if let Some((known, last)) = &self.last_pass
            && known == blob
        {
            return last.clone();
        }
        let bytes = self.blobs.get(blob).ok();
        let last = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        self.last_pass = Some((blob.clone(), last.clone()));
        last
    }

    /// Sends a message; the receiver may be gone.
    fn send(&self, message: ScreenMessage) {
        let _ = self.messages.send(message);
    }

    /// Reads, plays and obeys commands until the channel is closed.
    pub fn go_on(mut self, asked: &Receiver<PlaybackCommand>) {
        let mut shown_at = Instant::now();
        loop {
            let command = match self.wait(shown_at) {
                // Paused: sleeps until a command comes, without polling.
                None => match asked.recv() {
                    Ok(command) => Some(command),
                    Err(_) => return,
                },
                // While the journal is being read: commands are taken between two parts.
                Some(Duration::ZERO) => match asked.try_recv() {
                    Ok(command) => Some(command),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                },
                Some(wait) => match asked.recv_timeout(wait) {
                    Ok(command) => Some(command),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                },
            };
            let done = match command {
                Some(command) => {
                    let done = self.obey(command);
                    shown_at = Instant::now();
                    done
                }
                None => self.turn(&mut shown_at),
            };
            match done {
                Ok(()) => {}
                Err(error @ (ReplayError::Journal(_) | ReplayError::Illegal { .. })) => {
                    self.stops_reading(&error);
                }
                Err(error) => self.send(ScreenMessage::Said(error.to_string())),
            }
        }
    }

    fn is_reading(&self) -> bool {
        !self.recording.is_complete() && self.trouble.is_none()
    }

    /// How long nothing is to be done but to listen; `None`: for ever.
    fn wait(&mut self, shown_at: Instant) -> Option<Duration> {
        if self.is_reading() {
            return Some(Duration::ZERO);
        }
        let due = self.due()?;
        // Wakes up earlier than the next record so that the clock on screen moves.
        let due = due.min(CLOCK_MOVES);
        Some(due.saturating_sub(shown_at.elapsed()))
    }

    /// How long this moment is shown; `None`: it stands.
    fn due(&mut self) -> Option<Duration> {
        let player = self.player.filter(|player| player.is_playing)?;
        let next = self.recording.entry(player.seq + 1).ok()??;
        let is_quiet = matches!(
            next.event,
            Event::LiveRead(_)
                | Event::TransactionOpened(_)
                | Event::TransactionClosed(_)
                | Event::StatementsRecorded(_)
        );
        Some(player.until(next.at, is_quiet))
    }

    /// Reads the next part of the journal, or plays what is due.
    fn turn(&mut self, shown_at: &mut Instant) -> Result<(), ReplayError> {
        if self.is_reading() {
            self.recording.read_on()?;
            if self.wanted.is_some() || self.recording.is_complete() {
                if self.recording.is_complete() || self.sent_at.elapsed() >= TELLS_APART {
                    return self.tell();
                }
            } else if self.sent_at.elapsed() >= TELLS_APART {
                return self.send_frame();
            }
        }
        self.play(shown_at)
    }

    fn play(&mut self, shown_at: &mut Instant) -> Result<(), ReplayError> {
        let passed = shown_at.elapsed();
        match self.due() {
            None => {
                if let Some(player) = self.player.as_mut().filter(|player| player.is_playing)
                    && self.recording.is_complete()
                {
                    player.is_playing = false;
                    return self.send_frame();
                }
                Ok(())
            }
            Some(due) if due <= passed => {
                *shown_at = Instant::now();
                self.advance()
            }
            Some(_) if passed >= CLOCK_MOVES => {
                *shown_at = Instant::now();
                if let Some(player) = &mut self.player
                    && player.waits == Waits::Real
                {
                    player.passes(passed);
                }
                self.send_frame()
            }
            Some(_) => Ok(()),
        }
    }

    /// Goes on by one record, and by those that are due with it.
    fn advance(&mut self) -> Result<(), ReplayError> {
        // At high speed many records fall due within one frame; drawing each would slow the replay down.
        let mut left = AT_ONCE;
        while let Some(player) = self.player {
            let history = self.recording.at(player.seq + 1)?;
            let (seq, at) = history.last().ok_or(ReplayError::Empty)?;
            if let Some(player) = &mut self.player {
                player.goes_to(seq, at);
            }
            match self.due() {
                Some(due) if due <= left => left -= due,
                _ => break,
            }
        }
        self.send_frame()
    }

    fn obey(&mut self, command: PlaybackCommand) -> Result<(), ReplayError> {
        let Some(player) = &mut self.player else {
            return Ok(());
        };
        let here = player.seq;
        match command {
            PlaybackCommand::Toggle => {
                player.toggle();
                self.wanted = None;
                if self.due().is_none() && self.recording.is_complete() {
                    return self.play_from_the_start();
                }
            }
            PlaybackCommand::Faster => player.speed = player.speed.faster(),
            PlaybackCommand::Slower => player.speed = player.speed.slower(),
            PlaybackCommand::Waits => player.toggle_waits(),
            PlaybackCommand::Step(by) => {
                player.is_playing = false;
                let last = self.recording.last().map_or(here, |(last, _)| last);
                let to = here.saturating_add_signed(by).min(last);
                return self.go_to(to);
            }
            PlaybackCommand::Halt { forward } => return self.halt(here, forward),
            PlaybackCommand::GoTo(text) => {
                player.is_playing = false;
                let to = self.find(&text)?;
                return self.go_to(to);
            }
            PlaybackCommand::Seen => {
                let seen = self.seen(here)?;
                self.send(seen);
                return Ok(());
            }
        }
        self.send_frame()
    }

    /// Play at the end begins again.
    fn play_from_the_start(&mut self) -> Result<(), ReplayError> {
        let last = self.recording.last().map(|(last, _)| last);
        match &mut self.player {
            Some(player) if player.is_playing && Some(player.seq) == last => self.stand_at(0),
            _ => self.send_frame(),
        }
    }

    fn go_to(&mut self, seq: u64) -> Result<(), ReplayError> {
        self.wanted = None;
        self.stand_at(seq)
    }

    /// A place beyond what was read so far is gone to once it was.
    fn find(&mut self, text: &str) -> Result<u64, ReplayError> {
        let began = self
            .recording
            .tip()
            .timeline()
            .began
            .ok_or(ReplayError::Empty)?;
        let (last, last_at) = self.recording.last().ok_or(ReplayError::Empty)?;
        let beyond = match SeekTarget::read(text, began)? {
            SeekTarget::Record(seq) => seq > last,
            SeekTarget::Time(at) => at > last_at,
        };
        if beyond && self.is_reading() {
            self.wanted = Some(SeekRequest::Place(text.to_owned()));
            self.send(ScreenMessage::Said(
                "That part is still being read; the replay goes there once it is.".to_owned(),
            ));
            return Ok(last);
        }
        place(&mut self.recording, Some(text))
    }

    fn halt(&mut self, here: u64, forward: bool) -> Result<(), ReplayError> {
        let mark = self.recording.tip().timeline().halt(here, forward);
        let Some(to) = mark.map(|mark| mark.seq) else {
            let where_to = if forward { "after" } else { "before" };
            self.send(ScreenMessage::Said(format!(
                "No stop or decision {where_to} record {here}."
            )));
            return Ok(());
        };
        self.go_to(to)
    }

    /// The screen of whoever made the decision at `here`, or the last one before it.
    fn seen(&mut self, here: u64) -> Result<ScreenMessage, ReplayError> {
        let Some(decided) = self.recording.decision(here)? else {
            let nobody = "Nobody has decided anything yet: ] goes to the next decision.";
            return Ok(ScreenMessage::Said(nobody.to_owned()));
        };
        Ok(ScreenMessage::Seen(Box::new(decided)))
    }

    /// What was read is kept and shown; why there is no more is said.
    fn stops_reading(&mut self, error: &ReplayError) {
        self.trouble = Some(error.to_string());
        self.wanted = None;
        self.send(ScreenMessage::Said(error.to_string()));
        if self.send_frame().is_err() {
            self.player = None;
        }
    }
}
