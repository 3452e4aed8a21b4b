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
    const walk = (value, put, path) => {
        if (typeof value === 'number') {
            for (const other of [value + 1, value - 1, value + 256, 0].filter((one) => one >= 0 && one !== value)) tell(put(other), `${path} ${other}`);
        } else if (typeof value === 'string') {
            eachByte(Buffer.from(value, 'hex'), (bytes, what) => tell(put(bytes.toString('hex')), `${path}, ${what}`));
            for (const other of [value.slice(2), `${value}00`]) tell(put(other), `${path}, ${other.length} letters`);
        } else if (Array.isArray(value)) {
            value.forEach((one, i) => {
                walk(one, (other) => put(value.with(i, other)), `${path}[${i}]`);
                tell(put(value.toSpliced(i, 1)), `${path} without ${i}`);
                tell(put(value.toSpliced(i, 0, one)), `${path} with ${i} twice`);
            });
        } else {
            for (const [name, one] of Object.entries(value)) walk(one, (other) => put({ ...value, [name]: other }), `${path}.${name}`);
        }
    };
    walk(answer, (changed) => changed, '');
    return count;
}
