SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text,
       -- Arrays as text: whatever is in its parts, no two lists of them are written alike.
       pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(ARRAY[
         c.relkind::pg_catalog.text, c.relpersistence::pg_catalog.text, c.relispartition::pg_catalog.text, c.relrowsecurity::pg_catalog.text,
         c.relforcerowsecurity::pg_catalog.text, pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text,
         (SELECT pg_catalog.array_agg(ARRAY[a.attnum::pg_catalog.text, a.attname::pg_catalog.text, pg_catalog.format_type(a.atttypid, a.atttypmod),
                   a.attnotnull::pg_catalog.text, a.attidentity::pg_catalog.text, a.attgenerated::pg_catalog.text,
                   pg_catalog.pg_get_expr(d.adbin, d.adrelid)]::pg_catalog.text ORDER BY a.attnum)::pg_catalog.text
            FROM pg_catalog.pg_attribute AS a
            LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
         (SELECT pg_catalog.array_agg(ARRAY[k.conname::pg_catalog.text, pg_catalog.pg_get_constraintdef(k.oid)]::pg_catalog.text ORDER BY k.conname)::pg_catalog.text
            FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = c.oid),
         (SELECT pg_catalog.array_agg(pg_catalog.pg_get_indexdef(i.indexrelid) ORDER BY x.relname)::pg_catalog.text
            FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid),
         (SELECT pg_catalog.array_agg(ARRAY[t.tgenabled::pg_catalog.text, pg_catalog.pg_get_triggerdef(t.oid), p.prosrc]::pg_catalog.text ORDER BY t.tgname)::pg_catalog.text
            FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
           WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
         (SELECT pg_catalog.array_agg(pg_catalog.pg_get_ruledef(r.oid) ORDER BY r.rulename)::pg_catalog.text
            FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = c.oid)]::pg_catalog.text, 'UTF8')), 'hex')
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY n.nspname, c.relname
