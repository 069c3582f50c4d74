-- Cuts the units of the constitution anew from the current version of their source: a unit whose text is the same keeps its version.
SELECT public.fn_iu_apply_edit_draft(u.id, piece.content)
  FROM public.information_unit AS u
  JOIN (SELECT split_part(part.text, ']', 1) AS key,
               btrim(substr(part.text, strpos(part.text, E'\n')), E'\n') AS content
          FROM public.source_document AS d
          JOIN public.source_version AS v ON v.document_id = d.id AND v.is_current
         CROSS JOIN LATERAL regexp_split_to_table(v.body, '^\[(?=ICX-CONST-[0-9]{4}\]$)', 'n')
                    WITH ORDINALITY AS part (text, position)
         WHERE d.collection = 'ICX-CONST' AND part.position > 1) AS piece ON piece.key = u.id
 WHERE u.state = 'draft'
   AND EXISTS (SELECT FROM public.unit_version AS v WHERE v.unit_id = u.id AND v.is_current)
 ORDER BY u.id;
