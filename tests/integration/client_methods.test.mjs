// Every method that a public client has for a route of ours is called, with both kinds of keys. Which they are is read
// from the clients' own sources: a method that is not in the tables below, for instance of a newer client, fails.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, mock, test } from 'node:test';
import { apiNode, binanceRest, ccxtRest, connectorRest, nodeBinance, signedRequest, spotClient } from './clients.mjs';
import { Exchange, root } from './exchange.mjs';

const SYMBOL = 'BTCUSDT', symbol = SYMBOL, symbols = ['BTCUSDT', 'ETHUSDT'];
const routes = new Set([...readFileSync(join(root, 'gateway', 'routes.def'), 'utf8')
    .matchAll(/"(\/s?api\/[^"]+)"/g)].map(([, path]) => path));
let exchange, ann, bob;

async function ask(account, method, path, parameters) {
    const { status, body } = await signedRequest(exchange, account, method, path, { symbol, ...parameters });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
}

const LIMIT = { symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price: '40000' };
const OCO = { side: 'SELL', quantity: '0.001', aboveType: 'LIMIT_MAKER', abovePrice: '60000',
              belowType: 'STOP_LOSS', belowStopPrice: '30000' };
const OLD_OCO = { symbol, side: 'SELL', quantity: '0.001', price: '60000', stopPrice: '30000' };
const OTO = { symbol, workingType: 'LIMIT', workingSide: 'BUY', workingTimeInForce: 'GTC', workingQuantity: '0.001',
              workingPrice: '41000', pendingSide: 'SELL', pendingQuantity: '0.001' };
const OTOCO = { ...OTO, pendingAboveType: 'LIMIT_MAKER', pendingAbovePrice: '70000', pendingBelowType: 'STOP_LOSS',
                pendingBelowStopPrice: '30000' };
const PENDING = { ...OTO, pendingType: 'LIMIT_MAKER', pendingPrice: '70000' };
const WITHDRAWAL = { coin: 'BTC', address: 'nowhere', amount: '1' };

// What stands for a call: an order, an order list, ids.
const order = async () => (await ask(ann, 'POST', '/api/v3/order', LIMIT)).orderId;
const list = async () => (await ask(ann, 'POST', '/api/v3/orderList/oco', OCO)).orderListId;
const keyOf = async () => {
    const answer = await fetch(`${exchange.http}/api/v3/userDataStream`, {
        method: 'POST', headers: { 'X-MBX-APIKEY': ann.apiKey } });
    return (await answer.json()).listenKey;
};
const tradeId = async () => (await exchange.get(`/api/v3/trades?symbol=${SYMBOL}&limit=1`))[0].id;

before(async () => {
    exchange = await Exchange.start(18468);
    [ann, bob] = exchange.accounts;
    await ask(ann, 'POST', '/api/v3/order', { ...LIMIT, side: 'SELL', price: '50000', quantity: '0.01' });
    await ask(bob, 'POST', '/api/v3/order', { ...LIMIT, price: '50000', quantity: '0.01' });
});

after(() => exchange?.stop());

// ---- what a client has ----

function methodsOf(object) {
    const found = new Map();
    for (let at = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
        for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
            if (typeof value === 'function' && name !== 'constructor' && !found.has(name)) found.set(name, String(value));
        }
    }
    return found;
}

