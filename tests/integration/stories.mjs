// What must come of every order there is, whichever client asks. Each client's file says how that client is asked
// (`asks`: parameters and answers are Binance's own) and is told the stories of what it can ask. Ann has an HMAC
// key, Bob signs with Ed25519. Each story begins and ends with an empty book and nothing held.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { Exchange, units, until } from './exchange.mjs';
import { assertChanged, cost, fee, purse } from './trading.mjs';

export const SYMBOL = 'BTCUSDT';

// An exchange on `port` with two traders. connect(exchange, account, 'HMAC' | 'Ed25519') makes a client, asks(client)
// the functions that the stories call, refusal(error) reads {code, msg, data} from what the client throws, and
// close(client) ends it, where it has to be ended.
export function worldOf(port, how) {
    const first = { ways: [] };
    const world = alsoBy(first, how);
    world.ways = first.ways;
    before(async () => {
        const exchange = await Exchange.start(port);
        for (const way of world.ways) await seat(way, exchange);
    });
    after(async () => {
        for (const { ann, bob, close } of world.ways) {
            for (const trader of [ann, bob]) if (trader) await close?.(trader.client);
        }
        await world.exchange?.stop();
    });
    return world;
}

// The same exchange and traders, asked in another way.
export function alsoBy({ ways }, how) {
    const way = { ...how, able: new Set(Object.keys(how.asks(null))) };
    ways.push(way);
    return way;
}

async function seat(way, exchange) {
    const [ann, bob] = exchange.accounts;
    way.exchange = exchange;
    way.ann = await traderOf(way, ann, 'HMAC');
    way.bob = await traderOf(way, bob, 'Ed25519');
}

async function traderOf({ exchange, connect, asks }, account, kind) {
    const client = await connect(exchange, account, kind);
    return { ...asks(client), client, account, purse: () => purse(exchange, account) };
}

export async function refused({ refusal }, promise, code, message) {
    let answer;
    await assert.rejects(promise, (error) => {
        answer = refusal(error);
        return true;
    });
    assert.equal(answer.code, code, JSON.stringify(answer));
    assert.match(answer.msg, message);
    return answer;
}

export const limit = (side, quantity, price, more = {}) =>
    ({ symbol: SYMBOL, side, type: 'LIMIT', timeInForce: 'GTC', quantity, price, ...more });
export const bookOf = ({ exchange }) => exchange.get(`/api/v3/depth?symbol=${SYMBOL}`);

// One trade at this price, when nothing better is in the book.
export async function trade({ ann, bob }, price, quantity = '0.001') {
    await ann.place(limit('SELL', quantity, price));
    const taken = await bob.place(limit('BUY', quantity, price, { timeInForce: 'IOC' }));
    assert.equal(taken.status, 'FILLED');
    return taken;
}

async function clear({ exchange, ann, bob }) {
    for (const { account } of [ann, bob]) {
        for (const symbol of ['BTCUSDT', 'ETHUSDT', 'ETHBTC']) {
            const { status, body } = await signedRequest(exchange, account, 'DELETE',
                                                         '/api/v3/openOrders', { symbol });
            assert.ok(status === 200 || body.code === -2011, JSON.stringify(body));
        }
        for (const [asset, { locked }] of Object.entries(await purse(exchange, account))) {
            assert.equal(locked, 0n, `${asset} is held, and no order is open`);
        }
    }
}

