SELECT pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text, d.datcollate::pg_catalog.text, d.datctype::pg_catalog.text
  FROM pg_catalog.pg_database AS d
 WHERE d.datname = pg_catalog.current_database()
