SELECT 'arrays', 'array of', 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, y.typelem
  FROM pg_catalog.pg_type AS y
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND y.oid = n.id AND y.typelem >= 16384
UNION ALL
SELECT 'arrays', 'its array type', 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, y.typarray
  FROM pg_catalog.pg_type AS y
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND y.oid = n.id AND y.typarray >= 16384