async function resting(world) {
    const { ann } = world;
    const before = await ann.purse(), name = world.name ?? 'x-rest.1:a/b_c';
    const placed = await ann.place(limit('BUY', '0.5', '40000.01', { newClientOrderId: name }));
    assert.equal(placed.status, 'NEW');
    assert.equal(placed.price, '40000.01000000');
    assert.equal(placed.origQty, '0.50000000');
    assert.equal(placed.executedQty, '0.00000000');
    assert.equal(placed.clientOrderId, name);
    assert.equal(placed.orderListId, -1);
    assert.deepEqual(placed.fills, []);
    const held = units('20000.005');
    assertChanged(before, await ann.purse(), { USDT: { free: -held, locked: held } });
    assert.deepEqual((await bookOf(world)).bids, [['40000.01000000', '0.50000000']]);

    const { orderId } = placed;
    for (const by of [{ orderId }, { origClientOrderId: name }]) {
        const found = await ann.find({ symbol: SYMBOL, ...by });
        assert.equal(found.orderId, orderId);
        assert.equal(found.isWorking, true);
        assert.equal(found.time, placed.transactTime);
        assert.deepEqual([found.type, found.side, found.timeInForce], ['LIMIT', 'BUY', 'GTC']);
    }
    assert.deepEqual((await ann.open({ symbol: SYMBOL })).map((order) => order.orderId), [orderId]);
    assert.deepEqual((await ann.open({})).map((order) => order.orderId), [orderId]);

    const canceled = await ann.cancel({ symbol: SYMBOL, origClientOrderId: name });
    assert.equal(canceled.status, 'CANCELED');
    assert.equal(canceled.orderId, orderId);
    assert.equal(canceled.origClientOrderId, name);
    assert.notEqual(canceled.clientOrderId, name);
    assertChanged(before, await ann.purse(), {});
    assert.deepEqual(await ann.open({ symbol: SYMBOL }), []);
    assert.equal((await ann.find({ symbol: SYMBOL, orderId })).status, 'CANCELED');
    await refused(world, ann.cancel({ symbol: SYMBOL, orderId }), -2011, /^Unknown order sent\.$/);
    await refused(world, ann.find({ symbol: SYMBOL, orderId: 999999999 }), -2013,
                  /^Order does not exist\.$/);
}

async function matched(world) {
    const { exchange, ann, bob } = world;
    for (const [maker, taker] of [[ann, bob], [bob, ann]]) {
        const makerBefore = await maker.purse(), takerBefore = await taker.purse();
        const rests = await maker.place(limit('SELL', '0.12345', '50000.01'));
        const takes = await taker.place(limit('BUY', '0.12345', '50100'));
        const base = units('0.12345'), quote = cost(base, '50000.01');
        assert.equal(takes.status, 'FILLED');
        assert.equal(units(takes.executedQty), base);
        assert.equal(units(takes.cummulativeQuoteQty), quote);
        const [fill, ...others] = takes.fills;
        assert.deepEqual(others, []);
        assert.equal(fill.price, '50000.01000000');
        assert.equal(units(fill.commission), fee(base));
        assert.equal(fill.commissionAsset, 'BTC');

        assertChanged(makerBefore, await maker.purse(),
                      { BTC: { free: -base }, USDT: { free: quote - fee(quote) } });
        assertChanged(takerBefore, await taker.purse(),
                      { BTC: { free: base - fee(base) }, USDT: { free: -quote } });
        assert.equal((await maker.find({ symbol: SYMBOL, orderId: rests.orderId })).status, 'FILLED');

        const [made] = await maker.fills({ symbol: SYMBOL, orderId: rests.orderId });
        const [took] = await taker.fills({ symbol: SYMBOL, orderId: takes.orderId });
        assert.equal(made.id, fill.tradeId);
        assert.equal(took.id, fill.tradeId);
        // The other's order is none of his, though he has met it.
        assert.deepEqual(await taker.fills({ symbol: SYMBOL, orderId: rests.orderId }), []);
        assert.deepEqual(await maker.fills({ symbol: SYMBOL, orderId: takes.orderId }), []);
        assert.deepEqual([made.isMaker, made.isBuyer, made.commissionAsset], [true, false, 'USDT']);
        assert.deepEqual([took.isMaker, took.isBuyer, took.commissionAsset], [false, true, 'BTC']);
        assert.equal(units(made.commission), fee(quote));
        assert.equal(units(took.quoteQty), quote);
        const [seen] = await exchange.get(`/api/v3/trades?symbol=${SYMBOL}&limit=1`);
        assert.equal(seen.id, fill.tradeId);
        assert.equal(seen.isBuyerMaker, false);
    }
}

