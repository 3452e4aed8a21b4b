// The examples of docs/api against a node: every operation is sent as the document has it and gets the documented status and
// a body of the documented schema; every stream says what its schema says; every method of the WebSocket API answers as its
// route does. What an example needs to be there is made here.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash, createHmac, createPrivateKey, sign } from 'node:crypto';
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import WebSocket from 'ws';
import { Postgres } from './cluster.mjs';
import { admin, commandOf, operatorOf, pair, report } from './custody.mjs';
import { quorex, root, until } from './exchange.mjs';
import { readYaml } from './page.mjs';
import { check, resolve } from './schema.mjs';

const port = 25780, http = `http://127.0.0.1:${port}`, ws = `ws://127.0.0.1:${port}`;
const dir = mkdtempSync(join(tmpdir(), 'quorex-examples-')), node = join(dir, 'node-0');
const postgres = new Postgres(join(dir, 'sql'));
const read = (name) => readYaml(readFileSync(join(root, 'docs/api', name), 'utf8'));
const rest = read('openapi.yaml'), streams = read('asyncapi.yaml');
const run = promisify(execFile);
let child, ann, bob, operator, withdrawing, chainId, grant;

// ---- the exchange

async function status() {
    return (await fetch(`${http}/quorex/v1/status`)).json();
}

async function command(...words) {
    const { stdout } = await run(quorex, ['admin', '--url', http, '--operator-key', join(dir, 'operator.key'), ...words], { timeout: 60000 });
    return stdout;
}

before(async () => {
    chmodSync(dir, 0o755); // PostgreSQL's user walks through it
    postgres.make(['quorex_0']);
    execFileSync(quorex, ['init', '--data', dir, '--port', port, '--checkpoint-blocks', '10', '--demo', '--database',
                          `host=${postgres.directory} dbname=quorex_%K user=quorex`], { timeout: 60000 });
    const out = openSync(join(node, 'log'), 'a');
    child = spawn(quorex, ['node', '--config', join(node, 'quorex.conf'), '--limits', 'off', '--elsewhere',
                           'https://b.example:8443'], { stdio: ['ignore', out, out] });
    await until('the node to be ready', async () => (await fetch(`${http}/readyz`)).ok, 60);
    execFileSync(quorex, ['demo-accounts', '--url', http, '--data', dir], { timeout: 60000 });
    [ann, bob] = JSON.parse(readFileSync(join(dir, 'accounts.json')));
    operator = operatorOf(join(dir, 'operator.key'));
    withdrawing = pair();
    ({ chainId } = await status());
    for (const id of ['makeKey', 'limitKey', 'removeKey', 'keys', 'openAccount', 'ownAccount']) known[id] = { chainId };
    await prepare();
});

async function stop() {
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve_) => child.on('exit', resolve_));
    child.kill('SIGTERM');
    await ended;
}

after(async () => {
    await stop();
    postgres.stop();
    rmSync(dir, { recursive: true, force: true });
});

const place = (account, changes) => sent('placeOrder', { changes: { idempotent: undefined, ...changes }, account });
const cross = async (seller, buyer) => {
    await place(seller, { side: 'SELL', price: '60000', newClientOrderId: undefined });
    return place(buyer, { side: 'BUY', price: '60000', newClientOrderId: undefined });
};

// Trades, one of them prevented; a way to a chain, an address and what came and goes over it; a list of liabilities.
async function prepare() {
    await command('add-key', `account=${ann.account}`, `keyId=${withdrawing.publicKey}`, `publicKey=${withdrawing.publicKey}`, 'hmac=false',
                  'permissions=READ,WITHDRAW');
    await place(ann, { side: 'SELL', price: '60000', newClientOrderId: undefined });
    const own = await place(ann, { side: 'BUY', price: '60000', newClientOrderId: undefined, selfTradePreventionMode: 'EXPIRE_TAKER' });
    assert.equal(own.body.status, 'EXPIRED_IN_MATCH', JSON.stringify(own.body));
    known.myPreventedMatches = { orderId: own.body.orderId };
    const amended = await place(ann, { newClientOrderId: 'my-order-20' });
    await sent('amendOrder', { changes: { orderId: amended.body.orderId, origClientOrderId: undefined, newClientOrderId: 'my-order-21' } });
    known.amendments = { orderId: amended.body.orderId };
    const taken = await place(bob, { side: 'BUY', price: '60000', newClientOrderId: undefined });
    assert.equal(taken.body.status, 'FILLED', JSON.stringify(taken.body));
    await command('set-route', 'chain=ETH', 'asset=BTC', 'decimals=18', 'confirmations=3', 'connector=0', 'withdrawMin=0.001',
                  'withdrawMax=5', 'withdrawDayMax=5', 'approvalAbove=0.1', 'approvals=1', 'addressDelay=0');
    const given = await report(http, operator, { action: 'deposit-address', account: ann.account, chain: 'ETH', address: 'dep-1' });
    assert.equal(given.http, 200, JSON.stringify(given));
    await sent('report');
    grant = (await command('grant', `auditor=${withdrawing.publicKey}`, 'days=1')).trim();
    await admin(http, operator, { action: 'liabilities-order' });
    const published = await until('liabilities', async () => {
        const list = await (await fetch(`${http}/quorex/v1/liabilities`)).json();
        return list.find((one) => one.certified);
    }, 40);
    known.liabilitiesFile = known.liabilityProof = { height: published.height };
}

