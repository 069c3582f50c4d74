WITH RECURSIVE step (from_class, from_id, resolver, how, class, id) AS (
  (SELECT NULL::pg_catalog.oid, NULL::pg_catalog.oid, NULL::pg_catalog.text COLLATE "C", NULL::pg_catalog.text COLLATE "C", 0::pg_catalog.oid, 0::pg_catalog.oid
   UNION ALL
   SELECT NULL, NULL, NULL, NULL, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, s.oid
     FROM pg_catalog.unnest(pg_catalog.string_to_array($1, E'\n')::pg_catalog.oid[]) AS s (oid)
   UNION ALL
   SELECT NULL, NULL, NULL, NULL, 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, p.oid
     FROM pg_catalog.pg_proc AS p
     JOIN pg_catalog.pg_namespace AS s ON s.oid = p.pronamespace
    WHERE p.oid >= 16384 AND (s.nspname || '.' || p.proname) = ANY (pg_catalog.string_to_array($2, E'\n'))
   UNION ALL
   SELECT NULL, NULL, NULL, NULL, 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, y.oid
     FROM pg_catalog.pg_type AS y
     JOIN pg_catalog.pg_namespace AS s ON s.oid = y.typnamespace
    WHERE y.oid >= 16384 AND (s.nspname || '.' || y.typname) = ANY (pg_catalog.string_to_array($2, E'\n'))
   UNION ALL
   SELECT NULL, NULL, NULL, NULL, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, c.oid
     FROM pg_catalog.unnest(pg_catalog.string_to_array($4, E'\n')) AS w (pair)
     JOIN pg_catalog.pg_namespace AS s ON s.nspname = pg_catalog.split_part(w.pair, E'\t', 1)::pg_catalog.name
     JOIN pg_catalog.pg_class AS c ON c.relnamespace = s.oid AND c.relname = pg_catalog.split_part(w.pair, E'\t', 2)::pg_catalog.name
    WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p'))
  UNION
  SELECT n.class, n.id, e.resolver COLLATE "C", e.how COLLATE "C", e.class, e.id
    FROM (SELECT DISTINCT s.class, s.id FROM step AS s) AS n
   CROSS JOIN LATERAL (
