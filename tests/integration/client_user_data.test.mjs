// What each public client tells its user of his own orders and funds, in that client's own words: by every way that it
// has to listen, with both kinds of keys, over HTTP and over TLS.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { speakTls, tellTrusted, trusted } from './authority.mjs';
import { apiNode, binanceApi, binanceRest, binanceUserStreams, connectorApi, connectorRest, connectorStreams,
         nodeBinance, signedRequest, spotClient } from './clients.mjs';
import { Exchange, units, until } from './exchange.mjs';
import { fee, purse } from './trading.mjs';

const SYMBOL = 'BTCUSDT';
let exchange;

before(async () => {
    exchange = await Exchange.start(trusted ? 18466 : 18465);
    if (trusted) await speakTls(exchange, trusted);
});

after(() => exchange?.stop());

// ---- how each client calls what Binance calls by letters ----

const letters = Object.fromEntries('xXicCpqlLzZnNtmwSg'.split('').map((letter) => [letter, letter]));

const API_NODE = {
    kind: 'eventType', balances: 'balances', asset: 'asset', free: 'free', locked: 'locked',
    x: 'executionType', X: 'orderStatus', i: 'orderId', c: 'newClientOrderId', C: 'originalClientOrderId',
    p: 'price', q: 'quantity', l: 'lastTradeQuantity', L: 'priceLastTrade', z: 'totalTradeQuantity',
    Z: 'totalQuoteTradeQuantity', n: 'commission', N: 'commissionAsset', t: 'tradeId', m: 'isBuyerMaker',
    w: 'isOrderWorking', S: 'side', g: 'orderListId', listOrderStatus: 'listOrderStatus', orders: 'orders',
};

const BINANCE = {
    kind: 'eventType', balances: 'balances', asset: 'asset', free: 'availableBalance', locked: 'onOrderBalance',
    x: 'executionType', X: 'orderStatus', i: 'orderId', c: 'newClientOrderId', C: 'originalClientOrderId',
    p: 'price', q: 'quantity', l: 'lastTradeQuantity', L: 'lastTradePrice', z: 'accumulatedQuantity',
    Z: 'cummulativeQuoteAssetTransactedQty', n: 'commission', N: 'commissionAsset', t: 'tradeId', m: 'isMaker',
    w: 'isOrderOnBook', S: 'side', g: 'orderListId', listOrderStatus: 'listOrderStatus', orders: 'orders',
};

const RAW = { ...letters, kind: 'e', balances: 'B', asset: 'a', free: 'f', locked: 'l', listOrderStatus: 'L', orders: 'O' };

// ---- how each client is made to listen: heard(event); gives what ends it ----

async function byApiNode(account, kind, heard) {
    return apiNode(exchange, account, kind).ws.user(heard);
}

async function byNodeBinance(account, kind, heard) {
    const client = nodeBinance(exchange, account, kind), sorted = { balance: 0, execution: 0, list: 0 };
    const count = (name) => () => sorted[name]++;
    await new Promise((resolve) => {
        client.websockets.userData(heard, count('balance'), count('execution'), resolve, count('list'));
    });
    return async () => {
        assert.ok(sorted.balance > 0 && sorted.execution > 0 && sorted.list > 0, JSON.stringify(sorted));
        assert.deepEqual(await client.spotKeepDataStream(), {});
        await client.spotCloseDataStream();
    };
}

// By a signature or, with an Ed25519 key, by its session: whichever it takes of itself.
async function byBinance(account, kind, heard) {
    const client = binanceApi(exchange, account, kind, {});
    client.getWSClient().on('formattedUserDataMessage', heard);
    await client.subscribeUserDataStream('mainWSAPI');
    return async () => {
        const { result } = await client.getSpotSessionStatus();
        assert.equal(result.apiKey, kind === 'HMAC' ? null : account.apiKey);
        assert.equal(result.userDataStream, true);
        await client.unsubscribeUserDataStream('mainWSAPI');
        await client.disconnectAll();
    };
}

