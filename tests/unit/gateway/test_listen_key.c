#include "gateway/listen_key.h"

#include "tests/harness.h"

#define NOW_NS 1700000000000000000ull

static struct arena arena;
static struct listen_keys *keys;
static uint8_t noise[LISTEN_KEY_LETTERS];

static void open_keys(void)
{
    arena_unmap(&arena);
    assert_true(arena_map(&arena, listen_key_bytes()));
    keys = listen_key_new(&arena);
    assert_non_null(keys);
    memset(noise, 0, sizeof(noise));
}

/* Whatever the noise: letters and digits, which stand in a URL as they are. */
TEST(listen_key, key_is_letters_and_digits)
{
    open_keys();
    for (int byte = 0; byte < 256; byte++) {
        memset(noise, byte, sizeof(noise));
        char key[LISTEN_KEY_LETTERS];
        listen_key_take(keys, (uint32_t)byte + 1, NOW_NS, 0, noise, key);
        for (int at = 0; at < LISTEN_KEY_LETTERS; at++)
            assert_true((key[at] >= '0' && key[at] <= '9') || (key[at] >= 'A' && key[at] <= 'Z') ||
                        (key[at] >= 'a' && key[at] <= 'z'));
    }
}

/* It is good for 60 minutes to the nanosecond; asked for again it is the same, and lasts from then. */
TEST(listen_key, account_has_one_key_for_an_hour)
{
    char key[LISTEN_KEY_LETTERS], again[LISTEN_KEY_LETTERS];
    open_keys();
    listen_key_take(keys, 7, NOW_NS, 0, noise, key);
    assert_int_equal(listen_key_account(keys, key, sizeof(key), NOW_NS + LISTEN_KEY_LIFE_NS - 1),
                     7);
    assert_int_equal(listen_key_account(keys, key, sizeof(key), NOW_NS + LISTEN_KEY_LIFE_NS), 0);
    memset(noise, 1, sizeof(noise));
    listen_key_take(keys, 7, NOW_NS + 5, 0, noise, again);
    assert_memory_equal(again, key, sizeof(key));
    assert_int_equal(listen_key_account(keys, key, sizeof(key), NOW_NS + LISTEN_KEY_LIFE_NS), 7);
    /* Once it is over, the next is another. */
    const uint64_t later = NOW_NS + 5 + LISTEN_KEY_LIFE_NS;
    listen_key_take(keys, 7, later, 0, noise, again);
    assert_memory_not_equal(again, key, sizeof(key));
    assert_int_equal(listen_key_account(keys, key, sizeof(key), later), 0);
}

TEST(listen_key, key_is_extended_and_ended_by_its_account_alone)
{
    char key[LISTEN_KEY_LETTERS], other[LISTEN_KEY_LETTERS];
    open_keys();
    listen_key_take(keys, 7, NOW_NS, 0, noise, key);
    memset(noise, 1, sizeof(noise));
    listen_key_take(keys, 8, NOW_NS, 0, noise, other);
    assert_false(listen_key_extend(keys, 8, key, sizeof(key), NOW_NS + 5));
    assert_false(listen_key_end(keys, 8, key, sizeof(key), NOW_NS + 5));
    assert_false(listen_key_extend(keys, 7, key, sizeof(key) - 1, NOW_NS + 5));
    assert_true(listen_key_extend(keys, 7, key, sizeof(key), NOW_NS + 5));
    assert_int_equal(listen_key_account(keys, key, sizeof(key), NOW_NS + LISTEN_KEY_LIFE_NS), 7);
    assert_true(listen_key_end(keys, 7, key, sizeof(key), NOW_NS + 6));
    assert_int_equal(listen_key_account(keys, key, sizeof(key), NOW_NS + 6), 0);
    assert_false(listen_key_extend(keys, 7, key, sizeof(key), NOW_NS + 6));
    assert_false(listen_key_end(keys, 7, key, sizeof(key), NOW_NS + 6));
}

