// docs/api against the tables and the source: a route, a parameter, a stream or a method that is missing on either side is
// named, with what to do about it. No exchange runs for this.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { root } from './exchange.mjs';
import { example, readYaml } from './page.mjs';
import { Source, TAKEN_AS } from './parameters.mjs';
import { check, resolve } from './schema.mjs';

const REST = 'docs/api/openapi.yaml', STREAMS = 'docs/api/asyncapi.yaml';
const read = (path) => readFileSync(join(root, path), 'utf8');
const rest = parse(read(REST)), streams = parse(read(STREAMS));

const routes = [...read('gateway/routes.def').matchAll(/^ROUTE\((\w+),\s*"([^"]+)",\s*(\d+),\s*(\w+),\s*(\w+)\)/gm)]
    .map(([, method, path, weight, security, handler]) => ({ name: `${method} ${path}`, method: method.toLowerCase(), path,
                                                             weight: Number(weight), security, handler }));
const operations = Object.entries(rest.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })));
const operationOf = new Map(operations.map(({ name, operation }) => [name, operation]));
const parametersOf = (operation) => (operation.parameters ?? []).map((one) => resolve(rest, one));

// What every signed request has; it is read before the handler.
const OF_SIGNATURES = new Set(['timestamp', 'recvWindow', 'signature', 'nonce']);
const SIGNED = { USER_DATA: 'timestamp', TRADE: 'timestamp', WITHDRAW: 'timestamp', OWNER: 'timestamp', OPENER: 'timestamp' };

// Read by what handlers share, and of no use to these: [operation, why, which].
const BEYOND = new Map([
    ['walletDeposits', (name) => name === 'withdrawOrderId'], // one handler's helper for both lists, read for withdrawals
    ['report', () => true],                                   // the reader of all commands, of which connectors have four
]);

function none(list, advice) {
    assert.deepEqual(list, [], `${advice}:\n  ${list.join('\n  ')}\n`);
}

test('the page reads the documents as any reader of YAML does', () => {
    for (const path of [REST, STREAMS]) assert.deepEqual(readYaml(read(path)), parse(read(path)), path);
    const all = ['# all of the part', 'a: -1.5', "b: {c: null, 'd e': [true, false, x y], f: {}, g: []}", 'h:', '  - i: 0', '    j: "k \\"l\\"\\n\\\\"', "  - 'm''n: #'",
                 '  - [1, {o: p}]', 'q: >-', '  r', '  s: t', "'200': http://u", ''].join('\n');
    assert.deepEqual(readYaml(all), parse(all));
    for (const wrong of ['a: 1\na: 2\n', 'a: {b: 1\n', 'a:\n', '- a\nb: 1\n', 'a: [1, 2] 3\n', "a: 'b\n"]) {
        assert.throws(() => readYaml(wrong), /^Error: line \d+ /, wrong);
    }
});

test('every route is documented, and nothing else is', () => {
    assert.ok(routes.length > 90);
    none(routes.filter(({ name }) => !operationOf.has(name)).map(({ name }) => name),
         `routes.def has these, ${REST} has not: add each under \`paths\``);
    const known = new Set(routes.map(({ name }) => name));
    none(operations.filter(({ name }) => !known.has(name)).map(({ name }) => name), `${REST} has these, routes.def has not`);
});

test('weights and security are those of the table', () => {
    const wrong = [];
    for (const { name, weight, security } of routes) {
        const operation = operationOf.get(name);
        if (!operation) continue; // told above
        const said = Object.keys(operation.security?.[0] ?? {})[0] ?? 'NONE';
        if (operation['x-weight'] !== weight) wrong.push(`${name}: x-weight ${operation['x-weight']}, routes.def ${weight}`);
        if (said !== security) wrong.push(`${name}: security ${said}, routes.def ${security}`);
        if (said !== 'NONE' && !rest.components.securitySchemes[said]) wrong.push(`${name}: components.securitySchemes has no ${said}`);
    }
    none(wrong, `${REST} and routes.def differ`);
});

test('every parameter that a handler reads is documented, and nothing else is', () => {
    const source = new Source(root), missing = [], strange = [];
    for (const { name, path, security, handler } of routes) {
        const operation = operationOf.get(name), reads = source.readsOf(handler);
        assert.ok(reads, `${name}: no function ${handler} in gateway/`);
        if (!operation || operation.requestBody) continue; // of a body, examples.test.mjs holds the members against a node
        const beyond = BEYOND.get(operation.operationId) ?? (() => false);
        const documented = parametersOf(operation), names = new Set(documented.map((one) => one.name));
        for (const one of reads.keys()) {
            if (!names.has(one) && !OF_SIGNATURES.has(one) && !beyond(one)) missing.push(`${name}: ${one} (read by ${handler})`);
        }
        for (const one of documented) {
            const isInPath = path.includes(`{${one.name}}`);
            if (one.in === 'path' ? !isInPath : !reads.has(one.name) && !OF_SIGNATURES.has(one.name)) strange.push(`${name}: ${one.name}`);
        }
        for (const [, one] of path.matchAll(/\{(\w+)\}/g)) if (!names.has(one)) missing.push(`${name}: ${one} (in the path)`);
        for (const one of SIGNED[security] ? OF_SIGNATURES : []) {
            if (one !== 'nonce' && !names.has(one)) missing.push(`${name}: ${one} (signed)`);
        }
    }
    none(missing, `these are read, ${REST} does not say so: add each to the operation's parameters`);
    none(strange, `${REST} says these, no handler looks them up (or by a function that parameters.mjs does not know: READERS)`);
});

