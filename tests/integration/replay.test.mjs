// What a node published, made again: the market makers trade for a while and some others beside them, every
// trade is recorded as the public API tells it, the node stops, and its chain's commands through the bare
// engine give the same events, byte for byte, and the same trades.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { signedRequest } from './clients.mjs';
import { Exchange, quorex, until } from './exchange.mjs';

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'ETHBTC'];
const TRADES = 600, TRADES_OF_EACH = 50;
let exchange, flow, socket;

// By symbol and id, as the streams and the REST interface told them.
const streamed = new Map(SYMBOLS.map((symbol) => [symbol, new Map()]));
const published = new Map();

before(async () => {
    exchange = await Exchange.start(18361);
});

after(async () => {
    socket?.close();
    if (flow?.exitCode === null) flow.kill('SIGKILL');
    await exchange?.stop();
});

async function listen() {
    const streams = SYMBOLS.map((symbol) => `${symbol.toLowerCase()}@trade`).join('/');
    socket = new WebSocket(`${exchange.ws}/stream?streams=${streams}`);
    socket.on('message', (message) => {
        const { data } = JSON.parse(message);
        const { t: id, p: price, q: qty, T: time, m: isBuyerMaker } = data;
        const trades = streamed.get(data.s);
        assert.ok(!trades.has(id), `${data.s} trade ${id} came twice`);
        trades.set(id, { id, price, qty, time, isBuyerMaker });
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
}

function streamedCount(symbol) {
    return streamed.get(symbol).size;
}

// One request of somebody who trades beside the market makers, in ways that they do not.
async function others(turn) {
    const [ann, bob] = exchange.accounts, symbol = SYMBOLS[0];
    const { price: last } = await exchange.get(`/api/v3/ticker/price?symbol=${symbol}`);
    const near = (part) => (Number(last) * part).toFixed(2);
    const kinds = [
        { type: 'MARKET', side: 'BUY', quoteOrderQty: '150' },
        { type: 'STOP_LOSS', side: 'SELL', quantity: '0.002', stopPrice: near(0.9999) },
        { type: 'TAKE_PROFIT_LIMIT', side: 'SELL', quantity: '0.002', timeInForce: 'GTC',
          price: near(1), stopPrice: near(1.0001) },
        { type: 'LIMIT', side: 'SELL', quantity: '0.01', icebergQty: '0.002', timeInForce: 'GTC',
          price: near(1.0001) },
        { type: 'LIMIT', side: 'BUY', quantity: '0.003', timeInForce: 'FOK', price: near(1.001) },
        { type: 'STOP_LOSS', side: 'BUY', quantity: '0.002', trailingDelta: '10' },
        { type: 'LIMIT', side: 'BUY', quantity: '0.01', timeInForce: 'GTC', price: near(0.9999),
          selfTradePreventionMode: 'EXPIRE_MAKER' },
    ];
    const asked = { symbol, newOrderRespType: 'ACK', ...kinds[turn % kinds.length] };
    const { status } = await signedRequest(exchange, turn % 2 ? ann : bob, 'POST', '/api/v3/order', asked);
    return status === 200;
}

async function stopFlow() {
    const exited = new Promise((resolve) => flow.once('exit', resolve));
    flow.kill('SIGTERM');
    assert.equal(await exited, 0);
}

async function publishedTrades(symbol) {
    const trades = [];
    for (;;) {
        const from = trades.length === 0 ? 1 : trades.at(-1).id + 1;
        const page = await exchange.get(
            `/api/v3/historicalTrades?symbol=${symbol}&fromId=${from}&limit=1000`);
        assert.ok(Array.isArray(page), JSON.stringify(page));
        trades.push(...page);
        if (page.length < 1000) return trades;
    }
}

test('the market makers and others trade, and the streams tell what REST tells', async () => {
    await listen();
    flow = spawn(quorex, ['demo-flow', '--url', exchange.http, '--rate', '500', '--accounts',
                          join(exchange.dir, 'flow-accounts.json')], { stdio: 'ignore' });
    let turns = 0, accepted = 0;
    await until(`${TRADES} trades, and ${TRADES_OF_EACH} in each market`, async () => {
        if (streamedCount(SYMBOLS[0]) > 0 && await others(turns++)) accepted++;
        const counts = SYMBOLS.map(streamedCount);
        return Math.min(...counts) >= TRADES_OF_EACH && counts.reduce((a, b) => a + b) >= TRADES;
    }, 120);
    await stopFlow();
    assert.ok(accepted >= 7, `${accepted} orders of others were accepted`);
    await exchange.certified(); // whatever was published is in a block now
    for (const symbol of SYMBOLS) {
        const trades = await publishedTrades(symbol);
        published.set(symbol, trades);
        await until(`the stream of ${symbol}`, () => streamedCount(symbol) === trades.length);
        assert.deepEqual(trades.map((trade) => trade.id), trades.map((_, index) => index + 1));
        for (const { id, price, qty, time, isBuyerMaker } of trades) {
            assert.deepEqual(streamed.get(symbol).get(id), { id, price, qty, time, isBuyerMaker });
        }
    }
    socket.close();
    await exchange.down();
});

// Exit code, the object printed, and what was said on standard error.
function replay(chain, ...more) {
    const args = ['bench', 'engine', '--chain', chain, '--genesis', join(exchange.node, 'genesis.json')];
    return new Promise((resolve) => {
        execFile(quorex, [...args, ...more], { timeout: 120000 }, (error, stdout, stderr) => {
            resolve({ code: error ? error.code : 0, said: stderr, ...JSON.parse(stdout) });
        });
    });
}

test('the chain\'s commands give the events and the trades that were published', async () => {
    const file = join(exchange.dir, 'trades');
    const made = await replay(join(exchange.node, 'chain'), '--trades', file);
    console.log(`# ${made.commands} commands, ${made.trades} trades, ${made.events} events in ` +
                `${made.blocks} blocks, ${made.ns_per_command} ns a command`);
    assert.equal(made.code, 0, made.said);
    assert.equal(made.ok, true);
    assert.equal(made.event_hash, made.chain_event_hash);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.equal(lines.length, made.trades);
    for (const symbol of SYMBOLS) {
        const again = lines.filter((trade) => trade.symbol === symbol);
        const expected = published.get(symbol).map(({ isBestMatch, ...trade }) => ({ symbol, ...trade }));
        assert.deepEqual(again, expected, symbol);
    }
    assert.equal(lines.length, [...published.values()].flat().length);
});

// ---- A chain that somebody has changed ----

const RECORD_HEADER = 24, BLOCK_HEADER = 448, APPLIED_HEADER = 32, EVENT_HEADER = 4, BLOCK = 1, FILL = 277;

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
    for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0x82f63b78 : byte >>> 1;
    return byte >>> 0;
});

