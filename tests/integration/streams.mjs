// One WebSocket connection to market streams, and a book that is kept from them as the documentation tells
// clients to keep it.

import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { until } from './exchange.mjs';

export class Streams {
    constructor(url) {
        this.events = []; // in the order they came: { stream, data }; no stream when they are not wrapped
        this.replies = new Map(); // by id
        this.listeners = [];
        this.socket = new WebSocket(url);
        this.ends = new Promise((resolve) => {
            this.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
        });
        this.socket.on('message', (bytes) => this.take(JSON.parse(bytes)));
    }

    static async open(url) {
        const streams = new Streams(url);
        await new Promise((resolve, reject) => {
            streams.socket.once('open', resolve);
            streams.socket.once('error', reject);
        });
        return streams;
    }

    take(message) {
        if ('id' in message) {
            this.replies.set(message.id, message);
            return;
        }
        const event = message.stream ? message : { data: message };
        this.events.push(event);
        for (const listener of this.listeners) listener(event);
    }

    // Sends a control message and returns what answers it.
    async ask(method, params, id) {
        this.socket.send(JSON.stringify({ method, params, id }));
        await until(`the answer ${id}`, () => this.replies.has(id));
        return this.replies.get(id);
    }

    of(stream) {
        return this.events.filter((event) => event.stream === stream).map((event) => event.data);
    }

    last(stream) {
        return this.of(stream).at(-1);
    }

    async close() {
        this.socket.close();
        return this.ends;
    }
}

// A book from a snapshot and the differences of one stream.
export class Book {
    constructor(name) {
        this.name = name;
        this.waiting = []; // differences from before the snapshot
        this.lastUpdateId = null;
        this.sides = { bids: new Map(), asks: new Map() };
        this.applied = 0;
    }

    begin(snapshot) {
        assert.equal(this.lastUpdateId, null);
        this.lastUpdateId = snapshot.lastUpdateId;
        for (const side of ['bids', 'asks']) this.sides[side] = new Map(snapshot[side]);
        for (const difference of this.waiting) this.take(difference);
        this.waiting = [];
    }

    take(difference) {
        if (this.lastUpdateId === null) {
            this.waiting.push(difference);
            return;
        }
        const { U, u, b, a } = difference;
        assert.ok(U <= u);
        if (u <= this.lastUpdateId) return;
        // The first one straddles the snapshot; each later one begins where the one before it ended.
        if (this.applied === 0) assert.ok(U <= this.lastUpdateId + 1, `${this.name}: begins late`);
        else assert.equal(U, this.lastUpdateId + 1, `${this.name}: a gap`);
        for (const [side, levels] of [['bids', b], ['asks', a]]) {
            for (const [price, quantity] of levels) {
                if (quantity === '0.00000000') this.sides[side].delete(price);
                else this.sides[side].set(price, quantity);
            }
        }
        this.lastUpdateId = u;
        this.applied++;
    }

    // As REST shows it.
    levels() {
        const by = (sign) => ([left], [right]) => sign * (Number(left) - Number(right));
        return { lastUpdateId: this.lastUpdateId,
                 bids: [...this.sides.bids].sort(by(-1)), asks: [...this.sides.asks].sort(by(1)) };
    }
}
