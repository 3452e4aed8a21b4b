#include "node/key_file.h"

#include "node/file_os.h"
#include "tests/harness.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[32];
static char path[FILE_PATH_MAX];
static uint8_t secret_key[SECRET_KEY_BYTES], found[SECRET_KEY_BYTES];

static void start(void)
{
    uint8_t public_key[PUBLIC_KEY_BYTES];
    assert_true(hash_start());
    memcpy(folder, "/tmp/quorex-key-XXXXXX", 23);
    assert_non_null(mkdtemp(folder));
    assert_true(file_path(path, folder, "node.key"));
    crypto_sign_keypair(public_key, secret_key);
    assert_int_equal(key_file_write(path, secret_key, sizeof(secret_key)), STATUS_OK);
}

static void finish(void)
{
    unlink(path);
    rmdir(folder);
}

TEST(key_file, reads_back_what_was_written)
{
    start();
    assert_int_equal(key_file_read_ed25519(path, found), STATUS_OK);
    assert_memory_equal(found, secret_key, sizeof(found));
    finish();
}

/* A node's identity that is overwritten is lost for ever. */
TEST(key_file, is_never_overwritten)
{
    start();
    assert_int_equal(key_file_write(path, found, sizeof(found)), STATUS_EXISTS);
    assert_int_equal(key_file_read_ed25519(path, found), STATUS_OK);
    assert_memory_equal(found, secret_key, sizeof(found));
    finish();
}

/* A key that others can read is no secret: refused on either side of the boundary. */
TEST(key_file, that_others_may_open_is_refused)
{
    static const mode_t refused[] = {0640, 0604, 0620, 0601, 0660};
    struct stat facts;
    start();
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(chmod(path, refused[i]), 0);
        assert_int_equal(key_file_read_ed25519(path, found), STATUS_MALFORMED);
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(key_file_read_ed25519(path, found), STATUS_OK);
    finish();
}

TEST(key_file, with_other_bytes_is_refused)
{
    static const char *const texts[] = {"", "\n", "00", "zz"};
    start();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(file_replace(path, texts[i], strlen(texts[i]), 0600), STATUS_OK);
        assert_int_equal(key_file_read_ed25519(path, found), STATUS_MALFORMED);
    }
    unlink(path);
    assert_int_equal(key_file_read_ed25519(path, found), STATUS_NOT_FOUND);

    secret_key[SECRET_KEY_BYTES - 1] ^= 1; /* the public half of some other key */
    assert_int_equal(key_file_write(path, secret_key, sizeof(secret_key)), STATUS_OK);
    assert_int_equal(key_file_read_ed25519(path, found), STATUS_MALFORMED);
    finish();
}

/* One bit of a secret is another secret: nobody's API key would work, and no state root would be right. */
TEST(key_file, that_has_rotted_is_refused)
{
    char *text;
    size_t length, hand_made = 2 * sizeof(secret_key) + 1;
    uint8_t secret[SECRET_KEY_BYTES];
    start();
    assert_int_equal(file_read(path, &text, &length), STATUS_OK);
    for (size_t i = 0; i < length - 1; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text[i] = (char)(text[i] ^ (1 << bit));
            assert_int_equal(file_replace(path, text, length, 0600), STATUS_OK);
            if (key_file_read(path, secret, sizeof(secret)) ==
                STATUS_OK) /* a digit in upper case */
                assert_memory_equal(secret, secret_key, sizeof(secret));
            text[i] = (char)(text[i] ^ (1 << bit));
        }
    }
    assert_int_equal(file_replace(path, text, length - 3, 0600), STATUS_OK);
    assert_int_equal(key_file_read(path, secret, sizeof(secret)), STATUS_MALFORMED);
    assert_int_equal(file_replace(path, text, hand_made, 0600), STATUS_OK);
    assert_int_equal(key_file_read(path, secret, sizeof(secret)), STATUS_OK);
    assert_memory_equal(secret, secret_key, sizeof(secret));
    free(text);
    finish();
}
