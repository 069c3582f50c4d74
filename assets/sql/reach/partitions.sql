SELECT 'partitions', '', 'pg_catalog.pg_opclass'::pg_catalog.regclass::pg_catalog.oid, o.oid
  FROM pg_catalog.pg_partitioned_table AS k CROSS JOIN LATERAL pg_catalog.unnest(k.partclass) AS o (oid)
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND k.partrelid = n.id AND o.oid >= 16384
