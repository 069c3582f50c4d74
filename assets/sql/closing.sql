SELECT pg_catalog.current_setting('drygate.nonce', true),
       (SELECT l.virtualtransaction
          FROM pg_catalog.pg_locks AS l
         WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'virtualxid'),
       pg_catalog.transaction_timestamp()::pg_catalog.text,
       pg_catalog.current_setting('transaction_read_only'),
       pg_catalog.current_setting('transaction_isolation'),
       pg_catalog.current_setting('search_path'),
       pg_catalog.current_setting('row_security'),
       pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text,
       (SELECT coalesce(pg_catalog.sum(t.n_tup_ins + t.n_tup_upd + t.n_tup_del), 0)::pg_catalog.text
          FROM pg_catalog.pg_stat_xact_all_tables AS t),
       (SELECT a.backend_xmin::pg_catalog.text
          FROM pg_catalog.pg_stat_activity AS a
         WHERE a.pid = pg_catalog.pg_backend_pid()),
       (SELECT pg_catalog.age(a.backend_xmin)::pg_catalog.text
          FROM pg_catalog.pg_stat_activity AS a
         WHERE a.pid = pg_catalog.pg_backend_pid()),
       pg_catalog.set_config('drygate.end', pg_catalog.current_setting('drygate.nonce', true), false)
