// A member that lies: with its own key and in its own stream it sends the leader commands that would halt every
// honest node, at every start again, if the log had them. The program liar stands in for node 4.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { quorex, until } from './exchange.mjs';
import { Load } from './history.mjs';

const HONEST = [0, 1, 2], LIAR = 3;
let cluster, load, liar;

before(async () => {
    cluster = await Cluster.start(25200, { database: false });
    load = await Load.start(cluster);
    await load.history.nextAcknowledged(cluster.numbers, 20);
    await cluster.end(LIAR, 'SIGTERM');
});

after(async () => {
    liar?.kill('SIGKILL');
    await load?.end();
    await cluster?.stop();
});

const statuses = () => Promise.all(HONEST.map((number) => cluster.status(number)));
const evidence = () => HONEST.flatMap((number) => {
    const folder = join(cluster.folder(number), 'evidence');
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
});
const lies = () => evidence().filter((path) => /lie-4-/.test(path)).map((path) => JSON.parse(readFileSync(path)));
const falseRuns = async () => (await statuses()).reduce((sum, { peers }) =>
    sum + (peers.find(({ node }) => node === LIAR + 1)?.falseRuns ?? 0), 0);

async function begin(kind) {
    let said = '';
    liar = spawn(join(dirname(quorex), 'integration_liar'), [
        join(cluster.folder(0), 'genesis.json'), '127.0.0.1', cluster.port + 500 + LIAR, LIAR + 1,
        join(cluster.folder(LIAR), 'keys', 'node.key'), kind].map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
    liar.stdout.on('data', (bytes) => { said += bytes; });
    await until('the liar to be told its next number', () => /^told by/m.test(said), 30);
}

async function end() {
    const ended = new Promise((resolve) => liar.once('exit', resolve));
    liar.kill('SIGKILL');
    await ended;
}

async function nobodyHalts(blocks = 10) {
    const before = await statuses();
    for (const number of HONEST) await load.history.nextAcknowledged([number], 20);
    await until('blocks to be certified', async () => (await statuses()).every(
        ({ certifiedHeight }, i) => certifiedHeight >= before[i].certifiedHeight + blocks), 30);
    for (const status of await statuses()) assert.equal(status.halted, false);
    assert.ok(!evidence().some((path) => /halt-/.test(path)));
}

test('votes: with an authentication field none is taken, a forged one counts for nothing', { timeout: 90000 }, async () => {
    for (const kind of ['vote', 'forged']) {
        await begin(kind);
        await nobodyHalts(20);
        await end();
    }
    assert.deepEqual(lies(), []);
});

test('an order by no key is not taken, and known to be a lie', { timeout: 90000 }, async () => {
    await begin('key');
    await until('the lie to be noticed', async () => await falseRuns() > 0);
    await nobodyHalts();
    const [lie] = await until('the evidence', () => lies().length > 0 && lies());
    assert.equal(lie.node, LIAR + 1);
    assert.equal(lie.what, 'key');
    assert.match(lie.command, /ee{10}/);
    await end();
});

test('nor a credit that the operator did not sign', { timeout: 90000 }, async () => {
    await begin('signature');
    await until('the lie to be noticed', () => lies().some(({ what }) => what === 'signature'), 30);
    await nobodyHalts();
    const metrics = await Promise.all(HONEST.map(async (number) => (await fetch(`${cluster.url(number)}/metrics`)).text()));
    const counted = metrics.reduce((sum, text) => sum + Number(/^quorex_false_runs_total (\d+)/m.exec(text)[1]), 0);
    assert.ok(counted >= 2);
    assert.ok(HONEST.some((number) => /vouches for a command that may not stand.*node=4 what="signature"/.test(cluster.log(number))));
    await end();
});

test('nor a withdrawal from an account whose key the member does not have', { timeout: 90000 }, async () => {
    const known = lies().length;
    await begin('withdrawal');
    await until('the lie to be noticed', () => lies().length > known, 30);
    await nobodyHalts();
    const thief = Buffer.from('thief').toString('hex');
    const found = lies().find(({ command }) => command.includes(thief));
    assert.equal(found.what, 'key', JSON.stringify(found));
    assert.equal(found.node, LIAR + 1);
    await end();
});

test('the honest node with that key is heard again, and all have the same', { timeout: 120000 }, async () => {
    await cluster.startNode(LIAR);
    await load.history.nextAcknowledged([LIAR], 20);
    const wrong = await load.judge();
    console.log(`# ${load.history.summary()}`);
    assert.deepEqual(wrong, []);
    for (const number of cluster.numbers) {
        const { code, said } = await cluster.verify(number);
        assert.equal(code, 0, `node ${number}: ${said}`);
    }
});
