SELECT w.wal_bytes::pg_catalog.text FROM pg_catalog.pg_stat_get_backend_wal(pg_catalog.pg_backend_pid()) AS w
