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
import { after, before, test } from 'node:test';
import { crc32 } from './checksum.mjs';
import { signedRequest } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';
import { Book, Streams } from './streams.mjs';

const MINUTES = Number(process.env.QUOREX_BOOK_MINUTES ?? 0.4);
const SPEEDS = ['depth@100ms', 'depth', 'book'];
const ZERO = '0.00000000';
const KEPT = 400;            // differences that a book can be taken back by
const BATCH = 60;            // orders and cancels in one request
const BATCHES = 3;           // at once, per market
const NAMES = 300;           // of an account's orders, to be canceled
const LIFE = [6, 30];        // rounds that a connection lives, at least and less than
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

    async connect() {
        this.books = Object.fromEntries(SPEEDS.map((speed) => [speed, new Kept(this.name(speed))]));
        this.streams = await Streams.open(
            `${exchange.ws}/quorex/v1/stream?streams=${SPEEDS.map((speed) => this.name(speed)).join('/')}`);
        const take = ({ stream, data }) => {
            try {
                this.hear(stream.slice(stream.indexOf('@') + 1), data);
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

test('every block is certified and verifies', async () => {
    await exchange.certified();
    assert.match(await exchange.verify(), /^right: .* all certified/);
});
