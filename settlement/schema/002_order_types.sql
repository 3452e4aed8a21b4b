-- What orders of every type leave: stops, icebergs, lists, prevented matches, rebates.

-- 0 where an order has none of it. `prevented` is what self-trade prevention took, in lots.
ALTER TABLE quorex.orders
    ADD COLUMN list_id        bigint NOT NULL DEFAULT 0,
    ADD COLUMN stop_price     bigint NOT NULL DEFAULT 0,
    ADD COLUMN iceberg_qty    bigint NOT NULL DEFAULT 0,
    ADD COLUMN prevented      bigint NOT NULL DEFAULT 0,
    ADD COLUMN trailing_delta bigint NOT NULL DEFAULT 0; -- ten-thousandths
CREATE INDEX orders_list ON quorex.orders (account, market, list_id) WHERE list_id > 0;

-- What a maker of a rate below zero was given, in the asset it paid; its maker_fee is 0 then.
ALTER TABLE quorex.fills ADD COLUMN maker_rebate bigint NOT NULL DEFAULT 0;

-- ledger_entries.kind 7: rebate. Holds (3) and releases (4) are net by command.

-- Matches of an account with itself that were not let happen, with what each order lost by it.
CREATE TABLE quorex.prevented_matches (
    command      bigint NOT NULL,
    ordinal      int NOT NULL,
    market       int NOT NULL,
    prevented_id bigint NOT NULL,
    time_ns      bigint NOT NULL,
    account      int NOT NULL,
    price        bigint NOT NULL,
    maker_order  bigint NOT NULL,
    taker_order  bigint NOT NULL,
    maker_qty    bigint NOT NULL,
    taker_qty    bigint NOT NULL,
    taker_side   int NOT NULL,
    mode         int NOT NULL
) PARTITION BY RANGE (command);
CREATE INDEX prevented_matches_id ON quorex.prevented_matches (account, market, prevented_id);
CREATE INDEX prevented_matches_maker ON quorex.prevented_matches (account, market, maker_order);
CREATE INDEX prevented_matches_taker ON quorex.prevented_matches (account, market, taker_order);

-- One row a list, open ones too; closed_ns 0: open. c_order 0: two orders.
CREATE TABLE quorex.order_lists (
    command    bigint NOT NULL, -- that placed it
    market     int NOT NULL,
    list_id    bigint NOT NULL,
    account    int NOT NULL,
    client_id  text NOT NULL,
    kind       int NOT NULL, -- 1 OCO, 2 OTO, 3 OTOCO
    a_order    bigint NOT NULL,
    b_order    bigint NOT NULL,
    c_order    bigint NOT NULL,
    created_ns bigint NOT NULL,
    closed_ns  bigint NOT NULL
) PARTITION BY RANGE (command);
CREATE INDEX order_lists_id ON quorex.order_lists (market, list_id);
CREATE INDEX order_lists_account ON quorex.order_lists (account, market, list_id);
CREATE INDEX order_lists_client ON quorex.order_lists (account, market, client_id);
