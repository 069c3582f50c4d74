SELECT 'schema' AS kind, n.nspname::pg_catalog.text AS schema, NULL::pg_catalog.text AS name, NULL::pg_catalog.text AS details
  FROM pg_catalog.pg_namespace AS n
 WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'relation', n.nspname, c.relname,
       pg_catalog.json_build_object(
         'is_table', c.relkind IN ('r', 'p') AND NOT c.relispartition,
         'written', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
         'partition_of', (SELECT pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.relname)
                            FROM pg_catalog.pg_class AS p
                            JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
                           WHERE c.relispartition AND p.oid = pg_catalog.pg_partition_root(c.oid::pg_catalog.regclass)),
         'rows', c.reltuples::pg_catalog.int8,
         'row_security', c.relrowsecurity,
         'may_be_read', pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'),
         'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum)
                       FROM pg_catalog.pg_attribute AS a
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
         'unique_keys', CASE WHEN c.relkind IN ('r', 'p') THEN coalesce((SELECT pg_catalog.json_agg(k.columns ORDER BY k.place, k.oid)
                           FROM (SELECT i.indexrelid AS oid, CASE WHEN i.indisprimary THEN 0 ELSE 1 END AS place,
                                        pg_catalog.json_agg(a.attname ORDER BY n.nth) AS columns
                                   FROM pg_catalog.pg_index AS i
                                  CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts - 1) AS n (nth)
                                   LEFT JOIN pg_catalog.pg_attribute AS a
                                          ON a.attrelid = c.oid AND a.attnum = i.indkey[n.nth] AND a.attnum > 0 AND a.attnotnull
                                  WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                                  GROUP BY i.indexrelid, i.indisprimary
                                 HAVING pg_catalog.count(a.attnum) = pg_catalog.count(*)) AS k), pg_catalog.json_build_array()) END)::pg_catalog.text
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT DISTINCT 'function', n.nspname::pg_catalog.text, p.proname::pg_catalog.text, NULL::pg_catalog.text
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
UNION ALL
SELECT 'role', NULL, r.rolname, r.rolcanlogin::pg_catalog.text
  FROM pg_catalog.pg_roles AS r
 ORDER BY 1, 2, 3
