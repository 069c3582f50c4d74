) AS e)
  FROM node AS n
 CROSS JOIN (SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8) AS s (xmin)
  LEFT JOIN LATERAL (
SELECT x.xmin::pg_catalog.text AS version, x.xmax,
       pg_catalog.json_build_object('kind', x.relkind, 'row_security', x.relrowsecurity)::pg_catalog.text AS facts
  FROM pg_catalog.pg_class AS x
 WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax,
       pg_catalog.json_build_object(
         'name', s.nspname || '.' || x.proname,
         'own', x.oid < 16384,
         'language', g.lanname,
         'kind', x.prokind,
         -- What a function in another language says is not read, only told apart.
         'source', CASE WHEN x.oid < 16384 OR g.lanname IN ('internal', 'c') THEN x.prosrc END,
         'library', x.probin,
         'definer', x.prosecdef,
         'settings', x.proconfig IS NOT NULL,
         'volatile', CASE WHEN g.lanname = 'internal' AND x.prokind = 'f'
                          THEN (SELECT coalesce(pg_catalog.bool_or(o.provolatile = 'v'), true) FROM pg_catalog.pg_proc AS o
                                 WHERE o.oid < 16384 AND o.prolang = x.prolang AND o.prosrc = x.prosrc)
                          ELSE x.provolatile = 'v' END,
         'definition', CASE WHEN x.oid >= 16384 THEN concat_ws(' ', g.lanname, x.provolatile, x.prosecdef, x.proconfig, x.probin, x.prosrc, pg_catalog.to_jsonb(x) ->> 'prosqlbody') END)::pg_catalog.text
  FROM pg_catalog.pg_proc AS x
  JOIN pg_catalog.pg_namespace AS s ON s.oid = x.pronamespace
  JOIN pg_catalog.pg_language AS g ON g.oid = x.prolang
 WHERE n.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_rewrite AS x WHERE n.class = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_constraint AS x WHERE n.class = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_statistic_ext AS x WHERE n.class = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_attrdef AS x WHERE n.class = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_policy AS x WHERE n.class = 'pg_catalog.pg_policy'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, pg_catalog.json_build_object('name', s.nspname || '.' || x.typname)::pg_catalog.text
  FROM pg_catalog.pg_type AS x JOIN pg_catalog.pg_namespace AS s ON s.oid = x.typnamespace
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_operator AS x WHERE n.class = 'pg_catalog.pg_operator'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_opclass AS x WHERE n.class = 'pg_catalog.pg_opclass'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_opfamily AS x WHERE n.class = 'pg_catalog.pg_opfamily'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_cast AS x WHERE n.class = 'pg_catalog.pg_cast'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_am AS x WHERE n.class = 'pg_catalog.pg_am'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_ts_config AS x WHERE n.class = 'pg_catalog.pg_ts_config'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_ts_dict AS x WHERE n.class = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_ts_template AS x WHERE n.class = 'pg_catalog.pg_ts_template'::pg_catalog.regclass AND x.oid = n.id
UNION ALL
SELECT x.xmin::pg_catalog.text, x.xmax, NULL FROM pg_catalog.pg_ts_parser AS x WHERE n.class = 'pg_catalog.pg_ts_parser'::pg_catalog.regclass AND x.oid = n.id
  ) AS v ON true
