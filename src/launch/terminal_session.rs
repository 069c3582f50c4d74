//! A screen on the real terminal: guard, input, signals, clocks, notifications. The terminal is given back at the end of `play`
//! and `pick`.

use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::{LaunchError, output};
use crate::cli::{Settings, ThemeName};
use crate::run::{CommandLine, Person};
use crate::runner::clock::{Clock, SystemClock};
use crate::tui;
use crate::tui::picker::Picker;
use crate::tui::picker_loop::{PickerEnd, PickerRequest, PickerScreen};
use crate::tui::{
    Background, CaughtSignals, Clocks, Colours, Dialect, Ending, Guard, Letters, Notifier,
    RequestRoutes, Screen, ScreenExit, ScreenMessage, ScreenTerminal, Signals, Source,
    TerminalRoute, TerminalWishes, Theme,
};

/// The terminal, taken for one screen.
pub(super) struct ScreenTerminalSession {
    silence: output::ScreenSilence,
    caught: CaughtSignals,
    guard: Guard,
    terminal: ScreenTerminal,
    notifier: Notifier,
    call: CommandLine,
}

impl ScreenTerminalSession {
    /// Takes the terminal; from here to the end of `play` nothing else writes to it.
    pub fn take(settings: &Settings) -> Result<Self, LaunchError> {
        let silence = output::ScreenSilence::begin();
        let wishes = TerminalWishes {
            background: asks_background(settings),
            wheel: settings.wheel.value,
        };
        let caught =
            tui::catch_signals().map_err(LaunchError::output("cannot listen for signals"))?;
        let (guard, terminal) = Guard::take(wishes).map_err(|error| {
            if error.is_closed() {
                LaunchError::TerminalClosed
            } else {
                LaunchError::Usage(format!("{error}; --headless runs without a screen"))
            }
        })?;
        let notifier = notifier(settings);
        Ok(Self {
            silence,
            caught,
            guard,
            terminal,
            notifier,
            call: settings.call.clone(),
        })
    }

    /// Shows what comes to the inbox until the screen is left, and gives the terminal back. Signals go on coming to the inbox
    /// until the second part is dropped.
    pub fn play(
        self,
        theme: Theme,
        (source, who): (Source, Person),
        routes: RequestRoutes,
        messages: Sender<ScreenMessage>,
        inbox: &Receiver<ScreenMessage>,
    ) -> Result<(ScreenExit, Signals), LaunchError> {
        // The first to be declared is the last to be dropped: behind the guard, which gives the terminal back.
        let _silence = self.silence;
        let (guard, terminal) = (self.guard, self.terminal);
        let (notifier, call) = (self.notifier, self.call);
        let (clocks, monotonic) = clocks();
        let terminal_actions = guard.terminal_actions().notifying(notifier);
        let mut screen = Screen::new(
            terminal,
            Box::new(terminal_actions),
            theme,
            source,
            who,
            clocks,
            routes,
        );
        screen.called(call);
        let (signals, _input) = listen(self.caught, messages, &guard, monotonic)?;
        Ok((screen.event_loop(inbox), signals))
    }

    /// Shows the list of runs until it is left, and gives the terminal back.
    pub fn pick(
        self,
        picker: &mut Picker,
        requests: Box<dyn Fn(PickerRequest) + '_>,
        messages: &Sender<ScreenMessage>,
        inbox: &Receiver<ScreenMessage>,
    ) -> Result<PickerEnd, LaunchError> {
        let _silence = self.silence;
        let (guard, terminal) = (self.guard, self.terminal);
        let (clocks, monotonic) = clocks();
        let mut screen = PickerScreen {
            terminal,
            terminal_actions: Box::new(guard.terminal_actions()),
            clocks,
            requests,
        };
        let _heard = listen(self.caught, messages.clone(), &guard, monotonic)?;
        Ok(screen.event_loop(picker, inbox))
    }
}

