//! Objects that turn a plain SELECT into something else; a superuser made them. Invariant: every one of them has an effect when it is reached.

use drygate::postgres::throwaway::Cluster;

use super::support::{extension, load};

/// Traps that need no extension.
const PLAIN: &str = "
CREATE TABLE public.victim (id integer, note text DEFAULT 'x');
INSERT INTO public.victim VALUES (1, 'one');
CREATE SEQUENCE public.s;
CREATE FUNCTION public.steal() RETURNS integer LANGUAGE sql VOLATILE SECURITY DEFINER
  AS 'INSERT INTO public.victim VALUES (1) RETURNING id';
CREATE FUNCTION public.liar() RETURNS integer LANGUAGE plpgsql IMMUTABLE
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(7); RETURN 1; END';
CREATE FUNCTION public.liar(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(7); RETURN $1; END';
CREATE FUNCTION public.row_of(public.victim) RETURNS integer LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(9); RETURN 1; END';
CREATE PROCEDURE public.proc() LANGUAGE plpgsql AS 'BEGIN PERFORM public.steal(); COMMIT; END';
CREATE FUNCTION public.many() RETURNS SETOF integer LANGUAGE sql AS 'SELECT public.steal()';
CREATE AGGREGATE public.agg(integer) (SFUNC = pg_catalog.int4pl, STYPE = integer);
CREATE FUNCTION public.\"Odd Name\"() RETURNS integer LANGUAGE sql AS 'SELECT public.steal()';
CREATE FUNCTION public.md5(text) RETURNS text LANGUAGE sql AS 'SELECT public.steal()::text';
CREATE FUNCTION public.lower_lock(text) RETURNS text LANGUAGE internal STRICT AS 'lower';
CREATE VIEW public.trap_view AS SELECT public.steal() AS v;
CREATE VIEW public.trap_nested AS SELECT v FROM public.trap_view;
CREATE VIEW public.trap_third AS SELECT n.v FROM public.trap_nested AS n WHERE n.v > 0;
CREATE VIEW public.trap_immutable AS SELECT public.liar() AS v;
CREATE VIEW public.trap_where AS SELECT id FROM public.victim WHERE public.liar(id) = 1;
CREATE VIEW public.trap_builtin AS SELECT pg_catalog.lo_create(0)::text AS v;
CREATE VIEW public.trap_lock AS SELECT pg_catalog.pg_advisory_lock(3)::text AS v;
CREATE VIEW public.trap_notify AS SELECT pg_catalog.pg_notify('hostile', 'view')::text AS v;
CREATE VIEW public.trap_seq AS SELECT pg_catalog.nextval('public.s')::text AS v;
CREATE VIEW public.trap_xml AS SELECT pg_catalog.query_to_xml('SELECT 1', true, true, '')::text AS v;
CREATE VIEW public.trap_agg AS SELECT public.agg(id)::text AS v FROM public.victim;
CREATE VIEW public.trap_window AS SELECT public.agg(id) OVER (ORDER BY id) AS v FROM public.victim;
CREATE VIEW public.trap_barrier WITH (security_barrier) AS SELECT public.steal() AS v;
CREATE TABLE public.guarded (id integer);
ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON public.guarded USING (public.liar() = 1);
CREATE VIEW public.trap_guarded AS SELECT id FROM public.guarded;
CREATE DOMAIN public.trap_domain AS text CHECK (public.liar() = 1);
CREATE TYPE public.pair AS (a integer);
CREATE FUNCTION public.pair_text(public.pair) RETURNS text LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(8); RETURN 1; END';
CREATE CAST (public.pair AS text) WITH FUNCTION public.pair_text(public.pair) AS ASSIGNMENT;
CREATE TABLE public.cast_trap (p public.pair);
INSERT INTO public.cast_trap VALUES (ROW(1));
CREATE VIEW public.trap_domain_view AS SELECT 'x'::public.trap_domain AS v;
CREATE VIEW public.trap_cast AS SELECT p::text AS v FROM public.cast_trap;
CREATE FUNCTION public.plus(integer, integer) RETURNS integer LANGUAGE sql AS 'SELECT public.steal()';
CREATE OPERATOR public.+ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = public.plus);
CREATE OPERATOR public.@@@ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = public.plus);
CREATE VIEW public.trap_operator AS SELECT 1 OPERATOR(public.@@@) 2 AS v;
CREATE TABLE public.planned (id integer);
INSERT INTO public.planned VALUES (1);
CREATE INDEX planned_where ON public.planned (id) WHERE public.liar() = 1;
CREATE TABLE public.checked (id integer CHECK (id IS NULL OR public.liar() = 1));
CREATE TABLE public.parted (id integer) PARTITION BY RANGE (id);
CREATE TABLE public.parted_one PARTITION OF public.parted FOR VALUES FROM (0) TO (10);
CREATE INDEX parted_where ON public.parted_one (id) WHERE public.liar() = 1;
CREATE TABLE public.parent (id integer);
CREATE TABLE public.child (CHECK (public.liar() = 1)) INHERITS (public.parent);
CREATE TYPE public.mood AS ENUM ('low', 'high');
CREATE FUNCTION public.mood_order(public.mood, public.mood) RETURNS integer LANGUAGE plpgsql IMMUTABLE
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(11); RETURN 0; END';
CREATE FUNCTION public.mood_is(public.mood, public.mood) RETURNS boolean LANGUAGE sql AS 'SELECT true';
DO $$ DECLARE o text; BEGIN FOREACH o IN ARRAY ARRAY['<', '<=', '=', '>=', '>'] LOOP
  EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = public.mood, RIGHTARG = public.mood, FUNCTION = public.mood_is)', o);
