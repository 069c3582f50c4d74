WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
), definers AS (
  SELECT p.oid, n.nspname, p.proname, p.proargtypes, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
   WHERE p.prosecdef
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM definers
UNION ALL
SELECT 'warn',
       pg_catalog.quote_ident(d.nspname) || '.' || pg_catalog.quote_ident(d.proname) || '(' || pg_catalog.oidvectortypes(d.proargtypes) || ')',
       'EXECUTE', r.rolname
  FROM definers AS d
 CROSS JOIN LATERAL pg_catalog.aclexplode(d.acl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
