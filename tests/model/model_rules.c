/* The model by itself, rule by rule, against figures worked out by hand. */

#include "tests/harness.h"

#include "tests/model/script.h"

#include <inttypes.h>

#define COIN     0
#define USD      1
#define NS       UINT64_C(1)
#define MS       (UINT64_C(1000000) * NS)
#define DAY      (UINT64_C(86400000) * MS)
#define TEXT_MAX 8192

/* Three accounts, one market of COIN for USD: a tick and a lot are one unit, no fees, prices 1 to 100000. */
struct story {
    struct genesis genesis;
    struct model *model;
    uint64_t number, stamp_ns;
    uint8_t bytes[65536];
    struct event_writer out;
    char text[TEXT_MAX];
    size_t length;
};

static void story_open(struct story *story)
{
    script_genesis(&story->genesis);
    struct params *params = &story->genesis.params;
    params->accounts_max = 4;
    params->orders_max = 40;
    params->levels_max = 40;
    params->assets_max = params->markets_max = 2;
    params->asset_count = 2;
    params->market_count = 1;
    params->volume_asset = USD;
    if (params->tier_count == 0) params->tier_count = 1;
    struct market *market = &params->markets[0];
    *market = (struct market){.quote = USD,
                              .status = MARKET_TRADING,
                              .tick_units = 1,
                              .lot_units = 1,
                              .units_per_step = 1,
                              .price_min = {1},
                              .price_max = {100000},
                              .qty_min = {1},
                              .qty_max = {1000},
                              .account_orders_max = 20};
    market->filters = market_filters_default(market);
}

static void story_step(struct story *story, uint16_t type, const uint8_t *payload)
{
    struct command command = {.header = {.type = type}, .payload = payload};
    story->out =
        (struct event_writer){.at = story->bytes, .end = story->bytes + sizeof(story->bytes)};
    model_step(story->model, &command, ++story->number, story->stamp_ns, &story->out);
    assert_true(model_check(story->model));
}

