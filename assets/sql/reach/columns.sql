SELECT 'columns', 'column ' || pg_catalog.translate(pg_catalog.quote_ident(a.attname), E'\t\n', '  '), 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, a.atttypid
  FROM pg_catalog.pg_attribute AS a
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND a.attrelid = n.id AND a.attnum > 0 AND a.atttypid >= 16384
UNION ALL
SELECT 'columns', 'its row type', 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, y.oid
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_type AS y ON y.oid = c.reltype
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = n.id AND c.relkind <> 'c'
   AND EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                WHERE d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid IN (y.oid, y.typarray)
                  AND d.classid IN ('pg_catalog.pg_cast'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass, 'pg_catalog.pg_amproc'::pg_catalog.regclass, 'pg_catalog.pg_amop'::pg_catalog.regclass))
