// What comes over a bare socket and is not what it should be: requests that two readers would read differently, that do
// not end, that nobody waits for; and ten thousand who say nothing. Each refusal leaves everything as it was: a quiet
// exchange seals the same state root before and after.

import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signedRequest, signedText } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';
import { metric } from './trading.mjs';

const TIME = '/api/v3/time';
let exchange, ann;

before(async () => {
    exchange = await Exchange.start(18431);
    [ann] = exchange.accounts;
    appendFileSync(join(exchange.node, 'quorex.conf'), 'header_s = 1\nbody_s = 1\nconnections_max = 16384\n');
    process.kill(exchange.pid(), 'SIGHUP');
    await until('short times', async () => await metric(exchange.http, 'reloads_total') === 1);
}, { timeout: 600000 });

after(() => exchange?.stop());

const sealedRoot = async () => (await exchange.certified()).stateRoot;

// A test after which the state is what it was.
function quietly(name, body) {
    test(name, { timeout: 300000 }, async () => {
        const before = await sealedRoot();
        await body();
        assert.equal(await sealedRoot(), before);
        assert.equal((await fetch(exchange.http + TIME)).status, 200);
    });
}

// A connection of our own: what came back so far, and its end.
class Bare {
    static async open() {
        const bare = new Bare();
        bare.text = '';
        bare.socket = connect({ port: exchange.port, host: '127.0.0.1', allowHalfOpen: true });
        bare.socket.setEncoding('latin1');
        bare.socket.on('data', (text) => (bare.text += text));
        bare.socket.on('error', () => {}); // a reset is an end too
        bare.ended = new Promise((resolve) => bare.socket.on('end', resolve).on('close', resolve));
        await new Promise((resolve, reject) => bare.socket.once('connect', resolve).once('error', reject));
        return bare;
    }

    write(bytes) {
        this.socket.write(bytes, 'latin1');
        return this;
    }

    get statuses() {
        return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    }

    async answers(count) {
        await until(`${count} answers`, () => this.statuses.length >= count, 60);
        return this.statuses;
    }

    // Everything, once the server has closed.
    async end() {
        await this.ended;
        this.socket.destroy();
        return this.text;
    }

    close() {
        this.socket.destroy();
    }
}

// All that is answered to these bytes, up to the server's own end of the connection.
async function raw(bytes) {
    const bare = (await Bare.open()).write(bytes);
    const ended = await Promise.race([bare.ended.then(() => true), new Promise((resolve) => setTimeout(resolve, 15000, false).unref())]);
    bare.close();
    return { text: bare.text, statuses: bare.statuses, ended };
}

