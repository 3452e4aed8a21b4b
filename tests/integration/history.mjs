// What clients saw, and whether it can be true.
//
// Traders place, cancel and look, each through one node on connections of its own, and write down the outcome
// of every request. When all is quiet, every node is asked for everything, and `complaints` compares:
//
//   - an acknowledged order is on every node, with what was said of it; none is there twice
//   - a refused one is nowhere; one of unknown outcome is there once or nowhere
//   - what one connection reads never goes back
//   - balances are those of the start and all trades, to the last digit
//   - all nodes say the same, and their headers are the same
//
// Amounts are whole numbers of 1e-8.

import { createHmac } from 'node:crypto';
import http from 'node:http';
import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import { units, until } from './exchange.mjs';

// Refusals that no trader of ours deserves: an unknown account, key or signature, a request of another time.
const STRANGE = new Set([-1002, -1021, -1022, -2014, -2015]);
const ENDED = new Set(['FILLED', 'CANCELED', 'EXPIRED', 'EXPIRED_IN_MATCH', 'REJECTED']);

// The outcome of a request: 'acknowledged' (done), 'refused' (not done), 'unknown'.
export function outcomeOf(status, body) {
    if (status === 200) return 'acknowledged';
    return status < 500 || body?.code !== -1007 ? 'refused' : 'unknown';
}

export class History {
    constructor() {
        this.places = []; // { account, id, symbol, side, node, outcome, code, order }
        this.cancels = []; // { account, id, outcome, order }
        this.reads = []; // { connection, of, value }, in the order of their answers
        this.codes = new Map(); // how often each refusal and failure was met
        this.connections = 0;
        this.acknowledged = 0;
        this.waiting = [];
    }

    count(word) {
        this.codes.set(word, (this.codes.get(word) ?? 0) + 1);
    }

    // The next order that is acknowledged and was sent from now on: { node, milliseconds }.
    nextAcknowledged(among = null, seconds = 30) {
        const from = performance.now();
        return new Promise((resolve, reject) => {
            const one = { from, among, done: (answer) => { clearTimeout(patience); resolve(answer); } };
            const patience = setTimeout(() => {
                this.waiting = this.waiting.filter((other) => other !== one);
                reject(new Error(`no order acknowledged in ${seconds} s; met: ${this.met()}`));
            }, seconds * 1000);
            this.waiting.push(one);
        });
    }

    acknowledge(node, sent) {
        this.acknowledged++;
        const now = performance.now();
        this.waiting = this.waiting.filter(({ from, among, done }) => {
            if (sent < from || (among && !among.includes(node))) return true;
            done({ node, milliseconds: now - from });
            return false;
        });
    }

    met() {
        return [...this.codes].map(([word, times]) => `${word} x ${times}`).join(', ') || 'none';
    }

    summary() {
        const times = (outcome) => this.places.filter((place) => place.outcome === outcome).length;
        return `${times('acknowledged')} orders acknowledged, ${times('refused')} refused, ` +
               `${times('unknown')} unknown; ${this.cancels.length} cancels, ${this.reads.length} reads on ` +
               `${this.connections} connections; met: ${this.met()}`;
    }
}

// One trader: an account, through one node, one request at a time on a connection that is kept.
class Trader {
    constructor(history, url, node, account, buys, names) {
        Object.assign(this, { history, url: new URL(url), node, account, buys, names });
        this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        this.open = []; // orders of ours that may still be open: { id, symbol }
        this.numbers = new WeakMap(); // of connections
    }

    numberOf(socket) {
        if (!this.numbers.has(socket)) this.numbers.set(socket, ++this.history.connections);
        return this.numbers.get(socket);
    }

    // { status, body, connection }, or throws when there was no whole answer.
    request(method, path, parameters, signed = true) {
        let query = new URLSearchParams(signed ? { ...parameters, timestamp: Date.now(), recvWindow: 30000 }
                                               : parameters).toString();
        if (signed) query += `&signature=${createHmac('sha256', this.account.secretKey).update(query).digest('hex')}`;
        return new Promise((resolve, reject) => {
            const request = http.request({
                agent: this.agent, host: this.url.hostname, port: this.url.port, method, path: `${path}?${query}`,
                headers: { 'X-MBX-APIKEY': this.account.apiKey }, timeout: 15000,
            }, (answer) => {
                let text = '';
                answer.setEncoding('utf8');
                answer.on('data', (part) => { text += part; });
                answer.on('aborted', () => reject(new Error('cut off')));
                answer.on('end', () => {
                    if (!answer.complete) return reject(new Error('cut off'));
                    resolve({ status: answer.statusCode, body: JSON.parse(text),
                              connection: this.numberOf(request.socket) });
                });
            });
            request.on('timeout', () => request.destroy(Object.assign(new Error('silent'), { code: 'SILENT' })));
            request.on('error', reject);
            request.end();
        });
    }

