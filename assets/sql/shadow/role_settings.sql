SELECT pg_catalog.format('ALTER %s SET %I TO %s',
         CASE WHEN s.setrole = 0 THEN pg_catalog.format('DATABASE %I', pg_catalog.current_database())
              WHEN s.setdatabase = 0 THEN pg_catalog.format('ROLE %I', r.rolname)
              ELSE pg_catalog.format('ROLE %I IN DATABASE %I', r.rolname, pg_catalog.current_database())
         END,
         c.name,
         -- A list is kept as it is written in SQL; quoted again it would be one name.
         CASE WHEN c.value = '' THEN ''''''
              WHEN c.name IN ('search_path', 'temp_tablespaces', 'session_preload_libraries', 'local_preload_libraries') THEN c.value
              ELSE pg_catalog.quote_literal(c.value)
         END)
  FROM pg_catalog.pg_db_role_setting AS s
  LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
 CROSS JOIN LATERAL (
       SELECT pg_catalog.split_part(u.entry, '=', 1) AS name, pg_catalog.substr(u.entry, pg_catalog.strpos(u.entry, '=') + 1) AS value
         FROM pg_catalog.unnest(s.setconfig) AS u (entry)) AS c
 WHERE (s.setdatabase = 0 OR s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
   AND (s.setrole <> 0 AND r.rolname <> 'postgres' OR s.setrole = 0 AND s.setdatabase <> 0)
 ORDER BY s.setdatabase, s.setrole, c.name