const HOST = 'Host: x\r\n';
// What another reader might take for a request of its own: it must never be answered.
const HIDDEN = `GET /api/v3/exchangeInfo HTTP/1.1\r\n${HOST}\r\n`;
const post = (fields, body = '') => `POST /api/v3/order HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;

// [what it is, the bytes]: all are refused, and the connection ends.
const ambiguous = [
    ['two lengths', post('Content-Length: 1\r\nContent-Length: 2\r\n', `ab${HIDDEN}`)],
    ['the same length twice', post('Content-Length: 2\r\nContent-Length: 2\r\n', `ab${HIDDEN}`)],
    ['a list of lengths', post('Content-Length: 2, 2\r\n', `ab${HIDDEN}`)],
    ['a length with a sign', post('Content-Length: +2\r\n', `ab${HIDDEN}`)],
    ['a length below zero', post('Content-Length: -1\r\n', HIDDEN)],
    ['a length in hex', post('Content-Length: 0x2\r\n', `ab${HIDDEN}`)],
    ['a length of two words', post('Content-Length: 2 2\r\n', `ab${HIDDEN}`)],
    ['a length without digits', post('Content-Length: \r\n', HIDDEN)],
    ['a length beyond any number', post('Content-Length: 99999999999999999999999999\r\n', HIDDEN)],
    ['length and chunks', post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['chunks and length', post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['chunks twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['chunks, and something else', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['an encoding that is none', post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['chunks in quotes', post('Transfer-Encoding: "chunked"\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['encodings in a list', post('Transfer-Encoding: gzip, chunked\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['chunks that are not last', post('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['an empty encoding', post('Transfer-Encoding: \r\n', `0\r\n\r\n${HIDDEN}`)],
    ['a space before the colon', post('Transfer-Encoding : chunked\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['a space before a length\'s colon', post('Content-Length : 2\r\n', `ab${HIDDEN}`)],
    ['a tab before the colon', post('Transfer-Encoding\t: chunked\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['a control character in a name', post('Transfer-Encoding\x0b: chunked\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['a control character in a value', post('Transfer-Encoding: \x0bchunked\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['a folded encoding', post('Transfer-Encoding:\r\n chunked\r\n', `0\r\n\r\n${HIDDEN}`)],
    ['a folded length', post('Content-Length: 2\r\n 2\r\n', `ab${HIDDEN}`)],
    ['a folded field of no meaning', post('X-Note: a\r\n\tb\r\nContent-Length: 2\r\n', `ab${HIDDEN}`)],
    ['a fold before the first field', `POST /api/v3/order HTTP/1.1\r\n Content-Length: 2\r\n${HOST}\r\nab${HIDDEN}`],
    ['NUL in a value', post('X-Note: a\0b\r\nContent-Length: 2\r\n', `ab${HIDDEN}`)],
    ['NUL in a name', post('X-\0Note: a\r\nContent-Length: 2\r\n', `ab${HIDDEN}`)],
    ['NUL in the path', `GET /api/v3/ti\0me HTTP/1.1\r\n${HOST}\r\n${HIDDEN}`],
    ['a bare CR in a value', post('X-Note: a\rTransfer-Encoding: chunked\r\nContent-Length: 2\r\n', `ab${HIDDEN}`)],
    ['a field without a colon', post('Content-Length\r\n', HIDDEN)],
    ['a field without a name', post(': 2\r\n', HIDDEN)],
    ['a chunk larger than any', post('Transfer-Encoding: chunked\r\n', `ffffffffffffffff0\r\n${HIDDEN}`)],
    ['a chunk as large as memory', post('Transfer-Encoding: chunked\r\n', `ffffffffffffffff\r\n${HIDDEN}`)],
    ['a chunk size of no digits', post('Transfer-Encoding: chunked\r\n', `\r\n${HIDDEN}`)],
    ['a chunk size with a sign', post('Transfer-Encoding: chunked\r\n', `-1\r\n${HIDDEN}`)],
    ['a chunk size in C', post('Transfer-Encoding: chunked\r\n', `0x2\r\nab\r\n0\r\n\r\n${HIDDEN}`)],
    ['chunks in HTTP/1.0', `POST /api/v3/order HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
    ['no host', `GET ${TIME} HTTP/1.1\r\n\r\n${HIDDEN}`],
    ['two hosts', `GET ${TIME} HTTP/1.1\r\n${HOST}Host: y\r\n\r\n${HIDDEN}`],
    ['no version', `GET ${TIME}\r\n\r\n${HIDDEN}`],
    ['a version that is none', `GET ${TIME} HTTP/1.x\r\n${HOST}\r\n${HIDDEN}`],
    ['HTTP/2 without asking', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`],
    ['another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.padEnd(600, '\0')],
    ['two spaces in the first line', `GET  ${TIME} HTTP/1.1\r\n${HOST}\r\n${HIDDEN}`],
    ['a request line of spaces', '   \r\n\r\n'],
    ['too many fields', `GET ${TIME} HTTP/1.1\r\n${HOST}${'X-A: b\r\n'.repeat(200)}\r\n${HIDDEN}`],
    ['a field without an end', `GET ${TIME} HTTP/1.1\r\n${HOST}X-Long: ${'x'.repeat(1 << 20)}\r\n\r\n${HIDDEN}`],
    ['20 KiB of fields', `GET ${TIME} HTTP/1.1\r\n${HOST}${`X-A: ${'b'.repeat(1000)}\r\n`.repeat(20)}\r\n${HIDDEN}`],
    ['a URL of a megabyte', `GET ${TIME}?x=${'y'.repeat(1 << 20)} HTTP/1.1\r\n${HOST}\r\n${HIDDEN}`],
    ['a method of a megabyte', 'G'.repeat(1 << 20)],
    ['a body beyond what is taken', post('Content-Length: 10000000\r\n', 'x'.repeat(100000))],
    ['chunks beyond what is taken', post('Transfer-Encoding: chunked\r\n', `fffff\r\n${'x'.repeat(0xfffff)}\r\n0\r\n\r\n`)],
];

quietly('what can be read two ways is refused, and nothing behind it is answered', async () => {
    const taken = [], oversized = await metric(exchange.http, 'http_oversized_total');
    await Promise.all(ambiguous.map(async ([what, bytes]) => {
        const { statuses, ended } = await raw(bytes);
        const isRefused = ended && statuses.length <= 1 && statuses.every((status) => status >= 400 && status < 500);
        if (!isRefused) taken.push([what, ended, ...statuses]);
    }));
    assert.deepEqual(taken, []);
    // Two bodies by libh2o, and one header; headers beyond libh2o's own bound are malformed to it.
    await until('what was too large to be counted', async () =>
        await metric(exchange.http, 'http_oversized_total') === oversized + 3);
});

// [what it is, the bytes, the answers]: unusual, but one way to read it.
const unusual = [
    ['chunk extensions', post('Transfer-Encoding: chunked\r\nConnection: close\r\n', '1;a=b\r\nx\r\n0;c\r\n\r\n'), [401]],
    ['a trailer behind the chunks', post('Transfer-Encoding: chunked\r\nConnection: close\r\n', '1\r\nx\r\n0\r\nContent-Length: 9\r\n\r\n'), [401]],
    ['an encoding in capitals', post('transfer-encoding: CHUNKED\r\nConnection: close\r\n', '1\r\nx\r\n0\r\n\r\n'), [401]],
    ['the whole URL', `GET http://elsewhere.example${TIME} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, [200]],
    ['another host', `GET ${TIME} HTTP/1.1\r\nHost: elsewhere.example:99\r\nConnection: close\r\n\r\n`, [200]],
    ['HTTP/1.0', `GET ${TIME} HTTP/1.0\r\n\r\n`, [200]],
    ['a method of nobody', `BREW ${TIME} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, [405]],
    ['TRACE', `TRACE ${TIME} HTTP/1.1\r\n${HOST}X-Secret: told\r\nConnection: close\r\n\r\n`, [405]],
    ['CONNECT', `CONNECT elsewhere.example:80 HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, [404]],
    ['OPTIONS of everything', `OPTIONS * HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, [204]],
    ['OPTIONS', `OPTIONS ${TIME} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, [204]],
    ['HEAD', `HEAD ${TIME} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, [200]],
    ['GET with a body', `GET ${TIME} HTTP/1.1\r\n${HOST}Content-Length: 11\r\nConnection: close\r\n\r\ntimestamp=1`, [200]],
    ['GET with a body that nobody reads', `GET ${TIME} HTTP/1.1\r\n${HOST}Content-Length: 2\r\nConnection: close\r\n\r\nab`, [400]],
    ['an HTTP/2 that is offered', `GET ${TIME} HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`, [200]],
    ['a WebSocket where there is none', `GET ${TIME} HTTP/1.1\r\n${HOST}Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`, [200]],
    ['a path that climbs', `GET /api/../../etc/passwd HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, [404]],
    ['a path that climbs, encoded', `GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, [404]],
    ['an empty line before the request', `\r\nGET ${TIME} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, [200]],
    ['an expectation of nobody', post('Content-Length: 2\r\nExpect: tea\r\nConnection: close\r\n', 'ab'), [417]],
];

