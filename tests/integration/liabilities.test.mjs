// Liabilities on four nodes: ordered through one that follows, made, certified and served by all alike; what a holder
// and a stranger have in hand, judged by quorex verify and by a verifier that shares nothing with it (tests/verifier).

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { checkHolder, checkLiabilities } from '../verifier/liabilities.mjs';
import { Refused, checkProof } from '../verifier/verify.mjs';
import { units, until } from './exchange.mjs';

const PORT = 24200, EVERY = 8;
let cluster, holders, trust;

const raw = (pem) => createPublicKey(pem).export({ type: 'spki', format: 'der' }).subarray(12).toString('hex');

async function ask(number, path, holder, parameters = {}) {
    const query = new URLSearchParams(parameters);
    if (holder) {
        query.set('timestamp', Date.now());
        query.set('signature', sign(null, Buffer.from(query.toString()),
                                    createPrivateKey(holder.privateKey)).toString('base64'));
    }
    const headers = holder ? { 'X-MBX-APIKEY': holder.apiKey } : {};
    const answer = await fetch(`${cluster.url(number)}${path}?${query}`, { headers });
    return { status: answer.status, answer };
}

async function ok(number, path, holder, parameters) {
    const { status, answer } = await ask(number, path, holder, parameters);
    const body = await answer.json();
    assert.equal(status, 200, JSON.stringify(body));
    return body;
}

async function refused(number, path, holder, parameters, status, code) {
    const said = await ask(number, path, holder, parameters);
    assert.deepEqual([said.status, (await said.answer.json()).code], [status, code]);
}

// An operator's order, at the node `number`. Returns the height that it names.
async function order(number) {
    const { stdout } = await cluster.command('admin', '--operator-key', join(cluster.dir, 'operator.key'),
                                             '--url', cluster.url(number), 'liabilities');
    const said = JSON.parse(stdout);
    assert.equal(said.result, 'liabilities-ordered');
    assert.equal(said.effectiveHeight % EVERY, 0);
    return said.effectiveHeight;
}

const entryOf = async (number, height) =>
    (await ok(number, '/quorex/v1/liabilities')).find((entry) => entry.height === height);

function certified(number, height) {
    return until(`liabilities of ${height} to be certified on node ${number}`, async () => {
        const entry = await entryOf(number, height);
        return entry?.certified && entry;
    }, 60, 100);
}

async function published(height, numbers = cluster.numbers) {
    const entries = await Promise.all(numbers.map((number) => certified(number, height)));
    for (const entry of entries) assert.deepEqual(entry, entries[0]);
    return entries[0];
}

