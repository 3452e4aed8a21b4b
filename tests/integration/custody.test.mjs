// Deposits and withdrawals over real sockets: an operator opens a way to a chain, a connector tells what the chain
// shows and does what is released, an account withdraws with a key of its own; what is forged, told twice or
// ahead of its time is refused by name. The node is started again from a checkpoint, and its chain verified.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHmac, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Postgres } from './cluster.mjs';
import { quorex, until } from './exchange.mjs';

const port = 25600, http = `http://127.0.0.1:${port}`;
const dir = mkdtempSync(join(tmpdir(), 'quorex-custody-')), node = join(dir, 'node-0');
const txid = (number) => number.toString(16).padStart(64, '0');
const postgres = new Postgres(join(dir, 'sql'));
let child, account, other;

async function startNode() {
    const out = openSync(join(node, 'log'), 'a');
    child = spawn(quorex, ['node', '--config', join(node, 'quorex.conf'), '--limits', 'off'],
                  { stdio: ['ignore', out, out] });
    await until('the node to be ready', async () => (await fetch(`${http}/readyz`)).ok, 60);
}

async function stopNode() {
    if (!child) return;
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    child = null;
}

function command(...words) {
    return new Promise((resolve) => execFile(quorex, words, { timeout: 120000 }, (error, stdout, stderr) =>
        resolve({ code: error ? error.code : 0, said: stdout, told: stderr })));
}

// An operator's command as `quorex admin` sends it: the answer, or the refusal.
async function admin(...words) {
    const { said, told } = await command('admin', '--url', http, '--operator-key', join(dir, 'operator.key'), ...words);
    const text = (said + told).match(/\{.*\}/s);
    assert.ok(text, said + told);
    return JSON.parse(text[0]);
}

// What a connector sends by itself: text signed with the operator's key, which init wrote as PKCS#8 or as hex.
let operator;
function signedByOperator(parameters) {
    const text = new URLSearchParams(parameters).toString();
    const signature = sign(null, Buffer.from(text), operator.key).toString('hex');
    return `${text}&signature=${signature}`;
}

let nonce = Date.now() * 1000;
async function report(parameters) {
    nonce = Math.max(nonce + 1, Date.now() * 1000);
    const response = await fetch(`${http}/quorex/v1/custody/reports?${signedByOperator({ ...parameters, nonce })}`,
                                 { method: 'POST', headers: { 'X-Quorex-Operator': operator.publicKey } });
    return { status: response.status, body: await response.json() };
}

async function poll(path, parameters = {}) {
    const text = signedByOperator({ ...parameters, timestamp: Date.now() });
    const response = await fetch(`${http}/quorex/v1/custody/${path}?${text}`,
                                 { headers: { 'X-Quorex-Operator': operator.publicKey } });
    return { status: response.status, body: await response.json() };
}

async function signed(who, method, path, parameters = {}, change = (text) => text) {
    const text = new URLSearchParams({ ...parameters, timestamp: Date.now() }).toString();
    const signature = who.key ? sign(null, Buffer.from(text), who.key).toString('base64')
                              : createHmac('sha256', who.secretKey).update(text).digest('hex');
    const response = await fetch(`${http}${path}?${change(text)}&signature=${encodeURIComponent(signature)}`,
                                 { method, headers: { 'X-MBX-APIKEY': who.apiKey } });
    return { status: response.status, body: await response.json() };
}

async function balance() {
    const { body } = await signed(account.trading, 'GET', '/api/v3/account');
    const { free, locked } = body.balances.find((b) => b.asset === 'BTC');
    return [Number(free), Number(locked)];
}

const withdrawal = { action: 'withdraw', chain: 'ETH', asset: 'BTC', address: 'bc1-mine' };
const deposit = { action: 'deposit-report', chain: 'ETH', output: 0, asset: 'BTC', address: 'dep-1' };

