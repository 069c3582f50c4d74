//! What stands in for a part of PostgreSQL, so that any statement could run it. Invariant: our own statements could not, so that a survey stands and every query is refused.

/// One of them.
#[derive(Clone, Copy)]
pub struct Forgery {
    /// How a superuser makes it.
    pub plant: &'static str,
    /// How it is taken away.
    pub undo: &'static str,
}

/// All of them.
pub const FORGERIES: &[Forgery] = &[
    Forgery {
        plant: "CREATE FUNCTION public.ring_order(point, point) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of a sort executed'; RETURN 0; END$$;
                CREATE OPERATOR CLASS public.ring_sorted FOR TYPE point USING btree AS OPERATOR 1 <<, OPERATOR 3 ~=, FUNCTION 1 public.ring_order(point, point)",
        undo: "DROP OPERATOR FAMILY public.ring_sorted USING btree; DROP FUNCTION public.ring_order(point, point)",
    },
    Forgery {
        plant: "CREATE FUNCTION public.ring_default() RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of a default executed'; RETURN '{}'; END$$;
                CREATE OR REPLACE FUNCTION pg_catalog.jsonb_path_exists(target jsonb, path jsonpath, vars jsonb DEFAULT public.ring_default(), silent boolean DEFAULT false)
                  RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'jsonb_path_exists'",
        undo: "CREATE OR REPLACE FUNCTION pg_catalog.jsonb_path_exists(target jsonb, path jsonpath, vars jsonb DEFAULT '{}', silent boolean DEFAULT false)
                 RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'jsonb_path_exists'; DROP FUNCTION public.ring_default()",
    },
    Forgery {
        plant: "CREATE FUNCTION public.ring_true() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of a domain executed'; RETURN true; END$$;
                CREATE DOMAIN pg_catalog.ring_word AS text CHECK (public.ring_true())",
        undo: "DROP DOMAIN pg_catalog.ring_word; DROP FUNCTION public.ring_true()",
    },
    Forgery {
        plant: "CREATE FUNCTION public.ring_json(json, json) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of a class executed'; RETURN 0; END$$;
                CREATE OPERATOR CLASS public.ring_json_ops DEFAULT FOR TYPE json USING btree AS FUNCTION 1 public.ring_json(json, json)",
        undo: "DROP OPERATOR FAMILY public.ring_json_ops USING btree; DROP FUNCTION public.ring_json(json, json)",
    },
    Forgery {
        plant: "CREATE OR REPLACE FUNCTION pg_catalog.bit_length(text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE LOG 'trap of a body executed'; RETURN 1; END$$",
        undo: "CREATE OR REPLACE FUNCTION pg_catalog.bit_length(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'select pg_catalog.octet_length($1) * 8'",
    },
];
