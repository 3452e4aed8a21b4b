// The container image without a container engine: docker-compose.yml is parsed and checked, and the
// Dockerfile's steps are carried out in bare Debian roots, one a stage; then the node runs in the last, and the
// services of profile `cluster`, each in namespaces of its own (compose.mjs).
//
// The steps need root and debootstrap; elsewhere only the files are checked.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { Compose, networksOf, readCompose } from './compose.mjs';
import { root, until } from './exchange.mjs';

const compose = readCompose();
const port = 18340;

// Stages: {name, from, steps: [{word, rest}]}, continued lines joined.
function readDockerfile(text) {
    const stages = [];
    for (const line of text.replace(/\\\n\s*/g, ' ').split('\n')) {
        const match = line.match(/^([A-Z]+)\s+(.*)$/);
        if (!match) continue;
        const [, word, rest] = match;
        if (word === 'FROM') {
            const [from, , name] = rest.split(/\s+/);
            stages.push({ from, name, steps: [] });
        } else {
            stages.at(-1).steps.push({ word, rest });
        }
    }
    return stages;
}

const stages = readDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
const steps = (word) => stages.at(-1).steps.filter((step) => step.word === word);

const ofProfile = (profile) => Object.keys(compose.services)
    .filter((name) => compose.services[name].profiles.includes(profile)).sort();
const onNetwork = (network) => Object.keys(compose.services)
    .filter((name) => network in networksOf(compose.services[name])).sort();

test('compose: everybody restarts, on volumes, with health checks; databases have no port of the host', () => {
    for (const [name, service] of Object.entries(compose.services)) {
        assert.equal(service.restart, name === 'operator' ? 'no' : 'unless-stopped');
        for (const volume of service.volumes) {
            assert.ok(volume.split(':')[0] in compose.volumes, `${name}: ${volume} is a named volume`);
        }
        for (const network of Object.keys(networksOf(service))) assert.ok(network in compose.networks);
        if (name !== 'operator') assert.equal(service.healthcheck.test[0], 'CMD');
        if (!name.startsWith('database')) continue;
        assert.match(service.image, /^postgres:15/);
        assert.ok(!service.ports);
        assert.ok(service.healthcheck.test.includes(service.environment.POSTGRES_DB));
    }
});

test('compose: without a profile, one node and its database', () => {
    assert.match(readFileSync(join(root, '.env'), 'utf8'), /^COMPOSE_PROFILES=single$/m);
    assert.deepEqual(ofProfile('single'), ['database', 'node']);
    const { node, database } = compose.services;
    assert.equal(node.depends_on.database.condition, 'service_healthy');
    assert.equal(node.environment.QUOREX_DATABASE, 'host=database dbname=quorex user=quorex');
    assert.deepEqual([database.environment.POSTGRES_DB, database.environment.POSTGRES_USER], ['quorex', 'quorex']);
    const [host, inside] = node.ports[0].split(':').slice(-2);
    assert.equal(host, '8080');
    assert.equal(steps('EXPOSE')[0].rest, inside);
});

test('compose: in a cluster each node has volume, database and port of its own, and one network for its peers', () => {
    const numbers = [0, 1, 2, 3], nodes = numbers.map((k) => `node-${k}`);
    assert.deepEqual(ofProfile('cluster'), [...numbers.map((k) => `database-${k}`), ...nodes, 'operator']);
    assert.deepEqual(onNetwork('peers'), nodes);
    assert.deepEqual(onNetwork('clients'), [...nodes, 'operator']);
    const addresses = compose.services.operator.command[1].split(',');
    for (const k of numbers) {
        const node = compose.services[`node-${k}`];
        assert.deepEqual(node.volumes, [`node-${k}:/var/lib/quorex`]);
        assert.deepEqual(node.ports, [`127.0.0.1:${8080 + k}:8080`]);
        assert.match(node.environment.QUOREX_DATABASE, new RegExp(`^host=database-${k} `));
        assert.equal(node.depends_on.operator.condition, 'service_completed_successfully');
        assert.equal(node.depends_on[`database-${k}`].condition, 'service_healthy');
        assert.deepEqual(onNetwork(`database-${k}`), [`database-${k}`, `node-${k}`]);
        assert.ok(compose.networks[`database-${k}`].internal);
        assert.equal(addresses[k], `${networksOf(node).peers.aliases[0]}:${8580 + k}`);
        assert.ok(compose.services.operator.volumes.includes(`node-${k}:/srv/chain/node-${k}`));
    }
    assert.ok(compose.networks.peers.internal);
});

