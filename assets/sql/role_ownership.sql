WITH found AS (
  SELECT DISTINCT d.dbid, d.classid, d.objid, r.rolname
    FROM pg_catalog.pg_shdepend AS d
    JOIN pg_catalog.pg_roles AS r ON r.oid = d.refobjid
   WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
     AND d.deptype = 'o'
     AND pg_catalog.pg_has_role(r.oid, 'MEMBER')
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM found
UNION ALL
SELECT 'fail',
       CASE WHEN f.dbid IN (0, (SELECT b.oid FROM pg_catalog.pg_database AS b WHERE b.datname = pg_catalog.current_database()))
            THEN (SELECT i.type || ' ' || i.identity FROM pg_catalog.pg_identify_object(f.classid, f.objid, 0) AS i)
            ELSE 'an object of database ' || coalesce((SELECT b.datname FROM pg_catalog.pg_database AS b WHERE b.oid = f.dbid), f.dbid::pg_catalog.text)
       END,
       'OWNER', f.rolname
  FROM found AS f
UNION ALL
SELECT 'fail', 'database ' || b.datname, 'OWNER', r.rolname
  FROM pg_catalog.pg_database AS b
  JOIN pg_catalog.pg_roles AS r ON r.oid = b.datdba
 WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')
   AND NOT EXISTS (SELECT FROM found AS f WHERE f.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND f.objid = b.oid)
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
