// PostgreSQL on a disk that fills up: matching does not notice, log and metrics say so, and once there is room every row
// comes by itself. Then what is only there is read: an account's ledger, page by page, is its balance. Last the disk of its
// write-ahead log fills up, which stops the server: matching goes on, and after somebody has made room and started the
// server every row comes by itself again.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { Postgres } from './cluster.mjs';
import { quorex, until } from './exchange.mjs';
import { metric, projected, tradeInTurn } from './trading.mjs';

const port = Number(process.env.QUOREX_PORT ?? 24400), http = `http://127.0.0.1:${port}`;
const dir = mkdtempSync(join(tmpdir(), 'quorex-full-')), node = join(dir, 'node-0'), disk = join(dir, 'disk');
const log_disk = join(dir, 'log-disk');
const postgres = new Postgres(join(dir, 'sql'));
let child, accounts, fills = 0, running = false;
const mounted = [];

// A disk of its own for the database, and one for its write-ahead log; false where that is not allowed.
function mountSmallDisks() {
    try {
        for (const [path, size] of [[disk, '48m'], [log_disk, '128m']]) {
            mkdirSync(path);
            execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', path], { stdio: 'ignore' });
            mounted.push(path);
        }
        mkdirSync(join(disk, 'space'));
        execFileSync('chown', ['postgres', join(disk, 'space')]);
    } catch {
        return false;
    }
    return true;
}

// The server's log where there is little room, and no more of it kept than it needs.
function moveLog() {
    postgres.sql('postgres', "ALTER SYSTEM SET min_wal_size = '32MB'");
    postgres.sql('postgres', "ALTER SYSTEM SET max_wal_size = '48MB'");
    postgres.stop();
    const from = join(postgres.cluster, 'pg_wal'), to = join(log_disk, 'pg_wal');
    execFileSync('cp', ['-a', from, to]);
    rmSync(from, { recursive: true });
    execFileSync('ln', ['-s', to, from]);
    postgres.start();
}

// All the room there is.
function fillUp(path) {
    try {
        execFileSync('dd', ['if=/dev/zero', `of=${join(path, 'runaway')}`, 'bs=64k'], { stdio: 'ignore' });
    } catch {
        // dd fails when the disk is full: that is what it is for.
    }
}

before(async () => {
    chmodSync(dir, 0o755); // PostgreSQL's user walks through it
    if (process.getuid() !== 0 || !mountSmallDisks()) return;
    postgres.make([]);
    moveLog();
    postgres.sql('postgres', `CREATE TABLESPACE small LOCATION '${join(disk, 'space')}'`);
    postgres.sql('postgres', 'CREATE DATABASE quorex_0 TABLESPACE small');
    execFileSync(quorex, ['init', '--data', dir, '--port', port, '--demo', '--database',
                          `host=${postgres.directory} dbname=quorex_%K user=quorex`], { timeout: 60000 });
    const out = openSync(join(node, 'log'), 'a');
    child = spawn(quorex, ['node', '--config', join(node, 'quorex.conf'), '--limits', 'off'],
                  { stdio: ['ignore', out, out] });
    await until('the node to be ready', async () => (await fetch(`${http}/readyz`)).ok, 60);
    execFileSync(quorex, ['demo-accounts', '--url', http, '--data', dir], { timeout: 60000 });
    accounts = JSON.parse(readFileSync(join(dir, 'accounts.json')));
    running = true;
});

after(async () => {
    if (child) {
        const ended = new Promise((resolve) => child.on('exit', resolve));
        child.kill('SIGTERM');
        await ended;
        if (isServing()) postgres.stop('immediate');
    }
    for (const path of mounted) execFileSync('umount', ['-l', path]);
    rmSync(dir, { recursive: true, force: true });
});

const isServing = () => existsSync(join(postgres.cluster, 'postmaster.pid'));

const log = () => readFileSync(join(node, 'log'), 'utf8');
const times = (text) => log().split(text).length - 1;

async function reconciles() {
    const { code, told } = await new Promise((resolve) => execFile(quorex, [
        'admin', '--url', http, '--operator-key', join(dir, 'operator.key'), 'reconcile', 'seconds=60'],
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, told: stdout + stderr })));
    assert.equal(code, 0, told);
}

test('a full disk of PostgreSQL stops nobody, and is outlived', { timeout: 300000 }, async (context) => {
    if (!running) return context.skip('may not mount here');
    fills = 200;
    const calm = await tradeInTurn(http, accounts, fills);
    await projected(http);
    fillUp(disk);

    await until('the writer to meet the end of the disk', async () => {
        await tradeInTurn(http, accounts, 20);
        fills += 20;
        return await metric(http, 'database_full') === 1;
    }, 60);
    const failures = await metric(http, 'database_failures_total'), before = await metric(http, 'height');
    const stood = await metric(http, 'projected_height');
    const full = await tradeInTurn(http, accounts, 200);
    fills += 200;
    await until('more attempts', async () => await metric(http, 'database_failures_total') >= failures + 2, 30);
    assert.equal(await metric(http, 'database_full'), 1);
    assert.equal(await metric(http, 'projected_height'), stood);
    assert.ok(await metric(http, 'height') > before, 'blocks are sealed');
    await until('the metrics to say how far behind', async () =>
        Math.abs(await metric(http, 'projection_behind') - (await metric(http, 'height') - stood)) <= 5, 10);
    assert.equal(times("PostgreSQL's disk is full"), 1, 'said once, however often it is tried');
    const middle = (took) => took[took.length >> 1];
    context.diagnostic(`an order: p50 ${middle(calm).toFixed(2)} ms before, ${middle(full).toFixed(2)} ms while full`);
    assert.ok(middle(full) < 5 * middle(calm) + 5, `${middle(calm)} ms became ${middle(full)} ms`);

    rmSync(join(disk, 'runaway'));
    await until('room to be found', async () => await metric(http, 'database_full') === 0, 30);
    await projected(http);
    assert.equal(times('PostgreSQL has room again'), 1);
    const sql = (text) => postgres.sql('quorex_0', text);
    assert.equal(Number(sql('SELECT count(*) FROM quorex.fills')), fills);
    assert.equal(Number(sql('SELECT count(DISTINCT trade_id) FROM quorex.fills')), fills);
    await reconciles();
});

