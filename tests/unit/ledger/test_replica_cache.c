#include "ledger/replica_cache.h"

#include "tests/harness.h"

static struct replica_cache cache;

static void begin(void)
{
    static uint8_t *bytes;
    if (bytes == NULL) bytes = malloc(REPLICA_CACHE_BYTES);
    replica_cache_init(&cache, bytes);
}

static void put(uint64_t index, uint32_t length)
{
    uint8_t *at = replica_cache_room(&cache, length + 100);
    memset(at, (int)(index & 0xff), length);
    replica_cache_add(&cache, index, 3, 1, length);
}

/* Whether the entry is there, whole. */
static bool has(uint64_t index, uint32_t length)
{
    const uint8_t *bytes;
    const struct replica_cache_entry *entry = replica_cache_find(&cache, index, &bytes);
    if (entry == NULL) return false;
    assert_int_equal(entry->length, length);
    assert_int_equal(entry->term, 3);
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(bytes[i], index & 0xff);
    return true;
}

/* What was added is found, and nothing else is. */
TEST(replica_cache, finds_what_was_added)
{
    begin();
    assert_false(has(0, 0));
    assert_false(has(1, 0));
    for (uint64_t i = 1; i <= 100; i++)
        put(i, (uint32_t)i);
    for (uint64_t i = 1; i <= 100; i++)
        assert_true(has(i, (uint32_t)i));
    assert_false(has(101, 0));
    assert_false(has(1 + REPLICA_CACHE_ENTRIES, 0));
}

/* When bytes or entries run out the oldest give way, and an entry that is found is whole, always:
 * also the one whose bytes are next to be written over. */
TEST(replica_cache, the_oldest_give_way)
{
    begin();
    const uint32_t length = 200 * 1024;
    for (uint64_t i = 1; i <= 200; i++) {
        put(i, length);
        assert_true(has(i, length));
        for (uint64_t back = 1; back < i && back < 60; back++)
            if (!has(i - back, length)) assert_true(back > 20); /* 6 MiB at least are kept */
    }
    assert_false(has(1, length));

    begin();
    for (uint64_t i = 1; i <= REPLICA_CACHE_ENTRIES + 10; i++)
        put(i, 8);
    assert_false(has(10, 8));
    assert_true(has(11, 8));
}

/* Room taken and not used costs nothing, and replaced entries are gone. */
TEST(replica_cache, forgets_what_is_replaced)
{
    begin();
    for (uint64_t i = 1; i <= 10; i++)
        put(i, 8);
    replica_cache_truncate(&cache, 6);
    assert_true(has(5, 8));
    assert_false(has(6, 8));
    assert_false(has(10, 8));
    put(6, 16);
    assert_true(has(6, 16));
}
