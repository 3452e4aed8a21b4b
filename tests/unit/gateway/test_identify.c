#include "gateway/chain_source.h"
#include "gateway/grant.h"
#include "tests/unit/gateway/loop_fixture.h"

static char request[2048];
static uint8_t node_key[SECRET_KEY_BYTES];

static enum status give_body(void *context, uint64_t height, const uint8_t **bytes,
                             size_t *byte_count)
{
    (void)context, (void)height;
    *bytes = (const uint8_t *)"a\0b";
    *byte_count = 3;
    return STATUS_OK;
}

static const struct chain_source chain = {.body = give_body};

static void with_member(void)
{
    struct validator *member = &loop_genesis.validators.members[0];
    loop_genesis.validators.count = 1;
    member->node = 1;
    crypto_sign_keypair(member->public_key, node_key);
    loop_options.chain = &chain;
}

static void tell_block(void)
{
    if (loop_publish_block()) park_wake(&loop_park);
}

/* A body goes to who signs for this very path with a member's key, byte for byte, and to nobody else. */
TEST(identify, body_is_for_who_signs_as_a_member)
{
    static const char target[] = "/quorex/v1/blocks/1/body?offset=0";
    uint8_t bytes[GRANT_REQUEST_BYTES], signature[SIGNATURE_BYTES];
    char key_text[2 * PUBLIC_KEY_BYTES + 1], signature_text[2 * SIGNATURE_BYTES + 1];
    struct timespec now;
    loop_prepare = with_member;
    loop_open();
    tell_block();
    while (ring_used(loop_notices) > 0)
        loop_moment();
    loop_assert_status(loop_exchange("GET /quorex/v1/blocks/1/body HTTP/1.1\r\nHost: x\r\n\r\n"),
                       "401", "{\"code\":-9003,");
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t now_ms = (uint64_t)now.tv_sec * 1000;
    grant_request_put(genesis_chain_id(&loop_genesis), now_ms, target, sizeof(target) - 1, bytes);
    hash_sign(node_key, bytes, sizeof(bytes), signature);
    hash_hex(node_key + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES, key_text);
    hash_hex(signature, sizeof(signature), signature_text);
    for (int wrong = 0; wrong <= 1; wrong++) {
        snprintf(
            request, sizeof(request),
            "GET /quorex/v1/blocks/1/body?offset=%d HTTP/1.1\r\nHost: x\r\nX-Quorex-Key: %s\r\n"
            "X-Quorex-Time: %llu\r\nX-Quorex-Signature: %s\r\n\r\n",
            wrong, key_text, (unsigned long long)now_ms, signature_text);
        const char *text = loop_exchange(request);
        if (wrong) {
            loop_assert_status(text, "401", "{\"code\":-9004,");
            continue;
        }
        loop_assert_status(text, "200", "application/octet-stream");
        assert_non_null(strstr(text, "Content-Length: 3\r\n"));
        assert_memory_equal(strstr(text, "\r\n\r\n") + 4, "a\0b", 3);
    }
    assert_int_equal(loop_stop(), STATUS_OK);
}
