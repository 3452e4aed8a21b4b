// An independent verifier of what the exchange says that it owes: written from docs/liabilities.md, beside verify.mjs.
//
//     node liabilities.mjs --trust TRUST.json --liabilities FILE
//     node liabilities.mjs --trust TRUST.json --account PUBLICKEY [--liabilities FILE] [--proof FILE] --opening FILE ...
//
// FILE of --liabilities: a published file. --opening: of one asset, as /quorex/v1/proofs/liability answers it, or its
// bytes. --proof: the account's proof of the same height. Exit status 0: all of it holds; 1: something does not.

import crypto from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { Reader, Refused, checkCertificate, checkProof, hex, must, sha } from './verify.mjs';

const LEAF_BYTES = 40;
const LARGEST = (1n << 63n) - 1n;

// ---- the tree of sums ----

// Millions of them are hashed: each is written into the same few bytes, and hashed at once where Node can (20.12).
const digest = crypto.hash ? (bytes) => crypto.hash('sha256', bytes, 'buffer') : (bytes) => sha(bytes);
const leafText = Buffer.alloc(1 + 2 + LEAF_BYTES), joinText = Buffer.alloc(1 + 2 * (16 + 32));
joinText[0] = 1;

function u16(value) {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
    return bytes;
}

// bytes: amount u64 | commitment 32.
function leafNode(asset, bytes) {
    const sum = bytes.readBigUInt64LE(0);
    must(sum <= LARGEST, 'a leaf is below zero');
    leafText.writeUInt16LE(asset, 1);
    leafText.set(bytes, 3);
    return { sum, hash: digest(leafText) };
}

function putNode(node, at) {
    joinText.writeBigUInt64LE(node.sum & 0xffffffffffffffffn, at);
    joinText.writeBigUInt64LE(node.sum >> 64n, at + 8);
    joinText.set(node.hash, at + 16);
}

function join(left, right) {
    putNode(left, 1);
    putNode(right, 1 + 16 + 32);
    return { sum: left.sum + right.sum, hash: digest(joinText) };
}

// Adds leaves one by one: `peaks` are the complete subtrees, [how many leaves, node].
class Sums {
    constructor() { this.peaks = []; }

    add(node) {
        let size = 1;
        while (this.peaks.length > 0 && this.peaks[this.peaks.length - 1][0] === size) {
            node = join(this.peaks.pop()[1], node);
            size *= 2;
        }
        this.peaks.push([size, node]);
    }

    root() { return this.peaks.map(([, node]) => node).reduceRight((right, left) => join(left, right)); }
}

// ---- the head ----

function readHead(reader) {
    const start = reader.at;
    must(reader.u32() === 0x424c5851 && reader.u16() === 1, 'these are no liabilities');
    const count = reader.u16();
    must(count <= 64, 'there are too many assets');
    const head = { height: reader.u64(), chainId: reader.take(32), headerHash: reader.take(32), assets: [] };
    for (let i = 0; i < count; i++) {
        must(reader.u16() === i, 'an asset is missing');
        const asset = { leaves: reader.u64(), sum: reader.u128(), root: reader.take(32) };
        must(asset.leaves >= 1n && asset.leaves <= 1n << 27n && asset.sum <= asset.leaves * LARGEST,
             'an asset has no leaves, too many, or a sum that they cannot have');
        head.assets.push(asset);
    }
    head.root = sha('quorex/liabilities/1', reader.bytes.subarray(start, reader.at));
    return head;
}

function checkHead(head, header, votes, trust) {
    must(head.height === header.height && head.headerHash.equals(header.hash) &&
         head.chainId.equals(header.chainId), 'the liabilities are of another block');
    checkCertificate(votes, header, trust, 'quorex/liabs/1', head.root);
}

// ---- an opening ----

function checkPart(reader, part, parts, asset, row, owner) {
    const position = reader.u32(), amount = reader.u64(), nonce = reader.take(32), pathCount = reader.u16();
    must(BigInt(position) < row.leaves, 'a part is outside of its tree');
    const bytes = Buffer.alloc(LEAF_BYTES);
    bytes.writeBigUInt64LE(amount, 0);
    sha('quorex/liability/1', nonce, owner, u16(asset), u16(part), u16(parts)).copy(bytes, 8);
    let node = leafNode(asset, bytes), index = position, count = Number(row.leaves), used = 0;
    for (; count > 1; index = Math.floor(index / 2), count = Math.ceil(count / 2)) {
        const beside = index % 2 === 0 ? index + 1 : index - 1;
        if (beside >= count) continue;
        must(used++ < pathCount, 'a path is too short');
        const sibling = { sum: reader.u128(), hash: reader.take(32) };
        node = index % 2 === 0 ? join(node, sibling) : join(sibling, node);
        must(node.sum <= row.sum, 'a sum on a path is above its asset\'s');
    }
    must(used === pathCount, 'a path is too long');
    must(node.sum === row.sum && node.hash.equals(row.root), 'a path does not lead to its asset\'s root');
    return amount;
}

// The subject of a proof of kind 4.
export function checkOpening(bytes, header, trust, publicKey) {
    const reader = new Reader(bytes, 'the opening');
    const owner = reader.take(32), asset = reader.u16(), parts = reader.u16();
    const head = readHead(reader), votes = reader.take(reader.u32()), amounts = [];
    must(parts >= 1 && parts <= 3 && asset < head.assets.length, 'the opening is of no asset, or of no parts');
    must(publicKey === undefined || hex(owner) === publicKey, 'the leaves are another account\'s');
    for (let part = 0; part < parts; part++) {
        amounts.push(checkPart(reader, part, parts, asset, head.assets[asset], owner));
    }
    reader.end();
    checkHead(head, header, votes, trust);
    return { kind: 'liability', publicKey: hex(owner), asset, amounts, headerHash: hex(header.hash),
             amount: amounts.reduce((sum, amount) => sum + amount, 0n), root: hex(head.root) };
}

