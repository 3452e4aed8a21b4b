#include "tests/model/trial.h"

#include "common/le.h"

#include <string.h>

void trial_open(struct trial *trial, const struct genesis *genesis)
{
    *trial = (struct trial){0};
    ASSERT(arena_map(&trial->arena, engine_bytes(genesis)));
    trial->engine = engine_new(&trial->arena, genesis);
    ASSERT(trial->engine != NULL);
    trial->model = model_new(genesis);
    ASSERT(trial->model != NULL);
    const size_t room = engine_event_bytes_max(trial->engine);
    ASSERT(arena_map(&trial->engine_events, room));
    ASSERT(arena_map(&trial->model_events, room));
}

void trial_close(struct trial *trial)
{
    model_free(trial->model);
    arena_unmap(&trial->model_events);
    arena_unmap(&trial->engine_events);
    arena_unmap(&trial->arena);
}

static bool is_operator(uint16_t type)
{
    return (type >= T_ASSET_CREATE && type <= T_MARKET_FILTERS) ||
           (type >= T_NODE_ADD && type <= T_NODE_SWAP) ||
           (type >= T_RULES_SET && type <= T_WITHDRAWAL_REPORT) || type == T_LIABILITIES_ORDER ||
           type == T_CONNECTOR_ADD || type == T_ROUTE_FEE_SET || type == T_ACCOUNT_APPROVE ||
           type == T_OPENING_SET;
}

/* Names the order that the command aims at, in the ways in which it names one. */
static void aim_at(const struct model_order *order, uint32_t *account, uint16_t *market,
                   uint64_t *id, uint8_t client_id[36])
{
    *account = order->account;
    *market = order->market;
    if (*id != 0) *id = order->id;
    if (client_id[0] != 0) memcpy(client_id, order->client_id, 36);
}

#define AIM(NAME, name, id, client_id) \
    if (type == T_##NAME) { \
        struct name##_command ask; \
        name##_command_get(payload, &ask); \
        aim_at(order, &ask.account, &ask.market, &ask.id, ask.client_id); \
        name##_command_put(payload, &ask); \
    }

static void aim_regulate(const struct model *model, struct trial_command *command)
{
    uint8_t *payload = command->bytes + COMMAND_HEADER_BYTES;
    const uint16_t type = le_get_u16(command->bytes + 4);
    if (command->aim <= 0 || command->aim > model->open_count) return;
    const struct model_order *order = model->open[model->open_count - command->aim];
    AIM(ORDER_CANCEL, order_cancel, order_id, orig_client_id)
    AIM(ORDER_AMEND, order_amend, order_id, orig_client_id)
    AIM(ORDER_REPLACE, order_replace, cancel_order_id, cancel_orig_client_id)
}

void trial_regulate(const struct trial *trial, struct trial_command *command)
{
    const struct model *model = trial->model;
    uint8_t *payload = command->bytes + COMMAND_HEADER_BYTES;
    const uint16_t type = le_get_u16(command->bytes + 4);
    const uint32_t origin = le_get_u32(command->bytes + 8);
    if (!command->regular) return;
    aim_regulate(model, command);
    for (int i = 0; i < model->origin_count; i++) {
        if (type == T_ORIGIN_LOST && model->origins[i].node == le_get_u32(payload + 8))
            le_put_u64(payload, model->origins[i].epoch);
        if (model->origins[i].node != origin) continue;
        le_put_u64(command->bytes + 16, model->origins[i].epoch);
        le_put_u64(command->bytes + 24, model->origins[i].last_sequence + 1);
    }
    if (type == T_SEAL) le_put_u64(payload, model->sealed_height + 1);
    if (!is_operator(type)) return;
    const uint16_t operator_index = le_get_u16(payload + 8);
    if (operator_index < PARAMS_SIGNERS_LIMIT)
        le_put_u64(payload, model->nonces[operator_index] + 1);
}

/* The engine begins in a little room, another one each time, and moves on when that is full. */
static void writers_begin(struct trial *trial)
{
    const size_t room = trial->number * 37 % TRIAL_ROOM;
    trial->model_out = (struct event_writer){.at = trial->model_events.bytes};
    trial->model_out.end = trial->model_out.at + trial->model_events.capacity;
    trial->engine_out = (struct event_writer){.at = trial->room,
                                              .end = trial->room + room,
                                              .begin = trial->room,
                                              .overflow = trial->engine_events.bytes};
    trial->engine_out.overflow_end = trial->engine_events.bytes + trial->engine_events.capacity;
}

static bool events_equal(const struct trial *trial)
{
    const size_t expected = (size_t)(trial->model_out.at - trial->model_events.bytes);
    const size_t actual = event_writer_mark(&trial->engine_out);
    return expected == actual && trial->model_out.count == trial->engine_out.count &&
           memcmp(trial->model_events.bytes, trial->engine_out.begin, actual) == 0;
}

/* What a reader of the engine's events believes of balances, against the model's. */
static bool balances_equal(struct trial *trial)
{
    const uint8_t *at = trial->engine_out.begin;
    struct event event;
    while (event_next(&at, trial->engine_out.at, &event)) {
        struct balance_event balance;
        if (event.type != T_BALANCE) continue;
        balance_event_get(event.payload, &balance);
        if (balance.account > MODEL_ACCOUNTS || balance.asset >= MODEL_ASSETS) return false;
        trial->folded[balance.account][balance.asset].available = balance.available.units;
        trial->folded[balance.account][balance.asset].held = balance.held.units;
    }
    for (uint32_t account = 1; account <= trial->model->account_count; account++) {
        for (int asset = 0; asset < trial->model->params.asset_count; asset++) {
            const struct model_balance *is = &trial->folded[account][asset];
            const struct model_balance *must = &trial->model->accounts[account].balances[asset];
            if (is->available != must->available || is->held != must->held) return false;
        }
    }
    return at == trial->engine_out.at;
}

bool trial_same(struct trial *trial)
{
    return events_equal(trial) && balances_equal(trial);
}

bool trial_step(struct trial *trial, const struct trial_command *bytes)
{
    struct command command;
    const bool decoded = command_decode(bytes->bytes, bytes->byte_count, &command);
    ASSERT(decoded);
    trial->number++;
    writers_begin(trial);
    model_step(trial->model, &command, trial->number, bytes->stamp_ns, &trial->model_out);
    match_step(trial->engine, &command, trial->number, bytes->stamp_ns, &trial->engine_out);
    return trial_same(trial);
}

void trial_check(const struct trial *trial)
{
    ASSERT(model_check(trial->model));
    ASSERT(engine_check(trial->engine));
}
