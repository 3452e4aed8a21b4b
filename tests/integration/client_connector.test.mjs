// The npm package `@binance/connector`, the older official one: REST with both kinds of keys, and streams.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectorApi, connectorRest, connectorStreams } from './clients.mjs';
import { until } from './exchange.mjs';
import { SYMBOL, alsoBy, limit, refused, tellEnd, tellHistory, tellOrders, trade, worldOf } from './stories.mjs';

// It answers as axios does. Its functions take what is mandatory by place.
const data = async (answer) => (await answer).data;
const withSymbol = (ask) => ({ symbol, ...rest }) => data(ask(symbol, rest));

const asks = (client) => ({
    place: ({ symbol, side, type, ...rest }) => data(client.newOrder(symbol, side, type, rest)),
    testOrder: ({ symbol, side, type, ...rest }) =>
        data(client.newOrderTest(symbol, side, type, rest)),
    cancel: withSymbol((symbol, rest) => client.cancelOrder(symbol, rest)),
    cancelAll: withSymbol((symbol, rest) => client.cancelOpenOrders(symbol, rest)),
    replace: ({ symbol, side, type, cancelReplaceMode, ...rest }) =>
        data(client.cancelAndReplace(symbol, side, type, cancelReplaceMode, rest)),
    find: withSymbol((symbol, rest) => client.getOrder(symbol, rest)),
    open: (which) => data(client.openOrders({ ...which })),
    all: withSymbol((symbol, rest) => client.allOrders(symbol, rest)),
    fills: withSymbol((symbol, rest) => client.myTrades(symbol, rest)),
    accountOf: () => data(client.account()),
    oco: ({ symbol, side, quantity, aboveType, belowType, ...rest }) =>
        data(client.newOCOOrder(symbol, side, quantity, aboveType, belowType, rest)),
    list: (which) => data(client.getOCOOrder({ ...which })),
    cancelList: withSymbol((symbol, rest) => client.cancelOCOOrder(symbol, rest)),
    openLists: () => data(client.getOpenOCOOrders()),
    allLists: () => data(client.getOCOOrders()),
});

const world = worldOf(18372, {
    connect: connectorRest,
    asks,
    refusal: ({ response }) => response.data,
});

// The WebSocket API, which this client signs with an HMAC key alone.
const apiAsks = (client) => {
    const asked = (ask) => ({ symbol, ...rest }) =>
        client.answerOf((id) => ask(symbol, { ...rest, id }));
    return {
        place: ({ symbol, side, type, ...rest }) =>
            client.answerOf((id) => client.newOrder(symbol, side, type, { ...rest, id })),
        testOrder: ({ symbol, side, type, ...rest }) =>
            client.answerOf((id) => client.testNewOrder(symbol, side, type, { ...rest, id })),
        cancel: asked((symbol, rest) => client.cancelOrder(symbol, rest)),
        cancelAll: asked((symbol, rest) => client.cancelOpenOrders(symbol, rest)),
        replace: ({ symbol, cancelReplaceMode, side, type, ...rest }) =>
            client.answerOf((id) => client.cancelReplaceOrder(symbol, cancelReplaceMode, side, type,
                                                              { ...rest, id })),
        find: asked((symbol, rest) => client.getOrder(symbol, rest)),
        open: asked((symbol, rest) => client.openOrders(symbol, rest)),
        all: asked((symbol, rest) => client.orderHistory(symbol, rest)),
        fills: asked((symbol, rest) => client.myTrades(symbol, rest)),
        accountOf: () => client.answerOf((id) => client.account({ id })),
        oco: ({ symbol, side, quantity, aboveType, belowType, ...rest }) =>
            client.answerOf((id) => client.newOCOOrder(symbol, side, quantity, aboveType, belowType,
                                                       { ...rest, id })),
        list: (which) => client.answerOf((id) => client.getOCOOrder({ ...which, id })),
        cancelList: asked((symbol, rest) => client.cancelOCOOrder(symbol, rest)),
        openLists: () => client.answerOf((id) => client.getOCOOpenOrders({ id })),
        allLists: () => client.answerOf((id) => client.ocoOrderHistory({ id })),
        prevented: asked((symbol, rest) => client.preventedMatches(symbol, rest)),
    };
};

