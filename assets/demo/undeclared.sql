-- What the author of the profile does not know of: each version that is enacted is told to a search index.
CREATE TABLE public.search_outbox (
  unit_id    text COLLATE "C" NOT NULL REFERENCES public.information_unit (id),
  version_id text COLLATE "C" NOT NULL REFERENCES public.unit_version (id),
  PRIMARY KEY (unit_id, version_id)
);

CREATE FUNCTION public.fn_tell_search()
RETURNS trigger
LANGUAGE plpgsql
SET search_path TO ''
AS $function$
BEGIN
  INSERT INTO public.search_outbox (unit_id, version_id) VALUES (NEW.unit_id, NEW.id);
  RETURN NULL;
END
$function$;

CREATE TRIGGER tell_search AFTER UPDATE OF enacted_at ON public.unit_version
  FOR EACH ROW EXECUTE FUNCTION public.fn_tell_search();

ALTER TABLE public.search_outbox OWNER TO kb_owner;
ALTER FUNCTION public.fn_tell_search() OWNER TO kb_owner;
REVOKE ALL ON FUNCTION public.fn_tell_search() FROM PUBLIC;
GRANT SELECT ON public.search_outbox TO context_pack_readonly;
