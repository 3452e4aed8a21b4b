#!/usr/bin/env node
// The figures of four nodes, each beside its bar: starts what it measures, stops it, removes it.
//
//     benchmarks/cluster.mjs [--rounds 3] [--seconds 5] [--accounts 1000000] [--orders 100000] [--kills 20]
//                            [--port 26000] [--build build/release] [--only NAME,...]
//
// Prints one JSON line for every program it ran, then the medians of all rounds as a table. Names: log, whole, http,
// commit, seal, big, join, kill; http also
// sees what idle nodes take. Ports used: port to port + 9 and port + 500 to port + 509.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import * as table from './table.mjs';
import { has, inFolder, median, note, printTable, printed, processor } from './table.mjs';

const wishes = { rounds: '3', seconds: '5', accounts: '1000000', orders: '100000', kills: '20', port: '26000',
                 build: 'build/release', only: 'log,whole,http,commit,seal,big,join,kill' };
table.readWishes(wishes);
const only = wishes.only.split(','), port = Number(wishes.port);

const run = (program, ...args) => table.run(wishes.build, program, ...args);
const cluster = (folder, ...args) =>
    run('bench_cluster', folder, '--port', port, '--seconds', wishes.seconds, ...args);

function noteStages(name, cpu) {
    for (const stage of ['consensus', 'engine', 'anchor', 'feeder', 'all']) note(`${name}.${stage}`, cpu[stage]);
}

async function measureLog() {
    for (const work of ['book', 'match']) {
        const figures = await inFolder((folder) => cluster(folder, '--stage', 'engine', '--work', work,
                                                           '--in-flight', 10000));
        note(`log.${work}`, figures.per_second);
        noteStages(`log.${work}`, figures.cpu_ns);
    }
}

async function measureWhole() {
    for (const work of ['book', 'match']) {
        const load = ['--work', work, '--in-flight', 10000];
        const cold = await inFolder((folder) => cluster(folder, ...load));
        note(`cold.${work}`, cold.per_second);
        noteStages(`cold.${work}`, cold.cpu_ns);
        // Bodies of 450 bytes a command on each node: memory for the page cache that the host has found already.
        const figures = await inFolder((folder) => cluster(folder, ...load, '--memory', 400 * Number(wishes.seconds)));
        note(`whole.${work}`, figures.per_second);
        noteStages(`whole.${work}`, figures.cpu_ns);
    }
}

async function measureCommit() {
    const one = await inFolder((folder) => cluster(folder, '--nodes', 1, '--in-flight', 1, '--writes'));
    note('write', one.write.p50_us);
    note('one', one.run.commit.p50_us);
    note('one.ratio', one.run.commit.p50_us / one.write.p50_us);
    const four = await inFolder((folder) => cluster(folder, '--at', 'leader', '--in-flight', 1, '--writes'));
    note('four.write', four.write.p50_us);
    note('four', four.run.commit.p50_us / 1000);
    note('four.p99', four.run.commit.p99_us / 1000);
    const bare = await inFolder((folder) => cluster(folder, '--at', 'leader', '--in-flight', 1, '--stage', 'engine'));
    note('bare', bare.commit.p50_us / 1000);
    note('bare.p99', bare.commit.p99_us / 1000);
    note('certified', four.run.certified.p50_us / 1000);
    note('certified.over', (four.run.certified.p50_us - four.run.commit.p50_us) / 1000);
}

async function measureSeal() {
    const figures = await inFolder((folder) => run('bench_seal', folder, wishes.accounts, 10000, 10));
    note('seal', figures.seal_ms);
    note('seal.longest', figures.seal_longest_ms);
    note('seal.settle', figures.settle_ms);
    note('seal.store', figures.store_ms);
}

// Blocks and checkpoints of a large exchange, seen by one command in flight.
async function measureBig() {
    await inFolder(async (folder) => {
        const size = ['--accounts', wishes.accounts, '--orders', wishes.orders];
        cluster(folder, ...size, '--checkpoint-blocks', 50, '--make');
        for (let round = 0; round < Number(wishes.rounds); round++) {
            const load = [...size, '--at', 'leader', '--in-flight', 1, '--seconds', 15];
            const whole = cluster(folder, ...load);
            note('big.p50', whole.commit.p50_us / 1000);
            note('big.p99', whole.commit.p99_us / 1000);
            note('big.checkpoint', (whole.commit_meanwhile.p99_us ?? NaN) / 1000);
            note('big.max', Math.max(whole.commit.max_us, whole.commit_meanwhile.max_us ?? 0) / 1000);
        }
    });
}

function measureJoin() {
    const figures = run('benchmarks/joining', '--build', wishes.build, '--accounts', wishes.accounts,
                        '--orders', wishes.orders, '--port', port);
    for (const name of ['join_s', 'fetch_s', 'restore_s', 'processor_s', 'copy_s', 'checkpoint_bytes'])
        note(`join.${name}`, figures[name]);
}

