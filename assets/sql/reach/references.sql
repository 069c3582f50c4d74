-- What a stored expression refers to, as the server noted it: everything that is not PostgreSQL's own.
SELECT CASE n.class WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN 'rules'
                    WHEN 'pg_catalog.pg_policy'::pg_catalog.regclass THEN 'policies'
                    WHEN 'pg_catalog.pg_attrdef'::pg_catalog.regclass THEN 'generated columns'
                    WHEN 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass THEN 'statistics'
                    WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 'built-ins'
                    ELSE 'constraints' END, '', d.refclassid, d.refobjid
  FROM pg_catalog.pg_depend AS d
 WHERE n.class IN ('pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass, 'pg_catalog.pg_attrdef'::pg_catalog.regclass,
                   'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, 'pg_catalog.pg_constraint'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass)
   -- Of a function only what the body of one of PostgreSQL's own refers to, which would be somebody's doing.
   AND (n.class <> 'pg_catalog.pg_proc'::pg_catalog.regclass OR n.id < 16384 AND d.refobjid >= 16384)
   AND d.classid = n.class AND d.objid = n.id
   AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass,
                        'pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass, 'pg_catalog.pg_opfamily'::pg_catalog.regclass,
                        'pg_catalog.pg_ts_config'::pg_catalog.regclass, 'pg_catalog.pg_ts_dict'::pg_catalog.regclass)
UNION ALL
SELECT CASE c.relkind WHEN 'p' THEN 'partitions' ELSE 'indexes' END, '', d.refclassid, d.refobjid
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = n.id AND c.relkind IN ('i', 'I', 'p')
   AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass,
                        'pg_catalog.pg_opfamily'::pg_catalog.regclass, 'pg_catalog.pg_ts_config'::pg_catalog.regclass, 'pg_catalog.pg_ts_dict'::pg_catalog.regclass)
UNION ALL
SELECT 'indexes', '', d.refclassid, d.refobjid
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = n.id AND c.relkind IN ('i', 'I')
   AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
