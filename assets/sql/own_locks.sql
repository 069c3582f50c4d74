SELECT DISTINCT l.mode, l.relation::pg_catalog.text,
       coalesce(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 'relation ' || l.relation::pg_catalog.text)
  FROM pg_catalog.pg_lock_status() AS l
  LEFT JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE l.pid = pg_catalog.pg_backend_pid()
   AND l.locktype = 'relation'
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
   AND (c.oid IS NULL
        OR (c.relkind NOT IN ('i', 'I') AND (n.nspname <> 'pg_catalog' OR c.oid >= 16384 OR c.relkind = 'v' OR l.mode <> 'AccessShareLock')))
 ORDER BY 3, 1
