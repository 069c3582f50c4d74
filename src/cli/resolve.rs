//! Resolves flags, variables and configuration files to a command and its settings, the strongest source first (test
//! `the_strongest_voice_is_heard_and_named`). Invariant: LIVE in any of them is refused before other settings are checked
//! (`parse`; test `live_in_the_users_file_is_refused_before_the_project_file_is_found_wrong`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{FromArgMatches as _, ValueEnum};

use super::arguments::{Arguments, Flags};
use super::config_file::{ConfigFile, INTERVAL, INTERVAL_HINT, Keys, is_interval, read_all};
use super::error::mode_error;
use super::refused::{bare_run, clap_error};
use super::{
    BlankDatabaseUrl, CliError, Color, Command, DatabaseUrl, Environment, Origin, Output, Settings,
    Sourced, ThemeName, clap_command, redact,
};
use crate::profile::{BUILT_IN, printable};
use crate::run::Mode;

/// A parsed command line with its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Cli {
    /// The command.
    pub command: Command,
    /// Its settings.
    pub settings: Settings,
}

/// Parses the command line (program name first) in an environment.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Cli, CliError> {
    let arguments = clap_command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Arguments::from_arg_matches(&matches))
        .map_err(|error| clap_error(&error, &environment.command_line(None)))?;
    // First the ways to ask for LIVE: flag and variables here, files in `read_all`. Other settings are looked at only after
    // them.
    let mode = mode(&arguments.flags, environment)?;
    let files = read_all(environment)?;
    let url = arguments.flags.database_url.as_ref();
    // The process list shows arguments to every user of the machine; a variable is not shown to other users, so there a
    // password may stand.
    if url.is_some_and(DatabaseUrl::holds_password) {
        return Err(CliError::PasswordArgument);
    }
    let settings = SettingsResolver {
        flags: &arguments.flags,
        is_demo: matches!(arguments.command, Some(Command::Demo { .. })),
        environment,
        files: &files,
    }
    .settings(mode)?;
    let run = arguments.run.as_deref();
    let command = match arguments.command {
        Some(command) => command,
        None => Command::Open {
            run: run.map(|word| bare_run(word, &settings.call)).transpose()?,
        },
    };
    Ok(Cli { command, settings })
}

/// The mode, by the flag or the variables; LIVE and execution are refused here.
fn mode(flags: &Flags, environment: &Environment) -> Result<Option<Sourced<Mode>>, CliError> {
    let hint = "Leave it out, or say dryrun.";
    let refused = |error, place: &str| {
        let place = place.to_owned();
        mode_error(error, |message| {
            CliError::configuration(place, message, hint)
        })
    };
    let mut found = None;
    if let Some(word) = environment.text("DRYGATE_MODE")? {
        let way = format!("DRYGATE_MODE={}", printable(word));
        let mode = Mode::parse(&way, word).map_err(|error| refused(error, "DRYGATE_MODE"));
        found = Some(Sourced::new(mode?, Origin::Environment("DRYGATE_MODE")));
    }
    if let Some(word) = environment.text("DRYGATE_EXECUTION_ENABLED")? {
        Mode::parse_execution(
            &format!("DRYGATE_EXECUTION_ENABLED={}", redact(&printable(word))),
            word,
        )?;
    }
    if let Some(word) = &flags.mode {
        let way = format!("--mode {}", printable(word));
        let mode = Mode::parse(&way, word)
            .map_err(|error| mode_error(error, |message| CliError::usage(message, hint)));
        found = Some(Sourced::new(mode?, Origin::Flag("--mode")));
    }
    Ok(found)
}

/// Seconds that a process that is not heard of keeps a run of a run store, where nothing else is configured.
const STORE_LEASE_S: f64 = 15.0;

struct SettingsResolver<'a> {
    flags: &'a Flags,
    is_demo: bool,
    environment: &'a Environment,
    files: &'a [ConfigFile],
}

