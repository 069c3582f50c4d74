SELECT e.extname::pg_catalog.text, e.extversion
  FROM pg_catalog.pg_extension AS e
 ORDER BY e.extname
