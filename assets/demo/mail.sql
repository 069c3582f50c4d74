-- A small mail archive with legal holds: what a purge must leave alone.
DO $roles$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'mail_owner') THEN
    CREATE ROLE mail_owner LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'mail_reader') THEN
    CREATE ROLE mail_reader LOGIN;
  END IF;
  EXECUTE pg_catalog.format('ALTER DATABASE %I OWNER TO mail_owner', pg_catalog.current_database());
  EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', pg_catalog.current_database());
  EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO mail_owner, mail_reader', pg_catalog.current_database());
END
$roles$;
ALTER SCHEMA public OWNER TO mail_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA mail AUTHORIZATION mail_owner;

CREATE TABLE mail.mailbox (
  id      integer PRIMARY KEY,
  address text NOT NULL
);

CREATE TABLE mail.legal_hold (
  mailbox_id integer PRIMARY KEY REFERENCES mail.mailbox (id),
  since      date NOT NULL,
  reason     text NOT NULL
);

CREATE TABLE mail.message (
  id         integer PRIMARY KEY,
  mailbox_id integer NOT NULL REFERENCES mail.mailbox (id),
  received   date NOT NULL
);

CREATE TABLE mail.attachment (
  id         integer PRIMARY KEY,
  message_id integer NOT NULL REFERENCES mail.message (id) ON DELETE CASCADE,
  name       text NOT NULL
);
CREATE INDEX attachment_message ON mail.attachment (message_id);

-- The database itself keeps what is under hold, whoever deletes.
CREATE FUNCTION mail.keep_held()
RETURNS trigger
LANGUAGE plpgsql
SET search_path TO ''
AS $function$
BEGIN
  IF EXISTS (SELECT FROM mail.legal_hold AS h WHERE h.mailbox_id = OLD.mailbox_id) THEN
    RAISE EXCEPTION 'mailbox % is under legal hold', OLD.mailbox_id;
  END IF;
  RETURN OLD;
END
$function$;
CREATE TRIGGER keep_held BEFORE DELETE ON mail.message FOR EACH ROW EXECUTE FUNCTION mail.keep_held();

INSERT INTO mail.mailbox SELECT n, 'person' || n || '@example.org' FROM generate_series(1, 20) AS n;
INSERT INTO mail.legal_hold VALUES (3, '2024-05-02', 'a claim of a supplier'), (11, '2025-01-17', 'a tax audit');
INSERT INTO mail.message SELECT n, n % 20 + 1, date '2017-01-01' + n * 2 FROM generate_series(1, 1000) AS n;
INSERT INTO mail.attachment SELECT n, (n + 1) / 2, 'scan-' || n || '.pdf' FROM generate_series(1, 2000) AS n;

ALTER TABLE mail.mailbox OWNER TO mail_owner;
ALTER TABLE mail.legal_hold OWNER TO mail_owner;
ALTER TABLE mail.message OWNER TO mail_owner;
ALTER TABLE mail.attachment OWNER TO mail_owner;
ALTER FUNCTION mail.keep_held() OWNER TO mail_owner;
REVOKE ALL ON FUNCTION mail.keep_held() FROM PUBLIC;
GRANT USAGE ON SCHEMA mail TO mail_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA mail TO mail_reader;
ANALYZE mail.mailbox, mail.legal_hold, mail.message, mail.attachment;
