SELECT 'inheritance'::pg_catalog.text AS resolver, 'child'::pg_catalog.text AS how, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS class, i.inhrelid AS id
  FROM pg_catalog.pg_inherits AS i
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.inhparent = n.id
