// One node whose clients are served by four threads: it is one exchange to them, over whichever they come.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { signedText } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';
import { KEYS, keysText } from './keys.mjs';
import { Streams } from './streams.mjs';
import { Watcher, covers } from './watcher.mjs';

process.env.QUOREX_GATEWAY_LOOPS = '4';
process.env.QUOREX_ADDRESS_CONNECTIONS_MAX = '100';

const SYMBOL = 'BTCUSDT', CONNECTIONS = 64, ROUNDS = 2000;
let exchange, ann, bob, connections, chainId;

// One connection, which stays on the loop that the system gave it to.
class Connection {
    constructor(http = exchange.http) {
        this.http = http;
        this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
    }

    send(method, path, headers = {}) {
        return new Promise((resolve, reject) => {
            request(this.http + path, { method, headers, agent: this.agent }, (answer) => {
                let text = '';
                answer.on('data', (part) => { text += part; });
                answer.on('end', () => resolve({ status: answer.statusCode, text, headers: answer.headers }));
                answer.on('error', reject);
            }).on('error', reject).end();
        });
    }

    sign(account, method, path, parameters = {}) {
        return this.send(method, `${path}?${signedText(account, parameters)}`, { 'X-MBX-APIKEY': account.apiKey });
    }

    async ask(account, method, path, parameters) {
        const { status, text } = await this.sign(account, method, path, parameters);
        assert.equal(status, 200, `${method} ${path}: ${text}`);
        return JSON.parse(text);
    }

    place(account, side, quantity, price, more = {}) {
        return this.ask(account, 'POST', '/api/v3/order', {
            symbol: SYMBOL, side, type: 'LIMIT', timeInForce: 'GTC', quantity, price, ...more });
    }

    // What needs no signature, but a key.
    async key(account, method, path) {
        const { status, text } = await this.send(method, path, { 'X-MBX-APIKEY': account.apiKey });
        assert.equal(status, 200, text);
        return JSON.parse(text);
    }

    close() {
        this.agent.destroy();
    }
}

// How many requests each loop has answered.
async function answered() {
    const { text } = await connections[0].send('GET', '/metrics');
    return [...text.matchAll(/^quorex_loop_requests_total\{loop="\d"\} (\d+)$/gm)].map(([, count]) => Number(count));
}

// The loop that a connection is on.
async function loopOf(connection) {
    const earlier = await answered();
    for (let i = 0; i < 10; i++) await connection.send('GET', '/api/v3/ping');
    const later = await answered();
    return later.findIndex((count, loop) => count - earlier[loop] >= 10);
}

// A connection on each loop.
let each;

before(async () => {
    exchange = await Exchange.start(18411);
    ({ chainId } = await exchange.status());
    [ann, bob] = exchange.accounts;
    connections = Array.from({ length: CONNECTIONS }, () => new Connection());
    each = [];
    for (const connection of connections) {
        const loop = await loopOf(connection);
        each[loop] ??= connection;
    }
});

after(() => {
    connections?.forEach((connection) => connection.close());
    return exchange?.stop();
});

test('every loop serves', async () => {
    assert.equal(Object.keys(each).join(), '0,1,2,3');
    const [before_, { text }, after_] = [await answered(), await connections[0].send('GET', '/metrics'), await answered()];
    const all = Number(text.match(/^quorex_http_requests_total (\d+)$/m)[1]);
    const sum = (counts) => counts.reduce((left, right) => left + right);
    assert.ok(sum(before_) <= all && all <= sum(after_));
});

