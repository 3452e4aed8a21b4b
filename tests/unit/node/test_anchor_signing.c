#include "node/anchor_signing.h"

#include "tests/unit/node/anchor_rig.h"

/* A second start replays the whole log: the chain stays byte for byte, nothing that is in the log is
 * proposed again, and the one vote that is not (of block 6) is. */
TEST(anchor, replay_proposes_only_the_vote_that_was_lost)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(5);
    struct vote_command first, again;
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 6, 100);
    do
        assert_true(next_vote(&first, true));
    while (first.height < 6);
    assert_int_equal(bench_stop(), STATUS_OK);
    const off_t bytes = chain_folder_bytes(&bench.folder, "00000001.segment");

    bench_start(new_ring(RING_BYTES), story.journal.number);
    send_blocks(1, 6, 3);
    assert_true(next_vote(&again, true));
    assert_int_equal(again.height, 6);
    assert_memory_equal(again.signature, first.signature, SIGNATURE_BYTES);
    assert_int_equal(bench_stop(), STATUS_OK);
    assert_int_equal(chain_folder_bytes(&bench.folder, "00000001.segment"), bytes);
    assert_int_equal(metric_get(&bench.metrics.blocks_sealed_total), 0);
    bench_remove();
}

/* While the log of before the start is coming, known to end somewhere or not, nothing is proposed. */
TEST(anchor, proposes_nothing_in_replay)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(5);
    bench_start(new_ring(RING_BYTES), 0);
    send_blocks(1, 5, 100);
    assert_true(reached(&bench.progress.sealed_height, 5));
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_start(new_ring(RING_BYTES), story.journal.number);
    send_blocks(1, 5, 100);
    assert_true(reached(&bench.progress.certified_height, 4));
    assert_int_equal(bench_stop(), STATUS_OK);
    struct sign_once once;
    assert_int_equal(sign_once_open(&once, bench.sign_once_path), STATUS_OK);
    assert_int_equal(once.last.height, 5);
    sign_once_close(&once);
    bench_remove();
}

/* A height that was signed with another hash is never signed again: the node halts. */
TEST(anchor, halts_rather_than_sign_twice)
{
    story_tell(&story, 0);
    bench_make();
    struct sign_once once;
    struct vote_command vote;
    const struct sign_once_record other = {.height = 1, .header_hash = hash_of("other", 5)};
    assert_int_equal(sign_once_open(&once, bench.sign_once_path), STATUS_OK);
    assert_int_equal(sign_once_claim(&once, &other), STATUS_OK);
    sign_once_close(&once);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 1, 100);
    assert_true(halted());
    assert_false(next_vote(&vote, false));
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
}

/* A log that takes no votes for a while holds nothing up: blocks go on, and the votes come when there is
 * room again. */
TEST(anchor, full_vote_ring_holds_nothing_up)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(5);
    struct ring *full = new_ring(4096);
    uint32_t blocked = 0;
    while (ring_reserve(full, 200) != NULL) {
        ring_commit(full, 200);
        blocked++;
    }
    (void)!ring_publish(full);
    bench_start(full, 1);
    send_blocks(1, 5, 100);
    assert_true(reached(&bench.progress.sealed_height, 5));
    size_t byte_count;
    for (; blocked > 0; blocked--) {
        assert_non_null(ring_peek(full, &byte_count));
        assert_int_equal(byte_count, 200);
        ring_pop(full);
    }
    assert_null(ring_peek(full, &byte_count));
    ring_release(full);
    send_blocks(6, 6, 100);
    struct vote_command vote = {0};
    while (vote.height < 6)
        assert_true(next_vote(&vote, true));
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
}

/* A node that is no validator seals and follows the certificates, and signs nothing. */
TEST(anchor, that_is_no_validator_does_not_vote)
{
    story_tell(&story, 0);
    bench_make();
    struct vote_command vote;
    bench.options.node = 9;
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 6, 100);
    assert_true(reached(&bench.progress.certified_height, 5));
    assert_false(next_vote(&vote, false));
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
}
