-- A small newsroom: manuscripts, and the articles that were imported from them.
DO $roles$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'site_owner') THEN
    CREATE ROLE site_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'site_reader') THEN
    CREATE ROLE site_reader LOGIN;
  END IF;
  EXECUTE pg_catalog.format('ALTER DATABASE %I OWNER TO site_owner', pg_catalog.current_database());
  EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', pg_catalog.current_database());
  EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO site_reader', pg_catalog.current_database());
END
$roles$;
ALTER SCHEMA public OWNER TO site_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA site AUTHORIZATION site_owner;

CREATE TABLE site.manuscript (
  slug text COLLATE "C" PRIMARY KEY,
  body text NOT NULL
);

CREATE TABLE site.article (
  slug    text COLLATE "C" PRIMARY KEY REFERENCES site.manuscript (slug),
  body    text NOT NULL,
  state   text COLLATE "C" NOT NULL,
  embargo boolean NOT NULL DEFAULT false
);

CREATE TABLE site.publication (
  slug text COLLATE "C" PRIMARY KEY REFERENCES site.article (slug),
  at   timestamptz NOT NULL
);

CREATE FUNCTION site.publish(slug text)
RETURNS void
LANGUAGE sql
SET search_path TO ''
AS $function$
  UPDATE site.article SET state = 'published' WHERE slug = $1;
  INSERT INTO site.publication VALUES ($1, transaction_timestamp());
$function$;
REVOKE ALL ON FUNCTION site.publish(text) FROM PUBLIC;

-- Twenty manuscripts; fifteen are imported, and three of these are out already.
INSERT INTO site.manuscript
SELECT 'spring-' || lpad(n::text, 2, '0'), 'What happened in week ' || n || ', and what it means.'
  FROM generate_series(1, 20) AS n;
INSERT INTO site.article (slug, body, state)
SELECT m.slug, m.body, CASE WHEN m.slug <= 'spring-03' THEN 'published' ELSE 'draft' END
  FROM site.manuscript AS m
 WHERE m.slug <= 'spring-15';
INSERT INTO site.publication SELECT a.slug, timestamptz '2026-03-20 06:00:00+00' FROM site.article AS a WHERE a.state = 'published';

ALTER TABLE site.manuscript OWNER TO site_owner;
ALTER TABLE site.article OWNER TO site_owner;
ALTER TABLE site.publication OWNER TO site_owner;
ALTER FUNCTION site.publish(text) OWNER TO site_owner;
GRANT USAGE ON SCHEMA site TO site_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA site TO site_reader;
