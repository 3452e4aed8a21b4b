#!/usr/bin/env node
// The yardstick of bench_fanout's `ws`: npm ws in a process of Node, sending every reader the messages that the gateway
// would. Each byte on standard input asks for one message; it ends with its input.
//
//     benchmarks/fanout_ws.mjs PORT FIRST_ID
//
// The package is the one that tests/integration has pinned (npm ci there).

import { createRequire } from 'node:module';

const require = createRequire(new URL('../tests/integration/package.json', import.meta.url));
const { WebSocketServer } = require('ws');

const [port, firstId] = process.argv.slice(2).map(Number);
const server = new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: false, backlog: 1024 });
let id = firstId;

const message = () =>
    '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1700000040000,"s":"BTCUSDT",' +
    `"a":${id},"p":"12345.67000000","q":"0.01000000","f":${id},"l":${id++},"T":1700000040000,"m":false,"M":true}}`;

process.stdin.on('data', (asked) => {
    for (let left = asked.length; left > 0; left--) {
        const text = message();
        for (const reader of server.clients) reader.send(text);
    }
});
process.stdin.on('end', () => process.exit(0));
