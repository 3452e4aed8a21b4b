// The npm package `binance`, REST and streams, with only the base URL changed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { binanceRest, binanceStreams } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';

let exchange, ann, bob;

before(async () => {
    exchange = await Exchange.start(18302);
    ann = binanceRest(exchange, exchange.accounts[0]);
    bob = binanceRest(exchange, exchange.accounts[1]);
});

after(() => exchange?.stop());

test('general endpoints answer', async () => {
    assert.deepEqual(await ann.testConnectivity(), {});
    const info = await ann.getExchangeInfo();
    assert.deepEqual(info.symbols.map((s) => s.symbol).sort(), ['BTCUSDT', 'ETHBTC', 'ETHUSDT']);
    assert.equal((await ann.getSystemStatus()).status, 0);
});

test('orders are tested, placed, found, matched and canceled', async () => {
    const order = { symbol: 'BTCUSDT', side: 'SELL', type: 'LIMIT', timeInForce: 'GTC',
                    quantity: '0.01', price: '60000.00' };
    assert.deepEqual(await ann.testNewOrder(order), {});
    const placed = await ann.submitNewOrder({ ...order, newOrderRespType: 'FULL' });
    assert.equal(placed.status, 'NEW');
    assert.equal(placed.price, '60000.00000000');
    const taken = await bob.submitNewOrder({ symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET',
                                             quantity: '0.004', newOrderRespType: 'FULL' });
    assert.equal(taken.status, 'FILLED');
    assert.equal(taken.cummulativeQuoteQty, '240.00000000');
    assert.equal(taken.fills[0].commission, '0.00000400');
    const found = await ann.getOrder({ symbol: 'BTCUSDT', orderId: placed.orderId });
    assert.equal(found.status, 'PARTIALLY_FILLED');
    assert.equal(found.executedQty, '0.00400000');
    const canceled = await ann.cancelOrder({ symbol: 'BTCUSDT', orderId: placed.orderId });
    assert.equal(canceled.status, 'CANCELED');
    assert.equal(canceled.executedQty, '0.00400000');
});

test('account and history answer', async () => {
    const account = await bob.getAccountInformation();
    assert.equal(account.balances.find((b) => b.asset === 'USDT').free, '99999760.00000000');
    assert.equal(account.commissionRates.maker, '0.00100000');
    const trades = await bob.getAccountTradeList({ symbol: 'BTCUSDT' });
    assert.equal(trades.length, 1);
    assert.equal(trades[0].isMaker, false);
    const orders = await ann.getAllOrders({ symbol: 'BTCUSDT' });
    assert.equal(orders.length, 1);
    assert.equal((await ann.getRecentTrades({ symbol: 'BTCUSDT' }))[0].price, '60000.00000000');
    assert.equal((await ann.getAvgPrice({ symbol: 'BTCUSDT' })).price, '60000.00000000');
    const candles = await ann.getKlines({ symbol: 'BTCUSDT', interval: '1h' });
    assert.equal(candles.at(-1)[5], '0.00400000');
});

test('streams deliver trades, depth and best prices', async () => {
    const streams = binanceStreams(exchange), seen = [];
    streams.on('message', (message) => seen.push(message.data ?? message));
    streams.on('exception', (error) => seen.push({ e: 'exception', error }));
    try {
        await streams.subscribe(['btcusdt@trade', 'btcusdt@depth@100ms', 'btcusdt@bookTicker'],
                                'main');
        await until('the first depth update', async () => {
            await ann.submitNewOrder({ symbol: 'BTCUSDT', side: 'SELL', type: 'LIMIT',
                                       timeInForce: 'GTC', quantity: '0.001', price: '61000' });
            await bob.submitNewOrder({ symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT',
                                       timeInForce: 'IOC', quantity: '0.001', price: '61000' });
            return seen.some((m) => m.e === 'depthUpdate') && seen.some((m) => m.e === 'trade') &&
                   seen.some((m) => m.e === 'bookTicker');
        });
        assert.equal(seen.find((m) => m.e === 'trade').p, '61000.00000000');
        const updates = seen.filter((m) => m.e === 'depthUpdate');
        for (let i = 1; i < updates.length; i++) assert.equal(updates[i].U, updates[i - 1].u + 1);
    } finally {
        streams.closeAll(true);
    }
});
