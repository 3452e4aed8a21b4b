#include "tests/model/parts.h"

#include <stdlib.h>
#include <string.h>

#define SWITCH_TIMEOUT_MAX_MS 86400000
#define NS_PER_MS             UINT64_C(1000000)

struct model *model_new(const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    if (params->accounts_max > MODEL_ACCOUNTS || params->assets_max > MODEL_ASSETS ||
        params->markets_max > MODEL_MARKETS || params->keys_max > MODEL_KEYS ||
        genesis->validators.count > MODEL_ORIGINS)
        return NULL;
    struct model *model = calloc(1, sizeof(*model));
    ASSERT(model != NULL);
    model->params = *params;
    hash_hex(genesis_chain_id(genesis).bytes, HASH_BYTES, model->chain_id);
    model->operator_count = genesis->operator_count;
    model->origin_count = (int)genesis->validators.count;
    for (int i = 0; i < model->origin_count; i++)
        model->origins[i].node = genesis->validators.members[i].node;
    model->member_count = model->origin_count;
    for (int i = 0; i < model->member_count; i++) {
        const struct validator *validator = &genesis->validators.members[i];
        struct model_member *member = &model->members[i];
        *member = (struct model_member){.node = validator->node, .role = NODE_VOTER};
        memcpy(member->public_key, validator->public_key, sizeof(member->public_key));
        memcpy(member->address, validator->address, sizeof(member->address));
        if (member->node > model->last_node) model->last_node = member->node;
    }
    model->first_command = 1;

    const size_t slots = params->orders_max + 2;
    model->order_slots = model->list_slots = (int)slots;
    model->orders = calloc(slots, sizeof(*model->orders));
    model->open = calloc(slots, sizeof(struct model_order *));
    model->lists = calloc(slots, sizeof(*model->lists));
    model->switches = calloc(slots, sizeof(*model->switches));
    model->repeats = calloc(slots, sizeof(*model->repeats));
    model->work = calloc(4 * slots, sizeof(*model->work));
    model->run_prices = calloc(slots, sizeof(*model->run_prices));
    model->changed_room = (int)(2 * slots);
    model->changed = calloc(2 * slots, sizeof(*model->changed));
    for (int i = 0; i < MODEL_MARKETS; i++)
        for (int side = BUY; side <= SELL; side++)
            model->markets[i].queues[side] = calloc(slots, sizeof(struct model_order *));
    return model;
}

void model_free(struct model *model)
{
    for (int i = 0; i < MODEL_MARKETS; i++)
        for (int side = BUY; side <= SELL; side++)
            free(model->markets[i].queues[side]);
    free(model->deposits);
    free(model->withdrawals);
    free(model->changed);
    free(model->run_prices);
    free(model->work);
    free(model->repeats);
    free(model->switches);
    free(model->lists);
    free(model->open);
    free(model->orders);
    free(model);
}

/* ---- Ending many ---- */

/* Which orders a command ends. */
struct sweep {
    bool by_owner, by_session, by_origin;
    uint32_t account, session, origin;
    uint16_t market;
};

static bool swept(const struct sweep *sweep, const struct model_order *order)
{
    if (sweep->by_owner && (order->account != sweep->account || order->market != sweep->market))
        return false;
    if (sweep->by_session && (order->session == 0 || order->session != sweep->session))
        return false;
    if (sweep->by_origin && (order->session == 0 || order->origin != sweep->origin)) return false;
    return true;
}

/* In the order in which they were accepted, which is that of their ids in a market. False: none. */
static bool orders_sweep(struct model *model, const struct sweep *sweep, uint8_t reason)
{
    bool any = false;
    for (int i = 0; i < model->open_count;) {
        if (!swept(sweep, model->open[i])) {
            i++;
            continue;
        }
        model_order_end(model, model->open[i], ORDER_CANCELED, reason);
        any = true;
        i = 0; /* others of its list may have gone with it */
    }
    return any;
}

/* ---- Switches ---- */

