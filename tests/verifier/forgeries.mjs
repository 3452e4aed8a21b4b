// Lies that are signed: each breaks one rule of docs/proofs.md or docs/liabilities.md and keeps all others, every hash and
// signature made anew around it by the voters' own keys.
//
// A case: { name, kind, says, ours }. `says` is what the verifier here must refuse it with, `ours` what the exchange's must
// (undefined: it is not asked). By kind:
//     proof      bytes, key        a proof, and whose it must be
//     file       bytes or source   a liabilities file
//     history    answer, block, kept          a consistency proof, the block above, and what the reader knows
//     holder     openings, account proofs of one holder; `twist` makes the account's or the openings' words others
//     command    words, files      as the program is asked

import { replaced } from './changes.mjs';
import * as forge from './forge.mjs';

const { le, leafHash, nodeHash, sha, withBytes } = forge;
const LARGEST = (1n << 63n) - 1n;
const other32 = sha('something else');

// ---- the frame, headers and certificates ----

function frames({ forger, account, totals }) {
    const parts = forge.partsOf(account), top = parts.headers[parts.headers.length - 1];
    const many = (all) => {
        const headers = [...all];
        while (headers.length < 66) {
            const last = headers[headers.length - 1];
            headers.push(forge.headerWith(last, { height: forge.field(last, 'height') + 1n, prevHash: forge.headerHash(last) }));
        }
        return headers;
    };
    const long = forge.frameOf({ ...forge.partsOf(totals), subject: Buffer.alloc(65536) });
    const none = 'it is no proof';
    return [
        ['a proof of another magic', { magic: 0x46505852 }, /^it is no proof/, none],
        ['a proof of another version', { version: 2 }, /a version that is not known/, none],
        ['a proof of another kind', { kind: 6 }, /a kind that is not known/, none],
        ['a proof without headers', { headers: () => [], certificate: forger.ofBlock(top) }, /no headers, or too many/, none],
        ['a proof of 66 headers', { headers: many }, /no headers, or too many/, none],
        ['a header of another magic', { header: { magic: 0x48425852 } }, /none of this format/, 'a header is none of ours'],
        ['a header of another version', { header: { version: 2 } }, /a version that is not known/, 'a header is none of ours'],
    ].map(([name, what, says, ours]) => ({ name, bytes: forger.proof(account, what), says, ours })).concat([
        { name: 'a proof that is too long', bytes: long, says: /^it is too long/, ours: none },
        { name: 'a proof with a byte more', bytes: Buffer.concat([account, Buffer.of(0)]), says: /the proof has bytes too many/, ours: none },
        { name: 'a proof with a byte less', bytes: account.subarray(0, -1), says: /the proof is cut short/, ours: none },
    ]);
}

function chains({ forger, account }) {
    const second = (changes) => ([first, next, ...rest]) => {
        const headers = [first, forge.headerWith(next, changes(next))];
        for (const header of rest) headers.push(forge.headerWith(header, { prevHash: forge.headerHash(headers[headers.length - 1]) }));
        return headers;
    };
    const link = [/does not name the one before it/, 'a header does not name the one before it'];
    return [
        ['the subject\'s block is another chain\'s', { header: { chainId: other32 } }, /another chain/, 'it is of another chain'],
        ['a block above is another chain\'s', { headers: second(() => ({ chainId: other32 })) }, /another chain/, 'it is of another chain'],
        ['a height is left out', { headers: second((next) => ({ height: forge.field(next, 'height') + 1n })) }, ...link],
        ['a header names another one', { headers: second(() => ({ prevHash: other32 })) }, ...link],
        ['a block between is left out', { headers: ([first, , ...rest]) => [first, ...rest] }, ...link],
    ].map(([name, what, says, ours]) => ({ name, bytes: forger.proof(account, what), says, ours }));
}

// What is wrong with votes, whatever they are for: `make(said, options)` signs and gives the bytes of what holds them.
function votes({ forger }, name, make, height, root, of) {
    const few = [/the certificate has too few votes/, 'it has too few votes'];
    const another = [of.says, of.ours];
    const signature = [/a signature is wrong/, 'one of its signatures is wrong'];
    const rising = [/the votes are not by rising node id/, of.malformed];
    return [
        ['nobody voted', {}, { nodes: [] }, ...few],
        ['one vote too few', {}, { nodes: [1, 2] }, ...few],
        ['a vote twice', {}, { nodes: [1, 2, 2] }, ...rising],
        ['votes in falling order', {}, { nodes: [3, 2, 1] }, ...rising],
        ['a stranger votes', {}, { nodes: [1, 2, 5], by: (node) => (node === 5 ? 4 : node) },
         /a vote is by no validator/, 'one of its votes is by no validator'],
        ['one signs for another', {}, { by: (node) => (node === 3 ? 1 : node) }, ...signature],
        ['signed for another chain', {}, { chainId: other32 }, ...signature],
        ['signed as another statement', {}, { tag: of.otherTag }, ...signature],
        ['a certificate of another height', { height: height + 1n }, {}, ...another],
        ['a certificate of another epoch', { epoch: 1n }, {}, ...another],
        ['a certificate of something else', { root: sha(root) }, {}, ...another],
    ].map(([what, said, options, says, ours]) => ({ name: `${name}: ${what}`, bytes: make(said, options), says, ours }));
}

