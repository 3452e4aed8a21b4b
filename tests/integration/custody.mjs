// What operators, connectors and account holders send of custody, signed as each signs: requests to any node's URL.

import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';

// An Ed25519 key pair; `publicKey` as 64 hex.
export function pair(key = generateKeyPairSync('ed25519').privateKey) {
    const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
    return { key, publicKey, apiKey: publicKey };
}

// The operator's key that init wrote, as PKCS#8 or as hex.
export function operatorOf(path) {
    const secret = readFileSync(path, 'utf8').trim();
    if (secret.includes('BEGIN')) return pair(createPrivateKey(secret));
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(secret.slice(0, 64), 'hex')]);
    return pair(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
}

let last = 0;
const nonce = () => { last = Math.max(last + 1, Date.now() * 1000); return last; };

async function send(url, method, path, text, headers) {
    const response = await fetch(`${url}${path}?${text}`, { method, headers, signal: AbortSignal.timeout(15000) });
    return { http: response.status, ...await response.json() };
}

// The text of an operator's or connector's command, which may be sent again as it is.
export function commandOf(signer, parameters) {
    const text = new URLSearchParams({ ...parameters, nonce: nonce() }).toString();
    return `${text}&signature=${sign(null, Buffer.from(text), signer.key).toString('hex')}`;
}

const by = (signer) => ({ 'X-Quorex-Operator': signer.publicKey });

export const admin = (url, operator, parameters) =>
    send(url, 'POST', '/quorex/v1/admin', commandOf(operator, parameters), by(operator));
export const reportText = (url, signer, text) => send(url, 'POST', '/quorex/v1/custody/reports', text, by(signer));
export const report = (url, signer, parameters) => reportText(url, signer, commandOf(signer, parameters));

// A connector's question. A list comes as `rows`.
export async function poll(url, signer, path, parameters = {}) {
    const text = new URLSearchParams({ ...parameters, timestamp: Date.now() }).toString();
    const signature = sign(null, Buffer.from(text), signer.key).toString('hex');
    const response = await fetch(`${url}/quorex/v1/custody/${path}?${text}&signature=${signature}`, { headers: by(signer) });
    const body = await response.json();
    return Array.isArray(body) ? { http: response.status, rows: body } : { http: response.status, ...body };
}

// The text of an account's request. `who` has a key pair, or an HMAC secret.
export function requestOf(who, parameters = {}) {
    const text = new URLSearchParams({ ...parameters, recvWindow: 30000, timestamp: Date.now() }).toString();
    const signature = who.key ? sign(null, Buffer.from(text), who.key).toString('base64')
                              : createHmac('sha256', who.secretKey).update(text).digest('hex');
    return `${text}&signature=${encodeURIComponent(signature)}`;
}

export const askText = (url, who, method, path, text) => send(url, method, path, text, { 'X-MBX-APIKEY': who.apiKey });
export const ask = (url, who, method, path, parameters) => askText(url, who, method, path, requestOf(who, parameters));

export async function list(url, who, path, parameters) {
    const response = await fetch(`${url}${path}?${requestOf(who, parameters)}`, { headers: { 'X-MBX-APIKEY': who.apiKey } });
    return response.json();
}

// [free, locked] of an asset, in its smallest unit.
export async function balance(url, who, asset) {
    const { balances } = await list(url, who, '/api/v3/account', {});
    const units = (text) => BigInt(text.replace('.', '')); // all have eight decimals
    const row = balances.find((one) => one.asset === asset);
    return row ? [units(row.free), units(row.locked)] : [0n, 0n];
}
