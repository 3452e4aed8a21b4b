// TLS for tests: an authority of their own, whom clients believe because the process is begun once more with
// NODE_EXTRA_CA_CERTS, so that they check certificates as they always do.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from './exchange.mjs';

const openssl = (...words) => execFileSync('openssl', words, { stdio: ['ignore', 'pipe', 'pipe'] });

function makeAuthority(folder) {
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
            '-subj', '/CN=authority', '-keyout', join(folder, 'authority.key'),
            '-out', join(folder, 'authority.pem'));
}

// In the process that checks certificates: where the authority is. Elsewhere undefined.
export const trusted = process.env.QUOREX_TLS_FOLDER;

// A test that is this file's tests once more, in a process for which `trusted` is set.
export function tellTrusted(name, file) {
    test(name, { timeout: 1000000 }, () => {
        const folder = mkdtempSync(join(tmpdir(), 'quorex-tls-'));
        try {
            makeAuthority(folder);
            const { NODE_TEST_CONTEXT, ...environment } = process.env;
            const { status } = spawnSync(process.execPath, ['--test', fileURLToPath(file)], {
                stdio: 'inherit',
                env: { ...environment, NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem'), QUOREX_TLS_FOLDER: folder },
            });
            assert.equal(status, 0);
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    });
}

// A certificate of `name` for 127.0.0.1, where a node looks for it: whole files take others' places.
export function putCertificate(folder, name) {
    const certificate = join(folder, 'node.pem'), key = join(folder, 'node.key');
    const request = join(folder, 'request'), extension = join(folder, 'extension');
    writeFileSync(extension, 'subjectAltName=IP:127.0.0.1\n');
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-subj', `/CN=${name}`, '-keyout', `${key}.new`, '-out', request);
    openssl('x509', '-req', '-in', request, '-CA', join(folder, 'authority.pem'),
            '-CAkey', join(folder, 'authority.key'), '-CAcreateserial', '-days', '2',
            '-extfile', extension, '-out', `${certificate}.new`);
    renameSync(`${key}.new`, key);
    renameSync(`${certificate}.new`, certificate);
    return { certificate, key };
}

// The exchange's one node begins anew with these further settings, and speaks TLS and nothing else at its port.
export async function speakTls(exchange, folder, settings = '') {
    const { certificate, key } = putCertificate(folder, 'first');
    process.kill(exchange.pid(), 'SIGTERM');
    await until('the node to be gone', () => exchange.pid() === 0, 30);
    appendFileSync(join(exchange.node, 'quorex.conf'), `tls_certificate = ${certificate}\ntls_key = ${key}\n${settings}`);
    exchange.http = `https://127.0.0.1:${exchange.port}`;
    exchange.ws = `wss://127.0.0.1:${exchange.port}`;
    await exchange.startNode();
    return { certificate, key };
}
