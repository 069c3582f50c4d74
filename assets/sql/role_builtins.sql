WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
), dangerous AS (
  SELECT n.nspname, p.proname, p.proargtypes, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
   WHERE (n.nspname = 'pg_catalog'
          AND (p.proname IN ('lo_create', 'lo_creat', 'lo_import', 'lo_export', 'lo_unlink', 'lo_from_bytea', 'lo_put', 'lo_truncate',
                             'lo_truncate64', 'lowrite', 'lo_open', 'pg_read_file', 'pg_read_binary_file', 'pg_file_write',
                             'pg_logical_emit_message', 'pg_notify', 'pg_cancel_backend', 'pg_terminate_backend', 'pg_reload_conf',
                             'pg_rotate_logfile', 'pg_switch_wal', 'pg_create_restore_point', 'pg_promote', 'pg_backup_start',
                             'pg_start_backup', 'pg_stat_reset', 'pg_stat_reset_shared', 'pg_export_snapshot', 'nextval', 'setval',
                             'cursor_to_xml', 'cursor_to_xmlschema', 'query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema',
                             'ts_stat', 'ts_rewrite', 'set_config', 'pg_current_xact_id', 'txid_current')
               OR p.proname LIKE 'pg\_advisory%' OR p.proname LIKE 'pg\_try\_advisory%'
               OR p.proname LIKE 'pg\_create\_%\_replication\_slot' OR p.proname LIKE 'pg\_copy\_%\_replication\_slot'
               OR p.proname LIKE 'pg\_replication\_origin\_%' OR p.proname = 'pg_drop_replication_slot'))
      OR (n.nspname <> 'pg_catalog'
          AND (p.proname LIKE 'dblink%' OR p.proname LIKE 'crosstab%' OR p.proname IN ('connectby', 'xpath_table', 'pg_file_write')))
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM dangerous
UNION ALL
SELECT DISTINCT 'warn', pg_catalog.quote_ident(d.nspname) || '.' || pg_catalog.quote_ident(d.proname), 'EXECUTE', r.rolname
  FROM dangerous AS d
 CROSS JOIN LATERAL pg_catalog.aclexplode(d.acl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