test('all pages of a ledger add up to the balance', { timeout: 60000 }, async (context) => {
    if (!running) return context.skip('may not mount here');
    const [account] = accounts, units = (text) => BigInt(text.replace('.', ''));
    const sums = new Map(), ids = new Set();
    let after = '0-0-0';
    for (;;) {
        const { status, body } = await signedRequest({ http }, account, 'GET', '/quorex/v1/ledger', { after, limit: 7 });
        assert.equal(status, 200, JSON.stringify(body));
        assert.ok(body.toCommand > 0 && body.toTime > 0);
        for (const entry of body.entries) {
            assert.ok(!ids.has(entry.id), `${entry.id} twice`);
            ids.add(entry.id);
            const [free, locked] = sums.get(entry.asset) ?? [0n, 0n];
            sums.set(entry.asset, [free + units(entry.free), locked + units(entry.locked)]);
        }
        if (body.entries.length === 0) break;
        after = body.entries.at(-1).id;
    }
    assert.ok(ids.size > 20, `${ids.size} entries`);
    const { body } = await signedRequest({ http }, account, 'GET', '/api/v3/account');
    for (const { asset, free, locked } of body.balances)
        assert.deepEqual(sums.get(asset) ?? [0n, 0n], [units(free), units(locked)], asset);

    const newest = await signedRequest({ http }, account, 'GET', '/quorex/v1/ledger', { limit: 7 });
    assert.equal(newest.body.entries.at(-1).id, [...ids].at(-1));
    const unsigned = await fetch(`${http}/quorex/v1/ledger`, { headers: { 'X-MBX-APIKEY': account.apiKey } });
    assert.equal(unsigned.status, 400);
    const gone = await signedRequest({ http }, account, 'GET', '/quorex/v1/deposits/1/history');
    assert.deepEqual(gone.body.changes, []);
});

test('a day of another time zone begins elsewhere and has the same trades', async (context) => {
    if (!running) return context.skip('may not mount here');
    const days = async (timeZone) => (await fetch(
        `${http}/api/v3/klines?symbol=BTCUSDT&interval=1d&timeZone=${encodeURIComponent(timeZone)}`)).json();
    const trades = (candles) => candles.reduce((sum, candle) => sum + candle[8], 0);
    const here = await days('0'), there = await days('5:45');
    assert.equal(trades(there), trades(here));
    assert.ok(there.every(([open]) => (open + (5 * 60 + 45) * 60000) % 86400000 === 0));
    assert.ok(there.every(([open, , , , , , close]) => close === open + 86400000 - 1));
});

// What writes to the server's log as fast as it can, until the server is no more: it cannot go on without one.
const exhaustLog = () => until('the server to stop for want of a log', async () => {
    try {
        postgres.sql('postgres', "SELECT pg_logical_emit_message(false, 'flood', repeat('x', 1000000)) FROM generate_series(1, 64)");
    } catch {
        // refused, lost or gone
    }
    return !isServing();
}, 120);

test('a full disk of the write-ahead log stops nobody but the server, and is outlived', { timeout: 300000 }, async (context) => {
    if (!running) return context.skip('may not mount here');
    const calm = await tradeInTurn(http, accounts, 100);
    fills += 100;
    await projected(http);
    const begin = log().length, stood = await metric(http, 'projected_height');
    fillUp(log_disk);
    await exhaustLog();

    const failures = await metric(http, 'database_failures_total');
    const away = await tradeInTurn(http, accounts, 200);
    fills += 200;
    await until('more attempts', async () => await metric(http, 'database_failures_total') >= failures + 3, 30);
    assert.equal(await metric(http, 'database_up'), 0);
    const { projectedHeight, height } = await (await fetch(`${http}/quorex/v1/status`)).json();
    assert.ok(projectedHeight >= stood && height > projectedHeight, `${projectedHeight} of ${height}`);
    assert.ok(Math.abs(await metric(http, 'projection_behind') - (await metric(http, 'height') - projectedHeight)) <= 5);
    const told = log().slice(begin).split('\n').filter((line) => / warn settlement "PostgreSQL /.test(line))
        .map((line) => line.slice(line.indexOf(' warn ')));
    assert.ok(told.length >= 1, 'the log says so');
    assert.equal(new Set(told).size, told.length, `said once, however often it is tried: ${told.join('\n')}`);
    const middle = (took) => took[took.length >> 1];
    context.diagnostic(`an order: p50 ${middle(calm).toFixed(2)} ms before, ${middle(away).toFixed(2)} ms without a server`);
    assert.ok(middle(away) < 5 * middle(calm) + 5, `${middle(calm)} ms became ${middle(away)} ms`);

    rmSync(join(log_disk, 'runaway'));
    postgres.start(); // what whoever runs the server does
    await projected(http);
    assert.equal(Number(postgres.sql('quorex_0', 'SELECT count(*) FROM quorex.fills')), fills);
    assert.equal(Number(postgres.sql('quorex_0', 'SELECT count(DISTINCT trade_id) FROM quorex.fills')), fills);
    assert.equal(Number(postgres.sql('quorex_0', 'SELECT count(*) FROM quorex.orders')), 2 * fills);
    await reconciles();
});
