// Custody on four nodes: a connector with a key of its own reports to one node and polls another, and checks what it pays
// out by itself; what is forged, told twice, replayed or not a whole number is refused by name, whichever node is asked;
// and nodes are killed in the middle of every step of both state machines, after which nothing is there twice or missing.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eachByte } from '../verifier/changes.mjs';
import { Refused, checkProof } from '../verifier/verify.mjs';
import { Cluster } from './cluster.mjs';
import * as custody from './custody.mjs';
import { quorex, until } from './exchange.mjs';

const UNIT = 10n ** 8n, WEI = 10n ** 18n; // of BTC here and on the chain
const txid = (number) => number.toString(16).padStart(64, '0');
let cluster, operator, connector, second, owner, ann, bob, trust, follower, leader;

const url = (number) => cluster.url(number);
const admin = (parameters) => custody.admin(url(follower), operator, parameters);
const report = (parameters, number = follower) => custody.report(url(number), connector, parameters);
const ask = (method, path, parameters, number = follower) => custody.ask(url(number), owner, method, `/quorex/v1/${path}`, parameters);
const balance = (number = follower) => custody.balance(url(number), ann, 'BTC');

const route = { action: 'route-set', chain: 'ETH', asset: 'BTC', decimals: 18, confirmations: 3, connector: 16,
                withdrawMin: '0.001', withdrawMax: 5, withdrawDayMax: 50, approvalAbove: '0.1', approvals: 1, addressDelay: 0,
                status: 'OPEN' };
const wish = { action: 'withdraw', chain: 'ETH', asset: 'BTC', address: 'bc1-mine' };
const shown = { action: 'deposit-report', chain: 'ETH', output: 0, asset: 'BTC', address: 'dep-1' };
const withdraw = (amount, withdrawOrderId, number) => ask('POST', 'withdrawals', { ...wish, amount, withdrawOrderId }, number);
const approve = (id, amount) => admin({ action: 'withdrawal-approve', withdrawal: id, asset: 'BTC', amount, address: 'bc1-mine' });
const tell = (id, status, number) => report({ action: 'withdrawal-report', withdrawal: id, status, txid: txid(900 + id) }, number);

const released = (id, number = follower) => until(`withdrawal ${id} to be released`, async () => {
    const { rows } = await custody.poll(url(number), connector, 'withdrawals', { status: 'RELEASED' });
    return rows.find((row) => row.id === id);
});

const colleague = custody.pair(); // a second operator

const metric = async (name, number = follower) =>
    Number(new RegExp(`^quorex_${name} (\\d+)`, 'm').exec(await (await fetch(`${url(number)}/metrics`)).text())[1]);

before(async () => {
    cluster = await Cluster.start(25620, { database: false, checkpoints: 20, operators: [colleague.publicKey] });
    operator = custody.operatorOf(join(cluster.dir, 'operator.key'));
    [ann, bob] = cluster.accounts;
    owner = custody.pair(); // a key of ann's that may withdraw
    [connector, second] = [custody.pair(), custody.pair()];
    leader = await cluster.leader();
    follower = (leader + 1) % 4;
    const added = await admin({ action: 'key-add', account: ann.account, keyId: owner.publicKey, publicKey: owner.publicKey,
                                hmac: 'false', permissions: 'READ,WITHDRAW' });
    assert.equal(added.result, 'key-added', JSON.stringify(added));
    const { validators } = await cluster.ask(0, '/quorex/v1/validators');
    const { chainId } = await cluster.status(0);
    trust = { chainId, validators: validators.map(({ node, publicKey }) => ({ node, publicKey })) };
}, { timeout: 180000 });

after(async () => {
    await cluster?.stop();
});

