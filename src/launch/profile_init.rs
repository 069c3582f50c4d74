//! `drygate profile init`: writes a starting profile with comments.
//! Invariant: an existing file is never overwritten (`create_new`); a database is only read, in a survey like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::rehearse::ProposedChange;
use super::{LaunchError, files, output, run_plan, survey};
use crate::cli::Settings;
use crate::documents::{ProfileInitDocument, SchemaVersion};
use crate::profile::{self, Profile};
use crate::report::visible;
use crate::run::{counted, shell_word};
use crate::runner::RunnerError;
use crate::runner::target::{Taken, TargetError};
use crate::survey::{Digest, NamedRelation, RoleSurvey};

const STARTING: &str = include_str!("../../assets/profiles/starting.toml");

/// Tables that are proposed at most; the others are named in a comment.
const PROPOSED_MAX: usize = 400;

/// Rows of a table whose content is digested, and whose rows are counted, without being asked for: a survey reads them all. By the
/// estimate of the server; a table that was never analysed has none.
const DIGESTED_ROWS_MAX: i64 = 100_000;
const COUNTED_ROWS_MAX: i64 = 10_000_000;

/// What was learnt of a database.
#[derive(Debug, Default)]
struct Learnt {
    role: String,
    /// The tables that it can read.
    tables: Vec<NamedRelation>,
    /// Why the fact or digest of that key cannot be read, as a survey of all that is proposed found.
    unread: BTreeMap<String, String>,
    /// Whether the role could write.
    may_write: bool,
    /// The change that the profile is about.
    change: Option<ProposedChange>,
}

/// Writes the profile to a new file. `reader` is the role of the runs, where it is another than the one that connects now; `change` and
/// `role` are those of the change that it is about, where there is one.
pub fn init(
    settings: &Settings,
    file: &Path,
    reader: Option<&str>,
    change: &[PathBuf],
    role: Option<&str>,
) -> Result<u8, LaunchError> {
    // Asked for before the database is: a name that is taken needs no connection.
    if file.symlink_metadata().is_ok() {
        return Err(taken(file));
    }
    let learnt = if survey::names_a_database(settings) {
        let mut learnt = learn(settings)?;
        if let Some(role) = role {
            let proposed = profile::parse("profile init", &text(Some(&learnt), None))?;
            let change = ProposedChange::rehearsed(settings, &proposed, file, change, role)?;
            learnt.tables.retain(|table| change.touches(table));
            learnt.change = Some(change);
        }
        Some(tried(settings, learnt)?)
    } else if change.is_empty() {
        None
    } else {
        let why =
            "what a change touches is found on a copy of its database: name it with --database-url";
        return Err(LaunchError::Usage(why.to_owned()));
    };
    let out_of_scope = run_plan::out_of_scope(settings)?;
    let text = text(learnt.as_ref(), reader) + &out_of_scope;
    let proposed = profile::parse(&file.display().to_string(), &text)?;
    // O_EXCL: the file may have appeared since the check above.
    let written = OpenOptions::new().write(true).create_new(true).open(file);
    let mut written = written.map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => taken(file),
        _ => files::failed(file, source),
    })?;
    let done = written.write_all(text.as_bytes());
    done.map_err(|source| files::failed(file, source))?;
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
            role: reader
                .map(str::to_owned)
                .or(learnt.as_ref().map(|learnt| learnt.role.clone())),
            tables: learnt.as_ref().map(|learnt| learnt.tables.len()),
            next: check,
        })?;
        return Ok(0);
    }
    let shown = visible(&file.display().to_string());
    output::say(&match &learnt {
        Some(learnt) => format!(
            "{shown} written: {} and {}, of {} that {} can read. What is left out says why.",
            counted(proposed.facts.len(), "fact"),
            counted(proposed.contents.len(), "protected table"),
            counted(learnt.tables.len(), "table"),
            visible(&learnt.role)
        ),
        None => {
            format!("{shown} written. With --database-url it proposes facts of the tables there.")
        }
    });
    for line in learnt
        .iter()
        .filter_map(|learnt| learnt.change.as_ref())
        .flat_map(ProposedChange::said)
    {
        output::say(&visible(&format!("  {line}")));
    }
    if !out_of_scope.is_empty() {
        output::say(
            "  The profile leaves out what cannot be checked of a git repository here; its last lines say why.",
        );
    }
    if reader.is_none() && learnt.as_ref().is_some_and(|learnt| learnt.may_write) {
        output::say(
            "  This role can write, and a run needs one that cannot: --reader ROLE names it, and `doctor --sql` makes it.",
        );
    }
    tell_next(settings, &path.display().to_string(), reader, &check);
    Ok(0)
}

