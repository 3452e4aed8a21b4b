// Market streams over real sockets, held against what REST says of the same moment: books, trades, candles,
// tickers, in both time units, raw and combined, with every control message.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { crc32 } from './checksum.mjs';
import { signedRequest } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';
import { Book, Streams } from './streams.mjs';

const SYMBOL = 'BTCUSDT';
const market = (name) => `btcusdt@${name}`;
let exchange, ann, bob;

before(async () => {
    exchange = await Exchange.start(18469);
    [ann, bob] = exchange.accounts;
});

after(() => exchange?.stop());

const combined = (names, query = '') =>
    Streams.open(`${exchange.ws}/stream?streams=${names.join('/')}${query}`);

async function order(who, parameters) {
    const { status, body } = await signedRequest(exchange, who, 'POST', '/api/v3/order',
                                                 { symbol: SYMBOL, type: 'LIMIT', ...parameters });
    assert.ok(status === 200 || body.code === -2010, JSON.stringify(body));
    return body;
}

const cancelAll = (who) =>
    signedRequest(exchange, who, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });

// The same orders every time: most rest round 50,000, some take.
let random = 20260101;
function below(bound) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return (random >>> 8) % bound;
}

function someOrder() {
    const side = below(2) === 0 ? 'BUY' : 'SELL', takes = below(4) === 0;
    const distance = 1 + below(40), sign = (side === 'BUY') === takes ? 1 : -1;
    return { side, quantity: `0.0${1 + below(8)}`, price: String(50000 + sign * distance),
             timeInForce: takes ? 'IOC' : 'GTC' };
}

async function burst(count) {
    await Promise.all(Array.from({ length: count }, () => order(below(2) === 0 ? ann : bob, someOrder())));
    if (below(5) === 0) await cancelAll(below(2) === 0 ? ann : bob);
}

async function trade(price, quantity) {
    await order(ann, { side: 'SELL', quantity, price, timeInForce: 'GTC' });
    const taken = await order(bob, { side: 'BUY', quantity, price, timeInForce: 'IOC' });
    assert.equal(taken.status, 'FILLED');
}

const snapshot = () => exchange.get(`/api/v3/depth?symbol=${SYMBOL}&limit=5000`);
const tops = ['depth5', 'depth10', 'depth20', 'depth5@100ms', 'depth10@100ms', 'depth20@100ms'];

async function equalTops(streams, rest) {
    for (const top of tops) {
        const count = parseInt(top.slice(5), 10);
        await until(`${top} to be there`, () =>
            streams.last(market(top))?.lastUpdateId === rest.lastUpdateId);
        assert.deepEqual(streams.last(market(top)),
                         { ...rest, bids: rest.bids.slice(0, count), asks: rest.asks.slice(0, count) });
    }
    const best = await exchange.get(`/api/v3/ticker/bookTicker?symbol=${SYMBOL}`);
    const { u, s, b, B, a, A } = streams.last(market('bookTicker'));
    assert.ok(u <= rest.lastUpdateId);
    assert.deepEqual({ symbol: s, bidPrice: b, bidQty: B, askPrice: a, askQty: A }, best);
}

// One connection's life: books of both speeds from its beginning, and one that begins in the middle of every
// burst; all of them end where REST is.
async function keepBooks(rounds) {
    const streams = await combined(['depth', 'depth@100ms', 'bookTicker', ...tops].map(market));
    const books = [];
    streams.listeners.push(({ stream, data }) => {
        for (const book of books) if (book.name === stream) book.take(data);
    });
    for (let round = 0; round < rounds; round++) {
        const busy = burst(12);
        for (const speed of round === 0 ? ['depth', 'depth@100ms'] : [round % 2 ? 'depth' : 'depth@100ms']) {
            const book = new Book(market(speed));
            books.push(book);
            book.begin(await snapshot());
        }
        await busy;
        const rest = await snapshot(), isLast = round === rounds - 1;
        const checked = books.filter(({ name }) => isLast || name.endsWith('100ms'));
        await until('the books to be there', () =>
            checked.every((book) => book.lastUpdateId >= rest.lastUpdateId));
        for (const book of checked) assert.deepEqual(book.levels(), rest, book.name);
        if (isLast) await equalTops(streams, rest);
    }
    assert.ok(books[0].applied > 0 && books[1].applied >= rounds - 1);
    await streams.close();
}

