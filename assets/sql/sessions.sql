SELECT pg_catalog.current_setting('track_commit_timestamp'), NULL, NULL, NULL, NULL, NULL
UNION ALL
(SELECT a.pid::pg_catalog.text, pg_catalog.pg_get_userbyid(a.usesysid)::pg_catalog.text, a.application_name,
        a.backend_start::pg_catalog.text, a.xact_start::pg_catalog.text, a.backend_xid::pg_catalog.text
   FROM pg_catalog.pg_stat_get_activity(NULL) AS a
  WHERE a.datid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
    AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.usesysid <> 0
  ORDER BY a.pid
  LIMIT 50)
