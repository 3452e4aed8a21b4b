// docker-compose.yml without a container engine: a profile's services as processes in network and mount namespaces of
// their own, by the file's own words: commands, environment, volumes (filled from the image when they are new),
// networks and the names on them, read-only roots without capabilities, health checks, and the order of depends_on.
//
// Services of the image `quorex` run in the root that it was made in; databases are this machine's PostgreSQL, set up as
// the official image does. Ports of the host are not published: who asks does so from inside a network.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import YAML from 'yaml';
import { root, until } from './exchange.mjs';

const postgres = '/usr/lib/postgresql/15/bin';
const password = 'correct horse';

export function readCompose() {
    const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
    return YAML.parse(text.replace(/\$\{QUOREX_DATABASE_PASSWORD:\?[^}]*\}/g, password), { merge: true });
}

// A list of names is short for names without settings.
export function networksOf(service) {
    return Array.isArray(service.networks) ? Object.fromEntries(service.networks.map((name) => [name, {}]))
                                           : service.networks;
}

const quoted = (word) => `'${String(word).replaceAll("'", "'\\''")}'`;

export class Compose {
    // `entry`: the image's entry point; `image`: its root; everything else goes into `place`.
    constructor(profile, image, entry, place) {
        const compose = readCompose();
        this.services = Object.fromEntries(Object.entries(compose.services)
            .filter(([, service]) => service.profiles.includes(profile)));
        this.networks = Object.keys(compose.networks);
        this.image = image;
        this.entry = entry;
        this.place = place;
        this.prefix = `quorex-${process.pid}-`;
        this.running = new Map(); // name: {child, said, ended}
        mkdirSync(join(place, 'volumes'));
        mkdirSync(join(place, 'root'));
        writeFileSync(join(image, 'etc/hosts'), '', { flag: 'a' }); // engines put their own over it
    }

    // ---- Networks: a bridge each, all in a namespace without services.

    address(name, network) {
        return `10.77.${this.networks.indexOf(network) + 1}.${Object.keys(this.services).indexOf(name) + 2}`;
    }

    ip(...words) {
        execFileSync('ip', words, { stdio: 'pipe' });
    }

    connect() {
        const hub = `${this.prefix}hub`;
        this.ip('netns', 'add', hub);
        for (const number of this.networks.keys()) {
            this.ip('-n', hub, 'link', 'add', `b${number}`, 'type', 'bridge');
            this.ip('-n', hub, 'link', 'set', `b${number}`, 'up');
        }
        for (const [index, name] of Object.keys(this.services).entries()) this.plugIn(hub, name, index);
    }

    plugIn(hub, name, index) {
        const own = this.prefix + name;
        this.ip('netns', 'add', own);
        this.ip('-n', own, 'link', 'set', 'lo', 'up');
        for (const network of Object.keys(networksOf(this.services[name]))) {
            const number = this.networks.indexOf(network), wire = `v${index}n${number}`;
            this.ip('-n', hub, 'link', 'add', wire, 'type', 'veth', 'peer', 'name', `e${number}`, 'netns', own);
            this.ip('-n', hub, 'link', 'set', wire, 'master', `b${number}`, 'up');
            this.ip('-n', own, 'addr', 'add', `${this.address(name, network)}/24`, 'dev', `e${number}`);
            this.ip('-n', own, 'link', 'set', `e${number}`, 'up');
        }
    }

    // Everybody knows those by name who run and are on a network with him.
    writeNames() {
        for (const [name, service] of Object.entries(this.services)) {
            const lines = Object.keys(networksOf(service)).flatMap((network) => this.namesOn(network));
            writeFileSync(this.names(name), ['127.0.0.1 localhost', ...lines, ''].join('\n'));
        }
    }

    names(name) {
        return join(this.place, `hosts-${name}`);
    }

    namesOn(network) {
        return Object.entries(this.services)
            .filter(([name, service]) => network in networksOf(service) &&
                                         this.isRunning(name))
            .map(([name, service]) => [this.address(name, network), name,
                                       ...(networksOf(service)[network].aliases ?? [])].join(' '));
    }

    // ---- One service

    // A new volume has what the image has where it is mounted, and its owner; else it is root's and empty.
    volume(text) {
        const [name, target] = text.split(':'), folder = join(this.place, 'volumes', name);
        if (!existsSync(folder)) {
            mkdirSync(folder);
            if (existsSync(join(this.image, target))) execFileSync('cp', ['-aT', join(this.image, target), folder]);
        }
        return { folder, target };
    }

    emptyVolume(name) {
        rmSync(join(this.place, 'volumes', name), { recursive: true });
    }

    // The shell line that runs `words` where the service is.
    line(name, words) {
        const service = this.services[name], at = quoted(join(this.place, 'root'));
        const environment = Object.entries(service.environment ?? {}).map(([key, value]) => `${key}=${value}`);
        const binds = service.volumes.map((text) => this.volume(text))
            .map(({ folder, target }) => `mount --bind ${quoted(folder)} ${at}${quoted(target)}`);
        assert.deepEqual([service.read_only, service.cap_drop, service.security_opt],
                         [true, ['ALL'], ['no-new-privileges:true']]);
        return [
            `mount --bind ${quoted(this.image)} ${at}`,
            `mount --bind ${quoted(this.names(name))} ${at}/etc/hosts`,
            `mount -t proc proc ${at}/proc`, `mount --rbind /dev ${at}/dev`,
            `mount -o remount,bind,ro ${at}`, ...binds,
            `exec chroot ${at} setpriv --reuid=quorex --regid=quorex --clear-groups --inh-caps=-all` +
            ` --bounding-set=-all --no-new-privs env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/var/lib/quorex ` +
            [...environment, ...words].map(quoted).join(' '),
        ].join('\n');
    }

