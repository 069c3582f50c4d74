//! `drygate profile init`: writes a starting profile with comments.
//! Invariant: an existing file is never overwritten (`create_new`); a database is only read, in a survey like any other.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde::Deserialize;

use super::{LaunchError, output, survey};
use crate::cli::Settings;
use crate::documents::{ProfileInitDocument, SchemaVersion};
use crate::profile::{self, Profile};
use crate::report::visible;
use crate::runner::RunnerError;
use crate::runner::target::{Purpose, SurveyRequest, TargetError};
use crate::survey::Digest;

const STARTING: &str = include_str!("../../assets/profiles/starting.toml");

/// The tables that the role can read, with their columns and primary keys, as one text.
const TABLES: &str = "
SELECT coalesce(json_agg(json_build_object(
         'schema', n.nspname, 'table', c.relname,
         'columns', (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
         'row_key', (SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_index i
                       JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                      WHERE i.indrelid = c.oid AND i.indisprimary))
       ORDER BY n.nspname, c.relname)::text, '[]')
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p')
   AND NOT c.relispartition
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND has_table_privilege(c.oid, 'SELECT')";

/// Facts that are proposed at most; the others are named in a comment.
const PROPOSED_MAX: usize = 40;

/// A table that can be read.
#[derive(Debug, Deserialize)]
struct Table {
    schema: String,
    #[serde(rename = "table")]
    name: String,
    columns: Option<Vec<String>>,
    row_key: Option<Vec<String>>,
}

/// What was learnt of a database.
struct Learnt {
    role: String,
    tables: Vec<Table>,
}

/// Writes the profile to a new file.
pub fn init(settings: &Settings, file: &Path) -> Result<u8, LaunchError> {
    // Asked for before the database is: a name that is taken needs no connection.
    if file.symlink_metadata().is_ok() {
        return Err(taken(file));
    }
    let learnt = match &settings.database_url {
        Some(_) => Some(learn(settings)?),
        None => None,
    };
    let text = text(learnt.as_ref());
    profile::parse(&file.display().to_string(), &text)?;
    // O_EXCL: the file may have appeared since the check above.
    let written = OpenOptions::new().write(true).create_new(true).open(file);
    let mut written = written.map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => taken(file),
        _ => failed(source),
    })?;
    written.write_all(text.as_bytes()).map_err(failed)?;
    // A name alone could be that of a built-in profile.
    let path = match file.components().count() {
        1 => Path::new(".").join(file),
        _ => file.to_owned(),
    };
    let check = settings.profile_check(&path.display().to_string());
    if settings.json() {
        output::document(&ProfileInitDocument {
            schema: SchemaVersion,
            file: file.display().to_string(),
            sha256: Digest::of(&text),
            role: learnt.as_ref().map(|learnt| learnt.role.clone()),
            tables: learnt.as_ref().map(|learnt| learnt.tables.len()),
            next: check,
        })?;
        return Ok(0);
    }
    let shown = visible(&file.display().to_string());
    output::say(&match &learnt {
        Some(learnt) => format!(
            "{shown} written, with {} tables that {} can read.",
            learnt.tables.len(),
            visible(&learnt.role)
        ),
        None => {
            format!("{shown} written. With --database-url it proposes facts of the tables there.")
        }
    });
    output::say(&visible(&format!("  Edit it, then: {check}")));
    Ok(0)
}

fn taken(file: &Path) -> LaunchError {
    LaunchError::NameTaken {
        path: file.to_owned(),
    }
}

fn failed(source: std::io::Error) -> LaunchError {
    LaunchError::output("cannot write the profile")(source)
}

/// Reads which tables there are, in a survey like any other: same settings, same guards, rolled back.
fn learn(settings: &Settings) -> Result<Learnt, LaunchError> {
    let fact = format!(
        "[[facts]]\nkey = \"tables\"\nlabel = \"tables\"\ntype = \"text\"\nsql = '''{TABLES}'''\n\n\
         [role]\nfunctions = [\"has_table_privilege\"]\n"
    );
    let asking = filled("none", "none", &fact, "", &["public"]);
    let asking: Profile = profile::parse("profile init", &asking)?;
    let ask = SurveyRequest {
        purpose: Purpose::Survey,
        live_only: false,
        streams: false,
    };
    let (taken, _) = survey::take(settings, asking, ask).map_err(|error| match error {
        LaunchError::Runner(RunnerError::Target(TargetError::Unfit(why))) => {
            LaunchError::TablesNotRead(why)
        }
        other => other,
    })?;
    let survey = &taken.survey;
    let value = survey.fact("tables").and_then(|fact| fact.observed.value());
    let refused = taken
        .rulings
        .iter()
        .find_map(|ruling| ruling.refused.clone());
    let value = value.ok_or_else(|| {
        let unknown = || survey.unknown_reason("tables").map(str::to_owned);
        let why = refused.or_else(unknown);
        LaunchError::TablesNotRead(why.unwrap_or_else(|| "the server did not answer".to_owned()))
    })?;
    let tables = serde_json::from_str(value)
        .map_err(|error| LaunchError::TablesNotRead(error.to_string()))?;
    Ok(Learnt {
        role: survey.server.current_user.clone(),
        tables,
    })
}

fn text(learnt: Option<&Learnt>) -> String {
    let Some(learnt) = learnt else {
        return filled(
            "PRODUCTION",
            "reading_role",
            EXAMPLE_FACT,
            EXAMPLE_CONTENT,
            &["public"],
        );
    };
    let (facts, contents) = proposed(&learnt.tables);
    let mut schemas: Vec<&str> = learnt
        .tables
        .iter()
        .map(|table| table.schema.as_str())
        .collect();
    schemas.retain(|schema| is_plain(schema));
    schemas.dedup();
    if schemas.is_empty() {
        schemas.push("public");
    }
    let facts = if facts.is_empty() {
        EXAMPLE_FACT.to_owned()
    } else {
        facts
    };
    filled("PRODUCTION", &learnt.role, &facts, &contents, &schemas)
}

