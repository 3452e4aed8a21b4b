// ccxt beyond ccxt.test.mjs: all that its users call on spot, with both kinds of keys, and what pro watches.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { ccxtEd25519, ccxtPro, ccxtRest } from './clients.mjs';
import { Exchange, units, until } from './exchange.mjs';
import { assertChanged, cost, fee, purse } from './trading.mjs';

const SYMBOL = 'BTC/USDT';
let exchange, ann, bob, annAccount, bobAccount;

before(async () => {
    exchange = await Exchange.start(18376);
    [annAccount, bobAccount] = exchange.accounts;
    ann = ccxtRest(exchange, annAccount);
    bob = ccxtEd25519(exchange, bobAccount);
    await ann.loadMarkets();
    await bob.loadMarkets();
});

after(() => exchange?.stop());

afterEach(async () => {
    for (const client of [ann, bob]) {
        for (const symbol of [SYMBOL, 'ETH/USDT']) {
            if ((await client.fetchOpenOrders(symbol)).length > 0) await client.cancelAllOrders(symbol);
        }
    }
    for (const account of [annAccount, bobAccount]) {
        for (const { locked } of Object.values(await purse(exchange, account))) {
            assert.equal(locked, 0n);
        }
    }
});

async function trade(price, amount = 0.001) {
    await ann.createOrder(SYMBOL, 'limit', 'sell', amount, price);
    const taken = await bob.createOrder(SYMBOL, 'limit', 'buy', amount, price, { timeInForce: 'IOC' });
    assert.equal(taken.filled, amount);
    return taken;
}

test('time and status', async () => {
    assert.ok(Math.abs(await ann.fetchTime() - Date.now()) < 5000);
    assert.equal((await ann.fetchStatus()).status, 'ok');
});

test('markets say what may be ordered', () => {
    const market = ann.market(SYMBOL);
    assert.deepEqual(market.limits.amount.min, 0.00001);
    assert.equal(market.active, true);
    assert.ok(market.info.orderTypes.includes('STOP_LOSS_LIMIT'));
    assert.equal(ann.amountToPrecision(SYMBOL, 0.123456789), '0.12345');
    assert.equal(ann.priceToPrecision(SYMBOL, 50000.019), '50000.02');
});

test('an order of either key rests, is found and canceled', async () => {
    for (const [client, account] of [[ann, annAccount], [bob, bobAccount]]) {
        const before = await purse(exchange, account);
        const order = await client.createOrder(SYMBOL, 'limit', 'buy', 0.5, 40000.01,
                                               { clientOrderId: 'x-mine-1' });
        assert.deepEqual([order.status, order.clientOrderId, order.remaining],
                         ['open', 'x-mine-1', 0.5]);
        const held = units('20000.005');
        assertChanged(before, await purse(exchange, account),
                      { USDT: { free: -held, locked: held } });
        assert.equal((await client.fetchOrder(order.id, SYMBOL)).id, order.id);
        assert.deepEqual((await client.fetchOpenOrders(SYMBOL)).map(({ id }) => id), [order.id]);
        const canceled = await client.cancelOrder(undefined, SYMBOL, { clientOrderId: 'x-mine-1' });
        assert.equal(canceled.id, order.id);
        assert.equal(canceled.status, 'canceled');
        assertChanged(before, await purse(exchange, account), {});
        assert.equal((await client.fetchCanceledOrders(SYMBOL)).at(-1).id, order.id);
        await assert.rejects(client.cancelOrder(order.id, SYMBOL), { name: 'OrderNotFound' });
        await assert.rejects(client.fetchOrder('999999999', SYMBOL), { name: 'OrderNotFound' });
    }
});

