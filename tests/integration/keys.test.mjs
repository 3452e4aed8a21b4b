// An account's own keys over real sockets: made, limited and removed by the owner's signature alone; a key works from its
// networks and may what it may, until it is removed. The node is started again from a checkpoint, and its chain verified.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { quorex, until } from './exchange.mjs';
import { LoneNode } from './lone_node.mjs';

const port = 25700, node = new LoneNode(port, 'keys', '--checkpoint-blocks', '10'), { http } = node;
const admin = (...words) => node.admin(...words);
const PATH = '/quorex/v1/keys';
const LIMIT = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price: '20000' };
let account, owner, chainId;

function pairOf() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    return { key: privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex') };
}

// From a local address of our choice.
function send(method, path, headers, localAddress) {
    return new Promise((resolve, reject) => {
        const asked = request({ host: '127.0.0.1', port, method, path, headers, localAddress }, (response) => {
            let text = '';
            response.on('data', (bytes) => { text += bytes; });
            response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
        });
        asked.on('error', reject);
        asked.end();
    });
}

// In order of the requests: what is about keys is asked for at times that rise.
let last = 0;
function now() {
    last = Math.max(last + 1, Date.now());
    return last;
}

function signed(who, parameters) {
    const text = new URLSearchParams({ ...parameters, timestamp: now() }).toString();
    const signature = who.key ? sign(null, Buffer.from(text), who.key).toString('base64')
                              : createHmac('sha256', who.secretKey).update(text).digest('hex');
    return `${text}&signature=${encodeURIComponent(signature)}`;
}

function ask(who, method, path, parameters = {}, localAddress = '127.0.0.1') {
    return send(method, `${path}?${signed(who, parameters)}`, { 'X-MBX-APIKEY': who.apiKey }, localAddress);
}

async function make(parameters) {
    const { status, body } = await ask(owner, 'POST', PATH, { action: 'key-create', chainId, ...parameters });
    assert.equal(status, 200, JSON.stringify(body));
    return { apiKey: body.keyId, secretKey: body.secretKey, ...body };
}

const remove = (keyId) => ask(owner, 'DELETE', PATH, { action: 'key-remove', chainId, keyId });
const limit = (keyId, parameters) => ask(owner, 'PUT', PATH, { action: 'key-limit', chainId, keyId, ...parameters });

async function refused(answer, code, status) {
    const { body, status: given } = await answer;
    assert.deepEqual([body.code, given], [code, status], JSON.stringify(body));
}

before(async () => {
    await node.start();
    ({ chainId } = await (await fetch(`${http}/quorex/v1/status`)).json());
    execFileSync(quorex, ['demo-accounts', '--url', http, '--data', node.dir], { timeout: 60000 });
    const pair = pairOf();
    owner = { key: pair.key, apiKey: pair.publicKey };
    account = (await admin('create-account', `publicKey=${pair.publicKey}`)).account;
    await admin('credit', `account=${account}`, 'asset=USDT', 'amount=1000');
});

after(() => node.remove());

test('an owner with nothing but his key pair makes a key that trades, and its secret is told once', async () => {
    const key = await make({ permissions: 'READ,TRADE' });
    assert.match(key.secretKey, /^[0-9a-f]{64}$/);
    assert.deepEqual(key.permissions, ['READ', 'TRADE']);
    assert.equal((await ask(key, 'POST', '/api/v3/order', LIMIT)).status, 200);
    const { body } = await ask(owner, 'GET', PATH, { chainId });
    assert.deepEqual(body.map(({ keyId, secretKey }) => [keyId, secretKey]), [[key.keyId, undefined]]);
    const files = readdirSync(join(node.folder, 'chain'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile()).map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name)));
    assert.ok(files.length > 0);
    for (const bytes of files) {
        assert.ok(!bytes.includes(key.secretKey));
        assert.ok(!bytes.includes(Buffer.from(key.secretKey, 'hex')));
    }
    await remove(key.keyId);
});

test('an Ed25519 key trades and may withdraw; an HMAC key never; RSA is refused by name', async () => {
    const pair = pairOf();
    const key = await make({ permissions: 'READ,TRADE,WITHDRAW', publicKey: pair.publicKey });
    assert.equal(key.secretKey, undefined);
    assert.equal((await ask({ ...key, key: pair.key }, 'POST', '/api/v3/order', LIMIT)).status, 200);
    await refused(ask(owner, 'POST', PATH, { action: 'key-create', chainId, permissions: 'READ,WITHDRAW' }), -9124, 400);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'der' });
    const answer = await ask(owner, 'POST', PATH,
                             { action: 'key-create', chainId, permissions: 'READ', publicKey: rsa.toString('base64') });
    assert.match(answer.body.msg, /^RSA keys are not taken here/);
    await remove(key.keyId);
});

test('no API key changes keys, and no signed text counts twice', async () => {
    const key = await make({ permissions: 'READ,TRADE' });
    await refused(ask(key, 'POST', PATH, { action: 'key-create', chainId, permissions: 'READ' }), -2015, 401);
    await refused(ask({ ...key, apiKey: owner.apiKey }, 'POST', PATH, { action: 'key-create', chainId, permissions: 'READ' }),
                  -1022, 400);
    const text = signed(owner, { action: 'key-create', chainId, permissions: 'READ' });
    const headers = { 'X-MBX-APIKEY': owner.apiKey };
    const first = await send('POST', `${PATH}?${text}`, headers);
    assert.equal(first.status, 200);
    await refused(send('POST', `${PATH}?${text}`, headers), -9123, 400);
    for (const keyId of [key.keyId, first.body.keyId]) await remove(keyId);
});

