#include "node/auditor.h"

#include "gateway/grant.h"
#include "tests/harness.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CHAIN "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static struct auditor auditor;

static bool read_pairs(const char *const pairs[])
{
    char *given[4];
    int count = 0;
    while (pairs[count] != NULL && count < 4) {
        given[count] = (char *)(uintptr_t)pairs[count];
        count++;
    }
    const int error = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    assert_true(dup2(nowhere, STDERR_FILENO) >= 0);
    const bool read = auditor_read(count, given, &auditor);
    dup2(error, STDERR_FILENO);
    close(error);
    close(nowhere);
    return read;
}

TEST(auditor, pairs_are_read_strictly)
{
    assert_true(read_pairs((const char *[]){"auditor=" KEY, NULL}));
    assert_int_equal(auditor.days, AUDITOR_DAYS);
    assert_false(auditor.has_chain_id);
    assert_true(read_pairs((const char *[]){"chainId=" CHAIN, "days=3650", "auditor=" KEY, NULL}));
    assert_int_equal(auditor.days, 3650);
    assert_true(auditor.has_chain_id && auditor.chain_id.bytes[0] == 0xff);
    assert_int_equal(auditor.key[1], 0x11);

    static const char *const wrong[] = {
        "auditor=", "auditor=00", ("auditor=" KEY "0"), "days=0",         "days=3651", "days=-1",
        "days=1x",  "days=",      "chainId=1",          ("chain=" CHAIN), "auditor",   ""};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(read_pairs((const char *[]){"auditor=" KEY, wrong[i], NULL}));
    assert_false(read_pairs((const char *[]){"days=3", NULL}));
    assert_false(read_pairs((const char *[]){NULL}));
}

/* What is printed is what a node lets in, for so many days and not a day longer. */
TEST(auditor, grant_is_the_one_that_nodes_take)
{
    static struct genesis genesis;
    static struct node_set nobody;
    uint8_t operator_key[SECRET_KEY_BYTES], auditor_key[SECRET_KEY_BYTES], seed[32] = {1};
    uint8_t signature[SIGNATURE_BYTES], request[GRANT_REQUEST_BYTES];
    char path[] = "/tmp/grant-XXXXXX", text[GRANT_TEXT_MAX + 2] = "";
    char key[2 * PUBLIC_KEY_BYTES + 1], time[32], signed_text[2 * SIGNATURE_BYTES + 1];
    assert_true(hash_start());
    memset(&genesis, 0, sizeof(genesis));
    genesis.operator_count = 1;
    crypto_sign_seed_keypair(genesis.operators[0], operator_key, seed);
    seed[0] = 2;
    auditor = (struct auditor){.days = 2, .has_chain_id = true, .chain_id = hash_of("c", 1)};
    crypto_sign_seed_keypair(auditor.key, auditor_key, seed);

    fflush(NULL);
    const int file = mkstemp(path), out = dup(STDOUT_FILENO), error = dup(STDERR_FILENO);
    const int nowhere = open("/dev/null", O_WRONLY);
    assert_true(dup2(file, STDOUT_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0);
    const uint64_t before_ms = client_now_us() / 1000;
    const int code = auditor_grant(NULL, operator_key, &auditor);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(error, STDERR_FILENO);
    assert_int_equal(code, 0);
    const ssize_t length = pread(file, text, sizeof(text) - 1, 0);
    assert_true(length > 1 && text[length - 1] == '\n');
    text[length - 1] = '\0';
    close(file);
    close(nowhere);
    close(out);
    close(error);
    unlink(path);

    for (int late = 0; late < 2; late++) {
        const uint64_t now_ms =
            before_ms + UINT64_C(2) * 24 * 60 * 60 * 1000 + (late ? 60000 : 0) - 1;
        struct refusal refusal;
        snprintf(time, sizeof(time), "%" PRIu64, now_ms);
        grant_request_put(auditor.chain_id, now_ms, "/x", 2, request);
        hash_sign(auditor_key, request, sizeof(request), signature);
        hash_hex(auditor.key, PUBLIC_KEY_BYTES, key);
        hash_hex(signature, sizeof(signature), signed_text);
        const struct grant_request asks = {.key = {key, strlen(key)},
                                           .time = {time, strlen(time)},
                                           .signature = {signed_text, strlen(signed_text)},
                                           .grant = {text, strlen(text)},
                                           .target = {"/x", 2}};
        assert_int_equal(
            grant_check(&asks, &genesis, auditor.chain_id, &nobody, now_ms * 1000000, &refusal),
            late == 0);
    }
}

/* Without a chain id somebody must be asked. */
TEST(auditor, nobody_answers)
{
    assert_true(read_pairs((const char *[]){"auditor=" KEY, NULL}));
    struct client *client = client_new("http://127.0.0.1:1");
    static const uint8_t key[SECRET_KEY_BYTES];
    const int error = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    assert_true(dup2(nowhere, STDERR_FILENO) >= 0);
    const int code = auditor_grant(client, key, &auditor);
    dup2(error, STDERR_FILENO);
    close(error);
    close(nowhere);
    assert_int_equal(code, 3);
    client_free(client);
}