static bool switch_before(const struct model_switch *left, const struct model_switch *right)
{
    if (left->deadline_ns != right->deadline_ns) return left->deadline_ns < right->deadline_ns;
    if (left->account != right->account) return left->account < right->account;
    return left->market < right->market;
}

static void switch_remove(struct model *model, uint32_t index)
{
    model->switches[index] = model->switches[--model->switch_count];
}

static void switches_fire(struct model *model)
{
    while (model->switch_count > 0) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < model->switch_count; i++)
            if (switch_before(&model->switches[i], &model->switches[first])) first = i;
        const struct model_switch due = model->switches[first];
        if (due.deadline_ns > model->stamp_ns) return;
        switch_remove(model, first);
        event_write_switch_fired(model->out,
                                 &(struct switch_fired_event){.deadline_ns = due.deadline_ns,
                                                              .account = due.account,
                                                              .market = due.market});
        const struct sweep sweep = {.by_owner = true, .account = due.account, .market = due.market};
        (void)orders_sweep(model, &sweep, DONE_SWITCH);
    }
}

static enum reject switch_set(struct model *model, const struct switch_set_command *ask)
{
    const enum reject reject = model_check_names(model, ask->account, ask->market);
    if (reject != REJECT_NONE) return reject;
    if (ask->timeout_ms > SWITCH_TIMEOUT_MAX_MS) return REJECT_SWITCH_TIMEOUT;
    uint32_t at = 0;
    while (at < model->switch_count && (model->switches[at].account != ask->account ||
                                        model->switches[at].market != ask->market))
        at++;
    const bool armed = at < model->switch_count;
    if (!armed && ask->timeout_ms != 0 && model->switch_count >= model->params.orders_max)
        return REJECT_ORDERS_FULL;
    uint32_t own = 0;
    for (uint32_t i = 0; i < model->switch_count; i++)
        own += model->switches[i].account == ask->account;
    if (!armed && ask->timeout_ms != 0 &&
        !model_place_free(model, model->params.orders_max, model->switch_count, own))
        return REJECT_ORDERS_FULL;
    if (armed) switch_remove(model, at);
    uint64_t deadline_ns = 0;
    if (ask->timeout_ms != 0) {
        deadline_ns = model->stamp_ns + ask->timeout_ms * NS_PER_MS;
        model->switches[model->switch_count++] =
            (struct model_switch){deadline_ns, ask->account, ask->market};
    }
    event_write_switch_armed(model->out, &(struct switch_armed_event){.deadline_ns = deadline_ns,
                                                                      .account = ask->account,
                                                                      .market = ask->market});
    return REJECT_NONE;
}

/* ---- The account's commands ---- */

static enum reject order_step(struct model *model, const struct order_place_command *ask)
{
    enum reject reject = model_check_names(model, ask->account, ask->market);
    if (reject == REJECT_NONE && model->accounts[ask->account].frozen)
        reject = REJECT_ACCOUNT_FROZEN;
    if (reject == REJECT_NONE && market_of(model, ask->market)->status != MARKET_TRADING)
        reject = REJECT_MARKET_CLOSED;
    if (reject == REJECT_NONE) reject = model_check_form(model, ask);
    if (reject == REJECT_NONE) reject = model_check_values(model, ask);
    if (reject == REJECT_NONE) reject = model_check_state(model, ask);
    if (reject == REJECT_NONE) model_order_place(model, ask);
    return reject;
}

#define TAG_OF(ask, of) \
    (struct model_tag) \
    { \
        (ask)->of##strategy_id, (ask)->of##strategy_type, (ask)->of##flags \
    }

static enum reject order_submit(struct model *model, const struct order_submit_command *ask,
                                const struct order_place_command *place)
{
    model->tags[0] = TAG_OF(ask, );
    enum reject reject = model_check_tags(model, 1, 7);
    if (reject != REJECT_NONE) return reject;
    if ((ask->flags & 4) == 0) return order_step(model, place);
    if (model_id_is_none(place->client_id)) return REJECT_COMBINATION;
    const struct order_repeated_event *first = model_repeat_find(model, place);
    if (first != NULL) {
        if (model->params.rules >= 6 && !model_repeat_same(model, first, place))
            return REJECT_REPEAT_DIFFERS;
        event_write_order_repeated(model->out, first);
        return REJECT_NONE;
    }
    reject = order_step(model, place);
    model->remembers = reject == REJECT_NONE;
    return reject;
}

