// Which parameters a handler reads, from its source: the names in quotes that it, or whatever it calls, hands to a function
// that looks a parameter up. A table of names counts where its type says that it is one. Some of those functions say what a
// parameter must be.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const READERS = /^(form_find|parameter_(mandatory|optional|mandatory_word|optional_word|client_id)|request_u64|intent_admin_\w+|read_\w+)$/;
// What the readers take: a word is true or false now and then.
const TYPES = [[/^(request_u64|intent_admin_(u16|u32|whole|nonce))$/, 'integer'], [/^parameter_client_id$/, 'string'],
               [/^parameter_(mandatory|optional)_word$/, 'word']];
export const TAKEN_AS = { integer: ['integer'], string: ['string'], word: ['string', 'boolean'] };
const TABLES = /^static const struct (order_names|filter_name)\b/;
const NAME = /"([a-z][A-Za-z]*)"/g;
const PEGGED = /[pP]eg(PriceType|OffsetValue|OffsetType)$/; // refused wherever they are sent

// LEG_NAMES("above", …) and its like: a macro that puts its first word before each of its strings.
function spellOut(text, macros) {
    for (const [name, { parameters, body }] of macros) {
        text = text.replace(new RegExp(`\\b${name}\\(([^)]*)\\)`, 'g'), (_, list) => {
            const values = list.split(',').map((value) => value.trim());
            return parameters.reduce((at, parameter, index) => at.replaceAll(new RegExp(`\\b${parameter}\\b`, 'g'), values[index]), body);
        });
    }
    return text.replace(/"\s+"/g, '');
}

function macrosOf(text) {
    const macros = new Map();
    for (const [, name, list, body] of text.matchAll(/^#define (\w+_NAMES)\(([^)]*)\) ((?:.*\\\n)*.*)/gm)) {
        macros.set(name, { parameters: list.split(',').map((one) => one.trim()), body: body.replace(/\\\n/g, ' ') });
    }
    return macros;
}

// The literals among a call's own arguments, not those of calls within it.
function ownLiterals(text, from) {
    let depth = 1, own = '';
    for (let at = from; depth > 0; at++) {
        if (text[at] === '(') depth++;
        if (depth === 1) own += text[at];
        if (text[at] === ')') depth--;
    }
    return [...own.matchAll(NAME)].map(([, name]) => name);
}

// The names, each with the type that its reader takes, if that says one.
function namesReadIn(body) {
    const names = [];
    for (const match of body.matchAll(/\b(\w+)\(/g)) {
        if (!READERS.test(match[1])) continue;
        const type = TYPES.find(([readers]) => readers.test(match[1]))?.[1];
        names.push(...ownLiterals(body, match.index + match[0].length).map((name) => ({ name, type })));
    }
    return names;
}

// The functions and tables of a file: name to {names, calls}.
function unitsOf(file) {
    const raw = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    const text = spellOut(raw, macrosOf(raw)), units = new Map();
    for (const [whole, name, body] of text.matchAll(/^(?:static )?(?:[\w*]+ )+\**(\w+)\([^;{]*\)\n\{\n([\s\S]*?)^\}/gm)) {
        units.set(name, { names: namesReadIn(body), uses: body.match(/\b\w+\b/g) ?? [], isOwn: whole.startsWith('static') });
    }
    for (const [whole, name] of text.matchAll(/^static const struct \w+ (\w+)(?:\[\w*\])? =[\s\S]*?;\n/gm)) {
        const names = TABLES.test(whole) ? [...whole.matchAll(NAME)].map(([, word]) => ({ name: word })) : [];
        units.set(name, { names, uses: whole.match(/\b\w+\b/g), isOwn: true });
    }
    return units;
}

export class Source {
    constructor(root) {
        const files = ['gateway', 'common'].flatMap((folder) => readdirSync(join(root, folder))
            .filter((name) => name.endsWith('.c') && (folder === 'gateway' || name.startsWith('intent')))
            .map((name) => join(root, folder, name)));
        this.files = files.map(unitsOf);
        this.common = new Map();
        for (const units of this.files) {
            for (const [name, unit] of units) if (!unit.isOwn) this.common.set(name, units);
        }
    }

    // The names that `handler` may look up, with the types that their readers take; null where there is no such function.
    readsOf(handler) {
        const found = new Map(), seen = new Set();
        const visit = (name, units) => {
            const home = units?.has(name) ? units : this.common.get(name);
            const unit = home?.get(name);
            if (!unit || seen.has(unit)) return;
            seen.add(unit);
            for (const { name: one, type } of unit.names) {
                if (PEGGED.test(one)) continue;
                if (!found.has(one)) found.set(one, new Set());
                if (type) found.get(one).add(type);
            }
            for (const used of unit.uses) visit(used, home);
        };
        visit(handler, null);
        return seen.size > 0 ? found : null;
    }
}
