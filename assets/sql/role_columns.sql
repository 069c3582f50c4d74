WITH reach AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
  UNION ALL
  SELECT 0::pg_catalog.oid, 'PUBLIC'
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL
  FROM pg_catalog.pg_attribute AS t WHERE t.attacl IS NOT NULL
UNION ALL
SELECT 'fail', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       a.privilege_type || ' (' || pg_catalog.quote_ident(t.attname) || ')', r.rolname
  FROM pg_catalog.pg_attribute AS t
  JOIN pg_catalog.pg_class AS c ON c.oid = t.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) AS a
  JOIN reach AS r ON r.oid = a.grantee
 WHERE t.attacl IS NOT NULL
   AND NOT t.attisdropped
   AND a.privilege_type IN ('INSERT', 'UPDATE', 'REFERENCES')
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
