SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM pg_catalog.pg_event_trigger AS e
UNION ALL
SELECT 'warn', 'event trigger ' || pg_catalog.quote_ident(e.evtname), 'fires on ' || e.evtevent, 'PUBLIC'
  FROM pg_catalog.pg_event_trigger AS e
 WHERE e.evtenabled <> 'D'
 ORDER BY 1, 2, 3, 4
 LIMIT 2001
