// A byte of a stopped node's files changes, one kind of file after the other, while the others trade on: at
// its start the node names the file, mends it, and agrees with the others again. Where it can no longer know
// what it voted for or signed, or its keys are wrong, it does not start. And PostgreSQL stops and is dropped.

import assert from 'node:assert/strict';
import {
    closeSync, openSync, readFileSync, readSync, readdirSync, statSync, writeFileSync, writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { until } from './exchange.mjs';
import { askSigned, Load } from './history.mjs';

const VICTIM = 3, BLOCK = 4096;
let cluster, load;

before(async () => {
    cluster = await Cluster.start(19420, { more: ['--wal-segment-bytes', '1048576', '--archive', 'on'] });
    load = await Load.start(cluster);
});

after(async () => {
    await load?.end();
    await cluster?.stop();
});

function newest(folder, ending) {
    const names = readdirSync(join(cluster.folder(VICTIM), folder)).filter((name) => name.endsWith(ending));
    return join(folder, names.sort().at(-1));
}

// The height of the newest checkpoint that is certified and of which nothing was put aside.
function wholeCheckpoint() {
    const folder = join(cluster.folder(VICTIM), 'checkpoint');
    const whole = readdirSync(folder).filter((height) => {
        const names = readdirSync(join(folder, height));
        return names.includes('certificate') && !names.some((name) => name.endsWith('.bad'));
    });
    return Math.max(0, ...whole.map(Number).filter(Number.isInteger));
}

// A file of it, by the last of the names that end so.
function ofCheckpoint(ending) {
    return newest(join('checkpoint', String(wholeCheckpoint())), ending);
}

// Where records of a log segment are: behind its two headers, a byte that is not zero, about in the middle.
function middle(file) {
    const bytes = readFileSync(join(cluster.folder(VICTIM), file));
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) end--;
    const from = file.endsWith('.wal') ? 4 * BLOCK : 0;
    let at = from + Math.floor((end - from) / 2);
    while (bytes[at] === 0) at++;
    assert.ok(at < end, `${file} has bytes in its middle`);
    return at;
}

function flip(file, offset) {
    const path = join(cluster.folder(VICTIM), file), descriptor = openSync(path, 'r+'), byte = Buffer.alloc(1);
    assert.ok(offset < statSync(path).size, `${file} is longer than ${offset}`);
    readSync(descriptor, byte, 0, 1, offset);
    byte[0] ^= 0x10;
    writeSync(descriptor, byte, 0, 1, offset);
    closeSync(descriptor);
}

// What kind of file, which one, where, and as what the log names it.
const MENDED = [
    ['log segment, in a record', () => newest('wal', '.wal'), (file) => [middle(file)]],
    ['log segment, one copy of its header', () => newest('wal', '.wal'), () => [40]],
    ['log segment, both copies of its header', () => newest('wal', '.wal'), () => [40, 2 * BLOCK + 40]],
    ['vote file, its first slot', () => 'wal/vote', () => [16]],
    ['vote file, its second slot', () => 'wal/vote', () => [BLOCK + 16]],
    ['sign-once file, its first slot', () => 'sign-once', () => [20]],
    ['sign-once file, its second slot', () => 'sign-once', () => [512 + 20]],
    ['header of the history', () => 'history', () => [8]],
    ['index of the chain', () => 'chain/index', (file) => [middle(file)]],
    ['header of the chain\'s index', () => 'chain/index', () => [8]],
    ['checkpoint, a chunk', () => ofCheckpoint('.chunk'), (file) => [middle(file)]],
    ['checkpoint, its manifest', () => ofCheckpoint('manifest'), (file) => [middle(file)]],
    ['checkpoint, its certificate', () => ofCheckpoint('certificate'), () => [20]],
    ['chain segment', () => newest('chain', '.segment'), (file) => [middle(file)]],
];

const AMNESIAC = [
    ['both slots of the vote file', 'wal/vote', [16, BLOCK + 16]],
    ['both slots of the sign-once file', 'sign-once', [20, 512 + 20]],
];

// Nobody else has them, or they are the exchange itself.
const KEPT_BY_HAND = ['keys/node.key', 'keys/gateway-secret-1', 'keys/tree-secret-1', 'genesis.json'];

let rotten = 0; // the highest checkpoint that was damaged

async function trading() {
    await load.history.nextAcknowledged([0, 1, 2], 20);
}