test('a connector has a key of its own, and it is good for its routes alone', async () => {
    const refused = await admin(route);
    assert.equal(refused.code, -9103, 'no such connector yet');
    for (const [index, { publicKey }] of [connector, second].entries()) {
        const { connector: number } = await admin({ action: 'connector-add', publicKey });
        assert.equal(number, 16 + index);
    }
    assert.equal((await admin({ action: 'connector-add', publicKey: connector.publicKey })).code, -1130);
    assert.equal((await admin({ action: 'connector-add', publicKey: operator.publicKey })).code, -1130);
    assert.equal((await admin(route)).result, 'route-changed');
    const other = await admin({ ...route, chain: 'SOL', asset: 'USDT', decimals: 6, connector: 17 });
    assert.equal(other.result, 'route-changed', JSON.stringify(other));

    const address = { action: 'deposit-address', account: ann.account, chain: 'ETH', address: 'dep-1' };
    assert.equal((await report(address)).address.kind, 'DEPOSIT');
    assert.equal((await custody.report(url(leader), second, address)).code, -9104, 'the other connector\'s route');
    assert.equal((await custody.report(url(leader), operator, address)).code, -9104, 'nor is it the operator\'s any more');
    assert.equal((await custody.report(url(leader), custody.pair(), address)).code, -2015);
    const credit = { action: 'credit', account: ann.account, asset: 'BTC', amount: '1' };
    assert.equal((await report(credit)).code, -1130, 'it does not credit');
    assert.equal((await custody.admin(url(follower), connector, credit)).code, -2015, 'nor command');
    assert.equal((await custody.admin(url(follower), connector, route)).code, -2015);
});

// Anybody can read whose keys count, in the genesis and in the parameters: a signature is what makes a text theirs.
const forged = {
    'a stranger signed': (who, text) => signatureOf(custody.pair(), text),
    'another key that counts signed': (who, text) => signatureOf(who === operator ? connector : operator, text),
    'a bit is another': (who, text) => signatureOf(who, text).replace(/.$/, (digit) => (parseInt(digit, 16) ^ 1).toString(16)),
    'another text was signed': (who, text) => signatureOf(who, text.replace(/.$/, (digit) => (Number(digit) + 1) % 10)),
    'nobody signed': () => '',
    'the signature is empty': () => '&signature=',
    'there are two': (who, text) => signatureOf(who, text) + signatureOf(who, text),
    'half of it is there': (who, text) => signatureOf(who, text).slice(0, -64),
};
const signatureOf = (who, text) => `&signature=${sign(null, Buffer.from(text), who.key).toString('hex')}`;

// The follower hands it to a leader who knows no such key; every node judges the key by the text alone.
test('an account opens itself at a follower, and every node knows whose it is', async () => {
    const newcomer = custody.pair(), { chainId } = trust, path = '/quorex/v1/accounts';
    const wanted = { action: 'account-open', publicKey: newcomer.publicKey, chainId };
    const opened = await custody.ask(url(follower), newcomer, 'POST', path, wanted);
    assert.deepEqual([opened.http, opened.publicKey, opened.status], [200, newcomer.publicKey, 'OPEN'], JSON.stringify(opened));
    await cluster.agreed();
    for (const number of cluster.numbers) {
        const known = await custody.ask(url(number), newcomer, 'GET', path, { chainId });
        assert.equal(known.account, opened.account, `node ${number}: ${JSON.stringify(known)}`);
    }
    const again = await custody.ask(url(leader), newcomer, 'POST', path, wanted);
    assert.equal(again.account, opened.account, 'asked at another node it is the same account');
    const lost = await custody.ask(url(follower), custody.pair(), 'POST', path, wanted);
    assert.deepEqual([lost.http, lost.code], [400, -1022], 'nobody opens an account for the key of another');
});

