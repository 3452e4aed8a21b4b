// Books that are kept from streams while all three markets trade as fast as one client can make them: by the rules that
// the documentation of @depth gives to clients, at both speeds, and from our own @book. Whatever lastUpdateId X a REST
// snapshot carries, each of them agrees with it at exactly X, on connections that break and come again.
//
// One difference covers many ids, so few snapshots end where one ends. Of the others is checked all that can be: what
// the difference that X lies in leaves alone is the same in the snapshot as in the book before it, and the snapshot with
// that difference applied is the book behind it.
//
// QUOREX_BOOK_MINUTES: how long it goes on (default: some seconds).

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32 } from './checksum.mjs';
import { signedRequest } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';
import { Book, Streams } from './streams.mjs';
import { metric } from './trading.mjs';

const MINUTES = Number(process.env.QUOREX_BOOK_MINUTES ?? 0.4);
const SPEEDS = ['depth@100ms', 'depth', 'book'];
const ZERO = '0.00000000';
const KEPT = 400;            // differences that a book can be taken back by
const BATCH = 60;            // orders and cancels in one request
const BATCHES = 3;           // at once, per market
const NAMES = 300;           // of an account's orders, to be canceled
const LIFE = [6, 30];        // rounds that a connection lives, at least and less than
const REMEMBERED = 16384;    // changes of a book that the node knows: docs/api-quorex.md
const STALL = 5;             // every so many connections reads nothing for half of its life
let exchange, traders, named = 0;

before(async () => {
    exchange = await Exchange.start(18467);
    traders = exchange.accounts.slice(0, 2);
});

after(() => exchange?.stop());

// The same draw every time, for each that draws.
function drawer(seed) {
    let state = seed;
    return (bound) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return (state >>> 8) % bound;
    };
}

// ---- what is traded ----

// Prices in ticks round a middle, quantities in lots.
const MARKETS = [
    { symbol: 'BTCUSDT', middle: 5000000, decimals: 2, lots: 100, lotDecimals: 5 },
    { symbol: 'ETHUSDT', middle: 300000, decimals: 2, lots: 100, lotDecimals: 4 },
    { symbol: 'ETHBTC', middle: 5000, decimals: 5, lots: 100, lotDecimals: 3 },
];

const decimal = (whole, decimals) => (whole / 10 ** decimals).toFixed(decimals);

function someOrder({ symbol, middle, decimals, lots, lotDecimals }, draw, name) {
    const side = draw(2) === 0 ? 'BUY' : 'SELL', takes = draw(4) === 0;
    const away = (1 + draw(180)) * ((side === 'BUY') === takes ? 1 : -1);
    return { symbol, side, type: 'LIMIT', timeInForce: takes ? 'IOC' : 'GTC', newClientOrderId: name,
             quantity: decimal(lots * (1 + draw(9)), lotDecimals), price: decimal(middle + away, decimals) };
}

// Orders, and cancels of an account's orders before.
function someLines(market, draw, names) {
    return Array.from({ length: BATCH }, () => {
        if (draw(3) === 0 && names.length > 0) {
            const [origClientOrderId] = names.splice(draw(names.length), 1);
            return { symbol: market.symbol, origClientOrderId };
        }
        const name = `n${named++}`;
        names.push(name);
        if (names.length > NAMES) names.shift();
        return someOrder(market, draw, name);
    });
}

const REFUSALS = [-1013, -2010, -2011]; // as many open as may be, would match itself, gone

async function batch(account, lines) {
    const body = lines.map((line) => `${new URLSearchParams(line)}\n`).join(''), query = `timestamp=${Date.now()}`;
    const signature = createHmac('sha256', account.secretKey).update(query + body).digest('hex');
    const response = await fetch(`${exchange.http}/quorex/v1/orders?${query}&signature=${signature}`, {
        method: 'POST', headers: { 'X-MBX-APIKEY': account.apiKey, 'Content-Type': 'text/plain' }, body });
    const answers = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answers));
    for (const { error } of answers) assert.ok(!error || REFUSALS.includes(error.code), JSON.stringify(error));
    return answers.filter(({ status }) => status === 200).length;
}

async function cancelAll(account, symbol) {
    const { status, body } = await signedRequest(exchange, account, 'DELETE', '/api/v3/openOrders', { symbol });
    assert.ok(status === 200 || body.code === -2011, JSON.stringify(body));
}

// ---- books that can be taken back ----

class Kept extends Book {
    past = []; // of the latest differences: ids, and what the levels were before

