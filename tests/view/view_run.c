/* usage: view_run COMMANDS SEED [--lose | --restart]
 *
 * Plays the model's random worlds through the engine, gives its events to the gateway's views, publisher
 * and answers, and compares after every command what the gateway would show with what the model has.
 * With --lose one event in a thousand is kept from the views: the comparison must notice.
 *
 * With --restart the views are thrown away every RESTART_COMMANDS commands and made again, from the model
 * and the section that they wrote; others, whose clock is hours ahead of the log now and then, stay. Both
 * must write the same section at all times.
 */

#include "gateway/publish.h"
#include "gateway/reply.h"
#include "gateway/restore.h"
#include "gateway/view_state.h"
#include "tests/model/dice.h"
#include "tests/model/script.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define WORLD_COMMANDS   2000
#define RESTART_COMMANDS 50
#define SECTION_MAX      (64u << 20)
#define ANSWER_MAX       (4u << 20)
#define HOUR_NS          (3600ull * 1000000000ull)

/* A gateway's views, and where they are. */
struct shop {
    struct arena arena;
    struct market_views *markets;
    struct view *view;
    struct publisher *publisher;
};

struct desk {
    struct trial trial;
    struct market_views *markets; /* the shop's */
    struct view *view;
    struct publisher *publisher;
    struct shop *shop, *other; /* the other one only with --restart */
    bool restarts;
    uint64_t restarted;
    struct reply reply;
    bool is_answering;
    bool was_refused; /* REFUSED or NOOP came by */
    uint64_t commands, answers, refusals, messages, events;
    bool loses;
    uint64_t seed;
};

static char pool[ANSWER_MAX], answer[ANSWER_MAX];
static size_t pool_used;

static char *grow(void *context, const char *bytes, size_t used, size_t capacity)
{
    (void)context;
    char *grown = pool + pool_used;
    if (pool_used + capacity > sizeof(pool)) return NULL;
    pool_used += (capacity + 63) / 64 * 64;
    if (used > 0) memcpy(grown, bytes, used);
    return grown;
}

static bool differs(const struct desk *desk, const char *what, int64_t shown, int64_t has)
{
    printf("differs: %s: shown %" PRId64 ", has %" PRId64 " (seed %" PRIu64 ", command %" PRIu64
           ")\n",
           what, shown, has, desk->seed, desk->trial.number);
    return false;
}

#define SAME(what, shown, has) \
    if ((int64_t)(shown) != (int64_t)(has)) \
    return differs(desk, what, (int64_t)(shown), (int64_t)(has))

/* ---- the gateway ---- */

static void on_message(void *context, const struct publish_message *message)
{
    struct desk *desk = context;
    ASSERT(message->payload_bytes > 0);
    desk->messages++;
}

static struct shop *open_shop(const struct genesis *genesis)
{
    static const struct block_list no_blocks;
    struct shop *shop = calloc(1, sizeof(*shop));
    ASSERT(shop != NULL);
    ASSERT(arena_map(&shop->arena, market_view_bytes(genesis) + view_bytes(genesis) +
                                       publish_bytes(genesis) + 4096));
    shop->markets = market_views_new(&shop->arena, genesis);
    ASSERT(shop->markets != NULL);
    shop->view = view_new(&shop->arena, genesis, market_views_params(shop->markets));
    shop->publisher = publish_new(&shop->arena, genesis, shop->markets, &no_blocks);
    ASSERT(shop->view != NULL && shop->publisher != NULL);
    return shop;
}

static void close_shop(struct shop *shop)
{
    if (shop != NULL) arena_unmap(&shop->arena);
    free(shop);
}

static void use_shop(struct desk *desk, const struct genesis *genesis, struct shop *shop)
{
    desk->shop = shop;
    desk->markets = shop->markets;
    desk->view = shop->view;
    desk->publisher = shop->publisher;
    publish_attach(desk->publisher, (struct publish_sink){desk, on_message});
    for (uint32_t channel = 0; channel < channel_count(genesis->params.markets_max); channel++)
        publish_subscribe(desk->publisher, channel);
}