#define STEP(story, NAME, name, ...) \
    do { \
        uint8_t payload[NAME##_BYTES]; \
        name##_command_put(payload, &(struct name##_command){__VA_ARGS__}); \
        story_step(story, T_##NAME, payload); \
        story_say(story); \
    } while (0)

__attribute__((format(printf, 2, 3))) static void say(struct story *story, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length =
        vsnprintf(story->text + story->length, TEXT_MAX - story->length, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < TEXT_MAX - story->length);
    story->length += (size_t)length;
}

#define DECODE(name) \
    struct name##_event name; \
    name##_event_get(event->payload, &name)

static void say_done(struct story *story, const struct event *event)
{
    static const char *const statuses[] = {"?",        "new",     "partly",   "filled",
                                           "canceled", "expired", "prevented"};
    DECODE(order_done);
    say(story, "-%" PRIu64 " %s (%d), %" PRId64 " of %" PRId64 " for %" PRId64 "\n",
        order_done.order_id, statuses[order_done.status], order_done.reason,
        order_done.executed.lots, order_done.qty.lots, order_done.quote_executed.units);
}

static void say_match(struct story *story, const struct event *event)
{
    if (event->type == T_FILL) {
        DECODE(fill);
        say(story,
            "fill %" PRIu64 "/%" PRIu64 ": %" PRIu64 " takes %" PRIu64 ", %" PRId64 " @ %" PRId64
            "\n",
            fill.trade_id, fill.aggregate_id, fill.taker_order, fill.maker_order, fill.qty.lots,
            fill.price.ticks);
        return;
    }
    DECODE(prevented);
    say(story, "prevented: %" PRIu64 " loses %" PRId64 ", %" PRIu64 " loses %" PRId64 "\n",
        prevented.taker_order, prevented.taker_qty.lots, prevented.maker_order,
        prevented.maker_qty.lots);
}

static void say_order(struct story *story, const struct event *event)
{
    if (event->type == T_ORDER_ACCEPTED) {
        DECODE(order_accepted);
        say(story, "+%" PRIu64 " holds %" PRId64 "\n", order_accepted.order_id,
            order_accepted.hold.units);
    } else if (event->type == T_ORDER_TRIGGERED) {
        DECODE(order_triggered);
        say(story, "%" PRIu64 " fires at %" PRId64 ", holds %" PRId64 "\n",
            order_triggered.order_id, order_triggered.trigger_price.ticks,
            order_triggered.hold.units);
    } else if (event->type == T_ORDER_RELEASED) {
        DECODE(order_released);
        say(story, "%" PRIu64 " released, holds %" PRId64 "\n", order_released.order_id,
            order_released.hold.units);
    } else if (event->type == T_ORDER_AMENDED) {
        DECODE(order_amended);
        say(story, "%" PRIu64 " amended from %" PRId64 " to %" PRId64 "\n", order_amended.order_id,
            order_amended.qty_before.lots, order_amended.qty.lots);
    } else {
        DECODE(order_replaced);
        say(story, "replaced: %u, %u, attempted %u\n", order_replaced.cancel_reject,
            order_replaced.place_reject, order_replaced.attempted);
    }
}

static void say_state(struct story *story, const struct event *event)
{
    if (event->type == T_LEVEL) {
        DECODE(level);
        say(story, "%s %" PRId64 ": %" PRId64 "\n", level.side == BUY ? "bid" : "ask",
            level.price.ticks, level.qty.lots);
    } else if (event->type == T_BALANCE) {
        DECODE(balance);
        say(story, "%u has %" PRId64 "+%" PRId64 " %s\n", balance.account, balance.available.units,
            balance.held.units, balance.asset == COIN ? "coin" : "usd");
    } else if (event->type == T_TIER_CHANGED) {
        DECODE(tier_changed);
        say(story, "%u is in tier %u\n", tier_changed.account, tier_changed.tier);
    } else if (event->type == T_LIST_DONE) {
        DECODE(list_done);
        say(story, "list %" PRIu64 " done\n", list_done.list_id);
    } else if (event->type == T_REFUSED) {
        DECODE(refused);
        say(story, "%s\n", reject_name((enum reject)refused.reject));
    } else if (event->type != T_ORDER_TERMS && event->type != T_ORDER_TAGGED) {
        say(story, "%s\n", message_name(event->type));
    }
}

static void story_say(struct story *story)
{
    const uint8_t *at = story->bytes;
    struct event event;
    while (event_next(&at, story->out.at, &event)) {
        if (event.type == T_ORDER_DONE)
            say_done(story, &event);
        else if (event.type == T_FILL || event.type == T_PREVENTED)
            say_match(story, &event);
        else if (event.type == T_ORDER_ACCEPTED || event.type == T_ORDER_TRIGGERED ||
                 event.type == T_ORDER_RELEASED || event.type == T_ORDER_AMENDED ||
                 event.type == T_ORDER_REPLACED)
            say_order(story, &event);
        else
            say_state(story, &event);
    }
}

/* Forgets what was said: the next EXPECT is about what follows. */
static void quiet(struct story *story)
{
    story->length = 0;
    story->text[0] = '\0';
}

#define EXPECT(story, expected) \
    do { \
        assert_string_equal((story)->text, expected); \
        quiet(story); \
    } while (0)

static struct story *story_begin(const struct fee_tier *tiers, uint16_t tier_count)
{
    struct story *story = calloc(1, sizeof(*story));
    assert_non_null(story);
    story_open(story);
    story->stamp_ns = 20000 * DAY;
    if (tiers != NULL) memcpy(story->genesis.params.tiers, tiers, tier_count * sizeof(*tiers));
    if (tiers != NULL) story->genesis.params.tier_count = tier_count;
    story->model = model_new(&story->genesis);
    assert_non_null(story->model);
    uint64_t nonce = 0;
    for (uint32_t account = 1; account <= 3; account++) {
        STEP(story, ACCOUNT_CREATE, account_create, .nonce = ++nonce);
        STEP(story, CREDIT, credit, .nonce = ++nonce, .account = account, .asset = COIN,
             .amount = {100});
        STEP(story, CREDIT, credit, .nonce = ++nonce, .account = account, .asset = USD,
             .amount = {100000});
    }
    quiet(story);
    return story;
}

static void story_end(struct story *story)
{
    model_free(story->model);
    free(story);
}

#define PLACE(story, ...) STEP(story, ORDER_PLACE, order_place, __VA_ARGS__)
#define TIMED_ORDER(story, who, way, lots, ticks, time, ...) \
    PLACE(story, .account = who, .side = way, .type = LIMIT, .time_in_force = time, .qty = {lots}, \
          .price = {ticks}, ##__VA_ARGS__)
#define LIMIT_ORDER(story, who, way, lots, ticks, ...) \
    TIMED_ORDER(story, who, way, lots, ticks, GTC, ##__VA_ARGS__)
#define MARKET_ORDER(story, who, way, lots, ...) \
    PLACE(story, .account = who, .side = way, .type = MARKET, .qty = {lots}, ##__VA_ARGS__)

/* Better price first, older first at a price, at the maker's price; what the better price saves comes
 * back. Of the taker's run at 100 both fills share an aggregate. */
TEST(model, price_and_time_have_priority)
{
    struct story *story = story_begin(NULL, 0);
    LIMIT_ORDER(story, 1, SELL, 3, 100);
    LIMIT_ORDER(story, 2, SELL, 9, 100);
    LIMIT_ORDER(story, 2, SELL, 1, 99);
    quiet(story);
    LIMIT_ORDER(story, 3, BUY, 6, 101);
    EXPECT(story, "+4 holds 606\n"
                  "fill 1/1: 4 takes 3, 1 @ 99\n-3 filled (1), 1 of 1 for 99\n"
                  "fill 2/2: 4 takes 1, 3 @ 100\n-1 filled (1), 3 of 3 for 300\n"
                  "fill 3/2: 4 takes 2, 2 @ 100\n-4 filled (1), 6 of 6 for 599\n"
                  "ask 99: 0\nask 100: 7\n"
                  "3 has 99401+0 usd\n3 has 106+0 coin\n2 has 90+7 coin\n2 has 100299+0 usd\n"
                  "1 has 97+0 coin\n1 has 100300+0 usd\n");
    story_end(story);
}

/* Fees round up; a rebate is of what the maker paid, rounded down, in that asset. */
TEST(model, fees_round_up_and_rebates_down)
{
    const struct fee_tier tiers[] = {{.maker_ppm = -15000, .taker_ppm = 20000}};
    struct story *story = story_begin(tiers, 1);
    LIMIT_ORDER(story, 1, BUY, 3, 99);
    quiet(story);
    TIMED_ORDER(story, 2, SELL, 3, 99, IOC);
    /* 297 usd: the taker pays 5.94, so 6, and the maker gets 4.455, so 4 back */
    EXPECT(story, "+2 holds 3\nfill 1/1: 2 takes 1, 3 @ 99\n-1 filled (1), 3 of 3 for 297\n"
                  "-2 filled (1), 3 of 3 for 297\nbid 99: 0\n"
                  "2 has 97+0 coin\n1 has 99707+0 usd\n1 has 103+0 coin\n2 has 100291+0 usd\n");
    story_end(story);
}

/* An iceberg shows its slice, and the next slice is the youngest at its price. */
TEST(model, next_slice_of_an_iceberg_goes_to_the_back)
{
    struct story *story = story_begin(NULL, 0);
    LIMIT_ORDER(story, 1, SELL, 5, 100, .iceberg_qty = {2});
    LIMIT_ORDER(story, 2, SELL, 2, 100);
    EXPECT(story, "+1 holds 5\nask 100: 2\n1 has 95+5 coin\n"
                  "+2 holds 2\nask 100: 4\n2 has 98+2 coin\n");
    MARKET_ORDER(story, 3, BUY, 5);
    EXPECT(story, "+3 holds 500\nfill 1/1: 3 takes 1, 2 @ 100\n"
                  "fill 2/1: 3 takes 2, 2 @ 100\n-2 filled (1), 2 of 2 for 200\n"
                  "fill 3/1: 3 takes 1, 1 @ 100\n-3 filled (1), 5 of 5 for 500\nask 100: 1\n"
                  "3 has 99500+0 usd\n3 has 105+0 coin\n1 has 95+2 coin\n1 has 100300+0 usd\n"
                  "2 has 98+0 coin\n2 has 100200+0 usd\n");
    story_end(story);
}

/* What each mode takes from either order, and who ends. The maker shows 2 of 5. */
TEST(model, self_trade_modes_take_what_they_say)
{
    static const char *const expected[] = {
        [SELF_TRADE_EXPIRE_TAKER] = "+2 holds 400\nprevented: 2 loses 4, 1 loses 0\n"
                                    "-2 prevented (7), 0 of 4 for 0\n1 has 100000+0 usd\n",
        [SELF_TRADE_EXPIRE_MAKER] = "+2 holds 400\nprevented: 2 loses 0, 1 loses 5\n"
                                    "-1 prevented (7), 0 of 5 for 0\nask 100: 0\nbid 100: 4\n"
                                    "1 has 99600+400 usd\n1 has 100+0 coin\n",
        [SELF_TRADE_EXPIRE_BOTH] = "+2 holds 400\nprevented: 2 loses 4, 1 loses 5\n"
                                   "-1 prevented (7), 0 of 5 for 0\n"
                                   "-2 prevented (7), 0 of 4 for 0\nask 100: 0\n"
                                   "1 has 100000+0 usd\n1 has 100+0 coin\n",
        [SELF_TRADE_DECREMENT] = "+2 holds 400\nprevented: 2 loses 2, 1 loses 2\n"
                                 "prevented: 2 loses 2, 1 loses 2\n"
                                 "-2 prevented (7), 0 of 4 for 0\nask 100: 1\n"
                                 "1 has 100000+0 usd\n1 has 99+1 coin\n",
    };
    for (uint8_t mode = SELF_TRADE_EXPIRE_TAKER; mode <= SELF_TRADE_DECREMENT; mode++) {
        struct story *story = story_begin(NULL, 0);
        LIMIT_ORDER(story, 1, SELL, 5, 100, .iceberg_qty = {2});
        quiet(story);
        LIMIT_ORDER(story, 1, BUY, 4, 100, .self_trade = mode);
        EXPECT(story, expected[mode]);
        story_end(story);
    }
}

/* An own order in a level that a FOK needs spoils it, unless that order would just go. */
TEST(model, fill_or_kill_minds_its_own_orders)
{
    struct story *story = story_begin(NULL, 0);
    LIMIT_ORDER(story, 2, SELL, 2, 100);
    LIMIT_ORDER(story, 1, SELL, 2, 101);
    LIMIT_ORDER(story, 2, SELL, 2, 101);
    quiet(story);
    TIMED_ORDER(story, 1, BUY, 3, 101, FOK, .self_trade = SELF_TRADE_EXPIRE_TAKER);
    EXPECT(story, "+4 holds 303\n-4 expired (5), 0 of 3 for 0\n1 has 100000+0 usd\n");
    TIMED_ORDER(story, 1, BUY, 5, 101, FOK, .self_trade = SELF_TRADE_EXPIRE_MAKER);
    EXPECT(story, "+5 holds 505\n-5 expired (5), 0 of 5 for 0\n1 has 100000+0 usd\n");
    TIMED_ORDER(story, 1, BUY, 2, 101, FOK, .self_trade = SELF_TRADE_EXPIRE_TAKER);
    EXPECT(story, "+6 holds 202\nfill 1/1: 6 takes 1, 2 @ 100\n-1 filled (1), 2 of 2 for 200\n"
                  "-6 filled (1), 2 of 2 for 200\nask 100: 0\n"
                  "1 has 99800+0 usd\n1 has 100+2 coin\n2 has 96+2 coin\n2 has 100200+0 usd\n");
    story_end(story);
}

#define STOP_ORDER(story, who, way, kind, lots, ...) \
    PLACE(story, .account = who, .side = way, .type = kind, .qty = {lots}, ##__VA_ARGS__)

/* A stop's fill fires the next one; each runs only when the run before it is over. */
TEST(model, stops_fire_stops)
{
    struct story *story = story_begin(NULL, 0);
    LIMIT_ORDER(story, 3, BUY, 1, 95);
    LIMIT_ORDER(story, 3, BUY, 1, 94);
    LIMIT_ORDER(story, 3, BUY, 1, 93);
    STOP_ORDER(story, 1, SELL, STOP_LOSS, 1, .stop_price = {95});
    STOP_ORDER(story, 2, SELL, STOP_LOSS, 1, .stop_price = {94});
    quiet(story);
    MARKET_ORDER(story, 1, SELL, 1);
    EXPECT(story, "+6 holds 1\nfill 1/1: 6 takes 1, 1 @ 95\n-1 filled (1), 1 of 1 for 95\n"
                  "-6 filled (1), 1 of 1 for 95\n4 fires at 95, holds 1\n"
                  "fill 2/2: 4 takes 2, 1 @ 94\n-2 filled (1), 1 of 1 for 94\n"
                  "-4 filled (1), 1 of 1 for 94\n5 fires at 94, holds 1\n"
                  "fill 3/3: 5 takes 3, 1 @ 93\n-3 filled (1), 1 of 1 for 93\n"
                  "-5 filled (1), 1 of 1 for 93\nbid 95: 0\nbid 94: 0\nbid 93: 0\n"
                  "1 has 98+0 coin\n3 has 99718+0 usd\n3 has 103+0 coin\n1 has 100189+0 usd\n"
                  "2 has 99+0 coin\n2 has 100093+0 usd\n");
    story_end(story);
}

/* One price fires rising stops from the lowest, at one stop price the older first. */
TEST(model, rising_stops_fire_from_the_lowest)
{
    struct story *story = story_begin(NULL, 0);
    STOP_ORDER(story, 1, BUY, STOP_LOSS, 1, .stop_price = {101});
    STOP_ORDER(story, 2, BUY, STOP_LOSS, 1, .stop_price = {100});
    STOP_ORDER(story, 3, SELL, TAKE_PROFIT, 1, .stop_price = {100});
    STOP_ORDER(story, 1, BUY, STOP_LOSS, 1, .stop_price = {103}); /* sleeps on */
    LIMIT_ORDER(story, 2, SELL, 1, 102);
    quiet(story);
    LIMIT_ORDER(story, 3, BUY, 1, 102);
    EXPECT(story, "+6 holds 102\nfill 1/1: 6 takes 5, 1 @ 102\n-5 filled (1), 1 of 1 for 102\n"
                  "-6 filled (1), 1 of 1 for 102\n"
                  "2 fires at 102, holds 0\n-2 expired (6), 0 of 1 for 0\n"
                  "3 fires at 102, holds 1\n-3 expired (6), 0 of 1 for 0\n"
                  "1 fires at 102, holds 0\n-1 expired (6), 0 of 1 for 0\nask 102: 0\n"
                  "3 has 99898+0 usd\n3 has 101+0 coin\n2 has 99+0 coin\n2 has 100102+0 usd\n"
                  "1 has 99897+103 usd\n");
    story_end(story);
}

/* `seller` rests one lot at the price, `buyer` takes it. */
static void trade(struct story *story, uint32_t seller, uint32_t buyer, int64_t ticks)
{
    LIMIT_ORDER(story, seller, SELL, 1, ticks);
    quiet(story);
    LIMIT_ORDER(story, buyer, BUY, 1, ticks);
}

/* 7% below the highest price since: 45,500 x 0.93 = 42,315, and a tick above it sleeps on. */
TEST(model, trailing_stop_follows_the_highest_price)
{
    struct story *story = story_begin(NULL, 0);
    trade(story, 2, 3, 40000);
    STOP_ORDER(story, 1, SELL, STOP_LOSS, 1, .trailing_delta = 700);
    trade(story, 2, 3, 45500);
    trade(story, 3, 2, 42316);
    assert_null(strstr(story->text, "fires"));
    trade(story, 3, 2, 42315);
    EXPECT(story, "+9 holds 42315\nfill 4/4: 9 takes 8, 1 @ 42315\n"
                  "-8 filled (1), 1 of 1 for 42315\n-9 filled (1), 1 of 1 for 42315\n"
                  "3 fires at 42315, holds 1\n-3 expired (6), 0 of 1 for 0\nask 42315: 0\n"
                  "2 has 100869+0 usd\n2 has 100+0 coin\n3 has 100+0 coin\n3 has 99131+0 usd\n"
                  "1 has 100+0 coin\n");
    story_end(story);
}

/* What a fired buy stop cannot pay for is cut off: of 3 lots at 101 for 300, two. */
TEST(model, fired_stop_takes_what_it_can_pay)
{
    struct story *story = story_begin(NULL, 0);
    STOP_ORDER(story, 1, BUY, STOP_LOSS, 3, .stop_price = {100});
    STEP(story, DEBIT, debit, .nonce = 100, .account = 1, .asset = USD, .amount = {99700});
    LIMIT_ORDER(story, 2, SELL, 5, 101);
    trade(story, 2, 3, 100);
    EXPECT(story, "+4 holds 100\nfill 1/1: 4 takes 3, 1 @ 100\n-3 filled (1), 1 of 1 for 100\n"
                  "-4 filled (1), 1 of 1 for 100\n1 fires at 100, holds 202\n"
                  "fill 2/2: 1 takes 2, 2 @ 101\n-1 expired (11), 2 of 3 for 202\n"
                  "ask 100: 0\nask 101: 3\n"
                  "3 has 99900+0 usd\n3 has 101+0 coin\n2 has 94+3 coin\n2 has 100302+0 usd\n"
                  "1 has 98+0 usd\n1 has 102+0 coin\n");
    story_end(story);
}

/* MARKET for 350 buys whole lots and ends filled with 47 left over; MARKET beyond the band does not. */
TEST(model, market_orders_end_for_their_reason)
{
    struct story *story = story_begin(NULL, 0);
    LIMIT_ORDER(story, 2, SELL, 2, 100);
    LIMIT_ORDER(story, 2, SELL, 5, 103);
    quiet(story);
    PLACE(story, .account = 3, .side = BUY, .type = MARKET, .quote_qty = {350});
    EXPECT(story, "+3 holds 350\nfill 1/1: 3 takes 1, 2 @ 100\n-1 filled (1), 2 of 2 for 200\n"
                  "fill 2/2: 3 takes 2, 1 @ 103\n-3 filled (1), 3 of 3 for 303\n"
                  "ask 100: 0\nask 103: 4\n"
                  "3 has 99697+0 usd\n3 has 103+0 coin\n2 has 93+4 coin\n2 has 100303+0 usd\n");
    struct market_filters *filters = &story->model->params.markets[0].filters;
    filters->band_ppm = 20000; /* 103 x 1.02 = 105.06: at most 105 */
    LIMIT_ORDER(story, 2, SELL, 1, 105);
    STEP(story, ORDER_CANCEL, order_cancel, .account = 2, .order_id = 2);
    filters->band_ppm = 0;
    LIMIT_ORDER(story, 2, SELL, 1, 106);
    filters->band_ppm = 20000;
    quiet(story);
    MARKET_ORDER(story, 3, BUY, 3);
    EXPECT(story, "+6 holds 105\nfill 3/3: 6 takes 4, 1 @ 105\n-4 filled (1), 1 of 1 for 105\n"
                  "-6 expired (16), 1 of 3 for 105\nask 105: 0\n"
                  "3 has 99592+0 usd\n3 has 104+0 coin\n2 has 95+1 coin\n2 has 100408+0 usd\n");
    story_end(story);
}

/* A selling pair holds its quantity once; the first trade of one order ends the other. */
TEST(model, pair_holds_once_and_one_of_it_trades)
{
    struct story *story = story_begin(NULL, 0);
    STEP(story, LIST_PLACE, list_place, .account = 1, .kind = LIST_OCO, .a_side = SELL,
         .a_type = LIMIT_MAKER, .a_qty = {2}, .a_price = {110}, .b_side = SELL, .b_type = STOP_LOSS,
         .b_qty = {2}, .b_stop_price = {90});
    EXPECT(story, "LIST_ACCEPTED\n+1 holds 2\n+2 holds 0\nask 110: 2\n1 has 98+2 coin\n");
    LIMIT_ORDER(story, 2, BUY, 1, 110);
    EXPECT(story, "+3 holds 110\n-2 expired (8), 0 of 2 for 0\nfill 1/1: 3 takes 1, 1 @ 110\n"
                  "-3 filled (1), 1 of 1 for 110\nask 110: 1\n"
                  "2 has 99890+0 usd\n2 has 101+0 coin\n1 has 98+1 coin\n1 has 100110+0 usd\n");
    LIMIT_ORDER(story, 2, BUY, 1, 110);
    EXPECT(story, "+4 holds 110\nfill 2/2: 4 takes 1, 1 @ 110\n-1 filled (1), 2 of 2 for 220\n"
                  "list 1 done\n-4 filled (1), 1 of 1 for 110\nask 110: 0\n"
                  "2 has 99780+0 usd\n2 has 102+0 coin\n1 has 98+0 coin\n1 has 100220+0 usd\n");
    story_end(story);
}

/* A buying pair holds the larger need, 224; when that order ends, the 180 of the other. */
TEST(model, buying_pair_holds_the_larger_need)
{
    struct story *story = story_begin(NULL, 0);
    STEP(story, LIST_PLACE, list_place, .account = 1, .kind = LIST_OCO, .a_side = BUY,
         .a_type = STOP_LOSS_LIMIT, .a_time_in_force = GTC, .a_qty = {2}, .a_price = {112},
         .a_stop_price = {110}, .b_side = BUY, .b_type = LIMIT_MAKER, .b_qty = {2},
         .b_price = {90});
    EXPECT(story, "LIST_ACCEPTED\n+1 holds 224\n+2 holds 0\nbid 90: 2\n1 has 99776+224 usd\n");
    LIMIT_ORDER(story, 2, SELL, 1, 90);
    EXPECT(story, "+3 holds 1\n-1 expired (8), 0 of 2 for 0\nfill 1/1: 3 takes 2, 1 @ 90\n"
                  "-3 filled (1), 1 of 1 for 90\nbid 90: 1\n"
                  "2 has 99+0 coin\n1 has 99820+90 usd\n1 has 101+0 coin\n2 has 100090+0 usd\n");
    story_end(story);
}

#define OTO(story, lots, ...) \
    STEP(story, LIST_PLACE, list_place, .account = 1, .kind = LIST_OTO, .a_side = BUY, \
         .a_type = LIMIT, .a_time_in_force = GTC, .a_qty = {1}, .a_price = {100}, .b_side = SELL, \
         .b_type = LIMIT, .b_time_in_force = GTC, .b_qty = {lots}, .b_price = {120}, \
         ##__VA_ARGS__)

/* The pending order holds nothing until the working one is filled, and comes into force then; if it
 * cannot be paid for, it ends. When the working order ends otherwise, so does the pending one. */
TEST(model, pending_order_waits_for_the_working_one)
{
    struct story *story = story_begin(NULL, 0);
    OTO(story, 1);
    EXPECT(story, "LIST_ACCEPTED\n+1 holds 100\n+2 holds 0\nbid 100: 1\n1 has 99900+100 usd\n");
    LIMIT_ORDER(story, 2, SELL, 1, 100);
    EXPECT(story, "+3 holds 1\nfill 1/1: 3 takes 1, 1 @ 100\n-1 filled (1), 1 of 1 for 100\n"
                  "-3 filled (1), 1 of 1 for 100\n2 released, holds 1\nbid 100: 0\nask 120: 1\n"
                  "2 has 99+0 coin\n1 has 99900+0 usd\n1 has 100+1 coin\n2 has 100100+0 usd\n");
    OTO(story, 200);
    quiet(story);
    LIMIT_ORDER(story, 2, SELL, 1, 100);
    assert_non_null(strstr(story->text, "-5 expired (11), 0 of 200 for 0\nlist 2 done\n"));
    OTO(story, 1);
    quiet(story);
    STEP(story, ORDER_CANCEL, order_cancel, .account = 1, .order_id = 7);
    EXPECT(story, "-7 canceled (2), 0 of 1 for 0\n-8 canceled (9), 0 of 1 for 0\nlist 3 done\n"
                  "bid 100: 0\n1 has 99800+0 usd\n");
    story_end(story);
}

/* The last price, 100, meets the released stop already: it fires from the queue and ends its sibling. */
TEST(model, released_stop_may_fire_at_once)
{
    struct story *story = story_begin(NULL, 0);
    STEP(story, LIST_PLACE, list_place, .account = 1, .kind = LIST_OTOCO, .a_side = BUY,
         .a_type = LIMIT, .a_time_in_force = GTC, .a_qty = {1}, .a_price = {100}, .b_side = SELL,
         .b_type = LIMIT_MAKER, .b_qty = {1}, .b_price = {120}, .c_side = SELL, .c_type = STOP_LOSS,
         .c_qty = {1}, .c_stop_price = {105});
    quiet(story);
    LIMIT_ORDER(story, 2, SELL, 1, 100);
    EXPECT(story, "+4 holds 1\nfill 1/1: 4 takes 1, 1 @ 100\n-1 filled (1), 1 of 1 for 100\n"
                  "-4 filled (1), 1 of 1 for 100\n2 released, holds 1\n3 released, holds 0\n"
                  "-2 expired (8), 0 of 1 for 0\n3 fires at 100, holds 1\n"
                  "-3 expired (6), 0 of 1 for 0\nlist 1 done\nbid 100: 0\nask 120: 0\n"
                  "2 has 99+0 coin\n1 has 99900+0 usd\n1 has 101+0 coin\n2 has 100100+0 usd\n");
    story_end(story);
}

/* Less of an order: what it hides goes first, and the place in the queue stays. */
TEST(model, amending_takes_what_is_hidden_first)
{
    struct story *story = story_begin(NULL, 0);
    LIMIT_ORDER(story, 1, SELL, 5, 100, .iceberg_qty = {2});
    LIMIT_ORDER(story, 2, SELL, 1, 100);
    quiet(story);
    STEP(story, ORDER_AMEND, order_amend, .account = 1, .order_id = 1, .qty = {4});
    EXPECT(story, "1 amended from 5 to 4\n1 has 96+4 coin\n");
    STEP(story, ORDER_AMEND, order_amend, .account = 1, .order_id = 1, .qty = {1});
    EXPECT(story, "1 amended from 4 to 1\nask 100: 2\n1 has 99+1 coin\n");
    STEP(story, ORDER_AMEND, order_amend, .account = 1, .order_id = 1, .qty = {1});
    STEP(story, ORDER_AMEND, order_amend, .account = 1, .order_id = 1, .qty = {2});
    STEP(story, ORDER_AMEND, order_amend, .account = 1, .order_id = 2, .qty = {1});
    EXPECT(story, "AMEND_NO_CHANGE\nAMEND_INCREASE\nUNKNOWN_ORDER\n");
    MARKET_ORDER(story, 3, BUY, 1);
    assert_non_null(strstr(story->text, "3 takes 1, 1 @ 100"));
    story_end(story);
}

#define REPLACE(story, lots, ...) \
    STEP(story, ORDER_REPLACE, order_replace, .account = 1, .side = SELL, .type = LIMIT, \
         .time_in_force = GTC, .qty = {lots}, .price = {100}, ##__VA_ARGS__)

TEST(model, replacing_says_how_both_halves_went)
{
    struct story *story = story_begin(NULL, 0);
    REPLACE(story, 1, .cancel_order_id = 9, .mode = REPLACE_STOP_ON_FAILURE);
    EXPECT(story, "replaced: 16, 0, attempted 0\n");
    REPLACE(story, 1, .cancel_order_id = 9, .mode = REPLACE_ALLOW_FAILURE);
    EXPECT(story, "replaced: 16, 0, attempted 1\n+1 holds 1\nask 100: 1\n1 has 99+1 coin\n");
    REPLACE(story, 100, .cancel_order_id = 1, .mode = REPLACE_STOP_ON_FAILURE);
    EXPECT(story, "replaced: 0, 0, attempted 1\n-1 canceled (17), 0 of 1 for 0\n+2 holds 100\n"
                  "ask 100: 100\n1 has 0+100 coin\n");
    REPLACE(story, 101, .cancel_order_id = 2, .mode = REPLACE_STOP_ON_FAILURE);
    EXPECT(story, "replaced: 0, 8, attempted 1\n-2 canceled (17), 0 of 100 for 0\nask 100: 0\n"
                  "1 has 100+0 coin\n");
    REPLACE(story, 0, .mode = REPLACE_ALLOW_FAILURE);
    REPLACE(story, 1, .mode = 3);
    EXPECT(story, "ZERO_VALUE\nCOMBINATION\n");
    story_end(story);
}

/* At its deadline the switch fires before the command, whatever that is; one nanosecond earlier not. */
TEST(model, switch_fires_at_its_deadline)
{
    struct story *story = story_begin(NULL, 0);
    LIMIT_ORDER(story, 1, SELL, 1, 100);
    STEP(story, SWITCH_SET, switch_set, .account = 1, .timeout_ms = 10);
    quiet(story);
    story->stamp_ns += 10 * MS - 1;
    STEP(story, VOTE, vote, .height = 1);
    EXPECT(story, "");
    story->stamp_ns++;
    STEP(story, ORDER_CANCEL, order_cancel, .account = 1, .order_id = 1);
    EXPECT(story, "SWITCH_FIRED\n-1 canceled (13), 0 of 1 for 0\nUNKNOWN_ORDER\nask 100: 0\n"
                  "1 has 100+0 coin\n");
    story_end(story);
}

TEST(model, session_takes_its_own_orders_with_it)
{
    struct story *story = story_begin(NULL, 0);
    LIMIT_ORDER(story, 1, SELL, 1, 100, .session = 5);
    LIMIT_ORDER(story, 1, SELL, 1, 101, .session = 6);
    LIMIT_ORDER(story, 1, SELL, 1, 102);
    quiet(story);
    STEP(story, SESSION_END, session_end, .account = 1, .session = 5);
    STEP(story, SESSION_END, session_end, .account = 1);
    EXPECT(story, "-1 canceled (14), 0 of 1 for 0\nask 100: 0\n1 has 98+2 coin\n");
    story_end(story);
}

/* 600 traded yesterday is enough for 500; on the day itself it does not count yet. */
TEST(model, volume_of_the_days_before_makes_the_tier)
{
    const struct fee_tier tiers[] = {{0}, {.volume_min = {500}}};
    struct story *story = story_begin(tiers, 2);
    trade(story, 2, 1, 600);
    assert_null(strstr(story->text, "tier"));
    story->stamp_ns += DAY;
    quiet(story);
    LIMIT_ORDER(story, 1, BUY, 1, 1);
    EXPECT(story, "1 is in tier 1\n+3 holds 1\nbid 1: 1\n1 has 99399+1 usd\n");
    story->stamp_ns += 30 * DAY;
    LIMIT_ORDER(story, 1, BUY, 1, 1);
    EXPECT(story, "1 is in tier 0\n+4 holds 1\nbid 1: 2\n1 has 99398+2 usd\n");
    story_end(story);
}

/* Two at 100 and one at 103 are 101 on average: 102% of it is 103.02. */
TEST(model, filters_bound_price_position_and_room)
{
    struct story *story = story_begin(NULL, 0);
    struct params *params = &story->model->params;
    trade(story, 2, 3, 100);
    trade(story, 2, 3, 100);
    trade(story, 2, 3, 103);
    params->markets[0].filters.bid_up = 10200;
    params->markets[0].filters.position_max.units = 102;
    params->levels_max = 2;
    quiet(story);
    LIMIT_ORDER(story, 1, BUY, 1, 104);
    LIMIT_ORDER(story, 1, BUY, 1, 103);
    LIMIT_ORDER(story, 1, BUY, 2, 103);
    LIMIT_ORDER(story, 1, BUY, 1, 102);
    LIMIT_ORDER(story, 1, BUY, 1, 103);
    EXPECT(story, "PERCENT_PRICE\n+7 holds 103\nbid 103: 1\n1 has 99897+103 usd\n"
                  "MAX_POSITION\n+8 holds 102\nbid 102: 1\n1 has 99795+205 usd\nMAX_POSITION\n");
    LIMIT_ORDER(story, 2, BUY, 1, 101);
    LIMIT_ORDER(story, 2, BUY, 1, 102);
    EXPECT(story, "ORDERS_FULL\n+9 holds 102\nbid 102: 2\n2 has 100201+102 usd\n");
    story_end(story);
}
