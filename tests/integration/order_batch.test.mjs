// Many orders in one request: signed once by an HMAC key, or line by line by an Ed25519 key, whose orders every node
// derives a second time from their text before the block is certified.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { signedRequest, signedText } from './clients.mjs';
import { Exchange } from './exchange.mjs';

const SYMBOL = 'BTCUSDT';
let exchange, ann, bob;

before(async () => {
    exchange = await Exchange.start(18381);
    [ann, bob] = exchange.accounts;
});

after(() => exchange?.stop());

// Each test begins with an empty book.
afterEach(async () => {
    for (const who of [ann, bob]) {
        await signedRequest(exchange, who, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
    }
});

async function post(path, who, body) {
    const response = await fetch(exchange.http + path, {
        method: 'POST', headers: { 'X-MBX-APIKEY': who.apiKey, 'Content-Type': 'text/plain' }, body,
    });
    return { status: response.status, body: await response.json(), headers: response.headers };
}

const textOf = (item) => new URLSearchParams(item).toString();

const linesOf = (items) => items.map((item) => textOf(item) + '\n').join('');

// One signature over all lines.
function batch(who, items) {
    const query = `timestamp=${Date.now()}`, body = linesOf(items);
    const signature = createHmac('sha256', who.secretKey).update(query + body).digest('hex');
    return post(`/quorex/v1/orders?${query}&signature=${signature}`, who, body);
}

// Each line signed by the Ed25519 key.
function signedBatch(who, items) {
    const body = items.map((item) => signedText(who, item, { ed25519: true })).join('\n');
    return post('/quorex/v1/orders/signed', who, body);
}

const limit = (side, quantity, price, more = {}) =>
    ({ symbol: SYMBOL, side, type: 'LIMIT', timeInForce: 'GTC', quantity, price, ...more });

for (const [how, ask] of [['signed once', batch], ['signed line by line', signedBatch]]) {
    test(`a hundred orders ${how}, and what is wrong with one leaves the others`, async () => {
        const items = Array.from({ length: 100 }, (_, i) =>
            limit('BUY', '0.001', (30000 + i).toFixed(2), { newClientOrderId: `b-${i}` }));
        items[7].price = '30000.001';
        items[42].symbol = 'NOPE';
        const { status, body, headers } = await ask(ann, items);
        assert.equal(status, 200, JSON.stringify(body));
        assert.equal(body.length, 100);
        body.forEach(({ status: one, result, error }, i) => {
            if (i === 7) assert.deepEqual([one, error.code], [400, -1013]);
            else if (i === 42) assert.deepEqual([one, error.code], [400, -1121]);
            else assert.deepEqual([one, result.clientOrderId, result.status], [200, `b-${i}`, 'NEW']);
        });
        assert.ok(Number(headers.get('x-mbx-order-count-1d')) >= 98);
        const { body: open } = await signedRequest(exchange, ann, 'GET', '/api/v3/openOrders',
                                                   { symbol: SYMBOL });
        assert.equal(open.length, 98);
    });

    test(`orders ${how} are placed, filled, amended, replaced and canceled in their order`, async () => {
        const first = await ask(ann, [limit('SELL', '0.02', '50000', { newClientOrderId: 'one' }),
                                      limit('SELL', '0.02', '50001', { newClientOrderId: 'two' }),
                                      limit('SELL', '0.02', '50002', { newClientOrderId: 'three' })]);
        assert.deepEqual(first.body.map(({ status }) => status), [200, 200, 200]);
        const taken = await ask(bob, [limit('BUY', '0.01', '50000', { newOrderRespType: 'FULL' })]);
        assert.equal(taken.body[0].result.fills[0].price, '50000.00000000');
        const { body } = await ask(ann, [
            { symbol: SYMBOL, origClientOrderId: 'one' },
            { symbol: SYMBOL, origClientOrderId: 'two', newQty: '0.01' },
            limit('SELL', '0.03', '50003', { cancelReplaceMode: 'STOP_ON_FAILURE',
                                             cancelOrigClientOrderId: 'three',
                                             newClientOrderId: 'four' }),
            { symbol: SYMBOL, origClientOrderId: 'one' },
            { symbol: SYMBOL, origClientOrderId: 'four' },
        ]);
        assert.deepEqual(body.map(({ status }) => status), [200, 200, 200, 400, 200],
                         JSON.stringify(body));
        assert.equal(body[0].result.executedQty, '0.01000000');
        assert.equal(body[1].result.amendedOrder.qty, '0.01000000');
        assert.equal(body[2].result.newOrderResult, 'SUCCESS');
        assert.equal(body[3].error.code, -2011);
        assert.equal(body[4].result.status, 'CANCELED');
    });
}

test('what is not signed as it must be is refused', async () => {
    const items = [limit('BUY', '0.001', '30000'), limit('BUY', '0.001', '30001')];
    const changed = linesOf(items).replace('30001', '30002');
    const query = `timestamp=${Date.now()}`;
    const signature = createHmac('sha256', ann.secretKey)
        .update(query + linesOf(items)).digest('hex');
    const answer = await post(`/quorex/v1/orders?${query}&signature=${signature}`, ann, changed);
    assert.deepEqual([answer.status, answer.body.code], [400, -1022]);
    const { body } = await post('/quorex/v1/orders/signed', ann, linesOf(items));
    assert.deepEqual(body.map(({ error }) => error.code), [-1102, -1102]);
    assert.equal((await batch(ann, Array(101).fill(items[0]))).body.code, -1130);
    assert.equal((await batch(ann, [])).body.code, -1130);
});

test('what was signed as one request is no batch', async () => {
    const replace = { cancelReplaceMode: 'STOP_ON_FAILURE', cancelOrderId: '5' };
    const front = `timestamp=${Date.now()}&${textOf(replace)}`;
    const order = `&${textOf(limit('BUY', '0.001', '30000'))}`;
    const signature = createHmac('sha256', ann.secretKey).update(front + order).digest('hex');
    const cut = await post(`/quorex/v1/orders?${front}&signature=${signature}`, ann, order);
    assert.deepEqual([cut.status, cut.body.code], [400, -1106]);
    const bare = await post(`/quorex/v1/orders?${front}${order}&signature=${signature}`, ann, '');
    assert.deepEqual([bare.status, bare.body.code], [400, -1130]);
    const { body: open } = await signedRequest(exchange, ann, 'GET', '/api/v3/openOrders',
                                               { symbol: SYMBOL });
    assert.deepEqual(open, []);
});

test('every block is certified and verifies', async () => {
    await exchange.certified();
    assert.match(await exchange.verify(), /^right: .* all certified/);
});