/* The command as an intent, and the answer it gets; false for a node's own. */
static bool intent_of(const struct command *command, struct intent *intent, enum reply_kind *kind)
{
#define KIND(NAME, name, REPLY) \
    case T_##NAME: \
        name##_command_get(command->payload, &intent->name); \
        *kind = REPLY; \
        return true;
    *intent = (struct intent){.type = command->header.type};
    switch (command->header.type) {
        KIND(ORDER_PLACE, order_place, REPLY_ORDER)
        KIND(ORDER_CANCEL, order_cancel, REPLY_CANCEL)
        KIND(CANCEL_ALL, cancel_all, REPLY_CANCEL_ALL)
        KIND(ORDER_AMEND, order_amend, REPLY_AMEND)
        KIND(ORDER_REPLACE, order_replace, REPLY_REPLACE)
        KIND(LIST_PLACE, list_place, REPLY_LIST)
        KIND(LIST_CANCEL, list_cancel, REPLY_LIST_CANCEL)
        KIND(SWITCH_SET, switch_set, REPLY_SWITCH)
    default:
        *kind = REPLY_ADMIN;
        return command->header.type >= T_ASSET_CREATE && command->header.type <= T_MARKET_FILTERS;
    }
}

static struct printing printing_of(const struct desk *desk)
{
    return (struct printing){market_views_params(desk->markets), 1000000, desk->view};
}

static void begin_answer(struct desk *desk, const struct command *command)
{
    static const uint8_t own_id[36] = "own";
    struct intent intent;
    enum reply_kind kind;
    struct writer empty;
    pool_used = 0;
    desk->was_refused = false;
    desk->is_answering = intent_of(command, &intent, &kind);
    if (!desk->is_answering) return;
    writer_start_growing(&empty, ANSWER_MAX, grow, NULL);
    reply_begin(&desk->reply, kind, RESPONSE_FULL, &intent, own_id, empty);
}

/* The answer must be JSON, and a refusal exactly when the engine refused. */
static bool end_answer(struct desk *desk)
{
    struct writer json;
    struct refusal refusal;
    const struct printing printing = printing_of(desk);
    if (!desk->is_answering) return true;
    writer_start(&json, answer, sizeof(answer));
    const bool given = reply_finish(&desk->reply, &printing, &json, &refusal);
    SAME("answered", given, !desk->was_refused);
    desk->answers += given;
    desk->refusals += !given;
    if (!given) return true;
    ASSERT(!json.overflow);
    json_t *root = json_loadb(json.bytes, json.used, JSON_REJECT_DUPLICATES, NULL);
    SAME("answer is JSON", root != NULL, true);
    json_decref(root);
    return true;
}

static void take_event(struct desk *desk, const struct applied *applied, const struct event *event)
{
    const struct printing printing = printing_of(desk);
    desk->was_refused |= event->type == T_REFUSED || event->type == T_NOOP;
    desk->events++;
    if (desk->loses && desk->events % 1000 == 0 &&
        (event->type == T_BALANCE || event->type == T_LEVEL))
        return;
    market_view_apply(desk->markets, applied, event);
    view_apply(desk->view, applied, event);
    publish_event(desk->publisher, applied, event);
    if (desk->is_answering) reply_event(&desk->reply, &printing, applied, event);
}

static bool take_command(struct desk *desk, const struct trial_command *bytes)
{
    struct command command;
    struct event event;
    const bool decoded = command_decode(bytes->bytes, bytes->byte_count, &command);
    ASSERT(decoded);
    const struct applied applied = {.number = desk->trial.number,
                                    .stamp_ns = bytes->stamp_ns,
                                    .flags = APPLIED_FIRST | APPLIED_LAST};
    const uint8_t *at = desk->trial.engine_out.begin;
    begin_answer(desk, &command);
    while (event_next(&at, desk->trial.engine_out.at, &event))
        take_event(desk, &applied, &event);
    publish_end(desk->publisher, &applied);
    market_views_advance(desk->markets, applied.stamp_ns);
    view_finish(desk->view, &applied);
    publish_tick(desk->publisher, applied.stamp_ns);
    return end_answer(desk);
}

