// A chain that is really stuck, and the operators' way out of it: two of four keys sign what nobody computed.
//
// The program forger stands in for node 4 and has the key of node 3 as well. Node 3 itself runs and is silent, because
// its operator has let it make a statement and started it again: it signs nothing more in that epoch.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { quorex, until } from './exchange.mjs';
import { Load } from './history.mjs';

const STAYING = [0, 1, 2], SILENT = 2, LIAR = 3;
let cluster, load, forger, stuckAt;

before(async () => {
    cluster = await Cluster.start(21000);
    load = await Load.start(cluster);
});

after(async () => {
    forger?.kill('SIGKILL');
    await load?.end();
    await cluster?.stop();
});

const file = (name) => join(cluster.dir, name);
const config = (number) => join(cluster.folder(number), 'quorex.conf');
// One command under two names.
const epoch = (action, number, ...args) =>
    cluster.command(...(action === 'decide' ? ['admin', 'epoch'] : ['epoch']), action, '--config', config(number), ...args);
const refused = (promise, words, code = 1) => assert.rejects(promise, (error) => {
    assert.equal(error.code, code);
    assert.match(error.stderr, words);
    return true;
});
const reports = (...numbers) => numbers.map((number) => file(`report-${number}`));
const statuses = () => Promise.all(STAYING.map((number) => cluster.status(number)));

async function blocksPass(count) {
    const { height } = await cluster.status(0);
    await until(`${count} blocks`, async () => (await cluster.status(0)).height >= height + count);
}

test('a node that has made a statement signs nothing more, also when it runs', { timeout: 90000 }, async () => {
    await load.history.nextAcknowledged([SILENT], 20);
    await refused(epoch('report', SILENT, '--out', file('early')), /another node runs/, 2);
    await cluster.end(LIAR, 'SIGTERM');
    await cluster.end(SILENT, 'SIGTERM');
    // What is closed is closed, whatever becomes of the statement.
    await refused(epoch('report', SILENT, '--out', join(cluster.dir, 'no', 'folder')), /nothing is written/);
    await cluster.startNode(SILENT);
    const { certifiedHeight } = await cluster.status(0);
    await blocksPass(5);
    assert.equal((await cluster.status(0)).certifiedHeight, certifiedHeight, 'two of four sign');
    await load.history.nextAcknowledged(STAYING, 20); // trading goes on, uncertified
});

test('two keys that sign something else: stuck, and nothing is taken', { timeout: 60000 }, async () => {
    forger = spawn(join(dirname(quorex), 'integration_forger'), [
        join(cluster.folder(0), 'genesis.json'), '127.0.0.1', cluster.port + 500 + LIAR,
        LIAR + 1, join(cluster.folder(LIAR), 'keys', 'node.key'),
        SILENT + 1, join(cluster.folder(SILENT), 'keys', 'node.key')].map(String), { stdio: 'inherit' });
    await until('the chain to be stuck', async () => (await statuses()).every((status) => status.stuck));
    stuckAt = (await cluster.status(0)).certifiedHeight + 1;
    for (const number of STAYING) assert.equal((await cluster.ask(number, '/healthz')).status, 'stuck');
    const refusals = () => load.history.codes.get(-1016) ?? load.history.codes.get('-1016') ??
        [...load.history.codes].filter(([word]) => String(word).includes('-1016')).reduce((sum, [, count]) => sum + count, 0);
    const before = refusals(), { acknowledged } = load.history;
    await until('orders to be refused', () => refusals() > before + 20);
    assert.ok(load.history.acknowledged <= acknowledged + 8, 'only what was under way');
    await blocksPass(5);
    const now = await statuses();
    assert.ok(now.every((status) => status.stuck && status.certifiedHeight < stuckAt && status.epoch === 0));
    const evidence = await until('the evidence', async () => {
        const text = JSON.stringify(await cluster.ask(1, '/quorex/v1/evidence'));
        return text.includes(`double-${LIAR + 1}-0-`) && text;
    });
    assert.ok(!evidence.includes(`double-${SILENT + 1}-`), 'node 3 has signed nothing itself');
});

test('the operators report, decide and apply', { timeout: 120000 }, async () => {
    for (const number of STAYING) await cluster.end(number, 'SIGTERM');
    forger.kill('SIGKILL');
    for (const number of STAYING) {
        const { stdout } = await epoch('report', number, '--out', file(`report-${number}`));
        assert.match(stdout, /signs nothing more in epoch 0/);
        const again = await epoch('report', number, '--out', file(`report-${number}`));
        assert.equal(again.stdout, stdout);
    }
    await refused(epoch('decide', 0, '--out', file('decision'), ...reports(0, 1)), /fewer reports than a quorum/);
    await refused(epoch('decide', 0, '--out', file('decision'), ...reports(0, 1, 1)), /same node/);
    await refused(epoch('decide', 0, '--out', file('decision'), config(0)), /no report|too short/);
    assert.ok(!existsSync(file('decision')));
    const { stdout } = await epoch('decide', 1, '--out', file('decision'), ...reports(2, 0, 1));
    console.log(stdout.trim().replace(/^/gm, '# '));
    assert.match(stdout, /nothing is cut/);
    assert.match(stdout, /lost: nothing/);
    for (const number of STAYING) await epoch('apply', number, '--decision', file('decision'));
});

test('the next epoch: certified again, orders are taken', { timeout: 120000 }, async () => {
    await cluster.startAll(STAYING);
    await until('the next epoch', async () => (await statuses()).every((status) =>
        status.epoch === 1 && !status.stuck && status.certifiedHeight > stuckAt), 30);
    for (const number of STAYING) await load.history.nextAcknowledged([number], 20);
    const header = await cluster.ask(0, `/quorex/v1/blocks/${await cluster.agreed(STAYING)}`);
    assert.equal(header.epoch, 1);
    assert.equal((await cluster.ask(0, `/quorex/v1/blocks/${stuckAt}`)).epoch, 0);
    assert.ok(!/"halted"/.test(cluster.log(0)));
    for (const number of STAYING) {
        const proposed = readFileSync(join(cluster.folder(number), 'epoch-change'));
        assert.ok(proposed.length > 3 * 256);
    }
});

test('who signed twice is expelled, and the three go on', { timeout: 60000 }, async () => {
    await cluster.command('admin', '--url', cluster.url(0), '--operator-key', file('operator.key'),
                          'remove-node', `node=${LIAR + 1}`);
    await until('three validators', async () =>
        (await cluster.ask(1, '/quorex/v1/validators')).validators.length === 3);
    for (const number of STAYING) await load.history.nextAcknowledged([number], 20);
    await cluster.agreed(STAYING);
    assert.match(JSON.stringify(await cluster.ask(2, '/quorex/v1/evidence')), new RegExp(`double-${LIAR + 1}-0-`));
});

test('a restart reads all of it again; nothing acknowledged was lost or doubled', { timeout: 180000 }, async () => {
    for (const number of STAYING) await cluster.end(number, 'SIGTERM');
    await cluster.startAll(STAYING);
    for (const number of STAYING) await load.history.nextAcknowledged([number], 20);
    const wrong = await load.judge(STAYING);
    console.log(`# ${load.history.summary()}`);
    assert.deepEqual(wrong, []);
    for (const number of STAYING) {
        const { code, said } = await cluster.verify(number);
        assert.equal(code, 0, `node ${number}: ${said}`);
    }
});
