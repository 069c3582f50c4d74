SELECT DISTINCT p.proname::pg_catalog.text
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname = 'pg_catalog'
   AND p.proname::pg_catalog.text = ANY (pg_catalog.string_to_array($1, E'\n'))
   AND (p.provolatile = 'v' OR p.prosrc = ANY (pg_catalog.string_to_array($2, E'\n')) OR p.prosecdef OR p.oid >= 16384)
   AND p.pronargs >= 1
   AND p.pronargs - p.pronargdefaults <= 1
 ORDER BY 1
