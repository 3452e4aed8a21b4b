#include "node/verify_liabilities.h"

#include "common/log.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "tests/harness.h"
#include "tests/unit/node/owed.h"

static struct owed owed;
static struct liabilities_opening opening;
static char genesis_path[160], file_path_of[160], proof_path[160], key[2 * PUBLIC_KEY_BYTES + 1];
static char opening_paths[2][160];

static void write_file(const char *path, const void *bytes, size_t byte_count)
{
    assert_int_equal(file_replace(path, bytes, byte_count, 0600), STATUS_OK);
}

static void write_opening(uint32_t account, uint16_t asset, const char *path)
{
    static uint8_t bytes[PROOF_BYTES_MAX];
    owed_open(&owed, account, asset, &opening);
    write_file(path, bytes, owed_frame(&owed, &opening, bytes));
}

static void write_proof(uint32_t account, uint64_t height)
{
    struct proof_bytes bytes;
    const struct proof_source *source = owed.proved.source;
    assert_int_equal(source->account(source->context, account, height, &bytes), STATUS_OK);
    write_file(proof_path, bytes.bytes, bytes.byte_count);
}

static void begin(void)
{
    const char *folder = owed.proved.folder.path;
    log_set_level(LOG_ERROR + 1);
    owed_begin(&owed);
    snprintf(genesis_path, sizeof(genesis_path), "%s/genesis.json", folder);
    snprintf(file_path_of, sizeof(file_path_of), "%s/published", folder);
    snprintf(proof_path, sizeof(proof_path), "%s/account", folder);
    snprintf(opening_paths[0], sizeof(opening_paths[0]), "%s/btc", folder);
    snprintf(opening_paths[1], sizeof(opening_paths[1]), "%s/usdt", folder);
    assert_int_equal(genesis_write(genesis_path, &owed.proved.story.journal.genesis), STATUS_OK);
    write_file(file_path_of, owed.file, owed.file_bytes);
    write_proof(1, owed_height(&owed));
    write_opening(1, 0, opening_paths[0]);
    write_opening(1, 1, opening_paths[1]);
    hash_hex(opening.public_key, PUBLIC_KEY_BYTES, key);
}

/* The words of a command; NULL ends them. */
static int verify(const char *first, ...)
{
    char *words[32] = {"verify"};
    int count = 1;
    va_list rest;
    va_start(rest, first);
    for (const char *word = first; word != NULL; word = va_arg(rest, const char *))
        words[count++] = (char *)(uintptr_t)word;
    va_end(rest);
    assert_true(verify_liabilities_asked(count, words));
    return verify_liabilities_main(count, words);
}

#define FILE_WORDS    "--liabilities", file_path_of, "--genesis", genesis_path
#define HOLDER_WORDS  "--account", key, "--genesis", genesis_path
#define OPENING_WORDS "--opening", opening_paths[0], "--opening", opening_paths[1]

TEST(verify_liabilities, files_and_holders_are_told_what_holds)
{
    begin();
    assert_int_equal(verify(FILE_WORDS, NULL), 0);
    assert_int_equal(verify(OPENING_WORDS, HOLDER_WORDS, NULL), 0);
    assert_int_equal(verify(OPENING_WORDS, HOLDER_WORDS, "--proof", proof_path, NULL), 0);
    assert_int_equal(
        verify(OPENING_WORDS, FILE_WORDS, "--account", key, "--proof", proof_path, NULL), 0);
    char *plain[] = {"verify", "--chain", "somewhere"};
    assert_false(verify_liabilities_asked(3, plain));
    owed_end(&owed);
}

/* An omitted account has no opening for what its proof shows; a smaller one does not add up to it. */
TEST(verify_liabilities, what_is_not_opened_is_missed)
{
    begin();
    assert_int_equal(
        verify("--opening", opening_paths[0], HOLDER_WORDS, "--proof", proof_path, NULL), 1);
    write_proof(1, owed_height(&owed) - 1);
    assert_int_equal(verify(OPENING_WORDS, HOLDER_WORDS, "--proof", proof_path, NULL), 1);
    write_proof(2, owed_height(&owed));
    assert_int_equal(verify(OPENING_WORDS, HOLDER_WORDS, "--proof", proof_path, NULL), 1);
    owed_end(&owed);
}

/* One leaf shown to two: to the second it is another's. */
TEST(verify_liabilities, other_holders_leaves_are_refused)
{
    begin();
    key[5] = key[5] == '0' ? '1' : '0';
    assert_int_equal(verify(OPENING_WORDS, HOLDER_WORDS, NULL), 1);
    owed_end(&owed);
    begin();
    write_opening(2, 1, opening_paths[1]);
    assert_int_equal(verify(OPENING_WORDS, HOLDER_WORDS, NULL), 1);
    owed_end(&owed);
}

/* A file and an opening that are each right, but of two different sums. */
TEST(verify_liabilities, file_and_opening_are_of_one_root)
{
    begin();
    struct liabilities_head other;
    static uint8_t bytes[PROOF_BYTES_MAX], certificate[CERTIFICATE_BYTES_MAX];
    owed_open(&owed, 1, 0, &opening);
    other = opening.head;
    other.assets[1].root.bytes[0] ^= 1; /* the opened asset is as it was, the other one not */
    opening.head = other;
    opening.certificate_bytes =
        (uint32_t)owed_certificate(&owed, CERTIFICATE_OF_LIABILITIES, owed_height(&owed),
                                   liabilities_root(&other), certificate);
    memcpy(opening.certificate, certificate, opening.certificate_bytes);
    write_file(opening_paths[0], bytes, owed_frame(&owed, &opening, bytes));
    assert_int_equal(verify("--opening", opening_paths[0], HOLDER_WORDS, NULL), 0);
    assert_int_equal(verify("--opening", opening_paths[0], FILE_WORDS, "--account", key, NULL), 1);
    owed_end(&owed);
}

TEST(verify_liabilities, what_is_wrong_or_cannot_be_told_is_said)
{
    begin();
    owed.file[owed_leaves_at(&owed.head)] ^= 1;
    write_file(file_path_of, owed.file, owed.file_bytes);
    assert_int_equal(verify(FILE_WORDS, NULL), 1);
    assert_int_equal(verify("--liabilities", "/nowhere", "--genesis", genesis_path, NULL), 2);
    assert_int_equal(verify("--liabilities", file_path_of, NULL), 2);
    assert_int_equal(verify("--opening", opening_paths[0], "--genesis", genesis_path, NULL), 2);
    assert_int_equal(verify("--opening", "/nowhere", HOLDER_WORDS, NULL), 2);
    assert_int_equal(verify("--opening", proof_path, HOLDER_WORDS, NULL), 1);
    assert_int_equal(verify(FILE_WORDS, "--other", NULL), 2);
    assert_int_equal(verify("--liabilities", "--help", NULL), 0);
    owed_end(&owed);
}
