SELECT 'operators', e.how, e.class::pg_catalog.oid, e.id::pg_catalog.oid
  FROM pg_catalog.pg_operator AS o
 CROSS JOIN LATERAL (VALUES ('', 'pg_catalog.pg_proc'::pg_catalog.regclass, o.oprcode::pg_catalog.oid),
                            ('estimate', 'pg_catalog.pg_proc'::pg_catalog.regclass, o.oprrest::pg_catalog.oid),
                            ('estimate of a join', 'pg_catalog.pg_proc'::pg_catalog.regclass, o.oprjoin::pg_catalog.oid),
                            -- The planner turns an expression round by these.
                            ('commutator', 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oprcom),
                            ('negator', 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oprnegate)) AS e (how, class, id)
 WHERE n.class = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = n.id AND e.id <> 0
