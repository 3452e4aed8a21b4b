// An account that is opened with nothing but a key pair, over a real socket and all the way: opened, told again, a key of its
// own, money, an order, and the proof that the order's command and the balance are in a certified block. Then what is refused,
// which changes nothing; an operator's approval; the limit of an hour, which a restart from a checkpoint does not forget; and
// the chain is verified.

import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from './exchange.mjs';
import { LoneNode } from './lone_node.mjs';

const node = new LoneNode(25760, 'open', '--checkpoint-blocks', '10'), { http } = node;
const admin = (...words) => node.admin(...words);
const PATH = '/quorex/v1/accounts';
const LIMIT = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price: '20000' };
let chainId;

function pairOf() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    return { key: privateKey, apiKey: publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex') };
}

const status = async () => (await fetch(`${http}/quorex/v1/status`)).json();

let last = 0;
function signed(who, parameters) {
    last = Math.max(last + 1, Date.now());
    const text = new URLSearchParams({ timestamp: last, ...parameters }).toString();
    const signature = who.key ? sign(null, Buffer.from(text), who.key).toString('base64')
                              : createHmac('sha256', who.secretKey).update(text).digest('hex');
    return `${text}&signature=${encodeURIComponent(signature)}`;
}

async function ask(who, method, path, parameters = {}) {
    const response = await fetch(`${http}${path}?${signed(who, parameters)}`, { method, headers: { 'X-MBX-APIKEY': who.apiKey } });
    return { status: response.status, body: await response.json() };
}

const opening = (who, changes) => ({ action: 'account-open', publicKey: who.apiKey, chainId, ...changes });

// Without a header: nobody knows the key.
async function open(who, changes) {
    const response = await fetch(`${http}${PATH}?${signed(who, opening(who, changes))}`, { method: 'POST' });
    return { status: response.status, body: await response.json() };
}

async function opened(who, expected = 'OPEN') {
    const { status: code, body } = await open(who);
    assert.equal(code, 200, JSON.stringify(body));
    assert.deepEqual([body.publicKey, body.status], [who.apiKey, expected]);
    return body.account;
}

async function refused(answer, code, http_) {
    const { body, status: given } = await answer;
    assert.deepEqual([body.code, given], [code, http_], JSON.stringify(body));
}

// The state root of a block that began after the call: what came before is in it.
async function stateRoot() {
    const { height } = await status();
    let now;
    await until('another block', async () => { now = await status(); return now.height > height + 1; });
    return now.stateRoot;
}

before(async () => {
    await node.start();
    ({ chainId } = await status());
});

after(() => node.remove());

test('on a new chain nobody opens an account, until operators say so', async () => {
    await refused(open(pairOf()), -9126, 403);
    assert.equal((await admin('open-accounts', 'perHour=3', 'approval=false')).result, 'opening-changed');
});

const owner = pairOf();
let account;

test('from a key pair to an order in a certified block', async () => {
    account = await opened(owner);
    assert.equal(await opened(owner), account, 'asked again it is the same');
    assert.deepEqual((await ask(owner, 'GET', PATH, { chainId })).body, { account, publicKey: owner.apiKey, status: 'OPEN' });

    const made = await ask(owner, 'POST', '/quorex/v1/keys', { action: 'key-create', chainId, permissions: 'READ,TRADE' });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const key = { apiKey: made.body.keyId, secretKey: made.body.secretKey };
    await refused(ask(key, 'POST', '/api/v3/order', LIMIT), -2010, 400); // it has nothing
    assert.equal((await admin('credit', `account=${account}`, 'asset=USDT', 'amount=1000')).result, 'credited');
    const order = await ask(key, 'POST', '/api/v3/order', LIMIT);
    assert.equal(order.status, 200, JSON.stringify(order.body));
    assert.equal((await ask(key, 'GET', '/api/v3/account')).body.canTrade, true);

    const { height } = await status();
    await until('the block to be certified', async () => (await status()).certifiedHeight > height);
    const { body: proof } = await ask(key, 'GET', '/quorex/v1/proofs/account');
    assert.deepEqual(proof.leaf?.balances.map(({ asset, free, locked }) => [asset, free, locked]),
                     [['USDT', '980.00000000', '20.00000000']], JSON.stringify(proof));
    const file = join(node.dir, 'proof');
    writeFileSync(file, Buffer.from(proof.proof, 'hex'));
    const { code, text } = await node.command('verify', '--proof', file, '--genesis', join(node.dir, 'genesis.json'), '--account', owner.apiKey);
    assert.equal(code, 0, text);
    assert.match(text, /^right: block \d+, certified/m);
});

