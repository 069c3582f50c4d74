SELECT 'indexes', '', 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, x.indexrelid
  FROM pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS c ON c.oid = x.indexrelid
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.indrelid = n.id
   AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL OR c.relam >= 16384 OR EXISTS (SELECT FROM pg_catalog.unnest(x.indclass) AS o (oid) WHERE o.oid >= 16384))
UNION ALL
SELECT 'indexes', '', 'pg_catalog.pg_opclass'::pg_catalog.regclass::pg_catalog.oid, o.oid
  FROM pg_catalog.pg_index AS x CROSS JOIN LATERAL pg_catalog.unnest(x.indclass) AS o (oid)
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.indexrelid = n.id AND o.oid >= 16384
UNION ALL
SELECT 'indexes', '', 'pg_catalog.pg_am'::pg_catalog.regclass::pg_catalog.oid, c.relam
  FROM pg_catalog.pg_class AS c
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = n.id AND c.relam >= 16384
UNION ALL
SELECT 'indexes', 'handler', 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, a.amhandler::pg_catalog.oid
  FROM pg_catalog.pg_am AS a
 WHERE n.class = 'pg_catalog.pg_am'::pg_catalog.regclass AND a.oid = n.id