async function atMarket(world) {
    const { ann, bob } = world;
    const before = await bob.purse();
    for (const price of ['50000', '50010']) await ann.place(limit('SELL', '1', price));
    const market = { symbol: SYMBOL, side: 'BUY', type: 'MARKET', newOrderRespType: 'FULL' };
    const byBase = await bob.place({ ...market, quantity: '1.5' });
    assert.equal(byBase.status, 'FILLED');
    assert.equal(byBase.cummulativeQuoteQty, '75005.00000000');
    assert.deepEqual(byBase.fills.map(({ price, qty }) => [price, qty]),
                     [['50000.00000000', '1.00000000'], ['50010.00000000', '0.50000000']]);
    const byQuote = await bob.place({ ...market, quoteOrderQty: '10002' });
    assert.equal(byQuote.status, 'FILLED');
    assert.equal(byQuote.executedQty, '0.20000000');
    assert.equal(byQuote.origQuoteOrderQty, '10002.00000000');
    const tooMuch = await bob.place({ ...market, quantity: '1' });
    assert.equal(tooMuch.status, 'EXPIRED');
    assert.equal(tooMuch.executedQty, '0.30000000');
    const received = [1, 0.5, 0.2, 0.3].map((quantity) => units(quantity));
    const net = received.reduce((sum, base) => sum + base - fee(base), 0n);
    assertChanged(before, await bob.purse(), { BTC: { free: net },
                                               USDT: { free: -units('100010') } });

    await bob.place(limit('BUY', '1', '49000'));
    const sold = await ann.place({ ...market, side: 'SELL', quoteOrderQty: '4900' });
    assert.equal(sold.executedQty, '0.10000000');
    assert.equal(sold.fills[0].commissionAsset, 'USDT');
    assert.equal(units(sold.fills[0].commission), fee(units('4900')));
}

async function inForce(world) {
    const { ann, bob } = world;
    const maker = await ann.place(limit('SELL', '1', '50000'));
    const ioc = await bob.place(limit('BUY', '3', '50000', { timeInForce: 'IOC' }));
    assert.equal(ioc.status, 'EXPIRED');
    assert.equal(ioc.executedQty, '1.00000000');
    assert.equal((await ann.find({ symbol: SYMBOL, orderId: maker.orderId })).status, 'FILLED');

    const kept = await ann.place(limit('SELL', '1', '50000'));
    const fok = await bob.place(limit('BUY', '3', '50000', { timeInForce: 'FOK' }));
    assert.equal(fok.status, 'EXPIRED');
    assert.equal(fok.executedQty, '0.00000000');
    assert.deepEqual(fok.fills, []);
    assert.equal((await ann.find({ symbol: SYMBOL, orderId: kept.orderId })).status, 'NEW');

    const post = { symbol: SYMBOL, side: 'BUY', type: 'LIMIT_MAKER', quantity: '1',
                   newOrderRespType: 'RESULT' };
    await refused(world, bob.place({ ...post, price: '50000' }), -2010,
                  /^Order would immediately match and take\.$/);
    assert.equal((await bob.place({ ...post, price: '49999.99' })).status, 'NEW');
}

async function answers(world) {
    const { ann } = world;
    await trade(world, '50000');
    const short = ['clientOrderId', 'orderId', 'orderListId', 'symbol', 'transactTime'];
    const ack = await ann.place(limit('BUY', '0.001', '40000', { newOrderRespType: 'ACK' }));
    assert.deepEqual(Object.keys(ack).sort(), short);
    const result = await ann.place(limit('BUY', '0.001', '40000', { newOrderRespType: 'RESULT' }));
    assert.equal(result.fills, undefined);
    assert.equal(result.selfTradePreventionMode, 'NONE');
    assert.equal(result.workingTime, result.transactTime);
    const full = await ann.place(limit('BUY', '0.001', '40000', { newOrderRespType: 'FULL' }));
    assert.deepEqual(full.fills, []);
    const stop = { symbol: SYMBOL, side: 'SELL', type: 'STOP_LOSS', quantity: '0.001' };
    const sleeping = await ann.place({ ...stop, stopPrice: '40000' });
    assert.deepEqual(Object.keys(sleeping).sort(), short);
}

// JavaScript's numbers, as users pass them.
async function numbers(world) {
    const { ann } = world;
    const placed = await ann.place(limit('BUY', 0.00012, 45000.5));
    assert.equal(placed.origQty, '0.00012000');
    assert.equal(placed.price, '45000.50000000');
    const canceled = await ann.cancel({ symbol: SYMBOL, orderId: placed.orderId });
    assert.equal(canceled.status, 'CANCELED');
}

