// Balances and open orders kept from user data alone, through orders of every kind and connections that go without a word,
// are what GET /api/v3/account and GET /api/v3/openOrders say whenever it is quiet. And one command with thousands of
// trades of one account is told whole, to who reads and to who stops reading for a while.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { signedRequest } from './clients.mjs';
import { Exchange, quorex, units, until } from './exchange.mjs';
import { metric, purse } from './trading.mjs';
import { isBefore, Watcher } from './watcher.mjs';

const run = promisify(execFile);
const SYMBOLS = ['BTCUSDT', 'ETHUSDT'], MIDDLE = { BTCUSDT: 50000, ETHUSDT: 2500 };
const OPEN = ['NEW', 'PARTIALLY_FILLED', 'PENDING_NEW'];
const OPERATIONS = 2400, QUIET_EVERY = 300;

let exchange, accounts;

// Nobody else trades: the flow's accounts are two more.
before(async () => {
    exchange = await Exchange.start(18470);
    accounts = [...exchange.accounts, ...JSON.parse(readFileSync(join(exchange.dir, 'flow-accounts.json')))];
});

after(() => exchange?.stop());

// ---- what an account is, as far as it has been told

const ofReport = (report) => ({
    symbol: report.s, orderId: report.i, clientOrderId: report.c, orderListId: report.g, side: report.S, type: report.o,
    timeInForce: report.f, status: report.X, price: report.p, origQty: report.q, executedQty: report.z,
    cummulativeQuoteQty: report.Z, origQuoteOrderQty: report.Q, stopPrice: report.P, icebergQty: report.F, time: report.O,
    isWorking: report.w, selfTradePreventionMode: report.V, trailingDelta: report.d, workingTime: report.W ?? -1,
});

const NAMES = Object.keys(ofReport({}));

class Mirror {
    static async open(account) {
        const mirror = new Mirror();
        Object.assign(mirror, { account, orders: new Map(), last: null, told: 0, resumed: 0 });
        mirror.watcher = await Watcher.open(exchange.ws, account);
        mirror.balances = await purse(exchange, account);
        return mirror;
    }

    // Takes what has come since it was asked last.
    catchUp() {
        for (const event of this.watcher.events.splice(0)) {
            if (this.last !== null) assert.ok(isBefore(this.last, event.sequence), 'nothing twice, nothing late');
            this.last = event.sequence;
            this.told++;
            if (event.e === 'outboundAccountPosition')
                for (const { a, f, l } of event.B) this.balances[a] = { free: units(f), locked: units(l) };
            if (event.e === 'executionReport') this.takeReport(event);
        }
    }

    takeReport(report) {
        const before = this.orders.get(report.s + report.i);
        if (report.x === 'TRADE')
            assert.equal(units(report.z), units(before.executedQty) + units(report.l), 'each trade adds to what was traded');
        if (OPEN.includes(report.X)) this.orders.set(report.s + report.i, ofReport(report));
        else this.orders.delete(report.s + report.i);
    }

    // Goes without a word, and comes back to what was missed.
    async leave() {
        this.watcher.socket.terminate();
        await this.watcher.ends;
        this.catchUp();
    }

    async comeBack() {
        this.watcher = await Watcher.open(exchange.ws, this.account, 'HMAC', this.last ?? this.watcher.sequence);
        assert.equal(this.watcher.refusal, undefined);
        this.resumed++;
    }

    // Nothing is on its way: what it was told is what there is.
    async check() {
        const balances = await purse(exchange, this.account), open = [];
        for (const symbol of SYMBOLS) {
            const { status, body } = await signedRequest(exchange, this.account, 'GET', '/api/v3/openOrders', { symbol });
            assert.equal(status, 200);
            for (const order of body) open.push(Object.fromEntries(NAMES.map((name) => [name, order[name]])));
        }
        const sorted = (orders) => [...orders].sort((a, b) => (a.symbol + a.orderId < b.symbol + b.orderId ? -1 : 1));
        await until('what was told to be what there is', () => {
            this.catchUp();
            assert.deepEqual(this.balances, balances);
            assert.deepEqual(sorted(this.orders.values()), sorted(open));
            return true;
        });
        return open.length;
    }
}

// ---- what traders do, by a seeded draw

class Dice {
    constructor(seed) {
        this.seed = seed;
    }

    below(limit) {
        this.seed = (this.seed * 1103515245 + 12345) % 2147483648;
        return Math.floor((this.seed / 2147483648) * limit);
    }

    of(choices) {
        return choices[this.below(choices.length)];
    }
}

const price = (symbol, ticks) => (MIDDLE[symbol] + ticks / 10).toFixed(2);
const quantity = (dice) => (0.002 + dice.below(20) / 1000).toFixed(3);
const order = (symbol, side, more) => ['POST', '/api/v3/order', { symbol, side, ...more }];
const near = (dice, symbol) => price(symbol, dice.below(41) - 20);
const far = (symbol, side, ticks) => price(symbol, side === 'BUY' ? -ticks : ticks);

