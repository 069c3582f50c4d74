WITH RECURSIVE root AS MATERIALIZED (
  SELECT c.oid, c.relnamespace AS schema
    FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS s (schema pg_catalog.text, "table" pg_catalog.text)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schema
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s."table" AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), family AS (
  SELECT r.oid FROM root AS r
  UNION
  SELECT i.inhrelid FROM family AS f JOIN pg_catalog.pg_inherits AS i ON i.inhparent = f.oid
), pinned AS MATERIALIZED (
  SELECT p.oid, p.pronamespace AS schema
    FROM pg_catalog.jsonb_to_recordset($2::pg_catalog.jsonb) AS s (schema pg_catalog.text, name pg_catalog.text)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schema
    JOIN pg_catalog.pg_proc AS p ON p.pronamespace = n.oid AND p.proname = s.name
)
SELECT 'role', r.rolname::pg_catalog.text,
       pg_catalog.concat_ws(', ', CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolcreaterole THEN 'createrole' END,
                            CASE WHEN r.rolbypassrls THEN 'bypassrls' END, CASE WHEN r.rolcanlogin THEN 'login' END,
                            CASE WHEN NOT r.rolinherit THEN 'noinherit' END),
       pg_catalog.concat_ws(', ', CASE WHEN r.rolcreatedb THEN 'createdb' END, CASE WHEN r.rolreplication THEN 'replication' END,
                            CASE WHEN r.rolconnlimit <> -1 THEN 'connection limit ' || r.rolconnlimit END, 'valid until ' || r.rolvaliduntil),
       NULL
  FROM pg_catalog.pg_roles AS r
UNION ALL
SELECT 'member', pg_catalog.pg_get_userbyid(m.roleid)::pg_catalog.text, pg_catalog.pg_get_userbyid(m.member)::pg_catalog.text,
       pg_catalog.concat_ws(', ', CASE WHEN m.admin_option THEN 'admin' END,
                            CASE WHEN NOT (pg_catalog.to_jsonb(m) ->> 'inherit_option')::pg_catalog.bool THEN 'not inherited' END,
                            CASE WHEN NOT (pg_catalog.to_jsonb(m) ->> 'set_option')::pg_catalog.bool THEN 'no SET ROLE' END,
                            'by ' || pg_catalog.pg_get_userbyid(m.grantor)),
       NULL
  FROM pg_catalog.pg_auth_members AS m
UNION ALL
SELECT 'member', r.rolname::pg_catalog.text, pg_catalog.pg_get_userbyid(d.datdba)::pg_catalog.text, 'as owner of the database', NULL
  FROM pg_catalog.pg_roles AS r
  JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
 WHERE r.rolname = 'pg_database_owner'
UNION ALL
SELECT 'object', 'database', pg_catalog.pg_get_userbyid(d.datdba)::pg_catalog.text, coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))::pg_catalog.text, NULL
  FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'object', 'schema ' || pg_catalog.quote_ident(n.nspname), pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text,
       coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))::pg_catalog.text, NULL
  FROM pg_catalog.pg_namespace AS n WHERE n.oid IN (SELECT r.schema FROM root AS r UNION SELECT p.schema FROM pinned AS p)
UNION ALL
SELECT CASE WHEN r.oid IS NOT NULL THEN 'object' ELSE 'partition' END, 'table ' || c.oid::pg_catalog.regclass::pg_catalog.text,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text, coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))::pg_catalog.text, NULL
  FROM (SELECT DISTINCT f.oid FROM family AS f) AS f
  JOIN pg_catalog.pg_class AS c ON c.oid = f.oid
  LEFT JOIN (SELECT DISTINCT r.oid FROM root AS r) AS r ON r.oid = c.oid
 WHERE r.oid IS NOT NULL OR NOT (c.relkind = 'p' OR c.relkind = 'r' AND pg_catalog.pg_relation_size(c.oid::pg_catalog.regclass) = 0)
UNION ALL
SELECT 'object', 'column ' || c.oid::pg_catalog.regclass::pg_catalog.text || '.' || pg_catalog.quote_ident(a.attname), NULL, a.attacl::pg_catalog.text, NULL
  FROM (SELECT DISTINCT r.oid FROM root AS r) AS c
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
UNION ALL
SELECT 'object', 'function ' || p.oid::pg_catalog.regprocedure::pg_catalog.text, pg_catalog.pg_get_userbyid(p.proowner)::pg_catalog.text,
       coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))::pg_catalog.text, NULL
  FROM pinned AS i JOIN pg_catalog.pg_proc AS p ON p.oid = i.oid
