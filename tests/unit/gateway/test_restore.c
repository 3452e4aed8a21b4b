#include "gateway/restore.h"

#include "gateway/view_restore.h"
#include "tests/unit/gateway/restore_fixture.h"

static bool load(void)
{
    return restore_load(&kept, kept_section, kept_bytes);
}

static void restore_all(void)
{
    restore_state();
    assert_true(load());
    assert_true(restore_end(&kept, kept_state.command));
}

/* A client is shown the same before and after: orders with all their times, in their order, lists, balances,
 * the book, tickers, trades, candles. */
TEST(restore, answers_are_the_same_as_before)
{
    static const char *const asked[][2] = {{"/api/v3/openOrders", ""},
                                           {"/api/v3/openOrderList", ""},
                                           {"/api/v3/account", ""},
                                           {"/api/v3/depth", "symbol=BTCUSDT"},
                                           {"/api/v3/depth", "symbol=ETHBTC"},
                                           {"/api/v3/trades", "symbol=BTCUSDT"},
                                           {"/api/v3/aggTrades", "symbol=BTCUSDT"},
                                           {"/api/v3/ticker/24hr", ""},
                                           {"/api/v3/ticker/price", ""},
                                           {"/api/v3/avgPrice", "symbol=BTCUSDT"}};
    enum { ASKED = sizeof(asked) / sizeof(asked[0]) };
    static char before[ASKED][2][16384];
    desk_busy();
    for (int i = 0; i < ASKED; i++)
        for (uint32_t account = 1; account <= 2; account++) {
            assert_int_equal(desk_ask(METHOD_GET, asked[i][0], asked[i][1], account),
                             OUTCOME_ANSWERED);
            assert_true(strlen(desk_answer) < sizeof(before[0][0]));
            memcpy(before[i][account - 1], desk_answer, strlen(desk_answer) + 1);
        }
    keep_section();
    keep_state();
    restore_all();
    for (int i = 0; i < ASKED; i++)
        for (uint32_t account = 1; account <= 2; account++) {
            assert_int_equal(desk_ask(METHOD_GET, asked[i][0], asked[i][1], account),
                             OUTCOME_ANSWERED);
            assert_string_equal(desk_answer, before[i][account - 1]);
        }
    assert_int_equal(view_command(desk_view), kept_state.command);
    assert_true(view_check(desk_view));
}

/* And life goes on: the same commands lead to the same section, whether or not the views were restored. */
TEST(restore, goes_on_as_if_nothing_had_been)
{
    static uint8_t stayed[1 << 20];
    for (int restarts = 0; restarts <= 1; restarts++) {
        desk_busy();
        keep_section();
        keep_state();
        if (restarts) restore_all();
        desk_stamp += 3600ull * 1000000000u;
        desk_accept(0, 15, 2, BUY, 5100000, 4, "bob-4");
        desk_fill(0, 3, 3, 13, 1, 15, 2, BUY, 5100000, 4);
        desk_done(0, 13, 1, SELL, 5100000, 4, 4, 204000000, ORDER_FILLED, "ann-2");
        desk_done(0, 15, 2, BUY, 5100000, 4, 4, 204000000, ORDER_FILLED, "bob-4");
        desk_level(0, 6, SELL, 5100000, 0);
        desk_apply();
        desk_end(11, 1, SELL, LIMIT_MAKER, 6000000, 3, ORDER_CANCELED, DONE_CANCELED, "above");
        desk_end(12, 1, SELL, STOP_LOSS, 0, 3, ORDER_CANCELED, DONE_LIST_CANCELED, "below");
        desk_list_done(1, 1);
        desk_apply();
        assert_true(view_check(desk_view));
        keep_section();
        if (restarts == 0)
            memcpy(stayed, kept_section, kept_bytes);
        else
            assert_memory_equal(kept_section, stayed, kept_bytes);
    }
}

