// A proxy before each node's peer port, which can hold back what one node sends another, one way or both.
// What is held back comes when the wall falls, as TCP would send it again after a network was down.
//
// Both ends of a connection are on this machine; who called is found by the owner of its socket.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';

// The inode of the socket whose own port is `port`.
function inodeOf(port) {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
        const fields = line.trim().split(/\s+/);
        if (fields[1]?.endsWith(`:${hex}`) && fields[3] !== '0A') return fields[9];
    }
    return null;
}

function owns(pid, inode) {
    try {
        return readdirSync(`/proc/${pid}/fd`).some((fd) => {
            try {
                return readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`;
            } catch {
                return false;
            }
        });
    } catch {
        return false; // it has ended
    }
}

export class Walls {
    // pidOf(K) is node K's process, or undefined.
    constructor(outside, inside, pidOf) {
        this.outside = outside;
        this.inside = inside;
        this.pidOf = pidOf;
        this.blocked = new Set(); // "from>to"
        this.links = new Set();
        this.servers = [];
    }

    async listen() {
        for (const [number, port] of this.outside.entries()) {
            const server = net.createServer({ pauseOnConnect: true, noDelay: true },
                                            (socket) => this.join(socket, number));
            await new Promise((resolve, reject) => {
                server.once('error', reject).listen(port, '127.0.0.1', resolve);
            });
            this.servers.push(server);
        }
    }

    callerOf(socket) {
        const inode = inodeOf(socket.remotePort);
        return this.inside.findIndex((_, number) => inode && owns(this.pidOf(number), inode));
    }

    join(called, to) {
        const from = this.callerOf(called);
        const onward = net.connect({ port: this.inside[to], host: '127.0.0.1', noDelay: true });
        const link = { from, to, called, onward };
        this.links.add(link);
        const end = () => {
            this.links.delete(link);
            called.destroy();
            onward.destroy();
        };
        for (const [source, sink] of [[called, onward], [onward, called]]) {
            source.on('data', (bytes) => { if (!sink.write(bytes)) source.pause(); });
            sink.on('drain', () => this.flow(link));
            source.on('error', end).on('close', end);
        }
        this.flow(link);
    }

    // Lets each way of a link run, or holds it.
    flow({ from, to, called, onward }) {
        const ways = [[called, onward, from, to], [onward, called, to, from]];
        for (const [source, sink, a, b] of ways) {
            if (this.blocked.has(`${a}>${b}`) || sink.writableNeedDrain) source.pause();
            else source.resume();
        }
    }

    block(from, to) {
        this.blocked.add(`${from}>${to}`);
        for (const link of this.links) this.flow(link);
    }

    // Nothing between `some` and the others. `ways`: 'both', 'out' (what they send is lost), 'in'.
    isolate(some, ways = 'both') {
        for (const a of some) {
            for (const b of this.inside.keys()) {
                if (some.includes(b)) continue;
                if (ways !== 'in') this.blocked.add(`${a}>${b}`);
                if (ways !== 'out') this.blocked.add(`${b}>${a}`);
            }
        }
        for (const link of this.links) this.flow(link);
    }

    // Breaks the connections of `some`; new ones are let through.
    cut(some) {
        for (const { from, to, called, onward } of [...this.links]) {
            if (!some.includes(from) && !some.includes(to)) continue;
            called.destroy();
            onward.destroy();
        }
    }

    heal() {
        this.blocked.clear();
        for (const link of this.links) this.flow(link);
    }

    async close() {
        for (const { called, onward } of this.links) {
            called.destroy();
            onward.destroy();
        }
        await Promise.all(this.servers.map((server) => new Promise((resolve) => server.close(resolve))));
    }
}
