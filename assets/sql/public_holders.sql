WITH held AS (
  SELECT CASE c.relkind WHEN 'S' THEN 'sequence ' ELSE '' END || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS object,
         a.privilege_type AS privilege, a.privilege_type AS named, c.relowner AS owner, c.relacl AS acl
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a
   WHERE a.grantee = 0 AND a.privilege_type <> 'SELECT'
  UNION ALL
  SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
         a.privilege_type, a.privilege_type || ' (' || pg_catalog.quote_ident(t.attname) || ')', c.relowner, t.attacl
    FROM pg_catalog.pg_attribute AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.attrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) AS a
   WHERE a.grantee = 0 AND a.privilege_type <> 'SELECT' AND NOT t.attisdropped
  UNION ALL
  SELECT 'schema ' || pg_catalog.quote_ident(n.nspname), a.privilege_type, a.privilege_type, n.nspowner, n.nspacl
    FROM pg_catalog.pg_namespace AS n
   CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS a
   WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'
  UNION ALL
  SELECT 'database ' || pg_catalog.quote_ident(d.datname), a.privilege_type, a.privilege_type, d.datdba,
         coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))
    FROM pg_catalog.pg_database AS d
   CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS a
   WHERE d.datname = pg_catalog.current_database() AND a.grantee = 0 AND a.privilege_type IN ('CREATE', 'TEMPORARY')
  UNION ALL
  SELECT 'schema ' || pg_catalog.quote_ident(n.nspname), 'EXECUTE', 'EXECUTE', p.proowner,
         coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
   CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
   WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND a.grantee = 0
)
SELECT DISTINCT h.object, h.named, r.rolname::pg_catalog.text
  FROM held AS h
 CROSS JOIN pg_catalog.pg_roles AS r
 WHERE NOT r.rolsuper
   AND r.rolname NOT LIKE 'pg\_%'
   AND NOT pg_catalog.pg_has_role(r.oid, h.owner, 'USAGE')
   AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(h.acl) AS b
                    WHERE b.grantee <> 0 AND b.privilege_type = h.privilege AND pg_catalog.pg_has_role(r.oid, b.grantee, 'USAGE'))
 ORDER BY 1, 2, 3
 LIMIT 2001
