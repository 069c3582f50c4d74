WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL
  FROM pg_catalog.pg_class AS c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL
SELECT CASE WHEN n.nspname = 'pg_catalog' AND c.relname = 'pg_settings' AND a.privilege_type = 'UPDATE' AND a.grantee = 0
            THEN 'warn' ELSE 'fail' END,
       CASE c.relkind WHEN 'S' THEN 'sequence ' ELSE '' END
         || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       a.privilege_type, r.rolname
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 WHERE c.relacl IS NOT NULL
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
   AND a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN', 'USAGE')
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