static enum reject list_submit(struct model *model, const struct list_submit_command *ask,
                               const struct list_place_command *place)
{
    model->tags[0] = TAG_OF(ask, a_);
    model->tags[1] = TAG_OF(ask, b_);
    model->tags[2] = TAG_OF(ask, c_);
    const enum reject reject = model_check_tags(model, 3, 3);
    return reject != REJECT_NONE ? reject : model_list_place(model, place);
}

/* The order to cancel; when it may not be cancelled, why. */
static enum reject cancel_find(struct model *model, uint32_t account, uint16_t market, uint64_t id,
                               const uint8_t client_id[36], uint8_t restriction,
                               struct model_order **order)
{
    *order = model_order_find(model, account, market, id, client_id);
    if (*order == NULL) return REJECT_UNKNOWN_ORDER;
    if (restriction > CANCEL_ONLY_PARTIALLY_FILLED) return REJECT_COMBINATION;
    if (restriction == CANCEL_ONLY_NEW && (*order)->executed != 0) return REJECT_CANCEL_RESTRICTED;
    if (restriction == CANCEL_ONLY_PARTIALLY_FILLED && (*order)->executed == 0)
        return REJECT_CANCEL_RESTRICTED;
    return REJECT_NONE;
}

static enum reject order_cancel(struct model *model, const struct order_cancel_command *ask)
{
    struct model_order *order;
    enum reject reject = model_check_names(model, ask->account, ask->market);
    if (reject == REJECT_NONE)
        reject = cancel_find(model, ask->account, ask->market, ask->order_id, ask->orig_client_id,
                             ask->restriction, &order);
    if (reject == REJECT_NONE) model_order_end(model, order, ORDER_CANCELED, DONE_CANCELED);
    return reject;
}

static enum reject cancel_all(struct model *model, const struct cancel_all_command *ask)
{
    const struct sweep sweep = {.by_owner = true, .account = ask->account, .market = ask->market};
    const enum reject reject = model_check_names(model, ask->account, ask->market);
    if (reject != REJECT_NONE) return reject;
    return orders_sweep(model, &sweep, DONE_CANCELED_ALL) ? REJECT_NONE : REJECT_UNKNOWN_ORDER;
}

static enum reject session_end(struct model *model, const struct session_end_command *ask)
{
    const struct sweep sweep = {.by_owner = true,
                                .by_session = true,
                                .by_origin = true,
                                .account = ask->account,
                                .session = ask->session,
                                .origin = model->header.origin,
                                .market = ask->market};
    const enum reject reject = model_check_names(model, ask->account, ask->market);
    if (reject == REJECT_NONE) (void)orders_sweep(model, &sweep, DONE_SESSION);
    return reject;
}

static enum reject amend_check(struct model *model, const struct order_amend_command *ask,
                               struct model_order **found)
{
    const enum reject reject = model_check_names(model, ask->account, ask->market);
    if (reject != REJECT_NONE) return reject;
    const struct market *market = market_of(model, ask->market);
    if (model->accounts[ask->account].frozen) return REJECT_ACCOUNT_FROZEN;
    if (market->status != MARKET_TRADING) return REJECT_MARKET_CLOSED;
    struct model_order *order =
        model_order_find(model, ask->account, ask->market, ask->order_id, ask->orig_client_id);
    *found = order;
    if (order == NULL) return REJECT_UNKNOWN_ORDER;
    if (order->place == PENDING || model_sibling_of(order) != NULL) return REJECT_AMEND_IN_LIST;
    const int64_t qty = ask->qty.lots;
    if (qty <= 0) return REJECT_ZERO_VALUE;
    if (qty > order->qty) return REJECT_AMEND_INCREASE;
    if (qty == order->qty) return REJECT_AMEND_NO_CHANGE;
    if (qty <= order->executed + order->prevented) return REJECT_AMEND_EXECUTED;
    if (qty < market->qty_min.lots || qty > market->qty_max.lots) return REJECT_LOT_SIZE;
    if (has_price(order->type)) {
        const int64_t quote = model_quote_of(model, ask->market, order->price, qty);
        const int64_t most = market->filters.notional_max.units;
        if (quote < market->notional_min.units || (most != 0 && quote > most))
            return REJECT_NOTIONAL;
    }
    if (model_id_is_none(ask->client_id)) return REJECT_NONE;
    const struct model_order *same =
        model_order_find(model, ask->account, ask->market, 0, ask->client_id);
    return same != NULL && same != order ? REJECT_DUPLICATE_ORDER : REJECT_NONE;
}

