WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
), objects AS (
  SELECT 'schema ' || pg_catalog.quote_ident(n.nspname) AS object, n.nspacl AS acl FROM pg_catalog.pg_namespace AS n
  UNION ALL
  SELECT 'database ' || pg_catalog.quote_ident(d.datname), coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))
    FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
  UNION ALL
  SELECT 'tablespace ' || pg_catalog.quote_ident(t.spcname), t.spcacl FROM pg_catalog.pg_tablespace AS t
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM objects
UNION ALL
SELECT CASE a.privilege_type WHEN 'CREATE' THEN 'fail' ELSE 'warn' END, o.object, a.privilege_type, r.rolname
  FROM objects AS o
 CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 WHERE o.acl IS NOT NULL
   AND a.privilege_type IN ('CREATE', 'TEMPORARY')
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