// What the document cannot know: heights and ids of this exchange.
const known = {};

// What has to be there before an operation's example is sent.
const needs = {
    amendOrder: () => place(ann, { newClientOrderId: 'my-order-2' }),
    amendOrderElsewhere: () => place(ann, { newClientOrderId: 'my-order-9' }),
    replaceOrder: () => place(ann, { newClientOrderId: 'my-order-4' }),
    cancelOpenOrders: () => place(ann, { newClientOrderId: undefined }),
    openOrders: () => place(ann, { newClientOrderId: undefined }),
    openOrderLists: () => sent('placeOco', { changes: { listClientOrderId: undefined } }),
    cancelList: () => sent('placeOco'),
    keepListening: listen, stopListening: listen,
    pendingAccounts: waiting,
    limitKey: ownKey, removeKey: ownKey, keys: ownKey,
    walletWithdraw: small,
    walletWithdrawals: small,
    custodyWithdrawals: small,
    release: small,
    tradeProof: allCertified,
    depositHistory: allProjected, withdrawalHistory: allProjected, addressHistory: allProjected, ledger: allProjected,
};

// The same key as long as it is not ended.
async function listen() {
    const { body } = await sent('startListening');
    known.keepListening = known.stopListening = { listenKey: body.listenKey };
}

// A key that bob's owner makes, to be limited and removed.
async function ownKey() {
    const { body } = await sent('makeKey', { account: bob });
    known.limitKey = known.removeKey = { chainId, keyId: body.keyId };
}

// An account that an operator has to look at.
async function waiting() {
    await command('open-accounts', 'perHour=1000');
    assert.equal((await sent('openAccount')).body.status, 'PENDING');
}

// One that needs nobody's approval is released with its block.
async function small() {
    if (known.release) return;
    await sent('allowAddress');
    const { status: code, body } = await sent('withdraw', { changes: { amount: '0.05', withdrawOrderId: 'small' } });
    assert.equal(code, 200, JSON.stringify(body));
    known.release = { withdrawal: body.id };
    await allCertified();
}

async function allCertified() {
    const { height } = await status();
    await until('the last block to be certified', async () => (await status()).certifiedHeight > height);
}

async function allProjected() {
    const { height } = await status();
    await until('PostgreSQL to have it', async () => (await status()).projectedHeight > height);
}

// ---- requests as the document has them

const operations = Object.entries(rest.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) =>
    ({ id: operation.operationId, method: method.toUpperCase(), path, operation, security: Object.keys(operation.security?.[0] ?? {})[0] })));
const byId = new Map(operations.map((one) => [one.id, one]));

function exampleOf({ id, operation }, changes = {}) {
    const given = Object.fromEntries(operation.parameters?.map((one) => resolve(rest, one)).filter((one) => one.example !== undefined)
        .map((one) => [one.name, one.example]) ?? []);
    const all = { ...given, ...known[id], ...changes };
    for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
    return all;
}

// The text with a time and the account's signature of it, and of what is sent as the body.
function signedText(text, who, body = '') {
    const whole = [text, `timestamp=${Date.now()}`].filter(Boolean).join('&');
    const signature = who.key ? sign(null, Buffer.from(whole + body), who.key).toString('base64')
                              : createHmac('sha256', who.secretKey).update(whole + body).digest('hex');
    return `${whole}&signature=${encodeURIComponent(signature)}`;
}

