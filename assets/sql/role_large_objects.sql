WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM pg_catalog.pg_largeobject_metadata AS l
UNION ALL
SELECT 'fail', 'large object ' || l.oid::pg_catalog.text, a.privilege_type, r.rolname
  FROM pg_catalog.pg_largeobject_metadata AS l
 CROSS JOIN LATERAL pg_catalog.aclexplode(l.lomacl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 WHERE l.lomacl IS NOT NULL AND a.privilege_type = 'UPDATE'
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
