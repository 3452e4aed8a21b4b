// What a client meets beside orders: tickers of any window, the wallet's lists, and the limits, which are on here.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';
import { metric } from './trading.mjs';

let exchange, ann, bob;

before(async () => {
    exchange = await Exchange.start(18307, ['--quiet']);
    [ann, bob] = exchange.accounts;
});

after(() => exchange?.stop());

async function ask(path, account = null) {
    const response = await fetch(exchange.http + path,
                                 { headers: account ? { 'X-MBX-APIKEY': account.apiKey } : {} });
    return { status: response.status, body: await response.json(), headers: response.headers };
}

const order = { symbol: 'BTCUSDT', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.01',
                price: '60000.00' };

async function place(account, changes) {
    return signedRequest(exchange, account, 'POST', '/api/v3/order', { ...order, ...changes });
}

const used = (answer) => Number(answer.headers.get('x-mbx-used-weight-1m'));

test('what is placed weighs nothing and counts until it fills', async () => {
    const before = await ask('/api/v3/ping');
    const sold = await place(ann, { side: 'SELL' });
    assert.equal(sold.status, 200);
    assert.ok(Number(sold.headers.get('x-mbx-order-count-1d')) >= 1);
    assert.ok(used(await ask('/api/v3/ping')) <= used(before) + 1);
    const bought = await place(bob, { side: 'BUY', quantity: '0.004' });
    assert.equal(bought.body.status, 'FILLED');
    assert.equal(bought.headers.get('x-mbx-order-count-1d'), '0');
    const { body } = await signedRequest(exchange, ann, 'GET', '/api/v3/rateLimit/order');
    assert.deepEqual(body.map((limit) => [limit.rateLimitType, limit.interval, limit.intervalNum]),
                     [['ORDERS', 'SECOND', 10], ['ORDERS', 'DAY', 1]]);
    assert.equal(body[1].count, 0);
});

test('a ticker tells of its window', async () => {
    for (const path of ['ticker?symbol=BTCUSDT', 'ticker?symbol=BTCUSDT&windowSize=1h',
                        'ticker?symbol=BTCUSDT&windowSize=7d', 'ticker/24hr?symbol=BTCUSDT']) {
        const { status, body } = await ask(`/api/v3/${path}`);
        assert.equal(status, 200, path);
        assert.equal(body.lastPrice, '60000.00000000');
        assert.equal(body.volume, '0.00400000');
        assert.equal(body.count, 1);
        assert.ok(body.closeTime > body.openTime);
    }
    const { body } = await ask('/api/v3/ticker/tradingDay?symbols=["BTCUSDT","ETHUSDT"]&type=MINI');
    assert.equal(body.length, 2);
    assert.equal(body[0].openTime % 86400000, 0);
    assert.equal((await ask('/api/v3/ticker?symbol=BTCUSDT&windowSize=8d')).body.code, -1130);
    const mismatch = await ask('/api/v3/depth?symbol=BTCUSDT&symbolStatus=HALT');
    assert.deepEqual([mismatch.status, mismatch.body.code], [400, -1220]);
    assert.equal((await ask('/api/v3/referencePrice?symbol=BTCUSDT')).body.code, -2043);
    assert.equal((await ask('/api/v3/executionRules?symbol=BTCUSDT')).body.symbolRules[0].symbol,
                 'BTCUSDT');
});

test('the wallet has its lists', async () => {
    for (const path of ['capital/deposit/hisrec', 'capital/withdraw/history']) {
        const { status, body } = await signedRequest(exchange, ann, 'GET', `/sapi/v1/${path}`);
        assert.equal(status, 200);
        assert.deepEqual(body, []);
    }
    const state = await signedRequest(exchange, ann, 'GET', '/sapi/v1/account/status');
    assert.deepEqual(state.body, { data: 'Normal' });
    const snapshot = await signedRequest(exchange, ann, 'GET', '/sapi/v1/accountSnapshot',
                                         { type: 'SPOT' });
    assert.equal(snapshot.body.code, 200);
    const assets = await signedRequest(exchange, ann, 'POST', '/sapi/v3/asset/getUserAsset');
    assert.ok(assets.body.some((one) => one.asset === 'BTC'));
});

test('a refusal says what to do about it', async () => {
    const late = await ask('/api/v3/account?timestamp=1600000000000&signature=00', ann);
    assert.equal(late.body.code, -1021);
    assert.ok(Math.abs(late.body.serverTime - Date.now()) < 10000);
    const rsa = await ask(`/api/v3/account?timestamp=${late.body.serverTime}&signature=${'A'.repeat(344)}`,
                          ann);
    assert.equal(rsa.body.code, -1022);
    assert.match(rsa.body.msg, /^RSA keys are not taken/);
});

async function projected() {
    const { body: { height } } = await ask('/quorex/v1/status');
    await until('PostgreSQL to have it', async () => (await ask('/quorex/v1/status')).body.projectedHeight > height);
}

test('a parameter that nobody reads is refused, and places nothing', async () => {
    const unread = (read, sent) => ({ code: -1104, msg: `Not all sent parameters were read; read '${read}' parameter(s) but was sent '${sent}'.` });
    for (const [path, read, sent] of [['/api/v3/time?a=1', 0, 1], ['/api/v3/depth?symbol=BTCUSDT&limit=5&depth=5', 2, 3],
                                      ['/quorex/v1/status?symbol=BTCUSDT', 0, 1]]) {
        const { status, body } = await ask(path);
        assert.deepEqual([status, body], [400, unread(read, sent)], path);
    }
    assert.equal((await ask('/api/v3/time?timestamp=1&recvWindow=5000&signature=0')).status, 200);
    assert.equal((await ask('/sapi/v1/system/status?a=1')).status, 200);
    const refused = await place(ann, { side: 'BUY', price: '20000.00', newClientOrderId: 'unread', timeinforce: 'IOC' });
    assert.deepEqual([refused.status, refused.body], [400, unread(9, 10)]);
    const sought = await signedRequest(exchange, ann, 'GET', '/api/v3/order', { symbol: 'BTCUSDT', origClientOrderId: 'unread' });
    assert.equal(sought.body.code, -2013);
});

