//! The SQL that makes a role as drygate wants it: it may read what a profile asks about, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::public_holders::PublicHolders;
use crate::profile::Profile;
use crate::runner::target::QueryRuling;
use crate::survey::{DatabaseNames, RelationDetails, RoleFinding, Survey, quoted_identifier};

/// The script for whoever owns the database, from one survey of it. The server has parsed the queries, so it has named the
/// relations that they read, even those that the role may not read yet.
pub fn role_setup(
    profile: &Profile,
    survey: &Survey,
    rulings: &[QueryRuling],
    (names, holders): (&Result<DatabaseNames, String>, &PublicHolders),
) -> String {
    let role = &profile.target.expected_role;
    let server = &survey.server;
    let (database, name) = (quoted_identifier(&server.database), quoted_identifier(role));
    let literal = role.replace('\'', "''");
    let mut sql = format!(
        "-- A role that may read what profile {} asks about, and nothing else. PostgreSQL {}, database {database}.
-- Run it as the owner of these objects, after reading it. The way to log in (password, certificate) is left to you.
DO $do$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{literal}') THEN
    CREATE ROLE {name} LOGIN;
  END IF;
END $do$;
ALTER ROLE {name} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE {name} SET default_transaction_read_only = on;
GRANT CONNECT ON DATABASE {database} TO {name};
",
        profile.name, server.version
    );
    let relations: BTreeSet<&str> = rulings
        .iter()
        .flat_map(|ruling| &ruling.relations)
        .map(String::as_str)
        // The catalogue is open to every role.
        .filter(|relation| !relation.starts_with("pg_catalog."))
        .collect();
    let schemas: BTreeSet<&str> = relations.iter().map(|name| schema(name)).collect();
    for schema in &schemas {
        let _ = writeln!(sql, "GRANT USAGE ON SCHEMA {schema} TO {name};");
    }
    for relation in &relations {
        let _ = writeln!(sql, "GRANT SELECT ON {relation} TO {name};");
    }
    match names {
        Ok(names) => for_dump(&mut sql, profile, names, &relations),
        Err(why) => {
            let why = why.replace('\n', " ");
            let _ = writeln!(
                sql,
                "-- NOT CHECKED: what a rehearsal needs beyond that ({why})."
            );
        }
    }
    sql.push_str("-- A rehearsed change takes its next numbers from where the sequences are.\n");
    for schema in schemas {
        let _ = writeln!(
            sql,
            "GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {name};"
        );
    }
    let is_this_role = survey.role.role == *role;
    let found = survey
        .role
        .findings
        .iter()
        .filter(|finding| !finding.allowed);
    let (public, own): (Vec<_>, Vec<_>) = found.partition(|finding| finding.via == "PUBLIC");
    from_public(&mut sql, &public, holders, role);
    if is_this_role {
        statements(&mut sql, "What this role may do beyond reading.", &own);
    } else {
        let _ = writeln!(
            sql,
            "\n-- NOT CHECKED: what {name} itself may do beyond reading, because this was asked as {}.",
            quoted_identifier(&survey.role.role)
        );
    }
    for query in rulings {
        if let Some(refused) = &query.refused {
            let refused = refused.replace('\n', " ");
            let _ = writeln!(
                sql,
                "-- {} is refused, so what it reads is not granted: {refused}",
                query.query
            );
        }
    }
    sql
}

/// `pg_dump` locks each table that it dumps, and that takes SELECT: on partitions of what is asked, whose rows the role may read
/// anyway, and on tables that nothing else asks about. These are comments in a profile without a change.
fn for_dump(sql: &mut String, profile: &Profile, names: &DatabaseNames, asked: &BTreeSet<&str>) {
    let name = quoted_identifier(&profile.target.expected_role);
    let (mut schemas, mut partitions, mut others) = (BTreeSet::new(), Vec::new(), Vec::new());
    let details = names.relations.iter().map(|relation| &relation.details);
    let tables = details.filter(|details| details.unique_keys.is_some());
    for RelationDetails {
        written,
        partition_of,
        ..
    } in tables
    {
        let whole = partition_of.as_ref().unwrap_or(written);
        let grant = format!("GRANT SELECT ON {written} TO {name};\n");
        match (asked.contains(whole.as_str()), whole == written) {
            (true, true) => continue,
            (true, false) => partitions.push(grant),
            (false, _) => others.push(grant),
        }
        let of_schema = schema(written);
        if !asked.iter().any(|asked| schema(asked) == of_schema) {
            schemas.insert(format!("GRANT USAGE ON SCHEMA {of_schema} TO {name};\n"));
        }
    }
    if partitions.len() + others.len() > 0 {
        sql.push_str("-- A rehearsal of a change dumps the schema: pg_dump locks each table, which takes SELECT.\n");
    }
    sql.extend(partitions);
    let comment = if profile.change.is_some() { "" } else { "-- " };
    sql.extend(
        schemas
            .into_iter()
            .chain(others)
            .map(|line| format!("{comment}{line}")),
    );
}