// Openings (as checkOpening says them) beside the account's proof (as checkProof says it): nothing was left out.
export function checkHolder(openings, account) {
    must(account.kind === 'account', 'it is no account\'s proof');
    for (const opening of openings) {
        const has = account.balances.find(({ asset }) => asset === opening.asset);
        must(opening.publicKey === account.publicKey, 'the leaves are another account\'s');
        must(opening.height === account.height, 'the account\'s proof is of another block');
        must(has !== undefined && opening.amount === has.available + has.held,
             'the parts do not add up to the account\'s balance');
    }
    for (const { asset } of account.balances) {
        must(openings.some((opening) => opening.asset === asset), `asset ${asset} of the account is not opened`);
    }
}

// ---- a whole file ----

// `source`: all of its bytes, or { size, read(offset, count) }.
export function checkLiabilities(source, trust) {
    const file = Buffer.isBuffer(source) ? { size: source.length,
                                             read: (at, count) => source.subarray(at, at + count) } : source;
    const reader = new Reader(file.read(0, Math.min(file.size, 80 + 64 * 58)), 'the file');
    const head = readHead(reader), leavesAt = reader.at;
    const leaves = head.assets.reduce((sum, asset) => sum + Number(asset.leaves), 0);
    const tailAt = leavesAt + leaves * LEAF_BYTES;
    must(tailAt <= file.size && file.size - tailAt <= 80000, 'the file is cut short, or has bytes too many');
    const tail = new Reader(file.read(tailAt, file.size - tailAt), 'the file\'s end');
    const proofBytes = tail.u32(), voteBytes = tail.u32();
    const totals = checkProof(tail.take(proofBytes), trust), votes = tail.take(voteBytes);
    tail.end();
    must(totals.kind === 'totals', 'the file\'s proof is not one of totals');
    checkHead(head, totals.header, votes, trust);
    must(head.assets.length === totals.assets.length, 'an asset is left out');
    let at = leavesAt;
    head.assets.forEach((asset, i) => {
        must(asset.sum === totals.assets[i].users, 'an asset\'s sum is not what users are owed of it');
        const sums = new Sums();
        for (let left = Number(asset.leaves); left > 0;) {
            const count = Math.min(left, 8192), bytes = file.read(at, count * LEAF_BYTES);
            must(bytes.length === count * LEAF_BYTES, 'the file is cut short');
            for (let k = 0; k < count; k++) sums.add(leafNode(i, bytes.subarray(k * LEAF_BYTES, (k + 1) * LEAF_BYTES)));
            at += count * LEAF_BYTES;
            left -= count;
        }
        const root = sums.root();
        must(root.sum === asset.sum, 'an asset\'s leaves do not add up to its sum');
        must(root.hash.equals(asset.root), 'an asset\'s leaves do not lead to its root');
    });
    return { kind: 'liabilities', height: head.height, root: hex(head.root),
             assets: head.assets.map(({ leaves: count, sum }, asset) => ({ asset, leaves: count, sum })) };
}

// ---- the command ----

function readProof(path) {
    const file = readFileSync(path);
    return file[0] === 0x7b ? Buffer.from(JSON.parse(file).proof, 'hex') : file;
}

function checkFile(path, trust) {
    const descriptor = openSync(path, 'r');
    const read = (at, count) => {
        const bytes = Buffer.alloc(count);
        return bytes.subarray(0, readSync(descriptor, bytes, 0, count, at));
    };
    try {
        return checkLiabilities({ size: fstatSync(descriptor).size, read }, trust);
    } finally {
        closeSync(descriptor);
    }
}

// What the program is asked: paths of files, and whose they must be.
export function checkAll(asked, trust) {
    const said = [];
    if (asked.liabilities) said.push(checkFile(asked.liabilities, trust));
    const openings = asked.openings.map((path) => checkProof(readProof(path), trust, asked.account));
    for (const opening of openings) {
        must(opening.kind === 'liability', 'it is no opening');
        must(!asked.liabilities || opening.root === said[0].root, 'an opening is of other liabilities than the file');
    }
    if (asked.proof) checkHolder(openings, checkProof(readProof(asked.proof), trust, asked.account));
    return said.concat(openings);
}

function main(words) {
    const asked = { openings: [] };
    for (let i = 0; i < words.length; i += 2) {
        const name = words[i].replace(/^--/, '');
        if (name === 'opening') asked.openings.push(words[i + 1]);
        else asked[name] = words[i + 1];
    }
    const holder = asked.openings.length > 0 || asked.proof !== undefined;
    if (!asked.trust || (holder && !asked.account) || (!holder && !asked.liabilities)) {
        console.error('usage: node liabilities.mjs --trust TRUST.json [--liabilities FILE]\n' +
                      '                            [--account PUBLICKEY --opening FILE ... [--proof FILE]]');
        process.exit(2);
    }
    try {
        const said = checkAll(asked, JSON.parse(readFileSync(asked.trust)));
        const text = (key, value) => (key === 'header' ? undefined :
                                      typeof value === 'bigint' ? value.toString() : value);
        console.log(JSON.stringify(said, text, 1));
    } catch (error) {
        if (!(error instanceof Refused)) throw error;
        console.log(`wrong: ${error.message}`);
        process.exit(1);
    }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
