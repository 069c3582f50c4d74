-- A small shop beside the constitution: what a migration is made for.
DO $roles$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'shop_owner') THEN
    CREATE ROLE shop_owner LOGIN;
  END IF;
  EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO shop_owner', pg_catalog.current_database());
END
$roles$;

CREATE SCHEMA shop AUTHORIZATION shop_owner;

CREATE TABLE shop.customer (
  id      integer PRIMARY KEY,
  country text COLLATE "C" NOT NULL
);

CREATE TABLE shop.orders (
  id          integer PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES shop.customer (id),
  total       integer NOT NULL
);

CREATE TABLE shop.order_log (
  id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id integer NOT NULL REFERENCES shop.orders (id),
  at       timestamptz NOT NULL
);

CREATE TABLE shop.visit (
  id          integer NOT NULL,
  customer_id integer NOT NULL REFERENCES shop.customer (id),
  day         date NOT NULL,
  PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE TABLE shop.visit_2024 PARTITION OF shop.visit FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE shop.visit_2025 PARTITION OF shop.visit FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');

-- Every change of an order is logged, also by a migration.
CREATE FUNCTION shop.log_order()
RETURNS trigger
LANGUAGE plpgsql
SET search_path TO ''
AS $function$
BEGIN
  INSERT INTO shop.order_log (order_id, at) VALUES (NEW.id, transaction_timestamp());
  RETURN NULL;
END
$function$;
CREATE TRIGGER log_order AFTER UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.log_order();

INSERT INTO shop.customer SELECT n, CASE WHEN n % 3 = 0 THEN 'VN' ELSE 'DE' END FROM generate_series(1, 100) AS n;
INSERT INTO shop.orders SELECT n, n % 100 + 1, n FROM generate_series(1, 1000) AS n;
INSERT INTO shop.visit SELECT n, n % 100 + 1, date '2024-01-01' + n FROM generate_series(0, 699) AS n;

ALTER TABLE shop.customer OWNER TO shop_owner;
ALTER TABLE shop.orders OWNER TO shop_owner;
ALTER TABLE shop.order_log OWNER TO shop_owner;
ALTER TABLE shop.visit OWNER TO shop_owner;
ALTER TABLE shop.visit_2024 OWNER TO shop_owner;
ALTER TABLE shop.visit_2025 OWNER TO shop_owner;
ALTER FUNCTION shop.log_order() OWNER TO shop_owner;
REVOKE ALL ON FUNCTION shop.log_order() FROM PUBLIC;
GRANT USAGE ON SCHEMA shop TO context_pack_readonly;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO context_pack_readonly;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA shop TO context_pack_readonly;
-- SG1 says how large the tables are by what the catalogue knows.
ANALYZE shop.customer, shop.orders, shop.order_log, shop.visit, shop.visit_2024, shop.visit_2025;
