#include "node/anchor_notice.h"

#include "settlement/mandate_book.h"
#include "tests/unit/node/anchor_rig.h"

/* The gateway hears of each block and each certificate, in order. */
TEST(anchor, tells_the_gateway)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(2);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 3, 100);
    assert_true(reached(&bench.progress.certified_height, 2));
    uint64_t sealed = 0, certified = 0;
    for (int i = 0; i < PATIENCE && (sealed < 3 || certified < 2); i++) {
        size_t byte_count;
        const uint8_t *bytes = ring_peek(bench.notices, &byte_count);
        if (bytes == NULL) {
            usleep(1000);
            continue;
        }
        if (le_get_u16(bytes) == T_BLOCK_SEALED) {
            struct block_sealed_notice notice;
            assert_int_equal(byte_count, EVENT_HEADER_BYTES + BLOCK_SEALED_BYTES);
            block_sealed_notice_get(bytes + EVENT_HEADER_BYTES, &notice);
            assert_memory_equal(notice.header, story.blocks[sealed].bytes, BLOCK_HEADER_BYTES);
            assert_memory_equal(notice.hash, story.blocks[sealed++].hash.bytes, HASH_BYTES);
        } else {
            struct block_certified_notice notice;
            assert_int_equal(le_get_u16(bytes), T_BLOCK_CERTIFIED);
            block_certified_notice_get(bytes + EVENT_HEADER_BYTES, &notice);
            assert_int_equal(notice.height, ++certified);
            assert_true(certified <= sealed);
            assert_int_equal(notice.vote_count, 1);
        }
        ring_pop(bench.notices);
        ring_release(bench.notices);
    }
    assert_int_equal(sealed, 3);
    assert_int_equal(certified, 2);
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
}

/* Takes all that has come; returns how many. */
static uint32_t take_notices(struct ring *ring)
{
    uint32_t count = 0;
    for (size_t byte_count; ring_peek(ring, &byte_count) != NULL; count++)
        ring_pop(ring);
    ring_release(ring);
    return count;
}

/* Every gateway loop hears the same: of a block all are told or none is yet, though one has no room for a while. */
TEST(anchor, tells_every_gateway_loop)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(2);
    struct ring *full = bench.more_notices = new_ring(4096);
    for (uint8_t *room; (room = ring_reserve(full, 500)) != NULL;)
        ring_commit(full, 500);
    assert_false(ring_publish(full)); /* nobody sleeps */
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 3, 100);
    assert_true(reached(&bench.progress.certified_height, 2));
    assert_int_equal(take_notices(bench.notices), 0);
    assert_true(take_notices(full) > 0);
    park_wake(&bench.park);
    uint32_t first = 0, second = 0;
    for (int i = 0; i < PATIENCE && (first < 5 || second < 5); i++) {
        first += take_notices(bench.notices);
        second += take_notices(full);
        usleep(1000);
    }
    assert_int_equal(first, 5); /* three seals, two certificates */
    assert_int_equal(second, 5);
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
    free(full);
    bench.more_notices = NULL;
}

static uint64_t last_command(uint32_t height)
{
    return story.blocks[height - 1].header.last_command;
}

/* Applies the facts that have been sent; returns how many. */
static uint32_t take_facts(struct ring *facts, struct mandate_book *book)
{
    uint32_t count = 0;
    const uint8_t *bytes;
    for (size_t byte_count; (bytes = ring_peek(facts, &byte_count)) != NULL; count++) {
        struct event event;
        const uint8_t *at = bytes;
        assert_true(event_next(&at, bytes + byte_count, &event) && at == bytes + byte_count);
        assert_true(mandate_book_apply(book, &event));
        ring_pop(facts);
    }
    ring_release(facts);
    return count;
}

/* Every listing, account and key has been sent before settled_command passes its command, and they are all that is
 * needed to tell whether the story's commands may stand. */
TEST(anchor, facts_come_before_the_figure_that_promises_them)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(3);
    struct arena arena;
    struct ring *facts = new_ring(RING_BYTES);
    assert_true(arena_map(&arena, mandate_book_bytes(&story.journal.genesis)));
    struct mandate_book *book = mandate_book_new(&arena, &story.journal.genesis);
    bench.options.facts = facts;
    bench_start(new_ring(RING_BYTES), 0);
    send_blocks(1, 3, 1);
    assert_true(reached(&bench.progress.settled_command, last_command(3)));
    assert_int_equal(atomic_load(&bench.progress.settled_command), last_command(3));
    assert_true(take_facts(facts, book) >= 4);
    for (uint32_t height = 1; height <= 3; height++) {
        const struct story_block *block = &story.blocks[height - 1];
        const uint8_t *at = block->body;
        struct applied record;
        struct command command;
        struct authority_signature by;
        while (block_next(&at, block->body + block->body_bytes, &record, &command))
            assert_null(mandate_book_objection(book, &command, &by));
    }
    assert_int_equal(bench_stop(), STATUS_OK);
    free(facts);
    arena_unmap(&arena);
    bench_remove();
}

/* Who takes the facts may be slow: then nothing is settled, and nothing lost. */
TEST(anchor, waits_while_its_facts_have_no_room)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(3);
    struct ring *facts = new_ring(4096);
    uint32_t filled = 0;
    for (uint8_t *room; (room = ring_reserve(facts, 256)) != NULL; filled++)
        ring_commit(facts, 256);
    (void)!ring_publish(facts);
    bench.options.facts = facts;
    bench_start(new_ring(RING_BYTES), 0);
    send_blocks(1, 2, 1000);
    usleep(50000);
    assert_int_equal(atomic_load(&bench.progress.settled_command), 0);
    assert_int_equal(atomic_load(&bench.progress.sealed_height), 0);
    size_t byte_count;
    for (; filled > 0; filled--) {
        assert_non_null(ring_peek(facts, &byte_count));
        ring_pop(facts);
    }
    ring_release(facts);
    assert_true(reached(&bench.progress.settled_command, last_command(2)));
    assert_int_equal(bench_stop(), STATUS_OK);
    free(facts);
    bench_remove();
}
