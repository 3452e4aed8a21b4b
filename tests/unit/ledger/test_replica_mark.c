#include "ledger/replica_mark.h"

#include "tests/harness.h"

/* What is put is got; any other length, and numbers that cannot be, are refused. */
TEST(replica_mark, bytes_round_trip_and_nothing_else)
{
    const uint8_t configuration[24] = {1, 2, 3};
    const struct replica_mark mark = {.height = 10000,
                                      .base = {.index = 77,
                                               .term = 3,
                                               .hash = {{9}},
                                               .configuration_index = 50,
                                               .configuration = configuration,
                                               .configuration_bytes = sizeof(configuration)}};
    uint8_t bytes[REPLICA_MARK_BYTES_MAX + 1] = {0}, again[REPLICA_MARK_BYTES_MAX];
    struct replica_mark got;
    const size_t byte_count = replica_mark_put(&mark, bytes);
    assert_true(replica_mark_get(bytes, byte_count, &got));
    assert_int_equal(got.height, 10000);
    assert_int_equal(got.base.term, 3);
    assert_int_equal(got.base.configuration_bytes, 24);
    assert_int_equal(replica_mark_put(&got, again), byte_count);
    assert_memory_equal(bytes, again, byte_count);
    for (size_t length = 0; length < byte_count; length++)
        assert_false(replica_mark_get(bytes, length, &got));
    assert_false(replica_mark_get(bytes, byte_count + 1, &got));
    bytes[8] = 49; /* the configuration above the index */
    assert_false(replica_mark_get(bytes, byte_count, &got));
    bytes[8] = 77;
    bytes[16] = 0; /* no term */
    assert_false(replica_mark_get(bytes, byte_count, &got));
}
