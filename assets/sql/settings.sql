SELECT pg_catalog.lower(s.name), pg_catalog.current_setting(s.name)
  FROM (VALUES ('transaction_read_only'), ('transaction_isolation'), ('search_path'), ('row_security'),
               ('statement_timeout'), ('lock_timeout'), ('idle_in_transaction_session_timeout'), ('jit'),
               ('max_parallel_workers_per_gather'), ('DateStyle'), ('IntervalStyle'), ('TimeZone'),
               ('extra_float_digits'), ('bytea_output'), ('standard_conforming_strings'),
               ('synchronize_seqscans'), ('cursor_tuple_fraction'), ('quote_all_identifiers'),
               ('lc_monetary'), ('lc_numeric'), ('lc_time'), ('array_nulls'), ('transform_null_equals'), ('xmloption'), ('xmlbinary'),
               ('client_encoding'), ('drygate.nonce')) AS s (name)