quietly('what is unusual is answered once', async () => {
    const answers = await Promise.all(unusual.map(async ([what, bytes]) => {
        const { text, statuses, ended } = await raw(bytes);
        assert.ok(ended, `${what}: left open, with ${text}`);
        assert.doesNotMatch(text, /X-Secret/i);
        if (what === 'HEAD') assert.match(text, /Content-Length: \d+[^]*\r\n\r\n$/i);
        return [what, ...statuses];
    }));
    assert.deepEqual(answers, unusual.map(([what, , expected]) => [what, ...expected]));
});

quietly('100 Continue is said once, before the body', async () => {
    const bare = (await Bare.open()).write(post('Content-Length: 2\r\nExpect: 100-continue\r\n'));
    await bare.answers(1);
    assert.deepEqual(bare.statuses, [100]);
    assert.deepEqual(await bare.write('ab').answers(2), [100, 401]);
    bare.close();
});

const times = (count, one) => Array.from({ length: count }, (_, index) => one(index)).join('');
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'ETHBTC'];
const ask = (symbol) => `GET /api/v3/ticker/price?symbol=${symbol} HTTP/1.1\r\n${HOST}\r\n`;
const LAST = `GET ${TIME} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const symbolsOf = (text) => [...text.matchAll(/^\{"symbol":"([A-Z]+)"/gm)].map(([, symbol]) => symbol);

quietly('a hundred requests in one write are answered in their order', async () => {
    const bare = (await Bare.open()).write(times(100, (index) => ask(SYMBOLS[index % 3])));
    await until('a hundred answers', () => symbolsOf(bare.text).length === 100);
    assert.deepEqual(symbolsOf(bare.text), Array.from({ length: 100 }, (_, index) => SYMBOLS[index % 3]));
    bare.close();
});

// Resident bytes of the node.
const resident = () => 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${exchange.pid()}/status`, 'utf8'))[1]);

