//! Reads the configuration files `drygate.toml` and the user's `config.toml`. Invariant: a file with a problem is an error and
//! none of its keys is used (`ConfigFile::parse`, `deny_unknown_fields`).

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::error::mode_error;
use super::{CliError, Color, DatabaseUrl, Environment, Origin, Sourced, ThemeName, redact};
use crate::profile::{PathStep, TextPosition, TomlDocument, printable};
use crate::run::Mode;

/// The keys of a configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Keys {
    pub profile: Option<Spanned<String>>,
    pub database_url: Option<Spanned<String>>,
    pub repo: Option<Spanned<PathBuf>>,
    pub data_dir: Option<Spanned<PathBuf>>,
    pub live_interval: Option<Spanned<f64>>,
    pub color: Option<Spanned<Color>>,
    pub ascii: Option<Spanned<bool>>,
    pub notify: Option<Spanned<bool>>,
    pub theme: Option<Spanned<ThemeName>>,
    pub wheel: Option<Spanned<bool>>,
    pub mode: Option<Spanned<String>>,
    pub execution_enabled: Option<Spanned<bool>>,
    pub store: Store,
}

/// What is said of an interval that is none.
pub(super) const INTERVAL: &str = "is no number of seconds from 1 to 86400, and not 0";
/// What to do about it.
pub(super) const INTERVAL_HINT: &str =
    "0 turns live reads off, 1 is the shortest interval; the default is 60, in the demo 5.";

/// Whether this is an interval of live reads: 0 (never), or from 1 s to 86,400 s (one day). NaN is in no range.
///
/// A shorter one would only load the server: nobody can read what changes faster.
pub(super) fn is_interval(seconds: f64) -> bool {
    seconds == 0.0 || (1.0..=86_400.0).contains(&seconds)
}

/// The table `[store]`: how the data directory is shared, and the run store behind it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Store {
    pub group: Option<Spanned<String>>,
    pub url: Option<Spanned<String>>,
    pub lease: Option<Spanned<f64>>,
}

/// Which of the two configuration files this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConfigScope {
    Project,
    User,
}

/// A configuration file with its text, for the line numbers of origins and errors.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub path: PathBuf,
    pub keys: Keys,
    scope: ConfigScope,
    text: String,
}

/// The configuration files that there are, strongest first, none of which asks for LIVE.
pub(super) fn read_all(environment: &Environment) -> Result<Vec<ConfigFile>, CliError> {
    let project = project_file(environment).map(|path| (path, ConfigScope::Project));
    let user = environment
        .user_config
        .clone()
        .map(|path| (path, ConfigScope::User));
    let mut texts = Vec::new();
    for (path, scope) in project.into_iter().chain(user) {
        if let Some(text) = read(environment, &path)? {
            texts.push((path, scope, text));
        }
    }
    // All files are searched for LIVE before any is parsed: it must end in STOP_LIVE_REFUSED even where another file is wrong.
    for (path, _, text) in &texts {
        refuse_live(path, text)?;
    }
    texts
        .into_iter()
        .map(|(path, scope, text)| ConfigFile::parse(path, scope, text))
        .collect()
}

/// `drygate.toml` here, or above as far as the root of the git work tree.
/// The `drygate.toml` of the project: here, or above as far as the root of the git work tree. Outside a work tree only the
/// current directory is searched.
fn project_file(environment: &Environment) -> Option<PathBuf> {
    let here = &environment.current_dir;
    let root = here
        .ancestors()
        .find(|directory| environment.files.exists(&directory.join(".git")))
        .unwrap_or(here);
    here.ancestors()
        .take_while(|directory| directory.starts_with(root))
        .map(|directory| directory.join("drygate.toml"))
        .find(|file| environment.files.exists(file))
}

fn read(environment: &Environment, path: &Path) -> Result<Option<String>, CliError> {
    match environment.files.read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::configuration(
            shown(path),
            format!("cannot be read: {error}"),
            "Make it a readable UTF-8 file of at most 1 MB, or take it away.",
        )),
    }
}

