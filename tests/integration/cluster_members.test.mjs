// Nodes that come, go and come back: strangers at the peer port, a full disk, a node down until the others'
// logs begin above it, a folder that is gone and a new identity in its place.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { until } from './exchange.mjs';
import { Load } from './history.mjs';

const FULL = 2, LOST = 3;
let cluster, load, mounted = false;

before(async () => {
    cluster = await Cluster.start(19430, { more: ['--wal-segment-bytes', '1048576', '--archive', 'on'],
                                           prepare: mountSmallDisk });
    load = await Load.start(cluster);
});

after(async () => {
    await load?.end();
    for (const number of cluster?.running() ?? []) await cluster.end(number, 'SIGTERM');
    if (mounted) execFileSync('umount', ['-l', cluster.folder(FULL)]);
    await cluster?.stop();
});

// The folder of one node becomes a small disk of its own, where that is allowed.
function mountSmallDisk(made) {
    mkdirSync(made.folder(FULL));
    try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=755', 'none', made.folder(FULL)],
                     { stdio: 'ignore' });
        mounted = true;
    } catch {
        rmSync(made.folder(FULL), { recursive: true });
    }
}

// What the peer port of a node says to `bytes`, until it closes the connection.
function answerTo(number, bytes, seconds = 15) {
    return new Promise((resolve, reject) => {
        const socket = net.connect(cluster.port + 500 + number, '127.0.0.1');
        let said = 0;
        const patience = setTimeout(() => { socket.destroy(); reject(new Error('it was left open')); }, seconds * 1000);
        socket.on('data', (part) => { said += part.length; });
        socket.on('error', () => {});
        socket.on('close', () => { clearTimeout(patience); resolve(said); });
        socket.write(bytes);
    });
}

test('a stranger at the peer port gets not a byte', { timeout: 120000 }, async () => {
    const noise = Array.from({ length: 20 }, () => randomBytes(1 + Math.floor(Math.random() * 400)));
    const said = await Promise.all([Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(0), ...noise].map(
        (bytes, index) => answerTo(index % 4, bytes)));
    assert.deepEqual(said.filter((count) => count > 0), []);
    await load.history.nextAcknowledged([0], 10);
});

test('a full disk stops one node, which says so, and it comes back', { timeout: 120000 }, async (context) => {
    if (!mounted) return context.skip('may not mount here');
    const others = cluster.numbers.filter((number) => number !== FULL);
    const ended = cluster.endOf(FULL), runaway = join(cluster.folder(FULL), 'runaway');
    try {
        execFileSync('dd', ['if=/dev/zero', `of=${runaway}`, 'bs=64k'], { stdio: 'ignore' });
    } catch {
        // dd fails when the disk is full: that is what it is for.
    }
    const { code } = await ended;
    rmSync(runaway);
    assert.equal(code, 1);
    assert.match(cluster.log(FULL), /NO_SPACE|the disk is full|No space left/);
    for (const number of others) await load.history.nextAcknowledged([number], 20);
    await cluster.startNode(FULL);
    await load.history.nextAcknowledged([FULL], 20);
    await cluster.level();
});

function segments(number) {
    return readdirSync(join(cluster.folder(number), 'wal')).filter((name) => name.endsWith('.wal')).sort();
}

test('a node that was away too long comes back through a checkpoint', { timeout: 180000 }, async () => {
    await cluster.level();
    const away = (await cluster.leader() + 1) % 4;
    const { height } = await cluster.status(away);
    await cluster.end(away);
    const before = cluster.log(away).length, last = segments(away).at(-1);
    const others = cluster.numbers.filter((number) => number !== away);
    await until('the others to give back their older segments', async () => {
        const now = await Promise.all(others.map((number) => cluster.status(number)));
        return now.every((status) => status.checkpointHeight > height) &&
               others.every((number) => segments(number)[0] > last);
    }, 90, 200);
    await cluster.startNode(away);
    await load.history.nextAcknowledged([away], 20);
    await cluster.level();
    assert.match(cluster.log(away).slice(before), /"checkpoint fetched"/);
    await cluster.agreed();
});

const member = async (id) => {
    const { validators, standbys } = await cluster.ask(0, '/quorex/v1/validators');
    return [...validators, ...standbys].find((one) => one.node === id);
};

test('rm -rf of a node: a new identity takes its place, the old one is refused', { timeout: 240000 }, async () => {
    const folder = cluster.folder(LOST), kept = `${folder}-old`;
    await cluster.level();
    await cluster.end(LOST);
    cpSync(folder, kept, { recursive: true }); // what nobody should do: see below
    rmSync(folder, { recursive: true });
    const from = performance.now();
    const { stdout } = await cluster.command('join', '--data', cluster.dir, '--number', LOST, '--from', cluster.url(0),
        '--secrets', join(cluster.folder(0), 'keys'), '--operator-key', join(cluster.dir, 'operator.key'),
        '--port', cluster.port + LOST, '--database', `host=${cluster.postgres.directory} dbname=quorex_3 user=quorex`);
    assert.match(stdout, /node 5 stands by/);
    await cluster.startNode(LOST);
    assert.equal((await cluster.status(LOST)).node, 5);
    const { publicKey, address } = await member(5);
    await cluster.command('admin', '--url', cluster.url(0), '--operator-key', join(cluster.dir, 'operator.key'),
        'replace-node', 'oldNode=4', 'newNode=5', `publicKey=${publicKey}`, `address=${address}`, 'wait=60');
    await until('the new one to vote', async () => (await member(5))?.role === 'voter' && !await member(4), 30);
    console.log(`# from rm -rf to a voter of a new identity: ${((performance.now() - from) / 1000).toFixed(1)} s`);
    await load.history.nextAcknowledged([LOST], 20);

    // It counts: with another one gone, the chain goes on only if the new one votes.
    await cluster.end(1);
    await load.history.nextAcknowledged([0, 2, LOST], 20);
    await cluster.agreed([0, 2, LOST]);
    await cluster.startNode(1);
    await cluster.level();

    // The expelled one, on ports of its own, with all it ever had: nobody answers it.
    cluster.launch(LOST + 6, kept, ['--port', String(cluster.port + 9), '--database', '',
                                    '--peer-port', String(cluster.port + 509)]);
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const ready = await fetch(`http://127.0.0.1:${cluster.port + 9}/readyz`).then((one) => one.status, () => 'closed');
    assert.ok(ready === 503 || ready === 'closed', `the old identity is ${ready}`);
    await cluster.end(LOST + 6, 'SIGTERM');
    const said = cluster.log(LOST, kept);
    assert.doesNotMatch(said.slice(said.lastIndexOf('"starting"')), /"link up"/);
});

test('nothing acknowledged was lost or doubled, and all nodes agree', { timeout: 120000 }, async () => {
    await cluster.whole();
    const wrong = await load.judge();
    console.log(`# ${load.history.summary()}`);
    assert.deepEqual(wrong, []);
    for (const number of cluster.numbers) {
        const { code, said } = await cluster.verify(number);
        assert.equal(code, 0, `node ${number}: ${said}`);
    }
});
