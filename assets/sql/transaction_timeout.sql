SELECT pg_catalog.set_config('transaction_timeout', $1, true)
