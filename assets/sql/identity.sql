SELECT (SELECT l.virtualtransaction
          FROM pg_catalog.pg_lock_status() AS l
         WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'virtualxid'),
       pg_catalog.transaction_timestamp()::pg_catalog.text,
       pg_catalog.pg_current_snapshot()::pg_catalog.text,
       pg_catalog.pg_is_in_recovery()::pg_catalog.text,
       pg_catalog.current_setting('server_version'),
       pg_catalog.current_setting('server_version_num'),
       pg_catalog.current_database()::pg_catalog.text,
       pg_catalog.pg_postmaster_start_time()::pg_catalog.text,
       session_user::pg_catalog.text,
       current_user::pg_catalog.text,
       pg_catalog.pg_backend_pid()::pg_catalog.text,
       (SELECT d.oid::pg_catalog.text FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
