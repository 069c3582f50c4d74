SELECT 'text search', '', e.class::pg_catalog.oid, e.id
  FROM pg_catalog.pg_ts_config AS g
 CROSS JOIN LATERAL (SELECT 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, g.cfgparser
                     UNION ALL
                     SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, m.mapdict FROM pg_catalog.pg_ts_config_map AS m WHERE m.mapcfg = g.oid) AS e (class, id)
 WHERE n.class = 'pg_catalog.pg_ts_config'::pg_catalog.regclass AND g.oid = n.id AND e.id >= 16384
UNION ALL
SELECT 'text search', '', 'pg_catalog.pg_ts_template'::pg_catalog.regclass::pg_catalog.oid, d.dicttemplate
  FROM pg_catalog.pg_ts_dict AS d
 WHERE n.class = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass AND d.oid = n.id AND d.dicttemplate >= 16384
UNION ALL
SELECT 'text search', e.how, 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, e.id::pg_catalog.oid
  FROM pg_catalog.pg_ts_template AS t
 CROSS JOIN LATERAL (VALUES ('init', t.tmplinit), ('lexize', t.tmpllexize)) AS e (how, id)
 WHERE n.class = 'pg_catalog.pg_ts_template'::pg_catalog.regclass AND t.oid = n.id AND e.id <> 0
UNION ALL
SELECT 'text search', e.how, 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, e.id::pg_catalog.oid
  FROM pg_catalog.pg_ts_parser AS s
 CROSS JOIN LATERAL (VALUES ('start', s.prsstart), ('token', s.prstoken), ('end', s.prsend), ('headline', s.prsheadline), ('types', s.prslextype)) AS e (how, id)
 WHERE n.class = 'pg_catalog.pg_ts_parser'::pg_catalog.regclass AND s.oid = n.id AND e.id <> 0
UNION ALL
-- The name of a configuration, dictionary or parser may be a value: any of them could be meant.
SELECT 'text search', 'any of', e.class::pg_catalog.oid, e.id
  FROM pg_catalog.pg_proc AS p
 CROSS JOIN LATERAL (SELECT 'pg_catalog.pg_ts_template'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_ts_template AS t
                     UNION ALL
                     SELECT 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, s.oid FROM pg_catalog.pg_ts_parser AS s) AS e (class, id)
 WHERE n.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = n.id AND p.oid < 16384 AND e.id >= 16384
   AND p.proname ~ '^(to_tsvector|to_tsquery|(jsonb?|json_string)_to_tsvector|.*to_tsquery|ts_headline|ts_lexize|ts_parse|ts_token_type|ts_debug|ts_match_t[tq]|jsonb?_to_tsvector)'
