SELECT 'functions', 'its types', 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, y.oid
  FROM pg_catalog.pg_proc AS p
 CROSS JOIN LATERAL (SELECT p.prorettype UNION ALL SELECT a.oid FROM pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::pg_catalog.oid[])) AS a (oid)) AS y (oid)
 WHERE n.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND n.id >= 16384 AND p.oid = n.id AND y.oid >= 16384
UNION ALL
SELECT 'functions', 'planner support', 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, p.prosupport::pg_catalog.oid
  FROM pg_catalog.pg_proc AS p
 WHERE n.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND n.id >= 16384 AND p.oid = n.id AND p.prosupport <> 0
UNION ALL
SELECT 'functions', e.how, e.class::pg_catalog.oid, e.id::pg_catalog.oid
  FROM pg_catalog.pg_aggregate AS g
 CROSS JOIN LATERAL (VALUES ('state', 'pg_catalog.pg_proc'::pg_catalog.regclass, g.aggtransfn::pg_catalog.oid),
                            ('result', 'pg_catalog.pg_proc'::pg_catalog.regclass, g.aggfinalfn::pg_catalog.oid),
                            ('combination', 'pg_catalog.pg_proc'::pg_catalog.regclass, g.aggcombinefn::pg_catalog.oid),
                            ('serialization', 'pg_catalog.pg_proc'::pg_catalog.regclass, g.aggserialfn::pg_catalog.oid),
                            ('deserialization', 'pg_catalog.pg_proc'::pg_catalog.regclass, g.aggdeserialfn::pg_catalog.oid),
                            ('moving state', 'pg_catalog.pg_proc'::pg_catalog.regclass, g.aggmtransfn::pg_catalog.oid),
                            ('moving inverse', 'pg_catalog.pg_proc'::pg_catalog.regclass, g.aggminvtransfn::pg_catalog.oid),
                            ('moving result', 'pg_catalog.pg_proc'::pg_catalog.regclass, g.aggmfinalfn::pg_catalog.oid),
                            ('order', 'pg_catalog.pg_operator'::pg_catalog.regclass, g.aggsortop)) AS e (how, class, id)
 WHERE n.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND n.id >= 16384 AND g.aggfnoid = n.id AND e.id <> 0
