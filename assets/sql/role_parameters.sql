WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM pg_catalog.pg_parameter_acl AS p
UNION ALL
SELECT 'fail', 'parameter ' || p.parname, a.privilege_type, r.rolname
  FROM pg_catalog.pg_parameter_acl AS p
 CROSS JOIN LATERAL pg_catalog.aclexplode(p.paracl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
