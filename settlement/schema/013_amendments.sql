-- What became of an order's quantity and name, one row an amendment. orig_client_id is empty where it was not known: the
-- order was open when the writer began to read, and was named by its id alone.
CREATE TABLE quorex.order_amendments (
    command        bigint NOT NULL, -- that amended it: executionId
    ordinal        int NOT NULL,
    market         int NOT NULL,
    order_id       bigint NOT NULL,
    account        int NOT NULL,
    time_ns        bigint NOT NULL,
    orig_client_id text COLLATE "C" NOT NULL,
    new_client_id  text COLLATE "C" NOT NULL,
    orig_qty       bigint NOT NULL,
    new_qty        bigint NOT NULL
) PARTITION BY RANGE (command);
CREATE INDEX order_amendments_order ON quorex.order_amendments (account, market, order_id, command);

-- A database that was filled before this table was there has amendments from here on only, and readers are told so. One
-- that is dropped is filled again with all of them.
ALTER TABLE quorex.cursor ADD COLUMN amendments_command bigint NOT NULL DEFAULT 0;
ALTER TABLE quorex.cursor ADD COLUMN amendments_ns bigint NOT NULL DEFAULT 0;
UPDATE quorex.cursor c SET amendments_command = c.command, amendments_ns = coalesce(
    (SELECT b.time_ns FROM quorex.blocks b WHERE b.height = c.height), 0);

-- Lists that are open: a writer that begins reads which orders are of them.
CREATE INDEX order_lists_open ON quorex.order_lists (market, list_id) WHERE closed_ns = 0;

-- The list that each side's order is of; null: none. Up to amendments_command it may be null of an order that has ended as
-- well: its row in orders says which. To say it here would be to write most of a large table while nobody can read it.
-- Orders of open lists may have no row yet, and are few.
ALTER TABLE quorex.fills
    ADD COLUMN maker_list bigint,
    ADD COLUMN taker_list bigint;
UPDATE quorex.fills f SET maker_list = o.list_id
    FROM (SELECT l.market, l.list_id, unnest(ARRAY[l.a_order, l.b_order, l.c_order]) AS order_id
          FROM quorex.order_lists l WHERE l.closed_ns = 0) o
    WHERE f.market = o.market AND f.maker_order = o.order_id AND o.order_id > 0;
UPDATE quorex.fills f SET taker_list = o.list_id
    FROM (SELECT l.market, l.list_id, unnest(ARRAY[l.a_order, l.b_order, l.c_order]) AS order_id
          FROM quorex.order_lists l WHERE l.closed_ns = 0) o
    WHERE f.market = o.market AND f.taker_order = o.order_id AND o.order_id > 0;