test('Dockerfile: Debian 12, the shared package list, a user of its own', () => {
    for (const stage of stages) assert.match(stage.from, /^debian:12/);
    const installs = stages.map((stage) => stage.steps.filter((step) =>
        step.word === 'RUN' && step.rest.includes('shared.sh install')).length);
    assert.deepEqual(installs, [1, 1]);
    for (const stage of stages) {
        for (const step of stage.steps) assert.doesNotMatch(step.rest, /apt-get install/);
    }
    assert.equal(steps('USER')[0].rest, 'quorex');
    assert.ok(compose.services.node.volumes[0].endsWith(`:${steps('VOLUME')[0].rest}`));
    assert.ok(steps('HEALTHCHECK')[0].rest.includes(compose.services.node.healthcheck.test.slice(1)
        .map((word) => `"${word}"`).join(', ')));
});

let place, image;
let cluster;
const mounted = [];

function mount(target, ...options) {
    execFileSync('mount', [...options, target]);
    mounted.push(target);
}

after(() => {
    cluster?.disconnect();
    for (const target of mounted.reverse()) execFileSync('umount', ['-l', target]);
    if (place) rmSync(place, { recursive: true, force: true });
});

const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };

function inside(stageRoot, command, options = {}) {
    return execFileSync('chroot', [stageRoot, '/bin/sh', '-ec', command],
                        { env: environment, encoding: 'utf8', stdio: 'pipe', timeout: 1200000, ...options });
}

// The files of the project as a build context has them: those git knows.
function copyContext(target) {
    const listed = execFileSync('git', ['-C', root, 'ls-files', '-z'], { encoding: 'utf8' });
    for (const name of listed.split('\0').filter(Boolean)) {
        if (!existsSync(join(root, name))) continue;
        mkdirSync(dirname(join(target, name)), { recursive: true });
        cpSync(join(root, name), join(target, name));
    }
}

function copyStep(stageRoots, stageRoot, rest) {
    const words = rest.split(/\s+/);
    const from = words[0].startsWith('--from=') ? stageRoots[words.shift().slice(7)] : null;
    const target = words.pop(), folder = target.endsWith('/') || words[0] === '.';
    for (const word of words) {
        if (word === '.' && !from) {
            copyContext(join(stageRoot, target));
            continue;
        }
        const source = from ? join(from, word) : join(root, word);
        const to = folder ? join(stageRoot, target, word.split('/').at(-1)) : join(stageRoot, target);
        mkdirSync(dirname(to), { recursive: true });
        cpSync(source, to);
        chmodSync(to, statSync(source).mode & 0o777);
    }
}

function makeStage(base, stage, stageRoots, index) {
    const stageRoot = join(place, `stage-${index}`);
    execFileSync('cp', ['-a', base, stageRoot]);
    mount(join(stageRoot, 'proc'), '-t', 'proc', 'proc');
    mount(join(stageRoot, 'dev'), '--rbind', '/dev');
    for (const step of stage.steps) {
        if (step.word === 'COPY') copyStep(stageRoots, stageRoot, step.rest);
        if (step.word === 'RUN') inside(stageRoot, step.rest);
    }
    if (stage.name) stageRoots[stage.name] = stageRoot;
    return stageRoot;
}

// Where this machine itself gets Debian from; debootstrap's own choice when apt does not say.
function mirror() {
    const targets = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI) $(SUITE)'],
                                 { encoding: 'utf8' });
    const main = targets.split('\n').find((line) => /\/debian\/? [a-z]+$/.test(line));
    return main ? [main.split(' ')[0]] : [];
}

const able = process.getuid() === 0 && existsSync('/usr/sbin/debootstrap');

