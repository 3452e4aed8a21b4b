// The npm package `@binance/spot`, the official one: REST with both kinds of keys, and streams.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spotClient } from './clients.mjs';
import { until } from './exchange.mjs';
import { SYMBOL, alsoBy, limit, refused, tellEnd, tellHistory, tellOrders, trade, worldOf } from './stories.mjs';

const data = async (answer) => (await answer).data();

const asks = (client) => {
    const rest = client?.restAPI;
    return {
        place: (order) => data(rest.newOrder(order)),
        testOrder: (order) => data(rest.orderTest(order)),
        cancel: (which) => data(rest.deleteOrder(which)),
        cancelAll: (which) => data(rest.deleteOpenOrders(which)),
        replace: (order) => data(rest.orderCancelReplace(order)),
        amend: (which) => data(rest.orderAmendKeepPriority(which)),
        find: (which) => data(rest.getOrder(which)),
        open: (which) => data(rest.getOpenOrders(which)),
        all: (which) => data(rest.allOrders(which)),
        fills: (which) => data(rest.myTrades(which)),
        accountOf: () => data(rest.getAccount()),
        oco: (list) => data(rest.orderListOco(list)),
        oldOco: (list) => data(rest.orderOco(list)),
        oto: (list) => data(rest.orderListOto(list)),
        otoco: (list) => data(rest.orderListOtoco(list)),
        list: (which) => data(rest.getOrderList(which)),
        cancelList: (which) => data(rest.deleteOrderList(which)),
        openLists: () => data(rest.openOrderList()),
        allLists: () => data(rest.allOrderList()),
        prevented: (which) => data(rest.myPreventedMatches(which)),
    };
};

const world = worldOf(18373, {
    connect: spotClient,
    asks,
    refusal: ({ code, message }) => ({ code, msg: message }),
});

// The WebSocket API.
const apiAsks = (connection) => {
    const asked = (name) => async (what) => (await connection[name]({ ...what })).data;
    return {
        place: asked('orderPlace'),
        testOrder: asked('orderTest'),
        cancel: asked('orderCancel'),
        cancelAll: asked('openOrdersCancelAll'),
        replace: asked('orderCancelReplace'),
        amend: asked('orderAmendKeepPriority'),
        find: asked('orderStatus'),
        open: asked('openOrdersStatus'),
        all: asked('allOrders'),
        fills: asked('myTrades'),
        accountOf: asked('accountStatus'),
        oco: asked('orderListPlaceOco'),
        oldOco: asked('orderListPlace'),
        oto: asked('orderListPlaceOto'),
        otoco: asked('orderListPlaceOtoco'),
        list: asked('orderListStatus'),
        cancelList: asked('orderListCancel'),
        openLists: asked('openOrderListsStatus'),
        allLists: asked('allOrderLists'),
        prevented: asked('myPreventedMatches'),
    };
};

const api = alsoBy(world, {
    connect: (exchange, account, kind) =>
        spotClient(exchange, account, kind).websocketAPI.connect(),
    asks: apiAsks,
    refusal: (error) => error,
    close: (connection) => connection.disconnect(),
});

tellOrders(world);
tellOrders(api, 'WebSocket API: ');

test('the WebSocket API answers market data as REST does', async () => {
    const { ann: { client: connection } } = api;
    await trade(world, '50000', '0.002');
    assert.deepEqual((await connection.ping()).data, {});
    assert.ok(Math.abs((await connection.time()).data.serverTime - Date.now()) < 5000);
    const { data: price, rateLimits } = await connection.tickerPrice({ symbol: SYMBOL });
    assert.deepEqual(price, { symbol: SYMBOL, price: '50000.00000000' });
    assert.equal(rateLimits[0].rateLimitType, 'REQUEST_WEIGHT');
    const { data: [seen] } = await connection.tradesRecent({ symbol: SYMBOL, limit: 1 });
    assert.equal(seen.qty, '0.00200000');
    const { data: candles } = await connection.klines({ symbol: SYMBOL, interval: '1d' });
    assert.equal(candles.at(-1)[4], '50000.00000000');
    const symbols = ['BTCUSDT', 'ETHUSDT'];
    assert.equal((await connection.exchangeInfo({ symbols })).data.symbols.length, 2);
    assert.equal((await connection.ticker24hr({ symbols })).data.length, 2);
    await refused(api, connection.depth({ symbol: 'NOPE' }), -1121, /^Invalid symbol\.$/);
});

