// The public npm clients, pointed at our exchange: nothing changed but the base URL.

import { createHmac, createPrivateKey, sign, webcrypto } from 'node:crypto';
import ccxt from 'ccxt';
import { MainClient, WebsocketClient } from 'binance';

// Node 18 has it, but not as a global yet.
globalThis.crypto ??= webcrypto;

// Every base URL that ccxt knows for this exchange, with our host in it.
function rebase(urls, http, ws) {
    for (const [name, value] of Object.entries(urls)) {
        if (typeof value === 'object') rebase(value, http, ws);
        else urls[name] = value.replace(/^https?:\/\/[^/]+/, http).replace(/^wss?:\/\/[^/]+/, ws);
    }
}

function ccxtOf(Class, exchange, credentials) {
    const client = new Class(credentials);
    rebase(client.urls.api, exchange.http, exchange.ws);
    return client;
}

export function ccxtRest(exchange, account) {
    const credentials = account ? { apiKey: account.apiKey, secret: account.secretKey } : {};
    return ccxtOf(ccxt.binance, exchange, credentials);
}

export function ccxtEd25519(exchange, account) {
    return ccxtOf(ccxt.binance, exchange, { apiKey: account.apiKey, secret: account.privateKey });
}

export async function ccxtPro(exchange, account) {
    const credentials = account ? { apiKey: account.apiKey, secret: account.secretKey } : {};
    const client = ccxtOf(ccxt.pro.binance, exchange, credentials);
    await client.loadHttpProxyAgent(); // ccxt needs it once for ws:// addresses
    return client;
}

export function binanceRest(exchange, account) {
    return new MainClient({
        api_key: account.apiKey,
        api_secret: account.secretKey,
        baseUrl: exchange.http,
        disableTimeSync: true,
    });
}

export function binanceStreams(exchange) {
    return new WebsocketClient({ wsUrl: exchange.ws, beautify: false });
}

// A signed request by hand, for what no client would send.
export function signedText(account, parameters, { ed25519 = false } = {}) {
    const text = new URLSearchParams({ ...parameters, timestamp: Date.now() }).toString();
    const signature = ed25519
        ? sign(null, Buffer.from(text), createPrivateKey(account.privateKey)).toString('base64')
        : createHmac('sha256', account.secretKey).update(text).digest('hex');
    return `${text}&signature=${encodeURIComponent(signature)}`;
}

export async function signedRequest(exchange, account, method, path, parameters = {}, options) {
    const text = signedText(account, parameters, options);
    const response = await fetch(`${exchange.http}${path}?${text}`, {
        method,
        headers: { 'X-MBX-APIKEY': account.apiKey },
    });
    return { status: response.status, body: await response.json(), headers: response.headers };
}
