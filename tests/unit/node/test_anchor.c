#include "node/anchor.h"

#include "ledger/chain_files.h"
#include "node/anchor_state.h"
#include "tests/unit/node/anchor_rig.h"

/* An engine whose balance does not follow from the facts: the node halts before it signs that block,
 * stays there, and drains its ring. */
TEST(anchor, halts_before_it_signs_a_wrong_balance)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(2);
    uint8_t *balance = story_event(&story, 3, T_BALANCE, 0);
    le_put_i64(balance, le_get_i64(balance) + 1);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 6, 100);
    assert_true(halted());
    for (int i = 0; i < PATIENCE && ring_used(bench.applied) > 0; i++)
        usleep(1000);
    assert_int_equal(ring_used(bench.applied), 0);
    assert_int_equal(atomic_load(&bench.progress.sealed_height), 2);
    assert_int_equal(metric_get(&bench.metrics.halted), 1);
    assert_int_equal(bench_stop(), STATUS_OK);
    struct sign_once once;
    assert_int_equal(sign_once_open(&once, bench.sign_once_path), STATUS_OK);
    assert_true(once.last.height <= 2);
    sign_once_close(&once);
    bench_remove();
}

/* ---- Old bodies ---- */

/* The story's blocks, each in a file of its own; without the body of `lost`. */
static void write_small_files(uint64_t lost)
{
    struct chain *chain;
    assert_int_equal(chain_open(bench.folder.path, &chain), STATUS_OK);
    chain->segment_bytes = 1;
    for (uint32_t i = 0; i < story.height; i++) {
        const struct story_block *block = &story.blocks[i];
        const enum status status =
            i + 1 == lost ? chain_append_header(chain, block->bytes)
                          : chain_append_block(chain, block->bytes, block->body, block->body_bytes);
        assert_int_equal(status, STATUS_OK);
    }
    chain_close(chain);
}

static uint64_t first_body(void)
{
    struct chain *chain;
    assert_int_equal(chain_open_reader(bench.folder.path, &chain), STATUS_OK);
    const uint64_t height = chain_first_body(chain);
    chain_close(chain);
    return height;
}

/* Turns often enough to take all there is. The first body that is left then. */
static uint64_t first_body_kept(uint64_t kept, bool projects, uint64_t checkpoint,
                                uint64_t projected)
{
    struct anchor *anchor;
    bench.options.applied = new_ring(RING_BYTES);
    bench.options.bodies_kept = kept;
    bench.options.projects = projects;
    atomic_store(&bench.progress.checkpoint_height, checkpoint);
    atomic_store(&bench.progress.projection_base, projected);
    assert_int_equal(anchor_open(&bench.options, &anchor), STATUS_OK);
    for (uint64_t turn = 0; turn < 10; turn++)
        (void)anchor_turn(anchor, turn);
    assert_int_equal(anchor_status(anchor), STATUS_OK);
    anchor_close(anchor);
    free(bench.options.applied);
    return first_body();
}

/* Bodies stay until a certified checkpoint is far enough above them, and until PostgreSQL has what is in them:
 * what was pruned too early would be a gap in the history. */
TEST(anchor, old_bodies_go_below_a_checkpoint)
{
    story_tell(&story, 0);
    bench_make();
    write_small_files(0);
    assert_int_equal(first_body_kept(0, false, 6, 0), 1); /* an archive */
    assert_int_equal(first_body_kept(2, false, 0, 0), 1); /* no checkpoint */
    assert_int_equal(first_body_kept(2, false, 2, 0), 1);
    assert_int_equal(first_body_kept(2, true, 6, 0), 1);
    assert_int_equal(first_body_kept(2, true, 6, 1), 2);
    assert_int_equal(first_body_kept(2, true, 6, 6), 4);
    /* With a place for what releases need of them they go when that is there. */
    char releases[160];
    snprintf(releases, sizeof(releases), "%s-releases", bench.folder.path);
    bench.options.releases_directory = releases;
    assert_int_equal(first_body_kept(1, false, 6, 0), 5);
    assert_int_equal(access(releases, R_OK), 0);
    chain_folder_remove_files(releases);
    chain_folder_remove(&bench.folder);
    unlink(bench.sign_once_path);
    story_end(&story);
}

/* Where what releases need cannot be kept the node goes on: bodies stay, it is counted, and tried again a minute later. */
TEST(anchor, bodies_stay_while_their_releases_cannot_be_kept)
{
    char releases[160];
    struct anchor *anchor;
    const uint64_t minute = UINT64_C(60000000000);
    story_tell(&story, 0);
    bench_make();
    write_small_files(0);
    snprintf(releases, sizeof(releases), "%s-releases", bench.folder.path);
    bench.options.releases_directory = releases;
    const int file = open(releases, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(first_body_kept(1, false, 6, 0), 1);
    assert_int_equal(metric_get(&bench.metrics.releases_failed_total), 1);

    bench.options.applied = new_ring(RING_BYTES);
    assert_int_equal(anchor_open(&bench.options, &anchor), STATUS_OK);
    (void)anchor_turn(anchor, 1);
    (void)anchor_turn(anchor, minute);
    assert_int_equal(metric_get(&bench.metrics.releases_failed_total), 2);
    (void)anchor_turn(anchor, minute + 1);
    assert_int_equal(metric_get(&bench.metrics.releases_failed_total), 3);
    unlink(releases);
    (void)anchor_turn(anchor, 2 * minute);
    assert_int_equal(access(releases, F_OK), -1);
    assert_int_equal(first_body(), 1);
    for (uint64_t turn = 1; turn < 10; turn++)
        (void)anchor_turn(anchor, 2 * minute + turn);
    assert_int_equal(anchor_status(anchor), STATUS_OK);
    assert_int_equal(metric_get(&bench.metrics.releases_failed_total), 3);
    anchor_close(anchor);
    free(bench.options.applied);
    assert_int_equal(first_body(), 5);
    chain_folder_remove_files(releases);
    chain_folder_remove(&bench.folder);
    unlink(bench.sign_once_path);
    story_end(&story);
}

/* Bodies below one that was lost are here, and go: what releases need of them is kept too. */
TEST(anchor, releases_below_a_lost_body_are_kept)
{
    char releases[160];
    struct anchor *anchor;
    story_tell(&story, 0);
    bench_make();
    write_small_files(3);
    assert_int_equal(first_body(), 4);
    snprintf(releases, sizeof(releases), "%s-releases", bench.folder.path);
    bench.options.releases_directory = releases;
    const int file = open(releases, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    close(file);
    bench.options.bodies_kept = 1;
    atomic_store(&bench.progress.checkpoint_height, 6);
    bench.options.applied = new_ring(RING_BYTES);
    assert_int_equal(anchor_open(&bench.options, &anchor), STATUS_OK);
    (void)anchor_turn(anchor, 1);
    assert_int_equal(metric_get(&bench.metrics.releases_failed_total), 1);
    assert_int_equal(anchor->shelved, 0); /* it begins with block 1 */
    anchor_close(anchor);
    free(bench.options.applied);
    unlink(releases);
    chain_folder_remove(&bench.folder);
    unlink(bench.sign_once_path);
    story_end(&story);
}