/// What to do with the profile that was written.
fn tell_next(settings: &Settings, written: &str, reader: Option<&str>, check: &str) {
    let Some(reader) = reader else {
        output::say(&visible(&format!("  Try it: {check}")));
        return;
    };
    let on = |words: &str| {
        let words = format!("{words} {} --database-url ..", shell_word(written));
        settings.call.anywhere(words)
    };
    let statements = on("doctor --sql --profile");
    output::say(&visible(&format!(
        "  Runs connect as {reader}: {statements} prints the statements that make that role."
    )));
    let check = on("profile check");
    output::say(&visible(&format!("  Try it as that role: {check}")));
}

fn taken(file: &Path) -> LaunchError {
    LaunchError::NameTaken {
        path: file.to_owned(),
    }
}

/// Reads which tables there are, in a survey like any other: same settings, same guards, rolled back.
fn learn(settings: &Settings) -> Result<Learnt, LaunchError> {
    let asking = filled("none", EXAMPLE_FACT, "", &["public"], WITHOUT_CHANGE);
    let asking: Profile = profile::parse("profile init", &asking)?;
    let (taken, names) = survey::names(settings, &asking).map_err(|error| match error {
        LaunchError::Runner(RunnerError::Target(TargetError::Unfit(why))) => {
            LaunchError::TablesNotRead(why)
        }
        other => other,
    })?;
    let names = names.map_err(LaunchError::TablesNotRead)?;
    let may_be_read = |table: &NamedRelation| table.details.is_table && table.details.may_be_read;
    let tables: Vec<NamedRelation> = names.relations.into_iter().filter(may_be_read).collect();
    let role = taken.survey.server.current_user.clone();
    if tables.is_empty() {
        return Err(LaunchError::NoTableReadable(role));
    }
    Ok(Learnt {
        role,
        tables,
        ..Learnt::default()
    })
}

/// Surveys with all that is proposed: what cannot be read is left out, with its reason.
fn tried(settings: &Settings, mut learnt: Learnt) -> Result<Learnt, LaunchError> {
    let proposed = profile::parse("profile init", &text(Some(&learnt), None))?;
    let facts = proposed.facts.iter().map(|fact| fact.key.clone());
    let contents = proposed.contents.iter().map(|content| content.key.clone());
    let keys: Vec<String> = facts.chain(contents).collect();
    let (taken, _) = survey::names(settings, &proposed)?;
    let reasons = keys.into_iter().filter_map(|key| {
        let why = unread(&taken, &key)?;
        Some((key, why))
    });
    learnt.unread = reasons.collect();
    let read_only = taken.survey.fact(RoleSurvey::READ_ONLY_FACT);
    let read_only = read_only.and_then(|fact| fact.observed.value());
    learnt.may_write = read_only.is_some_and(|value| value != "true");
    Ok(learnt)
}

/// Why the value of a fact or digest is unknown, if it is.
fn unread(taken: &Taken, key: &str) -> Option<String> {
    let unknown = taken.survey.unknown_reason(key)?;
    let fact = format!("fact {key}");
    let ruling = (taken.rulings.iter()).find(|ruling| ruling.query == fact);
    let refused = ruling.and_then(|ruling| ruling.refused.clone());
    Some(refused.unwrap_or_else(|| unknown.to_owned()))
}

/// The profile, for `reader` or else for the role that connected.
fn text(learnt: Option<&Learnt>, reader: Option<&str>) -> String {
    let Some(learnt) = learnt else {
        return filled(
            reader.unwrap_or("reading_role"),
            EXAMPLE_FACT,
            EXAMPLE_CONTENT,
            &["public"],
            WITHOUT_CHANGE,
        );
    };
    let (facts, contents) = proposed(learnt);
    let schemas: BTreeSet<&str> = (learnt.tables.iter())
        .map(|table| table.schema.as_str())
        .collect();
    let schemas = match Vec::from_iter(schemas) {
        none if none.is_empty() => vec!["public"],
        schemas => schemas,
    };
    let facts = match facts {
        none if none.is_empty() => EXAMPLE_FACT.to_owned(),
        facts => facts,
    };
    let change = learnt.change.as_ref().map(ProposedChange::text);
    let change = change.as_deref().unwrap_or(WITHOUT_CHANGE);
    filled(
        reader.unwrap_or(&learnt.role),
        &facts,
        &contents,
        &schemas,
        change,
    )
}

