//! The settings that a command runs with, each with its origin where it can be configured (`Sourced`).

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use serde::Deserialize;

use super::{DatabaseUrl, Origin, Sourced};
use crate::run::{CommandLine, Mode, shell_word};

/// Everything that is not the command itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Profile: a built-in name, or an absolute path.
    pub profile: Sourced<String>,
    /// Connection; without it libpq's own variables and files decide.
    pub database_url: Option<Sourced<DatabaseUrl>>,
    /// Git work tree, absolute; without it the one around the current directory.
    pub repo: Option<Sourced<PathBuf>>,
    /// Where runs are kept, absolute.
    pub data_dir: Sourced<PathBuf>,
    /// How drygate is called from here, for every command that is printed.
    pub call: CommandLine,
    /// No screen: asked for, or no terminal, or `CI`, `TERM=dumb`, `--json`, `--events`.
    pub headless: bool,
    /// Whether a person at a terminal can be asked: a terminal, and not `CI`.
    pub interactive: bool,
    /// What standard output is for.
    pub output: Output,
    /// Seconds between live reads, 0 never; without it 60, in the demo 5.
    pub live_interval_s: Option<Sourced<f64>>,
    /// When colours are used.
    pub color: Sourced<Color>,
    /// Frames and marks in ASCII.
    pub ascii: Sourced<bool>,
    /// Colours by the background.
    pub theme: Sourced<ThemeName>,
    /// The mouse wheel scrolls, as arrow keys do.
    pub wheel: Sourced<bool>,
    /// Desktop notifications, where the terminal is known to show them.
    pub notify: Sourced<bool>,
    /// Whether the locale's encoding is UTF-8.
    pub utf8: bool,
    /// How often `-v` was given.
    pub verbose: u8,
    /// File that what happens is appended to, absolute.
    pub log: Option<PathBuf>,
    /// Mode; there is one.
    pub mode: Sourced<Mode>,
    /// Group that shares the data directory.
    pub store_group: Option<Sourced<String>>,
    /// Run store of the team, where runs are mirrored.
    pub store_url: Option<Sourced<DatabaseUrl>>,
    /// Seconds that a process that is not heard of keeps a run of the run store.
    pub store_lease_s: Sourced<f64>,
    /// Configuration files that were read, strongest first.
    pub files: Vec<PathBuf>,
}

/// What standard output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Text for people: the default.
    Text,
    /// One JSON document at the end.
    Json,
    /// Journal lines as they become durable.
    Events,
}

/// Which background the colours are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeName {
    /// As the terminal answers; dark where it does not.
    Auto,
    /// A dark background.
    Dark,
    /// A light background.
    Light,
    /// Any background, with bold and reversed text in place of faint text.
    #[value(name = "high-contrast")]
    #[serde(rename = "high-contrast")]
    HighContrast,
}

impl ThemeName {
    /// The word of flag, variable and file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
        }
    }
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// The word of a configuration file: `auto`, `always` or `never`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// Whether to colour what goes to a place that is a terminal or not.
    pub fn is_on(self, terminal: bool) -> bool {
        match self {
            Self::Auto => terminal,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

impl Settings {
    /// Whether standard output is one JSON document.
    pub fn json(&self) -> bool {
        self.output == Output::Json
    }

    /// The command that checks a profile, named or in a file, against the database of these settings.
    pub fn profile_check(&self, profile: &str) -> String {
        // Only a URL of a flag is repeated: that of a variable may hold a password and is inherited by the shell, and a file is
        // found again. A flag with a password was refused before.
        let named = self.database_url.as_ref();
        let named = named.filter(|url| matches!(url.origin, Origin::Flag(_)));
        let url = named.map_or_else(String::new, |url| {
            format!(" --database-url {}", shell_word(url.value.reveal()))
        });
        self.call
            .anywhere(format!("profile check {}{url}", shell_word(profile)))
    }

    /// Time between live reads; `None`: they are off. `default_s` applies where it is not configured: 60 s, in the demo 5 s.
    pub fn live_interval(&self, default_s: u32) -> Option<Duration> {
        let seconds = self
            .live_interval_s
            .as_ref()
            .map_or(f64::from(default_s), |interval| interval.value);
        (seconds > 0.0).then(|| Duration::from_secs_f64(seconds))
    }
}
