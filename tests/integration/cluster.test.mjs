// Four nodes under load while their leaders die, are stopped and hand over. Clients at every node write down
// what they were told; in the end nothing acknowledged is lost or doubled, and all nodes agree.
//
// QUOREX_KILLS: how often the leader is killed (default 100).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { ccxtRest } from './clients.mjs';
import { Cluster } from './cluster.mjs';
import { until } from './exchange.mjs';
import { Load } from './history.mjs';

const kills = Number(process.env.QUOREX_KILLS ?? 100);
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

// The trades of BTCUSDT as one node's stream tells them, by id.
async function listen(number) {
    const heard = new Map(), socket = new WebSocket(`ws://127.0.0.1:${cluster.port + number}/ws/btcusdt@trade`);
    socket.on('message', (message) => {
        const { t: id, p: price, q: qty, T: time, m: isBuyerMaker } = JSON.parse(message);
        assert.ok(!heard.has(id), `trade ${id} came twice from node ${number}`);
        heard.set(id, [price, qty, time, isBuyerMaker].join());
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return { heard, socket };
}

test('every node takes orders, streams and reads', { timeout: 60000 }, async () => {
    const ears = await Promise.all(cluster.numbers.map(listen));
    const leader = await cluster.leader(), [ann] = cluster.accounts;
    for (const number of cluster.numbers.filter((one) => one !== leader)) {
        const client = ccxtRest({ http: cluster.url(number), ws: '' }, ann);
        const order = await client.createOrder('ETH/USDT', 'limit', 'sell', 0.5, 9000 + number);
        assert.equal((await client.fetchOrder(order.id, 'ETH/USDT')).status, 'open');
        const [level] = (await client.fetchOrderBook('ETH/USDT')).asks.filter(([price]) => price === 9000 + number);
        assert.deepEqual(level.slice(0, 2), [9000 + number, 0.5]);
        assert.equal((await client.cancelOrder(order.id, 'ETH/USDT')).status, 'canceled');
        // Whoever placed it did so outside of the load: the checker is to know.
        load.history.places.push({ account: ann.name, id: order.clientOrderId, symbol: 'ETHUSDT', node: number,
                                   outcome: 'acknowledged', order: order.info });
    }
    await until('200 trades on every stream', () => ears.every(({ heard }) => heard.size > 200), 60);
    const common = [...ears[0].heard.keys()].filter((id) => ears.every(({ heard }) => heard.has(id)));
    assert.ok(common.length > 150);
    for (const id of common) {
        for (const { heard } of ears) assert.equal(heard.get(id), ears[0].heard.get(id), `trade ${id}`);
    }
    for (const { heard, socket } of ears) {
        const ids = [...heard.keys()];
        assert.deepEqual(ids, ids.map((_, index) => ids[0] + index), 'without a gap, in order');
        socket.close();
    }
});

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

// The longest that clients of these nodes wait for an order while something happens.
async function longestPause(numbers) {
    const from = performance.now();
    let longest = 0;
    while (performance.now() - from < 1500) {
        const { milliseconds } = await load.history.nextAcknowledged(numbers, 10);
        longest = Math.max(longest, milliseconds);
    }
    return longest;
}

test('SIGTERM of the leader hands over, and leaves nobody without an answer', { timeout: 120000 }, async () => {
    const pauses = [], unknown = () => load.history.codes.get('504 -1007') ?? 0, before = unknown();
    for (let i = 0; i < 5; i++) {
        await cluster.level();
        const leader = await cluster.leader();
        const others = cluster.numbers.filter((number) => number !== leader);
        const ended = cluster.end(leader, 'SIGTERM');
        pauses.push(await longestPause(others));
        assert.deepEqual(await ended, { code: 0, signal: null });
        await cluster.startNode(leader);
    }
    assert.equal(unknown(), before, 'what was under way had its answer');
    console.log(`# leader ended by SIGTERM, longest pause at the other nodes: ${figures(pauses)}`);
});

async function stopped(number, seconds) {
    cluster.signal(number, 'SIGSTOP');
    const others = cluster.numbers.filter((other) => other !== number);
    const milliseconds = await longestPause(others);
    await new Promise((resolve) => setTimeout(resolve, (seconds - 1.5) * 1000));
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
    console.log(`# leader stopped, longest pause at the other nodes: ${Math.round(milliseconds)} ms`);
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
