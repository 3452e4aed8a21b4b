// ccxt, REST and pro, with only the base URL changed: load, read, place, match, cancel, watch, and
// read balances and history. Money is compared to the last digit.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ccxtEd25519, ccxtPro, ccxtRest, signedRequest } from './clients.mjs';
import { Exchange, units, until } from './exchange.mjs';

const FEE_PPM = 1000n; // demo fees: 0.1% maker and taker
const MILLION = 1000000n;

let exchange, ann, bob, annAccount, bobAccount;

before(async () => {
    exchange = await Exchange.start(18301);
    [annAccount, bobAccount] = exchange.accounts;
    ann = ccxtRest(exchange, annAccount);
    bob = ccxtRest(exchange, bobAccount);
    await ann.loadMarkets();
    await bob.loadMarkets();
});

after(() => exchange?.stop());

async function balancesOf(account) {
    const { status, body } = await signedRequest(exchange, account, 'GET', '/api/v3/account');
    assert.equal(status, 200);
    return Object.fromEntries(body.balances.map((b) => [b.asset, units(b.free) + units(b.locked)]));
}

// The payer pays the exact fee rounded up.
function fee(received) {
    return (received * FEE_PPM + MILLION - 1n) / MILLION;
}

test('markets load with default options', () => {
    assert.deepEqual(Object.keys(ann.markets).sort(), ['BTC/USDT', 'ETH/BTC', 'ETH/USDT']);
    const market = ann.market('BTC/USDT');
    assert.equal(market.spot, true);
    assert.equal(market.precision.price, 0.01);
    assert.equal(market.precision.amount, 0.00001);
    assert.equal(market.limits.cost.min, 5);
});

test('currencies and trading fees load with a key', async () => {
    const currencies = await ann.fetchCurrencies();
    assert.ok(currencies.BTC && currencies.ETH && currencies.USDT);
    const fees = await ann.fetchTradingFees();
    assert.equal(fees['BTC/USDT'].maker, 0.001);
});

test('each demo account starts with 1,000 BTC, 10,000 ETH and 100,000,000 USDT', async () => {
    for (const client of [ann, bob]) {
        const balance = await client.fetchBalance();
        assert.equal(balance.BTC.free, 1000);
        assert.equal(balance.ETH.free, 10000);
        assert.equal(balance.USDT.free, 100000000);
    }
});

test('a resting order shows in the book and among open orders, and can be canceled', async () => {
    const order = await ann.createOrder('BTC/USDT', 'limit', 'buy', 0.5, 40000.01);
    assert.equal(order.status, 'open');
    const book = await bob.fetchOrderBook('BTC/USDT');
    assert.deepEqual(book.bids[0], [40000.01, 0.5]);
    assert.equal((await ann.fetchOpenOrders('BTC/USDT')).length, 1);
    assert.equal((await ann.fetchBalance()).USDT.used, 20000.005);
    const canceled = await ann.cancelOrder(order.id, 'BTC/USDT');
    assert.equal(canceled.status, 'canceled');
    assert.equal((await ann.fetchOpenOrders('BTC/USDT')).length, 0);
    assert.equal((await ann.fetchBalance()).USDT.used, 0);
    assert.equal((await ann.fetchOrder(order.id, 'BTC/USDT')).status, 'canceled');
});

test('two accounts match at the maker\'s price and money is conserved to the last unit', async () => {
    const annBefore = await balancesOf(annAccount), bobBefore = await balancesOf(bobAccount);
    const maker = await ann.createOrder('BTC/USDT', 'limit', 'sell', 0.12345, 50000.01);
    const taker = await bob.createOrder('BTC/USDT', 'limit', 'buy', 0.12345, 50100);
    assert.equal(taker.status, 'closed');
    assert.equal(taker.average, 50000.01);

    const base = units('0.12345');
    const quote = base * 5000001n / 100n;
    const annAfter = await balancesOf(annAccount), bobAfter = await balancesOf(bobAccount);
    assert.equal(annAfter.BTC, annBefore.BTC - base);
    assert.equal(annAfter.USDT, annBefore.USDT + quote - fee(quote));
    assert.equal(bobAfter.BTC, bobBefore.BTC + base - fee(base));
    assert.equal(bobAfter.USDT, bobBefore.USDT - quote);

    const trades = await bob.fetchMyTrades('BTC/USDT');
    assert.equal(trades.at(-1).order, taker.id);
    assert.equal(units(trades.at(-1).info.commission), fee(base));
    assert.equal(trades.at(-1).info.commissionAsset, 'BTC');
    const closed = await ann.fetchOrder(maker.id, 'BTC/USDT');
    assert.equal(closed.status, 'closed');
    assert.equal(closed.filled, 0.12345);
});

test('an order is in history the moment it is acknowledged', async () => {
    for (let i = 0; i < 25; i++) {
        const sell = await ann.createOrder('ETH/USDT', 'limit', 'sell', 1, 3000 + i);
        const buy = await bob.createOrder('ETH/USDT', 'market', 'buy', 1);
        const [orders, trades, annOrders] = await Promise.all([
            bob.fetchOrders('ETH/USDT'), bob.fetchMyTrades('ETH/USDT'), ann.fetchOrders('ETH/USDT'),
        ]);
        assert.equal(orders.filter((o) => o.id === buy.id).length, 1, `order ${i} once`);
        assert.equal(trades.filter((t) => t.order === buy.id).length, 1, `fill ${i} once`);
        assert.equal(annOrders.filter((o) => o.id === sell.id).length, 1, `maker ${i} once`);
        assert.equal(trades.length, i + 1);
    }
});