async function conditional(world) {
    const { ann, bob } = world;
    await trade(world, '50000');
    const before = await ann.purse();
    const sell = { symbol: SYMBOL, side: 'SELL', quantity: '0.01', newOrderRespType: 'RESULT' };
    const priced = { timeInForce: 'GTC' };
    await refused(world, ann.place({ ...sell, type: 'STOP_LOSS', stopPrice: '50000' }), -2010,
                  /^Stop price would trigger immediately\.$/);
    const stop = await ann.place({ ...sell, type: 'STOP_LOSS', stopPrice: '49000' });
    const stopLimit = await ann.place({ ...sell, ...priced, type: 'STOP_LOSS_LIMIT',
                                        stopPrice: '48500', price: '48400' });
    const profit = await ann.place({ ...sell, type: 'TAKE_PROFIT', stopPrice: '52000' });
    const profitLimit = await ann.place({ ...sell, ...priced, type: 'TAKE_PROFIT_LIMIT',
                                          stopPrice: '53000', price: '52900' });
    const trailing = await ann.place({ ...sell, type: 'STOP_LOSS', trailingDelta: 1000 });
    for (const order of [stop, stopLimit, profit, profitLimit, trailing]) {
        assert.equal(order.status, 'NEW');
        assert.equal(order.workingTime, -1);
        const found = await ann.find({ symbol: SYMBOL, orderId: order.orderId });
        assert.equal(found.isWorking, false);
        assert.equal(found.type, order.type);
    }
    assert.equal(stop.stopPrice, '49000.00000000');
    assert.equal(trailing.trailingDelta, 1000);
    const held = units('0.05');
    assertChanged(before, await ann.purse(), { BTC: { free: -held, locked: held } });

    const status = async ({ orderId }) => (await ann.find({ symbol: SYMBOL, orderId })).status;
    await bob.place(limit('BUY', '0.05', '48900'));
    await ann.place(limit('SELL', '0.005', '48900'));
    const fired = await ann.find({ symbol: SYMBOL, orderId: stop.orderId });
    assert.equal(fired.status, 'FILLED');
    assert.equal(fired.cummulativeQuoteQty, '489.00000000');
    assert.equal(await status(profit), 'NEW');
    await trade(world, '52000');
    assert.equal(await status(profit), 'FILLED');
    assert.equal(await status(stopLimit), 'NEW');
    await bob.cancelAll({ symbol: SYMBOL });
    await trade(world, '48500');
    assert.equal((await ann.find({ symbol: SYMBOL, orderId: stopLimit.orderId })).isWorking, true);
    assert.deepEqual((await bookOf(world)).asks, [['48400.00000000', '0.01000000']]);
    const gone = await ann.cancelAll({ symbol: SYMBOL });
    assert.deepEqual(gone.map(({ orderId }) => orderId).sort((a, b) => a - b),
                     [stopLimit, profitLimit, trailing].map(({ orderId }) => orderId));
    assert.ok(gone.every((order) => order.status === 'CANCELED'));
    await refused(world, ann.cancelAll({ symbol: SYMBOL }), -2011, /^Unknown order sent\.$/);
}

async function iceberg(world) {
    const { ann, bob } = world;
    const order = await ann.place(limit('SELL', '0.1', '51000', { icebergQty: '0.02' }));
    assert.equal(order.icebergQty, '0.02000000');
    assert.deepEqual((await bookOf(world)).asks, [['51000.00000000', '0.02000000']]);
    await bob.place(limit('BUY', '0.03', '51000', { timeInForce: 'IOC' }));
    assert.deepEqual((await bookOf(world)).asks, [['51000.00000000', '0.01000000']]);
    const { executedQty } = await ann.find({ symbol: SYMBOL, orderId: order.orderId });
    assert.equal(executedQty, '0.03000000');
}

async function withItself(world) {
    const { ann } = world;
    const before = await ann.purse();
    const maker = await ann.place(limit('SELL', '0.03', '52000'));
    const taker = await ann.place(limit('BUY', '0.01', '52000',
                                        { selfTradePreventionMode: 'EXPIRE_TAKER' }));
    assert.equal(taker.status, 'EXPIRED_IN_MATCH');
    assert.equal(taker.preventedQuantity, '0.01000000');
    const less = await ann.place(limit('BUY', '0.01', '52000',
                                       { selfTradePreventionMode: 'DECREMENT' }));
    assert.equal(less.status, 'EXPIRED_IN_MATCH');
    const left = await ann.find({ symbol: SYMBOL, orderId: maker.orderId });
    assert.equal(left.status, 'NEW');
    assert.equal(left.preventedQuantity, '0.01000000');
    const ioc = await ann.place(limit('BUY', '0.01', '52000',
                                      { timeInForce: 'IOC',
                                        selfTradePreventionMode: 'EXPIRE_MAKER' }));
    assert.equal(ioc.status, 'EXPIRED');
    assert.equal((await ann.find({ symbol: SYMBOL, orderId: maker.orderId })).status,
                 'EXPIRED_IN_MATCH');
    assertChanged(before, await ann.purse(), {});
}