test('a key that counts says nothing without its signature, on any path of any node', async () => {
    const told = { ...shown, txid: txid(77), amount: String(WEI), height: 99, confirmations: 3 };
    const credit = { action: 'credit', account: ann.account, asset: 'BTC', amount: '1' };
    const ways = [['POST', 'custody/reports', connector, told], ['POST', 'admin', operator, credit]];
    for (const who of [connector, operator]) {
        for (const path of ['withdrawals', 'deposits', 'release']) ways.push(['GET', `custody/${path}`, who, { withdrawal: 1 }]);
    }
    const send = async (number, [method, path, who, parameters], way) => {
        const time = method === 'GET' ? { timestamp: Date.now() } : { nonce: Date.now() * 1000 };
        const text = new URLSearchParams({ ...parameters, ...time }).toString();
        const answer = await fetch(`${url(number)}/quorex/v1/${path}?${text}${way(who, text)}`,
                                   { method, headers: { 'X-Quorex-Operator': who.publicKey }, signal: AbortSignal.timeout(15000) });
        return { http: answer.status, code: (await answer.json()).code };
    };
    const [balances, before] = [await balance(), (await cluster.status(follower)).height];
    for (const [i, way] of ways.entries()) {
        for (const [name, sign_] of Object.entries(forged)) {
            const refusal = name === 'there are two' ? { http: 400, code: -1101 } : { http: 401, code: -2015 };
            assert.deepEqual(await send((follower + i) % 4, way, sign_), refusal, `${way[0]} ${way[1]}: ${name}`);
        }
        if (way[0] === 'GET') assert.notEqual((await send(leader, way, signatureOf)).code, -2015, 'and signed it is heard');
    }
    for (const number of cluster.numbers)
        await until(`node ${number} to go on`, async () => (await cluster.status(number)).certifiedHeight > before + 1);
    const { rows } = await custody.poll(url(leader), operator, 'deposits', { limit: 1000 });
    assert.deepEqual(rows.filter((row) => row.txid === told.txid), []);
    assert.deepEqual(await balance(), balances);
});

test('a deposit is credited once, whichever node is told, and one that contradicts it is refused', async () => {
    const [free] = await balance();
    const told = { ...shown, txid: txid(1), amount: String(5n * WEI), height: 100, confirmations: 3 };
    const answers = [];
    for (const number of cluster.numbers) answers.push((await report(told, number)).deposit);
    for (const deposit of answers) assert.deepEqual(deposit, answers[0]);
    assert.equal(answers[0].status, 'CREDITED');
    const text = custody.commandOf(connector, told);
    assert.equal((await custody.reportText(url(leader), connector, text)).deposit.id, answers[0].id);
    assert.equal((await custody.reportText(url(follower), connector, text)).http, 400, 'the same signed text again');
    assert.equal((await balance())[0], free + 5n * UNIT);
    for (const change of [{ amount: String(4n * WEI) }, { asset: 'ETH' }])
        assert.ok([-9106, -9102].includes((await report({ ...told, ...change })).code));
    assert.equal((await report({ ...told, address: 'dep-2' })).code, -9105);
});

test('amounts up to 256 bits are scaled exactly, or refused by name', async () => {
    const [free] = await balance();
    const amounts = [[2n ** 256n - 1n, -9109], [2n ** 256n, -1130], [10n ** 10n * 2n ** 63n, -9109], [1n, -9109],
                     [10n ** 10n - 1n, -9109], [10n ** 10n + 1n, -9109], [0n, -1130], [-1n, -1130]];
    for (const [amount, code] of amounts) {
        const { code: said } = await report({ ...shown, txid: txid(2), amount: String(amount), height: 100, confirmations: 3 });
        assert.equal(said, code, `${amount}`);
    }
    for (const amount of ['1.5', '0x10', ' 1', '1e20'])
        assert.ok((await report({ ...shown, txid: txid(2), amount, height: 100, confirmations: 3 })).code < -1000, amount);
    assert.equal((await balance())[0], free);
    const { deposit } = await report({ ...shown, txid: txid(2), amount: String(10n ** 10n), height: 100, confirmations: 3 });
    assert.equal(deposit.amount, '0.00000001', 'one unit, to the last');
    assert.equal((await balance())[0], free + 1n);
});