let ownerTime = 0;

// Headers, the text of the query and the body, by who may ask.
const signers = {
    none: (text) => ({ text, headers: {} }),
    account: (text, who, method, path, body) => ({ text: signedText(text, who, body), headers: { 'X-MBX-APIKEY': who.apiKey }, body }),
    key: (text, who) => ({ text, headers: { 'X-MBX-APIKEY': who.apiKey } }),
    lines: (text, who, method, path, body) => ({ text, headers: { 'X-MBX-APIKEY': who.apiKey },
                                                 body: body.split('\n').map((line) => signedText(line, who)).join('\n') }),
    // By the account's own key, named by its public key; in microseconds, since times of what is about keys rise.
    owner: (text, who) => {
        const key = createPrivateKey(who.privateKey);
        ownerTime = Math.max(ownerTime + 1, Date.now() * 1000);
        const whole = [text, `timestamp=${ownerTime}`].filter(Boolean).join('&');
        const signature = encodeURIComponent(sign(null, Buffer.from(whole), key).toString('base64'));
        const apiKey = Buffer.from(key.export({ format: 'jwk' }).x, 'base64url').toString('hex');
        return { text: `${whole}&signature=${signature}`, headers: { 'X-MBX-APIKEY': apiKey } };
    },
    // By a key that nobody knows.
    opener: (text) => {
        const fresh = pair();
        const whole = `${text}&publicKey=${fresh.publicKey}&timestamp=${Date.now()}`;
        return { text: `${whole}&signature=${encodeURIComponent(sign(null, Buffer.from(whole), fresh.key).toString('base64'))}`, headers: {} };
    },
    operator: (text, who, method) => {
        const asked = method === 'GET' || text.startsWith('action=reconcile');
        const whole = [text, `timestamp=${Date.now()}`].filter(Boolean).join('&');
        const signed = asked ? `${whole}&signature=${sign(null, Buffer.from(whole), operator.key).toString('hex')}`
                             : commandOf(operator, Object.fromEntries(new URLSearchParams(text)));
        return { text: signed, headers: { 'X-Quorex-Operator': operator.publicKey } };
    },
    // docs/api-quorex.md, "body".
    reader: (text, who, method, path) => {
        const tag = Buffer.alloc(16), time = Buffer.alloc(8), now = Date.now();
        tag.write('quorex/read/1');
        time.writeBigUInt64LE(BigInt(now));
        const target = createHash('sha256').update(text ? `${path}?${text}` : path).digest();
        const signature = sign(null, Buffer.concat([tag, Buffer.from(chainId, 'hex'), time, target]), withdrawing.key).toString('hex');
        return { text, headers: { 'X-Quorex-Key': withdrawing.publicKey, 'X-Quorex-Time': now, 'X-Quorex-Signature': signature,
                                  'X-Quorex-Grant': grant } };
    },
};
const signerOf = { USER_DATA: 'account', TRADE: 'account', WITHDRAW: 'account', OWNER: 'owner', OPENER: 'opener', BATCH: 'account', ITEMS: 'lines', USER_STREAM: 'key', OPERATOR: 'operator', CONNECTOR: 'operator', READER: 'reader' };

async function sent(id, { changes, account } = {}) {
    const one = byId.get(id), given = exampleOf(one, changes);
    let { path } = one;
    for (const [name, value] of Object.entries(given)) {
        if (!path.includes(`{${name}}`)) continue;
        path = path.replace(`{${name}}`, value);
        delete given[name];
    }
    const who = account ?? ({ WITHDRAW: withdrawing, OWNER: bob }[one.security] ?? ann);
    const [[contentType, content] = []] = Object.entries(one.operation.requestBody?.content ?? {});
    const { text, headers, body } = signers[signerOf[one.security] ?? 'none'](new URLSearchParams(given).toString(), who, one.method, path,
                                                                              content?.example);
    if (contentType) headers['Content-Type'] = contentType;
    const response = await fetch(`${http}${path}${text ? `?${text}` : ''}`, { method: one.method, headers, body });
    const type = response.headers.get('content-type').split(';')[0];
    return { status: response.status, type, body: type === 'application/json' ? await response.json() : await response.text() };
}

// Lists that are empty where all is well.
const MAY_BE_EMPTY = new Set(['evidence']);

