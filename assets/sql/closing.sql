SELECT pg_catalog.current_setting('drygate.nonce', true),
       (SELECT l.virtualtransaction
          FROM pg_catalog.pg_lock_status() AS l
         WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'virtualxid'),
       pg_catalog.transaction_timestamp()::pg_catalog.text,
       pg_catalog.current_setting('transaction_read_only'),
       pg_catalog.current_setting('transaction_isolation'),
       pg_catalog.current_setting('search_path'),
       pg_catalog.current_setting('row_security'),
       pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text,
       (SELECT coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
                                        + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)), 0)::pg_catalog.text
          FROM pg_catalog.pg_class AS c
         WHERE c.relkind IN ('r', 't', 'm', 'p')),
       (SELECT a.backend_xmin::pg_catalog.text
          FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a),
       (SELECT pg_catalog.age(a.backend_xmin)::pg_catalog.text
          FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a),
       pg_catalog.set_config('drygate.end', pg_catalog.current_setting('drygate.nonce', true), false)