static enum reject order_amend(struct model *model, const struct order_amend_command *ask)
{
    struct model_order *order;
    const enum reject reject = amend_check(model, ask, &order);
    if (reject != REJECT_NONE) return reject;
    struct order_amended_event amended = {.order_id = order->id,
                                          .qty_before = {order->qty},
                                          .qty = ask->qty,
                                          .account = order->account,
                                          .market = order->market};
    if (!model_id_is_none(ask->client_id)) memcpy(order->client_id, ask->client_id, 36);
    memcpy(amended.client_id, order->client_id, sizeof(amended.client_id));
    event_write_order_amended(model->out, &amended);

    order->left -= order->qty - ask->qty.lots;
    order->qty = ask->qty.lots;
    if (order->place == RESTS) {
        const int64_t shown = order->shown;
        order->shown = least(order->shown, order->left); /* what it hides goes first */
        if (shown != order->shown) model_level_change(model, order);
    }
    model_hold_fall(model, order);
    return REJECT_NONE;
}

static struct order_place_command new_order_of(const struct order_replace_command *ask)
{
    struct order_place_command place = {
        .price = ask->price,
        .qty = ask->qty,
        .quote_qty = ask->quote_qty,
        .stop_price = ask->stop_price,
        .iceberg_qty = ask->iceberg_qty,
        .trailing_delta = ask->trailing_delta,
        .account = ask->account,
        .session = ask->session,
        .market = ask->market,
        .side = ask->side,
        .type = ask->type,
        .time_in_force = ask->time_in_force,
        .self_trade = ask->self_trade,
    };
    memcpy(place.client_id, ask->client_id, sizeof(place.client_id));
    return place;
}

static enum reject order_replace(struct model *model, const struct order_replace_command *ask)
{
    const struct order_place_command place = new_order_of(ask);
    enum reject reject = model_check_names(model, ask->account, ask->market);
    if (reject == REJECT_NONE && model->accounts[ask->account].frozen)
        reject = REJECT_ACCOUNT_FROZEN;
    if (reject == REJECT_NONE && market_of(model, ask->market)->status != MARKET_TRADING)
        reject = REJECT_MARKET_CLOSED;
    if (reject == REJECT_NONE && ask->mode != REPLACE_STOP_ON_FAILURE &&
        ask->mode != REPLACE_ALLOW_FAILURE)
        reject = REJECT_COMBINATION;
    if (reject == REJECT_NONE) reject = model_check_form(model, &place);
    if (reject == REJECT_NONE) reject = model_check_values(model, &place);
    if (reject != REJECT_NONE) return reject;

    /* Comes first; what it says is known at the end. */
    uint8_t *first = model->out->at;
    struct order_replaced_event replaced = {0};
    event_write_order_replaced(model->out, &replaced);
    struct model_order *order;
    const enum reject cancel = cancel_find(model, ask->account, ask->market, ask->cancel_order_id,
                                           ask->cancel_orig_client_id, ask->restriction, &order);
    if (cancel == REJECT_NONE) model_order_end(model, order, ORDER_CANCELED, DONE_REPLACED);
    replaced.cancel_reject = (uint16_t)cancel;
    replaced.attempted = cancel == REJECT_NONE || ask->mode == REPLACE_ALLOW_FAILURE;
    if (replaced.attempted) {
        reject = model_check_state(model, &place);
        replaced.place_reject = (uint16_t)reject;
        if (reject == REJECT_NONE) model_order_place(model, &place);
    }
    order_replaced_event_put(first + EVENT_HEADER_BYTES, &replaced);
    return REJECT_NONE;
}

