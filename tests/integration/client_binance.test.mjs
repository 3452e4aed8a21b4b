// The npm package `binance`: REST and the WebSocket API with both kinds of keys, and market streams.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binanceApi, binanceRest, binanceStreams } from './clients.mjs';
import { until } from './exchange.mjs';
import { SYMBOL, alsoBy, limit, refused, tellEnd, tellHistory, tellOrders, trade, worldOf } from './stories.mjs';

const asks = (client) => ({
    place: (order) => client.submitNewOrder(order),
    testOrder: (order) => client.testNewOrder(order),
    cancel: (which) => client.cancelOrder(which),
    cancelAll: (which) => client.cancelAllSymbolOrders(which),
    replace: (order) => client.replaceOrder(order),
    amend: (which) => client.amendOrderKeepPriority(which),
    find: (which) => client.getOrder(which),
    open: (which) => client.getOpenOrders(which),
    all: (which) => client.getAllOrders(which),
    fills: (which) => client.getAccountTradeList(which),
    accountOf: () => client.getAccountInformation(),
    oco: (list) => client.submitNewOrderList(list),
    oldOco: (list) => client.submitNewOCO(list),
    oto: (list) => client.submitNewOrderListOTO(list),
    otoco: (list) => client.submitNewOrderListOTOCO(list),
    list: (which) => client.getOCO(which),
    cancelList: (which) => client.cancelOCO(which),
    openLists: () => client.getAllOpenOCO(),
    allLists: () => client.getAllOCO(),
    prevented: (which) => client.getPreventedMatches(which),
});

const world = worldOf(18371, {
    connect: binanceRest,
    asks,
    refusal: ({ code, message, body }) => ({ code, msg: message, data: body.data }),
});

// The WebSocket API. A request carries the time that its user gives it.
const now = (what) => ({ ...what, timestamp: Date.now() });
const apiAsks = (client) => {
    const asked = (name) => async (what) => (await client[name](now(what))).result;
    return {
        place: asked('submitNewSpotOrder'),
        testOrder: asked('testSpotOrder'),
        cancel: asked('cancelSpotOrder'),
        cancelAll: asked('cancelAllSpotOpenOrders'),
        replace: asked('cancelReplaceSpotOrder'),
        amend: asked('amendSpotOrderKeepPriority'),
        find: asked('getSpotOrderStatus'),
        open: asked('getSpotOpenOrders'),
        all: asked('getSpotAllOrders'),
        fills: asked('getSpotMyTrades'),
        accountOf: asked('getSpotAccountInformation'),
        oco: asked('placeSpotOCOOrderList'),
        oldOco: asked('placeSpotOrderList'),
        oto: asked('placeSpotOTOOrderList'),
        otoco: asked('placeSpotOTOCOOrderList'),
        list: asked('getSpotOrderListStatus'),
        cancelList: asked('cancelSpotOrderList'),
        openLists: asked('getSpotOpenOrderLists'),
        allLists: asked('getSpotAllOrderLists'),
        prevented: asked('getSpotPreventedMatches'),
    };
};

const api = alsoBy(world, {
    connect: (exchange, account, kind) => binanceApi(exchange, account, kind),
    asks: apiAsks,
    refusal: ({ error }) => error,
    close: (client) => client.disconnectAll(),
});

tellOrders(world);
tellOrders(api, 'WebSocket API: ');