before(async () => {
    chmodSync(dir, 0o755); // PostgreSQL's user walks through it
    postgres.make(['quorex_0']);
    execFileSync(quorex, ['init', '--data', dir, '--port', port, '--checkpoint-blocks', '10', '--demo', '--database',
                          `host=${postgres.directory} dbname=quorex_%K user=quorex`], { timeout: 60000 });
    await startNode();
    execFileSync(quorex, ['demo-accounts', '--url', http, '--data', dir], { timeout: 60000 });
    const [ann, bob] = JSON.parse(readFileSync(join(dir, 'accounts.json')));
    const pair = generateKeyPairSync('ed25519');
    const raw = pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
    account = { number: ann.account, trading: ann, withdrawing: { apiKey: raw, key: pair.privateKey } };
    other = { number: bob.account, trading: bob };
    const secret = readFileSync(join(dir, 'operator.key'), 'utf8').trim();
    const key = secret.includes('BEGIN') ? createPrivateKey(secret) :
        createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'),
                                               Buffer.from(secret.slice(0, 64), 'hex')]), format: 'der', type: 'pkcs8' });
    operator = { key, publicKey: JSON.parse(JSON.stringify(key.export({ format: 'jwk' }))).x };
    operator.publicKey = Buffer.from(operator.publicKey, 'base64url').toString('hex');
    const added = await admin('add-key', `account=${ann.account}`, `keyId=${raw}`, `publicKey=${raw}`, 'hmac=false',
                              'permissions=READ,WITHDRAW');
    assert.equal(added.result, 'key-added');
});

after(async () => {
    await stopNode().catch(() => child?.kill('SIGKILL'));
    postgres.stop();
    rmSync(dir, { recursive: true, force: true });
});

test('an operator opens a way to a chain and assigns an address', async () => {
    const route = await admin('set-route', 'chain=ETH', 'asset=BTC', 'decimals=18', 'confirmations=3', 'connector=0',
                              'withdrawMin=0.001', 'withdrawMax=5', 'withdrawDayMax=5', 'approvalAbove=0.1', 'approvals=1',
                              'addressDelay=0');
    assert.equal(route.result, 'route-changed', JSON.stringify(route));
    const { body } = await report({ action: 'deposit-address', account: account.number, chain: 'ETH', address: 'dep-1' });
    assert.equal(body.address?.kind, 'DEPOSIT', JSON.stringify(body));
    const known = await signed(account.trading, 'GET', '/quorex/v1/addresses');
    assert.deepEqual(known.body.map((a) => a.address), ['dep-1']);
    const { body: none } = await report({ action: 'credit', account: 1, asset: 'BTC', amount: '1' });
    assert.equal(none.code, -1130, 'a connector does not credit');
});

test('operators set what a withdrawal costs, and clients are told as Binance tells it', async () => {
    const coin = async () => (await signed(account.trading, 'GET', '/sapi/v1/capital/config/getall')).body.find((c) => c.coin === 'BTC');
    const { networkList: [free] } = await coin();
    assert.equal(free.withdrawFee, '0.00000000', JSON.stringify(free));
    const set = (...words) => admin('set-withdraw-fee', ...words);
    assert.equal((await set('chain=BTC', 'asset=BTC', 'withdrawFee=0.0005')).code, -9102, 'no such route');
    assert.ok((await set('chain=ETH', 'asset=BTC', 'withdrawFee=-1')).code < -1000);
    assert.equal((await set('chain=ETH', 'asset=BTC', 'withdrawFee=0.00100001')).code, -9103, 'above withdrawMin');
    assert.equal((await report({ action: 'route-fee-set', chain: 'ETH', asset: 'BTC', withdrawFee: '0.0005' })).body.code, -1130,
                 'a connector does not');
    const changed = await set('chain=ETH', 'asset=BTC', 'withdrawFee=0.0005');
    assert.equal(changed.result, 'route-fee-changed', JSON.stringify(changed));
    assert.ok(Math.abs(changed.effectiveFrom - Date.now()) < 60000, 'no delay, as its addresses have none');
    const { depositAllEnable, withdrawAllEnable, networkList } = await coin();
    assert.deepEqual([depositAllEnable, withdrawAllEnable, networkList.length], [true, true, 1]);
    const { network, withdrawEnable, withdrawFee, withdrawMin, withdrawMax, withdrawIntegerMultiple, minConfirm } = networkList[0];
    assert.deepEqual({ network, withdrawEnable, withdrawFee, withdrawMin, withdrawMax, withdrawIntegerMultiple, minConfirm },
        { network: 'ETH', withdrawEnable: true, withdrawFee: '0.00050000', withdrawMin: '0.00100000', withdrawMax: '5.00000000',
          withdrawIntegerMultiple: '0.00000001', minConfirm: 3 });
});

