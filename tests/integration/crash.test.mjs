// kill -9 under load, again and again: every acknowledged order is there once, the chain verifies, and
// PostgreSQL equals the chain.   QUOREX_KILLS sets how often (default 50).

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { Exchange, quorex, units, until } from './exchange.mjs';

const kills = Number(process.env.QUOREX_KILLS ?? 50);
let exchange, ann, bob;

// What clients were told: client order id → the answer, and ids whose outcome nobody was told.
const acknowledged = new Map(), unknown = new Set();
let next = 1, running = true, lastRefusal = 'none';

before(async () => {
    exchange = await Exchange.start(18304);
    [ann, bob] = exchange.accounts;
});

after(() => exchange?.stop());

async function placeOne(account, side, price) {
    const id = `k${next++}`;
    unknown.add(id);
    try {
        const { status, body } = await signedRequest(exchange, account, 'POST', '/api/v3/order', {
            symbol: 'BTCUSDT', side, type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price,
            newClientOrderId: id,
        });
        if (status === 200) acknowledged.set(id, { account, body });
        else lastRefusal = JSON.stringify(body);
        if (body.code === -1013) { // 200 orders are open: make room
            await signedRequest(exchange, account, 'DELETE', '/api/v3/openOrders',
                                { symbol: 'BTCUSDT' });
        }
        if (status < 500) unknown.delete(id);
    } catch {
        // The connection broke: the outcome stays unknown. Do not spin while the node is away.
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

async function load(account, side) {
    while (running) {
        await placeOne(account, side, String(50000 + (next % 7)));
        await new Promise((resolve) => setImmediate(resolve));
    }
}

async function ordersOf(account) {
    const all = new Map();
    for (let from = 0; ;) {
        const { status, body } = await signedRequest(exchange, account, 'GET', '/api/v3/allOrders',
                                                     { symbol: 'BTCUSDT', orderId: from, limit: 1000 });
        assert.equal(status, 200, JSON.stringify(body));
        for (const order of body) {
            assert.ok(!all.has(order.clientOrderId), `order ${order.clientOrderId} twice`);
            all.set(order.clientOrderId, order);
        }
        if (body.length < 1000) return all;
        from = body.at(-1).orderId + 1;
    }
}

async function checkAcknowledged() {
    const told = new Map(acknowledged); // the load goes on meanwhile
    const found = new Map([[ann, await ordersOf(ann)], [bob, await ordersOf(bob)]]);
    for (const [id, { account, body }] of told) {
        const order = found.get(account).get(id);
        assert.ok(order, `acknowledged order ${id} is lost`);
        assert.equal(order.orderId, body.orderId);
        assert.ok(units(order.executedQty) >= units(body.executedQty));
    }
    for (const orders of found.values()) {
        for (const id of orders.keys()) {
            assert.ok(acknowledged.has(id) || unknown.has(id), `order ${id} was refused, yet exists`);
        }
    }
}

function psql(sql) {
    const conf = readFileSync(join(exchange.node, 'quorex.conf'), 'utf8');
    const conninfo = conf.match(/^database *= *(.*)$/m)[1].replace(/^"|"$/g, '');
    return execFileSync('psql', [conninfo, '-Atc', sql], { encoding: 'utf8' }).trim();
}

test(`kill -9, ${kills} times under load, loses and doubles nothing`, { timeout: 1200000 },
    async () => {
        const traders = [load(ann, 'SELL'), load(bob, 'BUY')];
        try {
            for (let i = 0; i < kills; i++) {
                const before = acknowledged.size;
                await until('some orders to be acknowledged',
                            () => acknowledged.size > before + 20)
                    .catch((error) => { throw new Error(`${error.message}; ${lastRefusal}`); });
                if (i % 3 === 0) await exchange.certified(); // or die before a block is sealed
                await exchange.kill();
                await exchange.startNode();
                if (i % 5 === 4) await checkAcknowledged();
            }
        } finally {
            running = false;
            await Promise.all(traders);
        }
        await checkAcknowledged();
        console.log(`# ${acknowledged.size} acknowledged, ${unknown.size} of unknown outcome`);
        assert.ok(acknowledged.size > kills * 20);
    });

test('the chain verifies, and every fill is in PostgreSQL once', async () => {
    const { certifiedHeight } = await exchange.certified();
    await until('PostgreSQL to have the chain',
                () => Number(psql('SELECT height FROM quorex.cursor')) >= certifiedHeight, 60);
    assert.match(await exchange.verify(), /^right: .*/);
    const fills = psql('SELECT count(*) || \' \' || count(DISTINCT (market, trade_id)) || \' \' || ' +
                       'coalesce(max(trade_id), 0) FROM quorex.fills WHERE market = 0');
    const [count, distinct, last] = fills.split(' ').map(Number);
    assert.equal(count, distinct);
    assert.equal(count, last, 'trade ids are gap-free');
    assert.ok(count > 0);
});

// Every table of the schema, its count of rows and a hash of them all. Left out are the rows that say how far the writer has come and when
// the schema was made; a chain at rest still has a block a second, so blocks up to `height` only.
function tablesUpTo(height) {
    const tables = psql('SELECT string_agg(c.relname, \',\' ORDER BY c.relname) FROM pg_class c ' +
                        'JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = \'quorex\' ' +
                        'AND c.relkind IN (\'r\', \'p\') AND NOT c.relispartition ' +
                        'AND c.relname NOT IN (\'cursor\', \'ahead\', \'migrations\')').split(',');
    return Object.fromEntries(tables.map((table) => [table, psql(
        'SELECT count(*) || \' \' || md5(coalesce(string_agg(t::text, \'|\' ORDER BY t::text), \'\')) ' +
        `FROM quorex.${table} t ${table === 'blocks' ? `WHERE height <= ${height}` : ''}`)]));
}

// Balances are written anew when one has changed: then they are true at the height of that block, or above.
const projected = (height) => until('PostgreSQL to have the chain', () => psql(
    `SELECT height >= ${height} AND balances_height >= ` +
    '(SELECT max(height) FROM quorex.ledger_entries) FROM quorex.cursor') === 't', 120);

// What the kills left there, row by row, and what the chain says when nothing interrupts it. Nobody trades any more.
test('after the kills every row of every table is what a rebuild makes', { timeout: 300000 }, async () => {
    const { certifiedHeight } = await exchange.certified();
    await projected(certifiedHeight);
    const survived = tablesUpTo(certifiedHeight);
    const counts = Object.fromEntries(Object.entries(survived).map(([table, text]) => [table, parseInt(text)]));
    assert.equal(counts.blocks, certifiedHeight);
    assert.ok(counts.orders > kills && counts.fills > kills && counts.ledger_entries > kills &&
              counts.candles > 0 && counts.balances > 3 && counts.accounts > 1 && counts.assets > 1 &&
              counts.markets > 0, JSON.stringify(counts));
    psql('DROP SCHEMA quorex CASCADE');
    await projected(certifiedHeight).catch((error) => { throw new Error(`not filled again: ${error.message}`); });
    assert.deepEqual(tablesUpTo(certifiedHeight), survived);
    console.log(`# the same in ${Object.keys(survived).length} tables, ${counts.ledger_entries} entries`);
});

test('replaying the log into a fresh node gives byte-identical blocks', async () => {
    const { height } = await exchange.certified();
    await exchange.kill();
    const chain = join(exchange.node, 'chain'), kept = join(exchange.dir, 'chain-kept');
    cpSync(chain, kept, { recursive: true });
    rmSync(chain, { recursive: true });
    mkdirSync(chain);
    await exchange.startNode();
    await until('the chain to be made again',
                async () => (await exchange.status()).certifiedHeight >= height);
    // The killed node may have had less in its file than in its log: what it had, byte for byte.
    for (const name of readdirSync(kept).filter((file) => !file.includes('index'))) {
        const before = readFileSync(join(kept, name)), now = readFileSync(join(chain, name));
        assert.ok(before.length > 1000 && now.length >= before.length);
        assert.equal(Buffer.compare(now.subarray(0, before.length), before), 0, name);
    }
});

test('PostgreSQL dropped and made anew is filled again with the same rows', async () => {
    const digest = () => psql(
        'SELECT md5(string_agg(f::text, \'|\' ORDER BY market, trade_id)) FROM ' +
        '(SELECT market, trade_id, price, qty, maker_order, taker_order, maker_fee, taker_fee ' +
        'FROM quorex.fills) f');
    const { certifiedHeight } = await exchange.certified();
    const caughtUp = () => until('PostgreSQL to catch up', () =>
        Number(psql('SELECT height FROM quorex.cursor')) >= certifiedHeight, 60);
    await caughtUp();
    const before = digest();
    psql('DROP SCHEMA quorex CASCADE');
    const order = await signedRequest(exchange, ann, 'POST', '/api/v3/order', {
        symbol: 'ETHUSDT', side: 'SELL', type: 'LIMIT', timeInForce: 'GTC', quantity: '1',
        price: '5000' });
    assert.equal(order.status, 200, 'trading goes on without PostgreSQL');
    await caughtUp();
    assert.equal(digest(), before);
});