const WITHOUT_CHANGE: &str = r#"# What a person allows at the gates. With a change "allow COPY" and "allow CHANGE", else "allow PREPARE" and "allow CHANGE".
# [labels]
# sg1 = "allow the copy"
# sg2 = "allow the release"

# The change itself, for psql: it is rehearsed on a throwaway copy, and what it did to each table is what SG2 asks about.
# `drygate profile init --change FILE --role ROLE` writes it all.
# [change]
# role = "migrator"               # the role of the database that it runs as
# files = ["0042.sql"]            # relative to this file; `drygate run --change FILE --role ROLE` names others
# expect = [{ table = "public.unit", update = "1..100" }]

"#;

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
fn filled(role: &str, facts: &str, contents: &str, schemas: &[&str], change: &str) -> String {
    let schemas: Vec<String> = schemas.iter().map(|schema| quoted(schema)).collect();
    STARTING
        .replace("\"@ROLE@\"", &quoted(role))
        .replace("@SCHEMAS@", &schemas.join(", "))
        .replace("@CHANGE@\n", change)
        .replace("@CONTENTS@\n", contents)
        .replace("@FACTS@", facts)
}

/// A text as TOML writes one: as JSON does, but for the one control character that JSON leaves alone.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

/// The table as `count` of a fact names it; `None`: a quote inside a name.
fn named(table: &NamedRelation) -> Option<String> {
    let name = |name: &str| {
        let word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        let digit = |c: u8| c.is_ascii_digit();
        let plain = name.bytes().all(word) && !name.bytes().next().is_some_and(digit);
        if plain {
            return Some(name.to_owned());
        }
        (!name.contains('"')).then(|| format!("\"{name}\""))
    };
    Some(format!("{}.{}", name(&table.schema)?, name(&table.name)?))
}

/// A key for the digest of a table, which with `_rows` behind it is that of its count; no other table has either.
fn key_of(table: &NamedRelation, taken: &mut BTreeSet<String>) -> String {
    let word = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() => c,
        _ => '_',
    };
    let name = format!("{}_{}", table.schema, table.name);
    let name: String = name.chars().map(word).collect();
    let mut key = name.clone();
    let mut nth = 2;
    while taken.contains(&key) || taken.contains(&format!("{key}_rows")) {
        key = format!("{name}_{nth}");
        nth += 1;
    }
    taken.extend([key.clone(), format!("{key}_rows")]);
    key
}

/// A count of each table as a fact, and a digest of each whose rows have a key. What is left out is a comment that says why.
fn proposed(learnt: &Learnt) -> (String, String) {
    let (mut facts, mut contents) = (String::new(), String::new());
    let mut keys = BTreeSet::new();
    for (nth, table) in learnt.tables.iter().enumerate() {
        let shown = visible(&format!("{}.{}", table.schema, table.name));
        let left_out = |text: &mut String, why: &str| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "# left out: {shown}: {}\n", visible(why));
        };
        if table.details.row_security {
            left_out(&mut facts, "row security decides which rows a role sees");
            continue;
        }
        if nth >= PROPOSED_MAX {
            left_out(&mut facts, "it can be read too");
            continue;
        }
        let key = key_of(table, &mut keys);
        let count = format!("{key}_rows");
        let many = format!(
            "about {} rows, which each survey would read",
            table.details.rows
        );
        match (named(table), learnt.unread.get(&count)) {
            (_, Some(why)) => left_out(&mut facts, why),
            (None, None) => left_out(
                &mut facts,
                "there is a quote in its name; count it with sql",
            ),
            (Some(_), None) if table.details.rows > COUNTED_ROWS_MAX => left_out(&mut facts, &many),
            (Some(name), None) => {
                let _ = writeln!(
                    facts,
                    "[[facts]]\nkey = \"{count}\"\nlabel = {}\ntype = \"integer\"\nlive = true\ncount = {}\n",
                    quoted(&format!("rows of {shown}")),
                    quoted(&name)
                );
            }
        }
        let unique = table.details.unique_keys.as_ref();
        let row_key = unique.and_then(|keys| keys.first());
        let (Some(columns), Some(row_key)) = (&table.details.columns, row_key) else {
            left_out(&mut contents, "it has no unique key to name its rows by");
            continue;
        };
        if let Some(why) = learnt.unread.get(&key) {
            left_out(&mut contents, why);
            continue;
        }
        let list = |names: &[String]| {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            names.join(", ")
        };
        let content = format!(
            "[[contents]]\nkey = \"{key}\"\nschema = {}\ntable = {}\ncolumns = [{}]\nrow_key = [{}]\n",
            quoted(&table.schema),
            quoted(&table.name),
            list(columns),
            list(row_key)
        );
        if table.details.rows > DIGESTED_ROWS_MAX {
            left_out(&mut contents, &many);
            contents.extend(content.lines().map(|line| format!("# {line}\n")));
            contents.push('\n');
        } else {
            contents.push_str(&content);
            contents.push('\n');
        }
    }
    (facts, contents)
}

