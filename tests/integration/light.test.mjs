// A light node before real nodes, and before servers that lie: proxies which change what a real node answers.
//
// Whatever they say, what the light node calls certified is what the nodes say of that height, or nothing; whoever lied is
// named, and the others go on being asked.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster } from './cluster.mjs';
import { quorex, until } from './exchange.mjs';
import { Load } from './history.mjs';

const NEW = 4; // the fifth node
const HEADERS = '/quorex/v1/headers', VALIDATORS = '/quorex/v1/validators';
let cluster, load, followed;
const proxies = [];

before(async () => {
    cluster = await Cluster.start(25000, { checkpoints: 40, database: false, more: ['--archive', 'on'] });
    load = await Load.start(cluster, { pause_ms: 60, traders: 1 });
});

after(async () => {
    followed?.kill('SIGKILL');
    for (const proxy of proxies) {
        proxy.closeAllConnections();
        proxy.close();
    }
    await load?.end();
    await cluster?.stop();
});

// ---- The light node

const folder = (name) => join(cluster.dir, `light-${name}`);
const logOf = (name) => readFileSync(join(cluster.dir, `light-${name}.log`), 'utf8');
const argumentsOf = (name, urls, more) => ['light', '--genesis', join(cluster.folder(0), 'genesis.json'), '--data', folder(name),
                                           ...urls.flatMap((url) => ['--url', url]), ...more];

// Its exit code, and what it said, once it has what these servers have.
function once(name, urls, ...more) {
    return new Promise((resolve) => {
        execFile(quorex, argumentsOf(name, urls, ['--once', ...more]), { timeout: 90000 }, (error, stdout, stderr) => {
            const said = (word) => stdout.match(new RegExp(`^${word} +(.*)$`, 'm'))?.[1];
            resolve({ code: error ? error.code ?? error.signal : 0, stdout, stderr,
                      certified: Number(said('certified') ?? 0), hash: said('hash'), voters: said('voters') });
        });
    });
}

// The same as the nodes say of this height, and no older than they were when it was called.
async function assertTrue(state, atLeast, number = 0) {
    assert.ok(state.certified >= atLeast, `${state.certified} >= ${atLeast}: ${state.stderr}`);
    const block = await cluster.ask(number, `/quorex/v1/blocks/${state.certified}`);
    assert.equal(state.hash, block.hash);
}

const certified = async (number = 0) => (await cluster.status(number)).certifiedHeight;

function follow(name, urls) {
    const log = openSync(join(cluster.dir, `light-${name}.log`), 'a');
    const child = spawn(quorex, argumentsOf(name, urls, []), { stdio: ['ignore', log, log] });
    closeSync(log);
    child.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
    return child;
}

const heightOf = (name) => {
    // Whatever its folder holds now, read by a process of its own that checks it.
    return new Promise((resolve) => execFile(quorex, ['light', 'check', '--data', folder(name), '--url', cluster.url(0),
                                                      '--header', '1'], (error, stdout) => resolve(error ? 0 : stdout)));
};

// ---- Servers that lie

// A proxy before node `number`. `lie(page, query)` changes the answer to a page of headers, `others` any other answer.
async function liar(number, lie, others = (body) => body) {
    const proxy = http.createServer(async (request, response) => {
        const url = new URL(request.url, 'http://liar');
        const answer = await fetch(cluster.url(number) + request.url).catch(() => null);
        if (answer === null) return response.destroy();
        const text = await answer.text();
        proxy.asked++;
        let told = { status: answer.status, text };
        try {
            if (url.pathname === HEADERS) told = { ...told, ...lie(JSON.parse(text), url.searchParams, answer.status) };
            else told.text = others(text, url);
        } catch (error) {
            proxy.failed = error;
        }
        response.writeHead(told.status, { 'Content-Type': 'application/json',
                                          ...(told.length ? { 'Content-Length': told.length } : {}) });
        if (told.endless) return endless(response);
        response.write(told.text);
        if (told.length) return setTimeout(() => response.destroy(), 20);
        response.end();
    });
    proxy.asked = 0;
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    proxies.push(proxy);
    proxy.url = `http://127.0.0.1:${proxy.address().port}`;
    return proxy;
}