test('a deposit told twice and reorged is taken back once, and freezes who spent it', async () => {
    const [free] = await balance();
    const told = { ...shown, txid: txid(3), amount: String(WEI), height: 101, confirmations: 3 };
    const gone = { action: 'deposit-reorg', chain: 'ETH', txid: txid(3), output: 0 };
    await report(told, leader);
    await report(told, follower);
    assert.equal((await balance())[0], free + UNIT);
    for (const number of [leader, follower]) assert.equal((await report(gone, number)).deposit.status, 'REORGED');
    assert.equal((await balance())[0], free);
    assert.equal((await report({ ...gone, txid: txid(99) })).code, -9108);

    await report(told, leader); // mined again, and spent
    const spent = await admin({ action: 'debit', account: ann.account, asset: 'BTC', amount: `${free / UNIT}.${String(free % UNIT).padStart(8, '0')}` });
    assert.equal(spent.result, 'debited', JSON.stringify(spent));
    assert.equal((await withdraw('0.05', 'spends')).code, -9105, 'no address yet, and not frozen');
    const order = await custody.ask(url(leader), ann, 'POST', '/api/v3/order', { symbol: 'BTCUSDT', side: 'SELL', type: 'LIMIT',
        timeInForce: 'GTC', quantity: '0.5', price: '900000' });
    assert.ok(order.orderId, JSON.stringify(order));
    const { deposit } = await report(gone);
    assert.equal(deposit.status, 'OWED');
    assert.equal(deposit.credited, '0.50000000');
    assert.equal((await withdraw('0.05', 'frozen')).code, -9110);
    assert.equal((await ask('POST', 'addresses', { action: 'address-allow', chain: 'ETH', address: 'bc1-mine' })).code, -9110);
    await custody.ask(url(leader), ann, 'DELETE', '/api/v3/openOrders', { symbol: 'BTCUSDT' });
    assert.equal((await report(gone)).deposit.status, 'REORGED');
    assert.equal((await admin({ action: 'account-freeze', account: ann.account, frozen: 'false' })).result, 'account-frozen');
    await admin({ action: 'credit', account: ann.account, asset: 'BTC', amount: `${free / UNIT}.${String(free % UNIT).padStart(8, '0')}` });
    assert.deepEqual(await balance(), [free, 0n]);
});

test('an address is good once its delay is over', async () => {
    const allow = { action: 'address-allow', chain: 'ETH', address: 'bc1-mine' };
    await admin({ ...route, addressDelay: 3600 });
    const asked = Date.now(), { activeFrom } = await ask('POST', 'addresses', allow);
    assert.ok(Math.abs(activeFrom - asked - 3600000) < 60000);
    assert.equal((await withdraw('0.05', 'early')).code, -9105);
    await ask('POST', 'addresses', { ...allow, action: 'address-forbid' });
    await admin(route);
    assert.ok((await ask('POST', 'addresses', allow)).activeFrom <= Date.now() + 1000);
});

test('limits of one and of a day, from both sides', async () => {
    await admin({ ...route, withdrawMin: '0.01', withdrawMax: '0.03', withdrawDayMax: '0.05' });
    assert.equal((await withdraw('0.00999999', 'low')).code, -9111);
    assert.equal((await withdraw('0.03000001', 'high')).code, -9111);
    assert.equal((await withdraw('0.03', 'first')).http, 200);
    assert.equal((await withdraw('0.02000001', 'over')).code, -9112);
    assert.equal((await withdraw('0.02', 'exactly')).http, 200);
    assert.equal((await withdraw('0.01', 'more')).code, -9112);
    assert.equal((await admin(route)).result, 'route-changed');
});

test('a withdrawal that is replayed, changed, or signed by another key is refused on every node', async () => {
    const [free] = await balance();
    const text = custody.requestOf(owner, { ...wish, amount: '0.04', withdrawOrderId: 'once' });
    const send = (number, what = text, who = owner) => custody.askText(url(number), who, 'POST', '/quorex/v1/withdrawals', what);
    assert.equal((await send(leader)).http, 200);
    for (const number of cluster.numbers) assert.equal((await send(number)).code, -9113, 'the same bytes again');
    assert.equal((await balance())[0], free - 4n * UNIT / 100n);
    for (const change of [text.replace('0.04', '0.05'), text.replace('bc1-mine', 'bc1-evil'), text.replace('once', 'twice')])
        assert.equal((await send(follower, change)).code, -1022);
    const thief = { ...custody.pair(), apiKey: owner.apiKey };
    assert.equal((await send(leader, custody.requestOf(thief, { ...wish, amount: '0.04', withdrawOrderId: 'thief' }), thief)).code, -1022);
    assert.equal((await send(leader, custody.requestOf(ann, { ...wish, amount: '0.04', withdrawOrderId: 'hmac' }), ann)).code, -2015);
    assert.equal((await send(leader, custody.requestOf(bob, { ...wish, amount: '0.04', withdrawOrderId: 'bob' }), bob)).code, -2015);
    const order = custody.requestOf(owner, { action: 'address-allow', chain: 'ETH', address: 'bc1-mine' });
    assert.equal((await send(leader, order)).code, -1130, 'a text of another action is no withdrawal');
});

