// The checker of histories is told things that cannot be, and must say so.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaints } from './history.mjs';

const order = (id, clientOrderId, more = {}) => ({
    symbol: 'BTCUSDT', orderId: id, clientOrderId, status: 'NEW', executedQty: '0.00000000', ...more });

// Two nodes, one account that bought 0.001 BTC at 50,000 with one order and has two more.
function story() {
    const node = (number) => ({
        node: number,
        balances: { ann: { BTC: 100_000n - 100n, USDT: 10_000_000_000_000n - 5_000_000_000n } },
        accounts: { ann: {
            orders: [order(1, 'a', { status: 'FILLED', executedQty: '0.00100000' }), order(2, 'b'),
                     order(3, 'c', { status: 'CANCELED' })],
            trades: [{ symbol: 'BTCUSDT', id: 7, orderId: 1, qty: '0.00100000', quoteQty: '50.00000000',
                       isBuyer: true, commission: '0.00000100', commissionAsset: 'BTC' }],
            open: [order(2, 'b')],
        } },
    });
    const placed = (id, outcome, told) => ({ account: 'ann', id, symbol: 'BTCUSDT', outcome, order: told });
    return {
        start: { ann: { BTC: 0n, USDT: 10_000_000_000_000n } },
        finals: [node(0), node(1)],
        history: {
            places: [
                placed('a', 'acknowledged', order(1, 'a', { status: 'FILLED', executedQty: '0.00100000',
                                                            fills: [{ tradeId: 7 }] })),
                placed('b', 'unknown'), placed('c', 'acknowledged', order(3, 'c')),
                { ...placed('d', 'refused'), code: -2010 }, placed('e', 'unknown'),
            ],
            cancels: [{ account: 'ann', id: 'c', outcome: 'acknowledged', order: { executedQty: '0.00000000' } }],
            reads: [{ connection: 1, of: 'a executed', value: 0n }, { connection: 2, of: 'a executed', value: 5n },
                    { connection: 1, of: 'a executed', value: 5n }, { connection: 1, of: 'height', value: 3n }],
        },
    };
}

function finds(what, tell, pattern) {
    test(`${what} is found`, () => {
        const told = story();
        tell(told, told.finals[1].accounts.ann, told.finals[1]);
        assert.ok(complaints(told).some((line) => pattern.test(line)), JSON.stringify(complaints(told)));
    });
}

test('a history that can be is believed', () => assert.deepEqual(complaints(story()), []));

finds('an acknowledged order lost on one node', (told, ann) => ann.orders.shift(), /node 1.* a was .* lost/);
finds('an order that is there twice', (told, ann) => ann.orders.push(order(4, 'b')), /node 1.* b is there twice/);
finds('an order of unknown outcome that is there twice',
      (told, ann) => ann.orders.push(order(5, 'e'), order(6, 'e')), /e is there twice/);
finds('a refused order that is there', (told, ann) => ann.orders.push(order(4, 'd')), /d was refused with -2010/);
finds('a trader who is told that nobody knows him',
      (told) => { told.history.places[3].code = -2015; }, /d was refused with -2015/);
finds('an order that nobody placed', (told, ann) => ann.orders.push(order(4, 'x')), /nobody placed order ann x/);
finds('another id than was acknowledged', (told, ann) => { ann.orders[0].orderId = 9; }, /a has another id/);
finds('a lost fill', (told, ann) => ann.trades.pop(), /its trade 7 is lost/);
finds('a fill that is there twice', (told, ann) => ann.trades.push(ann.trades[0]), /trade BTCUSDT 7 .* twice/);
finds('less executed than was acknowledged',
      (told, ann) => { ann.orders[0].executedQty = '0.00000000'; }, /a has less executed/);
finds('an end that is undone', (told, ann) => { ann.orders[0].status = 'PARTIALLY_FILLED'; }, /had ended as FILLED/);
finds('a cancel that is undone', (told, ann) => { ann.orders[2].status = 'NEW'; }, /c was cancelled/);
finds('an open order that open orders lack', (told, ann) => ann.open.pop(), /b is NEW, open orders say otherwise/);
finds('a unit of money too much', (told, ann, node) => { node.balances.ann.USDT += 1n; }, /ann has .* USDT/);
finds('nodes that differ', (told, ann) => { ann.orders[1].price = '2'; }, /nodes 0 and 1 differ in orders of ann/);
finds('reading backwards on one connection',
      (told) => told.history.reads.push({ connection: 1, of: 'a executed', value: 4n }), /connection 1 went back/);
finds('an own order that is no longer known',
      (told) => told.history.reads.push({ connection: 2, of: 'a executed', value: -1n }), /connection 2 went back/);
