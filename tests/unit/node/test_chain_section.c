#include "node/chain_section.h"

#include "tests/harness.h"

static const uint8_t configuration[] = "four nodes";

static size_t mark_put(uint8_t *bytes)
{
    const struct replica_mark mark = {.height = 9,
                                      .base = {.index = 77,
                                               .term = 3,
                                               .hash = {{1, 2, 3}},
                                               .configuration_index = 5,
                                               .configuration = configuration,
                                               .configuration_bytes = sizeof(configuration)}};
    return replica_mark_put(&mark, bytes);
}

/* What is put is got, and nothing that is longer or shorter. */
TEST(chain_section, is_exactly_one)
{
    static uint8_t bytes[CHAIN_SECTION_BYTES_MAX + 1], mark[REPLICA_MARK_BYTES_MAX];
    static const uint8_t digest[] = {7, 8, 9, 10, 11};
    struct chain_section section;
    const size_t byte_count =
        chain_section_put(digest, sizeof(digest), mark, mark_put(mark), bytes);
    assert_true(chain_section_get(bytes, byte_count, &section));
    assert_int_equal(section.digest_bytes, sizeof(digest));
    assert_memory_equal(section.digest, digest, sizeof(digest));
    assert_int_equal(section.mark.height, 9);
    assert_int_equal(section.mark.base.index, 77);
    assert_int_equal(section.mark.base.term, 3);
    assert_int_equal(section.mark.base.hash.bytes[2], 3);
    assert_int_equal(section.mark.base.configuration_index, 5);
    assert_int_equal(section.mark.base.configuration_bytes, sizeof(configuration));
    assert_memory_equal(section.mark.base.configuration, configuration, sizeof(configuration));

    assert_false(chain_section_get(bytes, byte_count + 1, &section));
    for (size_t less = 0; less < byte_count; less++)
        assert_false(chain_section_get(bytes, less, &section));
}

/* A digest that says it is longer than all there is is not read. */
TEST(chain_section, length_is_outside_input)
{
    static uint8_t bytes[CHAIN_SECTION_BYTES_MAX], mark[REPLICA_MARK_BYTES_MAX];
    struct chain_section section;
    const size_t byte_count = chain_section_put(bytes, 0, mark, mark_put(mark), bytes);
    assert_true(chain_section_get(bytes, byte_count, &section));
    memset(bytes, 0xff, 4);
    assert_false(chain_section_get(bytes, byte_count, &section));
}
