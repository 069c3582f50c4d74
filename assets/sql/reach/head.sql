WITH RECURSIVE node (class, id) AS (
  (SELECT 0::pg_catalog.oid, 0::pg_catalog.oid
   UNION ALL
   SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, s.oid
     FROM pg_catalog.unnest(pg_catalog.string_to_array($1, E'\n')::pg_catalog.oid[]) AS s (oid)
   UNION ALL
   SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, p.oid
     FROM pg_catalog.pg_proc AS p
     JOIN pg_catalog.pg_namespace AS s ON s.oid = p.pronamespace
    WHERE p.oid >= 16384 AND (s.nspname || '.' || p.proname) = ANY (pg_catalog.string_to_array($2, E'\n'))
   UNION ALL
   SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, y.oid
     FROM pg_catalog.pg_type AS y
     JOIN pg_catalog.pg_namespace AS s ON s.oid = y.typnamespace
    WHERE y.oid >= 16384 AND (s.nspname || '.' || y.typname) = ANY (pg_catalog.string_to_array($2, E'\n')))
  UNION
  SELECT e.class, e.id
    FROM node AS n
   CROSS JOIN LATERAL (
