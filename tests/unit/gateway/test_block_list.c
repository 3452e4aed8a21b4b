#include "gateway/block_list.h"

#include "common/messages.h"
#include "tests/harness.h"

static struct block_list list;

static void open_list(void)
{
    static uint8_t memory[1 << 20] __attribute__((aligned(64)));
    struct arena arena;
    memset(memory, 0, sizeof(memory));
    arena_init(&arena, memory, sizeof(memory));
    assert_true(block_list_init(&list, &arena));
}

static void seal(uint64_t height)
{
    uint8_t payload[BLOCK_SEALED_BYTES];
    struct block_sealed_notice sealed = {0};
    const struct block_header header = {
        .version = BLOCK_HEADER_VERSION, .height = height, .last_command = 10 * height};
    block_header_encode(&header, sealed.header);
    memset(sealed.hash, (int)height, sizeof(sealed.hash));
    block_sealed_notice_put(payload, &sealed);
    block_list_apply(&list, T_BLOCK_SEALED, payload);
}

static void certify(uint64_t height)
{
    uint8_t payload[BLOCK_CERTIFIED_BYTES];
    const struct block_certified_notice certified = {.height = height, .vote_count = 3};
    block_certified_notice_put(payload, &certified);
    block_list_apply(&list, T_BLOCK_CERTIFIED, payload);
}

/* The list knows the last blocks and forgets the oldest; a certificate counts for all below. */
TEST(block_list, keeps_the_last_blocks)
{
    open_list();
    assert_null(block_list_at(&list, 0));
    for (uint64_t height = 1; height <= BLOCK_LIST_KEPT + 1; height++)
        seal(height);
    assert_int_equal(list.height, BLOCK_LIST_KEPT + 1);
    assert_null(block_list_at(&list, 1));
    assert_int_equal(block_list_at(&list, 2)->hash.bytes[0], 2);
    certify(5);
    assert_int_equal(list.certified_height, 5);
    assert_int_equal(block_list_at(&list, 5)->vote_count, 3);
    assert_int_equal(block_list_at(&list, 4)->vote_count, 0);
}

static uint64_t ended(uint64_t above, uint64_t command)
{
    const struct block_entry *block = block_list_ended(&list, above, command);
    return block == NULL ? 0 : block->header.height;
}

/* What has become final: the newest block that is both known and covered, whichever is heard of first. */
TEST(block_list, final_block_is_sealed_and_certified)
{
    open_list();
    certify(2);
    assert_int_equal(ended(0, UINT64_MAX), 0);
    seal(1);
    assert_int_equal(ended(0, UINT64_MAX), 1); /* an ancestor */
    seal(2);
    seal(3);
    assert_int_equal(ended(0, UINT64_MAX), 2);
    seal(4);
    certify(1);
    assert_int_equal(ended(0, UINT64_MAX), 2);
    certify(4);
    assert_int_equal(ended(0, UINT64_MAX), 4);
    certify(BLOCK_LIST_KEPT + 9); /* of whose beginnings nothing is known */
    assert_int_equal(ended(0, UINT64_MAX), 4);
}

/* Of the blocks that are final the last one that a command has come to the end of, known ones alone. */
TEST(block_list, blocks_end_in_turn)
{
    open_list();
    assert_int_equal(ended(0, UINT64_MAX), 0);
    for (uint64_t height = 1; height <= 6; height++)
        if (height != 3) seal(height);
    certify(5);
    assert_int_equal(ended(0, 9), 0);
    assert_int_equal(ended(0, 10), 1);
    assert_int_equal(ended(0, 19), 1);
    assert_int_equal(ended(1, 19), 0);
    assert_int_equal(ended(1, 30), 2); /* of 3 nothing is known */
    assert_int_equal(ended(1, 49), 4);
    assert_int_equal(ended(1, 60), 5);
    assert_int_equal(ended(5, 60), 0);
    for (uint64_t height = 6; height <= BLOCK_LIST_KEPT + 5; height++)
        seal(height);
    certify(BLOCK_LIST_KEPT + 5);
    assert_int_equal(ended(5, 60), 6); /* the oldest that is kept */
    assert_int_equal(ended(4, 50), 0);
}
