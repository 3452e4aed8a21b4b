#include "node/evidence.h"

#include "common/log.h"
#include "node/file_os.h"
#include "tests/harness.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64], directory[80];

static void new_folder(void)
{
    log_set_level(LOG_ERROR + 1);
    assert_true(hash_start());
    snprintf(folder, sizeof(folder), "/tmp/evidence-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(directory, sizeof(directory), "%s/evidence", folder);
}

static json_t *read_file(const char *name)
{
    char path[160], *text;
    size_t byte_count;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(file_read(path, &text, &byte_count), STATUS_OK);
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    free(text);
    return object;
}

static void remove_file(const char *name)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void from_hex(const json_t *object, const char *name, uint8_t *bytes, size_t byte_count)
{
    const char *text = json_string_value(json_object_get(object, name));
    size_t read;
    assert_non_null(text);
    assert_int_equal(sodium_hex2bin(bytes, byte_count, text, strlen(text), NULL, &read, NULL), 0);
    assert_int_equal(read, byte_count);
}

/* What is in the file is enough for anyone: two signatures of one key, over what is written there, for one
 * epoch and height, and two hashes. */
TEST(evidence, of_a_double_vote_can_be_checked_from_the_file_alone)
{
    new_folder();
    uint8_t secret[SECRET_KEY_BYTES], public_key[PUBLIC_KEY_BYTES], seed[32] = {7};
    struct vote_command votes[2];
    crypto_sign_seed_keypair(public_key, secret, seed);
    const hash_t chain_id = hash_of("chain", 5);
    for (int i = 0; i < 2; i++)
        certificate_sign(secret, chain_id, 3, 41, hash_of(i == 0 ? "a" : "b", 1), 9, &votes[i]);
    assert_int_equal(
        evidence_keep_double(directory, CERTIFICATE_OF_BLOCK, chain_id, public_key, votes),
        STATUS_OK);
    assert_int_equal(
        evidence_keep_double(directory, CERTIFICATE_OF_BLOCK, chain_id, public_key, votes),
        STATUS_OK); /* it is there */

    json_t *object = read_file("double-9-3-41.json");
    assert_int_equal(json_integer_value(json_object_get(object, "node")), 9);
    assert_int_equal(json_integer_value(json_object_get(object, "epoch")), 3);
    assert_int_equal(json_integer_value(json_object_get(object, "height")), 41);
    uint8_t key[PUBLIC_KEY_BYTES], message[2][BLOCK_VOTE_BYTES], signature[SIGNATURE_BYTES];
    from_hex(object, "publicKey", key, sizeof(key));
    const json_t *both = json_object_get(object, "votes");
    assert_int_equal(json_array_size(both), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *vote = json_array_get(both, i);
        from_hex(vote, "signed", message[i], sizeof(message[i]));
        from_hex(vote, "signature", signature, sizeof(signature));
        assert_true(hash_verify(key, message[i], sizeof(message[i]), signature));
    }
    /* All but the hash at the end is the same. */
    assert_memory_equal(message[0], message[1], BLOCK_VOTE_BYTES - HASH_BYTES);
    assert_memory_not_equal(message[0], message[1], BLOCK_VOTE_BYTES);
    json_decref(object);
    remove_file("double-9-3-41.json");
}

/* Both headers as far as they are known; a quote in the facts does no harm. */
TEST(evidence, of_a_halt_has_both_headers)
{
    new_folder();
    uint8_t ours[BLOCK_HEADER_BYTES] = {1}, theirs[BLOCK_HEADER_BYTES] = {2}, read[448];
    struct evidence_halt halt = {.height = 12,
                                 .what = "the header differs",
                                 .facts = "what=\"a \\ quote\" ours=1",
                                 .ours = ours,
                                 .theirs = theirs};
    assert_int_equal(evidence_keep_halt(directory, &halt), STATUS_OK);
    json_t *object = read_file("halt-12.json");
    assert_string_equal(json_string_value(json_object_get(object, "facts")), halt.facts);
    from_hex(object, "ours", read, sizeof(read));
    assert_memory_equal(read, ours, sizeof(read));
    from_hex(object, "theirs", read, sizeof(read));
    assert_memory_equal(read, theirs, sizeof(read));
    assert_null(json_object_get(object, "certificate"));
    json_decref(object);

    halt.what = "another"; /* the first word stands */
    assert_int_equal(evidence_keep_halt(directory, &halt), STATUS_OK);
    object = read_file("halt-12.json");
    assert_string_equal(json_string_value(json_object_get(object, "what")), "the header differs");
    json_decref(object);
    remove_file("halt-12.json");
}

/* Where nothing can be written the caller hears of it. */
TEST(evidence, that_cannot_be_kept_is_a_failure)
{
    new_folder();
    const struct evidence_halt halt = {.height = 1, .what = "x", .facts = ""};
    assert_int_not_equal(evidence_keep_halt("/proc/none", &halt), STATUS_OK);
    assert_int_equal(rmdir(folder), 0);
}
