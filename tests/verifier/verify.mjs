// An independent verifier of the exchange's proofs: written from docs/proofs.md, SHA-256 and Ed25519 by Node alone.
//
//     node verify.mjs --trust TRUST.json [--account PUBLICKEY] PROOF
//
// PROOF: the bytes of a proof, or an answer of the exchange (JSON) with its "proof". TRUST.json: whom the reader
// believes, from the operators: {"chainId":HEX,"validators":[{"node":1,"publicKey":HEX}, ...]}. Exit status 0: the
// proof holds, and what it says is printed; 1: it does not, and why.

import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { checkOpening } from './liabilities.mjs';

export class Refused extends Error {}

function refuse(why) {
    throw new Refused(why);
}

export function must(holds, why) {
    if (!holds) refuse(why);
}

// ---- bytes ----

// Reads front to back; at the end nothing may be left.
export class Reader {
    constructor(bytes, what) {
        this.bytes = bytes;
        this.what = what;
        this.at = 0;
    }

    take(count) {
        must(this.at + count <= this.bytes.length, `${this.what} is cut short`);
        this.at += count;
        return this.bytes.subarray(this.at - count, this.at);
    }

    u8() { return this.take(1).readUInt8(); }
    u16() { return this.take(2).readUInt16LE(); }
    u32() { return this.take(4).readUInt32LE(); }
    i32() { return this.take(4).readInt32LE(); }
    u64() { return this.take(8).readBigUInt64LE(); }
    i64() { return this.take(8).readBigInt64LE(); }

    i128() {
        const low = this.u64();
        return (this.i64() << 64n) | low;
    }

    u128() {
        const low = this.u64();
        return (this.u64() << 64n) | low;
    }

    end() { must(this.at === this.bytes.length, `${this.what} has bytes too many`); }
}

export const sha = (...parts) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest();
};
const leafHash = (...parts) => sha(Buffer.of(0), ...parts);
const nodeHash = (left, right) => sha(Buffer.of(1), left, right);
export const hex = (bytes) => Buffer.from(bytes).toString('hex');

// ---- header, certificate ----

const HEADER_BYTES = 448;

function readHeader(bytes) {
    const reader = new Reader(bytes, 'a header');
    must(reader.u32() === 0x48425851, 'a header is none of this format');
    must(reader.u16() === 1, 'a header is of a version that is not known');
    const header = { flags: reader.u16(), height: reader.u64(), timeNs: reader.u64(), epoch: reader.u64(),
                     firstCommand: reader.u64(), lastCommand: reader.u64(), txCount: reader.u32(),
                     fillCount: reader.u32(), bodyLength: reader.u64() };
    for (const name of ['chainId', 'prevHash', 'historyRoot', 'txRoot', 'fillsRoot', 'stateRoot', 'eventsHash',
                        'totalsRoot', 'validatorsHash', 'nextValidatorsHash', 'paramsHash', 'bodyHash']) {
        header[name] = reader.take(32);
    }
    header.hash = sha('quorex/header/1', bytes);
    return header;
}

function validatorsHash(validators) {
    const bytes = Buffer.alloc(4 + validators.length * 36);
    bytes.writeUInt32LE(validators.length, 0);
    validators.forEach(({ node, publicKey }, i) => {
        bytes.writeUInt32LE(node, 4 + i * 36);
        Buffer.from(publicKey, 'hex').copy(bytes, 8 + i * 36);
    });
    return sha('quorex/validators/1', bytes);
}

const publicKeys = new Map(); // by their hex: made once

function signed(publicKey, message, signature) {
    if (!publicKeys.has(publicKey)) {
        const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(publicKey, 'hex')]);
        publicKeys.set(publicKey, createPublicKey({ key: der, format: 'der', type: 'spki' }));
    }
    return verifySignature(null, message, publicKeys.get(publicKey), signature);
}

// The certificate must be of what is said of `header`, by more than two thirds of the trusted validators: of its hash, or
// of `root` under another tag.
export function checkCertificate(bytes, header, trust, tag = 'quorex/vote/1', root = header.hash) {
    const reader = new Reader(bytes, 'the certificate');
    const height = reader.u64(), epoch = reader.u64(), hash = reader.take(32), count = reader.u32();
    must(height === header.height && epoch === header.epoch && hash.equals(root),
         `the certificate is of another ${root === header.hash ? 'block' : 'root'}`);
    must(header.validatorsHash.equals(validatorsHash(trust.validators)), 'the validators are not those you trust');
    must(count >= Math.floor(trust.validators.length * 2 / 3) + 1, 'the certificate has too few votes');
    const message = Buffer.alloc(96);
    message.write(tag, 0);
    header.chainId.copy(message, 16);
    message.writeBigUInt64LE(epoch, 48);
    message.writeBigUInt64LE(height, 56);
    hash.copy(message, 64);
    for (let i = 0, last = 0; i < count; i++) {
        const node = reader.u32(), signature = reader.take(64);
        const validator = trust.validators.find((one) => one.node === node);
        must(node > last, 'the votes are not by rising node id');
        must(validator !== undefined, 'a vote is by no validator');
        must(signed(validator.publicKey, message, signature), 'a signature is wrong');
        last = node;
    }
    reader.end();
}

