// The verifier that shares no code with the exchange, on what the exchange writes: SAMPLE is tests/verifier/sample.c.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { checkHolder, checkLiabilities } from './liabilities.mjs';
import { folder, read as sample, sample as whole } from './sample.mjs';
import { Refused, checkProof } from './verify.mjs';

const { trust } = whole;
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
    const sums = said.assets.map(() => 0n);
    for (const account of [1, 2, 3]) {
        const holder = proof(`holder-${account}`);
        const openings = holder.balances.map(({ asset }) => proof(`opening-${account}-${asset}`));
        checkHolder(openings, holder);
        assert.ok(openings.every(({ root }) => root === said.root));
        for (const { asset, amount } of openings) sums[asset] += amount;
    }
    assert.deepEqual(sums, said.assets.map(({ sum }) => sum), 'what the three have is all that is owed');
});

test('what all validators forge is refused for what it is', () => {
    refused(() => checkLiabilities(sample('forged-omitted'), trust), /sum is not what users are owed/);
    refused(() => checkLiabilities(sample('forged-negative'), trust), /below zero/);
    refused(() => checkLiabilities(sample('forged-asset'), trust), /an asset is left out/);
});

// Two accounts shown one leaf; an account of which an asset, or all, is left out; another's leaves.
test('a holder misses what is not his, and what is not there', () => {
    const other = proof('holder-2').publicKey;
    refused(() => checkProof(sample('opening-1-0'), trust, other), /another account's/);
    const shown = Buffer.from(sample('opening-1-0'));
    Buffer.from(other, 'hex').copy(shown, 20); // the subject begins with the key
    refused(() => checkProof(shown, trust, other), /does not lead to its asset's root/);
    const [btc, usdt] = [0, 1].map((asset) => proof(`opening-1-${asset}`)), account = proof('holder-1');
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
    const key = proof('holder-1').publicKey;
    const run = (...words) => spawnSync(process.execPath, [fileURLToPath(new URL('liabilities.mjs', import.meta.url)),
                                                           '--trust', path('trust.json'), ...words]);
    assert.equal(run('--liabilities', path('liabilities')).status, 0);
    const all = ['--account', key, '--opening', path('opening-1-0'), '--opening', path('opening-1-1'),
                 '--proof', path('holder-1')];
    assert.equal(run(...all, '--liabilities', path('liabilities')).status, 0);
    assert.equal(run(...all.slice(0, 4), ...all.slice(6)).status, 1);
    assert.equal(run('--liabilities', path('forged-omitted')).status, 1);
    writeFileSync(path('answer'), JSON.stringify({ proof: sample('opening-1-0').toString('hex') }));
    assert.equal(run('--account', key, '--opening', path('answer')).status, 0);
    assert.equal(run('--account', key).status, 2);
});
