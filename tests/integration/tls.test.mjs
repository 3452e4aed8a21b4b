// TLS at the port, settings and a certificate that are read again, and a stop under load.
//
// Clients check certificates as they always do: see authority.mjs.

import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { putCertificate, speakTls, tellTrusted, trusted } from './authority.mjs';
import { apiNode, binanceRest, ccxtPro, ccxtRest, connectorRest, nodeBinance, signedRequest, signedText,
         spotClient } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';
import { Streams } from './streams.mjs';
import { metric } from './trading.mjs';

const PORT = 18399;
const SYMBOL = 'BTCUSDT';
const ELSEWHERE = ['https://b.example:8443', 'https://c.example'];

if (trusted === undefined) tellTrusted('clients that check certificates', import.meta.url);
else tellTls(trusted);

function tellTls(folder) {
    let exchange, ann, bob, certificate;

    const log = () => readFileSync(join(exchange.node, 'log'), 'utf8');
    const configure = (line) => appendFileSync(join(exchange.node, 'quorex.conf'), `${line}\n`);
    const gone = () => until('the node to be gone', () => exchange.pid() === 0, 30);

    // Who is shown to a new connection, and by which version.
    const shown = () => new Promise((resolve, reject) => {
        const socket = tls.connect({ host: '127.0.0.1', port: PORT }, () => {
            const answer = { name: socket.getPeerCertificate().subject.CN, version: socket.getProtocol() };
            socket.destroy();
            resolve(answer);
        });
        socket.on('error', reject);
    });

    // A request on an agent's one connection: status, body, and whether the connection was there before.
    const ask = (agent, path, { method = 'GET', headers = {} } = {}) => new Promise((resolve, reject) => {
        const request = https.request({ host: '127.0.0.1', port: PORT, path, method, headers, agent }, (answer) => {
            const parts = [];
            answer.on('data', (part) => parts.push(part));
            answer.on('error', reject);
            answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers,
                                             body: JSON.parse(Buffer.concat(parts)),
                                             isKept: request.reusedSocket }));
        });
        request.on('error', reject);
        request.end();
    });

    before(async () => {
        exchange = await Exchange.start(PORT, ['--quiet', '--no-limits']);
        [ann, bob] = exchange.accounts;
        ({ certificate } = await speakTls(exchange, folder, `elsewhere = ${ELSEWHERE}\n`));
    }, { timeout: 600000 });

    after(() => exchange.stop());

    test('TLS 1.3 alone is spoken, and HTTP/1.1', async () => {
        assert.deepEqual(await shown(), { name: 'first', version: 'TLSv1.3' });
        const refused = (options) => new Promise((resolve) => {
            const socket = tls.connect({ host: '127.0.0.1', port: PORT, ...options }, () => resolve('spoken'));
            socket.on('error', () => resolve('refused'));
        });
        assert.equal(await refused({ maxVersion: 'TLSv1.2' }), 'refused');
        assert.equal(await refused({ ALPNProtocols: ['h2'] }), 'refused');
        assert.equal(await refused({ ALPNProtocols: ['h2', 'http/1.1'] }), 'spoken');
        await assert.rejects(fetch(`http://127.0.0.1:${PORT}/api/v3/ping`));
    });

    const buy = (price) => ({ symbol: SYMBOL, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.1', price });

    test('every client trades over it', async () => {
        const placed = [];
        const rest = ccxtRest(exchange, ann);
        placed.push(Number((await rest.createOrder('BTC/USDT', 'limit', 'buy', 0.1, 100)).id));
        for (const kind of ['HMAC', 'ED25519'])
            placed.push((await binanceRest(exchange, ann, kind).submitNewOrder(buy('101'))).orderId);
        const spot = spotClient(exchange, ann);
        placed.push(Number((await (await spot.restAPI.newOrder({ ...buy('102'), quantity: 0.1, price: 102 })).data()).orderId));
        placed.push(Number((await connectorRest(exchange, ann).newOrder(SYMBOL, 'BUY', 'LIMIT', {
            timeInForce: 'GTC', quantity: 0.1, price: 103 })).data.orderId));
        placed.push((await apiNode(exchange, ann).order(buy('104'))).orderId);
        placed.push((await nodeBinance(exchange, ann).buy(SYMBOL, 0.1, 105)).orderId);
        const { body } = await signedRequest(exchange, ann, 'GET', '/api/v3/openOrders', { symbol: SYMBOL });
        assert.deepEqual(body.map(({ orderId }) => orderId).sort((a, b) => a - b), placed.sort((a, b) => a - b));
        assert.equal(new Set(placed).size, 7);
        await signedRequest(exchange, ann, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
    });

    test('streams and the WebSocket API are spoken over it', async () => {
        const pro = await ccxtPro(exchange, ann);
        let watched;
        pro.watchTrades('BTC/USDT').then((trades) => { watched = trades; }, () => {});
        const streams = await Streams.open(`${exchange.ws}/stream?streams=btcusdt@trade`);
        const spot = spotClient(exchange, bob);
        const api = await spot.websocketAPI.connect();
        await until('a trade to be seen', async () => {
            await signedRequest(exchange, ann, 'POST', '/api/v3/order', { ...buy('50000'), side: 'SELL' });
            const answer = await api.orderPlace({ ...buy('50000'), quantity: 0.1, price: 50000 });
            assert.equal(answer.data.status, 'FILLED');
            return streams.of('btcusdt@trade').length > 0 && watched !== undefined;
        }, 60);
        assert.equal(watched[0].price, 50000);
        await api.disconnect();
        await pro.close();
        await streams.close();
    });

    test('a body larger than any buffer arrives, in pieces and whole', async () => {
        const orders = Array.from({ length: 100 }, (_, i) => ({ ...buy(String(200 + i)), newClientOrderId: 'x'.repeat(30) + i }));
        const text = `batchOrders=${encodeURIComponent(JSON.stringify(orders))}`;
        assert.ok(text.length > 16384);
        const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
        for (const size of [text.length, 8192, 1000, 77]) {
            const status = await new Promise((resolve, reject) => {
                const request = https.request({
                    host: '127.0.0.1', port: PORT, path: '/api/v3/order', method: 'POST', agent,
                    headers: { 'Content-Length': text.length, 'Content-Type': 'application/x-www-form-urlencoded' },
                }, (answer) => { answer.resume(); answer.on('end', () => resolve(answer.statusCode)); });
                request.on('error', reject);
                for (let at = 0; at < text.length; at += size) request.write(text.slice(at, at + size));
                request.end();
            });
            assert.ok(status === 400 || status === 401, String(status));
        }
        agent.destroy();
    });

    test('a new certificate is shown after SIGHUP, and connections go on', async () => {
        const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
        await ask(agent, '/api/v3/ping');
        const streams = await Streams.open(`${exchange.ws}/ws`);
        putCertificate(folder, 'second');
        assert.equal((await shown()).name, 'first'); // nobody looks before he is told to
        process.kill(exchange.pid(), 'SIGHUP');
        await until('the new certificate to be shown', async () => (await shown()).name === 'second');
        const { status, isKept } = await ask(agent, '/api/v3/ping');
        assert.deepEqual([status, isKept], [200, true]);
        assert.deepEqual((await streams.ask('LIST_SUBSCRIPTIONS', [], 1)).result, []);
        await streams.close();
        agent.destroy();
        assert.equal(await metric(exchange.http, 'reloads_total'), 1);
        assert.ok(await metric(exchange.http, 'tls_expires_s') > Date.now() / 1000 + 86400);
    });

    test('a certificate or a setting that cannot be used changes nothing, and the log says so', async () => {
        const failed = async (count) => until('the refusal to be counted',
            async () => await metric(exchange.http, 'reloads_failed_total') === count);
        const good = readFileSync(certificate);
        writeFileSync(certificate, 'nothing');
        process.kill(exchange.pid(), 'SIGHUP');
        await failed(1);
        assert.match(log(), /error node "certificate and key cannot be used" certificate="[^"]*node.pem"/);
        assert.match(log(), /error node "settings not taken: the old ones stay, and the old certificate"/);
        writeFileSync(certificate, good);
        configure('header_s = many');
        process.kill(exchange.pid(), 'SIGHUP');
        await failed(2);
        assert.match(log(), /"settings not taken: the old ones stay" source="[^"]*quorex.conf" line=\d+ key="header_s"/);
        assert.equal((await shown()).name, 'second');
        configure('header_s = 5'); // behind the bad line, which is still there
        process.kill(exchange.pid(), 'SIGHUP');
        await failed(3);
        const path = join(exchange.node, 'quorex.conf');
        writeFileSync(path, readFileSync(path, 'utf8').replace('header_s = many\n', 'peer_port = 9999\n'));
        process.kill(exchange.pid(), 'SIGHUP');
        await until('the settings to be taken', async () => await metric(exchange.http, 'reloads_total') === 2);
        assert.match(log(), /"setting changed" key=header_s/);
        assert.match(log(), /"setting changes at the next start" key=peer_port/);
        assert.match(log(), /"settings read again" changed=1 at_next_start=1/);
    });

    const count = (name) => metric(exchange.http, name);

    // What a client of the kind says first.
    const helloOf = (options) => new Promise((resolve) => {
        const wire = new Duplex({ read() {}, write(bytes, _, done) { resolve(bytes); done(); } });
        tls.connect({ socket: wire, ...options }).on('error', () => {});
    });

    // A bare connection on which this is said, and nothing more: it ends when the node ends it.
    const said = async (bytes) => {
        const socket = connect(PORT, '127.0.0.1');
        socket.on('error', () => {});
        const ended = new Promise((resolve) => socket.on('end', resolve).on('close', resolve));
        await new Promise((resolve) => socket.once('connect', resolve));
        socket.resume().write(bytes);
        return { socket, ended };
    };

    const record = (type, body, length = body.length) =>
        Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 0xff]), body]);

    test('handshakes that do not end are ended, and others are served meanwhile', async () => {
        const hello = await helloOf({});
        configure('header_s = 1');
        process.kill(exchange.pid(), 'SIGHUP');
        await until('short times', async () => await count('reloads_total') === 3);
        const before = await count('tls_slow_closed_total');
        // Silent ones, those that stop anywhere in their first word, and those that say no second.
        const halves = Array.from({ length: 200 }, (_, index) => hello.subarray(0, Math.floor(hello.length * index / 199)));
        const all = await Promise.all(halves.map((half) => said(half)));
        const agent = new https.Agent({ keepAlive: false });
        assert.equal((await ask(agent, '/api/v3/ping')).status, 200);
        await Promise.all(all.map(({ ended }) => ended));
        assert.equal(await count('tls_slow_closed_total'), before + 200);
        for (const { socket } of all) socket.destroy();
    });

    test('what is no TLS is ended at once, however much of it comes', async () => {
        const hello = await helloOf({}), before = await count('tls_failed_total');
        const handshake = (length, byteCount) => Buffer.concat([Buffer.from([1, length >> 16, length >> 8 & 0xff, length & 0xff]),
                                                                Buffer.alloc(byteCount)]);
        const pieces = Array.from({ length: 64 }, () => record(22, Buffer.alloc(16384)));
        const garbage = [
            ['bytes of nobody', Buffer.alloc(4096, 0xa5)],
            ['HTTP', Buffer.from('GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n')],
            ['SSL 2', Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10, ...Buffer.alloc(37)])],
            ['a record longer than any', record(22, Buffer.alloc(65000), 65535)],
            ['an empty first word', record(22, handshake(0, 0))],
            ['a first word of 16 MiB, in pieces', Buffer.concat([record(22, handshake(0xffffff, 16380)), ...pieces])],
            ['data before any key', record(23, Buffer.alloc(100))],
            ['a heartbeat', record(24, Buffer.from([1, 0xff, 0xff]))],
            ['new ciphers before any', Buffer.concat(Array.from({ length: 200 }, () => record(20, Buffer.from([1]))))],
            ['alerts alone', Buffer.concat(Array.from({ length: 200 }, () => record(21, Buffer.from([1, 90]))))],
            ['a first word twice', Buffer.concat([hello, hello])],
            ['another version', await helloOf({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })],
        ];
        const left = [];
        await Promise.all(garbage.map(async ([what, bytes]) => {
            const { socket, ended } = await said(bytes);
            const slow = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20000, 'slow').unref())]);
            if (slow === 'slow') left.push(what);
            socket.destroy();
        }));
        assert.deepEqual(left, []);
        assert.equal(await count('tls_failed_total'), before + garbage.length);
    });

    // As many at once as a client's pool opens after a break, with their sessions of before, or with certificates of their own.
    const storm = (size, options) => Promise.all(Array.from({ length: size }, () => new Promise((resolve, reject) => {
        const socket = tls.connect({ host: '127.0.0.1', port: PORT, ...options }, () => {
            socket.end(`GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        });
        let text = '';
        socket.on('data', (bytes) => { text += bytes; });
        socket.on('end', () => resolve({ status: text.slice(9, 12), isResumed: socket.isSessionReused(),
                                         name: socket.getPeerCertificate().subject?.CN }));
        socket.on('error', reject);
    })));

    test('sessions are taken up again, and nobody is asked for a certificate', async () => {
        const session = await new Promise((resolve, reject) => {
            const socket = tls.connect({ host: '127.0.0.1', port: PORT });
            socket.once('session', (ticket) => { resolve(ticket); socket.destroy(); });
            socket.on('error', reject);
        });
        const resumed = await storm(200, { session });
        assert.ok(resumed.every(({ status, isResumed }) => status === '200' && isResumed), JSON.stringify(resumed[0]));
        const own = { cert: readFileSync(certificate), key: readFileSync(join(folder, 'node.key')) };
        assert.ok((await storm(20, own)).every(({ status }) => status === '200'));
        const forged = Buffer.from(session);
        for (let at = 200; at < forged.length; at += 3) forged[at] ^= 0x55;
        for (const { status, isResumed } of await storm(20, { session: forged }).catch(() => [])) // a client may refuse it itself
            assert.deepEqual([status, isResumed], ['200', false]);
    });

    test('certificates that change under load fail nobody', async () => {
        const before = [await count('tls_failed_total'), await count('reloads_total')];
        const seen = new Set();
        for (let round = 0; round < 4; round++) {
            const name = `round-${round}`;
            putCertificate(folder, name);
            process.kill(exchange.pid(), 'SIGHUP');
            do {
                const answers = await storm(40, {});
                assert.ok(answers.every(({ status }) => status === '200'));
                for (const answer of answers) seen.add(answer.name);
            } while (!seen.has(name));
        }
        assert.deepEqual([...seen].sort().slice(0, 4), [0, 1, 2, 3].map((round) => `round-${round}`));
        assert.deepEqual([await count('tls_failed_total'), await count('reloads_total')], [before[0], before[1] + 4]);
    });

    // Clients that trade all the while: each request has a definite answer or found the port closed, nobody's
    // connection ends in the middle of one, and afterwards the exchange has exactly the orders that it acknowledged.
    test('a stop under load loses no answer', async () => {
        const acknowledged = new Set(), refused = new Set(), other = [];
        const path = (id) => `/api/v3/order?${signedText(ann, { ...buy('300'), newClientOrderId: id })}`;
        const trade = async (number) => {
            const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
            for (let i = 0; ; i++) {
                const id = `stop-${number}-${i}`;
                try {
                    const { status, body } = await ask(agent, path(id), {
                        method: 'POST', headers: { 'X-MBX-APIKEY': ann.apiKey } });
                    if (status === 200) acknowledged.add(id);
                    else if (status === 503 && body.code === -1016) refused.add(id);
                    else other.push([id, status, body]);
                } catch (error) {
                    if (error.code !== 'ECONNREFUSED') other.push([id, error.code, error.message]);
                    agent.destroy();
                    return;
                }
            }
        };
        const streams = await Streams.open(`${exchange.ws}/stream?streams=btcusdt@depth`);
        const clients = Array.from({ length: 8 }, (_, number) => trade(number));
        await until('the clients to trade', () => acknowledged.size > 100);
        process.kill(exchange.pid(), 'SIGTERM');
        await Promise.all(clients);
        const { code, reason } = await streams.ends;
        assert.deepEqual([code, reason], [1001, `the node is stopping: go to ${ELSEWHERE[0]}`]);
        assert.deepEqual(streams.last('!serverShutdown').elsewhere, ELSEWHERE);
        await gone();
        assert.deepEqual(other, []);
        assert.match(log(), /info node "stopped"/);
        assert.doesNotMatch(log().slice(log().lastIndexOf('"stopping"')), /did not close in time/);

        await exchange.startNode();
        const { body } = await signedRequest(exchange, ann, 'GET', '/api/v3/openOrders', { symbol: SYMBOL });
        const there = new Set(body.map(({ clientOrderId }) => clientOrderId));
        assert.deepEqual([...acknowledged].filter((id) => !there.has(id)), []);
        assert.deepEqual([...refused].filter((id) => there.has(id)), []);
        console.log(`# ${acknowledged.size} orders acknowledged, ${refused.size} refused at the stop`);
    });
}
