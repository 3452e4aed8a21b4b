-- What a client calls an order by, from rules 5 on. tag_flags: 1 there is a strategy_id, 2 a strategy_type.
ALTER TABLE quorex.orders
    ADD COLUMN strategy_id   bigint NOT NULL DEFAULT 0,
    ADD COLUMN strategy_type int NOT NULL DEFAULT 0,
    ADD COLUMN tag_flags     int NOT NULL DEFAULT 0;
