#include "gateway/grant.h"

#include "common/le.h"
#include "tests/harness.h"

#define NOW_NS 1700000000000000000u
#define NOW_MS (NOW_NS / 1000000u)
#define TARGET "/quorex/v1/blocks/7/body?offset=0"

static struct genesis genesis;
static struct node_set members;
static hash_t chain_id;
static uint8_t node_key[SECRET_KEY_BYTES], auditor_key[SECRET_KEY_BYTES],
    operator_key[SECRET_KEY_BYTES];
static char key_text[2 * PUBLIC_KEY_BYTES + 1], time_text[32],
    signature_text[2 * SIGNATURE_BYTES + 1], grant_header[GRANT_TEXT_MAX + 1];
static struct grant_request asks;

static const uint8_t *make_key(uint8_t secret[SECRET_KEY_BYTES], uint8_t seed)
{
    static uint8_t public_key[PUBLIC_KEY_BYTES];
    uint8_t seeds[crypto_sign_SEEDBYTES];
    memset(seeds, seed, sizeof(seeds));
    crypto_sign_seed_keypair(public_key, secret, seeds);
    return public_key;
}

static struct auth_piece piece(const char *text)
{
    return (struct auth_piece){text, strlen(text)};
}

static void sign(const uint8_t secret[SECRET_KEY_BYTES], uint64_t time_ms, const char *target)
{
    uint8_t bytes[GRANT_REQUEST_BYTES], signature[SIGNATURE_BYTES];
    grant_request_put(chain_id, time_ms, target, strlen(target), bytes);
    hash_sign(secret, bytes, sizeof(bytes), signature);
    hash_hex(secret + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES, key_text);
    hash_hex(signature, sizeof(signature), signature_text);
    snprintf(time_text, sizeof(time_text), "%llu", (unsigned long long)time_ms);
    asks = (struct grant_request){.key = piece(key_text),
                                  .time = piece(time_text),
                                  .signature = piece(signature_text),
                                  .target = piece(TARGET)};
}

static void let(const uint8_t secret[SECRET_KEY_BYTES], uint64_t expiry_ms)
{
    const size_t length =
        grant_text(secret, chain_id, auditor_key + PUBLIC_KEY_BYTES, expiry_ms, grant_header);
    assert_int_equal(length, strlen(grant_header));
    asks.grant = piece(grant_header);
}

static void open_gate(void)
{
    assert_true(hash_start());
    memset(&genesis, 0, sizeof(genesis));
    memset(&members, 0, sizeof(members));
    memset(&chain_id, 9, sizeof(chain_id));
    genesis.operator_count = 2;
    memset(genesis.operators[0], 3, PUBLIC_KEY_BYTES);
    memcpy(genesis.operators[1], make_key(operator_key, 1), PUBLIC_KEY_BYTES);
    members.count = 2;
    members.members[0].role = NODE_VOTER;
    members.members[1].role = NODE_STANDBY;
    memcpy(members.members[1].public_key, make_key(node_key, 2), PUBLIC_KEY_BYTES);
    (void)make_key(auditor_key, 3);
}

/* REJECT_NONE: let in. */
static enum reject answer(void)
{
    struct refusal refusal = {.reject = REJECT_NONE};
    const bool good = grant_check(&asks, &genesis, chain_id, &members, NOW_NS, &refusal);
    assert_true(good == (refusal.reject == REJECT_NONE));
    return refusal.reject;
}

TEST(grant, member_reads_by_its_own_key)
{
    open_gate();
    sign(node_key, NOW_MS, TARGET);
    assert_int_equal(answer(), REJECT_NONE);
    members.count = 1; /* expelled */
    assert_int_equal(answer(), REJECT_READER_UNKNOWN);
}

/* What is not signed, or not readable, is not known to be anybody's. */
TEST(grant, unsigned_requests_are_nobodys)
{
    open_gate();
    sign(node_key, NOW_MS, TARGET);
    asks.signature = (struct auth_piece){NULL, 0};
    assert_int_equal(answer(), REJECT_READER_UNSIGNED);
    sign(node_key, NOW_MS, TARGET);
    asks.key = piece("zz");
    assert_int_equal(answer(), REJECT_READER_UNSIGNED);
    sign(node_key, NOW_MS, TARGET);
    asks.time = piece("01");
    assert_int_equal(answer(), REJECT_READER_UNSIGNED);
    asks.time = piece("-1");
    assert_int_equal(answer(), REJECT_READER_UNSIGNED);
    asks.time = piece("99999999999999999999");
    assert_int_equal(answer(), REJECT_READER_UNSIGNED);
    assert_int_equal(reject_http_status(REJECT_READER_UNSIGNED), 401);
}

