// Nodes that began at a checkpoint and fetch what lies below it: a new identity in place of a folder and database that
// are gone, and a node whose chain files are gone. Afterwards they answer for everything that ever was.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { until } from './exchange.mjs';
import { Load } from './history.mjs';

const CHAINLESS = 1, LOST = 3;
let cluster, load;

before(async () => {
    cluster = await Cluster.start(19440, { more: ['--archive', 'on'] });
    load = await Load.start(cluster);
});

after(async () => {
    await load?.end();
    await cluster?.stop();
});

// The body of a block, asked for in the name of node 0: members may.
async function body(number, height) {
    const path = `/quorex/v1/blocks/${height}/body`, time = Date.now();
    const secret = Buffer.from(readFileSync(join(cluster.folder(0), 'keys', 'node.key'), 'utf8').split('\n')[0], 'hex');
    const { chainId } = await cluster.status(number);
    const request = Buffer.alloc(88);
    request.write('quorex/read/1');
    Buffer.from(chainId, 'hex').copy(request, 16);
    request.writeBigUInt64LE(BigInt(time), 48);
    createHash('sha256').update(path).digest().copy(request, 56);
    const seed = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret.subarray(0, 32)]);
    const key = createPrivateKey({ key: seed, format: 'der', type: 'pkcs8' });
    const answer = await fetch(cluster.url(number) + path, { headers: {
        'X-Quorex-Key': secret.subarray(32).toString('hex'), 'X-Quorex-Time': String(time),
        'X-Quorex-Signature': sign(null, request, key).toString('hex') } });
    assert.equal(answer.status, 200, `body of ${height} from node ${number}`);
    return Buffer.from(await answer.arrayBuffer());
}

// Nothing lacks any more, and the log has said so since `before`.
async function whole(number, before = 0) {
    const seen = [];
    await until(`node ${number} to have all blocks`, async () => {
        const { backfill } = await cluster.status(number);
        if (backfill) seen.push(backfill);
        return backfill === null && /"history is complete"/.test(cluster.log(number).slice(before));
    }, 60, 5);
    for (const { base, height, headersFrom } of seen) assert.ok(height <= base && headersFrom <= base);
    return seen;
}

async function sameBlocks(number) {
    for (const height of [1, 5, 60]) {
        const [theirs, ours] = await Promise.all([0, number].map(
            (one) => cluster.ask(one, `/quorex/v1/blocks/${height}`)));
        assert.equal(ours.hash, theirs.hash);
        assert.equal(ours.header, theirs.header);
        assert.deepEqual(ours.certificate, theirs.certificate);
        const bytes = await body(number, height);
        assert.equal(bytes.length, Number(theirs.bodyLength));
        assert.deepEqual(bytes, await body(0, height));
    }
}

test('a new identity with an empty disk and database has all history after a while', { timeout: 240000 }, async () => {
    await until('checkpoints', async () => (await cluster.status(0)).checkpointHeight >= 150, 60, 100);
    await cluster.level();
    await cluster.end(LOST);
    rmSync(cluster.folder(LOST), { recursive: true });
    cluster.postgres.sql('postgres', 'DROP DATABASE quorex_3 WITH (FORCE)');
    cluster.postgres.sql('postgres', 'CREATE DATABASE quorex_3');
    await cluster.command('join', '--data', cluster.dir, '--number', LOST, '--from', cluster.url(0),
        '--secrets', join(cluster.folder(0), 'keys'), '--operator-key', join(cluster.dir, 'operator.key'),
        '--port', cluster.port + LOST, '--database', `host=${cluster.postgres.directory} dbname=quorex_3 user=quorex`);
    const from = performance.now();
    await cluster.startNode(LOST);
    assert.match(cluster.log(LOST), /"the chain begins at the checkpoint"/);
    await whole(LOST);
    console.log(`# from the start of the new node to all blocks: ${((performance.now() - from) / 1000).toFixed(1)} s`);
    const { validators, standbys } = await cluster.ask(0, '/quorex/v1/validators');
    const { publicKey, address } = [...validators, ...standbys].find(({ node }) => node === 5);
    await cluster.command('admin', '--url', cluster.url(0), '--operator-key', join(cluster.dir, 'operator.key'),
        'replace-node', 'oldNode=4', 'newNode=5', `publicKey=${publicKey}`, `address=${address}`, 'wait=60');
    await load.history.nextAcknowledged([LOST], 20);
    await sameBlocks(LOST);
    const projected = cluster.postgres.sql('quorex_3', 'SELECT count(*) FROM quorex.blocks WHERE height <= 50');
    await cluster.projected([LOST], 150);
    assert.equal(cluster.postgres.sql('quorex_3', 'SELECT count(*) FROM quorex.blocks WHERE height <= 150'), '150',
                 `${projected} of the first 50 a moment before`);
});

test('a node whose chain files are gone fetches them', { timeout: 240000 }, async () => {
    await cluster.level();
    await cluster.end(CHAINLESS, 'SIGTERM');
    const before = cluster.log(CHAINLESS).length;
    rmSync(join(cluster.folder(CHAINLESS), 'chain'), { recursive: true });
    await cluster.startNode(CHAINLESS);
    await whole(CHAINLESS, before);
    await sameBlocks(CHAINLESS);
    await load.history.nextAcknowledged([CHAINLESS], 20);
});

test('a restart finds nothing lacking', { timeout: 120000 }, async () => {
    await cluster.level();
    await cluster.end(CHAINLESS, 'SIGTERM');
    const before = cluster.log(CHAINLESS).length;
    await cluster.startNode(CHAINLESS);
    assert.equal((await cluster.status(CHAINLESS)).backfill, null);
    // Proofs from the first block on: the tree of headers is whole again, too.
    const { height } = await cluster.status(CHAINLESS);
    const path = `/quorex/v1/proofs/consistency?from=2&to=${height}`;
    assert.deepEqual(await cluster.ask(CHAINLESS, path), await cluster.ask(0, path));
    assert.doesNotMatch(cluster.log(CHAINLESS).slice(before), /history below the checkpoint/);
});

test('all nodes say the same of all orders and trades, and every chain is right from block 1', { timeout: 180000 },
     async () => {
         const wrong = await load.judge();
         console.log(`# ${load.history.summary()}`);
         assert.deepEqual(wrong, []);
         for (const number of cluster.numbers) {
             const { code, said } = await cluster.verify(number);
             assert.equal(code, 0, `node ${number}: ${said}`);
             console.log(`# node ${number}: ${said.trim()}`);
         }
     });
