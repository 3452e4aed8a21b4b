// One node without PostgreSQL in a folder of its own, started and ended by the test itself, and its operator's commands.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quorex, until } from './exchange.mjs';

export class LoneNode {
    // `name` is part of the folder's; `more` goes to `quorex init --demo`.
    constructor(port, name, ...more) {
        this.http = `http://127.0.0.1:${port}`;
        this.dir = mkdtempSync(join(tmpdir(), `quorex-${name}-`));
        this.folder = join(this.dir, 'node-0');
        execFileSync(quorex, ['init', '--data', this.dir, '--port', port, '--demo', ...more], { timeout: 60000 });
    }

    async start() {
        const out = openSync(join(this.folder, 'log'), 'a');
        this.child = spawn(quorex, ['node', '--config', join(this.folder, 'quorex.conf'), '--limits', 'off'],
                           { stdio: ['ignore', out, out] });
        this.ended = new Promise((resolve) => this.child.on('exit', resolve));
        await until('the node to be ready', async () => (await fetch(`${this.http}/readyz`)).ok, 60);
    }

    async stop() {
        this.child.kill('SIGTERM');
        assert.equal(await this.ended, 0);
        this.child = null;
    }

    async remove() {
        if (this.child) await this.stop();
        rmSync(this.dir, { recursive: true, force: true });
    }

    // Runs `quorex` to its end, whatever that is.
    command(...words) {
        return new Promise((resolve) => execFile(quorex, words, { timeout: 120000 }, (error, stdout, stderr) =>
            resolve({ code: error ? error.code : 0, text: stdout + stderr })));
    }

    // An operator's command: the answer, or the refusal.
    async admin(...words) {
        const { text } = await this.command('admin', '--url', this.http, '--operator-key', join(this.dir, 'operator.key'), ...words);
        return JSON.parse(text.match(/\{.*\}/s)[0]);
    }

    verify() {
        return this.command('verify', '--chain', join(this.folder, 'chain'));
    }
}
