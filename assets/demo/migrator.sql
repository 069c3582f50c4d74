-- The role that the change runs as. Nobody logs in as it here: only on the throwaway copy.
DO $roles$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'kb_migrator') THEN
    CREATE ROLE kb_migrator LOGIN IN ROLE kb_owner;
  END IF;
END
$roles$;
