// A chain that is really cut, and what nodes had kept by heights of it: proofs of accounts, and liabilities.
//
// Two of four nodes are set back to an earlier day, by disks copied back as no operator should, while a third one has gone
// on. With the fourth they make another log from there. In both, two of four sign: nothing is certified in either, and the
// operators' decision keeps the one that q nodes have. The third node has files under heights which mean another
// state now: of none of them may it prove anything, and it must come to the same liabilities as the others.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkHolder, checkLiabilities } from '../verifier/liabilities.mjs';
import { checkProof } from '../verifier/verify.mjs';
import { Cluster } from './cluster.mjs';
import { units, until } from './exchange.mjs';

const EVERY = 16, AHEAD = 0, SILENT = 2, LATE = 3, SET_BACK = [1, 2];
let cluster, holder, trust, kept, height, stale;

const raw = (pem) => createPublicKey(pem).export({ type: 'spki', format: 'der' }).subarray(12).toString('hex');
const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');
const file = (name) => join(cluster.dir, name);
const shelf = (number) => join(cluster.folder(number), 'proofs', `${height}`);

async function ask(number, path, signed, parameters = {}) {
    const query = new URLSearchParams(parameters);
    if (signed) {
        query.set('timestamp', Date.now());
        query.set('signature', sign(null, Buffer.from(query.toString()),
                                    createPrivateKey(holder.privateKey)).toString('base64'));
    }
    const headers = signed ? { 'X-MBX-APIKEY': holder.apiKey } : {};
    const answer = await fetch(`${cluster.url(number)}${path}?${query}`, { headers });
    return { status: answer.status, body: await answer.json() };
}

async function ok(...question) {
    const { status, body } = await ask(...question);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
}

const account = (number, at) => ok(number, '/quorex/v1/proofs/account', true, { height: at });
const proved = (answer) => checkProof(Buffer.from(answer.proof, 'hex'), trust, holder.publicKey);
const held = (answer) => units(answer.leaf.balances.find(({ asset }) => asset === 'USDT').free);
const admin = (number, ...words) => cluster.command('admin', '--operator-key', file('operator.key'),
                                                    '--url', cluster.url(number), ...words);
const entryOf = async (number, at) =>
    (await ok(number, '/quorex/v1/liabilities')).find((entry) => entry.height === at);
const epoch = (action, number, ...words) =>
    cluster.command('epoch', action, '--config', join(cluster.folder(number), 'quorex.conf'), ...words);
const endAll = (numbers) => Promise.all(numbers.map((number) => cluster.end(number, 'SIGTERM')));

async function order(number) {
    const { stdout } = await admin(number, 'liabilities');
    return JSON.parse(stdout).effectiveHeight;
}

async function published(at, numbers = cluster.numbers) {
    const entries = await Promise.all(numbers.map((number) =>
        until(`liabilities of ${at} to be certified on node ${number}`, async () => {
            const entry = await entryOf(number, at);
            return entry?.certified && entry;
        }, 60, 100)));
    for (const entry of entries) assert.deepEqual(entry, entries[0]);
    return entries[0];
}

async function liabilities(number, entry) {
    const query = new URLSearchParams({ height: entry.height, offset: 0, length: entry.bytes });
    const answer = await fetch(`${cluster.url(number)}/quorex/v1/liabilities/file?${query}`);
    return Buffer.from(await answer.arrayBuffer());
}

// In the day that is gone or in the one that stays: the holder gets so much, and the liabilities of the next checkpoint
// are made by all of them, though nobody certifies them.
async function liveOn(numbers, amount) {
    const [first] = numbers;
    await admin(first, 'credit', `account=${holder.account}`, 'asset=USDT', `amount=${amount}`);
    const at = await order(first);
    await until(`block ${at} and more`, async () => (await Promise.all(numbers.map((number) => cluster.status(number))))
        .every((status) => status.height > at + 1), 60, 100);
    for (const number of numbers)
        await until(`the files of ${at} on node ${number}`, () => ['proofs', 'liabilities'].every((folder) =>
            existsSync(join(cluster.folder(number), folder, `${at}`))), 60, 100);
    return at;
}

