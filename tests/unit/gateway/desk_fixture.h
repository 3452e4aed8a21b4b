/* A gateway without sockets: views fed by hand, and requests that go straight to their handlers.
 *
 * Markets and assets are those of market_fixture.h; accounts and keys are made by the test.
 */

#ifndef TESTS_UNIT_GATEWAY_DESK_FIXTURE_H
#define TESTS_UNIT_GATEWAY_DESK_FIXTURE_H

#include "gateway/route.h"
#include "tests/unit/gateway/market_fixture.h"

#define DESK_MS_NS 1000000ull

static struct view *desk_view;
static struct block_list desk_blocks;
static struct metrics desk_metrics;
static struct progress desk_progress;
static struct facts desk_facts;
static struct form desk_form;
static struct request desk_request;
static char desk_answer[1 << 20];
static uint64_t desk_number;
static uint64_t desk_stamp;
static uint8_t desk_bytes[1 << 16];
static struct event_writer desk_events;
/* Called for each event after the views have taken it, when it is set. */
static void (*desk_listener)(const struct applied *applied, const struct event *event);

/* New views over the genesis: those there were copied its parameters. */
static inline void desk_reopen(void)
{
    arena_unmap(&fixture_arena);
    assert_true(arena_map(&fixture_arena,
                          market_view_bytes(&fixture_genesis) + view_bytes(&fixture_genesis) +
                              BLOCK_LIST_KEPT * sizeof(struct block_entry) + (4u << 20)));
    fixture_views = market_views_new(&fixture_arena, &fixture_genesis);
    assert_non_null(fixture_views);
    desk_view = view_new(&fixture_arena, &fixture_genesis, market_views_params(fixture_views));
    assert_non_null(desk_view);
    assert_true(block_list_init(&desk_blocks, &fixture_arena));
    desk_facts.params = market_views_params(fixture_views);
    desk_facts.view = desk_view;
    desk_facts.markets = fixture_views;
}

static inline void desk_open(void)
{
    fixture_open(192u << 20);
    struct params *params = &fixture_genesis.params;
    params->accounts_max = 64;
    params->keys_max = 16;
    params->orders_max = 4096;
    params->tier_count = 1;
    params->gateway_secret_version = 1;
    params->tiers[0] = (struct fee_tier){1000, 1000, {0}};
    params->rules = PARAMS_RULES;
    params->block_ms = 100;
    params->idle_block_ms = 1000;
    params->stamp_step_ms = 10000;
    params->uncertified_blocks_max = 100;
    fixture_genesis.validators.count = 1;
    fixture_genesis.validators.members[0].node = 1;
    desk_reopen();
    memset(&desk_progress, 0, sizeof(desk_progress));
    desk_facts = (struct facts){
        .genesis = &fixture_genesis,
        .params = market_views_params(fixture_views),
        .view = desk_view,
        .markets = fixture_views,
        .blocks = &desk_blocks,
        .metrics = &desk_metrics,
        .progress = &desk_progress,
        .node = 1,
    };
    desk_listener = NULL;
    desk_number = 0;
    desk_stamp = FIXTURE_START_NS;
    desk_events = (struct event_writer){.at = desk_bytes, .end = desk_bytes + sizeof(desk_bytes)};
}

/* Applies the events written since the last call as one command, one millisecond later. */
static inline struct applied desk_apply(void)
{
    desk_stamp += DESK_MS_NS;
    const struct applied applied = {
        .number = ++desk_number, .stamp_ns = desk_stamp, .flags = APPLIED_FIRST | APPLIED_LAST};
    const uint8_t *at = desk_bytes;
    struct event event;
    while (event_next(&at, desk_events.at, &event)) {
        market_view_apply(fixture_views, &applied, &event);
        view_apply(desk_view, &applied, &event);
        if (desk_listener != NULL) desk_listener(&applied, &event);
    }
    assert_ptr_equal(at, desk_events.at);
    market_views_advance(fixture_views, desk_stamp);
    view_finish(desk_view, &applied);
    desk_events = (struct event_writer){.at = desk_bytes, .end = desk_bytes + sizeof(desk_bytes)};
    return applied;
}

static inline void desk_account(uint32_t account)
{
    struct account_created_event created = {.account = account};
    memset(created.public_key, (int)account, sizeof(created.public_key));
    event_write_account_created(&desk_events, &created);
}

static inline void desk_balance(uint32_t account, uint16_t asset, int64_t available, int64_t held)
{
    const struct balance_event balance = {
        .available = {available}, .held = {held}, .account = account, .asset = asset};
    event_write_balance(&desk_events, &balance);
}

