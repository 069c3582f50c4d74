SELECT 'the cast from ' || pg_catalog.format_type(k.castsource, NULL) || ' to ' || pg_catalog.format_type(k.casttarget, NULL),
       n.nspname || '.' || p.proname
  FROM pg_catalog.pg_cast AS k
  JOIN pg_catalog.pg_proc AS p ON p.oid = k.castfunc
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
 WHERE k.castsource < 16384 AND k.casttarget < 16384 AND p.oid >= 16384
UNION ALL
SELECT 'the function name ' || pg_catalog.quote_ident(p.proname), n.nspname || '.' || p.proname
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname = 'pg_catalog' AND p.oid >= 16384
   AND EXISTS (SELECT FROM pg_catalog.pg_proc AS o WHERE o.pronamespace = p.pronamespace AND o.proname = p.proname AND o.oid < 16384)
UNION ALL
SELECT 'the operator ' || o.oprname, f.nspname || '.' || p.proname
  FROM pg_catalog.pg_operator AS o
  JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
  JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
  JOIN pg_catalog.pg_namespace AS f ON f.oid = p.pronamespace
 WHERE n.nspname = 'pg_catalog' AND (o.oid >= 16384 OR p.oid >= 16384)
 ORDER BY 1, 2