// Headers that lead from the first one to the last, which is certified. Returns the first.
function checkHeaders(headers, certificate, trust) {
    const chainId = Buffer.from(trust.chainId, 'hex');
    headers.forEach((header, i) => {
        must(header.chainId.equals(chainId), 'it is of another chain');
        if (i === 0) return;
        must(header.height === headers[i - 1].height + 1n && header.prevHash.equals(headers[i - 1].hash),
             'a header does not name the one before it');
    });
    checkCertificate(certificate, headers[headers.length - 1], trust);
    return headers[0];
}

// ---- RFC 9162 trees ----

// Root that `hash` at `index` of `count` leaves leads to; refuses a path of another length.
function rootOfPath(hash, index, count, path) {
    must(index < count, 'the leaf is outside of the tree');
    let first = index, second = count - 1n;
    for (const sibling of path) {
        must(second !== 0n, 'the path is too long');
        if ((first & 1n) === 1n || first === second) {
            hash = nodeHash(sibling, hash);
            while ((first & 1n) === 0n && first !== 0n) { first >>= 1n; second >>= 1n; }
        } else {
            hash = nodeHash(hash, sibling);
        }
        first >>= 1n;
        second >>= 1n;
    }
    must(second === 0n, 'the path is too short');
    return hash;
}

function rootOfLeaves(leaves) {
    if (leaves.length === 0) return sha('');
    if (leaves.length === 1) return leaves[0];
    let half = 1;
    while (half * 2 < leaves.length) half *= 2;
    return nodeHash(rootOfLeaves(leaves.slice(0, half)), rootOfLeaves(leaves.slice(half)));
}

// RFC 9162, section 2.1.4.2: the tree of `from` headers is the beginning of that of `to`.
export function checkConsistency(from, to, fromRoot, toRoot, hashes) {
    must(from > 0n && from <= to, 'the sizes are not those of two trees');
    if (from === to) {
        must(hashes.length === 0 && fromRoot.equals(toRoot), 'one size has two roots');
        return;
    }
    const complete = (from & (from - 1n)) === 0n;
    must(complete || hashes.length > 0, 'the proof has no hashes');
    let first = from - 1n, second = to - 1n;
    for (; (first & 1n) === 1n && second > 0n; first >>= 1n) second >>= 1n;
    const rest = complete ? hashes : hashes.slice(1);
    let older = complete ? fromRoot : hashes[0], newer = older;
    for (const hash of rest) {
        must(second !== 0n, 'the proof is too long');
        if ((first & 1n) === 1n || first === second) {
            older = nodeHash(hash, older);
            newer = nodeHash(hash, newer);
            while ((first & 1n) === 0n && first !== 0n) { first >>= 1n; second >>= 1n; }
        } else {
            newer = nodeHash(newer, hash);
        }
        first >>= 1n;
        second >>= 1n;
    }
    must(second === 0n, 'the proof is too short');
    must(older.equals(fromRoot), 'the proof does not lead to the older root');
    must(newer.equals(toRoot), 'the proof does not lead to the newer root');
}

// ---- what a proof is about ----

function checkAccount(bytes, header, trust, publicKey) {
    const reader = new Reader(bytes, 'the account');
    const position = reader.u32(), depth = reader.u32();
    must(depth <= 24 && position < 2 ** depth, 'the place is outside of the tree');
    const start = reader.at;
    const salt = reader.take(32), owner = reader.take(32), count = reader.u16(), balances = [];
    for (let i = 0, last = -1; i < count; i++) {
        const asset = reader.u16(), available = reader.i64(), held = reader.i64();
        must(asset > last, 'the assets do not rise');
        must(available >= 0n && held >= 0n && available + held > 0n, 'a balance is below zero, or of nothing');
        balances.push({ asset, available, held });
        last = asset;
    }
    let hash = leafHash(bytes.subarray(start, reader.at));
    for (let level = 0, place = position; level < depth; level++, place = Math.floor(place / 2)) {
        const sibling = reader.take(32);
        hash = place % 2 === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash);
    }
    reader.end();
    must(hash.equals(header.stateRoot), 'the path does not lead to stateRoot');
    must(publicKey === undefined || hex(owner) === publicKey, 'the leaf is another account\'s');
    return { kind: 'account', publicKey: hex(owner), salt: hex(salt), position, balances };
}