function checkAnswer({ id, operation }, answer) {
    const [[documented, described]] = Object.entries(operation.responses);
    assert.equal(String(answer.status), documented, JSON.stringify(answer.body).slice(0, 400));
    const [[type, { schema }]] = Object.entries(described.content);
    assert.equal(answer.type, type);
    if (type !== 'application/json') return assert.ok(answer.body.length > 0);
    assert.deepEqual(check(rest, schema, answer.body), [], `${id}: the schema and what came differ`);
    const isEmpty = Array.isArray(answer.body) && answer.body.length === 0;
    assert.equal(isEmpty, isEmpty && (MAY_BE_EMPTY.has(id) || resolve(rest, schema).maxItems === 0), `${id}: nothing came that could be held against the schema`);
}

test('every operation answers its example as it is documented', { timeout: 120000 }, async (t) => {
    assert.ok(operations.length > 90);
    for (const one of operations) {
        await t.test(`${one.method} ${one.path}`, async () => {
            await needs[one.id]?.();
            checkAnswer(one, await sent(one.id));
        });
    }
});

test('what is documented as signed is refused without a signature', async () => {
    for (const { id, method, path, security } of operations) {
        if (!security) continue;
        const response = await fetch(http + path.replace(/\{\w+\}/g, '1'), { method });
        assert.ok([400, 401, 403].includes(response.status), `${id}: ${response.status} without a signature`);
        assert.deepEqual(check(rest, { $ref: '#/components/schemas/Refusal' }, await response.json()), [], id);
    }
});

test('refusals that say more are as documented', async () => {
    const refused = async (code, member, ask) => {
        const { body } = await ask;
        assert.equal(body.code, code, JSON.stringify(body));
        assert.ok(member in body);
        assert.deepEqual(check(rest, { $ref: '#/components/schemas/Refusal' }, body), []);
    };
    await refused(-9113, 'withdrawal', sent('withdraw'));
    await refused(-2021, 'data', place(ann, { newClientOrderId: undefined }).then(({ body: { orderId } }) =>
        sent('replaceOrder', { changes: { cancelOrderId: orderId, cancelOrigClientOrderId: undefined, quantity: '9000', newClientOrderId: undefined } })));
    const late = await fetch(`${http}/api/v3/account?timestamp=1600000000000&signature=00`, { headers: { 'X-MBX-APIKEY': ann.apiKey } });
    await refused(-1021, 'serverTime', late.json().then((body) => ({ body })));
});

// ---- streams

async function opened(path) {
    const socket = new WebSocket(ws + path), messages = [];
    socket.on('message', (text) => messages.push(JSON.parse(text)));
    await new Promise((resolve_, reject) => { socket.on('open', resolve_); socket.on('error', reject); });
    return { socket, messages };
}

const nameOf = (channel) => Object.entries(channel.parameters ?? {}).reduce((at, [name, one]) =>
    at.replace(`{${name}}`, resolve(streams, one).examples[0]), channel.address);

const payloadsOf = (channel) => Object.entries(channel.messages).map(([name, one]) => [name, resolve(streams, one).payload]);

test('every stream says what its schemas say, and each of its messages comes', { timeout: 60000 }, async () => {
    const channels = Object.values(streams.channels).filter(({ address }) => !address.startsWith('/'));
    const { socket, messages } = await opened(`/stream?streams=${channels.map(nameOf).map(encodeURIComponent).join('/')}`);
    const lacking = () => channels.flatMap((channel) => {
        const heard = messages.filter((one) => one.stream === nameOf(channel));
        const fits = ([, payload]) => heard.some(({ data }) => check(streams, payload, data).length === 0);
        return payloadsOf(channel).filter((payload) => !fits(payload)).map(([name]) => `${channel.address}: ${name}`);
    });
    await until('a message of every kind', async () => {
        await cross(ann, bob);
        return lacking().length === 0;
    }, 40, 300).catch(() => {});
    socket.close();
    const wrong = channels.flatMap((channel) => messages.filter((one) => one.stream === nameOf(channel)).map(({ data }) => {
        const tried = payloadsOf(channel).map(([, payload]) => check(streams, payload, data));
        return tried.some((list) => list.length === 0) ? [] : [`${channel.address}: ${tried.sort((a, b) => a.length - b.length)[0][0]}`];
    })).flat();
    assert.deepEqual([...new Set(wrong)], [], 'these are not as the schemas say');
    assert.deepEqual(lacking(), [], 'these did not come');
});

