//! Changes that another session makes to what is around the rows, and what each of them must be.

/// What a change must be.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// It voids an approval by this fact.
    Voids(&'static str),
    /// It is listed beside by this fact, and nothing voids.
    Beside(&'static str),
    /// Nothing that is read differs.
    Nothing,
}

/// One change.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// What the other session does.
    pub sql: &'static str,
    /// What it must be.
    pub expected: Expected,
    /// Stands in the rows of before; empty: not looked for.
    pub before: &'static str,
    /// Stands in the rows of after.
    pub after: &'static str,
    /// The first version that knows it, as `server_version_num`.
    pub since: u32,
}

const fn change(
    sql: &'static str,
    expected: Expected,
    before: &'static str,
    after: &'static str,
) -> Change {
    Change {
        sql,
        expected,
        before,
        after,
        since: 0,
    }
}

const fn since(since: u32, change: Change) -> Change {
    Change { since, ..change }
}

/// What is there before the first survey, beside the scenario.
pub const BASE: &str = r#"
CREATE ROLE app_writer; CREATE ROLE app LOGIN; CREATE ROLE ops LOGIN; CREATE ROLE stranger; CREATE ROLE team;
CREATE SCHEMA app;
CREATE TYPE public.mood AS ENUM ('good', 'bad');
CREATE DOMAIN public.note AS text CHECK (VALUE <> '');
CREATE SEQUENCE public.happening_seq;
CREATE TABLE public.happening (at date NOT NULL, what public.note, mood public.mood, n bigint DEFAULT nextval('public.happening_seq'))
  PARTITION BY RANGE (at);
CREATE TABLE public.happening_2025 PARTITION OF public.happening FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO public.happening VALUES ('2025-03-03', 'one', 'good');
CREATE TABLE public.happening_2027 (LIKE public.happening INCLUDING ALL);
INSERT INTO public.happening_2027 VALUES ('2027-03-03', 'three', 'bad');
ALTER TABLE public.happening OWNER TO kb_owner; ALTER TABLE public.happening_2025 OWNER TO kb_owner; ALTER TABLE public.happening_2027 OWNER TO kb_owner;
GRANT SELECT ON public.happening, public.happening_2025, public.happening_2027 TO context_pack_readonly;
CREATE TABLE public.trail (line text); ALTER TABLE public.trail OWNER TO kb_owner;
CREATE TABLE public.unrelated (line text); ALTER TABLE public.unrelated OWNER TO kb_owner;
CREATE FUNCTION public.deep(text) RETURNS text LANGUAGE sql AS 'SELECT $1 || 1::text';
CREATE FUNCTION public.helper(line text) RETURNS void LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.trail VALUES (public."deep"(line)); END$$;
CREATE FUNCTION public.fn_calls() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM public . HELPER /* no paren here */ ('x'); EXECUTE 'SELECT 1'; END$$;
CREATE FUNCTION public.meets(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT $1 = $2';
CREATE OPERATOR public.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = public.meets);
CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM public.stamped(), NEW.id OPERATOR(public.===) 'x'; RETURN NEW; END$$;
CREATE FUNCTION public.stamped() RETURNS void LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION public.apart() RETURNS void LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION public.apart_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
ALTER FUNCTION public.fn_calls() OWNER TO kb_owner;
"#;

use Expected::{Beside, Nothing, Voids};

const TABLE: Expected = Voids("definition.unit_version");
const PARTS: Expected = Voids("definition.happenings");
const CODE: Expected = Voids("called.code");
const HELD: Expected = Voids("privileges.held");
const NAMES: Expected = Voids("names.resolved");
const OTHERS: Expected = Beside("objects.beside");
const MATRIX: Expected = Beside("grant_matrix_sha");

