SELECT 'domains', 'domain over', 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, y.typbasetype
  FROM pg_catalog.pg_type AS y
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND y.oid = n.id AND y.typbasetype >= 16384
UNION ALL
SELECT 'domains', '', 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid, k.oid
  FROM pg_catalog.pg_constraint AS k
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND k.contypid = n.id AND k.contype = 'c'
