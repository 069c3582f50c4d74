//! SQL of a profile that must not run, with the reason that must be named. Invariant: a statement that another one covers is not here twice.

/// A hostile statement, a part of the reason, and the extension without which it would be refused for another reason.
pub struct Hostile {
    /// The SQL of a fact. `@DIR@` and `@PID@` are the server's directory and the pid of a bystander.
    pub sql: &'static str,
    /// What the reason must say.
    pub reason: &'static str,
    /// Extension that its trap needs.
    pub needs: Option<&'static str>,
}

const fn plain(sql: &'static str, reason: &'static str) -> Hostile {
    Hostile {
        sql,
        reason,
        needs: None,
    }
}

const fn with(needs: &'static str, sql: &'static str, reason: &'static str) -> Hostile {
    Hostile {
        sql,
        reason,
        needs: Some(needs),
    }
}

const NOT_A_READ: &str = "not a plain read";
const UNKNOWN: &str = "is not on the allow-list";
const TYPE: &str = "is not of pg_catalog";

/// All of them.
pub const HOSTILE: &[Hostile] = &[
    // Statements that write, or that end or open a transaction.
    plain("INSERT INTO public.victim VALUES (2)", NOT_A_READ),
    plain(
        "UPDATE public.victim SET id = 2 RETURNING id::text",
        NOT_A_READ,
    ),
    plain("DELETE FROM public.victim", NOT_A_READ),
    plain(
        "MERGE INTO public.victim AS v USING (VALUES (1)) AS s (id) ON v.id = s.id WHEN MATCHED THEN DELETE",
        NOT_A_READ,
    ),
    plain("TRUNCATE public.victim", NOT_A_READ),
    plain("COMMIT", NOT_A_READ),
    plain("COMMIT AND CHAIN", NOT_A_READ),
    plain("END", NOT_A_READ),
    plain("ROLLBACK", NOT_A_READ),
    plain("ABORT", NOT_A_READ),
    plain("SAVEPOINT t", NOT_A_READ),
    plain("BEGIN READ WRITE", NOT_A_READ),
    plain("START TRANSACTION READ WRITE", NOT_A_READ),
    plain("SET TRANSACTION READ WRITE", NOT_A_READ),
    plain(
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        NOT_A_READ,
    ),
    plain("SET ROLE postgres", NOT_A_READ),
    plain("SET SESSION AUTHORIZATION postgres", NOT_A_READ),
    plain("RESET ALL", NOT_A_READ),
    plain("DISCARD ALL", NOT_A_READ),
    plain("PREPARE TRANSACTION 'x'", NOT_A_READ),
    plain("COMMIT PREPARED 'x'", NOT_A_READ),
    plain("PREPARE p AS SELECT 1", NOT_A_READ),
    plain("EXECUTE p", NOT_A_READ),
    plain("DEALLOCATE ALL", NOT_A_READ),
    plain("DO $$BEGIN PERFORM public.steal(); END$$", NOT_A_READ),
    plain("CALL public.proc()", NOT_A_READ),
    plain("COPY public.victim TO '@DIR@/stolen'", NOT_A_READ),
    plain(
        "COPY (SELECT 1) TO PROGRAM 'touch @DIR@/stolen'",
        NOT_A_READ,
    ),
    plain("COPY public.victim FROM PROGRAM 'echo 1'", NOT_A_READ),
    plain("NOTIFY hostile, 'x'", NOT_A_READ),
    plain("LISTEN hostile", NOT_A_READ),
    plain("UNLISTEN *", NOT_A_READ),
    plain(
        "LOCK TABLE public.victim IN ACCESS EXCLUSIVE MODE",
        NOT_A_READ,
    ),
    plain("VACUUM public.victim", NOT_A_READ),
    plain("ANALYZE public.victim", NOT_A_READ),
    plain("REINDEX TABLE public.planned", NOT_A_READ),
    plain("CLUSTER public.planned", NOT_A_READ),
    plain("CHECKPOINT", NOT_A_READ),
    plain("LOAD 'dblink'", NOT_A_READ),
    plain("REFRESH MATERIALIZED VIEW public.m", NOT_A_READ),
    plain("CREATE TEMP TABLE t AS SELECT 1", NOT_A_READ),
    plain("CREATE TABLE public.stolen AS SELECT 1", NOT_A_READ),
    plain(
        "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        NOT_A_READ,
    ),
    plain("ALTER SYSTEM SET work_mem = '5MB'", NOT_A_READ),
    plain("ALTER ROLE context_pack_readonly SUPERUSER", NOT_A_READ),
    plain("GRANT postgres TO context_pack_readonly", NOT_A_READ),
    plain("DROP TABLE public.victim", NOT_A_READ),
    plain("COMMENT ON TABLE public.victim IS 'x'", NOT_A_READ),
    plain("SECURITY LABEL ON TABLE public.victim IS 'x'", NOT_A_READ),
    plain(
        "IMPORT FOREIGN SCHEMA public FROM SERVER away INTO public",
        NOT_A_READ,
    ),
    plain("EXPLAIN ANALYZE SELECT public.steal()", NOT_A_READ),
    plain("EXPLAIN SELECT public.liar()", NOT_A_READ),
    plain("SHOW search_path", NOT_A_READ),
    plain(
        "DECLARE d CURSOR WITH HOLD FOR SELECT public.steal()",
        NOT_A_READ,
    ),
    plain("FETCH ALL FROM fact", NOT_A_READ),
    plain("CLOSE ALL", NOT_A_READ),
    plain("", NOT_A_READ),
    plain("-- nothing", NOT_A_READ),
    // Writes inside a read.
    plain(
        "WITH w AS (INSERT INTO public.victim VALUES (2) RETURNING id) SELECT id::text FROM w",
        "the word INSERT is not read-only",
    ),
    plain(
        "WITH w AS (UPDATE public.victim SET id = 3 RETURNING id) SELECT id::text FROM w",
        "the word UPDATE is not read-only",
    ),
    plain(
        "WITH w AS (DELETE FROM public.victim RETURNING id) SELECT id::text FROM w",
        "the word DELETE is not read-only",
    ),
    plain(
        "WITH w AS (MERGE INTO public.victim AS v USING (VALUES (1)) AS s (id) ON v.id = s.id WHEN MATCHED THEN DELETE RETURNING v.id) SELECT id::text FROM w",
        "the word MERGE is not read-only",
    ),
    plain(
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3), w AS (INSERT INTO public.victim SELECT n FROM r RETURNING id) SELECT id::text FROM w",
        "the word INSERT is not read-only",
    ),
    plain(
        "SELECT (WITH w AS (DELETE FROM public.victim RETURNING id) SELECT count(*) FROM w)::text",
        "the word DELETE is not read-only",
    ),
    plain(
        "WITH w AS MATERIALIZED (dElEtE FROM public.victim RETURNING 1) TABLE w",
        "the word DELETE is not read-only",
    ),
    plain(
        "SELECT 'x' INTO public.stolen",
        "the word INTO is not read-only",
    ),
    plain(
        "SELECT 'x' INTO TEMP stolen FROM public.victim",
        "the word INTO is not read-only",
    ),
    plain(
        "SELECT id::text FROM public.victim FOR UPDATE",
        "the word UPDATE is not read-only",
    ),
    plain(
        "SELECT id::text FROM public.victim FOR NO KEY UPDATE NOWAIT",
        "the word UPDATE is not read-only",
    ),
    plain("SELECT id::text FROM public.victim FOR SHARE", ""),
    plain(
        "SELECT id::text FROM public.victim FOR KEY SHARE SKIP LOCKED",
        "",
    ),
    // More than one statement.
    plain("SELECT '1'; COMMIT", "the word COMMIT is not read-only"),
    plain("SELECT '1'; SELECT '2'", "semicolon"),
    plain("SELECT '1';", "semicolon"),
    plain("SELECT '1' ; -- x", "semicolon"),
    plain("SELECT '1') AS q (value); SELECT ('1'", "semicolon"),
    plain("SELECT '1') AS q (value) UNION ALL (SELECT '2'", "42601"),
    plain("SELECT '1' /* ; */ ; /* */ SELECT '2'", "semicolon"),
    plain("count public.victim WHERE true) ; SELECT (1", "semicolon"),
    plain("count public.victim WHERE public.liar() = 1", UNKNOWN),
    plain(
        "count public.victim AS v, public.trap_view WHERE true",
        "the view public.trap_view",
    ),
    // Functions by any spelling.
    plain("SELECT public.steal()::text", UNKNOWN),
    plain(r#"SELECT "public"."steal"()::text"#, UNKNOWN),
    plain("SELECT public . /* ( */ steal -- )\n ()::text", UNKNOWN),
    plain("SELECT kb.public.steal()::text", UNKNOWN),
    plain("SELECT PUBLIC.StEaL()::text", UNKNOWN),
    plain(r#"SELECT public."Odd Name"()::text"#, UNKNOWN),
    plain(r#"SELECT U&"publ\0069c".steal()::text"#, "U& escapes"),
    plain("SELECT u&'x' UESCAPE '!', public.steal()", "U& escapes"),
    plain(
        "SELECT E''\n'\\'' , public.steal(), ''",
        "continued escape string",
    ),
    plain("SELECT $q$ $q$ || public.steal()::text || $q$ $q$", UNKNOWN),
    plain("SELECT '/*' , public.steal()::text, '*/'", UNKNOWN),
    plain(
        "SELECT /* /* */ public.steal() */ public.steal()::text",
        UNKNOWN,
    ),
    plain(
        "SELECT 'a' || $a$'$a$ || public.steal()::text || '$a$'",
        UNKNOWN,
    ),
    plain("SELECT lo_create (0)::text", UNKNOWN),
    plain(r#"SELECT "lo_create"(0)::text"#, UNKNOWN),
    plain("SELECT ALL lo_create (0)::text", UNKNOWN),
    plain("SELECT public.md5('x')", UNKNOWN),
    plain("SELECT public.liar()::text", UNKNOWN),
    plain("SELECT 'x' WHERE 1e0=1e0 AND public.steal() = 1", UNKNOWN),
    plain("SELECT 1e0FROM public.many()", UNKNOWN),
    plain("SELECT $1", "parameter"),
    plain("SELECT 'open", "without end"),
    plain("SELECT /* open", "without end"),
    plain("SELECT $x$ open", "without end"),
    plain(r#"SELECT "open"#, "without end"),
    plain("VALUES (public.steal()::text)", UNKNOWN),
    plain("SELECT value::text FROM public.many() AS value", UNKNOWN),
    plain(
        "SELECT x::text FROM ROWS FROM (public.many(), public.many()) AS t (x, y)",
        UNKNOWN,
    ),
    plain(
        "SELECT x::text FROM public.victim, LATERAL public.liar(id) AS x",
        UNKNOWN,
    ),
    plain(
        "SELECT count(*)::text FROM public.victim ORDER BY public.steal()",
        UNKNOWN,
    ),
    plain(
        "SELECT count(*)::text FROM public.victim GROUP BY public.liar(id)",
        UNKNOWN,
    ),
    plain(
        "SELECT count(*)::text FROM public.victim HAVING public.steal() = 1",
        UNKNOWN,
    ),
    plain(
        "SELECT count(*) FILTER (WHERE public.liar(id) = 1)::text FROM public.victim",
        UNKNOWN,
    ),
    plain(
        "SELECT (public.agg(id) OVER (ORDER BY public.steal()))::text FROM public.victim",
        UNKNOWN,
    ),
    plain("SELECT public.agg(id)::text FROM public.victim", UNKNOWN),
    plain("SELECT '1' LIMIT public.steal()", UNKNOWN),
    plain("SELECT '1' OFFSET public.steal()", UNKNOWN),
    plain("SELECT CASE WHEN public.steal() = 1 THEN 'x' END", UNKNOWN),
    plain("SELECT coalesce(NULL, public.steal())::text", UNKNOWN),
    plain("SELECT EXISTS (SELECT FROM public.many())::text", UNKNOWN),
    plain("SELECT (ARRAY[public.steal()])[1]::text", UNKNOWN),
    plain(
        "SELECT count(*)::text FROM public.victim TABLESAMPLE public.steal (1)",
        UNKNOWN,
    ),
    plain(
        "SELECT count(*)::text FROM public.victim TABLESAMPLE system (public.steal())",
        UNKNOWN,
    ),
    plain(
        "SELECT x FROM XMLTABLE('/a' PASSING public.steal()::text::xml COLUMNS x text PATH '.') AS t",
        UNKNOWN,
    ),
    plain(
        "SELECT x::text FROM JSON_TABLE('[1]'::jsonb, '$[*]' COLUMNS (x int PATH '$' DEFAULT public.steal() ON EMPTY)) AS t",
        UNKNOWN,
    ),
    plain(
        "SELECT JSON_VALUE('1'::jsonb, '$' RETURNING public.trap_domain)::text",
        UNKNOWN,
    ),
    plain(
        "WITH w AS (SELECT public.steal() AS v) SELECT v::text FROM w",
        UNKNOWN,
    ),
    // Functions by attribute notation: x.f is f(x).
    plain("SELECT ('4711'::oid).lo_create::text", "lo_create"),
    plain(
        "SELECT (4::bigint).pg_advisory_lock::text",
        "pg_advisory_lock",
    ),
    plain(
        "SELECT g.pg_advisory_lock::text FROM generate_series(1::bigint, 2) AS g",
        "pg_advisory_lock",
    ),
    plain(
        r#"SELECT (@PID@)."pg_terminate_backend"::text"#,
        "pg_terminate_backend",
    ),
    plain(
        "SELECT (@PID@).pg_cancel_backend::text",
        "pg_cancel_backend",
    ),
    plain("SELECT (0).lo_creat::text", "lo_creat"),
    plain("SELECT ('public.s'::regclass).nextval::text", "nextval"),
    plain(
        "SELECT ('postgresql.conf'::text).pg_read_file",
        "pg_read_file",
    ),
    plain(
        "SELECT (ARRAY[1::bigint])[1].pg_try_advisory_lock::text",
        "pg_try_advisory_lock",
    ),
    plain("SELECT v.row_of::text FROM public.victim AS v", "42703"),
    // Built-in functions with an effect, or that run text as SQL.
    plain("SELECT pg_catalog.lo_create(0)::text", UNKNOWN),
    plain("SELECT lo_from_bytea(0, 'x')::text", UNKNOWN),
    plain("SELECT lo_import('/etc/hostname')::text", UNKNOWN),
    plain("SELECT lo_export(1, '@DIR@/stolen')::text", UNKNOWN),
    plain("SELECT lo_unlink(1)::text", UNKNOWN),
    plain("SELECT lo_put(1, 0, 'x')::text", UNKNOWN),
    plain("SELECT lowrite(lo_open(1, 131072), 'x')::text", UNKNOWN),
    plain("SELECT pg_advisory_lock(1)::text", UNKNOWN),
    plain("SELECT pg_try_advisory_lock_shared(1)::text", UNKNOWN),
    plain("SELECT pg_advisory_xact_lock(1)::text", UNKNOWN),
    plain(
        "SELECT (SELECT 1 FROM (SELECT pg_advisory_lock(2)) AS x)::text",
        UNKNOWN,
    ),
    plain("SELECT pg_notify('hostile', 'x')::text", UNKNOWN),
    plain(
        "SELECT pg_logical_emit_message(true, 'a', 'b')::text",
        UNKNOWN,
    ),
    plain(
        "SELECT pg_logical_emit_message(false, 'a', 'b')::text",
        UNKNOWN,
    ),
    plain(
        "SELECT set_config('transaction_read_only', 'off', true)",
        UNKNOWN,
    ),
    plain("SELECT set_config('search_path', 'public', false)", UNKNOWN),
    plain("SELECT set_config('role', 'postgres', false)", UNKNOWN),
    plain("SELECT set_config('row_security', 'on', true)", UNKNOWN),
    plain("SELECT pg_terminate_backend(@PID@)::text", UNKNOWN),
    plain("SELECT pg_cancel_backend(@PID@)::text", UNKNOWN),
    plain("SELECT pg_reload_conf()::text", UNKNOWN),
    plain("SELECT pg_rotate_logfile()::text", UNKNOWN),
    plain("SELECT pg_switch_wal()::text", UNKNOWN),
    plain("SELECT pg_promote()::text", UNKNOWN),
    plain("SELECT pg_create_restore_point('x')::text", UNKNOWN),
    plain(
        "SELECT pg_create_physical_replication_slot('x')::text",
        UNKNOWN,
    ),
    plain(
        "SELECT pg_create_logical_replication_slot('x', 'test_decoding')::text",
        UNKNOWN,
    ),
    plain("SELECT pg_drop_replication_slot('watch')::text", UNKNOWN),
    plain(
        "SELECT count(*)::text FROM pg_logical_slot_get_changes('watch', NULL, NULL)",
        UNKNOWN,
    ),
    plain("SELECT pg_replication_origin_create('x')::text", UNKNOWN),
    plain("SELECT pg_stat_reset()::text", UNKNOWN),
    plain("SELECT pg_current_xact_id()::text", UNKNOWN),
    plain("SELECT txid_current()::text", UNKNOWN),
    plain("SELECT nextval('public.s')::text", UNKNOWN),
    plain("SELECT setval('public.s', 9)::text", UNKNOWN),
    plain("SELECT pg_sleep(100)::text", UNKNOWN),
    plain("SELECT pg_export_snapshot()", UNKNOWN),
    plain(
        "SELECT pg_import_system_collations('pg_catalog')::text",
        UNKNOWN,
    ),
    plain("SELECT pg_read_file('PG_VERSION')", UNKNOWN),
    plain("SELECT pg_read_binary_file('PG_VERSION')::text", UNKNOWN),
    plain("SELECT pg_ls_dir('.')", UNKNOWN),
    plain(
        "SELECT query_to_xml('SELECT public.steal()', true, true, '')::text",
        UNKNOWN,
    ),
    plain(
        "SELECT query_to_xmlschema('SELECT public.steal()', true, true, '')::text",
        UNKNOWN,
    ),
    plain(
        "SELECT cursor_to_xml('fact', 1, true, true, '')::text",
        UNKNOWN,
    ),
    plain(
        "SELECT table_to_xml('public.trap_view', true, true, '')::text",
        UNKNOWN,
    ),
    plain(
        "SELECT schema_to_xml('public', true, true, '')::text",
        UNKNOWN,
    ),
    plain("SELECT database_to_xml(true, true, '')::text", UNKNOWN),
    plain(
        "SELECT word FROM ts_stat('SELECT public.steal()::text::tsvector')",
        UNKNOWN,
    ),
    plain(
        "SELECT ts_rewrite('a'::tsquery, 'SELECT public.steal()::text::tsquery, ''b''::tsquery')::text",
        UNKNOWN,
    ),
    plain("SELECT currval('public.s')::text", UNKNOWN),
    plain("SELECT random()::text", UNKNOWN),
    plain(
        "SELECT brin_summarize_new_values('public.planned_where')::text",
        UNKNOWN,
    ),
    plain(
        "SELECT gin_clean_pending_list('public.planned_where')::text",
        UNKNOWN,
    ),
    // Operators, types, casts, comparisons.
    plain("SELECT (1 OPERATOR(public.+) 2)::text", "OPERATOR(..)"),
    plain("SELECT (1 operator ( public.@@@ ) 2)::text", "OPERATOR(..)"),
    plain(
        "SELECT id::text FROM public.victim ORDER BY id USING OPERATOR(public.<)",
        "OPERATOR(..)",
    ),
    plain("SELECT (1 @@@ 2)::text", "42883"),
    plain("SELECT 'x'::public.trap_domain::text", TYPE),
    plain("SELECT CAST('x' AS public.trap_domain)::text", TYPE),
    plain("SELECT public.trap_domain 'x'", TYPE),
    plain("SELECT 'x'::kb.public.trap_domain::text", TYPE),
    plain("SELECT '{x}'::public.trap_domain[]::text", TYPE),
    plain(r#"SELECT "public"."trap_domain" $$x$$"#, TYPE),
    plain("SELECT ROW(1)::public.pair::text", TYPE),
    plain("SELECT public.trap_domain('x')::text", UNKNOWN),
    plain(
        "SELECT p FROM public.cast_trap",
        "-> cast from public.pair to text -> function public.pair_text(",
    ),
    plain(
        "SELECT to_json(c)::text FROM public.cast_trap AS c",
        "-> cast from public.pair to text -> function public.pair_text(",
    ),
    plain(
        "SELECT max(m)::text FROM public.moods",
        "type public.mood -> support function -> function public.mood_order(",
    ),
    plain(
        "SELECT count(*)::text FROM (SELECT DISTINCT m FROM public.moods) AS d",
        "type public.mood -> support function -> function public.mood_order(",
    ),
    // What is run without being named.
    plain(
        "SELECT m AS value FROM public.of_domain",
        "public.of_domain -> column m -> type public.feel_domains -> domain over -> type public.feel_domain -> domain over -> type public.feel -> cast from public.feel to text -> function public.feel_text(",
    ),
    plain(
        "SELECT m[1] FROM public.of_array",
        "-> array of -> type public.feel_domain -> domain over -> type public.feel -> cast from public.feel to text -> function public.feel_text(",
    ),
    plain(
        "SELECT to_json(m)::text FROM public.of_array",
        "type public.feel -> ",
    ),
    plain(
        "SELECT (c).m FROM public.of_field",
        "type public.feel_field -> field m -> type public.feel -> cast from public.feel to text -> function public.feel_text(",
    ),
    plain(
        "SELECT json_agg(c)::text FROM public.of_field",
        "type public.feel_field -> field m -> type public.feel -> ",
    ),
    plain(
        "SELECT array_agg(m) FROM public.of_tone",
        "type public.tone -> its array type -> type public.tone[] -> cast from public.tone[] to text -> function public.tones_text(",
    ),
    plain(
        "SELECT r FROM public.of_row AS r",
        "public.of_row -> its row type -> type public.of_row -> cast from public.of_row to text -> function public.of_row_text(",
    ),
    plain(
        "SELECT v::text FROM public.by_case",
        "the view public.by_case -> operator public.=(public.hue,public.hue) -> function public.hue_is(",
    ),
    plain(
        "SELECT v::text FROM public.by_nullif",
        "the view public.by_nullif -> operator public.=(public.hue,public.hue) -> function public.hue_is(",
    ),
    plain(
        "SELECT v::text FROM public.by_distinct",
        "the view public.by_distinct -> operator public.=(public.hue,public.hue) -> function public.hue_is(",
    ),
    plain(
        "SELECT v::text FROM public.by_using",
        "the view public.by_using -> operator public.=(public.hue,public.hue) -> function public.hue_is(",
    ),
    plain(
        "SELECT v::text FROM public.by_natural",
        "the view public.by_natural -> operator public.=(public.hue,public.hue) -> function public.hue_is(",
    ),
    plain(
        "SELECT v::text FROM public.by_negator",
        "-> negator -> operator public.!~~~(public.hue,public.hue) -> function public.hue_is_not(",
    ),
    plain(
        "count public.where_operator WHERE true",
        "the index public.where_operator_i -> operator public.===(integer,integer) -> function public.same(",
    ),
    plain(
        "count public.check_operator WHERE true",
        "child -> public.check_operator_child -> constraint check_operator_child_id_check on table public.check_operator_child -> operator public.===(",
    ),
    plain(
        "count public.kept WHERE true",
        "public.kept -> the index public.kept_i -> function public.liar(integer)",
    ),
    plain(
        "count public.by_own WHERE id = 1",
        "public.by_own -> operator class public.int_own for access method btree -> operator family public.int_own for access method btree -> support function -> function public.int_order(",
    ),
    plain(
        "SELECT count(*)::text FROM (SELECT DISTINCT m FROM public.shaded) AS d",
        "type public.shade_domain -> domain over -> type public.shade -> operator -> operator public.=(public.shade,public.shade) -> function public.shade_is(",
    ),
    plain(
        "SELECT count(DISTINCT r)::text FROM public.ranged",
        "type public.own_range -> order of the range -> operator class public.int_own",
    ),
    // Views, row security, and what planning runs.
    plain("TABLE public.trap_view", "the view public.trap_view"),
    plain(
        "SELECT v::text FROM public.trap_nested",
        "the view public.trap_view",
    ),
    plain(
        "SELECT v::text FROM public.trap_third",
        "the view public.trap_view",
    ),
    plain(
        "SELECT v::text FROM public.trap_immutable",
        "the view public.trap_immutable",
    ),
    plain(
        "SELECT id::text FROM public.trap_where",
        "the view public.trap_where",
    ),
    plain("SELECT v FROM public.trap_builtin", "lo_create"),
    plain("SELECT v FROM public.trap_lock", "pg_advisory_lock"),
    plain("SELECT v FROM public.trap_notify", "pg_notify"),
    plain("SELECT v FROM public.trap_seq", "nextval"),
    plain("SELECT v FROM public.trap_xml", "query_to_xml"),
    plain("SELECT v FROM public.trap_agg", "public.agg"),
    plain("SELECT v::text FROM public.trap_window", "public.agg"),
    plain("SELECT v::text FROM public.trap_barrier", "public.steal"),
    plain("SELECT v::text FROM public.trap_domain_view", "trap_domain"),
    plain("SELECT v FROM public.trap_cast", "pair_text"),
    plain(
        "SELECT v::text FROM public.trap_operator",
        "the view public.trap_operator -> operator public.@@@(integer,integer) -> function public.plus(",
    ),
    plain(
        "SELECT (SELECT max(v) FROM public.trap_view)::text",
        "the view public.trap_view",
    ),
    plain(
        "WITH w AS (TABLE public.trap_view) SELECT v::text FROM w",
        "the view public.trap_view",
    ),
    plain(
        "SELECT '1' WHERE false AND EXISTS (TABLE public.trap_view)",
        "the view public.trap_view",
    ),
    plain(
        "SELECT count(*)::text FROM public.guarded",
        "public.guarded has row security, whose policies could run anything",
    ),
    plain(
        "SELECT count(*)::text FROM public.trap_guarded",
        "row security",
    ),
    plain(
        "SELECT g.*::text FROM public.victim AS v LEFT JOIN public.guarded AS g ON true",
        "public.guarded has row security",
    ),
    plain(
        "SELECT count(*)::text FROM public.planned",
        "public.planned -> the index public.planned_where -> function public.liar()",
    ),
    plain(
        "SELECT count(*)::text FROM public.checked",
        "-> function public.liar()",
    ),
    plain(
        "SELECT count(*)::text FROM public.parted",
        "child -> public.parted_one -> the index public.parted_where -> function public.liar()",
    ),
    plain(
        "SELECT count(*)::text FROM public.parent",
        "child -> public.child -> constraint child_check on table public.child -> function public.liar()",
    ),
    plain(
        "SELECT count(*)::text FROM ONLY public.child",
        "-> function public.liar()",
    ),
    // Extensions.
    with(
        "dblink",
        "SELECT public.dblink_exec('host=@DIR@ dbname=kb user=postgres', 'DELETE FROM public.victim')",
        UNKNOWN,
    ),
    with(
        "dblink",
        "SELECT v FROM public.dblink('host=@DIR@ dbname=kb user=postgres', 'SELECT public.steal()') AS t (v integer)",
        UNKNOWN,
    ),
    with("dblink", "SELECT public.far()", UNKNOWN),
    with("dblink", "SELECT v FROM public.far_view", "public.far()"),
    with(
        "dblink",
        "SELECT v FROM public.far_planned",
        "public.far_immutable",
    ),
    with(
        "dblink",
        "SELECT id::text FROM public.far_guarded",
        "public.far_guarded has row security",
    ),
    with(
        "postgres_fdw",
        "SELECT v::text FROM public.away_view",
        "public.away_view is a foreign table",
    ),
    with(
        "postgres_fdw",
        "SELECT v::text FROM public.over_away",
        "public.away_view is a foreign table",
    ),
    with(
        "postgres_fdw",
        "SELECT v::text FROM public.mixed",
        "public.mixed_far is a foreign table",
    ),
    with(
        "postgres_fdw",
        "SELECT v::text FROM public.heir_of",
        "public.heir is a foreign table",
    ),
    with(
        "tablefunc",
        "SELECT * FROM public.crosstab('SELECT public.steal(), 1, 1') AS t (a integer, b integer)",
        UNKNOWN,
    ),
    with(
        "tablefunc",
        "SELECT * FROM public.connectby('public.trap_view', 'v', 'v', '1', 0) AS t (a text, b text, c integer)",
        UNKNOWN,
    ),
    // What no server should be asked.
    plain("SELECT '1'\0", "NUL"),
];
