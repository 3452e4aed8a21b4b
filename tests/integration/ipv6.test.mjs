// A node that listens at [::], to IPv6 and IPv4: what a key's networks say of each, and what an address may, whatever a
// header says of it.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { signedText } from './clients.mjs';
import { quorex, until } from './exchange.mjs';
import { KEYS, keysText } from './keys.mjs';

const PORT = 25720, CONNECTIONS = 40;
const dir = mkdtempSync(join(tmpdir(), 'quorex-ipv6-')), node = join(dir, 'node-0');
const SIX = '::1', FOUR = '127.0.0.1';
let child, ended, ann, chainId;

const named = (host) => (host.includes(':') ? `[${host}]` : host);
const log = () => readFileSync(join(node, 'log'), 'utf8');

// On a connection of its own.
function send(host, method, path, headers = {}) {
    return new Promise((resolve, reject) => {
        request({ host, port: PORT, method, path, headers, agent: false }, (answer) => {
            let text = '';
            answer.on('data', (bytes) => { text += bytes; });
            answer.on('end', () => resolve({ status: answer.statusCode, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text }));
        }).on('error', reject).end();
    });
}

const ask = (host, key, method, path, parameters = {}, more = {}) =>
    send(host, method, `${path}?${signedText(key, parameters)}`, { 'X-MBX-APIKEY': key.apiKey, ...more });

before(async () => {
    execFileSync(quorex, ['init', '--data', dir, '--port', PORT, '--demo'], { timeout: 60000 });
    const out = openSync(join(node, 'log'), 'a');
    child = spawn(quorex, ['node', '--config', join(node, 'quorex.conf'), '--host', '::',
                           '--address-connections-max', String(CONNECTIONS)], { stdio: ['ignore', out, out] });
    ended = new Promise((resolve) => child.on('exit', resolve));
    await until('the node to be ready', async () => (await send(SIX, 'GET', '/readyz')).status === 200, 60);
    execFileSync(quorex, ['demo-accounts', '--url', `http://[::1]:${PORT}`, '--data', dir], { timeout: 60000 });
    ({ body: { chainId } } = await send(SIX, 'GET', '/quorex/v1/status'));
    [ann] = JSON.parse(readFileSync(join(dir, 'accounts.json')));
});

after(async () => {
    child?.kill('SIGTERM');
    assert.equal(await ended, 0);
    rmSync(dir, { recursive: true, force: true });
});

async function keyOf(ipList) {
    const { text, apiKey } = keysText(ann, { action: 'key-create', chainId, permissions: 'READ,TRADE', ...(ipList && { ipList }) });
    const { status, body } = await send(SIX, 'POST', `${KEYS}?${text}`, { 'X-MBX-APIKEY': apiKey });
    assert.equal(status, 200, JSON.stringify(body));
    return { apiKey: body.keyId, secretKey: body.secretKey };
}

// What the WebSocket API says to a key's question from there.
async function asked(host, key) {
    const socket = new WebSocket(`ws://${named(host)}:${PORT}/ws-api/v3`);
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    const heard = new Promise((resolve) => socket.on('message', (bytes) => resolve(JSON.parse(bytes))));
    const text = `apiKey=${key.apiKey}&timestamp=${Date.now()}`;
    const signature = createHmac('sha256', key.secretKey).update(text).digest('hex');
    socket.send(JSON.stringify({ id: 1, method: 'account.status',
                                 params: { ...Object.fromEntries(new URLSearchParams(text)), signature } }));
    const { status, error } = await heard;
    socket.close();
    return status === 200 ? 200 : error.code;
}

test('it is where it says that it listens', () => {
    assert.match(log(), new RegExp(`"listening" address=http://\\[::\\]:${PORT} `));
});

// [a key's networks, whether it works from ::1, from 127.0.0.1]
const lists = [
    [undefined, true, true],
    ['::1', true, false],
    ['::/64', true, false], // in which IPv4 is mapped
    ['::/0', true, false],
    ['127.0.0.1', false, true],
    ['127.0.0.0/8', false, true],
    ['2001:db8::/32', false, false],
    ['2001:db8::/32,::1', true, false],
    ['192.0.2.0/24,127.0.0.1,2001:db8::7', false, true],
    ['0.0.0.0/0', false, true],
];

test('a key works from its networks of either kind, and from nowhere else', async () => {
    for (const [ipList, ...works] of lists) {
        const key = await keyOf(ipList);
        for (const [index, host] of [SIX, FOUR].entries()) {
            const { status, body } = await ask(host, key, 'GET', '/api/v3/account');
            assert.equal(status === 200 ? 200 : body.code, works[index] ? 200 : -2015, `${ipList} from ${host}`);
            assert.equal(await asked(host, key), works[index] ? 200 : -2015, `${ipList} from ${host}, WebSocket`);
        }
    }
});

test('no header says where a request is from', async () => {
    const key = await keyOf(SIX);
    for (const name of ['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'True-Client-IP', 'CF-Connecting-IP', 'Client-IP']) {
        const value = name === 'Forwarded' ? 'for="[::1]"' : SIX;
        const { status, body } = await ask(FOUR, key, 'GET', '/api/v3/account', {}, { [name]: value });
        assert.deepEqual([status, body.code], [401, -2015], name);
    }
});

test('connections of one network of IPv6 are counted by themselves', async () => {
    const open = Array.from({ length: 2 * CONNECTIONS }, () => {
        const socket = connect(PORT, SIX);
        socket.on('error', () => {});
        return { socket, said: new Promise((resolve) => socket.once('data', (bytes) => resolve(String(bytes).slice(9, 12))).once('close', () => resolve('closed'))) };
    });
    for (const { socket } of open) socket.write('GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n');
    const said = await Promise.all(open.map((one) => one.said));
    const served = said.filter((status) => status === '200').length;
    assert.ok(served <= CONNECTIONS && served > CONNECTIONS - 10, `${served} served`); // the latest ones' ends may be under way
    assert.ok(said.every((status) => ['200', '429', 'closed'].includes(status)), said.join());
    assert.equal((await send(FOUR, 'GET', '/api/v3/ping')).status, 200);
    for (const { socket } of open) socket.destroy();
    await until('room again', async () => (await send(SIX, 'GET', '/api/v3/ping')).status === 200);
});
