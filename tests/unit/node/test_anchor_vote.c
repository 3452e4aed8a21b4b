#include "node/anchor_vote.h"

#include "node/verify.h"
#include "tests/unit/node/anchor_rig.h"

/* Blocks come out as they were told, each is voted for, and its vote, back from the log, certifies it.
 * Commands come in parts of one event: the records are put together again. */
TEST(anchor, seals_votes_and_certifies)
{
    story_tell(&story, 0);
    bench_make();
    bench_start(new_ring(RING_BYTES), 1);
    for (uint32_t height = 1; height <= 6; height++) {
        struct vote_command vote;
        send_blocks(height, height, 1);
        assert_true(next_vote(&vote, true));
        assert_int_equal(vote.height, height);
        assert_memory_equal(vote.header_hash, story.blocks[height - 1].hash.bytes, HASH_BYTES);
        assert_true(certificate_vote_valid(&vote, genesis_chain_id(&story.journal.genesis),
                                           &story.journal.genesis.validators));
    }
    assert_true(reached(&bench.progress.sealed_height, 6));
    assert_true(reached(&bench.progress.certified_height, 5)); /* the last vote is not back yet */
    assert_int_equal(metric_get(&bench.metrics.blocks_sealed_total), 6);
    assert_int_equal(bench_stop(), STATUS_OK);

    struct chain *chain;
    struct chain_block block;
    assert_int_equal(chain_open_reader(bench.folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_tip(chain), 6);
    assert_int_equal(chain_certified(chain), 5);
    for (uint32_t height = 1; height <= 6; height++) {
        assert_int_equal(chain_read_block(chain, height, &block), STATUS_OK);
        assert_memory_equal(block.header, story.blocks[height - 1].bytes, BLOCK_HEADER_BYTES);
        assert_int_equal(block.body_bytes, story.blocks[height - 1].body_bytes);
        assert_memory_equal(block.body, story.blocks[height - 1].body, block.body_bytes);
    }
    chain_close(chain);
    struct verify_result result;
    assert_int_equal(
        verify_chain(bench.folder.path, &story.journal.genesis, journal_tree_secret, &result),
        STATUS_OK);
    assert_int_equal(result.certified_height, 5);
    bench_remove();
}
