#!/usr/bin/env node
// The gateway's figures at one node, each beside its bar: starts what it measures, stops it, removes it.
//
//     benchmarks/gateway.mjs [--rounds 3] [--seconds 4] [--rate 10000] [--spin 50] [--port 18390] [--build build/release]
//                            [--only NAME,...] [--pin yes]
//
// Prints one JSON line for every program it ran, then the medians of all rounds as a table. Names: orders, batch, open, read,
// one, alone (what has no PostgreSQL), spin (one again, by threads that look for work before they sleep), fan, calls. Ports
// used: port to port + 3, port + 500, port + 502 and 18290. With PostgreSQL it is scripts/up's exchange; its program is
// build/release's, and so has --build to be. `fan` wants npm ws (npm ci in tests/integration). --pin yes: whatever serves,
// PostgreSQL too, has processor 0 and nothing else, and the load has processor 1; without it the kernel decides.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import * as table from './table.mjs';
import { inFolder, note, printTable } from './table.mjs';

const wishes = { rounds: '3', seconds: '4', rate: '10000', port: '18390', build: 'build/release', spin: '50', pin: 'no',
                 only: 'orders,batch,open,read,one,alone,spin,fan,calls' };
table.readWishes(wishes);
const only = wishes.only.split(','), port = Number(wishes.port), { build, seconds } = wishes;
const isPinned = wishes.pin === 'yes';
const run = (program, ...args) =>
    isPinned ? table.run(build, '/usr/bin/taskset', '-c', 1, join(build, program), ...args) : table.run(build, program, ...args);

// A command and its arguments, for spawn; of something that serves.
const serving = (program, ...args) => isPinned ? ['taskset', ['-c', '0', program, ...args]] : [program, args];
const pinServer = (pid) => isPinned && execFileSync('taskset', ['-a', '-p', '-c', '0', String(pid)]);

// Signed orders at the node `at`: { port, pid, folder }.
const orders = (at, ...args) =>
    run('bench_orders', '--port', at.port, '--accounts', join(at.folder, 'accounts.json'), '--seconds', seconds,
        '--thread', `${at.pid}:gateway`, ...args);

// The same h2o answering `byteCount` bytes: what bench_orders sees of it.
async function constant(byteCount) {
    const child = spawn(...serving(join(build, 'bench_constant'), String(port + 1), String(byteCount)), { stdio: 'ignore' });
    try {
        await table.whenReady(`http://127.0.0.1:${port + 1}/`, child);
        return run('bench_orders', '--port', port + 1, '--constant', '/', '--seconds', seconds,
                   '--thread', `${child.pid}:bench_constant`);
    } finally {
        await table.stop([child]);
    }
}

async function measureOrders(at, name) {
    const yardstick = await constant(0), figures = orders(at, '--traffic', 'book');
    note(`${name}.constant`, yardstick.per_second);
    note(`${name}.constant_us`, yardstick.thread_us);
    note(name, figures.per_second);
    note(`${name}.ratio`, figures.per_second / yardstick.per_second);
    note(`${name}.us`, figures.thread_us);
    note(`${name}.us_ratio`, figures.thread_us / yardstick.thread_us);
    note(`${name}.p50`, figures.p50_us / 1000);
    note(`${name}.p99`, figures.p99_us / 1000);
}

// Its first 300,000 orders fill what memory a node will ever have for recent ones, 250 MB that nobody has touched yet: a round
// that nobody counts has them.
const growMemory = (at) => orders(at, '--traffic', 'batch');

function measureBatch(at, name) {
    const figures = orders(at, '--traffic', 'batch');
    note(name, figures.orders_per_second);
    note(`${name}.us`, figures.thread_us / 100);
}

function measureOpen(at) {
    const figures = orders(at, '--traffic', 'book', '--rate', wishes.rate);
    note('open.p50', figures.p50_us / 1000);
    note('open.p99', figures.p99_us / 1000);
    note('open.late', figures.late_p99_us / 1000);
}