// Behind sessionLogon it signs nothing more, unless it is told to.
test('a session asks and orders without signing', async () => {
    const { exchange, bob: { account } } = world;
    const order = limit('BUY', '0.01', '40000');
    const own = await spotClient(exchange, account, 'Ed25519').websocketAPI.connect();
    const signing = await spotClient(exchange, account, 'Ed25519', { autoSessionReLogon: false }).websocketAPI.connect();
    try {
        for (const connection of [own, signing]) {
            const [{ data: session }] = await connection.sessionLogon();
            assert.equal(session.apiKey, account.apiKey);
            assert.equal((await connection.accountStatus()).data.accountType, 'SPOT');
            assert.deepEqual((await connection.openOrdersStatus()).data, []);
            assert.deepEqual((await connection.orderTest(order)).data, {});
            const { data: { orderId, status } } = await connection.orderPlace({ ...order });
            assert.equal(status, 'NEW');
            assert.equal((await connection.orderCancel({ symbol: SYMBOL, orderId })).data.status, 'CANCELED');
        }
        assert.equal((await own.orderPlace({ ...order })).data.status, 'NEW');
        assert.equal((await signing.sessionLogout())[0].data.apiKey, null);
        assert.equal((await signing.openOrdersStatus()).data.length, 1);
        await own.sessionLogout();
        assert.equal((await own.openOrdersStatus()).data.length, 1);
    } finally {
        await own.disconnect();
        await signing.disconnect();
    }
});

test('market data agrees with what was traded', async () => {
    const { ann: { client: { restAPI } } } = world;
    await trade(world, '50000', '0.002');
    await trade(world, '50100', '0.001');
    await world.ann.place(limit('SELL', '0.3', '51000'));
    await world.bob.place(limit('BUY', '0.4', '49000'));
    assert.deepEqual(await data(restAPI.ping()), {});
    assert.ok(Math.abs((await data(restAPI.time())).serverTime - Date.now()) < 5000);
    const symbols = ['BTCUSDT', 'ETHUSDT'];
    const some = await data(restAPI.exchangeInfo({ symbols }));
    assert.deepEqual(some.symbols.map(({ symbol }) => symbol).sort(), symbols);
    const book = await data(restAPI.depth({ symbol: SYMBOL, limit: 5 }));
    assert.deepEqual([book.bids, book.asks], [[['49000.00000000', '0.40000000']],
                                              [['51000.00000000', '0.30000000']]]);
    const trades = await data(restAPI.getTrades({ symbol: SYMBOL, limit: 2 }));
    assert.deepEqual(trades.map(({ price }) => price), ['50000.00000000', '50100.00000000']);
    const [older] = await data(restAPI.historicalTrades({ symbol: SYMBOL, fromId: trades[0].id,
                                                          limit: 1 }));
    assert.deepEqual(older, trades[0]);
    assert.equal((await data(restAPI.aggTrades({ symbol: SYMBOL, limit: 1 })))[0].p,
                 '50100.00000000');
    for (const ask of ['klines', 'uiKlines']) {
        const [candle] = await data(restAPI[ask]({ symbol: SYMBOL, interval: '1d', limit: 1 }));
        assert.equal(candle[4], '50100.00000000');
    }
    assert.ok(Number((await data(restAPI.avgPrice({ symbol: SYMBOL }))).price) > 40000);
    assert.equal((await data(restAPI.ticker24hr({ symbol: SYMBOL }))).lastPrice, '50100.00000000');
    assert.equal((await data(restAPI.ticker24hr({ symbols, type: 'MINI' }))).length, 2);
    assert.equal((await data(restAPI.tickerPrice({ symbol: SYMBOL }))).price, '50100.00000000');
    assert.equal((await data(restAPI.tickerBookTicker({ symbols }))).length, 2);
    const hour = await data(restAPI.ticker({ symbol: SYMBOL, windowSize: '1h' }));
    assert.equal(hour.lastPrice, '50100.00000000');
    const today = await data(restAPI.tickerTradingDay({ symbols, timeZone: '8' }));
    assert.equal(today.find(({ symbol }) => symbol === SYMBOL).lastPrice, '50100.00000000');
});

test('each refusal is the class that its users catch', async () => {
    const { ann, exchange } = world;
    await assert.rejects(ann.place(limit('BUY', '9000', '99999')),
                         { name: 'BadRequestError', code: -2010 });
    const stranger = asks(spotClient(exchange, { apiKey: 'f'.repeat(64), secretKey: 'nothing' }));
    await assert.rejects(stranger.accountOf(), { name: 'UnauthorizedError', code: -2015 });
    await assert.rejects(ann.client.restAPI.sendRequest('/api/v9/nothing', 'GET'),
                         { name: 'NotFoundError', code: -1020 });
    const order = limit('BUY', '0.01', '30000', { cancelReplaceMode: 'ALLOW_FAILURE',
                                                  cancelOrderId: 999999999 });
    await assert.rejects(ann.replace(order), { name: 'ConnectorClientError', code: -2021 });
});

