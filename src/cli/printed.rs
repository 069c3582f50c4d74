//! Prints the command line itself: shell completions, manual page, and the settings with their origin. Invariant: a password in
//! a setting is hidden (`DatabaseUrl` has no other `Display`).

use std::io;

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::Value;

use super::arguments::Arguments;
use super::{Origin, Settings, Sourced};
use crate::documents::{ConfigDocument, SchemaVersion, SettingRow};

/// The command line as clap knows it.
pub fn clap_command() -> clap::Command {
    Arguments::command()
}

/// The completion script of a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut clap_command(), "drygate", &mut text);
    text
}

/// The manual page, as roff.
pub fn manual() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(clap_command()).render(&mut text)?;
    Ok(text)
}

/// Each setting: key, value (null: not set), origin.
fn rows(settings: &Settings) -> Vec<(&'static str, Value, &Origin)> {
    let unset = &Origin::Default;
    let path = |path: &std::path::Path| Value::from(path.display().to_string());
    vec![
        (
            "profile",
            Value::from(settings.profile.value.clone()),
            &settings.profile.origin,
        ),
        optional(
            "database_url",
            settings.database_url.as_ref(),
            |url| url.to_string().into(),
            unset,
        ),
        optional("repo", settings.repo.as_ref(), |repo| path(repo), unset),
        (
            "data_dir",
            path(&settings.data_dir.value),
            &settings.data_dir.origin,
        ),
        optional(
            "live_interval",
            settings.live_interval_s.as_ref(),
            |s| Value::from(*s),
            unset,
        ),
        (
            "color",
            settings.color.value.name().into(),
            &settings.color.origin,
        ),
        ("ascii", settings.ascii.value.into(), &settings.ascii.origin),
        (
            "theme",
            settings.theme.value.name().into(),
            &settings.theme.origin,
        ),
        ("wheel", settings.wheel.value.into(), &settings.wheel.origin),
        (
            "notify",
            settings.notify.value.into(),
            &settings.notify.origin,
        ),
        ("mode", "dryrun".into(), &settings.mode.origin),
        (
            "execution_enabled",
            settings.mode.value.execution_enabled().into(),
            &settings.mode.origin,
        ),
        optional(
            "store.group",
            settings.store_group.as_ref(),
            |group| Value::from(group.clone()),
            unset,
        ),
    ]
}

fn optional<'a, T>(
    key: &'static str,
    value: Option<&'a Sourced<T>>,
    show: impl Fn(&T) -> Value,
    unset: &'a Origin,
) -> (&'static str, Value, &'a Origin) {
    value.map_or((key, Value::Null, unset), |value| {
        (key, show(&value.value), &value.origin)
    })
}

/// The settings as one JSON document.
pub fn config_document(settings: &Settings) -> ConfigDocument {
    let rows = rows(settings).into_iter();
    let rows = rows.map(|(key, value, origin)| SettingRow {
        key,
        value,
        origin: origin.to_string(),
    });
    ConfigDocument {
        schema: SchemaVersion,
        settings: rows.collect(),
    }
}

/// The settings as aligned text, one line each, escaped for a terminal.
pub fn config_text(settings: &Settings) -> String {
    use std::fmt::Write as _;
    let rows = rows(settings);
    let shown = |value: &Value| match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => crate::profile::printable(text),
        other => other.to_string(),
    };
    let width = rows
        .iter()
        .map(|(_, value, _)| shown(value).chars().count())
        .max()
        .unwrap_or(0);
    rows.iter()
        .fold(String::new(), |mut text, (key, value, origin)| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{key:<17}  {:<width$}  {origin}", shown(value));
            text
        })
}
