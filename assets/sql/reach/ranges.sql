SELECT 'ranges', e.how, e.class::pg_catalog.oid, e.id::pg_catalog.oid
  FROM pg_catalog.pg_range AS r
 CROSS JOIN LATERAL (VALUES ('range over', 'pg_catalog.pg_type'::pg_catalog.regclass, r.rngsubtype),
                            ('order of the range', 'pg_catalog.pg_opclass'::pg_catalog.regclass, r.rngsubopc),
                            ('canonical form', 'pg_catalog.pg_proc'::pg_catalog.regclass, r.rngcanonical::pg_catalog.oid),
                            ('subtype difference', 'pg_catalog.pg_proc'::pg_catalog.regclass, r.rngsubdiff::pg_catalog.oid),
                            -- Multiranges exist since PostgreSQL 14.
                            ('its multirange type', 'pg_catalog.pg_type'::pg_catalog.regclass, (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid)) AS e (how, class, id)
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND r.rngtypid = n.id
   AND (e.id >= 16384 OR e.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.id <> 0)
UNION ALL
SELECT 'ranges', 'multirange of', 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, r.rngtypid
  FROM pg_catalog.pg_range AS r
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid = n.id
