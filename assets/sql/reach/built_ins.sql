-- What stands in for a part of PostgreSQL itself, so that any SQL could run it.
SELECT 'built-ins', '', e.class::pg_catalog.oid, e.id
  FROM (SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid
          FROM pg_catalog.pg_cast AS k
         WHERE k.castsource < 16384 AND k.casttarget < 16384 AND (k.oid >= 16384 OR k.castfunc >= 16384)
        UNION ALL
        SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid
          FROM pg_catalog.pg_operator AS o
         WHERE o.oprnamespace = 'pg_catalog'::pg_catalog.regnamespace AND (o.oid >= 16384 OR o.oprcode >= 16384)
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
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, f.oid
          FROM pg_catalog.pg_type AS y
         CROSS JOIN LATERAL (VALUES (y.typinput::pg_catalog.oid), (y.typoutput::pg_catalog.oid), (y.typreceive::pg_catalog.oid), (y.typsend::pg_catalog.oid)) AS f (oid)
         WHERE y.oid < 16384 AND f.oid >= 16384
        UNION ALL
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, v.conproc::pg_catalog.oid
          FROM pg_catalog.pg_conversion AS v
         WHERE v.connamespace = 'pg_catalog'::pg_catalog.regnamespace AND v.condefault AND (v.oid >= 16384 OR v.conproc >= 16384)
        UNION ALL
        SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, r.oid
          FROM pg_catalog.pg_rewrite AS r
         WHERE r.ev_class < 16384
           AND EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid AND d.refobjid >= 16384)
        UNION ALL
        -- A function of PostgreSQL whose code is that of another one, or in another language.
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid
          FROM pg_catalog.pg_proc AS p
          JOIN pg_catalog.pg_language AS g ON g.oid = p.prolang
         WHERE p.oid < 16384 AND p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.proname <> 'ts_debug'
           AND (p.provolatile <> 'v'
                OR p.proname::pg_catalog.text = ANY (pg_catalog.string_to_array($3, E'\n'))
                OR p.oid IN (SELECT o.oprcode FROM pg_catalog.pg_operator AS o WHERE o.oid < 16384
                             UNION ALL SELECT k.castfunc FROM pg_catalog.pg_cast AS k WHERE k.oid < 16384
                             UNION ALL SELECT m.amproc FROM pg_catalog.pg_amproc AS m WHERE m.oid < 16384))
           AND (g.lanname NOT IN ('internal', 'c')
                OR p.prosecdef
                -- Names nothing of `p`, so that the list is made once and not for each function.
                OR g.lanname = 'internal' AND p.prosrc IN (SELECT o.prosrc FROM pg_catalog.pg_proc AS o JOIN pg_catalog.pg_language AS l ON l.oid = o.prolang
                                                            WHERE o.oid < 16384 AND o.provolatile = 'v' AND l.lanname = 'internal' AND o.prokind = 'f'))) AS e (class, id)
 WHERE n.class = 0