/// The schema of a qualified name as PostgreSQL quotes it.
fn schema(relation: &str) -> &str {
    let mut quoted = false;
    let end = relation.find(|c| {
        quoted ^= c == '"';
        c == '.' && !quoted
    });
    end.map_or(relation, |end| &relation[..end])
}

/// What is taken from PUBLIC, each statement behind the grants that keep it for the roles that would lose it. Where those are
/// not known the statement is only a comment.
fn from_public(
    sql: &mut String,
    findings: &[&RoleFinding],
    holders: &PublicHolders,
    expected: &str,
) {
    let mut taken: BTreeMap<String, Result<BTreeSet<&str>, &str>> = BTreeMap::new();
    for finding in findings {
        if let Some(remedy) = finding.remedy() {
            let roles = would_lose(finding, holders, expected);
            let known = taken.entry(remedy).or_insert_with(|| Ok(BTreeSet::new()));
            match (known, roles) {
                (Ok(known), Ok(roles)) => known.extend(roles),
                (known, Err(why)) => *known = Err(why),
                (Err(_), Ok(_)) => {}
            }
        }
    }
    if !taken.is_empty() {
        let _ = writeln!(sql, "\n-- What PUBLIC may do here, this role may do.");
    }
    for (revoke, roles) in &taken {
        match roles {
            Err(why) => {
                let why = why.replace('\n', " ");
                let _ = writeln!(sql, "-- NOT CHECKED: who else would lose it ({why}).");
                let _ = writeln!(sql, "-- {revoke};");
                continue;
            }
            Ok(roles) if roles.is_empty() => {
                let _ = writeln!(sql, "-- No other role has it through PUBLIC alone.");
            }
            Ok(roles) => {
                let named: Vec<String> = roles.iter().map(|role| quoted_identifier(role)).collect();
                let named = named.join(", ");
                let _ = writeln!(
                    sql,
                    "-- Through PUBLIC alone have it: {named}. Leave out whoever shall lose it."
                );
                let granted = revoke.replacen("REVOKE", "GRANT", 1);
                let granted = granted.trim_end_matches(" FROM PUBLIC");
                let _ = writeln!(sql, "{granted} TO {named};");
            }
        }
        let _ = writeln!(sql, "{revoke};");
    }
}

/// The roles that would lose what a finding says of PUBLIC; `Err`: why they are not known.
fn would_lose<'a>(
    finding: &RoleFinding,
    holders: &'a PublicHolders,
    expected: &str,
) -> Result<Vec<&'a str>, &'a str> {
    let holders = holders.as_ref().map_err(String::as_str)?;
    let is_read = match finding.kind.as_str() {
        "table privilege" | "column privilege" | "function" => true,
        "create or temporary" => !finding.object.starts_with("tablespace "),
        _ => false,
    };
    if !is_read {
        return Err("not asked for this kind of object");
    }
    // The functions of a schema are found together: `EXECUTE of 3 functions`.
    let privilege = finding.privilege.as_str();
    let privilege = privilege.split_once(" of ").map_or(privilege, |(it, _)| it);
    let of_it = holders.iter().filter(|holder| {
        holder.object == finding.object && holder.privilege == privilege && holder.role != expected
    });
    Ok(of_it.map(|holder| holder.role.as_str()).collect())
}

fn statements(sql: &mut String, title: &str, findings: &[&RoleFinding]) {
    let remedies: BTreeSet<String> = findings.iter().filter_map(|f| f.remedy()).collect();
    if remedies.is_empty() {
        return;
    }
    let _ = writeln!(sql, "\n-- {title}");
    for remedy in remedies {
        let _ = writeln!(sql, "{remedy};");
    }
}

#[cfg(test)]
mod tests {
    use super::schema;

    #[test]
    fn the_schema_ends_at_the_first_point_outside_quotes() {
        assert_eq!(schema("public.t"), "public");
        assert_eq!(schema("\"a.b\".t"), "\"a.b\"");
        assert_eq!(schema("\"a\"\".b\".\"c.d\""), "\"a\"\".b\"");
    }
}