// What a reader takes whole is an integer in the document, and what it takes as a word is none.
test('parameters have the types that their readers take', () => {
    const source = new Source(root), wrong = [];
    let compared = 0;
    for (const { name, handler } of routes) {
        const reads = source.readsOf(handler);
        for (const parameter of parametersOf(operationOf.get(name) ?? {})) {
            const taken = reads?.get(parameter.name) ?? new Set(), schema = resolve(rest, parameter.schema);
            if (taken.size !== 1) continue; // the reader does not say, or what it is depends on the command
            const type = schema.type ?? typeof schema.enum?.[0], [as] = taken;
            compared++;
            if (!TAKEN_AS[as].includes(type)) wrong.push(`${name}: ${parameter.name} is ${type}, its reader takes it as ${as}`);
        }
    }
    assert.ok(compared > 100);
    none(wrong, `${REST} and the source differ`);
});

test('what is named is there, and what is there is named', () => {
    for (const [path, api] of [[REST, rest], [STREAMS, streams]]) {
        const named = new Set([...JSON.stringify(api).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, at]) => at));
        none([...named].filter((at) => at.split('/').reduce((part, name) => part?.[name], api) === undefined), `${path}: a $ref to nothing`);
        const there = Object.entries(api.components).filter(([kind]) => kind !== 'securitySchemes')
            .flatMap(([kind, parts]) => Object.keys(parts).map((name) => `components/${kind}/${name}`));
        none(there.filter((at) => !named.has(at)), `${path}: nothing names these components`);
    }
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length, 'two operations have one operationId');
    const tags = new Set(rest.tags.map(({ name }) => name));
    none(operations.filter(({ operation }) => !operation.tags?.every((tag) => tags.has(tag))).map(({ name }) => name), 'no such tag');
});

test('examples of parameters are what their schemas say', () => {
    for (const { name, operation } of operations) {
        for (const parameter of parametersOf(operation)) {
            if (parameter.example === undefined) continue;
            none(check(rest, parameter.schema, parameter.example), `${name}: the example of ${parameter.name}`);
        }
    }
});

test('answers and messages that the page shows are what their schemas say', () => {
    for (const { name, operation } of operations) {
        for (const { content } of Object.values(operation.responses).map((one) => resolve(rest, one))) {
            const { schema } = content['application/json'] ?? {};
            if (schema) none(check(rest, schema, example(rest, schema)), `${name}: as the page shows it`);
        }
    }
    for (const [name, { payload }] of Object.entries(streams.components.messages)) {
        none(check(streams, payload, example(streams, payload)), `${name}: as the page shows it`);
    }
});

// The names of channel.c; candles have one name a length.
function streamsOfSource() {
    const text = read('gateway/channel.c');
    const table = (name) => [...text.slice(text.indexOf(name)).split('};')[0].matchAll(/= "([^"]+)"/g)].map(([, word]) => word);
    const literal = (name) => new RegExp(`${name}\\[\\] = "([^"]+)"`).exec(text)[1];
    const kline = `{symbol}@${literal('kline_prefix')}{interval}`;
    return [...table('*const suffixes[').map((suffix) => `{symbol}@${suffix}`), ...table('*const global_names['), kline, kline + literal('east_suffix')];
}

test('every stream is documented, and nothing else is', () => {
    const there = streamsOfSource(), said = Object.values(streams.channels).map(({ address }) => address);
    assert.ok(there.length > 25);
    none(there.filter((name) => !said.includes(name)), `gateway/channel.c has these streams, ${STREAMS} has not: add each to \`channels\``);
    none(said.filter((name) => !name.startsWith('/') && !there.includes(name)), `${STREAMS} has these streams, gateway/channel.c has not`);
    const intervals = [...read('common/interval.c').matchAll(/"(\d+[smhdwM])"/g)].map(([, name]) => name);
    assert.deepEqual([...streams.components.schemas.Interval.enum].sort(), [...new Set(intervals)].sort());
});

test('every method of the WebSocket API is documented with its route, and nothing else is', () => {
    const there = [...read('gateway/ws_methods.def').matchAll(/^WS_METHOD\("([^"]+)",\s*(\w+),\s*"([^"]+)"\)/gm)]
        .map(([, name, method, path]) => `${name}: ${method} ${path}`);
    assert.ok(there.length > 40);
    const said = Object.entries(streams.operations).filter(([, one]) => one['x-route']).map(([name, one]) => `${name}: ${one['x-route']}`);
    none(there.filter((line) => !said.includes(line)),
         `ws_methods.def has these, ${STREAMS} has not: add each to \`operations\` as {action: receive, channel: …/api, x-route: METHOD PATH}`);
    none(said.filter((line) => !there.includes(line)), `${STREAMS} has these, ws_methods.def has not`);
});

test('methods that are the connection\'s own are documented with weight, security and parameters', () => {
    const source = new Source(root);
    const there = [...read('gateway/ws_methods.def').matchAll(/^WS_OWN\("([^"]+)",\s*(\d+),\s*(\w+),\s*(\w+)\)/gm)]
        .map(([, name, weight, security, handler]) => `${name}: ${weight} ${security} ${[...source.readsOf(handler).keys()].filter((one) => !OF_SIGNATURES.has(one)).sort()}`);
    assert.ok(there.length > 3);
    const said = Object.entries(streams.operations).filter(([, one]) => one['x-result'])
        .map(([name, one]) => `${name}: ${one['x-weight']} ${one['x-security']} ${(one['x-parameters'] ?? []).map((each) => each.name).sort()}`);
    none(there.filter((line) => !said.includes(line)), `ws_methods.def (weight, security) and source (parameters) have these, ${STREAMS} has not`);
    none(said.filter((line) => !there.includes(line)), `${STREAMS} has these, ws_methods.def and source have not`);
});