const EXAMPLE_FACT: &str = "[[facts]]
key = \"server_encoding\"
label = \"server encoding\"
type = \"text\"
sql = \"SELECT pg_catalog.getdatabaseencoding()::text\"
";

const EXAMPLE_CONTENT: &str = "# [[contents]]
# key = \"unit\"
# schema = \"public\"
# table = \"unit\"
# columns = [\"id\", \"content\", \"state\"]
# row_key = [\"id\"]
# hide = [\"content\"]   # digested, and never written down
";

/// The template with its places filled.
fn filled(label: &str, role: &str, facts: &str, contents: &str, schemas: &[&str]) -> String {
    let schemas: Vec<String> = schemas.iter().map(|schema| quoted(schema)).collect();
    STARTING
        .replace("\"@LABEL@\"", &quoted(label))
        .replace("@COLOR@", "red")
        .replace("\"@ROLE@\"", &quoted(role))
        .replace("@SCHEMAS@", &schemas.join(", "))
        .replace("@CONTENTS@\n", contents)
        .replace("@FACTS@", facts)
}

/// A text as TOML writes one: as JSON does, but for the one control character that JSON leaves alone.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

/// A name that SQL needs no quotes for and a key can be made of.
fn is_plain(name: &str) -> bool {
    let word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    name.bytes().all(word) && name.bytes().next().is_some_and(|c| !c.is_ascii_digit())
}

/// A count of each table as a fact, and the digests of those with a primary key, which are left commented: they read every row.
fn proposed(tables: &[Table]) -> (String, String) {
    let plain = |table: &&Table| is_plain(&table.schema) && is_plain(&table.name);
    let (proposed, others): (Vec<&Table>, Vec<&Table>) = tables.iter().partition(plain);
    let mut facts = String::new();
    let mut contents = String::new();
    for table in proposed.iter().take(PROPOSED_MAX) {
        let (schema, name) = (&table.schema, &table.name);
        let _ = writeln!(
            facts,
            "[[facts]]\nkey = \"{schema}_{name}_rows\"\nlabel = \"rows of {schema}.{name}\"\ntype = \"integer\"\nlive = true\ncount = \"{schema}.{name}\"\n"
        );
        let list = |names: &[String]| {
            names
                .iter()
                .map(|name| quoted(name))
                .collect::<Vec<_>>()
                .join(", ")
        };
        if let (Some(columns), Some(row_key)) = (&table.columns, &table.row_key) {
            let _ = writeln!(
                contents,
                "# [[contents]]\n# key = \"{schema}_{name}\"\n# schema = \"{schema}\"\n# table = \"{name}\"\n# columns = [{}]\n# row_key = [{}]\n",
                list(columns),
                list(row_key)
            );
        }
    }
    let named = proposed.iter().skip(PROPOSED_MAX).chain(&others);
    for table in named {
        let name = visible(&format!("{}.{}", table.schema, table.name));
        let _ = writeln!(facts, "# not proposed, it can be read too: {name}");
    }
    (facts, contents)
}

#[cfg(test)]
mod tests {
    use super::{Learnt, PROPOSED_MAX, Table, text};
    use crate::audit::profile_findings;
    use crate::profile;

    fn table(schema: &str, table: &str) -> Table {
        Table {
            schema: schema.to_owned(),
            name: table.to_owned(),
            columns: Some(vec!["id".to_owned(), "odd \"name\"\u{7f}".to_owned()]),
            row_key: Some(vec!["id".to_owned()]),
        }
    }

    #[test]
    fn what_is_written_is_a_profile() {
        let bare = text(None);
        profile::parse("bare", &bare).expect("it parses");
        // What the audit of its own run would find in it.
        assert_eq!(profile_findings(&bare), []);
        let mut tables = vec![table("public", "unit"), table("odd\nschema", "x\" = 1")];
        tables.extend((0..PROPOSED_MAX).map(|nth| table("app", &format!("t{nth}"))));
        let role = "reader \"of\"\u{1b}[31m\u{7f} all".to_owned();
        let learnt = text(Some(&Learnt {
            role: role.clone(),
            tables,
        }));
        let parsed = profile::parse("learnt", &learnt).expect("it parses");
        assert_eq!(parsed.target.expected_role, role);
        assert_eq!(parsed.facts.len(), PROPOSED_MAX);
        assert_eq!(parsed.facts[0].count.as_deref(), Some("public.unit"));
        assert!(
            learnt.contains("# not proposed, it can be read too: app.t39"),
            "{learnt}"
        );
        assert!(
            learnt.contains("# not proposed, it can be read too: odd\\u{a}schema"),
            "{learnt}"
        );
        assert!(!learnt.contains('\u{1b}'));
        // What is commented is TOML as well, once the comment is taken away.
        let digests = learnt.replace(
            "# [[contents]]\n# key = \"public_unit\"",
            "[[contents]]\nkey = \"public_unit\"",
        );
        let digests = digests.replacen(
            "# schema = \"public\"\n# table = \"unit\"\n# columns",
            "schema = \"public\"\ntable = \"unit\"\ncolumns",
            1,
        );
        let digests = digests.replacen("# row_key = [\"id\"]", "row_key = [\"id\"]", 1);
        let digests = digests.replacen(", \"odd \\\"name\\\"\\u007f\"]", "]", 1);
        let parsed = profile::parse("digests", &digests).expect("it parses");
        assert_eq!(parsed.contents.len(), 1);
    }
}
