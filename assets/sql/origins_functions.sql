SELECT n.nspname::pg_catalog.text || '.' || p.proname::pg_catalog.text
         || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
       p.xmin::pg_catalog.text,
       CASE WHEN pg_catalog.current_setting('track_commit_timestamp') = 'on' AND p.xmin::pg_catalog.text::pg_catalog.int8 > 2
            THEN pg_catalog.pg_xact_commit_timestamp(p.xmin)::pg_catalog.text END
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname IN (SELECT s.name FROM pg_catalog.jsonb_array_elements_text($1::pg_catalog.jsonb) AS s (name))
   AND p.proname IN (SELECT f.name FROM pg_catalog.jsonb_array_elements_text($2::pg_catalog.jsonb) AS f (name))
