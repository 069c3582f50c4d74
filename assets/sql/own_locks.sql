SELECT DISTINCT l.mode,
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       c.relkind::pg_catalog.text,
       c.relrowsecurity::pg_catalog.text,
       CASE WHEN c.relkind = 'v' AND c.oid >= 16384 THEN pg_catalog.pg_get_viewdef(c.oid) END,
       (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(fn.nspname) || '.' || pg_catalog.quote_ident(p.proname), ', ')
          FROM pg_catalog.pg_attribute AS a
          JOIN pg_catalog.pg_cast AS k ON k.castsource = a.atttypid OR k.casttarget = a.atttypid
          JOIN pg_catalog.pg_proc AS p ON p.oid = k.castfunc
          JOIN pg_catalog.pg_namespace AS fn ON fn.oid = p.pronamespace
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid >= 16384 AND p.oid >= 16384)
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE l.pid = pg_catalog.pg_backend_pid()
   AND l.locktype = 'relation'
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
   AND c.relkind NOT IN ('i', 'I')
   AND (n.nspname <> 'pg_catalog' OR l.mode <> 'AccessShareLock')
 ORDER BY 2, 1
