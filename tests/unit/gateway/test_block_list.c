#include "gateway/block_list.h"

#include "common/messages.h"
#include "tests/harness.h"

static struct block_list list;

static void open_list(void)
{
    static uint8_t memory[1 << 19] __attribute__((aligned(64)));
    struct arena arena;
    memset(memory, 0, sizeof(memory));
    arena_init(&arena, memory, sizeof(memory));
    assert_true(block_list_init(&list, &arena));
}

static void seal(uint64_t height)
{
    uint8_t payload[BLOCK_SEALED_BYTES];
    struct block_sealed_notice sealed = {0};
    const struct block_header header = {.version = BLOCK_HEADER_VERSION, .height = height};
    block_header_encode(&header, sealed.header);
    memset(sealed.hash, (int)height, sizeof(sealed.hash));
    block_sealed_notice_put(payload, &sealed);
    block_list_apply(&list, T_BLOCK_SEALED, payload);
}

/* The list knows the last blocks and forgets the oldest; a certificate counts for all below. */
TEST(block_list, keeps_the_last_blocks)
{
    uint8_t payload[BLOCK_CERTIFIED_BYTES];
    open_list();
    assert_null(block_list_at(&list, 0));
    for (uint64_t height = 1; height <= BLOCK_LIST_KEPT + 1; height++)
        seal(height);
    assert_int_equal(list.height, BLOCK_LIST_KEPT + 1);
    assert_null(block_list_at(&list, 1));
    assert_int_equal(block_list_at(&list, 2)->hash.bytes[0], 2);
    const struct block_certified_notice certified = {.height = 5, .vote_count = 3};
    block_certified_notice_put(payload, &certified);
    block_list_apply(&list, T_BLOCK_CERTIFIED, payload);
    assert_int_equal(list.certified_height, 5);
    assert_int_equal(block_list_at(&list, 5)->vote_count, 3);
    assert_int_equal(block_list_at(&list, 4)->vote_count, 0);
}