// QUOREX_BOOK_MINUTES: not three connections but as many as follow one another in that time.
test('a book kept from either speed equals REST at every lastUpdateId, as do the best levels', async () => {
    const end = Date.now() + Number(process.env.QUOREX_BOOK_MINUTES ?? 0) * 60000;
    await burst(20);
    for (let connection = 0; connection < 3 || Date.now() < end; connection++) await keepBooks(8);
    await Promise.all([cancelAll(ann), cancelAll(bob)]);
});

test('every trade comes once, in order, as REST tells it; so do aggregates', async () => {
    const streams = await combined(['trade', 'aggTrade'].map(market));
    for (let round = 0; round < 6; round++) await burst(15);
    // One taker, three makers, two prices: three trades, two aggregates.
    await Promise.all([cancelAll(ann), cancelAll(bob)]);
    for (const [price, quantity] of [['49000', '0.01'], ['49000', '0.02'], ['49001', '0.03']])
        await order(ann, { side: 'SELL', quantity, price, timeInForce: 'GTC' });
    await order(bob, { side: 'BUY', quantity: '0.06', price: '49001', timeInForce: 'IOC' });

    const newest = (await exchange.get(`/api/v3/trades?symbol=${SYMBOL}&limit=1`))[0].id;
    await until('the last trade', () => streams.last(market('trade'))?.t === newest);
    const trades = streams.of(market('trade')), rest = await exchange.get(
        `/api/v3/trades?symbol=${SYMBOL}&limit=${trades.length}`);
    assert.ok(trades.length > 10);
    assert.deepEqual(trades.map(({ E, T, t, p, q, m, M, e, s }) => {
        assert.ok(e === 'trade' && s === SYMBOL && E === T && M === true);
        return { id: t, price: p, qty: q, time: T, isBuyerMaker: m };
    }), rest.map(({ id, price, qty, time, isBuyerMaker }) => ({ id, price, qty, time, isBuyerMaker })));

    const [before, last] = await exchange.get(`/api/v3/aggTrades?symbol=${SYMBOL}&limit=2`);
    assert.deepEqual([last.f, last.l], [newest, newest]);
    assert.deepEqual([before.f, before.l, before.q], [newest - 2, newest - 1, '0.03000000']);
    await until('the last aggregate', () => streams.last(market('aggTrade'))?.a === last.a);
    const aggregates = streams.of(market('aggTrade'));
    assert.deepEqual(aggregates.map(({ a, p, q, f, l, T, m, M }) => ({ a, p, q, f, l, T, m, M })),
                     await exchange.get(`/api/v3/aggTrades?symbol=${SYMBOL}&limit=${aggregates.length}`));
    await streams.close();
});

const klineOf = ({ k }) => [k.t, k.o, k.h, k.l, k.c, k.v, k.T, k.q, k.n, k.V, k.Q, k.B];

test('candles equal /klines, in UTC and in UTC+8, while they are open and when they close', async () => {
    const shown = [['1m', 0], ['1h', 0], ['6h', 0], ['1d', 0], ['1w', 0], ['1M', 0],
                   ['1m', 8], ['1h', 8], ['6h', 8], ['12h', 8], ['1d', 8], ['3d', 8], ['1w', 8], ['1M', 8]];
    const name = ([interval, zone]) => market(`kline_${interval}${zone === 8 ? '@+08:00' : ''}`);
    const streams = await combined([...shown.map(name), market('kline_1s')]);
    const rest = ([interval, zone], more) => exchange.get(
        `/api/v3/klines?symbol=${SYMBOL}&interval=${interval}&timeZone=${zone}&${more}`);
    await trade('50010', '0.01');
    await trade('50020', '0.02');
    for (const kind of shown) {
        await until(`${name(kind)} to equal REST`, async () => {
            const [[...wanted]] = await rest(kind, 'limit=1'), got = streams.last(name(kind));
            return got !== undefined && got.k.x === false && got.k.i === kind[0] &&
                   JSON.stringify(klineOf(got)) === JSON.stringify(wanted);
        });
    }
    // Of seconds each one closes, with trades or without.
    const closed = () => streams.of(market('kline_1s')).filter(({ k }) => k.x);
    await until('four seconds to close', () => closed().length >= 4);
    const seconds = closed().slice(0, 4);
    for (let i = 1; i < 4; i++) assert.equal(seconds[i].k.t, seconds[i - 1].k.t + 1000);
    assert.deepEqual(seconds.map(klineOf),
                     await rest(['1s', 0], `startTime=${seconds[0].k.t}&endTime=${seconds[3].k.t}`));
    await streams.close();
});

