/* Bytes as the MARKETS section: refused, or views that would write the same bytes again.
 *
 * The first byte says how the rest is read: as the bytes themselves; or as changes to the section of views
 * that have orders, a list, trades of two days and an empty market. What is restored takes the next events. */

#include "gateway/restore.h"

#include "common/arena.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

#define CHANGE_BYTES 3 /* where u16, what u8 */
#define SECTION_MAX  ((size_t)64 * 1024)
#define START_NS     1700000040000000000ull
#define DAY_NS       86400000000000ull

struct section {
    uint8_t bytes[SECTION_MAX];
    size_t byte_count;
};

static struct genesis genesis;
static struct arena arena;
static struct view *view;
static struct market_views *markets;
static struct section origin;
static uint64_t number, stamp_ns;

static struct market market_of(const char *symbol, uint16_t base, uint16_t quote)
{
    struct market market = {.base = base,
                            .quote = quote,
                            .status = MARKET_TRADING,
                            .tick_units = 1000000,
                            .lot_units = 1000,
                            .units_per_step = 10,
                            .price_min = {1},
                            .price_max = {1000000},
                            .qty_min = {1},
                            .qty_max = {1000000},
                            .notional_min = {1},
                            .account_orders_max = 200};
    memcpy(market.symbol, symbol, strlen(symbol) + 1);
    market.filters = market_filters_default(&market);
    return market;
}

static void genesis_make(void)
{
    genesis.params = (struct params){.rules = PARAMS_RULES,
                                     .accounts_max = 4,
                                     .keys_max = 1,
                                     .orders_max = 16,
                                     .levels_max = 16,
                                     .assets_max = 2,
                                     .markets_max = 2,
                                     .block_ms = 100,
                                     .idle_block_ms = 1000,
                                     .stamp_step_ms = 1000,
                                     .uncertified_blocks_max = 1,
                                     .tier_count = 1,
                                     .asset_count = 2,
                                     .market_count = 2};
    genesis.params.assets[0] = (struct asset){"BTC", 8};
    genesis.params.assets[1] = (struct asset){"USDT", 8};
    genesis.params.markets[0] = market_of("BTCUSDT", 0, 1);
    genesis.params.markets[1] = market_of("USDTBTC", 1, 0);
}

static void views_make(void)
{
    arena_unmap(&arena);
    ASSERT(arena_map(&arena, view_bytes(&genesis) + market_view_bytes(&genesis) + 4096));
    markets = market_views_new(&arena, &genesis);
    view = view_new(&arena, &genesis, market_views_params(markets));
    ASSERT(markets != NULL && view != NULL);
}

static void apply(const uint8_t *at, const struct event_writer *writer, uint64_t after_ns)
{
    struct event event;
    stamp_ns += after_ns;
    const struct applied applied = {
        .number = ++number, .stamp_ns = stamp_ns, .flags = APPLIED_FIRST | APPLIED_LAST};
    while (event_next(&at, writer->at, &event)) {
        market_view_apply(markets, &applied, &event);
        view_apply(view, &applied, &event);
    }
    market_views_advance(markets, stamp_ns);
    view_finish(view, &applied);
}

static struct order_accepted_event order_of(uint64_t id, enum side side, enum order_type type)
{
    return (struct order_accepted_event){.order_id = id,
                                         .price = {type == STOP_LOSS ? 0 : 100},
                                         .qty = {9},
                                         .account = 1,
                                         .side = (uint8_t)side,
                                         .type = (uint8_t)type,
                                         .time_in_force = GTC};
}

/* Account 1 has an order of 9, and an OCO of a LIMIT_MAKER and a stop. */
static void orders_write(struct event_writer *writer)
{
    const struct account_created_event account = {.account = 1};
    const struct list_accepted_event list = {
        .list_id = 1, .a_order = 2, .b_order = 3, .account = 1, .kind = LIST_OCO};
    const struct order_accepted_event orders[] = {
        order_of(1, BUY, LIMIT), order_of(2, SELL, LIMIT_MAKER), order_of(3, SELL, STOP_LOSS)};
    event_write_account_created(writer, &account);
    event_write_order_accepted(writer, &orders[0]);
    event_write_list_accepted(writer, &list);
    for (uint64_t id = 2; id <= 3; id++) {
        const struct order_terms_event terms = {.order_id = id, .list_id = 1, .account = 1};
        event_write_order_accepted(writer, &orders[id - 1]);
        event_write_order_terms(writer, &terms);
    }
}

