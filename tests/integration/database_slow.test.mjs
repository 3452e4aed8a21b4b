// PostgreSQL that is there and does not answer: somebody's lock, then its processes stopped. Matching does not notice; the
// metrics go on and say that it is down, the log says so once, history is right or refused; and when it answers again every
// row comes by itself.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { POSTGRES, Postgres } from './cluster.mjs';
import { quorex, until } from './exchange.mjs';
import { metric, projected, tradeInTurn } from './trading.mjs';

const port = Number(process.env.QUOREX_PORT ?? 24440), http = `http://127.0.0.1:${port}`;
const dir = mkdtempSync(join(tmpdir(), 'quorex-slow-')), node = join(dir, 'node-0');
const postgres = new Postgres(join(dir, 'sql'));
let child, accounts, fills = 0, stopped = [];

before(async () => {
    chmodSync(dir, 0o755); // PostgreSQL's user walks through it
    postgres.make(['quorex_0']);
    execFileSync(quorex, ['init', '--data', dir, '--port', port, '--demo', '--database',
                          `host=${postgres.directory} dbname=quorex_%K user=quorex`], { timeout: 60000 });
    const out = openSync(join(node, 'log'), 'a');
    child = spawn(quorex, ['node', '--config', join(node, 'quorex.conf'), '--limits', 'off'],
                  { stdio: ['ignore', out, out] });
    await until('the node to be ready', async () => (await fetch(`${http}/readyz`)).ok, 60);
    execFileSync(quorex, ['demo-accounts', '--url', http, '--data', dir], { timeout: 60000 });
    accounts = JSON.parse(readFileSync(join(dir, 'accounts.json')));
});

after(async () => {
    wake();
    if (child) {
        const ended = new Promise((resolve) => child.on('exit', resolve));
        child.kill('SIGTERM');
        await ended;
    }
    postgres.stop('immediate');
    rmSync(dir, { recursive: true, force: true });
});

const trade = (count) => tradeInTurn(http, accounts, count, () => fills++);
const times = (text) => readFileSync(join(node, 'log'), 'utf8').split(text).length - 1;
const middle = (took) => took[took.length >> 1];

// All there is of an account's trades, or a refusal for now. Never some of them.
async function checkHistory() {
    const wanted = fills;
    const { status, body } = await signedRequest({ http }, accounts[0], 'GET', '/api/v3/myTrades',
                                                 { symbol: 'BTCUSDT', limit: 1000, fromId: 0 });
    if (status === 503) return 'refused';
    assert.equal(status, 200, JSON.stringify(body));
    assert.ok(body.length >= wanted, `${body.length} trades of ${wanted}`);
    body.forEach((one, index) => assert.equal(one.id, body[0].id + index));
    return 'right';
}

// While PostgreSQL does not answer: `calm` is what orders took before.
async function whileSilent(context, calm, already) {
    const height = await metric(http, 'height');
    const failures = await metric(http, 'database_failures_total');
    const silent = await trade(200);
    context.diagnostic(`an order: p50 ${middle(calm).toFixed(2)} ms before, ${middle(silent).toFixed(2)} ms while silent`);
    assert.ok(middle(silent) < 5 * middle(calm) + 5, `${middle(calm)} ms became ${middle(silent)} ms`);
    await until('the metrics to say that it is down', async () => await metric(http, 'database_up') === 0, 30);
    assert.ok(await metric(http, 'height') > height, 'blocks are sealed');
    const stood = await metric(http, 'projected_height');
    for (let i = 0; i < 2; i++) {
        const from = await metric(http, 'projection_behind');
        context.diagnostic(`behind by ${from} blocks`);
        const history = checkHistory();
        await trade(20);
        await until('more blocks', async () => await metric(http, 'projection_behind') > from, 20);
        assert.ok(Math.abs(await metric(http, 'projection_behind') - (await metric(http, 'height') - stood)) <= 5);
        context.diagnostic(`history: ${await history}`);
    }
    assert.equal(await metric(http, 'projected_height'), stood);
    assert.equal((await fetch(`${http}/readyz`)).status, 200);
    assert.equal(times('PostgreSQL does not answer'), already + 1, 'said once');
    assert.equal(await metric(http, 'database_failures_total'), failures);
}

async function afterwards(already) {
    await projected(http);
    assert.equal(times('PostgreSQL answers again'), already + 1);
    const sql = (text) => Number(postgres.sql('quorex_0', text));
    await until('the last block to be there', () => sql('SELECT count(*) FROM quorex.fills') >= fills, 30);
    assert.equal(sql('SELECT count(*) FROM quorex.fills'), fills);
    assert.equal(sql('SELECT count(DISTINCT trade_id) FROM quorex.fills'), fills);
    assert.equal(sql('SELECT count(*) FROM quorex.orders'), 2 * fills);
    await until('history to be right', async () => await checkHistory() === 'right', 30);
}

test('a lock that somebody holds stops nobody, and is outlived', { timeout: 300000 }, async (context) => {
    const calm = await trade(100);
    await projected(http);
    const holder = spawn(join(POSTGRES, 'psql'), ['-h', postgres.directory, '-U', 'quorex', '-d', 'quorex_0', '-At'],
                         { stdio: ['pipe', 'pipe', 'inherit'] });
    const held = new Promise((resolve) => holder.stdout.on('data', (text) => String(text).includes('held') && resolve()));
    holder.stdin.write("BEGIN; LOCK TABLE quorex.cursor IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n");
    await held;
    try {
        await whileSilent(context, calm, 0);
    } finally {
        holder.stdin.end('COMMIT;\n');
        await new Promise((resolve) => holder.on('exit', resolve));
    }
    await afterwards(0);
});

function wake() {
    for (const pid of stopped.splice(0)) process.kill(pid, 'SIGCONT');
}

test('processes of PostgreSQL that stand still stop nobody, and are outlived', { timeout: 300000 }, async (context) => {
    const calm = await trade(100);
    await projected(http);
    const pids = postgres.sql('quorex_0', "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity" +
        " WHERE datname = 'quorex_0' AND backend_type = 'client backend' AND pid <> pg_backend_pid()");
    stopped = pids.split(' ').map(Number);
    assert.ok(stopped.length >= 2, pids);
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    try {
        await whileSilent(context, calm, 1);
    } finally {
        wake();
    }
    await afterwards(1);
});
