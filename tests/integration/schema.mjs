// The part of JSON Schema 2020-12 that docs/api is written in. Stricter in one thing: a member that an object's
// `properties` do not name is an error, unless additionalProperties says what it is. An unknown keyword is one as well.

const KNOWN = new Set(['$ref', 'description', 'type', 'properties', 'required', 'items', 'prefixItems', 'minItems', 'maxItems', 'enum', 'const',
                       'oneOf', 'pattern', 'minimum', 'maximum', 'default', 'examples', 'format', 'additionalProperties', 'maxProperties']);

// What a $ref stands for, with what is said beside it.
export function resolve(root, node) {
    if (!node.$ref) return node;
    const { $ref, ...beside } = node;
    const target = $ref.slice(2).split('/').reduce((at, name) => at?.[name], root);
    if (!target) throw new Error(`${$ref} is not there`);
    return { ...resolve(root, target), ...beside };
}

function typeOf(value) {
    if (value === null) return 'null';
    if (Array.isArray(value)) return 'array';
    return Number.isInteger(value) ? 'integer' : typeof value;
}

const fits = (value, type) => type === typeOf(value) || (type === 'number' && typeOf(value) === 'integer');

// What is wrong with `value`: a list of "path: why".
export function check(root, node, value, path = '$') {
    const schema = resolve(root, node);
    const unknown = Object.keys(schema).find((key) => !KNOWN.has(key));
    if (unknown) return [`${path}: the keyword ${unknown} is not one that schema.mjs knows`];
    if (schema.type && ![schema.type].flat().some((type) => fits(value, type))) return [`${path}: ${typeOf(value)}, not ${schema.type}`];
    return [...checkWords(schema, value, path), ...checkChoice(root, schema, value, path), ...checkText(schema, value, path),
            ...(Array.isArray(value) ? checkList(root, schema, value, path) : []),
            ...(typeOf(value) === 'object' ? checkObject(root, schema, value, path) : [])];
}

function checkWords(schema, value, path) {
    const wrong = [];
    if ('const' in schema && schema.const !== value) wrong.push(`${path}: ${JSON.stringify(value)}, not ${JSON.stringify(schema.const)}`);
    if (schema.enum && !schema.enum.includes(value)) wrong.push(`${path}: ${JSON.stringify(value)} is none of ${schema.enum}`);
    return wrong;
}

function checkChoice(root, schema, value, path) {
    if (!schema.oneOf) return [];
    const tried = schema.oneOf.map((one) => check(root, one, value, path));
    const count = tried.filter((wrong) => wrong.length === 0).length;
    return count === 1 ? [] : count > 1 ? [`${path}: is ${count} of what it may be`] : tried.sort((a, b) => a.length - b.length)[0];
}

function checkText(schema, value, path) {
    const wrong = [];
    if (schema.pattern && typeof value === 'string' && !new RegExp(schema.pattern).test(value)) wrong.push(`${path}: ${JSON.stringify(value)} is not ${schema.pattern}`);
    if (typeof value === 'number' && (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity))) wrong.push(`${path}: ${value} is out of range`);
    return wrong;
}

function checkList(root, schema, value, path) {
    const wrong = [];
    if (value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? Infinity)) wrong.push(`${path}: has ${value.length} items`);
    value.forEach((item, index) => {
        const node = schema.prefixItems?.[index] ?? schema.items;
        if (node) wrong.push(...check(root, node, item, `${path}[${index}]`));
    });
    return wrong;
}

function checkObject(root, schema, value, path) {
    const wrong = (schema.required ?? []).filter((name) => !Object.hasOwn(value, name)).map((name) => `${path}.${name}: is missing`);
    if (Object.keys(value).length > (schema.maxProperties ?? Infinity)) wrong.push(`${path}: has members`);
    for (const [name, member] of Object.entries(value)) {
        const more = schema.additionalProperties === true ? {} : schema.additionalProperties;
        const node = schema.properties?.[name] ?? more;
        if (node) wrong.push(...check(root, node, member, `${path}.${name}`));
        else if (schema.properties) wrong.push(`${path}.${name}: is not documented`);
    }
    return wrong;
}
