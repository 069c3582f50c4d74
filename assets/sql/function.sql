SELECT pg_catalog.string_agg(f.definition, '' ORDER BY f.arguments COLLATE "C"),
       pg_catalog.md5(pg_catalog.convert_to(pg_catalog.string_agg(f.definition, '' ORDER BY f.arguments COLLATE "C"), 'UTF8')),
       pg_catalog.count(*)::pg_catalog.text
  FROM (SELECT pg_catalog.pg_get_functiondef(p.oid) AS definition,
               pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments
          FROM pg_catalog.pg_proc AS p
          JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
         WHERE n.nspname = $1 AND p.proname = $2 AND p.prokind <> 'a') AS f