quietly('of a hundred thousand requests that nobody reads the answers of, few are held', async () => {
    const before = resident();
    const bare = await Bare.open();
    bare.socket.pause();
    bare.write(times(99999, (index) => ask(SYMBOLS[index % 3])) + LAST);
    await until('the node to take no more', async () => {
        const taken = bare.socket.bytesWritten - bare.socket.writableLength;
        await new Promise((resolve) => setTimeout(resolve, 300));
        return bare.socket.bytesWritten - bare.socket.writableLength === taken;
    });
    assert.ok(bare.socket.writableLength > 0, 'all of it was taken');
    assert.ok(resident() - before < 16 << 20, `${resident() - before} bytes more`);
    bare.socket.resume();
    await bare.ended;
    const { statuses } = bare;
    assert.equal(statuses.length, 100000);
    assert.ok(statuses.every((status) => status === 200));
    bare.close();
});

test('orders and questions on one connection are answered in their order', { timeout: 60000 }, async () => {
    const bare = await Bare.open();
    const signed = (method, path, parameters) => `${method} ${path}?${signedText(ann, parameters)} HTTP/1.1\r\n${HOST}` +
        `X-MBX-APIKEY: ${ann.apiKey}\r\nContent-Length: 0\r\n\r\n`;
    const order = (index) => ({ symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001',
                                price: String(20000 + index), newClientOrderId: `pipe-${index}` });
    bare.write(times(20, (index) => signed('POST', '/api/v3/order', order(index)) + ask('ETHBTC')));
    await bare.answers(40);
    await until('the last answer', () => symbolsOf(bare.text).length === 40);
    assert.deepEqual([...bare.text.matchAll(/"clientOrderId":"pipe-(\d+)"/g)].map(([, index]) => Number(index)),
                     Array.from({ length: 20 }, (_, index) => index));
    assert.deepEqual(symbolsOf(bare.text), Array.from({ length: 40 }, (_, index) => (index % 2 ? 'ETHBTC' : 'BTCUSDT')));
    bare.close();
    await signedRequest(exchange, ann, 'DELETE', '/api/v3/openOrders', { symbol: 'BTCUSDT' });
});

quietly('who ends his half behind a request is answered', async () => {
    const bare = (await Bare.open()).write(ask('BTCUSDT'));
    bare.socket.end();
    await bare.ended;
    assert.deepEqual(symbolsOf(bare.text), ['BTCUSDT']);
    const test = await Bare.open();
    test.write(`POST /api/v3/order/test?${signedText(ann, { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC',
        quantity: '0.001', price: '20000' })} HTTP/1.1\r\n${HOST}X-MBX-APIKEY: ${ann.apiKey}\r\nContent-Length: 0\r\n\r\n`);
    test.socket.end();
    await test.ended;
    assert.deepEqual(test.statuses, [200]);
    const half = (await Bare.open()).write(post('Content-Length: 10\r\n', 'abc'));
    half.socket.end();
    await half.ended; // a request that never becomes whole: no answer, or a refusal
    assert.ok(half.statuses.every((status) => status >= 400), half.text);
});

// Bytes that come so slowly that the request's time is over before it is whole, though something comes all the while.
async function trickle(head, piece) {
    const bare = (await Bare.open()).write(head);
    let isOver = false;
    bare.ended.then(() => { isOver = true; });
    await until('the server to have had enough', () => {
        if (!isOver && bare.socket.writable) bare.write(piece);
        return isOver;
    }, 20, 100);
    bare.close();
    return bare;
}

