// A whole node with three gateway loops and PostgreSQL under all that clients do at once, in a build whose sanitizer looks at
// every access of memory (QUOREX_PROGRAM; tests/race/race.cmake): it says nothing, also while the node stops under that load.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { appendFileSync, chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { execFileSync, spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signedText } from './clients.mjs';
import { Postgres } from './cluster.mjs';
import { quorex, root, until } from './exchange.mjs';
import { Streams } from './streams.mjs';
import { Watcher } from './watcher.mjs';

const PORT = 25740, LOOPS = 3, SYMBOL = 'BTCUSDT';
const http = `http://127.0.0.1:${PORT}`, ws = `ws://127.0.0.1:${PORT}`;
const dir = mkdtempSync(join(tmpdir(), 'quorex-')), node = join(dir, 'node-0');
const WRONG = /ERROR: (Address|Leak)Sanitizer|runtime error:|assertion/;
let postgres, child, ended, traders;

const log = () => readFileSync(join(node, 'log'), 'utf8');

// Reports are judged here, the exit's code is the node's own. libh2o keeps blocks for use again, by thread, and gives none
// back when a loop's thread ends.
const OPTIONS = { TSAN_OPTIONS: 'halt_on_error=0:exitcode=0',
                  LSAN_OPTIONS: `suppressions=${join(root, 'tests', 'race', 'recycled.supp')}` };

// What a sanitizer has said, but for races of descriptors: libuv closes them by a system call that ThreadSanitizer does not
// see, and the thread that gets the number next seems to race with the last use of the one before.
function complaints() {
    const text = log();
    const races = [...text.matchAll(/WARNING: ThreadSanitizer[^]*?SUMMARY: ThreadSanitizer.*/g)].map(([report]) => report)
        .filter((report) => !report.includes('Location is file descriptor'));
    const at = text.search(WRONG);
    return at < 0 ? races : [...races, text.slice(at, at + 6000)];
}

async function startNode() {
    const out = openSync(join(node, 'log'), 'a');
    child = spawn(quorex, ['node', '--config', join(node, 'quorex.conf'), '--limits', 'off', '--gateway-loops', String(LOOPS),
                           '--ws-messages', '1000'],
                  { stdio: ['ignore', out, out],
                    env: { ...process.env, ...OPTIONS } });
    ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
    await until('the node to be ready', async () => (await fetch(`${http}/readyz`)).ok, 120);
}

before(async () => {
    chmodSync(dir, 0o755); // PostgreSQL's user walks through it
    postgres = new Postgres(join(dir, 'sql'));
    postgres.make(['quorex_0']);
    execFileSync(quorex, ['init', '--data', dir, '--port', PORT, '--demo', '--checkpoint-blocks', '10',
                          '--database', `host=${postgres.directory} dbname=quorex_%K user=quorex`], { timeout: 120000 });
    await startNode();
    execFileSync(quorex, ['demo-accounts', '--url', http, '--data', dir], { timeout: 120000 });
    traders = ['accounts.json', 'flow-accounts.json'].flatMap((name) => JSON.parse(readFileSync(join(dir, name))));
}, { timeout: 300000 });

after(async () => {
    child?.kill('SIGKILL');
    postgres?.stop();
    rmSync(dir, { recursive: true, force: true });
});

// ---- what clients do, each until it is told to stop ----

let isOver = false;
const done = {}; // how often each of it has succeeded

// Does it again and again. Once the node stops, what fails is the stop's; before that nothing does.
async function again(what, act) {
    done[what] ??= 0;
    for (let turn = 0; !isOver; turn++) {
        try {
            await act(turn);
            done[what]++;
        } catch (error) {
            if (!isOver) throw new Error(`${what}: ${error.message}`, { cause: error });
        }
    }
}

// Waits for it, but not beyond the stop.
const heard = (what, condition) => until(what, () => isOver || condition());

class Caller {
    agent = new Agent({ keepAlive: true, maxSockets: 1 });

    send(method, path, headers = {}, body = undefined) {
        return new Promise((resolve, reject) => {
            const asked = request(http + path, { method, headers, agent: this.agent }, (answer) => {
                let text = '';
                answer.on('data', (part) => { text += part; });
                answer.on('end', () => resolve({ status: answer.statusCode, text }));
                answer.on('error', reject);
            });
            asked.on('error', reject).end(body);
        });
    }

    async ask(account, method, path, parameters = {}) {
        const { status, text } = await this.send(method, `${path}?${signedText(account, parameters)}`, { 'X-MBX-APIKEY': account.apiKey });
        if (status !== 200) throw new Error(`${method} ${path}: ${text}`);
        return JSON.parse(text);
    }

    hang() {
        this.agent.destroy();
        this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
    }
}

const order = (side, price, more = {}) =>
    ({ symbol: SYMBOL, side, type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price: String(price), ...more });

async function placeAndCancel(caller, account, turn) {
    const { orderId } = await caller.ask(account, 'POST', '/api/v3/order', order('BUY', 20000 + turn % 50));
    await caller.ask(account, 'GET', '/api/v3/order', { symbol: SYMBOL, orderId });
    await caller.ask(account, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId });
    if (turn % 10 === 9) caller.hang();
}

async function trade(caller, [seller, buyer]) {
    await caller.ask(seller, 'POST', '/api/v3/order', order('SELL', 50000));
    await caller.ask(buyer, 'POST', '/api/v3/order', order('BUY', 50000, { timeInForce: 'IOC' }));
}

