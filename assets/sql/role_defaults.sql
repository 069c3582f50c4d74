WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM pg_catalog.pg_default_acl AS d
UNION ALL
SELECT 'warn',
       'future objects of ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.defaclrole)) || ' (' || d.defaclobjtype::pg_catalog.text || ')'
         || coalesce(' in ' || pg_catalog.quote_ident(n.nspname), ''),
       a.privilege_type, r.rolname
  FROM pg_catalog.pg_default_acl AS d
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
 CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 WHERE a.privilege_type NOT IN ('SELECT', 'USAGE') OR d.defaclobjtype = 'S'
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
