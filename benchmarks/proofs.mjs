#!/usr/bin/env node
// How long does a holder wait for a proof of his account, from an exchange with many?
//
//     benchmarks/proofs.mjs [--accounts 1000000] [--seconds 20] [--rate 200] [--port 26100] [--build build/release]
//
// Makes four nodes with that many accounts of five balances (bench_cluster --make), starts them as `quorex node`,
// opens one account more, and asks a follower for its proof at `rate` a second, at any certified height since. The
// requests leave at set times, whether or not those before were answered, and are timed from then (open loop); the
// same for GET /quorex/v1/status, which is what HTTP and this client cost. Prints one JSON object, milliseconds.
// Ports: port to port + 3 and port + 500 to port + 503.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const wishes = { accounts: '1000000', seconds: '20', rate: '200', port: '26100', build: 'build/release' };
for (let at = 2; at < process.argv.length; at += 2) {
    const name = process.argv[at].replace(/^--/, '');
    if (!(name in wishes) || process.argv[at + 1] === undefined) throw new Error(`unknown option ${process.argv[at]}`);
    wishes[name] = process.argv[at + 1];
}
const port = Number(wishes.port), dir = mkdtempSync(join(tmpdir(), 'quorex-proofs-'));
const quorex = join(wishes.build, 'quorex'), agent = new http.Agent({ keepAlive: true });
const nodes = [];

function ask(path, headers = {}) {
    return new Promise((resolve, reject) => {
        http.get({ host: '127.0.0.1', port: port + 1, path, headers, agent }, (response) => {
            const parts = [];
            response.on('data', (part) => parts.push(part));
            response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(parts).toString() }));
        }).on('error', reject);
    });
}
const json = async (path) => JSON.parse((await ask(path)).body);

async function until(what, condition) {
    for (let tries = 0; tries < 3000; tries++) {
        if (await condition().catch(() => false)) return;
        await pause(20);
    }
    throw new Error(`waited in vain for: ${what}`);
}

function start(number) {
    const log = openSync(join(dir, `log-${number}`), 'a');
    nodes.push(spawn(quorex, ['node', '--config', join(dir, `node-${number}`, 'quorex.conf'), '--limits', 'off'],
                     { stdio: ['ignore', log, log] }));
    closeSync(log);
}

const admin = async (...words) => JSON.parse((await promisify(execFile)(quorex, [
    'admin', '--url', `http://127.0.0.1:${port + 1}`, '--operator-key', join(dir, 'operator.key'), ...words])).stdout);

// What a start and its checkpoint left to do is done: all four together take less than a tenth of a processor.
async function atRest() {
    const ticks = () => nodes.reduce((sum, { pid }) => {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
        return sum + Number(fields[13]) + Number(fields[14]);
    }, 0);
    const before = ticks();
    await pause(2000);
    return ticks() - before < 20;
}

// An account with one Ed25519 key, which may read.
async function openAccount() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
    const { account } = await admin('create-account', `publicKey=${raw}`);
    await admin('add-key', `account=${account}`, `keyId=${raw}`, `publicKey=${raw}`, 'permissions=READ');
    await admin('credit', `account=${account}`, 'asset=BTC', 'amount=1');
    return { key: raw, privateKey };
}

function proofPath(holder, height) {
    const text = `height=${height}&timestamp=${Date.now()}`;
    return `/quorex/v1/proofs/account?${text}&signature=${
        encodeURIComponent(sign(null, Buffer.from(text), holder.privateKey).toString('base64'))}`;
}

// Milliseconds from when each request was due; any answer but 200 ends the run.
async function load(path, headers) {
    const count = Number(wishes.seconds) * Number(wishes.rate), gap = 1000 / Number(wishes.rate), begin = performance.now();
    const waits = [], pending = [];
    for (let number = 0; number < count; number++) {
        const due = begin + number * gap;
        while (performance.now() < due) await pause(Math.max(0, due - performance.now() - 1));
        const now = path();
        pending.push(ask(now, headers).then(({ status, body }) => {
            if (status !== 200) throw new Error(`${now}: ${status} ${body}`);
            waits.push(performance.now() - due);
        }));
    }
    await Promise.all(pending);
    waits.sort((left, right) => left - right);
    const at = (part) => Number(waits[Math.floor((waits.length - 1) * part)].toFixed(3));
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

try {
    // One checkpoint while they are made, the next when all is over.
    const every = Math.max(50, Math.floor(Number(wishes.accounts) / 2500));
    execFileSync(join(wishes.build, 'bench_cluster'), [dir, '--port', wishes.port, '--accounts', wishes.accounts,
                                                       '--checkpoint-blocks', every, '--make'], { stdio: 'ignore' });
    for (let number = 0; number < 4; number++) start(number);
    await until('the nodes', async () => (await ask('/readyz')).status === 200);
    const holder = await openAccount(), { lastCommand } = await json('/quorex/v1/status');
    const first = (await json('/quorex/v1/status')).height + 1;
    let newest = 0;
    const look = async () => { newest = (await json('/quorex/v1/status')).certifiedHeight; return newest > first + 10; };
    await until('certified blocks', look);
    await until('nodes at rest', atRest);
    const watch = setInterval(() => look().catch(() => {}), 500);
    const proof = await load(() => proofPath(holder, first + Math.floor(Math.random() * (newest - first))),
                             { 'X-MBX-APIKEY': holder.key });
    const constant = await load(() => '/quorex/v1/status');
    clearInterval(watch);
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${nodes[1].pid}/status`, 'utf8'))[1];
    console.log(JSON.stringify({ accounts: Number(wishes.accounts), rate: Number(wishes.rate), lastCommand, proof,
                                 status: constant, rss_kb: Number(rss) }));
} catch (error) {
    for (let number = 0; number < nodes.length; number++) {
        console.error(readFileSync(join(dir, `log-${number}`), 'utf8').split('\n').slice(-5).join('\n'));
    }
    throw error;
} finally {
    agent.destroy();
    await Promise.all(nodes.map((node) => new Promise((resolve) => {
        if (node.exitCode !== null) return resolve();
        node.on('exit', resolve);
        return node.kill();
    })));
    rmSync(dir, { recursive: true });
}
