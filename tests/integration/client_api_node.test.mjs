// The npm package `binance-api-node`: REST with both kinds of keys, and its streams.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiNode } from './clients.mjs';
import { until } from './exchange.mjs';
import { SYMBOL, limit, refused, tellEnd, tellHistory, tellOrders, trade, worldOf } from './stories.mjs';

const asks = (client) => ({
    place: (order) => client.order(order),
    testOrder: (order) => client.orderTest(order),
    cancel: (which) => client.cancelOrder(which),
    cancelAll: (which) => client.cancelOpenOrders(which),
    replace: (order) => client.updateOrder(order),
    find: (which) => client.getOrder(which),
    open: (which) => client.openOrders(which),
    all: (which) => client.allOrders(which),
    fills: (which) => client.myTrades(which),
    accountOf: () => client.accountInfo(),
    oldOco: (list) => client.orderOco(list),
    list: (which) => client.getOrderOco(which),
    cancelList: (which) => client.cancelOrderOco(which),
    allLists: () => client.allOrdersOCO({}),
});

const world = worldOf(18374, {
    connect: apiNode,
    asks,
    refusal: ({ code, message }) => ({ code, msg: message }),
});

tellOrders(world);

test('market data agrees with what was traded', async () => {
    const { ann: { client } } = world;
    await trade(world, '50000', '0.002');
    await trade(world, '50100', '0.001');
    await world.ann.place(limit('SELL', '0.3', '51000'));
    await world.bob.place(limit('BUY', '0.4', '49000'));
    assert.equal(await client.ping(), true);
    assert.ok(Math.abs(await client.time() - Date.now()) < 5000);
    const { symbols } = await client.exchangeInfo();
    assert.deepEqual(symbols.map(({ symbol }) => symbol).sort(), ['BTCUSDT', 'ETHBTC', 'ETHUSDT']);
    assert.equal((await client.exchangeInfo({ symbol: SYMBOL })).symbols.length, 1);
    const book = await client.book({ symbol: SYMBOL, limit: 5 });
    assert.deepEqual(book.bids[0], { price: '49000.00000000', quantity: '0.40000000' });
    assert.deepEqual(book.asks[0], { price: '51000.00000000', quantity: '0.30000000' });
    const trades = await client.trades({ symbol: SYMBOL, limit: 2 });
    assert.deepEqual(trades.map(({ price }) => price), ['50000.00000000', '50100.00000000']);
    const [older] = await client.tradesHistory({ symbol: SYMBOL, fromId: trades[0].id, limit: 1 });
    assert.deepEqual(older, trades[0]);
    const [aggregate] = await client.aggTrades({ symbol: SYMBOL, limit: 1 });
    assert.deepEqual([aggregate.price, aggregate.lastId], ['50100.00000000', trades[1].id]);
    const [candle] = await client.candles({ symbol: SYMBOL, interval: '1d', limit: 1 });
    assert.equal(candle.close, '50100.00000000');
    assert.equal((await client.prices())[SYMBOL], '50100.00000000');
    assert.equal((await client.dailyStats({ symbol: SYMBOL })).lastPrice, '50100.00000000');
    assert.equal((await client.dailyStats()).length, 3);
    assert.equal((await client.allBookTickers())[SYMBOL].askQty, '0.30000000');
    assert.ok(Number((await client.avgPrice({ symbol: SYMBOL })).price) > 40000);
    await refused(world, client.candles({ symbol: SYMBOL, interval: '7m' }), -1120,
                  /^Invalid interval\.$/);
    // The weight that was used, by host, from the answers' headers.
    assert.ok(Object.values(client.getInfo()).some((info) => Number(info.usedWeight1m) > 0));
});

test('wallet as its users read it, with the server\'s time', async () => {
    const { ann: { client } } = world;
    const [fees] = await client.tradeFee({ symbol: SYMBOL });
    assert.equal(Number(fees.takerCommission), 0.001);
    const coins = await client.capitalConfigs();
    assert.deepEqual(coins.map(({ coin }) => coin).sort(), ['BTC', 'ETH', 'USDT']);
    const { balances } = await client.accountInfo({ useServerTime: true });
    assert.equal(balances.length, 3);
});

tellHistory(world);

test('streams deliver each event as it is', async () => {
    const { ws } = world.ann.client, seen = {};
    const keep = (name) => {
        seen[name] = [];
        return (event) => seen[name].push(event);
    };
    const closers = [
        ws.trades(SYMBOL, keep('trade')),
        ws.aggTrades(SYMBOL, keep('aggTrade')),
        ws.depth(`${SYMBOL}@100ms`, keep('depth')),
        ws.partialDepth({ symbol: SYMBOL, level: 5 }, keep('part')),
        ws.candles(SYMBOL, '1m', keep('candle')),
        ws.bookTicker(SYMBOL, keep('best')),
        ws.ticker(SYMBOL, keep('day')),
        ws.miniTicker(SYMBOL, keep('mini')),
        ws.allTickers(keep('all')),
        ws.customSubStream('btcusdt@trade', keep('own')),
    ];
    try {
        await until('every kind of event', async () => {
            await trade(world, '50200');
            return Object.values(seen).every((events) => events.length > 1);
        }, 20, 250);
        assert.equal(seen.trade[0].price, '50200.00000000');
        assert.equal(seen.aggTrade[0].quantity, '0.00100000');
        assert.equal(seen.candle[0].interval, '1m');
        assert.equal(seen.day.at(-1).curDayClose, '50200.00000000');
        assert.equal(seen.best[0].symbol, SYMBOL);
        for (let i = 1; i < seen.depth.length; i++) {
            assert.equal(seen.depth[i].firstUpdateId, seen.depth[i - 1].finalUpdateId + 1);
        }
    } finally {
        for (const close of closers) close();
    }
});

tellEnd(world);
