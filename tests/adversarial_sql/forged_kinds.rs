//! The forged parts, a kind each. Invariant: each leaves a line in the server's log when it runs, since a read only transaction would not let it write.

/// What must be refused, and what the reason says.
#[derive(Debug)]
pub enum Refusal<T> {
    /// Nothing may be asked at all.
    Everything(T),
    /// The session stands, and no read is sent.
    AllReads(T),
    /// The query alone.
    Query(T),
}

/// One forged part.
pub struct Forged {
    /// Its name in messages.
    pub name: &'static str,
    /// The first version that has what it needs.
    pub since: u32,
    /// How a superuser makes it.
    pub plant: &'static str,
    /// What runs it when there is no wall; `None`: it leaves no line.
    pub armed: Option<&'static str>,
    /// The fact that is asked.
    pub fact: &'static str,
    /// What is refused.
    pub refusal: Refusal<&'static str>,
    /// How it is taken away; `the view X` gives the view X its own query back.
    pub undo: &'static [&'static str],
}

/// What every forged part runs.
pub const TRAPS: &str = "
CREATE FUNCTION public.trap(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of % executed', what; RETURN 'x'; END$$;
CREATE FUNCTION public.trap_true(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of % executed', what; RETURN true; END$$;
CREATE FUNCTION public.trap_int(what text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of % executed', what; RETURN 0; END$$;
CREATE FUNCTION public.trapped_order(integer, integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE
  AS $$BEGIN RAISE LOG 'trap of an order executed'; RETURN pg_catalog.btint4cmp($1, $2); END$$;
CREATE OPERATOR CLASS public.trapped_ops FOR TYPE integer USING btree AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 public.trapped_order(integer, integer);
CREATE TYPE public.span AS RANGE (SUBTYPE = integer, SUBTYPE_OPCLASS = public.trapped_ops);
CREATE DOMAIN public.trapped_word AS text CHECK (public.trap_true('a domain'));
CREATE TYPE public.worded AS (n integer, word public.trapped_word);
CREATE TABLE public.spans (r public.span);
CREATE TABLE public.wordy (words public.trapped_word[], one public.worded);
CREATE TABLE public.amounts (m money, p point, note text, id integer);
INSERT INTO public.amounts SELECT n::text::money, point(n, n), n::text, n FROM generate_series(1, 20) AS n;
GRANT SELECT ON public.spans, public.wordy, public.amounts TO context_pack_readonly;
";

const PLAIN: &str = "SELECT count(*)::text FROM public.information_unit";

/// All of them.
pub const KINDS: &[Forged] = &[
    // What our own statements call.
    Forged {
        name: "an overload that fits better",
        since: 0,
        plant: "CREATE FUNCTION pg_catalog.concat_ws(text, name, \"char\", boolean, text[], text, text, text) RETURNS text LANGUAGE sql
                  AS $$SELECT public.trap('an overload')$$",
        armed: Some("SELECT concat_ws(' ', l.lanname, p.provolatile, p.prosecdef, p.proconfig, p.probin, p.prosrc, 'x'::text) FROM pg_proc AS p, pg_language AS l LIMIT 1"),
        fact: PLAIN,
        refusal: Refusal::Everything("the function pg_catalog.concat_ws is not PostgreSQL's own here"),
        undo: &["DROP FUNCTION pg_catalog.concat_ws(text, name, \"char\", boolean, text[], text, text, text)"],
    },
    Forged {
        name: "an operator that fits better",
        since: 0,
        plant: "CREATE FUNCTION public.joined(name, name) RETURNS text LANGUAGE sql AS $$SELECT public.trap('an operator')$$;
                CREATE OPERATOR pg_catalog.|| (LEFTARG = name, RIGHTARG = name, FUNCTION = public.joined)",
        armed: Some("SELECT nspname || '.' FROM pg_namespace"),
        fact: PLAIN,
        refusal: Refusal::Everything("the operator pg_catalog.|| is not PostgreSQL's own here"),
        undo: &["DROP OPERATOR pg_catalog.|| (name, name)", "DROP FUNCTION public.joined(name, name)"],
    },
    Forged {
        name: "a cast where there was none",
        since: 0,
        plant: "CREATE FUNCTION public.xid_text(xid) RETURNS text LANGUAGE sql AS $$SELECT public.trap('a cast')$$;
                CREATE CAST (xid AS text) WITH FUNCTION public.xid_text(xid)",
        armed: Some("SELECT xmin::text FROM pg_class LIMIT 1"),
        fact: PLAIN,
        refusal: Refusal::Everything("the cast from xid to text is not PostgreSQL's own here"),
        undo: &["DROP CAST (xid AS text)", "DROP FUNCTION public.xid_text(xid)"],
    },
    Forged {
        name: "how a type is sent",
        since: 0,
        plant: "CREATE FUNCTION public.sent(text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT
                  AS $$BEGIN RAISE LOG 'trap of a send executed'; RETURN pg_catalog.convert_to($1, 'UTF8'); END$$;
                ALTER TYPE pg_catalog.text SET (SEND = public.sent)",
        armed: Some("COPY (SELECT 'x'::text) TO '/dev/null' WITH (FORMAT binary)"),
        fact: PLAIN,
        refusal: Refusal::Everything("the input or output of the type text is not PostgreSQL's own here"),
        undo: &["ALTER TYPE pg_catalog.text SET (SEND = pg_catalog.textsend)", "DROP FUNCTION public.sent(text)"],
    },
    Forged {
        name: "the body of a function that the opening calls",
        since: 0,
        plant: "CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text LANGUAGE sql STABLE AS $$SELECT public.trap('a body')$$",
        armed: Some("SELECT current_setting('search_path')"),
        fact: PLAIN,
        refusal: Refusal::Everything("the function pg_catalog.current_setting is not PostgreSQL's own here"),
        undo: &["CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'show_config_by_name'"],
    },
    Forged {
        name: "the body of an operator's function",
        since: 0,
        plant: "CREATE OR REPLACE FUNCTION pg_catalog.int4eq(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$SELECT public.trap_true('an equality')$$",
        armed: Some("SELECT l.locktype FROM pg_lock_status() AS l WHERE l.pid = pg_backend_pid()"),
        fact: PLAIN,
        refusal: Refusal::Everything("the function pg_catalog.int4eq is not PostgreSQL's own here"),
        undo: &["CREATE OR REPLACE FUNCTION pg_catalog.int4eq(integer, integer) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int4eq'"],
    },
    Forged {
        name: "a support function",
        since: 0,
        plant: "CREATE FUNCTION public.supports(internal) RETURNS internal LANGUAGE internal AS 'pg_advisory_lock_int8';
                ALTER FUNCTION pg_catalog.texteq(text, text) SUPPORT public.supports",
        armed: None,
        fact: PLAIN,
        refusal: Refusal::Everything("the function pg_catalog.texteq is not PostgreSQL's own here"),
        undo: &["CREATE OR REPLACE FUNCTION pg_catalog.texteq(text, text) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'texteq'",
                "DROP FUNCTION public.supports(internal)"],
    },
    Forged {
        name: "an aggregate",
        since: 0,
        plant: "CREATE FUNCTION public.larger(integer, integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of an aggregate executed'; RETURN $1; END$$;
                CREATE OR REPLACE AGGREGATE pg_catalog.max(integer) (SFUNC = public.larger, STYPE = integer)",
        armed: Some("SELECT max(id) FROM public.amounts"),
        fact: "SELECT max(id)::text FROM public.amounts",
        refusal: Refusal::Everything("the aggregate function with the number 2116 is not PostgreSQL's own here"),
        undo: &["CREATE OR REPLACE AGGREGATE pg_catalog.max(integer) (SFUNC = int4larger, STYPE = integer, COMBINEFUNC = int4larger, SORTOP = >, PARALLEL = SAFE)",
                "DROP FUNCTION public.larger(integer, integer)"],
    },
    Forged {
        name: "the negator of an operator",
        since: 0,
        plant: "CREATE FUNCTION public.begins_not(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$SELECT public.trap_true('a negator')$$;
                CREATE OPERATOR public.!^@ (LEFTARG = text, RIGHTARG = text, FUNCTION = public.begins_not, NEGATOR = OPERATOR(pg_catalog.^@))",
        armed: Some("SELECT count(*) FROM public.amounts WHERE NOT (note ^@ '1')"),
        fact: "SELECT count(*)::text FROM public.amounts WHERE NOT (note ^@ '1')",
        refusal: Refusal::Everything("the operator pg_catalog.^@ is not PostgreSQL's own here"),
        undo: &["DROP OPERATOR public.!^@ (text, text)", "DROP FUNCTION public.begins_not(text, text)"],
    },
    Forged {
        name: "how the modifier of a type is read",
        since: 0,
        plant: "CREATE FUNCTION public.modifier(cstring[]) RETURNS integer LANGUAGE plpgsql IMMUTABLE
                  AS $$BEGIN RAISE LOG 'trap of a modifier executed'; RETURN 196612; END$$;
                ALTER TYPE pg_catalog.numeric SET (TYPMOD_IN = public.modifier)",
        armed: Some("SELECT '1'::numeric(3)"),
        fact: "SELECT '1'::numeric(3)::text",
        refusal: Refusal::Everything("the input or output of the type numeric is not PostgreSQL's own here"),
        undo: &["ALTER TYPE pg_catalog.numeric SET (TYPMOD_IN = pg_catalog.numerictypmodin)", "DROP FUNCTION public.modifier(cstring[])"],
    },
    Forged {
        name: "a child of a catalogue",
        since: 0,
        plant: "CREATE TABLE public.heir_of_casts () INHERITS (pg_catalog.pg_cast);
                CREATE INDEX ON public.heir_of_casts (oid) WHERE public.trap_true('a child of a catalogue')",
        armed: Some("SELECT count(*) FROM pg_cast"),
        fact: PLAIN,
        refusal: Refusal::Everything("what belongs to the catalogue with the number 2605 is not PostgreSQL's own here"),
        undo: &["DROP TABLE public.heir_of_casts"],
    },
    Forged {
        name: "an index of a catalogue",
        since: 0,
        plant: "SET allow_system_table_mods = on;
                CREATE INDEX our_index ON pg_catalog.pg_attribute (attrelid) WHERE public.trap_true('an index of a catalogue')",
        armed: Some("SELECT count(*) FROM pg_attribute"),
        fact: PLAIN,
        refusal: Refusal::Everything("what belongs to the catalogue with the number 1249 is not PostgreSQL's own here"),
        undo: &["SET allow_system_table_mods = on; DROP INDEX pg_catalog.our_index"],
    },
    Forged {
        name: "statistics of a catalogue",
        since: 140_000,
        plant: "SET allow_system_table_mods = on;
                CREATE STATISTICS public.our_statistics ON (public.trap_true('statistics of a catalogue')), (relname::text) FROM pg_catalog.pg_class",
        armed: Some("SELECT count(*) FROM pg_class"),
        fact: PLAIN,
        refusal: Refusal::Everything("what belongs to the catalogue with the number 1259 is not PostgreSQL's own here"),
        undo: &["DROP STATISTICS public.our_statistics"],
    },
    // Bodies, defaults and attributes that a profile's SQL leads to.
    Forged {
        name: "a function that comes in SQL, in another language",
        since: 0,
        plant: "CREATE OR REPLACE FUNCTION pg_catalog.lpad(text, integer) RETURNS text LANGUAGE plpgsql IMMUTABLE
                  AS $$BEGIN RAISE LOG 'trap of a body executed'; RETURN $1; END$$",
        armed: Some("SELECT lpad('x', 3)"),
        fact: "SELECT lpad('x', 3)",
        refusal: Refusal::AllReads("function lpad(text,integer) is not on the allow-list"),
        undo: &["CREATE OR REPLACE FUNCTION pg_catalog.lpad(text, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$select pg_catalog.lpad($1, $2, ' ')$$"],
    },
    Forged {
        name: "a function that comes in SQL, with a parsed body",
        since: 140_000,
        plant: "CREATE OR REPLACE FUNCTION pg_catalog.lpad(text, integer) RETURNS text LANGUAGE sql IMMUTABLE RETURN public.trap('a parsed body')",
        armed: Some("SELECT lpad('x', 3)"),
        fact: "SELECT lpad('x', 3)",
        refusal: Refusal::AllReads("function lpad(text,integer) -> function public.trap(text) is not on the allow-list"),
        undo: &["CREATE OR REPLACE FUNCTION pg_catalog.lpad(text, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN pg_catalog.lpad($1, $2, ' ')"],
    },
    Forged {
        name: "the default of an argument",
        since: 0,
        plant: "CREATE FUNCTION public.no_variables() RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of a default executed'; RETURN '{}'; END$$;
                CREATE OR REPLACE FUNCTION pg_catalog.jsonb_path_exists(target jsonb, path jsonpath, vars jsonb DEFAULT public.no_variables(), silent boolean DEFAULT false)
                  RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'jsonb_path_exists'",
        armed: Some("SELECT jsonb_path_exists('1', '$')"),
        fact: "SELECT jsonb_path_exists('1'::jsonb, '$')::text",
        refusal: Refusal::AllReads("function public.no_variables() is not on the allow-list"),
        undo: &["CREATE OR REPLACE FUNCTION pg_catalog.jsonb_path_exists(target jsonb, path jsonpath, vars jsonb DEFAULT '{}', silent boolean DEFAULT false)
                   RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'jsonb_path_exists'",
                "DROP FUNCTION public.no_variables()"],
    },
    Forged {
        name: "a function that says of itself that it has no effect",
        since: 0,
        plant: "ALTER FUNCTION pg_catalog.lo_create(oid) IMMUTABLE;
                CREATE VIEW public.unharmed AS SELECT pg_catalog.lo_create(0)::text AS v;
                GRANT SELECT ON public.unharmed TO context_pack_readonly",
        armed: None,
        fact: "SELECT v FROM public.unharmed",
        refusal: Refusal::AllReads("function lo_create(oid) is not on the allow-list"),
        undo: &["DROP VIEW public.unharmed", "ALTER FUNCTION pg_catalog.lo_create(oid) VOLATILE"],
    },
    // Views and domains of PostgreSQL itself.
    Forged {
        name: "a view that our own statements read",
        since: 0,
        plant: "CREATE OR REPLACE VIEW pg_catalog.pg_roles AS
                  SELECT a.rolname, a.rolsuper, a.rolinherit, a.rolcreaterole, a.rolcreatedb, a.rolcanlogin, a.rolreplication, a.rolconnlimit,
                         '********'::text AS rolpassword, a.rolvaliduntil, a.rolbypassrls, s.setconfig AS rolconfig, a.oid
                    FROM pg_authid AS a LEFT JOIN pg_db_role_setting AS s ON a.oid = s.setrole AND s.setdatabase = 0
                   WHERE public.trap_true('pg_roles')",
        armed: Some("SELECT rolname FROM pg_roles"),
        fact: PLAIN,
        refusal: Refusal::AllReads("the view pg_roles -> function public.trap_true(text) is not on the allow-list"),
        undo: &["the view pg_catalog.pg_roles"],
    },
    Forged {
        name: "a view that a profile reads, over a built-in function with an effect",
        since: 0,
        plant: "CREATE OR REPLACE VIEW pg_catalog.pg_tables AS
                  SELECT n.nspname AS schemaname, c.relname AS tablename, pg_get_userbyid(c.relowner) AS tableowner, NULL::name AS tablespace,
                         c.relhasindex AS hasindexes, c.relhasrules AS hasrules, pg_try_advisory_lock(1) AS hastriggers, c.relrowsecurity AS rowsecurity
                    FROM pg_class AS c LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace",
        armed: None,
        fact: "SELECT count(*)::text FROM pg_catalog.pg_tables WHERE hastriggers",
        refusal: Refusal::Query("the view pg_tables -> function pg_try_advisory_lock(bigint) is not on the allow-list"),
        undo: &["the view pg_catalog.pg_tables"],
    },
    Forged {
        name: "a view that a profile names without a schema",
        since: 0,
        plant: "CREATE OR REPLACE VIEW pg_catalog.pg_locks AS
                  SELECT l.* FROM pg_lock_status() AS l (locktype, database, relation, page, tuple, virtualxid, transactionid, classid, objid, objsubid,
                                                        virtualtransaction, pid, mode, granted, fastpath) WHERE false",
        armed: None,
        // What it hides is not asked through it.
        fact: "SELECT count(*)::text FROM public.spans",
        refusal: Refusal::Query("public.spans -> column r -> type public.span -> order of the range -> operator class public.trapped_ops"),
        undo: &["the view pg_catalog.pg_locks"],
    },
    Forged {
        name: "a domain of information_schema",
        since: 0,
        plant: "ALTER DOMAIN information_schema.cardinal_number ADD CONSTRAINT trapped CHECK (public.trap_true('a domain of PostgreSQL')) NOT VALID",
        armed: Some("SELECT count(ordinal_position) FROM information_schema.columns"),
        fact: "SELECT count(ordinal_position)::text FROM information_schema.columns",
        refusal: Refusal::AllReads("constraint trapped -> function public.trap_true(text) is not on the allow-list"),
        undo: &["ALTER DOMAIN information_schema.cardinal_number DROP CONSTRAINT trapped"],
    },
    Forged {
        name: "a function of information_schema",
        since: 0,
        plant: "CREATE OR REPLACE FUNCTION information_schema._pg_char_max_length(typid oid, typmod int4) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
                  AS $$SELECT public.trap_int('information_schema')$$",
        armed: Some("SELECT max(character_maximum_length) FROM information_schema.columns"),
        fact: "SELECT max(character_maximum_length)::text FROM information_schema.columns",
        refusal: Refusal::AllReads("function information_schema._pg_char_max_length(oid,integer) is not on the allow-list"),
        undo: &["CREATE OR REPLACE FUNCTION information_schema._pg_char_max_length(typid oid, typmod int4) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
                   AS $$SELECT CASE WHEN $2 = -1 THEN null WHEN $1 IN (1042, 1043) THEN $2 - 4 WHEN $1 IN (1560, 1562) THEN $2 ELSE null END$$"],
    },
    Forged {
        name: "a view in pg_catalog",
        since: 0,
        plant: "SET allow_system_table_mods = on;
                CREATE VIEW pg_catalog.our_view AS SELECT public.trap('a view of pg_catalog') AS v;
                GRANT SELECT ON pg_catalog.our_view TO context_pack_readonly",
        armed: Some("SELECT v FROM our_view"),
        fact: "SELECT v FROM our_view",
        refusal: Refusal::AllReads("the view our_view -> function public.trap(text) is not on the allow-list"),
        undo: &["SET allow_system_table_mods = on; DROP VIEW pg_catalog.our_view"],
    },
    // Operator classes that are nobody's default.
    Forged {
        name: "a class that makes an operator hash",
        since: 140_000,
        plant: "CREATE FUNCTION public.money_hash(money) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of a hash executed'; RETURN 1; END$$;
                CREATE OPERATOR CLASS public.money_hashed FOR TYPE money USING hash AS OPERATOR 1 =, FUNCTION 1 public.money_hash(money)",
        armed: Some("SELECT count(*) FROM public.amounts WHERE m = ANY ('{1,2,3,4,5,6,7,8,9,10}'::money[])"),
        fact: "SELECT count(*)::text FROM public.amounts WHERE m IN ('1', '2', '3', '4', '5', '6', '7', '8', '9', '10')",
        refusal: Refusal::AllReads("operator family public.money_hashed for access method hash -> support function -> function public.money_hash(money)"),
        undo: &["DROP OPERATOR FAMILY public.money_hashed USING hash", "DROP FUNCTION public.money_hash(money)"],
    },
    Forged {
        name: "a class that makes an operator sort",
        since: 0,
        plant: "CREATE FUNCTION public.point_order(point, point) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of a sort executed'; RETURN 0; END$$;
                CREATE OPERATOR CLASS public.point_sorted FOR TYPE point USING btree AS OPERATOR 1 <<, OPERATOR 3 ~=, FUNCTION 1 public.point_order(point, point)",
        armed: Some("SELECT p FROM public.amounts ORDER BY p USING <<"),
        fact: "SELECT count(*)::text FROM (SELECT p FROM public.amounts ORDER BY p USING << LIMIT 3) AS q",
        refusal: Refusal::AllReads("operator family public.point_sorted for access method btree -> support function -> function public.point_order(point,point)"),
        undo: &["DROP OPERATOR FAMILY public.point_sorted USING btree", "DROP FUNCTION public.point_order(point, point)"],
    },
    Forged {
        name: "a type that takes the values of another as its own",
        since: 0,
        plant: "CREATE TYPE public.lent;
                CREATE FUNCTION public.lent_in(cstring) RETURNS public.lent LANGUAGE internal IMMUTABLE STRICT AS 'xidin';
                CREATE FUNCTION public.lent_out(public.lent) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'xidout';
                CREATE TYPE public.lent (INPUT = public.lent_in, OUTPUT = public.lent_out, LIKE = xid);
                CREATE FUNCTION public.lent_order(public.lent, public.lent) RETURNS integer LANGUAGE plpgsql IMMUTABLE
                  AS $$BEGIN RAISE LOG 'trap of a lent class executed'; RETURN 0; END$$;
                CREATE FUNCTION public.lent_lt(public.lent, public.lent) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4lt';
                CREATE OPERATOR public.< (LEFTARG = public.lent, RIGHTARG = public.lent, FUNCTION = public.lent_lt);
                CREATE FUNCTION public.lent_eq(public.lent, public.lent) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4eq';
                CREATE OPERATOR public.= (LEFTARG = public.lent, RIGHTARG = public.lent, FUNCTION = public.lent_eq);
                CREATE OPERATOR CLASS public.lent_ops DEFAULT FOR TYPE public.lent USING btree AS OPERATOR 1 public.<, OPERATOR 3 public.=, FUNCTION 1 public.lent_order(public.lent, public.lent);
                CREATE CAST (xid AS public.lent) WITHOUT FUNCTION AS IMPLICIT",
        armed: Some("SELECT xmin FROM public.amounts ORDER BY xmin"),
        fact: "SELECT count(*)::text FROM (SELECT xmin FROM public.amounts ORDER BY xmin LIMIT 3) AS q",
        refusal: Refusal::AllReads("function public.lent_order(public.lent,public.lent) is not on the allow-list"),
        undo: &["DROP TYPE public.lent CASCADE"],
    },
    // What runs while a text is only parsed.
    Forged {
        name: "a constant beside a range",
        since: 0,
        plant: "SELECT 1",
        armed: Some("PREPARE p AS SELECT count(*) FROM public.spans WHERE r = '[1,2]'"),
        fact: "SELECT count(*)::text FROM public.spans WHERE r = '[1,2]'",
        refusal: Refusal::Query("public.spans -> column r -> type public.span -> order of the range -> operator class public.trapped_ops"),
        undo: &[],
    },
    Forged {
        name: "a constant beside an array of a domain",
        since: 0,
        plant: "SELECT 1",
        armed: Some("PREPARE p AS SELECT count(*) FROM public.wordy WHERE words = '{x}'"),
        fact: "SELECT count(*)::text FROM public.wordy AS s WHERE s.words = '{x}'",
        refusal: Refusal::Query("public.wordy -> column "),
        undo: &[],
    },
    Forged {
        name: "a constant beside a row",
        since: 0,
        plant: "SELECT 1",
        armed: Some("PREPARE p AS SELECT count(*) FROM public.wordy WHERE coalesce(one, '(1,x)') IS NULL"),
        fact: "SELECT count(*)::text FROM \"public\" . wordy WHERE coalesce(one, '(1,x)') IS NULL",
        refusal: Refusal::Query("public.wordy -> column "),
        undo: &[],
    },
    Forged {
        name: "a type of pg_catalog",
        since: 0,
        plant: "CREATE DOMAIN pg_catalog.our_word AS text CHECK (public.trap_true('a domain of pg_catalog'))",
        armed: Some("PREPARE p AS SELECT '{x}'::our_word[]"),
        fact: "SELECT ('{x}'::our_word[])[1]::text",
        refusal: Refusal::AllReads("type our_word -> constraint our_word_check -> function public.trap_true(text)"),
        undo: &["DROP DOMAIN pg_catalog.our_word"],
    },
];