static enum reject order_resubmit(struct model *model, const struct order_resubmit_command *ask,
                                  const struct order_replace_command *place)
{
    model->tags[0] = TAG_OF(ask, );
    const enum reject reject = model_check_tags(model, 1, 3);
    return reject != REJECT_NONE ? reject : order_replace(model, place);
}

/* ---- The nodes' own commands: a refusal of theirs is a NOOP. ---- */

static enum reject hello(struct model *model, const struct hello_command *ask)
{
    for (int i = 0; i < model->origin_count; i++) {
        if (model->origins[i].node != ask->node) continue;
        if (model->origins[i].epoch != 0 && model->origins[i].nonce == ask->nonce) break;
        model->origins[i].epoch = model->number;
        model->origins[i].nonce = ask->nonce;
        model->origins[i].last_sequence = 0;
        event_write_hello_accepted(
            model->out, &(struct hello_accepted_event){.epoch = model->number, .node = ask->node});
        model_sessions_end(model, ask->node);
        return REJECT_NONE;
    }
    return REJECT_STALE_SEQUENCE;
}

static enum reject seal(struct model *model, const struct seal_command *ask)
{
    if (ask->height != model->sealed_height + 1) return REJECT_OTHER_HEIGHT;
    event_write_sealed(model->out, &(struct sealed_event){.height = ask->height,
                                                          .first_command = model->first_command});
    model->sealed_height = ask->height;
    model->first_command = model->number + 1;
    return REJECT_NONE;
}

void model_sessions_end(struct model *model, uint32_t node)
{
    const struct sweep sweep = {.by_origin = true, .origin = node};
    (void)orders_sweep(model, &sweep, DONE_ORIGIN_LOST);
}

static enum reject origin_lost(struct model *model, const struct origin_lost_command *ask)
{
    for (int i = 0; i < model->origin_count; i++) {
        if (model->origins[i].node != ask->node || model->origins[i].epoch == 0 ||
            model->origins[i].epoch != ask->epoch)
            continue;
        model->origins[i].epoch = 0;
        model_sessions_end(model, ask->node);
        return REJECT_NONE;
    }
    return REJECT_STALE_SEQUENCE;
}

/* ---- One command ---- */

/* Whether the command is its origin's next one; then it counts. */
static bool origin_advances(struct model *model)
{
    const struct command_header *header = &model->header;
    if (header->origin == 0) return true;
    for (int i = 0; i < model->origin_count; i++) {
        if (model->origins[i].node != header->origin || model->origins[i].epoch == 0) continue;
        if (model->origins[i].epoch != header->origin_epoch) continue;
        if (model->origins[i].last_sequence + 1 != header->origin_sequence) continue;
        model->origins[i].last_sequence++;
        return true;
    }
    return false;
}

#define COMMAND(NAME, name, function) \
    case T_##NAME: { \
        struct name##_command ask; \
        name##_command_get(command->payload, &ask); \
        return function(model, &ask); \
    }

static enum reject node_step(struct model *model, const struct command *command)
{
    switch (command->header.type) {
        COMMAND(HELLO, hello, hello)
        COMMAND(SEAL, seal, seal)
        COMMAND(ORIGIN_LOST, origin_lost, origin_lost)
        COMMAND(VOTE, vote, model_vote)
    case T_LIABILITIES_VOTE:
        return model->params.rules < 3 ? REJECT_LATER_VERSION : REJECT_NONE;
    default:
        return REJECT_NONE; /* CHECKPOINT_VOTE: nothing of the engine's */
    }
}

/* One that begins with the whole of another. */
#define COMMAND_BEYOND(NAME, name, base, function) \
    case T_##NAME: { \
        struct name##_command ask; \
        struct base##_command begin; \
        name##_command_get(command->payload, &ask); \
        base##_command_get(command->payload, &begin); \
        return function(model, &ask, &begin); \
    }

