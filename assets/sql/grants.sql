WITH scope AS (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl
    FROM pg_catalog.pg_namespace AS n
   WHERE n.nspname IN (SELECT s.name FROM pg_catalog.jsonb_array_elements_text($1::pg_catalog.jsonb) AS s (name))
)
SELECT o.kind, o.object, o.owner, o.list
  FROM (SELECT 'schema', pg_catalog.quote_ident(s.nspname), pg_catalog.pg_get_userbyid(s.nspowner)::pg_catalog.text,
                coalesce(s.nspacl, pg_catalog.acldefault('n', s.nspowner))::pg_catalog.text
           FROM scope AS s
         UNION ALL
         SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                               WHEN 'f' THEN 'foreign table' ELSE 'table' END,
                pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(c.relname),
                pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text,
                coalesce(c.relacl, pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::pg_catalog."char", c.relowner))::pg_catalog.text
           FROM pg_catalog.pg_class AS c
           JOIN scope AS s ON s.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
         UNION ALL
         SELECT 'column',
                pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(c.relname) || '.' || pg_catalog.quote_ident(a.attname),
                NULL, a.attacl::pg_catalog.text
           FROM pg_catalog.pg_attribute AS a
           JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
           JOIN scope AS s ON s.oid = c.relnamespace
          WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
         UNION ALL
         SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
                pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(p.proname)
                  || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')',
                pg_catalog.pg_get_userbyid(p.proowner)::pg_catalog.text,
                coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))::pg_catalog.text
           FROM pg_catalog.pg_proc AS p
           JOIN scope AS s ON s.oid = p.pronamespace
         UNION ALL
         SELECT 'type', pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(t.typname),
                pg_catalog.pg_get_userbyid(t.typowner)::pg_catalog.text,
                coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))::pg_catalog.text
           FROM pg_catalog.pg_type AS t
           JOIN scope AS s ON s.oid = t.typnamespace
           LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
          WHERE t.typcategory <> 'A' AND t.typtype <> 'm' AND (t.typrelid = 0 OR c.relkind = 'c')
         UNION ALL
         SELECT 'default privileges',
                'for ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.defaclrole)) || ' on '
                  || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                                          WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::pg_catalog.text END
                  || coalesce(' in ' || pg_catalog.quote_ident(s.nspname), ''),
                NULL, d.defaclacl::pg_catalog.text
           FROM pg_catalog.pg_default_acl AS d
           LEFT JOIN scope AS s ON s.oid = d.defaclnamespace
          WHERE d.defaclnamespace = 0 OR s.oid IS NOT NULL) AS o (kind, object, owner, list)
 ORDER BY pg_catalog.convert_to(o.kind || ' ' || o.object || ' ', 'UTF8')