function endless(response) {
    const part = '['.repeat(65536);
    const more = () => { while (!response.destroyed && response.write(part)); };
    response.on('drain', more);
    more();
}

const page = (rows) => ({ text: JSON.stringify(rows) });
const heightIn = (row) => Number(Buffer.from(row.header, 'hex').readBigUInt64LE(8));
const flip = (row, offset) => {
    const bytes = Buffer.from(row.header, 'hex');
    bytes[offset] ^= 1;
    return { ...row, header: bytes.toString('hex') };
};
const eachSigned = (rows, change) => rows.map((row) => row.certificate ? { ...row, certificate: change(row.certificate) } : row);

// Another header of this height, signed by nodes with their own keys.
function forge(row, nodes) {
    const header = Buffer.from(row.header, 'hex');
    header[416] ^= 1; // of the body's hash
    const hash = createHash('sha256').update('quorex/header/1').update(header).digest();
    const word = Buffer.alloc(96), tag = Buffer.from('quorex/vote/1');
    tag.copy(word);
    header.copy(word, 16, 64, 96); // the chain's id
    header.copy(word, 48, 24, 32); // epoch
    header.copy(word, 56, 8, 16); // height
    hash.copy(word, 64);
    const votes = nodes.map((node) => {
        const hex = readFileSync(join(cluster.folder(node - 1), 'keys', 'node.key'), 'utf8').slice(0, 64);
        const key = createPrivateKey({ format: 'der', type: 'pkcs8', key: Buffer.concat([
            Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(hex, 'hex')]) });
        return { node, signature: sign(null, word, key).toString('hex') };
    });
    return { header: header.toString('hex'), certificate: { height: heightIn(row), epoch: Number(header.readBigUInt64LE(24)),
                                                            headerHash: hash.toString('hex'), votes } };
}

// ---- Following

test('from the genesis to what is certified now, and the same again', { timeout: 60000 }, async () => {
    await load.history.nextAcknowledged([0], 20);
    const height = await certified();
    const first = await once('first', [cluster.url(0)]);
    assert.equal(first.code, 0, first.stderr);
    await assertTrue(first, height);
    assert.match(first.voters, /^1 2 3 4 \(3 must sign\)$/);
    const second = await once('first', [cluster.url(1), cluster.url(2)]);
    assert.equal(second.code, 0, second.stderr);
    await assertTrue(second, first.certified, 1);
});

test('over a new voter, one that goes, and kill -9 all the while', { timeout: 240000 }, async () => {
    const urls = [cluster.url(0), cluster.url(1), cluster.url(2)];
    let kills = 0, changing = true;
    const killing = (async () => {
        while (changing || kills < 5) {
            followed = follow('killed', urls);
            await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 700));
            followed.kill('SIGKILL');
            assert.equal(await followed.ended, 'SIGKILL', logOf('killed'));
            kills++;
        }
    })();
    const operator = ['--url', cluster.url(0), '--operator-key', join(cluster.dir, 'operator.key')];
    await cluster.command('join', '--data', cluster.dir, '--number', NEW, '--from', cluster.url(0), '--secrets',
                          join(cluster.folder(0), 'keys'), '--operator-key', join(cluster.dir, 'operator.key'),
                          '--port', cluster.port + NEW);
    cluster.launch(NEW);
    await cluster.ready(NEW);
    const voters = async () => (await cluster.ask(0, VALIDATORS)).validators.map(({ node }) => node).join(' ');
    await until('the fifth to be promoted', () => cluster.command('admin', ...operator, 'promote-node', 'node=5').then(() => true), 60, 500);
    await until('five voters', async () => await voters() === '1 2 3 4 5', 60);
    await until('the fourth to be demoted', () => cluster.command('admin', ...operator, 'demote-node', 'node=4').then(() => true), 60, 500);
    await until('four voters', async () => await voters() === '1 2 3 5', 60);
    const turned = await certified() + 2;
    await until('that to be certified', async () => await certified() > turned);
    changing = false;
    await killing;
    console.log(`# killed ${kills} times`);
    assert.doesNotMatch(logOf('killed'), /dropped|error|other header|quarantine/);
    const state = await once('killed', urls);
    assert.equal(state.code, 0, state.stderr);
    await assertTrue(state, turned);
    assert.match(state.voters, /^1 2 3 5 \(3 must sign\)$/);
    // From nothing, through the hand-overs, by the newest node alone: it was told of none of them.
    await cluster.whole([NEW]);
    const fresh = await once('fresh', [cluster.url(NEW)]);
    assert.equal(fresh.code, 0, fresh.stderr);
    await assertTrue(fresh, turned);
    assert.match(fresh.voters, /^1 2 3 5/);
});

