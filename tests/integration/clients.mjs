// The public npm clients, pointed at our exchange: nothing changed but the base URL.

import { createHmac, createPrivateKey, sign, webcrypto } from 'node:crypto';
import { Spot as ConnectorSpot, PrivateKeyAlgo, WebsocketAPI, WebsocketStream } from '@binance/connector';
import { Spot } from '@binance/spot';
import { MainClient, WebsocketAPIClient, WebsocketClient } from 'binance';
import apiNodeOf from 'binance-api-node';
import ccxt from 'ccxt';
import NodeBinance from 'node-binance-api';

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

export async function ccxtPro(exchange, account, kind = 'HMAC') {
    const secret = kind === 'HMAC' ? account?.secretKey : account?.privateKey;
    const credentials = account ? { apiKey: account.apiKey, secret } : {};
    const client = ccxtOf(ccxt.pro.binance, exchange, credentials);
    await client.loadHttpProxyAgent(); // ccxt needs it once for ws:// addresses
    return client;
}

export function binanceRest(exchange, account, kind = 'HMAC') {
    return new MainClient({
        api_key: account.apiKey,
        api_secret: kind === 'HMAC' ? account.secretKey : account.privateKey,
        baseUrl: exchange.http,
        disableTimeSync: true,
    });
}

const mute = { trace() {}, info() {}, error() {} };

// What `binance` wants to know for anything but REST.
function binanceOptions(exchange, account, kind) {
    return {
        api_key: account.apiKey,
        api_secret: kind === 'HMAC' ? account.secretKey : account.privateKey,
        wsUrl: exchange.ws, restOptions: { baseUrl: exchange.http, disableTimeSync: true },
    };
}

export function binanceStreams(exchange) {
    return new WebsocketClient({ wsUrl: exchange.ws, beautify: false });
}

// Its user data by a listen key.
export function binanceUserStreams(exchange, account, kind = 'HMAC') {
    return new WebsocketClient({ ...binanceOptions(exchange, account, kind), beautify: true }, mute);
}

// Its WebSocket API. With an Ed25519 key it logs on, and then leaves what it asks and orders unsigned unless it is told
// to sign each: authPrivateRequestsIndividually.
export function binanceApi(exchange, account, kind = 'HMAC', more = { authPrivateRequestsIndividually: true }) {
    return new WebsocketAPIClient({ ...binanceOptions(exchange, account, kind), beautify: true,
                                    attachEventListeners: false, muteLatencyWarning: true, ...more }, mute);
}

// How most clients take a key of either kind.
function credentials(account, kind) {
    return kind === 'HMAC' ? { apiKey: account.apiKey, apiSecret: account.secretKey }
                           : { apiKey: account.apiKey, privateKey: account.privateKey };
}

export function spotClient(exchange, account, kind = 'HMAC', more = {}) {
    const key = credentials(account, kind);
    return new Spot({
        configurationRestAPI: { ...key, basePath: exchange.http, ...more },
        configurationWebsocketAPI: { ...key, wsURL: `${exchange.ws}/ws-api/v3`, ...more },
        configurationWebsocketStreams: { wsURL: exchange.ws, ...more },
    });
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export function connectorRest(exchange, account, kind = 'HMAC') {
    const { apiKey, apiSecret, privateKey } = credentials(account, kind);
    return new ConnectorSpot(apiKey, apiSecret, {
        baseURL: exchange.http, privateKey, privateKeyAlgo: PrivateKeyAlgo.ED25519, logger: silent,
    });
}

// It sends and forgets: who asks looks for the answer by its id.
export function connectorApi(exchange, account) {
    const answers = new Map();
    return new Promise((resolve) => {
        const client = new WebsocketAPI(account.apiKey, account.secretKey, {
            wsURL: `${exchange.ws}/ws-api/v3`, logger: silent,
            callbacks: {
                open: () => resolve(client),
                message: (text) => {
                    const answer = JSON.parse(text);
                    answers.get(answer.id)?.(answer);
                    answers.delete(answer.id);
                },
            },
        });
        client.answerOf = (ask) => new Promise((done, fail) => {
            const id = String(answers.size) + String(Math.random()).slice(2);
            answers.set(id, ({ status, result, error }) =>
                (status === 200 ? done(result) : fail(error)));
            ask(id);
        });
    });
}

export function connectorStreams(exchange, callbacks, more = {}) {
    return new WebsocketStream({ wsURL: exchange.ws, logger: silent, callbacks, ...more });
}

export function apiNode(exchange, account, kind = 'HMAC') {
    // A package of CommonJS: under Node the function is one level further down.
    return (apiNodeOf.default ?? apiNodeOf)({
        ...credentials(account, kind), httpBase: exchange.http, wsBase: `${exchange.ws}/ws`,
        wsApi: `${exchange.ws}/ws-api/v3`,
    });
}

export function nodeBinance(exchange, account, kind = 'HMAC') {
    const client = new NodeBinance({
        APIKEY: account.apiKey,
        APISECRET: kind === 'HMAC' ? account.secretKey : account.privateKey,
        reconnect: false,
        log() {},
        urls: { base: `${exchange.http}/api/`, sapi: `${exchange.http}/sapi/`,
                stream: `${exchange.ws}/ws/`, combineStream: `${exchange.ws}/stream?streams=` },
    });
    client.wsApi = `${exchange.ws}/ws-api/v3`; // not among `urls`
    return client;
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
