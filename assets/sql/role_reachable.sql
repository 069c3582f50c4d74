WITH found AS (
  SELECT r.rolname,
         CASE WHEN r.rolname IN ('pg_monitor', 'pg_read_all_data', 'pg_read_all_settings', 'pg_read_all_stats') THEN NULL
              WHEN r.rolname IN ('pg_read_server_files', 'pg_stat_scan_tables', 'pg_use_reserved_connections') THEN 'warn'
              WHEN r.rolname LIKE 'pg\_%' THEN 'fail'
         END AS weight
    FROM pg_catalog.pg_roles AS r
   WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM found
UNION ALL
SELECT f.weight, 'role ' || f.rolname, 'MEMBER', current_user::pg_catalog.text FROM found AS f WHERE f.weight IS NOT NULL
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
