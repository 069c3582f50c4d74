SELECT 'rules', '', 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid, r.oid
  FROM pg_catalog.pg_rewrite AS r
  JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class AND c.relkind = 'v'
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND r.ev_class = n.id AND r.ev_type = '1'