async function byBinanceKey(account, kind, heard) {
    const streams = binanceUserStreams(exchange, account, kind);
    const rest = binanceRest(exchange, account, kind);
    streams.on('formattedUserDataMessage', heard);
    const { wsKey, ws } = await streams.subscribeSpotUserDataStream();
    const listenKey = wsKey.split('_').find((part) => /^[A-Za-z0-9]{64}$/.test(part));
    return async () => {
        assert.deepEqual(await rest.keepAliveSpotUserDataListenKey(listenKey), {});
        await streams.closeUserDataStream('main', 'spot');
        streams.getUserDataStreamManager().teardownUserDataListenKey(listenKey, ws); // its timer
        assert.deepEqual(await rest.closeSpotUserDataListenKey(listenKey), {});
    };
}

async function bySpot(account, kind, heard) {
    const connection = await spotClient(exchange, account, kind).websocketAPI.connect();
    const { response, stream } = await connection.userDataStreamSubscribeSignature();
    stream.on('message', heard);
    return async () => {
        await connection.userDataStreamUnsubscribe({ subscriptionId: response.data.subscriptionId });
        await connection.disconnect();
    };
}

async function bySpotSession(account, kind, heard) {
    const connection = await spotClient(exchange, account, kind).websocketAPI.connect();
    const [{ data }] = await connection.sessionLogon();
    assert.equal(data.apiKey, account.apiKey);
    const { stream } = await connection.userDataStreamSubscribe();
    stream.on('message', heard);
    return async () => {
        assert.equal((await connection.sessionSubscriptions()).data.length, 1);
        assert.equal((await connection.sessionStatus()).data.userDataStream, true);
        assert.equal((await connection.sessionLogout())[0].data.apiKey, null);
        assert.deepEqual((await connection.sessionSubscriptions()).data, []);
        await connection.disconnect();
    };
}

const opened = (make) => new Promise((resolve) => {
    const streams = make({ open: () => resolve(streams) });
});

async function byConnector(account, kind, heard) {
    const rest = connectorRest(exchange, account, kind);
    const { listenKey } = (await rest.createListenKey()).data;
    const streams = await opened(({ open }) => {
        const one = connectorStreams(exchange, { open, message: (text) => heard(JSON.parse(text)) });
        one.userData(listenKey);
        return one;
    });
    return async () => {
        assert.deepEqual((await rest.renewListenKey(listenKey)).data, {});
        streams.disconnect();
        assert.deepEqual((await rest.closeListenKey(listenKey)).data, {});
        await assert.rejects(rest.renewListenKey(listenKey), ({ response }) => response.data.code === -1125);
    };
}

// The key from the WebSocket API, the stream among others.
async function byConnectorApi(account, kind, heard) {
    const api = await connectorApi(exchange, account);
    const answers = [];
    api.callbacks.message = (text) => answers.push(JSON.parse(text));
    const answer = async (ask) => {
        ask();
        const { result, error } = await until('an answer', () => answers.shift());
        assert.equal(error, undefined, JSON.stringify(error));
        return result;
    };
    const { listenKey } = await answer(() => api.startUserDataStream());
    const streams = await opened(({ open }) => {
        const take = ({ stream, data }) => { if (stream === listenKey) heard(data); };
        const one = connectorStreams(exchange, { open, message: (text) => take(JSON.parse(text)) },
                                     { combinedStreams: true });
        one.subscribe(['btcusdt@trade', listenKey]);
        return one;
    });
    return async () => {
        assert.deepEqual(await answer(() => api.pingUserDataStream(listenKey)), {});
        assert.deepEqual(await answer(() => api.stopUserDataStream(listenKey)), {});
        streams.disconnect();
        api.disconnect();
    };
}

// ---- the story ----

const isNear = (told, wanted, what) => assert.equal(Number(told), Number(wanted), what);

async function ask(account, method, path, params) {
    const { status, body } = await signedRequest(exchange, account, method, path, { symbol: SYMBOL, ...params });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
}

const place = (account, side, quantity, price, more) =>
    ask(account, 'POST', '/api/v3/order', { side, type: 'LIMIT', timeInForce: 'GTC', quantity, price, ...more });

