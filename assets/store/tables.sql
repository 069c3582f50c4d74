-- Runs of drygate, kept by a team in a PostgreSQL of its own (docs/store.md). For the owner of the store, once, in a database that is
-- on another server than any that is surveyed. Members are granted the role drygate_members.
BEGIN;
CREATE SCHEMA drygate;
REVOKE ALL ON SCHEMA drygate FROM PUBLIC;

-- The format of these tables.
CREATE TABLE drygate.store (format integer NOT NULL);
INSERT INTO drygate.store VALUES (1);

-- Who holds a run, until when by this server's clock, and the last line of its journal. The epoch counts who took it up.
CREATE TABLE drygate.run (
    run_id text PRIMARY KEY,
    epoch bigint NOT NULL,
    holder text NOT NULL,
    until timestamptz NOT NULL,
    head_seq bigint,
    head_sha256 text,
    manifest_sha256 text,
    begun_at timestamptz NOT NULL DEFAULT now()
);

-- The lines of the journals. Who wrote a line and when is stamped by this server: members may not write these two columns.
CREATE TABLE drygate.line (
    run_id text NOT NULL,
    seq bigint NOT NULL,
    epoch bigint NOT NULL,
    line bytea NOT NULL,
    written_by text NOT NULL DEFAULT session_user,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, seq)
);

-- The other files of a run; of one path the highest version counts.
CREATE TABLE drygate.file (
    run_id text NOT NULL,
    path text NOT NULL,
    version bigint NOT NULL,
    sha256 text NOT NULL,
    parts integer NOT NULL,
    written_by text NOT NULL DEFAULT session_user,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, path, version)
);

-- What is in them, in parts of 1 MiB.
CREATE TABLE drygate.content (
    sha256 text NOT NULL,
    part integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (sha256, part)
);

-- Roles are those of the whole server: another database of it may have a store too.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'drygate_members') THEN
        CREATE ROLE drygate_members NOLOGIN;
    END IF;
END $$;
GRANT USAGE ON SCHEMA drygate TO drygate_members;
GRANT SELECT ON ALL TABLES IN SCHEMA drygate TO drygate_members;
GRANT INSERT (run_id, epoch, holder, until) ON drygate.run TO drygate_members;
GRANT UPDATE (epoch, holder, until, head_seq, head_sha256, manifest_sha256) ON drygate.run TO drygate_members;
GRANT INSERT (run_id, seq, epoch, line) ON drygate.line TO drygate_members;
GRANT INSERT (run_id, path, version, sha256, parts) ON drygate.file TO drygate_members;
GRANT INSERT (sha256, part, body) ON drygate.content TO drygate_members;
COMMIT;
