SELECT s.key, 'publication ' || pg_catalog.quote_ident(p.pubname),
       CASE WHEN p.puballtables THEN 'of all tables' ELSE 'of ' || r.prrelid::pg_catalog.regclass::pg_catalog.text END
       || ':' || CASE WHEN p.pubinsert THEN ' insert' ELSE '' END || CASE WHEN p.pubupdate THEN ' update' ELSE '' END
       || CASE WHEN p.pubdelete THEN ' delete' ELSE '' END || CASE WHEN p.pubtruncate THEN ' truncate' ELSE '' END
       || CASE WHEN p.pubviaroot THEN ', via root' ELSE '' END
  FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS s (key pg_catalog.text, schema pg_catalog.text, "table" pg_catalog.text)
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schema
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s."table" AND c.relkind IN ('r', 'p')
  JOIN pg_catalog.pg_publication AS p ON true
  LEFT JOIN pg_catalog.pg_publication_rel AS r ON r.prpubid = p.oid AND r.prrelid = c.oid
 WHERE p.puballtables OR r.oid IS NOT NULL
