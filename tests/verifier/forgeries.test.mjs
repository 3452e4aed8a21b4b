// Lies signed by the voters themselves (forgeries.mjs), before the verifier that shares no code with the exchange and before
// the exchange's own; and each rule of the first taken away in turn.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { forgeries, truths } from './forgeries.mjs';
import { judge } from './judge.mjs';
import * as liabilities from './liabilities.mjs';
import { folder, sample } from './sample.mjs';
import * as verify from './verify.mjs';

const { trust } = sample;
const modules = { verify, liabilities };
const cases = forgeries(sample), right = truths(sample);
const refused = (one, said) => said !== undefined && one.says.test(said);

test('what the voters sign in good faith holds', () => {
    for (const one of right) assert.equal(judge(modules, one, trust), undefined, one.name);
});

test('what they sign in bad faith is refused for what it is', () => {
    for (const one of cases) {
        const said = judge(modules, one, trust);
        assert.ok(refused(one, said), `${one.name}: ${said}`);
    }
    assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
    console.log(`# ${cases.length} forgeries`);
});

// The same bytes before `quorex verify`'s judgement.
test('the exchange\'s own verifier says the same', () => {
    const asked = [...right, ...cases].filter(({ bytes, ours, says }) => Buffer.isBuffer(bytes) && (says === undefined || ours !== undefined));
    const paths = asked.map(({ bytes }, i) => {
        const path = join(folder, `asked-${i}`);
        writeFileSync(path, bytes);
        return path;
    });
    const said = execFileSync(process.env.SAMPLE, ['--judge', ...paths], { encoding: 'utf8' }).trim().split('\n');
    assert.equal(said.length, asked.length);
    const wrong = asked.map(({ name, ours = 'right' }, i) => [name, ours, said[i]])
        .filter(([, ours, words]) => (ours instanceof RegExp ? words === 'right' || !ours.test(words) : words !== ours));
    assert.deepEqual(wrong, []);
    console.log(`# ${asked.length} judged alike`);
});

// ---- every rule of the verifier is needed ----

// Where the first argument of `must(` that begins at `at` ends, and where its clauses are cut.
function clausesOf(text, at) {
    const clauses = [];
    let depth = 0, begin = at, quote = null;
    for (let i = at; ; i++) {
        const letter = text[i];
        if (quote !== null) {
            if (letter === '\\') i++;
            else if (letter === quote) quote = null;
        } else if (letter === '\'' || letter === '`' || (letter === '/' && text[i + 1] === '^')) {
            quote = letter;
        } else if ('([{'.includes(letter)) {
            depth++;
        } else if (')]}'.includes(letter)) {
            depth--;
        } else if (depth === 0 && letter === ',') {
            clauses.push([begin, i]);
            return clauses;
        } else if (depth === 0 && text.startsWith('&&', i)) {
            clauses.push([begin, i]);
            begin = i + 2;
        }
    }
}

// The text once for every rule, without it: a clause of a must, the end of what is read, a check that is called.
function* without(text) {
    const line = (at) => text.slice(0, at).split('\n').length;
    for (const { index } of text.matchAll(/\bmust\((?!holds)/g)) {
        for (const [begin, end] of clausesOf(text, index + 5))
            yield { line: line(begin), rule: text.slice(begin, end).trim(), text: `${text.slice(0, begin)} true ${text.slice(end)}` };
    }
    for (const { 0: call, index } of text.matchAll(/^ +(?:\w+\.end|check\w+)\([^{}\n]*\);$/gm))
        yield { line: line(index), rule: call.trim(), text: text.slice(0, index) + text.slice(index + call.length) };
}

test('without any one of the verifier\'s rules a lie is taken, or for another one', async () => {
    const names = ['verify.mjs', 'liabilities.mjs'];
    const texts = Object.fromEntries(names.map((name) => [name, readFileSync(new URL(name, import.meta.url), 'utf8')]));
    const unneeded = [];
    let rules = 0, taken = 0;
    for (const name of names) {
        for (const { line, rule, text } of without(texts[name])) {
            const changed = mkdtempSync(join(folder, 'without-'));
            for (const each of names) writeFileSync(join(changed, each), each === name ? text : texts[each]);
            const [one, two] = await Promise.all(names.map((each) => import(pathToFileURL(join(changed, each)))));
            const without_it = { verify: one, liabilities: two };
            let is_missed = false, is_taken = false;
            for (const lie of cases) {
                const said = judge(without_it, lie, trust);
                is_missed ||= !refused(lie, said);
                if ((is_taken = said === undefined)) break;
            }
            if (!is_missed) unneeded.push(`${name}:${line}: ${rule}`);
            rules++;
            taken += is_taken;
        }
    }
    assert.deepEqual(unneeded, []);
    console.log(`# ${rules} rules, each missed when it is gone; ${taken} times a lie is taken for right`);
});
