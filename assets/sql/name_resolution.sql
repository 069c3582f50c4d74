WITH setting AS (
  SELECT pg_catalog.lower(pg_catalog.split_part(c.item, '=', 1)) AS name,
         -- The server gives a session the settings of the role that logs in, and of no role that this one is a member of. Without a named
         -- role any may carry the change out, but the one that reads here.
         s.setrole = 0 OR pg_catalog.pg_get_userbyid(s.setrole) = $3::pg_catalog.name OR ($3 = '' AND pg_catalog.pg_get_userbyid(s.setrole) <> current_user) AS applies,
         CASE WHEN s.setrole = 0 THEN '' ELSE ' of role ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)) END
         || CASE WHEN s.setdatabase <> 0 THEN ' in this database' WHEN s.setrole = 0 THEN ' of all roles' ELSE '' END AS scope,
         -- A setting of a program may hold a secret: only its digest is read.
         CASE WHEN pg_catalog.strpos(pg_catalog.split_part(c.item, '=', 1), '.') > 0
              THEN 'SHA-256 ' || pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.substr(c.item, pg_catalog.strpos(c.item, '=') + 1), 'UTF8')), 'hex')
              ELSE pg_catalog.substr(c.item, pg_catalog.strpos(c.item, '=') + 1) END AS value
    FROM pg_catalog.pg_db_role_setting AS s
   CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (item)
   WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()))
), judged AS (
  -- What decides which object a name means, which triggers and policies apply, or how a text is read as a value. Settings of programs (with a dot) are read by policies and functions.
  SELECT s.*, s.applies AND (s.name LIKE '%.%' OR s.name IN ('search_path', 'role', 'session_authorization', 'session_replication_role', 'row_security', 'session_preload_libraries', 'local_preload_libraries', 'dynamic_library_path', 'extension_control_path', 'event_triggers', 'default_transaction_read_only', 'default_transaction_isolation', 'default_transaction_deferrable', 'transform_null_equals', 'array_nulls', 'datestyle', 'intervalstyle', 'timezone', 'timezone_abbreviations', 'extra_float_digits', 'bytea_output', 'standard_conforming_strings', 'backslash_quote', 'xmlbinary', 'xmloption', 'lc_monetary', 'lc_numeric', 'lc_time', 'default_text_search_config', 'client_encoding', 'default_tablespace', 'default_table_access_method', 'default_with_oids')) AS decides FROM setting AS s
), root AS (
  SELECT s."table" AS name, c.oid
    FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS s (schema pg_catalog.text, "table" pg_catalog.text)
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schema
    LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s."table"
)
SELECT CASE WHEN j.decides THEN 'decides' ELSE 'beside' END, 'setting ' || j.name || j.scope, j.value FROM judged AS j
UNION ALL
SELECT 'decides', 'relation of the same name ' || c.oid::pg_catalog.regclass::pg_catalog.text,
       CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' ELSE 'table' END
       || ' of ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner))
  FROM pg_catalog.pg_class AS c
 WHERE c.relname IN (SELECT r.name::pg_catalog.name FROM root AS r) AND c.oid NOT IN (SELECT r.oid FROM root AS r WHERE r.oid IS NOT NULL) AND c.relpersistence <> 't'
UNION ALL
SELECT 'decides', 'function of the same name ' || p.oid::pg_catalog.regprocedure::pg_catalog.text,
       'of ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner)) || ', source ' || pg_catalog.md5(pg_catalog.convert_to(p.prosrc || coalesce(p.probin, ''), 'UTF8'))
  FROM pg_catalog.jsonb_to_recordset($2::pg_catalog.jsonb) AS s (schema pg_catalog.text, name pg_catalog.text)
  JOIN pg_catalog.pg_proc AS p ON p.proname = s.name
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname <> s.schema
UNION ALL
SELECT 'decides', 'operator named as a built-in one ' || o.oid::pg_catalog.regoperator::pg_catalog.text,
       'calls ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ' of ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner))
       || ', source ' || pg_catalog.md5(pg_catalog.convert_to(p.prosrc || coalesce(p.probin, ''), 'UTF8'))
  FROM pg_catalog.pg_operator AS o
  JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace AND n.nspname <> 'pg_catalog'
  JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
 WHERE EXISTS (SELECT FROM pg_catalog.pg_operator AS b WHERE b.oprname = o.oprname AND b.oid < 16384)
UNION ALL
SELECT 'decides', 'cast from ' || pg_catalog.format_type(c.castsource, NULL) || ' to ' || pg_catalog.format_type(c.casttarget, NULL),
       CASE c.castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'in assignments' ELSE 'explicit' END
       || coalesce(' by ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ', source ' || pg_catalog.md5(pg_catalog.convert_to(p.prosrc || coalesce(p.probin, ''), 'UTF8')), ' without a function')
  FROM pg_catalog.pg_cast AS c LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = c.castfunc
 WHERE c.oid >= 16384
