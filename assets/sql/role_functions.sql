WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
), routines AS (
  SELECT n.nspname, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
   WHERE p.oid >= 16384
     AND NOT p.prosecdef
     AND p.prorettype NOT IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
     AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM routines
UNION ALL
SELECT 'warn', 'schema ' || pg_catalog.quote_ident(f.nspname), 'EXECUTE of ' || pg_catalog.count(*)::pg_catalog.text || ' functions', r.rolname
  FROM routines AS f
 CROSS JOIN LATERAL pg_catalog.aclexplode(f.acl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 GROUP BY f.nspname, r.rolname
 LIMIT 10001
