SELECT 'schema' AS kind, n.nspname::pg_catalog.text AS schema, NULL::pg_catalog.text AS name, NULL::pg_catalog.text AS details
  FROM pg_catalog.pg_namespace AS n
 WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'relation', n.nspname, c.relname,
       pg_catalog.json_build_object(
         'is_table', c.relkind IN ('r', 'p') AND NOT c.relispartition,
         'rows', c.reltuples::pg_catalog.int8,
         'row_security', c.relrowsecurity,
         'may_be_read', pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'),
         'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
                       FROM pg_catalog.pg_attribute AS a
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
         'row_key', (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
                       FROM pg_catalog.pg_index AS i
                       JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                      WHERE i.indrelid = c.oid AND i.indisprimary))::pg_catalog.text
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT DISTINCT 'function', n.nspname::pg_catalog.text, p.proname::pg_catalog.text, NULL::pg_catalog.text
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
UNION ALL
SELECT 'role', NULL, r.rolname, NULL
  FROM pg_catalog.pg_roles AS r
 ORDER BY 1, 2, 3
