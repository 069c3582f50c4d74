SELECT CASE WHEN r.rolname <> 'postgres' THEN pg_catalog.format('CREATE ROLE %I %s %s %s %s %s %s %s CONNECTION LIMIT %s', r.rolname,
         CASE WHEN r.rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
         CASE WHEN r.rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
         CASE WHEN r.rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
         CASE WHEN r.rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
         CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
         CASE WHEN r.rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
         CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END,
         r.rolconnlimit) END,
       r.rolname::pg_catalog.text,
       r.rolcanlogin::pg_catalog.text
  FROM pg_catalog.pg_roles AS r
 WHERE r.rolname NOT LIKE 'pg\_%'
 ORDER BY r.rolname
