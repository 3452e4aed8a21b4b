// Four nodes on this machine, one process each, and what tests do to them: stop them in every way, put walls
// between them, break their files. Each test gets its own ports (node K: port + K, peers port + 500 + K, or
// port + 600 + K behind walls) and folder.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { quorex, until } from './exchange.mjs';
import { Walls } from './walls.mjs';

const run = promisify(execFile);
export const POSTGRES = '/usr/lib/postgresql/15/bin';

// A PostgreSQL with one database a node, reached through a socket in its folder.
export class Postgres {
    constructor(directory) {
        this.directory = directory;
        this.cluster = join(directory, 'cluster');
        this.root = process.getuid() === 0;
    }

    // initdb refuses root, so root's belongs to the user postgres.
    command(program, ...args) {
        const own = [join(POSTGRES, program), ...args];
        const [first, ...rest] = this.root ? ['runuser', '-u', 'postgres', '--', ...own] : own;
        return execFileSync(first, rest, { cwd: '/', encoding: 'utf8', stdio: 'pipe', timeout: 120000 });
    }

    make(databases) {
        mkdirSync(this.directory);
        if (this.root) execFileSync('chown', ['postgres', this.directory]);
        this.command('initdb', '-D', this.cluster, '-U', 'quorex', '--auth-local=trust', '--no-sync',
                     '--auth-host=reject', '--locale=C.UTF-8', '--encoding=UTF8');
        this.start();
        for (const database of databases) this.create(database);
    }

    start() {
        const options = `-c listen_addresses='' -c unix_socket_directories=${this.directory} -c fsync=off ` +
                        '-c max_connections=60 -c shared_buffers=32MB';
        // pg_ctl would hand our pipe on to the server, and nobody would ever see its end.
        const log = join(this.directory, 'log');
        this.command('pg_ctl', '-D', this.cluster, '-w', '-t', '60', '-l', log, '-o', options, 'start');
    }

    stop(mode = 'fast') {
        this.command('pg_ctl', '-D', this.cluster, '-w', '-t', '60', '-m', mode, 'stop');
    }

    // Also while somebody is connected.
    drop(database) {
        this.command('dropdb', '--force', '-h', this.directory, '-U', 'quorex', database);
    }

    create(database) {
        this.command('createdb', '-h', this.directory, '-U', 'quorex', database);
    }

    sql(database, text) {
        return this.command('psql', '-h', this.directory, '-U', 'quorex', '-d', database, '-Atc', text).trim();
    }
}

export class Cluster {
    // checkpoints: a checkpoint every so many blocks. database: a projection for each node, which answers for
    // history that a node started from a checkpoint has not in memory.
    // more: further settings of every node. prepare: called with the folder before there is anything in it.
    // operators: public keys beside the one that init makes.
    static async start(port, { checkpoints = 50, database = true, walls = false, more = [], prepare, operators = [] } = {}) {
        const cluster = new Cluster(port);
        cluster.more = more;
        cluster.operators = operators;
        try {
            prepare?.(cluster);
            await cluster.make(checkpoints, database, walls);
        } catch (error) {
            await cluster.stop();
            throw error;
        }
        return cluster;
    }

    constructor(port) {
        this.port = port;
        this.numbers = [0, 1, 2, 3];
        this.children = new Map();
        this.fallen = []; // nodes that ended though nobody asked them to, in words
        this.more = [];
        this.dir = mkdtempSync(join(tmpdir(), 'quorex-'));
        chmodSync(this.dir, 0o755); // PostgreSQL's user walks through it
    }

