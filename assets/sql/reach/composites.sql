SELECT 'composites', 'field ' || pg_catalog.translate(pg_catalog.quote_ident(a.attname), E'\t\n', '  '), 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, a.atttypid
  FROM pg_catalog.pg_type AS y
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = y.typrelid AND a.attnum > 0 AND a.atttypid >= 16384
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND y.oid = n.id AND y.typtype = 'c'
