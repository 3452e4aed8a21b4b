#include "common/hash.h"

#include "common/hash_block.h"

#include <stdatomic.h>
#include <string.h>

/* Written by hash_start alone, always the same. Until then libsodium does it: so are the bytes. relaxed: nothing
 * else goes with it. */
static _Atomic bool by_processor;

bool hash_start(void)
{
    atomic_store_explicit(&by_processor, hash_block_supported(), memory_order_relaxed);
    return sodium_init() >= 0;
}

hash_t hash_of(const void *bytes, size_t byte_count)
{
    struct hash_stream stream;
    hash_stream_begin(&stream);
    hash_stream_add(&stream, bytes, byte_count);
    return hash_stream_end(&stream);
}

hash_t hash_tagged(const char *domain, const void *bytes, size_t byte_count)
{
    struct hash_stream stream;
    hash_stream_begin(&stream);
    hash_stream_add(&stream, domain, strlen(domain));
    hash_stream_add(&stream, bytes, byte_count);
    return hash_stream_end(&stream);
}

void hash_stream_begin(struct hash_stream *stream)
{
    crypto_hash_sha256_init(&stream->state);
}

/* Takes all whole blocks; what is left waits in the stream. */
static void add_bytes(crypto_hash_sha256_state *state, const uint8_t *bytes, size_t byte_count)
{
    if (byte_count == 0) return;
    const size_t waiting = state->count / 8 % HASH_BLOCK_BYTES; /* `count` is in bits */
    state->count += (uint64_t)byte_count * 8;
    if (waiting > 0) {
        const size_t room = HASH_BLOCK_BYTES - waiting;
        const size_t now = byte_count < room ? byte_count : room;
        memcpy(state->buf + waiting, bytes, now);
        bytes += now;
        byte_count -= now;
        if (now < room) return;
        hash_block_add(state->state, state->buf, 1);
    }
    hash_block_add(state->state, bytes, byte_count / HASH_BLOCK_BYTES);
    const size_t left = byte_count % HASH_BLOCK_BYTES;
    if (left > 0) memcpy(state->buf, bytes + (byte_count - left), left);
}

/* The end of a text of `byte_count` bytes, what is left of whole blocks being in `end` already: a bit, zeros, and
 * the length in bits up to the end of a block. Returns the blocks of it. */
static size_t end_fill(uint8_t end[2 * HASH_BLOCK_BYTES], uint64_t byte_count)
{
    const size_t waiting = byte_count % HASH_BLOCK_BYTES;
    const size_t end_bytes =
        waiting < HASH_BLOCK_BYTES - 8 ? HASH_BLOCK_BYTES : 2 * HASH_BLOCK_BYTES;
    memset(end + waiting, 0, end_bytes - waiting);
    end[waiting] = 0x80;
    const uint64_t bits = __builtin_bswap64(byte_count * 8);
    memcpy(end + end_bytes - 8, &bits, 8);
    return end_bytes / HASH_BLOCK_BYTES;
}

static hash_t hash_of_state(const uint32_t state[8])
{
    hash_t hash;
    for (size_t i = 0; i < 8; i++) {
        const uint32_t word = __builtin_bswap32(state[i]);
        memcpy(hash.bytes + 4 * i, &word, 4);
    }
    return hash;
}

static hash_t end_bytes(crypto_hash_sha256_state *state)
{
    uint8_t end[2 * HASH_BLOCK_BYTES];
    memcpy(end, state->buf, state->count / 8 % HASH_BLOCK_BYTES);
    hash_block_add(state->state, end, end_fill(end, state->count / 8));
    return hash_of_state(state->state);
}

void hash_of_two(const uint8_t *const texts[2], size_t byte_count, hash_t hashes[2])
{
    if (!atomic_load_explicit(&by_processor, memory_order_relaxed)) {
        hashes[0] = hash_of(texts[0], byte_count);
        hashes[1] = hash_of(texts[1], byte_count);
        return;
    }
    const size_t left = byte_count % HASH_BLOCK_BYTES, whole = byte_count - left;
    uint8_t ends[2][2 * HASH_BLOCK_BYTES];
    uint32_t states[2][8];
    crypto_hash_sha256_state begin;
    crypto_hash_sha256_init(&begin);
    size_t end_blocks = 0;
    for (int i = 0; i < 2; i++) {
        memcpy(states[i], begin.state, sizeof(states[i]));
        if (left > 0) memcpy(ends[i], texts[i] + whole, left);
        end_blocks = end_fill(ends[i], byte_count);
    }
    const uint8_t *const last[2] = {ends[0], ends[1]};
    uint32_t *const both[2] = {states[0], states[1]};
    hash_block_add_two(both, texts, whole / HASH_BLOCK_BYTES);
    hash_block_add_two(both, last, end_blocks);
    hashes[0] = hash_of_state(states[0]);
    hashes[1] = hash_of_state(states[1]);
}

