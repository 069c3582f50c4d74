SELECT u.id AS key, v.content, u.state
  FROM public.information_unit u
  LEFT JOIN public.unit_version v ON v.unit_id = u.id AND v.is_current
 WHERE u.collection = 'ICX-CONST'
   AND u.state <> 'retired'
 ORDER BY u.id COLLATE "C"