test('market orders by amount and by cost, to the last unit', async () => {
    const before = await purse(exchange, bobAccount);
    await ann.createOrder(SYMBOL, 'limit', 'sell', 1, 50000.01);
    const byAmount = await bob.createMarketOrder(SYMBOL, 'buy', 0.25);
    assert.deepEqual([byAmount.status, byAmount.average, byAmount.filled], ['closed', 50000.01, 0.25]);
    const byCost = await bob.createMarketBuyOrderWithCost(SYMBOL, 5000.01);
    assert.deepEqual([byCost.status, byCost.filled, byCost.cost], ['closed', 0.1, 5000.001]);
    const base = [units('0.25'), units('0.1')];
    const paid = base.reduce((sum, each) => sum + cost(each, '50000.01'), 0n);
    const got = base.reduce((sum, each) => sum + each - fee(each), 0n);
    assertChanged(before, await purse(exchange, bobAccount),
                  { BTC: { free: got }, USDT: { free: -paid } });
    await bob.createOrder(SYMBOL, 'limit', 'buy', 1, 49000);
    assert.equal((await ann.createMarketSellOrderWithCost(SYMBOL, 4900)).filled, 0.1);

    const fills = await bob.fetchMyTrades(SYMBOL);
    assert.deepEqual(fills.slice(-3).map(({ amount }) => amount), [0.25, 0.1, 0.1]);
    const [fill] = await bob.fetchOrderTrades(byAmount.id, SYMBOL);
    assert.deepEqual([fill.price, fill.takerOrMaker, fill.fee.currency], [50000.01, 'taker', 'BTC']);
    assert.equal((await bob.fetchClosedOrders(SYMBOL)).at(-1).status, 'closed');
});

test('stops of every kind are placed by their unified names', async () => {
    await trade(50000);
    const stop = await ann.createOrder(SYMBOL, 'market', 'sell', 0.01, undefined,
                                       { stopLossPrice: 45000 });
    const stopLimit = await ann.createOrder(SYMBOL, 'limit', 'sell', 0.01, 44900,
                                            { triggerPrice: 45000 });
    const profit = await ann.createOrder(SYMBOL, 'limit', 'sell', 0.01, 55000,
                                         { takeProfitPrice: 55500 });
    const named = await ann.createOrder(SYMBOL, 'STOP_LOSS_LIMIT', 'sell', 0.01, 43000,
                                        { stopPrice: 43500 });
    const types = ['STOP_LOSS', 'STOP_LOSS_LIMIT', 'TAKE_PROFIT_LIMIT', 'STOP_LOSS_LIMIT'];
    for (const [index, { id }] of [stop, stopLimit, profit, named].entries()) {
        const found = await ann.fetchOrder(id, SYMBOL);
        assert.deepEqual([found.status, found.info.type], ['open', types[index]]);
    }
    assert.equal((await ann.fetchOrder(profit.id, SYMBOL)).triggerPrice, 55500);
    await bob.createOrder(SYMBOL, 'limit', 'buy', 0.05, 45000);
    await ann.createOrder(SYMBOL, 'limit', 'sell', 0.001, 45000);
    await assert.rejects(ann.createOrder(SYMBOL, 'market', 'sell', 0.01, undefined,
                                         { stopLossPrice: 46000 }),
                         { name: 'OrderImmediatelyFillable' });
    assert.equal((await ann.fetchOrder(stop.id, SYMBOL)).status, 'closed');
    assert.equal((await ann.fetchOrder(stopLimit.id, SYMBOL)).status, 'closed');
    assert.equal((await ann.fetchOrder(named.id, SYMBOL)).status, 'open');
    const gone = await ann.cancelAllOrders(SYMBOL);
    assert.deepEqual(gone.map(({ id }) => id).sort(), [profit.id, named.id].sort());
});

test('an edited order is another one at once', async () => {
    const order = await bob.createOrder(SYMBOL, 'limit', 'buy', 0.01, 20000);
    const edited = await bob.editOrder(order.id, SYMBOL, 'limit', 'buy', 0.02, 21000);
    assert.deepEqual([edited.price, edited.amount, edited.status], [21000, 0.02, 'open']);
    assert.equal((await bob.fetchOrder(order.id, SYMBOL)).status, 'canceled');
    await assert.rejects(bob.editOrder(order.id, SYMBOL, 'limit', 'buy', 0.02, 21000),
                         (error) => error instanceof Error && /-2022/.test(error.message));
});

test('a test order changes nothing', async () => {
    const before = await purse(exchange, annAccount);
    await ann.createOrder(SYMBOL, 'limit', 'buy', 0.01, 30000, { test: true });
    assertChanged(before, await purse(exchange, annAccount), {});
    assert.equal((await ann.fetchOpenOrders(SYMBOL)).length, 0);
});