test('it goes on by itself, and stops when it is told to', { timeout: 60000 }, async () => {
    const before = await certified();
    followed = follow('going', [cluster.url(0), cluster.url(3)]);
    await until('it to have some blocks', async () => existsSync(folder('going')) && await heightOf('going'), 30);
    await until('more blocks', async () => await certified() > before + 10);
    followed.kill('SIGTERM');
    assert.equal(await followed.ended, 0);
    assert.match(logOf('going'), /certified +\d+/);
    const reached = Number(logOf('going').match(/certified +(\d+)/)[1]);
    assert.ok(reached > before, `${reached} > ${before}`);
    assert.doesNotMatch(logOf('going'), /dropped|error/);
});

test('an operator\'s word: it begins there, and only with those voters', { timeout: 60000 }, async () => {
    const { since, validatorsHash } = await cluster.ask(0, VALIDATORS);
    const state = await once('word', [cluster.url(1)], '--trust', `${since}:${validatorsHash}`);
    assert.equal(state.code, 0, state.stderr);
    await assertTrue(state, since);
    assert.match(state.stdout, new RegExp(`first block +${since}\\n`));
    const later = await once('word', [cluster.url(0)]); // the folder has the word
    assert.equal(later.code, 0, later.stderr);
    await assertTrue(later, state.certified);
    const { validatorsHash: first } = await cluster.ask(0, `${VALIDATORS}?height=1`);
    const wrong = await once('wrong', [cluster.url(1)], '--trust', `${since}:${first}`);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /voters are not those/);
    const unknown = await once('unknown', [cluster.url(1)], '--trust', `${since}:${'00'.repeat(32)}`);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /no server knows voters with that hash/);
});

// ---- Lies

const lies = {
    'a byte of a header': {
        lie: (rows) => { // of one that is certified: a false header above that counts for nothing, and is no use
            const last = rows.findLastIndex((row) => row.certificate);
            return page(rows.map((row, index) => index === last ? flip(row, 230) : row));
        },
        words: /prev_hash|its certificate is of another header|history_root/ },
    'a signature too few': {
        lie: (rows) => page(eachSigned(rows, (one) => ({ ...one, votes: one.votes.slice(0, 2) }))),
        words: /it has too few votes/ },
    'signatures by others': {
        lie: (rows) => page(eachSigned(rows, (one) => ({ ...one, votes: one.votes.map((vote, index) =>
            ({ ...vote, signature: one.votes[(index + 1) % one.votes.length].signature })) }))),
        words: /one of its signatures is wrong/ },
    'voters whom nobody signed over': {
        lie: (rows) => page(rows),
        others: (text, url) => url.pathname !== VALIDATORS ? text : text.replace(/"publicKey":"(.)/, (all, digit) =>
            `"publicKey":"${digit === '0' ? '1' : '0'}`),
        words: /the voters it names have another hash/ },
    'another block than was asked for': {
        lie: (rows) => page(rows.map((row) => flip(row, 9))),
        words: /the page begins with another block/ },
    'an answer without an end': { lie: () => ({ endless: true }), words: /longer than 4194304 bytes/ },
    'garbage': { lie: () => ({ text: '<html>{"header":[[[["\u0000' }), words: /no page of headers/ },
};