// ---- real nodes with their gateways ----

// Idle nodes, and then signed orders at one of them.
async function measureHttp() {
    await inFolder(async (folder) => {
        execFileSync(join(wishes.build, 'quorex'), ['init', '--data', folder, '--demo', '--nodes', '4',
                                                    '--port', String(port)]);
        await table.withNodes(wishes.build, folder, port, 4, async (children) => {
            await pause(3000);
            const before = children.map((child) => processor(child.pid));
            await pause(15000);
            const cores = children.map((child, at) => (processor(child.pid) - before[at]) / 15 * 100);
            console.log(`idle nodes, percent of a core: ${cores.map((core) => core.toFixed(2)).join(' ')}`);
            note('idle', Math.max(...cores));
            execFileSync(join(wishes.build, 'quorex'), ['demo-accounts', '--url', `http://127.0.0.1:${port}`,
                                                        '--data', folder]);
            const figures = run('bench_orders', '--port', port, '--accounts', join(folder, 'accounts.json'),
                                '--connections', 64, '--seconds', wishes.seconds);
            note('http', figures.per_second);
            note('http.p99', figures.p99_us / 1000);
        });
    });
}

async function measureKills() {
    const figures = await inFolder((folder) => cluster(folder, '--kill', wishes.kills, '--in-flight', 8));
    note('killed', figures.median_ms);
    note('killed.max', figures.max_ms);
}

// ---- the table ----

const figures = [
    ['log and engine, 4 nodes, a book (46 rest, 46 cancel, 8 take), per second', 'log.book', 400000, 'least'],
    ['the same, half of the orders match', 'log.match', 400000, 'least'],
    ['settling, sealing and votes on, a book, per second', 'whole.book', 150000, 'least'],
    ['the same, half of the orders match', 'whole.match', 150000, 'least'],
    ['settling, sealing and votes on, a book, page cache in memory new to the machine', 'cold.book'],
    ['the same, half of the orders match', 'cold.match'],
    ['the same through HTTP, signed, 64 connections at one node, per second', 'http'],
    ['one write of 4 KiB, p50, us', 'write'],
    ['commit, 1 node, p50, us', 'one'],
    ['commit / write, 1 node, p50', 'one.ratio', 2, 'most'],
    ['commit, 4 nodes, p50, ms', 'four', 0.6, 'most'],
    ['commit, 4 nodes, p99, ms', 'four.p99', 2, 'most'],
    ['the same without settling and sealing, p50, ms', 'bare'],
    ['the same without settling and sealing, p99, ms', 'bare.p99'],
    ['sealed to certified, p50, ms', 'certified'],
    ['the same less a commit, p50, ms', 'certified.over', 2, 'most'],
    ['sealing a block of 10,000 fills, ms', 'seal', 30, 'most'],
    ['its longest, ms', 'seal.longest'],
    ['settling and hashing its commands before, ms', 'seal.settle'],
    ['its way into the chain files, ms', 'seal.store'],
    ['large exchange: commit, p50, ms', 'big.p50'],
    ['large exchange: commit, p99, ms', 'big.p99'],
    ['the same while a checkpoint is made, ms', 'big.checkpoint'],
    ['longest, ms', 'big.max'],
    ['a node joins the large exchange, s', 'join.join_s', 30, 'most'],
    ['of which fetching, s', 'join.fetch_s'],
    ['of which restoring, s', 'join.restore_s'],
    ['its processor time, s', 'join.processor_s'],
    ['its checkpoint copied plainly, s', 'join.copy_s'],
    ['leader killed: next order, median, ms', 'killed', 1000, 'most'],
    ['leader killed: next order, longest, ms', 'killed.max', 2000, 'most'],
    ['idle node, percent of a core', 'idle', 3, 'most'],
];

function printStages() {
    console.log('\n| processor time a command, all four nodes, ns | consensus | engine | anchor | feeder | all |');
    console.log('|---|---|---|---|---|---|');
    for (const name of ['log.book', 'log.match', 'whole.book', 'whole.match', 'cold.book', 'cold.match']) {
        if (!has(name)) continue;
        const stages = ['consensus', 'engine', 'anchor', 'feeder', 'all'].map((stage) => printed(median(`${name}.${stage}`)));
        console.log(`| ${name} | ${stages.join(' | ')} |`);
    }
}

const each = { log: measureLog, whole: measureWhole, commit: measureCommit, seal: measureSeal, http: measureHttp };
const once = { kill: measureKills, join: measureJoin, big: measureBig };
for (let round = 0; round < Number(wishes.rounds); round++)
    for (const [name, measure] of Object.entries(each))
        if (only.includes(name)) await measure();
for (const [name, measure] of Object.entries(once))
    if (only.includes(name)) await measure();
printTable(figures);
printStages();