test('what is refused opens nothing and leaves the state root as it is', async () => {
    const someone = pairOf(), another = pairOf();
    const before_ = await stateRoot();
    const elsewhere = chainId.replace(/^./, (letter) => (letter === '0' ? '1' : '0'));
    await refused(open(someone, { chainId: elsewhere }), -9130, 400);
    await refused(open(someone, { chainId: '' }), -1105, 400);
    await refused(open({ ...someone, key: another.key }), -1022, 400);
    await refused(open(someone, { action: 'key-create' }), -1130, 400);
    await refused(open(someone, { timestamp: Date.now() - 60000 }), -1021, 400);
    await refused(open(someone, { extra: 1 }), -1104, 400);
    await refused(open({ ...someone, apiKey: '01'.padEnd(64, '0') }), -1022, 400); // a key of small order
    await refused(ask(someone, 'GET', PATH, { chainId }), -2015, 401);
    await refused(ask(owner, 'GET', PATH), -1102, 400); // passed on by who was asked it elsewhere
    await refused(ask(owner, 'GET', PATH, { chainId: elsewhere }), -9130, 400);
    await refused(ask(owner, 'GET', '/quorex/v1/keys'), -1102, 400);
    await refused(ask(owner, 'GET', '/quorex/v1/keys', { chainId: elsewhere }), -9130, 400);
    await refused(ask(someone, 'GET', `${PATH}/pending`), -2015, 401);
    assert.equal(await stateRoot(), before_);
});

test('where operators look first an account waits, can only ask, and goes on when one has approved', async () => {
    await admin('open-accounts', 'perHour=3');
    const someone = pairOf(), waiting = await opened(someone, 'PENDING');
    assert.equal(await opened(owner), account, 'who is there does not wait');
    await admin('credit', `account=${waiting}`, 'asset=USDT', 'amount=1000');
    assert.equal((await ask(someone, 'GET', PATH, { chainId })).body.status, 'PENDING');
    const makeKey = () => ask(someone, 'POST', '/quorex/v1/keys', { action: 'key-create', chainId, permissions: 'READ,TRADE' });
    const before_ = await stateRoot();
    await refused(makeKey(), -9128, 403);
    assert.equal(await stateRoot(), before_);
    const operatorsKey = 'ab'.repeat(32); // an operator's key for the account is no way round it
    await admin('add-key', `account=${waiting}`, `keyId=${operatorsKey}`, `publicKey=${someone.apiKey}`, 'hmac=false');
    await refused(ask({ key: someone.key, apiKey: operatorsKey }, 'POST', '/api/v3/order', LIMIT), -9128, 403);
    assert.equal((await ask({ key: someone.key, apiKey: operatorsKey }, 'GET', '/api/v3/account')).body.canTrade, false);

    await node.stop();
    await node.start(); // from a checkpoint or the log: it waits still
    assert.equal((await ask(someone, 'GET', PATH, { chainId })).body.status, 'PENDING');
    const approved = await admin('approve-account', `account=${waiting}`);
    assert.deepEqual([approved.result, approved.account], ['account-approved', waiting]);
    assert.equal((await admin('approve-account', `account=${waiting}`)).code, -9129);
    const { body } = await makeKey();
    assert.equal((await ask({ apiKey: body.keyId, secretKey: body.secretKey }, 'POST', '/api/v3/order', LIMIT)).status, 200);
});

test('an hour has so many, whoever asks; a restart from a checkpoint counts on', async () => {
    // Were the hour to turn in between, others would be opened, but never five.
    const hour = Math.floor(Date.now() / 3600000);
    await admin('open-accounts', 'perHour=3', 'approval=false');
    const tries = [];
    for (let i = 0; i < 5; i++) tries.push((await open(pairOf())).body);
    const ok = tries.filter((body) => body.account).length;
    assert.ok(ok >= 1 && ok <= 4, JSON.stringify(tries));
    assert.deepEqual([tries[4].code, tries[4].msg],
                     [-9127, 'As many accounts have opened themselves as may in this hour: try again in the next one.']);
    const { height } = await status();
    await until('a checkpoint', async () => (await status()).checkpointHeight > height, 60);
    await node.stop();
    await node.start();
    const answer = await open(pairOf());
    if (Math.floor(Date.now() / 3600000) === hour) assert.equal(answer.body.code, -9127, JSON.stringify(answer));
    assert.equal(await opened(owner), account);
});

test('verify re-executes it all', async () => {
    await node.stop();
    const { code, text } = await node.verify();
    assert.equal(code, 0, text);
});
