// What sample.c hands out, and a forger with its voters' keys. SAMPLE is that program.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import { Forger } from './forge.mjs';

export const folder = mkdtempSync(join(tmpdir(), 'sample-'));
after(() => rmSync(folder, { recursive: true }));
execFileSync(process.env.SAMPLE, [folder]);

export const read = (name) => readFileSync(join(folder, name));
const json = (name) => JSON.parse(read(name));
const trust = json('trust.json');

export const sample = { trust, forger: new Forger(trust, json('keys.json')), history: json('history.json'),
                        account: read('account-1'), trade: read('trade'), totals: read('totals'), release: read('release'),
                        opening: read('opening-1-1'), others: { btc: read('opening-1-0'), foreign: read('opening-2-0') },
                        file: read('liabilities'), holder: read('holder-1') };
