INSERT INTO public.information_unit (id, collection, source_version_id, title, state, updated_at)
SELECT k.key, 'ICX-CONST', v.id,
       split_part(btrim(split_part(v.body, '[' || k.key || ']', 2), E'\n'), E'\n', 1),
       'draft', timestamptz '2026-05-18 02:00:00+00'
  FROM public.source_version v
 CROSS JOIN (SELECT 'ICX-CONST-' || lpad(n::text, 4, '0') FROM generate_series(1, 60) AS n) AS k (key)
 WHERE v.id = 'SRC-ICX-CONST/v2'
 ORDER BY k.key COLLATE "C";

INSERT INTO public.unit_version (id, unit_id, version_no, content, is_current, created_at)
SELECT u.id || '/v1', u.id, 1,
       btrim(split_part(split_part(v.body, '[' || u.id || ']', 2), '[ICX-CONST-', 1), E'\n'),
       true, timestamptz '2026-05-18 02:00:00+00'
  FROM public.information_unit u
  JOIN public.source_version v ON v.id = u.source_version_id
 ORDER BY u.id;