    read(connection, of, value) {
        this.history.reads.push({ connection, of, value });
    }

    // What an answer says of an order, its end counting as more than any fill.
    readOrder(connection, order, id) {
        this.read(connection, `${id} executed`, units(order.executedQty));
        this.read(connection, `${id} ended`, ENDED.has(order.status) ? 1n : 0n);
    }

    async place() {
        const symbol = Math.random() < 0.7 ? 'BTCUSDT' : 'ETHUSDT';
        const side = this.buys === (symbol === 'BTCUSDT') ? 'BUY' : 'SELL';
        const id = `h${this.names.next++}`;
        const price = (symbol === 'BTCUSDT' ? 50000 : 3000) + Math.floor(Math.random() * 5);
        const record = { account: this.account.name, id, symbol, side, node: this.node, outcome: 'unknown' };
        this.history.places.push(record);
        const sent = performance.now();
        const { status, body, connection } = await this.request('POST', '/api/v3/order', {
            symbol, side, type: 'LIMIT', timeInForce: Math.random() < 0.8 ? 'GTC' : 'IOC', price,
            quantity: symbol === 'BTCUSDT' ? '0.001' : '0.01', newClientOrderId: id, newOrderRespType: 'FULL',
        }).catch((error) => {
            if (error.code === 'ECONNREFUSED') record.outcome = 'refused'; // nobody has heard of it
            throw error;
        });
        record.outcome = outcomeOf(status, body);
        if (status !== 200) {
            record.code = body.code;
            this.history.count(`${status} ${body.code}`);
            if (body.code === -1013) for (let i = 0; i < 20; i++) await this.cancel();
            if (status >= 500) await pause(20);
            return;
        }
        record.order = body;
        this.readOrder(connection, body, id);
        if (!ENDED.has(body.status)) this.open.push({ id, symbol });
        this.history.acknowledge(this.node, sent);
    }

    async cancel() {
        const order = this.open.shift();
        if (!order) return;
        const record = { account: this.account.name, id: order.id, outcome: 'unknown' };
        this.history.cancels.push(record);
        const { status, body, connection } = await this.request('DELETE', '/api/v3/order',
            { symbol: order.symbol, origClientOrderId: order.id });
        record.outcome = outcomeOf(status, body);
        if (status === 200) {
            record.order = body;
            this.readOrder(connection, body, order.id);
        } else if (body.code !== -2011) {
            this.history.count(`${status} ${body.code}`);
        }
    }

    async look() {
        const kind = Math.random();
        if (kind < 0.3) {
            const { status, body, connection } = await this.request('GET', '/quorex/v1/status', {}, false);
            if (status !== 200) return;
            this.read(connection, 'lastCommand', BigInt(body.lastCommand));
            this.read(connection, 'height', BigInt(body.height));
            this.read(connection, 'certifiedHeight', BigInt(body.certifiedHeight));
        } else if (kind < 0.6 || this.open.length === 0) {
            const { status, body, connection } = await this.request('GET', '/api/v3/depth',
                { symbol: 'BTCUSDT', limit: 5 }, false);
            if (status === 200) this.read(connection, 'lastUpdateId', BigInt(body.lastUpdateId));
        } else {
            const { id, symbol } = this.open[Math.floor(Math.random() * this.open.length)];
            const { status, body, connection } = await this.request('GET', '/api/v3/order',
                { symbol, origClientOrderId: id });
            if (status === 200) this.readOrder(connection, body, id);
            // What this connection was told of before cannot be unknown now.
            else if (body.code === -2013) this.read(connection, `${id} executed`, -1n);
        }
    }

    async turn() {
        try {
            const kind = Math.random();
            if (kind < 0.6) await this.place();
            else if (kind < 0.75) await this.cancel();
            else await this.look();
        } catch (error) {
            this.history.count(error.code ?? error.message);
            await pause(20); // the node is away
        }
    }
}

