#!/usr/bin/env node
// How long does a holder wait for a proof of his account, from an exchange with many?
//
//     benchmarks/proofs.mjs [--accounts 1000000] [--nodes 4] [--seconds 20] [--rate 200] [--rounds 3] [--port 26100]
//                           [--build build/release] [--dir DIR]
//
// Makes that many nodes with that many accounts of five balances (bench_cluster --make), starts them as `quorex node`,
// opens one account more, and asks for its proof at `rate` a second, at any certified height since; of four nodes a
// follower is asked. bench_proofs asks: the requests leave at set times, whether or not those before were answered, and
// are timed from then (open loop); by turns the same for GET /quorex/v1/status, which is what HTTP, a wake-up on a busy
// processor and this client cost. `node_us` is the processor time of the asked node for each request, its work at rest
// included. Prints one JSON object, milliseconds. With --dir what was made stays in DIR for the next run.
// Ports: port to port + 3 and port + 500 to port + 503.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const wishes = { accounts: '1000000', nodes: '4', seconds: '20', rate: '200', rounds: '3', port: '26100',
                 build: 'build/release', dir: '' };
for (let at = 2; at < process.argv.length; at += 2) {
    const name = process.argv[at].replace(/^--/, '');
    if (!(name in wishes) || process.argv[at + 1] === undefined) throw new Error(`unknown option ${process.argv[at]}`);
    wishes[name] = process.argv[at + 1];
}
const port = Number(wishes.port), count = Number(wishes.nodes), asked = count > 1 ? 1 : 0;
const dir = wishes.dir || mkdtempSync(join(tmpdir(), 'quorex-proofs-'));
const quorex = join(wishes.build, 'quorex'), agent = new http.Agent({ keepAlive: true });
const nodes = [];

function ask(path, headers = {}) {
    return new Promise((resolve, reject) => {
        http.get({ host: '127.0.0.1', port: port + asked, path, headers, agent }, (response) => {
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
    'admin', '--url', `http://127.0.0.1:${port + asked}`, '--operator-key', join(dir, 'operator.key'), ...words])).stdout);

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
    return { key: raw, seed: Buffer.from(privateKey.export({ format: 'jwk' }).d, 'base64url').toString('hex') };
}

// Of the asked node, in microseconds.
function processorTime() {
    const fields = readFileSync(`/proc/${nodes[asked].pid}/stat`, 'utf8').split(' ');
    return (Number(fields[13]) + Number(fields[14])) * 10000;
}

async function load(...words) {
    const before = processorTime();
    const { stdout } = await promisify(execFile)(join(wishes.build, 'bench_proofs'), [
        '--port', port + asked, '--rate', wishes.rate, '--seconds', wishes.seconds, ...words].map(String));
    const result = JSON.parse(stdout);
    return { ...result, node_us: Math.round((processorTime() - before) / result.requests) };
}

try {
    // One checkpoint while they are made, the next when all is over.
    const every = Math.max(50, Math.floor(Number(wishes.accounts) / 2500));
    mkdirSync(dir, { recursive: true });
    if (!existsSync(join(dir, 'node-0')))
        execFileSync(join(wishes.build, 'bench_cluster'),
                     [dir, '--nodes', wishes.nodes, '--port', wishes.port, '--accounts', wishes.accounts,
                      '--checkpoint-blocks', every, '--make'], { stdio: 'ignore' });
    for (let number = 0; number < count; number++) start(number);
    await until('the nodes', async () => (await ask('/readyz')).status === 200);
    const kept = join(dir, 'holder.json');
    const holder = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : await openAccount();
    writeFileSync(kept, JSON.stringify(holder));
    const { lastCommand } = await json('/quorex/v1/status');
    // From the first certified block on that has the account.
    let newest = 0, first = 0;
    const look = async () => {
        newest = (await json('/quorex/v1/status')).certifiedHeight;
        if (first === 0 && (await json(`/quorex/v1/blocks/${newest}`)).lastCommand >= lastCommand) first = newest;
        return first > 0 && newest > first + 10;
    };
    await until('certified blocks', look);
    await until('nodes at rest', atRest);
    const proof = [], status = [];
    for (let round = 0; round < Number(wishes.rounds); round++) {
        await look();
        proof.push(await load('--key', holder.key, '--seed', holder.seed, '--first', first, '--last', newest));
        status.push(await load('--path', '/quorex/v1/status'));
    }
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${nodes[asked].pid}/status`, 'utf8'))[1];
    console.log(JSON.stringify({ accounts: Number(wishes.accounts), nodes: count, rate: Number(wishes.rate), lastCommand,
                                 proof, status, rss_kb: Number(rss) }, null, 1));
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
    if (wishes.dir === '') rmSync(dir, { recursive: true });
}