test('history stays whole once PostgreSQL has everything', async () => {
    const { certifiedHeight } = await exchange.certified();
    await until('PostgreSQL to have the chain', async () => {
        const text = await (await fetch(`${exchange.http}/metrics`)).text();
        return Number(text.match(/^quorex_projected_height (\d+)/m)[1]) >= certifiedHeight;
    });
    assert.equal((await bob.fetchMyTrades('ETH/USDT')).length, 25);
    assert.equal((await bob.fetchOrders('ETH/USDT')).length, 25);
    const candles = await bob.fetchOHLCV('ETH/USDT', '1d');
    assert.equal(candles.at(-1)[1], 3000);
    assert.equal(candles.at(-1)[4], 3024);
    assert.equal(candles.at(-1)[5], 25);
});

test('public trades, tickers and candles agree with what was traded', async () => {
    const trades = await ann.fetchTrades('ETH/USDT');
    assert.equal(trades.length, 25);
    assert.equal(trades.at(-1).price, 3024);
    const ticker = await ann.fetchTicker('ETH/USDT');
    assert.equal(ticker.last, 3024);
    assert.equal(ticker.open, 3000);
    assert.equal(ticker.baseVolume, 25);
    assert.ok((await ann.fetchTickers())['BTC/USDT']);
    assert.equal((await ann.fetchLastPrices())['ETH/USDT'].price, 3024);
    assert.ok((await ann.fetchBidsAsks(['ETH/USDT']))['ETH/USDT']);
});

test('market orders by cost, IOC, FOK and post-only behave', async () => {
    await ann.createOrder('ETH/BTC', 'limit', 'sell', 2, 0.05);
    const byCost = await bob.createOrder('ETH/BTC', 'market', 'buy', undefined, undefined,
                                         { cost: 0.05 });
    assert.equal(byCost.filled, 1);
    const ioc = await bob.createOrder('ETH/BTC', 'limit', 'buy', 3, 0.05, { timeInForce: 'IOC' });
    assert.equal(ioc.filled, 1);
    assert.equal(ioc.status, 'expired');
    const fok = await bob.createOrder('ETH/BTC', 'limit', 'buy', 3, 0.05, { timeInForce: 'FOK' });
    assert.equal(fok.filled, 0);
    assert.equal(fok.status, 'expired');
    const rest = await ann.createOrder('ETH/BTC', 'limit', 'sell', 1, 0.06);
    await assert.rejects(bob.createOrder('ETH/BTC', 'limit', 'buy', 1, 0.06, { postOnly: true }),
                         { name: 'OrderImmediatelyFillable' });
    const all = await ann.cancelAllOrders('ETH/BTC');
    assert.equal(all[0].id, rest.id);
});

test('refusals reach the client as the classes it knows', async () => {
    await assert.rejects(ann.createOrder('BTC/USDT', 'limit', 'buy', 9000, 99999),
                         { name: 'InsufficientFunds' });
    await assert.rejects(ann.cancelOrder('987654321', 'BTC/USDT'), { name: 'OrderNotFound' });
    await assert.rejects(ann.createOrder('BTC/USDT', 'limit', 'buy', 0.00001, 1),
                         { name: 'BadRequest' });
    const stranger = ccxtRest(exchange, { apiKey: 'f'.repeat(64), secretKey: 'nothing' });
    stranger.markets = ann.markets;
    await assert.rejects(stranger.privateGetAccount(), { name: 'AuthenticationError' });
});

test('an Ed25519 key trades too', async () => {
    const client = ccxtEd25519(exchange, annAccount);
    const order = await client.createOrder('BTC/USDT', 'limit', 'buy', 0.001, 30000);
    assert.equal(order.status, 'open');
    assert.equal((await client.cancelOrder(order.id, 'BTC/USDT')).status, 'canceled');
});

test('pro watches trades, the book and candles, in step with REST', async () => {
    const pro = await ccxtPro(exchange);
    try {
        await pro.loadMarkets();
        const book = pro.watchOrderBook('BTC/USDT');
        const trades = pro.watchTrades('BTC/USDT');
        const candles = pro.watchOHLCV('BTC/USDT', '1m');
        const ticker = pro.watchTicker('BTC/USDT');
        let sold = 0;
        const selling = setInterval(async () => {
            sold++;
            await ann.createOrder('BTC/USDT', 'limit', 'sell', 0.001, 51000);
            await bob.createOrder('BTC/USDT', 'limit', 'buy', 0.001, 51000);
            await ann.createOrder('BTC/USDT', 'limit', 'buy', 0.002, 20000 + sold);
        }, 150);
        try {
            assert.equal((await trades)[0].price, 51000);
            assert.ok((await candles).length > 0);
            assert.equal((await ticker).symbol, 'BTC/USDT');
            await book;
            // ccxt checks the update ids itself and throws a ChecksumError at the first gap.
            await until('the streamed book to show a late bid', async () => {
                const seen = await pro.watchOrderBook('BTC/USDT');
                return seen.bids.length > 5;
            });
        } finally {
            clearInterval(selling);
        }
        await until('the last order to arrive', async () => {
            const rest = await ann.fetchOrderBook('BTC/USDT');
            const seen = pro.orderbooks['BTC/USDT'];
            return JSON.stringify(seen.bids.slice(0, 5)) === JSON.stringify(rest.bids.slice(0, 5));
        });
    } finally {
        await pro.close();
    }
    await ann.cancelAllOrders('BTC/USDT');
});

test('nothing was made or lost: users and fees still sum to what was credited', async () => {
    await exchange.certified();
    const output = await exchange.verify();
    assert.match(output, /^right: .* all certified/);
    const annNow = await balancesOf(annAccount), bobNow = await balancesOf(bobAccount);
    for (const [asset, credited] of [['BTC', '2000'], ['ETH', '20000'], ['USDT', '200000000']]) {
        assert.ok(annNow[asset] + bobNow[asset] <= units(credited));
    }
});