test('a deposit is credited once, with its last confirmation, and is answered alike when told again', async () => {
    const [before] = await balance();
    const told = { ...deposit, txid: txid(1), amount: '2500000000000000000', height: 100 };
    const first = await report({ ...told, confirmations: 2 });
    assert.equal(first.body.deposit.status, 'CONFIRMING', JSON.stringify(first.body));
    assert.equal((await balance())[0], before);
    const answers = [];
    for (let i = 0; i < 2; i++) answers.push((await report({ ...told, confirmations: 3 })).body.deposit);
    assert.deepEqual(answers[0], answers[1]);
    assert.equal(answers[0].status, 'CREDITED');
    assert.equal(answers[0].amount, '2.50000000');
    assert.equal(answers[0].chainAmount, '2500000000000000000');
    assert.equal((await balance())[0], before + 2.5);
    const { body } = await signed(account.trading, 'GET', '/quorex/v1/deposits');
    assert.deepEqual(body, [answers[0]]);
    assert.deepEqual((await signed(other.trading, 'GET', '/quorex/v1/deposits')).body, []);
});

test('what contradicts itself or is no whole number of units is refused', async () => {
    const told = { ...deposit, txid: txid(1), height: 100, confirmations: 3 };
    assert.equal((await report({ ...told, amount: '2400000000000000000' })).body.code, -9106);
    assert.equal((await report({ ...told, txid: txid(2), amount: '1' })).body.code, -9109);
    assert.equal((await report({ ...told, txid: txid(2), amount: '2', address: 'dep-2' })).body.code, -9105);
    assert.equal((await report({ ...told, txid: txid(2), amount: '1'.repeat(79) })).body.code, -1130);
});

test('a deposit that is gone is taken back', async () => {
    const [before] = await balance();
    await report({ ...deposit, txid: txid(3), amount: '1000000000000000000', height: 101, confirmations: 3 });
    assert.equal((await balance())[0], before + 1);
    const gone = await report({ action: 'deposit-reorg', chain: 'ETH', txid: txid(3), output: 0 });
    assert.equal(gone.body.deposit.status, 'REORGED');
    assert.equal((await balance())[0], before);
});

test('only an Ed25519 key that may withdraw moves money out', async () => {
    const wish = { ...withdrawal, amount: '0.05', withdrawOrderId: 'no' };
    assert.equal((await signed(account.trading, 'POST', '/quorex/v1/withdrawals', wish)).body.code, -2015);
    const forged = { ...account.withdrawing, key: generateKeyPairSync('ed25519').privateKey };
    assert.equal((await signed(forged, 'POST', '/quorex/v1/withdrawals', wish)).body.code, -1022);
    for (const change of [(text) => text.replace('0.05', '0.06'), (text) => text.replace('bc1-mine', 'bc1-evil')]) {
        const { body } = await signed(account.withdrawing, 'POST', '/quorex/v1/withdrawals', wish, change);
        assert.equal(body.code, -1022);
    }
    const { body } = await signed(account.withdrawing, 'POST', '/quorex/v1/withdrawals', wish);
    assert.equal(body.code, -9105, 'the address is not allowed yet');
});

