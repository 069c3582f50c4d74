//! A screen on the real terminal. Invariant: the terminal is given back before anything else is said.

use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use super::{LaunchError, machine, notifying, output};
use crate::cli::Settings;
use crate::runner::clock::{Clock, SystemClock};
use crate::tui::{
    self, Clocks, Colours, Ending, Farewell, Guard, News, Notifier, Order, Screen, ScreenTerminal,
    Signals, Source, Theme,
};

/// The terminal, taken for one screen.
pub(super) struct Stage {
    guard: Guard,
    terminal: ScreenTerminal,
    notifier: Notifier,
}

impl Stage {
    /// Takes the terminal; from here to the end of `play` nothing else writes to it.
    pub fn take(settings: &Settings) -> Result<Self, LaunchError> {
        let (guard, terminal) = Guard::take().map_err(|error| {
            LaunchError::Usage(format!("{error}; --headless runs without a screen"))
        })?;
        let notifier = notifying::notifier(settings);
        Ok(Self {
            guard,
            terminal,
            notifier,
        })
    }

    /// Shows what comes to the inbox until the screen is left, and gives the terminal back. Signals go on coming to the inbox
    /// until the second part is dropped.
    pub fn play(
        self,
        theme: Theme,
        source: Source,
        orders: Box<dyn Fn(Order) -> bool>,
        news: Sender<News>,
        inbox: &Receiver<News>,
    ) -> Result<(Farewell, Signals), LaunchError> {
        let Self {
            guard,
            terminal,
            notifier,
        } = self;
        let began = Instant::now();
        let monotonic = move || began.elapsed();
        let mut screen = Screen::new(
            terminal,
            Box::new(guard.outside().notifying(notifier)),
            theme,
            source,
            machine::person(),
            Clocks {
                monotonic: Box::new(monotonic),
                utc: Box::new(|| SystemClock.now()),
            },
            orders,
        );
        let signals = tui::spawn_signals(news.clone(), &guard, monotonic).map_err(|source| {
            LaunchError::Output {
                doing: "cannot listen for signals",
                source,
            }
        })?;
        tui::spawn_input(news, monotonic).map_err(|error| LaunchError::Usage(error.to_string()))?;
        Ok((screen.event_loop(inbox), signals))
    }
}

/// Says what the screen leaves behind; gives the exit code.
pub(super) fn finish(farewell: Farewell) -> Result<u8, LaunchError> {
    for line in &farewell.says {
        output::say(&crate::report::visible(line));
    }
    match farewell.ending {
        Ending::Failed(source) => Err(LaunchError::Output {
            doing: "cannot draw",
            source,
        }),
        _ => Ok(farewell.exit_code),
    }
}

/// How things look.
pub(super) fn theme(settings: &Settings) -> Theme {
    let colours = if settings.color.value.is_on(true) {
        Colours::Sixteen
    } else {
        Colours::Off
    };
    Theme::new(settings.ascii.value, colours)
}
