// What a verifier's modules make of a case of forgeries.mjs: undefined when it holds, else in which words it is refused.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// The program reads files: bytes become some.
function withFiles(asked, run) {
    const folder = mkdtempSync(join(tmpdir(), 'asked-'));
    let count = 0;
    const file = (bytes) => {
        const path = join(folder, String(count++));
        writeFileSync(path, bytes);
        return path;
    };
    try {
        const paths = Object.fromEntries(Object.entries(asked).map(([name, value]) => [name,
            Buffer.isBuffer(value) ? file(value) : Array.isArray(value) ? value.map(file) : value]));
        return run(paths);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

const ways = {
    proof: ({ verify }, { bytes, key }, trust) => verify.checkProof(bytes, trust, key),
    file: ({ liabilities }, { bytes }, trust) => liabilities.checkLiabilities(bytes, trust),
    history: ({ verify }, { answer, block, kept }, trust) => verify.checkHistory(answer, block, trust, kept),
    holder({ verify, liabilities }, { openings, account, twist = (...all) => all }, trust) {
        const said = (bytes) => verify.checkProof(bytes, trust);
        return liabilities.checkHolder(...twist(openings.map(said), said(account)));
    },
    command: ({ liabilities }, { asked }, trust) => withFiles(asked, (paths) => liabilities.checkAll(paths, trust)),
};

export function judge(modules, one, trust) {
    try {
        ways[one.kind](modules, one, trust);
        return undefined;
    } catch (error) {
        return error instanceof modules.verify.Refused ? error.message : `not refused but broken: ${error}`;
    }
}
