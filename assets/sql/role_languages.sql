WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM pg_catalog.pg_language AS l
UNION ALL
SELECT 'fail', 'language ' || pg_catalog.quote_ident(l.lanname), a.privilege_type, r.rolname
  FROM pg_catalog.pg_language AS l
 CROSS JOIN LATERAL pg_catalog.aclexplode(l.lanacl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 WHERE l.lanacl IS NOT NULL
   AND NOT l.lanpltrusted
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