test('what is released is proved: by our verifier, by one that shares no code with it, and by nothing else', async () => {
    const fee = await admin({ action: 'route-fee-set', chain: 'ETH', asset: 'BTC', withdrawFee: '0.001' });
    assert.equal(fee.result, 'route-fee-changed', JSON.stringify(fee));
    const asked = await withdraw('0.07', 'proved', leader);
    assert.equal(asked.status, 'APPROVED', JSON.stringify(asked));
    const row = await released(asked.id);
    const answer = await custody.poll(url(follower), connector, 'release', { withdrawal: asked.id });
    assert.equal(answer.withdrawal.status, 'RELEASED');
    const bytes = Buffer.from(answer.proof, 'hex');
    const said = checkProof(bytes, trust);
    assert.equal(said.kind, 'release');
    assert.equal(said.withdrawal, BigInt(asked.id));
    assert.deepEqual([said.amount, said.fee, said.paid], [7n * UNIT / 100n, UNIT / 1000n, 69n * UNIT / 1000n]);
    assert.equal(said.address, 'bc1-mine');
    assert.equal(said.height, BigInt(row.block));
    eachByte(bytes, (changed, what) => assert.throws(() => checkProof(changed, trust), Refused, what));
    const path = join(cluster.dir, 'release.json'), genesis = join(cluster.folder(0), 'genesis.json');
    const verify = () => new Promise((resolve) => execFile(quorex, ['verify', '--proof', path, '--genesis', genesis],
        (error, stdout, stderr) => resolve({ code: error ? error.code : 0, said: stdout + stderr })));
    writeFileSync(path, JSON.stringify({ proof: answer.proof }));
    const right = await verify();
    assert.equal(right.code, 0, right.said);
    assert.match(right.said, new RegExp(`withdrawal ${asked.id} of account ${ann.account}, released: 6900000 units of asset \\d+ go over ETH to bc1-mine, and 100000 are the fee`));
    bytes[60] ^= 1;
    writeFileSync(path, JSON.stringify({ proof: bytes.toString('hex') }));
    assert.equal((await verify()).code, 1);

    assert.equal((await custody.poll(url(leader), second, 'release', { withdrawal: asked.id })).code, -9114, 'not its route');
    assert.deepEqual((await custody.poll(url(leader), second, 'withdrawals')).rows, []);
    assert.equal((await custody.poll(url(leader), operator, 'withdrawals', { fromId: asked.id })).rows[0].id, asked.id);
    const timeless = `withdrawal=${asked.id}`, signature = sign(null, Buffer.from(timeless), connector.key).toString('hex');
    const unlimited = await fetch(`${url(leader)}/quorex/v1/custody/release?${timeless}&signature=${signature}`,
                                  { headers: { 'X-Quorex-Operator': connector.publicKey } });
    assert.equal((await unlimited.json()).code, -1102, 'a question that anybody could ask again for ever');
    const waits = await withdraw('2', 'waits');
    assert.equal(waits.status, 'HELD');
    assert.equal((await custody.poll(url(follower), connector, 'release', { withdrawal: waits.id })).code, -9115);
    assert.equal((await tell(asked.id, 'FINAL')).code, -9115, 'it was not broadcast');
    assert.equal((await tell(asked.id, 'BROADCAST', leader)).withdrawal.status, 'BROADCAST');
    assert.equal((await tell(asked.id, 'FINAL')).withdrawal.status, 'FINAL');
});

