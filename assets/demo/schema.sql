-- Roles are shared by all databases of a server, so they are made only if absent.
DO $roles$
BEGIN
  IF pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'the demo needs a database with encoding UTF8, this one has %',
      pg_catalog.current_setting('server_encoding');
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'kb_owner') THEN
    CREATE ROLE kb_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'context_pack_readonly') THEN
    CREATE ROLE context_pack_readonly LOGIN;
  END IF;
  EXECUTE pg_catalog.format('ALTER DATABASE %I OWNER TO kb_owner', pg_catalog.current_database());
  EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', pg_catalog.current_database());
  EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO context_pack_readonly', pg_catalog.current_database());
END
$roles$;

ALTER SCHEMA public OWNER TO kb_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE TABLE public.source_document (
  id         text COLLATE "C" PRIMARY KEY,
  collection text COLLATE "C" NOT NULL UNIQUE,
  title      text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE public.source_version (
  id          text COLLATE "C" PRIMARY KEY,
  document_id text COLLATE "C" NOT NULL REFERENCES public.source_document (id),
  version_no  integer NOT NULL CHECK (version_no > 0),
  body        text NOT NULL,
  is_current  boolean NOT NULL,
  created_at  timestamptz NOT NULL,
  UNIQUE (document_id, version_no)
);
CREATE UNIQUE INDEX source_version_one_current ON public.source_version (document_id) WHERE is_current;

CREATE TABLE public.information_unit (
  id                text COLLATE "C" PRIMARY KEY,
  collection        text COLLATE "C" NOT NULL REFERENCES public.source_document (collection),
  source_version_id text COLLATE "C" NOT NULL REFERENCES public.source_version (id),
  title             text NOT NULL,
  state             text COLLATE "C" NOT NULL CHECK (state IN ('draft', 'enacted', 'retired')),
  updated_at        timestamptz NOT NULL
);

CREATE TABLE public.unit_version (
  id         text COLLATE "C" PRIMARY KEY,
  unit_id    text COLLATE "C" NOT NULL REFERENCES public.information_unit (id),
  version_no integer NOT NULL CHECK (version_no > 0),
  content    text NOT NULL CHECK (content <> ''),
  is_current boolean NOT NULL,
  created_at timestamptz NOT NULL,
  enacted_at timestamptz,
  UNIQUE (unit_id, version_no)
);
CREATE UNIQUE INDEX unit_version_one_current ON public.unit_version (unit_id) WHERE is_current;

CREATE TABLE public.lifecycle_log (
  id          text COLLATE "C" PRIMARY KEY,
  unit_id     text COLLATE "C" NOT NULL REFERENCES public.information_unit (id),
  seq         integer NOT NULL CHECK (seq > 0),
  from_state  text COLLATE "C" NOT NULL,
  to_state    text COLLATE "C" NOT NULL,
  actor       text NOT NULL,
  reason      text NOT NULL,
  occurred_at timestamptz NOT NULL,
  UNIQUE (unit_id, seq)
);

ALTER TABLE public.source_document OWNER TO kb_owner;
ALTER TABLE public.source_version OWNER TO kb_owner;
ALTER TABLE public.information_unit OWNER TO kb_owner;
ALTER TABLE public.unit_version OWNER TO kb_owner;
ALTER TABLE public.lifecycle_log OWNER TO kb_owner;
