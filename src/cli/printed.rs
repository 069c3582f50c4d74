//! Prints the command line itself: manual pages, and the settings with their origin. Invariant: a password in
//! a setting is hidden (`DatabaseUrl` has no other `Display`).

use std::io;
use std::path::Path;

use clap::CommandFactory;
use serde_json::Value;

use super::arguments::Arguments;
use super::{Origin, Settings, Sourced, help};
use crate::documents::{ConfigDocument, SchemaVersion, SettingRow};

/// The command line as clap knows it.
pub fn clap_command() -> clap::Command {
    help::described(Arguments::command())
}

/// The manual page of drygate, or of one of its commands, as roff; `None`: there is no such command.
pub fn manual(words: &[String]) -> io::Result<Option<Vec<u8>>> {
    let command = built();
    let mut page = &command;
    for word in words {
        match page.find_subcommand(word) {
            Some(found) if !found.is_hide_set() => page = found,
            _ => return Ok(None),
        }
    }
    rendered(page).map(Some)
}

/// Writes every manual page into a directory.
pub fn write_manuals(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    write_pages(&built(), directory)
}

fn write_pages(page: &clap::Command, directory: &Path) -> io::Result<()> {
    let name = page.get_display_name().unwrap_or_else(|| page.get_name());
    std::fs::write(directory.join(format!("{name}.1")), rendered(page)?)?;
    page.get_subcommands()
        .filter(|command| !command.is_hide_set())
        .try_for_each(|command| write_pages(command, directory))
}

/// With the names that the pages of its commands have.
fn built() -> clap::Command {
    let mut command = clap_command().disable_help_subcommand(true);
    command.build();
    command
}

fn rendered(page: &clap::Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(page.clone()).render(&mut text)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    Ok(text.replace(".SH EXTRA", ".SH NOTES").into_bytes())
}

/// Each setting: key, value (null: not set), origin.
fn rows(settings: &Settings) -> Vec<(&'static str, Value, &Origin)> {
    let unset = &Origin::Default;
    let path = |path: &Path| Value::from(path.display().to_string());
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
        optional(
            "store.url",
            settings.store_url.as_ref(),
            |url| Value::from(url.to_string()),
            unset,
        ),
        (
            "store.lease",
            settings.store_lease_s.value.into(),
            &settings.store_lease_s.origin,
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