/* The same command for the views that stay; their clock runs ahead now and then. */
static void take_other(struct desk *desk, const struct trial_command *bytes)
{
    struct shop *shop = desk->other;
    struct event event;
    const struct applied applied = {.number = desk->trial.number,
                                    .stamp_ns = bytes->stamp_ns,
                                    .flags = APPLIED_FIRST | APPLIED_LAST};
    const uint8_t *at = desk->trial.engine_out.begin;
    while (event_next(&at, desk->trial.engine_out.at, &event)) {
        market_view_apply(shop->markets, &applied, &event);
        view_apply(shop->view, &applied, &event);
    }
    market_views_advance(shop->markets, applied.stamp_ns);
    view_finish(shop->view, &applied);
    const uint64_t ahead_ns = desk->trial.number % 16 == 0 ? 30 * HOUR_NS : 0;
    for (uint16_t market = 0; market < market_views_count(shop->markets); market++)
        ticker_advance(&market_views_at(shop->markets, market)->ticker,
                       applied.stamp_ns + ahead_ns);
}

/* ---- what is shown, and what is so ---- */

static uint8_t status_of(const struct model_order *order)
{
    if (order->place == PENDING) return ORDER_PENDING_NEW;
    return order->executed > 0 ? ORDER_PARTIALLY_FILLED : ORDER_NEW;
}

static bool same_order(const struct desk *desk, const struct model_order *has)
{
    const struct view_order *shown =
        view_open_order(desk->view, has->account, has->market, has->id);
    if (shown == NULL) return differs(desk, "open order", 0, (int64_t)has->id);
    SAME("price", shown->price.ticks, has->price);
    SAME("quantity", shown->qty.lots, has->qty);
    SAME("executed", shown->executed.lots, has->executed);
    SAME("prevented", shown->prevented.lots, has->prevented);
    SAME("quote executed", shown->quote_executed.units, has->quote_executed);
    SAME("stop price", shown->stop_price.ticks, has->stop_price);
    SAME("iceberg", shown->iceberg_qty.lots, has->iceberg);
    SAME("trailing delta", shown->trailing_delta, has->delta);
    SAME("side", shown->side, has->side);
    SAME("type", shown->type, has->type);
    SAME("time in force", shown->time_in_force, has->time_in_force);
    SAME("mode", shown->self_trade, has->self_trade);
    SAME("created", shown->created_ns, has->created_ns);
    SAME("status", shown->status, status_of(has));
    SAME("list", shown->list_id, has->list == NULL ? 0 : has->list->id);
    SAME("works", shown->working_ns != 0, has->place == RESTS);
    SAME("client id", memcmp(shown->client_id, has->client_id, 36), 0);
    return true;
}

static bool same_orders(const struct desk *desk)
{
    const struct model *model = desk->trial.model;
    int shown = 0;
    for (int i = 0; i < model->open_count; i++)
        if (!same_order(desk, model->open[i])) return false;
    for (uint32_t account = 1; account <= model->account_count; account++)
        shown += (int)view_account(desk->view, account)->open_count;
    SAME("open orders", shown, model->open_count);
    return true;
}

static bool same_lists(const struct desk *desk)
{
    const struct model *model = desk->trial.model;
    const struct view_lists *lists = view_lists(desk->view);
    int shown = 0, has = 0;
    for (int i = 0; i < model->list_slots; i++) {
        const struct model_list *list = &model->lists[i];
        if (!list->open) continue;
        const struct view_list *found = view_list_open(lists, list->market, list->id);
        if (found == NULL) return differs(desk, "open list", 0, (int64_t)list->id);
        SAME("kind of list", found->kind, list->kind);
        for (int leg = 0; leg < 3; leg++) {
            if (list->legs[leg] == NULL) continue;
            SAME("order of list", found->orders[leg].order_id, list->legs[leg]->id);
            SAME("name of order",
                 memcmp(found->orders[leg].client_id, list->legs[leg]->client_id, 36), 0);
        }
        has++;
    }
    for (uint32_t account = 1; account <= model->account_count; account++) {
        const struct view_list *list = NULL;
        while ((list = view_list_next_open(lists, account, list)) != NULL)
            shown++;
    }
    SAME("open lists", shown, has);
    return true;
}