END LOOP; END $$;
CREATE OPERATOR CLASS public.mood_ops DEFAULT FOR TYPE public.mood USING btree AS
  OPERATOR 1 public.<, OPERATOR 2 public.<=, OPERATOR 3 public.=, OPERATOR 4 public.>=, OPERATOR 5 public.>,
  FUNCTION 1 public.mood_order(public.mood, public.mood);
CREATE TABLE public.moods (m public.mood);
INSERT INTO public.moods VALUES ('low'), ('high');
GRANT SELECT ON ALL TABLES IN SCHEMA public TO context_pack_readonly;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO context_pack_readonly;
";

/// What a statement runs without naming it, a kind a paragraph: casts below other types, operators that a printed view does not
/// show, what the planner folds, partition keys, comparisons and ranges.
const UNNAMED: &str = "
CREATE TYPE public.feel AS ENUM ('low', 'high');
CREATE FUNCTION public.feel_text(public.feel) RETURNS text LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(21); RETURN 1; END';
CREATE FUNCTION public.feel_json(public.feel) RETURNS json LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(22); RETURN 1; END';
CREATE CAST (public.feel AS text) WITH FUNCTION public.feel_text(public.feel);
CREATE CAST (public.feel AS json) WITH FUNCTION public.feel_json(public.feel);
CREATE FUNCTION public.feels_text(public.feel[]) RETURNS text LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(23); RETURN 1; END';
CREATE TYPE public.tone AS ENUM ('low', 'high');
CREATE FUNCTION public.tones_text(public.tone[]) RETURNS text LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(24); RETURN 1; END';
CREATE CAST (public.tone[] AS text) WITH FUNCTION public.tones_text(public.tone[]);
CREATE DOMAIN public.feel_domain AS public.feel;
CREATE DOMAIN public.feel_domains AS public.feel_domain;
CREATE TYPE public.feel_field AS (n integer, m public.feel);
CREATE TABLE public.of_domain (m public.feel_domains);
CREATE TABLE public.of_array (m public.feel_domain[]);
CREATE TABLE public.of_field (c public.feel_field);
CREATE TABLE public.of_tone (m public.tone);
CREATE TABLE public.of_row (id integer);
INSERT INTO public.of_domain VALUES ('low');
INSERT INTO public.of_array VALUES (ARRAY['low']::public.feel_domain[]);
INSERT INTO public.of_field VALUES (ROW(1, 'low'));
INSERT INTO public.of_tone VALUES ('low');
INSERT INTO public.of_row VALUES (1);
CREATE FUNCTION public.of_row_text(public.of_row) RETURNS text LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(25); RETURN 1; END';
CREATE CAST (public.of_row AS text) WITH FUNCTION public.of_row_text(public.of_row);

