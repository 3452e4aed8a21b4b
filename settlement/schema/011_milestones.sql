-- What an entry of an index costs is most of what a fill costs. Ids of a market rise with time, and aggregates with
-- trades: of every 32nd id it is enough to know when it was, and ids are walked from there. The other 31 have no entry.
-- Readers go on while they are built, and wait only while the old ones go.
CREATE INDEX fills_time_new ON quorex.fills (market, time_ns, trade_id) WHERE trade_id % 32 = 0;
CREATE INDEX fills_aggregate_new ON quorex.fills (market, aggregate_id, trade_id) WHERE trade_id % 32 = 0;

-- Of all accounts: an account's own orders are walked from the market's milestone.
CREATE INDEX orders_time_new ON quorex.orders (market, created_ns, order_id) WHERE order_id % 32 = 0;

DROP INDEX quorex.fills_time, quorex.fills_aggregate, quorex.orders_time;
ALTER INDEX quorex.fills_time_new RENAME TO fills_time;
ALTER INDEX quorex.fills_aggregate_new RENAME TO fills_aggregate;
ALTER INDEX quorex.orders_time_new RENAME TO orders_time;