test('a small withdrawal is released with its block, and gone when the chain has it', async () => {
    const allowed = await signed(account.withdrawing, 'POST', '/quorex/v1/addresses',
                                 { action: 'address-allow', chain: 'ETH', address: 'bc1-mine' });
    assert.equal(allowed.body.allowed, true, JSON.stringify(allowed.body));
    const [before] = await balance();
    const wish = { ...withdrawal, amount: '0.05', withdrawOrderId: 'small' };
    const asked = await signed(account.withdrawing, 'POST', '/quorex/v1/withdrawals', wish);
    assert.equal(asked.body.status, 'APPROVED', JSON.stringify(asked.body));
    const again = await signed(account.withdrawing, 'POST', '/quorex/v1/withdrawals', wish);
    assert.equal(again.body.code, -9113);
    assert.equal(again.status, 400);
    assert.deepEqual(again.body.withdrawal, asked.body, 'the first one, as it was answered');
    assert.equal((await balance())[0], Number((before - 0.05).toFixed(8)));

    const [released] = await until('the withdrawal to be released', async () => {
        const { body } = await poll('withdrawals', { status: 'RELEASED' });
        return body.length > 0 ? body : null;
    });
    assert.equal(released.id, asked.body.id);
    assert.deepEqual([released.amount, released.transactionFee, released.paid, released.chainAmount],
                     ['0.05000000', '0.00050000', '0.04950000', '49500000000000000']);
    assert.ok((await (await fetch(`${http}/quorex/v1/status`)).json()).certifiedHeight >= released.block);

    const tell = (status) => report({ action: 'withdrawal-report', withdrawal: released.id, status, txid: txid(77) });
    assert.equal((await tell('FINAL')).body.code, -9115);
    assert.equal((await tell('BROADCAST')).body.withdrawal.status, 'BROADCAST');
    assert.deepEqual((await poll('withdrawals', { status: 'RELEASED' })).body, []);
    const ends = [(await tell('FINAL')).body.withdrawal, (await tell('FINAL')).body.withdrawal];
    assert.deepEqual(ends[0], ends[1]);
    assert.equal(ends[0].status, 'FINAL');
});

test('a large one waits for an operator who names what he saw, and comes back when it fails', async () => {
    const [before] = await balance();
    const { body: asked } = await signed(account.withdrawing, 'POST', '/quorex/v1/withdrawals',
                                         { ...withdrawal, amount: '2', withdrawOrderId: 'large' });
    assert.equal(asked.status, 'HELD', JSON.stringify(asked));
    assert.deepEqual(await balance(), [Number((before - 2).toFixed(8)), 2]);
    const approve = (amount, address) => admin('approve-withdrawal', `withdrawal=${asked.id}`, 'asset=BTC',
                                               `amount=${amount}`, `address=${address}`);
    assert.equal((await approve('2.1', 'bc1-mine')).code, -9116);
    assert.equal((await approve('2', 'bc1-evil')).code, -9116);
    assert.equal((await approve('2', 'bc1-mine')).withdrawal.status, 'APPROVED');
    const failed = await report({ action: 'withdrawal-report', withdrawal: asked.id, status: 'FAILED' });
    assert.equal(failed.body.withdrawal.status, 'FAILED');
    assert.deepEqual(await balance(), [before, 0]);
});

test('one that is denied, failed or taken back comes back whole, and does not count for the limit of the day', async () => {
    const [before] = await balance();
    const ask = (amount, withdrawOrderId) => signed(account.withdrawing, 'POST', '/quorex/v1/withdrawals',
                                                    { ...withdrawal, amount, withdrawOrderId });
    assert.equal((await ask('5.5', 'a')).body.code, -9111);
    const { body: asked } = await ask('3', 'b');
    assert.equal((await admin('deny-withdrawal', `withdrawal=${asked.id}`)).withdrawal.status, 'DENIED');
    assert.deepEqual(await balance(), [before, 0]);
    const { body: regretted } = await ask('0.5', 'd');
    const { body: canceled } = await signed(account.withdrawing, 'DELETE', '/quorex/v1/withdrawals',
                                            { action: 'withdraw-cancel', withdrawal: regretted.id });
    assert.equal(canceled.status, 'CANCELED', JSON.stringify(canceled));
    assert.deepEqual(await balance(), [before, 0]);
    assert.equal((await ask('4.95000001', 'c')).body.code, -9112); // 0.05 are gone
    const { body: rest } = await ask('4.95', 'e');
    assert.equal(rest.status, 'HELD', JSON.stringify(rest));
    assert.equal((await ask('0.001', 'f')).body.code, -9112);
    assert.equal((await admin('deny-withdrawal', `withdrawal=${rest.id}`)).withdrawal.status, 'DENIED');
    assert.deepEqual(await balance(), [before, 0]);
});

