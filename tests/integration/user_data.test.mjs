// User data over /ws-api/v3: an order's life as it is told, and balances kept from it, across connections and nodes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { Exchange, units, until } from './exchange.mjs';
import { Streams } from './streams.mjs';
import { cost, fee, purse } from './trading.mjs';
import { isBefore, Watcher } from './watcher.mjs';

const SYMBOL = 'BTCUSDT';

let exchange, ann, bob;

async function ask(account, method, path, params = {}) {
    const { status, body } = await signedRequest(exchange, account, method, path, params);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
}

function limit(account, side, quantity, price, more = {}) {
    return ask(account, 'POST', '/api/v3/order', {
        symbol: SYMBOL, side, type: 'LIMIT', timeInForce: 'GTC', quantity, price, ...more });
}

// A purse that is kept from what was told since it was read.
function kept(before, events) {
    const now = structuredClone(before);
    for (const { B } of events.filter(({ e }) => e === 'outboundAccountPosition'))
        for (const { a, f, l } of B) now[a] = { free: units(f), locked: units(l) };
    return now;
}

before(async () => {
    exchange = await Exchange.start(18397);
    [ann, bob] = exchange.accounts;
});

after(() => exchange?.stop());

test('an order is told from its acceptance to its end, to both sides', async () => {
    const [hers, his] = [await Watcher.open(exchange.ws, ann), await Watcher.open(exchange.ws, bob, 'Ed25519')];
    const maker = await limit(ann, 'SELL', '0.02', '50000', { newClientOrderId: 'hers', strategyId: 7,
                                                               strategyType: 1000001 });
    const first = await limit(bob, 'BUY', '0.01', '50000');
    const second = await limit(bob, 'BUY', '0.015', '50000');
    await ask(bob, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId: second.orderId,
                                                newClientOrderId: 'the-cancel' });
    await until('the end of all orders', () => his.kinds().at(-1) === 'CANCELED CANCELED');

    assert.deepEqual(hers.kinds(), ['NEW NEW', 'TRADE PARTIALLY_FILLED', 'TRADE FILLED']);
    assert.deepEqual(his.kinds(), ['NEW NEW', 'TRADE FILLED', 'NEW NEW', 'TRADE PARTIALLY_FILLED',
                                   'CANCELED CANCELED']);
    const [placed, partly, filled] = hers.reports();
    assert.deepEqual([placed.i, placed.c, placed.C, placed.q, placed.p, placed.j, placed.J, placed.w, placed.t, placed.N],
                     [maker.orderId, 'hers', '', '0.02000000', '50000.00000000', 7, 1000001, true, -1, null]);
    assert.deepEqual([placed.T, placed.W, placed.O], Array(3).fill(maker.transactTime));
    assert.deepEqual([partly.l, partly.z, partly.L, partly.Y, partly.Z, partly.m, partly.N, partly.w],
                     ['0.01000000', '0.01000000', '50000.00000000', '500.00000000', '500.00000000', true, 'USDT', true]);
    assert.equal(units(partly.n), fee(cost(units('0.01'), '50000')));
    assert.deepEqual([filled.z, filled.Z, filled.w], ['0.02000000', '1000.00000000', false]);
    const took = his.reports()[1];
    assert.deepEqual([took.i, took.t, took.m, took.N, units(took.n)],
                     [first.orderId, partly.t, false, 'BTC', fee(units('0.01'))]);
    const canceled = his.reports().at(-1);
    assert.deepEqual([canceled.c, canceled.i, canceled.z], ['the-cancel', second.orderId, '0.01000000']);
    assert.equal(canceled.C, second.clientOrderId);
    await Promise.all([hers.close(), his.close()]);
});

