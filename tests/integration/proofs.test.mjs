// What a holder has in hand: proofs of his account, of his trades, of the totals and of the chain's history, judged by
// a verifier that shares nothing with the exchange (tests/verifier) and by quorex verify. Every byte of each counts.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHmac, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eachByte, eachPart } from '../verifier/changes.mjs';
import { Refused, checkHistory, checkProof } from '../verifier/verify.mjs';
import { quorex, root, units, until } from './exchange.mjs';

const port = 25410, http = `http://127.0.0.1:${port}`;
const dir = mkdtempSync(join(tmpdir(), 'quorex-proofs-')), node = join(dir, 'node-0');
const DECIMALS = 8;
let child, trust, ann, bob;

async function startNode() {
    const out = openSync(join(node, 'log'), 'a');
    child = spawn(quorex, ['node', '--config', join(node, 'quorex.conf'), '--limits', 'off'],
                  { stdio: ['ignore', out, out] });
    await until('the node to be ready', async () => (await fetch(`${http}/readyz`)).ok, 60);
}

async function stopNode(signal = 'SIGTERM') {
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill(signal);
    await ended;
}

function signedText(account, parameters, ed25519) {
    const text = new URLSearchParams({ ...parameters, timestamp: Date.now() }).toString();
    const signature = ed25519 ? sign(null, Buffer.from(text), createPrivateKey(account.privateKey)).toString('base64')
                              : createHmac('sha256', account.secretKey).update(text).digest('hex');
    return `${text}&signature=${encodeURIComponent(signature)}`;
}

async function ask(account, method, path, parameters = {}, ed25519 = true) {
    const response = await fetch(`${http}${path}?${signedText(account, parameters, ed25519)}`,
                                 { method, headers: { 'X-MBX-APIKEY': account.apiKey } });
    return { status: response.status, body: await response.json() };
}

async function ok(...request) {
    const { status, body } = await ask(...request);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
}

const get = async (path) => (await fetch(http + path)).json();
const status = () => get('/quorex/v1/status');

// All that was acknowledged is in a certified block.
async function certified() {
    const { lastCommand } = await status();
    return until('a certified block', async () => {
        const now = await status();
        const [block] = await get(`/quorex/v1/blocks?from=${now.certifiedHeight}&limit=1`);
        return block.lastCommand >= lastCommand ? now.certifiedHeight : null;
    });
}

const limit = (who, side, quantity, price) => ok(who, 'POST', '/api/v3/order', {
    symbol: 'BTCUSDT', side, type: 'LIMIT', timeInForce: 'GTC', quantity, price, newOrderRespType: 'FULL' });

async function trade(price) {
    await limit(ann, 'SELL', '0.001', price);
    const taken = await limit(bob, 'BUY', '0.001', price);
    assert.equal(taken.fills.length, 1);
    return taken.fills[0].tradeId;
}

const bytesOf = (answer) => Buffer.from(answer.proof, 'hex');

// Everything that Binance's own endpoint says of the account, and nothing else, is in the leaf.
async function expectBalances(who, said) {
    const { balances } = await ok(who, 'GET', '/api/v3/account', { omitZeroBalances: true });
    const { totals } = await get('/quorex/v1/totals');
    const index = new Map(totals.map((total) => [total.asset, total.index]));
    assert.deepEqual(said.balances, balances.map(({ asset, free, locked }) => (
        { asset: index.get(asset), available: units(free), held: units(locked) }))
        .sort((left, right) => left.asset - right.asset));
}

// No byte can be another, none can be left out, none added.
function expectEveryByteCounts(bytes) {
    checkProof(bytes, trust);
    eachByte(bytes, (changed, what) => assert.throws(() => checkProof(changed, trust), Refused, what));
    assert.throws(() => checkProof(bytes.subarray(0, -1), trust), Refused);
    assert.throws(() => checkProof(Buffer.concat([bytes, Buffer.of(0)]), trust), Refused);
}

function verify(answer, ...more) {
    const path = join(dir, 'proof');
    writeFileSync(path, typeof answer === 'string' || Buffer.isBuffer(answer) ? answer : JSON.stringify(answer));
    return new Promise((resolve) => execFile(
        quorex, ['verify', '--proof', path, '--genesis', join(dir, 'genesis.json'), ...more],
        (error, said, told) => resolve({ code: error ? error.code : 0, said, told })));
}

before(async () => {
    execFileSync(quorex, ['init', '--data', dir, '--port', String(port), '--checkpoint-blocks', '20', '--demo']);
    await startNode();
    execFileSync(quorex, ['demo-accounts', '--data', dir, '--url', http]);
    const raw = (pem) => createPublicKey(pem).export({ type: 'spki', format: 'der' }).subarray(12).toString('hex');
    [ann, bob] = JSON.parse(readFileSync(join(dir, 'accounts.json')))
        .map((account) => ({ ...account, publicKey: raw(account.publicKey) }));
    await limit(ann, 'SELL', '0.5', '90000.00'); // so that something is held
    await limit(bob, 'BUY', '0.5', '10000.00');
    const genesis = JSON.parse(readFileSync(join(dir, 'genesis.json')));
    trust = { chainId: (await status()).chainId, validators: genesis.validators };
});

