SELECT l.pid::pg_catalog.text
  FROM pg_catalog.pg_locks AS l
 WHERE NOT l.granted AND $1::pg_catalog.text::pg_catalog.int4 = ANY (pg_catalog.pg_blocking_pids(l.pid))
 ORDER BY l.pid
 LIMIT 1
