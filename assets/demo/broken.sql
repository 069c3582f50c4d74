-- One unit without a current version: the real function refuses it, and with it the whole change.
UPDATE public.unit_version SET is_current = false WHERE unit_id = 'ICX-CONST-0042';
