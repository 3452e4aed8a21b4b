#include "node/anchor_block.h"

#include "tests/unit/node/anchor_rig.h"

static void tell_with_slices(uint32_t flip_height)
{
    story.slices.ring = new_ring(RING_BYTES);
    story.flip_height = flip_height;
    story_tell(&story, 0);
    bench_make();
    bench.options.slices = story.slices.ring;
    bench.options.compared = new_ring(RING_BYTES);
}

static void forget_slices(void)
{
    free(bench.options.slices);
    free(bench.options.compared);
}

/* With each block come the engine's balances; they are right, and go on to the PostgreSQL writer. */
TEST(anchor, balances_of_the_engine_are_compared_at_each_block)
{
    tell_with_slices(0);
    bench_signed(6);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 6, 100);
    assert_true(reached(&bench.progress.sealed_height, 6));
    assert_int_equal(atomic_load(&bench.progress.halted), 0);
    assert_int_equal(atomic_load(&bench.progress.reconciled.count), 6);
    assert_int_equal(atomic_load(&bench.progress.reconciled.to_height), 6);
    assert_int_equal(metric_get(&bench.metrics.reconciled_balances_total), 6 * 4);
    for (uint64_t height = 1; height <= 6; height++) {
        struct balance_slice slice;
        size_t byte_count;
        const uint8_t *bytes = ring_peek(bench.options.compared, &byte_count);
        assert_non_null(bytes);
        assert_true(balance_slice_get(bytes, byte_count, &slice));
        assert_int_equal(slice.height, height);
        ring_pop(bench.options.compared);
    }
    assert_int_equal(bench_stop(), STATUS_OK);
    forget_slices();
    bench_remove();
}

/* What the story says of account 2: its USDT after so many blocks, and the last command that moved anything of it. */
static void account_2_after(uint64_t height, int64_t *available, uint64_t *last_command)
{
    for (uint64_t i = 0; i < height; i++) {
        const struct story_block *block = &story.blocks[i];
        const uint8_t *at = block->body;
        struct applied record;
        struct command command;
        while (block_next(&at, block->body + block->body_bytes, &record, &command)) {
            const uint8_t *events = record.events;
            struct event event;
            while (event_next(&events, record.events + record.events_length, &event)) {
                struct balance_event balance;
                if (event.type != T_BALANCE) continue;
                balance_event_get(event.payload, &balance);
                if (balance.account != 2) continue;
                *last_command = record.number;
                if (balance.asset == JOURNAL_USDT) *available = balance.available.units;
            }
        }
    }
}

/* One unit in the engine's memory that no event told: the node halts before it writes or signs the block, and says
 * which account, which asset, both figures, and after which command. */
TEST(anchor, flipped_balance_in_the_engine_halts_before_signing)
{
    char path[] = "/tmp/quorex-log-XXXXXX", text[4096] = {0};
    tell_with_slices(3);
    bench_signed(2);
    const int log = mkstemp(path), kept = dup(STDERR_FILENO);
    assert_true(log >= 0 && dup2(log, STDERR_FILENO) >= 0);
    log_set_level(LOG_ERROR);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 3, 100);
    const bool stopped = halted();
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_true(stopped);
    assert_int_equal(atomic_load(&bench.progress.sealed_height), 2);
    assert_int_equal(metric_get(&bench.metrics.halted), 1);
    struct vote_command vote;
    while (next_vote(&vote, false))
        assert_true(vote.height < 3);
    assert_int_equal(bench_stop(), STATUS_OK);
    assert_true(pread(log, text, sizeof(text) - 1, 0) > 0);
    close(log);
    unlink(path);
    assert_non_null(strstr(text, "available balance in the engine's memory"));
    int64_t available = 0;
    long ours = 0, theirs = 0;
    uint64_t last_command = 0;
    unsigned long command = 0;
    account_2_after(3, &available, &last_command);
    const char *said = strstr(text, "what=\"available balance in the engine's memory\" command=");
    assert_non_null(said);
    assert_int_equal(sscanf(strchr(said, '=') + 1,
                            "\"available balance in the engine's memory\" command=%lu account=2"
                            " asset=1 market=0 order=0 ours=%ld theirs=%ld",
                            &command, &ours, &theirs),
                     3);
    assert_true(available > 0 && last_command > 0);
    assert_int_equal(ours, available);
    assert_int_equal(theirs, available + 1);
    assert_int_equal(command, last_command);
    log_set_level(LOG_ERROR + 1);

    struct chain *chain;
    assert_int_equal(chain_open_reader(bench.folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_tip(chain), 2);
    chain_close(chain);
    forget_slices();
    bench_remove();
}
