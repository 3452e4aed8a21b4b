#include "node/reconciliation.h"

#include "tests/harness.h"

#include <fcntl.h>
#include <unistd.h>

static struct reconciliation reconciliation;

static bool read_pair(const char *pair)
{
    char *pairs[] = {(char *)(uintptr_t)pair};
    const int error = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    assert_true(dup2(nowhere, STDERR_FILENO) >= 0);
    const bool read = reconciliation_read(1, pairs, &reconciliation);
    dup2(error, STDERR_FILENO);
    close(error);
    close(nowhere);
    return read;
}

TEST(reconciliation, pairs_are_read_strictly)
{
    assert_true(reconciliation_read(0, NULL, &reconciliation));
    assert_int_equal(reconciliation.seconds, RECONCILIATION_SECONDS);
    assert_true(reconciliation.database);
    assert_true(read_pair("seconds=86400"));
    assert_int_equal(reconciliation.seconds, 86400);
    assert_true(read_pair("database=false"));
    assert_false(reconciliation.database);
    assert_false(read_pair("seconds=0"));
    assert_false(read_pair("seconds=86401"));
    assert_false(read_pair("seconds=5s"));
    assert_false(read_pair("seconds="));
    assert_false(read_pair("database=maybe"));
    assert_false(read_pair("account=1"));
}

/* Nobody there: no answer is told as that, not as a good end. */
TEST(reconciliation, no_answer_is_not_a_good_one)
{
    const uint8_t seed[32] = {1};
    uint8_t public_key[PUBLIC_KEY_BYTES], secret_key[SECRET_KEY_BYTES];
    assert_true(hash_start());
    crypto_sign_seed_keypair(public_key, secret_key, seed);
    struct client *client = client_new("http://127.0.0.1:25999");
    assert_non_null(client);
    reconciliation = (struct reconciliation){.seconds = 1};
    assert_int_equal(reconciliation_perform(client, secret_key, &reconciliation), 3);
    client_free(client);
}
