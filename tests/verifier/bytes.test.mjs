// No byte of a proof, a liabilities file or a consistency proof with its certificate may be another, none lack, none be added.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eachByte, eachPart, without } from './changes.mjs';
import { checkLiabilities } from './liabilities.mjs';
import { sample } from './sample.mjs';
import { Refused, checkConsistency, checkHistory, checkProof } from './verify.mjs';

const { trust, history } = sample;
Error.stackTraceLimit = 0; // half a million errors are made below, and nobody looks where

function isRefused(check) {
    try {
        check();
    } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return true;
    }
    return false;
}

const kinds = { account: checkProof, trade: checkProof, totals: checkProof, opening: checkProof, release: checkProof,
                file: checkLiabilities };

for (const [name, check] of Object.entries(kinds)) {
    test(`every bit of every byte counts: ${name}`, () => {
        const bytes = sample[name];
        check(bytes, trust);
        const count = eachByte(bytes, (changed, what) => assert.ok(isRefused(() => check(changed, trust)), what));
        for (let length = 0; length < bytes.length; length++)
            assert.ok(isRefused(() => check(bytes.subarray(0, length), trust)), `${length} bytes`);
        assert.ok(isRefused(() => check(Buffer.concat([bytes, Buffer.of(0)]), trust)));
        console.log(`# ${name}: ${count} changes of ${bytes.length} bytes`);
    });
}

const SIZES = 40;
const proofOf = (from, to) => history.proofs.find((one) => one.from === from && one.to === to);
const hashesOf = ({ fromRoot, toRoot, hashes }) => [fromRoot, toRoot, ...hashes].map((text) => Buffer.from(text, 'hex'));

test('every two sizes up to 40, and every byte of their hashes', () => {
    let count = 0;
    for (let to = 1; to <= SIZES; to++) {
        for (let from = 1; from <= to; from++) {
            const parts = hashesOf(proofOf(from, to));
            const check = (all) => checkConsistency(BigInt(from), BigInt(to), all[0], all[1], all.slice(2));
            check(parts);
            parts.forEach((part, i) => {
                for (let at = 0; at < 32; at++, count++) {
                    part[at] ^= 1 << at % 8;
                    assert.ok(isRefused(() => check(parts)), `${from} to ${to}, hash ${i}, byte ${at}`);
                    part[at] ^= 1 << at % 8;
                }
                if (i >= 2) assert.ok(isRefused(() => check(without(parts, i))), `${from} to ${to} without ${i}`);
            });
            assert.ok(isRefused(() => check([...parts, parts[1]])), `${from} to ${to} and one more`);
        }
    }
    console.log(`# ${count} changes`);
});

// With the header above the newer tree, those between it and a certified one, and the votes.
test('every byte of a consistency proof, its headers and its certificate', () => {
    let count = 0;
    for (const [from, to] of [[1, 1], [5, 38], [8, 24], [39, 40]]) {
        const whole = { answer: proofOf(from, to), block: history.blocks[to] };
        const kept = { size: BigInt(from), root: Buffer.from(whole.answer.fromRoot, 'hex') };
        checkHistory(whole.answer, whole.block, trust, kept);
        count += eachPart(whole, ({ answer, block }, what) =>
            assert.ok(isRefused(() => checkHistory(answer, block, trust, kept)), `${from} to ${to}: ${what}`));
    }
    console.log(`# ${count} changes`);
});
