//! The scenarios of the demo, as SQL.
//! Invariant: no clock and no random value, so that two loads have the same digests.
//! Held by the tests `the_sql_has_no_clock_no_chance_and_no_meta_command` and
//! `two_clusters_from_the_printed_sql_are_the_same_content` (tests/throwaway.rs).

use std::fmt;
use std::str::FromStr;

const SCHEMA: &str = include_str!("../../../assets/demo/schema.sql");
const DOCUMENTS: &str = include_str!("../../../assets/demo/documents.sql");
const CONSTITUTION: &str = include_str!("../../../assets/demo/constitution.txt");
const UNITS: &str = include_str!("../../../assets/demo/units.sql");
const FUNCTIONS: &str = include_str!("../../../assets/demo/functions.sql");
const ENACTED: &str = include_str!("../../../assets/demo/enacted.sql");
const UNSAFE_ROLE: &str = include_str!("../../../assets/demo/unsafe_role.sql");
const MIGRATOR: &str = include_str!("../../../assets/demo/migrator.sql");
const UNDECLARED: &str = include_str!("../../../assets/demo/undeclared.sql");
const BROKEN: &str = include_str!("../../../assets/demo/broken.sql");
const CUT: &str = include_str!("../../../assets/demo/cut.sql");
const ENACT: &str = include_str!("../../../assets/demo/enact.sql");
const SHOP: &str = include_str!("../../../assets/demo/shop.sql");
const MIGRATION: &str = include_str!("../../../assets/demo/migration.sql");
const ENACT_POLICY: &str = include_str!("../../../assets/demo/enact.toml");
const SITE: &str = include_str!("../../../assets/demo/site.sql");
const MAIL: &str = include_str!("../../../assets/demo/mail.sql");
const PURGE: &str = include_str!("../../../assets/demo/purge.sql");
const INTRUSION: &str = include_str!("../../../assets/demo/intrusion.sql");

/// A situation that the demo shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scenario {
    /// 60 units, all enacted: a live run would change nothing.
    #[default]
    Enacted,
    /// 60 drafts: a live run would enact them all.
    Draft,
    /// 60 drafts, and another session changes one of them while SG2 waits.
    Drift,
    /// All enacted, but the reading role may write one column.
    UnsafeRole,
    /// All enacted, and a migration on a shop beside: the change itself is rehearsed, and does what is expected of it.
    Change,
    /// Manuscripts that are imported as articles and published.
    Publish,
    /// Old messages that are deleted, but for mailboxes under legal hold.
    Purge,
    /// 60 drafts, and a trigger that the profile does not know of: the change itself writes more rows than are simulated.
    Undeclared,
    /// 60 drafts, one of them without a current version: the change itself fails.
    Broken,
}

/// The name of a scenario that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no scenario `{name}`; there are {}", Scenario::ALL.map(Scenario::name).join(", "))]
pub struct UnknownScenario {
    name: String,
}