// The oldest trades, somebody's and everybody's, as node 0 tells them; they do not change any more.
async function pastOf(account) {
    const parameters = { symbol: 'BTCUSDT', fromId: 0, limit: 10 };
    const past = ['/api/v3/myTrades', '/api/v3/historicalTrades'].map((path) => ({ path, parameters }));
    for (const one of past) {
        one.body = await until('ten trades', async () => {
            const { body } = await askSigned(cluster, 0, account, one.path, parameters);
            return body.length === 10 && body;
        });
    }
    await cluster.projected(cluster.numbers, await cluster.agreed());
    return past;
}

// Asks every node for that over and over: it gives the same, or 503 with -1001. What it returns ends that, and
// says how often each.
function watchHistory(account, past) {
    const seen = { right: 0, refused: 0, away: 0, refusedBy: new Set() };
    let watching = true;
    const turns = cluster.numbers.map(async (number) => {
        while (watching) {
            for (const { path, parameters, body } of past) {
                const answer = await askSigned(cluster, number, account, path, parameters).catch(() => null);
                if (answer === null) {
                    seen.away++;
                } else if (answer.status === 200) {
                    assert.deepEqual(answer.body, body, `${path} of node ${number}`);
                    seen.right++;
                } else {
                    assert.deepEqual([answer.status, answer.body.code], [503, -1001], JSON.stringify(answer.body));
                    seen.refused++;
                    seen.refusedBy.add(number);
                }
            }
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    });
    return async () => { watching = false; await Promise.all(turns); return seen; };
}

// Whether node K says that PostgreSQL answers it, on the page that also says that it is ready.
function historyIs(number, answers) {
    return until(`node ${number} to say ${answers} of PostgreSQL`, async () => {
        const said = await cluster.ask(number, '/readyz');
        assert.equal(said.ready, true);
        return said.history === answers;
    }, 30);
}

function sameFills() {
    const { postgres } = cluster;
    const last = postgres.sql('quorex_0', 'SELECT max(trade_id) FROM quorex.fills WHERE market = 0');
    return until('the same fills in all databases', () => {
        const fills = cluster.numbers.map((number) => postgres.sql(`quorex_${number}`,
            `SELECT count(*), max(trade_id) FROM quorex.fills WHERE market = 0 AND trade_id <= ${last}`));
        return fills.every((text) => text === `${last}|${last}`);
    });
}

test('PostgreSQL is stopped, and a node restarted meanwhile: trading goes on', { timeout: 180000 }, async () => {
    const { postgres } = cluster, ann = cluster.accounts[0];
    const past = await pastOf(ann);
    await until('a checkpoint', async () => (await cluster.status(2)).checkpointHeight > 0, 60);
    const end = watchHistory(ann, past);
    try {
        postgres.stop('immediate');
        for (const number of cluster.numbers) await historyIs(number, false);
        for (const number of cluster.numbers) await load.history.nextAcknowledged([number], 20);

        // From a checkpoint, it has nothing older in memory: only what is open, and what came since.
        await cluster.end(2);
        await cluster.startNode(2);
        await load.history.nextAcknowledged([2], 20);
        const { status, body } = await askSigned(cluster, 2, ann, past[0].path, past[0].parameters);
        assert.deepEqual([status, body.code], [503, -1001]);
        assert.equal((await askSigned(cluster, 2, ann, '/api/v3/openOrders', {})).status, 200);
        await cluster.agreed(); // blocks are sealed and certified all the same

        postgres.start();
        for (const number of cluster.numbers) await historyIs(number, true);
        await cluster.projected(cluster.numbers, await cluster.agreed());
        for (const number of cluster.numbers) {
            const answer = await askSigned(cluster, number, ann, past[0].path, past[0].parameters);
            assert.deepEqual(answer.body, past[0].body, `node ${number}`);
        }
    } finally {
        const { right, refused, refusedBy, away } = await end();
        console.log(`# PostgreSQL stopped: ${right} answers right, ${refused} refused with 503 -1001 by nodes ` +
                    `${[...refusedBy]}, ${away} while the node was away`);
    }
    await sameFills();
});

test('a dropped schema and a dropped database are filled again', { timeout: 180000 }, async () => {
    const { postgres } = cluster, ann = cluster.accounts[0];
    const end = watchHistory(ann, await pastOf(ann));
    try {
        postgres.sql('quorex_1', 'DROP SCHEMA quorex CASCADE');
        await load.history.nextAcknowledged([1], 20);
        postgres.drop('quorex_2');
        await load.history.nextAcknowledged([2], 20);
        for (const number of cluster.numbers) await historyIs(number, true);
        await cluster.projected(cluster.numbers, await cluster.agreed());
    } finally {
        const { right, refused, refusedBy } = await end();
        console.log(`# dropped: ${right} answers right, ${refused} refused with 503 -1001 by nodes ${[...refusedBy]}`);
    }
    await sameFills();
});

for (const [what, fileOf, offsetsOf] of MENDED) {
    test(`a flipped byte is named and mended: ${what}`, { timeout: 120000 }, async () => {
        assert.ok(cluster.children.has(VICTIM), 'the node was mended the last time');
        await until('a checkpoint that was not damaged yet', () => wholeCheckpoint() > rotten, 60);
        await cluster.end(VICTIM);
        if (what.startsWith('checkpoint')) rotten = wholeCheckpoint();
        const file = fileOf(), before = cluster.log(VICTIM).length;
        for (const offset of offsetsOf(file)) flip(file, offset);
        await trading();
        await cluster.startNode(VICTIM);
        await load.history.nextAcknowledged([VICTIM], 30);
        await cluster.level();
        const said = cluster.log(VICTIM).slice(before).split('\n');
        const name = new RegExp(`["/]${file.split('/').at(-1)}"|the ${file.split('/').at(-1)} file`);
        const named = said.find((line) => / (warn|error) /.test(line) && name.test(line));
        assert.ok(named, `${file} is named; the log:\n${said.slice(0, 12).join('\n')}`);
        console.log(`# ${what}: ${named.replace(/^\S+ /, '').replaceAll(cluster.dir, '')}`);
    });
}

for (const file of KEPT_BY_HAND) {
    test(`a flipped byte stops the node, which names it: ${file}`, { timeout: 60000 }, async () => {
        await cluster.end(VICTIM);
        const path = join(cluster.folder(VICTIM), file), right = readFileSync(path);
        const rotten = Buffer.from(right), before = cluster.log(VICTIM).length;
        const digit = file === 'genesis.json' ? right.indexOf('"publicKey"') + 16 : 20;
        rotten[digit] = rotten[digit] === 0x30 ? 0x31 : 0x30; // a hex digit still
        writeFileSync(path, rotten);
        cluster.launch(VICTIM);
        const { code } = await cluster.endOf(VICTIM), said = cluster.log(VICTIM).slice(before);
        assert.equal(code, 1, said);
        assert.ok(said.split('\n').some((line) => / error /.test(line) && line.includes(file)), said);
        await trading();
        writeFileSync(path, right);
        await cluster.startNode(VICTIM);
        await cluster.level();
    });
}

// Inner nodes of the tree are looked at when somebody asks for a proof, and then it is right or refused.
test('a flipped byte in the middle of the history gives no wrong proof', { timeout: 120000 }, async () => {
    await cluster.end(VICTIM);
    flip('history', middle('history'));
    await cluster.startNode(VICTIM);
    const at = await cluster.agreed();
    let same = 0, refused = 0;
    for (let height = at - 1; height > 0; height -= 3) {
        const path = `/quorex/v1/proofs/header?height=${height}&at=${at}`;
        const right = await cluster.ask(0, path), ours = await cluster.ask(VICTIM, path);
        if (ours.code) refused++;
        else assert.deepEqual(ours, right);
        if (!ours.code) same++;
    }
    console.log(`# proofs from a damaged history: ${same} right, ${refused} refused`);
    assert.ok(same + refused > 5);
});

for (const [what, file, offsets] of AMNESIAC) {
    test(`a node that lost its memory does not start: ${what}`, { timeout: 60000 }, async () => {
        await cluster.end(VICTIM);
        const before = cluster.log(VICTIM).length;
        for (const offset of offsets) flip(file, offset);
        cluster.launch(VICTIM);
        const { code } = await cluster.endOf(VICTIM);
        const said = cluster.log(VICTIM).slice(before);
        assert.equal(code, 3, said);
        assert.match(said, /amnesiac/i);
        assert.match(said, /quorex join/);
        await trading();
        for (const offset of offsets) flip(file, offset); // nothing was written: as if it had not been
        await cluster.startNode(VICTIM);
        await cluster.level();
    });
}

test('nothing acknowledged was lost or doubled, and all nodes agree', { timeout: 120000 }, async () => {
    await cluster.whole();
    const wrong = await load.judge();
    console.log(`# ${load.history.summary()}`);
    assert.deepEqual(wrong, []);
    // A body that the byte in its chain may have cost is fetched again.
    await until('the chain of the damaged node is whole', async () => (await cluster.status(VICTIM)).backfill === null, 60);
    for (const number of cluster.numbers) {
        const { code, said } = await cluster.verify(number);
        assert.equal(code, 0, `node ${number}: ${said}`);
    }
});