TEST(listen_key, key_goes_with_its_account_alone)
{
    char key[LISTEN_KEY_LETTERS], other[LISTEN_KEY_LETTERS];
    open_keys();
    listen_key_take(keys, 7, NOW_NS, 0, noise, key);
    memset(noise, 1, sizeof(noise));
    listen_key_take(keys, 7 + LISTEN_KEY_SETS, NOW_NS, 0, noise, other);
    listen_key_drop(keys, 7, 1);
    listen_key_drop(keys, 7, 1); /* it has none any more */
    assert_int_equal(listen_key_account(keys, key, sizeof(key), NOW_NS), 0);
    assert_int_equal(listen_key_account(keys, other, sizeof(other), NOW_NS), 7 + LISTEN_KEY_SETS);
}

/* What ended it may be told later, by a loop that is behind: a key that was made behind it stays. One that was made before stays
 * one, however often it is asked for. */
TEST(listen_key, key_goes_by_what_happened_after_it_was_made)
{
    char key[LISTEN_KEY_LETTERS];
    open_keys();
    listen_key_take(keys, 7, NOW_NS, 5, noise, key);
    listen_key_drop(keys, 7, 5);
    assert_int_equal(listen_key_account(keys, key, sizeof(key), NOW_NS), 7);
    listen_key_take(keys, 7, NOW_NS, 9, noise, key);
    listen_key_drop(keys, 7, 6);
    assert_int_equal(listen_key_account(keys, key, sizeof(key), NOW_NS), 0);
}

/* Each of so many accounts has a place that no other takes. One beyond takes that of the key that would have ended first, of those
 * eight that its number leads to. */
TEST(listen_key, account_has_a_place_of_its_own)
{
    static char all[LISTEN_KEYS_MAX + 1][LISTEN_KEY_LETTERS];
    char key[LISTEN_KEY_LETTERS];
    open_keys();
    for (uint32_t account = 1; account <= LISTEN_KEYS_MAX; account++) {
        memcpy(noise + LISTEN_KEY_LETTERS - sizeof(account), &account, sizeof(account));
        listen_key_take(keys, account, NOW_NS + account, 0, noise, all[account]);
    }
    for (uint32_t account = 1; account <= LISTEN_KEYS_MAX; account++)
        assert_int_equal(
            listen_key_account(keys, all[account], LISTEN_KEY_LETTERS, NOW_NS + LISTEN_KEYS_MAX),
            account);
    assert_true(listen_key_extend(keys, 1, all[1], LISTEN_KEY_LETTERS, NOW_NS + LISTEN_KEYS_MAX));
    noise[20] = 1;
    listen_key_take(keys, LISTEN_KEYS_MAX + 1, NOW_NS + LISTEN_KEYS_MAX, 0, noise, key);
    const uint64_t now_ns = NOW_NS + LISTEN_KEYS_MAX;
    assert_int_equal(listen_key_account(keys, key, sizeof(key), now_ns), LISTEN_KEYS_MAX + 1);
    assert_int_equal(listen_key_account(keys, all[1], LISTEN_KEY_LETTERS, now_ns), 1);
    assert_int_equal(listen_key_account(keys, all[1 + LISTEN_KEY_SETS], LISTEN_KEY_LETTERS, now_ns),
                     0);
}

/* A zeroed place has no letters that would be a key. */
TEST(listen_key, nothing_is_nobodys_key)
{
    static const char zeros[LISTEN_KEY_LETTERS];
    open_keys();
    assert_int_equal(listen_key_account(keys, zeros, sizeof(zeros), 0), 0);
    assert_int_equal(listen_key_account(keys, "", 0, NOW_NS), 0);
    char key[LISTEN_KEY_LETTERS];
    memset(key, '9', sizeof(key)); /* of no set */
    assert_int_equal(listen_key_account(keys, key, sizeof(key), NOW_NS), 0);
}
