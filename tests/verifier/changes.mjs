// Changes of lists: a copy with another element at `i`, and one without it, as with() and toSpliced() make in a Node above 18.
export const replaced = (list, i, one) => Object.assign([...list], { [i]: one });
export const without = (list, i) => [...list.slice(0, i), ...list.slice(i + 1)];

// Changes by a byte: each bit of it alone, and all of them.

const MASKS = [1, 2, 4, 8, 16, 32, 64, 128, 255];

// Calls `check` with bytes of which one is another: every one of them, each in nine ways. The bytes are its own to read
// until it returns. Returns how many there were.
export function eachByte(bytes, check) {
    const changed = Buffer.from(bytes);
    for (let at = 0; at < bytes.length; at++) {
        for (const mask of MASKS) {
            changed[at] = bytes[at] ^ mask;
            check(changed, `byte ${at} ^ ${mask}`);
        }
        changed[at] = bytes[at];
    }
    return bytes.length * MASKS.length;
}

// The same of an answer in JSON: every byte of what is hex in it, every number another, every list an element less or one
// twice. `check` gets the answer as it is then.
export function eachPart(answer, check) {
    let count = 0;
    const tell = (changed, what) => { count++; check(changed, what); };
    const walk = (value, give, path) => {
        if (typeof value === 'number') {
            for (const other of [value + 1, value - 1, value + 256, 0].filter((one) => one >= 0 && one !== value)) tell(give(other), `${path} ${other}`);
        } else if (typeof value === 'string') {
            eachByte(Buffer.from(value, 'hex'), (bytes, what) => tell(give(bytes.toString('hex')), `${path}, ${what}`));
            for (const other of [value.slice(2), `${value}00`]) tell(give(other), `${path}, ${other.length} letters`);
        } else if (Array.isArray(value)) {
            value.forEach((one, i) => {
                walk(one, (other) => give(replaced(value, i, other)), `${path}[${i}]`);
                tell(give(without(value, i)), `${path} without ${i}`);
                tell(give([...value.slice(0, i), one, ...value.slice(i)]), `${path} with ${i} twice`);
            });
        } else {
            for (const [name, one] of Object.entries(value)) walk(one, (other) => give({ ...value, [name]: other }), `${path}.${name}`);
        }
    };
    walk(answer, (changed) => changed, '');
    return count;
}