test('requests about streams are answered as documented', async () => {
    const { socket, messages } = await opened('/quorex/v1/stream?streams=btcusdt@trade');
    const payload = (name) => streams.components.messages[name].payload;
    const requests = [{ method: 'LIST_SUBSCRIPTIONS', id: 1 }, { method: 'SUBSCRIBE', params: ['btcusdt@depth5'], id: 2 },
                      { method: 'GET_PROPERTY', params: ['combined'], id: 3 }];
    for (const request of requests) {
        assert.deepEqual(check(streams, payload('StreamRequest'), request), []);
        socket.send(JSON.stringify(request));
        const answer = await until('an answer', () => messages.find(({ id }) => id === request.id));
        assert.deepEqual(check(streams, payload('StreamAnswer'), answer), []);
    }
    socket.send(JSON.stringify({ method: 'SUBSCRIBE', params: ['btcusdt@trad'], id: 4 }));
    const refused = await until('a refusal', () => messages.find(({ id }) => id === 4));
    assert.deepEqual(check(streams, payload('StreamError'), refused), []);
    socket.close();
});

// ---- the WebSocket API

function call(socket, messages, one, id, method, changes) {
    const params = { ...exampleOf(one, changes) };
    if (one.security) {
        Object.assign(params, { apiKey: ann.apiKey, timestamp: Date.now() });
        const text = Object.keys(params).sort().map((name) => `${name}=${params[name]}`).join('&');
        params.signature = createHmac('sha256', ann.secretKey).update(text).digest('hex');
    }
    const request = { id, method, params };
    assert.deepEqual(check(streams, streams.components.messages.Call.payload, request), []);
    socket.send(JSON.stringify(request));
    return until(`an answer to ${method}`, () => messages.find((message) => message.id === id));
}

test('every method of the WebSocket API answers as its route does', { timeout: 60000 }, async (t) => {
    const { socket, messages } = await opened('/ws-api/v3');
    const methods = Object.entries(streams.operations).filter(([, one]) => one['x-route']);
    assert.ok(methods.length > 40);
    await sent('placeOrder', { changes: { idempotent: undefined } }); // the one before was canceled
    await sent('placeOco');
    let id = 0;
    for (const [method, { 'x-route': route }] of methods) {
        await t.test(method, async () => {
            const one = operations.find((each) => `${each.method} ${each.path}` === route);
            await needs[one.id]?.();
            const answer = await call(socket, messages, one, ++id, method, fresh(one));
            assert.deepEqual(check(streams, streams.components.messages.CallAnswer.payload, answer), []);
            checkAnswer(one, { status: answer.status, type: 'application/json', body: answer.result ?? answer.error });
        });
    }
    socket.close();
});

// ---- user data

function ownCall(socket, messages, id, method, given) {
    const params = { ...given };
    if (streams.operations[method]['x-security'] === 'USER_DATA') {
        Object.assign(params, { apiKey: ann.apiKey, timestamp: Date.now() });
        const text = Object.keys(params).sort().map((name) => `${name}=${params[name]}`).join('&');
        params.signature = createHmac('sha256', ann.secretKey).update(text).digest('hex');
    }
    socket.send(JSON.stringify({ id, method, params }));
    return until(`an answer to ${method}`, () => messages.find((message) => message.id === id));
}