test('the steps make an image in which the node runs', { skip: able ? false : 'needs root and debootstrap' }, async () => {
    place = mkdtempSync('/var/tmp/quorex-image-');
    chmodSync(place, 0o755);
    const base = join(place, 'base');
    execFileSync('/usr/sbin/debootstrap', ['--variant=minbase', 'bookworm', base, ...mirror()],
                 { stdio: 'pipe', timeout: 900000 });
    cpSync('/etc/resolv.conf', join(base, 'etc/resolv.conf'), { dereference: true });
    // The proxy of this machine, when it has one.
    for (const [name, value] of Object.entries(process.env)) {
        if (/^(https?|no)_proxy$/i.test(name)) environment[name] = value;
    }
    writeFileSync(join(base, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });

    const stageRoots = {};
    stages.forEach((stage, index) => { image = makeStage(base, stage, stageRoots, index); });

    const entry = JSON.parse(steps('ENTRYPOINT')[0].rest);
    const node = spawn('chroot', ['--userspec=quorex', image, ...entry, '--port', String(port)], {
        env: { ...environment, HOME: '/var/lib/quorex', QUOREX_HOST: '127.0.0.1' },
        stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    node.stderr.on('data', (bytes) => { said += bytes; });
    const ended = new Promise((resolve) => node.on('exit', (code) => resolve(code)));
    try {
        await until('the node in the image to be ready', async () =>
            (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, 60);
        const page = await fetch(`http://127.0.0.1:${port}/`);
        assert.equal(page.status, 200);
        assert.match(await page.text(), /<html/i);
        const check = JSON.parse(steps('HEALTHCHECK')[0].rest.match(/CMD (\[.*\])$/)[1]);
        inside(image, check.join(' ').replace('8080', String(port)));
        inside(image, `quorex demo-accounts --data /var/lib/quorex --url http://127.0.0.1:${port}`);
        assert.ok(existsSync(join(image, 'var/lib/quorex/accounts.json')));
    } catch (error) {
        throw new Error(`${error.message}\n${said}`, { cause: error });
    } finally {
        node.kill('SIGTERM');
    }
    assert.equal(await ended, 0, said);
});

// In network namespaces this test may not make, the container engine could not either.
function mayMakeNetworks() {
    try {
        execFileSync('unshare', ['-n', 'ip', 'link', 'add', 'b0', 'type', 'bridge'], { stdio: 'pipe' });
        return true;
    } catch {
        return false;
    }
}

test('the cluster runs by the words of the file', { skip: able && mayMakeNetworks() ? false : 'needs network namespaces' },
     async (t) => {
    assert.ok(image, 'there is an image');
    const folder = join(place, 'cluster');
    mkdirSync(folder, { mode: 0o755 });
    cluster = new Compose('cluster', image, JSON.parse(steps('ENTRYPOINT')[0].rest), folder);
    const ask = (number, path) => cluster.get('operator', `http://node-${number}:8080${path}`);
    const operate = async (...words) => {
        const { code, said } = await cluster.run('operator', ...words);
        assert.equal(code, 0, said);
        return said;
    };
    const projected = (number) => Number(cluster.inside(`node-${number}`, 'env', `PGPASSWORD=${
        cluster.services[`node-${number}`].environment.PGPASSWORD}`, 'psql', '-tA', '-h', `database-${number}`, '-U',
        'quorex', '-d', 'quorex', '-c', 'SELECT count(*) FROM quorex.blocks'));

    await t.test('four nodes agree, each has its database, peers speak on their own network', async () => {
        await cluster.up();
        await operate('demo-accounts');
        for (const k of [0, 1, 2, 3]) {
            await until(`node ${k} to have certified the accounts`, () =>
                ask(k, '/quorex/v1/status').certifiedHeight >= 2, 30, 200);
            await until(`database ${k} to have blocks`, () => projected(k) >= 2, 30, 200);
            const links = await until(`node ${k} to have three links`, () => {
                const said = cluster.running.get(`node-${k}`).said.match(/"link up" node=\d address=[0-9.]+/g);
                return said?.length >= 3 && said;
            }, 30, 100);
            const own = cluster.address(`node-${k}`, 'peers').replace(/[0-9]+$/, '');
            for (const link of links) assert.ok(link.includes(`address=${own}`), link);
        }
    });

    await t.test('a node whose volume is lost is refused, and replaced', async () => {
        assert.equal(await cluster.stop('node-2'), 0);
        cluster.emptyVolume('node-2');
        await operate('make', cluster.services.operator.command[1]); // as every `up` does
        await cluster.start('node-2');
        const lost = cluster.running.get('node-2');
        assert.equal(await lost.ended, 1);
        assert.match(lost.said, /no node in this volume/);

        const words = (await operate('replace', '2', '0')).match(/operator (admin swap-nodes .*)$/m)[1];
        const again = await cluster.run('operator', 'replace', '2', '0');
        assert.equal(again.code, 1);
        assert.match(again.said, /the volume of node 2 has a node/);
        await cluster.start('node-2');
        await cluster.healthy('node-2');
        await operate(...words.split(' '));
        await until('the new identity to vote', () => {
            const { validators } = ask(2, '/quorex/v1/validators');
            return validators.some(({ node }) => node === 5) && validators.every(({ node }) => node !== 3);
        }, 30, 200);
    });

    await t.test('all stop cleanly, and come again', async () => {
        const names = Object.keys(cluster.services).filter((name) => cluster.isRunning(name));
        for (const name of [...names.filter((name) => name.startsWith('node')),
                            ...names.filter((name) => !name.startsWith('node'))]) {
            assert.equal(await cluster.stop(name), 0, `${name}\n${cluster.running.get(name).said}`);
        }
        const before = cluster.running.get('operator');
        await cluster.up();
        assert.notEqual(cluster.running.get('operator'), before, 'it runs at every `up`');
        await until('all to agree again', () => [0, 1, 2, 3].every((k) => ask(k, '/readyz').orders), 30, 200);
    });
});