function certificates(sample) {
    const { forger, account } = sample;
    const top = forge.partsOf(account).headers.at(-1);
    const of = { says: /the certificate is of another block/, ours: 'its certificate is of another block', malformed: 'its certificate is malformed',
                 otherTag: 'quorex/liabs/1' };
    const set = forger.validatorsHash([1, 2, 3]);
    const whole = forger.ofBlock(top);
    return votes(sample, 'a block', (said, options) => forger.proof(account, { said, options }),
                 forge.field(top, 'height'), forge.headerHash(top), of).concat([
        { name: 'a block: of another set of validators', says: /not those you trust/, ours: 'its validators are not those you trust',
          bytes: forger.proof(account, { headers: (all) => [...all.slice(0, -1), forge.headerWith(all.at(-1), { validatorsHash: set })] }) },
        { name: 'a block: a certificate with a byte more', says: /the certificate has bytes too many/, ours: 'its certificate is malformed',
          bytes: forger.proof(account, { certificate: Buffer.concat([whole, Buffer.of(0)]) }) },
        { name: 'a block: a certificate with a byte less', says: /the certificate is cut short/, ours: 'its certificate is malformed',
          bytes: forger.proof(account, { certificate: whole.subarray(0, -1) }) },
    ]);
}

// ---- kind 1 ----