// Each goes on where the one before has come to.
let broken = false;
function step(name, options, body) {
    test(name, options, async (context) => {
        if (broken) return context.skip('the step before has failed');
        broken = true;
        await body();
        broken = false;
    });
}

before(async () => {
    cluster = await Cluster.start(22300, { checkpoints: EVERY, database: false, more: ['--archive', 'on'] });
    [holder] = cluster.accounts.filter((one) => one.privateKey)
                               .map((one) => ({ ...one, publicKey: raw(one.publicKey) }));
    const { validators } = JSON.parse(readFileSync(join(cluster.dir, 'genesis.json')));
    trust = { chainId: (await cluster.status(0)).chainId, validators };
});

after(async () => { await cluster?.stop(); });

step('what is certified before is proved before', { timeout: 120000 }, async () => {
    const entry = await published(await order(AHEAD));
    kept = { height: entry.height, entry, account: await account(AHEAD, entry.height),
             opening: await ok(AHEAD, '/quorex/v1/proofs/liability', true, { height: entry.height, asset: 'USDT' }) };
    proved(kept.account);
    // Above the checkpoint: what it stands on itself, a node that starts there says to be certified with the next one.
    await until('a later certificate', async () => (await Promise.all(cluster.numbers.map((number) => cluster.status(number))))
        .every((status) => status.certifiedHeight > kept.height + 1));
});

step('two days from one morning, and nobody certifies either', { timeout: 240000 }, async () => {
    // Node 3 signs nothing more in this epoch, node 4 is not there: two of four.
    await endAll([SILENT, LATE]);
    await epoch('report', SILENT, '--out', file('early'));
    await cluster.startNode(SILENT);
    await cluster.leader();
    await until('most of the way to a checkpoint to be ahead', async () =>
        [1, 2, 3].includes((await cluster.status(AHEAD)).height % EVERY), 60, 50);
    await endAll([AHEAD, ...SET_BACK]);
    for (const number of SET_BACK) cpSync(cluster.folder(number), file(`morning-${number}`), { recursive: true });

    await cluster.startAll([AHEAD, ...SET_BACK]);
    height = await liveOn([AHEAD, ...SET_BACK], 111);
    stale = { shelf: sha256(shelf(AHEAD)), liabilities: sha256(join(cluster.folder(AHEAD), 'liabilities', `${height}`)) };
    const { certifiedHeight } = await cluster.status(AHEAD);
    assert.ok(certifiedHeight < height && kept.height <= certifiedHeight);
    assert.notEqual((await ask(AHEAD, '/quorex/v1/proofs/account', true, { height })).status, 200, 'no certificate');
    assert.equal((await entryOf(AHEAD, height))?.certified ?? false, false);
    await endAll([AHEAD, ...SET_BACK]);

    for (const number of SET_BACK) {
        rmSync(cluster.folder(number), { recursive: true });
        cpSync(file(`morning-${number}`), cluster.folder(number), { recursive: true });
    }
    const others = [...SET_BACK, LATE];
    await cluster.startAll(others);
    assert.equal(await liveOn(others, 7), height, 'both days come to the same checkpoint');
    assert.ok((await cluster.status(LATE)).certifiedHeight < height);
    await endAll(others);
    for (const number of others) assert.notEqual(sha256(shelf(number)), stale.shelf);
});

step('the operators keep the log that q nodes have, and one is cut', { timeout: 120000 }, async () => {
    for (const number of cluster.numbers) await epoch('report', number, '--out', file(`report-${number}`));
    const reports = cluster.numbers.map((number) => file(`report-${number}`));
    const { stdout } = await epoch('decide', LATE, '--out', file('decision'), ...reports);
    console.log(stdout.trim().replace(/^/gm, '# '));
    assert.match(stdout, /lost: commands/);
    for (const number of cluster.numbers) {
        const said = await epoch('apply', number, '--decision', file('decision'));
        console.log(said.stdout.trim().replace(/^/gm, `# ${number}: `));
    }
    assert.ok(readdirSync(join(cluster.folder(AHEAD), 'quarantine')).length > 0);
    assert.equal(sha256(shelf(AHEAD)), stale.shelf, 'what it kept by that height is still there');
});