/// The changes, one after the other on one server.
pub const CHANGES: &[Change] = &[
    // The definition of a protected table.
    change(
        "CREATE RULE nothing AS ON UPDATE TO public.unit_version DO INSTEAD NOTHING",
        TABLE,
        "",
        "DO INSTEAD NOTHING",
    ),
    change(
        "ALTER TABLE public.unit_version DISABLE RULE nothing",
        TABLE,
        "on: CREATE RULE",
        "disabled: CREATE RULE",
    ),
    change(
        "DROP RULE nothing ON public.unit_version",
        TABLE,
        "rule nothing",
        "",
    ),
    change(
        "CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON public.unit_version FOR EACH ROW EXECUTE FUNCTION public.stamp()",
        TABLE,
        "",
        "trigger stamp",
    ),
    change(
        "ALTER TABLE public.unit_version DISABLE TRIGGER stamp",
        TABLE,
        "fires: ",
        "disabled: ",
    ),
    change(
        "ALTER TABLE public.unit_version ENABLE REPLICA TRIGGER stamp",
        TABLE,
        "disabled: ",
        "fires on a replica only",
    ),
    change(
        "ALTER TABLE public.unit_version DISABLE TRIGGER ALL",
        TABLE,
        "RI_FKey_check_ins\tfires",
        "RI_FKey_check_ins\tdisabled",
    ),
    change(
        "ALTER TABLE public.unit_version ENABLE TRIGGER ALL",
        TABLE,
        "disabled",
        "fires",
    ),
    change(
        "ALTER TABLE public.unit_version ALTER content SET DEFAULT 'a'",
        TABLE,
        "text NOT NULL STORAGE",
        "DEFAULT 'a'::text",
    ),
    change(
        "ALTER TABLE public.unit_version ALTER content SET DEFAULT 'b'",
        TABLE,
        "DEFAULT 'a'",
        "DEFAULT 'b'",
    ),
    change(
        "ALTER TABLE public.unit_version ADD extra integer",
        TABLE,
        "enacted_at",
        "column extra\tinteger",
    ),
    change(
        "ALTER TABLE public.unit_version RENAME extra TO more",
        TABLE,
        "column extra",
        "column more",
    ),
    change(
        "ALTER TABLE public.unit_version ALTER more TYPE varchar(9)",
        TABLE,
        "integer",
        "character varying(9)",
    ),
    change(
        "ALTER TABLE public.unit_version ALTER more TYPE varchar(12)",
        TABLE,
        "(9)",
        "(12)",
    ),
    change(
        "ALTER TABLE public.unit_version ALTER more SET STORAGE external",
        TABLE,
        "STORAGE extended",
        "STORAGE external",
    ),
    since(
        140_000,
        change(
            "ALTER TABLE public.unit_version ALTER more SET COMPRESSION pglz",
            TABLE,
            "",
            "COMPRESSION pglz",
        ),
    ),
    change(
        "ALTER TABLE public.unit_version ALTER more TYPE varchar(12) COLLATE \"C\"",
        TABLE,
        "",
        "COLLATE pg_catalog.\"C\"",
    ),
    change(
        "UPDATE public.unit_version SET more = 'x'; ALTER TABLE public.unit_version ALTER more SET NOT NULL",
        TABLE,
        "",
        "NOT NULL",
    ),
    change(
        "ALTER TABLE public.unit_version ALTER more DROP NOT NULL",
        TABLE,
        "NOT NULL",
        "",
    ),
    change(
        "ALTER TABLE public.unit_version DROP more",
        TABLE,
        "column more",
        "",
    ),
    change(
        "ALTER TABLE public.unit_version ADD made text GENERATED ALWAYS AS (upper(content)) STORED",
        TABLE,
        "",
        "GENERATED ALWAYS AS (upper(content)) STORED",
    ),
    change(
        "ALTER TABLE public.unit_version DROP made",
        TABLE,
        "STORED",
        "",
    ),
    change(
        "ALTER TABLE public.unit_version ADD CONSTRAINT longer CHECK (length(content) > 0) NOT VALID",
        TABLE,
        "",
        "NOT VALID",
    ),
    change(
        "ALTER TABLE public.unit_version VALIDATE CONSTRAINT longer",
        TABLE,
        "not validated",
        "constraint longer",
    ),
    change(
        "CREATE INDEX by_time ON public.unit_version (created_at)",
        TABLE,
        "",
        "CREATE INDEX by_time",
    ),
    change(
        "DROP INDEX public.by_time; CREATE UNIQUE INDEX by_time ON public.unit_version (id, created_at)",
        TABLE,
        "CREATE INDEX by_time",
        "CREATE UNIQUE INDEX by_time",
    ),
    change(
        "ALTER TABLE public.unit_version REPLICA IDENTITY FULL",
        TABLE,
        "default",
        "full",
    ),
    change(
        "ALTER TABLE public.unit_version REPLICA IDENTITY USING INDEX by_time",
        TABLE,
        "full",
        ", replica identity",
    ),
    change(
        "ALTER TABLE public.unit_version SET (fillfactor = 50)",
        TABLE,
        "",
        "fillfactor=50",
    ),
    change(
        "CREATE POLICY own ON public.unit_version FOR UPDATE TO app_writer USING (is_current)",
        TABLE,
        "",
        "permissive for UPDATE to app_writer using (is_current)",
    ),
    change(
        "ALTER POLICY own ON public.unit_version USING (NOT is_current)",
        TABLE,
        "using (is_current)",
        "NOT is_current",
    ),
    change(
        "ALTER TABLE public.unit_version ENABLE ROW LEVEL SECURITY",
        TABLE,
        "off",
        "on",
    ),
    change(
        "ALTER TABLE public.unit_version FORCE ROW LEVEL SECURITY",
        TABLE,
        "on",
        "on, forced",
    ),
    change(
        "ALTER TABLE public.unit_version DISABLE ROW LEVEL SECURITY; ALTER TABLE public.unit_version NO FORCE ROW LEVEL SECURITY",
        TABLE,
        "on, forced",
        "off",
    ),
    change(
        "ALTER TABLE public.unit_version OWNER TO app_writer",
        TABLE,
        "kb_owner",
        "app_writer",
    ),
    change(
        "ALTER TABLE public.unit_version OWNER TO kb_owner",
        HELD,
        "app_writer",
        "kb_owner",
    ),
    change(
        "ALTER TABLE public.unit_version ALTER CONSTRAINT unit_version_unit_id_fkey DEFERRABLE INITIALLY DEFERRED",
        TABLE,
        "REFERENCES",
        "DEFERRABLE INITIALLY DEFERRED",
    ),
    change(
        "CREATE TABLE public.remark (unit_version_id text COLLATE \"C\" REFERENCES public.unit_version (id) ON DELETE CASCADE)",
        TABLE,
        "",
        "referenced by public.remark",
    ),
    change(
        "CREATE TRIGGER on_remark BEFORE DELETE ON public.remark FOR EACH ROW EXECUTE FUNCTION public.apart_trigger()",
        CODE,
        "",
        "on_remark on public.remark",
    ),
    change(
        "ALTER TABLE public.lifecycle_log SET UNLOGGED",
        Voids("definition.lifecycle_log"),
        "kind\ttable",
        "kind\ttable, unlogged",
    ),
    change(
        "CREATE PUBLICATION a_part FOR TABLE public.unit_version WITH (publish = 'insert')",
        TABLE,
        "",
        "publication a_part\tof public.unit_version: insert",
    ),
    change(
        "ALTER PUBLICATION a_part SET (publish = 'insert, update')",
        TABLE,
        "",
        "insert update",
    ),
    change(
        "CREATE PUBLICATION everything FOR ALL TABLES",
        TABLE,
        "",
        "of all tables",
    ),
    since(
        150_000,
        change(
            "CREATE PUBLICATION schema_wide FOR TABLES IN SCHEMA public",
            TABLE,
            "",
            "of schema public",
        ),
    ),
    since(
        150_000,
        change(
            "ALTER PUBLICATION a_part SET TABLE public.unit_version WHERE (is_current)",
            TABLE,
            "",
            "where is_current",
        ),
    ),
    // Partitions, types, sequences.
    change(
        "CREATE TABLE public.happening_2026 PARTITION OF public.happening FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        Beside("definition.happenings"),
        "",
        "[public.happening_2026] partition of public.happening",
    ),
    change(
        "CREATE TABLE public.happening_2028 PARTITION OF public.happening FOR VALUES FROM ('2028-01-01') TO ('2029-01-01'); GRANT SELECT ON public.happening_2028 TO stranger",
        Beside("grant_matrix_sha"),
        "",
        "public.happening_2028",
    ),
    change(
        "GRANT INSERT ON public.happening_2026 TO app_writer",
        PARTS,
        "",
        "app_writer=a/",
    ),
    change(
        "CREATE TRIGGER apart BEFORE INSERT ON public.happening_2026 FOR EACH ROW EXECUTE FUNCTION public.apart_trigger()",
        PARTS,
        "",
        "[public.happening_2026] trigger apart",
    ),
    change(
        "GRANT SELECT ON public.happening_2026 TO context_pack_readonly; INSERT INTO public.happening VALUES ('2026-03-03', 'two', 'bad')",
        Voids("happenings"),
        "",
        "two",
    ),
    change(
        "ALTER TABLE public.happening ATTACH PARTITION public.happening_2027 FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
        PARTS,
        "",
        "[public.happening_2027]",
    ),
    change(
        "ALTER TABLE public.happening DETACH PARTITION public.happening_2028",
        PARTS,
        "[public.happening_2028]",
        "",
    ),
    change(
        "ALTER TYPE public.mood ADD VALUE 'fair'",
        PARTS,
        "'good', 'bad'",
        "'fair'",
    ),
    change(
        "ALTER DOMAIN public.note ADD CONSTRAINT short CHECK (length(VALUE) < 99)",
        PARTS,
        "",
        "length(",
    ),
    change(
        "ALTER SEQUENCE public.happening_seq INCREMENT 7",
        PARTS,
        "by 1",
        "by 7",
    ),
    // What pinned functions and triggers call.
    change(
        "CREATE OR REPLACE FUNCTION public.stamped() RETURNS void LANGUAGE sql AS 'SELECT 2'",
        CODE,
        "SELECT 1",
        "SELECT 2",
    ),
    change(
        "CREATE OR REPLACE FUNCTION public.helper(line text) RETURNS void LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.trail VALUES (public.\"deep\"(line) || '!'); END$$",
        CODE,
        "(line));",
        "|| '!'",
    ),
    change(
        "CREATE OR REPLACE FUNCTION public.deep(text) RETURNS text LANGUAGE sql AS 'SELECT $1 || 2::text'",
        CODE,
        "1::text",
        "2::text",
    ),
    change(
        "CREATE OR REPLACE FUNCTION public.meets(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT $1 <> $2'",
        CODE,
        "$1 = $2",
        "$1 <> $2",
    ),
    change(
        "ALTER FUNCTION public.deep(text) SECURITY DEFINER",
        CODE,
        "",
        "SECURITY DEFINER",
    ),
    change(
        "ALTER FUNCTION public.deep(text) SET search_path = app",
        CODE,
        "",
        "SET search_path TO 'app'",
    ),
    change(
        "ALTER FUNCTION public.deep(text) IMMUTABLE",
        CODE,
        "",
        "IMMUTABLE",
    ),
    change(
        "ALTER FUNCTION public.deep(text) OWNER TO app_writer",
        CODE,
        "of postgres",
        "of app_writer",
    ),
    change(
        "GRANT EXECUTE ON FUNCTION public.deep(text) TO stranger",
        CODE,
        "",
        "stranger=X/app_writer",
    ),
    change(
        "CREATE FUNCTION app.deep(varchar) RETURNS text LANGUAGE sql AS 'SELECT $1::text'",
        CODE,
        "",
        "app.deep(character varying)",
    ),
    change(
        "CREATE FUNCTION app.btrim(varchar) RETURNS text LANGUAGE sql AS 'SELECT $1::text'",
        CODE,
        "",
        "app.btrim(character varying)",
    ),
    change(
        "CREATE TRIGGER trails BEFORE INSERT ON public.trail FOR EACH ROW EXECUTE FUNCTION public.apart_trigger()",
        CODE,
        "",
        "trails on public.trail",
    ),
    change(
        "ALTER TABLE public.trail DISABLE TRIGGER trails",
        CODE,
        "fires: ",
        "disabled: ",
    ),
    change(
        "CREATE RULE off AS ON INSERT TO public.trail DO INSTEAD NOTHING",
        CODE,
        "",
        "off on public.trail",
    ),
    change(
        "CREATE FUNCTION public.ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER ddl ON ddl_command_end EXECUTE FUNCTION public.ddl()",
        CODE,
        "",
        "event trigger ddl",
    ),
    change(
        "CREATE OR REPLACE FUNCTION public.fn_calls() RETURNS void LANGUAGE plpgsql AS 'BEGIN END'",
        Voids("fn_calls_md5"),
        "HELPER",
        "BEGIN END",
    ),
    // Privileges, however they come to be held.
    change(
        "GRANT UPDATE ON public.unit_version TO app_writer",
        HELD,
        "",
        "table public.unit_version app_writer UPDATE",
    ),
    change(
        "GRANT DELETE ON public.unit_version TO app_writer",
        Voids("grant_matrix_sha"),
        "",
        "app_writer DELETE",
    ),
    change(
        "GRANT UPDATE (content) ON public.unit_version TO app",
        HELD,
        "",
        "column public.unit_version.content app UPDATE",
    ),
    change(
        "GRANT app_writer TO ops",
        HELD,
        "",
        "who: ops is member of app_writer",
    ),
    change(
        "GRANT ops TO team",
        HELD,
        "",
        "may act as app_writer through ops",
    ),
    change(
        "GRANT app_writer TO ops WITH ADMIN OPTION",
        HELD,
        "",
        "admin",
    ),
    change(
        "REVOKE app_writer FROM ops",
        HELD,
        "who: ops is member of app_writer",
        "",
    ),
    since(
        160_000,
        change(
            "GRANT app_writer TO ops WITH INHERIT FALSE, SET FALSE",
            HELD,
            "",
            "not inherited, no SET ROLE",
        ),
    ),
    since(
        160_000,
        change("REVOKE app_writer FROM ops", HELD, "not inherited", ""),
    ),
    change("ALTER ROLE app_writer LOGIN", HELD, "", "login"),
    change(
        "ALTER ROLE stranger SUPERUSER",
        HELD,
        "",
        "who: stranger\tsuperuser",
    ),
    change("ALTER ROLE stranger NOSUPERUSER", HELD, "superuser", ""),
    change(
        "GRANT CREATE ON DATABASE kb TO stranger",
        HELD,
        "",
        "database stranger CREATE",
    ),
    change(
        "GRANT CREATE ON SCHEMA public TO stranger",
        HELD,
        "",
        "schema public stranger CREATE",
    ),
    change(
        "REVOKE ALL ON DATABASE kb FROM stranger; REVOKE ALL ON SCHEMA public FROM stranger",
        HELD,
        "stranger",
        "",
    ),
    change(
        "GRANT EXECUTE ON FUNCTION public.fn_iu_enact(text, text) TO app",
        HELD,
        "",
        "function public.fn_iu_enact(text,text) app EXECUTE",
    ),
    change(
        "ALTER FUNCTION public.fn_calls() OWNER TO app",
        HELD,
        "kb_owner",
        "app",
    ),
    change(
        "GRANT pg_write_server_files TO team",
        HELD,
        "",
        "who: team is member of pg_write_server_files",
    ),
    change(
        "ALTER DATABASE kb OWNER TO app",
        HELD,
        "database OWNER\tkb_owner",
        "database OWNER\tapp",
    ),
    change("ALTER ROLE app_writer BYPASSRLS", HELD, "", "bypassrls"),
    change(
        "GRANT SELECT ON public.unit_version TO PUBLIC",
        HELD,
        "",
        "PUBLIC SELECT",
    ),
    // How names resolve.
    change(
        "ALTER ROLE app SET search_path = app, public",
        NAMES,
        "",
        "setting search_path of role app\tapp, public",
    ),
    change(
        "ALTER ROLE app SET search_path = public",
        NAMES,
        "app, public",
        "\tpublic",
    ),
    change(
        "ALTER ROLE app IN DATABASE kb SET search_path = app",
        NAMES,
        "",
        "of role app in this database",
    ),
    change(
        "ALTER DATABASE kb SET search_path = app",
        NAMES,
        "",
        "setting search_path in this database",
    ),
    change(
        "ALTER ROLE ALL SET search_path = app",
        NAMES,
        "",
        "setting search_path of all roles",
    ),
    change(
        "ALTER ROLE app SET session_replication_role = replica",
        NAMES,
        "",
        "replica",
    ),
    change(
        "ALTER ROLE app SET app.tenant = 'a'",
        NAMES,
        "",
        "setting app.tenant of role app\tSHA-256 ",
    ),
    change(
        "CREATE TABLE app.unit_version (id text)",
        NAMES,
        "",
        "app.unit_version",
    ),
    change(
        "CREATE FUNCTION app.fn_iu_enact(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
        NAMES,
        "",
        "app.fn_iu_enact(text,text)",
    ),
    change(
        "CREATE FUNCTION app.same(text, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR app.= (LEFTARG = text, RIGHTARG = varchar, FUNCTION = app.same)",
        NAMES,
        "",
        "app.=(text,character varying)",
    ),
    change(
        "CREATE FUNCTION app.to_mood(text) RETURNS public.mood LANGUAGE sql AS $$SELECT 'good'::public.mood$$; CREATE CAST (text AS public.mood) WITH FUNCTION app.to_mood(text) AS IMPLICIT",
        NAMES,
        "",
        "cast from text to public.mood\timplicit",
    ),
    change("DROP CAST (text AS public.mood)", NAMES, "implicit", ""),
    // Beside.
    change(
        "ALTER ROLE context_pack_readonly SET search_path = app",
        OTHERS,
        "",
        "setting search_path of role context_pack_readonly\tapp",
    ),
    change(
        "ALTER ROLE app SET work_mem = '8MB'",
        OTHERS,
        "",
        "setting work_mem of role app",
    ),
    change("CREATE ROLE newcomer", OTHERS, "", "who: newcomer"),
    change(
        "ALTER ROLE newcomer LOGIN CREATEDB BYPASSRLS",
        OTHERS,
        "",
        "bypassrls, login, createdb",
    ),
    change(
        "CREATE ROLE crowd; GRANT crowd TO newcomer",
        OTHERS,
        "",
        "who: newcomer is member of crowd",
    ),
    change(
        "CREATE TABLE public.heap (line text)",
        MATRIX,
        "",
        "public.heap",
    ),
    change(
        "GRANT UPDATE ON public.unrelated TO newcomer",
        MATRIX,
        "",
        "public.unrelated newcomer UPDATE",
    ),
    change(
        "GRANT EXECUTE ON FUNCTION public.apart() TO newcomer",
        MATRIX,
        "",
        "public.apart() newcomer EXECUTE",
    ),
    change(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO newcomer",
        OTHERS,
        "",
        "default privileges for postgres on tables in public",
    ),
    change("CREATE SCHEMA elsewhere", OTHERS, "", "schema elsewhere"),
    change(
        "CREATE PUBLICATION apart FOR TABLE public.unrelated",
        OTHERS,
        "",
        "publication apart",
    ),
    change(
        "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere",
        OTHERS,
        "",
        "foreign server far",
    ),
    // Not read, and named in report 10.
    change(
        "CREATE OR REPLACE FUNCTION public.apart() RETURNS void LANGUAGE sql AS 'SELECT 2'",
        Nothing,
        "",
        "",
    ),
    change(
        "COMMENT ON TABLE public.unit_version IS 'a comment'",
        Nothing,
        "",
        "",
    ),
    change(
        "ALTER TABLE public.unit_version ALTER content SET STATISTICS 500",
        Nothing,
        "",
        "",
    ),
    change("ANALYZE public.unit_version", Nothing, "", ""),
    change("REINDEX TABLE public.unit_version", Nothing, "", ""),
];