async function measureRead(at) {
    const paths = { depth: '/api/v3/depth?symbol=BTCUSDT', ticker: '/api/v3/ticker/24hr?symbol=BTCUSDT' };
    for (const [name, path] of Object.entries(paths)) {
        const body = await (await fetch(`http://127.0.0.1:${at.port}${path}`)).arrayBuffer();
        const yardstick = await constant(body.byteLength);
        const figures = run('bench_orders', '--port', at.port, '--constant', path, '--seconds', seconds);
        note(name, figures.per_second);
        note(`${name}.ratio`, figures.per_second / yardstick.per_second);
    }
}

function measureOne(at, name) {
    const figures = orders(at, '--traffic', 'book', '--connections', 1), write = run('bench_write', at.folder, 2000);
    note(`${name}.write`, write.p50_us);
    note(name, figures.p50_us);
    note(`${name}.over`, figures.p50_us - write.p50_us);
}

// How many calls of the system the node makes for a command, with strace, which slows it.
async function measureCalls(at) {
    const commands = async () => {
        const text = await (await fetch(`http://127.0.0.1:${at.port}/metrics`)).text();
        return Number(/^quorex_commands_total (\d+)/m.exec(text)[1]);
    };
    const before = await commands(), file = join(at.folder, 'calls');
    const tracer = spawn('timeout', ['-s', 'INT', '5', 'strace', '-c', '-f', '-p', String(at.pid), '-o', file], { stdio: 'ignore' });
    const ended = new Promise((end) => tracer.once('exit', end));
    orders(at, '--traffic', 'book');
    await ended;
    const rows = readFileSync(file, 'utf8').trim().split('\n').map((line) => line.trim().split(/\s+/));
    const count = (name) => Number(rows.find((row) => row.at(-1) === name)?.[3] ?? 0);
    const sent = await commands() - before;
    for (const name of ['total', 'epoll_ctl', 'read', 'writev', 'epoll_wait', 'pwrite64'])
        note(`calls.${name}`, count(name) / sent * 1000);
}

function measureFan() {
    const flood = run('bench_fanout', 'flood', '--seconds', seconds), ws = run('bench_fanout', 'ws', '--seconds', seconds);
    note('fan', flood.per_second);
    note('fan.ws', ws.per_second);
    note('fan.ratio', flood.per_second / ws.per_second);
    const paced = run('bench_fanout', 'paced', '--seconds', seconds);
    note('paced.p50', paced.p50_us / 1000);
    note('paced.p99', paced.p99_us / 1000);
    note('paced.us', paced.server_ns_each / 1000);
    const floor = run('bench_fanout', 'floor', '--seconds', seconds);
    note('floor.p99', floor.p99_us / 1000);
    note('floor.us', floor.server_ns_each / 1000);
    note('stalled', run('bench_fanout', 'stalled', '--seconds', seconds).memory_more_mb);
    note('idle', run('bench_fanout', 'idle').bytes_each / 1024);
}

// ---- the exchanges ----

const residentMb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function withDatabase(use) {
    await inFolder(async (folder) => {
        const up = (...args) =>
            spawnSync(...serving('scripts/up', '--port', String(port), '--data', folder, ...args), { stdio: 'ignore' });
        chmodSync(folder, 0o755); // PostgreSQL's own user walks through it
        try {
            if (up('--detach', '--quiet', '--no-limits').status !== 0) throw new Error('scripts/up fails');
            await use({ port, folder, pid: Number(readFileSync(join(folder, 'node-0', 'quorex.pid'), 'utf8')) });
        } finally {
            up('--down');
        }
    });
}

async function withoutDatabase(use) {
    await inFolder(async (folder) => {
        const own = port + 2, quorex = join(build, 'quorex');
        execFileSync(quorex, ['init', '--data', folder, '--demo', '--nodes', '1', '--port', String(own)]);
        await table.withNodes(build, folder, own, 1, async ([child]) => {
            execFileSync(quorex, ['demo-accounts', '--url', `http://127.0.0.1:${own}`, '--data', folder]);
            pinServer(child.pid);
            await use({ port: own, folder, pid: child.pid });
        });
    });
}

const inRounds = async (use) => {
    for (let round = 0; round < Number(wishes.rounds); round++) await use();
};