test('public data, from where and as much as is asked', async () => {
    const since = await ann.fetchTime();
    for (const price of [50000, 50100, 50200]) await trade(price, 0.002);
    await ann.createOrder(SYMBOL, 'limit', 'sell', 0.3, 51000);
    await bob.createOrder(SYMBOL, 'limit', 'buy', 0.4, 49000);
    const prices = (trades) => trades.map(({ price }) => price);
    assert.deepEqual(prices(await ann.fetchTrades(SYMBOL, since - 100)), [50000, 50100, 50200]);
    assert.deepEqual(prices(await ann.fetchTrades(SYMBOL, undefined, 2)), [50100, 50200]);
    assert.deepEqual(prices(await ann.fetchTrades(SYMBOL, undefined, 2,
                                                  { fetchTradesMethod: 'publicGetTrades' })),
                     [50100, 50200]);
    for (const limit of [5, 10, 20, 50, 100, 500, 1000]) {
        const book = await ann.fetchOrderBook(SYMBOL, limit);
        assert.deepEqual([book.bids, book.asks], [[[49000, 0.4]], [[51000, 0.3]]]);
    }
    for (const frame of Object.keys(ann.timeframes)) {
        const candles = await ann.fetchOHLCV(SYMBOL, frame, undefined, 2);
        assert.equal(candles.at(-1)[4], 50200, frame);
    }
    const day = await ann.fetchOHLCV(SYMBOL, '1d', since - 86400000, 1000);
    assert.equal(day.at(-1)[0] % 86400000, 0);
    const ticker = await ann.fetchTicker(SYMBOL);
    assert.deepEqual([ticker.last, ticker.bid, ticker.bidVolume, ticker.ask, ticker.askVolume],
                     [50200, 49000, 0.4, 51000, 0.3]);
    assert.deepEqual(Object.keys(await ann.fetchTickers([SYMBOL, 'ETH/USDT'])).sort(),
                     [SYMBOL, 'ETH/USDT']);
    assert.equal((await ann.fetchBidsAsks())[SYMBOL].bid, 49000);
    assert.equal((await ann.fetchLastPrices())[SYMBOL].price, 50200);
});

test('fees and currencies', async () => {
    const { maker, taker } = await ann.fetchTradingFee(SYMBOL);
    assert.deepEqual([maker, taker], [0.001, 0.001]);
    const { USDT } = await ann.fetchCurrencies();
    assert.equal(USDT.active, true);
});

test('the demo has ways in, and an address for each of its two accounts', async () => {
    const { BTC, USDT } = await ann.fetchCurrencies();
    assert.deepEqual([BTC.deposit, BTC.withdraw, USDT.deposit, USDT.withdraw], [true, true, true, true]);
    assert.deepEqual([BTC.info.networkList, USDT.info.networkList].map(([{ network }]) => network), ['BTC', 'ETH']);
    const { currency, address } = await ann.fetchDepositAddress('BTC');
    assert.deepEqual([currency, address], ['BTC', 'demo-BTC-ann-nothing-to-send-to']);
    assert.equal((await bob.fetchDepositAddress('USDT')).address, 'demo-ETH-bob-nothing-to-send-to');
});

test('each refusal is the class that bots catch', async () => {
    // ccxt itself refuses what exchangeInfo's filters say; what is behind them is asked for here.
    const place = (quantity, price) =>
        ann.privatePostOrder({ symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC',
                               quantity, price });
    await assert.rejects(place('9000', '99999'), { name: 'InsufficientFunds' });
    await assert.rejects(place('0.000001', '40000'), { name: 'InvalidOrder', message: /LOT_SIZE/ });
    await assert.rejects(place('0.01', '40000.001'), { name: 'InvalidOrder', message: /PRICE_FILTER/ });
    await assert.rejects(ann.publicGetDepth({ symbol: 'NOPE' }), { name: 'BadSymbol' });
    await assert.rejects(ann.publicGetKlines({ symbol: 'BTCUSDT', interval: '7m' }),
                         { name: 'BadRequest' });
    await assert.rejects(ann.privateGetOrder({ symbol: 'BTCUSDT' }), { name: 'BadRequest' });
    const wrong = ccxtRest(exchange, { ...annAccount, secretKey: 'guessed' });
    await assert.rejects(wrong.privateGetAccount(), { name: 'AuthenticationError' });
});

