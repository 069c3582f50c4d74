) AS e
)
SELECT n.class::pg_catalog.regclass::pg_catalog.text, n.id::pg_catalog.text,
       CASE WHEN n.class = 'pg_catalog.pg_class'::pg_catalog.regclass
            THEN CASE v.facts::pg_catalog.json ->> 'kind' WHEN 'v' THEN 'the view ' WHEN 'i' THEN 'the index ' WHEN 'I' THEN 'the index ' ELSE '' END
                 || n.id::pg_catalog.regclass::pg_catalog.text
            -- The rule of a view is the view.
            WHEN n.class = 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN ''
            WHEN n.class = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 'function ' || n.id::pg_catalog.regprocedure::pg_catalog.text
            WHEN n.class <> 0 THEN pg_catalog.pg_describe_object(n.class, n.id, 0) END,
       v.version,
       -- Deleted or replaced by a transaction that the snapshot does not see, and that was committed.
       CASE WHEN v.xmax::pg_catalog.text <> '0' AND ((v.xmax::pg_catalog.text::pg_catalog.int8 - s.xmin % 4294967296 + 4294967296) % 4294967296) < 2147483648
            THEN pg_catalog.pg_xact_status((s.xmin + ((v.xmax::pg_catalog.text::pg_catalog.int8 - s.xmin % 4294967296 + 4294967296) % 4294967296))::pg_catalog.text::pg_catalog.xid8) IS NOT DISTINCT FROM 'committed'
            ELSE false END::pg_catalog.text,
       v.facts,
       (SELECT pg_catalog.string_agg(DISTINCT e.resolver || E'\t' || e.how || E'\t' || e.class::pg_catalog.regclass::pg_catalog.text || E'\t' || e.id::pg_catalog.text, E'\n')
          FROM (
