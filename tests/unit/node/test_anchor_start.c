#include "node/anchor_start.h"

#include "tests/unit/node/anchor_rig.h"

/* A chain without its sign-once file: what was signed is not known, so the node does not start. */
TEST(anchor, does_not_start_without_its_sign_once_file)
{
    story_tell(&story, 0);
    bench_make();
    story_write(&story, bench.folder.path, UINT32_MAX);
    unlink(bench.sign_once_path);
    bench_start(new_ring(RING_BYTES), 1);
    assert_int_equal(bench_stop(), STATUS_AMNESIAC);
    bench_remove();
}