for (const [name, { lie, others, words }] of Object.entries(lies)) {
    test(`a server that lies is dropped: ${name}`, { timeout: 60000 }, async () => {
        await until('some blocks', async () => await certified() > 220, 60);
        const proxy = await liar(0, lie, others), height = await certified(1);
        const state = await once('lied-to', [proxy.url, cluster.url(1)]);
        assert.equal(proxy.failed, undefined);
        assert.equal(state.code, 0, state.stderr);
        await assertTrue(state, height);
        const named = state.stderr.split('\n').filter((line) => line.includes('server dropped'));
        assert.equal(named.length, 1, state.stderr);
        assert.ok(named[0].includes(proxy.url));
        assert.match(named[0], words);
        assert.match(state.stdout, /servers +1 of 2/);
        // Alone it leads nowhere that is not so.
        rmSync(folder('lied-to'), { recursive: true });
        const alone = await once('lied-to', [proxy.url]);
        assert.equal(alone.code, 1, alone.stderr);
        assert.match(alone.stderr, /nobody is left to ask/);
        rmSync(folder('lied-to'), { recursive: true });
    });
}

test('an answer that is cut off is no lie, and no answer', { timeout: 60000 }, async () => {
    const proxy = await liar(0, (rows) => ({ text: JSON.stringify(rows).slice(0, 400), length: 100000 }));
    const height = await certified(1);
    const state = await once('cut', [proxy.url, cluster.url(1)]);
    assert.equal(state.code, 0, state.stderr);
    await assertTrue(state, height);
    assert.match(state.stderr, /server cannot be used now.*(bytes remaining|closed)/);
    assert.match(state.stdout, /servers +2 of 2/);
});

test('an older chain is named, and does not lead back', { timeout: 60000 }, async () => {
    const height = await certified(), old = height - 100;
    const proxy = await liar(0, (rows, query) => {
        if (Number(query.get('from') ?? old) > old) return { status: 404, text: '{"code":-9001,"msg":"old"}' };
        if (!query.has('from')) return { text: JSON.stringify(proxy.old) };
        return page(rows.filter((row) => heightIn(row) <= old));
    });
    proxy.old = await (await fetch(`${cluster.url(0)}${HEADERS}?from=${old}&limit=1`)).json();
    const state = await once('older', [cluster.url(1)]);
    await assertTrue(state, height);
    const after = await once('older', [proxy.url, cluster.url(1)]);
    assert.equal(proxy.failed, undefined);
    assert.equal(after.code, 0, after.stderr);
    await assertTrue(after, state.certified);
    assert.match(after.stderr, new RegExp(`server shows an older chain" server="${proxy.url}" block=${old}`));
    const alone = await once('older', [proxy.url]);
    assert.ok(alone.certified >= after.certified, alone.stdout);
});

// The light node has come to `height`, whose certificate it has; what the proxy shows of that height is forged by `count`
// of its signers.
async function meetForgery(name, count) {
    const state = await once(name, [cluster.url(1)]);
    assert.equal(state.code, 0, state.stderr);
    const height = state.certified;
    const { certificate } = await cluster.ask(1, `/quorex/v1/blocks/${height}`);
    assert.equal(certificate.height, height);
    const nodes = certificate.votes.map(({ node }) => node).slice(0, count);
    const proxy = await liar(0, (rows) => page(rows.map((row) => heightIn(row) === height ? forge(row, nodes) : row)));
    return { state, height, nodes, proxy };
}

test('a node that signs a second header of a height is named, with both signatures', { timeout: 60000 }, async () => {
    const { height, nodes, proxy } = await meetForgery('twice', 1);
    const state = await once('twice', [proxy.url, cluster.url(1)]);
    assert.equal(proxy.failed, undefined);
    assert.equal(state.code, 0, state.stderr);
    await assertTrue(state, height);
    assert.match(state.stderr, /server dropped.*its block is not the certified one/);
    const kept = readdirSync(join(folder('twice'), 'evidence'));
    assert.deepEqual(kept, [`double-${nodes[0]}-0-${height}.json`]);
    const evidence = JSON.parse(readFileSync(join(folder('twice'), 'evidence', kept[0])));
    assert.equal(evidence.votes.length, 2);
    assert.notEqual(evidence.votes[0].hash, evidence.votes[1].hash);
});

