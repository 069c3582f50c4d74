WITH found AS (
  SELECT g.rolname AS granted, m.rolname AS member, a.admin_option
    FROM pg_catalog.pg_auth_members AS a
    JOIN pg_catalog.pg_roles AS g ON g.oid = a.roleid
    JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
   WHERE pg_catalog.pg_has_role(a.member, 'MEMBER')
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM found
UNION ALL
SELECT 'fail', 'role ' || f.granted, 'ADMIN OPTION', f.member FROM found AS f WHERE f.admin_option
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
