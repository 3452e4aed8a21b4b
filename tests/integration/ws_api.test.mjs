// The WebSocket API at /ws-api/v3: over a bare socket, with both kinds of keys, and by ccxt.

import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { ccxtPro } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';
import { metric } from './trading.mjs';

const SYMBOL = 'BTCUSDT';
const LIMIT = { symbol: SYMBOL, type: 'LIMIT', timeInForce: 'GTC' };

let exchange, ann, bob;

// One connection: `ask` gives the whole answer to a method.
class Caller {
    static async open(query = '') {
        const caller = new Caller();
        caller.socket = new WebSocket(`${exchange.ws}/ws-api/v3${query}`);
        caller.waiting = new Map();
        caller.id = 0;
        caller.socket.on('message', (text) => {
            const answer = JSON.parse(text);
            caller.waiting.get(answer.id)(answer);
            caller.waiting.delete(answer.id);
        });
        await new Promise((resolve, reject) => {
            caller.socket.on('open', resolve);
            caller.socket.on('error', reject);
        });
        return caller;
    }

    ask(method, params) {
        const id = ++this.id;
        const answer = new Promise((resolve) => this.waiting.set(id, resolve));
        this.socket.send(JSON.stringify({ id, method, params }));
        return answer;
    }

    askSigned(account, kind, method, params = {}) {
        const all = { ...params, apiKey: account.apiKey, timestamp: Date.now() };
        const text = Object.keys(all).sort().map((name) => `${name}=${all[name]}`).join('&');
        const signature = kind === 'HMAC'
            ? createHmac('sha256', account.secretKey).update(text).digest('hex')
            : sign(null, Buffer.from(text), createPrivateKey(account.privateKey)).toString('base64');
        return this.ask(method, { ...all, signature });
    }

    close() {
        this.socket.close();
    }
}

before(async () => {
    exchange = await Exchange.start(18395);
    [ann, bob] = exchange.accounts;
});

after(() => exchange?.stop());

test('public methods answer what REST answers', async () => {
    const caller = await Caller.open();
    const pairs = [
        ['exchangeInfo', { symbol: SYMBOL }, 'exchangeInfo'],
        ['depth', { symbol: SYMBOL, limit: 5 }, 'depth'],
        ['trades.recent', { symbol: SYMBOL }, 'trades'],
        ['trades.aggregate', { symbol: SYMBOL }, 'aggTrades'],
        ['klines', { symbol: SYMBOL, interval: '1m' }, 'klines'],
        ['avgPrice', { symbol: SYMBOL }, 'avgPrice'],
        ['ticker.price', { symbols: ['BTCUSDT', 'ETHBTC'] }, 'ticker/price'],
        ['ticker.book', {}, 'ticker/bookTicker'],
    ];
    for (const [method, params, path] of pairs) {
        const query = new URLSearchParams(Object.entries(params).map(
            ([name, value]) => [name, Array.isArray(value) ? JSON.stringify(value) : value]));
        const rest = await (await fetch(`${exchange.http}/api/v3/${path}?${query}`)).json();
        const { status, result } = await caller.ask(method, params);
        assert.equal(status, 200, method);
        delete rest.serverTime;
        delete result.serverTime;
        delete rest.closeTime;
        delete result.closeTime;
        assert.deepEqual(result, rest, method);
    }
    assert.ok(Math.abs((await caller.ask('time')).result.serverTime - Date.now()) < 5000);
    caller.close();
});

for (const kind of ['HMAC', 'Ed25519']) {
    test(`an account trades by ${kind} signatures`, async () => {
        const caller = await Caller.open();
        const ask = (method, params) => caller.askSigned(ann, kind, method, params);
        const placed = await ask('order.place', { ...LIMIT, side: 'BUY', price: '40000.00', quantity: 0.001 });
        assert.equal(placed.status, 200, JSON.stringify(placed));
        assert.equal(placed.result.status, 'NEW');
        assert.deepEqual(placed.rateLimits.map((limit) => [limit.rateLimitType, limit.interval]),
                         [['ORDERS', 'SECOND'], ['ORDERS', 'DAY'], ['REQUEST_WEIGHT', 'MINUTE']]);
        const { orderId } = placed.result;
        assert.deepEqual((await ask('order.test', { ...LIMIT, side: 'BUY', price: '40000.00', quantity: '1' })).result, {});
        const found = await ask('order.status', { symbol: SYMBOL, orderId });
        assert.equal(found.result.price, '40000.00000000');
        const open = await ask('openOrders.status', { symbol: SYMBOL });
        assert.deepEqual(open.result.map((order) => order.orderId), [orderId]);

        const amended = await ask('order.amend.keepPriority', { symbol: SYMBOL, orderId, newQty: '0.0005' });
        assert.equal(amended.result.amendedOrder.qty, '0.00050000');
        const replaced = await ask('order.cancelReplace', {
            ...LIMIT, side: 'BUY', price: '41000.00', quantity: '0.001', cancelReplaceMode: 'STOP_ON_FAILURE',
            cancelOrderId: orderId });
        assert.equal(replaced.result.cancelResult, 'SUCCESS');
        const half = await ask('order.cancelReplace', {
            ...LIMIT, side: 'BUY', price: '41000.00', quantity: '0.001', cancelReplaceMode: 'ALLOW_FAILURE',
            cancelOrderId: orderId });
        assert.equal(half.status, 409);
        assert.equal(half.error.code, -2021);
        assert.equal(half.error.data.cancelResult, 'FAILURE');
        const canceled = await ask('openOrders.cancelAll', { symbol: SYMBOL });
        assert.equal(canceled.result.length, 2);
        const none = await ask('order.cancel', { symbol: SYMBOL, orderId });
        assert.deepEqual([none.status, none.error], [400, { code: -2011, msg: 'Unknown order sent.' }]);

        const list = await ask('orderList.place.oco', {
            symbol: SYMBOL, side: 'SELL', quantity: '0.001', aboveType: 'LIMIT_MAKER', abovePrice: '70000',
            belowType: 'STOP_LOSS', belowStopPrice: '10000' });
        assert.equal(list.result.contingencyType, 'OCO', JSON.stringify(list));
        const { orderListId } = list.result;
        assert.equal((await ask('orderList.status', { orderListId })).result.listOrderStatus, 'EXECUTING');
        assert.equal((await ask('orderList.cancel', { symbol: SYMBOL, orderListId })).result.listOrderStatus, 'ALL_DONE');
        const { result: state } = await ask('account.status', {});
        assert.equal(state.accountType, 'SPOT');
        caller.close();
    });
}

