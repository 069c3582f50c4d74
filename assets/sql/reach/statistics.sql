SELECT 'statistics', '', 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::pg_catalog.oid, s.oid
  FROM pg_catalog.pg_statistic_ext AS s
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND s.stxrelid = n.id
