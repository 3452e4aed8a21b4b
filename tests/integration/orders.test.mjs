// Orders of every kind through the real API: stops, icebergs, self-trade prevention, amends, replaces,
// lists, the dead-man's switch, and the filters an operator sets. Signed with Ed25519, so that every
// command is derived a second time from its text before it is certified.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ccxtRest, signedRequest } from './clients.mjs';
import { Exchange, quorex, until } from './exchange.mjs';

const run = promisify(execFile);
const SYMBOL = 'BTCUSDT';
let exchange, ann, bob;

before(async () => {
    exchange = await Exchange.start(18351);
    [ann, bob] = exchange.accounts;
});

after(() => exchange?.stop());

// Each test begins with an empty book.
afterEach(async () => {
    for (const who of [ann, bob]) {
        const { status, body } = await ask(who, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
        assert.ok(status === 200 || body.code === -2011, JSON.stringify(body));
    }
});

function ask(who, method, path, parameters) {
    return signedRequest(exchange, who, method, path, parameters, { ed25519: true });
}

async function ok(who, method, path, parameters) {
    const { status, body } = await ask(who, method, path, parameters);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
}

async function refused(who, method, path, parameters, code, message, httpStatus = 400) {
    const { status, body } = await ask(who, method, path, parameters);
    assert.equal(body.code, code, JSON.stringify(body));
    assert.match(body.msg, message);
    assert.equal(status, httpStatus);
    return body;
}

const place = (who, parameters) => ok(who, 'POST', '/api/v3/order',
                                      { symbol: SYMBOL, newOrderRespType: 'FULL', ...parameters });
const limit = (who, side, quantity, price, more = {}) =>
    place(who, { side, type: 'LIMIT', timeInForce: 'GTC', quantity, price, ...more });
const found = (who, { orderId }) => ok(who, 'GET', '/api/v3/order', { symbol: SYMBOL, orderId });
const book = () => exchange.get(`/api/v3/depth?symbol=${SYMBOL}`);

// One trade at this price, between the two, when nothing better is in the book.
async function trade(price, quantity = '0.001') {
    await limit(ann, 'SELL', quantity, price);
    const taken = await limit(bob, 'BUY', quantity, price, { timeInForce: 'IOC' });
    assert.equal(taken.status, 'FILLED');
}

test('exchangeInfo offers what the engine takes', async () => {
    const { symbols: [info] } = await exchange.get(`/api/v3/exchangeInfo?symbol=${SYMBOL}`);
    assert.deepEqual(info.orderTypes, ['LIMIT', 'LIMIT_MAKER', 'MARKET', 'STOP_LOSS',
                                       'STOP_LOSS_LIMIT', 'TAKE_PROFIT', 'TAKE_PROFIT_LIMIT']);
    for (const able of ['icebergAllowed', 'ocoAllowed', 'otoAllowed', 'allowTrailingStop',
                        'cancelReplaceAllowed', 'amendAllowed']) assert.equal(info[able], true);
    assert.deepEqual(info.allowedSelfTradePreventionModes,
                     ['NONE', 'EXPIRE_TAKER', 'EXPIRE_MAKER', 'EXPIRE_BOTH', 'DECREMENT']);
    const types = info.filters.map((filter) => filter.filterType);
    for (const type of ['MARKET_LOT_SIZE', 'ICEBERG_PARTS', 'TRAILING_DELTA', 'NOTIONAL',
                        'MAX_NUM_ALGO_ORDERS', 'MAX_NUM_ICEBERG_ORDERS', 'MAX_NUM_ORDER_LISTS'])
        assert.ok(types.includes(type), type);
});

test('a stop sleeps until a trade meets it, and then takes', async () => {
    await trade('50000');
    const stop = await place(ann, { side: 'SELL', type: 'STOP_LOSS', quantity: '0.01',
                                    stopPrice: '49000' });
    assert.equal(stop.status, 'NEW');
    assert.equal(stop.stopPrice, '49000.00000000');
    assert.equal(stop.workingTime, -1);
    assert.equal((await found(ann, stop)).isWorking, false);
    assert.deepEqual((await book()).asks, []);
    await refused(ann, 'POST', '/api/v3/order',
                  { symbol: SYMBOL, side: 'SELL', type: 'STOP_LOSS', quantity: '0.01',
                    stopPrice: '50000' }, -2010, /Stop price would trigger immediately/);

    await limit(bob, 'BUY', '0.02', '48900');
    const seller = await limit(ann, 'SELL', '0.005', '48900');
    assert.equal(seller.fills.length, 1, 'the fills of the stop it woke are not its own');
    const fired = await found(ann, stop);
    assert.equal(fired.status, 'FILLED');
    assert.equal(fired.isWorking, true);
    assert.equal(fired.cummulativeQuoteQty, '489.00000000');
    assert.equal((await book()).bids[0][1], '0.00500000');
});

test('a stop with a price rests once it has fired', async () => {
    await trade('50000');
    const order = await place(bob, { side: 'BUY', type: 'TAKE_PROFIT_LIMIT', timeInForce: 'GTC',
                                     quantity: '0.01', price: '48500', stopPrice: '48000' });
    await trade('48000');
    const fired = await found(bob, order);
    assert.equal(fired.status, 'NEW');
    assert.equal(fired.isWorking, true);
    assert.ok(fired.workingTime > fired.time);
    assert.deepEqual((await book()).bids, [['48500.00000000', '0.01000000']]);
});

test('a trailing stop follows the price and fires when it turns', async () => {
    await trade('50000');
    const order = await place(ann, { side: 'SELL', type: 'STOP_LOSS', quantity: '0.01',
                                     trailingDelta: 100 });
    assert.equal(order.trailingDelta, 100);
    assert.equal(order.trailingTime, order.transactTime);
    assert.equal((await found(ann, order)).trailingTime, order.transactTime);
    await limit(bob, 'BUY', '0.01', '40000');
    for (const price of ['51000', '50500', '52000', '51481']) await trade(price);
    assert.equal((await found(ann, order)).status, 'NEW');
    await trade('51480'); // 1% below 52,000
    assert.equal((await found(ann, order)).status, 'FILLED');
    await refused(ann, 'POST', '/api/v3/order',
                  { symbol: SYMBOL, side: 'SELL', type: 'STOP_LOSS', quantity: '0.01',
                    trailingDelta: 9 }, -1013, /TRAILING_DELTA/);
});

test('an iceberg shows a part, and the next part when that is gone', async () => {
    const order = await limit(ann, 'SELL', '0.1', '51000', { icebergQty: '0.02' });
    assert.equal(order.icebergQty, '0.02000000');
    assert.deepEqual((await book()).asks, [['51000.00000000', '0.02000000']]);
    await limit(bob, 'BUY', '0.03', '51000', { timeInForce: 'IOC' });
    assert.deepEqual((await book()).asks, [['51000.00000000', '0.01000000']]);
    const seen = await found(ann, order);
    assert.equal(seen.executedQty, '0.03000000');
    assert.equal(seen.icebergQty, '0.02000000');
    await refused(ann, 'POST', '/api/v3/order',
                  { symbol: SYMBOL, side: 'SELL', type: 'LIMIT', timeInForce: 'GTC',
                    quantity: '0.1', price: '51000', icebergQty: '0.0001' }, -1013,
                  /ICEBERG_PARTS/);
    await refused(ann, 'POST', '/api/v3/order',
                  { symbol: SYMBOL, side: 'SELL', type: 'LIMIT', timeInForce: 'IOC',
                    quantity: '0.1', price: '51000', icebergQty: '0.05' }, -1014,
                  /Unsupported order combination/);
});

test('an account is kept from trading with itself as it asks', async () => {
    const both = async (mode) => {
        const maker = await limit(ann, 'SELL', '0.03', '52000');
        const taker = await limit(ann, 'BUY', '0.01', '52000',
                                  { timeInForce: 'IOC', selfTradePreventionMode: mode });
        assert.equal(taker.selfTradePreventionMode, mode);
        const left = await found(ann, maker);
        await ask(ann, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
        return { maker: left, taker };
    };
    const taken = await both('EXPIRE_TAKER');
    assert.equal(taken.taker.status, 'EXPIRED_IN_MATCH');
    assert.equal(taken.taker.preventedQuantity, '0.01000000');
    assert.equal(taken.maker.status, 'NEW');
    const [prevented] = await ok(ann, 'GET', '/api/v3/myPreventedMatches',
                                 { symbol: SYMBOL, orderId: taken.taker.orderId });
    assert.equal(prevented.preventedMatchId, taken.taker.preventedMatchId);
    assert.equal(prevented.makerOrderId, taken.maker.orderId);
    assert.equal(prevented.takerPreventedQuantity, '0.01000000');
    assert.equal(prevented.selfTradePreventionMode, 'EXPIRE_TAKER');

    const made = await both('EXPIRE_MAKER');
    assert.equal(made.maker.status, 'EXPIRED_IN_MATCH');
    assert.equal(made.maker.preventedQuantity, '0.03000000');
    assert.equal(made.taker.status, 'EXPIRED');
    assert.equal(made.taker.expiryReason, 'UNFILLED_IOC_QUANTITY_EXPIRED');

    const neither = await both('EXPIRE_BOTH');
    assert.equal(neither.maker.status, 'EXPIRED_IN_MATCH');
    assert.equal(neither.taker.status, 'EXPIRED_IN_MATCH');

    const less = await both('DECREMENT');
    assert.equal(less.maker.status, 'NEW');
    assert.equal(less.maker.preventedQuantity, '0.01000000');
    assert.equal(less.taker.status, 'EXPIRED_IN_MATCH');

    const free = await both('NONE');
    assert.equal(free.taker.status, 'FILLED');
    await refused(ann, 'POST', '/api/v3/order',
                  { symbol: SYMBOL, side: 'SELL', type: 'MARKET', quantity: '1',
                    selfTradePreventionMode: 'TRANSFER' }, -1013,
                  /does not allow the specified self-trade prevention mode/);
});

test('an amended order has less, another name, and its place', async () => {
    const path = '/api/v3/order/amend/keepPriority';
    const first = await limit(ann, 'SELL', '0.05', '53000', { newClientOrderId: 'before' });
    await limit(bob, 'SELL', '0.05', '53000');
    const { orderId } = first;
    const amended = await ok(ann, 'PUT', path,
                             { symbol: SYMBOL, orderId, newQty: '0.03', newClientOrderId: 'after' });
    assert.equal(amended.amendedOrder.origClientOrderId, 'before');
    assert.equal(amended.amendedOrder.clientOrderId, 'after');
    assert.equal(amended.amendedOrder.qty, '0.03000000');
    assert.equal(amended.amendedOrder.status, 'NEW');
    assert.deepEqual((await book()).asks, [['53000.00000000', '0.08000000']]);
    await refused(ann, 'PUT', path, { symbol: SYMBOL, orderId, newQty: '0.04' }, -2038,
                  /quantity increase/);
    await refused(ann, 'PUT', path, { symbol: SYMBOL, orderId, newQty: '0.03' }, -2038,
                  /would change no state/);
    await place(bob, { side: 'BUY', type: 'MARKET', quantity: '0.02',
                       selfTradePreventionMode: 'NONE' });
    assert.equal((await ok(ann, 'GET', '/api/v3/order',
                           { symbol: SYMBOL, origClientOrderId: 'after' })).executedQty,
                 '0.02000000');
});

test('a replace is a cancel and an order, and says how each went', async () => {
    const path = '/api/v3/order/cancelReplace';
    const order = { symbol: SYMBOL, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC',
                    quantity: '0.01', price: '30000' };
    const old = await limit(ann, 'BUY', '0.01', '29000');
    const done = await ok(ann, 'POST', path, { ...order, cancelReplaceMode: 'STOP_ON_FAILURE',
                                               cancelOrderId: old.orderId });
    assert.equal(done.cancelResult, 'SUCCESS');
    assert.equal(done.newOrderResult, 'SUCCESS');
    assert.equal(done.cancelResponse.status, 'CANCELED');
    assert.equal(done.newOrderResponse.status, 'NEW');

    const failed = await refused(ann, 'POST', path,
                                 { ...order, cancelReplaceMode: 'STOP_ON_FAILURE',
                                   cancelOrderId: old.orderId }, -2022, /cancel-replace failed/);
    assert.equal(failed.data.newOrderResult, 'NOT_ATTEMPTED');
    assert.equal(failed.data.newOrderResponse, null);
    assert.equal(failed.data.cancelResponse.code, -2011);

    const half = await refused(ann, 'POST', path,
                               { ...order, cancelReplaceMode: 'ALLOW_FAILURE',
                                 cancelOrderId: old.orderId }, -2021, /partially failed/, 409);
    assert.equal(half.data.cancelResult, 'FAILURE');
    assert.equal(half.data.newOrderResponse.status, 'NEW');

    const poor = await refused(ann, 'POST', path,
                               { ...order, quantity: '9000', price: '900000',
                                 cancelReplaceMode: 'STOP_ON_FAILURE',
                                 cancelOrderId: half.data.newOrderResponse.orderId },
                               -2021, /partially failed/, 409);
    assert.equal(poor.data.cancelResult, 'SUCCESS');
    assert.equal(poor.data.newOrderResponse.code, -2010);
    // What the new order could never be is refused before anything is canceled.
    await refused(ann, 'POST', path, { ...order, price: '0.001',
                                       cancelReplaceMode: 'STOP_ON_FAILURE',
                                       cancelOrderId: done.newOrderResponse.orderId },
                  -1013, /PRICE_FILTER/);
    assert.equal((await found(ann, done.newOrderResponse)).status, 'NEW');
});

const oco = { symbol: SYMBOL, side: 'SELL', quantity: '0.01', aboveType: 'LIMIT_MAKER',
              abovePrice: '55000', belowType: 'STOP_LOSS', belowStopPrice: '45000' };

test('an OCO is one or the other', async () => {
    await trade('50000');
    const list = await ok(ann, 'POST', '/api/v3/orderList/oco',
                          { ...oco, listClientOrderId: 'either' });
    assert.equal(list.contingencyType, 'OCO');
    assert.equal(list.listStatusType, 'EXEC_STARTED');
    assert.equal(list.listClientOrderId, 'either');
    assert.equal(list.orders.length, 2);
    const [above, below] = list.orderReports;
    assert.equal(above.type, 'LIMIT_MAKER');
    assert.equal(above.orderListId, list.orderListId);
    assert.equal(below.stopPrice, '45000.00000000');
    assert.equal(below.workingTime, -1);
    const id = { orderListId: list.orderListId };
    assert.deepEqual((await ok(ann, 'GET', '/api/v3/orderList', id)).orders, list.orders);
    assert.equal((await ok(ann, 'GET', '/api/v3/openOrderList')).length, 1);
    assert.equal((await ok(ann, 'GET', '/api/v3/openOrders', { symbol: SYMBOL })).length, 2);

    await limit(bob, 'BUY', '0.01', '55000', { timeInForce: 'IOC' });
    assert.equal((await found(ann, above)).status, 'FILLED');
    const sibling = await found(ann, below);
    assert.equal(sibling.status, 'EXPIRED');
    assert.equal(sibling.expiryReason, 'OCO_TRIGGER');
    assert.equal((await ok(ann, 'GET', '/api/v3/orderList', id)).listOrderStatus, 'ALL_DONE');
    assert.equal((await ok(ann, 'GET', '/api/v3/openOrderList')).length, 0);
    await refused(ann, 'POST', '/api/v3/orderList/oco', { ...oco, abovePrice: '44000' }, -2010,
                  /relationship of the prices/);
});

test('a list is canceled whole, by its name or by one of its orders', async () => {
    await trade('50000');
    const byName = await ok(ann, 'POST', '/api/v3/orderList/oco',
                            { ...oco, listClientOrderId: 'whole' });
    const gone = await ok(ann, 'DELETE', '/api/v3/orderList',
                          { symbol: SYMBOL, listClientOrderId: 'whole' });
    assert.equal(gone.orderListId, byName.orderListId);
    assert.equal(gone.listOrderStatus, 'ALL_DONE');
    assert.deepEqual(gone.orderReports.map((report) => report.status), ['CANCELED', 'CANCELED']);

    const old = await ok(ann, 'POST', '/api/v3/order/oco',
                         { symbol: SYMBOL, side: 'SELL', quantity: '0.01', price: '56000',
                           stopPrice: '44000', stopLimitPrice: '43000',
                           stopLimitTimeInForce: 'GTC' });
    const one = await ok(ann, 'DELETE', '/api/v3/order',
                         { symbol: SYMBOL, orderId: old.orders[1].orderId });
    assert.equal(one.listOrderStatus, 'ALL_DONE');
    assert.equal(one.orderReports.length, 2);

    await ok(ann, 'POST', '/api/v3/orderList/oco', oco);
    await limit(ann, 'BUY', '0.01', '20000');
    const all = await ok(ann, 'DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
    assert.equal(all.length, 2);
    assert.equal(all.find((element) => element.contingencyType).orderReports.length, 2);
    await refused(ann, 'DELETE', '/api/v3/orderList',
                  { symbol: SYMBOL, listClientOrderId: 'whole' }, -2011, /Unknown order/);
    const lists = await ok(ann, 'GET', '/api/v3/allOrderList');
    assert.ok(lists.length >= 3);
    assert.ok(lists.every((list) => list.listOrderStatus === 'ALL_DONE'));
});

const working = { symbol: SYMBOL, workingType: 'LIMIT', workingSide: 'BUY',
                  workingTimeInForce: 'GTC', workingQuantity: '0.01', pendingSide: 'SELL',
                  pendingQuantity: '0.01' };

test('an OTO releases its pending order when the working one is filled', async () => {
    const list = await ok(bob, 'POST', '/api/v3/orderList/oto',
                          { ...working, workingPrice: '47000', pendingType: 'LIMIT_MAKER',
                            pendingPrice: '58000' });
    assert.equal(list.contingencyType, 'OTO');
    const [first, pending] = list.orderReports;
    assert.equal(first.status, 'NEW');
    assert.equal(pending.status, 'PENDING_NEW');
    assert.equal(pending.workingTime, -1);
    assert.deepEqual((await book()).asks, []);
    await limit(ann, 'SELL', '0.004', '47000');
    assert.equal((await found(bob, pending)).status, 'PENDING_NEW');
    await limit(ann, 'SELL', '0.006', '47000');
    const released = await found(bob, pending);
    assert.equal(released.status, 'NEW');
    assert.equal(released.isWorking, true);
    assert.deepEqual((await book()).asks, [['58000.00000000', '0.01000000']]);
});

test('an OTOCO puts a pair behind its working order', async () => {
    await trade('50000');
    await limit(ann, 'SELL', '0.01', '50100');
    const list = await ok(bob, 'POST', '/api/v3/orderList/otoco',
                          { ...working, workingPrice: '50100', pendingAboveType: 'LIMIT_MAKER',
                            pendingAbovePrice: '57000', pendingBelowType: 'STOP_LOSS',
                            pendingBelowStopPrice: '46000', newOrderRespType: 'FULL' });
    const [first, above, below] = list.orderReports;
    assert.equal(first.status, 'FILLED');
    assert.equal(first.fills.length, 1);
    assert.equal(above.status, 'NEW');
    assert.equal(below.status, 'NEW');
    assert.equal(below.workingTime, -1);
    await limit(ann, 'BUY', '0.01', '57000', { timeInForce: 'IOC' });
    assert.equal((await found(bob, above)).status, 'FILLED');
    assert.equal((await found(bob, below)).status, 'EXPIRED');
});

test('the switch cancels all unless it is set again', async () => {
    const set = (countdownTime) => ok(ann, 'POST', '/quorex/v1/switch',
                                      { symbol: SYMBOL, countdownTime });
    const order = await limit(ann, 'BUY', '0.01', '20000');
    const armed = await set(600);
    assert.equal(armed.countdownTime, 600);
    assert.ok(armed.deadline > Date.now() - 60000);
    assert.ok((await set(60000)).deadline > armed.deadline);
    assert.equal((await set(0)).deadline, 0);
    assert.equal((await found(ann, order)).status, 'NEW');
    await set(300);
    await until('the switch to fire', async () =>
        (await found(ann, order)).status === 'CANCELED');
    await refused(ann, 'POST', '/quorex/v1/switch', { symbol: SYMBOL, countdownTime: 86400001 },
                  -1130, /countdownTime/);
});

async function admin(...words) {
    const { stdout } = await run(quorex, ['admin', '--url', exchange.http, '--operator-key',
                                          join(exchange.dir, 'operator.key'), ...words]);
    return JSON.parse(stdout);
}

test('an operator sets filters and tiers while the market trades', async () => {
    const filters = async () =>
        (await exchange.get(`/api/v3/exchangeInfo?symbol=${SYMBOL}`)).symbols[0];
    await trade('50000');
    const { result } = await admin('set-filters', `symbol=${SYMBOL}`, 'bandPpm=100000',
                                   'icebergParts=10', 'maxPosition=5000',
                                   'selfTradeDefault=EXPIRE_MAKER');
    assert.equal(result, 'market-filtered');
    const info = await filters();
    assert.equal(info.filters.find((f) => f.filterType === 'ICEBERG_PARTS').limit, 10);
    assert.equal(info.defaultSelfTradePreventionMode, 'EXPIRE_MAKER');
    const far = { symbol: SYMBOL, side: 'SELL', type: 'LIMIT', timeInForce: 'GTC',
                  quantity: '0.01', price: '55000.01' };
    await refused(ann, 'POST', '/api/v3/order', far, -1013, /PRICE_BAND/);
    await refused(ann, 'POST', '/api/v3/order/test', far, -1013, /PRICE_BAND/);
    const near = await limit(ann, 'SELL', '0.01', '55000');
    assert.equal(near.selfTradePreventionMode, 'EXPIRE_MAKER');
    await admin('set-filters', `symbol=${SYMBOL}`, 'bandPpm=0', 'icebergParts=100',
                'maxPosition=0', 'selfTradeDefault=NONE');
    assert.equal((await admin('set-tier', `account=${ann.account}`, 'tier=0')).result, 'tier-set');
    await assert.rejects(admin('set-tier', `account=${ann.account}`, 'tier=1'),
                         { stdout: /Invalid fee tier/ });
});

test('a test order is judged like one of its type', async () => {
    await trade('50000');
    const path = '/api/v3/order/test';
    const stop = { symbol: SYMBOL, side: 'SELL', type: 'STOP_LOSS', quantity: '0.01' };
    assert.deepEqual(await ok(ann, 'POST', path, { ...stop, stopPrice: '49000' }), {});
    await refused(ann, 'POST', path, { ...stop, stopPrice: '51000' }, -2010, /trigger immediately/);
    await refused(ann, 'POST', path, { ...stop, icebergQty: '0.001', stopPrice: '1' }, -1106,
                  /icebergQty/);
});

test('ccxt places stops and edits orders', async () => {
    const client = ccxtRest(exchange, ann);
    await client.loadMarkets();
    await trade('50000');
    const stop = await client.createOrder('BTC/USDT', 'market', 'sell', 0.01, undefined,
                                          { stopLossPrice: 45000 });
    assert.equal(stop.triggerPrice, 45000);
    const trailing = await client.createOrder('BTC/USDT', 'market', 'sell', 0.01, undefined,
                                              { trailingPercent: 5,
                                                stopLossOrTakeProfit: 'stopLoss' });
    assert.equal((await client.fetchOrder(trailing.id, 'BTC/USDT')).info.trailingDelta, 500);
    const order = await client.createOrder('BTC/USDT', 'limit', 'buy', 0.01, 20000);
    const edited = await client.editOrder(order.id, 'BTC/USDT', 'limit', 'buy', 0.02, 21000);
    assert.equal(edited.price, 21000);
    assert.equal((await client.fetchOrder(order.id, 'BTC/USDT')).status, 'canceled');
});

test('history keeps what a stop, a list and a prevented order had', async () => {
    const before = await ok(ann, 'GET', '/api/v3/allOrders', { symbol: SYMBOL, limit: 1000 });
    const trades = await ok(ann, 'GET', '/api/v3/myTrades', { symbol: SYMBOL, limit: 1000 });
    const { certifiedHeight } = await exchange.certified();
    await until('PostgreSQL to have the chain', async () => {
        const text = await (await fetch(`${exchange.http}/metrics`)).text();
        return Number(text.match(/^quorex_projected_height (\d+)/m)[1]) >= certifiedHeight;
    });
    // Memory lets go of what PostgreSQL has after ten seconds: then the rows answer, and they do not
    // know since when a stop worked.
    const worked = (orders) => orders.some(({ stopPrice, workingTime }) =>
        stopPrice !== '0.00000000' && workingTime !== -1);
    assert.ok(worked(before));
    const after = await until('the rows to answer', async () => {
        const orders = await ok(ann, 'GET', '/api/v3/allOrders', { symbol: SYMBOL, limit: 1000 });
        return worked(orders) ? null : orders;
    }, 30);
    const kept = ({ workingTime, isWorking, ...order }) => order;
    assert.deepEqual(after.map(kept), before.map(kept));
    assert.ok(after.some((order) => order.stopPrice !== '0.00000000'));
    assert.ok(after.some((order) => order.orderListId > 0));
    assert.ok(after.some((order) => order.preventedMatchId > 0));
    assert.ok(trades.some((fill) => fill.orderListId > 0));
    assert.deepEqual(await ok(ann, 'GET', '/api/v3/myTrades', { symbol: SYMBOL, limit: 1000 }), trades);
});

// What `idempotent=false` is, is what an order without it is. Its signed text has a name more than its command has a place for.
test('an order that may not be asked for twice, and says so, is certified', async () => {
    for (const more of [{}, { newClientOrderId: 'once' }, { strategyId: 7, newClientOrderId: 'seventh' }]) {
        const order = await limit(ann, 'BUY', '0.001', '30000', { ...more, idempotent: false });
        assert.equal(order.status, 'NEW');
        const { height } = await exchange.get('/quorex/v1/status');
        assert.ok((await exchange.certified()).certifiedHeight > height);
        await ok(ann, 'DELETE', '/api/v3/order', { symbol: SYMBOL, orderId: order.orderId });
    }
});

test('every block is certified and verifies', async () => {
    await exchange.certified();
    assert.match(await exchange.verify(), /^right: .* all certified/);
});
