// What a forger who has the voters' keys can make: headers, certificates, proofs and liabilities files, with every hash and
// signature right around a lie. Written from docs/proofs.md and docs/liabilities.md; shares no code with the verifiers here
// nor with the exchange.

import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';

export const sha = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
export const leafHash = (...parts) => sha(Buffer.of(0), ...parts);
export const nodeHash = (left, right) => sha(Buffer.of(1), left, right);

// `value` in `count` bytes, little-endian, two's complement.
export function le(value, count) {
    const bytes = Buffer.alloc(count);
    let left = BigInt.asUintN(8 * count, BigInt(value));
    for (let i = 0; i < count; i++, left >>= 8n) bytes[i] = Number(left & 255n);
    return bytes;
}

export const number = (bytes, at, count) =>
    [...bytes.subarray(at, at + count)].reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n);

// `bytes` with others from `at` on.
export function withBytes(bytes, at, others) {
    const changed = Buffer.from(bytes);
    Buffer.from(others).copy(changed, at);
    return changed;
}

// ---- trees, as RFC 9162 defines them by recursion ----

const half = (count) => 2 ** (Math.ceil(Math.log2(count)) - 1);

export function treeRoot(leaves, join = nodeHash) {
    if (leaves.length === 1) return leaves[0];
    const left = half(leaves.length);
    return join(treeRoot(leaves.slice(0, left), join), treeRoot(leaves.slice(left), join));
}

// The root that a path of the right length leads to; the path is from the leaf up.
export function pathRoot(leaf, index, count, path, join = nodeHash) {
    if (count === 1) return leaf;
    const left = half(count), beside = path[path.length - 1], rest = path.slice(0, -1);
    return index < left ? join(pathRoot(leaf, index, left, rest, join), beside)
                        : join(beside, pathRoot(leaf, index - left, count - left, rest, join));
}

// ---- headers ----

const FIELDS = { magic: [0, 4], version: [4, 2], flags: [6, 2], height: [8, 8], epoch: [24, 8], firstCommand: [32, 8],
                 lastCommand: [40, 8], fillCount: [52, 4], chainId: [64], prevHash: [96], historyRoot: [128], fillsRoot: [192],
                 stateRoot: [224], eventsHash: [256], totalsRoot: [288], validatorsHash: [320] };

export const headerHash = (header) => sha('quorex/header/1', header);
export const field = (header, name) => (FIELDS[name].length === 1
    ? header.subarray(FIELDS[name][0], FIELDS[name][0] + 32) : number(header, ...FIELDS[name]));

export function headerWith(header, changes) {
    let changed = header;
    for (const [name, value] of Object.entries(changes)) {
        const [at, count] = FIELDS[name];
        changed = withBytes(changed, at, count === undefined ? value : le(value, count));
    }
    return changed;
}

// ---- certificates ----

