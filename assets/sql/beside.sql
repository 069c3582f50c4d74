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
         -- An option may hold a secret.
         || coalesce(', options SHA-256 ' || pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.array_to_string(f.srvoptions, ', '), 'UTF8')), 'hex'), '')
  FROM pg_catalog.pg_foreign_server AS f
UNION ALL
SELECT 'text search configuration ' || c.oid::pg_catalog.regconfig::pg_catalog.text,
       'of ' || pg_catalog.pg_get_userbyid(c.cfgowner) || ', parser ' || p.prsname
         || coalesce((SELECT pg_catalog.string_agg(', ' || m.maptokentype || ' ' || m.mapdict::pg_catalog.regdictionary::pg_catalog.text, '' ORDER BY m.maptokentype, m.mapseqno)
                        FROM pg_catalog.pg_ts_config_map AS m WHERE m.mapcfg = c.oid), '')
  FROM pg_catalog.pg_ts_config AS c JOIN pg_catalog.pg_ts_parser AS p ON p.oid = c.cfgparser WHERE c.oid >= 16384
UNION ALL
SELECT 'text search dictionary ' || d.oid::pg_catalog.regdictionary::pg_catalog.text,
       'of ' || pg_catalog.pg_get_userbyid(d.dictowner) || ', ' || t.tmplname || coalesce(' ' || d.dictinitoption, '')
  FROM pg_catalog.pg_ts_dict AS d JOIN pg_catalog.pg_ts_template AS t ON t.oid = d.dicttemplate WHERE d.oid >= 16384
UNION ALL
SELECT 'collation ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname),
       'of ' || pg_catalog.pg_get_userbyid(c.collowner) || CASE WHEN c.collisdeterministic THEN ', ' ELSE ', nondeterministic, ' END
         || coalesce(pg_catalog.to_jsonb(c) ->> 'colllocale', pg_catalog.to_jsonb(c) ->> 'colliculocale', c.collcollate::pg_catalog.text, '') || coalesce(', version ' || c.collversion, '')
  FROM pg_catalog.pg_collation AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.collnamespace WHERE c.oid >= 16384
UNION ALL
SELECT 'operator class ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.opcname) || ' for ' || a.amname,
       'of ' || pg_catalog.pg_get_userbyid(o.opcowner) || ', type ' || pg_catalog.format_type(o.opcintype, NULL) || CASE WHEN o.opcdefault THEN ', default' ELSE '' END
         || coalesce((SELECT pg_catalog.string_agg(', ' || p.amproc::pg_catalog.oid::pg_catalog.regprocedure::pg_catalog.text, '' ORDER BY p.amprocnum, p.amproc::pg_catalog.oid)
                        FROM pg_catalog.pg_amproc AS p WHERE p.amprocfamily = o.opcfamily), '')
  FROM pg_catalog.pg_opclass AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.opcnamespace JOIN pg_catalog.pg_am AS a ON a.oid = o.opcmethod WHERE o.oid >= 16384
UNION ALL
SELECT 'default privileges for ' || pg_catalog.pg_get_userbyid(d.defaclrole) || ' on '
         || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::pg_catalog.text END
         || coalesce(' in ' || pg_catalog.quote_ident(n.nspname), ''),
       d.defaclacl::pg_catalog.text
  FROM pg_catalog.pg_default_acl AS d LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