async function preventedAgain(world) {
    const { ann } = world;
    const maker = await ann.place(limit('SELL', '0.03', '52000'));
    const taker = await ann.place(limit('BUY', '0.01', '52000',
                                        { selfTradePreventionMode: 'EXPIRE_BOTH' }));
    const [prevented] = await ann.prevented({ symbol: SYMBOL, orderId: taker.orderId });
    assert.equal(prevented.makerOrderId, maker.orderId);
    assert.equal(prevented.takerOrderId, taker.orderId);
    assert.equal(prevented.preventedMatchId, taker.preventedMatchId);
    assert.equal(prevented.selfTradePreventionMode, 'EXPIRE_BOTH');
    assert.equal(prevented.price, '52000.00000000');
}

async function replaced(world) {
    const { ann } = world;
    const order = limit('BUY', '0.01', '30000', { cancelReplaceMode: 'STOP_ON_FAILURE' });
    const old = await ann.place(limit('BUY', '0.01', '29000'));
    const done = await ann.replace({ ...order, cancelOrderId: old.orderId });
    assert.deepEqual([done.cancelResult, done.newOrderResult], ['SUCCESS', 'SUCCESS']);
    assert.equal(done.cancelResponse.orderId, old.orderId);
    assert.equal(done.cancelResponse.status, 'CANCELED');
    assert.equal(done.newOrderResponse.price, '30000.00000000');
    assert.equal(done.newOrderResponse.status, 'NEW');
    const failed = await refused(world, ann.replace({ ...order, cancelOrderId: old.orderId }), -2022,
                                 /^Order cancel-replace failed\.$/);
    const half = await refused(world, ann.replace({ ...order, cancelReplaceMode: 'ALLOW_FAILURE',
                                                    cancelOrderId: old.orderId }), -2021,
                               /^Order cancel-replace partially failed\.$/);
    assert.equal((await ann.open({ symbol: SYMBOL })).length, 2);
    // Not every client hands on what went wrong with which half.
    if (failed.data === undefined) return;
    assert.deepEqual([failed.data.cancelResult, failed.data.newOrderResult],
                     ['FAILURE', 'NOT_ATTEMPTED']);
    assert.equal(failed.data.cancelResponse.code, -2011);
    assert.equal(failed.data.newOrderResponse, null);
    assert.deepEqual([half.data.cancelResult, half.data.newOrderResult], ['FAILURE', 'SUCCESS']);
}

async function amended(world) {
    const { ann, bob } = world;
    const { orderId } = await ann.place(limit('SELL', '0.05', '53000', { newClientOrderId: 'old' }));
    await bob.place(limit('SELL', '0.05', '53000'));
    const { amendedOrder } = await ann.amend({ symbol: SYMBOL, orderId, newQty: '0.03',
                                               newClientOrderId: 'new' });
    assert.equal(amendedOrder.qty, '0.03000000');
    assert.deepEqual([amendedOrder.origClientOrderId, amendedOrder.clientOrderId], ['old', 'new']);
    assert.deepEqual((await bookOf(world)).asks, [['53000.00000000', '0.08000000']]);
    await refused(world, ann.amend({ symbol: SYMBOL, orderId, newQty: '0.04' }), -2038,
                  /quantity increase/);
    await bob.place({ symbol: SYMBOL, side: 'BUY', type: 'MARKET', quantity: '0.02' });
    assert.equal((await ann.find({ symbol: SYMBOL, origClientOrderId: 'new' })).executedQty,
                 '0.02000000');
}

