WITH RECURSIVE touched AS (
  SELECT l.relation AS oid, l.mode
    FROM pg_catalog.pg_locks AS l
   WHERE l.pid = pg_catalog.pg_backend_pid()
     AND l.locktype = 'relation'
     AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
  UNION
  SELECT i.inhrelid, t.mode FROM touched AS t JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.oid
)
SELECT DISTINCT t.mode,
       coalesce(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 'relation ' || t.oid::pg_catalog.text),
       c.relkind::pg_catalog.text,
       c.relrowsecurity::pg_catalog.text,
       CASE WHEN c.relkind = 'v' AND c.oid >= 16384 THEN pg_catalog.pg_get_viewdef(c.oid) END,
       (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(fn.nspname) || '.' || pg_catalog.quote_ident(p.proname), ', ')
          FROM pg_catalog.pg_attribute AS a
          JOIN pg_catalog.pg_cast AS k ON k.castsource = a.atttypid OR k.casttarget = a.atttypid
          JOIN pg_catalog.pg_proc AS p ON p.oid = k.castfunc
          JOIN pg_catalog.pg_namespace AS fn ON fn.oid = p.pronamespace
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid >= 16384 AND p.oid >= 16384),
       (SELECT pg_catalog.string_agg(DISTINCT fn.nspname || '.' || p.proname, E'\n')
          FROM (SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS classid, x.indexrelid AS objid
                  FROM pg_catalog.pg_index AS x WHERE x.indrelid = c.oid
                UNION ALL
                SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid
                UNION ALL
                SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid
                  FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'c'
                UNION ALL
                SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid
                  FROM pg_catalog.pg_statistic_ext AS s WHERE s.stxrelid = c.oid) AS o
          JOIN pg_catalog.pg_depend AS d ON d.classid = o.classid AND d.objid = o.objid
          JOIN pg_catalog.pg_proc AS p ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.refobjid
          JOIN pg_catalog.pg_namespace AS fn ON fn.oid = p.pronamespace
         WHERE p.oid >= 16384),
       (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(fn.nspname) || '.' || pg_catalog.quote_ident(p.proname), ', ')
          FROM pg_catalog.pg_attribute AS a
          JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
          JOIN pg_catalog.pg_opclass AS b ON b.opcintype = a.atttypid OR b.opcintype = y.typelem
          JOIN pg_catalog.pg_amproc AS m ON m.amprocfamily = b.opcfamily
          JOIN pg_catalog.pg_proc AS p ON p.oid = m.amproc
          JOIN pg_catalog.pg_namespace AS fn ON fn.oid = p.pronamespace
          JOIN pg_catalog.pg_language AS g ON g.oid = p.prolang
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid >= 16384 AND p.oid >= 16384
           AND g.lanname NOT IN ('internal', 'c')),
       (c.oid IS NULL
        OR EXISTS (SELECT FROM (SELECT c.xmax UNION ALL SELECT r.xmax FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = c.oid) AS v (xmax)
                    WHERE v.xmax::pg_catalog.text <> '0'
                      AND (v.xmax::pg_catalog.text::pg_catalog.int8 - s.xmin + 4294967296) % 4294967296 < 2147483648))::pg_catalog.text
  FROM touched AS t
 CROSS JOIN (SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8 % 4294967296) AS s (xmin)
  LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.oid IS NULL
    OR (c.relkind NOT IN ('i', 'I') AND (n.nspname <> 'pg_catalog' OR t.mode <> 'AccessShareLock'))
 ORDER BY 2, 1