// What a ticker stream says in REST's words.
function dayOf(t) {
    return { symbol: t.s, priceChange: t.p, priceChangePercent: t.P, weightedAvgPrice: t.w,
             prevClosePrice: t.x, lastPrice: t.c, lastQty: t.Q, bidPrice: t.b, bidQty: t.B, askPrice: t.a,
             askQty: t.A, openPrice: t.o, highPrice: t.h, lowPrice: t.l, volume: t.v, quoteVolume: t.q,
             firstId: t.F, lastId: t.L, count: t.n };
}

function windowOf(t) {
    const { prevClosePrice, lastQty, bidPrice, bidQty, askPrice, askQty, ...rest } = dayOf(t);
    return rest;
}

const without = ({ openTime, closeTime, ...rest }) => rest;
const sorted = (object) => JSON.stringify(Object.entries(object).sort());
const same = (left, right) => sorted(left) === sorted(right);

test('tickers of a day, of windows and of five minutes equal REST, one by one and all in one', async () => {
    const windows = ['1h', '4h', '1d'];
    const streams = await combined([
        market('ticker'), market('miniTicker'), market('avgPrice'), '!ticker@arr', '!miniTicker@arr',
        ...windows.flatMap((window) => [market(`ticker_${window}`), `!ticker_${window}@arr`])]);
    await trade('50100', '0.05');
    await order(ann, { side: 'SELL', quantity: '0.01', price: '50500', timeInForce: 'GTC' });
    const mine = (stream) => streams.last(stream)?.find(({ s }) => s === SYMBOL);

    const day = without(await exchange.get(`/api/v3/ticker/24hr?symbol=${SYMBOL}`));
    await until('the ticker', () => same(dayOf(streams.last(market('ticker')) ?? {}), day));
    await until('all tickers', () => same(dayOf(mine('!ticker@arr') ?? {}), day));
    const { E, C, O, e } = streams.last(market('ticker'));
    assert.ok(e === '24hrTicker' && C === E && O === C - 86400000);

    const mini = without(await exchange.get(`/api/v3/ticker/24hr?symbol=${SYMBOL}&type=MINI`));
    for (const read of [() => streams.last(market('miniTicker')), () => mine('!miniTicker@arr')]) {
        await until('the small ticker', () => {
            const t = read();
            return t?.e === '24hrMiniTicker' && t.c === mini.lastPrice && t.o === mini.openPrice &&
                   t.h === mini.highPrice && t.l === mini.lowPrice && t.v === mini.volume &&
                   t.q === mini.quoteVolume;
        });
    }

    for (const window of windows) {
        for (const read of [() => streams.last(market(`ticker_${window}`)),
                            () => mine(`!ticker_${window}@arr`)]) {
            // The window moves on with the minute, there and here.
            await until(`the ticker of ${window}`, async () => {
                const t = read();
                const rest = await exchange.get(`/api/v3/ticker?symbol=${SYMBOL}&windowSize=${window}`);
                return t?.e === `${window}Ticker` && t.O === rest.openTime && t.C === t.E &&
                       same(windowOf(t), without(rest));
            }, 90, 200);
        }
    }

    await until('the average price', async () => {
        const average = await exchange.get(`/api/v3/avgPrice?symbol=${SYMBOL}`);
        const a = streams.last(market('avgPrice'));
        return a?.e === 'avgPrice' && a.i === `${average.mins}m` && a.w === average.price &&
               a.T === average.closeTime;
    });
    await streams.close();
    await cancelAll(ann);
});

test('in microseconds the same events come, each time a thousand times finer', async () => {
    const names = ['trade', 'aggTrade', 'kline_1m', 'ticker', 'depth@100ms'].map(market);
    const coarse = await combined(names), fine = await combined(names, '&timeUnit=MICROSECOND');
    await trade('50200', '0.01');
    for (const name of names) {
        await until(`${name} in both`, () => coarse.last(name) && fine.last(name));
        const [ms, us] = [coarse.of(name)[0], fine.of(name)[0]];
        assert.deepEqual(Object.keys(us), Object.keys(ms), name);
        assert.ok(us.E > 1e15 && ms.E < 1e13, name);
    }
    const [ms, us] = [coarse.last(names[0]), fine.last(names[0])];
    assert.deepEqual({ ...us, E: Math.floor(us.E / 1000), T: Math.floor(us.T / 1000) }, ms);
    assert.equal(fine.last(market('kline_1m')).k.T % 1000000, 999999);
    await Promise.all([coarse.close(), fine.close()]);
    await assert.rejects(combined(names, '&timeUnit=SECOND'), /400/);
});

