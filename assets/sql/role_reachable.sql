WITH found AS (
  SELECT r.rolname,
         CASE WHEN r.rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program', 'pg_maintain',
                                 'pg_signal_backend', 'pg_signal_autovacuum_worker', 'pg_create_subscription',
                                 'pg_checkpoint', 'pg_database_owner') THEN 'fail'
              WHEN r.rolname IN ('pg_read_server_files', 'pg_stat_scan_tables', 'pg_use_reserved_connections') THEN 'warn'
         END AS weight
    FROM pg_catalog.pg_roles AS r
   WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM found
UNION ALL
SELECT f.weight, 'role ' || f.rolname, 'MEMBER', current_user::pg_catalog.text FROM found AS f WHERE f.weight IS NOT NULL