test('what a client has placed over one loop he reads over any other at once', async () => {
    for (let round = 0; round < ROUNDS; round++) {
        const [here, there, elsewhere] = [0, 1, 2].map((step) => each[(round + step + (round >> 2)) % 4]);
        const { orderId } = await here.place(ann, 'BUY', '0.001', '20000');
        const { status } = await there.ask(ann, 'GET', '/api/v3/order', { symbol: SYMBOL, orderId });
        assert.equal(status, 'NEW', `round ${round}`);
        await elsewhere.ask(ann, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
        assert.deepEqual(await there.ask(ann, 'GET', '/api/v3/openOrders', { symbol: SYMBOL }), [], `round ${round}`);
    }
});

test('a listen key that was made over one loop names a stream on every loop', async () => {
    const { listenKey } = await each[1].key(ann, 'POST', '/api/v3/userDataStream');
    assert.equal((await each[2].key(ann, 'POST', '/api/v3/userDataStream')).listenKey, listenKey);
    const streams = await Promise.all(Array.from({ length: 16 }, () => Streams.open(`${exchange.ws}/ws/${listenKey}`)));
    const { orderId } = await each[3].place(ann, 'BUY', '0.001', '20000');
    const reports = (stream) => stream.events.map(({ data }) => data).filter(({ e, i }) => e === 'executionReport' && i === orderId);
    for (const stream of streams) await until('the report', () => reports(stream).length === 1);
    await each[0].ask(ann, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
    for (const stream of streams) await until('the end', () => reports(stream).at(-1).x === 'CANCELED');
    assert.equal(new Set(streams.map(({ events }) => JSON.stringify(events))).size, 1);
    await each[2].key(ann, 'DELETE', `/api/v3/userDataStream?listenKey=${listenKey}`);
    for (const stream of streams)
        await until('the key to end', () => stream.events.at(-1).data.e === 'listenKeyExpired');
    await Promise.all(streams.map((stream) => stream.close()));
});

test('streams on all loops tell the same', async () => {
    const names = 'btcusdt@trade/btcusdt@depth@100ms';
    const all = await Promise.all(Array.from({ length: 16 }, () => Streams.open(`${exchange.ws}/stream?streams=${names}`)));
    for (let i = 0; i < 50; i++) {
        await each[i % 4].place(ann, 'SELL', '0.001', '30000');
        await each[(i + 1) % 4].place(bob, 'BUY', '0.001', '30000');
    }
    for (const streams of all) await until('fifty trades', () => streams.of('btcusdt@trade').length === 50);
    const trades = all.map((streams) => JSON.stringify(streams.of('btcusdt@trade')));
    assert.equal(new Set(trades).size, 1);
    // Differences are cut at each loop's own time; what they lead to is one book.
    const last = (await each[0].send('GET', `/api/v3/depth?symbol=${SYMBOL}`)).text;
    const { lastUpdateId } = JSON.parse(last);
    for (const streams of all)
        await until('the last update', () => streams.last('btcusdt@depth@100ms')?.u === lastUpdateId);
    await Promise.all(all.map((streams) => streams.close()));
});

// A connection of the API that hears of an account, from a number on when there is one.
async function listen(account, from) {
    const socket = new WebSocket(`${exchange.ws}/ws-api/v3`), events = [];
    let answer;
    socket.on('message', (text) => {
        const message = JSON.parse(text);
        if ('id' in message) answer = message;
        else events.push(message.event);
    });
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    const params = { apiKey: account.apiKey, ...(from ? { from } : {}), timestamp: Date.now() };
    const text = Object.keys(params).map((name) => `${name}=${params[name]}`).join('&'); // by name already
    params.signature = createHmac('sha256', account.secretKey).update(text).digest('hex');
    const method = `userDataStream.${from ? 'resume' : 'subscribe.signature'}`;
    socket.send(JSON.stringify({ id: 1, method, params }));
    await until('the answer', () => answer);
    assert.equal(answer.status, 200, JSON.stringify(answer));
    return { socket, events, sequence: answer.result.sequence };
}

test('numbers of private events are the same on all loops, and any of them resumes', async () => {
    const first = await listen(ann);
    for (let i = 0; i < 10; i++) {
        const { orderId } = await each[i % 4].place(ann, 'BUY', '0.001', '20000');
        await each[(i + 1) % 4].ask(ann, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
    }
    const cancels = ({ events }) => events.filter(({ x }) => x === 'CANCELED').length;
    await until('ten cancels', () => cancels(first) === 10);
    const others = await Promise.all(Array.from({ length: 16 }, () => listen(ann, first.sequence)));
    for (const other of others) {
        await until('what was missed', () => cancels(other) === 10);
        assert.deepEqual(other.events, first.events);
        other.socket.close();
    }
    first.socket.close();
});

// That each event was final once, by a block that the chain has, told of behind the event.
async function assertFinal(watcher) {
    const messages = watcher.certified();
    for (const [index, event] of watcher.events.entries()) {
        if (!event.sequence) continue;
        const about = messages.filter((message) => covers(message, event));
        assert.equal(about.length, 1, `${event.sequence} in ${JSON.stringify(messages)}`);
        assert.ok(index < watcher.events.indexOf(about[0]), 'events come first');
    }
    for (const { height, headerHash, to } of messages) {
        const block = await exchange.get(`/quorex/v1/blocks/${height}`);
        assert.equal(headerHash, block.hash);
        assert.ok(Number(to.split('-')[0]) <= block.lastCommand, `${to} is in block ${height}`);
    }
}

test('what is final is told on all loops, each event once', async () => {
    const told = (from) => Watcher.open(exchange.ws, ann, 'HMAC', from, { certified: true });
    const all = await Promise.all(Array.from({ length: 16 }, () => told()));
    for (let i = 0; i < 12; i++) {
        const { orderId } = await each[i % 4].place(ann, 'BUY', '0.001', '20000');
        await each[(i + 1) % 4].ask(ann, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
        const { height } = await exchange.status();
        if (i % 4 === 3) await until('another block', async () => (await exchange.status()).height > height);
    }
    const last = await until('the last cancel', () => all[0].reports().filter(({ x }) => x === 'CANCELED')[11]);
    const isFinal = (watcher) => until('it to be final', () => watcher.certified().some((message) => covers(message, last)));
    for (const watcher of all) {
        await isFinal(watcher);
        await assertFinal(watcher);
    }
    const privately = ({ events }) => JSON.stringify(events.filter(({ sequence }) => sequence));
    assert.equal(new Set(all.map(privately)).size, 1);

    // Over whichever loop he comes again, he hears from where he was of what is final by now.
    const [{ sequence }] = all[0].events;
    for (const watcher of await Promise.all(Array.from({ length: 16 }, () => told(sequence)))) {
        await isFinal(watcher);
        assert.equal(watcher.certified()[0].from, sequence);
        await assertFinal(watcher);
        all.push(watcher);
    }
    await Promise.all(all.map((watcher) => watcher.close()));
});

// ---- keys ----

function change(connection, account, method, parameters) {
    const { text, apiKey } = keysText(account, { chainId, ...parameters });
    return connection.send(method, `${KEYS}?${text}`, { 'X-MBX-APIKEY': apiKey });
}

async function changed(connection, account, method, parameters) {
    const { status, text } = await change(connection, account, method, parameters);
    assert.equal(status, 200, text);
    return JSON.parse(text);
}

async function makeKey(connection) {
    const { keyId, secretKey } = await changed(connection, ann, 'POST', { action: 'key-create', permissions: 'READ,TRADE' });
    return { apiKey: keyId, secretKey, keyId };
}

async function refused(connection, key, method, path, parameters) {
    const { status, text } = await connection.sign(key, method, path, parameters);
    assert.deepEqual([status, JSON.parse(text).code], [401, -2015], text);
}

test('what a key may is the same on all loops, from the answer on', async () => {
    for (let round = 0; round < 8; round++) {
        const at = (step) => each[(round + step) % 4];
        const key = await makeKey(at(0)), { keyId } = key;
        const order = { symbol: SYMBOL, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price: '20000' };
        const { orderId } = await at(1).ask(key, 'POST', '/api/v3/order', order);
        await at(2).ask(key, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
        await changed(at(3), ann, 'PUT', { action: 'key-limit', keyId, permissions: 'READ,TRADE', ipList: '192.0.2.0/24' });
        for (let loop = 0; loop < 4; loop++) await refused(at(loop), key, 'GET', '/api/v3/account');
        await changed(at(2), ann, 'PUT', { action: 'key-limit', keyId, permissions: 'READ' });
        await refused(at(1), key, 'POST', '/api/v3/order', order);
        await at(0).ask(key, 'GET', '/api/v3/account');
        await changed(at(1), ann, 'DELETE', { action: 'key-remove', keyId });
        for (let loop = 0; loop < 4; loop++) await refused(at(loop), key, 'GET', '/api/v3/account');
    }
});

test('who listens by a key that is removed over another loop hears that it is over', async () => {
    const key = await makeKey(each[0]);
    const all = await Promise.all(Array.from({ length: 16 }, () => listen(key)));
    const others = await Promise.all(Array.from({ length: 4 }, () => listen(ann)));
    await changed(each[3], ann, 'DELETE', { action: 'key-remove', keyId: key.keyId });
    const ends = ({ events }) => events.filter(({ e }) => e === 'eventStreamTerminated').length;
    for (const one of all) await until('the end', () => ends(one) === 1);
    const { orderId } = await each[1].place(ann, 'BUY', '0.001', '20000');
    await each[1].ask(ann, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
    for (const other of others) await until('the cancel', () => other.events.some(({ x }) => x === 'CANCELED'));
    assert.ok(others.every((other) => ends(other) === 0));
    assert.ok(all.every(({ events }) => events.length === 1), 'nothing is told behind the end');
    for (const { socket } of [...all, ...others]) socket.close();
});

test('settings that change while the node runs reach every loop', async () => {
    const config = join(exchange.node, 'quorex.conf');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, `${text}\norigins = https://a.example\n`);
    process.kill(exchange.pid(), 'SIGHUP');
    for (const connection of each)
        await until('every loop to have the new origins', async () => {
            const { headers } = await connection.send('GET', '/api/v3/ping', { Origin: 'https://a.example' });
            return 'access-control-expose-headers' in headers;
        });
    writeFileSync(config, text);
    process.kill(exchange.pid(), 'SIGHUP');
});

test('orders of an account, weight and connections of an address are limited over all loops together', async () => {
    const limited = await Exchange.start(18421, ['--quiet']);
    const many = Array.from({ length: 120 }, () => new Connection(limited.http));
    try {
        const doors = await Promise.all(many.map((connection) => connection.send('GET', '/api/v3/ping')
            .then(({ status, text }) => (text.includes('from this address') ? 'full' : status), () => 'closed')));
        assert.equal(doors.filter((door) => door === 200).length, 100);
        const open = many.filter((_, index) => doors[index] === 200);

        // A hundred in ten seconds by the log's clock, over whichever connections; a window may turn meanwhile.
        let placed = 0, tooMany;
        for (let i = 0; tooMany === undefined; i++) {
            const answer = await open[i % open.length].sign(limited.accounts[0], 'POST', '/api/v3/order', {
                symbol: SYMBOL, side: 'BUY', type: 'LIMIT', timeInForce: 'IOC', quantity: '0.001', price: '20000' });
            if (answer.status !== 200) {
                tooMany = JSON.parse(answer.text).code;
                continue;
            }
            const count = Number(answer.headers['x-mbx-order-count-10s']);
            assert.ok(count === placed + 1 || count === 1, `${count} behind ${placed}`);
            placed = count;
        }
        assert.deepEqual([placed, tooMany], [100, -1015]);

        // 6,000 a minute are as many of these, of 20 each, whatever the connections; once more when a minute ended meanwhile.
        const minute = () => Math.floor(Date.now() / 60000);
        for (let began = -1; began !== minute();) {
            began = minute();
            const { headers } = await open[0].send('GET', '/api/v3/ping');
            const left = 6000 - Number(headers['x-mbx-used-weight-1m']);
            const asked = open.flatMap((connection) => Array.from({ length: 4 }, () => connection));
            const answers = await Promise.all(asked.map((connection) => connection.send('GET', '/api/v3/exchangeInfo')));
            if (began !== minute()) continue;
            const served = answers.filter(({ status }) => status === 200).length;
            assert.equal(served, Math.floor(left / 20));
            assert.equal(answers.filter(({ status }) => status === 429).length, asked.length - served);
        }
    } finally {
        many.forEach((connection) => connection.close());
        await limited.stop();
    }
});

test('a stop answers what every loop has taken', async () => {
    const lone = Array.from({ length: 16 }, () => new Connection());
    const open = new Set(); // as the answers say
    let answers = 0, refused = 0;
    const work = lone.map(async (connection) => {
        for (let orderId = null; ;) {
            const { status, text, headers } = orderId === null
                ? await connection.sign(bob, 'POST', '/api/v3/order', {
                    symbol: SYMBOL, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price: '20000' })
                : await connection.sign(bob, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
            if (status === 200) {
                answers++;
                if (orderId === null) open.add(orderId = JSON.parse(text).orderId);
                else if (open.delete(orderId)) orderId = null;
            } else if (status === 503) refused++;
            else assert.fail(text);
            if (headers.connection === 'close') return;
        }
    });
    await until('work on all connections', () => answers > 50 * lone.length);
    process.kill(exchange.pid(), 'SIGTERM');
    await Promise.all(work);
    await until('the node to end', () => readFileSync(join(exchange.node, 'log'), 'utf8').includes('"stopped" pid='));
    assert.ok(refused <= lone.length);
    connections.forEach((connection) => connection.close());
    await exchange.up();
    const left = await new Connection().ask(bob, 'GET', '/api/v3/openOrders', { symbol: SYMBOL });
    assert.deepEqual(left.map(({ orderId }) => orderId).sort(), [...open].sort());
});
