WITH RECURSIVE asked AS (
  SELECT s.key, c.oid
    FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS s (key pg_catalog.text, schema pg_catalog.text, "table" pg_catalog.text)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schema
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s."table" AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), family AS (
  SELECT a.key, a.oid, a.oid AS root FROM asked AS a
  UNION
  SELECT f.key, i.inhrelid, f.root FROM family AS f JOIN pg_catalog.pg_inherits AS i ON i.inhparent = f.oid
), rel AS MATERIALIZED (
  SELECT f.key, c.*, f.oid <> f.root AS child,
         CASE WHEN f.oid = f.root THEN ''
              ELSE pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) END AS part
    FROM family AS f
    JOIN pg_catalog.pg_class AS c ON c.oid = f.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
), used (key, part, oid) AS (
  SELECT r.key, r.part, a.atttypid FROM rel AS r JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION
  SELECT u.key, u.part, m.oid
    FROM used AS u
    JOIN pg_catalog.pg_type AS t ON t.oid = u.oid
   CROSS JOIN LATERAL (SELECT t.typelem WHERE t.typelem <> 0
                       UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
                       UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute AS a
                                  WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS m (oid)
), line (key, part, name, value) AS (
  SELECT r.key, r.part, 'kind',
         CASE r.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END
         || CASE r.relpersistence WHEN 'p' THEN '' WHEN 'u' THEN ', unlogged' ELSE ', temporary' END
    FROM rel AS r
  UNION ALL SELECT r.key, r.part, 'owner', pg_catalog.pg_get_userbyid(r.relowner)::pg_catalog.text FROM rel AS r
  UNION ALL SELECT r.key, r.part, 'access method', m.amname::pg_catalog.text FROM rel AS r JOIN pg_catalog.pg_am AS m ON m.oid = r.relam
  UNION ALL SELECT r.key, r.part, 'tablespace', s.spcname::pg_catalog.text FROM rel AS r JOIN pg_catalog.pg_tablespace AS s ON s.oid = r.reltablespace
  UNION ALL SELECT r.key, r.part, 'options', pg_catalog.array_to_string(r.reloptions, ', ') FROM rel AS r WHERE r.reloptions IS NOT NULL
  UNION ALL SELECT r.key, r.part, 'options of its TOAST table', pg_catalog.array_to_string(t.reloptions, ', ')
    FROM rel AS r JOIN pg_catalog.pg_class AS t ON t.oid = r.reltoastrelid WHERE t.reloptions IS NOT NULL
  UNION ALL SELECT r.key, r.part, 'replica identity',
         CASE r.relreplident WHEN 'd' THEN 'default' WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' ELSE 'index' END
    FROM rel AS r WHERE r.relkind IN ('r', 'p')
  UNION ALL SELECT r.key, r.part, 'row security',
         CASE WHEN r.relrowsecurity THEN 'on' ELSE 'off' END || CASE WHEN r.relforcerowsecurity THEN ', forced' ELSE '' END
    FROM rel AS r
  UNION ALL SELECT r.key, r.part, 'of type', pg_catalog.format_type(r.reloftype, NULL) FROM rel AS r WHERE r.reloftype <> 0
  UNION ALL SELECT r.key, r.part, 'partitioned by', pg_catalog.pg_get_partkeydef(r.oid) FROM rel AS r WHERE r.relkind = 'p'
  UNION ALL SELECT r.key, r.part, CASE WHEN r.relispartition THEN 'partition of ' ELSE 'inherits ' END || i.inhparent::pg_catalog.regclass::pg_catalog.text,
         coalesce(pg_catalog.pg_get_expr(r.relpartbound, r.oid), 'number ' || i.inhseqno)
         || CASE WHEN (pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::pg_catalog.bool THEN ', detach pending' ELSE '' END
    FROM rel AS r JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = r.oid
  -- A partition without a block has no rows. Rows of a foreign table are nobody's to count here.
  UNION ALL SELECT r.key, r.part, 'rows',
         CASE WHEN r.relkind = 'p' OR (r.relkind = 'r' AND pg_catalog.pg_relation_size(r.oid::pg_catalog.regclass) = 0) THEN 'none' ELSE 'may have some' END
    FROM rel AS r WHERE r.child
  UNION ALL SELECT r.key, r.part, 'privileges', (SELECT pg_catalog.string_agg(g.item::pg_catalog.text, ', ' ORDER BY g.item::pg_catalog.text COLLATE "C")
                                                   FROM pg_catalog.unnest(coalesce(r.relacl, pg_catalog.acldefault('r', r.relowner))) AS g (item))
    FROM rel AS r WHERE r.child
  UNION ALL SELECT r.key, r.part, 'columns', pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
    FROM rel AS r JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped GROUP BY r.key, r.part
  UNION ALL SELECT r.key, r.part, 'column ' || pg_catalog.quote_ident(a.attname),
         pg_catalog.format_type(a.atttypid, a.atttypmod)
         || coalesce(' COLLATE ' || pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname), '')
         || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
         || CASE a.attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' WHEN 'd' THEN ' GENERATED BY DEFAULT AS IDENTITY' ELSE '' END
         || coalesce(CASE a.attgenerated WHEN '' THEN ' DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid)
                                         ELSE ' GENERATED ALWAYS AS (' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) || CASE a.attgenerated WHEN 's' THEN ') STORED' ELSE ') VIRTUAL' END END, '')
         || ' STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END
         || CASE pg_catalog.to_jsonb(a) ->> 'attcompression' WHEN 'p' THEN ' COMPRESSION pglz' WHEN 'l' THEN ' COMPRESSION lz4' ELSE '' END
         || coalesce(' OPTIONS ' || pg_catalog.array_to_string(a.attoptions, ', '), '')
         || CASE WHEN a.attislocal THEN '' ELSE ', inherited' END
         || CASE WHEN r.child AND a.attacl IS NOT NULL THEN ', privileges ' || a.attacl::pg_catalog.text ELSE '' END
    FROM rel AS r
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_catalog.pg_collation AS co ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
    LEFT JOIN pg_catalog.pg_namespace AS cn ON cn.oid = co.collnamespace
  UNION ALL SELECT u.key, u.part, 'type ' || pg_catalog.format_type(t.oid, NULL),
         CASE t.typtype
           WHEN 'e' THEN 'enum: ' || coalesce((SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid), '')
           WHEN 'd' THEN 'domain over ' || pg_catalog.format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
             || coalesce(' DEFAULT ' || t.typdefault, '')
             || coalesce((SELECT pg_catalog.string_agg(' ' || pg_catalog.quote_ident(k.conname) || ' ' || pg_catalog.pg_get_constraintdef(k.oid), '' ORDER BY k.conname) FROM pg_catalog.pg_constraint AS k WHERE k.contypid = t.oid), '')
           WHEN 'c' THEN 'fields: ' || coalesce((SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
                                          FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '')
           ELSE 'base type, input ' || t.typinput::pg_catalog.text || ', output ' || t.typoutput::pg_catalog.text END
    FROM (SELECT DISTINCT u.key, u.part, u.oid FROM used AS u) AS u
    JOIN pg_catalog.pg_type AS t ON t.oid = u.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace AND n.nspname <> 'pg_catalog'
   WHERE t.typcategory <> 'A'
  -- The rows that the server keeps for each partition of a referenced table come and go with that partition.
  UNION ALL SELECT r.key, r.part, 'constraint ' || pg_catalog.quote_ident(k.conname),
         pg_catalog.pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ', not validated' END
         || CASE WHEN k.conislocal THEN '' ELSE ', inherited' END
    FROM rel AS r JOIN pg_catalog.pg_constraint AS k ON k.conrelid = r.oid
   WHERE k.contype <> 't' AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid)
  UNION ALL SELECT r.key, r.part, 'referenced by ' || k.conrelid::pg_catalog.regclass::pg_catalog.text || ' ' || pg_catalog.quote_ident(k.conname),
         pg_catalog.pg_get_constraintdef(k.oid)
    FROM rel AS r JOIN pg_catalog.pg_constraint AS k ON k.confrelid = r.oid AND k.contype = 'f' AND k.conparentid = 0
  UNION ALL SELECT r.key, r.part, 'index ' || pg_catalog.quote_ident(x.relname),
         pg_catalog.pg_get_indexdef(i.indexrelid)
         || CASE WHEN i.indisvalid THEN '' ELSE ', not valid' END || CASE WHEN i.indisready AND i.indislive THEN '' ELSE ', not ready' END
         || CASE WHEN i.indimmediate THEN '' ELSE ', checked late' END || CASE WHEN i.indisprimary THEN ', primary key' ELSE '' END
         || CASE WHEN i.indisreplident THEN ', replica identity' ELSE '' END || CASE WHEN i.indisclustered THEN ', clustered on' ELSE '' END
    FROM rel AS r JOIN pg_catalog.pg_index AS i ON i.indrelid = r.oid JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
  UNION ALL SELECT r.key, r.part, 'trigger ' || pg_catalog.quote_ident(t.tgname),
         CASE t.tgenabled WHEN 'O' THEN 'fires' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'fires on a replica only' ELSE 'fires always' END || ': ' || pg_catalog.pg_get_triggerdef(t.oid)
    FROM rel AS r JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal
  UNION ALL SELECT r.key, r.part, 'trigger of the constraint ' || pg_catalog.quote_ident(k.conname) || ' calling ' || p.proname,
         CASE t.tgenabled WHEN 'O' THEN 'fires' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'fires on a replica only' ELSE 'fires always' END
    FROM rel AS r
    JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = r.oid AND t.tgisinternal
    JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_constraint AS k ON k.oid = t.tgconstraint
   WHERE k.conparentid = 0 OR t.tgenabled <> 'O'
  UNION ALL SELECT r.key, r.part, 'rule ' || pg_catalog.quote_ident(w.rulename),
         CASE w.ev_enabled WHEN 'O' THEN 'on' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on a replica only' ELSE 'always' END || ': ' || pg_catalog.pg_get_ruledef(w.oid)
    FROM rel AS r JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = r.oid
  UNION ALL SELECT r.key, r.part, 'policy ' || pg_catalog.quote_ident(p.polname),
         CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END
         || ' for ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END
         || ' to ' || (SELECT pg_catalog.string_agg(CASE o.oid WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(o.oid)) END, ', ' ORDER BY o.nth) FROM pg_catalog.unnest(p.polroles) WITH ORDINALITY AS o (oid, nth))
         || coalesce(' using (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '') || coalesce(' with check (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
    FROM rel AS r JOIN pg_catalog.pg_policy AS p ON p.polrelid = r.oid
  UNION ALL SELECT r.key, r.part, 'sequence ' || s.seqrelid::pg_catalog.regclass::pg_catalog.text,
         pg_catalog.format_type(s.seqtypid, NULL) || ' from ' || s.seqstart || ' by ' || s.seqincrement || ', ' || s.seqmin || ' to ' || s.seqmax || ', cache ' || s.seqcache || CASE WHEN s.seqcycle THEN ', cycles' ELSE '' END
         || CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_depend AS w
                               WHERE w.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND w.objid = s.seqrelid AND w.deptype IN ('a', 'i')
                                 AND w.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND w.refobjid = r.oid) THEN ', owned' ELSE '' END
    FROM rel AS r
    JOIN LATERAL (SELECT d.objid FROM pg_catalog.pg_depend AS d
                   WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = r.oid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
                  UNION SELECT d.refobjid FROM pg_catalog.pg_attrdef AS f
                    JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                   WHERE f.adrelid = r.oid) AS o (oid) ON true
    JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = o.oid
)
-- By table and part, so that what was read of a part can be digested before the next one comes.
SELECT d.key, d.part, d.name,
       CASE WHEN pg_catalog.octet_length(d.value) <= 65536 THEN d.value
            ELSE pg_catalog.octet_length(d.value) || ' bytes with the SHA-256 ' || pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(d.value, 'UTF8')), 'hex') END
  FROM (SELECT a.key, '', 'table', 'is there' FROM asked AS a
        UNION ALL
        SELECT l.key, l.part, l.name, l.value FROM line AS l WHERE l.value IS NOT NULL) AS d (key, part, name, value)
 ORDER BY d.key COLLATE "C", d.part COLLATE "C"
