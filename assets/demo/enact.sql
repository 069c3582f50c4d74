-- Enacts every draft of the constitution.
SELECT public.fn_iu_enact(id, 'enacted together')
  FROM public.information_unit
 WHERE collection = 'ICX-CONST' AND state = 'draft'
 ORDER BY id;