impl SettingsResolver<'_> {
    fn settings(&self, mode: Option<Sourced<Mode>>) -> Result<Settings, CliError> {
        let output = match (self.flags.json, self.flags.events) {
            // clap refuses both flags together.
            (true, _) => Output::Json,
            (_, true) => Output::Events,
            _ => Output::Text,
        };
        let dumb = self
            .environment
            .variable("TERM")
            .is_some_and(|term| term == "dumb");
        let interactive = self.environment.is_terminal && !self.environment.is_on("CI");
        let file_mode = self.file(|keys| keys.mode.as_ref(), |_, _| Mode::Dryrun);
        let ascii = self.file(|keys| keys.ascii.as_ref(), |_, ascii| *ascii);
        let (utf8, locale) = self.environment.locale();
        let data_dir = self.data_dir()?;
        // A printed command must work when it is pasted: it names a data directory that is not the default. Variables and files
        // would not reach another shell or directory.
        let named = (data_dir.is_set() || self.is_demo).then_some(&*data_dir.value);
        Ok(Settings {
            profile: self.profile()?,
            database_url: self.database_url()?,
            repo: self.path(self.flags.repo.as_ref(), "--repo", "DRYGATE_REPO", |k| {
                k.repo.as_ref()
            }),
            call: self.environment.command_line(named),
            data_dir,
            headless: self.flags.headless || output != Output::Text || !interactive || dumb,
            interactive,
            output,
            live_interval_s: self.live_interval()?,
            color: self.color(dumb),
            ascii: flagged(self.flags.ascii, "--ascii")
                .or(ascii)
                .unwrap_or_else(|| Sourced::new(!utf8, locale)),
            theme: self.theme()?,
            wheel: self.wheel(),
            notify: self.notify(),
            utf8,
            verbose: self.flags.verbose,
            log: self
                .flags
                .log
                .as_ref()
                .map(|path| self.environment.current_dir.join(path)),
            mode: mode
                .or(file_mode)
                .unwrap_or_else(|| Sourced::default_of(Mode::Dryrun)),
            store_group: self.file(|keys| keys.store.group.as_ref(), |_, group| group.clone()),
            store_url: self.store_url()?,
            store_lease_s: self
                .file(|keys| keys.store.lease.as_ref(), |_, seconds| *seconds)
                .unwrap_or_else(|| Sourced::default_of(STORE_LEASE_S)),
            files: self.files.iter().map(|file| file.path.clone()).collect(),
        })
    }

    /// The value of a key in the strongest file that has it. `read` turns it into the setting.
    fn file<T: Clone, U>(
        &self,
        key: impl Fn(&Keys) -> Option<&toml::Spanned<T>>,
        read: impl Fn(&ConfigFile, &T) -> U,
    ) -> Option<Sourced<U>> {
        self.files.iter().find_map(|file| {
            let sourced = file.sourced(key(&file.keys)?);
            Some(Sourced::new(read(file, &sourced.value), sourced.origin))
        })
    }

    /// A path setting: flag, then variable, both relative to the current directory, then file, relative to the directory of the
    /// file.
    fn path(
        &self,
        flag: Option<&PathBuf>,
        flag_name: &'static str,
        variable: &'static str,
        key: impl Fn(&Keys) -> Option<&toml::Spanned<PathBuf>>,
    ) -> Option<Sourced<PathBuf>> {
        let here = |path: &Path| self.environment.current_dir.join(path);
        let said = self.environment.variable(variable);
        flag.map(|path| Sourced::new(here(path), Origin::Flag(flag_name)))
            .or_else(|| {
                said.map(|path| Sourced::new(here(Path::new(path)), Origin::Environment(variable)))
            })
            .or_else(|| self.file(key, |file, path| file.path_of(path)))
    }

    fn data_dir(&self) -> Result<Sourced<PathBuf>, CliError> {
        let platform = || self.environment.data_dir.clone().map(Sourced::default_of);
        let mut data_dir = self
            .path(
                self.flags.data_dir.as_ref(),
                "--data-dir",
                "DRYGATE_DATA_DIR",
                |k| k.data_dir.as_ref(),
            )
            .or_else(platform)
            .ok_or(CliError::NoDataDirectory)?;
        // Demo runs are kept apart from the real ones, unless `--data-dir` on this command says where they go.
        if self.is_demo && self.flags.data_dir.is_none() {
            data_dir.value.push("demo");
        }
        Ok(data_dir)
    }

    fn profile(&self) -> Result<Sourced<String>, CliError> {
        let here = |name: &str| profile_at(name, &self.environment.current_dir);
        if let Some(name) = &self.flags.profile {
            return Ok(Sourced::new(here(name), Origin::Flag("--profile")));
        }
        if let Some(name) = self.environment.text("DRYGATE_PROFILE")? {
            return Ok(Sourced::new(
                here(name),
                Origin::Environment("DRYGATE_PROFILE"),
            ));
        }
        let file = self.file(
            |keys| keys.profile.as_ref(),
            |file, name| profile_at(name, &file.path_of(Path::new(""))),
        );
        Ok(file.unwrap_or_else(|| Sourced::default_of(BUILT_IN[0].0.to_owned())))
    }

    fn database_url(&self) -> Result<Option<Sourced<DatabaseUrl>>, CliError> {
        if let Some(url) = &self.flags.database_url {
            return Ok(Some(Sourced::new(
                url.clone(),
                Origin::Flag("--database-url"),
            )));
        }
        if let Some(url) = self.environment.text("DRYGATE_DATABASE_URL")? {
            let name = "DRYGATE_DATABASE_URL";
            let url = url.parse().map_err(|error: BlankDatabaseUrl| {
                CliError::configuration(name, error.to_string(), "Unset it.")
            })?;
            return Ok(Some(Sourced::new(url, Origin::Environment(name))));
        }
        let of_file = self.file(
            |keys| keys.database_url.as_ref(),
            |_, url| DatabaseUrl::new(url.as_str()),
        );
        Ok(match of_file {
            Some(url) => Some(url),
            None => self.fallback_url()?,
        })
    }

    /// The run store of the team. A demo is nobody's but the person's who looks at it.
    fn store_url(&self) -> Result<Option<Sourced<DatabaseUrl>>, CliError> {
        let name = "DRYGATE_STORE_URL";
        if self.is_demo {
            return Ok(None);
        }
        if let Some(url) = self.environment.text(name)? {
            let url = url.parse().map_err(|error: BlankDatabaseUrl| {
                CliError::configuration(name, error.to_string(), "Unset it.")
            })?;
            return Ok(Some(Sourced::new(url, Origin::Environment(name))));
        }
        Ok(self.file(
            |keys| keys.store.url.as_ref(),
            |_, url| DatabaseUrl::new(url.as_str()),
        ))
    }

    /// `DATABASE_URL`, which other tools of a project read: only where nothing of ours and no variable of libpq names a server,
    /// and only for PostgreSQL.
    fn fallback_url(&self) -> Result<Option<Sourced<DatabaseUrl>>, CliError> {
        let name = "DATABASE_URL";
        let named = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"];
        if named
            .iter()
            .any(|name| self.environment.variable(name).is_some())
        {
            return Ok(None);
        }
        let is_ours = |url: &&str| {
            ["postgres://", "postgresql://"]
                .iter()
                .any(|scheme| url.starts_with(scheme))
        };
        let url = self.environment.text(name)?.filter(is_ours);
        Ok(url.map(|url| Sourced::new(DatabaseUrl::new(url), Origin::Environment(name))))
    }

    fn live_interval(&self) -> Result<Option<Sourced<f64>>, CliError> {
        if let Some(text) = &self.flags.live_interval {
            let message = || format!("--live-interval: \"{}\" {INTERVAL}", printable(text));
            let seconds =
                interval(text).ok_or_else(|| CliError::usage(message(), INTERVAL_HINT))?;
            return Ok(Some(Sourced::new(seconds, Origin::Flag("--live-interval"))));
        }
        let name = "DRYGATE_LIVE_INTERVAL";
        if let Some(text) = self.environment.text(name)? {
            let message = || format!("\"{}\" {INTERVAL}", printable(text));
            let wrong = || CliError::configuration(name, message(), INTERVAL_HINT);
            let seconds = interval(text).ok_or_else(wrong)?;
            return Ok(Some(Sourced::new(seconds, Origin::Environment(name))));
        }
        Ok(self.file(|keys| keys.live_interval.as_ref(), |_, seconds| *seconds))
    }

    fn notify(&self) -> Sourced<bool> {
        let flag = self.flags.no_notify.then_some("--no-notify");
        let file = self.file(|keys| keys.notify.as_ref(), |_, notify| *notify);
        self.on_unless(flag, "DRYGATE_NOTIFY", file)
    }

    fn wheel(&self) -> Sourced<bool> {
        let flag = self.flags.no_wheel.then_some("--no-wheel");
        let file = self.file(|keys| keys.wheel.as_ref(), |_, wheel| *wheel);
        self.on_unless(flag, "DRYGATE_WHEEL", file)
    }

    /// What is on unless it was switched off: by a flag, then by a variable, then in a file.
    fn on_unless(
        &self,
        flag: Option<&'static str>,
        variable: &'static str,
        file: Option<Sourced<bool>>,
    ) -> Sourced<bool> {
        let said = self.environment.variable(variable);
        let on = self.environment.is_on(variable);
        flag.map(|name| Sourced::new(false, Origin::Flag(name)))
            .or_else(|| said.map(|_| Sourced::new(on, Origin::Environment(variable))))
            .or(file)
            .unwrap_or_else(|| Sourced::default_of(true))
    }

    fn theme(&self) -> Result<Sourced<ThemeName>, CliError> {
        if let Some(theme) = self.flags.theme {
            return Ok(Sourced::new(theme, Origin::Flag("--theme")));
        }
        let name = "DRYGATE_THEME";
        if let Some(word) = self.environment.text(name)? {
            let known = ThemeName::value_variants().iter();
            let theme = known.copied().find(|theme| theme.name() == word);
            let hint = "The themes are auto, dark, light and high-contrast.";
            let wrong = || {
                let message = format!("\"{}\" is no theme", printable(word));
                CliError::configuration(name, message, hint)
            };
            let theme = theme.ok_or_else(wrong)?;
            return Ok(Sourced::new(theme, Origin::Environment(name)));
        }
        Ok(self
            .file(|keys| keys.theme.as_ref(), |_, theme| *theme)
            .unwrap_or_else(|| Sourced::default_of(ThemeName::Auto)))
    }

    /// `--color`, then `NO_COLOR` (any value that is not empty), then `TERM=dumb`, then the files.
    fn color(&self, dumb: bool) -> Sourced<Color> {
        let never = |name| Some(Sourced::new(Color::Never, Origin::Environment(name)));
        let flag = self.flags.color;
        let no_color = self.environment.variable("NO_COLOR");
        flag.map(|color| Sourced::new(color, Origin::Flag("--color")))
            .or_else(|| no_color.and_then(|_| never("NO_COLOR")))
            .or_else(|| dumb.then(|| never("TERM")).flatten())
            .or_else(|| self.file(|keys| keys.color.as_ref(), |_, color| *color))
            .unwrap_or_else(|| Sourced::default_of(Color::Auto))
    }
}

fn interval(text: &str) -> Option<f64> {
    text.trim()
        .parse()
        .ok()
        .filter(|seconds| is_interval(*seconds))
}

fn flagged(on: bool, name: &'static str) -> Option<Sourced<bool>> {
    on.then(|| Sourced::new(true, Origin::Flag(name)))
}

/// A built-in profile by its name, another by its path, relative to where it was named.
fn profile_at(name: &str, directory: &Path) -> String {
    if BUILT_IN.iter().any(|(known, _)| *known == name) {
        return name.to_owned();
    }
    let looks_like_a_path = name.contains('/') || Path::new(name).extension().is_some();
    if looks_like_a_path {
        directory.join(name).display().to_string()
    } else {
        name.to_owned()
    }
}