static inline void desk_accept(uint16_t market, uint64_t id, uint32_t account, enum side side,
                               int64_t price, int64_t lots, const char *client_id)
{
    struct order_accepted_event order = {
        .order_id = id,
        .price = {price},
        .qty = {lots},
        .account = account,
        .market = market,
        .side = (uint8_t)side,
        .type = LIMIT,
        .time_in_force = GTC,
    };
    memcpy(order.client_id, client_id, strlen(client_id));
    event_write_order_accepted(&desk_events, &order);
}

static inline void desk_fill(uint16_t market, uint64_t trade, uint64_t aggregate, uint64_t maker,
                             uint32_t maker_account, uint64_t taker, uint32_t taker_account,
                             enum side taker_side, int64_t price, int64_t lots)
{
    const struct fill_event fill = {
        .trade_id = trade,
        .aggregate_id = aggregate,
        .maker_order = maker,
        .taker_order = taker,
        .price = {price},
        .qty = {lots},
        .maker_account = maker_account,
        .taker_account = taker_account,
        .maker_rate_ppm = 1000,
        .taker_rate_ppm = 1000,
        .market = market,
        .taker_side = (uint8_t)taker_side,
    };
    event_write_fill(&desk_events, &fill);
}

static inline void desk_done(uint16_t market, uint64_t id, uint32_t account, enum side side,
                             int64_t price, int64_t lots, int64_t executed, int64_t quote_executed,
                             enum order_status status, const char *client_id)
{
    struct order_done_event done = {
        .order_id = id,
        .created_ns = desk_stamp,
        .price = {price},
        .qty = {lots},
        .executed = {executed},
        .quote_executed = {quote_executed},
        .account = account,
        .market = market,
        .side = (uint8_t)side,
        .type = LIMIT,
        .time_in_force = GTC,
        .status = (uint8_t)status,
        .reason = status == ORDER_FILLED ? DONE_FILLED : DONE_CANCELED,
    };
    memcpy(done.client_id, client_id, strlen(client_id));
    event_write_order_done(&desk_events, &done);
}

/* The rarer words, for what is written after desk_accept and before desk_done. */
static inline void desk_terms(uint16_t market, uint64_t id, uint32_t account, uint64_t list_id,
                              int64_t stop_price, bool pending)
{
    const struct order_terms_event terms = {.order_id = id,
                                            .list_id = list_id,
                                            .stop_price = {stop_price},
                                            .account = account,
                                            .market = market,
                                            .pending = pending};
    event_write_order_terms(&desk_events, &terms);
}

static inline void desk_accept_type(uint64_t id, uint32_t account, enum side side,
                                    enum order_type type, int64_t price, int64_t lots,
                                    const char *client_id)
{
    struct order_accepted_event order = {
        .order_id = id,
        .price = {price},
        .qty = {lots},
        .account = account,
        .side = (uint8_t)side,
        .type = (uint8_t)type,
        .time_in_force = GTC,
    };
    memcpy(order.client_id, client_id, strlen(client_id));
    event_write_order_accepted(&desk_events, &order);
}

static inline void desk_list(uint64_t list_id, uint32_t account, enum list_kind kind, uint64_t a,
                             uint64_t b, uint64_t c, const char *client_id)
{
    struct list_accepted_event list = {.list_id = list_id,
                                       .a_order = a,
                                       .b_order = b,
                                       .c_order = c,
                                       .account = account,
                                       .kind = (uint8_t)kind};
    memcpy(list.client_id, client_id, strlen(client_id));
    event_write_list_accepted(&desk_events, &list);
}

static inline void desk_list_done(uint64_t list_id, uint32_t account)
{
    const struct list_done_event ended = {.list_id = list_id, .account = account};
    event_write_list_done(&desk_events, &ended);
}

/* An order of BTCUSDT that ends unfilled. */
static inline void desk_end(uint64_t id, uint32_t account, enum side side, enum order_type type,
                            int64_t price, int64_t lots, enum order_status status,
                            enum done_reason reason, const char *client_id)
{
    struct order_done_event done = {
        .order_id = id,
        .created_ns = desk_stamp,
        .price = {price},
        .qty = {lots},
        .account = account,
        .side = (uint8_t)side,
        .type = (uint8_t)type,
        .time_in_force = GTC,
        .status = (uint8_t)status,
        .reason = (uint8_t)reason,
    };
    memcpy(done.client_id, client_id, strlen(client_id));
    event_write_order_done(&desk_events, &done);
}

/* ann's OCO: sells 3 lots at 60,000.00 (order 11) or as a stop at 40,000.00 (order 12). */
static inline void desk_oco(void)
{
    desk_list(1, 1, LIST_OCO, 11, 12, 0, "oco");
    desk_accept_type(11, 1, SELL, LIMIT_MAKER, 6000000, 3, "above");
    desk_terms(0, 11, 1, 1, 0, false);
    desk_accept_type(12, 1, SELL, STOP_LOSS, 0, 3, "below");
    desk_terms(0, 12, 1, 1, 4000000, false);
    desk_apply();
}