    begin(name, program, words) {
        const child = spawn('ip', ['netns', 'exec', this.prefix + name, program, ...words],
                            { stdio: ['ignore', 'pipe', 'pipe'] });
        const service = { child, said: '' };
        for (const stream of [child.stdout, child.stderr]) {
            stream.on('data', (bytes) => { service.said += bytes; });
        }
        service.ended = new Promise((resolve) => child.on('exit', (code) => {
            service.code = code;
            resolve(code);
        }));
        return service;
    }

    beginInImage(name, words) {
        return this.begin(name, 'unshare', ['-m', '--propagation', 'private', 'sh', '-ec',
                                            this.line(name, [...this.entry, ...words])]);
    }

    // `docker compose run`: another command in a container like the service's.
    async run(name, ...words) {
        const service = this.beginInImage(name, words);
        const code = await service.ended;
        return { code, said: service.said };
    }

    // What a program of this machine says from inside the service's networks.
    inside(name, ...words) {
        const line = `mount --bind ${quoted(this.names(name))} /etc/hosts\nexec ${words.map(quoted).join(' ')}`;
        return execFileSync('ip', ['netns', 'exec', this.prefix + name, 'unshare', '-m', '--propagation', 'private',
                                   'sh', '-ec', line], { encoding: 'utf8', stdio: 'pipe', timeout: 30000 });
    }

    get(name, url) {
        return JSON.parse(this.inside(name, 'curl', '-sf', '-m', '10', url));
    }

    startDatabase(name) {
        const { folder } = this.volume(this.services[name].volumes[0]);
        const { POSTGRES_USER: user, POSTGRES_DB: database, POSTGRES_PASSWORD: secret } = this.services[name].environment;
        const as = (...words) => execFileSync('runuser', ['-u', 'postgres', '--', ...words], { stdio: 'pipe', cwd: '/' });
        if (!existsSync(join(folder, 'PG_VERSION'))) {
            const file = join(this.place, 'secret');
            writeFileSync(file, secret);
            execFileSync('chown', ['postgres', folder, file]);
            as(join(postgres, 'initdb'), '-D', folder, '-U', user, `--pwfile=${file}`, '--auth-host=scram-sha-256',
               '--auth-local=trust');
            writeFileSync(join(folder, 'pg_hba.conf'), 'local all all trust\nhost all all all scram-sha-256\n');
        }
        const service = this.begin(name, 'setpriv', ['--reuid=postgres', '--regid=postgres', '--init-groups',
                                                     join(postgres, 'postgres'), '-D', folder, '-k', folder,
                                                     '-c', 'listen_addresses=*', '-c', 'fsync=off']);
        const made = () => {
            try {
                as('psql', '-h', folder, '-U', user, '-d', 'postgres', '-c', `CREATE DATABASE ${database}`);
                return true;
            } catch (error) {
                if (/already exists/.test(error.stderr)) return true;
                throw error;
            }
        };
        return Object.assign(service, { made, folder });
    }

    async start(name) {
        const service = this.services[name];
        for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
            if (condition === 'service_completed_successfully') await this.completed(other);
            else await this.healthy(other);
        }
        if (service.image.startsWith('postgres:')) {
            this.running.set(name, this.startDatabase(name));
            await until(`${name} to have its database`, this.running.get(name).made, 60, 200);
        } else {
            this.running.set(name, this.beginInImage(name, service.command));
        }
        this.writeNames();
    }

    isRunning(name) {
        return this.running.has(name) && this.running.get(name).code === undefined;
    }

    async completed(name) {
        const service = this.running.get(name);
        assert.equal(await service.ended, 0, service.said);
    }

    async healthy(name) {
        const [kind, ...words] = this.services[name].healthcheck.test, service = this.running.get(name);
        assert.equal(kind, 'CMD');
        const own = service.folder ? ['env', `PGHOST=${service.folder}`] : [];
        await until(`${name} to be healthy`, () => {
            if (service.code !== undefined) return true;
            this.inside(name, ...own, ...words);
            return true;
        }, 60, 100).catch((error) => { throw new Error(`${error.message}\n${service.said}`, { cause: error }); });
        assert.equal(service.code, undefined, `${name} has ended\n${service.said}`);
    }

    // Everybody, those first whom others wait for.
    async up() {
        if (this.running.size === 0) {
            this.connect();
            this.writeNames();
        }
        const waiting = new Set(Object.keys(this.services).filter((name) => !this.isRunning(name)));
        while (waiting.size > 0) {
            const next = [...waiting].find((name) => Object.keys(this.services[name].depends_on ?? {})
                .every((other) => !waiting.has(other)));
            assert.ok(next, 'depends_on goes in a circle');
            await this.start(next);
            waiting.delete(next);
        }
        await Promise.all(Object.keys(this.services).filter((name) => this.services[name].command?.[0] === 'member')
            .map((name) => this.healthy(name)));
    }

    async stop(name) {
        const { child, ended } = this.running.get(name);
        child.kill(name.startsWith('database') ? 'SIGINT' : 'SIGTERM');
        await until(`${name} to stop`, () => this.running.get(name).code !== undefined, 45);
        this.writeNames();
        return ended;
    }

    disconnect() {
        for (const { child } of this.running.values()) child.kill('SIGKILL');
        for (const name of [...Object.keys(this.services), 'hub']) {
            try {
                this.ip('netns', 'del', this.prefix + name);
            } catch { /* it was not made */ }
        }
    }
}