after(() => {
    child?.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
});

test('an account is proved by either of its keys, to the last unit', { timeout: 60000 }, async () => {
    await trade('30000.00');
    const height = await certified();
    for (const [who, ed25519] of [[ann, true], [ann, false], [bob, true]]) {
        const answer = await ok(who, 'GET', '/quorex/v1/proofs/account', {}, ed25519);
        const said = checkProof(bytesOf(answer), trust, who.publicKey);
        assert.ok(answer.height >= height && Number(said.height) === answer.height);
        assert.equal(said.publicKey, answer.leaf.publicKey);
        assert.equal(said.salt, answer.leaf.salt);
        assert.equal(answer.path.length, answer.depth);
        assert.deepEqual(answer.leaf.balances.map(({ index, free, locked }) => (
            { asset: index, available: units(free), held: units(locked) })), said.balances);
        await expectBalances(who, said);
        const { code, said: printed } = await verify(answer, '--account', who.publicKey);
        assert.equal(code, 0, printed);
        assert.match(printed, /^right: block \d+, certified/);
    }
    assert.equal((await fetch(`${http}/quorex/v1/proofs/account`)).status, 401);
});

test('every byte of an account\'s proof counts', { timeout: 120000 }, async () => {
    expectEveryByteCounts(bytesOf(await ok(ann, 'GET', '/quorex/v1/proofs/account')));
});

