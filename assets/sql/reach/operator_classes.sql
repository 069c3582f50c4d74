SELECT 'operator classes', '', 'pg_catalog.pg_opclass'::pg_catalog.regclass::pg_catalog.oid, o.oid
  FROM pg_catalog.pg_opclass AS o
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND o.opcintype = n.id
UNION ALL
SELECT 'operator classes', e.how, e.class::pg_catalog.oid, e.id::pg_catalog.oid
  FROM pg_catalog.pg_opclass AS o
 CROSS JOIN LATERAL (VALUES ('', 'pg_catalog.pg_opfamily'::pg_catalog.regclass, o.opcfamily),
                            ('stored as', 'pg_catalog.pg_type'::pg_catalog.regclass, o.opckeytype)) AS e (how, class, id)
 WHERE n.class = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND o.oid = n.id AND (e.how = '' OR e.id >= 16384)
UNION ALL
SELECT 'operator classes', 'support function', 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, m.amproc::pg_catalog.oid
  FROM pg_catalog.pg_amproc AS m
 WHERE n.class = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND m.amprocfamily = n.id AND (n.id >= 16384 OR m.amproc >= 16384)
UNION ALL
SELECT 'operator classes', 'support function', 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, m.amproc::pg_catalog.oid
  FROM pg_catalog.pg_amproc AS m
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND (m.amproclefttype = n.id OR m.amprocrighttype = n.id)
UNION ALL
-- Comparing and hashing run the operators of a family; those of other access methods run only where an expression names them.
SELECT 'operator classes', 'operator', 'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid, m.amopopr
  FROM pg_catalog.pg_amop AS m
  JOIN pg_catalog.pg_am AS a ON a.oid = m.amopmethod AND (a.oid >= 16384 OR a.amname IN ('btree', 'hash'))
 WHERE n.class = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND m.amopfamily = n.id AND (n.id >= 16384 OR m.amopopr >= 16384)
UNION ALL
SELECT 'operator classes', 'operator', 'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid, m.amopopr
  FROM pg_catalog.pg_amop AS m
  JOIN pg_catalog.pg_am AS a ON a.oid = m.amopmethod AND (a.oid >= 16384 OR a.amname IN ('btree', 'hash'))
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND (m.amoplefttype = n.id OR m.amoprighttype = n.id)
