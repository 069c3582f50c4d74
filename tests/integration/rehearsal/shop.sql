-- A shop for rehearsals: triggers, cascades, identities, partitions, an inherited table, a table without key, a domain, an enum, a deferred constraint.
CREATE SCHEMA shop AUTHORIZATION shop_owner;
SET ROLE shop_owner;
SET search_path = shop;
CREATE TYPE status AS ENUM ('open', 'paid', 'gone');
CREATE DOMAIN mail AS text CHECK (value LIKE '%@%');
CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL, mail mail UNIQUE, created timestamptz NOT NULL DEFAULT now());
CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer int NOT NULL REFERENCES customer ON DELETE CASCADE DEFERRABLE INITIALLY IMMEDIATE,
  status status NOT NULL DEFAULT 'open',
  amount numeric NOT NULL,
  doubled numeric GENERATED ALWAYS AS (amount * 2) STORED,
  placed timestamp NOT NULL DEFAULT '2026-01-01',
  region text
);
CREATE TABLE order_log (id serial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), orders bigint, what text);
CREATE FUNCTION log_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO shop.order_log (orders, what) VALUES (new.id, tg_op); RETURN new; END $$;
CREATE TRIGGER logged AFTER UPDATE OF region ON orders FOR EACH ROW EXECUTE FUNCTION log_order();
CREATE TABLE visit (at date NOT NULL, page text, note text);
CREATE TABLE measure (id int NOT NULL, day date NOT NULL, value int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE measure_2025 PARTITION OF measure FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE measure_2026 PARTITION OF measure FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE measure_old (LIKE measure INCLUDING ALL);
CREATE TABLE spare (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE quiet (id int PRIMARY KEY, name text);
CREATE TABLE party (id int PRIMARY KEY, name text);
CREATE TABLE company (seat text, PRIMARY KEY (id)) INHERITS (party);
CREATE VIEW big AS SELECT * FROM orders WHERE amount > 50;
INSERT INTO customer (name, mail, created) SELECT 'c' || i, i || '@example.org', '2026-01-01' FROM generate_series(1, 20) i;
INSERT INTO orders (customer, amount) SELECT 1 + i % 20, i FROM generate_series(1, 100) i;
INSERT INTO visit SELECT '2026-01-01'::date + i % 3, 'p' || i % 5, E'tab\there \\ and\nline' FROM generate_series(1, 30) i;
INSERT INTO measure SELECT i, '2025-06-01', i FROM generate_series(1, 10) i;
INSERT INTO measure SELECT i, '2026-06-01', i FROM generate_series(1, 10) i;
INSERT INTO measure_old SELECT i, '2024-06-01', i FROM generate_series(1, 4) i;
INSERT INTO spare SELECT i, 's' || i FROM generate_series(1, 5) i;
INSERT INTO quiet SELECT i, 'q' || i FROM generate_series(1, 5) i;
INSERT INTO party SELECT i, 'p' || i FROM generate_series(1, 5) i;
INSERT INTO company SELECT 10 + i, 'c' || i, 'seat' FROM generate_series(1, 4) i;
RESET ROLE;
GRANT USAGE ON SCHEMA shop TO shop_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO shop_reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA shop TO shop_reader;
-- What the clerk may do, and nobody but the owner in the clerk's name.
GRANT USAGE ON SCHEMA shop TO shop_clerk;
GRANT SELECT, DELETE ON shop.spare TO shop_clerk;
