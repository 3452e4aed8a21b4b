// What an auditor sees: bodies by an operator's grant, and chains that begin late or have rotted, as quorex verify judges
// them and as a node starts from them.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { quorex, until } from './exchange.mjs';

const port = 22000, http = `http://127.0.0.1:${port}`;
const dir = mkdtempSync(join(tmpdir(), 'quorex-audit-')), node = join(dir, 'node-0'), chain = join(node, 'chain');
const log = () => readFileSync(join(node, 'log'), 'utf8');
let child;

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

const admin = (...words) =>
    command('admin', '--url', http, '--operator-key', join(dir, 'operator.key'), ...words);
const verify = (...more) => command('verify', '--chain', chain, ...more);
const status = async () => (await fetch(`${http}/quorex/v1/status`)).json();

// A block for each command, so that checkpoints come.
async function blocksUpTo(height) {
    for (let last = 0; last < height;) {
        const { said, code } = await admin('credit', 'account=1', 'asset=USDT', 'amount=1');
        assert.equal(code, 0, said);
        last = (await status()).height;
    }
}

function flip(path, at) {
    const bytes = readFileSync(path);
    bytes[at < 0 ? bytes.length + at : at] ^= 4;
    writeFileSync(path, bytes);
}

before(async () => {
    execFileSync(quorex, ['init', '--data', dir, '--port', port, '--checkpoint-blocks', '15', '--demo']);
    await startNode();
    const { publicKey } = auditorKey();
    assert.equal((await admin('create-account', `publicKey=${publicKey}`)).code, 0);
    await blocksUpTo(20);
    await until('a checkpoint', async () => (await status()).checkpointHeight >= 15);
    await blocksUpTo(35);
    await until('a second one', async () => (await status()).checkpointHeight >= 30);
});

after(async () => {
    if (child) child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
});

function auditorKey() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }).subarray(12).toString('hex') };
}

// As docs/api-quorex.md has it, sent by curl.
function readBody(key, chainId, path, grant) {
    const tag = Buffer.alloc(16), time = Buffer.alloc(8), now = Date.now();
    tag.write('quorex/read/1');
    time.writeBigUInt64LE(BigInt(now));
    const message = Buffer.concat([tag, Buffer.from(chainId, 'hex'), time, createHash('sha256').update(path).digest()]);
    const headers = [`X-Quorex-Key: ${key.publicKey}`, `X-Quorex-Time: ${now}`,
                     `X-Quorex-Signature: ${sign(null, message, key.privateKey).toString('hex')}`,
                     ...(grant ? [`X-Quorex-Grant: ${grant}`] : [])];
    const answer = execFileSync('curl', ['-s', '-w', '%{http_code}', ...headers.flatMap((one) => ['-H', one]),
                                         http + path], { encoding: 'buffer' });
    const code = Number(answer.subarray(-3).toString()), bytes = answer.subarray(0, -3);
    return code === 200 ? { code, bytes } : { code, refusal: JSON.parse(bytes.toString()).code };
}

test('an auditor reads bodies by an operator\'s grant, and nobody else by it', { timeout: 120000 }, async () => {
    const key = auditorKey(), other = auditorKey(), { chainId } = await status();
    const path = '/quorex/v1/blocks/3/body';
    const { bodyLength } = await (await fetch(`${http}/quorex/v1/blocks/3`)).json();
    const granted = await admin('grant', `auditor=${key.publicKey}`, 'days=1');
    assert.equal(granted.code, 0, granted.told);
    assert.match(granted.told, new RegExp(`chain ${chainId}`));
    const grant = granted.said.trim();
    const got = readBody(key, chainId, path, grant);
    assert.equal(got.code, 200, JSON.stringify(got));
    assert.equal(got.bytes.length, bodyLength);
    assert.deepEqual(readBody(key, chainId, path), { code: 403, refusal: -9005 });
    assert.deepEqual(readBody(other, chainId, path, grant), { code: 403, refusal: -9006 });
    // The key of another operator, and another chain: made without asking anybody.
    const words = ['--operator-key', join(node, 'keys', 'node.key'), 'grant', `auditor=${other.publicKey}`];
    const foreign = await command('admin', ...words, `chainId=${chainId}`);
    assert.equal(foreign.code, 0, foreign.told);
    assert.deepEqual(readBody(other, chainId, path, foreign.said.trim()), { code: 403, refusal: -9006 });
    const elsewhere = await admin('grant', `auditor=${key.publicKey}`, `chainId=${'00'.repeat(32)}`);
    assert.deepEqual(readBody(key, chainId, path, elsewhere.said.trim()), { code: 403, refusal: -9006 });
    assert.equal((await admin('grant', 'auditor=12')).code, 2);
});

