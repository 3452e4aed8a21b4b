// The verifier that shares no code with the exchange, on what the exchange writes: SAMPLE is tests/verifier/sample.c.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { checkHolder, checkLiabilities } from './liabilities.mjs';
import { Refused, checkProof } from './verify.mjs';

const folder = mkdtempSync(join(tmpdir(), 'liabilities-'));
after(() => rmSync(folder, { recursive: true }));
execFileSync(process.env.SAMPLE, [folder]);
const sample = (name) => readFileSync(join(folder, name));
const trust = JSON.parse(sample('trust.json'));
const file = sample('liabilities');
const proof = (name) => checkProof(sample(name), trust);

const refused = (what, why) => assert.throws(what, (error) => {
    if (!(error instanceof Refused)) throw error;
    if (why !== undefined) assert.match(error.message, why);
    return true;
});

test('a published file holds, and its openings', () => {
    const said = checkLiabilities(file, trust);
    assert.equal(said.assets.length, 2);
    assert.ok(said.assets.every(({ leaves, sum }) => leaves >= 16n && sum > 0n));
    for (const account of [1, 2]) {
        const openings = [0, 1].map((asset) => proof(`opening-${account}-${asset}`));
        checkHolder(openings, proof(`account-${account}`));
        assert.ok(openings.every(({ root }) => root === said.root));
    }
    // All that the two have is all that is owed.
    const sums = [0, 1].map((asset) => [1, 2].reduce((sum, account) =>
        sum + proof(`opening-${account}-${asset}`).amount, 0n));
    assert.deepEqual(sums, said.assets.map(({ sum }) => sum));
});

// No byte of a file or of an opening may be another, none lack, none be added.
test('every byte counts', () => {
    const opening = sample('opening-1-0');
    for (const [bytes, check] of [[file, (changed) => checkLiabilities(changed, trust)],
                                  [opening, (changed) => checkProof(changed, trust)]]) {
        check(bytes);
        for (let at = 0; at < bytes.length; at++) {
            const changed = Buffer.from(bytes);
            changed[at] ^= 1 << (at % 8);
            refused(() => check(changed));
            if (at % 7 === 0) refused(() => check(bytes.subarray(0, at)));
        }
        refused(() => check(Buffer.concat([bytes, Buffer.of(0)])));
    }
});

test('what all validators forge is refused for what it is', () => {
    refused(() => checkLiabilities(sample('forged-omitted'), trust), /sum is not what users are owed/);
    refused(() => checkLiabilities(sample('forged-negative'), trust), /below zero/);
    refused(() => checkLiabilities(sample('forged-asset'), trust), /an asset is left out/);
});

// Two accounts shown one leaf; an account of which an asset, or all, is left out; another's leaves.
test('a holder misses what is not his, and what is not there', () => {
    const other = proof('account-2').publicKey;
    refused(() => checkProof(sample('opening-1-0'), trust, other), /another account's/);
    const shown = Buffer.from(sample('opening-1-0'));
    Buffer.from(other, 'hex').copy(shown, 20); // the subject begins with the key
    refused(() => checkProof(shown, trust, other), /does not lead to its asset's root/);
    const [btc, usdt] = [0, 1].map((asset) => proof(`opening-1-${asset}`)), account = proof('account-1');
    refused(() => checkHolder([btc], account), /asset 1 of the account is not opened/);
    refused(() => checkHolder([], account), /is not opened/);
    refused(() => checkHolder([btc, proof('opening-2-1')], account), /another account's/);
    refused(() => checkHolder([btc, { ...usdt, amount: usdt.amount - 1n }], account), /do not add up/);
    refused(() => checkHolder([{ ...btc, height: 1n }, usdt], account), /another block/);
});

test('other validators are not believed', () => {
    const stranger = structuredClone(trust);
    stranger.validators[0].publicKey = stranger.validators[0].publicKey.replace(/^../, '00');
    refused(() => checkLiabilities(file, stranger), /not those you trust/);
    refused(() => checkProof(sample('opening-1-0'), { ...trust, chainId: '00'.repeat(32) }), /another chain/);
});

test('the command says so, too', () => {
    const path = (name) => join(folder, name);
    const key = proof('account-1').publicKey;
    const run = (...words) => spawnSync(process.execPath, [fileURLToPath(new URL('liabilities.mjs', import.meta.url)),
                                                           '--trust', path('trust.json'), ...words]);
    assert.equal(run('--liabilities', path('liabilities')).status, 0);
    const all = ['--account', key, '--opening', path('opening-1-0'), '--opening', path('opening-1-1'),
                 '--proof', path('account-1')];
    assert.equal(run(...all, '--liabilities', path('liabilities')).status, 0);
    assert.equal(run(...all.slice(0, 4), ...all.slice(6)).status, 1);
    assert.equal(run('--liabilities', path('forged-omitted')).status, 1);
    writeFileSync(path('answer'), JSON.stringify({ proof: sample('opening-1-0').toString('hex') }));
    assert.equal(run('--account', key, '--opening', path('answer')).status, 0);
    assert.equal(run('--account', key).status, 2);
});