test('answers come as they are ready, each by its id', async () => {
    const caller = await Caller.open('?returnRateLimits=false');
    const orders = Array.from({ length: 50 }, (_, index) => caller.askSigned(bob, 'HMAC', 'order.place', {
        ...LIMIT, side: 'SELL', price: `${60000 + index}.00`, quantity: '0.001' }));
    const answers = await Promise.all(orders);
    assert.deepEqual(answers.map(({ status }) => status), Array(50).fill(200));
    assert.deepEqual(answers.map(({ result }) => Number(result.price) - 60000), Array.from({ length: 50 }, (_, i) => i));
    assert.equal(answers[0].rateLimits, undefined);
    const { result } = await caller.askSigned(bob, 'HMAC', 'openOrders.cancelAll', { symbol: SYMBOL });
    assert.equal(result.length, 50);
    caller.close();
});

// The server stops to read when answers wait, and goes on when they are taken: nobody has to count.
test('ten thousand requests that are sent before anything is read are all answered, in order', async () => {
    const caller = await Caller.open('?returnRateLimits=false');
    const heard = [];
    caller.socket.removeAllListeners('message');
    caller.socket.on('message', (text) => heard.push(JSON.parse(text)));
    caller.socket.pause();
    for (let id = 0; id < 10000; id++)
        caller.socket.send(JSON.stringify({ id, method: 'ticker.24hr', params: { symbol: SYMBOL } }));
    await until('the server to read no more', async () => await metric(exchange.http, 'ws_paused_total') > 0);
    caller.socket.resume();
    await until('ten thousand answers', () => heard.length === 10000, 60);
    assert.deepEqual(heard.map(({ id, status }) => [id, status]), Array.from({ length: 10000 }, (_, id) => [id, 200]));
    assert.equal(await metric(exchange.http, 'ws_slow_closed_total'), 0);
    caller.close();
});

test('a wrong signature and an old time are refused', async () => {
    const caller = await Caller.open();
    const wrong = await caller.askSigned({ ...ann, secretKey: bob.secretKey }, 'HMAC', 'account.status');
    assert.deepEqual([wrong.status, wrong.error.code], [400, -1022]);
    const other = await caller.askSigned({ ...ann, privateKey: bob.privateKey }, 'Ed25519', 'order.place', {
        ...LIMIT, side: 'BUY', price: '40000.00', quantity: '0.001' });
    assert.deepEqual([other.status, other.error.code], [400, -1022]);
    const old = await caller.askSigned(ann, 'HMAC', 'account.status', { recvWindow: 60001 });
    assert.deepEqual([old.status, old.error.code], [400, -1131]);
    caller.close();
});

test('ccxt trades through it', async () => {
    const client = await ccxtPro(exchange, ann);
    const other = await ccxtPro(exchange, bob);
    try {
        await client.loadMarkets();
        await other.loadMarkets();
        const order = await client.createOrderWs('BTC/USDT', 'limit', 'buy', 0.002, 45000);
        assert.equal(order.status, 'open');
        assert.equal((await client.fetchOrderWs(order.id, 'BTC/USDT')).price, 45000);
        assert.deepEqual((await client.fetchOpenOrdersWs('BTC/USDT')).map(({ id }) => id), [order.id]);
        await other.createOrderWs('BTC/USDT', 'limit', 'sell', 0.001, 45000);
        const fills = await until('the fill', async () => {
            const found = await client.fetchMyTradesWs('BTC/USDT');
            return found.length > 0 && found;
        });
        assert.deepEqual([fills.at(-1).price, fills.at(-1).amount], [45000, 0.001]);
        const edited = await client.editOrderWs(order.id, 'BTC/USDT', 'limit', 'buy', 0.003, 44000);
        await client.cancelOrderWs(edited.id, 'BTC/USDT');
        assert.deepEqual(await client.fetchOpenOrdersWs('BTC/USDT'), []);
    } finally {
        await client.close();
        await other.close();
    }
});
