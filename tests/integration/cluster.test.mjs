// Four nodes under load while their leaders die, are stopped and hand over. Clients at every node write down
// what they were told; in the end nothing acknowledged is lost or doubled, and all nodes agree.
//
// QUOREX_KILLS: how often the leader is killed (default 30).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { until } from './exchange.mjs';
import { Load } from './history.mjs';

const kills = Number(process.env.QUOREX_KILLS ?? 30);
let cluster, load;

before(async () => {
    cluster = await Cluster.start(19400);
    load = await Load.start(cluster);
});

after(async () => {
    await load?.end();
    await cluster?.stop();
});

function figures(times) {
    const sorted = [...times].sort((a, b) => a - b);
    const at = (part) => Math.round(sorted[Math.floor((sorted.length - 1) * part)]);
    return `median ${at(0.5)} ms, max ${at(1)} ms`;
}

test(`kill -9 of the leader, ${kills} times`, { timeout: kills * 20000 + 60000 }, async () => {
    const pauses = [];
    for (let i = 0; i < kills; i++) {
        await cluster.level();
        const leader = await cluster.leader();
        await load.history.nextAcknowledged();
        const gone = cluster.end(leader);
        const { milliseconds } = await load.history.nextAcknowledged(null, 10);
        pauses.push(milliseconds);
        await gone;
        await cluster.startNode(leader);
    }
    console.log(`# leader killed until the next acknowledged order: ${figures(pauses)}`);
    console.log(`# ${load.history.summary()}`);
});

test('SIGTERM of the leader hands over', { timeout: 120000 }, async () => {
    const pauses = [];
    for (let i = 0; i < 5; i++) {
        await cluster.level();
        const leader = await cluster.leader();
        const others = cluster.numbers.filter((number) => number !== leader);
        const ended = cluster.end(leader, 'SIGTERM');
        // The longest that a client of another node waits while it happens.
        const from = performance.now();
        let longest = 0;
        while (performance.now() - from < 1500) {
            const { milliseconds } = await load.history.nextAcknowledged(others, 10);
            longest = Math.max(longest, milliseconds);
        }
        assert.deepEqual(await ended, { code: 0, signal: null });
        pauses.push(longest);
        await cluster.startNode(leader);
    }
    console.log(`# leader ended by SIGTERM, longest pause at the other nodes: ${figures(pauses)}`);
});

async function stopped(number, seconds) {
    cluster.signal(number, 'SIGSTOP');
    const others = cluster.numbers.filter((other) => other !== number);
    const { milliseconds } = await load.history.nextAcknowledged(others, 10);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    await load.history.nextAcknowledged(others, 10);
    cluster.signal(number, 'SIGCONT');
    await load.history.nextAcknowledged([number], 20);
    await cluster.level();
    return milliseconds;
}

test('a leader that is stopped for 10 s follows afterwards', { timeout: 60000 }, async () => {
    const leader = await cluster.leader();
    const milliseconds = await stopped(leader, 10);
    assert.notEqual(await cluster.leader(), leader);
    console.log(`# leader stopped until the next acknowledged order: ${Math.round(milliseconds)} ms`);
});

test('a follower that is stopped for 10 s comes back', { timeout: 60000 }, async () => {
    const leader = await cluster.leader();
    await stopped((leader + 1) % 4, 10);
    assert.equal(await cluster.leader(), leader);
});

test('nothing acknowledged was lost or doubled, and all nodes agree', { timeout: 180000 }, async () => {
    const wrong = await load.judge();
    console.log(`# ${load.history.summary()}`);
    assert.deepEqual(wrong, []);
    assert.ok(load.history.acknowledged > 20 * kills);
    for (const number of cluster.numbers) {
        const { code, said } = await cluster.verify(number);
        assert.equal(code, 0, `node ${number}: ${said}`);
    }
});

test('four idle nodes leave the machine alone', { timeout: 60000 }, async () => {
    const { readFileSync } = await import('node:fs');
    const ticks = () => cluster.numbers.map((number) => {
        const stat = readFileSync(`/proc/${cluster.children.get(number).pid}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(fields[11]) + Number(fields[12]);
    });
    const before = ticks();
    await new Promise((resolve) => setTimeout(resolve, 20000));
    const shares = ticks().map((now, index) => ((now - before[index]) / 20).toFixed(1));
    console.log(`# idle, percent of a core: ${shares.join(', ')}`);
    await until('all nodes to be level', () => cluster.level());
});
