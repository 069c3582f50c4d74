SELECT 'policies', '', 'pg_catalog.pg_policy'::pg_catalog.regclass::pg_catalog.oid, p.oid
  FROM pg_catalog.pg_policy AS p
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND p.polrelid = n.id
