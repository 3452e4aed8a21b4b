// Bad input: the documented code and status, and nothing changed.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { signedRequest, signedText } from './clients.mjs';
import { Exchange } from './exchange.mjs';

let exchange, ann, root;

const sealedRoot = async () => (await exchange.certified()).stateRoot;

before(async () => {
    exchange = await Exchange.start(18303);
    [ann] = exchange.accounts;
    root = await sealedRoot();
});

after(() => exchange?.stop());

const order = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC',
                quantity: '1', price: '10000' };

async function place(changes, options) {
    const parameters = { ...order, ...changes };
    for (const key of Object.keys(parameters)) if (parameters[key] === null) delete parameters[key];
    return signedRequest(exchange, ann, 'POST', '/api/v3/order', parameters, options);
}

async function untouched() {
    const { body } = await signedRequest(exchange, ann, 'GET', '/api/v3/openOrders');
    assert.deepEqual(body, []);
    const account = await signedRequest(exchange, ann, 'GET', '/api/v3/account');
    const usdt = account.body.balances.find((b) => b.asset === 'USDT');
    assert.equal(usdt.free, '100000000.00000000');
    assert.equal(usdt.locked, '0.00000000');
    assert.equal(await sealedRoot(), root);
}

// [what is changed, code, part of the message]
const refusals = [
    [{ quantity: '1e3' }, -1100, "'quantity'"],
    [{ quantity: '+1' }, -1100, "'quantity'"],
    [{ quantity: 'NaN' }, -1100, "'quantity'"],
    [{ quantity: '-1' }, -1100, "'quantity'"],
    [{ quantity: '1'.repeat(30) }, -1100, "'quantity'"],
    [{ quantity: '0' }, -1013, 'LOT_SIZE'],
    [{ quantity: '0.000001' }, -1013, 'LOT_SIZE'],
    [{ quantity: '0.0000000001' }, -1111, "'quantity'"],
    [{ quantity: null }, -1102, "'quantity'"],
    [{ price: '1e3' }, -1100, "'price'"],
    [{ price: '0' }, -1013, 'PRICE_FILTER'],
    [{ price: '10000.001' }, -1013, 'PRICE_FILTER'],
    [{ price: null }, -1102, "'price'"],
    [{ symbol: 'NOSUCH' }, -1121, 'Invalid symbol.'],
    [{ symbol: null }, -1102, "'symbol'"],
    [{ side: 'HOLD' }, -1117, 'Invalid side.'],
    [{ type: 'WISH' }, -1116, 'Invalid orderType.'],
    [{ timeInForce: 'GTX' }, -1115, 'Invalid timeInForce.'],
    [{ timeInForce: null }, -1102, "'timeInForce'"],
    [{ quantity: '0.00001', price: '1' }, -1013, 'NOTIONAL'],
    [{ quantity: '8999', price: '900000' }, -2010, 'insufficient balance'],
    [{ newClientOrderId: 'no spaces' }, -1100, "'newClientOrderId'"],
    [{ newClientOrderId: 'x'.repeat(37) }, -1100, "'newClientOrderId'"],
    [{ recvWindow: '60001' }, -1131, 'recvWindow'],
    [{ type: 'MARKET', price: null, timeInForce: null, quoteOrderQty: '5' }, -1106, ''],
];

for (const [changes, code, message] of refusals) {
    test(`an order with ${JSON.stringify(changes)} is refused with ${code}`, async () => {
        const { status, body } = await place(changes);
        assert.equal(body.code, code, JSON.stringify(body));
        assert.equal(status, 400);
        assert.ok(body.msg.includes(message), body.msg);
    });
}

test('signatures, keys and timestamps are checked in the documented order', async () => {
    const headers = { 'X-MBX-APIKEY': ann.apiKey };
    const ask = async (text, sent = headers) => {
        const response = await fetch(`${exchange.http}/api/v3/account?${text}`, { headers: sent });
        return [response.status, (await response.json()).code];
    };
    const good = signedText(ann, {});
    assert.deepEqual((await ask(good))[0], 200);
    assert.deepEqual(await ask(good.replace(/signature=.{4}/, 'signature=0000')), [400, -1022]);
    assert.deepEqual(await ask(good, {}), [401, -2014]);
    assert.deepEqual(await ask(good, { 'X-MBX-APIKEY': 'short' }), [401, -2014]);
    assert.deepEqual(await ask(good, { 'X-MBX-APIKEY': '0'.repeat(64) }), [401, -2015]);
    assert.deepEqual(await ask('recvWindow=5000'), [400, -1102]);
    const at = async (time) => {
        const { createHmac } = await import('node:crypto');
        const text = `timestamp=${time}`;
        const signature = createHmac('sha256', ann.secretKey).update(text).digest('hex');
        return ask(`${text}&signature=${signature}`);
    };
    assert.deepEqual(await at(Date.now() - 6000), [400, -1021]);
    assert.deepEqual(await at(Date.now() + 5000), [400, -1021]);
    assert.equal((await at(Date.now()))[0], 200);
});

test('unknown routes and methods are JSON errors', async () => {
    const missing = await fetch(`${exchange.http}/api/v3/nothing`);
    assert.equal(missing.status, 404);
    assert.ok((await missing.json()).code < 0);
    const method = await fetch(`${exchange.http}/api/v3/time`, { method: 'POST' });
    assert.ok([404, 405].includes(method.status));
});

// Sends raw bytes and resolves with all that came back until the server closed.
function raw(bytes) {
    return new Promise((resolve, reject) => {
        const socket = connect(exchange.port, '127.0.0.1', () => socket.write(bytes));
        let answer = '';
        socket.setTimeout(15000, () => socket.destroy(new Error(`left open after: ${answer}`)));
        socket.on('data', (data) => (answer += data));
        socket.on('error', (error) => (error.code === 'ECONNRESET' || error.code === 'EPIPE'
            ? resolve(answer) : reject(error)));
        socket.on('close', () => resolve(answer));
    });
}

test('malformed HTTP is answered 400 or closed', async () => {
    for (const bytes of ['NONSENSE\r\n\r\n', 'GET\r\n\r\n', '\0\0\0\0\r\n\r\n']) {
        const answer = await raw(bytes);
        assert.ok(answer === '' || answer.startsWith('HTTP/1.1 400'), answer);
    }
});

test('an oversized body is answered 413 and the connection closed', async () => {
    const answer = await raw('POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000' +
                             '\r\n\r\n' + 'x'.repeat(100000));
    assert.match(answer, /^HTTP\/1\.1 413/);
});

test('oversized headers are answered 431 or 400 and the connection closed', async () => {
    const answer = await raw(`GET /api/v3/time HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(200000)}` +
                             '\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 (431|400)|^$/);
});

test('duplicate Content-Length, and Content-Length beside chunked, are refused', async () => {
    const twice = await raw('POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n' +
                            'Content-Length: 2\r\nConnection: close\r\n\r\nab');
    assert.match(twice, /^HTTP\/1\.1 400/);
    const both = await raw('POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n' +
                           'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n');
    assert.match(both, /^HTTP\/1\.1 400/);
});

test('after all of it the state is what it was', untouched);
