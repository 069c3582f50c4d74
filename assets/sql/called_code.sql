WITH RECURSIVE pinned AS MATERIALIZED (
  SELECT p.oid
    FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS s (schema pg_catalog.text, name pg_catalog.text)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schema
    JOIN pg_catalog.pg_proc AS p ON p.pronamespace = n.oid AND p.proname = s.name
), family AS (
  SELECT c.oid
    FROM pg_catalog.jsonb_to_recordset($2::pg_catalog.jsonb) AS s (schema pg_catalog.text, "table" pg_catalog.text)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.schema
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s."table"
  UNION
  SELECT i.inhrelid FROM family AS f JOIN pg_catalog.pg_inherits AS i ON i.inhparent = f.oid
), reached (classid, objid) AS (
  SELECT s.classid, s.objid
    FROM (SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AS classid, p.oid AS objid FROM pinned AS p
          UNION SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, f.oid FROM family AS f
          UNION SELECT 'pg_catalog.pg_event_trigger'::pg_catalog.regclass, e.oid FROM pg_catalog.pg_event_trigger AS e) AS s
  UNION
  SELECT m.classid, m.objid
    FROM reached AS r
   CROSS JOIN LATERAL (
      -- What the catalogue says that it calls.
      SELECT d.refclassid AS classid, d.refobjid AS objid
        FROM pg_catalog.pg_depend AS d
       WHERE d.classid = r.classid AND d.objid = r.objid
         AND (d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass)
              OR d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.classid IN ('pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass))
      -- What belongs to a relation or a domain and may call a function.
      UNION ALL SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_trigger AS t
       WHERE r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND t.tgrelid = r.objid AND NOT t.tgisinternal
      UNION ALL SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid FROM pg_catalog.pg_rewrite AS w
       WHERE r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND w.ev_class = r.objid
      UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid FROM pg_catalog.pg_attrdef AS d
       WHERE r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.adrelid = r.objid
      UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid FROM pg_catalog.pg_policy AS p
       WHERE r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND p.polrelid = r.objid
      UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint AS k
       WHERE r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND k.conrelid = r.objid
      UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint AS k
       WHERE r.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND k.contypid = r.objid
      UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid FROM pg_catalog.pg_index AS i
       WHERE r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.indrelid = r.objid
      UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, a.atttypid FROM pg_catalog.pg_attribute AS a
       WHERE r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND a.attrelid = r.objid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384
      -- Rows of a referencing table that the server changes along fire its triggers.
      -- Found by what they depend on: no index tells who references a table.
      UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, k.conrelid
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_constraint AS k ON k.oid = d.objid
       WHERE r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = r.classid AND d.refobjid = r.objid
         AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.confrelid = r.objid AND k.contype = 'f'
         AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
      -- Every word of a source that is the name of a function or of a relation: more than is called, never less, but for names that are made at run time.
      UNION ALL SELECT m.classid, m.objid
        FROM pg_catalog.pg_proc AS p
       CROSS JOIN LATERAL (SELECT pg_catalog.regexp_split_to_table(p.prosrc, '[\u0001-\u0023\u0025-\u002F\u003A-\u0040\u005B-\u005E\u0060\u007B-\u007F]+')
                           UNION SELECT pg_catalog.lower(pg_catalog.regexp_split_to_table(p.prosrc, '[\u0001-\u0023\u0025-\u002F\u003A-\u0040\u005B-\u005E\u0060\u007B-\u007F]+') COLLATE "C")
                           UNION SELECT pg_catalog.replace(q.quoted[1], '""', '"') FROM pg_catalog.regexp_matches(p.prosrc, '"((?:[^"]|"")+)"', 'g') AS q (quoted)) AS w (word)
       CROSS JOIN LATERAL (SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, f.oid, f.pronamespace FROM pg_catalog.pg_proc AS f
                            WHERE f.proname = w.word::pg_catalog.name
                           UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, c.oid, c.relnamespace FROM pg_catalog.pg_class AS c
                            WHERE c.relname = w.word::pg_catalog.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't') AS m (classid, objid, schema)
        JOIN pg_catalog.pg_namespace AS n ON n.oid = m.schema AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       WHERE r.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = r.objid
         AND p.prolang NOT IN (SELECT l.oid FROM pg_catalog.pg_language AS l WHERE l.lanname IN ('c', 'internal'))
      -- Every operator of somebody whose sign stands in a source.
      UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid
        FROM pg_catalog.pg_proc AS p
        JOIN pg_catalog.pg_operator AS o ON o.oid >= 16384 AND pg_catalog.strpos(p.prosrc, o.oprname::pg_catalog.text) > 0
       WHERE r.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = r.objid
         AND p.prolang NOT IN (SELECT l.oid FROM pg_catalog.pg_language AS l WHERE l.lanname IN ('c', 'internal'))
    ) AS m (classid, objid)
), kept AS MATERIALIZED (
  -- What belongs to a partition leads on and is no code: a table may have thousands of them.
  SELECT r.classid, r.objid
    FROM reached AS r
    LEFT JOIN pg_catalog.pg_trigger AS t ON r.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND t.oid = r.objid
    LEFT JOIN pg_catalog.pg_rewrite AS w ON r.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = r.objid
   WHERE r.classid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass,
                       'pg_catalog.pg_trigger'::pg_catalog.regclass, 'pg_catalog.pg_rewrite'::pg_catalog.regclass)
     AND NOT EXISTS (SELECT FROM family AS f WHERE f.oid = coalesce(t.tgrelid, w.ev_class))
   LIMIT 20001
)
SELECT 'reached', pg_catalog.count(*)::pg_catalog.text, NULL, NULL, NULL FROM kept
UNION ALL
SELECT CASE WHEN i.oid IS NULL THEN 'function' ELSE 'pinned' END,
       p.oid::pg_catalog.regprocedure::pg_catalog.text,
       l.lanname::pg_catalog.text,
       pg_catalog.pg_get_userbyid(p.proowner) || ' ' || (SELECT pg_catalog.string_agg(g.item::pg_catalog.text, ', ' ORDER BY g.item::pg_catalog.text COLLATE "C")
                                                           FROM pg_catalog.unnest(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS g (item)),
       CASE p.prokind WHEN 'a' THEN 'aggregate over ' || a.aggtransfn::pg_catalog.text || ', final ' || a.aggfinalfn::pg_catalog.text || ', initial ' || coalesce(a.agginitval, 'NULL')
                      ELSE pg_catalog.pg_get_functiondef(p.oid) END
  FROM kept AS k
  JOIN pg_catalog.pg_proc AS p ON k.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = k.objid
  JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  LEFT JOIN pg_catalog.pg_aggregate AS a ON a.aggfnoid = p.oid
  LEFT JOIN pinned AS i ON i.oid = p.oid
UNION ALL
SELECT 'trigger', pg_catalog.quote_ident(t.tgname) || ' on ' || t.tgrelid::pg_catalog.regclass::pg_catalog.text, NULL, NULL,
       CASE t.tgenabled WHEN 'O' THEN 'fires' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'fires on a replica only' ELSE 'fires always' END || ': ' || pg_catalog.pg_get_triggerdef(t.oid)
  FROM kept AS k
  JOIN pg_catalog.pg_trigger AS t ON k.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND t.oid = k.objid
UNION ALL
SELECT 'rule', pg_catalog.quote_ident(w.rulename) || ' on ' || w.ev_class::pg_catalog.regclass::pg_catalog.text, NULL, NULL,
       CASE w.ev_enabled WHEN 'O' THEN 'on' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on a replica only' ELSE 'always' END || ': ' || pg_catalog.pg_get_ruledef(w.oid)
  FROM kept AS k
  JOIN pg_catalog.pg_rewrite AS w ON k.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = k.objid
  JOIN pg_catalog.pg_class AS c ON c.oid = w.ev_class
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT 'operator', o.oid::pg_catalog.regoperator::pg_catalog.text, NULL, pg_catalog.pg_get_userbyid(o.oprowner)::pg_catalog.text,
       'calls ' || o.oprcode::pg_catalog.regprocedure::pg_catalog.text
  FROM kept AS k
  JOIN pg_catalog.pg_operator AS o ON k.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = k.objid AND o.oid >= 16384
UNION ALL
SELECT 'event trigger', pg_catalog.quote_ident(e.evtname), NULL, pg_catalog.pg_get_userbyid(e.evtowner)::pg_catalog.text,
       CASE e.evtenabled WHEN 'O' THEN 'fires' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'fires on a replica only' ELSE 'fires always' END
       || ' on ' || e.evtevent || coalesce(' when ' || pg_catalog.array_to_string(e.evttags, ', '), '') || ': ' || e.evtfoid::pg_catalog.regproc::pg_catalog.text
  FROM pg_catalog.pg_event_trigger AS e
