SELECT l.locktype || '/' || l.mode, pg_catalog.count(*)::pg_catalog.text
  FROM pg_catalog.pg_lock_status() AS l
 WHERE l.pid = pg_catalog.pg_backend_pid()
 GROUP BY l.locktype, l.mode
 ORDER BY l.locktype COLLATE "C", l.mode COLLATE "C"
