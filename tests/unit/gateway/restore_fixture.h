/* The desk's views, thrown away and made again from their section and from what an engine would know. */

#ifndef TESTS_UNIT_GATEWAY_RESTORE_FIXTURE_H
#define TESTS_UNIT_GATEWAY_RESTORE_FIXTURE_H

#include "gateway/restore.h"
#include "tests/unit/gateway/desk_fixture.h"

#define KEPT_ORDERS_MAX 64

static uint8_t kept_section[1 << 20];
static size_t kept_bytes;
static struct restore kept;

/* What the engine knows of the desk's state: taken before the views go. */
static struct {
    struct params params;
    uint32_t account_count;
    uint8_t public_keys[16][PUBLIC_KEY_BYTES];
    struct view_balance balances[16][3];
    struct view_order orders[KEPT_ORDERS_MAX];
    uint32_t order_count;
    uint64_t update_ids[4];
    struct depth_level levels[4][2][16];
    uint32_t level_counts[4][2];
    uint64_t command;
} kept_state;

static inline bool kept_take(void *context, const uint8_t *bytes, size_t byte_count)
{
    (void)context;
    if (kept_bytes + byte_count > sizeof(kept_section)) return false;
    memcpy(kept_section + kept_bytes, bytes, byte_count);
    kept_bytes += byte_count;
    return true;
}

static inline void keep_section(void)
{
    const struct restore_sink sink = {kept_take, NULL};
    kept_bytes = 0;
    restore_begin(&kept, desk_view, fixture_views);
    assert_true(restore_save(&kept, &sink));
}

static inline void keep_state(void)
{
    memset(&kept_state, 0, sizeof(kept_state));
    kept_state.params = *market_views_params(fixture_views);
    kept_state.command = view_command(desk_view);
    for (uint32_t account = 1; view_account(desk_view, account) != NULL; account++) {
        const struct view_order *order = NULL;
        kept_state.account_count = account;
        memcpy(kept_state.public_keys[account], view_account(desk_view, account)->public_key,
               PUBLIC_KEY_BYTES);
        for (uint16_t asset = 0; asset < 3; asset++)
            kept_state.balances[account][asset] = view_balance(desk_view, account, asset);
        while ((order = view_next_open(desk_view, account, order)) != NULL)
            kept_state.orders[kept_state.order_count++] = *order;
    }
    for (uint16_t market = 0; market < market_views_count(fixture_views); market++) {
        const struct depth *depth = &market_views_at(fixture_views, market)->depth;
        kept_state.update_ids[market] = depth->update_id;
        for (int side = BUY; side <= SELL; side++)
            kept_state.level_counts[market][side] =
                depth_top(depth, (enum side)side, kept_state.levels[market][side], 16);
    }
}

/* New views over the same genesis, with everything but the section. */
static inline void restore_state(void)
{
    desk_reopen();
    restore_begin(&kept, desk_view, fixture_views);
    assert_true(restore_params(&kept, &kept_state.params));
    for (uint32_t account = 1; account <= kept_state.account_count; account++) {
        assert_true(restore_account(&kept, account, kept_state.public_keys[account], 0));
        for (uint16_t asset = 0; asset < 3; asset++)
            assert_true(
                restore_balance(&kept, account, asset, kept_state.balances[account][asset]));
    }
    for (uint16_t market = 0; market < kept_state.params.market_count; market++) {
        assert_true(restore_book(&kept, market, kept_state.update_ids[market]));
        for (int side = BUY; side <= SELL; side++)
            for (uint32_t level = 0; level < kept_state.level_counts[market][side]; level++)
                assert_true(restore_level(&kept, market, (enum side)side,
                                          kept_state.levels[market][side][level].price,
                                          kept_state.levels[market][side][level].qty));
    }
    /* Youngest first: the section knows better. */
    for (uint32_t index = kept_state.order_count; index-- > 0;)
        assert_true(restore_order(&kept, &kept_state.orders[index]));
}

/* ann's OCO and two orders, bob's rest of 1, trades of two markets over two days. */
static inline void desk_busy(void)
{
    desk_open();
    desk_one_fill();
    desk_oco();
    desk_stamp += 3600ull * 1000000000u;
    desk_accept(0, 13, 1, SELL, 5100000, 4, "ann-2");
    desk_level(0, 4, SELL, 5100000, 4);
    desk_apply();
    desk_stamp += 86400ull * 1000000000u;
    desk_accept(0, 14, 2, BUY, 5100000, 1, "bob-3");
    desk_fill(0, 2, 2, 1, 1, 14, 2, BUY, 5000000, 1);
    desk_done(0, 1, 1, SELL, 5000000, 3, 3, 150000000, ORDER_FILLED, "ann-1");
    desk_done(0, 14, 2, BUY, 5100000, 1, 1, 50000000, ORDER_FILLED, "bob-3");
    desk_level(0, 5, SELL, 5000000, 0);
    desk_balance(1, 0, 990000, 7000);
    desk_apply();
    desk_accept(1, 1, 2, BUY, 700, 5, "bob-eth");
    desk_level(1, 1, BUY, 700, 5);
    desk_apply();
}

#endif /* TESTS_UNIT_GATEWAY_RESTORE_FIXTURE_H */
