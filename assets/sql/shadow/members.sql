SELECT pg_catalog.format('GRANT %I TO %I', r.rolname, m.rolname)
       || CASE WHEN a.admin_option THEN ' WITH ADMIN OPTION' ELSE '' END
  FROM pg_catalog.pg_auth_members AS a
  JOIN pg_catalog.pg_roles AS r ON r.oid = a.roleid
  JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
 WHERE m.rolname NOT LIKE 'pg\_%' AND m.rolname <> 'postgres' AND r.rolname <> 'postgres'
 ORDER BY r.rolname, m.rolname
