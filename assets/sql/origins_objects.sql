WITH scope AS (
  SELECT n.oid, n.nspname, n.xmin AS writer
    FROM pg_catalog.pg_namespace AS n
   WHERE n.nspname IN (SELECT s.name FROM pg_catalog.jsonb_array_elements_text($1::pg_catalog.jsonb) AS s (name))
), objects AS (
  SELECT 'schema ' || pg_catalog.quote_ident(s.nspname) AS object, s.writer
    FROM scope AS s
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                        WHEN 'f' THEN 'foreign table' ELSE 'table' END
           || ' ' || pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(c.relname), c.xmin
    FROM pg_catalog.pg_class AS c
    JOIN scope AS s ON s.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
  SELECT 'column ' || pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(c.relname) || '.' || pg_catalog.quote_ident(a.attname),
         a.xmin
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    JOIN scope AS s ON s.oid = c.relnamespace
   WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
  UNION ALL
  SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END
           || ' ' || pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(p.proname)
           || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')', p.xmin
    FROM pg_catalog.pg_proc AS p
    JOIN scope AS s ON s.oid = p.pronamespace
)
SELECT o.object, o.writer::pg_catalog.text,
       CASE WHEN pg_catalog.current_setting('track_commit_timestamp') = 'on' AND o.writer::pg_catalog.text::pg_catalog.int8 > 2
            THEN pg_catalog.pg_xact_commit_timestamp(o.writer)::pg_catalog.text END
  FROM objects AS o
 ORDER BY pg_catalog.age(o.writer)
 LIMIT 1000
