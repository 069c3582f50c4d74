) AS e
),
node AS (SELECT DISTINCT s.class, s.id FROM step AS s)
SELECT n.class::pg_catalog.regclass::pg_catalog.text, n.id::pg_catalog.text,
       CASE WHEN n.class = 'pg_catalog.pg_class'::pg_catalog.regclass
            THEN CASE v.facts::pg_catalog.json ->> 'kind' WHEN 'v' THEN 'the view ' WHEN 'i' THEN 'the index ' WHEN 'I' THEN 'the index ' ELSE '' END
                 || n.id::pg_catalog.regclass::pg_catalog.text
            -- The rule of a view is the view.
            WHEN n.class = 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN ''
            WHEN n.class = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 'function ' || n.id::pg_catalog.regprocedure::pg_catalog.text
            WHEN n.class <> 0 THEN pg_catalog.pg_describe_object(n.class, n.id, 0) END,
       v.version,
       -- Deleted or replaced by a transaction that the snapshot does not see, and that was committed.
       CASE WHEN v.xmax::pg_catalog.text <> '0' AND ((v.xmax::pg_catalog.text::pg_catalog.int8 - s.xmin % 4294967296 + 4294967296) % 4294967296) < 2147483648
            THEN pg_catalog.pg_xact_status((s.xmin + ((v.xmax::pg_catalog.text::pg_catalog.int8 - s.xmin % 4294967296 + 4294967296) % 4294967296))::pg_catalog.text::pg_catalog.xid8) IS NOT DISTINCT FROM 'committed'
            ELSE false END::pg_catalog.text,
       v.facts,
       f.steps
  FROM node AS n
  LEFT JOIN (SELECT s.from_class, s.from_id,
                    pg_catalog.string_agg(DISTINCT s.resolver || E'\t' || s.how || E'\t' || s.class::pg_catalog.regclass::pg_catalog.text || E'\t' || s.id::pg_catalog.text, E'\n') AS steps
               FROM step AS s
              WHERE s.from_class IS NOT NULL
              GROUP BY s.from_class, s.from_id) AS f ON f.from_class = n.class AND f.from_id = n.id
 CROSS JOIN (SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8) AS s (xmin)
  LEFT JOIN LATERAL (
SELECT x.xmin::pg_catalog.text AS version, x.xmax,
       pg_catalog.json_build_object('name', s.nspname || E'\t' || x.relname, 'kind', x.relkind, 'row_security', x.relrowsecurity)::pg_catalog.text AS facts
  FROM pg_catalog.pg_class AS x
  JOIN pg_catalog.pg_namespace AS s ON s.oid = x.relnamespace
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
                          -- Neither list names anything of `x`, so that each is made once.
                          THEN x.prosrc IN (SELECT o.prosrc FROM pg_catalog.pg_proc AS o JOIN pg_catalog.pg_language AS l ON l.oid = o.prolang
                                             WHERE o.oid < 16384 AND o.provolatile = 'v' AND l.lanname = 'internal')
                               OR x.oid >= 16384
                               AND x.prosrc NOT IN (SELECT o.prosrc FROM pg_catalog.pg_proc AS o JOIN pg_catalog.pg_language AS l ON l.oid = o.prolang
                                                     WHERE o.oid < 16384 AND l.lanname = 'internal')
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