test('refusals of the API that few meet', async () => {
    const refused = async (path, code, msg) => {
        const { body } = await ask(path);
        assert.deepEqual(body, { code, msg }, path);
    };
    await refused('/api/v3/ticker/24hr?type=SMALL', -1139, 'Invalid ticker type.');
    await refused('/api/v3/ticker/price?symbols=["BTCUSDT","BTCUSDT"]', -1151, 'Symbol is present multiple times in the list.');
    const { body: { orderId } } = await place(ann, { side: 'BUY', price: '20000.00', quantity: '0.001', newClientOrderId: 'mine' });
    const other = await signedRequest(exchange, ann, 'GET', '/api/v3/order', { symbol: 'BTCUSDT', orderId, origClientOrderId: 'other' });
    assert.deepEqual(other.body, { code: -2039, msg: 'Client order ID is not correct for this order ID.' });
    await signedRequest(exchange, ann, 'DELETE', '/api/v3/order', { symbol: 'BTCUSDT', orderId });
});

// From memory and from PostgreSQL the same; named by its id alone, which says nothing of what it was called.
test('an order tells how it was amended', async () => {
    const asks = async (changes) => {
        const { status, body } = await signedRequest(exchange, ann, 'GET', '/api/v3/order/amendments', { symbol: 'BTCUSDT', ...changes });
        assert.equal(status, 200, JSON.stringify(body));
        return body;
    };
    const { body: { orderId } } = await place(ann, { side: 'BUY', price: '20000.00', quantity: '0.005', newClientOrderId: 'first' });
    const amend = async (newQty, newClientOrderId) => {
        const { status, body } = await signedRequest(exchange, ann, 'PUT', '/api/v3/order/amend/keepPriority',
                                                     { symbol: 'BTCUSDT', orderId, newQty, newClientOrderId });
        assert.equal(status, 200, JSON.stringify(body));
        return body;
    };
    const second = await amend('0.004', 'second'), third = await amend('0.003', 'third');
    const expected = [
        { symbol: 'BTCUSDT', orderId, executionId: second.executionId, origClientOrderId: 'first', newClientOrderId: 'second',
          origQty: '0.00500000', newQty: '0.00400000', time: second.transactTime },
        { symbol: 'BTCUSDT', orderId, executionId: third.executionId, origClientOrderId: 'second', newClientOrderId: 'third',
          origQty: '0.00400000', newQty: '0.00300000', time: third.transactTime },
    ];
    assert.deepEqual(await asks({ orderId }), expected);
    await projected();
    assert.deepEqual(await asks({ orderId }), expected);
    assert.deepEqual(await asks({ orderId, limit: 1 }), expected.slice(0, 1));
    assert.deepEqual(await asks({ orderId, fromExecutionId: third.executionId }), expected.slice(1));
    assert.deepEqual(await asks({ orderId: orderId + 1 }), []);
    await signedRequest(exchange, ann, 'DELETE', '/api/v3/order', { symbol: 'BTCUSDT', orderId });
});

// A hundred in ten seconds by the log's clock; windows may turn while they are placed.
test('more orders than may be are refused', async () => {
    let refused;
    for (let i = 0; i < 1000 && !refused; i++) {
        const answer = await place(ann, { side: 'BUY', price: '20000.00', quantity: '0.001' });
        if (answer.status !== 200) refused = answer;
        else await signedRequest(exchange, ann, 'DELETE', '/api/v3/openOrders', { symbol: 'BTCUSDT' });
    }
    assert.equal(refused.status, 429);
    assert.equal(refused.body.code, -1015);
    assert.equal(refused.body.msg, 'Too many new orders; current limit is 100 orders per 10 SECOND.');
    assert.equal(await metric(exchange.http, 'orders_refused_total'), 1);
    const wait = Number(refused.headers.get('retry-after'));
    assert.ok(wait >= 1 && wait <= 10);
    await until('the next ten seconds', async () =>
        (await place(ann, { side: 'BUY', price: '20000.00', quantity: '0.001' })).status === 200,
        30, 500);
});

// The last: until the next minute the address is refused. Who goes on is banned: client_limits.test.mjs.
test('who asks too much is refused, and told for how long', async () => {
    const limits = await signedRequest(exchange, ann, 'GET', '/quorex/v1/limits');
    assert.equal(limits.body.enforced, true);
    const [weight] = limits.body.rateLimits;
    assert.equal(weight.count + weight.remaining, 6000);
    assert.equal(weight.reset % 60000, 0);

    let last;
    for (let i = 0; i < 3000 && last?.status !== 429; i++) {
        last = await ask('/api/v3/exchangeInfo?symbol=BTCUSDT');
        assert.ok([200, 429].includes(last.status), JSON.stringify(last.body));
    }
    assert.equal(last.status, 429);
    assert.equal(last.body.code, -1003);
    const wait = Number(last.headers.get('retry-after'));
    assert.ok(wait >= 1 && wait <= 60);
});
