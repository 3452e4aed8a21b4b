// Starts a demo exchange the way a newcomer does, with scripts/up, and stops it again.
//
// Each caller gets its own port and data folder, so that tests do not meet one another.

import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
// QUOREX_PROGRAM: another build than the release build, for instance one with every check on.
export const quorex = process.env.QUOREX_PROGRAM ?? join(root, 'build', 'release', 'quorex');

// Calls `condition` until it returns something true, for at most `seconds`. Where the rate limits are on, what a
// condition asks for, `every_ms`, must fit into them.
export async function until(what, condition, seconds = 20, every_ms = 20) {
    const deadline = Date.now() + seconds * 1000;
    let last;
    for (;;) {
        try {
            const value = await condition();
            if (value) return value;
        } catch (error) {
            last = error;
        }
        if (Date.now() > deadline) {
            throw new Error(`waited ${seconds} s in vain for: ${what}`, { cause: last });
        }
        await new Promise((resolve) => setTimeout(resolve, every_ms));
    }
}

export class Exchange {
    constructor(port, options) {
        this.port = port;
        this.options = options;
        this.http = `http://127.0.0.1:${port}`;
        this.ws = `ws://127.0.0.1:${port}`;
        this.dir = mkdtempSync(join(tmpdir(), 'quorex-'));
        chmodSync(this.dir, 0o755); // PostgreSQL's user walks through it
        this.node = join(this.dir, 'node-0');
        this.arguments = ['--detach', '--port', String(port), '--data', this.dir, ...options];
    }

    static async start(port, options = ['--quiet', '--no-limits']) {
        const exchange = new Exchange(port, options);
        await exchange.up();
        return exchange;
    }

    async up() {
        const { stdout } = await run(join(root, 'scripts', 'up'), this.arguments,
                                     { timeout: 600000, maxBuffer: 1 << 24 });
        this.accounts = JSON.parse(readFileSync(join(this.dir, 'accounts.json')));
        return stdout;
    }

    async down() {
        await run(join(root, 'scripts', 'up'), [...this.arguments, '--down'], { timeout: 60000 });
    }

    async stop() {
        await this.down();
        rmSync(this.dir, { recursive: true, force: true });
    }

    pid() {
        return Number(readFileSync(join(this.node, 'quorex.pid'), 'utf8').trim());
    }

    // Power off, as far as a process can know it.
    async kill() {
        const pid = this.pid();
        process.kill(pid, 'SIGKILL');
        await until('the killed node to be gone', () => {
            try {
                process.kill(pid, 0);
                // A dead leader may still have threads that finish a write and hold the folder's lock.
                return readdirSync(`/proc/${pid}/task`).length <= 1 &&
                       readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
            } catch {
                return true;
            }
        });
    }

    // The node alone: PostgreSQL has been running all the while.
    async startNode() {
        const log = openSync(join(this.node, 'log'), 'a');
        const child = spawn(quorex, ['node', '--config', join(this.node, 'quorex.conf'),
                                     ...(this.options.includes('--no-limits')
                                         ? ['--limits', 'off'] : [])],
                            { detached: true, stdio: ['ignore', log, log] });
        child.unref();
        try {
            await this.ready();
        } catch (error) {
            const lines = readFileSync(join(this.node, 'log'), 'utf8').trim().split('\n').slice(-12);
            throw new Error(`${error.message}; the log ends:\n${lines.join('\n')}`, { cause: error });
        }
        return child;
    }

    async ready() {
        await until('the node to be ready', async () => (await fetch(`${this.http}/readyz`)).ok, 60);
    }

    async get(path) {
        const response = await fetch(this.http + path);
        return response.json();
    }

    async status() {
        return this.get('/quorex/v1/status');
    }

    // Everything acknowledged so far is sealed and certified.
    async certified() {
        const { height } = await this.status();
        return until(`block ${height} to be certified`, async () => {
            const status = await this.status();
            return status.certifiedHeight >= height + 1 ? status : null;
        });
    }

    async verify() {
        const { stdout } = await run(quorex, ['verify', '--chain', join(this.node, 'chain')],
                                     { timeout: 300000, maxBuffer: 1 << 24 });
        return stdout;
    }
}

// Decimal text with 8 decimals as a whole number, exactly.
export function units(text) {
    const [whole, fraction = ''] = String(text).split('.');
    return BigInt(whole + fraction.padEnd(8, '0').slice(0, 8));
}