static enum reject account_step(struct model *model, const struct command *command)
{
    switch (command->header.type) {
        COMMAND(ORDER_PLACE, order_place, order_step)
        COMMAND_BEYOND(ORDER_SUBMIT, order_submit, order_place, order_submit)
        COMMAND_BEYOND(ORDER_RESUBMIT, order_resubmit, order_replace, order_resubmit)
        COMMAND_BEYOND(LIST_SUBMIT, list_submit, list_place, list_submit)
        COMMAND(ORDER_CANCEL, order_cancel, order_cancel)
        COMMAND(CANCEL_ALL, cancel_all, cancel_all)
        COMMAND(ORDER_AMEND, order_amend, order_amend)
        COMMAND(ORDER_REPLACE, order_replace, order_replace)
        COMMAND(LIST_PLACE, list_place, model_list_place)
        COMMAND(LIST_CANCEL, list_cancel, model_list_cancel)
        COMMAND(SWITCH_SET, switch_set, switch_set)
        COMMAND(SESSION_END, session_end, session_end)
        COMMAND(WITHDRAW, withdraw, model_withdraw)
        COMMAND(ADDRESS_ALLOW, address_allow, model_address_allow)
        COMMAND(WITHDRAWAL_CANCEL, withdrawal_cancel, model_withdrawal_cancel)
        COMMAND(EPOCH_CHANGE, epoch_change, model_epoch_change)
        COMMAND(KEY_CREATE, key_create, model_key_create)
        COMMAND(KEY_LIMIT, key_limit, model_key_limit)
        COMMAND(KEY_REMOVE, key_remove, model_key_remove)
        COMMAND(ACCOUNT_OPEN, account_open, model_account_open)
    default:
        return model_operator_step(model, command);
    }
}

static void step(struct model *model, const struct command *command)
{
    enum reject noop = REJECT_NONE, refused = REJECT_NONE;
    if (!origin_advances(model))
        noop = REJECT_STALE_SEQUENCE;
    else if (command->header.group != 0)
        noop = REJECT_LATER_VERSION;
    else if (command->header.deadline_ns != 0 && model->stamp_ns > command->header.deadline_ns)
        refused = REJECT_TOO_LATE;
    else if (model_waits(model, command))
        refused = REJECT_ACCOUNT_PENDING;
    else if (!model_key_may(model, command))
        refused = REJECT_KEY_PERMISSION;
    else if (!model_key_chain_named(model, command))
        refused = REJECT_OTHER_CHAIN;
    else if (command->header.type <= T_LIABILITIES_VOTE)
        noop = node_step(model, command);
    else
        refused = account_step(model, command);
    if (command->header.type <= T_LIABILITIES_VOTE && refused != REJECT_NONE) {
        noop = refused; /* nobody waits for an answer to a node's own command */
        refused = REJECT_NONE;
    }
    if (noop != REJECT_NONE) event_write_noop(model->out, &(struct noop_event){(uint16_t)noop});
    if (refused != REJECT_NONE)
        event_write_refused(model->out, &(struct refused_event){(uint16_t)refused});
}

static void levels_write(struct model *model)
{
    for (int i = 0; i < model->changed_count; i++) {
        const uint16_t market_index = model->changed[i].market;
        struct model_market *market = &model->markets[market_index];
        const uint8_t side = model->changed[i].side;
        int64_t lots = 0;
        for (int k = 0; k < market->queue_counts[side]; k++)
            if (market->queues[side][k]->price == model->changed[i].price)
                lots += market->queues[side][k]->shown;
        event_write_level(model->out, &(struct level_event){.update_id = ++market->last_update,
                                                            .price = {model->changed[i].price},
                                                            .qty = {lots},
                                                            .market = market_index,
                                                            .side = side});
    }
    model->changed_count = 0;
}