function checkReports(words, reports, { maker, taker }) {
    const [placed, filled, canceled] = reports, own = (report, letter) => report[words[letter]];
    assert.deepEqual(reports.map((report) => [own(report, 'x'), own(report, 'X')]),
                     [['NEW', 'NEW'], ['TRADE', 'PARTIALLY_FILLED'], ['CANCELED', 'CANCELED']]);
    for (const report of reports) {
        isNear(own(report, 'i'), maker.orderId, 'orderId');
        assert.deepEqual([own(report, 'S'), Number(own(report, 'g'))], ['SELL', -1]);
    }
    assert.deepEqual([own(placed, 'c'), own(placed, 'C'), own(placed, 'N'), own(placed, 'w')], ['mine', '', null, true]);
    isNear(own(placed, 'q'), 0.02);
    isNear(own(placed, 'p'), 50000);
    isNear(own(placed, 't'), -1);
    for (const [letter, wanted] of [['l', 0.01], ['L', 50000], ['z', 0.01], ['Z', 500], ['t', taker.fills[0].tradeId],
                                    ['n', Number(fee(units('500'))) / 1e8]]) isNear(own(filled, letter), wanted, letter);
    assert.deepEqual([own(filled, 'N'), own(filled, 'm')], ['USDT', true]);
    assert.equal(own(canceled, 'C'), 'mine');
    assert.notEqual(own(canceled, 'c'), 'mine');
}

// The last word on each asset is what the purse holds.
async function checkFunds(words, events, account) {
    const held = await purse(exchange, account);
    await until('the funds as they are', () => {
        const told = {};
        for (const event of events.filter((one) => one[words.kind] === 'outboundAccountPosition'))
            for (const one of event[words.balances]) told[one[words.asset]] = [one[words.free], one[words.locked]].map(Number);
        for (const asset of ['BTC', 'USDT']) {
            const { free, locked } = held[asset];
            assert.deepEqual(told[asset], [free, locked].map((amount) => Number(amount) / 1e8), asset);
        }
        return true;
    });
}

async function checkList(words, events, account) {
    const { orderListId } = await ask(account, 'POST', '/api/v3/orderList/oco', {
        side: 'SELL', quantity: '0.01', aboveType: 'LIMIT_MAKER', abovePrice: '60000', belowType: 'STOP_LOSS',
        belowStopPrice: '30000' });
    await ask(account, 'DELETE', '/api/v3/orderList', { orderListId });
    const lists = () => events.filter((event) => event[words.kind] === 'listStatus');
    await until('the end of the list', () => lists().length === 2);
    for (const list of lists()) {
        isNear(list[words.g], orderListId);
        assert.equal(list[words.orders].length, 2);
    }
    assert.deepEqual(lists().map((list) => list[words.listOrderStatus]), ['EXECUTING', 'ALL_DONE']);
}

async function tell(words, listen, kind) {
    const [account, other] = exchange.accounts, events = [];
    const stop = await listen(account, kind, (event) => events.push(event));
    const reports = () => events.filter((event) => event[words.kind] === 'executionReport');
    const maker = await place(account, 'SELL', '0.02', '50000', { newClientOrderId: 'mine' });
    const taker = await place(other, 'BUY', '0.01', '50000');
    await ask(account, 'DELETE', '/api/v3/order', { orderId: maker.orderId });
    await until('the cancel to be told', () => reports().length === 3);
    checkReports(words, reports(), { maker, taker });
    await checkFunds(words, events, account);
    await checkList(words, events, account);
    await stop();
}

const WAYS = [
    ['binance-api-node', ['HMAC', 'Ed25519'], API_NODE, byApiNode],
    ['node-binance-api', ['HMAC', 'Ed25519'], RAW, byNodeBinance],
    ['binance, WebSocket API', ['HMAC', 'Ed25519'], BINANCE, byBinance],
    ['binance, listen key', ['HMAC', 'Ed25519'], BINANCE, byBinanceKey],
    ['@binance/spot, signed', ['HMAC', 'Ed25519'], RAW, bySpot],
    ['@binance/spot, session', ['HMAC', 'Ed25519'], RAW, bySpotSession],
    ['@binance/connector, listen key', ['HMAC', 'Ed25519'], RAW, byConnector],
    ['@binance/connector, WebSocket API', ['HMAC'], RAW, byConnectorApi],
];

for (const [name, kinds, words, listen] of WAYS) {
    for (const kind of kinds) test(`${name}, ${kind}${trusted ? ', TLS' : ''}`, () => tell(words, listen, kind));
}

test('every block is certified and verifies', async () => {
    await exchange.certified();
    assert.match(await exchange.verify(), /^right: .* all certified/);
});

if (!trusted) tellTrusted('the same over TLS', import.meta.url);