    take(difference) {
        if (this.lastUpdateId === null || difference.u <= this.lastUpdateId) return super.take(difference);
        const before = [];
        for (const [side, levels] of [['bids', difference.b], ['asks', difference.a]])
            for (const [price] of levels) before.push([side, price, this.sides[side].get(price) ?? ZERO]);
        const from = this.lastUpdateId;
        super.take(difference);
        this.past.push({ from, difference, before });
        if (this.past.length > KEPT) this.past.shift();
    }

    // The book as it was behind `u` at most, and the difference that came next; null when that is too long ago.
    at(u) {
        const sides = { bids: new Map(this.sides.bids), asks: new Map(this.sides.asks) };
        let behind = this.lastUpdateId, next = null;
        for (let i = this.past.length - 1; i >= 0 && behind > u; i--) {
            const { from, difference, before } = this.past[i];
            for (const [side, price, quantity] of before) put(sides[side], price, quantity);
            behind = from;
            next = difference;
        }
        return behind > u ? null : { behind, sides, next };
    }
}

function put(levels, price, quantity) {
    if (quantity === ZERO) levels.delete(price);
    else levels.set(price, quantity);
}

const sorted = (levels) => [...levels].sort(([a], [b]) => (a < b ? -1 : 1));

function assertSame(one, other, what) {
    for (const side of ['bids', 'asks']) assert.deepEqual(sorted(one[side]), sorted(other[side]), `${what}: ${side}`);
}

function without(levels, touched) {
    const rest = new Map(levels);
    for (const [price] of touched) rest.delete(price);
    return rest;
}

function applied(levels, changes) {
    const changed = new Map(levels);
    for (const [price, quantity] of changes) put(changed, price, quantity);
    return changed;
}

// Whether the snapshot is what the book says; 'exact' when one of its differences ends there.
function compare(book, rest) {
    const state = book.at(rest.lastUpdateId), what = `${book.name} at ${rest.lastUpdateId}`;
    assert.notEqual(state, null, `${what}: too long ago`);
    const told = { bids: new Map(rest.bids), asks: new Map(rest.asks) };
    if (state.behind === rest.lastUpdateId) {
        assertSame(told, state.sides, what);
        return 'exact';
    }
    assert.notEqual(state.next, null, what);
    const { U, u, b, a } = state.next;
    assert.ok(U <= rest.lastUpdateId + 1 && rest.lastUpdateId < u, what);
    const all = [['bids', b], ['asks', a]];
    const each = (make, sides) => Object.fromEntries(all.map(([side, changes]) => [side, make(sides[side], changes)]));
    assertSame(each(without, told), each(without, state.sides), `${what}, left alone`);
    assertSame(each(applied, told), each(applied, state.sides), `${what}, behind ${u}`);
    return 'within';
}

// ---- connections that keep them ----

function checksum({ bids, asks }) {
    return crc32([...bids.slice(0, 20), ...asks.slice(0, 20)].flat().join(':'));
}

const depthOf = (symbol) => exchange.get(`/api/v3/depth?symbol=${symbol}&limit=5000`);

// Books of one market at all speeds, on one connection.
class Keeper {
    constructor(market) {
        this.market = market;
        this.counts = { exact: 0, within: 0, connections: 0, resyncs: 0, updates: 0 };
        this.faults = [];
    }

    name(speed) {
        return `${this.market.symbol.toLowerCase()}@${speed}`;
    }

    async connect(speeds = SPEEDS) {
        this.books = Object.fromEntries(speeds.map((speed) => [speed, new Kept(this.name(speed))]));
        this.streams = await Streams.open(
            `${exchange.ws}/quorex/v1/stream?streams=${speeds.map((speed) => this.name(speed)).join('/')}`);
        const take = ({ stream, data }) => {
            const speed = stream.slice(stream.indexOf('@') + 1);
            if (!(speed in this.books)) return;
            try {
                this.hear(speed, data);
            } catch (error) {
                this.faults.push(error);
            }
        };
        for (const event of this.streams.events.splice(0)) take(event); // what came with the handshake
        this.streams.listeners.push((event) => {
            this.streams.events.length = 0; // nobody looks at them again
            take(event);
        });
        this.counts.connections++;
    }

    // As the documentation says: a snapshot older than the first difference is asked for again.
    async begin(speed) {
        const book = this.books[speed];
        const first = await until(`the first of ${book.name}`, () => book.waiting[0]);
        const rest = await until('a snapshot that is not too old', async () => {
            const one = await depthOf(this.market.symbol);
            return one.lastUpdateId >= first.U - 1 && one;
        });
        book.begin(rest);
    }