static void balances_write(struct model *model)
{
    for (int i = 0; i < model->touched_count; i++) {
        const uint32_t account = model->touched[i].account;
        const uint16_t asset = model->touched[i].asset;
        struct model_balance *balance = &model->accounts[account].balances[asset];
        event_write_balance(model->out, &(struct balance_event){.available = {balance->available},
                                                                .held = {balance->held},
                                                                .account = account,
                                                                .asset = asset});
        balance->touched = false;
    }
    model->touched_count = 0;
}

void model_step(struct model *model, const struct command *command, uint64_t number,
                uint64_t stamp_ns, struct event_writer *out)
{
    ASSERT(number == model->number + 1);
    ASSERT(stamp_ns >= model->stamp_ns);
    model->header = command->header;
    model->number = number;
    model->stamp_ns = stamp_ns;
    memset(model->tags, 0, sizeof(model->tags));
    model->remembers = false;
    model->out = out;
    switches_fire(model);
    step(model, command);
    model_work_queue_run(model);
    if (model->remembers) model_repeat_remember(model, model->placed);
    levels_write(model);
    balances_write(model);
}

/* ---- Invariants ---- */

static void check_holds(const struct model *model)
{
    int64_t held[MODEL_ACCOUNTS + 1][MODEL_ASSETS] = {0};
    for (int i = 0; i < model->open_count; i++) {
        const struct model_order *order = model->open[i];
        const struct market *market = &model->params.markets[order->market];
        int64_t hold = order->hold;
        if (model_sibling_of(order) != NULL && order->leg < model_sibling_of(order)->leg)
            hold += order->list->pair_hold;
        ASSERT(order->place != PENDING || hold == 0);
        held[order->account][order->side == BUY ? market->quote : market->base] += hold;
    }
    for (uint32_t account = 1; account <= model->account_count; account++)
        for (int asset = 0; asset < MODEL_ASSETS; asset++)
            ASSERT(model->accounts[account].balances[asset].held ==
                   held[account][asset] + model_withdrawals_hold(model, account, (uint16_t)asset));
}

static void check_supply(const struct model *model)
{
    for (int asset = 0; asset < MODEL_ASSETS; asset++) {
        __int128 sum = (__int128)model->fees[asset] + model->in_flight[asset];
        ASSERT(model->fees[asset] >= 0 && model->in_flight[asset] >= 0);
        for (uint32_t account = 1; account <= model->account_count; account++) {
            const struct model_balance *balance = &model->accounts[account].balances[asset];
            ASSERT(balance->available >= 0 && balance->held >= 0);
            sum += balance->available;
            sum += balance->held;
        }
        ASSERT(sum == model->supply[asset]);
    }
}

static int64_t check_queue(const struct model_market *market, int side)
{
    int64_t levels = 0;
    for (int i = 0; i < market->queue_counts[side]; i++) {
        const struct model_order *order = market->queues[side][i];
        const int64_t better = i > 0 ? market->queues[side][i - 1]->price : 0;
        ASSERT(order->open && order->place == RESTS && order->side == side);
        ASSERT(order->shown > 0 && order->shown <= order->left);
        ASSERT(order->qty == order->left + order->executed + order->prevented);
        ASSERT(order->iceberg != 0 || order->shown == order->left);
        if (i == 0 || order->price != better) levels++;
        if (i > 0) ASSERT(side == BUY ? order->price <= better : order->price >= better);
    }
    return levels;
}

bool model_check(const struct model *model)
{
    int64_t levels = 0;
    check_holds(model);
    check_supply(model);
    for (int i = 0; i < model->params.market_count; i++) {
        const struct model_market *market = &model->markets[i];
        levels += check_queue(market, BUY) + check_queue(market, SELL);
        if (market->queue_counts[BUY] > 0 && market->queue_counts[SELL] > 0)
            ASSERT(market->queues[BUY][0]->price < market->queues[SELL][0]->price);
    }
    for (int i = 0; i < model->open_count; i++) {
        const struct model_order *order = model->open[i];
        ASSERT(order->place == RESTS || is_dormant(order));
        levels += is_dormant(order);
    }
    ASSERT(levels <= model->params.levels_max);
    ASSERT((uint32_t)model->open_count <= model->params.orders_max);
    return true;
}
