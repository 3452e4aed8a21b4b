#include "engine/slices.h"

#include "common/arena.h"
#include "common/balance_slice.h"
#include "common/ring.h"
#include "engine/state.h"
#include "tests/harness.h"

#define RING_BYTES (1u << 19)

/* An engine with accounts and nothing else: slices look at nothing else. */
struct stage {
    struct arena arena;
    struct engine engine;
    struct params params;
    struct ring *ring;
    struct slices slices;
};

static void stage_open(struct stage *stage, uint32_t accounts, uint16_t assets)
{
    static const uint8_t no_key[PUBLIC_KEY_BYTES];
    memset(stage, 0, sizeof(*stage));
    stage->params = (struct params){.accounts_max = 10000, .orders_max = 8, .assets_max = 64};
    stage->params.asset_count = assets;
    stage->engine.params = stage->params;
    assert_true(arena_map(&stage->arena, accounts_bytes(&stage->params)));
    assert_true(accounts_init(&stage->engine.accounts, &stage->arena, &stage->params));
    for (uint32_t account = 1; account <= accounts; account++) {
        accounts_begin(&stage->engine.accounts, account);
        (void)accounts_create(&stage->engine.accounts, 0, no_key);
        assert_true(accounts_credit(&stage->engine.accounts, account, (uint16_t)(account % assets),
                                    (amount_t){account * 3}));
        assert_true(accounts_hold(&stage->engine.accounts, account, (uint16_t)(account % assets),
                                  (amount_t){account}));
    }
    stage->ring = ring_new(aligned_alloc(64, ring_bytes(RING_BYTES)), RING_BYTES);
    stage->slices.ring = stage->ring;
}

static void stage_close(struct stage *stage)
{
    free(stage->ring);
    arena_unmap(&stage->arena);
}

/* Takes the oldest slice. False: there is none. */
static bool take(struct stage *stage, struct balance_slice *slice)
{
    size_t byte_count;
    const uint8_t *bytes = ring_peek(stage->ring, &byte_count);
    if (bytes == NULL) return false;
    assert_true(balance_slice_get(bytes, byte_count, slice));
    for (uint32_t place = 0; place < slice->count; place++) {
        const uint32_t account = slice->first + place;
        const uint16_t asset = (uint16_t)(account % slice->asset_count);
        const struct balance_pair pair = balance_slice_pair(slice, place, asset);
        assert_int_equal(pair.available.units, account * 2);
        assert_int_equal(pair.held.units, account);
    }
    for (uint16_t asset = 0; asset < slice->asset_count; asset++)
        assert_int_equal(balance_slice_total(slice, asset).units,
                         stage->engine.accounts.supply[asset].units);
    ring_pop(stage->ring);
    ring_release(stage->ring);
    return true;
}

/* A pass has every account once, in order, as many a block as the bound on balances lets; then the next begins. */
TEST(slices, every_account_has_its_turn)
{
    struct stage stage;
    struct balance_slice slice;
    stage_open(&stage, 5000, 2);
    for (uint64_t height = 1; height <= 6; height++) {
        static const uint32_t firsts[] = {1, 2049, 4097, 1, 2049, 4097};
        slices_step(&stage.slices, &stage.engine, height, 0);
        assert_true(take(&stage, &slice));
        assert_int_equal(slice.height, height);
        assert_int_equal(slice.first, firsts[height - 1]);
        assert_int_equal(slice.total, 5000);
        assert_int_equal(balance_slice_ends(&slice), height % 3 == 0);
        assert_false(take(&stage, &slice));
    }
    stage_close(&stage);
}

/* A full ring takes nothing: the same accounts come with the next block, none is left out. */
TEST(slices, full_ring_leaves_nobody_out)
{
    struct stage stage;
    struct balance_slice slice;
    stage_open(&stage, 5000, 2);
    uint64_t height = 0;
    for (; height < 20; height++)
        slices_step(&stage.slices, &stage.engine, height + 1, 0);
    uint32_t next = 1;
    while (take(&stage, &slice)) {
        assert_int_equal(slice.first, next);
        next = balance_slice_ends(&slice) ? 1 : slice.first + slice.count;
    }
    slices_step(&stage.slices, &stage.engine, ++height, 0);
    assert_true(take(&stage, &slice));
    assert_int_equal(slice.height, height);
    assert_int_equal(slice.first, next);
    stage_close(&stage);
}

/* A pass that is asked for begins at once, with sixteen times as many balances a block. */
TEST(slices, a_pass_that_is_asked_for_hurries)
{
    struct stage stage;
    struct balance_slice slice;
    stage_open(&stage, 5000, 2);
    free(stage.ring);
    stage.ring = ring_new(aligned_alloc(64, ring_bytes(8u << 20)), 8u << 20);
    stage.slices.ring = stage.ring;
    slices_step(&stage.slices, &stage.engine, 1, 0);
    slices_step(&stage.slices, &stage.engine, 2, 1);
    slices_step(&stage.slices, &stage.engine, 3, 1);
    assert_true(take(&stage, &slice));
    assert_int_equal(slice.wanted, 0);
    assert_true(take(&stage, &slice));
    assert_int_equal(slice.wanted, 1);
    assert_int_equal(slice.first, 1);
    assert_int_equal(slice.count, 5000);
    assert_true(take(&stage, &slice)); /* and is over then */
    assert_int_equal(slice.count, 2048);
    stage_close(&stage);
}

/* Before the first account a slice says just that. */
TEST(slices, nobody_is_told_too)
{
    struct stage stage;
    struct balance_slice slice;
    stage_open(&stage, 0, 2);
    slices_step(&stage.slices, &stage.engine, 1, 0);
    assert_true(take(&stage, &slice));
    assert_int_equal(slice.count, 0);
    assert_int_equal(slice.total, 0);
    stage_close(&stage);
}