static bool same_accounts(const struct desk *desk)
{
    const struct model *model = desk->trial.model;
    for (uint32_t account = 1; account <= model->account_count; account++) {
        const struct model_account *has = &model->accounts[account];
        SAME("tier", view_account(desk->view, account)->tier, has->tier);
        SAME("frozen", view_account(desk->view, account)->frozen, has->frozen);
        SAME("pending", view_account(desk->view, account)->pending, has->pending);
        for (uint16_t asset = 0; asset < model->params.asset_count; asset++) {
            const struct view_balance shown = view_balance(desk->view, account, asset);
            SAME("available", shown.available.units, has->balances[asset].available);
            SAME("held", shown.held.units, has->balances[asset].held);
        }
    }
    return true;
}

/* One side of a book: what the model's orders show at each price, best first. */
static bool same_side(const struct desk *desk, uint16_t index, enum side side)
{
    static struct depth_level levels[4096];
    const struct model_market *has = &desk->trial.model->markets[index];
    const struct depth *depth = &market_views_at(desk->markets, index)->depth;
    const uint32_t shown = depth_top(depth, side, levels, 4096);
    uint32_t level = 0;
    for (int i = 0; i < has->queue_counts[side]; level++) {
        const int64_t price = has->queues[side][i]->price;
        int64_t lots = 0;
        for (; i < has->queue_counts[side] && has->queues[side][i]->price == price; i++)
            lots += has->queues[side][i]->shown;
        if (level == shown) return differs(desk, "level", 0, price);
        SAME("price of level", levels[level].price.ticks, price);
        SAME("quantity of level", levels[level].qty.lots, lots);
    }
    SAME("levels", shown, level);
    return true;
}

static bool same_markets(const struct desk *desk)
{
    const struct model *model = desk->trial.model;
    const struct params *shown = market_views_params(desk->markets);
    SAME("markets", shown->market_count, model->params.market_count);
    for (uint16_t market = 0; market < shown->market_count; market++) {
        const struct market_view *view = market_views_at(desk->markets, market);
        const struct trade *last = trades_last(&view->trades);
        const struct model_market *has = &model->markets[market];
        SAME("last price", last == NULL ? 0 : last->price.ticks, has->last_price);
        SAME("last trade", last == NULL ? 0 : last->id, has->last_trade);
        SAME("update id", view->depth.update_id, has->last_update);
        SAME("status of market", shown->markets[market].status,
             model->params.markets[market].status);
        SAME("band", shown->markets[market].filters.band_ppm,
             model->params.markets[market].filters.band_ppm);
        if (!same_side(desk, market, BUY) || !same_side(desk, market, SELL)) return false;
    }
    return true;
}

static bool same(const struct desk *desk)
{
    return same_orders(desk) && same_lists(desk) && same_accounts(desk) && same_markets(desk);
}

/* ---- restarts ---- */

struct section {
    uint8_t *bytes;
    size_t byte_count;
};

static bool take_section(void *context, const uint8_t *bytes, size_t byte_count)
{
    struct section *section = context;
    if (section->byte_count + byte_count > SECTION_MAX) return false;
    memcpy(section->bytes + section->byte_count, bytes, byte_count);
    section->byte_count += byte_count;
    return true;
}

static void save_section(const struct shop *shop, struct section *section)
{
    struct restore views;
    const struct restore_sink sink = {take_section, section};
    section->byte_count = 0;
    restore_begin(&views, shop->view, shop->markets);
    ASSERT(restore_save(&views, &sink));
}

static bool same_section(const struct desk *desk, const char *what, const struct section *left,
                         const struct section *right)
{
    SAME(what, left->byte_count, right->byte_count);
    for (size_t at = 0; at < left->byte_count; at++)
        if (left->bytes[at] != right->bytes[at]) return differs(desk, what, (int64_t)at, -1);
    return true;
}