test('stops, lists, amends and expiries are told', async () => {
    const watcher = await Watcher.open(exchange.ws, ann);
    const oco = await ask(ann, 'POST', '/api/v3/orderList/oco', {
        symbol: SYMBOL, side: 'SELL', quantity: '0.01', aboveType: 'LIMIT_MAKER', abovePrice: '60000',
        belowType: 'STOP_LOSS_LIMIT', belowStopPrice: '40000', belowPrice: '39000', belowTimeInForce: 'GTC' });
    await ask(ann, 'DELETE', '/api/v3/orderList', { symbol: SYMBOL, orderListId: oco.orderListId });
    await until('the end of the list', () =>
        watcher.events.find(({ e, l }) => e === 'listStatus' && l === 'ALL_DONE'));
    const lists = watcher.events.filter(({ e }) => e === 'listStatus');
    assert.deepEqual(lists.map(({ g, c, l, L }) => [g, c, l, L]),
                     [[oco.orderListId, 'OCO', 'EXEC_STARTED', 'EXECUTING'],
                      [oco.orderListId, 'OCO', 'ALL_DONE', 'ALL_DONE']]);
    for (const list of lists)
        assert.deepEqual(list.O.map(({ i, c }) => [i, c]),
                         oco.orders.map(({ orderId, clientOrderId }) => [orderId, clientOrderId]));
    assert.deepEqual(watcher.kinds(), ['NEW NEW', 'NEW NEW', 'CANCELED CANCELED', 'CANCELED CANCELED']);
    assert.deepEqual(watcher.reports().slice(0, 2).map(({ P }) => P).sort(), ['0.00000000', '40000.00000000']);

    watcher.events.length = 0;
    const order = await limit(ann, 'SELL', '0.02', '55000', { newClientOrderId: 'before' });
    await ask(ann, 'PUT', '/api/v3/order/amend/keepPriority', {
        symbol: SYMBOL, orderId: order.orderId, newQty: '0.01', newClientOrderId: 'behind' });
    await ask(ann, 'POST', '/api/v3/order/cancelReplace', {
        symbol: SYMBOL, side: 'SELL', type: 'LIMIT', timeInForce: 'IOC', quantity: '0.01', price: '56000',
        cancelReplaceMode: 'STOP_ON_FAILURE', cancelOrderId: order.orderId });
    await until('the expiry', () => watcher.kinds().includes('EXPIRED EXPIRED'));
    assert.deepEqual(watcher.kinds(), ['NEW NEW', 'REPLACED NEW', 'CANCELED CANCELED', 'NEW NEW', 'EXPIRED EXPIRED']);
    const [, amended, , , expired] = watcher.reports();
    assert.deepEqual([amended.c, amended.C, amended.q], ['behind', 'before', '0.01000000']);
    assert.equal(expired.eR, 'UNFILLED_IOC_QUANTITY_EXPIRED');
    await watcher.close();
});

