BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT n.oid, n.nspname FROM ONLY pg_catalog.pg_namespace AS n;
SELECT y.oid, y.typname, y.typinput::pg_catalog.oid, y.typoutput::pg_catalog.oid, y.typreceive::pg_catalog.oid, y.typsend::pg_catalog.oid, y.typmodin::pg_catalog.oid, y.typmodout::pg_catalog.oid FROM ONLY pg_catalog.pg_type AS y;
SELECT p.oid, p.pronamespace, p.proname, p.prolang, p.prosupport::pg_catalog.oid FROM ONLY pg_catalog.pg_proc AS p;
SELECT k.oid, k.castsource, k.casttarget, k.castfunc FROM ONLY pg_catalog.pg_cast AS k;
SELECT o.oid, o.oprnamespace, o.oprname, o.oprcode::pg_catalog.oid, o.oprrest::pg_catalog.oid, o.oprjoin::pg_catalog.oid, o.oprcom, o.oprnegate FROM ONLY pg_catalog.pg_operator AS o;
SELECT g.aggfnoid::pg_catalog.oid, g.aggtransfn::pg_catalog.oid, g.aggfinalfn::pg_catalog.oid, g.aggcombinefn::pg_catalog.oid, g.aggserialfn::pg_catalog.oid, g.aggdeserialfn::pg_catalog.oid, g.aggmtransfn::pg_catalog.oid, g.aggminvtransfn::pg_catalog.oid, g.aggmfinalfn::pg_catalog.oid, g.aggsortop FROM ONLY pg_catalog.pg_aggregate AS g;
SELECT r.ev_class FROM ONLY pg_catalog.pg_rewrite AS r;
SELECT i.inhparent FROM ONLY pg_catalog.pg_inherits AS i;
SELECT x.indexrelid, x.indrelid FROM ONLY pg_catalog.pg_index AS x;
SELECT s.stxrelid FROM ONLY pg_catalog.pg_statistic_ext AS s