static void restore_accounts(const struct desk *desk, struct restore *restore)
{
    const struct model *model = desk->trial.model;
    for (uint32_t account = 1; account <= model->account_count; account++) {
        const struct model_account *has = &model->accounts[account];
        ASSERT(restore_account(restore, account, has->public_key, has->tier));
        if (has->frozen) ASSERT(restore_frozen(restore, account));
        if (has->pending) ASSERT(restore_pending(restore, account));
        for (uint16_t asset = 0; asset < model->params.asset_count; asset++) {
            const struct view_balance balance = {{has->balances[asset].available},
                                                 {has->balances[asset].held}};
            ASSERT(restore_balance(restore, account, asset, balance));
        }
    }
    for (uint32_t index = 0; index < desk->view->keys.key_count; index++) {
        const struct view_key *key = view_key(desk->view, index);
        struct key_added_event added = {.account = key->account,
                                        .permissions = key->permissions,
                                        .secret_version = key->secret_version};
        memcpy(added.key_id, key->key_id, sizeof(added.key_id));
        memcpy(added.public_key, key->public_key, sizeof(added.public_key));
        ASSERT(restore_key(restore, &added));
        ASSERT(restore_key_ips(restore, key->key_id, &key->ips));
    }
}

static void restore_side(struct restore *restore, const struct model_market *has, uint16_t market,
                         enum side side)
{
    for (int i = 0; i < has->queue_counts[side];) {
        const int64_t price = has->queues[side][i]->price;
        int64_t lots = 0;
        for (; i < has->queue_counts[side] && has->queues[side][i]->price == price; i++)
            lots += has->queues[side][i]->shown;
        ASSERT(restore_level(restore, market, side, (price_t){price}, (qty_t){lots}));
    }
}

static void restore_markets(const struct desk *desk, struct restore *restore)
{
    const struct model *model = desk->trial.model;
    for (uint16_t market = 0; market < model->params.market_count; market++) {
        const struct model_market *has = &model->markets[market];
        ASSERT(restore_book(restore, market, has->last_update));
        restore_side(restore, has, market, BUY);
        restore_side(restore, has, market, SELL);
    }
}

/* In another order than they came in: the section must put that right. */
static void restore_orders(const struct desk *desk, struct restore *restore)
{
    const struct model *model = desk->trial.model;
    for (int i = model->open_count; i-- > 0;) {
        const struct model_order *has = model->open[i];
        struct view_order order = {.order_id = has->id,
                                   .created_ns = has->created_ns,
                                   .price = {has->price},
                                   .qty = {has->qty},
                                   .executed = {has->executed},
                                   .quote_qty = {has->quote_qty},
                                   .quote_executed = {has->quote_executed},
                                   .stop_price = {has->stop_price},
                                   .iceberg_qty = {has->iceberg},
                                   .prevented = {has->prevented},
                                   .trailing_delta = has->delta,
                                   .account = has->account,
                                   .market = has->market,
                                   .side = has->side,
                                   .type = has->type,
                                   .time_in_force = has->time_in_force,
                                   .self_trade = has->self_trade,
                                   .status = status_of(has)};
        memcpy(order.client_id, has->client_id, sizeof(order.client_id));
        ASSERT(restore_order(restore, &order));
    }
}

/* The set that counts for the block being built, and what was decided and counts later. */
static void restore_members(const struct desk *desk, struct restore *restore)
{
    const struct members *members = view_members(desk->view);
    const uint64_t height = desk->trial.model->sealed_height + 1;
    struct node_set set;
    uint64_t since;
    ASSERT(members_at(members, height, &set, &since));
    ASSERT(restore_nodes(restore, height, &set));
    for (uint64_t number = members->folded_count; number < members->change_count; number++) {
        const struct node_changed_event *changed = &members->changes[number % MEMBERS_CHANGES_KEPT];
        if (changed->height > height) ASSERT(restore_node_change(restore, changed));
    }
}

static bool same_members(const struct desk *desk, uint64_t height)
{
    struct node_set shown, has;
    uint64_t since;
    ASSERT(members_at(view_members(desk->view), height, &shown, &since));
    ASSERT(members_at(view_members(desk->other->view), height, &has, &since));
    SAME("members", shown.count, has.count);
    for (uint32_t i = 0; i < has.count; i++) {
        SAME("node", shown.members[i].node, has.members[i].node);
        SAME("role", shown.members[i].role, has.members[i].role);
    }
    return true;
}