// Orders that cross or rest by a seeded draw: what one is told is all that has moved his purse.
test('a purse kept from what is told is the purse, whatever happens to the connection', async () => {
    let seed = 20260101;
    const draw = (below) => {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        return Math.floor((seed / 2147483648) * below);
    };
    let watcher = await Watcher.open(exchange.ws, ann);
    const start = await purse(exchange, ann), told = [];
    let last = null, resumed = 0;
    for (let round = 0; round < 150; round++) {
        const [account, other] = draw(2) === 0 ? [ann, bob] : [bob, ann];
        const side = draw(2) === 0 ? 'BUY' : 'SELL';
        await limit(account, side, `0.00${1 + draw(9)}`, String(49990 + draw(20)));
        if (draw(4) === 0) await signedRequest(exchange, other, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
        if (draw(10) > 0 || watcher.events.length === 0) continue;
        // He goes without a word, and things happen while he is away.
        told.push(...watcher.events);
        last = told.at(-1).sequence;
        watcher.socket.terminate();
        await limit(ann, 'BUY', '0.003', '49980');
        await limit(bob, 'SELL', '0.001', '49980');
        watcher = await Watcher.open(exchange.ws, ann, 'HMAC', last);
        assert.equal(watcher.refusal, undefined);
        resumed++;
    }
    for (const account of [ann, bob])
        await signedRequest(exchange, account, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
    assert.ok(resumed > 5);
    const end = await purse(exchange, ann);
    await until('the purse as it was told', () => {
        assert.deepEqual(kept(start, [...told, ...watcher.events]), end);
        return true;
    });
    const numbers = [...told, ...watcher.events].map(({ sequence }) => sequence);
    assert.equal(new Set(numbers).size, numbers.length, 'nothing is told twice');
    for (let at = 1; at < numbers.length; at++) assert.ok(isBefore(numbers[at - 1], numbers[at]));
    await watcher.close();
});

test('however much was missed is told, and what is no number is refused', async () => {
    const wrong = await Watcher.open(exchange.ws, ann, 'HMAC', '1-x');
    assert.equal(wrong.refusal.code, -1102);
    const before = await Watcher.open(exchange.ws, bob);
    const start = before.sequence;
    for (let round = 0; round < 260; round++) {
        const { orderId } = await limit(bob, 'SELL', '0.001', '59000');
        await ask(bob, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
    }
    // Each order is two events, and each cancel: more than a page of them, and more than 128 KiB.
    await until('all of it', () => before.events.length === 4 * 260);
    const late = await Watcher.open(exchange.ws, bob, 'HMAC', start);
    assert.equal(late.refusal, undefined);
    await until('all of it again', () => late.events.length === before.events.length);
    assert.deepEqual(late.events, before.events);
    await Promise.all([wrong.close(), before.close(), late.close()]);
});

test('who has heard nothing goes on from where his subscription began', async () => {
    const watcher = await Watcher.open(exchange.ws, ann);
    watcher.socket.terminate();
    const { orderId } = await limit(ann, 'SELL', '0.001', '59000');
    const again = await Watcher.open(exchange.ws, ann, 'HMAC', watcher.sequence);
    await until('the order that was placed meanwhile', () => again.reports().length === 1);
    assert.equal(again.reports()[0].i, orderId);
    await ask(ann, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
    await again.close();
});

test('a subscription ends when it is asked to, and says so', async () => {
    const watcher = await Watcher.open(exchange.ws, ann);
    assert.equal((await watcher.askSigned('userDataStream.subscribe.signature', {})).error.code, -2035);
    assert.deepEqual((await watcher.ask('session.subscriptions')).result, [{ subscriptionId: 0 }]);
    assert.deepEqual((await watcher.ask('userDataStream.unsubscribe')).result, {});
    await until('the last word', () => watcher.events.at(-1)?.e === 'eventStreamTerminated');
    assert.deepEqual((await watcher.ask('session.subscriptions')).result, []);
    const count = watcher.events.length;
    await limit(ann, 'SELL', '0.001', '59000');
    await ask(ann, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
    await watcher.ask('ping');
    assert.equal(watcher.events.length, count);
    await watcher.close();
});

test('who has logged on is told without another signature', async () => {
    const watcher = await Watcher.open(exchange.ws, ann);
    assert.equal((await watcher.ask('userDataStream.subscribe')).error.code, -2015);
    const hers = watcher.account;
    Object.assign(watcher, { account: bob, kind: 'Ed25519' });
    const { result } = await watcher.askSigned('session.logon', {});
    assert.deepEqual([result.apiKey, result.userDataStream], [bob.apiKey, true]);
    assert.ok(result.connectedSince <= result.authorizedSince && result.authorizedSince <= result.serverTime);
    assert.deepEqual((await watcher.ask('userDataStream.subscribe')).result.subscriptionId, 1);
    const told = [];
    watcher.take = (message) => ('id' in message ? watcher.answers.get(message.id)(message) : told.push(message));
    await limit(hers, 'SELL', '0.001', '59000');
    await limit(bob, 'SELL', '0.001', '59000');
    for (const account of [ann, bob]) await ask(account, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
    const of = (id) => told.filter(({ subscriptionId, event }) => subscriptionId === id && event.e === 'executionReport')
        .map(({ event }) => event.X);
    await until('both accounts\' orders', () => of(0).length === 2 && of(1).length === 2);
    assert.deepEqual([of(0), of(1)], Array(2).fill(['NEW', 'CANCELED']));
    assert.equal((await watcher.ask('session.logout')).result.apiKey, null);
    await until('the end of his', () => told.at(-1).event.e === 'eventStreamTerminated');
    assert.equal(told.at(-1).subscriptionId, 1);
    assert.deepEqual((await watcher.ask('session.subscriptions')).result, [{ subscriptionId: 0 }]);
    await watcher.close();
});

// As older clients do: a key for the asking, and a stream by its name.
async function askKey(method, params = {}) {
    const answer = await fetch(`${exchange.http}/api/v3/userDataStream?${new URLSearchParams(params)}`,
                               { method, headers: { 'X-MBX-APIKEY': ann.apiKey } });
    return { status: answer.status, body: await answer.json() };
}

test('a listen key names a stream of the account, raw, combined or subscribed to', async () => {
    const { body: { listenKey } } = await askKey('POST');
    assert.match(listenKey, /^[A-Za-z0-9]{64}$/);
    const streams = [await Streams.open(`${exchange.ws}/ws/${listenKey}`),
                     await Streams.open(`${exchange.ws}/stream?streams=${listenKey}`),
                     await Streams.open(`${exchange.ws}/ws`)];
    assert.deepEqual(await streams[2].ask('SUBSCRIBE', [listenKey], 1), { result: null, id: 1 });
    const order = await limit(ann, 'SELL', '0.001', '59000');
    await ask(ann, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId: order.orderId });
    const reports = (stream) => stream.events.map(({ data }) => data).filter(({ e }) => e === 'executionReport');
    for (const stream of streams) {
        await until('the end of the order', () => reports(stream).length === 2);
        assert.deepEqual(reports(stream).map(({ i, X }) => [i, X]),
                         [[order.orderId, 'NEW'], [order.orderId, 'CANCELED']]);
    }
    assert.ok(streams[1].events.every(({ stream }) => stream === listenKey));
    assert.deepEqual(await askKey('PUT', { listenKey }), { status: 200, body: {} });
    assert.equal((await askKey('PUT', { listenKey: 'another' })).body.code, -1125);
    assert.deepEqual(await askKey('DELETE', { listenKey }), { status: 200, body: {} });
    for (const stream of streams) {
        await until('the last word', () => stream.events.at(-1).data.e === 'listenKeyExpired');
        await stream.close();
    }
});

test('a node that has begun anew tells what its log holds by the same numbers', async () => {
    // A checkpoint that comes between the order and the kill takes the events below it: then once more.
    for (let attempt = 1; ; attempt++) {
        const watcher = await Watcher.open(exchange.ws, ann);
        const { orderId } = await limit(ann, 'SELL', '0.001', '59000');
        await until('the order', () => watcher.events.length >= 2);
        await exchange.kill();
        await exchange.startNode();
        await until('the node to answer', async () => (await fetch(`${exchange.http}/readyz`)).ok);
        const again = await Watcher.open(exchange.ws, ann, 'HMAC', watcher.events[0].sequence);
        if (again.refusal && attempt < 5) continue;
        assert.equal(again.refusal, undefined);
        await until('the same again', () => {
            assert.deepEqual(again.events, watcher.events.slice(1));
            return true;
        });
        await ask(ann, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
        await again.close();
        return;
    }
});

test('every node tells the same by the same numbers', async () => {
    const port = 18440, cluster = await Exchange.start(port, ['--quiet', '--no-limits', '--nodes', '4']);
    const own = exchange, [owner, other] = cluster.accounts;
    const node = (number) => `ws://127.0.0.1:${port + number}`;
    exchange = cluster;
    try {
        const watcher = await Watcher.open(node(0), owner);
        for (let round = 0; round < 10; round++) {
            await limit(owner, 'SELL', '0.002', '50000');
            await limit(other, 'BUY', '0.001', '50000');
        }
        await ask(owner, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
        await until('the end', () => watcher.kinds().filter((kind) => kind === 'TRADE PARTIALLY_FILLED' ||
                                                                      kind === 'TRADE FILLED').length === 10 &&
                                     watcher.events.at(-1).e === 'outboundAccountPosition' &&
                                     watcher.kinds().at(-1) === 'CANCELED CANCELED');
        const [first, ...rest] = watcher.events;
        for (const number of [1, 2, 3]) {
            const again = await Watcher.open(node(number), owner, 'Ed25519', first.sequence);
            assert.equal(again.refusal, undefined);
            await until(`the same from node ${number}`, () => {
                assert.deepEqual(again.events, rest);
                return true;
            });
            await again.close();
        }
        await watcher.close();
    } finally {
        exchange = own;
        await cluster.stop();
    }
});

test('every block is certified and verifies', async () => {
    await exchange.certified();
    assert.match(await exchange.verify(), /^right: .* all certified/);
});