    async make(checkpoints, database, walls) {
        const args = ['init', '--data', this.dir, '--demo', '--nodes', '4', '--port', this.port,
                      '--checkpoint-blocks', checkpoints];
        if (this.operators?.length > 0) args.push('--operators', this.operators.join());
        if (database) {
            this.postgres = new Postgres(join(this.dir, 'sql'));
            this.postgres.make(this.numbers.map((number) => `quorex_${number}`));
            args.push('--database', `host=${this.postgres.directory} dbname=quorex_%K user=quorex`);
        }
        if (walls) {
            this.walls = new Walls(this.numbers.map((number) => this.port + 600 + number),
                                   this.numbers.map((number) => this.port + 500 + number),
                                   (number) => this.children.get(number)?.pid);
            await this.walls.listen();
            args.push('--addresses', this.numbers.map((number) => `127.0.0.1:${this.port + 600 + number}`).join());
        }
        await run(quorex, args.map(String));
        await this.startAll();
        await run(quorex, ['demo-accounts', '--url', this.url(0), '--data', this.dir], { timeout: 60000 });
        this.accounts = ['accounts.json', 'flow-accounts.json'].flatMap(
            (name) => JSON.parse(readFileSync(join(this.dir, name))));
    }

    url(number) {
        return `http://127.0.0.1:${this.port + number}`;
    }

    folder(number) {
        return join(this.dir, `node-${number}`);
    }

    log(number, folder = this.folder(number)) {
        return readFileSync(join(folder, 'log'), 'utf8');
    }

    // The process, without waiting for anything.
    launch(number, folder = this.folder(number), more = []) {
        const log = openSync(join(folder, 'log'), 'a');
        const peers = this.walls ? ['--peer-port', String(this.walls.inside[number])] : [];
        const child = spawn(quorex, ['node', '--config', join(folder, 'quorex.conf'), '--limits', 'off',
                                     ...this.more, ...peers, ...more],
                            { stdio: ['ignore', log, log] });
        closeSync(log);
        child.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
        child.ended.then(({ code, signal }) => {
            if (this.children.get(number) === child) this.children.delete(number);
            if (child.mayEnd) return;
            const last = this.log(number, folder).trimEnd().split('\n').slice(-4).join('\n');
            this.fallen.push(`node ${number} ended by itself with ${signal ?? code}; its log ends:\n${last}`);
        });
        this.children.set(number, child);
        return child;
    }

    // Its end, which nobody asked for, is what a test waits for.
    endOf(number) {
        const child = this.children.get(number);
        child.mayEnd = true;
        return child.ended;
    }

    async startNode(number) {
        const child = this.launch(number);
        await this.ready(number);
        return child;
    }

    async startAll(numbers = this.numbers) {
        for (const number of numbers) this.launch(number);
        for (const number of numbers) await this.ready(number);
    }

    async ready(number, seconds = 60) {
        try {
            const ready = await until(`node ${number} to be ready`, async () => {
                if (!this.children.has(number)) return 'ended';
                return (await this.ask(number, '/readyz')).ready;
            }, seconds);
            if (ready === 'ended') throw new Error(`node ${number} has ended`);
        } catch (error) {
            const lines = existsSync(this.folder(number)) ? this.log(number).trim().split('\n').slice(-15) : [];
            throw new Error(`${error.message} (${error.cause?.message ?? ''}); its log ends:\n${lines.join('\n')}`);
        }
    }

    // Sends a signal that ends the process, and waits for the end.
    async end(number, signal = 'SIGKILL') {
        const child = this.children.get(number), ended = this.endOf(number);
        child.kill(signal);
        return ended;
    }

    signal(number, signal) {
        this.children.get(number).kill(signal);
    }

    running() {
        return this.numbers.filter((number) => this.children.has(number));
    }

    // Plain HTTP on a connection of its own, so that nothing waits behind a stopped node.
    ask(number, path, milliseconds = 3000) {
        return new Promise((resolve, reject) => {
            const request = http.get(this.url(number) + path, { agent: false, timeout: milliseconds }, (answer) => {
                let text = '';
                answer.setEncoding('utf8');
                answer.on('data', (part) => { text += part; });
                answer.on('end', () => {
                    try { resolve(JSON.parse(text)); } catch (error) { reject(error); }
                });
            });
            request.on('timeout', () => request.destroy(new Error(`node ${number} is silent`)));
            request.on('error', reject);
        });
    }

    status(number) {
        return this.ask(number, '/quorex/v1/status');
    }