    hear(speed, data) {
        const book = this.books[speed];
        this.counts.updates++;
        if (data.e !== 'bookSnapshot' && data.e !== 'bookResync') {
            book.take(data);
        } else {
            assert.equal(data.e === 'bookSnapshot', book.lastUpdateId === null, data.e);
            if (data.e === 'bookResync') this.counts.resyncs++;
            this.books[speed] = new Kept(this.name(speed));
            this.books[speed].isAnew = data.e === 'bookResync';
            this.books[speed].begin({ lastUpdateId: data.u, bids: data.bids, asks: data.asks });
        }
        if (speed === 'book') assert.equal(data.checksum, checksum(this.books.book.levels()), `checksum at ${data.u}`);
    }

    assertRight() {
        if (this.faults.length > 0) throw this.faults[0];
    }

    async check(rest, speeds) {
        for (const speed of speeds) {
            await until(`${this.name(speed)} to be at ${rest.lastUpdateId}`, () => {
                if (this.faults.length > 0) return true;
                return this.books[speed].lastUpdateId >= rest.lastUpdateId;
            }, 30, 5);
            this.assertRight();
            // A book that was begun anew may have begun behind the snapshot.
            if (this.books[speed].isAnew && this.books[speed].at(rest.lastUpdateId) === null) continue;
            this.counts[compare(this.books[speed], rest)]++;
        }
    }

    // Without a word, as a network does it.
    async drop() {
        this.streams.socket.terminate();
        await this.streams.ends;
    }
}

// Trades in rounds, with snapshots all the while; each ends when the fast stream has told of it.
async function round(keeper, draw, names, counts) {
    const { market } = keeper, snapshots = [];
    const batches = Array.from({ length: BATCHES }, async () => {
        const who = draw(2);
        counts.orders += await batch(traders[who], someLines(market, draw, names[who]));
        snapshots.push(await depthOf(market.symbol));
    });
    snapshots.push(await depthOf(market.symbol));
    await Promise.all(batches);
    if (draw(8) === 0) await cancelAll(traders[draw(2)], market.symbol);
    return snapshots;
}

async function live(keeper, draw, names, counts, isStalled) {
    await keeper.connect();
    let isBegun = false;
    const beginning = Promise.all(['depth@100ms', 'depth'].map((speed) => keeper.begin(speed)))
        .finally(() => { isBegun = true; });
    while (!isBegun) await round(keeper, draw, names, counts); // they begin in the middle of it
    await beginning;
    const rounds = LIFE[0] + draw(LIFE[1] - LIFE[0]), missed = [];
    for (let i = 0; i < rounds; i++) {
        const isDeaf = isStalled && i >= 2 && i < rounds / 2;
        if (isDeaf) keeper.streams.socket.pause();
        else keeper.streams.socket.resume();
        const snapshots = await round(keeper, draw, names, counts);
        if (isDeaf) continue;
        for (const rest of snapshots) await keeper.check(rest, ['depth@100ms', 'book']);
        missed.push(...snapshots);
        // The slow one is asked less often, for its second takes as long for all.
        if (missed.length < 40 && i + 1 < rounds) continue;
        for (const rest of missed.splice(0)) await keeper.check(rest, ['depth']);
    }
    await keeper.drop();
}

test('whatever REST shows of a book at some id, the streams have told by that id', async () => {
    const end = Date.now() + MINUTES * 60000, counts = { orders: 0 };
    const keepers = MARKETS.map((market) => new Keeper(market));
    await Promise.all(keepers.map(async (keeper, index) => {
        const draw = drawer(20260101 + index), names = [[], []];
        for (let life = 1; Date.now() < end; life++) await live(keeper, draw, names, counts, life % STALL === 0);
        keeper.assertRight();
    }));
    for (const { market, counts: { exact, within, connections, resyncs, updates } } of keepers) {
        console.log(`# ${market.symbol}: ${exact + within} comparisons, ${exact} of them where a difference ends; ` +
                    `${connections} connections, ${updates} messages, ${resyncs} resyncs`);
        assert.ok(exact > 20 && within > 20 && connections > 1, market.symbol);
    }
    console.log(`# ${counts.orders} orders and cancels`);
});

// ---- who is left behind ----

// Bytes that the system holds of what the node has written to a connection and the client has not read, by the client's port.
function held(clientPort) {
    const hex = (port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    let bytes = 0;
    for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
        const [, local = '', remote = '', , queues] = line.trim().split(/\s+/);
        const isEnd = (one, other) => local.endsWith(hex(one)) && remote.endsWith(hex(other));
        if (isEnd(exchange.port, clientPort)) bytes += parseInt(queues.split(':')[0], 16);
        if (isEnd(clientPort, exchange.port)) bytes += parseInt(queues.split(':')[1], 16);
    }
    return bytes;
}

