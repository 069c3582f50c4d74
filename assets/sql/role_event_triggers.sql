SELECT 'looked', pg_catalog.count(*)::pg_catalog.text, NULL, NULL FROM pg_catalog.pg_event_trigger AS e
UNION ALL
SELECT 'warn', 'event trigger ' || pg_catalog.quote_ident(e.evtname), 'fires on ' || e.evtevent, 'PUBLIC'
  FROM pg_catalog.pg_event_trigger AS e
 WHERE e.evtenabled <> 'D'
 LIMIT 10001
