-- What an entry of an index costs is most of what a fill costs. Ids of a market rise with time, and aggregates with
-- trades: of every 32nd id it is enough to know when it was, and ids are walked from there. The other 31 have no entry.
DROP INDEX quorex.fills_time;
CREATE INDEX fills_time ON quorex.fills (market, time_ns, trade_id) WHERE trade_id % 32 = 0;
DROP INDEX quorex.fills_aggregate;
CREATE INDEX fills_aggregate ON quorex.fills (market, aggregate_id, trade_id) WHERE trade_id % 32 = 0;

-- Of all accounts: an account's own orders are walked from the market's milestone.
DROP INDEX quorex.orders_time;
CREATE INDEX orders_time ON quorex.orders (market, created_ns, order_id) WHERE order_id % 32 = 0;
