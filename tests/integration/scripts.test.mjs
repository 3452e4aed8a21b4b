// scripts/up as a newcomer meets it: plain words when something is in the way, a second run that does
// nothing, a third that starts only what is missing. And the node's own manners at start and stop.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Exchange, quorex, root, until } from './exchange.mjs';

const up = join(root, 'scripts', 'up');
let exchange;

// Runs to the end whatever the exit code is.
function run(program, args) {
    return new Promise((resolve) => {
        execFile(program, args, { timeout: 600000 }, (error, stdout, stderr) => {
            resolve({ code: error ? error.code : 0, stdout, stderr });
        });
    });
}

function flowPid() {
    return Number(readFileSync(join(exchange.dir, 'flow.pid'), 'utf8'));
}

async function gone(pid) {
    await until(`process ${pid} to be gone`, () => {
        try {
            return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
        } catch {
            return true;
        }
    });
}

before(async () => {
    exchange = await Exchange.start(18330, []);
});

after(() => exchange?.stop());

test('options that cannot be are refused by name', async () => {
    const four = await run(up, ['--nodes', '3']);
    assert.equal(four.code, 1);
    assert.match(four.stderr, /--nodes: 1, or 4 and more/);
    assert.equal((await run(up, ['--frobnicate'])).code, 2);
    assert.equal((await run(up, ['--port', '70000'])).code, 1);
    assert.equal((await run(up, ['--port'])).code, 2);
    const help = await run(up, ['--help']);
    assert.equal(help.code, 0);
    for (const option of ['--nodes', '--port', '--data', '--quiet', '--no-limits', '--detach', '--down']) {
        assert.ok(help.stdout.includes(option), option);
    }
});