CREATE TYPE public.hue AS ENUM ('red', 'blue');
CREATE FUNCTION public.hue_is(public.hue, public.hue) RETURNS boolean LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(31); RETURN true; END';
CREATE FUNCTION public.hue_is_not(public.hue, public.hue) RETURNS boolean LANGUAGE plpgsql
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(32); RETURN false; END';
CREATE OPERATOR public.= (LEFTARG = public.hue, RIGHTARG = public.hue, FUNCTION = public.hue_is);
CREATE FUNCTION public.hue_like(public.hue, public.hue) RETURNS boolean LANGUAGE internal IMMUTABLE AS 'enum_eq';
CREATE OPERATOR public.~~~ (LEFTARG = public.hue, RIGHTARG = public.hue, FUNCTION = public.hue_like, NEGATOR = OPERATOR(public.!~~~));
CREATE OPERATOR public.!~~~ (LEFTARG = public.hue, RIGHTARG = public.hue, FUNCTION = public.hue_is_not, NEGATOR = OPERATOR(public.~~~));
CREATE TABLE public.hued (id integer, m public.hue);
INSERT INTO public.hued VALUES (1, 'red');
SET search_path = public, pg_catalog;
CREATE VIEW public.by_case AS SELECT CASE m WHEN 'red'::hue THEN 1 ELSE 2 END AS v FROM hued;
CREATE VIEW public.by_nullif AS SELECT NULLIF(m, 'red'::hue) IS NULL AS v FROM hued;
CREATE VIEW public.by_distinct AS SELECT m IS DISTINCT FROM 'red'::hue AS v FROM hued;
CREATE VIEW public.by_using AS SELECT a.id AS v FROM hued AS a JOIN hued AS b USING (m);
CREATE VIEW public.by_natural AS SELECT a.id AS v FROM hued AS a NATURAL JOIN hued AS b;
CREATE VIEW public.by_negator AS SELECT id AS v FROM hued WHERE NOT (m ~~~ 'red'::hue);
RESET search_path;

CREATE FUNCTION public.same(integer, integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(41); RETURN true; END';
CREATE OPERATOR public.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = public.same);
CREATE TABLE public.where_operator (id integer);
CREATE INDEX where_operator_i ON public.where_operator (id) WHERE 1 OPERATOR(public.===) 1;
CREATE TABLE public.check_operator (id integer);
CREATE TABLE public.check_operator_child (CHECK (id OPERATOR(public.===) 1)) INHERITS (public.check_operator);
CREATE MATERIALIZED VIEW public.kept AS SELECT 1 AS id;
CREATE INDEX kept_i ON public.kept ((public.liar(id)));