function pause(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// Traders on every node, until `end` is called.
export class Load {
    static async start(cluster, { pause_ms = 15, traders = 2 } = {}) {
        const load = new Load();
        load.cluster = cluster;
        load.history = new History();
        await load.begin();
        const names = { next: 1 };
        const { accounts } = cluster;
        load.traders = cluster.numbers.flatMap((node) => Array.from({ length: traders }, (_, i) => {
            const place = (node + i) % accounts.length;
            return new Trader(load.history, cluster.url(node), node, accounts[place], place % 2 === 0, names);
        }));
        load.running = true;
        load.turns = load.traders.map((trader) => load.keep(trader, pause_ms));
        return load;
    }

    // Each node knows the accounts and all they were given when the first order comes. Node 0 was told, and answered.
    async begin() {
        const { cluster } = this;
        this.startBalances = await balancesOf(cluster, 0);
        for (const number of cluster.running()) {
            await until(`node ${number} to know the balances`, async () =>
                isDeepStrictEqual(await balancesOf(cluster, number), this.startBalances));
        }
    }

    async keep(trader, pause_ms) {
        while (this.running) {
            await trader.turn();
            await pause(pause_ms * (0.5 + Math.random()));
        }
        trader.agent.destroy();
    }

    // Ends the traders.
    async end() {
        this.running = false;
        await Promise.all(this.turns);
    }

    // Ends the traders, waits until all nodes are level, and returns what is wrong.
    async judge(numbers = this.cluster.running()) {
        await this.end();
        const { cluster, history } = this;
        await cluster.level(numbers);
        const height = await cluster.agreed(numbers);
        if (cluster.postgres) await cluster.projected(numbers, height);
        const finals = [];
        for (const number of numbers) finals.push(await finalOf(cluster, number));
        return [...cluster.fallen, ...complaints({ history, start: this.startBalances, finals })];
    }
}

// What a node answers to a signed question: { status, body }.
export async function askSigned(cluster, number, account, path, parameters) {
    const query = new URLSearchParams({ ...parameters, timestamp: Date.now(), recvWindow: 30000 }).toString();
    const signature = createHmac('sha256', account.secretKey).update(query).digest('hex');
    const response = await fetch(`${cluster.url(number)}${path}?${query}&signature=${signature}`,
                                 { headers: { 'X-MBX-APIKEY': account.apiKey } });
    return { status: response.status, body: await response.json() };
}

async function signed(cluster, number, account, path, parameters) {
    return until(`${path} of node ${number}`, async () => {
        const { status, body } = await askSigned(cluster, number, account, path, parameters);
        if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
        return body;
    });
}

async function pages(cluster, number, account, path, symbol, from, idOf) {
    const all = [];
    for (let next = from; ;) {
        const page = await signed(cluster, number, account, path, { symbol, limit: 1000, ...next });
        all.push(...page);
        if (page.length < 1000) return all;
        const [[name]] = Object.entries(from);
        next = { [name]: idOf(page.at(-1)) + 1 };
    }
}

async function balancesOf(cluster, number) {
    const all = {};
    for (const account of cluster.accounts) {
        const { balances } = await signed(cluster, number, account, '/api/v3/account', {});
        all[account.name] = Object.fromEntries(
            balances.map(({ asset, free, locked }) => [asset, units(free) + units(locked)]));
    }
    return all;
}

// Everything one node says of all accounts.
async function finalOf(cluster, number) {
    const final = { node: number, balances: await balancesOf(cluster, number), accounts: {} };
    for (const account of cluster.accounts) {
        const orders = [], trades = [];
        for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
            orders.push(...await pages(cluster, number, account, '/api/v3/allOrders', symbol, { orderId: 0 },
                                       (order) => order.orderId));
            trades.push(...await pages(cluster, number, account, '/api/v3/myTrades', symbol, { fromId: 0 },
                                       (trade) => trade.id));
        }
        const open = await signed(cluster, number, account, '/api/v3/openOrders', {});
        final.accounts[account.name] = { orders, trades, open };
    }
    return final;
}

// ---- The checker. Plain data in, sentences out.

const BASE = { BTCUSDT: ['BTC', 'USDT'], ETHUSDT: ['ETH', 'USDT'] };

// `history`: places, cancels, reads as above. `start`: balances by account and asset. `finals`: of each node
// { node, balances, accounts: { name: { orders, trades, open } } }. Returns what cannot be, at most 50 sentences.
export function complaints({ history, start, finals }) {
    const wrong = [...readingsBack(history.reads)];
    for (const final of finals) {
        wrong.push(...fates(history, final), ...sums(final), ...money(start, final));
    }
    wrong.push(...differences(finals));
    return wrong.slice(0, 50);
}

function* readingsBack(reads) {
    const last = new Map();
    for (const { connection, of, value } of reads) {
        const key = `${connection} ${of}`;
        if (last.has(key) && value < last.get(key)) {
            yield `connection ${connection} went back: ${of} was ${last.get(key)}, then ${value}`;
        }
        last.set(key, value);
    }
}

