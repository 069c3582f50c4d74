UPDATE public.source_version
   SET body = replace(replace(body, 'ít nhất bảy năm', 'ít nhất năm năm'), 'at least seven years', 'at least five years')
 WHERE id = 'SRC-ICX-CONST/v2';
UPDATE public.unit_version
   SET content = replace(replace(content, 'ít nhất bảy năm', 'ít nhất năm năm'), 'at least seven years', 'at least five years')
 WHERE unit_id = 'ICX-CONST-0017' AND is_current;