CREATE FUNCTION public.int_order(integer, integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(51); RETURN pg_catalog.btint4cmp($1, $2); END';
CREATE OPERATOR CLASS public.int_own FOR TYPE integer USING btree AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 public.int_order(integer, integer);
CREATE TABLE public.by_own (id integer) PARTITION BY RANGE (id public.int_own);
CREATE TABLE public.by_own_one PARTITION OF public.by_own FOR VALUES FROM (0) TO (10);
CREATE TABLE public.by_own_two PARTITION OF public.by_own FOR VALUES FROM (10) TO (20);

CREATE TYPE public.shade AS ENUM ('dark', 'light');
CREATE FUNCTION public.shade_order(public.shade, public.shade) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'enum_cmp';
CREATE FUNCTION public.shade_is(public.shade, public.shade) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
  AS 'BEGIN PERFORM pg_catalog.pg_advisory_lock(61); RETURN true; END';
CREATE FUNCTION public.shade_lt(public.shade, public.shade) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'enum_lt';
CREATE OPERATOR public.= (LEFTARG = public.shade, RIGHTARG = public.shade, FUNCTION = public.shade_is);
CREATE OPERATOR public.< (LEFTARG = public.shade, RIGHTARG = public.shade, FUNCTION = public.shade_lt);
CREATE OPERATOR CLASS public.shade_ops DEFAULT FOR TYPE public.shade USING btree AS
  OPERATOR 1 public.<, OPERATOR 3 public.=, FUNCTION 1 public.shade_order(public.shade, public.shade);
CREATE DOMAIN public.shade_domain AS public.shade;
CREATE TABLE public.shaded (m public.shade_domain);
INSERT INTO public.shaded VALUES ('dark'), ('dark');

CREATE TYPE public.own_range AS RANGE (SUBTYPE = integer, SUBTYPE_OPCLASS = public.int_own);
CREATE TABLE public.ranged (r public.own_range);
INSERT INTO public.ranged VALUES ('[1,2]'), ('[1,2]');
GRANT SELECT ON ALL TABLES IN SCHEMA public TO context_pack_readonly;
";

/// Traps by extension. `@DIR@` is the directory of the server's socket.
const EXTENDED: [(&str, &str); 3] = [
    (
        "dblink",
        "CREATE FUNCTION public.far() RETURNS text LANGUAGE sql SECURITY DEFINER AS
           $$SELECT public.dblink_exec('host=@DIR@ port=5432 dbname=kb user=postgres', 'INSERT INTO public.victim VALUES (99)')$$;
         CREATE FUNCTION public.far_immutable() RETURNS text LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER AS
           $$BEGIN RETURN public.dblink_exec('host=@DIR@ port=5432 dbname=kb user=postgres', 'INSERT INTO public.victim VALUES (98)'); END$$;
         CREATE VIEW public.far_view AS SELECT public.far() AS v;
         CREATE VIEW public.far_planned AS SELECT public.far_immutable() AS v;
         CREATE TABLE public.far_guarded (id integer);
         INSERT INTO public.far_guarded VALUES (1);
         ALTER TABLE public.far_guarded ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p ON public.far_guarded USING (public.far() IS NOT NULL);
         GRANT SELECT ON public.far_view, public.far_planned, public.far_guarded TO context_pack_readonly",
    ),
    (
        "postgres_fdw",
        "CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '@DIR@', port '5432', dbname 'kb');
         CREATE USER MAPPING FOR PUBLIC SERVER away OPTIONS (user 'postgres', password_required 'false');
         CREATE FUNCTION public.far_write() RETURNS integer LANGUAGE plpgsql AS
           $$BEGIN INSERT INTO public.victim VALUES (97); RETURN 1; END$$;
         CREATE VIEW public.writing AS SELECT public.far_write() AS v;
         CREATE FOREIGN TABLE public.away_view (v integer) SERVER away OPTIONS (schema_name 'public', table_name 'writing');
         CREATE VIEW public.over_away AS SELECT v FROM public.away_view;
         CREATE TABLE public.mixed (v integer) PARTITION BY RANGE (v);
         CREATE FOREIGN TABLE public.mixed_far PARTITION OF public.mixed FOR VALUES FROM (0) TO (10)
           SERVER away OPTIONS (schema_name 'public', table_name 'writing');
         CREATE TABLE public.heir_of (v integer);
         CREATE FOREIGN TABLE public.heir (v integer) INHERITS (public.heir_of)
           SERVER away OPTIONS (schema_name 'public', table_name 'writing');
         GRANT SELECT ON public.away_view, public.over_away, public.mixed, public.heir_of TO context_pack_readonly",
    ),
    ("tablefunc", "SELECT 1"),
];

/// Sets the traps and returns the extensions that they could use.
pub fn set(cluster: &Cluster, version: &str) -> Vec<&'static str> {
    load(cluster, PLAIN);
    load(cluster, UNNAMED);
    let dir = cluster.socket_dir().display().to_string();
    let mut had = Vec::new();
    for (name, sql) in EXTENDED {
        if extension(cluster, version, name) {
            load(cluster, &sql.replace("@DIR@", &dir));
            had.push(name);
        }
    }
    had
}
