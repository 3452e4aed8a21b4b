#include "node/verify_proof.h"

#include "common/log.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "tests/harness.h"
#include "tests/unit/node/proved.h"

static struct proved proved;
static char proof_path[128], genesis_path[128];

static void write_file(const char *path, const void *bytes, size_t byte_count)
{
    assert_int_equal(file_replace(path, bytes, byte_count, 0600), STATUS_OK);
}

static struct proof_bytes begin(void)
{
    struct proof_bytes bytes;
    log_set_level(LOG_ERROR + 1);
    proved_begin(&proved, UINT32_MAX);
    snprintf(proof_path, sizeof(proof_path), "%s/proof", proved.folder.path);
    snprintf(genesis_path, sizeof(genesis_path), "%s/genesis.json", proved.folder.path);
    assert_int_equal(genesis_write(genesis_path, &proved.story.journal.genesis), STATUS_OK);
    assert_int_equal(proved.source->account(proved.source->context, 1, 6, &bytes), STATUS_OK);
    write_file(proof_path, bytes.bytes, bytes.byte_count);
    return bytes;
}

static int verify(const char *account, const char *validators)
{
    const struct verify_proof_options options = {
        .proof = proof_path, .genesis = genesis_path, .validators = validators, .account = account};
    return verify_proof(&options);
}

/* Bytes, or the exchange's answer with them; for anybody, or for the one whose key is named. */
TEST(verify_proof, takes_bytes_and_answers)
{
    struct proof_bytes bytes = begin();
    struct proof proof;
    struct proof_account account;
    char key[2 * PUBLIC_KEY_BYTES + 1], *text = malloc(2 * bytes.byte_count + 64);
    assert_int_equal(verify(NULL, NULL), 0);
    assert_true(proof_get(bytes.bytes, bytes.byte_count, &proof));
    assert_true(proof_account_get(proof.subject, proof.subject_bytes, &account));
    hash_hex(account.public_key, PUBLIC_KEY_BYTES, key);
    assert_int_equal(verify(key, NULL), 0);
    key[7] ^= 1;
    assert_int_equal(verify(key, NULL), 1);
    assert_int_equal(verify("12", NULL), 2);

    const int before = snprintf(text, 64, "{\"height\":6,\"proof\":\"");
    hash_hex(bytes.bytes, bytes.byte_count, text + before);
    const size_t length = (size_t)before + 2 * bytes.byte_count;
    memcpy(text + length, "\"}", 2);
    write_file(proof_path, text, length + 2);
    assert_int_equal(verify(NULL, NULL), 0);
    text[before + 500] = text[before + 500] == '0' ? '1' : '0';
    write_file(proof_path, text, length + 2);
    assert_int_equal(verify(NULL, NULL), 1);
    write_file(proof_path, "{}", 2);
    assert_int_equal(verify(NULL, NULL), 2);
    free(text);
    proved_end(&proved);
}

/* By voters that somebody else's word names, or whom nobody can read. */
TEST(verify_proof, takes_voters_from_a_file)
{
    char path[160], text[256], key[2 * PUBLIC_KEY_BYTES + 1];
    begin();
    const struct validator *voter = &proved.story.journal.genesis.validators.members[0];
    snprintf(path, sizeof(path), "%s/validators", proved.folder.path);
    assert_int_equal(verify(NULL, path), 2);
    hash_hex(voter->public_key, PUBLIC_KEY_BYTES, key);
    const char *const format = "{\"validators\":[{\"node\":%u,\"publicKey\":\"%s\"}]}";
    write_file(path, text, (size_t)snprintf(text, sizeof(text), format, voter->node, key));
    assert_int_equal(verify(NULL, path), 0);
    key[3] ^= 1;
    write_file(path, text, (size_t)snprintf(text, sizeof(text), format, voter->node, key));
    assert_int_equal(verify(NULL, path), 1);
    proved_end(&proved);
}
