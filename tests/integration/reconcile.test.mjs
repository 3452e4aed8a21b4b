// quorex admin reconcile against a real node: every balance compared in engine, settlement, account tree and
// PostgreSQL, while there is trading; and PostgreSQL made wrong by hand, which is found and stops nobody.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { Exchange, quorex, until } from './exchange.mjs';

let exchange, ann, bob;

before(async () => {
    exchange = await Exchange.start(Number(process.env.QUOREX_PORT ?? 18860));
    [ann, bob] = exchange.accounts;
});

after(() => exchange?.stop());

function psql(sql) {
    const conf = readFileSync(join(exchange.node, 'quorex.conf'), 'utf8');
    const conninfo = conf.match(/^database *= *(.*)$/m)[1].replace(/^"|"$/g, '');
    return execFileSync('psql', [conninfo, '-Atc', sql], { encoding: 'utf8' }).trim();
}

// { code, out, error } of quorex admin reconcile, the node meanwhile at work.
function reconcile() {
    return new Promise((resolve) => {
        execFile(quorex, ['admin', '--url', exchange.http, '--operator-key', join(exchange.dir, 'operator.key'),
                          'reconcile', 'seconds=60'],
                 (failure, out, error) => resolve({ code: failure?.code ?? 0, out, error }));
    });
}

async function trade(count) {
    for (let i = 0; i < count; i++) {
        for (const [account, side] of [[ann, 'SELL'], [bob, 'BUY']]) {
            const { status, body } = await signedRequest(exchange, account, 'POST', '/api/v3/order', {
                symbol: 'BTCUSDT', side, type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price: '50000' });
            assert.equal(status, 200, JSON.stringify(body));
        }
    }
}

test('a pass that is asked for finds everything the same, while there is trading', { timeout: 120000 }, async () => {
    const trading = trade(200);
    const { code, out, error } = await reconcile();
    await trading;
    assert.equal(code, 0, error);
    assert.match(out, /engine = settlement = state root.*: \d+ balances of \d+ accounts/);
    assert.match(out, /PostgreSQL the same, trade ids without a gap: \d+ balances/);
});

test('who is no operator asks for nothing', async () => {
    const response = await fetch(`${exchange.http}/quorex/v1/reconciliation`,
                                 { method: 'POST', body: `action=reconcile&timestamp=${Date.now()}` });
    assert.equal(response.status, 401);
    const { asked } = await exchange.get('/quorex/v1/reconciliation');
    assert.equal(asked, 1);
});

test('a wrong row of PostgreSQL is named, and trading goes on', { timeout: 120000 }, async () => {
    await exchange.certified();
    await until('PostgreSQL to be filled',
                async () => (await exchange.status()).projectedHeight >= (await exchange.status()).height - 1);
    // Or the refresh that follows would put the row right again.
    await until('balances to be refreshed after the last trade', () =>
        psql('SELECT balances_height >= (SELECT max(height) FROM quorex.ledger_entries) FROM quorex.cursor') === 't');
    const account = psql('SELECT min(account) FROM quorex.balances WHERE available > 5');
    psql(`UPDATE quorex.balances SET available = available + 5 WHERE account = ${account} AND asset = 0`);
    const { code, error } = await reconcile();
    assert.equal(code, 1);
    assert.match(error, /PostgreSQL differs/);
    assert.match(readFileSync(join(exchange.node, 'log'), 'utf8'),
                 new RegExp(`available balance of a row" account=${account} asset=0 .*chain=\\d+ database=\\d+`));
    const health = await fetch(`${exchange.http}/healthz`);
    assert.equal(health.status, 200);
    assert.equal((await health.json()).database, 'wrong');
    assert.match(await (await fetch(`${exchange.http}/metrics`)).text(), /^quorex_database_wrong 1$/m);
    await trade(2);

    psql('DROP SCHEMA quorex CASCADE');
    await until('PostgreSQL to be filled and found right',
                async () => !(await exchange.get('/quorex/v1/reconciliation')).databaseWrong, 60);
    assert.equal((await reconcile()).code, 0);
});