await withDatabase(async (at) => {
    await pause(1000);
    note('memory', residentMb(at.pid));
    if (only.includes('batch')) growMemory(at);
    await inRounds(async () => {
        if (only.includes('orders')) await measureOrders(at, 'orders');
        if (only.includes('open')) measureOpen(at);
        if (only.includes('read')) await measureRead(at);
        if (only.includes('one')) measureOne(at, 'one');
        if (only.includes('batch')) measureBatch(at, 'batch');
    });
    if (only.includes('calls')) await measureCalls(at);
    note('memory.after', residentMb(at.pid));
});
if (only.includes('alone'))
    await withoutDatabase(async (at) => {
        growMemory(at);
        await inRounds(async () => {
            await measureOrders(at, 'alone');
            measureBatch(at, 'alone.batch');
        });
    });
if (only.includes('spin')) {
    process.env.QUOREX_SPIN_US = wishes.spin;
    await withoutDatabase((at) => inRounds(() => measureOne(at, 'spin')));
    delete process.env.QUOREX_SPIN_US;
}
if (only.includes('fan')) await inRounds(measureFan);

printTable([
    ['constant, 64 connections, per second', 'orders.constant'],
    ['its thread, us a request', 'orders.constant_us'],
    ['signed orders (45 rest, 45 cancel, 10 fill), 64 connections, PostgreSQL on, per second', 'orders'],
    ['÷ constant', 'orders.ratio', 0.3, 'least'],
    ['the gateway\'s thread, us a request', 'orders.us'],
    ['÷ the constant\'s', 'orders.us_ratio', 2, 'most'],
    ['p50, ms', 'orders.p50'],
    ['p99, ms', 'orders.p99', 5, 'most'],
    [`open loop, ${wishes.rate} a second: p50, ms`, 'open.p50'],
    ['p99, ms', 'open.p99', 5, 'most'],
    ['of which the client sent late, p99, ms', 'open.late'],
    ['the same orders, PostgreSQL off, per second', 'alone'],
    ['÷ constant', 'alone.ratio', 0.5, 'least'],
    ['the gateway\'s thread, us a request', 'alone.us'],
    ['÷ the constant\'s', 'alone.us_ratio', 2, 'most'],
    ['p99, ms', 'alone.p99', 5, 'most'],
    ['orders in batches of 100, 64 connections, PostgreSQL on, per second', 'batch', 150000, 'least'],
    ['the gateway\'s thread, us an order', 'batch.us'],
    ['the same, PostgreSQL off, per second', 'alone.batch'],
    ['the gateway\'s thread, us an order', 'alone.batch.us'],
    ['GET depth, per second', 'depth'],
    ['÷ constant of its size', 'depth.ratio', 0.8, 'least'],
    ['GET ticker/24hr, per second', 'ticker'],
    ['÷ constant of its size', 'ticker.ratio', 0.8, 'least'],
    ['one log write, p50, us', 'one.write'],
    ['one order in flight, p50, us', 'one'],
    ['less the write', 'one.over', 250, 'most'],
    [`the same without PostgreSQL, threads spinning ${wishes.spin} us: one log write, p50, us`, 'spin.write'],
    ['one order in flight, p50, us', 'spin'],
    ['less the write', 'spin.over', 150, 'most'],
    ['fan-out, 2,000 connections, messages per second', 'fan', 1000000, 'least'],
    ['npm ws, likewise', 'fan.ws'],
    ['÷ npm ws', 'fan.ratio', 5, 'least'],
    ['50 events a second at 2,000 readers, p50, ms', 'paced.p50'],
    ['p99, ms', 'paced.p99', 15, 'most'],
    ['the gateway, us a message', 'paced.us'],
    ['a process that only sends, likewise: p99, ms', 'floor.p99'],
    ['its us a message', 'floor.us'],
    ['50 stalled readers of 100: memory, MB more', 'stalled', 20, 'most'],
    ['an idle connection, KiB', 'idle', 8, 'most'],
    ['memory at rest, MB', 'memory'],
    ['memory after the orders, MB', 'memory.after'],
    ['system calls for 1,000 commands (strace)', 'calls.total'],
    ['of which epoll_ctl', 'calls.epoll_ctl'],
    ['read', 'calls.read'],
    ['writev', 'calls.writev'],
    ['epoll_wait', 'calls.epoll_wait'],
    ['writes of the log', 'calls.pwrite64'],
]);