async function sendBatch(caller, account, turn) {
    const lines = Array.from({ length: 20 }, (_, index) => (index % 2 === 0
        ? new URLSearchParams(order('SELL', 70000 + index, { newClientOrderId: `b${turn}-${index}` }))
        : new URLSearchParams({ symbol: SYMBOL, origClientOrderId: `b${turn}-${index - 1}` })));
    const body = lines.map((line) => `${line}\n`).join(''), query = `timestamp=${Date.now()}`;
    const signature = createHmac('sha256', account.secretKey).update(query + body).digest('hex');
    const { status, text } = await caller.send('POST', `/quorex/v1/orders?${query}&signature=${signature}`,
                                               { 'X-MBX-APIKEY': account.apiKey, 'Content-Type': 'text/plain' }, body);
    assert.equal(status, 200, text);
    for (const { error } of JSON.parse(text)) assert.equal(error, undefined, JSON.stringify(error));
}

async function watchMarkets(turn) {
    const streams = await Streams.open(`${ws}/stream?streams=btcusdt@trade/btcusdt@depth@100ms/btcusdt@book/!ticker@arr/quorex@block`);
    await streams.ask('SUBSCRIBE', ['btcusdt@aggTrade', 'btcusdt@kline_1s', 'btcusdt@bookTicker'], 1);
    await heard('trades and blocks', () => streams.of('btcusdt@trade').length > 3 && streams.of('quorex@block').length > 2);
    await streams.ask('UNSUBSCRIBE', ['btcusdt@book'], 2);
    if (turn % 2 === 0) streams.socket.terminate();
    else await streams.close();
}

async function watchAccount(account) {
    const first = await Watcher.open(ws, account, 'HMAC', undefined, { certified: true });
    await heard('what happens, and that it is final', () => first.reports().length > 3 && first.certified().length > 0);
    first.socket.terminate();
    const second = await Watcher.open(ws, account, 'HMAC', first.events.find(({ sequence }) => sequence).sequence);
    assert.equal(second.refusal, undefined);
    await heard('it again', () => second.reports().length > 3);
    await second.close();
}

async function listenByKey(caller, account) {
    const { text } = await caller.send('POST', '/api/v3/userDataStream', { 'X-MBX-APIKEY': account.apiKey });
    const { listenKey } = JSON.parse(text);
    const streams = await Streams.open(`${ws}/ws/${listenKey}`);
    await heard('a report', () => streams.events.some(({ data }) => data.e === 'executionReport'));
    await caller.send('DELETE', `/api/v3/userDataStream?listenKey=${listenKey}`, { 'X-MBX-APIKEY': account.apiKey });
    await heard('its end', () => streams.events.at(-1).data.e === 'listenKeyExpired');
    await streams.close();
}

async function read(caller, account) {
    for (const path of [`depth?symbol=${SYMBOL}`, `trades?symbol=${SYMBOL}`, `klines?symbol=${SYMBOL}&interval=1m`, 'ticker/24hr', 'exchangeInfo'])
        assert.equal((await caller.send('GET', `/api/v3/${path}`)).status, 200, path);
    for (const path of ['/metrics', '/quorex/v1/status', '/quorex/v1/blocks'])
        assert.equal((await caller.send('GET', path)).status, 200, path);
    await caller.ask(account, 'GET', '/api/v3/account');
    await caller.ask(account, 'GET', '/api/v3/openOrders');
    for (const path of ['myTrades', 'allOrders']) await caller.ask(account, 'GET', `/api/v3/${path}`, { symbol: SYMBOL, orderId: 1 });
    const { status, text } = await caller.send('GET', `/quorex/v1/proofs/account?${signedText(account, {})}`, { 'X-MBX-APIKEY': account.apiKey });
    assert.ok(status === 200 || JSON.parse(text).code === -9021, text); // or of a block from before there were any
}

async function configure(turn) {
    const reloads = Number((await (await fetch(`${http}/metrics`)).text()).match(/^quorex_reloads_total (\d+)$/m)[1]);
    appendFileSync(join(node, 'quorex.conf'), `header_s = ${5 + turn % 5}\norigins = https://${turn}.example\n`);
    child.kill('SIGHUP');
    await heard('the settings', async () =>
        Number((await (await fetch(`${http}/metrics`)).text()).match(/^quorex_reloads_total (\d+)$/m)[1]) > reloads);
}

const ENOUGH = { orders: 40, trades: 12, batches: 8, markets: 4, accounts: 3, keys: 3, reads: 6, settings: 3 };

test('all at once, and a stop in the middle of it', { timeout: 300000 }, async () => {
    const [ann, bob, cat = bob] = traders, caller = () => new Caller();
    const callers = Array.from({ length: 9 }, caller);
    const work = [
        ...callers.slice(0, 4).map((one, index) => again('orders', (turn) => placeAndCancel(one, traders[index % 2], turn))),
        again('trades', () => trade(callers[4], [ann, bob])),
        again('batches', (turn) => sendBatch(callers[5], cat, turn)),
        ...[0, 1, 2].map(() => again('markets', watchMarkets)),
        ...[ann, bob].map((account) => again('accounts', () => watchAccount(account))),
        again('keys', () => listenByKey(callers[6], ann)),
        ...callers.slice(7).map((one, index) => again('reads', () => read(one, traders[index]))),
        again('settings', configure),
    ];
    const enough = until('enough of everything', () => Object.entries(ENOUGH).every(([what, count]) => done[what] >= count) ||
                         child.exitCode !== null, 120);
    const failure = await Promise.race([enough, Promise.all(work)]).then(() => null, (error) => error);
    isOver = true;
    child.kill('SIGTERM');
    const code = await ended;
    callers.forEach((one) => one.hang());
    console.log(`# ${JSON.stringify(done)}`);
    assert.deepEqual(complaints(), []);
    assert.ifError(failure);
    assert.equal(code, 0);
    for (const [what, count] of Object.entries(ENOUGH)) assert.ok(done[what] >= count, `${what}: ${done[what]}`);
});
