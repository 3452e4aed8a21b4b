// A byte of a stopped node's files changes, one kind of file after the other, while the others trade on: at
// its start the node names the file, mends it, and agrees with the others again. Where it can no longer know
// what it voted for or signed, it does not start. And PostgreSQL stops and is dropped.

import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { until } from './exchange.mjs';
import { Load } from './history.mjs';

const VICTIM = 3, BLOCK = 4096;
let cluster, load;

before(async () => {
    cluster = await Cluster.start(19420, { more: ['--wal-segment-bytes', '1048576'] });
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

// A file of the newest whole checkpoint, by the last of the names that end so.
function ofCheckpoint(ending) {
    const folder = join(cluster.folder(VICTIM), 'checkpoint');
    const heights = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'certificate')));
    return newest(join('checkpoint', heights.sort((a, b) => a - b).at(-1)), ending);
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

async function trading() {
    await load.history.nextAcknowledged([0, 1, 2], 20);
}

test('a stopped and a dropped PostgreSQL stops no trade', { timeout: 120000 }, async () => {
    const { postgres } = cluster;
    await trading();
    postgres.stop();
    for (const number of cluster.numbers) await load.history.nextAcknowledged([number], 20);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    for (const number of cluster.numbers) await load.history.nextAcknowledged([number], 20);
    postgres.start();
    const height = await cluster.agreed();
    await cluster.projected(cluster.numbers, height);
    postgres.sql('quorex_1', 'DROP SCHEMA quorex CASCADE');
    await load.history.nextAcknowledged([1], 20);
    await cluster.projected(cluster.numbers, await cluster.agreed());
    const last = postgres.sql('quorex_0', 'SELECT max(trade_id) FROM quorex.fills WHERE market = 0');
    await until('the same fills in all databases', () => {
        const fills = cluster.numbers.map((number) => postgres.sql(`quorex_${number}`,
            `SELECT count(*), max(trade_id) FROM quorex.fills WHERE market = 0 AND trade_id <= ${last}`));
        return fills.every((text) => text === `${last}|${last}`);
    });
});

for (const [what, fileOf, offsetsOf] of MENDED) {
    test(`a flipped byte is named and mended: ${what}`, { timeout: 120000 }, async () => {
        assert.ok(cluster.children.has(VICTIM), 'the node was mended the last time');
        await until('a checkpoint', async () => (await cluster.status(VICTIM)).checkpointHeight > 0, 60);
        await cluster.end(VICTIM);
        const file = fileOf(), before = cluster.log(VICTIM).length;
        for (const offset of offsetsOf(file)) flip(file, offset);
        await trading();
        await cluster.startNode(VICTIM);
        await load.history.nextAcknowledged([VICTIM], 30);
        await cluster.level();
        const said = cluster.log(VICTIM).slice(before).split('\n');
        const name = file.split('/').at(-1);
        const named = said.find((line) => /warn|error/.test(line) && line.includes(name));
        assert.ok(named, `${file} is named; the log:\n${said.slice(0, 12).join('\n')}`);
        console.log(`# ${what}: ${named.replace(/^\S+ /, '').replaceAll(cluster.dir, '')}`);
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
    // A node that fetched a checkpoint has no older history: of it counts that its state is that of the others.
    await cluster.agreed();
    const wrong = await load.judge([0, 1, 2]);
    console.log(`# ${load.history.summary()}`);
    assert.deepEqual(wrong, []);
    for (const number of [0, 1, 2]) {
        const { code, said } = await cluster.verify(number);
        assert.equal(code, 0, `node ${number}: ${said}`);
    }
    const { code, said } = await cluster.verify(VICTIM);
    assert.equal(code, 2, said); // it begins at a checkpoint: nobody can tell
    assert.match(said, /bodies begin with block/);
});