function* fates(history, { node, accounts }) {
    const found = new Map();
    for (const [name, { orders }] of Object.entries(accounts)) {
        for (const order of orders) {
            const key = `${name} ${order.clientOrderId}`;
            if (found.has(key)) yield `node ${node}: order ${key} is there twice`;
            found.set(key, order);
        }
    }
    const trades = new Set(Object.entries(accounts).flatMap(
        ([name, account]) => account.trades.map((trade) => `${name} ${trade.symbol} ${trade.id}`)));
    const placed = new Set();
    for (const place of history.places) {
        placed.add(`${place.account} ${place.id}`);
        yield* fateOf(place, found.get(`${place.account} ${place.id}`), trades, node);
    }
    for (const key of found.keys()) if (!placed.has(key)) yield `node ${node}: nobody placed order ${key}`;
    for (const cancel of history.cancels) {
        if (cancel.outcome === 'acknowledged') yield* fateOfCancelled(cancel, found, node);
    }
}

function* fateOf({ account, id, symbol, outcome, code, order: told }, order, trades, node) {
    const which = `node ${node}: order ${account} ${id}`;
    if (outcome === 'refused' && order) yield `${which} was refused with ${code}, and is there`;
    if (STRANGE.has(code)) yield `${which} was refused with ${code}`;
    if (outcome !== 'acknowledged') return;
    if (!order) {
        yield `${which} was acknowledged, and is lost`;
        return;
    }
    if (order.orderId !== told.orderId) yield `${which} has another id than was said`;
    if (units(order.executedQty) < units(told.executedQty)) yield `${which} has less executed than was said`;
    if (ENDED.has(told.status) && order.status !== told.status) {
        yield `${which} had ended as ${told.status}, now it is ${order.status}`;
    }
    for (const fill of told.fills ?? []) {
        if (!trades.has(`${account} ${symbol} ${fill.tradeId}`)) yield `${which}: its trade ${fill.tradeId} is lost`;
    }
}

function* fateOfCancelled({ account, id, order: told }, found, node) {
    const order = found.get(`${account} ${id}`);
    if (!order || order.status !== 'CANCELED' || order.executedQty !== told.executedQty) {
        yield `node ${node}: order ${account} ${id} was cancelled with ${told.executedQty} executed, ` +
              `now it is ${order?.status} with ${order?.executedQty}`;
    }
}

// Within one node: orders, their trades and open orders fit together.
function* sums({ node, accounts }) {
    for (const [name, { orders, trades, open }] of Object.entries(accounts)) {
        const executed = new Map(), seen = new Set();
        for (const { symbol, id, orderId, qty } of trades) {
            if (seen.has(`${symbol} ${id}`)) yield `node ${node}: trade ${symbol} ${id} of ${name} is there twice`;
            seen.add(`${symbol} ${id}`);
            const key = `${symbol} ${orderId}`; // ids are a market's own
            executed.set(key, (executed.get(key) ?? 0n) + units(qty));
        }
        const openKeys = new Set(open.map((order) => `${order.symbol} ${order.orderId}`));
        for (const order of orders) {
            const key = `${order.symbol} ${order.orderId}`, sum = executed.get(key) ?? 0n;
            if (units(order.executedQty) !== sum) {
                yield `node ${node}: order ${name} ${order.clientOrderId} says ${order.executedQty}, trades say ${sum}`;
            }
            if (openKeys.has(key) === ENDED.has(order.status)) {
                yield `node ${node}: order ${name} ${order.clientOrderId} is ${order.status}, open orders say otherwise`;
            }
        }
    }
}

function* money(start, { node, balances, accounts }) {
    for (const [name, { trades }] of Object.entries(accounts)) {
        const due = { ...start[name] };
        for (const { symbol, qty, quoteQty, isBuyer, commission, commissionAsset } of trades) {
            const [base, quote] = BASE[symbol], sign = isBuyer ? 1n : -1n;
            due[base] += sign * units(qty);
            due[quote] -= sign * units(quoteQty);
            due[commissionAsset] -= units(commission);
        }
        for (const [asset, amount] of Object.entries(due)) {
            const has = balances[name][asset];
            if (has !== amount) yield `node ${node}: ${name} has ${has} ${asset}, trades say ${amount}`;
        }
    }
}

function* differences(finals) {
    const text = (value) => JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one));
    const [first, ...others] = finals;
    for (const other of others) {
        for (const [name, account] of Object.entries(first.accounts)) {
            for (const kind of ['orders', 'trades', 'open']) {
                const ours = account[kind].map(text), theirs = other.accounts[name][kind].map(text);
                const at = ours.findIndex((line, index) => line !== theirs[index]);
                if (at < 0 && ours.length === theirs.length) continue;
                const place = at < 0 ? ours.length : at;
                yield `nodes ${first.node} and ${other.node} differ in ${kind} of ${name}: ` +
                      `${ours[place]} and ${theirs[place]}`;
            }
        }
        if (text(first.balances) !== text(other.balances)) {
            yield `nodes ${first.node} and ${other.node} differ in balances`;
        }
    }
}