/* What ended or traded before the checkpoint is not in memory, and nobody may think that there was nothing. */
TEST(restore, tails_below_the_checkpoint_are_dropped_not_empty)
{
    desk_busy();
    keep_section();
    keep_state();
    restore_all();
    assert_int_equal(view_dropped(desk_view), kept_state.command);
    assert_null(view_next_done(desk_view, 2, NULL));
    assert_null(view_next_fill(desk_view, 1, NULL));
    assert_null(view_next_market_fill(desk_view, 0, NULL));
    assert_true(view_list_lost(view_lists(desk_view), 1));
    assert_int_equal(view_list_dropped(view_lists(desk_view)), kept_state.command);
    assert_true(account_tail_lost(view_preventions(desk_view), 2));
    assert_int_equal(view_preventions(desk_view)->dropped, kept_state.command);
    assert_true(account_tail_lost(view_amendments(desk_view), 2));
    assert_int_equal(view_amendments(desk_view)->dropped, kept_state.command);
    assert_true(view_has_traded(desk_view, 0));
    assert_false(view_has_traded(desk_view, 1));
    /* When it was first is not known any more, but for how late it can have been. */
    assert_true(view_had_traded(desk_view, 0, desk_stamp));
    assert_false(view_had_traded(desk_view, 0, desk_stamp - 1));
    assert_false(view_had_traded(desk_view, 1, desk_stamp));
    /* New ones come on top, and the oldest ones stay known as lost. */
    desk_end(13, 1, SELL, LIMIT, 5100000, 4, ORDER_CANCELED, DONE_CANCELED, "ann-2");
    desk_apply();
    assert_int_equal(view_next_done(desk_view, 1, NULL)->order_id, 13);
    assert_null(view_next_done(desk_view, 1, view_next_done(desk_view, 1, NULL)));
    assert_int_equal(view_dropped(desk_view), kept_state.command);
}

/* The section has one form: bytes that are taken are the bytes that would be written. */
TEST(restore, changed_bytes_are_refused_or_written_back)
{
    static uint8_t flipped[1 << 20];
    uint32_t taken = 0;
    desk_busy();
    keep_section();
    keep_state();
    const size_t byte_count = kept_bytes;
    for (size_t at = 0; at < byte_count; at++) {
        const uint8_t bit = (uint8_t)(1u << at % 8);
        kept_section[at] ^= bit;
        restore_state();
        if (load()) {
            memcpy(flipped, kept_section, byte_count);
            taken++;
            /* The command is restore_end's to check; what else was taken must be what it says. */
            const uint64_t command = le_get_u64(kept_section + 8);
            assert_int_equal(restore_end(&kept, kept_state.command), command == kept_state.command);
            if (command == kept_state.command) {
                keep_section();
                assert_int_equal(kept_bytes, byte_count);
                assert_memory_equal(kept_section, flipped, byte_count);
            }
        }
        kept_section[at] ^= bit;
    }
    /* Volumes and ids may be others; times, places, counts and order may not. */
    assert_true(taken < byte_count / 2);
}

TEST(restore, cut_and_longer_sections_are_refused)
{
    desk_busy();
    keep_section();
    keep_state();
    const size_t byte_count = kept_bytes;
    for (kept_bytes = 0; kept_bytes < byte_count; kept_bytes += 1 + byte_count / 977) {
        restore_state();
        assert_false(load());
    }
    kept_section[byte_count] = 0;
    kept_bytes = byte_count + 1;
    restore_state();
    assert_false(load());
}

/* Orders, accounts and lists that the engine does not have, or that the section leaves out. */
TEST(restore, section_and_engine_must_agree)
{
    desk_busy();
    keep_section();
    keep_state();
    kept_state.order_count--; /* the engine has one fewer */
    restore_state();
    assert_false(load());
    kept_state.order_count++;
    kept_state.account_count--;
    for (uint32_t index = 0; index < kept_state.order_count; index++)
        kept_state.orders[index].account = 1;
    restore_state();
    assert_false(load());
}