function accounts({ forger, account, trust }) {
    const real = forge.accountOf(forge.partsOf(account).subject);
    const [btc, usdt] = real.balances;
    const signed = (changes) => {
        const { subject, stateRoot } = forge.accountBytes({ ...real, ...changes });
        return forger.proof(account, { subject, header: { stateRoot } });
    };
    const deep = Array.from({ length: 25 }, (_, i) => sha(le(i, 1)));
    const { subject, stateRoot } = forge.accountBytes(real), malformed = 'its leaf is malformed';
    const with_ = (balances) => signed({ balances });
    return [
        ['of a tree that is too deep', signed({ depth: 25, siblings: deep }), /outside of the tree/, malformed],
        ['outside of the tree', signed({ position: real.position + 2 ** real.depth }), /outside of the tree/, malformed],
        ['assets fall', with_([usdt, btc]), /the assets do not rise/, malformed],
        ['an asset twice', with_([btc, btc]), /the assets do not rise/, malformed],
        ['available below zero', with_([btc, [1n, -1n, 5n]]), /below zero, or of nothing/, malformed],
        ['held below zero', with_([btc, [1n, 5n, -1n]]), /below zero, or of nothing/, malformed],
        ['a balance of nothing', with_([btc, [1n, 0n, 0n]]), /below zero, or of nothing/, malformed],
        ['a unit more than was signed', forger.proof(account, { subject: forge.accountBytes({ ...real,
            balances: [[btc[0], btc[1] + 1n, btc[2]], usdt] }).subject }), /does not lead to stateRoot/, 'its path does not lead to state_root'],
        ['bytes too many', forger.proof(account, { subject: Buffer.concat([subject, other32]), header: { stateRoot } }),
         /the account has bytes too many/, malformed],
        ['cut short', forger.proof(account, { subject: subject.subarray(0, -32), header: { stateRoot } }),
         /the account is cut short/, malformed],
    ].map(([name, bytes, says, ours]) => ({ name: `an account: ${name}`, bytes, says, ours })).concat([
        { name: 'an account: another\'s', bytes: account, key: trust.validators[0].publicKey, says: /another account's/ },
    ]);
}

// ---- kinds 2 and 5: a leaf in a tree of a block's ----

// The ways in which a path may not be one. `make(index, count, path, root, leaf)` signs what it is given.
function paths(leaf, make, root) {
    const [left, right] = [sha('left'), sha('right')], pair = nodeHash(leaf, right);
    return [
        ['outside of the tree', make(1, 1, [], leaf), /the leaf is outside of the tree/, root.ours],
        ['a path too long', make(0, 2, [right, left], nodeHash(left, pair)), /the path is too long/, root.ours],
        ['a path too short', make(0, 2, [], leaf), /the path is too short/, root.ours],
        ['a path that leads elsewhere', make(0, 2, [right], nodeHash(leaf, left)), root.says, root.ours],
    ];
}

function trades({ forger, trade }) {
    const { subject, headers: [header] } = forge.partsOf(trade), real = forge.tradeOf(subject);
    const count = Number(forge.field(header, 'fillCount'));
    const signed = (leaf) => forger.proof(trade, { subject: forge.tradeBytes({ ...real, leaf }),
        header: { fillsRoot: forge.pathRoot(leafHash(leaf), real.index, count, real.path) } });
    const make = (index, fillCount, path, fillsRoot) =>
        forger.proof(trade, { subject: forge.tradeBytes({ ...real, index, path }), header: { fillCount, fillsRoot } });
    const root = { says: /does not lead to fillsRoot/, ours: 'its path does not lead to fills_root' };
    const within = [/the command is not of the block/, 'its command is not of the block'];
    const [first, last] = ['firstCommand', 'lastCommand'].map((name) => forge.field(header, name));
    return [
        ['no fill', signed(withBytes(real.leaf, 12, le(278, 2))), /the leaf is no fill/, 'its receipt is malformed'],
        ['a fill of another length', signed(withBytes(real.leaf, 14, le(68, 2))), /the leaf is no fill/, 'its receipt is malformed'],
        ['of the block below', signed(withBytes(real.leaf, 0, le(first - 1n, 8))), ...within],
        ['of the block above', signed(withBytes(real.leaf, 0, le(last + 1n, 8))), ...within],
        ['another quantity than was signed', forger.proof(trade, { subject: forge.tradeBytes({ ...real,
            leaf: withBytes(real.leaf, 56, le(7, 8)) }) }), root.says, root.ours],
        ['bytes too many', forger.proof(trade, { subject: Buffer.concat([subject, other32]) }),
         /the receipt has bytes too many/, 'its receipt is malformed'],
        ...paths(leafHash(real.leaf), make, root),
    ].map(([name, bytes, says, ours]) => ({ name: `a trade: ${name}`, bytes, says, ours }));
}

// Of the leaf `leaf`, whose fields are where `places` says.
function releasesOf({ forger, release }, leaf, places) {
    const { subject, headers: [header] } = forge.partsOf(release), real = { ...forge.releaseOf(subject), leaf };
    const rootOf = (one) => forge.pathRoot(leafHash(one), real.index, real.count, real.path);
    const eventsHash = forge.releasesHash(real, rootOf(leaf));
    const signed = (one, changes = {}) => forger.proof(release, { subject: forge.releaseBytes({ ...real, leaf: one }),
        header: { eventsHash: forge.releasesHash(real, rootOf(one)), ...changes } });
    const shown = (changes) => forger.proof(release, { subject: forge.releaseBytes({ ...real, ...changes }), header: { eventsHash } });
    const make = (index, count, path, root) => forger.proof(release, { subject: forge.releaseBytes({ ...real, index, count, path }),
        header: { eventsHash: forge.releasesHash({ ...real, count }, root) } });
    const elsewhere = [/does not lead to eventsHash/, 'its path does not lead to events_hash'];
    const within = [/the command is not of the block/, 'its command is not of the block'], malformed = 'its release is malformed';
    const unapproved = [/the withdrawal is not approved by this block/, 'it is not approved by this block'];
    const sums = [/what is paid and its fee are not its amount/, 'what is paid and its fee are not its amount'];
    const [first, last, height] = ['firstCommand', 'lastCommand', 'height'].map((name) => forge.field(header, name));
    const has = (name) => forge.number(leaf, places[name], 8), put = (name, value) => [places[name], le(value, 8)];
    const changed = (...changes) => changes.reduce((bytes, [at, others]) => withBytes(bytes, at, others), leaf);
    const charges = places.fee === undefined ? [
        ['of nothing', signed(changed(put('amount', 0n))), ...sums],
    ] : [
        ['less paid than the amount without the fee', signed(changed(put('paid', has('paid') - 1n))), ...sums],
        ['a fee below zero', signed(changed(put('fee', -1n), put('paid', has('amount') + 1n))), ...sums],
        ['all of it a fee', signed(changed(put('fee', has('amount')), put('paid', 0n))), ...sums],
        ['another payment than was signed', shown({ leaf: changed(put('paid', has('paid') + 1n)) }), ...elsewhere],
    ];
    return [
        ['no withdrawal', signed(changed([12, le(300, 2)])), /the leaf is no withdrawal/, malformed],
        ['a withdrawal of another length', signed(changed([14, le(leaf.length - 15, 2)])), /the leaf is no withdrawal/, malformed],
        ['of a block that approved none', signed(leaf, { flags: 0 }), /no withdrawal was approved/, 'no withdrawal was approved in the block'],
        ['of the block below', signed(changed([0, le(first - 1n, 8)])), ...within],
        ['of the block above', signed(changed([0, le(last + 1n, 8)])), ...within],
        ['still held', signed(changed([places.state, [1]])), ...unapproved],
        ['on its way already', signed(changed([places.state, [3]])), ...unapproved],
        ['approved by another block', signed(changed(put('block', height - 1n))), ...unapproved],
        ['another amount than was signed', shown({ leaf: changed(put('amount', has('amount') + 1n)) }), ...elsewhere],
        ['to another address than was signed', shown({ leaf: changed([places.address, Buffer.from('evil')]) }), ...elsewhere],
        ['of another number of releases', shown({ count: real.count + 1 }), /the path is too short|does not lead to eventsHash/, elsewhere[1]],
        ['under its events\' own hash', forger.proof(release, { subject: forge.releaseBytes(real), header: { eventsHash: real.events } }), ...elsewhere],
        ['bytes too many', forger.proof(release, { subject: Buffer.concat([forge.releaseBytes(real), other32]), header: { eventsHash } }),
         /the release has bytes too many/, malformed],
        ...charges,
        ...paths(leafHash(leaf), make, { says: elsewhere[0], ours: elsewhere[1] }),
    ];
}

function releases(sample) {
    const { leaf } = forge.releaseOf(forge.partsOf(sample.release).subject);
    return [...releasesOf(sample, leaf, forge.RELEASE).map(([name, ...rest]) => [`a release: ${name}`, ...rest]),
            ...releasesOf(sample, forge.olderRelease(leaf), forge.RELEASE_OLD).map(([name, ...rest]) => [`an older release: ${name}`, ...rest])]
        .map(([name, bytes, says, ours]) => ({ name, bytes, says, ours }));
}

// ---- kind 3 ----

// As a chain of older rules has them: what the house adds came in.
const withoutHouse = (rows) =>
    forge.totalsBytes(rows.map((row) => ({ ...row, external: row.external - row.house })), forge.TOTALS.slice(0, -1));

function totals({ forger, totals: proof, trust }) {
    const rows = forge.totalsOf(forge.partsOf(proof).subject), [btc, usdt] = rows;
    const signed = (changed) => {
        const { subject, totalsRoot } = forge.totalsBytes(changed);
        return forger.proof(proof, { subject, header: { totalsRoot } });
    };
    const below = (name, away) => signed([{ ...btc, [name]: -1n, [away]: btc[away] + btc[name] + 1n }, usdt]);
    const zero = [/a total is below zero/, 'an asset\'s total is below zero'];
    const unbalanced = [/an asset's totals do not add up/, 'an asset\'s totals do not add up'];
    const malformed = 'its totals are malformed';
    const more = Object.fromEntries(forge.TOTALS.map((name) => [name, 0n]));
    const { subject } = forge.totalsBytes(rows), houseless = withoutHouse(rows);
    return [
        ['users below zero', below('users', 'house'), ...zero],
        ['fees below zero', below('fees', 'house'), ...zero],
        ['in flight below zero', below('inFlight', 'house'), ...zero],
        ...forge.TOTALS.map((name) => [`${name} off by a unit`, signed([btc, { ...usdt, [name]: usdt[name] + 1n }]), ...unbalanced]),
        ['assets out of order', signed([usdt, btc]), /an asset is missing/, malformed],
        ['an asset left out', signed([btc, { ...usdt, asset: 2n }]), /an asset is missing/, malformed],
        ['65 assets', signed(Array.from({ length: 65 }, (_, i) => ({ ...more, asset: BigInt(i) }))), /too many assets/, malformed],
        ['a unit less owed and a unit less come in than was signed', forger.proof(proof, { subject: forge.totalsBytes([
            { ...btc, users: btc.users - 1n, external: btc.external - 1n }, usdt]).subject }),
         /do not lead to totalsRoot/, 'its totals do not lead to totals_root'],
        ['bytes too many', forger.proof(proof, { subject: Buffer.concat([subject, Buffer.of(0)]) }), /do not add up|an asset is missing/, malformed],
        ['bytes too many, without a house', forger.proof(proof, { subject: Buffer.concat([houseless.subject, Buffer.of(0)]),
            header: { totalsRoot: houseless.totalsRoot } }), /the totals has bytes too many/, malformed],
    ].map(([name, bytes, says, ours]) => ({ name: `totals: ${name}`, bytes, says, ours })).concat([
        { name: 'totals: as somebody\'s account', bytes: proof, key: trust.validators[0].publicKey, says: /not about an account/ },
    ]);
}

// ---- kind 4 and the files ----

function heads({ head, sign }) {
    const [btc, usdt] = head.assets;
    const block = [/the liabilities are of another block/, 'its liabilities are of another block'];
    const rows = [/no leaves, too many, or a sum that they cannot have/, 'malformed'];
    const asset = (changes) => sign({ ...head, assets: [{ ...btc, ...changes }, usdt] });
    return [
        ['another magic', sign({ ...head, magic: head.magic ^ 1n }), /these are no liabilities/, 'malformed'],
        ['another version', sign({ ...head, version: 2n }), /these are no liabilities/, 'malformed'],
        ['another height', sign({ ...head, height: head.height + 1n }), ...block],
        ['another chain', sign({ ...head, chainId: other32 }), ...block],
        ['another block', sign({ ...head, headerHash: other32 }), ...block],
        ['an asset out of its place', sign({ ...head, assets: [usdt, btc] }), /an asset is missing/, 'malformed'],
        ['65 assets', sign({ ...head, assets: Array.from({ length: 65 }, (_, i) => ({ ...btc, asset: i })) }), /too many assets/, 'malformed'],
        ['no leaves', asset({ leaves: 0, sum: 0n }), ...rows],
        ['too many leaves', asset({ leaves: 2 ** 27 + 1 }), ...rows],
        ['a sum that its leaves cannot have', asset({ sum: BigInt(btc.leaves) * LARGEST + 1n }), ...rows],
    ];
}

function openings(sample) {
    const { forger, opening: bytes, trust } = sample;
    const { subject, headers: [header] } = forge.partsOf(bytes), real = forge.openingOf(subject);
    const { head, asset, owner } = real, row = head.assets[asset], [first] = real.parts;
    const said = (of) => ({ height: of.height, epoch: forge.field(header, 'epoch'), root: forge.liabilitiesRoot(of) });
    const votesFor = (of, more = {}, options = {}) =>
        forger.certificate({ ...said(of), ...more }, { tag: 'quorex/liabs/1', ...options });
    const signed = (changes) => {
        const opening = { ...real, ...changes };
        return forger.proof(bytes, { subject: forge.openingBytes({ ...opening, certificate: changes.certificate ?? votesFor(opening.head) }) });
    };
    // A part of its own tree: the row's root and sum made what the part leads to.
    const alone = (part, leaves, changes = {}, join = forge.sumJoin) => {
        const index = changes.index ?? part.position;
        const leaf = forge.sumLeaf(asset, part.amount, forge.commitmentOf(part.nonce, owner, asset, 0, 1));
        const root = forge.pathRoot(leaf, index, leaves, part.path, join);
        const assets = replaced(head.assets, asset, { ...row, leaves, sum: root.sum, root: root.hash, ...changes.row });
        return signed({ head: { ...head, assets }, parts: [part], partCount: 1 });
    };
    const beside = { sum: 5n, hash: other32 }, huge = { sum: (1n << 128n) - 3n, hash: other32 };
    const part = { ...first, position: 0, path: [beside] };
    const path = [/a path does not lead to its asset's root/, 'a part\'s path does not lead to its asset\'s root'];
    const none = [/of no asset, or of no parts/, 'its opening is malformed'];
    const of = { says: /the certificate is of another root/, ours: 'its certificate of votes is of other liabilities',
                 malformed: 'its certificate of votes is malformed', otherTag: 'quorex/vote/1' };
    return [
        ['of no parts', signed({ parts: [] }), ...none],
        ['of four parts', signed({ parts: [first, first, first, first] }), ...none],
        ['of no asset', signed({ asset: 2 }), ...none],
        ['a part outside of its tree', alone({ ...part, position: 1, path: [] }, 1, { index: 0 }), /a part is outside of its tree/, 'a part\'s place is outside of its asset\'s tree'],
        ['an amount below zero', alone({ ...part, amount: LARGEST + 1n }, 2), /a leaf is below zero/, 'a part is below zero'],
        ['a path too short', alone({ ...part, pathCount: 0 }, 2), /a path is too short/, 'its opening is malformed'],
        ['a path too long', alone({ ...part, pathCount: 2 }, 2), /a path is too long/, 'its opening is malformed'],
        ['a sum above its asset\'s', alone({ ...part, path: [beside, huge, beside] }, 8), /above its asset's/,
         'a part\'s path has a sum above its asset\'s'],
        ['the asset\'s sum is a unit more', alone(part, 2, { row: { sum: part.amount + 6n } }), ...path],
        ['the asset\'s root is another', alone(part, 2, { row: { root: other32 } }), ...path],
        ['a part of two shown as all there is', signed({ parts: [first] }), ...path],
        ['one leaf shown as both parts', signed({ parts: [first, first] }), ...path],
        ['another\'s leaf', signed({ owner: other32 }), ...path],
        ['bytes too many', forger.proof(bytes, { subject: Buffer.concat([subject, Buffer.of(0)]) }), /the opening has bytes too many/, 'its opening is malformed'],
        ['cut short', forger.proof(bytes, { subject: subject.subarray(0, -1) }), /the opening is cut short/, 'its opening is malformed'],
        ...heads({ head, sign: (changed) => signed({ head: changed }) }).map(([name, made, says, ours]) =>
            [name, made, says, ours === 'malformed' ? 'its opening is malformed' : ours]),
    ].map(([name, made, says, ours]) => ({ name: `an opening: ${name}`, bytes: made, says, ours })).concat(
        votes(sample, 'an opening', (more, options) => signed({ certificate: votesFor(head, more, options) }), head.height,
              forge.liabilitiesRoot(head), of),
        [{ name: 'an opening: another\'s', bytes, key: trust.validators[0].publicKey, says: /another account's/ }]);
}

function files(sample) {
    const { forger, file: bytes, holder } = sample;
    const real = forge.fileOf(bytes), { head, leaves } = real;
    const { headers: [header] } = forge.partsOf(real.proof);
    const votesFor = (of, more = {}, options = {}) => forger.certificate(
        { height: of.height, epoch: forge.field(header, 'epoch'), root: forge.liabilitiesRoot(of), ...more }, { tag: 'quorex/liabs/1', ...options });
    const signed = (changes) => {
        const file = { ...real, ...changes };
        return forge.fileBytes({ ...file, certificate: changes.certificate ?? votesFor(file.head) });
    };
    // Leaves of the first asset, its row as they are or as is said; totals of a block that is signed anew.
    const with_ = (rows, row = {}) => signed({ leaves: [rows, leaves[1]],
        head: { ...head, assets: [{ ...head.assets[0], ...forge.addUp(0, rows), ...row }, head.assets[1]] } });
    const totalsOf = (change) => {
        const rows = forge.totalsOf(forge.partsOf(real.proof).subject);
        const { subject, totalsRoot } = forge.totalsBytes([{ ...rows[0], ...change(rows[0]) }, rows[1]]);
        const proof = forger.proof(real.proof, { subject, header: { totalsRoot } });
        return { proof, headerHash: forge.headerHash(forge.partsOf(proof).headers[0]) };
    };
    const other = (change) => {
        const { proof, headerHash } = totalsOf(change);
        return signed({ proof, head: { ...head, headerHash } });
    };
    const [largest] = leaves[0].map(({ amount }, i) => [amount, i]).reduce((best, one) => (one[0] > best[0] ? one : best));
    const place = leaves[0].findIndex(({ amount }) => amount === largest);
    const without = replaced(leaves[0], place, { ...leaves[0][place], amount: 0n });
    const swapped = replaced(replaced(leaves[0], place, leaves[0][(place + 1) % leaves[0].length]),
                        (place + 1) % leaves[0].length, leaves[0][place]);
    const owed = [/sum is not what users are owed/, 'an asset\'s sum is not what users are owed of it'];
    const negative = replaced(leaves[0], place, { ...leaves[0][place], amount: 1n << 63n });
    const of = { says: /the certificate is of another root/, ours: 'its certificate of votes is of other liabilities',
                 malformed: 'its certificate of votes is malformed', otherTag: 'quorex/vote/1' };
    const cut = [/^the file is cut short/, 'it is cut short'], length = 'its length is not what its parts add up to';
    return [
        ['an account left out', with_(without), ...owed],
        ['a unit of one left out', with_(replaced(leaves[0], place, { ...leaves[0][place], amount: largest - 1n })), ...owed],
        ['a balance below zero', with_(negative, { sum: head.assets[0].sum }), /a leaf is below zero/, 'a leaf is below zero'],
        ['an account left out, the sum said all the same', with_(without, { sum: head.assets[0].sum }),
         /leaves do not add up to its sum/, 'an asset\'s leaves do not add up to its sum'],
        ['two leaves in each other\'s place', with_(swapped, { root: head.assets[0].root }), /leaves do not lead to its root/,
         'an asset\'s leaves do not lead to its root'],
        ['forged totals that do not add up', other(({ users }) => ({ users: users - 1n })), /an asset's totals do not add up/,
         'an asset\'s totals do not add up'],
        ['forged totals that add up', other(({ users, house }) => ({ users: users - 1n, house: house + 1n })), ...owed],
        ['totals as the users\' sum that are another row', other(({ fees, users }) => ({ fees: users, users: fees })), ...owed],
        ['an asset left out', signed({ head: { ...head, assets: [head.assets[0]] }, leaves: [leaves[0]] }), /an asset is left out/,
         'an asset is left out'],
        ['an account\'s proof for the totals', signed({ proof: holder }), /not one of totals/, 'its proof is not one of totals'],
        ['cut short in its leaves', bytes.subarray(0, head.bytes + 60), ...cut],
        ['cut short at its end', bytes.subarray(0, -1), /the file's end is cut short/, length],
        ['a byte more', Buffer.concat([bytes, Buffer.of(0)]), /the file's end has bytes too many/, length],
        ['80,000 bytes more', Buffer.concat([bytes, Buffer.alloc(80001)]), /the file is cut short, or has bytes too many/, length],
        ...heads({ head, sign: (changed) => signed({ head: changed }) }).map(([name, made, says, ours]) =>
            [name, made, says, ours === 'malformed' ? /./ : ours]),
    ].map(([name, made, says, ours]) => ({ kind: 'file', name: `a file: ${name}`, bytes: made, says, ours })).concat(
        votes(sample, 'a file', (more, options) => signed({ certificate: votesFor(head, more, options) }), head.height,
              forge.liabilitiesRoot(head), of).map((one) => ({ ...one, kind: 'file' })),
        [{ kind: 'file', name: 'a file: that ends while it is read', says: /the file is cut short/,
           bytes: { size: bytes.length, read: (at, count) => bytes.subarray(at, at === head.bytes ? at + count - 40 : at + count) } }]);
}

function holders({ opening, others, holder }) {
    const own = [opening, others.btc], base = { kind: 'holder', openings: own, account: holder };
    const twist = (change) => (openings, account) => change(openings, account);
    return [
        ['no account\'s proof', { account: opening }, /it is no account's proof/],
        ['an asset not opened', { openings: [opening] }, /asset 0 of the account is not opened/],
        ['nothing opened', { openings: [] }, /asset 0 of the account is not opened/],
        ['another\'s leaves', { openings: [opening, others.foreign] }, /another account's/],
        ['of another block', { twist: twist(([btc, ...rest], account) => [[{ ...btc, height: btc.height - 1n }, ...rest], account]) }, /another block/],
        ['a unit less', { twist: twist(([btc, ...rest], account) => [[{ ...btc, amount: btc.amount - 1n }, ...rest], account]) }, /do not add up/],
        ['of which the account says nothing', { twist: twist((openings, account) =>
            [openings, { ...account, balances: account.balances.slice(1) }]) }, /do not add up/],
        ['what is held is not in it', { twist: twist((openings, account) => [openings, { ...account, balances:
            account.balances.map((one) => ({ ...one, held: one.held + 1n })) }]) }, /do not add up/],
    ].map(([name, change, says]) => ({ ...base, ...change, name: `a holder: ${name}`, says }));
}

// ---- the history ----

export function blockWith(forger, block, { header = {}, tail = '', options, votes: voted = (all) => all, certificate = {} }) {
    const bytes = (text) => Buffer.from(text, 'hex');
    let below = Buffer.concat([forge.headerWith(bytes(block.header), header), bytes(tail)]);
    const own = below.toString('hex');
    const headers = block.certificate.headers.map((text) => {
        below = forge.headerWith(bytes(text), { prevHash: forge.headerHash(below) });
        return below.toString('hex');
    });
    const { height, epoch } = block.certificate, root = forge.headerHash(below);
    const signed = forger.votes({ height, epoch, root }, options).map(({ node, signature }) =>
        ({ node, signature: signature.toString('hex') }));
    return { header: own, certificate: { ...block.certificate, headerHash: root.toString('hex'), headers, votes: voted(signed), ...certificate } };
}

const keptOf = ({ from, fromRoot }) => ({ size: BigInt(from), root: Buffer.from(fromRoot, 'hex') });

function histories({ forger, history }) {
    const { blocks, proofs } = history, proofOf = (from, to) => proofs.find((one) => one.from === from && one.to === to);
    const answer = proofOf(11, 21), power = proofOf(8, 21), same = proofOf(21, 21), block = blocks[21];
    const kept = keptOf(answer), base = { kind: 'history', answer, block, kept };
    const elsewhere = other32.toString('hex'), beyond = nodeHash(Buffer.from(answer.toRoot, 'hex'), other32);
    const hashes = (change) => ({ ...answer, hashes: change(answer.hashes) });
    const signed = (changes) => blockWith(forger, block, changes);
    const under = (historyRoot) => signed({ header: { historyRoot } });
    const sizes = /the sizes are not those of two trees/, length = /not the length of what it is/, notKept = /not the one you kept/;
    const other = { size: kept.size, root: other32 };
    return [
        ['a tree of nothing', { answer: { ...answer, from: 0 }, kept: { ...kept, size: 0n } }, sizes],
        ['a tree that shrank', { answer: { ...answer, from: 22 }, kept: { ...kept, size: 22n } }, sizes],
        ['one size, another root', { answer: { ...same, fromRoot: elsewhere }, kept: { size: 21n, root: other32 } }, /one size has two roots/],
        ['one size, and a path', { answer: { ...same, hashes: [elsewhere] }, kept: keptOf(same) }, /one size has two roots/],
        ['no hashes', { answer: hashes(() => []) }, /the proof has no hashes/],
        ['a hash too few', { answer: hashes((all) => all.slice(0, -1)) }, /the proof is too short/],
        ['a hash too many', { answer: { ...hashes((all) => [...all, elsewhere]), toRoot: beyond.toString('hex') }, block: under(beyond) },
         /the proof is too long/],
        ['of a whole tree, a hash too few', { answer: { ...power, hashes: power.hashes.slice(1) }, kept: keptOf(power) }, /the proof is too short/],
        ['another older root', { answer: { ...answer, fromRoot: elsewhere }, kept: other }, /does not lead to the older root/],
        ['another newer root', { answer: { ...answer, toRoot: elsewhere }, block: under(other32) }, /does not lead to the newer root/],
        ['not what was kept', { kept: other }, notKept],
        ['of another size than what was kept', { kept: { ...kept, size: 12n } }, notKept],
        ['not the header\'s root', { answer: { ...answer, toRoot: elsewhere } }, /not the header's/],
        ['under another header', { block: blocks[22] }, /not the one above the newer tree/],
        ['under a header that is not certified', { block: { ...block, certificate: null } }, /not certified/],
        ['a header with a byte more', { block: signed({ tail: '00' }) }, length],
        ['a root that is no text', { answer: { ...answer, toRoot: 10 } }, /not hex/],
        ['a root that is no hex', { answer: { ...answer, toRoot: 'zz'.repeat(32) } }, /not hex/],
        ['half a signature', { block: signed({ votes: ([first, ...rest]) => [{ ...first, signature: first.signature.slice(0, 126) }, ...rest] }) }, length],
        ['two votes', { block: signed({ options: { nodes: [2, 4] } }) }, /too few votes/],
        ['a vote twice', { block: signed({ options: { nodes: [2, 4, 4] } }) }, /not by rising node id/],
        ['a stranger\'s vote', { block: signed({ options: { nodes: [2, 4, 5], by: (node) => Math.min(node, 4) } }) }, /by no validator/],
        ['a certificate of another height', { block: signed({ certificate: { height: 50 } }) }, /another block/],
    ].map(([name, change, says]) => ({ ...base, ...change, name: `the history: ${name}`, says }));
}

// ---- the program ----

function commands(sample) {
    const { forger, opening, others, holder } = sample;
    const real = forge.openingOf(forge.partsOf(opening).subject), key = real.owner.toString('hex');
    const row = real.head.assets[1 - real.asset];
    const head = { ...real.head, assets: replaced(real.head.assets, 1 - real.asset, { ...row, root: other32 }) };
    const certificate = forger.certificate({ height: head.height, epoch: 0n, root: forge.liabilitiesRoot(head) }, { tag: 'quorex/liabs/1' });
    const second = forger.proof(opening, { subject: forge.openingBytes({ ...real, head, certificate }) });
    return [
        { name: 'the program: a proof for an opening', asked: { account: key, openings: [holder] }, says: /it is no opening/ },
        { name: 'the program: two liabilities of one height', asked: { account: key, liabilities: sample.file, openings: [second] },
          says: /of other liabilities than the file/ },
        { name: 'the program: an opening left out', asked: { account: key, openings: [opening], proof: holder }, says: /asset 0 of the account is not opened/ },
        { name: 'the program: another\'s opening', asked: { account: key, openings: [others.foreign] }, says: /another account's/ },
    ].map((one) => ({ kind: 'command', ...one }));
}

export function forgeries(sample) {
    return [frames, chains, certificates, accounts, trades, releases, totals, openings, files, holders, histories, commands]
        .flatMap((make) => make(sample)).map((one) => ({ kind: 'proof', ...one }));
}

// What holds: as it was handed out, signed anew, by other voters, and in the form of older rules.
export function truths({ forger, account, trade, release, totals: sums, opening, file, holder, others, history }) {
    const real = { account, trade, release, totals: sums, opening };
    const houseless = withoutHouse(forge.totalsOf(forge.partsOf(sums).subject)), nothing = forge.totalsBytes([]);
    const approved = forge.releaseOf(forge.partsOf(release).subject), older = forge.olderRelease(approved.leaf);
    const olderHash = forge.releasesHash(approved, forge.pathRoot(leafHash(older), approved.index, approved.count, approved.path));
    const empty = forge.accountBytes({ ...forge.accountOf(forge.partsOf(account).subject), balances: [] });
    return [
        ...Object.entries(real).map(([name, bytes]) => ({ name, bytes })),
        ...Object.entries(real).map(([name, bytes]) => ({ name: `${name}, signed anew`, bytes: forger.proof(bytes) })),
        ...[[1, 2, 3], [1, 2, 4], [1, 3, 4], [2, 3, 4]].map((nodes) =>
            ({ name: `an account, by ${nodes}`, bytes: forger.proof(account, { options: { nodes } }) })),
        { name: 'a trade, under its own block\'s certificate', bytes: forger.proof(trade, { headers: ([first]) => [first] }) },
        { name: 'a release of older rules', bytes: forger.proof(release, { subject: forge.releaseBytes({ ...approved, leaf: older }),
                                                                       header: { eventsHash: olderHash } }) },
        { name: 'totals without a house', bytes: forger.proof(sums, { subject: houseless.subject, header: { totalsRoot: houseless.totalsRoot } }) },
        { name: 'totals of nothing', bytes: forger.proof(sums, { subject: nothing.subject, header: { totalsRoot: nothing.totalsRoot } }) },
        { name: 'an account with nothing', bytes: forger.proof(account, { subject: empty.subject, header: { stateRoot: empty.stateRoot } }) },
        { kind: 'file', name: 'a file', bytes: file },
        { kind: 'holder', name: 'a holder', openings: [opening, others.btc], account: holder },
        ...history.proofs.map((answer) => ({ kind: 'history', name: `the history from ${answer.from} to ${answer.to}`, answer,
                                             block: history.blocks[answer.to], kept: keptOf(answer) })),
        { kind: 'history', name: 'the history, signed anew', answer: history.proofs[100], kept: keptOf(history.proofs[100]),
          block: blockWith(forger, history.blocks[history.proofs[100].to], {}) },
        { kind: 'command', name: 'the program', asked: { account: forge.openingOf(forge.partsOf(opening).subject).owner.toString('hex'),
                                                         openings: [opening, others.btc], proof: holder, liabilities: file } },
    ].map((one) => ({ kind: 'proof', ...one }));
}
