SELECT (c.relfilenode = pg_catalog.pg_relation_filenode(c.oid) AND c.relkind = 'r')::pg_catalog.text
  FROM pg_catalog.pg_class AS c
 WHERE c.oid = $1::pg_catalog.text::pg_catalog.oid
