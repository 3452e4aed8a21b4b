// The container image without a container engine: docker-compose.yml is parsed and checked, and the
// Dockerfile's steps are carried out in bare Debian roots, one a stage; then the node runs in the last.
//
// The steps need root and debootstrap; elsewhere only the files are checked.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import YAML from 'yaml';
import { root, until } from './exchange.mjs';

const compose = YAML.parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'));
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

test('compose: a node and a database, on volumes, with health checks', () => {
    assert.deepEqual(Object.keys(compose.services).sort(), ['database', 'node']);
    for (const [name, service] of Object.entries(compose.services)) {
        assert.ok(service.restart, `${name} restarts`);
        assert.equal(service.healthcheck.test[0], 'CMD');
        for (const volume of service.volumes) {
            assert.ok(volume.split(':')[0] in compose.volumes, `${name}: ${volume} is a named volume`);
        }
        for (const network of service.networks) assert.ok(network in compose.networks);
    }
    assert.match(compose.services.database.image, /^postgres:15/);
    assert.ok(!compose.services.database.ports, 'the database has no port of the host');
    assert.equal(compose.services.node.depends_on.database.condition, 'service_healthy');
    assert.match(compose.services.node.environment.QUOREX_DATABASE, /host=database dbname=quorex_0 user=quorex/);
    assert.equal(compose.services.database.environment.POSTGRES_DB, 'quorex_0');
    const [host, inside] = compose.services.node.ports[0].split(':').slice(-2);
    assert.equal(host, '8080');
    assert.equal(steps('EXPOSE')[0].rest, inside);
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

let place;
const mounted = [];

function mount(target, ...options) {
    execFileSync('mount', [...options, target]);
    mounted.push(target);
}

after(() => {
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
    let image;
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