/// The clocks of a screen, and the one that keys are stamped with.
fn clocks() -> (Clocks, impl Fn() -> Duration + Send + Copy + 'static) {
    let began = Instant::now();
    let monotonic = move || began.elapsed();
    let opened = SystemClock.now();
    let clocks = Clocks {
        monotonic: Box::new(monotonic),
        // A clock that is set back does not make the screen younger than it is.
        utc: Box::new(move || {
            SystemClock
                .now()
                .max(opened.plus_millis(millis(began.elapsed())))
        }),
    };
    (clocks, monotonic)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Starts the threads for keys and signals, which run until the values are dropped.
fn listen(
    caught: CaughtSignals,
    messages: Sender<ScreenMessage>,
    guard: &Guard,
    monotonic: impl Fn() -> Duration + Send + Copy + 'static,
) -> Result<(Signals, tui::Input), LaunchError> {
    let signals = caught
        .tell(messages.clone(), guard, monotonic)
        .map_err(LaunchError::output("cannot listen for signals"))?;
    let input = tui::spawn_input(messages, monotonic, guard.background_query());
    let input = input.map_err(|error| {
        if error.is_closed() {
            LaunchError::TerminalClosed
        } else {
            error.into()
        }
    })?;
    Ok((signals, input))
}

/// Prints what the screen leaves to say; gives the exit code.
pub(super) fn finish(screen_exit: ScreenExit) -> Result<u8, LaunchError> {
    for line in &screen_exit.says {
        output::say(&crate::report::visible(line));
    }
    match screen_exit.ending {
        Ending::Failed(source) => Err(LaunchError::output("cannot draw")(source)),
        _ => Ok(screen_exit.exit_code),
    }
}

/// The theme for this terminal.
pub(super) fn theme(settings: &Settings) -> Theme {
    coloured(settings, settings.color.value.is_on(true))
}

/// The theme, with colours or without.
pub(super) fn coloured(settings: &Settings, colours: bool) -> Theme {
    let colours = if colours {
        Colours::Sixteen
    } else {
        Colours::Off
    };
    let letters = if settings.utf8 {
        Letters::Any
    } else {
        Letters::Ascii
    };
    let background = match settings.theme.value {
        ThemeName::Auto | ThemeName::Dark => Background::Dark,
        ThemeName::Light => Background::Light,
        ThemeName::HighContrast => Background::HighContrast,
    };
    let theme = Theme::new(settings.ascii.value, colours);
    theme.with_letters(letters).on(background)
}

/// Whether the terminal is asked for its background: where the answer changes what is drawn.
fn asks_background(settings: &Settings) -> bool {
    settings.theme.value == ThemeName::Auto && settings.color.value.is_on(true)
}

/// A notifier for this terminal, known by the variables that it sets or by what tmux reports of it.
pub(super) fn notifier(settings: &Settings) -> Notifier {
    let notifier = Notifier::new();
    if !settings.notify.value {
        return notifier;
    }
    let variable = |name: &str| std::env::var(name).ok();
    if let Some(dialect) = Dialect::of_variables(&variable) {
        notifier.learn(dialect, TerminalRoute::Direct);
    } else if variable("TMUX").is_some_and(|socket| !socket.is_empty()) {
        let learning = notifier.clone();
        // If the thread cannot be started nobody is notified, as where tmux does not allow passthrough.
        let _ = thread::Builder::new()
            .name("tmux".to_owned())
            .spawn(move || {
                if let Some(dialect) = through_tmux() {
                    learning.learn(dialect, TerminalRoute::Tmux);
                }
            });
    }
    notifier
}

/// The dialect of the terminal that tmux is shown on, if tmux lets sequences pass to it.
fn through_tmux() -> Option<Dialect> {
    // On a thread, because tmux may take its time to answer.
    let said = Command::new("tmux")
        .args([
            "display-message",
            "-p",
            "#{allow-passthrough} #{client_termtype}",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let (passes, terminal) = said.trim_end().split_once(' ')?;
    matches!(passes, "on" | "all" | "1" | "2").then(|| Dialect::of_name(terminal))?
}