quietly('requests that come byte by byte are ended', async () => {
    const before = await metric(exchange.http, 'http_slow_closed_total');
    for (const [head, piece] of [[`GET ${TIME} HTTP/1.1\r\nX-A: `, 'b'], [`GET ${TIME} HTTP/1.1\r\n`, 'A: b\r\n'], ['G', 'E'],
                                 [post('Content-Length: 60000\r\n'), 'x'],
                                 [post('Transfer-Encoding: chunked\r\n'), '1\r\nx\r\n'],
                                 [post('Transfer-Encoding: chunked\r\n'), '0']]) {
        const { text, statuses } = await trickle(head, piece);
        assert.deepEqual(statuses, [408], `${JSON.stringify(head)}: ${text}`);
    }
    assert.equal(await metric(exchange.http, 'http_slow_closed_total'), before + 6);
});

const connections = () => metric(exchange.http, 'http_connections');

quietly('uploads that are broken off leave nothing behind', async () => {
    const before = await connections();
    for (let round = 0; round < 10; round++) {
        const all = await Promise.all(Array.from({ length: 50 }, () => Bare.open()));
        for (const [index, bare] of all.entries())
            bare.write(post(index % 2 ? 'Content-Length: 60000\r\n' : 'Transfer-Encoding: chunked\r\n',
                            index % 2 ? 'x'.repeat(30000) : `7530\r\n${'x'.repeat(20000)}`));
        await until('the bytes to be away', () => all.every(({ socket }) => socket.writableLength === 0));
        for (const bare of all) bare.socket.resetAndDestroy();
    }
    await until('their connections to be gone', async () => await connections() <= before);
});

quietly('upgrades are all or nothing', async () => {
    const upgrade = (path, fields) => `GET ${path} HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`;
    const good = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    // Behind a handshake that was refused nothing is read; behind one that was taken it is frames, and these are none.
    const refused = await raw(upgrade('/ws', 'Sec-WebSocket-Version: 12\r\n') + HIDDEN);
    assert.deepEqual([refused.ended, ...refused.statuses], [true, 426], refused.text);
    for (const path of ['/ws', '/ws-api/v3', '/stream', '/quorex/v1/stream']) {
        const { text, statuses, ended } = await raw(upgrade(path, good) + HIDDEN);
        assert.deepEqual([ended, ...statuses], [true, 101], `${path}: ${text}`);
    }
    const withBody = await raw(upgrade('/ws', `${good}Content-Length: 5\r\n`) + `GET /${HIDDEN}`);
    assert.ok(withBody.ended && withBody.statuses.length === 1, withBody.text);
});

// ---- ten thousand ----

const HANDSHAKE = `GET /ws HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const IDLE = 10000;

// Median and highest of some questions, one after the other, in ms.
async function latency() {
    const taken = [];
    for (let i = 0; i < 200; i++) {
        const begun = performance.now();
        const answer = await fetch(exchange.http + TIME);
        await answer.json();
        taken.push(performance.now() - begun);
    }
    taken.sort((a, b) => a - b);
    return { median: taken[100], highest: taken.at(-1) };
}

quietly('ten thousand idle connections are held, and others are served', async () => {
    const alone = await latency(), before = resident(), all = [];
    while (all.length < IDLE) {
        const some = await Promise.all(Array.from({ length: 500 }, () => Bare.open()));
        for (const [index, bare] of some.entries()) bare.write(index % 2 ? HANDSHAKE : ask('BTCUSDT'));
        await Promise.all(some.map((bare) => bare.answers(1)));
        all.push(...some);
    }
    assert.ok(all.every(({ statuses }, index) => statuses[0] === (index % 2 ? 101 : 200)));
    const each = (resident() - before) / IDLE, beside = await latency();
    console.log(`# ${IDLE} idle connections: ${Math.round(each)} bytes each; a question takes ${alone.median.toFixed(2)} ms ` +
                `alone, ${beside.median.toFixed(2)} ms beside them (highest ${beside.highest.toFixed(1)} ms)`);
    assert.ok(each < 32768, `${each} bytes each`);
    assert.ok(beside.median < 10 * alone.median + 5, 'others wait for those who say nothing');
    const { body } = await signedRequest(exchange, ann, 'GET', '/api/v3/openOrders');
    assert.deepEqual(body, []);
    for (const bare of all) bare.socket.resetAndDestroy();
    await until('them all to be gone', async () => await connections() < 100);
});
