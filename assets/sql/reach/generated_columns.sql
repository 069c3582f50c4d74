SELECT 'generated columns', '', 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid, d.oid
  FROM pg_catalog.pg_attrdef AS d
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.adrelid = n.id AND a.attgenerated = 'v'