/* Another order of account 1 sells it `lots`. */
static void trade(uint64_t id, int64_t lots, uint64_t after_ns)
{
    uint8_t bytes[1024];
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    const struct order_accepted_event taker = order_of(10 + id, SELL, LIMIT);
    const struct fill_event fill = {.trade_id = id,
                                    .aggregate_id = id,
                                    .maker_order = 1,
                                    .taker_order = 10 + id,
                                    .price = {100 + (int64_t)id},
                                    .qty = {lots},
                                    .maker_account = 1,
                                    .taker_account = 1,
                                    .taker_side = SELL};
    const struct order_done_event done = {.order_id = 10 + id, .account = 1, .side = SELL};
    event_write_order_accepted(&writer, &taker);
    event_write_fill(&writer, &fill);
    event_write_order_done(&writer, &done);
    apply(bytes, &writer, after_ns);
}

static bool take(void *context, const uint8_t *bytes, size_t byte_count)
{
    struct section *section = context;
    ASSERT(section->byte_count + byte_count <= SECTION_MAX);
    memcpy(section->bytes + section->byte_count, bytes, byte_count);
    section->byte_count += byte_count;
    return true;
}

static void save(struct section *section)
{
    struct restore restore;
    const struct restore_sink sink = {take, section};
    section->byte_count = 0;
    restore_begin(&restore, view, markets);
    ASSERT(restore_save(&restore, &sink));
}

static void origin_make(void)
{
    uint8_t bytes[2048];
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    if (origin.byte_count != 0) return;
    genesis_make();
    views_make();
    stamp_ns = START_NS;
    orders_write(&writer);
    apply(bytes, &writer, 1);
    trade(1, 1, 1000000000);
    trade(2, 2, DAY_NS);
    trade(3, 1, 1);
    save(&origin);
}

/* What the engine would say of them. */
static bool restore_views(const struct section *section)
{
    static const struct order_accepted_event none;
    struct restore restore;
    views_make();
    restore_begin(&restore, view, markets);
    ASSERT(restore_params(&restore, &genesis.params));
    ASSERT(restore_account(&restore, 1, none.client_id, 0));
    for (uint64_t id = 3; id >= 1; id--) {
        const struct view_order order = {.order_id = id,
                                         .created_ns = START_NS + 1,
                                         .price = {id == 3 ? 0 : 100},
                                         .qty = {9},
                                         .executed = {id == 1 ? 4 : 0},
                                         .account = 1,
                                         .side = id == 1 ? BUY : SELL,
                                         .type = id == 1   ? LIMIT
                                                 : id == 2 ? LIMIT_MAKER
                                                           : STOP_LOSS,
                                         .time_in_force = GTC,
                                         .status = id == 1 ? ORDER_PARTIALLY_FILLED : ORDER_NEW};
        ASSERT(restore_order(&restore, &order));
    }
    return restore_load(&restore, section->bytes, section->byte_count) &&
           restore_end(&restore, restore.command);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    static struct section section, again;
    origin_make();
    section = origin;
    if (byte_count == 0) return 0;
    if (bytes[0] % 4 == 0) {
        section.byte_count = byte_count - 1 < SECTION_MAX ? byte_count - 1 : SECTION_MAX;
        memcpy(section.bytes, bytes + 1, section.byte_count);
    }
    for (size_t at = 1; bytes[0] % 4 != 0 && at + CHANGE_BYTES <= byte_count; at += CHANGE_BYTES)
        section.bytes[le_get_u16(bytes + at) % section.byte_count] ^= bytes[at + 2];

    if (!restore_views(&section)) return 0;
    ASSERT(view_check(view));
    save(&again);
    ASSERT(again.byte_count == section.byte_count &&
           memcmp(again.bytes, section.bytes, again.byte_count) == 0);
    number = view_command(view);
    stamp_ns = market_views_now_ns(markets);
    if (number < UINT64_MAX - 8 && stamp_ns < INT64_MAX - 8 * DAY_NS) trade(4, 1, DAY_NS / 2);
    return 0;
}
