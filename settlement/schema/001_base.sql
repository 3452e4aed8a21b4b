-- The projection of a chain: what its blocks say, as rows. Prices are in ticks, quantities in lots,
-- amounts in units of their asset: raw whole numbers; assets and markets say how to read them.
-- Everything here can be dropped: it is filled again from the chain.

CREATE TABLE quorex.chain (
    id         int PRIMARY KEY CHECK (id = 1),
    chain_id   bytea NOT NULL CHECK (octet_length(chain_id) = 32)
);

-- Up to where the rows go; changed by compare-and-set in the transaction that writes them.
CREATE TABLE quorex.cursor (
    id              int PRIMARY KEY CHECK (id = 1),
    height          bigint NOT NULL,
    command         bigint NOT NULL,
    balances_height bigint NOT NULL -- the height at which the whole of balances is true
) WITH (fillfactor = 10);
INSERT INTO quorex.cursor VALUES (1, 0, 0, 0);

CREATE TABLE quorex.assets (
    asset    int PRIMARY KEY,
    symbol   text NOT NULL UNIQUE,
    decimals int NOT NULL
);

CREATE TABLE quorex.markets (
    market             int PRIMARY KEY,
    symbol             text NOT NULL UNIQUE,
    base               int NOT NULL,
    quote              int NOT NULL,
    tick_units         bigint NOT NULL, -- quote units of one tick, for one whole base
    lot_units          bigint NOT NULL, -- base units of one lot
    price_min          bigint NOT NULL,
    price_max          bigint NOT NULL,
    qty_min            bigint NOT NULL,
    qty_max            bigint NOT NULL,
    notional_min       bigint NOT NULL,
    account_orders_max bigint NOT NULL
);

CREATE TABLE quorex.accounts (
    account    int PRIMARY KEY,
    public_key bytea NOT NULL,
    tier       int NOT NULL,
    time_ns    bigint NOT NULL
);

CREATE TABLE quorex.blocks (
    height        bigint PRIMARY KEY,
    time_ns       bigint NOT NULL,
    hash          bytea NOT NULL,
    header        bytea NOT NULL,
    first_command bigint NOT NULL,
    last_command  bigint NOT NULL,
    fill_count    int NOT NULL
);

-- One row a fill, with both sides. The cursor keeps rows unique: a key over all partitions could not.
CREATE TABLE quorex.fills (
    command       bigint NOT NULL,
    ordinal       int NOT NULL,
    market        int NOT NULL,
    trade_id      bigint NOT NULL,
    aggregate_id  bigint NOT NULL,
    time_ns       bigint NOT NULL,
    price         bigint NOT NULL,
    qty           bigint NOT NULL,
    maker_order   bigint NOT NULL,
    taker_order   bigint NOT NULL,
    maker_account int NOT NULL,
    taker_account int NOT NULL,
    maker_fee     bigint NOT NULL, -- in the asset that side received
    taker_fee     bigint NOT NULL,
    taker_side    int NOT NULL
) PARTITION BY RANGE (command);
CREATE INDEX fills_maker ON quorex.fills (maker_account, market, trade_id);
CREATE INDEX fills_taker ON quorex.fills (taker_account, market, trade_id);
CREATE INDEX fills_trade ON quorex.fills (market, trade_id);
CREATE INDEX fills_aggregate ON quorex.fills (market, aggregate_id);
CREATE INDEX fills_time ON quorex.fills (market, time_ns);

-- Orders that have ended; open ones are served from memory.
CREATE TABLE quorex.orders (
    command        bigint NOT NULL, -- that ended it
    market         int NOT NULL,
    order_id       bigint NOT NULL,
    account        int NOT NULL,
    client_id      text NOT NULL,
    side           int NOT NULL,
    type           int NOT NULL,
    time_in_force  int NOT NULL,
    status         int NOT NULL,
    reason         int NOT NULL,
    price          bigint NOT NULL,
    qty            bigint NOT NULL,
    executed       bigint NOT NULL,
    quote_qty      bigint NOT NULL,
    quote_executed bigint NOT NULL,
    created_ns     bigint NOT NULL,
    closed_ns      bigint NOT NULL,
    self_trade     int NOT NULL
) PARTITION BY RANGE (command);
CREATE INDEX orders_id ON quorex.orders (account, market, order_id);
CREATE INDEX orders_client ON quorex.orders (account, market, client_id);

-- Double entry, netted per block, account, asset and kind. House accounts are negative: -1 fees,
-- -2 rounding, -3 external. Per height and asset the deltas sum to zero.
CREATE TABLE quorex.ledger_entries (
    height          bigint NOT NULL,
    command         bigint NOT NULL, -- the block's last
    account         int NOT NULL,
    asset           int NOT NULL,
    kind            int NOT NULL, -- 1 credit, 2 debit, 3 hold, 4 release, 5 trade, 6 fee
    delta_available bigint NOT NULL,
    delta_held      bigint NOT NULL,
    event_count     int NOT NULL
) PARTITION BY RANGE (command);
CREATE INDEX ledger_entries_account ON quorex.ledger_entries (account, height);

-- `interval` counts 1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M from 0.
CREATE TABLE quorex.candles (
    market             int NOT NULL,
    "interval"         int NOT NULL,
    open_ns            bigint NOT NULL,
    open               bigint NOT NULL,
    high               bigint NOT NULL,
    low                bigint NOT NULL,
    close              bigint NOT NULL,
    volume             numeric NOT NULL, -- lots
    quote_volume       numeric NOT NULL, -- units of the quote asset
    fill_count         bigint NOT NULL,
    taker_volume       numeric NOT NULL, -- bought by takers
    taker_quote_volume numeric NOT NULL,
    PRIMARY KEY (market, "interval", open_ns)
) WITH (fillfactor = 80);

-- True as a whole at cursor.balances_height; `height` is that of the row's last change.
CREATE TABLE quorex.balances (
    account   int NOT NULL,
    asset     int NOT NULL,
    available bigint NOT NULL CHECK (available >= 0),
    held      bigint NOT NULL CHECK (held >= 0),
    height    bigint NOT NULL,
    PRIMARY KEY (account, asset)
) WITH (fillfactor = 70);
