// RFC 6455 against a real server: node:net and frames made by hand, no WebSocket library. Each test names its section.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Exchange, until } from './exchange.mjs';

const PING_S = 1, PONG_S = 3;
let exchange;

before(async () => {
    exchange = new Exchange(18344, ['--quiet']);
    await exchange.up();
    // The node again, with shorter times: what is tested is that they are kept, not how long a minute is.
    await exchange.kill();
    appendFileSync(join(exchange.node, 'quorex.conf'),
                   `\nws_ping_s = ${PING_S}\nws_pong_s = ${PONG_S}\naddress_connections_max = 40\nheader_s = 1\n`);
    await exchange.startNode();
});

after(() => exchange?.stop());

const TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, FIN = 0x80;

// A client frame. `options`: mask (false: none), length (what the head says), form (7, 16 or 64 bits of length).
function frame(first, payload = '', options = {}) {
    const body = Buffer.from(payload);
    const length = options.length ?? BigInt(body.length);
    const form = options.form ?? (length < 126n ? 7 : length < 65536n ? 16 : 64);
    const masked = options.mask === false ? 0 : 0x80;
    const head = Buffer.alloc(form === 7 ? 2 : form === 16 ? 4 : 10);
    head[0] = first;
    head[1] = masked | (form === 7 ? Number(length) : form === 16 ? 126 : 127);
    if (form === 16) head.writeUInt16BE(Number(length), 2);
    if (form === 64) head.writeBigUInt64BE(length, 2);
    if (!masked) return Buffer.concat([head, body]);
    const mask = options.mask ?? randomBytes(4);
    return Buffer.concat([head, mask, body.map((byte, at) => byte ^ mask[at % 4])]);
}

const closeBody = (code, reason = '') => {
    const body = Buffer.alloc(2 + Buffer.byteLength(reason));
    body.writeUInt16BE(code);
    body.write(reason, 2);
    return body;
};

class Socket {
    constructor(path = '/ws') {
        this.bytes = Buffer.alloc(0);
        this.ended = false;
        this.waiting = [];
        this.socket = connect(exchange.port, '127.0.0.1');
        this.socket.setNoDelay(true);
        this.path = path;
        const wake = () => { for (const resolve of this.waiting.splice(0)) resolve(); };
        this.socket.on('data', (data) => { this.bytes = Buffer.concat([this.bytes, data]); wake(); });
        for (const name of ['end', 'close', 'error']) this.socket.on(name, () => { this.ended = true; wake(); });
    }

    send(...frames) { this.socket.write(Buffer.concat(frames)); }

    leave() { this.socket.destroy(); }

    // Waits until `take` finds what it wants in the bytes; null at the end of the stream.
    async until(take) {
        for (;;) {
            const found = take();
            if (found !== null) return found;
            if (this.ended) return null;
            await new Promise((resolve, reject) => {
                const timer = setTimeout(() => reject(new Error('nothing came for 20 s')), 20000);
                this.waiting.push(() => { clearTimeout(timer); resolve(); });
            });
        }
    }

    // The head of an HTTP answer: its status and its fields in lower case.
    async head() {
        const text = await this.until(() => {
            const end = this.bytes.indexOf('\r\n\r\n');
            if (end < 0) return null;
            const head = this.bytes.subarray(0, end).toString('latin1');
            this.bytes = this.bytes.subarray(end + 4);
            return head;
        });
        assert.notEqual(text, null, 'no answer to the handshake');
        const lines = text.split('\r\n');
        const fields = Object.fromEntries(lines.slice(1).map((line) => {
            const at = line.indexOf(':');
            return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
        }));
        return { status: Number(lines[0].split(' ')[1]), fields };
    }

    // The next frame of the server; null at the end of the stream.
    async hear() {
        return this.until(() => {
            const { bytes } = this;
            if (bytes.length < 2) return null;
            const short = bytes[1] & 0x7f;
            const at = short < 126 ? 2 : short === 126 ? 4 : 10;
            if (bytes.length < at) return null;
            const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
            if (bytes.length < at + length) return null;
            this.bytes = bytes.subarray(at + length);
            return { fin: (bytes[0] & 0x80) !== 0, reserved: bytes[0] & 0x70, opcode: bytes[0] & 0x0f,
                     masked: (bytes[1] & 0x80) !== 0, payload: bytes.subarray(at, at + length) };
        });
    }

    // The same, but for the server's own pings.
    async hearPast(opcode = PING) {
        for (;;) {
            const heard = await this.hear();
            if (heard?.opcode !== opcode) return heard;
        }
    }

