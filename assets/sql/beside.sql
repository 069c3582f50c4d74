SELECT 'schema ' || pg_catalog.quote_ident(n.nspname), 'of ' || pg_catalog.pg_get_userbyid(n.nspowner) || ', ' || coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))::pg_catalog.text
  FROM pg_catalog.pg_namespace AS n WHERE n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
UNION ALL
SELECT 'extension ' || pg_catalog.quote_ident(e.extname), e.extversion || ' in ' || n.nspname || ' of ' || pg_catalog.pg_get_userbyid(e.extowner)
  FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
UNION ALL
SELECT 'language ' || pg_catalog.quote_ident(l.lanname), 'of ' || pg_catalog.pg_get_userbyid(l.lanowner) || CASE WHEN l.lanpltrusted THEN ', trusted, ' ELSE ', ' END || coalesce(l.lanacl, pg_catalog.acldefault('l', l.lanowner))::pg_catalog.text
  FROM pg_catalog.pg_language AS l
UNION ALL
SELECT 'publication ' || pg_catalog.quote_ident(p.pubname), 'of ' || pg_catalog.pg_get_userbyid(p.pubowner) || CASE WHEN p.puballtables THEN ', all tables' ELSE '' END
       || CASE WHEN p.pubinsert THEN ', insert' ELSE '' END || CASE WHEN p.pubupdate THEN ', update' ELSE '' END || CASE WHEN p.pubdelete THEN ', delete' ELSE '' END
  FROM pg_catalog.pg_publication AS p
UNION ALL
SELECT 'subscription ' || pg_catalog.quote_ident(s.subname), CASE WHEN s.subenabled THEN 'on' ELSE 'off' END || ', of ' || pg_catalog.array_to_string(s.subpublications, ', ')
  FROM pg_catalog.pg_subscription AS s JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'foreign server ' || pg_catalog.quote_ident(f.srvname), 'of ' || pg_catalog.pg_get_userbyid(f.srvowner) || ', ' || coalesce(f.srvacl, pg_catalog.acldefault('S', f.srvowner))::pg_catalog.text
  FROM pg_catalog.pg_foreign_server AS f
UNION ALL
SELECT 'default privileges for ' || pg_catalog.pg_get_userbyid(d.defaclrole) || ' on '
         || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::pg_catalog.text END
         || coalesce(' in ' || pg_catalog.quote_ident(n.nspname), ''),
       d.defaclacl::pg_catalog.text
  FROM pg_catalog.pg_default_acl AS d LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