const api = alsoBy(world, {
    connect: connectorApi,
    asks: apiAsks,
    refusal: (error) => error,
    close: (client) => client.disconnect(),
});

tellOrders(world);
tellOrders(api, 'WebSocket API: ');

test('the WebSocket API answers market data as REST does', async () => {
    const { ann: { client } } = api;
    await trade(world, '50000', '0.002');
    const asked = (ask) => client.answerOf(ask);
    assert.deepEqual(await asked((id) => client.ping({ id })), {});
    const symbols = ['BTCUSDT', 'ETHUSDT'];
    assert.equal((await asked((id) => client.exchangeInfo({ symbols, id }))).symbols.length, 2);
    assert.equal((await asked((id) => client.trades(SYMBOL, { limit: 1, id })))[0].qty, '0.00200000');
    assert.equal((await asked((id) => client.historicalTrades(SYMBOL, { limit: 1, id }))).length, 1);
    assert.equal((await asked((id) => client.aggTrades(SYMBOL, { limit: 1, id })))[0].q, '0.00200000');
    const [candle] = await asked((id) => client.klines(SYMBOL, '1d', { limit: 1, id }));
    assert.equal(candle[4], '50000.00000000');
    assert.equal((await asked((id) => client.ticker24hr({ symbol: SYMBOL, id }))).lastPrice,
                 '50000.00000000');
    assert.equal((await asked((id) => client.tickerPrice({ symbols, id }))).length, 2);
    assert.equal((await asked((id) => client.tickerBook({ symbol: SYMBOL, id }))).symbol, SYMBOL);
    assert.deepEqual((await asked((id) => client.orderbook(SYMBOL, { limit: 5, id }))).bids, []);
});

test('market data agrees with what was traded', async () => {
    const { ann: { client } } = world;
    await trade(world, '50000', '0.002');
    await trade(world, '50100', '0.001');
    await world.ann.place(limit('SELL', '0.3', '51000'));
    await world.bob.place(limit('BUY', '0.4', '49000'));
    assert.deepEqual(await data(client.ping()), {});
    assert.ok(Math.abs((await data(client.time())).serverTime - Date.now()) < 5000);
    const symbols = ['BTCUSDT', 'ETHUSDT'];
    const some = await data(client.exchangeInfo({ symbols }));
    assert.deepEqual(some.symbols.map(({ symbol }) => symbol).sort(), symbols);
    const book = await data(client.depth(SYMBOL, { limit: 5 }));
    assert.deepEqual([book.bids, book.asks], [[['49000.00000000', '0.40000000']],
                                              [['51000.00000000', '0.30000000']]]);
    const trades = await data(client.trades(SYMBOL, { limit: 2 }));
    assert.deepEqual(trades.map(({ price }) => price), ['50000.00000000', '50100.00000000']);
    const [older] = await data(client.historicalTrades(SYMBOL, { fromId: trades[0].id, limit: 1 }));
    assert.deepEqual(older, trades[0]);
    assert.equal((await data(client.aggTrades(SYMBOL, { limit: 1 })))[0].p, '50100.00000000');
    for (const ask of ['klines', 'uiklines']) {
        const [candle] = await data(client[ask](SYMBOL, '1d', { limit: 1 }));
        assert.equal(candle[4], '50100.00000000');
    }
    assert.ok(Number((await data(client.avgPrice(SYMBOL))).price) > 40000);
    assert.equal((await data(client.ticker24hr(SYMBOL))).lastPrice, '50100.00000000');
    assert.equal((await data(client.ticker24hr('', symbols, 'MINI'))).length, 2);
    assert.equal((await data(client.tickerPrice(SYMBOL))).price, '50100.00000000');
    assert.equal((await data(client.tickerPrice('', symbols))).length, 2);
    const hour = await data(client.rollingWindowTicker(SYMBOL, [], { windowSize: '1h' }));
    assert.equal(hour.lastPrice, '50100.00000000');
    assert.equal((await data(client.rollingWindowTicker('', symbols))).length, 2);
    assert.equal((await data(client.bookTicker(SYMBOL))).bidQty, '0.40000000');
    assert.equal((await data(client.bookTicker())).length, 3);
});

