// zlib's CRC-32 of a text, as docs/api-quorex.md has it in the messages of @book.

const table = Array.from({ length: 256 }, (_, n) => {
    for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
    return n;
});

export function crc32(text) {
    return ~Buffer.from(text).reduce((crc, byte) => (crc >>> 8) ^ table[(crc ^ byte) & 255], -1) >>> 0;
}