export class Forger {
    constructor(trust, keys) {
        this.chainId = Buffer.from(trust.chainId, 'hex');
        this.keys = new Map(keys.map(({ node, seed }) => [node, createPrivateKey({
            key: Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex'), format: 'der', type: 'pkcs8' })]));
        this.nodes = [...this.keys.keys()];
    }

    publicKey(node) {
        return createPublicKey(this.keys.get(node)).export({ type: 'spki', format: 'der' }).subarray(12);
    }

    validatorsHash(nodes) {
        return sha('quorex/validators/1', le(nodes.length, 4),
                   ...nodes.flatMap((node) => [le(node, 4), this.publicKey(node)]));
    }

    // Votes of what is said: { height, epoch, root }. `nodes`: who votes; `by`: whose key signs for a node.
    votes(said, { nodes = this.nodes, by = (node) => node, tag = 'quorex/vote/1', chainId = this.chainId } = {}) {
        const message = Buffer.concat([withBytes(Buffer.alloc(16), 0, tag), chainId, le(said.epoch, 8), le(said.height, 8),
                                       said.root]);
        return nodes.map((node) => ({ node, signature: sign(null, message, this.keys.get(by(node))) }));
    }

    certificate(said, options = {}) {
        const votes = this.votes(said, options);
        return Buffer.concat([le(said.height, 8), le(said.epoch, 8), said.root, le(votes.length, 4),
                              ...votes.flatMap(({ node, signature }) => [le(node, 4), signature])]);
    }

    ofBlock(header, said = {}, options = {}) {
        return this.certificate({ height: field(header, 'height'), epoch: field(header, 'epoch'), root: headerHash(header),
                                  ...said }, options);
    }

    // The proof again, signed anew around what is changed: fields of the frame, of its first header (`header`), or all
    // headers by a function. `said` and `options` are the certificate's.
    proof(bytes, { header = {}, headers = (all) => all, said, options, certificate, ...frame } = {}) {
        const parts = partsOf(bytes);
        let below = headerWith(parts.headers[0], header);
        const linked = [below];
        for (const above of parts.headers.slice(1))
            linked.push(below = headerWith(above, { prevHash: headerHash(below) }));
        const all = headers(linked), top = all[all.length - 1] ?? below;
        return frameOf({ ...parts, ...frame, headers: all, certificate: certificate ?? this.ofBlock(top, said, options) });
    }
}

// ---- the frame ----

const HEADER_BYTES = 448;

export function partsOf(bytes) {
    const [subjectBytes, headerCount] = [8, 12].map((at) => Number(number(bytes, at, 4)));
    const headersAt = 20 + subjectBytes, certificateAt = headersAt + headerCount * HEADER_BYTES;
    const headers = Array.from({ length: headerCount }, (_, i) =>
        bytes.subarray(headersAt + i * HEADER_BYTES, headersAt + (i + 1) * HEADER_BYTES));
    return { magic: number(bytes, 0, 4), version: number(bytes, 4, 2), kind: number(bytes, 6, 2),
             subject: bytes.subarray(20, headersAt), headers, certificate: bytes.subarray(certificateAt) };
}

export function frameOf({ magic, version, kind, subject, headers, certificate }) {
    return Buffer.concat([le(magic, 4), le(version, 2), le(kind, 2), le(subject.length, 4), le(headers.length, 4),
                          le(certificate.length, 4), subject, ...headers, certificate]);
}

// ---- subjects ----

export function accountOf(subject) {
    const count = Number(number(subject, 72, 2)), depth = Number(number(subject, 4, 4)), siblingsAt = 74 + count * 18;
    return { position: Number(number(subject, 0, 4)), depth, salt: subject.subarray(8, 40), owner: subject.subarray(40, 72),
             balances: Array.from({ length: count }, (_, i) => [[0, 2], [2, 8], [10, 8]].map(([at, size]) =>
                 number(subject, 74 + i * 18 + at, size))),
             siblings: Array.from({ length: depth }, (_, i) => subject.subarray(siblingsAt + i * 32, siblingsAt + i * 32 + 32)) };
}

// The subject's bytes, and the state root that they lead to.
export function accountBytes({ position, depth, salt, owner, balances, siblings }) {
    const leaf = Buffer.concat([salt, owner, le(balances.length, 2),
                                ...balances.flatMap(([asset, available, held]) => [le(asset, 2), le(available, 8), le(held, 8)])]);
    let root = leafHash(leaf);
    siblings.forEach((sibling, level) => {
        root = position >> level & 1 ? nodeHash(sibling, root) : nodeHash(root, sibling);
    });
    return { subject: Buffer.concat([le(position, 4), le(depth, 4), leaf, ...siblings]), stateRoot: root };
}

const hashes = (bytes) => Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(i * 32, i * 32 + 32));

export const tradeOf = (subject) => ({ index: Number(number(subject, 0, 4)), leaf: subject.subarray(8, 8 + 83),
                                       path: hashes(subject.subarray(8 + 83)) });
export const tradeBytes = ({ index, leaf, path }) => Buffer.concat([le(index, 4), le(path.length, 4), leaf, ...path]);

// A leaf says its own length. Where its fields are, from its beginning on: with a fee (rules 4 and above), and without.
export const RELEASE = { block: 24, amount: 32, fee: 40, paid: 48, state: 65, address: 78 };
export const RELEASE_OLD = { block: 24, amount: 32, state: 49, address: 62 };

export function releaseOf(subject) {
    const leafBytes = 16 + Number(number(subject, 44 + 14, 2));
    return { index: Number(number(subject, 0, 4)), count: Number(number(subject, 4, 4)), events: subject.subarray(12, 44),
             leaf: subject.subarray(44, 44 + leafBytes), path: hashes(subject.subarray(44 + leafBytes)) };
}

// The leaf as rules 3 had it: all of the amount is paid.
export const olderRelease = (leaf) => Buffer.concat([leaf.subarray(0, 12), le(301, 2), le(178, 2), leaf.subarray(16, RELEASE.fee),
                                                     leaf.subarray(RELEASE.paid + 8)]);

export const releaseBytes = ({ index, count, events, leaf, path }) =>
    Buffer.concat([le(index, 4), le(count, 4), le(path.length, 4), events, leaf, ...path]);
export const releasesHash = ({ events, count }, root) => sha('quorex/releases/1', events, le(count, 4), root);

export const TOTALS = ['users', 'fees', 'rounding', 'inFlight', 'external', 'house'];

export const totalsOf = (subject) => Array.from({ length: Number(number(subject, 0, 4)) }, (_, i) => ({
    asset: number(subject, 4 + i * 98, 2),
    ...Object.fromEntries(TOTALS.map((name, k) => [name, BigInt.asIntN(128, number(subject, 6 + i * 98 + k * 16, 16))])) }));

// Rows have the house, or as on a chain of older rules they have not.
export function totalsBytes(rows, names = TOTALS) {
    const leaves = rows.map((row) => Buffer.concat([le(row.asset, 2), ...names.map((name) => le(row[name], 16))]));
    const totalsRoot = leaves.length === 0 ? sha('') : treeRoot(leaves.map((leaf) => leafHash(leaf)));
    return { subject: Buffer.concat([le(rows.length, 4), ...leaves]), totalsRoot };
}

// ---- liabilities ----

export const sumLeaf = (asset, amount, commitment) => ({ sum: amount, hash: sha(Buffer.of(0), le(asset, 2), le(amount, 8), commitment) });
export const sumJoin = (left, right) => ({ sum: BigInt.asUintN(128, left.sum + right.sum),
    hash: sha(Buffer.of(1), le(left.sum, 16), left.hash, le(right.sum, 16), right.hash) });
export const commitmentOf = (nonce, owner, asset, part, parts) =>
    sha('quorex/liability/1', nonce, owner, le(asset, 2), le(part, 2), le(parts, 2));

export function headOf(bytes) {
    const count = Number(number(bytes, 6, 2));
    return { magic: number(bytes, 0, 4), version: number(bytes, 4, 2), height: number(bytes, 8, 8), chainId: bytes.subarray(16, 48),
             headerHash: bytes.subarray(48, 80), bytes: 80 + count * 58,
             assets: Array.from({ length: count }, (_, i) => ({ asset: i, leaves: Number(number(bytes, 82 + i * 58, 8)),
                 sum: number(bytes, 90 + i * 58, 16), root: bytes.subarray(106 + i * 58, 138 + i * 58) })) };
}

export const headBytes = (head) => Buffer.concat([le(head.magic, 4), le(head.version, 2), le(head.assets.length, 2),
    le(head.height, 8), head.chainId, head.headerHash,
    ...head.assets.flatMap(({ asset, leaves, sum, root }) => [le(asset, 2), le(leaves, 8), le(sum, 16), root])]);

export const liabilitiesRoot = (head) => sha('quorex/liabilities/1', headBytes(head));

export function openingOf(subject) {
    const head = headOf(subject.subarray(36));
    let at = 36 + head.bytes;
    const votes = Number(number(subject, at, 4)), certificate = subject.subarray(at + 4, at + 4 + votes);
    at += 4 + votes;
    const parts = [];
    while (at < subject.length) {
        const count = Number(number(subject, at + 44, 2));
        parts.push({ position: Number(number(subject, at, 4)), amount: number(subject, at + 4, 8), nonce: subject.subarray(at + 12, at + 44),
                     path: Array.from({ length: count }, (_, i) => ({ sum: number(subject, at + 46 + i * 48, 16),
                         hash: subject.subarray(at + 62 + i * 48, at + 94 + i * 48) })) });
        at += 46 + count * 48;
    }
    return { owner: subject.subarray(0, 32), asset: Number(number(subject, 32, 2)), head, certificate, parts };
}

export const openingBytes = ({ owner, asset, partCount, head, certificate, parts }) => Buffer.concat([
    owner, le(asset, 2), le(partCount ?? parts.length, 2), headBytes(head), le(certificate.length, 4), certificate,
    ...parts.flatMap(({ position, amount, nonce, path, pathCount }) => [le(position, 4), le(amount, 8), nonce,
        le(pathCount ?? path.length, 2), ...path.flatMap(({ sum, hash }) => [le(sum, 16), hash])])]);

export function fileOf(bytes) {
    const head = headOf(bytes);
    let at = head.bytes;
    const leaves = head.assets.map((row) => Array.from({ length: row.leaves }, () => {
        at += 40;
        return { amount: number(bytes, at - 40, 8), commitment: bytes.subarray(at - 32, at) };
    }));
    const [proof, votes] = [at, at + 4].map((place) => Number(number(bytes, place, 4)));
    at += 8;
    return { head, leaves, proof: bytes.subarray(at, at + proof), certificate: bytes.subarray(at + proof, at + proof + votes) };
}

export const fileBytes = ({ head, leaves, proof, certificate }) => Buffer.concat([headBytes(head),
    ...leaves.flatMap((rows) => rows.flatMap(({ amount, commitment }) => [le(amount, 8), commitment])),
    le(proof.length, 4), le(certificate.length, 4), proof, certificate]);

// The sum and the root that the leaves have.
export const addUp = (asset, leaves) => {
    const { sum, hash } = treeRoot(leaves.map(({ amount, commitment }) => sumLeaf(asset, amount, commitment)), sumJoin);
    return { sum, root: hash };
};