function crc32c(bytes) {
    let crc = 0xffffffff;
    for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
}

function recordCrc(record) {
    return crc32c(Buffer.concat([record.subarray(0, 4), record.subarray(8)]));
}

// Every fill of a segment: its record, its payload in the segment's bytes, its command's number.
function* fillsOf(segment) {
    for (let at = 0, next; at < segment.length; at = next) {
        next = at + RECORD_HEADER + segment.readUInt32LE(at);
        const record = segment.subarray(at, next);
        if (record.readUInt32LE(8) !== BLOCK) continue;
        for (let body = at + RECORD_HEADER + BLOCK_HEADER, end; body < next; body = end) {
            const commandBytes = segment.readUInt32LE(body + 16);
            const number = Number(segment.readBigUInt64LE(body));
            let event = body + APPLIED_HEADER + commandBytes;
            end = event + segment.readUInt32LE(body + 20);
            while (event < end) {
                if (segment.readUInt16LE(event) === FILL) {
                    yield { record, number, payload: event + EVENT_HEADER };
                }
                event += EVENT_HEADER + segment.readUInt16LE(event + 2);
            }
        }
    }
}

function damagedCopy(name, { remadeChecksum }) {
    const copy = join(exchange.dir, name);
    cpSync(join(exchange.node, 'chain'), copy, { recursive: true });
    const path = join(copy, readdirSync(copy).find((file) => file.endsWith('.segment')));
    const segment = readFileSync(path);
    const fills = [...fillsOf(segment)];
    const { record, number, payload } = fills[fills.length >> 1];
    assert.equal(recordCrc(record), record.readUInt32LE(4), 'our own checksum');
    segment[payload + 32] ^= 1; // the price's lowest bit
    if (remadeChecksum) record.writeUInt32LE(recordCrc(record), 4);
    writeFileSync(path, segment);
    return { copy, number };
}

test('one changed bit of one fill is refused, and its command is named', async () => {
    const { copy, number } = damagedCopy('chain-changed', { remadeChecksum: true });
    const { code, said, ok, first_difference, event_hash, chain_event_hash } = await replay(copy);
    assert.equal(code, 1);
    assert.equal(ok, false);
    assert.equal(first_difference, number);
    assert.match(said, new RegExp(`of command ${number} is FILL in the chain and another in the replay`));
    assert.notEqual(event_hash, chain_event_hash);
});

test('the same bit under the old checksum is refused before anything is executed', async () => {
    const { copy } = damagedCopy('chain-damaged', { remadeChecksum: false });
    const { code, said, ok } = await replay(copy);
    assert.equal(code, 1);
    assert.equal(ok, false);
    assert.match(said, /block \d+: bytes on disk are not what was written/);
});
