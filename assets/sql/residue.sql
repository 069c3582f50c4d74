SELECT (SELECT pg_catalog.count(*)::pg_catalog.text
          FROM pg_catalog.pg_lock_status() AS l
         WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'advisory'),
       (SELECT pg_catalog.count(*)::pg_catalog.text FROM pg_catalog.pg_listening_channels() AS c),
       (pg_catalog.pg_my_temp_schema() <> 0)::pg_catalog.text,
       (SELECT pg_catalog.count(*)::pg_catalog.text FROM pg_catalog.pg_prepared_xact() AS p WHERE pg_catalog.pg_get_userbyid(p.ownerid) = session_user),
       pg_catalog.pg_backend_pid()::pg_catalog.text,
       pg_catalog.current_setting('drygate.end', true)