// A new scenario is added to `ALL`, `name`, `base_sql`, `change` and `intrusion_sql`; the compiler asks for all but the first.
impl Scenario {
    /// All scenarios, in the order in which they are listed.
    pub const ALL: [Self; 9] = [
        Self::Enacted,
        Self::Draft,
        Self::Drift,
        Self::UnsafeRole,
        Self::Change,
        Self::Publish,
        Self::Purge,
        Self::Undeclared,
        Self::Broken,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enacted => "enacted",
            Self::Draft => "draft",
            Self::Drift => "drift",
            Self::UnsafeRole => "unsafe-role",
            Self::Change => "change",
            Self::Publish => "publish",
            Self::Purge => "purge",
            Self::Undeclared => "undeclared",
            Self::Broken => "broken",
        }
    }

    /// The SQL that a superuser runs in an empty database to get the base of this scenario:
    /// one transaction, without psql commands.
    pub fn base_sql(self) -> String {
        let source = source_version();
        let mut parts = vec![SCHEMA, DOCUMENTS, &source, UNITS, FUNCTIONS];
        match self {
            Self::Enacted => parts.push(ENACTED),
            Self::Draft | Self::Drift => {}
            Self::UnsafeRole => parts.extend([ENACTED, UNSAFE_ROLE]),
            Self::Change => parts.extend([ENACTED, SHOP]),
            // Databases of other teams: nothing of the constitution is there.
            Self::Publish => parts = vec![SITE],
            Self::Purge => parts = vec![MAIL],
            Self::Undeclared => parts.extend([MIGRATOR, UNDECLARED]),
            Self::Broken => parts.extend([MIGRATOR, BROKEN]),
        }
        let name = self.name();
        // The settings make the script mean the same in every session, whatever its defaults are.
        let mut sql = format!(
            "-- The base of the drygate demo scenario `{name}`, for a superuser in an empty database.\n\
             BEGIN;\n\
             SET LOCAL client_encoding = 'UTF8';\n\
             SET LOCAL standard_conforming_strings = on;\n\
             SET LOCAL search_path = '';\n\n"
        );
        for part in parts {
            sql.push_str(part);
            sql.push('\n');
        }
        sql.push_str("COMMIT;\n");
        sql
    }

    /// The files of the change that is rehearsed, by name; empty: the scenario has none.
    pub fn change(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Change => &[("migration.sql", MIGRATION)],
            Self::Purge => &[("purge.sql", PURGE)],
            Self::Undeclared | Self::Broken => &[("cut.sql", CUT), ("enact.sql", ENACT)],
            Self::Enacted | Self::Draft | Self::Drift | Self::UnsafeRole | Self::Publish => &[],
        }
    }

    /// What a profile says of that change (`[change]`), behind that of the built-in profile.
    pub fn change_policy(self) -> Option<&'static str> {
        matches!(self, Self::Undeclared | Self::Broken).then_some(ENACT_POLICY)
    }

    /// The built-in profile that the scenario is made for.
    pub fn profile(self) -> &'static str {
        match self {
            Self::Change => "schema-migration",
            Self::Publish => "publishing",
            Self::Purge => "retention-purge",
            Self::Enacted
            | Self::Draft
            | Self::Drift
            | Self::UnsafeRole
            | Self::Undeclared
            | Self::Broken => "icx-const",
        }
    }

    /// The SQL that another superuser session runs while SG2 waits; `None`: the scenario has no intruder. It changes one word
    /// of one unit, in Vietnamese and in English, in source and unit alike, so that every count stays and the cut still fits.
    pub fn intrusion_sql(self) -> Option<&'static str> {
        match self {
            Self::Drift => Some(INTRUSION),
            Self::Enacted
            | Self::Draft
            | Self::UnsafeRole
            | Self::Change
            | Self::Publish
            | Self::Purge
            | Self::Undeclared
            | Self::Broken => None,
        }
    }
}

/// The INSERT of the current version of the constitution. Its body is the text of the file word for word.
fn source_version() -> String {
    // Dollar quotes, so that the text needs no escapes.
    format!(
        "INSERT INTO public.source_version (id, document_id, version_no, body, is_current, created_at) VALUES\n  \
         ('SRC-ICX-CONST/v2', 'SRC-ICX-CONST', 2, $body${CONSTITUTION}$body$, true, '2026-05-12 02:00:00+00');\n"
    )
}

impl fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == name)
            .ok_or_else(|| UnknownScenario {
                name: name.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_others_are_refused_with_the_choice() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
        let error = "drifted".parse::<Scenario>().expect_err("no such scenario");
        assert_eq!(
            error.to_string(),
            "no scenario `drifted`; there are enacted, draft, drift, unsafe-role, change, publish, purge, undeclared, broken"
        );
    }

    #[test]
    fn the_sql_has_no_clock_no_chance_and_no_meta_command() {
        for scenario in Scenario::ALL {
            let sql = scenario.base_sql();
            for word in [
                "now()",
                "random",
                "clock_timestamp",
                "current_timestamp",
                "gen_random_uuid",
                "nextval",
            ] {
                assert!(
                    !sql.to_lowercase().contains(word),
                    "{scenario} contains {word}"
                );
            }
            assert!(
                !sql.lines().any(|line| line.starts_with('\\')),
                "{scenario} has a psql meta-command"
            );
        }
    }
}