async function oneOrTheOther(world) {
    const { ann, bob } = world;
    await trade(world, '50000');
    const oco = { symbol: SYMBOL, side: 'SELL', quantity: '0.01', aboveType: 'LIMIT_MAKER',
                  abovePrice: '55000', belowType: 'STOP_LOSS_LIMIT', belowStopPrice: '45000',
                  belowPrice: '44900', belowTimeInForce: 'GTC' };
    const before = await ann.purse();
    const placed = await ann.oco({ ...oco, listClientOrderId: 'either' });
    assert.equal(placed.contingencyType, 'OCO');
    assert.equal(placed.listOrderStatus, 'EXECUTING');
    assert.equal(placed.listClientOrderId, 'either');
    assert.equal(placed.orders.length, 2);
    const held = units('0.01'); // once for both
    assertChanged(before, await ann.purse(), { BTC: { free: -held, locked: held } });
    const above = placed.orderReports.find((report) => report.type === 'LIMIT_MAKER');
    const below = placed.orderReports.find((report) => report.type === 'STOP_LOSS_LIMIT');
    const { orderListId } = placed;
    assert.equal((await ann.list({ orderListId })).listOrderStatus, 'EXECUTING');
    assert.equal((await ann.open({ symbol: SYMBOL })).length, 2);

    await bob.place(limit('BUY', '0.01', '55000', { timeInForce: 'IOC' }));
    assert.equal((await ann.find({ symbol: SYMBOL, orderId: above.orderId })).status, 'FILLED');
    assert.equal((await ann.find({ symbol: SYMBOL, orderId: below.orderId })).status, 'EXPIRED');
    assert.equal((await ann.list({ orderListId })).listOrderStatus, 'ALL_DONE');

    await trade(world, '50000');
    const again = await ann.oco(oco);
    const gone = await ann.cancelList({ symbol: SYMBOL, orderListId: again.orderListId });
    assert.equal(gone.listOrderStatus, 'ALL_DONE');
    assert.deepEqual(gone.orderReports.map((report) => report.status), ['CANCELED', 'CANCELED']);
    await refused(world, ann.cancelList({ symbol: SYMBOL, orderListId: again.orderListId }), -2011,
                  /^Unknown order sent\.$/);
    await refused(world, ann.oco({ symbol: SYMBOL, side: 'SELL', quantity: '0.01', aboveType: 'LIMIT_MAKER', abovePrice: '55000',
                                   belowType: 'LIMIT_MAKER', belowPrice: '45000' }), -1168,
                  /^At least one OCO order must be contingent\.$/);
    await refused(world, ann.oco({ ...oco, abovePrice: '44000' }), -2010,
                  /^The relationship of the prices for the orders is not correct\.$/);
}

async function listsAreKept(world) {
    const { ann } = world;
    await trade(world, '50000');
    const { orderListId } = await ann.oco({ symbol: SYMBOL, side: 'BUY', quantity: '0.01',
                                            aboveType: 'STOP_LOSS', aboveStopPrice: '55000',
                                            belowType: 'LIMIT_MAKER', belowPrice: '45000' });
    if (ann.openLists) {
        assert.deepEqual((await ann.openLists()).map((list) => list.orderListId), [orderListId]);
    }
    const lists = await ann.allLists();
    assert.equal(lists.at(-1).orderListId, orderListId);
    assert.equal(lists.at(-1).listOrderStatus, 'EXECUTING');
}

async function oldPair(world) {
    const { ann } = world;
    await trade(world, '50000');
    const placed = await ann.oldOco({ symbol: SYMBOL, side: 'SELL', quantity: '0.01', price: '56000',
                                      stopPrice: '44000', stopLimitPrice: '43000',
                                      stopLimitTimeInForce: 'GTC' });
    assert.equal(placed.contingencyType, 'OCO');
    assert.deepEqual(placed.orderReports.map((report) => report.type).sort(),
                     ['LIMIT_MAKER', 'STOP_LOSS_LIMIT']);
    const canceled = await ann.cancelList({ symbol: SYMBOL, orderListId: placed.orderListId });
    assert.equal(canceled.listOrderStatus, 'ALL_DONE');
}

const working = { symbol: SYMBOL, workingType: 'LIMIT', workingSide: 'BUY',
                  workingTimeInForce: 'GTC', workingQuantity: '0.01', pendingSide: 'SELL',
                  pendingQuantity: '0.01' };

async function oneThenOther(world) {
    const { ann, bob } = world;
    const placed = await bob.oto({ ...working, workingPrice: '47000', pendingType: 'LIMIT_MAKER',
                                   pendingPrice: '58000' });
    assert.equal(placed.contingencyType, 'OTO');
    const [first, pending] = placed.orderReports;
    assert.deepEqual([first.status, pending.status], ['NEW', 'PENDING_NEW']);
    await ann.place(limit('SELL', '0.01', '47000'));
    assert.equal((await bob.find({ symbol: SYMBOL, orderId: pending.orderId })).status, 'NEW');
    assert.deepEqual((await bookOf(world)).asks, [['58000.00000000', '0.01000000']]);
}

