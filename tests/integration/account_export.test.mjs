// What the exchange holds on an account, read whole: its state in one answer, and its past by the pages that this names.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';

const SYMBOL = 'BTCUSDT';
let exchange, ann, bob;

before(async () => {
    exchange = await Exchange.start(18383);
    [ann, bob] = exchange.accounts;
});

after(() => exchange?.stop());

async function ok(who, method, path, parameters) {
    const { status, body } = await signedRequest(exchange, who, method, path, parameters);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
}

const place = (who, side, quantity, price, more = {}) =>
    ok(who, 'POST', '/api/v3/order', { symbol: SYMBOL, side, type: 'LIMIT', timeInForce: 'GTC', quantity, price,
                                       ...more });

// What comes behind the last element of a page, by the parameter that the page goes on with.
const goOn = {
    orderId: (last) => last.orderId + 1,
    fromId: (last) => (last.preventedMatchId ?? last.id) + 1,
    startTime: (last) => last.transactionTime + 1,
    after: (last) => last.id,
    toId: (last) => last.id - 1,
    fromCommand: (last) => last.command + 1,
};

// Pages of three, so that there are some.
async function pages(who, { path, first, next }, symbol) {
    const all = [];
    let page = Object.fromEntries(new URLSearchParams(first));
    for (;;) {
        const body = await ok(who, 'GET', path, { ...page, ...(symbol ? { symbol } : {}), limit: 3 });
        const rows = Array.isArray(body) ? body : body.entries ?? body.changes;
        all.push(...rows);
        if (rows.length < 3) return all;
        page = next === 'toId' ? { ...page, toId: goOn.toId(rows.at(-1)) } : { [next]: goOn[next](rows.at(-1)) };
    }
}

test('the past is whole where the account says that it is', async () => {
    for (let i = 0; i < 7; i++) {
        await place(ann, 'SELL', '0.01', '50000');
        await place(bob, 'BUY', '0.01', '50000');
    }
    await place(ann, 'SELL', '0.02', '51000');
    await place(ann, 'BUY', '0.01', '51000', { selfTradePreventionMode: 'EXPIRE_TAKER' });
    const list = await ok(ann, 'POST', '/api/v3/orderList/oco', {
        symbol: SYMBOL, side: 'SELL', quantity: '0.01', aboveType: 'LIMIT_MAKER', abovePrice: '60000',
        belowType: 'STOP_LOSS', belowStopPrice: '40000' });
    await ok(ann, 'DELETE', '/api/v3/orderList', { symbol: SYMBOL, orderListId: list.orderListId });
    const account = await ok(ann, 'GET', '/quorex/v1/account');
    assert.equal(account.openOrders.length, 1);
    assert.deepEqual(account.openOrderLists, []);
    assert.ok(account.keys.some(({ keyId, permissions }) =>
        keyId === ann.apiKey && permissions.includes('TRADE')));
    assert.ok(account.balances.some(({ asset, locked }) => asset === 'BTC' && locked === '0.02000000'));
    // The ledger is PostgreSQL's alone: it comes with the block.
    const ledger = account.history.find((one) => one.of === 'ledger');
    await until('the ledger to have the fills', async () => (await pages(ann, ledger)).length > 3);
    const found = {};
    for (const one of account.history) {
        found[one.of] = [];
        for (const symbol of one.symbols.length > 0 ? one.symbols : [null]) {
            found[one.of].push(...await pages(ann, one, symbol));
        }
    }
    assert.equal(found.fills.length, 7);
    assert.equal(found.orders.length, 7 + 1 + 1 + 2);
    assert.equal(found.preventedMatches.length, 1);
    assert.equal(found.orderLists.length, 1);
    assert.deepEqual([found.deposits, found.withdrawals], [[], []]);
    const ids = found.ledger.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    const { keys } = await ok(bob, 'GET', '/quorex/v1/account');
    assert.ok(!keys.some(({ keyId }) => keyId === ann.apiKey));
    const { status } = await fetch(`${exchange.http}/quorex/v1/account`);
    assert.equal(status, 401);
});