    async hearJson() {
        const heard = await this.hearPast();
        assert.equal(heard?.opcode, TEXT);
        return JSON.parse(heard.payload.toString());
    }
}

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const usual = { Host: 'x', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': key,
                'Sec-WebSocket-Version': '13' };

function handshake(fields, { method = 'GET', version = 'HTTP/1.1', path = '/ws' } = {}) {
    const lines = Object.entries(fields).flatMap(([name, value]) => [].concat(value ?? []).map((one) => `${name}: ${one}`));
    return Buffer.from(`${method} ${path} ${version}\r\n${lines.join('\r\n')}\r\n\r\n`);
}

async function shake(fields, options) {
    const socket = new Socket();
    socket.send(handshake(fields, options));
    return { socket, ...(await socket.head()) };
}

async function open(path) {
    const { socket, status } = await shake(usual, { path });
    assert.equal(status, 101);
    return socket;
}

const ask = (id) => `{"method":"LIST_SUBSCRIPTIONS","id":${id}}`;
const answer = (id) => ({ result: [], id });

async function expectClose(socket, code) {
    let heard;
    do heard = await socket.hear(); while (heard !== null && heard.opcode !== CLOSE);
    assert.notEqual(heard, null, `the stream ended without a close frame (${code})`);
    assert.ok(heard.payload.length >= 2 && heard.payload.length <= 125);
    assert.equal(heard.payload.readUInt16BE(0), code);
    return heard.payload.subarray(2).toString();
}

// Nothing follows a close frame but the end of the stream.
async function expectEnd(socket) {
    assert.equal(await socket.hear(), null);
    assert.ok(socket.ended);
    socket.leave();
}

async function refused(code, ...frames) {
    const socket = await open();
    socket.send(...frames);
    assert.notEqual(await expectClose(socket, code), '', 'a refusal says why');
    socket.send(frame(FIN | CLOSE, closeBody(code))); // a client that is still well answers
    await expectEnd(socket);
}

async function metric(name) {
    const text = await (await fetch(`${exchange.http}/metrics`)).text();
    return Number(text.match(new RegExp(`^quorex_${name} (\\d+)$`, 'm'))[1]);
}

