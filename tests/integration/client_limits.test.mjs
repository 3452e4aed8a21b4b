// What each client makes of an exchange that says: not so fast. Limits are on here, and all come from one address.

import assert from 'node:assert/strict';
import { get } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { apiNode, binanceRest, ccxtRest, connectorRest, nodeBinance, spotClient } from './clients.mjs';
import { Exchange } from './exchange.mjs';

const HEAVY = { symbol: 'BTCUSDT', limit: 5000 }; // 250 of 6,000 a minute
const TOO_MUCH = /^Too much request weight used; current limit is 6000 request weight per 1 MINUTE/;
const BANNED = /^Way too much request weight used; IP banned until \d+/;
let exchange, ann, caller;

before(async () => {
    exchange = await Exchange.start(18377, ['--quiet']);
    [ann] = exchange.accounts;
    caller = new WebSocket(`${exchange.ws}/ws-api/v3`); // while there is weight left for it
    await new Promise((resolve, reject) => caller.on('open', resolve).on('error', reject));
});

after(() => exchange?.stop());

// Asks until that is refused, over the end of a minute if need be; what the client throws.
async function refusalOf(ask) {
    for (let i = 0; i < 100; i++) {
        try {
            await ask();
        } catch (error) {
            return error;
        }
    }
    throw new Error('never refused');
}

test('too much weight is 429 to each of them', async () => {
    const spot = spotClient(exchange, ann).restAPI;
    const slow = await refusalOf(() => spot.depth(HEAVY));
    assert.deepEqual([slow.name, slow.code], ['TooManyRequestsError', -1003]);
    assert.match(slow.message, TOO_MUCH);

    const binance = binanceRest(exchange, ann);
    const told = await refusalOf(() => binance.getOrderBook(HEAVY));
    assert.equal(told.code, -1003);
    assert.match(told.message, TOO_MUCH);
    const wait = Number(told.headers['retry-after']);
    assert.ok(wait >= 1 && wait <= 60, `Retry-After: ${wait}`);

    const connector = connectorRest(exchange, ann);
    const { response } = await refusalOf(() => connector.depth(HEAVY.symbol, { limit: HEAVY.limit }));
    assert.equal(response.status, 429);
    assert.equal(response.data.code, -1003);

    const node = apiNode(exchange, ann);
    assert.equal((await refusalOf(() => node.book(HEAVY))).code, -1003);
    const other = nodeBinance(exchange, ann);
    const text = (await refusalOf(() => other.depth(HEAVY.symbol, HEAVY.limit))).message;
    assert.equal(JSON.parse(text).code, -1003);

    const ccxt = ccxtRest(exchange, ann);
    ccxt.enableRateLimit = false; // it would not have come to this
    assert.equal((await refusalOf(() => ccxt.publicGetDepth(HEAVY))).name, 'DDoSProtection');
});

// GET, from another address than the clients above.
function getAside(path) {
    return new Promise((resolve, reject) => {
        get(exchange.http + path, { localAddress: '127.0.0.2' }, (answer) => {
            let text = '';
            answer.on('data', (part) => { text += part; });
            answer.on('end', () => resolve({ status: answer.statusCode, text }));
        }).on('error', reject);
    });
}

// The statuses of `count` requests that are sent at once, before any answer could be read.
function statusesOf(path, count) {
    return new Promise((resolve, reject) => {
        const socket = connect(exchange.port, '127.0.0.1');
        let text = '';
        socket.on('error', reject);
        socket.on('data', (part) => {
            text += part;
            const found = text.match(/HTTP\/1\.1 \d{3} /g) ?? [];
            if (found.length < count) return;
            resolve(found.map((line) => Number(line.slice(9))));
            socket.destroy();
        });
        socket.on('close', () => reject(new Error(`closed behind ${text.slice(-500)}`)));
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count));
    });
}

test('what was under way before the first refusal could be read bans nobody', async () => {
    for (let round = 0; round < 3; round++) {
        const statuses = await statusesOf('/api/v3/depth?symbol=BTCUSDT&limit=5000', 200);
        assert.deepEqual(statuses.filter((status) => status !== 200 && status !== 429), []);
        assert.ok(statuses.filter((status) => status === 429).length >= 200 - 2 * 24);
    }
});

test('who does not heed it is banned, whatever he asks for', async () => {
    const { restAPI } = spotClient(exchange, ann);
    const deadline = Date.now() + 120000; // refusals of twenty seconds, all in one minute
    let banned;
    while (banned?.name !== 'RateLimitBanError' && Date.now() < deadline) {
        banned = await refusalOf(() => restAPI.depth(HEAVY));
    }
    assert.deepEqual([banned.name, banned.code], ['RateLimitBanError', -1003]);
    assert.match(banned.message, BANNED);
    const { response } = await refusalOf(() => connectorRest(exchange, ann).ping());
    assert.equal(response.status, 418);
    assert.ok(Number(response.headers['retry-after']) > 60);
    const { name } = await refusalOf(() => ccxtRest(exchange, ann).publicGetPing());
    assert.equal(name, 'DDoSProtection');
});

test('nothing of what a banned address sends is read', async () => {
    const closed = new Promise((resolve) => {
        caller.on('close', (code, reason) => resolve([code, String(reason)]));
    });
    caller.on('message', (text) => assert.fail(`answered: ${text}`));
    caller.send('{"id":1,"method":"ping"}');
    const [code, reason] = await closed;
    assert.equal(code, 1008);
    assert.match(reason, /^IP banned until \d+$/);
    for (const path of ['/ws-api/v3', '/ws/btcusdt@trade', '/stream']) {
        const answer = await new Promise((resolve, reject) => {
            const socket = new WebSocket(exchange.ws + path);
            socket.on('open', () => reject(new Error(`${path} is open`)));
            socket.on('error', () => {});
            socket.on('unexpected-response', (request, response) => {
                resolve(response);
                request.destroy();
            });
        });
        assert.equal(answer.statusCode, 418, path);
        assert.ok(Number(answer.headers['retry-after']) > 60);
        assert.equal(answer.headers.connection, 'close');
    }
    const { status, text } = await getAside('/metrics');
    assert.equal(status, 200);
    assert.match(text, /^quorex_bans_total 1$/m);
    for (const name of ['weight_refused_total', 'banned_refused_total']) {
        const [, count] = text.match(new RegExp(`^quorex_${name} (\\d+)$`, 'm'));
        assert.ok(Number(count) >= 5, `${name} ${count}`);
    }
});
