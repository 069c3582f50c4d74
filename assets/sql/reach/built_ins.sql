-- What stands in for a part of PostgreSQL itself, so that any SQL could run it.
SELECT 'built-ins', '', e.class::pg_catalog.oid, e.id
  FROM (SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid
          FROM pg_catalog.pg_cast AS k
         WHERE k.castsource < 16384 AND (k.oid >= 16384 OR k.castfunc >= 16384)
           -- A type that takes values of another as its own lends it its operator classes.
           AND (k.casttarget < 16384 OR k.castmethod = 'b' AND k.castcontext = 'i')
        UNION ALL
        SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid
          FROM pg_catalog.pg_operator AS o
         WHERE o.oprnamespace = 'pg_catalog'::pg_catalog.regnamespace
           -- An operator of somebody that is declared as the commutator or negator of a built-in one becomes that.
           AND (o.oid >= 16384 OR o.oprcode >= 16384 OR o.oprrest >= 16384 OR o.oprjoin >= 16384 OR o.oprcom >= 16384 OR o.oprnegate >= 16384)
        UNION ALL
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid
          FROM pg_catalog.pg_proc AS p
         WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.oid >= 16384
           AND (p.proname::pg_catalog.text = ANY (pg_catalog.string_to_array($3, E'\n'))
                OR EXISTS (SELECT FROM pg_catalog.pg_proc AS o WHERE o.pronamespace = p.pronamespace AND o.proname = p.proname AND o.oid < 16384))
        UNION ALL
        SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, o.oid
          FROM pg_catalog.pg_opclass AS o
         WHERE o.oid >= 16384 AND o.opcdefault AND o.opcintype < 16384
        UNION ALL
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, m.amproc::pg_catalog.oid
          FROM pg_catalog.pg_amproc AS m
         WHERE m.amprocfamily < 16384 AND m.amproclefttype < 16384 AND m.amprocrighttype < 16384 AND (m.oid >= 16384 OR m.amproc >= 16384)
        UNION ALL
        SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, m.amopopr
          FROM pg_catalog.pg_amop AS m
         WHERE m.amopfamily < 16384 AND m.amoplefttype < 16384 AND m.amoprighttype < 16384 AND (m.oid >= 16384 OR m.amopopr >= 16384)
        UNION ALL
        -- A family makes an operator one that sorts, merges or hashes where PostgreSQL has no family that does: the first one is taken.
        SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, m.amopfamily
          FROM pg_catalog.pg_amop AS m
          JOIN pg_catalog.pg_am AS a ON a.oid = m.amopmethod
          JOIN pg_catalog.pg_proc AS h ON h.oid = a.amhandler
          JOIN pg_catalog.pg_language AS l ON l.oid = h.prolang
         CROSS JOIN LATERAL (VALUES ('btree'), ('hash')) AS w (name)
         WHERE m.amopfamily >= 16384 AND m.amopopr < 16384 AND (a.oid >= 16384 AND l.lanname = 'internal' OR a.amname = w.name)
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_amop AS o JOIN pg_catalog.pg_am AS b ON b.oid = o.amopmethod
                            WHERE o.amopopr = m.amopopr AND o.amopfamily < 16384 AND o.amopstrategy = m.amopstrategy
                              AND o.amoplefttype = m.amoplefttype AND o.amoprighttype = m.amoprighttype AND b.amname = w.name)
        UNION ALL
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, f.oid
          FROM pg_catalog.pg_type AS y
         CROSS JOIN LATERAL (VALUES (y.typinput::pg_catalog.oid), (y.typoutput::pg_catalog.oid), (y.typreceive::pg_catalog.oid), (y.typsend::pg_catalog.oid),
                                    (y.typmodin::pg_catalog.oid), (y.typmodout::pg_catalog.oid)) AS f (oid)
         WHERE y.oid < 16384 AND f.oid >= 16384
        UNION ALL
        -- Types and relations that any SQL can name without a schema.
        SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, y.oid
          FROM pg_catalog.pg_type AS y
         WHERE y.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND y.oid >= 16384
        UNION ALL
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid
          FROM pg_catalog.pg_class AS c
         WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.oid >= 16384 AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
        UNION ALL
        SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid
          FROM pg_catalog.pg_constraint AS k
         WHERE k.contypid <> 0 AND k.contypid < 16384 AND k.oid >= 16384
        UNION ALL
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.prosupport::pg_catalog.oid
          FROM pg_catalog.pg_proc AS p
         WHERE p.oid < 16384 AND p.prosupport >= 16384
        UNION ALL
        -- Parts of built-in aggregates: those of others, and those with an effect.
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, f.oid
          FROM pg_catalog.pg_aggregate AS g
         CROSS JOIN LATERAL (VALUES (g.aggtransfn::pg_catalog.oid), (g.aggfinalfn::pg_catalog.oid), (g.aggcombinefn::pg_catalog.oid), (g.aggserialfn::pg_catalog.oid),
                                    (g.aggdeserialfn::pg_catalog.oid), (g.aggmtransfn::pg_catalog.oid), (g.aggminvtransfn::pg_catalog.oid),
                                    (g.aggmfinalfn::pg_catalog.oid)) AS f (oid)
         WHERE g.aggfnoid < 16384
           AND (f.oid >= 16384 OR f.oid IN (SELECT o.oid FROM pg_catalog.pg_proc AS o
                                             WHERE o.oid < 16384 AND (o.provolatile = 'v' OR o.prosrc IN (SELECT pg_catalog.unnest(pg_catalog.string_to_array($5, E'\n'))))))
        UNION ALL
        SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, g.aggsortop
          FROM pg_catalog.pg_aggregate AS g
         WHERE g.aggfnoid < 16384 AND g.aggsortop >= 16384
        UNION ALL
        -- What the defaults of their arguments call.
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, f.found[1]::pg_catalog.oid
          FROM pg_catalog.pg_proc AS p
         CROSS JOIN LATERAL pg_catalog.regexp_matches(p.proargdefaults::pg_catalog.text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') AS f (found)
         WHERE p.oid < 16384 AND p.pronargdefaults > 0 AND f.found[1] <> '0'
        UNION ALL
        -- The views that the program itself reads.
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid
          FROM pg_catalog.pg_class AS c
         WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.relname IN ('pg_roles', 'pg_user_mappings')
        UNION ALL
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, v.conproc::pg_catalog.oid
          FROM pg_catalog.pg_conversion AS v
         WHERE v.connamespace = 'pg_catalog'::pg_catalog.regnamespace AND v.condefault AND (v.oid >= 16384 OR v.conproc >= 16384)
        UNION ALL
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, r.ev_class
          FROM pg_catalog.pg_rewrite AS r
         WHERE r.ev_class < 16384
           AND EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid AND d.refobjid >= 16384)
        UNION ALL
        -- A function of PostgreSQL whose code is that of another one, or in another language.
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid
          FROM pg_catalog.pg_proc AS p
          JOIN pg_catalog.pg_language AS g ON g.oid = p.prolang
         WHERE p.oid < 16384 AND p.proname <> 'ts_debug'
           AND (p.provolatile <> 'v'
                OR p.proname::pg_catalog.text = ANY (pg_catalog.string_to_array($3, E'\n'))
                OR p.oid IN (SELECT o.oprcode FROM pg_catalog.pg_operator AS o WHERE o.oid < 16384
                             UNION ALL SELECT k.castfunc FROM pg_catalog.pg_cast AS k WHERE k.oid < 16384
                             UNION ALL SELECT m.amproc FROM pg_catalog.pg_amproc AS m WHERE m.oid < 16384))
           AND (g.lanname NOT IN ('internal', 'c')
                OR p.prosecdef
                -- Names nothing of `p`, so that the list is made once and not for each function.
                OR g.lanname = 'internal' AND p.prosrc IN (SELECT o.prosrc FROM pg_catalog.pg_proc AS o JOIN pg_catalog.pg_language AS l ON l.oid = o.prolang
                                                            WHERE o.oid < 16384 AND o.provolatile = 'v' AND l.lanname = 'internal' AND o.prokind = 'f'
                                                           UNION ALL SELECT pg_catalog.unnest(pg_catalog.string_to_array($5, E'\n'))))) AS e (class, id)
 WHERE n.class = 0