test('pro watches markets, one and many', async () => {
    const pro = await ccxtPro(exchange);
    const symbols = [SYMBOL, 'ETH/USDT'];
    let trading = true;
    const flow = (async () => {
        for (let i = 0; trading; i++) {
            await trade(50000 + i);
            await ann.createOrder('ETH/USDT', 'limit', 'sell', 0.1, 3000 + i);
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    })();
    try {
        await pro.loadMarkets();
        const [trades, many, ticker, tickers, best, candles, books] = await Promise.all([
            pro.watchTrades(SYMBOL), pro.watchTradesForSymbols(symbols), pro.watchTicker(SYMBOL),
            pro.watchTickers(symbols), pro.watchBidsAsks(symbols), pro.watchOHLCV(SYMBOL, '1m'),
            pro.watchOrderBookForSymbols(symbols),
        ]);
        assert.ok(trades[0].price >= 50000);
        assert.equal(many[0].symbol, SYMBOL);
        assert.equal(ticker.symbol, SYMBOL);
        assert.ok(Object.keys(tickers).every((symbol) => symbols.includes(symbol)));
        assert.ok(Object.keys(best).length > 0);
        assert.equal(candles.at(-1)[0] % 60000, 0);
        assert.ok(symbols.includes(books.symbol));
        // ccxt checks every update's ids and throws at the first gap.
        await until('both books', async () => {
            await pro.watchOrderBookForSymbols(symbols);
            return symbols.every((symbol) => pro.orderbooks[symbol]?.nonce > 0);
        });
        await pro.unWatchTrades(SYMBOL);
    } finally {
        trading = false;
        await flow;
        await pro.close();
    }
});

async function proOf(account, kind = 'HMAC') {
    const pro = await ccxtPro(exchange, account, kind);
    await pro.loadMarkets();
    return pro;
}

test('pro watches and leaves, with candles and books of many at once', async () => {
    const pro = await proOf();
    const symbols = [SYMBOL, 'ETH/USDT'];
    const names = ['watchTrades', 'watchTicker', 'watchOrderBook'];
    try {
        let trading = true;
        const flow = (async () => {
            for (let i = 0; trading; i++) {
                await trade(50000 + i % 7);
                await ann.createOrder('ETH/USDT', 'limit', 'sell', 0.1, 3000 + i % 50);
                if (i % 50 === 49) await ann.cancelAllOrders('ETH/USDT');
                await new Promise((resolve) => setTimeout(resolve, 20));
            }
        })();
        try {
            for (const name of names) {
                assert.ok(await pro[name](SYMBOL), name);
                await pro[name.replace('watch', 'unWatch')](SYMBOL);
            }
            for (const name of ['watchBidsAsks', 'watchTickers', 'watchTradesForSymbols', 'watchOrderBookForSymbols']) {
                assert.ok(await pro[name](symbols), name);
                await pro[name.replace('watch', 'unWatch')](symbols);
            }
            const candles = await pro.watchOHLCVForSymbols([[SYMBOL, '1m'], [SYMBOL, '1h']]);
            assert.equal(candles[SYMBOL][Object.keys(candles[SYMBOL])[0]].at(-1).length, 6);
            await pro.unWatchOHLCVForSymbols([[SYMBOL, '1m'], [SYMBOL, '1h']]);
            await pro.watchOHLCV(SYMBOL, '1s');
            await pro.unWatchOHLCV(SYMBOL, '1s');
            for (const limit of [5, 20, 100]) assert.ok((await pro.watchOrderBook(SYMBOL, limit)).nonce > 0);
            assert.ok((await pro.watchTrades(SYMBOL, undefined, 1, { name: 'aggTrade' })).length > 0);
            const all = await pro.watchTickers(undefined, { name: 'miniTicker' });
            assert.ok(all[SYMBOL].last >= 50000);
        } finally {
            trading = false;
            await flow;
        }
    } finally {
        await pro.close();
    }
});

for (const [kind, account, client] of [['HMAC', () => annAccount, () => ann], ['Ed25519', () => bobAccount, () => bob]]) {
    test(`pro places, edits, finds and cancels over the WebSocket API, ${kind}`, async () => {
        const pro = await proOf(account(), kind);
        try {
            const before = await purse(exchange, account());
            const order = await pro.createOrderWs(SYMBOL, 'limit', 'buy', 0.5, 40000.01);
            assert.deepEqual([order.status, order.price, order.amount], ['open', 40000.01, 0.5]);
            assert.equal((await pro.fetchOrderWs(order.id, SYMBOL)).id, order.id);
            assert.deepEqual((await pro.fetchOpenOrdersWs(SYMBOL)).map(({ id }) => id), [order.id]);
            const edited = await pro.editOrderWs(order.id, SYMBOL, 'limit', 'buy', 0.4, 41000);
            assert.equal(edited.price, 41000);
            const canceled = await pro.cancelOrderWs(edited.id, SYMBOL);
            assert.equal(canceled.status, 'canceled');
            assertChanged(before, await purse(exchange, account()), {});
            await assert.rejects(pro.cancelOrderWs(edited.id, SYMBOL), { name: 'OrderNotFound' });
            await assert.rejects(pro.fetchOrderWs('999999999', SYMBOL), { name: 'OrderNotFound' });
            await assert.rejects(pro.createOrderWs(SYMBOL, 'limit', 'buy', 9000, 99999), { name: 'InsufficientFunds' });
            await pro.createOrderWs(SYMBOL, 'limit', 'buy', 0.5, 40000);
            const { info } = await pro.fetchBalanceWs(); // ccxt reads no more of it on spot
            assert.equal(info.balances.find(({ asset }) => asset === 'USDT').locked, '20000.00000000');
            assert.equal((await pro.cancelAllOrdersWs(SYMBOL)).length, 1);
            assert.ok((await pro.fetchOrdersWs(SYMBOL)).length >= 3);
            await trade(50000);
            assert.equal((await pro.fetchMyTradesWs(SYMBOL)).at(-1).price, 50000);
            assert.equal((await pro.fetchClosedOrdersWs(SYMBOL)).at(-1).status, 'closed');
            assert.equal((await pro.fetchTradesWs(SYMBOL, undefined, 1))[0].price, 50000);
            assert.equal((await pro.fetchOHLCVWs(SYMBOL, '1d', undefined, 1)).at(-1)[4], 50000);
            const tested = await pro.createOrderWs(SYMBOL, 'limit', 'buy', 0.5, 40000, { test: true, postOnly: true });
            assert.equal(tested.id, undefined);

            // Its own words for some parameters it sends along with the API's.
            const words = [['limit', 'buy', 0.5, 40000, { postOnly: true }, 'LIMIT_MAKER'],
                           ['limit', 'buy', 0.5, 40000, { clientOrderId: 'mine' }, 'LIMIT'],
                           ['limit', 'sell', 0.5, 39900, { triggerPrice: 40000 }, 'STOP_LOSS_LIMIT'],
                           ['market', 'sell', 0.5, undefined, { stopLossPrice: 40000.004 }, 'STOP_LOSS'], // it rounds to the tick
                           ['market', 'sell', 0.5, undefined, { takeProfitPrice: 60000 }, 'TAKE_PROFIT']];
            for (const [type, side, amount, price, params, kept] of words) {
                const { id } = await pro.createOrderWs(SYMBOL, type, side, amount, price, params);
                assert.equal((await client().fetchOrder(id, SYMBOL)).info.type, kept);
            }
            assert.equal((await client().fetchOrder(undefined, SYMBOL, { clientOrderId: 'mine' })).clientOrderId, 'mine');
            // Of both it makes one order.
            await assert.rejects(pro.createOrderWs(SYMBOL, 'market', 'sell', 0.5, undefined, { stopLossPrice: 40000, takeProfitPrice: 60000 }),
                                 { message: /-1104/ });
            assert.equal((await pro.cancelAllOrdersWs(SYMBOL)).length, words.length);
            await (client() === ann ? bob : ann).createOrder(SYMBOL, 'limit', 'sell', 0.1, 50000);
            const bought = await pro.createOrderWs(SYMBOL, 'market', 'buy', undefined, undefined, { cost: 5000 });
            assert.deepEqual([bought.filled, bought.cost], [0.1, 5000]);
        } finally {
            await pro.close();
        }
    });

    test(`pro is told of its own orders, fills and funds, ${kind}`, async () => {
        const pro = await proOf(account(), kind);
        try {
            const watched = [pro.watchOrders(SYMBOL), pro.watchMyTrades(SYMBOL), pro.watchBalance()];
            await pro.authenticate({ type: 'spot' }); // from now on it is told
            const order = await client().createOrder(SYMBOL, 'limit', 'sell', 0.03, 50000);
            const [first] = await watched[0];
            assert.deepEqual([first.id, first.status, first.amount, first.price, first.side],
                             [order.id, 'open', 0.03, 50000, 'sell']);
            const other = client() === ann ? bob : ann;
            const taken = await other.createOrder(SYMBOL, 'limit', 'buy', 0.01, 50000);
            const [fill] = await watched[1];
            assert.deepEqual([fill.order, fill.price, fill.amount, fill.cost, fill.takerOrMaker, fill.side],
                             [order.id, 50000, 0.01, 500, 'maker', 'sell']);
            assert.deepEqual([fill.fee.currency, fill.fee.cost], ['USDT', 0.5]);
            assert.equal(fill.id, (await other.fetchOrderTrades(taken.id, SYMBOL))[0].id);
            await watched[2];
            await client().cancelOrder(order.id, SYMBOL);
            const last = await until('the order to be told as canceled', () =>
                pro.orders.find(({ id, status }) => id === order.id && status === 'canceled'));
            assert.deepEqual([last.filled, last.remaining, last.average], [0.01, 0.02, 50000]);
            const { BTC, USDT } = await client().fetchBalance();
            await until('the funds that REST has', () => {
                assert.deepEqual([pro.balance.spot.BTC, pro.balance.spot.USDT], [BTC, USDT]);
                return true;
            });
        } finally {
            await pro.close();
        }
    });
}

test('the rest of what spot offers: kinds of orders, wallet, books, fees', async () => {
    await trade(50000);
    const rows = [
        ['STOP_LOSS_LIMIT', () => ann.createStopLimitOrder(SYMBOL, 'sell', 0.01, 44000, 44500)],
        ['STOP_LOSS', () => ann.createTriggerOrder(SYMBOL, 'market', 'sell', 0.01, undefined, 44500)],
        ['STOP_LOSS_LIMIT', () => ann.createTriggerOrder(SYMBOL, 'limit', 'sell', 0.01, 44000, 44600)],
        ['STOP_LOSS', () => ann.createStopLossOrder(SYMBOL, 'market', 'sell', 0.01, undefined, 44400)],
        ['TAKE_PROFIT_LIMIT', () => ann.createTakeProfitOrder(SYMBOL, 'limit', 'sell', 0.01, 56000, 55500)],
        ['STOP_LOSS_LIMIT', () => ann.createTrailingPercentOrder(SYMBOL, 'STOP_LOSS_LIMIT', 'sell', 0.01, 43000, 5)],
        ['LIMIT_MAKER', () => ann.createPostOnlyOrder(SYMBOL, 'limit', 'sell', 0.01, 56000)],
    ];
    for (const [type, place] of rows) {
        const { id } = await place();
        const [open] = await ann.fetchOpenOrders(SYMBOL);
        assert.deepEqual([open.id, open.info.type], [id, type]);
        if (open.info.trailingDelta !== undefined) assert.equal(Number(open.info.trailingDelta), 500);
        await ann.cancelAllOrders(SYMBOL);
    }
    await bob.createOrder(SYMBOL, 'limit', 'buy', 0.1, 49000);
    assert.equal((await ann.createMarketOrderWithCost(SYMBOL, 'sell', 490)).filled, 0.01);
    assert.deepEqual((await ann.fetchL2OrderBook(SYMBOL)).bids, [[49000, 0.09]]);
    assert.deepEqual(Object.keys(await ann.fetchTradingFees()).sort(), ['BTC/USDT', 'ETH/BTC', 'ETH/USDT']);
    assert.deepEqual(Object.keys(await ann.fetchDepositWithdrawFees()).sort(), ['BTC', 'ETH', 'USDT']);
    assert.ok((await ann.fetchTransactionFees()).withdraw);
    assert.deepEqual([await ann.fetchDeposits(), await ann.fetchWithdrawals()], [[], []]);
    assert.equal((await ann.fetchOrders(SYMBOL, undefined, 3)).length, 3);
    const [newest] = (await ann.fetchMyTrades(SYMBOL)).slice(-1);
    assert.deepEqual(await ann.fetchMyTrades(SYMBOL, newest.timestamp, 5).then((found) => found.at(-1).id), newest.id);
    assert.equal(Number((await ann.publicGetAvgPrice({ symbol: 'BTCUSDT' })).mins), 5);
    assert.equal((await ann.publicGetTicker({ symbol: 'BTCUSDT', windowSize: '1h' })).symbol, 'BTCUSDT');
    assert.equal((await ann.privateGetAccountCommission({ symbol: 'BTCUSDT' })).symbol, 'BTCUSDT');
});

test('every block is certified and verifies', async () => {
    await exchange.certified();
    assert.match(await exchange.verify(), /^right: .* all certified/);
});
