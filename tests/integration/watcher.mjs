// User data over /ws-api/v3, as one connection is told of it.

import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, sign } from 'node:crypto';
import WebSocket from 'ws';

// Numbers are "command-ordinal", and rise.
export function isBefore(left, right) {
    const [[a, b], [c, d]] = [left, right].map((number) => number.split('-').map(BigInt));
    return a < c || (a === c && b < d);
}

// Whether a message `certified` is about an event.
export const covers = ({ from, to }, { sequence }) => !isBefore(sequence, from) && !isBefore(to, sequence);

// One connection that is told of one account.
export class Watcher {
    static async open(base, account, kind = 'HMAC', from = undefined, wishes = {}) {
        const watcher = new Watcher();
        Object.assign(watcher, { account, kind, events: [], answers: new Map(), id: 0 });
        watcher.socket = new WebSocket(`${base}/ws-api/v3?returnRateLimits=false`);
        watcher.ends = new Promise((resolve) => watcher.socket.on('close', resolve));
        watcher.socket.on('message', (text) => watcher.take(JSON.parse(text)));
        await new Promise((resolve, reject) => {
            watcher.socket.on('open', resolve);
            watcher.socket.on('error', reject);
        });
        const method = from === undefined ? 'subscribe.signature' : 'resume';
        const answer = await watcher.askSigned(`userDataStream.${method}`, from === undefined ? wishes : { ...wishes, from });
        watcher.subscriptionId = answer.result?.subscriptionId;
        watcher.sequence = answer.result?.sequence;
        watcher.refusal = answer.error;
        return watcher;
    }

    take(message) {
        if ('id' in message) {
            this.answers.get(message.id)(message);
            return;
        }
        if (message.event.e === 'serverShutdown') return; // of the connection, not of the account
        assert.equal(message.subscriptionId, this.subscriptionId ?? 0);
        const { event } = message, last = this.events.findLast(({ sequence }) => sequence);
        if (last && event.sequence) assert.ok(isBefore(last.sequence, event.sequence), 'numbers rise');
        this.events.push(event);
    }

    ask(method, params = {}) {
        const id = ++this.id;
        const answer = new Promise((resolve) => this.answers.set(id, resolve));
        this.socket.send(JSON.stringify({ id, method, params }));
        return answer;
    }

    askSigned(method, params) {
        const all = { ...params, apiKey: this.account.apiKey, timestamp: Date.now() };
        const text = Object.keys(all).sort().map((name) => `${name}=${all[name]}`).join('&');
        const signature = this.kind === 'HMAC'
            ? createHmac('sha256', this.account.secretKey).update(text).digest('hex')
            : sign(null, Buffer.from(text), createPrivateKey(this.account.privateKey)).toString('base64');
        return this.ask(method, { ...all, signature });
    }

    reports() {
        return this.events.filter(({ e }) => e === 'executionReport');
    }

    certified() {
        return this.events.filter(({ e }) => e === 'certified');
    }

    kinds() {
        return this.reports().map(({ x, X }) => `${x} ${X}`);
    }

    async close() {
        this.socket.close();
        await this.ends;
    }
}
