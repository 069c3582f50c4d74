SELECT c.timeline_id::pg_catalog.text FROM pg_catalog.pg_control_checkpoint() AS c
