#include "common/log.h"
#include "ledger/chain_files.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"

/* Small segments, and of the block LOST the header alone, as chain_mend leaves it. */
#define SMALL_SEGMENT 6000
#define LOST          20u
#define TIP           60u

static struct chain_folder folder;
static struct blocks blocks, lost;
static struct chain *chain, *reader;

static void begin(void)
{
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&folder);
    blocks_begin(&blocks);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    chain->segment_bytes = SMALL_SEGMENT;
    assert_int_equal(chain_folder_fill(chain, &blocks, LOST - 1), STATUS_OK);
    blocks_next(&blocks);
    lost = blocks;
    assert_int_equal(chain_append_header(chain, blocks.header_bytes), STATUS_OK);
    assert_int_equal(chain_folder_fill(chain, &blocks, TIP), STATUS_OK);
    assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
    assert_int_equal(chain_tip(reader), TIP);
}

static void end(void)
{
    chain_close(reader);
    chain_close(chain);
    chain_folder_remove(&folder);
}

static enum status fill_in(const uint8_t header[BLOCK_HEADER_BYTES])
{
    return chain_fill_hole(reader, LOST, header, lost.body, lost.body_bytes);
}

static enum status read_lost(struct chain *from)
{
    struct chain_block block;
    const enum status status = chain_read_block(from, LOST, &block);
    if (status != STATUS_OK) return status;
    assert_memory_equal(block.header, lost.header_bytes, BLOCK_HEADER_BYTES);
    assert_int_equal(block.body_bytes, lost.body_bytes);
    assert_memory_equal(block.body, lost.body, lost.body_bytes);
    return STATUS_OK;
}

TEST(chain_filled, body_that_came_again_interrupts_nothing)
{
    begin();
    assert_int_equal(chain_hole(reader), LOST);
    assert_int_equal(chain_first_body(reader), LOST + 1);
    assert_int_equal(read_lost(reader), STATUS_NOT_FOUND);
    assert_int_equal(fill_in(lost.header_bytes), STATUS_OK);
    assert_int_equal(chain_hole(reader), 0);
    assert_int_equal(chain_first_body(reader), 1);
    assert_int_equal(read_lost(reader), STATUS_OK);
    assert_int_equal(read_lost(chain), STATUS_OK); /* the writer too */
    end();
}

TEST(chain_filled, only_this_very_block_counts_and_only_whole)
{
    uint8_t other[BLOCK_HEADER_BYTES];
    begin();
    memcpy(other, lost.header_bytes, sizeof(other));
    other[100] ^= 1;
    assert_int_equal(fill_in(other), STATUS_OK);
    assert_int_equal(read_lost(reader), STATUS_DAMAGED);
    assert_int_equal(chain_hole(reader), LOST);
    assert_int_equal(fill_in(lost.header_bytes), STATUS_OK);
    assert_int_equal(chain_first_body(reader), 1);
    chain_folder_flip(&folder, CHAIN_FILLED "/20", CHAIN_RECORD_HEADER_BYTES + BLOCK_HEADER_BYTES,
                      4);
    assert_int_equal(read_lost(reader), STATUS_DAMAGED);
    chain_close(reader); /* a new one looks at all of it */
    assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
    assert_int_equal(chain_hole(reader), LOST);
    end();
}

TEST(chain_filled, goes_with_its_segment)
{
    bool more = true;
    begin();
    assert_int_equal(fill_in(lost.header_bytes), STATUS_OK);
    assert_int_equal(chain_first_body(reader), 1);
    assert_int_equal(chain_prune_bodies(chain, 12, &more), STATUS_OK);
    const uint64_t first = chain_first_body(reader);
    assert_in_range(first, 2, 12);
    for (more = true; more;)
        assert_int_equal(chain_prune_bodies(chain, 40, &more), STATUS_OK);
    assert_in_range(chain_first_body(reader), LOST + 1, 40);
    assert_int_equal(chain_hole(reader), 0); /* taken away on purpose */
    assert_int_equal(read_lost(reader), STATUS_NOT_FOUND);
    assert_int_equal(chain_folder_open(&folder, CHAIN_FILLED "/20"), -1);
    end();
}

TEST(chain_filled, whole_and_empty_chains_have_no_hole)
{
    chain_folder_make(&folder);
    assert_int_equal(chain_open_reader(folder.path, &reader), STATUS_OK);
    assert_int_equal(chain_hole(reader), 0);
    blocks_begin(&blocks);
    assert_int_equal(chain_open(folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_folder_fill(chain, &blocks, 9), STATUS_OK);
    assert_int_equal(chain_hole(reader), 0);
    assert_int_equal(chain_first_body(reader), 1);
    end();
}

/* What was taken away is below, what was lost is not: bodies below it are here. */
TEST(chain_filled, what_was_lost_was_not_taken_away)
{
    begin();
    assert_int_equal(chain_first_body(chain), LOST + 1);
    for (uint64_t below = 1; below <= TIP; below++) {
        for (bool more = true; more;)
            assert_int_equal(chain_prune_bodies(chain, below, &more), STATUS_OK);
        const uint64_t from = chain_kept_from(chain);
        assert_int_equal(chain_kept_from(reader), from);
        assert_true(from <= below);
        for (uint64_t height = 1; height <= TIP; height++) {
            struct chain_block block;
            if (height != LOST)
                assert_int_equal(chain_read_block(chain, height, &block),
                                 height < from ? STATUS_NOT_FOUND : STATUS_OK);
        }
    }
    assert_true(chain_kept_from(chain) > LOST + 1);
    end();
}