// The whole file, in pieces of this length.
async function download(number, entry, length) {
    const pieces = [];
    for (let offset = 0; offset < entry.bytes; offset += length) {
        const { status, answer } = await ask(number, '/quorex/v1/liabilities/file', null,
                                             { height: entry.height, offset, length });
        assert.equal(status, 200);
        assert.equal(answer.headers.get('content-type'), 'application/octet-stream');
        pieces.push(Buffer.from(await answer.arrayBuffer()));
        assert.equal(pieces.at(-1).length, Math.min(length, entry.bytes - offset));
    }
    return Buffer.concat(pieces);
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const genesis = () => join(cluster.dir, 'genesis.json');

// The verdict of quorex verify, which is shown nothing but files.
function verify(...words) {
    return cluster.command('verify', ...words, '--genesis', genesis())
                  .then(({ stdout }) => ({ code: 0, said: stdout }), ({ code, stdout }) => ({ code, said: stdout }));
}

function keep(name, bytes) {
    const path = join(cluster.dir, name);
    writeFileSync(path, bytes);
    return path;
}

async function follower() {
    const leader = await cluster.leader();
    return cluster.numbers.find((number) => number !== leader);
}

before(async () => {
    cluster = await Cluster.start(PORT, { checkpoints: EVERY, database: false });
    holders = cluster.accounts.filter((account) => account.privateKey)
                              .map((account) => ({ ...account, publicKey: raw(account.publicKey) }));
    assert.ok(holders.length >= 2);
    const { validators } = JSON.parse(readFileSync(genesis()));
    trust = { chainId: (await cluster.status(0)).chainId, validators };
});

after(async () => { await cluster?.stop(); });

test('an order through a node that follows is carried out alike by all', { timeout: 180000 }, async () => {
    const number = await follower();
    const height = await order(number);
    const entry = await published(height);
    const block = await ok(number, `/quorex/v1/blocks/${height}`);
    assert.equal(entry.time, block.time);
    const { totals } = await ok(number, '/quorex/v1/totals', null, { height });
    for (const total of totals) {
        const row = entry.assets.find((asset) => asset.asset === total.asset);
        assert.equal(row.sum, total.users, total.asset);
        if (units(total.users) > 0n) assert.equal(row.leaves % 16, 0);
    }
    const files = [await download(number, entry, 1000), await download((number + 1) % 4, entry, 1 << 20)];
    assert.equal(files[0].length, entry.bytes);
    for (const file of files) assert.equal(sha256(file), entry.sha256);

    const said = checkLiabilities(files[0], trust);
    assert.equal(said.root, entry.root);
    assert.deepEqual(said.assets.map(({ sum }) => sum),
                     entry.assets.map(({ sum }) => BigInt(units(sum))));
    const path = keep('liabilities', files[0]), judged = await verify('--liabilities', path);
    assert.equal(judged.code, 0, judged.said);
    assert.ok(judged.said.startsWith(`right: liabilities at block ${height}, certified: root ${entry.root}`));
    for (const at of [0, 100, entry.bytes >> 1, entry.bytes - 1]) {
        const forged = Buffer.from(files[0]);
        forged[at] ^= 1;
        assert.throws(() => checkLiabilities(forged, trust), Refused);
        assert.equal((await verify('--liabilities', keep('forged', forged))).code, 1);
    }
});

// Everything of everybody: what is opened to all holders is all that is owed.
async function checkHolders(number, entry) {
    const owed = entry.assets.map(() => 0n), path = keep('liabilities', await download(number, entry, 1 << 20));
    for (const holder of holders) {
        const account = await ok(number, '/quorex/v1/proofs/account', holder, { height: entry.height });
        const openings = [];
        for (const { asset, index } of account.leaf.balances) {
            const answer = await ok(number, '/quorex/v1/proofs/liability', holder, { height: entry.height, asset });
            assert.equal(answer.root, entry.root);
            owed[index] += BigInt(units(answer.total));
            openings.push(answer);
        }
        const bytesOf = (answer) => Buffer.from(answer.proof, 'hex');
        const opened = openings.map((answer) => checkProof(bytesOf(answer), trust, holder.publicKey));
        checkHolder(opened, checkProof(bytesOf(account), trust, holder.publicKey));
        const words = openings.flatMap((answer, i) => ['--opening', keep(`opening-${i}`, JSON.stringify(answer))]);
        const proof = ['--proof', keep('proof', JSON.stringify(account))];
        const judged = await verify('--liabilities', path, ...words, ...proof, '--account', holder.publicKey);
        assert.equal(judged.code, 0, judged.said);
        const other = holders.find((one) => one !== holder);
        assert.equal((await verify(...words, '--account', other.publicKey)).code, 1);
        assert.equal((await verify(...words.slice(2), ...proof, '--account', holder.publicKey)).code,
                     1, 'one asset is left out');
    }
    return owed;
}

test('every holder finds all that he has in it, on any node', { timeout: 180000 }, async () => {
    const number = await follower();
    const height = await order(number);
    const entry = await published(height);
    const owed = await checkHolders(number, entry);
    const also = await checkHolders((number + 1) % 4, entry);
    assert.deepEqual(owed, also);
    entry.assets.forEach(({ sum }, i) => assert.ok(owed[i] > 0n && owed[i] <= BigInt(units(sum))));
});

// A node that is killed while it makes them, by the sign it gives: the checkpoint before, a part, the file.
for (const sign of ['checkpoint', '.part', 'file']) {
    test(`kill -9 at the ${sign}: the file is the same after all`, { timeout: 180000 }, async () => {
        await cluster.level();
        const number = await follower(), folder = join(cluster.folder(number), 'liabilities');
        mkdirSync(folder, { recursive: true });
        const height = await order((number + 1) % 4);
        const names = sign === 'checkpoint' ? [join(cluster.folder(number), 'checkpoint'), (name) => name === `${height}`]
                      : sign === 'file'     ? [folder, (name) => name === `${height}`]
                                            : [folder, (name) => name?.startsWith(`${height}`)];
        await new Promise((resolve, reject) => {
            const patience = setTimeout(() => reject(new Error(`no sign of ${height}`)), 60000);
            const watcher = watch(names[0], (_, name) => {
                if (!names[1](name)) return;
                watcher.close();
                clearTimeout(patience);
                resolve(cluster.end(number));
            });
        });
        const others = cluster.numbers.filter((one) => one !== number);
        await published(height, others);
        await cluster.startNode(number);
        const entry = await published(height);
        const file = await download(number, entry, 1 << 20);
        assert.equal(sha256(file), entry.sha256);
        checkLiabilities(file, trust);
    });
}

test('they outlive the nodes', { timeout: 180000 }, async () => {
    const [before] = await ok(0, '/quorex/v1/liabilities');
    assert.ok(before.certified);
    await Promise.all(cluster.numbers.map((number) => cluster.end(number, 'SIGTERM')));
    await cluster.startAll();
    for (const number of cluster.numbers) assert.deepEqual(await entryOf(number, before.height), before);
    await checkHolders(await follower(), before);
});

test('what is not published is refused by name', { timeout: 60000 }, async () => {
    const number = await follower();
    const [{ height }] = await ok(number, '/quorex/v1/liabilities');
    await refused(number, '/quorex/v1/liabilities/file', null, { height: height + 1 }, 404, -9024);
    await refused(number, '/quorex/v1/liabilities/file', null, {}, 400, -1102);
    await refused(number, '/quorex/v1/liabilities/file', null, { height, length: 0 }, 400, -1130);
    await refused(number, '/quorex/v1/proofs/liability', null, { height, asset: 'BTC' }, 401, -2014);
    await refused(number, '/quorex/v1/proofs/liability', holders[0], { height: height + 1, asset: 'BTC' }, 404, -9024);
    await refused(number, '/quorex/v1/proofs/liability', holders[0], { height, asset: 'NONE' }, 400, -1130);
    const end = await ask(number, '/quorex/v1/liabilities/file', null, { height, offset: 1e9 });
    assert.equal((await end.answer.arrayBuffer()).byteLength, 0);
});