// As the clients of Binance send it. `applied` is what history and the projection must have of it.
let applied;
test('the wallet API asks for a withdrawal by its own words, once', async () => {
    const [before] = await balance();
    const path = '/sapi/v1/capital/withdraw/apply', wish = { coin: 'BTC', network: 'ETH', address: 'bc1-mine', amount: '0.06' };
    const text = new URLSearchParams({ ...wish, timestamp: Date.now() }).toString();
    const send = async (who, parameters, signature) => {
        const response = await fetch(`${http}${path}?${parameters}&signature=${encodeURIComponent(signature)}`,
                                     { method: 'POST', headers: { 'X-MBX-APIKEY': who.apiKey } });
        return { status: response.status, body: await response.json() };
    };
    const signature = sign(null, Buffer.from(text), account.withdrawing.key).toString('base64');
    const asked = await send(account.withdrawing, text, signature);
    assert.deepEqual([asked.status, asked.body], [200, { id: '6' }]);
    const replayed = await send(account.withdrawing, text, signature);
    assert.deepEqual([replayed.status, replayed.body.code, replayed.body.withdrawal.id], [400, -9113, 6]);
    const id = replayed.body.withdrawal.withdrawOrderId;
    assert.match(id, new RegExp(`^at-${new URLSearchParams(text).get('timestamp')}000000-[0-9a-f]{13}$`));
    assert.equal((await send(account.withdrawing, text.replace('0.06', '0.07'), signature)).body.code, -1022);
    assert.equal((await send(account.trading, text, signature)).body.code, -2015, 'a key that may not withdraw');
    assert.equal((await signed(account.withdrawing, 'POST', path, { ...wish, address: 'bc1-evil' })).body.code, -9105);
    assert.equal((await signed(account.withdrawing, 'POST', path, { ...wish, addressTag: '7' })).body.code, -1106);
    assert.equal((await signed(account.withdrawing, 'POST', path, { ...wish, network: 'XMR' })).body.code, -9102);
    assert.equal((await balance())[0], Number((before - 0.06).toFixed(8)), 'one left, and no other');

    const { body: rows } = await until('history to show it', async () => {
        const answer = await signed(account.withdrawing, 'GET', '/sapi/v1/capital/withdraw/history', { coin: 'BTC', withdrawOrderId: id });
        return answer.body.length === 1 ? answer : null;
    });
    assert.deepEqual([rows[0].id, rows[0].amount, rows[0].transactionFee, rows[0].network, rows[0].address],
                     ['6', '0.05950000', '0.00050000', 'ETH', 'bc1-mine']);
    const failed = await report({ action: 'withdrawal-report', withdrawal: 6, status: 'FAILED' });
    assert.equal(failed.body.withdrawal.status, 'FAILED', JSON.stringify(failed.body));
    assert.equal((await balance())[0], before);
    applied = `6|6|6000000|50000|${id}|bc1-mine`;
});

test('who spent a deposit that is gone is frozen, may cancel, and is let go by an operator', async () => {
    const [free] = await balance();
    await report({ ...deposit, txid: txid(4), amount: '1000000000000000000', height: 102, confirmations: 9 });
    const place = (quantity) => signed(account.trading, 'POST', '/api/v3/order',
        { symbol: 'BTCUSDT', side: 'SELL', type: 'LIMIT', timeInForce: 'GTC', quantity, price: '900000' });
    const order = (await place((free + 0.5).toFixed(5))).body;
    assert.ok(order.orderId, JSON.stringify(order));
    const reorg = () => report({ action: 'deposit-reorg', chain: 'ETH', txid: txid(4), output: 0 });
    assert.equal((await reorg()).body.deposit.status, 'OWED');
    assert.equal((await place('0.001')).body.code, -9110);
    assert.equal((await signed(account.trading, 'GET', '/api/v3/account')).body.canTrade, false);
    assert.equal((await signed(account.trading, 'DELETE', '/api/v3/order', { symbol: 'BTCUSDT', orderId: order.orderId })).status, 200);
    assert.equal((await reorg()).body.deposit.status, 'REORGED');
    assert.equal((await balance())[0], free);
    assert.equal((await place('0.001')).body.code, -9110);
    await admin('unfreeze-account', `account=${account.number}`);
    const { body } = await place('0.001');
    assert.ok(body.orderId, JSON.stringify(body));
});