/* What comes call by call is outside input too. */
TEST(restore, calls_refuse_what_cannot_be)
{
    struct params params;
    struct node_set nodes = {.count = 1, .members[0] = {.node = 1, .role = NODE_VOTER}};
    struct node_changed_event changed = {.height = 50, .node = 2, .role = NODE_STANDBY};
    const struct key_added_event stranger = {.account = 9};
    const uint8_t key[PUBLIC_KEY_BYTES] = {1};
    desk_busy();
    keep_section();
    keep_state();
    desk_reopen();
    restore_begin(&kept, desk_view, fixture_views);
    assert_false(restore_account(&kept, 1, key, 0)); /* parameters first */
    params = kept_state.params;
    params.orders_max++;
    assert_false(restore_params(&kept, &params));
    params.orders_max--;
    params.markets[1].symbol[0] = 'X';
    assert_false(restore_params(&kept, &params));
    assert_true(restore_params(&kept, &kept_state.params));
    assert_false(restore_params(&kept, &kept_state.params)); /* once */
    assert_false(restore_account(&kept, 2, key, 0));         /* from 1 on */
    assert_false(restore_account(&kept, 1, key, 1));         /* a tier there is not */
    assert_true(restore_account(&kept, 1, key, 0));
    assert_false(restore_balance(&kept, 1, 3, (struct view_balance){{1}, {1}}));
    assert_false(restore_balance(&kept, 1, 0, (struct view_balance){{-1}, {0}}));
    assert_false(restore_balance(&kept, 2, 0, (struct view_balance){{1}, {1}}));
    assert_false(restore_key(&kept, &stranger));
    assert_false(restore_book(&kept, 2, 1));
    assert_false(restore_level(&kept, 0, BUY, (price_t){5}, (qty_t){1})); /* the book first */
    assert_true(restore_book(&kept, 0, 7));
    assert_false(restore_book(&kept, 0, 7));
    assert_true(restore_level(&kept, 0, BUY, (price_t){5}, (qty_t){1}));
    assert_false(restore_level(&kept, 0, BUY, (price_t){5}, (qty_t){1}));
    assert_false(restore_level(&kept, 0, BUY, (price_t){0}, (qty_t){1}));
    assert_false(restore_level(&kept, 0, BUY, (price_t){6}, (qty_t){0}));
    struct view_order order = kept_state.orders[0];
    order.executed.lots = order.qty.lots + 1;
    assert_false(restore_order(&kept, &order));
    order = kept_state.orders[0];
    order.account = 2;
    assert_false(restore_order(&kept, &order));
    order.account = 1;
    order.status = ORDER_FILLED;
    assert_false(restore_order(&kept, &order));
    order.status = ORDER_NEW;
    assert_true(restore_order(&kept, &order));
    assert_false(restore_order(&kept, &order));
    assert_true(restore_nodes(&kept, 40, &nodes));
    assert_true(restore_node_change(&kept, &changed));
    changed.height = 49;
    assert_false(restore_node_change(&kept, &changed));
    nodes.members[0].role = NODE_GONE;
    assert_false(restore_nodes(&kept, 40, &nodes));
    assert_false(restore_end(&kept, kept_state.command)); /* no section yet */
}

/* A sink that cannot is told to whoever saves. */
static bool refuse_all(void *context, const uint8_t *bytes, size_t byte_count)
{
    (void)context, (void)bytes, (void)byte_count;
    return false;
}

TEST(restore, sink_that_fails_is_told)
{
    const struct restore_sink sink = {refuse_all, NULL};
    desk_busy();
    restore_begin(&kept, desk_view, fixture_views);
    assert_false(restore_save(&kept, &sink));
}

/* The bytes of a small state, so that an old checkpoint stays readable. */
TEST(restore, section_bytes_are_golden)
{
    desk_open();
    desk_one_fill();
    desk_oco();
    keep_section();
    const hash_t hash = hash_of(kept_section, kept_bytes);
    char text[2 * HASH_BYTES + 1];
    hash_hex(hash.bytes, HASH_BYTES, text);
    assert_int_equal(kept_bytes, 2922);
    assert_string_equal(text, "a19feac8df8bf5e6910fa36b6b4fbb1cb4849ac9bdf4acdef0d1f36d908d3845");
}