static inline void desk_level(uint16_t market, uint64_t update_id, enum side side, int64_t price,
                              int64_t lots)
{
    const struct level_event level = {.update_id = update_id,
                                      .price = {price},
                                      .qty = {lots},
                                      .market = market,
                                      .side = (uint8_t)side};
    event_write_level(&desk_events, &level);
}

/* Handles a request as if `account` had signed it. The answer's JSON is in desk_answer; the refusal is
 * in desk_request. */
/* Who signs as an operator or connector; NULL: nobody. */
static const uint8_t *desk_signer;
static enum auth_kind desk_signs; /* how who asks has proved who he is */

/* Reads at once what the request asked for, and goes on. */
static inline enum outcome desk_read(void)
{
    struct reading *reading = &desk_request.reading;
    desk_request.form = NULL;
    reading->read(reading, desk_facts.chain, desk_facts.proofs);
    const enum outcome outcome = desk_request.resume(&desk_request, &desk_facts);
    if (outcome == OUTCOME_ANSWERED && desk_request.sends_taken)
        writer_raw(&desk_request.json, (const char *)reading->bytes.bytes,
                   reading->bytes.byte_count);
    free(reading->taken);
    return outcome;
}

static inline enum outcome desk_ask(enum method method, const char *path, const char *query,
                                    uint32_t account)
{
    bool path_exists;
    memset(&desk_request, 0, sizeof(desk_request));
    desk_request.method = method;
    desk_request.route =
        route_find(method, path, strlen(path), &desk_request.path_value, &path_exists);
    assert_non_null(desk_request.route);
    desk_request.path = path;
    desk_request.path_bytes = strlen(path);
    desk_request.form = &desk_form;
    desk_request.account = account;
    desk_request.now_ns = desk_stamp;
    desk_request.time_unit_ns = DESK_MS_NS;
    desk_request.http_status = 200;
    desk_request.weight = desk_request.route->weight;
    desk_request.proof.kind = desk_signs;
    if (desk_signer != NULL) memcpy(desk_request.proof.key_id, desk_signer, PUBLIC_KEY_BYTES);
    memcpy(desk_request.client_id, "ABCDEFGHIJKLMNOPQRSTUV", 22);
    writer_start(&desk_request.json, desk_answer, sizeof(desk_answer) - 1);
    assert_true(form_parse(&desk_form, query, strlen(query), NULL, 0));
    uint64_t found = 0;
    desk_form.found = &found;
    enum outcome outcome = desk_request.route->handler(&desk_request, &desk_facts);
    if (outcome != OUTCOME_REFUSED && !request_is_read(&desk_request, &desk_facts))
        outcome = OUTCOME_REFUSED;
    desk_form.found = NULL;
    if (outcome == OUTCOME_READING) outcome = desk_read();
    assert_false(desk_request.json.overflow);
    desk_answer[desk_request.json.used] = 0;
    return outcome;
}

static inline void assert_answer(const char *path, const char *query, uint32_t account,
                                 const char *expected)
{
    assert_int_equal(desk_ask(METHOD_GET, path, query, account), OUTCOME_ANSWERED);
    assert_string_equal(desk_answer, expected);
}

static inline void assert_refused(enum method method, const char *path, const char *query,
                                  enum reject reject)
{
    assert_int_equal(desk_ask(method, path, query, 1), OUTCOME_REFUSED);
    assert_int_equal(desk_request.refusal.reject, reject);
}

/* ann (1) sells 3 lots at 50,000.00; bob (2) buys 2 of them and then rests 1 at 49,000.00. */
static inline void desk_one_fill(void)
{
    desk_account(1);
    desk_account(2);
    desk_apply();
    desk_accept(0, 1, 1, SELL, 5000000, 3, "ann-1");
    desk_level(0, 1, SELL, 5000000, 3);
    desk_balance(1, 0, 997000, 3000);
    desk_apply();
    desk_accept(0, 2, 2, BUY, 5000000, 2, "bob-1");
    desk_fill(0, 1, 1, 1, 1, 2, 2, BUY, 5000000, 2);
    desk_done(0, 2, 2, BUY, 5000000, 2, 2, 100000000, ORDER_FILLED, "bob-1");
    desk_level(0, 2, SELL, 5000000, 1);
    desk_apply();
    desk_accept(0, 3, 2, BUY, 4900000, 1, "bob-2");
    desk_level(0, 3, BUY, 4900000, 1);
    desk_apply();
}

#endif /* TESTS_UNIT_GATEWAY_DESK_FIXTURE_H */
