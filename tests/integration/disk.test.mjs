// A disk that fills up: the node stops with a clear message and loses nothing acknowledged.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';

let exchange, mounted = false;

before(async () => {
    exchange = new Exchange(18306, ['--quiet', '--no-limits']);
});

after(async () => {
    await exchange.down();
    if (mounted) execFileSync('umount', ['-l', exchange.node]);
    mounted = false;
    await exchange.stop();
});

// The node's folder becomes a small disk of its own; false where that is not allowed.
function mountSmallDisk() {
    try {
        execFileSync('mkdir', ['-p', exchange.node]);
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m,mode=755', 'none', exchange.node],
                     { stdio: 'ignore' });
        mounted = true;
    } catch {
        mounted = false;
    }
    return mounted;
}

test('a full disk stops the node, and nothing acknowledged is lost', { timeout: 300000 },
    async (context) => {
        if (!mountSmallDisk()) return context.skip('may not mount here');
        await exchange.up();
        const told = new Map();
        const [ann] = exchange.accounts;
        let next = 1, stopped = false;
        const trader = async () => {
            while (!stopped) {
                const id = `d${next++}`;
                try {
                    const { status, body } = await signedRequest(exchange, ann, 'POST',
                        '/api/v3/order', { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT',
                                           timeInForce: 'IOC', quantity: '0.001', price: '100000',
                                           newClientOrderId: id, newOrderRespType: 'ACK' });
                    if (status === 200) told.set(id, body.orderId);
                } catch {
                    stopped = true;
                }
            }
        };
        // Fill the rest of the disk, as a runaway file would, while orders come in.
        const traders = Array.from({ length: 8 }, trader);
        await until('some orders to be acknowledged', () => told.size > 200);
        try {
            execFileSync('dd', ['if=/dev/zero', `of=${join(exchange.node, 'runaway')}`, 'bs=1M'],
                         { stdio: 'ignore' });
        } catch {
            // dd fails when the disk is full: that is what it is for.
        }
        await until('the node to stop', () => stopped, 120);
        await Promise.all(traders);
        const log = readFileSync(join(exchange.node, 'log'), 'utf8');
        assert.match(log, /NO_SPACE|the disk is full/);

        execFileSync('rm', [join(exchange.node, 'runaway')]);
        await exchange.up();
        const found = new Map();
        for (let from = 0; ;) {
            const { body } = await signedRequest(exchange, ann, 'GET', '/api/v3/allOrders',
                { symbol: 'BTCUSDT', orderId: from, limit: 1000 });
            for (const order of body) found.set(order.clientOrderId, order.orderId);
            if (body.length < 1000) break;
            from = body.at(-1).orderId + 1;
        }
        for (const [id, orderId] of told) assert.equal(found.get(id), orderId, `order ${id}`);
        await exchange.certified();
        assert.match(await exchange.verify(), /^right: /);
    });
