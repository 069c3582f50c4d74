CREATE FUNCTION public.fn_iu_enact(p_unit text, p_reason text)
RETURNS text
LANGUAGE plpgsql
SET search_path TO ''
AS $function$
DECLARE
  v_unit    public.information_unit%ROWTYPE;
  v_version public.unit_version%ROWTYPE;
  v_seq     integer;
BEGIN
  IF p_reason IS NULL OR btrim(p_reason) = '' THEN
    RAISE EXCEPTION 'enacting unit % needs a reason', p_unit;
  END IF;

  SELECT * INTO v_unit
    FROM public.information_unit u
   WHERE u.id = p_unit
     FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unit % does not exist', p_unit;
  END IF;
  IF v_unit.state <> 'draft' THEN
    RAISE EXCEPTION 'unit % is no draft, it is %', p_unit, v_unit.state;
  END IF;

  SELECT * INTO v_version
    FROM public.unit_version v
   WHERE v.unit_id = p_unit
     AND v.is_current;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unit % has no current version', p_unit;
  END IF;

  UPDATE public.information_unit u
     SET state = 'enacted',
         updated_at = transaction_timestamp()
   WHERE u.id = p_unit;

  UPDATE public.unit_version v
     SET enacted_at = transaction_timestamp()
   WHERE v.id = v_version.id;

  SELECT coalesce(max(l.seq), 0) + 1 INTO v_seq
    FROM public.lifecycle_log l
   WHERE l.unit_id = p_unit;

  INSERT INTO public.lifecycle_log (id, unit_id, seq, from_state, to_state, actor, reason, occurred_at)
  VALUES (p_unit || '/' || v_seq, p_unit, v_seq, v_unit.state, 'enacted',
          session_user, p_reason, transaction_timestamp());

  RETURN v_version.id;
END
$function$;

CREATE FUNCTION public.fn_iu_apply_edit_draft(p_unit text, p_content text)
RETURNS text
LANGUAGE plpgsql
SET search_path TO ''
AS $function$
DECLARE
  v_unit    public.information_unit%ROWTYPE;
  v_version public.unit_version%ROWTYPE;
  v_id      text;
BEGIN
  IF p_content IS NULL OR btrim(p_content) = '' THEN
    RAISE EXCEPTION 'unit % cannot become empty', p_unit;
  END IF;

  SELECT * INTO v_unit
    FROM public.information_unit u
   WHERE u.id = p_unit
     FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unit % does not exist', p_unit;
  END IF;
  IF v_unit.state <> 'draft' THEN
    RAISE EXCEPTION 'unit % is no draft, it is %', p_unit, v_unit.state;
  END IF;

  SELECT * INTO v_version
    FROM public.unit_version v
   WHERE v.unit_id = p_unit
     AND v.is_current;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unit % has no current version', p_unit;
  END IF;
  IF v_version.content = p_content THEN
    RETURN v_version.id;
  END IF;

  UPDATE public.unit_version v
     SET is_current = false
   WHERE v.id = v_version.id;

  v_id := p_unit || '/v' || (v_version.version_no + 1);
  INSERT INTO public.unit_version (id, unit_id, version_no, content, is_current, created_at)
  VALUES (v_id, p_unit, v_version.version_no + 1, p_content, true, transaction_timestamp());

  UPDATE public.information_unit u
     SET title = split_part(p_content, E'\n', 1),
         updated_at = transaction_timestamp()
   WHERE u.id = p_unit;

  RETURN v_id;
END
$function$;

ALTER FUNCTION public.fn_iu_enact(text, text) OWNER TO kb_owner;
ALTER FUNCTION public.fn_iu_apply_edit_draft(text, text) OWNER TO kb_owner;
REVOKE ALL ON FUNCTION public.fn_iu_enact(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.fn_iu_apply_edit_draft(text, text) FROM PUBLIC;

GRANT USAGE ON SCHEMA public TO context_pack_readonly;
GRANT SELECT ON public.source_document, public.source_version, public.information_unit,
                public.unit_version, public.lifecycle_log TO context_pack_readonly;
