//! A change that a program carries out, in place of psql: sqitch, alembic, a script of the team.
//! Invariant: a text that the profile gives is taken as it is but for five names in braces (`filled_in`).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Files of a directory beyond which they are shown as one digest.
const LISTED_MAX: usize = 30;

/// The program, where it runs and what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeCommand {
    /// Program and arguments: `["sqitch", "deploy", "db:pg:{database}"]`. `{url}`, `{host}` (the directory of a unix socket),
    /// `{port}`, `{database}` and `{user}` stand for the database; `PGHOST`, `PGPORT`, `PGDATABASE` and `PGUSER` are set too.
    pub run: Vec<String>,
    /// The directory that it runs in, relative to the profile's. All files in it are approved, but for those of version control and
    /// `__pycache__`; it runs in a copy of them.
    pub directory: String,
    /// Variables of its environment, in which the same names in braces stand for the database.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Directories outside of /usr that the program needs, such as a virtual environment of Python; absolute, seen and not written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
}

/// A program as a list of runs tells it: the values of its environment, which a list has no use for, are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ListedCommand {
    /// Program and arguments, as the profile has them: names in braces stand for the database.
    pub run: Vec<String>,
    /// The directory that it runs in, absolute.
    pub directory: String,
    /// The names of the variables that the profile sets in its environment.
    pub environment: Vec<String>,
}

/// The database as a program is told of it.
#[derive(Debug, Clone, Copy)]
pub struct CommandDatabase<'t> {
    /// A URL of it.
    pub url: &'t str,
    /// Directory of its socket.
    pub host: &'t str,
    /// Name of the database.
    pub database: &'t str,
    /// The role.
    pub user: &'t str,
}

impl ChangeCommand {
    /// What a list of runs tells of it.
    pub fn listed(&self) -> ListedCommand {
        ListedCommand {
            run: self.run.clone(),
            directory: self.directory.clone(),
            environment: self.environment.keys().cloned().collect(),
        }
    }

    /// Program and arguments, in a line.
    pub fn line(&self) -> String {
        let quoted = self.run.iter().map(|word| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@{}+,".contains(c);
            if word.chars().all(plain) && !word.is_empty() {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', "'\\''"))
            }
        });
        quoted.collect::<Vec<_>>().join(" ")
    }

    /// The same with its directory in `base`, as a run records it.
    #[must_use]
    pub fn based_in(&self, base: &Path) -> Self {
        Self {
            directory: base.join(plain(&self.directory)).display().to_string(),
            ..self.clone()
        }
    }

    /// Whether this, as a run recorded it, is what a profile declares.
    pub fn is_based_on(&self, declared: &Self) -> bool {
        let same = Self {
            directory: declared.directory.clone(),
            ..self.clone()
        };
        same == *declared && Path::new(&self.directory).ends_with(plain(&declared.directory))
    }

    /// The path of a file within the directory; `None`: it is not in there, or leads out of it.
    pub fn path_within<'p>(&self, file: &'p str) -> Option<&'p Path> {
        let within = Path::new(file).strip_prefix(&self.directory).ok();
        let is_plain = |path: &&Path| {
            path.components()
                .all(|part| matches!(part, Component::Normal(_)))
        };
        within.filter(is_plain)
    }

    /// A text of the profile for a database.
    pub fn filled_in(text: &str, database: CommandDatabase<'_>) -> String {
        let CommandDatabase {
            url,
            host,
            database,
            user,
        } = database;
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        // Each name is looked for in the profile's text alone, never in what stands for another one.
        while let Some(at) = rest.find('{') {
            filled.push_str(&rest[..at]);
            rest = &rest[at..];
            let known = [
                ("{url}", url.to_owned()),
                ("{host}", host.to_owned()),
                ("{port}", "5432".to_owned()),
                ("{database}", database.to_owned()),
                ("{user}", user.to_owned()),
            ];
            let found = known.into_iter().find(|(name, _)| rest.starts_with(name));
            let (name, value) = found.unwrap_or(("{", "{".to_owned()));
            filled.push_str(&value);
            rest = &rest[name.len()..];
        }
        filled.push_str(rest);
        filled
    }

    /// Whether so many files are shown as one digest.
    pub(super) fn are_many(files: usize) -> bool {
        files > LISTED_MAX
    }
}

/// Without `.`, which is no part of a path.
fn plain(directory: &str) -> PathBuf {
    let parts = Path::new(directory).components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use rstest::rstest;

    use super::{ChangeCommand, CommandDatabase};

    fn command(directory: &str) -> ChangeCommand {
        ChangeCommand {
            run: vec!["sqitch".to_owned(), "deploy".to_owned(), "it's".to_owned()],
            directory: directory.to_owned(),
            environment: BTreeMap::new(),
            programs: Vec::new(),
        }
    }

    #[rstest]
    #[case::arguments("db:pg:{database}", "db:pg:my {user}")]
    #[case::a_value_is_not_filled_in_again("{database}/{user}", "my {user}/o%w@er")]
    #[case::url("{url} {user}", "postgresql://x o%w@er")]
    #[case::another_name("{name} {}", "{name} {}")]
    #[case::host_and_port("{host}:{port}{", "/tmp/s:5432{")]
    fn five_names_stand_for_the_database(#[case] text: &str, #[case] expected: &str) {
        let database = CommandDatabase {
            url: "postgresql://x",
            host: "/tmp/s",
            database: "my {user}",
            user: "o%w@er",
        };
        assert_eq!(ChangeCommand::filled_in(text, database), expected);
    }

    #[rstest]
    #[case("db")]
    #[case("./db")]
    #[case("../db")]
    #[case(".")]
    #[case("/elsewhere/db")]
    fn what_is_recorded_is_what_is_declared(#[case] directory: &str) {
        let declared = command(directory);
        let recorded = declared.based_in(Path::new("/srv/profiles"));
        assert!(recorded.is_based_on(&declared), "{recorded:?}");
        let other = ChangeCommand {
            run: vec!["sqitch".to_owned()],
            ..recorded.clone()
        };
        assert!(!other.is_based_on(&declared));
        let other = ChangeCommand {
            directory: "/srv/other".to_owned(),
            ..recorded
        };
        assert_eq!(other.is_based_on(&declared), directory == ".");
    }

    #[rstest]
    #[case("/srv/db/deploy/a.sql", Some("deploy/a.sql"))]
    #[case("/srv/db/../a.sql", None)]
    #[case("/srv/dbs/a.sql", None)]
    #[case("/elsewhere/a.sql", None)]
    fn a_file_lies_within_the_directory(#[case] file: &str, #[case] within: Option<&str>) {
        let found = command("/srv/db")
            .path_within(file)
            .and_then(Path::to_str)
            .map(str::to_owned);
        assert_eq!(found.as_deref(), within);
    }

    #[test]
    fn a_line_can_be_told_apart_by_word() {
        assert_eq!(command(".").line(), r"sqitch deploy 'it'\''s'");
    }
}