test('user data is told as documented, and each of its events comes', { timeout: 60000 }, async () => {
    const { socket, messages } = await opened('/ws-api/v3');
    let id = 0;
    const checked = async (method, params) => {
        const answer = await ownCall(socket, messages, ++id, method, params);
        assert.deepEqual(check(streams, streams.components.messages.CallAnswer.payload, answer), []);
        assert.deepEqual(check(streams, streams.operations[method]['x-result'], answer.result), [], JSON.stringify(answer));
        return answer.result;
    };
    const heard = (subscription) => messages.filter((one) => one.subscriptionId === subscription).map(({ event }) => event);
    const { subscriptionId } = await checked('userDataStream.subscribe.signature', { certified: true });
    await happen();
    const kinds = () => new Set(heard(subscriptionId).map(({ e, x }) => (x ? `${e} ${x}` : e)));
    const wanted = ['executionReport NEW', 'executionReport TRADE', 'executionReport CANCELED', 'executionReport REPLACED',
                    'executionReport REJECTED', 'executionReport TRADE_PREVENTION', 'executionReport EXPIRED', 'listStatus',
                    'outboundAccountPosition', 'balanceUpdate', 'certified'];
    await until('an event of each kind', () => wanted.every((kind) => kinds().has(kind))).catch(() => {});
    assert.deepEqual(wanted.filter((kind) => !kinds().has(kind)), [], 'these did not come');
    assert.equal((await checked('session.subscriptions', {})).length, 1);
    await checked('userDataStream.unsubscribe', { subscriptionId });
    await until('the last word', () => kinds().has('eventStreamTerminated'));
    const again = await checked('userDataStream.resume', { from: heard(subscriptionId)[0].sequence });
    await until('what followed the first', () => heard(again.subscriptionId).length > 5);
    assert.equal((await checked('session.logon', {})).apiKey, ann.apiKey);
    await checked('userDataStream.unsubscribe', { subscriptionId: again.subscriptionId });
    await checked('userDataStream.subscribe', {});
    await checked('session.status', {});
    assert.equal((await checked('session.logout', {})).apiKey, null);
    const wrong = messages.filter((one) => 'event' in one).flatMap((one) => check(streams, streams.components.messages.UserEvent.payload, one)
        .map((why) => `${one.event.e} ${one.event.x ?? ''}: ${why}`));
    assert.deepEqual([...new Set(wrong)], []);
    socket.close();
});

test('a listen key tells the same', { timeout: 60000 }, async () => {
    await listen();
    const { socket, messages } = await opened(`/ws/${known.stopListening.listenKey}`);
    await happen();
    await until('money', () => messages.some(({ e }) => e === 'balanceUpdate'));
    await sent('stopListening');
    await until('its end', () => messages.some(({ e }) => e === 'listenKeyExpired'));
    socket.close();
    assert.deepEqual(messages.flatMap((one) => check(streams, streams.components.messages.ListenEvent.payload, one)), []);
});

// One of each: traded, prevented, expired, canceled, amended, replaced in vain, a list, money from an operator.
async function happen() {
    const plain = { newClientOrderId: undefined };
    await cross(ann, bob);
    await place(ann, { ...plain, side: 'SELL', price: '60000' });
    await place(ann, { ...plain, side: 'BUY', price: '60000', selfTradePreventionMode: 'EXPIRE_TAKER', strategyId: 7, strategyType: 1000000 });
    await place(ann, { ...plain, side: 'BUY', price: '20000', timeInForce: 'FOK' });
    await place(ann, { ...plain, side: 'SELL', type: 'STOP_LOSS', price: undefined, timeInForce: undefined, stopPrice: '10000', trailingDelta: 100 });
    const { body: { orderId } } = await place(ann, plain);
    await sent('amendOrder', { changes: { orderId, origClientOrderId: undefined, newClientOrderId: undefined } });
    await sent('replaceOrder', { changes: { cancelOrderId: orderId, cancelOrigClientOrderId: undefined, quantity: '9000', ...plain } });
    await sent('placeOco', { changes: { listClientOrderId: undefined } });
    await sent('cancelOpenOrders');
    await sent('admin', { changes: { account: ann.account } });
}

// A name that is taken already is not taken twice.
function fresh({ id, operation }) {
    const names = new Set(operation.parameters?.map((one) => resolve(rest, one).name));
    if (id === 'placeOrder') return { newClientOrderId: 'my-order-6' };
    if (id === 'replaceOrder') return { newClientOrderId: 'my-order-7' };
    if (id === 'amendOrder') return { newClientOrderId: 'my-order-8' };
    if (id === 'cancelOrder') return { origClientOrderId: 'my-order-6' };
    return id.startsWith('place') && names.has('listClientOrderId') ? { listClientOrderId: `${id}-1` } : {};
}

// The last: there is no node behind it.
test('a node that stops says so as documented', { timeout: 30000 }, async () => {
    const [stream, api] = [await opened('/ws/btcusdt@trade'), await opened('/ws-api/v3')];
    await stop();
    const last = (one, name, message) => assert.deepEqual(check(streams, streams.components.messages[name].payload, message), [], JSON.stringify(one.messages));
    last(stream, 'Shutdown', stream.messages.at(-1));
    last(api, 'ApiShutdown', api.messages.at(-1));
    assert.deepEqual([stream.messages.at(-1).elsewhere, api.messages.at(-1).event.elsewhere], Array(2).fill(['https://b.example:8443']));
});