void hash_of_pair(uint8_t *const texts[2], const size_t byte_counts[2], hash_t hashes[2])
{
    if (!atomic_load_explicit(&by_processor, memory_order_relaxed)) {
        for (int i = 0; i < 2; i++)
            hashes[i] = hash_of(texts[i], byte_counts[i]);
        return;
    }
    uint32_t states[2][8];
    size_t blocks[2];
    crypto_hash_sha256_state begin;
    crypto_hash_sha256_init(&begin);
    for (int i = 0; i < 2; i++) {
        const size_t whole = byte_counts[i] / HASH_BLOCK_BYTES;
        blocks[i] = whole + end_fill(texts[i] + whole * HASH_BLOCK_BYTES, byte_counts[i]);
        memcpy(states[i], begin.state, sizeof(states[i]));
    }
    const size_t both = blocks[0] < blocks[1] ? blocks[0] : blocks[1];
    hash_block_add_two((uint32_t *const[2]){states[0], states[1]},
                       (const uint8_t *const[2]){texts[0], texts[1]}, both);
    for (int i = 0; i < 2; i++) {
        hash_block_add(states[i], texts[i] + both * HASH_BLOCK_BYTES, blocks[i] - both);
        hashes[i] = hash_of_state(states[i]);
    }
}

void hash_stream_add(struct hash_stream *stream, const void *bytes, size_t byte_count)
{
    if (byte_count == 0) return;
    if (atomic_load_explicit(&by_processor, memory_order_relaxed))
        add_bytes(&stream->state, bytes, byte_count);
    else
        crypto_hash_sha256_update(&stream->state, bytes, byte_count);
}

/* Fills what waits in the stream up to a block and takes that. Returns the bytes it took, fewer than that when
 * there are not enough. */
static size_t waiting_fill(crypto_hash_sha256_state *state, const uint8_t *bytes, size_t byte_count)
{
    const size_t waiting = state->count / 8 % HASH_BLOCK_BYTES;
    const size_t room = waiting == 0 ? 0 : HASH_BLOCK_BYTES - waiting;
    const size_t now = byte_count < room ? byte_count : room;
    add_bytes(state, bytes, now);
    return now;
}

void hash_streams_add(struct hash_stream *const streams[2], const uint8_t *const texts[2],
                      const size_t byte_counts[2])
{
    if (!atomic_load_explicit(&by_processor, memory_order_relaxed)) {
        for (int i = 0; i < 2; i++)
            hash_stream_add(streams[i], texts[i], byte_counts[i]);
        return;
    }
    crypto_hash_sha256_state *const states[2] = {&streams[0]->state, &streams[1]->state};
    const uint8_t *at[2];
    size_t rest[2];
    for (int i = 0; i < 2; i++) {
        const size_t taken = waiting_fill(states[i], texts[i], byte_counts[i]);
        at[i] = texts[i] + taken;
        rest[i] = byte_counts[i] - taken;
    }
    const size_t less = rest[0] < rest[1] ? rest[0] : rest[1];
    const size_t blocks = less / HASH_BLOCK_BYTES, taken = blocks * HASH_BLOCK_BYTES;
    uint32_t *const words[2] = {states[0]->state, states[1]->state};
    hash_block_add_two(words, at, blocks);
    for (int i = 0; i < 2; i++) {
        states[i]->count += (uint64_t)taken * 8;
        add_bytes(states[i], at[i] + taken, rest[i] - taken);
    }
}

hash_t hash_stream_end(struct hash_stream *stream)
{
    hash_t hash;
    if (atomic_load_explicit(&by_processor, memory_order_relaxed)) return end_bytes(&stream->state);
    crypto_hash_sha256_final(&stream->state, hash.bytes);
    return hash;
}

bool hash_equal(hash_t left, hash_t right)
{
    return memcmp(left.bytes, right.bytes, HASH_BYTES) == 0;
}

hash_t hash_derive(const uint8_t secret[HASH_BYTES], const char *domain, const void *bytes,
                   size_t byte_count)
{
    hash_t derived;
    crypto_generichash_state state;
    crypto_generichash_init(&state, secret, HASH_BYTES, HASH_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)domain, strlen(domain) + 1);
    crypto_generichash_update(&state, bytes, byte_count);
    crypto_generichash_final(&state, derived.bytes, HASH_BYTES);
    return derived;
}

void hash_sign(const uint8_t secret_key[SECRET_KEY_BYTES], const void *bytes, size_t byte_count,
               uint8_t signature[SIGNATURE_BYTES])
{
    crypto_sign_detached(signature, NULL, bytes, byte_count, secret_key);
}

bool hash_verify(const uint8_t public_key[PUBLIC_KEY_BYTES], const void *bytes, size_t byte_count,
                 const uint8_t signature[SIGNATURE_BYTES])
{
    return crypto_sign_verify_detached(signature, bytes, byte_count, public_key) == 0;
}

void hash_hex(const uint8_t *bytes, size_t byte_count, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < byte_count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * byte_count] = '\0';
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

bool hash_from_hex(const char *text, size_t text_bytes, uint8_t *bytes, size_t byte_count)
{
    if (text_bytes != 2 * byte_count) return false;
    for (size_t i = 0; i < byte_count; i++) {
        const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
