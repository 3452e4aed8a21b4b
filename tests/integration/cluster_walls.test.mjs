// Four nodes under load with walls between them: what each side may do, and what comes of it when they fall.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { until } from './exchange.mjs';
import { Load } from './history.mjs';

let cluster, load;

before(async () => {
    cluster = await Cluster.start(19410, { walls: true });
    load = await Load.start(cluster);
});

after(async () => {
    await load?.end();
    await cluster?.stop();
});

const others = (...some) => cluster.numbers.filter((number) => !some.includes(number));

// Nobody acknowledges anything through `numbers` for some seconds; what was under way may still be answered.
async function silent(numbers, seconds) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const outcome = await load.history.nextAcknowledged(numbers, seconds).catch(() => null);
    assert.equal(outcome, null, `an order was acknowledged through node ${outcome?.node}`);
}

async function healed() {
    cluster.walls.heal();
    for (const number of cluster.numbers) await load.history.nextAcknowledged([number], 20);
    await cluster.level();
}

test('an isolated leader acknowledges nothing, and follows when it is back', { timeout: 90000 }, async () => {
    const leader = await cluster.leader();
    cluster.walls.isolate([leader]);
    const { milliseconds } = await load.history.nextAcknowledged(others(leader), 10);
    console.log(`# leader isolated until the next acknowledged order: ${Math.round(milliseconds)} ms`);
    await silent([leader], 5);
    assert.notEqual(await cluster.leader(others(leader)), leader);
    await healed();
});

for (const [ways, what] of [['out', 'is not heard'], ['in', 'hears nothing']]) {
    test(`a leader that ${what} is replaced`, { timeout: 90000 }, async () => {
        const leader = await cluster.leader();
        cluster.walls.isolate([leader], ways);
        const { milliseconds } = await load.history.nextAcknowledged(others(leader), 10);
        console.log(`# leader ${what} until the next acknowledged order: ${Math.round(milliseconds)} ms`);
        await silent([leader], 3);
        await healed();
    });

    test(`a follower that ${what} disturbs nobody`, { timeout: 90000 }, async () => {
        const leader = await cluster.leader(), follower = (leader + 1) % 4;
        const { term } = await cluster.status(leader);
        cluster.walls.isolate([follower], ways);
        await load.history.nextAcknowledged(others(follower), 10);
        await silent([follower], 3);
        await load.history.nextAcknowledged(others(follower), 10);
        await healed();
        assert.equal((await cluster.status(leader)).term, term, 'the leader was not unseated');
    });
}

test('one wall between the leader and one follower stops neither', { timeout: 90000 }, async () => {
    const leader = await cluster.leader(), follower = (leader + 2) % 4;
    cluster.walls.block(leader, follower);
    cluster.walls.block(follower, leader);
    await load.history.nextAcknowledged(others(leader, follower), 10);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await load.history.nextAcknowledged(others(leader, follower), 10);
    await healed();
});

test('two and two: nobody acknowledges anything, until it heals', { timeout: 90000 }, async () => {
    const leader = await cluster.leader();
    cluster.walls.isolate([leader, (leader + 1) % 4]);
    await silent(cluster.numbers, 5);
    await healed();
});

test('links that come and go lose nothing', { timeout: 90000 }, async () => {
    for (let i = 0; i < 6; i++) {
        cluster.walls.cut([i % 4]); // connections break, and the next ones work
        await load.history.nextAcknowledged([i % 4], 10);
    }
    await healed();
});

test('nothing acknowledged was lost or doubled, and all nodes agree', { timeout: 120000 }, async () => {
    const wrong = await load.judge();
    console.log(`# ${load.history.summary()}`);
    assert.deepEqual(wrong, []);
    await until('some thousand orders', () => load.history.acknowledged > 2000, 1);
    for (const number of cluster.numbers) {
        const { code, said } = await cluster.verify(number);
        assert.equal(code, 0, `node ${number}: ${said}`);
    }
});
