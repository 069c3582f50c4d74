INSERT INTO public.lifecycle_log (id, unit_id, seq, from_state, to_state, actor, reason, occurred_at)
SELECT u.id || '/1', u.id, 1, u.state, 'enacted', 'kb_editor', 'Hội đồng tán thành bản thứ hai',
       timestamptz '2026-05-20 07:00:00+00' + right(u.id, 4)::integer * interval '1 minute'
  FROM public.information_unit u
 ORDER BY u.id;

UPDATE public.unit_version v
   SET enacted_at = l.occurred_at
  FROM public.lifecycle_log l
 WHERE l.unit_id = v.unit_id;

UPDATE public.information_unit u
   SET state = 'enacted', updated_at = l.occurred_at
  FROM public.lifecycle_log l
 WHERE l.unit_id = u.id;
