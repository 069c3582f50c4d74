WITH found AS (
  SELECT r.rolname, a.privilege, a.has
    FROM pg_catalog.pg_roles AS r
   CROSS JOIN LATERAL (VALUES ('SUPERUSER', r.rolsuper), ('CREATEROLE', r.rolcreaterole), ('CREATEDB', r.rolcreatedb),
                              ('REPLICATION', r.rolreplication), ('BYPASSRLS', r.rolbypassrls)) AS a (privilege, has)
   WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM found
UNION ALL
SELECT 'fail', 'role ' || f.rolname, f.privilege,
       CASE WHEN f.rolname = current_user THEN f.rolname ELSE 'membership in ' || f.rolname END
  FROM found AS f WHERE f.has
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
