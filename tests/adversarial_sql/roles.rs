//! Every way to write that a role can be given, given and taken back. Invariant: `role_is_read_only` is true, false while it has it, and true again.

use drygate::postgres::throwaway::Cluster;
use drygate::survey::{RoleFinding, RoleSurvey};

use super::support::{READER, load, one, profile, say, survey, version_num, versions};

/// Give, take back, and the line that names it.
const WAYS: [(&str, &str, &str); 15] = [
    (
        "ALTER ROLE @ SUPERUSER",
        "ALTER ROLE @ NOSUPERUSER",
        "role attribute: SUPERUSER on role @ via @",
    ),
    (
        "ALTER ROLE @ CREATEROLE",
        "ALTER ROLE @ NOCREATEROLE",
        "role attribute: CREATEROLE on role @ via @",
    ),
    (
        "ALTER ROLE @ REPLICATION",
        "ALTER ROLE @ NOREPLICATION",
        "role attribute: REPLICATION on role @ via @",
    ),
    (
        "ALTER ROLE @ BYPASSRLS",
        "ALTER ROLE @ NOBYPASSRLS",
        "role attribute: BYPASSRLS on role @ via @",
    ),
    (
        "GRANT INSERT (id) ON public.unit_version TO @",
        "REVOKE INSERT (id) ON public.unit_version FROM @",
        "column privilege: INSERT (id) on public.unit_version via @",
    ),
    (
        "GRANT INSERT (id) ON public.unit_version TO PUBLIC",
        "REVOKE INSERT (id) ON public.unit_version FROM PUBLIC",
        "column privilege: INSERT (id) on public.unit_version via PUBLIC",
    ),
    (
        "GRANT DELETE ON public.unit_version TO @",
        "REVOKE DELETE ON public.unit_version FROM @",
        "table privilege: DELETE on public.unit_version via @",
    ),
    (
        "CREATE TABLE public.own (); ALTER TABLE public.own OWNER TO @",
        "DROP TABLE public.own",
        "ownership: OWNER on table public.own via @",
    ),
    (
        "CREATE FUNCTION public.own() RETURNS integer LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION public.own() OWNER TO @",
        "DROP FUNCTION public.own()",
        "ownership: OWNER on function public.own() via @",
    ),
    (
        "CREATE ROLE mid; CREATE ROLE far; GRANT INSERT ON public.unit_version TO far; GRANT far TO mid; GRANT mid TO @",
        "DROP OWNED BY far; DROP ROLE mid, far",
        "table privilege: INSERT on public.unit_version via far",
    ),
    (
        "GRANT CREATE ON SCHEMA public TO @",
        "REVOKE CREATE ON SCHEMA public FROM @",
        "create or temporary: CREATE on schema public via @",
    ),
    (
        "GRANT CREATE ON DATABASE kb TO @",
        "REVOKE CREATE ON DATABASE kb FROM @",
        "create or temporary: CREATE on database kb via @",
    ),
    (
        "SELECT lo_create(47); GRANT UPDATE ON LARGE OBJECT 47 TO @",
        "SELECT lo_unlink(47)",
        "large object: UPDATE on large object 47 via @",
    ),
    (
        "UPDATE pg_language SET lanpltrusted = false, lanacl = '{=U/postgres}' WHERE lanname = 'plpgsql'",
        "UPDATE pg_language SET lanpltrusted = true WHERE lanname = 'plpgsql'",
        "untrusted language: USAGE on language plpgsql via PUBLIC",
    ),
    (
        "CREATE SEQUENCE public.counter; GRANT UPDATE ON SEQUENCE public.counter TO @",
        "DROP SEQUENCE public.counter",
        "table privilege: UPDATE on sequence public.counter via @",
    ),
];

/// Ways that only newer servers know, with the version that brought them.
const SINCE: [(u32, (&str, &str, &str)); 2] = [
    (
        150_000,
        (
            "GRANT SET ON PARAMETER session_replication_role TO @",
            "REVOKE SET ON PARAMETER session_replication_role FROM @",
            "parameter privilege: SET on parameter session_replication_role via @",
        ),
    ),
    (
        170_000,
        (
            "GRANT MAINTAIN ON public.unit_version TO @",
            "REVOKE MAINTAIN ON public.unit_version FROM @",
            "table privilege: MAINTAIN on public.unit_version via @",
        ),
    ),
];

/// Predefined roles that only read. Every other one, also of servers to come, is a way to write or a warning.
const HARMLESS: [&str; 4] = [
    "pg_monitor",
    "pg_read_all_data",
    "pg_read_all_settings",
    "pg_read_all_stats",
];
const WARNED: [&str; 3] = [
    "pg_read_server_files",
    "pg_stat_scan_tables",
    "pg_use_reserved_connections",
];