test('weights come with every answer, and counts with every order', async () => {
    const { ann: { client: { restAPI } } } = world;
    const answer = await restAPI.depth({ symbol: SYMBOL });
    const weight = answer.rateLimits.find((rate) => rate.rateLimitType === 'REQUEST_WEIGHT');
    assert.deepEqual([weight.interval, weight.intervalNum], ['MINUTE', 1]);
    const placed = await restAPI.newOrder(limit('BUY', '0.001', '40000'));
    const counts = placed.rateLimits.filter((rate) => rate.rateLimitType === 'ORDERS');
    assert.deepEqual(counts.map((rate) => rate.interval).sort(), ['DAY', 'SECOND']);
    assert.ok(counts.every((rate) => rate.count > 0));
});

test('times are microseconds where that is asked', async () => {
    const client = spotClient(world.exchange, world.ann.account, 'HMAC', { timeUnit: 'MICROSECOND' });
    const { serverTime } = await data(client.restAPI.time());
    assert.ok(Math.abs(serverTime / 1000 - Date.now()) < 5000);
    const placed = await data(client.restAPI.newOrder(limit('BUY', '0.001', '40000')));
    assert.ok(Math.abs(placed.transactTime / 1000 - Date.now()) < 5000);
});

test('fees are what fills pay', async () => {
    const { ann: { client: { restAPI } } } = world;
    const fees = await data(restAPI.accountCommission({ symbol: SYMBOL }));
    assert.deepEqual([fees.standardCommission.maker, fees.standardCommission.taker],
                     ['0.00100000', '0.00100000']);
    const counts = await data(restAPI.rateLimitOrder());
    assert.ok(counts.every(({ rateLimitType, limit: most }) => rateLimitType === 'ORDERS' && most > 0));
    assert.equal((await data(restAPI.executionRules({ symbol: SYMBOL }))).symbolRules.length, 1);
    assert.ok((await data(restAPI.myFilters({ symbol: SYMBOL }))).symbolFilters);
    await refused(world, data(restAPI.accountCommission({ symbol: 'NOPE' })), -1121,
                  /^Invalid symbol\.$/);
});

tellHistory(world);

test('streams deliver each event as it is', async () => {
    const connection = await world.ann.client.websocketStreams.connect();
    const seen = {};
    const watch = (name, stream) => {
        seen[name] = [];
        stream.on('message', (event) => seen[name].push(event));
        return stream;
    };
    const symbol = 'btcusdt';
    try {
        watch('trade', connection.trade({ symbol }));
        watch('aggTrade', connection.aggTrade({ symbol }));
        watch('kline', connection.kline({ symbol, interval: '1m' }));
        watch('depth', connection.diffBookDepth({ symbol, updateSpeed: '100ms' }));
        watch('part', connection.partialBookDepth({ symbol, levels: '5', updateSpeed: '100ms' }));
        await until('every kind of event', async () => {
            await trade(world, '50200');
            return Object.values(seen).every((events) => events.length > 1);
        }, 20, 250);
        assert.equal(seen.trade[0].p, '50200.00000000');
        assert.equal(seen.kline[0].k.s, SYMBOL);
        for (let i = 1; i < seen.depth.length; i++) {
            assert.equal(seen.depth[i].U, seen.depth[i - 1].u + 1);
        }
        assert.ok(seen.part[0].lastUpdateId > 0);
        watch('best', connection.bookTicker({ symbol }));
        watch('mini', connection.miniTicker({ symbol }));
        watch('all', connection.allMiniTicker());
        watch('day', connection.ticker({ symbol }));
        await until('the rest', async () => {
            await trade(world, '50300');
            return Object.values(seen).every((events) => events.length > 0);
        }, 20, 250);
        watch('hour', connection.rollingWindowTicker({ symbol, windowSize: '1h' }));
        watch('hours', connection.allMarketRollingWindowTicker({ windowSize: '4h' }));
        watch('average', connection.avgPrice({ symbol }));
        watch('east', connection.klineOffset({ symbol, interval: '1h' }));
        await until('windows and averages', async () => {
            await trade(world, '50400');
            return Object.values(seen).every((events) => events.length > 0);
        }, 20, 250);
        assert.equal(seen.day.at(-1).e, '24hrTicker');
        assert.equal(seen.best.at(-1).s, SYMBOL);
        assert.equal(seen.hour.at(-1).e, '1hTicker');
        assert.equal(seen.average.at(-1).i, '5m');
        assert.equal(seen.east.at(-1).k.i, '1h');
    } finally {
        await connection.disconnect();
    }
});

tellEnd(world);