/* Throws the views away and makes them again. */
static bool restart(struct desk *desk, const struct genesis *genesis)
{
    static struct section before, again;
    struct restore restore;
    if (before.bytes == NULL) before.bytes = malloc(SECTION_MAX);
    if (again.bytes == NULL) again.bytes = malloc(SECTION_MAX);
    ASSERT(before.bytes != NULL && again.bytes != NULL);
    save_section(desk->shop, &before);
    save_section(desk->other, &again);
    if (!same_section(desk, "section of views that stayed", &again, &before)) return false;

    struct shop *shop = open_shop(genesis);
    restore_begin(&restore, shop->view, shop->markets);
    ASSERT(restore_params(&restore, &desk->trial.model->params));
    restore_accounts(desk, &restore);
    restore_markets(desk, &restore);
    restore_orders(desk, &restore);
    restore_members(desk, &restore);
    SAME("section loads", restore_load(&restore, before.bytes, before.byte_count), true);
    SAME("restore ends", restore_end(&restore, desk->trial.number), true);
    publish_restart(shop->publisher);
    ASSERT(view_check(shop->view));
    save_section(shop, &again);
    close_shop(desk->shop);
    use_shop(desk, genesis, shop);
    desk->restarted++;
    return same_section(desk, "section of restored views", &again, &before);
}

/* ---- worlds ---- */

static bool play_world(struct desk *desk, uint64_t commands)
{
    struct genesis *genesis = malloc(sizeof(*genesis));
    struct trial_command command;
    struct dice dice;
    bool good = true;
    ASSERT(genesis != NULL);
    script_genesis(genesis);
    dice_open(&dice, desk->seed, genesis);
    trial_open(&desk->trial, genesis);
    use_shop(desk, genesis, open_shop(genesis));
    if (desk->restarts) desk->other = open_shop(genesis);
    for (uint64_t i = 0; good && i < commands; i++, desk->commands++) {
        dice_next(&dice, desk->trial.model, &command);
        trial_regulate(&desk->trial, &command);
        good = trial_step(&desk->trial, &command);
        if (!good) printf("the engine differs from the model (seed %" PRIu64 ")\n", desk->seed);
        good = good && take_command(desk, &command) && same(desk);
        if (good && desk->restarts) {
            const uint64_t height = desk->trial.model->sealed_height + 1;
            take_other(desk, &command);
            good = same_members(desk, height) && same_members(desk, height + 2);
        }
        if (good && desk->restarts && i % RESTART_COMMANDS == RESTART_COMMANDS - 1)
            good = restart(desk, genesis) && same(desk);
        if (good && i % 64 == 0) ASSERT(view_check(desk->view));
    }
    close_shop(desk->shop);
    close_shop(desk->other);
    desk->other = NULL;
    trial_close(&desk->trial);
    free(genesis);
    return good;
}

int main(int argc, char **argv)
{
    static struct desk desk;
    const uint64_t commands = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    if (commands == 0 || argc > 4) {
        fputs("usage: view_run COMMANDS SEED [--lose | --restart]\n", stderr);
        return 2;
    }
    desk.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    desk.loses = argc > 3 && strcmp(argv[3], "--lose") == 0;
    desk.restarts = argc > 3 && strcmp(argv[3], "--restart") == 0;
    while (desk.commands < commands) {
        const uint64_t rest = commands - desk.commands;
        if (!play_world(&desk, rest < WORLD_COMMANDS ? rest : WORLD_COMMANDS)) return 1;
        desk.seed++;
    }
    printf("%" PRIu64 " commands, %" PRIu64 " events, %" PRIu64 " answers, %" PRIu64
           " refusals, %" PRIu64 " stream messages, %" PRIu64
           " restarts: all shown as they are; next seed %" PRIu64 "\n",
           desk.commands, desk.events, desk.answers, desk.refusals, desk.messages, desk.restarted,
           desk.seed);
    return 0;
}
