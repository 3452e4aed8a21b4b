// Nodes whose threads look for work before they sleep: for ever, as good as, or so shortly that they sleep between any two
// orders. They serve, and end when they are told to, whatever they are doing.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { signedText } from './clients.mjs';
import { quorex, until } from './exchange.mjs';

const PORT = 18471, ORDERS = 200, CLIENTS = 8;

async function withNode(spin_us, use) {
    const folder = mkdtempSync(join(tmpdir(), 'quorex-spin-')), http = `http://127.0.0.1:${PORT}`;
    let child;
    try {
        execFileSync(quorex, ['init', '--data', folder, '--demo', '--nodes', '1', '--port', String(PORT)]);
        const log = openSync(join(folder, 'log'), 'a');
        child = spawn(quorex, ['node', '--config', join(folder, 'node-0', 'quorex.conf'), '--limits', 'off',
                               '--spin-us', String(spin_us)], { stdio: ['ignore', log, log] });
        const ended = new Promise((end) => child.once('exit', (code, signal) => end(code ?? signal)));
        await until('the node to be ready', async () => (await fetch(`${http}/readyz`)).ok, 60);
        execFileSync(quorex, ['demo-accounts', '--url', http, '--data', folder]);
        await use({ http, child, ended, accounts: JSON.parse(readFileSync(join(folder, 'accounts.json'))) });
        assert.equal(await ended, 0, readFileSync(join(folder, 'log'), 'utf8').slice(-2000));
        execFileSync(quorex, ['verify', '--chain', join(folder, 'node-0', 'chain')]);
    } finally {
        child?.kill('SIGKILL');
        rmSync(folder, { recursive: true, force: true });
    }
}

const send = (http, account, method, parameters) =>
    fetch(`${http}/api/v3/order?${signedText(account, parameters)}`, { method, headers: { 'X-MBX-APIKEY': account.apiKey } });

async function ask(...what) {
    const answer = await send(...what), text = await answer.text();
    assert.equal(answer.status, 200, text);
    return JSON.parse(text);
}

const place = (http, account, price) =>
    ask(http, account, 'POST', { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.001', price });

// How often the node's thread of that name has gone to sleep.
function sleeps({ pid }, name) {
    const tasks = readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}/`);
    const task = tasks.find((folder) => readFileSync(`${folder}comm`, 'utf8').trim() === name);
    return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`${task}status`, 'utf8'))[1]);
}

for (const spin_us of [1000000, 20]) {
    test(`orders one by one, then a stop of an idle node, with spin_us = ${spin_us}`, () =>
        withNode(spin_us, async ({ http, child, accounts: [ann] }) => {
            await place(http, ann, '20000'); // now they look
            const threads = ['gateway', 'engine'], before = threads.map((name) => sleeps(child, name));
            for (let i = 0; i < ORDERS; i++) {
                const { orderId } = await place(http, ann, '20000');
                const { status } = await ask(http, ann, 'GET', { symbol: 'BTCUSDT', orderId });
                assert.equal(status, 'NEW');
                await ask(http, ann, 'DELETE', { symbol: 'BTCUSDT', orderId });
            }
            const slept = threads.map((name, thread) => sleeps(child, name) - before[thread]);
            // Two commands an order; a page of memory or a pause of the client's may be waited for.
            if (spin_us === 1000000) assert.ok(slept.every((count) => count < ORDERS), String(slept));
            console.log(`# ${threads} slept ${slept} times`);
            child.kill('SIGTERM');
        }));

    test(`a stop under load, with spin_us = ${spin_us}`, () =>
        withNode(spin_us, async ({ http, child, ended, accounts: [ann] }) => {
            let taken = 0, isOver = false;
            const client = async () => {
                while (!isOver) {
                    const { orderId } = await place(http, ann, '20000');
                    await ask(http, ann, 'DELETE', { symbol: 'BTCUSDT', orderId });
                    if (++taken === ORDERS) child.kill('SIGTERM');
                }
            };
            const clients = Array.from({ length: CLIENTS }, () => client().catch((error) => error));
            await ended;
            isOver = true;
            for (const error of await Promise.all(clients)) // the port is closed, or the answer says why it is none
                assert.match(String(error?.message), /fetch failed|"code":-1016/);
            assert.ok(taken >= ORDERS);
        }));
}
