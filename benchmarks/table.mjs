// What the drivers of benchmarks share: options, programs that print a JSON object, figures by name, the table at the end.

import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

// Fills `wishes`, an object of texts, from --NAME VALUE.
export function readWishes(wishes) {
    for (let at = 2; at < process.argv.length; at += 2) {
        const name = process.argv[at].replace(/^--/, '');
        if (!(name in wishes) || process.argv[at + 1] === undefined) throw new Error(`unknown option ${process.argv[at]}`);
        wishes[name] = process.argv[at + 1];
    }
}

// The object on the last line that a program of the build, or of the tree, prints. Prints it too.
export function run(build, program, ...args) {
    const path = program.includes('/') ? program : join(build, program);
    const out = execFileSync(path, args.map(String), { encoding: 'utf8', maxBuffer: 1 << 24, timeout: 1200000,
                                                       stdio: ['ignore', 'pipe', 'ignore'] });
    const line = out.trim().split('\n').at(-1);
    console.log(`${program} ${args.slice(1).join(' ')}: ${line}`);
    return JSON.parse(line);
}

export async function inFolder(use) {
    const folder = mkdtempSync(join(tmpdir(), 'quorex-figures-'));
    try {
        return await use(folder);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

export async function whenReady(url, child) {
    for (;;) {
        const ready = await fetch(url).catch(() => undefined);
        if (ready?.ok) return;
        if (child.exitCode !== null) throw new Error(`${child.spawnfile} has ended`);
        await pause(20);
    }
}

// The nodes 0 to `count` - 1 of `folder`, from `port` on, while `use` runs.
export async function withNodes(build, folder, port, count, use) {
    const children = [];
    try {
        for (let number = 0; number < count; number++) {
            const log = openSync(join(folder, `log-${number}`), 'a');
            children.push(spawn(join(build, 'quorex'),
                ['node', '--config', join(folder, `node-${number}`, 'quorex.conf'), '--limits', 'off'],
                { stdio: ['ignore', log, log] }));
            closeSync(log);
        }
        for (let number = 0; number < count; number++)
            await whenReady(`http://127.0.0.1:${port + number}/readyz`, children[number]);
        return await use(children);
    } finally {
        await stop(children);
    }
}

export async function stop(children) {
    const ended = children.map((child) => child.exitCode !== null || new Promise((end) => child.once('exit', end)));
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(ended);
}

// Seconds of processor time.
export function processor(pid) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
}

// ---- figures, by name: every round adds one of each ----

const seen = new Map();

export function note(name, figure) {
    if (!seen.has(name)) seen.set(name, []);
    seen.get(name).push(figure);
}

export const has = (name) => seen.has(name);

export function median(name) {
    const sorted = [...(seen.get(name) ?? [])].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
}

export function printed(figure) {
    if (figure === undefined || Number.isNaN(figure)) return '-';
    return figure >= 1000 ? Math.round(figure).toLocaleString('en') : String(Number(figure.toPrecision(3)));
}

// `figures`: [what it is, its name, its bar, 'least' or 'most'], the last two where there is a bar.
export function printTable(figures) {
    console.log('\n| | bar | median | all rounds | met |\n|---|---|---|---|---|');
    for (const [text, name, bar, side] of figures) {
        if (!seen.has(name)) continue;
        const met = bar === undefined ? '' : (side === 'least' ? median(name) >= bar : median(name) <= bar) ? 'yes' : 'NO';
        const all = seen.get(name).map(printed).join(', ');
        console.log(`| ${text} | ${bar === undefined ? '' : printed(bar)} | ${printed(median(name))} | ${all} | ${met} |`);
    }
}