fn role_survey(cluster: &Cluster) -> RoleSurvey {
    survey(cluster, profile()).0.survey.role
}

fn lines<'a>(found: impl Iterator<Item = &'a RoleFinding>) -> Vec<String> {
    found.map(RoleFinding::line).collect()
}

fn given_and_taken(cluster: &Cluster, (give, take, line): (&str, &str, &str)) {
    let named = |text: &str| text.replace('@', READER);
    load(cluster, &named(give));
    let found = role_survey(cluster);
    assert_eq!(found.is_read_only(), Some(false), "{give}");
    let ways = lines(found.ways_to_write());
    assert!(ways.contains(&named(line)), "{line} is not in {ways:?}");
    let remedies: Vec<Option<String>> = found.ways_to_write().map(RoleFinding::remedy).collect();
    for remedy in remedies.iter().flatten() {
        load(cluster, remedy);
    }
    if remedies.iter().all(Option::is_some) {
        assert_eq!(
            role_survey(cluster).is_read_only(),
            Some(true),
            "{remedies:?}"
        );
    }
    load(cluster, &named(take));
    let found = role_survey(cluster);
    assert_eq!(
        found.is_read_only(),
        Some(true),
        "{take}: {:?}",
        lines(found.ways_to_write())
    );
}

fn predefined(cluster: &Cluster) -> usize {
    let names = one(
        cluster,
        r"SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'pg\_%'",
    );
    let mut refused = 0;
    for name in names.split(',').filter(|name| *name != "pg_database_owner") {
        load(cluster, &format!("GRANT {name} TO {READER}"));
        let found = role_survey(cluster);
        let harmless = HARMLESS.contains(&name) || WARNED.contains(&name);
        assert_eq!(found.is_read_only(), Some(harmless), "{name}");
        let line = format!("predefined role: MEMBER on role {name} via {READER}");
        assert_eq!(
            lines(found.warnings()).contains(&line),
            WARNED.contains(&name),
            "{name}"
        );
        assert_eq!(
            lines(found.ways_to_write()).contains(&line),
            !harmless,
            "{name}"
        );
        refused += usize::from(!harmless);
        load(cluster, &format!("REVOKE {name} FROM {READER}"));
    }
    refused
}

#[test]
fn every_way_to_write_is_named_on_every_version_and_gone_when_it_is_taken_back() {
    for version in versions() {
        let cluster = version.cluster();
        let number = version_num(&cluster);
        let found = role_survey(&cluster);
        assert_eq!(
            found.is_read_only(),
            Some(true),
            "{:?}",
            lines(found.ways_to_write())
        );
        assert_eq!(found.unanswered, Vec::<String>::new());
        assert!(found.asked.len() >= 15, "{:?}", found.asked);
        let since = SINCE.iter().filter(|(since, _)| *since <= number);
        let ways: Vec<_> = WAYS.into_iter().chain(since.map(|(_, way)| *way)).collect();
        for way in &ways {
            given_and_taken(&cluster, *way);
        }
        let predefined = predefined(&cluster);
        say(&format!(
            "PostgreSQL {}: {} questions answered, {} ways to write named, {predefined} predefined roles refused",
            version.name,
            found.asked.len(),
            ways.len(),
        ));
    }
}

/// What PUBLIC has by default in a database of one's own, and what somebody granted.
const WARNINGS: &str = "
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE FUNCTION app.one() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.two(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2';
CREATE PROCEDURE app.three() LANGUAGE sql AS 'SELECT 3';
CREATE FUNCTION app.\"As Owner\"(text) RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 4';
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA app GRANT UPDATE ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT USAGE ON SEQUENCES TO @;
";

#[test]
fn a_warning_is_gone_after_the_statement_that_it_names() {
    for version in versions() {
        let cluster = version.cluster();
        load(&cluster, &WARNINGS.replace('@', READER));
        let found = role_survey(&cluster);
        let warned = lines(found.warnings());
        for line in [
            "function: EXECUTE of 3 functions on schema app via PUBLIC",
            "security definer: EXECUTE on app.\"As Owner\"(text) via PUBLIC",
            "default privilege: UPDATE on future objects of postgres (r) in app via PUBLIC",
        ] {
            assert!(
                warned.iter().any(|warned| warned == line),
                "{line}: {warned:?}"
            );
        }
        let remedies: Vec<String> = found.warnings().filter_map(RoleFinding::remedy).collect();
        for remedy in &remedies {
            load(&cluster, remedy);
        }
        let left = role_survey(&cluster);
        let unmended: Vec<&RoleFinding> = left
            .warnings()
            .filter(|left| left.remedy().is_some())
            .collect();
        assert!(unmended.is_empty(), "{unmended:?}");
        say(&format!(
            "PostgreSQL {}: {} warnings mended",
            version.name,
            remedies.len()
        ));
    }
}
