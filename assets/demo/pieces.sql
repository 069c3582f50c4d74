SELECT split_part(part.text, ']', 1) AS key,
       btrim(substr(part.text, strpos(part.text, E'\n')), E'\n') AS content
  FROM public.source_document d
  JOIN public.source_version v ON v.document_id = d.id AND v.is_current
 CROSS JOIN LATERAL regexp_split_to_table(v.body, '^\[(?=ICX-CONST-[0-9]{4}\]$)', 'n')
            WITH ORDINALITY AS part (text, position)
 WHERE d.collection = 'ICX-CONST'
   AND part.position > 1
 ORDER BY split_part(part.text, ']', 1) COLLATE "C", part.position
