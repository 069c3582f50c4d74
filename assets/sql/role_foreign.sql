WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
), objects AS (
  SELECT 'foreign server ' || pg_catalog.quote_ident(s.srvname) AS object, s.srvacl AS acl FROM pg_catalog.pg_foreign_server AS s
  UNION ALL
  SELECT 'foreign-data wrapper ' || pg_catalog.quote_ident(w.fdwname), w.fdwacl FROM pg_catalog.pg_foreign_data_wrapper AS w
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM objects
UNION ALL
SELECT 'fail', o.object, a.privilege_type, r.rolname
  FROM objects AS o
 CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 WHERE o.acl IS NOT NULL
UNION ALL
SELECT 'warn', 'foreign server ' || pg_catalog.quote_ident(m.srvname), 'USER MAPPING',
       CASE m.umuser WHEN 0 THEN 'PUBLIC' ELSE m.usename::pg_catalog.text END
  FROM pg_catalog.pg_user_mappings AS m
  JOIN reach AS r ON r.oid = m.umuser
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
