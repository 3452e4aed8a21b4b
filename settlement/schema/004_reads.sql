-- What reads by time and by order go by, so that each stays within a few thousand index entries of ten million
-- fills. Ids of a market rise with time, so a time becomes an id first, and ids are walked.

-- The fill at a time: with its trade id, the first and last of one stamp.
DROP INDEX quorex.fills_time;
CREATE INDEX fills_time ON quorex.fills (market, time_ns, trade_id);

-- An order's own fills, on either side.
CREATE INDEX fills_maker_order ON quorex.fills (market, maker_order);
CREATE INDEX fills_taker_order ON quorex.fills (market, taker_order);

-- An account's orders by their time; the newest of a client id, without a sort that tempts to walk another index.
CREATE INDEX orders_time ON quorex.orders (account, market, created_ns, order_id);
DROP INDEX quorex.orders_client;
CREATE INDEX orders_client ON quorex.orders (account, market, client_id, order_id);

-- Up to which command rows of the partitioned tables have been dropped by retention; 0: none.
ALTER TABLE quorex.cursor ADD COLUMN dropped_command bigint NOT NULL DEFAULT 0;
ALTER TABLE quorex.cursor ADD COLUMN dropped_ns bigint NOT NULL DEFAULT 0;
