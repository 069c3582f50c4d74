WITH traps AS (
  SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS object,
         CASE WHEN c.relkind = 'f' THEN 'SELECT of a foreign table'
              WHEN c.relrowsecurity THEN 'SELECT under row security policies'
              WHEN EXISTS (SELECT FROM pg_catalog.pg_rewrite AS w
                             JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
                             JOIN pg_catalog.pg_proc AS p ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.refobjid
                            WHERE w.ev_class = c.oid AND (p.prosecdef OR p.provolatile = 'v'))
              THEN 'SELECT of a view over a volatile or SECURITY DEFINER function'
         END AS privilege,
         c.oid
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   WHERE c.oid >= 16384
     AND (c.relkind IN ('f', 'v') OR (c.relkind IN ('r', 'p') AND c.relrowsecurity))
)
SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM traps
UNION ALL
SELECT 'warn', t.object, t.privilege, current_user::pg_catalog.text
  FROM traps AS t
 WHERE t.privilege IS NOT NULL AND pg_catalog.has_table_privilege(t.oid, 'SELECT')
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