test('streams come and go by control messages, wrapped or not', async () => {
    const streams = await Streams.open(`${exchange.ws}/ws/${market('trade')}`);
    assert.deepEqual(await streams.ask('SUBSCRIBE', [market('ticker_1h'), '0', 'xyz@trade'], 1),
                     { result: null, id: 1 });
    assert.deepEqual(await streams.ask('LIST_SUBSCRIPTIONS', undefined, 'list'),
                     { result: [market('trade'), market('ticker_1h'), '0', 'xyz@trade'], id: 'list' });
    assert.deepEqual(await streams.ask('GET_PROPERTY', ['combined'], 2), { result: false, id: 2 });
    await trade('50300', '0.01');
    await until('a plain trade', () => streams.events.some(({ stream, data }) =>
        stream === undefined && data.e === 'trade' && data.p === '50300.00000000'));
    assert.deepEqual(await streams.ask('SET_PROPERTY', ['combined', true], 3), { result: null, id: 3 });
    assert.deepEqual(await streams.ask('UNSUBSCRIBE', [market('ticker_1h'), '0'], 4),
                     { result: null, id: 4 });
    await trade('50301', '0.01');
    await until('a wrapped trade', () => streams.last(market('trade'))?.p === '50301.00000000');
    await streams.close();
});

test('a control message that is none is answered with its code, and changes nothing', async () => {
    const streams = await Streams.open(`${exchange.ws}/ws/${market('trade')}`);
    const refusals = [['SUBSCRIBE', [5], 2], ['NOTHING', [], 2], ['SET_PROPERTY', ['combined', 1], 1],
                      ['GET_PROPERTY', ['colour'], 0]];
    for (const [method, params, code] of refusals) {
        const answer = await streams.ask(method, params, `no-${method}`);
        assert.equal(answer.code, code);
        assert.ok(answer.msg.length > 0);
    }
    assert.deepEqual(await streams.ask('LIST_SUBSCRIPTIONS', [], 1), { result: [market('trade')], id: 1 });
    await streams.close();
});

test('on our own path a stream that is not there is an error', async () => {
    const streams = await Streams.open(`${exchange.ws}/quorex/v1/stream?streams=${market('trade')}`);
    const answer = await streams.ask('SUBSCRIBE', [market('depth'), market('dept')], 7);
    assert.deepEqual(answer, { code: 2, msg: `Invalid request: unknown stream ${market('dept')}`, id: 7 });
    assert.deepEqual(await streams.ask('LIST_SUBSCRIPTIONS', [], 8), { result: [market('trade')], id: 8 });
    await trade('50400', '0.01');
    await until('the trade, wrapped', () => streams.last(market('trade'))?.p === '50400.00000000');
    await streams.close();
    const refused = new WebSocket(`${exchange.ws}/quorex/v1/stream?streams=nothing@there`);
    await assert.rejects(new Promise((resolve, reject) => {
        refused.on('open', resolve);
        refused.on('error', reject);
    }), /400/);
});

// As docs/api-quorex.md says it: the text of a client's own best 20 levels a side.
const checksum = ({ bids, asks }) => crc32([...bids.slice(0, 20), ...asks.slice(0, 20)].flat().join(':'));

test('our own book stream needs no REST: a snapshot, changes without a gap, a checksum in each', async () => {
    const name = market('book');
    const streams = await Streams.open(`${exchange.ws}/quorex/v1/stream?streams=${name}`);
    let book = null, updates = 0;
    streams.listeners.push(({ data }) => {
        const { e, u } = data;
        if (e === 'bookUpdate') {
            book.take(data);
            updates++;
        } else {
            assert.equal(e, book === null ? 'bookSnapshot' : 'bookResync');
            book = new Book(name);
            book.begin({ lastUpdateId: u, bids: data.bids, asks: data.asks });
        }
        assert.equal(book.lastUpdateId, u);
        assert.equal(data.checksum, checksum(book.levels()));
    });
    for (let round = 0; round < 12; round++) {
        await burst(12);
        const rest = await snapshot();
        await until('the book to be there', () => book?.lastUpdateId >= rest.lastUpdateId);
        assert.deepEqual(book.levels(), rest);
    }
    assert.ok(updates >= 10);
    const before = book.levels();
    await streams.ask('UNSUBSCRIBE', [name], 1);
    book = null;
    await streams.ask('SUBSCRIBE', [name], 2);
    await until('the second snapshot', () => book !== null);
    assert.deepEqual(book.levels(), before);
    await streams.close();
    await Promise.all([cancelAll(ann), cancelAll(bob)]);
});