// Each returns [method, path, parameters]; an order that is named is one of the account's open ones, or nobody's.
const KINDS = {
    limit: (dice, symbol, side) => order(symbol, side, { type: 'LIMIT', timeInForce: 'GTC', quantity: quantity(dice), price: near(dice, symbol) }),
    ioc: (dice, symbol, side) => order(symbol, side, { type: 'LIMIT', timeInForce: 'IOC', quantity: quantity(dice), price: near(dice, symbol) }),
    fok: (dice, symbol, side) => order(symbol, side, { type: 'LIMIT', timeInForce: 'FOK', quantity: quantity(dice), price: near(dice, symbol) }),
    maker: (dice, symbol, side) => order(symbol, side, { type: 'LIMIT_MAKER', quantity: quantity(dice), price: far(symbol, side, 5 + dice.below(30)) }),
    market: (dice, symbol, side) => order(symbol, side, { type: 'MARKET', quantity: quantity(dice) }),
    quote: (dice, symbol, side) => order(symbol, side, { type: 'MARKET', quoteOrderQty: String(20 + dice.below(300)) }),
    iceberg: (dice, symbol, side) => order(symbol, side, { type: 'LIMIT', timeInForce: 'GTC', quantity: '0.030', icebergQty: '0.004', price: near(dice, symbol) }),
    self: (dice, symbol, side) => order(symbol, side, { type: 'LIMIT', timeInForce: 'GTC', quantity: quantity(dice), price: near(dice, symbol),
        selfTradePreventionMode: dice.of(['EXPIRE_MAKER', 'EXPIRE_TAKER', 'EXPIRE_BOTH', 'DECREMENT']) }),
    stop: (dice, symbol, side) => order(symbol, side, { type: 'STOP_LOSS_LIMIT', timeInForce: 'GTC', quantity: quantity(dice),
        stopPrice: far(symbol, side === 'BUY' ? 'SELL' : 'BUY', 8 + dice.below(10)), price: near(dice, symbol) }),
    profit: (dice, symbol, side) => order(symbol, side, { type: 'TAKE_PROFIT', quantity: quantity(dice),
        stopPrice: far(symbol, side, 8 + dice.below(10)) }),
    trailing: (dice, symbol, side) => order(symbol, side, { type: 'STOP_LOSS', quantity: quantity(dice), trailingDelta: 10 + dice.below(20) }),
    oco: (dice, symbol) => ['POST', '/api/v3/orderList/oco', { symbol, side: 'SELL', quantity: quantity(dice), aboveType: 'LIMIT_MAKER',
        abovePrice: price(symbol, 15 + dice.below(10)), belowType: 'STOP_LOSS_LIMIT', belowStopPrice: price(symbol, -12 - dice.below(8)),
        belowPrice: price(symbol, -25), belowTimeInForce: 'GTC' }],
    oto: (dice, symbol, side) => ['POST', '/api/v3/orderList/oto', { symbol, workingType: 'LIMIT', workingSide: side, workingTimeInForce: 'GTC',
        workingPrice: near(dice, symbol), workingQuantity: quantity(dice), pendingType: 'LIMIT', pendingSide: side === 'BUY' ? 'SELL' : 'BUY',
        pendingTimeInForce: 'GTC', pendingPrice: near(dice, symbol), pendingQuantity: quantity(dice) }],
    otoco: (dice, symbol) => ['POST', '/api/v3/orderList/otoco', { symbol, workingType: 'LIMIT', workingSide: 'BUY', workingTimeInForce: 'GTC',
        workingPrice: near(dice, symbol), workingQuantity: quantity(dice), pendingSide: 'SELL', pendingQuantity: quantity(dice),
        pendingAboveType: 'LIMIT_MAKER', pendingAbovePrice: price(symbol, 20), pendingBelowType: 'STOP_LOSS', pendingBelowStopPrice: price(symbol, -20) }],
    cancel: (dice, symbol, side, named) => ['DELETE', '/api/v3/order', { symbol, orderId: named }],
    amend: (dice, symbol, side, named) => ['PUT', '/api/v3/order/amend/keepPriority', { symbol, orderId: named, newQty: '0.001',
        newClientOrderId: `amended-${dice.below(1e9)}` }],
    replace: (dice, symbol, side, named) => ['POST', '/api/v3/order/cancelReplace', { symbol, side, type: 'LIMIT', timeInForce: 'GTC',
        cancelReplaceMode: dice.of(['STOP_ON_FAILURE', 'ALLOW_FAILURE']), cancelOrderId: named, quantity: dice.of(['0.004', '8000']),
        price: near(dice, symbol) }],
    cancelAll: (dice, symbol) => ['DELETE', '/api/v3/openOrders', { symbol }],
};

// Resting ones come more often than those that clear the book.
const DRAWN = Object.keys(KINDS).flatMap((kind) => Array({ limit: 8, maker: 3, cancelAll: 1 }[kind] ?? 2).fill(kind));