test('two certified chains: proved, named, and not forgotten', { timeout: 60000 }, async () => {
    const { state: before, height, nodes, proxy } = await meetForgery('fork', 3);
    const state = await once('fork', [proxy.url, cluster.url(1)]);
    assert.equal(proxy.failed, undefined);
    assert.equal(state.code, 4, state.stderr);
    assert.match(state.stderr, /two chains are certified/);
    const evidence = JSON.parse(readFileSync(join(folder('fork'), 'evidence', `fork-${height}.json`)));
    assert.deepEqual(evidence.signedBoth, nodes);
    assert.equal(evidence.height, height);
    assert.notEqual(evidence.ours.headers[0], evidence.theirs.headers[0]);
    const again = await once('fork', [cluster.url(1)]);
    assert.equal(again.code, 4);
    assert.match(again.stderr, new RegExp(`fork-${height}.json`));
    assert.ok(before.certified === height);
});

// ---- Proofs

function check(name, ...more) {
    return new Promise((resolve) => {
        execFile(quorex, ['light', 'check', '--data', folder(name), ...more.map(String)], { timeout: 30000 },
                 (error, stdout, stderr) => resolve({ code: error ? error.code : 0, said: stdout + stderr }));
    });
}

test('proofs are checked against what is certified, offline and asked for', { timeout: 60000 }, async () => {
    const { certified: height } = await once('first', [cluster.url(0)]);
    const asked = await check('first', '--url', cluster.url(2), '--header', 17, '--from', 60);
    assert.equal(asked.code, 0, asked.said);
    const { hash } = await cluster.ask(3, '/quorex/v1/blocks/17');
    assert.match(asked.said, new RegExp(`block 17 of the certified chain has the header ${hash}`));
    assert.match(asked.said, /the chain of 60 headers with the root [0-9a-f]{64} is the beginning/);
    const files = {};
    for (const [kind, query] of Object.entries({ header: `height=17&at=${height - 1}`, consistency: `from=60&to=${height}` })) {
        files[kind] = await cluster.ask(0, `/quorex/v1/proofs/${kind}?${query}`);
        const path = join(cluster.dir, `${kind}.json`);
        writeFileSync(path, JSON.stringify(files[kind]));
        const { code, said } = await check('first', '--proof', path);
        assert.equal(code, 0, said);
    }
    const zeros = '00'.repeat(32), path = join(cluster.dir, 'changed.json');
    for (const [change, words] of [
        [{ ...files.header, hash: zeros }, /path does not lead from this header/],
        [{ ...files.header, height: 18 }, /path does not lead from this header/],
        [{ ...files.header, root: zeros }, /its root is not that of the certified chain/],
        [{ ...files.header, at: 10 ** 9 }, /is not known here/],
        [{ ...files.header, hashes: [] }, /path does not lead from this header/],
        [{ ...files.consistency, fromRoot: zeros }, /path does not lead from the older root/],
        [{ ...files.consistency, from: 61 }, /path does not lead from the older root/],
        [{ ...files.consistency, toRoot: files.consistency.fromRoot }, /its root is not that of the certified chain/],
        [{ nothing: 1 }, /no proof that this program knows/]]) {
        writeFileSync(path, JSON.stringify(change));
        const { code, said } = await check('first', '--proof', path);
        assert.equal(code, 1, said);
        assert.match(said, words);
    }
    // A server that answers another question than was asked.
    const inclusion = await cluster.ask(0, `/quorex/v1/proofs/header?height=60&at=${height}`);
    const proxy = await liar(0, (rows) => page(rows), (text, url) =>
        JSON.stringify(url.pathname.endsWith('/proofs/header') ? files.header : inclusion));
    for (const question of [['--header', 18], ['--header', 17, '--at', height - 2], ['--from', 60, '--to', height]]) {
        const other = await check('first', '--url', proxy.url, ...question);
        assert.equal(other.code, 1, question.join(' '));
        assert.match(other.said, /something else than was asked for/);
    }
});