/// Refuses a file that asks for LIVE or execution. A text that is no TOML is left to `ConfigFile::parse`, which says where.
fn refuse_live(path: &Path, text: &str) -> Result<(), CliError> {
    let Ok(document) = TomlDocument::read(text) else {
        return Ok(());
    };
    if let Some((word, at)) = document.word("mode") {
        let way = format!("{}: mode = \"live\"", place(path, at));
        if let Err(crate::run::ModeError::Live(refused)) = Mode::parse(&way, &word) {
            return Err(refused.into());
        }
    }
    if let Some((word, at)) = document.word("execution_enabled") {
        let way = format!(
            "{}: execution_enabled = {}",
            place(path, at),
            redact(&printable(&word))
        );
        Mode::parse_execution(&way, &word)?;
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn place(path: &Path, at: TextPosition) -> String {
    format!("{}:{}:{}", shown(path), at.line, at.column)
}

impl ConfigFile {
    fn parse(path: PathBuf, scope: ConfigScope, text: String) -> Result<Self, CliError> {
        let keys = TomlDocument::read(&text)
            .and_then(|document| document.typed::<Keys>())
            .map_err(|problem| {
                let hint = "The keys are profile, database_url, repo, data_dir, live_interval, color, ascii, theme, wheel, notify, mode, execution_enabled and [store] group, url, lease.";
                CliError::configuration(place(&path, problem.position), problem.message, hint)
            })?;
        let file = Self {
            path,
            keys,
            scope,
            text,
        };
        file.check()?;
        Ok(file)
    }

    /// Rules beyond the types: no blank text, no password, a known mode, an interval in range, a legal name of a group.
    fn check(&self) -> Result<(), CliError> {
        let path = |path: &Spanned<PathBuf>| path.get_ref().as_os_str().is_empty();
        let text = |text: &Spanned<String>| text.get_ref().trim().is_empty();
        for (key, is_blank) in [
            ("profile", self.keys.profile.as_ref().is_some_and(text)),
            (
                "database_url",
                self.keys.database_url.as_ref().is_some_and(text),
            ),
            ("repo", self.keys.repo.as_ref().is_some_and(path)),
            ("data_dir", self.keys.data_dir.as_ref().is_some_and(path)),
        ] {
            if is_blank {
                return Err(self.wrong(
                    &[PathStep::Key(key)],
                    "is empty",
                    "Say something, or leave it out.",
                ));
            }
        }
        let store = &self.keys.store;
        for (path, url, variable) in [
            (
                &[PathStep::Key("database_url")][..],
                &self.keys.database_url,
                "DRYGATE_DATABASE_URL",
            ),
            (
                &[PathStep::Key("store"), PathStep::Key("url")][..],
                &store.url,
                "DRYGATE_STORE_URL",
            ),
        ] {
            let url = url.as_ref().map(|url| url.get_ref().as_str());
            // Such a file is often committed to a repository or readable by others.
            if url.is_some_and(|url| DatabaseUrl::new(url).holds_password()) {
                let hint = format!(
                    "Put the password into a passfile (~/.pgpass, PGPASSFILE), a service file or {variable}."
                );
                let message = "holds a password, which does not belong into a configuration file";
                return Err(self.wrong(path, message, &hint));
            }
        }
        let lease = store.lease.as_ref().map(|lease| *lease.get_ref());
        if lease.is_some_and(|seconds| !(1.0..=3600.0).contains(&seconds)) {
            return Err(self.wrong(
                &[PathStep::Key("store"), PathStep::Key("lease")],
                "is no number of seconds from 1 to 3600",
                "The default is 15.",
            ));
        }
        if let Some(mode) = &self.keys.mode {
            let otherwise = |message| {
                self.wrong(
                    &[PathStep::Key("mode")],
                    message,
                    "Leave it out, or say dryrun.",
                )
            };
            Mode::parse("mode", mode.get_ref()).map_err(|error| mode_error(error, otherwise))?;
        }
        let interval = self.keys.live_interval.as_ref();
        if interval.is_some_and(|seconds| !is_interval(*seconds.get_ref())) {
            return Err(self.wrong(&[PathStep::Key("live_interval")], INTERVAL, INTERVAL_HINT));
        }
        let group = self.keys.store.group.as_ref().map(Spanned::get_ref);
        let legal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if group.is_some_and(|group| group.is_empty() || !group.chars().all(legal)) {
            return Err(self.wrong(
                &[PathStep::Key("store"), PathStep::Key("group")],
                "is no name of a group",
                "Name a group of this machine, or leave it out.",
            ));
        }
        Ok(())
    }

    /// An error about a key, at its line and column.
    fn wrong(&self, path: &[PathStep<'_>], message: impl AsRef<str>, hint: &str) -> CliError {
        let keys: Vec<&str> = path
            .iter()
            .filter_map(|step| match step {
                PathStep::Key(key) => Some(*key),
                PathStep::Index(_) => None,
            })
            .collect();
        let at = TomlDocument::read(&self.text)
            .map_or(TextPosition { line: 1, column: 1 }, |d| d.position(path));
        let message = format!("{}: {}", keys.join("."), message.as_ref());
        CliError::configuration(place(&self.path, at), message, hint)
    }

    /// A value with the file and line that it comes from.
    pub fn sourced<T: Clone>(&self, value: &Spanned<T>) -> Sourced<T> {
        let line = self.text[..value.span().start].matches('\n').count() + 1;
        let path = self.path.clone();
        let origin = match self.scope {
            ConfigScope::Project => Origin::ProjectFile { path, line },
            ConfigScope::User => Origin::UserFile { path, line },
        };
        Sourced::new(value.get_ref().clone(), origin)
    }

    /// A path of the file: relative to the directory that the file is in.
    pub fn path_of(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("/")).join(path)
    }
}
