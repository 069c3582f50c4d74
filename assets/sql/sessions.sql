SELECT pg_catalog.current_setting('track_commit_timestamp'), NULL, NULL, NULL, NULL, NULL
UNION ALL
(SELECT a.pid::pg_catalog.text, a.usename::pg_catalog.text, a.application_name,
        a.backend_start::pg_catalog.text, a.xact_start::pg_catalog.text, a.backend_xid::pg_catalog.text
   FROM pg_catalog.pg_stat_activity AS a
  WHERE a.datname = pg_catalog.current_database()
    AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.usename IS NOT NULL
  ORDER BY a.pid
  LIMIT 50)