step('nothing is proved by what was kept of the day that is gone', { timeout: 120000 }, async () => {
    for (const number of cluster.numbers) cluster.launch(number);
    // From its first answer on: refused, until there is a certified block of that height again.
    const codes = new Set();
    await until('a proof by the cut node', async () => {
        const { status, body } = await ask(AHEAD, '/quorex/v1/proofs/account', true, { height });
        if (status === 200) return proved(body);
        assert.ok([404, 503].includes(status), JSON.stringify(body));
        codes.add(body.code);
    }, 60, 20);
    console.log(`# refused until then: ${[...codes]}`);
    for (const number of cluster.numbers) await cluster.ready(number);
    await until('the next epoch', async () => (await Promise.all(cluster.numbers.map((number) => cluster.status(number))))
        .every((status) => status.epoch === 1 && status.certifiedHeight > height), 60);
    const answers = await Promise.all(cluster.numbers.map((number) => account(number, height)));
    for (const answer of answers) {
        proved(answer);
        assert.deepEqual(answer.leaf, answers[0].leaf);
    }
    assert.equal(held(answers[AHEAD]) - held(kept.account), units('7.00000000'));
    assert.deepEqual((await ok(AHEAD, '/quorex/v1/totals', false, { height })).totals,
                     (await ok(LATE, '/quorex/v1/totals', false, { height })).totals);
    for (const number of cluster.numbers) assert.equal(sha256(shelf(number)), sha256(shelf(LATE)));
    for (const number of cluster.numbers) assert.ok(!/"halted"/.test(cluster.log(number)));
});

step('liabilities of that height are those of the day that stays, on the cut node too', { timeout: 120000 }, async () => {
    // The maker has its hands free again, and what the others make counts.
    await until('a checkpoint of the new epoch', async () => (await Promise.all(cluster.numbers.map((number) => cluster.status(number))))
        .every((status) => status.checkpointHeight > height), 60, 100);
    const at = await order(LATE);
    const entry = await published(at);
    for (const number of cluster.numbers) {
        const bytes = await liabilities(number, entry);
        checkLiabilities(bytes, trust);
        const opening = await ok(number, '/quorex/v1/proofs/liability', true, { height: at, asset: 'USDT' });
        proved(opening);
        assert.equal(opening.root, entry.root);
    }
    // Those of the old epoch were voted for by nobody, but made: the cut node has made its own anew.
    const made = cluster.numbers.map((number) => sha256(join(cluster.folder(number), 'liabilities', `${height}`)));
    assert.notEqual(made[AHEAD], stale.liabilities);
    for (const hash of made) assert.equal(hash, made[LATE]);
});

step('what was proved before the change is proved as before', { timeout: 120000 }, async () => {
    proved(kept.account);
    for (const number of cluster.numbers) {
        assert.deepEqual((await account(number, kept.height)).leaf, kept.account.leaf);
        assert.deepEqual(await entryOf(number, kept.height), kept.entry);
        const opening = await ok(number, '/quorex/v1/proofs/liability', true, { height: kept.height, asset: 'USDT' });
        assert.equal(opening.proof, kept.opening.proof);
    }
    writeFileSync(file('proof'), JSON.stringify(kept.account));
    await cluster.command('verify', '--proof', file('proof'), '--genesis', file('genesis.json'), '--account', holder.publicKey);
    const all = [];
    for (const asset of kept.account.leaf.balances.map(({ asset }) => asset))
        all.push(proved(await ok(AHEAD, '/quorex/v1/proofs/liability', true, { height: kept.height, asset })));
    checkHolder(all, proved(kept.account));
    for (const number of cluster.numbers) {
        const { code, said } = await cluster.verify(number);
        assert.ok(code === 0, `node ${number}: ${said}`);
    }
});