function checkTrade(bytes, header) {
    const reader = new Reader(bytes, 'the receipt');
    const index = reader.u32(), pathCount = reader.u32(), start = reader.at;
    const command = reader.u64(), ordinal = reader.u32();
    must(reader.u16() === 277 && reader.u16() === 67, 'the leaf is no fill');
    const fill = { tradeId: reader.u64(), aggregateId: reader.u64(), makerOrder: reader.u64(), takerOrder: reader.u64(),
                   priceTicks: reader.i64(), qtyLots: reader.i64(), makerAccount: reader.u32(),
                   takerAccount: reader.u32(), makerRatePpm: reader.i32(), takerRatePpm: reader.i32(),
                   market: reader.u16(), takerSide: reader.u8() };
    const leaf = leafHash(bytes.subarray(start, reader.at)), path = [];
    for (let i = 0; i < pathCount; i++) path.push(reader.take(32));
    reader.end();
    must(command >= header.firstCommand && command <= header.lastCommand, 'the command is not of the block');
    must(rootOfPath(leaf, BigInt(index), BigInt(header.fillCount), path).equals(header.fillsRoot),
         'the path does not lead to fillsRoot');
    return { kind: 'trade', command, ordinal, index, ...fill };
}

// events_hash of a block that approved withdrawals binds the tree of these approvals.
function checkRelease(bytes, header) {
    const reader = new Reader(bytes, 'the release');
    const index = reader.u32(), count = reader.u32(), pathCount = reader.u32(), events = reader.take(32), start = reader.at;
    const text = (count) => { const field = reader.take(count); return field.toString('latin1').replace(/\0+$/, ''); };
    const command = reader.u64(), ordinal = reader.u32();
    const type = reader.u16(), hasFee = type === 312;
    must((hasFee || type === 301) && reader.u16() === (hasFee ? 194 : 178), 'the leaf is no withdrawal');
    const id = reader.u64(), block = reader.u64(), amount = reader.i64();
    const fee = hasFee ? reader.i64() : 0n, paid = hasFee ? reader.i64() : amount;
    const withdrawal = { withdrawal: id, block, amount, fee, paid, account: reader.u32(),
                         asset: reader.u16(), approvers: reader.u16(), before: reader.u8(), state: reader.u8(),
                         chain: text(12), address: text(64), withdrawOrderId: text(36), txid: hex(reader.take(32)) };
    const leaf = leafHash(bytes.subarray(start, reader.at)), path = [];
    for (let i = 0; i < pathCount; i++) path.push(reader.take(32));
    reader.end();
    must((header.flags & 1) === 1, 'no withdrawal was approved in the block');
    must(command >= header.firstCommand && command <= header.lastCommand, 'the command is not of the block');
    const size = Buffer.alloc(4);
    size.writeUInt32LE(count);
    const root = rootOfPath(leaf, BigInt(index), BigInt(count), path);
    must(sha('quorex/releases/1', events, size, root).equals(header.eventsHash), 'the path does not lead to eventsHash');
    must(withdrawal.state === 2 && withdrawal.block === header.height, 'the withdrawal is not approved by this block');
    must(fee >= 0n && paid > 0n && fee + paid === amount, 'what is paid and its fee are not its amount');
    return { kind: 'release', command, ordinal, index, ...withdrawal };
}

function checkTotals(bytes, header) {
    const reader = new Reader(bytes, 'the totals');
    const count = reader.u32(), leaves = [], assets = [];
    must(count <= 64, 'there are too many assets');
    // A chain begun before the house had an account has rows of 82 bytes; the lengths must come out exactly.
    const hasHouse = bytes.length === 4 + count * 98;
    for (let i = 0; i < count; i++) {
        const start = reader.at, asset = reader.u16();
        must(asset === i, 'an asset is missing');
        const total = { asset, users: reader.i128(), fees: reader.i128(), rounding: reader.i128(),
                        inFlight: reader.i128(), external: reader.i128(), house: hasHouse ? reader.i128() : 0n };
        must(total.users >= 0n && total.fees >= 0n && total.inFlight >= 0n, 'a total is below zero');
        must(total.users + total.fees + total.rounding + total.inFlight + total.house === total.external,
             'an asset\'s totals do not add up');
        leaves.push(leafHash(bytes.subarray(start, reader.at)));
        assets.push(total);
    }
    reader.end();
    must(rootOfLeaves(leaves).equals(header.totalsRoot), 'the totals do not lead to totalsRoot');
    return { kind: 'totals', assets, header };
}

