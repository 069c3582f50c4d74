-- The functions of PostgreSQL itself that a stored expression calls, out of its own text: they are noted nowhere else. What the
-- default of an argument calls is not noted apart from the body either.
SELECT t.resolver, '', 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, f.oid
  FROM (SELECT 'rules', r.ev_action::pg_catalog.text
          FROM pg_catalog.pg_rewrite AS r
         WHERE n.class = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = n.id
        UNION ALL
        SELECT 'constraints', k.conbin::pg_catalog.text
          FROM pg_catalog.pg_constraint AS k
         WHERE n.class = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = n.id
        UNION ALL
        SELECT 'indexes', concat(x.indexprs::pg_catalog.text, ' ', x.indpred::pg_catalog.text)
          FROM pg_catalog.pg_index AS x
         WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.indexrelid = n.id
        UNION ALL
        SELECT 'partitions', k.partexprs::pg_catalog.text
          FROM pg_catalog.pg_partitioned_table AS k
         WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND k.partrelid = n.id
        UNION ALL
        SELECT 'policies', concat(p.polqual::pg_catalog.text, ' ', p.polwithcheck::pg_catalog.text)
          FROM pg_catalog.pg_policy AS p
         WHERE n.class = 'pg_catalog.pg_policy'::pg_catalog.regclass AND p.oid = n.id
        UNION ALL
        -- Expressions in statistics exist since PostgreSQL 14.
        SELECT 'statistics', pg_catalog.to_jsonb(s) ->> 'stxexprs'
          FROM pg_catalog.pg_statistic_ext AS s
         WHERE n.class = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass AND s.oid = n.id
        UNION ALL
        SELECT 'generated columns', d.adbin::pg_catalog.text
          FROM pg_catalog.pg_attrdef AS d
         WHERE n.class = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.oid = n.id
        UNION ALL
        SELECT 'functions', p.proargdefaults::pg_catalog.text
          FROM pg_catalog.pg_proc AS p
         WHERE n.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND n.id >= 16384 AND p.oid = n.id
        UNION ALL
        -- PostgreSQL's own functions in SQL; their bodies are parsed trees since PostgreSQL 14.
        SELECT 'built-ins', pg_catalog.to_jsonb(p) ->> 'prosqlbody'
          FROM pg_catalog.pg_proc AS p
          JOIN pg_catalog.pg_language AS g ON g.oid = p.prolang AND g.lanname = 'sql'
         WHERE n.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND n.id < 16384 AND p.oid = n.id) AS t (resolver, tree)
 CROSS JOIN LATERAL (SELECT DISTINCT m.found[1]::pg_catalog.oid
                       FROM pg_catalog.regexp_matches(t.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid|hashfuncid|negfuncid|startInRangeFunc|endInRangeFunc|tsmhandler) ([0-9]+)', 'g') AS m (found)) AS f (oid)
 WHERE f.oid < 16384 AND f.oid <> 0 OR t.resolver = 'functions'