// Answers that a client asks for and does not read, until more of them wait in the node than states may wait behind.
async function clog(streams) {
    const times = ['1s', '1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '6h', '8h', '12h', '1d', '3d', '1w', '1M'];
    const names = MARKETS.flatMap(({ symbol }) => times.map((time) => `${symbol.toLowerCase()}@kline_${time}@+08:00`));
    assert.equal((await streams.ask('SUBSCRIBE', names, 1)).result, null);
    const { length } = JSON.stringify(await streams.ask('LIST_SUBSCRIPTIONS', [], 2));
    const { _socket: { localPort } } = streams.socket;
    streams.socket.pause();
    const ask = async (bytes) => {
        const count = Math.ceil(bytes / length), before = await metric(exchange.http, 'ws_messages_total');
        for (let i = 0; i < count; i++) streams.socket.send(JSON.stringify({ method: 'LIST_SUBSCRIPTIONS', id: 3 }));
        await until('the answers', async () => await metric(exchange.http, 'ws_messages_total') >= before + count);
    };
    for (let before = -Infinity; held(localPort) > before + 100000;) {
        before = held(localPort);
        await ask(200000); // some of the first are Node's
    }
    await ask(300000);
}

const offer = (price) => ({ symbol: 'ETHBTC', side: 'SELL', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.1', price });

// So many changes of a book, of which the last is there to stay.
async function changeBook(count) {
    const { lastUpdateId } = await depthOf('ETHBTC');
    for (let now = lastUpdateId, turn = 0; now < lastUpdateId + count; turn++) {
        const lines = Array.from({ length: 50 }, (_, index) => {
            const name = `c${turn}-${index}`, price = decimal(6000 + (turn * 50 + index) % 2000, 5);
            return [{ ...offer(price), newClientOrderId: name }, { symbol: 'ETHBTC', origClientOrderId: name }];
        });
        assert.equal(await batch(traders[0], lines.flat()), 100);
        if (turn % 20 === 19) now = (await depthOf('ETHBTC')).lastUpdateId;
    }
}

test('who is left behind by more than is remembered gets the whole book anew, and goes on', { timeout: 120000 }, async () => {
    const market = MARKETS[2];
    for (const trader of traders) await cancelAll(trader, market.symbol);
    const reloads = await metric(exchange.http, 'reloads_total');
    appendFileSync(join(exchange.node, 'quorex.conf'), 'ws_messages = 100000\n');
    process.kill(exchange.pid(), 'SIGHUP');
    await until('the settings', async () => await metric(exchange.http, 'reloads_total') === reloads + 1);

    const keeper = new Keeper(market), late = new Keeper(market);
    await keeper.connect(['book']);
    await late.connect(['depth@100ms']);
    await until('the book', () => keeper.books.book.lastUpdateId !== null);
    await clog(keeper.streams);
    await clog(late.streams);
    await changeBook(REMEMBERED + 1000);
    assert.equal(keeper.counts.resyncs, 0);
    const slow = await metric(exchange.http, 'ws_slow_closed_total');
    keeper.streams.socket.resume();
    await until('the whole book', () => { keeper.assertRight(); return keeper.counts.resyncs === 1; });

    // From there on it is a book like any other.
    for (const price of ['0.05500', '0.05400', '0.05300']) {
        assert.equal(await batch(traders[0], [offer(price)]), 1);
        const rest = await depthOf(market.symbol);
        await until('the change', () => { keeper.assertRight(); return keeper.books.book.lastUpdateId >= rest.lastUpdateId; });
        assertSame(keeper.books.book.sides, { bids: new Map(rest.bids), asks: new Map(rest.asks) }, `at ${rest.lastUpdateId}`);
    }
    assert.equal(keeper.counts.resyncs, 1);

    // @depth has no whole book to give: who cannot be told what he has missed is closed, and told why.
    late.streams.socket.resume();
    const { code, reason } = await late.streams.ends;
    assert.deepEqual([code, reason.startsWith('too slow')], [1008, true], reason);
    assert.equal(await metric(exchange.http, 'ws_slow_closed_total'), slow + 1);
    late.assertRight();
    await keeper.drop();
});

test('every block is certified and verifies', async () => {
    await exchange.certified();
    assert.match(await exchange.verify(), /^right: .* all certified/);
});
