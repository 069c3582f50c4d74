//! Standard output and standard error. Data goes to standard output; what a person should read about progress and failure to
//! standard error.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::OFlags;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};

use serde::Serialize;

use super::LaunchError;
use crate::cli::{Cli, config_document};

/// Prints `text` as it is.
pub fn print(text: &str) -> Result<(), LaunchError> {
    bytes(text.as_bytes())
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) -> Result<(), LaunchError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(LaunchError::output("cannot write to standard output"))
}

/// Prints `text` and a line break.
pub fn line(text: &str) -> Result<(), LaunchError> {
    print(&format!("{text}\n"))
}

/// Prints one JSON document in printable ASCII, so that no text in it drives a terminal. Members are in the order of their
/// names, whatever the struct has them in.
pub fn document(document: &impl Serialize) -> Result<(), LaunchError> {
    let sorted = serde_json::to_value(document);
    let text = sorted.and_then(|value| crate::journal::to_ascii_json(&value));
    let mut text = text.map_err(|error| LaunchError::Output {
        doing: "cannot write the document",
        source: error.into(),
    })?;
    text.push(b'\n');
    bytes(&text)
}

/// Says something to a person, on standard error; while a screen has the terminal it waits. A closed standard error is no reason to
/// fail.
pub fn say(text: &str) {
    let mut screen = screen();
    if screen.is_open {
        screen.waiting.push(text.to_owned());
    } else {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Whether a screen has the terminal, and what is to be said once it has not. Held while a line goes to standard error, so that no
/// screen opens in the middle of one.
struct ScreenState {
    is_open: bool,
    waiting: Vec<String>,
}

static SCREEN: Mutex<ScreenState> = Mutex::new(ScreenState {
    is_open: false,
    waiting: Vec::new(),
});

fn screen() -> MutexGuard<'static, ScreenState> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it lives nothing goes to standard error: a screen has the terminal.
pub struct ScreenSilence(());

impl ScreenSilence {
    /// From now on.
    pub fn begin() -> Self {
        tracing::info!("screen opens");
        screen().is_open = true;
        Self(())
    }
}

impl Drop for ScreenSilence {
    fn drop(&mut self) {
        let waiting = {
            let mut screen = screen();
            screen.is_open = false;
            std::mem::take(&mut screen.waiting)
        };
        for text in waiting {
            say(&text);
        }
        tracing::info!("screen is closed");
    }
}

/// Where the lines of the log go.
struct LogSink {
    stderr: bool,
    file: Option<File>,
}

impl Write for LogSink {
    /// A log that cannot be written is no reason to fail: the journal is the record.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            let _ = file.write_all(line);
        }
        if self.stderr {
            let screen = screen();
            if !screen.is_open {
                let _ = io::stderr().lock().write_all(line);
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Turns the log on where `-v` or `--log` asks for it, and begins it with the command and its settings. Without either nothing
/// listens, and an event costs one comparison.
pub fn start_log(cli: &Cli) -> Result<(), LaunchError> {
    let settings = &cli.settings;
    if settings.verbose == 0 && settings.log.is_none() {
        return Ok(());
    }
    let file = settings
        .log
        .as_deref()
        .map(|path| open_log(path, &settings.data_dir.value))
        .transpose()?;
    let sink = LogSink {
        stderr: settings.verbose > 0,
        file,
    };
    let level = if settings.verbose > 1 {
        LevelFilter::DEBUG
    } else {
        LevelFilter::INFO
    };
    // Events of dependencies stay out: nobody has looked whether they hold a secret.
    let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(Mutex::new(sink))
        .log_internal_errors(false)
        .with_filter(own);
    let subscriber = tracing_subscriber::registry().with(lines);
    // One is set already where a test calls `execute` itself.
    let _ = tracing::subscriber::set_global_default(subscriber);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        pid = std::process::id(),
        command = ?cli.command,
        headless = settings.headless,
        "started"
    );
    for setting in config_document(settings).settings {
        let (key, value) = (setting.key, setting.value);
        tracing::info!(key, %value, origin = setting.origin, "setting");
    }
    tracing::debug!(files = ?settings.files, "configuration files");
    Ok(())
}

/// Opens the log to be appended to; a new one is its owner's alone. Only a regular file: a terminal or a pipe may be the screen.
fn open_log(path: &Path, data_dir: &Path) -> Result<File, LaunchError> {
    let refused = |why: &dyn std::fmt::Display| {
        LaunchError::Usage(format!("--log {}: {why}", path.display()))
    };
    // A line of a log in a run's file would be damage, and a new file there is none of the manifest.
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    if let (Some(folder), Ok(data_dir)) = (folder, data_dir.canonicalize())
        && folder.starts_with(&data_dir)
    {
        return Err(refused(&"lies in the data directory"));
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    // A pipe that nobody reads is refused, not waited for.
    // A link could lead into a run, or have been planted where anybody may write.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    options.custom_flags(flags.bits().cast_signed());
    let file = options.open(path).map_err(|error| refused(&error))?;
    let about = file.metadata().map_err(|error| refused(&error))?;
    if !about.is_file() || about.nlink() > 1 {
        return Err(refused(&"is no regular file of its own"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::open_log;

    #[test]
    fn a_log_is_never_written_through_a_link_or_into_the_data_directory() {
        let place = tempfile::tempdir().expect("a folder");
        let (data, other) = (place.path().join("data"), place.path().join("run.log"));
        std::fs::create_dir(&data).expect("made");
        std::fs::write(data.join("HEAD"), "{}").expect("written");
        let link = place.path().join("link");
        std::os::unix::fs::symlink(data.join("HEAD"), &link).expect("made");
        let refused =
            |path: &std::path::Path| open_log(path, &data).expect_err("refused").to_string();
        assert!(refused(&data.join("HEAD")).contains("lies in the data directory"));
        assert!(refused(&data.join("new.log")).contains("lies in the data directory"));
        assert!(refused(&link).contains("--log"), "a link");
        let hard = place.path().join("hard");
        std::fs::hard_link(data.join("HEAD"), &hard).expect("made");
        assert!(refused(&hard).contains("of its own"));
        assert_eq!(std::fs::read(data.join("HEAD")).expect("kept"), b"{}");
        open_log(&other, &data).expect("a new file beside it");
    }
}
