SELECT 'type functions', e.how, 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, e.id
  FROM pg_catalog.pg_type AS y
 CROSS JOIN LATERAL (VALUES ('input', y.typinput::pg_catalog.oid),
                            ('output', y.typoutput::pg_catalog.oid),
                            ('receive', y.typreceive::pg_catalog.oid),
                            ('send', y.typsend::pg_catalog.oid),
                            ('modifier input', y.typmodin::pg_catalog.oid),
                            ('modifier output', y.typmodout::pg_catalog.oid),
                            -- Since PostgreSQL 14.
                            ('subscript', pg_catalog.to_regproc(pg_catalog.to_jsonb(y) ->> 'typsubscript')::pg_catalog.oid)) AS e (how, id)
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND y.oid = n.id AND e.id >= 16384
