// What a trader owns, and what a trade must make of it, to the last unit. Read by requests of our own, so that
// no client's reading is judged by itself.

import assert from 'node:assert/strict';
import { signedRequest } from './clients.mjs';
import { units, until } from './exchange.mjs';

const FEE_PPM = 1000n; // demo fees: 0.1% maker and taker
const MILLION = 1000000n;

// The payer pays the exact fee rounded up.
export function fee(received) {
    return (received * FEE_PPM + MILLION - 1n) / MILLION;
}

// Quote units of `base` units at a price of at most 8 decimals; exact on every demo market.
export function cost(base, price) {
    const product = base * units(price);
    assert.equal(product % 100000000n, 0n, 'a notional is whole');
    return product / 100000000n;
}

export async function purse(exchange, account) {
    const { status, body } = await signedRequest(exchange, account, 'GET', '/api/v3/account');
    assert.equal(status, 200, JSON.stringify(body));
    return Object.fromEntries(body.balances.map(({ asset, free, locked }) =>
        [asset, { free: units(free), locked: units(locked) }]));
}

// Every asset changed as said, in whole units; those not named not at all.
export function assertChanged(before, after, changes) {
    for (const asset of Object.keys(after)) {
        const { free = 0n, locked = 0n } = changes[asset] ?? {};
        assert.equal(after[asset].free - before[asset].free, free, `${asset}, free`);
        assert.equal(after[asset].locked - before[asset].locked, locked, `${asset}, locked`);
    }
}

// So many fills between two accounts, one after the other; milliseconds of each order, sorted. Every one is acknowledged.
export async function tradeInTurn(http, [seller, buyer], count, acknowledged = () => {}) {
    const took = [];
    for (let i = 0; i < count; i++) {
        for (const [account, side] of [[seller, 'SELL'], [buyer, 'BUY']]) {
            const begin = performance.now();
            const { status, body } = await signedRequest({ http }, account, 'POST', '/api/v3/order', {
                symbol: 'BTCUSDT', side, type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price: '50000' });
            assert.equal(status, 200, JSON.stringify(body));
            took.push(performance.now() - begin);
        }
        acknowledged();
    }
    return took.sort((a, b) => a - b);
}

export async function metric(http, name) {
    const text = await (await fetch(`${http}/metrics`)).text();
    return Number(text.match(new RegExp(`^quorex_${name} (\\S+)`, 'm'))[1]);
}

export const projected = (http) => until('PostgreSQL to have the chain', async () => {
    const { projectedHeight, height } = await (await fetch(`${http}/quorex/v1/status`)).json();
    return projectedHeight >= height - 1 && await metric(http, 'database_up') === 1;
}, 60);