// Those in whose source a path of ours stands.
const routed = (object) => [...methodsOf(object)].filter(([, source]) =>
    [...source.matchAll(/['"`]\/?((?:s?api\/)?v\d\/[\w/-]+)/g)].some(([, path]) =>
        ['/', '/api/', '/sapi/'].some((base) => routes.has(base + path)))).map(([name]) => name);

const all = (object) => [...methodsOf(object).keys()];

// ---- how each is called ----

// A call that is to be refused, with its code. Demo keys may not withdraw, and no connector gives the demo addresses.
const refused = (code, call) => Object.assign(call, { code });

const binance = (client) => ({
    testConnectivity: () => client.testConnectivity(),
    getExchangeInfo: () => client.getExchangeInfo({ symbols }),
    getOrderBook: () => client.getOrderBook({ symbol }),
    getRecentTrades: () => client.getRecentTrades({ symbol }),
    getHistoricalTrades: () => client.getHistoricalTrades({ symbol }),
    getHistoricalBlockTrades: () => client.getHistoricalBlockTrades({ symbol }),
    getAggregateTrades: () => client.getAggregateTrades({ symbol }),
    getKlines: () => client.getKlines({ symbol, interval: '1m' }),
    getUIKlines: () => client.getUIKlines({ symbol, interval: '1m' }),
    getAvgPrice: () => client.getAvgPrice({ symbol }),
    getExecutionRules: () => client.getExecutionRules({ symbols }),
    getReferencePrice: refused(-2043, () => client.getReferencePrice({ symbol })),
    getReferencePriceCalculation: refused(-2043, () => client.getReferencePriceCalculation({ symbol })),
    get24hrChangeStatistics: () => client.get24hrChangeStatistics({ symbols }),
    getTradingDayTicker: () => client.getTradingDayTicker({ symbols }),
    getSymbolPriceTicker: () => client.getSymbolPriceTicker({ symbols }),
    getSymbolOrderBookTicker: () => client.getSymbolOrderBookTicker({ symbols }),
    getRollingWindowTicker: () => client.getRollingWindowTicker({ symbols }),
    submitNewOrder: () => client.submitNewOrder(LIMIT),
    testNewOrder: () => client.testNewOrder(LIMIT),
    getOrder: async () => client.getOrder({ symbol, orderId: await order() }),
    cancelOrder: async () => client.cancelOrder({ symbol, orderId: await order() }),
    cancelAllSymbolOrders: async () => (await order(), client.cancelAllSymbolOrders({ symbol })),
    replaceOrder: async () => client.replaceOrder({ ...LIMIT, cancelReplaceMode: 'STOP_ON_FAILURE',
                                                    cancelOrderId: await order() }),
    amendOrderKeepPriority: async () => client.amendOrderKeepPriority({ symbol, orderId: await order(), newQty: '0.0005' }),
    getOpenOrders: () => client.getOpenOrders(),
    getAllOrders: () => client.getAllOrders({ symbol }),
    submitNewOCO: () => client.submitNewOCO(OLD_OCO),
    submitNewOrderList: () => client.submitNewOrderList({ symbol, ...OCO }),
    submitNewOrderListOTO: () => client.submitNewOrderListOTO(PENDING),
    submitNewOrderListOTOCO: () => client.submitNewOrderListOTOCO(OTOCO),
    cancelOCO: async () => client.cancelOCO({ symbol, orderListId: await list() }),
    getOCO: async () => client.getOCO({ orderListId: await list() }),
    getAllOCO: () => client.getAllOCO(),
    getAllOpenOCO: () => client.getAllOpenOCO(),
    getAccountInformation: () => client.getAccountInformation({ omitZeroBalances: true }),
    getAccountTradeList: () => client.getAccountTradeList({ symbol }),
    getOrderRateLimit: () => client.getOrderRateLimit(),
    getPreventedMatches: async () => client.getPreventedMatches({ symbol, orderId: await order() }),
    getAllocations: () => client.getAllocations({ symbol }),
    getCommissionRates: () => client.getCommissionRates({ symbol }),
    getAllCrossMarginPairs: () => client.getAllCrossMarginPairs(),
    getIsolatedMarginAllSymbols: () => client.getIsolatedMarginAllSymbols(),
    getBalances: () => client.getBalances(),
    withdraw: refused(-2015, () => client.withdraw(WITHDRAWAL)),
    getWithdrawHistory: () => client.getWithdrawHistory(),
    getDepositHistory: () => client.getDepositHistory(),
    getDepositAddress: () => client.getDepositAddress({ coin: 'BTC' }),
    getAssetDetail: () => client.getAssetDetail(),
    getUserAsset: () => client.getUserAsset({ asset: 'BTC' }),
    getTradeFee: () => client.getTradeFee(),
    getFundingAsset: () => client.getFundingAsset(),
    getDailyAccountSnapshot: () => client.getDailyAccountSnapshot({ type: 'SPOT' }),
    getAccountStatus: () => client.getAccountStatus(),
    getApiTradingStatus: () => client.getApiTradingStatus(),
    getApiKeyPermissions: () => client.getApiKeyPermissions(),
    getSystemStatus: () => client.getSystemStatus(),
    getSpotUserDataListenKey: () => client.getSpotUserDataListenKey(),
    keepAliveSpotUserDataListenKey: async () => client.keepAliveSpotUserDataListenKey(await keyOf()),
    closeSpotUserDataListenKey: async () => client.closeSpotUserDataListenKey(await keyOf()),
});

const connector = (client) => ({
    ping: () => client.ping(),
    time: () => client.time(),
    exchangeInfo: () => client.exchangeInfo({ symbols }),
    depth: () => client.depth(symbol),
    trades: () => client.trades(symbol),
    historicalTrades: () => client.historicalTrades(symbol),
    aggTrades: () => client.aggTrades(symbol),
    klines: () => client.klines(symbol, '1m'),
    uiklines: () => client.uiklines(symbol, '1m'),
    avgPrice: () => client.avgPrice(symbol),
    ticker24hr: () => client.ticker24hr('', symbols),
    tickerPrice: () => client.tickerPrice('', symbols),
    bookTicker: () => client.bookTicker('', symbols),
    rollingWindowTicker: () => client.rollingWindowTicker('', symbols),
    newOrderTest: () => client.newOrderTest(symbol, 'BUY', 'LIMIT', LIMIT),
    newOrder: () => client.newOrder(symbol, 'BUY', 'LIMIT', LIMIT),
    cancelOrder: async () => client.cancelOrder(symbol, { orderId: await order() }),
    cancelOpenOrders: async () => (await order(), client.cancelOpenOrders(symbol)),
    getOrder: async () => client.getOrder(symbol, { orderId: await order() }),
    cancelAndReplace: async () => client.cancelAndReplace(symbol, 'BUY', 'LIMIT', 'STOP_ON_FAILURE',
                                                          { ...LIMIT, cancelOrderId: await order() }),
    openOrders: () => client.openOrders(),
    allOrders: () => client.allOrders(symbol),
    newOCOOrder: () => client.newOCOOrder(symbol, 'SELL', '0.001', 'LIMIT_MAKER', 'STOP_LOSS', OCO),
    cancelOCOOrder: async () => client.cancelOCOOrder(symbol, { orderListId: await list() }),
    getOCOOrder: async () => client.getOCOOrder({ orderListId: await list() }),
    getOCOOrders: () => client.getOCOOrders(),
    getOpenOCOOrders: () => client.getOpenOCOOrders(),
    account: () => client.account(),
    myTrades: () => client.myTrades(symbol),
    orderCount: () => client.orderCount(),
    systemStatus: () => client.systemStatus(),
    coinInfo: () => client.coinInfo(),
    accountSnapshot: () => client.accountSnapshot('SPOT'),
    withdraw: refused(-2015, () => client.withdraw('BTC', 'nowhere', '1')),
    depositHistory: () => client.depositHistory(),
    withdrawHistory: () => client.withdrawHistory(),
    depositAddress: () => client.depositAddress('BTC'),
    accountStatus: () => client.accountStatus(),
    tradingStatus: () => client.tradingStatus(),
    assetDetail: () => client.assetDetail(),
    tradeFee: () => client.tradeFee(),
    fundingWallet: () => client.fundingWallet(),
    apiPermissions: () => client.apiPermissions(),
    userAsset: () => client.userAsset(),
    marginAllPairs: () => client.marginAllPairs(),
    isolatedMarginAllSymbols: () => client.isolatedMarginAllSymbols(),
    createListenKey: () => client.createListenKey(),
    renewListenKey: async () => client.renewListenKey(await keyOf()),
    closeListenKey: async () => client.closeListenKey(await keyOf()),
});

const apiNodeCalls = (client) => ({
    ping: () => client.ping(),
    time: () => client.time(),
    exchangeInfo: () => client.exchangeInfo({ symbol }),
    book: () => client.book({ symbol }),
    aggTrades: () => client.aggTrades({ symbol }),
    candles: () => client.candles({ symbol }),
    trades: () => client.trades({ symbol }),
    tradesHistory: () => client.tradesHistory({ symbol }),
    dailyStats: () => client.dailyStats({ symbol }),
    prices: () => client.prices({ symbol }),
    avgPrice: () => client.avgPrice({ symbol }),
    allBookTickers: () => client.allBookTickers(),
    order: () => client.order(LIMIT),
    updateOrder: async () => client.updateOrder({ ...LIMIT, cancelOrderId: await order() }),
    orderOco: () => client.orderOco(OLD_OCO),
    orderTest: () => client.orderTest(LIMIT),
    getOrder: async () => client.getOrder({ symbol, orderId: await order() }),
    getOrderOco: async () => client.getOrderOco({ orderListId: await list() }),
    cancelOrder: async () => client.cancelOrder({ symbol, orderId: await order() }),
    cancelOrderOco: async () => client.cancelOrderOco({ symbol, orderListId: await list() }),
    cancelOpenOrders: async () => (await order(), client.cancelOpenOrders({ symbol })),
    openOrders: () => client.openOrders({}),
    allOrders: () => client.allOrders({ symbol }),
    allOrdersOCO: () => client.allOrdersOCO({}),
    accountInfo: () => client.accountInfo(),
    myTrades: () => client.myTrades({ symbol }),
    withdraw: refused(-2015, () => client.withdraw(WITHDRAWAL)),
    withdrawHistory: () => client.withdrawHistory(),
    depositHistory: () => client.depositHistory(),
    depositAddress: () => client.depositAddress({ coin: 'BTC' }),
    tradeFee: () => client.tradeFee(),
    assetDetail: () => client.assetDetail(),
    accountSnapshot: () => client.accountSnapshot({ type: 'SPOT' }),
    accountCoins: () => client.accountCoins(),
    capitalConfigs: () => client.capitalConfigs(),
    getDataStream: () => client.getDataStream(),
    keepDataStream: async () => client.keepDataStream({ listenKey: await keyOf() }),
    closeDataStream: async () => client.closeDataStream({ listenKey: await keyOf() }),
    isolatedMarginAllPairs: () => client.isolatedMarginAllPairs(),
    fundingWallet: () => client.fundingWallet(),
    apiRestrictions: () => client.apiRestrictions(),
    privateRequest: () => client.privateRequest('GET', '/api/v3/account', {}),
    publicRequest: () => client.publicRequest('GET', '/api/v3/depth', { symbol }),
});

// Those marked so ask under /api/v1, where nobody has that.
const nodeBinanceCalls = (client) => ({
    order: () => client.order('LIMIT', 'BUY', symbol, 0.001, 40000),
    ocoOrder: () => client.ocoOrder('SELL', symbol, 0.001, OCO),
    cancel: async () => client.cancel(symbol, await order()),
    cancelAll: async () => (await order(), client.cancelAll(symbol)),
    orderStatus: async () => client.orderStatus(symbol, await order()),
    openOrders: () => client.openOrders(),
    cancelAllOrders: async () => (await order(), client.cancelAllOrders(symbol)),
    allOrders: () => client.allOrders(symbol),
    time: () => client.time(),
    depth: () => client.depth(symbol),
    avgPrice: () => client.avgPrice(symbol),
    prices: () => client.prices(),
    bookTickers: () => client.bookTickers(),
    prevDay: () => client.prevDay(),
    dailyStats: () => client.dailyStats(symbol),
    exchangeInfo: () => client.exchangeInfo(),
    systemStatus: () => client.systemStatus(),
    withdraw: refused(-2015, () => client.withdraw('BTC', 'nowhere', 1)),
    withdrawHistory: refused(-1020, () => client.withdrawHistory()),
    depositHistory: refused(-1020, () => client.depositHistory()),
    depositAddress: refused(-1020, () => client.depositAddress('BTC')),
    accountStatus: () => client.accountStatus(),
    apiPermission: refused(-1020, () => client.apiPermission()),
    tradeFee: () => client.tradeFee(),
    account: () => client.account(),
    balance: () => client.balance(),
    trades: () => client.trades(symbol),
    myTrades: () => client.myTrades(symbol),
    useServerTime: () => client.useServerTime(),
    ping: () => client.ping(),
    aggTrades: () => client.aggTrades(symbol),
    recentTrades: () => client.recentTrades(symbol),
    historicalTrades: async () => client.historicalTrades(symbol, 1, await tradeId()),
    candlesticks: () => client.candlesticks(symbol, '1m'),
    candles: () => client.candles(symbol, '1m'),
    limitOrder: () => client.limitOrder('BUY', symbol, 0.001, 40000),
});

const spotRest = (rest) => ({
    accountCommission: () => rest.accountCommission({ symbol }),
    allOrderList: () => rest.allOrderList(),
    allOrders: () => rest.allOrders({ symbol }),
    getAccount: () => rest.getAccount({ omitZeroBalances: true }),
    getOpenOrders: () => rest.getOpenOrders(),
    getOrder: async () => rest.getOrder({ symbol, orderId: await order() }),
    getOrderList: async () => rest.getOrderList({ orderListId: await list() }),
    myAllocations: () => rest.myAllocations({ symbol }),
    myFilters: () => rest.myFilters({ symbol }),
    myPreventedMatches: async () => rest.myPreventedMatches({ symbol, orderId: await order() }),
    myTrades: () => rest.myTrades({ symbol }),
    openOrderList: () => rest.openOrderList(),
    rateLimitOrder: () => rest.rateLimitOrder(),
    exchangeInfo: () => rest.exchangeInfo({ symbols }),
    executionRules: () => rest.executionRules({ symbols }),
    ping: () => rest.ping(),
    time: () => rest.time(),
    aggTrades: () => rest.aggTrades({ symbol }),
    avgPrice: () => rest.avgPrice({ symbol }),
    depth: () => rest.depth({ symbol }),
    getTrades: () => rest.getTrades({ symbol }),
    historicalBlockTrades: () => rest.historicalBlockTrades({ symbol, fromId: 1 }),
    historicalTrades: () => rest.historicalTrades({ symbol }),
    klines: () => rest.klines({ symbol, interval: '1m' }),
    referencePrice: refused(-2043, () => rest.referencePrice({ symbol })),
    referencePriceCalculation: refused(-2043, () => rest.referencePriceCalculation({ symbol })),
    ticker: () => rest.ticker({ symbols }),
    ticker24hr: () => rest.ticker24hr({ symbols }),
    tickerBookTicker: () => rest.tickerBookTicker({ symbols }),
    tickerPrice: () => rest.tickerPrice({ symbols }),
    tickerTradingDay: () => rest.tickerTradingDay({ symbols }),
    uiKlines: () => rest.uiKlines({ symbol, interval: '1m' }),
    deleteOpenOrders: async () => (await order(), rest.deleteOpenOrders({ symbol })),
    deleteOrder: async () => rest.deleteOrder({ symbol, orderId: await order() }),
    deleteOrderList: async () => rest.deleteOrderList({ symbol, orderListId: await list() }),
    newOrder: () => rest.newOrder(LIMIT),
    orderAmendKeepPriority: async () => rest.orderAmendKeepPriority({ symbol, orderId: await order(), newQty: 0.0005 }),
    orderAmendments: async () => rest.orderAmendments({ symbol, orderId: await order() }),
    orderCancelReplace: async () => rest.orderCancelReplace({ ...LIMIT, cancelReplaceMode: 'STOP_ON_FAILURE',
                                                              cancelOrderId: await order() }),
    orderListOco: () => rest.orderListOco({ symbol, ...OCO }),
    orderListOto: () => rest.orderListOto(PENDING),
    orderListOtoco: () => rest.orderListOtoco(OTOCO),
    orderOco: () => rest.orderOco(OLD_OCO),
    orderTest: () => rest.orderTest({ ...LIMIT, computeCommissionRates: true }),
    sendRequest: () => rest.sendRequest('/api/v3/ping', 'GET'),
    sendSignedRequest: () => rest.sendSignedRequest('/api/v3/account', 'GET'),
    // API.md: skipped, and not offered.
    orderListOpo: refused(-1020, () => rest.orderListOpo(PENDING)),
    orderListOpoco: refused(-1020, () => rest.orderListOpoco(OTOCO)),
    sorOrder: refused(-1020, () => rest.sorOrder(LIMIT)),
    sorOrderTest: refused(-1020, () => rest.sorOrderTest(LIMIT)),
});

const data = async (answer) => (await answer).data;

const CLIENTS = [
    ['binance', binanceRest, (client) => client, routed, binance, (error) => error.code],
    ['@binance/connector', connectorRest, (client) => client, routed, connector, ({ response }) => response.data.code, data],
    ['binance-api-node', apiNode, (client) => client, routed, apiNodeCalls, (error) => error.code],
    ['node-binance-api', nodeBinance, (client) => client, routed, nodeBinanceCalls, ({ message }) => JSON.parse(message).code],
    ['@binance/spot', spotClient, (client) => client.restAPI, all, spotRest, (error) => error.code,
     async (answer) => (await answer).data()],
];

// Has a route of ours, and asks another exchange for it, or only in passing.
const NOT_OURS = {
    'node-binance-api': ['futuresAccount', 'depthCacheStream', 'chart', 'setOptions', 'ticker24h'],
    '@binance/spot': [],
};

for (const [name, connect, partOf, offered, callsOf, codeOf, open = (answer) => answer] of CLIENTS) {
    for (const kind of ['HMAC', 'Ed25519']) {
        test(`${name}: every method, ${kind}`, async () => {
            const part = partOf(connect(exchange, ann, kind)), calls = callsOf(part);
            const missing = offered(part).filter((one) => !(one in calls) && !(NOT_OURS[name] ?? []).includes(one));
            assert.deepEqual(missing, [], 'no test calls these');
            const wrong = [];
            for (const [method, call] of Object.entries(calls)) {
                try {
                    const answer = await open(call());
                    if (call.code !== undefined) wrong.push(`${method}: answered, not refused`);
                    if (answer === undefined || answer === null) wrong.push(`${method}: answered ${answer}`);
                } catch (error) {
                    let code;
                    try { code = codeOf(error); } catch { /* the error itself is told */ }
                    if (code === undefined || call.code !== code) {
                        wrong.push(`${method}: ${code} ${error.message ?? JSON.stringify(error)}`);
                    }
                }
                await signedRequest(exchange, ann, 'DELETE', '/api/v3/openOrders', { symbol });
            }
            assert.deepEqual(wrong, []);
        });
    }
}

// ---- refusals, as each client's users catch them ----

const ORDERS = {
    ccxt: (client) => (one) => client.privatePostOrder(one),
    binance: (client) => (one) => client.submitNewOrder(one),
    '@binance/connector': (client) => (one) => client.newOrder(one.symbol, one.side, one.type, one),
    'binance-api-node': (client) => (one) => client.order(one),
    'node-binance-api': (client) => ({ type, side, symbol: of, quantity, price, ...rest }) =>
        client.order(type, side, of, quantity, price, rest),
    '@binance/spot': (client) => (one) => client.restAPI.newOrder(one),
};

const FINDS = {
    ccxt: (client) => client.fetchOrder('999999999', 'BTC/USDT'),
    binance: (client) => client.getOrder({ symbol, orderId: 999999999 }),
    '@binance/connector': (client) => client.getOrder(symbol, { orderId: 999999999 }),
    'binance-api-node': (client) => client.getOrder({ symbol, orderId: 999999999 }),
    'node-binance-api': (client) => client.orderStatus(symbol, 999999999),
    '@binance/spot': (client) => client.restAPI.getOrder({ symbol, orderId: 999999999 }),
};

const REFUSALS = [
    [-2010, 'InsufficientFunds', { ...LIMIT, quantity: '9000', price: '99999' }],
    [-1121, 'BadSymbol', { ...LIMIT, symbol: 'NOPE' }],
    [-1013, 'InvalidOrder', { ...LIMIT, price: '40000.001' }],
    [-1013, 'InvalidOrder', { ...LIMIT, quantity: '0.0000101' }],
    [-2010, 'OrderImmediatelyFillable', { symbol, side: 'SELL', type: 'STOP_LOSS', quantity: '0.001', stopPrice: '60000' }],
];

const READERS = {
    ccxt: (error) => ({ name: error.name }),
    binance: ({ code, message }) => ({ code, message }),
    '@binance/connector': ({ response }) => ({ code: response.data.code, message: response.data.msg, status: response.status }),
    'binance-api-node': ({ code, message }) => ({ code, message }),
    'node-binance-api': ({ message }) => ({ code: JSON.parse(message).code, message: JSON.parse(message).msg }),
    '@binance/spot': ({ name, code, message }) => ({ name, code, message }),
};

async function assertRefused(name, ask, code, ccxtClass) {
    const read = READERS[name];
    await assert.rejects(ask, (error) => {
        const { code: told, name: kind, status } = read(error);
        if (name === 'ccxt') assert.equal(kind, ccxtClass, error.message);
        else assert.equal(told, code, error.message);
        if (name === '@binance/spot') assert.equal(kind, 'BadRequestError');
        if (name === '@binance/connector') assert.equal(status, 400);
        return true;
    }, `${name}: ${code}`);
}

test('each refusal is what the users of each client catch', async () => {
    const connects = { ccxt: ccxtRest, ...Object.fromEntries(CLIENTS.map(([name, connect]) => [name, connect])) };
    for (const [name, connect] of Object.entries(connects)) {
        const client = connect(exchange, ann);
        if (name === 'ccxt') await client.loadMarkets();
        const place = ORDERS[name](client);
        for (const [code, ccxtClass, order] of REFUSALS) await assertRefused(name, () => place(order), code, ccxtClass);
        await assertRefused(name, () => FINDS[name](client), -2013, 'OrderNotFound');
        // A clock that is two minutes late.
        const now = Date.now;
        mock.method(Date, 'now', () => now() - 120000);
        client.timeOffset = -120000; // node-binance-api asks another clock
        client.nonce = () => now() - 120000; // so does ccxt
        try {
            await assertRefused(name, () => place(LIMIT), -1021, 'InvalidNonce');
        } finally {
            mock.restoreAll();
        }
    }
});

test('every block is certified and verifies', async () => {
    await exchange.certified();
    assert.match(await exchange.verify(), /^right: .* all certified/);
});
