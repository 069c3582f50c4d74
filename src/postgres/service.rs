//! A service of libpq's service files: settings under a name.

use std::path::PathBuf;

use super::environment::LibpqEnvironment;
use super::passfile;
use super::settings::{SettingsError, absolute};
use super::url::Parameters;

/// A service that a text or the environment names.
pub(super) struct Service {
    name: String,
    /// The file that was named; `None`: looked for where libpq does.
    file: Option<PathBuf>,
}

impl Service {
    /// The service that a connection text or the environment names.
    pub(super) fn named(found: &Parameters, env: &LibpqEnvironment) -> Option<Self> {
        let named = |key: &str, variable: &str| {
            let of_text = found.get(key).map(String::as_str);
            of_text.or_else(|| env.given(variable)).map(str::to_owned)
        };
        // An empty name is one that no file defines, as in libpq.
        let file = named("servicefile", "PGSERVICEFILE");
        Some(Self {
            name: named("service", "PGSERVICE")?,
            file: file.filter(|file| !file.is_empty()).map(absolute),
        })
    }

    /// Its name, and the file where one was named, as settings of a connection text.
    pub(super) fn as_parameters(&self) -> Parameters {
        let file = self.file.as_ref().map(|file| file.display().to_string());
        let file = file.map(|file| ("servicefile".to_owned(), file));
        let name = ("service".to_owned(), self.name.clone());
        file.into_iter().chain([name]).collect()
    }

    /// The settings under its name.
    pub(super) fn settings(&self, env: &LibpqEnvironment) -> Result<Parameters, SettingsError> {
        let Self { name, file } = self;
        let lacks = |why: &str| SettingsError::Service(format!("service {name}: {why}"));
        if let Some(file) = file.as_ref().filter(|file| !file.exists()) {
            return Err(lacks(&format!("{} does not exist", file.display())));
        }
        let user = file.clone().or_else(|| env.home_file(".pg_service.conf"));
        let system = env
            .get("PGSYSCONFDIR")
            .map(|dir| PathBuf::from(dir).join("pg_service.conf"));
        for file in [user, system].into_iter().flatten() {
            if let Some(found) = passfile::service(&file, name)? {
                return Ok(found);
            }
        }
        Err(lacks(&match file {
            Some(file) => format!("{} does not define it", file.display()),
            None => "it is defined in no service file".to_owned(),
        }))
    }
}