test('two operators approve what each has seen, and one of them may deny', async () => {
    await admin({ ...route, approvals: 2 });
    assert.equal((await admin({ ...route, approvals: 3 })).code, -9103, 'there are two');
    const [free, locked] = await balance();
    const { id } = await withdraw('0.6', 'by-two'), { id: other } = await withdraw('0.6', 'by-one');
    const says = (who, withdrawal, change = {}) => custody.admin(url(leader), who, { action: 'withdrawal-approve', withdrawal,
        asset: 'BTC', amount: '0.6', address: 'bc1-mine', ...change });
    assert.equal((await says(operator, id, { amount: '0.7' })).code, -9116);
    assert.equal((await says(operator, id, { address: 'bc1-evil' })).code, -9116);
    assert.equal((await says(connector, id)).code, -2015);
    for (let i = 0; i < 2; i++) {
        const { withdrawal } = await says(operator, id);
        assert.deepEqual([withdrawal.status, withdrawal.approvals], ['HELD', 1], 'one operator counts once');
    }
    const { rows: waiting } = await custody.poll(url(follower), operator, 'withdrawals', { status: 'HELD' });
    await until('both to be seen waiting', async () => await metric('withdrawals_held') === waiting.length);
    await until('its age to grow', async () => await metric('withdrawals_held_s') >= 1);
    assert.equal((await says(colleague, id)).withdrawal.status, 'APPROVED');
    assert.equal((await says(operator, other)).withdrawal.status, 'HELD');
    assert.equal((await custody.admin(url(leader), colleague, { action: 'withdrawal-deny', withdrawal: other })).withdrawal.status, 'DENIED');
    assert.equal((await says(colleague, other)).code, -9115);
    await released(id);
    await until('it to be seen waiting for its connector', async () => await metric('withdrawals_released') >= 1);
    assert.equal((await tell(id, 'BROADCAST')).withdrawal.status, 'BROADCAST');
    await until('it to be seen under way', async () => await metric('withdrawals_broadcast') >= 1);
    assert.equal((await tell(id, 'FAILED')).withdrawal.status, 'FAILED');
    assert.deepEqual(await balance(), [free, locked]);
    await admin(route);
});

test('what waits is taken back by its account, and not by another or later', async () => {
    const [before, locked] = await balance();
    const { id } = await withdraw('1.5', 'regretted');
    assert.deepEqual(await balance(), [before - 15n * UNIT / 10n, locked + 15n * UNIT / 10n]);
    const cancel = { action: 'withdraw-cancel', withdrawal: id };
    assert.equal((await ask('DELETE', 'withdrawals', { ...cancel, action: 'withdraw' })).code, -1130);
    assert.equal((await custody.ask(url(leader), ann, 'DELETE', '/quorex/v1/withdrawals', cancel)).code, -2015);
    for (const number of [leader, follower]) assert.equal((await ask('DELETE', 'withdrawals', cancel, number)).status, 'CANCELED');
    assert.deepEqual(await balance(), [before, locked]);
    assert.equal((await approve(id, '1.5')).code, -9115);
    const { id: small } = await withdraw('0.05', 'sent');
    assert.equal((await ask('DELETE', 'withdrawals', { ...cancel, withdrawal: small })).code, -9115);
    assert.equal((await ask('DELETE', 'withdrawals', { ...cancel, withdrawal: 10000 })).code, -9114);
});

// ---- Nodes that die in the middle.

// Sends, and kills some of the nodes, the one that is asked among them or not, before the answer may be there. What
// became of it is asked again and again, of the nodes as they come back.
async function torn(send, number, victims, wait) {
    const first = send(number).catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, wait));
    await Promise.all(victims.map((victim) => cluster.end(victim, 'SIGKILL')));
    await first;
    await cluster.startAll(victims);
    return until('an answer that is final', async () => {
        const answer = await send(number);
        return answer.http < 500 && answer;
    }, 60);
}

// Asked for again, it is refused, and is the one that was asked for.
async function asksOnce(amount, withdrawOrderId, number) {
    const answer = await withdraw(amount, withdrawOrderId, number);
    if (answer.code !== -9113) return answer;
    const rows = await custody.list(url(number), owner, '/quorex/v1/withdrawals', { limit: 1000 });
    const mine = rows.filter((row) => row.withdrawOrderId === withdrawOrderId);
    assert.equal(mine.length, 1);
    return { http: 200, ...mine[0] };
}