test('the WebSocket API answers market data as REST does', async () => {
    const { ann: { client } } = api;
    await trade(world, '50000', '0.002');
    const asked = async (name, what) => (await client[name](what)).result;
    assert.deepEqual(await asked('testSpotConnectivity'), {});
    assert.ok(Math.abs((await asked('getSpotServerTime')).serverTime - Date.now()) < 5000);
    assert.deepEqual(await asked('getSpotSymbolPriceTicker', { symbol: SYMBOL }),
                     { symbol: SYMBOL, price: '50000.00000000' });
    const [seen] = await asked('getSpotRecentTrades', { symbol: SYMBOL, limit: 1 });
    assert.equal(seen.qty, '0.00200000');
    assert.deepEqual((await asked('getSpotHistoricalTrades', { symbol: SYMBOL, fromId: seen.id }))[0], seen);
    assert.deepEqual(await asked('getSpotHistoricalBlockTrades', { symbol: SYMBOL }), []);
    assert.equal((await asked('getSpotAggregateTrades', { symbol: SYMBOL, limit: 1 }))[0].q, '0.00200000');
    for (const name of ['getSpotKlines', 'getSpotUIKlines'])
        assert.equal((await asked(name, { symbol: SYMBOL, interval: '1d' })).at(-1)[4], '50000.00000000');
    assert.ok(Number((await asked('getSpotAveragePrice', { symbol: SYMBOL })).price) > 40000);
    assert.equal((await asked('getSpotExecutionRules', { symbol: SYMBOL })).symbolRules.length, 1);
    for (const name of ['getSpot24hrTicker', 'getSpotTicker', 'getSpotTradingDayTicker']) {
        assert.equal((await asked(name, { symbol: SYMBOL })).lastPrice, '50000.00000000');
        assert.equal((await asked(name, { symbols: [SYMBOL, 'ETHUSDT'] })).length, 2);
    }
    assert.equal((await asked('getSpotSymbolOrderBookTicker', { symbol: SYMBOL })).bidQty, '0.00000000');
    assert.equal((await asked('getSpotExchangeInfo')).symbols.length, 3);
    const book = await asked('getSpotOrderBook', { symbol: SYMBOL, limit: 5 });
    assert.deepEqual([book.bids, book.asks], [[], []]);
    await refused(api, client.getSpotOrderBook({ symbol: 'NOPE' }), -1121, /^Invalid symbol\.$/);
    await refused(api, client.getSpotReferencePrice({ symbol: SYMBOL }), -2043, /reference price/);
    await refused(api, client.getSpotReferencePriceCalculation({ symbol: SYMBOL }), -2043, /reference price/);
});

test('the WebSocket API tells the account\'s limits and fees, and what it does not have', async () => {
    const { bob: { client } } = api;
    const counts = (await client.getSpotOrderRateLimits(now())).result;
    assert.deepEqual(counts.map(({ interval }) => interval).sort(), ['DAY', 'SECOND']);
    const fees = (await client.getSpotAccountCommission(now({ symbol: SYMBOL }))).result;
    assert.equal(fees.standardCommission.taker, '0.00100000');
    assert.deepEqual((await client.getSpotAllocations(now({ symbol: SYMBOL }))).result, []);
    await refused(api, client.placeSpotSOROrder(now(limit('BUY', '0.01', '40000'))), -1020, /not supported/);
});

// With an Ed25519 key it logs on by itself, and unless it is told otherwise signs nothing after that.
test('a session asks and orders without signing', async () => {
    const client = binanceApi(world.exchange, world.bob.account, 'Ed25519', {});
    const open = async () => (await client.getSpotOpenOrders(now({}))).result.map(({ orderId }) => orderId);
    try {
        assert.equal((await client.getSpotAccountInformation(now())).result.accountType, 'SPOT');
        assert.deepEqual(await open(), []);
        assert.ok((await client.getSpotMyTrades(now({ symbol: SYMBOL }))).result.length > 0);
        const order = limit('BUY', '0.01', '40000');
        assert.deepEqual((await client.testSpotOrder(now(order))).result, {});
        const { result: first } = await client.submitNewSpotOrder(now(order));
        const { result: second } = await client.submitNewSpotOrder(now({ ...order, signRequest: true }));
        assert.deepEqual([first.status, second.status], ['NEW', 'NEW']);
        assert.deepEqual(await open(), [first.orderId, second.orderId]);
        await client.cancelSpotOrder(now({ symbol: SYMBOL, orderId: first.orderId }));
        await client.cancelAllSpotOpenOrders(now({ symbol: SYMBOL }));
        assert.deepEqual(await world.bob.open({ symbol: SYMBOL }), []);
    } finally {
        await client.disconnectAll();
    }
});

