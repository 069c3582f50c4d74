SELECT 'casts', '', 'pg_catalog.pg_cast'::pg_catalog.regclass::pg_catalog.oid, k.oid
  FROM pg_catalog.pg_cast AS k
 WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND (k.castsource = n.id OR k.casttarget = n.id)
UNION ALL
SELECT 'casts', '', 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, k.castfunc
  FROM pg_catalog.pg_cast AS k
 WHERE n.class = 'pg_catalog.pg_cast'::pg_catalog.regclass AND k.oid = n.id AND k.castfunc <> 0
UNION ALL
-- A value that was cast goes on as the other type.
SELECT 'casts', '', 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, k.casttarget
  FROM pg_catalog.pg_cast AS k
 WHERE n.class = 'pg_catalog.pg_cast'::pg_catalog.regclass AND k.oid = n.id AND k.casttarget >= 16384