test('the projection has each of them once, as it is now, and entries that sum to the balances', async () => {
    const status = async () => (await fetch(`${http}/quorex/v1/status`)).json();
    const { height } = await status();
    await until('the projection to have it all', async () => (await status()).projectedHeight > height); // the block under way too
    const sql = (text) => postgres.sql('quorex_0', text);
    assert.equal(sql('SELECT deposit, state, amount, credited, chain_height FROM quorex.deposits ORDER BY deposit'),
                 ['1|2|250000000|250000000|100', '2|3|100000000|0|101', '3|3|100000000|0|102'].join('\n'));
    assert.equal(sql('SELECT withdrawal, state, amount, fee, client_id, address FROM quorex.withdrawals ORDER BY withdrawal'),
                 ['1|5|5000000|50000|small|bc1-mine', '2|6|200000000|50000|large|bc1-mine', '3|3|300000000|50000|b|bc1-mine',
                  '4|7|50000000|50000|d|bc1-mine', '5|3|495000000|50000|e|bc1-mine', applied].join('\n'));
    assert.equal(sql('SELECT count(*) FROM quorex.withdrawals WHERE created_ns > changed_ns'), '0');
    const [free, locked] = await balance();
    const asset = sql("SELECT asset FROM quorex.assets WHERE symbol = 'BTC'");
    assert.equal(sql(`SELECT sum(delta_available), sum(delta_held) FROM quorex.ledger_entries WHERE account = ${account.number} AND asset = ${asset}`),
                 `${Math.round(free * 1e8)}|${Math.round(locked * 1e8)}`);
    assert.equal(sql(`SELECT sum(delta_available) + sum(delta_held) FROM quorex.ledger_entries WHERE asset = ${asset}`), '0');
    assert.equal(sql(`SELECT coalesce(sum(delta_available), 0) FROM quorex.ledger_entries WHERE account = -4 AND asset = ${asset}`), '0');
    const charged = (who) => sql(`SELECT sum(delta_available) FROM quorex.ledger_entries WHERE kind = 13 AND account = ${who} AND asset = ${asset}`);
    assert.deepEqual([charged(-1), charged(-4)], ['50000', '-50000'], 'of the one that is final');
});

test('a node started from a checkpoint knows all of it, and its chain verifies', { timeout: 180000 }, async () => {
    await until('a checkpoint above all that', async () => {
        await admin('credit', `account=${other.number}`, 'asset=BTC', 'amount=1');
        const { checkpointHeight, height } = await (await fetch(`${http}/quorex/v1/status`)).json();
        return checkpointHeight > 0 && height - checkpointHeight < 5;
    }, 60);
    const ask = async () => JSON.stringify([
        (await poll('withdrawals', { status: 'FINAL' })).body, (await poll('withdrawals')).body, (await poll('deposits')).body,
        (await signed(account.trading, 'GET', '/quorex/v1/addresses')).body, await balance()]);
    await admin('freeze-account', `account=${other.number}`);
    await until('a checkpoint above that too', async () => {
        await admin('credit', `account=${other.number}`, 'asset=BTC', 'amount=1');
        const { checkpointHeight, height } = await (await fetch(`${http}/quorex/v1/status`)).json();
        return height - checkpointHeight < 3;
    }, 60);
    const told = await ask();
    await stopNode();
    await startNode();
    assert.equal(await ask(), told);
    assert.equal((await signed(other.trading, 'GET', '/api/v3/account')).body.canTrade, false);
    const wish = { ...withdrawal, amount: '0.05', withdrawOrderId: 'small' };
    assert.equal((await signed(account.withdrawing, 'POST', '/quorex/v1/withdrawals', wish)).body.code, -9113);
    await stopNode();
    const { code, said, told: why } = await command('verify', '--chain', join(node, 'chain'));
    assert.equal(code, 0, said + why);
    console.log(said.trim());
});