async function oneThenPair(world) {
    const { ann, bob } = world;
    await trade(world, '50000');
    await ann.place(limit('SELL', '0.01', '50100'));
    const placed = await bob.otoco({ ...working, workingPrice: '50100',
                                     pendingAboveType: 'LIMIT_MAKER', pendingAbovePrice: '57000',
                                     pendingBelowType: 'STOP_LOSS',
                                     pendingBelowStopPrice: '46000' });
    const [first, above, below] = placed.orderReports;
    assert.deepEqual([first.status, above.status, below.status], ['FILLED', 'NEW', 'NEW']);
    await ann.place(limit('BUY', '0.01', '57000', { timeInForce: 'IOC' }));
    assert.equal((await bob.find({ symbol: SYMBOL, orderId: above.orderId })).status, 'FILLED');
    assert.equal((await bob.find({ symbol: SYMBOL, orderId: below.orderId })).status, 'EXPIRED');
}

async function tested(world) {
    const { ann } = world;
    const before = await ann.purse();
    assert.equal(JSON.stringify(await ann.testOrder(limit('SELL', '0.01', '60000'))), '{}');
    await refused(world, ann.testOrder(limit('SELL', '0.01', '60000.001')), -1013, /PRICE_FILTER/);
    assertChanged(before, await ann.purse(), {});
    assert.deepEqual(await ann.open({ symbol: SYMBOL }), []);
}

// Pages by id and by time, of orders and of fills, the moment after.
async function history({ ann, bob }) {
    const symbol = 'ETHUSDT', of = { symbol }, placed = [];
    for (let i = 0; i < 5; i++) {
        await ann.place({ ...limit('SELL', '1', String(3000 + i)), symbol });
        placed.push(await bob.place({ symbol, side: 'BUY', type: 'MARKET', quantity: '1' }));
    }
    const ids = placed.map((order) => order.orderId);
    const idsOf = (orders) => orders.map((order) => order.orderId);
    assert.deepEqual(idsOf(await bob.all(of)).slice(-5), ids);
    assert.deepEqual(idsOf(await bob.all({ ...of, limit: 2 })), ids.slice(3));
    assert.deepEqual(idsOf(await bob.all({ ...of, orderId: ids[1], limit: 2 })), ids.slice(1, 3));
    const startTime = placed[0].transactTime, endTime = placed[4].transactTime;
    assert.deepEqual(idsOf(await bob.all({ ...of, startTime, endTime })), ids);

    const fills = (await bob.fills(of)).slice(-5);
    assert.deepEqual(idsOf(fills), ids);
    assert.deepEqual(fills.map((fill) => fill.price),
                     [0, 1, 2, 3, 4].map((i) => `${3000 + i}.00000000`));
    assert.deepEqual(idsOf(await bob.fills({ ...of, fromId: fills[2].id, limit: 2 })),
                     ids.slice(2, 4));
    assert.deepEqual(idsOf(await bob.fills({ ...of, startTime, limit: 3 })), ids.slice(0, 3));
    assert.deepEqual(idsOf(await bob.fills({ ...of, orderId: ids[3] })), [ids[3]]);
}

async function refusals(world) {
    const { ann } = world;
    const before = await ann.purse();
    const stop = { symbol: SYMBOL, side: 'SELL', type: 'STOP_LOSS', quantity: '0.01' };
    const rows = [
        [limit('BUY', '0.000001', '40000'), -1013, /^Filter failure: LOT_SIZE$/],
        [limit('BUY', '0.01', '40000.001'), -1013, /^Filter failure: PRICE_FILTER$/],
        [limit('BUY', '0.0001', '1000'), -1013, /^Filter failure: NOTIONAL$/],
        [limit('BUY', '0.01', '40000.000000001'), -1111, /^Parameter 'price' has too much precision/],
        [limit('BUY', '9000', '99999'), -2010,
         /^Account has insufficient balance for requested action\.$/],
        [{ ...limit('BUY', '0.01', '40000'), symbol: 'NOPE' }, -1121, /^Invalid symbol\.$/],
        [limit('HOLD', '0.01', '40000'), -1117, /^Invalid side\.$/],
        [limit('BUY', '0.01', '40000', { timeInForce: 'XXX' }), -1115, /^Invalid timeInForce\.$/],
        [{ ...stop, type: 'GUESS' }, -1116, /^Invalid orderType\.$/],
        [stop, -1102, /^Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty\/null!$/],
        [{ ...stop, type: 'MARKET', timeInForce: 'GTC' }, -1106,
         /^Parameter 'timeInForce' sent when not required\.$/],
        [limit('BUY', '0.01', '40000', { recvWindow: 60001 }), -1131,
         /^recvWindow must be less than 60000\.$/],
    ];
    for (const [order, code, message] of rows) await refused(world, ann.place(order), code, message);
    assertChanged(before, await ann.purse(), {});
    const named = limit('BUY', '0.01', '40000', { newClientOrderId: 'once' });
    await ann.place(named);
    await refused(world, ann.place(named), -2010, /^Duplicate order sent\.$/);
}