/// What is there before the changes of rarer kinds, beside `BASE`.
pub const RARER_BASE: &str = r"
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON public.unit_version FOR EACH ROW EXECUTE FUNCTION public.stamp();
CREATE INDEX by_time ON public.unit_version (created_at);
ALTER TABLE public.unit_version ADD CONSTRAINT longer CHECK (length(content) > 0);
CREATE FUNCTION public.ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER ddl ON ddl_command_end EXECUTE FUNCTION public.ddl();
CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere OPTIONS (host 'one');
CREATE TEXT SEARCH CONFIGURATION public.words (COPY = pg_catalog.simple);
";

/// Changes of rarer kinds, one after the other on one server.
pub const RARER: &[Change] = &[
    change(
        "COMMENT ON COLUMN public.unit_version.content IS 'a comment'",
        Nothing,
        "",
        "",
    ),
    change(
        "ALTER TABLE public.unit_version ALTER content SET (n_distinct = 5)",
        TABLE,
        "",
        "OPTIONS n_distinct=5",
    ),
    change(
        "ALTER INDEX public.by_time SET (fillfactor = 60)",
        TABLE,
        "by_time",
        "fillfactor='60'",
    ),
    change(
        "ALTER TABLE public.unit_version CLUSTER ON by_time",
        TABLE,
        "",
        ", clustered on",
    ),
    change(
        "ALTER INDEX public.by_time RENAME TO by_birth",
        TABLE,
        "index by_time",
        "index by_birth",
    ),
    // Triggers fire in the order of their names.
    change(
        "ALTER TRIGGER stamp ON public.unit_version RENAME TO a_stamp",
        TABLE,
        "trigger stamp",
        "trigger a_stamp",
    ),
    change(
        "ALTER TABLE public.unit_version RENAME CONSTRAINT longer TO long_enough",
        TABLE,
        "constraint longer",
        "constraint long_enough",
    ),
    change(
        "ALTER TABLE public.unit_version SET (autovacuum_enabled = false)",
        TABLE,
        "",
        "autovacuum_enabled=false",
    ),
    change(
        "ALTER TYPE public.mood RENAME VALUE 'bad' TO 'poor'",
        PARTS,
        "'bad'",
        "'poor'",
    ),
    change(
        "ALTER DOMAIN public.note ADD CONSTRAINT short CHECK (length(VALUE) < 99) NOT VALID",
        PARTS,
        "",
        "NOT VALID",
    ),
    change(
        "ALTER DOMAIN public.note VALIDATE CONSTRAINT short",
        PARTS,
        "NOT VALID",
        "short CHECK",
    ),
    change(
        "ALTER DOMAIN public.note SET DEFAULT 'none'",
        PARTS,
        "",
        "DEFAULT 'none'::text",
    ),
    change(
        "ALTER SEQUENCE public.happening_seq CYCLE",
        PARTS,
        "cache 1",
        "cycles",
    ),
    change(
        "ALTER SEQUENCE public.happening_seq OWNER TO kb_owner; ALTER SEQUENCE public.happening_seq OWNED BY public.happening.n",
        PARTS,
        "",
        ", owned",
    ),
    change(
        "ALTER TABLE ONLY public.happening ALTER n DROP DEFAULT",
        PARTS,
        "nextval",
        "",
    ),
    change(
        "ALTER FUNCTION public.deep(text) COST 500",
        CODE,
        "",
        "COST 500",
    ),
    change(
        "ALTER FUNCTION public.deep(text) STRICT",
        CODE,
        "",
        "STRICT",
    ),
    change(
        "ALTER FUNCTION public.deep(text) PARALLEL SAFE",
        CODE,
        "",
        "PARALLEL SAFE",
    ),
    change("ALTER EVENT TRIGGER ddl DISABLE", CODE, "fires", "disabled"),
    change(
        "ALTER EVENT TRIGGER ddl ENABLE ALWAYS",
        CODE,
        "disabled",
        "always",
    ),
    change(
        "CREATE OR REPLACE FUNCTION public.ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'",
        CODE,
        "BEGIN END",
        "BEGIN NULL; END",
    ),
    change(
        "CREATE VIEW app.trail AS SELECT 'x'::text AS line",
        CODE,
        "",
        "app.trail",
    ),
    change(
        "ALTER DATABASE kb SET default_transaction_isolation = 'serializable'",
        NAMES,
        "",
        "setting default_transaction_isolation in this database\tserializable",
    ),
    change(
        "ALTER DATABASE kb SET work_mem = '9MB'",
        OTHERS,
        "",
        "setting work_mem in this database",
    ),
    change("ALTER DATABASE kb RESET ALL", NAMES, "serializable", ""),
    change(
        "CREATE CAST (public.mood AS text) WITH INOUT AS ASSIGNMENT",
        NAMES,
        "",
        "cast from public.mood to text\tin assignments",
    ),
    change(
        "CREATE OPERATOR CLASS public.other_text FOR TYPE text USING btree AS OPERATOR 1 <, FUNCTION 1 bttextcmp(text, text)",
        OTHERS,
        "",
        "operator class public.other_text",
    ),
    change(
        "ALTER TEXT SEARCH CONFIGURATION public.words ALTER MAPPING FOR asciiword WITH english_stem",
        OTHERS,
        "simple",
        "english_stem",
    ),
    change(
        "CREATE COLLATION public.plain (locale = 'C')",
        OTHERS,
        "",
        "collation public.plain",
    ),
    change(
        "CREATE STATISTICS public.both ON id, content FROM public.unit_version",
        Nothing,
        "",
        "",
    ),
    change(
        "ALTER SERVER far OPTIONS (SET host 'two')",
        OTHERS,
        "foreign server far",
        "foreign server far",
    ),
    change("CREATE USER MAPPING FOR app SERVER far", Nothing, "", ""),
    change(
        "CREATE FOREIGN TABLE public.remote (line text) SERVER far",
        MATRIX,
        "",
        "public.remote",
    ),
    change(
        "CREATE SUBSCRIPTION told CONNECTION 'host=/nowhere dbname=x' PUBLICATION one WITH (connect = false)",
        OTHERS,
        "",
        "subscription told",
    ),
    change(
        "ALTER SUBSCRIPTION told SET PUBLICATION two WITH (refresh = false)",
        OTHERS,
        "of one",
        "of two",
    ),
    change(
        "ALTER ROLE stranger CONNECTION LIMIT 3",
        OTHERS,
        "",
        "connection limit 3",
    ),
    change("ALTER ROLE stranger NOINHERIT", OTHERS, "", "noinherit"),
    change(
        "ALTER SCHEMA app OWNER TO app",
        OTHERS,
        "of postgres",
        "of app",
    ),
    change(
        "ALTER LANGUAGE plpgsql OWNER TO app",
        OTHERS,
        "of postgres",
        "of app",
    ),
    since(
        150_000,
        change(
            "GRANT SET ON PARAMETER session_replication_role TO app",
            OTHERS,
            "",
            "parameter session_replication_role",
        ),
    ),
];

/// Changes of settings, where the change runs as `app`.
pub const SETTINGS: &[Change] = &[
    change(
        "ALTER ROLE stranger SET search_path = app",
        OTHERS,
        "",
        "setting search_path of role stranger\tapp",
    ),
    change(
        "ALTER ROLE stranger IN DATABASE kb SET session_replication_role = replica",
        OTHERS,
        "",
        "of role stranger in this database",
    ),
    change(
        "GRANT team TO app",
        OTHERS,
        "",
        "who: app is member of team",
    ),
    change(
        "ALTER ROLE team SET search_path = app",
        OTHERS,
        "",
        "setting search_path of role team\tapp",
    ),
    change(
        "ALTER ROLE app SET search_path = app",
        NAMES,
        "",
        "setting search_path of role app\tapp",
    ),
    change(
        "ALTER ROLE app IN DATABASE kb SET search_path = public",
        NAMES,
        "",
        "of role app in this database\tpublic",
    ),
    change(
        "ALTER DATABASE kb SET search_path = app",
        NAMES,
        "",
        "setting search_path in this database\tapp",
    ),
    change(
        "ALTER ROLE ALL SET search_path = app",
        NAMES,
        "",
        "setting search_path of all roles\tapp",
    ),
];
