SELECT pg_catalog.format('ALTER DATABASE %I OWNER TO %I', d.datname, pg_catalog.pg_get_userbyid(d.datdba))
  FROM pg_catalog.pg_database AS d
 WHERE d.datname = pg_catalog.current_database()
UNION ALL
SELECT pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', pg_catalog.current_database())
UNION ALL
SELECT pg_catalog.format('GRANT %s ON DATABASE %I TO %s', a.privilege_type, d.datname,
         CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END)
       || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
  FROM pg_catalog.pg_database AS d
 CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS a
 WHERE d.datname = pg_catalog.current_database()
