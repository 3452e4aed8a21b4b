// What the kernel saw: no answer to an order leaves before the log write that holds it has returned.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signedRequest } from './clients.mjs';
import { Exchange, until } from './exchange.mjs';

const orders = 50;
let exchange, directory;

before(async () => {
    exchange = await Exchange.start(18305);
    directory = mkdtempSync(join(tmpdir(), 'quorex-trace-'));
});

after(async () => {
    await exchange?.stop();
    rmSync(directory, { recursive: true, force: true });
});

// One file a thread, so that no line is split: `time call(...) = result <seconds>`.
async function attach() {
    const tracer = spawn('strace', ['-f', '-ff', '-y', '-ttt', '-T', '-s', '16384', '-o',
                                    join(directory, 't'), '-e',
                                    'trace=pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg',
                                    '-p', String(exchange.pid())]);
    let said = '';
    tracer.stderr.on('data', (data) => (said += data));
    await until('strace to attach', () => said.includes('attached'));
    return tracer;
}

function callsSeen() {
    const calls = [];
    for (const file of readdirSync(directory)) {
        for (const line of readFileSync(join(directory, file), 'latin1').split('\n')) {
            const match = line.match(/^(\d+\.\d+) (\w+)\((.*)\) = (-?\d+).* <(\d+\.\d+)>$/);
            if (!match) continue;
            const [, start, name, text, result, took] = match;
            calls.push({ name, text, start: Number(start), end: Number(start) + Number(took),
                         result: Number(result) });
        }
    }
    return calls;
}

test(`of ${orders} orders, each answer starts after its own log write ended`, async () => {
    const tracer = await attach();
    for (let i = 0; i < orders; i++) {
        const { status } = await signedRequest(exchange, exchange.accounts[i % 2], 'POST',
            '/api/v3/order', { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC',
                               quantity: '0.001', price: '20000', newClientOrderId: `trace-${i}.` });
        assert.equal(status, 200);
    }
    const exited = new Promise((resolve) => tracer.on('exit', resolve));
    tracer.kill('SIGINT');
    await exited;

    const calls = callsSeen();
    for (let i = 0; i < orders; i++) {
        const id = `trace-${i}.`;
        const logged = calls.find((c) => c.name.startsWith('pwrite') && c.text.includes('/wal/') &&
                                         c.text.includes(id));
        const answered = calls.find((c) => !c.name.startsWith('pwrite') && c.text.includes(id) &&
                                           c.text.includes('HTTP/1.1 200'));
        assert.ok(logged, `no log write holds ${id}`);
        assert.ok(logged.result > 0);
        assert.ok(answered, `no answer names ${id}`);
        assert.ok(logged.end <= answered.start,
                  `${id}: the write ended at ${logged.end}, the answer began at ${answered.start}`);
    }
});