test('every subcommand has help', async () => {
    const { stdout } = await run(quorex, ['--help']);
    const names = [...stdout.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map((match) => match[1]);
    assert.ok(names.length >= 5);
    for (const name of names) {
        const help = await run(quorex, [name, '--help']);
        assert.equal(help.code, 0, name);
        assert.match(help.stdout, /^usage: quorex/, name);
    }
    assert.match((await run(quorex, ['--version'])).stdout, /^quorex \d+\.\d+\.\d+\n$/);
    assert.equal((await run(quorex, ['nothing'])).code, 2);
});

test('a taken port is named', async () => {
    const server = createServer();
    await new Promise((resolve) => server.listen(18331, '127.0.0.1', resolve));
    const dir = mkdtempSync(join(tmpdir(), 'quorex-'));
    chmodSync(dir, 0o755);
    try {
        const { code, stderr } = await run(up, ['--detach', '--port', '18331', '--data', dir]);
        assert.equal(code, 1);
        assert.match(stderr, /port 18331 is taken/);
    } finally {
        server.close();
        await run(up, ['--down', '--port', '18331', '--data', dir]);
        rmSync(dir, { recursive: true, force: true });
    }
});

test('a port for the other nodes that is taken is named before anything starts', async () => {
    const server = createServer();
    await new Promise((resolve) => server.listen(18837, '127.0.0.1', resolve));
    const dir = mkdtempSync(join(tmpdir(), 'quorex-'));
    try {
        const { code, stdout, stderr } = await run(up, ['--detach', '--nodes', '4', '--port', '18334', '--data', dir]);
        assert.equal(code, 1);
        assert.match(stderr, /port 18837 is taken/);
        assert.doesNotMatch(stdout, /start:/);
    } finally {
        server.close();
        rmSync(dir, { recursive: true, force: true });
    }
});

test('the accounts file is for its owner, and its accounts are funded', async () => {
    assert.equal(statSync(join(exchange.dir, 'accounts.json')).mode & 0o777, 0o600);
    assert.equal(exchange.accounts.length, 2);
    for (const account of exchange.accounts) {
        assert.deepEqual(Object.keys(account).sort(),
                         ['account', 'apiKey', 'name', 'privateKey', 'publicKey', 'secretKey']);
        assert.match(account.apiKey, /^[0-9a-f]{64}$/);
    }
});

test('the market makers trade on all three markets', async () => {
    for (const symbol of ['BTCUSDT', 'ETHUSDT', 'ETHBTC']) {
        await until(`${symbol} to have a book and a trade`, async () => {
            const depth = await exchange.get(`/api/v3/depth?symbol=${symbol}`);
            const trades = await exchange.get(`/api/v3/trades?symbol=${symbol}`);
            return depth.bids.length >= 2 && depth.asks.length >= 2 && trades.length >= 1;
        }, 60, 500); // a request weight of 30 each, out of 6,000 a minute
    }
});

test('a second run leaves everything alone', async () => {
    const node = exchange.pid(), flow = flowPid();
    const accounts = readFileSync(join(exchange.dir, 'accounts.json'), 'utf8');
    const began = Date.now();
    const said = await exchange.up();
    assert.ok(Date.now() - began < 10000, 'a no-op takes seconds');
    assert.doesNotMatch(said, /start:/);
    assert.equal(exchange.pid(), node);
    assert.equal(flowPid(), flow);
    assert.equal(readFileSync(join(exchange.dir, 'accounts.json'), 'utf8'), accounts);
});

test('a third run starts what is missing, and only that', async () => {
    const node = exchange.pid();
    process.kill(flowPid(), 'SIGKILL');
    await gone(flowPid());
    assert.match(await exchange.up(), /start: market makers/);
    assert.equal(exchange.pid(), node);

    const flow = flowPid();
    await exchange.kill();
    const said = await exchange.up();
    assert.match(said, /start: node/);
    assert.doesNotMatch(said, /start: (PostgreSQL|market makers)/);
    assert.notEqual(exchange.pid(), node);
    assert.equal(flowPid(), flow);
});

test('a lost list of accounts is made anew without touching the other', async () => {
    const kept = readFileSync(join(exchange.dir, 'accounts.json'), 'utf8');
    rmSync(join(exchange.dir, 'flow-accounts.json'));
    await exchange.up();
    assert.equal(readFileSync(join(exchange.dir, 'accounts.json'), 'utf8'), kept);
    assert.equal(statSync(join(exchange.dir, 'flow-accounts.json')).mode & 0o777, 0o600);
});

test('a second node in the same folder is refused in plain words', async () => {
    const { code, stderr } = await run(quorex, ['node', '--config', join(exchange.node, 'quorex.conf'),
                                                '--port', '18332']);
    assert.equal(code, 1);
    assert.match(stderr, /another node runs in this folder/);
    assert.ok(stderr.includes(String(exchange.pid())));
});

test('the operator halts and resumes a market', async () => {
    const admin = (...args) => run(quorex, ['admin', '--url', exchange.http, '--operator-key',
                                            join(exchange.dir, 'operator.key'), ...args]);
    assert.equal((await admin('halt-market', 'symbol=ETHBTC')).code, 0);
    const info = await exchange.get('/api/v3/exchangeInfo?symbol=ETHBTC');
    assert.equal(info.symbols[0].status, 'HALT');
    assert.equal((await admin('resume-market', 'symbol=ETHBTC')).code, 0);

    assert.equal((await admin('create-asset', 'symbol=SOL')).code, 0);
    const again = await admin('create-asset', 'symbol=SOL');
    assert.equal(again.code, 1);
    assert.match(again.stdout, /-1130/);
    assert.equal((await admin('create-market', 'symbol=SOLUSDT', 'base=SOL', 'quote=USDT', 'tick=0.01',
                              'lot=0.001', 'minPrice=0.01', 'maxPrice=10000', 'minQty=0.001',
                              'maxQty=9000', 'minNotional=5')).code, 0);
    assert.equal((await admin('frobnicate')).code, 2);
    assert.equal((await run(quorex, ['admin', '--url', 'http://127.0.0.1:18339', '--operator-key',
                                     join(exchange.dir, 'operator.key'), 'halt-market',
                                     'symbol=ETHBTC'])).code, 3);
});

test('--down stops everything it started', async () => {
    const node = exchange.pid(), flow = flowPid();
    await exchange.down();
    await gone(node);
    await gone(flow);
    await assert.rejects(fetch(`${exchange.http}/healthz`));
    assert.equal(readFileSync(join(exchange.node, 'quorex.pid'), 'utf8'), '');
    assert.equal((await run(up, ['--down', '--data', exchange.dir])).code, 0);
});

// A node of its own, without PostgreSQL.
function startAlone(dir, port, ...more) {
    const child = spawn(quorex, ['node', '--config', join(dir, 'node-0', 'quorex.conf'), '--port',
                                 String(port), ...more], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.said = '';
    child.stderr.on('data', (bytes) => { child.said += bytes; });
    child.ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
    return child;
}

test('a node ends with 0 when told to, and with 1 and a reason otherwise', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'quorex-'));
    try {
        execFileSync(quorex, ['init', '--data', dir, '--demo']);
        for (const signal of ['SIGTERM', 'SIGINT']) {
            const node = startAlone(dir, 18333);
            await until('the node to be ready', async () =>
                (await fetch('http://127.0.0.1:18333/readyz')).ok);
            node.kill(signal);
            assert.equal(await node.ended, 0, node.said);
        }

        const server = createServer();
        await new Promise((resolve) => server.listen(18334, '127.0.0.1', resolve));
        const blocked = startAlone(dir, 18334);
        assert.equal(await blocked.ended, 1);
        assert.match(blocked.said, /the address is in use/);
        server.close();

        const key = join(dir, 'node-0', 'keys', 'node.key');
        chmodSync(key, 0o640);
        const open = startAlone(dir, 18333);
        assert.equal(await open.ended, 1);
        assert.match(open.said, /others than its owner may open it/);
    } finally {
        rmSync(dir, { recursive: true, force: true });
    }
});