async function strangers(world) {
    const { exchange, ann, asks, close, connect } = world;
    const rows = [
        [{ apiKey: 'f'.repeat(64) }, -2015, /^Invalid API-key, IP, or permissions for action\.$/],
        [{ apiKey: 'short' }, -2014, /^API-key format invalid\.$/],
        [{ secretKey: 'guessed' }, -1022, /^Signature for this request is not valid\.$/],
    ];
    for (const [change, code, message] of rows) {
        const client = await connect(exchange, { ...ann.account, ...change }, 'HMAC');
        await refused(world, asks(client).open({ symbol: SYMBOL }), code, message);
        await close?.(client);
    }
}

async function accounts({ exchange, ann, bob }) {
    for (const trader of [ann, bob]) {
        const account = await trader.accountOf();
        const held = await purse(exchange, trader.account);
        assert.deepEqual(account.balances.map(({ asset, free, locked }) =>
            [asset, units(free), units(locked)]).sort(),
                         Object.entries(held).map(([asset, { free, locked }]) =>
                             [asset, free, locked]).sort());
        assert.equal(account.accountType, 'SPOT');
        assert.equal(account.canTrade, true);
        assert.equal(account.commissionRates.maker, '0.00100000');
        assert.deepEqual([account.makerCommission, account.takerCommission], [10, 10]);
    }
}

const STORIES = [
    ['an order rests, holds its funds, is found, and gives them back', ['place', 'find'], resting],
    ['two accounts match at the maker\'s price, to the last unit', ['place', 'fills'], matched],
    ['market orders by quantity and by cost', ['place'], atMarket],
    ['IOC, FOK and post-only', ['place'], inForce],
    ['an order is answered as shortly as was asked', ['place'], answers],
    ['numbers may be numbers', ['place'], numbers],
    ['stops, profits and a trailing stop sleep, wake and go', ['place', 'cancelAll'], conditional],
    ['an iceberg shows a part', ['place'], iceberg],
    ['an account is kept from trading with itself', ['place'], withItself],
    ['what was prevented is told', ['prevented'], preventedAgain],
    ['a replace says how each half went', ['replace'], replaced],
    ['an amended order keeps its place', ['amend'], amended],
    ['an OCO is one or the other', ['oco', 'list', 'cancelList'], oneOrTheOther],
    ['lists are found again', ['oco', 'allLists'], listsAreKept],
    ['an OCO of the old form', ['oldOco', 'cancelList'], oldPair],
    ['an OTO releases its second order', ['oto'], oneThenOther],
    ['an OTOCO releases its pair', ['otoco'], oneThenPair],
    ['a test order changes nothing', ['testOrder'], tested],
    ['history is whole at once, by id and by time', ['all', 'fills'], history],
    ['refusals have their codes and words, and change nothing', ['place'], refusals],
    ['strangers are told why', ['open'], strangers],
    ['the account is what it owns', ['accountOf'], accounts],
];

export function tellOrders(world, by = '') {
    afterEach(() => clear(world));
    for (const [name, needs, story] of STORIES) {
        if (needs.every((ask) => world.able.has(ask))) test(by + name, () => story(world));
    }
}

// Sealed and right, whatever was asked.
export function tellEnd(world) {
    test('every block is certified and verifies', async () => {
        await world.exchange.certified();
        assert.match(await world.exchange.verify(), /^right: .* all certified/);
    });
}

// What PostgreSQL has is what memory knew.
export function tellHistory(world) {
    test('history stays whole once PostgreSQL has everything', async () => {
        const { exchange, ann, bob } = world;
        const of = { symbol: 'ETHUSDT' };
        const orders = await bob.all(of), fills = await bob.fills(of);
        assert.ok(orders.length > 0 && fills.length > 0);
        const { certifiedHeight } = await exchange.certified();
        await until('PostgreSQL to have the chain', async () => {
            const text = await (await fetch(`${exchange.http}/metrics`)).text();
            return Number(text.match(/^quorex_projected_height (\d+)/m)[1]) >= certifiedHeight;
        });
        assert.deepEqual(await bob.all(of), orders);
        assert.deepEqual(await bob.fills(of), fills);
        assert.deepEqual(await ann.fills({ ...of, orderId: fills[0].orderId }), []);
    });
}