test('what is signed for another exchange, or for none, is good for nothing here', async () => {
    const text = { action: 'key-create', permissions: 'READ' };
    await refused(ask(owner, 'POST', PATH, text), -1102, 400);
    const elsewhere = chainId.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    await refused(ask(owner, 'POST', PATH, { ...text, chainId: elsewhere }), -9130, 400);
    const key = await make({ permissions: 'READ' });
    await refused(ask(owner, 'DELETE', PATH, { action: 'key-remove', keyId: key.keyId, chainId: elsewhere }), -9130, 400);
    await refused(ask(owner, 'PUT', PATH, { action: 'key-limit', keyId: key.keyId, permissions: 'READ' }), -1102, 400);
    assert.equal((await remove(key.keyId)).status, 200);
});

test('a key is for its networks, over REST and over the WebSocket API', async () => {
    const key = await make({ permissions: 'READ,TRADE', ipList: '127.0.0.2,2001:db8::/32' });
    assert.deepEqual(key.ipList, ['127.0.0.2', '2001:db8::/32']);
    const restrictions = '/sapi/v1/account/apiRestrictions';
    await refused(ask(key, 'GET', restrictions), -2015, 401);
    await refused(ask(key, 'POST', '/api/v3/order', LIMIT), -2015, 401);
    const { status, body } = await ask(key, 'GET', restrictions, {}, '127.0.0.2');
    assert.deepEqual([status, body.ipRestrict, body.ipList], [200, true, key.ipList]);
    assert.equal((await ask(key, 'POST', '/api/v3/order', LIMIT, '127.0.0.2')).status, 200);
    for (const [localAddress, answer] of [['127.0.0.1', 401], ['127.0.0.2', 200]]) {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/ws-api/v3`, { localAddress });
        await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
        const params = { apiKey: key.apiKey, timestamp: now() };
        const text = Object.keys(params).sort().map((name) => `${name}=${params[name]}`).join('&');
        params.signature = createHmac('sha256', key.secretKey).update(text).digest('hex');
        const heard = new Promise((resolve) => socket.on('message', (bytes) => resolve(JSON.parse(bytes))));
        socket.send(JSON.stringify({ id: 1, method: 'account.status', params }));
        assert.equal((await heard).status, answer);
        socket.close();
    }
    const wider = await limit(key.keyId, { permissions: 'READ' });
    assert.deepEqual([wider.body.ipRestrict, wider.body.permissions], [false, ['READ']]);
    assert.equal((await ask(key, 'GET', restrictions)).status, 200);
    await refused(ask(key, 'POST', '/api/v3/order', LIMIT), -2015, 401);
    await remove(key.keyId);
});

test('a key that is removed is refused at once, and what it listens to ends', async () => {
    const key = await make({ permissions: 'READ,TRADE' });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws-api/v3`);
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    const messages = [];
    socket.on('message', (bytes) => messages.push(JSON.parse(bytes)));
    const params = { apiKey: key.apiKey, timestamp: now() };
    const text = Object.keys(params).sort().map((name) => `${name}=${params[name]}`).join('&');
    params.signature = createHmac('sha256', key.secretKey).update(text).digest('hex');
    socket.send(JSON.stringify({ id: 1, method: 'userDataStream.subscribe.signature', params }));
    await until('the subscription', () => messages.some(({ id, status }) => id === 1 && status === 200));
    const { body } = await remove(key.keyId);
    assert.deepEqual(body, { keyId: key.keyId, removed: true });
    await refused(ask(key, 'GET', '/api/v3/account'), -2015, 401);
    await refused(remove(key.keyId), -9122, 404);
    await until('its end', () => messages.some(({ event }) => event?.e === 'eventStreamTerminated'));
    socket.close();
});

test('another node that starts from a checkpoint knows the same of keys, and the chain verifies', async () => {
    const key = await make({ permissions: 'READ', ipList: '127.0.0.2' });
    const gone = await make({ permissions: 'READ,TRADE' });
    await remove(gone.keyId);
    const from = (await (await fetch(`${http}/quorex/v1/status`)).json()).height;
    await until('a checkpoint above it', async () => {
        const status = await (await fetch(`${http}/quorex/v1/status`)).json();
        return Math.floor(status.certifiedHeight / 10) > Math.floor(from / 10) + 1;
    }, 60);
    await node.stop();
    await node.start();
    await refused(ask(key, 'GET', '/api/v3/account'), -2015, 401);
    assert.equal((await ask(key, 'GET', '/api/v3/account', {}, '127.0.0.2')).status, 200);
    await refused(ask(gone, 'GET', '/api/v3/account'), -2015, 401);
    const { body } = await ask(owner, 'GET', PATH, { chainId });
    assert.deepEqual(body.map(({ keyId, ipList }) => [keyId, ipList]), [[key.keyId, ['127.0.0.2']]]);
    await refused(limit(gone.keyId, { permissions: 'READ' }), -9122, 404);
    await node.stop();
    const { code, text } = await node.verify();
    assert.equal(code, 0, text);
});