test('an index that rotted costs nothing', { timeout: 120000 }, async () => {
    await stopNode();
    const before = await verify();
    assert.equal(before.code, 0, before.said + before.told);
    for (const at of [5, 20, 64 + 30 * 64 + 9]) {
        flip(join(chain, 'index'), at);
        await startNode();
        await stopNode();
        const { code, said, told } = await verify();
        assert.equal(code, 0, said + told);
    }
    rmSync(join(chain, 'index'));
    await startNode();
    await stopNode();
    assert.equal((await verify()).code, 0);
    assert.ok(!readdirSync(chain).includes('quarantine'));
});

test('a rotten body below the checkpoint costs that body, and verify says so', { timeout: 120000 }, async () => {
    const body = readFileSync(join(chain, '00000001.segment'));
    // The third block's body, from the front of the file on: records are length, checksum, type, zero, height.
    let at = 0;
    while (!(body.readUInt32LE(at + 8) === 1 && body.readBigUInt64LE(at + 16) === 3n)) at += 24 + body.readUInt32LE(at);
    flip(join(chain, '00000001.segment'), at + 24 + 448 + 10);
    const wrong = await verify();
    assert.equal(wrong.code, 1, wrong.said + wrong.told);
    assert.match(wrong.said, /^wrong: block 3: 00000001\.segment, byte \d+/);
    await startNode();
    assert.match(log(), /a damaged record of the chain was mended/);
    assert.equal((await fetch(`${http}/quorex/v1/blocks/3`)).status, 200);
    assert.ok(readdirSync(join(chain, 'quarantine')).includes('00000001.segment.1'));
    await stopNode();
    const { code, said, told } = await verify();
    assert.equal(code, 3, said + told);
    assert.match(said, /^right as far as it goes:/);
    assert.match(said, /executed again/);
});

test('a checkpoint whose signature rotted is left for the older one', { timeout: 120000 }, async () => {
    const folders = readdirSync(join(node, 'checkpoint')).filter((name) => /^\d+$/.test(name)).sort((a, b) => b - a);
    const newest = folders[0];
    assert.ok(folders.length >= 2);
    flip(join(node, 'checkpoint', newest, 'certificate'), -1);
    const { code, said, told } = await verify();
    // The audit takes the lowest of use: the newest one only matters to the node.
    assert.equal(code, 3, said + told);
    const before = log().length;
    await startNode();
    const since = log().slice(before);
    assert.match(since, new RegExp(`"checkpoint file is damaged".* file="certificate".* height=${newest}\\n`));
    assert.match(since, new RegExp(`"starting from a checkpoint" height=${folders[1]} `));
    await blocksUpTo(Number(newest) + 20);
    await until('another checkpoint', async () => (await status()).checkpointHeight > Number(newest));
    await stopNode();
});

test('a chain that begins at a checkpoint is audited from there', { timeout: 120000 }, async () => {
    rmSync(chain, { recursive: true });
    await startNode();
    const { height } = await status();
    await blocksUpTo(height + 4);
    await stopNode();
    const { code, said, told } = await verify();
    assert.equal(code, 3, said + told);
    const [, first, last] = said.match(/blocks (\d+) to (\d+): everything, executed again/);
    assert.ok(Number(last) >= height + 4 && Number(first) <= height + 1);
    assert.match(said, /state of a checkpoint that 1 of 1 voters \(1 needed\) signed,\n\s+whom the genesis leads to/);
    const nothing = await verify('--checkpoint', join(dir, 'nowhere'));
    assert.equal(nothing.code, 3, nothing.said + nothing.told);
    assert.match(nothing.said, /nothing was executed/);
    const word = await verify('--trust', `${first}:${'ab'.repeat(32)}`);
    assert.equal(word.code, 3); // above the checkpoint the state itself says who votes
    assert.equal((await verify('--trust', 'x')).code, 2);
    const [checkpoint] = said.match(/(?<=block )\d+(?=: state of a checkpoint)/);
    flip(join(node, 'checkpoint', checkpoint, '00000.chunk'), 70);
    const wrong = await verify();
    assert.equal(wrong.code, 1, wrong.said + wrong.told);
    assert.match(wrong.said, new RegExp(`^wrong: block ${checkpoint}: its checkpoint is not right`));
    assert.ok(readdirSync(join(node, 'checkpoint', checkpoint)).includes('00000.chunk'));
});
