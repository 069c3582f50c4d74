//! The environment variables that libpq reads, as a value: no test has to change the environment of the process.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Environment variables that matter to a connection, and who runs us.
#[derive(Clone, Default)]
pub struct LibpqEnvironment {
    variables: BTreeMap<String, String>,
    /// Name of the account that runs us, which is the database user where none is named.
    account: Option<String>,
}

impl LibpqEnvironment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let known = |name: &str| name.starts_with("PG") || name == "HOME";
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| known(name))
            .collect();
        let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
        Self {
            variables,
            account: user.ok().flatten().map(|user| user.name),
        }
    }

    /// An environment of these variables alone.
    #[cfg(any(test, feature = "testing"))]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            variables: variables.iter().map(owned).collect(),
            account: None,
        }
    }

    /// What a recorded connection text may still take from here: secrets and where they are kept, never where to connect.
    #[must_use]
    pub fn of_secrets(&self) -> Self {
        let kept = [
            "PGPASSWORD",
            "PGPASSFILE",
            "PGSERVICEFILE",
            "PGSYSCONFDIR",
            "HOME",
        ];
        let mut variables = self.variables.clone();
        variables.retain(|name, _| kept.contains(&name.as_str()));
        let account = self.account.clone();
        Self { variables, account }
    }

    /// What the connection text of a run store may still take from here: where secrets are kept, never where to connect, nor the
    /// password of `PGPASSWORD`, which is that of the surveyed server.
    #[must_use]
    pub fn of_store(&self) -> Self {
        let mut kept = self.of_secrets();
        kept.variables.remove("PGPASSWORD");
        kept
    }

    /// Name of the account that runs us.
    pub(super) fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// A variable as it is given, empty or not.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A variable; an empty one counts as absent, as in libpq.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// Whether it says which server is asked: libpq's own variables, or a service.
    pub fn names_a_server(&self) -> bool {
        let names = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"];
        names.iter().any(|name| self.get(name).is_some())
    }

    /// A file in the home directory.
    pub(super) fn home_file(&self, name: &str) -> Option<PathBuf> {
        self.get("HOME").map(|home| PathBuf::from(home).join(name))
    }
}
