#include "node/anchor_halt.h"

#include "tests/unit/node/anchor_rig.h"

/* A block that the chain files hold otherwise: this node computes something else now than then. */
TEST(anchor, halts_at_a_header_that_is_not_the_stored_one)
{
    story_tell(&story, 0);
    bench_make();
    story.blocks[3].header.state_root.bytes[0] ^= 1;
    story_seal(&story);
    story_write(&story, bench.folder.path, 0);
    bench_signed(3);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 4, 100);
    assert_true(halted());
    assert_int_equal(atomic_load(&bench.progress.sealed_height), 3);
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
}