/* A signature is good for one chain, one path and query, one minute. */
TEST(grant, signature_is_of_this_request)
{
    open_gate();
    sign(node_key, NOW_MS, "/quorex/v1/blocks/8/body?offset=0");
    assert_int_equal(answer(), REJECT_READER_SIGNATURE);
    sign(node_key, NOW_MS, TARGET);
    chain_id.bytes[0] ^= 1;
    assert_int_equal(answer(), REJECT_READER_SIGNATURE);
    chain_id.bytes[0] ^= 1;
    sign(node_key, NOW_MS - GRANT_WINDOW_MS, TARGET);
    assert_int_equal(answer(), REJECT_NONE);
    sign(node_key, NOW_MS - GRANT_WINDOW_MS - 1, TARGET);
    assert_int_equal(answer(), REJECT_READER_SIGNATURE);
    sign(node_key, NOW_MS + GRANT_WINDOW_MS, TARGET);
    assert_int_equal(answer(), REJECT_NONE);
    sign(node_key, NOW_MS + GRANT_WINDOW_MS + 1, TARGET);
    assert_int_equal(answer(), REJECT_READER_SIGNATURE);
    sign(node_key, NOW_MS, TARGET);
    time_text[0]++; /* another time than was signed */
    assert_int_equal(answer(), REJECT_READER_SIGNATURE);
    /* Another key's signature. */
    sign(auditor_key, NOW_MS, TARGET);
    hash_hex(node_key + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES, key_text);
    assert_int_equal(answer(), REJECT_READER_SIGNATURE);
}

/* An auditor reads as long as an operator lets this very key. */
TEST(grant, auditor_needs_a_grant_of_its_own)
{
    open_gate();
    sign(auditor_key, NOW_MS, TARGET);
    assert_int_equal(answer(), REJECT_READER_UNKNOWN);
    let(operator_key, NOW_MS + 1);
    assert_int_equal(answer(), REJECT_NONE);
    let(operator_key, NOW_MS);
    assert_int_equal(answer(), REJECT_GRANT); /* over */
    let(node_key, NOW_MS + 1000);
    assert_int_equal(answer(), REJECT_GRANT); /* no operator */
    let(operator_key, NOW_MS + 1000);
    grant_header[65]++; /* longer than was signed */
    assert_int_equal(answer(), REJECT_GRANT);
    let(operator_key, NOW_MS + 1000);
    chain_id.bytes[5] ^= 1;
    sign(auditor_key, NOW_MS, TARGET);
    asks.grant = piece(grant_header); /* of another chain */
    assert_int_equal(answer(), REJECT_GRANT);
    assert_int_equal(reject_http_status(REJECT_GRANT), 403);
}

/* Every change of a letter, every missing one and every one too many, is refused. */
TEST(grant, grants_are_read_strictly)
{
    open_gate();
    sign(auditor_key, NOW_MS, TARGET);
    let(operator_key, NOW_MS + 100000);
    const size_t length = strlen(grant_header);
    for (size_t at = 0; at < length; at++) {
        const char kept = grant_header[at];
        grant_header[at] = kept == '0' ? '1' : '0';
        assert_int_equal(answer(), REJECT_GRANT);
        grant_header[at] = kept;
    }
    for (size_t bytes = 0; bytes < length; bytes++) {
        asks.grant.byte_count = bytes;
        assert_int_equal(answer(), REJECT_GRANT);
    }
    grant_header[length] = '0';
    asks.grant.byte_count = length + 1;
    assert_int_equal(answer(), REJECT_GRANT);
}

/* The bytes that are signed, so that a client in another language can be held against them. */
TEST(grant, signed_bytes_are_as_documented)
{
    uint8_t bytes[GRANT_REQUEST_BYTES];
    open_gate();
    grant_request_put(chain_id, 0x0102030405060708u, "/x", 2, bytes);
    assert_memory_equal(bytes, "quorex/read/1\0\0", 16);
    assert_memory_equal(bytes + 16, chain_id.bytes, HASH_BYTES);
    assert_memory_equal(bytes + 48, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    const hash_t hash = hash_of("/x", 2);
    assert_memory_equal(bytes + 56, hash.bytes, HASH_BYTES);
    grant_put(chain_id, genesis.operators[0], 1, bytes);
    assert_memory_equal(bytes, "quorex/grant/1\0", 16);
    assert_memory_equal(bytes + 48, genesis.operators[0], PUBLIC_KEY_BYTES);
    assert_memory_equal(bytes + 80, "\x01\0\0\0\0\0\0", 8);
}
