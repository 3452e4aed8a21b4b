#include "node/trusted.h"

#include "common/log.h"
#include "node/file_os.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

TEST(trusted, word_is_a_height_and_a_hash)
{
    uint64_t height;
    hash_t hash;
    assert_true(trusted_word("120:" HEX, &height, &hash));
    assert_int_equal(height, 120);
    assert_int_equal(hash.bytes[31], 0xff);
    static const char *const wrong[] = {
        "",        "120",          "120:",     ":" HEX,   "0:" HEX,
        "-1:" HEX, "120:" HEX "0", "120;" HEX, "+1:" HEX, "99999999999999999999:" HEX,
        " 1:" HEX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(trusted_word(wrong[i], &height, &hash));
}

/* As /quorex/v1/validators says them; whatever else stands there is nothing to us. */
TEST(trusted, set_is_read_strictly)
{
    static struct validator_set set;
    static const char good[] =
        "{\"height\":58,\"validators\":[{\"node\":1,\"role\":\"voter\",\"publicKey\":\"" HEX
        "\"},{\"node\":7,\"publicKey\":\"" HEX "\"}],\"standbys\":[{\"node\":9}]}";
    assert_true(trusted_set(good, strlen(good), &set));
    assert_int_equal(set.count, 2);
    assert_int_equal(set.members[1].node, 7);
    assert_int_equal(set.members[1].public_key[1], 0x11);
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"validators\":[]}",
        "{\"validators\":[{\"node\":1}]}",
        "{\"validators\":[{\"node\":0,\"publicKey\":\"" HEX "\"}]}",
        "{\"validators\":[{\"node\":1,\"publicKey\":\"" HEX "00\"}]}",
        "{\"validators\":[{\"node\":2,\"publicKey\":\"" HEX "\"},{\"node\":1,\"publicKey\":\"" HEX
        "\"}]}",
        "{\"validators\":[{\"node\":1,\"publicKey\":\"" HEX "\"},{\"node\":1,\"publicKey\":\"" HEX
        "\"}]}",
        "{\"validators\":[{\"node\":4294967296,\"publicKey\":\"" HEX "\"}]}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(trusted_set(wrong[i], strlen(wrong[i]), &set));
}

TEST(trusted, file_keeps_what_was_said)
{
    static struct trusted trusted, again;
    char path[] = "/tmp/trusted-XXXXXX";
    log_set_level(LOG_ERROR + 1);
    close(mkstemp(path));
    assert_int_equal(trusted_read(path, &again), STATUS_MALFORMED);
    unlink(path);
    assert_int_equal(trusted_read(path, &again), STATUS_OK);
    assert_int_equal(again.height, 0);
    trusted.height = 1200;
    trusted.set.count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        trusted.set.members[i].node = 3 + i;
        memset(trusted.set.members[i].public_key, (int)(i + 1), PUBLIC_KEY_BYTES);
    }
    assert_int_equal(trusted_write(path, &trusted), STATUS_OK);
    assert_int_equal(trusted_write(path, &trusted), STATUS_EXISTS);
    assert_int_equal(trusted_read(path, &again), STATUS_OK);
    assert_int_equal(again.height, 1200);
    assert_true(hash_equal(validator_set_hash(&again.set), validator_set_hash(&trusted.set)));
    unlink(path);
    assert_int_equal(file_create(path, "{\"height\":-1}", 13, 0644), STATUS_OK);
    assert_int_equal(trusted_read(path, &again), STATUS_MALFORMED);
    unlink(path);
}