test('times are microseconds where that is asked', async () => {
    const { ann: { client } } = world;
    const { serverTime } = await data(client.time({ timeUnit: 'MICROSECOND' }));
    assert.ok(Math.abs(serverTime / 1000 - Date.now()) < 5000);
    const order = await data(client.newOrder(SYMBOL, 'BUY', 'LIMIT',
                                             { timeInForce: 'GTC', quantity: 0.001, price: 40000,
                                               timeUnit: 'MICROSECOND' }));
    assert.ok(Math.abs(order.transactTime / 1000 - Date.now()) < 5000);
});

test('wallet as its users read it', async () => {
    const { ann: { client } } = world;
    assert.equal((await data(client.systemStatus())).status, 0);
    const coins = await data(client.coinInfo());
    assert.deepEqual(coins.map(({ coin }) => coin).sort(), ['BTC', 'ETH', 'USDT']);
    const fees = await data(client.tradeFee({ symbol: SYMBOL }));
    assert.equal(Number(fees[0].takerCommission), 0.001);
    const counts = await data(client.orderCount());
    assert.deepEqual(counts.map(({ interval }) => interval).sort(), ['DAY', 'SECOND']);
});

tellHistory(world);

test('streams, raw and combined, deliver each event as it is', async () => {
    const seen = [], opened = [];
    const callbacks = { open: () => opened.push(1), message: (text) => seen.push(JSON.parse(text)) };
    const raw = connectorStreams(world.exchange, callbacks);
    const combined = connectorStreams(world.exchange, callbacks, { combinedStreams: true });
    try {
        raw.trade(SYMBOL);
        combined.subscribe(['btcusdt@depth@100ms', 'btcusdt@bookTicker']);
        await until('both to be open', () => opened.length === 2);
        raw.kline(SYMBOL, '1m');
        raw.aggTrade(SYMBOL);
        raw.miniTicker();
        raw.partialBookDepth(SYMBOL, '5', '100ms');
        const first = (kind) => seen.find((event) => event.e === kind);
        const streamed = (name) => seen.filter((event) => event.stream === name);
        await until('every kind of event', async () => {
            await trade(world, '50200');
            return first('trade') && first('kline') && first('aggTrade') &&
                   seen.some((event) => Array.isArray(event)) &&
                   seen.some((event) => event.lastUpdateId) &&
                   streamed('btcusdt@depth@100ms').length > 1 &&
                   streamed('btcusdt@bookTicker').length > 0;
        }, 20, 100);
        assert.equal(first('trade').p, '50200.00000000');
        assert.equal(seen.filter((event) => event.result === null).length, 4);
        const updates = streamed('btcusdt@depth@100ms').map((event) => event.data);
        for (let i = 1; i < updates.length; i++) assert.equal(updates[i].U, updates[i - 1].u + 1);
    } finally {
        raw.disconnect();
        combined.disconnect();
    }
});

test('without a key, what is public is answered', async () => {
    const nobody = connectorRest(world.exchange, { apiKey: '', secretKey: '' });
    assert.equal((await data(nobody.tickerPrice(SYMBOL))).symbol, SYMBOL);
    await refused(world, data(nobody.account()), -2014, /^API-key format invalid\.$/);
});

tellEnd(world);