test('balances and orders kept from user data are those of REST, through orders of every kind and reconnects', async () => {
    const dice = new Dice(20261122), mirrors = [], done = {};
    for (const account of accounts) mirrors.push(await Mirror.open(account));
    let away = [], openSeen = 0;
    for (let at = 1; at <= OPERATIONS; at++) {
        const mirror = dice.of(mirrors), symbol = dice.of(SYMBOLS), side = dice.of(['BUY', 'SELL']), kind = dice.of(DRAWN);
        mirror.catchUp();
        const open = [...mirror.orders.values()].filter((one) => one.symbol === symbol);
        const named = open.length > 0 ? dice.of(open).orderId : 1;
        const { status, body } = await signedRequest(exchange, mirror.account, ...KINDS[kind](dice, symbol, side, named));
        assert.ok(status === 200 || (status >= 400 && status < 500), `${kind}: ${status} ${JSON.stringify(body)}`);
        if (status === 200) done[kind] = (done[kind] ?? 0) + 1;
        if (dice.below(40) === 0 && !away.includes(mirror)) {
            await mirror.leave();
            away.push(mirror);
        }
        if (at % QUIET_EVERY !== 0 && dice.below(15) > 0) continue;
        for (const gone of away) await gone.comeBack();
        away = [];
        if (at % QUIET_EVERY === 0) for (const one of mirrors) openSeen += await one.check();
    }
    for (const kind of Object.keys(KINDS)) assert.ok(done[kind] > 0, `${kind} has been done`);
    assert.ok(openSeen > 50, `${openSeen} open orders were compared`);
    for (const { resumed, told } of mirrors) assert.ok(resumed > 3 && told > 300, `${resumed} resumes, ${told} events`);
    for (const { watcher } of mirrors) await watcher.close();
});

// ---- one command of thousands of trades

const BULK = 5000, LOT = '0.00020';

async function admin(...words) {
    const { stdout } = await run(quorex, ['admin', '--url', exchange.http, '--operator-key',
                                          join(exchange.dir, 'operator.key'), ...words]);
    return JSON.parse(stdout);
}

async function batch(account, lines) {
    const query = `timestamp=${Date.now()}`, body = lines.map((line) => new URLSearchParams(line).toString() + '\n').join('');
    const signature = createHmac('sha256', account.secretKey).update(query + body).digest('hex');
    const response = await fetch(`${exchange.http}/quorex/v1/orders?${query}&signature=${signature}`, {
        method: 'POST', headers: { 'X-MBX-APIKEY': account.apiKey, 'Content-Type': 'text/plain' }, body });
    const answers = await response.json();
    for (const answer of answers) assert.equal(answer.status, 200, JSON.stringify(answer));
}

test('an order that takes 5,000 of one account is told whole, to who reads and to who stops reading', async () => {
    const [ann, bob] = exchange.accounts;
    await admin('create-market', 'symbol=BULKUSDT', 'base=BTC', 'quote=USDT', 'tick=0.01', 'lot=0.00001', 'minPrice=0.01',
                'maxPrice=1000000', 'minQty=0.00001', 'maxQty=9000', 'minNotional=1', 'maxOrders=10000');
    await until('the market', async () => (await exchange.get('/api/v3/exchangeInfo?symbol=BULKUSDT')).symbols?.length === 1);
    for (let at = 0; at < BULK; at += 100)
        await batch(ann, Array.from({ length: 100 }, (_, one) => ({
            symbol: 'BULKUSDT', side: 'SELL', type: 'LIMIT', timeInForce: 'GTC', quantity: LOT, price: (40000 + (at + one) % 50).toFixed(2) })));
    const [fast, stalled, his] = [await Watcher.open(exchange.ws, ann), await Watcher.open(exchange.ws, ann), await Watcher.open(exchange.ws, bob)];
    stalled.socket.pause();
    const { status, body } = await signedRequest(exchange, bob, 'POST', '/api/v3/order', {
        symbol: 'BULKUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '1.0', price: '40100', newOrderRespType: 'RESULT' });
    assert.deepEqual([status, body.status], [200, 'FILLED'], JSON.stringify(body));
    const trades = (watcher) => watcher.reports().filter(({ x }) => x === 'TRADE');
    await until('all trades to be told to both', () => trades(fast).length === BULK && trades(his).length === BULK, 30);
    await until('the balance behind them', () => fast.events.at(-1).e === 'outboundAccountPosition');
    assert.ok(trades(stalled).length < BULK, 'who does not read is not told');
    stalled.socket.resume();
    await until('the rest to be told to who had stopped reading', () => stalled.events.length === fast.events.length, 30);
    assert.deepEqual(stalled.events, fast.events);
    assert.equal(new Set(trades(fast).map(({ t }) => t)).size, BULK);
    assert.equal(trades(fast).filter(({ X }) => X === 'FILLED').length, BULK);
    const again = await Watcher.open(exchange.ws, ann, 'HMAC', fast.sequence);
    assert.equal(again.refusal, undefined);
    await until('the same again', () => again.events.length === fast.events.length, 30);
    assert.deepEqual(again.events, fast.events);
    assert.equal(await metric(exchange.http, 'ws_slow_closed_total'), 0);
    for (const watcher of [fast, stalled, his, again]) await watcher.close();
});

test('every block is certified and verifies', async () => {
    await exchange.certified();
    assert.match(await exchange.verify(), /^right: .* all certified/);
});