test('market data agrees with what was traded', async () => {
    const { ann: { client } } = world;
    await trade(world, '50000', '0.002');
    await trade(world, '50100', '0.001');
    await world.ann.place(limit('SELL', '0.3', '51000'));
    await world.bob.place(limit('BUY', '0.4', '49000'));
    assert.deepEqual(await client.testConnectivity(), {});
    assert.ok(Math.abs((await client.get('api/v3/time')).serverTime - Date.now()) < 5000);
    const symbols = ['BTCUSDT', 'ETHUSDT'];
    const some = await client.getExchangeInfo({ symbols });
    assert.deepEqual(some.symbols.map(({ symbol }) => symbol).sort(), symbols);
    const book = await client.getOrderBook({ symbol: SYMBOL, limit: 5 });
    assert.deepEqual([book.bids, book.asks], [[['49000.00000000', '0.40000000']],
                                              [['51000.00000000', '0.30000000']]]);
    const trades = await client.getRecentTrades({ symbol: SYMBOL, limit: 2 });
    assert.deepEqual(trades.map((t) => [t.price, t.qty]), [['50000.00000000', '0.00200000'],
                                                           ['50100.00000000', '0.00100000']]);
    const [older] = await client.getHistoricalTrades({ symbol: SYMBOL, fromId: trades[0].id });
    assert.deepEqual(older, trades[0]);
    const aggregates = await client.getAggregateTrades({ symbol: SYMBOL, limit: 1 });
    assert.deepEqual([aggregates[0].p, aggregates[0].l], ['50100.00000000', trades[1].id]);
    for (const ask of ['getKlines', 'getUIKlines']) {
        const candles = await client[ask]({ symbol: SYMBOL, interval: '1d', limit: 1 });
        assert.equal(candles[0][4], '50100.00000000');
        assert.equal(candles[0].length, 12);
    }
    const price = { symbol: SYMBOL, price: '50100.00000000' };
    assert.deepEqual(await client.getSymbolPriceTicker({ symbol: SYMBOL }), price);
    assert.equal((await client.getSymbolPriceTicker({ symbols })).length, 2);
    assert.equal((await client.getSymbolPriceTicker()).length, 3);
    const best = await client.getSymbolOrderBookTicker({ symbol: SYMBOL });
    assert.deepEqual([best.bidPrice, best.askQty], ['49000.00000000', '0.30000000']);
    const day = await client.get24hrChangeStatistics({ symbols });
    assert.equal(day.find(({ symbol }) => symbol === SYMBOL).lastPrice, '50100.00000000');
    for (const ask of ['getRollingWindowTicker', 'getTradingDayTicker']) {
        assert.equal((await client[ask]({ symbol: SYMBOL })).lastPrice, '50100.00000000');
        assert.equal((await client[ask]({ symbols })).length, 2);
    }
    assert.ok(Number((await client.getAvgPrice({ symbol: SYMBOL })).price) > 40000);
    await refused(world, client.getOrderBook({ symbol: 'NOPE' }), -1121, /^Invalid symbol\.$/);
    await refused(world, client.getKlines({ symbol: SYMBOL, interval: '7m' }), -1120,
                  /^Invalid interval\.$/);
});

test('fees, wallet and limits as its users read them', async () => {
    const { ann: { client } } = world;
    assert.equal((await client.getSystemStatus()).status, 0);
    const fees = await client.getCommissionRates({ symbol: SYMBOL });
    assert.equal(fees.standardCommission.taker, '0.00100000');
    const [tradeFee] = await client.getTradeFee({ symbol: SYMBOL });
    assert.equal(Number(tradeFee.makerCommission), 0.001);
    const coins = await client.getBalances();
    assert.deepEqual(coins.map(({ coin }) => coin).sort(), ['BTC', 'ETH', 'USDT']);
    assert.ok(client.getRateLimitStates()['x-mbx-used-weight-1m'] >= 0);
    // Every order counts.
    const counted = async () => (await client.getOrderRateLimit()).find(({ interval }) => interval === 'DAY').count;
    const before = await counted();
    await world.ann.place(limit('BUY', '0.001', '40000'));
    assert.equal(await counted(), before + 1);
    const rules = await client.getExecutionRules({ symbol: SYMBOL });
    assert.equal(rules.symbolRules[0].symbol, SYMBOL);
});

tellHistory(world);

test('streams deliver each event as it is', async () => {
    const streams = binanceStreams(world.exchange), seen = [];
    streams.on('message', (message) => seen.push(message.data ?? message));
    streams.on('exception', (error) => seen.push({ e: 'exception', error }));
    const first = (kind) => seen.find((event) => event.e === kind);
    try {
        await streams.subscribe(['btcusdt@trade', 'btcusdt@aggTrade', 'btcusdt@kline_1m',
                                 'btcusdt@miniTicker', 'btcusdt@ticker', 'btcusdt@depth@100ms',
                                 'btcusdt@bookTicker'], 'main');
        await until('every kind of event', async () => {
            await trade(world, '50200');
            return ['trade', 'aggTrade', 'kline', '24hrMiniTicker', '24hrTicker', 'depthUpdate',
                    'bookTicker'].every(first);
        }, 20, 100);
        assert.equal(first('exception'), undefined);
        assert.equal(first('trade').p, '50200.00000000');
        assert.equal(first('aggTrade').q, '0.00100000');
        assert.equal(first('kline').k.i, '1m');
        assert.equal(first('24hrTicker').c, '50200.00000000');
        const updates = seen.filter(({ e }) => e === 'depthUpdate');
        for (let i = 1; i < updates.length; i++) assert.equal(updates[i].U, updates[i - 1].u + 1);
    } finally {
        streams.closeAll(true);
    }
});

tellEnd(world);