    // The node that leads, as it says itself and most others believe.
    leader(among = this.running()) {
        return until('a leader', async () => {
            const said = await Promise.all(among.map((number) => this.status(number).catch(() => null)));
            const known = said.filter(Boolean);
            const leading = known.filter((status) => status.role === 'leader')
                                 .sort((a, b) => b.term - a.term)[0];
            const followers = known.filter((status) => status.leader === leading?.node);
            return followers.length * 2 > this.numbers.length && { number: leading.node - 1 };
        }).then(({ number }) => number);
    }

    // Everything that any of `numbers` had sealed when called is certified on all of them, and there they
    // agree. Returns the height.
    async agreed(numbers = this.numbers, seconds = 60) {
        const statuses = await Promise.all(numbers.map((number) => this.status(number)));
        const height = Math.max(...statuses.map((status) => status.height)) + 1;
        await until(`block ${height} to be certified on ${numbers}`, async () => {
            const now = await Promise.all(numbers.map((number) => this.status(number)));
            return now.every((status) => status.certifiedHeight >= height);
        }, seconds);
        const blocks = await Promise.all(numbers.map((number) => this.ask(number, `/quorex/v1/blocks/${height}`)));
        for (const block of blocks) {
            if (!block.hash || block.hash !== blocks[0].hash || block.stateRoot !== blocks[0].stateRoot) {
                throw new Error(`nodes differ at ${height}: ${JSON.stringify(blocks.map((one) => one.hash ?? one))}`);
            }
        }
        return height;
    }

    // Every node has the last word of the log and of the chain: the next one may fall.
    async level(numbers = this.running(), seconds = 60) {
        return until(`nodes ${numbers} to be level`, async () => {
            const now = await Promise.all(numbers.map((number) => this.status(number)));
            const heights = now.map((status) => status.certifiedHeight);
            return Math.max(...heights) - Math.min(...heights) <= 3 && heights.every((height) => height > 0) &&
                   now.every((status) => status.leader !== null) && now;
        }, seconds);
    }

    // Every node has all blocks from the first one on: what lay below a checkpoint was fetched from an archive.
    async whole(numbers = this.running(), seconds = 60) {
        await until(`nodes ${numbers} to have all blocks`, async () => {
            const now = await Promise.all(numbers.map((number) => this.status(number)));
            return now.every((status) => status.backfill === null);
        }, seconds);
    }

    async projected(numbers, height, seconds = 60) {
        await until(`PostgreSQL to have block ${height}`, async () => {
            const now = await Promise.all(numbers.map((number) => this.status(number)));
            return now.every((status) => status.projectedHeight >= height);
        }, seconds);
    }

    // The auditor's exit code and words about a node's chain files.
    verify(number) {
        return new Promise((resolve) => {
            execFile(quorex, ['verify', '--chain', join(this.folder(number), 'chain')],
                     { timeout: 300000, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
                         resolve({ code: error ? error.code : 0, said: stdout + stderr });
                     });
        });
    }

    command(...args) {
        return run(quorex, args.map(String), { timeout: 120000, maxBuffer: 1 << 24 });
    }

    // Ends all nodes, each as it should, and removes everything.
    async stop() {
        const children = [...this.children.values()];
        for (const child of children) child.mayEnd = true;
        for (const child of children) child.kill('SIGCONT');
        for (const child of children) child.kill('SIGTERM');
        const patience = setTimeout(() => { for (const child of children) child.kill('SIGKILL'); }, 15000);
        const ends = await Promise.all(children.map((child) => child.ended));
        clearTimeout(patience);
        const wrong = ends.map(({ code, signal }) => signal ?? code).filter((end) => end !== 0);
        if (wrong.length > 0) this.fallen.push(`nodes that were to stop ended with ${wrong}`);
        await this.walls?.close();
        try {
            this.postgres?.stop('immediate');
        } catch {
            // It was not running.
        }
        if (process.env.QUOREX_KEEP) console.log(`# kept ${this.dir}`);
        else rmSync(this.dir, { recursive: true, force: true });
        if (this.fallen.length > 0) throw new Error(this.fallen.join('\n'));
    }
}
