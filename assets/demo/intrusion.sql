UPDATE public.source_version
   SET body = replace(body, 'ít nhất bảy năm', 'ít nhất năm năm')
 WHERE id = 'SRC-ICX-CONST/v2';
UPDATE public.unit_version
   SET content = replace(content, 'ít nhất bảy năm', 'ít nhất năm năm')
 WHERE unit_id = 'ICX-CONST-0017' AND is_current;