test('a leaf is its owner\'s, its height\'s and its chain\'s alone', { timeout: 60000 }, async () => {
    const answer = await ok(ann, 'GET', '/quorex/v1/proofs/account');
    assert.throws(() => checkProof(bytesOf(answer), trust, bob.publicKey), /another account's/);
    const other = await verify(answer, '--account', bob.publicKey);
    assert.deepEqual([other.code, other.said], [1, 'wrong: its leaf is another account\'s\n']);
    assert.throws(() => checkProof(bytesOf(answer), { ...trust, chainId: '00'.repeat(32) }), /another chain/);
    const strangers = [{ node: 1, publicKey: bob.publicKey }];
    assert.throws(() => checkProof(bytesOf(answer), { ...trust, validators: strangers }), /not those you trust/);

    // The leaf and path of one block under the header and certificate of another.
    await trade('30001.00');
    await certified();
    const later = await ok(ann, 'GET', '/quorex/v1/proofs/account');
    const older = bytesOf(answer), newer = bytesOf(later), subject = older.readUInt32LE(8);
    assert.equal(newer.readUInt32LE(8), subject);
    const mixed = Buffer.concat([newer.subarray(0, 20), older.subarray(20, 20 + subject),
                                 newer.subarray(20 + subject)]);
    assert.throws(() => checkProof(mixed, trust), /does not lead to stateRoot/);
    assert.deepEqual(await verify(mixed), { code: 1, said: 'wrong: its path does not lead to state_root\n', told: '' });
});

test('what an account was at any block since, it can still prove', { timeout: 120000 }, async () => {
    const known = new Map();
    for (let i = 0; i < 12; i++) {
        await trade(`300${10 + i}.00`);
        await certified();
        const answer = await ok(bob, 'GET', '/quorex/v1/proofs/account');
        known.set(answer.height, answer.leaf);
    }
    for (const [height, leaf] of known) {
        const answer = await ok(bob, 'GET', '/quorex/v1/proofs/account', { height });
        checkProof(bytesOf(answer), trust, bob.publicKey);
        assert.equal(answer.height, height);
        assert.deepEqual(answer.leaf, leaf);
    }
    const first = await ask(bob, 'GET', '/quorex/v1/proofs/account', { height: 1 });
    // Before it was opened, unless the first block was still under way when it was.
    if (first.status === 200) checkProof(bytesOf(first.body), trust, bob.publicKey);
    else assert.deepEqual([first.status, first.body.code], [404, -9021]);
    const ahead = await ask(bob, 'GET', '/quorex/v1/proofs/account', { height: 1e9 });
    assert.deepEqual([ahead.status, ahead.body.code], [404, -9001]);
});

test('a receipt is for those who traded, and every byte of it counts', { timeout: 120000 }, async () => {
    const id = await trade('30500.00');
    await certified();
    for (const who of [ann, bob]) {
        const answer = await ok(who, 'GET', '/quorex/v1/proofs/trade', { symbol: 'BTCUSDT', id });
        const said = checkProof(bytesOf(answer), trust);
        assert.equal(said.tradeId, BigInt(id));
        assert.equal(said.priceTicks, 3050000n);
        assert.equal(said.qtyLots, 100n);
        assert.equal(answer.isMaker, who === ann);
        assert.equal(answer.isBuyer, who === bob);
        const mine = await ok(who, 'GET', '/api/v3/myTrades', { symbol: 'BTCUSDT', fromId: id });
        assert.equal(mine.find((fill) => fill.id === id).orderId, answer.orderId);
        assert.equal((await verify(answer)).code, 0);
    }
    expectEveryByteCounts(bytesOf(await ok(ann, 'GET', '/quorex/v1/proofs/trade', { symbol: 'BTCUSDT', id })));
    const accounts = JSON.parse(readFileSync(join(dir, 'flow-accounts.json')));
    for (const [who, wanted] of [[accounts[0], id], [ann, id + 1000]]) {
        const { status: http_status, body } = await ask(who, 'GET', '/quorex/v1/proofs/trade',
                                                        { symbol: 'BTCUSDT', id: wanted }, false);
        assert.deepEqual([http_status, body.code], [404, -9022]);
    }
});

test('the totals add up, for anybody, and every byte of them counts', { timeout: 120000 }, async () => {
    await certified();
    const answer = await get('/quorex/v1/totals');
    const { assets } = checkProof(bytesOf(answer), trust);
    assert.deepEqual(answer.totals.map((total) => units(total.users)), assets.map((asset) => asset.users));
    const usdt = answer.totals.find((total) => total.asset === 'USDT');
    assert.equal(usdt.decimals, DECIMALS);
    assert.ok(assets[usdt.index].users > 0n && assets[usdt.index].fees > 0n);
    expectEveryByteCounts(bytesOf(answer));
    assert.equal((await verify(answer)).code, 0);
    const older = await get(`/quorex/v1/totals?height=${answer.height - 3}`);
    assert.equal(Number(checkProof(bytesOf(older), trust).height), answer.height - 3);
});

test('the history grew, and every byte of that proof counts', { timeout: 120000 }, async () => {
    const to = (await certified()) - 1, from = to - 5;
    const answer = await get(`/quorex/v1/proofs/consistency?from=${from}&to=${to}`);
    const block = await get(`/quorex/v1/blocks/${to + 1}`);
    const kept = { size: BigInt(from), root: Buffer.from((await get(`/quorex/v1/blocks/${from + 1}`)).historyRoot, 'hex') };
    checkHistory(answer, block, trust, kept);
    const whole = { answer, block: { header: block.header, certificate: block.certificate } };
    eachPart(whole, (changed, what) =>
        assert.throws(() => checkHistory(changed.answer, changed.block, trust, kept), Refused, what));
});

test('a node that was killed proves again what it proved', { timeout: 120000 }, async () => {
    const id = await trade('30600.00');
    await certified();
    const before_it = await ok(ann, 'GET', '/quorex/v1/proofs/account');
    const receipt = await ok(ann, 'GET', '/quorex/v1/proofs/trade', { symbol: 'BTCUSDT', id });
    await stopNode('SIGKILL');
    await startNode();
    await until('the chain to be certified again', async () => (await status()).certifiedHeight >= before_it.height);
    const again = await ok(ann, 'GET', '/quorex/v1/proofs/account', { height: before_it.height });
    assert.deepEqual(again.leaf, before_it.leaf);
    assert.deepEqual(again.path, before_it.path);
    checkProof(bytesOf(again), trust, ann.publicKey);
    const same = await ok(ann, 'GET', '/quorex/v1/proofs/trade', { symbol: 'BTCUSDT', id });
    assert.equal(same.leaf, receipt.leaf);
    checkProof(bytesOf(same), trust);
});

test('what an account was at a checkpoint is proved when the journal no longer has it', { timeout: 180000 }, async () => {
    for (let i = 0; (await status()).checkpointHeight < 60; i++) {
        await trade(`307${10 + i % 80}.00`);
        await certified();
    }
    const { checkpointHeight } = await status();
    await stopNode();
    await startNode(); // its journal begins at the newest checkpoint
    const height = checkpointHeight - 20;
    const { body: between } = await ask(ann, 'GET', '/quorex/v1/proofs/account', { height: height + 1 });
    assert.equal(between.code, -9021);
    const answer = await ok(ann, 'GET', '/quorex/v1/proofs/account', { height });
    const said = checkProof(bytesOf(answer), trust, ann.publicKey);
    assert.equal(Number(said.height), height);
    const totals = await get(`/quorex/v1/totals?height=${height}`);
    assert.equal(Number(checkProof(bytesOf(totals), trust).height), height);
});

test('the verifier\'s program says the same', { timeout: 60000 }, async () => {
    writeFileSync(join(dir, 'trust.json'), JSON.stringify(trust));
    writeFileSync(join(dir, 'answer'), JSON.stringify(await ok(ann, 'GET', '/quorex/v1/proofs/account')));
    const program = join(root, 'tests', 'verifier', 'verify.mjs');
    const words = [program, '--trust', join(dir, 'trust.json'), '--account'];
    assert.match(execFileSync(process.execPath, [...words, ann.publicKey, join(dir, 'answer')], { encoding: 'utf8' }),
                 /"kind": "account"/);
    assert.throws(() => execFileSync(process.execPath, [...words, bob.publicKey, join(dir, 'answer')],
                                     { encoding: 'utf8' }), (error) => /^wrong: /.test(error.stdout));
});
