SELECT 'constraints', '', 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid, k.oid
  FROM pg_catalog.pg_constraint AS k
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND k.conrelid = n.id AND k.contype IN ('c', 'x')
UNION ALL
SELECT 'constraints', '', 'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid, o.oid
  FROM pg_catalog.pg_constraint AS k CROSS JOIN LATERAL pg_catalog.unnest(k.conexclop) AS o (oid)
 WHERE n.class = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = n.id AND o.oid >= 16384
