GRANT UPDATE (content) ON public.unit_version TO context_pack_readonly;