// Checks a proof's bytes. Returns what it says; throws Refused.
export function checkProof(bytes, trust, publicKey) {
    must(bytes.length <= 65536, 'it is too long');
    const reader = new Reader(bytes, 'the proof');
    must(reader.u32() === 0x46505851, 'it is no proof');
    must(reader.u16() === 1, 'it is of a version that is not known');
    const kind = reader.u16(), subjectBytes = reader.u32(), headerCount = reader.u32(), certificateBytes = reader.u32();
    must(headerCount >= 1 && headerCount <= 65, 'it has no headers, or too many');
    const subject = reader.take(subjectBytes), headers = [];
    for (let i = 0; i < headerCount; i++) headers.push(readHeader(reader.take(HEADER_BYTES)));
    const certificate = reader.take(certificateBytes);
    reader.end();
    const header = checkHeaders(headers, certificate, trust);
    const check = { 1: checkAccount, 2: checkTrade, 3: checkTotals, 4: checkOpening, 5: checkRelease }[kind];
    must(check !== undefined, 'it is of a kind that is not known');
    must(publicKey === undefined || kind === 1 || kind === 4, 'it is not about an account');
    return { height: header.height, timeNs: header.timeNs, ...check(subject, header, trust, publicKey) };
}

// A consistency proof as the exchange answers it, the newer root being `historyRoot` of a header that is certified:
// block `to` + 1 as /quorex/v1/blocks/{height} has it. `kept`: what the reader knows already, { size, root }.
export function checkHistory(answer, block, trust, kept) {
    const bytes = (text, count) => {
        must(typeof text === 'string' && /^([0-9a-f]{2})*$/.test(text), 'a field is not hex');
        must(text.length === 2 * count, 'a field has not the length of what it is');
        return Buffer.from(text, 'hex');
    };
    must(block.certificate !== null, 'the header is not certified');
    const headers = [block.header, ...block.certificate.headers].map((text) => readHeader(bytes(text, HEADER_BYTES)));
    const { height, epoch, headerHash, votes } = block.certificate;
    const certificate = Buffer.alloc(52 + votes.length * 68);
    certificate.writeBigUInt64LE(BigInt(height), 0);
    certificate.writeBigUInt64LE(BigInt(epoch), 8);
    bytes(headerHash, 32).copy(certificate, 16);
    certificate.writeUInt32LE(votes.length, 48);
    votes.forEach(({ node, signature }, i) => {
        certificate.writeUInt32LE(node, 52 + i * 68);
        bytes(signature, 64).copy(certificate, 56 + i * 68);
    });
    const header = checkHeaders(headers, certificate, trust);
    must(BigInt(answer.to) === header.height - 1n, 'the header is not the one above the newer tree');
    const toRoot = bytes(answer.toRoot, 32), older = bytes(answer.fromRoot, 32);
    must(toRoot.equals(header.historyRoot), 'the newer root is not the header\'s');
    must(BigInt(answer.from) === kept.size && older.equals(kept.root), 'the older tree is not the one you kept');
    checkConsistency(kept.size, BigInt(answer.to), older, toRoot, answer.hashes.map((text) => bytes(text, 32)));
}

// ---- the command ----

function main(words) {
    let trustPath, publicKey, path;
    for (let i = 0; i < words.length; i++) {
        if (words[i] === '--trust') trustPath = words[++i];
        else if (words[i] === '--account') publicKey = words[++i];
        else path = words[i];
    }
    if (!trustPath || !path) {
        console.error('usage: node verify.mjs --trust TRUST.json [--account PUBLICKEY] PROOF');
        process.exit(2);
    }
    const file = readFileSync(path);
    const bytes = file[0] === 0x7b ? Buffer.from(JSON.parse(file).proof, 'hex') : file;
    try {
        const said = checkProof(bytes, JSON.parse(readFileSync(trustPath)), publicKey);
        const text = (key, value) => (key === 'header' ? undefined : typeof value === 'bigint' ? value.toString() : value);
        console.log(JSON.stringify(said, text, 1));
    } catch (error) {
        if (!(error instanceof Refused)) throw error;
        console.log(`wrong: ${error.message}`);
        process.exit(1);
    }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
