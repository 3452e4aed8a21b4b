// What each client makes of an exchange that says: not so fast. Limits are on here, and all come from one address.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiNode, binanceRest, ccxtRest, connectorRest, nodeBinance, spotClient } from './clients.mjs';
import { Exchange } from './exchange.mjs';

const HEAVY = { symbol: 'BTCUSDT', limit: 5000 }; // 250 of 6,000 a minute
const TOO_MUCH = /^Too much request weight used; current limit is 6000 request weight per 1 MINUTE/;
const BANNED = /^Way too much request weight used; IP banned until \d+/;
let exchange, ann;

before(async () => {
    exchange = await Exchange.start(18377, ['--quiet']);
    [ann] = exchange.accounts;
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

test('who does not heed it is banned, whatever he asks for', async () => {
    const { restAPI } = spotClient(exchange, ann);
    let banned;
    for (let i = 0; i < 500 && banned?.name !== 'RateLimitBanError'; i++) {
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