test('1.3, 4.2.2: the handshake is answered with the accept value of the RFC', async () => {
    const { socket, status, fields } = await shake(usual);
    assert.equal(status, 101);
    assert.equal(fields.upgrade.toLowerCase(), 'websocket');
    assert.equal(fields.connection.toLowerCase(), 'upgrade');
    assert.equal(fields['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    const other = randomBytes(16).toString('base64');
    const second = await shake({ ...usual, 'Sec-WebSocket-Key': other });
    assert.equal(second.fields['sec-websocket-accept'],
                 createHash('sha1').update(`${other}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'));
    socket.leave();
    second.socket.leave();
});

test('4.2.1: tokens are found among others and in any case', async () => {
    for (const fields of [{ Connection: 'keep-alive, Upgrade' }, { Connection: 'UPGRADE' }, { Upgrade: 'WebSocket' },
                          { Upgrade: 'h2c, websocket' }]) {
        const { socket, status } = await shake({ ...usual, ...fields });
        assert.equal(status, 101, JSON.stringify(fields));
        socket.leave();
    }
});

test('4.2.1, 4.4: what is no handshake is refused, a version with the one spoken', async () => {
    const cases = [
        [426, { 'Sec-WebSocket-Version': '8' }], [426, { 'Sec-WebSocket-Version': null }],
        [426, { 'Sec-WebSocket-Version': '13, 8' }], [400, { 'Sec-WebSocket-Version': ['13', '13'] }],
        [426, { Upgrade: null }], [426, { Connection: null }], [426, { Connection: 'keep-alive' }],
        [426, { Upgrade: 'h2c' }],
        [400, { 'Sec-WebSocket-Key': null }], [400, { 'Sec-WebSocket-Key': 'c2hvcnQ=' }],
        [400, { 'Sec-WebSocket-Key': '????????????????????????' }], [400, { 'Sec-WebSocket-Key': [key, key] }],
        [400, { Host: null }],
        [405, {}, { method: 'POST' }], [400, {}, { version: 'HTTP/1.0' }],
    ];
    for (const [wanted, change, options] of cases) {
        const { socket, status, fields } = await shake({ ...usual, ...change }, options);
        assert.equal(status, wanted, JSON.stringify(change) + JSON.stringify(options));
        if ('Sec-WebSocket-Version' in change && wanted === 426) assert.equal(fields['sec-websocket-version'], '13');
        socket.leave();
    }
});

test('4.2.2, 9.1: extensions and protocols that are offered are not taken', async () => {
    const { socket, status, fields } = await shake({ ...usual,
        'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits', 'Sec-WebSocket-Protocol': 'chat' });
    assert.equal(status, 101);
    assert.equal(fields['sec-websocket-extensions'], undefined);
    assert.equal(fields['sec-websocket-protocol'], undefined);
    socket.leave();
});

test('4.1: frames that came with the handshake are read', async () => {
    const socket = new Socket();
    socket.send(handshake(usual), frame(FIN | TEXT, ask(1)));
    assert.equal((await socket.head()).status, 101);
    assert.deepEqual(await socket.hearJson(), answer(1));
    socket.leave();
});

test('5.1: a frame without a mask is refused, and ours have none', async () => {
    await refused(1002, frame(FIN | TEXT, ask(1), { mask: false }));
    await refused(1002, frame(FIN | PING, '', { mask: false }));
    const socket = await open();
    socket.send(frame(FIN | TEXT, ask(1)));
    const heard = await socket.hearPast();
    assert.equal(heard.masked, false);
    socket.leave();
});

test('5.2: reserved bits are refused', async () => {
    for (const bit of [0x40, 0x20, 0x10]) {
        await refused(1002, frame(FIN | bit | TEXT, ask(1)));
        await refused(1002, frame(FIN | bit | PING));
    }
});

test('5.2: reserved opcodes are refused', async () => {
    for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) await refused(1002, frame(FIN | opcode));
});

test('5.2: lengths are in their shortest form, the highest bit is 0', async () => {
    await refused(1002, frame(FIN | TEXT, 'x'.repeat(125), { form: 16 }));
    await refused(1002, frame(FIN | TEXT, 'x', { form: 64 }));
    await refused(1002, frame(FIN | TEXT, 'x'.repeat(126), { form: 64 }));
    await refused(1002, frame(FIN | TEXT, '', { form: 64, length: 1n << 63n }));
});

test('5.2: all three forms of a length are read', async () => {
    for (const size of [60, 125, 126, 127, 4096]) {
        const socket = await open();
        socket.send(frame(FIN | TEXT, ask(7).padEnd(size)));
        assert.deepEqual(await socket.hearJson(), answer(7));
        socket.leave();
    }
});

test('5.3: any mask, also zero, and bytes one by one', async () => {
    const socket = await open();
    socket.send(frame(FIN | TEXT, ask(1), { mask: Buffer.alloc(4) }));
    assert.deepEqual(await socket.hearJson(), answer(1));
    for (const byte of frame(FIN | TEXT, ask(2))) socket.send(Buffer.of(byte));
    assert.deepEqual(await socket.hearJson(), answer(2));
    socket.leave();
});

test('5.4: a message in fragments, also empty ones, is one message', async () => {
    const socket = await open();
    const text = ask(3);
    socket.send(frame(TEXT, text.slice(0, 5)), frame(0, ''), frame(0, text.slice(5, 20)), frame(FIN, text.slice(20)));
    assert.deepEqual(await socket.hearJson(), answer(3));
    socket.send(frame(TEXT, ''), frame(FIN, ask(4)));
    assert.deepEqual(await socket.hearJson(), answer(4));
    socket.leave();
});

test('5.4: nothing to continue, or a message inside another, is refused', async () => {
    await refused(1002, frame(FIN, 'x'));
    await refused(1002, frame(0, 'x'));
    await refused(1002, frame(TEXT, '{'), frame(FIN | TEXT, '}'));
    await refused(1002, frame(TEXT, '{'), frame(TEXT, '}'));
    const socket = await open(); // a finished message cannot be continued
    socket.send(frame(TEXT, ask(1).slice(0, 9)), frame(FIN, ask(1).slice(9)));
    assert.deepEqual(await socket.hearJson(), answer(1));
    socket.send(frame(FIN, 'x'));
    await expectClose(socket, 1002);
    socket.leave();
});

test('5.4, 5.5: a ping between fragments is answered before them', async () => {
    const socket = await open();
    const text = ask(5);
    socket.send(frame(TEXT, text.slice(0, 9)), frame(FIN | PING, 'now'), frame(FIN, text.slice(9)));
    const first = await socket.hearPast();
    assert.equal(first.opcode, PONG);
    assert.equal(first.payload.toString(), 'now');
    assert.deepEqual(await socket.hearJson(), answer(5));
    socket.leave();
});

test('5.5: control frames are whole and have at most 125 bytes', async () => {
    for (const opcode of [CLOSE, PING, PONG]) {
        await refused(1002, frame(opcode, ''));
        await refused(1002, frame(FIN | opcode, 'x'.repeat(126)));
    }
    const socket = await open();
    socket.send(frame(FIN | PING, 'x'.repeat(125)));
    assert.equal((await socket.hearPast()).payload.toString(), 'x'.repeat(125));
    socket.leave();
});

test('5.5.1, 7.1.5: a close is echoed with its code, then the stream ends', async () => {
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
        const socket = await open();
        socket.send(frame(FIN | CLOSE, closeBody(code, 'bye')));
        await expectClose(socket, code);
        await expectEnd(socket);
    }
    const socket = await open();
    socket.send(frame(FIN | CLOSE));
    await expectClose(socket, 1000);
    await expectEnd(socket);
});

test('5.5.1: what comes after a close is not answered', async () => {
    const socket = await open();
    socket.send(frame(FIN | CLOSE, closeBody(1000)), frame(FIN | TEXT, ask(1)), frame(FIN | PING, 'x'));
    await expectClose(socket, 1000);
    await expectEnd(socket);
});

test('5.5.1, 7.4: close bodies that may not be are refused', async () => {
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]) {
        await refused(1002, frame(FIN | CLOSE, closeBody(code)));
    }
    await refused(1002, frame(FIN | CLOSE, Buffer.of(3)));
    await refused(1007, frame(FIN | CLOSE, Buffer.concat([closeBody(1000), Buffer.of(0xff)])));
});

test('5.5.2, 5.5.3: a ping is answered with what it said; a pong is not', async () => {
    const socket = await open();
    socket.send(frame(FIN | PONG, 'nobody asked'), frame(FIN | PING, ''), frame(FIN | PING, Buffer.of(0, 255, 254)));
    const first = await socket.hearPast(), second = await socket.hearPast();
    assert.equal(first.opcode, PONG);
    assert.equal(first.payload.length, 0);
    assert.equal(second.opcode, PONG);
    assert.deepEqual([...second.payload], [0, 255, 254]);
    socket.leave();
});

test('5.5.2: the server pings with the time; who answers stays, who does not goes with 1008', async () => {
    const silent = await open(), lively = await open();
    const before = await metric('ws_silent_closed_total');
    const listening = (async () => {
        for (let pings = 0; pings < 5; pings++) {
            const { opcode, payload } = await lively.hear();
            assert.equal(opcode, PING);
            assert.ok(Math.abs(Number(payload.toString()) - Date.now()) < 60000);
            lively.send(frame(FIN | PONG, payload));
        }
    })();
    silent.send(frame(FIN | PONG, 'unsolicited'));
    assert.match(await expectClose(silent, 1008), /pong/);
    await listening;
    lively.send(frame(FIN | TEXT, ask(1)));
    assert.deepEqual(await lively.hearJson(), answer(1));
    assert.equal(await metric('ws_silent_closed_total'), before + 1);
    silent.leave();
    lively.leave();
});

test('5.6: binary messages are refused, also by their first fragment', async () => {
    await refused(1003, frame(FIN | BINARY, 'x'));
    await refused(1003, frame(BINARY, 'x'));
});

test('7.1.7: after a broken protocol the stream ends at once, whether the client answers or not', async () => {
    const socket = await open();
    socket.send(frame(FIN | 0x40 | TEXT, 'x'));
    await expectClose(socket, 1002);
    await expectEnd(socket);
    assert.ok(await metric('ws_protocol_closed_total') > 0);
});

test('8.1: text that is not UTF-8 is refused', async () => {
    const cases = [[0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80], [0xf0, 0x8f, 0xbf, 0xbf],
                   [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0xc2], [0xe2, 0x82], [0x61, 0xf0, 0x90, 0x80]];
    for (const bytes of cases) await refused(1007, frame(FIN | TEXT, Buffer.from(bytes)));
});

test('8.1: it is refused by the fragment that makes it so', async () => {
    await refused(1007, frame(TEXT, Buffer.of(0xff)));
    await refused(1007, frame(TEXT, Buffer.of(0xed)), frame(0, Buffer.of(0xa0)));
    await refused(1007, frame(TEXT, Buffer.of(0xf4)), frame(FIN | PING), frame(0, Buffer.of(0x90)));
    await refused(1007, frame(TEXT, Buffer.of(0xe2, 0x82)), frame(FIN, ''));
});

test('8.1: a character may be cut between fragments', async () => {
    const socket = await open();
    const text = Buffer.from('{"method":"LIST_SUBSCRIPTIONS","note":"é€😀","id":6}');
    socket.send(...[...text].map((byte, at) => frame(at === 0 ? TEXT : at === text.length - 1 ? FIN : 0, Buffer.of(byte))));
    assert.deepEqual(await socket.hearJson(), answer(6));
    socket.leave();
});

test('10.4: 64 KiB is the longest message, in one frame or in many; the head of a longer one is enough', async () => {
    const fits = await open();
    fits.send(frame(FIN | TEXT, ask(8).padEnd(65536)));
    assert.deepEqual(await fits.hearJson(), answer(8));
    fits.leave();
    await refused(1009, frame(FIN | TEXT, '', { length: 65537n }));
    await refused(1009, frame(FIN | TEXT, '', { length: (1n << 63n) - 1n }));
    await refused(1009, frame(TEXT, ' '.repeat(65536)), frame(FIN, ' '));
    await refused(1008, ...Array.from({ length: 1025 }, (_, at) => frame(at === 0 ? TEXT : 0, '')));
});

test('limits: more than ten messages at once are refused, of whatever kind', async () => {
    const before = await metric('ws_flood_closed_total');
    for (const one of [frame(FIN | TEXT, ask(1)), frame(FIN | PING), frame(FIN | PONG)]) {
        const socket = await open();
        socket.send(...Array.from({ length: 25 }, () => one));
        assert.match(await expectClose(socket, 1008), /too many messages/);
        socket.leave();
    }
    assert.equal(await metric('ws_flood_closed_total'), before + 3);
});

test('limits: an address has so many connections; one more is told so', async () => {
    const before = await metric('address_refused_total');
    const sockets = [];
    for (;;) {
        const { socket, status } = await shake(usual);
        if (status === 429) {
            socket.leave();
            break;
        }
        assert.equal(status, 101);
        sockets.push(socket);
        assert.ok(sockets.length <= 40);
    }
    assert.ok(sockets.length >= 30);
    for (const socket of sockets) socket.leave();
    await until('the refusal to be counted', async () => (await metric('address_refused_total')) > before);
});

test('limits: a handshake that does not end is not waited for', async () => {
    const socket = new Socket();
    socket.send(Buffer.from('GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: web'));
    assert.equal((await socket.head()).status, 408);
    socket.leave();
    assert.ok(await metric('http_slow_closed_total') > 0);
});

// Settings that may change while the node runs; the last of a name counts.
async function configure(line) {
    const reloads = await metric('reloads_total');
    appendFileSync(join(exchange.node, 'quorex.conf'), `${line}\n`);
    process.kill(exchange.pid(), 'SIGHUP');
    await until('the settings', async () => await metric('reloads_total') === reloads + 1);
}

test('limits: a connection has so many streams, in its URL and asked for', async () => {
    const [streams, handshakes] = [await metric('ws_streams_refused_total'), await metric('ws_refused_total')];
    const names = Array.from({ length: 400 }, (_, at) => `unknown${at}`);
    const socket = await open();
    socket.send(frame(FIN | TEXT, JSON.stringify({ method: 'SUBSCRIBE', params: names, id: 1 })));
    assert.equal((await socket.hearJson()).code, 2);
    socket.send(frame(FIN | TEXT, ask(2)));
    assert.deepEqual((await socket.hearJson()).result, [], 'all or nothing');
    socket.leave();
    const { socket: refused, status } = await shake(usual, { path: `/stream?streams=${names.join('/')}` });
    assert.equal(status, 400);
    refused.leave();
    assert.equal(await metric('ws_streams_refused_total'), streams + 1);
    assert.equal(await metric('ws_refused_total'), handshakes + 1);
});

// What is tested is that a life's end is told and kept, not how long a day is: unit.gateway.pulse has the 24 hours.
test('a connection is told before its life ends, and where it does', async () => {
    const before = await metric('ws_old_closed_total');
    await configure('ws_life_s = 2\nws_notice_s = 1');
    for (const [path, dataOf] of [['/stream', ({ data }) => data], ['/ws', (data) => data], ['/ws-api/v3', ({ event }) => event]]) {
        const socket = await open(path);
        assert.equal(dataOf(await socket.hearJson()).e, 'serverShutdown', path);
        await expectClose(socket, 1001);
        socket.leave();
    }
    assert.equal(await metric('ws_old_closed_total'), before + 3);
    await configure('ws_life_s = 86400');
});

test('a stop is told by an event and a code', async () => {
    const socket = await open('/stream');
    const stopping = exchange.down();
    const heard = await socket.hearJson();
    assert.equal(heard.stream, '!serverShutdown');
    assert.equal(heard.data.e, 'serverShutdown');
    await expectClose(socket, 1001);
    socket.leave();
    await stopping;
});
