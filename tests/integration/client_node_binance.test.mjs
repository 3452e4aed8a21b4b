// The npm package `node-binance-api`: REST with both kinds of keys, and its streams.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeBinance } from './clients.mjs';
import { until } from './exchange.mjs';
import { SYMBOL, limit, refused, tellEnd, tellHistory, tellOrders, trade, worldOf } from './stories.mjs';

// Its functions take by place what every request of the kind has, and answer as Binance does.
const asks = (client) => ({
    place: ({ type, side, symbol, quantity, price, ...rest }) =>
        client.order(type, side, symbol, quantity, price, rest),
    testOrder: ({ type, side, symbol, quantity, price, ...rest }) =>
        client.order(type, side, symbol, quantity, price, { ...rest, test: true }),
    cancel: ({ symbol, orderId, ...rest }) => client.cancel(symbol, orderId, rest),
    cancelAll: ({ symbol }) => client.cancelAll(symbol),
    find: ({ symbol, orderId, ...rest }) => client.orderStatus(symbol, orderId, rest),
    open: ({ symbol }) => client.openOrders(symbol),
    all: ({ symbol, ...rest }) => client.allOrders(symbol, rest),
    fills: ({ symbol, ...rest }) => client.trades(symbol, rest),
    accountOf: () => client.account(),
    oco: ({ side, symbol, quantity, ...rest }) => client.ocoOrder(side, symbol, quantity, rest),
    list: (which) => client.privateSpotRequest('v3/orderList', { ...which }),
    cancelList: (which) => client.privateSpotRequest('v3/orderList', { ...which }, 'DELETE'),
    openLists: () => client.privateSpotRequest('v3/openOrderList'),
    allLists: () => client.privateSpotRequest('v3/allOrderList'),
});

// It throws the answer's text.
const world = worldOf(18375, {
    connect: nodeBinance,
    asks,
    refusal: ({ message }) => JSON.parse(message),
});

tellOrders(world);

test('orders by their short names', async () => {
    const { ann, bob } = world;
    const sold = await ann.client.sell(SYMBOL, 0.02, 50000);
    assert.equal(sold.status, 'NEW');
    const bought = await bob.client.marketBuy(SYMBOL, 0.01);
    assert.deepEqual([bought.status, bought.cummulativeQuoteQty], ['FILLED', '500.00000000']);
    const spent = await bob.client.marketBuyWithCost(SYMBOL, 250);
    assert.deepEqual([spent.status, spent.executedQty], ['FILLED', '0.00500000']);
    await bob.client.buy(SYMBOL, 0.01, 49000, { timeInForce: 'GTC' });
    const market = await ann.client.marketSell(SYMBOL, 0.01);
    assert.equal(market.cummulativeQuoteQty, '490.00000000');
    const { BTC } = await ann.client.balance();
    assert.equal(BTC.onOrder, '0.00500000');
});

test('market data agrees with what was traded', async () => {
    const { ann: { client } } = world;
    await trade(world, '50000', '0.002');
    await trade(world, '50100', '0.001');
    await world.ann.place(limit('SELL', '0.3', '51000'));
    await world.bob.place(limit('BUY', '0.4', '49000'));
    assert.deepEqual(await client.ping(), {});
    assert.ok(Math.abs((await client.time()).serverTime - Date.now()) < 5000);
    assert.equal((await client.exchangeInfo()).symbols.length, 3);
    const book = await client.depth(SYMBOL, 5);
    assert.deepEqual([book.bids[0].price, book.asks[0].quantity], ['49000.00000000', '0.30000000']);
    const trades = await client.recentTrades(SYMBOL, 2);
    assert.deepEqual(trades.map(({ price }) => price), ['50000.00000000', '50100.00000000']);
    const [older] = await client.historicalTrades(SYMBOL, 1, trades[0].id);
    assert.deepEqual(older, trades[0]);
    assert.equal((await client.aggTrades(SYMBOL, { limit: 1 }))[0].price, '50100.00000000');
    const candles = await client.candlesticks(SYMBOL, '1d', { limit: 1 });
    assert.equal(candles[0].close, '50100.00000000');
    assert.equal((await client.prices(SYMBOL))[SYMBOL], 50100);
    assert.equal(Object.keys(await client.prices()).length, 3);
    assert.equal((await client.bookTickers())[SYMBOL].bidPrice, '49000.00000000');
    assert.equal((await client.prevDay(SYMBOL)).lastPrice, '50100.00000000');
    assert.ok(Number((await client.avgPrice(SYMBOL)).price) > 40000);
    await refused(world, client.depth('NOPE'), -1121, /^Invalid symbol\.$/);
});

test('wallet as its users read it', async () => {
    const { ann: { client } } = world;
    assert.equal((await client.systemStatus()).status, 0);
    const [fees] = await client.tradeFee(SYMBOL);
    assert.equal(Number(fees.makerCommission), 0.001);
    await client.useServerTime();
    assert.equal((await client.account()).balances.length, 3);
});

tellHistory(world);

test('streams deliver, and its own book is the exchange\'s', async () => {
    const { ann, exchange } = world, seen = {};
    const { websockets } = ann.client;
    const keep = (name) => {
        seen[name] = [];
        return (...event) => seen[name].push(event.length > 1 ? event : event[0]);
    };
    const endpoints = [
        websockets.trades([SYMBOL, 'ETHUSDT'], keep('trade')),
        websockets.aggTrades([SYMBOL], keep('aggTrade')),
        websockets.candlesticks([SYMBOL], '1m', keep('candle')),
        websockets.bookTickers([SYMBOL], keep('best')),
        websockets.prevDay(SYMBOL, keep('day')),
        websockets.miniTicker(keep('mini')),
        websockets.depthCache(SYMBOL, keep('cache')),
        websockets.chart(SYMBOL, '1m', keep('chart')),
    ];
    try {
        await until('every kind of event', async () => {
            await trade(world, '50200');
            return Object.values(seen).every((events) => events.length > 1);
        }, 20, 250);
        assert.equal(seen.trade[0].p, '50200.00000000');
        assert.equal(seen.mini.at(-1)[SYMBOL].close, '50200.00000000');
        for (let i = 0; i < 20; i++) await ann.place(limit('SELL', '0.001', String(51000 + i)));
        const { asks: wanted } = await exchange.get(`/api/v3/depth?symbol=${SYMBOL}`);
        await until('its book to be the exchange\'s', () => {
            const { asks: own } = ann.client.getDepthCache(SYMBOL);
            return wanted.every(([price, quantity]) => own[price] === Number(quantity)) &&
                   Object.keys(own).length === wanted.length;
        });
    } finally {
        for (const endpoint of endpoints) websockets.terminate(endpoint);
    }
});

tellEnd(world);
