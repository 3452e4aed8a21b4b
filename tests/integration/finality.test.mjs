// When is it final? Four nodes, one of which signs nothing: when another stops, trading goes on and nothing is certified; when it is
// back, all of it is. Who listens to an account and has asked for it is told exactly that, by whichever of a node's two loops.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { Cluster } from './cluster.mjs';
import { until } from './exchange.mjs';
import { Watcher, covers } from './watcher.mjs';

const SYMBOL = 'BTCUSDT', SILENT = 2, LATE = 3;
let cluster, ann, bob, told, others;

before(async () => {
    cluster = await Cluster.start(21900, { database: false, more: ['--gateway-loops', '2'] });
    [ann, bob] = cluster.accounts;
    // Whoever has made a statement about an epoch signs nothing more in it.
    await cluster.end(SILENT, 'SIGTERM');
    await cluster.command('epoch', 'report', '--config', join(cluster.folder(SILENT), 'quorex.conf'), '--out', join(cluster.dir, 'report'));
    await cluster.startNode(SILENT);
    await cluster.agreed();
    const listen = () => Watcher.open(cluster.url(0).replace('http', 'ws'), ann, 'HMAC', undefined, { certified: true });
    [told, ...others] = await Promise.all(Array.from({ length: 8 }, listen));
}, { timeout: 180000 });

after(async () => {
    for (const watcher of [told, ...others ?? []]) await watcher?.close();
    await cluster?.stop();
});

const place = async (account, side, price, number = 0) => {
    const { status, body } = await signedRequest({ http: cluster.url(number) }, account, 'POST', '/api/v3/order',
        { symbol: SYMBOL, side, type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price });
    assert.equal(status, 200, JSON.stringify(body));
    return body.orderId;
};

const reportOf = (watcher, orderId, x) => until(`${x} of ${orderId}`, () =>
    watcher.reports().find((report) => report.i === orderId && report.x === x));
const coveringOf = (watcher, report) => until('the certificate', () => watcher.certified().find((one) => covers(one, report)), 30);

// What a message says of a block is what the chain has, and the message comes behind the events it is about.
async function checked(watcher, message) {
    const block = await cluster.ask(1, `/quorex/v1/blocks/${message.height}`);
    assert.equal(message.headerHash, block.hash);
    assert.equal(message.E, block.time);
    const [command] = message.to.split('-').map(Number);
    assert.ok(command <= block.lastCommand, `${message.to} is in block ${message.height}`);
    assert.ok((await cluster.status(0)).certifiedHeight >= message.height);
    const at = watcher.events.indexOf(message);
    for (const [index, event] of watcher.events.entries())
        if (event.sequence && covers(message, event)) assert.ok(index < at, 'events come first');
}

test('an order and its fill become final one after the other', { timeout: 60000 }, async () => {
    const orderId = await place(ann, 'BUY', '50000');
    const placed = await reportOf(told, orderId, 'NEW');
    await checked(told, await coveringOf(told, placed));
    await place(bob, 'SELL', '50000');
    const traded = await reportOf(told, orderId, 'TRADE');
    const message = await coveringOf(told, traded);
    await checked(told, message);
    assert.ok(!covers(message, placed), 'nothing is told twice');
});

test('while nothing is certified nothing is told, and then all of it, once', { timeout: 120000 }, async () => {
    await cluster.end(LATE, 'SIGTERM');
    // What was on its way when the node ended may still be certified: it has come to rest when two blocks pass without.
    let quiet = await cluster.status(0);
    await until('the last certificate', async () => {
        const now = await cluster.status(0);
        if (now.certifiedHeight !== quiet.certifiedHeight) quiet = now;
        return now.height >= quiet.height + 3;
    }, 30);
    const before = told.certified().length, counts = others.map((other) => other.certified().length), reports = [];
    for (let price = 40000; price < 40005; price++) {
        reports.push(await reportOf(told, await place(ann, 'BUY', String(price)), 'NEW'));
        const { height } = await cluster.status(0);
        await until('another block', async () => (await cluster.status(0)).height > height);
    }
    assert.equal((await cluster.status(0)).certifiedHeight, quiet.certifiedHeight);
    assert.equal(told.certified().length, before);
    assert.deepEqual(others.map((other) => other.certified().length), counts);
    await cluster.startNode(LATE);
    // The node that is back signs each block that it has missed, or the newest: certificates come together or one by one.
    for (const [index, watcher] of [told, ...others].entries()) {
        await coveringOf(watcher, reports.at(-1));
        const messages = watcher.certified().slice([before, ...counts][index]);
        for (const message of messages) await checked(watcher, message);
        for (const report of reports)
            assert.equal(messages.filter((message) => covers(message, report)).length, 1, `${report.sequence} in ${JSON.stringify(messages)}`);
    }
});

test('who resumes at another node is told what is final by then', { timeout: 60000 }, async () => {
    const first = told.reports().at(-2), last = told.reports().at(-1);
    const again = await Watcher.open(cluster.url(1).replace('http', 'ws'), ann, 'HMAC', first.sequence, { certified: true });
    const message = await coveringOf(again, last);
    assert.equal(message.from, first.sequence);
    assert.ok(again.events.some(({ sequence }) => sequence === last.sequence));
    await checked(again, message);
    await again.close();
    const plain = await Watcher.open(cluster.url(1).replace('http', 'ws'), ann);
    const report = await reportOf(plain, await place(ann, 'BUY', '41000', 1), 'NEW');
    await coveringOf(told, report);
    assert.deepEqual(plain.certified(), [], 'who has not asked for it hears nothing of it');
    await plain.close();
});