test('a node killed between any two steps loses nothing and applies nothing twice', { timeout: 400000 }, async () => {
    let [free, locked] = await balance(), turn = 0;
    // Who is asked and who dies: the asked one, a leader that was not asked, a leader that was, all of them.
    const next = async () => {
        const leads = await cluster.leader(), follows = (leads + 1 + turn % 3) % 4;
        const ways = [[follows, [follows]], [follows, [leads]], [leads, [leads]], [follows, cluster.numbers]];
        return [...ways[turn % 4], [0, 3, 9, 25][turn++ >> 2 & 3]];
    };
    const step = async (send, status, change = 0n, hold = 0n) => {
        const [number, victims, wait] = await next();
        const answer = await torn(send, number, victims, wait);
        const said = answer.deposit ?? answer.withdrawal ?? answer;
        assert.equal(said.status, status, `${JSON.stringify(answer)}; asked ${number}, killed ${victims}`);
        free += change;
        locked += hold;
        for (const each of cluster.numbers)
            await until(`node ${each} to have it`, async () => String(await balance(each)) === String([free, locked]), 60);
        return said;
    };
    const money = 7n * UNIT / 10n;
    for (const round of [0, 1]) {
        const told = { ...shown, txid: txid(500 + round), amount: String(2n * WEI), height: 200 + round };
        await step((to) => report({ ...told, confirmations: 1 }, to), 'CONFIRMING');
        await step((to) => report({ ...told, confirmations: 3 }, to), 'CREDITED', 2n * UNIT);
        await step((to) => report({ action: 'deposit-reorg', chain: 'ETH', txid: told.txid, output: 0 }, to), 'REORGED', -2n * UNIT);
        for (const end of ['FINAL', 'FAILED', 'DENIED', 'CANCELED']) {
            const { id } = await step((to) => asksOnce('0.7', `${end}-${round}`, to), 'HELD', -money, money);
            const says = (parameters) => (to) => custody.admin(url(to), operator, parameters);
            if (end === 'DENIED') {
                await step(says({ action: 'withdrawal-deny', withdrawal: id }), end, money, -money);
                continue;
            }
            if (end === 'CANCELED') {
                await step((to) => ask('DELETE', 'withdrawals', { action: 'withdraw-cancel', withdrawal: id }, to), end, money, -money);
                continue;
            }
            await step(says({ action: 'withdrawal-approve', withdrawal: id, asset: 'BTC', amount: '0.7', address: 'bc1-mine' }),
                       'APPROVED', 0n, -money);
            for (const number of cluster.numbers) await released(id, number);
            await step((to) => tell(id, 'BROADCAST', to), 'BROADCAST');
            await step((to) => tell(id, end, to), end, end === 'FAILED' ? money : 0n);
        }
    }
    console.log(`# ${turn} steps, each with nodes killed in it`);
});

test('all nodes have each of them once, the same, and their chains verify', { timeout: 120000 }, async () => {
    await cluster.agreed();
    const all = await Promise.all(cluster.numbers.map(async (number) => [
        (await custody.poll(url(number), operator, 'withdrawals', { limit: 1000 })).rows,
        (await custody.poll(url(number), operator, 'deposits', { limit: 1000 })).rows]));
    for (const one of all) assert.deepEqual(one, all[0]);
    const ids = (rows, name) => rows.map((row) => row[name]);
    assert.equal(new Set(ids(all[0][0], 'withdrawOrderId')).size, all[0][0].length);
    assert.equal(new Set(ids(all[0][1], 'txid')).size, all[0][1].length);
    const [withdrawals] = all[0], count = (status) => withdrawals.filter((row) => row.status === status).length;
    assert.deepEqual(['FAILED', 'DENIED', 'CANCELED'].map(count), [3, 3, 3]);
    for (const number of cluster.numbers) {
        const { code, said } = await cluster.verify(number);
        assert.equal(code, 0, `node ${number}: ${said}`);
    }
    console.log(`# ${(await cluster.verify(0)).said.trim()}`);
});