#[cfg(test)]
mod tests {
    use super::{DIGESTED_ROWS_MAX, Learnt, PROPOSED_MAX, text};
    use crate::audit::profile_findings;
    use crate::profile;
    use crate::survey::{NamedRelation, RelationDetails};

    fn table(schema: &str, table: &str) -> NamedRelation {
        NamedRelation {
            schema: schema.to_owned(),
            name: table.to_owned(),
            details: RelationDetails {
                is_table: true,
                written: format!("{schema}.{table}"),
                partition_of: None,
                rows: -1,
                row_security: false,
                may_be_read: true,
                columns: Some(vec!["id".to_owned(), "odd \"name\"\u{7f}".to_owned()]),
                unique_keys: Some(vec![vec!["id".to_owned()]]),
            },
        }
    }

    #[test]
    fn what_is_written_is_a_profile() {
        let bare = text(None, None);
        profile::parse("bare", &bare).expect("it parses");
        // What the audit of its own run would find in it.
        assert_eq!(profile_findings(&bare), []);
        let mut tables = vec![
            table("public", "unit"),
            table("odd\nschema", "x = 1"),
            table("Odd", "Unit"),
            table("odd", "unit"),
            table("public", "quo\"ted"),
        ];
        tables.extend((0..PROPOSED_MAX).map(|nth| table("app", &format!("t{nth}"))));
        tables[5].details.rows = DIGESTED_ROWS_MAX + 1;
        tables[6].details.row_security = true;
        tables[7].details.unique_keys = None;
        let role = "reader \"of\"\u{1b}[31m\u{7f} all".to_owned();
        let why = "its column calls public.f".to_owned();
        let learnt = text(
            Some(&Learnt {
                role: role.clone(),
                tables,
                unread: [("app_t3".to_owned(), why)].into(),
                may_write: false,
                change: None,
            }),
            None,
        );
        let parsed = profile::parse("learnt", &learnt).expect("it parses");
        assert_eq!(parsed.target.expected_role, role);
        let counts: Vec<&str> = (parsed.facts.iter().take(4))
            .filter_map(|fact| fact.count.as_deref())
            .collect();
        let odd = "\"odd\nschema\".\"x = 1\"";
        assert_eq!(counts, ["public.unit", odd, "\"Odd\".\"Unit\"", "odd.unit"]);
        let keys: Vec<&str> = (parsed.contents.iter().take(4))
            .map(|content| content.key.as_str())
            .collect();
        assert_eq!(
            keys,
            ["public_unit", "odd_schema_x___1", "odd_unit", "odd_unit_2"]
        );
        for left_out in [
            "public.quo\"ted: there is a quote",
            "app.t0: about 100001 rows",
            "app.t1: row security",
            "app.t2: it has no unique key",
            "app.t3: its column calls public.f",
            "app.t399: it can be read too",
        ] {
            assert!(
                learnt.contains(&format!("# left out: {left_out}")),
                "{learnt}"
            );
        }
        assert!(!learnt.contains('\u{1b}'));
        // What is commented is TOML as well, once the comment is taken away.
        let commented = "# [[contents]]\n# key = \"app_t0\"\n# schema = \"app\"\n# table = \"t0\"\n# columns = ";
        let digests = learnt.replacen(commented, &commented.replace("# ", ""), 1);
        let digests = digests.replacen("# row_key = [\"id\"]", "row_key = [\"id\"]", 1);
        let more = profile::parse("digests", &digests).expect("it parses");
        assert_eq!(more.contents.len(), parsed.contents.len() + 1);
    }
}
